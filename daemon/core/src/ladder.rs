//! Ladder: what is done differently, one thing after another, when a card is full. It ends.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing to do differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Rung {
    /// Have the card's memory given back first.
    Free,
    /// Decode the pictures in tiles.
    TiledVae,
    /// Keep more of the card's memory free, streaming the weights instead (FramePack).
    PreserveMore,
    /// A quantised model (GGUF).
    Quantised,
    /// The base model's weights in eight bits, while a LoRA is trained.
    EightBitBase,
    /// An optimiser that keeps less in memory, while a LoRA is trained.
    LeanOptimiser,
    /// Two shorter clips, the second from the last picture of the first.
    FewerFrames,
    /// A LoRA of a lower rank.
    LowerRank,
    /// A smaller picture.
    SmallerSize,
    /// A picture smaller than that.
    SmallestSize,
    /// Another model that can do it.
    OtherEngine,
}

impl Rung {
    /// All of them, in the order they are tried: what costs the picture least comes first.
    pub const ORDER: [Self; 11] = [
        Self::Free,
        Self::TiledVae,
        Self::PreserveMore,
        Self::Quantised,
        Self::EightBitBase,
        Self::LeanOptimiser,
        Self::FewerFrames,
        Self::SmallerSize,
        Self::LowerRank,
        Self::SmallestSize,
        Self::OtherEngine,
    ];
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Free => "frees the card first",
            Self::TiledVae => "decodes in tiles",
            Self::PreserveMore => "keeps more of the card's memory free",
            Self::Quantised => "takes the quantised model",
            Self::EightBitBase => "trains on the base model in eight bits",
            Self::LeanOptimiser => "trains with an optimiser that needs less memory",
            Self::FewerFrames => "makes it in two shorter parts",
            Self::SmallerSize => "makes a smaller picture",
            Self::LowerRank => "trains a LoRA of a lower rank",
            Self::SmallestSize => "makes the smallest picture",
            Self::OtherEngine => "takes another model",
        })
    }
}

/// The next rung that is possible and was not tried; `None` when everything was tried: the task has failed.
pub fn next(tried: &[Rung], possible: &[Rung]) -> Option<Rung> {
    Rung::ORDER.into_iter().find(|rung| possible.contains(rung) && !tried.contains(rung))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rung_is_tried_once_in_order_and_it_ends() {
        let mut tried = Vec::new();
        while let Some(rung) = next(&tried, &Rung::ORDER) {
            tried.push(rung);
        }
        assert_eq!(tried, Rung::ORDER);
        assert_eq!(next(&[], &[Rung::SmallerSize, Rung::TiledVae]), Some(Rung::TiledVae));
        assert_eq!(next(&[Rung::TiledVae, Rung::SmallerSize], &[Rung::SmallerSize, Rung::TiledVae]), None);
    }
}
