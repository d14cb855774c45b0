//! `/api/pictures/{id}/history`: what a picture of a dataset was made from, and what it led to.

use axum::{Json, extract::State};
use serde::Serialize;
use studio_core::{
    asset::AssetRef,
    ids::{ContentHash, PictureId, TrainingId},
};
use utoipa::ToSchema;

use super::{doors::Reader, problem::Problem};
use crate::store::{
    self,
    picture_history::{Related, RelatedKind},
};

/// Something that a picture was made from, or that was made from it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RelatedFile {
    what: RelatedKind,
    /// Its id among pictures, portraits or takes.
    id: String,
    file: AssetRef,
}

/// What a picture was made from, and what it led to, within its project, the newest first; of each at most 100.
#[derive(Debug, Serialize, ToSchema)]
pub struct PictureHistory {
    /// References, and the picture it began from.
    made_from: Vec<RelatedFile>,
    /// What was made from it.
    led_to: Vec<RelatedFile>,
    /// Runs that are, or were, trained on it.
    trained: Vec<TrainingId>,
}

/// The history of a picture: back to what it was made from, and forward to what was made from it.
#[utoipa::path(get, path = "/api/pictures/{id}/history", tag = "pictures", params(("id" = PictureId, Path)),
    responses((status = 200, body = PictureHistory)))]
pub async fn history(
    door: Reader<PictureId>,
    State(state): State<super::AppState>,
) -> Result<Json<PictureHistory>, Problem> {
    let picture = store::dataset_pictures::get(&state.db, door.of).await?;
    let project = store::characters::get(&state.db, picture.character_id).await?.project_id;
    let (db, file): (_, ContentHash) = (&state.db, picture.file.hash);
    let shown = |all: Vec<Related>| {
        all.into_iter().map(|Related { what, id, file }| RelatedFile { what, id: id.to_string(), file })
    };
    Ok(Json(PictureHistory {
        made_from: shown(store::picture_history::made_from(db, file, project).await?).collect(),
        led_to: shown(store::picture_history::led_to(db, file, project).await?).collect(),
        trained: store::picture_history::trained(db, file, project).await?,
    }))
}
