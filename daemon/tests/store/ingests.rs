//! Videos on their way into a dataset.

use rstest::rstest;
use studio_core::{
    dataset::{
        Excerpt, Ingest, IngestCounts, IngestFault, IngestProgress, IngestSource, IngestState, IngestStep, Rights,
    },
    ids::{CharacterId, IngestId},
    units::Millis,
};
use studiod::store::{Db, Error, characters, check, ingests, projects};

use super::{
    bed::{Bed, Which, write},
    samples::{self, uuid},
};

async fn somebody(db: &Db) -> CharacterId {
    let character = samples::character(5, "mara");
    write!(db, |tx| projects::upsert(tx, &samples::project())).unwrap();
    write!(db, |tx| characters::upsert(tx, &character)).unwrap().id
}

fn ingest(number: u128, character: CharacterId) -> Ingest {
    Ingest {
        id: IngestId(uuid(number)),
        character_id: character,
        source: IngestSource::Video { name: "film.mp4".into() },
        excerpt: Excerpt { from_ms: 500, to_ms: Some(9000), most: 30 },
        state: IngestState::Waiting,
        progress: IngestProgress { step: IngestStep::Look, done: 0, of: 0 },
        counts: IngestCounts::default(),
        fault: None,
        created: Millis(7),
        began: None,
        ended: None,
    }
}

#[rstest]
#[tokio::test]
async fn an_ingest_goes_its_way_and_stays_as_it_ended(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let mara = somebody(&db).await;
    let (first, second) = (ingest(90, mara), ingest(91, mara));
    write!(db, |tx| ingests::insert(tx, &first)).unwrap();
    write!(db, |tx| ingests::insert(tx, &second)).unwrap();
    assert_eq!(ingests::get(&db, first.id).await.unwrap(), first);
    assert_eq!(ingests::of_character(&db, mara).await.unwrap(), [second.clone(), first.clone()], "newest first");
    // Whoever has begun goes first.
    assert!(write!(db, |tx| ingests::begin(tx, second.id, Millis(8))).unwrap());
    assert!(write!(db, |tx| ingests::begin(tx, second.id, Millis(9))).unwrap(), "once more after a restart");
    let open = ingests::open(&db).await.unwrap();
    assert_eq!(open.iter().map(|one| one.id).collect::<Vec<_>>(), [second.id, first.id]);
    assert_eq!((open[0].state, open[0].began), (IngestState::Running, Some(Millis(8))));
    // What does not run is not gone on with.
    let (progress, counts) = (
        IngestProgress { step: IngestStep::Take, done: 2, of: 3 },
        IngestCounts { arrived: 1, duplicates: 1, refused: 0 },
    );
    let rights = Rights { may_use: true, at: Millis(3), licence: "CC0".into() };
    let source = IngestSource::Url { url: "https://films.example/x".into(), title: "A walk".into(), rights };
    assert!(!write!(db, |tx| ingests::advance(tx, first.id, &progress, &counts)).unwrap());
    assert!(!write!(db, |tx| ingests::set_chosen(tx, first.id, &[1])).unwrap());
    assert_eq!(ingests::chosen(&db, second.id).await.unwrap(), None);
    assert!(write!(db, |tx| ingests::set_chosen(tx, second.id, &[40, 2000, 7040])).unwrap());
    assert!(write!(db, |tx| ingests::set_source(tx, second.id, &source)).unwrap());
    assert!(write!(db, |tx| ingests::advance(tx, second.id, &progress, &counts)).unwrap());
    assert_eq!(ingests::chosen(&db, second.id).await.unwrap(), Some(vec![40, 2000, 7040]));
    let fault = IngestFault::Damaged { said: "cut off".into() };
    let end = async |id, state, fault: Option<&IngestFault>| {
        write!(db, |tx| ingests::end(tx, id, state, fault, Millis(20))).unwrap()
    };
    assert!(end(second.id, IngestState::Failed, Some(&fault)).await);
    assert!(!end(second.id, IngestState::Cancelled, None).await, "it is over");
    let ended = ingests::get(&db, second.id).await.unwrap();
    let wanted = Ingest {
        source,
        state: IngestState::Failed,
        progress,
        counts,
        fault: Some(fault),
        began: Some(Millis(8)),
        ended: Some(Millis(20)),
        ..second
    };
    assert_eq!(ended, wanted);
    assert_eq!(ingests::open_ids(&db).await.unwrap(), [first.id]);
    assert_eq!(check::invariants(&db).await.unwrap(), Vec::<String>::new());
    // With a character its videos go.
    write!(db, |tx| projects::remove(tx, samples::project().id)).unwrap();
    assert!(matches!(ingests::get(&db, first.id).await, Err(Error::NotFound { .. })));
}

#[rstest]
#[tokio::test]
async fn those_that_ended_long_ago_are_forgotten_and_no_others(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let mara = somebody(&db).await;
    for number in 90..96 {
        let one = ingest(number, mara);
        write!(db, |tx| ingests::insert(tx, &one)).unwrap();
        if number != 91 {
            write!(db, |tx| ingests::end(tx, one.id, IngestState::Done, None, Millis(30))).unwrap();
        }
    }
    write!(db, |tx| ingests::forget_old(tx, mara, 2)).unwrap();
    let left: Vec<IngestId> = ingests::of_character(&db, mara).await.unwrap().iter().map(|one| one.id).collect();
    assert_eq!(left, [95, 94, 91].map(|number| IngestId(uuid(number))));
}
