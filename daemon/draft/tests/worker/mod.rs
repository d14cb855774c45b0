//! Worker: carries out media plans in this process.

use std::path::Path;

use studio_core::media::{MediaPlan, MediaResult};
use studio_engine::{Boxed, EngineError, FailureKind, Progress, RunMedia};
use studio_media::{animatic, measure};
use tokio_util::sync::CancellationToken;

/// Runs the plans that draft engines make.
pub struct Worker;

impl RunMedia for Worker {
    fn run<'a>(
        &'a self,
        plan: MediaPlan,
        _dir: &'a Path,
        progress: &'a Progress,
        _stop: &'a CancellationToken,
    ) -> Boxed<'a, Result<MediaResult, EngineError>> {
        Box::pin(async move {
            let hear = &mut |done| progress.tell(done);
            let done = match plan {
                MediaPlan::Animatic(plan) => animatic::run(&plan, hear),
                MediaPlan::Measure(plan) => measure::run(&plan, hear),
                other => panic!("no draft engine asks for {other:?}"),
            };
            done.map_err(|fault| EngineError::new(FailureKind::Transient, fault.message))
        })
    }
}
