//! `/api/locations`: the places of a project and how they look.

use axum::{Json, extract::State, http::HeaderMap, response::IntoResponse};
use serde::Serialize;
use studio_core::{
    ids::{ContentHash, LocationId, ProjectId},
    journal::EventKind,
    location::{Location, Sheet},
    order::AssetRef,
};
use utoipa::ToSchema;

use super::{
    doors::{Listed, Reader, Writer},
    merge_patch::{self, Editable, MergePatch},
    pagination::{Names, list_query},
    problem::{self, Problem},
    sheets::{self, Described},
};
use crate::store::{self, Db, Tx};

/// A change of a place's sheet.
type SheetPatch = MergePatch<Sheet>;

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

impl Editable for Sheet {
    type Id = LocationId;
    const CHANGED: EventKind = EventKind::LocationChanged;

    async fn load(db: &Db, id: LocationId) -> store::Result<Self> {
        store::locations::sheet(db, id).await
    }

    async fn keep(&self, tx: &mut Tx<'_>, id: LocationId) -> store::Result<()> {
        store::locations::set_sheet(tx, id, self).await
    }

    fn check(&self) -> Result<(), String> {
        self.check()
    }

    fn files(&self) -> impl Iterator<Item = &AssetRef> + Send {
        self.references.iter()
    }
}

impl Described for Location {
    type Id = LocationId;
    type Sheet = Sheet;
    type Card = LocationCard;

    fn id(&self) -> LocationId {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    async fn get(db: &Db, id: LocationId) -> store::Result<Self> {
        store::locations::get(db, id).await
    }

    async fn of_project(db: &Db, project: ProjectId) -> store::Result<Vec<Self>> {
        store::locations::readable(db, project).await
    }

    async fn card(self, state: &super::AppState, sheet: Sheet) -> Result<LocationCard, Problem> {
        let mut picture = sheet.references.first().map(|reference| reference.hash);
        if picture.is_none() {
            picture = store::locations::picture(&state.db, self.id).await?;
        }
        Ok(LocationCard { tag: merge_patch::tag(&sheet), location: self, sheet, picture })
    }
}

list_query! {
    /// Which places are asked for, and in which order.
    ListQuery of project {
        /// Only those of this project.
        project: Option<ProjectId>,
        /// Only those with this in their name.
        q: Option<String>,
    }
    /// By `name`, or the `newest` first.
    sort: Names,
    /// Only those that come after this one: the `next` of the page before.
    after: LocationId,
}

/// One page of places.
#[derive(Debug, Serialize, ToSchema)]
pub struct LocationPage {
    locations: Vec<LocationCard>,
    /// Where the next page begins; `None` on the last one.
    next: Option<LocationId>,
}

/// Lists places with their sheets, page by page.
#[utoipa::path(get, path = "/api/locations", tag = "locations", params(ListQuery),
    responses((status = 200, body = LocationPage)))]
pub async fn list(
    door: Reader<Listed<ListQuery>>,
    State(state): State<super::AppState>,
) -> Result<Json<LocationPage>, Problem> {
    let Listed(which) = door.of;
    let ListQuery { project, q, sort, after, limit } = which;
    let wanted = sheets::Wanted { project, q: q.as_deref(), sort, after, limit };
    let (locations, next) = sheets::page::<Location>(&state, wanted).await?;
    Ok(Json(LocationPage { locations, next }))
}

/// One place; the answer's `ETag` is its `tag`.
#[utoipa::path(get, path = "/api/locations/{id}", tag = "locations", params(("id" = LocationId, Path)),
    responses((status = 200, body = LocationCard)))]
pub async fn one(door: Reader<LocationId>, State(state): State<super::AppState>) -> Result<impl IntoResponse, Problem> {
    let id = door.of;
    let card = sheets::card::<Location>(&state, id).await?;
    Ok((merge_patch::tagged(&card.tag), Json(card)))
}

/// Changes how a place looks: a merge patch of the sheet. It counts when an episode is made next.
#[utoipa::path(patch, path = "/api/locations/{id}", tag = "locations", params(("id" = LocationId, Path)),
    request_body(content = SheetPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, body = LocationCard), problem::Stale))]
pub async fn change(
    door: Writer<LocationId>,
    State(state): State<super::AppState>,
    headers: HeaderMap,
    patch: SheetPatch,
) -> Result<impl IntoResponse, Problem> {
    let id = door.of;
    let sheet = merge_patch::change(&state, &door, &headers, &patch).await?;
    let card = Location::get(&state.db, id).await?.card(&state, sheet).await?;
    Ok((merge_patch::tagged(&card.tag), Json(card)))
}
