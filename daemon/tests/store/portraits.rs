//! Portraits: what is on a sheet, what of it is a reference, and what was asked for.

use rstest::rstest;
use studio_core::{
    asset::AssetRef,
    dataset::{Decider, Decision, Made, PictureRequest, PictureState, Reason, Visit},
    ids::{CharacterId, LocationId, PictureId, PortraitId},
    order::{Order, ReviewOrder},
    portrait::{Portrait, PortraitSource},
    task::{Class, PictureJob},
    units::{Millis, Seed, Size},
    views::{PortraitAsked, PortraitOwner, PortraitView, Refinement},
};
use studiod::store::{assets, characters, check, dataset_pictures, datasets, locations, portraits, projects, tasks};

use super::{
    bed::{Bed, Which, raw, write},
    samples::{self, hash, uuid},
};

fn of_mara() -> PortraitOwner {
    PortraitOwner::Character(CharacterId(uuid(50)))
}

fn of_tower() -> PortraitOwner {
    PortraitOwner::Location(LocationId(uuid(51)))
}

fn portrait(number: u128, owner: PortraitOwner, view: PortraitView, file: &str) -> Portrait {
    let refinement = Refinement { of: PortraitId(uuid(69)), words: "older".into(), strength_percent: 40 };
    Portrait {
        id: PortraitId(uuid(number)),
        owner,
        view,
        file: AssetRef { hash: hash(file), ext: "png".into() },
        size: Size { width: 720, height: 1280 },
        state: PictureState::Pending,
        source: PortraitSource::Refined { refinement },
        made: Some(Made { seed: Some(Seed(7)), prompt: "face".into(), ..Made::default() }),
        verdict: None,
        decision: None,
        created: Millis(1000 + number as i64),
    }
}

fn decision(at: i64) -> Decision {
    Decision { by: Decider::Person, at: Millis(at), reason: Reason::Good, note: "good".into() }
}

fn request(job: PictureJob) -> PictureRequest {
    PictureRequest {
        job,
        order: Order::Review(ReviewOrder {
            subject: AssetRef { hash: hash("a"), ext: "png".into() },
            expected: None,
            reference: None,
            anchor: None,
            may_stand_still: true,
            dataset: true,
            describe: false,
            candidates: Vec::new(),
            turn: 0,
            shown: None,
        }),
        engine: "draft.judge".into(),
        model: String::new(),
        kind: "portrait review".into(),
        project: "p".into(),
        guess_ms: 1,
        class: Class::Background,
        made: Made::default(),
        lineage: 1,
        person_approves: true,
        visit: Visit::Judge,
        portrait: job.makes().then_some(PortraitAsked { view: PortraitView::Face, refines: None }),
    }
}

#[rstest]
#[tokio::test]
async fn what_is_approved_is_a_reference_until_it_is_taken_back(
    #[values(Which::Sqlite, Which::Postgres)] which: Which,
) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    samples::one_shot(&db).await;
    write!(db, |tx| characters::upsert(tx, &samples::character(50, "mara"))).unwrap();
    write!(db, |tx| locations::upsert(tx, &samples::location(51, "tower"))).unwrap();
    for file in ["a", "b", "c"] {
        write!(db, |tx| assets::insert(tx, &samples::asset(file, None))).unwrap();
    }
    let (face, body) =
        (portrait(61, of_mara(), PortraitView::Face, "a"), portrait(62, of_mara(), PortraitView::FullBody, "b"));
    let tower = portrait(63, of_tower(), PortraitView::Establishing, "c");
    for one in [&face, &body, &tower] {
        assert!(write!(db, |tx| portraits::insert(tx, one)).unwrap());
        assert_eq!(&portraits::get(&db, one.id).await.unwrap(), one);
    }
    let again = Portrait { id: PortraitId(uuid(64)), ..face.clone() };
    assert!(!write!(db, |tx| portraits::insert(tx, &again)).unwrap(), "that very file of that view is there");
    assert_eq!(portraits::of_owner(&db, of_mara()).await.unwrap(), [face.clone(), body.clone()]);
    assert_eq!(portraits::find(&db, &face.id.to_string()[..36]).await.unwrap(), [face.id]);
    assert_eq!(portraits::of_file(&db, of_mara(), PortraitView::Face, hash("a")).await.unwrap(), Some(face.clone()));
    assert_eq!(portraits::unseen(&db, samples::project().id, 9).await.unwrap().len(), 3);

    let sheet = async || {
        let sheet = characters::sheet(&db, CharacterId(uuid(50))).await.unwrap();
        sheet.references.into_iter().map(|one| one.hash).collect::<Vec<_>>()
    };
    for one in [&face, &body, &tower] {
        let said = Some(decision(2000));
        assert!(write!(db, |tx| portraits::decide(tx, &db, one, PictureState::Approved, said.as_ref())).unwrap());
    }
    assert_eq!(sheet().await, [hash("b"), hash("a")]);
    let place = locations::sheet(&db, LocationId(uuid(51))).await.unwrap();
    assert_eq!(place.references, std::slice::from_ref(&tower.file));
    assert!(portraits::unseen(&db, samples::project().id, 9).await.unwrap().is_empty());
    let approved = portraits::get(&db, body.id).await.unwrap();
    assert_eq!((approved.state, approved.decision.as_ref()), (PictureState::Approved, Some(&decision(2000))));
    let rejected = PictureState::Rejected;
    assert!(write!(db, |tx| portraits::decide(tx, &db, &approved, rejected, Some(&decision(3000)))).unwrap());
    assert_eq!(sheet().await, [hash("a")]);
    assert!(portraits::in_use(&db, Millis(3000)).await.unwrap().contains(&hash("b")), "as long as it may be wanted");
    assert!(!portraits::in_use(&db, Millis(3001)).await.unwrap().contains(&hash("b")));
    // The same file as another view stays a reference while one of them is approved.
    let twin = portrait(65, of_mara(), PortraitView::Smile, "a");
    write!(db, |tx| portraits::insert(tx, &twin)).unwrap();
    assert!(write!(db, |tx| portraits::decide(tx, &db, &twin, PictureState::Approved, Some(&decision(4)))).unwrap());
    let twin = portraits::get(&db, twin.id).await.unwrap();
    assert!(write!(db, |tx| portraits::decide(tx, &db, &twin, PictureState::Pending, None)).unwrap());
    assert_eq!(sheet().await, [hash("a")]);
    assert!(assets::is_of(&db, hash("c"), samples::project().id).await.unwrap());
    assert!(!assets::is_nobodys(&db, hash("c")).await.unwrap());
    assert_eq!(check::invariants(&db).await.unwrap(), Vec::<String>::new());
    write!(db, |tx| portraits::remove(tx, body.id)).unwrap();
    assert!(portraits::get(&db, body.id).await.is_err());
    write!(db, |tx| projects::remove(tx, samples::project().id)).unwrap();
    assert!(portraits::of_owner(&db, of_mara()).await.unwrap().is_empty());
    assert!(portraits::of_owner(&db, of_tower()).await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn a_full_sheet_takes_no_more(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    samples::one_shot(&db).await;
    write!(db, |tx| characters::upsert(tx, &samples::character(50, "mara"))).unwrap();
    for number in 0..17_u128 {
        let file = format!("file {number}");
        write!(db, |tx| assets::insert(tx, &samples::asset(&file, None))).unwrap();
        let one = portrait(100 + number, of_mara(), PortraitView::Side, &file);
        write!(db, |tx| portraits::insert(tx, &one)).unwrap();
        let kept =
            write!(db, |tx| portraits::decide(tx, &db, &one, PictureState::Approved, Some(&decision(1)))).unwrap();
        assert_eq!(kept, number < 16);
    }
    let last = portraits::get(&db, PortraitId(uuid(116))).await.unwrap();
    assert_eq!((last.state, last.decision), (PictureState::Pending, None), "nothing of it is changed");
}

#[rstest]
#[tokio::test]
async fn what_is_asked_for_a_sheet_is_nothing_of_a_dataset(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    samples::one_shot(&db).await;
    let mara = write!(db, |tx| characters::upsert(tx, &samples::character(50, "mara"))).unwrap().id;
    write!(db, |tx| locations::upsert(tx, &samples::location(51, "tower"))).unwrap();
    let jobs = [
        PictureJob::Picture { character: mara, picture: PictureId(uuid(71)) },
        PictureJob::Portrait { owner: of_mara(), portrait: PortraitId(uuid(72)) },
        PictureJob::Portrait { owner: of_tower(), portrait: PortraitId(uuid(73)) },
        PictureJob::PortraitReview { owner: of_tower(), portrait: PortraitId(uuid(74)) },
    ];
    for (job, id) in jobs.into_iter().zip(40..) {
        let task = write!(db, |tx| tasks::upsert(tx, &samples::task(id, None, &job.to_string()))).unwrap();
        let asked = request(job);
        write!(db, |tx| datasets::insert_request(tx, task, &asked, false, Millis(7))).unwrap();
        assert_eq!(datasets::request_of(&db, task).await.unwrap(), Some(asked));
    }
    assert_eq!(datasets::ever_asked(&db, mara).await.unwrap(), (1, Millis(0)));
    assert_eq!(datasets::asked(&db, mara, Millis(0)).await.unwrap().len(), 1);
    assert_eq!(datasets::open_requests(&db).await.unwrap().len(), 4);
    assert_eq!(
        (portraits::open(&db, of_mara()).await.unwrap().len(), portraits::open(&db, of_tower()).await.unwrap().len()),
        (1, 2)
    );
    assert_eq!(portraits::ever_asked(&db, of_tower()).await.unwrap(), 1);
    // A database from before there were portraits: what was asked for datasets is still there.
    raw(&db, "drop table portraits").await;
    raw(&db, "drop table dataset_requests").await;
    let before = include_str!("../../../migrations/0019_datasets.sql");
    let table = &before[before.find("create table dataset_requests").unwrap()..];
    raw(&db, &table[..=table.find(");").unwrap()]).await;
    let text = serde_json::to_string(&request(jobs[0])).unwrap();
    let (task, picture) = (uuid(40), uuid(71));
    let row = format!(
        "insert into dataset_requests (task_id, character_id, picture_id, makes, automatic, state, request, asked_ms)
         values ('{task}', '{mara}', '{picture}', true, false, 'open', '{text}', 7)"
    );
    raw(&db, &row).await;
    raw(&db, "delete from _sqlx_migrations where version = 22").await;
    drop(db);
    let db = bed.open().await;
    let open = datasets::open_requests(&db).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].1.as_ref().unwrap().job, jobs[0]);
    assert_eq!(datasets::asked(&db, mara, Millis(0)).await.unwrap().len(), 1);
}

#[rstest]
#[tokio::test]
async fn a_portrait_is_a_level_above_the_one_it_began_with(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    samples::one_shot(&db).await;
    write!(db, |tx| characters::upsert(tx, &samples::character(50, "mara"))).unwrap();
    let of = |number: u128, file: &str, source: PortraitSource| Portrait {
        source,
        ..portrait(number, of_mara(), PortraitView::Face, file)
    };
    let refined = |of: u128| {
        let refinement = Refinement { of: PortraitId(uuid(of)), words: "older".into(), strength_percent: 40 };
        PortraitSource::Refined { refinement }
    };
    let upload = || PortraitSource::Upload { name: "a.png".into() };
    let all = [
        of(61, "sent", upload()),
        of(62, "made", PortraitSource::Generated),
        of(63, "of what was sent", refined(61)),
        of(64, "of what was made", refined(62)),
        of(65, "of that", refined(64)),
        of(66, "of what is gone", refined(69)),
    ];
    for one in &all {
        assert!(write!(db, |tx| portraits::insert(tx, one)).unwrap());
    }
    for (file, level) in [
        ("sent", 0),
        ("made", 1),
        ("of what was sent", 1),
        ("of what was made", 2),
        ("of that", 3),
        ("of what is gone", 2),
        ("nobody's", 0),
    ] {
        assert_eq!(portraits::lineage_of(&db, hash(file)).await.unwrap(), level, "{file}");
        assert_eq!(dataset_pictures::lineage_of(&db, &[hash(file)]).await.unwrap(), level, "{file}");
    }
    let both = [hash("sent"), hash("of that"), hash("made")];
    assert_eq!(dataset_pictures::lineage_of(&db, &both).await.unwrap(), 3, "the highest counts");
}
