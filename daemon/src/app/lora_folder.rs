//! LoRA folder: kept LoRAs in the folder that ComfyUI has them in.

use std::{
    fs::File,
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use studio_core::{
    asset::AssetRef,
    ids::{ContentHash, TrainingId},
};
use studio_engine::asset_path;

use crate::{
    conductor::Context,
    definitions::loras::path_of,
    files,
    store::{self, placed_loras::PlacedLora},
};

/// Two copies at once would write into the same part, and who clears away must not meet one half done.
static COPYING: Mutex<()> = Mutex::new(());

/// What became of a file that is to be taken out of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleared {
    /// It is not there any more.
    Gone,
    /// Another file has its name; it stays.
    Foreign,
    /// The folder is not there, or the file cannot be removed: the next time.
    NotNow,
}

/// Has a kept LoRA lie below a folder under a name, and keeps in the store that the studio wrote it. Another file of that name is
/// never overwritten. `of`: the run and the epoch it is of.
///
/// # Errors
/// See [`place`]; or the store is away.
pub async fn put(
    context: &Context,
    folder: &Path,
    name: &str,
    weights: &AssetRef,
    of: Option<(TrainingId, u32)>,
) -> Result<(), String> {
    let path = path_of(folder, name).ok_or_else(|| leads_out(name))?;
    // Recorded before it is written: whatever a power cut leaves of it is known to be the studio's. What lies there already is not
    // taken for that.
    if !tokio::fs::try_exists(&path).await.unwrap_or(false) {
        let placed = PlacedLora {
            folder: store::placed_loras::name_of_folder(folder),
            file: name.to_owned(),
            hash: weights.hash,
            of,
            placed: context.clock.now(),
        };
        let noted = async {
            let mut tx = context.db.begin().await?;
            store::placed_loras::note(&mut tx, &placed).await?;
            tx.commit().await
        };
        noted.await.map_err(|error: store::Error| error.to_string())?;
    }
    let kept = asset_path(&context.data.assets(), weights);
    let (folder, name, hash) = (folder.to_owned(), name.to_owned(), weights.hash);
    let placed = tokio::task::spawn_blocking(move || place(&folder, &name, &kept, hash)).await;
    placed.unwrap_or_else(|error| Err(error.to_string()))
}

fn leads_out(name: &str) -> String {
    format!("{name} leads out of the folder of LoRAs")
}

/// Where a part of a file is written; ComfyUI lists no file of this ending.
fn part_of(path: &Path) -> PathBuf {
    let mut part = path.to_owned().into_os_string();
    part.push(".part");
    PathBuf::from(part)
}

/// Has a kept file lie below a folder under a name, whole or not at all. Another file of that name is never overwritten. Waits for
/// the disk.
///
/// # Errors
/// The name leads out of the folder, another file has it, or the disk does not take it: one sentence.
pub fn place(folder: &Path, name: &str, kept: &Path, hash: ContentHash) -> Result<(), String> {
    let _one_at_a_time = COPYING.lock().unwrap_or_else(PoisonError::into_inner);
    let path = path_of(folder, name).ok_or_else(|| leads_out(name))?;
    let cannot = |error: io::Error| format!("{name} cannot be put into {}: {error}", folder.display());
    if path.exists() {
        return if files::known_hash(&path).map_err(cannot)? == hash {
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
    let part = part_of(&path);
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

/// Takes a file out of a folder again that was written there with this content, with what is left of a copy that broke off, and with
/// folders that are empty then. A link is never followed out of the folder. Waits for the disk.
pub fn clear(folder: &Path, name: &str, hash: ContentHash) -> Cleared {
    let _one_at_a_time = COPYING.lock().unwrap_or_else(PoisonError::into_inner);
    let path = match within(folder, name) {
        Ok(Some(path)) => path,
        Ok(None) => return Cleared::Gone,
        Err(cleared) => return cleared,
    };
    clear_part(&path);
    let cleared = match std::fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Cleared::Gone,
        Err(_) => Cleared::NotNow,
        Ok(about) if !about.is_file() => Cleared::Foreign,
        Ok(_) => match files::known_hash(&path) {
            Ok(there) if there != hash => Cleared::Foreign,
            Ok(_) if std::fs::remove_file(&path).is_ok() => Cleared::Gone,
            _ => Cleared::NotNow,
        },
    };
    files::forget_hash(&path);
    // Those of the name alone, and only while they are empty.
    let below = path.ancestors().skip(1).zip(Path::new(name).ancestors().skip(1));
    for (parent, _) in below.take_while(|(_, part)| !part.as_os_str().is_empty()) {
        if std::fs::remove_dir(parent).is_err() {
            break;
        }
    }
    cleared
}

/// Removes what is left of a copy to a file that broke off. Waits for the disk.
pub fn clear_broken_copy(folder: &Path, name: &str) {
    let _one_at_a_time = COPYING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Ok(Some(path)) = within(folder, name) {
        clear_part(&path);
    }
}

fn clear_part(path: &Path) {
    let part = part_of(path);
    if std::fs::symlink_metadata(&part).is_ok_and(|about| about.is_file()) {
        let _ = std::fs::remove_file(part);
    }
}

/// Where a file of a folder really is; `None`: there is no folder for it any more.
fn within(folder: &Path, name: &str) -> Result<Option<PathBuf>, Cleared> {
    let path = path_of(folder, name).ok_or(Cleared::Foreign)?;
    // A disk that is not mounted has not lost its files.
    let root = folder.canonicalize().map_err(|_| Cleared::NotNow)?;
    let (Some(parent), Some(file)) = (path.parent(), path.file_name()) else { return Err(Cleared::Foreign) };
    match parent.canonicalize() {
        Ok(parent) if parent.starts_with(&root) => Ok(Some(parent.join(file))),
        Ok(_) => Err(Cleared::Foreign),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(_) => Err(Cleared::NotNow),
    }
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

    #[test]
    fn copies_at_the_same_time_do_not_write_into_one_part() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, loras) = (folder.path().join("kept"), folder.path().join("loras"));
        let weights: Vec<u8> = (0..8 << 20).map(|at: u32| (at % 251) as u8).collect();
        std::fs::write(&kept, &weights).unwrap();
        std::fs::create_dir(&loras).unwrap();
        let hash = ContentHash::of(&weights);
        for round in 0..8 {
            let name = format!("studiod/a-b/sd15-r{round}-e2.safetensors");
            let start = std::sync::Barrier::new(4);
            let placed: Vec<Result<(), String>> = std::thread::scope(|scope| {
                let copy = || {
                    start.wait();
                    place(&loras, &name, &kept, hash)
                };
                let all: Vec<_> = (0..4).map(|_| scope.spawn(copy)).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect()
            });
            assert_eq!(placed, vec![Ok(()); 4]);
            assert!(std::fs::read(loras.join(&name)).unwrap() == weights, "it is whole");
        }
    }

    #[test]
    fn what_is_cleared_is_what_was_written_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (loras, outside) = (folder.path().join("loras"), folder.path().join("outside"));
        std::fs::create_dir_all(loras.join("studiod/a-b")).unwrap();
        std::fs::create_dir(&outside).unwrap();
        let (name, hash) = ("studiod/a-b/one.safetensors", ContentHash::of(b"weights"));
        let write = |name: &str, bytes: &[u8]| std::fs::write(loras.join(name), bytes).unwrap();
        let away = folder.path().join("away");
        assert_eq!(clear(&away, name, hash), Cleared::NotNow, "a disk that is not mounted");
        assert_eq!(clear(&loras, "../outside/one.safetensors", hash), Cleared::Foreign);
        write(name, b"another");
        assert_eq!(clear(&loras, name, hash), Cleared::Foreign);
        assert!(loras.join(name).exists());
        std::os::unix::fs::symlink(&outside, loras.join("studiod/link")).unwrap();
        write("studiod/link/one.safetensors", b"weights");
        assert_eq!(clear(&loras, "studiod/link/one.safetensors", hash), Cleared::Foreign);
        assert!(outside.join("one.safetensors").exists());
        std::os::unix::fs::symlink(outside.join("one.safetensors"), loras.join("studiod/a-b/two.safetensors")).unwrap();
        assert_eq!(clear(&loras, "studiod/a-b/two.safetensors", hash), Cleared::Foreign, "a link is no file of ours");
        write(name, b"weights");
        write("studiod/a-b/one.safetensors.part", b"wei");
        assert_eq!(clear(&loras, name, hash), Cleared::Gone);
        let left: Vec<_> = std::fs::read_dir(loras.join("studiod/a-b")).unwrap().flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(clear(&loras, name, hash), Cleared::Gone, "twice is once");
        std::fs::remove_file(loras.join("studiod/a-b/two.safetensors")).unwrap();
        std::fs::remove_file(loras.join("studiod/link")).unwrap();
        assert_eq!(clear(&loras, name, hash), Cleared::Gone);
        assert!(!loras.join("studiod").exists() && loras.exists(), "empty folders go with it");
    }
}
