//! Settings of training: who trains LoRAs, on which card, and where what that needs is.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use studio_core::gpu::PciAddress;

/// `[training]`: who trains LoRAs. `studiod trainer check` says what is missing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// Name of the trainer: `sd-scripts`, `comfyui`, `musubi`, or one of your own in the folder `trainers` of the data directory.
    pub trainer: String,
    /// PCI slot of the card it trains on, e.g. `0000:01:00.0` (`studiod check` names them): its memory is booked there, and what
    /// others have loaded leaves before it begins. Without it nothing is booked; of a ComfyUI that trains it is that of its `[[comfy]]`.
    pub gpu: Option<PciAddress>,
    /// That card as CUDA knows it, for houses with several NVIDIA cards: `GPU-...` as `nvidia-smi -L` says it, or a number. Without it
    /// the trainer takes the first.
    pub cuda_device: Option<String>,
    /// Name of the ComfyUI that trains, as `[[comfy]]` has it, where the trainer is `comfyui` or another that has a workflow. Without it
    /// the first does.
    pub comfy: Option<String>,
    /// Where what the trainer needs is, by the names of its definition, e.g. `checkout = "/opt/sd-scripts"`.
    pub paths: BTreeMap<String, PathBuf>,
    /// The base model by architecture, e.g. `sdxl = "/opt/ComfyUI/models/checkpoints/sd_xl_base_1.0.safetensors"`; a ComfyUI that trains
    /// takes the name of a checkpoint, too.
    pub bases: BTreeMap<String, PathBuf>,
    /// Without a line of the trainer for so many minutes it is taken for hung, and its slice is begun once more. For a ComfyUI that
    /// trains, `stall_minutes` of its `[[comfy]]` counts.
    #[schemars(range(min = 1, max = 1440))]
    pub silence_minutes: u32,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            trainer: "sd-scripts".into(),
            gpu: None,
            cuda_device: None,
            comfy: None,
            paths: BTreeMap::new(),
            bases: BTreeMap::new(),
            silence_minutes: 30,
        }
    }
}

impl Training {
    /// What no limit of a single value says.
    ///
    /// # Errors
    /// A path is not named from the root on, or an architecture is none that is trained, in one sentence.
    pub fn check(&self) -> Result<(), String> {
        let all = self.paths.iter().map(|(name, path)| (format!("paths.{name}"), path));
        let mut all = all.chain(self.bases.iter().map(|(name, path)| (format!("bases.{name}"), path)));
        // A name alone is of a program on the path.
        let from_here = |path: &PathBuf| !path.is_absolute() && path.components().count() != 1;
        if let Some((name, path)) = all.find(|(_, path)| from_here(path)) {
            return Err(format!("training.{name} is '{}'; write the whole path, from / on", path.display()));
        }
        let known = ["sd15", "sdxl", "wan"];
        match self.bases.keys().find(|name| !known.contains(&name.as_str())) {
            Some(other) => Err(format!("training.bases has '{other}'; it must be one of {}", known.join(", "))),
            None => Ok(()),
        }
    }
}
