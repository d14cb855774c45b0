//! Episode: ordered scenes that make one file in the library.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ContentHash, EpisodeId, ProjectId},
    production::FilmRemark,
};

/// Ordered scenes that make one file in the library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Episode {
    /// Identity of the episode, kept when it is produced again.
    pub id: EpisodeId,
    /// The series or film.
    pub project_id: ProjectId,
    /// Season, 0..=199; 0 is specials.
    pub season: u32,
    /// Number in the season, from 1.
    pub number: u32,
    /// Title people read.
    pub title: String,
    /// Plot, one paragraph.
    pub plot: String,
    /// First aired: `yyyy-mm-dd`.
    pub aired: String,
    /// How far it is.
    pub state: EpisodeState,
    /// The assembled film.
    pub film: Option<ContentHash>,
    /// Picture shown for the episode; `None` until the artwork of its film is made.
    pub thumbnail: Option<ContentHash>,
    /// Frames of the assembled film, as measured.
    pub actual_frames: Option<u64>,
    /// Where it is in the library, relative to the library's root.
    pub published: Option<String>,
    /// What is missing although the film is there, as sentences of `remarked`, e.g. "no music in scene 2".
    pub remarks: Vec<String>,
    /// What is missing although the film is there.
    #[serde(default)]
    pub remarked: Vec<FilmRemark>,
}

impl Episode {
    /// What is missing, as it is kept: an archive of an older studio has sentences only.
    pub fn to_keep(&self) -> Vec<FilmRemark> {
        let said = || self.remarks.iter().map(|text| FilmRemark::Said { text: text.clone() }).collect();
        if self.remarked.is_empty() { said() } else { self.remarked.clone() }
    }
}

/// How far an episode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum EpisodeState {
    /// Written, nothing made.
    Draft,
    /// Its tasks are being made, or wait for their turn.
    Producing,
    /// What is made waits until a person has approved it.
    AwaitingApproval,
    /// The film is there; `film` and `actual_frames` are set.
    Assembled,
    /// It is in the library.
    Published,
    /// Could not be made; the tasks say why.
    Failed,
}

impl EpisodeState {
    /// Whether an episode may go from `self` to `next`. Every state may be produced again.
    pub fn may_become(self, next: Self) -> bool {
        use EpisodeState::{Assembled, AwaitingApproval, Draft, Failed, Producing, Published};
        match next {
            Producing => true,
            Assembled => matches!(self, Producing | Assembled | Published),
            Published => matches!(self, Assembled | Published),
            Draft | Failed | AwaitingApproval => self == Producing,
        }
    }
}
