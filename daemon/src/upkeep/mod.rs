//! Upkeep: what leaves the studio again, beside the making of films.

mod library;
mod retention;

pub use library::{Unpublished, leave_library, left_library};
pub use retention::{Tidied, tidy};

use crate::store;

/// Why something could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The disk failed.
    #[error("failed to tidy the studio's files: {0}")]
    Files(#[from] std::io::Error),
    /// Nothing of the episode is in a library.
    #[error("'{title}' is not in a library")]
    NotInLibrary {
        /// Title of the episode.
        title: String,
    },
}
