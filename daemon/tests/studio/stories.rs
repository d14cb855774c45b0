//! Stories: they are written whoever looks, one after the other, and after a restart.

use axum::{Router, body::Body};
use serde_json::{Value, json};
use studio_core::ids::StoryId;
use studiod::{
    events::StudioEvent,
    store::{self, stories::Story},
    web::{self, Access},
};
use tokio_util::sync::CancellationToken;

use crate::{
    api::PATIENCE,
    bench::{Bench, JSON, ask, door, get},
    studio::Studio,
};

fn idea(show: &str) -> String {
    json!({ "idea": "A lighthouse goes dark.", "show": show }).to_string()
}

/// The story, when it is no longer being written.
async fn ended(studio: &Studio, door: &Router, id: &str) -> Value {
    let mut events = studio.context.events.listen();
    let ended = async {
        loop {
            let story = get(door, &format!("/api/stories/{id}")).await.body;
            if story["state"] != "writing" {
                return story;
            }
            while !matches!(events.recv().await, Ok(StudioEvent::Changed)) {}
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("in time")
}

#[tokio::test]
async fn a_story_is_written_while_nobody_waits() {
    let studio = Studio::open().await;
    let door = door(&studio);
    let begun = ask(&door, "POST", "/api/stories", &[JSON], idea("Light")).await;
    assert_eq!((begun.status, &begun.body["state"]), (202, &json!("writing")), "{}", begun.body);
    let told = ended(&studio, &door, begun.body["id"].as_str().unwrap()).await;
    assert_eq!(told["text"], "INT. A lighthouse goes dark. - DAY\n");
    let begun = ask(&door, "POST", "/api/stories", &[JSON], idea("broken")).await;
    let failed = ended(&studio, &door, begun.body["id"].as_str().unwrap()).await;
    assert_eq!((&failed["state"], &failed["why"]), (&json!("failed"), &json!("the model did not manage it")));
    assert_eq!((&told["code"], &failed["code"]), (&json!(""), &json!("unavailable")), "what it was, as data");
    let list = get(&door, "/api/stories?limit=1").await.body;
    assert_eq!((&list["stories"][0]["id"], list["next"].is_string()), (&failed["id"], true), "newest first");
    assert_eq!(get(&door, "/api/stories?state=told").await.body["stories"].as_array().unwrap().len(), 1);
    let kinds: Vec<String> =
        store::events::since(&studio.context.db, 0, 100).await.unwrap().into_iter().map(|one| one.kind).collect();
    assert_eq!(kinds, ["story.begun", "story.ended", "story.begun", "story.ended"]);
    for (bad, said) in [
        (json!({ "idea": "short" }), "10 to 20000"),
        (json!({ "idea": "long enough an idea", "format": "none" }), "there is no format"),
    ] {
        let refused = ask(&door, "POST", "/api/stories", &[JSON], bad.to_string()).await;
        assert_eq!(refused.status, 400);
        assert!(refused.body["detail"].as_str().unwrap().contains(said), "{}", refused.body);
    }
}

#[tokio::test]
async fn a_story_that_is_removed_makes_room_for_the_next() {
    let studio = Studio::open().await;
    let door = door(&studio);
    let never = ask(&door, "POST", "/api/stories", &[JSON], idea("never")).await.body["id"].clone();
    let next = ask(&door, "POST", "/api/stories", &[JSON], idea("Light")).await.body["id"].clone();
    let path = format!("/api/stories/{}", never.as_str().unwrap());
    assert_eq!(get(&door, &path).await.body["state"], "writing");
    assert_eq!(ask(&door, "DELETE", &path, &[], Body::empty()).await.status, 204);
    assert_eq!(ended(&studio, &door, next.as_str().unwrap()).await["state"], "told");
    assert_eq!(
        (get(&door, &path).await.status, ask(&door, "DELETE", &path, &[], Body::empty()).await.status),
        (404, 404)
    );
    for _ in 0..20 {
        assert_eq!(ask(&door, "POST", "/api/stories", &[JSON], idea("never")).await.status, 202);
    }
    let full = ask(&door, "POST", "/api/stories", &[JSON], idea("Light")).await;
    assert_eq!((full.status, &full.body["code"]), (409, &json!("too_many_stories")));
}

#[tokio::test]
async fn a_story_that_was_being_written_at_a_power_cut_is_written() {
    let studio = Studio::open().await;
    let story = Story {
        id: StoryId(uuid::Uuid::now_v7()),
        idea: serde_json::from_str::<Value>(&json!({ "idea": "A lighthouse goes dark.", "format": "series", "show": "", "world": "", "characters": [], "language": "en" }).to_string()).unwrap(),
        state: store::stories::State::Writing,
        text: String::new(),
        why: String::new(),
        code: String::new(),
        created: studio.context.clock.now(),
        ended: None,
    };
    let mut tx = studio.context.db.begin().await.unwrap();
    store::stories::insert(&mut tx, &story).await.unwrap();
    tx.commit().await.unwrap();
    let state = studio.web(Access::default()).with_services(Bench::of(&studio, None));
    let (listener, stop) = (tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(), CancellationToken::new());
    let serving = tokio::spawn(web::serve(listener, state, stop.clone()));
    assert_eq!(ended(&studio, &door(&studio), &story.id.to_string()).await["state"], "told");
    stop.cancel();
    tokio::time::timeout(PATIENCE, serving).await.expect("it stops").unwrap();
}
