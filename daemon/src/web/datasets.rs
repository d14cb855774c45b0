//! `/api/characters/{id}/dataset`: the pictures of a character that a model is trained on, and how the studio fills them.

use axum::{
    Json,
    body::Body,
    extract::{Query, State, rejection::JsonRejection, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    dataset::{Cell, Dataset, DatasetSettings, Pause},
    ids::{CharacterId, EpisodeId, PictureId},
    journal::EventKind,
    order::AssetRef,
    units::Millis,
};
use utoipa::{IntoParams, ToSchema};

use super::{
    dataset_pictures::Decided,
    doors::{Reader, Reviewer, Writer},
    ingests,
    merge_patch::{self, Editable, MergePatch},
    problem::{self, Problem},
    services::{DatasetView, Scan, Scanned, Taken},
    uploads::{Came, shown_name},
};
use crate::{
    events::StudioEvent,
    store::{self, Db, Tx},
};

/// A change of what its owner says of a dataset.
type SettingsPatch = MergePatch<DatasetSettings>;
/// Longest text that prompts are searched for, in characters.
const LONGEST_MATCHING: usize = 200;
/// Most pictures a person asks for at a time.
const MOST_AT_ONCE: u32 = 12;
/// Most new pictures that are taken from a ComfyUI with one request.
const MOST_SCANNED: u32 = 500;
/// Most pictures that are decided with one request.
const MOST_DECIDED: usize = 500;

impl Editable for DatasetSettings {
    type Id = CharacterId;
    const CHANGED: EventKind = EventKind::DatasetChanged;

    async fn load(db: &Db, id: CharacterId) -> store::Result<Self> {
        Ok(store::datasets::get(db, id).await?.settings)
    }

    async fn keep(&self, tx: &mut Tx<'_>, id: CharacterId) -> store::Result<()> {
        store::datasets::set_settings(tx, id, self).await
    }

    fn check(&self) -> Result<(), String> {
        self.check()
    }

    fn files(&self) -> impl Iterator<Item = &AssetRef> + Send {
        std::iter::empty()
    }
}

/// The dataset of a character: how many pictures there are, what is missing, and why nothing happens now.
#[utoipa::path(get, path = "/api/characters/{id}/dataset", tag = "datasets", params(("id" = CharacterId, Path)),
    responses((status = 200, body = DatasetView)))]
pub async fn one(
    door: Reader<CharacterId>,
    State(state): State<super::AppState>,
) -> Result<impl IntoResponse, Problem> {
    let view = state.services()?.datasets.view(door.of).await?;
    Ok((merge_patch::tagged(&merge_patch::tag(&view.dataset.settings)), Json(view)))
}

/// Changes what its owner says of a dataset: a merge patch of its settings.
#[utoipa::path(patch, path = "/api/characters/{id}/dataset", tag = "datasets", params(("id" = CharacterId, Path)),
    request_body(content = SettingsPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, body = DatasetView), problem::Stale))]
pub async fn change(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    headers: HeaderMap,
    patch: SettingsPatch,
) -> Result<impl IntoResponse, Problem> {
    let id = door.of;
    let settings = merge_patch::change(&state, &door, &headers, &patch).await?;
    let view = state.services()?.datasets.view(id).await?;
    Ok((merge_patch::tagged(&merge_patch::tag(&settings)), Json(view)))
}

/// Whether the studio fills it by itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// It does, until the target is reached.
    on: bool,
}

/// Switches on, or off, that the studio fills a dataset by itself. What waits for its turn is still made.
#[utoipa::path(put, path = "/api/characters/{id}/dataset/replenish", tag = "datasets",
    params(("id" = CharacterId, Path)), request_body = Switch, responses((status = 200, body = DatasetView)))]
pub async fn replenish(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    switch: Result<Json<Switch>, JsonRejection>,
) -> Result<Json<DatasetView>, Problem> {
    let (id, Json(Switch { on })) = (door.of, switch?);
    keep(&state, id, |dataset, now| {
        if dataset.replenish == on && dataset.paused.is_none() {
            // As it is: what was rejected until now still counts, and is still to be mended.
            return dataset;
        }
        Dataset { replenish: on, paused: None, since: now.max(dataset.since), ..dataset }
    })
    .await?;
    Ok(Json(state.services()?.datasets.view(id).await?))
}

/// Lets the filling of a dataset rest until somebody resumes it.
#[utoipa::path(post, path = "/api/characters/{id}/dataset/pause", tag = "datasets",
    params(("id" = CharacterId, Path)), responses((status = 200, body = DatasetView)))]
pub async fn pause(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
) -> Result<Json<DatasetView>, Problem> {
    let id = door.of;
    keep(&state, id, |dataset, now| Dataset { paused: Some(Pause::Person { at: now }), ..dataset }).await?;
    Ok(Json(state.services()?.datasets.view(id).await?))
}

/// Lets it go on; rejections until now pause it no more.
#[utoipa::path(post, path = "/api/characters/{id}/dataset/resume", tag = "datasets",
    params(("id" = CharacterId, Path)), responses((status = 200, body = DatasetView)))]
pub async fn resume(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
) -> Result<Json<DatasetView>, Problem> {
    let id = door.of;
    keep(&state, id, |dataset, now| Dataset { paused: None, since: now.max(dataset.since), ..dataset }).await?;
    Ok(Json(state.services()?.datasets.view(id).await?))
}

/// Keeps a changed dataset, and tells of it. The moment is after every decision there is, whatever the clock was set to.
async fn keep(
    state: &super::AppState,
    id: CharacterId,
    change: impl FnOnce(Dataset, Millis) -> Dataset,
) -> Result<(), Problem> {
    store::characters::get(&state.db, id).await?;
    let _one_at_a_time = state.writing.lock().await;
    let dataset = store::datasets::get(&state.db, id).await?;
    // After every decision there is: those count no more.
    let now = super::dataset_pictures::moment(state, &dataset).await?.after(1);
    let mut tx = state.db.begin().await?;
    store::datasets::set(&mut tx, &change(dataset, now)).await?;
    state.changed(&mut tx, EventKind::DatasetChanged, &id.to_string()).await?;
    tx.commit().await?;
    state.events.tell(StudioEvent::Dataset { character: id });
    Ok(())
}

/// What a file is called, and what is taken of a video.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Named {
    /// Its name, as people know it; only shown.
    #[serde(default)]
    name: String,
    /// Where to begin in a video, in seconds; its start without.
    from_s: Option<f64>,
    /// Where to end in a video, in seconds; its end without.
    to_s: Option<f64>,
    /// Most frames that are taken of a video, 1..=200, which is usual.
    max: Option<u32>,
}

/// Takes a picture (64 MiB), every picture of a ZIP archive (4 GiB), or frames of a video (8 GiB), into a dataset; the body is
/// the file itself.
///
/// What it is, is read from its content. A picture is turned upright and keeps nothing but its pixels; what it says of how it
/// was made is kept beside it. The same file again changes nothing. A text of the same stem beside a picture of an archive, as
/// training programs have it, becomes its caption, without the trigger word; what a person wrote of it before stays. A video
/// (mp4, mov, mkv, webm) is answered with 202 and an ingest: its sharpest and most different frames, at most 5 of a shot,
/// become pictures one by one, and the video itself is not kept.
#[utoipa::path(post, path = "/api/characters/{id}/dataset/pictures", tag = "datasets",
    params(("id" = CharacterId, Path), Named),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 201, body = Taken), (status = 202, body = Taken)))]
pub async fn upload(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    named: Result<Query<Named>, QueryRejection>,
    body: Body,
) -> Result<(StatusCode, Json<Taken>), Problem> {
    let (id, Query(Named { name, from_s, to_s, max })) = (door.of, named?);
    let excerpt = ingests::excerpt(from_s, to_s, max)?;
    store::characters::get(&state.db, id).await?;
    let datasets = &state.services()?.datasets;
    let came = Came::receive(&state, body, datasets.largest()).await?;
    let (file, name) = (came.file(), shown_name(&name));
    if datasets.is_video(&file) {
        let ingest = datasets.take_video(id, &file, &name, excerpt).await?;
        let taken = Taken { ingest: Some(ingest.into()), ..Taken::default() };
        return Ok((StatusCode::ACCEPTED, Json(taken)));
    }
    if from_s.is_some() || to_s.is_some() || max.is_some() {
        return Err(Problem::wrong_kind(
            "by its content this is no video; leave from_s, to_s and max out, or send a video",
        ));
    }
    let taken = datasets.add(id, &file, &name).await?;
    state.events.tell(StudioEvent::Dataset { character: id });
    Ok((StatusCode::CREATED, Json(taken)))
}

/// Which films' pictures are taken.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfFilms {
    /// Only those of this episode.
    #[serde(default)]
    episode: Option<EpisodeId>,
}

/// Takes accepted pictures of films that show nobody else into a dataset. A person's word approves them here, too; the
/// judge's counts within the bands of the dataset.
///
/// Accepted is what a person finds good or approved, and what is in its film because a judge that saw it let it pass. What
/// was taken before changes nothing.
#[utoipa::path(post, path = "/api/characters/{id}/dataset/stills", tag = "datasets",
    params(("id" = CharacterId, Path)), request_body = OfFilms, responses((status = 200, body = Taken)))]
pub async fn stills(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    which: Result<Json<OfFilms>, JsonRejection>,
) -> Result<Json<Taken>, Problem> {
    let (id, Json(OfFilms { episode })) = (door.of, which?);
    store::characters::get(&state.db, id).await?;
    Ok(Json(state.services()?.datasets.stills(id, episode).await?))
}

/// Which pictures of a ComfyUI are taken.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfComfy {
    /// The server's name in the settings; may be left out where there is only one.
    #[serde(default)]
    server: Option<String>,
    /// Only of prompts that ended at this moment, by the server's clock, or later.
    #[serde(default)]
    since: Option<Millis>,
    /// Only of prompts with this text in them, in whatever case, at most 200 characters.
    #[serde(default)]
    matching: String,
    /// Most new pictures, 1..=500.
    #[serde(default = "a_hundred")]
    most: u32,
}

fn a_hundred() -> u32 {
    100
}

/// Takes pictures that a ComfyUI of the settings has finished into a dataset, the newest first; without previews, and without
/// what this studio had made there.
///
/// They come over the network, with what they say of prompt, seed, model and settings, and wait like any other. What was taken
/// before is not fetched again. A server remembers what it made since its last start.
#[utoipa::path(post, path = "/api/characters/{id}/dataset/comfy", tag = "datasets",
    params(("id" = CharacterId, Path)), request_body = OfComfy, responses((status = 200, body = Scanned)))]
pub async fn comfy(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    which: Result<Json<OfComfy>, JsonRejection>,
) -> Result<Json<Scanned>, Problem> {
    let (id, Json(OfComfy { server, since, matching, most })) = (door.of, which?);
    if !(1..=MOST_SCANNED).contains(&most) {
        return Err(Problem::bad_request(format!("most is {most}; ask for 1 to {MOST_SCANNED} at a time")));
    }
    if matching.chars().count() > LONGEST_MATCHING {
        return Err(Problem::bad_request(format!("matching has at most {LONGEST_MATCHING} characters")));
    }
    store::characters::get(&state.db, id).await?;
    Ok(Json(state.services()?.datasets.scan(id, Scan { server, since, matching, most }).await?))
}

/// What a person asks for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// How many pictures, 1..=12.
    pictures: u32,
    /// What they show, by axis; what is left out is chosen as it is missed most.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    cell: Cell,
}

/// What was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskedFor {
    /// How many pictures will be made.
    pictures: usize,
}

/// Has pictures made now, whatever the limits of the filling are.
#[utoipa::path(post, path = "/api/characters/{id}/dataset/generate", tag = "datasets",
    params(("id" = CharacterId, Path)), request_body = Wanted, responses((status = 202, body = AskedFor)))]
pub async fn generate(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<AskedFor>), Problem> {
    let (id, Json(Wanted { pictures, cell })) = (door.of, wanted?);
    if !(1..=MOST_AT_ONCE).contains(&pictures) {
        return Err(Problem::bad_request(format!("pictures is {pictures}; ask for 1 to {MOST_AT_ONCE} at a time")));
    }
    store::characters::get(&state.db, id).await?;
    let pictures = state.services()?.datasets.generate(id, pictures, cell).await?;
    Ok((StatusCode::ACCEPTED, Json(AskedFor { pictures })))
}

/// Pictures and what is said of all of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManyDecided {
    /// Which pictures of this dataset, at most 500.
    pictures: Vec<PictureId>,
    #[serde(flatten)]
    decided: Decided,
}

/// Says the same of several pictures of a dataset: all of it is kept, or nothing.
#[utoipa::path(post, path = "/api/characters/{id}/dataset/decisions", tag = "datasets",
    params(("id" = CharacterId, Path)), request_body = ManyDecided, responses((status = 200, body = DatasetView)))]
pub async fn decide(
    door: Reviewer<CharacterId>,
    State(state): State<super::AppState>,
    many: Result<Json<ManyDecided>, JsonRejection>,
) -> Result<Json<DatasetView>, Problem> {
    let (id, Json(ManyDecided { pictures, decided })) = (door.of, many?);
    if pictures.is_empty() || pictures.len() > MOST_DECIDED {
        return Err(Problem::bad_request(format!("name 1 to {MOST_DECIDED} pictures")));
    }
    let mut all = Vec::with_capacity(pictures.len());
    for picture in pictures {
        let picture = store::dataset_pictures::get(&state.db, picture).await?;
        if picture.character_id != id {
            return Err(Problem::bad_request(format!("picture {} is in another dataset", picture.id)));
        }
        all.push(picture);
    }
    decided.keep(&state, id, &all).await?;
    Ok(Json(state.services()?.datasets.view(id).await?))
}
