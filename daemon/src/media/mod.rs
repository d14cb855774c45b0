//! Media: the parent's side of the child process (`studiod media`), and the child itself.

mod child;
pub mod elements;
pub mod engine;
pub mod worker;

pub use child::ChildProcess;

use std::path::Path;

use studio_core::media::MediaPlan;

/// The files a plan leaves behind when it succeeds, and must not when it fails.
pub fn outputs_of(plan: &MediaPlan) -> Vec<&Path> {
    match plan {
        MediaPlan::Probe(_) | MediaPlan::Measure(_) => Vec::new(),
        MediaPlan::Normalise(plan) => vec![&plan.video_out, &plan.sound_out, &plan.last_frame_out],
        MediaPlan::Animatic(plan) => vec![&plan.video_out],
        MediaPlan::Join(plan) => vec![&plan.out],
        MediaPlan::Mix(plan) => vec![&plan.out],
        MediaPlan::Master(plan) => vec![&plan.out],
        MediaPlan::Picture(plan) => vec![&plan.out],
        MediaPlan::Sound(plan) => vec![&plan.out],
    }
}
