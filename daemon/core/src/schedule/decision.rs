//! Decision: one thing the scheduler does, and what a change of models costs.

use super::{SwapPlan, SwapReason, admission::wanted_there};
use crate::{
    fleet::{Card, Fleet, Resident},
    ids::TaskId,
    task::Class,
};

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Decision {
    /// Start a task in a seat.
    Run { task: TaskId, seat: String, speculative: bool },
    /// Change models, for a task of this class.
    Change { plan: SwapPlan, class: Class },
    /// Take back what waits inside an engine.
    Withdraw { task: TaskId },
}

/// The plan of a change, with its price.
pub(super) fn swap(
    fleet: &Fleet,
    card: &Card,
    task: TaskId,
    seat: &str,
    unload: Vec<Resident>,
    why: SwapReason,
) -> SwapPlan {
    let (entry, name) = (&fleet.tasks[&task], &card.facts.card);
    let group = &entry.group;
    let gone = |one: &Resident| {
        let seat = &fleet.seats[&one.seat];
        let leaves = fleet.models.get(&one.model).map_or(0, |model| model.unload_ms);
        let back =
            if wanted_there(fleet, seat, &one.model) { fleet.load_ms(&seat.facts.engine, &one.model, name) } else { 0 };
        leaves + back
    };
    let cost_ms = fleet.load_ms(&group.engine, &group.model, name) + unload.iter().map(gone).sum::<u64>();
    let waiting = fleet.ready.get(group).map_or(0, |queue| queue.ranks.len());
    let others = unload.iter().any(|one| wanted_there(fleet, &fleet.seats[&one.seat], &one.model));
    let saves_ms = if others { cost_ms * waiting.saturating_sub(1) as u64 } else { 0 };
    let need_mib = fleet.need_mib(entry, name);
    let (card, seat, model) = (name.clone(), seat.to_owned(), group.model.clone());
    SwapPlan { card, seat, model, need_mib, unload, why, waiting, cost_ms, saves_ms }
}
