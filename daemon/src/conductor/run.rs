//! Run: the loop itself.

use std::collections::{BTreeSet, VecDeque};

use studio_core::{
    ids::{EpisodeId, TaskId},
    schedule::{Effect, Event, step, view, why},
    units::Millis,
};
use studio_engine::Availability;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use super::{Context, Error, Handle, fleet::inside, inbox::Message, memory::Studio, restart::caught};
use crate::{
    events::{StudioEvent, TaskUpdate},
    trace,
};

/// Requests and results that may wait at the door.
const INBOX: usize = 1024;

/// Starts the conductor, and has every engine look after its processes. What ran when the studio last stopped is settled first; with `resume`, episodes that were
/// in the making go on. The second value ends when the conductor has stopped.
pub async fn start(context: Context, resume: bool) -> Result<(Handle, JoinHandle<Result<(), Error>>), Error> {
    let (inbox, mut messages) = mpsc::channel(INBOX);
    let mut studio = Studio::new(context, inbox.clone());
    studio.context.engines.values().for_each(|seat| seat.engine.watch());
    let mut offers = studio.watched();
    for (_, offer) in &mut offers {
        // Before it is read for the first time: what changes from here on is heard, once more at worst.
        offer.mark_unchanged();
    }
    let mut given_up = BTreeSet::new();
    while let Err(error) = Box::pin(caught(studio.come_up(resume))).await {
        // An episode that cannot be gone on with costs that episode; a store that is not there is told at once.
        match studio.pulse.minds.filter(|episode| resume && error.outage().is_none() && given_up.insert(*episode)) {
            None => return Err(error),
            Some(episode) => {
                studio.put_down(&mut messages).await;
                studio.give_up(episode, &error.to_string()).await?;
                studio = Studio::new(studio.context, inbox.clone());
            }
        }
    }
    for (engine, mut offer) in offers {
        let inbox = studio.inbox.clone();
        tokio::spawn(async move {
            while offer.changed().await.is_ok() {
                let now = offer.borrow_and_update().clone();
                if inbox.send(Message::Offer { engine: engine.clone(), now }).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok((Handle(inbox), tokio::spawn(studio.run(messages, resume))))
}

impl Studio {
    /// Engines outside this program, with what they offer.
    fn watched(&self) -> Vec<(String, watch::Receiver<Availability>)> {
        let engines = self.context.engines.iter();
        engines.filter_map(|(name, seat)| Some((name.clone(), seat.engine.offer()?))).collect()
    }

    /// Takes everything from the store and the engines; with `resume`, episodes that were in the making go on.
    pub(super) async fn come_up(&mut self, resume: bool) -> Result<(), Error> {
        if let Some(lock) = self.context.lock.clone() {
            // A server that was away has forgotten it: before anything goes on, or is said to, it is ours again.
            lock.lock().await.check(&self.context.db).await?;
        }
        self.recover().await?;
        self.set_up_fleet().await?;
        for event in inside(&self.context).collect::<Vec<_>>() {
            self.feed(event).await?;
        }
        for (engine, offer) in self.watched() {
            let now = offer.borrow().clone();
            self.offered(engine, now).await?;
        }
        if resume {
            self.resume().await?;
            self.resume_pictures().await?;
        }
        Ok(())
    }

    /// With `anew`, trouble with the store does not end it: see [`restart`](super::restart).
    async fn run(mut self, mut messages: mpsc::Receiver<Message>, anew: bool) -> Result<(), Error> {
        loop {
            let error = match caught(self.attend(&mut messages)).await {
                Ok(true) => continue,
                Ok(false) => return self.stop(messages).await,
                Err(error) => error,
            };
            if !anew {
                return Err(error);
            }
            match Box::pin(self.begin_anew(error, &mut messages)).await? {
                Some(anew) => self = anew,
                None => return Ok(()),
            }
        }
    }

    /// Hears one message and does what follows from it; false when it is the last.
    async fn attend(&mut self, messages: &mut mpsc::Receiver<Message>) -> Result<bool, Error> {
        self.pulse.minds = None;
        let message = if let Some(message) = self.pulse.later.pop_front() {
            Some(message)
        } else {
            tokio::select! {
                message = messages.recv() => message,
                () = until(&self.context, self.pulse.wake), if self.pulse.wake.is_some() => {
                    self.pulse.wake = None;
                    self.feed(Event::Tick).await?;
                    self.drain_rebuilds().await?;
                    return Ok(true);
                }
            }
        };
        match message {
            None | Some(Message::Stop) => return Ok(false),
            Some(message) => Box::pin(self.hear(message)).await?,
        }
        self.drain_rebuilds().await?;
        self.pulse.trouble().map_or(Ok(true), Err)
    }

    /// Answers whoever asked. That the store is away is not theirs alone.
    fn answer<T>(&mut self, to: oneshot::Sender<Result<T, Error>>, result: Result<T, Error>) {
        if let Err(error) = &result {
            self.pulse.told(error);
        }
        // A caller that went away does not undo the request.
        let _ = to.send(result);
    }

    /// Only now: the scheduler must have heard that the last task of the first time is over.
    async fn drain_rebuilds(&mut self) -> Result<(), Error> {
        while let Some((episode, request)) = self.work.next_again() {
            self.pulse.minds = Some(episode);
            let episode = crate::store::episodes::get(&self.context.db, episode).await?;
            match request {
                Some(request) => trace::for_request(request, Box::pin(self.rebuild(episode))).await?,
                None => self.rebuild(episode).await?,
            }
        }
        Ok(())
    }

    async fn hear(&mut self, message: Message) -> Result<(), Error> {
        match message {
            Message::Ended { task, attempt, result } => self.ended(task, attempt, result).await?,
            Message::Came(what, how, took_ms) => self.came(what, how, took_ms).await?,
            Message::Offer { engine, now } => self.offered(engine, now).await?,
            Message::Cards => self.see_cards().await?,
            Message::Quiet => self.keep_quiet().await?,
            Message::Left(what) => self.left(what).await?,
            Message::Fleet(event) => self.feed(event).await?,
            Message::Why(task, answer) => drop(answer.send(why(&self.fleet, task))),
            Message::View(answer) => drop(answer.send(view(&self.fleet))),
            Message::Snapshot(answer) => drop(answer.send(self.snapshot())),
            // The request's id is known to everything that follows from it at once.
            Message::Of(request, message) => trace::for_request(request, Box::pin(self.hear(*message))).await?,
            asked => Box::pin(self.asked(asked)).await?,
        }
        Ok(())
    }

    /// Does what somebody asked for, and answers.
    async fn asked(&mut self, message: Message) -> Result<(), Error> {
        self.pulse.minds = self.about(&message);
        match message {
            Message::Produce(produce, answer) => {
                let result = Box::pin(self.produce(*produce)).await;
                self.answer(answer, result);
            }
            Message::Write(produce, answer) => {
                let result = Box::pin(self.write(*produce)).await;
                self.answer(answer, result);
            }
            Message::Cancel(task, answer) => {
                let result = self.cancel(task).await;
                self.answer(answer, result);
            }
            Message::CancelEpisode(episode, answer) => {
                let result = self.keep_stopping(episode).await;
                let kept = result.is_ok();
                // It holds from now on, whatever happens; to end thousands of tasks takes a moment.
                self.answer(answer, result);
                return if kept { self.cancel_episode(episode).await } else { Ok(()) };
            }
            Message::Retry(task, answer) => {
                let result = self.retry(task).await;
                self.answer(answer, result);
            }
            Message::Opinion(task, opinion, seen, answer) => {
                let result = self.opine(task, opinion, seen).await;
                self.answer(answer, result);
            }
            Message::Override(task, hand, answer) => {
                let result = self.hand(task, hand).await;
                self.answer(answer, result);
            }
            Message::Approve(episode, checkpoint, answer) => {
                let result = Box::pin(self.approve(episode, checkpoint)).await;
                self.answer(answer, result);
            }
            of_datasets @ (Message::GoOnWithPictures(_)
            | Message::Pictures(..)
            | Message::Review(..)
            | Message::StopReview(..)) => self.asked_of_datasets(of_datasets).await,
            Message::Again(episode, answer) => {
                let result = self.rebuild_requested(episode).await;
                self.answer(answer, result);
            }
            Message::Unpublish(episode, answer) => {
                let result = self.unpublish(episode).await;
                self.answer(answer, result);
            }
            Message::Unpublished(episode, answer) => {
                let result = self.unpublished(episode).await;
                self.answer(answer, result);
            }
            Message::RemoveProject(project, answer) => {
                let result = self.remove_project(project).await;
                self.answer(answer, result);
            }
            steered => self.asked_of_the_fleet(steered).await,
        }
        Ok(())
    }

    /// The episode that something asked for is about, as far as memory knows: who is to blame when that goes wrong.
    fn about(&self, message: &Message) -> Option<EpisodeId> {
        match message {
            Message::CancelEpisode(episode, _)
            | Message::Approve(episode, ..)
            | Message::Again(episode, _)
            | Message::Unpublish(episode, _)
            | Message::Unpublished(episode, _) => Some(*episode),
            Message::Cancel(task, _)
            | Message::Retry(task, _)
            | Message::Opinion(task, ..)
            | Message::Override(task, ..)
            | Message::Steer(task, ..) => self.work.task(*task).map(|known| known.episode),
            _ => None,
        }
    }

    /// The same of pictures of datasets.
    async fn asked_of_datasets(&mut self, message: Message) {
        match message {
            Message::GoOnWithPictures(answer) => {
                let result = self.resume_pictures().await;
                self.answer(answer, result);
            }
            Message::Pictures(asked, answer) => {
                let result = self.ask_pictures(asked).await;
                self.answer(answer, result);
            }
            Message::Review(review, asked, answer) => {
                let result = self.review_pictures(review, asked).await;
                self.answer(answer, result);
            }
            Message::StopReview(review, answer) => {
                let result = self.stop_review(review).await;
                self.answer(answer, result);
            }
            _ => {}
        }
    }

    /// The same of what rests and what goes first.
    async fn asked_of_the_fleet(&mut self, message: Message) {
        match message {
            Message::Steer(task, to, answer) => {
                let result = self.steer(task, to).await;
                self.answer(answer, result);
            }
            Message::Pause { scope, how, answer } => {
                let result = self.pause(scope, how).await;
                self.answer(answer, result);
            }
            Message::Resume(scope, answer) => {
                let result = self.resume_scope(scope).await;
                self.answer(answer, result);
            }
            Message::SetQuiet(hours, answer) => {
                let result = self.set_quiet(hours).await;
                self.answer(answer, result);
            }
            _ => {}
        }
    }

    /// Feeds one event to the scheduler and carries out what it leads to, until nothing more follows.
    pub(super) async fn feed(&mut self, event: Event) -> Result<(), Error> {
        let mut queue = VecDeque::from([event]);
        while let Some(event) = queue.pop_front() {
            let mut rejected = Vec::new();
            for effect in step(&mut self.fleet, self.context.clock.now(), event) {
                // Those that end together are kept together, before whatever follows them.
                if let Effect::Reject { task, fault } = effect {
                    rejected.push((task, fault));
                    continue;
                }
                self.reject(std::mem::take(&mut rejected)).await?;
                if let Some(known) = effect.task().and_then(|task| self.work.task(task)) {
                    self.pulse.minds = Some(known.episode);
                }
                queue.extend(self.perform(effect).await?);
            }
            self.reject(rejected).await?;
        }
        Ok(())
    }

    async fn cancel(&mut self, task: TaskId) -> Result<(), Error> {
        if !self.fleet.knows(task) {
            return Box::pin(self.cancel_at_rest(task)).await;
        }
        self.feed(Event::Cancelled { task }).await
    }

    /// Stops what runs and waits for the engines to confirm; nothing new starts.
    async fn stop(mut self, mut messages: mpsc::Receiver<Message>) -> Result<(), Error> {
        self.pulse.closing = true;
        self.attempts.leave();
        while !self.attempts.is_empty() {
            let Some(message) = messages.recv().await else { break };
            if let Message::Ended { task, attempt, result } = message {
                // Nothing is decided any more.
                let _ = self.settle(task, attempt, result).await?;
            }
        }
        Ok(())
    }

    pub(super) fn broadcast(&self, task: TaskId, now: TaskUpdate) {
        if let Some(known) = self.work.task(task) {
            self.context.events.tell(StudioEvent::Task { task, episode: known.episode, job: known.job, now });
        }
    }
}

async fn until(context: &Context, wake: Option<Millis>) {
    let left = wake.map_or(i64::MAX, |wake| wake.0 - context.clock.now().0).max(0);
    tokio::time::sleep(std::time::Duration::from_millis(left.unsigned_abs())).await;
}
