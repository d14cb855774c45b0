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

/// Something a writer should know of a screenplay that can be read all the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Remark {
    /// Line of the screenplay it is about, from 1.
    pub line: u32,
    /// What was understood, and what to write when something else is meant.
    pub message: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// Collects remarks up to [`MAX_ERRORS`].
#[derive(Debug, Default)]
pub(crate) struct Remarks(Vec<Remark>);

impl Remarks {
    /// Adds a remark, unless there are enough.
    pub(crate) fn push(&mut self, line: u32, message: impl Into<String>) {
        if self.0.len() < MAX_ERRORS {
            self.0.push(Remark { line, message: message.into() });
        }
    }

    /// Adds remarks that were made elsewhere.
    pub(crate) fn extend(&mut self, others: &[Remark]) {
        for one in others {
            self.push(one.line, one.message.clone());
        }
    }

    /// All of them in order of their place.
    pub(crate) fn sorted(mut self) -> Vec<Remark> {
        self.0.sort();
        self.0
    }
}

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
