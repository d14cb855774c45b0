//! Step: one event changes the fleet and leads to effects.

use std::collections::{BTreeMap, BTreeSet};

use super::{Effect, Event, Fault, Need, Submission, place};
use crate::{
    fleet::{Entry, Fleet, Seat, Stage},
    ids::TaskId,
    units::Millis,
};

/// How the reason of a task begins that cannot be made because another one was not.
const LACKS: &str = "needs a task that ended without result";

/// Takes in one event and says what is to be done. Pure but for `fleet`.
pub fn step(fleet: &mut Fleet, now: Millis, event: Event) -> Vec<Effect> {
    let mut effects = Vec::new();
    match event {
        Event::Submitted(submission) => submit(fleet, now, submission),
        Event::Finished { task } => finish(fleet, task),
        Event::Failed { task, fault, message } => fail(fleet, now, task, fault, message, &mut effects),
        Event::Deferred { task, needs } => {
            // Somebody wanted it stopped before it found out what it lacks.
            if fleet.tasks.get(&task).is_some_and(|entry| entry.stopping) {
                reject(fleet, task, true, "cancelled", &mut effects);
            } else {
                defer(fleet, task, &needs);
            }
        }
        Event::Cancelled { task } => cancel(fleet, task, &mut effects),
        Event::EngineSeen { engine, slots } => {
            let seat = fleet.engines.entry(engine).or_default();
            (seat.slots, seat.here) = (slots.max(1), true);
            seat.away.clear();
        }
        Event::EngineLost { engine, why } => {
            let seat = fleet.engines.entry(engine).or_default();
            (seat.here, seat.away) = (false, why);
        }
        Event::Tick => {}
    }
    wake(fleet, now);
    start(fleet, &mut effects);
    if let Some((until, _)) = fleet.resting.first() {
        effects.push(Effect::WakeAt(*until));
    }
    effects
}

fn submit(fleet: &mut Fleet, now: Millis, new: Submission) {
    let needs: BTreeMap<TaskId, bool> = new
        .needs
        .iter()
        .filter(|need| need.task != new.task && fleet.tasks.contains_key(&need.task))
        .map(|need| (need.task, need.optional))
        .collect();
    if let Some(known) = fleet.tasks.get(&new.task) {
        // Asked for again while it waits or runs: it keeps its place, and a running attempt its result.
        if known.stage == Stage::Running {
            return;
        }
    }
    unqueue(fleet, new.task);
    let order = fleet.tasks.get(&new.task).map_or(fleet.submitted, |known| known.order);
    fleet.submitted += 1;
    for need in needs.keys() {
        fleet.dependents.entry(*need).or_default().insert(new.task);
    }
    let stage = Stage::Blocked;
    let entry =
        Entry { engine: new.engine, class: new.class, order, stage, needs, strikes: new.strikes, stopping: false };
    fleet.tasks.insert(new.task, entry);
    if new.not_before > now { rest(fleet, new.task, new.not_before) } else { unblock(fleet, new.task) }
}

fn finish(fleet: &mut Fleet, task: TaskId) {
    if remove(fleet, task).is_none() {
        return;
    }
    for dependent in fleet.dependents.remove(&task).unwrap_or_default() {
        if let Some(entry) = fleet.tasks.get_mut(&dependent) {
            entry.needs.remove(&task);
        }
        unblock(fleet, dependent);
    }
}

fn fail(fleet: &mut Fleet, now: Millis, task: TaskId, fault: Fault, message: String, effects: &mut Vec<Effect>) {
    let retrying = fleet.retrying;
    let Some(entry) = fleet.tasks.get_mut(&task) else { return };
    if entry.stopping || fault == Fault::Cancelled {
        return reject(fleet, task, true, "cancelled", effects);
    }
    if fault == Fault::Transient {
        entry.strikes += 1;
    }
    let strikes = entry.strikes;
    let pause_ms = match fault {
        Fault::Final | Fault::Cancelled => None,
        Fault::Transient => (strikes < retrying.attempts).then(|| retrying.pause_ms(strikes)),
        Fault::DiskFull => Some(retrying.disk_full_pause_ms),
        Fault::Lost => Some(0),
    };
    let Some(pause_ms) = pause_ms else { return reject(fleet, task, false, &message, effects) };
    vacate(fleet, task);
    let until = now.after(pause_ms);
    rest(fleet, task, until);
    effects.push(Effect::Requeue { task, until, counted: fault == Fault::Transient, reason: message });
}

fn defer(fleet: &mut Fleet, task: TaskId, needs: &[Need]) {
    let open: Vec<Need> =
        needs.iter().copied().filter(|n| n.task != task && fleet.tasks.contains_key(&n.task)).collect();
    vacate(fleet, task);
    unqueue(fleet, task);
    let Some(entry) = fleet.tasks.get_mut(&task) else { return };
    entry.stage = Stage::Blocked;
    for need in open {
        entry.needs.insert(need.task, need.optional);
        fleet.dependents.entry(need.task).or_default().insert(task);
    }
    unblock(fleet, task);
}

fn cancel(fleet: &mut Fleet, task: TaskId, effects: &mut Vec<Effect>) {
    let Some(entry) = fleet.tasks.get_mut(&task) else { return };
    if entry.stage == Stage::Running {
        // The slot stays taken until the engine confirms.
        if !entry.stopping {
            entry.stopping = true;
            effects.push(Effect::Cancel { task });
        }
    } else {
        reject(fleet, task, true, "cancelled", effects);
    }
}

/// Ends a task without a result, and everything that cannot do without it.
fn reject(fleet: &mut Fleet, task: TaskId, cancelled: bool, reason: &str, effects: &mut Vec<Effect>) {
    let mut ending = vec![(task, reason.to_owned())];
    while let Some((task, reason)) = ending.pop() {
        if remove(fleet, task).is_none() {
            continue;
        }
        for dependent in fleet.dependents.remove(&task).unwrap_or_default() {
            let Some(entry) = fleet.tasks.get_mut(&dependent) else { continue };
            match entry.needs.remove(&task) {
                // Said once, however long the chain is.
                Some(false) if reason.starts_with(LACKS) => ending.push((dependent, reason.clone())),
                Some(false) => ending.push((dependent, format!("{LACKS}: {reason}"))),
                Some(true) => unblock(fleet, dependent),
                None => {}
            }
        }
        effects.push(Effect::Reject { task, cancelled, reason });
    }
}

/// Starts whatever fits, best class first.
fn start(fleet: &mut Fleet, effects: &mut Vec<Effect>) {
    while let Some(rank) = place::next(fleet) {
        let task = rank.2;
        unqueue(fleet, task);
        let Some(entry) = fleet.tasks.get_mut(&task) else { continue };
        entry.stage = Stage::Running;
        fleet.engines.entry(entry.engine.clone()).or_default().running.insert(task);
        effects.push(Effect::Run { task });
    }
}

fn wake(fleet: &mut Fleet, now: Millis) {
    while let Some(&(until, task)) = fleet.resting.first() {
        if until > now {
            break;
        }
        fleet.resting.remove(&(until, task));
        if let Some(entry) = fleet.tasks.get_mut(&task) {
            entry.stage = Stage::Blocked;
        }
        unblock(fleet, task);
    }
}

fn rest(fleet: &mut Fleet, task: TaskId, until: Millis) {
    if let Some(entry) = fleet.tasks.get_mut(&task) {
        entry.stage = Stage::Resting(until);
        fleet.resting.insert((until, task));
    }
}

/// Makes a blocked task ready when nothing it needs is missing.
fn unblock(fleet: &mut Fleet, task: TaskId) {
    let Some(entry) = fleet.tasks.get_mut(&task) else { return };
    if entry.stage == Stage::Blocked && entry.needs.is_empty() {
        entry.stage = Stage::Ready;
        let rank = (entry.class, entry.order, task);
        fleet.ready.entry(entry.engine.clone()).or_default().insert(rank);
    }
}

/// Takes a task out of the ready and resting queues.
fn unqueue(fleet: &mut Fleet, task: TaskId) {
    let Some((engine, rank)) = fleet.rank(task) else { return };
    if let Some(ranks) = fleet.ready.get_mut(&engine) {
        ranks.remove(&rank);
        if ranks.is_empty() {
            fleet.ready.remove(&engine);
        }
    }
    if let Some(Entry { stage: Stage::Resting(until), .. }) = fleet.tasks.get(&task) {
        fleet.resting.remove(&(*until, task));
    }
}

/// Gives back the slot of a running task.
fn vacate(fleet: &mut Fleet, task: TaskId) {
    let Some(entry) = fleet.tasks.get(&task) else { return };
    if let Some(Seat { running, .. }) = fleet.engines.get_mut(&entry.engine) {
        running.remove(&task);
    }
}

fn remove(fleet: &mut Fleet, task: TaskId) -> Option<Entry> {
    vacate(fleet, task);
    unqueue(fleet, task);
    let entry = fleet.tasks.remove(&task)?;
    for need in entry.needs.keys() {
        if let Some(waiting) = fleet.dependents.get_mut(need) {
            BTreeSet::remove(waiting, &task);
        }
    }
    Some(entry)
}
