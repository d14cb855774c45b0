//! Publishing: bringing a finished episode into a media library.

pub mod library;
