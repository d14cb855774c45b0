//! The judge on the command line: what people say of takes, and how far he agrees with them.

use studio_core::{
    dataset::DatasetSettings,
    learning::{Confidence, learn},
    review::{Issue, agreement as compare, suggest},
    take::Subject,
    units::Score,
};

use super::{
    CliError, Exit, Invocation,
    client::Begun,
    say,
    tasks::{episode_of, find},
};
use crate::store::{self, opinions::Opinion};

/// Says whether a take is good.
pub(super) async fn opinion(
    invocation: &Invocation,
    part: &str,
    good: bool,
    (why, issue): (String, Vec<String>),
) -> Result<Exit, CliError> {
    let issues = issue.iter().map(|word| issue_of(word)).collect::<Result<Vec<_>, _>>()?;
    let data = invocation.data().await?;
    let task = find(&data, part).await?;
    let episode = episode_of(&task)?;
    let mut client = invocation.client(&data)?;
    client.opine(task.id, Opinion { good, why, issues }).await?;
    let answer = serde_json::json!({ "task": task.id, "good": good });
    client.follow(episode, Begun { answer, said: Some(format!("{}: noted", task.slot)) }, invocation.json).await
}

fn issue_of(word: &str) -> Result<Issue, CliError> {
    Issue::ALL.into_iter().find(|issue| issue.word() == word).ok_or_else(|| {
        let all = Issue::ALL.map(Issue::word).join(", ");
        CliError::new(Exit::Usage, format!("'{word}' is no issue; there are {all}"))
    })
}

/// What judged takes have taught.
pub(super) async fn learned(invocation: &Invocation) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let samples = store::learning::samples(&data.context.db, data.config.gates().pass_marks[0]).await?;
    let found = learn(&samples, data.context.clock.now());
    say(invocation.json, &serde_json::json!({ "takes": samples.len(), "learned": found }), || {
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
pub(super) async fn agreement(invocation: &Invocation) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let mark = data.config.gates().pass_marks[0];
    let mut all = serde_json::Map::new();
    for (subject, name) in [(Subject::Still, "pictures"), (Subject::Clip, "clips")] {
        let takes = store::opinions::judged(&data.context.db, subject).await?;
        let found = compare(&takes, mark);
        let suggested = suggest(&takes);
        if !invocation.json {
            print(name, &found, (suggested, "gates.pass_marks"));
        }
        all.insert(name.into(), serde_json::json!({ "agreement": found, "suggested_mark": suggested }));
    }
    // Where nobody has said otherwise, the judge of a dataset approves from here on.
    let pictures = store::dataset_pictures::judged(&data.context.db).await?;
    let (found, suggested) = (compare(&pictures, DatasetSettings::default().approve), suggest(&pictures));
    if !invocation.json && found.takes > 0 {
        print("pictures of datasets", &found, (suggested, "studiod dataset set NAME approve="));
    }
    all.insert("datasets".into(), serde_json::json!({ "agreement": found, "suggested_mark": suggested }));
    let golden = store::golden::all(&data.context.db).await?;
    for (judge, found) in golden.iter().filter(|_| !invocation.json) {
        out!("golden set, {judge}: agrees in {:.0} % of {} takes", found.share * 100.0, found.takes);
    }
    all.insert("golden".into(), serde_json::json!(golden));
    say(invocation.json, &serde_json::Value::Object(all), || {});
    Ok(Exit::Done)
}

fn print(name: &str, found: &studio_core::review::Agreement, (suggested, setting): (Option<Score>, &str)) {
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
        out!("  a first pass mark of {:.2} would agree best ({setting})", mark.as_fraction());
    }
    if let Some(warning) = &found.warning {
        out!("  {warning}");
    }
}
