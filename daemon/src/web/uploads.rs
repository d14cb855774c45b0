//! Uploads: files of the user's, streamed to disk, known by what they contain and not by their name.

use std::path::{Path, PathBuf};

use axum::{
    Json,
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::IntoResponse,
};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use studio_core::{
    ids::ProjectId,
    journal::EventKind,
    order::{Output, Role},
};
use tokio::io::AsyncWriteExt;
use utoipa::{IntoParams, ToSchema};

use super::{
    doors::{Reader, Writer},
    problem::Problem,
    services::Arrived,
};
use crate::store;

/// Largest project archive, in bytes.
const ARCHIVE: u64 = 256 << 30;
/// Left free on the disk, whatever comes, in bytes.
const SPARE: u64 = 1 << 30;
/// As much of a file as is needed to see what it is.
const HEAD: usize = 8192;
/// What a file that comes is called while it does.
const NAME: &str = "file";
/// Longest name of a file that is kept with what came of it, in characters.
const LONGEST_NAME: usize = 200;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum For {
    /// A picture: a reference, or one in place of a still.
    Picture,
    /// A clip, in place of one.
    Video,
    /// A recording: a voice, or music.
    Sound,
}

/// What a file is for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Upload {
    /// What it is for.
    #[param(inline)]
    role: For,
}

/// A file that is kept now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Uploaded {
    output: Output,
}

/// Takes a picture (64 MiB), a recording (1 GiB) or a clip (8 GiB) among the kept files; the body is the file itself.
///
/// What it is, is read from its content. The same file again is the same asset.
#[utoipa::path(post, path = "/api/uploads", tag = "assets", params(Upload),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 201, body = Uploaded)))]
pub async fn upload(
    _: Writer,
    State(state): State<super::AppState>,
    what: Result<Query<Upload>, QueryRejection>,
    body: Body,
) -> Result<(StatusCode, Json<Uploaded>), Problem> {
    let Query(Upload { role }) = what?;
    let role = match role {
        For::Picture => Role::Picture,
        For::Video => Role::Video,
        For::Sound => Role::Sound,
    };
    let output = kept(&state, body, role).await?;
    Ok((StatusCode::CREATED, Json(Uploaded { output })))
}

/// Takes a body among the kept files as what `role` asks for, by its content: the one gate of uploads.
pub(super) async fn kept(state: &super::AppState, body: Body, role: Role) -> Result<Output, Problem> {
    let media = &state.services()?.media;
    let came = Came::receive(state, body, media.most(role)).await?;
    let ending = infer::get(&came.head).map_or("bin", |kind| kind.extension());
    let named = came.room.path().join(format!("upload.{ending}"));
    tokio::fs::rename(came.file(), &named).await.map_err(|error| Problem::internal(error.to_string()))?;
    Ok(media.keep(&named, role).await?)
}

/// A file that came, in a folder of its own that goes with this.
pub(super) struct Came {
    room: tempfile::TempDir,
    /// Its first bytes, by which it is seen what it is.
    head: Vec<u8>,
}

impl Came {
    /// Streams a body of at most so many bytes to a file.
    pub(super) async fn receive(state: &super::AppState, body: Body, most: u64) -> Result<Self, Problem> {
        let room = tempfile::Builder::new()
            .prefix("upload-")
            .tempdir_in(state.data.work())
            .map_err(|error| Problem::unavailable(format!("the disk cannot take files: {error}")))?;
        let head = receive(state, body, &room.path().join(NAME), most).await?;
        Ok(Self { room, head })
    }

    /// The file itself. The name is ours: nothing of what the client calls it becomes a path.
    pub(super) fn file(&self) -> PathBuf {
        self.room.path().join(NAME)
    }
}

/// What a file is called, as it is kept beside what came of it: only shown.
pub(super) fn shown_name(name: &str) -> String {
    name.chars().filter(|sign| !sign.is_control()).take(LONGEST_NAME).collect()
}

/// Streams a body to a file; its first bytes are returned.
async fn receive(state: &super::AppState, body: Body, to: &Path, most: u64) -> Result<Vec<u8>, Problem> {
    let failed = |error: std::io::Error| Problem::unavailable(format!("the file cannot be written: {error}"));
    let free = state.data.free_bytes().map_err(failed)?.saturating_sub(SPARE);
    let (mut file, mut head) = (tokio::fs::File::create(to).await.map_err(failed)?, Vec::new());
    let (mut stream, mut bytes) = (body.into_data_stream(), 0u64);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| Problem::bad_request(format!("the upload broke off: {error}")))?;
        bytes += chunk.len() as u64;
        if bytes > most {
            return Err(Problem::too_large(&format!("send at most {} MiB", most >> 20)));
        }
        if bytes > free {
            return Err(Problem::unavailable("the disk is nearly full; make room, then send the file again"));
        }
        let wanted = HEAD.saturating_sub(head.len()).min(chunk.len());
        head.extend_from_slice(&chunk[..wanted]);
        file.write_all(&chunk).await.map_err(failed)?;
    }
    if bytes == 0 {
        return Err(Problem::bad_request("nothing came; the body is the file itself"));
    }
    file.flush().await.map_err(failed)?;
    Ok(head)
}

/// Takes a project from an archive that `export` wrote; the body is the .tar file itself.
#[utoipa::path(post, path = "/api/projects/import", tag = "projects",
    request_body(content = String, content_type = "application/x-tar"),
    responses((status = 201, body = Arrived)))]
pub async fn import(
    _: Writer,
    State(state): State<super::AppState>,
    body: Body,
) -> Result<(StatusCode, Json<Arrived>), Problem> {
    let archives = &state.services()?.archives;
    let came = Came::receive(&state, body, ARCHIVE).await?;
    if infer::get(&came.head).is_none_or(|kind| kind.extension() != "tar") {
        return Err(Problem::wrong_kind("by its content this is no project archive; 'studiod export' writes one"));
    }
    let arrived = archives.import(&came.file()).await?;
    let mut tx = state.db.begin().await?;
    state.changed(&mut tx, EventKind::ProjectChanged, &arrived.project.id.to_string()).await?;
    tx.commit().await?;
    state.tell();
    Ok((StatusCode::CREATED, Json(arrived)))
}

/// A project with its episodes and everything that was made for them, as one archive, with its datasets; pictures without a name stay behind.
#[utoipa::path(get, path = "/api/projects/{id}/archive", tag = "projects", params(("id" = ProjectId, Path)),
    responses((status = 200, description = "the archive", content_type = "application/x-tar")))]
pub async fn export(
    door: Reader<ProjectId>,
    State(state): State<super::AppState>,
) -> Result<impl IntoResponse, Problem> {
    let id = door.of;
    let project = store::projects::get(&state.db, id).await?;
    let internal = |error: std::io::Error| Problem::unavailable(format!("the archive cannot be written: {error}"));
    let file = tempfile::Builder::new().prefix("export-").tempfile_in(state.data.work()).map_err(internal)?;
    let path = file.into_temp_path();
    state.services()?.archives.export(&project.slug, &path).await?;
    let open = tokio::fs::File::open(&path).await.map_err(internal)?;
    let length = open.metadata().await.map_err(internal)?.len();
    // The name goes now, the content with the last byte that is read.
    drop(path);
    let headers = [
        (header::CONTENT_TYPE, "application/x-tar".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.tar\"", project.slug)),
    ];
    Ok((headers, Body::from_stream(tokio_util::io::ReaderStream::new(open))))
}
