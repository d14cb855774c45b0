//! Place: what can be done now. Silent and pure, because it is asked often.

use super::{
    SwapReason,
    admission::{Fit, admit, busy_for_ms, possible, wanted_there},
    baselines,
    choose::{Next, Option_, choose, options},
    decision::{Decision, swap},
    lookahead::{kept_for, may_come_back, upcoming},
};
use crate::{
    fleet::{Card, Fleet, Group, LoadState, Policy, Resident, Seat, Stage},
    ids::TaskId,
    task::Class,
};

/// The next thing to do anywhere; `None` when there is nothing.
pub(super) fn next(fleet: &Fleet) -> Option<Decision> {
    if fleet.rules.policy == Policy::Serial {
        return baselines::serial(fleet);
    }
    let cpu = fleet.seats.iter().filter(|(_, seat)| seat.facts.card.is_none());
    let free = |seat: &Seat| {
        seat.inside.len() < seat.slots() && fleet.usable(seat) && fleet.paused(&seat.facts.engine, None, "").is_none()
    };
    cpu.filter(|(_, seat)| free(seat))
        .filter_map(|(name, seat)| Some((name, on_cpu(fleet, seat)?)))
        .min_by_key(|(_, (rank, _))| *rank)
        .map(|(seat, (_, task))| Decision::Run { task, seat: seat.clone(), speculative: false })
        .or_else(|| fleet.cards.values().find_map(|card| on_card(fleet, card)))
        .or_else(|| speculate_on_cpu(fleet))
}

/// What is done on the way to an early beginning is begun early itself.
fn speculate_on_cpu(fleet: &Fleet) -> Option<Decision> {
    if !fleet.rules.speculate || fleet.rules.policy != Policy::Studio {
        return None;
    }
    // Only for a card that has nothing else to do.
    let idle = |seat: &Seat| {
        let card = seat.facts.card.as_deref();
        card.is_some_and(|card| fleet.seats_on(card).all(|(_, seat)| seat.inside.is_empty())) && fleet.usable(seat)
    };
    let waited_for = |task: &TaskId| {
        let then = fleet.begins.get(task).into_iter().flatten();
        then.map(|task| &fleet.tasks[task])
            .any(|entry| fleet.seats.values().any(|seat| idle(seat) && possible(fleet, entry, seat)))
    };
    let open = |task: &&TaskId| {
        let entry = &fleet.tasks[*task];
        waited_for(task)
            && !at_hand(fleet, entry)
            && entry.stage == Stage::Blocked
            && !entry.held
            && fleet.paused(&entry.group.engine, None, &entry.project).is_none()
    };
    fleet.speculative_ready.iter().filter(open).find_map(|task| {
        let entry = &fleet.tasks[task];
        let fits = |seat: &&Seat| {
            seat.facts.card.is_none()
                && seat.inside.len() < seat.facts.parallel
                && fleet.usable(seat)
                && possible(fleet, entry, seat)
        };
        let seat = fleet.seats.values().find(fits)?;
        Some(Decision::Run { task: *task, seat: seat.facts.seat.clone(), speculative: true })
    })
}

/// Class, not pinned, the longest way to the end first, order of submission.
type CpuRank = (Class, bool, std::cmp::Reverse<u64>, i64);

/// The next task of a seat without a card: its class, what a person pinned, the longest way, the order of submission.
fn on_cpu(fleet: &Fleet, seat: &Seat) -> Option<(CpuRank, TaskId)> {
    let groups = fleet.ready.iter().filter(|(group, _)| group.engine == seat.facts.engine);
    let firsts =
        groups.flat_map(|(_, queue)| [queue.ranks.first().map(|rank| rank.3), queue.urgent.first().map(|one| one.3)]);
    let ranked = firsts.flatten().map(|task| {
        let entry = &fleet.tasks[&task];
        ((entry.class, !entry.pinned, std::cmp::Reverse(entry.tail_ms), entry.order), task)
    });
    ranked.filter(|(_, task)| possible(fleet, &fleet.tasks[task], seat)).min()
}

fn on_card(fleet: &Fleet, card: &Card) -> Option<Decision> {
    let ours = fleet.rules.policy == Policy::Studio;
    if !card.here {
        return None;
    }
    let options = options(fleet, card);
    let name = &card.facts.card;
    let computing: usize = fleet.seats_on(name).map(|(_, seat)| seat.computing()).sum();
    let free = computing < card.facts.lanes;
    if ours && let Some(act) = take_back(fleet, card, &options) {
        return Some(act);
    }
    if ours && let Some(act) = beside(fleet, card, &options) {
        return Some(act);
    }
    let next = match (ours, &card.change) {
        (false, _) => baselines::choose(fleet, &options),
        (true, None) => choose(fleet, card, &options),
        (true, Some(_)) => {
            let warm: Vec<_> = options.iter().filter(|one| one.fit == Fit::Warm).cloned().collect();
            choose(fleet, card, &warm)
        }
    };
    match next {
        Next::Run(task, seat) => {
            let there = &fleet.seats[&seat];
            if free && there.inside.len() < there.facts.parallel {
                if waits_for_change(fleet, card, task) {
                    return None;
                }
                return Some(Decision::Run { task, seat, speculative: false });
            }
            // What would be taken back at once is not given.
            let place = |task: TaskId| (fleet.tasks[&task].class, !fleet.tasks[&task].pinned);
            let wanted =
                |one: &Option_<'_>| !matches!(one.fit, Fit::Full { .. }) && (one.class, !one.pinned) < place(task);
            if ours && options.iter().any(wanted) {
                return None;
            }
            ahead(fleet, there, task).then_some(Decision::Run { task, seat, speculative: false })
        }
        Next::Swap { task, seat, unload, why } => {
            let class = fleet.tasks[&task].class;
            let plan = card.change.is_none().then(|| swap(fleet, card, task, &seat, unload, why))?;
            free.then_some(Decision::Change { plan, class })
        }
        Next::Wait if free && ours => speculate(fleet, card).or_else(|| prepare(fleet, card, &options)),
        Next::Wait => None,
    }
}

/// A prompt is given to a busy engine this long before the running one ends, in milliseconds: long enough for uploads,
/// short enough that another card, or something more urgent, may still have it.
pub(super) const LEAD_MS: u64 = 20_000;

/// A prompt may wait inside an engine behind another one with the same model.
fn ahead(fleet: &Fleet, seat: &Seat, task: TaskId) -> bool {
    if busy_for_ms(fleet, seat) > LEAD_MS {
        return false;
    }
    let last = seat.inside.last().and_then(|last| fleet.tasks.get(last));
    let same = last.is_some_and(|last| last.group == fleet.tasks[&task].group);
    same && seat.inside.len() >= seat.facts.parallel && seat.inside.len() < seat.slots()
}

/// A model is on its way for work that goes before this task.
fn waits_for_change(fleet: &Fleet, card: &Card, task: TaskId) -> bool {
    let Some(change) = &card.change else { return false };
    let entry = &fleet.tasks[&task];
    let Some(seat) = fleet.seats.get(&change.seat) else { return false };
    if change.load.as_ref().is_none_or(|model| !wanted_there(fleet, seat, model)) || entry.class < change.class {
        return false;
    }
    let left_ms = (change.until.0 - fleet.now.0).max(0);
    let takes_ms = fleet.usual_ms(entry, &card.facts.card) as i64;
    // In the time a model takes to come, something short gets done.
    change.class < entry.class || takes_ms > left_ms + left_ms / 4
}

/// What waits inside an engine comes back when work of a higher class wants the card.
fn take_back(fleet: &Fleet, card: &Card, options: &[Option_<'_>]) -> Option<Decision> {
    let wanted = options.iter().filter(|one| !matches!(one.fit, Fit::Full { .. }));
    // Who has the card to himself wants everything back that has not begun.
    let highest =
        if card.taken { Some((Class::Interactive, false)) } else { wanted.map(|one| (one.class, !one.pinned)).min() }?;
    for (_, seat) in fleet.seats_on(&card.facts.card) {
        for task in seat.inside.iter().skip(seat.facts.parallel) {
            let entry = &fleet.tasks[task];
            if highest < (entry.class, !entry.pinned) && !entry.stopping && entry.began.is_none() {
                return Some(Decision::Withdraw { task: *task });
            }
        }
    }
    None
}

/// A model that has room beside the others, or takes the place of one nobody waits for, comes while the card works.
fn beside(fleet: &Fleet, card: &Card, options: &[Option_<'_>]) -> Option<Decision> {
    if card.change.is_some() {
        return None;
    }
    let name = &card.facts.card;
    let idle_soon = || upcoming(fleet, name);
    let fits = options.iter().filter_map(|one| match &one.fit {
        Fit::Cold(leaving) => Some((one, leaving)),
        _ => None,
    });
    let mut fits: Vec<_> = fits.filter(|(_, leaving)| leaving.iter().all(|one| idle(fleet, one))).collect();
    fits.sort_by_key(|(one, _)| (one.class, !one.due, std::cmp::Reverse(one.tail_ms), one.order));
    for (one, leaving) in fits {
        // What a chain will want again in a moment is not sent away.
        let wanted_soon = !leaving.is_empty()
            && idle_soon().iter().any(|(_, task)| {
                let group = &fleet.tasks[task].group;
                leaving.iter().any(|gone| gone.model == group.model)
            });
        let takes_ms =
            fleet.load_ms(&one.group.engine, &one.group.model, name) + fleet.usual_ms(&fleet.tasks[&one.task], name);
        if wanted_soon || back(fleet, card, leaving, one) || kept_for(fleet, name, one.task, takes_ms).is_some() {
            continue;
        }
        let why = if leaving.is_empty() { SwapReason::Room } else { SwapReason::NothingLeft };
        let plan = swap(fleet, card, one.task, &one.seat.facts.seat, leaving.clone(), why);
        return Some(Decision::Change { plan, class: one.class });
    }
    None
}

/// What would leave may have work again in a moment.
fn back(fleet: &Fleet, card: &Card, leaving: &[Resident], one: &Option_<'_>) -> bool {
    let name = &card.facts.card;
    let comes_ms = fleet.load_ms(&one.group.engine, &one.group.model, name);
    leaving.iter().any(|gone| {
        let group = Group { engine: fleet.seats[&gone.seat].facts.engine.clone(), model: gone.model.clone() };
        may_come_back(fleet, name, &group, comes_ms + fleet.load_ms(&group.engine, &group.model, name))
    })
}

fn idle(fleet: &Fleet, one: &Resident) -> bool {
    fleet.seats.get(&one.seat).is_some_and(|seat| !wanted_there(fleet, seat, &one.model))
}

/// The verdict is being spoken this moment.
fn at_hand(fleet: &Fleet, entry: &crate::fleet::Entry) -> bool {
    let stages = entry.needs.keys().filter_map(|need| fleet.tasks.get(need)).map(|need| need.stage);
    stages.into_iter().any(|stage| matches!(stage, Stage::Ready | Stage::Running))
}

/// What it waits for takes no time and is being done: a gate has its verdict.
fn spoken(fleet: &Fleet, entry: &crate::fleet::Entry) -> bool {
    let needs = entry.needs.keys().filter_map(|need| fleet.tasks.get(need));
    needs
        .into_iter()
        .any(|need| matches!(need.stage, Stage::Ready | Stage::Running) && fleet.usual_ms(need, "") < AT_ONCE_MS)
}

/// What takes less is done at once, in milliseconds.
const AT_ONCE_MS: u64 = 500;

/// An idle card begins with what stands on a take nobody has judged yet.
fn speculate(fleet: &Fleet, card: &Card) -> Option<Decision> {
    if !fleet.rules.speculate || card.change.is_some() {
        return None;
    }
    for (name, seat) in
        fleet.seats_on(&card.facts.card).filter(|(_, seat)| fleet.usable(seat) && seat.inside.is_empty())
    {
        if fleet.paused(&seat.facts.engine, Some(&card.facts.card), "").is_some() {
            continue;
        }
        let begun = fleet.speculative_ready.iter().map(|task| (task, &fleet.tasks[task]));
        let begun = begun.filter(|(_, entry)| entry.stage == Stage::Blocked && !entry.held && !at_hand(fleet, entry));
        let fits =
            begun.filter(|(_, entry)| possible(fleet, entry, seat) && admit(fleet, entry, seat, card) == Fit::Warm);
        let open = fits.filter(|(_, entry)| fleet.paused(&entry.group.engine, None, &entry.project).is_none());
        if let Some((task, _)) = open.max_by_key(|(_, entry)| (entry.tail_ms, -entry.order)) {
            return Some(Decision::Run { task: *task, seat: name.clone(), speculative: true });
        }
    }
    None
}

/// An idle card gets the model of the work that comes next.
fn prepare(fleet: &Fleet, card: &Card, options: &[Option_<'_>]) -> Option<Decision> {
    if card.change.is_some() {
        return None;
    }
    let name = &card.facts.card;
    // Something is ready but the card is kept for what comes: that is got ready.
    let kept: Option<TaskId> = options.iter().find_map(|one| {
        let takes_ms =
            fleet.load_ms(&one.group.engine, &one.group.model, name) + fleet.usual_ms(&fleet.tasks[&one.task], name);
        kept_for(fleet, name, one.task, takes_ms)
    });
    if !options.is_empty() && kept.is_none() {
        return None;
    }
    let coming = upcoming(fleet, name);
    for (in_ms, task) in coming.iter().copied().filter(|(_, task)| kept.is_none_or(|kept| kept == *task)) {
        let entry = &fleet.tasks[&task];
        let comes_ms = fleet.load_ms(&entry.group.engine, &entry.group.model, name);
        // Until it is time, something else may turn up; and what is decided this moment may go the other way.
        if in_ms > comes_ms.saturating_mul(EARLY) || spoken(fleet, entry) {
            return None;
        }
        for (seat_name, seat) in fleet.seats_on(name).filter(|(_, seat)| fleet.usable(seat)) {
            if !possible(fleet, entry, seat) {
                continue;
            }
            match admit(fleet, entry, seat, card) {
                // The next work finds everything there.
                Fit::Warm | Fit::Coming => return None,
                Fit::Cold(leaving) if !seat.inside.is_empty() || enough(fleet, card, &coming, entry) => drop(leaving),
                Fit::Cold(leaving) => {
                    let back = leaving.iter().any(|gone| {
                        let engine = fleet.seats[&gone.seat].facts.engine.clone();
                        let group = Group { engine, model: gone.model.clone() };
                        let back_ms = fleet.load_ms(&group.engine, &group.model, name);
                        may_come_back(fleet, name, &group, comes_ms + back_ms)
                    });
                    if back {
                        return None;
                    }
                    let plan = swap(fleet, card, task, seat_name, leaving, SwapReason::Ahead { in_ms });
                    return Some(Decision::Change { plan, class: entry.class });
                }
                Fit::Blocked | Fit::Full { .. } => {}
            }
        }
    }
    None
}

/// Work that comes is got ready for at most so many times as long before as its model takes to come.
const EARLY: u64 = 3;

/// Other cards that have the model will have done what comes for it before this card could begin to help.
fn enough(fleet: &Fleet, card: &Card, coming: &[(u64, TaskId)], entry: &crate::fleet::Entry) -> bool {
    let name = &card.facts.card;
    let others = fleet.seats.values().filter(|seat| {
        seat.facts.card.as_ref() != Some(name)
            && seat.facts.engine == entry.group.engine
            && seat.loaded.get(&entry.group.model).is_some_and(|one| one.state != LoadState::Leaving)
    });
    let others: Vec<&Seat> = others.collect();
    if others.is_empty() {
        return false;
    }
    let mine = coming.iter().map(|(_, task)| &fleet.tasks[task]).filter(|one| one.group == entry.group);
    let there = others[0].facts.card.as_deref().unwrap_or_default();
    let work_ms: u64 = mine.map(|one| fleet.usual_ms(one, there)).sum();
    let busy_ms = others.iter().map(|seat| busy_for_ms(fleet, seat)).min().unwrap_or(0);
    let here_ms = fleet.load_ms(&entry.group.engine, &entry.group.model, name) + fleet.usual_ms(entry, name);
    busy_ms + work_ms / others.len() as u64 <= here_ms
}
