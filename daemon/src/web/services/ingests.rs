//! Ingests: why a video is not taken in.

use super::ServiceError;
use crate::web::problem::{Code, Problem};

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

impl From<IngestRefused> for ServiceError {
    fn from(refused: IngestRefused) -> Self {
        Self::Ingest(refused)
    }
}

impl From<IngestRefused> for Problem {
    fn from(refused: IngestRefused) -> Self {
        let detail = refused.to_string();
        match refused {
            IngestRefused::TooMany { .. } => Self::conflict(Code::TooManyIngests, detail),
            IngestRefused::Over => Self::conflict(Code::IngestOver, detail),
            IngestRefused::NoDownloader { .. } => Self::conflict(Code::NoDownloader, detail),
            IngestRefused::House { .. } => Self::house_address(detail),
        }
    }
}
