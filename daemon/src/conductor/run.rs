//! Run: the loop itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use studio_core::{
    fleet::{Fleet, Retrying},
    ids::{AttemptId, ContentHash, EpisodeId, TaskId},
    order::Order,
    schedule::{Event, step, why},
    task::Attempt,
    units::Millis,
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    Context, Error, Handle,
    inbox::Message,
    work::{Known, Work},
};
use crate::{
    edge::Presence,
    events::{Happened, Standing},
};

/// Requests and results that may wait at the door.
const INBOX: usize = 1024;
/// The engine that decides gates: this loop, which is never busy.
pub(super) const STUDIO: &str = "studio";

/// The conductor's memory; everything in it can be made again from the store.
pub(super) struct Studio {
    pub context: Context,
    pub fleet: Fleet,
    pub at_work: BTreeMap<EpisodeId, Work>,
    pub known: BTreeMap<TaskId, Known>,
    pub running: BTreeMap<TaskId, Running>,
    pub by_key: BTreeMap<ContentHash, TaskId>,
    pub inbox: mpsc::Sender<Message>,
    pub wake: Option<Millis>,
    /// Files that were gone or damaged and were asked for again since the start.
    pub remade: BTreeSet<ContentHash>,
    /// The studio closes: nothing new begins.
    pub closing: bool,
    /// Attempts of an earlier run that an engine outside this program may still be at.
    pub open: BTreeMap<TaskId, Attempt>,
}

/// An attempt that runs.
pub(super) struct Running {
    pub attempt: AttemptId,
    pub key: ContentHash,
    pub order: Order,
    pub started: Millis,
    pub stop: CancellationToken,
    /// Cancelled when the studio closes and the engine goes on without it.
    pub leave: CancellationToken,
    /// The engine goes on without the studio.
    pub outlives: bool,
}

/// Starts the conductor. What ran when the studio last stopped is settled first; with `resume`, episodes that were
/// in the making go on. The second value ends when the conductor has stopped.
pub async fn start(context: Context, resume: bool) -> Result<(Handle, JoinHandle<Result<(), Error>>), Error> {
    let (inbox, messages) = mpsc::channel(INBOX);
    let mut studio = Studio {
        context,
        fleet: Fleet::new(Retrying::default()),
        at_work: BTreeMap::new(),
        known: BTreeMap::new(),
        running: BTreeMap::new(),
        by_key: BTreeMap::new(),
        inbox: inbox.clone(),
        wake: None,
        remade: BTreeSet::new(),
        closing: false,
        open: BTreeMap::new(),
    };
    studio.recover().await?;
    let engines: Vec<_> =
        studio.context.engines.iter().map(|(name, seat)| (name.clone(), seat.slots, seat.engine.presence())).collect();
    for (engine, slots, presence) in engines {
        let Some(mut presence) = presence else {
            studio.feed(Event::EngineSeen { engine, slots }).await?;
            continue;
        };
        let now = presence.borrow_and_update().clone();
        studio.presence(engine.clone(), now).await?;
        let inbox = studio.inbox.clone();
        tokio::spawn(async move {
            while presence.changed().await.is_ok() {
                let now = presence.borrow_and_update().clone();
                if inbox.send(Message::Presence { engine: engine.clone(), now }).await.is_err() {
                    return;
                }
            }
        });
    }
    studio.feed(Event::EngineSeen { engine: STUDIO.into(), slots: usize::MAX }).await?;
    if resume {
        studio.resume().await?;
    }
    Ok((Handle(inbox), tokio::spawn(studio.run(messages))))
}

impl Studio {
    async fn run(mut self, mut messages: mpsc::Receiver<Message>) -> Result<(), Error> {
        loop {
            let message = tokio::select! {
                message = messages.recv() => message,
                () = until(&self.context, self.wake), if self.wake.is_some() => {
                    self.wake = None;
                    self.feed(Event::Tick).await?;
                    continue;
                }
            };
            match message {
                None | Some(Message::Stop) => return self.stop(messages).await,
                Some(message) => self.hear(message).await?,
            }
        }
    }

    async fn hear(&mut self, message: Message) -> Result<(), Error> {
        match message {
            Message::Produce(produce, answer) => {
                // A caller that went away does not undo the request.
                let _ = answer.send(self.produce(*produce).await);
            }
            Message::Cancel(task, answer) => {
                let _ = answer.send(self.cancel(task).await);
            }
            Message::CancelEpisode(episode, answer) => {
                let _ = answer.send(self.cancel_episode(episode).await);
            }
            Message::Retry(task, answer) => {
                let _ = answer.send(self.retry(task).await);
            }
            Message::Why(task, answer) => {
                let _ = answer.send(why(&self.fleet, task).map(|reason| reason.to_string()));
            }
            Message::Ended { task, attempt, result } => self.ended(task, attempt, result).await?,
            Message::Presence { engine, now } => self.presence(engine, now).await?,
            Message::Stop => {}
        }
        Ok(())
    }

    /// An engine came or went.
    async fn presence(&mut self, engine: String, now: Presence) -> Result<(), Error> {
        let event = match now {
            Presence::Here { slots } => Event::EngineSeen { engine: engine.clone(), slots },
            Presence::Away { why } => Event::EngineLost { engine: engine.clone(), why },
        };
        let why = if let Event::EngineLost { why, .. } = &event { Some(why.clone()) } else { None };
        self.context.events.tell(Happened::Engine { engine, away: why });
        self.feed(event).await
    }

    /// Feeds one event to the scheduler and carries out what it leads to, until nothing more follows.
    pub(super) async fn feed(&mut self, event: Event) -> Result<(), Error> {
        let mut queue = VecDeque::from([event]);
        while let Some(event) = queue.pop_front() {
            let effects = step(&mut self.fleet, self.context.clock.now(), event);
            for effect in effects {
                queue.extend(self.perform(effect).await?);
            }
        }
        Ok(())
    }

    async fn cancel(&mut self, task: TaskId) -> Result<(), Error> {
        if !self.fleet.knows(task) {
            return Err(Error::Refused(format!(
                "task {task} is not waiting or running, so there is nothing to cancel"
            )));
        }
        self.feed(Event::Cancelled { task }).await
    }

    async fn cancel_episode(&mut self, episode: EpisodeId) -> Result<(), Error> {
        let tasks: Vec<TaskId> = self.known.iter().filter(|(_, k)| k.episode == episode).map(|(id, _)| *id).collect();
        for task in tasks {
            if self.fleet.knows(task) {
                self.feed(Event::Cancelled { task }).await?;
            }
        }
        Ok(())
    }

    /// Stops what runs and waits for the engines to confirm; nothing new starts.
    async fn stop(mut self, mut messages: mpsc::Receiver<Message>) -> Result<(), Error> {
        self.closing = true;
        for running in self.running.values() {
            if running.outlives { running.leave.cancel() } else { running.stop.cancel() }
        }
        while !self.running.is_empty() {
            let Some(message) = messages.recv().await else { break };
            if let Message::Ended { task, attempt, result } = message {
                self.settle(task, attempt, result).await?;
            }
        }
        Ok(())
    }

    pub(super) fn tell(&self, task: TaskId, now: Standing) {
        if let Some(known) = self.known.get(&task) {
            self.context.events.tell(Happened::Task { task, episode: known.episode, job: known.job, now });
        }
    }
}

async fn until(context: &Context, wake: Option<Millis>) {
    let left = wake.map_or(i64::MAX, |wake| wake.0 - context.clock.now().0).max(0);
    tokio::time::sleep(std::time::Duration::from_millis(left.unsigned_abs())).await;
}
