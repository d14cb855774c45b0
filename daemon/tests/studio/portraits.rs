//! Reference sheets: made, judged, refined, sent, approved, and what films get of them.

use std::{collections::BTreeSet, sync::Arc};

use axum::Router;
use futures_util::future::join_all;
use serde_json::{Value, json};
use studio_core::{
    character::{Appearance, Sheet},
    dataset::PictureState,
    ids::{CharacterId, ContentHash, TaskId},
    order::Order,
    portrait::{Portrait, PortraitSource},
    project::{About, Style},
    units::Millis,
    views::{PortraitOwner, PortraitView},
    workflow::SlotValue,
};
use studio_draft::stills::Stills;
use studiod::{
    app::{datasets::Datasets, producing},
    conductor::Seat,
    config::Config,
    engines::comfy::COMFY,
    events::StudioEvent,
    store,
};

use crate::{
    api::PATIENCE,
    bench::{JSON, ask, door, door_with, get},
    comfy::{fake::Comfy as Fake, models, seat},
    datasets::{Kept, mara, studio, with},
    engines::Act,
    plans::TWO_ROOMS,
    studio::Studio,
};

async fn portraits(studio: &Studio, owner: PortraitOwner) -> Vec<Portrait> {
    store::portraits::of_owner(&studio.context.db, owner).await.unwrap()
}

async fn references(studio: &Studio, id: CharacterId) -> Vec<ContentHash> {
    let sheet = store::characters::sheet(&studio.context.db, id).await.unwrap();
    sheet.references.iter().map(|one| one.hash).collect()
}

/// The sheet as soon as nothing more happens to it by itself.
async fn at_rest(studio: &Studio, door: &Router, of: &str) -> Value {
    let mut events = studio.context.events.listen();
    let mut last = Value::Null;
    let rest = async {
        loop {
            last = get(door, &format!("/api/{of}/portraits")).await.body;
            if last["counts"]["in_flight"] == 0 && last["counts"]["unjudged"] == 0 {
                return;
            }
            while !matches!(events.recv().await.expect("it keeps telling"), StudioEvent::Portraits { .. }) {}
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, rest).await.is_ok();
    assert!(in_time, "it never came to rest: {last:#}");
    last
}

async fn post(door: &Router, path: &str, body: Value) -> crate::bench::Said {
    ask(door, "POST", path, &[JSON], body.to_string()).await
}

async fn decide(door: &Router, id: impl std::fmt::Display, good: bool, note: &str) -> Value {
    let body = json!({ "good": good, "note": note }).to_string();
    let said = ask(door, "PUT", &format!("/api/portraits/{id}/decision"), &[JSON], body).await;
    assert_eq!(said.status, 200, "{}", said.body);
    said.body
}

fn of_view(all: &[Portrait], view: PortraitView) -> Vec<&Portrait> {
    all.iter().filter(|one| one.view == view).collect()
}

#[tokio::test]
async fn a_sheet_is_made_approved_refined_and_undone() {
    let studio = studio().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let (owner, of) = (PortraitOwner::Character(mara), format!("characters/{mara}"));
    let kept = Kept::begin(&studio);
    let empty = at_rest(&studio, &door, &of).await;
    assert_eq!((&empty["name"], &empty["portraits"]), (&json!("Mara"), &json!([])), "{empty:#}");
    let asked = post(&door, &format!("/api/{of}/portraits"), json!({})).await;
    assert_eq!((asked.status, &asked.body["portraits"]), (202, &json!(9)), "{}", asked.body);
    at_rest(&studio, &door, &of).await;
    let all = portraits(&studio, owner).await;
    let views: BTreeSet<_> = all.iter().map(|one| one.view).collect();
    assert_eq!((all.len(), views.len()), (9, 9), "each view once");
    for one in &all {
        assert_eq!((one.size.width, one.size.height), (180, 320), "{}", one.view);
        assert!(one.verdict.is_some() && one.state == PictureState::Pending, "who has no eyes leaves it to a person");
        let made = one.made.as_ref().unwrap();
        assert!(made.seed.is_some() && made.prompt == one.view.prompt(), "{made:?}");
    }
    assert!(references(&studio, mara).await.is_empty());
    // The face first: the whole figure goes before it all the same.
    let (face, body) = (of_view(&all, PortraitView::Face)[0], of_view(&all, PortraitView::FullBody)[0]);
    let said = decide(&door, face.id, true, "").await;
    assert_eq!((&said["state"], &said["decision"]["by"]), (&json!("approved"), &json!("person")));
    decide(&door, body.id, true, "").await;
    assert_eq!(references(&studio, mara).await, [body.file.hash, face.file.hash]);
    // Again: another seed, another picture; the old one stays.
    let again = post(&door, &format!("/api/portraits/{}/again", body.id), json!({})).await;
    assert_eq!(again.status, 202, "{}", again.body);
    at_rest(&studio, &door, &of).await;
    let all = portraits(&studio, owner).await;
    let bodies = of_view(&all, PortraitView::FullBody);
    assert_eq!(bodies.len(), 2);
    assert_ne!(bodies[0].made.as_ref().unwrap().seed, bodies[1].made.as_ref().unwrap().seed);
    // Refined by words.
    let path = format!("/api/portraits/{}/refine", body.id);
    let refined = post(&door, &path, json!({ "words": "older,  grey hair", "strength_percent": 40 })).await;
    assert_eq!(refined.status, 202, "{}", refined.body);
    at_rest(&studio, &door, &of).await;
    let all = portraits(&studio, owner).await;
    let third = of_view(&all, PortraitView::FullBody)[2].clone();
    let PortraitSource::Refined { refinement } = &third.source else { panic!("{:?}", third.source) };
    assert_eq!((refinement.of, refinement.words.as_str()), (body.id, "older, grey hair"));
    assert_ne!(third.file, body.file, "another picture");
    assert!(third.made.as_ref().unwrap().prompt.starts_with("older, grey hair, full body"));
    let asked = store::datasets::over(&studio.context.db, owner).await.unwrap();
    let orders = asked.iter().filter_map(|one| match &one.request.order {
        Order::Still(order) => studio_core::portrait::changes(order),
        _ => None,
    });
    assert_eq!(orders.collect::<Vec<_>>(), ["older, grey hair"], "a draft draws what it has drawn once more");
    let files: BTreeSet<_> = all.iter().map(|one| one.file.hash).collect();
    assert_eq!(files.len(), all.len());
    // Rejected with words, it is no reference; what is none can be taken out, what is one cannot.
    let refused = ask(&door, "DELETE", &format!("/api/portraits/{}", body.id), &[], "").await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("portrait_approved")), "{}", refused.body);
    let said = decide(&door, body.id, false, "the coat is yellow").await;
    assert_eq!((&said["state"], &said["decision"]["note"]), (&json!("rejected"), &json!("the coat is yellow")));
    assert_eq!(references(&studio, mara).await, [face.file.hash]);
    let gone = ask(&door, "DELETE", &format!("/api/portraits/{}", body.id), &[], "").await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    let back = ask(&door, "DELETE", &format!("/api/portraits/{}/decision", face.id), &[], "").await;
    assert_eq!((back.status, &back.body["state"]), (200, &json!("pending")), "{}", back.body);
    assert!(references(&studio, mara).await.is_empty());
    kept.end().await;
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_is_asked_for_twice_at_the_same_time_is_no_matter_of_luck() {
    let studio = studio().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let (owner, of) = (PortraitOwner::Character(mara), format!("characters/{mara}"));
    let kept = Kept::begin(&studio);
    let at_once = async |path: String, body: Value| {
        join_all((0..4).map(|_| post(&door, &path, body.clone()))).await.into_iter().map(|said| said.body)
    };
    // Who lacks a sheet lacks it once.
    let said = at_once(format!("/api/projects/{}/portraits", uuid::Uuid::from_u128(7)), json!({})).await;
    let of_whom: Vec<usize> = said.map(|body| body["of"].as_array().unwrap().len()).collect();
    assert_eq!(of_whom.iter().sum::<usize>(), 1, "{of_whom:?}");
    at_rest(&studio, &door, &of).await;
    assert_eq!(portraits(&studio, owner).await.len(), 9);
    // What is wanted again and again differs each time.
    let face = of_view(&portraits(&studio, owner).await, PortraitView::Face)[0].id;
    at_once(format!("/api/portraits/{face}/again"), json!({})).await.for_each(drop);
    at_rest(&studio, &door, &of).await;
    let faces = portraits(&studio, owner).await.into_iter().filter(|one| one.view == PortraitView::Face);
    let seeds: BTreeSet<_> = faces.map(|one| one.made.unwrap().seed).collect();
    assert_eq!(seeds.len(), 5, "each has a seed of its own");
    at_once(format!("/api/{of}/dataset/generate"), json!({ "pictures": 1 })).await.for_each(drop);
    crate::datasets::at_rest(&studio, &door, mara, "off").await;
    let asked = store::datasets::asked(&studio.context.db, mara, Millis(0)).await.unwrap();
    let seeds: BTreeSet<_> = asked.iter().map(|one| one.request.made.seed).collect();
    assert_eq!((asked.len(), seeds.len()), (4, 4), "and so has each picture of a dataset");
    kept.end().await;
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_said() {
    let studio = studio().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let of = format!("/api/characters/{mara}/portraits");
    let refused = post(&door, &of, json!({ "views": ["establishing"] })).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body["detail"].as_str().unwrap().contains("establishing"), "{}", refused.body);
    assert_eq!(post(&door, &of, json!({ "views": ["sideways"] })).await.status, 400);
    let nobody = CharacterId(uuid::Uuid::from_u128(404));
    assert_eq!(post(&door, &format!("/api/characters/{nobody}/portraits"), json!({})).await.status, 404);
    let none = uuid::Uuid::from_u128(405);
    assert_eq!(post(&door, &format!("/api/portraits/{none}/again"), json!({})).await.status, 404);
    post(&door, &of, json!({ "views": ["face"] })).await;
    at_work(&studio, mara, 1).await;
    let face = portraits(&studio, PortraitOwner::Character(mara)).await.swap_remove(0);
    for (body, word) in [
        (json!({ "words": " , " }), "different"),
        (json!({ "words": "x".repeat(501) }), "different"),
        (json!({ "words": "older", "strength_percent": 96 }), "strength_percent"),
    ] {
        let said = post(&door, &format!("/api/portraits/{}/refine", face.id), body).await;
        assert_eq!(said.status, 400, "{}", said.body);
        assert!(said.body["detail"].as_str().unwrap().contains(word), "{}", said.body);
    }
}

/// Waits until there are so many portraits.
async fn at_work(studio: &Studio, mara: CharacterId, many: usize) {
    let mut events = studio.context.events.listen();
    let made = async {
        while portraits(studio, PortraitOwner::Character(mara)).await.len() < many {
            events.recv().await.expect("it keeps telling");
        }
    };
    tokio::time::timeout(PATIENCE, made).await.expect("in time");
}

/// Settings by which somebody with eyes judges.
fn with_eyes() -> Config {
    toml::from_str("[ollama]\nurl = \"http://127.0.0.1:9\"\nvision = \"eyes\"\n").unwrap()
}

/// A studio whose draft really draws, and whose judge has eyes.
async fn seeing() -> (Studio, Datasets) {
    let studio = Studio::open_with(|seats| {
        seats.insert("draft.stills".into(), Seat { engine: Arc::new(Stills), slots: 2 });
        let judge = seats.remove("judge").expect("somebody judges");
        seats.insert("ollama".into(), judge);
    })
    .await;
    let datasets = with(&studio, with_eyes());
    (studio, datasets)
}

#[tokio::test]
async fn a_judge_with_eyes_approves_within_its_bands_and_nobody_that_is_no_human() {
    let (studio, datasets) = seeing().await;
    let door = door_with(&studio, datasets.clone());
    let (mara, star) = (mara(&studio, "Mara").await, mara(&studio, "Star").await);
    let sheet = Sheet {
        appearance: Some(Appearance { species: "star-shaped".into(), ..Appearance::default() }),
        ..Sheet::default()
    };
    let mut tx = studio.context.db.begin().await.unwrap();
    store::characters::set_sheet(&mut tx, star, &sheet).await.unwrap();
    tx.commit().await.unwrap();
    studio.stage.rule(|asked| match asked.order {
        Order::Review(order) => {
            let shown = order.shown.as_ref().expect("it has eyes");
            Act::Score(Some(if shown.description.starts_with("close-up") { 20 } else { 90 }))
        }
        _ => Act::Make,
    });
    let kept = Kept::by(datasets);
    for (one, views) in [(mara, json!(["face", "side", "full_body"])), (star, json!(["full_body"]))] {
        let of = format!("characters/{one}");
        post(&door, &format!("/api/{of}/portraits"), json!({ "views": views })).await;
        at_rest(&studio, &door, &of).await;
    }
    let all = portraits(&studio, PortraitOwner::Character(mara)).await;
    let state = |view| of_view(&all, view)[0].state;
    assert_eq!(state(PortraitView::FullBody), PictureState::Approved);
    assert_eq!(state(PortraitView::Face), PictureState::Rejected);
    let hash = |view| of_view(&all, view)[0].file.hash;
    assert_eq!(references(&studio, mara).await, [hash(PortraitView::FullBody), hash(PortraitView::Side)]);
    let of_star = portraits(&studio, PortraitOwner::Character(star)).await.swap_remove(0);
    assert_eq!(of_star.state, PictureState::Pending, "only a person says of them");
    assert!(references(&studio, star).await.is_empty());
    // The first approved one is shown to the judge beside the next.
    post(&door, &format!("/api/characters/{mara}/portraits"), json!({ "views": ["smile"] })).await;
    at_rest(&studio, &door, &format!("characters/{mara}")).await;
    let reviews = studio.stage.runs();
    let last = reviews.iter().rev().find_map(|order| match order {
        Order::Review(order) => order.shown.clone(),
        _ => None,
    });
    let seen: Vec<_> = last.unwrap().references.iter().map(|one| one.hash).collect();
    assert_eq!(seen, [hash(PortraitView::FullBody)]);
    // A person overrules the judge.
    let face = of_view(&all, PortraitView::Face)[0].id;
    decide(&door, face, true, "").await;
    assert_eq!(references(&studio, mara).await.len(), 3);
    kept.end().await;
    studio.assert_settled().await;
}

#[tokio::test]
async fn whatever_moment_the_power_fails_every_portrait_is_there_once() {
    for cut in [1, 3, 6, 10] {
        let mut studio = studio().await;
        let mara = mara(&studio, "Mara").await;
        let of = format!("characters/{mara}");
        let mut kept = Kept::begin(&studio);
        post(&door(&studio), &format!("/api/{of}/portraits"), json!({})).await;
        for _ in 0..2 {
            let (mut events, mut heard) = (studio.context.events.listen(), 0);
            while heard < cut && portraits(&studio, PortraitOwner::Character(mara)).await.len() < 9 {
                let happened = tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time");
                heard += usize::from(matches!(happened, Ok(StudioEvent::Portraits { .. })));
            }
            kept.cut().await;
            studio.power_cut().await;
            studio.start_again().await;
            kept = Kept::begin(&studio);
        }
        at_rest(&studio, &door(&studio), &of).await;
        let all = portraits(&studio, PortraitOwner::Character(mara)).await;
        assert_eq!(all.len(), 9, "cut after {cut}");
        assert!(all.iter().all(|one| one.verdict.is_some()), "cut after {cut}");
        kept.end().await;
        studio.assert_settled().await;
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_project_that_is_removed_meanwhile() {
    let studio = studio().await;
    studio.stage.rule(|asked| match asked.order {
        Order::Review(_) => Act::Hang,
        _ => Act::Make,
    });
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let kept = Kept::begin(&studio);
    post(&door, &format!("/api/characters/{mara}/portraits"), json!({})).await;
    at_work(&studio, mara, 2).await;
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
    assert_eq!(get(&door, &format!("/api/characters/{mara}/portraits")).await.status, 404);
    assert!(portraits(&studio, PortraitOwner::Character(mara)).await.is_empty());
    kept.end().await;
    studio.assert_settled().await;
}

#[tokio::test]
async fn everybody_of_an_episode_who_lacks_a_sheet_is_asked_for_at_once() {
    let mut studio = Studio::open_with(|seats| {
        seats.insert("draft.stills".into(), Seat { engine: Arc::new(Stills), slots: 2 });
        let judge = seats["judge"].engine.clone();
        seats.insert("draft.judge".into(), Seat { engine: judge, slots: 2 });
    })
    .await;
    let (episode, ..) = studio.film(TWO_ROOMS).await;
    let door = door(&studio);
    let project = studio.episode(episode).await.project_id;
    let kept = Kept::begin(&studio);
    let db = studio.context.db.clone();
    let people = store::characters::of_project(&db, project).await.unwrap();
    let places = store::locations::of_project(&db, project).await.unwrap();
    assert_eq!((people.len(), places.len()), (2, 2));
    // One has a picture already: theirs is not asked for.
    let anna = people.iter().find(|one| one.name == "ANNA").unwrap().id;
    let mine = png(40);
    let path = format!("/api/characters/{anna}/portraits/upload?view=full_body&name=anna.png");
    let sent = ask(&door, "POST", &path, &[], mine.clone()).await;
    assert_eq!((sent.status, &sent.body["state"]), (201, &json!("approved")), "{}", sent.body);
    assert_eq!(sent.body["source"], json!({ "from": "upload", "name": "anna.png" }));
    assert_eq!(ask(&door, "POST", &path, &[], mine).await.status, 200, "the same file changes nothing");
    let wrong = ask(&door, "POST", &path, &[], "no picture").await;
    assert_eq!((wrong.status, &wrong.body["code"]), (415, &json!("wrong_kind")), "{}", wrong.body);
    let asked = post(&door, &format!("/api/episodes/{episode}/portraits"), json!({})).await;
    assert_eq!((asked.status, asked.body["of"].as_array().unwrap().len()), (202, 3), "{}", asked.body);
    let ben = people.iter().find(|one| one.name == "BEN").unwrap().id;
    at_rest(&studio, &door, &format!("characters/{ben}")).await;
    for place in &places {
        let sheet = at_rest(&studio, &door, &format!("locations/{}", place.id)).await;
        let one = &sheet["portraits"][0];
        assert_eq!((&sheet["owner"]["of"], &one["view"]), (&json!("location"), &json!("establishing")), "{sheet:#}");
    }
    assert_eq!(portraits(&studio, PortraitOwner::Character(ben)).await.len(), 9);
    assert_eq!(portraits(&studio, PortraitOwner::Character(anna)).await.len(), 1);
    let again = post(&door, &format!("/api/projects/{project}/portraits"), json!({})).await;
    assert_eq!((again.status, &again.body["of"]), (202, &json!([])), "they have some now: {}", again.body);
    // What is approved of a place is its first reference.
    let kitchen = PortraitOwner::Location(places[0].id);
    let picture = portraits(&studio, kitchen).await.swap_remove(0);
    decide(&door, picture.id, true, "").await;
    let sheet = store::locations::sheet(&db, places[0].id).await.unwrap();
    assert_eq!(sheet.references, [picture.file]);
    kept.end().await;
    studio.assert_settled().await;
}

/// A small picture of one grey.
fn png(grey: u8) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(64, 96, image::Rgb([grey, grey, grey]));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Has pictures of a dataset made, and says of what lineage those are that are made with references; the others have 1.
async fn level(studio: &Studio, door: &Router, mara: CharacterId, seen: &mut BTreeSet<TaskId>) -> u32 {
    let generate = format!("/api/characters/{mara}/dataset/generate");
    assert_eq!(post(door, &generate, json!({ "pictures": 6 })).await.status, 202);
    crate::datasets::at_rest(studio, door, mara, "off").await;
    let asked = store::datasets::asked(&studio.context.db, mara, Millis(0)).await.unwrap();
    let referred = |one: &store::datasets::Asked| match &one.request.order {
        Order::Still(order) => order.recipe.as_ref().is_some_and(|recipe| !recipe.references.is_empty()),
        _ => false,
    };
    let new = asked.iter().filter(|one| seen.insert(one.task));
    let (with, without): (Vec<_>, Vec<_>) = new.partition(|one| referred(one));
    assert!(without.iter().all(|one| one.request.lineage == 1), "from words alone");
    let levels: BTreeSet<u32> = with.iter().map(|one| one.request.lineage).collect();
    assert_eq!(levels.len(), 1, "{levels:?}");
    levels.into_iter().next().unwrap()
}

#[tokio::test]
async fn models_make_them_without_references_and_the_next_still_has_them() {
    let fake = Fake::start(models()).await;
    let comfy = seat(&fake).await;
    let studio = Studio::open_with(|seats| {
        seats.insert(COMFY.into(), comfy);
        let judge = seats.remove("judge").expect("somebody judges");
        seats.insert("draft.judge".into(), judge);
    })
    .await;
    let settings = format!("[models]\nstills = \"sd15\"\n[[comfy]]\nname = \"nvidia0\"\nurl = \"{}\"\n", fake.url());
    let datasets = with(&studio, toml::from_str(&settings).unwrap());
    let (door, mara) = (door_with(&studio, datasets.clone()), mara(&studio, "Mara").await);
    let (owner, of) = (PortraitOwner::Character(mara), format!("characters/{mara}"));
    // A picture they have already is no reference of a portrait.
    let path = format!("/api/{of}/portraits/upload?view=side");
    assert_eq!(ask(&door, "POST", &path, &[], png(90)).await.status, 201);
    let kept = Kept::by(datasets.clone());
    post(&door, &format!("/api/{of}/portraits"), json!({ "views": ["full_body"] })).await;
    at_rest(&studio, &door, &of).await;
    let body = of_view(&portraits(&studio, owner).await, PortraitView::FullBody)[0].clone();
    assert_eq!((body.made.as_ref().unwrap().model.as_str(), fake.rendered()), ("sd15", 1));
    decide(&door, body.id, true, "").await;
    let wanted = json!({ "words": "with a lamp", "strength_percent": 60 });
    assert_eq!(post(&door, &format!("/api/portraits/{}/refine", body.id), wanted).await.status, 202);
    at_rest(&studio, &door, &of).await;
    let (mut made, every) = (Vec::new(), store::tasks::Filter { limit: 500, ..Default::default() });
    for task in store::tasks::page(&studio.context.db, &every).await.unwrap() {
        for attempt in store::attempts::of_task(&studio.context.db, task.id).await.unwrap() {
            if let Order::Still(order) = attempt.order {
                made.push((attempt.kind_of_work.unwrap_or_default(), order));
            }
        }
    }
    made.sort_by_key(|(_, order)| order.source.is_some());
    let [(plain, first), (from, refined)] = &made[..] else { panic!("{made:?}") };
    assert!(plain.starts_with("sd15_txt2img/") && from.starts_with("sd15_img2img/"), "{plain} {from}");
    assert!(first.recipe.as_ref().unwrap().references.is_empty() && first.figures[0].name == "Mara");
    assert_eq!(refined.source.as_ref(), Some(&body.file));
    let recipe = refined.recipe.as_ref().unwrap();
    assert_eq!(recipe.settings["denoise"], SlotValue::Float(0.6));
    assert!(refined.description.starts_with("with a lamp, full body"), "{}", refined.description);
    // What films are given from now on: the approved figure first, what was sent behind it.
    let project = store::characters::get(&studio.context.db, mara).await.unwrap().project_id;
    let cast = producing::cast_of(&datasets.making, project, &About::default()).await.unwrap();
    let models = cast.models.unwrap();
    let recipe = models.recipe(models.still.as_ref().unwrap(), &["MARA".to_owned()], None, true);
    assert_eq!(recipe.references.first(), Some(&body.file));
    assert_eq!(recipe.references.len(), 2);
    // What is made with them is a level above the highest of them.
    let mut seen = BTreeSet::new();
    assert_eq!(level(&studio, &door, mara, &mut seen).await, 2, "of what was made from words");
    let all = portraits(&studio, owner).await;
    let refined = all.iter().find(|one| matches!(one.source, PortraitSource::Refined { .. })).unwrap();
    decide(&door, refined.id, true, "").await;
    assert_eq!(level(&studio, &door, mara, &mut seen).await, 3, "of what began with that");
    ask(&door, "DELETE", &format!("/api/portraits/{}/decision", refined.id), &[], "").await;
    // Taken back, it is given no more.
    ask(&door, "DELETE", &format!("/api/portraits/{}/decision", body.id), &[], "").await;
    assert_eq!(level(&studio, &door, mara, &mut seen).await, 1, "of what was sent");
    let cast = producing::cast_of(&datasets.making, project, &About::default()).await.unwrap();
    let models = cast.models.unwrap();
    let recipe = models.recipe(models.still.as_ref().unwrap(), &["MARA".to_owned()], None, true);
    assert!(!recipe.references.contains(&body.file) && recipe.references.len() == 1);
    kept.end().await;
    fake.nothing_twice();
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_style_is_named_and_its_words_go_before_every_prompt() {
    let fake = Fake::start(models()).await;
    let studio = studio().await;
    let mara = mara(&studio, "Mara").await;
    let project = store::characters::get(&studio.context.db, mara).await.unwrap().project_id;
    let comfy = format!("[[comfy]]\nname = \"nvidia0\"\nurl = \"{}\"\n", fake.url());
    let cast = async |style: &str, about: &About| {
        let settings = format!("[models]\nstills = \"sdxl\"\nstyle = \"{style}\"\n{comfy}");
        let datasets = with(&studio, toml::from_str(&settings).unwrap());
        producing::cast_of(&datasets.making, project, about).await.unwrap().models.unwrap()
    };
    let nothing = About::default();
    assert_eq!(cast("", &nothing).await.style, "");
    assert_eq!(cast("oil painting", &nothing).await.style, "oil painting", "whatever is no name is said as it is");
    let anime = cast("anime", &nothing).await;
    assert!(anime.style.contains("cel shading") && anime.avoid.contains(&"photograph".to_owned()), "{anime:?}");
    let recipe = anime.recipe(anime.still.as_ref().unwrap(), &["MARA".to_owned()], None, false);
    assert_eq!(recipe.style, anime.style, "portraits and films alike");
    // The project's own choice goes before the settings, and may name one, too.
    let own = Style { name: "ours".into(), words: "Pixar".into(), avoid: vec!["rain".into()], ..Style::default() };
    let about = About { style: "ours".into(), styles: vec![own], ..About::default() };
    let ours = cast("anime", &about).await;
    assert!(ours.style.contains("style of Pixar") && ours.avoid.contains(&"rain".to_owned()), "{ours:?}");
    assert!(ours.avoid.contains(&"flat drawing".to_owned()) && !ours.style.contains("cel shading"), "{ours:?}");
}
