//! Socket: a websocket for one prompt, read by a task that never waits for anybody.
//!
//! `ComfyUI` tells what a prompt does to the connection that has the id it was queued with, and to nobody else. That id
//! is the prompt's own, which is made from the attempt's and so stored before the server hears of either: after a break
//! or a restart a connection with the same id hears the rest. With a second socket of the same id the server goes deaf
//! when the first one closes, so one that is over says goodbye before another begins. Nothing is replayed, so what is
//! heard here only makes progress livelier; how a prompt ended is read from the history.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest, protocol::WebSocketConfig},
};
use tokio_util::sync::CancellationToken;

use super::{
    super::http::encoded,
    wire::{self, Heard, What},
};

/// Previews may be whole PNGs of 4K pictures.
const LARGEST_MESSAGE: usize = 64 << 20;
/// A listener that falls this far behind loses messages, never holds up the socket.
const BACKLOG: usize = 256;
/// How often the server is asked for a sign of life; it never asks itself.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Without any frame for this long the connection is dead.
const SILENT_LIMIT: Duration = Duration::from_mins(1);
/// Pause before connecting again, doubled up to the second value.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));
/// How long the server's goodbye is waited for.
const GOODBYE: Duration = Duration::from_millis(500);

/// What is heard of a prompt.
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

/// Hears about one prompt and connects again after a break; ends when closed or dropped.
#[derive(Debug)]
pub struct Socket {
    news: mpsc::Receiver<News>,
    /// Whether a connection is up; `None` until the first one is, or has failed.
    up: watch::Receiver<Option<bool>>,
    stop: CancellationToken,
    /// `None` once it has been waited for.
    task: Option<JoinHandle<()>>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Socket {
    /// Connects to `base` (`http://...`) as `client`, which `prompt` is or will be queued with.
    pub fn open(base: &str, client: &str, prompt: &str) -> Self {
        let ((say, news), (said, up)) = (mpsc::channel(BACKLOG), watch::channel(None));
        let stop = CancellationToken::new();
        let url = format!("{}/ws?clientId={}", base.replacen("http", "ws", 1), encoded(client));
        let line = Line { url, prompt: prompt.to_owned(), say, up: said, stop: stop.clone() };
        Self { news, up, stop, task: Some(tokio::spawn(line.keep_up())) }
    }

    /// Waits up to `limit` for the first connection, or for its failure.
    pub async fn tried(&mut self, limit: Duration) {
        let _ = tokio::time::timeout(limit, self.up.wait_for(Option::is_some)).await;
    }

    /// The next news; never ends while the socket lives.
    pub async fn next(&mut self) -> News {
        match self.news.recv().await {
            Some(news) => news,
            None => std::future::pending().await,
        }
    }

    /// Says goodbye and returns when the server has heard it, within half a second: another may have the id then.
    pub async fn close(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }
}

type Connection = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The task's side of a socket.
struct Line {
    url: String,
    prompt: String,
    say: mpsc::Sender<News>,
    up: watch::Sender<Option<bool>>,
    stop: CancellationToken,
}

impl Line {
    async fn keep_up(self) {
        let mut pause = PAUSES.0;
        loop {
            let connected = tokio::select! {
                connected = connect(&self.url) => connected,
                () = self.stop.cancelled() => return,
            };
            let mut heard = false;
            if let Some(mut connection) = connected {
                tokio::select! {
                    () = self.session(&mut connection, &mut heard) => {}
                    () = self.stop.cancelled() => return goodbye(connection).await,
                }
            }
            self.up.send_replace(Some(false));
            pause = if heard { PAUSES.0 } else { (pause * 2).min(PAUSES.1) };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// One connection to its end; `heard` becomes true when something came.
    async fn session(&self, connection: &mut Connection, heard: &mut bool) {
        // Only the first message of a connection may say this; previews then name their prompt.
        let flags = r#"{"type":"feature_flags","data":{"supports_preview_metadata":true}}"#;
        if connection.send(Message::text(flags)).await.is_err() {
            return;
        }
        let mut beat = tokio::time::interval(PING_EVERY);
        let mut last = tokio::time::Instant::now();
        loop {
            tokio::select! {
                frame = connection.next() => match frame {
                    Some(Ok(frame)) => {
                        last = tokio::time::Instant::now();
                        match frame {
                            Message::Text(text) => self.pass_on(wire::text(&text)),
                            Message::Binary(bytes) => self.pass_on(wire::binary(&bytes)),
                            Message::Close(_) => return,
                            _ => {}
                        }
                        if !*heard {
                            *heard = true;
                            self.up.send_replace(Some(true));
                        }
                    }
                    Some(Err(_)) | None => return,
                },
                _ = beat.tick() => {
                    if last.elapsed() > SILENT_LIMIT || connection.send(Message::Ping(Vec::new().into())).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Gives what was heard of the prompt to whoever listens. A preview without an id is nobody's.
    fn pass_on(&self, heard: Option<Heard>) {
        let (prompt, news) = match heard {
            Some(Heard::Prompt { prompt_id, what }) => (prompt_id, News::What(what)),
            Some(Heard::Preview { prompt_id: Some(prompt), mime, bytes }) => (prompt, News::Preview { mime, bytes }),
            _ => return,
        };
        if prompt == self.prompt {
            // Full: the listener is busy; the next message says more anyway.
            let _ = self.say.try_send(news);
        }
    }
}

/// A connection, unless the server refuses one or says nothing.
async fn connect(url: &str) -> Option<Connection> {
    let request = url.into_client_request().ok()?;
    let config =
        WebSocketConfig::default().max_message_size(Some(LARGEST_MESSAGE)).max_frame_size(Some(LARGEST_MESSAGE));
    let connecting = tokio_tungstenite::connect_async_with_config(request, Some(config), true);
    let (connection, _) = tokio::time::timeout(SILENT_LIMIT, connecting).await.ok()?.ok()?;
    Some(connection)
}

/// Closes a connection as the protocol has it, so that the server has forgotten its id when this returns.
async fn goodbye(mut connection: Connection) {
    let farewell = async {
        if connection.close(None).await.is_ok() {
            while let Some(Ok(_)) = connection.next().await {}
        }
    };
    let _ = tokio::time::timeout(GOODBYE, farewell).await;
}
