//! Failure: what goes wrong, as data. [`FailureKind`] is the one vocabulary of what an engine can say when an attempt
//! comes to nothing; [`TaskFault`] is why a task has no result.
//!
//! Engines, the media process and the conductor choose; the scheduler alone decides what follows. Sentences are made at
//! the edge, by `Display`; nobody reads one to decide anything.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ids::TaskId, job::Job, ladder::Rung, pause::PauseReason, take::MustLook};

/// What a program is called whose name nobody knows.
pub(crate) const SOME_PROGRAM: &str = "another program";

/// Reads the name of a program: earlier studios stored what it is called when nobody knows it.
pub(crate) fn stored_name<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.filter(|name| name != SOME_PROGRAM))
}

/// Why an attempt came to nothing, as far as anybody acts on it. Its words are stored and spoken on wires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum FailureKind {
    /// May work the next time: tried again after a pause, so many times.
    #[serde(alias = "stalled", alias = "internal")]
    Transient,
    /// The card is full: tried again smaller, and like [`Self::Transient`] by an engine that has no smaller way.
    OutOfMemory,
    /// Will never work like this.
    #[serde(alias = "plan", alias = "missing")]
    Refused,
    /// An input is gone or damaged: made again first; never works when all of them are whole.
    #[serde(alias = "input")]
    BadInput,
    /// The disk is full: nothing more can be made until there is room. Tried again for as long as that takes.
    DiskFull,
    /// What it is made with, or where it goes, is not there at the moment: a server refuses connections, a library is
    /// not mounted. Away is not wrong: tried again for as long as that takes, and nobody is blamed.
    Away,
    /// The engine or the studio forgot the attempt, or gave it back; nobody's fault, tried again at once.
    Lost,
    /// The chosen seat cannot do it; another may.
    Unable,
    /// Somebody stopped it.
    Cancelled,
    /// The studio closes; the engine goes on with it.
    Left,
}

impl FailureKind {
    /// Its word: stored, spoken on wires, and a label of counters; never changed, because people's dashboards name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::OutOfMemory => "out_of_memory",
            Self::Refused => "refused",
            Self::BadInput => "bad_input",
            Self::DiskFull => "disk_full",
            Self::Away => "away",
            Self::Lost => "lost",
            Self::Unable => "unable",
            Self::Cancelled => "cancelled",
            Self::Left => "left",
        }
    }
}

impl FailureKind {
    /// Whether such a failure counts against the task, and against the process it was made in.
    pub fn is_counted(self) -> bool {
        matches!(self, Self::Transient | Self::OutOfMemory)
    }
}

/// Why a task has no result: its cause, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TaskFault {
    /// The task that came to this, which this one cannot do without; `None`: it did itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<TaskId>,
    /// What happened: to the task in `need`, or else to this one.
    #[serde(flatten)]
    pub cause: Cause,
}

impl TaskFault {
    /// What happened to the task itself.
    pub fn own(cause: Cause) -> Self {
        Self { need: None, cause }
    }
}

impl fmt::Display for TaskFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.need.is_some() {
            f.write_str("needs a task that ended without result: ")?;
        }
        self.cause.fmt(f)
    }
}

/// What happened to a task that has no result, or not yet. The word in `code` and the fields are stored and part of the
/// API: they are added to, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Cause {
    /// An attempt came to nothing.
    Attempt {
        /// How the attempt failed, which decides what happens next.
        kind: FailureKind,
        /// What its engine said, for people: one sentence with the remedy where there is one.
        message: String,
        /// How long the server asked to be left alone, in milliseconds; over when it is stored.
        #[serde(skip)]
        retry_after_ms: Option<i64>,
    },
    /// An attempt was stopped so that something else could go first; it is made again.
    Interrupted {
        /// What the attempt was stopped for.
        by: Interruption,
    },
    /// A card was full; the next attempt does one thing differently.
    CardFull {
        /// What its engine said.
        message: String,
        /// What is done differently.
        next: Rung,
    },
    /// A card was full, and everything that could be done differently was tried.
    CardTooSmall {
        /// What its engine said.
        message: String,
        /// What was tried, in order.
        tried: Vec<Rung>,
    },
    /// The file a person put in its place is gone.
    OverrideGone {
        /// Job path of the part that the file was put in place of.
        slot: String,
        /// The same as data; `None` where an earlier studio kept the path only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<Job>,
    },
    /// What it is made of was not made.
    InputMissing {
        /// Path of what is missing.
        slot: String,
        /// The job that makes it; `None` where the script lacks its place, or an earlier studio kept the path only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<Job>,
    },
    /// Its engine is not among the settings.
    NoEngine {
        /// Name of the engine that the job asks for.
        engine: String,
    },
    /// It was begun before what it stands on was judged, and that came to nothing; it is made again.
    Speculation {
        /// Why what was begun early came to nothing.
        why: Speculation,
    },
    /// The last take of its shot could not be judged: a person must look.
    Unjudged {
        /// What was said of the last one; `None`: nothing.
        said: Option<String>,
    },
    /// A take is good, but only a person may say so.
    Unseen {
        /// Why a person must look.
        #[serde(deserialize_with = "MustLook::one_stored")]
        why: MustLook,
    },
    /// The studio itself met something it did not expect, and went on without the episode.
    Unexpected {
        /// What the studio met, as its error says it.
        message: String,
    },
    /// Somebody stopped it.
    Cancelled,
}

impl Cause {
    /// An attempt came to nothing.
    pub fn attempt(kind: FailureKind, message: impl Into<String>) -> Self {
        Self::Attempt { kind, message: message.into(), retry_after_ms: None }
    }

    /// The file that was put in place of a part is gone.
    pub fn override_gone(job: Job) -> Self {
        Self::OverrideGone { slot: job.path(), job: Some(job) }
    }

    /// The same of a server that asked to be left alone for some milliseconds.
    #[must_use]
    pub fn retry_after(self, retry_after_ms: Option<i64>) -> Self {
        match self {
            Self::Attempt { kind, message, .. } => Self::Attempt { kind, message, retry_after_ms },
            other => other,
        }
    }

    /// How long a server asked to be left alone, in milliseconds.
    pub fn retry_after_ms(&self) -> Option<i64> {
        match self {
            Self::Attempt { retry_after_ms, .. } => *retry_after_ms,
            _ => None,
        }
    }

    /// What the scheduler does about it.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Attempt { kind, .. } => *kind,
            Self::Interrupted { .. } | Self::CardFull { .. } | Self::Speculation { .. } => FailureKind::Lost,
            Self::CardTooSmall { .. }
            | Self::OverrideGone { .. }
            | Self::InputMissing { .. }
            | Self::NoEngine { .. }
            | Self::Unexpected { .. }
            | Self::Unjudged { .. }
            | Self::Unseen { .. } => FailureKind::Refused,
            Self::Cancelled => FailureKind::Cancelled,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attempt { message, .. } => f.write_str(message),
            Self::Interrupted { by } => by.fmt(f),
            Self::CardFull { message, next } => write!(f, "{message}: next time the studio {next}"),
            Self::CardTooSmall { message, tried } => {
                let tried: Vec<String> = tried.iter().map(Rung::to_string).collect();
                let remedy = "free the card, choose a smaller model, or shorten the shot";
                write!(f, "{message}; everything was tried ({}): {remedy}", tried.join(", "))
            }
            Self::OverrideGone { slot, .. } => {
                write!(f, "the file put in place of {slot} is gone; put it there again or release it")
            }
            Self::InputMissing { slot, .. } => write!(f, "'{slot}' is not made yet"),
            Self::NoEngine { engine } => write!(f, "engine {engine} is not configured"),
            Self::Unexpected { message } => {
                write!(f, "the studio could not go on with it: {message}; 'studiod check --deep' looks for more")
            }
            Self::Speculation { why } => why.fmt(f),
            Self::Unjudged { said } => {
                let said = said.as_deref().unwrap_or("not reviewed");
                write!(f, "a person must look at this shot: no take has a score: {said}")
            }
            Self::Unseen { why } => write!(f, "a person must look at this shot: {why}"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// For what an attempt was stopped that is made again later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Interruption {
    /// Another program takes the card.
    Foreign {
        /// Name of the program; `None` when nobody knows it.
        #[serde(default, deserialize_with = "stored_name")]
        who: Option<String>,
        /// The card that is taken: PCI slot, or the server's name.
        card: String,
    },
    /// Something rests from now on.
    Paused {
        /// Why, as whoever paused it said.
        why: String,
        /// The same as data; `None` where an earlier studio kept the sentence only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<PauseReason>,
    },
    /// The take it was begun from was not good enough.
    Rejected,
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign { who, card } => write!(f, "{} takes {card}", who.as_deref().unwrap_or(SOME_PROGRAM)),
            Self::Paused { why, .. } => f.write_str(why),
            Self::Rejected => f.write_str("the take it started from was not good enough"),
        }
    }
}

/// Why work that was begun before what it stands on was judged came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Speculation {
    /// The take it was begun from was not good enough.
    Rejected,
    /// Its order is another one by now.
    Changed,
    /// What it would begin from is not made.
    InputMissing {
        /// Path of what is missing.
        slot: String,
        /// The job that makes it; `None` where the script lacks its place, or an earlier studio kept the path only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<Job>,
    },
    /// Its engine is not among the settings.
    NoEngine {
        /// Name of the engine that the job asks for.
        engine: String,
    },
    /// The same is being made for another task.
    Twin,
}

impl fmt::Display for Speculation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected => f.write_str("what it started from was not good enough; it is made again"),
            Self::Changed => f.write_str("what was made early does not fit; it is made again"),
            Self::InputMissing { slot, .. } => write!(f, "'{slot}' is not made yet"),
            Self::NoEngine { engine } => write!(f, "{engine} is gone"),
            Self::Twin => f.write_str("the same is being made already"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kind with its word: stored beside tasks, and said by the media process.
    const WORDS: [(FailureKind, &str); 10] = [
        (FailureKind::Transient, "transient"),
        (FailureKind::OutOfMemory, "out_of_memory"),
        (FailureKind::Refused, "refused"),
        (FailureKind::BadInput, "bad_input"),
        (FailureKind::DiskFull, "disk_full"),
        (FailureKind::Away, "away"),
        (FailureKind::Lost, "lost"),
        (FailureKind::Unable, "unable"),
        (FailureKind::Cancelled, "cancelled"),
        (FailureKind::Left, "left"),
    ];

    #[test]
    fn words_are_pinned() {
        for (kind, word) in WORDS {
            assert_eq!(serde_json::to_value(kind).unwrap(), word);
            assert_eq!(kind.word(), word);
            assert_eq!(serde_json::from_value::<FailureKind>(word.into()).unwrap(), kind);
        }
    }

    #[test]
    fn words_the_media_process_used_to_say_are_understood() {
        let read = |word: &str| serde_json::from_value::<FailureKind>(word.into()).unwrap();
        assert_eq!(read("input"), FailureKind::BadInput);
        assert_eq!((read("plan"), read("missing")), (FailureKind::Refused, FailureKind::Refused));
        assert_eq!((read("stalled"), read("internal")), (FailureKind::Transient, FailureKind::Transient));
    }

    #[test]
    fn faults_are_stored_by_code_and_said_in_a_sentence() {
        let need = Some(TaskId(uuid::Uuid::nil()));
        let id = "00000000-0000-0000-0000-000000000000";
        let tried = vec![Rung::Free];
        let all = [
            (
                TaskFault::own(Cause::attempt(FailureKind::Refused, "clips said no")),
                r#"{"code":"attempt","kind":"refused","message":"clips said no"}"#.to_owned(),
                "clips said no",
            ),
            (
                TaskFault { need, cause: Cause::Unjudged { said: None } },
                format!(r#"{{"need":"{id}","code":"unjudged","said":null}}"#),
                "needs a task that ended without result: a person must look at this shot: no take has a score: not reviewed",
            ),
            (
                TaskFault::own(Cause::CardTooSmall { message: "full".into(), tried }),
                r#"{"code":"card_too_small","message":"full","tried":["free"]}"#.to_owned(),
                "full; everything was tried (frees the card first): free the card, choose a smaller model, or shorten the shot",
            ),
            (
                TaskFault::own(Cause::Interrupted { by: Interruption::Rejected }),
                r#"{"code":"interrupted","by":{"what":"rejected"}}"#.to_owned(),
                "the take it started from was not good enough",
            ),
            (
                TaskFault::own(Cause::Unseen { why: MustLook::NotHuman { name: "REX".into() } }),
                r#"{"code":"unseen","why":{"why":"not_human","name":"REX"}}"#.to_owned(),
                "a person must look at this shot: REX is no human, and such takes are never approved without a person",
            ),
            (TaskFault::own(Cause::Cancelled), r#"{"code":"cancelled"}"#.to_owned(), "cancelled"),
        ];
        for (fault, stored, said) in all {
            assert_eq!(serde_json::to_string(&fault).unwrap(), stored);
            assert_eq!(serde_json::from_str::<TaskFault>(&stored).unwrap(), fault);
            assert_eq!(fault.to_string(), said);
        }
    }

    #[test]
    fn a_fault_comes_back_as_it_was_stored() {
        let why = Speculation::InputMissing { slot: "scene 1/mix".into(), job: Some(Job::Mix { scene: 1 }) };
        let cause = Cause::Speculation { why };
        let fault = TaskFault { need: Some(TaskId(uuid::Uuid::nil())), cause };
        let stored = serde_json::to_string(&fault).unwrap();
        assert_eq!(serde_json::from_str::<TaskFault>(&stored).unwrap(), fault);
    }

    #[test]
    fn parts_are_told_as_data_beside_their_path() {
        let fault = TaskFault::own(Cause::override_gone(Job::Music { scene: 2 }));
        let stored = r#"{"code":"override_gone","slot":"scene 2/music","job":{"job":"music","scene":2}}"#;
        assert_eq!(serde_json::to_string(&fault).unwrap(), stored);
        assert_eq!(serde_json::from_str::<TaskFault>(stored).unwrap(), fault);
    }

    #[test]
    fn what_earlier_studios_stored_is_read() {
        let read = |stored: &str| serde_json::from_str::<TaskFault>(stored).unwrap().cause;
        let missing = read(r#"{"code":"input_missing","slot":"scene 1/mix"}"#);
        assert_eq!(missing, Cause::InputMissing { slot: "scene 1/mix".into(), job: None });
        let foreign =
            |who: &str| format!(r#"{{"code":"interrupted","by":{{"what":"foreign","who":{who},"card":"a"}}}}"#);
        let taken = |who: Option<&str>| {
            let by = Interruption::Foreign { who: who.map(str::to_owned), card: "a".into() };
            (by.to_string(), Cause::Interrupted { by })
        };
        let (said, unknown) = taken(None);
        assert_eq!(
            (said.as_str(), read(&foreign(r#""another program""#))),
            ("another program takes a", unknown.clone())
        );
        assert_eq!((read(&foreign(r#""game""#)), read(&foreign("null"))), (taken(Some("game")).1, unknown));
        let paused = read(r#"{"code":"interrupted","by":{"what":"paused","why":"dinner"}}"#);
        assert_eq!(paused, Cause::Interrupted { by: Interruption::Paused { why: "dinner".into(), because: None } });
    }
}
