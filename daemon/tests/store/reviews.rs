//! Reviews of many pictures and pictures without a name: counted, stopped, named, the same in both databases.

use rstest::rstest;
use studio_core::{
    asset::AssetRef,
    dataset::{
        Cell, Made, Outcome, PictureRequest, Placing, Review, ReviewCounts, ReviewState, Source, UnnamedPicture, Visit,
    },
    ids::{CharacterId, PictureId, ReviewId, TaskId},
    review::Identity,
    task::{Class, PictureJob},
    units::{Millis, Score, Size},
};
use studiod::store::{
    assets, characters, dataset_pictures, dataset_reviews, datasets, projects, tasks, unnamed_pictures,
};

use super::{
    bed::{Bed, Which, write},
    samples::{self, hash, uuid},
};

fn unnamed(number: u128, file: &str) -> UnnamedPicture {
    UnnamedPicture {
        id: PictureId(uuid(number)),
        project_id: samples::project().id,
        file: AssetRef { hash: hash(file), ext: "png".into() },
        size: Size { width: 512, height: 512 },
        source: Source::Upload { name: "a.png".into() },
        made: None,
        caption: None,
        identity: None,
        created: Millis(1),
    }
}

fn request(picture: u128) -> PictureRequest {
    PictureRequest {
        job: PictureJob::PictureReview { character: CharacterId(uuid(50)), picture: PictureId(uuid(picture)) },
        order: samples::attempt(1, TaskId(uuid(1)), "key").order,
        engine: "ollama".into(),
        model: String::new(),
        kind: "dataset review".into(),
        project: String::new(),
        guess_ms: 1,
        class: Class::Production,
        made: Made::default(),
        lineage: 0,
        person_approves: false,
        portrait: None,
        visit: Visit::Judge,
    }
}

#[rstest]
#[tokio::test]
async fn what_came_of_a_review_is_counted_and_a_stop_is_no_failure(
    #[values(Which::Sqlite, Which::Postgres)] which: Which,
) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    write!(db, |tx| projects::upsert(tx, &samples::project())).unwrap();
    write!(db, |tx| characters::upsert(tx, &samples::character(50, "mara"))).unwrap();
    let mara = CharacterId(uuid(50));
    let review = Review {
        id: ReviewId(uuid(90)),
        character_id: mara,
        visit: Visit::Describe,
        asked: Millis(5),
        stopped: false,
        counts: ReviewCounts::default(),
    };
    write!(db, |tx| dataset_reviews::insert(tx, &review)).unwrap();
    for number in 1..=3 {
        let task = samples::task(70 + number, None, &format!("picture {number}/review"));
        write!(db, |tx| tasks::upsert(tx, &task)).unwrap();
        write!(db, |tx| datasets::insert_request(tx, task.id, &request(60 + number), false, Millis(6))).unwrap();
        write!(db, |tx| dataset_reviews::add(tx, review.id, task.id)).unwrap();
    }
    let end = async |number: u128, outcome| {
        let task = TaskId(uuid(70 + number));
        write!(db, |tx| datasets::end_request(tx, task, outcome == Outcome::Described)).unwrap();
        write!(db, |tx| dataset_reviews::end(tx, task, outcome)).unwrap();
    };
    end(1, Outcome::Described).await;
    end(2, Outcome::Failed).await;
    let now = dataset_reviews::get(&db, review.id).await.unwrap();
    assert_eq!(
        (now.state(), now.counts.asked, now.counts.described, now.counts.failed),
        (ReviewState::Running, 3, 1, 1)
    );
    assert_eq!(dataset_reviews::open_of(&db, review.id).await.unwrap(), [TaskId(uuid(73))]);
    write!(db, |tx| dataset_reviews::stop(tx, review.id)).unwrap();
    assert_eq!(dataset_reviews::stopped(&db).await.unwrap(), [TaskId(uuid(73))]);
    end(3, Outcome::Failed).await;
    let now = dataset_reviews::get(&db, review.id).await.unwrap();
    assert_eq!((now.state(), now.counts.stopped, now.counts.failed), (ReviewState::Stopped, 1, 1));
    assert_eq!(dataset_reviews::of_character(&db, mara).await.unwrap(), [now]);
    // Tried again for itself, it is no longer part of what was stopped.
    write!(db, |tx| datasets::reopen_request(tx, TaskId(uuid(73)))).unwrap();
    assert!(dataset_reviews::stopped(&db).await.unwrap().is_empty());
    assert!(dataset_reviews::being_judged(&db, mara).await.unwrap().is_empty(), "there are no such pictures");
}

#[rstest]
#[tokio::test]
async fn a_picture_without_a_name_is_asked_about_named_and_placed(
    #[values(Which::Sqlite, Which::Postgres)] which: Which,
) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    write!(db, |tx| projects::upsert(tx, &samples::project())).unwrap();
    write!(db, |tx| characters::upsert(tx, &samples::character(50, "mara"))).unwrap();
    write!(db, |tx| assets::insert(tx, &samples::asset("photo", None))).unwrap();
    let (mara, project, picture) = (CharacterId(uuid(50)), samples::project().id, unnamed(60, "photo"));
    assert!(write!(db, |tx| unnamed_pictures::insert(tx, &picture)).unwrap());
    assert!(!write!(db, |tx| unnamed_pictures::insert(tx, &unnamed(61, "photo"))).unwrap(), "kept once");
    assert!(assets::is_of(&db, hash("photo"), project).await.unwrap());
    assert!(!assets::is_nobodys(&db, hash("photo")).await.unwrap());
    assert_eq!(unnamed_pictures::unasked(&db, 9).await.unwrap(), std::slice::from_ref(&picture));
    let identity = Identity {
        judge: "ollama eye".into(),
        character: Some(mara),
        confidence: Some(Score::from_percent(70)),
        reason: "the coat".into(),
    };
    write!(db, |tx| unnamed_pictures::set_identity(tx, picture.id, Some(&identity))).unwrap();
    assert!(unnamed_pictures::unasked(&db, 9).await.unwrap().is_empty());
    let known = unnamed_pictures::of_project(&db, project).await.unwrap().remove(0);
    assert_eq!(known.identity, Some(identity));
    assert_eq!(unnamed_pictures::in_use(&db).await.unwrap(), [hash("photo")]);
    assert!(write!(db, |tx| unnamed_pictures::name(tx, known, mara, Millis(9))).unwrap());
    assert!(unnamed_pictures::of_project(&db, project).await.unwrap().is_empty());
    let cell: Cell = [("angle".to_owned(), "side".to_owned())].into();
    let mut placing = Placing::default();
    placing.said(&Cell::new(), &cell);
    write!(db, |tx| dataset_pictures::place(tx, picture.id, &cell, &placing)).unwrap();
    let there = dataset_pictures::get(&db, picture.id).await.unwrap();
    assert_eq!((there.character_id, there.cell, there.placing), (mara, cell, Some(placing)));
    assert!(dataset_pictures::judged(&db).await.unwrap().is_empty(), "nobody has judged it");
}
