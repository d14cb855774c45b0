//! The history of a picture, back and forward, and which files of LoRAs the studio wrote.

use rstest::rstest;
use studio_core::{
    asset::AssetRef,
    ids::{LoraId, ProjectId, TrainingId},
    lora::{Architecture, KeptLora},
    units::Millis,
};
use studiod::store::{
    assets::{self, Asset},
    characters, loras, picture_history,
    picture_history::RelatedKind,
    placed_loras::{self, PlacedLora},
    takes,
};

use super::{
    bed::{Bed, Which, raw, write},
    samples::{self, hash, uuid},
};

#[rstest]
#[tokio::test]
async fn a_picture_is_followed_back_and_forward_within_its_project(
    #[values(Which::Sqlite, Which::Postgres)] which: Which,
) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (_, _, shot) = samples::one_shot(&db).await;
    let mara = samples::character(50, "mara");
    let project = mara.project_id;
    write!(db, |tx| characters::upsert(tx, &mara)).unwrap();
    for (file, inputs) in [("reference", vec![]), ("made", vec!["reference"]), ("take", vec!["made", "elsewhere"])] {
        let inputs = inputs.into_iter().map(hash).collect();
        let asset = Asset { inputs, ..samples::asset(file, None) };
        write!(db, |tx| assets::insert(tx, &asset)).unwrap();
    }
    for (id, file) in [(60, "reference"), (61, "made")] {
        let (picture, of, file) = (uuid(id), mara.id, hash(file));
        let row = format!(
            "insert into dataset_pictures (id, character_id, asset, ext, width, height, state, source, lineage, cell, created_ms)
             values ('{picture}', '{of}', '{file}', 'png', 64, 64, 'pending', '{{\"from\":\"generated\"}}', 0, '{{}}', 7)"
        );
        raw(&db, &row).await;
    }
    let take = samples::take(30, shot.id, 1, "take");
    write!(db, |tx| takes::upsert(tx, &take)).unwrap();
    let seen = |all: Vec<picture_history::Related>| all.into_iter().map(|one| (one.what, one.id)).collect::<Vec<_>>();
    let back = async |file: &str| seen(picture_history::made_from(&db, hash(file), project).await.unwrap());
    let forward = async |file: &str| seen(picture_history::led_to(&db, hash(file), project).await.unwrap());
    assert_eq!(back("made").await, [(RelatedKind::Picture, uuid(60))]);
    assert_eq!(back("reference").await, []);
    assert_eq!(forward("reference").await, [(RelatedKind::Picture, uuid(61))]);
    assert_eq!(forward("made").await, [(RelatedKind::Take, uuid(30))]);
    let other = ProjectId(uuid(99));
    assert_eq!(picture_history::led_to(&db, hash("made"), other).await.unwrap(), [], "of its own project alone");
    assert_eq!(picture_history::trained(&db, hash("made"), project).await.unwrap(), []);
}

#[rstest]
#[tokio::test]
async fn files_of_loras_that_were_written_are_known_with_what_wants_them(
    #[values(Which::Sqlite, Which::Postgres)] which: Which,
) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    samples::one_shot(&db).await;
    let mara = samples::character(50, "mara");
    write!(db, |tx| characters::upsert(tx, &mara)).unwrap();
    let run = TrainingId(uuid(70));
    let placed = |file: &str, of: Option<(TrainingId, u32)>, at: i64| PlacedLora {
        folder: "/loras".into(),
        file: file.into(),
        hash: hash(file),
        of,
        placed: Millis(at),
    };
    // A studio of before kept nothing but its library; once anything is kept, what is not is somebody else's.
    let kept = KeptLora {
        id: LoraId(uuid(71)),
        project_id: mara.project_id,
        character_id: Some(mara.id),
        name: String::new(),
        instead: false,
        architecture: Architecture::Sd15,
        file: "c".into(),
        weights: AssetRef { hash: hash("c"), ext: "safetensors".into() },
        bytes: 1,
        trigger: String::new(),
        strength: 80,
        active: false,
        training_id: None,
        epoch: None,
        created: Millis(7),
    };
    write!(db, |tx| loras::insert(tx, &kept)).unwrap();
    write!(db, |tx| placed_loras::adopt(tx, "/loras", Millis(8))).unwrap();
    let later = KeptLora {
        id: LoraId(uuid(72)),
        file: "d".into(),
        weights: AssetRef { hash: hash("d"), ext: "safetensors".into() },
        ..kept.clone()
    };
    write!(db, |tx| loras::insert(tx, &later)).unwrap();
    write!(db, |tx| placed_loras::adopt(tx, "/loras", Millis(9))).unwrap();
    assert_eq!(placed_loras::get(&db, "/loras", "d").await.unwrap(), None);
    let (two, gone) = (placed("a-e2", Some((run, 2)), 5), placed("b", None, 6));
    for one in [&two, &gone] {
        write!(db, |tx| placed_loras::note(tx, one)).unwrap();
    }
    assert_eq!(placed_loras::get(&db, "/loras", "a-e2").await.unwrap(), Some(two.clone()));
    assert_eq!(placed_loras::get(&db, "/other", "a-e2").await.unwrap(), None);
    let name = async |epoch| placed_loras::name_of(&db, run, epoch).await.unwrap();
    assert_eq!((name(2).await.as_deref(), name(3).await), (Some("a-e2"), None));
    // The name it was first put there under is its name.
    write!(db, |tx| placed_loras::note(tx, &placed("later-e2", Some((run, 2)), 9))).unwrap();
    assert_eq!(name(2).await.as_deref(), Some("a-e2"));
    let wanted = async || {
        let all = placed_loras::all(&db).await.unwrap().into_iter();
        all.map(|(one, is_wanted)| (one.file, is_wanted)).collect::<Vec<_>>()
    };
    let with = |name: &str, is_wanted: bool| (name.to_owned(), is_wanted);
    assert_eq!(wanted().await, [with("a-e2", false), with("b", false), with("c", true), with("later-e2", false)]);
    write!(db, |tx| placed_loras::remove(tx, "/loras", "b")).unwrap();
    write!(db, |tx| loras::remove(tx, kept.id)).unwrap();
    assert_eq!(wanted().await, [with("a-e2", false), with("c", false), with("later-e2", false)]);
}
