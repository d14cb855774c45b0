//! music.
