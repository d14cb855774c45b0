//! The judge on the command line: what people say of takes, and how far he agrees with them.

use studio_core::{
    review::{agreement as compare, suggest},
    take::Subject,
};

use super::{
    Exit, Refusal, produce, say,
    tasks::{daemon_post, find},
};
use crate::{
    app::{self, App, Options},
    store::{self, opinions::Opinion},
};

/// Says whether a take is good.
pub(super) async fn opinion(
    options: Options,
    part: &str,
    good: bool,
    why: String,
    json: bool,
) -> Result<Exit, Refusal> {
    let mut app = App::open(options).await?;
    let task = find(&app, part).await?;
    if let Some(daemon) = app::daemon_address(&app.context.data) {
        let body = serde_json::json!({ "good": good, "why": why });
        daemon_post(&daemon, &format!("/api/tasks/{}/opinion", task.id), Some(body)).await?;
        say(json, &serde_json::json!({ "task": task.id, "good": good }), || out!("{}: noted", task.slot));
        return Ok(Exit::Done);
    }
    app.lock().await?;
    let Some(episode) = task.episode_id else {
        return Err(Refusal::new(Exit::Usage, format!("{} belongs to no episode", task.slot)));
    };
    let opine =
        async |handle: &crate::conductor::Handle| handle.opine(task.id, Opinion { good, why }).await.map(|()| episode);
    Box::pin(produce::follow(app, json, opine)).await
}

/// How far the judge agrees with people.
pub(super) async fn agreement(options: Options, json: bool) -> Result<Exit, Refusal> {
    let app = App::open(options).await?;
    let mark = app.config.gates().pass_marks[0];
    let mut all = serde_json::Map::new();
    for (subject, name) in [(Subject::Still, "pictures"), (Subject::Clip, "clips")] {
        let takes = store::opinions::judged(&app.context.db, subject).await?;
        let found = compare(&takes, mark);
        let suggested = suggest(&takes);
        if !json {
            print(name, &found, suggested.map(studio_core::units::Score::as_fraction));
        }
        all.insert(name.into(), serde_json::json!({ "agreement": found, "suggested_mark": suggested }));
    }
    say(json, &serde_json::Value::Object(all), || {});
    Ok(Exit::Done)
}

fn print(name: &str, found: &studio_core::review::Agreement, suggested: Option<f64>) {
    if found.takes == 0 {
        out!("{name}: nobody has said anything yet; 'studiod opinion TASK good' does");
        return;
    }
    let kappa = found.kappa.map_or_else(|| "kappa unknown".to_owned(), |kappa| format!("kappa {kappa:.2}"));
    out!("{name}: {} takes, the judge agrees in {:.0} % ({kappa})", found.takes, found.share * 100.0);
    out!("  passed by both {}, rejected by both {}", found.both_pass, found.both_fail);
    out!("  only the judge passes {}, only people pass {}", found.false_pass, found.false_fail);
    for (who, count) in &found.by_character {
        let who = if who.is_empty() { "nobody in it" } else { who };
        out!("    passed against you: {count} with {who}");
    }
    if let Some(mark) = suggested {
        out!("  a first pass mark of {mark:.2} would agree best (gates.pass_marks)");
    }
    if let Some(warning) = &found.warning {
        out!("  {warning}");
    }
}
