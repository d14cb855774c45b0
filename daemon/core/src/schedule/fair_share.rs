//! Fair share: several cards that can do the same work. A task is left to a card that will have finished it sooner.

use super::admission::{Fit, admit, busy_for_ms, possible};
use crate::{
    fleet::{Entry, Fleet, LoadState, Seat},
    ids::TaskId,
};

/// How many tasks of a queue are dealt out in thought.
const DEALT: usize = 24;

/// Another card that could take work of the same model.
struct Other<'a> {
    seat: &'a Seat,
    card: &'a str,
    /// When it could begin, in milliseconds from now.
    free_ms: u64,
}

/// Deals out the tasks of a model, in their order, to the cards that can do them, each to whoever ends first; the
/// first that falls to `seat`.
pub(super) fn first_for<'a>(
    fleet: &Fleet,
    seat: &Seat,
    card: &str,
    tasks: impl Iterator<Item = &'a TaskId>,
) -> Option<TaskId> {
    let others: Vec<&Seat> = fleet
        .seats
        .values()
        .filter(|other| {
            other.facts.engine == seat.facts.engine
                && other.facts.card.as_deref().is_some_and(|other| other != card)
                && fleet.usable(other)
                && fleet.paused(&other.facts.engine, other.facts.card.as_deref(), "").is_none()
        })
        .collect();
    let mut tasks = tasks.filter(|task| fleet.tasks.get(task).is_some_and(|entry| possible(fleet, entry, seat)));
    if others.is_empty() {
        return tasks.next().copied();
    }
    let mut others: Vec<Other<'_>> = others
        .into_iter()
        .map(|other| {
            let card = other.facts.card.as_deref().unwrap_or_default();
            let card_busy = fleet.seats_on(card).map(|(_, seat)| busy_for_ms(fleet, seat)).max().unwrap_or(0);
            let changing = fleet.cards.get(card).and_then(|card| card.change.as_ref());
            let change_ms = changing.map_or(0, |change| (change.until.0 - fleet.now.0).max(0).unsigned_abs());
            Other { seat: other, card, free_ms: card_busy.max(change_ms) }
        })
        .collect();
    // What runs here now comes first here as well.
    let mine_free_ms = fleet.seats_on(card).map(|(_, seat)| busy_for_ms(fleet, seat)).max().unwrap_or(0);
    for task in tasks.take(DEALT) {
        let entry = &fleet.tasks[task];
        // Whoever has waited for far too long takes any card.
        if lost_patience_twice(fleet, entry) {
            return Some(*task);
        }
        let mine = mine_free_ms + comes_in_ms(fleet, entry, seat, card) + fleet.usual_ms(entry, card);
        let ends = |other: &Other<'_>| {
            other.free_ms + comes_in_ms(fleet, entry, other.seat, other.card) + fleet.usual_ms(entry, other.card)
        };
        let able = others.iter_mut().filter(|other| {
            let room = fleet
                .cards
                .get(other.card)
                .is_some_and(|card| !matches!(admit(fleet, entry, other.seat, card), Fit::Full { .. }));
            room && possible(fleet, entry, other.seat)
        });
        let best = able.map(|other| (ends(other), other)).min_by_key(|(ends, _)| *ends);
        match best {
            Some((ends, other)) if ends < mine => other.free_ms = ends,
            _ => return Some(*task),
        }
    }
    None
}

/// Whether a task has waited for twice its class's patience: from then on it is left to nobody else.
pub(super) fn lost_patience_twice(fleet: &Fleet, entry: &Entry) -> bool {
    let patience_ms = fleet.rules.patience.of(entry.class);
    entry.due && fleet.now.0.saturating_sub(entry.ready_since.0) >= patience_ms.saturating_mul(2)
}

/// What must be waited for until a task's model is in a seat, in milliseconds.
fn comes_in_ms(fleet: &Fleet, entry: &Entry, seat: &Seat, card: &str) -> u64 {
    let model = &entry.group.model;
    let there = seat.loaded.get(model).is_some_and(|one| one.state != LoadState::Leaving);
    if model.is_empty() || there { 0 } else { fleet.load_ms(&entry.group.engine, model, card) }
}
