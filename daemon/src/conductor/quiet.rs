//! Quiet: hours in which something rests because the clock says so.

use std::time::Duration;

use studio_core::{
    fleet::{self, PauseReason, Scope},
    journal::EventKind,
    quiet::{QuietHours, foreseen},
    schedule::Event,
    units::Millis,
};

use super::{
    Context, Error,
    inbox::Message,
    memory::{Rest, Studio},
};
use crate::{events::StudioEvent, store};

/// Between two looks at the clock for quiet hours.
const QUIET_CHECK_EVERY: Duration = Duration::from_secs(30);
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
        self.quiet.to_come(now, minute_of_week(&self.context, now))
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
            self.feed(Event::Paused { scope, hard, why: PauseReason::QuietHours, until: Some(until) }).await?;
        }
        Ok(())
    }
}
