//! A card or two, tasks by number, and what the scheduler says.

use std::collections::BTreeMap;

use studio_core::{
    failure::{Cause, FailureKind},
    fleet::{CardFacts, Fleet, Holds, ModelFacts, Resident, Rules, SeatFacts},
    ids::TaskId,
    schedule::{Effect, Event, Need, Submission, step},
    task::Class,
    units::Millis,
};
use uuid::Uuid;

pub fn id(n: u128) -> TaskId {
    TaskId(Uuid::from_u128(n + 1))
}

/// A studio by hand: events in, what runs and what is loaded out.
pub struct Bench {
    pub fleet: Fleet,
    pub now: i64,
    pub running: BTreeMap<TaskId, String>,
    pub changes: Vec<studio_core::schedule::SwapPlan>,
    pub effects: Vec<Effect>,
    next: u128,
}

pub fn model(vram_mib: u64, load_s: u64) -> ModelFacts {
    ModelFacts { vram_mib, load_ms: load_s * 1000, unload_ms: 0 }
}

pub fn seat(name: &str, engine: &str, card: &str) -> SeatFacts {
    SeatFacts { seat: name.into(), card: Some(card.into()), holds: Holds::One, ..SeatFacts::cpu(engine, 1) }
}

impl Bench {
    /// One card of 12 GiB with a ComfyUI; models `a`, `b` and `big`.
    pub fn new(rules: Rules) -> Self {
        let mut bench = Self {
            fleet: Fleet::new(rules),
            now: 0,
            running: BTreeMap::new(),
            changes: Vec::new(),
            effects: Vec::new(),
            next: 0,
        };
        let models =
            [("a", model(8_000, 20)), ("b", model(10_000, 90)), ("big", model(40_000, 60)), ("small", model(2_000, 5))];
        bench.tell(Event::ModelsChanged(models.into_iter().map(|(name, facts)| (name.to_owned(), facts)).collect()));
        bench.tell(Event::GpuSeen(CardFacts::new("card", 12_288)));
        bench.tell(Event::EngineSeen(seat("comfy", "comfy", "card")));
        bench
    }

    pub fn tell(&mut self, event: Event) {
        for effect in step(&mut self.fleet, Millis(self.now), event) {
            match &effect {
                Effect::Run { task, seat, .. } => drop(self.running.insert(*task, seat.clone())),
                Effect::Change(plan) => self.changes.push(plan.clone()),
                _ => {}
            }
            self.effects.push(effect);
        }
    }

    /// Submits a task of `model` that is guessed to take `minutes`.
    pub fn ask(&mut self, model: &str, class: Class, minutes: u64) -> TaskId {
        self.ask_with(model, class, minutes, &[])
    }

    pub fn ask_with(&mut self, model: &str, class: Class, minutes: u64, needs: &[TaskId]) -> TaskId {
        self.ask_of("", model, class, minutes, needs)
    }

    /// The same for a project.
    pub fn ask_of(&mut self, project: &str, model: &str, class: Class, minutes: u64, needs: &[TaskId]) -> TaskId {
        let task = id(self.next);
        self.next += 1;
        self.tell(Event::Submitted(Submission {
            project: project.into(),
            model: model.into(),
            kind: "k".into(),
            guess_ms: minutes * 60_000,
            needs: needs.iter().map(|need| Need::must(*need)).collect(),
            ..Submission::plain(task, "comfy", class)
        }));
        task
    }

    /// Everything that is on its way arrives.
    pub fn arrive(&mut self) {
        for plan in std::mem::take(&mut self.changes) {
            for gone in plan.unload {
                self.tell(Event::Unloaded(gone));
            }
            self.tell(Event::Loaded(Resident { seat: plan.seat, model: plan.model }));
        }
    }

    pub fn finish(&mut self, task: TaskId) {
        self.running.remove(&task);
        self.tell(Event::Finished { task, found: false, peak_mib: None });
    }

    pub fn fail(&mut self, task: TaskId, kind: FailureKind) {
        self.running.remove(&task);
        self.tell(Event::Failed { task, cause: Cause::attempt(kind, "no") });
    }

    pub fn later(&mut self, minutes: i64) {
        self.now += minutes * 60_000;
        self.tell(Event::Tick);
    }

    pub fn runs(&self, task: TaskId) -> bool {
        self.running.contains_key(&task)
    }

    /// Lets what runs end after `minutes` each, until `stop` says so or nothing runs; how long that took.
    pub fn go_on(&mut self, minutes: i64, mut stop: impl FnMut(&mut Self) -> bool) -> i64 {
        let start = self.now;
        for _ in 0..10_000 {
            self.arrive();
            if stop(self) {
                break;
            }
            let Some(task) = self.running.keys().next().copied() else {
                self.later(1);
                if self.fleet.unfinished() == 0 {
                    break;
                }
                continue;
            };
            self.now += minutes * 60_000;
            self.finish(task);
        }
        self.now - start
    }
}
