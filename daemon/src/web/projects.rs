//! `/api/projects`: series and films, what they are about, and who and where is in them.

use axum::{
    Json,
    extract::{
        Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    character::Character,
    episode::Episode,
    ids::{ContentHash, ProjectId},
    journal::EventKind,
    location::Location,
    order::AssetRef,
    project::{About, Project},
};
use utoipa::ToSchema;

use super::{
    characters::CharacterCard,
    doors::{Reader, Writer},
    locations::LocationCard,
    merge_patch::{self, Editable, MergePatch},
    pagination::{Names, has, list_query},
    problem::{self, Problem},
    sheets,
};
use crate::store::{self, Db, Tx};

/// Years a show may be of.
const YEARS: std::ops::RangeInclusive<i16> = 1928..=2500;

/// A project as a card.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectCard {
    project: Project,
    /// What it is about.
    about: About,
    /// How many episodes it has.
    episodes: usize,
    /// Picture of its newest episode.
    picture: Option<ContentHash>,
}

list_query! {
    /// Which projects are asked for, and in which order.
    ListQuery {
        /// Only those with this in their title.
        q: Option<String>,
    }
    /// By short `name`, or the `newest` first.
    sort: Names,
    /// Only those that come after this one: the `next` of the page before.
    after: ProjectId,
}

/// One page of projects.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectPage {
    projects: Vec<ProjectCard>,
    /// Where the next page begins; `None` on the last one.
    next: Option<ProjectId>,
}

/// Lists projects with what they are about and how many episodes they have, page by page.
#[utoipa::path(get, path = "/api/projects", tag = "projects", params(ListQuery),
    responses((status = 200, body = ProjectPage)))]
pub async fn list(
    _: Reader,
    State(state): State<super::AppState>,
    which: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<ProjectPage>, Problem> {
    let Query(which) = which?;
    let mut all = store::projects::list(&state.db).await?;
    all.retain(|one| has(&one.title, which.q.as_deref()));
    if which.sort == Names::Newest {
        all.sort_by_key(|one| std::cmp::Reverse(one.id));
    }
    let (page, next) = which.limit.page(all, which.after.as_ref(), |one| one.id)?;
    let episodes = store::episodes::readable(&state.db).await?;
    let mut projects = Vec::with_capacity(page.len());
    for project in page {
        let mine = || episodes.iter().filter(|episode| episode.project_id == project.id);
        let picture = mine().rev().find_map(|episode| episode.thumbnail);
        let about = store::projects::about(&state.db, project.id).await?;
        projects.push(ProjectCard { episodes: mine().count(), about, project, picture });
    }
    Ok(Json(ProjectPage { projects, next }))
}

/// A project and everything in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeProject {
    project: Project,
    about: About,
    /// Entity tag of title, year and what it is about, for `If-Match`.
    tag: String,
    characters: Vec<CharacterCard>,
    locations: Vec<LocationCard>,
    /// By season and number.
    episodes: Vec<Episode>,
}

/// What of a project people may change.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectSheet {
    /// The title people read.
    title: String,
    /// Year in the show folder, 1928 to 2500.
    year: i16,
    /// What it is about.
    about: About,
}

/// A change of it.
type ProjectSheetPatch = MergePatch<ProjectSheet>;

fn sheet(project: &Project, about: &About) -> ProjectSheet {
    ProjectSheet { title: project.title.clone(), year: project.year, about: about.clone() }
}

impl Editable for ProjectSheet {
    type Id = ProjectId;
    const CHANGED: EventKind = EventKind::ProjectChanged;

    async fn load(db: &Db, id: ProjectId) -> store::Result<Self> {
        Ok(sheet(&store::projects::get(db, id).await?, &store::projects::about(db, id).await?))
    }

    async fn keep(&self, tx: &mut Tx<'_>, id: ProjectId) -> store::Result<()> {
        store::projects::set_about(tx, id, &self.title, self.year, &self.about).await
    }

    fn check(&self) -> Result<(), String> {
        if !(1..=120).contains(&self.title.trim().chars().count()) {
            return Err("a title has 1 to 120 characters".into());
        }
        if !YEARS.contains(&self.year) {
            return Err(format!("the year is {}; it must be {} to {}", self.year, YEARS.start(), YEARS.end()));
        }
        self.about.check()
    }

    fn files(&self) -> impl Iterator<Item = &AssetRef> + Send {
        std::iter::empty()
    }
}

/// One project; the answer's `ETag` is its `tag`.
#[utoipa::path(get, path = "/api/projects/{id}", tag = "projects", params(("id" = ProjectId, Path)),
    responses((status = 200, body = WholeProject)))]
pub async fn one(door: Reader<ProjectId>, State(state): State<super::AppState>) -> Result<impl IntoResponse, Problem> {
    let id = door.of;
    let whole = whole(&state, id).await?;
    Ok((merge_patch::tagged(&whole.tag), Json(whole)))
}

async fn whole(state: &super::AppState, id: ProjectId) -> Result<WholeProject, Problem> {
    let db = &state.db;
    let project = store::projects::get(db, id).await?;
    let about = store::projects::about(db, id).await?;
    let characters = sheets::of_project::<Character>(state, id).await?;
    Ok(WholeProject {
        tag: merge_patch::tag(&sheet(&project, &about)),
        characters,
        locations: sheets::of_project::<Location>(state, id).await?,
        episodes: store::episodes::readable_of_project(db, id).await?,
        project,
        about,
    })
}

/// A project that begins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// The title people read, 1 to 120 characters.
    title: String,
    /// Year in the show folder, 1928 to 2500; without it this year.
    #[serde(default)]
    year: Option<i16>,
    /// What it is about.
    #[serde(default)]
    about: About,
}

/// Begins a project.
#[utoipa::path(post, path = "/api/projects", tag = "projects", request_body = NewProject,
    responses((status = 201, body = WholeProject)))]
pub async fn create(
    _: Writer,
    State(state): State<super::AppState>,
    new: Result<Json<NewProject>, JsonRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Json(NewProject { title, year, about }) = new?;
    let now = jiff::Timestamp::from_millisecond(state.guard.now().0).unwrap_or_default();
    let year = year.unwrap_or_else(|| now.to_zoned(state.guard.zone()).year());
    let wanted = ProjectSheet { title: title.trim().to_owned(), year, about };
    wanted.check().map_err(Problem::bad_request)?;
    let others = store::projects::list(&state.db).await?;
    if Project::meant(&wanted.title, &others).is_some() {
        return Err(store::Error::TitleTaken(wanted.title).into());
    }
    let project = Project::beginning(ProjectId(state.guard.id()), wanted.title, year, &others);
    let mut tx = state.db.begin().await?;
    let project = store::projects::upsert(&mut tx, &project).await?;
    store::projects::set_about(&mut tx, project.id, &project.title, year, &wanted.about).await?;
    state.changed(&mut tx, EventKind::ProjectChanged, &project.id.to_string()).await?;
    tx.commit().await?;
    state.tell();
    Ok((StatusCode::CREATED, Json(whole(&state, project.id).await?)))
}

/// Changes title, year or what it is about: a merge patch of `title`, `year` and `about`.
#[utoipa::path(patch, path = "/api/projects/{id}", tag = "projects", params(("id" = ProjectId, Path)),
    request_body(content = ProjectSheetPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, body = WholeProject), problem::Stale))]
pub async fn change(
    door: Writer<ProjectId>,
    State(state): State<super::AppState>,
    headers: HeaderMap,
    patch: ProjectSheetPatch,
) -> Result<impl IntoResponse, Problem> {
    let id = door.of;
    merge_patch::change(&state, &door, &headers, &patch).await?;
    let whole = whole(&state, id).await?;
    Ok((merge_patch::tagged(&whole.tag), Json(whole)))
}

/// Removes a project with everything in it; what is in the library stays there, files are swept later.
#[utoipa::path(delete, path = "/api/projects/{id}", tag = "projects", params(("id" = ProjectId, Path)),
    responses((status = 204, description = "removed")))]
pub async fn remove(door: Writer<ProjectId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    let id = door.of;
    state.conductor.remove_project(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
