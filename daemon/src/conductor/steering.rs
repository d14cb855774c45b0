//! Controls: what people want of tasks, cards, engines and projects.

use studio_core::{
    fleet::Scope,
    ids::TaskId,
    schedule::{Event, Steer, Submission, Within, within},
};

use super::{Error, Refusal, inbox::Resting, run::Studio};
use crate::store::{self, fleet::Steered};

/// What people want of single tasks, beside what the scheduler knows: a task that is submitted again keeps it.
#[derive(Debug, Default)]
pub(super) struct Controls(Steered);

impl Controls {
    /// As it was kept.
    pub fn of(steered: Steered) -> Self {
        Self(steered)
    }

    /// A person wants it so.
    fn set(&mut self, task: TaskId, to: Steer) {
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

impl Studio {
    /// A person steers a task.
    pub(super) async fn steer(&mut self, task: TaskId, to: Steer) -> Result<(), Error> {
        let row = store::tasks::get(&self.context.db, task).await?;
        if row.state.is_final() {
            return Err(Refusal::TaskOver { path: row.slot }.into());
        }
        if let Steer::Before(other) = to
            && !self.fleet.knows(other)
        {
            return Err(Refusal::TaskNotWaiting { task: other }.into());
        }
        let mut tx = self.context.db.begin().await?;
        store::fleet::steer(&mut tx, task, to, self.context.clock.now()).await?;
        tx.commit().await?;
        self.controls.set(task, to);
        self.feed(Event::Steered { task, to }).await
    }

    /// Puts what people moved in earlier runs where they moved it, now that everything is submitted again.
    pub(super) async fn move_again(&mut self, moves: Vec<(TaskId, TaskId)>) -> Result<(), Error> {
        for (task, before) in moves {
            // What it was to go before is done: it goes before everything that is left.
            let before = if self.fleet.knows(before) { Some(before) } else { self.fleet.first() };
            if let Some(before) = before.filter(|before| *before != task && self.fleet.knows(task)) {
                self.feed(Event::Steered { task, to: Steer::Before(before) }).await?;
            }
        }
        Ok(())
    }

    /// A person lets something rest; what is there at that moment.
    pub(super) async fn pause(&mut self, scope: Scope, how: Resting) -> Result<Within, Error> {
        let Resting { hard, frees, why } = how;
        let view = studio_core::schedule::view(&self.fleet);
        let known = match &scope {
            Scope::Studio | Scope::Project(_) => true,
            Scope::Gpu(name) => view.cards.iter().any(|card| card.facts.card == *name),
            Scope::Engine(name) => self.context.engines.contains_key(name),
        };
        if !known {
            return Err(Refusal::NoSuchScope { scope }.into());
        }
        if frees && matches!(scope, Scope::Project(_)) {
            return Err(Refusal::NothingToFree { scope }.into());
        }
        let mut tx = self.context.db.begin().await?;
        store::fleet::pause(&mut tx, &scope, &why, frees, self.context.clock.now()).await?;
        tx.commit().await?;
        let found = within(&self.fleet, &scope);
        self.feed(Event::Paused { scope: scope.clone(), hard, why, until: None }).await?;
        if frees {
            self.feed(Event::Freeing { scope: scope.clone() }).await?;
        }
        // Once they shall leave, they do until it goes on.
        let free = self.fleet.pauses().any(|(what, pause)| *what == scope && pause.frees);
        Ok(Within { free, ..found })
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
