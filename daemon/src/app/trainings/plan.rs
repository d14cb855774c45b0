//! Plan: what a run would be trained on and how, whether it can begin, and what it would cost.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use studio_core::{
    dataset::{Called, Cell, Coverage, Words, looks},
    ids::{CharacterId, TrainingId},
    lora::Architecture,
    training::{
        Snapshot, SnapshotGround, Trainer, Training, TrainingPlan, TrainingState, cases, epoch_target, snapshot,
    },
    units::Seed,
    workflow::SlotValue,
};

use super::Trainings;
use crate::{
    app::datasets::{self, Maker},
    conductor,
    engines::trainer,
    store,
    web::{BlockedView, SlotView, StartTraining, TrainingBlocked, TrainingEstimate, TrainingPreview},
};

/// Milliseconds of a step where nobody has measured one and the trainer's file says nothing.
const STEP_MS: u64 = 4_000;
/// Epochs a run of very many pictures has at least.
const FEWEST: u32 = 4;
/// Pictures that compare the epochs of a run, about.
const PROBES: u64 = 60;
/// Pictures that show how far a run is after each epoch.
const SAMPLES: u64 = 2;
/// Milliseconds of such a picture with its review, about.
const PROBE_MS: u64 = 25_000;

/// Epochs of a run: as usual, but of a set that an epoch has much more of than it should, so many fewer, and never below [`FEWEST`]:
/// else there is little to choose from.
fn epochs_for(usual: u32, wanted: u32, seen: u32) -> u32 {
    let all = u64::from(usual) * u64::from(wanted);
    if u64::from(seen) * 2 <= u64::from(wanted) * 3 {
        return usual;
    }
    let fewer = u32::try_from(all.div_ceil(u64::from(seen).max(1))).unwrap_or(usual);
    fewer.clamp(FEWEST.min(usual), usual)
}

impl Trainings {
    /// The definition of the trainer of the settings.
    fn trainer(&self) -> Result<(String, Trainer), datasets::Error> {
        let making = &self.datasets.making;
        let settings = making.config.training.as_ref().ok_or_else(|| {
            datasets::Error::Settings(
                "nobody trains here: add [training] to the settings; 'studiod trainer check' says what it needs".into(),
            )
        })?;
        let name = settings.trainer.clone();
        let definitions = making.shelf.now();
        let Some(found) = definitions.trainers.get(&name) else {
            let known: Vec<&str> = definitions.trainers.keys().map(String::as_str).collect();
            let why = format!("training.trainer is '{name}', which is none; there are {}", known.join(", "));
            return Err(datasets::Error::Settings(why));
        };
        Ok((name, found.clone()))
    }

    /// How long a step takes as the trainer's file guesses.
    pub(super) fn step_ms(&self, trainer: &str, architecture: Architecture) -> u64 {
        let definitions = self.datasets.making.shelf.now();
        let known = definitions.trainers.get(trainer).and_then(|one| one.architectures.get(&architecture));
        known.map_or(STEP_MS, |one| one.ms_per_step)
    }

    /// What a run would be, before anybody asks for it.
    pub(super) async fn planned(
        &self,
        character: CharacterId,
        asked: &StartTraining,
    ) -> Result<(TrainingPlan, Snapshot, Vec<TrainingBlocked>), datasets::Error> {
        let (db, making) = (self.db(), &self.datasets.making);
        let known = store::characters::get(db, character).await?;
        let dataset = store::datasets::get(db, character).await?;
        let (name, trainer) = self.trainer()?;
        let maker = Maker::of(making, &known).await?;
        let mut blocked = Vec::new();
        let takes = asked.architecture.or_else(|| maker.trains());
        if takes.is_none() {
            blocked.push(TrainingBlocked::NoModel);
        }
        let architecture = takes.unwrap_or(Architecture::Sd15);
        let settings = trainer.settings(architecture, &asked.settings).map_err(datasets::Error::Settings)?;
        let coverage = dataset.settings.axes.clone().unwrap_or_else(Coverage::shipped);
        let pictures = store::dataset_pictures::of_character(db, character).await?;
        let called = Called::of(&dataset.settings, &known.name);
        let looks = maker.appearance().as_ref().map(looks).unwrap_or_default();
        let told: Vec<_> = pictures.iter().filter(|one| one.is_trained_on()).collect();
        let words = Words::of(&coverage, &looks, &told);
        let own: Vec<String> =
            store::loras::of_character(db, character).await?.into_iter().map(|one| one.file).collect();
        let ground = SnapshotGround {
            pictures: &pictures,
            called: &called,
            words: &words,
            coverage: &coverage,
            epoch_pictures: match settings.get("epoch_pictures") {
                Some(SlotValue::Int(number)) => u32::try_from(*number).unwrap_or(u32::MAX),
                _ => epoch_target(architecture),
            },
            own: &own,
        };
        let taken = snapshot(ground);
        let approved: Vec<&Cell> = taken.trained.iter().chain(&taken.held_out).collect();
        let readiness = coverage.readiness(&approved);
        if !readiness.ready {
            blocked.push(TrainingBlocked::TooFew { approved: readiness.approved, least: readiness.least });
        }
        let said = making.config.training.as_ref().and_then(|one| one.bases.get(architecture.word()).cloned());
        // A ComfyUI that trains has what it makes pictures with.
        let definitions = making.shelf.now();
        let has = trainer.workflow.is_some() && maker.trains() == Some(architecture);
        let used = definitions.catalogue.models.get(maker.model()).filter(|_| has);
        let base = said.or_else(|| used?.files.get("checkpoint").map(PathBuf::from));
        if base.is_none() {
            blocked.push(TrainingBlocked::NoBase { architecture });
        }
        if making.config.models.loras.is_none() {
            blocked.push(TrainingBlocked::NoFolder);
        }
        let epochs_asked = asked.settings.contains_key("epochs");
        let plan = self.laid_out(
            (name, trainer.workflow.is_some(), architecture),
            (settings, epochs_asked),
            base.as_deref(),
            (&taken, &called, &coverage),
        );
        let mut plan = plan.await?;
        maker.model().clone_into(&mut plan.model);
        if maker.trains() != Some(architecture) {
            // The model of stills takes no such LoRA, so there is nothing to compare its epochs by.
            plan.cases.clear();
        }
        Ok((plan, taken, blocked))
    }

    async fn laid_out(
        &self,
        (trainer, by_comfyui, architecture): (String, bool, Architecture),
        (mut settings, epochs_asked): (BTreeMap<String, SlotValue>, bool),
        base: Option<&Path>,
        (taken, called, coverage): (&Snapshot, &Called, &Coverage),
    ) -> Result<TrainingPlan, datasets::Error> {
        // What only a ComfyUI elsewhere has nobody here can look at.
        let here = |path: &&Path| !by_comfyui || (path.is_absolute() && path.exists());
        let base_print = match base.filter(here) {
            Some(path) => {
                let (path, shown) = (path.to_owned(), path.display().to_string());
                let print = tokio::task::spawn_blocking(move || trainer::print_of(&path)).await;
                let print = print.map_err(|error| datasets::Error::Files(error.to_string()))?;
                let cannot =
                    |error| datasets::Error::Settings(format!("the base model {shown} cannot be read: {error}"));
                Some(print.map_err(cannot)?)
            }
            None => None,
        };
        let whole = |slot: &str| match settings.get(slot) {
            Some(SlotValue::Int(number)) => u32::try_from(*number).unwrap_or(0),
            _ => 0,
        };
        let batch = whole("batch").max(1);
        let all: u32 = taken.pictures.iter().filter(|one| !one.held_out).map(|one| one.repeats).sum();
        let mut epochs = whole("epochs").max(1);
        if !epochs_asked {
            let wanted = whole("epoch_pictures");
            let wanted = if wanted == 0 { epoch_target(architecture) } else { wanted };
            epochs = epochs_for(epochs, wanted, all);
            settings.insert("epochs".into(), SlotValue::Int(i64::from(epochs)));
        }
        let mut plan = TrainingPlan {
            trainer,
            architecture,
            base: base.map(|path| path.display().to_string()).unwrap_or_default(),
            base_print,
            model: String::new(),
            trigger: called.trigger.clone(),
            class_word: called.class_word.clone(),
            pictures: taken.pictures.clone(),
            settings: BTreeMap::new(),
            epochs,
            epoch_steps: all.div_ceil(batch).max(1),
            cases: Vec::new(),
        };
        if matches!(settings.get("seed"), Some(SlotValue::Int(0)) | None) {
            // The same set, the same seed, so that a run that is made again is the same.
            let drawn = Seed(plan.print().leading_u64() >> 34);
            settings.insert("seed".into(), SlotValue::Int(drawn.0 as i64));
        }
        plan.settings = settings;
        plan.cases = cases(coverage, &taken.held_out, &taken.trained, plan.print());
        Ok(plan)
    }

    /// What a run would be trained on, take and cost.
    pub(super) async fn preview_of(
        &self,
        character: CharacterId,
        asked: &StartTraining,
    ) -> Result<TrainingPreview, datasets::Error> {
        let (plan, taken, mut blocked) = self.planned(character, asked).await?;
        let db = self.db();
        let dataset = store::datasets::get(db, character).await?;
        let coverage = dataset.settings.axes.unwrap_or_else(Coverage::shipped);
        let approved: Vec<&Cell> = taken.trained.iter().chain(&taken.held_out).collect();
        let same = store::trainings::same(db, plan.print()).await?;
        blocked.extend(same.map(|training| TrainingBlocked::Same { training }));
        blocked.extend(self.busy(character).await?.map(|training| TrainingBlocked::Busy { training }));
        let (_, trainer) = self.trainer()?;
        let mut estimate = self.estimate(&plan).await?;
        if asked.samples && !plan.cases.is_empty() {
            estimate.comparing_ms += u64::from(plan.epochs) * SAMPLES * PROBE_MS;
        }
        let slots = trainer.slots_of(plan.architecture).map(|(name, slot, usual)| SlotView {
            name: name.clone(),
            title: slot.title.clone(),
            unit: slot.unit.clone(),
            min: slot.min,
            max: slot.max,
            values: slot.values.clone(),
            value: plan.settings.get(name).unwrap_or(usual).clone(),
            usual: usual.clone(),
            advanced: slot.advanced,
        });
        Ok(TrainingPreview {
            architecture: plan.architecture,
            trainer: plan.trainer.clone(),
            base: plan.base.clone(),
            model: plan.model.clone(),
            trigger: plan.trigger.clone(),
            readiness: coverage.readiness(&approved),
            pictures: taken.pictures.iter().filter(|one| !one.held_out).count() as u32,
            held_out: taken.held_out.len() as u32,
            left_out: taken.left_out,
            epochs: plan.epochs,
            epoch_steps: plan.epoch_steps,
            compared: !plan.cases.is_empty(),
            slots: slots.collect(),
            estimate,
            blocked: blocked.into_iter().map(|reason| BlockedView { said: reason.to_string(), reason }).collect(),
        })
    }

    /// A run of a character that is not over.
    pub(super) async fn busy(&self, character: CharacterId) -> Result<Option<TrainingId>, store::Error> {
        let all = store::trainings::of_character(self.db(), character).await?;
        Ok(all.into_iter().find(|one| one.state.is_open()).map(|one| one.id))
    }

    /// Time, energy and room a run takes, from what earlier ones took.
    async fn estimate(&self, plan: &TrainingPlan) -> Result<TrainingEstimate, store::Error> {
        let learned = self.learned(plan).await?;
        let steps = u64::from(plan.epochs) * u64::from(plan.epoch_steps);
        let step_ms = learned.map_or_else(|| self.step_ms(&plan.trainer, plan.architecture), |(ms, ..)| ms);
        let trained_ms = steps * step_ms;
        // Before the first run: as much as the card may draw, all the time.
        let card = self.datasets.making.config.training.as_ref().and_then(|one| one.gpu.clone());
        let watts =
            card.and_then(|card| conductor::watts(&self.datasets.making.context).get(&card.to_string()).copied());
        let guessed = watts.map(|watts| watts * trained_ms as f64 / 3_600_000.0);
        let rank = match plan.settings.get("rank") {
            Some(SlotValue::Int(rank)) => u64::try_from(*rank).unwrap_or(16),
            _ => 16,
        };
        // Of fp16 files by these trainers: SD 1.5 with its text encoder, SDXL without.
        let kib_of_rank = match plan.architecture {
            Architecture::Sdxl => 5_400,
            _ => 1_200,
        };
        let bytes = learned.map_or(rank * kib_of_rank * 1024, |(_, bytes, _)| bytes);
        Ok(TrainingEstimate {
            steps,
            training_ms: trained_ms,
            comparing_ms: PROBES * PROBE_MS,
            wh: learned.and_then(|(.., wh)| wh).map(|wh| wh * steps as f64).or(guessed),
            // Every epoch, and two states, which keep two numbers beside each of the weights.
            bytes: bytes * (u64::from(plan.epochs) + 6),
            measured: learned.is_some(),
        })
    }

    /// Milliseconds of a step, bytes of a file, and watt-hours of a step, as the newest run of the same trainer and architecture had
    /// them.
    async fn learned(&self, plan: &TrainingPlan) -> Result<Option<(u64, u64, Option<f64>)>, store::Error> {
        let asked = store::trainings::Filter { limit: 20, ..store::trainings::Filter::default() };
        for run in store::trainings::page(self.db(), asked).await? {
            let alike = run.plan.trainer == plan.trainer
                && run.plan.architecture == plan.architecture
                && ["rank", "resolution", "batch"]
                    .iter()
                    .all(|slot| run.plan.settings.get(*slot) == plan.settings.get(*slot));
            if !alike {
                continue;
            }
            let epochs = store::trainings::epochs(self.db(), run.id).await?;
            let Some(last) = epochs.last() else { continue };
            let Some(ms) = last.report.step_ms.filter(|ms| *ms > 0) else { continue };
            let attempt = match last.attempt_id {
                Some(id) => store::attempts::get(self.db(), id).await.ok(),
                None => None,
            };
            let wh = attempt.and_then(|one| one.energy_wh).map(|wh| wh / f64::from(last.report.steps.max(1)));
            return Ok(Some((ms, last.bytes, wh)));
        }
        Ok(None)
    }

    /// Begins a run.
    pub(super) async fn begin(
        &self,
        character: CharacterId,
        asked: &StartTraining,
    ) -> Result<Result<Training, TrainingBlocked>, datasets::Error> {
        // Two at the same time would both find nobody at it.
        let _one_at_a_time = self.asking.lock().await;
        let (plan, _, blocked) = self.planned(character, asked).await?;
        if let Some(why) = blocked.into_iter().next() {
            return Ok(Err(why));
        }
        if let Some(training) = self.busy(character).await? {
            return Ok(Err(TrainingBlocked::Busy { training }));
        }
        let now = self.now();
        let training = Training {
            id: TrainingId(self.datasets.making.context.clock.id()),
            character_id: character,
            state: TrainingState::Training,
            paused: false,
            class: asked.class,
            samples: asked.samples,
            print: plan.print(),
            plan,
            relief: Vec::new(),
            fault: None,
            choice: None,
            created: now,
            updated: now,
        };
        let mut tx = self.db().begin().await?;
        if !store::trainings::insert(&mut tx, &training).await? {
            drop(tx);
            let same = store::trainings::same(self.db(), training.print).await?;
            return Ok(Err(TrainingBlocked::Same { training: same.unwrap_or(training.id) }));
        }
        self.changed(&mut tx, &training).await?;
        tx.commit().await?;
        self.tell(&training);
        Ok(Ok(training))
    }
}

#[cfg(test)]
mod tests {
    use super::epochs_for;

    #[test]
    fn a_large_set_has_fewer_epochs_and_a_usual_one_as_many_as_usual() {
        assert_eq!([20, 160, 240].map(|seen| epochs_for(10, 160, seen)), [10; 3], "up to half as much again");
        assert_eq!([320, 400, 1_600].map(|seen| epochs_for(10, 160, seen)), [5, 4, 4]);
        assert_eq!((epochs_for(2, 160, 4_000), epochs_for(10, 0, 0)), (2, 10));
    }
}
