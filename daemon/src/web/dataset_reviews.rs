//! `/api/characters/{id}/dataset/reviews`, `/api/reviews`: the judge is asked about many pictures of a dataset at once.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use serde::Serialize;
use studio_core::{
    dataset::{Review, ReviewState, Visit},
    ids::{CharacterId, ReviewId},
};
use utoipa::ToSchema;

use super::{
    dataset_services::Meant,
    doors::{Reader, Reviewer},
    problem::Problem,
};
use crate::store;

/// A review of many pictures, and whether it is over.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = DatasetReviewView)]
pub struct ReviewView {
    review: Review,
    /// Whether it is over, and how it ended.
    state: ReviewState,
    /// Pictures of which it is known what came of them.
    done: u32,
}

impl From<Review> for ReviewView {
    fn from(review: Review) -> Self {
        Self { state: review.state(), done: review.counts.done(), review }
    }
}

/// Reviews of a dataset, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DatasetReviewList)]
pub struct ReviewList {
    reviews: Vec<ReviewView>,
}

/// Has many pictures of a dataset judged, or judged once more: those that are named, else all that fit. What a person decided
/// of them stays, whatever the judge says.
#[utoipa::path(post, path = "/api/characters/{id}/dataset/reviews", tag = "reviews",
    params(("id" = CharacterId, Path)), request_body = Meant, responses((status = 202, body = ReviewView)))]
pub async fn begin(
    door: Reviewer<CharacterId>,
    State(state): State<super::AppState>,
    meant: Result<Json<Meant>, JsonRejection>,
) -> Result<(StatusCode, Json<ReviewView>), Problem> {
    let (id, Json(meant)) = (door.of, meant?);
    let review = state.services()?.datasets.review_many(id, Visit::Judge, meant).await?;
    Ok((StatusCode::ACCEPTED, Json(review.into())))
}

/// The last 30 reviews of many pictures of a dataset, newest first.
#[utoipa::path(get, path = "/api/characters/{id}/dataset/reviews", tag = "reviews",
    params(("id" = CharacterId, Path)), responses((status = 200, body = ReviewList)))]
pub async fn list(
    door: Reader<CharacterId>,
    State(state): State<super::AppState>,
) -> Result<Json<ReviewList>, Problem> {
    store::characters::get(&state.db, door.of).await?;
    let reviews = store::dataset_reviews::of_character(&state.db, door.of).await?;
    Ok(Json(ReviewList { reviews: reviews.into_iter().map(ReviewView::from).collect() }))
}

/// How far a review of many pictures is, and what came of it.
#[utoipa::path(get, path = "/api/reviews/{id}", tag = "reviews", params(("id" = ReviewId, Path)),
    responses((status = 200, body = ReviewView)))]
pub async fn one(door: Reader<ReviewId>, State(state): State<super::AppState>) -> Result<Json<ReviewView>, Problem> {
    Ok(Json(store::dataset_reviews::get(&state.db, door.of).await?.into()))
}

/// Stops a review of many pictures. What is judged stays judged, and the rest stays as it was.
#[utoipa::path(post, path = "/api/reviews/{id}/cancel", tag = "reviews", params(("id" = ReviewId, Path)),
    responses((status = 200, body = ReviewView)))]
pub async fn cancel(
    door: Reviewer<ReviewId>,
    State(state): State<super::AppState>,
) -> Result<Json<ReviewView>, Problem> {
    Ok(Json(state.services()?.datasets.stop_review(door.of).await?.into()))
}
