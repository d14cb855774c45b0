//! Conductor: the one loop that decides what happens next.
//!
//! Messages come in, `studio_core::schedule::step` decides, the decision is committed, then it is carried out:
//! record, then do, then record. Nothing else writes tasks, attempts, takes or the state of a film.

mod approval;
mod attempt;
mod cache;
mod completion;
mod disk;
mod effects;
mod episodes;
mod fleet;
mod foresight;
mod golden;
mod inbox;
mod lacking;
mod ladder;
mod loads;
mod loras;
mod memory;
mod opinion;
mod options;
mod overrides;
mod pictures;
mod placing;
mod portraits;
mod projections;
mod quiet;
mod records;
mod recover;
mod refusal;
mod rejection;
mod rest;
mod restart;
mod run;
mod snapshot;
mod speculative;
mod steering;
mod submission;
mod submit;
mod trainings;

use std::{collections::BTreeMap, sync::Arc};

pub use approval::waits_for;
pub(crate) use cache::{Absent, lookup, still_there};
pub use fleet::{Card, FleetPlan};
pub(crate) use fleet::{card_facts, inside, outside, watts};
pub use inbox::{Handle, OverrideAction, Produce, Resting};
pub use options::{Defaults, ProduceOptions};
pub use overrides::take_up;
pub(crate) use quiet::rests_ahead;
pub use refusal::Refusal;
pub use run::start;
pub use snapshot::{EpisodeTasks, Snapshot};
use studio_engine::{Cards, Engine};
pub(crate) use submission::{TaskIds, retakes, submission};

use crate::{clock::SharedClock, events::Events, files::DataDir, metrics::Metrics, store, upkeep};

/// Everything the conductor works with.
#[derive(Clone)]
pub struct Context {
    /// What is known.
    pub db: store::Db,
    /// Where files are.
    pub data: DataDir,
    /// Who makes things, and how many at a time.
    pub engines: Arc<BTreeMap<String, Seat>>,
    /// Through whom listeners hear what happens.
    pub events: Events,
    /// Time and identities.
    pub clock: SharedClock,
    /// Who knows the cards; `None` when nobody looks at them.
    pub cards: Option<Arc<dyn Cards>>,
    /// What the settings say of scheduling.
    pub plan: Arc<FleetPlan>,
    /// What is counted.
    pub metrics: Metrics,
    /// The lock on the data of a service; `None` where somebody else minds it.
    pub lock: Option<store::SharedLock>,
}

/// An engine and how much it does at a time.
pub struct Seat {
    /// The engine that carries out the orders.
    pub engine: Arc<dyn Engine>,
    /// Orders at a time, at least 1.
    pub slots: usize,
}

/// Why the conductor itself could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The disk failed.
    #[error("failed to keep the studio's files: {0}")]
    Files(#[from] std::io::Error),
    /// The state of things forbids what was asked for.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A part of the program itself broke down.
    #[error("{0}")]
    Broken(String),
    /// The conductor is gone.
    #[error("the conductor has stopped")]
    Stopped,
}

/// The store takes nothing for now; waiting mends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outage {
    /// There is no room.
    DiskFull,
    /// The database, or the disk, does not answer.
    Away,
}

impl Outage {
    /// What somebody is told who asks for something meanwhile.
    fn error(self, why: &str) -> Error {
        Error::Store(match self {
            Self::DiskFull => store::Error::disk_full(),
            Self::Away => store::Error::Unavailable(why.to_owned()),
        })
    }
}

impl Error {
    /// Whether it means that the store takes nothing for now, and why. Everything else said to somebody who asked is a
    /// refusal, and theirs alone.
    fn outage(&self) -> Option<Outage> {
        match self {
            Self::Store(store::Error::DiskFull(_)) => Some(Outage::DiskFull),
            Self::Files(error) if error.kind() == std::io::ErrorKind::StorageFull => Some(Outage::DiskFull),
            Self::Store(store::Error::Busy(_) | store::Error::Unavailable(_) | store::Error::File { .. })
            | Self::Files(_) => Some(Outage::Away),
            _ => None,
        }
    }
}

impl From<upkeep::Error> for Error {
    fn from(error: upkeep::Error) -> Self {
        match error {
            upkeep::Error::Store(error) => Self::Store(error),
            upkeep::Error::Files(error) => Self::Files(error),
            upkeep::Error::NotInLibrary { title } => Refusal::NotInLibrary { title }.into(),
        }
    }
}
