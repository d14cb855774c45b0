//! `/api/episodes`: what is made, scene by scene and shot by shot, and how far it is.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{
        Query, Request, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
    response::Response,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    episode::{Episode, EpisodeState},
    ids::{ContentHash, EpisodeId, ProjectId, SceneId},
    media::MediaFacts,
    order::{AssetRef, Reported, Role},
    production::{Checkpoint, Job, Stage},
    project::Project,
    scene::Scene,
    shot::Shot,
    task::{Task, TaskState},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    doors::{Listed, Reader, Writer},
    pagination::{has, list_query},
    problem::{Code, Problem},
};
use crate::{
    conductor::{self, Defaults, Produce, ProduceOptions},
    store::{self, counts::StageCounts},
};

/// An episode as a card.
#[derive(Debug, Serialize, ToSchema)]
pub struct EpisodeCard {
    episode: Episode,
    /// Title of its project.
    project: String,
    /// What stands for it: its thumbnail, else its first picture.
    picture: Option<ContentHash>,
    /// Parts of the work with how far they are, in the order they begin.
    stages: Vec<StageView>,
}

/// How far a part of the work is.
#[derive(Debug, Serialize, ToSchema)]
pub struct StageView {
    /// `voices`, `pictures`, `clips`, `music`, `scenes`, `film` or `library`.
    stage: String,
    /// Tasks that are done.
    done: usize,
    /// Tasks of it.
    all: usize,
    /// Tasks that run now.
    running: usize,
    /// Tasks that came to nothing.
    failed: usize,
}

fn stages(counts: &StageCounts) -> Vec<StageView> {
    let mut of: BTreeMap<Stage, StageView> = BTreeMap::new();
    for ((stage, state), count) in counts {
        let count = usize::try_from(*count).unwrap_or(usize::MAX);
        let empty = StageView { stage: stage.word().into(), done: 0, all: 0, running: 0, failed: 0 };
        let view = of.entry(*stage).or_insert(empty);
        match state {
            // A slot that is gone is nobody's work any more.
            TaskState::Cancelled => continue,
            TaskState::Succeeded => view.done += count,
            TaskState::Running => view.running += count,
            TaskState::Failed | TaskState::NeedsPerson => view.failed += count,
            TaskState::Waiting => {}
        }
        view.all += count;
    }
    of.into_values().collect()
}

list_query! {
    /// Which episodes are asked for, and in which order.
    ListQuery of project {
        /// Only those of this project.
        project: Option<ProjectId>,
        /// Only those in this state.
        state: Option<EpisodeState>,
        /// Only those with this in their title.
        q: Option<String>,
    }
    /// `newest` first, or by `number`, which is usual.
    sort: EpisodeSort,
    /// Only those that come after this one: the `next` of the page before.
    after: EpisodeId,
}

/// In which order episodes are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EpisodeSort {
    /// By project, season and number.
    #[default]
    Number,
    /// The one that was begun last first.
    Newest,
}

/// One page of episodes.
#[derive(Debug, Serialize, ToSchema)]
pub struct EpisodePage {
    episodes: Vec<EpisodeCard>,
    /// Where the next page begins; `None` on the last one.
    next: Option<EpisodeId>,
}

/// Lists episodes with how far the parts of their work are, page by page.
#[utoipa::path(get, path = "/api/episodes", tag = "episodes", params(ListQuery),
    responses((status = 200, body = EpisodePage)))]
pub async fn list(
    door: Reader<Listed<ListQuery>>,
    State(state): State<super::AppState>,
) -> Result<Json<EpisodePage>, Problem> {
    let Listed(which) = door.of;
    let mut all = store::episodes::readable(&state.db).await?;
    all.retain(|one| which.project.is_none_or(|id| one.project_id == id));
    all.retain(|one| which.state.is_none_or(|wanted| one.state == wanted));
    all.retain(|one| has(&one.title, which.q.as_deref()));
    if which.sort == EpisodeSort::Newest {
        all.sort_by_key(|one| std::cmp::Reverse(one.id));
    }
    let (page, next) = which.limit.page(all, which.after.as_ref(), |one| one.id)?;
    let ids: Vec<EpisodeId> = page.iter().map(|one| one.id).collect();
    let bare: Vec<EpisodeId> = page.iter().filter(|one| one.thumbnail.is_none()).map(|one| one.id).collect();
    let projects = store::projects::list(&state.db).await?;
    let projects: BTreeMap<ProjectId, String> = projects.into_iter().map(|one| (one.id, one.title)).collect();
    let counts = store::counts::stages_of(&state.db, &ids).await?;
    let pictures = store::shots::first_pictures(&state.db, &bare).await?;
    let card = |episode: Episode| {
        let project = projects.get(&episode.project_id).cloned();
        Ok(EpisodeCard {
            project: project.ok_or_else(|| store::Error::not_found("project", &episode.project_id))?,
            stages: counts.get(&episode.id).map(stages).unwrap_or_default(),
            picture: episode.thumbnail.or_else(|| pictures.get(&episode.id).copied()),
            episode,
        })
    };
    let episodes = page.into_iter().map(card).collect::<Result<_, store::Error>>()?;
    Ok(Json(EpisodePage { episodes, next }))
}

/// A kept film with its length.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilmView {
    file: AssetRef,
    /// Length in milliseconds.
    length_ms: u64,
    /// Subtitles as WebVTT.
    subtitles: Option<AssetRef>,
    poster: Option<AssetRef>,
    /// Integrated loudness in LUFS, when it was measured.
    lufs: Option<f64>,
    /// True peak in dBTP, when it was measured.
    true_peak_dbtp: Option<f64>,
}

/// A scene with its shots.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeScene {
    pub scene: Scene,
    /// Its film, when it is made.
    pub film: Option<AssetRef>,
    pub shots: Vec<Shot>,
}

/// An episode and everything in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeEpisode {
    episode: Episode,
    project: Project,
    film: Option<FilmView>,
    stages: Vec<StageView>,
    scenes: Vec<WholeScene>,
    /// What a person is to approve before it goes on; `None` when nothing waits for that.
    awaits: Option<Awaited>,
}

/// What a person is to approve.
#[derive(Debug, Serialize, ToSchema)]
pub struct Awaited {
    what: Checkpoint,
    /// Of how many shots.
    shots: usize,
}

/// One episode with its scenes, shots and film, and how far its work is.
#[utoipa::path(get, path = "/api/episodes/{id}", tag = "episodes", params(("id" = EpisodeId, Path)),
    responses((status = 200, body = WholeEpisode)))]
pub async fn one(door: Reader<EpisodeId>, State(state): State<super::AppState>) -> Result<Json<WholeEpisode>, Problem> {
    let id = door.of;
    let episode = store::episodes::get(&state.db, id).await?;
    let ends = store::tasks::of_jobs(&state.db, id, &[Job::Film, Job::Artwork]).await?;
    let counts = store::counts::stages_of(&state.db, &[id]).await?.remove(&id).unwrap_or_default();
    let mut shots: BTreeMap<SceneId, Vec<Shot>> = BTreeMap::new();
    for shot in store::shots::of_episode(&state.db, id).await? {
        shots.entry(shot.scene_id).or_default().push(shot);
    }
    let scenes = store::scenes::of_episode(&state.db, id).await?;
    let films: Vec<_> = scenes.iter().filter_map(|scene| scene.film).collect();
    let kept = store::assets::by_hashes(&state.db, &films).await?;
    let kept: BTreeMap<ContentHash, AssetRef> = kept.into_iter().map(|asset| (asset.file.hash, asset.file)).collect();
    let scenes = scenes.into_iter().map(|scene| WholeScene {
        film: scene.film.and_then(|film| kept.get(&film).cloned()),
        shots: shots.remove(&scene.id).unwrap_or_default(),
        scene,
    });
    let awaits = match episode.state {
        EpisodeState::AwaitingApproval => conductor::waits_for(&state.db, id).await?,
        _ => None,
    };
    Ok(Json(WholeEpisode {
        awaits: awaits.map(|(what, shots)| Awaited { what, shots }),
        project: store::projects::get(&state.db, episode.project_id).await?,
        film: film(&ends),
        scenes: scenes.collect(),
        stages: stages(&counts),
        episode,
    }))
}

fn film(tasks: &[Task]) -> Option<FilmView> {
    let made = |job: Job| tasks.iter().find(|task| task.job == job)?.outputs.as_ref();
    let outputs = made(Job::Film)?;
    let film = outputs.first(Role::Video)?;
    let length_ms = match &film.facts {
        MediaFacts::Video { frames, fps, .. } => fps.ms_at(*frames),
        _ => 0,
    };
    let poster = made(Job::Artwork).and_then(|artwork| artwork.first(Role::Poster));
    let (lufs, true_peak_dbtp) = match &outputs.reported {
        Some(Reported::Loudness { lufs, true_peak_dbtp }) => (*lufs, *true_peak_dbtp),
        _ => (None, None),
    };
    Some(FilmView {
        lufs,
        true_peak_dbtp,
        file: film.asset.clone(),
        length_ms,
        subtitles: outputs.first(Role::Vtt).map(|file| file.asset.clone()),
        poster: poster.map(|file| file.asset.clone()),
    })
}

/// The film of an episode as it is now. Knows ranges and conditions.
#[utoipa::path(get, path = "/api/episodes/{id}/video", tag = "episodes", params(("id" = EpisodeId, Path)),
    responses((status = 200, description = "the film", content_type = "video/mp4"),
        (status = 206, description = "a part of it"), (status = 304, description = "it is known already")))]
pub async fn video(
    door: Reader<EpisodeId>,
    State(state): State<super::AppState>,
    request: Request,
) -> Result<Response, Problem> {
    let id = door.of;
    let film = store::episodes::get(&state.db, id).await?.film;
    let film = film.ok_or_else(|| Problem::not_found("this episode has no film yet; produce it"))?;
    super::assets::newest(&state, film, request).await
}

/// What somebody wants of an episode otherwise than before.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Otherwise {
    /// What is made before it begins, of everybody and every place in it that has no reference: views of reference sheets with
    /// commas between them, e.g. `full_body,establishing`, or `off`. Without it, as the episode was made last.
    portraits: Option<String>,
}

/// How an episode is made that was written so, whatever its title page says of where it belongs.
pub async fn as_written(
    state: &super::AppState,
    id: EpisodeId,
    text: &[u8],
    defaults: Defaults,
    otherwise: Otherwise,
) -> Result<Produce, Problem> {
    let episode = store::episodes::get(&state.db, id).await?;
    let project = store::projects::get(&state.db, episode.project_id).await?;
    let options = ProduceOptions {
        // By its short name, which stays when the title changes.
        project: Some(project.slug.clone()),
        season: Some(episode.season),
        episode: Some(episode.number),
        portraits: otherwise.portraits,
        ..ProduceOptions::default()
    };
    let produce = state.services()?.productions.production(text, options, defaults).await?;
    Ok(Produce { project, ..produce })
}

/// Makes the episode as it is written now: what is there already stays, what could not be judged is looked at again.
#[utoipa::path(post, path = "/api/episodes/{id}/produce", tag = "episodes", params(("id" = EpisodeId, Path), Otherwise),
    responses((status = 202)))]
pub async fn produce(
    door: Writer<EpisodeId>,
    State(state): State<super::AppState>,
    otherwise: Result<Query<Otherwise>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    let (id, Query(otherwise)) = (door.of, otherwise?);
    make(&state, id, Defaults::AsBefore, otherwise).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn make(state: &super::AppState, id: EpisodeId, defaults: Defaults, otherwise: Otherwise) -> Result<(), Problem> {
    store::episodes::get(&state.db, id).await?;
    match store::screenplays::of_episode(&state.db, id).await? {
        Some((text, _)) if state.services.is_some() => {
            let produce = as_written(state, id, text.as_bytes(), defaults, otherwise).await?;
            state.conductor.produce(produce).await?;
        }
        _ if otherwise.portraits.is_some() => {
            let remedy = "this episode was begun before screenplays were kept; produce its screenplay once more, with what is to be made first";
            return Err(Problem::conflict(Code::PlanUnknown, remedy));
        }
        _ => state.conductor.again(id).await?,
    }
    Ok(())
}

/// Puts the film together anew from what is there; what is missing is made first.
#[utoipa::path(post, path = "/api/episodes/{id}/assemble", tag = "episodes", params(("id" = EpisodeId, Path)),
    responses((status = 202)))]
pub async fn assemble(door: Writer<EpisodeId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    let id = door.of;
    make(&state, id, Defaults::AsBefore, Otherwise::default()).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Puts the episode into the Jellyfin library of the settings; what is missing of it is made first.
#[utoipa::path(post, path = "/api/episodes/{id}/publish", tag = "episodes", params(("id" = EpisodeId, Path)),
    responses((status = 202)))]
pub async fn publish(door: Writer<EpisodeId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    let id = door.of;
    if state.services()?.diagnostics.settings().library.is_none() {
        let remedy = "the settings name no library; set publish.library to the folder Jellyfin shows, and start again";
        return Err(Problem::conflict(Code::NoLibrary, remedy));
    }
    make(&state, id, Defaults::AsBeforeAndPublished, Otherwise::default()).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Takes the episode out of the library: only what the studio put there, and it stays out until it is published again.
#[utoipa::path(post, path = "/api/episodes/{id}/unpublish", tag = "episodes", params(("id" = EpisodeId, Path)),
    responses((status = 204, description = "it is out")))]
pub async fn unpublish(door: Writer<EpisodeId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    let id = door.of;
    let library = &state.services()?.productions;
    let unpublished = state.conductor.unpublish(id).await?;
    // The record comes last: broken off in between, it can be asked for again.
    library.unpublish(&unpublished.root, unpublished.files).await?;
    state.conductor.unpublished(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a person approves.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    what: Checkpoint,
}

/// Approves the pictures or clips the episode waits with: it goes on from them.
#[utoipa::path(post, path = "/api/episodes/{id}/approve", tag = "episodes", params(("id" = EpisodeId, Path)),
    request_body = Approval, responses((status = 202)))]
pub async fn approve(
    door: Writer<EpisodeId>,
    State(state): State<super::AppState>,
    approval: Result<Json<Approval>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let id = door.of;
    let Json(Approval { what }) = approval?;
    state.conductor.approve(id, what).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Stops everything about the episode.
#[utoipa::path(post, path = "/api/episodes/{id}/cancel", tag = "episodes", params(("id" = EpisodeId, Path)),
    responses((status = 202)))]
pub async fn cancel(door: Writer<EpisodeId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    let id = door.of;
    store::episodes::get(&state.db, id).await?;
    state.conductor.cancel_episode(id).await?;
    Ok(StatusCode::ACCEPTED)
}
