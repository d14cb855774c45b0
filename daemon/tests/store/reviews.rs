//! Reviews of many pictures and pictures without a name: counted, stopped, named, the same in both databases.

use rstest::rstest;
use studio_core::{
    asset::AssetRef,
    dataset::{
        Caption, Cell, Dataset, DatasetSettings, Made, Outcome, PictureRequest, Placing, Review, ReviewCounts,
        ReviewState, Source, UnnamedPicture, Visit,
    },
    ids::{CharacterId, PictureId, ProjectId, ReviewId, TaskId},
    project::Project,
    review::Identity,
    task::{Class, PictureJob},
    units::{Millis, Score, Size},
};
use studiod::store::{
    assets, characters, dataset_pictures, dataset_reviews, datasets, projects, tasks,
    unnamed_pictures::{self, Named},
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
    assert_eq!(unnamed_pictures::unasked(&db, project, 9).await.unwrap(), std::slice::from_ref(&picture));
    let identity = Identity {
        judge: "ollama eye".into(),
        character: Some(mara),
        confidence: Some(Score::from_percent(70)),
        reason: "the coat".into(),
    };
    write!(db, |tx| unnamed_pictures::set_identity(tx, picture.id, Some(&identity))).unwrap();
    assert!(unnamed_pictures::unasked(&db, project, 9).await.unwrap().is_empty());
    let known = unnamed_pictures::of_project(&db, project).await.unwrap().remove(0);
    assert_eq!(known.identity, Some(identity));
    assert_eq!(unnamed_pictures::in_use(&db).await.unwrap(), [hash("photo")]);
    let somebody = samples::character(50, "mara");
    let named = write!(db, |tx| unnamed_pictures::name(tx, &db, known, &somebody, Millis(9))).unwrap();
    assert_eq!(named, Named::Added);
    assert!(unnamed_pictures::of_project(&db, project).await.unwrap().is_empty());
    let cell: Cell = [("angle".to_owned(), "side".to_owned())].into();
    let mut placing = Placing::default();
    placing.said(&Cell::new(), &cell);
    write!(db, |tx| dataset_pictures::place(tx, picture.id, &cell, &placing)).unwrap();
    let there = dataset_pictures::get(&db, picture.id).await.unwrap();
    assert_eq!((there.character_id, there.cell, there.placing), (mara, cell, Some(placing)));
    assert!(dataset_pictures::judged(&db).await.unwrap().is_empty(), "nobody has judged it");
}

fn captioned(number: u128, file: &str, text: &str) -> UnnamedPicture {
    UnnamedPicture { caption: Some(Caption { text: text.into(), by_person: true }), ..unnamed(number, file) }
}

#[rstest]
#[tokio::test]
async fn a_caption_comes_along_without_the_words_in_front_also_to_a_picture_that_is_there(
    #[values(Which::Sqlite, Which::Postgres)] which: Which,
) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    write!(db, |tx| projects::upsert(tx, &samples::project())).unwrap();
    let (mara, ben) = (samples::character(50, "mara"), samples::character(51, "ben"));
    for one in [&mara, &ben] {
        write!(db, |tx| characters::upsert(tx, one)).unwrap();
    }
    let said = |trigger: &str| DatasetSettings {
        trigger: trigger.into(),
        class_word: "woman".into(),
        ..DatasetSettings::default()
    };
    let dataset = Dataset { settings: said("mirax7"), ..Dataset::new(mara.id) };
    write!(db, |tx| datasets::set(tx, &dataset)).unwrap();
    let dataset = Dataset { settings: said("benz9"), ..Dataset::new(ben.id) };
    write!(db, |tx| datasets::set(tx, &dataset)).unwrap();
    let name = async |picture: &UnnamedPicture| {
        assert!(write!(db, |tx| unnamed_pictures::insert(tx, picture)).unwrap());
        let named = write!(db, |tx| unnamed_pictures::name(tx, &db, picture.clone(), &mara, Millis(9))).unwrap();
        let there = dataset_pictures::of_file(&db, mara.id, picture.file.hash).await.unwrap().unwrap();
        (named, there.id, there.caption.map(|caption| caption.text))
    };
    // Written for training, as hers or by mistake as his.
    let (_, _, text) = name(&captioned(60, "a", "mirax7, woman, red coat")).await;
    assert_eq!(text.as_deref(), Some("red coat"));
    let (_, _, text) = name(&captioned(61, "b", "benz9, woman, mirax7, red coat")).await;
    assert_eq!(text.as_deref(), Some("red coat"));
    let (_, _, text) = name(&captioned(62, "c", "mirax7, woman")).await;
    assert_eq!(text, None, "nothing is left");
    // That very file is there by now, and nobody has said anything of it.
    let (named, there, text) = name(&captioned(63, "c", "in the rain")).await;
    assert_eq!(
        (named, there, text.as_deref()),
        (Named::Known(PictureId(uuid(62))), PictureId(uuid(62)), Some("in the rain"))
    );
    let (_, _, text) = name(&captioned(64, "c", "in the sun")).await;
    assert_eq!(text.as_deref(), Some("in the rain"), "what a person wrote stays");
    assert!(unnamed_pictures::of_project(&db, samples::project().id).await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_worked_on_takes_nobodys_place(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let project = samples::project();
    let empty = Project { id: ProjectId(uuid(7)), slug: "empty".into(), title: "Empty".into(), ..samples::project() };
    for one in [&project, &empty] {
        write!(db, |tx| projects::upsert(tx, one)).unwrap();
    }
    write!(db, |tx| characters::upsert(tx, &samples::character(50, "mara"))).unwrap();
    for number in 0..30 {
        let blocked = UnnamedPicture { project_id: empty.id, ..unnamed(100 + number, &format!("blocked {number}")) };
        write!(db, |tx| unnamed_pictures::insert(tx, &blocked)).unwrap();
    }
    let good = unnamed(500, "good");
    write!(db, |tx| unnamed_pictures::insert(tx, &good)).unwrap();
    let asked = unnamed_pictures::projects_unasked(&db).await.unwrap();
    assert_eq!(asked, [project.id], "where nobody is, nobody is asked for");
    assert_eq!(unnamed_pictures::unasked(&db, project.id, 24).await.unwrap(), std::slice::from_ref(&good));
    // Pages of those meet, whatever their order.
    for oldest in [true, false] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = unnamed_pictures::page(&db, empty.id, oldest, after, 7).await.unwrap();
            seen.extend(page.iter().map(|one| one.id));
            if page.len() < 7 {
                break;
            }
            after = page.last().map(|one| one.id);
        }
        assert!(seen.len() == 30 && seen.is_sorted_by(|a, b| if oldest { a < b } else { a > b }), "{seen:?}");
    }
    // Asked about once more it is another turn.
    for (number, state) in [(71, Some(true)), (72, Some(false)), (73, None)] {
        let task = samples::task(number, None, &format!("picture {number}/review"));
        write!(db, |tx| tasks::upsert(tx, &task)).unwrap();
        write!(db, |tx| datasets::insert_request(tx, task.id, &request(500), false, Millis(6))).unwrap();
        if let Some(done) = state {
            write!(db, |tx| datasets::end_request(tx, task.id, done)).unwrap();
        }
    }
    assert_eq!(unnamed_pictures::times_asked(&db, good.id).await.unwrap(), 2);
    assert!(unnamed_pictures::projects_unasked(&db).await.unwrap().is_empty(), "it is being asked about");
}
