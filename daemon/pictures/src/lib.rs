//! Pictures from outside: checked by what they are, turned upright, compared with those that are there.
//!
//! A crate of its own: what counts pixels is compiled for speed, whatever the daemon is compiled for. It knows no store and no
//! network; files are read where a path is given, and written only into a folder that is given.
#![deny(unsafe_code)]

pub mod decode;
pub mod detail;
pub mod frames;
pub mod index;
pub mod metadata;
pub mod pack;
mod plane;
pub mod print;
mod register;
pub mod sharpness;
mod strip;
mod table;
pub mod whole;
pub mod zip;

pub use index::{Copy, Index};
pub use table::Thresholds;
