//! Mark: one measured property of a take.

use serde::{Deserialize, Serialize};

use crate::units::Score;

/// One measured property of a take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Mark {
    /// What was measured: black, contrast, frozen, blur, exposure, flicker, length, likeness.
    pub name: String,
    /// 0 (unusable) to 1 (perfect).
    pub score: Score,
    /// The number behind the score.
    pub measured: f64,
    /// Its unit, e.g. "share of frames".
    pub unit: String,
}
