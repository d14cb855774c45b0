//! Fleet: what engines offer, what cards say, what people want, and models that come and go.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::json;
use studio_core::{
    failure::Cause,
    fleet::{Away, CardFacts, Holds, Resident, Rules, SeatFacts},
    gpu::{PciAddress, Reading, Vendor},
    ids::{DecisionId, TaskId},
    journal::{DecisionKind, DecisionOutcome, OutcomeWord},
    production::engine,
    quiet::QuietHours,
    schedule::{Event, SwapPlan},
    units::Millis,
};
use studio_engine::{Availability, Engine, EngineError, Ready, WorkerStatus};

use super::{
    Context, Error,
    disk::Kept,
    inbox::Message,
    memory::{Controls, Running, Studio},
    submission::model_of,
};
use crate::{
    events::StudioEvent,
    store::{self, Tx, decisions::Decision},
};

/// Between two looks at the cards: often enough for a game that starts, seldom enough to cost nothing.
const CARD_POLL_EVERY: std::time::Duration = std::time::Duration::from_secs(2);
/// Degrees, watts and MiB by which a card must have changed to be worth telling.
const CARD_CHANGE_THRESHOLD: (u32, f64, u64) = (2, 8.0, 64);

/// What the settings say of scheduling.
#[derive(Debug, Clone, Default)]
pub struct FleetPlan {
    /// Every number the scheduler decides by.
    pub rules: Rules,
    /// Cards something is said about, by PCI slot.
    pub cards: BTreeMap<PciAddress, Card>,
    /// What holds for the others.
    pub usual: Card,
    /// Hours in which something rests.
    pub quiet: Vec<QuietHours>,
    /// Price of a kilowatt-hour.
    pub price_kwh: f64,
    /// Where ComfyUI has LoRAs, on this machine; `None`: nobody has said.
    pub loras: Option<PathBuf>,
}

/// What is special about a card.
#[derive(Debug, Clone, Default)]
pub struct Card {
    /// Never booked, in MiB.
    pub reserve_mib: u64,
    /// Attempts that compute at a time.
    pub lanes: usize,
    /// Parts of the names of programs that are the studio's engines.
    pub ours: Vec<String>,
}

/// What a reading says of its card, as the scheduler hears it.
pub(crate) fn card_facts(plan: &FleetPlan, reading: &Reading, booked_mib: u64) -> CardFacts {
    let card = plan.cards.get(&reading.slot).unwrap_or(&plan.usual);
    let (foreign_mib, foreign_who) = reading.foreign(&card.ours, booked_mib, card.reserve_mib);
    CardFacts {
        reserve_mib: card.reserve_mib,
        // The reserve is for small things that are always there.
        foreign_mib: foreign_mib.saturating_sub(card.reserve_mib),
        foreign_who,
        lanes: card.lanes.max(1),
        slow_first: reading.vendor == Vendor::Amd,
        temperature_c: reading.temperature_c,
        power_w: reading.power_w,
        ..CardFacts::new(&reading.slot.to_string(), reading.vram_total_mib.unwrap_or(0))
    }
}

/// What each card may draw, in watts, by its name.
pub(crate) fn watts(context: &Context) -> BTreeMap<String, f64> {
    let readings = context.cards.as_ref().map(|cards| cards.latest()).unwrap_or_default();
    readings.iter().filter_map(|one| Some((one.slot.to_string(), one.power_limit_w.or(one.power_w)?))).collect()
}

/// The engines inside this program as the scheduler hears of them, and the one that decides gates.
pub(crate) fn inside(context: &Context) -> impl Iterator<Item = Event> {
    let engines = context.engines.iter().filter(|(_, seat)| seat.engine.offer().is_none());
    let studio = SeatFacts { parallel: usize::MAX, ..SeatFacts::cpu(engine::STUDIO, 1) };
    engines.map(|(name, seat)| SeatFacts::cpu(name, seat.slots)).chain([studio]).map(Event::EngineSeen)
}

/// A seat of an engine outside this program as the scheduler hears of it: its card, whether it is there, what it holds.
pub(crate) fn outside(engine: &str, offer: &WorkerStatus) -> impl Iterator<Item = Event> {
    let seat = offer.facts.seat.clone();
    let here = match &offer.away {
        None => Event::EngineSeen(offer.facts.clone()),
        Some(why) => Event::EngineLost { seat: seat.clone(), engine: engine.to_owned(), why: why.clone() },
    };
    let loaded = offer.loaded.iter().flatten();
    let loaded = loaded.map(move |model| Event::Loaded(Resident { seat: seat.clone(), model: model.clone() }));
    offer.card.clone().map(Event::GpuSeen).into_iter().chain([here]).chain(loaded)
}

impl Studio {
    /// Tells the scheduler everything that is known before it begins.
    pub(super) async fn set_up_fleet(&mut self) -> Result<(), Error> {
        let plan = self.context.plan.clone();
        self.feed(Event::PolicyChanged(plan.rules)).await?;
        let amd: Vec<String> =
            self.readings().iter().filter(|one| one.vendor == Vendor::Amd).map(|one| one.slot.to_string()).collect();
        for sample in store::fleet::learned(&self.context.db).await? {
            let slow_first = amd.contains(&sample.card);
            self.feed(Event::Learned { sample, slow_first }).await?;
        }
        self.remember_loads().await?;
        self.controls = Controls::of(store::fleet::steered(&self.context.db).await?);
        for (scope, pause) in store::fleet::pauses(&self.context.db).await? {
            self.feed(Event::Paused { scope: scope.clone(), hard: false, why: pause.because, until: None }).await?;
            if pause.frees {
                self.feed(Event::Freeing { scope }).await?;
            }
        }
        self.see_cards().await?;
        if self.context.cards.is_some() {
            self.every(CARD_POLL_EVERY, || Message::Cards);
        }
        self.take_up_quiet().await
    }

    /// Says something to itself again and again, as long as it lives.
    pub(super) fn every(&self, pause: std::time::Duration, message: fn() -> Message) {
        let (inbox, over) = (self.inbox.downgrade(), self.pulse.timers.clone());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = over.cancelled() => return,
                }
                let Some(inbox) = inbox.upgrade() else { return };
                if inbox.send(message()).await.is_err() {
                    return;
                }
            }
        });
    }

    pub(super) fn readings(&self) -> Vec<Reading> {
        self.context.cards.as_ref().map(|cards| cards.latest()).unwrap_or_default()
    }

    /// Hears what the cards say, as far as it is news.
    pub(super) async fn see_cards(&mut self) -> Result<(), Error> {
        let readings = self.readings();
        let known = studio_core::schedule::view(&self.fleet).cards;
        for reading in &readings {
            let facts = self.facts(reading);
            let before = known.iter().find(|card| card.facts.card == facts.card).filter(|card| card.here);
            if before.is_none_or(|before| is_news(&before.facts, &facts)) {
                self.feed(Event::GpuSeen(facts)).await?;
            }
        }
        // One that was there and says nothing any more has fallen off the bus, or its driver has died.
        let here = known.into_iter().filter(|card| card.here).map(|card| card.facts.card);
        for card in here.filter(|card| card.parse::<PciAddress>().is_ok()) {
            let there = readings.iter().any(|reading| reading.slot.to_string() == card);
            if !there && self.context.cards.is_some() && self.offers.has_answered(&card) {
                self.feed(Event::GpuLost { card, why: Away::Silent }).await?;
            }
        }
        self.offers.answer(&readings);
        Ok(())
    }

    fn facts(&self, reading: &Reading) -> CardFacts {
        card_facts(&self.context.plan, reading, self.fleet.booked_on(&reading.slot.to_string()))
    }

    /// What an engine offers has changed.
    pub(super) async fn offered(&mut self, engine: String, now: Availability) -> Result<(), Error> {
        if let Some(all) = self.offers.hear(&engine, &now) {
            self.feed(Event::ModelsChanged(all)).await?;
        }
        let was_away = studio_core::schedule::view(&self.fleet);
        let was_here =
            was_away.cards.iter().flat_map(|card| &card.seats).any(|seat| seat.engine == engine && seat.here);
        for seat in &now.seats {
            for event in outside(&engine, seat) {
                self.feed(event).await?;
            }
            // It lets go of models by itself when nobody asks for them for long.
            if let (Some(there), None) = (&seat.loaded, &seat.away) {
                for model in self.fleet.idle_in(&seat.facts.seat) {
                    if !there.contains(&model) {
                        let seat = seat.facts.seat.clone();
                        self.left(Resident { seat, model }).await?;
                    }
                }
            }
        }
        Box::pin(self.without_judge(&engine)).await?;
        let away = now.away();
        if was_here != away.is_none() {
            self.context.events.tell(StudioEvent::Engine { engine, away });
        }
        Ok(())
    }

    /// The card of a seat.
    pub(super) fn card_of(&self, seat: &str) -> Option<String> {
        self.fleet.card_of(seat).map(str::to_owned)
    }

    /// The model a task is made with, and what makes its duration comparable.
    pub(super) fn model_and_kind(&self, task: TaskId) -> (String, String) {
        if let Some(request) = self.work.picture(task) {
            return (request.model.clone(), request.kind.clone());
        }
        let known = self.work.task(task).and_then(|known| Some((self.work.episode(known.episode)?, known.job)));
        known
            .map(|(work, job)| (model_of(&work.production, job), work.production.kind_of_work(job)))
            .unwrap_or_default()
    }

    /// Keeps what an attempt used and cost; its peak of memory, when that says something of it alone.
    pub(super) async fn price(
        &self,
        tx: &mut Tx<'_>,
        running: &Running,
        kept: &Kept,
        now: Millis,
    ) -> Result<Option<u64>, Error> {
        let engine = self.context.engines.get(&running.engine);
        let provider = engine.map_or(0.0, |seat| seat.engine.price(&running.order));
        let Some((card, server)) = &kept.on else {
            if provider > 0.0 {
                store::fleet::cost(tx, running.attempt, None, Some(provider)).await?;
            }
            return Ok(None);
        };
        let cards = self.context.cards.as_ref();
        let energy_wh = cards.and_then(|cards| cards.energy_wh(card, running.started, now));
        store::attempts::ran_on(tx, running.attempt, card, server, energy_wh).await?;
        // What others used is not its own.
        let view = studio_core::schedule::view(&self.fleet);
        let one = view.cards.iter().find(|one| one.facts.card == *card);
        let others = one.map_or(0, |one| one.facts.foreign_mib + one.facts.reserve_mib);
        let alone = one.is_some_and(|one| one.seats.iter().map(|seat| seat.loaded.len()).sum::<usize>() <= 1);
        let peak = cards.and_then(|cards| cards.peak_mib(card, running.started, now));
        let peak_mib = peak.filter(|_| alone).map(|used| used.saturating_sub(others));
        let energy = energy_wh.map(|wh| wh / 1000.0 * self.context.plan.price_kwh);
        let money = energy.map(|energy| energy + provider).or((provider > 0.0).then_some(provider));
        store::fleet::cost(tx, running.attempt, peak_mib, money).await?;
        Ok(peak_mib)
    }

    /// Has models leave and one come, and keeps why.
    pub(super) async fn change(&mut self, plan: SwapPlan) -> Result<Vec<Event>, Error> {
        let now = self.context.clock.now();
        let decision = Decision {
            id: DecisionId(self.context.clock.id()),
            episode_id: None,
            task_id: None,
            kind: DecisionKind::Swap,
            reason: plan.to_string(),
            inputs: json!(plan),
            outcome: DecisionOutcome::Named(plan.model.clone()),
            created: now,
        };
        let mut tx = self.context.db.begin().await?;
        store::decisions::insert(&mut tx, &decision).await?;
        tx.commit().await?;
        tracing::info!(card = %plan.card, model = %plan.model, "{plan}");
        self.context.metrics.swap(&plan.card);
        let engine_of = |seat: &str| {
            let engine = self.offers.engine_of(seat).and_then(|engine| self.context.engines.get(engine));
            engine.map(|seat| seat.engine.clone())
        };
        let comes = engine_of(&plan.seat);
        let leaves: Vec<_> = plan.unload.iter().map(|gone| (gone.clone(), engine_of(&gone.seat))).collect();
        let clock = self.context.clock.clone();
        let (inbox, many) = (self.inbox.clone(), self.fleet.holds(&plan.seat) == Holds::Many);
        tokio::spawn(async move {
            let mut failed = None;
            for (gone, engine) in leaves {
                // A process that holds one model lets it go for the next one by itself.
                if (gone.seat != plan.seat || many)
                    && let Some(engine) = engine
                    && let Err(failure) = engine.release(&gone.seat, &gone.model).await
                {
                    failed = Some(failure);
                    break;
                }
                let _ = inbox.send(Message::Left(gone)).await;
            }
            let began = clock.now();
            let ready = match (failed, comes) {
                (Some(failure), _) => Err(failure),
                (None, Some(engine)) => engine.ready(&plan.seat, &plan.model).await,
                (None, None) => Ok(Ready::AlreadyThere),
            };
            let took_ms = u64::try_from(clock.now().0 - began.0).unwrap_or(0);
            let message = match ready {
                Err(failure) => Message::Fleet(change_failed(plan.seat, failure)),
                Ok(how) => Message::Came(Resident { seat: plan.seat, model: plan.model }, how, took_ms),
            };
            // Nobody hears it when the conductor is gone, and nobody needs to.
            let _ = inbox.send(message).await;
        });
        Ok(Vec::new())
    }

    /// Has models leave a seat for good: a person wants the memory.
    pub(super) fn release(&self, seat: String, models: Vec<String>) {
        let of = self.offers.engine_of(&seat).and_then(|engine| self.context.engines.get(engine));
        let (engine, inbox) = (of.map(|of| of.engine.clone()), self.inbox.clone());
        tracing::info!(seat, ?models, "models leave: a person wants the memory");
        tokio::spawn(async move {
            let mut over = Event::Freed { seat: seat.clone() };
            if let Some(engine) = engine {
                if models.is_empty()
                    && may_hold_more(&*engine, &seat)
                    && let Err(failure) = engine.release(&seat, "").await
                {
                    // Perhaps nothing was there; what is known to be there is told of below.
                    tracing::info!(seat, %failure, "no memory was given back");
                }
                for model in models {
                    if let Err(failure) = engine.release(&seat, &model).await {
                        over = change_failed(seat, failure);
                        break;
                    }
                    let _ = inbox.send(Message::Left(Resident { seat: seat.clone(), model })).await;
                }
            }
            // Nobody hears it when the conductor is gone, and nobody needs to.
            let _ = inbox.send(Message::Fleet(over)).await;
        });
    }

    /// A seat is left alone for a while.
    pub(super) async fn quarantined(&mut self, seat: &str, until: Millis, cause: &Cause) -> Result<Vec<Event>, Error> {
        let decision = Decision {
            id: DecisionId(self.context.clock.id()),
            episode_id: None,
            task_id: None,
            kind: DecisionKind::Quarantine,
            reason: format!("{seat} is left alone for a while: {cause}"),
            inputs: json!({ "seat": seat, "until": until, "cause": cause }),
            outcome: OutcomeWord::Quarantine.into(),
            created: self.context.clock.now(),
        };
        tracing::warn!(seat, why = %cause, "an engine is left alone for a while");
        let mut tx = self.context.db.begin().await?;
        store::decisions::insert(&mut tx, &decision).await?;
        tx.commit().await?;
        Ok(Vec::new())
    }
}

/// A change of models came to nothing.
fn change_failed(seat: String, failure: EngineError) -> Event {
    Event::ChangeFailed { seat, cause: Cause::attempt(failure.kind, failure.message) }
}

/// Whether a process may have models loaded that nobody knows of: one that does not say, of an earlier run.
fn may_hold_more(engine: &dyn Engine, seat: &str) -> bool {
    let offer = engine.offer();
    let silent = |offer: &Availability| offer.seats.iter().any(|one| one.facts.seat == seat && one.loaded.is_none());
    offer.is_some_and(|offer| silent(&offer.borrow()))
}

/// Whether a card has changed enough to be told of.
fn is_news(before: &CardFacts, now: &CardFacts) -> bool {
    let (degrees, watts, mib) = CARD_CHANGE_THRESHOLD;
    let temperature = before.temperature_c.unwrap_or(0).abs_diff(now.temperature_c.unwrap_or(0)) >= degrees;
    let power = (before.power_w.unwrap_or(0.0) - now.power_w.unwrap_or(0.0)).abs() >= watts;
    temperature || power || before.foreign_mib.abs_diff(now.foreign_mib) >= mib || before.total_mib != now.total_mib
}
