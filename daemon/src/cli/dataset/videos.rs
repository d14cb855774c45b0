//! Videos: pictures, archives and videos that come into a dataset, and how far those are that take a while.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use jiff::SignedDuration;
use serde_json::{Value, json};
use studio_core::ids::IngestId;

use super::{Said, of};
use crate::{
    cli::{CliError, Exit, client::Call},
    store,
};

/// What is taken of a video.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct Part {
    /// Where to begin in a video, e.g. 10s or 1m30s
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    from: Option<f64>,
    /// Where to end in a video
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    to: Option<f64>,
    /// Most frames that are taken of a video, at most 200, which is usual
    #[arg(long, value_name = "N")]
    max: Option<u32>,
}

/// Seconds of a time: `90`, `10s`, `1m30s`.
fn seconds(text: &str) -> Result<f64, String> {
    let told = match text.parse::<f64>() {
        Ok(seconds) => Some(seconds),
        Err(_) => text.parse::<SignedDuration>().ok().map(|time| time.as_secs_f64()),
    };
    told.filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
        .ok_or_else(|| format!("'{text}' is no time; write e.g. 90, 10s or 1m30s"))
}

impl Part {
    fn query(&self) -> String {
        let mut query = String::new();
        for (name, value) in [("from_s", self.from), ("to_s", self.to)] {
            if let Some(seconds) = value {
                let _ = write!(query, "&{name}={seconds}");
            }
        }
        if let Some(max) = self.max {
            let _ = write!(query, "&max={max}");
        }
        query
    }
}

impl Said<'_> {
    pub(super) async fn add(&mut self, character: &str, files: Vec<PathBuf>, part: &Part) -> Result<(), CliError> {
        let one = self.character(character).await?;
        let (mut added, mut refused, mut remarks, mut videos) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut known, mut captioned) = (0, 0);
        for file in files {
            let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let call = Call::upload(&of(one.id, "/pictures"), &name, file, &part.query());
            let answer = self.client.call(call).await?;
            let all = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
            added.extend(all("added"));
            refused.extend(all("refused"));
            remarks.extend(all("remarks"));
            known += answer["known"].as_u64().unwrap_or(0);
            captioned += answer["captioned"].as_u64().unwrap_or(0);
            videos.extend(answer["ingest"].is_object().then(|| answer["ingest"].clone()));
        }
        self.rest(&one).await?;
        self.look_again(&mut videos).await?;
        let pictures = videos.is_empty() || !added.is_empty() || known > 0;
        let answer = json!({
            "added": added, "known": known, "captioned": captioned, "refused": refused, "remarks": remarks,
            "ingests": videos,
        });
        let mut lines = if pictures { super::arrived(&one, &answer) } else { Vec::new() };
        lines.extend(videos.iter().filter(|video| !failed(video)).map(line));
        if self.json || !lines.is_empty() {
            self.tell(&answer, || lines.join("\n"));
        }
        came_to_something(&videos)
    }

    pub(super) async fn fetch(
        &mut self,
        character: &str,
        url: &str,
        may_use: bool,
        part: &Part,
    ) -> Result<(), CliError> {
        if !may_use {
            let message =
                "say that you may use it with --may-use; it is kept with every picture, and nothing is fetched without";
            return Err(CliError::new(Exit::Usage, message));
        }
        let one = self.character(character).await?;
        let Part { from, to, max } = part;
        let body = json!({ "url": url, "may_use": may_use, "from_s": from, "to_s": to, "max": max });
        let mut videos = vec![self.client.call(Call::post(&of(one.id, "/ingests"), Some(body))).await?];
        self.rest(&one).await?;
        self.look_again(&mut videos).await?;
        if self.json || !failed(&videos[0]) {
            self.tell(&videos[0], || line(&videos[0]));
        }
        came_to_something(&videos)
    }

    pub(super) async fn ingests(&mut self, character: &str) -> Result<(), CliError> {
        let one = self.character(character).await?;
        let list = self.client.call(Call::get(&of(one.id, "/ingests"))).await?;
        let told = |ingest: &Value| {
            let id = ingest["ingest"]["id"].as_str().unwrap_or_default();
            format!("{id}  {:9} {}", ingest["ingest"]["state"].as_str().unwrap_or_default(), line(ingest))
        };
        let lines: Vec<String> = list["ingests"].as_array().into_iter().flatten().map(told).collect();
        let none = format!("no videos; 'studiod dataset add {} film.mp4' takes one", one.slug);
        self.tell(&list, || if lines.is_empty() { none } else { lines.join("\n") });
        Ok(())
    }

    pub(super) async fn stop(&mut self, part: &str) -> Result<(), CliError> {
        let part = part.to_ascii_lowercase();
        let open: Vec<IngestId> = store::ingests::open_ids(&self.data.context.db).await?;
        let fits = |id: &&IngestId| {
            let id = id.to_string();
            !part.is_empty() && (id.starts_with(&part) || id.ends_with(&part))
        };
        let found: Vec<&IngestId> = open.iter().filter(fits).collect();
        let [id] = found[..] else {
            let message = if found.is_empty() {
                format!("no video on its way is called '{part}'; 'studiod dataset ingests NAME' lists them")
            } else {
                format!("several videos on their way are called '{part}'; give more of the id")
            };
            return Err(CliError::new(Exit::Usage, message));
        };
        let answer = self.client.call(Call::post(&format!("/api/ingests/{id}/cancel"), None)).await?;
        self.tell(&answer, || format!("{id} is stopped; pictures that have arrived stay"));
        Ok(())
    }

    /// What became of them meanwhile.
    async fn look_again(&mut self, videos: &mut [Value]) -> Result<(), CliError> {
        if self.client.is_running() {
            return Ok(());
        }
        for video in videos {
            let ingest = &video["ingest"];
            let (id, character) = (ingest["id"].clone(), ingest["character_id"].as_str().unwrap_or_default());
            let path = format!("/api/characters/{character}/dataset/ingests");
            let list = self.client.call(Call::get(&path)).await?;
            let now = list["ingests"].as_array().into_iter().flatten().find(|one| one["ingest"]["id"] == id);
            *video = now.cloned().unwrap_or_default();
        }
        Ok(())
    }
}

/// A video and what came of it, in one line.
fn line(video: &Value) -> String {
    let ingest = &video["ingest"];
    let source = &ingest["source"];
    let word = |key: &str| source[key].as_str().filter(|text| !text.is_empty());
    let name = word("title").or_else(|| word("name")).or_else(|| word("url")).unwrap_or("a video");
    let count = |key: &str| ingest["counts"][key].as_u64().unwrap_or(0);
    let (arrived, known) = (count("arrived"), count("duplicates"));
    let mut line = match ingest["state"].as_str() {
        Some("waiting") => format!("{name}: waits for its turn"),
        Some("running") => {
            let progress = &ingest["progress"];
            let (done, of) = (progress["done"].as_u64().unwrap_or(0), progress["of"].as_u64().unwrap_or(0));
            let step = match progress["step"].as_str() {
                Some("fetch") => "is fetched",
                Some("look") => "is looked through",
                _ => "its frames are taken",
            };
            let share =
                done.saturating_mul(100).checked_div(of).map_or_else(String::new, |share| format!(", {share} %"));
            format!("{name}: {step}{share}")
        }
        Some("failed") => format!("{name}: {}", video["said"].as_str().unwrap_or_default()),
        Some("cancelled") => format!("{name}: stopped after {arrived} new pictures"),
        _ => format!("{name}: {arrived} new pictures, {known} were there already"),
    };
    if count("refused") > 0 {
        let _ = write!(line, ", {} could not be used", count("refused"));
    }
    line
}

fn failed(video: &Value) -> bool {
    video["ingest"]["state"] == "failed"
}

/// Fails when a video did, and says why.
fn came_to_something(videos: &[Value]) -> Result<(), CliError> {
    let lines: Vec<String> = videos.iter().filter(|video| failed(video)).map(line).collect();
    if lines.is_empty() { Ok(()) } else { Err(CliError::new(Exit::Input, lines.join("; "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_write_them() {
        for (text, told) in [("90", 90.0), ("10s", 10.0), ("1m30s", 90.0), ("0.5", 0.5), ("1h", 3600.0)] {
            assert_eq!(seconds(text), Ok(told), "{text}");
        }
        for wrong in ["", "soon", "-3", "-10s", "inf", "NaN"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
