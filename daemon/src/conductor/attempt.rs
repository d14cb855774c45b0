//! Attempt: from an empty room to kept files.

use std::{collections::BTreeSet, time::Duration};

use studio_core::{ids::ContentHash, order::Order};
use studio_engine::{Engine, EngineError, FailureKind, Means, Progress, Workspace};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use super::disk;
pub(super) use super::disk::Kept;
use crate::metrics::Metrics;

/// Why an attempt left nothing.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    /// What its engine said.
    pub failure: EngineError,
    /// Inputs that are gone or damaged, where the engine complained about its inputs.
    pub damaged: BTreeSet<ContentHash>,
}

impl From<EngineError> for Failed {
    fn from(failure: EngineError) -> Self {
        Self { failure, damaged: BTreeSet::new() }
    }
}

/// Runs the engine in a room of its own, keeps what it made and clears the room, whatever happened.
///
/// An engine that complains about its inputs is not believed: they are read, here, where that may take its time.
pub(super) async fn make(
    engine: &dyn Engine,
    order: &Order,
    room: Workspace,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<Kept, Failed> {
    let made = disk::make_folder(room.dir.clone()).await;
    made.map_err(|error| EngineError::io("failed to make a working folder", &error))?;
    let result = match engine.run(order, Means { room: &room, progress, stop }).await {
        // Finished in spite of a stop that came too late: what is done is kept.
        Ok(made) => disk::keep(made, room.assets.clone()).await.map_err(Failed::from),
        Err(failure) if failure.kind == FailureKind::BadInput => Err(blamed(failure, order, &room, stop).await),
        Err(failure) => Err(failure.into()),
    };
    // A room that cannot be removed now is removed at the next start.
    if let Err(error) = disk::clear_folder(room.dir.clone()).await {
        tracing::warn!(dir = %room.dir.display(), %error, "failed to clear a working folder");
    }
    result
}

/// Which of its inputs are to blame for a failure; nobody waits for that when the attempt is to stop.
async fn blamed(failure: EngineError, order: &Order, room: &Workspace, stop: &CancellationToken) -> Failed {
    let inputs = order.inputs().into_iter().cloned().collect();
    tokio::select! {
        damaged = disk::damaged(room.assets.clone(), inputs) => match damaged {
            Ok(damaged) => Failed { failure, damaged },
            Err(error) => EngineError::io("failed to remove a damaged file", &error).into(),
        },
        () = stop.cancelled() => failure.into(),
    }
}

/// Logs and counts how an attempt ended. Its span says which it was.
pub(super) fn tell(metrics: &Metrics, engine: &str, result: &Result<Result<Kept, Failed>, JoinError>, took: Duration) {
    let ms = took.as_millis() as u64;
    let outcome = match result {
        Ok(Ok(_)) => "succeeded",
        Ok(Err(failed)) => failed.failure.kind.word(),
        Err(_) => "panicked",
    };
    metrics.attempt(engine, outcome, took);
    match result {
        Ok(Ok(_)) => tracing::info!(outcome, ms, "an attempt ended"),
        // Somebody wanted it so.
        Ok(Err(Failed { failure, .. }))
            if matches!(failure.kind, FailureKind::Cancelled | FailureKind::Left | FailureKind::Lost) =>
        {
            tracing::info!(outcome, ms, why = %failure, "an attempt ended");
        }
        Ok(Err(Failed { failure, .. })) => tracing::warn!(outcome, ms, why = %failure, "an attempt ended"),
        Err(broken) => tracing::error!(outcome, ms, why = %broken, "an attempt ended"),
    }
}
