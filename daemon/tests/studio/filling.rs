//! Filling: what keeps it going, what stops it, and what is left of those who go meanwhile.

use serde_json::json;
use studio_core::{
    dataset::{Event, PictureState, Wait},
    order::Order,
    units::Millis,
};
use studio_engine::asset_path;
use studiod::{config::Config, store};

use crate::{
    api::PATIENCE,
    bench::{JSON, ask, door, door_with, get},
    datasets::{Kept, at_rest, count, fill, mara, pictures, quick, studio, with},
    engines::Act,
    reviews::png,
};

#[tokio::test]
async fn a_clock_that_is_set_back_lets_rejections_pause_it_all_the_same() {
    let studio = studio().await;
    studio.stage.rule(|asked| match asked.order {
        Order::Review(_) => Act::Score(Some(20)),
        _ => Act::Make,
    });
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    studio.clock().advance(2 * 3_600_000);
    fill(&studio, mara, quick(20)).await;
    let answer = ask(&door, "POST", &format!("/api/characters/{mara}/dataset/resume"), &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let since = store::datasets::get(&studio.context.db, mara).await.unwrap().since;
    studio.clock().advance(-3_600_000);
    let kept = Kept::begin(&studio);
    let view = at_rest(&studio, &door, mara, "paused").await;
    assert_eq!(view["dataset"]["paused"]["why"], "rejections", "{view:#}");
    let decided: Vec<Millis> =
        pictures(&studio, mara).await.iter().filter_map(|one| Some(one.decision.as_ref()?.at)).collect();
    assert!(decided.len() >= 5 && decided.iter().all(|at| *at >= since), "{decided:?}, since {since:?}");
    kept.end().await;
    studio.assert_settled().await;
}

#[tokio::test]
async fn pictures_that_somebody_wants_show_what_they_want_and_nothing_that_does_not_go_with_it() {
    let studio = studio().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let kept = Kept::begin(&studio);
    let path = format!("/api/characters/{mara}/dataset/generate");
    let wanted = json!({ "pictures": 4, "cell": { "angle": "back" } }).to_string();
    let answer = ask(&door, "POST", &path, &[JSON], wanted).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let view = at_rest(&studio, &door, mara, "off").await;
    let asked = store::datasets::asked(&studio.context.db, mara, Millis(0)).await.unwrap();
    assert_eq!(asked.len(), 4);
    for one in &asked {
        let made = &one.request.made;
        assert_eq!((made.asked["angle"].as_str(), made.asked.get("expression")), ("back", None), "{:?}", made.asked);
        assert_eq!(made.tried.why, None, "what was missing elsewhere is no reason");
        assert!(made.prompt.contains("from behind"), "{}", made.prompt);
    }
    let tallies = view["coverage"].as_array().unwrap();
    let faces = tallies.iter().filter(|one| one["axis"] == "expression");
    assert!(faces.clone().count() > 0 && faces.clone().all(|one| one["have"] == 0), "{tallies:#?}");
    kept.end().await;
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_was_learned_is_shown_with_what_it_changes() {
    let studio = studio().await;
    let mara = mara(&studio, "Mara").await;
    let path = format!("/api/characters/{mara}/dataset");
    let view = get(&door(&studio), &path).await.body;
    let repairs = view["repairs"].as_array().unwrap();
    let of = |name: &str| repairs.iter().find(|one| one["repair"] == name).unwrap();
    let turned = json!({ "turn": "by", "weight": 0.15 });
    assert_eq!((&of("likeness")["change"]["reference"], &of("likeness")["change"]["lora"]), (&turned, &turned));
    assert_eq!(of("quality")["change"]["steps"], 10);
    assert_eq!(of("quality")["change"]["reference"], json!({ "turn": "leave" }));
    assert_eq!((&of("resolution")["size"], &of("resolution")["stress"]), (&json!(1.2), &json!([])));
    assert_eq!(of("pose")["stress_axes"], json!(["angle", "pose"]));
    assert_eq!(of("solo")["stress"], json!(["solo", "single character"]));
    assert_eq!(view["films"], json!(null), "nothing can be turned on a draft");
    let settings = "[models]\nstills = \"sd15\"\n[[comfy]]\nname = \"nvidia0\"\nurl = \"http://127.0.0.1:9\"\n";
    let by_model = door_with(&studio, with(&studio, toml::from_str(settings).unwrap()));
    let films = get(&by_model, &path).await.body["films"].clone();
    assert_eq!(films, json!({ "what": "not_enough", "results": 0, "least": 10 }));
}

#[tokio::test]
async fn a_full_disk_stops_it_until_there_is_room() {
    let studio = studio().await;
    let mara = mara(&studio, "Mara").await;
    fill(&studio, mara, quick(8)).await;
    let keeping = |keep_free_gib: u32| {
        let datasets = studiod::config::Datasets { keep_free_gib, ..studiod::config::Datasets::default() };
        with(&studio, Config { datasets, ..Config::default() })
    };
    let full = keeping(u32::MAX);
    assert_eq!(full.look_after_all(Event::Started).await.unwrap(), None, "time alone changes nothing");
    let now = full.now(store::datasets::get(&studio.context.db, mara).await.unwrap()).await.unwrap();
    assert_eq!((full.waits(&now).await.unwrap(), now.requests.len()), (Some(Wait::Disk), 0));
    let kept = Kept::by(keeping(0));
    let view = at_rest(&studio, &door(&studio), mara, "at_target").await;
    assert_eq!(view["counts"]["approved"], 8, "{view:#}");
    kept.end().await;
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_picture_that_two_share_is_decided_for_each_and_its_file_stays_for_the_other() {
    let studio = studio().await;
    let (door, db) = (door(&studio), &studio.context.db);
    let both = [mara(&studio, "Mara").await, mara(&studio, "Ben").await];
    for (one, good) in both.into_iter().zip([true, false]) {
        let path = format!("/api/characters/{one}/dataset/pictures?name=both.png");
        let answer = ask(&door, "POST", &path, &[], png(1)).await;
        assert_eq!((answer.status, &answer.body["known"]), (201, &json!(0)), "{}", answer.body);
        let picture = pictures(&studio, one).await[0].id;
        let path = format!("/api/pictures/{picture}/decision");
        assert_eq!(ask(&door, "PUT", &path, &[JSON], json!({ "good": good }).to_string()).await.status, 200);
    }
    let of = async |at: usize| pictures(&studio, both[at]).await.into_iter().next();
    let (hers, his) = (of(0).await.unwrap(), of(1).await.unwrap());
    assert_eq!(hers.file, his.file, "kept once");
    assert_ne!(hers.id, his.id);
    assert_eq!((hers.state, his.state), (PictureState::Approved, PictureState::Rejected));
    let file = asset_path(&studio.context.data.assets(), &hers.file);
    let tidied = async || {
        studio.clock().advance(86_400_000);
        studio.tidy(false).await.unwrap();
        file.exists()
    };
    assert!(tidied().await, "what he does not want she does");
    assert_eq!(ask(&door, "DELETE", &format!("/api/pictures/{}", his.id), &[], "").await.status, 204);
    assert!(tidied().await, "taken out of his alone");
    let states = (of(0).await.map(|one| one.state), of(1).await.map(|one| one.state));
    assert_eq!(states, (Some(PictureState::Approved), None));
    assert!(!store::assets::get(db, hers.file.hash).await.unwrap().unwrap().missing);
    assert_eq!(ask(&door, "DELETE", &format!("/api/pictures/{}", hers.id), &[], "").await.status, 204);
    assert!(!tidied().await, "nobody has it any more");
    studio.assert_settled().await;
}

#[tokio::test]
async fn nothing_is_left_of_a_dataset_whose_project_is_removed_while_it_fills() {
    let studio = studio().await;
    studio.stage.rule(|asked| match asked.order {
        Order::Review(_) => Act::Hang,
        _ => Act::Make,
    });
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    fill(&studio, mara, quick(8)).await;
    let kept = Kept::begin(&studio);
    let mut events = studio.context.events.listen();
    let made = async {
        while count(&pictures(&studio, mara).await, PictureState::Pending) < 2 {
            events.recv().await.expect("it keeps telling");
        }
    };
    tokio::time::timeout(PATIENCE, made).await.expect("in time");
    let project = store::characters::get(&studio.context.db, mara).await.unwrap().project_id;
    let gone = ask(&door, "DELETE", &format!("/api/projects/{project}"), &[], "").await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    let mut events = studio.context.events.listen();
    studio.stage.release();
    let over = async {
        while !store::attempts::running(&studio.context.db).await.unwrap().is_empty() {
            // Nobody is told of what ends in vain.
            let _ = tokio::time::timeout(std::time::Duration::from_millis(5), events.recv()).await;
        }
    };
    tokio::time::timeout(PATIENCE, over).await.expect("in time");
    assert_eq!(get(&door, &format!("/api/characters/{mara}/dataset")).await.status, 404);
    assert!(pictures(&studio, mara).await.is_empty());
    assert!(store::datasets::open_requests(&studio.context.db).await.unwrap().is_empty(), "nothing more is asked for");
    kept.end().await;
    studio.assert_settled().await;
}
