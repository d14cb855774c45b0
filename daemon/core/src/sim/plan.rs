//! Plan: a real fleet run forward, through the same `step`, with what was learned.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::{
    build::{Course, Gate, Piece},
    world::{Faults, What, World},
};
use crate::{
    chance::Chance,
    fleet::{Entry, Fleet, LoadState, Resident, Scope, Stage},
    ids::TaskId,
    schedule::{Event, Need, Submission, SwapPlan, SwapReason},
    units::Millis,
};

/// A gate that may ask for further takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retakes {
    /// Task of the gate, which may ask for further takes.
    pub gate: TaskId,
    /// The take it waits for, or has.
    pub take: TaskId,
    /// The review of that.
    pub review: TaskId,
    /// How likely a take is rejected, 0-1.
    pub rejects: f64,
    /// Takes that may still be asked for.
    pub further: usize,
}

/// A number that is not certain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Spread {
    /// As likely less as more.
    pub median: f64,
    /// Nine of ten times it is at most this.
    pub p90: f64,
}

impl Spread {
    fn of(mut all: Vec<f64>) -> Self {
        all.sort_by(f64::total_cmp);
        let at =
            |percent: usize| all.get((all.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0.0);
        Self { median: at(50), p90: at(90) }
    }
}

/// What is to come.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Foretold {
    /// When each task is done, in milliseconds from now; a task that is not here never is without a person.
    pub tasks: BTreeMap<TaskId, Spread>,
    /// When everything is done that can be, in milliseconds from now.
    pub all: Spread,
    /// Models that will come to a card.
    pub swaps: Spread,
    /// How long each card will compute, in milliseconds.
    pub busy_ms: BTreeMap<String, Spread>,
    /// Tasks that wait for a person.
    pub stuck: Vec<TaskId>,
    /// One likely course of events, in the order in which they begin; at most [`MOST_AHEAD`].
    pub ahead: Vec<Ahead>,
    /// How often the fleet was run forward for this, at least 1.
    pub runs: u32,
    /// Steps of the scheduler all that took.
    pub steps: u64,
}

/// Longest course of events that is told.
pub const MOST_AHEAD: usize = 400;

/// How often a fleet is run forward for a forecast.
pub const RUNS: u32 = 15;
/// Tasks that are run forward for a forecast, those of all runs together, beyond the first run.
const MOST_FORETOLD: usize = 40_000;

/// How often a fleet with so many tasks is run forward: [`RUNS`], and less often the more there is to do, but once at
/// least. What is left to chance evens out over many tasks, so fewer runs tell as much of them.
pub fn runs_for(tasks: usize) -> u32 {
    u32::try_from(MOST_FORETOLD / tasks.max(1)).unwrap_or(RUNS).clamp(1, RUNS)
}

/// Something that is likely to happen.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Ahead {
    /// Where: the card, or the seat of an engine without one.
    pub lane: String,
    /// The task; `None`: a model comes.
    pub task: Option<TaskId>,
    /// The model that comes; empty for a task.
    pub model: String,
    /// When it begins, in milliseconds from now.
    pub from_ms: u64,
    /// When it ends, in milliseconds from now.
    pub to_ms: u64,
}

/// What a course of events was like.
fn ahead(world: &World<'_>, fleet: &Fleet) -> Vec<Ahead> {
    let mut all: Vec<Ahead> = Vec::new();
    for one in &world.trace {
        let (task, model) = match &one.what {
            What::Run { task, .. } if fleet.tasks.contains_key(task) => (Some(*task), String::new()),
            What::Load(swap) => (None, swap.model.clone()),
            _ => continue,
        };
        let lane = one.card.clone();
        let since = |at: Millis| (at.0 - fleet.now.0).max(0).unsigned_abs();
        all.push(Ahead { lane, task, model, from_ms: since(one.from), to_ms: since(one.to) });
    }
    all.sort_by_key(|one| one.from_ms);
    all.truncate(MOST_AHEAD);
    all
}

/// Runs a fleet forward `runs` times, each with other luck: durations are drawn from what was learned, takes are
/// rejected as often as `gates` say. A pause ends when it says so, and what [`Fleet::foresee`] was told of rests comes;
/// tasks in a pause of which nobody knows when it ends rest for ever; only that of `begins` ends at once.
pub fn foretell(fleet: &Fleet, gates: &[Retakes], begins: Option<&Scope>, runs: u32, seed: u64) -> Foretold {
    let (mut ends, mut all, mut swaps) = (BTreeMap::<TaskId, Vec<f64>>::new(), Vec::new(), Vec::new());
    let (mut first, mut steps, runs) = (Vec::new(), 0, runs.max(1));
    let mut busy: BTreeMap<String, Vec<f64>> = fleet.cards.keys().map(|card| (card.clone(), Vec::new())).collect();
    for run in 0..runs {
        let course = course(fleet, gates, seed.wrapping_add(u64::from(run)));
        let mut world = World::of(&course, fleet.clone(), Faults::default(), seed);
        // What was judged before is known to nobody but the gate.
        world.done.extend(gates.iter().map(|gate| gate.review).filter(|review| !fleet.tasks.contains_key(review)));
        begin(&mut world, &course, fleet);
        world.take_up(begins);
        while world.turn() {}
        if run == 0 {
            first = ahead(&world, fleet);
        }
        steps += world.steps;
        let from = fleet.now.0;
        let mut last = 0.0;
        for (task, ran) in &world.ran {
            if let Some(done) = ran.done {
                let at = (done.0 - from) as f64;
                last = f64::max(last, at);
                ends.entry(*task).or_default().push(at);
            }
        }
        all.push(last);
        swaps.push(world.trace.iter().filter(|one| matches!(one.what, What::Load(_))).count() as f64);
        for (card, busy) in &mut busy {
            let mine = world.trace.iter().filter(|one| one.card == *card && matches!(one.what, What::Run { .. }));
            busy.push(mine.map(|one| (one.to.0 - one.from.0) as f64).sum());
        }
    }
    let stuck = fleet.tasks.keys().filter(|task| !ends.contains_key(task)).copied().collect();
    let tasks = ends.into_iter().filter(|(task, _)| fleet.tasks.contains_key(task));
    Foretold {
        tasks: tasks.map(|(task, all)| (task, Spread::of(all))).collect(),
        all: Spread::of(all),
        swaps: Spread::of(swaps),
        busy_ms: busy.into_iter().map(|(card, all)| (card, Spread::of(all))).collect(),
        stuck,
        ahead: first,
        runs,
        steps,
    }
}

/// What may happen to everything that is not finished.
fn course(fleet: &Fleet, gates: &[Retakes], seed: u64) -> Course {
    let mut course = Course {
        cards: fleet.cards.values().map(|card| card.facts.clone()).collect(),
        seats: fleet.seats.values().map(|seat| seat.facts.clone()).collect(),
        models: fleet.models.clone(),
        ..Course::default()
    };
    for (task, entry) in &fleet.tasks {
        course.push(piece(fleet, *task, entry, seed));
    }
    for (number, gate) in gates.iter().enumerate() {
        let Some(at) = course.index.get(&gate.gate).copied() else { continue };
        let mut chance = Chance::of(seed, &gate.gate.to_string());
        let mut takes = vec![(gate.take, gate.review)];
        // A take of a run that is over cannot be planned again: its like is.
        let like = |course: &Course, task: TaskId| course.piece(task).cloned();
        let (take, review) = (like(&course, gate.take), like(&course, gate.review));
        for further in 0..gate.further {
            let (Some(take), Some(review)) = (&take, &review) else { break };
            if !chance.happens(gate.rejects) {
                break;
            }
            let id = |part: u128| {
                TaskId(Uuid::from_u128(u128::MAX - (((number as u128) << 16) | ((further as u128) << 4) | part)))
            };
            let mut next = Piece { later: true, ..take.clone() };
            next.submission.task = id(0);
            next.submission.needs.clear();
            let mut judged = Piece { later: true, ..review.clone() };
            judged.submission.task = id(1);
            judged.submission.needs = vec![Need::must(id(0))];
            judged.submission.judges = Some(id(0));
            course.push(next);
            course.push(judged);
            takes.push((id(0), id(1)));
        }
        course.pieces[at].gate = Some(Gate { takes });
    }
    course
}

fn piece(fleet: &Fleet, task: TaskId, entry: &Entry, seed: u64) -> Piece {
    let group = &entry.group;
    let luck = |name: &str| Chance::of(seed, &format!("{task}{name}"));
    let drawn = |card: &str| {
        let usual = fleet.habits.usual(&group.engine, &group.model, &entry.kind, card)?;
        let ratio = usual.p90_ms.max(1) as f64 / usual.median_ms.max(1) as f64;
        // The 90th percentile of a log-normal distribution is 1.2816 standard deviations out.
        let spread = ratio.ln().max(0.0) / 1.2816;
        Some((usual.median_ms as f64 * luck("time").factor(spread)) as u64)
    };
    let cards = fleet.cards.keys().map(String::as_str).chain([""]);
    let on = cards.filter_map(|card| Some((card.to_owned(), drawn(card)?))).collect();
    let needs = entry.needs.iter().map(|(task, link)| Need {
        task: *task,
        optional: link.optional,
        speculative: link.speculative,
    });
    let submission = Submission {
        model: group.model.clone(),
        kind: entry.kind.clone(),
        project: entry.project.clone(),
        needs: needs.collect(),
        guess_ms: entry.guess_ms,
        need_mib: entry.need_mib,
        ..Submission::plain(task, &group.engine, entry.class)
    };
    let guess = (entry.guess_ms as f64 * luck("guess").factor(0.25)) as u64;
    let peak_mib = fleet.models.get(&group.model).map_or(0, |model| model.vram_mib / 2);
    let label = task.to_string();
    Piece { submission, label, at: fleet.now, takes_ms: guess, on, peak_mib, gate: None, later: false, after: None }
}

/// Puts the world where the fleet is.
fn begin(world: &mut World<'_>, course: &Course, fleet: &Fleet) {
    for (name, seat) in &fleet.seats {
        for (model, one) in seat.loaded.iter().filter(|(_, one)| one.state != LoadState::Coming) {
            world.has(name, model, one.mib);
        }
        for task in &seat.inside {
            let Some(piece) = course.piece(*task) else { continue };
            let entry = &fleet.tasks[task];
            let gone = entry.began.map_or(0, |began| (fleet.now.0 - began.0).unsigned_abs());
            let whole = course.takes_ms(piece, seat.facts.card.as_deref());
            // What has taken longer than drawn will take a little while yet.
            world.goes_on(*task, name, whole.saturating_sub(gone).max(whole / 20));
        }
    }
    for card in fleet.cards.values() {
        if let Some(change) = &card.change
            && let Some(model) = &change.load
        {
            let left = (change.until.0 - fleet.now.0).max(0).unsigned_abs();
            let plan = SwapPlan {
                card: card.facts.card.clone(),
                seat: change.seat.clone(),
                model: model.clone(),
                need_mib: 0,
                unload: leaving(fleet, &card.facts.card),
                why: SwapReason::NothingLeft,
                waiting: 0,
                cost_ms: 0,
                saves_ms: 0,
            };
            world.arrives(plan, left);
        }
    }
    for (task, entry) in &fleet.tasks {
        if entry.stage == Stage::Ahead {
            world.early_done(*task);
        }
    }
    world.feed(Event::Tick);
}

fn leaving(fleet: &Fleet, card: &str) -> Vec<Resident> {
    let all = fleet.seats_on(card).flat_map(|(name, seat)| {
        let gone = seat.loaded.iter().filter(|(_, one)| one.state == LoadState::Leaving);
        gone.map(|(model, _)| Resident { seat: name.clone(), model: model.clone() })
    });
    all.collect()
}

impl Foretold {
    /// When a task is done by the clock: as likely before as after, and with nine chances in ten.
    pub fn when(&self, task: TaskId, clock: Millis) -> Option<(Millis, Millis)> {
        let spread = self.tasks.get(&task)?;
        Some((clock.after(spread.median as i64), clock.after(spread.p90 as i64)))
    }
}
