//! Format: how a type of story is shaped.

use serde::Deserialize;
use studio_core::{
    story::Bounds,
    units::{Fps, Size},
};

use super::BadConfig;
use crate::text_file;

/// How a story type is made: picture shape and rate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// `WIDTHxHEIGHT`.
    size: String,
    /// Pictures per second.
    fps: u32,
    /// Subtitles drawn into the picture.
    #[serde(default)]
    pub burn_in: bool,
    /// How long a story is and how many scenes it has, for whoever writes one.
    #[serde(default)]
    pub story: Option<Bounds>,
}

/// Formats that come with the program.
pub const FORMATS: [(&str, &str); 6] = [
    ("series", include_str!("../../../formats/series.toml")),
    ("vertical", include_str!("../../../formats/vertical.toml")),
    ("preview", include_str!("../../../formats/preview.toml")),
    ("cliffhanger", include_str!("../../../formats/cliffhanger.toml")),
    ("ad", include_str!("../../../formats/ad.toml")),
    ("board", include_str!("../../../formats/board.toml")),
];

impl Format {
    /// A format by name, or from a file when the name has a dot or a slash.
    pub fn named(name: &str) -> Result<Self, BadConfig> {
        let text = match FORMATS.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => (*text).to_owned(),
            None if name.contains(['.', '/']) => text_file::read(name)
                .map_err(|error| BadConfig::new(name, format!("format cannot be read: {error}")))?,
            None => {
                let known: Vec<&str> = FORMATS.iter().map(|(known, _)| *known).collect();
                let why = format!("unknown format; there are {}, or give the path of a .toml file", known.join(", "));
                return Err(BadConfig::new(name, why));
            }
        };
        let format: Self = toml::from_str(&text).map_err(|error| BadConfig::new(name, error))?;
        format.size().map_err(|error| BadConfig::new(name, error))?;
        if let Some(wrong) = format.story.as_ref().map(Bounds::wrong).filter(|wrong| !wrong.is_empty()) {
            return Err(BadConfig::new(name, format!("[story]: {}", wrong.join("; "))));
        }
        if !(1..=120).contains(&format.fps) {
            return Err(BadConfig::new(name, format!("fps is {}; it must be 1 to 120", format.fps)));
        }
        Ok(format)
    }

    /// Picture size of films in it.
    ///
    /// # Errors
    /// What stands there is no size.
    pub fn size(&self) -> Result<Size, studio_core::units::BadSize> {
        self.size.parse()
    }

    /// Pictures a second of films in it.
    pub fn fps(&self) -> Fps {
        Fps::whole(self.fps)
    }
}
