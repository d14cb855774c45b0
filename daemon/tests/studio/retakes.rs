//! The judge says no.

use std::sync::atomic::{AtomicUsize, Ordering};

use studio_core::{
    episode::EpisodeState,
    failure::{Cause, TaskFault},
    ids::ContentHash,
    journal::DecisionKind,
    order::Order,
    shot::ShotState,
    take::{Subject, Take},
    task::TaskState,
    units::{Frames, Score, Steps},
};
use studiod::store::{self, opinions::Opinion};

use crate::{
    engines::{Act, Asked},
    plans::TWO_ROOMS,
    studio::Studio,
};

/// The kettle's clip is the one of 48 frames; its takes are judged like this, one after the other.
fn judge(studio: &Studio, percents: [Option<u16>; 3]) {
    let next = AtomicUsize::new(0);
    studio.stage.rule(move |asked: &Asked| match asked.order {
        Order::Review(review) if review.expected.is_some_and(|expected| expected.frames == Frames(48)) => {
            Act::Score(percents.get(next.fetch_add(1, Ordering::SeqCst)).copied().flatten())
        }
        _ => Act::Make,
    });
}

async fn takes(studio: &Studio, shot: usize, id: studio_core::ids::EpisodeId) -> Vec<Take> {
    let shot = studio.shots(id).await[shot].id;
    let mut takes = store::takes::of_shot(&studio.context.db, shot).await.unwrap();
    takes.retain(|take| take.subject == Subject::Clip);
    takes
}

async fn reasons(studio: &Studio, id: studio_core::ids::EpisodeId, slot: &str) -> Vec<String> {
    let task = studio.task(id, slot).await.id;
    let decisions = store::decisions::of_task(&studio.context.db, task).await.unwrap();
    assert!(decisions.iter().all(|one| one.kind == DecisionKind::Gate && one.episode_id == Some(id)));
    decisions.into_iter().map(|decision| decision.reason).collect()
}

#[tokio::test]
async fn the_third_take_passes_and_every_decision_is_in_the_book() {
    let mut studio = Studio::open().await;
    judge(&studio, [Some(59), Some(44), Some(30)]);
    let (id, failed, _) = studio.film(TWO_ROOMS).await;
    assert!(!failed);
    let made = takes(&studio, 0, id).await;
    assert_eq!(made.iter().map(|take| take.steps).collect::<Vec<_>>(), [Steps(25), Steps(30), Steps(35)]);
    assert_eq!(made.iter().map(|take| take.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(made[0].seed != made[1].seed && made[1].seed != made[2].seed && made[0].seed != made[2].seed);
    assert_eq!(made.iter().map(|take| take.chosen).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(made[1].score(), Some(Score::from_percent(44)));

    let shot = &studio.shots(id).await[0];
    assert_eq!((shot.state, shot.score), (ShotState::Completed, Some(Score::from_percent(30))));
    assert_eq!((shot.seed, shot.steps), (Some(made[2].seed), Some(Steps(35))));
    assert_eq!(shot.clip, Some(made[2].asset));
    assert_eq!(
        reasons(&studio, id, "scene 1/shot 1/clip").await,
        ["take 1 did not pass: 59 percent", "take 2 did not pass: 44 percent", "take 3 passed: scored 0.30"]
    );
    assert_eq!(takes(&studio, 1, id).await.len(), 1, "the other shots were good at once");
    studio.assert_settled().await;

    let runs = studio.stage.runs().len();
    let (_, failed, _) = studio.film(TWO_ROOMS).await;
    assert_eq!((failed, studio.stage.runs().len()), (false, runs), "a second run finds all three takes");
    assert_eq!(takes(&studio, 0, id).await, made);
    assert_eq!(reasons(&studio, id, "scene 1/shot 1/clip").await.len(), 3, "and decides nothing anew");
}

#[tokio::test]
async fn when_none_passes_the_best_is_in_the_film_and_the_shot_says_so() {
    let mut studio = Studio::open().await;
    judge(&studio, [Some(20), Some(29), Some(10)]);
    let (id, failed, _) = studio.film(TWO_ROOMS).await;
    assert!(!failed);
    let made = takes(&studio, 0, id).await;
    assert_eq!(made.iter().map(|take| take.chosen).collect::<Vec<_>>(), [false, true, false]);
    let shot = &studio.shots(id).await[0];
    assert_eq!((shot.state, shot.clip), (ShotState::AcceptedBest, Some(made[1].asset)));
    assert_eq!((shot.seed, shot.steps), (Some(made[1].seed), Some(Steps(30))));
    let last = reasons(&studio, id, "scene 1/shot 1/clip").await.pop();
    assert_eq!(last.as_deref(), Some("take 2 is the best of all attempts, though none passed: scored 0.29"));
    let runs = studio.stage.runs();
    let master = runs.iter().find_map(|order| match order {
        Order::Normalise(master) if master.frames == Frames(48) => Some(master.clip.hash),
        _ => None,
    });
    assert_eq!(master, Some(made[1].asset), "the film is made of it");
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_nobody_could_judge_waits_for_a_person() {
    let mut studio = Studio::open().await;
    judge(&studio, [None, None, None]);
    let (id, failed, _) = studio.film(TWO_ROOMS).await;
    assert!(failed);
    assert_eq!(studio.shots(id).await[0].state, ShotState::AskPerson);
    assert_eq!(studio.episode(id).await.state, EpisodeState::Failed);
    let gate = studio.task(id, "scene 1/shot 1/clip").await;
    assert_eq!(gate.state, TaskState::NeedsPerson);
    let fault = gate.fault.expect("why is kept as data");
    assert!(matches!(fault, TaskFault { need: None, cause: Cause::Unjudged { .. } }), "{fault:?}");
    assert_eq!(gate.reason, fault.to_string(), "and said in one sentence");
    // What cannot do without it has failed, and names it.
    let master = studio.task(id, "scene 1/shot 1/master").await;
    assert_eq!((master.state, master.fault.and_then(|fault| fault.need)), (TaskState::Failed, Some(gate.id)));
    studio.handle.retry(gate.id).await.expect("asked for once more, like any that failed");
    assert!(studio.end().await.0, "and nobody can judge it this time either");
    assert_eq!(studio.task(id, "scene 1/shot 1/clip").await.state, TaskState::NeedsPerson);
    assert_eq!(takes(&studio, 0, id).await.iter().filter(|take| take.chosen).count(), 0);
    assert_eq!(studio.task(id, "scene 2/film").await.state, TaskState::Succeeded, "the rest is made");
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_person_overrules_the_judge_and_the_film_is_made_accordingly() {
    let mut studio = Studio::open().await;
    judge(&studio, [None, None, None]);
    let (id, failed, _) = studio.film(TWO_ROOMS).await;
    assert!(failed, "nobody could judge the first shot");
    assert_eq!(studio.shots(id).await[0].state, ShotState::AskPerson);
    let second = studio.task(id, "scene 1/shot 1/clip/take 2").await.id;
    let runs = studio.stage.runs().len();
    let good = Opinion { good: true, why: "that is her smile".into(), issues: Vec::new() };
    let bad = Opinion { good: false, why: String::new(), issues: Vec::new() };
    // Of something else than what is there nothing is said.
    let unseen = studio.handle.opine_on(second, bad.clone(), ContentHash::of(b"before")).await.unwrap_err().to_string();
    assert!(unseen.contains("was made anew since you saw it; look at it again"), "{unseen}");
    studio.handle.opine(second, good.clone()).await.unwrap();
    assert!(!studio.end().await.0, "{:?}", studio.tasks(id).await);
    let shot = &studio.shots(id).await[0];
    let made = takes(&studio, 0, id).await;
    assert_eq!(
        (shot.state, shot.clip, shot.score),
        (ShotState::Completed, Some(made[1].asset), Some(Score::from_percent(100)))
    );
    let clips = studio.stage.runs()[runs..].iter().filter(|order| matches!(order, Order::Clip(_))).count();
    assert_eq!(clips, 0, "every take was there already");
    // Another opinion, another film.
    studio.handle.opine(second, bad.clone()).await.unwrap();
    let third = studio.task(id, "scene 1/shot 1/clip/take 3").await.id;
    assert!(studio.end().await.0, "now nobody passes the first shot");
    studio.handle.opine(third, good.clone()).await.unwrap();
    assert!(!studio.end().await.0);
    assert_eq!(studio.shots(id).await[0].clip, Some(takes(&studio, 0, id).await[2].asset));
    let film = studio.task(id, "film").await.id;
    let refused = studio.handle.opine(film, good).await.unwrap_err().to_string();
    assert!(refused.contains("is no take"), "{refused}");
    let judged = store::opinions::judged(&studio.context.db, Subject::Clip).await.unwrap();
    assert!(judged.is_empty(), "what the judge could not judge says nothing of him");
    let fine = studio.task(id, "scene 2/shot 1/clip/take 1").await.id;
    studio.handle.opine(fine, bad).await.unwrap();
    studio.end().await;
    let judged = store::opinions::judged(&studio.context.db, Subject::Clip).await.unwrap();
    assert_eq!(judged.iter().map(|one| one.good).collect::<Vec<_>>(), [false]);
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_good_word_for_what_is_in_the_film_plans_nothing_again() {
    let mut studio = Studio::open().await;
    judge(&studio, [Some(59), Some(44), Some(70)]);
    let (id, failed, _) = studio.film(TWO_ROOMS).await;
    assert!(!failed);
    let before = studio.tasks(id).await;
    let runs = studio.stage.runs().len();
    let good = Opinion { good: true, why: "that is her smile".into(), issues: Vec::new() };
    let bad = Opinion { good: false, ..good.clone() };
    let say = |slot: &'static str, opinion: Option<Opinion>| {
        let (handle, task) = (studio.handle.clone(), before[slot].id);
        async move {
            match opinion {
                Some(opinion) => handle.opine(task, opinion).await,
                None => handle.take_back(task).await,
            }
        }
    };
    for slot in ["scene 1/shot 1/clip/take 3", "scene 1/shot 2/still/take 1", "scene 2/shot 1/clip/review 1"] {
        say(slot, Some(good.clone())).await.unwrap();
    }
    let after = studio.tasks(id).await;
    let changed: Vec<_> = after.iter().filter(|(slot, task)| before[*slot] != **task).map(|(slot, _)| slot).collect();
    assert_eq!(changed, ["scene 1/shot 1/clip", "scene 1/shot 2/still", "scene 2/shot 1/clip"], "what the gates say");
    assert_eq!(after["scene 1/shot 1/clip"].reason, "take 3 passed: scored 1.00");
    assert_eq!(reasons(&studio, id, "scene 1/shot 1/clip").await.pop(), Some("take 3 passed: scored 1.00".into()));
    let scores: Vec<_> = studio.shots(id).await.into_iter().map(|shot| shot.score).collect();
    assert_eq!(scores, [100, 90, 100].map(|percent| Some(Score::from_percent(percent))), "of clips");
    assert_eq!(studio.episode(id).await.state, EpisodeState::Published, "nobody has begun to make it again");
    // Taken back, the judge counts again.
    say("scene 1/shot 1/clip/take 3", None).await.unwrap();
    assert_eq!(studio.shots(id).await[0].score, Some(Score::from_percent(70)));
    assert_eq!(studio.episode(id).await.state, EpisodeState::Published);
    assert_eq!(studio.stage.runs().len(), runs);
    // What is not in the film, or is not to be, is another matter.
    say("scene 1/shot 1/clip/take 1", Some(good)).await.unwrap();
    studio.end().await;
    let chosen = takes(&studio, 0, id).await.into_iter().find(|take| take.chosen).map(|take| take.attempt);
    assert_eq!(chosen, Some(1));
    let task = studio.task(id, "scene 2/shot 1/clip/take 1").await.id;
    studio.handle.opine(task, bad).await.unwrap();
    studio.end().await;
    assert!(studio.stage.runs().len() > runs, "another take was made");
    studio.assert_settled().await;
}
