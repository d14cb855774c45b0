//! Library: LoRAs in ComfyUI's folder, and which of them films use.

use std::path::{Path, PathBuf};

use serde_json::json;
use studio_core::{
    asset::AssetRef,
    ids::{ContentHash, LoraId, TrainingId},
    journal::EventKind,
    lora::{KeptLora, file_name},
    training::{TrainedEpoch, Training},
};

use super::Trainings;
use crate::{
    app::{
        datasets,
        lora_folder::{self, Cleared},
    },
    store::{self, Tx},
    web::TrainingBlocked,
};

impl Trainings {
    fn folder(&self) -> Result<&Path, datasets::Error> {
        self.datasets
            .making
            .config
            .models
            .loras
            .as_deref()
            .ok_or_else(|| datasets::Error::Settings(TrainingBlocked::NoFolder.to_string()))
    }

    /// The name the LoRA after an epoch has below ComfyUI's folder: the one it was first put there under, whatever its project or
    /// character is called by now.
    pub(super) async fn name_of(&self, training: &Training, epoch: u32) -> Result<String, store::Error> {
        if let Some(name) = store::placed_loras::name_of(self.db(), training.id, epoch).await? {
            return Ok(name);
        }
        let character = store::characters::get(self.db(), training.character_id).await?;
        let project = store::projects::get(self.db(), character.project_id).await?;
        Ok(file_name(&project.title, &character.name, training.plan.architecture, training.id, epoch))
    }

    /// Has a kept LoRA lie in ComfyUI's folder under its name. Another file of that name is never overwritten. `of`: the run and the
    /// epoch it is of.
    pub(super) async fn placed(
        &self,
        name: &str,
        weights: &AssetRef,
        of: Option<(TrainingId, u32)>,
    ) -> Result<(), datasets::Error> {
        let folder = self.folder()?;
        let context = &self.datasets.making.context;
        lora_folder::put(context, folder, name, weights, of).await.map_err(datasets::Error::Files)
    }

    /// The LoRA after an epoch as the library has it, its file in its place.
    pub(super) async fn prepared(
        &self,
        training: &Training,
        epochs: &[TrainedEpoch],
        epoch: u32,
        strength: u32,
    ) -> Result<KeptLora, datasets::Error> {
        let Some(trained) = epochs.iter().find(|one| one.epoch == epoch) else {
            let there: Vec<String> = epochs.iter().map(|one| one.epoch.to_string()).collect();
            let why = format!("there is no epoch {epoch} of this training; there are {}", there.join(", "));
            return Err(datasets::Error::Settings(why));
        };
        let file = self.name_of(training, epoch).await?;
        self.placed(&file, &trained.weights, Some((training.id, epoch))).await?;
        Ok(KeptLora {
            id: LoraId(self.datasets.making.context.clock.id()),
            project_id: store::characters::get(self.db(), training.character_id).await?.project_id,
            character_id: Some(training.character_id),
            name: String::new(),
            instead: false,
            architecture: training.plan.architecture,
            file,
            weights: trained.weights.clone(),
            bytes: trained.bytes,
            trigger: training.plan.trigger.clone(),
            strength,
            active: false,
            training_id: Some(training.id),
            epoch: Some(epoch),
            created: self.now(),
        })
    }

    /// Keeps a LoRA in the library, with `active` as the one films use from now on; one that is there keeps its identity.
    pub(super) async fn put_into_library(
        &self,
        tx: &mut Tx<'_>,
        lora: &KeptLora,
        active: bool,
    ) -> Result<(), store::Error> {
        let mut kept = lora.clone();
        let all = self.of_owner(lora).await?;
        if !store::loras::insert(tx, lora).await?
            && let Some(known) = all.iter().find(|one| one.file == lora.file)
        {
            kept = KeptLora { strength: lora.strength, ..known.clone() };
            store::loras::set(tx, &kept).await?;
        }
        if active {
            store::loras::use_one(tx, &all, &kept, true).await?;
        }
        self.lora_changed(tx, &kept).await
    }

    /// Every LoRA of the character, or of the project, that one is of.
    pub(super) async fn of_owner(&self, lora: &KeptLora) -> Result<Vec<KeptLora>, store::Error> {
        match lora.character_id {
            Some(id) => store::loras::of_character(self.db(), id).await,
            None => store::loras::of_project(self.db(), lora.project_id).await,
        }
    }

    pub(super) async fn lora_changed(&self, tx: &mut Tx<'_>, lora: &KeptLora) -> Result<(), store::Error> {
        let body = json!({ "project": lora.project_id, "character": lora.character_id });
        store::events::append(tx, EventKind::LoraChanged, &lora.id.to_string(), &body, self.now()).await?;
        Ok(())
    }

    /// Takes the file of a LoRA out of ComfyUI's folder; one that is another by now stays.
    pub(super) async fn take_away(&self, lora: &KeptLora) {
        let Ok(folder) = self.folder() else { return };
        self.clear(folder.to_owned(), &lora.file, lora.weights.hash).await;
    }

    /// Takes the files of epochs out of ComfyUI's folder that were only compared, but for one that is about to be used. What cannot be
    /// removed now is removed when everything is swept.
    pub(super) async fn clear_probed(&self, training: &Training, epochs: &[TrainedEpoch], but: Option<u32>) {
        let Ok(folder) = self.folder() else { return };
        let Ok(library) = store::loras::of_character(self.db(), training.character_id).await else { return };
        for epoch in epochs.iter().filter(|one| Some(one.epoch) != but) {
            let Ok(name) = self.name_of(training, epoch.epoch).await else { continue };
            if !library.iter().any(|one| one.file == name) {
                self.clear(folder.to_owned(), &name, epoch.weights.hash).await;
            }
        }
    }

    /// Takes a file out of a folder that the studio wrote there with this content, and forgets it unless it has to be tried again.
    pub(super) async fn clear(&self, folder: PathBuf, name: &str, hash: ContentHash) {
        let written = store::placed_loras::get(self.db(), &store::placed_loras::name_of_folder(&folder), name).await;
        if !matches!(written, Ok(Some(_))) {
            return;
        }
        let (at, file) = (folder.clone(), name.to_owned());
        let cleared = tokio::task::spawn_blocking(move || lora_folder::clear(&at, &file, hash)).await;
        if !matches!(cleared, Ok(Cleared::Gone | Cleared::Foreign)) {
            return;
        }
        let forgotten = async {
            let mut tx = self.db().begin().await?;
            store::placed_loras::remove(&mut tx, &store::placed_loras::name_of_folder(&folder), name).await?;
            tx.commit().await
        };
        if let Err(error) = forgotten.await {
            tracing::warn!(%error, name, "a LoRA that is not there any more is still written down");
        }
    }
}
