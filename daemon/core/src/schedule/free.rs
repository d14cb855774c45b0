//! Free: models leave what rests, when a person wants the memory for something else.

use serde::{Deserialize, Serialize};

use super::Effect;
use crate::{
    fleet::{Change, Fleet, LoadState, Resident, Scope, Seat, SeatFacts},
    task::Class,
};

/// What is in the scope of a pause, so that whoever pauses can be told what comes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Within {
    /// Attempts that run there.
    pub running: usize,
    /// Models that are loaded there, with the process that has each.
    pub loaded: Vec<Resident>,
    /// They leave as soon as nothing runs there; otherwise they stay.
    pub free: bool,
}

/// What runs and what is loaded in a scope. A project has no models of its own.
pub fn within(fleet: &Fleet, scope: &Scope) -> Within {
    let mut found = Within::default();
    for (name, seat) in &fleet.seats {
        if let Scope::Project(project) = scope {
            found.running += seat.inside.iter().filter(|task| fleet.tasks[*task].project == *project).count();
        } else if covers(scope, &seat.facts) {
            found.running += seat.inside.len();
            let here = seat.loaded.iter().filter(|(_, one)| one.state != LoadState::Leaving);
            found.loaded.extend(here.map(|(model, _)| Resident { seat: name.clone(), model: model.clone() }));
        }
    }
    found
}

/// Whether a pause is about a process.
fn covers(scope: &Scope, facts: &SeatFacts) -> bool {
    match scope {
        Scope::Studio => true,
        Scope::Gpu(card) => facts.card.as_ref() == Some(card),
        Scope::Engine(engine) => facts.engine == *engine,
        Scope::Project(_) => false,
    }
}

/// Whether a person wants the memory of a process back. Those without a card have none to give.
fn wanted(fleet: &Fleet, facts: &SeatFacts) -> bool {
    facts.card.is_some() && fleet.pauses.iter().any(|(scope, pause)| pause.frees && covers(scope, facts))
}

/// Has models leave what rests, as soon as nothing runs there.
pub(super) fn ask(fleet: &mut Fleet, scope: &Scope) {
    let Some(pause) = fleet.pauses.get_mut(scope) else { return };
    pause.frees = true;
    for seat in fleet.seats.values_mut().filter(|seat| seat.facts.card.is_some() && covers(scope, &seat.facts)) {
        seat.to_free = true;
    }
}

/// A process came, or something goes on: whether its models are to leave is found out anew.
pub(super) fn look(fleet: &mut Fleet, name: &str) {
    let Some(seat) = fleet.seats.get(name) else { return };
    let to_free = wanted(fleet, &seat.facts);
    if let Some(seat) = fleet.seats.get_mut(name) {
        seat.to_free = to_free;
    }
}

/// What rests no longer keeps its models.
pub(super) fn forget(fleet: &mut Fleet) {
    let kept: Vec<String> =
        fleet.seats.iter().filter(|(_, seat)| !wanted(fleet, &seat.facts)).map(|(name, _)| name.clone()).collect();
    for name in kept {
        if let Some(seat) = fleet.seats.get_mut(&name) {
            seat.to_free = false;
        }
    }
}

/// Has the models leave that nothing runs with any more; one process of a card at a time.
pub(super) fn begin(fleet: &mut Fleet, effects: &mut Vec<Effect>) {
    let names: Vec<String> =
        fleet.seats.iter().filter(|(_, seat)| seat.to_free).map(|(name, _)| name.clone()).collect();
    for name in names {
        let Some(seat) = fleet.seats.get(&name).filter(|seat| idle(fleet, seat)) else { continue };
        let models: Vec<String> = seat.loaded.keys().cloned().collect();
        let card = seat.facts.card.clone().unwrap_or_default();
        if let Some(seat) = fleet.seats.get_mut(&name) {
            seat.to_free = false;
            seat.loaded.values_mut().for_each(|one| one.state = LoadState::Leaving);
        }
        let until = fleet.now;
        if let Some(card) = fleet.cards.get_mut(&card) {
            card.change = Some(Change { seat: name.clone(), load: None, until, class: Class::Interactive });
        }
        effects.push(Effect::Release { seat: name, models });
    }
}

fn idle(fleet: &Fleet, seat: &Seat) -> bool {
    let card = seat.facts.card.as_ref().and_then(|card| fleet.cards.get(card));
    let well = seat.quarantine.as_ref().is_none_or(|rest| rest.until <= fleet.now);
    seat.here && well && seat.inside.is_empty() && card.is_none_or(|card| card.change.is_none())
}
