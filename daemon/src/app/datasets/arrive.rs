//! Arrive: pictures from outside become pictures of a dataset. Each is checked by its content, turned upright, and kept
//! without anything it should not carry; what it says of how it was made is kept beside it, and so is the caption that lay
//! beside it in an archive.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use studio_core::{
    dataset::{Called, Caption, Cell, Made, Picture, PictureState, Remark, Source, match_captions},
    ids::{CharacterId, ContentHash, PictureId},
    journal::EventKind,
    media::MediaFacts,
    units::Size,
};
use studio_pictures::{decode, metadata, zip};

use super::Datasets;
use crate::{
    app::producing::intake,
    conductor::Context,
    store,
    web::{ServiceError, Taken},
};

/// Most bytes of an archive of pictures.
pub const ARCHIVE: u64 = 4 << 30;

/// A picture that was read, in a file of its own.
struct Read {
    file: PathBuf,
    /// The hash of the file that came, before anything was taken out of it.
    came: ContentHash,
    name: String,
    made: Option<Made>,
    /// What lay beside it as its caption, without the words that every caption begins with.
    caption: Option<String>,
}

/// What came, as far as it can be used.
#[derive(Default)]
struct Came {
    pictures: Vec<Read>,
    /// What was not taken, and why.
    refused: Vec<String>,
    /// What is said of captions.
    remarks: Vec<Remark>,
}

/// Takes a picture, or every picture of a ZIP archive, into a dataset.
pub async fn add(datasets: &Datasets, character: CharacterId, file: &Path, name: &str) -> Result<Taken, ServiceError> {
    let context = &datasets.making.context;
    let room = tempfile::Builder::new()
        .prefix("pictures-")
        .tempdir_in(context.data.work())
        .map_err(|error| ServiceError::Unable(format!("the disk cannot take files: {error}")))?;
    let known = store::characters::get(&context.db, character).await?;
    let called = Called::of(&store::datasets::get(&context.db, character).await?.settings, &known.name);
    let (from, into, named) = (file.to_owned(), room.path().to_owned(), name.to_owned());
    let came = tokio::task::spawn_blocking(move || read(&from, &into, &named, &called)).await;
    let Came { pictures, refused, mut remarks } = came.map_err(|error| ServiceError::Broken(error.to_string()))??;
    let mut taken = Taken::default();
    let there = store::dataset_pictures::of_character(&context.db, character).await?;
    let mut there: BTreeMap<_, _> = there.into_iter().map(|picture| (picture.file.hash, picture)).collect();
    for Read { file, came, name, made, caption } in pictures {
        // Whoever sends a folder has read what is in it.
        let caption = caption.map(|text| Caption { text, by_person: true });
        if let Some(other) = there.get_mut(&came) {
            // It is a kept file that comes back, as it was kept.
            taken.known += 1;
            taken.captioned += usize::from(again(context, other, caption, name, &mut remarks).await?);
            continue;
        }
        // It was written here just now, so its head says how large it is.
        let (width, height) =
            image::image_dimensions(&file).map_err(|error| ServiceError::Broken(error.to_string()))?;
        let size = Size { width, height };
        let kept = intake::kept(context, &file, &MediaFacts::Still { size }).await.map_err(ServiceError::Unable)?;
        if let Some(other) = there.get_mut(&kept.hash) {
            taken.known += 1;
            taken.captioned += usize::from(again(context, other, caption, name, &mut remarks).await?);
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
            caption,
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
            taken.captioned += usize::from(picture.caption.is_some());
        }
        tx.commit().await?;
        there.insert(picture.file.hash, picture);
    }
    if taken.added.is_empty() && taken.known == 0 {
        let why = if refused.is_empty() { vec!["there is no picture in it".to_owned()] } else { refused };
        return Err(ServiceError::WrongKind(why.into_iter().take(5).collect::<Vec<_>>().join("; ")));
    }
    taken.refused = refused;
    taken.remarks = remarks.iter().map(ToString::to_string).collect();
    Ok(taken)
}

/// What came is there already: whether its caption is new and kept. What a person wrote stays.
async fn again(
    context: &Context,
    there: &mut Picture,
    caption: Option<Caption>,
    name: String,
    remarks: &mut Vec<Remark>,
) -> Result<bool, ServiceError> {
    let Some(caption) = caption else { return Ok(false) };
    if let Some(old) = &there.caption
        && (old.by_person || old.text == caption.text)
    {
        if old.text != caption.text {
            remarks.push(Remark::Stays { picture: name });
        }
        return Ok(false);
    }
    let mut tx = context.db.begin().await?;
    store::dataset_pictures::set_caption(&mut tx, there.id, Some(&caption)).await?;
    let (body, now) = (serde_json::json!({}), context.clock.now());
    store::events::append(&mut tx, EventKind::PictureChanged, &there.id.to_string(), &body, now).await?;
    tx.commit().await?;
    there.caption = Some(caption);
    Ok(true)
}

/// What is in a file: one picture, or those of an archive with their captions.
fn read(file: &Path, into: &Path, name: &str, called: &Called) -> Result<Came, ServiceError> {
    let mut files = Vec::new();
    let mut came = Came::default();
    if zip::is_archive(file).map_err(|error| ServiceError::Unable(error.to_string()))? {
        let found = zip::unpack(file, into).map_err(|why| ServiceError::WrongKind(why.to_string()))?;
        let inside: Vec<String> = found.pictures.iter().map(|one| one.inside.clone()).collect();
        let matched = match_captions(&inside, &found.captions, called);
        files.extend(found.pictures.into_iter().zip(matched.captions).map(|(one, text)| (one.path, one.name, text)));
        came.refused.extend(found.refused.iter().map(ToString::to_string));
        came.remarks = matched.remarks;
    } else {
        files.push((file.to_owned(), name.to_owned(), None));
    }
    for (at, (path, name, caption)) in files.into_iter().enumerate() {
        let clean = decode::clean(&path, into, at).and_then(|file| Ok((file, ContentHash::of(&decode::load(&path)?))));
        match clean {
            Ok((file, hash)) => {
                came.pictures.push(Read { made: metadata::made(&path), file, came: hash, name, caption });
            }
            Err(why) => came.refused.push(if name.is_empty() { why.to_string() } else { format!("{name}: {why}") }),
        }
    }
    Ok(came)
}
