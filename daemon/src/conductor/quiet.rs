//! Quiet: hours in which something rests because the clock says so.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use studio_core::{
    fleet::{self, Scope},
    journal::EventKind,
    quiet::{QuietHours, foreseen},
    schedule::Event,
    units::Millis,
};

use super::{Context, Error, inbox::Message, run::Studio};
use crate::{events::StudioEvent, store};

/// Between two looks at the clock for quiet hours.
const QUIET_CHECK_EVERY: Duration = Duration::from_secs(30);
/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// Quiet hours, and what rests for them.
#[derive(Debug, Default)]
pub(super) struct Quiet {
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
struct Rest {
    scope: Scope,
    hard: bool,
    until: Millis,
}

impl Quiet {
    /// A person lets something go on: it does so until the next quiet hours.
    pub fn let_go(&mut self, scope: &Scope) {
        self.resting.remove(scope);
    }

    /// Other hours hold from now on; whether somebody must begin to look at the clock.
    fn take_up(&mut self, hours: Vec<QuietHours>) -> bool {
        self.hours = hours;
        !self.hours.is_empty() && !std::mem::replace(&mut self.watched, true)
    }

    /// What was let go on rests again where the hours say so.
    fn forget(&mut self) {
        self.kept.clear();
    }

    /// What goes on again and what begins to rest at `minute` of the week; what is `paused` stays as it is.
    fn look(&mut self, now: Millis, minute: u32, paused: &[Scope]) -> (Vec<Scope>, Vec<Rest>) {
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

/// The minute of the week at `now` where the studio is; 0 is Monday 00:00.
fn minute_of_week(context: &Context, now: Millis) -> u32 {
    let here = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default().to_zoned(context.clock.zone());
    let day = i64::from(here.weekday().to_monday_zero_offset());
    (day * 24 * 60 + i64::from(here.hour()) * 60 + i64::from(here.minute())).unsigned_abs() as u32
}

/// What will rest for quiet hours, for a film that is only foreseen: those the page set, else those of the settings.
///
/// # Errors
/// What the store says.
pub(crate) async fn rests_ahead(context: &Context, now: Millis) -> Result<Vec<fleet::Rest>, Error> {
    let set = store::fleet::quiet(&context.db).await?;
    let hours = set.unwrap_or_else(|| context.plan.quiet.clone());
    Ok(foreseen(&hours, now, minute_of_week(context, now)))
}

impl Studio {
    /// What will rest for quiet hours; of what they have begun for, what a person let go on is left out.
    pub(super) fn rests_to_come(&self, now: Millis) -> Vec<fleet::Rest> {
        let mut all = foreseen(&self.quiet.hours, now, minute_of_week(&self.context, now));
        all.retain(|rest| rest.from > now || self.quiet.resting.contains(&rest.scope));
        all
    }

    /// Takes up the quiet hours a person set, else those of the settings, and begins to look at the clock.
    pub(super) async fn take_up_quiet(&mut self) -> Result<(), Error> {
        let set = store::fleet::quiet(&self.context.db).await?;
        if self.quiet.take_up(set.unwrap_or_else(|| self.context.plan.quiet.clone())) {
            self.every(QUIET_CHECK_EVERY, || Message::Quiet);
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
        self.quiet.forget();
        self.take_up_quiet().await?;
        self.context.events.tell(StudioEvent::Changed);
        Ok(())
    }

    /// Looks at the clock: quiet hours begin and end.
    pub(super) async fn keep_quiet(&mut self) -> Result<(), Error> {
        let now = self.context.clock.now();
        let minute = minute_of_week(&self.context, now);
        let paused: Vec<Scope> = self.fleet.pauses().map(|(scope, _)| scope.clone()).collect();
        let (over, begin) = self.quiet.look(now, minute, &paused);
        for scope in over {
            self.feed(Event::Resumed { scope }).await?;
        }
        for Rest { scope, hard, until } in begin {
            self.feed(Event::Paused { scope, hard, why: "quiet hours".into(), until: Some(until) }).await?;
        }
        Ok(())
    }
}
