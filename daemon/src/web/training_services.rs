//! Training services: what is asked about runs that train LoRAs, and about the LoRAs the studio looks after.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};
use studio_core::{
    dataset::Readiness,
    ids::{CharacterId, LoraId, ProjectId, TrainingId},
    lora::{Architecture, KeptLora, LoraAbout},
    task::Class,
    training::{LeftOut, Training},
    workflow::SlotValue,
};
use studio_engine::Boxed;
use utoipa::ToSchema;

use super::{service_error::ServiceError, training_refused::TrainingBlocked};

/// How a run is to be trained; what is left out is usual.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StartTraining {
    /// What is trained; without it what the model of stills takes.
    pub architecture: Option<Architecture>,
    /// Values of the trainer's slots instead of the usual ones, e.g. `epochs`.
    pub settings: BTreeMap<String, SlotValue>,
    /// Who waits for it: usually nobody, so that it steps aside for everything else.
    pub class: Class,
    /// After each epoch two pictures show what it has learned; the card is given back to ComfyUI for them.
    pub samples: bool,
}

impl Default for StartTraining {
    fn default() -> Self {
        Self { architecture: None, settings: BTreeMap::new(), class: Class::Background, samples: true }
    }
}

/// What a run would be.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TrainingPreview {
    /// What is trained.
    pub architecture: Architecture,
    /// Name of the trainer.
    pub trainer: String,
    /// The base model's file; empty: nobody has said where it is.
    pub base: String,
    /// The model whose pictures show how good it is; empty: none.
    pub model: String,
    /// The word it is called with in prompts.
    pub trigger: String,
    /// Whether there are enough pictures, and what would make the model stiff.
    pub readiness: Readiness,
    /// Pictures it is trained on.
    pub pictures: u32,
    /// Pictures that are held out to see how well it holds for others.
    pub held_out: u32,
    /// Approved pictures that are left out, and why.
    pub left_out: Vec<LeftOut>,
    /// Epochs of the run.
    pub epochs: u32,
    /// Steps of an epoch.
    pub epoch_steps: u32,
    /// Its epochs are compared by pictures; else the model of stills takes no such LoRA, and a person chooses by eye.
    pub compared: bool,
    /// What can be set.
    pub slots: Vec<SlotView>,
    /// What it takes and costs, about.
    pub estimate: TrainingEstimate,
    /// Why it cannot begin; nothing: it can.
    pub blocked: Vec<BlockedView>,
}

/// Why a run cannot begin, as data and in a sentence.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = TrainingBlockedView)]
pub struct BlockedView {
    /// Why, as data.
    pub reason: TrainingBlocked,
    /// The same in one sentence with the remedy.
    pub said: String,
}

/// Something that can be set in a run.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = TrainingSlot)]
pub struct SlotView {
    /// Its stable name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Its unit; empty: it has none.
    pub unit: String,
    /// The least it may be.
    pub min: Option<f64>,
    /// The most it may be.
    pub max: Option<f64>,
    /// The words it may be; empty: it is no word, or any.
    pub values: Vec<String>,
    /// What it would be.
    pub value: SlotValue,
    /// What is usual.
    pub usual: SlotValue,
    /// Few need to see it.
    pub advanced: bool,
}

/// What a run takes and costs, about.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct TrainingEstimate {
    /// Steps of the whole run.
    pub steps: u64,
    /// Milliseconds of training.
    pub training_ms: u64,
    /// Milliseconds of the pictures that compare its epochs.
    pub comparing_ms: u64,
    /// Watt-hours of training; `None`: nobody has measured any.
    pub wh: Option<f64>,
    /// Bytes of its epochs and of what it needs meanwhile.
    pub bytes: u64,
    /// It is reckoned from an earlier run; else from what is usual.
    pub measured: bool,
}

/// Something a trainer needs.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = TrainerNeed)]
pub struct NeedView {
    /// Its name in `training.paths`.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The architecture that cannot be trained without it; `None`: nothing can.
    pub architecture: Option<Architecture>,
    /// Where it is looked for; empty: nobody has said.
    pub path: String,
    /// It is there.
    pub there: bool,
    /// What to do about it, in one sentence; empty when it is there.
    pub remedy: String,
}

/// A trainer, and what it needs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TrainerView {
    /// Its name, as `training.trainer` has it.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Where it is to be had.
    pub home: String,
    /// What it trains.
    pub architectures: Vec<Architecture>,
    /// The settings name it.
    pub chosen: bool,
    /// What it needs; empty for one that is not chosen.
    pub needs: Vec<NeedView>,
}

/// A character a model could be trained of.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TrainingCandidate {
    /// Whom it would make.
    pub character: CharacterId,
    /// Name of the character.
    pub name: String,
    /// The project of the character.
    pub project: ProjectId,
    /// Title of the project.
    pub title: String,
    /// Whether there are enough pictures, and what would make the model stiff.
    pub readiness: Readiness,
    /// The LoRA that films use without being asked for it, of whichever architecture was chosen last; `None`: none.
    pub lora: Option<KeptLora>,
    /// The newest run of the character that is not over; `None`: there is none.
    pub run: Option<TrainingId>,
}

/// Whose LoRAs are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoraOwner {
    /// A character's: for pictures that show nobody else.
    Character(CharacterId),
    /// A project's: for its whole films.
    Project(ProjectId),
}

/// What a person says of a LoRA; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct SaidOfLora {
    /// The word it is called with in prompts; empty: none.
    pub trigger: Option<String>,
    /// How strongly it acts, in percent, 1..=200.
    pub strength: Option<u32>,
    /// What screenplays ask for it by; empty: it is always used.
    pub name: Option<String>,
    /// Where it is asked for, the character's one without a name is left out.
    pub instead: Option<bool>,
}

/// A LoRA, and what hangs on it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KeptLoraView {
    /// The LoRA itself.
    pub lora: KeptLora,
    /// What its header says; `None`: its file is gone or cannot be read.
    pub about: Option<LoraAbout>,
    /// It lies in ComfyUI's folder, whole.
    pub placed: bool,
    /// Shots of films whose pictures would be made anew when films used another one: those that show its character alone, or all
    /// where it is for whole films, and that ask for its name where it has one.
    pub shots: u32,
    /// Episodes those shots are in.
    pub episodes: u32,
}

/// What is asked about trainings and LoRAs.
pub trait Trainings: Send + Sync {
    /// What a run would be.
    fn preview(&self, of: CharacterId, asked: StartTraining) -> Boxed<'_, Result<TrainingPreview, ServiceError>>;
    /// Begins a run.
    fn start(&self, of: CharacterId, asked: StartTraining) -> Boxed<'_, Result<Training, ServiceError>>;
    /// Lets a run rest, or go on.
    fn rest(&self, id: TrainingId, rests: bool) -> Boxed<'_, Result<Training, ServiceError>>;
    /// Says who waits for a run from now on; a slice that waits for its turn waits for them, too.
    fn wait_as(&self, id: TrainingId, class: Class) -> Boxed<'_, Result<Training, ServiceError>>;
    /// Characters a model could be trained of, those that are ready first.
    fn candidates(&self) -> Boxed<'_, Result<Vec<TrainingCandidate>, ServiceError>>;
    /// How many shots, in how many episodes, are made with the LoRA of a run once films use it.
    fn shots_of(&self, of: CharacterId) -> Boxed<'_, Result<(u32, u32), ServiceError>>;
    /// Stops a run.
    fn stop(&self, id: TrainingId) -> Boxed<'_, Result<Training, ServiceError>>;
    /// Takes an epoch by a person's word; with `used` films use it from now on.
    fn take(&self, id: TrainingId, epoch: u32, strength: u32, used: bool) -> Boxed<'_, Result<Training, ServiceError>>;
    /// Takes a run out that is over.
    fn remove_training(&self, id: TrainingId) -> Boxed<'_, Result<(), ServiceError>>;
    /// Why a run does not go on, in one sentence; `None`: it does, or waits for what is being made.
    fn trouble(&self, id: TrainingId) -> Option<String>;
    /// The last lines a run's trainer wrote; empty where nothing is kept.
    fn log(&self, id: TrainingId) -> Boxed<'_, Result<String, ServiceError>>;
    /// Trainers there are, and what the chosen one needs.
    fn trainers(&self) -> Boxed<'_, Vec<TrainerView>>;
    /// LoRAs of a character, or for a project's whole films, the newest first.
    fn loras_of(&self, of: LoraOwner) -> Boxed<'_, Result<Vec<KeptLoraView>, ServiceError>>;
    /// Has films use a LoRA, or no longer.
    fn use_lora(&self, id: LoraId, used: bool) -> Boxed<'_, Result<KeptLoraView, ServiceError>>;
    /// Keeps what a person says of a LoRA; what is `None` stays.
    fn say_of_lora(&self, id: LoraId, said: SaidOfLora) -> Boxed<'_, Result<KeptLoraView, ServiceError>>;
    /// Takes a LoRA out of the library, and its file out of ComfyUI's folder.
    fn remove_lora(&self, id: LoraId) -> Boxed<'_, Result<(), ServiceError>>;
    /// Takes a file as a LoRA of a character, or of a project.
    fn import_lora<'a>(
        &'a self,
        of: LoraOwner,
        file: &'a Path,
        name: &'a str,
    ) -> Boxed<'a, Result<KeptLoraView, ServiceError>>;
}
