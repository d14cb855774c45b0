//! Listen: connections over TCP, as many as the studio can spare descriptors for, each with its time limits.
//!
//! Whoever opens connections and says nothing on them, or half of something, takes neither the page from others nor
//! files from the work.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::files;

/// How long whoever is connected may say nothing.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// The head of a request comes within this, also the next one of a connection that is kept.
    head: Duration,
    /// Between two pieces of a request's body passes no more than this.
    piece: Duration,
    /// What is sent is taken within this: who asks for a film and reads nothing of it is let go.
    taken: Duration,
}

const LIMITS: Limits =
    Limits { head: Duration::from_secs(20), piece: Duration::from_secs(30), taken: Duration::from_mins(10) };
/// Most connections at a time, however many descriptors there are.
const MOST: usize = 4096;
/// Fewest, however few there are.
const FEWEST: usize = 64;
/// After an error that concerns no connection in particular, such as no descriptors left, this long nobody is let in.
const BREATH: Duration = Duration::from_millis(200);

/// Connections at a time, where a process may open `descriptors` files: each may send a file, websockets come on top, and
/// half of all descriptors are the studio's own.
fn connections(descriptors: u64) -> usize {
    usize::try_from(descriptors / 5).unwrap_or(MOST).clamp(FEWEST, MOST)
}

/// Listeners at a time, who stay connected without asking for anything: half of the connections are left for others.
pub fn listeners() -> usize {
    connections(files::descriptors()) / 2
}

/// Answers on `door` until `stop`, then lets requests under way finish.
pub async fn serve(door: TcpListener, routes: Router, stop: CancellationToken) {
    answer_all(door, routes, stop, LIMITS).await;
}

async fn answer_all(door: TcpListener, routes: Router, stop: CancellationToken, limits: Limits) {
    let routes = patient(routes, limits.piece);
    let (places, open) = (Arc::new(Semaphore::new(connections(files::descriptors()))), TaskTracker::new());
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, door.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = stop.cancelled() => break,
            next = next => next,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "nobody can be let in at the moment");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let (http, routes, stop) = (http.clone(), routes.clone(), stop.clone());
        open.spawn(async move {
            let _place = place;
            if let Err(error) = answer(&http, (stream, limits.taken), peer, routes, stop).await {
                tracing::debug!(%peer, %error, "a connection broke");
            }
        });
    }
    drop(door);
    open.close();
    open.wait().await;
}

/// Gives up bodies of which nothing more comes.
fn patient(routes: Router, piece: Duration) -> Router {
    let layers = ServiceBuilder::new()
        .layer(RequestBodyTimeoutLayer::new(piece))
        .map_request(|request: hyper::Request<_>| request.map(Body::new));
    routes.layer(layers)
}

/// Answers on one connection, with where it comes from in each of its requests; after `stop` only what is under way.
async fn answer(
    http: &http1::Builder,
    (stream, taken): (TcpStream, Duration),
    peer: SocketAddr,
    routes: Router,
    stop: CancellationToken,
) -> hyper::Result<()> {
    // What is told as it happens goes out at once.
    let _ = stream.set_nodelay(true);
    // Counts while a full buffer waits for whoever does not read, too (RFC 5482; tcp(7), TCP_USER_TIMEOUT).
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, taken.as_millis() as u32);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let routes = routes.clone();
        async move { Ok::<_, Infallible>(routes.oneshot(request).await.unwrap_or_else(|never| match never {})) }
    });
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

#[cfg(test)]
mod tests {
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// What is answered to `said`, when nothing more is said, until the connection is closed.
    async fn answered(said: &str) -> String {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = door.local_addr().unwrap();
        let routes = Router::new()
            .route("/health", get(|| async { "ok" }))
            .route("/text", post(|text: String| async move { text }));
        let (stop, limits) = (CancellationToken::new(), Limits { head: SHORT, piece: SHORT, ..LIMITS });
        let serving = tokio::spawn(answer_all(door, routes, stop.clone(), limits));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(said.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        stop.cancel();
        serving.await.unwrap();
        String::from_utf8(heard).unwrap()
    }

    const SHORT: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn who_says_half_of_something_is_not_waited_for() {
        for nothing in ["", "GET /health HT", "GET /health HTTP/1.1\r\nHost: studio\r\n"] {
            let said = answered(nothing).await;
            assert!(!said.contains("200 OK"), "{nothing}: {said}");
        }
        let said = answered("POST /text HTTP/1.1\r\nHost: studio\r\nContent-Length: 10\r\n\r\nhalf").await;
        assert!(said.starts_with("HTTP/1.1 4"), "{said}");
        let said = answered("GET /health HTTP/1.1\r\nHost: studio\r\n\r\n").await;
        assert!(said.contains("200 OK") && said.ends_with("ok"), "{said}");
    }

    #[test]
    fn half_of_the_descriptors_are_the_studios_own() {
        assert_eq!([0, 256, 1024, 4096, 1 << 20].map(connections), [64, 64, 204, 819, 4096]);
    }

    #[tokio::test]
    async fn who_reads_nothing_of_what_was_asked_for_is_let_go() {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = door.local_addr().unwrap();
        let much = vec![0_u8; 64 << 20];
        let routes = Router::new().route("/much", get(|| async move { much }));
        let (stop, limits) = (CancellationToken::new(), Limits { taken: SHORT, ..LIMITS });
        let serving = tokio::spawn(answer_all(door, routes, stop.clone(), limits));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET /much HTTP/1.1\r\nHost: studio\r\n\r\n").await.unwrap();
        // It ends although nothing is read, or this would wait for ever.
        stop.cancel();
        serving.await.unwrap();
        let mut heard = Vec::new();
        let ended = client.read_to_end(&mut heard).await;
        assert!(ended.is_err() || heard.len() < 64 << 20, "{} bytes came", heard.len());
    }
}
