//! Long films: what a request asks the database, counted. A film ten times as long takes no more statements to be shown
//! or stopped. In a program of its own, because statements are heard by whoever listens first.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use serde_json::Value;
use studio_core::{fleet::Scope, task::TaskState};
use tower::ServiceExt;
use tracing::{Metadata, Subscriber, span};

#[expect(dead_code, reason = "other tests make more of them")]
#[path = "studio/engines.rs"]
mod engines;
#[expect(dead_code, reason = "other tests make other films")]
#[path = "studio/plans.rs"]
mod plans;
#[expect(dead_code, reason = "other tests ask more of it")]
#[path = "studio/studio.rs"]
mod studio;

use studio::Studio;
use studiod::conductor::Resting;

/// Counts what the driver says it has asked the database.
#[derive(Clone, Default)]
struct Statements(Arc<AtomicUsize>);

impl Statements {
    fn so_far(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn screenplay(scenes: u32) -> String {
    let scene = |n: u32| {
        format!(
            "INT. ROOM {n} - DAY\n\nA kettle stands on stove {n}. [[shot: wide, 2s]]\n\nANNA\nTea {n} is ready.\n\n"
        )
    };
    (1..=scenes).map(scene).fold("Title: Long\n\n".to_owned(), |text, scene| text + &scene)
}

async fn get(studio: &Studio, path: &str) -> Value {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let answer = studio.door().oneshot(request).await.expect("an answer");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    let body = to_bytes(answer.into_body(), 1 << 26).await.expect("a body");
    serde_json::from_slice(&body).expect("JSON")
}

/// Tasks of a film of so many scenes, and the statements that showing it, listing it and stopping it took.
async fn asked(scenes: u32, statements: &Statements) -> (usize, [usize; 3]) {
    let mut studio = Studio::open().await;
    studio
        .handle
        .pause(Scope::Studio, Resting { why: "it is counted".into(), ..Resting::default() })
        .await
        .expect("it rests");
    let id = studio.begin(&screenplay(scenes)).await;
    let tasks = studio.tasks(id).await.len();
    let mut counted = [0; 3];
    let before = statements.so_far();
    let one = get(&studio, &format!("/api/episodes/{id}")).await;
    counted[0] = statements.so_far() - before;
    let all: u64 =
        one["stages"].as_array().expect("stages").iter().map(|stage| stage["all"].as_u64().expect("a count")).sum();
    assert_eq!((all as usize, one["scenes"].as_array().map(Vec::len)), (tasks, Some(scenes as usize)));
    let before = statements.so_far();
    let list = get(&studio, "/api/episodes").await;
    counted[1] = statements.so_far() - before;
    assert_eq!(list["episodes"][0]["stages"], one["stages"]);
    let before = statements.so_far();
    studio.handle.cancel_episode(id).await.expect("it is stopped");
    assert!(studio.end().await.0, "it has come to nothing");
    counted[2] = statements.so_far() - before;
    let stopped = studio.slots(id, TaskState::Cancelled).await.len();
    assert_eq!(stopped, tasks, "all of it at once");
    let faults = studio.tasks(id).await.into_values().filter_map(|task| task.fault);
    assert!(faults.into_iter().all(|fault| fault.need.is_none()), "each for its own sake");
    studio.assert_settled().await;
    (tasks, counted)
}

#[tokio::test]
async fn a_film_ten_times_as_long_takes_no_more_statements() {
    let statements = Statements::default();
    tracing::subscriber::set_global_default(statements.clone()).expect("nobody else listens here");
    let (few, short) = asked(3, &statements).await;
    let (many, long) = asked(30, &statements).await;
    assert!(many > 8 * few, "{few} and {many} tasks");
    assert!(short.iter().all(|count| *count > 0), "they are heard: {short:?}");
    // Nothing else is asked meanwhile but what the studio looks at by itself.
    let no_more = long.iter().zip(&short).all(|(long, short)| *long <= short + 2);
    assert!(no_more, "one episode, all episodes, a cancel: {short:?} and {long:?}");
}
