//! `/api/import`: a screenplay comes in, an episode begins.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{
        Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use studio_core::ids::EpisodeId;
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use crate::{conductor::Produce, edge::Boxed};

/// Largest screenplay, in bytes: as much as the parser takes.
pub const LARGEST: usize = 10 * 1024 * 1024;

/// What somebody wants of a screenplay; what is left open it and the settings say.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// The show; without it the title page's Show, else its Title.
    pub project: Option<String>,
    /// Season, 0 to 199.
    pub season: Option<u32>,
    /// Number in the season, from 1.
    pub episode: Option<u32>,
    /// Name of a format: `series`, `vertical`, `preview`, ...
    pub format: Option<String>,
    /// Picture size, `WIDTHxHEIGHT`.
    pub size: Option<String>,
    /// Only the built-in draft engines.
    pub draft: bool,
    /// Use what was learned since the episode was made first.
    pub relearn: bool,
}

/// Why a screenplay cannot be produced.
#[derive(Debug)]
pub enum Unwilling {
    /// What was asked for is not possible.
    Usage(String),
    /// The screenplay has mistakes, one sentence each.
    Mistakes(Vec<String>),
    /// The studio itself could not.
    Broken(String),
}

/// Who makes a production of a screenplay: the settings decide, which are not the web's matter.
pub trait Producer: Send + Sync {
    /// The production.
    fn production<'a>(&'a self, text: &'a [u8], wanted: Wanted) -> Boxed<'a, Result<Produce, Unwilling>>;
}

/// Somebody who makes productions, when there is anybody.
pub type AnyProducer = Option<Arc<dyn Producer>>;

/// An episode that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct Begun {
    episode: EpisodeId,
}

/// Begins an episode from a screenplay in Fountain; the body is its text, at most 10 MiB.
///
/// Mistakes are answered one on a line, with line and column.
#[utoipa::path(post, path = "/api/import", tag = "episodes", params(Wanted),
    request_body(content = String, content_type = "text/plain"), responses((status = 202, body = Begun), Problem))]
pub async fn import(
    State(state): State<super::State>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    text: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Begun>), Problem> {
    let Query(wanted) = wanted?;
    let text = text?;
    let Some(producer) = &state.producer else {
        return Err(Problem::unavailable("this studio makes no productions of its own"));
    };
    let produce = producer.production(&text, wanted).await.map_err(|unwilling| match unwilling {
        Unwilling::Usage(why) => Problem::bad_request(why),
        Unwilling::Mistakes(lines) => Problem::mistakes(lines.join("\n")),
        Unwilling::Broken(why) => Problem::internal(why),
    })?;
    let episode = state.conductor.produce(produce).await?;
    Ok((StatusCode::ACCEPTED, Json(Begun { episode })))
}
