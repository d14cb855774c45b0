//! Outputs: what an order led to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::SliceReport;
use crate::{
    asset::AssetRef,
    media::MediaFacts,
    review::Identity,
    spoken::Word,
    take::{Subject, Verdict},
    units::Frames,
    workflow::SlotValue,
};

/// What a file is in the result of its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the orders say which they make")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Role {
    Picture,
    Layer,
    Video,
    LastFrame,
    Sound,
    Srt,
    Vtt,
    Thumb,
    Poster,
    Fanart,
    Weights,
}

impl Role {
    /// The file of a take: what is seen, judged and chosen of it.
    pub fn of_take(subject: Subject) -> Self {
        match subject {
            Subject::Still => Self::Picture,
            Subject::Clip => Self::Video,
        }
    }
}

/// A file the studio keeps as the result of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Output {
    /// What it is.
    pub role: Role,
    /// The kept file: the hash of its content, and its extension.
    pub asset: AssetRef,
    /// What is known of it.
    pub facts: MediaFacts,
}

/// What an order led to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Outputs {
    /// The files, in the order the engine made them.
    pub files: Vec<Output>,
    /// What was found out beside the files.
    pub reported: Option<Reported>,
}

/// What an engine found out beside the files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Reported {
    /// Of a review.
    Verdict {
        /// What the judge said.
        verdict: Verdict,
    },
    /// Of a picture that came without a name.
    Identity {
        /// Who it is.
        identity: Identity,
    },
    /// Of a master.
    Loudness {
        /// Integrated loudness in LUFS; `None` when silent.
        lufs: Option<f64>,
        /// True peak in dBTP; `None` when silent.
        true_peak_dbtp: Option<f64>,
    },
    /// Of a voice or music that a server made, or should have made.
    Recording {
        /// Why a draft stands in; `None`: none does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stand_in: Option<String>,
        /// What a listener heard; `None` when nobody listened.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        heard: Option<Heard>,
        /// What else a person should know, one sentence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remark: Option<String>,
    },
    /// Of a picture or a clip that a model made.
    Rendered {
        /// Its name in the catalogue.
        model: String,
        /// What its workflow was bound with, prompts among it.
        settings: BTreeMap<String, SlotValue>,
    },
    /// Of a publication.
    Published {
        /// Files it consists of, relative to the library's root; the film first.
        files: Vec<String>,
    },
    /// Of a slice of a training.
    Trained {
        /// How it went.
        slice: SliceReport,
    },
    /// Of a join.
    Joined {
        /// Pictures copied bit by bit.
        copied: Frames,
        /// Pictures encoded again.
        encoded: Frames,
    },
}

/// What a listener heard of a spoken line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Heard {
    /// Word error rate against the line, 0 is word for word; see [`crate::spoken::word_error_rate`].
    pub word_error_rate: f64,
    /// Words and when they are said; subtitles are timed by them.
    pub words: Vec<Word>,
}

impl Outputs {
    /// The first file in `role`.
    pub fn first(&self, role: Role) -> Option<&Output> {
        self.files.iter().find(|file| file.role == role)
    }

    /// All files in `role`, in order.
    pub fn all(&self, role: Role) -> impl Iterator<Item = &Output> {
        self.files.iter().filter(move |file| file.role == role)
    }
}
