//! A library on disk: an episode appears in it complete, is replaced without a gap, and leaves without a trace.
//!
//! Every file is written aside under a hidden name in its own folder, synced, and renamed over the old one; nothing
//! is removed before its replacement is in place. The film comes last, so it is never seen without its NFO.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use studio_core::{
    naming::{self, EpisodePaths, SHARED_FILES},
    order::PublishMode as Mode,
};
use studio_engine::{EngineError, FailureKind};
use tempfile::{Builder, TempPath};

/// An episode to be published.
#[derive(Debug, Clone)]
pub struct Publication {
    /// Where everything goes.
    pub paths: EpisodePaths,
    /// The finished film.
    pub film: PathBuf,
    /// Picture of the episode.
    pub thumb: Option<PathBuf>,
    /// Poster of the show and of the season.
    pub poster: Option<PathBuf>,
    /// Backdrop of the show.
    pub fanart: Option<PathBuf>,
    /// Subtitles as `SubRip`.
    pub srt: Option<PathBuf>,
    /// Subtitles as `WebVTT`.
    pub vtt: Option<PathBuf>,
    /// Language of the subtitles, BCP 47.
    pub language: String,
    /// Whose show it is: the id in its `tvshow.nfo`.
    pub show_id: String,
    /// The id it had in files of earlier versions, where such files can only be its own.
    pub former_id: Option<String>,
    /// The id in the episode's NFO.
    pub episode_id: String,
    /// Text of `tvshow.nfo`.
    pub tvshow_nfo: String,
    /// Text of `season.nfo`.
    pub season_nfo: String,
    /// Text of the episode's NFO.
    pub episode_nfo: String,
    /// Films were published into this library before: it is there already, unless its disk is not.
    pub known: bool,
    /// What [`Published::files`] said the last time; empty the first time. What is not replaced is removed.
    pub previous: Vec<PathBuf>,
}

impl Publication {
    fn place(&self) -> Place<'_> {
        Place {
            paths: &self.paths,
            show_id: &self.show_id,
            former_id: self.former_id.as_deref(),
            episode_id: &self.episode_id,
            previous: &self.previous,
        }
    }

    /// Every file it consists of, relative to the library's root, the film last.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let beside = files(self).into_iter().map(|(to, _)| to);
        beside.chain([self.paths.film()]).collect()
    }
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The film, relative to the library's root.
    pub film: PathBuf,
    /// Every file that is there now, shared ones included, relative to the library's root.
    pub files: Vec<PathBuf>,
    /// What did not go as asked, in sentences.
    pub remarks: Vec<String>,
}

/// Temporary files are `.NAME.tmp-RANDOM`; media servers ignore names that begin with a dot.
const ASIDE: &str = ".tmp-";
const ASIDE_RANDOM: usize = 10;

/// One change of a library at a time: a publish removes the leftovers of a killed one and would otherwise take
/// the unfinished files of a neighbour for them.
static TURN: Mutex<()> = Mutex::new(());

/// Lies in every library that films were brought to. An unmounted disk leaves an empty folder, or none, without it.
pub const MARKER: &str = ".studiod-library";

/// Brings an episode into the library at `root`, which is made when it is missing and was never there.
pub fn publish(root: &Path, what: &Publication, mode: Mode) -> Result<Published, EngineError> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for path in &what.previous {
        inside(root, path)?;
    }
    let film = fs::canonicalize(&what.film).map_err(|error| unreadable(&what.film, &error))?;
    if !film.is_file() {
        return Err(EngineError::new(
            FailureKind::BadInput,
            format!("failed to publish {}: not a file", film.display()),
        ));
    }

    prepare(root, what.known)?;
    belongs(root, &what.place())?;
    let season = what.paths.season_dir();
    make_folder(root, &season).map_err(|error| unwritable(root, &error))?;
    remove_leftovers(root, what).map_err(|error| unwritable(root, &error))?;

    let mut aside = Vec::new();
    for (to, from) in files(what) {
        let kept = match from {
            Source::Text(text) => set_aside(root, &to, |file| file.write_all(text.as_bytes()))?,
            Source::File(from) => copy_aside(root, &to, from)?,
        };
        aside.push((to, kept));
    }
    let (kept_film, remarks) = film_aside(root, &what.paths.film(), &film, mode)?;

    let mut published: Vec<PathBuf> = Vec::new();
    for (to, kept) in aside {
        put(root, &to, kept)?;
        published.push(to);
    }
    // On disk before the film is: after a power cut there may be an NFO without a film, never the reverse.
    sync_folders(root, &published)?;
    put(root, &what.paths.film(), kept_film)?;
    published.push(what.paths.film());
    sync_folders(root, &published[published.len() - 1..])?;

    let old: Vec<PathBuf> = what.previous.iter().filter(|path| !published.contains(path)).cloned().collect();
    remove(root, &old)?;
    Ok(Published { film: what.paths.film(), files: published, remarks })
}

/// Whether publishing will touch nothing: the library is not there, or somebody else has what is to be written.
pub fn is_refused(root: &Path, what: &Publication) -> bool {
    what.known && mounted(root).is_err() || belongs(root, &what.place()).is_err()
}

/// An episode's place in a library, and whose it is.
pub struct Place<'a> {
    /// Where everything goes.
    pub paths: &'a EpisodePaths,
    /// The id in `tvshow.nfo`, as [`Publication::show_id`].
    pub show_id: &'a str,
    /// The id it once had, as [`Publication::former_id`].
    pub former_id: Option<&'a str>,
    /// The id in the NFO beside the film, as [`Publication::episode_id`].
    pub episode_id: &'a str,
    /// What it has there already, as [`Publication::previous`].
    pub previous: &'a [PathBuf],
}

/// Refuses a show's folder, and a film's place in it, that somebody else has: another show of this studio, another
/// studio, or a person. `tvshow.nfo` says whose the folder is, the NFO beside a film whose that is.
///
/// Asked before a production begins, too.
pub fn belongs(root: &Path, what: &Place<'_>) -> Result<(), EngineError> {
    let folder = root.join(what.paths.show_dir());
    let refuse = |why: &str| {
        let message = format!("{} {why}; give the show another title or year, or move what is there", folder.display());
        Err(EngineError::new(FailureKind::Refused, message))
    };
    let read = |path: PathBuf| match fs::read(root.join(path)) {
        Ok(nfo) => Ok(Some(naming::studio_id(&String::from_utf8_lossy(&nfo)))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(unwritable(root, &error)),
    };
    let ours = match read(what.paths.tvshow_nfo())? {
        Some(Some(id)) if id == what.show_id || Some(&*id) == what.former_id => true,
        Some(Some(other)) => {
            let whose = "another show (of another studio, or of a project that was removed)";
            return refuse(&format!("belongs to {whose}, of the id '{other}'"));
        }
        Some(None) => return refuse("has a tvshow.nfo that studiod did not write"),
        None => false,
    };
    let (film, nfo) = (what.paths.film(), what.paths.nfo());
    let file = |path: &PathBuf| fs::symlink_metadata(root.join(path)).is_ok_and(|found| !found.is_dir());
    let strange = |path: &PathBuf| file(path) && !what.previous.contains(path);
    // After an import nobody has put it down, and it is still the show's own.
    let known = || -> Result<bool, EngineError> {
        Ok(ours && read(what.paths.nfo())?.flatten().is_some_and(|id| id == what.episode_id))
    };
    if (strange(&film) || strange(&nfo)) && !known()? {
        return refuse("holds an episode of that name that studiod did not put there");
    }
    let paths = what.paths;
    let shared = [paths.poster(), paths.fanart(), paths.season_nfo(), paths.season_poster(), paths.thumb()];
    if !ours && shared.iter().any(strange) {
        return refuse("holds pictures or a description of a show that studiod did not put there");
    }
    Ok(())
}

/// Has the library at `root` ready for films. `known`: films were brought to it before, so that it is never made anew.
///
/// Asked before a production begins, too: an evening of work should not end at a closed door.
pub fn prepare(root: &Path, known: bool) -> Result<(), EngineError> {
    if known {
        mounted(root)?;
    }
    let failed = |error: io::Error| unwritable(root, &error);
    fs::create_dir_all(root).map_err(failed)?;
    tempfile::tempfile_in(root).map_err(failed)?;
    let marker = root.join(MARKER);
    if !marker.exists() {
        File::create(&marker).and_then(|file| file.sync_all()).map_err(failed)?;
    }
    Ok(())
}

/// Whether films could be brought to `root` as it is now; nothing is made. `known` as for [`prepare`].
pub fn ready(root: &Path, known: bool) -> Result<(), EngineError> {
    if known {
        mounted(root)?;
    }
    let there = root.ancestors().find(|folder| folder.exists()).unwrap_or(root);
    tempfile::tempfile_in(there).map(drop).map_err(|error| unwritable(root, &error))
}

/// Whether a library that films were brought to is still there: it has its marker, or, from before there were markers,
/// a show of this program.
fn mounted(root: &Path) -> Result<(), EngineError> {
    let show = |entry: io::Result<fs::DirEntry>| {
        let nfo = entry.ok().and_then(|entry| fs::read_to_string(entry.path().join(SHARED_FILES[0])).ok());
        nfo.is_some_and(|nfo| naming::studio_id(&nfo).is_some())
    };
    if root.join(MARKER).exists() || fs::read_dir(root).is_ok_and(|mut entries| entries.any(show)) {
        return Ok(());
    }
    let (root, marker) = (root.display(), root.join(MARKER));
    let message = format!(
        "library {root} is not there as it was: mount its disk; if it was emptied on purpose, make the file {} to begin it \
         anew",
        marker.display()
    );
    Err(EngineError::new(FailureKind::Away, message))
}

/// Removes what a publish left: `files` as [`Published::files`] named them, and folders that become empty.
///
/// Files shared with other episodes stay until the last episode leaves; what is already gone is no error, a library that
/// is not there is one.
pub fn unpublish(root: &Path, files: &[PathBuf]) -> Result<(), EngineError> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for path in files {
        inside(root, path)?;
    }
    if !files.iter().any(|path| fs::symlink_metadata(root.join(path)).is_ok()) {
        mounted(root)?;
    }
    remove(root, files)
}

/// Where the bytes of a small file come from.
enum Source<'a> {
    Text(&'a str),
    File(&'a Path),
}

/// Everything but the film, in the order it is to appear.
fn files(what: &Publication) -> Vec<(PathBuf, Source<'_>)> {
    let paths = &what.paths;
    let mut files = vec![
        (paths.tvshow_nfo(), Source::Text(&what.tvshow_nfo)),
        (paths.season_nfo(), Source::Text(&what.season_nfo)),
        (paths.nfo(), Source::Text(&what.episode_nfo)),
    ];
    let optional = [
        (paths.poster(), &what.poster),
        (paths.season_poster(), &what.poster),
        (paths.fanart(), &what.fanart),
        (paths.thumb(), &what.thumb),
        (paths.srt(&what.language), &what.srt),
        (paths.vtt(&what.language), &what.vtt),
    ];
    files.extend(optional.into_iter().filter_map(|(to, from)| Some((to, Source::File(from.as_deref()?)))));
    files
}

/// Makes `folder` under `root`, and `root` itself, so that they survive a power cut.
fn make_folder(root: &Path, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(root.join(folder))?;
    let mut made = root.join(folder);
    while made.starts_with(root) {
        File::open(&made)?.sync_all()?;
        if !made.pop() {
            break;
        }
    }
    Ok(())
}

/// Temporary files that a killed publish left in the folders this one works in.
fn remove_leftovers(root: &Path, what: &Publication) -> io::Result<()> {
    let mut folders = BTreeSet::from([what.paths.show_dir(), what.paths.season_dir()]);
    folders.extend(what.previous.iter().filter_map(|path| path.parent()).map(Path::to_owned));
    for folder in folders {
        let entries = match fs::read_dir(root.join(folder)) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if is_leftover(&entry.file_name()) {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

fn is_leftover(name: &OsStr) -> bool {
    let Some((hidden, random)) = name.to_str().and_then(|name| name.rsplit_once(ASIDE)) else { return false };
    hidden.len() > 1
        && hidden.starts_with('.')
        && random.len() == ASIDE_RANDOM
        && random.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Makes something under a hidden name in the folder of `to`; gone again unless it is [`put`].
fn hidden<R>(root: &Path, to: &Path, make: impl FnMut(&Path) -> io::Result<R>) -> io::Result<(R, TempPath)> {
    let to = root.join(to);
    let (folder, name) = (to.parent().unwrap_or(root), to.file_name().unwrap_or_default());
    let mut prefix = OsStr::new(".").to_owned();
    prefix.push(name);
    prefix.push(ASIDE);
    Ok(Builder::new().prefix(&prefix).rand_bytes(ASIDE_RANDOM).make_in(folder, make)?.into_parts())
}

/// A new file under a hidden name, filled and synced.
fn set_aside(root: &Path, to: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<TempPath, EngineError> {
    let write = || -> io::Result<TempPath> {
        let (mut file, kept) = hidden(root, to, |path| File::create_new(path))?;
        write(&mut file)?;
        file.sync_all()?;
        Ok(kept)
    };
    write().map_err(|error| unwritable(root, &error))
}

fn copy_aside(root: &Path, to: &Path, from: &Path) -> Result<TempPath, EngineError> {
    let mut source = File::open(from).map_err(|error| unreadable(from, &error))?;
    set_aside(root, to, |file| io::copy(&mut source, file).map(|_| ()))
}

/// The film under a hidden name, with a remark when it did not come as asked.
fn film_aside(root: &Path, to: &Path, film: &Path, mode: Mode) -> Result<(TempPath, Vec<String>), EngineError> {
    let failed = |error: io::Error| unwritable(root, &error);
    match mode {
        Mode::Symlink => Ok((hidden(root, to, |path| symlink(film, path)).map_err(failed)?.1, Vec::new())),
        Mode::Copy => Ok((copy_aside(root, to, film)?, Vec::new())),
        Mode::Hardlink => match hidden(root, to, |path| fs::hard_link(film, path)) {
            Ok(((), kept)) => Ok((kept, Vec::new())),
            Err(error) if no_hard_links(&error) => {
                let remark =
                    format!("the film was copied into {}: a hard link is not possible there ({error})", root.display());
                Ok((copy_aside(root, to, film)?, vec![remark]))
            }
            Err(error) => Err(failed(error)),
        },
    }
}

/// Another file system, one without hard links (`EPERM`), or a file that has too many.
fn no_hard_links(error: &io::Error) -> bool {
    use ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    matches!(error.kind(), CrossesDevices | PermissionDenied | TooManyLinks | Unsupported)
}

/// Renames what was set aside over what was there.
fn put(root: &Path, to: &Path, kept: TempPath) -> Result<(), EngineError> {
    let hidden = kept.to_path_buf();
    kept.persist(root.join(to)).map_err(|error| unwritable(root, &error.error))?;
    // Renaming one hard link over another of the same file does nothing and keeps both names (rename(2)).
    match fs::remove_file(hidden) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(unwritable(root, &error)),
        _ => Ok(()),
    }
}

/// Syncs the folders of `files`, so that their names survive a power cut.
fn sync_folders(root: &Path, files: &[PathBuf]) -> Result<(), EngineError> {
    let folders: BTreeSet<PathBuf> =
        files.iter().filter_map(|path| path.parent()).map(|folder| root.join(folder)).collect();
    let sync = |folder: &PathBuf| File::open(folder)?.sync_all();
    folders.iter().try_for_each(sync).map_err(|error| unwritable(root, &error))
}

/// Removes `files`, shared ones only from folders that hold nothing else, and folders left empty below `root`.
fn remove(root: &Path, files: &[PathBuf]) -> Result<(), EngineError> {
    let failed = |error: io::Error| unwritable(root, &error);
    let (shared, own): (Vec<_>, Vec<_>) = files.iter().partition(|path| is_shared(path));
    for path in own {
        remove_file(&root.join(path)).map_err(failed)?;
    }
    // Seasons before shows: a show is empty when its seasons are gone.
    let mut folders: Vec<&Path> =
        files.iter().filter_map(|path| path.parent()).filter(|folder| *folder != Path::new("")).collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
    folders.dedup();
    for folder in folders {
        let here: Vec<&PathBuf> = shared.iter().copied().filter(|path| path.parent() == Some(folder)).collect();
        let holds_more = match fs::read_dir(root.join(folder)) {
            Ok(mut entries) => entries.any(|entry| {
                entry.is_ok_and(|entry| !here.iter().any(|path| path.file_name() == Some(&entry.file_name())))
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        if holds_more {
            continue;
        }
        for path in here {
            remove_file(&root.join(path)).map_err(failed)?;
        }
        fs::remove_dir(root.join(folder)).map_err(failed)?;
    }
    let left: Vec<PathBuf> =
        files.iter().filter(|path| root.join(path).parent().is_some_and(Path::is_dir)).cloned().collect();
    sync_folders(root, &left)
}

fn is_shared(path: &Path) -> bool {
    path.file_name().is_some_and(|name| SHARED_FILES.iter().any(|shared| name == OsStr::new(shared)))
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(()),
        done => done,
    }
}

/// Refuses a recorded path that leads out of the library: nothing outside it is ever removed.
fn inside(root: &Path, path: &Path) -> Result<(), EngineError> {
    if path.components().all(|part| matches!(part, Component::Normal(_))) && path.file_name().is_some() {
        return Ok(());
    }
    let message = format!("failed to remove {}: it is not inside the library {}", path.display(), root.display());
    Err(EngineError::new(FailureKind::Refused, message))
}

fn unreadable(path: &Path, error: &io::Error) -> EngineError {
    EngineError::new(FailureKind::BadInput, format!("failed to read {}: {error}", path.display()))
}

/// A library that cannot be written will not become writable by trying again; a full disk may.
fn unwritable(root: &Path, error: &io::Error) -> EngineError {
    use ErrorKind::{
        AlreadyExists, HostUnreachable, IsADirectory, NetworkDown, NetworkUnreachable, NotADirectory, PermissionDenied,
        QuotaExceeded, ReadOnlyFilesystem, StaleNetworkFileHandle, StorageFull,
    };
    let root = root.display();
    match error.kind() {
        // A disk that went wrong or a network that is down: both come back without anybody asking for it here.
        ReadOnlyFilesystem | StaleNetworkFileHandle | HostUnreachable | NetworkDown | NetworkUnreachable => {
            EngineError::new(FailureKind::Away, format!("library {root} is not writable at the moment: {error}"))
        }
        PermissionDenied | NotADirectory | IsADirectory | AlreadyExists => EngineError::new(
            FailureKind::Refused,
            format!(
                "library {root} is not writable: {error}; choose another with --library or make it writable for the user studiod runs as"
            ),
        ),
        StorageFull | QuotaExceeded => EngineError::new(
            FailureKind::DiskFull,
            format!("library {root} is full: {error}; free some space there and publish again"),
        ),
        _ => EngineError::io(&format!("failed to write to library {root}"), error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_closed_library_are_told_apart() {
        let kind = |kind: ErrorKind| unwritable(Path::new("lib"), &io::Error::from(kind)).kind;
        assert_eq!(kind(ErrorKind::StorageFull), FailureKind::DiskFull);
        assert_eq!(kind(ErrorKind::QuotaExceeded), FailureKind::DiskFull);
        assert_eq!(kind(ErrorKind::PermissionDenied), FailureKind::Refused);
        assert_eq!(kind(ErrorKind::ReadOnlyFilesystem), FailureKind::Away);
        assert_eq!(kind(ErrorKind::Interrupted), FailureKind::Transient);
    }

    #[test]
    fn only_our_own_temporary_files_are_leftovers() {
        let is = |name: &str| is_leftover(OsStr::new(name));
        assert!(is(".tvshow.nfo.tmp-a1B2c3D4e5"));
        for other in
            ["tvshow.nfo.tmp-a1B2c3D4e5", ".tvshow.nfo.tmp-a1", ".hidden", ".tmp-a1B2c3D4e5", ".x.tmp-a1B2c3D4e!"]
        {
            assert!(!is(other), "{other}");
        }
    }

    #[test]
    fn where_hard_links_are_impossible_the_film_is_copied() {
        assert!(no_hard_links(&io::Error::from_raw_os_error(18)), "EXDEV");
        assert!(no_hard_links(&io::Error::from_raw_os_error(1)), "EPERM: a file system without hard links");
        assert!(!no_hard_links(&io::Error::from(ErrorKind::StorageFull)));
    }
}
