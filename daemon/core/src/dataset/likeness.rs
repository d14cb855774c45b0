//! Likeness: in what a near-duplicate is like the picture that it was found to be a copy of.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::PictureId;

/// Why a picture is taken for a copy: the one it was compared with, and what that showed. That one need not be the one it is
/// grouped under, which is the best of all that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Likeness {
    /// The picture it was compared with.
    pub with: PictureId,
    /// In what they are alike.
    pub alike: Alike,
    /// Bits of 256 in which their DCT hashes differ.
    pub dct: u32,
    /// Bits of 256 in which their gradient hashes differ.
    pub gradient: u32,
}

/// In what two pictures are alike; the closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Alike {
    /// Every pixel is the same.
    Pixels,
    /// Their subjects are the same.
    Subject,
    /// One is the mirror image of the other.
    Mirrored,
    /// One is cut out of the other, or moved against it.
    Cut,
}

impl fmt::Display for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.alike {
            Alike::Pixels => return f.write_str("every pixel is the same"),
            Alike::Subject => "the same subject",
            Alike::Mirrored => "its mirror image",
            Alike::Cut => "cut or moved",
        })?;
        write!(f, ", {} and {} of 256 bits differ", self.dct, self.gradient)
    }
}
