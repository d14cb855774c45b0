//! The fleet on the command line: what the cards do, what comes next, and what a person wants of it.

use studio_core::{fleet::Scope, schedule::Within};

use super::{CliError, Exit, Invocation, length, say};
use crate::{conductor::Resting, store};

/// Characters of a memory bar.
const BAR: usize = 24;

pub(super) async fn fleet(invocation: &Invocation) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let mut client = invocation.client(&data)?;
    let view = client.fleet().await?;
    let mut names = std::collections::BTreeMap::new();
    for task in store::tasks::unfinished(&data.context.db).await? {
        names.insert(task.id.to_string(), task.slot);
    }
    let name = |id: &serde_json::Value| {
        let id = id.as_str().unwrap_or_default();
        names.get(id).cloned().unwrap_or_else(|| id.to_owned())
    };
    say(invocation.json, &view, || {
        let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
        if list(&view["cards"]).is_empty() {
            out!(
                "no graphics card is in use; everything is done on the processor ('studiod check' says what is found)"
            );
        }
        for card in list(&view["cards"]) {
            out!("{}", card_line(&card));
            for seat in list(&card["seats"]) {
                seat_lines(&seat, &name);
            }
        }
        for seat in list(&view["cpu"]) {
            let busy = !list(&seat["inside"]).is_empty() || !list(&seat["next"]).is_empty();
            if busy && seat["engine"] != "studio" {
                seat_lines(&seat, &name);
            }
        }
        for pause in list(&view["pauses"]) {
            let scope: Option<Scope> = serde_json::from_value(pause[0].clone()).ok();
            let scope = scope.map_or_else(String::new, |scope| scope.to_string());
            out!("paused: {scope}: {}", pause[1]["why"].as_str().unwrap_or_default());
        }
        if !client.is_running() {
            let waiting = names.len();
            out!("the studio does not run: {waiting} tasks not finished wait for 'studiod serve' or 'studiod produce'");
            return;
        }
        let ready: Vec<u64> = list(&view["ready"]).iter().filter_map(serde_json::Value::as_u64).collect();
        if let [interactive, production, background] = ready[..] {
            out!(
                "ready: {interactive} interactive, {production} production, {background} background; {} tasks not finished",
                view["unfinished"]
            );
        }
    });
    Ok(Exit::Done)
}

/// Name, memory bar, temperature and watts of a card.
fn card_line(card: &serde_json::Value) -> String {
    let number = |key: &str| card[key].as_u64().unwrap_or(0);
    let (total, foreign, booked) = (number("total_mib"), number("foreign_mib"), number("booked_mib"));
    let cells = |mib: u64| (mib as f64 / total.max(1) as f64 * BAR as f64).round() as usize;
    let (ours, others) = (cells(booked).min(BAR), cells(foreign));
    let others = others.min(BAR - ours);
    let bar = format!("{}{}{}", "#".repeat(ours), "x".repeat(others), ".".repeat(BAR - ours - others));
    let gib = |mib: u64| mib as f64 / 1024.0;
    let mut line = format!(
        "{:14} [{bar}] {:.1} of {:.1} GiB booked",
        card["card"].as_str().unwrap_or_default(),
        gib(booked),
        gib(total)
    );
    if total == 0 {
        line =
            format!("{:14} memory unknown, {:.1} GiB booked", card["card"].as_str().unwrap_or_default(), gib(booked));
    }
    if foreign > 0 {
        line = format!("{line}, {:.1} by others {}", gib(foreign), card["foreign_who"].as_str().unwrap_or_default());
    }
    if let Some(degrees) = card["temperature_c"].as_u64() {
        line = format!("{line}, {degrees} °C");
    }
    if let Some(watts) = card["power_w"].as_f64() {
        line = format!("{line}, {watts:.0} W");
    }
    match card["rests"].as_str() {
        Some(rests) if !rests.is_empty() => format!("{line}; rests: {rests}"),
        _ => line,
    }
}

fn seat_lines(seat: &serde_json::Value, name: &impl Fn(&serde_json::Value) -> String) {
    let list = |key: &str| seat[key].as_array().cloned().unwrap_or_default();
    let why = seat["why"].as_str().unwrap_or_default();
    let loaded = list("loaded")
        .iter()
        .map(|one| {
            let (model, state) = (one["model"].as_str().unwrap_or_default(), one["state"].as_str().unwrap_or_default());
            if state == "here" { model.to_owned() } else { format!("{model} ({state})") }
        })
        .collect::<Vec<_>>()
        .join(", ");
    let loaded = if loaded.is_empty() { String::new() } else { format!("  loaded: {loaded}") };
    let here = if why.is_empty() { String::new() } else { format!("  not there: {why}") };
    out!("  {:12}{loaded}{here}", seat["seat"].as_str().unwrap_or_default());
    let parallel = seat["parallel"].as_u64().unwrap_or(1) as usize;
    for (at, one) in list("inside").iter().enumerate() {
        let does = if at < parallel { "runs" } else { "waits inside" };
        let usual = one["usual_ms"]
            .as_u64()
            .filter(|ms| *ms > 0)
            .map_or_else(String::new, |ms| format!(", usually {}", length(ms)));
        out!("    {does}: {}{usual}", name(&one["task"]));
    }
    for one in list("next").iter().take(3) {
        out!("    next: {}", name(one));
    }
}

/// What a person wants to rest or go on.
#[derive(Debug, Clone, clap::Args)]
#[group(multiple = false)]
pub(super) struct ScopeArgs {
    /// One card
    #[arg(long, value_name = "CARD")]
    gpu: Option<String>,
    /// One engine
    #[arg(long, value_name = "ENGINE")]
    engine: Option<String>,
    /// One project, by its short name
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
}

impl ScopeArgs {
    fn scope(&self) -> Scope {
        let ScopeArgs { gpu, engine, project } = self;
        let gpu = gpu.clone().map(Scope::Gpu);
        gpu.or(engine.clone().map(Scope::Engine)).or(project.clone().map(Scope::Project)).unwrap_or(Scope::Studio)
    }
}

pub(super) async fn pause(invocation: &Invocation, what: &ScopeArgs, how: Resting) -> Result<Exit, CliError> {
    let (mut client, scope) = (invocation.client(&invocation.data().await?)?, what.scope());
    let (hard, runs) = (how.hard, client.is_running());
    let within = client.pause(scope.clone(), how).await?;
    client.leave().await?;
    let Within { running, loaded, free } = &within;
    let said = serde_json::json!({ "paused": scope, "hard": hard, "free": free, "running": running, "loaded": loaded });
    say(invocation.json, &said, || {
        out!("{scope} is paused; 'studiod resume' lets it go on");
        match (running, hard) {
            (0, _) => {}
            (running, false) => out!("running there: {running}; what runs is finished first"),
            (running, true) => out!("running there: {running}; interrupted, and made again later"),
        }
        if matches!(scope, Scope::Project(_)) {
            return;
        }
        let loaded: Vec<String> = loaded.iter().map(|one| format!("{} on {}", one.model, one.seat)).collect();
        let loaded = if loaded.is_empty() { String::new() } else { format!(" ({})", loaded.join(", ")) };
        match (free, runs) {
            (true, true) => out!("models leave the cards{loaded} as soon as nothing runs there"),
            (true, false) => {
                out!("no studio runs on this data; models leave the cards when 'studiod serve' is started");
            }
            (false, _) => {
                out!("models stay in the cards' memory{loaded}; 'studiod pause --free' has them leave");
            }
        }
    });
    Ok(Exit::Done)
}

pub(super) async fn resume(invocation: &Invocation, what: &ScopeArgs) -> Result<Exit, CliError> {
    let (mut client, scope) = (invocation.client(&invocation.data().await?)?, what.scope());
    client.resume(scope.clone()).await?;
    client.leave().await?;
    say(invocation.json, &serde_json::json!({ "resumed": scope }), || out!("{scope} goes on"));
    Ok(Exit::Done)
}
