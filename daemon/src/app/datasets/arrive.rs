//! Arrive: pictures from outside become pictures of a dataset. Each is checked by its content, turned upright, and kept
//! without anything it should not carry; what it says of how it was made is kept beside it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use studio_core::{
    dataset::{Cell, Made, Picture, PictureState, Source},
    ids::{CharacterId, PictureId},
    journal::EventKind,
    media::MediaFacts,
    units::Size,
};
use studio_pictures::{decode, metadata, zip};

use super::Datasets;
use crate::{
    app::producing::intake,
    store,
    web::{ServiceError, Taken},
};

/// Most bytes of an archive of pictures.
pub const ARCHIVE: u64 = 4 << 30;

/// A picture that was read, in a file of its own.
struct Read {
    file: PathBuf,
    name: String,
    made: Option<Made>,
}

/// Takes a picture, or every picture of a ZIP archive, into a dataset.
pub async fn add(datasets: &Datasets, character: CharacterId, file: &Path, name: &str) -> Result<Taken, ServiceError> {
    let context = &datasets.making.context;
    if std::fs::metadata(file).is_ok_and(|about| about.len() > ARCHIVE) {
        return Err(ServiceError::TooLarge(format!("send at most {} MiB", ARCHIVE >> 20)));
    }
    let room = tempfile::Builder::new()
        .prefix("pictures-")
        .tempdir_in(context.data.work())
        .map_err(|error| ServiceError::Unable(format!("the disk cannot take files: {error}")))?;
    let (from, into, named) = (file.to_owned(), room.path().to_owned(), name.to_owned());
    let read = tokio::task::spawn_blocking(move || read(&from, &into, &named)).await;
    let (read, refused) = read.map_err(|error| ServiceError::Broken(error.to_string()))??;
    let mut taken = Taken { added: Vec::new(), known: 0, refused: Vec::new(), ingest: None };
    let there = store::dataset_pictures::of_character(&context.db, character).await?;
    let mut there: BTreeSet<_> = there.into_iter().map(|picture| picture.file.hash).collect();
    for Read { file, name, made } in read {
        // It was written here just now, so its head says how large it is.
        let (width, height) =
            image::image_dimensions(&file).map_err(|error| ServiceError::Broken(error.to_string()))?;
        let size = Size { width, height };
        let kept = intake::kept(context, &file, &MediaFacts::Still { size }).await.map_err(ServiceError::Unable)?;
        if !there.insert(kept.hash) {
            taken.known += 1;
            continue;
        }
        let now = context.clock.now();
        let picture = Picture {
            id: PictureId(context.clock.id()),
            character_id: character,
            file: kept,
            size,
            state: PictureState::Pending,
            source: Source::Upload { name },
            lineage: 0,
            // What another program made is not real either.
            made: made.clone(),
            cell: Cell::new(),
            verdict: None,
            decision: None,
            caption: None,
            duplicate_of: None,
            print: None,
            created: now,
        };
        let picture = Picture { lineage: u32::from(made.is_some()), ..picture };
        let mut tx = context.db.begin().await?;
        if store::dataset_pictures::insert(&mut tx, &picture).await? {
            let body = serde_json::json!({ "character": character });
            store::events::append(&mut tx, EventKind::PictureAdded, &picture.id.to_string(), &body, now).await?;
            taken.added.push(picture.id);
        }
        tx.commit().await?;
    }
    if taken.added.is_empty() && taken.known == 0 {
        let why = if refused.is_empty() { vec!["there is no picture in it".to_owned()] } else { refused };
        return Err(ServiceError::WrongKind(why.into_iter().take(5).collect::<Vec<_>>().join("; ")));
    }
    taken.refused = refused;
    Ok(taken)
}

/// What is in a file: one picture, or those of an archive; and what was not taken, and why.
fn read(file: &Path, into: &Path, name: &str) -> Result<(Vec<Read>, Vec<String>), ServiceError> {
    let mut files = Vec::new();
    let mut refused = Vec::new();
    if zip::is_archive(file).map_err(|error| ServiceError::Unable(error.to_string()))? {
        let found = zip::unpack(file, into).map_err(|why| ServiceError::WrongKind(why.to_string()))?;
        files.extend(found.pictures.into_iter().map(|one| (one.path, one.name)));
        refused.extend(found.refused.iter().map(ToString::to_string));
    } else {
        files.push((file.to_owned(), name.to_owned()));
    }
    let mut read = Vec::new();
    for (at, (path, name)) in files.into_iter().enumerate() {
        match decode::clean(&path, into, at) {
            Ok(file) => read.push(Read { made: metadata::made(&path), file, name }),
            Err(why) => refused.push(if name.is_empty() { why.to_string() } else { format!("{name}: {why}") }),
        }
    }
    Ok((read, refused))
}
