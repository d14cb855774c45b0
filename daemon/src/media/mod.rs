//! Media: the parent's side of the child process (`studiod media`), and the child itself.

pub mod engine;
pub mod worker;
