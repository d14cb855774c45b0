//! What a trainer needs on this machine, and whether it is there.

use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use studio_core::{
    lora::Architecture,
    training::{Need, NeedKind, Trainer},
};

use super::TrainerPlan;

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

    /// What the description names, and whether it is there; nothing without a description. Waits for the disk.
    pub(super) fn needs(&self) -> Vec<NeedReport> {
        let Ok(trainer) = self.trainer() else { return Vec::new() };
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
    /// the order. Waits for the disk.
    pub fn check(&self) -> Vec<NeedReport> {
        let mut reports = self.needs();
        let trainer = match self.trainer() {
            Ok(trainer) => trainer,
            Err(remedy) => {
                let state = NeedState::Missing { path: None, lacks: Vec::new() };
                let (name, title) = (self.name.clone(), "the description of the trainer".to_owned());
                reports.push(NeedReport { name, title, architecture: None, state, remedy });
                return reports;
            }
        };
        reports.extend(trainer.architectures.keys().map(|architecture| {
            let word = architecture.word();
            let path = self.bases.get(word).cloned();
            let state = match path {
                Some(path) if path.is_file() => NeedState::Found { path },
                path => NeedState::Missing { path, lacks: Vec::new() },
            };
            let remedy = match state {
                NeedState::Found { .. } => String::new(),
                NeedState::Missing { .. } => base_remedy(*architecture),
            };
            let (name, title) = (format!("base.{word}"), format!("a base model of {word}"));
            NeedReport { name, title, architecture: Some(*architecture), state, remedy }
        }));
        reports
    }
}

/// What to do when nobody says where a base model is.
pub(super) fn base_remedy(architecture: Architecture) -> String {
    let word = architecture.word();
    format!("there is no file of a base model of {word}; training.bases.{word} in the settings says where one is")
}
