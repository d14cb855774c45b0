//! Said: a command at work that asks the studio, and says what came of it.

use serde_json::Value;

use super::{
    CliError, Invocation,
    client::{Call, StudioClient},
};
use crate::app::Data;

/// Things on a page, as many as the API gives.
const PAGE: u32 = 500;

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

    /// Everything of a list of the API, page by page until none follows: `list` is its address with a query, `key` what the
    /// things in it stand under.
    pub(super) async fn whole(&mut self, list: &str, key: &str) -> Result<Vec<Value>, CliError> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.client.call(Call::get(&format!("{list}&limit={PAGE}{after}"))).await?;
            all.extend(page[key].as_array().into_iter().flatten().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(all),
            }
        }
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
