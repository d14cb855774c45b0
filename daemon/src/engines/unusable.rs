//! Unusable: an engine the settings name but that cannot be used here, such as one whose key only the service may read.
//! Its work waits and says why; everything else goes on.

use std::sync::Arc;

use studio_core::{
    fleet::{Away, SeatFacts},
    order::Order,
};
use studio_engine::{Availability, Engine, EngineError, FailureKind, Made, Means, WorkerStatus};
use tokio::sync::watch;

/// An engine that is always away, and says why.
pub struct Unusable {
    name: &'static str,
    why: String,
    offer: watch::Receiver<Availability>,
    /// Nobody sends; the offer stays as long as this does.
    _say: Arc<watch::Sender<Availability>>,
}

impl Unusable {
    /// An engine called `name` that is away because of `why`.
    pub fn new(name: &'static str, why: String) -> Self {
        let seat = WorkerStatus {
            facts: SeatFacts::cpu(name, 1),
            away: Some(Away::Unusable { message: why.clone() }),
            card: None,
            loaded: None,
        };
        let (say, offer) =
            watch::channel(Availability { seats: vec![seat], models: std::collections::BTreeMap::new() });
        Self { name, why, offer, _say: Arc::new(say) }
    }
}

impl Engine for Unusable {
    fn version(&self) -> String {
        format!("{}/1", self.name)
    }

    fn run<'a>(&'a self, _order: &'a Order, _with: Means<'a>) -> Made<'a> {
        Box::pin(async { Err(EngineError::new(FailureKind::Unable, self.why.clone())) })
    }

    fn offer(&self) -> Option<watch::Receiver<Availability>> {
        Some(self.offer.clone())
    }
}
