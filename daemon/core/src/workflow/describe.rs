//! Describe: what a workflow's TOML file says.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// What a workflow's TOML file says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descriptor {
    /// One line for people.
    pub title: String,
    /// What it can do.
    pub does: Vec<Ability>,
    /// What can be set, by name. The names the studio knows: `positive`, `negative`, `seed`, `steps`, `cfg`, `guidance`,
    /// `sampler`, `scheduler`, `shift`, `width`, `height`, `base_resolution`, `length` (frames), `seconds`, `fps`,
    /// `batch`, `image` (first picture or picture to refine), `end_image`, `reference` (picture for IP-Adapter), `video`,
    /// `denoise`, `strength`, `checkpoint`, `model`, `vae`, `text_encoder`, `text_encoder_2`, `clip_vision`, `lora`,
    /// `lora_strength`, `ipadapter_weight`, `preserve_gib`, `latent_window`, `tile`, `multiplier`, `bpm`,
    /// `lyrics`, `prefix`. Those that train have `folder`, `rank`, `learning_rate` and the slots of their trainer, too.
    /// Others are the user's own and are set with `--set`.
    pub slots: BTreeMap<String, Slot>,
    /// Which nodes' files are the result.
    pub outputs: Vec<OutputSlot>,
    /// Files that no loader's list shows, so that ComfyUI's own validation misses them.
    #[serde(default)]
    pub files: Vec<NeededFile>,
    /// Custom nodes it needs.
    #[serde(default)]
    pub packs: Vec<Pack>,
    /// How many frames a clip may have; `None` for stills and for workflows whose length is their input's.
    #[serde(default)]
    pub length: Option<LengthRule>,
    /// Which picture sizes it takes; `None` leaves the size to its input.
    #[serde(default)]
    pub size: Option<SizeRule>,
    /// Rate of the clips it makes, frames per second; `None` when a slot says it or it makes stills.
    #[serde(default)]
    pub fps: Option<u32>,
    /// The node whose steps are the work, when it runs more than once or not in one go.
    #[serde(default)]
    pub stepping: Option<Stepping>,
    /// The model stays on the card after a failure or a cancel, so `/free` must follow (FramePack).
    ///
    /// In fingerprints it has the word it was first written with: keys of films that are made hold those.
    #[serde(default, rename(serialize = "clings", deserialize = "free_after_failure"), alias = "clings")]
    pub free_after_failure: bool,
    /// Name of the workflow to use instead when the card is full: the same with tiled decoding.
    #[serde(default)]
    pub tiled: Option<String>,
    /// Name of the workflow to use instead when the card is full: the same with a quantised (GGUF) model.
    #[serde(default)]
    pub quantised: Option<String>,
}

/// What a workflow can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the field's own words")]
pub enum Ability {
    /// Text to image.
    T2i,
    /// Image to image.
    I2i,
    /// Image to video.
    I2v,
    /// Text to video.
    T2v,
    FirstLast,
    Lora,
    Ipadapter,
    /// Text to audio.
    T2a,
    Interpolate,
    Upscale,
    Selftest,
    /// A LoRA from pictures, by ComfyUI's own training nodes.
    Train,
}

/// Something that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// The inputs it goes to, as `node.input`; at least one.
    pub to: Vec<String>,
    /// What it holds.
    pub kind: Kind,
    /// Without a value the workflow cannot run; otherwise the graph's own value stays.
    #[serde(default)]
    pub required: bool,
    /// Smallest number it takes; anything less is refused.
    #[serde(default)]
    pub min: Option<f64>,
    /// Largest number it takes; anything more is refused.
    #[serde(default)]
    pub max: Option<f64>,
    /// Numbers are whole multiples of this.
    #[serde(default)]
    pub multiple: Option<u64>,
    /// Unit of the number, e.g. `frames`, `s`, `GiB`.
    #[serde(default)]
    pub unit: Option<String>,
    /// Folder under ComfyUI's `models`, for `kind = "file"`.
    #[serde(default)]
    pub folder: Option<String>,
    /// One line for people.
    #[serde(default)]
    pub about: Option<String>,
}

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Text,
    Int,
    Float,
    Bool,
    /// One of the words ComfyUI lists for the input.
    Choice,
    /// A model file ComfyUI lists for the input.
    File,
    /// A picture, uploaded first.
    Image,
    /// A film, uploaded first.
    Video,
    /// A recording; only outputs are one.
    Audio,
}

/// A value for a slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the names say it")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SlotValue {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl fmt::Display for SlotValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Bool(on) => on.fmt(f),
        }
    }
}

/// A node whose files are a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputSlot {
    /// Its id in the graph.
    pub node: String,
    /// `image`, `video` or `audio`.
    pub kind: Kind,
}

/// A file that must lie in one of ComfyUI's model folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeededFile {
    /// Folder under `models`, e.g. `clip_vision`.
    pub folder: String,
    /// Name of the file in that folder.
    pub name: String,
}

/// A pack of custom nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// Its name, as ComfyUI Manager lists it.
    pub name: String,
    /// The node classes that come from it.
    pub classes: Vec<String>,
}

/// How many frames a clip may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum LengthRule {
    /// `every * n + plus` frames, set by slot `length`: 8n+1 for LTX-Video, 4n+1 for Wan.
    Steps {
        /// Frames per step.
        every: u32,
        /// Frames beyond the steps: the 1 of 8n+1.
        plus: u32,
        /// Fewest frames a clip may have.
        min: u32,
        /// Most frames in one go.
        max: u32,
    },
    /// FramePack: sections of `4 * window` frames, set by slot `seconds`.
    /// Plain: `max(1, round_half_even(fps * s / 4W))` sections; F1: `ceil(fps * s / (4W - 3))`; `4W * sections + 1` frames.
    Framepack {
        /// Latent window size W, usually 9.
        window: u32,
        /// The F1 variant, which goes forwards.
        f1: bool,
        /// Most frames in one go.
        max: u32,
    },
}

/// Which picture sizes a workflow takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum SizeRule {
    /// Any width and height that are multiples of `of`, with about `pixels` pixels in all.
    Multiple {
        /// Both sides are multiples of this.
        of: u32,
        /// Best number of pixels.
        pixels: u64,
    },
    /// FramePack's buckets at `base_resolution` 640, scaled for others to multiples of 16; set by slot `base_resolution`.
    FramepackBuckets,
}

/// The node whose steps are the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stepping {
    /// Its id in the graph.
    pub node: String,
    /// How often it counts from the start.
    pub passes: Passes,
    /// Makes the end of the clip first, so previews run backwards.
    #[serde(default)]
    pub backwards: bool,
}

/// How often the stepping node counts from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Passes {
    /// It counts through its steps a single time.
    One,
    /// Once per FramePack section.
    Sections,
}
