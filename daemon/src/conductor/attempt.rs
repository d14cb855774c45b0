//! Attempt: one attempt, from an empty room to kept files.

use std::{fs, io, path::PathBuf, time::Duration};

use studio_core::order::{Order, Output, Outputs};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use super::inbox::Kept;
use crate::{
    edge::{Engine, Failure, FailureKind, Made, Progress, Room},
    files,
    metrics::Metrics,
};

/// Runs the engine in a room of its own, keeps what it made and clears the room, whatever happened.
pub(super) async fn make(
    engine: &dyn Engine,
    order: &Order,
    room: Room,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<Kept, Failure> {
    fs::create_dir_all(&room.dir).map_err(|error| Failure::io("failed to make a working folder", &error))?;
    let result = match engine.run(order, &room, progress, stop).await {
        // Finished in spite of a stop that came too late: what is done is kept.
        Ok(made) => keep(made, room.assets.clone()).await,
        Err(failure) => Err(failure),
    };
    // A room that cannot be removed now is removed at the next start.
    if let Err(error) = fs::remove_dir_all(&room.dir) {
        tracing::warn!(dir = %room.dir.display(), %error, "failed to clear a working folder");
    }
    result
}

/// Logs and counts how an attempt ended. Its span says which it was.
pub(super) fn tell(metrics: &Metrics, engine: &str, result: &Result<Result<Kept, Failure>, JoinError>, took: Duration) {
    let ms = took.as_millis() as u64;
    let outcome = match result {
        Ok(Ok(_)) => "succeeded",
        Ok(Err(failure)) => word(failure.kind),
        Err(_) => "panicked",
    };
    metrics.attempt(engine, outcome, took);
    match result {
        Ok(Ok(_)) => tracing::info!(outcome, ms, "an attempt ended"),
        // Somebody wanted it so.
        Ok(Err(failure)) if matches!(failure.kind, FailureKind::Cancelled | FailureKind::Left | FailureKind::Lost) => {
            tracing::info!(outcome, ms, why = %failure, "an attempt ended");
        }
        Ok(Err(failure)) => tracing::warn!(outcome, ms, why = %failure, "an attempt ended"),
        Err(broken) => tracing::error!(outcome, ms, why = %broken, "an attempt ended"),
    }
}

/// A kind of failure as a label of counters; never changed, because people's dashboards name it.
fn word(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Transient => "transient",
        FailureKind::OutOfMemory => "out_of_memory",
        FailureKind::Refused => "refused",
        FailureKind::BadInput => "bad_input",
        FailureKind::DiskFull => "disk_full",
        FailureKind::Lost => "lost",
        FailureKind::Unable => "unable",
        FailureKind::Cancelled => "cancelled",
        FailureKind::Left => "left",
    }
}

/// Moves what was made among the kept files. Hashing a film takes a while, so not on the loop's threads.
pub(super) async fn keep(made: Vec<Made>, assets: PathBuf) -> Result<Kept, Failure> {
    let kept = tokio::task::spawn_blocking(move || {
        let mut kept = Kept { outputs: Outputs::default(), bytes: Vec::new(), on: None };
        for one in made {
            match one {
                Made::File { role, path, facts } => {
                    let (asset, bytes) = files::adopt(&assets, &path)?;
                    kept.outputs.files.push(Output { role, asset, facts });
                    kept.bytes.push(bytes);
                }
                Made::Finding(found) => kept.outputs.reported = Some(found),
                Made::On { card, server } => kept.on = Some((card, server)),
            }
        }
        Ok(kept)
    });
    kept.await
        .map_err(|error| Failure::new(FailureKind::Transient, format!("failed to keep the result: {error}")))?
        .map_err(|error: io::Error| Failure::io("failed to keep the result", &error))
}
