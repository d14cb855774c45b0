//! Folders of pictures for a trainer, and the file that names them.

use std::{collections::BTreeMap, fmt::Write};

use super::trainer::{Layout, Trainer};
use crate::{
    ladder::Rung,
    order::{TrainOrder, TrainingPicture},
    workflow::SlotValue,
};

/// The shortest side of a shape that pictures are brought to, in pixels.
const SHORTEST_SIDE: u32 = 256;

/// A folder with pictures of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureFolder {
    /// Where it is.
    pub path: String,
    /// A folder for what the trainer keeps of them, for it alone.
    pub cache: String,
    /// How often each is seen in an epoch, 1..=40.
    pub repeats: u32,
    /// They are not trained on.
    pub held_out: bool,
}

/// Pictures by what folder they go into: first whether they are held out, then how often they are seen.
pub fn groups(order: &TrainOrder) -> BTreeMap<(bool, u32), Vec<&TrainingPicture>> {
    let mut groups: BTreeMap<(bool, u32), Vec<&TrainingPicture>> = BTreeMap::new();
    for picture in &order.pictures {
        let repeats = if picture.held_out { 1 } else { picture.repeats.max(1) };
        groups.entry((picture.held_out, repeats)).or_default().push(picture);
    }
    groups
}

impl Trainer {
    /// The file that names the pictures.
    pub fn dataset_toml(&self, order: &TrainOrder, rungs: &[Rung], folders: &[PictureFolder]) -> String {
        let settings = self.settings_under(order, rungs);
        let whole = |name: &str| match settings.get(name) {
            Some(SlotValue::Int(number)) => u32::try_from(*number).ok(),
            _ => None,
        };
        let trains = self.architectures.get(&order.architecture);
        let shape = Shape {
            resolution: whole("resolution").unwrap_or(512),
            batch: whole("batch").unwrap_or(1),
            side_steps: trains.map_or(64, |trains| trains.side_steps.max(1)),
            shuffles: !trains.is_some_and(|trains| trains.captions_are_cached),
        };
        match self.layout {
            Some(Layout::Kohya) => kohya(&shape, folders),
            Some(Layout::Musubi) => musubi(&shape, folders),
            // A workflow reads folders, not a file.
            None => String::new(),
        }
    }
}

/// How pictures are brought into shape, and how many are seen at once.
struct Shape {
    resolution: u32,
    batch: u32,
    side_steps: u32,
    shuffles: bool,
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// One data set with a subset for each number of repeats; pictures that are held out are one of their own, all of it for validation.
fn kohya(shape: &Shape, folders: &[PictureFolder]) -> String {
    let longest = shape.resolution.saturating_mul(2) / shape.side_steps * shape.side_steps;
    let mut text =
        format!("[general]\ncaption_extension = \".txt\"\nshuffle_caption = {}\nkeep_tokens = 1\n", shape.shuffles);
    let subset = |folder: &PictureFolder| {
        format!("  [[datasets.subsets]]\n  image_dir = {}\n  num_repeats = {}\n", quoted(&folder.path), folder.repeats)
    };
    let buckets = format!(
        "enable_bucket = true\nmin_bucket_reso = {SHORTEST_SIDE}\nmax_bucket_reso = {longest}\nbucket_reso_steps = {}\nbucket_no_upscale = true\n",
        shape.side_steps
    );
    let _ = write!(text, "[[datasets]]\nresolution = {}\nbatch_size = {}\n{buckets}", shape.resolution, shape.batch);
    text.extend(folders.iter().filter(|folder| !folder.held_out).map(subset));
    if folders.iter().any(|folder| folder.held_out) {
        let _ = write!(
            text,
            "[[datasets]]\nresolution = {}\nbatch_size = 1\n{buckets}validation_split = 1.0\n",
            shape.resolution
        );
        text.extend(folders.iter().filter(|folder| folder.held_out).map(subset));
    }
    text
}

/// A data set for each folder; it has no validation, so pictures that are held out are left out.
fn musubi(shape: &Shape, folders: &[PictureFolder]) -> String {
    let mut text = format!(
        "[general]\nresolution = [{0}, {0}]\ncaption_extension = \".txt\"\nbatch_size = {1}\nenable_bucket = true\nbucket_no_upscale = true\n",
        shape.resolution, shape.batch
    );
    text.extend(folders.iter().filter(|folder| !folder.held_out).map(|folder| {
        format!(
            "[[datasets]]\nimage_directory = {}\ncache_directory = {}\nnum_repeats = {}\n",
            quoted(&folder.path),
            quoted(&folder.cache),
            folder.repeats
        )
    }));
    text
}
