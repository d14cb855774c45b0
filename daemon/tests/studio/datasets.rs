//! Datasets: filled by the studio, reviewed by people, the same after every restart.

use std::sync::{Arc, Mutex};

use axum::Router;
use serde_json::{Value, json};
use studio_core::{
    character::{Character, CharacterProfile, Established},
    dataset::{Alike, Dataset, DatasetSettings, Event, Picture, PictureState, Reason, Rejection, Wait},
    ids::{CharacterId, ProjectId},
    order::Order,
    project::Project,
    units::Seed,
};
use studio_draft::stills::Stills;
use studiod::{
    app::{datasets::Datasets, producing::ProductionContext},
    conductor::Seat,
    config::Config,
    definitions::{DefinitionsWatch, Places},
    events::StudioEvent,
    store,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    api::PATIENCE,
    bench::{JSON, ask, door, get},
    engines::Act,
    studio::Studio,
};

/// Who looks after the datasets of a studio, by settings nobody wrote.
pub fn of(studio: &Studio) -> Datasets {
    with(studio, Config::default())
}

/// The same by these settings.
pub fn with(studio: &Studio, config: Config) -> Datasets {
    let config = Config {
        datasets: studiod::config::Datasets { size: "256x320".into(), ..config.datasets.clone() },
        portraits: studiod::config::Portraits { size: "180x320".into(), ..config.portraits.clone() },
        ..config
    };
    let making =
        ProductionContext { context: studio.context.clone(), config, shelf: DefinitionsWatch::open(Places::default()) };
    Datasets {
        making,
        conductor: studio.handle.clone(),
        indexes: Arc::new(Mutex::default()),
        media: None,
        asking: Arc::default(),
    }
}

/// A studio whose draft really draws, and whose judge says what a test wants.
pub async fn studio() -> Studio {
    Studio::open_with(|seats| {
        seats.insert("draft.stills".into(), Seat { engine: Arc::new(Stills), slots: 2 });
        let judge = seats.remove("judge").expect("somebody judges");
        seats.insert("draft.judge".into(), judge);
    })
    .await
}

pub async fn mara(studio: &Studio, name: &str) -> CharacterId {
    let mut tx = studio.context.db.begin().await.unwrap();
    let project = Project {
        id: ProjectId(Uuid::from_u128(7)),
        slug: "light".into(),
        title: "Light".into(),
        year: 2026,
        seed: Seed(1),
        ..project()
    };
    let project = store::projects::upsert(&mut tx, &project).await.unwrap();
    let character = Character {
        id: CharacterId(Uuid::now_v7()),
        project_id: project.id,
        slug: name.to_lowercase(),
        name: name.into(),
        profile: CharacterProfile::from_name(name, None, None),
        established: Established::default(),
    };
    let character = store::characters::upsert(&mut tx, &character).await.unwrap();
    tx.commit().await.unwrap();
    character.id
}

fn project() -> Project {
    crate::plans::produce("INT. HOUSE - DAY\n\nNobody.\n").project
}

/// Switches the filling on, with these settings.
pub async fn fill(studio: &Studio, character: CharacterId, settings: DatasetSettings) {
    let mut tx = studio.context.db.begin().await.unwrap();
    let dataset = Dataset { settings, replenish: true, ..Dataset::new(character) };
    store::datasets::set(&mut tx, &dataset).await.unwrap();
    tx.commit().await.unwrap();
}

pub fn quick(target: u32) -> DatasetSettings {
    DatasetSettings { target, daily: 500, cooldown_s: 0, ..DatasetSettings::default() }
}

/// The studio looks after its datasets until this is dropped.
pub struct Kept {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Kept {
    pub fn begin(studio: &Studio) -> Self {
        Self::by(of(studio))
    }

    /// The same by somebody else.
    pub fn by(datasets: Datasets) -> Self {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(datasets.run(stop.clone())), stop }
    }

    pub async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// As in a power cut.
    pub async fn cut(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// The dataset as soon as nothing more happens to it for this reason.
pub async fn at_rest(studio: &Studio, door: &Router, character: CharacterId, why: &str) -> Value {
    let mut events = studio.context.events.listen();
    let mut last = Value::Null;
    let rest = async {
        loop {
            last = get(door, &format!("/api/characters/{character}/dataset")).await.body;
            let counts = &last["counts"];
            if last["waits"]["why"] == why && counts["in_flight"] == 0 && counts["unjudged"] == 0 {
                return;
            }
            while !matches!(events.recv().await.expect("it keeps telling"), StudioEvent::Dataset { .. }) {}
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, rest).await.is_ok();
    let open = store::tasks::unfinished(&studio.context.db).await.unwrap();
    let stands: Vec<_> = open.iter().map(|task| (&task.slot, task.state, &task.reason)).collect();
    assert!(in_time, "it never came to rest: {:#} {}, {stands:?}", last["counts"], last["said"]);
    last
}

pub async fn pictures(studio: &Studio, character: CharacterId) -> Vec<Picture> {
    store::dataset_pictures::of_character(&studio.context.db, character).await.unwrap()
}

pub fn count(pictures: &[Picture], state: PictureState) -> usize {
    pictures.iter().filter(|picture| picture.state == state && picture.duplicate_of.is_none()).count()
}

#[tokio::test]
async fn a_dataset_is_filled_to_its_target_and_goes_on_when_one_is_taken_back() {
    let studio = studio().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    fill(&studio, mara, quick(8)).await;
    let kept = Kept::begin(&studio);
    let view = at_rest(&studio, &door, mara, "at_target").await;
    assert_eq!((&view["counts"]["approved"], &view["counts"]["rejected"]), (&json!(8), &json!(0)), "{view:#}");
    let made = pictures(&studio, mara).await;
    let cells: std::collections::BTreeSet<_> =
        made.iter().map(|picture| (picture.cell.get("framing"), picture.cell.get("angle"))).collect();
    assert!(cells.len() >= 6, "they differ: {cells:?}");
    assert!(made.iter().all(|picture| picture.lineage == 1 && picture.print.is_none()));
    assert!(view["said"].as_str().unwrap().contains("8 of 8"), "{view:#}");
    // Pages of them meet.
    let (mut seen, mut next) = (Vec::new(), format!("/api/pictures?character={mara}&limit=3"));
    loop {
        let page = get(&door, &next).await.body;
        assert_eq!(page["left"], made.len());
        seen.extend(page["pictures"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        let Some(after) = page["next"].as_str() else { break };
        next = format!("/api/pictures?character={mara}&limit=3&after={after}");
    }
    assert!(seen.is_sorted_by(|a, b| a > b) && seen.len() == made.len(), "newest first, each once: {seen:?}");
    // Every picture has its reason, and so has every decision.
    let asked = store::decisions::Filter { limit: 500, ..Default::default() };
    let kinds = store::decisions::page(&studio.context.db, &asked).await.unwrap();
    let of = |kind: &str| kinds.iter().filter(|one| one.kind.word() == kind).count();
    assert_eq!((of("replenish"), of("picture")), (made.len(), made.len()));
    // One is taken back: it waits for a person. Rejected, it is made again, differently.
    let id = made.iter().find(|picture| picture.state == PictureState::Approved).unwrap().id;
    let answer = ask(&door, "DELETE", &format!("/api/pictures/{id}/decision"), &[], "").await;
    assert_eq!((answer.status, &answer.body["state"]), (200, &json!("pending")));
    let view = at_rest(&studio, &door, mara, "pending").await;
    assert_eq!((&view["counts"]["approved"], &view["counts"]["awaiting"]), (&json!(7), &json!(1)), "{view:#}");
    let bad = json!({ "good": false, "categories": ["wrong_pose"] }).to_string();
    ask(&door, "PUT", &format!("/api/pictures/{id}/decision"), &[JSON], bad).await;
    let view = at_rest(&studio, &door, mara, "at_target").await;
    assert_eq!((&view["counts"]["approved"], &view["counts"]["rejected"]), (&json!(8), &json!(1)), "{view:#}");
    let whole = get(&door, &format!("/api/pictures/{id}")).await.body;
    assert_eq!(whole["mended_by"].as_array().unwrap().len(), 1, "what takes its place mends it: {whole:#}");
    kept.end().await;
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_the_judge_is_unsure_of_waits_for_a_person_and_fills_the_buffer_once() {
    let studio = studio().await;
    studio.stage.rule(|asked| match asked.order {
        Order::Review(_) => Act::Score(Some(60)),
        _ => Act::Make,
    });
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    fill(&studio, mara, quick(20)).await;
    let kept = Kept::begin(&studio);
    let view = at_rest(&studio, &door, mara, "pending").await;
    assert_eq!(view["counts"]["awaiting"], 3, "{view:#}");
    let page = get(&door, &format!("/api/pictures?character={mara}&awaiting=true")).await.body;
    assert_eq!(page["left"], 3);
    let first = page["pictures"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/pictures/{first}/decision");
    let answer = ask(&door, "PUT", &path, &[JSON], json!({ "good": true }).to_string()).await;
    assert_eq!((answer.status, &answer.body["decision"]["by"]), (200, &json!("person")), "{}", answer.body);
    let view = at_rest(&studio, &door, mara, "pending").await;
    assert_eq!((&view["counts"]["approved"], &view["counts"]["awaiting"]), (&json!(1), &json!(3)), "{view:#}");
    // All that wait, at once; a picture of somebody else's dataset refuses them all.
    let page = get(&door, &format!("/api/pictures?character={mara}&awaiting=true")).await.body;
    let all: Vec<&Value> = page["pictures"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    let ben = self::mara(&studio, "Ben").await;
    let body = json!({ "pictures": all, "good": true }).to_string();
    let refused = ask(&door, "POST", &format!("/api/characters/{ben}/dataset/decisions"), &[JSON], body.clone()).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let answer = ask(&door, "POST", &format!("/api/characters/{mara}/dataset/decisions"), &[JSON], body).await;
    assert_eq!((answer.status, &answer.body["counts"]["approved"]), (200, &json!(4)), "{}", answer.body);
    kept.end().await;
}

#[tokio::test]
async fn five_rejections_in_a_row_let_it_rest_with_what_they_had_in_common() {
    let studio = studio().await;
    studio.stage.rule(|asked| match asked.order {
        Order::Review(_) => Act::Score(Some(20)),
        _ => Act::Make,
    });
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    fill(&studio, mara, quick(20)).await;
    let kept = Kept::begin(&studio);
    let view = at_rest(&studio, &door, mara, "paused").await;
    assert_eq!(view["dataset"]["paused"]["why"], "rejections", "{view:#}");
    assert_eq!(view["dataset"]["paused"]["common"], "bad_quality");
    let before = pictures(&studio, mara).await;
    assert!((5..=7).contains(&count(&before, PictureState::Rejected)), "{}", before.len());
    let mended: Vec<_> = before.iter().filter_map(|one| one.made.as_ref()?.tried.repairs).collect();
    assert!(!mended.is_empty(), "rejected ones are mended by themselves");
    for decision in before.iter().filter_map(|picture| picture.decision.as_ref()) {
        assert_eq!(decision.reason, Reason::Rejected { categories: vec![Rejection::BadQuality] });
    }
    // Resumed, it goes on; nothing was forgotten.
    studio.stage.rule(|_| Act::Make);
    let answer = ask(&door, "POST", &format!("/api/characters/{mara}/dataset/resume"), &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let view = at_rest(&studio, &door, mara, "at_target").await;
    assert_eq!(view["counts"]["approved"], 20, "{view:#}");
    kept.end().await;
    studio.assert_settled().await;
}

#[tokio::test]
async fn the_energy_of_a_day_is_a_limit_until_the_next_day() {
    let studio = studio().await;
    let mara = mara(&studio, "Mara").await;
    fill(&studio, mara, DatasetSettings { pending: 20, ..quick(8) }).await;
    let limited = studiod::config::Datasets { daily_wh: Some(100), ..studiod::config::Datasets::default() };
    let datasets = with(&studio, Config { datasets: limited, ..Config::default() });
    let mut events = studio.context.events.listen();
    datasets.look_after_all(Event::Started).await.unwrap();
    let now = async || datasets.now(store::datasets::get(&studio.context.db, mara).await.unwrap()).await.unwrap();
    let made = async {
        while now().await.ledger.in_flight > 0 {
            while !matches!(events.recv().await.expect("it keeps telling"), StudioEvent::Dataset { .. }) {}
        }
    };
    tokio::time::timeout(PATIENCE, made).await.expect("they are made");
    // Nobody measures here; as if one of them had cost as much as a day may.
    let mut tasks = store::tasks::page(&studio.context.db, &store::tasks::Filter { limit: 10, ..Default::default() })
        .await
        .unwrap();
    let task = tasks.pop().expect("three were asked for").id;
    let attempt = store::attempts::of_task(&studio.context.db, task).await.unwrap().swap_remove(0);
    let mut tx = studio.context.db.begin().await.unwrap();
    store::attempts::ran_on(&mut tx, attempt.id, "0000:01:00.0", "", Some(100.0)).await.unwrap();
    tx.commit().await.unwrap();
    let before = now().await;
    assert_eq!(datasets.waits(&before).await.unwrap(), Some(Wait::Energy));
    let wake = datasets.look_after_all(Event::Woken).await.unwrap();
    assert_eq!(wake, Some(before.day.ends), "it looks again when the day is over");
    assert_eq!(now().await.requests.len(), before.requests.len(), "nothing was asked for");
    studio.clock().advance(86_400_000);
    assert_ne!(datasets.waits(&now().await).await.unwrap(), Some(Wait::Energy), "the next day has its own");
}

#[tokio::test]
async fn whatever_moment_the_power_fails_nothing_is_lost_and_nothing_made_twice() {
    for cut in [1, 2, 3, 5, 8, 13] {
        let mut studio = studio().await;
        let mara = mara(&studio, "Mara").await;
        fill(&studio, mara, quick(6)).await;
        let mut kept = Kept::begin(&studio);
        for _ in 0..3 {
            let (mut events, mut heard) = (studio.context.events.listen(), 0);
            while heard < cut && count(&pictures(&studio, mara).await, PictureState::Approved) < 6 {
                let happened = tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time");
                heard += usize::from(matches!(happened, Ok(StudioEvent::Dataset { .. })));
            }
            kept.cut().await;
            studio.power_cut().await;
            studio.start_again().await;
            kept = Kept::begin(&studio);
        }
        let door = door(&studio);
        let view = at_rest(&studio, &door, mara, "at_target").await;
        let all = pictures(&studio, mara).await;
        assert_eq!(count(&all, PictureState::Approved), 6, "cut after {cut}: {view:#}");
        let (ever, _) = store::datasets::ever_asked(&studio.context.db, mara).await.unwrap();
        assert_eq!(ever as usize, all.len(), "every picture that was asked for is there once");
        kept.end().await;
        studio.assert_settled().await;
    }
}

#[tokio::test]
async fn a_person_uploads_and_copies_are_grouped() {
    let studio = studio().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    fill(&studio, mara, quick(1)).await;
    let kept = Kept::begin(&studio);
    at_rest(&studio, &door, mara, "at_target").await;
    let off = json!({ "on": false }).to_string();
    ask(&door, "PUT", &format!("/api/characters/{mara}/dataset/replenish"), &[JSON], off).await;
    // The picture that is there, saved as something else, comes from outside.
    let made = pictures(&studio, mara).await.swap_remove(0);
    let file = studio_engine::asset_path(&studio.context.data.assets(), &made.file);
    let picture = image::open(&file).unwrap().to_rgb8();
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 80).encode_image(&picture).unwrap();
    let path = format!("/api/characters/{mara}/dataset/pictures?name=mara.jpg");
    let answer = ask(&door, "POST", &path, &[], jpeg.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.body["added"].as_array().unwrap().len(), 1, "{}", answer.body);
    let again = ask(&door, "POST", &path, &[], jpeg).await;
    assert_eq!((&again.body["added"], &again.body["known"]), (&json!([]), &json!(1)), "kept once");
    let view = at_rest(&studio, &door, mara, "off").await;
    assert_eq!(view["counts"]["duplicates"], 1, "{view:#}");
    let all = pictures(&studio, mara).await;
    assert_eq!(all[1].duplicate_of, Some(all[0].id));
    let likeness = all[1].likeness.expect("why is kept");
    assert_eq!((likeness.with, likeness.alike), (all[0].id, Alike::Subject), "{likeness:?}");
    assert!(likeness.dct <= 40 && likeness.gradient <= 24, "{likeness:?}");
    assert!(all[1].verdict.is_none(), "a copy costs no review");
    // Somebody wants it all the same.
    let body = json!({ "good": true }).to_string();
    let path = format!("/api/pictures/{}/decision", all[1].id);
    let answer = ask(&door, "PUT", &path, &[JSON], body).await;
    assert_eq!((&answer.body["state"], &answer.body["duplicate_of"]), (&json!("approved"), &Value::Null));
    let refused = ask(&door, "POST", &format!("/api/characters/{mara}/dataset/pictures"), &[], "no picture").await;
    assert_eq!((refused.status, &refused.body["code"]), (415, &json!("wrong_kind")), "{}", refused.body);
    kept.end().await;
}

#[tokio::test]
async fn copies_are_grouped_under_the_best_one_and_never_over_what_somebody_decided() {
    let studio = studio().await;
    studio.stage.rule(|asked| match asked.order {
        Order::Review(_) => Act::Score(Some(60)),
        _ => Act::Make,
    });
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let kept = Kept::begin(&studio);
    let whole = image::RgbImage::from_fn(600, 800, |x, y| {
        let (dx, dy) = (x as f32 - 300.0, y as f32 - 330.0);
        let head = (dx * dx + dy * dy).sqrt();
        let wave = (x as f32 / 19.0).sin() * (y as f32 / 31.0).cos() * 40.0;
        image::Rgb([(if head < 190.0 { 200.0 } else { 70.0 } + wave) as u8, (y / 5) as u8, (x / 4) as u8])
    });
    let send = async |wide: u32| {
        let small = image::imageops::resize(&whole, wide, wide * 4 / 3, image::imageops::FilterType::Triangle);
        let mut png = std::io::Cursor::new(Vec::new());
        small.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let path = format!("/api/characters/{mara}/dataset/pictures?name=mara-{wide}.png");
        let answer = ask(&door, "POST", &path, &[], png.into_inner()).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        at_rest(&studio, &door, mara, "off").await;
        pictures(&studio, mara).await
    };
    send(300).await;
    send(270).await;
    // The largest one comes last but one: it leads, and whoever was grouped before follows.
    let all = send(450).await;
    let under: Vec<_> = all.iter().map(|one| one.duplicate_of).collect();
    assert_eq!(under, [Some(all[2].id), Some(all[2].id), None]);
    let with = all[0].likeness.map(|likeness| likeness.with);
    assert!([Some(all[1].id), Some(all[2].id)].contains(&with), "one that it was laid upon: {with:?}");
    assert_eq!(all[1].likeness.map(|likeness| likeness.with), Some(all[0].id), "what it was compared with stays");
    assert!(all[2].verdict.is_some(), "the one that leads is judged");
    // Somebody decides: an even better one comes too late.
    let body = json!({ "good": true }).to_string();
    let answer = ask(&door, "PUT", &format!("/api/pictures/{}/decision", all[2].id), &[JSON], body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let all = send(600).await;
    assert_eq!((all[2].duplicate_of, all[3].duplicate_of), (None, Some(all[2].id)));
    let preview = ask(&door, "GET", &format!("/api/characters/{mara}/dataset/copies"), &[], "").await;
    let members = preview.body["groups"][0]["pictures"].as_array().unwrap();
    assert_eq!((members.len(), &members[0]["picture"]), (4, &json!(all[2].id)), "{}", preview.body);
    assert!(members[1..].iter().all(|one| one["likeness"]["alike"] == "subject"), "{}", preview.body);
    kept.end().await;
}

#[tokio::test]
async fn who_has_no_eyes_does_not_put_an_uploaded_picture_among_the_approved() {
    let studio = studio().await;
    studio.stage.rule(|asked| match asked.order {
        Order::Review(_) => Act::Score(Some(90)),
        _ => Act::Make,
    });
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let kept = Kept::begin(&studio);
    let mut png = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_fn(256, 320, |x, y| image::Rgb([x as u8, (y / 2) as u8, (x * y % 251) as u8]));
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let path = format!("/api/characters/{mara}/dataset/pictures?name=mara.png");
    let answer = ask(&door, "POST", &path, &[], png.into_inner()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let view = at_rest(&studio, &door, mara, "off").await;
    assert_eq!((&view["counts"]["approved"], &view["counts"]["awaiting"]), (&json!(0), &json!(1)), "{view:#}");
    let all = pictures(&studio, mara).await;
    assert!(all[0].verdict.is_some(), "it was judged all the same");
    kept.end().await;
}
