//! Export: the approved pictures of a dataset as the folder a training program reads.
//!
//! Every picture is a numbered file with its caption beside it, as one line of the same stem. The same pictures give the same
//! names and texts.

use serde::{Deserialize, Serialize};

use super::{Called, Picture, Words};
use crate::asset::AssetRef;

/// Most times a picture is repeated in an epoch: beyond, there are too few pictures for any number to help.
const MOST_REPEATS: u32 = 40;
/// Longest name of a folder, in characters.
const FOLDER: usize = 80;

/// For which training program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = DatasetLayout))]
pub enum Layout {
    /// kohya sd-scripts, and what reads its folders: `N_trigger class/`, with a `dataset.toml` beside.
    #[default]
    Kohya,
    /// ai-toolkit: pictures and captions side by side, with what its configuration wants.
    AiToolkit,
    /// musubi-tuner, for Wan: `images/` with a `dataset.toml` beside.
    Musubi,
}

impl Layout {
    /// Its stable word, as in addresses and file names.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kohya => "kohya",
            Self::AiToolkit => "ai-toolkit",
            Self::Musubi => "musubi",
        }
    }
}

/// Architecture of the model that is trained, where a layout leaves it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = TrainedBase))]
pub enum Base {
    /// Stable Diffusion 1.5: 512 pixels.
    #[default]
    Sd15,
    /// Stable Diffusion XL: 1024 pixels.
    Sdxl,
}

impl Base {
    /// The side of a square with as many pixels as are trained on.
    fn side(self) -> u32 {
        match self {
            Self::Sd15 => 512,
            Self::Sdxl => 1024,
        }
    }

    /// Steps of an epoch: a tenth of what such a model is usually trained for.
    fn epoch(self) -> u32 {
        match self {
            Self::Sd15 => 160,
            Self::Sdxl => 200,
        }
    }
}

/// Where an export goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// For which training program.
    pub layout: Layout,
    /// For which kind of model.
    pub base: Base,
    /// The folder it will lie in, with its full path; empty: nobody knows yet, and paths are relative.
    pub root: String,
}

/// Nothing of a dataset is trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no picture of this dataset is approved yet, so there is nothing to train on; approve some first")]
pub struct NothingApproved;

/// A picture in an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The kept file.
    pub file: AssetRef,
    /// Where it goes, below the root, e.g. `10_mara woman/000001.png`.
    pub path: String,
    /// Where its caption goes.
    pub caption_path: String,
    /// Its caption: one line without a break at its end.
    pub caption: String,
}

/// The files of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// How often each picture is repeated in an epoch, 1..=40.
    pub repeats: u32,
    /// Its pictures, the oldest first.
    pub pictures: Vec<Exported>,
    /// What the training program is told: one file, by its path and its content.
    pub config: (String, String),
}

/// Plans the export of the approved pictures among `pictures`, which come the oldest first. Near-duplicates stay out: they act
/// as repeats nobody asked for.
///
/// # Errors
/// None of them is approved.
pub fn export(
    called: &Called,
    told: &Words<'_>,
    pictures: &[Picture],
    target: &Target,
) -> Result<Export, NothingApproved> {
    let approved: Vec<&Picture> = pictures.iter().filter(|picture| picture.is_trained_on()).collect();
    if approved.is_empty() {
        return Err(NothingApproved);
    }
    let repeats = repeats(target.base, approved.len());
    let folder = match target.layout {
        Layout::Kohya => format!("{repeats}_{}/", folder_name(called)),
        Layout::AiToolkit => String::new(),
        Layout::Musubi => "images/".to_owned(),
    };
    let one = |(at, picture): (usize, &&Picture)| Exported {
        path: format!("{folder}{:06}.{}", at + 1, picture.file.ext),
        caption_path: format!("{folder}{:06}.txt", at + 1),
        caption: called.line(&told.text(picture)),
        file: picture.file.clone(),
    };
    Ok(Export {
        repeats,
        pictures: approved.iter().enumerate().map(one).collect(),
        config: config(called, target, folder.trim_end_matches('/'), repeats),
    })
}

fn repeats(base: Base, pictures: usize) -> u32 {
    let pictures = u32::try_from(pictures).unwrap_or(u32::MAX).max(1);
    ((base.epoch() + pictures / 2) / pictures).clamp(1, MOST_REPEATS)
}

/// `trigger class`, with nothing in it that a folder may not be called.
fn folder_name(called: &Called) -> String {
    let whole = format!("{} {}", called.trigger, called.class_word);
    let safe: String =
        whole.chars().map(|sign| if sign.is_alphanumeric() || sign == '-' { sign } else { ' ' }).collect();
    let name: String = safe.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(FOLDER).collect();
    if name.trim().is_empty() { "character".into() } else { name.trim().to_owned() }
}

fn config(called: &Called, target: &Target, folder: &str, repeats: u32) -> (String, String) {
    let there = |folder: &str| match (target.root.trim_end_matches('/'), folder) {
        ("", "") => ".".to_owned(),
        ("", folder) => folder.to_owned(),
        (root, "") => root.to_owned(),
        (root, folder) => format!("{root}/{folder}"),
    };
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let hint = if target.root.is_empty() {
        "# Paths are relative: begin the training in this folder, or write the full paths here.\n"
    } else {
        ""
    };
    let side = target.base.side();
    match target.layout {
        Layout::Kohya => {
            let tokens = format!("{} {}", called.trigger, called.class_word);
            // Text encoders whose outputs are kept, as for SDXL, see every caption in one order only.
            let shuffled = target.base == Base::Sd15;
            let config = format!(
                "{hint}[general]\ncaption_extension = \".txt\"\nshuffle_caption = {shuffled}\nkeep_tokens = 1\n\n\
                 [[datasets]]\nresolution = {side}\nbatch_size = 1\nenable_bucket = true\nmin_bucket_reso = 256\n\
                 max_bucket_reso = {}\nbucket_reso_steps = 64\nbucket_no_upscale = true\n\n  [[datasets.subsets]]\n  \
                 image_dir = {}\n  class_tokens = {}\n  num_repeats = {repeats}\n",
                side * 2,
                text(&there(folder)),
                text(tokens.trim()),
            );
            ("dataset.toml".into(), config)
        }
        Layout::Musubi => {
            let config = format!(
                "{hint}[general]\nresolution = [960, 544]\ncaption_extension = \".txt\"\nbatch_size = 1\nenable_bucket = true\n\n\
                 [[datasets]]\nimage_directory = {}\ncache_directory = {}\nnum_repeats = {repeats}\n",
                text(&there(folder)),
                text(&there("cache")),
            );
            ("dataset.toml".into(), config)
        }
        Layout::AiToolkit => {
            let json = |text: &str| serde_json::Value::from(text).to_string();
            let config = format!(
                "{hint}# For the process of an ai-toolkit configuration: put these lines there.\ntrigger_word: {}\ndatasets:\n  \
                 - folder_path: {}\n    caption_ext: \"txt\"\n    caption_dropout_rate: 0.05\n    shuffle_tokens: false\n    \
                 cache_latents_to_disk: true\n    num_repeats: {repeats}\n    resolution: [{side}]\n",
                json(&called.trigger),
                json(&there(folder)),
            );
            ("dataset.yaml".into(), config)
        }
    }
}
