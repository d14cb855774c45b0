//! Files: where the studio keeps what it makes, known by content hash.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use sha2::{Digest, Sha256};
use studio_core::{ids::ContentHash, order::AssetRef};
use studio_engine::{EngineError, FailureKind, asset_path};

/// The data directory: database, kept files, working folders, lock.
#[derive(Debug, Clone)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// Opens or creates the directory; fails in one sentence when it cannot be written.
    pub fn open(root: &Path) -> Result<Self, EngineError> {
        let refuse = |error: io::Error| {
            let root = root.display();
            EngineError::new(
                if EngineError::io("", &error).kind == FailureKind::DiskFull {
                    FailureKind::DiskFull
                } else {
                    FailureKind::Refused
                },
                format!(
                    "data directory {root} cannot be used: {error}; choose another with --data-dir or make it writable"
                ),
            )
        };
        let root = std::path::absolute(root).map_err(refuse)?;
        let dir = Self { root };
        for folder in [dir.assets(), dir.work()] {
            fs::create_dir_all(folder).map_err(refuse)?;
        }
        tempfile::tempfile_in(dir.work()).map_err(refuse)?;
        Ok(dir)
    }

    /// Path of the data directory, always absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Root of the kept files.
    pub fn assets(&self) -> PathBuf {
        self.root.join("assets")
    }

    /// Small pictures of kept files; they can be made again.
    pub fn thumbs(&self) -> PathBuf {
        self.root.join("thumbs")
    }

    /// Root of the attempts' working folders.
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Folder of what trainers need between the slices of a run, and of what they said.
    pub fn trainings(&self) -> PathBuf {
        self.root.join("trainings")
    }

    /// Videos that wait until their frames are taken, each in a folder of its own; the folder is there once one came.
    pub fn ingests(&self) -> PathBuf {
        self.root.join("ingests")
    }

    /// The SQLite database.
    pub fn database(&self) -> PathBuf {
        self.root.join("studio.db")
    }

    /// The lock of the one conductor.
    pub fn lock(&self) -> PathBuf {
        self.root.join("studiod.lock")
    }

    /// The key that signs tokens, made at the first call. Only this user can read it; a new one ends every token.
    pub fn key(&self) -> io::Result<[u8; 32]> {
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.root.join("studiod.key");
        match fs::read(&path) {
            Ok(bytes) => {
                let wrong = || io::Error::other(format!("{} is no key; remove it, and log in again", path.display()));
                return bytes.try_into().map_err(|_| wrong());
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let aside = tempfile::Builder::new().prefix(".key-").tempfile_in(&self.root)?;
        fs::OpenOptions::new().write(true).mode(0o600).open(aside.path())?.write_all(&key)?;
        aside.as_file().sync_all()?;
        match aside.persist_noclobber(&path) {
            Ok(_) => Ok(key),
            // Another one was faster.
            Err(_) => self.key(),
        }
    }

    /// The key that signs tokens, where there is one and this user may read it.
    pub fn kept_key(&self) -> Option<[u8; 32]> {
        fs::read(self.root.join("studiod.key")).ok()?.try_into().ok()
    }

    /// Removes what killed attempts left behind. Only for the holder of the lock.
    pub fn sweep_work(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.work())? {
            let path = entry?.path();
            if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
        Ok(())
    }

    /// Bytes free for us on the disk that holds the directory.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.root)?;
        Ok(stat.f_bavail * stat.f_frsize)
    }
}

/// How many files, connections among them, this process may have open at a time.
pub fn descriptors() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Lets this process have as many files open as the system allows; the usual limit is for programs that still use
/// `select(2)`. What cannot be raised stays.
pub fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current != limit.maximum && setrlimit(Resource::Nofile, raised).is_err() {
        tracing::debug!("the limit of open files stays as it is");
    }
}

/// SHA-256 and length of a file.
pub fn hash_file(path: &Path) -> io::Result<(ContentHash, u64)> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut block = vec![0; 1 << 17];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut block)?;
        if read == 0 {
            return Ok((ContentHash(digest.finalize().into()), bytes));
        }
        digest.update(&block[..read]);
        bytes += read as u64;
    }
}

/// A file as it was when its content was looked at: its length, and when it was changed, in seconds and nanoseconds by its disk.
type Seen = (u64, (i64, i64), ContentHash);

/// Contents of large files that are looked at again and again, by path: each is read once, until it changes.
static KNOWN: Mutex<BTreeMap<PathBuf, Seen>> = Mutex::new(BTreeMap::new());

/// The hash of a file that is asked for often, read again only after it has changed. Waits for the disk.
pub fn known_hash(path: &Path) -> io::Result<ContentHash> {
    let about = fs::metadata(path)?;
    let (bytes, changed) = (about.len(), (about.mtime(), about.mtime_nsec()));
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(path).copied();
    if let Some((_, _, hash)) = known.filter(|(long, when, _)| (*long, *when) == (bytes, changed)) {
        return Ok(hash);
    }
    let (hash, _) = hash_file(path)?;
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), (bytes, changed, hash));
    Ok(hash)
}

/// Forgets the hash of a file that is gone.
pub fn forget_hash(path: &Path) {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
}

/// Moves a complete file into the kept files and returns its name there and its length.
///
/// The file is on disk before it has its final name, so a power cut leaves either nothing or all of it.
pub fn adopt(assets: &Path, made: &Path) -> io::Result<(AssetRef, u64)> {
    let (hash, bytes) = hash_file(made)?;
    let ext = made.extension().and_then(|ext| ext.to_str()).unwrap_or("bin").to_owned();
    let asset = AssetRef { hash, ext };
    let home = asset_path(assets, &asset);
    let folder = home.parent().expect("an asset lies in a folder");
    fs::create_dir_all(folder)?;
    File::open(made)?.sync_all()?;
    fs::rename(made, &home)?;
    File::open(folder)?.sync_all()?;
    Ok((asset, bytes))
}

/// Whether a kept file is there with its recorded length.
pub fn is_there(assets: &Path, asset: &AssetRef, bytes: u64) -> bool {
    fs::metadata(asset_path(assets, asset)).is_ok_and(|found| found.is_file() && found.len() == bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adopted_file_is_found_by_its_content_and_missed_when_cut() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(dir.path()).unwrap();
        let made = data.work().join("clip.mp4");
        fs::write(&made, b"pictures").unwrap();
        let (asset, bytes) = adopt(&data.assets(), &made).unwrap();
        assert_eq!((asset.hash, bytes), (ContentHash::of(b"pictures"), 8));
        assert!(!made.exists() && is_there(&data.assets(), &asset, bytes));
        fs::write(asset_path(&data.assets(), &asset), b"pict").unwrap();
        assert!(!is_there(&data.assets(), &asset, bytes));
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_refused_with_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = DataDir::open(&file.join("data")).unwrap_err();
        assert!(error.message.contains("--data-dir"), "{error}");
    }
}
