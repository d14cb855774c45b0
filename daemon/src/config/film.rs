//! Film: what every film of the studio is like, and where it goes.

use std::{collections::BTreeSet, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use studio_core::{
    gates::Gates,
    mixdown::{Ducking, Loudness},
    order::PublishMode,
    production::Checkpoint,
    units::Score,
};

/// `[film]`: the picture.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Film {
    /// Name of a [format](#formats), or path of a format file (a name with a dot or a slash is a path); without it
    /// `series`. `--format` wins.
    pub format: Option<String>,
    /// Picture size as `WIDTHxHEIGHT` in pixels, both even, 16 to 8192; without it the format's. `--size` wins.
    pub size: Option<String>,
    /// Pictures per second; without it the format's.
    #[schemars(range(min = 1, max = 120))]
    pub fps: Option<u32>,
    /// Draw the subtitles into the picture; without it as the format says. They lie beside the film as files in any
    /// case. With it every picture of the film is encoded again, so a change costs more.
    pub burn_in: Option<bool>,
    /// Cap of the film's file in MiB. Without it the quality is constant and the size follows.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub max_mib: Option<u32>,
    /// Where work stops until a person has approved what is there: at the first pictures, before clips are made of
    /// them; at the clips, before scenes are put together. A project may say otherwise on its page.
    pub approve: BTreeSet<Checkpoint>,
}

/// `[sound]`: how loud the film is, and how music and voices go together.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sound {
    /// Integrated loudness of the whole film in LUFS.
    #[schemars(range(min = -40.0, max = -5.0))]
    pub loudness_lufs: f64,
    /// True peak that is never exceeded, in dBTP.
    #[schemars(range(min = -20.0, max = 0.0))]
    pub true_peak_dbtp: f64,
    /// Level of the music while nobody speaks, linear.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub music_gain: f32,
    /// How the music gives way to voices.
    pub ducking: Ducking,
}

impl Default for Sound {
    fn default() -> Self {
        let loudness = Loudness::default();
        Self {
            loudness_lufs: loudness.integrated_lufs,
            true_peak_dbtp: loudness.true_peak_dbtp,
            music_gain: studio_core::mixdown::MUSIC_GAIN as f32,
            ducking: Ducking::default(),
        }
    }
}

/// `[gates]`: what a take must score.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GateMarks {
    /// Scores that attempts 1, 2 and 3 at a picture or clip must reach.
    #[schemars(inner(range(min = 0.0, max = 1.0)))]
    pub pass_marks: [f64; 3],
    /// A film goes on, with a remark, where a person must look at a take that passed; without it the film waits for the
    /// person.
    pub publish_with_remarks: bool,
}

impl Default for GateMarks {
    fn default() -> Self {
        Self { publish_with_remarks: false, pass_marks: Gates::default().pass_marks.map(Score::as_fraction) }
    }
}

/// `[publish]`: where finished films go.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Publish {
    /// Root of the Jellyfin library. `--library` wins. With neither, the film stays in the studio.
    pub library: Option<PathBuf>,
    /// `symlink`: a link to the studio's file. `hardlink`: a second name for it where both are on one file system, else
    /// a copy. `copy`: a copy.
    pub mode: PublishMode,
}

/// `[engines]`: how much the built-in engines do at a time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Engines {
    /// Spoken lines made at a time.
    #[schemars(range(min = 1, max = 64))]
    pub voices: usize,
    /// Draft pictures made at a time.
    #[schemars(range(min = 1, max = 64))]
    pub stills: usize,
    /// Clips made at a time; also reviews at a time, and normalising, mixing and joining at a time: each of the three
    /// has this many.
    #[schemars(range(min = 1, max = 64))]
    pub media: usize,
}

impl Default for Engines {
    fn default() -> Self {
        Self { voices: 2, stills: 2, media: 2 }
    }
}
