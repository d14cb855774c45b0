//! Report: what a simulated studio took, against what nobody could beat.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    bound::Bound,
    build::Course,
    world::{What, World},
};
use crate::{fleet::Policy, ids::TaskId, schedule::SwapReason, task::Class};

/// How a policy did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Whose order of work it was: the studio's own, or one beside it.
    pub policy: Policy,
    /// From the beginning to the last result, in milliseconds.
    pub makespan_ms: u64,
    /// Against the bound.
    pub ratio: f64,
    /// How each card was used, in the order of the scenario.
    pub cards: Vec<CardReport>,
    /// Models that came to a card.
    pub swaps: usize,
    /// Those in place of something that work was waiting for.
    pub costly_swaps: usize,
    /// Waits from ready to computing, by class.
    pub waits: BTreeMap<Class, Waits>,
    /// Energy in watt-hours.
    pub energy_wh: f64,
    /// What that costs.
    pub money: f64,
    /// Attempts begun from a take nobody had judged: how many, and how many of them for nothing.
    #[serde(rename = "early")]
    pub speculative: (usize, usize),
    /// What those for nothing cost, in milliseconds.
    #[serde(rename = "early_lost_ms")]
    pub speculative_lost_ms: u64,
    /// Tasks that ended without a result.
    pub rejected: usize,
    /// What the scheduler did that it must not.
    pub wrong: Vec<String>,
    /// Calls of `step`.
    pub steps: u64,
}

/// How a card did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CardReport {
    /// Name of the card, as the scenario gives it.
    pub card: String,
    /// Share of the time it computed.
    pub busy: f64,
    /// Share of the time models came.
    pub loading: f64,
    /// Share of the time it stood idle although a task it did later could have run.
    pub starved: f64,
    /// Models that came.
    pub swaps: usize,
}

/// Waits of a class, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Waits {
    /// Tasks that began to compute; only those of engines on cards.
    pub count: usize,
    /// Half waited at most this.
    pub p50_ms: u64,
    /// 95 of 100 waited at most this.
    pub p95_ms: u64,
    /// The longest wait of all.
    pub max_ms: u64,
}

impl Waits {
    fn of(mut all: Vec<u64>) -> Self {
        all.sort_unstable();
        let at =
            |percent: usize| all.get(((all.len() * percent).div_ceil(100)).saturating_sub(1)).copied().unwrap_or(0);
        Self { count: all.len(), p50_ms: at(50), p95_ms: at(95), max_ms: all.last().copied().unwrap_or(0) }
    }
}

/// What a world that has ended took.
pub fn report(course: &Course, world: &World<'_>, bound: &Bound, price_kwh: f64) -> Report {
    let end = world.ran.values().filter_map(|ran| ran.done).max().map_or(0, |done| done.0.max(0).unsigned_abs());
    let mut waits: BTreeMap<Class, Vec<u64>> = BTreeMap::new();
    let mut ready_at: BTreeMap<TaskId, i64> = BTreeMap::new();
    for piece in &course.pieces {
        let card = course.seats.iter().any(|seat| seat.engine == piece.submission.engine && seat.card.is_some());
        let Some(ran) = world.ran.get(&piece.submission.task).filter(|_| card) else { continue };
        let ready = piece.submission.needs.iter().filter_map(|need| world.ran.get(&need.task)?.done).max();
        let ready = ready.unwrap_or(piece.at).max(piece.at);
        let ready =
            if piece.later { piece.after.and_then(|task| world.ran.get(&task)?.done).unwrap_or(ready) } else { ready };
        ready_at.insert(piece.submission.task, ready.0);
        if let Some(began) = ran.began {
            let waited = (began.0 - ready.0).max(0).unsigned_abs();
            waits.entry(piece.submission.class).or_default().push(waited);
        }
    }
    let (mut energy_wh, mut swaps, mut costly) = (0.0, 0, 0);
    let (mut speculative, mut speculative_lost_ms) = ((0, 0), 0);
    let ready = |task: &TaskId| ready_at.get(task).copied();
    let mut cards = Vec::new();
    for facts in &course.cards {
        let mine = || world.trace.iter().filter(|one| one.card == facts.card);
        let length = |one: &super::Trace| (one.to.0 - one.from.0).unsigned_abs();
        let busy: u64 = mine().filter(|one| matches!(one.what, What::Run { .. })).map(length).sum();
        let loads: Vec<_> = mine().filter(|one| matches!(one.what, What::Load(_))).collect();
        let loading: u64 = loads.iter().map(|one| length(one)).sum();
        let (idle_w, busy_w) = course.watts.get(&facts.card).copied().unwrap_or_default();
        energy_wh += (busy as f64 * busy_w + end.saturating_sub(busy) as f64 * idle_w) / 3_600_000.0;
        swaps += loads.len();
        costly += loads.iter().filter(|one| matches!(&one.what, What::Load(plan) if costs(plan))).count();
        let share = |ms: u64| if end > 0 { ms as f64 / end as f64 } else { 0.0 };
        cards.push(CardReport {
            card: facts.card.clone(),
            busy: share(busy),
            loading: share(loading),
            starved: share(starved(&mine().collect::<Vec<_>>(), &ready)),
            swaps: loads.len(),
        });
        for one in mine() {
            if let What::Run { speculative: true, good, .. } = one.what {
                speculative.0 += 1;
                if !good {
                    speculative.1 += 1;
                    speculative_lost_ms += length(one);
                }
            }
        }
    }
    Report {
        policy: world.fleet.rules().policy,
        makespan_ms: end,
        ratio: if bound.ms > 0 { end as f64 / bound.ms as f64 } else { 1.0 },
        cards,
        swaps,
        costly_swaps: costly,
        waits: waits.into_iter().map(|(class, all)| (class, Waits::of(all))).collect(),
        money: energy_wh / 1000.0 * price_kwh,
        energy_wh,
        speculative,
        speculative_lost_ms,
        rejected: world.rejected,
        wrong: world.wrong.clone(),
        steps: world.steps,
    }
}

/// How long nothing happened on a card while something that ran there later was ready, in milliseconds.
fn starved(mine: &[&super::Trace], ready: &dyn Fn(&TaskId) -> Option<i64>) -> u64 {
    let mut spans: Vec<(i64, i64)> = mine.iter().map(|one| (one.from.0, one.to.0)).collect();
    spans.sort_unstable();
    let (mut gaps, mut until) = (Vec::new(), 0);
    for (from, to) in spans {
        if from > until {
            gaps.push((until, from));
        }
        until = until.max(to);
    }
    let waited = |(from, to): &(i64, i64)| {
        let could = mine.iter().filter(|one| one.from.0 >= *to).filter_map(|one| match &one.what {
            What::Run { task, speculative: false, .. } => ready(task),
            _ => None,
        });
        let first = could.min().unwrap_or(*to).clamp(*from, *to);
        (to - first).unsigned_abs()
    };
    gaps.iter().map(waited).sum()
}

fn costs(plan: &crate::schedule::SwapPlan) -> bool {
    !plan.unload.is_empty()
        && !matches!(plan.why, SwapReason::Room | SwapReason::NothingLeft | SwapReason::Ahead { .. })
}
