//! Snapshot: which approved pictures a run is trained on, what is told of each, and how often it is seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    dataset::{Called, Cell, Coverage, Picture, Words},
    ids::{ContentHash, PictureId},
    lora::Architecture,
    order::TrainingPicture,
};

/// Shortest side of a picture that is trained on, in pixels: below the step of a bucket nothing is left of it.
pub const LEAST_SIDE: u32 = 256;
/// Pictures below which none is held out: every one is needed.
const ENOUGH_TO_HOLD_OUT: usize = 12;
/// Most pictures that are held out.
const MOST_HELD_OUT: usize = 4;
/// Highest lineage of a picture that is held out: what a model made of itself proves nothing.
const HELD_OUT_LINEAGE: u32 = 1;
/// Most times a picture is seen in an epoch.
const MOST_REPEATS: u32 = 40;
/// How much rarer cells are seen more often than common ones, at most and at least.
const BALANCE: (f64, f64) = (0.5, 2.0);

/// What a snapshot is taken of.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotGround<'a> {
    /// The pictures of the dataset, the oldest first.
    pub pictures: &'a [Picture],
    /// What every caption begins with.
    pub called: &'a Called,
    /// What is told of pictures.
    pub words: &'a Words<'a>,
    /// The axes of the dataset.
    pub coverage: &'a Coverage,
    /// Pictures an epoch should see, repeats counted; see [`epoch_target`].
    pub epoch_pictures: u32,
    /// Names of LoRA files of this very character: pictures made with them are at most half of the set.
    pub own: &'a [String],
}

/// What a run is trained on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The pictures, the oldest first.
    pub pictures: Vec<TrainingPicture>,
    /// What those that are trained on show.
    pub trained: Vec<Cell>,
    /// What those that are held out show.
    pub held_out: Vec<Cell>,
    /// Approved pictures that are not in it, and why.
    pub left_out: Vec<LeftOut>,
}

/// An approved picture that is not trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LeftOut {
    /// Which picture it is.
    pub picture: PictureId,
    /// Why it is not trained on.
    pub why: LeftOutWhy,
}

/// Why an approved picture is not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum LeftOutWhy {
    /// A side is shorter than [`LEAST_SIDE`].
    TooSmall,
    /// Half of the set is from the character's own LoRA already: it would feed on itself.
    OwnLora,
}

/// Pictures an epoch should see, repeats counted: a tenth of what such a model is usually trained for.
pub fn epoch_target(architecture: Architecture) -> u32 {
    match architecture {
        Architecture::Sdxl => 200,
        _ => 160,
    }
}

/// Takes a snapshot of what is approved and no copy.
pub fn snapshot(ground: SnapshotGround<'_>) -> Snapshot {
    let mut left_out = Vec::new();
    let mut left = |picture: &Picture, why| left_out.push(LeftOut { picture: picture.id, why });
    let mut taken: Vec<&Picture> = Vec::new();
    for picture in ground.pictures.iter().filter(|picture| picture.is_trained_on()) {
        if picture.size.width.min(picture.size.height) < LEAST_SIDE {
            left(picture, LeftOutWhy::TooSmall);
        } else {
            taken.push(picture);
        }
    }
    let own = |picture: &Picture| {
        let loras = picture.made.iter().flat_map(|made| &made.loras);
        loras
            .filter_map(|lora| lora.rsplit_once('@').map(|(file, _)| file))
            .any(|file| ground.own.iter().any(|own| own == file))
    };
    let others = taken.iter().filter(|picture| !own(picture)).count();
    let mut room = others;
    taken.retain(|picture| {
        if !own(picture) {
            return true;
        }
        let fits = room > 0;
        room = room.saturating_sub(1);
        if !fits {
            left(picture, LeftOutWhy::OwnLora);
        }
        fits
    });
    let held = held_out(&taken, ground.coverage);
    let repeats = repeats(&taken, &held, ground);
    let mut snapshot = Snapshot { left_out, ..Snapshot::default() };
    for picture in taken {
        let held_out = held.contains(&picture.id);
        if held_out { &mut snapshot.held_out } else { &mut snapshot.trained }.push(picture.cell.clone());
        snapshot.pictures.push(TrainingPicture {
            file: picture.file.clone(),
            caption: ground.called.line(&ground.words.text(picture)),
            repeats: if held_out { 1 } else { repeats.get(&picture.id).copied().unwrap_or(1) },
            held_out,
        });
    }
    snapshot
}

/// How many show each cell of the grid.
fn by_cell<'a>(pictures: impl Iterator<Item = &'a Picture>, coverage: &Coverage) -> BTreeMap<Cell, usize> {
    let mut counts = BTreeMap::new();
    for picture in pictures {
        *counts.entry(group(coverage, picture)).or_default() += 1;
    }
    counts
}

/// What a picture is balanced by: how close and from where. Expressions are too many for a small set.
fn group(coverage: &Coverage, picture: &Picture) -> Cell {
    let mut cell = coverage.crossed(&picture.cell);
    if cell.len() > 2 {
        let names: Vec<String> =
            coverage.axes.iter().filter(|axis| axis.crossed).skip(2).map(|axis| axis.name.clone()).collect();
        cell.retain(|axis, _| !names.contains(axis));
    }
    cell
}

/// Those that are missed least: of cells that have most, in an order that has nothing to do with when they came.
fn held_out(taken: &[&Picture], coverage: &Coverage) -> Vec<PictureId> {
    if taken.len() < ENOUGH_TO_HOLD_OUT {
        return Vec::new();
    }
    let many = (taken.len() / 10).clamp(1, MOST_HELD_OUT);
    let mut counts = by_cell(taken.iter().copied(), coverage);
    let order = |picture: &Picture| ContentHash::of(picture.file.hash.to_string().as_bytes());
    let mut may: Vec<&Picture> = taken.iter().copied().filter(|picture| picture.lineage <= HELD_OUT_LINEAGE).collect();
    may.sort_by_key(|picture| order(picture));
    let mut held = Vec::new();
    while held.len() < many {
        let fullest = may.iter().enumerate().max_by_key(|(at, picture)| {
            (counts.get(&group(coverage, picture)).copied().unwrap_or(0), std::cmp::Reverse(*at))
        });
        let Some((at, picture)) = fullest.map(|(at, picture)| (at, *picture)) else { break };
        let left = counts.entry(group(coverage, picture)).or_default();
        if *left <= 1 {
            // The only one of its kind is trained on.
            break;
        }
        *left -= 1;
        held.push(picture.id);
        may.remove(at);
    }
    held
}

/// How often each is seen, so that rare views count and an epoch sees about as many as it should.
fn repeats(taken: &[&Picture], held: &[PictureId], ground: SnapshotGround<'_>) -> BTreeMap<PictureId, u32> {
    let trained: Vec<&Picture> = taken.iter().copied().filter(|picture| !held.contains(&picture.id)).collect();
    let counts = by_cell(trained.iter().copied(), ground.coverage);
    let mean = trained.len() as f64 / counts.len().max(1) as f64;
    let weight = |picture: &Picture| {
        let there = counts.get(&group(ground.coverage, picture)).copied().unwrap_or(1) as f64;
        (mean / there).clamp(BALANCE.0, BALANCE.1)
    };
    let all: f64 = trained.iter().map(|picture| weight(picture)).sum();
    let seen = f64::from(ground.epoch_pictures);
    let of = |picture: &&Picture| {
        let repeats = (seen * weight(picture) / all.max(1.0)).round();
        (picture.id, (repeats as u32).clamp(1, MOST_REPEATS))
    };
    trained.iter().map(of).collect()
}
