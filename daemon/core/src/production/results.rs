//! Results: what has been made of a production so far, by job, and how rules read it.

use std::{collections::BTreeMap, fmt};

use super::{Job, Production};
use crate::{
    asset::AssetRef,
    order::{Outputs, Role},
    script::{ScriptScene, ScriptShot},
};

/// What has been made so far.
pub trait Results {
    /// What `job` led to; `None` when it is not made or failed.
    fn outputs(&self, job: Job) -> Option<&Outputs>;
}

impl Results for BTreeMap<Job, Outputs> {
    fn outputs(&self, job: Job) -> Option<&Outputs> {
        self.get(&job)
    }
}

/// Something that is needed is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Not made, or made without the file that is needed.
    Job(Job),
    /// The script has no such scene.
    Scene {
        /// Its number, from 1.
        scene: u32,
    },
    /// The script has no such shot.
    Shot {
        /// The scene's number, from 1.
        scene: u32,
        /// Its number in the scene, from 1.
        shot: u32,
    },
}

impl Missing {
    /// The job whose result is missing; `None` where the script lacks its place.
    pub fn job(self) -> Option<Job> {
        match self {
            Self::Job(job) => Some(job),
            Self::Scene { .. } | Self::Shot { .. } => None,
        }
    }

    /// Which, as text: a job's path, or as much of one as there is.
    pub fn path(self) -> String {
        match self {
            Self::Job(job) => job.path(),
            Self::Scene { scene } => format!("scene {scene}"),
            Self::Shot { scene, shot } => format!("scene {scene}/shot {shot}"),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is not made yet", self.path())
    }
}

impl std::error::Error for Missing {}

pub(super) fn outputs(made: &dyn Results, job: Job) -> Result<&Outputs, Missing> {
    made.outputs(job).ok_or(Missing::Job(job))
}

pub(super) fn asset(made: &dyn Results, job: Job, role: Role) -> Result<AssetRef, Missing> {
    let found = outputs(made, job)?.first(role).ok_or(Missing::Job(job))?;
    Ok(found.asset.clone())
}

pub(super) fn maybe(made: &dyn Results, job: Job, role: Role) -> Option<AssetRef> {
    asset(made, job, role).ok()
}

pub(super) fn scene_of(production: &Production, scene: u32) -> Result<&ScriptScene, Missing> {
    production.scene(scene).ok_or(Missing::Scene { scene })
}

pub(super) fn shot_of(production: &Production, scene: u32, shot: u32) -> Result<&ScriptShot, Missing> {
    production.shot(scene, shot).ok_or(Missing::Shot { scene, shot })
}
