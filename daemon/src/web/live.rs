//! Live: everything that happens, as it happens, to pages by websocket and to scripts as server-sent events.
//!
//! What counts has a number (`events` in the database), without gaps: a client that was away says the last one it
//! knows and gets the rest. How far running tasks are has none; it is told four times a second at most. One pump
//! reads and writes every message once, however many listen.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::{
        Query, State,
        rejection::QueryRejection,
        ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    response::{
        IntoResponse, Response, Sse,
        sse::{Event as Sent, KeepAlive},
    },
};
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use studio_core::{
    fleet::{Away, sentence},
    ids::TaskId,
    journal::EventKind,
    units::Millis,
};
use tokio::sync::broadcast;
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use crate::{
    events::{Events, Happened, Standing},
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

/// One message.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Told {
    /// Ask for everything anew: this is where the numbers stand.
    Begin {
        /// Number of the newest event.
        seq: u64,
    },
    /// Something that counts.
    Event {
        /// Its number.
        seq: u64,
        /// What kind.
        #[schema(value_type = EventKind)]
        kind: String,
        /// Id of what it is about.
        subject: String,
        /// The event itself.
        body: Value,
        /// When.
        at: Millis,
    },
    /// How far running tasks are.
    Progress {
        /// Those that have moved.
        tasks: Vec<Moved>,
    },
    /// An engine outside this program came or went.
    Engine {
        /// Its name.
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
    /// Nothing happened.
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
pub struct Moved {
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

/// The pump and everybody who listens to it.
#[derive(Clone, Default)]
pub struct Hub(Arc<OnceLock<broadcast::Sender<Utf8Bytes>>>);

impl Hub {
    /// Hears everything from now on; the pump starts with the first who listens.
    fn listen(&self, db: &Db, events: &Events) -> broadcast::Receiver<Utf8Bytes> {
        let sender = self.0.get_or_init(|| {
            let (sender, _) = broadcast::channel(BEHIND);
            tokio::spawn(pump(db.clone(), events.clone(), sender.clone()));
            sender
        });
        sender.subscribe()
    }

    /// How many hear everything now.
    pub fn listeners(&self) -> usize {
        self.0.get().map_or(0, broadcast::Sender::receiver_count)
    }
}

fn text(told: &Told) -> Utf8Bytes {
    serde_json::to_string(told).unwrap_or_default().into()
}

fn event(event: store::events::Event) -> Told {
    let store::events::Event { seq, kind, subject, body, created } = event;
    Told::Event { seq, kind, subject, body, at: created }
}

/// Turns what happens into messages, for ever.
async fn pump(db: Db, events: Events, to: broadcast::Sender<Utf8Bytes>) {
    let mut heard = events.listen();
    let mut seq = store::events::last(&db).await.unwrap_or_default();
    let mut moved: BTreeMap<TaskId, Moved> = BTreeMap::new();
    let mut tick = tokio::time::interval(PROGRESS);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // What is told after its commit is read at once; the tick finds what was told before.
    let (mut news, mut quiet) = (false, Duration::ZERO);
    loop {
        tokio::select! {
            happened = heard.recv() => match happened {
                Ok(Happened::Task { task, now: Standing::Running(_), .. }) => {
                    if let Some(live) = events.live(task) {
                        let (doing, preview) = (live.doing, live.preview.is_some());
                        let now = Moved { task, done: doing.done, what: doing.what, left_ms: doing.left_ms, preview };
                        moved.insert(task, now);
                    }
                    news = true;
                }
                Ok(Happened::Engine { engine, away }) => {
                    let (away, because) = (away.as_deref().map(sentence), away.unwrap_or_default());
                    drop(to.send(text(&Told::Engine { engine, away, because })));
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
                        let _ = to.send(text(&Told::Progress { tasks }));
                    }
                } else {
                    quiet += PROGRESS;
                    if quiet >= BEAT {
                        quiet = Duration::ZERO;
                        let _ = to.send(text(&Told::Beat));
                    }
                }
            }
        }
    }
}

/// Tells every event after number `seq`; the number of the last one.
async fn pass_on(db: &Db, mut seq: u64, to: &broadcast::Sender<Utf8Bytes>) -> u64 {
    while let Ok(page) = store::events::since(db, seq, 500).await {
        let Some(last) = page.last() else { break };
        seq = last.seq;
        for one in page {
            let _ = to.send(text(&event(one)));
        }
    }
    seq
}

/// Where a client goes on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct From {
    /// Number of the last event it knows.
    since: Option<u64>,
}

/// What a client missed, or that it must begin anew.
async fn missed(db: &Db, since: Option<u64>) -> Result<Vec<Utf8Bytes>, Problem> {
    let last = store::events::last(db).await?;
    let Some(since) = since.filter(|since| *since <= last && last - since <= MOST_MISSED) else {
        return Ok(vec![text(&Told::Begin { seq: last })]);
    };
    let events = store::events::since(db, since, MOST_MISSED as u32).await?;
    Ok(events.into_iter().map(|one| text(&event(one))).collect())
}

/// Everything that happens, by websocket.
///
/// The first message is `begin`, or everything after `since`. A client that is too slow is told to `begin` again.
/// It may say `Watch` at any time.
#[utoipa::path(get, path = "/api/live", tag = "live", params(From),
    responses((status = 101, description = "a websocket whose messages are `Told`"), Problem))]
pub async fn live(
    State(state): State<super::AppState>,
    from: Result<Query<From>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let Query(from) = from?;
    let upgrade = upgrade.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    // Listening comes first, or what happens in between would be missed; what is told twice has the same number.
    let heard = state.hub.listen(&state.db, &state.events);
    let missed = missed(&state.db, from.since).await?;
    let db = state.db.clone();
    let (stop, events) = (state.stop.clone(), state.events.clone());
    let followed = async move |socket| {
        tokio::select! {
            () = follow(socket, missed, heard, (db, events)) => {}
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
    fn set(&mut self, said: &str) -> Option<Told> {
        let refused = |why: String| Some(Told::Refused { why });
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

async fn follow(
    mut socket: WebSocket,
    missed: Vec<Utf8Bytes>,
    mut heard: broadcast::Receiver<Utf8Bytes>,
    (db, events): (Db, Events),
) {
    for one in missed {
        if socket.send(Message::Text(one)).await.is_err() {
            return;
        }
    }
    let mut watched = Watched::default();
    let mut glance = tokio::time::interval(PROGRESS);
    glance.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let sent = tokio::select! {
            told = heard.recv() => match told {
                Ok(told) => socket.send(Message::Text(told)).await,
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    let seq = store::events::last(&db).await.unwrap_or_default();
                    socket.send(Message::Text(text(&Told::Begin { seq }))).await
                }
                Err(broadcast::error::RecvError::Closed) => return,
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(Message::Text(said))) => match watched.set(&said) {
                    Some(refused) => socket.send(Message::Text(text(&refused))).await,
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

/// The same as server-sent events, for scripts: `data:` is the message, `id:` the number of an event.
#[utoipa::path(get, path = "/api/events", tag = "live", params(From),
    responses((status = 200, description = "messages as they come", content_type = "text/event-stream"), Problem))]
pub async fn events(
    State(state): State<super::AppState>,
    from: Result<Query<From>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Query(from) = from?;
    let heard = state.hub.listen(&state.db, &state.events);
    let missed = missed(&state.db, from.since).await?;
    let all = stream::iter(missed).chain(received(heard)).take_until(state.stop.clone().cancelled_owned());
    let sent = all.map(|told| Ok::<_, Infallible>(Sent::default().data(told.as_str())));
    Ok(Sse::new(sent).keep_alive(KeepAlive::new().interval(BEAT)))
}

fn received(heard: broadcast::Receiver<Utf8Bytes>) -> impl Stream<Item = Utf8Bytes> {
    stream::unfold(heard, |mut heard| async move {
        loop {
            match heard.recv().await {
                Ok(told) => return Some((told, heard)),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    })
}
