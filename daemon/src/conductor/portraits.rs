//! Portraits: what was made or judged for reference sheets is written there, in the transaction that ends the task.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use studio_core::{
    dataset::{Band, DatasetSettings, Decider, Decision, PictureRequest, PictureState, band},
    ids::{DecisionId, PortraitId, TaskId},
    journal::{DecisionKind, EventKind, OutcomeWord},
    media::MediaFacts,
    order::{Order, Outputs, Role},
    portrait::{Portrait, PortraitSource, seed},
    take::Verdict,
    task::PictureJob,
    units::Millis,
    views::{PortraitOwner, PortraitView},
};

use super::{Error, memory::Studio};
use crate::store::{self, Db, Tx};

/// What is being made and judged for a reference sheet.
struct InMaking {
    drawn: BTreeSet<PortraitView>,
    judged: BTreeSet<PortraitId>,
    /// How many portraits were ever asked for it.
    ever: u64,
}

impl InMaking {
    async fn of(db: &Db, owner: PortraitOwner) -> Result<Self, store::Error> {
        let open = store::portraits::open(db, owner).await?;
        let judged = open.iter().filter_map(|one| match one.request.job {
            PictureJob::PortraitReview { portrait, .. } => Some(portrait),
            _ => None,
        });
        Ok(Self {
            drawn: open.iter().filter_map(|one| drawn(&one.request)).collect(),
            judged: judged.collect(),
            ever: store::portraits::ever_asked(db, owner).await?,
        })
    }

    /// Whether somebody else has asked for the same: for a review of a portrait, or for a view since this was thought of, whose
    /// seed says so. Whoever wants one more of what is being drawn has a new seed.
    fn has(&self, request: &PictureRequest) -> bool {
        match (request.job, drawn(request), &request.order) {
            (PictureJob::PortraitReview { portrait, .. }, ..) => self.judged.contains(&portrait),
            (PictureJob::Portrait { owner, .. }, Some(view), Order::Still(order)) => {
                self.drawn.contains(&view) && (0..self.ever).any(|number| seed(owner, view, number) == order.seed)
            }
            _ => false,
        }
    }
}

/// The view of a portrait that is drawn from words alone; `None` of anything else.
pub(super) fn drawn(request: &PictureRequest) -> Option<PortraitView> {
    request.portrait.as_ref().filter(|asked| asked.refines.is_none()).map(|asked| asked.view)
}

impl Studio {
    /// What is asked for, without portraits that are being judged, or drawn, already: a film that waits for one and whoever looks
    /// after the sheets may both want it.
    pub(super) async fn not_asked_yet(
        &self,
        asked: Vec<(PictureRequest, bool)>,
    ) -> Result<Vec<(PictureRequest, bool)>, Error> {
        let jobs = asked.iter().map(|(one, _)| one.job).filter(|job| job.is_portrait());
        let owners: BTreeSet<PortraitOwner> = jobs.map(PictureJob::owner).collect();
        let mut sheets = BTreeMap::new();
        for owner in owners {
            sheets.insert(owner, InMaking::of(&self.context.db, owner).await?);
        }
        let is_new = |(one, _): &(PictureRequest, bool)| {
            let sheet = sheets.get(&one.job.owner());
            sheet.is_none_or(|sheet| !sheet.has(one))
        };
        Ok(asked.into_iter().filter(is_new).collect())
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
        if request.job.owner() != portrait.owner {
            // Somebody else's, whom the judge was not asked about.
            return Ok(());
        }
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
                    outcome: if state == PictureState::Approved {
                        OutcomeWord::Approved
                    } else {
                        OutcomeWord::Rejected
                    }
                    .into(),
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
