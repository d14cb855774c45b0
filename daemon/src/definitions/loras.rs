//! LoRA files of a folder, by what each says of itself.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use studio_core::lora::{self, Architecture, Header, LENGTH_BYTES, LoraAbout, LoraFault};
use walkdir::WalkDir;

/// Files that are looked at in a folder, with all that is below it.
const MOST_FILES: usize = 10_000;
/// Folders in folders that are looked into.
const DEEPEST: usize = 10;

/// A file as it was when it was read: its length, and when it was changed, in seconds and nanoseconds by its disk.
type Known = (u64, (i64, i64), Result<LoraAbout, LoraFault>);

/// What files said of themselves, by path: a list of thousands is read anew for every page of it otherwise.
static KNOWN: Mutex<BTreeMap<PathBuf, Known>> = Mutex::new(BTreeMap::new());

/// A file that is listed as a LoRA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoraFile {
    /// Its name below the folder, with `/`, as ComfyUI lists it.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// What it says of itself; or why it cannot be used.
    pub about: Result<LoraAbout, LoraFault>,
}

/// Why what a trainer left is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The file is no whole LoRA.
    #[error("{0}")]
    Fault(LoraFault),
    /// It was trained for another model than was asked for.
    #[error("it is one of {}, not of {}: the base model is another than the settings say", there.word(), wanted.word())]
    Other {
        /// What its header says it was trained for.
        there: Architecture,
        /// What was to be trained.
        wanted: Architecture,
    },
}

/// What a LoRA says of itself that was to be trained for a model. Waits for the disk.
///
/// # Errors
/// It cannot be read, or its header says that it is for another model.
pub fn read_trained(path: &Path, wanted: Architecture) -> Result<LoraAbout, Unfit> {
    let about = read(path).map_err(Unfit::Fault)?;
    match about.architecture {
        Some(there) if there != wanted => Err(Unfit::Other { there, wanted }),
        _ => Ok(about),
    }
}

/// What a file says of itself. Only its header is read, whatever its size.
///
/// # Errors
/// It cannot be read, or is no safetensors file that can be used.
pub fn read(path: &Path) -> Result<LoraAbout, LoraFault> {
    let unreadable = |error: std::io::Error| LoraFault::Unreadable { said: error.to_string() };
    let mut file = File::open(path).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    let mut first = [0; LENGTH_BYTES as usize];
    file.read_exact(&mut first).map_err(|_| LoraFault::Short)?;
    let length = lora::header_length(first, bytes)?;
    let mut json = vec![0; length as usize];
    file.read_exact(&mut json).map_err(unreadable)?;
    let header = Header::read(&json, bytes - LENGTH_BYTES - length)?;
    Ok(lora::about(&header))
}

/// The file of a name that ComfyUI lists, below its folder; `None`: the name leads out of it.
pub fn path_of(folder: &Path, name: &str) -> Option<PathBuf> {
    let plain = name.split(['/', '\\']).all(|part| !part.is_empty() && part != "." && part != "..");
    plain.then(|| name.split(['/', '\\']).fold(folder.to_owned(), |path, part| path.join(part)))
}

/// Every safetensors file of a folder and of those below it, by name; whether there are more than are looked at.
///
/// # Errors
/// The folder cannot be read, in a sentence.
pub fn list(folder: &Path) -> Result<(Vec<LoraFile>, bool), String> {
    std::fs::read_dir(folder).map_err(|error| {
        format!(
            "models.loras is {}, which cannot be read: {error}; name the folder that ComfyUI has LoRAs in",
            folder.display()
        )
    })?;
    // As ComfyUI does, which is often given a folder elsewhere by a link.
    let all = WalkDir::new(folder).follow_links(true).max_depth(DEEPEST).sort_by_file_name().into_iter().flatten();
    let mut files = all.filter(|entry| {
        entry.file_type().is_file() && entry.path().extension().is_some_and(|ending| ending == "safetensors")
    });
    let mut found = Vec::new();
    let mut known = std::mem::take(&mut *KNOWN.lock().unwrap_or_else(PoisonError::into_inner));
    let mut now = BTreeMap::new();
    for entry in files.by_ref().take(MOST_FILES) {
        let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        let about = entry.metadata().ok();
        let bytes = about.as_ref().map_or(0, std::fs::Metadata::len);
        let changed = about.as_ref().map_or((0, 0), |about| (about.mtime(), about.mtime_nsec()));
        let same = known.remove(entry.path()).filter(|(long, when, _)| (*long, *when) == (bytes, changed));
        let about = same.map_or_else(|| read(entry.path()), |(_, _, about)| about);
        now.insert(entry.path().to_owned(), (bytes, changed, about.clone()));
        found.push(LoraFile { name: parts.join("/"), bytes, about });
    }
    *KNOWN.lock().unwrap_or_else(PoisonError::into_inner) = now;
    Ok((found, files.next().is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_below_its_folder() {
        let folder = Path::new("/loras");
        assert_eq!(path_of(folder, "a/b.safetensors"), Some(PathBuf::from("/loras/a/b.safetensors")));
        assert_eq!(path_of(folder, "a\\b.safetensors"), Some(PathBuf::from("/loras/a/b.safetensors")));
        for out in ["", "../a", "a/../../b", "/etc/passwd", "a//b", "."] {
            assert_eq!(path_of(folder, out), None, "{out}");
        }
    }
}
