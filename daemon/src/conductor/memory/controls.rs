//! Controls: what people want of single tasks.

use studio_core::{
    ids::TaskId,
    schedule::{Steer, Submission},
};

use crate::store::fleet::Steered;

/// What people want of single tasks, beside what the scheduler knows: a task that is submitted again keeps it.
#[derive(Debug, Default)]
pub(in crate::conductor) struct Controls(Steered);

impl Controls {
    /// As it was kept.
    pub fn of(steered: Steered) -> Self {
        Self(steered)
    }

    /// A person wants it so.
    pub fn set(&mut self, task: TaskId, to: Steer) {
        match to {
            Steer::Pin => drop(self.0.pinned.insert(task)),
            Steer::Unpin => drop(self.0.pinned.remove(&task)),
            Steer::Hold => drop(self.0.held.insert(task)),
            Steer::Release => drop(self.0.held.remove(&task)),
            Steer::Class(class) => drop(self.0.classes.insert(task, class)),
            // The scheduler knows its place.
            Steer::Before(_) => {}
        }
    }

    /// Moves of earlier runs, in the order in which they were made; once.
    pub fn take_moves(&mut self) -> Vec<(TaskId, TaskId)> {
        std::mem::take(&mut self.0.moves)
    }

    /// Holds a task; whether it was not held already.
    pub fn hold(&mut self, task: TaskId) -> bool {
        self.0.held.insert(task)
    }

    /// Holds a task no longer.
    pub fn let_go(&mut self, task: TaskId) {
        self.0.held.remove(&task);
    }

    /// A submission with what people want of its task.
    pub fn lay_over(&self, submission: Submission) -> Submission {
        let task = submission.task;
        let class = self.0.classes.get(&task).copied().unwrap_or(submission.class);
        Submission { pinned: self.0.pinned.contains(&task), held: self.0.held.contains(&task), class, ..submission }
    }
}
