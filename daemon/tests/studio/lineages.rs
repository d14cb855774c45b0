//! Lineages: what is made with a LoRA the studio trained is a level above the highest picture it was trained on.

use std::collections::BTreeMap;

use serde_json::json;
use studio_core::{
    asset::AssetRef,
    dataset::{Asked, Cell, Made, Picture, PictureState, Source, Tried},
    ids::{CharacterId, ContentHash, LoraId, PictureId, PortraitId, TrainingId},
    lora::{Architecture, KeptLora},
    order::TrainingPicture,
    portrait::{Portrait, PortraitSource},
    task::Class,
    training::{Training, TrainingPlan, TrainingState},
    units::{Millis, Seed, Size},
    views::{PortraitOwner, PortraitView},
};
use studiod::{
    app::datasets::Maker,
    store::{self, placed_loras::PlacedLora},
};
use uuid::Uuid;

use crate::{
    bench::{ask, door_with},
    datasets::{mara, pictures, studio, with},
    scans::png,
    studio::Studio,
};

const SIZE: Size = Size { width: 320, height: 320 };

fn file(name: &str) -> AssetRef {
    AssetRef { hash: ContentHash::of(name.as_bytes()), ext: "png".into() }
}

fn run(number: u128) -> TrainingId {
    TrainingId(Uuid::from_u128(number))
}

/// A run that was trained on these, of which the named ones were held out.
async fn trained(studio: &Studio, of: CharacterId, number: u128, on: &[&str], held_out: &[&str]) {
    let told = |name: &&str| TrainingPicture {
        file: file(name),
        caption: "mirax7".into(),
        repeats: 1,
        held_out: held_out.contains(name),
    };
    let plan = TrainingPlan {
        trainer: "sd-scripts".into(),
        architecture: Architecture::Sd15,
        base: "sd15.safetensors".into(),
        base_print: None,
        model: "sd15".into(),
        trigger: "mirax7".into(),
        class_word: "woman".into(),
        pictures: on.iter().chain(held_out).map(told).collect(),
        settings: BTreeMap::new(),
        epochs: 2,
        epoch_steps: 10,
        cases: Vec::new(),
    };
    let training = Training {
        id: run(number),
        character_id: of,
        state: TrainingState::Done,
        paused: false,
        class: Class::Background,
        samples: false,
        print: plan.print(),
        plan,
        relief: Vec::new(),
        fault: None,
        choice: None,
        created: Millis(1),
        updated: Millis(1),
    };
    let mut tx = studio.context.db.begin().await.unwrap();
    assert!(store::trainings::insert(&mut tx, &training).await.unwrap());
    tx.commit().await.unwrap();
}

/// A LoRA of hers in the library, which films use in place of another.
async fn kept(studio: &Studio, of: CharacterId, number: u128, training: Option<TrainingId>) -> String {
    let db = &studio.context.db;
    let lora = KeptLora {
        id: LoraId(Uuid::from_u128(number)),
        project_id: store::characters::get(db, of).await.unwrap().project_id,
        character_id: Some(of),
        name: String::new(),
        instead: false,
        architecture: Architecture::Sd15,
        file: format!("studiod/light-mara/{number}.safetensors"),
        weights: file("weights"),
        bytes: 7,
        trigger: "mirax7".into(),
        strength: 80,
        active: false,
        training_id: training,
        epoch: training.map(|_| 2),
        created: Millis(1),
    };
    let all = store::loras::of_character(db, of).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    assert!(store::loras::insert(&mut tx, &lora).await.unwrap());
    store::loras::use_one(&mut tx, &all, &lora, true).await.unwrap();
    tx.commit().await.unwrap();
    lora.file
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one LoRA after another, each with its picture")]
async fn a_picture_made_with_a_lora_is_a_level_above_what_that_was_trained_on() {
    let studio = studio().await;
    let mara = mara(&studio, "Mara").await;
    let settings = "[models]\nstills = \"sd15\"\n[[comfy]]\nname = \"nvidia0\"\nurl = \"http://127.0.0.1:9\"\n";
    let datasets = with(&studio, toml::from_str(settings).unwrap());
    let db = &studio.context.db;
    let mut tx = db.begin().await.unwrap();
    for (number, (name, lineage)) in [("photo", 0), ("drawn", 1), ("again", 2)].into_iter().enumerate() {
        let picture = Picture {
            id: PictureId(Uuid::from_u128(100 + number as u128)),
            character_id: mara,
            file: file(name),
            size: SIZE,
            state: PictureState::Approved,
            source: Source::Generated,
            lineage,
            cell: Cell::new(),
            made: None,
            placing: None,
            verdict: None,
            decision: None,
            caption: None,
            duplicate_of: None,
            likeness: None,
            print: None,
            created: Millis(1),
        };
        assert!(store::dataset_pictures::insert(&mut tx, &picture).await.unwrap());
    }
    tx.commit().await.unwrap();
    let asked = |strength: f64| Asked {
        cell: Cell::new(),
        words: Vec::new(),
        settings: BTreeMap::new(),
        reference_weight: None,
        lora_strength: Some(strength),
        stress: Vec::new(),
        avoid: Vec::new(),
        size_factor: 1.0,
        tried: Tried::default(),
        seed: Seed(1),
    };
    let made = async |strength: f64| {
        let character = store::characters::get(db, mara).await.unwrap();
        let maker = Maker::of(&datasets.making, &character).await.unwrap();
        maker.request(PictureId(Uuid::nil()), &asked(strength), Class::Background).lineage
    };
    let level = async |file: &str| store::loras::lineage_of(db, &[file]).await.unwrap();
    assert_eq!(made(0.8).await, 1, "from words alone");
    let imported = kept(&studio, mara, 201, None).await;
    assert_eq!((level(&imported).await, made(0.8).await), (0, 1), "nobody knows what that was trained on");
    trained(&studio, mara, 301, &["photo"], &["drawn"]).await;
    let first = kept(&studio, mara, 202, Some(run(301))).await;
    assert_eq!((level(&first).await, made(0.8).await), (0, 1), "what was held out taught it nothing");
    trained(&studio, mara, 302, &["photo", "again", "drawn"], &[]).await;
    let second = kept(&studio, mara, 203, Some(run(302))).await;
    assert_eq!((level(&second).await, made(0.8).await), (2, 3));
    assert_eq!(made(0.0).await, 1, "it does not act");
    assert_eq!(store::loras::lineage_of(db, &[&imported, &second, "mine.safetensors"]).await.unwrap(), 2);
    // A reference that was drawn with it is no less.
    let portrait = Portrait {
        id: PortraitId(Uuid::from_u128(400)),
        owner: PortraitOwner::Character(mara),
        view: PortraitView::FullBody,
        file: file("portrait"),
        size: SIZE,
        state: PictureState::Pending,
        source: PortraitSource::Generated,
        made: Some(Made { loras: vec![format!("{second}@0.8")], ..Made::default() }),
        verdict: None,
        decision: None,
        created: Millis(1),
    };
    let mut tx = db.begin().await.unwrap();
    assert!(store::portraits::insert(&mut tx, &portrait).await.unwrap());
    // Taken out of the library, it may still lie where ComfyUI finds it.
    let lora = store::loras::of_character(db, mara).await.unwrap().into_iter().find(|one| one.file == second).unwrap();
    store::loras::remove(&mut tx, lora.id).await.unwrap();
    let placed = PlacedLora {
        folder: "/loras".into(),
        file: second.clone(),
        hash: lora.weights.hash,
        of: Some((run(302), 2)),
        placed: Millis(2),
    };
    store::placed_loras::note(&mut tx, &placed).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(level(&second).await, 2);
    assert_eq!(store::dataset_pictures::lineage_of(db, &[portrait.file.hash]).await.unwrap(), 3);
    // Whose run is gone was trained on something the studio had.
    let mut tx = db.begin().await.unwrap();
    store::trainings::remove(&mut tx, run(301)).await.unwrap();
    store::trainings::remove(&mut tx, run(302)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((level(&first).await, level(&second).await), (1, 1));
}

#[tokio::test]
async fn a_picture_from_outside_that_names_a_lora_of_the_studio_is_above_it() {
    let studio = studio().await;
    let mara = mara(&studio, "Mara").await;
    let datasets = crate::datasets::of(&studio);
    let door = door_with(&studio, datasets);
    let mut tx = studio.context.db.begin().await.unwrap();
    let gone = PlacedLora {
        folder: "/loras".into(),
        file: "mara-e2".into(),
        hash: ContentHash::of(b"weights"),
        of: Some((run(301), 2)),
        placed: Millis(2),
    };
    store::placed_loras::note(&mut tx, &gone).await.unwrap();
    tx.commit().await.unwrap();
    let told = "a woman <lora:mara-e2:0.8>\nSteps: 20, Seed: 7, Model: sd15";
    let path = format!("/api/characters/{mara}/dataset/pictures?name=mara.png");
    let answer = ask(&door, "POST", &path, &[], png(7, Some(("parameters", told)))).await;
    assert_eq!((answer.status, &answer.body["known"]), (201, &json!(0)), "{}", answer.body);
    assert_eq!(pictures(&studio, mara).await[0].lineage, 2);
}
