//! Schedule: events in, effects out. Decides what runs, what waits and what is tried again.

mod place;
mod step;
mod wait;

pub use step::step;
pub use wait::{WaitReason, why};

use crate::{ids::TaskId, task::Class, units::Millis};

/// Something that happened in the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Work was asked for. A task that is already known keeps its place and takes the new needs.
    Submitted(Submission),
    /// An attempt succeeded, or an equal result was found.
    Finished {
        /// Which task.
        task: TaskId,
    },
    /// An attempt came to nothing.
    Failed {
        /// Which task.
        task: TaskId,
        /// What to do about it.
        fault: Fault,
        /// One sentence.
        message: String,
    },
    /// A running task found out that it needs other tasks first (a retake; an input that is gone).
    Deferred {
        /// Which task.
        task: TaskId,
        /// What it needs, beside what it already had.
        needs: Vec<Need>,
    },
    /// Somebody wants the task stopped, and whatever cannot do without it.
    Cancelled {
        /// Which task.
        task: TaskId,
    },
    /// An engine is there.
    EngineSeen {
        /// Its name.
        engine: String,
        /// How many tasks it does at a time, at least 1.
        slots: usize,
    },
    /// An engine is gone; what it ran will be reported failed by whoever ran it.
    EngineLost {
        /// Its name.
        engine: String,
        /// One sentence with the remedy.
        why: String,
    },
    /// Time went by.
    Tick,
}

/// A task as the scheduler sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Identity.
    pub task: TaskId,
    /// Which engine does it.
    pub engine: String,
    /// Who waits for it.
    pub class: Class,
    /// Submitted before this one. A task nobody knows (any more) counts as finished.
    pub needs: Vec<Need>,
    /// Attempts that already failed.
    pub strikes: u32,
    /// Not before this moment.
    pub not_before: Millis,
}

/// A task another one waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Which.
    pub task: TaskId,
    /// The other can do without its result: a film without music is a film.
    pub optional: bool,
}

/// Why an attempt came to nothing, as far as the schedule cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// May work the next time.
    Transient,
    /// Will never work like this.
    Final,
    /// The disk is full.
    DiskFull,
    /// The engine or the studio forgot it; nobody's fault.
    Lost,
    /// Somebody stopped it.
    Cancelled,
}

/// What is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Start an attempt.
    Run {
        /// Which task.
        task: TaskId,
    },
    /// Stop the running attempt; its end arrives as [`Event::Failed`].
    Cancel {
        /// Which task.
        task: TaskId,
    },
    /// The task will be tried again.
    Requeue {
        /// Which task.
        task: TaskId,
        /// Not before this moment.
        until: Millis,
        /// The failure counts against the task.
        counted: bool,
        /// Why the attempt failed.
        reason: String,
    },
    /// The task is over without a result.
    Reject {
        /// Which task.
        task: TaskId,
        /// Somebody wanted it so, rather than something having failed.
        cancelled: bool,
        /// One sentence.
        reason: String,
    },
    /// Send [`Event::Tick`] at this moment.
    WakeAt(Millis),
}
