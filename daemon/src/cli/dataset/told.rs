//! Told: what a person reads of a dataset and of what came into it.

use serde_json::Value;
use studio_core::character::Character;

/// A dataset in a few lines.
pub(super) fn about(one: &Character, view: &Value) -> String {
    let counts = &view["counts"];
    let mut lines = vec![format!(
        "{}: {} of {} approved, {} wait for a person, {} for the judge, {} rejected, {} near-duplicates",
        one.name,
        counts["approved"],
        view["dataset"]["settings"]["target"],
        counts["awaiting"],
        counts["unjudged"],
        counts["rejected"],
        counts["duplicates"]
    )];
    let said = view["said"].as_str().unwrap_or_default();
    lines.push(if said.is_empty() { "more pictures are asked for now".into() } else { format!("now: {said}") });
    let mut lacks: Vec<String> = view["coverage"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|tally| tally["have"].as_u64() < tally["want"].as_u64())
        .map(|tally| {
            let word = tally["word"].as_str().unwrap_or_default().replace('_', " ");
            format!("{} {word} {} of {}", tally["axis"].as_str().unwrap_or_default(), tally["have"], tally["want"])
        })
        .collect();
    lacks.truncate(12);
    if !lacks.is_empty() {
        lines.push(format!("missing: {}", lacks.join(", ")));
    }
    lines.extend(films(&view["films"]));
    lines.join("\n")
}

/// What films could use of what was learned; `None`: nobody can tell anything.
fn films(view: &Value) -> Option<String> {
    let arm = view["arm"].as_str().unwrap_or_default();
    let sure = (view["sure"].as_f64().unwrap_or_default() * 100.0).round();
    match view["what"].as_str()? {
        "use" => Some(format!("films could use '{arm}': it is better than the model's own settings, {sure} to 100")),
        "unsure" => Some(format!("films: '{arm}' may be better than the model's own settings, {sure} to 100")),
        _ => Some(format!("films: not enough results ({} of {})", view["results"], view["least"])),
    }
}

/// What came into a dataset, line by line.
pub(super) fn arrived(one: &Character, answer: &Value) -> Vec<String> {
    let all = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
    let count = |key: &str| answer[key].as_u64().filter(|count| *count > 0);
    let known = count("known").unwrap_or(0);
    let mut lines = vec![format!("{} new pictures of {}, {known} were there already", all("added").len(), one.name)];
    lines.extend(count("captioned").map(|captioned| format!("captions came with {captioned} of them")));
    lines.extend(count("own").map(|own| format!("{own} more are the studio's own work there, which is left")));
    if answer["more"] == true {
        lines.push("there are more; ask again, and they come, too".into());
    }
    lines.extend(all("refused").iter().filter_map(Value::as_str).map(|why| format!("not taken: {why}")));
    lines.extend(all("remarks").iter().filter_map(Value::as_str).map(str::to_owned));
    lines
}
