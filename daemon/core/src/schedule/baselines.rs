//! Baselines: how work is ordered today, for comparison with the studio's order.

use super::{
    SwapReason,
    admission::{Fit, admit, possible},
    choose::{Next, Option_},
    decision::{Decision, swap},
};
use crate::fleet::{Fleet, Policy};

/// What goes next on a card under [`Policy::Fifo`] and [`Policy::Affinity`].
pub(super) fn choose(fleet: &Fleet, options: &[Option_<'_>]) -> Next {
    // Nobody there knows classes or pins: who was ready first goes first.
    let arrival = |one: &&Option_<'_>| (one.queue_first(fleet), one.order);
    let here: Vec<&Option_<'_>> = options.iter().filter(|one| !matches!(one.fit, Fit::Full { .. })).collect();
    let warm = here.iter().filter(|one| one.fit == Fit::Warm).copied().min_by_key(arrival);
    let first = here.iter().copied().min_by_key(arrival);
    let chosen = match fleet.rules.policy {
        Policy::Affinity => warm.or(first),
        _ => first,
    };
    let Some(one) = chosen else { return Next::Wait };
    let seat = one.seat.facts.seat.clone();
    match &one.fit {
        Fit::Warm => Next::Run(one.task, seat),
        Fit::Cold(unload) => Next::Swap { task: one.task, seat, unload: unload.clone(), why: SwapReason::NothingLeft },
        _ => Next::Wait,
    }
}

impl Option_<'_> {
    fn queue_first(&self, fleet: &Fleet) -> i64 {
        fleet.tasks[&self.task].ready_since.0
    }
}

/// The whole studio does one thing at a time, in the order of the story.
pub(super) fn serial(fleet: &Fleet) -> Option<Decision> {
    let busy = fleet.seats.values().any(|seat| !seat.inside.is_empty());
    let changing = fleet.cards.values().any(|card| card.change.is_some());
    if busy || changing {
        return None;
    }
    let mut tasks: Vec<_> =
        fleet.ready.values().flat_map(|queue| queue.ranks.iter().map(|rank| (rank.2, rank.3))).collect();
    tasks.sort_unstable();
    for (_, task) in tasks {
        let entry = &fleet.tasks[&task];
        for (name, seat) in fleet.seats.iter().filter(|(_, seat)| fleet.usable(seat) && possible(fleet, entry, seat)) {
            let Some(card) = seat.facts.card.as_ref().and_then(|card| fleet.cards.get(card)) else {
                return Some(Decision::Run { task, seat: name.clone(), speculative: false });
            };
            match admit(fleet, entry, seat, card) {
                Fit::Warm => return Some(Decision::Run { task, seat: name.clone(), speculative: false }),
                Fit::Cold(unload) => {
                    let plan = swap(fleet, card, task, name, unload, SwapReason::NothingLeft);
                    return Some(Decision::Change { plan, class: entry.class });
                }
                _ => {}
            }
        }
    }
    None
}
