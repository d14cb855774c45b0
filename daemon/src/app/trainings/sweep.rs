//! Sweep: what runs and the library left behind that nothing refers to any more is cleared away. What the studio has not written
//! stays.

use std::{collections::BTreeSet, path::PathBuf};

use studio_core::ids::TrainingId;
use studio_engine::asset_path;

use super::Trainings;
use crate::{
    app::{datasets, lora_folder},
    engines::trainer,
    store,
};

/// Folders of runs that nobody knows any more stay for so long.
const FORGOTTEN_AFTER: std::time::Duration = std::time::Duration::from_hours(7 * 24);

impl Trainings {
    /// Clears away folders of runs that are not there any more, working files of those that are over, what still runs for either,
    /// and LoRAs in ComfyUI's folder that neither the library nor a run wants.
    ///
    /// What cannot be done now is done the next time.
    pub async fn sweep(&self) {
        let _one_at_a_time = self.asking.lock().await;
        if let Err(error) = self.sweep_runs().await {
            tracing::warn!(%error, "what runs have left behind is not all cleared away");
        }
        if let Err(error) = self.sweep_placed().await {
            tracing::warn!(%error, "LoRAs that nothing uses any more are not all cleared away");
        }
    }

    async fn sweep_runs(&self) -> Result<(), datasets::Error> {
        let home = self.datasets.making.context.data.trainings();
        let looked = home.clone();
        let there = tokio::task::spawn_blocking(move || trainer::folders(&looked)).await;
        let there = there.map_err(|error| datasets::Error::Files(error.to_string()))?;
        for id in there.map_err(|error| datasets::Error::Files(format!("{}: {error}", home.display())))? {
            match store::trainings::get(self.db(), id).await {
                // What is still made for one whose character was removed ends first.
                Err(store::Error::NotFound { .. }) => {
                    let is_over = store::trainings::open_tasks(self.db(), id).await?.is_empty();
                    // Its files do not go at once: the database may be another than yesterday, and the right one comes back.
                    if is_over && self.is_old(home.clone(), id).await {
                        self.forget(home.clone(), id).await;
                    } else if is_over {
                        trainer::end_left_over(&home, Some(id)).await;
                    }
                }
                Ok(training) if !training.state.is_open() => self.tidy(home.clone(), id).await?,
                // Of one that cannot be read nothing is known, so nothing is taken from it.
                Ok(_) | Err(store::Error::Corrupt { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Whether nothing was written into the folder of a run for long.
    async fn is_old(&self, home: PathBuf, id: TrainingId) -> bool {
        let touched = tokio::task::spawn_blocking(move || trainer::touched(&home, id)).await;
        let Ok(Ok(touched)) = touched else { return false };
        self.now().0.saturating_sub(touched.0) >= i64::try_from(FORGOTTEN_AFTER.as_millis()).unwrap_or(i64::MAX)
    }

    /// Removes everything there is of a run that is not there any more.
    async fn forget(&self, home: PathBuf, id: TrainingId) {
        trainer::end_left_over(&home, Some(id)).await;
        let gone = tokio::task::spawn_blocking(move || trainer::forget(&home, id)).await;
        match gone {
            Ok(Ok(())) => tracing::info!(training = %id, "what a removed training had left behind is cleared away"),
            Ok(Err(error)) => tracing::warn!(training = %id, %error, "what a trainer had left is not all removed"),
            Err(error) => tracing::warn!(training = %id, %error, "what a trainer had left is not all removed"),
        }
    }

    /// Removes what a run that is over needed to go on; what it said stays, and so do epochs that are nowhere else.
    async fn tidy(&self, home: PathBuf, id: TrainingId) -> Result<(), datasets::Error> {
        // One that was just ended may still be at its end.
        if !store::trainings::open_tasks(self.db(), id).await?.is_empty() {
            return Ok(());
        }
        trainer::end_left_over(&home, Some(id)).await;
        let epochs = store::trainings::epochs(self.db(), id).await?;
        let assets = self.datasets.making.context.data.assets();
        let tidied = tokio::task::spawn_blocking(move || {
            let kept = epochs.iter().filter(|one| {
                let file = std::fs::metadata(asset_path(&assets, &one.weights));
                file.is_ok_and(|about| about.len() == one.bytes)
            });
            let kept: BTreeSet<u32> = kept.map(|one| one.epoch).collect();
            trainer::clear_working_files(&home, id, &kept)
        });
        let tidied = tidied.await.map_err(|error| datasets::Error::Files(error.to_string()))?;
        if let Err(error) = tidied {
            tracing::warn!(training = %id, %error, "working files of a training that is over are not all removed");
        }
        Ok(())
    }

    async fn sweep_placed(&self) -> Result<(), datasets::Error> {
        if let Some(folder) = &self.datasets.making.config.models.loras {
            let mut tx = self.db().begin().await?;
            store::placed_loras::adopt(&mut tx, &store::placed_loras::name_of_folder(folder), self.now()).await?;
            tx.commit().await?;
        }
        // What the settings name is wanted, whoever trained it.
        let named = |file: &str| {
            let characters = self.datasets.making.config.characters.values();
            characters.flat_map(|one| &one.loras).any(|lora| lora.file.replace('\\', "/") == file)
        };
        for (placed, is_wanted) in store::placed_loras::all(self.db()).await? {
            let folder = PathBuf::from(&placed.folder);
            if !is_wanted && !named(&placed.file) {
                self.clear(folder, &placed.file, placed.hash).await;
                continue;
            }
            let file = placed.file;
            let cleared = tokio::task::spawn_blocking(move || lora_folder::clear_broken_copy(&folder, &file)).await;
            cleared.map_err(|error| datasets::Error::Files(error.to_string()))?;
        }
        Ok(())
    }
}
