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
    /// Somebody was told that the store does not take anything: memory may be ahead of it.
    shaken: Option<(Outage, String)>,
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
