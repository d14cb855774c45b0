//! Learned: what is known of the changes that the studio tries on pictures of a dataset.

use serde::Serialize;
use studio_core::dataset::{Change, Helped, Repair};
use utoipa::ToSchema;

/// What is known of a named change of settings for a dataset.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArmView {
    /// Name of the change, e.g. `cfg+1`; empty: the model's own settings.
    pub arm: String,
    /// Pictures made with it that were decided.
    pub results: u32,
    /// How many of them were approved.
    pub approved: u32,
}

/// What a repair does, and how often it helped.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RepairView {
    /// Name of the repair, e.g. `solo`.
    pub repair: String,
    /// How often it was tried.
    pub tried: u32,
    /// How often the picture was approved then.
    pub approved: u32,
    /// What it changes on the model, as far as that can be turned there.
    pub change: Change,
    /// The picture is so much larger on each side; 1: as it was.
    pub size: f64,
    /// What the prompt says more strongly.
    pub stress: Vec<String>,
    /// What it avoids.
    pub avoid: Vec<String>,
    /// What was asked for on these axes is said more strongly.
    pub stress_axes: Vec<String>,
    /// What was not asked for on these axes is avoided.
    pub avoid_axes: Vec<String>,
}

impl RepairView {
    /// Of a repair there is.
    pub fn of(repair: &Repair, helped: Helped) -> Self {
        let words = |words: &str| words.split(", ").filter(|one| !one.is_empty()).map(str::to_owned).collect();
        let axes = |axes: &[&str]| axes.iter().map(|axis| (*axis).to_owned()).collect();
        Self {
            repair: repair.name.to_owned(),
            tried: helped.tried,
            approved: helped.approved,
            change: repair.change,
            size: repair.size,
            stress: words(repair.stress),
            avoid: words(repair.avoid),
            stress_axes: axes(repair.stress_axes),
            avoid_axes: axes(repair.avoid_axes),
        }
    }
}
