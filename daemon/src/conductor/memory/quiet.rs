//! Quiet: the hours that hold, and what rests for them.

use std::collections::{BTreeMap, BTreeSet};

use studio_core::{
    fleet::{self, Scope},
    quiet::{QuietHours, foreseen},
    units::Millis,
};

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// Quiet hours, and what rests for them.
#[derive(Debug, Default)]
pub(in crate::conductor) struct Quiet {
    /// Hours that hold: the page's, else the settings'.
    hours: Vec<QuietHours>,
    /// Somebody looks at the clock now and then.
    watched: bool,
    /// What rests because it is quiet now.
    resting: BTreeSet<Scope>,
    /// Quiet hours that have been kept, by when they end, in minutes.
    kept: BTreeSet<(Scope, i64)>,
}

/// A rest that begins.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::conductor) struct Rest {
    pub scope: Scope,
    pub hard: bool,
    pub until: Millis,
}

impl Quiet {
    /// A person lets something go on: it does so until the next quiet hours.
    pub fn let_go(&mut self, scope: &Scope) {
        self.resting.remove(scope);
    }

    /// What will rest from `now` on, which is `minute` of the week; of what has begun, what a person let go on is left
    /// out.
    pub fn to_come(&self, now: Millis, minute: u32) -> Vec<fleet::Rest> {
        let mut all = foreseen(&self.hours, now, minute);
        all.retain(|rest| rest.from > now || self.resting.contains(&rest.scope));
        all
    }

    /// Other hours hold from now on; whether somebody must begin to look at the clock.
    pub fn take_up(&mut self, hours: Vec<QuietHours>) -> bool {
        self.hours = hours;
        !self.hours.is_empty() && !std::mem::replace(&mut self.watched, true)
    }

    /// What was let go on rests again where the hours say so.
    pub fn forget(&mut self) {
        self.kept.clear();
    }

    /// What goes on again and what begins to rest at `minute` of the week; what is `paused` stays as it is.
    pub fn look(&mut self, now: Millis, minute: u32, paused: &[Scope]) -> (Vec<Scope>, Vec<Rest>) {
        let mut wanted: BTreeMap<Scope, (u32, bool)> = BTreeMap::new();
        for hours in &self.hours {
            let Some(left) = hours.left(minute) else { continue };
            let longest = wanted.entry(hours.scope()).or_insert((left, hours.hard));
            *longest = (longest.0.max(left), longest.1 || hours.hard);
        }
        let over: Vec<Scope> = self.resting.iter().filter(|scope| !wanted.contains_key(scope)).cloned().collect();
        self.resting.retain(|scope| wanted.contains_key(scope));
        let mut begin = Vec::new();
        for (scope, (left, hard)) in wanted {
            let ends = now.0 / MINUTE_MS + i64::from(left);
            // What a person paused stays paused; what a person let go on in quiet hours stays so until they end.
            if paused.contains(&scope) || !self.kept.insert((scope.clone(), ends)) {
                continue;
            }
            self.resting.insert(scope.clone());
            begin.push(Rest { scope, hard, until: now.after(i64::from(left) * MINUTE_MS) });
        }
        (over, begin)
    }
}
