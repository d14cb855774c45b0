//! `/api/locations`: the places of a project and how they look.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::HeaderMap,
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    ids::{ContentHash, LocationId, ProjectId},
    journal::EventKind,
    location::{Location, Sheet},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    lists::{self, Limit, Names, has},
    patch,
    problem::Problem,
};
use crate::store;

/// A place named in the address.
type Named = Result<Path<LocationId>, PathRejection>;

/// A place with what people said of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct LocationCard {
    location: Location,
    sheet: Sheet,
    /// Entity tag of the sheet, for `If-Match`.
    tag: String,
    /// Its first reference, else the widest picture of it.
    picture: Option<ContentHash>,
}

impl LocationCard {
    async fn of(state: &super::State, location: Location, sheet: Sheet) -> Result<Self, Problem> {
        let mut picture = sheet.references.first().map(|reference| reference.hash);
        if picture.is_none() {
            picture = store::locations::picture(&state.db, location.id).await?;
        }
        Ok(Self { tag: patch::tag(&sheet), location, sheet, picture })
    }
}

/// Every place of a project, by short name.
pub async fn of_project(state: &super::State, project: ProjectId) -> Result<Vec<LocationCard>, Problem> {
    let mut sheets: BTreeMap<_, _> = store::locations::sheets(&state.db, project).await?.into_iter().collect();
    let mut cards = Vec::new();
    for one in store::locations::of_project(&state.db, project).await? {
        let sheet = sheets.remove(&one.id).unwrap_or_default();
        cards.push(LocationCard::of(state, one, sheet).await?);
    }
    Ok(cards)
}

/// Which places.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only those of this project.
    project: Option<ProjectId>,
    /// Only those with this in their name.
    q: Option<String>,
    /// By `name`, or the `newest` first.
    #[serde(default)]
    #[param(inline)]
    sort: Names,
    /// Only those that come after this one: the `next` of the page before.
    after: Option<LocationId>,
    /// At most this many, 1..=500; usually 100.
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 500)]
    limit: Limit,
}

/// One page of places.
#[derive(Debug, Serialize, ToSchema)]
pub struct LocationPage {
    locations: Vec<LocationCard>,
    /// Where the next page begins; `None` on the last one.
    next: Option<LocationId>,
}

/// Places.
#[utoipa::path(get, path = "/api/locations", tag = "locations", params(Which),
    responses((status = 200, body = LocationPage), Problem))]
pub async fn list(
    State(state): State<super::State>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<LocationPage>, Problem> {
    let Query(which) = which?;
    let mut all = Vec::new();
    for project in lists::projects(&state, which.project).await? {
        all.extend(store::locations::of_project(&state.db, project).await?);
    }
    all.retain(|one| has(&one.name, which.q.as_deref()));
    match which.sort {
        Names::Name => all.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id))),
        Names::Newest => all.sort_by_key(|one| std::cmp::Reverse(one.id)),
    }
    let (page, next) = which.limit.page(all, which.after.as_ref(), |one| one.id)?;
    let mut locations = Vec::with_capacity(page.len());
    for one in page {
        let sheet = store::locations::sheet(&state.db, one.id).await?;
        locations.push(LocationCard::of(&state, one, sheet).await?);
    }
    Ok(Json(LocationPage { locations, next }))
}

/// One place; the answer's `ETag` is its `tag`.
#[utoipa::path(get, path = "/api/locations/{id}", tag = "locations", params(("id" = LocationId, Path)),
    responses((status = 200, body = LocationCard), Problem))]
pub async fn one(State(state): State<super::State>, id: Named) -> Result<impl IntoResponse, Problem> {
    let Path(id) = id?;
    let location = store::locations::get(&state.db, id).await?;
    let sheet = store::locations::sheet(&state.db, id).await?;
    let card = LocationCard::of(&state, location, sheet).await?;
    Ok((patch::tagged(&card.tag), Json(card)))
}

/// Changes how a place looks: a merge patch of the sheet. It counts when an episode is made next.
#[utoipa::path(patch, path = "/api/locations/{id}", tag = "locations", params(("id" = LocationId, Path)),
    request_body(content = Object, content_type = "application/merge-patch+json"),
    responses((status = 200, body = LocationCard), Problem))]
pub async fn change(
    State(state): State<super::State>,
    id: Named,
    headers: HeaderMap,
    change: Result<patch::MergePatch, Problem>,
) -> Result<impl IntoResponse, Problem> {
    let (Path(id), patch::MergePatch(change)) = (id?, change?);
    let _one_at_a_time = state.writing.lock().await;
    let now = store::locations::sheet(&state.db, id).await?;
    patch::unchanged(&headers, &patch::tag(&now))?;
    let sheet: Sheet = patch::merged(&now, &change)?;
    sheet.check().map_err(Problem::bad_request)?;
    patch::kept(&state, sheet.references.iter()).await?;
    let mut tx = state.db.begin().await?;
    store::locations::set_sheet(&mut tx, id, &sheet).await?;
    state.changed(&mut tx, EventKind::LocationChanged, &id.to_string()).await?;
    tx.commit().await?;
    state.tell();
    let location = store::locations::get(&state.db, id).await?;
    let card = LocationCard::of(&state, location, sheet).await?;
    Ok((patch::tagged(&card.tag), Json(card)))
}
