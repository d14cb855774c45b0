//! A whole episode with bad takes thrown in: what was accepted, made again and asked is what this file says it is.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use studio_core::{
    gates::Gates, ids::ContentHash, order::Order, shot::ShotState, take::Subject, task::TaskState, units::Score,
};
use studio_engine::FailureKind;
use studiod::store;

use crate::{
    engines::{Act, Asked},
    plans::{TWO_ROOMS, produce},
    studio::Studio,
};

/// What the judge says of a take: three in ten are bad, by the hash of the take and of the episode.
fn percent(salt: u64, take: &ContentHash) -> u16 {
    let drawn = ContentHash::of(format!("{salt} {take}").as_bytes()).leading_u64();
    if drawn % 10 < 3 { (drawn / 10 % 58) as u16 } else { 60 + (drawn / 10 % 40) as u16 }
}

/// What the rules say of takes that score like this: how many are made, which wins, and whether it passes.
fn oracle(scores: impl Fn(usize) -> u16) -> (usize, usize, bool) {
    let marks = [60, 45, 30];
    for (take, mark) in marks.into_iter().enumerate() {
        if scores(take) >= mark {
            return (take + 1, take, true);
        }
    }
    let best = (0..3).max_by_key(|take| (scores(*take), std::cmp::Reverse(*take))).expect("there are three");
    (3, best, false)
}

#[tokio::test]
async fn three_takes_in_ten_are_bad_and_every_decision_is_the_oracle_s() {
    let (mut retakes, mut accepted_best) = (0, 0);
    for salt in 0..8u64 {
        let mut studio = Studio::open().await;
        studio.stage.rule(move |asked: &Asked| match asked.order {
            Order::Review(review) => Act::Score(Some(percent(salt, &review.subject.hash))),
            _ => Act::Make,
        });
        let (id, failed, _) = studio.film(TWO_ROOMS).await;
        assert!(!failed, "{salt}: a film comes to its end");
        for shot in studio.shots(id).await {
            let takes = store::takes::of_shot(&studio.context.db, shot.id).await.unwrap();
            for subject in [Subject::Still, Subject::Clip] {
                let mine: Vec<_> = takes.iter().filter(|take| take.subject == subject).collect();
                let score = |take: usize| mine.get(take).map_or(0, |take| percent(salt, &take.asset));
                let (count, wins, passed) = oracle(score);
                assert_eq!(mine.len(), count, "{salt} {subject:?}: {:?}", (0..3).map(score).collect::<Vec<_>>());
                for (at, take) in mine.iter().enumerate() {
                    assert_eq!(take.score(), Some(Score::from_percent(score(at))), "{salt}");
                    assert_eq!(take.chosen, at == wins, "{salt} {subject:?} take {}", at + 1);
                    // Everything needed to make it again.
                    assert_eq!(take.steps.0, 25 + 5 * at as u32);
                    assert!(mine.iter().filter(|other| other.seed == take.seed).count() == 1);
                }
                if subject == Subject::Clip {
                    let state = if passed { ShotState::Completed } else { ShotState::AcceptedBest };
                    assert_eq!((shot.state, shot.clip), (state, Some(mine[wins].asset)), "{salt}");
                    accepted_best += usize::from(!passed);
                }
                retakes += count - 1;
            }
        }
        studio.assert_settled().await;
    }
    assert!(retakes >= 10 && accepted_best <= 3, "{retakes} retakes, {accepted_best} accepted as the best");
    assert_eq!(Gates::default().pass_marks.map(|mark| (mark.as_fraction() * 100.0).round() as u16), [60, 45, 30]);
}

#[tokio::test]
async fn nothing_passes_while_the_judge_is_down() {
    for act in [Act::Fail(FailureKind::Refused), Act::Score(None)] {
        let mut studio = Studio::open().await;
        studio.stage.rule(move |asked: &Asked| if matches!(asked.order, Order::Review(_)) { act } else { Act::Make });
        let id = studio.handle.produce(produce(TWO_ROOMS)).await.unwrap();
        assert!(studio.end().await.0, "{act:?}: the film cannot be made");
        for shot in studio.shots(id).await {
            assert!(!matches!(shot.state, ShotState::Completed | ShotState::AcceptedBest), "{act:?}: {shot:?}");
            let takes = store::takes::of_shot(&studio.context.db, shot.id).await.unwrap();
            assert!(takes.iter().all(|take| !take.chosen && take.score().is_none()), "{act:?}");
        }
        let made = studio.slots(id, TaskState::Succeeded).await;
        assert!(made.iter().all(|slot| !slot.contains("master") && slot != "film"), "{act:?}: {made:?}");
    }
}

#[tokio::test]
async fn a_card_that_renders_does_not_wait_for_the_judge() {
    let mut studio = Studio::open().await;
    let reviewed: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let seen = reviewed.clone();
    studio.stage.rule(move |asked: &Asked| {
        // The first clip's review takes for ever; whatever else there is goes on.
        let first = matches!(asked.order, Order::Review(review) if review.expected.is_some())
            && seen.lock().unwrap().insert("clip".into(), 1).is_none();
        if first { Act::Hang } else { Act::Make }
    });
    let id = studio.handle.produce(produce(TWO_ROOMS)).await.unwrap();
    for slot in ["scene 1/shot 1/clip/take 1", "scene 1/shot 2/clip/take 1", "scene 2/shot 1/clip/take 1"] {
        let mut made = studio.slots(id, TaskState::Succeeded).await;
        while !made.iter().any(|one| one == slot) {
            studio.until(|_| true).await;
            made = studio.slots(id, TaskState::Succeeded).await;
        }
    }
    studio.stage.release();
    assert!(!studio.end().await.0);
}
