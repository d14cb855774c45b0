//! `/api/images`: every kept picture, to choose from.

use axum::{Json, extract::State};
use serde::Serialize;
use studio_core::{
    ids::{ContentHash, EpisodeId, ProjectId},
    media::MediaFacts,
    order::AssetRef,
    production::Job,
    units::{Millis, Size},
};
use utoipa::ToSchema;

use super::{
    doors::{Listed, Reader},
    pagination::{Sort, list_query},
    problem::Problem,
};
use crate::store::{
    self,
    pictures::{self, From, Kept},
};

list_query! {
    /// Which kept pictures are asked for, and in which order.
    ListQuery of project episode {
        /// Only those made for this project.
        project: Option<ProjectId>,
        /// Only those made for this episode.
        episode: Option<EpisodeId>,
        /// Only those somebody uploaded (`outside`), or only those that were made here (`made`).
        #[param(inline)]
        from: Option<From>,
    }
    /// `newest` first, or `oldest`.
    sort: Sort,
    /// Only those that come after this one: the `next` of the page before.
    after: ContentHash,
}

/// A kept picture.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImageView {
    file: AssetRef,
    size: Size,
    /// Size of the file in bytes.
    bytes: u64,
    /// When it was kept first.
    created: Millis,
    /// The episode it was made for; `None` when it came from outside.
    episode: Option<EpisodeId>,
    /// Its place in the episode, e.g. `scene 1/shot 2/still/take 1`.
    slot: Option<String>,
    /// The same in parts.
    job: Option<Job>,
}

fn seen(kept: Kept) -> Option<ImageView> {
    let Kept { asset, episode, slot } = kept;
    let MediaFacts::Still { size } = asset.facts else { return None };
    let job = slot.as_deref().and_then(|path| path.parse().ok());
    Some(ImageView { file: asset.file, size, bytes: asset.bytes, created: asset.created, episode, slot, job })
}

/// One page of pictures.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImagePage {
    images: Vec<ImageView>,
    /// Where the next page begins; `None` on the last one.
    next: Option<ContentHash>,
}

/// Kept pictures; the files are at `/api/assets/{hash}`.
#[utoipa::path(get, path = "/api/images", tag = "images", params(ListQuery),
    responses((status = 200, body = ImagePage)))]
pub async fn list(
    door: Reader<Listed<ListQuery>>,
    State(state): State<super::AppState>,
) -> Result<Json<ImagePage>, Problem> {
    let Listed(which) = door.of;
    let asked = pictures::Filter {
        project: which.project,
        episode: which.episode,
        from: which.from,
        after: which.after,
        oldest_first: which.sort == Sort::Oldest,
        limit: which.limit.0,
    };
    let found = store::pictures::page(&state.db, &asked).await?;
    let next = which.limit.next(&found, |one| one.asset.file.hash);
    Ok(Json(ImagePage { images: found.into_iter().filter_map(seen).collect(), next }))
}
