//! Pulse: where the loop is, what it waits for, and what went wrong on the way.

use std::collections::VecDeque;

use studio_core::{ids::EpisodeId, units::Millis};
use tokio_util::sync::CancellationToken;

use crate::conductor::{Error, Outage, inbox::Message};

/// How the loop stands.
#[derive(Debug, Default)]
pub(in crate::conductor) struct Pulse {
    /// The studio closes: nothing new begins.
    pub closing: bool,
    /// The episode that is being minded: who is to blame when something unexpected happens.
    pub minds: Option<EpisodeId>,
    /// When the scheduler wants to be asked again at the latest.
    pub wake: Option<Millis>,
    /// What was asked while the studio began anew.
    pub later: VecDeque<Message>,
    /// Cancelled when this memory is given up: what it says to itself now and then ends.
    pub timers: CancellationToken,
    /// Unexpected errors of late that no single episode is to blame for.
    pub upsets: Upsets,
    /// Somebody was told that the store does not take anything: memory may be ahead of it.
    shaken: Option<(Outage, String)>,
}

/// As many unexpected errors within [`OF_LATE_MS`] are got over; one more, and the studio would begin anew for ever.
const MOST_UPSETS: usize = 5;
/// How long an unexpected error counts, in milliseconds of the studio's clock.
const OF_LATE_MS: i64 = 60_000;

/// When the studio met unexpected errors that no single episode is to blame for, the oldest first.
#[derive(Debug, Default)]
pub(in crate::conductor) struct Upsets(VecDeque<Millis>);

impl Upsets {
    /// Counts one more.
    ///
    /// # Errors
    /// There were too many of late: it comes back as what the studio ends with.
    pub fn another(&mut self, error: &Error, now: Millis) -> Result<(), Error> {
        self.0.retain(|at| now.0 - at.0 < OF_LATE_MS);
        self.0.push_back(now);
        let (met, seconds) = (self.0.len(), OF_LATE_MS / 1000);
        if met <= MOST_UPSETS {
            return Ok(());
        }
        let why = format!("the studio met {met} unexpected errors within {seconds} s and ends, as its log says");
        Err(Error::Broken(format!("{why}; the last was: {error}")))
    }
}

impl Pulse {
    /// The scheduler wants to be asked again at `at`.
    pub fn wake_at(&mut self, at: Millis) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }

    /// Somebody is told of an error.
    pub fn told(&mut self, error: &Error) {
        self.shaken = error.outage().map(|outage| (outage, error.to_string()));
    }

    /// The trouble with the store that somebody was told of, once.
    pub fn trouble(&mut self) -> Option<Error> {
        self.shaken.take().map(|(outage, why)| outage.error(&why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_without_an_episode_are_got_over_unless_they_come_again_and_again() {
        let (mut upsets, error) = (Upsets::default(), Error::Broken("the wheel is stuck".into()));
        for at in 0..100 {
            upsets.another(&error, Millis(at * OF_LATE_MS)).expect("now and then");
        }
        for at in 1..MOST_UPSETS as i64 {
            upsets.another(&error, Millis(99 * OF_LATE_MS + at)).expect("a few");
        }
        let last = upsets.another(&error, Millis(99 * OF_LATE_MS + 9)).unwrap_err().to_string();
        assert!(last.contains("6 unexpected errors within 60 s") && last.ends_with("the wheel is stuck"), "{last}");
    }
}
