//! Steering: what people ask of tasks, cards, engines and projects.

use studio_core::{
    fleet::{PauseReason, Scope},
    ids::TaskId,
    schedule::{Event, Steer, Within, within},
};

use super::{Error, Refusal, inbox::Resting, memory::Studio};
use crate::store;

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
        let why = PauseReason::from(why.as_str());
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
