//! Media: the parent's side of the child process (`studiod media`); the child itself is the crate `studio-media`.

mod child;
pub mod engine;

pub use child::ChildProcess;
