//! Billing: how the library names an episode.

use serde::{Deserialize, Serialize};

/// What the library shows of an episode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billing {
    /// Title of the show.
    pub show: String,
    /// Name of the show in folders and files when it is not the title, see `Project::folder`; empty: the title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub folder: String,
    /// Year of the show.
    pub year: i16,
    /// Season the library shows it in, 0..=199; 0 is specials.
    pub season: u32,
    /// Number in the season, from 1.
    pub number: u32,
    /// Title of the episode.
    pub title: String,
    /// Plot, one paragraph.
    pub plot: String,
    /// First aired, `yyyy-mm-dd`.
    pub aired: String,
    /// Language of the dialogue, BCP 47.
    pub language: String,
    /// Identity in the NFO; the same in every run.
    pub unique_id: String,
}

impl Billing {
    /// Short name of the project, the first part of the identity in the NFO.
    pub fn project(&self) -> &str {
        self.unique_id.rsplit_once('-').map_or(&self.unique_id, |(project, _)| project)
    }
}
