//! Service: what the page and the command line ask of trainings and LoRAs.

use std::{cmp::Reverse, collections::BTreeMap, path::Path, sync::PoisonError};

use studio_core::{
    asset::AssetRef,
    character::Character,
    dataset::{Coverage, Readiness},
    ids::{CharacterId, LoraId, TrainingId},
    journal::OutcomeWord,
    lora::{Architecture, KeptLora},
    media::MediaFacts,
    project::Project,
    schedule::Steer,
    task::Class,
    training::{Choice, ChoiceWhy, Training, TrainingState},
};
use studio_engine::{Boxed, asset_path};

use super::Trainings;
use crate::{
    app, conductor,
    definitions::loras,
    engines::trainer::{self, NeedReport, NeedState},
    files,
    store::{self, assets::Asset},
    web::{
        self, KeptLoraView, LoraOwner, NeedView, SaidOfLora, ServiceError, StartTraining, TrainerView,
        TrainingCandidate, TrainingPreview, TrainingRefused,
    },
};

/// Most bytes of a trainer's log that are shown.
const LOG: u64 = 256 << 10;
/// Most characters that are listed as ones a model could be trained of.
const MOST_CANDIDATES: usize = 200;

impl Trainings {
    async fn rested(&self, id: TrainingId, rests: bool) -> Result<Training, ServiceError> {
        let _one_at_a_time = self.asking.lock().await;
        let training = store::trainings::get(self.db(), id).await?;
        open(&training)?;
        let mut tx = self.db().begin().await?;
        store::trainings::steer(&mut tx, id, rests, training.class, self.now()).await?;
        self.changed(&mut tx, &training).await?;
        tx.commit().await?;
        // What waits already must not begin, either; what runs ends by itself.
        for task in store::trainings::open_tasks(self.db(), id).await? {
            match self.datasets.conductor.steer(task, if rests { Steer::Hold } else { Steer::Release }).await {
                Ok(()) | Err(conductor::Error::Refused(_)) => {}
                Err(error) => return Err(ServiceError::Conductor(error)),
            }
        }
        self.tell(&training);
        Ok(store::trainings::get(self.db(), id).await?)
    }

    async fn waits_as(&self, id: TrainingId, class: Class) -> Result<Training, ServiceError> {
        let _one_at_a_time = self.asking.lock().await;
        let training = store::trainings::get(self.db(), id).await?;
        open(&training)?;
        let mut tx = self.db().begin().await?;
        store::trainings::steer(&mut tx, id, training.paused, class, self.now()).await?;
        self.changed(&mut tx, &training).await?;
        tx.commit().await?;
        for task in store::trainings::open_tasks(self.db(), id).await? {
            match self.datasets.conductor.steer(task, Steer::Class(class)).await {
                Ok(()) | Err(conductor::Error::Refused(_)) => {}
                Err(error) => return Err(ServiceError::Conductor(error)),
            }
        }
        self.tell(&training);
        Ok(store::trainings::get(self.db(), id).await?)
    }

    async fn ready(&self) -> Result<Vec<TrainingCandidate>, ServiceError> {
        let db = self.db();
        let mut cells = store::trainings::trained_cells(db).await?;
        let loras = store::loras::list(db).await?;
        let runs = store::trainings::open(db).await?;
        let with_lora = loras.iter().filter(|one| one.active && one.name.is_empty()).filter_map(|one| one.character_id);
        for id in with_lora {
            cells.entry(id).or_default();
        }
        let own: BTreeMap<_, _> =
            store::datasets::list(db).await?.into_iter().map(|one| (one.character_id, one.settings.axes)).collect();
        let shipped = Coverage::shipped();
        let mine = |id| loras.iter().find(|lora| lora.active && lora.name.is_empty() && lora.character_id == Some(id));
        let mut found: Vec<(CharacterId, Readiness)> = Vec::with_capacity(cells.len());
        for (id, cells) in cells {
            let axes = own.get(&id).and_then(Option::as_ref).unwrap_or(&shipped);
            found.push((id, axes.readiness(&cells.iter().collect::<Vec<_>>())));
        }
        found.sort_by_key(|(id, readiness)| (!readiness.ready, mine(*id).is_some(), Reverse(readiness.approved), *id));
        found.truncate(MOST_CANDIDATES);
        let mut all = Vec::with_capacity(found.len());
        for (id, readiness) in found {
            let known = store::characters::get(db, id).await?;
            let project = store::projects::get(db, known.project_id).await?;
            all.push(TrainingCandidate {
                character: id,
                name: known.name,
                project: project.id,
                title: project.title,
                readiness,
                lora: mine(id).cloned(),
                run: runs.iter().rev().find(|run| run.character_id == id).map(|run| run.id),
            });
        }
        Ok(all)
    }

    async fn stopped(&self, id: TrainingId) -> Result<Training, ServiceError> {
        let _one_at_a_time = self.asking.lock().await;
        let training = store::trainings::get(self.db(), id).await?;
        let may = [TrainingState::Training, TrainingState::Probing, TrainingState::NeedsPerson];
        let mut tx = self.db().begin().await?;
        let to = TrainingState::Cancelled;
        // First, so that nothing is asked for it any more.
        if !store::trainings::set_state(&mut tx, id, &may, to, (None, None), self.now()).await? {
            return Err(TrainingRefused::Over { said: training.state.to_string() }.into());
        }
        self.changed(&mut tx, &training).await?;
        tx.commit().await?;
        self.cancel_tasks(id).await?;
        let epochs = store::trainings::epochs(self.db(), id).await?;
        self.clear_probed(&training, &epochs, None).await;
        self.tell(&training);
        Ok(store::trainings::get(self.db(), id).await?)
    }

    /// Ends whatever is being made for a run.
    async fn cancel_tasks(&self, id: TrainingId) -> Result<(), ServiceError> {
        for task in store::trainings::open_tasks(self.db(), id).await? {
            self.cancel(task).await.map_err(ServiceError::Conductor)?;
        }
        Ok(())
    }

    async fn taken(&self, id: TrainingId, epoch: u32, strength: u32, used: bool) -> Result<Training, ServiceError> {
        let _one_at_a_time = self.asking.lock().await;
        let training = store::trainings::get(self.db(), id).await?;
        let epochs = store::trainings::epochs(self.db(), id).await?;
        if !epochs.iter().any(|one| one.epoch == epoch) {
            let there: Vec<String> = epochs.iter().map(|one| one.epoch.to_string()).collect();
            let there = if there.is_empty() { "none yet".into() } else { there.join(", ") };
            return Err(TrainingRefused::NoEpoch { epoch, there }.into());
        }
        let lora = self.prepared(&training, &epochs, epoch, strength).await?;
        let choice = Choice {
            epoch: Some(epoch),
            strength,
            by_person: true,
            active: used,
            why: ChoiceWhy::Person,
            ranked: training.choice.as_ref().map(|before| before.ranked.clone()).unwrap_or_default(),
        };
        let all = [
            TrainingState::Training,
            TrainingState::Probing,
            TrainingState::NeedsPerson,
            TrainingState::Done,
            TrainingState::Failed,
            TrainingState::Cancelled,
        ];
        // Of runs of one plan one is done: one that came to nothing stays so when another has taken its place.
        let elsewhere = store::trainings::same(self.db(), training.print).await?.is_some_and(|other| other != id);
        let (to, fault) =
            if elsewhere { (training.state, training.fault.as_ref()) } else { (TrainingState::Done, None) };
        let mut tx = self.db().begin().await?;
        self.put_into_library(&mut tx, &lora, used).await?;
        store::trainings::set_state(&mut tx, id, &all, to, (fault, Some(&choice)), self.now()).await?;
        self.decided(&mut tx, &training, &choice, if used { OutcomeWord::Used } else { OutcomeWord::Kept }).await?;
        tx.commit().await?;
        self.cancel_tasks(id).await?;
        self.clear_probed(&training, &epochs, Some(epoch)).await;
        self.tell(&training);
        Ok(store::trainings::get(self.db(), id).await?)
    }

    async fn removed(&self, id: TrainingId) -> Result<(), ServiceError> {
        let _one_at_a_time = self.asking.lock().await;
        let training = store::trainings::get(self.db(), id).await?;
        if training.state.is_open() || !store::trainings::open_tasks(self.db(), id).await?.is_empty() {
            return Err(TrainingRefused::NotOver.into());
        }
        let epochs = store::trainings::epochs(self.db(), id).await?;
        self.clear_probed(&training, &epochs, None).await;
        let mut tx = self.db().begin().await?;
        store::trainings::remove(&mut tx, id).await?;
        self.changed(&mut tx, &training).await?;
        tx.commit().await?;
        let home = self.datasets.making.context.data.trainings();
        let gone = tokio::task::spawn_blocking(move || trainer::forget(&home, id)).await;
        if let Ok(Err(error)) = gone {
            tracing::warn!(training = %id, %error, "what a trainer had left is not all removed");
        }
        self.tell(&training);
        Ok(())
    }

    /// A LoRA with what its header says and what hangs on it.
    async fn viewed(&self, lora: KeptLora) -> Result<KeptLoraView, ServiceError> {
        let alone = match lora.character_id {
            Some(id) => Some(store::characters::get(self.db(), id).await?.name),
            None => None,
        };
        let (shots, episodes) =
            store::shots::made_with(self.db(), lora.project_id, alone.as_deref(), &lora.name).await?;
        let kept = asset_path(&self.datasets.making.context.data.assets(), &lora.weights);
        let folder = self.datasets.making.config.models.loras.clone();
        let (name, bytes) = (lora.file.clone(), lora.bytes);
        let looked = tokio::task::spawn_blocking(move || {
            let there = folder.and_then(|folder| loras::path_of(&folder, &name));
            let placed = there.and_then(|path| std::fs::metadata(path).ok()).is_some_and(|about| about.len() == bytes);
            (loras::read(&kept).ok(), placed)
        });
        let (about, placed) = looked.await.map_err(|error| ServiceError::Broken(error.to_string()))?;
        Ok(KeptLoraView { lora, about, placed, shots, episodes })
    }

    async fn used(&self, id: LoraId, used: bool) -> Result<KeptLoraView, ServiceError> {
        let _one_at_a_time = self.asking.lock().await;
        let lora = store::loras::get(self.db(), id).await?;
        if used {
            self.placed(&lora.file, &lora.weights, lora.training_id.zip(lora.epoch)).await?;
        }
        let all = self.of_owner(&lora).await?;
        let mut tx = self.db().begin().await?;
        store::loras::use_one(&mut tx, &all, &lora, used).await?;
        self.lora_changed(&mut tx, &lora).await?;
        tx.commit().await?;
        self.viewed(store::loras::get(self.db(), id).await?).await
    }

    async fn said_of(&self, id: LoraId, said: SaidOfLora) -> Result<KeptLoraView, ServiceError> {
        let _one_at_a_time = self.asking.lock().await;
        let before = store::loras::get(self.db(), id).await?;
        let mut lora = before.clone();
        lora.trigger = said.trigger.map_or(lora.trigger, |word| word.trim().to_owned());
        lora.strength = said.strength.unwrap_or(lora.strength);
        lora.name = said.name.unwrap_or(lora.name);
        // Whoever is always used stands for nobody.
        lora.instead = said.instead.unwrap_or(lora.instead) && !lora.name.is_empty() && lora.character_id.is_some();
        let others = self.of_owner(&lora).await?;
        let stands =
            |other: &KeptLora| lora.active && other.active && other.id != id && store::loras::stand_alike(other, &lora);
        if let Some(other) = others.iter().find(|other| stands(other)) {
            let name = other.name.clone();
            return Err(TrainingRefused::NameInUse { name }.into());
        }
        let mut tx = self.db().begin().await?;
        store::loras::set(&mut tx, &lora).await?;
        self.lora_changed(&mut tx, &lora).await?;
        tx.commit().await?;
        self.viewed(store::loras::get(self.db(), id).await?).await
    }

    async fn taken_out(&self, id: LoraId) -> Result<(), ServiceError> {
        let _one_at_a_time = self.asking.lock().await;
        let lora = store::loras::get(self.db(), id).await?;
        if lora.active {
            return Err(TrainingRefused::InUse.into());
        }
        let mut tx = self.db().begin().await?;
        store::loras::remove(&mut tx, id).await?;
        self.lora_changed(&mut tx, &lora).await?;
        tx.commit().await?;
        self.take_away(&lora).await;
        Ok(())
    }

    async fn imported(&self, of: LoraOwner, file: &Path, name: &str) -> Result<KeptLoraView, ServiceError> {
        let context = &self.datasets.making.context;
        let (project, character) = match of {
            LoraOwner::Character(id) => {
                let character = store::characters::get(self.db(), id).await?;
                (store::projects::get(self.db(), character.project_id).await?, Some(character))
            }
            LoraOwner::Project(id) => (store::projects::get(self.db(), id).await?, None),
        };
        let read = file.to_owned();
        let about = tokio::task::spawn_blocking(move || loras::read(&read)).await;
        let about = about.map_err(|error| ServiceError::Broken(error.to_string()))?;
        let about = about.map_err(|fault| TrainingRefused::NoLora(format!("{name}: {fault}")))?;
        let architecture = about.architecture.filter(|one: &Architecture| one.base().is_some()).ok_or_else(|| {
            let why = format!(
                "{name}: its header does not say that it was trained for a model of the studio (sd15, sdxl, wan, hunyuan, ltxv)"
            );
            TrainingRefused::NoLora(why)
        })?;
        // Under a name of the studio's own ending, wherever it came from.
        let named = file.with_extension("safetensors");
        std::fs::rename(file, &named).map_err(|error| ServiceError::Unable(error.to_string()))?;
        let assets = context.data.assets();
        let adopted = tokio::task::spawn_blocking(move || files::adopt(&assets, &named)).await;
        let adopted = adopted.map_err(|error| ServiceError::Broken(error.to_string()))?;
        let (weights, bytes): (AssetRef, u64) = adopted.map_err(|error| ServiceError::Unable(error.to_string()))?;
        // The file is in its place before the library names it: meanwhile nobody must take it for left over.
        let _one_at_a_time = self.asking.lock().await;
        let now = self.now();
        let mut lora = KeptLora {
            id: LoraId(context.clock.id()),
            project_id: project.id,
            character_id: character.as_ref().map(|one| one.id),
            name: String::new(),
            instead: false,
            architecture,
            file: imported_name(&project, character.as_ref(), architecture, &weights),
            weights: weights.clone(),
            bytes,
            trigger: about.triggers.first().cloned().unwrap_or_default(),
            strength: studio_core::training::USUAL_STRENGTH,
            active: false,
            training_id: None,
            epoch: None,
            created: now,
        };
        let there = self.of_owner(&lora).await?;
        // It keeps the name it came under, whatever its project or character is called by now.
        let there = there.into_iter().find(|one| one.weights.hash == weights.hash && one.training_id.is_none());
        if let Some(known) = there {
            lora.file = known.file;
        }
        self.placed(&lora.file, &weights, None).await?;
        let mut tx = self.db().begin().await?;
        let asset = Asset {
            file: weights,
            bytes,
            facts: MediaFacts::Other,
            attempt_id: None,
            inputs: Vec::new(),
            created: now,
            missing: false,
        };
        store::assets::insert(&mut tx, &asset).await?;
        store::loras::insert(&mut tx, &lora).await?;
        self.lora_changed(&mut tx, &lora).await?;
        tx.commit().await?;
        // The same file again is the LoRA that is there.
        let kept = self.of_owner(&lora).await?.into_iter().find(|one| one.file == lora.file).ok_or_else(|| {
            TrainingRefused::NoLora(format!("{name}: somebody else has the file {} already", lora.file))
        })?;
        self.viewed(kept).await
    }
}

/// The name of an imported LoRA below ComfyUI's folder, by whose it is and what is in it: the same file has one name, and nobody of
/// the same name in another project of that title has it, too.
fn imported_name(
    project: &Project,
    character: Option<&Character>,
    architecture: Architecture,
    weights: &AssetRef,
) -> String {
    let hash = weights.hash.to_string();
    // What is for whole films lies beside whoever is in them.
    let called = character.map_or("style", |one| &one.name);
    let trained = studio_core::lora::file_name(&project.title, called, architecture, TrainingId(uuid::Uuid::nil()), 0);
    let folder = trained.rsplit_once('/').map_or("studiod", |(folder, _)| folder);
    let whose = character.map_or_else(|| project.id.to_string(), |one| one.id.to_string());
    format!("{folder}/{}-{}-{}.safetensors", architecture.word(), &whose[whose.len() - 8..], &hash[..12])
}

fn open(training: &Training) -> Result<(), ServiceError> {
    if training.state.is_open() {
        return Ok(());
    }
    Err(TrainingRefused::Over { said: training.state.to_string() }.into())
}

impl web::Trainings for Trainings {
    fn preview(&self, of: CharacterId, asked: StartTraining) -> Boxed<'_, Result<TrainingPreview, ServiceError>> {
        Box::pin(async move { Ok(self.preview_of(of, &asked).await?) })
    }

    fn start(&self, of: CharacterId, asked: StartTraining) -> Boxed<'_, Result<Training, ServiceError>> {
        Box::pin(async move {
            match self.begin(of, &asked).await? {
                Ok(training) => Ok(training),
                Err(why) => Err(TrainingRefused::Blocked(why).into()),
            }
        })
    }

    fn rest(&self, id: TrainingId, rests: bool) -> Boxed<'_, Result<Training, ServiceError>> {
        Box::pin(self.rested(id, rests))
    }

    fn wait_as(&self, id: TrainingId, class: Class) -> Boxed<'_, Result<Training, ServiceError>> {
        Box::pin(self.waits_as(id, class))
    }

    fn candidates(&self) -> Boxed<'_, Result<Vec<TrainingCandidate>, ServiceError>> {
        Box::pin(self.ready())
    }

    fn shots_of(&self, of: CharacterId) -> Boxed<'_, Result<(u32, u32), ServiceError>> {
        Box::pin(async move {
            let character = store::characters::get(self.db(), of).await?;
            Ok(store::shots::made_with(self.db(), character.project_id, Some(&character.name), "").await?)
        })
    }

    fn stop(&self, id: TrainingId) -> Boxed<'_, Result<Training, ServiceError>> {
        Box::pin(self.stopped(id))
    }

    fn take(&self, id: TrainingId, epoch: u32, strength: u32, used: bool) -> Boxed<'_, Result<Training, ServiceError>> {
        Box::pin(self.taken(id, epoch, strength, used))
    }

    fn remove_training(&self, id: TrainingId) -> Boxed<'_, Result<(), ServiceError>> {
        Box::pin(self.removed(id))
    }

    fn trouble(&self, id: TrainingId) -> Option<String> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    fn log(&self, id: TrainingId) -> Boxed<'_, Result<String, ServiceError>> {
        Box::pin(async move {
            let home = self.datasets.making.context.data.trainings();
            let read = tokio::task::spawn_blocking(move || trainer::log_of(&home, id, LOG)).await;
            read.map_err(|error| ServiceError::Broken(error.to_string()))?
                .map_err(|error| ServiceError::Unable(format!("the log cannot be read: {error}")))
        })
    }

    fn trainers(&self) -> Boxed<'_, Vec<TrainerView>> {
        Box::pin(async move {
            let making = &self.datasets.making;
            let plan = app::trainer_at_rest(&making.config, &making.shelf, &making.context.data);
            let plan = plan.unwrap_or_else(|error| {
                tracing::warn!(%error, "the trainer cannot be looked at");
                None
            });
            let definitions = making.shelf.now();
            let mut all = Vec::with_capacity(definitions.trainers.len());
            for (name, one) in &definitions.trainers {
                let mine = plan.as_ref().filter(|plan| plan.name == *name);
                let mut needs = Vec::new();
                if let Some(plan) = mine {
                    needs = plan.check().await.into_iter().map(need).collect();
                }
                all.push(TrainerView {
                    name: name.clone(),
                    title: one.title.clone(),
                    home: one.home.clone(),
                    architectures: one.architectures.keys().copied().collect(),
                    chosen: mine.is_some(),
                    needs,
                });
            }
            all
        })
    }

    fn loras_of(&self, of: LoraOwner) -> Boxed<'_, Result<Vec<KeptLoraView>, ServiceError>> {
        Box::pin(async move {
            let listed = match of {
                LoraOwner::Character(id) => store::loras::of_character(self.db(), id).await?,
                LoraOwner::Project(id) => store::loras::of_project(self.db(), id).await?,
            };
            let mut all = Vec::new();
            for lora in listed {
                all.push(self.viewed(lora).await?);
            }
            Ok(all)
        })
    }

    fn use_lora(&self, id: LoraId, used: bool) -> Boxed<'_, Result<KeptLoraView, ServiceError>> {
        Box::pin(self.used(id, used))
    }

    fn say_of_lora(&self, id: LoraId, said: SaidOfLora) -> Boxed<'_, Result<KeptLoraView, ServiceError>> {
        Box::pin(self.said_of(id, said))
    }

    fn remove_lora(&self, id: LoraId) -> Boxed<'_, Result<(), ServiceError>> {
        Box::pin(self.taken_out(id))
    }

    fn import_lora<'a>(
        &'a self,
        of: LoraOwner,
        file: &'a Path,
        name: &'a str,
    ) -> Boxed<'a, Result<KeptLoraView, ServiceError>> {
        Box::pin(self.imported(of, file, name))
    }
}

fn need(found: NeedReport) -> NeedView {
    let (there, path) = match found.state {
        NeedState::Found { path } => (true, Some(path)),
        NeedState::Missing { path, .. } => (false, path),
    };
    NeedView {
        name: found.name,
        title: found.title,
        architecture: found.architecture,
        path: path.map(|path| path.display().to_string()).unwrap_or_default(),
        there,
        remedy: found.remedy,
    }
}
