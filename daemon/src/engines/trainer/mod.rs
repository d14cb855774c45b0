//! Trainer: LoRAs made by a program on this machine, as `trainers/NAME.toml` describes it, a slice of a few epochs at a time.
//!
//! The program is a child in a process group of its own and ends with its slice: the card is free in between. What it needs to go
//! on where it was stays in the folder of its run.

mod graph;
mod group;
mod listen;
mod needs;
mod room;
mod selftest;
mod slice;
mod tidy;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use studio_core::{
    fleet::{Away, Holds, ModelFacts, SeatFacts},
    ids::TrainingId,
    ladder::Rung,
    lora::Architecture,
    order::Order,
    training::{LineReader, TrainOrder, Trainer},
};
use studio_engine::{Availability, Boxed, Engine, EngineError, FailureKind, Made, Means, WorkerStatus};
use tokio::sync::watch;

use self::room::RunFolder;
pub use self::{
    needs::{NeedReport, NeedState},
    room::print_of,
    selftest::{SelfTest, selftest},
    tidy::{clear_working_files, end_left_over, folders, touched},
};
use super::{comfy::TrainingServer, resident_server::Monitor};
use crate::definitions::DefinitionsWatch;

/// Name of the engine and its seat.
pub const TRAINER: &str = "trainer";
/// How long a trainer takes to give its memory back, in milliseconds: the time it takes to end.
const UNLOAD_MS: u64 = 5_000;

/// How patient the studio is with a trainer.
#[derive(Debug, Clone, Copy)]
pub struct TrainerPatience {
    /// Between two looks at what it needs.
    pub look: Duration,
    /// Until a trainer that says nothing is ended.
    pub silence: Duration,
    /// Until a trainer that was told to end is killed.
    pub end: Duration,
}

impl Default for TrainerPatience {
    fn default() -> Self {
        Self { look: Duration::from_secs(30), silence: Duration::from_mins(30), end: Duration::from_secs(20) }
    }
}

/// A trainer of this machine, and where everything is.
#[derive(Debug, Clone)]
pub struct TrainerPlan {
    /// Where its description is.
    pub definitions: DefinitionsWatch,
    /// Which description, e.g. `sd-scripts`.
    pub name: String,
    /// What it needs, by the names of its description.
    pub paths: BTreeMap<String, PathBuf>,
    /// Files of base models, by the word of their architecture.
    pub bases: BTreeMap<String, PathBuf>,
    /// The model of stills: a ComfyUI that trains has its checkpoint, which is the base where nobody names one.
    pub stills: Option<String>,
    /// The card it trains on: its PCI slot; `None`: it is not booked.
    pub card: Option<String>,
    /// The card as CUDA knows it, e.g. `GPU-...`; `None`: the program chooses.
    pub gpu_uuid: Option<String>,
    /// The ComfyUI that trains where the description names a workflow; `None`: there is none of the name, or none at all.
    pub server: Option<TrainingServer>,
    /// What the settings call it; `None`: the first is taken.
    pub server_name: Option<String>,
    /// Folder in which every run has its own.
    pub home: PathBuf,
    /// How patient the studio is with it.
    pub patience: TrainerPatience,
}

/// What the scheduler knows the training of an architecture by: it fills the card as a model does.
pub fn model_of(architecture: Architecture) -> String {
    format!("train {}", architecture.word())
}

/// Ends what still runs of a training, and removes everything there is of it. Nothing there is no error. Waits for the disk.
///
/// # Errors
/// Something of it cannot be removed.
pub fn forget(home: &Path, training: TrainingId) -> std::io::Result<()> {
    let folder = RunFolder::new(home, training);
    group::kill_left_over(&folder.pid_file());
    match std::fs::remove_dir_all(folder.root()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The last `most` bytes of what the trainer said in a training, a line each; empty when it never ran. Waits for the disk.
///
/// # Errors
/// The log cannot be read.
pub fn log_of(home: &Path, training: TrainingId, most: u64) -> std::io::Result<String> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = match std::fs::File::open(RunFolder::new(home, training).log_file()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        opened => opened?,
    };
    let from = file.metadata()?.len().saturating_sub(most);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    let (mut reader, mut text) = (LineReader::default(), String::new());
    let mut hear = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    reader.push(&bytes, &mut hear);
    reader.finish(&mut hear);
    Ok(text)
}

impl TrainerPlan {
    /// The base model of an architecture: as the settings say, else what a ComfyUI makes pictures with.
    fn base_of(&self, architecture: Architecture, trainer: &Trainer) -> Option<PathBuf> {
        let definitions = self.definitions.now();
        let model = self.stills.as_ref().filter(|_| trainer.workflow.is_some());
        let model = model.and_then(|name| definitions.catalogue.models.get(name));
        let model = model.filter(|model| model.lora_base.as_deref() == architecture.base());
        let used = model.and_then(|model| model.files.get("checkpoint")).map(PathBuf::from);
        self.bases.get(architecture.word()).cloned().or(used)
    }

    /// The card that is booked while it trains.
    fn card_of(&self, trainer: Option<&Trainer>) -> Option<String> {
        let graph = trainer.is_some_and(|trainer| trainer.workflow.is_some());
        let server = self.server.as_ref().filter(|_| graph).and_then(TrainingServer::card);
        self.card.clone().or_else(|| server.map(str::to_owned))
    }

    /// The description, as it is now.
    ///
    /// # Errors
    /// There is none of that name, in a sentence.
    pub fn trainer(&self) -> Result<Trainer, String> {
        let definitions = self.definitions.now();
        definitions.trainers.get(&self.name).cloned().ok_or_else(|| {
            let known: Vec<&str> = definitions.trainers.keys().map(String::as_str).collect();
            format!("there is no trainer '{}'; there are {}", self.name, known.join(", "))
        })
    }
}

/// The engine that has a trainer make slices.
pub struct TrainerEngine {
    plan: Arc<TrainerPlan>,
    monitor: Monitor,
    running: Running,
}

/// What is being trained at the moment.
type Running = Arc<Mutex<Option<Architecture>>>;

impl TrainerEngine {
    /// An engine at rest; nothing need be there yet.
    pub fn open(plan: TrainerPlan) -> Self {
        let (plan, running) = (Arc::new(plan), Running::default());
        let first = offer(&plan, Err(Away::Unasked { at: None }), None);
        let monitor = {
            let (plan, running) = (plan.clone(), running.clone());
            Monitor::new(first, plan.patience.look, move || {
                let (plan, running) = (plan.clone(), running.clone());
                async move {
                    let reports = plan.needs().await;
                    let running = *running.lock().unwrap_or_else(PoisonError::into_inner);
                    offer(&plan, reports, running)
                }
            })
        };
        Self { plan, monitor, running }
    }

    /// What must be there, and whether it is.
    pub async fn check(&self) -> Vec<NeedReport> {
        self.plan.check().await
    }

    /// Removes everything there is of a training; see [`forget()`].
    ///
    /// # Errors
    /// Something of it cannot be removed.
    pub async fn forget(&self, training: TrainingId) -> std::io::Result<()> {
        let home = self.plan.home.clone();
        tokio::task::spawn_blocking(move || forget(&home, training)).await.map_err(std::io::Error::other)?
    }

    async fn make(&self, order: &Order, with: Means<'_>) -> Result<Vec<studio_engine::Artifact>, EngineError> {
        let Order::Train(order) = order else {
            return Err(EngineError::new(FailureKind::Refused, "a trainer only trains"));
        };
        let at_work = AtWork::new(&self.running, order.architecture);
        self.monitor.look().await;
        let made = async {
            let job = Arc::new(slice::job_of(&self.plan, order, with)?);
            match &job.trainer.workflow {
                Some(workflow) => graph::make(&self.plan, &job, workflow, with).await,
                None => slice::make(&self.plan, &job, with).await,
            }
        };
        let made = made.await;
        drop(at_work);
        self.monitor.look().await;
        made
    }
}

/// Says what is trained, for as long as it lives.
struct AtWork<'a>(&'a Running);

impl<'a> AtWork<'a> {
    fn new(running: &'a Running, architecture: Architecture) -> Self {
        *running.lock().unwrap_or_else(PoisonError::into_inner) = Some(architecture);
        Self(running)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// What is offered, by what was found.
fn offer(plan: &TrainerPlan, found: Result<Vec<NeedReport>, Away>, running: Option<Architecture>) -> Availability {
    let trainer = plan.trainer();
    let mut lacks = BTreeSet::new();
    let away = match (found, &trainer) {
        (Err(away), _) => Some(away),
        (_, Err(why)) => Some(Away::Unusable { message: why.clone() }),
        (Ok(reports), Ok(trainer)) => {
            let missing = || reports.iter().filter(|one| !one.is_there());
            lacks.extend(missing().filter_map(|one| one.architecture).map(model_of));
            let all = trainer.architectures.keys().all(|one| lacks.contains(&model_of(*one)));
            let why = missing().find(|one| one.architecture.is_none() || all);
            why.map(|one| Away::Unusable { message: one.remedy.clone() })
        }
    };
    let seat = WorkerStatus {
        facts: SeatFacts {
            card: plan.card_of(trainer.as_ref().ok()),
            holds: Holds::One,
            lacks,
            ..SeatFacts::cpu(TRAINER, 1)
        },
        away,
        card: None,
        loaded: Some(running.map(model_of).into_iter().collect()),
    };
    let models = trainer.map(|trainer| {
        let facts = |vram_mib| ModelFacts { vram_mib, load_ms: 0, unload_ms: UNLOAD_MS };
        let of = trainer.architectures.iter();
        of.map(|(architecture, trains)| (model_of(*architecture), facts(trains.vram_mib))).collect()
    });
    Availability { seats: vec![seat], models: models.unwrap_or_default() }
}

fn of_training(order: &Order) -> Option<&TrainOrder> {
    match order {
        Order::Train(order) => Some(order),
        _ => None,
    }
}

impl Engine for TrainerEngine {
    fn version(&self) -> String {
        format!("{TRAINER}/1")
    }

    fn version_for(&self, _order: &Order) -> String {
        let print = self.plan.trainer().map(|trainer| trainer.print().to_string()).unwrap_or_default();
        format!("{} {} {print}", self.version(), self.plan.name)
    }

    fn kind_of_work(&self, order: &Order) -> Option<String> {
        let order = of_training(order)?;
        let number = |name: &str| order.settings.get(name).map(ToString::to_string).unwrap_or_default();
        let steps = order.epoch_steps().saturating_mul(order.to.saturating_sub(order.after));
        let (resolution, rank) = (number("resolution"), number("rank"));
        Some(format!("{} {resolution} px rank {rank} {steps} steps", model_of(order.architecture)))
    }

    fn run<'a>(&'a self, order: &'a Order, with: Means<'a>) -> Made<'a> {
        Box::pin(self.make(order, with))
    }

    fn relief(&self, order: &Order) -> Vec<Rung> {
        let possible = of_training(order).zip(self.plan.trainer().ok());
        possible.map(|(order, trainer)| trainer.possible(order)).unwrap_or_default()
    }

    fn offer(&self) -> Option<watch::Receiver<Availability>> {
        Some(self.monitor.offer())
    }

    fn look(&self) -> Boxed<'_, ()> {
        Box::pin(self.monitor.look())
    }

    fn watch(&self) {
        self.monitor.watch();
    }
}
