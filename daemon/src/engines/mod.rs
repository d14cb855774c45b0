//! Engines: programs that make something.

pub mod comfy;
pub mod draft;
