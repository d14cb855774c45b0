//! Fleet: the engines, how much each does at a time, and every task that is not finished.
//!
//! Only [`crate::schedule::step`] changes it. Cards and what is loaded on them join here when engines that own one do.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ids::TaskId, task::Class, units::Millis};

/// How often and when failed work is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retrying {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// Pause before the second attempt, in milliseconds; four times as long before each further one.
    pub first_pause_ms: i64,
    /// The longest pause, in milliseconds.
    pub longest_pause_ms: i64,
    /// Pause while the disk is full, in milliseconds; such a failure is not the task's fault and costs it nothing.
    pub disk_full_pause_ms: i64,
}

impl Default for Retrying {
    fn default() -> Self {
        Self { attempts: 3, first_pause_ms: 2_000, longest_pause_ms: 300_000, disk_full_pause_ms: 60_000 }
    }
}

impl Retrying {
    /// The pause after the `strike`th failure (from 1), in milliseconds.
    pub fn pause_ms(&self, strike: u32) -> i64 {
        let factor = 4i64.saturating_pow(strike.saturating_sub(1));
        self.first_pause_ms.saturating_mul(factor).min(self.longest_pause_ms)
    }
}

/// Engines and unfinished tasks.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    pub(crate) engines: BTreeMap<String, Seat>,
    pub(crate) tasks: BTreeMap<TaskId, Entry>,
    /// Tasks whose needs are met, per engine, best first.
    pub(crate) ready: BTreeMap<String, BTreeSet<Rank>>,
    /// Tasks in a back-off pause, soonest first.
    pub(crate) resting: BTreeSet<(Millis, TaskId)>,
    /// Who waits for whom: finished task -> tasks that need it.
    pub(crate) dependents: BTreeMap<TaskId, BTreeSet<TaskId>>,
    pub(crate) submitted: u64,
    pub(crate) retrying: Retrying,
}

/// Class first, then the order of submission: first come, first served inside a class.
pub(crate) type Rank = (Class, u64, TaskId);

/// What an engine can do at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seat {
    pub slots: usize,
    pub running: BTreeSet<TaskId>,
    pub here: bool,
    /// Why it is not here; empty when nobody knows.
    pub away: String,
}

/// A task that is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub engine: String,
    pub class: Class,
    pub order: u64,
    pub stage: Stage,
    /// Unfinished tasks it needs; `true` when it can do without.
    pub needs: BTreeMap<TaskId, bool>,
    pub strikes: u32,
    pub stopping: bool,
}

/// Where an unfinished task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Blocked,
    Ready,
    Resting(Millis),
    Running,
}

impl Fleet {
    /// An empty fleet that tries again as `retrying` says.
    pub fn new(retrying: Retrying) -> Self {
        Self { retrying, ..Self::default() }
    }

    /// Tasks that are not finished.
    pub fn unfinished(&self) -> usize {
        self.tasks.len()
    }

    /// Tasks that run now.
    pub fn running(&self) -> impl Iterator<Item = TaskId> + '_ {
        self.engines.values().flat_map(|seat| seat.running.iter().copied())
    }

    /// Whether the task is known and not finished.
    pub fn knows(&self, task: TaskId) -> bool {
        self.tasks.contains_key(&task)
    }

    pub(crate) fn rank(&self, task: TaskId) -> Option<(String, Rank)> {
        self.tasks.get(&task).map(|entry| (entry.engine.clone(), (entry.class, entry.order, task)))
    }
}
