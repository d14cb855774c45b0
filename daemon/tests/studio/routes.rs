//! What the studio answers on the network, asked without one.

use std::collections::BTreeSet;

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use serde_json::Value;
use studio_core::{ids::TaskId, order::Order};
use studio_engine::FailureKind;
use studiod::events::TaskUpdate;
use tower::ServiceExt;
use uuid::Uuid;

use crate::{
    engines::{Act, Asked},
    plans::TWO_ROOMS,
    studio::Studio,
};

struct Answer {
    status: StatusCode,
    kind: String,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// It is a refusal with this status and code that says something.
    #[track_caller]
    fn assert_problem(&self, status: StatusCode, code: &str) {
        assert_eq!((self.status, self.kind.as_str()), (status, "application/problem+json"), "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status.as_u16(), "{problem}");
        for said in ["title", "detail"] {
            assert!(problem[said].as_str().is_some_and(|said| !said.is_empty()), "{problem}");
        }
    }
}

async fn ask(studio: &Studio, method: Method, path: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let routes = studio.door();
    let response = routes.oneshot(request).await.unwrap();
    let kind = response.headers().get(header::CONTENT_TYPE).map_or("", |kind| kind.to_str().unwrap()).to_owned();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 24).await.unwrap();
    Answer { status, kind, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

async fn get(studio: &Studio, path: &str) -> Answer {
    ask(studio, Method::GET, path).await
}

#[tokio::test]
async fn health_is_the_databases_health() {
    let studio = Studio::open().await;
    let answer = get(&studio, "/health").await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "ok"));
    studio.context.db.close().await;
    get(&studio, "/health").await.assert_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
}

#[tokio::test]
async fn the_version_is_the_programs() {
    let answer = get(&Studio::open().await, "/api/version").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json(), serde_json::json!({ "name": "studiod", "version": env!("CARGO_PKG_VERSION") }));
}

#[tokio::test]
async fn tasks_come_page_by_page_newest_first() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let (mut seen, mut path, mut pages) = (Vec::new(), "/api/tasks?limit=7".to_owned(), 0);
    loop {
        let page = get(&studio, &path).await.json();
        pages += 1;
        let tasks = page["tasks"].as_array().unwrap();
        assert!(tasks.len() <= 7);
        seen.extend(tasks.iter().map(|task| task["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/tasks?limit=7&after={next}");
    }
    let all: BTreeSet<String> = studio.tasks(id).await.values().map(|task| task.id.to_string()).collect();
    assert!(pages > 3 && seen.iter().cloned().collect::<BTreeSet<_>>() == all && seen.len() == all.len());
    assert!(seen.is_sorted_by(|newer, older| newer > older));

    let whole = get(&studio, "/api/tasks").await.json();
    assert_eq!((whole["tasks"].as_array().unwrap().len(), &whole["next"]), (all.len(), &Value::Null));
    let failed = get(&studio, "/api/tasks?state=failed").await.json();
    assert_eq!(failed["tasks"], serde_json::json!([]));
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused() {
    let studio = Studio::open().await;
    for query in ["limit=0", "limit=501", "limit=many", "state=tired", "after=yesterday", "stat=failed"] {
        get(&studio, &format!("/api/tasks?{query}")).await.assert_problem(StatusCode::BAD_REQUEST, "bad_request");
    }
    get(&studio, "/api/tasks/yesterday").await.assert_problem(StatusCode::BAD_REQUEST, "bad_request");
    for verb in ["cancel", "retry"] {
        let answer = ask(&studio, Method::POST, &format!("/api/tasks/yesterday/{verb}")).await;
        answer.assert_problem(StatusCode::BAD_REQUEST, "bad_request");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let studio = Studio::open().await;
    let nobody = TaskId(Uuid::from_u128(404));
    get(&studio, &format!("/api/tasks/{nobody}")).await.assert_problem(StatusCode::NOT_FOUND, "not_found");
    for verb in ["cancel", "retry"] {
        let answer = ask(&studio, Method::POST, &format!("/api/tasks/{nobody}/{verb}")).await;
        answer.assert_problem(StatusCode::NOT_FOUND, "not_found");
    }
    get(&studio, "/api/nothing").await.assert_problem(StatusCode::NOT_FOUND, "not_found");
    ask(&studio, Method::POST, "/health").await.assert_problem(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
}

#[tokio::test]
async fn a_task_says_why_it_waits_and_can_be_cancelled_and_tried_again() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::Clip(clip) if clip.description.contains("kettle") => Act::Hang,
        _ => Act::Make,
    });
    let id = studio.begin(TWO_ROOMS).await;
    let slot = "scene 1/shot 1/clip/take 1";
    studio.until_task(slot, |now| *now == TaskUpdate::Running(0.5)).await;
    let (clip, film) = (studio.task(id, slot).await.id, studio.task(id, "film").await.id);
    let running = get(&studio, &format!("/api/tasks/{clip}")).await.json();
    assert_eq!((&running["task"]["state"], &running["waits"]), (&Value::from("running"), &Value::Null));
    let waiting = get(&studio, &format!("/api/tasks/{film}")).await.json();
    assert!(waiting["waits"].as_str().is_some_and(|waits| waits.starts_with("waits for ")), "{waiting}");

    let (cancel, retry) = (format!("/api/tasks/{clip}/cancel"), format!("/api/tasks/{clip}/retry"));
    ask(&studio, Method::POST, &retry).await.assert_problem(StatusCode::CONFLICT, "task_not_failed");
    assert_eq!(ask(&studio, Method::POST, &cancel).await.status, StatusCode::ACCEPTED);
    assert!(studio.end().await.0);
    ask(&studio, Method::POST, &cancel).await.assert_problem(StatusCode::CONFLICT, "task_not_open");

    studio.stage.rule(|_: &Asked| Act::Make);
    assert_eq!(ask(&studio, Method::POST, &retry).await.status, StatusCode::ACCEPTED);
    assert!(!studio.end().await.0);
    ask(&studio, Method::POST, &retry).await.assert_problem(StatusCode::CONFLICT, "task_not_failed");
}

#[tokio::test]
async fn a_failed_task_is_told_with_its_reason() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::Voice(_) => Act::Fail(FailureKind::Refused),
        _ => Act::Make,
    });
    studio.film(TWO_ROOMS).await;
    let failed = get(&studio, "/api/tasks?state=failed&limit=1").await.json();
    assert_eq!(failed["tasks"][0]["reason"], "voice said no", "{failed}");
}

#[tokio::test]
async fn without_a_conductor_reading_goes_on_and_asking_does_not() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let film = studio.task(id, "film").await.id;
    studio.stop().await;
    assert_eq!(get(&studio, "/api/tasks").await.status, StatusCode::OK);
    let answer = ask(&studio, Method::POST, &format!("/api/tasks/{film}/cancel")).await;
    answer.assert_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
}

#[tokio::test]
async fn the_page_need_not_know_what_may_move() {
    let studio = Studio::open().await;
    let presets = get(&studio, "/api/motion-presets").await.json();
    assert_eq!(presets.as_array().map(Vec::len), Some(27));
    assert!(
        presets[0]["shot_type"] == "establishing" && presets[0]["text"].as_str().is_some_and(|text| !text.is_empty())
    );
}

#[tokio::test]
async fn an_opinion_is_given_over_the_network_about_takes_only() {
    let mut studio = Studio::open().await;
    let (id, _, _) = studio.film(TWO_ROOMS).await;
    let routes = || studio.door();
    let say = async |slot: &str, body: &'static str| {
        let path = format!("/api/tasks/{}/opinion", studio.task(id, slot).await.id);
        let request =
            Request::post(path).header(header::CONTENT_TYPE, "application/json").body(Body::from(body)).unwrap();
        routes().oneshot(request).await.unwrap().status()
    };
    let take = "scene 1/shot 1/clip/take 1";
    assert_eq!(say(take, "{\"good\": true, \"why\": \"yes\"}").await, StatusCode::ACCEPTED);
    assert_eq!(say("film", "{\"good\": true}").await, StatusCode::CONFLICT);
    assert_eq!(say(take, "{\"great\": true}").await, StatusCode::BAD_REQUEST);
    let said = studiod::store::opinions::all(&studio.context.db).await.unwrap();
    assert_eq!(said.values().map(|one| (one.good, one.why.as_str())).collect::<Vec<_>>(), [(true, "yes")]);
    assert_eq!(say(take, "{\"good\": false}").await, StatusCode::ACCEPTED);
    studio.end().await;
}

/// Programs tell refusals apart by their codes, so each is written down with its meaning and its status.
#[test]
fn every_code_of_a_refusal_is_written_down() {
    let contract: Value = serde_json::from_str(&studiod::web::contract()).unwrap();
    let of_contract = contract["components"]["schemas"]["ProblemCode"]["enum"].as_array().unwrap();
    let of_contract: BTreeSet<&str> = of_contract.iter().map(|code| code.as_str().unwrap()).collect();
    let page = include_str!("../../../docs/api/problems.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let rows: Vec<(&str, &str)> = rows.collect();
    let written: BTreeSet<&str> = rows.iter().map(|(code, _)| *code).collect();
    assert_eq!((written.len(), written), (rows.len(), of_contract));
    for (code, about) in rows {
        let (status, meaning) = about.split_once(" | ").unwrap();
        assert!((400..600).contains(&status.parse::<u16>().unwrap()) && meaning.len() > 10, "{code}: {about}");
    }
}
