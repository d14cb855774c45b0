//! Wire: what ComfyUI says, as far as the studio reads it. Everything else is skipped, because versions differ.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use studio_core::workflow::ProgressEvent as Progress;

pub use super::super::http::shortened;

/// `GET /queue`: `[number, prompt_id, graph, extra_data, outputs]` per item. The pending list is a heap, not sorted.
#[derive(Debug, Default, Deserialize)]
pub struct Queue {
    /// At most one.
    pub queue_running: Vec<Queued>,
    /// In no order.
    pub queue_pending: Vec<Queued>,
}

/// One item of the queue.
#[derive(Debug, Deserialize)]
pub struct Queued(
    /// Priority, lower first.
    pub f64,
    /// Id of the prompt (`prompt_id`).
    pub String,
    /// The graph, which the studio does not read.
    pub serde::de::IgnoredAny,
    /// `extra_data`, with the studio's mark when the prompt is one of ours.
    #[serde(default)]
    pub Value,
    /// Output nodes, and whatever later versions add.
    #[serde(default)]
    pub Value,
    /// Later versions add more.
    #[serde(default)]
    pub Value,
);

/// Where a prompt is in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is being rendered now.
    Running,
    /// So many go first, the running one counted.
    Waiting(usize),
}

impl Queue {
    /// Where `id` is; `None` when it is not there.
    pub fn place(&self, id: &str) -> Option<Place> {
        if self.queue_running.iter().any(|item| item.1 == id) {
            return Some(Place::Running);
        }
        let mine = self.queue_pending.iter().find(|item| item.1 == id)?;
        let ahead = self.queue_pending.iter().filter(|item| item.0 < mine.0).count();
        Some(Place::Waiting(ahead + self.queue_running.len()))
    }

    /// Id of the connection that hears about `id`, when the server says it.
    pub fn client(&self, id: &str) -> Option<&str> {
        let mut all = self.queue_running.iter().chain(&self.queue_pending);
        all.find(|item| item.1 == id)?.3.get("client_id")?.as_str()
    }

    /// Prompts that somebody else queued.
    pub fn foreign(&self) -> usize {
        self.queue_running.iter().chain(&self.queue_pending).filter(|item| item.3.get("studio").is_none()).count()
    }
}

/// An entry of `GET /history/{id}`; the graph in it is skipped.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Entry {
    /// Per output node, what it says it made.
    #[serde(default)]
    pub outputs: BTreeMap<String, Value>,
    /// How it ended.
    #[serde(default)]
    pub status: Status,
}

/// An entry of `GET /history`, with the graph and what was sent beside it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Finished {
    /// `[number, prompt_id, graph, extra_data, outputs]`.
    #[serde(default)]
    prompt: Value,
    /// What it made, and how it ended.
    #[serde(flatten)]
    pub entry: Entry,
}

impl Finished {
    /// What was sent beside the graph; nothing of one that does not say it.
    pub fn extra(&self) -> &Value {
        &self.prompt[3]
    }

    /// When it ended, else when it was sent, in milliseconds since 1970.
    pub fn ended(&self) -> Option<i64> {
        let mut said = self.entry.status.messages.iter().rev();
        let said = said.find_map(|(_, data)| data.get("timestamp")?.as_i64());
        said.or_else(|| self.extra().get("create_time")?.as_i64())
    }

    /// The graph; null of one that does not say it.
    pub fn into_graph(mut self) -> Value {
        self.prompt.get_mut(2).map(Value::take).unwrap_or_default()
    }
}

/// How a prompt ended. A cancelled one is an error whose last message is `execution_interrupted`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Status {
    /// `success` or `error`.
    #[serde(default)]
    pub status_str: String,
    /// `[name, data]` each.
    #[serde(default)]
    pub messages: Vec<(String, Value)>,
}

/// Answer of `GET /internal/logs/raw`: the console.
#[derive(Debug, Default, Deserialize)]
pub struct Console {
    /// What was written, oldest first.
    pub entries: Vec<Written>,
}

/// Something written to a console.
#[derive(Debug, Deserialize)]
pub struct Written {
    /// When, by the server's clock, e.g. `2026-11-28T16:30:24.704204`: later ones are greater as texts.
    pub t: String,
    /// What, control codes and all; rarely a whole line.
    pub m: String,
}

/// A file that an output node names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NamedFile {
    /// File name as the server says it; never used as a path here.
    pub filename: String,
    /// Folder below the type's.
    #[serde(default)]
    pub subfolder: String,
    /// `output`, `temp` or `input`.
    #[serde(rename = "type", default)]
    pub kind: String,
}

impl NamedFile {
    /// The extension in lower case, when it is one the studio keeps.
    pub fn ext(&self) -> Option<&'static str> {
        let (_, ext) = self.filename.rsplit_once('.')?;
        ["png", "jpg", "jpeg", "webp", "gif", "mp4", "webm", "mkv", "mov", "flac", "wav", "m4a", "safetensors"]
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(ext))
    }

    /// A picture that stands still, by its extension.
    pub fn is_still(&self) -> bool {
        matches!(self.ext(), Some("png" | "jpg" | "jpeg" | "webp"))
    }

    /// A moving picture, by its extension.
    pub fn is_video(&self) -> bool {
        matches!(self.ext(), Some("mp4" | "webm" | "mkv" | "mov" | "gif"))
    }
}

/// How a prompt ended, in the studio's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It made what its outputs say.
    Success,
    /// Somebody stopped it.
    Interrupted,
    /// A node failed.
    Error {
        /// Python's class of it, e.g. `torch.OutOfMemoryError`.
        exception: String,
        /// First lines of what it said.
        message: String,
        /// Class of the node.
        node: String,
    },
}

impl Entry {
    /// How it ended.
    pub fn ending(&self) -> Ending {
        if self.is_success() {
            return Ending::Success;
        }
        let last = |name: &str| self.status.messages.iter().rev().find(|(kind, _)| kind == name).map(|(_, data)| data);
        if let Some(data) = last("execution_error") {
            let text = |key: &str| data.get(key).and_then(Value::as_str).unwrap_or_default();
            return Ending::Error {
                exception: text("exception_type").to_owned(),
                message: shortened(text("exception_message")),
                node: text("node_type").to_owned(),
            };
        }
        if last("execution_interrupted").is_some() {
            return Ending::Interrupted;
        }
        Ending::Error { exception: String::new(), message: "it does not say why".into(), node: String::new() }
    }

    /// It made what its outputs say.
    pub fn is_success(&self) -> bool {
        self.status.status_str == "success"
    }

    /// Files of a node's outputs, under whichever key (`images`, `gifs`, `videos`); temporary ones are left out.
    pub fn files(&self, node: &str) -> Vec<NamedFile> {
        let Some(Value::Object(outputs)) = self.outputs.get(node) else { return Vec::new() };
        let lists = outputs.values().filter_map(Value::as_array).flatten();
        lists
            .filter_map(|value| serde_json::from_value::<NamedFile>(value.clone()).ok())
            .filter(|file| file.kind == "output")
            .collect()
    }
}

/// A card full, by the exception's class or words (protocol facts 1.7).
pub fn is_out_of_memory(exception: &str, message: &str) -> bool {
    exception.contains("OutOfMemory") || message.to_lowercase().contains("out of memory")
}

/// `POST /prompt`, accepted.
#[derive(Debug, Deserialize)]
pub struct Accepted {
    /// The id it runs under.
    pub prompt_id: String,
    /// Parts of the graph that will not run: any entry makes the whole a failure.
    #[serde(default)]
    pub node_errors: Value,
}

/// `POST /prompt`, refused.
#[derive(Debug, Default, Deserialize)]
pub struct Refused {
    /// What in general.
    #[serde(default)]
    pub error: Value,
    /// What at which node.
    #[serde(default)]
    pub node_errors: Value,
}

/// What the refusal says, in one sentence with nodes and inputs named.
pub fn complaint(error: &Value, node_errors: &Value) -> String {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut said = Vec::new();
    for (node, about) in node_errors.as_object().into_iter().flatten() {
        let class = text(about, "class_type");
        for error in about.get("errors").and_then(Value::as_array).into_iter().flatten() {
            let details = text(error, "details");
            let message = text(error, "message");
            let both = if details.is_empty() { message } else { format!("{message}: {details}") };
            said.push(format!("node {node} ({class}): {}", shortened(&both)));
        }
    }
    if said.is_empty() {
        let (message, details) = (text(error, "message"), text(error, "details"));
        said.push(shortened(&if details.is_empty() { message } else { format!("{message} {details}") }));
    }
    said.truncate(5);
    said.join("; ")
}

/// Answer of `GET /system_stats`: the program and its cards.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SystemStats {
    /// What it says of the program.
    #[serde(default)]
    pub system: SystemPart,
    /// Cards; the first is the one it works on.
    #[serde(default)]
    pub devices: Vec<Device>,
}

/// What ComfyUI says of itself.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SystemPart {
    /// Version of ComfyUI, e.g. `0.33.0`; empty when it does not say.
    #[serde(default)]
    pub comfyui_version: String,
    /// Command line it was started with, word by word; empty when it does not say.
    #[serde(default)]
    pub argv: Vec<String>,
}

/// A card, as ComfyUI sees it. Bytes.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Device {
    /// e.g. `cuda:0 NVIDIA GeForce RTX 3060 : cudaMallocAsync`.
    #[serde(default)]
    pub name: String,
    /// `cuda`, `cpu`, ...
    #[serde(rename = "type", default)]
    pub kind: String,
    /// All of it.
    #[serde(default)]
    pub vram_total: u64,
    /// Free, with what torch has reserved but does not use.
    #[serde(default)]
    pub vram_free: u64,
}

/// Something heard on the socket.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// A message about a prompt.
    Prompt {
        /// The prompt the message is about.
        prompt_id: String,
        /// What it says of that prompt.
        what: What,
    },
    /// A preview of a prompt.
    Preview {
        /// Which; `None` from a server that was not told the flags.
        prompt_id: Option<String>,
        /// `image/jpeg` or `image/png`.
        mime: &'static str,
        /// The encoded picture.
        bytes: Vec<u8>,
    },
    /// Prompts waiting and running.
    Status(usize),
}

/// What a message says about its prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// How far it is, in the words its progress is folded from.
    Progress(Progress),
    /// The end, good or bad; the history says which.
    Over,
}

/// Reads a text frame; `None` for what the studio does not need, unknown kinds and nonsense.
pub fn text(frame: &str) -> Option<Heard> {
    let value: Value = serde_json::from_str(frame).ok()?;
    let data = value.get("data")?;
    let kind = value.get("type")?.as_str()?;
    if kind == "status" {
        let left = data.pointer("/status/exec_info/queue_remaining")?.as_u64()?;
        return Some(Heard::Status(left as usize));
    }
    // After a reconnect `executing` comes without an id: it cannot be told whose it is.
    let prompt_id = data.get("prompt_id")?.as_str()?.to_owned();
    let node = || data.get("node").and_then(Value::as_str).map(str::to_owned);
    let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_f64).unwrap_or_default();
    let what = match kind {
        "execution_start" => What::Progress(Progress::Started),
        "execution_cached" => {
            let nodes = data.get("nodes").and_then(Value::as_array).into_iter().flatten();
            let nodes = nodes.filter_map(|node| node.as_str().map(str::to_owned)).collect();
            What::Progress(Progress::Cached(nodes))
        }
        "executing" => What::Progress(Progress::Executing(node())),
        "progress" => {
            let (value, max) = (number(data, "value"), number(data, "max"));
            What::Progress(Progress::Step { node: node()?, value, max })
        }
        "progress_state" => {
            let nodes = data.get("nodes")?.as_object()?;
            let state = |(id, node): (&String, &Value)| {
                let finished = node.get("state").and_then(Value::as_str) == Some("finished");
                (id.clone(), number(node, "value"), number(node, "max"), finished)
            };
            What::Progress(Progress::States(nodes.iter().map(state).collect()))
        }
        "executed" => What::Progress(Progress::Executed(node()?)),
        // This one does not end the prompt (protocol facts 1.4).
        "execution_error" if data.get("exception_type").and_then(Value::as_str) == Some("ExecutionBlocked") => {
            return None;
        }
        "execution_success" | "execution_error" | "execution_interrupted" => What::Over,
        _ => return None,
    };
    Some(Heard::Prompt { prompt_id, what })
}

/// Reads a binary frame: a preview with or without its prompt's id; `None` for everything else.
pub fn binary(frame: &[u8]) -> Option<Heard> {
    let number = |at: usize| Some(u32::from_be_bytes(frame.get(at..at + 4)?.try_into().ok()?));
    match number(0)? {
        1 => {
            let mime = match number(4)? {
                1 => "image/jpeg",
                2 => "image/png",
                _ => return None,
            };
            Some(Heard::Preview { prompt_id: None, mime, bytes: frame.get(8..)?.to_vec() })
        }
        4 => {
            let length = number(4)? as usize;
            let end = length.checked_add(8)?;
            let about: Value = serde_json::from_slice(frame.get(8..end)?).ok()?;
            let mime = match about.get("image_type")?.as_str()? {
                "image/jpeg" => "image/jpeg",
                "image/png" => "image/png",
                _ => return None,
            };
            let prompt_id = about.get("prompt_id").and_then(Value::as_str).map(str::to_owned);
            Some(Heard::Preview { prompt_id, mime, bytes: frame.get(end..)?.to_vec() })
        }
        _ => None,
    }
}
