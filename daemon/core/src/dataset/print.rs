//! Print: what a picture is recognised by, in any other file, size or quality.

use std::fmt::Write as _;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::ids::ContentHash;

/// What a picture is recognised by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Print {
    /// How it was made, [`Self::MAKE`] now. One of another make is compared by what both have, and made anew when there is time.
    #[serde(default)]
    pub make: u8,
    /// 256 bits of its size and of its decoded pixels: the same picture in another file. Of make 0 it is their SHA-256, of make
    /// 1 that of the checksums of its rows.
    pub pixels: ContentHash,
    /// Perceptual hashes of parts of it; the first is of its subject.
    pub views: Vec<View>,
    /// Brightness varies too little to say anything: a flat picture is a copy of nothing but the same pixels.
    pub flat: bool,
    /// The picture itself, tiny: hashes say who is alike, this says whether it is the same.
    pub small: Small,
}

impl Print {
    /// How prints are made now.
    pub const MAKE: u8 = 1;

    /// Of a file that cannot be read as a picture: it is a copy of nothing but itself.
    pub fn unreadable(file: ContentHash) -> Self {
        Self {
            make: Self::MAKE,
            pixels: file,
            views: Vec::new(),
            flat: true,
            small: Small(vec![0; Small::SIDE * Small::SIDE]),
        }
    }
}

/// Two perceptual hashes of a part of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct View {
    /// Which part it is.
    pub part: Part,
    /// Where it is: left, top, right and bottom in ten-thousandths of the picture.
    pub area: [u16; 4],
    /// 256 bits: which frequencies of its brightness are above their median.
    pub dct: ContentHash,
    /// 256 bits: where it grows brighter from left to right.
    pub gradient: ContentHash,
}

/// Which part of a picture is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Part {
    /// What is left when plain ground around it is cut away.
    Subject,
    /// The same, right and left exchanged.
    Mirrored,
    /// The subject that would be seen if the picture were cut at all sides.
    Inner,
}

/// Brightness of a square grid of cells that covers a picture, row by row; as JSON two hexadecimal digits a cell.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct Small(Vec<u8>);

impl Small {
    /// Cells of a row, and rows.
    pub const SIDE: usize = 48;

    /// A grid of [`Self::SIDE`]² cells; `None` when there are more or fewer.
    pub fn new(cells: Vec<u8>) -> Option<Self> {
        (cells.len() == Self::SIDE * Self::SIDE).then_some(Self(cells))
    }

    /// The cells, row by row, 0 black.
    pub fn cells(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Small {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Small({})", ContentHash::of(&self.0))
    }
}

impl Serialize for Small {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(2 * self.0.len());
        for cell in &self.0 {
            write!(text, "{cell:02x}").expect("a text takes more");
        }
        to.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Small {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
        let cell = |pair: &[u8; 2]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let cells = pairs.iter().map(cell).collect::<Option<Vec<u8>>>().filter(|_| rest.is_empty());
        cells.and_then(Self::new).ok_or_else(|| D::Error::custom("a small picture has 48 x 48 cells of two digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_print_survives_its_json() {
        let hash = ContentHash::of(b"a face");
        let small = Small::new((0..Small::SIDE * Small::SIDE).map(|n| (n * 7) as u8).collect()).unwrap();
        let view = View { part: Part::Subject, area: [0, 0, 10_000, 10_000], dct: hash, gradient: hash };
        let print = Print { make: Print::MAKE, pixels: hash, views: vec![view], flat: false, small };
        let text = serde_json::to_string(&print).unwrap();
        assert_eq!(serde_json::from_str::<Print>(&text).unwrap(), print);
        let older = text.replacen("\"make\":1,", "", 1);
        assert_eq!(serde_json::from_str::<Print>(&older).unwrap().make, 0, "one of before has no make: {older}");
        assert!(serde_json::from_str::<Small>("\"00ff\"").is_err(), "too few cells");
        assert!(serde_json::from_str::<Small>(&format!("\"{}\"", "é".repeat(2_304))).is_err(), "no digits");
        assert_eq!(Small::new(vec![0; 5]), None);
    }
}
