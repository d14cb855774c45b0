//! Outputs: what a ComfyUI has finished, whoever asked for it, and its pictures. Nothing is changed there.
//!
//! The history lives in the server's memory: it has at most 10 000 prompts, none from before its last start, and names files
//! that may be gone since.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use studio_engine::EngineError;

use super::{
    client::{Client, Trouble},
    fetch::fetch,
    wire::{Finished, NamedFile},
};

/// Prompts asked for at a time: a graph may have 100 KiB.
const PAGE: usize = 64;
/// Pages at most: more than a server remembers.
const MOST_PAGES: usize = 200;
/// First pause before a download is tried again: somebody waits for it.
const PAUSE: Duration = Duration::from_millis(100);

/// A prompt that has ended well, with the pictures it left.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Id of the prompt.
    pub prompt: String,
    /// When it ended, in milliseconds since 1970 by the server's clock; `None` when it does not say.
    pub at: Option<i64>,
    /// The studio that sent it, and which attempt of it that was, when it was one.
    pub sender: Option<(String, String)>,
    /// The graph that was run.
    pub graph: Value,
    /// Pictures among what it made, in the order of their nodes; without previews and films.
    pub pictures: Vec<Picture>,
}

/// A picture of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture(NamedFile);

impl Picture {
    /// Where it lies there: folder and name, as it may be shown.
    pub fn name(&self) -> String {
        let NamedFile { filename, subfolder, .. } = &self.0;
        let whole = if subfolder.is_empty() { filename.clone() } else { format!("{subfolder}/{filename}") };
        whole.chars().filter(|sign| !sign.is_control()).take(200).collect()
    }
}

/// What a server has finished.
pub struct Outputs {
    client: Client,
}

impl Outputs {
    /// Of the server at `url`, e.g. `http://127.0.0.1:8188`; nothing is asked yet.
    ///
    /// # Errors
    /// The address cannot be used.
    pub fn of(url: &str) -> Result<Self, Trouble> {
        Ok(Self { client: Client::new(url)? })
    }

    /// What `wanted` keeps of every prompt that left pictures, oldest first. Nothing else is held in memory.
    ///
    /// # Errors
    /// The server is away, or says no.
    pub async fn finished<T>(&self, mut wanted: impl FnMut(Output) -> Option<T>) -> Result<Vec<T>, Trouble> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for page in 0..MOST_PAGES {
            let entries = self.client.finished(page * PAGE, PAGE).await?;
            let many = entries.len();
            let before = seen.len();
            for (id, entry) in entries {
                if !seen.insert(id.clone()) {
                    continue;
                }
                let Some(output) = output(id, entry) else { continue };
                let order = (output.at, output.prompt.clone());
                found.extend(wanted(output).map(|kept| (order, kept)));
            }
            // The last page; or a server that does not turn pages.
            if many < PAGE || seen.len() == before {
                break;
            }
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(found.into_iter().map(|(_, kept)| kept).collect())
    }

    /// Whether the server answers at all.
    ///
    /// # Errors
    /// It does not, and why.
    pub async fn answers(&self) -> Result<(), Trouble> {
        self.client.queue().await.map(drop)
    }

    /// Brings a picture to `dir/picture-AT.EXT`, whole.
    ///
    /// # Errors
    /// It is gone there, the connection does not hold, or the disk does not take it.
    pub async fn fetch(&self, picture: &Picture, dir: &Path, at: usize) -> Result<PathBuf, EngineError> {
        fetch(&self.client, PAUSE, &picture.0, dir, &format!("picture-{at}")).await
    }
}

/// What an entry of the history left; `None`: no picture, or it did not end well.
fn output(prompt: String, entry: Finished) -> Option<Output> {
    if !entry.entry.is_success() {
        return None;
    }
    let nodes = entry.entry.outputs.keys();
    let files = nodes.flat_map(|node| entry.entry.files(node));
    let pictures: Vec<Picture> = files.filter(NamedFile::is_still).map(Picture).collect();
    if pictures.is_empty() {
        return None;
    }
    let word = |key: &str| entry.extra().get("studio")?.get(key)?.as_str().map(str::to_owned);
    let sender = word("home").zip(word("attempt"));
    let at = entry.ended();
    Some(Output { prompt, at, sender, pictures, graph: entry.into_graph() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(entry: Value) -> Option<Output> {
        output("7".into(), serde_json::from_value(entry).expect("it can be read"))
    }

    fn file(name: &str, folder: &str, kind: &str) -> Value {
        json!({ "filename": name, "subfolder": folder, "type": kind })
    }

    #[test]
    fn pictures_are_found_under_any_key_without_previews_and_films() {
        let graph = json!({ "3": { "class_type": "KSampler", "inputs": { "seed": 5 } } });
        let entry = json!({
            "prompt": [3, "7", graph, { "create_time": 1_000, "client_id": "x" }, ["9"]],
            "outputs": {
                "9": { "images": [file("a_00001_.png", "mara", "output"), file("p.png", "", "temp")], "animated": [false] },
                "12": { "gifs": [file("b.mp4", "", "output"), file("b.png", "", "output")], "text": ["hello"] },
            },
            "status": { "status_str": "success", "completed": true, "messages": [
                ["execution_start", { "prompt_id": "7", "timestamp": 1_100 }],
                ["execution_success", { "prompt_id": "7", "timestamp": 1_900 }]] },
            "meta": {},
        });
        let found = of(entry.clone()).expect("it left pictures");
        let names: Vec<String> = found.pictures.iter().map(Picture::name).collect();
        assert_eq!(names, ["b.png", "mara/a_00001_.png"]);
        assert_eq!((found.at, found.sender, found.graph), (Some(1_900), None, graph));
        // What did not end well, and what made nothing that is kept, is nothing.
        for (at, value) in [("/status/status_str", json!("error")), ("/outputs", json!({}))] {
            let mut other = entry.clone();
            *other.pointer_mut(at).expect("it is there") = value;
            assert_eq!(of(other), None, "{at}");
        }
        let mut ours = entry;
        ours["prompt"][3] = json!({ "studio": { "home": "here", "attempt": "77" } });
        assert_eq!(of(ours).and_then(|found| found.sender), Some(("here".into(), "77".into())));
    }

    #[test]
    fn what_is_missing_or_of_another_shape_is_left_out() {
        assert_eq!(of(json!({})), None);
        let bare = json!({ "prompt": [], "outputs": { "9": { "images": [file("a\u{7}.png", "", "output"), 5] } },
            "status": { "status_str": "success" } });
        let found = of(bare).expect("a picture is there");
        assert_eq!((found.at, found.graph, found.pictures[0].name()), (None, Value::Null, "a.png".into()));
    }
}
