//! Settings of datasets: how the studio fills them by itself.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use studio_core::units::Size;

/// `[datasets]`: how the studio fills sets of pictures of characters by itself. What each set is to have is said on the page.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Datasets {
    /// Characters whose pictures are made at a time.
    #[schemars(range(min = 1, max = 20))]
    pub in_flight: u32,
    /// Nothing is made by itself while less than this is free on the disk, in GiB.
    pub keep_free_gib: u32,
    /// Watt-hours that pictures of datasets, and what the judge says of them, may cost in a day, for all characters together; then
    /// nothing is made by itself until the next day. As far as energy is measured. Without it there is no limit.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub daily_wh: Option<u32>,
    /// Width and height of pictures that are made, e.g. `832x1216`; a model makes what it can nearest to it.
    pub size: String,
    /// A folder that is watched while the studio runs: pictures in its sub-folders, each named like a character, come into their
    /// datasets by themselves and stay where they are. One that is not there is waited for. Without it none is watched.
    pub inbox: Option<PathBuf>,
    /// The yt-dlp that fetches videos from addresses: a name on the path, or a path.
    pub fetch_program: String,
    /// How long fetching a video may take, in seconds.
    #[schemars(range(min = 1, max = 86400))]
    pub fetch_s: u32,
    /// Largest video that is fetched, in MiB.
    #[schemars(range(min = 1, max = 65536))]
    pub fetch_mib: u32,
}

impl Default for Datasets {
    fn default() -> Self {
        Self {
            inbox: None,
            in_flight: 2,
            keep_free_gib: 5,
            daily_wh: None,
            size: "832x1216".into(),
            fetch_program: "yt-dlp".into(),
            fetch_s: 3600,
            fetch_mib: 2048,
        }
    }
}

impl Datasets {
    /// The size of pictures that are made.
    ///
    /// # Errors
    /// It is no size, in one sentence.
    pub fn size(&self) -> Result<Size, String> {
        self.size.parse::<Size>().map_err(|error| format!("datasets.size: {error}"))
    }

    /// What no limit of a single value says.
    ///
    /// # Errors
    /// The size is none, or the folder is not named from the root on, in one sentence.
    pub fn check(&self) -> Result<(), String> {
        self.size()?;
        match &self.inbox {
            Some(inbox) if !inbox.is_absolute() => {
                Err(format!("datasets.inbox is '{}'; write the whole path, from / on", inbox.display()))
            }
            _ => Ok(()),
        }
    }
}
