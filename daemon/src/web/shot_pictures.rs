//! `/api/shots/{id}/pictures`: pictures of the datasets of who is in a shot, to begin it from.

use axum::{Json, extract::State};
use serde::Serialize;
use studio_core::{
    dataset::{Cell, CellFit, Coverage, Picture, asked_by, fit},
    ids::{CharacterId, ShotId},
    project::fold_name,
};
use utoipa::ToSchema;

use super::{doors::Reader, problem::Problem};
use crate::store;

/// Most pictures that are shown: a person looks through no more.
const MOST: usize = 200;

/// What a shot asks of the pictures of one who is in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShotAsks {
    character: CharacterId,
    name: String,
    /// What a picture should show, by axis of the coverage, as far as the shot says it.
    asked: Cell,
}

/// An approved picture, and how it compares with what the shot asks for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShotPicture {
    picture: Picture,
    fit: CellFit,
}

/// Approved pictures of who is in a shot.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShotPictures {
    /// Who is in the shot, in order of appearance.
    characters: Vec<ShotAsks>,
    /// The closest first, at most 200; near-duplicates are left out.
    pictures: Vec<ShotPicture>,
}

/// Approved pictures of who is in a shot, the closest to it first: to put one in place of its picture, or to have that made
/// from one (`POST /api/takes/{id}/hand`).
#[utoipa::path(get, path = "/api/shots/{id}/pictures", tag = "takes", params(("id" = ShotId, Path)),
    responses((status = 200, body = ShotPictures)))]
pub async fn of_shot(
    door: Reader<ShotId>,
    State(state): State<super::AppState>,
) -> Result<Json<ShotPictures>, Problem> {
    let shot = store::shots::get(&state.db, door.of).await?;
    let scene = store::scenes::get(&state.db, shot.scene_id).await?;
    let episode = store::episodes::get(&state.db, scene.episode_id).await?;
    let all = store::characters::of_project(&state.db, episode.project_id).await?;
    let (mut characters, mut pictures) = (Vec::new(), Vec::new());
    for name in &shot.plan.characters {
        let Some(one) = all.iter().find(|one| fold_name(&one.name) == fold_name(name)) else { continue };
        let dataset = store::datasets::get(&state.db, one.id).await?;
        let coverage = dataset.settings.axes.unwrap_or_else(Coverage::shipped);
        let asked = asked_by(&coverage, &scene.look, &shot.plan);
        for picture in store::dataset_pictures::of_character(&state.db, one.id).await? {
            if picture.is_trained_on() {
                pictures.push(ShotPicture { fit: fit(&coverage, &asked, &picture.cell), picture });
            }
        }
        characters.push(ShotAsks { character: one.id, name: one.name.clone(), asked });
    }
    pictures.sort_by_key(|one| {
        let lineage = std::cmp::Reverse(one.picture.lineage);
        std::cmp::Reverse((one.fit.close, one.fit.points, lineage, one.picture.id))
    });
    pictures.truncate(MOST);
    Ok(Json(ShotPictures { characters, pictures }))
}
