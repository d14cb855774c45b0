//! World: cards, engines and time, played against the scheduler.

mod checks;
mod rests;
mod trouble;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque},
};

use super::{
    build::{Course, Piece},
    scenario::{Foreign, Outage},
};
use crate::{
    chance::Chance,
    failure::{Cause, FailureKind},
    fleet::{Fleet, Policy, Resident, Rules, Scope},
    ids::TaskId,
    schedule::{Effect, Event, Need, SwapPlan, step},
    units::Millis,
};

/// How often a serial studio looks whether something is done, in milliseconds.
const POLL_MS: i64 = 5_000;
/// Steps that may follow from one thing that happened.
const MOST_AT_ONCE: u64 = 20_000;
/// Steps after which a world that does not end is given up.
const MOST_STEPS: u64 = 20_000_000;

/// What goes wrong by chance.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Faults {
    /// Share of attempts that fail and may work the next time.
    pub transient: f64,
    /// Share of model changes that come to nothing.
    pub change: f64,
}

/// Something that happened on a card or seat.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// When it began, in simulated time.
    pub from: Millis,
    /// When it ended, in simulated time.
    pub to: Millis,
    /// Card, or seat of the CPU.
    pub card: String,
    /// Name of the seat; empty for another program on the card.
    pub seat: String,
    /// A task that ran, a model that came, or another program.
    pub what: What,
}

/// What a card or seat was busy with.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A task was done.
    Run {
        /// The task whose attempt computed.
        task: TaskId,
        /// It came to something.
        good: bool,
        /// It was begun from a take nobody had judged.
        speculative: bool,
    },
    /// A model came.
    Load(SwapPlan),
    /// Another program was there.
    Foreign(String),
}

/// How one task went.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Ran {
    /// When it began to compute at last.
    pub began: Option<Millis>,
    /// When its result was there.
    pub done: Option<Millis>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    Arrive(usize),
    End { seat: String, task: TaskId, run: u64 },
    Gone { change: u64, what: Resident },
    Came { change: u64, seat: String },
    Foreign { gpu: String },
    Break(usize),
    Mend(usize),
    Told { task: TaskId, run: u64 },
    Rest(usize),
    Resume(Scope),
    Tick,
}

#[derive(Debug, Default)]
struct Place {
    card: Option<String>,
    parallel: usize,
    slots: usize,
    here: bool,
    queue: VecDeque<(TaskId, u64, bool)>,
    computing: BTreeMap<TaskId, (u64, Millis)>,
    loaded: BTreeMap<String, u64>,
}

/// A world in which a course of events takes place.
pub struct World<'a> {
    course: &'a Course,
    /// The scheduler's memory.
    pub fleet: Fleet,
    /// The simulated moment; it only moves forward.
    pub now: Millis,
    heap: BinaryHeap<Reverse<(i64, u64, Happens)>>,
    number: u64,
    /// The next look at the clock that is in the heap: every step asks for one, and one is enough.
    look: Option<i64>,
    places: BTreeMap<String, Place>,
    foreign: Vec<Foreign>,
    faults: Vec<Outage>,
    by_chance: Faults,
    seed: u64,
    changing: BTreeMap<String, (u64, SwapPlan, Millis)>,
    submitted: BTreeSet<TaskId>,
    /// Results, made or adopted.
    pub done: BTreeSet<TaskId>,
    /// Attempts and results that stand on a take nobody has judged, and that take.
    ahead: BTreeMap<TaskId, TaskId>,
    /// Results among those.
    speculative: BTreeSet<TaskId>,
    tried: BTreeMap<TaskId, u64>,
    /// How each task went.
    pub ran: BTreeMap<TaskId, Ran>,
    /// Everything that happened.
    pub trace: Vec<Trace>,
    /// What the scheduler did that it must not.
    pub wrong: Vec<String>,
    /// Tasks that ended without a result.
    pub rejected: usize,
    /// Calls of `step`.
    pub steps: u64,
}

impl<'a> World<'a> {
    /// A world at time 0 with everything idle; tasks arrive as the course says.
    pub fn new(
        course: &'a Course,
        rules: Rules,
        foreign: &[Foreign],
        faults: &[Outage],
        by_chance: Faults,
        seed: u64,
    ) -> Self {
        let mut world = Self::of(course, Fleet::new(rules), by_chance, seed);
        (world.foreign, world.faults) = (foreign.to_vec(), faults.to_vec());
        world.feed(Event::ModelsChanged(course.models.clone()));
        for facts in &course.cards {
            let facts = world.facts(facts);
            world.feed(Event::GpuSeen(facts));
        }
        for facts in &course.seats {
            world.feed(Event::EngineSeen(facts.clone()));
        }
        let mut at: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (number, piece) in course.pieces.iter().enumerate().filter(|(_, piece)| !piece.later) {
            at.entry(piece.at.0).or_default().push(number);
        }
        for number in at.into_values().flatten() {
            world.at(course.pieces[number].at, Happens::Arrive(number));
        }
        for one in world.foreign.clone() {
            for moment in [one.from_s, one.to_s] {
                world.at(Millis(ms(moment)), Happens::Foreign { gpu: one.gpu.clone() });
            }
        }
        for (number, fault) in world.faults.clone().iter().enumerate() {
            world.at(Millis(ms(fault.at_s)), Happens::Break(number));
            if let Some(back) = fault.back_s {
                world.at(Millis(ms(back)), Happens::Mend(number));
            }
        }
        world
    }

    /// A world around a fleet that is there already, at the fleet's own time.
    pub fn of(course: &'a Course, mut fleet: Fleet, by_chance: Faults, seed: u64) -> Self {
        // In here the fleet's own time is the clock.
        (fleet.clock, fleet.skew_ms) = (Some(fleet.now), 0);
        let place = |facts: &crate::fleet::SeatFacts| Place {
            card: facts.card.clone(),
            parallel: facts.parallel,
            slots: facts.parallel.saturating_add(facts.queue_ahead),
            here: true,
            ..Place::default()
        };
        Self {
            course,
            now: fleet.now,
            fleet,
            heap: BinaryHeap::new(),
            number: 0,
            look: None,
            places: course.seats.iter().map(|facts| (facts.seat.clone(), place(facts))).collect(),
            foreign: Vec::new(),
            faults: Vec::new(),
            by_chance,
            seed,
            changing: BTreeMap::new(),
            submitted: BTreeSet::new(),
            done: BTreeSet::new(),
            ahead: BTreeMap::new(),
            speculative: BTreeSet::new(),
            tried: BTreeMap::new(),
            ran: BTreeMap::new(),
            trace: Vec::new(),
            wrong: Vec::new(),
            rejected: 0,
            steps: 0,
        }
    }

    /// Puts a model into a seat, as if it had been there before.
    pub(super) fn has(&mut self, seat: &str, model: &str, mib: u64) {
        if let Some(place) = self.places.get_mut(seat) {
            place.loaded.insert(model.to_owned(), mib);
        }
    }

    /// Goes on with a task that runs, and is done in `left_ms` at the earliest.
    pub(super) fn goes_on(&mut self, task: TaskId, seat: &str, left_ms: u64) {
        let run = self.next_number();
        self.submitted.insert(task);
        let Some(place) = self.places.get_mut(seat) else { return };
        if place.computing.len() >= place.parallel {
            return place.queue.push_back((task, run, false));
        }
        place.computing.insert(task, (run, self.now));
        self.ran.entry(task).or_default().began = Some(self.now);
        self.at(self.now.after(left_ms as i64), Happens::End { seat: seat.to_owned(), task, run });
    }

    /// The result of a task that was begun early is there.
    pub(super) fn early_done(&mut self, task: TaskId) {
        self.speculative.insert(task);
    }

    /// Lets a model that is on its way arrive.
    pub(super) fn arrives(&mut self, plan: SwapPlan, left_ms: u64) {
        let change = self.next_number();
        let seat = plan.seat.clone();
        self.changing.insert(seat.clone(), (change, plan, self.now));
        self.at(self.now.after(left_ms as i64), Happens::Came { change, seat });
    }

    fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    fn at(&mut self, moment: Millis, what: Happens) {
        let number = self.next_number();
        self.heap.push(Reverse((moment.0, number, what)));
    }

    /// Lets everything happen until nothing is left.
    pub fn run(&mut self) {
        while self.turn() {}
        let open = self.fleet.unfinished();
        let out =
            self.course.pieces.iter().filter(|piece| !piece.later && !self.submitted.contains(&piece.submission.task));
        if open > 0 || out.count() > 0 {
            self.wrong.push(format!("{open} tasks never ended"));
        }
    }

    /// Lets the next thing happen; false when there is none.
    pub fn turn(&mut self) -> bool {
        let Some(Reverse((moment, _, what))) = self.heap.pop() else { return false };
        if self.steps > MOST_STEPS {
            self.wrong.push("it goes on for ever".into());
            return false;
        }
        self.now = self.now.max(Millis(moment));
        self.happen(what);
        // Nothing is left to do: what would only pass time is not waited for.
        !(self.fleet.unfinished() == 0 && self.heap.iter().all(|Reverse((_, _, what))| !matters(what)))
    }

    fn happen(&mut self, what: Happens) {
        match what {
            Happens::Arrive(number) => {
                let submission = self.course.pieces[number].submission.clone();
                self.submitted.insert(submission.task);
                self.feed(Event::Submitted(submission));
            }
            Happens::End { seat, task, run } => self.end(&seat, task, run),
            Happens::Told { task, run } => {
                if self.tried.get(&task) == Some(&run) {
                    self.over(task);
                }
            }
            Happens::Gone { change, what } => {
                let mine = self.changing.values().any(|(number, ..)| *number == change);
                if mine && let Some(place) = self.places.get_mut(&what.seat) {
                    if place
                        .computing
                        .keys()
                        .any(|task| self.course.piece(*task).is_some_and(|p| p.submission.model == what.model))
                    {
                        self.wrong.push(format!("{} was unloaded while it ran", what.model));
                    }
                    place.loaded.remove(&what.model);
                    self.feed(Event::Unloaded(what));
                }
            }
            Happens::Came { change, seat } => self.came(change, &seat),
            Happens::Foreign { gpu } => self.see(&gpu),
            Happens::Break(number) => self.breaks(number),
            Happens::Mend(number) => self.mends(number),
            Happens::Rest(number) => self.rest(number),
            Happens::Resume(scope) => self.feed(Event::Resumed { scope }),
            Happens::Tick => {
                // A later one that was asked for before it is still there, and changes nothing.
                self.look = None;
                self.feed(Event::Tick);
            }
        }
    }

    /// Tells the scheduler something and does what it says.
    pub fn feed(&mut self, event: Event) {
        let mut queue = VecDeque::from([event]);
        let from = self.steps;
        while let Some(event) = queue.pop_front() {
            self.steps += 1;
            if self.steps - from > MOST_AT_ONCE {
                self.wrong.push(format!("it goes round and round, last with {event:?}"));
                return;
            }
            for effect in step(&mut self.fleet, self.now, event) {
                queue.extend(self.perform(effect));
            }
        }
    }

    fn perform(&mut self, effect: Effect) -> Vec<Event> {
        match effect {
            Effect::Run { task, seat, speculative } => return self.start(task, &seat, speculative),
            Effect::Adopt { task } => {
                if self.ahead.contains_key(&task) || !self.speculative.remove(&task) {
                    self.wrong.push(format!("{task} was to be adopted, but stands on nothing"));
                    return vec![lost(task)];
                }
                self.finished(task);
                return vec![Event::Finished { task, found: true, peak_mib: None }];
            }
            Effect::Cancel { task } | Effect::Interrupt { task, .. } => return self.stop(task),
            Effect::Withdraw { task } => {
                let waits = self.places.values().any(|place| place.queue.iter().any(|one| one.0 == task));
                if waits {
                    return self.stop(task);
                }
            }
            Effect::Change(plan) => self.change(plan),
            Effect::Reject { task, .. } => {
                self.rejected += 1;
                self.ran.entry(task).or_default().done = Some(self.now);
            }
            Effect::WakeAt(at) => {
                let at = at.max(self.now);
                if self.look.is_none_or(|look| look > at.0) {
                    self.look = Some(at.0);
                    self.at(at, Happens::Tick);
                }
            }
            // Nobody wants memory back from a studio in thought.
            Effect::Release { seat, .. } => return vec![Event::Freed { seat }],
            Effect::Requeue { .. } | Effect::Quarantine { .. } => {}
        }
        Vec::new()
    }

    fn start(&mut self, task: TaskId, seat: &str, speculative: bool) -> Vec<Event> {
        let Some(piece) = self.course.piece(task) else { return vec![lost(task)] };
        self.check_start(piece, seat, speculative);
        if piece.gate.is_some() {
            return self.decide(task);
        }
        let run = self.next_number();
        self.tried.insert(task, run);
        let Some(place) = self.places.get_mut(seat) else { return vec![lost(task)] };
        if !place.here {
            return vec![lost(task)];
        }
        place.queue.push_back((task, run, speculative));
        if place.queue.len() + place.computing.len() > place.slots {
            self.wrong.push(format!("{seat} was given more than it takes"));
        }
        self.begin(seat);
        Vec::new()
    }

    /// Lets what waits in a seat compute, as far as it goes.
    fn begin(&mut self, seat: &str) {
        loop {
            let Some(place) = self.places.get_mut(seat) else { return };
            if place.computing.len() >= place.parallel {
                return;
            }
            let Some((task, run, speculative)) = place.queue.pop_front() else { return };
            place.computing.insert(task, (run, self.now));
            let card = place.card.clone();
            let Some(piece) = self.course.piece(task) else { continue };
            if let Some(used) = place.loaded.get_mut(&piece.submission.model) {
                *used = (*used).max(piece.peak_mib);
            }
            if speculative && let Some(take) = self.take_of(piece) {
                self.ahead.insert(task, take);
            }
            self.ran.entry(task).or_default().began = Some(self.now);
            let takes = self.course.takes_ms(piece, card.as_deref());
            if let Some(card) = &card {
                self.check_lanes(card);
            }
            self.at(self.now.after(takes as i64), Happens::End { seat: seat.to_owned(), task, run });
        }
    }

    /// The newest take a task could begin early from.
    fn take_of(&self, piece: &Piece) -> Option<TaskId> {
        let need = piece.submission.needs.iter().find(|need| need.speculative.is_some())?;
        let gate = self.course.piece(need.task)?.gate.as_ref()?;
        gate.takes
            .iter()
            .map(|(take, _)| *take)
            .rfind(|take| self.done.contains(take) || self.speculative.contains(take))
    }

    fn end(&mut self, seat: &str, task: TaskId, run: u64) {
        let Some(place) = self.places.get_mut(seat) else { return };
        if place.computing.get(&task).is_none_or(|(number, _)| *number != run) {
            return;
        }
        self.leave(seat, task, true);
        if self.fleet.rules().policy == Policy::Serial {
            // It is found out at the next look.
            let next = (self.now.0 / POLL_MS + 1) * POLL_MS;
            return self.at(Millis(next), Happens::Told { task, run });
        }
        self.over(task);
        self.begin(seat);
    }

    /// An attempt has ended by itself.
    fn over(&mut self, task: TaskId) {
        let Some(piece) = self.course.piece(task) else { return };
        let run = self.tried.get(&task).copied().unwrap_or(0);
        let fails = self.by_chance.transient > 0.0
            && Chance::of(self.seed ^ run, &piece.label).happens(self.by_chance.transient);
        if fails {
            self.ahead.remove(&task);
            return self.feed(Event::Failed { task, cause: Cause::attempt(FailureKind::Transient, "by chance") });
        }
        if self.ahead.contains_key(&task) {
            self.speculative.insert(task);
        } else {
            self.finished(task);
        }
        self.feed(Event::Finished { task, found: false, peak_mib: Some(piece.peak_mib) });
    }

    fn finished(&mut self, task: TaskId) {
        if !self.done.insert(task) {
            self.wrong.push(format!("{task} ended twice"));
        }
        self.ran.entry(task).or_default().done = Some(self.now);
    }

    /// Takes a task out of its seat.
    fn leave(&mut self, seat: &str, task: TaskId, good: bool) {
        let Some(place) = self.places.get_mut(seat) else { return };
        place.queue.retain(|one| one.0 != task);
        if let Some((_, from)) = place.computing.remove(&task) {
            let card = place.card.clone().unwrap_or_else(|| seat.to_owned());
            let what = What::Run { task, good, speculative: self.ahead.contains_key(&task) };
            self.trace.push(Trace { from, to: self.now, card, seat: seat.to_owned(), what });
        }
    }

    fn stop(&mut self, task: TaskId) -> Vec<Event> {
        let seats = self
            .places
            .iter()
            .filter(|(_, place)| place.computing.contains_key(&task) || place.queue.iter().any(|one| one.0 == task));
        let Some(seat) = seats.map(|(seat, _)| seat.clone()).next() else { return Vec::new() };
        self.leave(&seat, task, false);
        self.ahead.remove(&task);
        self.begin(&seat);
        vec![lost(task)]
    }

    fn decide(&mut self, task: TaskId) -> Vec<Event> {
        let Some(gate) = self.course.piece(task).and_then(|piece| piece.gate.clone()) else { return vec![lost(task)] };
        let judged = gate.takes.iter().filter(|(_, review)| self.done.contains(review)).count();
        let Some((take, _)) = judged.checked_sub(1).and_then(|at| gate.takes.get(at)).copied() else {
            return vec![lost(task)];
        };
        let Some((next, review)) = gate.takes.get(judged).copied() else {
            // What stands on this take stands on the right one.
            self.ahead.retain(|_, base| *base != take);
            self.finished(task);
            return vec![Event::Finished { task, found: false, peak_mib: None }];
        };
        let mut events = Vec::new();
        for one in [next, review] {
            // After a restart some of it may be there.
            if let Some(piece) = self.course.piece(one).filter(|_| !self.done.contains(&one)) {
                self.submitted.insert(one);
                events.push(Event::Submitted(piece.submission.clone()));
            }
        }
        for (before, _) in &gate.takes[..judged] {
            self.void(*before);
        }
        // Whoever hears of the gate for the first time hears of all takes before.
        for (before, _) in &gate.takes[..judged] {
            events.push(Event::Judged { take: *before, instead: Some(next) });
        }
        events.push(Event::Deferred { task, needs: vec![Need::must(review)] });
        events
    }

    /// What stands on a take is worth nothing; one that still runs is stopped by the scheduler.
    fn void(&mut self, take: TaskId) {
        let mut gone = vec![take];
        while let Some(base) = gone.pop() {
            let on: Vec<TaskId> = self.ahead.iter().filter(|(_, on)| **on == base).map(|(task, _)| *task).collect();
            for task in on {
                self.speculative.remove(&task);
                if !self.places.values().any(|place| place.computing.contains_key(&task)) {
                    self.ahead.remove(&task);
                }
                gone.push(task);
            }
        }
    }

    fn change(&mut self, plan: SwapPlan) {
        let change = self.next_number();
        let had = self.places.get(&plan.seat).and_then(|place| place.loaded.get(&plan.model)).copied().unwrap_or(0);
        self.check_room(&plan.card.clone(), ((plan.need_mib as f64 * 0.8) as u64).saturating_sub(had), &plan.unload);
        let mut at = self.now;
        for gone in &plan.unload {
            let unload_ms = self.course.models.get(&gone.model).map_or(0, |model| model.unload_ms);
            at = at.after(unload_ms as i64);
            self.at(at, Happens::Gone { change, what: gone.clone() });
        }
        let load_ms = self.course.models.get(&plan.model).map_or(0, |model| model.load_ms);
        let seat = plan.seat.clone();
        self.changing.insert(seat.clone(), (change, plan, self.now));
        self.at(at.after(load_ms as i64), Happens::Came { change, seat });
    }

    fn came(&mut self, change: u64, seat: &str) {
        if self.changing.get(seat).is_none_or(|(number, ..)| *number != change) {
            return;
        }
        let Some((_, plan, from)) = self.changing.remove(seat) else { return };
        if self.by_chance.change > 0.0 && Chance::of(self.seed ^ change, seat).happens(self.by_chance.change) {
            let cause = Cause::attempt(FailureKind::Transient, "by chance");
            return self.feed(Event::ChangeFailed { seat: seat.to_owned(), cause });
        }
        let used = (plan.need_mib as f64 * 0.8) as u64;
        if let Some(place) = self.places.get_mut(seat) {
            place.loaded.insert(plan.model.clone(), used);
        }
        let (card, what) = (plan.card.clone(), What::Load(plan.clone()));
        self.trace.push(Trace { from, to: self.now, card: card.clone(), seat: seat.to_owned(), what });
        self.feed(Event::Loaded(Resident { seat: seat.to_owned(), model: plan.model }));
    }
}

fn ms(seconds: f64) -> i64 {
    (seconds * 1000.0) as i64
}

/// Whether something more can come of it than a look at the clock.
fn matters(what: &Happens) -> bool {
    use Happens::{Break, Foreign, Mend, Rest, Resume, Tick};
    !matches!(what, Tick | Foreign { .. } | Break(_) | Mend(_) | Rest(_) | Resume(_))
}

fn lost(task: TaskId) -> Event {
    Event::Failed { task, cause: Cause::attempt(FailureKind::Lost, "it was lost") }
}
