//! World: what cards and engines say, and what follows from it.

use super::{Effect, free};
use crate::{
    failure::{Cause, Interruption},
    fleet::{Away, Card, CardFacts, Fleet, LoadState, Loaded, Quarantine, Resident, Seat, SeatFacts, Stage},
    ids::TaskId,
    task::Class,
    units::Millis,
};

pub(super) fn card_seen(fleet: &mut Fleet, facts: CardFacts, effects: &mut Vec<Effect>) {
    let (now, rules) = (fleet.now, fleet.rules);
    let name = facts.card.clone();
    let card = fleet.cards.entry(name.clone()).or_insert_with(|| Card::new(facts.clone(), now));
    if !card.here {
        // It may be another card in the same slot, and nothing is on it any more.
        *card = Card::new(facts.clone(), now);
    }
    let limits = rules.limits;
    if let (Some(now_c), 1..) = (facts.temperature_c, limits.hottest_c) {
        // Off at the limit, on again well below it, or it would flicker.
        let on_again = limits.hottest_c.saturating_sub(limits.slack_c);
        card.hot = now_c >= limits.hottest_c || (card.hot && now_c > on_again);
    }
    let foreign = rules.yielding.from_mib > 0 && facts.foreign_mib >= rules.yielding.from_mib;
    let newly = foreign && !card.taken;
    if foreign {
        (card.taken, card.free_since) = (true, Millis(i64::MAX / 2));
    } else if card.taken && card.free_since > now {
        card.free_since = now;
    }
    card.facts = facts;
    if newly && rules.yielding.interrupt {
        let by = Interruption::Foreign { who: who(&fleet.cards[&name].facts), card: name.clone() };
        interrupt_on(fleet, &name, &by, effects);
    }
    let watts: f64 = fleet.cards.values().filter_map(|card| card.facts.power_w).sum();
    let on_again = f64::from(limits.watts.saturating_sub(limits.slack_watts));
    fleet.over_power = limits.watts > 0 && (watts >= f64::from(limits.watts) || (fleet.over_power && watts > on_again));
}

/// Whoever takes a card, as people call it; `None` when nobody knows.
pub(super) fn who(facts: &CardFacts) -> Option<String> {
    Some(facts.foreign_who.clone()).filter(|name| !name.is_empty())
}

fn interrupt_on(fleet: &Fleet, card: &str, by: &Interruption, effects: &mut Vec<Effect>) {
    let inside: Vec<TaskId> = fleet.seats_on(card).flat_map(|(_, seat)| seat.inside.iter().copied()).collect();
    for task in inside {
        effects.push(Effect::Interrupt { task, by: by.clone() });
    }
}

pub(super) fn card_lost(fleet: &mut Fleet, card: &str, why: Away) {
    let now = fleet.now;
    let lost = fleet.cards.entry(card.to_owned()).or_insert_with(|| Card::new(CardFacts::new(card, 0), now));
    (lost.here, lost.away, lost.change) = (false, Some(why), None);
    // What was loaded there is gone; what ran there is reported failed by whoever ran it.
    for seat in fleet.seats.values_mut().filter(|seat| seat.facts.card.as_deref() == Some(card)) {
        seat.loaded.clear();
    }
}

pub(super) fn seat_seen(fleet: &mut Fleet, facts: SeatFacts) {
    if let Some(card) = &facts.card
        && !fleet.cards.contains_key(card)
    {
        // Nobody tells of it: another machine's. Nothing is refused for lack of its memory.
        let unknown = Card::new(CardFacts::new(card, 0), fleet.now);
        fleet.cards.insert(card.clone(), unknown);
    }
    let name = facts.seat.clone();
    let came = fleet.seats.get(&name).is_none_or(|seat| !seat.here);
    let seat = fleet.seats.entry(name.clone()).or_insert_with(|| Seat::new(facts.clone()));
    seat.here = true;
    seat.away = None;
    seat.facts = facts;
    let engine = seat.facts.engine.clone();
    // A seat that is there takes the place of the one that only said why the engine was not.
    if engine != seat.facts.seat && fleet.seats.get(&engine).is_some_and(|seat| !seat.here && seat.inside.is_empty()) {
        fleet.seats.remove(&engine);
    }
    // It may have got what it lacked.
    for entry in fleet.tasks.values_mut().filter(|entry| entry.group.engine == engine) {
        entry.avoid.remove(&name);
    }
    if came {
        free::look(fleet, &name);
    }
}

pub(super) fn seat_lost(fleet: &mut Fleet, name: &str, engine: &str, why: Away) {
    let unknown = || Seat::new(SeatFacts { seat: name.to_owned(), ..SeatFacts::cpu(engine, 1) });
    let seat = fleet.seats.entry(name.to_owned()).or_insert_with(unknown);
    (seat.here, seat.away) = (false, Some(why));
    seat.loaded.clear();
    let card = seat.facts.card.clone();
    end_change(fleet, card.as_deref(), name);
}

/// A change came to its end before it was through: what was to leave may still be there.
fn end_change(fleet: &mut Fleet, card: Option<&str>, name: &str) {
    let Some(card) = card else { return };
    let ours = |card: &mut Card| card.change.take_if(|change| change.seat == name).is_some();
    if fleet.cards.get_mut(card).is_some_and(ours) {
        for seat in fleet.seats.values_mut().filter(|seat| seat.facts.card.as_deref() == Some(card)) {
            for one in seat.loaded.values_mut().filter(|one| one.state == LoadState::Leaving) {
                one.state = LoadState::Here;
            }
        }
    }
}

pub(super) fn loaded(fleet: &mut Fleet, what: &Resident) {
    let now = fleet.now;
    let catalogue = fleet.models.get(&what.model).map_or(0, |model| model.vram_mib);
    let Some(seat) = fleet.seats.get_mut(&what.seat) else { return };
    let told = Loaded { state: LoadState::Here, mib: catalogue, since: now, used: now, class: Class::Background };
    let one = seat.loaded.entry(what.model.clone()).or_insert(told);
    if one.state == LoadState::Coming {
        (one.since, one.used) = (now, now);
    }
    one.state = LoadState::Here;
    let card = seat.facts.card.clone();
    let ours =
        |card: &Card| card.change.as_ref().is_some_and(|c| c.seat == what.seat && c.load.as_ref() == Some(&what.model));
    if let Some(card) = card.and_then(|card| fleet.cards.get_mut(&card))
        && ours(card)
    {
        card.change = None;
    }
}

pub(super) fn unloaded(fleet: &mut Fleet, what: &Resident) {
    if let Some(seat) = fleet.seats.get_mut(&what.seat) {
        seat.loaded.remove(&what.model);
    }
}

/// A change was not made: what was to come is not there, and what was to leave may still be.
pub(super) fn change_dropped(fleet: &mut Fleet, name: &str) {
    let Some(seat) = fleet.seats.get_mut(name) else { return };
    seat.loaded.retain(|_, one| one.state != LoadState::Coming);
    let card = seat.facts.card.clone();
    end_change(fleet, card.as_deref(), name);
}

/// A change came to nothing, and the seat may be sick.
pub(super) fn change_failed(fleet: &mut Fleet, name: &str, cause: &Cause, effects: &mut Vec<Effect>) {
    if !fleet.seats.contains_key(name) {
        return;
    }
    change_dropped(fleet, name);
    // Once may be chance; trying again at once would go round for ever.
    quarantine(fleet, name, cause, effects);
    free::look(fleet, name);
}

/// A task of a seat came to something: the seat is well.
pub(super) fn did_well(fleet: &mut Fleet, task: TaskId, found: bool) {
    let Some(entry) = fleet.tasks.get(&task) else { return };
    let Some(seat) = fleet.seats.get_mut(&entry.seat) else { return };
    if entry.stage == Stage::Running && !found {
        seat.strikes = 0;
        seat.quarantine = None;
    }
    release_probe(seat, task);
}

fn release_probe(seat: &mut Seat, task: TaskId) {
    if let Some(rest) = &mut seat.quarantine
        && rest.probe == Some(task)
    {
        rest.probe = None;
    }
}

/// A task of a seat came to nothing. When seat after seat's tasks do, the seat is sick, not they.
pub(super) fn failed(fleet: &mut Fleet, task: TaskId, cause: &Cause, effects: &mut Vec<Effect>) {
    let limit = fleet.rules.sickness.strikes;
    let Some(entry) = fleet.tasks.get(&task) else { return };
    let name = entry.seat.clone();
    let Some(seat) = fleet.seats.get_mut(&name) else { return };
    let probing = seat.quarantine.as_ref().is_some_and(|rest| rest.probe == Some(task));
    release_probe(seat, task);
    // Programs inside the studio are not made well by leaving them alone.
    if !cause.kind().is_counted() || seat.facts.card.is_none() || entry.stopping {
        return;
    }
    // One task that fails again and again says nothing about the seat.
    if entry.strikes == 0 || probing {
        seat.strikes += 1;
    }
    if seat.strikes >= limit || probing {
        quarantine(fleet, &name, cause, effects);
    }
}

fn quarantine(fleet: &mut Fleet, name: &str, cause: &Cause, effects: &mut Vec<Effect>) {
    let (rules, now) = (fleet.rules.sickness, fleet.now);
    let Some(seat) = fleet.seats.get_mut(name) else { return };
    let times = seat.quarantine.as_ref().map_or(0, |rest| rest.times + 1);
    let pause = rules.first_pause_ms.saturating_mul(1 << times.min(20)).min(rules.longest_pause_ms);
    let until = now.after(pause);
    seat.quarantine = Some(Quarantine { cause: cause.clone(), until, times, probe: None });
    effects.push(Effect::Quarantine { seat: name.to_owned(), until, cause: cause.clone() });
}

/// What time alone ends.
pub(super) fn settle(fleet: &mut Fleet) {
    let (now, back) = (fleet.now, fleet.rules.yielding.back_after_ms);
    for card in fleet.cards.values_mut() {
        if card.taken && card.free_since.after(back) <= now {
            card.taken = false;
        }
    }
}
