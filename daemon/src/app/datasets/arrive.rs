//! Arrive: pictures from outside become pictures of a dataset. Each is checked by its content, turned upright, and kept
//! without anything it should not carry; what it says of how it was made is kept beside it, and so is the caption that lay
//! beside it in an archive.
//!
//! Everything that comes goes through here, wherever it is from. The same file again changes nothing, so a source that was
//! broken off is asked once more and goes on.

use std::path::{Path, PathBuf};

use serde_json::json;
use studio_core::{
    dataset::{
        Band, Called, Caption, Cell, Decider, Decision, Made, Picture, PictureState, Print, Reason, Remark, Source,
        band, match_captions, moment,
    },
    ids::{CharacterId, ContentHash, DecisionId, PictureId},
    journal::{DecisionKind, EventKind},
    media::MediaFacts,
    take::Verdict,
    units::Size,
};
use studio_pictures::{
    decode::{self, Refusal},
    metadata,
    print::print,
    zip,
};

use super::{Datasets, Error, copies::Copied, look};
use crate::{
    app::producing::intake,
    conductor::Context,
    events::StudioEvent,
    store::{self, dataset_seen::Seen},
    web::{ServiceError, Taken},
};

/// Most bytes of an archive of pictures.
pub const ARCHIVE: u64 = 4 << 30;

/// What is known of a picture on its way in, beside what it says itself.
pub struct About {
    /// Where it is from.
    pub source: Source,
    /// What it was made with; `None` leaves that to what it says itself.
    pub made: Option<Made>,
    /// Its lineage; `None`: 1 of what says how it was made, 0 of what does not.
    pub lineage: Option<u32>,
    /// What was said of it before it came.
    pub said: Said,
    /// What is told of it to a model that is trained on it.
    pub caption: Option<Caption>,
}

impl About {
    /// A picture nobody has said anything of.
    pub fn plain(source: Source) -> Self {
        Self { source, made: None, lineage: None, said: Said::Nothing, caption: None }
    }
}

/// What was said of a picture before it came. Of what was said nobody is asked again.
pub enum Said {
    /// Nothing was said: it is judged here.
    Nothing,
    /// A person approved it; and what the judge had said, if anything.
    Approved(Option<Verdict>),
    /// The judge said this; it counts within the dataset's bands.
    Judged {
        /// What it said.
        verdict: Verdict,
        /// Only a person approves pictures of this character.
        person_approves: bool,
    },
}

/// What became of a picture that came.
pub enum Came {
    /// It is new.
    Added(PictureId, ContentHash),
    /// The dataset had it already.
    Known(ContentHash),
    /// It was not taken, and why, in a sentence.
    Refused(String),
}

impl Came {
    /// What is kept of it at the source it came from.
    pub(super) fn seen(&self) -> Seen {
        match self {
            Self::Added(_, hash) | Self::Known(hash) => Seen { asset: Some(*hash), why: None },
            Self::Refused(why) => Seen { asset: None, why: Some(why.clone()) },
        }
    }
}

/// A picture that was read, in a file of its own.
pub(super) struct Read {
    pub(super) file: PathBuf,
    /// The hash of the file that came, before anything was taken out of it.
    came: ContentHash,
    /// Its hashes, made while its pixels were at hand.
    print: Print,
    pub(super) name: String,
    pub(super) made: Option<Made>,
    /// What lay beside it as its caption, without the words that every caption begins with.
    pub(super) caption: Option<String>,
}

/// What is in a file, as far as it can be used.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) pictures: Vec<Read>,
    /// What was not taken, and why.
    pub(super) refused: Vec<String>,
    /// What is said of captions.
    remarks: Vec<Remark>,
}

/// A folder of its own to work in.
///
/// # Errors
/// The disk takes no files.
pub fn room(datasets: &Datasets) -> Result<tempfile::TempDir, ServiceError> {
    tempfile::Builder::new()
        .prefix("pictures-")
        .tempdir_in(datasets.making.context.data.work())
        .map_err(|error| ServiceError::Unable(format!("the disk cannot take files: {error}")))
}

/// Does work for the disk and the processor on a thread that may take its time.
///
/// # Errors
/// What `work` says, or that it broke down.
pub async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ServiceError::Broken(error.to_string()))?
}

/// Takes a picture, or every picture of a ZIP archive, into a dataset; `source` says where one of that name is from.
///
/// # Errors
/// Nothing in it is taken, or the studio itself cannot.
pub async fn add(
    datasets: &Datasets,
    character: CharacterId,
    file: &Path,
    name: &str,
    source: impl Fn(String) -> Source,
) -> Result<Taken, ServiceError> {
    if std::fs::metadata(file).is_ok_and(|about| about.len() > ARCHIVE) {
        return Err(ServiceError::TooLarge(format!("send at most {} MiB", ARCHIVE >> 20)));
    }
    let room = room(datasets)?;
    let (from, into, named) = (file.to_owned(), room.path().to_owned(), name.to_owned());
    let db = &datasets.making.context.db;
    let known = store::characters::get(db, character).await?;
    let called = Called::of(&store::datasets::get(db, character).await?.settings, &known.name);
    let Contents { pictures, refused, mut remarks } = aside(move || read(&from, &into, &named, &called)).await?;
    let mut taken = Taken { refused, ..Taken::default() };
    for mut one in pictures {
        // Whoever sends a folder has read what is in it.
        let caption = one.caption.take().map(|text| Caption { text, by_person: true });
        let (name, captioned) = (std::mem::take(&mut one.name), caption.is_some());
        let about = About { caption: caption.clone(), ..About::plain(source(name.clone())) };
        let came = keep(datasets, character, one, about).await?;
        taken.captioned += usize::from(match &came {
            Came::Added(..) => captioned,
            Came::Known(hash) => recaption(datasets, character, *hash, caption, name, &mut remarks).await?,
            Came::Refused(_) => false,
        });
        if matches!(came, Came::Added(..)) {
            // Also when the next one fails.
            datasets.making.context.events.tell(StudioEvent::Dataset { character });
        }
        taken.count(came, "");
    }
    taken.remarks = remarks.iter().map(ToString::to_string).collect();
    if taken.added.is_empty() && taken.known == 0 {
        let mut why = taken.refused;
        if why.is_empty() {
            why.push("there is no picture in it".to_owned());
        }
        return Err(ServiceError::WrongKind(why.into_iter().take(5).collect::<Vec<_>>().join("; ")));
    }
    Ok(taken)
}

/// Takes one picture of which something is known into a dataset; `file` is left where it is.
///
/// # Errors
/// The studio itself cannot; a picture that is not taken is no error.
pub async fn take(
    datasets: &Datasets,
    character: CharacterId,
    file: &Path,
    about: About,
) -> Result<Came, ServiceError> {
    let room = room(datasets)?;
    let (from, into) = (file.to_owned(), room.path().to_owned());
    let read = aside(move || match cleaned(&from, &into, 0) {
        Ok(one) => Ok(Ok(one)),
        Err(why @ Refusal::Unwritable(_)) => Err(ServiceError::Unable(why.to_string())),
        Err(why) => Ok(Err(why.to_string())),
    });
    match read.await? {
        Ok(read) => keep(datasets, character, read, about).await,
        Err(why) => Ok(Came::Refused(why)),
    }
}

impl Taken {
    /// Counts what became of a picture; `name` is put before why it was refused.
    pub(super) fn count(&mut self, came: Came, name: &str) {
        match came {
            Came::Added(id, _) => self.added.push(id),
            Came::Known(_) => self.known += 1,
            Came::Refused(why) if name.is_empty() => self.refused.push(why),
            Came::Refused(why) => self.refused.push(format!("{name}: {why}")),
        }
    }
}

/// What the studio itself could not, for who looks after datasets.
pub fn trouble(error: ServiceError) -> Error {
    match error {
        ServiceError::Store(error) => Error::Store(error),
        ServiceError::Conductor(error) => Error::Conductor(error),
        ServiceError::Ingest(refused) => Error::Files(refused.to_string()),
        ServiceError::Review(refused) => Error::Files(refused.to_string()),
        ServiceError::Training(refused) => Error::Files(refused.to_string()),
        ServiceError::Mistakes(lines) => Error::Files(lines.join("; ")),
        ServiceError::Unable(why)
        | ServiceError::NotConfigured(why)
        | ServiceError::Broken(why)
        | ServiceError::Usage(why)
        | ServiceError::WrongKind(why)
        | ServiceError::TooLarge(why)
        | ServiceError::NothingApproved(why) => Error::Files(why),
    }
}

/// Puts a picture that was read into a dataset, with what follows from what was said of it.
async fn keep(datasets: &Datasets, character: CharacterId, read: Read, about: About) -> Result<Came, ServiceError> {
    let context = &datasets.making.context;
    // It was written here just now, so its head says how large it is.
    let (width, height) =
        image::image_dimensions(&read.file).map_err(|error| ServiceError::Broken(error.to_string()))?;
    let size = Size { width, height };
    if store::dataset_pictures::has(&context.db, character, read.came).await? {
        // It is a kept file that comes back, as it was kept.
        return Ok(Came::Known(read.came));
    }
    let kept = intake::kept(context, &read.file, &MediaFacts::Still { size }).await.map_err(ServiceError::Unable)?;
    if store::dataset_pictures::has(&context.db, character, kept.hash).await? {
        return Ok(Came::Known(kept.hash));
    }
    let made = about.made.or(read.made);
    let lineage = match (about.lineage, &made) {
        (Some(known), _) => known,
        // What another program made is not real either.
        (None, Some(made)) => {
            let loras: Vec<&str> = made.lora_files().collect();
            Picture::lineage_of([store::loras::lineage_of(&context.db, &loras).await?])
        }
        (None, None) => 0,
    };
    let now = context.clock.now();
    let hash = kept.hash;
    let mut picture = Picture {
        id: PictureId(context.clock.id()),
        character_id: character,
        file: kept,
        size,
        state: PictureState::Pending,
        source: about.source,
        lineage,
        made,
        cell: Cell::new(),
        placing: None,
        verdict: None,
        decision: None,
        caption: about.caption,
        duplicate_of: None,
        likeness: None,
        print: None,
        created: now,
    };
    let (decided, copied) = said(datasets, &mut picture, about.said, &read.print).await?;
    let id = picture.id;
    let mut tx = context.db.begin().await?;
    if !store::dataset_pictures::insert(&mut tx, &picture).await? {
        // Another one was faster.
        return Ok(Came::Known(hash));
    }
    if let Some(copied) = &copied {
        look::grouped(&mut tx, id, copied).await?;
    }
    if let Some(row) = &decided {
        store::decisions::insert(&mut tx, row).await?;
    }
    let body = json!({ "character": character });
    store::events::append(&mut tx, EventKind::PictureAdded, &id.to_string(), &body, now).await?;
    tx.commit().await?;
    if picture.print.is_some() {
        datasets.indexed(&picture);
    } else {
        // It is compared when it is its turn.
        datasets.hashed(id, read.print);
    }
    Ok(Came::Added(id, hash))
}

/// Lets count what was said of a picture before it came; the row of the decision where the judge's word decides it, and what it
/// is a copy of.
///
/// A near-duplicate is grouped like any other, unless it is the better one: whoever approved it has not seen the one that was
/// there.
async fn said(
    datasets: &Datasets,
    picture: &mut Picture,
    said: Said,
    print: &Print,
) -> Result<(Option<store::decisions::Decision>, Option<Copied>), ServiceError> {
    let (verdict, follows) = match said {
        Said::Nothing => return Ok((None, None)),
        Said::Approved(verdict) => (verdict, None),
        Said::Judged { verdict, person_approves } => (Some(verdict), Some(person_approves)),
    };
    let context = &datasets.making.context;
    let dataset = store::datasets::get(&context.db, picture.character_id).await?;
    let copied = datasets.copy_of(picture, print, &dataset).await?;
    picture.print = Some(print.clone());
    picture.verdict = verdict;
    if copied.as_ref().is_some_and(|copied| !copied.leads) {
        return Ok((None, copied));
    }
    let last = store::dataset_pictures::last_decided(&context.db, picture.character_id).await?;
    let at = moment(&dataset, last, context.clock.now());
    let (by, state, reason) = match (&picture.verdict, follows) {
        (Some(verdict), Some(person_approves)) => match band(verdict, &dataset.settings, person_approves) {
            Band::Approve(reason) => (Decider::Judge, PictureState::Approved, reason),
            Band::Reject(reason) => (Decider::Judge, PictureState::Rejected, reason),
            Band::Person => return Ok((None, copied)),
        },
        _ => (Decider::Person, PictureState::Approved, Reason::Good),
    };
    let decision = Decision { by, at, reason, note: String::new() };
    let row = store::decisions::Decision {
        id: DecisionId(context.clock.id()),
        episode_id: None,
        task_id: None,
        kind: DecisionKind::Picture,
        reason: decision.reason.to_string(),
        inputs: json!({
            "picture": picture.id, "character": picture.character_id, "reason": decision.reason,
            "verdict": picture.verdict, "source": picture.source,
        }),
        outcome: if state == PictureState::Approved { "approved" } else { "rejected" }.into(),
        created: at,
    };
    picture.state = state;
    picture.decision = Some(decision);
    // What a person says is in the picture itself, as everywhere.
    Ok((follows.is_some().then_some(row), copied))
}

/// A picture that came is there already: whether its caption is new and kept. What a person wrote stays.
async fn recaption(
    datasets: &Datasets,
    character: CharacterId,
    file: ContentHash,
    caption: Option<Caption>,
    name: String,
    remarks: &mut Vec<Remark>,
) -> Result<bool, ServiceError> {
    let Some(caption) = caption else { return Ok(false) };
    let context: &Context = &datasets.making.context;
    let Some(there) = store::dataset_pictures::of_file(&context.db, character, file).await? else { return Ok(false) };
    if let Some(old) = &there.caption
        && (old.by_person || old.text == caption.text)
    {
        if old.text != caption.text {
            remarks.push(Remark::Stays { picture: name });
        }
        return Ok(false);
    }
    let mut tx = context.db.begin().await?;
    if !store::dataset_pictures::add_caption(&mut tx, there.id, &caption).await? {
        remarks.push(Remark::Stays { picture: name });
        return Ok(false);
    }
    store::events::append(&mut tx, EventKind::PictureChanged, &there.id.to_string(), &json!({}), context.clock.now())
        .await?;
    tx.commit().await?;
    Ok(true)
}

/// What is in a file: one picture, or those of an archive with their captions; and what was not taken, and why.
pub(super) fn read(file: &Path, into: &Path, name: &str, called: &Called) -> Result<Contents, ServiceError> {
    let mut files = Vec::new();
    let mut contents = Contents::default();
    if zip::is_archive(file).map_err(|error| ServiceError::Unable(error.to_string()))? {
        let found = zip::unpack(file, into).map_err(|why| match why {
            zip::Trouble::Disk(_) => ServiceError::Unable(why.to_string()),
            _ => ServiceError::WrongKind(why.to_string()),
        })?;
        let inside: Vec<String> = found.pictures.iter().map(|one| one.inside.clone()).collect();
        let matched = match_captions(&inside, &found.captions, called);
        files.extend(found.pictures.into_iter().zip(matched.captions).map(|(one, text)| (one.path, one.name, text)));
        contents.refused.extend(found.refused.iter().map(ToString::to_string));
        contents.remarks = matched.remarks;
    } else {
        files.push((file.to_owned(), name.to_owned(), None));
    }
    for (at, (path, name, caption)) in files.into_iter().enumerate() {
        match cleaned(&path, into, at) {
            Ok(one) => contents.pictures.push(Read { name, caption, ..one }),
            Err(why @ Refusal::Unwritable(_)) => return Err(ServiceError::Unable(why.to_string())),
            Err(why) => {
                contents.refused.push(if name.is_empty() { why.to_string() } else { format!("{name}: {why}") });
            }
        }
    }
    Ok(contents)
}

/// A picture in a file of its own, without what it should not carry.
fn cleaned(path: &Path, into: &Path, at: usize) -> Result<Read, Refusal> {
    let decode::Written { file, came, picture } = decode::clean(path, into, at)?;
    let (came, print) = (ContentHash::of(&came), print(&picture.pixels));
    Ok(Read { made: metadata::made(path), file, came, print, name: String::new(), caption: None })
}

#[cfg(test)]
mod tests {
    use studio_core::dataset::DatasetSettings;
    use studio_pictures::pack::{self, Content, Packed};

    use super::*;

    #[test]
    fn a_disk_that_is_full_while_an_archive_is_unpacked_is_no_fault_of_the_archive() {
        let room = tempfile::tempdir().unwrap();
        let (archive, into) = (room.path().join("pictures.zip"), room.path().join("into"));
        std::fs::create_dir(&into).unwrap();
        let mut picture = std::io::Cursor::new(Vec::new());
        image::RgbImage::from_pixel(256, 256, image::Rgb([9, 9, 9]))
            .write_to(&mut picture, image::ImageFormat::Png)
            .unwrap();
        std::fs::write(room.path().join("a.png"), picture.into_inner()).unwrap();
        let files = [Packed { path: "a.png".into(), content: Content::File(room.path().join("a.png")) }];
        pack::pack(&mut std::fs::File::create(&archive).unwrap(), &files).unwrap();
        let called = Called::of(&DatasetSettings::default(), "Mara");
        // What is written there meets a full disk.
        std::os::unix::fs::symlink("/dev/full", into.join("entry-0")).unwrap();
        let full = read(&archive, &into, "pictures.zip", &called);
        assert!(
            matches!(&full, Err(ServiceError::Unable(why)) if why.contains("No space left on device")),
            "{:?}",
            full.map(|found| found.refused)
        );
        std::fs::remove_file(into.join("entry-0")).unwrap();
        let taken = read(&archive, &into, "pictures.zip", &called).map_err(|_| "the same archive is taken with room");
        assert_eq!(taken.unwrap().pictures.len(), 1);
    }
}
