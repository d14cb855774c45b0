//! Train: LoRAs by a ComfyUI's own nodes. Pictures and weights go up, the graph runs as any other, the LoRA comes down: no disk is
//! shared.
//!
//! What ComfyUI saves below `output/loras` is among its LoRAs at once, and may be put there by its route for uploads, too. Nothing
//! says what `SaveLoRA` wrote, so it is found by its prefix, which nothing else has.

use std::{fmt, path::Path, path::PathBuf, sync::Arc, time::Duration};

use serde_json::json;
use studio_core::{
    fleet::Away,
    ids::ContentHash,
    workflow::{Fold, Lack, SlotValue, Workflow},
};
use studio_engine::{EngineError, FailureKind, Progress};
use tokio_util::sync::CancellationToken;

use super::{
    Comfy,
    client::{Folder, Trouble},
    fetch::fetch,
    inspect::missing,
    render::{Ends, Prompt, PromptStatus, prompt_status, render},
    server::{Facts, Server, State},
    wire::NamedFile,
};

/// Folder of the studio among a server's LoRAs and its inputs.
const OURS: &str = "studiod";
/// Slots of a training workflow that are filled in when it runs.
const PREFIX: &str = "prefix";
/// Prompts of one slice, at most: more were never sent.
const MOST_TRIES: u32 = 64;

/// A ComfyUI that trains.
#[derive(Clone)]
pub struct TrainingServer {
    server: Arc<Server>,
    home: String,
}

impl fmt::Debug for TrainingServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrainingServer").field("server", &self.server.plan).finish_non_exhaustive()
    }
}

/// A LoRA a server has.
#[derive(Debug, Clone)]
pub struct TrainedFile(NamedFile);

/// The last line of a server's console that was read; see [`TrainingServer::console`].
#[derive(Debug, Default)]
pub struct ConsolePlace(Option<String>);

impl TrainedFile {
    /// The name nodes know it by.
    pub fn name(&self) -> String {
        format!("{OURS}/{}", self.0.filename)
    }
}

impl Comfy {
    /// The server of this name, or the first, as one that trains; `None` when there is none.
    pub fn training_server(&self, name: Option<&str>) -> Option<TrainingServer> {
        let server = match name {
            Some(name) => self.pool.server(name),
            None => self.pool.servers.first(),
        }?;
        Some(TrainingServer { server: server.clone(), home: self.home.clone() })
    }
}

fn failure(what: &str) -> impl Fn(Trouble) -> EngineError {
    move |trouble| EngineError::new(trouble.kind(), format!("{what}: {trouble}"))
}

impl TrainingServer {
    /// Address of the server, `http://host:port`.
    pub fn url(&self) -> &str {
        &self.server.plan.url
    }

    /// The card it works on, by PCI slot; `None`: nobody says.
    pub fn card(&self) -> Option<&str> {
        self.server.plan.card.as_deref()
    }

    /// Between two looks at what it does.
    pub fn pause(&self) -> Duration {
        self.server.pace.poll
    }

    /// What it has; asked when it never was.
    ///
    /// # Errors
    /// It is not there, and why.
    pub async fn facts(&self) -> Result<Arc<Facts>, Away> {
        if matches!(&*self.server.state.borrow(), State::Away(Away::Unasked { .. })) {
            self.server.look_once().await;
        }
        match &*self.server.state.borrow() {
            State::Up(facts) => Ok(facts.clone()),
            State::Away(away) => Err(away.clone()),
        }
    }

    /// What it has, read anew: files may have been put there meanwhile.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn read_facts(&self) -> Result<Facts, EngineError> {
        self.server.read_facts().await.map_err(failure("failed to read what a ComfyUI has"))
    }

    /// Uploads a picture or its caption below a folder of the input folder that `folder` names; see [`input_folder`].
    ///
    /// # Errors
    /// It does not take it.
    pub async fn upload_input(&self, folder: &str, name: &str, mime: &str, bytes: Vec<u8>) -> Result<(), EngineError> {
        let folder = Folder { kind: "input", path: folder };
        let sent = self.server.client.upload(folder, name, mime, bytes).await;
        sent.map(drop).map_err(failure("failed to upload a picture for the training"))
    }

    /// Uploads weights to go on from; the name nodes know them by. `steps` is what they were trained for, which the node reads
    /// in the name.
    ///
    /// # Errors
    /// It does not take them.
    pub async fn upload_weights(&self, hash: ContentHash, steps: u64, bytes: Vec<u8>) -> Result<String, EngineError> {
        let hash = hash.to_string();
        let name = format!("from-{}_{steps}_steps_00000_.safetensors", &hash[..16]);
        let path = format!("loras/{OURS}");
        let folder = Folder { kind: "output", path: &path };
        let sent = self.server.client.upload(folder, &name, "application/octet-stream", bytes).await;
        sent.map_err(failure("failed to upload the LoRA to go on from"))?;
        Ok(format!("{OURS}/{name}"))
    }

    /// Whether a LoRA is among those it lists.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn lists(&self, name: &str) -> Result<bool, EngineError> {
        let listed = self.server.client.models("loras").await.map_err(failure("failed to list the LoRAs"))?;
        Ok(listed.iter().any(|one| one.replace('\\', "/") == name))
    }

    /// The LoRA that a slice called `key` left, when it is there.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn trained(&self, key: &str) -> Result<Option<TrainedFile>, EngineError> {
        let listed = self.server.client.models("loras").await.map_err(failure("failed to list the LoRAs"))?;
        let begins = format!("{OURS}/{key}-");
        let mut names: Vec<String> = listed.into_iter().map(|name| name.replace('\\', "/")).collect();
        names.retain(|name| name.starts_with(&begins));
        names.sort();
        let last = names.pop().and_then(|name| Some(name.rsplit_once('/')?.1.to_owned()));
        let file = |filename| NamedFile { filename, subfolder: format!("loras/{OURS}"), kind: "output".to_owned() };
        Ok(last.map(|name| TrainedFile(file(name))))
    }

    /// Brings a LoRA to `dir/weights.safetensors`, whole.
    ///
    /// # Errors
    /// It is gone there, the connection does not hold, or the disk does not take it.
    pub async fn fetch(&self, file: &TrainedFile, dir: &Path) -> Result<PathBuf, EngineError> {
        let pause = self.pause().min(Duration::from_secs(1));
        fetch(&self.server.client, pause, &file.0, dir, "weights").await
    }

    /// Runs a workflow that trains to its end; what it saves is found by `key` afterwards. One that an earlier process has sent is
    /// gone on with.
    ///
    /// # Errors
    /// As for every prompt.
    pub async fn run(
        &self,
        flow: &Workflow,
        values: &std::collections::BTreeMap<String, SlotValue>,
        key: &str,
        progress: &Progress,
        stop: &CancellationToken,
    ) -> Result<(), EngineError> {
        let (number, again) = self.next_try(key).await?;
        let mut values = values.clone();
        values.insert(PREFIX.into(), SlotValue::Text(format!("loras/{OURS}/{key}-{number:02}")));
        let graph = flow.bind(&values).map_err(|faults| {
            let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
            EngineError::new(FailureKind::Refused, format!("workflow {}: {}", flow.name, said.join("; ")))
        })?;
        let facts = self.server.facts();
        let graph = facts.map_or(graph.clone(), |facts| flow.spelled(&graph, &facts.nodes));
        let mut fold = Fold::new(flow, &graph, 1, None);
        let mark = json!({ "home": self.home, "training": key, "what": flow.name });
        let id = try_id(key, number);
        let prompt = Prompt { id: &id, graph: &graph, mark: &mark, again, unload_on_error: true, usual: None };
        let never = CancellationToken::new();
        let ends = Ends { stop, closing: &never, recall: &never };
        render(&self.server, &prompt, &mut fold, progress, &ends).await?;
        // Nothing of a training stays on the card between two slices.
        self.server.free().await;
        Ok(())
    }

    /// The number of the next prompt of a slice, and whether it is in the queue already. Ids are never used twice.
    async fn next_try(&self, key: &str) -> Result<(u32, bool), EngineError> {
        for number in 0..MOST_TRIES {
            let found = prompt_status(&self.server, &try_id(key, number)).await;
            match found.map_err(failure("failed to ask a ComfyUI what became of a training"))? {
                PromptStatus::Unknown => return Ok((number, false)),
                PromptStatus::Queued { .. } => return Ok((number, true)),
                PromptStatus::Ended(_) => {}
            }
        }
        let why = format!("{} remembers {MOST_TRIES} tries of this slice; restart ComfyUI", self.server.plan.name);
        Err(EngineError::new(FailureKind::Refused, why))
    }

    /// What its console said since the last time, as it said it; nothing where it does not tell.
    pub async fn console(&self, place: &mut ConsolePlace) -> String {
        let entries = self.server.client.console().await.unwrap_or_default();
        let new = entries.iter().filter(|entry| place.0.as_ref().is_none_or(|seen| entry.t > *seen));
        let text: String = new.map(|entry| entry.m.as_str()).collect();
        if let Some(last) = entries.into_iter().map(|entry| entry.t).max() {
            place.0 = Some(last);
        }
        text
    }
}

/// Everything a workflow that trains lacks where these are the facts.
pub fn lacks(flow: &Workflow, values: &std::collections::BTreeMap<String, SlotValue>, facts: &Facts) -> Vec<Lack> {
    missing(flow, values, facts)
}

/// The name nodes know a base model by whose file, or name, is `base`; `None`: it is not among the checkpoints there.
pub fn checkpoint(base: &str, facts: &Facts) -> Option<String> {
    let names = facts.folders.get("checkpoints")?;
    let is_it = |name: &&String| Path::new(base).ends_with(name.replace('\\', "/"));
    names.iter().filter(is_it).max_by_key(|name| name.len()).cloned()
}

/// The folder below the input folder that holds the pictures called `key`.
pub fn input_folder(key: &str) -> String {
    format!("{OURS}/{key}")
}

/// Id of a prompt of a slice, so that a restart finds it again.
fn try_id(key: &str, number: u32) -> String {
    let bytes = ContentHash::of(format!("{key} {number}").as_bytes()).0;
    let half: [u8; 16] = bytes[..16].try_into().unwrap_or_default();
    uuid::Builder::from_random_bytes(half).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use studio_core::workflow::Nodes;

    use super::*;

    fn facts(checkpoints: &[&str]) -> Facts {
        let names = checkpoints.iter().map(|name| (*name).to_owned()).collect();
        Facts {
            stats: super::super::wire::SystemStats::default(),
            has_jobs: true,
            nodes: Nodes::default(),
            folders: BTreeMap::from([("checkpoints".to_owned(), names)]),
        }
    }

    #[test]
    fn a_base_is_known_by_its_path_or_its_name() {
        let facts = facts(&["a.safetensors", "sd15/a.safetensors", "win\\b.safetensors"]);
        let of = |base: &str| checkpoint(base, &facts);
        assert_eq!(of("/opt/models/checkpoints/sd15/a.safetensors").as_deref(), Some("sd15/a.safetensors"));
        assert_eq!(of("/opt/models/checkpoints/a.safetensors").as_deref(), Some("a.safetensors"));
        assert_eq!(of("a.safetensors").as_deref(), Some("a.safetensors"));
        assert_eq!(of("/x/win/b.safetensors").as_deref(), Some("win\\b.safetensors"));
        assert_eq!(of("/opt/za.safetensors"), None);
    }

    #[test]
    fn every_try_has_an_id_of_its_own() {
        let ids: Vec<String> = (0..3).map(|number| try_id("x-e002-0011", number)).collect();
        assert!(ids.iter().all(|id| uuid::Uuid::parse_str(id).is_ok_and(|uuid| uuid.to_string() == *id)));
        assert!(ids[0] != ids[1] && ids[1] != ids[2]);
        assert_eq!(ids[0], try_id("x-e002-0011", 0));
    }
}
