//! Capacity: how much work places could do at best by a moment, less the times in which they are away.

use std::collections::BTreeMap;

use super::{
    build::Course,
    scenario::{Foreign, Outage, Scenario},
};
use crate::fleet::Rules;

/// What hinders a studio besides its own work: other programs on its cards, and outages.
#[derive(Debug, Clone, Copy)]
pub struct Hindrances<'a> {
    /// Settings of the scheduler: they say when a card is left to another program, and for how long.
    pub rules: &'a Rules,
    /// Other programs on the cards.
    pub foreign: &'a [Foreign],
    /// Cards that are lost and processes that die.
    pub faults: &'a [Outage],
}

impl<'a> Hindrances<'a> {
    /// Those of a scenario.
    pub fn of(scenario: &'a Scenario) -> Self {
        Self { rules: &scenario.rules, foreign: &scenario.foreign, faults: &scenario.fault }
    }
}

/// A stretch of time, in milliseconds; the second number does not belong to it.
pub(super) type Span = (u64, u64);

/// When each seat of a course cannot work, whoever orders the work.
#[derive(Debug, Clone)]
pub(super) struct Away {
    /// By seat: its process, or its card, is not there; what ran there is lost, and so is what was loaded.
    pub down: Vec<Vec<Span>>,
    /// By seat: it may not begin anything, because another program has the card.
    pub taken: Vec<Vec<Span>>,
}

fn ms(seconds: f64) -> u64 {
    (seconds * 1000.0).max(0.0) as u64
}

impl Away {
    pub fn of(course: &Course, by: &Hindrances<'_>) -> Self {
        let down = course.seats.iter().map(|seat| down(seat, by.faults)).collect();
        let taken = course.seats.iter().map(|seat| {
            let spans = seat.card.as_deref().map_or_else(Vec::new, |card| taken(card, by));
            // What waits inside the engine by then may still begin.
            let mine = course.pieces.iter().filter(|piece| piece.submission.engine == seat.engine);
            let longest = mine.map(|piece| course.takes_ms(piece, seat.card.as_deref())).max().unwrap_or(0);
            let inside = longest.saturating_mul(seat.queue_ahead as u64);
            let later = |span: Span| (span.0.saturating_add(inside), span.1);
            spans.into_iter().map(later).filter(|span| span.1 > span.0).collect()
        });
        Self { down, taken: taken.collect() }
    }

    /// The earliest end of something that takes `takes_ms` in a seat without a break, and begins at `from` or later;
    /// after a break its model takes `load_ms` to come.
    pub fn ends(&self, seat: usize, from: u64, takes_ms: u64, load_ms: u64) -> u64 {
        let mut begin = from;
        // Each span only ever moves the beginning on.
        loop {
            let closed = self.taken[seat].iter().find(|span| span.0 <= begin && begin < span.1).map(|span| span.1);
            let end = begin.saturating_add(takes_ms);
            let down = self.down[seat].iter().map(|span| (span.0, span.1.saturating_add(load_ms)));
            let broken = down.filter(|span| begin < span.1 && span.0 < end).map(|span| span.1).next();
            match closed.or(broken) {
                Some(u64::MAX) => return u64::MAX,
                Some(until) => begin = until,
                None => return end,
            }
        }
    }
}

/// When a seat is not there: from each break until it, or its card, is mended.
fn down(seat: &crate::fleet::SeatFacts, faults: &[Outage]) -> Vec<Span> {
    let mine =
        |fault: &&Outage| fault.seat.as_ref() == Some(&seat.seat) || (fault.gpu.is_some() && fault.gpu == seat.card);
    let mut changes: Vec<(u64, bool)> = Vec::new();
    for fault in faults.iter().filter(mine) {
        changes.push((ms(fault.at_s), false));
        changes.extend(fault.back_s.map(|back| (ms(back), true)));
    }
    // When one ends as another begins, it counts as there: the bound must not be too high.
    changes.sort_unstable();
    let (mut spans, mut since) = (Vec::new(), None);
    for (at, back) in changes {
        match (back, since) {
            (false, None) => since = Some(at),
            (true, Some(from)) => {
                if at > from {
                    spans.push((from, at));
                }
                since = None;
            }
            _ => {}
        }
    }
    spans.extend(since.map(|from| (from, u64::MAX)));
    spans
}

/// When nothing may begin on a card because other programs use enough of its memory.
fn taken(card: &str, by: &Hindrances<'_>) -> Vec<Span> {
    let yielding = by.rules.yielding;
    if yielding.from_mib == 0 {
        return Vec::new();
    }
    // A card that was lost and comes back is not waited for a second time.
    let lost = by.faults.iter().any(|fault| fault.gpu.as_deref() == Some(card));
    let back_after_ms = if lost { 0 } else { yielding.back_after_ms };
    let mut at: BTreeMap<u64, i64> = BTreeMap::new();
    for one in by.foreign.iter().filter(|one| one.gpu == card && one.to_s > one.from_s) {
        *at.entry(ms(one.from_s)).or_default() += one.mib as i64;
        *at.entry(ms(one.to_s)).or_default() -= one.mib as i64;
    }
    let (mut spans, mut used, mut since): (Vec<Span>, i64, Option<u64>) = (Vec::new(), 0, None);
    for (moment, change) in at {
        used += change;
        let has = used >= yielding.from_mib as i64;
        match (has, since) {
            (true, None) => since = Some(moment),
            (false, Some(from)) => {
                let until = moment.saturating_add_signed(back_after_ms);
                match spans.last_mut() {
                    Some(last) if last.1 >= from => last.1 = until,
                    _ => spans.push((from, until)),
                }
                since = None;
            }
            _ => {}
        }
    }
    spans.extend(since.map(|from| (from, u64::MAX)));
    spans
}

/// How much several lanes do in all, each at a pace of its own, with stretches in which one does nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Capacity {
    /// Moments from which on all lanes together have this pace; in order.
    steps: Vec<(u64, f64)>,
}

impl Capacity {
    /// Of lanes with their pace and the spans in which each does nothing.
    pub fn of(lanes: impl Iterator<Item = (f64, Vec<Span>)>) -> Self {
        let mut changes: BTreeMap<u64, f64> = BTreeMap::from([(0, 0.0)]);
        for (pace, gone) in lanes {
            *changes.entry(0).or_default() += pace;
            for (from, until) in gone {
                *changes.entry(from).or_default() -= pace;
                if until < u64::MAX {
                    *changes.entry(until).or_default() += pace;
                }
            }
        }
        let mut now = 0.0;
        let steps = changes.into_iter().map(|(at, change)| {
            now += change;
            (at, f64::max(now, 0.0))
        });
        Self { steps: steps.collect() }
    }

    /// The earliest moment by which `work` (milliseconds at pace 1) can be done that begins at `from` or later; `from`
    /// when it can never be.
    pub fn done(&self, from: u64, work: f64) -> u64 {
        let (mut left, first) = (work, self.steps.partition_point(|step| step.0 <= from).saturating_sub(1));
        for (number, (at, pace)) in self.steps.iter().enumerate().skip(first) {
            let begin = from.max(*at);
            let until = self.steps.get(number + 1).map_or(u64::MAX, |next| next.0);
            let could = if until == u64::MAX { f64::INFINITY } else { (until - begin) as f64 * pace };
            if *pace > 1e-9 && could >= left {
                return begin + (left / pace) as u64;
            }
            if until == u64::MAX {
                return from;
            }
            left -= could;
        }
        from
    }
}

/// Spans as one list without overlaps, in order.
pub(super) fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut all: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans.into_iter().filter(|span| span.1 > span.0) {
        match all.last_mut() {
            Some(last) if last.1 >= span.0 => last.1 = last.1.max(span.1),
            _ => all.push(span),
        }
    }
    all
}
