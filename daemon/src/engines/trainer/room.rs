//! The folder of a run: its pictures, what was kept of each epoch, what its trainer writes. Everything here waits for the disk.
//!
//! `data/` pictures and captions, `dataset.toml` what names them, `out/` what the trainer writes, `kept/` the LoRA and the state of
//! epochs that are whole, `log.txt` what it said.

use std::{
    fs, io,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use serde_json::json;
use sha2::{Digest, Sha256};
use studio_core::{
    asset::AssetRef,
    ids::{ContentHash, TrainingId},
    ladder::Rung,
    training::{
        PRINT_BYTES, PictureFolder, SlicePaths, Start, TrainOrder, Trainer, TrainingPicture, base_print, groups,
    },
};
use studio_engine::{EngineError, FailureKind, asset_path};

use crate::definitions::loras::{self, Unfit};

/// What a file is, as [`base_print`] says where to look.
///
/// # Errors
/// It cannot be read.
pub fn print_of(path: &Path) -> io::Result<ContentHash> {
    let mut file = fs::File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut hash = Sha256::new();
    hash.update(bytes.to_le_bytes());
    for place in base_print(bytes) {
        file.seek(SeekFrom::Start(place))?;
        let mut part = Vec::new();
        (&mut file).take(PRINT_BYTES).read_to_end(&mut part)?;
        hash.update(&part);
    }
    Ok(ContentHash(hash.finalize().into()))
}

/// Where everything of a run is.
#[derive(Debug, Clone)]
pub(super) struct RunFolder {
    root: PathBuf,
}

impl RunFolder {
    pub(super) fn new(home: &Path, training: TrainingId) -> Self {
        Self { root: home.join(training.to_string()) }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn pid_file(&self) -> PathBuf {
        self.root.join("pid")
    }

    pub(super) fn log_file(&self) -> PathBuf {
        self.root.join("log.txt")
    }

    fn kept_checkpoint(&self, epoch: u32) -> PathBuf {
        self.root.join(format!("kept/{epoch:06}.safetensors"))
    }

    fn kept_state(&self, epoch: u32) -> PathBuf {
        self.root.join(format!("kept/{epoch:06}-state"))
    }

    /// What the placeholders of paths stand for.
    pub(super) fn paths(&self, order: &TrainOrder) -> SlicePaths {
        let text = |name: &str| self.root.join(name).to_string_lossy().into_owned();
        SlicePaths {
            base: String::new(),
            dataset: text("dataset.toml"),
            data: text("data"),
            cache: text("data/cache"),
            out: text("out"),
            name: order.training.to_string(),
            needs: std::collections::BTreeMap::new(),
        }
    }
}

/// What has to be done for a slice, in its folder.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) trainer: Trainer,
    pub(super) order: TrainOrder,
    pub(super) rungs: Vec<Rung>,
    pub(super) folder: RunFolder,
    pub(super) paths: SlicePaths,
    /// Root of the kept files.
    pub(super) assets: PathBuf,
}

/// What a slice finds.
pub(super) enum Ground {
    /// The LoRA of its last epoch is there already.
    Made,
    /// It has to be trained from here.
    From(Start),
}

fn io_error(what: &str) -> impl Fn(io::Error) -> EngineError {
    move |error| EngineError::io(what, &error)
}

/// Lets others read a LoRA: trainers write for themselves alone, and who renders may be another.
pub(super) fn readable(path: &Path) -> Result<(), EngineError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).map_err(io_error("failed to copy the LoRA"))
}

/// Removes a folder or a file; nothing there is no error.
fn remove(path: &Path) -> Result<(), EngineError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(EngineError::io(&format!("failed to remove {}", path.display()), &error))
        }
        _ => Ok(()),
    }
}

/// What is told of a picture, as one line.
pub(super) fn caption_of(picture: &TrainingPicture) -> Result<String, EngineError> {
    let caption = picture.caption.split_whitespace().collect::<Vec<_>>().join(" ");
    if caption.is_empty() {
        let why = format!("the picture {} has no caption; write one, or leave the picture out", picture.file.hash);
        return Err(EngineError::new(FailureKind::Refused, why));
    }
    Ok(caption)
}

impl Job {
    /// Hash of what makes the run this one: what an earlier one of its id with other values left is of no use.
    pub(super) fn run_print(&self) -> String {
        let order = &self.order;
        let settings = serde_json::to_value(&order.settings).unwrap_or_default();
        let pictures = serde_json::to_value(&order.pictures).unwrap_or_default();
        let run = json!({
            "trainer": order.trainer, "architecture": order.architecture, "base": order.base,
            "base_print": order.base_print, "pictures": pictures, "settings": settings, "epochs": order.epochs,
        });
        ContentHash::of(run.to_string().as_bytes()).to_string()
    }

    /// Folders of pictures, as they are to be, with what goes into each.
    fn folders(&self) -> Vec<(PictureFolder, Vec<&TrainingPicture>)> {
        let all = groups(&self.order).into_iter().map(|((held_out, repeats), pictures)| {
            let name = if held_out { "held_out".to_owned() } else { format!("r{repeats:02}") };
            let path = self.folder.root.join("data").join(&name);
            let cache = self.folder.root.join("data/cache").join(&name);
            let text = |path: PathBuf| path.to_string_lossy().into_owned();
            (PictureFolder { path: text(path), cache: text(cache), repeats, held_out }, pictures)
        });
        all.collect()
    }

    /// Makes the folder what the order says, takes over what a process left that was cut off, and says what there is to go on from.
    pub(super) fn prepare(&self) -> Result<Ground, EngineError> {
        let root = &self.folder.root;
        fs::create_dir_all(root).map_err(io_error("failed to make the folder of the training"))?;
        let print = self.run_print();
        let print_file = root.join("run");
        if fs::read_to_string(&print_file).ok().as_ref() != Some(&print) {
            for old in ["kept", "out", "slice"] {
                remove(&root.join(old))?;
            }
            fs::write(&print_file, &print).map_err(io_error("failed to write into the folder of the training"))?;
        }
        fs::create_dir_all(root.join("kept")).map_err(io_error("failed to make the folder of the training"))?;
        self.harvest_left_over()?;
        if self.is_made() {
            return Ok(Ground::Made);
        }
        let start = self.start()?;
        self.write_pictures()?;
        remove(&root.join("out"))?;
        fs::create_dir_all(root.join("out")).map_err(io_error("failed to make the folder of the training"))?;
        let slice = json!({ "began": start.epoch(), "print": self.slice_print() });
        fs::write(root.join("slice"), slice.to_string())
            .map_err(io_error("failed to write into the folder of the training"))?;
        Ok(Ground::From(start))
    }

    /// Hash of what makes what lies in `out/` useful to this slice.
    fn slice_print(&self) -> String {
        let done = json!({ "relief": self.rungs, "trainer": self.trainer.print() });
        ContentHash::of(done.to_string().as_bytes()).to_string()
    }

    /// Takes over what a process left that ended with an earlier studio.
    fn harvest_left_over(&self) -> Result<(), EngineError> {
        let text = fs::read_to_string(self.folder.root.join("slice")).unwrap_or_default();
        let slice: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let began = slice["began"].as_u64().and_then(|began| u32::try_from(began).ok());
        match began.filter(|_| slice["print"].as_str() == Some(&self.slice_print())) {
            Some(began) => self.harvest(began).map(drop),
            None => Ok(()),
        }
    }

    /// Keeps every epoch of this slice that a process which began after `began` epochs left whole. What is wrong with the LoRA of
    /// the last of them, when it is there and cannot be used.
    pub(super) fn harvest(&self, began: u32) -> Result<Option<Unfit>, EngineError> {
        let refused = |why: String| EngineError::new(FailureKind::Refused, why);
        let keep = |from: &Path, to: &Path| {
            remove(to)?;
            fs::rename(from, to).map_err(io_error("failed to keep what the trainer left"))
        };
        let mut fault = None;
        for epoch in began + 1..=self.order.to {
            let left = self.trainer.left_of(&self.order, &self.paths, began, epoch).map_err(refused)?;
            let (checkpoint, state) = (PathBuf::from(left.checkpoint), PathBuf::from(left.state));
            let is_last = epoch >= self.order.epochs;
            let is_whole = self.is_whole(&state);
            if !checkpoint.is_file() || !(is_whole || is_last) {
                continue;
            }
            fault = loras::read_trained(&checkpoint, self.order.architecture).err();
            if fault.is_none() {
                keep(&checkpoint, &self.folder.kept_checkpoint(epoch))?;
                if is_whole {
                    keep(&state, &self.folder.kept_state(epoch))?;
                }
            }
        }
        Ok(fault)
    }

    /// Whether everything of a state is there.
    fn is_whole(&self, state: &Path) -> bool {
        self.trainer.leaves.as_ref().is_some_and(|leaves| state.join(&leaves.whole).is_file())
    }

    fn has_state(&self, epoch: u32) -> bool {
        self.is_whole(&self.folder.kept_state(epoch))
    }

    fn has(&self, epoch: u32) -> bool {
        let is_last = epoch >= self.order.epochs;
        (is_last || self.has_state(epoch)) && loras::read(&self.folder.kept_checkpoint(epoch)).is_ok()
    }

    /// Whether the LoRA of the slice's last epoch is there, and what the next one goes on from.
    pub(super) fn is_made(&self) -> bool {
        self.has(self.order.to)
    }

    /// What there is to go on from: the latest whole epoch of this slice, else the state it follows on, else the weights alone.
    fn start(&self) -> Result<Start, EngineError> {
        let TrainOrder { after, to, .. } = self.order;
        if let Some(epoch) = (after + 1..to).rev().find(|epoch| self.has(*epoch)) {
            return Ok(self.state_of(epoch));
        }
        if after == 0 {
            return Ok(Start::Anew);
        }
        if self.has_state(after) {
            return Ok(self.state_of(after));
        }
        let Some(weights) = &self.order.weights else {
            let why = "what the training is to go on from is gone; begin it anew";
            return Err(EngineError::new(FailureKind::Refused, why));
        };
        let path = self.asset(weights)?.to_string_lossy().into_owned();
        Ok(Start::Weights { path, epoch: after })
    }

    fn state_of(&self, epoch: u32) -> Start {
        Start::State { path: self.folder.kept_state(epoch).to_string_lossy().into_owned(), epoch }
    }

    /// A kept file that is there.
    pub(super) fn asset(&self, asset: &AssetRef) -> Result<PathBuf, EngineError> {
        let path = asset_path(&self.assets, asset);
        if path.is_file() {
            return Ok(path);
        }
        let why = format!("{} is gone, which the training needs; put it back, or begin a new training", path.display());
        Err(EngineError::new(FailureKind::BadInput, why))
    }

    /// Writes pictures and captions anew unless they are there as the order says; without a file that names them nothing counts.
    fn write_pictures(&self) -> Result<(), EngineError> {
        let folders = self.folders();
        let named: Vec<PictureFolder> = folders.iter().map(|(folder, _)| folder.clone()).collect();
        let text = self.trainer.dataset_toml(&self.order, &self.rungs, &named);
        let root = &self.folder.root;
        let manifest = ContentHash::of(format!("{} {text}", self.run_print()).as_bytes()).to_string();
        let (data, manifest_file) = (root.join("data"), root.join("manifest"));
        let is_there = |folder: &PictureFolder, at: usize, picture: &TrainingPicture| {
            let file = |ending: &str| Path::new(&folder.path).join(format!("{:06}.{ending}", at + 1));
            file(&picture.file.ext).is_file() && file("txt").is_file()
        };
        let mut all = folders.iter().flat_map(|(folder, pictures)| {
            pictures.iter().enumerate().map(move |(at, picture)| (folder, at, *picture))
        });
        let is_same = fs::read_to_string(&manifest_file).ok().as_ref() == Some(&manifest);
        if is_same && all.all(|(folder, at, picture)| is_there(folder, at, picture)) {
            return Ok(());
        }
        remove(&manifest_file)?;
        remove(&data)?;
        if !folders.iter().any(|(folder, _)| !folder.held_out) {
            let why = "no picture is left to train on; approve some that are not held out";
            return Err(EngineError::new(FailureKind::Refused, why));
        }
        for (folder, pictures) in &folders {
            for cache in [&folder.path, &folder.cache] {
                fs::create_dir_all(cache).map_err(io_error("failed to make a folder for pictures"))?;
            }
            for (at, picture) in pictures.iter().enumerate() {
                self.write_picture(Path::new(&folder.path), at + 1, picture)?;
            }
        }
        fs::write(root.join("dataset.toml"), text).map_err(io_error("failed to write the list of pictures"))?;
        fs::write(manifest_file, manifest).map_err(io_error("failed to write the list of pictures"))
    }

    /// A picture with its caption. Names are plain: trainers read parts of others.
    fn write_picture(&self, folder: &Path, number: usize, picture: &TrainingPicture) -> Result<(), EngineError> {
        let caption = caption_of(picture)?;
        let kept = self.asset(&picture.file)?;
        let path = folder.join(format!("{number:06}.{}", picture.file.ext));
        // A second name of the same file costs nothing; another disk needs a copy.
        if fs::hard_link(&kept, &path).is_err() {
            fs::copy(&kept, &path).map_err(io_error("failed to copy a picture for the training"))?;
        }
        fs::write(folder.join(format!("{number:06}.txt")), caption).map_err(io_error("failed to write a caption"))
    }

    /// Whether a command that comes before has been run for these pictures.
    pub(super) fn was_before(&self, number: usize) -> bool {
        self.folder.root.join(format!("data/.before-{number}")).is_file()
    }

    /// Notes that a command that comes before has been run for these pictures.
    pub(super) fn note_before(&self, number: usize) -> Result<(), EngineError> {
        let file = self.folder.root.join(format!("data/.before-{number}"));
        fs::write(file, "").map_err(io_error("failed to write into the folder of the training"))
    }

    /// Leaves out what the trainer wrote last.
    pub(super) fn discard(&self) -> Result<(), EngineError> {
        remove(&self.folder.root.join("slice"))?;
        remove(&self.folder.root.join("out"))
    }

    /// Leaves a state out that no process could begin with.
    pub(super) fn drop_state(&self, epoch: u32) -> Result<(), EngineError> {
        remove(&self.folder.kept_state(epoch))
    }

    /// Copies the LoRA of the last epoch into a folder, readable for others, and clears away what is not needed any more: all but
    /// the states of the last two epochs.
    pub(super) fn hand_over(&self, dir: &Path) -> Result<PathBuf, EngineError> {
        let (from, path) = (self.folder.kept_checkpoint(self.order.to), dir.join("weights.safetensors"));
        fs::copy(&from, &path).map_err(io_error("failed to copy the LoRA"))?;
        readable(&path)?;
        for epoch in 1..self.order.to {
            remove(&self.folder.kept_checkpoint(epoch))?;
            if epoch + 1 < self.order.to {
                remove(&self.folder.kept_state(epoch))?;
            }
        }
        remove(&self.folder.root.join("out"))?;
        Ok(path)
    }
}
