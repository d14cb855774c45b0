//! Subtitles: cues from the dialogue's timing, as SRT and WebVTT.

use serde::{Deserialize, Serialize};

/// One subtitle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cue {
    /// Milliseconds from the start of the film.
    pub start_ms: u64,
    /// Milliseconds from the start of the film, after `start_ms`.
    pub end_ms: u64,
    /// Who speaks.
    pub speaker: String,
    /// What is said.
    pub text: String,
}
