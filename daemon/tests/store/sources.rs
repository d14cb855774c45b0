//! What comes into datasets from elsewhere: which stills count, what was seen, what something was made with.

use rstest::rstest;
use studio_core::{
    asset::AssetRef,
    dataset::{Caption, Cell, Picture, PictureState, Source},
    ids::{CharacterId, PictureId, TaskId},
    production::Override,
    take::{Subject, Take},
    task::AttemptState,
    units::{Millis, Size},
};
use studiod::store::{
    Db, assets, attempts, by_hand, characters, dataset_pictures,
    dataset_seen::{self, Place, Seen},
    opinions::{self, Opinion},
    takes, tasks,
};

use super::{
    bed::{Bed, Which, write},
    samples::{self, hash, uuid},
};

/// Files of the stills that are found, in the order of their takes.
async fn found(db: &Db, fresh: bool) -> Vec<String> {
    let mara = characters::get(db, CharacterId(uuid(50))).await.unwrap();
    let all = takes::stills_of(db, &mara, None, fresh).await.unwrap();
    let name = |still: takes::Still| {
        let names = ["a", "b", "c"];
        let name = names.into_iter().find(|name| hash(name) == still.placed.take.asset).unwrap();
        format!("{name}{}", if still.approved { " approved" } else { "" })
    };
    all.into_iter().map(name).collect()
}

#[rstest]
#[tokio::test]
async fn stills_count_that_are_in_the_film_or_that_a_person_wants(
    #[values(Which::Sqlite, Which::Postgres)] which: Which,
) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, _, shot) = samples::one_shot(&db).await;
    write!(db, |tx| characters::upsert(tx, &samples::character(50, "mara"))).unwrap();
    for (number, file) in [(1, "a"), (2, "b"), (3, "c")] {
        write!(db, |tx| assets::insert(tx, &samples::asset(file, None))).unwrap();
        let take = samples::take(80 + u128::from(number), shot.id, number, file);
        let take = Take { subject: Subject::Still, ..take };
        write!(db, |tx| takes::upsert(tx, &take)).unwrap();
    }
    assert!(found(&db, false).await.is_empty(), "nobody wants any");
    let first = samples::take(81, shot.id, 1, "a").id;
    write!(db, |tx| takes::choose(tx, shot.id, Subject::Still, first)).unwrap();
    let good = |good| Opinion { good, why: String::new(), issues: Vec::new() };
    write!(db, |tx| opinions::set(tx, hash("b"), &good(true), None, Millis(1))).unwrap();
    assert_eq!(found(&db, false).await, ["a", "b"]);
    let ruling = Override::plain("scene 1/shot 1/still".parse().unwrap(), "a lamp".into());
    let ruling = Override { approved: Some(hash("c")), ..ruling };
    write!(db, |tx| by_hand::set(tx, episode.id, &ruling, Millis(2))).unwrap();
    assert_eq!(found(&db, false).await, ["a", "b", "c approved"]);
    write!(db, |tx| opinions::set(tx, hash("a"), &good(false), None, Millis(3))).unwrap();
    assert_eq!(found(&db, false).await, ["b", "c approved"], "what is rejected is not, although it is in the film");
    // What was seen is not fresh, for whomever it was seen.
    let mara = CharacterId(uuid(50));
    let seen = Seen { asset: None, why: Some("it is too small".into()) };
    write!(db, |tx| dataset_seen::note(tx, mara, Place::Still, hash("b"), &seen, Millis(4))).unwrap();
    write!(db, |tx| dataset_seen::note(tx, mara, Place::Inbox, hash("c"), &seen, Millis(4))).unwrap();
    assert_eq!((found(&db, true).await.len(), found(&db, false).await.len()), (1, 2));
    assert_eq!(dataset_seen::get(&db, mara, Place::Still, hash("b")).await.unwrap(), Some(seen));
    assert_eq!(dataset_seen::get(&db, mara, Place::Comfy, hash("b")).await.unwrap(), None);
    let taken = Seen { asset: Some(hash("x")), why: None };
    write!(db, |tx| dataset_seen::note(tx, mara, Place::Still, hash("b"), &taken, Millis(5))).unwrap();
    assert_eq!(dataset_seen::get(&db, mara, Place::Still, hash("b")).await.unwrap(), Some(taken));
    // A file that is gone is nothing to take.
    write!(db, |tx| assets::mark_missing(tx, hash("c"))).unwrap();
    assert_eq!(found(&db, false).await, ["b"]);
}

#[rstest]
#[tokio::test]
async fn lineage_is_that_of_the_highest_thing_something_is_made_with(
    #[values(Which::Sqlite, Which::Postgres)] which: Which,
) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, _, _) = samples::one_shot(&db).await;
    write!(db, |tx| characters::upsert(tx, &samples::character(50, "mara"))).unwrap();
    let task = samples::task(70, Some(episode.id), "scene 1/shot 1/still/take 1");
    write!(db, |tx| tasks::upsert(tx, &task)).unwrap();
    let attempt = samples::attempt(71, TaskId(uuid(70)), "key");
    write!(db, |tx| attempts::start(tx, &attempt)).unwrap();
    let outputs = samples::outputs("made");
    write!(db, |tx| attempts::end(tx, attempt.id, AttemptState::Succeeded, Some(&outputs), None, Millis(3))).unwrap();
    for (file, by) in [("photo", None), ("made", Some(attempt.id)), ("third", None)] {
        write!(db, |tx| assets::insert(tx, &samples::asset(file, by))).unwrap();
    }
    let mara = CharacterId(uuid(50));
    let picture = Picture {
        id: PictureId(uuid(60)),
        character_id: mara,
        file: AssetRef { hash: hash("third"), ext: "png".into() },
        size: Size { width: 512, height: 512 },
        state: PictureState::Pending,
        source: Source::Inbox { name: "a.png".into() },
        lineage: 2,
        made: None,
        cell: Cell::new(),
        placing: None,
        verdict: None,
        decision: None,
        caption: None,
        duplicate_of: None,
        likeness: None,
        print: None,
        created: Millis(1),
    };
    assert!(write!(db, |tx| dataset_pictures::insert(tx, &picture)).unwrap());
    let level = async |files: &[&str]| {
        let files: Vec<_> = files.iter().map(|file| hash(file)).collect();
        Picture::lineage_of([dataset_pictures::lineage_of(&db, &files).await.unwrap()])
    };
    assert_eq!(
        (level(&[]).await, level(&["photo"]).await, level(&["unknown"]).await),
        (1, 1, 1),
        "words and photographs"
    );
    assert_eq!((level(&["made", "photo"]).await, level(&["third", "made"]).await), (2, 3));
    assert!(dataset_pictures::has(&db, mara, hash("third")).await.unwrap());
    assert!(!dataset_pictures::has(&db, mara, hash("photo")).await.unwrap());

    // A caption that comes with a picture is kept, and never in place of what a person wrote.
    let caption = |text: &str, by_person| Caption { text: text.into(), by_person };
    let told = async || dataset_pictures::of_file(&db, mara, hash("third")).await.unwrap().unwrap().caption;
    let add = async |text: &str, by_person| {
        write!(db, |tx| dataset_pictures::add_caption(tx, picture.id, &caption(text, by_person))).unwrap()
    };
    assert!(add("smiling", false).await && add("in a room", true).await);
    assert!(!add("in a garden", true).await);
    assert_eq!(told().await, Some(caption("in a room", true)));
}
