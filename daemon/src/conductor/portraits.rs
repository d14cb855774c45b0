//! Portraits: what was made or judged for reference sheets is written there, in the transaction that ends the task.

use std::collections::BTreeSet;

use serde_json::json;
use studio_core::{
    dataset::{Band, DatasetSettings, Decider, Decision, PictureRequest, PictureState, band},
    ids::{DecisionId, PortraitId, TaskId},
    journal::{DecisionKind, EventKind},
    media::MediaFacts,
    order::{Outputs, Role},
    portrait::{Portrait, PortraitSource},
    take::Verdict,
    task::PictureJob,
    units::Millis,
    views::PortraitOwner,
};

use super::{Error, memory::Studio};
use crate::store::{self, Tx};

impl Studio {
    /// What is asked for, without reviews of portraits that are being judged: a film that waits for one and whoever looks after
    /// the sheets may both want it.
    pub(super) async fn not_asked_yet(
        &self,
        asked: Vec<(PictureRequest, bool)>,
    ) -> Result<Vec<(PictureRequest, bool)>, Error> {
        let mut open = BTreeSet::new();
        let reviewed = |request: &PictureRequest| match request.job {
            PictureJob::PortraitReview { owner, portrait } => Some((owner, portrait)),
            _ => None,
        };
        let owners: BTreeSet<_> = asked.iter().filter_map(|(one, _)| Some(reviewed(one)?.0)).collect();
        for owner in owners {
            let there = store::portraits::open(&self.context.db, owner).await?;
            open.extend(there.iter().filter_map(|one| reviewed(&one.request)));
        }
        Ok(asked.into_iter().filter(|(one, _)| reviewed(one).is_none_or(|one| !open.contains(&one))).collect())
    }

    /// Keeps what the judge said of a portrait, and what follows from it unless somebody has decided meanwhile: what is
    /// approved is a reference of its sheet.
    pub(super) async fn portrait_judged(
        &self,
        tx: &mut Tx<'_>,
        task: TaskId,
        request: &PictureRequest,
        id: PortraitId,
        verdict: &Verdict,
        now: Millis,
    ) -> Result<(), Error> {
        let db = &self.context.db;
        let portrait = match store::portraits::get(db, id).await {
            Ok(portrait) => portrait,
            // Taken out, or whoever it shows is gone: nobody waits for the verdict.
            Err(store::Error::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        store::portraits::set_verdict(tx, id, verdict).await?;
        let settings = match portrait.owner {
            PortraitOwner::Character(character) => store::datasets::get(db, character).await?.settings,
            PortraitOwner::Location(_) => DatasetSettings::default(),
        };
        let decided = match band(verdict, &settings, request.person_approves) {
            _ if portrait.decision.is_some() => None,
            Band::Approve(reason) => Some((PictureState::Approved, reason)),
            Band::Reject(reason) => Some((PictureState::Rejected, reason)),
            Band::Person => None,
        };
        if let Some((state, reason)) = decided {
            let decision = Decision { by: Decider::Judge, at: now, reason, note: String::new() };
            // Without room on the sheet it waits for a person, who makes some.
            if store::portraits::decide(tx, db, &portrait, state, Some(&decision)).await? {
                let row = store::decisions::Decision {
                    id: DecisionId(self.context.clock.id()),
                    episode_id: None,
                    task_id: Some(task),
                    kind: DecisionKind::Picture,
                    reason: decision.reason.to_string(),
                    inputs: json!({
                        "portrait": id, "character": portrait.owner.character(),
                        "location": portrait.owner.location(), "reason": decision.reason, "verdict": verdict,
                    }),
                    outcome: if state == PictureState::Approved { "approved" } else { "rejected" }.into(),
                    created: now,
                };
                store::decisions::insert(tx, &row).await?;
            }
        }
        told(tx, EventKind::PortraitChanged, id, portrait.owner, now).await
    }
}

/// Writes a portrait that was made; false when the sheet has that very file already.
pub(super) async fn arrived(
    tx: &mut Tx<'_>,
    owner: PortraitOwner,
    id: PortraitId,
    request: &PictureRequest,
    outputs: &Outputs,
    now: Millis,
) -> Result<bool, Error> {
    let (Some(asked), Some(file)) = (&request.portrait, outputs.first(Role::Picture)) else { return Ok(false) };
    let MediaFacts::Still { size } = file.facts else { return Ok(false) };
    let source = match &asked.refines {
        None => PortraitSource::Generated,
        Some(refinement) => PortraitSource::Refined { refinement: refinement.clone() },
    };
    let portrait = Portrait {
        id,
        owner,
        view: asked.view,
        file: file.asset.clone(),
        size,
        state: PictureState::Pending,
        source,
        made: Some(request.made.clone()),
        verdict: None,
        decision: None,
        created: now,
    };
    let new = store::portraits::insert(tx, &portrait).await?;
    if new {
        told(tx, EventKind::PortraitAdded, id, owner, now).await?;
    }
    Ok(new)
}

async fn told(
    tx: &mut Tx<'_>,
    kind: EventKind,
    id: PortraitId,
    owner: PortraitOwner,
    now: Millis,
) -> Result<(), Error> {
    let body = json!({ "character": owner.character(), "location": owner.location() });
    store::events::append(tx, kind, &id.to_string(), &body, now).await?;
    Ok(())
}
