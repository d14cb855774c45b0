//! Reviews: a person has many pictures judged at once, sees how far that is, stops it, and keeps the last word.

use axum::Router;
use serde_json::{Value, json};
use studio_core::{
    asset::AssetRef,
    dataset::{Decider, Picture, PictureState},
    ids::{CharacterId, ContentHash, PictureId},
    journal::EventKind,
    order::Order,
};
use studio_engine::FailureKind;
use studiod::store::{self, Db};

use crate::{
    api::PATIENCE,
    bench::{JSON, Said, ask, door, get},
    datasets::{Kept, at_rest, mara, pictures, studio},
    engines::Act,
    studio::Studio,
};

/// A picture that is like no other one: stripes at an angle and a width of its own.
pub fn png(which: u32) -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    let wide = 9 + which * 7;
    let picture = image::RgbImage::from_fn(256, 320, |x, y| {
        let stripe = ((x * (1 + which) + y * (5 - which % 5)) / wide) % 2;
        image::Rgb([(stripe * 200) as u8, ((x + which * 40) % 256) as u8, (y % 256) as u8])
    });
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

/// Pictures of a character that wait for a person, since the judge was not sure of any.
async fn waiting(studio: &Studio, door: &Router, character: CharacterId, count: u32) -> Vec<PictureId> {
    studio.stage.rule(|asked| match asked.order {
        Order::Review(_) => Act::Score(Some(60)),
        _ => Act::Make,
    });
    for which in 0..count {
        let path = format!("/api/characters/{character}/dataset/pictures?name={which}.png");
        let answer = ask(door, "POST", &path, &[], png(which)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    let kept = Kept::begin(studio);
    let view = at_rest(studio, door, character, "off").await;
    assert_eq!(view["counts"]["awaiting"], count, "{view:#}");
    kept.end().await;
    pictures(studio, character).await.iter().map(|one| one.id).collect()
}

async fn begin(door: &Router, character: CharacterId, meant: Value) -> Said {
    ask(door, "POST", &format!("/api/characters/{character}/dataset/reviews"), &[JSON], meant.to_string()).await
}

/// The review as soon as `fits` says so.
pub async fn until(studio: &Studio, door: &Router, id: &Value, fits: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/api/reviews/{}", id.as_str().unwrap());
    let mut events = studio.context.events.listen();
    let mut last = Value::Null;
    let found = async {
        loop {
            last = get(door, &path).await.body;
            if fits(&last) {
                return;
            }
            let _ = events.recv().await.expect("it keeps telling");
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, found).await.is_ok();
    assert!(in_time, "it never came so far: {last:#}");
    last
}

pub fn over(view: &Value) -> bool {
    view["state"] != "running"
}

async fn one(studio: &Studio, character: CharacterId, id: PictureId) -> Picture {
    pictures(studio, character).await.into_iter().find(|one| one.id == id).unwrap()
}

/// Which picture an order is about: the first, the second and so on, by their files.
fn judged(rule: impl Fn(usize) -> Act + Send + Sync + 'static, all: Vec<Picture>) -> impl Fn(&Order) -> Act {
    move |order| match order {
        Order::Review(order) => match all.iter().position(|one| one.file.hash == order.subject.hash) {
            Some(at) => rule(at),
            None => Act::Make,
        },
        _ => Act::Make,
    }
}

#[tokio::test]
async fn many_pictures_are_judged_at_once_and_a_persons_word_stays() {
    let studio = studio().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let ids = waiting(&studio, &door, mara, 4).await;
    let all = pictures(&studio, mara).await;
    // What came before is no longer known to the engine's cache, because the judge failed with it then.
    for id in &ids {
        let good = json!({ "good": false, "categories": ["blurry"] }).to_string();
        if *id == ids[3] {
            ask(&door, "PUT", &format!("/api/pictures/{id}/decision"), &[JSON], good).await;
        }
    }
    let begun = begin(&door, mara, json!({ "state": "pending" })).await;
    assert_eq!(begun.status, 202, "{}", begun.body);
    assert_eq!(begun.body["review"]["counts"]["asked"], 3, "the rejected one is not meant: {}", begun.body);
    let done = until(&studio, &door, &begun.body["review"]["id"], over).await;
    assert_eq!((&done["state"], &done["done"]), (&json!("done"), &json!(3)), "{done:#}");
    assert_eq!(done["review"]["counts"]["waiting"], 3, "the same judge says the same: {done:#}");
    // Everything, by name: the person's word stays.
    let begun = begin(&door, mara, json!({ "pictures": ids })).await;
    let done = until(&studio, &door, &begun.body["review"]["id"], over).await;
    let counts = &done["review"]["counts"];
    assert_eq!((&counts["asked"], &counts["waiting"], &counts["kept"]), (&json!(4), &json!(3), &json!(1)), "{done:#}");
    let last = one(&studio, mara, all[3].id).await;
    assert_eq!((last.state, last.decision.unwrap().by), (PictureState::Rejected, Decider::Person));
    let list = get(&door, &format!("/api/characters/{mara}/dataset/reviews")).await.body;
    assert_eq!(list["reviews"].as_array().unwrap().len(), 2);
    assert_eq!(list["reviews"][0]["review"]["id"], begun.body["review"]["id"], "newest first");
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_its_reason() {
    let studio = studio().await;
    let (door, mara, ben) = (door(&studio), mara(&studio, "Mara").await, mara(&studio, "Ben").await);
    let nothing = begin(&door, mara, json!({})).await;
    assert_eq!((nothing.status, &nothing.body["code"]), (409, &json!("nothing_to_review")), "{}", nothing.body);
    let ids = waiting(&studio, &door, mara, 1).await;
    for (character, meant, status, why) in [
        (ben, json!({ "pictures": ids }), 400, "is not in this dataset"),
        (mara, json!({ "stat": "pending" }), 400, "unknown field"),
        (mara, json!({ "state": "approved" }), 409, "no picture fits"),
        (mara, json!({ "unreviewed": true }), 409, "no picture fits"),
        (mara, json!({ "cell": { "angle": "side" } }), 409, "no picture fits"),
        (CharacterId(uuid::Uuid::from_u128(99)), json!({}), 404, "character"),
    ] {
        let refused = begin(&door, character, meant.clone()).await;
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(refused.status == status && detail.contains(why), "{meant}: {} {}", refused.status, refused.body);
    }
    let begun = begin(&door, mara, json!({})).await;
    let path = format!("/api/reviews/{}", begun.body["review"]["id"].as_str().unwrap());
    until(&studio, &door, &begun.body["review"]["id"], over).await;
    let over = ask(&door, "POST", &format!("{path}/cancel"), &[], "").await;
    assert_eq!((over.status, &over.body["code"]), (409, &json!("review_over")), "{}", over.body);
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_stop_ends_it_and_what_was_said_before_stays() {
    let studio = studio().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    // Judged for good by nobody: the judge says that it cannot tell.
    studio.stage.rule(|asked| match asked.order {
        Order::Review(_) => Act::Score(None),
        _ => Act::Make,
    });
    let ids = waiting_unjudged(&studio, &door, mara).await;
    let all = pictures(&studio, mara).await;
    let rule = judged(|at| if at == 0 { Act::Score(Some(95)) } else { Act::Hang }, all.clone());
    studio.stage.rule(move |asked| rule(asked.order));
    let begun = begin(&door, mara, json!({ "unreviewed": true })).await;
    assert_eq!(begun.body["review"]["counts"]["asked"], 4, "{}", begun.body);
    let twice = begin(&door, mara, json!({ "pictures": ids[1..] })).await;
    assert_eq!(twice.body["code"], "nothing_to_review", "each is asked about once: {}", twice.body);
    let id = begun.body["review"]["id"].clone();
    until(&studio, &door, &id, |view| view["done"] == 1).await;
    let view = get(&door, &format!("/api/characters/{mara}/dataset")).await.body;
    assert_eq!(view["counts"]["in_review"], 3, "{view:#}");
    // Meanwhile a person decides of one that is being judged.
    let good = json!({ "good": true }).to_string();
    ask(&door, "PUT", &format!("/api/pictures/{}/decision", ids[1]), &[JSON], good).await;
    let path = format!("/api/reviews/{}/cancel", id.as_str().unwrap());
    let answer = ask(&door, "POST", &path, &[], "").await;
    assert_eq!((answer.status, &answer.body["review"]["stopped"]), (200, &json!(true)), "{}", answer.body);
    let done = until(&studio, &door, &id, over).await;
    let counts = &done["review"]["counts"];
    assert_eq!((&done["state"], &counts["stopped"]), (&json!("stopped"), &json!(3)), "{done:#}");
    let after = pictures(&studio, mara).await;
    assert_eq!(after[1].decision.as_ref().unwrap().by, Decider::Person);
    assert!(after[2..].iter().all(|one| one.state == PictureState::Pending && one.verdict.is_some()), "they wait");
    for (before, after) in all[2..].iter().zip(&after[2..]) {
        assert_eq!(before.verdict, after.verdict, "what was said before stays");
    }
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_nobody_has_looked_at_is_left_to_the_studio_and_a_stop_leaves_it_so() {
    let studio = studio().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let judged = waiting(&studio, &door, mara, 1).await;
    for which in 1..3 {
        let path = format!("/api/characters/{mara}/dataset/pictures?name={which}.png");
        assert_eq!(ask(&door, "POST", &path, &[], png(which)).await.status, 201);
    }
    let before = pictures(&studio, mara).await;
    let new: Vec<PictureId> = before.iter().map(|one| one.id).filter(|id| !judged.contains(id)).collect();
    let begun = begin(&door, mara, json!({})).await;
    assert_eq!(begun.body["review"]["counts"]["asked"], 1, "the studio looks at the others: {}", begun.body);
    until(&studio, &door, &begun.body["review"]["id"], over).await;
    // By name they are judged now; stopped, they are as they were.
    studio.stage.rule(|_| Act::Hang);
    let begun = begin(&door, mara, json!({ "pictures": new })).await;
    assert_eq!(begun.body["review"]["counts"]["asked"], 2, "{}", begun.body);
    let id = begun.body["review"]["id"].clone();
    ask(&door, "POST", &format!("/api/reviews/{}/cancel", id.as_str().unwrap()), &[], "").await;
    let done = until(&studio, &door, &id, over).await;
    assert_eq!((&done["state"], &done["review"]["counts"]["stopped"]), (&json!("stopped"), &json!(2)), "{done:#}");
    let after = pictures(&studio, mara).await;
    for id in new {
        let of = |all: &[Picture]| all.iter().find(|one| one.id == id).cloned().unwrap();
        assert_eq!(of(&before), of(&after), "nobody has said anything of it");
    }
    // And the studio looks at them as at any that came.
    studio.stage.rule(|asked| match asked.order {
        Order::Review(_) => Act::Score(Some(60)),
        _ => Act::Make,
    });
    let kept = Kept::begin(&studio);
    let view = at_rest(&studio, &door, mara, "off").await;
    assert_eq!(view["counts"]["awaiting"], 3, "{view:#}");
    kept.end().await;
    studio.assert_settled().await;
}

#[tokio::test]
async fn of_those_that_fit_any_number_is_judged_and_of_those_that_are_named_at_most_500() {
    let studio = studio().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    waiting(&studio, &door, mara, 1).await;
    studio.stage.rule(|_| Act::Hang);
    let sample = pictures(&studio, mara).await.remove(0);
    let mut tx = studio.context.db.begin().await.unwrap();
    for number in 0..500u128 {
        let file = AssetRef { hash: ContentHash::of(&number.to_be_bytes()), ext: "png".into() };
        let id = PictureId(uuid::Uuid::from_u128((1 << 40) + number));
        let one = Picture { id, file, ..sample.clone() };
        assert!(studiod::store::dataset_pictures::insert(&mut tx, &one).await.unwrap());
    }
    tx.commit().await.unwrap();
    let named: Vec<PictureId> = pictures(&studio, mara).await.iter().map(|one| one.id).collect();
    let refused = begin(&door, mara, json!({ "pictures": named })).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body["detail"].as_str().unwrap().contains("501 pictures are named"), "{}", refused.body);
    let begun = begin(&door, mara, json!({ "state": "pending" })).await;
    assert_eq!((begun.status, &begun.body["review"]["counts"]["asked"]), (202, &json!(501)), "{}", begun.body);
    let id = begun.body["review"]["id"].clone();
    assert_eq!(told_of(&studio, &id).await, 6, "a batch of 100 is a transaction, and each is told of");
    ask(&door, "POST", &format!("/api/reviews/{}/cancel", id.as_str().unwrap()), &[], "").await;
    until(&studio, &door, &id, over).await;
}

/// How often the journal says that a review is new.
async fn told_of(studio: &Studio, review: &Value) -> usize {
    let all = store::events::since(&studio.context.db, 0, 10_000).await.unwrap();
    all.iter().filter(|event| event.kind == EventKind::DatasetChanged.word() && event.body["review"] == *review).count()
}

#[tokio::test]
async fn who_asks_again_after_a_failure_in_between_asks_about_the_rest() {
    let mut studio = studio().await;
    let (before, mara) = (door(&studio), mara(&studio, "Mara").await);
    waiting(&studio, &before, mara, 1).await;
    studio.stage.rule(|_| Act::Hang);
    let sample = pictures(&studio, mara).await.remove(0);
    let mut tx = studio.context.db.begin().await.unwrap();
    for number in 0..250u128 {
        let file = AssetRef { hash: ContentHash::of(&number.to_be_bytes()), ext: "png".into() };
        let one = Picture { id: PictureId(uuid::Uuid::from_u128((1 << 40) + number)), file, ..sample.clone() };
        assert!(store::dataset_pictures::insert(&mut tx, &one).await.unwrap());
    }
    tx.commit().await.unwrap();
    let sql = async |statement: &'static str| {
        let Db::Sqlite(pool) = &studio.context.db else { unreachable!() };
        sqlx::query(statement).execute(pool).await.unwrap();
    };
    sql("create trigger enough before insert on dataset_requests
           when (select count(*) from dataset_requests where review_id is not null) >= 130
           begin select raise(abort, 'enough'); end")
    .await;
    let failed = begin(&before, mara, json!({ "state": "pending" })).await;
    assert!(failed.status >= 500, "{}", failed.body);
    sql("drop trigger enough").await;
    studio.power_cut().await;
    let reviews = store::dataset_reviews::of_character(&studio.context.db, mara).await.unwrap();
    let asked: Vec<u32> = reviews.iter().map(|one| one.counts.asked).collect();
    assert_eq!(asked, [100], "a batch is there whole or not at all");
    studio.start_again().await;
    let door = door(&studio);
    let begun = begin(&door, mara, json!({ "state": "pending" })).await;
    // One of the first batch may be over by now, and is asked about once more.
    let rest = begun.body["review"]["counts"]["asked"].as_u64().unwrap();
    assert!(begun.status == 202 && (151..200).contains(&rest), "{}", begun.body);
    for (id, batches) in [(json!(reviews[0].id), 1), (begun.body["review"]["id"].clone(), 2)] {
        assert_eq!(told_of(&studio, &id).await, batches);
        ask(&door, "POST", &format!("/api/reviews/{}/cancel", id.as_str().unwrap()), &[], "").await;
        until(&studio, &door, &id, over).await;
    }
}

/// Four pictures that nobody could judge.
async fn waiting_unjudged(studio: &Studio, door: &Router, character: CharacterId) -> Vec<PictureId> {
    for which in 0..4 {
        let path = format!("/api/characters/{character}/dataset/pictures?name={which}.png");
        assert_eq!(ask(door, "POST", &path, &[], png(which)).await.status, 201);
    }
    let kept = Kept::begin(studio);
    at_rest(studio, door, character, "off").await;
    kept.end().await;
    pictures(studio, character).await.iter().map(|one| one.id).collect()
}

#[tokio::test]
async fn a_restart_goes_on_with_it_and_a_stop_holds_over_one() {
    for stopped in [false, true] {
        let mut studio = studio().await;
        let mara = mara(&studio, "Mara").await;
        studio.stage.rule(|asked| match asked.order {
            Order::Review(_) => Act::Score(None),
            _ => Act::Make,
        });
        let door_before = door(&studio);
        waiting_unjudged(&studio, &door_before, mara).await;
        let all = pictures(&studio, mara).await;
        let rule = judged(|at| if at == 0 { Act::Score(Some(10)) } else { Act::Hang }, all);
        studio.stage.rule(move |asked| rule(asked.order));
        let begun = begin(&door_before, mara, json!({})).await;
        let id = begun.body["review"]["id"].clone();
        until(&studio, &door_before, &id, |view| view["done"] == 1).await;
        if stopped {
            // The row says so, and the power fails before anybody heard of it.
            let mut tx = studio.context.db.begin().await.unwrap();
            let review = id.as_str().unwrap().parse().unwrap();
            studiod::store::dataset_reviews::stop(&mut tx, review).await.unwrap();
            tx.commit().await.unwrap();
        }
        studio.power_cut().await;
        if !stopped {
            studio.stage.rule(|_| Act::Score(Some(92)));
        }
        studio.start_again().await;
        let door = door(&studio);
        let done = until(&studio, &door, &id, over).await;
        let counts = &done["review"]["counts"];
        assert_eq!(counts["rejected"], 1, "{done:#}");
        // Who has no eyes approves nothing that came from outside.
        let left = if stopped { "stopped" } else { "waiting" };
        assert_eq!(counts[left], 3, "{done:#}");
        studio.assert_settled().await;
    }
}

#[tokio::test]
async fn a_judge_that_fails_for_good_leaves_what_was_known_and_is_counted() {
    let studio = studio().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    studio.stage.rule(|asked| match asked.order {
        Order::Review(_) => Act::Score(None),
        _ => Act::Make,
    });
    waiting_unjudged(&studio, &door, mara).await;
    let before = pictures(&studio, mara).await;
    let rule = judged(|at| Act::Fail([FailureKind::Refused, FailureKind::Transient][at % 2]), before.clone());
    studio.stage.rule(move |asked| rule(asked.order));
    let begun = begin(&door, mara, json!({ "pictures": [before[0].id] })).await;
    let done = until(&studio, &door, &begun.body["review"]["id"], over).await;
    assert_eq!(done["review"]["counts"]["failed"], 1, "{done:#}");
    assert_eq!(pictures(&studio, mara).await[0].verdict, before[0].verdict);
    // Moved to somebody else while the judge looks: not that one's verdict.
    let ben = self::mara(&studio, "Ben").await;
    let rule = judged(|_| Act::HangThen(5), before.clone());
    studio.stage.rule(move |asked| rule(asked.order));
    let begun = begin(&door, mara, json!({ "pictures": [before[2].id] })).await;
    let to = json!({ "character": ben }).to_string();
    let moved = ask(&door, "POST", &format!("/api/pictures/{}/reassign", before[2].id), &[JSON], to).await;
    assert_eq!(moved.status, 200, "{}", moved.body);
    studio.stage.release();
    let done = until(&studio, &door, &begun.body["review"]["id"], over).await;
    assert_eq!(done["review"]["counts"]["gone"], 1, "{done:#}");
    let there = pictures(&studio, ben).await;
    assert!(there[0].verdict.is_none() && there[0].state == PictureState::Pending, "{there:?}");
    studio.assert_settled().await;
}
