//! Step: one event changes the fleet and leads to effects. This file lives a task's life.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Effect, Event, Need, Submission, execute, free, place,
    queue::{unblock, unqueue},
    steer, world,
};
use crate::{
    durations::Sample,
    failure::{Cause, FailureKind, Interruption, TaskFault},
    fleet::{Entry, Fleet, Group, Link, Seat, Stage},
    ids::TaskId,
    units::Millis,
};

/// Distance between the places of two tasks, so that others can be moved between them.
const STRIDE: i64 = 1 << 20;

/// Takes in one event and says what is to be done. Pure but for `fleet`.
///
/// When the clock is set back, the fleet's own time goes on from where it was.
pub fn step(fleet: &mut Fleet, now: Millis, event: Event) -> Vec<Effect> {
    let mut effects = Vec::new();
    let skew = fleet.tell_time(now);
    fleet.look_again = None;
    match event {
        Event::Submitted(submission) => submit(fleet, submission, &mut effects),
        Event::Finished { task, found, peak_mib } => finish(fleet, task, found, peak_mib, &mut effects),
        Event::Failed { task, cause } => fail(fleet, task, cause, &mut effects),
        Event::Deferred { task, needs } => {
            // Somebody wanted it stopped before it found out what it lacks.
            if fleet.tasks.get(&task).is_some_and(|entry| entry.stopping) {
                reject(fleet, task, &Cause::Cancelled, &mut effects);
            } else {
                defer(fleet, task, &needs, &mut effects);
            }
        }
        Event::Judged { take, instead } => judged(fleet, take, instead, &mut effects),
        Event::Cancelled { task } => cancel(fleet, task, &mut effects),
        Event::AllCancelled { tasks } => cancel_all(fleet, &tasks, &mut effects),
        Event::Steered { task, to } => steer::steer(fleet, task, to, &mut effects),
        Event::Paused { scope, hard, why, until } => steer::pause(fleet, scope, hard, why, until, &mut effects),
        Event::Freeing { scope } => free::ask(fleet, &scope),
        Event::Resumed { scope } => steer::resume(fleet, &scope, &mut effects),
        Event::Loaded(what) => world::loaded(fleet, &what),
        Event::Unloaded(what) => world::unloaded(fleet, &what),
        Event::ChangeFailed { seat, cause } => world::change_failed(fleet, &seat, &cause, &mut effects),
        Event::ChangeDropped { seat } | Event::Freed { seat } => world::change_dropped(fleet, &seat),
        Event::GpuSeen(facts) => world::card_seen(fleet, facts, &mut effects),
        Event::GpuLost { card, why } => world::card_lost(fleet, &card, why),
        Event::EngineSeen(facts) => world::seat_seen(fleet, facts),
        Event::EngineLost { seat, engine, why } => world::seat_lost(fleet, &seat, &engine, why),
        Event::ModelsChanged(models) => fleet.models = models,
        Event::PolicyChanged(rules) => steer::rules(fleet, rules),
        Event::Learned { sample, slow_first } => fleet.habits.learn(&sample, slow_first),
        Event::LoadLearned(load) => fleet.habits.learn_load(&load),
        Event::Tick => {}
    }
    wake(fleet, &mut effects);
    fleet.lose_patience();
    world::settle(fleet);
    free::begin(fleet, &mut effects);
    while let Some(decision) = place::next(fleet) {
        execute::execute(fleet, decision, &mut effects);
    }
    if let Some(at) = when_next(fleet) {
        effects.push(Effect::WakeAt(at));
    }
    // Out there the clock's own time counts.
    for effect in &mut effects {
        if let Effect::WakeAt(at) | Effect::Requeue { until: at, .. } | Effect::Quarantine { until: at, .. } = effect {
            *at = at.after(-skew);
        }
    }
    effects
}

/// When time alone changes something.
fn when_next(fleet: &Fleet) -> Option<Millis> {
    let resting = fleet.resting.first().map(|(until, _)| *until);
    let impatient = fleet.deadlines.first().map(|(at, _)| *at);
    let seats = fleet.seats.values().filter_map(|seat| seat.quarantine.as_ref()).map(|rest| rest.until);
    let back = fleet.rules.yielding.back_after_ms;
    let cards = fleet.cards.values().filter(|card| card.taken).map(|card| card.free_since.after(back));
    let room = |seat: &&Seat| seat.facts.queue_ahead > 0 && seat.inside.len() == seat.facts.parallel;
    let ahead = fleet.seats.values().filter(room).map(|seat| {
        let left_ms = super::admission::busy_for_ms(fleet, seat).saturating_sub(place::LEAD_MS);
        fleet.now.after(left_ms as i64)
    });
    let spaced = fleet.seats.values().filter_map(Seat::spaced_until);
    let soon = |at: &Millis| *at > fleet.now && at.0 < i64::MAX / 4;
    let later = seats.chain(cards).chain(ahead).chain(spaced).filter(soon);
    resting.into_iter().chain(impatient).chain(fleet.look_again).chain(later).min()
}

fn submit(fleet: &mut Fleet, new: Submission, effects: &mut Vec<Effect>) {
    let known = fleet.tasks.get(&new.task);
    // Asked for again while it waits or runs: it keeps its place, and a running attempt its result.
    if known.is_some_and(|known| known.stage == Stage::Running) {
        return;
    }
    let order = known.map_or(fleet.submitted, |known| known.order);
    // What it needed before and does no longer has nothing to tell it.
    let before: Vec<TaskId> = known.map(|known| known.needs.keys().copied().collect()).unwrap_or_default();
    unqueue(fleet, new.task);
    fleet.submitted += STRIDE;
    for need in before {
        if let Some(waiting) = fleet.dependents.get_mut(&need) {
            waiting.remove(&new.task);
        }
    }
    let needs: BTreeMap<TaskId, Link> = open_needs(fleet, new.task, &new.needs).collect();
    for need in needs.keys() {
        fleet.dependents.entry(*need).or_default().insert(new.task);
    }
    let entry = Entry {
        group: Group { engine: new.engine, model: new.model },
        kind: new.kind,
        project: new.project,
        class: new.class,
        pinned: new.pinned,
        order,
        stage: Stage::Blocked,
        needs,
        strikes: new.strikes,
        absences: 0,
        stopping: false,
        held: new.held,
        avoid: BTreeSet::new(),
        guess_ms: new.guess_ms,
        need_mib: new.need_mib,
        ready_since: fleet.now,
        due: false,
        tail_ms: 0,
        seat: String::new(),
        started: fleet.now,
        began: None,
        speculative: false,
        begins: counts(fleet, new.needs.iter().find_map(|need| need.speculative)),
        judges: new.judges.and_then(|take| fleet.tasks.get(&take)).map(|take| take.group.clone()),
        only: new.only,
    };
    if let Some(take) = entry.begins {
        fleet.begins.entry(take).or_default().insert(new.task);
    }
    *fleet.left_ms.entry(entry.group.clone()).or_default() += entry.guess_ms;
    if let Some(before) = fleet.tasks.insert(new.task, entry) {
        forget_work(fleet, &before);
    }
    look_speculative(fleet, new.task);
    raise_tails(fleet, new.task);
    let not_before = new.not_before.after(fleet.skew_ms);
    if not_before > fleet.now {
        rest(fleet, new.task, not_before);
    } else {
        unblock(fleet, new.task, effects);
    }
}

fn open_needs<'a>(fleet: &'a Fleet, task: TaskId, needs: &'a [Need]) -> impl Iterator<Item = (TaskId, Link)> + use<'a> {
    let open = needs.iter().filter(move |need| need.task != task && fleet.tasks.contains_key(&need.task));
    open.map(|need| (need.task, Link { optional: need.optional, speculative: counts(fleet, need.speculative) }))
}

/// The take that counts in place of one that was judged before.
fn counts(fleet: &Fleet, mut take: Option<TaskId>) -> Option<TaskId> {
    while let Some(instead) = take.and_then(|take| fleet.superseded.get(&take)) {
        take = *instead;
    }
    take
}

/// Lets everything a task needs know how long the way from there is.
fn raise_tails(fleet: &mut Fleet, task: TaskId) {
    let mut below = vec![task];
    while let Some(task) = below.pop() {
        let Some(entry) = fleet.tasks.get(&task) else { continue };
        let tail = entry.tail_ms + entry.guess_ms;
        let needs: Vec<TaskId> = entry.needs.keys().copied().collect();
        for need in needs {
            if fleet.tasks.get(&need).is_some_and(|entry| entry.tail_ms < tail) {
                fleet.replace(need, |entry| entry.tail_ms = tail);
                below.push(need);
            }
        }
    }
}

fn finish(fleet: &mut Fleet, task: TaskId, found: bool, peak_mib: Option<u64>, effects: &mut Vec<Effect>) {
    if !fleet.tasks.contains_key(&task) {
        return;
    }
    if !found {
        learn(fleet, task, peak_mib);
    }
    world::did_well(fleet, task, found);
    let Some(entry) = fleet.tasks.get_mut(&task) else { return };
    if entry.speculative && !entry.needs.is_empty() {
        vacate(fleet, task);
        if let Some(entry) = fleet.tasks.get_mut(&task) {
            entry.stage = Stage::Ahead;
        }
        for begins in fleet.begins.get(&task).cloned().unwrap_or_default() {
            look_speculative(fleet, begins);
        }
        return;
    }
    remove(fleet, task);
    for dependent in fleet.dependents.remove(&task).unwrap_or_default() {
        if let Some(entry) = fleet.tasks.get_mut(&dependent) {
            entry.needs.remove(&task);
        }
        unblock(fleet, dependent, effects);
        look_speculative(fleet, dependent);
    }
    for begins in fleet.begins.get(&task).cloned().unwrap_or_default() {
        look_speculative(fleet, begins);
    }
}

/// Keeps what an attempt took.
fn learn(fleet: &mut Fleet, task: TaskId, peak_mib: Option<u64>) {
    let entry = &fleet.tasks[&task];
    let (Some(began), Some(seat)) = (entry.began, fleet.seats.get(&entry.seat)) else { return };
    let card = seat.facts.card.clone().unwrap_or_default();
    let slow_first = fleet.cards.get(&card).is_some_and(|card| card.facts.slow_first);
    let sample = Sample {
        engine: entry.group.engine.clone(),
        model: entry.group.model.clone(),
        kind: entry.kind.clone(),
        card,
        took_ms: (fleet.now.0 - began.0).unsigned_abs(),
        peak_mib,
    };
    fleet.habits.learn(&sample, slow_first);
}

fn fail(fleet: &mut Fleet, task: TaskId, cause: Cause, effects: &mut Vec<Effect>) {
    let (retrying, kind) = (fleet.rules.retrying, cause.kind());
    world::failed(fleet, task, &cause, effects);
    let Some(entry) = fleet.tasks.get_mut(&task) else { return };
    if entry.stopping || kind == FailureKind::Cancelled {
        return reject(fleet, task, &Cause::Cancelled, effects);
    }
    if kind.is_counted() {
        entry.strikes += 1;
    } else if kind == FailureKind::Unable {
        let seat = entry.seat.clone();
        entry.avoid.insert(seat);
    }
    entry.absences = if kind == FailureKind::Away { entry.absences + 1 } else { 0 };
    let (strikes, absences) = (entry.strikes, entry.absences);
    let everywhere = || {
        let entry = &fleet.tasks[&task];
        let mut seats = fleet.seats.iter().filter(|(_, seat)| seat.facts.engine == entry.group.engine);
        seats.all(|(name, _)| entry.avoid.contains(name))
    };
    let pause_ms = match kind {
        FailureKind::Refused | FailureKind::BadInput | FailureKind::Cancelled => None,
        FailureKind::Unable => (!everywhere()).then_some(0),
        FailureKind::Transient | FailureKind::OutOfMemory => {
            (strikes < retrying.attempts).then(|| retrying.pause_ms(strikes))
        }
        FailureKind::DiskFull => Some(retrying.disk_full_pause_ms),
        FailureKind::Away => Some(retrying.away_pause_ms(absences, cause.retry_after_ms())),
        FailureKind::Lost | FailureKind::Left => Some(0),
    };
    let Some(pause_ms) = pause_ms else { return reject(fleet, task, &cause, effects) };
    vacate(fleet, task);
    let until = fleet.now.after(pause_ms);
    rest(fleet, task, until);
    effects.push(Effect::Requeue { task, until, counted: kind.is_counted(), cause });
}

fn defer(fleet: &mut Fleet, task: TaskId, needs: &[Need], effects: &mut Vec<Effect>) {
    let open: Vec<(TaskId, Link)> = open_needs(fleet, task, needs).collect();
    vacate(fleet, task);
    unqueue(fleet, task);
    let Some(entry) = fleet.tasks.get_mut(&task) else { return };
    entry.stage = Stage::Blocked;
    for (need, link) in open {
        entry.needs.insert(need, link);
        fleet.dependents.entry(need).or_default().insert(task);
    }
    raise_tails(fleet, task);
    unblock(fleet, task, effects);
}

/// A take is not the one that counts: what began early from it is stopped.
fn judged(fleet: &mut Fleet, take: TaskId, instead: Option<TaskId>, effects: &mut Vec<Effect>) {
    if instead != Some(take) {
        fleet.superseded.insert(take, instead);
        // An earlier take may be the best after all.
        if let Some(instead) = instead {
            fleet.superseded.remove(&instead);
        }
    }
    for task in fleet.begins.remove(&take).unwrap_or_default() {
        fleet.speculative_ready.remove(&task);
        let Some(entry) = fleet.tasks.get_mut(&task) else { continue };
        for link in entry.needs.values_mut().filter(|link| link.speculative == Some(take)) {
            link.speculative = instead;
        }
        entry.begins = instead;
        if let Some(instead) = instead {
            fleet.begins.entry(instead).or_default().insert(task);
        }
        let speculative = std::mem::take(&mut entry.speculative);
        let begun = speculative || entry.stage == Stage::Ahead;
        match entry.stage {
            Stage::Ahead => entry.stage = Stage::Blocked,
            Stage::Running if speculative => effects.push(Effect::Interrupt { task, by: Interruption::Rejected }),
            _ => {}
        }
        if begun {
            // So does what stands on it in turn.
            judged(fleet, task, Some(task), effects);
        }
        look_speculative(fleet, task);
    }
}

/// Whether a blocked task may begin early now.
fn look_speculative(fleet: &mut Fleet, task: TaskId) {
    let Some(entry) = fleet.tasks.get(&task) else { return };
    let there = |take: TaskId| fleet.tasks.get(&take).is_none_or(|take| take.stage == Stage::Ahead);
    let done = |link: &Link| link.speculative.is_some_and(there);
    if entry.stage == Stage::Blocked && !entry.needs.is_empty() && entry.needs.values().all(done) {
        fleet.speculative_ready.insert(task);
    }
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
        reject(fleet, task, &Cause::Cancelled, effects);
    }
}

/// Stops each of these for its own sake, whatever else it cannot do without.
fn cancel_all(fleet: &mut Fleet, tasks: &[TaskId], effects: &mut Vec<Effect>) {
    let before = effects.len();
    for task in tasks {
        cancel(fleet, *task, effects);
    }
    let asked: BTreeSet<&TaskId> = tasks.iter().collect();
    for effect in &mut effects[before..] {
        if let Effect::Reject { task, fault } = effect
            && asked.contains(task)
        {
            fault.need = None;
        }
    }
}

/// Ends a task without a result, and everything that cannot do without it.
fn reject(fleet: &mut Fleet, first: TaskId, cause: &Cause, effects: &mut Vec<Effect>) {
    let mut ending = vec![first];
    while let Some(task) = ending.pop() {
        // One that runs early ends like any other that somebody stops.
        if task != first
            && fleet.tasks.get(&task).is_some_and(|entry| entry.stage == Stage::Running && entry.speculative)
        {
            cancel(fleet, task, effects);
            continue;
        }
        if remove(fleet, task).is_none() {
            continue;
        }
        for dependent in fleet.dependents.remove(&task).unwrap_or_default() {
            let Some(entry) = fleet.tasks.get_mut(&dependent) else { continue };
            match entry.needs.remove(&task).map(|link| link.optional) {
                Some(false) => ending.push(dependent),
                Some(true) => unblock(fleet, dependent, effects),
                None => {}
            }
        }
        // However long the chain is, the first of it is named.
        let need = (task != first).then_some(first);
        effects.push(Effect::Reject { task, fault: TaskFault { need, cause: cause.clone() } });
    }
}

fn wake(fleet: &mut Fleet, effects: &mut Vec<Effect>) {
    while let Some(&(until, task)) = fleet.resting.first() {
        if until > fleet.now {
            break;
        }
        fleet.resting.remove(&(until, task));
        if let Some(entry) = fleet.tasks.get_mut(&task) {
            entry.stage = Stage::Blocked;
        }
        unblock(fleet, task, effects);
    }
}

fn rest(fleet: &mut Fleet, task: TaskId, until: Millis) {
    if let Some(entry) = fleet.tasks.get_mut(&task) {
        entry.stage = Stage::Resting(until);
        fleet.resting.insert((until, task));
    }
}

/// Gives back the slot of a running task; the next one in its seat begins.
pub(super) fn vacate(fleet: &mut Fleet, task: TaskId) {
    let now = fleet.now;
    let Some(entry) = fleet.tasks.get_mut(&task) else { return };
    if entry.stage != Stage::Running {
        return;
    }
    entry.began = None;
    let Some(seat) = fleet.seats.get_mut(&entry.seat) else { return };
    let before = seat.inside.len();
    seat.inside.retain(|one| *one != task);
    if seat.inside.len() < before
        && let Some(used) = seat.loaded.get_mut(&entry.group.model)
    {
        used.used = now;
    }
    let next: Vec<TaskId> = seat.inside.iter().take(seat.facts.parallel).copied().collect();
    for task in next {
        if let Some(entry) = fleet.tasks.get_mut(&task) {
            entry.began.get_or_insert(now);
        }
    }
}

fn remove(fleet: &mut Fleet, task: TaskId) -> Option<Entry> {
    vacate(fleet, task);
    unqueue(fleet, task);
    let entry = fleet.tasks.remove(&task)?;
    forget_work(fleet, &entry);
    fleet.speculative_ready.remove(&task);
    if let Some(judging) = entry.judges.as_ref().and_then(|judged| fleet.judging.get_mut(judged)) {
        judging.remove(&task);
    }
    if let Some(take) = entry.begins
        && let Some(begins) = fleet.begins.get_mut(&take)
    {
        begins.remove(&task);
        if begins.is_empty() {
            fleet.begins.remove(&take);
        }
    }
    for need in entry.needs.keys() {
        if let Some(waiting) = fleet.dependents.get_mut(need) {
            BTreeSet::remove(waiting, &task);
        }
    }
    Some(entry)
}

fn forget_work(fleet: &mut Fleet, entry: &Entry) {
    if let Some(left) = fleet.left_ms.get_mut(&entry.group) {
        *left -= entry.guess_ms;
        if *left == 0 {
            fleet.left_ms.remove(&entry.group);
        }
    }
}
