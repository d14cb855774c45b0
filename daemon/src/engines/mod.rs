//! Engines: programs that make something.

pub mod draft;
