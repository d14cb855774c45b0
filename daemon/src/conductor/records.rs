//! Records: what is kept of an attempt that ended, and what the scheduler hears of it.

use serde_json::json;
use studio_core::{
    failure::Cause,
    ids::{AttemptId, ContentHash, TaskId},
    journal::EventKind,
    order::Order,
    production::{FilmRemark, Resolved},
    schedule::Event,
    task::AttemptState,
    units::Millis,
};

use super::{Error, disk::Kept, memory::TaskRef};
use crate::store::{self, Tx, assets::Asset};

/// A result was found, or there was nothing to make.
pub(super) fn finished(task: TaskId) -> Event {
    Event::Finished { task, found: true, peak_mib: None }
}

pub(super) fn failed(task: TaskId, cause: Cause) -> Event {
    Event::Failed { task, cause }
}

/// What was decided on the way to an order, each as a sentence and as data.
pub(super) fn decided(resolved: &Resolved) -> Vec<(String, Option<FilmRemark>)> {
    let all = resolved.remarks.iter().chain(&resolved.reasons);
    all.map(|remark| (remark.to_string(), Some(remark.clone()))).collect()
}

/// Numbers what happened, for pages that follow along.
pub(super) async fn append_event(
    tx: &mut Tx<'_>,
    kind: EventKind,
    task: TaskId,
    known: TaskRef,
    mut body: serde_json::Value,
    now: Millis,
) -> Result<(), Error> {
    body["episode"] = json!(known.episode);
    body["slot"] = json!(known.job.path());
    store::events::append(tx, kind, &task.to_string(), &body, now).await?;
    Ok(())
}

/// Rows of an attempt's files, with where they come from, and its success.
pub(super) async fn keep_rows(
    tx: &mut Tx<'_>,
    attempt: AttemptId,
    order: &Order,
    kept: &Kept,
    now: Millis,
) -> Result<(), Error> {
    let inputs: Vec<ContentHash> = order.inputs().iter().map(|asset| asset.hash).collect();
    for (file, bytes) in kept.outputs.files.iter().zip(&kept.bytes) {
        let asset = Asset {
            file: file.asset.clone(),
            bytes: *bytes,
            facts: file.facts.clone(),
            attempt_id: Some(attempt),
            inputs: inputs.clone(),
            created: now,
            missing: false,
        };
        store::assets::insert(tx, &asset).await?;
    }
    Ok(store::attempts::end(tx, attempt, AttemptState::Succeeded, Some(&kept.outputs), None, now).await?)
}
