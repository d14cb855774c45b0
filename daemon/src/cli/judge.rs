//! The judge on the command line: what people say of takes, and how far he agrees with them.

use studio_core::{
    learning::{Confidence, learn},
    review::{Issue, agreement as compare, suggest},
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
    (why, issue): (String, Vec<String>),
    json: bool,
) -> Result<Exit, Refusal> {
    let issues = issue.iter().map(|word| issue_of(word)).collect::<Result<Vec<_>, _>>()?;
    let mut app = App::open(options).await?;
    let task = find(&app, part).await?;
    if let Some(daemon) = app::daemon_address(&app.context.data) {
        let body = serde_json::json!({ "good": good, "why": why, "issues": issues });
        daemon_post(&daemon, &format!("/api/tasks/{}/opinion", task.id), Some(body)).await?;
        say(json, &serde_json::json!({ "task": task.id, "good": good }), || out!("{}: noted", task.slot));
        return Ok(Exit::Done);
    }
    app.lock().await?;
    let Some(episode) = task.episode_id else {
        return Err(Refusal::new(Exit::Usage, format!("{} belongs to no episode", task.slot)));
    };
    let opinion = Opinion { good, why, issues };
    let opine = async |handle: &crate::conductor::Handle| handle.opine(task.id, opinion).await.map(|()| episode);
    Box::pin(produce::follow(app, json, opine)).await
}

fn issue_of(word: &str) -> Result<Issue, Refusal> {
    Issue::ALL.into_iter().find(|issue| issue.word() == word).ok_or_else(|| {
        let all = Issue::ALL.map(Issue::word).join(", ");
        Refusal::new(Exit::Usage, format!("'{word}' is no issue; there are {all}"))
    })
}

/// What judged takes have taught.
pub(super) async fn learned(options: Options, json: bool) -> Result<Exit, Refusal> {
    let app = App::open(options).await?;
    let samples = store::learning::samples(&app.context.db, app.config.gates().pass_marks[0]).await?;
    let found = learn(&samples, app.context.clock.now());
    say(json, &serde_json::json!({ "takes": samples.len(), "learned": found }), || {
        if found.is_empty() {
            out!("nothing yet, from {} judged takes", samples.len());
        }
        for (name, words) in &found.avoid {
            out!("{name}: avoid {}", words.join(", "));
        }
        for (model, of_model) in &found.settings {
            for (name, one) in of_model {
                let who = if name.is_empty() { "everybody" } else { name };
                let values: Vec<String> =
                    one.settings.iter().map(|(slot, value)| format!("{slot} {}", serde_json::json!(value))).collect();
                let used = if one.confidence == Confidence::Low { ", not used yet" } else { "" };
                out!("{model}, {who}: {} (from {} good takes{used})", values.join(", "), one.takes);
            }
        }
    });
    Ok(Exit::Done)
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
    let golden = store::golden::all(&app.context.db).await?;
    for (judge, found) in golden.iter().filter(|_| !json) {
        out!("golden set, {judge}: agrees in {:.0} % of {} takes", found.share * 100.0, found.takes);
    }
    all.insert("golden".into(), serde_json::json!(golden));
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
