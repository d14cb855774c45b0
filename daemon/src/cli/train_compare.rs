//! Two runs of a training side by side, as lines.

use std::collections::BTreeSet;

use serde_json::Value;

/// Widest column of names.
const NAMES: usize = 20;
/// Widest column of the first run.
const VALUES: usize = 28;

/// What is told of two runs, then the settings in which they differ. What nobody knows of either is left out.
pub(super) fn compared(one: &Value, other: &Value) -> String {
    let (left, right) = (told(one), told(other));
    let mut lines: Vec<String> = left
        .into_iter()
        .zip(right)
        .filter(|((_, mine), (_, theirs))| !(mine.is_empty() && theirs.is_empty()))
        .map(|((name, mine), (_, theirs))| row(name, &mine, &theirs))
        .collect();
    let settings = |of: &Value| of["training"]["plan"]["settings"].clone();
    let (mine, theirs) = (settings(one), settings(other));
    let names: BTreeSet<&String> =
        [&mine, &theirs].into_iter().filter_map(Value::as_object).flat_map(|all| all.keys()).collect();
    let differing = names.iter().filter(|name| mine[name.as_str()] != theirs[name.as_str()]);
    lines.extend(differing.map(|name| row(name, &plain(&mine[name.as_str()]), &plain(&theirs[name.as_str()]))));
    lines.join("\n")
}

fn row(name: &str, mine: &str, theirs: &str) -> String {
    let said = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let sign = if mine == theirs { ' ' } else { '*' };
    format!("{sign} {name:NAMES$} {:VALUES$} {}", said(mine), said(theirs)).trim_end().to_owned()
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn told(view: &Value) -> Vec<(&'static str, String)> {
    let (run, plan) = (&view["training"], &view["training"]["plan"]);
    let pictures = plan["pictures"].as_array().into_iter().flatten().filter(|one| one["held_out"] != true).count();
    let steps = plan["epochs"].as_u64().unwrap_or(0) * plan["epoch_steps"].as_u64().unwrap_or(0);
    let last = view["epochs"].as_array().and_then(|all| all.last()).map_or(&Value::Null, |epoch| &epoch["report"]);
    let loss = last["losses"].as_array().and_then(|all| all.last()).and_then(|point| point["loss"].as_f64());
    let share = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.3}"));
    let choice = &run["choice"];
    let chosen = choice["epoch"].as_u64().map(|epoch| format!("{epoch} at {} %", choice["strength"]));
    let is_chosen = |one: &&Value| {
        let contender = &one["contender"];
        contender["epoch"] == choice["epoch"] && contender["strength"] == choice["strength"]
    };
    let ranked = choice["ranked"].as_array().into_iter().flatten().filter(|one| one["contender"]["who"] == "epoch");
    let estimate = ranked.into_iter().find(is_chosen).map_or(&Value::Null, |one| &one["estimate"]);
    let score = estimate["score"].as_f64().zip(estimate["error"].as_f64());
    vec![
        ("run", plain(&run["id"])),
        ("character", plain(&view["character"])),
        ("state", plain(&run["state"])),
        ("trainer", plain(&plan["trainer"])),
        ("base", plain(&plan["base"]).rsplit('/').next().unwrap_or_default().to_owned()),
        ("pictures", pictures.to_string()),
        ("steps", steps.to_string()),
        ("seconds a step", last["step_ms"].as_f64().map_or_else(String::new, |ms| format!("{:.1}", ms / 1000.0))),
        ("loss", share(loss)),
        ("held-out loss", share(last["held_out_loss"].as_f64())),
        ("chosen epoch", chosen.unwrap_or_default()),
        ("score", score.map_or_else(String::new, |(score, error)| format!("{score:.2} ± {error:.2}"))),
        ("likeness", share(estimate["identity"].as_f64())),
        ("as asked", share(estimate["faithful"].as_f64())),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::compared;

    #[test]
    fn what_differs_is_marked_and_what_nobody_knows_is_left_out() {
        let run = |rank: u32, score: f64| {
            json!({
                "character": "MARA", "epochs": [{ "report": { "losses": [{ "step": 9, "loss": 0.25 }], "step_ms": 1500 } }],
                "training": { "id": "a", "state": "done",
                    "plan": { "trainer": "sd-scripts", "base": "/m/x.safetensors", "epochs": 2, "epoch_steps": 8,
                        "pictures": [{}, { "held_out": true }], "settings": { "rank": rank, "seed": 1 } },
                    "choice": { "epoch": 2, "strength": 80, "ranked": [{ "contender": { "who": "epoch", "epoch": 2, "strength": 80 },
                        "estimate": { "score": score, "error": 0.1, "identity": 0.9, "faithful": 0.5 } }] } },
            })
        };
        let text = compared(&run(16, 0.5), &run(32, 0.75));
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(lines.contains(&vec!["*", "rank", "16", "32"]), "{text}");
        assert!(lines.contains(&vec!["*", "score", "0.50", "±", "0.10", "0.75", "±", "0.10"]), "{text}");
        assert!(lines.contains(&vec!["base", "x.safetensors", "x.safetensors"]), "{text}");
        assert!(!text.contains("seed") && !text.contains("held-out"), "{text}");
    }
}
