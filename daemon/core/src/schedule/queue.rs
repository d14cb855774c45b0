//! Queue: how a task comes to wait for its turn, and how it leaves.

use super::Effect;
use crate::{
    fleet::{Fleet, Stage},
    ids::TaskId,
};

/// Makes a blocked task ready when nothing it needs is missing and nobody holds it.
pub(super) fn unblock(fleet: &mut Fleet, task: TaskId, effects: &mut Vec<Effect>) {
    let Some(entry) = fleet.tasks.get_mut(&task) else { return };
    if !entry.needs.is_empty() {
        return;
    }
    fleet.speculative_ready.remove(&task);
    if let Some(judged) = &entry.judges {
        fleet.judging.entry(judged.clone()).or_default().insert(task);
    }
    match entry.stage {
        Stage::Ahead => {
            (entry.stage, entry.speculative) = (Stage::Running, false);
            entry.seat.clear();
            effects.push(Effect::Adopt { task });
        }
        // What it started from was right after all.
        Stage::Running => entry.speculative = false,
        Stage::Blocked if !entry.held => {
            let paused = crate::fleet::Scope::Project(entry.project.clone());
            if !fleet.pauses.contains_key(&paused) {
                fleet.enqueue(task);
            }
        }
        _ => {}
    }
}

/// Takes a task out of the ready and resting queues.
pub(super) fn unqueue(fleet: &mut Fleet, task: TaskId) {
    match fleet.tasks.get(&task).map(|entry| entry.stage) {
        Some(Stage::Ready) => fleet.dequeue(task),
        Some(Stage::Resting(until)) => drop(fleet.resting.remove(&(until, task))),
        _ => {}
    }
}
