//! Detail: whether two pictures that look alike by their prints are the same picture.
//!
//! Hashes and tiny pictures find whoever may be a copy, in no time, among any number. Of a figure that stands in front of a
//! place the eyes are less than a cell of a tiny picture, though, so whoever is moved against the other, or cut out of it, is
//! compared once more, in finer cells, by the pictures themselves.

use std::path::{Path, PathBuf};

use image::RgbImage;

use studio_core::dataset::Alike;

use crate::{
    decode::{self, Refusal},
    index::Copy,
    plane::Plane,
    register::{Grid, fit_finely},
};

/// Cells of a row, and rows.
const SIDE: u32 = 192;
/// How unlike the same picture may be where it differs most: 0 the same, 1 as much as noise and displaced edges explain. Smaller
/// and compressed copies of the made families reach 2.0, a head that is turned by a hundredth of the width 2.1.
const UNLIKE: f32 = 2.05;

/// A picture in cells that are fine enough to tell open eyes from closed ones.
pub struct Detail(Grid);

impl Detail {
    /// The detail of a picture's pixels.
    pub fn of(pixels: &RgbImage) -> Self {
        let plane = Plane::of(pixels);
        Self(Grid::of(plane.sample(plane.whole(), SIDE, SIDE, false).as_raw(), SIDE as usize, false))
    }

    /// The detail of a picture's file.
    ///
    /// # Errors
    /// It is no picture that is taken, as [`decode::decode`] says.
    pub fn of_file(path: &Path) -> Result<Self, Refusal> {
        Ok(Self::of(&decode::decode(&decode::load(path)?)?.pixels))
    }

    /// Whether a new picture is a copy of this one, as `copy` says by their prints.
    pub fn is_same(&self, new: &Self, copy: &Copy) -> bool {
        self.unlike(new, copy).is_some_and(|unlike| unlike <= UNLIKE)
    }

    /// How unlike this picture and a new one are where they differ most, laid upon each other as `copy` says: 1 as much as noise
    /// and displaced edges explain. `None` when they share too little.
    pub fn unlike(&self, new: &Self, copy: &Copy) -> Option<f32> {
        if copy.alike == Alike::Pixels {
            return Some(0.0);
        }
        let new = if copy.mirrored { &new.0.mirrored() } else { &new.0 };
        fit_finely(&self.0, new, copy.place)
    }
}

/// Of pictures that a new one is a copy of by their prints the place of the first that it is a copy of indeed. Where a file cannot
/// be read any more the prints decide, but only of those that show the same frame.
pub fn first_copy(new: &Path, known: &[(Copy, PathBuf)]) -> Option<usize> {
    let mut mine: Option<Option<Detail>> = None;
    known.iter().position(|(copy, path)| {
        if copy.alike == Alike::Pixels {
            return true;
        }
        let mine = mine.get_or_insert_with(|| Detail::of_file(new).ok());
        match (mine, Detail::of_file(path)) {
            (Some(mine), Ok(theirs)) => theirs.is_same(mine, copy),
            _ => copy.alike != Alike::Cut,
        }
    })
}
