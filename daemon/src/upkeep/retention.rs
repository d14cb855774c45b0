//! Retention: kept files nothing refers to any more leave the disk after a while.
//!
//! Days count from when a file was first kept. A file is referred to when a task's result, a take, a shot, a scene or an episode names it, it is in a
//! dataset, or a person put it in place. What an older version
//! of a screenplay needed stays for some days, because scripts are changed back.

use std::{collections::BTreeSet, path::Path};

use studio_core::{ids::ContentHash, production::Override, units::Millis};
use studio_engine::asset_path;

use super::Error;
use crate::{
    files::DataDir,
    store::{self, Db},
};

/// Kept files looked at together.
const PAGE: u32 = 500;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// What was, or would be, removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
pub struct Tidied {
    /// How many files were, or would be, removed.
    pub files: u64,
    /// Size of these files together, in bytes.
    pub bytes: u64,
}

/// Removes kept files that nothing refers to and that were first kept more than `days` ago, or only counts them when
/// `dry`.
///
/// The row goes missing before the file does, so that a power cut in between leaves a file too many, not too few.
///
/// # Errors
/// What the store or the disk says; what was removed until then stays removed.
pub async fn tidy(db: &Db, data: &DataDir, now: Millis, days: u32, dry: bool) -> Result<Tidied, Error> {
    let before = Millis(now.0 - i64::from(days) * DAY_MS);
    let used = used(db, before).await?;
    let (mut tidied, mut after, mut gone) = (Tidied::default(), None, BTreeSet::new());
    loop {
        let page = store::assets::page(db, after, PAGE).await?;
        let Some(last) = page.last() else {
            let thumbs = data.thumbs();
            let forgotten = tokio::task::spawn_blocking(move || forget_thumbs(&thumbs, &gone)).await;
            forgotten.map_err(std::io::Error::other).flatten()?;
            return Ok(tidied);
        };
        after = Some(last.file.hash);
        for asset in page {
            let hash = asset.file.hash;
            if asset.missing || used.contains(&hash) || asset.created > before {
                continue;
            }
            tidied.files += 1;
            tidied.bytes += asset.bytes;
            if dry {
                continue;
            }
            let mut tx = db.begin().await?;
            store::assets::mark_missing(&mut tx, hash).await?;
            tx.commit().await?;
            match tokio::fs::remove_file(asset_path(&data.assets(), &asset.file)).await {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
            gone.insert(hash.to_string());
        }
    }
}

/// Small pictures of files that are gone go with them; they are named `HASH-WIDTH.webp` and `HASH-poster.jpg`.
fn forget_thumbs(folder: &Path, gone: &BTreeSet<String>) -> std::io::Result<()> {
    if gone.is_empty() || !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.split_once('-').is_some_and(|(hash, _)| gone.contains(hash)) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Every file something refers to. Pictures of datasets that were rejected before a moment do not count: what was learned
/// of them stays.
async fn used(db: &Db, before: Millis) -> Result<BTreeSet<ContentHash>, Error> {
    let mut used = BTreeSet::new();
    for episode in store::episodes::list(db).await? {
        used.extend(episode.film.into_iter().chain(episode.thumbnail));
        for task in store::tasks::of_episode(db, episode.id).await? {
            if !task.state.is_final() {
                // Planned again and not found again yet: what it made before is about to be needed.
                let attempts = store::attempts::of_task(db, task.id).await?;
                let made = attempts.iter().filter_map(|attempt| attempt.outputs.as_ref()).flat_map(|made| &made.files);
                used.extend(made.map(|file| file.asset.hash));
            }
            used.extend(task.outputs.iter().flat_map(|outputs| &outputs.files).map(|file| file.asset.hash));
        }
        let rulings = store::by_hand::of_episode(db, episode.id).await?;
        used.extend(rulings.iter().flat_map(Override::files));
        if let Some(plan) = store::productions::of_episode(db, episode.id).await? {
            used.extend(plan.chosen_files());
            // The user's own pictures and recordings: the episode may be made again without the command line.
            let models = || plan.cast.models.iter();
            let references = models().flat_map(|models| models.characters.values()).flat_map(|one| &one.references);
            let places = models().flat_map(|models| models.places.values()).flat_map(|one| &one.references);
            used.extend(references.chain(places).chain(plan.cast.samples.values()).map(|asset| asset.hash));
        }
        used.extend(store::takes::of_episode(db, episode.id).await?.into_iter().map(|take| take.asset));
        used.extend(store::scenes::of_episode(db, episode.id).await?.into_iter().filter_map(|scene| scene.film));
        for shot in store::shots::of_episode(db, episode.id).await? {
            used.extend([shot.clip, shot.master, shot.still, shot.last_frame].into_iter().flatten());
        }
    }
    // What people have put on a sheet waits for the next production.
    for project in store::projects::list(db).await? {
        for (_, sheet) in store::characters::sheets(db, project.id).await? {
            used.extend(sheet.files().map(|file| file.hash));
        }
        for (_, sheet) in store::locations::sheets(db, project.id).await? {
            used.extend(sheet.references.iter().map(|file| file.hash));
        }
    }
    used.extend(store::dataset_pictures::in_use(db, before).await?);
    used.extend(store::portraits::in_use(db, before).await?);
    used.extend(store::trainings::in_use(db).await?);
    used.extend(store::unnamed_pictures::in_use(db).await?);
    // What runs now may be about to need its inputs.
    for attempt in store::attempts::running(db).await? {
        used.extend(attempt.order.inputs().into_iter().map(|asset| asset.hash));
    }
    Ok(used)
}
