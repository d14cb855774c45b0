//! Choose: which of the ready tasks goes next on a card.

use super::{
    SwapReason,
    admission::{Fit, admit, possible, wanted_there},
    fair_share::{first_for, lost_patience_twice},
    lookahead::{feeds, is_narrower, kept_for, left_ms, may_come_back, upcoming},
};
use crate::{
    fleet::{Card, Fleet, Group, LoadState, Queue, Resident, Seat},
    ids::TaskId,
    task::Class,
};

/// Tasks of a queue that are looked at when the first ones do not fit.
const LOOKED_AT: usize = 48;
const CLASSES: [Class; 3] = [Class::Interactive, Class::Production, Class::Background];

/// A task that could go next, and what that takes.
#[derive(Debug, Clone)]
pub(super) struct Option_<'a> {
    pub seat: &'a Seat,
    pub group: &'a Group,
    pub queue: &'a Queue,
    pub class: Class,
    pub task: TaskId,
    pub pinned: bool,
    pub due: bool,
    pub order: i64,
    pub tail_ms: u64,
    pub fit: Fit,
}

/// What a card does next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// Run this in that seat.
    Run(TaskId, String),
    /// Change models for this task first.
    Swap { task: TaskId, seat: String, unload: Vec<Resident>, why: SwapReason },
    /// Nothing starts or changes on the card now.
    Wait,
}

/// Everything that could go next on a card: for each model and class its first task.
pub(super) fn options<'a>(fleet: &'a Fleet, card: &'a Card) -> Vec<Option_<'a>> {
    let mut options = Vec::new();
    let name = &card.facts.card;
    for (_, seat) in fleet.seats_on(name).filter(|(_, seat)| fleet.usable(seat)) {
        if fleet.paused(&seat.facts.engine, Some(name), "").is_some() {
            continue;
        }
        for (group, queue) in fleet.ready.iter().filter(|(group, _)| group.engine == seat.facts.engine) {
            for class in CLASSES {
                if let Some(task) = first(fleet, queue, class, seat, name) {
                    let entry = &fleet.tasks[&task];
                    options.push(Option_ {
                        seat,
                        group,
                        queue,
                        class,
                        task,
                        pinned: entry.pinned,
                        due: entry.due,
                        order: entry.order,
                        tail_ms: entry.tail_ms,
                        fit: admit(fleet, entry, seat, card),
                    });
                }
            }
        }
    }
    options
}

/// The first task of a queue for a seat: what a person pinned, what has waited too long, what has the longest way.
fn first(fleet: &Fleet, queue: &Queue, class: Class, seat: &Seat, card: &str) -> Option<TaskId> {
    let pinned = queue.of(class).take_while(|rank| !rank.1).map(|rank| &rank.3);
    let due = queue.due_of(class).filter(|rank| rank.1).map(|rank| &rank.3);
    let rest = queue.urgent_of(class).map(|one| &one.3);
    let rest = rest.filter(|task| fleet.tasks.get(task).is_some_and(|entry| !entry.due && !entry.pinned));
    let all = pinned.chain(due).chain(rest).take(LOOKED_AT);
    first_for(fleet, seat, card, all.filter(|task| possible(fleet, &fleet.tasks[*task], seat)))
}

/// The class whose turn it is: one that was passed over for as long as it may be, else the highest.
fn turn(fleet: &Fleet, card: &Card, options: &[Option_<'_>]) -> Option<(Class, bool)> {
    let highest = options.iter().map(|one| one.class).min()?;
    let waited = |class: Class| {
        let first =
            options.iter().filter(|one| one.class == class).map(|one| fleet.tasks[&one.task].ready_since).min()?;
        let since = first.max(card.turn[class as usize]);
        let over = fleet.now.0.saturating_sub(since.0) - fleet.rules.patience.of(class);
        (over >= 0).then_some(over)
    };
    let passed_over = CLASSES.iter().filter(|class| **class > highest);
    let longest = passed_over.filter_map(|class| Some((waited(*class)?, *class))).max();
    Some(longest.map_or((highest, false), |(_, class)| (class, true)))
}

/// What goes next on a card whose lane is free.
pub(super) fn choose(fleet: &Fleet, card: &Card, options: &[Option_<'_>]) -> Next {
    let Some((class, by_turn)) = turn(fleet, card, options) else { return Next::Wait };
    let mut mine: Vec<&Option_<'_>> = options.iter().filter(|one| one.class == class).collect();
    mine.retain(|one| !matches!(one.fit, Fit::Full { .. }));
    if mine.is_empty() {
        // Nothing of this class fits now, whatever leaves: the others may go on.
        let rest: Vec<Option_<'_>> = options.iter().filter(|one| one.class != class).cloned().collect();
        return choose(fleet, card, &rest);
    }
    let reason = |usual: SwapReason| if by_turn { SwapReason::Turn } else { usual };
    if let Some(pinned) = mine.iter().filter(|one| one.pinned).min_by_key(|one| one.order) {
        return go(pinned, reason(SwapReason::Pinned));
    }
    if let Some(first) = meanwhile(fleet, card, &mine, options, class).filter(|_| !by_turn) {
        return go(first, SwapReason::NothingLeft);
    }
    let longest = |one: &&&Option_<'_>| (one.due, if one.due { -one.order } else { 0 }, one.tail_ms, -one.order);
    let warm = mine.iter().filter(|one| one.fit == Fit::Warm).max_by_key(longest);
    if let Some(due) = mine.iter().filter(|one| one.due).min_by_key(|one| one.order) {
        // Who was there before passes nobody over.
        if due.fit != Fit::Warm
            && let Some(next) = before(fleet, card, &mine, due.order)
        {
            return next;
        }
        if let (Some(warm), Fit::Cold(leaving)) = (warm, &due.fit)
            && (resides(fleet, card, due, leaving, stays(fleet, warm, due)) || served(fleet, card, due))
        {
            return go(warm, SwapReason::NothingLeft);
        }
        let waited_ms = fleet.now.0 - fleet.tasks[&due.task].ready_since.0;
        let why = if warm.is_some() { SwapReason::Patience { waited_ms } } else { SwapReason::NothingLeft };
        return go(due, reason(why));
    }
    let Some(warm) = warm else { return without_warm(fleet, card, &mine, options, by_turn) };
    match pressing(fleet, card, warm, &mine) {
        Some((cold, other)) => go(cold, reason(SwapReason::Feeds { card: other })),
        None if let Some(late) = late(fleet, card, warm, &mine) => go(late, reason(SwapReason::Late)),
        None if kept(fleet, card, warm) => Next::Wait,
        None => go(warm, SwapReason::NothingLeft),
    }
}

/// The card is kept free for work that comes in a moment and that another card waits for.
fn kept(fleet: &Fleet, card: &Card, one: &Option_<'_>) -> bool {
    let name = &card.facts.card;
    let load_ms = if one.fit == Fit::Warm { 0 } else { fleet.load_ms(&one.group.engine, &one.group.model, name) };
    kept_for(fleet, name, one.task, load_ms + fleet.usual_ms(&fleet.tasks[&one.task], name)).is_some()
}

/// The first task for what is loaded that was submitted before `order`.
fn before(fleet: &Fleet, card: &Card, mine: &[&Option_<'_>], order: i64) -> Option<Next> {
    let warm = mine.iter().filter(|one| one.fit == Fit::Warm);
    if let Some(one) = warm.clone().filter(|one| one.order < order).max_by_key(|one| one.tail_ms) {
        return Some(go(one, SwapReason::NothingLeft));
    }
    let firsts = warm.filter_map(|one| {
        let rank = one.queue.of(one.class).find(|rank| possible(fleet, &fleet.tasks[&rank.3], one.seat))?;
        (admit(fleet, &fleet.tasks[&rank.3], one.seat, card) == Fit::Warm).then_some((rank.2, rank.3, one))
    });
    let (_, task, one) = firsts.filter(|(first, ..)| *first < order).min_by_key(|(first, ..)| *first)?;
    Some(Next::Run(task, one.seat.facts.seat.clone()))
}

fn go(one: &Option_<'_>, why: SwapReason) -> Next {
    let seat = one.seat.facts.seat.clone();
    match &one.fit {
        Fit::Warm => Next::Run(one.task, seat),
        Fit::Cold(unload) => Next::Swap { task: one.task, seat, unload: unload.clone(), why },
        Fit::Coming | Fit::Blocked | Fit::Full { .. } => Next::Wait,
    }
}

/// Work of a lower class that goes first although something higher waits for another model to come in its place:
///
/// - what ends within the patience of all that waits, so that one change serves several;
/// - the first attempt of a model that has only just come, as if it had begun while the model was coming: no model comes
///   for nothing. It must not take longer than the model would stay among equals.
fn meanwhile<'a>(
    fleet: &Fleet,
    card: &Card,
    mine: &[&Option_<'_>],
    all: &'a [Option_<'a>],
    class: Class,
) -> Option<&'a Option_<'a>> {
    let name = &card.facts.card;
    // Nothing has to leave for what is loaded, or has room.
    let cold = mine.iter().all(|one| matches!(&one.fit, Fit::Cold(leaving) if !leaving.is_empty()));
    let wanted = mine.iter().min_by_key(|one| one.order).filter(|_| cold)?;
    let Fit::Cold(leaving) = &wanted.fit else { return None };
    let leaves = |one: &Option_<'_>| {
        leaving.iter().any(|gone| gone.seat == one.seat.facts.seat && gone.model == one.group.model)
    };
    let since = mine.iter().map(|one| fleet.tasks[&one.task].ready_since.0).min()?;
    let patient_ms = fleet.rules.patience.of(class) - fleet.now.0.saturating_sub(since);
    let may = |one: &&Option_<'_>| {
        let takes_ms = fleet.usual_ms(&fleet.tasks[&one.task], name) as i64;
        let swap_ms = fleet.load_ms(&wanted.group.engine, &wanted.group.model, name)
            + fleet.load_ms(&one.group.engine, &one.group.model, name);
        let fresh = one.seat.loaded.get(&one.group.model).is_some_and(|one| one.used == one.since);
        takes_ms <= patient_ms || (fresh && takes_ms as f64 <= swap_ms as f64 * fleet.rules.residence)
    };
    let lower = all.iter().filter(|one| one.fit == Fit::Warm && one.class > class && leaves(one));
    lower.filter(may).min_by_key(|one| (one.class, !one.due, std::cmp::Reverse(one.tail_ms), one.order))
}

/// Whether something that would have to leave has work and has not been there for long enough yet: swaps between
/// equals never take more than a share of the card's time.
fn resides(fleet: &Fleet, card: &Card, wanted: &Option_<'_>, leaving: &[Resident], times: f64) -> bool {
    let name = &card.facts.card;
    let comes_ms = fleet.load_ms(&wanted.group.engine, &wanted.group.model, name);
    leaving.iter().any(|one| {
        let Some(seat) = fleet.seats.get(&one.seat) else { return false };
        let Some(there) = seat.loaded.get(&one.model) else { return false };
        let back_ms = fleet.load_ms(&seat.facts.engine, &one.model, name);
        let stays_ms = ((comes_ms + back_ms) as f64 * times) as i64;
        // Whoever waits for a higher class does not wait for this.
        there.class <= wanted.class && wanted_there(fleet, seat, &one.model) && fleet.now.0 - there.since.0 < stays_ms
    })
}

/// Work of one film passes other work of that film over for so many times as long: whoever waits for the film has
/// nothing of a part that is done early, and pays for every swap.
const OF_ONE_FILM: f64 = 10.0;

/// How many times the cost of swapping away and back a model stays that has `warm` to do, while `due` has waited for
/// too long.
fn stays(fleet: &Fleet, warm: &Option_<'_>, due: &Option_<'_>) -> f64 {
    let project = |one: &Option_<'_>| &fleet.tasks[&one.task].project;
    let of_one = !project(due).is_empty() && project(warm) == project(due) && warm.class == due.class;
    if of_one { fleet.rules.residence * OF_ONE_FILM } else { fleet.rules.residence }
}

/// Another card has the model of a task that has waited for too long, or gets it: one is enough, unless that one does
/// not come to it either.
fn served(fleet: &Fleet, card: &Card, due: &Option_<'_>) -> bool {
    let entry = &fleet.tasks[&due.task];
    !lost_patience_twice(fleet, entry)
        && fleet.seats.values().any(|seat| {
            seat.facts.card.as_deref().is_some_and(|other| other != card.facts.card)
                && fleet.usable(seat)
                && possible(fleet, entry, seat)
                && seat.loaded.get(&due.group.model).is_some_and(|one| one.state != LoadState::Leaving)
        })
}

/// A cold task that another card will need before the warm work is through.
fn pressing<'a>(
    fleet: &Fleet,
    card: &Card,
    warm: &Option_<'_>,
    mine: &[&'a Option_<'a>],
) -> Option<(&'a Option_<'a>, String)> {
    let name = &card.facts.card;
    let back_ms = fleet.load_ms(&warm.group.engine, &warm.group.model, name);
    let cold = mine.iter().filter_map(|one| match &one.fit {
        Fit::Cold(leaving) if !leaving.is_empty() && !resides(fleet, card, one, leaving, fleet.rules.residence) => {
            Some(*one)
        }
        _ => None,
    });
    let cold = cold.filter(|one| one.tail_ms > warm.tail_ms + back_ms).max_by_key(|one| (one.tail_ms, -one.order))?;
    let (other, has_ms) = feeds(fleet, cold.task, name)?;
    let takes_ms =
        fleet.load_ms(&cold.group.engine, &cold.group.model, name) + fleet.usual_ms(&fleet.tasks[&cold.task], name);
    let warm_ms = warm.queue.work_ms;
    (has_ms < warm_ms + takes_ms && !is_narrower(fleet, name, other)).then(|| (cold, other.to_owned()))
}

/// A cold task whose own way to the end is longer than all that the card still has to do: everything else would wait for
/// it at last.
fn late<'a>(fleet: &Fleet, card: &Card, warm: &Option_<'_>, mine: &[&'a Option_<'a>]) -> Option<&'a Option_<'a>> {
    let name = &card.facts.card;
    let cold = mine.iter().filter(|one| match &one.fit {
        Fit::Cold(leaving) => {
            !leaving.is_empty()
                && one.tail_ms > warm.tail_ms
                && !resides(fleet, card, one, leaving, fleet.rules.residence)
        }
        _ => false,
    });
    let cold = *cold.max_by_key(|one| (one.tail_ms, -one.order))?;
    let takes_ms =
        fleet.load_ms(&cold.group.engine, &cold.group.model, name) + fleet.usual_ms(&fleet.tasks[&cold.task], name);
    let way_ms = (takes_ms + cold.tail_ms) as f64;
    (way_ms > left_ms(fleet, name) && !served(fleet, card, cold)).then_some(cold)
}

/// Nothing that is loaded has work of this class: load something, or wait for work that comes at once.
fn without_warm(fleet: &Fleet, card: &Card, mine: &[&Option_<'_>], all: &[Option_<'_>], by_turn: bool) -> Next {
    let name = &card.facts.card;
    // What feeds a card that would run dry first, then the longest way, then what has most to do.
    let rank = |one: &&&Option_<'_>| (one.tail_ms, one.queue.work_ms, -one.order);
    let Some(best) = mine.iter().filter(|one| matches!(one.fit, Fit::Cold(_))).max_by_key(rank) else {
        return blocked(fleet, card, mine, all);
    };
    let lower = all.iter().any(|one| one.class > best.class && one.fit == Fit::Warm);
    let why = if by_turn {
        SwapReason::Turn
    } else if lower {
        SwapReason::Class
    } else {
        SwapReason::NothingLeft
    };
    if best.class == Class::Interactive || by_turn || lower {
        return go(best, why);
    }
    if kept(fleet, card, best) {
        return Next::Wait;
    }
    let Fit::Cold(leaving) = &best.fit else { return Next::Wait };
    if leaving.is_empty() {
        return go(best, SwapReason::Room);
    }
    let swap_ms = fleet.load_ms(&best.group.engine, &best.group.model, name)
        + leaving.iter().map(|one| fleet.load_ms(&fleet.seats[&one.seat].facts.engine, &one.model, name)).sum::<u64>();
    let patient_ms = (swap_ms as f64 * fleet.rules.idle_share) as u64;
    let back = upcoming(fleet, name).into_iter().find(|(_, task)| {
        let group = &fleet.tasks[task].group;
        leaving.iter().any(|one| one.model == group.model && fleet.seats[&one.seat].facts.engine == group.engine)
    });
    let judged = leaving.iter().any(|one| {
        let group = Group { engine: fleet.seats[&one.seat].facts.engine.clone(), model: one.model.clone() };
        may_come_back(fleet, name, &group, swap_ms)
    });
    if judged {
        return Next::Wait;
    }
    // Work for what is loaded is about to come: swapping away and back would cost more than waiting.
    if back.is_some_and(|(in_ms, _)| in_ms < patient_ms) && best.queue.work_ms < 4 * swap_ms {
        return Next::Wait;
    }
    go(best, why)
}

/// What is wanted cannot come before something that runs has ended: others may use the card meanwhile unless they are
/// what is in the way.
fn blocked(fleet: &Fleet, card: &Card, mine: &[&Option_<'_>], all: &[Option_<'_>]) -> Next {
    let change_ms = card.change.as_ref().map_or(0, |change| (change.until.0 - fleet.now.0).max(0));
    let class = mine.first().map_or(Class::Background, |one| one.class);
    let fills = |one: &&Option_<'_>| {
        let takes_ms = fleet.usual_ms(&fleet.tasks[&one.task], &card.facts.card) as i64;
        one.fit == Fit::Warm && (one.class < class || takes_ms <= change_ms + change_ms / 4)
    };
    all.iter().filter(fills).max_by_key(|one| one.tail_ms).map_or(Next::Wait, |one| go(one, SwapReason::NothingLeft))
}
