//! Controls: what people, and the clock, want of tasks, cards, engines and projects.

use std::collections::BTreeMap;

use studio_core::{
    fleet::Scope,
    ids::TaskId,
    journal::EventKind,
    quiet::QuietHours,
    schedule::{Event, Steer},
};

use super::{Error, Refusal, inbox::Message, run::Studio};
use crate::{events::Happened, store};

/// Between two looks at the clock for quiet hours.
const MINUTE: std::time::Duration = std::time::Duration::from_secs(30);

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
        for (set, wanted) in [(&mut self.pinned, pinned), (&mut self.held, held)] {
            match wanted {
                Some(true) => drop(set.insert(task)),
                Some(false) => drop(set.remove(&task)),
                None => {}
            }
        }
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
        self.quiet.remove(&scope);
        self.feed(Event::Resumed { scope }).await
    }

    /// Takes up the quiet hours a person set, else those of the settings, and begins to look at the clock.
    pub(super) async fn take_up_quiet(&mut self) -> Result<(), Error> {
        let set = store::fleet::quiet(&self.context.db).await?;
        self.hours = set.unwrap_or_else(|| self.context.plan.quiet.clone());
        if !self.hours.is_empty() && !std::mem::replace(&mut self.watches_clock, true) {
            self.every(MINUTE, || Message::Quiet);
        }
        self.keep_quiet().await
    }

    /// A person sets quiet hours, or leaves them to the settings again.
    pub(super) async fn set_quiet(&mut self, hours: Option<Vec<QuietHours>>) -> Result<(), Error> {
        let now = self.context.clock.now();
        let mut tx = self.context.db.begin().await?;
        store::fleet::set_quiet(&mut tx, hours.as_deref(), now).await?;
        store::events::append(&mut tx, EventKind::FleetQuiet, "", &serde_json::json!({}), now).await?;
        tx.commit().await?;
        // What was let go on rests again where the new hours say so.
        self.quiet_seen.clear();
        self.take_up_quiet().await?;
        self.context.events.tell(Happened::Changed);
        Ok(())
    }

    /// Looks at the clock: quiet hours begin and end.
    pub(super) async fn keep_quiet(&mut self) -> Result<(), Error> {
        let now = self.context.clock.now();
        let here = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default().to_zoned(self.context.clock.zone());
        let day = i64::from(here.weekday().to_monday_zero_offset());
        let minute = (day * 24 * 60 + i64::from(here.hour()) * 60 + i64::from(here.minute())).unsigned_abs() as u32;
        let mut wanted: BTreeMap<Scope, (u32, bool)> = BTreeMap::new();
        for hours in &self.hours {
            let Some(left) = hours.left(minute) else { continue };
            let scope = match (&hours.gpu, &hours.engine) {
                (Some(gpu), _) => Scope::Gpu(gpu.clone()),
                (None, Some(engine)) => Scope::Engine(engine.clone()),
                (None, None) => Scope::Studio,
            };
            let longest = wanted.entry(scope).or_insert((left, hours.hard));
            *longest = (longest.0.max(left), longest.1 || hours.hard);
        }
        let paused: Vec<Scope> = self.fleet.pauses().map(|(scope, _)| scope.clone()).collect();
        for scope in self.quiet.clone().into_iter().filter(|scope| !wanted.contains_key(scope)) {
            self.quiet.remove(&scope);
            self.feed(Event::Resumed { scope }).await?;
        }
        for (scope, (left, hard)) in wanted {
            // What a person paused stays paused; what a person let go on in quiet hours stays so until they end.
            if paused.contains(&scope) || !self.quiet_seen.insert((scope.clone(), now.0 / 60_000 + i64::from(left))) {
                continue;
            }
            self.quiet.insert(scope.clone());
            let until = Some(now.after(i64::from(left) * 60_000));
            self.feed(Event::Paused { scope, hard, why: "quiet hours".into(), until }).await?;
        }
        Ok(())
    }
}
