//! Direct: one prompt of an attempt on one server: inputs up, rendered, its output down and decoded.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use studio_core::{
    ids::{AttemptId, ContentHash},
    media::{MediaFacts, MediaPlan, MediaResult, ProbePlan},
    order::Role,
    workflow::{Fold, Kind, SlotValue, Workflow},
};
use studio_engine::{Artifact, Doing, EngineError, FailureKind, Means, Progress, RunMedia, Said, Workspace};
use tokio_util::sync::CancellationToken;

use super::{
    client::Folder,
    fetch::fetch,
    render::{Ends, Prompt, render},
    server::Server,
};
use crate::{definitions::Definitions, files};

/// Most parts an attempt is rendered in; abandoning asks for each.
pub const MOST_PARTS: u8 = 16;

/// Id of part `part` of an attempt: the attempt's own for the first, so that a restart finds every part again.
pub fn prompt_id(attempt: AttemptId, part: u8) -> String {
    let mut bytes = *attempt.0.as_bytes();
    bytes[15] ^= part;
    uuid::Uuid::from_bytes(bytes).to_string()
}

/// What prompts are made with, wherever they run.
#[derive(Clone, Copy)]
pub struct Kit<'a> {
    /// Probes, joins and takes pictures out.
    pub media: &'a dyn RunMedia,
    /// Which studio this is.
    pub home: &'a str,
    /// Models and workflows.
    pub definitions: &'a Definitions,
}

/// The mark every prompt of the studio carries.
pub fn mark(home: &str, attempt: AttemptId, what: &str) -> Value {
    serde_json::json!({ "home": home, "attempt": attempt, "what": what })
}

/// What a result that is looked at is in the attempt.
pub fn shown(facts: &MediaFacts) -> Role {
    if matches!(facts, MediaFacts::Still { .. }) { Role::Picture } else { Role::Video }
}

pub async fn probe(
    media: &dyn RunMedia,
    file: &Path,
    dir: &Path,
    stop: &CancellationToken,
) -> Result<MediaFacts, EngineError> {
    let plan = MediaPlan::Probe(ProbePlan { input: file.to_owned() });
    match media.run(plan, dir, &Progress::noop(), stop).await? {
        MediaResult::Probe { facts } => Ok(facts),
        other => Err(EngineError::new(FailureKind::Transient, format!("media answered with {other:?}"))),
    }
}

/// One prompt of an attempt.
pub struct Step<'a> {
    /// The workflow the prompt is made from.
    pub flow: &'a Workflow,
    /// Values of its slots, without pictures and the prefix.
    pub values: BTreeMap<String, SlotValue>,
    /// Files to be uploaded, by slot.
    pub uploads: &'a BTreeMap<String, PathBuf>,
    /// The attempt it belongs to; the id of the prompt is made from its id.
    pub attempt: AttemptId,
    /// Which part of the prompt it belongs to, from 0.
    pub part: u8,
    /// How many parts the prompt has.
    pub parts: u8,
    /// FramePack sections, else 1.
    pub sections: u32,
    /// It may have been sent before.
    pub again: bool,
    /// `/free` follows a failure.
    pub unload_on_error: bool,
    /// What such a prompt usually takes here.
    pub usual: Option<Duration>,
}

/// One server, used directly.
pub struct Direct<'a> {
    /// The server prompts are sent to.
    pub server: &'a Server,
    /// What prompts need beside a server.
    pub kit: Kit<'a>,
}

impl Direct<'_> {
    /// Renders one prompt and brings its first output into the room.
    pub async fn step(
        &self,
        step: &Step<'_>,
        room: &Workspace,
        progress: &Progress,
        stop: &CancellationToken,
    ) -> Result<PathBuf, EngineError> {
        let mut values = step.values.clone();
        for (slot, path) in step.uploads {
            values.insert(slot.clone(), SlotValue::Text(self.upload(path).await?));
        }
        let id = prompt_id(step.attempt, step.part);
        // A prefix of its own: an equal graph would run nothing and name the old file.
        values.insert("prefix".into(), SlotValue::Text(format!("studio/{id}")));
        let graph = self.bind(step.flow, &values)?;
        let usual_ms = step.usual.map(|usual| usual.as_millis() as u64);
        let mut fold = Fold::new(step.flow, &graph, step.sections, usual_ms);
        let mark = mark(self.kit.home, step.attempt, &step.flow.name);
        let known = step.again && (step.part == 0 || self.knows(&id).await);
        let prompt = Prompt {
            id: &id,
            graph: &graph,
            mark: &mark,
            again: known,
            unload_on_error: step.unload_on_error,
            usual: step.usual,
        };
        let whole = Shared { progress, part: step.part, parts: step.parts };
        let ends = Ends { stop, closing: &room.closing, recall: &room.recall };
        let entry = render(self.server, &prompt, &mut fold, &whole.progress(), &ends).await?;
        let mut found = step.flow.about.outputs.iter().flat_map(|output| entry.files(&output.node));
        let Some(file) = found.next() else {
            let message = "ComfyUI finished, but names no output file of the workflow's output nodes";
            return Err(EngineError::new(FailureKind::Transient, message));
        };
        let pause = self.server.pace.poll.min(Duration::from_secs(1));
        fetch(&self.server.client, pause, &file, &room.dir, &format!("part-{}", step.part)).await
    }

    async fn knows(&self, id: &str) -> bool {
        !matches!(
            super::render::prompt_status(self.server, id).await,
            Ok(super::render::PromptStatus::Unknown) | Err(_)
        )
    }

    fn bind(&self, flow: &Workflow, values: &BTreeMap<String, SlotValue>) -> Result<Value, EngineError> {
        // What a workflow has no slot for is not its matter.
        let known = values.iter().filter(|(slot, _)| flow.takes(slot));
        let values = known.map(|(slot, value)| (slot.clone(), value.clone())).collect();
        let graph = flow.bind(&values).map_err(|faults| {
            let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
            EngineError::new(FailureKind::Refused, format!("workflow {}: {}", flow.name, said.join("; ")))
        })?;
        let facts = self.server.facts();
        Ok(facts.map_or(graph.clone(), |facts| flow.spelled(&graph, &facts.nodes)))
    }

    /// Uploads a file under a name made of its content, so that equal inputs are one file there.
    async fn upload(&self, path: &Path) -> Result<String, EngineError> {
        let gone = |error: &std::io::Error| {
            EngineError::new(FailureKind::BadInput, format!("an input cannot be read: {error}"))
        };
        let (hash, _) = files::hash_file(path).map_err(|error| gone(&error))?;
        let bytes = tokio::fs::read(path).await.map_err(|error| gone(&error))?;
        let ext = path.extension().and_then(|ext| ext.to_str()).unwrap_or("png");
        let mime = match ext {
            "jpg" | "jpeg" => "image/jpeg",
            "webp" => "image/webp",
            "mp4" => "video/mp4",
            _ => "image/png",
        };
        let name = format!("{hash}.{ext}");
        self.server
            .client
            .upload(Folder { kind: "input", path: "studio" }, &name, mime, bytes)
            .await
            .map_err(|trouble| EngineError::new(trouble.kind(), format!("failed to upload an input: {trouble}")))
    }

    /// What a result is, decoded once: a cut or foreign file ends here.
    pub async fn facts(
        &self,
        path: &Path,
        room: &Workspace,
        stop: &CancellationToken,
    ) -> Result<MediaFacts, EngineError> {
        let probed = probe(self.kit.media, path, &room.dir, stop).await;
        probed.map_err(|failure| match failure.kind {
            FailureKind::BadInput | FailureKind::Refused => {
                let message = format!("ComfyUI's result cannot be decoded: {}", failure.message);
                EngineError::new(FailureKind::Transient, message)
            }
            _ => failure,
        })
    }

    /// Renders a workflow as one prompt and brings its result into the room, decoded once.
    pub async fn single(
        &self,
        flow: &Workflow,
        values: &BTreeMap<String, SlotValue>,
        uploads: &BTreeMap<String, PathBuf>,
        Means { room, progress, stop }: Means<'_>,
    ) -> Result<Vec<Artifact>, EngineError> {
        let attempt = room.attempt;
        let mut values = values.clone();
        // A prompt with the seed of an earlier one would be answered from the cache.
        let drawn = ContentHash::of(attempt.to_string().as_bytes()).leading_u64() >> 11;
        if flow.about.slots.get("seed").is_some_and(|slot| slot.kind == Kind::Int) {
            values.entry("seed".into()).or_insert(SlotValue::Int(drawn as i64));
        }
        let step = Step {
            flow,
            values,
            uploads,
            attempt,
            part: 0,
            parts: 1,
            sections: sections(flow),
            again: false,
            unload_on_error: flow.about.free_after_failure,
            usual: None,
        };
        let path = self.step(&step, room, progress, stop).await?;
        let facts = self.facts(&path, room, stop).await?;
        Ok(vec![Artifact::File { role: shown(&facts), path, facts }])
    }

    /// Renders the self-test picture: whether the server does its work at all.
    pub async fn selftest(&self) -> Result<(), EngineError> {
        let dir = tempfile::tempdir().map_err(|error| EngineError::io("failed to make a folder", &error))?;
        let Some(flow) = self.kit.definitions.workflows.get("selftest_image") else {
            return Err(EngineError::new(FailureKind::Refused, "the workflow selftest_image is missing"));
        };
        // Any id that nobody had before will do; the folder's name is one.
        let name = ContentHash::of(dir.path().to_string_lossy().as_bytes());
        let bytes = name.0[..16].try_into().unwrap_or_default();
        let attempt = AttemptId(uuid::Builder::from_random_bytes(bytes).into_uuid());
        let room = Workspace::fresh(dir.path().to_owned(), dir.path().to_owned(), attempt);
        let (nothing, none) = (BTreeMap::new(), BTreeMap::new());
        let with = Means { room: &room, progress: &Progress::noop(), stop: &CancellationToken::new() };
        self.single(flow, &nothing, &none, with).await.map(drop)
    }
}

/// Sections of a workflow as its graph is, when it has any.
fn sections(flow: &Workflow) -> u32 {
    match flow.about.length {
        Some(rule @ studio_core::workflow::LengthRule::Framepack { .. }) => rule.plan(150).sections.unwrap_or(1),
        _ => 1,
    }
}

/// Progress of one part as progress of the whole.
struct Shared<'a> {
    progress: &'a Progress,
    part: u8,
    parts: u8,
}

impl Shared<'_> {
    fn progress(&self) -> Progress {
        let (whole, part, parts) = (self.progress.clone(), f64::from(self.part), f64::from(self.parts.max(1)));
        Progress::new(move |said| match said {
            Said::Doing(doing) if parts > 1.0 => {
                let what = format!("part {} of {parts}: {}", part + 1.0, doing.what);
                let done = (part + doing.done) / parts;
                whole.say(Said::Doing(Doing { done, what, left_ms: None }));
            }
            said => whole.say(said),
        })
    }
}
