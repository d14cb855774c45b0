//! Render: one prompt on one server, from its submission to the entry in the history.
//!
//! What the socket says makes progress live; how the prompt ended is only ever read from `/history` and `/queue`, so
//! everything here works with a deaf socket, or none.

use std::{fmt::Write, ops::ControlFlow, time::Duration};

use serde_json::Value;
use studio_core::{
    units::Millis,
    workflow::{Fold, ProgressEvent},
};
use studio_engine::{Doing, EngineError, FailureKind, Preview, Progress, Said};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    client::{Submitted, Trouble},
    server::{Server, State},
    socket::{News, Socket},
    wire::{self, Ending, Entry, Place, What},
};
use crate::wait::{InVain, Wait};

/// How long a prompt waits for somebody to listen before it is sent.
const CONNECTS_WITHIN: Duration = Duration::from_millis(500);

/// A prompt to be rendered.
pub struct Prompt<'a> {
    /// Its id, the attempt's.
    pub id: &'a str,
    /// The bound graph.
    pub graph: &'a Value,
    /// How the studio knows its own prompts in a queue.
    pub mark: &'a Value,
    /// It may have been sent before.
    pub again: bool,
    /// Clings to the card: `/free` follows whatever goes wrong.
    pub unload_on_error: bool,
    /// Median of what such a prompt took on this card.
    pub usual: Option<Duration>,
}

/// Who may end a prompt early.
pub struct Ends<'a> {
    /// Somebody wants it stopped.
    pub stop: &'a CancellationToken,
    /// The studio closes and leaves it running.
    pub closing: &'a CancellationToken,
    /// It is wanted back unless it has begun.
    pub recall: &'a CancellationToken,
}

/// Where a prompt stands on a server.
#[derive(Debug)]
pub enum PromptStatus {
    /// It is over, well or not: its entry in the history says which.
    Ended(Box<Entry>),
    /// In the queue.
    Queued {
        /// Where in it.
        place: Place,
        /// Id of the connection that hears about it, when the server says it.
        client: Option<String>,
    },
    /// The server does not know it.
    Unknown,
}

/// Asks a server what became of a prompt: history, queue, and history again, because it may have moved in between.
pub async fn prompt_status(server: &Server, id: &str) -> Result<PromptStatus, Trouble> {
    if let Some(entry) = server.client.history(id).await? {
        return Ok(PromptStatus::Ended(Box::new(entry)));
    }
    let queue = server.client.queue().await?;
    if let Some(place) = queue.place(id) {
        return Ok(PromptStatus::Queued { place, client: queue.client(id).map(str::to_owned) });
    }
    Ok(match server.client.history(id).await? {
        Some(entry) => PromptStatus::Ended(Box::new(entry)),
        None => PromptStatus::Unknown,
    })
}

/// Renders a prompt; what it made is in the entry.
pub async fn render(
    server: &Server,
    prompt: &Prompt<'_>,
    fold: &mut Fold,
    progress: &Progress,
    ends: &Ends<'_>,
) -> Result<Entry, EngineError> {
    let mut follow =
        Follow { server, prompt, fold, progress, began: Instant::now(), moved: Instant::now(), away: None };
    let entry = follow.through(ends).await;
    match &entry {
        Ok(_) => server.did_well(),
        Err(failure) if failure.kind == FailureKind::Left => {}
        Err(_) if prompt.unload_on_error => {
            // FramePack's sampler moves its model off the card only at its normal end.
            server.free().await;
        }
        Err(_) => {}
    }
    entry
}

struct Follow<'a> {
    server: &'a Server,
    prompt: &'a Prompt<'a>,
    fold: &'a mut Fold,
    progress: &'a Progress,
    began: Instant,
    /// Last sign of progress.
    moved: Instant,
    /// Since when the server does not answer.
    away: Option<Instant>,
}

impl Follow<'_> {
    async fn through(&mut self, ends: &Ends<'_>) -> Result<Entry, EngineError> {
        // A studio of before had an id of its own for every connection; the queue still says which.
        let client = if self.prompt.again {
            match self.found().await? {
                PromptStatus::Ended(entry) => return self.ended(*entry),
                PromptStatus::Queued { client, .. } => client,
                PromptStatus::Unknown => return Err(self.lost()),
            }
        } else {
            None
        };
        let client = client.as_deref().unwrap_or(self.prompt.id);
        let mut socket = Socket::open(self.server.client.base(), client, self.prompt.id);
        let entry = self.listening(&mut socket, ends).await;
        socket.close().await;
        entry
    }

    /// Sends the prompt unless it was sent, and follows it to its end.
    async fn listening(&mut self, socket: &mut Socket, ends: &Ends<'_>) -> Result<Entry, EngineError> {
        if !self.prompt.again {
            // What it says before somebody listens is lost. A server that refuses sockets is polled.
            socket.tried(CONNECTS_WITHIN).await;
            if let Some(entry) = self.submit().await? {
                return self.ended(entry);
            }
        }
        let mut poll = tokio::time::interval(self.server.pace.poll);
        let mut state = self.server.state.clone();
        let mut recalled = false;
        loop {
            let look = tokio::select! {
                () = ends.recall.cancelled(), if !recalled => {
                    recalled = true;
                    if self.taken_back().await {
                        return Err(EngineError::new(FailureKind::Lost, "something more urgent wanted the card first"));
                    }
                    true
                }
                () = ends.stop.cancelled() => return Err(self.cancelled().await),
                () = ends.closing.cancelled() => {
                    return Err(EngineError::new(FailureKind::Left, "the studio closes; ComfyUI goes on with it"));
                }
                news = socket.next() => self.hear(news),
                _ = poll.tick() => true,
                // Back after a break: look at once.
                changed = state.changed() => changed.is_ok() && matches!(&*state.borrow(), State::Up(_)),
            };
            if look && let Some(entry) = self.look().await? {
                return self.ended(entry);
            }
            self.watch_for_stall().await?;
        }
    }

    /// Takes the prompt back while it waits in the server's queue; false when it has begun.
    async fn taken_back(&self) -> bool {
        let waits = matches!(
            prompt_status(self.server, self.prompt.id).await,
            Ok(PromptStatus::Queued { place: Place::Waiting(_), .. })
        );
        waits && self.server.cancel(self.prompt.id).await
    }

    /// Sends the prompt. An entry when its answer was lost and it has ended meanwhile.
    async fn submit(&mut self) -> Result<Option<Entry>, EngineError> {
        let (server, id) = (self.server.plan.name.as_str(), self.prompt.id);
        match self.server.client.submit(id, id, self.prompt.graph, self.prompt.mark).await {
            Ok(Submitted::Accepted) => {
                tracing::info!(prompt = self.prompt.id, server, "a prompt is in ComfyUI's queue");
                Ok(None)
            }
            Ok(Submitted::Partly(why)) => {
                // It would run in part and call that a success.
                self.server.cancel(self.prompt.id).await;
                let message = format!("ComfyUI would run only a part of the workflow: {why}");
                Err(EngineError::new(FailureKind::Refused, message))
            }
            Ok(Submitted::Refused(why)) => {
                Err(EngineError::new(FailureKind::Refused, format!("ComfyUI refuses the workflow: {why}")))
            }
            // The request may have arrived all the same: ask before anything is sent again.
            Err(trouble @ (Trouble::Unreachable { .. } | Trouble::Broken { .. } | Trouble::Garbled { .. })) => {
                tracing::warn!(prompt = self.prompt.id, server, %trouble, "no answer to a prompt; looking for it");
                match self.found().await? {
                    PromptStatus::Ended(entry) => Ok(Some(*entry)),
                    PromptStatus::Queued { .. } => Ok(None),
                    PromptStatus::Unknown => Err(self.lost()),
                }
            }
            Err(trouble) => Err(trouble.failure()),
        }
    }

    /// Where the prompt is, waiting for a server that is away, within its limit.
    async fn found(&self) -> Result<PromptStatus, EngineError> {
        let (server, id) = (self.server, self.prompt.id);
        let look = || async move {
            match prompt_status(server, id).await {
                Ok(found) => ControlFlow::Break(found),
                Err(trouble) => ControlFlow::Continue(trouble),
            }
        };
        Wait::new(server.pace.poll, server.pace.abandoned_after).until(look).await.map_err(|in_vain| {
            server.give_up(id);
            let why = match in_vain {
                InVain::Late(trouble) => trouble.to_string(),
                InVain::Stopped => "nobody waits for it".into(),
            };
            EngineError::new(FailureKind::Lost, format!("ComfyUI was away for too long: {why}"))
        })
    }

    fn lost(&self) -> EngineError {
        let name = &self.server.plan.name;
        EngineError::new(
            FailureKind::Lost,
            format!("{name} knows nothing of it (ComfyUI was restarted, or it was deleted)"),
        )
    }

    /// Takes in what the socket says; true when it is worth looking at the history.
    fn hear(&mut self, news: News) -> bool {
        let heard = match news {
            News::Preview { mime, bytes } => {
                self.progress.say(Said::Preview(Preview { mime, bytes: bytes.into() }));
                self.moved = Instant::now();
                return false;
            }
            News::What(What::Over) => return true,
            News::What(What::Progress(heard)) => heard,
        };
        let over = heard == ProgressEvent::Executing(None);
        let before = self.fold.seen(self.now());
        self.fold.hear(self.now(), &heard);
        let seen = self.fold.seen(self.now());
        if (seen.share, &seen.node, seen.step) != (before.share, &before.node, before.step) {
            self.moved = Instant::now();
            self.tell();
        }
        over
    }

    fn now(&self) -> Millis {
        Millis(i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    fn tell(&self) {
        let seen = self.fold.seen(self.now());
        let mut what = seen.node.clone().unwrap_or_default();
        if seen.steps > 1 {
            let _ = write!(what, ", step {} of {}", seen.step, seen.steps);
        }
        if seen.sections > 1 {
            let _ = write!(what, ", section {} of {}", seen.section, seen.sections);
        }
        self.progress.say(Said::Doing(Doing { done: seen.share, what, left_ms: seen.eta_ms }));
    }

    /// Asks the server; an entry when the prompt has ended.
    async fn look(&mut self) -> Result<Option<Entry>, EngineError> {
        match prompt_status(self.server, self.prompt.id).await {
            Ok(found) => {
                self.away = None;
                match found {
                    PromptStatus::Ended(entry) => Ok(Some(*entry)),
                    PromptStatus::Queued { place: Place::Running, .. } => {
                        self.tell();
                        Ok(None)
                    }
                    PromptStatus::Queued { place: Place::Waiting(ahead), .. } => {
                        // Waiting behind others is no stall as long as the worker lives.
                        self.moved = Instant::now();
                        let what = format!("waits in ComfyUI's queue, {ahead} before it");
                        self.progress.say(Said::Doing(Doing { what, ..Doing::default() }));
                        Ok(None)
                    }
                    PromptStatus::Unknown => Err(self.lost()),
                }
            }
            Err(trouble) => {
                let since = *self.away.get_or_insert_with(Instant::now);
                self.server.look();
                if since.elapsed() < self.server.pace.abandoned_after {
                    return Ok(None);
                }
                self.server.give_up(self.prompt.id);
                Err(EngineError::new(FailureKind::Lost, format!("ComfyUI went away in the middle of it: {trouble}")))
            }
        }
    }

    fn ended(&mut self, entry: Entry) -> Result<Entry, EngineError> {
        let ending = entry.ending();
        let status = entry.status.status_str.as_str();
        tracing::info!(prompt = self.prompt.id, server = %self.server.plan.name, status, "a prompt has ended");
        match ending {
            Ending::Success => {
                self.fold.hear(self.now(), &ProgressEvent::Done);
                self.tell();
                Ok(entry)
            }
            Ending::Interrupted => Err(EngineError::new(FailureKind::Transient, "somebody interrupted it in ComfyUI")),
            Ending::Error { exception, message, node } => Err(failure(&exception, &message, &node)),
        }
    }

    /// Stops the prompt and waits until the server confirms it.
    async fn cancelled(&self) -> EngineError {
        let message = if self.server.cancel(self.prompt.id).await {
            "stopped".to_owned()
        } else {
            format!("stopped here; {} has not confirmed it and is told again when it answers", self.server.plan.name)
        };
        EngineError::new(FailureKind::Cancelled, message)
    }

    /// No sign of progress for too long: probe, cancel, and a strike for the server.
    async fn watch_for_stall(&mut self) -> Result<(), EngineError> {
        let pace = &self.server.pace;
        let limit = match self.prompt.usual {
            // Loading a model is silent, so short work gets some minutes all the same.
            Some(usual) => usual.mul_f64(pace.stall_factor).max(pace.stall / 15),
            None => pace.stall,
        };
        if self.moved.elapsed() < limit || self.away.is_some() {
            return Ok(());
        }
        // Finished while the socket was deaf and between two polls?
        if let Ok(PromptStatus::Ended(_)) = prompt_status(self.server, self.prompt.id).await {
            return Ok(());
        }
        let why = format!(
            "no step for {} s, which is far beyond the usual time of such work",
            self.moved.elapsed().as_secs()
        );
        self.server.strike(&why);
        let confirmed = self.server.cancel(self.prompt.id).await;
        let how = if confirmed { "it was cancelled" } else { "ComfyUI does not even confirm its cancel: restart it" };
        Err(EngineError::new(FailureKind::Transient, format!("{why}; {how}")))
    }
}

/// What to do about an exception in a node.
fn failure(exception: &str, message: &str, node: &str) -> EngineError {
    let said = wire::shortened(message);
    let at = if node.is_empty() { String::new() } else { format!(" in {node}") };
    let lower = message.to_lowercase();
    if wire::is_out_of_memory(exception, message) {
        return EngineError::new(FailureKind::OutOfMemory, format!("the card was full{at}: {said}"));
    }
    if lower.contains("no space left on device") || lower.contains("errno 28") {
        return EngineError::new(FailureKind::DiskFull, format!("ComfyUI's disk is full{at}: {said}; make room there"));
    }
    let missing = ["model not found", "error while deserializing header", "no such file or directory"];
    if missing.iter().any(|sign| lower.contains(sign)) {
        let remedy = "look at 'studiod comfy check' for what is missing or damaged";
        return EngineError::new(FailureKind::Refused, format!("ComfyUI lacks a file{at}: {said}; {remedy}"));
    }
    EngineError::new(FailureKind::Transient, format!("ComfyUI failed{at}: {exception} {said}"))
}
