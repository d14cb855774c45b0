//! Steer: what people want of tasks, cards, engines and projects.

use super::{Effect, Steer, free, queue};
use crate::{
    failure::Interruption,
    fleet::{Fleet, Pause, PauseReason, Rules, Scope, Stage},
    ids::TaskId,
    units::Millis,
};

pub(super) fn steer(fleet: &mut Fleet, task: TaskId, to: Steer, effects: &mut Vec<Effect>) {
    match to {
        Steer::Pin => fleet.replace(task, |entry| entry.pinned = true),
        Steer::Unpin => fleet.replace(task, |entry| entry.pinned = false),
        Steer::Class(class) => {
            let stage = fleet.tasks.get(&task).map(|entry| entry.stage);
            // Its deadline is another one from now on.
            if stage == Some(Stage::Ready) {
                fleet.dequeue(task);
            }
            if let Some(entry) = fleet.tasks.get_mut(&task) {
                entry.class = class;
            }
            if stage == Some(Stage::Ready) {
                fleet.enqueue(task);
            }
        }
        Steer::Before(other) => {
            let Some(place) = fleet.tasks.get(&other).map(|entry| entry.order) else { return };
            let below = fleet.tasks.values().map(|entry| entry.order).filter(|order| *order < place).max();
            // Between the two, or a stride before the first.
            let order = below.map_or(place - (1 << 20), |below| below + (place - below) / 2);
            fleet.replace(task, |entry| entry.order = order);
        }
        Steer::Hold => {
            let stage = fleet.tasks.get(&task).map(|entry| entry.stage);
            if stage == Some(Stage::Ready) {
                fleet.dequeue(task);
            }
            if let Some(entry) = fleet.tasks.get_mut(&task) {
                entry.held = true;
                if stage == Some(Stage::Ready) {
                    entry.stage = Stage::Blocked;
                }
            }
        }
        Steer::Release => {
            if let Some(entry) = fleet.tasks.get_mut(&task) {
                entry.held = false;
            }
            queue::unblock(fleet, task, effects);
        }
    }
}

pub(super) fn pause(
    fleet: &mut Fleet,
    scope: Scope,
    hard: bool,
    because: PauseReason,
    until: Option<Millis>,
    effects: &mut Vec<Effect>,
) {
    if let Scope::Project(project) = &scope {
        let ready = |entry: &crate::fleet::Entry| entry.project == *project && entry.stage == Stage::Ready;
        let ready: Vec<TaskId> = fleet.tasks.iter().filter(|(_, entry)| ready(entry)).map(|(task, _)| *task).collect();
        for task in ready {
            fleet.dequeue(task);
            if let Some(entry) = fleet.tasks.get_mut(&task) {
                entry.stage = Stage::Blocked;
            }
        }
    }
    if hard {
        let interrupted = Interruption::Paused { why: because.to_string(), because: Some(because.clone()) };
        for (name, seat) in &fleet.seats {
            let card = seat.facts.card.as_deref();
            for task in &seat.inside {
                let entry = &fleet.tasks[task];
                let of = match &scope {
                    Scope::Studio => true,
                    Scope::Gpu(gpu) => card == Some(gpu),
                    Scope::Engine(engine) => entry.group.engine == *engine,
                    Scope::Project(project) => entry.project == *project,
                };
                if of && !name.is_empty() {
                    effects.push(Effect::Interrupt { task: *task, by: interrupted.clone() });
                }
            }
        }
    }
    let known = fleet.pauses.get(&scope);
    let (since, frees) = (known.map_or(fleet.now, |known| known.since), known.is_some_and(|known| known.frees));
    fleet.pauses.insert(scope, Pause { why: because.to_string(), because, since, until, frees });
}

pub(super) fn resume(fleet: &mut Fleet, scope: &Scope, effects: &mut Vec<Effect>) {
    if fleet.pauses.remove(scope).is_none() {
        return;
    }
    free::forget(fleet);
    if let Scope::Project(project) = scope {
        let mine = fleet.tasks.iter().filter(|(_, entry)| entry.project == *project);
        let mine: Vec<TaskId> = mine.map(|(task, _)| *task).collect();
        for task in mine {
            queue::unblock(fleet, task, effects);
        }
    }
}

/// New settings: places in the queues depend on patience.
pub(super) fn rules(fleet: &mut Fleet, rules: Rules) {
    let ready: Vec<TaskId> = fleet.deadlines.iter().map(|(_, task)| *task).collect();
    fleet.deadlines.clear();
    fleet.rules = rules;
    for task in ready {
        let deadline = fleet.deadline(task);
        fleet.deadlines.insert((deadline, task));
    }
}
