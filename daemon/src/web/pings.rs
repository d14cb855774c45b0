//! Pings: whether the database answers, asked once for all who want to know at the same time.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::store::{Db, Error, Result};

/// Questions by the order in which they came, and what the database said last.
#[derive(Debug, Default)]
pub struct Pings {
    asked: AtomicU64,
    said: Mutex<Said>,
}

#[derive(Debug, Default)]
struct Said {
    /// Up to which question this is the answer.
    to: u64,
    /// Why it did not answer; `None`: it did.
    why: Option<String>,
}

impl Pings {
    /// Whether the database answers now: it was asked after this was called.
    ///
    /// # Errors
    /// What the store says, to whoever asked it; [`Error::Unavailable`] with the same reason to those who waited.
    pub async fn ping(&self, db: &Db) -> Result<()> {
        let mine = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let mut said = self.said.lock().await;
        if said.to >= mine {
            return said.why.clone().map_or(Ok(()), |why| Err(Error::Unavailable(why)));
        }
        let to = self.asked.load(Ordering::Relaxed);
        let answer = db.ping().await;
        let why = answer.as_ref().err().map(|error| match error {
            Error::Unavailable(why) => why.clone(),
            other => other.to_string(),
        });
        *said = Said { to, why };
        answer
    }
}
