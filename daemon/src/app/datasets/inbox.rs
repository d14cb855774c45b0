//! Inbox: a folder that is watched. It has a sub-folder for each character, and pictures that are put there come into the
//! dataset by themselves, also those that came while the studio was off.
//!
//! Files stay where they are. Each is known by its content, whatever it is called, so a start reads all of them once and
//! changes nothing. A folder that is not there, an unmounted disk for example, is waited for.

mod listing;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use serde_json::json;
use studio_core::{
    dataset::{Look, Settling, Source},
    ids::{CharacterId, ContentHash},
    journal::EventKind,
    project::fold_name,
    units::Millis,
};
use studio_pictures::{decode, zip};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Datasets, Error,
    arrive::{self, ARCHIVE},
};
use crate::{
    events::StudioEvent,
    files,
    store::{
        self,
        dataset_seen::{Place, Seen},
    },
    web::ServiceError,
};
use listing::Listing;

/// Files read between two looks at the folder.
const AT_A_TIME: usize = 500;
/// After a hint so long is waited: whoever writes does so many times.
const HINTS_SETTLE: Duration = Duration::from_secs(1);
/// Without any hint it is looked again after this long: not every disk tells of changes.
const AT_LATEST: Duration = Duration::from_mins(1);
/// A folder that is not there is looked for this often, in milliseconds.
const AWAY_MS: i64 = 10_000;
/// What was said is said once; of more than so much of it the oldest is forgotten.
const MOST_SAID: usize = 10_000;

/// The watched folder.
pub struct Inbox {
    datasets: Datasets,
    root: PathBuf,
    /// Where it really is, as paths of files in it begin.
    real: PathBuf,
    files: Settling<(CharacterId, PathBuf)>,
    /// What is not looked at, as it was said.
    said: BTreeSet<String>,
    /// The folder was not there at the last look.
    away: bool,
}

/// What became of a file.
enum Became {
    /// Nothing more is to be done about it.
    Done,
    /// It is not as it was seen.
    Changed,
    /// It cannot be used, and why; with what it is known by.
    Unusable(ContentHash, String),
}

/// A copy of a file.
enum Copied {
    /// It is whole, and has this content.
    Whole(ContentHash),
    /// It is not as it was seen.
    Changed,
    /// It cannot be used, and why.
    Unusable(String),
}

impl Inbox {
    /// The folder at `root`, which need not be there yet; nothing is looked at before [`Inbox::run`] or [`Inbox::look`].
    pub fn of(datasets: Datasets, root: PathBuf) -> Self {
        Self { datasets, real: root.clone(), root, files: Settling::default(), said: BTreeSet::new(), away: false }
    }

    /// Watches the folder until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let (hint, mut hints) = mpsc::channel::<()>(1);
        let mut watching = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.watch(&mut watching, &hint) => {}
            }
            let looked = tokio::select! {
                () = stop.cancelled() => return,
                looked = self.look() => looked,
            };
            let wake = looked.unwrap_or_else(|error| {
                // A store that is away comes back, and a disk gets room.
                tracing::warn!(folder = %self.root.display(), %error, "the watched folder cannot be looked at");
                Some(self.datasets.making.context.clock.now().after(5_000))
            });
            let left = wake.map_or(i64::MAX, |wake| wake.0 - self.datasets.making.context.clock.now().0);
            let pause = Duration::from_millis(left.max(0).unsigned_abs()).min(AT_LATEST);
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                _ = hints.recv() => {
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(HINTS_SETTLE) => {}
                    }
                    while hints.try_recv().is_ok() {}
                }
            }
        }
    }

    /// Has the folder tell of changes; again when it is another one, as after it was mounted.
    async fn watch(&self, watching: &mut Option<(RecommendedWatcher, (u64, u64))>, hint: &mpsc::Sender<()>) {
        let (root, hint) = (self.root.clone(), hint.clone());
        let is = watching.as_ref().map(|(_, is)| *is);
        let watch = move || {
            let about = fs::metadata(&root).ok()?;
            let now = (about.dev(), about.ino());
            if is == Some(now) {
                return Some(None);
            }
            let tell = move |event: Result<notify::Event, notify::Error>| {
                // That a file is read is told, too, and would go round for ever.
                if event.is_ok_and(|event| !event.kind.is_access()) {
                    // One hint that waits is enough.
                    let _ = hint.try_send(());
                }
            };
            // Links out of the folder are not looked at, so they are not watched either.
            let config = notify::Config::default().with_follow_symlinks(false);
            let made = RecommendedWatcher::new(tell, config).and_then(|mut watcher| {
                watcher.watch(&root, RecursiveMode::Recursive)?;
                Ok(watcher)
            });
            match made {
                Ok(watcher) => Some(Some((watcher, now))),
                Err(error) => {
                    tracing::debug!(folder = %root.display(), %error, "changes are seen once a minute only");
                    None
                }
            }
        };
        match tokio::task::spawn_blocking(watch).await {
            Ok(Some(None)) => {}
            Ok(Some(new)) => *watching = new,
            Ok(None) | Err(_) => *watching = None,
        }
    }

    /// Looks at the folder once and takes what is whole; when to look again although nothing is told, `None`: as late as may be.
    ///
    /// # Errors
    /// The store or the disk of the studio fails; what was not done is done at the next look.
    pub async fn look(&mut self) -> Result<Option<Millis>, Error> {
        let now = self.datasets.making.context.clock.now();
        let root = self.root.clone();
        let listed = tokio::task::spawn_blocking(move || listing::list(&root)).await;
        let listing = match listed.map_err(|error| Error::Files(error.to_string()))? {
            Ok(listing) => listing,
            Err(error) => {
                if !std::mem::replace(&mut self.away, true) {
                    let why = format!("it cannot be read: {error}; it is waited for");
                    self.say(None, &self.root.display().to_string(), &why).await?;
                }
                return Ok(Some(now.after(AWAY_MS)));
            }
        };
        if std::mem::replace(&mut self.away, false) {
            tracing::info!(folder = %self.root.display(), "the watched folder is there again");
        }
        self.meet(listing, now).await?;
        let ready = self.files.ready(now, AT_A_TIME);
        let all = ready.len() < AT_A_TIME;
        for (file, look) in ready {
            self.read(&file, look, now).await?;
        }
        Ok(if all { self.files.next() } else { Some(now) })
    }

    /// Finds whose folders they are, and takes in what is seen of their files.
    async fn meet(&mut self, listing: Listing, now: Millis) -> Result<(), Error> {
        let owners = owners(&self.datasets).await?;
        self.real = listing.root;
        let mut seen = Vec::new();
        let mut left: Vec<(String, String)> =
            listing.left.into_iter().map(|(path, why)| (path, why.to_owned())).collect();
        for folder in listing.folders {
            match owners.get(&fold_name(&folder.name)).map(Vec::as_slice) {
                Some([(character, _)]) => {
                    seen.extend(folder.files.into_iter().map(|(path, look)| ((*character, path), look)));
                }
                Some([(_, whole), ..]) => {
                    let why = format!("several are called that; put the project before it, e.g. '{whole}'");
                    left.push((folder.name, why));
                }
                _ => left.push((folder.name, "nobody is called that; name it like a character".to_owned())),
            }
        }
        self.files.see(seen, now);
        // What lies there rightly now is said again, should it not any more.
        let still: BTreeSet<String> = left.iter().map(|(path, why)| format!("{path}\n{why}")).collect();
        self.said.retain(|said| still.contains(said));
        for (path, why) in left {
            if self.said.len() < MOST_SAID && self.said.insert(format!("{path}\n{why}")) {
                self.say(None, &path, &why).await?;
            }
        }
        Ok(())
    }

    /// Reads a file that has settled.
    async fn read(&mut self, file: &(CharacterId, PathBuf), look: Look, now: Millis) -> Result<(), Error> {
        let (character, path) = file;
        match self.bring(*character, path, look).await? {
            Became::Done => self.files.done(file),
            Became::Changed => self.files.forget(file),
            Became::Unusable(key, why) => {
                if self.files.fails(file, now) {
                    let shown = path.strip_prefix(&self.real).unwrap_or(path).display().to_string();
                    self.note(*character, key, Some(why.clone())).await?;
                    self.say(Some(*character), &shown, &why).await?;
                }
            }
        }
        Ok(())
    }

    /// Takes a file into a dataset, unless what is in it was seen there before.
    async fn bring(&self, character: CharacterId, path: &Path, look: Look) -> Result<Became, Error> {
        let db = &self.datasets.making.context.db;
        let room = arrive::room(&self.datasets).map_err(arrive::trouble)?;
        let (from, copy) = (path.to_owned(), room.path().join("file"));
        let into = copy.clone();
        let copied = tokio::task::spawn_blocking(move || copied(&from, look, &into)).await;
        let copied = copied.map_err(|error| Error::Files(error.to_string()))?;
        let key = match copied.map_err(|error| Error::Files(format!("the disk cannot take files: {error}")))? {
            Copied::Whole(hash) => hash,
            Copied::Changed => return Ok(Became::Changed),
            Copied::Unusable(why) => {
                let key = ContentHash::of(unusable_key(path, look).as_bytes());
                let known = store::dataset_seen::get(db, character, Place::Inbox, key).await?;
                return Ok(if known.is_some() { Became::Done } else { Became::Unusable(key, why) });
            }
        };
        if store::dataset_seen::get(db, character, Place::Inbox, key).await?.is_some() {
            return Ok(Became::Done);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name: String = name.chars().filter(|sign| !sign.is_control()).take(200).collect();
        // Its own name is said beside it, so only those inside of it are said here.
        let source = |inside: String| Source::Inbox { name: if inside.is_empty() { name.clone() } else { inside } };
        let taken = arrive::add(&self.datasets, character, &copy, "", source).await;
        match taken {
            Ok(taken) => {
                self.note(character, key, None).await?;
                let said = [taken.refused, taken.remarks].concat();
                if !said.is_empty() {
                    self.say(Some(character), &name, &said.join("; ")).await?;
                }
                self.datasets.making.context.events.tell(StudioEvent::Dataset { character });
                Ok(Became::Done)
            }
            Err(ServiceError::WrongKind(why) | ServiceError::TooLarge(why) | ServiceError::Usage(why)) => {
                Ok(Became::Unusable(key, why))
            }
            Err(ServiceError::Broken(why)) => Ok(Became::Unusable(key, format!("the studio cannot read it: {why}"))),
            Err(other) => Err(arrive::trouble(other)),
        }
    }

    /// Keeps that a file was seen.
    async fn note(&self, character: CharacterId, key: ContentHash, why: Option<String>) -> Result<(), Error> {
        let context = &self.datasets.making.context;
        let (mut tx, now) = (context.db.begin().await?, context.clock.now());
        store::dataset_seen::note(&mut tx, character, Place::Inbox, key, &Seen { asset: None, why }, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes down, and tells, what is not taken; of nobody when it is in nobody's folder.
    async fn say(&self, character: Option<CharacterId>, file: &str, why: &str) -> Result<(), Error> {
        let context = &self.datasets.making.context;
        tracing::warn!(file, why, "not taken from the watched folder");
        let subject = character.map_or_else(|| "inbox".to_owned(), |id| id.to_string());
        let body = json!({ "character": character, "file": file, "why": why });
        let mut tx = context.db.begin().await?;
        store::events::append(&mut tx, EventKind::PictureRefused, &subject, &body, context.clock.now()).await?;
        tx.commit().await?;
        context.events.tell(StudioEvent::Changed);
        Ok(())
    }
}

/// Characters by the names a folder of theirs may have, folded: name, short name, both after the project's, and id. Each
/// with the name that is theirs alone.
async fn owners(datasets: &Datasets) -> Result<BTreeMap<String, Vec<(CharacterId, String)>>, Error> {
    let db = &datasets.making.context.db;
    let mut owners: BTreeMap<String, Vec<(CharacterId, String)>> = BTreeMap::new();
    for project in store::projects::list(db).await? {
        for one in store::characters::readable(db, project.id).await? {
            let whole = format!("{} {}", project.slug, one.slug);
            let names = [
                one.name.clone(),
                one.slug.clone(),
                format!("{} {}", project.title, one.name),
                whole.clone(),
                one.id.to_string(),
            ];
            let names: BTreeSet<String> = names.iter().map(|name| fold_name(name)).collect();
            for name in names {
                owners.entry(name).or_default().push((one.id, whole.clone()));
            }
        }
    }
    Ok(owners)
}

/// The folder that is watched for a character: the shortest name that is theirs alone; `None` when none is watched.
///
/// # Errors
/// The store fails.
pub async fn folder_of(datasets: &Datasets, character: CharacterId) -> Result<Option<PathBuf>, Error> {
    let Some(root) = &datasets.making.config.datasets.inbox else { return Ok(None) };
    let owners = owners(datasets).await?;
    let known = store::characters::get(&datasets.making.context.db, character).await?;
    let whole = owners.get(&fold_name(&character.to_string())).and_then(|own| own.first());
    let whole = whole.map_or_else(|| character.to_string(), |(_, whole)| whole.clone());
    let mut names = [known.slug, whole, character.to_string()].into_iter();
    let alone = names.find(|name| owners.get(&fold_name(name)).is_some_and(|own| own.len() == 1));
    Ok(alone.map(|name| root.join(name)))
}

/// What the key of a file that cannot be taken is made of: it is stored, so its words are never changed.
fn unusable_key(path: &Path, look: Look) -> String {
    format!("{}\nLook {{ bytes: {}, changed: {} }}", path.display(), look.bytes, look.changed)
}

/// Copies a file that was seen like this; whoever writes it may go on doing so meanwhile.
fn copied(path: &Path, look: Look, into: &Path) -> io::Result<Copied> {
    let unusable = |error: &io::Error| match error.kind() {
        ErrorKind::NotFound => Copied::Changed,
        _ => Copied::Unusable(format!("it cannot be read: {error}; let the studio's user read it")),
    };
    let is_same = || fs::metadata(path).map(|about| about.is_file() && listing::look(&about) == look);
    match is_same() {
        Ok(true) => {}
        Ok(false) => return Ok(Copied::Changed),
        Err(error) => return Ok(unusable(&error)),
    }
    if look.bytes > decode::MOST_BYTES {
        match zip::is_archive(path) {
            Ok(true) if look.bytes <= ARCHIVE => {}
            Ok(true) => return Ok(Copied::Unusable(format!("an archive has at most {} GiB", ARCHIVE >> 30))),
            Ok(false) => return Ok(Copied::Unusable(decode::Refusal::Heavy(look.bytes >> 20).to_string())),
            Err(error) => return Ok(unusable(&error)),
        }
    }
    let mut from = match File::open(path) {
        Ok(from) => from,
        Err(error) => return Ok(unusable(&error)),
    };
    let mut to = File::create(into)?;
    match io::copy(&mut from, &mut to) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => return Err(error),
        Err(error) => return Ok(unusable(&error)),
    }
    if !is_same().unwrap_or(false) {
        return Ok(Copied::Changed);
    }
    Ok(Copied::Whole(files::hash_file(into)?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(path: &Path) -> Look {
        listing::look(&fs::metadata(path).unwrap())
    }

    #[test]
    fn what_is_renamed_or_written_on_while_it_is_read_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (path, into) = (folder.path().join("a.png"), folder.path().join("copy"));
        fs::write(&path, b"one").unwrap();
        let before = seen(&path);
        let Copied::Whole(hash) = copied(&path, before, &into).unwrap() else { panic!("it is as it was seen") };
        assert_eq!(hash, ContentHash::of(b"one"));
        fs::write(&path, b"one and more").unwrap();
        assert!(matches!(copied(&path, before, &into).unwrap(), Copied::Changed), "it has grown");
        let now = seen(&path);
        fs::rename(&path, folder.path().join("b.png")).unwrap();
        assert!(matches!(copied(&path, now, &into).unwrap(), Copied::Changed), "it has another name");
        fs::create_dir(&path).unwrap();
        assert!(matches!(copied(&path, now, &into).unwrap(), Copied::Changed), "a folder took its place");
    }

    #[test]
    fn what_cannot_be_taken_has_the_key_it_always_had() {
        let key = unusable_key(Path::new("/in/anna/a.png"), Look { bytes: 3, changed: -7 });
        assert_eq!(key, "/in/anna/a.png\nLook { bytes: 3, changed: -7 }");
    }

    #[test]
    fn what_is_too_large_is_not_even_copied() {
        let folder = tempfile::tempdir().unwrap();
        let (path, into) = (folder.path().join("film.mp4"), folder.path().join("copy"));
        File::create(&path).unwrap().set_len(decode::MOST_BYTES + 1).unwrap();
        let Copied::Unusable(why) = copied(&path, seen(&path), &into).unwrap() else { panic!("it is too large") };
        assert!(why.contains("256 MiB") && !into.exists(), "{why}");
    }
}
