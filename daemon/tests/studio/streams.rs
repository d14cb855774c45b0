//! Streams end with the right to hear them; files that two projects made alike are of both.

use axum::{body::Body, http::Request};
use futures_util::StreamExt;
use serde_json::{Value, json};
use studiod::web::{self, Access};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    api::PATIENCE,
    bench::{JSON, PATCH, ask, door},
    plans::TWO_ROOMS,
    studio::Studio,
};

#[tokio::test]
async fn who_listens_with_a_token_that_is_taken_back_hears_nothing_more() {
    let studio = Studio::open().await;
    studiod::engines::prepare();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (state, stop) = (studio.web(Access::default()), CancellationToken::new());
    let serving = tokio::spawn(web::serve(listener, state, stop.clone()));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = |path: &str| format!("http://{address}{path}");
    let wanted = json!({ "name": "script", "scopes": ["read"] });
    let answer = http.post(url("/api/tokens")).header("content-type", "application/json").body(wanted.to_string());
    let given: Value = serde_json::from_str(&answer.send().await.unwrap().text().await.unwrap()).unwrap();
    let bearer = format!("Bearer {}", given["text"].as_str().unwrap_or_else(|| panic!("{given}")));

    let mut request = format!("ws://{address}/api/live").into_client_request().unwrap();
    request.headers_mut().insert("authorization", bearer.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert!(socket.next().await.unwrap().unwrap().to_text().unwrap().contains("begin"));
    let events = http.get(url("/api/events")).header("authorization", &bearer).send().await.unwrap();
    let mut events = events.bytes_stream();
    assert!(String::from_utf8_lossy(&events.next().await.unwrap().unwrap()).contains("begin"));

    let id = given["token"]["id"].as_str().unwrap_or_else(|| panic!("{given}"));
    assert_eq!(http.delete(url(&format!("/api/tokens/{id}"))).send().await.unwrap().status().as_u16(), 204);
    let ended = async {
        while socket.next().await.is_some_and(|message| message.is_ok_and(|message| !message.is_close())) {}
        while events.next().await.is_some_and(|piece| piece.is_ok()) {}
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("both end at once");
    stop.cancel();
    tokio::time::timeout(PATIENCE, serving).await.expect("it stops").unwrap();
}

#[tokio::test]
async fn a_file_that_two_projects_made_alike_is_of_both_and_one_of_another_project_can_be_put_nowhere() {
    let mut studio = Studio::open().await;
    let (first, ..) = studio.film(TWO_ROOMS).await;
    let other = TWO_ROOMS.replacen("Title: ", "Title: Another ", 1);
    assert_ne!(other, TWO_ROOMS);
    let (second, ..) = studio.film(&other).await;
    let house = door(&studio);
    let mut tokens = Vec::new();
    for id in [first, second] {
        let project = studio.episode(id).await.project_id;
        let wanted = json!({ "name": "guest", "scopes": ["write"], "project": project });
        let given = ask(&house, "POST", "/api/tokens", &[JSON], wanted.to_string()).await;
        tokens.push(format!("Bearer {}", given.body["text"].as_str().unwrap_or_else(|| panic!("{}", given.body))));
    }
    let files = async |id| {
        let tasks = studiod::store::tasks::of_episode(&studio.context.db, id).await.unwrap();
        let files = tasks.into_iter().filter_map(|task| task.outputs).flat_map(|made| made.files);
        files.map(|file| file.asset.hash.to_string()).collect::<std::collections::BTreeSet<_>>()
    };
    let (mine, yours) = (files(first).await, files(second).await);
    let shared: Vec<&String> = mine.intersection(&yours).collect();
    assert!(!shared.is_empty(), "a line that both speak is one file");
    let status = async |token: &str, hash: &str| {
        ask(&house, "GET", &format!("/api/assets/{hash}"), &[("authorization", token)], "").await.status
    };
    for hash in shared {
        assert_eq!((status(&tokens[0], hash).await, status(&tokens[1], hash).await), (200, 200), "{hash}");
    }
    let only: Vec<&String> = mine.difference(&yours).collect();
    assert!(!only.is_empty());
    for hash in &only {
        assert_eq!((status(&tokens[0], hash).await, status(&tokens[1], hash).await), (200, 403), "{hash}");
    }
    let task = studio.task(second, "scene 1/shot 1/still/take 1").await.id;
    let put = async |token: &str, task: &str| {
        let body = json!({ "do": "put", "asset": only[0] }).to_string();
        ask(&house, "POST", &format!("/api/tasks/{task}/hand"), &[JSON, ("authorization", token)], body).await
    };
    let refused = put(&tokens[1], &task.to_string()).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("file_not_kept")), "{}", refused.body);
}

#[tokio::test]
async fn listeners_leave_places_for_those_who_ask() {
    let studio = Studio::open().await;
    let house = door(&studio);
    let listen = async || {
        let request = Request::get("/api/events").header("host", "127.0.0.1").body(Body::empty()).unwrap();
        house.clone().oneshot(request).await.unwrap()
    };
    let mut open = Vec::new();
    let refused = loop {
        let answer = listen().await;
        if answer.status() != 200 {
            break answer;
        }
        open.push(answer);
    };
    assert_eq!(refused.status(), 503);
    assert!(open.len() >= 32, "{} listened", open.len());
    assert_eq!(ask(&house, "GET", "/health", &[], "").await.status, 200);
    open.pop();
    assert_eq!(listen().await.status(), 200, "a place that was left is free");
}

#[tokio::test]
async fn what_was_uploaded_for_another_project_can_be_put_nowhere() {
    let mut studio = Studio::open().await;
    let (first, ..) = studio.film(TWO_ROOMS).await;
    let (second, ..) = studio.film(&TWO_ROOMS.replacen("Title: ", "Title: Another ", 1)).await;
    let house = door(&studio);
    let project = studio.episode(second).await.project_id;
    let wanted = json!({ "name": "guest", "scopes": ["write"], "project": project });
    let given = ask(&house, "POST", "/api/tokens", &[JSON], wanted.to_string()).await;
    let guest = format!("Bearer {}", given.body["text"].as_str().unwrap());
    let upload = async |colour: u8| {
        let mut png = std::io::Cursor::new(Vec::new());
        let picture = image::RgbImage::from_pixel(192, 108, image::Rgb([colour, 9, 9]));
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let sent = ask(&house, "POST", "/api/uploads?role=picture", &[], png.into_inner()).await;
        sent.body["output"]["asset"].clone()
    };
    let task = studio.task(second, "scene 1/shot 1/still/take 1").await.id;
    let put = async |file: &Value| {
        let body = json!({ "do": "put", "asset": file["hash"] }).to_string();
        ask(&house, "POST", &format!("/api/tasks/{task}/hand"), &[JSON, ("authorization", &guest)], body).await
    };
    // A picture of somebody in the first project.
    let theirs = upload(200).await;
    let of = format!("/api/characters?project={}", studio.episode(first).await.project_id);
    let who = ask(&house, "GET", &of, &[], "").await.body["characters"][0].clone();
    let path = format!("/api/characters/{}", who["character"]["id"].as_str().unwrap());
    let headers = [PATCH, ("if-match", who["tag"].as_str().unwrap())];
    let body = json!({ "references": [theirs] }).to_string();
    let kept = ask(&house, "PATCH", &path, &headers, body).await;
    assert_eq!(kept.status, 200, "{}", kept.body);
    let refused = put(&theirs).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("file_not_kept")), "{}", refused.body);
    // One that is nobody's yet.
    let own = put(&upload(90).await).await;
    assert!(own.status < 300, "{}", own.body);
}
