//! Socket: one websocket to one server, read by a task that never waits for anybody.
//!
//! Every connection has an id of its own: with a second socket of the same id ComfyUI goes deaf when the first one
//! closes. Nothing is replayed after a break, so what is heard here only makes progress livelier; how a prompt ended
//! is read from the history.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest, protocol::WebSocketConfig};
use tokio_util::sync::CancellationToken;

use super::wire::{self, Heard, What};

/// Previews may be whole PNGs of 4K pictures.
const LARGEST_MESSAGE: usize = 64 << 20;
/// A listener that falls this far behind loses messages, never holds up the others.
const BACKLOG: usize = 256;
/// How often the server is asked for a sign of life; it never asks itself.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Without any frame for this long the connection is dead.
const SILENT_LIMIT: Duration = Duration::from_mins(1);
/// Pause before connecting again, doubled up to the second value.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// What a listener hears of its prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// A message: how far the prompt is, or that it is over.
    What(What),
    /// A picture of how the result looks so far.
    Preview {
        /// `image/jpeg` or `image/png`.
        mime: &'static str,
        /// The encoded picture.
        bytes: Vec<u8>,
    },
}

type Listeners = Arc<Mutex<BTreeMap<String, mpsc::Sender<News>>>>;

/// One server's socket; closed when dropped.
pub struct Socket {
    url: String,
    fresh: Arc<dyn Fn() -> String + Send + Sync>,
    say: Arc<watch::Sender<Option<String>>>,
    listeners: Listeners,
    /// Id of the connection that is up.
    id: watch::Receiver<Option<String>>,
    stop: CancellationToken,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Hears about one prompt until it is dropped.
#[derive(Debug)]
pub struct Subscription {
    prompt: String,
    listeners: Listeners,
    news: mpsc::Receiver<News>,
}

impl Subscription {
    /// The next news; never ends while the subscription lives.
    pub async fn next(&mut self) -> News {
        match self.news.recv().await {
            Some(news) => news,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.prompt);
    }
}

impl Socket {
    /// A socket of the server at `base` (`http://...`) that is not connected; `fresh` gives a new id for every connection.
    pub fn new(base: &str, fresh: Arc<dyn Fn() -> String + Send + Sync>) -> Self {
        let (say, id) = watch::channel(None);
        let (listeners, stop) = (Listeners::default(), CancellationToken::new());
        Self { url: base.replacen("http", "ws", 1), fresh, say: Arc::new(say), listeners, id, stop }
    }

    /// Connects, and stays connected.
    pub fn connect(&self) {
        let (url, fresh, say) = (self.url.clone(), self.fresh.clone(), self.say.clone());
        tokio::spawn(reconnect_loop(url, fresh, say, self.listeners.clone(), self.stop.clone()));
    }

    /// Id of the connection, when one is up: prompts sent with it are heard about.
    pub fn id(&self) -> Option<String> {
        self.id.borrow().clone()
    }

    /// Waits up to `limit` for a connection.
    pub async fn connected(&self, limit: Duration) -> Option<String> {
        let mut id = self.id.clone();
        let up = tokio::time::timeout(limit, id.wait_for(Option::is_some)).await;
        up.ok().and_then(Result::ok).and_then(|id| id.clone())
    }

    /// Hears about `prompt` from now on.
    pub fn listen(&self, prompt: &str) -> Subscription {
        let (say, news) = mpsc::channel(BACKLOG);
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).insert(prompt.to_owned(), say);
        Subscription { prompt: prompt.to_owned(), listeners: self.listeners.clone(), news }
    }
}

async fn reconnect_loop(
    url: String,
    fresh: Arc<dyn Fn() -> String + Send + Sync>,
    say: Arc<watch::Sender<Option<String>>>,
    listeners: Listeners,
    stop: CancellationToken,
) {
    let mut pause = PAUSES.0;
    loop {
        let id = fresh();
        let connected = async {
            let heard = session(&url, &id, &say, &listeners).await;
            say.send_replace(None);
            heard
        };
        let heard = tokio::select! {
            heard = connected => heard,
            () = stop.cancelled() => return,
        };
        pause = if heard { PAUSES.0 } else { (pause * 2).min(PAUSES.1) };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// One connection from its opening to its end; whether anything was heard on it.
async fn session(url: &str, id: &str, say: &watch::Sender<Option<String>>, listeners: &Listeners) -> bool {
    let Ok(request) = format!("{url}/ws?clientId={id}").into_client_request() else { return false };
    let config =
        WebSocketConfig::default().max_message_size(Some(LARGEST_MESSAGE)).max_frame_size(Some(LARGEST_MESSAGE));
    let connect = tokio_tungstenite::connect_async_with_config(request, Some(config), true);
    let Ok(Ok((mut socket, _))) = tokio::time::timeout(SILENT_LIMIT, connect).await else { return false };
    // Only the first message of a connection may say this; previews then name their prompt.
    let flags = r#"{"type":"feature_flags","data":{"supports_preview_metadata":true}}"#;
    if socket.send(Message::text(flags)).await.is_err() {
        return false;
    }
    let mut beat = tokio::time::interval(PING_EVERY);
    let (mut heard, mut last) = (false, tokio::time::Instant::now());
    loop {
        tokio::select! {
            frame = socket.next() => match frame {
                Some(Ok(frame)) => {
                    last = tokio::time::Instant::now();
                    match frame {
                        Message::Text(text) => pass_on(wire::text(&text), listeners),
                        Message::Binary(bytes) => pass_on(wire::binary(&bytes), listeners),
                        Message::Close(_) => return heard,
                        _ => {}
                    }
                    if !heard {
                        heard = true;
                        say.send_replace(Some(id.to_owned()));
                    }
                }
                Some(Err(_)) | None => return heard,
            },
            _ = beat.tick() => {
                if last.elapsed() > SILENT_LIMIT || socket.send(Message::Ping(Vec::new().into())).await.is_err() {
                    return heard;
                }
            }
        }
    }
}

/// Gives what was heard to whoever listens to its prompt. A preview without an id is nobody's.
fn pass_on(heard: Option<Heard>, listeners: &Listeners) {
    let (prompt, news) = match heard {
        Some(Heard::Prompt { prompt_id, what }) => (prompt_id, News::What(what)),
        Some(Heard::Preview { prompt_id: Some(prompt), mime, bytes }) => (prompt, News::Preview { mime, bytes }),
        _ => return,
    };
    let listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(listener) = listeners.get(&prompt) {
        // Full: the listener is busy; the next message says more anyway.
        let _ = listener.try_send(news);
    }
}
