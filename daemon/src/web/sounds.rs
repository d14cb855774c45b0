//! `/api/music` and `/api/voices`: what scenes sound like, and who may speak.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::Serialize;
use studio_core::{
    ids::{CharacterId, EpisodeId, ProjectId, TaskId},
    media::MediaFacts,
    order::{AssetRef, Role},
    production::Job,
    task::{Task, TaskState},
};
use utoipa::ToSchema;

use super::{
    ServiceError,
    doors::{Listed, Reader},
    pagination::{Alphabet, Sort, has, list_query},
    problem::Problem,
};
use crate::store;

list_query! {
    /// Which music is asked for, and in which order.
    ListQuery of project episode {
        /// Only that of this project.
        project: Option<ProjectId>,
        /// Only that of this episode.
        episode: Option<EpisodeId>,
        /// Only that in this state.
        state: Option<TaskState>,
    }
    /// `newest` first, or `oldest`.
    sort: Sort,
    /// Only that which comes after this one: the `next` of the page before.
    after: TaskId,
}

/// The music of a scene.
#[derive(Debug, Serialize, ToSchema)]
pub struct MusicView {
    /// Its task: `POST /api/tasks/{id}/hand` locks it, puts a recording in its place, or lets either go.
    task: TaskId,
    episode: Option<EpisodeId>,
    /// Number of the scene.
    scene: u32,
    state: TaskState,
    /// The engine that makes it.
    engine: String,
    /// Why it is in that state, in words; empty when there is nothing to say.
    reason: String,
    /// The recording, when it is made.
    file: Option<AssetRef>,
    /// Its length in milliseconds.
    length_ms: Option<u64>,
}

fn heard(task: Task) -> Option<MusicView> {
    let Some(Job::Music { scene }) = task.job.production() else { return None };
    let sound = task.outputs.as_ref().and_then(|outputs| outputs.first(Role::Sound));
    let length_ms = sound.and_then(|sound| match sound.facts {
        MediaFacts::Sound { samples, rate, .. } => Some(samples.0 * 1000 / u64::from(rate.max(1))),
        _ => None,
    });
    Some(MusicView {
        task: task.id,
        episode: task.episode_id,
        scene,
        state: task.state,
        engine: task.engine,
        reason: task.reason,
        file: sound.map(|sound| sound.asset.clone()),
        length_ms,
    })
}

/// One page of music.
#[derive(Debug, Serialize, ToSchema)]
pub struct MusicPage {
    music: Vec<MusicView>,
    /// Where the next page begins; `None` on the last one.
    next: Option<TaskId>,
}

/// The music of scenes.
#[utoipa::path(get, path = "/api/music", tag = "music", params(ListQuery),
    responses((status = 200, body = MusicPage)))]
pub async fn music(
    door: Reader<Listed<ListQuery>>,
    State(state): State<super::AppState>,
) -> Result<Json<MusicPage>, Problem> {
    let Listed(which) = door.of;
    let asked = store::tasks::Filter {
        state: which.state,
        project: which.project,
        episode: which.episode,
        like: Some(Job::Music { scene: 1 }),
        after: which.after,
        oldest_first: which.sort == Sort::Oldest,
        limit: which.limit.0,
    };
    let tasks = store::tasks::page(&state.db, &asked).await?;
    let next = which.limit.next(&tasks, |task| task.id);
    Ok(Json(MusicPage { music: tasks.into_iter().filter_map(heard).collect(), next }))
}

list_query! {
    /// Which voices are asked for, and in which order.
    VoiceListQuery {
        /// Only those with this in their name.
        q: Option<String>,
        /// Only those nobody speaks with.
        #[serde(default)]
        free: bool,
    }
    /// By `name`, or from Z to A: `name_down`.
    sort: Alphabet,
    /// Only those that come after this one: the `next` of the page before.
    after: String,
}

/// A voice of the speech server.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoiceView {
    /// Its name on the server.
    name: String,
    /// Characters that were given it on their sheet.
    used_by: Vec<CharacterId>,
}

/// One page of voices.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoicePage {
    voices: Vec<VoiceView>,
    /// Why there are none; `None` when the speech server tells of its voices.
    lacks: Option<String>,
    /// Where the next page begins; `None` on the last one.
    next: Option<String>,
}

/// Voices the speech server has, by name. Without a server everybody has a draft voice of their own, by their name.
#[utoipa::path(get, path = "/api/voices", tag = "voices", params(VoiceListQuery),
    responses((status = 200, body = VoicePage)))]
pub async fn voices(
    _: Reader,
    State(state): State<super::AppState>,
    which: Result<Query<VoiceListQuery>, QueryRejection>,
) -> Result<Json<VoicePage>, Problem> {
    let Query(which) = which?;
    let (mut names, lacks) = match state.services()?.media.voices().await {
        Ok(names) => (names, None),
        Err(ServiceError::Unable(why) | ServiceError::NotConfigured(why) | ServiceError::Usage(why)) => {
            (Vec::new(), Some(why))
        }
        Err(other) => return Err(other.into()),
    };
    which.sort.sort(&mut names, String::as_str);
    names.dedup();
    let mut used: BTreeMap<String, Vec<CharacterId>> = BTreeMap::new();
    for project in store::projects::list(&state.db).await? {
        for (id, sheet) in store::characters::sheets(&state.db, project.id).await? {
            if let Some(voice) = sheet.voice {
                used.entry(voice).or_default().push(id);
            }
        }
    }
    let voices = names.into_iter().map(|name| VoiceView { used_by: used.remove(&name).unwrap_or_default(), name });
    let voices = voices.filter(|one| has(&one.name, which.q.as_deref()) && (!which.free || one.used_by.is_empty()));
    let (voices, next) = which.limit.page(voices.collect(), which.after.as_ref(), |one| one.name.clone())?;
    Ok(Json(VoicePage { voices, lacks, next }))
}
