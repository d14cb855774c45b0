//! Live: everything that happens, as it happens, to pages by websocket and to scripts as server-sent events.
//!
//! What counts has a number (`events` in the database), without gaps: a client that was away says the last one it
//! knows and gets the rest. How far running tasks are has none; it is told four times a second at most. One pump
//! reads and writes every message once, however many listen.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    sync::Arc,
    time::Duration,
};

use axum::{
    Extension,
    body::Bytes,
    extract::{
        Query, State,
        rejection::QueryRejection,
        ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    http::HeaderMap,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event as Sent, KeepAlive},
    },
};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use studio_core::{
    fleet::{Away, sentence},
    ids::TaskId,
    journal::EventKind,
    units::Millis,
};
use tokio::sync::{OnceCell, broadcast};
use utoipa::{IntoParams, ToSchema};

use super::{doors::Reader, guard::Caller, problem::Problem};
use crate::{
    events::{Events, StudioEvent, TaskUpdate},
    store::{self, Db},
};

/// Messages a slow client may be behind; then it begins anew.
const BEHIND: usize = 1024;
/// Events that are told after a break; who missed more begins anew.
const MOST_MISSED: u64 = 2000;
/// How often progress is told.
const PROGRESS: Duration = Duration::from_millis(250);
/// Longest message of a client, in bytes.
const HEARD: usize = 4096;
/// Tasks whose pictures one client may watch at a time.
const MOST_WATCHED: usize = 8;
/// A sign of life, so that a broken line is noticed.
const BEAT: Duration = Duration::from_secs(20);

/// One message to a client of the websocket; its `type` says which.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LiveMessage {
    /// Ask for everything anew: this is where the numbers stand.
    Begin {
        /// Number of the newest event.
        seq: u64,
    },
    /// Something that counts.
    Event {
        /// Number of the event; they rise by one, without gaps.
        seq: u64,
        /// What kind of event it is, as one word.
        #[schema(value_type = EventKind)]
        kind: String,
        /// Id of what it is about.
        subject: String,
        /// The event itself.
        body: Value,
        /// When it happened, in milliseconds since 1970-01-01 UTC.
        at: Millis,
    },
    /// How far running tasks are.
    Progress {
        /// Those that have moved.
        tasks: Vec<LiveProgress>,
    },
    /// An engine outside this program came or went.
    Engine {
        /// Name of the engine, e.g. `comfy` or `ollama`.
        engine: String,
        /// Why it is away; `None`: it is there.
        away: Option<String>,
        /// The same as data, process by process; empty when it is there.
        because: Vec<Away>,
    },
    /// What the client said makes no sense.
    Refused {
        /// Why, in one sentence.
        why: String,
    },
    /// Nothing happened for 20 seconds; the connection is still there.
    Beat,
}

/// What a client says: the pictures of these tasks, as they are made.
///
/// They come as binary messages: the 16 bytes of the task's id, then the picture as its engine encodes it, JPEG or PNG;
/// four times a second at most, and only those that are new. It counts until the next such message; an empty list
/// ends it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// Which, at most 8.
    watch: Vec<TaskId>,
}

/// How far a task is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LiveProgress {
    task: TaskId,
    /// Share that is done, 0-1.
    done: f64,
    /// What is being done.
    what: String,
    /// Time left in milliseconds, when it can be told.
    left_ms: Option<u64>,
    /// There is a picture of it.
    preview: bool,
}

/// A message as it goes out, written once.
#[derive(Debug, Clone)]
struct Line {
    /// Where a client that has it goes on: the number of an event, or where a beginning stands.
    seq: Option<u64>,
    text: Utf8Bytes,
}

impl Line {
    fn of(told: &LiveMessage) -> Self {
        let seq = match told {
            LiveMessage::Begin { seq } | LiveMessage::Event { seq, .. } => Some(*seq),
            _ => None,
        };
        Self { seq, text: serde_json::to_string(told).unwrap_or_default().into() }
    }
}

impl From<store::events::Event> for Line {
    fn from(event: store::events::Event) -> Self {
        let store::events::Event { seq, kind, subject, body, created } = event;
        Self::of(&LiveMessage::Event { seq, kind, subject, body, at: created })
    }
}

/// The pump and everybody who listens to it.
#[derive(Clone, Default)]
pub struct Hub(Arc<OnceCell<broadcast::Sender<Line>>>);

impl Hub {
    /// Hears everything from now on; the pump starts with the first who listens.
    async fn listen(&self, db: &Db, events: &Events) -> Result<broadcast::Receiver<Line>, Problem> {
        let start = async || {
            // In this order: what is committed after the number was read is heard of.
            let (heard, seq) = (events.listen(), store::events::last(db).await?);
            let (sender, _) = broadcast::channel(BEHIND);
            tokio::spawn(pump(db.clone(), events.clone(), heard, seq, sender.clone()));
            Ok::<_, Problem>(sender)
        };
        Ok(self.0.get_or_try_init(start).await?.subscribe())
    }

    /// How many hear everything now.
    pub fn listeners(&self) -> usize {
        self.0.get().map_or(0, broadcast::Sender::receiver_count)
    }
}

/// One client's place in what happens: every event once, in order, or told to begin anew.
struct Listener {
    db: Db,
    heard: broadcast::Receiver<Line>,
    /// Number of the last event the client has.
    known: u64,
    /// What it missed, to be told first.
    missed: VecDeque<Line>,
    /// It was too slow, so that messages are lost.
    lost: bool,
}

impl Listener {
    /// From `since` on; without it, or where that is too long ago or of another studio, from the beginning.
    async fn open(state: &super::AppState, since: Option<u64>) -> Result<Self, Problem> {
        // Listening comes first, or what happens in between would be missed; what comes twice has the same number.
        let heard = state.hub.listen(&state.db, &state.events).await?;
        let db = state.db.clone();
        let last = store::events::last(&db).await?;
        let Some(since) = since.filter(|since| *since <= last && last - since <= MOST_MISSED) else {
            let missed = [Line::of(&LiveMessage::Begin { seq: last })].into();
            return Ok(Self { db, heard, known: last, missed, lost: false });
        };
        let events = store::events::since(&db, since, MOST_MISSED as u32).await?;
        let known = events.last().map_or(since, |event| event.seq);
        let missed = events.into_iter().map(Line::from).collect();
        Ok(Self { db, heard, known, missed, lost: false })
    }

    /// The next message; `None` when there will be none. Given up while it waits, it loses nothing.
    async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(line) = self.missed.pop_front() {
                return Some(line);
            }
            if self.lost {
                // Whoever cannot be told to begin anew is cut off, and goes on from what it knows when it comes again.
                let seq = store::events::last(&self.db).await.ok()?;
                (self.lost, self.known) = (false, seq);
                return Some(Line::of(&LiveMessage::Begin { seq }));
            }
            match self.heard.recv().await {
                Ok(Line { seq: Some(seq), .. }) if seq <= self.known => {}
                Ok(line) => {
                    self.known = line.seq.unwrap_or(self.known);
                    return Some(line);
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    // What is still kept is older than where it begins.
                    self.heard = self.heard.resubscribe();
                    self.lost = true;
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// Turns what happens into messages, for ever.
async fn pump(
    db: Db,
    events: Events,
    mut heard: broadcast::Receiver<StudioEvent>,
    mut seq: u64,
    to: broadcast::Sender<Line>,
) {
    let mut moved: BTreeMap<TaskId, LiveProgress> = BTreeMap::new();
    let mut tick = tokio::time::interval(PROGRESS);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // What is told after its commit is read at once; the tick finds what was told before.
    let (mut news, mut quiet) = (false, Duration::ZERO);
    loop {
        tokio::select! {
            happened = heard.recv() => match happened {
                Ok(StudioEvent::Task { task, now: TaskUpdate::Running(_), .. }) => {
                    if let Some(live) = events.live(task) {
                        let (doing, preview) = (live.doing, live.preview.is_some());
                        let now = LiveProgress { task, done: doing.done, what: doing.what, left_ms: doing.left_ms, preview };
                        moved.insert(task, now);
                    }
                    news = true;
                }
                Ok(StudioEvent::Engine { engine, away }) => {
                    let (away, because) = (away.as_deref().map(sentence), away.unwrap_or_default());
                    drop(to.send(Line::of(&LiveMessage::Engine { engine, away, because })));
                }
                // Too many at once: the numbers tell what is missing.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    news = true;
                    seq = pass_on(&db, seq, &to).await;
                }
                Err(broadcast::error::RecvError::Closed) => return,
            },
            _ = tick.tick() => {
                if to.receiver_count() == 0 {
                    moved.clear();
                    continue;
                }
                if std::mem::take(&mut news) {
                    quiet = Duration::ZERO;
                    seq = pass_on(&db, seq, &to).await;
                    // Who has ended meanwhile is no longer on the way.
                    moved.retain(|task, _| events.live(*task).is_some());
                    if !moved.is_empty() {
                        let tasks = std::mem::take(&mut moved).into_values().collect();
                        let _ = to.send(Line::of(&LiveMessage::Progress { tasks }));
                    }
                } else {
                    quiet += PROGRESS;
                    if quiet >= BEAT {
                        quiet = Duration::ZERO;
                        let _ = to.send(Line::of(&LiveMessage::Beat));
                    }
                }
            }
        }
    }
}

/// Tells every event after number `seq`; the number of the last one.
async fn pass_on(db: &Db, mut seq: u64, to: &broadcast::Sender<Line>) -> u64 {
    while let Ok(page) = store::events::since(db, seq, 500).await {
        let Some(last) = page.last() else { break };
        seq = last.seq;
        for one in page {
            let _ = to.send(one.into());
        }
    }
    seq
}

/// Where a client goes on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// Number of the last event it knows.
    since: Option<u64>,
}

/// A place among those who listen, until it is dropped.
fn place(state: &super::AppState) -> Result<tokio::sync::OwnedSemaphorePermit, Problem> {
    let full = |_| Problem::unavailable("too many listen already; close a page of the studio somewhere, and try again");
    state.listeners.clone().try_acquire_owned().map_err(full)
}

/// Everything that happens, by websocket.
///
/// The first message is `begin`, or everything after `since`. A client that is too slow is told to `begin` again.
/// It may say `Watch` at any time.
#[utoipa::path(get, path = "/api/live", tag = "live", params(Since),
    responses((status = 101, description = "a websocket whose messages are `LiveMessage`")))]
pub async fn live(
    _: Reader,
    Extension(caller): Extension<Caller>,
    State(state): State<super::AppState>,
    from: Result<Query<Since>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let Query(from) = from?;
    let upgrade = upgrade.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let place = place(&state)?;
    let listener = Listener::open(&state, from.since).await?;
    let (stop, events, guard) = (state.stop.clone(), state.events.clone(), state.guard.clone());
    let followed = async move |socket| {
        let _place = place;
        tokio::select! {
            () = follow(socket, listener, events) => {}
            () = guard.ended(&caller) => {}
            // The studio closes; nobody is waited for.
            () = stop.cancelled() => {}
        }
    };
    // Clients say little, and the buffer is filled with zeros at every look for it: 128 KiB of them, as is usual, were
    // most of what 200 open pages cost.
    Ok(upgrade.max_message_size(HEARD).read_buffer_size(HEARD).on_upgrade(followed))
}

/// What a client watches, and what it has seen of it.
#[derive(Default)]
struct Watched(BTreeMap<TaskId, Option<Arc<Vec<u8>>>>);

impl Watched {
    /// Watches what the client says from now on; `None` when it said it well.
    fn set(&mut self, said: &str) -> Option<LiveMessage> {
        let refused = |why: String| Some(LiveMessage::Refused { why });
        match serde_json::from_str::<Watch>(said) {
            Ok(Watch { watch }) if watch.len() > MOST_WATCHED => {
                refused(format!("watch names {} tasks; at most {MOST_WATCHED} can be watched", watch.len()))
            }
            Ok(Watch { watch }) => {
                let mut seen = std::mem::take(&mut self.0);
                self.0 = watch.into_iter().map(|task| (task, seen.remove(&task).flatten())).collect();
                None
            }
            Err(error) => refused(format!("say {{\"watch\": [ids of tasks]}}: {error}")),
        }
    }

    /// Pictures that are new.
    fn news(&mut self, events: &Events) -> Vec<Bytes> {
        let mut news = Vec::new();
        for (task, seen) in &mut self.0 {
            let Some(preview) = events.live(*task).and_then(|live| live.preview) else { continue };
            if seen.as_ref().is_none_or(|seen| !Arc::ptr_eq(seen, &preview.bytes)) {
                news.push([task.0.as_bytes().as_slice(), &preview.bytes].concat().into());
                *seen = Some(preview.bytes);
            }
        }
        news
    }
}

async fn follow(mut socket: WebSocket, mut listener: Listener, events: Events) {
    let mut watched = Watched::default();
    let mut glance = tokio::time::interval(PROGRESS);
    glance.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let sent = tokio::select! {
            line = listener.next() => match line {
                Some(line) => socket.send(Message::Text(line.text)).await,
                None => return,
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(Message::Text(said))) => match watched.set(&said) {
                    Some(refused) => socket.send(Message::Text(Line::of(&refused).text)).await,
                    None => Ok(()),
                },
                // Pings are answered below.
                Some(Ok(_)) => Ok(()),
            },
            // Who watches nothing costs nothing.
            _ = glance.tick(), if !watched.0.is_empty() => {
                let mut sent = Ok(());
                for picture in watched.news(&events) {
                    sent = sent.and(socket.send(Message::Binary(picture)).await);
                }
                sent
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

/// What a client says when it comes again.
const LAST_EVENT_ID: &str = "last-event-id";

/// The same as server-sent events, for scripts: `data:` is the message, `id:` the number it stands at.
///
/// A client that comes again names the last `id` it has as `Last-Event-ID`, as browsers do by themselves, or as
/// `since`; the header goes first. It gets the rest, or is told to `begin` when that is too long ago, of another studio
/// or no number at all. One that is too slow is told to `begin`, too.
#[utoipa::path(get, path = "/api/events", tag = "live",
    params(Since, ("last-event-id" = Option<String>, Header, description = "Number of the last event it knows.")),
    responses((status = 200, description = "messages as they come", content_type = "text/event-stream")))]
pub async fn events(
    _: Reader,
    Extension(caller): Extension<Caller>,
    State(state): State<super::AppState>,
    from: Result<Query<Since>, QueryRejection>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let Query(from) = from?;
    let since = match headers.get(LAST_EVENT_ID) {
        Some(id) => id.to_str().ok().and_then(|id| id.trim().parse().ok()),
        None => from.since,
    };
    let place = place(&state)?;
    let listener = Listener::open(&state, since).await?;
    let from = (listener, place);
    let all = stream::unfold(from, |mut from| async move { Some((from.0.next().await?, from)) });
    let (stop, guard) = (state.stop.clone(), state.guard.clone());
    let over = async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = guard.ended(&caller) => {}
        }
    };
    let sent = all.take_until(Box::pin(over)).map(|line| {
        let sent = Sent::default().data(line.text.as_str());
        Ok::<_, Infallible>(match line.seq {
            Some(seq) => sent.id(seq.to_string()),
            None => sent,
        })
    });
    Ok(Sse::new(sent).keep_alive(KeepAlive::new().interval(BEAT)))
}
