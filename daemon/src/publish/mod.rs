//! Publishing: bringing a finished episode into a media library.

mod engine;
pub mod library;

pub use engine::{Library, has_place, paths};
pub use library::unpublish;
