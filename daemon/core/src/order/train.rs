//! Order of a slice of a training, and what its trainer reports.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    asset::AssetRef,
    ids::{ContentHash, TrainingId},
    ladder::Rung,
    lora::Architecture,
    workflow::SlotValue,
};

/// A slice of a LoRA's training: its epochs after `after` up to `to`. Makes one [`super::Role::Weights`], the LoRA after epoch `to`;
/// reports [`super::Reported::Trained`].
///
/// What a trainer needs to go on exactly where it was (its state) stays with the trainer, under the id of the training. Where that is
/// gone, it goes on from `weights`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainOrder {
    /// The run that it is a slice of.
    pub training: TrainingId,
    /// Name of the trainer's definition, e.g. `sd-scripts`.
    pub trainer: String,
    /// What is trained.
    pub architecture: Architecture,
    /// The base model: a file on this machine, or its name in ComfyUI.
    pub base: String,
    /// What the base was when the run began, as [`base_print`] says; `None`: nobody could look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_print: Option<ContentHash>,
    /// What it is trained on.
    pub pictures: Vec<TrainingPicture>,
    /// Values of the trainer's slots: `epochs`, `resolution`, `batch`, `seed` and its own.
    pub settings: BTreeMap<String, SlotValue>,
    /// Epochs of the whole run, 1..=200.
    pub epochs: u32,
    /// Epochs that are done.
    pub after: u32,
    /// The epoch it ends with, above `after`.
    pub to: u32,
    /// The LoRA after epoch `after`; `None` before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<AssetRef>,
    /// What earlier slices did differently because the card was full: a run keeps to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relief: Vec<Rung>,
}

impl TrainOrder {
    /// Steps of one epoch: pictures with their repeats, by the batch, rounded up.
    pub fn epoch_steps(&self) -> u32 {
        let batch = self.whole("batch").unwrap_or(1).max(1);
        let all: u32 = self.pictures.iter().filter(|one| !one.held_out).map(|one| one.repeats).sum();
        all.div_ceil(batch)
    }

    /// A slot that is a whole number of 0 or more.
    pub fn whole(&self, slot: &str) -> Option<u32> {
        match self.settings.get(slot)? {
            SlotValue::Int(number) => u32::try_from(*number).ok(),
            _ => None,
        }
    }
}

/// A picture a LoRA is trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TrainingPicture {
    /// The kept file.
    pub file: AssetRef,
    /// What is told of it: one line, the trigger word first.
    pub caption: String,
    /// How often it is seen in an epoch, 1..=40.
    pub repeats: u32,
    /// It is not trained on, but shows how well what was learned holds for others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held_out: bool,
}

/// How a slice of a training went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SliceReport {
    /// The epoch it ended with.
    pub epoch: u32,
    /// Steps it took.
    pub steps: u32,
    /// Mean loss as the trainer says it, by step of the run, at most 200 points; empty when it says none.
    pub losses: Vec<LossPoint>,
    /// Loss on pictures that were held out; `None` when the trainer says none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_loss: Option<f64>,
    /// Milliseconds of one step, as measured; `None` when nothing was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_ms: Option<u64>,
    /// Its state was gone: it went on from the weights alone, its optimiser anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_weights: bool,
    /// The last lines the trainer wrote, at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

/// Loss at a step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LossPoint {
    /// Step of the run, from 1.
    pub step: u32,
    /// Mean loss as the trainer says it.
    pub loss: f64,
}

/// Places at which [`base_print`] looks into a file.
pub const PRINT_PLACES: u64 = 16;
/// Bytes it reads at each.
pub const PRINT_BYTES: u64 = 1 << 20;

/// Offsets at which a file of `bytes` is read to tell it from others of its name: evenly spaced, the first at its beginning, the
/// last up to its end. The print is the SHA-256 of the length (8 bytes, little-endian) and [`PRINT_BYTES`] from each: models have
/// gigabytes, and files of trained numbers that differ do so everywhere.
pub fn base_print(bytes: u64) -> Vec<u64> {
    let last = bytes.saturating_sub(PRINT_BYTES);
    let mut places: Vec<u64> = (0..PRINT_PLACES).map(|at| last / (PRINT_PLACES - 1) * at).collect();
    places.push(last);
    places.dedup();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_looked_at_from_its_beginning_to_its_end() {
        assert_eq!(base_print(0), [0]);
        assert_eq!(base_print(10), [0]);
        let places = base_print(7 << 30);
        assert_eq!((places.first(), places.last()), (Some(&0), Some(&((7 << 30) - PRINT_BYTES))));
        assert!(places.windows(2).all(|two| two[0] < two[1]), "{places:?}");
        assert_eq!(base_print(PRINT_BYTES + 7).first(), Some(&0));
        assert_eq!(base_print(PRINT_BYTES + 7).last(), Some(&7));
    }

    #[test]
    fn an_epoch_sees_every_picture_as_often_as_it_is_repeated() {
        let picture = |repeats, held_out| TrainingPicture {
            file: AssetRef { hash: ContentHash::of(b"a"), ext: "png".into() },
            caption: "mira".into(),
            repeats,
            held_out,
        };
        let order = TrainOrder {
            training: TrainingId(uuid::Uuid::nil()),
            trainer: "t".into(),
            architecture: Architecture::Sd15,
            base: "b".into(),
            base_print: None,
            pictures: vec![picture(3, false), picture(4, false), picture(9, true)],
            settings: BTreeMap::from([("batch".to_owned(), SlotValue::Int(2))]),
            epochs: 10,
            after: 0,
            to: 1,
            weights: None,
            relief: Vec::new(),
        };
        assert_eq!(order.epoch_steps(), 4);
    }
}
