//! Whole episodes through a ComfyUI with all of its faults: nothing is lost, nothing is rendered twice.

#[path = "../support/comfy/mod.rs"]
pub mod fake;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use fake::{Comfy as Fake, Fault, Logged};
use serde_json::{Value, json};
use studio_core::{
    fleet::Scope,
    journal::DecisionKind,
    ladder::Rung,
    media::{MediaFacts, MediaPlan, MediaResult},
    order::{Order, Quality, Reported},
    production::{ModelCast, ModelChoice},
    shot::VideoEngine,
    task::{AttemptState, TaskState},
    units::{Fps, Frames, Samples, Size},
    workflow::SlotValue,
};
use studio_engine::{Boxed, Engine, EngineError, Progress, RunMedia};
use studiod::{
    app::producing::intake,
    conductor::{OverrideAction, Seat},
    definitions::{Definitions, DefinitionsWatch},
    engines::comfy::{COMFY, Comfy, Pace, ServerPlan},
    events::{Events, StudioEvent, TaskUpdate},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    plans::{TWO_ROOMS, produce},
    studio::Studio,
};

/// Tells pictures from films by their first bytes and believes them otherwise.
struct Believes;

impl RunMedia for Believes {
    fn run<'a>(
        &'a self,
        plan: MediaPlan,
        _dir: &'a Path,
        _progress: &'a Progress,
        _stop: &'a CancellationToken,
    ) -> Boxed<'a, Result<MediaResult, EngineError>> {
        Box::pin(async move {
            let MediaPlan::Probe(plan) = plan else { panic!("only probes are asked for, not {plan:?}") };
            let size = Size { width: 192, height: 108 };
            let facts = match plan.input.extension().and_then(|ext| ext.to_str()) {
                Some("png") => MediaFacts::Still { size },
                _ => MediaFacts::Video {
                    size,
                    fps: Fps::whole(30),
                    frames: Frames(100),
                    codec: "h264".into(),
                    samples: Samples(0),
                },
            };
            Ok(MediaResult::Probe { facts })
        })
    }
}

pub fn models() -> Vec<String> {
    let definitions = Definitions::shipped();
    let nodes = definitions.workflows.values().flat_map(|flow| flow.graph.values().cloned().collect::<Vec<_>>());
    let inputs = nodes.flat_map(|node| node["inputs"].as_object().cloned().unwrap_or_default());
    let words = inputs.filter_map(|(_, value)| value.as_str().map(str::to_owned));
    words.chain(definitions.catalogue.models.values().flat_map(|model| model.files.values().cloned())).collect()
}

fn engine(fake: &Fake) -> Comfy {
    let pace = Pace {
        poll: Duration::from_millis(10),
        look: Duration::from_millis(10),
        stuck_after: Duration::from_millis(300),
        confirm: Duration::from_secs(20),
        abandoned_after: Duration::from_secs(10),
        quarantine: Duration::from_millis(50),
        ..Pace::default()
    };
    let plan = ServerPlan { name: "nvidia0".into(), url: fake.url(), card: None, queue_ahead: 1, restart: None };
    let shelf = DefinitionsWatch::of(Definitions::shipped());
    let comfy = Comfy::open(vec![plan], pace, shelf, Arc::new(Believes), "test").expect("it opens");
    comfy.watch();
    comfy
}

pub fn cast() -> ModelCast {
    let hand = |model: &str, from_picture| ModelChoice { model: model.into(), from_picture, ..ModelChoice::default() };
    ModelCast {
        engine: COMFY.into(),
        still: Some(hand("sd15", false)),
        clips: BTreeMap::from([
            (VideoEngine::Framepack, hand("framepack", true)),
            (VideoEngine::Wan, hand("wan", false)),
            (VideoEngine::Ltx, hand("ltx", true)),
        ]),
        quality: Quality::Draft,
        style: String::new(),
        ..ModelCast::default()
    }
}

/// A seat of a server that is there.
pub async fn seat(fake: &Fake) -> Seat {
    let comfy = engine(fake);
    let mut offer = comfy.offer().expect("it has one");
    offer.wait_for(|now| now.away().is_none()).await.expect("it comes");
    Seat { engine: Arc::new(comfy), slots: 2 }
}

pub async fn open(fake: &Fake) -> Studio {
    let comfy = seat(fake).await;
    Studio::open_with(|seats| drop(seats.insert(COMFY.into(), comfy))).await
}

async fn begin(studio: &Studio) -> studio_core::ids::EpisodeId {
    let mut asked = produce(TWO_ROOMS);
    asked.production.cast.models = Some(cast());
    studio.handle.produce(asked).await.expect("it is planned")
}

/// To the end, letting the pauses after failures pass.
pub async fn end(studio: &mut Studio) -> bool {
    loop {
        let over = |happened: &StudioEvent| {
            // After too many faults the server itself is left alone for a while.
            matches!(happened, StudioEvent::Ended { .. })
                || matches!(happened, StudioEvent::Task { now: TaskUpdate::Requeued(_) | TaskUpdate::Failed(_), .. })
        };
        match studio.until(over).await.last() {
            Some(StudioEvent::Ended { failed, .. }) => return *failed,
            _ => studio.later(600_000).await,
        }
    }
}

/// Every success of the engine is one render of one id, and nothing was made twice.
async fn accounted(studio: &Studio, fake: &Fake, id: studio_core::ids::EpisodeId) {
    fake.nothing_twice();
    let mut made = 0;
    for (slot, task) in studio.tasks(id).await {
        if task.engine != COMFY {
            continue;
        }
        let attempts = studio.attempts(id, &slot).await;
        let good = attempts.iter().filter(|attempt| attempt.state == AttemptState::Succeeded).count();
        assert_eq!(good, usize::from(task.state == TaskState::Succeeded), "{slot}: {attempts:?}");
        assert!(attempts.iter().all(|attempt| attempt.state != AttemptState::Running), "{slot}");
        made += good;
    }
    assert!(fake.rendered() >= made, "every result was rendered");
    studio.assert_settled().await;
}

#[tokio::test]
async fn an_episode_is_made_by_models_and_says_why_each() {
    let fake = Fake::start(models()).await;
    let mut studio = open(&fake).await;
    let id = begin(&studio).await;
    assert!(!end(&mut studio).await, "{:?}", studio.tasks(id).await);
    accounted(&studio, &fake, id).await;
    let slots = studio.slots(id, TaskState::Succeeded).await;
    assert!(!slots.contains(&"scene 1/shot 1/still/take 1".to_owned()), "a clip from words has no still: {slots:?}");
    let attempts = studio.attempts(id, "scene 1/shot 2/clip/take 1").await;
    assert!(attempts[0].engine.starts_with("comfy/1/framepack/"), "{}", attempts[0].engine);
    assert_eq!(attempts[0].server.as_deref(), Some("nvidia0"));
    assert!(attempts[0].kind_of_work.as_ref().is_some_and(|kind| kind.starts_with("framepack_i2v/framepack/")));
    let Order::Clip(order) = &attempts[0].order else { panic!("{:?}", attempts[0].order) };
    assert!(order.source.is_some() && order.figures[0].name == "ANNA", "{order:?}");

    let before = fake.queued().len();
    begin(&studio).await;
    assert!(!end(&mut studio).await);
    assert_eq!(fake.queued().len(), before, "the second run renders nothing");
}

#[tokio::test]
async fn a_full_card_goes_down_the_ladder_each_rung_once_and_ends() {
    let fake = Fake::start(models()).await;
    // Only a quantised model fits.
    fake.fault(Fault::OutOfMemoryUnless("UnetLoaderGGUF"));
    let mut studio = open(&fake).await;
    let mut asked = produce(TWO_ROOMS);
    let mut only = cast();
    (only.still, only.clips) =
        (None, only.clips.into_iter().filter(|(engine, _)| *engine == VideoEngine::Wan).collect());
    asked.production.cast.models = Some(only);
    let id = studio.handle.produce(asked).await.expect("it is planned");
    assert!(!end(&mut studio).await, "{:?}", studio.tasks(id).await);
    let attempts = studio.attempts(id, "scene 1/shot 1/clip/take 1").await;
    let rungs: Vec<&[Rung]> = attempts.iter().map(|one| one.relief.as_slice()).collect();
    let all = [Rung::Free, Rung::TiledVae, Rung::Quantised];
    assert_eq!(rungs, [&all[..0], &all[..1], &all[..2], &all[..3]]);
    assert!(fake.log().contains(&Logged::Free));
    let task = studio.task(id, "scene 1/shot 1/clip/take 1").await;
    let said = studiod::store::decisions::of_task(&studio.context.db, task.id).await.unwrap();
    let memory = said.iter().filter(|decision| decision.kind == DecisionKind::Memory).count();
    assert_eq!(memory, 3, "each rung is in the book with its reason: {said:?}");
    accounted(&studio, &fake, id).await;

    // Nothing fits: it ends, and asks.
    let fake = Fake::start(models()).await;
    fake.fault(Fault::OutOfMemoryUnless("a node that no graph has"));
    let mut studio = open(&fake).await;
    let mut asked = produce(TWO_ROOMS);
    asked.production.cast.models = Some(ModelCast { still: None, ..cast() });
    let id = studio.handle.produce(asked).await.expect("it is planned");
    assert!(end(&mut studio).await);
    let task = studio.task(id, "scene 1/shot 2/clip/take 1").await;
    assert_eq!(task.state, TaskState::Failed);
    assert!(
        task.reason.contains("everything was tried") && task.reason.contains("takes another model"),
        "{}",
        task.reason
    );
    accounted(&studio, &fake, id).await;
}

#[tokio::test]
async fn a_power_cut_in_mid_render_loses_and_doubles_nothing() {
    for server_too in [false, true] {
        let mut fake = Fake::start(models()).await;
        let mut studio = open(&fake).await;
        fake.hold(true);
        let id = begin(&studio).await;
        fake.until(|log| log.iter().any(|logged| matches!(logged, Logged::Ran(_)))).await;
        studio.power_cut().await;
        if server_too {
            fake.kill();
            fake.restart().await;
        }
        fake.hold(false);
        studio.start_again().await;
        assert!(!end(&mut studio).await, "server too: {server_too}");
        accounted(&studio, &fake, id).await;
        if !server_too {
            assert_eq!(fake.queued().len(), fake.rendered(), "what was queued before the cut was taken over");
        }
    }
}

#[tokio::test]
async fn what_a_restarted_studio_takes_over_goes_on_showing_steps_and_previews() {
    let fake = Fake::start(models()).await;
    let mut studio = open(&fake).await;
    fake.hold(true);
    let id = begin(&studio).await;
    fake.until(|log| log.iter().any(|logged| matches!(logged, Logged::Ran(_)))).await;
    studio.stop().await;
    fake.until_listened_by(&[]).await;
    // Another process: nothing is left of the engine and of what was told.
    let mut engines: BTreeMap<String, Seat> = studio
        .context
        .engines
        .iter()
        .map(|(name, seat)| (name.clone(), Seat { engine: seat.engine.clone(), slots: seat.slots }))
        .collect();
    engines.insert(COMFY.into(), seat(&fake).await);
    (studio.context.engines, studio.context.events) = (Arc::new(engines), Events::default());
    studio.start_again().await;
    // The one that runs, and the one behind it if there is one.
    let queued = fake.queued();
    fake.until_listened_by(&queued.iter().map(String::as_str).collect::<Vec<_>>()).await;
    fake.hold(false);
    fake.hold_at_end(true);
    let mut shown = std::collections::BTreeSet::new();
    for _ in &queued {
        let events = studio.context.events.clone();
        let told = studio
            .until(|happened| match happened {
                StudioEvent::Task { task, now: TaskUpdate::Running(done), .. } => {
                    *done > 0.0
                        && events.live(*task).is_some_and(|live| live.preview.is_some())
                        && !shown.contains(task)
                }
                _ => false,
            })
            .await;
        let Some(StudioEvent::Task { task, .. }) = told.last() else { unreachable!() };
        shown.insert(*task);
        fake.hold_at_end(false);
    }
    assert_eq!(fake.queued().len(), queued.len(), "nothing was sent again");
    assert!(!end(&mut studio).await);
    accounted(&studio, &fake, id).await;
}

#[tokio::test]
async fn a_pause_frees_the_card_when_it_is_asked_to_and_says_what_it_does() {
    let fake = Fake::start(models()).await;
    let mut studio = open(&fake).await;
    fake.hold(true);
    begin(&studio).await;
    fake.until(|log| log.iter().any(|logged| matches!(logged, Logged::Ran(_)))).await;
    let pause = async |studio: &Studio, body: Value| {
        let request = Request::post("/api/fleet/pause").header("content-type", "application/json");
        let answer = studio.door().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice::<Value>(&to_bytes(answer.into_body(), 1 << 20).await.unwrap()).unwrap())
    };
    let (status, said) = pause(&studio, json!({ "scope": { "what": "studio" } })).await;
    assert_eq!((status, &said["free"], &said["hard"]), (202, &json!(false), &json!(false)), "{said}");
    assert!(said["running"].as_u64() > Some(0) && said["loaded"][0]["seat"] == "nvidia0", "{said}");
    let (status, said) = pause(&studio, json!({ "scope": { "what": "engine", "name": COMFY }, "free": true })).await;
    assert_eq!((status, &said["free"]), (202, &json!(true)), "{said}");
    assert!(!fake.log().contains(&Logged::Free), "what runs is finished first");
    let (status, said) = pause(&studio, json!({ "scope": { "what": "project", "name": "x" }, "free": true })).await;
    assert_eq!((status, &said["code"]), (409, &json!("nothing_to_free")), "{said}");
    // It is asked for all the same when the studio was off in between.
    studio.stop().await;
    studio.start_again().await;
    // ComfyUI acts on it between two prompts.
    fake.until(|log| log.contains(&Logged::Free)).await;
    fake.hold(false);
    studio.handle.resume(Scope::Studio).await.unwrap();
    studio.handle.resume(Scope::Engine(COMFY.into())).await.unwrap();
    assert!(!end(&mut studio).await);
}

#[tokio::test]
async fn a_shots_picture_is_made_from_the_one_a_person_chose_and_no_longer_when_it_is_let_go() {
    const STILL: &str = "scene 1/shot 2/still";
    let fake = Fake::start(models()).await;
    let mut studio = open(&fake).await;
    let id = begin(&studio).await;
    assert!(!end(&mut studio).await);
    let task = studio.task(id, STILL).await;
    let first = task.outputs.unwrap().files[0].asset.clone();
    let from = |strength_percent| OverrideAction::From { asset: first.hash, strength_percent };
    studio.handle.hand(task.id, from(Some(40))).await.unwrap();
    assert!(!end(&mut studio).await, "{:?}", studio.tasks(id).await);
    let newest = studio.attempts(id, &format!("{STILL}/take 1")).await.pop().unwrap();
    let Order::Still(order) = &newest.order else { panic!("{newest:?}") };
    assert_eq!(order.source.as_ref(), Some(&first));
    assert!(newest.kind_of_work.as_ref().is_some_and(|kind| kind.starts_with("sd15_img2img/sd15/")), "{newest:?}");
    let upload = Logged::Upload(format!("studio/{}.{}", first.hash, first.ext));
    assert!(fake.log().contains(&upload), "{:?}", fake.log());
    let Some(Reported::Rendered { settings, .. }) = newest.outputs.unwrap().reported else { panic!() };
    assert_eq!(settings["denoise"], SlotValue::Float(0.4));
    // What it was is still known.
    let queued = fake.queued().len();
    studio.handle.hand(studio.task(id, STILL).await.id, OverrideAction::Release).await.unwrap();
    assert!(!end(&mut studio).await);
    assert_eq!(fake.queued().len(), queued, "nothing is rendered for that");
    assert_eq!(studio.task(id, STILL).await.outputs.unwrap().files[0].asset, first);
    // One of quite another shape goes whole, before a ground, so that nobody's head is cut off.
    let file = studio.context.data.work().join("tall.png");
    image::RgbImage::from_pixel(64, 192, image::Rgb([200, 90, 40])).save(&file).unwrap();
    let facts = MediaFacts::Still { size: Size { width: 64, height: 192 } };
    let tall = intake::kept(&studio.context, &file, &facts).await.unwrap();
    let uploads =
        |fake: &Fake| fake.log().into_iter().filter(|one| matches!(one, Logged::Upload(_))).collect::<Vec<_>>();
    let before = uploads(&fake).len();
    let from_tall = OverrideAction::From { asset: tall.hash, strength_percent: None };
    studio.handle.hand(studio.task(id, STILL).await.id, from_tall).await.unwrap();
    assert!(!end(&mut studio).await, "{:?}", studio.tasks(id).await);
    let sent = uploads(&fake).split_off(before);
    assert!(!sent.is_empty() && !sent.contains(&Logged::Upload(format!("studio/{}.png", tall.hash))), "{sent:?}");
    // Other parts have no source picture, and a strength is a share.
    let music = studio.task(id, "scene 1/music").await.id;
    let said = studio.handle.hand(music, from(None)).await.unwrap_err().to_string();
    assert!(said.contains("is no picture of a shot"), "{said}");
    for percent in [0, 101] {
        let still = studio.task(id, STILL).await.id;
        let said = studio.handle.hand(still, from(Some(percent))).await.unwrap_err().to_string();
        assert!(said.contains("1 to 100 percent"), "{said}");
    }
    fake.nothing_twice();
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_server_that_is_away_gives_every_wait_a_reason() {
    let mut fake = Fake::start(models()).await;
    let mut studio = open(&fake).await;
    fake.kill();
    studio.until(|happened| matches!(happened, StudioEvent::Engine { away: Some(_), .. })).await;
    let id = begin(&studio).await;
    studio.until_task("scene 1/music", |now| *now == TaskUpdate::Made).await;
    let task = studio.task(id, "scene 1/shot 1/clip/take 1").await;
    let why = studio.handle.why(task.id).await.unwrap().expect("it waits");
    let why = why.to_string();
    assert!(why.contains("comfy is not there") && why.contains("start ComfyUI"), "{why}");
    fake.restart().await;
    assert!(!end(&mut studio).await);
    accounted(&studio, &fake, id).await;
}

/// Faults at moments and of kinds that `seed` decides.
async fn storm(seed: u64) {
    let mut fake = Fake::start(models()).await;
    let mut studio = open(&fake).await;
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let id = begin(&studio).await;
    let mut ended = false;
    for round in 0..6 {
        let seen = fake.log().len();
        match draw(9) {
            0 => fake.fault(Fault::LoseAnswer),
            1 => fake.fault(Fault::Broken(1 + draw(4) as usize)),
            2 => fake.fault(Fault::OutOfMemory(1)),
            3 => fake.fault(Fault::Exception(1, "RuntimeError", "cuDNN error")),
            4 => fake.fault(Fault::CutDownload(1)),
            5 => fake.fault(Fault::Interrupted),
            6 => fake.fault(Fault::Deleted),
            7 => fake.drop_sockets(),
            _ => {
                fake.kill();
                fake.restart().await;
            }
        }
        if draw(4) == 0 {
            studio.power_cut().await;
            studio.start_again().await;
        }
        // Until something more was asked of the server, or nothing is left to ask.
        loop {
            let more = |happened: &StudioEvent| {
                matches!(
                    happened,
                    StudioEvent::Ended { .. }
                        | StudioEvent::Task {
                            now: TaskUpdate::Made | TaskUpdate::Requeued(_) | TaskUpdate::Failed(_),
                            ..
                        }
                )
            };
            match studio.until(more).await.last() {
                Some(StudioEvent::Ended { .. }) => ended = true,
                // After too many faults the server itself is left alone for a while.
                Some(StudioEvent::Task { now: TaskUpdate::Requeued(_) | TaskUpdate::Failed(_), .. }) => {
                    studio.later(600_000).await;
                }
                _ => {}
            }
            if ended || fake.log().len() > seen {
                break;
            }
        }
        if ended {
            break;
        }
        assert!(round < 6);
    }
    fake.mend();
    if !ended {
        end(&mut studio).await;
    }
    // Enough faults on one task may use up its attempts; asked for again, it is made.
    if let Some(slot) = studio.slots(id, TaskState::Failed).await.first() {
        studio.handle.retry(studio.task(id, slot).await.id).await.expect("it is made again");
        end(&mut studio).await;
    }
    assert_eq!(studio.slots(id, TaskState::Failed).await, Vec::<String>::new(), "seed {seed}");
    accounted(&studio, &fake, id).await;
}

#[tokio::test]
async fn faults_at_random_lose_and_double_nothing() {
    for seed in 1..=12 {
        storm(seed).await;
    }
}

#[test]
fn a_workflow_of_the_users_own_by_the_name_of_one_that_came_later_counts_for_its_model() {
    let definitions = Definitions::shipped();
    let (model, flows) = (&definitions.catalogue.models["sd15"], &definitions.workflows);
    let shipped = model.identity(flows);
    let later: Vec<String> = model.workflows.values().filter(|name| !shipped.contains(*name)).cloned().collect();
    let pictures = ["img2img_ipadapter", "img2img_lora", "img2img_lora_ipadapter"];
    let several = ["txt2img_ipadapter_2", "txt2img_ipadapter_3", "txt2img_ipadapter_4"];
    let known = pictures.into_iter().chain(several);
    assert_eq!(later, known.map(|name| format!("sd15_{name}")).collect::<Vec<_>>());
    for name in later {
        let mut own = flows.clone();
        let flow = own.get_mut(&name).unwrap();
        flow.graph.insert("999".into(), json!({ "class_type": "Note", "inputs": {} }));
        let identity = model.identity(&own);
        assert!(identity.contains(&format!("\"{name}\"")) && identity != shipped, "{identity}");
    }
}
