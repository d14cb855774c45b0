//! Loads: how long models take to come to a card, seen where it happens.
//!
//! Some engines load when they are told to be ready, and that is measured. Others, ComfyUI among them, load with the
//! first order: there the load is what that order took longer than the same work takes when the model is there.

use studio_core::{
    durations::{Load, Sample},
    fleet::Resident,
    schedule::Event,
};
use studio_engine::Ready;

use super::{
    Error,
    memory::{Running, Studio},
};
use crate::store;

impl Studio {
    /// Tells the scheduler what loads of earlier runs took.
    pub(super) async fn remember_loads(&mut self) -> Result<(), Error> {
        for load in store::fleet::loads(&self.context.db).await? {
            self.feed(Event::LoadLearned(load)).await?;
        }
        Ok(())
    }

    /// An engine has a model ready in a seat, after `took_ms`.
    pub(super) async fn came(&mut self, what: Resident, how: Ready, took_ms: u64) -> Result<(), Error> {
        match how {
            Ready::WithFirstOrder => self.loads.called(what.clone()),
            Ready::Loaded if took_ms > 0 => {
                let engine = self.offers.engine_of(&what.seat).map(str::to_owned);
                if let (Some(engine), Some(card)) = (engine, self.card_of(&what.seat)) {
                    let load = Load { engine, model: what.model.clone(), card, took_ms };
                    self.keep_load(&load).await?;
                    // Known before anything is decided with the model there.
                    self.feed(Event::LoadLearned(load)).await?;
                }
            }
            Ready::Loaded | Ready::AlreadyThere => {}
        }
        self.feed(Event::Loaded(what)).await
    }

    /// A model has left a seat.
    pub(super) async fn left(&mut self, what: Resident) -> Result<(), Error> {
        self.loads.left(&what);
        self.feed(Event::Unloaded(what)).await
    }

    /// What an attempt that succeeded says of how long its model took to come: kept, and what the scheduler should
    /// hear of it.
    pub(super) async fn load_of(&mut self, running: &Running) -> Result<Option<Event>, Error> {
        let Some(cold) = running.cold else { return Ok(None) };
        let at = &running.at;
        let sample = Sample {
            engine: running.version.split('/').next().unwrap_or_default().to_owned(),
            model: at.model.clone(),
            kind: at.kind.clone(),
            card: at.card.clone().unwrap_or_default(),
            took_ms: (self.context.clock.now().0 - running.started.0).unsigned_abs(),
            peak_mib: None,
        };
        let Some(load) = self.loads.ended(&sample, cold) else { return Ok(None) };
        self.keep_load(&load).await?;
        Ok(Some(Event::LoadLearned(load)))
    }

    async fn keep_load(&self, load: &Load) -> Result<(), Error> {
        let Load { engine, model, card, took_ms } = load;
        tracing::info!(engine, model, card, took_ms, "a model came");
        let mut tx = self.context.db.begin().await?;
        store::fleet::loaded(&mut tx, self.context.clock.id(), load, self.context.clock.now()).await?;
        Ok(tx.commit().await?)
    }
}
