//! Identities: uuid v7 for things that happen or are made, content hashes for files and for work.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a {what} id")]
pub struct BadId {
    what: &'static str,
    text: String,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = String, pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"))]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.hyphenated().fmt(f) }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Uuid::parse_str(text).map(Self).map_err(|_| BadId { what: $what, text: text.to_owned() })
            }
        }
    )*};
}

ids! {
    /// A series or a film.
    ProjectId, "project";
    /// Somebody who appears or speaks.
    CharacterId, "character";
    /// A place where scenes happen.
    LocationId, "location";
    /// One place and time of an episode.
    SceneId, "scene";
    /// One clip of a scene.
    ShotId, "shot";
    /// One attempt at a shot's picture or clip.
    TakeId, "take";
    /// Ordered scenes that make one file in the library.
    EpisodeId, "episode";
    /// One unit of durable work for one engine.
    TaskId, "task";
    /// One execution of a task; chosen and stored before the engine hears of it.
    AttemptId, "attempt";
    /// One automatic decision, with its reason.
    DecisionId, "decision";
    /// A token that was given out.
    TokenId, "token";
    /// An idea that becomes a screenplay.
    StoryId, "story";
    /// A picture of a character's dataset.
    PictureId, "picture";
    /// A video, or an address, whose frames become pictures of a dataset.
    IngestId, "ingest";
    /// A picture of a reference sheet.
    PortraitId, "portrait";
    /// A picture that came without a name.
    UnnamedId, "picture without a name";
    /// A review of many pictures of a dataset.
    ReviewId, "review";
    /// One run that trains a LoRA on a dataset.
    TrainingId, "training";
    /// A picture made to find out how good a LoRA is.
    ProbeId, "probe";
    /// A LoRA the studio looks after.
    LoraId, "LoRA";
}

/// SHA-256 of bytes, written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = String, pattern = "^[0-9a-f]{64}$"))]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The first eight bytes as a number: a stable seed from a stable name.
    pub fn leading_u64(&self) -> u64 {
        self.0[..8].iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentHash {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let bad = || BadId { what: "content", text: text.to_owned() };
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(bad());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for ContentHash {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_survives_its_text() {
        let hash = ContentHash::of(b"take one");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert!("xyz".parse::<ContentHash>().is_err());
        assert!("A".repeat(64).parse::<ContentHash>().is_err(), "upper case would give one file two names");
    }
}
