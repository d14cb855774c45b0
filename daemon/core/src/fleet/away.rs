//! Away: why a card or a process of an engine is not there, as data. Sentences are made of it at the edge.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why something is not there. The word in `because` and the fields are part of the API: added to, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Away {
    /// Nobody has had an answer yet: the first look takes a moment, and only what comes of it is news.
    Unasked {
        /// Its address, when it has one worth saying.
        at: Option<String>,
    },
    /// It does not answer as it should.
    Unreachable {
        /// What came instead, with the remedy, for people.
        message: String,
    },
    /// It answers, but what works inside it is dead.
    Stuck {
        /// Address of the server, as in the settings.
        at: String,
        /// What was done about it.
        revival: Revival,
    },
    /// It failed again and again, and is left alone until it passes a self-test.
    Quarantined {
        /// Name of the server, as in the settings.
        name: String,
        /// What went wrong last, for people.
        message: String,
    },
    /// The settings name it, but it cannot be used here.
    Unusable {
        /// What is wrong with the settings, for people.
        message: String,
    },
    /// None of its processes can run the model.
    Incapable {
        /// Name of the model in the catalogue.
        model: String,
    },
    /// It stands in for another one, and that one is there.
    StandingBy,
    /// A card that was there says nothing any more.
    Silent,
}

/// What was done about an engine whose worker is dead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Revival {
    /// Nothing: the settings do not say how it is started again.
    Unknown,
    /// It was started again.
    Restarted,
    /// It could not be started again.
    Failed {
        /// Why, for people.
        message: String,
    },
}

impl Away {
    /// Nothing but that it is not there yet: nobody needs to be told.
    pub fn is_first_look(&self) -> bool {
        matches!(self, Self::Unasked { .. })
    }
}

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unasked { at: Some(at) } => write!(f, "{at} has not answered yet"),
            Self::Unasked { at: None } => f.write_str("it has not been asked yet"),
            Self::Unreachable { message } | Self::Unusable { message } => f.write_str(message),
            Self::Stuck { at, revival } => {
                write!(f, "{at}: prompts wait but nothing runs, its worker is dead; ")?;
                match revival {
                    Revival::Unknown => {
                        let how = "set restart_command or unit in the settings so that the studio can";
                        write!(f, "restart ComfyUI, or {how}")
                    }
                    Revival::Restarted => f.write_str("it was restarted"),
                    Revival::Failed { message } => f.write_str(message),
                }
            }
            Self::Quarantined { name, message } => {
                write!(f, "{name} is in quarantine until it passes a self-test: {message}")
            }
            Self::Incapable { model } => {
                write!(f, "no server of it can run {model}; see 'studiod comfy check'")
            }
            Self::StandingBy => f.write_str("nobody needs to stand in"),
            Self::Silent => f.write_str("it does not answer any more; look at its driver, 'studiod check' says more"),
        }
    }
}

/// Several reasons as one sentence.
pub fn sentence(away: &[Away]) -> String {
    away.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_pinned_and_sentences_are_made_of_them() {
        let stuck = |revival| Away::Stuck { at: "http://box:8188".into(), revival };
        let all = [
            (Away::Unasked { at: Some("http://box:8188".into()) }, r#"{"because":"unasked","at":"http://box:8188"}"#),
            (Away::Unreachable { message: "no route".into() }, r#"{"because":"unreachable","message":"no route"}"#),
            (stuck(Revival::Unknown), r#"{"because":"stuck","at":"http://box:8188","revival":{"how":"unknown"}}"#),
            (Away::Incapable { model: "wan".into() }, r#"{"because":"incapable","model":"wan"}"#),
            (Away::StandingBy, r#"{"because":"standing_by"}"#),
            (Away::Silent, r#"{"because":"silent"}"#),
        ];
        for (away, stored) in all {
            assert_eq!(serde_json::to_string(&away).unwrap(), stored);
            assert_eq!(serde_json::from_str::<Away>(stored).unwrap(), away);
        }
        assert_eq!(
            stuck(Revival::Restarted).to_string(),
            "http://box:8188: prompts wait but nothing runs, its worker is dead; it was restarted"
        );
        assert_eq!(
            sentence(&[Away::Unasked { at: None }, Away::StandingBy]),
            "it has not been asked yet; nobody needs to stand in"
        );
    }
}
