//! Comfy and selftest: looking at a ComfyUI, running one workflow on it, and proving that the whole path works.

mod adopt;

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

pub(super) use adopt::{AdoptArgs, adopt};
use indicatif::{ProgressBar, ProgressStyle};
use studio_core::{
    media::MediaFacts,
    order::AssetRef,
    workflow::{Kind, Lack, SlotValue, Workflow},
};
use studio_engine::{Artifact, Engine, Means, Preview, Progress, Said, Workspace};

use super::{CliError, Exit, Invocation};
use crate::{
    app::{self, Data},
    definitions::{Definitions, DefinitionsWatch},
    engines::comfy::{self, Comfy},
    files,
};

/// Steps of the bar.
const STEPS: u64 = 1000;

/// Says what a ComfyUI has and what each workflow (or only those named) lacks there. Without an address: every one of the
/// settings. It ends with `Failed` when one does not answer, with `Missing` when something lacks, and with `Input` when a
/// file of the user's own is not used.
pub(super) async fn check(invocation: &Invocation, url: Option<String>, only: &[String]) -> Result<Exit, CliError> {
    let (data, json) = (invocation.data().await?, invocation.json);
    let urls = match url {
        Some(url) => vec![url],
        None => data.config.comfy.iter().map(|server| server.url.clone()).collect(),
    };
    if urls.is_empty() {
        let message = "no ComfyUI is in the settings; give its address: studiod comfy check http://127.0.0.1:8188";
        return Err(CliError::new(Exit::Usage, message));
    }
    let shelf = data.definitions();
    let mut definitions = Definitions::clone(&shelf.now());
    if let Some(name) = only.iter().find(|name| !definitions.workflows.contains_key(*name)) {
        return Err(unknown(name, &definitions));
    }
    definitions.workflows.retain(|name, _| only.is_empty() || only.contains(name));
    let (mut reports, mut away, mut lacking) = (Vec::new(), false, false);
    for url in urls {
        match comfy::inspect(&url, &definitions).await {
            Ok(report) => {
                lacking |= report.workflows.iter().any(|(_, lacks)| !lacks.is_empty());
                if json {
                    reports.push(told(&url, &report));
                } else {
                    out!("{url}\n{report}");
                }
            }
            Err(trouble) => {
                away = true;
                let message =
                    format!("{trouble}; start ComfyUI there: python main.py --listen 127.0.0.1 --preview-method auto");
                if json {
                    reports.push(serde_json::json!({ "url": url, "error": message }));
                } else {
                    out!("{message}");
                }
            }
        }
    }
    if json {
        out!("{}", serde_json::json!({ "servers": reports, "refused": definitions.refused }));
    } else {
        for refused in &definitions.refused {
            out!("not used: {refused}");
        }
    }
    Ok(match () {
        () if away => Exit::Failed,
        () if lacking => Exit::Missing,
        () if !definitions.refused.is_empty() => Exit::Input,
        () => Exit::Done,
    })
}

fn told(url: &str, report: &comfy::Report) -> serde_json::Value {
    let lacks =
        |(name, lacks): &(String, Vec<Lack>)| (name.clone(), lacks.iter().map(ToString::to_string).collect::<Vec<_>>());
    serde_json::json!({
        "url": url,
        "version": report.stats.system.comfyui_version,
        "previews": report.previews,
        "nodes": report.nodes,
        "models": report.models,
        "jobs_api": report.has_jobs,
        "foreign_prompts": report.foreign,
        "workflows": report.workflows.iter().map(lacks).collect::<BTreeMap<_, _>>(),
    })
}

/// A name that no workflow has.
fn unknown(name: &str, definitions: &Definitions) -> CliError {
    let known = definitions.workflows.keys().map(String::as_str);
    let near = studio_core::nearest::nearest(name, known);
    let hint = near.map_or_else(|| ".".to_owned(), |near| format!("; did you mean {near}?"));
    let message = format!("there is no workflow '{name}'{hint} See 'studiod comfy check' for all of them");
    CliError::new(Exit::Usage, message)
}

/// What `comfy run` is told.
#[derive(Debug)]
pub(super) struct RunArgs {
    /// Name of the workflow.
    pub workflow: String,
    /// `slot=value` each.
    pub set: Vec<String>,
    /// Where the result goes.
    pub out: PathBuf,
    /// Which ComfyUI; without it the first of the settings.
    pub url: Option<String>,
}

/// Runs one workflow and leaves what it made in a folder.
pub(super) async fn run(invocation: &Invocation, args: RunArgs) -> Result<Exit, CliError> {
    let (data, json) = (invocation.data().await?, invocation.json);
    let shelf = data.definitions();
    let definitions = shelf.now();
    let Some(flow) = definitions.workflows.get(&args.workflow) else {
        return Err(unknown(&args.workflow, &definitions));
    };
    let (values, uploads) = values(flow, &args.set).map_err(|why| CliError::new(Exit::Usage, why))?;
    std::fs::create_dir_all(&args.out).map_err(|error| disk(&args.out, &error))?;
    let comfy = open(&data, &shelf, args.url.as_deref())?;
    let seen = Seen::new(json, Some(args.out.join("preview")));
    let (made, facts) = make(&data, &comfy, flow, &values, &uploads, &args.out, &seen).await?;
    seen.done();
    let named = args.out.join(&args.workflow).with_extension(made.extension().unwrap_or_default());
    std::fs::rename(&made, &named).map_err(|error| disk(&named, &error))?;
    let made = (named, facts);
    report(flow, &made, &seen, json);
    Ok(Exit::Done)
}

/// Runs both self-tests through the whole path: submit, follow, download, decode, keep.
pub(super) async fn selftest(invocation: &Invocation, url: Option<String>) -> Result<Exit, CliError> {
    let (data, json) = (invocation.data().await?, invocation.json);
    let shelf = data.definitions();
    let definitions = shelf.now();
    let comfy = open(&data, &shelf, url.as_deref())?;
    let mut answers = Vec::new();
    for name in ["selftest_image", "selftest_video"] {
        let Some(flow) = definitions.workflows.get(name) else {
            return Err(CliError::new(Exit::Failed, format!("the workflow {name} is missing")));
        };
        let dir = data.context.data.work().join(data.context.clock.id().to_string());
        std::fs::create_dir_all(&dir).map_err(|error| disk(&dir, &error))?;
        let (seen, began) = (Seen::new(json, None), data.context.clock.now());
        let made = make(&data, &comfy, flow, &BTreeMap::new(), &BTreeMap::new(), &dir, &seen).await;
        seen.done();
        let kept = made.and_then(|made| keep(&data, &made));
        let _ = std::fs::remove_dir_all(&dir);
        let (asset, facts) = kept?;
        let took_ms = data.context.clock.now().0 - began.0;
        if json {
            answers
                .push(serde_json::json!({ "workflow": name, "asset": asset.hash, "facts": facts, "took_ms": took_ms }));
        } else {
            let took = took_ms as f64 / 1000.0;
            out!("{name}: passed in {took:.1} s, {}, kept as {}.{}", shape(&facts), asset.hash, asset.ext);
        }
    }
    if json {
        out!("{}", serde_json::Value::from(answers));
    }
    Ok(Exit::Done)
}

fn disk(path: &Path, error: &std::io::Error) -> CliError {
    CliError::new(Exit::Disk, format!("{} cannot be written: {error}", path.display()))
}

fn shape(facts: &MediaFacts) -> String {
    match facts {
        MediaFacts::Still { size } => format!("{}x{}", size.width, size.height),
        MediaFacts::Video { size, frames, fps, .. } => {
            format!("{}x{}, {frames} frames at {fps}", size.width, size.height)
        }
        MediaFacts::Sound { .. } | MediaFacts::Other => "not a picture".into(),
    }
}

/// The engine for one server, or those of the settings, at work.
fn open(data: &Data, shelf: &DefinitionsWatch, url: Option<&str>) -> Result<Comfy, CliError> {
    let comfy = app::comfy(data, shelf, url)?.ok_or_else(|| {
        let message = "no ComfyUI is in the settings; give its address with --url http://127.0.0.1:8188";
        CliError::new(Exit::Usage, message)
    })?;
    comfy.watch();
    Ok(comfy)
}

type Values = (BTreeMap<String, SlotValue>, BTreeMap<String, PathBuf>);

/// `slot=value`, read as what the slot takes; pictures and films are files to be uploaded.
fn values(flow: &Workflow, set: &[String]) -> Result<Values, String> {
    let (mut values, mut uploads) = (BTreeMap::new(), BTreeMap::new());
    for pair in set {
        let (slot, text) = pair.split_once('=').ok_or_else(|| format!("'{pair}' is not slot=value"))?;
        let Some(kind) = flow.about.slots.get(slot).map(|slot| slot.kind) else {
            let known: Vec<&str> = flow.about.slots.keys().map(String::as_str).collect();
            return Err(format!("{} has no slot {slot}; it has {}", flow.name, known.join(", ")));
        };
        let wrong = |what: &str| format!("slot {slot} takes {what}, not '{text}'");
        let value = match kind {
            Kind::Int => SlotValue::Int(text.parse().map_err(|_| wrong("a whole number"))?),
            Kind::Float => SlotValue::Float(text.parse().map_err(|_| wrong("a number"))?),
            Kind::Bool => SlotValue::Bool(text.parse().map_err(|_| wrong("true or false"))?),
            Kind::Image | Kind::Video => {
                let path = PathBuf::from(text);
                if !path.is_file() {
                    return Err(wrong("a file on this machine"));
                }
                uploads.insert(slot.to_owned(), path);
                continue;
            }
            _ => SlotValue::Text(text.to_owned()),
        };
        values.insert(slot.to_owned(), value);
    }
    Ok((values, uploads))
}

async fn make(
    data: &Data,
    comfy: &Comfy,
    flow: &Workflow,
    values: &BTreeMap<String, SlotValue>,
    uploads: &BTreeMap<String, PathBuf>,
    dir: &Path,
    seen: &Seen,
) -> Result<PathAndFacts, CliError> {
    let attempt = studio_core::ids::AttemptId(data.context.clock.id());
    let room = Workspace::fresh(dir.to_owned(), data.context.data.assets(), attempt);
    let stop = tokio_util::sync::CancellationToken::new();
    let interrupted = stop.clone();
    let ear = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            interrupted.cancel();
        }
    });
    let made =
        comfy.run_workflow(flow, values, uploads, Means { room: &room, progress: &seen.progress(), stop: &stop }).await;
    ear.abort();
    let made = made.map_err(|failure| CliError::new(Exit::Failed, failure.message))?;
    let file = made.into_iter().find_map(|made| match made {
        Artifact::File { path, facts, .. } => Some((path, facts)),
        _ => None,
    });
    file.ok_or_else(|| CliError::new(Exit::Failed, "the workflow made no file"))
}

type PathAndFacts = (PathBuf, MediaFacts);

/// Puts a result among the kept files, as the conductor would.
fn keep(data: &Data, made: &PathAndFacts) -> Result<(AssetRef, MediaFacts), CliError> {
    let (asset, _) = files::adopt(&data.context.data.assets(), &made.0).map_err(|error| disk(&made.0, &error))?;
    Ok((asset, made.1.clone()))
}

fn report(flow: &Workflow, made: &PathAndFacts, seen: &Seen, json: bool) {
    let (path, facts) = made;
    if json {
        let answer =
            serde_json::json!({ "workflow": flow.name, "file": path, "facts": facts, "preview": seen.preview() });
        out!("{answer}");
        return;
    }
    out!("{} ({})", path.display(), shape(facts));
    if let Some(preview) = seen.preview() {
        out!("last preview: {}", preview.display());
    }
}

/// A progress bar, and the newest preview on disk.
struct Seen {
    bar: ProgressBar,
    preview: Option<PathBuf>,
    last: Arc<Mutex<Option<PathBuf>>>,
}

impl Seen {
    fn new(json: bool, preview: Option<PathBuf>) -> Self {
        let bar =
            if json || !std::io::stderr().is_terminal() { ProgressBar::hidden() } else { ProgressBar::new(STEPS) };
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, preview, last: Arc::default() }
    }

    fn progress(&self) -> Progress {
        let (bar, preview, last) = (self.bar.clone(), self.preview.clone(), self.last.clone());
        Progress::new(move |said| match said {
            Said::Doing(doing) => {
                bar.set_position((doing.done * STEPS as f64) as u64);
                let left = doing.left_ms.map_or_else(String::new, |ms| format!(", about {} s left", ms / 1000));
                bar.set_message(format!("{}{left}", doing.what));
            }
            Said::Preview(Preview { mime, bytes }) => {
                let Some(path) = &preview else { return };
                let path = path.with_extension(if mime == "image/png" { "png" } else { "jpg" });
                // A preview that cannot be written is no reason to stop.
                if std::fs::write(&path, &*bytes).is_ok() {
                    *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
                }
            }
        })
    }

    fn preview(&self) -> Option<PathBuf> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn done(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_that_is_not_there_is_said_in_whole_sentences() {
        let definitions = Definitions::shipped();
        let said = |name: &str| unknown(name, &definitions).message;
        assert_eq!(said("nosuch"), "there is no workflow 'nosuch'. See 'studiod comfy check' for all of them");
        let near = definitions.workflows.keys().next().expect("some come with the program");
        let asked = said(&format!("{near}x"));
        assert!(asked.contains("x'; did you mean ") && asked.contains("? See 'studiod comfy check'"), "{asked}");
    }
}
