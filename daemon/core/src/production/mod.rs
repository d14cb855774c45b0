//! Production: how an episode is made out of a script, as jobs that need each other.
//!
//! [`plan_jobs`] names every job, [`resolve`] turns one into an [`crate::order::Order`] once what it needs is made,
//! [`gate`] decides between the takes of a shot. Nothing is kept here: the same script and the same results lead to
//! the same orders, so a second run finds everything made already.

mod approval;
mod cut;
pub mod engine;
mod gate;
mod identity;
mod job;
mod loras;
mod overrides;
mod path;
mod portraits;
mod remark;
mod resolve;
mod results;
mod review;
mod route;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use crate::{
    job::{BadPath, Job},
    order::Billing,
};
pub use approval::{Checkpoint, shown};
pub use cut::{film_cut, scene_cut, shot_frames};
pub use gate::{GateOutcome, GateReason, gate};
pub use identity::shows;
pub use job::{Dependency, PlannedJob, Stage, plan_jobs, planned};
pub use overrides::{DatasetPicture, Override, Overrides, SourcePicture, TakenUp, fits, has_source, part, role_of};
pub use portraits::{Lacking, PortraitPlan};
pub use remark::{FilmRemark, KeptRemark};
pub use resolve::{Resolved, resolve};
pub use results::{Missing, Results};
pub use route::{
    CharacterCast, ModelCast, ModelChoice, ModelStyle, NamedLora, Route, RouteReason, RouteRule, SettingOrigin,
    word as engine_word,
};

use crate::{
    asset::AssetRef,
    character::{CharacterProfile, Figure, same_name},
    gates::Gates,
    ids::ContentHash,
    mixdown::{Ducking, Loudness},
    order::{PublishMode, ReviewOrder},
    script::{Script, ScriptScene, ScriptShot},
    shot::VideoEngine,
    units::{Fps, Samples, Seed, Size, Steps},
};

/// Everything that decides how an episode turns out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Production {
    /// What the screenplay says.
    pub script: Script,
    /// Show, season, number and texts.
    pub billing: Billing,
    /// Base of every seed.
    pub seed: Seed,
    /// Picture size of the film.
    pub size: Size,
    /// Rate of the film.
    pub fps: Fps,
    /// Pass marks and retries.
    pub gates: Gates,
    /// Sampling steps of the first take.
    pub steps: Steps,
    /// Levels, ducking, loudness.
    pub sound: SoundPlan,
    /// Who makes what.
    pub cast: Cast,
    /// Draw the subtitles into the picture.
    pub burn_in: bool,
    /// Cap of the film's file in MiB; `None` keeps constant quality.
    pub max_mib: Option<u32>,
    /// Where to publish; `None` leaves the film in the studio.
    pub library: Option<LibraryPlan>,
    /// What people decided.
    #[serde(default, skip_serializing_if = "Overrides::is_empty")]
    pub by_hand: Overrides,
    /// Pictures of datasets that pictures of shots are made from where no person chose one, by the gate of the still.
    #[serde(default, with = "path::keys", skip_serializing_if = "BTreeMap::is_empty")]
    pub from_datasets: BTreeMap<Job, DatasetPicture>,
    /// Where work stops until a person has approved what is there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub approve: BTreeSet<Checkpoint>,
    /// Takes people have said something of, shown to the judge again whenever he changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub golden: Vec<ReviewOrder>,
    /// Reference sheets it is begun with; `None` where none were wanted, or nobody lacked one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portraits: Option<PortraitPlan>,
}

/// Levels, ducking, loudness.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SoundPlan {
    /// What the film is brought to.
    pub loudness: Loudness,
    /// What each spoken line is brought to, in LUFS.
    pub voice_lufs: f64,
    /// Linear gain of the music without voices.
    pub music_gain: f32,
    /// How the music gives way.
    pub ducking: Ducking,
    /// Fade-in of a scene's music.
    pub fade_in: Samples,
    /// Fade-out of a scene's music.
    pub fade_out: Samples,
}

/// Names of the engines that make each kind of thing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cast {
    /// Engine that speaks the lines, e.g. `draft.voice`.
    pub voice: String,
    /// Engine that plays the music beds of scenes.
    pub music: String,
    /// Engine that draws the pictures shots start from.
    pub stills: String,
    /// Moving shots, unless the script asks for another engine that is there.
    pub clips: String,
    /// Engine that reviews takes.
    pub judge: String,
    /// Engines the script may ask for and this studio has.
    pub named: BTreeMap<VideoEngine, String>,
    /// Models, when the studio has any; they go before `stills` and `clips`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<ModelCast>,
    /// Vision model of the judge; `None` for one that only measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eye: Option<String>,
    /// Name of a voice by character, in lower case, for engines whose voices have names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub voices: BTreeMap<String, String>,
    /// Recordings to clone voices from, by character in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub samples: BTreeMap<String, AssetRef>,
    /// Words every piece of music has in common, for engines that compose from words; `None` for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub music_style: Option<String>,
    /// Model of the engine that composes or speaks, by engine, for the scheduler.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tenants: BTreeMap<String, String>,
    /// Who is no human, in lower case: takes with them are shown to a person.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub creatures: BTreeSet<String>,
}

/// Where an episode is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryPlan {
    /// Absolute path of the library's root.
    pub root: String,
    /// Link or copy.
    pub mode: PublishMode,
    /// A person took it out of there; it stays out until it is published again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unpublished: bool,
}

impl LibraryPlan {
    /// It is to be there.
    pub fn wanted(&self) -> bool {
        !self.unpublished
    }
}

impl Production {
    /// The kept files that people, or what they said of datasets, chose for parts of it: it cannot do without them.
    pub fn chosen_files(&self) -> impl Iterator<Item = ContentHash> + '_ {
        let from_datasets = self.from_datasets.values().map(|from| from.source.picture.hash);
        self.by_hand.files().chain(from_datasets)
    }

    /// Scene `number`, from 1.
    pub fn scene(&self, number: u32) -> Option<&ScriptScene> {
        self.script.scenes.get(number.checked_sub(1)? as usize)
    }

    /// Shot `shot` of scene `scene`, both from 1.
    pub fn shot(&self, scene: u32, shot: u32) -> Option<&ScriptShot> {
        self.scene(scene)?.shots.get(shot.checked_sub(1)? as usize)
    }

    /// Somebody by name; with what they look like in words when a model reads it.
    pub fn figure(&self, name: &str, words: bool) -> Figure {
        let known = self.script.characters.iter().find(|known| same_name(&known.name, name));
        let profile =
            known.map_or_else(|| CharacterProfile::from_name(name, None, None), |known| known.profile.clone());
        let models = self.cast.models.as_ref().filter(|_| words);
        let appearance = models.and_then(|models| models.character(name)).and_then(|one| one.appearance.clone());
        Figure { name: name.to_owned(), profile, appearance, staging: None }
    }
}
