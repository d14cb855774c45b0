//! Trouble: other programs, cards that are lost, seats that die.

use std::collections::{BTreeMap, BTreeSet};

use super::{Place, Trace, What, World, lost, ms};
use crate::{
    fleet::{Away, CardFacts, Fleet, Resident},
    ids::TaskId,
    schedule::Event,
    sim::scenario::{Foreign, Outage},
    units::Millis,
};

impl World<'_> {
    /// The studio is killed and starts again: what ran is lost, what was made is kept, and the scheduler hears of
    /// everything anew.
    pub fn restart(&mut self) {
        let rules = *self.fleet.rules();
        for seat in self.places.keys().cloned().collect::<Vec<_>>() {
            let Some(place) = self.places.get(&seat) else { continue };
            let inside: Vec<TaskId> =
                place.computing.keys().copied().chain(place.queue.iter().map(|one| one.0)).collect();
            for task in inside {
                self.leave(&seat, task, false);
            }
        }
        (self.ahead, self.speculative) = (BTreeMap::new(), BTreeSet::new());
        // What was on its way arrives or does not; nobody waits for it.
        self.changing.clear();
        self.fleet = Fleet::new(rules);
        self.feed(Event::ModelsChanged(self.course.models.clone()));
        for facts in &self.course.cards {
            self.feed(Event::GpuSeen(self.facts(facts)));
        }
        for facts in &self.course.seats {
            let place = &self.places[&facts.seat];
            if !place.here {
                continue;
            }
            let loaded: Vec<String> = place.loaded.keys().cloned().collect();
            self.feed(Event::EngineSeen(facts.clone()));
            for model in loaded {
                self.feed(Event::Loaded(Resident { seat: facts.seat.clone(), model }));
            }
        }
        for piece in &self.course.pieces {
            let task = piece.submission.task;
            if self.submitted.contains(&task) && !self.done.contains(&task) {
                self.feed(Event::Submitted(piece.submission.clone()));
            }
        }
    }

    /// What a card would say of itself now.
    pub(super) fn facts(&self, facts: &CardFacts) -> CardFacts {
        let there = |one: &&Foreign| one.gpu == facts.card && ms(one.from_s) <= self.now.0 && self.now.0 < ms(one.to_s);
        let foreign_mib = self.foreign.iter().filter(there).map(|one| one.mib).sum();
        let who = self.foreign.iter().filter(there).max_by_key(|one| one.mib).map(|one| one.who.clone());
        CardFacts { foreign_mib, foreign_who: who.unwrap_or_default(), ..facts.clone() }
    }

    pub(super) fn see(&mut self, gpu: &str) {
        if let Some(facts) = self.course.cards.iter().find(|facts| facts.card == gpu) {
            let facts = self.facts(facts);
            for one in self.foreign.iter().filter(|one| one.gpu == gpu && ms(one.to_s) <= self.now.0) {
                let what = What::Foreign(one.who.clone());
                let (from, to) = (Millis(ms(one.from_s)), Millis(ms(one.to_s)));
                let told = Trace { from, to, card: gpu.to_owned(), seat: String::new(), what };
                if !self.trace.contains(&told) {
                    self.trace.push(told);
                }
            }
            self.feed(Event::GpuSeen(facts));
        }
    }

    /// Everything a seat did is gone.
    fn dies(&mut self, seat: &str) {
        let Some(place) = self.places.get_mut(seat) else { return };
        let inside: Vec<TaskId> = place.computing.keys().copied().chain(place.queue.iter().map(|one| one.0)).collect();
        for task in inside {
            self.leave(seat, task, false);
            self.ahead.remove(&task);
            self.feed(lost(task));
        }
    }

    fn seats_of(&self, fault: &Outage) -> Vec<String> {
        let on = |place: &Place| fault.gpu.is_some() && place.card == fault.gpu;
        let mine = self.places.iter().filter(|(name, place)| on(place) || fault.seat.as_ref() == Some(name));
        mine.map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn breaks(&mut self, number: usize) {
        let fault = self.faults[number].clone();
        let why = Away::Unreachable { message: "it broke".into() };
        // First it is so, then it is told.
        for seat in self.seats_of(&fault) {
            self.changing.remove(&seat);
            if let Some(place) = self.places.get_mut(&seat) {
                place.here = false;
                place.loaded.clear();
            }
        }
        if let Some(card) = fault.gpu.clone() {
            self.feed(Event::GpuLost { card, why: why.clone() });
        }
        for seat in self.seats_of(&fault) {
            let engine = self.course.seats.iter().find(|facts| facts.seat == seat).map(|facts| facts.engine.clone());
            self.feed(Event::EngineLost { seat: seat.clone(), engine: engine.unwrap_or_default(), why: why.clone() });
            self.dies(&seat);
        }
    }

    pub(super) fn mends(&mut self, number: usize) {
        let fault = self.faults[number].clone();
        if let Some(card) = &fault.gpu {
            self.see(&card.clone());
        }
        for seat in self.seats_of(&fault) {
            if let Some(place) = self.places.get_mut(&seat) {
                place.here = true;
            }
            if let Some(facts) = self.course.seats.iter().find(|facts| facts.seat == seat) {
                self.feed(Event::EngineSeen(facts.clone()));
            }
        }
    }
}
