//! Picture columns: what every table of pictures has, the file and where it is from, and what those have that are judged.

use studio_core::{
    asset::AssetRef,
    dataset::{Decision, Made, PictureState},
    take::Verdict,
    units::{Millis, Size},
};

use super::{
    Result,
    rows::{JsonText, Reading},
};

/// The file of a picture, and where it is from.
#[derive(sqlx_macros::FromRow)]
pub(super) struct FileColumns {
    asset: String,
    ext: String,
    width: i64,
    height: i64,
    source: JsonText,
    made: Option<JsonText>,
    created_ms: i64,
}

impl FileColumns {
    /// The file itself.
    pub(super) fn file(&self, reading: Reading<'_>) -> Result<AssetRef> {
        Ok(AssetRef { hash: reading.text("asset", &self.asset)?, ext: self.ext.clone() })
    }

    /// Width and height in pixels.
    pub(super) fn size(&self, reading: Reading<'_>) -> Result<Size> {
        Ok(Size { width: reading.number("width", self.width)?, height: reading.number("height", self.height)? })
    }

    /// Where it is from, in the words of its table.
    pub(super) fn source<T: serde::de::DeserializeOwned>(&self, reading: Reading<'_>) -> Result<T> {
        reading.json("source", &self.source)
    }

    /// What it was made with; `None`: nothing is known of that.
    pub(super) fn made(&self, reading: Reading<'_>) -> Result<Option<Made>> {
        reading.maybe_json("made", self.made.as_ref())
    }

    /// When it came.
    pub(super) fn created(&self) -> Millis {
        Millis(self.created_ms)
    }
}

/// What the judge said of a picture, and what was decided of it.
#[derive(sqlx_macros::FromRow)]
pub(super) struct JudgedColumns {
    state: String,
    verdict: Option<JsonText>,
    decision: Option<JsonText>,
}

impl JudgedColumns {
    /// Whether it counts.
    pub(super) fn state(&self, reading: Reading<'_>) -> Result<PictureState> {
        reading.word("state", &self.state)
    }

    /// What the judge said; `None` before it has looked.
    pub(super) fn verdict(&self, reading: Reading<'_>) -> Result<Option<Verdict>> {
        reading.maybe_json("verdict", self.verdict.as_ref())
    }

    /// Who decided, and why; `None` while it is pending.
    pub(super) fn decision(&self, reading: Reading<'_>) -> Result<Option<Decision>> {
        reading.maybe_json("decision", self.decision.as_ref())
    }
}
