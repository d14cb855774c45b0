//! Mixdown: levels, ducking curve and fades as numbers.

use serde::{Deserialize, Serialize};

/// Side-chain compression of the music by the voices.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ducking {
    /// Linear level of the voices above which the music gives way.
    pub threshold: f64,
    /// How much it gives way.
    pub ratio: f64,
    /// How fast it goes down, in milliseconds.
    pub attack_ms: f64,
    /// How fast it comes back, in milliseconds.
    pub release_ms: f64,
    /// How long before the first syllable it starts, in milliseconds.
    pub lookahead_ms: f64,
}

/// What the film's sound is brought to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loudness {
    /// Integrated, in LUFS.
    pub integrated_lufs: f64,
    /// True peak never exceeded, in dBTP.
    pub true_peak_dbtp: f64,
}
