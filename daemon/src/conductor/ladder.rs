//! Ladder: the card was full; what is done differently the next time.

use studio_core::{
    failure::Cause,
    ids::{DecisionId, EpisodeId, TaskId},
    journal::{DecisionKind, DecisionOutcome},
    ladder,
    schedule::Event,
    task::{Attempt, AttemptState},
};
use studio_engine::{Engine, EngineError};

use super::{
    Error,
    memory::{Running, Studio},
    records::failed,
};
use crate::{
    events::StudioEvent,
    store::{self, decisions::Decision},
};

/// What a card was too full for.
pub(super) struct Relieved {
    /// The episode it is for; `None`: it is for none.
    pub episode: Option<EpisodeId>,
    /// What it makes.
    pub slot: String,
    /// Which engine makes it.
    pub engine: String,
}

impl Studio {
    /// The next rung that was not tried yet; without one a person must decide.
    pub(super) async fn next_rung(
        &mut self,
        task: TaskId,
        what: Relieved,
        running: &Running,
        failure: EngineError,
    ) -> Result<Event, Error> {
        let seat = self.context.engines.get(&what.engine).map(|seat| seat.engine.clone());
        let possible = seat.map(|engine| engine.relief(&running.order)).unwrap_or_default();
        if possible.is_empty() {
            return Ok(failed(task, Cause::attempt(failure.kind, failure.message).retry_after(failure.retry_after_ms)));
        }
        let mut tried = store::tasks::relief(&self.context.db, task).await?;
        let Some(rung) = ladder::next(&tried, &possible) else {
            return Ok(failed(task, Cause::CardTooSmall { message: failure.message, tried }));
        };
        tried.push(rung);
        let cause = Cause::CardFull { message: failure.message, next: rung };
        let (reason, now) = (cause.to_string(), self.context.clock.now());
        let decision = Decision {
            id: DecisionId(self.context.clock.id()),
            episode_id: what.episode,
            task_id: Some(task),
            kind: DecisionKind::Memory,
            reason: reason.clone(),
            inputs: serde_json::json!({ "slot": what.slot, "attempt": running.attempt, "rung": rung }),
            outcome: DecisionOutcome::Rung(rung),
            created: now,
        };
        let mut tx = self.context.db.begin().await?;
        store::tasks::set_relief(&mut tx, task, &tried, now).await?;
        store::decisions::insert(&mut tx, &decision).await?;
        tx.commit().await?;
        if let Some(episode) = what.episode {
            self.context.events.tell(StudioEvent::Decided { episode, reason });
        }
        // Not the task's fault, and the ladder ends by itself.
        Ok(failed(task, cause))
    }

    /// Ends an attempt of an earlier run that nobody wants any more, here and at its engine.
    pub(super) async fn abandon(
        &mut self,
        open: &Attempt,
        engine: std::sync::Arc<dyn Engine>,
        state: AttemptState,
        why: &str,
    ) -> Result<(), Error> {
        let now = self.context.clock.now();
        let mut tx = self.context.db.begin().await?;
        store::attempts::end(&mut tx, open.id, state, None, Some(why), now).await?;
        tx.commit().await?;
        let attempt = open.id;
        // The engine may be slow to confirm, and nothing waits for it.
        tokio::spawn(async move { engine.abandon(attempt).await });
        Ok(())
    }
}
