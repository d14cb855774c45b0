//! What a trainer needs on this machine, and whether it is there.

use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use studio_core::{
    fleet::{Away, sentence},
    lora::Architecture,
    training::{Need, NeedKind, Trainer},
    workflow::Lack,
};

use super::TrainerPlan;
use crate::engines::comfy::{self, Facts, TrainingServer};

/// Something a trainer needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeedReport {
    /// Its name, as in the description and the settings: `checkout`, or `base.sd15` for a base model.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The architecture that cannot be trained without it; `None`: nothing can.
    pub architecture: Option<Architecture>,
    /// Whether it is there.
    pub state: NeedState,
    /// What to do when it is not there: one sentence.
    pub remedy: String,
}

/// Whether something is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NeedState {
    /// It is there.
    Found {
        /// Where it is.
        path: PathBuf,
    },
    /// It is not there, or not all of it.
    Missing {
        /// Where it was looked for; `None`: nobody says where it is.
        path: Option<PathBuf>,
        /// Files that are missing in it, relative to it.
        lacks: Vec<String>,
    },
}

impl NeedReport {
    /// Whether it is there.
    pub fn is_there(&self) -> bool {
        matches!(self.state, NeedState::Found { .. })
    }
}

/// A program, by its path or its name on the path, that may be run.
fn program(path: &Path) -> Option<PathBuf> {
    let runs = |path: &Path| {
        std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
    };
    if path.components().count() > 1 {
        return Some(path.to_owned()).filter(|path| runs(path));
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).map(|folder| folder.join(path)).find(|path| runs(path))
}

fn state_of(need: &Need, path: Option<&String>) -> NeedState {
    let Some(path) = path.map(PathBuf::from) else { return NeedState::Missing { path: None, lacks: Vec::new() } };
    let missing = |path: PathBuf, lacks| NeedState::Missing { path: Some(path), lacks };
    match need.kind {
        NeedKind::Program => match program(&path) {
            Some(path) => NeedState::Found { path },
            None => missing(path, Vec::new()),
        },
        NeedKind::File if path.is_file() => NeedState::Found { path },
        NeedKind::Folder if path.is_dir() => {
            let lacks: Vec<String> = need.has.iter().filter(|file| !path.join(file).exists()).cloned().collect();
            if lacks.is_empty() { NeedState::Found { path } } else { missing(path, lacks) }
        }
        NeedKind::File | NeedKind::Folder => missing(path, Vec::new()),
    }
}

fn remedy(name: &str, need: &Need, state: &NeedState) -> String {
    let what = match state {
        NeedState::Found { .. } => return String::new(),
        NeedState::Missing { path: None, .. } => format!("nobody says where {} is", need.title),
        NeedState::Missing { path: Some(path), lacks } => match lacks.first() {
            Some(first) => format!("{} in {} has no {first}", need.title, path.display()),
            None => format!("{} is not at {}", need.title, path.display()),
        },
    };
    format!("{what}: {}; training.paths.{name} in the settings says where it is", need.get)
}

impl TrainerPlan {
    /// Where everything it needs is, as far as that is said.
    pub(super) fn need_paths(&self, trainer: &Trainer) -> BTreeMap<String, String> {
        let given = self.paths.iter().map(|(name, path)| (name.clone(), path.to_string_lossy().into_owned()));
        trainer.need_paths(&given.collect())
    }

    /// What the description names, and whether it is there; nothing without a description.
    ///
    /// # Errors
    /// The ComfyUI that would train is not there.
    pub(super) async fn needs(&self) -> Result<Vec<NeedReport>, Away> {
        let workflow = self.trainer().ok().and_then(|trainer| trainer.workflow);
        if let (Some(workflow), Some(server)) = (&workflow, &self.server) {
            return Ok(self.needs_there(workflow, &*server.facts().await?, server));
        }
        let looked = self.clone();
        // Files are looked at.
        let reports = tokio::task::spawn_blocking(move || looked.needs_here()).await;
        reports.map_err(|error| Away::Unreachable { message: error.to_string() })
    }

    /// What is missing on a ComfyUI.
    fn needs_there(&self, workflow: &str, facts: &Facts, server: &TrainingServer) -> Vec<NeedReport> {
        let at = PathBuf::from(server.url());
        let definitions = self.definitions.now();
        let (lacks, remedy) = match definitions.workflows.get(workflow) {
            None => (vec![workflow.to_owned()], no_workflow(self, workflow)),
            Some(flow) => {
                let lacks = comfy::lacks(flow, &BTreeMap::new(), facts);
                // What is there of files depends on the base; see [`TrainerPlan::check`].
                let lacks = lacks.into_iter().filter(|lack| !matches!(lack, Lack::File { .. }));
                let said: Vec<String> = lacks.map(|lack| lack.to_string()).collect();
                let remedy = said.join("; ");
                (said, remedy)
            }
        };
        let state =
            if lacks.is_empty() { NeedState::Found { path: at } } else { NeedState::Missing { path: Some(at), lacks } };
        let title = "a ComfyUI whose nodes train".to_owned();
        vec![NeedReport { name: "comfyui".into(), title, architecture: None, state, remedy }]
    }

    /// What must be on this machine. Waits for the disk.
    fn needs_here(&self) -> Vec<NeedReport> {
        let Ok(trainer) = self.trainer() else { return Vec::new() };
        if trainer.workflow.is_some() {
            let (state, title) =
                (NeedState::Missing { path: None, lacks: Vec::new() }, "a ComfyUI whose nodes train".to_owned());
            let (name, remedy) = ("comfyui".to_owned(), no_server(self));
            return vec![NeedReport { name, title, architecture: None, state, remedy }];
        }
        let paths = self.need_paths(&trainer);
        let report = |name: &str, architecture| {
            let need = trainer.needs.get(name)?;
            let state = state_of(need, paths.get(name));
            let remedy = remedy(name, need, &state);
            Some(NeedReport { name: name.to_owned(), title: need.title.clone(), architecture, state, remedy })
        };
        let always = trainer.needs.iter().filter(|(_, need)| !need.only_when_asked).map(|(name, _)| (name, None));
        let asked = trainer.architectures.iter().flat_map(|(architecture, trains)| {
            let only =
                trains.needs.iter().filter(|name| trainer.needs.get(*name).is_some_and(|one| one.only_when_asked));
            only.map(move |name| (name, Some(*architecture)))
        });
        always.chain(asked).filter_map(|(name, architecture)| report(name, architecture)).collect()
    }

    /// What must be there, base models too, and whether it is. A base model that is not among the settings may still be named by
    /// the order.
    pub async fn check(&self) -> Vec<NeedReport> {
        let trainer = match self.trainer() {
            Ok(trainer) => trainer,
            Err(remedy) => {
                let state = NeedState::Missing { path: None, lacks: Vec::new() };
                let (name, title) = (self.name.clone(), "the description of the trainer".to_owned());
                return vec![NeedReport { name, title, architecture: None, state, remedy }];
            }
        };
        let mut reports = match self.needs().await {
            Ok(reports) => reports,
            Err(away) => {
                let path = self.server.as_ref().map(|server| PathBuf::from(server.url()));
                let state = NeedState::Missing { path, lacks: Vec::new() };
                let (title, remedy) = ("a ComfyUI whose nodes train".to_owned(), sentence(std::slice::from_ref(&away)));
                vec![NeedReport { name: "comfyui".into(), title, architecture: None, state, remedy }]
            }
        };
        let facts = match self.server.as_ref().filter(|_| trainer.workflow.is_some()) {
            Some(server) => server.facts().await.ok().map(|facts| (facts, server.url())),
            None => None,
        };
        for architecture in trainer.architectures.keys().copied() {
            let word = architecture.word();
            let base = self.base_of(architecture, &trainer);
            let (state, remedy) = match (base, &facts) {
                (None, _) => (NeedState::Missing { path: None, lacks: Vec::new() }, base_remedy(architecture)),
                (Some(base), Some((facts, url))) => {
                    let name = base.to_string_lossy().into_owned();
                    if let Some(known) = comfy::checkpoint(&name, facts) {
                        (NeedState::Found { path: known.into() }, String::new())
                    } else {
                        (NeedState::Missing { path: Some(base), lacks: Vec::new() }, no_checkpoint(&name, url))
                    }
                }
                (Some(base), None) => {
                    let is_there = tokio::fs::metadata(&base).await.is_ok_and(|about| about.is_file());
                    if is_there {
                        (NeedState::Found { path: base }, String::new())
                    } else {
                        (NeedState::Missing { path: Some(base), lacks: Vec::new() }, base_remedy(architecture))
                    }
                }
            };
            let (name, title) = (format!("base.{word}"), format!("a base model of {word}"));
            reports.push(NeedReport { name, title, architecture: Some(architecture), state, remedy });
        }
        reports
    }
}

/// What to do when nobody says where a base model is.
pub(super) fn base_remedy(architecture: Architecture) -> String {
    let word = architecture.word();
    format!("there is no file of a base model of {word}; training.bases.{word} in the settings says where one is")
}

/// What to do where there is no ComfyUI that trains.
pub(super) fn no_server(plan: &TrainerPlan) -> String {
    match &plan.server_name {
        Some(name) => format!("training.comfy is '{name}', which no [[comfy]] of the settings is called"),
        None => "there is no ComfyUI: add [[comfy]] with its name and url to the settings".into(),
    }
}

/// What to do where the workflow of a trainer is not there.
pub(super) fn no_workflow(plan: &TrainerPlan, workflow: &str) -> String {
    format!(
        "there is no workflow '{workflow}', which trainers/{}.toml names; put it into the folder workflows",
        plan.name
    )
}

/// What to do where a server has not the base model.
pub(super) fn no_checkpoint(base: &str, url: &str) -> String {
    format!(
        "the ComfyUI at {url} has no checkpoint '{base}'; put it into models/checkpoints there, or name another base"
    )
}
