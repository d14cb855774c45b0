//! The child's side: reads one plan from standard input, works, reports on standard output.
//!
//! The pipe on standard input stays open as long as the parent lives; its end means that nobody waits
//! for the result any more, so the child removes what it made so far and leaves. Cancelling is killing.

pub mod animatic;
pub mod blend;
pub mod encode;
pub mod frames;
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
pub mod scan;
pub mod sound;
pub mod source;
pub mod splice;
pub mod stills;
pub mod wav;

pub use line::main;

use studio_core::media::{MediaFault, MediaPlan, MediaResult};

/// Does what a plan asks for. `progress` hears the share that is done, 0-1.
pub fn carry_out(plan: &MediaPlan, progress: &mut dyn FnMut(f64)) -> Result<MediaResult, Fault> {
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
    }
}

/// Why a media job failed: the kind decides what the conductor does, the sentence is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// Which kind of failure.
    pub fault: MediaFault,
    /// One sentence, naming the file where there is one.
    pub message: String,
}

impl Fault {
    /// A fault of a kind, said in one sentence.
    pub fn new(fault: MediaFault, message: impl Into<String>) -> Self {
        Self { fault, message: message.into() }
    }

    /// An input that is missing, damaged or of the wrong kind.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(MediaFault::Input, message)
    }

    /// Something that may work the next time.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(MediaFault::Internal, message)
    }

    /// From an i/o error while doing `what` ("failed to write x.wav"); a full disk is told apart.
    pub fn io(what: &str, error: &std::io::Error) -> Self {
        let mut fault = Self::from(std::io::Error::from(error.kind()));
        fault.message = format!("{what}: {error}");
        fault
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        let fault = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => MediaFault::DiskFull,
            _ => MediaFault::Internal,
        };
        Self::new(fault, error.to_string())
    }
}

impl From<gstreamer::glib::BoolError> for Fault {
    fn from(error: gstreamer::glib::BoolError) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<gstreamer::FlowError> for Fault {
    fn from(error: gstreamer::FlowError) -> Self {
        Self::internal(format!("GStreamer refused data: {error}"))
    }
}

impl From<gstreamer::StateChangeError> for Fault {
    fn from(error: gstreamer::StateChangeError) -> Self {
        Self::internal(format!("GStreamer refused to start: {error}"))
    }
}

impl From<hound::Error> for Fault {
    fn from(error: hound::Error) -> Self {
        match error {
            hound::Error::IoError(error) => error.into(),
            other => Self::input(other.to_string()),
        }
    }
}
