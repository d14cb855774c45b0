//! `studiod sim`: a studio that exists only in numbers.

use std::path::PathBuf;

use studio_core::{
    fleet::{Policy, Rules},
    nearest::nearest,
    sim::{Bound, Course, Family, Faults, Hindrances, Outage, Report, Scenario, World, bound, course, gantt, report},
};

use super::{CliError, Exit, length, say};
use crate::text_file;

/// Scenarios that come with the program.
pub const SCENARIOS: [(&str, &str); 11] = [
    ("night", include_str!("../../../scenarios/night.toml")),
    ("two-episodes", include_str!("../../../scenarios/two-episodes.toml")),
    ("replenish", include_str!("../../../scenarios/replenish.toml")),
    ("tight", include_str!("../../../scenarios/tight.toml")),
    ("game", include_str!("../../../scenarios/game.toml")),
    ("dead-card", include_str!("../../../scenarios/dead-card.toml")),
    ("training", include_str!("../../../scenarios/training.toml")),
    ("unequal", include_str!("../../../scenarios/unequal.toml")),
    ("household", include_str!("../../../scenarios/household.toml")),
    ("six-cards", include_str!("../../../scenarios/six-cards.toml")),
    ("thousand-scenes", include_str!("../../../scenarios/thousand-scenes.toml")),
];

/// What is simulated, and how.
#[derive(Debug, clap::Args)]
pub(super) struct SimArgs {
    /// A scenario file (docs/sim.md), the name of one that comes with the program, or random:NUMBER
    scenario: Option<String>,
    /// Only this order of work; without it all are compared
    #[arg(long, value_enum)]
    policy: Option<Order>,
    /// Draws other numbers from the same scenario
    #[arg(long)]
    seed: Option<u64>,
    /// What goes wrong by chance: none, light or heavy
    #[arg(long, value_name = "PROFILE", default_value = "none")]
    faults: String,
    /// Writes what the cards did as a picture (.svg), or as lines of JSON (anything else)
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

/// Whose rules decide what a card does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Order {
    /// The studio's own
    Studio,
    /// What is loaded goes first, without any bound
    Affinity,
    /// In the order work became ready
    Fifo,
    /// One task at a time
    Serial,
}

impl From<Order> for Policy {
    fn from(order: Order) -> Self {
        match order {
            Order::Studio => Self::Studio,
            Order::Affinity => Self::Affinity,
            Order::Fifo => Self::Fifo,
            Order::Serial => Self::Serial,
        }
    }
}

pub(super) fn sim(args: &SimArgs, json: bool) -> Result<Exit, CliError> {
    let Some(name) = &args.scenario else {
        let names: Vec<serde_json::Value> = SCENARIOS
            .iter()
            .map(|(name, text)| {
                let title = read(name, text).map(|scenario| scenario.title).unwrap_or_default();
                serde_json::json!({ "name": name, "title": title })
            })
            .collect();
        say(json, &serde_json::json!({ "scenarios": names }), || {
            for one in &names {
                out!("{:16} {}", one["name"].as_str().unwrap_or_default(), one["title"].as_str().unwrap_or_default());
            }
            out!("studiod sim NAME, or the path of a scenario of your own; docs/sim.md explains every key");
        });
        return Ok(Exit::Done);
    };
    let scenario = find(name)?;
    let faults = profile(&args.faults)?;
    let seed = args.seed.unwrap_or(scenario.seed);
    let course = course(&scenario, seed);
    let mut broken = scenario.fault.clone();
    broken.extend(crashes(&course, faults.1));
    let hindrances = Hindrances { faults: &broken, ..Hindrances::of(&scenario) };
    let bound = bound(&course, &hindrances);
    let policies = match args.policy {
        Some(policy) => vec![Policy::from(policy)],
        None => vec![Policy::Studio, Policy::Affinity, Policy::Fifo, Policy::Serial],
    };
    let mut reports = Vec::new();
    for policy in policies {
        let world = run(&scenario, &course, policy, (faults.0, &broken), seed);
        if let (Some(path), true) = (&args.trace, reports.is_empty()) {
            write(path, &scenario, &course, &world)?;
        }
        reports.push(report(&course, &world, &bound, scenario.price_kwh));
    }
    let wrong = reports.iter().any(|one| !one.wrong.is_empty());
    let answer = serde_json::json!({ "scenario": scenario.title, "seed": seed, "tasks": course.pieces.len(), "bound": bound, "reports": reports });
    say(json, &answer, || print(&scenario, &course, &bound, &reports, args));
    Ok(if wrong { Exit::Failed } else { Exit::Done })
}

fn run<'a>(
    scenario: &'a Scenario,
    course: &'a Course,
    policy: Policy,
    (faults, broken): (Faults, &[Outage]),
    seed: u64,
) -> World<'a> {
    let rules = Rules { policy, ..scenario.rules };
    let mut world = World::new(course, rules, &scenario.foreign, broken, faults, seed);
    world.run();
    world
}

/// Every seat with a card dies so often in the first twelve hours, each time for two minutes.
fn crashes(course: &Course, times: u32) -> Vec<Outage> {
    let seats = course.seats.iter().filter(|seat| seat.card.is_some()).zip(1..);
    let crash = |(seat, number): (&studio_core::fleet::SeatFacts, u32)| {
        let seat = seat.seat.clone();
        (0..times).map(move |time| {
            let at_s = f64::from(time * 43_200 / times.max(1) + number * 617);
            Outage { at_s, gpu: None, seat: Some(seat.clone()), back_s: Some(at_s + 120.0) }
        })
    };
    seats.flat_map(crash).collect()
}

fn profile(name: &str) -> Result<(Faults, u32), CliError> {
    match name {
        "none" => Ok((Faults::default(), 0)),
        "light" => Ok((Faults { transient: 0.02, change: 0.01 }, 1)),
        "heavy" => Ok((Faults { transient: 0.10, change: 0.05 }, 6)),
        other => {
            Err(CliError::new(Exit::Usage, format!("'{other}' is no fault profile; there are none, light and heavy")))
        }
    }
}

fn find(name: &str) -> Result<Scenario, CliError> {
    if let Some((_, text)) = SCENARIOS.iter().find(|(known, _)| *known == name) {
        return read(name, text);
    }
    if let Some((family, number)) = name.split_once(':')
        && let Some(family) = Family::ALL.into_iter().find(|one| one.name() == family)
    {
        let number = number.parse().map_err(|_| {
            let names = Family::ALL.map(|one| format!("{}:7", one.name())).join(", ");
            CliError::new(Exit::Usage, format!("'{number}' is no number; write one of {names}"))
        })?;
        return Ok(family.draw(number));
    }
    match text_file::read(name) {
        Ok(text) => read(name, &text),
        Err(error) if name.contains(['.', '/']) => {
            Err(CliError::new(Exit::Input, format!("{name} cannot be read: {error}")))
        }
        Err(_) => {
            let names = SCENARIOS.iter().map(|(name, _)| *name);
            let near = nearest(name, names.clone());
            let hint = near.map_or_else(String::new, |near| format!("did you mean '{near}'? "));
            let all = names.collect::<Vec<_>>().join(", ");
            let message =
                format!("there is no scenario '{name}'; {hint}there are {all}, random:NUMBER, or a .toml file");
            Err(CliError::new(Exit::Usage, message))
        }
    }
}

fn read(name: &str, text: &str) -> Result<Scenario, CliError> {
    let scenario: Scenario = toml::from_str(text)
        .map_err(|error| CliError::new(Exit::Input, format!("{name}: {}", error.to_string().trim_end())))?;
    let wrong = scenario.check();
    if wrong.is_empty() {
        return Ok(scenario);
    }
    let lines: Vec<String> = wrong.iter().map(|wrong| format!("{name}: {wrong}")).collect();
    Err(CliError::new(Exit::Input, lines.join("\n")))
}

fn write(path: &std::path::Path, scenario: &Scenario, course: &Course, world: &World<'_>) -> Result<(), CliError> {
    let text = if path.extension().is_some_and(|ext| ext == "svg") {
        gantt(course, &world.trace, &scenario.title)
    } else {
        let line = |one: &studio_core::sim::Trace| {
            let what = match &one.what {
                studio_core::sim::What::Run { task, good, speculative } => {
                    let label = course.piece(*task).map_or("", |piece| &piece.label);
                    serde_json::json!({ "run": label, "good": good, "early": speculative })
                }
                studio_core::sim::What::Load(plan) => serde_json::json!({ "load": plan }),
                studio_core::sim::What::Foreign(who) => serde_json::json!({ "foreign": who }),
            };
            let line = serde_json::json!({ "from_ms": one.from, "to_ms": one.to, "card": one.card, "seat": one.seat, "what": what });
            format!("{line}\n")
        };
        world.trace.iter().map(line).collect()
    };
    std::fs::write(path, text)
        .map_err(|error| CliError::new(Exit::Disk, format!("{} cannot be written: {error}", path.display())))
}

fn print(scenario: &Scenario, course: &Course, bound: &Bound, reports: &[Report], args: &SimArgs) {
    out!("{}", scenario.title);
    let (busiest, ms) = &bound.busiest;
    out!("{} tasks; nobody can be faster than {}", course.pieces.len(), hours(bound.ms));
    out!("  (work for {busiest} {}, the longest way {})", hours(*ms), hours(bound.path_ms));
    out!();
    out!("{:9} {:>9} {:>7} {:>6} {:>9}  waits p50 / p95 / max", "order", "takes", "ratio", "swaps", "energy");
    for one in reports {
        let name = format!("{:?}", one.policy).to_lowercase();
        let energy = format!("{:.2} kWh", one.energy_wh / 1000.0);
        let waits = one.waits.iter().map(|(class, waits)| {
            let class = format!("{class:?}").to_lowercase();
            format!("{class} {} / {} / {}", length(waits.p50_ms), length(waits.p95_ms), length(waits.max_ms))
        });
        let waits = waits.collect::<Vec<_>>().join("; ");
        out!("{name:9} {:>9} {:>7.3} {:>6} {energy:>9}  {waits}", hours(one.makespan_ms), one.ratio, one.swaps);
    }
    let Some(first) = reports.first() else { return };
    out!();
    for card in &first.cards {
        let (busy, loading) = (card.busy * 100.0, card.loading * 100.0);
        out!("{:16} computes {busy:5.1} %, loads {loading:4.1} %, {} models came", card.card, card.swaps);
    }
    if first.speculative.0 > 0 {
        let (all, lost) = first.speculative;
        out!(
            "{all} attempts began before a verdict, {lost} of them for nothing ({})",
            length(first.speculative_lost_ms)
        );
    }
    if first.money > 0.0 {
        out!("energy costs {:.2}", first.money);
    }
    for one in reports.iter().filter(|one| one.rejected > 0) {
        out!("{:?}: {} tasks ended without a result", one.policy, one.rejected);
    }
    for one in reports {
        for wrong in &one.wrong {
            out!("WRONG ({:?}): {wrong}", one.policy);
        }
    }
    if let Some(path) = &args.trace {
        out!("{} shows what the cards did", path.display());
    }
}

fn hours(ms: u64) -> String {
    if ms < 600_000 { length(ms) } else { format!("{}:{:02} h", ms / 3_600_000, ms / 60_000 % 60) }
}
