//! Wait: why a task does not run, with the numbers behind it.

use std::fmt;

use crate::{
    fleet::{Fleet, Stage},
    ids::TaskId,
    units::Millis,
};

/// Why a task waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitReason {
    /// Other tasks come first.
    Needs {
        /// How many.
        count: usize,
        /// One of them.
        first: TaskId,
    },
    /// It failed and rests before the next attempt.
    Resting {
        /// Until when.
        until: Millis,
        /// Failures so far.
        strikes: u32,
    },
    /// Its engine is not there.
    NoEngine {
        /// Its name.
        engine: String,
        /// Why, with the remedy; empty when it was never there.
        why: String,
    },
    /// Its engine is busy.
    Busy {
        /// Its name.
        engine: String,
        /// Tasks it does now.
        running: usize,
        /// Tasks that go first.
        ahead: usize,
    },
}

/// Why the task waits; `None` when it runs, or is not known.
pub fn why(fleet: &Fleet, task: TaskId) -> Option<WaitReason> {
    let entry = fleet.tasks.get(&task)?;
    let engine = entry.engine.clone();
    match entry.stage {
        Stage::Running => None,
        Stage::Blocked => {
            let first = *entry.needs.keys().next()?;
            Some(WaitReason::Needs { count: entry.needs.len(), first })
        }
        Stage::Resting(until) => Some(WaitReason::Resting { until, strikes: entry.strikes }),
        Stage::Ready => match fleet.engines.get(&engine) {
            Some(seat) if seat.here => {
                let mine = (entry.class, entry.order, task);
                let ahead = fleet.ready.get(&engine).map_or(0, |ranks| ranks.range(..mine).count());
                Some(WaitReason::Busy { engine, running: seat.running.len(), ahead })
            }
            seat => {
                let why = seat.map_or_else(String::new, |seat| seat.away.clone());
                Some(WaitReason::NoEngine { engine, why })
            }
        },
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Needs { count: 1, .. } => write!(f, "waits for one task before it"),
            Self::Needs { count, .. } => write!(f, "waits for {count} tasks before it"),
            Self::Resting { strikes, .. } => write!(f, "failed {strikes} times, pauses before the next attempt"),
            Self::NoEngine { engine, why } if why.is_empty() => write!(f, "engine {engine} is not there"),
            Self::NoEngine { engine, why } => write!(f, "engine {engine} is not there: {why}"),
            Self::Busy { engine, running, ahead } => {
                write!(f, "{engine} is busy with {running}, and {ahead} go first")
            }
        }
    }
}
