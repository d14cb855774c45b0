//! An episode stops where a person wants to look first, and goes on from what they approved.

use serde_json::{Value, json};
use studio_core::{
    episode::EpisodeState, journal::DecisionKind, order::Order, production::Checkpoint, task::TaskState, units::Seed,
};
use studio_engine::FailureKind;
use studiod::{
    conductor::{Error, OverrideAction, Produce, Refusal},
    store::{self, opinions::Opinion},
    web::Access,
};

use crate::{
    bench::{Bench, JSON, ask, get},
    engines::{Act, Asked},
    plans::{TWO_ROOMS, produce},
    studio::Studio,
};

/// Two rooms, looked at twice.
fn looked_at() -> Produce {
    looked_at_with(TWO_ROOMS)
}

fn looked_at_with(text: &str) -> Produce {
    let mut wanted = produce(text);
    wanted.production.approve = Checkpoint::ALL.into();
    wanted
}

fn clips(orders: &[Order]) -> usize {
    orders.iter().filter(|order| matches!(order, Order::Clip(_))).count()
}

#[tokio::test]
async fn pictures_then_clips_are_approved_and_only_then_there_is_a_film() {
    let mut studio = Studio::open().await;
    let (id, failed, _) = studio.make(looked_at()).await;
    assert!(!failed);
    assert_eq!(studio.episode(id).await.state, EpisodeState::AwaitingApproval);
    assert_eq!(clips(&studio.stage.runs()), 0);

    let told = store::events::since(&studio.context.db, 0, 1000).await.unwrap();
    let awaits = told.iter().find(|event| event.kind == "episode.awaits").unwrap();
    assert_eq!((&awaits.subject, &awaits.body), (&id.to_string(), &json!({ "what": "pictures" })));

    let state = studio.web(Access::default()).with_services(Bench::of(&studio, None));
    let door = Studio::door_of(state, ([127, 0, 0, 1], 1).into());
    let path = format!("/api/episodes/{id}");
    let view = async || get(&door, &path).await.body;
    let approve = async |what: &str| {
        let body = json!({ "what": what }).to_string();
        ask(&door, "POST", &format!("{path}/approve"), &[JSON], body).await
    };
    assert_eq!(view().await["awaits"], json!({ "what": "pictures", "shots": 3 }));
    let card = &get(&door, "/api/episodes").await.body["episodes"][0];
    assert_eq!(card["picture"], json!(studio.shots(id).await[0].still), "its first picture stands for it");
    let early = approve("clips").await;
    assert_eq!((early.status, &early.body["code"]), (409, &json!("nothing_awaits")));
    assert!(early.body["detail"].as_str().unwrap().contains("no clips of"), "{}", early.body);
    assert_eq!(approve("everything").await.status, 400);

    // A restart in between asks for nothing anew and begins nothing.
    studio.power_cut().await;
    studio.start_again().await;
    assert_eq!(studio.episode(id).await.state, EpisodeState::AwaitingApproval);
    assert_eq!(clips(&studio.stage.runs()), 0);

    assert_eq!(studio.handle.approve(id, Checkpoint::Pictures).await.unwrap(), 3);
    let busy = studio.handle.approve(id, Checkpoint::Clips).await.unwrap_err();
    assert!(matches!(busy, Error::Refused(Refusal::BeingMade { .. })), "{busy}");
    assert!(!studio.end().await.0);
    let episode = studio.episode(id).await;
    assert_eq!((episode.state, episode.film), (EpisodeState::AwaitingApproval, None));
    assert_eq!(clips(&studio.stage.runs()), 3);
    assert!(!studio.stage.runs().iter().any(|order| matches!(order, Order::JoinScene(_))), "no scene is put together");

    // What is approved is approved, whatever happens next.
    studio.handle.approve(id, Checkpoint::Clips).await.unwrap();
    studio.power_cut().await;
    studio.start_again().await;
    assert!(!studio.end().await.0);
    assert_eq!(studio.episode(id).await.state, EpisodeState::Published);
    let twice = studio.handle.approve(id, Checkpoint::Clips).await.unwrap_err().to_string();
    assert!(twice.contains("no clips of") && twice.contains("wait for anybody"), "{twice}");
    let book = store::decisions::of_episode(&studio.context.db, id).await.unwrap();
    let said: Vec<&str> =
        book.iter().filter(|one| one.kind == DecisionKind::Hand).map(|one| one.reason.as_str()).collect();
    let of = |word: &str| format!("a person approved the {word} of 3 shots");
    assert_eq!(said, [of("pictures"), of("clips")]);
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_picture_that_is_made_anew_is_looked_at_anew() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.make(looked_at()).await;
    studio.handle.approve(id, Checkpoint::Pictures).await.unwrap();
    studio.end().await;
    studio.handle.approve(id, Checkpoint::Clips).await.unwrap();
    studio.end().await;
    let film = studio.episode(id).await.film;
    let first = "scene 1/shot 1/still/take 1";

    studio.handle.hand(studio.task(id, first).await.id, OverrideAction::Another).await.unwrap();
    studio.end().await;
    let episode = studio.episode(id).await;
    assert_eq!((episode.state, episode.film), (EpisodeState::AwaitingApproval, film), "the film that was stays there");
    let held = studio.task(id, "scene 1/shot 1/clip/take 1").await;
    assert_eq!((held.state, held.outputs.is_some()), (TaskState::Succeeded, true), "nothing of it is lost");
    assert_eq!(studio.handle.approve(id, Checkpoint::Pictures).await.unwrap(), 1, "only the new one");
    studio.end().await;
    assert_eq!(studio.handle.approve(id, Checkpoint::Clips).await.unwrap(), 1, "and its clip");
    studio.end().await;
    assert_eq!(studio.episode(id).await.state, EpisodeState::Published);

    // So does one that a person finds bad.
    let take = studio.task(id, "scene 1/shot 2/still/take 1").await.id;
    studio.handle.opine(take, Opinion { good: false, why: String::new(), issues: Vec::new() }).await.unwrap();
    studio.end().await;
    assert_eq!(studio.episode(id).await.state, EpisodeState::AwaitingApproval);
    let again = studio.handle.approve(id, Checkpoint::Pictures).await;
    assert_eq!(again.unwrap(), 1);
    studio.end().await;
    studio.assert_settled().await;
}

/// What was approved was seen: other settings make other pictures of the same shots, and nothing goes on from those.
#[tokio::test]
async fn pictures_nobody_has_seen_go_no_further() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.make(looked_at()).await;
    for checkpoint in Checkpoint::ALL {
        studio.handle.approve(id, checkpoint).await.unwrap();
        studio.end().await;
    }
    assert_eq!(studio.episode(id).await.state, EpisodeState::Published);
    // The same again is the same: nobody is asked.
    let runs = studio.stage.runs().len();
    studio.make(looked_at()).await;
    assert_eq!((studio.episode(id).await.state, studio.stage.runs().len()), (EpisodeState::Published, runs));

    let mut other = looked_at();
    other.production.seed = Seed(8);
    let (_, failed, _) = studio.make(other).await;
    assert_eq!((failed, studio.episode(id).await.state), (false, EpisodeState::AwaitingApproval));
    let stills = |orders: &[Order]| orders.iter().filter(|order| matches!(order, Order::Still(_))).count();
    let made = studio.stage.runs()[runs..].to_vec();
    assert_eq!((stills(&made), clips(&made)), (3, 0), "{made:#?}");
    assert_eq!(studio.handle.approve(id, Checkpoint::Pictures).await.unwrap(), 3);
    studio.end().await;
    let made = studio.stage.runs()[runs..].to_vec();
    assert_eq!((clips(&made), studio.episode(id).await.state), (3, EpisodeState::AwaitingApproval));
    assert!(!made.iter().any(|order| matches!(order, Order::JoinScene(_))), "no scene of clips nobody has seen");
    assert_eq!(studio.handle.approve(id, Checkpoint::Clips).await.unwrap(), 3);
    studio.end().await;
    assert_eq!(studio.episode(id).await.state, EpisodeState::Published);
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_failed_waits_for_nobody_and_a_film_that_is_there_stays() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let film = studio.episode(id).await.film;
    // Asked for later: what was made before stays made.
    let mut wanted = looked_at();
    wanted.production.approve = [Checkpoint::Pictures].into();
    let runs = studio.stage.runs().len();
    studio.make(wanted.clone()).await;
    let card = &get(&studio.door(), "/api/episodes?state=awaiting_approval").await.body["episodes"][0];
    assert_eq!(card["episode"]["id"], Value::String(id.to_string()));
    assert_eq!((studio.stage.runs().len(), studio.episode(id).await.film), (runs, film));
    studio.handle.approve(id, Checkpoint::Pictures).await.unwrap();
    studio.end().await;
    assert_eq!((studio.episode(id).await.state, studio.stage.runs().len()), (EpisodeState::Published, runs));

    // What could not be made is made first: nobody approves what nobody can see.
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::Still(_) => Act::Fail(FailureKind::Refused),
        _ => Act::Make,
    });
    let changed = looked_at_with(&TWO_ROOMS.replace("waits on the wet bench", "sleeps on the wet bench"));
    let (_, failed, _) = studio.make(changed).await;
    assert!(failed && studio.episode(id).await.state == EpisodeState::Failed);
    let refused = studio.handle.approve(id, Checkpoint::Pictures).await.unwrap_err().to_string();
    assert!(refused.contains("scene 2/shot 1/still of 'Two Rooms' is not made yet"), "{refused}");
    studio.assert_settled().await;
}
