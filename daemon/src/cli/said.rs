//! Said: a command at work that asks the studio, and says what came of it.

use serde_json::Value;

use super::{CliError, Invocation, client::StudioClient};
use crate::app::Data;

/// A command at work.
pub(super) struct Said<'a> {
    pub(super) data: &'a Data,
    pub(super) client: Box<dyn StudioClient>,
    pub(super) json: bool,
}

impl<'a> Said<'a> {
    /// With the studio as a command asks it.
    pub(super) fn to(invocation: &Invocation, data: &'a Data) -> Result<Self, CliError> {
        Ok(Self { data, client: invocation.client(data)?, json: invocation.json })
    }

    /// Says what came of it: the answer itself where JSON is wanted, else a sentence.
    pub(super) fn tell(&self, answer: &Value, said: impl FnOnce() -> String) {
        if self.json {
            out!("{answer}");
        } else {
            out!("{}", said());
        }
    }
}
