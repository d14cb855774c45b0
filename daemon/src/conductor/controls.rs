//! Controls: what people want of tasks, cards, engines and projects.

use std::collections::BTreeSet;

use studio_core::{
    fleet::Scope,
    ids::TaskId,
    schedule::{Event, Steer, Submission},
};

use super::{Error, Refusal, run::Studio};
use crate::store;

/// What people want of single tasks, beside what the scheduler knows: a task that is submitted again keeps it.
#[derive(Debug, Default)]
pub(super) struct Controls {
    pinned: BTreeSet<TaskId>,
    held: BTreeSet<TaskId>,
}

impl Controls {
    /// As it was kept.
    pub fn of((pinned, held): (BTreeSet<TaskId>, BTreeSet<TaskId>)) -> Self {
        Self { pinned, held }
    }

    /// A person wants it so; `None` leaves it as it is.
    fn set(&mut self, task: TaskId, pinned: Option<bool>, held: Option<bool>) {
        for (set, wanted) in [(&mut self.pinned, pinned), (&mut self.held, held)] {
            match wanted {
                Some(true) => drop(set.insert(task)),
                Some(false) => drop(set.remove(&task)),
                None => {}
            }
        }
    }

    /// Holds a task; whether it was not held already.
    pub fn hold(&mut self, task: TaskId) -> bool {
        self.held.insert(task)
    }

    /// Holds a task no longer.
    pub fn let_go(&mut self, task: TaskId) {
        self.held.remove(&task);
    }

    /// A submission with what people want of its task.
    pub fn lay_over(&self, submission: Submission) -> Submission {
        let task = submission.task;
        Submission { pinned: self.pinned.contains(&task), held: self.held.contains(&task), ..submission }
    }
}

impl Studio {
    /// A person steers a task.
    pub(super) async fn steer(&mut self, task: TaskId, to: Steer) -> Result<(), Error> {
        let row = store::tasks::get(&self.context.db, task).await?;
        if row.state.is_final() {
            return Err(Refusal::TaskOver { path: row.slot }.into());
        }
        let (pinned, held) = match to {
            Steer::Pin => (Some(true), None),
            Steer::Unpin => (Some(false), None),
            Steer::Hold => (None, Some(true)),
            Steer::Release => (None, Some(false)),
            Steer::Before(other) if !self.fleet.knows(other) => {
                return Err(Refusal::TaskNotWaiting { task: other }.into());
            }
            Steer::Before(_) | Steer::Class(_) => (None, None),
        };
        let mut tx = self.context.db.begin().await?;
        store::fleet::steer(&mut tx, task, pinned, held, self.context.clock.now()).await?;
        tx.commit().await?;
        self.controls.set(task, pinned, held);
        self.feed(Event::Steered { task, to }).await
    }

    /// A person lets something rest.
    pub(super) async fn pause(&mut self, scope: Scope, hard: bool, why: String) -> Result<(), Error> {
        let view = studio_core::schedule::view(&self.fleet);
        let known = match &scope {
            Scope::Studio | Scope::Project(_) => true,
            Scope::Gpu(name) => view.cards.iter().any(|card| card.facts.card == *name),
            Scope::Engine(name) => self.context.engines.contains_key(name),
        };
        if !known {
            return Err(Refusal::NoSuchScope { scope }.into());
        }
        let mut tx = self.context.db.begin().await?;
        store::fleet::pause(&mut tx, &scope, &why, self.context.clock.now()).await?;
        tx.commit().await?;
        self.feed(Event::Paused { scope, hard, why, until: None }).await
    }

    /// A person lets something go on.
    pub(super) async fn resume_scope(&mut self, scope: Scope) -> Result<(), Error> {
        let mut tx = self.context.db.begin().await?;
        store::fleet::resume(&mut tx, &scope).await?;
        tx.commit().await?;
        self.quiet.let_go(&scope);
        self.feed(Event::Resumed { scope }).await
    }
}
