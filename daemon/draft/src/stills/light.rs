//! Light: how the light of a scene falls on somebody.

use super::palette::{Colour, Palette};

/// The light on a figure, in the figure's own left and right.
#[derive(Debug, Clone, Copy)]
pub struct Light<'a> {
    /// The scene's colours.
    pub palette: &'a Palette,
    /// Where the light comes from: -1 left, 1 right.
    pub side: f32,
    /// Colour of the light, as rims and highlights show it.
    pub colour: Colour,
    /// How strong rims are, 0-1.
    pub rim: f32,
    /// How much of the colour is lost in the dark, 0 none, 1 a silhouette.
    pub dark: f32,
}

impl Light<'_> {
    /// A colour in the light.
    pub fn lit(&self, colour: Colour) -> Colour {
        self.palette.lit(colour).mix(self.palette.ink, self.dark)
    }

    /// A colour away from the light.
    pub fn shaded(&self, colour: Colour) -> Colour {
        self.palette.shaded(colour).mix(self.palette.ink, self.dark)
    }

    /// The darkest tone.
    pub fn ink(&self) -> Colour {
        self.palette.ink
    }
}
