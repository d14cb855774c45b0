//! Ingest: a video that was sent, or is fetched from an address, whose frames become pictures of a dataset.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{CharacterId, IngestId},
    units::{Millis, Size},
};

/// Most frames of one video that become pictures.
pub const MOST_FRAMES: u32 = 200;
/// Longest video that is fetched from an address, in seconds.
pub const LONGEST_SECONDS: u64 = 1800;

/// A video on its way into a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Ingest {
    /// Identity of the ingest, a uuid v7.
    pub id: IngestId,
    /// Whose dataset its frames go into.
    pub character_id: CharacterId,
    /// Where the video is from.
    pub source: IngestSource,
    /// Which part of it is looked at, and how many frames are taken.
    pub excerpt: Excerpt,
    /// Whether it is over, and how it ended.
    pub state: IngestState,
    /// How far it is.
    pub progress: IngestProgress,
    /// What came of it until now.
    pub counts: IngestCounts,
    /// Why it failed; `None` when it did not.
    pub fault: Option<IngestFault>,
    /// When it was asked for.
    pub created: Millis,
    /// When it was begun; `None`: it waits for its turn.
    pub began: Option<Millis>,
    /// When it ended; `None`: it has not.
    pub ended: Option<Millis>,
}

/// Where a video is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum IngestSource {
    /// Somebody sent it.
    Video {
        /// Its file's name.
        name: String,
    },
    /// It is fetched from an address.
    Url {
        /// The address, as it was given.
        url: String,
        /// What the site calls it; empty until that is known.
        #[serde(default)]
        title: String,
        /// That it may be used.
        rights: Rights,
    },
}

/// What was said of the right to use a video; asked once, kept with it and with each of its pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Rights {
    /// Who asked for it said that they may use it; nothing is fetched without.
    pub may_use: bool,
    /// When that was said.
    pub at: Millis,
    /// The licence the site names; empty when it names none.
    #[serde(default)]
    pub licence: String,
}

/// Which part of a video is looked at, and how many frames are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Excerpt {
    /// Where it begins, in milliseconds from the start of the video.
    pub from_ms: u64,
    /// Where it ends, in the same way; `None`: with the video.
    pub to_ms: Option<u64>,
    /// Most frames that are taken, 1..=200.
    pub most: u32,
}

impl Excerpt {
    /// What is wrong with it, in one sentence.
    ///
    /// # Errors
    /// It ends before it begins, or takes too few or too many frames.
    pub fn check(&self) -> Result<(), String> {
        if self.to_ms.is_some_and(|to| to <= self.from_ms) {
            return Err("the range ends before it begins; give a to_s that is greater than from_s".into());
        }
        if self.most == 0 || self.most > MOST_FRAMES {
            return Err(format!("max is {}; take 1 to {MOST_FRAMES} frames of a video", self.most));
        }
        Ok(())
    }
}

/// Whether an ingest is over, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum IngestState {
    /// It waits for its turn: they are taken in one after the other.
    Waiting,
    /// It is being taken in; a restart goes on with it.
    Running,
    /// All its frames are there.
    Done,
    /// It came to nothing, or only in part.
    Failed,
    /// Somebody stopped it; what had arrived stays.
    Cancelled,
}

impl IngestState {
    /// It is not over.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

/// How far an ingest is: which step, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct IngestProgress {
    /// What is being done.
    pub step: IngestStep,
    /// How much of it is done: bytes, milliseconds of the video, or frames.
    pub done: u64,
    /// How much there is to do, in the same unit; 0: that is not known.
    pub of: u64,
}

/// A step of an ingest; each counts in its own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum IngestStep {
    /// The video is fetched; counted in bytes.
    Fetch,
    /// The video is looked through; counted in milliseconds of it.
    Look,
    /// Chosen frames are taken out of it; counted in frames.
    Take,
}

/// What came of an ingest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct IngestCounts {
    /// Frames that became pictures.
    pub arrived: u32,
    /// Frames the dataset had already, to the pixel.
    pub duplicates: u32,
    /// Frames that could not be used.
    pub refused: u32,
}

/// Why an ingest came to nothing, or only in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum IngestFault {
    /// By its content it is something else.
    NoVideo,
    /// It is cut off or broken, or coded in a way that nothing here decodes.
    Damaged {
        /// What the decoder says.
        said: String,
    },
    /// It has not a single picture.
    NoPictures,
    /// The range begins where the video has ended.
    Outside {
        /// Where the range begins, in milliseconds.
        from_ms: u64,
        /// How long the video is, in milliseconds.
        length_ms: u64,
    },
    /// Its pictures are too small.
    Small {
        /// Their width and height in pixels.
        size: Size,
        /// What the shorter side needs at least, in pixels.
        least: u32,
    },
    /// Nothing but black, fades and blur was found in it.
    Nothing,
    /// The file is not there any more.
    Gone,
    /// The disk is full.
    DiskFull,
    /// The address is one of the house, or leads to one.
    House {
        /// Name or address of the host.
        host: String,
    },
    /// Nothing is known by that name.
    UnknownHost {
        /// Name of the host.
        host: String,
    },
    /// The program that fetches is not there.
    NoProgram {
        /// What the settings call it.
        program: String,
    },
    /// It is not over yet, so it has no end.
    Live,
    /// It is too long.
    Long {
        /// How long it is, in seconds.
        seconds: u64,
        /// What is fetched at most, in seconds.
        most: u64,
    },
    /// It is too large.
    Large {
        /// What is fetched at most, in MiB.
        most_mib: u64,
    },
    /// Fetching took too long.
    Slow {
        /// How long it may take, in seconds.
        seconds: u64,
    },
    /// The site does not give it.
    Refused {
        /// How the site puts it.
        how: FetchRefusal,
    },
    /// The program ended well and left no file.
    NoFile,
    /// Something else went wrong.
    Broken {
        /// What was said of it.
        said: String,
    },
}

/// Why a site does not give a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum FetchRefusal {
    /// Only those who are logged in may see it.
    Login,
    /// It is private.
    Private,
    /// It is not there, or not any more.
    Unavailable,
    /// It is not shown in this country.
    Region,
    /// Too much was asked of the site.
    TooOften,
    /// It is protected against copies.
    Protected,
    /// The site forbids it.
    Forbidden,
    /// Nothing is known of such a site.
    Unsupported,
    /// It is in no form that is taken.
    Format,
}

impl fmt::Display for FetchRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Login => "the site shows it only to those who are logged in; download it there and send the file",
            Self::Private => "it is private; ask whoever owns it for the file",
            Self::Unavailable => "it is not there; look at the address",
            Self::Region => "the site does not show it in this country",
            Self::TooOften => "the site has been asked too often; try again tomorrow",
            Self::Protected => "it is protected against copies, and is not fetched",
            Self::Forbidden => "the site forbids it",
            Self::Unsupported => {
                "nothing is known of this site, or it has no video there; download it and send the file"
            }
            Self::Format => "it is in no form that is taken; download it and send the file",
        })
    }
}

/// Seconds as people say them: `75.5 s`.
fn seconds(ms: u64) -> String {
    let whole = format!("{:.1}", ms as f64 / 1000.0);
    format!("{} s", whole.trim_end_matches(".0"))
}

impl fmt::Display for IngestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVideo => {
                f.write_str("by its content it is no video that can be read; save it as MP4, Matroska or WebM")
            }
            Self::Damaged { said } => write!(f, "it cannot be read to its end: {said}; save it again as MP4"),
            Self::NoPictures => f.write_str("there is not a single picture in it; look whether it is the right file"),
            Self::Outside { from_ms, length_ms } => write!(
                f,
                "the range begins at {}, and the video is {} long; choose an earlier one",
                seconds(*from_ms),
                seconds(*length_ms)
            ),
            Self::Small { size, least } => write!(
                f,
                "its pictures have {}x{} pixels, and each side needs at least {least}; send a larger one",
                size.width, size.height
            ),
            Self::Nothing => f.write_str("nothing but black, fades and blur is in it; choose another part of it"),
            Self::Gone => f.write_str("its file is gone; send it again"),
            Self::DiskFull => f.write_str("the disk is full; make room and send it again"),
            Self::House { host } => {
                write!(
                    f,
                    "{host} is, or leads to, an address of the house, and nothing is fetched there; send the file"
                )
            }
            Self::UnknownHost { host } => write!(f, "nothing is known by the name {host}; look at the address"),
            Self::NoProgram { program } => write!(
                f,
                "{program} is not installed, and nothing is fetched without it; install it, or name it in datasets.fetch_program"
            ),
            Self::Live => f.write_str("it is still going on; wait until it is over"),
            Self::Long { seconds, most } => {
                write!(f, "it is {seconds} s long, and at most {most} s are fetched; download it and send the file")
            }
            Self::Large { most_mib } => {
                write!(f, "it has more than {most_mib} MiB; raise datasets.fetch_mib, or download it and send the file")
            }
            Self::Slow { seconds } => {
                write!(f, "it was not there after {seconds} s; try again, or raise datasets.fetch_s")
            }
            Self::Refused { how } => how.fmt(f),
            Self::NoFile => f.write_str("nothing was fetched, and nobody says why; download it and send the file"),
            Self::Broken { said } => write!(f, "it went wrong: {said}; try again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_must_not_end_before_it_begins() {
        let whole = Excerpt { from_ms: 0, to_ms: None, most: MOST_FRAMES };
        assert_eq!(whole.check(), Ok(()));
        assert_eq!(Excerpt { from_ms: 10_000, to_ms: Some(20_000), most: 1 }.check(), Ok(()));
        for wrong in [
            Excerpt { from_ms: 10_000, to_ms: Some(10_000), ..whole },
            Excerpt { most: 0, ..whole },
            Excerpt { most: MOST_FRAMES + 1, ..whole },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn faults_are_sentences_with_their_numbers() {
        let outside = IngestFault::Outside { from_ms: 80_000, length_ms: 62_480 };
        assert_eq!(
            outside.to_string(),
            "the range begins at 80 s, and the video is 62.5 s long; choose an earlier one"
        );
        let json = serde_json::to_value(&outside).unwrap();
        assert_eq!(json["why"], "outside");
        assert_eq!(serde_json::from_value::<IngestFault>(json).unwrap(), outside);
    }
}
