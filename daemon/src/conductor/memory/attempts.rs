//! Attempts: what runs, and what may still run since the studio was closed.

use std::collections::BTreeMap;

use studio_core::{
    failure::Interruption,
    ids::{AttemptId, ContentHash, TaskId},
    order::Order,
    task::Attempt,
    units::Millis,
};
use tokio_util::sync::CancellationToken;

use crate::store::fleet::Place;

/// An attempt that runs.
pub(in crate::conductor) struct Running {
    pub attempt: AttemptId,
    pub key: ContentHash,
    pub order: Order,
    pub started: Millis,
    pub stop: CancellationToken,
    /// Cancelled when it is wanted back unless it has begun.
    pub recall: CancellationToken,
    /// Why it is stopped although it will be made again.
    pub interrupted: Option<Interruption>,
    /// Where it runs, and as what.
    pub at: Place,
    /// Its model comes with it; `None` when how long it takes says nothing, because it began before this start.
    pub cold: Option<bool>,
    /// Name of its engine, as the settings have it.
    pub engine: String,
    /// Engine name and version.
    pub version: String,
    /// Cancelled when the studio closes and the engine goes on without it.
    pub leave: CancellationToken,
    /// The engine goes on without the studio.
    pub outlives: bool,
}

/// The attempts of this run.
#[derive(Default)]
pub(in crate::conductor) struct Attempts {
    by_task: BTreeMap<TaskId, Running>,
    /// The task whose attempt makes the result of a key.
    by_key: BTreeMap<ContentHash, TaskId>,
    /// Attempts of an earlier run.
    pub open: OpenAttempts,
}

impl Attempts {
    /// The attempt of a task.
    pub fn running(&self, task: TaskId) -> Option<&Running> {
        self.by_task.get(&task)
    }

    /// The same, to be changed.
    pub fn running_mut(&mut self, task: TaskId) -> Option<&mut Running> {
        self.by_task.get_mut(&task)
    }

    /// The task that makes the result of a key at the moment.
    pub fn twin(&self, key: ContentHash) -> Option<TaskId> {
        self.by_key.get(&key).copied()
    }

    /// No attempt runs.
    pub fn is_empty(&self) -> bool {
        self.by_task.is_empty()
    }

    /// An attempt begins.
    pub fn begin(&mut self, task: TaskId, running: Running) {
        self.by_key.insert(running.key, task);
        self.by_task.insert(task, running);
    }

    /// An attempt has ended; `None` when it was given up long ago, or has ended before.
    pub fn end(&mut self, task: TaskId, attempt: AttemptId) -> Option<Running> {
        let running = self.by_task.remove(&task)?;
        if running.attempt == attempt {
            self.by_key.remove(&running.key);
            return Some(running);
        }
        self.by_task.insert(task, running);
        None
    }

    /// Stops everything that runs; engines that go on without the studio are left alone.
    pub fn leave(&self) {
        for running in self.by_task.values() {
            if running.outlives { running.leave.cancel() } else { running.stop.cancel() }
        }
    }
}

/// Attempts of an earlier run that an engine outside this program may still be at.
#[derive(Debug, Default)]
pub(in crate::conductor) struct OpenAttempts {
    by_task: BTreeMap<TaskId, Attempt>,
}

impl OpenAttempts {
    /// It may still be at work.
    pub fn keep(&mut self, attempt: Attempt) {
        self.by_task.insert(attempt.task_id, attempt);
    }

    /// The attempt of a task, to be gone on with or given up.
    pub fn take(&mut self, task: TaskId) -> Option<Attempt> {
        self.by_task.remove(&task)
    }

    /// The server that may be at a task.
    pub fn server_of(&self, task: TaskId) -> Option<String> {
        self.by_task.get(&task)?.server.clone()
    }
}
