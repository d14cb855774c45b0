//! Pictures of films come into datasets: those a person approved, and those a judge with eyes let pass.

use std::sync::Arc;

use axum::Router;
use serde_json::{Value, json};
use studio_core::{
    dataset::{Decider, Picture, PictureState, Source},
    ids::{CharacterId, EpisodeId},
    order::Order,
    production::Checkpoint,
    take::{Subject, Take},
    units::Size,
};
use studio_draft::stills::Stills;
use studiod::{conductor::Seat, events::StudioEvent, store};

use crate::{
    api::PATIENCE,
    bench::{JSON, PATCH, ask, door, get},
    datasets::Kept,
    engines::Act,
    plans::{TWO_ROOMS, produce},
    studio::Studio,
};

/// A studio with a film whose pictures are drawn, and who is in it. With `eyes` its judge has seen them.
async fn filmed(eyes: bool) -> (Studio, EpisodeId, Router) {
    let mut studio = Studio::open_with(|seats| {
        seats.insert("stills".into(), Seat { engine: Arc::new(Stills), slots: 2 });
    })
    .await;
    let mut wanted = produce(TWO_ROOMS);
    wanted.production.size = Size { width: 640, height: 360 };
    wanted.production.cast.eye = eyes.then(|| "eyes".into());
    let (id, failed, _) = studio.make(wanted).await;
    assert!(!failed);
    let door = door(&studio);
    (studio, id, door)
}

async fn named(studio: &Studio, name: &str) -> CharacterId {
    let project = store::projects::list(&studio.context.db).await.unwrap().swap_remove(0);
    let all = store::characters::of_project(&studio.context.db, project.id).await.unwrap();
    all.into_iter().find(|one| one.name == name).expect("it is in the film").id
}

/// The chosen still of the shot that shows only this one.
async fn still_of(studio: &Studio, episode: EpisodeId, name: &str) -> Take {
    for shot in studio.shots(episode).await {
        if shot.plan.characters == [name.to_owned()] {
            let takes = store::takes::of_shot(&studio.context.db, shot.id).await.unwrap();
            return takes.into_iter().find(|take| take.subject == Subject::Still && take.chosen).expect("it has one");
        }
    }
    panic!("nobody is alone in a shot");
}

async fn pictures(studio: &Studio, character: CharacterId) -> Vec<Picture> {
    store::dataset_pictures::of_character(&studio.context.db, character).await.unwrap()
}

async fn take(door: &Router, character: CharacterId, body: Value) -> Value {
    let path = format!("/api/characters/{character}/dataset/stills");
    let answer = ask(door, "POST", &path, &[JSON], body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

async fn says(door: &Router, take: &Take, good: bool) {
    let path = format!("/api/takes/{}/opinion", take.id);
    let answer = ask(door, "POST", &path, &[JSON], json!({ "good": good }).to_string()).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
}

/// Waits until the dataset has so many pictures.
async fn until(studio: &Studio, character: CharacterId, many: usize) -> Vec<Picture> {
    let mut events = studio.context.events.listen();
    let wait = async {
        while pictures(studio, character).await.len() != many {
            while !matches!(events.recv().await.expect("it keeps telling"), StudioEvent::Dataset { .. }) {}
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("they come");
    pictures(studio, character).await
}

#[tokio::test]
async fn what_a_judge_with_eyes_let_pass_is_taken_once_and_judged_by_nobody_again() {
    let (studio, episode, door) = filmed(true).await;
    let (anna, take_of_anna) = (named(&studio, "ANNA").await, still_of(&studio, episode, "ANNA").await);
    let reviews = || studio.stage.runs().iter().filter(|order| matches!(order, Order::Review(_))).count();
    let before = reviews();
    let taken = take(&door, anna, json!({})).await;
    assert_eq!((taken["added"].as_array().unwrap().len(), &taken["known"]), (1, &json!(0)), "{taken}");
    let picture = pictures(&studio, anna).await.swap_remove(0);
    assert_eq!(picture.source, Source::Still { shot: "S01E01 scene 1 shot 2".into(), take: Some(take_of_anna.id) });
    let made = picture.made.as_ref().expect("it is known how it was made");
    assert_eq!((made.seed, made.prompt.is_empty(), picture.lineage), (Some(take_of_anna.seed), false, 1));
    assert_eq!(picture.verdict, take_of_anna.verdict, "the judge's word came along");
    let decision = picture.decision.as_ref().expect("90 of 100 are enough");
    assert_eq!((picture.state, decision.by), (PictureState::Approved, Decider::Judge));
    assert!(picture.print.is_none() && picture.duplicate_of.is_none(), "lists leave hashes out");
    assert_eq!(store::dataset_pictures::prints(&studio.context.db, anna).await.unwrap().len(), 1);
    // Once more, of this episode: it is there. Of Ben it is nobody's.
    let taken = take(&door, anna, json!({ "episode": episode })).await;
    assert_eq!((&taken["added"], &taken["known"]), (&json!([]), &json!(1)), "{taken}");
    let kept = Kept::begin(&studio);
    let view = crate::datasets::at_rest(&studio, &door, anna, "off").await;
    assert_eq!(view["counts"]["approved"], 1, "{view:#}");
    kept.end().await;
    assert_eq!(reviews(), before, "nobody was asked again");
    let why = store::decisions::Filter { limit: 500, ..Default::default() };
    let rows = store::decisions::page(&studio.context.db, &why).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.kind.word() == "picture").count(), 1, "and it says why");
    studio.assert_settled().await;
}

#[tokio::test]
async fn the_judges_word_counts_within_the_bands_and_a_rejected_still_stays_away() {
    let (studio, episode, door) = filmed(true).await;
    let (anna, ben) = (named(&studio, "ANNA").await, named(&studio, "BEN").await);
    let strict = json!({ "approve": 0.95 }).to_string();
    let answer = ask(&door, "PATCH", &format!("/api/characters/{anna}/dataset"), &[PATCH], strict).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    take(&door, anna, json!({})).await;
    let picture = pictures(&studio, anna).await.swap_remove(0);
    assert!(picture.awaits_person(), "90 is less than 95: {picture:?}");
    says(&door, &still_of(&studio, episode, "BEN").await, false).await;
    let taken = take(&door, ben, json!({})).await;
    let there = pictures(&studio, ben).await;
    assert!(taken["added"].as_array().unwrap().len() <= 1, "{taken}");
    let rejected = still_of_rejected(&studio, &there).await;
    assert!(!rejected, "what a person rejected is not taken: {there:?}");
    let refused = ask(
        &door,
        "POST",
        &format!("/api/characters/{ben}/dataset/stills"),
        &[JSON],
        json!({ "episode": uuid::Uuid::nil() }).to_string(),
    )
    .await;
    assert_eq!((refused.status, &refused.body["code"]), (404, &json!("not_found")), "{}", refused.body);
}

/// Whether a picture came from a take that a person rejected.
async fn still_of_rejected(studio: &Studio, pictures: &[Picture]) -> bool {
    for picture in pictures {
        let Source::Still { take: Some(take), .. } = &picture.source else { continue };
        let placed = store::takes::placed(&studio.context.db, *take).await.unwrap();
        if placed.opinion.is_some_and(|opinion| !opinion.good) {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn what_a_person_approves_comes_by_itself_where_that_is_switched_on_and_stays_away_when_it_is_taken_out() {
    let (studio, episode, door) = filmed(false).await;
    studio.stage.rule(|asked| match asked.order {
        Order::Review(_) => Act::Score(Some(90)),
        _ => Act::Make,
    });
    let (anna, ben) = (named(&studio, "ANNA").await, named(&studio, "BEN").await);
    let taken = take(&door, anna, json!({})).await;
    assert_eq!(taken["added"], json!([]), "who has no eyes lets nothing come: {taken}");
    let on = json!({ "stills": true }).to_string();
    for character in [anna, ben] {
        let answer = ask(&door, "PATCH", &format!("/api/characters/{character}/dataset"), &[PATCH], on.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let kept = Kept::begin(&studio);
    assert_eq!(pictures(&studio, anna).await.len(), 0);
    says(&door, &still_of(&studio, episode, "ANNA").await, true).await;
    let picture = until(&studio, anna, 1).await.swap_remove(0);
    let decision = picture.decision.as_ref().expect("a person approved it");
    assert_eq!((picture.state, decision.by), (PictureState::Approved, Decider::Person), "{picture:?}");
    assert_eq!(pictures(&studio, ben).await.len(), 0, "of Ben nobody has said anything");
    // Taken out, it does not come back by itself, whatever happens, and whenever the studio starts.
    ask(&door, "DELETE", &format!("/api/pictures/{}", picture.id), &[], "").await;
    says(&door, &still_of(&studio, episode, "BEN").await, true).await;
    until(&studio, ben, 1).await;
    kept.cut().await;
    let kept = Kept::begin(&studio);
    crate::datasets::at_rest(&studio, &door, ben, "off").await;
    assert_eq!(pictures(&studio, anna).await.len(), 0);
    // Whoever asks for it has it again.
    let taken = take(&door, anna, json!({})).await;
    assert_eq!(taken["added"].as_array().unwrap().len(), 1, "{taken}");
    let whole = get(&door, &format!("/api/pictures/{}", taken["added"][0].as_str().unwrap())).await.body;
    assert_eq!(whole["picture"]["source"]["from"], "still");
    kept.end().await;
}

#[tokio::test]
async fn what_a_film_goes_on_from_because_a_person_approved_it_is_approved() {
    let mut studio = Studio::open_with(|seats| {
        seats.insert("stills".into(), Seat { engine: Arc::new(Stills), slots: 2 });
    })
    .await;
    let mut wanted = produce(TWO_ROOMS);
    wanted.production.size = Size { width: 640, height: 360 };
    wanted.production.approve = [Checkpoint::Pictures].into();
    let (episode, failed, _) = studio.make(wanted).await;
    assert!(!failed);
    let (door, anna) = (door(&studio), named(&studio, "ANNA").await);
    assert_eq!(take(&door, anna, json!({})).await["added"], json!([]), "nobody has said anything yet");
    let on = json!({ "stills": true }).to_string();
    ask(&door, "PATCH", &format!("/api/characters/{anna}/dataset"), &[PATCH], on).await;
    let kept = Kept::begin(&studio);
    studio.handle.approve(episode, Checkpoint::Pictures).await.unwrap();
    let picture = until(&studio, anna, 1).await.swap_remove(0);
    assert_eq!((picture.state, picture.decision.unwrap().by), (PictureState::Approved, Decider::Person));
    assert!(!studio.end().await.0);
    kept.end().await;
}

#[tokio::test]
async fn a_near_duplicate_of_what_is_there_is_grouped_whoever_approved_it() {
    let (studio, episode, door) = filmed(false).await;
    let anna = named(&studio, "ANNA").await;
    let still = still_of(&studio, episode, "ANNA").await;
    // The same picture came from outside before, saved as something else.
    let kept = store::assets::get(&studio.context.db, still.asset).await.unwrap().unwrap();
    let picture = image::open(studio_engine::asset_path(&studio.context.data.assets(), &kept.file)).unwrap().to_rgb8();
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 85).encode_image(&picture).unwrap();
    let path = format!("/api/characters/{anna}/dataset/pictures?name=anna.jpg");
    assert_eq!(ask(&door, "POST", &path, &[], jpeg).await.status, 201);
    let keeping = Kept::begin(&studio);
    crate::datasets::at_rest(&studio, &door, anna, "off").await;
    keeping.end().await;
    says(&door, &still, true).await;
    let taken = take(&door, anna, json!({})).await;
    assert_eq!(taken["added"].as_array().unwrap().len(), 1, "{taken}");
    let all = pictures(&studio, anna).await;
    assert_eq!((all[1].duplicate_of, all[1].state), (Some(all[0].id), PictureState::Pending), "{all:?}");
}
