//! Wait: the one place where something is looked at again and again until it is so.
//!
//! Time is tokio's; a wait can be cancelled between two looks and in them.

use std::{future::Future, ops::ControlFlow, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How something is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Wait<'a> {
    every: Duration,
    limit: Duration,
    stop: Option<&'a CancellationToken>,
}

/// Why a wait came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InVain<W> {
    /// The time was over; with what the last look found.
    Late(W),
    /// It was stopped.
    Stopped,
}

impl Wait<'_> {
    /// Looks `every` so often, until `limit` has passed. What is so at once takes one look, whatever the limit.
    pub fn new(every: Duration, limit: Duration) -> Self {
        Self { every, limit, stop: None }
    }

    /// The same, ended by `stop`.
    pub fn unless(self, stop: &CancellationToken) -> Wait<'_> {
        Wait { stop: Some(stop), ..self }
    }

    /// Waits until `look` breaks off with what was waited for; it goes on with what is still missing.
    ///
    /// # Errors
    /// [`InVain`], when the limit has passed at a look that found nothing, or when it was stopped.
    pub async fn until<T, W, F>(self, mut look: impl FnMut() -> F) -> Result<T, InVain<W>>
    where
        F: Future<Output = ControlFlow<T, W>>,
    {
        let waited = async {
            let end = Instant::now() + self.limit;
            loop {
                match look().await {
                    ControlFlow::Break(found) => return Ok(found),
                    ControlFlow::Continue(missing) if Instant::now() >= end => return Err(InVain::Late(missing)),
                    ControlFlow::Continue(_) => tokio::time::sleep(self.every).await,
                }
            }
        };
        match self.stop {
            None => waited.await,
            Some(stop) => tokio::select! {
                biased;
                () = stop.cancelled() => Err(InVain::Stopped),
                found = waited => found,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So at the `nth` look; each look that finds nothing tells how many there were.
    async fn wait(wait: Wait<'_>, nth: u32) -> Result<u32, InVain<u32>> {
        let mut looks = 0;
        let look = || {
            looks += 1;
            let now = looks;
            async move { if now >= nth { ControlFlow::Break(now) } else { ControlFlow::Continue(now) } }
        };
        wait.until(look).await
    }

    #[tokio::test]
    async fn it_looks_until_it_is_so_and_once_whatever_the_limit() {
        let hour = Duration::from_hours(1);
        assert_eq!(wait(Wait::new(hour, Duration::ZERO), 1).await, Ok(1), "what is so at once is not waited for");
        assert_eq!(wait(Wait::new(hour, Duration::ZERO), 2).await, Err(InVain::Late(1)), "with what is missing");
        assert_eq!(wait(Wait::new(Duration::from_millis(1), hour), 3).await, Ok(3));
    }

    #[tokio::test]
    async fn it_ends_at_once_when_it_is_stopped() {
        let (stop, hour) = (CancellationToken::new(), Duration::from_hours(1));
        let stopped = Wait::new(hour, hour).unless(&stop).until(|| async {
            stop.cancel();
            ControlFlow::<(), ()>::Continue(())
        });
        assert_eq!(stopped.await, Err(InVain::Stopped), "not after an hour");
        let look = wait(Wait::new(hour, hour).unless(&stop), 1).await;
        assert_eq!(look, Err(InVain::Stopped), "what was stopped before does not even look");
    }
}
