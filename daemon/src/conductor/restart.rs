//! Restart: after trouble with the store the conductor's memory is made anew from it, as after a power cut.
//!
//! A write that failed leaves memory and store apart, in a way nobody has to find out: everything in memory can be made
//! again. What runs is stopped, or left alone where its engine goes on by itself; once the store answers the studio comes
//! up as at a start. An error that no outage explains ends the episode it met, not the studio; so does a panic. One that met
//! no episode costs what is in memory, unless the same goes on and on.

use std::{any::Any, collections::BTreeSet, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use studio_core::{
    episode::EpisodeState,
    failure::{Cause, TaskFault},
    ids::EpisodeId,
    journal::EventKind,
    production::FilmRemark,
    schedule::{view, why},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{Error, Outage, disk, inbox::Message, memory::Studio};
use crate::{
    events::StudioEvent,
    store::{self, Error as StoreError},
};

/// How long the first wait for the store is; every further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Less room than this on the disk is none, in bytes.
const LEAST_ROOM: u64 = 1 << 20;

/// Why memory and store may be apart.
#[derive(Debug)]
pub(super) struct Trouble {
    /// What the store or the disk said, in one sentence.
    why: String,
    outage: Outage,
}

/// What comes before the studio can come up again.
enum Next {
    /// A wait, because the store takes nothing for now.
    Wait(Trouble),
    /// An episode that this was met with.
    GiveUp(EpisodeId, Error),
    /// Nothing: no episode is to blame.
    Nothing,
}

/// What `work` comes to; a panic in it is an error like any other.
pub(super) fn caught<T>(work: impl Future<Output = Result<T, Error>>) -> impl Future<Output = Result<T, Error>> {
    // Whatever it leaves half done is given up: memory is made anew, and an open transaction is taken back.
    AssertUnwindSafe(work).catch_unwind().map(|ended| {
        ended.unwrap_or_else(|panic| {
            Err(Error::Broken(format!("the studio broke down over it: {}", last_words(panic.as_ref()))))
        })
    })
}

/// What a panic said.
fn last_words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it did not say why")
}

impl Studio {
    /// Gives everything in memory up and comes up again from the store; `None` when the studio is to close meanwhile.
    ///
    /// # Errors
    /// What no waiting mends and no single episode is to blame for.
    pub(super) async fn begin_anew(
        mut self,
        error: Error,
        messages: &mut mpsc::Receiver<Message>,
    ) -> Result<Option<Self>, Error> {
        let (mut pause, mut given_up) = (FIRST_PAUSE, BTreeSet::new());
        self.put_down(messages).await;
        let mut next = self.weigh(error).await?;
        loop {
            if let Next::Wait(trouble) = &next {
                if !self.wait(pause, trouble, messages).await {
                    return Ok(None);
                }
                pause = LONGEST_PAUSE.min(2 * pause);
                // To read is still possible, but the next thing it writes would fail: it would say that all is well.
                let full = trouble.outage == Outage::DiskFull && !self.pulse.closing;
                if full && disk::has_less_than(&self.context, LEAST_ROOM).await {
                    continue;
                }
            }
            if self.pulse.closing {
                return Ok(None);
            }
            if let Next::GiveUp(episode, error) = next {
                if !given_up.insert(episode) {
                    return Err(error);
                }
                if let Err(failed) = self.give_up(episode, &error.to_string()).await {
                    given_up.remove(&episode);
                    let trouble = Trouble { why: failed.to_string(), outage: failed.outage().unwrap_or(Outage::Away) };
                    if !self.wait(pause, &trouble, messages).await {
                        return Ok(None);
                    }
                    next = Next::GiveUp(episode, error);
                    continue;
                }
            }
            let mut anew = Self::new(self.context.clone(), self.inbox.clone());
            anew.pulse.later = std::mem::take(&mut self.pulse.later);
            anew.pulse.upsets = std::mem::take(&mut self.pulse.upsets);
            match caught(anew.come_up(true)).await {
                Ok(()) => {
                    tracing::info!("the studio goes on");
                    anew.context.events.trouble(None);
                    return Ok(Some(anew));
                }
                Err(error) => {
                    anew.put_down(messages).await;
                    next = anew.weigh(error).await?;
                    self = anew;
                }
            }
        }
    }

    /// What is to be done about an error; the error itself when nothing can be.
    async fn weigh(&mut self, error: Error) -> Result<Next, Error> {
        // Some drivers say in other words that nobody is there.
        let silent = async || self.context.db.ping().await.is_err().then_some(Outage::Away);
        let outage = match error.outage() {
            Some(outage) => Some(outage),
            None => silent().await,
        };
        let Some(outage) = outage else {
            tracing::error!(%error, "something unexpected");
            // Somebody else works on the data now.
            if matches!(error, Error::Store(StoreError::Held { .. })) {
                return Err(error);
            }
            return match self.pulse.minds {
                Some(episode) => Ok(Next::GiveUp(episode, error)),
                None => self.pulse.upsets.another(&error, self.context.clock.now()).map(|()| Next::Nothing),
            };
        };
        let trouble = Trouble { why: error.to_string(), outage };
        tracing::error!(why = %trouble.why, "the studio waits for its store");
        self.context.events.trouble(Some(trouble.why.clone()));
        if trouble.outage == Outage::DiskFull {
            self.context.events.tell(StudioEvent::DiskFull { reason: trouble.why.clone() });
        }
        Ok(Next::Wait(trouble))
    }

    /// Stops what runs, or lets it go on without the studio, and waits until everything has ended. What is asked
    /// meanwhile is answered later.
    pub(super) async fn put_down(&mut self, messages: &mut mpsc::Receiver<Message>) {
        self.pulse.timers.cancel();
        self.attempts.leave();
        while !self.attempts.is_empty() {
            match messages.recv().await {
                None | Some(Message::Stop) => self.pulse.closing = true,
                Some(Message::Ended { task, attempt, .. }) => {
                    if self.attempts.end(task, attempt).is_some() {
                        self.context.events.over(task);
                    }
                }
                Some(message) if message.is_news() => {}
                Some(message) => self.pulse.later.push_back(message),
            }
        }
    }

    /// Waits, and says meanwhile why nothing happens; false when the studio is to close.
    async fn wait(&mut self, pause: Duration, trouble: &Trouble, messages: &mut mpsc::Receiver<Message>) -> bool {
        let end = Instant::now() + pause;
        while let Some(message) = self.pulse.later.pop_front() {
            self.put_off(message, trouble);
        }
        while !self.pulse.closing {
            tokio::select! {
                () = tokio::time::sleep_until(end) => return true,
                message = messages.recv() => match message {
                    None | Some(Message::Stop) => self.pulse.closing = true,
                    Some(message) => self.put_off(message, trouble),
                },
            }
        }
        false
    }

    /// Answers what can be answered from memory, and says of the rest that it is not possible now.
    fn put_off(&self, message: Message, trouble: &Trouble) {
        fn no<T>(answer: oneshot::Sender<Result<T, Error>>, trouble: &Trouble) {
            let _ = answer.send(Err(trouble.outage.error(&trouble.why)));
        }
        match message {
            Message::View(answer) => drop(answer.send(view(&self.fleet))),
            Message::Snapshot(answer) => drop(answer.send(self.snapshot())),
            Message::Why(task, answer) => drop(answer.send(why(&self.fleet, task))),
            Message::Produce(_, answer) | Message::Write(_, answer) => no(answer, trouble),
            Message::Pictures(_, answer) => no(answer, trouble),
            Message::GoOnWithPictures(answer)
            | Message::Review(_, _, answer)
            | Message::StopReview(_, answer)
            | Message::Cancel(_, answer)
            | Message::CancelEpisode(_, answer)
            | Message::Retry(_, answer)
            | Message::Opinion(_, _, _, answer)
            | Message::Override(_, _, answer)
            | Message::Again(_, answer)
            | Message::Unpublished(_, answer)
            | Message::RemoveProject(_, answer)
            | Message::Steer(_, _, answer)
            | Message::Resume(_, answer)
            | Message::SetQuiet(_, answer) => no(answer, trouble),
            Message::Pause { answer, .. } => no(answer, trouble),
            Message::Approve(_, _, answer) => no(answer, trouble),
            Message::Unpublish(_, answer) => no(answer, trouble),
            Message::Of(_, message) => self.put_off(*message, trouble),
            Message::Ended { .. }
            | Message::Came(..)
            | Message::Left(_)
            | Message::Offer { .. }
            | Message::Cards
            | Message::Quiet
            | Message::Fleet(_)
            | Message::Stop => {}
        }
    }

    /// Ends an episode that the studio cannot go on with, as far as there is one: its open tasks have failed for the
    /// same reason, which it carries as its remark.
    pub(super) async fn give_up(&self, episode: EpisodeId, why: &str) -> Result<(), Error> {
        let (db, now) = (&self.context.db, self.context.clock.now());
        let row = match store::episodes::get(db, episode).await {
            Ok(row) => row,
            // Deleted: that may be all that was wrong.
            Err(StoreError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let fault = TaskFault::own(Cause::Unexpected { message: why.to_owned() });
        let open = store::tasks::of_episode(db, episode).await?.into_iter().filter(|task| !task.state.is_final());
        let mut tx = db.begin().await?;
        for task in open {
            store::tasks::fail(&mut tx, task.id, &fault, now).await?;
        }
        if row.state.may_become(EpisodeState::Failed) {
            store::episodes::set_state(&mut tx, episode, EpisodeState::Failed).await?;
        }
        store::episodes::set_remarks(&mut tx, episode, &[FilmRemark::GivenUp { fault: fault.clone() }]).await?;
        let body = serde_json::json!({ "why": fault.to_string(), "fault": fault });
        store::events::append(&mut tx, EventKind::EpisodeFailed, &episode.to_string(), &body, now).await?;
        tx.commit().await?;
        tracing::error!(%episode, why, "the studio goes on without an episode");
        self.context.events.tell(StudioEvent::Ended { episode, failed: true });
        Ok(())
    }
}
