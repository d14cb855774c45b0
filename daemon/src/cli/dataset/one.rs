//! One: what is known of a single picture, and what a person says it shows.

use serde_json::{Value, json};
use studio_core::dataset::{Cell, Picture};

use super::{Said, pairs};
use crate::cli::{CliError, Exit, client::Call};

impl Said<'_> {
    /// Shows a picture with its history.
    pub(super) async fn show_one(&mut self, picture: &str) -> Result<(), CliError> {
        let id = self.picture(picture).await?;
        let whole = self.client.call(Call::get(&format!("/api/pictures/{id}"))).await?;
        let history = self.client.call(Call::get(&format!("/api/pictures/{id}/history"))).await?;
        let shown = read(&whole)?;
        let answer = json!({ "picture": whole, "history": history });
        self.tell(&answer, || lines(&shown, &whole, &history).join("\n"));
        Ok(())
    }

    /// Says what a picture shows on some axes; what is not named stays.
    pub(super) async fn place(&mut self, picture: &str, shows: &[String]) -> Result<(), CliError> {
        let (id, shows) = (self.picture(picture).await?, pairs(shows)?);
        let path = format!("/api/pictures/{id}");
        let mut cell = read(&self.client.call(Call::get(&path)).await?)?.cell;
        for (axis, word) in shows {
            if word.is_empty() {
                cell.remove(&axis);
            } else {
                cell.insert(axis, word);
            }
        }
        let answer = self.client.call(Call::patch(&path, json!({ "cell": cell }))).await?;
        self.tell(&answer, || format!("{id} shows {}", words(&cell)));
        Ok(())
    }
}

/// The picture in an answer.
fn read(whole: &Value) -> Result<Picture, CliError> {
    serde_json::from_value(whole["picture"].clone())
        .map_err(|error| CliError::new(Exit::Failed, format!("the studio answers with something else: {error}")))
}

/// What it shows, axis by axis.
fn words(cell: &Cell) -> String {
    let words: Vec<String> = cell.iter().map(|(axis, word)| format!("{axis} {}", word.replace('_', " "))).collect();
    if words.is_empty() { "nothing anybody has said".into() } else { words.join(", ") }
}

/// What a person reads of a picture.
fn lines(picture: &Picture, whole: &Value, history: &Value) -> Vec<String> {
    let state = json!(picture.state);
    let mut lines = vec![
        format!("{}: {}, lineage {}", picture.id, state.as_str().unwrap_or_default(), picture.lineage),
        format!("shows: {}", words(&picture.cell)),
    ];
    let otherwise = picture.placing.iter().flat_map(|placing| &placing.otherwise);
    lines.extend(otherwise.map(|one| format!("asked for: {} {}, and {} is seen", one.axis, one.asked, one.seen)));
    lines.extend(picture.made.iter().filter_map(|made| made.tried.why.as_ref()).map(|why| format!("why: {why}")));
    lines.extend(picture.verdict.iter().map(|verdict| {
        let score = verdict.score.map_or_else(|| "no score".into(), |score| score.to_string());
        format!("judged: {score}, {}", verdict.reason)
    }));
    lines.extend(picture.decision.iter().map(|decision| format!("decided: {}", decision.reason)));
    lines.extend(picture.caption.iter().map(|caption| format!("told of it: {}", caption.text)));
    lines.extend(picture.duplicate_of.map(|of| format!("near-duplicate of: {of}")));
    lines.extend(whole["mends"].as_str().map(|id| format!("mends: {id}")));
    let ids = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let related = |value: &Value| -> Vec<String> {
        let said = |one: &Value| Some(format!("{} {}", one["what"].as_str()?, one["id"].as_str()?));
        value.as_array().into_iter().flatten().filter_map(said).collect()
    };
    let lists: [(&str, Vec<String>); 4] = [
        ("mended by", ids(&whole["mended_by"])),
        ("made from", related(&history["made_from"])),
        ("led to", related(&history["led_to"])),
        ("trained on by", ids(&history["trained"])),
    ];
    let told = lists.into_iter().filter(|(_, all)| !all.is_empty());
    lines.extend(told.map(|(what, all)| format!("{what}: {}", all.join(", "))));
    lines
}
