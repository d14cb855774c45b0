//! Draft engines: previsualisation on the CPU, with nothing installed but this program and espeak-ng.

pub mod judge;
pub mod music;
pub mod stills;
pub mod voice;
pub mod clips;
