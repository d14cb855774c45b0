//! Scene: one place and time.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ContentHash, EpisodeId, LocationId, SceneId},
    shot::Transition,
};

/// One place and time of an episode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Scene {
    /// Identity of the scene, kept with its number when the episode is planned again.
    pub id: SceneId,
    /// The episode it belongs to.
    pub episode_id: EpisodeId,
    /// Where it happens.
    pub location_id: Option<LocationId>,
    /// Position in the episode, from 1.
    pub number: u32,
    /// Short title for chapters.
    pub title: String,
    /// What the script says of it.
    pub look: Look,
    /// How the film goes into this scene from the one before.
    pub transition: Transition,
    /// How far it is.
    pub state: SceneState,
    /// Frames the plan asks for.
    pub target_frames: u64,
    /// Frames the assembled scene has, as measured.
    pub actual_frames: Option<u64>,
    /// The assembled scene.
    pub film: Option<ContentHash>,
}

/// What a scene looks and feels like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Look {
    /// Inside, outside or both.
    pub setting: Setting,
    /// Name of the place; empty for a scene over black, which plays nowhere.
    pub location: String,
    /// Time of day, which decides the light.
    pub time_of_day: TimeOfDay,
    /// Weather, which decides the sky; clear unless the script says otherwise.
    pub weather: Weather,
    /// One word: tense, peaceful, melancholy...
    pub mood: String,
    /// One or two sentences.
    pub synopsis: String,
}

/// The place of a picture that shows nothing but its subject.
pub const PLAIN: &str = "plain white background";

impl Look {
    /// It plays nowhere: nothing is to be seen but black, and what is written on it.
    pub fn is_black(&self) -> bool {
        self.location.is_empty()
    }

    /// It is a picture of its subject alone, before nothing but white.
    pub fn is_plain(&self) -> bool {
        self.location == PLAIN
    }
}

/// Inside or outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Setting {
    Interior,
    Exterior,
    Both,
}

/// Time of day, as scene headings say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum TimeOfDay {
    Dawn,
    Morning,
    Midday,
    Afternoon,
    Sunset,
    Evening,
    Night,
}

/// Weather, as the script's action or notes say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Weather {
    Clear,
    Cloudy,
    Rain,
    Storm,
    Snow,
    Fog,
}

/// How far a scene is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum SceneState {
    /// Written, nothing made.
    Draft,
    /// Its shots are being made.
    Generating,
    /// Assembled; `film` and `actual_frames` are set.
    Completed,
    /// Could not be made; the tasks say why.
    Failed,
}

impl SceneState {
    /// Whether a scene may go from `self` to `next`. Every state may be made again.
    pub fn may_become(self, next: Self) -> bool {
        use SceneState::{Completed, Draft, Failed, Generating};
        matches!(
            (self, next),
            (Draft | Completed | Failed | Generating, Generating) | (Generating, Completed | Failed | Draft)
        )
    }
}
