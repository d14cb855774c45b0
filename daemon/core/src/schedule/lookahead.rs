//! Lookahead: work that will be ready when what runs now has ended.

use std::collections::BTreeSet;

use super::admission::{busy_for_ms, free_in_ms, possible};
use crate::{
    fleet::{Fleet, Group, LoadState, Stage},
    ids::TaskId,
};

/// How many steps ahead is looked.
const DEPTH: u32 = 4;
/// Needs of a task that are looked at; one with more is the end of a film, not the next shot.
const MOST_NEEDS: usize = 12;
/// Tasks looked at in all.
const MOST: usize = 96;

/// Blocked tasks that a seat of `card` could do and when they will be ready, in milliseconds, soonest first.
pub(super) fn upcoming(fleet: &Fleet, card: &str) -> Vec<(u64, TaskId)> {
    let seats: Vec<_> = fleet.seats_on(card).map(|(_, seat)| seat).collect();
    let mut seen: BTreeSet<TaskId> = BTreeSet::new();
    let mut edge: Vec<TaskId> = fleet.running().collect();
    // What is ready on the processor will run any moment.
    edge.extend(
        fleet
            .ready
            .iter()
            .filter(|(group, _)| cpu(fleet, &group.engine))
            .flat_map(|(_, queue)| queue.ranks.iter().take(8).map(|rank| rank.3)),
    );
    let mut found = Vec::new();
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for task in edge {
            for dependent in fleet.dependents.get(&task).into_iter().flatten() {
                if seen.len() >= MOST || !seen.insert(*dependent) {
                    continue;
                }
                let entry = &fleet.tasks[dependent];
                if entry.stage != Stage::Blocked || entry.held {
                    continue;
                }
                if let Some(in_ms) = until_ready_ms(fleet, *dependent, DEPTH) {
                    if seats.iter().any(|seat| possible(fleet, entry, seat)) {
                        found.push((in_ms, *dependent));
                    }
                    next.push(*dependent);
                }
            }
        }
        edge = next;
    }
    found.sort_unstable();
    found
}

fn cpu(fleet: &Fleet, engine: &str) -> bool {
    fleet.seats.values().any(|seat| seat.facts.engine == engine && seat.facts.card.is_none())
}

/// When a blocked task will be ready if everything takes as long as usual; `None` when that cannot be told.
fn until_ready_ms(fleet: &Fleet, task: TaskId, depth: u32) -> Option<u64> {
    let entry = fleet.tasks.get(&task)?;
    if entry.needs.len() > MOST_NEEDS {
        return None;
    }
    entry.needs.keys().map(|need| until_done_ms(fleet, *need, depth)).try_fold(0, |most, one| Some(one?.max(most)))
}

fn until_done_ms(fleet: &Fleet, task: TaskId, depth: u32) -> Option<u64> {
    let entry = fleet.tasks.get(&task)?;
    let seat = || fleet.seats.get(&entry.seat);
    match entry.stage {
        Stage::Running => {
            let card = seat().and_then(|seat| seat.facts.card.as_deref()).unwrap_or_default();
            let usual = fleet.usual_ms(entry, card);
            let gone = entry.began.map_or(0, |began| (fleet.now.0 - began.0).unsigned_abs());
            Some(usual.saturating_sub(gone))
        }
        Stage::Ready if cpu(fleet, &entry.group.engine) => Some(fleet.usual_ms(entry, "")),
        Stage::Ready if depth > 0 => {
            // A review that waits for its turn on another card.
            let group = &entry.group;
            let seat = fleet.seats.values().find(|seat| seat.facts.engine == group.engine && fleet.usable(seat))?;
            let card = seat.facts.card.as_deref().unwrap_or_default();
            let ahead = fleet.ready.get(group).map_or(0, |queue| queue.work_ms);
            let there = card.is_empty() || group.model.is_empty() || seat.loaded.contains_key(&group.model);
            let load_ms = if there { 0 } else { fleet.load_ms(&group.engine, &group.model, card) };
            // It waits for everything on that card, whichever engine it is of.
            Some(free_in_ms(fleet, seat) + load_ms + ahead.max(fleet.usual_ms(entry, card)))
        }
        Stage::Blocked if depth > 0 => Some(until_ready_ms(fleet, task, depth - 1)? + fleet.usual_ms(entry, "")),
        _ => None,
    }
}

/// The card that will need what follows from a task, when that is not `card`, and how much it has to do, in
/// milliseconds.
pub(super) fn feeds<'a>(fleet: &'a Fleet, task: TaskId, card: &str) -> Option<(&'a str, u64)> {
    let mut edge = vec![task];
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for dependent in edge.iter().filter_map(|task| fleet.dependents.get(task)).flatten().take(8) {
            let entry = &fleet.tasks[dependent];
            let other = fleet.seats.values().find(|seat| {
                seat.facts.card.as_deref().is_some_and(|other| other != card) && possible(fleet, entry, seat)
            });
            if let Some(other) = other.and_then(|seat| seat.facts.card.as_deref()) {
                return Some((other, load_of(fleet, other)));
            }
            next.push(*dependent);
        }
        edge = next;
    }
    None
}

/// Whether `card` has more to do in all than `other`: then it is the one that must not wait.
pub(super) fn is_narrower(fleet: &Fleet, card: &str, other: &str) -> bool {
    left_ms(fleet, card) > left_ms(fleet, other)
}

/// What a card still has to do in all, in milliseconds: its share of everything unfinished that its engines do.
pub(super) fn left_ms(fleet: &Fleet, card: &str) -> f64 {
    let engines: BTreeSet<&str> = fleet.seats_on(card).map(|(_, seat)| seat.facts.engine.as_str()).collect();
    let left = fleet.left_ms.iter().filter(|(group, _)| engines.contains(group.engine.as_str()));
    let shared = |engine: &str| {
        let mut cards: Vec<_> = fleet.seats.values().filter(|seat| seat.facts.engine == engine).collect();
        cards.dedup_by(|a, b| a.facts.card == b.facts.card);
        cards.len().max(1) as f64
    };
    left.map(|(group, ms)| *ms as f64 / shared(&group.engine)).sum()
}

/// What a card still has to do without anything new, in milliseconds.
fn load_of(fleet: &Fleet, card: &str) -> u64 {
    let running: u64 = fleet.seats_on(card).map(|(_, seat)| busy_for_ms(fleet, seat)).sum();
    let engines: BTreeSet<&str> = fleet.seats_on(card).map(|(_, seat)| seat.facts.engine.as_str()).collect();
    let waiting = fleet.ready.iter().filter(|(group, _)| engines.contains(group.engine.as_str()));
    running + waiting.map(|(_, queue)| queue.work_ms).sum::<u64>()
}

/// How likely a take is rejected, while nobody knows better.
const REJECTED: f64 = 0.2;

/// Whether work of a model may come back so soon, and so likely, that sending it away for now would cost more than
/// waiting: its last takes are being judged.
///
/// One of several cards that have it is enough to wait.
pub(super) fn may_come_back(fleet: &Fleet, card: &str, group: &Group, swap_ms: u64) -> bool {
    let another = |seat: &crate::fleet::Seat| {
        seat.facts.engine == group.engine
            && seat.facts.card.as_deref().is_some_and(|other| other != card)
            && fleet.usable(seat)
            && seat.loaded.get(&group.model).is_some_and(|one| one.state != LoadState::Leaving)
    };
    if fleet.seats.values().any(another) {
        return false;
    }
    let Some(judging) = fleet.judging.get(group).filter(|judging| !judging.is_empty()) else { return false };
    let (mut left_ms, mut slowest) = (0, 0);
    for task in judging.iter().take(MOST) {
        let entry = &fleet.tasks[task];
        let seat = if entry.stage == Stage::Running { fleet.seats.get(&entry.seat) } else { None };
        let seat = seat.or_else(|| fleet.seats.values().find(|seat| possible(fleet, entry, seat)));
        let Some(seat) = seat else { return false };
        let card = seat.facts.card.as_deref().unwrap_or_default();
        left_ms += fleet.usual_ms(entry, card) / seat.facts.parallel.max(1) as u64;
        if entry.stage != Stage::Running {
            let there = card.is_empty() || seat.loaded.contains_key(&entry.group.model);
            let load_ms = if there { 0 } else { fleet.load_ms(&entry.group.engine, &entry.group.model, card) };
            slowest = slowest.max(free_in_ms(fleet, seat) + load_ms);
        }
    }
    let likely = 1.0 - (1.0 - REJECTED).powi(judging.len().min(1000) as i32);
    ((left_ms + slowest) as f64) < likely * swap_ms as f64
}

/// Work that comes soon, has a much longer way to go than `task`, and whose card would run dry if `task` went first.
pub(super) fn kept_for(fleet: &Fleet, card: &str, task: TaskId, takes_ms: u64) -> Option<TaskId> {
    let mine = &fleet.tasks[&task];
    for (in_ms, other) in upcoming(fleet, card) {
        let entry = &fleet.tasks[&other];
        let group = &entry.group;
        if in_ms >= takes_ms || *group == mine.group || entry.class > mine.class {
            continue;
        }
        let own_ms = fleet.usual_ms(entry, card);
        if entry.tail_ms <= mine.tail_ms + own_ms + takes_ms {
            continue;
        }
        let dry = |(next, has_ms): (&str, u64)| has_ms < takes_ms + own_ms && !is_narrower(fleet, card, next);
        if feeds(fleet, other, card).is_some_and(dry) {
            return Some(other);
        }
    }
    None
}
