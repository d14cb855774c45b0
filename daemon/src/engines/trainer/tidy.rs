//! Tidy: what earlier studios and runs that are over left in the folder of trainings.

use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use studio_core::{ids::TrainingId, units::Millis};

use super::{group, room::RunFolder};

/// What a run needs to go on, beside its epochs.
const WORKING_FILES: [&str; 5] = ["data", "slice", "manifest", "dataset.toml", "run"];

/// The runs that have a folder. What is no folder of a run is left out. Waits for the disk.
///
/// # Errors
/// The folder of all cannot be read.
pub fn folders(home: &Path) -> io::Result<Vec<TrainingId>> {
    let entries = match fs::read_dir(home) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let entry = entry?;
        // A link is somebody's own, wherever it leads.
        let id: Option<TrainingId> = entry.file_name().to_str().and_then(|name| name.parse().ok());
        all.extend(id.filter(|_| entry.file_type().is_ok_and(|kind| kind.is_dir())));
    }
    Ok(all)
}

/// When something was written last in the folder of a run, or right below it. Waits for the disk.
///
/// # Errors
/// The folder cannot be read.
pub fn touched(home: &Path, training: TrainingId) -> io::Result<Millis> {
    let root = RunFolder::new(home, training).root().to_owned();
    let mut last = fs::metadata(&root)?.mtime();
    for entry in fs::read_dir(root)? {
        last = last.max(entry?.metadata()?.mtime());
    }
    Ok(Millis(last.saturating_mul(1000)))
}

/// Ends what still runs of trainings since an earlier studio, of one or of all, and waits until it is gone. Only for what no engine
/// of this studio runs.
pub async fn end_left_over(home: &Path, training: Option<TrainingId>) {
    let home = home.to_owned();
    let killed = tokio::task::spawn_blocking(move || {
        let all = match training {
            Some(training) => vec![training],
            None => folders(&home).unwrap_or_default(),
        };
        let files = all.into_iter().map(|id| RunFolder::new(&home, id).pid_file());
        files.filter_map(|file| group::kill_left_over(&file)).collect::<Vec<_>>()
    });
    for left_over in killed.await.unwrap_or_default() {
        group::gone(left_over).await;
    }
}

/// Removes what a run that is over needed to go on. What it said stays. Epochs stay, too, when one of them is not among those that
/// are `kept` elsewhere. Nothing there is no error. Waits for the disk.
///
/// # Errors
/// Something of it cannot be removed.
pub fn clear_working_files(home: &Path, training: TrainingId, kept: &BTreeSet<u32>) -> io::Result<()> {
    let root = RunFolder::new(home, training).root().to_owned();
    let epochs = root.join("kept");
    if epochs_in(&epochs)?.is_subset(kept) {
        remove(&epochs)?;
    }
    // Of a slice that was ended between two epochs, the earlier one is whole there.
    let out = root.join("out");
    let has_lora =
        |entry: io::Result<fs::DirEntry>| entry.is_ok_and(|one| one.path().extension() == Some("safetensors".as_ref()));
    if !fs::read_dir(&out).is_ok_and(|mut all| all.any(has_lora)) {
        remove(&out)?;
    }
    WORKING_FILES.iter().try_for_each(|name| remove(&root.join(name)))
}

/// The epochs whose LoRA is in a folder.
fn epochs_in(folder: &Path) -> io::Result<BTreeSet<u32>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        read => read?,
    };
    let mut epochs = BTreeSet::new();
    for entry in entries {
        let path = PathBuf::from(entry?.file_name());
        if path.extension().is_some_and(|ending| ending == "safetensors") {
            epochs.extend(path.file_stem().and_then(|name| name.to_str()).and_then(|name| name.parse::<u32>().ok()));
        }
    }
    Ok(epochs)
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
