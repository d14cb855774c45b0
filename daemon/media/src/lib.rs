//! The media process, `studiod media`: reads one plan from standard input, works, reports on standard output.
//!
//! The pipe on standard input stays open as long as the parent lives; its end means that nobody waits
//! for the result any more, so the child removes what it made so far and leaves. Cancelling is killing.
//!
//! A crate of its own: what counts pixels and samples is compiled for speed, and beside the daemon, not after it.
#![deny(unsafe_code)]

pub mod animatic;
pub mod blend;
pub mod codecs;
pub mod cut;
pub mod ebml;
pub mod edits;
pub mod elements;
pub mod encode;
pub mod frames;
pub mod heads;
pub mod index;
pub mod join;
pub mod keys;
pub mod line;
pub mod master;
pub mod measure;
pub mod mix;
pub mod mp4;
pub mod mux;
pub mod normalise;
pub mod outputs;
pub mod part;
pub mod picture;
pub mod pipeline;
pub mod probe;
pub mod reader;
pub mod recording;
pub mod sampling;
pub mod scan;
pub mod sound;
pub mod source;
pub mod splice;
pub mod stills;
pub mod wav;

pub use line::main;

use studio_core::{
    failure::FailureKind,
    media::{MediaPlan, MediaResult},
};

/// Does what a plan asks for. `progress` hears the share that is done, 0-1.
pub fn carry_out(plan: &MediaPlan, progress: &mut dyn FnMut(f64)) -> Result<MediaResult, MediaError> {
    match plan {
        MediaPlan::Probe(plan) => probe::run(plan, progress),
        MediaPlan::Normalise(plan) => normalise::run(plan, progress),
        MediaPlan::Join(plan) => join::run(plan, progress),
        MediaPlan::Picture(plan) => picture::run(plan, progress),
        MediaPlan::Measure(plan) => measure::run(plan, progress),
        MediaPlan::Mix(plan) => mix::run(plan, progress),
        MediaPlan::Master(plan) => master::run(plan, progress),
        MediaPlan::Animatic(plan) => animatic::run(plan, progress),
        MediaPlan::Sound(plan) => recording::run(plan, progress),
        MediaPlan::Sample(plan) => sampling::sample(plan, progress),
        MediaPlan::Frames(plan) => sampling::take(plan, progress),
    }
}

/// Why a media job failed: the kind decides what the conductor does, the sentence is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MediaError {
    /// Which kind of failure.
    pub kind: FailureKind,
    /// One sentence, naming the file where there is one.
    pub message: String,
}

impl MediaError {
    /// An error of a kind, said in one sentence.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// An input that is missing, damaged or of the wrong kind.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(FailureKind::BadInput, message)
    }

    /// An input that ends before what it says it holds does.
    pub fn cut_off(name: &str, what: &str) -> Self {
        Self::input(format!("{name}: is cut off: {what}; copy or save it again"))
    }

    /// An input that contradicts itself.
    pub fn damaged(name: &str, what: &str) -> Self {
        Self::input(format!("{name}: is damaged: {what}; copy or save it again"))
    }

    /// An input without a single sample of sound.
    pub fn silent(name: &str) -> Self {
        Self::input(format!("{name}: there is no sound in it; choose another file"))
    }

    /// Something that may work the next time.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Transient, message)
    }

    /// From an i/o error while doing `what` ("failed to write x.wav"); a full disk is told apart.
    pub fn io(what: &str, error: &std::io::Error) -> Self {
        Self { message: format!("{what}: {error}"), ..Self::from(std::io::Error::from(error.kind())) }
    }
}

impl From<std::io::Error> for MediaError {
    fn from(error: std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => FailureKind::DiskFull,
            _ => FailureKind::Transient,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<gstreamer::glib::BoolError> for MediaError {
    fn from(error: gstreamer::glib::BoolError) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<gstreamer::FlowError> for MediaError {
    fn from(error: gstreamer::FlowError) -> Self {
        Self::internal(format!("GStreamer refused data: {error}"))
    }
}

impl From<gstreamer::StateChangeError> for MediaError {
    fn from(error: gstreamer::StateChangeError) -> Self {
        Self::internal(format!("GStreamer refused to start: {error}"))
    }
}

impl From<hound::Error> for MediaError {
    fn from(error: hound::Error) -> Self {
        match error {
            hound::Error::IoError(error) => error.into(),
            other => Self::input(other.to_string()),
        }
    }
}
