//! Scenario: what a simulated studio has and what is asked of it. Every key is explained in `docs/sim.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    fleet::{Holds, Rules},
    nearest::nearest,
    task::Class,
};

/// A simulated studio.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows.
    pub title: String,
    /// What it draws its numbers from, unless the command line says otherwise.
    #[serde(default)]
    pub seed: u64,
    /// Price of a kilowatt-hour.
    #[serde(default)]
    pub price_kwh: f64,
    /// Settings of the scheduler that differ from the usual ones.
    #[serde(default)]
    pub rules: Rules,
    /// Graphics cards the studio has.
    #[serde(default)]
    pub gpu: Vec<Gpu>,
    /// Processes of engines.
    pub seat: Vec<SeatSpec>,
    /// Models that steps may ask for.
    #[serde(default)]
    pub model: Vec<ModelSpec>,
    /// What is asked for.
    pub job: Vec<JobSpec>,
    /// Other programs on the cards.
    #[serde(default)]
    pub foreign: Vec<Foreign>,
    /// Cards that are lost and processes that die, and when.
    #[serde(default)]
    pub fault: Vec<Outage>,
}

/// A graphics card of the simulated studio.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// Its name, unique; seats, other programs and faults refer to it.
    pub name: String,
    /// Memory in MiB.
    pub vram_mib: u64,
    /// Never booked, in MiB.
    #[serde(default)]
    pub reserve_mib: u64,
    /// Attempts that compute at a time.
    #[serde(default = "one")]
    pub lanes: usize,
    /// How fast it is; 2 takes half the time.
    #[serde(default = "unit")]
    pub speed: f64,
    /// Watts while idle.
    #[serde(default)]
    pub watts_idle: f64,
    /// Watts while it computes.
    #[serde(default)]
    pub watts_busy: f64,
    /// First runs of a size compile (`ROCm`).
    #[serde(default)]
    pub slow_first: bool,
}

/// A process of an engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatSpec {
    /// Its name; the engine's when left out.
    #[serde(default)]
    pub name: Option<String>,
    /// The engine it is of.
    pub engine: String,
    /// Its card; the CPU when left out.
    #[serde(default)]
    pub gpu: Option<String>,
    /// Attempts that compute at a time.
    #[serde(default = "one")]
    pub parallel: usize,
    /// Attempts that may wait inside beside those.
    #[serde(default)]
    pub queue_ahead: usize,
    /// `one` model at a time, or `many`.
    #[serde(default)]
    pub holds: Holds,
    /// Least seconds between two beginnings.
    #[serde(default)]
    pub spacing_s: f64,
}

impl SeatSpec {
    /// The name it goes by: its own, else that of its engine.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.engine)
    }
}

/// A model that steps may ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// The name by which steps ask for it.
    pub name: String,
    /// Memory it needs in MiB.
    pub vram_mib: u64,
    /// Seconds it takes to load.
    pub load_s: f64,
    /// Seconds it takes to leave.
    #[serde(default)]
    pub unload_s: f64,
}

/// Work that arrives together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// Its name; also its project.
    pub name: String,
    /// Seconds from the beginning until it arrives.
    #[serde(default)]
    pub at_s: f64,
    /// It arrives this often.
    #[serde(default = "one")]
    pub times: usize,
    /// Seconds between two arrivals.
    #[serde(default)]
    pub every_s: f64,
    /// Who waits for it.
    #[serde(default = "production")]
    pub class: Class,
    /// Scenes it has.
    #[serde(default = "one")]
    pub scenes: usize,
    /// Shots each scene has.
    #[serde(default = "one")]
    pub shots: usize,
    /// What is to be done.
    pub step: Vec<StepSpec>,
}

/// How often a step is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Once for every shot.
    #[default]
    Shot,
    /// Once for every scene.
    Scene,
    /// Once for the whole job.
    Job,
}

/// One kind of work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSpec {
    /// Its name, unique in the job.
    pub name: String,
    /// Whether it is done for every shot, every scene, or once for the job.
    #[serde(default)]
    pub per: Per,
    /// The engine that does it.
    pub engine: String,
    /// With which model.
    #[serde(default)]
    pub model: String,
    /// Seconds it usually takes on a card of speed 1.
    pub seconds: f64,
    /// How much durations differ: standard deviation of their logarithm.
    #[serde(default)]
    pub spread: f64,
    /// Memory it needs in MiB when that is more than its model's.
    #[serde(default)]
    pub vram_mib: u64,
    /// Names of steps that come first: of the same shot, of all shots of the same scene, of everything. `previous NAME`
    /// is the shot before.
    #[serde(default)]
    pub needs: Vec<String>,
    /// The step it judges. What needs that step waits for the judgement.
    #[serde(default)]
    pub reviews: String,
    /// How likely a take is rejected.
    #[serde(default)]
    pub rejects: f64,
    /// Takes in all; the last one counts whatever is said of it.
    #[serde(default = "three")]
    pub takes: usize,
}

/// Another program on a card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foreign {
    /// Name of the program.
    pub who: String,
    /// Name of the card it uses.
    pub gpu: String,
    /// From when, in seconds.
    pub from_s: f64,
    /// Until when, in seconds.
    pub to_s: f64,
    /// Memory it uses, in MiB.
    pub mib: u64,
}

/// Something that breaks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// When, in seconds.
    pub at_s: f64,
    /// The card that is lost; or
    #[serde(default)]
    pub gpu: Option<String>,
    /// the seat that dies.
    #[serde(default)]
    pub seat: Option<String>,
    /// When it is back, in seconds; never when left out.
    #[serde(default)]
    pub back_s: Option<f64>,
}

fn one() -> usize {
    1
}

fn three() -> usize {
    3
}

fn unit() -> f64 {
    1.0
}

fn production() -> Class {
    Class::Production
}

/// Tasks a scenario may have, so that a slip of the pen does not fill the memory.
const MOST_TASKS: usize = 400_000;

impl Scenario {
    /// What is wrong with it, one sentence each.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = self.rules.check();
        let cards: BTreeMap<&str, &Gpu> = self.gpu.iter().map(|gpu| (gpu.name.as_str(), gpu)).collect();
        let models: BTreeMap<&str, &ModelSpec> = self.model.iter().map(|one| (one.name.as_str(), one)).collect();
        let engines: Vec<&str> = self.seat.iter().map(|seat| seat.engine.as_str()).collect();
        let mut seats = std::collections::BTreeSet::new();
        if cards.len() < self.gpu.len() {
            wrong.push("two gpus have the same name; give each its own".into());
        }
        for gpu in &self.gpu {
            if gpu.lanes == 0 || !(gpu.speed.is_finite() && gpu.speed > 0.0) {
                wrong.push(format!("gpu {}: lanes must be at least 1 and speed above 0", gpu.name));
            }
        }
        for seat in &self.seat {
            if !seats.insert(seat.name()) {
                wrong.push(format!("two seats are named {}; give each its own name", seat.name()));
            }
            if let Some(gpu) = &seat.gpu
                && !cards.contains_key(gpu.as_str())
            {
                wrong.push(format!("seat {} is on gpu {gpu}, which is not there", seat.name()));
            }
        }
        for job in &self.job {
            wrong.extend(check_job(job, &engines, &models));
        }
        for fault in &self.fault {
            let gpu = fault.gpu.as_ref().is_some_and(|gpu| cards.contains_key(gpu.as_str()));
            let seat = fault.seat.as_ref().is_some_and(|seat| seats.contains(seat.as_str()));
            if !gpu && !seat {
                wrong.push(format!("the fault at {} s names no gpu and no seat that is there", fault.at_s));
            }
        }
        for one in &self.foreign {
            if !cards.contains_key(one.gpu.as_str()) {
                wrong.push(format!("{} is on gpu {}, which is not there", one.who, one.gpu));
            }
        }
        let tasks: usize = self.job.iter().map(|job| job.times * job.scenes * job.shots * job.step.len()).sum();
        if tasks > MOST_TASKS {
            wrong.push(format!("it has about {tasks} tasks; {MOST_TASKS} are the most"));
        }
        wrong
    }
}

fn check_job(job: &JobSpec, engines: &[&str], models: &BTreeMap<&str, &ModelSpec>) -> Vec<String> {
    let mut wrong = Vec::new();
    let names: Vec<&str> = job.step.iter().map(|step| step.name.as_str()).collect();
    let mut say = |text: String| wrong.push(format!("job {}: {text}", job.name));
    for (at, step) in job.step.iter().enumerate() {
        if names[..at].contains(&step.name.as_str()) {
            say(format!("two steps are named {}", step.name));
        }
        if !engines.contains(&step.engine.as_str()) {
            let near = nearest(&step.engine, engines.iter().copied());
            let near = near.map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
            say(format!("step {} is for engine {}, which has no seat{near}", step.name, step.engine));
        }
        if !step.model.is_empty() && !models.contains_key(step.model.as_str()) {
            say(format!("step {} is for model {}, which is not there", step.name, step.model));
        }
        if !(step.seconds.is_finite() && step.seconds >= 0.0 && (0.0..=3.0).contains(&step.spread)) {
            say(format!("step {}: seconds must not be negative, and spread is 0 to 3", step.name));
        }
        if !(0.0..=1.0).contains(&step.rejects) || step.takes == 0 {
            say(format!("step {}: rejects is 0 to 1, and takes at least 1", step.name));
        }
        for need in &step.needs {
            let (name, shot_before) =
                need.strip_prefix("previous ").map_or((need.as_str(), false), |name| (name, true));
            let earlier = names[..at].contains(&name) || (shot_before && names.contains(&name));
            if !earlier {
                say(format!("step {} needs {need}, which must be a step before it", step.name));
            }
            if shot_before && step.per != Per::Shot {
                say(format!("step {} is not per shot, so it has no previous one", step.name));
            }
        }
        if !step.reviews.is_empty() {
            let judged = job.step[..at].iter().find(|one| one.name == step.reviews);
            if judged.is_none_or(|judged| judged.per != step.per) {
                say(format!("step {} reviews {}, which must be a step before it, as often", step.name, step.reviews));
            }
        }
    }
    wrong
}
