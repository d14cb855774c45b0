//! Settings of reference sheets: what they have, and when the studio makes them by itself.

use schemars::JsonSchema;
use serde::Deserialize;
use studio_core::{units::Size, views::PortraitView};

/// `[portraits]`: reference sheets of characters, and establishing pictures of places.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Portraits {
    /// Width and height of portraits, e.g. `720x1280`; a model makes what it can nearest to it.
    pub size: String,
    /// What a sheet of a character has when it is asked for as a whole; a place always has its one picture.
    pub views: Vec<PortraitView>,
    /// What is made before a film begins, of everybody and every place in it that has no reference: views of characters, and
    /// `establishing` for places. Without any, nothing is.
    pub before: Vec<PortraitView>,
}

impl Default for Portraits {
    fn default() -> Self {
        Self { size: "720x1280".into(), views: PortraitView::OF_CHARACTERS.to_vec(), before: Vec::new() }
    }
}

impl Portraits {
    /// The size of portraits.
    ///
    /// # Errors
    /// It is no size, in one sentence.
    pub fn size(&self) -> Result<Size, String> {
        self.size.parse::<Size>().map_err(|error| format!("portraits.size: {error}"))
    }

    /// What no limit of a single value says.
    ///
    /// # Errors
    /// The size is none, or a sheet would be empty or show a place, in one sentence.
    pub fn check(&self) -> Result<(), String> {
        self.size()?;
        if self.views.is_empty() || self.views.contains(&PortraitView::Establishing) {
            return Err(
                "portraits.views names views of characters, such as full_body and face, and at least one".into()
            );
        }
        Ok(())
    }
}
