//! Rests: what is paused for a known time, and what will be.

use super::{Happens, World};
use crate::{
    fleet::{Rest, Scope},
    schedule::Event,
};

impl World<'_> {
    /// Takes up what the fleet knows of rests: pauses that end by themselves do, and hours that are foreseen come. What
    /// was only paused until now, `begins`, goes on unless it rests for another reason.
    pub(in crate::sim) fn take_up(&mut self, begins: Option<&Scope>) {
        let paused = self.fleet.pauses.iter().filter_map(|(scope, pause)| Some((scope.clone(), pause.until?)));
        for (scope, until) in paused.collect::<Vec<_>>() {
            self.at(until.max(self.now), Happens::Resume(scope));
        }
        let rests = self.fleet.rests.clone();
        for (number, rest) in rests.iter().enumerate() {
            if rest.from > self.now {
                self.at(rest.from, Happens::Rest(number));
            } else if Some(&rest.scope) == begins {
                self.at(rest.until, Happens::Resume(rest.scope.clone()));
            } else {
                self.rests(rest.clone());
            }
        }
        let rests_now = |scope: &Scope| rests.iter().any(|rest| rest.scope == *scope && rest.from <= self.now);
        if let Some(scope) = begins.filter(|scope| !rests_now(scope)) {
            self.feed(Event::Resumed { scope: scope.clone() });
        }
    }

    pub(super) fn rest(&mut self, number: usize) {
        if let Some(rest) = self.fleet.rests.get(number).cloned() {
            self.rests(rest);
        }
    }

    /// Something rests from now on, unless a person paused it, which lasts longer.
    fn rests(&mut self, rest: Rest) {
        let Rest { scope, until, hard, .. } = rest;
        if until <= self.now || self.fleet.pauses.contains_key(&scope) {
            return;
        }
        self.feed(Event::Paused { scope: scope.clone(), hard, why: String::new(), until: Some(until) });
        self.at(until, Happens::Resume(scope));
    }
}
