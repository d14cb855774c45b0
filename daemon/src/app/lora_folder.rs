//! LoRA folder: kept LoRAs in the folder that ComfyUI has them in.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use studio_core::ids::ContentHash;

use crate::{definitions::loras::path_of, files};

/// A file as it was when its content was looked at: its length, and when it was changed, in seconds and nanoseconds by its disk.
type Seen = (u64, (i64, i64), ContentHash);

/// Contents of files that were placed, by path: of hundreds of megabytes each is read once, until it changes.
static PLACED: Mutex<BTreeMap<PathBuf, Seen>> = Mutex::new(BTreeMap::new());

/// Has a kept file lie below a folder under a name, whole or not at all. Another file of that name is never overwritten. Waits for
/// the disk.
///
/// # Errors
/// The name leads out of the folder, another file has it, or the disk does not take it: one sentence.
pub fn place(folder: &Path, name: &str, kept: &Path, hash: ContentHash) -> Result<(), String> {
    // Two copies at once would write into the same part.
    static COPYING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = COPYING.lock().unwrap_or_else(PoisonError::into_inner);
    let path = path_of(folder, name).ok_or_else(|| format!("{name} leads out of the folder of LoRAs"))?;
    let cannot = |error: io::Error| format!("{name} cannot be put into {}: {error}", folder.display());
    if path.exists() {
        return if content(&path).map_err(cannot)? == hash {
            Ok(())
        } else {
            Err(format!("{} is another file by now; take it away, and the studio puts its own there", path.display()))
        };
    }
    // A disk that is not mounted must not be filled under its mount point.
    if !folder.is_dir() {
        return Err(format!(
            "models.loras is {}, which is not there; mount it, or name the folder that ComfyUI has LoRAs in",
            folder.display()
        ));
    }
    let parent = path.parent().unwrap_or(folder);
    std::fs::create_dir_all(parent).map_err(cannot)?;
    // ComfyUI lists no file of this ending.
    let mut part = path.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let copy = || -> io::Result<()> {
        let mut to = File::create(&part)?;
        io::copy(&mut File::open(kept)?, &mut to)?;
        // ComfyUI may run as somebody else.
        to.set_permissions(std::fs::Permissions::from_mode(0o644))?;
        to.sync_all()?;
        std::fs::rename(&part, &path)?;
        File::open(parent)?.sync_all()
    };
    copy().map_err(|error| {
        let _ = std::fs::remove_file(&part);
        cannot(error)
    })
}

/// The hash of a file, read again only after it has changed.
fn content(path: &Path) -> io::Result<ContentHash> {
    let about = std::fs::metadata(path)?;
    let (bytes, changed) = (about.len(), (about.mtime(), about.mtime_nsec()));
    let known = PLACED.lock().unwrap_or_else(PoisonError::into_inner).get(path).copied();
    if let Some((_, _, hash)) = known.filter(|(long, when, _)| (*long, *when) == (bytes, changed)) {
        return Ok(hash);
    }
    let (hash, _) = files::hash_file(path)?;
    PLACED.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), (bytes, changed, hash));
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use walkdir::WalkDir;

    use super::*;

    #[test]
    fn a_file_is_placed_whole_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, other) = (folder.path().join("kept"), folder.path().join("other"));
        std::fs::write(&kept, b"weights").unwrap();
        let hash = ContentHash::of(b"weights");
        let loras = folder.path().join("loras");
        let name = "studiod/a-b/sd15-r1-e2.safetensors";
        let said = place(&loras, name, &kept, hash).unwrap_err();
        assert!(said.contains("which is not there") && !loras.exists(), "{said}");
        std::fs::create_dir(&loras).unwrap();
        place(&loras, name, &kept, hash).unwrap();
        let placed = loras.join(name);
        assert_eq!(std::fs::read(&placed).unwrap(), b"weights");
        assert_eq!(std::fs::metadata(&placed).unwrap().permissions().mode() & 0o777, 0o644);
        // Again changes nothing, whatever became of the kept file.
        std::fs::rename(&kept, &other).unwrap();
        place(&loras, name, &kept, hash).unwrap();
        // Somebody put another one there.
        std::fs::write(&placed, b"swapped").unwrap();
        let said = place(&loras, name, &other, hash).unwrap_err();
        assert!(said.contains("another file by now"), "{said}");
        assert_eq!(std::fs::read(&placed).unwrap(), b"swapped");
        assert!(place(&loras, "../out.safetensors", &other, hash).unwrap_err().contains("leads out"));
        let left: Vec<_> = WalkDir::new(&loras).into_iter().flatten().filter(|one| one.file_type().is_file()).collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}
