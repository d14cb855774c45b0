//! Bound: how fast nobody could be, whoever ordered the work.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    build::{Course, Piece},
    capacity::{Away, Capacity, Hindrances, Span, merged},
};
use crate::{fleet::Holds, ids::TaskId};

/// Moments of beginning, and rests, that are tried for each set of places; fewer for much work.
const CUTS: usize = 24;
/// How often a piece is looked at for each set of places, in all.
const LOOKS: usize = 4_000_000;

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
    /// Its earliest end, on the place that has it done first.
    end: Vec<u64>,
    /// Seats that can do it.
    places: Vec<Vec<usize>>,
}

/// The bound of a course.
///
/// It is the greatest of: the longest way through the graph, each piece where it is done first; for every set of places
/// that some work is confined to, the earliest moment by which these places, each at its own pace and less the times
/// in which it is away, can have done all of that work which begins late enough and has enough to follow, and then the
/// least that follows. Models that have to come take their time from places that hold one model. Early beginnings are
/// taken to cost nothing, so the bound holds with them too.
pub fn bound(course: &Course, hindrances: &Hindrances<'_>) -> Bound {
    let away = Away::of(course, hindrances);
    let ways = ways(course, &away);
    let whole = |at: usize| ways.end[at].saturating_add(ways.tail[at]);
    let path_ms = (0..course.pieces.len()).map(whole).filter(|ms| *ms < u64::MAX).max().unwrap_or(0);
    let mut busiest = (String::new(), 0);
    let mut groups: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for (at, _) in course.pieces.iter().enumerate().filter(|(_, piece)| piece.gate.is_none()) {
        groups.entry(ways.places[at].clone()).or_default().push(at);
    }
    let sets: BTreeSet<Vec<usize>> = groups.keys().cloned().chain(unions(&groups)).chain(by_card(course)).collect();
    for set in sets {
        let inside = |own: &&Vec<usize>| own.iter().all(|seat| set.contains(seat));
        let work: Vec<usize> = groups.keys().filter(inside).flat_map(|own| groups[own].iter().copied()).collect();
        if work.is_empty() || set.is_empty() {
            continue;
        }
        let ms = Confined { course, ways: &ways, away: &away, set: &set }.takes(&work);
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

/// How long the model of a piece takes to come to a seat, in milliseconds; models are only loaded on cards.
fn load_ms(course: &Course, piece: &Piece, seat: usize) -> u64 {
    let on_card = course.seats[seat].card.is_some();
    course.models.get(&piece.submission.model).filter(|_| on_card).map_or(0, |model| model.load_ms)
}

/// Work that only the seats of a set can do.
struct Confined<'a> {
    course: &'a Course,
    ways: &'a Ways,
    away: &'a Away,
    set: &'a [usize],
}

impl Confined<'_> {
    /// How long the work takes at least: of all of it, and of the parts that begin late or have much to follow.
    fn takes(&self, work: &[usize]) -> u64 {
        let capacity = self.capacity(work);
        let cuts = |of: &[u64]| {
            let mut all: Vec<u64> = work.iter().map(|at| of[*at]).collect();
            all.sort_unstable();
            all.dedup();
            let most = (LOOKS / work.len().max(1)).isqrt().clamp(2, CUTS);
            let step = all.len().div_ceil(most).max(1);
            all.into_iter().step_by(step).collect::<Vec<_>>()
        };
        let (heads, tails) = (cuts(&self.ways.head), cuts(&self.ways.tail));
        let models: BTreeSet<&str> = work.iter().map(|at| self.model(*at)).collect();
        let models: Vec<&str> = models.into_iter().collect();
        let number = |at: &usize| (*at, models.binary_search(&self.model(*at)).unwrap_or(0));
        let numbered: Vec<(usize, usize)> = work.iter().map(number).collect();
        let least = |model: &usize| numbered.iter().find(|one| one.1 == *model).map_or(0, |one| self.least_load(one.0));
        let loads: Vec<u64> = (0..models.len()).map(|model| least(&model)).collect();
        let mut most = 0;
        for head in &heads {
            let begun: Vec<_> = numbered.iter().filter(|one| self.ways.head[one.0] >= *head).copied().collect();
            for tail in &tails {
                let part = begun.iter().filter(|one| self.ways.tail[one.0] >= *tail).copied();
                most = most.max(self.part(&capacity, part, &loads, *head, *tail));
            }
        }
        most
    }

    fn model(&self, at: usize) -> &str {
        &self.course.pieces[at].submission.model
    }

    /// What the model of a piece takes to come at least, in milliseconds.
    fn least_load(&self, at: usize) -> u64 {
        let all = self.set.iter().map(|seat| load_ms(self.course, &self.course.pieces[at], *seat));
        all.min().unwrap_or(0)
    }

    /// What the seats can do by when.
    ///
    /// A seat begins with its first model, again after it was away. On a card with several seats that is only certain
    /// of the card as a whole when all of them are here; then the least counts.
    fn capacity(&self, work: &[usize]) -> Capacity {
        let mut cards: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for seat in self.set {
            cards.entry(place_name(self.course, *seat)).or_default().push(*seat);
        }
        let longest = |seat: usize| {
            let mine = work.iter().filter(|at| self.ways.places[**at].contains(&seat));
            let takes =
                |at: &usize| self.course.takes_ms(&self.course.pieces[*at], self.course.seats[seat].card.as_deref());
            mine.map(takes).max().unwrap_or(0)
        };
        let first_load = |seat: usize| {
            let mine = work.iter().filter(|at| self.ways.places[**at].contains(&seat));
            mine.map(|at| load_ms(self.course, &self.course.pieces[*at], seat)).min().unwrap_or(0)
        };
        let mut lanes = Vec::new();
        for (name, seats) in cards {
            let pace = self.course.speed.get(name).copied().unwrap_or(1.0);
            let most = self.course.cards.iter().find(|card| card.card == name).map_or(usize::MAX, |card| card.lanes);
            let gone = |seat: usize| -> Vec<Span> {
                let load = first_load(seat);
                let mut spans = vec![(0, load)];
                spans.extend(self.away.down[seat].iter().map(|span| (span.0, span.1.saturating_add(load))));
                // What runs when another program comes is finished.
                let left = longest(seat);
                spans.extend(self.away.taken[seat].iter().map(|span| (span.0.saturating_add(left), span.1)));
                merged(spans)
            };
            let own: usize = seats.iter().map(|seat| self.course.seats[*seat].parallel.min(1 << 20)).sum();
            if seats.len() == 1 || own <= most {
                for seat in &seats {
                    let parallel = self.course.seats[*seat].parallel.min(1 << 20).min(most);
                    lanes.push((pace * parallel as f64, gone(*seat)));
                }
            } else {
                let all = seats.iter().map(|seat| gone(*seat)).reduce(|a, b| common(&a, &b)).unwrap_or_default();
                lanes.push((pace * most.min(own) as f64, all));
            }
        }
        Capacity::of(lanes.into_iter())
    }

    /// How long a part of the work takes at least, given as pieces with the number of their model: it begins at
    /// `head`, and at `tail` before the end it is over.
    fn part(
        &self,
        capacity: &Capacity,
        part: impl Iterator<Item = (usize, usize)>,
        loads: &[u64],
        head: u64,
        tail: u64,
    ) -> u64 {
        let (mut base, mut count, mut wanted) = (0u64, 0u64, vec![false; loads.len()]);
        for (at, model) in part {
            base += self.course.pieces[at].takes_ms;
            count += 1;
            wanted[model] = true;
        }
        if count == 0 {
            return 0;
        }
        let speed = |seat: &usize| self.course.speed.get(place_name(self.course, *seat)).copied().unwrap_or(1.0);
        let fastest = self.set.iter().map(speed).fold(0.0, f64::max);
        // Durations are whole milliseconds, rounded.
        let base = (base as f64 - count as f64 * fastest).max(0.0);
        let plain = capacity.done(head, base) + tail;
        let facts = || self.set.iter().map(|seat| &self.course.seats[*seat]);
        if !facts().all(|facts| facts.holds == Holds::One && facts.parallel == 1) {
            return plain;
        }
        let names: BTreeSet<&str> = self.set.iter().map(|seat| place_name(self.course, *seat)).collect();
        if names.len() < self.set.len() {
            return plain;
        }
        // Every model comes at least once, to the slowest at best; one for each seat may come before it all begins, and one
        // after each outage, for which its time is taken already.
        let mut loads: Vec<u64> = loads.iter().zip(&wanted).filter(|one| *one.1).map(|one| *one.0).collect();
        loads.sort_unstable_by(|a, b| b.cmp(a));
        let slowest = self.set.iter().map(speed).fold(f64::INFINITY, f64::min);
        let again: usize = self.set.iter().map(|seat| self.away.down[*seat].len()).sum();
        let between: u64 = loads.iter().skip(self.set.len() + again).sum();
        plain.max(capacity.done(head, base + between as f64 * slowest) + tail)
    }
}

/// When both are away.
fn common(a: &[Span], b: &[Span]) -> Vec<Span> {
    let both = a.iter().flat_map(|one| b.iter().map(move |two| (one.0.max(two.0), one.1.min(two.1))));
    merged(both.filter(|span| span.1 > span.0).collect())
}

fn ways(course: &Course, away: &Away) -> Ways {
    let count = course.pieces.len();
    let places: Vec<Vec<usize>> = course.pieces.iter().map(|piece| places(course, piece)).collect();
    let takes =
        |number: usize, seat: usize| course.takes_ms(&course.pieces[number], course.seats[seat].card.as_deref());
    let least: Vec<u64> = (0..count)
        .map(|number| {
            let all = places[number].iter().map(|seat| takes(number, *seat));
            all.min().unwrap_or(course.pieces[number].takes_ms)
        })
        .collect();
    let after = after(course);
    let order = topological(&after);
    // Nothing is loaded at the beginning, so nothing begins before its model can be there.
    let load = |number: usize| {
        let all = places[number].iter().map(|seat| load_ms(course, &course.pieces[number], *seat));
        all.min().unwrap_or(0)
    };
    let mut head: Vec<u64> =
        course.pieces.iter().enumerate().map(|(number, piece)| piece.at.0.unsigned_abs().max(load(number))).collect();
    let mut end = vec![0; count];
    for &number in &order {
        for &before in &after[number] {
            head[number] = head[number].max(end[before]);
        }
        let ends = |seat: &usize| {
            let load = load_ms(course, &course.pieces[number], *seat);
            away.ends(*seat, head[number], takes(number, *seat), load)
        };
        let ends = places[number].iter().map(ends).min();
        end[number] = ends.unwrap_or(head[number].saturating_add(least[number]));
    }
    let mut tail = vec![0u64; count];
    for &number in order.iter().rev() {
        for &before in &after[number] {
            tail[before] = tail[before].max(least[number] + tail[number]);
        }
    }
    Ways { head, tail, end, places }
}

/// What each piece waits for, as edges from beginning-after-end.
fn after(course: &Course) -> Vec<Vec<usize>> {
    let at = |task: TaskId| course.index[&task];
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); course.pieces.len()];
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
    after
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
