//! Rests: what is paused for a known time, and what will be.

use super::{Happens, World};
use crate::{
    fleet::{PauseReason, Rest, Scope},
    schedule::Event,
    units::Millis,
};

impl World<'_> {
    /// Takes up what the fleet knows of rests: pauses that end by themselves do, and hours that are foreseen come. What
    /// was only paused until now, `begins`, goes on unless it rests for another reason.
    pub(in crate::sim) fn take_up(&mut self, begins: Option<&Scope>) {
        let rests = self.fleet.rests.clone();
        let now = self.now;
        let begun = |scope: &Scope| rests.iter().find(|rest| rest.scope == *scope && rest.from <= now);
        let paused = self.fleet.pauses.iter().filter_map(|(scope, pause)| Some((scope.clone(), pause.until?)));
        for (scope, until) in paused.collect::<Vec<_>>() {
            // One day's hours may go on in the next day's.
            let until = begun(&scope).map_or(until, |rest| rest.until.max(until));
            self.resume_at(scope, until);
        }
        for (number, rest) in rests.iter().enumerate() {
            if rest.from > self.now {
                self.at(rest.from, Happens::Rest(number));
            } else if Some(&rest.scope) == begins {
                self.resume_at(rest.scope.clone(), rest.until);
            } else {
                self.rests(rest.clone());
            }
        }
        if let Some(scope) = begins.filter(|scope| begun(scope).is_none()) {
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
        self.feed(Event::Paused { scope: scope.clone(), hard, why: PauseReason::QuietHours, until: Some(until) });
        self.resume_at(scope, until);
    }

    fn resume_at(&mut self, scope: Scope, until: Millis) {
        if until < Rest::NEVER {
            self.at(until.max(self.now), Happens::Resume(scope));
        }
    }
}
