//! `/api/projects`: series and films, what they are about, and who and where is in them.

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    episode::{Episode, EpisodeState},
    ids::{ContentHash, ProjectId},
    journal::EventKind,
    project::{About, Project},
    script,
    units::Seed,
};
use utoipa::{IntoParams, ToSchema};

use super::{
    characters::CharacterCard,
    lists::{Limit, Names, has},
    locations::LocationCard,
    patch,
    problem::Problem,
};
use crate::store;

/// A project named in the address.
type Named = Result<Path<ProjectId>, PathRejection>;
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

/// Which projects.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only those with this in their title.
    q: Option<String>,
    /// By short `name`, or the `newest` first.
    #[serde(default)]
    #[param(inline)]
    sort: Names,
    /// Only those that come after this one: the `next` of the page before.
    after: Option<ProjectId>,
    /// At most this many, 1..=500; usually 100.
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 500)]
    limit: Limit,
}

/// One page of projects.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectPage {
    projects: Vec<ProjectCard>,
    /// Where the next page begins; `None` on the last one.
    next: Option<ProjectId>,
}

/// Projects.
#[utoipa::path(get, path = "/api/projects", tag = "projects", params(Which),
    responses((status = 200, body = ProjectPage), Problem))]
pub async fn list(
    State(state): State<super::State>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<ProjectPage>, Problem> {
    let Query(which) = which?;
    let mut all = store::projects::list(&state.db).await?;
    all.retain(|one| has(&one.title, which.q.as_deref()));
    if which.sort == Names::Newest {
        all.sort_by_key(|one| std::cmp::Reverse(one.id));
    }
    let (page, next) = which.limit.page(all, which.after.as_ref(), |one| one.id)?;
    let episodes = store::episodes::list(&state.db).await?;
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
pub struct Written {
    /// The title people read.
    title: String,
    /// Year in the show folder, 1928 to 2500.
    year: i16,
    /// What it is about.
    about: About,
}

fn written(project: &Project, about: &About) -> Written {
    Written { title: project.title.clone(), year: project.year, about: about.clone() }
}

impl Written {
    fn check(&self) -> Result<(), Problem> {
        if !(1..=120).contains(&self.title.trim().chars().count()) {
            return Err(Problem::bad_request("a title has 1 to 120 characters"));
        }
        if !YEARS.contains(&self.year) {
            let (from, to) = (YEARS.start(), YEARS.end());
            return Err(Problem::bad_request(format!("the year is {}; it must be {from} to {to}", self.year)));
        }
        self.about.check().map_err(Problem::bad_request)
    }
}

/// One project; the answer's `ETag` is its `tag`.
#[utoipa::path(get, path = "/api/projects/{id}", tag = "projects", params(("id" = ProjectId, Path)),
    responses((status = 200, body = WholeProject), Problem))]
pub async fn one(State(state): State<super::State>, id: Named) -> Result<impl IntoResponse, Problem> {
    let Path(id) = id?;
    let whole = whole(&state, id).await?;
    Ok((patch::tagged(&whole.tag), Json(whole)))
}

async fn whole(state: &super::State, id: ProjectId) -> Result<WholeProject, Problem> {
    let db = &state.db;
    let project = store::projects::get(db, id).await?;
    let about = store::projects::about(db, id).await?;
    let characters = super::characters::of_project(state, id).await?;
    Ok(WholeProject {
        tag: patch::tag(&written(&project, &about)),
        characters,
        locations: super::locations::of_project(state, id).await?,
        episodes: store::episodes::of_project(db, id).await?,
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
    responses((status = 201, body = WholeProject), Problem))]
pub async fn create(
    State(state): State<super::State>,
    new: Result<Json<NewProject>, JsonRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Json(NewProject { title, year, about }) = new?;
    let now = jiff::Timestamp::from_millisecond(state.guard.now().0).unwrap_or_default();
    let year = year.unwrap_or_else(|| now.to_zoned(state.guard.zone()).year());
    let wanted = Written { title: title.trim().to_owned(), year, about };
    wanted.check()?;
    let slug = script::slug(&wanted.title);
    if store::projects::by_slug(&state.db, &slug).await?.is_some() {
        return Err(Problem::conflict(format!("a project '{slug}' is in this studio already; choose another title")));
    }
    let seed = Seed(ContentHash::of(slug.as_bytes()).leading_u64() >> 11);
    let project = Project { id: ProjectId(state.guard.id()), slug, title: wanted.title, year, seed };
    let mut tx = state.db.begin().await?;
    let project = store::projects::upsert(&mut tx, &project).await?;
    store::projects::set_about(&mut tx, &project, &wanted.about).await?;
    state.changed(&mut tx, EventKind::ProjectChanged, &project.id.to_string()).await?;
    tx.commit().await?;
    state.tell();
    Ok((StatusCode::CREATED, Json(whole(&state, project.id).await?)))
}

/// Changes title, year or what it is about: a merge patch of `title`, `year` and `about`.
#[utoipa::path(patch, path = "/api/projects/{id}", tag = "projects", params(("id" = ProjectId, Path)),
    request_body(content = Object, content_type = "application/merge-patch+json"),
    responses((status = 200, body = WholeProject), Problem))]
pub async fn change(
    State(state): State<super::State>,
    id: Named,
    headers: HeaderMap,
    change: Result<patch::MergePatch, Problem>,
) -> Result<impl IntoResponse, Problem> {
    let (Path(id), patch::MergePatch(change)) = (id?, change?);
    let _one_at_a_time = state.writing.lock().await;
    let project = store::projects::get(&state.db, id).await?;
    let now = written(&project, &store::projects::about(&state.db, id).await?);
    patch::unchanged(&headers, &patch::tag(&now))?;
    let Written { title, year, about } = {
        let wanted: Written = patch::merged(&now, &change)?;
        wanted.check()?;
        wanted
    };
    let mut tx = state.db.begin().await?;
    store::projects::set_about(&mut tx, &Project { title, year, ..project }, &about).await?;
    state.changed(&mut tx, EventKind::ProjectChanged, &id.to_string()).await?;
    tx.commit().await?;
    state.tell();
    let whole = whole(&state, id).await?;
    Ok((patch::tagged(&whole.tag), Json(whole)))
}

/// Removes a project with everything in it; what is in the library stays there, files are swept later.
#[utoipa::path(delete, path = "/api/projects/{id}", tag = "projects", params(("id" = ProjectId, Path)),
    responses((status = 204, description = "removed"), Problem))]
pub async fn remove(State(state): State<super::State>, id: Named) -> Result<StatusCode, Problem> {
    let Path(id) = id?;
    store::projects::get(&state.db, id).await?;
    let episodes = store::episodes::of_project(&state.db, id).await?;
    if let Some(busy) = episodes.iter().find(|episode| episode.state == EpisodeState::Producing) {
        return Err(Problem::conflict(format!("'{}' is being made; stop it first", busy.title)));
    }
    let mut tx = state.db.begin().await?;
    store::projects::remove(&mut tx, id).await?;
    state.changed(&mut tx, EventKind::ProjectRemoved, &id.to_string()).await?;
    tx.commit().await?;
    state.tell();
    Ok(StatusCode::NO_CONTENT)
}
