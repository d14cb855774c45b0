//! The scheduler in the whole studio: a card with two models, people who steer, shots begun before a verdict.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, header},
};
use rstest::rstest;
use serde_json::{Value, json};
use studio_core::{
    ids::EpisodeId,
    journal::DecisionKind,
    order::{Order, Quality, Role},
    production::{ModelCast, ModelChoice},
    schedule::{Steer, WaitReason},
    shot::VideoEngine,
    task::{Attempt, AttemptState, Class, TaskState},
};
use studiod::{
    conductor::Seat,
    events::TaskUpdate,
    store::{self, decisions::Decision},
};
use tower::ServiceExt;

use crate::{
    engines::{Act, Asked, Carded},
    plans::{TWICE, TWO_ROOMS, produce},
    studio::Studio,
};

/// A studio with a card.
pub async fn open() -> (Studio, Arc<Carded>) {
    let mut kept = None;
    let studio = Studio::open_with_stage(|stage, seats| {
        let carded = Arc::new(stage.carded());
        kept = Some(carded.clone());
        seats.insert("comfy".into(), Seat { engine: carded, slots: 1 });
    })
    .await;
    (studio, kept.expect("it is seated"))
}

async fn begin(studio: &Studio, text: &str, clips: &str) -> EpisodeId {
    let hand = |model: &str| ModelChoice { model: model.into(), from_picture: true, ..ModelChoice::default() };
    let mut asked = produce(text);
    asked.production.cast.models = Some(ModelCast {
        engine: "comfy".into(),
        still: Some(hand("sdxl")),
        clips: BTreeMap::from([(VideoEngine::Framepack, hand(clips))]),
        quality: Quality::Draft,
        style: String::new(),
        ..ModelCast::default()
    });
    studio.handle.produce(asked).await.expect("it is planned")
}

/// The swaps of models that were decided, newest first.
async fn swaps(studio: &Studio) -> Vec<Decision> {
    let filter = store::decisions::Filter { kind: Some(DecisionKind::Swap), limit: 100, ..Default::default() };
    store::decisions::page(&studio.context.db, &filter).await.unwrap()
}

async fn ask(studio: &Studio, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let routes = studio.door();
    let response = routes.oneshot(request.body(body).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), 1 << 24).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[tokio::test]
async fn an_episode_needs_few_swaps_and_each_says_why() {
    let (mut studio, _carded) = open().await;
    let id = begin(&studio, TWO_ROOMS, "framepack").await;
    assert!(!studio.end().await.0, "{:?}", studio.tasks(id).await);
    let swaps = swaps(&studio).await;
    assert!((2..=4).contains(&swaps.len()), "{swaps:#?}");
    assert!(swaps.iter().all(|swap| swap.reason.contains(" comes to card")), "{swaps:#?}");
    for slot in ["scene 1/shot 1/still/take 1", "scene 1/shot 1/clip/take 1"] {
        let attempt = &studio.attempts(id, slot).await[0];
        assert_eq!((attempt.card.as_deref(), attempt.server.as_deref()), (Some("card"), Some("left")));
    }
    let (_, costs) = ask(&studio, Method::GET, &format!("/api/episodes/{id}/costs"), None).await;
    let paid = costs["tasks"].as_array().unwrap().iter().filter(|task| task["money"] == 0.5).count();
    assert_eq!((paid, costs["money"].as_f64()), (6, Some(3.0)), "three pictures and three clips: {costs}");
    let shots = costs["shots"].as_array().unwrap();
    let paid: Vec<(u64, u64, f64)> = shots
        .iter()
        .map(|one| (one["scene"].as_u64().unwrap(), one["shot"].as_u64().unwrap(), one["money"].as_f64().unwrap()))
        .collect();
    assert_eq!(paid, [(1, 1, 1.0), (1, 2, 1.0), (2, 1, 1.0)], "a picture and a clip each: {costs}");
    assert!(shots.iter().all(|one| one["attempts"].as_u64() >= Some(4)), "their reviews count: {costs}");
    let learned = store::fleet::learned(&studio.context.db).await.unwrap();
    assert!(learned.iter().any(|one| one.model == "framepack" && one.kind.starts_with("clip/")), "{learned:?}");
    let loads = store::fleet::loads(&studio.context.db).await.unwrap();
    assert!(loads.is_empty(), "nobody saw a model come, and that is not 0 ms: {loads:?}");
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_this_disk_takes_is_learned_and_reckoned_with_after_a_restart() {
    let (mut studio, carded) = open().await;
    carded.loads_in(studio.clock(), 300_000);
    begin(&studio, TWO_ROOMS, "framepack").await;
    assert!(!studio.end().await.0);
    let loads = store::fleet::loads(&studio.context.db).await.unwrap();
    let models: BTreeSet<&str> = loads.iter().map(|load| load.model.as_str()).collect();
    assert_eq!(models, BTreeSet::from(["framepack", "sdxl"]));
    assert!(loads.iter().all(|load| (load.card.as_str(), load.took_ms) == ("card", 300_000)), "{loads:?}");
    studio.power_cut().await;
    studio.start_again().await;
    let before = swaps(&studio).await;
    assert!(before.iter().any(|swap| swap.inputs["cost_ms"] == 20_000), "the catalogue's figure: {before:#?}");
    begin(&studio, TWICE, "framepack").await;
    assert!(!studio.end().await.0);
    let swaps = swaps(&studio).await;
    let new: Vec<_> = swaps.iter().filter(|swap| before.iter().all(|old| old.id != swap.id)).collect();
    let learned = |cost: &Value| cost.as_u64().is_some_and(|cost| cost >= 300_000);
    assert!(!new.is_empty() && new.iter().all(|swap| learned(&swap.inputs["cost_ms"])), "{new:#?}");
}

#[tokio::test]
async fn a_model_that_left_by_itself_is_not_booked_any_more() {
    let (mut studio, carded) = open().await;
    let id = begin(&studio, TWO_ROOMS, "framepack").await;
    assert!(!studio.end().await.0, "{:?}", studio.tasks(id).await);
    let booked = async || studio.handle.view().await.unwrap().cards[0].booked_mib;
    assert!(booked().await > 0);
    // Ollama lets go of a model when nobody asked for it for long.
    carded.offer.send_modify(|offer| offer.seats[0].loaded = Some(Vec::new()));
    while booked().await > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_task_that_fits_nowhere_says_how_much_it_lacks() {
    let (mut studio, _carded) = open().await;
    let id = begin(&studio, TWO_ROOMS, "huge").await;
    studio.until_task("scene 1/shot 1/still", |now| *now == TaskUpdate::Made).await;
    let task = studio.task(id, "scene 1/shot 1/clip/take 1").await;
    let why = studio.handle.why(task.id).await.unwrap();
    assert!(matches!(why, Some(WaitReason::TooLarge { need_mib: 40_000, .. })), "{why:?}");
    let (_, told) = ask(&studio, Method::GET, &format!("/api/tasks/{}", task.id), None).await;
    assert!(told["waits"].as_str().unwrap().contains("39.1 GiB"), "{told}");
    assert_eq!(told["wait_reason"]["why"], "too_large");
    let (_, plan) = ask(&studio, Method::GET, "/api/fleet/plan", None).await;
    assert_eq!(plan["episodes"][0]["done_ms"], Value::Null, "not without a person: {plan}");
    studio.handle.cancel_episode(id).await.unwrap();
    studio.end().await;
}

#[tokio::test]
async fn what_a_person_wants_is_kept_over_a_restart() {
    let (mut studio, _carded) = open().await;
    let scope = json!({ "what": "gpu", "name": "card" });
    let (status, _) =
        ask(&studio, Method::POST, "/api/fleet/pause", Some(json!({ "scope": scope, "why": "dinner" }))).await;
    assert_eq!(status, 202);
    let id = begin(&studio, TWO_ROOMS, "framepack").await;
    studio.until_task("scene 1/music", |now| *now == TaskUpdate::Made).await;
    let task = studio.task(id, "scene 1/shot 1/still/take 1").await;
    assert!(studio.handle.why(task.id).await.unwrap().unwrap().to_string().contains("dinner"));
    let path = format!("/api/tasks/{}/steer", task.id);
    assert_eq!(ask(&studio, Method::POST, &path, Some(json!("hold"))).await.0, 202);
    studio.power_cut().await;
    studio.start_again().await;
    let (_, fleet) = ask(&studio, Method::GET, "/api/fleet", None).await;
    assert_eq!(fleet["pauses"][0][1]["why"], "dinner", "{fleet}");
    assert_eq!(fleet["pauses"][0][1]["because"], json!({ "why": "person", "text": "dinner" }), "as data, too");
    assert_eq!(studio.handle.why(task.id).await.unwrap(), Some(WaitReason::Held));
    assert_eq!(ask(&studio, Method::POST, "/api/fleet/resume", Some(json!({ "scope": scope }))).await.0, 202);
    studio.until_task("scene 2/shot 1/clip", |now| *now == TaskUpdate::Made).await;
    assert_eq!(studio.task(id, "scene 1/shot 1/still/take 1").await.state, TaskState::Waiting, "held");
    studio.handle.steer(task.id, Steer::Release).await.unwrap();
    assert!(!studio.end().await.0);
    let refused = studio.handle.steer(task.id, Steer::Pin).await.unwrap_err().to_string();
    assert!(refused.contains("is over"), "{refused}");
    let bad = json!({ "scope": { "what": "gpu", "name": "nothing" } });
    let (status, said) = ask(&studio, Method::POST, "/api/fleet/pause", Some(bad)).await;
    assert!(status == 409 && said["detail"].as_str().unwrap().contains("studiod fleet"), "{said}");
    assert_eq!(ask(&studio, Method::POST, "/api/fleet/pause", Some(json!({ "scoop": 1 }))).await.0, 400);
}

#[tokio::test]
async fn a_class_and_a_move_are_kept_over_a_restart() {
    let (mut studio, _carded) = open().await;
    let scope = json!({ "what": "gpu", "name": "card" });
    ask(&studio, Method::POST, "/api/fleet/pause", Some(json!({ "scope": scope, "why": "dinner" }))).await;
    let id = begin(&studio, TWO_ROOMS, "framepack").await;
    studio.until_task("scene 1/music", |now| *now == TaskUpdate::Made).await;
    let first = studio.task(id, "scene 1/shot 1/still/take 1").await.id;
    let second = studio.task(id, "scene 2/shot 1/still/take 1").await.id;
    let next = async |studio: &Studio| {
        let (_, fleet) = ask(studio, Method::GET, "/api/fleet", None).await;
        let next = fleet["cards"][0]["seats"][0]["next"].as_array().cloned().unwrap_or_default();
        next.into_iter().filter(|task| [json!(first), json!(second)].contains(task)).collect::<Value>()
    };
    assert_eq!(next(&studio).await, json!([first, second]), "in the order of the story");
    let steer = async |studio: &Studio, task, to| {
        assert_eq!(ask(studio, Method::POST, &format!("/api/tasks/{task}/steer"), Some(to)).await.0, 202);
    };
    steer(&studio, second, json!({ "before": first })).await;
    assert_eq!(next(&studio).await, json!([second, first]), "moved");
    studio.power_cut().await;
    studio.start_again().await;
    assert_eq!(next(&studio).await, json!([second, first]), "still moved");
    steer(&studio, first, json!({ "class": "interactive" })).await;
    assert_eq!(next(&studio).await, json!([first, second]), "somebody waits for it");
    studio.power_cut().await;
    studio.start_again().await;
    assert_eq!(next(&studio).await, json!([first, second]), "somebody still does");
    assert_eq!(studio.task(id, "scene 1/shot 1/still/take 1").await.class, Class::Interactive);
    assert_eq!(ask(&studio, Method::POST, "/api/fleet/resume", Some(json!({ "scope": scope }))).await.0, 202);
    assert!(!studio.end().await.0, "{:?}", studio.tasks(id).await);
}

#[tokio::test]
async fn the_forecast_honours_quiet_hours_that_have_begun() {
    let (mut studio, _carded) = open().await;
    let quiet = json!({ "hours": [{ "from": "00:00", "to": "00:00", "gpu": "card" }] });
    assert!(ask(&studio, Method::PUT, "/api/fleet/quiet", Some(quiet)).await.0 < 300);
    let id = begin(&studio, TWO_ROOMS, "framepack").await;
    studio.until_task("scene 1/music", |now| *now == TaskUpdate::Made).await;
    let (_, plan) = ask(&studio, Method::GET, "/api/fleet/plan", None).await;
    // The whole day is quiet, every day: it never is.
    assert_eq!(plan["episodes"][0]["done_ms"], Value::Null, "{plan}");
    // Every day but Monday; the clock stands on the first of January 1970, a Thursday.
    let days = ["tue", "wed", "thu", "fri", "sat", "sun"];
    let quiet = json!({ "hours": [{ "from": "00:00", "to": "00:00", "days": days, "gpu": "card" }] });
    assert!(ask(&studio, Method::PUT, "/api/fleet/quiet", Some(quiet)).await.0 < 300);
    let (_, plan) = ask(&studio, Method::GET, "/api/fleet/plan", None).await;
    let days = plan["episodes"][0]["done_ms"]["median"].as_f64().map(|ms| ms / 86_400_000.0);
    assert!(days.is_some_and(|days| (3.0..6.0).contains(&days)), "{days:?}: {plan}");
    studio.handle.cancel_episode(id).await.unwrap();
    studio.end().await;
}

#[tokio::test]
async fn no_model_comes_for_what_was_made_before() {
    let (mut studio, _carded) = open().await;
    let id = begin(&studio, TWO_ROOMS, "framepack").await;
    assert!(!studio.end().await.0, "{:?}", studio.tasks(id).await);
    let before = swaps(&studio).await.len();
    assert!(before > 0, "models came when it was made");
    // The studio forgets what is loaded when it stops, and is asked for the same film again.
    studio.power_cut().await;
    studio.start_again().await;
    let again = begin(&studio, TWO_ROOMS, "framepack").await;
    assert_eq!(again, id);
    assert!(!studio.end().await.0, "{:?}", studio.tasks(id).await);
    let new = swaps(&studio).await;
    assert_eq!(new.len(), before, "{:#?}", &new[..new.len() - before]);
}

fn is_clip_review(order: &Order) -> bool {
    matches!(order, Order::Review(review) if review.expected.is_some())
}

#[tokio::test]
async fn an_idle_card_begins_the_next_shot_and_the_verdict_makes_it_count() {
    let (mut studio, _carded) = open().await;
    studio.stage.rule(|asked: &Asked| if is_clip_review(asked.order) { Act::Hang } else { Act::Make });
    let id = begin(&studio, TWICE, "framepack").await;
    // Its review hangs, so what follows can only have begun early.
    studio.until_task("scene 1/shot 2/clip/take 1", |now| *now == TaskUpdate::Running(0.5)).await;
    studio.stage.release();
    assert!(!studio.end().await.0, "{:?}", studio.tasks(id).await);
    assert_eq!(studio.ends(id, "scene 1/shot 2/clip/take 1").await, [AttemptState::Succeeded], "made once");
    assert_eq!(studio.ends(id, "scene 1/shot 1/master").await, [AttemptState::Succeeded]);
    studio.assert_settled().await;
}

#[rstest]
#[case::stops(Act::Stop, AttemptState::Cancelled)]
#[case::is_done_all_the_same(Act::Deaf, AttemptState::Succeeded)]
#[tokio::test]
async fn a_bad_take_makes_what_stands_on_it_worth_nothing(#[case] speculative: Act, #[case] end: AttemptState) {
    let (mut studio, _carded) = open().await;
    let (first, begun) = (std::sync::OnceLock::new(), AtomicBool::new(false));
    studio.stage.rule(move |asked: &Asked| match asked.order {
        // The first clip that is judged is bad, every other one good.
        Order::Review(review)
            if is_clip_review(asked.order) && first.get_or_init(|| review.subject.hash) == &review.subject.hash =>
        {
            Act::HangThen(5)
        }
        // The one that begins early works until it hears of that.
        Order::Clip(clip) if clip.description.contains("window") && !begun.swap(true, Ordering::SeqCst) => speculative,
        _ => Act::Make,
    });
    let id = begin(&studio, TWICE, "framepack").await;
    studio.until_task("scene 1/shot 2/clip/take 1", |now| *now == TaskUpdate::Running(0.5)).await;
    studio.stage.release();
    assert!(!studio.end().await.0, "{:?}", studio.tasks(id).await);
    let attempts = studio.attempts(id, "scene 1/shot 2/clip/take 1").await;
    let ends: Vec<_> = attempts.iter().map(|attempt| attempt.state).collect();
    assert_eq!(ends, [end, AttemptState::Succeeded], "begun early from the bad one, then made from the good one");
    let last_frame = |attempt: &Attempt| attempt.outputs.as_ref()?.first(Role::LastFrame).map(|frame| frame.asset.hash);
    let masters = studio.attempts(id, "scene 1/shot 1/master").await;
    let source = attempts[1].order.inputs().first().map(|source| source.hash);
    assert_eq!(source, masters.last().and_then(last_frame), "it stands on the take that counts");
    assert!(studio.slots(id, TaskState::Succeeded).await.contains(&"scene 1/shot 1/clip/take 2".to_owned()));
    studio.assert_settled().await;
}

#[tokio::test]
async fn quiet_hours_are_set_kept_over_a_power_cut_and_left_to_the_settings_again() {
    let mut studio = Studio::open().await;
    let pauses = async |studio: &Studio| ask(studio, Method::GET, "/api/fleet", None).await.1["pauses"].clone();
    let quiet = async |studio: &Studio| ask(studio, Method::GET, "/api/fleet/quiet", None).await.1;
    assert_eq!(quiet(&studio).await, json!({ "hours": [], "set": false }));
    // From midnight to midnight, every day: now, whatever the clock says.
    let always = json!({ "hours": [{ "from": "00:00", "to": "00:00", "engine": "comfy", "hard": true }] });
    let set = async |studio: &Studio, hours: Value| ask(studio, Method::PUT, "/api/fleet/quiet", Some(hours)).await;
    assert_eq!(set(&studio, always.clone()).await.0, 202);
    let rests = json!({ "what": "engine", "name": "comfy" });
    let pause = pauses(&studio).await[0].clone();
    assert_eq!((&pause[0], &pause[1]["why"]), (&rests, &json!("quiet hours")));
    assert_eq!(pause[1]["because"], json!({ "why": "quiet_hours" }), "as data, too");
    for (bad, said) in [
        (json!({ "hours": [{ "from": "25:00", "to": "07:00" }] }), "HH:MM"),
        (json!({ "hours": [{ "from": "22:00", "to": "07:00", "gpu": "a", "engine": "b" }] }), "leave one of them out"),
        (json!({ "hours": [{ "from": "22:00", "to": "07:00", "days": ["someday"] }] }), "someday"),
        (json!({ "hours": vec![json!({ "from": "22:00", "to": "07:00" }); 51] }), "at most 50"),
    ] {
        let (status, answer) = set(&studio, bad).await;
        assert!(status == 400 && answer["detail"].as_str().unwrap().contains(said), "{answer}");
    }
    studio.power_cut().await;
    studio.start_again().await;
    let kept = quiet(&studio).await;
    assert_eq!((&kept["set"], &kept["hours"][0]["engine"]), (&json!(true), &json!("comfy")));
    assert_eq!(pauses(&studio).await[0][0], rests, "it rests after the power cut");
    // Other hours: what rested goes on, at once.
    assert_eq!(set(&studio, json!({ "hours": [] })).await.0, 202);
    assert_eq!((pauses(&studio).await, &quiet(&studio).await["set"]), (json!([]), &json!(true)));
    assert_eq!(set(&studio, always).await.0, 202);
    assert_eq!(pauses(&studio).await[0][0], rests);
    assert_eq!(ask(&studio, Method::DELETE, "/api/fleet/quiet", None).await.0, 202);
    assert_eq!((pauses(&studio).await, &quiet(&studio).await["set"]), (json!([]), &json!(false)));
}
