//! Draft engines: previsualisation on the CPU, with nothing installed but this program and espeak-ng.

pub mod artwork;
pub mod clips;
pub mod judge;
pub mod music;
pub mod stills;
pub mod voice;
