//! `/api/decisions`: what the studio decided alone and why, with the picture it was about.

use axum::{Json, extract::State};
use serde::Serialize;
use studio_core::{
    ids::{DecisionId, EpisodeId, ProjectId},
    journal::DecisionKind,
    order::{AssetRef, Role},
    production::Job,
};
use utoipa::ToSchema;

use super::{
    doors::{Listed, Reader},
    pagination::{Sort, list_query},
    problem::Problem,
};
use crate::store::{self, decisions::Decision};

list_query! {
    /// Which decisions are asked for, and in which order.
    ListQuery of project episode {
        /// Only those about this episode.
        episode: Option<EpisodeId>,
        /// Only those about episodes of this project.
        project: Option<ProjectId>,
        /// Only those of this kind.
        kind: Option<DecisionKind>,
    }
    /// `newest` first, or `oldest`.
    sort: Sort,
    /// Only those that come after this one: the `next` of the page before.
    after: DecisionId,
}

/// A decision and what it was about.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionView {
    decision: Decision,
    /// Its place, e.g. `scene 1/shot 2/clip`.
    slot: Option<String>,
    /// The same in parts.
    job: Option<Job>,
    /// A picture of it.
    picture: Option<AssetRef>,
    /// A clip of it.
    clip: Option<AssetRef>,
}

/// One page of decisions.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionPage {
    decisions: Vec<DecisionView>,
    /// Kinds there are.
    kinds: Vec<DecisionKind>,
    /// Where the next page begins; `None` on the last one.
    next: Option<DecisionId>,
}

/// Lists what was decided and why, page by page.
#[utoipa::path(get, path = "/api/decisions", tag = "decisions", params(ListQuery),
    responses((status = 200, body = DecisionPage)))]
pub async fn list(
    door: Reader<Listed<ListQuery>>,
    State(state): State<super::AppState>,
) -> Result<Json<DecisionPage>, Problem> {
    let Listed(which) = door.of;
    let asked = store::decisions::Filter {
        episode: which.episode,
        project: which.project,
        kind: which.kind,
        after: which.after,
        oldest_first: which.sort == Sort::Oldest,
        limit: which.limit.0,
    };
    let db = &state.db;
    let found = store::decisions::page(db, &asked).await?;
    let next = which.limit.next(&found, |one| one.id);
    let mut decisions = Vec::with_capacity(found.len());
    for decision in found {
        let task = match decision.task_id {
            Some(id) => match store::tasks::get(db, id).await {
                Ok(task) => Some(task),
                // A task of a plan that has changed may be gone.
                Err(store::Error::NotFound { .. }) => None,
                Err(error) => return Err(error.into()),
            },
            None => None,
        };
        let first = |roles: &[Role]| {
            let outputs = task.as_ref()?.outputs.as_ref()?;
            roles.iter().find_map(|role| outputs.first(*role)).map(|file| file.asset.clone())
        };
        let picture = first(&[Role::Picture, Role::LastFrame, Role::Poster, Role::Thumb]);
        let clip = first(&[Role::Video]);
        let (slot, job) =
            (task.as_ref().map(|task| task.slot.clone()), task.as_ref().and_then(|task| task.job.production()));
        decisions.push(DecisionView { decision, slot, job, picture, clip });
    }
    Ok(Json(DecisionPage { decisions, kinds: store::decisions::kinds(db).await?, next }))
}
