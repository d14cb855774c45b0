//! `/api/decisions`: what the studio decided alone and why, with the picture it was about.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};
use studio_core::{
    ids::{DecisionId, EpisodeId},
    order::{AssetRef, Role},
};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use crate::store::{self, decisions::Decision};

/// Most decisions on one page.
const LARGEST_PAGE: u32 = 200;

/// Which decisions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only those about this episode.
    episode: Option<EpisodeId>,
    /// Only those of this kind, e.g. `gate`.
    kind: Option<String>,
    /// Only those older than this one: the `next` of the page before.
    after: Option<DecisionId>,
    /// At most this many, 1..=200.
    #[serde(default = "usual_page")]
    #[param(minimum = 1, maximum = 200)]
    limit: u32,
}

fn usual_page() -> u32 {
    50
}

/// A decision and what it was about.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionView {
    decision: Decision,
    /// Its place, e.g. `scene 1/shot 2/clip`.
    slot: Option<String>,
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
    kinds: Vec<String>,
    /// Where the next page begins; `None` on the last one.
    next: Option<DecisionId>,
}

/// Decisions, newest first.
#[utoipa::path(get, path = "/api/decisions", tag = "decisions", params(Which),
    responses((status = 200, body = DecisionPage), Problem))]
pub async fn list(
    State(state): State<super::State>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<DecisionPage>, Problem> {
    let Query(which) = which?;
    if !(1..=LARGEST_PAGE).contains(&which.limit) {
        return Err(Problem::bad_request(format!("limit is {}; it must be 1 to {LARGEST_PAGE}", which.limit)));
    }
    let db = &state.db;
    let found = store::decisions::page(db, which.episode, which.kind.as_deref(), which.after, which.limit).await?;
    let next = (found.len() == which.limit as usize).then(|| found.last().map(|one| one.id)).flatten();
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
        decisions.push(DecisionView { slot: task.as_ref().map(|task| task.slot.clone()), picture, clip, decision });
    }
    Ok(Json(DecisionPage { decisions, kinds: store::decisions::kinds(db).await?, next }))
}
