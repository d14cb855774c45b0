//! Events: what happens in the studio, as it happens, for whoever listens.

use studio_core::{
    ids::{EpisodeId, TaskId},
    production::Job,
};
use tokio::sync::broadcast;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Happened {
    /// Tasks of an episode were laid out, in all `tasks`.
    LaidOut {
        /// Which episode.
        episode: EpisodeId,
        /// The jobs, in order.
        jobs: Vec<Job>,
    },
    /// A task started, went on or ended.
    Task {
        /// Which.
        task: TaskId,
        /// Of which episode.
        episode: EpisodeId,
        /// What it is.
        job: Job,
        /// How it stands.
        now: Standing,
    },
    /// A decision was made.
    Decided {
        /// For which episode.
        episode: EpisodeId,
        /// One sentence.
        reason: String,
    },
    /// An attempt met a full disk: it is tried again later, but nothing much happens until there is room.
    DiskFull {
        /// What was being done, in one sentence.
        reason: String,
    },
    /// Nothing more will happen to the episode.
    Ended {
        /// Which.
        episode: EpisodeId,
        /// Some of it could not be made.
        failed: bool,
    },
}

/// How a task stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// An attempt runs; this share of it is done.
    Running(f64),
    /// Made now.
    Made,
    /// Found made already.
    Reused,
    /// Another take was asked for.
    Retake,
    /// Tried again later.
    Requeued(String),
    /// Over without result.
    Failed(String),
    /// Stopped.
    Cancelled,
}

/// Where everybody hears what happens. A slow listener loses the oldest, never holds anybody up.
#[derive(Debug, Clone)]
pub struct Events(broadcast::Sender<Happened>);

impl Default for Events {
    fn default() -> Self {
        Self(broadcast::channel(4096).0)
    }
}

impl Events {
    /// Tells everybody.
    pub fn tell(&self, happened: Happened) {
        // Nobody listening is no error.
        let _ = self.0.send(happened);
    }

    /// Hears everything from now on.
    pub fn listen(&self) -> broadcast::Receiver<Happened> {
        self.0.subscribe()
    }
}
