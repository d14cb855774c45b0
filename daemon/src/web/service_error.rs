//! Service error: why something that the settings decide cannot be done, and which refusal that is.

use studio_core::ids::PictureId;

use super::{
    problem::{Code, Problem},
    training_refused::TrainingRefused,
};
use crate::{conductor, store};

/// Most pictures that are named for one review; of those that fit there may be any number.
pub const MOST_REVIEWED: usize = 500;

/// Why something cannot be done.
#[derive(Debug)]
pub enum ServiceError {
    /// What was asked for is not possible.
    Usage(String),
    /// What came has mistakes, one sentence each.
    Mistakes(Vec<String>),
    /// By its content what came is something else.
    WrongKind(String),
    /// More came than is taken.
    TooLarge(String),
    /// Nobody can do it at the moment: a server is away, the disk is full, a model did not manage it.
    Unable(String),
    /// The settings lack what the sentence names: no use in trying again.
    NotConfigured(String),
    /// Of this dataset nothing is approved.
    NothingApproved(String),
    /// The studio itself could not.
    Broken(String),
    /// What was asked for is not there, or the store failed.
    Store(store::Error),
    /// The conductor refuses it, or is away.
    Conductor(conductor::Error),
    /// A video is not taken in.
    Ingest(IngestRefused),
    /// The judge is not asked.
    Review(ReviewRefused),
    /// Nothing is trained, or done with a LoRA.
    Training(TrainingRefused),
}

/// Why a video is not taken in, or not stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IngestRefused {
    /// As many as may wait are waiting.
    #[error("{most} videos wait already; wait for one of them, or stop one")]
    TooMany {
        /// How many may wait.
        most: usize,
    },
    /// It is over.
    #[error("it is over already, and cannot be stopped")]
    Over,
    /// The program that fetches is not installed.
    #[error(
        "{program} is not installed, and nothing is fetched without it; install it, name it in datasets.fetch_program, or send the file"
    )]
    NoDownloader {
        /// What the settings call it.
        program: String,
    },
    /// The address is of the house, or leads there.
    #[error("{host} is, or leads to, an address of the house, and nothing is fetched there; send the file")]
    House {
        /// Name or address of the host.
        host: String,
    },
}

impl From<ServiceError> for Problem {
    fn from(unwilling: ServiceError) -> Self {
        match unwilling {
            ServiceError::Usage(why) => Self::bad_request(why),
            ServiceError::WrongKind(why) => Self::wrong_kind(why),
            ServiceError::TooLarge(why) => Self::too_large(&why),
            ServiceError::Mistakes(lines) => Self::mistakes(lines.join("\n")),
            ServiceError::Unable(why) => Self::unavailable(why),
            ServiceError::NotConfigured(why) => Self::conflict(Code::NotConfigured, why),
            ServiceError::NothingApproved(why) => Self::conflict(Code::NothingApproved, why),
            ServiceError::Broken(why) => Self::internal(why),
            ServiceError::Store(error) => error.into(),
            ServiceError::Conductor(error) => error.into(),
            ServiceError::Ingest(refused) => refused.into(),
            ServiceError::Review(refused) => refused.into(),
            ServiceError::Training(refused) => refused.into(),
        }
    }
}

/// Why the judge is not asked about pictures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewRefused {
    /// No picture is meant that the judge is not asked about already.
    #[error("no picture fits that the judge is not asked about already; name others, or another state")]
    Nothing,
    /// More are named than may be.
    #[error(
        "{found} pictures are named, and at most {MOST_REVIEWED} may be; name fewer, or a state, which takes any number"
    )]
    TooMany {
        /// How many are named.
        found: usize,
    },
    /// A picture is named that is in another dataset.
    #[error("picture {picture} is not in this dataset; leave it out")]
    Elsewhere {
        /// Which of those that are named.
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

impl From<TrainingRefused> for ServiceError {
    fn from(refused: TrainingRefused) -> Self {
        Self::Training(refused)
    }
}

#[cfg(test)]
mod tests {
    use axum::{http::StatusCode, response::IntoResponse};

    use super::*;

    #[test]
    fn what_the_settings_lack_is_refused_for_good() {
        let lacks = || Problem::from(ServiceError::NotConfigured("name a text model".into()));
        let (code, said) = lacks().told();
        assert_eq!((code.word().as_str(), said.as_str()), ("not_configured", "name a text model"));
        // The page tries again what answers with 500 and more.
        assert_eq!(lacks().into_response().status(), StatusCode::CONFLICT);
    }
}
