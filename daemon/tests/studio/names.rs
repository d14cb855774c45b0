//! Names: pictures come for a project without saying of whom they are. A vision model says who it is, or a person.

use serde_json::{Value, json};
use studio_core::{
    asset::AssetRef,
    character::Character,
    dataset::{Picture, PictureState, UnnamedPicture},
    ids::{CharacterId, ContentHash, PictureId, PortraitId, ProjectId},
    portrait::{Portrait, PortraitSource},
    project::{About, Project, Style},
    views::{PortraitOwner, PortraitView},
    workflow::SlotValue,
};
use studio_pictures::print;
use studiod::store;

use crate::{
    api::PATIENCE,
    bench::{JSON, ask, door, get},
    datasets::{Kept, mara, pictures},
    reviews::png,
    servers::ollama::Fault,
    sights::{World, answers, seen},
    studio::Studio,
};

/// The project of all characters here.
const PROJECT: u128 = 7;

fn path(what: &str) -> String {
    format!("/api/projects/{}/{what}", uuid::Uuid::from_u128(PROJECT))
}

/// What a vision model says that thinks it is this one, so sure of 10; of anything else that it saw nothing.
fn says(body: &Value, name: &str, confidence: u8) -> String {
    if body["format"]["properties"]["confidence"].is_null() {
        return seen(json!({}), &[]);
    }
    let text = body["messages"][0]["content"].as_str().unwrap();
    let line = text.lines().find(|line| line.contains(&format!("CHARACTER {name} ")));
    let who = line.map_or(name, |line| line.split([':', ' ']).next().unwrap());
    json!({ "who": who, "confidence": confidence, "seen": "the coat" }).to_string()
}

async fn send(door: &axum::Router, which: u32) -> Value {
    let answer = ask(door, "POST", &path(&format!("unnamed?name={which}.png")), &[], png(which)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body
}

async fn unnamed(door: &axum::Router) -> Vec<Value> {
    get(door, &path("unnamed?sort=oldest")).await.body["pictures"].as_array().unwrap().clone()
}

/// The list as soon as it fits.
async fn until(studio: &Studio, door: &axum::Router, fits: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut events = studio.context.events.listen();
    let mut last = Vec::new();
    let found = async {
        loop {
            last = unnamed(door).await;
            if fits(&last) {
                return;
            }
            let _ = events.recv().await.expect("it keeps telling");
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, found).await.is_ok();
    assert!(in_time, "it never came so far: {last:#?}");
    last
}

async fn name(door: &axum::Router, picture: &Value, to: CharacterId) -> crate::bench::Said {
    let path = format!("/api/unnamed/{}/name", picture.as_str().unwrap());
    ask(door, "PUT", &path, &[JSON], json!({ "character": to }).to_string()).await
}

#[tokio::test]
async fn who_is_surely_somebody_goes_into_their_dataset_and_is_judged_there() {
    let world = World::new().await;
    let (ben, mara) = (mara(&world.studio, "Ben").await, mara(&world.studio, "Mara").await);
    answers(&world.fake, |body| says(body, "Mara", 9));
    let kept = world.kept();
    let taken = send(&world.door, 1).await;
    assert_eq!((taken["added"].as_array().unwrap().len(), &taken["known"]), (1, &json!(0)), "{taken:#}");
    until(&world.studio, &world.door, <[Value]>::is_empty).await;
    world.at_rest(mara).await;
    let there = pictures(&world.studio, mara).await;
    assert_eq!((there.len(), there[0].state), (1, PictureState::Approved), "{:?}", there[0].verdict);
    assert_eq!(json!(there[0].id), taken["added"][0], "it is the same picture");
    assert!(pictures(&world.studio, ben).await.is_empty());
    assert_eq!(send(&world.door, 1).await["known"], 1, "the same file again changes nothing");
    kept.end().await;
    world.studio.assert_settled().await;
}

#[tokio::test]
async fn who_is_not_surely_anybody_waits_for_a_person() {
    let world = World::new().await;
    let (ben, mara) = (mara(&world.studio, "Ben").await, mara(&world.studio, "Mara").await);
    let kept = world.kept();
    for (which, (who, confidence)) in [("Mara", 7), ("nobody", 10), ("Luigi", 10)].into_iter().enumerate() {
        answers(&world.fake, move |body| says(body, who, confidence));
        send(&world.door, which as u32).await;
        until(&world.studio, &world.door, |all| {
            all.len() == which + 1 && all.iter().all(|one| one["identity"].is_object())
        })
        .await;
    }
    let all = unnamed(&world.door).await;
    let of = |at: usize| (&all[at]["identity"]["character"], &all[at]["identity"]["confidence"]);
    assert_eq!(of(0), (&json!(mara), &json!(0.7)), "said, and not sure enough");
    assert_eq!(of(1), (&Value::Null, &json!(1.0)));
    assert_eq!(of(2), (&Value::Null, &Value::Null), "nobody of this project: no answer");
    assert!(all[2]["identity"]["reason"].as_str().unwrap().contains("c1 to c2"), "{}", all[2]);
    // A person says who it is; it goes the way of every picture.
    let named = name(&world.door, &all[1]["id"], ben).await;
    assert_eq!((named.status, &named.body["state"]), (200, &json!("pending")), "{}", named.body);
    world.at_rest(ben).await;
    assert_eq!(pictures(&world.studio, ben).await[0].state, PictureState::Approved);
    let again = name(&world.door, &all[1]["id"], ben).await;
    assert_eq!(again.status, 404, "it has a name: {}", again.body);
    // Asked once more, the model is sure.
    answers(&world.fake, |body| says(body, "Mara", 10));
    let path = format!("/api/unnamed/{}/identify", all[2]["id"].as_str().unwrap());
    assert_eq!(ask(&world.door, "POST", &path, &[], "").await.status, 202);
    until(&world.studio, &world.door, |all| all.len() == 1).await;
    world.at_rest(mara).await;
    assert_eq!(pictures(&world.studio, mara).await.len(), 1);
    // And one is taken out.
    let path = format!("/api/unnamed/{}", all[0]["id"].as_str().unwrap());
    assert_eq!(ask(&world.door, "DELETE", &path, &[], "").await.status, 204);
    assert!(unnamed(&world.door).await.is_empty());
    kept.end().await;
    world.studio.assert_settled().await;
}

#[tokio::test]
async fn while_the_judge_is_away_they_wait_and_whom_a_person_names_meanwhile_stays_so() {
    let mut world = World::new().await;
    let (ben, mara) = (mara(&world.studio, "Ben").await, mara(&world.studio, "Mara").await);
    answers(&world.fake, |body| says(body, "Mara", 9));
    world.fake.fault(Fault::Broken);
    world.until(true).await;
    let kept = world.kept();
    let (first, second) = (send(&world.door, 1).await, send(&world.door, 2).await);
    let named = name(&world.door, &first["added"][0], ben).await;
    assert_eq!(named.status, 200, "{}", named.body);
    assert_eq!(unnamed(&world.door).await[0]["id"], second["added"][0]);
    world.fake.well();
    until(&world.studio, &world.door, <[Value]>::is_empty).await;
    for of in [ben, mara] {
        world.at_rest(of).await;
        assert_eq!(pictures(&world.studio, of).await.len(), 1);
    }
    kept.end().await;
    world.studio.assert_settled().await;
}

#[tokio::test]
async fn a_restart_in_between_goes_on_and_names_each_once() {
    let mut world = World::new().await;
    let mara = mara(&world.studio, "Mara").await;
    answers(&world.fake, |body| says(body, "Mara", 9));
    world.fake.fault(Fault::Broken);
    world.until(true).await;
    let kept = world.kept();
    for which in 0..3 {
        send(&world.door, which).await;
    }
    let (db, project) = (world.studio.context.db.clone(), ProjectId(uuid::Uuid::from_u128(PROJECT)));
    let asked = async {
        while !studiod::store::unnamed_pictures::unasked(&db, project, 9).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("all are asked about");
    kept.cut().await;
    world.studio.power_cut().await;
    world.fake.well();
    world.studio.start_again().await;
    world.door = crate::bench::door_with(&world.studio, world.datasets());
    let kept = world.kept();
    until(&world.studio, &world.door, <[Value]>::is_empty).await;
    world.at_rest(mara).await;
    let there = pictures(&world.studio, mara).await;
    assert!(there.len() == 3 && there.iter().all(|one| one.state == PictureState::Approved), "{there:?}");
    kept.end().await;
    world.studio.assert_settled().await;
}

#[tokio::test]
async fn without_a_vision_model_a_person_says_who_it_is() {
    let studio = crate::datasets::studio().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let kept = crate::datasets::Kept::begin(&studio);
    let taken = send(&door, 1).await;
    let path_of = |what: &str| format!("/api/unnamed/{}/{what}", taken["added"][0].as_str().unwrap());
    let refused = ask(&door, "POST", &path_of("identify"), &[], "").await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("no_eyes")), "{}", refused.body);
    assert!(refused.body["detail"].as_str().unwrap().contains("ollama.vision"), "{}", refused.body);
    let nobody = name(&door, &taken["added"][0], CharacterId(uuid::Uuid::from_u128(99))).await;
    assert_eq!(nobody.status, 404, "{}", nobody.body);
    let junk = ask(&door, "POST", &path("unnamed"), &[], "no picture").await;
    assert_eq!((junk.status, &junk.body["code"]), (415, &json!("wrong_kind")), "{}", junk.body);
    let file = studiod::store::unnamed_pictures::in_use(&studio.context.db).await.unwrap();
    assert_eq!(file.len(), 1, "its file is kept while nobody has named it");
    let named = name(&door, &taken["added"][0], mara).await;
    assert_eq!(named.status, 200, "{}", named.body);
    crate::datasets::at_rest(&studio, &door, mara, "off").await;
    let there = pictures(&studio, mara).await;
    assert_eq!((there[0].id, there[0].verdict.is_some()), (first_of(&taken), true), "judged like any");
    kept.end().await;
    studio.assert_settled().await;
}

#[tokio::test]
async fn asked_once_more_the_judge_looks_anew() {
    let world = World::new().await;
    mara(&world.studio, "Mara").await;
    let kept = world.kept();
    answers(&world.fake, |body| says(body, "Mara", 7));
    send(&world.door, 1).await;
    let known = |all: &[Value]| all.len() == 1 && all[0]["identity"].is_object();
    let all = until(&world.studio, &world.door, known).await;
    assert_eq!(all[0]["identity"]["confidence"], 0.7);
    let path = format!("/api/unnamed/{}/identify", all[0]["id"].as_str().unwrap());
    for confidence in [5, 6] {
        answers(&world.fake, move |body| says(body, "Mara", confidence));
        assert_eq!(ask(&world.door, "POST", &path, &[], "").await.status, 202);
        let all = until(&world.studio, &world.door, known).await;
        assert_eq!(all[0]["identity"]["confidence"], f64::from(confidence) / 10.0, "no answer of before");
    }
    kept.end().await;
    world.studio.assert_settled().await;
}

/// A portrait nobody has judged.
fn portrait(number: u128, owner: CharacterId, file: AssetRef, like: &Picture) -> Portrait {
    Portrait {
        id: PortraitId(uuid::Uuid::from_u128(number)),
        owner: PortraitOwner::Character(owner),
        view: PortraitView::Face,
        file,
        size: like.size,
        state: PictureState::Pending,
        source: PortraitSource::Generated,
        made: None,
        verdict: None,
        decision: None,
        created: like.created,
    }
}

/// Thirty pictures without a name in each of these projects, and thirty portraits and pictures of somebody, all with ids before
/// those of anything that comes.
async fn thirty(tx: &mut store::Tx<'_>, projects: [ProjectId; 2], of: CharacterId, like: &Picture) {
    for number in 0..30u128 {
        let file = AssetRef { hash: ContentHash::of(&number.to_be_bytes()), ext: "png".into() };
        for (at, project_id) in (0..).zip(projects) {
            let unnamed = UnnamedPicture {
                id: PictureId(uuid::Uuid::from_u128(100 + number * 2 + at)),
                project_id,
                file: file.clone(),
                size: like.size,
                source: like.source.clone(),
                made: None,
                caption: None,
                identity: None,
                created: like.created,
            };
            assert!(store::unnamed_pictures::insert(tx, &unnamed).await.unwrap());
        }
        let id = PictureId(uuid::Uuid::from_u128(200 + number));
        let print = Some(print::unreadable(file.hash));
        let own = Picture { id, character_id: of, file: file.clone(), print, ..like.clone() };
        assert!(store::dataset_pictures::insert(tx, &own).await.unwrap());
        assert!(store::portraits::insert(tx, &portrait(300 + number, of, file, like)).await.unwrap());
    }
}

/// A project whose style no model of the settings takes, with somebody in it, and one without anybody.
async fn two_more(tx: &mut store::Tx<'_>, db: &store::Db, like: CharacterId) -> ([ProjectId; 2], CharacterId) {
    let project = store::projects::get(db, ProjectId(uuid::Uuid::from_u128(PROJECT))).await.unwrap();
    let other = |number: u128, slug: &str| Project {
        id: ProjectId(uuid::Uuid::from_u128(number)),
        slug: slug.into(),
        title: slug.into(),
        ..project.clone()
    };
    let (broken, empty) = (other(8, "broken"), other(9, "empty"));
    let somebody = store::characters::get(db, like).await.unwrap();
    let luigi = Character { id: CharacterId(uuid::Uuid::from_u128(80)), project_id: broken.id, ..somebody };
    let models = [("no_such_model".to_owned(), [("steps".to_owned(), SlotValue::Int(9))].into())].into();
    let style = Style { name: "ink".into(), models, ..Style::default() };
    let about = About { style: "ink".into(), styles: vec![style], ..About::default() };
    for one in [&broken, &empty] {
        store::projects::upsert(tx, one).await.unwrap();
    }
    store::projects::set_about(tx, broken.id, "broken", 2026, &about).await.unwrap();
    store::characters::upsert(tx, &luigi).await.unwrap();
    ([broken.id, empty.id], luigi.id)
}

#[tokio::test]
async fn what_cannot_be_worked_on_holds_up_no_other_project() {
    let world = World::new().await;
    let (studio, db) = (&world.studio, world.studio.context.db.clone());
    let mara = mara(studio, "Mara").await;
    answers(&world.fake, |body| says(body, "Mara", 9));
    // What can be worked on, and in front of it thirty of each kind that cannot.
    send(&world.door, 1).await;
    let path = format!("/api/characters/{mara}/dataset/pictures?name=2.png");
    assert_eq!(ask(&world.door, "POST", &path, &[], png(2)).await.status, 201);
    let sample = pictures(studio, mara).await.remove(0);
    let mut tx = db.begin().await.unwrap();
    let (projects, luigi) = two_more(&mut tx, &db, mara).await;
    thirty(&mut tx, projects, luigi, &sample).await;
    let waits = portrait(400, mara, sample.file.clone(), &sample);
    assert!(store::portraits::insert(&mut tx, &waits).await.unwrap());
    tx.commit().await.unwrap();
    let settings = json!({
        "ollama": { "url": world.fake.served.url(), "vision": "gemma3:12b" },
        "comfy": [{ "name": "nvidia0", "url": "http://127.0.0.1:9" }], "models": { "stills": "sd15" },
    });
    let mut events = studio.context.events.listen();
    let kept = Kept::by(crate::datasets::with(studio, serde_json::from_value(settings).unwrap()));
    until(studio, &world.door, <[Value]>::is_empty).await;
    world.at_rest(mara).await;
    assert_eq!(pictures(studio, mara).await.len(), 2);
    let judged = async {
        while store::portraits::get(&db, waits.id).await.unwrap().verdict.is_none() {
            let _ = events.recv().await.expect("it keeps telling");
        }
    };
    tokio::time::timeout(PATIENCE, judged).await.expect("it is judged");
    for project in projects {
        assert_eq!(store::unnamed_pictures::of_project(&db, project).await.unwrap().len(), 30);
    }
    assert!(pictures(studio, luigi).await.iter().all(|one| one.verdict.is_none()));
    kept.end().await;
}

fn first_of(taken: &Value) -> PictureId {
    taken["added"][0].as_str().unwrap().parse().unwrap()
}
