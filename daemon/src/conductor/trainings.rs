//! Trainings: what slices and probes of a LoRA's training led to, written down in the transaction that ends their task. What is
//! asked next follows from the rows (`app/trainings`).

use serde_json::json;
use studio_core::{
    dataset::{Coverage, PictureRequest},
    failure::{Cause, TaskFault},
    ids::{AttemptId, CharacterId, ProbeId, TaskId, TrainingId},
    journal::EventKind,
    order::{Order, Outputs, Reported, Role},
    take::Verdict,
    task::PictureJob,
    training::{ProbeState, TrainedEpoch, TrainingState, marks},
    units::Millis,
};

use super::{Error, memory::Studio, placing::there};
use crate::store::{self, Db, Tx};

impl Studio {
    /// A slice was trained: its epoch is there, and whatever it did differently the next ones do, too.
    pub(super) async fn sliced(
        &self,
        tx: &mut Tx<'_>,
        (task, attempt): (TaskId, AttemptId),
        request: &PictureRequest,
        outputs: &Outputs,
        now: Millis,
    ) -> Result<bool, Error> {
        let (PictureJob::TrainingSlice { training, to, .. }, Order::Train(order)) = (request.job, &request.order)
        else {
            return Ok(false);
        };
        let db = &self.context.db;
        let (Some(file), Some(run)) = (outputs.first(Role::Weights), there(store::trainings::get(db, training).await)?)
        else {
            return Ok(false);
        };
        let report = match &outputs.reported {
            Some(Reported::Trained { slice }) => slice.clone(),
            _ => studio_core::training::SliceReport { epoch: to, ..Default::default() },
        };
        let mut relief = order.relief.clone();
        relief.extend(store::tasks::relief(db, task).await?.into_iter().filter(|rung| !order.relief.contains(rung)));
        if relief != run.relief {
            store::trainings::set_relief(tx, training, &relief, now).await?;
        }
        let epoch = TrainedEpoch {
            training_id: training,
            epoch: to,
            weights: file.asset.clone(),
            // As its file has, which is kept in this transaction.
            bytes: 0,
            report,
            attempt_id: Some(attempt),
            created: now,
        };
        store::trainings::insert_epoch(tx, &epoch).await?;
        told(tx, training, run.character_id, now).await?;
        Ok(true)
    }

    /// A task of a training is over without a result.
    pub(super) async fn training_failed(
        &self,
        tx: &mut Tx<'_>,
        request: &PictureRequest,
        fault: &TaskFault,
        now: Millis,
    ) -> Result<(), Error> {
        let db = &self.context.db;
        match request.job {
            PictureJob::TrainingSlice { training, character, .. } => {
                if there(store::trainings::get(db, training).await)?.is_none() {
                    return Ok(());
                }
                let stopped = fault.cause == Cause::Cancelled;
                let (to, why) =
                    if stopped { (TrainingState::Cancelled, None) } else { (TrainingState::Failed, Some(fault)) };
                store::trainings::set_state(tx, training, &[TrainingState::Training], to, (why, None), now).await?;
                told(tx, training, character, now).await?;
            }
            PictureJob::TrainingProbe { probe, character } => {
                if let Some(known) = there(store::trainings::probe(db, probe).await)? {
                    store::trainings::end_probe(tx, probe, ProbeState::Failed, None, None).await?;
                    told(tx, known.training_id, character, now).await?;
                }
            }
            PictureJob::TrainingProbeReview { probe, character } => {
                // It is not asked again by itself: a picture nobody could judge counts for nobody.
                let why = Verdict { reason: format!("not reviewed: {fault}"), ..Verdict::default() };
                judged(db, tx, probe, character, &why, now).await?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// A picture that shows how good a LoRA is was made.
pub(super) async fn probed(
    db: &Db,
    tx: &mut Tx<'_>,
    (probe, character): (ProbeId, CharacterId),
    outputs: &Outputs,
    now: Millis,
) -> Result<bool, Error> {
    let (Some(file), Some(known)) = (outputs.first(Role::Picture), there(store::trainings::probe(db, probe).await)?)
    else {
        return Ok(false);
    };
    let kept = store::trainings::made(tx, probe, &file.asset).await?;
    told(tx, known.training_id, character, now).await?;
    Ok(kept)
}

/// The judge has said what it has to say of a probe.
pub(super) async fn judged(
    db: &Db,
    tx: &mut Tx<'_>,
    probe: ProbeId,
    character: CharacterId,
    verdict: &Verdict,
    now: Millis,
) -> Result<(), Error> {
    let Some(known) = there(store::trainings::probe(db, probe).await)? else { return Ok(()) };
    let run = store::trainings::get(db, known.training_id).await?;
    let dataset = store::datasets::get(db, run.character_id).await?;
    let coverage = dataset.settings.axes.unwrap_or_else(Coverage::shipped);
    let means = run.plan.cases.get(known.case as usize).and_then(|case| marks(case, &coverage, verdict));
    store::trainings::end_probe(tx, probe, ProbeState::Judged, Some(verdict), means.as_ref()).await?;
    told(tx, known.training_id, character, now).await
}

async fn told(tx: &mut Tx<'_>, training: TrainingId, character: CharacterId, now: Millis) -> Result<(), Error> {
    let body = json!({ "character": character });
    store::events::append(tx, EventKind::TrainingChanged, &training.to_string(), &body, now).await?;
    Ok(())
}
