//! Card and seat: what can work, what is loaded there, and what it does now.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Away;
use crate::{failure::Cause, ids::TaskId, task::Class, units::Millis};

/// A card as it is configured and as it says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CardFacts {
    /// Its name: its PCI address, or the name of the server that has it on another machine.
    pub card: String,
    /// Memory in MiB; 0 when nobody knows, and then nothing is refused for lack of it.
    pub total_mib: u64,
    /// Never booked, in MiB: what the driver and the desktop keep.
    pub reserve_mib: u64,
    /// What programs use that are not the studio's, in MiB.
    pub foreign_mib: u64,
    /// Which of them uses most; empty when nobody knows.
    pub foreign_who: String,
    /// Attempts that compute at a time, at least 1.
    pub lanes: usize,
    /// Its first run of a new size compiles for minutes (`ROCm`), and says nothing about the next.
    pub slow_first: bool,
    /// How hot it is, in degrees Celsius; `None` when nobody measures it.
    pub temperature_c: Option<u32>,
    /// Watts it draws.
    pub power_w: Option<f64>,
}

impl CardFacts {
    /// A card of `total_mib` with nothing else on it.
    pub fn new(card: &str, total_mib: u64) -> Self {
        Self {
            card: card.to_owned(),
            total_mib,
            reserve_mib: 0,
            foreign_mib: 0,
            foreign_who: String::new(),
            lanes: 1,
            slow_first: false,
            temperature_c: None,
            power_w: None,
        }
    }
}

/// How many models a seat holds at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// One: the next replaces it (ComfyUI, a trainer).
    #[default]
    One,
    /// As many as fit (Ollama).
    Many,
}

/// One process of an engine: what it can do, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatFacts {
    /// Its name, unique.
    pub seat: String,
    /// The engine it is of.
    pub engine: String,
    /// Its card; `None` for work on the CPU.
    pub card: Option<String>,
    /// Attempts that compute at a time, at least 1.
    pub parallel: usize,
    /// Attempts that may wait inside it beside those.
    pub queue_ahead: usize,
    /// How many models it holds.
    pub holds: Holds,
    /// Least time between two beginnings, in milliseconds: what a provider allows.
    pub spacing_ms: u64,
    /// Models it cannot run.
    pub lacks: BTreeSet<String>,
}

impl SeatFacts {
    /// A seat on the CPU that does `parallel` things at a time.
    pub fn cpu(engine: &str, parallel: usize) -> Self {
        Self {
            seat: engine.to_owned(),
            engine: engine.to_owned(),
            card: None,
            parallel: parallel.max(1),
            queue_ahead: 0,
            holds: Holds::Many,
            spacing_ms: 0,
            lacks: BTreeSet::new(),
        }
    }
}

/// What the catalogue says of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelFacts {
    /// Memory it needs, in MiB, until measurements say otherwise.
    pub vram_mib: u64,
    /// How long it takes to load, in milliseconds.
    pub load_ms: u64,
    /// How long it takes to leave, in milliseconds.
    pub unload_ms: u64,
}

/// A model and where it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Resident {
    /// In which seat.
    pub seat: String,
    /// Name of the model, as tasks ask for it.
    pub model: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Card {
    pub facts: CardFacts,
    pub here: bool,
    /// Why it is not here.
    pub away: Option<Away>,
    /// It was too hot, and is not cool enough yet.
    pub hot: bool,
    /// Others have it, or had it until just now.
    pub taken: bool,
    /// Since when it is free of others.
    pub free_since: Millis,
    /// Models come and go on it now; one change at a time.
    pub change: Option<Change>,
    /// When work of each class last started here.
    pub turn: [Millis; 3],
}

impl Card {
    pub fn new(facts: CardFacts, now: Millis) -> Self {
        let never = Millis(i64::MIN);
        Self {
            facts,
            here: true,
            away: None,
            hot: false,
            taken: false,
            free_since: now,
            change: None,
            turn: [never; 3],
        }
    }

    /// What may be booked, in MiB.
    pub fn room_mib(&self) -> u64 {
        if self.facts.total_mib == 0 {
            return u64::MAX / 4;
        }
        self.facts.total_mib.saturating_sub(self.facts.reserve_mib + self.facts.foreign_mib)
    }

    /// What could be booked if nobody else used it, in MiB.
    pub fn size_mib(&self) -> u64 {
        if self.facts.total_mib == 0 {
            u64::MAX / 4
        } else {
            self.facts.total_mib.saturating_sub(self.facts.reserve_mib)
        }
    }
}

/// Models that come and go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub seat: String,
    pub load: Option<String>,
    pub until: Millis,
    pub class: Class,
}

/// What one process does.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub facts: SeatFacts,
    pub here: bool,
    /// Why it is not here; `None` when it is, or nobody knows.
    pub away: Option<Away>,
    /// In the order they were given to it; the first `parallel` compute.
    pub inside: Vec<TaskId>,
    pub loaded: BTreeMap<String, Loaded>,
    /// When something last began here.
    pub last: Option<Millis>,
    /// Failures one after another.
    pub strikes: u32,
    pub quarantine: Option<Quarantine>,
    /// Its models are to leave as soon as nothing runs in it.
    pub to_free: bool,
}

/// A seat that is left alone for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quarantine {
    pub cause: Cause,
    pub until: Millis,
    pub times: u32,
    /// The one task that finds out whether it works again.
    pub probe: Option<TaskId>,
}

/// A model in a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub state: LoadState,
    /// What is booked for it.
    pub mib: u64,
    pub since: Millis,
    pub used: Millis,
    /// For whom it was loaded.
    pub class: Class,
}

/// Where a model is on its way into a process and out of it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum LoadState {
    /// It is being loaded, and its memory is booked.
    Coming,
    /// It can be worked with.
    Here,
    /// It is being unloaded; its memory is not booked any more.
    Leaving,
}

impl Seat {
    pub fn new(facts: SeatFacts) -> Self {
        Self {
            facts,
            here: true,
            away: None,
            inside: Vec::new(),
            loaded: BTreeMap::new(),
            last: None,
            strikes: 0,
            quarantine: None,
            to_free: false,
        }
    }

    pub fn slots(&self) -> usize {
        self.facts.parallel.saturating_add(self.facts.queue_ahead)
    }

    /// When something may begin here next, when that is not at once.
    pub fn spaced_until(&self) -> Option<Millis> {
        (self.facts.spacing_ms > 0).then(|| self.last.map(|last| last.after(self.facts.spacing_ms as i64))).flatten()
    }

    /// Attempts that compute, as far as the fleet knows.
    pub fn computing(&self) -> usize {
        self.inside.len().min(self.facts.parallel)
    }
}
