//! `/api/characters/{id}/dataset/reviews`, `/api/reviews`: the judge is asked about many pictures of a dataset at once.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    dataset::{Cell, Picture, PictureState, Review, ReviewState, Visit},
    ids::{CharacterId, PictureId, ReviewId},
};
use studio_engine::Boxed;
use utoipa::ToSchema;

use super::{
    doors::{Reader, Reviewer},
    problem::{Code, Problem},
    services::ServiceError,
};
use crate::store;

/// Most pictures of one review.
pub const MOST_REVIEWED: usize = 500;

/// Which pictures of a dataset are meant: those that are named, else all that fit; near-duplicates only when they are named.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = PicturesMeant)]
pub struct Meant {
    /// Exactly these, at most 500; none: all that the rest fits.
    pub pictures: Vec<PictureId>,
    /// Only those in this state.
    pub state: Option<PictureState>,
    /// Only those that show that, by axis.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub cell: Cell,
    /// Only those that nobody could judge until now.
    pub unreviewed: bool,
    /// Only those without a written caption.
    pub uncaptioned: bool,
}

impl Meant {
    /// Whether it is one of them.
    pub fn fits(&self, picture: &Picture) -> bool {
        if !self.pictures.is_empty() && !self.pictures.contains(&picture.id) {
            return false;
        }
        let shows = |(axis, word): (&String, &String)| picture.cell.get(axis) == Some(word);
        (picture.duplicate_of.is_none() || self.pictures.contains(&picture.id))
            && self.state.is_none_or(|state| state == picture.state)
            && self.cell.iter().all(shows)
            && (!self.uncaptioned || picture.caption.is_none())
            && (!self.unreviewed || picture.verdict.as_ref().is_none_or(|verdict| verdict.score.is_none()))
    }
}

/// Why the judge is not asked about pictures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewRefused {
    /// No picture is meant that the judge is not asked about already.
    #[error("no picture fits that the judge is not asked about already; name others, or another state")]
    Nothing,
    /// More are meant than are reviewed at a time.
    #[error(
        "{found} pictures fit, and at most {MOST_REVIEWED} are reviewed at a time; name a state, or fewer pictures"
    )]
    TooMany {
        /// How many are meant.
        found: usize,
    },
    /// A picture is named that is in another dataset.
    #[error("picture {picture} is not in this dataset; leave it out")]
    Elsewhere {
        /// Which one.
        picture: PictureId,
    },
    /// Nobody of the settings can see what a picture shows.
    #[error(
        "no vision model is among the settings, and only one sees what a picture shows; name one, e.g. ollama.vision = \"gemma3:12b\""
    )]
    NoEyes,
    /// It is over.
    #[error("the review is over already, and cannot be stopped")]
    Over,
}

impl From<ReviewRefused> for ServiceError {
    fn from(refused: ReviewRefused) -> Self {
        Self::Review(refused)
    }
}

impl From<ReviewRefused> for Problem {
    fn from(refused: ReviewRefused) -> Self {
        let detail = refused.to_string();
        match refused {
            ReviewRefused::Nothing => Self::conflict(Code::NothingToReview, detail),
            ReviewRefused::NoEyes => Self::conflict(Code::NoEyes, detail),
            ReviewRefused::TooMany { .. } | ReviewRefused::Elsewhere { .. } => Self::bad_request(detail),
            ReviewRefused::Over => Self::conflict(Code::ReviewOver, detail),
        }
    }
}

/// What the judge is asked about pictures of datasets.
pub trait Reviews: Send + Sync {
    /// Has pictures of a dataset judged, or described.
    fn review_many(
        &self,
        character: CharacterId,
        visit: Visit,
        meant: Meant,
    ) -> Boxed<'_, Result<Review, ServiceError>>;
    /// Stops a review; what is not judged yet stays as it is.
    fn stop_review(&self, id: ReviewId) -> Boxed<'_, Result<Review, ServiceError>>;
}

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
#[utoipa::path(post, path = "/api/characters/{id}/dataset/reviews", tag = "datasets",
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
#[utoipa::path(get, path = "/api/characters/{id}/dataset/reviews", tag = "datasets",
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
#[utoipa::path(get, path = "/api/reviews/{id}", tag = "datasets", params(("id" = ReviewId, Path)),
    responses((status = 200, body = ReviewView)))]
pub async fn one(door: Reader<ReviewId>, State(state): State<super::AppState>) -> Result<Json<ReviewView>, Problem> {
    Ok(Json(store::dataset_reviews::get(&state.db, door.of).await?.into()))
}

/// Stops a review of many pictures. What is judged stays judged, and the rest stays as it was.
#[utoipa::path(post, path = "/api/reviews/{id}/cancel", tag = "datasets", params(("id" = ReviewId, Path)),
    responses((status = 200, body = ReviewView)))]
pub async fn cancel(
    door: Reviewer<ReviewId>,
    State(state): State<super::AppState>,
) -> Result<Json<ReviewView>, Problem> {
    Ok(Json(state.services()?.datasets.stop_review(door.of).await?.into()))
}
