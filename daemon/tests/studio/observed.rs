//! What an operator sees: the thread from a request to a prompt in an engine's queue, and the counters.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use serde_json::Value;
use studio_core::{ids::EpisodeId, order::Order};
use studio_engine::FailureKind;
use studiod::{events::TaskUpdate, web};
use tower::ServiceExt;

use crate::{
    comfy::{self, fake},
    engines::{Act, Asked},
    plans::{TWO_ROOMS, produce},
    studio::Studio,
};

/// The log of the thread that made it, as the program writes it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody breaks down with it").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Keeps what is logged at `level` and above until the guard is dropped.
    fn keep(level: tracing::Level) -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let to = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_max_level(level).with_ansi(false).with_writer(move || to.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().expect("nobody breaks down with it").clone();
        String::from_utf8(bytes).expect("a log is text").lines().map(str::to_owned).collect()
    }

    /// The one line that has all of these words.
    #[track_caller]
    fn one(&self, words: &[&str]) -> String {
        let lines = self.lines();
        let found: Vec<&String> = lines.iter().filter(|line| words.iter().all(|word| line.contains(word))).collect();
        assert_eq!(found.len(), 1, "{words:?} in\n{}", lines.join("\n"));
        found[0].clone()
    }
}

/// What a line says of `name`: `name=value` or `name="value"`.
#[track_caller]
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let (_, rest) = line.split_once(&format!("{name}=")).unwrap_or_else(|| panic!("no {name} in: {line}"));
    match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().expect("there is always a first part"),
        None => rest.split([' ', '}']).next().expect("there is always a first part"),
    }
}

struct Said {
    status: StatusCode,
    id: String,
    kind: String,
    text: String,
}

async fn ask(door: axum::Router, method: &str, path: &str, id: Option<&str>) -> Said {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(id) = id {
        request = request.header("x-request-id", id);
    }
    let answer = door.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let text = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let (status, id, kind) = (answer.status(), text("x-request-id"), text(header::CONTENT_TYPE.as_str()));
    let bytes = to_bytes(answer.into_body(), 1 << 24).await.unwrap();
    Said { status, id, kind, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

/// An episode that is written and not yet made.
async fn written(studio: &Studio, models: bool) -> EpisodeId {
    let mut asked = produce(TWO_ROOMS);
    asked.production.cast.models = models.then(comfy::cast);
    studio.handle.write(asked).await.expect("it is kept")
}

#[tokio::test]
async fn a_film_can_be_followed_from_the_request_to_the_prompt_and_back() {
    let fake = fake::Comfy::start(comfy::models()).await;
    let mut studio = comfy::open(&fake).await;
    let episode = written(&studio, true).await;
    let (log, guard) = Log::keep(tracing::Level::INFO);
    let path = format!("/api/episodes/{episode}/assemble?key=a-secret");
    // A query this address does not know is refused in other places; here it must not even be logged.
    let said = ask(studio.door(), "POST", &path, Some("from-a-proxy.1")).await;
    assert_eq!((said.status, said.id.as_str()), (StatusCode::ACCEPTED, "from-a-proxy.1"), "{}", said.text);
    assert!(!comfy::end(&mut studio).await);
    drop(guard);

    // Request -> episode.
    let request = "request{id=from-a-proxy.1}";
    let answered = log.one(&[request, "a request is answered"]);
    assert_eq!((field(&answered, "method"), field(&answered, "status")), ("POST", "202"));
    assert_eq!(field(&answered, "path"), format!("/api/episodes/{episode}/assemble"));
    let taken_on = log.one(&[request, "an episode is taken on"]);
    let named = field(&taken_on, "episode").to_owned();
    assert_eq!(named, episode.to_string());
    // Episode -> task and attempt.
    let of_episode = format!("attempt{{episode={named} request=\"from-a-proxy.1\"");
    let job = "job=\"scene 1/shot 2/clip/take 1\"";
    let begun = log.one(&[&of_episode, job, "an attempt begins"]);
    let (task, attempt) = (field(&begun, "task").to_owned(), field(&begun, " attempt").to_owned());
    let stored = studio.attempts(episode, "scene 1/shot 2/clip/take 1").await;
    assert_eq!((attempt.as_str(), task.as_str()), (&*stored[0].id.to_string(), &*stored[0].task_id.to_string()));
    assert_eq!((field(&begun, "engine"), field(&begun, "worker")), ("comfy", "nvidia0"));
    // Attempt -> prompt, which the server knows by the same id.
    let queued = log.one(&[&format!("attempt={attempt}"), "in ComfyUI's queue"]);
    let prompt = field(&queued, "prompt");
    assert!(fake.queued().iter().any(|id| id == prompt), "{prompt}: {:?}", fake.queued());
    // And back: whoever has only the prompt finds the request in the same line.
    let ended = log.one(&[&format!("prompt=\"{prompt}\""), "a prompt has ended"]);
    assert!(ended.contains(&of_episode) && ended.contains(&task), "{ended}");
    assert_eq!(field(&log.one(&[&format!(" attempt={attempt}"), "an attempt ended"]), "outcome"), "succeeded");
    assert!(log.lines().iter().all(|line| !line.contains("a-secret")), "what stands behind ? is not logged");
}

#[tokio::test]
async fn what_is_made_again_names_the_request_that_had_it_made_again() {
    let mut studio = Studio::open().await;
    let episode = written(&studio, false).await;
    let hand = async |studio: &Studio, slot: &str, id: &str| {
        let path = format!("/api/tasks/{}/hand", studio.task(episode, slot).await.id);
        let request = Request::post(path).header("x-request-id", id).header(header::CONTENT_TYPE, "application/json");
        let answer = studio.door().oneshot(request.body(Body::from(r#"{"do":"another"}"#)).unwrap()).await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    };
    let (log, _guard) = Log::keep(tracing::Level::INFO);
    studio.stage.rule(|asked: &Asked| if matches!(asked.order, Order::JoinEpisode(_)) { Act::Hang } else { Act::Make });
    ask(studio.door(), "POST", &format!("/api/episodes/{episode}/produce"), Some("the-first")).await;
    studio.until_task("film", |now| matches!(now, TaskUpdate::Running(_))).await;
    // While the film is being made: it is made again when that is over.
    hand(&studio, "scene 1/shot 1/clip/take 1", "while-it-runs").await;
    studio.stage.rule(|_: &Asked| Act::Make);
    studio.stage.release();
    assert!(!studio.end().await.0);
    // And once nothing is being made any more.
    hand(&studio, "scene 1/shot 1/clip/take 1", "afterwards").await;
    assert!(!studio.end().await.0);
    for (take, request) in [(1, "the-first"), (2, "while-it-runs"), (3, "afterwards")] {
        let job = format!("job=\"scene 1/shot 1/clip/take {take}\"");
        let begun = log.one(&[&job, "an attempt begins"]);
        assert_eq!(field(&begun, " request"), request, "{begun}");
        assert_eq!(field(&begun, "attempt{episode"), episode.to_string());
    }
}

#[tokio::test]
async fn an_attempt_that_fails_says_why_inside_its_span() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::Voice(_) => Act::Fail(FailureKind::Refused),
        _ => Act::Make,
    });
    let (log, guard) = Log::keep(tracing::Level::WARN);
    studio.film(TWO_ROOMS).await;
    drop(guard);
    let line = log.one(&["job=\"scene 1/shot 2/line 1\"", "an attempt ended"]);
    assert_eq!((field(&line, "outcome"), field(&line, "why")), ("refused", "voice"), "{line}");
}

#[tokio::test]
async fn a_refusal_names_its_request_and_only_friends_choose_the_id() {
    let studio = Studio::open().await;
    let (log, _guard) = Log::keep(tracing::Level::INFO);
    let said = ask(studio.door(), "GET", "/api/tasks/yesterday", None).await;
    let problem: Value = serde_json::from_str(&said.text).unwrap();
    assert_eq!((said.kind.as_str(), &problem["request_id"]), ("application/problem+json", &Value::from(&*said.id)));
    assert!(!said.id.is_empty());
    let line = log.one(&[&format!("request{{id={}}}", said.id), "a request is refused"]);
    assert_eq!((field(&line, "status"), field(&line, "path")), ("400", "/api/tasks/yesterday"));

    let abroad: SocketAddr = "203.0.113.9:5000".parse().unwrap();
    let stranger = ask(studio.door_for(abroad, web::Access::default()), "GET", "/api/tasks", Some("mine")).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let problem: Value = serde_json::from_str(&stranger.text).unwrap();
    assert!(stranger.id != "mine" && problem["request_id"].as_str() == Some(stranger.id.as_str()), "{problem}");
    let proxies = web::Access { trusted_proxies: vec!["203.0.113.0/24".parse().unwrap()], ..web::Access::default() };
    assert_eq!(ask(studio.door_for(abroad, proxies), "GET", "/api/tasks", Some("mine")).await.id, "mine");
    let long = "x".repeat(65);
    for odd in ["two words", "a=b", &long] {
        assert_ne!(ask(studio.door(), "GET", "/health", Some(odd)).await.id, odd);
    }
}

#[tokio::test]
async fn what_happened_and_what_stands_can_be_scraped_by_whoever_may_read() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::Voice(_) => Act::Fail(FailureKind::Refused),
        _ => Act::Make,
    });
    let episode = written(&studio, false).await;
    ask(studio.door(), "POST", &format!("/api/episodes/{episode}/produce"), None).await;
    studio.end().await;
    let said = ask(studio.door(), "GET", "/metrics", None).await;
    assert_eq!(said.status, StatusCode::OK);
    assert!(said.kind.starts_with("application/openmetrics-text; version=1.0.0"), "{}", said.kind);
    let value = |line: &str| -> Option<u64> {
        said.text.lines().find_map(|one| one.strip_prefix(line)?.strip_prefix(' ')?.parse().ok())
    };
    let mut stages = std::collections::BTreeMap::new();
    for task in studio.tasks(episode).await.into_values() {
        let job: studio_core::production::Job =
            serde_json::from_value(serde_json::to_value(task.job).unwrap()).unwrap();
        let state = serde_json::to_value(task.state).unwrap().as_str().unwrap().to_owned();
        *stages.entry((state, job.stage().word())).or_insert(0u64) += 1;
    }
    assert!(stages.keys().any(|(state, _)| state == "failed") && stages.len() > 5, "{stages:?}");
    for ((state, stage), count) in &stages {
        let line = format!("studiod_tasks{{state=\"{state}\",stage=\"{stage}\"}}");
        assert_eq!(value(&line), Some(*count), "{line} in\n{}", said.text);
    }
    let refused = "studiod_attempts_total{engine=\"voice\",outcome=\"refused\"}";
    let voices = studio.tasks(episode).await.into_values().filter(|task| task.engine == "voice").count() as u64;
    assert_eq!((value(refused), voices > 0), (Some(voices), true), "{}", said.text);
    assert!(value("studiod_gates_total{outcome=\"passed\"}").is_some_and(|gates| gates >= 6), "{}", said.text);
    let produced = "studiod_http_requests_total{method=\"POST\",route=\"/api/episodes/{id}/produce\",status=\"202\"}";
    assert_eq!(value(produced), Some(1), "{}", said.text);
    assert_eq!((value("studiod_queue_length"), value("studiod_inbox_depth")), (Some(0), Some(0)), "{}", said.text);
    assert!(!said.text.contains(&episode.to_string()), "no ids among the labels");

    let abroad = studio.door_for("203.0.113.9:5000".parse().unwrap(), web::Access::default());
    assert_eq!(ask(abroad, "GET", "/metrics", None).await.status, StatusCode::UNAUTHORIZED);
}
