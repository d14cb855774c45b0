//! What is wrong with a screenplay, where, and what to do about it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// More faults than this are not listed: nobody reads further.
pub const MAX_ERRORS: usize = 50;

/// One fault of a screenplay.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ScriptError {
    /// Line of the screenplay, from 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// What was expected and what to do.
    pub message: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ScriptError {}

/// Collects faults up to [`MAX_ERRORS`].
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<ScriptError>);

impl Errors {
    /// Adds a fault, unless there are enough.
    pub(crate) fn push(&mut self, line: u32, column: u32, message: impl Into<String>) {
        if !self.is_full() {
            self.0.push(ScriptError { line, column, message: message.into() });
        }
    }

    /// More would not be listed, so nobody needs to look for them.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= MAX_ERRORS
    }

    /// Nothing is wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value when nothing was wrong, else the faults in order of their place.
    pub(crate) fn or<T>(mut self, value: T) -> Result<T, Vec<ScriptError>> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort_by_key(|error| (error.line, error.column));
        Err(self.0)
    }
}
