//! Build: one course of events drawn from a scenario, the same whoever orders the work.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::scenario::{JobSpec, Per, Scenario, StepSpec};
use crate::{
    chance::Chance,
    fleet::{CardFacts, ModelFacts, SeatFacts},
    ids::TaskId,
    schedule::{Need, Submission},
    units::Millis,
};

/// The engine of gates: the studio itself, which is never busy.
pub(super) const STUDIO: &str = "studio";

/// One piece of work and what will come of it.
#[derive(Debug, Clone)]
pub struct Piece {
    /// What the scheduler is told.
    pub submission: Submission,
    /// What people call it.
    pub label: String,
    /// When it is asked for.
    pub at: Millis,
    /// How long it takes on a card of speed 1, in milliseconds.
    pub takes_ms: u64,
    /// How long it takes on cards that are known better, by name, in milliseconds.
    pub on: BTreeMap<String, u64>,
    /// Memory it really uses, in MiB.
    pub peak_mib: u64,
    /// What it decides, when it is a gate.
    pub gate: Option<Gate>,
    /// Only asked for when a gate rejects what was before.
    pub later: bool,
    /// What must have ended before a further take is asked for; for the bound.
    pub after: Option<TaskId>,
}

/// A gate: the takes and their reviews in the order they will be made; the last one counts.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Take and review.
    pub takes: Vec<(TaskId, TaskId)>,
}

/// Everything that will happen.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// By task, in the order they are asked for.
    pub pieces: Vec<Piece>,
    /// Where a task is in `pieces`.
    pub index: BTreeMap<TaskId, usize>,
    /// Cards as they say of themselves.
    pub cards: Vec<CardFacts>,
    /// How fast cards are, by name.
    pub speed: BTreeMap<String, f64>,
    /// Watts of cards, idle and busy, by name.
    pub watts: BTreeMap<String, (f64, f64)>,
    /// Processes of engines, as they say of themselves.
    pub seats: Vec<SeatFacts>,
    /// Memory and loading times of models, by name.
    pub models: BTreeMap<String, ModelFacts>,
}

impl Course {
    /// Adds a piece.
    pub fn push(&mut self, piece: Piece) {
        self.index.insert(piece.submission.task, self.pieces.len());
        self.pieces.push(piece);
    }

    /// The piece of a task.
    pub fn piece(&self, task: TaskId) -> Option<&Piece> {
        self.index.get(&task).map(|at| &self.pieces[*at])
    }

    /// How long a piece takes on a card, in milliseconds.
    pub fn takes_ms(&self, piece: &Piece, card: Option<&str>) -> u64 {
        if let Some(known) = piece.on.get(card.unwrap_or_default()) {
            return *known;
        }
        let speed = card.and_then(|card| self.speed.get(card)).copied().unwrap_or(1.0);
        (piece.takes_ms as f64 / speed).round() as u64
    }
}

fn ms(seconds: f64) -> u64 {
    (seconds * 1000.0).round().max(0.0) as u64
}

/// Draws what will happen.
pub fn course(scenario: &Scenario, seed: u64) -> Course {
    let mut course = Course::default();
    for gpu in &scenario.gpu {
        let facts = CardFacts {
            reserve_mib: gpu.reserve_mib,
            lanes: gpu.lanes,
            slow_first: gpu.slow_first,
            ..CardFacts::new(&gpu.name, gpu.vram_mib)
        };
        course.cards.push(facts);
        course.speed.insert(gpu.name.clone(), gpu.speed);
        course.watts.insert(gpu.name.clone(), (gpu.watts_idle, gpu.watts_busy));
    }
    course.seats = scenario
        .seat
        .iter()
        .map(|seat| SeatFacts {
            seat: seat.name().to_owned(),
            engine: seat.engine.clone(),
            card: seat.gpu.clone(),
            parallel: seat.parallel.max(1),
            queue_ahead: seat.queue_ahead,
            holds: seat.holds,
            spacing_ms: ms(seat.spacing_s),
            lacks: std::collections::BTreeSet::new(),
        })
        .collect();
    course.seats.push(SeatFacts { parallel: usize::MAX, ..SeatFacts::cpu(STUDIO, 1) });
    for model in &scenario.model {
        let facts = ModelFacts { vram_mib: model.vram_mib, load_ms: ms(model.load_s), unload_ms: ms(model.unload_s) };
        course.models.insert(model.name.clone(), facts);
    }
    for job in &scenario.job {
        for time in 0..job.times {
            let at = Millis(ms(job.at_s + job.every_s * time as f64) as i64);
            Writer { course: &mut course, job, seed, at, time, done: BTreeMap::new() }.job();
        }
    }
    course
}

/// Name, scene and shot of a step; 0 where it has none.
type Spot<'a> = (&'a str, usize, usize);

/// What others wait for, and the take they may begin early from.
#[derive(Clone, Copy)]
struct Done {
    task: TaskId,
    take: Option<TaskId>,
}

struct Writer<'a> {
    course: &'a mut Course,
    job: &'a JobSpec,
    seed: u64,
    at: Millis,
    time: usize,
    done: BTreeMap<Spot<'a>, Done>,
}

impl<'a> Writer<'a> {
    /// Shot by shot, then what is done for a scene, then what is done for everything.
    fn job(&mut self) {
        let job = self.job;
        let of = |per: Per| job.step.iter().filter(move |step| step.per == per);
        for scene in 1..=job.scenes {
            // What a scene needs for its shots comes first.
            let for_shots =
                |step: &&StepSpec| job.step.iter().any(|one| one.per == Per::Shot && one.needs.contains(&step.name));
            of(Per::Scene).filter(for_shots).for_each(|step| self.step(step, scene, 0));
            for shot in 1..=job.shots {
                of(Per::Shot).for_each(|step| self.step(step, scene, shot));
            }
            of(Per::Scene).filter(|step| !for_shots(step)).for_each(|step| self.step(step, scene, 0));
        }
        of(Per::Job).for_each(|step| self.step(step, 0, 0));
    }

    fn step(&mut self, step: &'a StepSpec, scene: usize, shot: usize) {
        // Reviews are written with what they judge.
        if !step.reviews.is_empty() {
            return;
        }
        let needs = self.needs(step, scene, shot);
        let review = self.job.step.iter().find(|one| one.reviews == step.name);
        let take = self.piece(step, scene, shot, 1, needs.clone(), None);
        let spot = (step.name.as_str(), scene, shot);
        let Some(review) = review else {
            self.done.insert(spot, Done { task: take, take: None });
            return;
        };
        let first = self.review(review, scene, shot, 1, take, None);
        let mut takes = vec![(take, first)];
        while takes.len() < review.takes && self.rejected(review, scene, shot, takes.len()) {
            let (number, before) = (takes.len() + 1, takes[takes.len() - 1].1);
            let take = self.piece(step, scene, shot, number, needs.clone(), Some(before));
            let judged = self.review(review, scene, shot, number, take, Some(before));
            takes.push((take, judged));
        }
        let gate = self.gate(step, scene, shot, takes);
        self.done.insert(spot, Done { task: gate, take: Some(take) });
        self.done.insert((review.name.as_str(), scene, shot), Done { task: gate, take: None });
    }

    fn rejected(&self, review: &StepSpec, scene: usize, shot: usize, number: usize) -> bool {
        Chance::of(self.seed, &self.label(review, scene, shot, number)).happens(review.rejects)
    }

    fn label(&self, step: &StepSpec, scene: usize, shot: usize, number: usize) -> String {
        let mut label = self.job.name.clone();
        if self.job.times > 1 {
            label = format!("{label} {}", self.time + 1);
        }
        match (scene, shot) {
            (0, _) => {}
            (scene, 0) => label = format!("{label}/scene {scene}"),
            (scene, shot) => label = format!("{label}/scene {scene}/shot {shot}"),
        }
        label = format!("{label}/{}", step.name);
        if number > 1 { format!("{label} {number}") } else { label }
    }

    fn needs(&self, step: &'a StepSpec, scene: usize, shot: usize) -> Vec<Need> {
        let (job, mut needs) = (self.job, Vec::new());
        for name in &step.needs {
            let (name, before) = name.strip_prefix("previous ").map_or((name.as_str(), false), |name| (name, true));
            let Some(of) = job.step.iter().find(|one| one.name == name) else { continue };
            let scenes = if step.per == Per::Job { 1..=job.scenes } else { scene..=scene };
            let spots: Vec<Spot<'a>> = match of.per {
                Per::Job => vec![(name, 0, 0)],
                Per::Scene => scenes.map(|scene| (name, scene, 0)).collect(),
                Per::Shot if before => (shot > 1).then(|| (name, scene, shot - 1)).into_iter().collect(),
                Per::Shot if step.per == Per::Shot => vec![(name, scene, shot)],
                Per::Shot => scenes.flat_map(|scene| (1..=job.shots).map(move |shot| (name, scene, shot))).collect(),
            };
            for done in spots.iter().filter_map(|spot| self.done.get(spot)) {
                let speculative = if before { done.take } else { None };
                needs.push(Need { task: done.task, optional: false, speculative });
            }
        }
        needs
    }

    fn fresh(&self) -> TaskId {
        TaskId(Uuid::from_u128(self.course.pieces.len() as u128 + 1))
    }

    fn piece(
        &mut self,
        step: &StepSpec,
        scene: usize,
        shot: usize,
        number: usize,
        needs: Vec<Need>,
        after: Option<TaskId>,
    ) -> TaskId {
        let task = self.fresh();
        let label = self.label(step, scene, shot, number);
        let mut chance = Chance::of(self.seed ^ 0x5eed, &label);
        let takes_ms = (step.seconds * 1000.0 * chance.factor(step.spread)).round() as u64;
        let model = self.course.models.get(&step.model).map_or(0, |model| model.vram_mib);
        let need_mib = model.max(step.vram_mib);
        // The same kind of work needs the same memory every time.
        let share = Chance::of(self.seed, &format!("{} {}", step.model, step.name)).between(0.85, 1.0);
        let peak_mib = (need_mib as f64 * share) as u64;
        let submission = Submission {
            engine: step.engine.clone(),
            model: step.model.clone(),
            kind: step.name.clone(),
            project: self.job.name.clone(),
            needs,
            guess_ms: ms(step.seconds),
            need_mib: step.vram_mib,
            ..Submission::plain(task, "", self.job.class)
        };
        let (at, later) = (self.at, after.is_some());
        self.course.push(Piece {
            submission,
            label,
            at,
            takes_ms,
            on: BTreeMap::new(),
            peak_mib,
            gate: None,
            later,
            after,
        });
        task
    }

    fn review(
        &mut self,
        review: &StepSpec,
        scene: usize,
        shot: usize,
        number: usize,
        take: TaskId,
        after: Option<TaskId>,
    ) -> TaskId {
        let task = self.piece(review, scene, shot, number, vec![Need::must(take)], after);
        if let Some(last) = self.course.pieces.last_mut() {
            last.submission.judges = Some(take);
        }
        task
    }

    fn gate(&mut self, step: &StepSpec, scene: usize, shot: usize, takes: Vec<(TaskId, TaskId)>) -> TaskId {
        let task = self.fresh();
        let label = format!("{} gate", self.label(step, scene, shot, 1));
        let submission = Submission {
            project: self.job.name.clone(),
            needs: vec![Need::must(takes[0].1)],
            ..Submission::plain(task, STUDIO, self.job.class)
        };
        let (at, gate) = (self.at, Some(Gate { takes }));
        self.course.push(Piece {
            submission,
            label,
            at,
            takes_ms: 0,
            on: BTreeMap::new(),
            peak_mib: 0,
            gate,
            later: false,
            after: None,
        });
        task
    }
}
