//! Shots begin from approved pictures of datasets: by themselves where that is switched on, and by a person's hand.

use std::collections::BTreeMap;

use serde_json::json;
use studio_core::{
    dataset::{Decider, Decision, Picture, PictureState, Reason, Source},
    ids::{CharacterId, EpisodeId, PictureId},
    media::MediaFacts,
    order::Order,
    production::{DatasetPicture, Job},
    take::Subject,
    units::Size,
};
use studiod::{
    app::producing::{self, ProductionContext, Screenplay, intake},
    conductor::{Defaults, Produce, ProduceOptions},
    config::Config,
    definitions::{DefinitionsWatch, Places},
    store,
};

use crate::{
    bench::{JSON, PATCH, ask, door, get},
    plans::{TWO_ROOMS, produce},
    studio::Studio,
};

/// The gate of the still that shows only Anna, and that of Ben's.
const ANNAS: Job = Job::Gate { subject: Subject::Still, scene: 1, shot: 2 };
const BENS: Job = Job::Gate { subject: Subject::Still, scene: 2, shot: 1 };

/// What the settings make of the screenplay now, as the engines of the tests make it.
async fn wanted(studio: &Studio, options: ProduceOptions) -> Produce {
    let making = ProductionContext {
        context: studio.context.clone(),
        config: Config::default(),
        shelf: DefinitionsWatch::open(Places::default()),
    };
    let screenplay = Screenplay::read(TWO_ROOMS.as_bytes(), "", &making.reading()).expect("it can be read");
    let asked = producing::request(&making, &screenplay, &options, None, Defaults::BySettings).await;
    let mut asked = asked.expect("it can be made");
    let plain = produce(TWO_ROOMS).production;
    (asked.production.cast, asked.production.size) = (plain.cast, plain.size);
    asked
}

async fn begins(studio: &Studio) -> BTreeMap<Job, DatasetPicture> {
    wanted(studio, ProduceOptions::default()).await.production.from_datasets
}

/// An approved picture of somebody that shows this, in a colour of its own.
async fn approved(studio: &Studio, character: CharacterId, colour: u8, shows: &[(&str, &str)]) -> Picture {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("picture.png");
    image::RgbImage::from_pixel(64, 64, image::Rgb([colour, 90, 40])).save(&file).unwrap();
    let size = Size { width: 64, height: 64 };
    let file = intake::kept(&studio.context, &file, &MediaFacts::Still { size }).await.unwrap();
    let cell = shows.iter().map(|(axis, word)| ((*axis).to_owned(), (*word).to_owned())).collect();
    let at = studio.context.clock.now();
    let picture = Picture {
        id: PictureId(studio.context.clock.id()),
        character_id: character,
        file,
        size,
        state: PictureState::Approved,
        source: Source::Upload { name: "picture.png".into() },
        lineage: 0,
        made: None,
        cell,
        placing: None,
        verdict: None,
        decision: Some(Decision { by: Decider::Person, at, reason: Reason::Good, note: String::new() }),
        caption: None,
        duplicate_of: None,
        likeness: None,
        print: None,
        created: at,
    };
    let mut tx = studio.context.db.begin().await.unwrap();
    assert!(store::dataset_pictures::insert(&mut tx, &picture).await.unwrap());
    tx.commit().await.unwrap();
    picture
}

/// A studio that has made the film once, with nothing of datasets in it, and who is in it.
async fn filmed() -> (Studio, EpisodeId, CharacterId, CharacterId) {
    let mut studio = Studio::open().await;
    let asked = wanted(&studio, ProduceOptions::default()).await;
    assert_eq!(asked.production.from_datasets, BTreeMap::new());
    let (id, failed, _) = studio.make(asked).await;
    assert!(!failed);
    let project = store::projects::list(&studio.context.db).await.unwrap().swap_remove(0);
    let all = store::characters::of_project(&studio.context.db, project.id).await.unwrap();
    let named = |name: &str| all.iter().find(|one| one.name == name).expect("it is in the film").id;
    let (anna, ben) = (named("ANNA"), named("BEN"));
    (studio, id, anna, ben)
}

async fn set(studio: &Studio, character: CharacterId, settings: serde_json::Value) {
    let path = format!("/api/characters/{character}/dataset");
    let answer = ask(&door(studio), "PATCH", &path, &[PATCH], settings.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn a_shot_begins_from_the_closest_approved_picture_where_that_is_switched_on() {
    let (mut studio, episode, anna, ben) = filmed().await;
    let upper = approved(&studio, anna, 10, &[("framing", "upper"), ("place", "room")]).await;
    approved(&studio, anna, 20, &[("framing", "face"), ("place", "room")]).await;
    approved(&studio, ben, 30, &[("framing", "full"), ("pose", "walking")]).await;
    assert_eq!(begins(&studio).await, BTreeMap::new(), "nobody has asked for it");
    set(&studio, anna, json!({ "shots": true, "shot_strength": 40 })).await;
    let found = begins(&studio).await;
    assert_eq!(found.keys().collect::<Vec<_>>(), [&ANNAS], "Ben's are his own");
    let from = &found[&ANNAS];
    assert_eq!((from.picture, from.source.strength_percent), (upper.id, Some(40)));
    assert_eq!(from.agrees, ["framing", "place"]);
    // It is drawn from it, and says so.
    let asked = wanted(&studio, ProduceOptions::default()).await;
    let (_, failed, _) = studio.make(asked).await;
    assert!(!failed);
    let drawn = studio.stage.runs().into_iter().filter_map(|order| match order {
        Order::Still(still) => still.source,
        _ => None,
    });
    assert_eq!(drawn.collect::<Vec<_>>(), std::slice::from_ref(&upper.file));
    let rows = store::decisions::Filter { limit: 500, ..Default::default() };
    let rows = store::decisions::page(&studio.context.db, &rows).await.unwrap();
    let said = rows.iter().find(|row| row.inputs["remark"]["remark"] == "from_dataset").expect("it says why");
    assert_eq!(said.inputs["remark"]["picture"], json!(upper.id), "{said:?}");
    // What is used stays, also when it has left its dataset.
    let answer = ask(&door(&studio), "DELETE", &format!("/api/pictures/{}", upper.id), &[], "").await;
    assert!(answer.status < 300, "{}", answer.body);
    studio.tidy(false).await.unwrap();
    assert!(studio_engine::asset_path(&studio.context.data.assets(), &upper.file).exists());
    assert!(store::productions::of_episode(&studio.context.db, episode).await.unwrap().is_some());
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_film_is_not_made_anew_because_a_dataset_has_grown() {
    let (mut studio, _, anna, _) = filmed().await;
    set(&studio, anna, json!({ "shots": true })).await;
    let first = approved(&studio, anna, 10, &[("framing", "upper")]).await;
    let asked = wanted(&studio, ProduceOptions::default()).await;
    assert_eq!(asked.production.from_datasets[&ANNAS].picture, first.id);
    assert!(!studio.make(asked).await.1);
    let better = approved(&studio, anna, 20, &[("framing", "upper"), ("place", "room"), ("light", "day")]).await;
    assert_eq!(begins(&studio).await[&ANNAS].picture, first.id, "it keeps what it began from");
    let anew = ProduceOptions { relearn: true, ..ProduceOptions::default() };
    assert_eq!(wanted(&studio, anew).await.production.from_datasets[&ANNAS].picture, better.id, "unless one asks");
    // Who is no longer approved is no longer begun from; with nobody left the shot is drawn from words.
    for (picture, then) in [(&first, Some(better.id)), (&better, None)] {
        let path = format!("/api/pictures/{}/decision", picture.id);
        let bad = json!({ "good": false, "categories": ["wrong_pose"] }).to_string();
        let answer = ask(&door(&studio), "PUT", &path, &[JSON], bad).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(begins(&studio).await.get(&ANNAS).map(|from| from.picture), then);
    }
}

#[tokio::test]
async fn a_person_looks_through_them_by_how_close_they_are_and_has_the_last_word() {
    let (mut studio, episode, anna, ben) = filmed().await;
    let far = approved(&studio, anna, 10, &[("framing", "face")]).await;
    let near = approved(&studio, anna, 20, &[("framing", "upper"), ("place", "room")]).await;
    let unknown = approved(&studio, anna, 30, &[]).await;
    approved(&studio, ben, 40, &[("framing", "upper")]).await;
    let shot = store::shots::at(&studio.context.db, episode, 1, 2).await.unwrap().expect("it is there");
    let door = door(&studio);
    let answer = get(&door, &format!("/api/shots/{}/pictures", shot.id)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let shown: Vec<_> = answer.body["pictures"].as_array().unwrap().iter().map(|one| &one["picture"]["id"]).collect();
    assert_eq!(shown, [&json!(near.id), &json!(unknown.id), &json!(far.id)], "{:#}", answer.body);
    assert_eq!(answer.body["characters"][0]["asked"]["framing"], "upper", "{:#}", answer.body);
    // What somebody chose goes before what the dataset gives.
    set(&studio, anna, json!({ "shots": true })).await;
    let tasks = store::tasks::of_episode(&studio.context.db, episode).await.unwrap();
    let task = tasks.iter().find(|task| task.job == ANNAS).expect("it has a gate").id;
    for wrong in [0, 101] {
        let hand = json!({ "do": "from", "asset": far.file.hash, "strength_percent": wrong }).to_string();
        let answer = ask(&door, "POST", &format!("/api/tasks/{task}/hand"), &[JSON], hand).await;
        // The request is wrong, whatever the state of things.
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!("bad_request")), "{}", answer.body);
    }
    let hand = json!({ "do": "from", "asset": far.file.hash, "strength_percent": 80 }).to_string();
    let answer = ask(&door, "POST", &format!("/api/tasks/{task}/hand"), &[JSON], hand).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    studio.end().await;
    let asked = wanted(&studio, ProduceOptions::default()).await;
    assert_eq!(asked.production.from_datasets[&ANNAS].picture, near.id);
    assert!(!asked.production.from_datasets.contains_key(&BENS));
    assert!(!studio.make(asked).await.1);
    let drawn = studio.stage.runs().into_iter().filter_map(|order| match order {
        Order::Still(still) => still.source,
        _ => None,
    });
    assert!(drawn.collect::<Vec<_>>().iter().all(|source| *source == far.file), "the person's, and no other");
}
