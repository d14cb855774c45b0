//! Pause: why and since when something rests.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::units::Millis;

/// What is said when a person gave no reason.
const UNSAID: &str = "a person wants it so";

/// Why and since when something rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Pause {
    /// Why it rests, as whoever paused it said: the sentence of `because`.
    pub why: String,
    /// Why it rests, as data.
    pub because: PauseReason,
    /// When it was paused; pausing it again does not change that.
    pub since: Millis,
    /// When it ends by itself, when that is known (quiet hours).
    pub until: Option<Millis>,
    /// Models leave what rests, so that its memory is free for something else; otherwise they stay loaded.
    pub frees: bool,
}

/// Why something rests. The word in `why` and the fields are stored and part of the API: they are added to, never
/// changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum PauseReason {
    /// Quiet hours have begun.
    QuietHours,
    /// The studio has just started, and puts what people moved in its place again.
    Starting,
    /// A person wants it so.
    Person {
        /// Why, as that person said; `None`: nothing was said.
        text: Option<String>,
    },
}

impl Default for PauseReason {
    fn default() -> Self {
        Self::Person { text: None }
    }
}

/// What a person said; nothing, or what is said then, is no reason.
impl From<&str> for PauseReason {
    fn from(said: &str) -> Self {
        let text = Some(said).filter(|text| !text.is_empty() && *text != UNSAID);
        Self::Person { text: text.map(str::to_owned) }
    }
}

impl fmt::Display for PauseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QuietHours => f.write_str("quiet hours"),
            Self::Starting => f.write_str("everything is put in its place again"),
            Self::Person { text } => f.write_str(text.as_deref().unwrap_or(UNSAID)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_as_a_sentence_is_read_as_data() {
        let told = |text: &str| PauseReason::Person { text: Some(text.to_owned()) };
        assert_eq!(PauseReason::from("dinner"), told("dinner"));
        assert_eq!(PauseReason::from("a person wants it so"), PauseReason::default());
        assert_eq!(PauseReason::from(""), PauseReason::default());
        for reason in [told("dinner"), PauseReason::default()] {
            assert_eq!(PauseReason::from(reason.to_string().as_str()), reason, "kept as a sentence");
        }
        assert_eq!(serde_json::to_string(&PauseReason::QuietHours).unwrap(), r#"{"why":"quiet_hours"}"#);
    }
}
