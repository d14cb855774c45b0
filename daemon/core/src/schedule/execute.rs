//! Execute: what was chosen becomes the state of the fleet and an effect.

use super::{Effect, decision::Decision, queue};
use crate::{
    fleet::{Change, Fleet, LoadState, Loaded, Stage},
    units::Millis,
};

pub(super) fn execute(fleet: &mut Fleet, decision: Decision, effects: &mut Vec<Effect>) {
    let now = fleet.now;
    match decision {
        Decision::Run { task, seat, speculative } => {
            queue::unqueue(fleet, task);
            fleet.speculative_ready.remove(&task);
            let card = fleet.seats.get(&seat).and_then(|seat| seat.facts.card.clone()).unwrap_or_default();
            let need = fleet.need_mib(&fleet.tasks[&task], &card);
            let Some(entry) = fleet.tasks.get_mut(&task) else { return };
            (entry.stage, entry.speculative, entry.started, entry.due) = (Stage::Running, speculative, now, false);
            entry.seat.clone_from(&seat);
            let Some(place) = fleet.seats.get_mut(&seat) else { return };
            entry.began = (place.inside.len() < place.facts.parallel).then_some(now);
            place.inside.push(task);
            place.last = Some(now);
            if let Some(rest) = &mut place.quarantine {
                rest.probe = Some(task);
            }
            if let Some(loaded) = place.loaded.get_mut(&entry.group.model) {
                (loaded.mib, loaded.used) = (loaded.mib.max(need), now);
                loaded.class = loaded.class.min(entry.class);
            }
            if let Some(card) = fleet.cards.get_mut(&card) {
                card.turn[entry.class as usize] = now;
            }
            effects.push(Effect::Run { task, seat, speculative });
        }
        Decision::Change { plan, class } => {
            for gone in &plan.unload {
                let loaded = fleet.seats.get_mut(&gone.seat).and_then(|seat| seat.loaded.get_mut(&gone.model));
                if let Some(loaded) = loaded {
                    loaded.state = LoadState::Leaving;
                }
            }
            let until = now.after(plan.cost_ms as i64);
            if let Some(seat) = fleet.seats.get_mut(&plan.seat) {
                let coming = Loaded { state: LoadState::Coming, mib: plan.need_mib, since: now, used: now, class };
                // More room for a model that is there already is a change too.
                seat.loaded.insert(plan.model.clone(), coming);
            }
            if let Some(card) = fleet.cards.get_mut(&plan.card) {
                card.change = Some(Change { seat: plan.seat.clone(), load: Some(plan.model.clone()), until, class });
            }
            effects.push(Effect::Change(plan));
        }
        Decision::Withdraw { task } => {
            if let Some(entry) = fleet.tasks.get_mut(&task) {
                // Asked once; until it is back it stays where it is.
                entry.began = Some(Millis(now.0));
            }
            effects.push(Effect::Withdraw { task });
        }
    }
}
