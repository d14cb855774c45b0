//! Turns: work for the processor that takes much memory while it is done, a few at a time; others wait.

use std::sync::Arc;

use tokio::{sync::Semaphore, task::JoinError};

/// So many at a time, each on a thread that may take its time. Clones are the same turns.
#[derive(Debug, Clone)]
pub struct Turns(Arc<Semaphore>);

impl Turns {
    /// At most `at_a_time` pieces of work, at least one.
    pub fn new(at_a_time: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_a_time.max(1))))
    }

    /// Does `work` when it is its turn.
    ///
    /// # Errors
    /// It panicked.
    pub async fn take<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
        let turn = self.0.clone().acquire_owned().await.expect("nobody closes it");
        tokio::task::spawn_blocking(move || {
            // Held until the memory is given back, also when whoever asked has gone.
            let _turn = turn;
            work()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use super::*;

    #[tokio::test]
    async fn two_are_at_work_and_the_others_wait() {
        let (turns, working, most) = (Turns::new(2), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (begun, begins) = mpsc::channel();
        let mut all = Vec::new();
        for _ in 0..8 {
            let (turns, working, most, begun) = (turns.clone(), working.clone(), most.clone(), begun.clone());
            all.push(tokio::spawn(async move {
                let work = move || {
                    most.fetch_max(working.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let (go_on, goes_on) = mpsc::channel::<()>();
                    begun.send(go_on).expect("the test hears it");
                    // Until the test lets it go on.
                    let _ = goes_on.recv();
                    working.fetch_sub(1, Ordering::SeqCst);
                };
                turns.take(work).await.expect("no panic");
            }));
        }
        drop(begun);
        let watching = tokio::task::spawn_blocking(move || {
            let mut held = Vec::new();
            while let Ok(go_on) = begins.recv() {
                held.push(go_on);
                // Two are at work before either may end.
                if held.len() == 2 {
                    held.clear();
                }
            }
        });
        for one in all {
            one.await.expect("it is done");
        }
        watching.await.expect("it has seen all of them");
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }
}
