//! Admission: whether a task's model can be on a card now, and what would have to leave for it.

use crate::{
    fleet::{Card, Entry, Fleet, Holds, LoadState, Resident, Seat},
    ids::TaskId,
};

/// How a task and a seat stand to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    /// Its model is there, with room for the task.
    Warm,
    /// Its model, or more room for it, must come first; what must leave, those without work first.
    Cold(Vec<Resident>),
    /// Its model is on its way.
    Coming,
    /// Something that runs is in the way.
    Blocked,
    /// Too little memory, however much of the studio's own leaves.
    Full {
        /// What could be free at most, in MiB.
        free_mib: u64,
    },
}

/// How `entry` fits into `seat`, which is on `card`.
pub(super) fn admit(fleet: &Fleet, entry: &Entry, seat: &Seat, card: &Card) -> Fit {
    let model = &entry.group.model;
    if model.is_empty() {
        return Fit::Warm;
    }
    let need = fleet.need_mib(entry, &card.facts.card);
    let there = seat.loaded.get(model);
    match there.map(|one| one.state) {
        Some(LoadState::Coming) => return Fit::Coming,
        Some(LoadState::Leaving) => return Fit::Blocked,
        _ => {}
    }
    let warm = there.is_some();
    let mut leaving = Vec::new();
    let mut freed = 0;
    // What its own process cannot hold beside it.
    if seat.facts.holds == Holds::One {
        for (other, one) in seat.loaded.iter().filter(|(other, one)| *other != model && one.state != LoadState::Leaving)
        {
            if busy(fleet, seat, other) || one.state == LoadState::Coming {
                return Fit::Blocked;
            }
            leaving.push(Resident { seat: seat.facts.seat.clone(), model: other.clone() });
            freed += one.mib;
        }
    }
    let had = there.map_or(0, |one| one.mib);
    let more = need.saturating_sub(had);
    // What is there already, and large enough, needs no second headroom.
    let wanted = if warm && more == 0 { 0 } else { more + fleet.rules.headroom_mib };
    let booked = fleet.booked_mib(&card.facts.card);
    let room = card.room_mib();
    if booked - freed + wanted <= room {
        return if warm && leaving.is_empty() { Fit::Warm } else { Fit::Cold(leaving) };
    }
    let mut idle: Vec<(bool, i64, Resident, u64)> = Vec::new();
    let mut blocked = false;
    for (name, other) in fleet.seats_on(&card.facts.card) {
        for (model_there, one) in &other.loaded {
            let mine = *name == seat.facts.seat && (model_there == model || seat.facts.holds == Holds::One);
            if mine || one.state == LoadState::Leaving {
                continue;
            }
            if busy(fleet, other, model_there) || one.state == LoadState::Coming {
                blocked = true;
                continue;
            }
            let resident = Resident { seat: name.clone(), model: model_there.clone() };
            idle.push((wanted_there(fleet, other, model_there), one.used.0, resident, one.mib));
        }
    }
    // First what nobody waits for, then what was used longest ago.
    idle.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
    for (_, _, resident, mib) in idle {
        leaving.push(resident);
        freed += mib;
        if booked - freed + wanted <= room {
            return Fit::Cold(leaving);
        }
    }
    if blocked { Fit::Blocked } else { Fit::Full { free_mib: room.saturating_sub(booked - freed) } }
}

/// Something runs, or waits inside, with this model.
pub(super) fn busy(fleet: &Fleet, seat: &Seat, model: &str) -> bool {
    seat.inside.iter().any(|task| fleet.tasks.get(task).is_some_and(|entry| entry.group.model == model))
}

/// Work is ready for this model in this seat's engine.
pub(super) fn wanted_there(fleet: &Fleet, seat: &Seat, model: &str) -> bool {
    fleet.ready.keys().any(|group| group.engine == seat.facts.engine && group.model == model)
}

/// Whether a seat could ever do a task: it has the model, the card is large enough, and it has not refused before.
pub(super) fn possible(fleet: &Fleet, entry: &Entry, seat: &Seat) -> bool {
    let facts = &seat.facts;
    if facts.engine != entry.group.engine
        || facts.lacks.contains(&entry.group.model)
        || entry.avoid.contains(&facts.seat)
    {
        return false;
    }
    if entry.only.as_ref().is_some_and(|only| *only != facts.seat) {
        return false;
    }
    let Some(card) = facts.card.as_ref().and_then(|card| fleet.cards.get(card)) else { return true };
    entry.group.model.is_empty()
        || fleet.need_mib(entry, &card.facts.card) + fleet.rules.headroom_mib <= card.size_mib()
}

/// How long the card of a seat is still busy, whichever of its seats works or gets a model, in milliseconds: they take
/// turns. Of a seat without a card, how long that is.
pub(super) fn free_in_ms(fleet: &Fleet, seat: &Seat) -> u64 {
    let Some(card) = seat.facts.card.as_deref() else { return busy_for_ms(fleet, seat) };
    let seats = || fleet.seats_on(card).map(|(_, seat)| seat);
    let lanes = fleet.cards.get(card).map_or(1, |card| card.facts.lanes);
    let computing: usize = seats().map(Seat::computing).sum();
    let own_ms = busy_for_ms(fleet, seat);
    let others_ms = if computing < lanes { 0 } else { seats().map(|seat| busy_for_ms(fleet, seat)).max().unwrap_or(0) };
    let change = fleet.cards.get(card).and_then(|card| card.change.as_ref());
    let change_ms = change.map_or(0, |change| (change.until.0 - fleet.now.0).max(0).unsigned_abs());
    own_ms.max(others_ms).max(change_ms)
}

/// How long the running attempt of a seat still takes, in milliseconds; nothing when it is idle.
pub(super) fn busy_for_ms(fleet: &Fleet, seat: &Seat) -> u64 {
    let card = seat.facts.card.as_deref().unwrap_or_default();
    let computing = seat.facts.parallel;
    let left = |task: &TaskId, begun: bool| {
        let Some(entry) = fleet.tasks.get(task) else { return 0 };
        let usual = fleet.usual_ms(entry, card);
        let gone = if begun { (fleet.now.0 - entry.began.unwrap_or(entry.started).0).unsigned_abs() } else { 0 };
        // Something that takes longer than usual will take a while yet.
        usual.saturating_sub(gone).max(if begun { usual / 20 } else { usual })
    };
    let running = seat.inside.iter().take(computing).map(|task| left(task, true)).min().unwrap_or(0);
    let ahead: u64 = seat.inside.iter().skip(computing).map(|task| left(task, false)).sum();
    running + ahead / computing.max(1) as u64
}
