//! Draft engines: previsualisation on the CPU, with nothing installed but this program and espeak-ng.
//!
//! A crate of its own: what draws and composes is compiled for speed, whatever the daemon is compiled for.
#![deny(unsafe_code)]

pub mod artwork;
pub mod clips;
pub mod judge;
pub mod music;
pub mod stills;
pub mod voice;
