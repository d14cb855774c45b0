//! Disk: whatever is asked of files, on threads that may wait. A disk that is slow or asleep never holds up the loop.
//!
//! Nothing else in this folder touches files; `tests/layers.rs` looks.

use std::{collections::BTreeSet, fs, io, os::unix::fs::MetadataExt, path::PathBuf, sync::Arc};

use studio_core::{
    ids::ContentHash,
    order::{AssetRef, Order, Output, Outputs},
};
use studio_engine::{Artifact, Engine, EngineError, asset_path};

use super::{Context, Error};
use crate::{files, store};

/// What an attempt left, already among the kept files.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub outputs: Outputs,
    /// Length of each file, in the order of `outputs.files`.
    pub bytes: Vec<u64>,
    /// Card and server it was made on, for engines that have any.
    pub on: Option<(String, String)>,
}

/// Does `work` on a thread that may wait; a panic in there is an error of the disk.
async fn spawn_blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other).flatten()
}

/// Whether there is less room on the data's disk than this, in bytes; no when that cannot be told.
pub(super) async fn has_less_than(context: &Context, bytes: u64) -> bool {
    let data = context.data.clone();
    spawn_blocking(move || data.free_bytes()).await.is_ok_and(|free| free < bytes)
}

/// Makes a working folder.
pub(super) async fn make_folder(dir: PathBuf) -> io::Result<()> {
    spawn_blocking(move || fs::create_dir_all(dir)).await
}

/// Removes a working folder with everything in it.
pub(super) async fn clear_folder(dir: PathBuf) -> io::Result<()> {
    spawn_blocking(move || fs::remove_dir_all(dir)).await
}

/// Removes what killed attempts left behind.
pub(super) async fn sweep_work(context: &Context) -> io::Result<()> {
    let data = context.data.clone();
    spawn_blocking(move || data.sweep_work()).await
}

/// Moves what was made among the kept files; hashing a film takes a while.
pub(super) async fn keep(made: Vec<Artifact>, assets: PathBuf) -> Result<Kept, EngineError> {
    let kept = spawn_blocking(move || {
        let mut kept = Kept { outputs: Outputs::default(), bytes: Vec::new(), on: None };
        for one in made {
            match one {
                Artifact::File { role, path, facts } => {
                    let (asset, bytes) = files::adopt(&assets, &path)?;
                    kept.outputs.files.push(Output { role, asset, facts });
                    kept.bytes.push(bytes);
                }
                Artifact::Finding(found) => kept.outputs.reported = Some(found),
                Artifact::On { card, server } => kept.on = Some((card, server)),
            }
        }
        Ok(kept)
    });
    kept.await.map_err(|error| EngineError::io("failed to keep the result", &error))
}

/// The first file of a result that is gone from the disk or cut.
pub(super) async fn missing_file(context: &Context, outputs: &Outputs) -> Result<Option<ContentHash>, Error> {
    let mut wanted = Vec::with_capacity(outputs.files.len());
    for file in &outputs.files {
        let bytes = store::assets::get(&context.db, file.asset.hash).await?.map_or(0, |asset| asset.bytes);
        wanted.push((file.asset.clone(), bytes));
    }
    let assets = context.data.assets();
    let gone =
        spawn_blocking(move || Ok(wanted.into_iter().find(|(asset, bytes)| !files::is_there(&assets, asset, *bytes))));
    Ok(gone.await?.map(|(asset, _)| asset.hash))
}

/// Whether a kept file is there with its recorded length.
pub(super) async fn is_there(context: &Context, asset: AssetRef) -> Result<bool, Error> {
    let bytes = store::assets::get(&context.db, asset.hash).await?.map_or(0, |asset| asset.bytes);
    let assets = context.data.assets();
    Ok(spawn_blocking(move || Ok(files::is_there(&assets, &asset, bytes))).await?)
}

/// Whether an engine says that what it left elsewhere is still in place: a library may be on a disk far away.
pub(super) async fn stands(context: &Context, engine: &str, order: &Order, outputs: &Outputs) -> Result<bool, Error> {
    let Some(engine) = context.engines.get(engine).map(|seat| seat.engine.clone()) else { return Ok(false) };
    let (order, outputs) = (order.clone(), outputs.clone());
    Ok(spawn_blocking(move || Ok(engine.stands(&order, &outputs))).await?)
}

/// Files that carrying out `order` may leave outside the studio.
pub(super) async fn leaves(engine: Arc<dyn Engine>, order: Order) -> io::Result<Vec<String>> {
    spawn_blocking(move || Ok(engine.leaves(&order))).await
}

/// Reads every input an engine complained about; those that no longer have the content their name promises, or are
/// not there. Damaged ones are removed, so that nobody takes them for whole.
pub(super) async fn damaged(assets: PathBuf, inputs: Vec<AssetRef>) -> io::Result<BTreeSet<ContentHash>> {
    spawn_blocking(move || {
        let mut damaged = BTreeSet::new();
        for input in inputs {
            if !is_whole(&asset_path(&assets, &input), input.hash)? {
                damaged.insert(input.hash);
            }
        }
        Ok(damaged)
    })
    .await
}

fn is_whole(path: &std::path::Path, hash: ContentHash) -> io::Result<bool> {
    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    let Ok(read) = fs::metadata(path).map(identity) else { return Ok(false) };
    match files::hash_file(path) {
        Ok((found, _)) if found == hash => Ok(true),
        // Made again while this one was read: the new one stays.
        Ok(_) if fs::metadata(path).map(identity).ok() != Some(read) => Ok(true),
        Ok(_) => fs::remove_file(path).map(|()| false),
        Err(_) => Ok(false),
    }
}
