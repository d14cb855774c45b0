//! Bound: how fast nobody could be, whoever ordered the work.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::build::{Course, Piece};
use crate::{fleet::Holds, ids::TaskId};

/// A time no order of work can beat, and what it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bound {
    /// The least time all the work can take, in milliseconds.
    pub ms: u64,
    /// The longest way through everything that must follow one another, in milliseconds.
    pub path_ms: u64,
    /// The card or seat with most to do, and what it has to do, in milliseconds.
    pub busiest: (String, u64),
}

/// Earliest beginning and least rest of every piece, in milliseconds.
struct Ways {
    head: Vec<u64>,
    tail: Vec<u64>,
    least: Vec<u64>,
}

/// The bound of a course.
///
/// It is the greatest of: the longest way through the graph; for every set of places that some work is confined to,
/// the earliest that work can begin, all of it, and the least that follows; for a place that holds one model at a
/// time, also every model once. Early beginnings are taken to cost nothing, so the bound holds with them too.
pub fn bound(course: &Course) -> Bound {
    let ways = ways(course);
    let whole = |at: usize| ways.head[at] + ways.least[at] + ways.tail[at];
    let path_ms = (0..course.pieces.len()).map(whole).max().unwrap_or(0);
    let mut busiest = (String::new(), 0);
    let mut groups: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for (at, piece) in course.pieces.iter().enumerate().filter(|(_, piece)| piece.gate.is_none()) {
        groups.entry(places(course, piece)).or_default().push(at);
    }
    let sets: BTreeSet<Vec<usize>> = groups.keys().cloned().chain(unions(&groups)).chain(by_card(course)).collect();
    for set in sets {
        let inside = |own: &&Vec<usize>| own.iter().all(|seat| set.contains(seat));
        let work: Vec<usize> = groups.keys().filter(inside).flat_map(|own| groups[own].iter().copied()).collect();
        if work.is_empty() || set.is_empty() {
            continue;
        }
        let ms = confined(course, &ways, &set, &work);
        if ms > busiest.1 {
            let names: BTreeSet<&str> = set.iter().map(|seat| place_name(course, *seat)).collect();
            busiest = (names.into_iter().collect::<Vec<_>>().join(", "), ms);
        }
    }
    Bound { ms: path_ms.max(busiest.1), path_ms, busiest }
}

fn place_name(course: &Course, seat: usize) -> &str {
    let facts = &course.seats[seat];
    facts.card.as_deref().unwrap_or(&facts.seat)
}

/// Seats that can do a piece.
fn places(course: &Course, piece: &Piece) -> Vec<usize> {
    let can = |facts: &crate::fleet::SeatFacts| {
        let card = facts.card.as_ref().and_then(|card| course.cards.iter().find(|one| one.card == *card));
        let fits = card.is_none_or(|card| card.total_mib == 0 || piece.peak_mib + card.reserve_mib <= card.total_mib);
        facts.engine == piece.submission.engine && fits
    };
    course.seats.iter().enumerate().filter(|(_, facts)| can(facts)).map(|(at, _)| at).collect()
}

/// All seats of each card together.
fn by_card(course: &Course) -> impl Iterator<Item = Vec<usize>> + '_ {
    course.cards.iter().map(|card| {
        let mine = course.seats.iter().enumerate().filter(|(_, facts)| facts.card.as_ref() == Some(&card.card));
        mine.map(|(at, _)| at).collect()
    })
}

fn unions(groups: &BTreeMap<Vec<usize>, Vec<usize>>) -> Vec<Vec<usize>> {
    let mut all: BTreeSet<Vec<usize>> = BTreeSet::new();
    for a in groups.keys() {
        for b in groups.keys().filter(|b| b.iter().any(|seat| a.contains(seat))) {
            let both: BTreeSet<usize> = a.iter().chain(b).copied().collect();
            all.insert(both.into_iter().collect());
        }
    }
    all.into_iter().collect()
}

/// How long work takes that is confined to some seats.
fn confined(course: &Course, ways: &Ways, set: &[usize], work: &[usize]) -> u64 {
    let head = work.iter().map(|at| ways.head[*at]).min().unwrap_or(0);
    let tail = work.iter().map(|at| ways.tail[*at]).min().unwrap_or(0);
    let sum: u64 = work.iter().map(|at| ways.least[*at]).sum();
    // Cards do so many things at a time, however many seats they have.
    let mut lanes: BTreeMap<&str, usize> = BTreeMap::new();
    for seat in set {
        let facts = &course.seats[*seat];
        *lanes.entry(place_name(course, *seat)).or_default() += facts.parallel.min(1 << 20);
    }
    for card in &course.cards {
        if let Some(own) = lanes.get_mut(card.card.as_str()) {
            *own = (*own).min(card.lanes);
        }
    }
    // Work at speed 1 over what all places together do of it.
    let base: u64 = work.iter().map(|at| course.pieces[*at].takes_ms).sum();
    let speed = |name: &str| course.speed.get(name).copied().unwrap_or(1.0);
    let pace: f64 = lanes.iter().map(|(name, lanes)| *lanes as f64 * speed(name)).sum();
    let plain = head + (base as f64 / pace.max(f64::MIN_POSITIVE)) as u64 + tail;
    let [only] = set else { return plain };
    let facts = &course.seats[*only];
    if facts.holds != Holds::One || facts.parallel != 1 {
        return plain;
    }
    let models: BTreeSet<&str> = work.iter().map(|at| course.pieces[*at].submission.model.as_str()).collect();
    let loads: Vec<u64> = models.iter().filter_map(|model| course.models.get(*model)).map(|one| one.load_ms).collect();
    let longest = loads.iter().copied().max().unwrap_or(0);
    // Only one model can be there before the first work begins; every other one comes in between.
    head.max(longest) + sum + loads.iter().sum::<u64>() - longest + tail
}

fn ways(course: &Course) -> Ways {
    let count = course.pieces.len();
    let at = |task: TaskId| course.index[&task];
    let least: Vec<u64> = course
        .pieces
        .iter()
        .map(|piece| {
            let seats = places(course, piece).into_iter();
            seats.map(|seat| course.takes_ms(piece, course.seats[seat].card.as_deref())).min().unwrap_or(piece.takes_ms)
        })
        .collect();
    // What each piece waits for, as edges from beginning-after-end.
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (number, piece) in course.pieces.iter().enumerate() {
        for need in &piece.submission.needs {
            let gate = course.pieces[at(need.task)].gate.as_ref();
            let take = gate.and_then(|gate| gate.takes.last()).map(|(take, _)| at(*take));
            // An early beginning needs the take that will count, not its judgement.
            after[number].push(if need.speculative.is_some() { take.unwrap_or(at(need.task)) } else { at(need.task) });
        }
        after[number].extend(piece.after.map(at));
        if let Some(gate) = &piece.gate {
            after[number].extend(gate.takes.last().map(|(_, review)| at(*review)));
        }
    }
    let order = topological(&after);
    // Nothing is loaded at the beginning, so nothing begins before its model can be there.
    let load = |piece: &Piece| course.models.get(&piece.submission.model).map_or(0, |model| model.load_ms);
    let mut head: Vec<u64> = course.pieces.iter().map(|piece| piece.at.0.unsigned_abs().max(load(piece))).collect();
    for &number in &order {
        for &before in &after[number] {
            head[number] = head[number].max(head[before] + least[before]);
        }
    }
    let mut tail = vec![0; count];
    for &number in order.iter().rev() {
        for &before in &after[number] {
            tail[before] = tail[before].max(least[number] + tail[number]);
        }
    }
    Ways { head, tail, least }
}

/// Pieces in an order in which everything comes after what it needs.
fn topological(after: &[Vec<usize>]) -> Vec<usize> {
    let (mut order, mut state) = (Vec::with_capacity(after.len()), vec![0u8; after.len()]);
    for start in 0..after.len() {
        let mut stack = vec![start];
        while let Some(&number) = stack.last() {
            if state[number] == 0 {
                state[number] = 1;
                stack.extend(after[number].iter().filter(|before| state[**before] == 0));
            } else {
                stack.pop();
                if state[number] == 1 {
                    state[number] = 2;
                    order.push(number);
                }
            }
        }
    }
    order
}
