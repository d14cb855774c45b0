//! What people decided, and what is learned from what was judged.

use rstest::rstest;
use studio_core::{
    ids::TaskId,
    order::{AssetRef, Reported, ReviewOrder},
    production::{Override, SourcePicture},
    review::{Issue, Judged, agreement},
    take::Verdict,
    task::AttemptState,
    units::{Millis, Score},
    workflow::SlotValue,
};
use studiod::store::{
    assets, attempts, by_hand, golden, learning,
    opinions::{self, Opinion},
    takes, tasks,
};

use super::{
    bed::{Bed, Which, write},
    samples::{self, hash, uuid},
};

#[rstest]
#[tokio::test]
async fn the_newest_decision_about_a_part_counts(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, _, _) = samples::one_shot(&db).await;
    let ruling = |slot: &str, given: bool, takes: u32| Override {
        job: slot.parse().unwrap(),
        shows: "a lamp".into(),
        given: given.then(|| samples::outputs("mine")),
        takes,
        approved: (takes == 3).then(|| hash("seen")),
        source: (takes == 3).then(|| SourcePicture {
            picture: samples::outputs("sketch").files[0].asset.clone(),
            strength_percent: Some(60),
        }),
    };
    let (first, second) = (ruling("scene 1/shot 1/clip", true, 0), ruling("scene 1/shot 1/clip", false, 3));
    let music = ruling("scene 1/music", true, 0);
    for one in [&first, &music, &second] {
        write!(db, |tx| by_hand::set(tx, episode.id, one, Millis(1))).unwrap();
    }
    assert_eq!(by_hand::of_episode(&db, episode.id).await.unwrap(), [music.clone(), second.clone()]);
    let (there, here) = (ruling("scene 2/music", true, 0), ruling("scene 1/music", false, 3));
    let places = [(music.job, there.clone()), (second.job, here.clone())];
    write!(db, |tx| by_hand::moved(tx, episode.id, &places, Millis(2))).unwrap();
    assert_eq!(by_hand::of_episode(&db, episode.id).await.unwrap(), [here, there], "even into a place just left");
}

#[rstest]
#[tokio::test]
async fn what_was_judged_comes_back_with_what_it_was_made_with(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, _, shot) = samples::one_shot(&db).await;
    let task = samples::task(70, Some(episode.id), "scene 1/shot 1/clip/take 1");
    write!(db, |tx| tasks::upsert(tx, &task)).unwrap();
    let attempt = samples::attempt(71, TaskId(uuid(70)), "key");
    write!(db, |tx| attempts::start(tx, &attempt)).unwrap();
    write!(db, |tx| assets::insert(tx, &samples::asset("a", Some(attempt.id)))).unwrap();
    let settings = [("cfg".to_owned(), SlotValue::Float(6.5))];
    let mut outputs = samples::outputs("a");
    outputs.reported = Some(Reported::Rendered { model: "sdxl".into(), settings: settings.clone().into() });
    let ended = Some(&outputs);
    write!(db, |tx| attempts::end(tx, attempt.id, AttemptState::Succeeded, ended, None, Millis(3))).unwrap();
    let take = samples::take(80, shot.id, 1, "a");
    write!(db, |tx| takes::upsert(tx, &take)).unwrap();
    assert!(learning::samples(&db, Score::from_percent(60)).await.unwrap().is_empty(), "nobody has judged it");
    let measured = samples::take(81, shot.id, 2, "b");
    write!(db, |tx| assets::insert(tx, &samples::asset("b", Some(attempt.id)))).unwrap();
    write!(db, |tx| takes::upsert(tx, &measured)).unwrap();
    write!(db, |tx| takes::set_verdict(tx, measured.id, &samples::verdict(90), Millis(3))).unwrap();
    let found = learning::samples(&db, Score::from_percent(60)).await.unwrap();
    assert!(found.is_empty(), "who only measures teaches nothing");
    let seen = Verdict { judge: "ollama eye".into(), ..samples::verdict(40) };
    write!(db, |tx| takes::set_verdict(tx, take.id, &seen, Millis(4))).unwrap();
    let found = learning::samples(&db, Score::from_percent(60)).await.unwrap();
    assert_eq!((found.len(), found[0].model.as_str(), found[0].rejected), (1, "sdxl", true));
    assert_eq!((&found[0].settings, found[0].at), (&settings.into(), Millis(4)));
    assert_eq!(found[0].characters, ["MARA"]);

    // A person knows better, and says what is wrong after all.
    let review = ReviewOrder {
        subject: AssetRef { hash: hash("a"), ext: "mp4".into() },
        expected: None,
        reference: None,
        anchor: None,
        may_stand_still: true,
        dataset: false,
        describe: false,
        candidates: Vec::new(),
        turn: 0,
        shown: None,
    };
    let good = Opinion { good: true, why: String::new(), issues: Vec::new() };
    write!(db, |tx| opinions::set(tx, hash("a"), &good, Some(&review), Millis(5))).unwrap();
    let found = learning::samples(&db, Score::from_percent(60)).await.unwrap();
    assert_eq!((found[0].rejected, found[0].score, found[0].at), (false, Score::from_percent(100), Millis(5)));
    let bad = Opinion { good: false, why: "hands".into(), issues: vec![Issue::BadAnatomy] };
    write!(db, |tx| opinions::set(tx, hash("a"), &bad, None, Millis(6))).unwrap();
    let found = learning::samples(&db, Score::from_percent(60)).await.unwrap();
    assert_eq!((found[0].rejected, found[0].issues.as_slice()), (true, &[Issue::BadAnatomy][..]));
    let kept = opinions::golden(&db, 12).await.unwrap();
    assert_eq!(kept, [(review, false)], "how it was shown stays with the newer opinion");
    assert!(opinions::golden(&db, 0).await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn every_judge_is_remembered_the_newest_first(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let of = |good: bool| {
        let take = Judged { character: "Mara".into(), score: Score::from_percent(80), good };
        agreement(&[take], Score::from_percent(60))
    };
    for (judge, good, at) in [("old", true, 1), ("new", true, 2), ("old", false, 3)] {
        write!(db, |tx| golden::set(tx, judge, &of(good), Millis(at))).unwrap();
    }
    let all = golden::all(&db).await.unwrap();
    assert_eq!(all, [("old".to_owned(), of(false)), ("new".to_owned(), of(true))]);
}
