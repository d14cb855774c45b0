//! Place: where a task can run now. Silent and pure, because it is asked often.
//!
//! An engine with a free slot is all a draft needs. Admission by video memory is decided here too, once engines
//! that hold a card exist: a task is placed only where both the slot and the memory are free.

use crate::fleet::{Fleet, Rank};

/// The next task to start anywhere, best class first; `None` when nothing can start.
pub(super) fn next(fleet: &Fleet) -> Option<Rank> {
    fleet
        .ready
        .iter()
        .filter(|(engine, _)| has_room(fleet, engine))
        .filter_map(|(_, ranks)| ranks.first().copied())
        .min()
}

/// Whether the engine is there and has a free slot.
pub(super) fn has_room(fleet: &Fleet, engine: &str) -> bool {
    fleet.engines.get(engine).is_some_and(|seat| seat.here && seat.running.len() < seat.slots)
}
