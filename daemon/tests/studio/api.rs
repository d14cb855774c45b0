//! The nouns over HTTP, kept files, and everything that happens as it happens.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use futures_util::{SinkExt, StreamExt, stream::BoxStream};
use serde_json::{Value, json};
use studio_core::{fleet::Away, ids::TaskId, journal::EventKind, order::Role};
use studio_engine::{Preview, Said};
use studiod::{events::StudioEvent, store, web};
use tower::ServiceExt;

use crate::{plans::TWO_ROOMS, studio::Studio};

/// Nothing here takes a moment.
pub const PATIENCE: Duration = Duration::from_mins(1);

fn routes(studio: &Studio) -> axum::Router {
    studio.door()
}

async fn send(studio: &Studio, request: Request<Body>) -> axum::response::Response {
    routes(studio).oneshot(request).await.unwrap()
}

async fn get(studio: &Studio, path: &str) -> (StatusCode, Value) {
    let response = send(studio, Request::get(path).body(Body::empty()).unwrap()).await;
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 24).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[track_caller]
fn good((status, said): (StatusCode, Value)) -> Value {
    assert_eq!(status, StatusCode::OK, "{said}");
    said
}

async fn post(studio: &Studio, path: &str, body: Value) -> StatusCode {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    send(studio, request.body(Body::from(body.to_string())).unwrap()).await.status()
}

#[tokio::test]
async fn every_noun_of_a_film_is_told() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let projects = good(get(&studio, "/api/projects").await);
    assert_eq!(
        (&projects["projects"][0]["project"]["title"], &projects["projects"][0]["episodes"]),
        (&json!("Two Rooms"), &json!(1))
    );
    let project = projects["projects"][0]["project"]["id"].as_str().unwrap().to_owned();
    let whole = good(get(&studio, &format!("/api/projects/{project}")).await);
    let names: BTreeSet<&str> =
        whole["characters"].as_array().unwrap().iter().map(|one| one["character"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ANNA", "BEN"].into());
    assert_eq!((whole["locations"].as_array().unwrap().len(), whole["episodes"].as_array().unwrap().len()), (2, 1));

    let cards = good(get(&studio, "/api/episodes").await);
    let stages = cards["episodes"][0]["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 7);
    assert!(stages.iter().all(|stage| stage["done"] == stage["all"] && stage["running"] == 0), "{stages:?}");
    let episode = good(get(&studio, &format!("/api/episodes/{id}")).await);
    assert_eq!(episode["scenes"].as_array().unwrap().len(), 2);
    let shots: Vec<&Value> =
        episode["scenes"].as_array().unwrap().iter().flat_map(|scene| scene["shots"].as_array().unwrap()).collect();
    assert_eq!(shots.len(), 3);
    assert_eq!(shots[0]["plan"]["description"], "A kettle stands on a black stove.");
    assert!(episode["film"]["length_ms"].as_u64().unwrap() > 0 && episode["scenes"][0]["film"]["hash"].is_string());
    let decisions = good(get(&studio, &format!("/api/decisions?episode={id}&sort=oldest")).await);
    assert!(decisions["decisions"].as_array().unwrap().iter().any(|one| one["decision"]["kind"] == "gate"));

    let shot = good(get(&studio, &format!("/api/shots/{}", shots[0]["id"].as_str().unwrap())).await);
    let takes = shot["takes"].as_array().unwrap();
    assert_eq!(takes.iter().map(|one| one["take"]["subject"].as_str().unwrap()).collect::<Vec<_>>(), ["still", "clip"]);
    assert_eq!((&takes[1]["scene"], &takes[1]["shot"], &takes[1]["opinion"]), (&json!(1), &json!(1), &Value::Null));
    for nothing in ["projects", "episodes", "shots"] {
        let (status, said) = get(&studio, &format!("/api/{nothing}/{}", uuid::Uuid::nil())).await;
        assert_eq!((status, &said["code"]), (StatusCode::NOT_FOUND, &json!("not_found")), "{nothing}: {said}");
        let (status, said) = get(&studio, &format!("/api/{nothing}/what")).await;
        assert_eq!((status, &said["code"]), (StatusCode::BAD_REQUEST, &json!("bad_request")), "{nothing}: {said}");
    }
}

#[tokio::test]
async fn takes_are_judged_one_after_the_other_until_none_is_left() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let (mut seen, mut path) = (Vec::new(), "/api/takes?unjudged=true&limit=4".to_owned());
    loop {
        let page = good(get(&studio, &path).await);
        let takes = page["takes"].as_array().unwrap().clone();
        assert!(takes.len() <= 4 && takes.iter().all(|one| one["episode"] == json!(id)), "{page}");
        seen.extend(takes.into_iter().map(|one| one["take"]["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/takes?unjudged=true&limit=4&after={next}");
    }
    assert_eq!(seen.len(), 6, "three pictures and three clips");
    assert!(seen.is_sorted_by(|a, b| a > b), "newest first: {seen:?}");
    let say = json!({ "good": false, "why": "her hands", "issues": ["bad_anatomy"] });
    assert_eq!(post(&studio, &format!("/api/takes/{}/opinion", seen[0]), say).await, StatusCode::ACCEPTED);
    studio.end().await;
    let left = good(get(&studio, &format!("/api/takes?unjudged=true&episode={id}")).await);
    assert!(left["takes"].as_array().unwrap().iter().all(|one| one["take"]["id"] != json!(seen[0])));
    let all = good(get(&studio, "/api/takes").await);
    let said = all["takes"].as_array().unwrap().iter().find(|one| one["take"]["id"] == json!(seen[0])).unwrap();
    assert_eq!(said["opinion"]["issues"], json!(["bad_anatomy"]));
    assert_eq!(
        post(&studio, &format!("/api/takes/{}/hand", seen[1]), json!({ "do": "lock" })).await,
        StatusCode::ACCEPTED
    );
    studio.end().await;
    for bad in ["/api/takes?limit=0", "/api/takes?limit=501", "/api/takes?what=1", "/api/takes?after=x"] {
        assert_eq!(get(&studio, bad).await.0, StatusCode::BAD_REQUEST, "{bad}");
    }
    assert_eq!(post(&studio, &format!("/api/episodes/{id}/produce"), json!({})).await, StatusCode::ACCEPTED);
    assert!(!studio.end().await.0);
}

#[tokio::test]
async fn kept_files_are_given_whole_in_parts_or_not_again() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let film = studio.task(id, "film").await.outputs.unwrap().first(Role::Video).unwrap().asset.clone();
    let bytes = std::fs::read(studio_engine::asset_path(&studio.context.data.assets(), &film)).unwrap();
    let ask = async |headers: &[(&str, &str)], query: &str| {
        let mut request = Request::get(format!("/api/assets/{}{query}", film.hash));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = send(&studio, request.body(Body::empty()).unwrap()).await;
        let (parts, body) = response.into_parts();
        let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let told = (header("etag"), header("content-type"), header("cache-control"), header("content-range"));
        (parts.status, told, to_bytes(body, 1 << 24).await.unwrap().to_vec())
    };
    let (status, (tag, kind, cache, _), whole) = ask(&[], "").await;
    assert_eq!((status, kind.as_deref(), &whole), (StatusCode::OK, Some("application/octet-stream"), &bytes));
    assert!(cache.unwrap().contains("immutable"));
    let tag = tag.unwrap();
    let (status, _, nothing) = ask(&[("if-none-match", &tag)], "").await;
    assert_eq!((status, nothing.len()), (StatusCode::NOT_MODIFIED, 0));
    let (status, (_, _, _, range), part) = ask(&[("range", "bytes=2-5")], "").await;
    assert_eq!((status, part.as_slice()), (StatusCode::PARTIAL_CONTENT, &bytes[2..6]));
    assert_eq!(range, Some(format!("bytes 2-5/{}", bytes.len())));
    let (status, ..) = ask(&[("range", "bytes=999999999-")], "").await;
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
    let (status, _, body) = ask(&[], "?w=321").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(String::from_utf8_lossy(&body).contains("there are 160"), "{}", String::from_utf8_lossy(&body));
    for (path, wanted) in [
        (format!("/api/assets/{}", studio_core::ids::ContentHash::of(b"nothing")), StatusCode::NOT_FOUND),
        ("/api/assets/..%2F..%2Fstudio.db".into(), StatusCode::BAD_REQUEST),
        ("/api/assets/abc".into(), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(get(&studio, &path).await.0, wanted, "{path}");
    }
}

#[tokio::test]
async fn small_pictures_are_made_once() {
    let studio = Studio::open().await;
    let path = studio.context.data.work().join("big.png");
    image::RgbImage::from_fn(1000, 500, |x, y| image::Rgb([(x % 256) as u8, (y % 256) as u8, 9])).save(&path).unwrap();
    let (file, bytes) = studiod::files::adopt(&studio.context.data.assets(), &path).unwrap();
    let asset = store::assets::Asset {
        file: file.clone(),
        bytes,
        facts: studio_core::media::MediaFacts::Still { size: studio_core::units::Size { width: 1000, height: 500 } },
        attempt_id: None,
        inputs: Vec::new(),
        created: studio_core::units::Millis(0),
        missing: false,
    };
    let mut tx = studio.context.db.begin().await.unwrap();
    store::assets::insert(&mut tx, &asset).await.unwrap();
    tx.commit().await.unwrap();
    let small = async || {
        let request = Request::get(format!("/api/assets/{}?w=320", file.hash)).body(Body::empty()).unwrap();
        let response = send(&studio, request).await;
        assert_eq!(response.status(), StatusCode::OK);
        to_bytes(response.into_body(), 1 << 20).await.unwrap()
    };
    let first = small().await;
    let picture = image::load_from_memory(&first).unwrap();
    assert_eq!((picture.width(), picture.height()), (320, 160));
    let thumbs: Vec<_> = std::fs::read_dir(studio.context.data.thumbs()).unwrap().collect();
    assert_eq!(thumbs.len(), 1);
    std::fs::remove_file(studio_engine::asset_path(&studio.context.data.assets(), &file)).unwrap();
    assert_eq!(small().await, first, "it is not made again");
}

/// The studio on a port of its own.
struct Served {
    address: std::net::SocketAddr,
    stop: tokio_util::sync::CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

impl Served {
    async fn of(studio: &Studio) -> Self {
        studiod::engines::prepare();
        let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = door.local_addr().unwrap();
        let state = web::AppState::new(&studio.context, studio.handle.clone(), web::Access::default()).unwrap();
        let stop = tokio_util::sync::CancellationToken::new();
        Self { address, stop: stop.clone(), serving: tokio::spawn(web::serve(door, state, stop)) }
    }

    async fn close(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.serving).await.expect("it stops").unwrap();
    }
}

/// The two ways to hear what happens.
#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    Events,
    Socket,
}

/// A message with the `id:` it came with; messages of the websocket have none.
type Told = (Option<String>, Value);

/// Everything that is told, from what the client says it knows on.
async fn listen(served: &Served, by: By, since: Option<&str>) -> BoxStream<'static, Told> {
    let address = served.address;
    if by == By::Socket {
        let since = since.map_or(String::new(), |since| format!("?since={since}"));
        let (socket, _) = tokio_tungstenite::connect_async(format!("ws://{address}/api/live{since}")).await.unwrap();
        return socket
            .map(|message| (None, serde_json::from_str(message.unwrap().to_text().unwrap()).unwrap()))
            .boxed();
    }
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.get(format!("http://{address}/api/events"));
    if let Some(since) = since {
        request = request.header("last-event-id", since);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let pieces = answer.bytes_stream().map(|piece| piece.unwrap().to_vec());
    let told = pieces.scan(Vec::new(), |text: &mut Vec<u8>, piece| {
        text.extend(piece);
        let mut whole = Vec::new();
        while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
            let one = String::from_utf8(text.drain(..end + 2).collect()).unwrap();
            let field = |name: &str| one.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
            if let Some(data) = field("data: ") {
                whole.push((field("id: "), serde_json::from_str(&data).unwrap()));
            }
        }
        std::future::ready(Some(futures_util::stream::iter(whole)))
    });
    told.flatten().boxed()
}

async fn until(stream: &mut BoxStream<'static, Told>, wanted: impl Fn(&Value) -> bool) -> Vec<Told> {
    let mut all = Vec::new();
    let wait = async {
        while let Some(told) = stream.next().await {
            let last = wanted(&told.1);
            all.push(told);
            if last {
                return;
            }
        }
        panic!("the stream ended: {all:?}");
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("it is told in time");
    all
}

fn numbers(told: &[Told]) -> Vec<u64> {
    told.iter().filter(|one| one.1["type"] == "event").map(|one| one.1["seq"].as_u64().unwrap()).collect()
}

/// Server-sent events have an `id:` where, and only where, a client can go on.
#[track_caller]
fn assert_ids(by: By, told: &[Told]) {
    for (id, message) in told.iter().filter(|_| by == By::Events) {
        let seq = message["seq"].as_u64().map(|seq| seq.to_string());
        assert_eq!(*id, seq, "{message}");
    }
}

#[rstest::rstest]
#[tokio::test]
async fn what_happens_is_told_without_a_gap_and_again_to_who_was_away(#[values(By::Events, By::Socket)] by: By) {
    let mut studio = Studio::open().await;
    let served = Served::of(&studio).await;
    let mut stream = listen(&served, by, None).await;
    let begin = until(&mut stream, |_| true).await;
    assert_eq!(begin[0].1, json!({ "type": "begin", "seq": 0 }));
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let library = |told: &Value| told["body"]["slot"] == "library";
    let told = until(&mut stream, library).await;
    let seen = numbers(&told);
    assert_eq!(seen, (1..=seen.len() as u64).collect::<Vec<_>>(), "every number once, in order");
    assert!(told.iter().filter(|one| one.1["type"] == "event").all(|one| one.1["body"]["episode"] == json!(id)));
    assert_ids(by, &begin);
    assert_ids(by, &told);

    // Somebody who was away says what they know and hears the rest.
    let half = seen.len() as u64 / 2;
    let mut later = listen(&served, by, Some(&half.to_string())).await;
    let rest = until(&mut later, library).await;
    assert_eq!(numbers(&rest), (half + 1..=seen.len() as u64).collect::<Vec<_>>());
    assert!(rest[0].1["type"] == "event", "not from the beginning");
    // Who knows more than there is belongs to another studio and begins anew.
    let mut other = listen(&served, by, Some("1000000")).await;
    let begin = until(&mut other, |_| true).await;
    assert_eq!(begin[0].1["type"], "begin");
    // What happens from now on is told to everybody, once.
    studio.film(&TWO_ROOMS.replace("Tea is ready.", "Tea is cold.")).await;
    for stream in [&mut stream, &mut later, &mut other] {
        let more = numbers(&until(stream, library).await);
        let first = seen.len() as u64 + 1;
        assert_eq!(more, (first..first + more.len() as u64).collect::<Vec<_>>());
    }
    served.close().await;
}

#[rstest::rstest]
#[tokio::test]
async fn who_was_away_too_long_or_is_too_slow_is_told_to_begin_anew(#[values(By::Events, By::Socket)] by: By) {
    let studio = Studio::open().await;
    let served = Served::of(&studio).await;
    let append = async |many: u64| {
        let mut tx = studio.context.db.begin().await.unwrap();
        for _ in 0..many {
            store::events::append(&mut tx, EventKind::ProjectChanged, "x", &json!({}), studio_core::units::Millis(0))
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        studio.context.events.tell(StudioEvent::Changed);
        store::events::last(&studio.context.db).await.unwrap()
    };
    assert_eq!(append(2002).await, 2002);
    let mut old = listen(&served, by, Some("1")).await;
    assert_eq!(until(&mut old, |_| true).await[0].1, json!({ "type": "begin", "seq": 2002 }));
    let mut new = listen(&served, by, Some("2")).await;
    assert_eq!(numbers(&until(&mut new, |told| told["seq"] == 2002).await), (3..=2002).collect::<Vec<_>>());

    // More than every buffer on the way takes, to one who does not read; the other one shows that all of it was told.
    let mut slow = listen(&served, by, None).await;
    until(&mut slow, |_| true).await;
    for batch in 0..30 {
        for one in 0..100 {
            let engine = format!("engine {}", batch * 100 + one);
            studio.context.events.tell(StudioEvent::Engine {
                engine,
                away: Some(vec![Away::Unreachable { message: "x".repeat(16 << 10) }]),
            });
        }
        let last = format!("engine {}", batch * 100 + 99);
        until(&mut new, |told| told["engine"] == json!(last)).await;
    }
    let last = append(3).await;
    until(&mut new, |told| told["seq"] == json!(last)).await;
    let told = until(&mut slow, |told| told["type"] == "begin").await;
    assert_eq!(told.last().unwrap().1["seq"], json!(last), "what it missed is in what it asks for now");
    assert!(told.len() < 3000, "it was too slow");
    assert_ids(by, &told);
    // And from there on every number once.
    let last = append(3).await;
    let more = until(&mut slow, |told| told["seq"] == json!(last)).await;
    assert_eq!(numbers(&more), (last - 2..=last).collect::<Vec<_>>());
    // An answer is sent to its end before a connection is closed, and one of them does not read.
    drop((old, new, slow));
    served.close().await;
}

#[tokio::test]
async fn a_script_says_where_it_goes_on_by_header_or_query() {
    let studio = Studio::open().await;
    for seq in 1..=3 {
        let mut tx = studio.context.db.begin().await.unwrap();
        store::events::append(&mut tx, EventKind::ProjectChanged, "x", &json!({}), studio_core::units::Millis(0))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store::events::last(&studio.context.db).await.unwrap(), seq);
    }
    for (query, header, first) in [
        ("", None, "id: 3"),
        ("?since=1", None, "id: 2"),
        ("", Some("1"), "id: 2"),
        ("?since=2", Some("1"), "id: 2"),
        ("?since=1", Some("no number"), "id: 3"),
        ("?since=1", Some("99"), "id: 3"),
    ] {
        let mut request = Request::get(format!("/api/events{query}"));
        if let Some(id) = header {
            request = request.header("last-event-id", id);
        }
        let answer = send(&studio, request.body(Body::empty()).unwrap()).await;
        assert_eq!(
            (answer.status(), answer.headers()["content-type"].to_str().unwrap()),
            (StatusCode::OK, "text/event-stream")
        );
        let piece = answer.into_body().into_data_stream().next().await.unwrap().unwrap();
        let text = String::from_utf8(piece.to_vec()).unwrap();
        assert!(text.lines().any(|line| line == first), "{query} {header:?}: {text}");
    }
}

#[tokio::test]
async fn nobody_who_listens_keeps_the_studio_from_closing() {
    let studio = Studio::open().await;
    let served = Served::of(&studio).await;
    let (status, said) = get(&studio, "/api/live").await;
    assert_eq!((status, &said["code"]), (StatusCode::BAD_REQUEST, &json!("bad_request")), "no websocket: {said}");
    let (mut page, mut script) = (listen(&served, By::Socket, None).await, listen(&served, By::Events, None).await);
    until(&mut page, |_| true).await;
    until(&mut script, |_| true).await;
    served.close().await;
    drop((page, script));
}

#[tokio::test]
async fn who_asks_for_it_sees_the_pictures_of_a_task_as_they_are_made() {
    let studio = Studio::open().await;
    let served = Served::of(&studio).await;
    let address = served.address;
    let connected = async || tokio_tungstenite::connect_async(format!("ws://{address}/api/live")).await.unwrap().0;
    let (mut watcher, mut other) = (connected().await, connected().await);
    let heard = async |socket: &mut tokio_tungstenite::WebSocketStream<
        tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>,
    >| { tokio::time::timeout(PATIENCE, socket.next()).await.expect("in time").unwrap().unwrap() };
    heard(&mut watcher).await;
    heard(&mut other).await;
    let (task, bystander) = (TaskId(uuid::Uuid::now_v7()), TaskId(uuid::Uuid::now_v7()));
    let show = |task, bytes: &[u8]| {
        let preview = Preview { mime: "image/jpeg", bytes: Arc::new(bytes.to_vec()) };
        studio.context.events.say(task, Said::Preview(preview));
    };
    show(task, b"first");
    show(bystander, b"not asked for");
    let say = |text: String| tokio_tungstenite::tungstenite::Message::text(text);
    watcher.send(say(json!({ "watch": [task] }).to_string())).await.unwrap();
    let frame = |picture: &[u8]| [task.0.as_bytes().as_slice(), picture].concat();
    assert_eq!(heard(&mut watcher).await.into_data(), frame(b"first"));
    show(task, b"second");
    assert_eq!(heard(&mut watcher).await.into_data(), frame(b"second"), "each once");
    // What makes no sense is said, and changes nothing.
    for bad in ["what".to_owned(), json!({ "watch": vec![task; 9] }).to_string(), json!({ "look": [] }).to_string()] {
        watcher.send(say(bad)).await.unwrap();
        let told: Value = serde_json::from_str(heard(&mut watcher).await.to_text().unwrap()).unwrap();
        assert!(told["type"] == "refused" && told["why"].is_string(), "{told}");
    }
    show(task, b"third");
    assert_eq!(heard(&mut watcher).await.into_data(), frame(b"third"));
    watcher.send(say(json!({ "watch": [] }).to_string())).await.unwrap();
    show(task, b"fourth");
    studio.context.events.tell(StudioEvent::Engine { engine: "comfy".into(), away: None });
    for socket in [&mut watcher, &mut other] {
        assert!(heard(socket).await.is_text(), "no picture for who does not ask");
    }
    served.close().await;
}

#[tokio::test]
async fn the_contract_is_the_one_that_is_checked_in() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api/openapi.json");
    let now = web::contract();
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api")).unwrap();
        std::fs::write(path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == now, "docs/api/openapi.json is out of step; 'make openapi' writes it");
    let contract: Value = serde_json::from_str(&now).unwrap();
    let mut names = std::collections::BTreeSet::new();
    for (path, methods) in contract["paths"].as_object().unwrap() {
        for (method, about) in methods.as_object().unwrap() {
            let name = about["operationId"].as_str().unwrap();
            assert!(names.insert(name), "{method} {path}: two routes are called {name}, and clients are made by that");
            assert!(about["summary"].is_string(), "{method} {path} says what it is for");
            assert!(
                about["responses"].as_object().unwrap().len() > 1
                    || path == "/api/version"
                    || path == "/api/motion-presets",
                "{path}"
            );
        }
    }
    let studio = Studio::open().await;
    assert_eq!(good(get(&studio, "/api/openapi.json").await), contract);
}
