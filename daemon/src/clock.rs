//! Clock: where time and new identities come from. Only the composition root makes the real one.

use std::sync::Arc;

use jiff::tz::TimeZone;
use studio_core::units::Millis;
use uuid::Uuid;

/// Time and identities, handed in so that tests can decide both.
pub trait Clock: Send + Sync {
    /// The time now, in milliseconds since 1970-01-01 UTC.
    fn now(&self) -> Millis;
    /// A new uuid v7.
    fn id(&self) -> Uuid;
    /// The time zone of the machine: quiet hours and the date of an episode are local.
    #[expect(clippy::disallowed_methods, reason = "here is where everybody else gets it from")]
    fn zone(&self) -> TimeZone {
        TimeZone::system()
    }
}

/// A shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        Millis(jiff::Timestamp::now().as_millisecond())
    }

    fn id(&self) -> Uuid {
        Uuid::now_v7()
    }
}
