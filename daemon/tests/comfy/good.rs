//! What goes well: pictures, clips, progress, previews, several servers, other people's prompts.

use std::collections::BTreeMap;

use studio_core::{
    ladder::Rung,
    media::MediaFacts,
    order::{MusicOrder, Order, Recipe, Reported, Role},
    units::{Samples, Seed},
    workflow::{SlotValue, Workflow},
};
use studio_engine::{Artifact, Engine, Means, Progress, Said};
use tokio_util::sync::CancellationToken;

use super::{
    World, clip, engine,
    fake::{Comfy as Fake, Fault, Logged},
    file, hash, pace, still,
};

#[tokio::test]
async fn a_picture_is_made_under_the_attempts_own_id_and_progress_is_honest() {
    let world = World::new().await;
    let (room, order, stop) = (world.room(), still(7), CancellationToken::new());
    world.fake.hold_at_end(true);
    let preview = world.until_heard(|said| matches!(said, Said::Preview(preview) if preview.mime == "image/jpeg"));
    let (made, ()) = tokio::join!(world.make_in(&order, &room, &stop), preview);
    let made = made.unwrap();
    assert_eq!(world.fake.queued(), [room.attempt.to_string()]);
    assert!(matches!(made[0], Artifact::File { role: Role::Picture, facts: MediaFacts::Still { .. }, .. }));
    assert!(matches!(&made[1], Artifact::On { card, server } if card == "0000:00:00.0" && server == "card0"));
    assert!(file(&made).starts_with(&room.dir));

    let heard = world.heard.borrow();
    let shares: Vec<f64> =
        heard.iter().filter_map(|said| if let Said::Doing(doing) = said { Some(doing.done) } else { None }).collect();
    assert!(shares.is_sorted(), "{shares:?}");
    assert!((shares.last().unwrap() - 1.0).abs() < f64::EPSILON);
    assert!(heard.iter().any(|said| matches!(said, Said::Doing(doing) if doing.what.contains("step"))), "{heard:?}");
}

#[tokio::test]
async fn music_comes_home_in_the_studios_own_form() {
    let world = World::new().await;
    for model in ["ace_step", "ace_step_15"] {
        let order = Order::Music(MusicOrder {
            mood: "tense".into(),
            tempo_bpm: Some(90),
            at_least: Samples(48_000 * 12),
            seed: Seed(7),
            caption: Some("cinematic orchestral, tense".into()),
            recipe: Some(Recipe { model: model.into(), ..Recipe::default() }),
        });
        let made = world.make(&order).await.unwrap();
        let Artifact::File { role: Role::Sound, facts: MediaFacts::Sound { samples, rate: 48_000, channels: 2 }, path } =
            &made[0]
        else {
            panic!("{made:?}")
        };
        assert!(samples.0.abs_diff(48_000 * 12) < 480, "{samples}");
        assert_eq!(path.extension().unwrap(), "wav");
        let rendered = |made: &Artifact| match made {
            Artifact::Finding(Reported::Rendered { model, settings }) => Some((model.clone(), settings.clone())),
            _ => None,
        };
        let (by, settings) = made.iter().find_map(rendered).expect("it says what it was made with");
        assert_eq!((by.as_str(), &settings["seed"]), (model, &SlotValue::Int(7)));
    }
    world.fake.nothing_twice();
}

#[tokio::test]
async fn polling_alone_is_enough() {
    for fault in [Fault::NoSockets, Fault::Deaf] {
        let world = World::new().await;
        world.fake.fault(fault.clone());
        if fault == Fault::NoSockets {
            world.fake.drop_sockets();
        }
        world.make(&still(7)).await.unwrap();
        world.make(&clip("wan", None, 24)).await.unwrap();
        world.fake.nothing_twice();
        assert_eq!(world.fake.rendered(), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn framepack_counts_its_sections_and_starts_from_an_uploaded_picture() {
    let world = World::new().await;
    let source = world.picture();
    let order = clip("framepack", Some(source.clone()), 48);
    world.fake.hold_at_end(true);
    let second = world.until_heard(|said| matches!(said, Said::Doing(doing) if doing.what.contains("section 2 of 2")));
    let (made, ()) = tokio::join!(world.make(&order), second);
    let made = made.unwrap();
    let Artifact::File { role: Role::Video, facts: MediaFacts::Video { frames, fps, .. }, .. } = &made[0] else {
        panic!("{made:?}")
    };
    // 48 frames at 24 are 60 at FramePack's 30: two sections of 36 and one.
    assert_eq!((frames.0, fps.as_f64()), (73, 30.0));
    let name = format!("studio/{}.png", source.hash);
    assert!(world.fake.log().contains(&Logged::Upload(name)), "{:?}", world.fake.log());
    let heard = world.heard.borrow();
    let shares: Vec<f64> =
        heard.iter().filter_map(|said| if let Said::Doing(doing) = said { Some(doing.done) } else { None }).collect();
    assert!(shares.is_sorted(), "{shares:?}");
}

#[tokio::test]
async fn an_equal_graph_is_made_again_though_its_old_file_is_gone() {
    let world = World::new().await;
    let first = hash(&world.make(&still(7)).await.unwrap());
    world.fake.delete_outputs();
    let second = hash(&world.make(&still(7)).await.unwrap());
    assert_eq!(first, second, "the same seed is the same picture");
    assert_ne!(hash(&world.make(&still(8)).await.unwrap()), first);
}

#[tokio::test]
async fn a_clip_in_two_parts_is_chained_and_joined() {
    let world = World::new().await;
    let room = studio_engine::Workspace { relief: vec![Rung::FewerFrames], ..world.room() };
    let order = clip("ltx", Some(world.picture()), 96);
    let made = world.make_in(&order, &room, &CancellationToken::new()).await.unwrap();
    let Artifact::File { facts: MediaFacts::Video { frames, .. }, .. } = &made[0] else { panic!("{made:?}") };
    assert_eq!(frames.0, 2 * 49, "each part has 8n+1 frames for half of 96");
    assert_eq!(world.fake.queued().len(), 2);
    let uploads = world.fake.log().iter().filter(|logged| matches!(logged, Logged::Upload(_))).count();
    assert_eq!(uploads, 2, "the second part starts from the last picture of the first");
}

#[tokio::test]
async fn other_peoples_prompts_are_waited_for_and_never_touched() {
    let world = World::new().await;
    world.fake.hold(true);
    let foreign = world.fake.foreign();
    world.fake.until(|log| log.contains(&Logged::Ran(foreign.clone()))).await;
    let stop = CancellationToken::new();
    let (room, order) = (world.room(), still(7));
    let ours = world.make_in(&order, &room, &stop);
    let then = async {
        world.fake.until(|log| log.iter().any(|logged| matches!(logged, Logged::Queued(_)))).await;
        // Given up while the other one runs.
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(ours, then);
    assert_eq!(ended.unwrap_err().kind, studio_engine::FailureKind::Cancelled);
    world.fake.hold(false);
    world.make(&still(8)).await.unwrap();
    assert!(world.fake.log().contains(&Logged::Ended(foreign.clone(), "success")));
    assert!(!world.fake.log().contains(&Logged::Cancel(foreign)));
}

#[tokio::test]
async fn two_servers_share_the_work_and_each_has_its_card() {
    let world = World::new().await;
    let models = super::all_models(&studiod::definitions::Definitions::shipped());
    let other = Fake::start(models).await;
    let both = engine(&[&world.fake, &other], pace());
    let mut offer = both.offer().unwrap();
    offer.wait_for(|now| now.slots() == 4).await.unwrap();
    world.fake.hold(true);
    other.hold(true);
    let world = World { engine: both, ..world };
    let orders: Vec<_> = (1..=4).map(still).collect();
    let all = async { futures_util::future::join_all(orders.iter().map(|order| world.make(order))).await };
    let then = async {
        for fake in [&world.fake, &other] {
            // One runs and one waits behind it, so that the card has no gap.
            fake.until(|log| log.iter().filter(|logged| matches!(logged, Logged::Queued(_))).count() == 2).await;
            fake.hold(false);
        }
    };
    let (made, ()) = tokio::join!(all, then);
    let cards: Vec<String> = made
        .iter()
        .flat_map(|made| made.as_ref().unwrap())
        .filter_map(|made| if let Artifact::On { card, .. } = made { Some(card.clone()) } else { None })
        .collect();
    assert_eq!(cards.iter().filter(|card| *card == "0000:00:00.0").count(), 2, "{cards:?}");
}

#[tokio::test]
async fn a_preview_of_30_mb_is_taken() {
    let world = World::new().await;
    world.fake.fault(Fault::LargePreview(30 << 20));
    world.fake.hold_at_end(true);
    let order = still(7);
    let large = world.until_heard(|said| matches!(said, Said::Preview(preview) if preview.bytes.len() == 30 << 20));
    let (made, ()) = tokio::join!(world.make(&order), large);
    made.unwrap();
}

#[tokio::test]
async fn a_users_workflow_that_saves_with_vhs_is_found_under_gifs() {
    let graph = serde_json::json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 9, "color": 7}},
        "9": {"class_type": "VHS_VideoCombine", "inputs": {"images": ["1", 0], "frame_rate": 24.0, "loop_count": 0,
            "filename_prefix": "x", "format": "video/h264-mp4", "pingpong": false, "save_output": true}},
    });
    let about = "title = \"own\"\ndoes = [\"t2v\"]\n[[outputs]]\nnode = \"9\"\nkind = \"video\"\n\
                 [slots.prefix]\nto = [\"9.filename_prefix\"]\nkind = \"text\"\nrequired = true\n";
    let flow = Workflow::new("own", graph, toml::from_str(about).unwrap()).unwrap();
    let world = World::new().await;
    let (nothing, none, stop) = (BTreeMap::new(), BTreeMap::new(), CancellationToken::new());
    let (room, quiet) = (world.room(), Progress::noop());
    let made = world
        .engine
        .run_workflow(&flow, &nothing, &none, Means { room: &room, progress: &quiet, stop: &stop })
        .await
        .unwrap();
    assert!(matches!(made[0], Artifact::File { role: Role::Video, .. }), "{made:?}");
}

#[tokio::test]
async fn no_request_has_an_origin_which_comfyui_refuses() {
    let world = World::new().await;
    let url = format!("{}/queue", world.fake.url());
    let foreign = reqwest::Client::new().get(&url).header("origin", "http://localhost:8188").send().await.unwrap();
    assert_eq!(foreign.status(), 403, "the server does refuse one");
    world.make(&still(7)).await.expect("and none of ours is");
}
