//! Takes.

use rstest::rstest;
use studio_core::{
    ids::TakeId,
    take::Subject,
    units::{Millis, Score},
};
use studiod::store::{
    Error,
    opinions::{self, Opinion},
    takes,
};

use super::{
    bed::{Bed, Which, write},
    samples::{self, hash, uuid},
};

#[rstest]
#[tokio::test]
async fn a_take_is_reviewed_once_per_file(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, _, shot) = samples::one_shot(&db).await;
    let first = samples::take(60, shot.id, 1, "one");
    assert_eq!(write!(db, |tx| takes::upsert(tx, &first)).unwrap(), first);
    assert!(write!(db, |tx| takes::set_verdict(tx, first.id, &samples::verdict(62), Millis(1))).unwrap());
    let second = write!(db, |tx| takes::set_verdict(tx, first.id, &samples::verdict(10), Millis(2))).unwrap();
    assert!(!second, "the first verdict stands");
    let mut reviewed = first.clone();
    reviewed.verdict = Some(samples::verdict(62));
    assert_eq!(takes::of_shot(&db, shot.id).await.unwrap(), [reviewed.clone()]);
    assert_eq!(takes::of_episode(&db, episode.id).await.unwrap(), [reviewed.clone()]);

    let same = write!(db, |tx| takes::upsert(tx, &samples::take(61, shot.id, 1, "one"))).unwrap();
    assert_eq!(same, reviewed, "equal file, equal verdict, same id");
    write!(db, |tx| takes::choose(tx, shot.id, Subject::Clip, first.id)).unwrap();
    let remade = write!(db, |tx| takes::upsert(tx, &samples::take(62, shot.id, 1, "other"))).unwrap();
    assert_eq!((remade.id, remade.asset), (first.id, hash("other")));
    assert_eq!((remade.verdict, remade.chosen), (None, false), "a verdict is about a file");
    assert!(write!(db, |tx| takes::set_verdict(tx, first.id, &samples::verdict(10), Millis(3))).unwrap());
}

#[rstest]
#[tokio::test]
async fn one_take_is_in_the_film(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (_, _, shot) = samples::one_shot(&db).await;
    let mut still = samples::take(70, shot.id, 1, "still");
    still.subject = Subject::Still;
    for take in [&still, &samples::take(71, shot.id, 2, "b"), &samples::take(72, shot.id, 1, "a")] {
        write!(db, |tx| takes::upsert(tx, take)).unwrap();
    }
    write!(db, |tx| takes::choose(tx, shot.id, Subject::Still, still.id)).unwrap();
    for chosen in [71, 72, 71] {
        let chosen = TakeId(uuid(chosen));
        write!(db, |tx| takes::choose(tx, shot.id, Subject::Clip, chosen)).unwrap();
        let all = takes::of_shot(&db, shot.id).await.unwrap();
        let order: Vec<_> = all.iter().map(|take| (take.subject, take.attempt)).collect();
        assert_eq!(order, [(Subject::Still, 1), (Subject::Clip, 1), (Subject::Clip, 2)]);
        let in_film: Vec<_> = all.iter().filter(|take| take.chosen).map(|take| take.id).collect();
        assert_eq!(in_film, [still.id, chosen]);
    }
    let wrong = write!(db, |tx| takes::choose(tx, shot.id, Subject::Clip, still.id));
    assert!(matches!(wrong, Err(Error::NotFound { .. })), "a still is no clip: {wrong:?}");
    let all = takes::of_shot(&db, shot.id).await.unwrap();
    assert!(all[2].chosen, "a refused choice leaves the one before");

    assert_eq!(write!(db, |tx| takes::drop_from(tx, shot.id, Subject::Clip, 2)).unwrap(), 1);
    let left: Vec<_> = takes::of_shot(&db, shot.id).await.unwrap().iter().map(|take| take.id).collect();
    assert_eq!(left, [still.id, TakeId(uuid(72))]);
    assert_eq!(write!(db, |tx| takes::drop_from(tx, shot.id, Subject::Clip, 1)).unwrap(), 1);
}

#[rstest]
#[tokio::test]
async fn people_have_the_last_word_and_the_judge_is_compared_with_it(
    #[values(Which::Sqlite, Which::Postgres)] which: Which,
) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (_, _, shot) = samples::one_shot(&db).await;
    for (id, attempt, name, percent) in [(80, 1, "a", 90), (81, 2, "b", 20), (82, 3, "c", 70)] {
        let take = samples::take(id, shot.id, attempt, name);
        write!(db, |tx| takes::upsert(tx, &take)).unwrap();
        write!(db, |tx| takes::set_verdict(tx, take.id, &samples::verdict(percent), Millis(1))).unwrap();
    }
    let said = |good: bool, why: &str| Opinion { good, why: why.into(), issues: Vec::new() };
    for (name, opinion) in [("a", said(false, "no")), ("b", said(true, "")), ("a", said(true, "yes after all"))] {
        write!(db, |tx| opinions::set(tx, hash(name), &opinion, None, Millis(2))).unwrap();
    }
    let all = opinions::all(&db).await.unwrap();
    assert_eq!(all, [(hash("a"), said(true, "yes after all")), (hash("b"), said(true, ""))].into());
    let mut judged = opinions::judged(&db, Subject::Clip).await.unwrap();
    judged.sort_by_key(|one| one.score);
    let scores: Vec<_> = judged.iter().map(|one| (one.score, one.good)).collect();
    assert_eq!(scores, [(Score::from_percent(20), true), (Score::from_percent(90), true)]);
    assert!(judged.iter().all(|one| one.character == "MARA"), "{judged:?}");
    assert!(opinions::judged(&db, Subject::Still).await.unwrap().is_empty());
}
