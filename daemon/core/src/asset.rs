//! Asset: a file the studio keeps, by what is in it.

use serde::{Deserialize, Serialize};

use crate::ids::ContentHash;

/// A file the studio keeps.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AssetRef {
    /// SHA-256 of its bytes.
    pub hash: ContentHash,
    /// File name extension without the dot: `png`, `mp4`, `wav`, `srt`, `jpg`.
    pub ext: String,
}
