//! Loops: a whole dataset is filled by a judge that is often wrong, through outages and a power cut, and an oracle says afterwards
//! what should have become of every picture. It knows the rules from their description alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::Engine as _;
use serde_json::{Value, json};
use studio_core::{
    dataset::{
        Dataset, DatasetSettings, Decider, Decision, Event, Picture, PictureState, Reason, Rejection, RequestState,
        Source, Why, seed_of,
    },
    ids::{CharacterId, ContentHash, PictureId},
    units::{Millis, Score, Seed},
};
use studio_engine::asset_path;
use studiod::store;

use crate::{
    api::PATIENCE,
    bench::{JSON, ask, door_with, get},
    datasets::{fill, mara, pictures, quick},
    servers::ollama::{Fault, Ollama as Fake},
    sights::{World, seen},
    studio::Studio,
};

/// Approved pictures that are enough.
const TARGET: u32 = 12;
/// On a bad day the judge likes none of so many pictures, the first ones it sees.
const BAD_DAY: usize = 6;

/// What a picture is worth, and what the judge says of it, in tenths: in a fifth of all it is wrong.
fn worth(shown: ContentHash) -> (u32, u32) {
    let truth = match shown.leading_u64() % 10 {
        0..=5 => 9,
        6 => 6,
        _ => 2,
    };
    let wrong = ContentHash::of(shown.to_string().as_bytes()).leading_u64().is_multiple_of(5);
    (truth, if wrong { 11 - truth } else { truth })
}

/// What is wrong with a picture that is bad, as the judge and as datasets call it.
fn flaw(shown: ContentHash) -> (&'static str, Rejection) {
    if (shown.leading_u64() / 10).is_multiple_of(2) {
        ("blurry", Rejection::Blurry)
    } else {
        ("poor_lighting", Rejection::TooDark)
    }
}

/// What mends that, in order.
fn mends(category: Rejection) -> [&'static str; 3] {
    match category {
        Rejection::Blurry => ["blur", "resolution", "quality"],
        Rejection::TooDark => ["brightness", "contrast", "seed"],
        other => panic!("nobody said {other}"),
    }
}

/// What the prompt says more strongly after a repair; empty: nothing.
fn stressed(repair: &str) -> &'static str {
    match repair {
        "blur" => "sharp focus, highly detailed",
        "brightness" => "well lit, balanced exposure",
        "contrast" => "high contrast, vivid colors",
        _ => "",
    }
}

/// What the judge remembers.
#[derive(Default)]
struct Memory {
    /// How often it was asked about each picture, by the file it was shown.
    looks: BTreeMap<ContentHash, u32>,
    /// What it saw on its bad day.
    bad_day: BTreeSet<ContentHash>,
}

impl Memory {
    fn says(&self, shown: ContentHash) -> u32 {
        if self.bad_day.contains(&shown) { 2 } else { worth(shown).1 }
    }
}

fn judge_with(fake: &Fake) -> Arc<Mutex<Memory>> {
    let memory = Arc::<Mutex<Memory>>::default();
    let known = memory.clone();
    fake.answers(move |body, _| {
        let fields = body["format"]["properties"].as_object().expect("there is a schema");
        if fields.contains_key("shows") {
            return seen(json!({}), &[]);
        }
        let picture = body["messages"][0]["images"][0].as_str().expect("it is shown");
        let shown = ContentHash::of(&base64::engine::general_purpose::STANDARD.decode(picture).unwrap());
        let mut memory = known.lock().unwrap();
        *memory.looks.entry(shown).or_default() += 1;
        if memory.bad_day.len() < BAD_DAY {
            memory.bad_day.insert(shown);
        }
        let tenths = memory.says(shown);
        let issues = if tenths < 4 { json!([flaw(shown).0]) } else { json!([]) };
        let value = |name: &String| match name.as_str() {
            "issues" => issues.clone(),
            "common_error_hits" => json!([]),
            "has_anatomical_defects" => json!(false),
            "solo" | "species_correct" | "gender_match" => json!(true),
            "completeness" => json!("full"),
            "reason" | "caption" => json!("as it is"),
            _ => json!(tenths),
        };
        Value::Object(fields.keys().map(|name| (name.clone(), value(name))).collect()).to_string()
    });
    memory
}

/// The file a judge is shown of a picture, as it stands in what it is asked.
fn shown(studio: &Studio, picture: &Picture) -> ContentHash {
    let kept = image::open(asset_path(&studio.context.data.assets(), &picture.file)).unwrap();
    let mut bytes = std::io::Cursor::new(Vec::new());
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90);
    kept.to_rgb8().write_with_encoder(encoder).unwrap();
    ContentHash::of(&bytes.into_inner())
}

/// Moments at which somebody let it go on, the first one too.
type Resumed = Vec<Millis>;

/// Fills the dataset; a person decides what the judge leaves to them and lets it go on whenever it rests.
async fn filled(world: &mut World, mara: CharacterId) -> Resumed {
    let mut kept = world.kept();
    let mut events = world.studio.context.events.listen();
    let (mut resumed, mut heard) = (vec![since(&world.studio, mara).await], 0);
    let mut troubles = vec![(30, Trouble::Studio), (16, Trouble::Judge), (6, Trouble::Studio), (3, Trouble::Judge)];
    loop {
        let view = get(&world.door, &format!("/api/characters/{mara}/dataset")).await.body;
        let counts = &view["counts"];
        let rests = counts["in_flight"] == 0 && counts["unjudged"] == 0;
        let why = view["waits"]["why"].as_str().unwrap_or_default();
        if rests && why == "at_target" {
            break;
        }
        if rests && why == "paused" {
            assert_eq!(view["dataset"]["paused"]["why"], "rejections", "{view:#}");
            let answer = ask(&world.door, "POST", &format!("/api/characters/{mara}/dataset/resume"), &[], "").await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            resumed.push(since(&world.studio, mara).await);
        } else if rests && why == "pending" {
            decide(world, mara).await;
        } else if tokio::time::timeout(Duration::from_millis(200), events.recv()).await.is_err() {
            // What failed is tried again after a while.
            world.studio.later(2_000).await;
        } else {
            heard += 1;
        }
        if troubles.last().is_some_and(|(at, _)| *at <= heard) {
            match troubles.pop().expect("there is one").1 {
                Trouble::Judge => {
                    world.fake.fault(Fault::Broken);
                    world.until(true).await;
                    world.fake.well();
                    world.until(false).await;
                }
                Trouble::Studio => {
                    kept.cut().await;
                    world.studio.power_cut().await;
                    world.studio.start_again().await;
                    world.door = door_with(&world.studio, world.datasets());
                    kept = world.kept();
                }
            }
        }
    }
    assert!(troubles.is_empty(), "not everything that was to go wrong went wrong: {heard} events");
    kept.end().await;
    resumed
}

/// Who goes away for a moment.
#[derive(Clone, Copy)]
enum Trouble {
    Judge,
    Studio,
}

async fn since(studio: &Studio, mara: CharacterId) -> Millis {
    store::datasets::get(&studio.context.db, mara).await.unwrap().since
}

/// A person says of everything that waits for them what it is worth.
async fn decide(world: &World, mara: CharacterId) {
    for picture in pictures(&world.studio, mara).await.iter().filter(|one| one.awaits_person()) {
        let good = worth(shown(&world.studio, picture)).0 > 5;
        let path = format!("/api/pictures/{}/decision", picture.id);
        let body = json!({ "good": good, "categories": if good { vec![] } else { vec!["blurry"] } });
        let answer = ask(&world.door, "PUT", &path, &[JSON], body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

/// What was decided of a picture and why, as the bands say.
fn decision(picture: &Picture, shown: ContentHash, memory: &Memory) -> (PictureState, Option<(Decider, Reason)>) {
    if picture.duplicate_of.is_some() {
        return (PictureState::Pending, None);
    }
    let (judge, says) = (Decider::Judge, memory.says(shown));
    // The judge is not to blame for what it could not be asked.
    if picture.verdict.as_ref().is_none_or(|verdict| verdict.score.is_none()) {
        return person(shown);
    }
    match says {
        8.. => (PictureState::Approved, Some((judge, Reason::Scored { percent: says as u16 * 10, asked: 80 }))),
        4..=7 => person(shown),
        _ => (PictureState::Rejected, Some((judge, Reason::Rejected { categories: vec![flaw(shown).1] }))),
    }
}

fn person(shown: ContentHash) -> (PictureState, Option<(Decider, Reason)>) {
    if worth(shown).0 > 5 {
        (PictureState::Approved, Some((Decider::Person, Reason::Good)))
    } else {
        let categories = vec![Rejection::Blurry];
        (PictureState::Rejected, Some((Decider::Person, Reason::Rejected { categories })))
    }
}

/// It rested after five rejections in a row, each time, and never without.
fn rows_of_five(all: &[Picture], resumed: &Resumed) {
    let own = all.iter().filter(|one| one.source == Source::Generated && one.duplicate_of.is_none());
    let mut decided: Vec<(&Decision, &Picture)> = own.filter_map(|one| Some((one.decision.as_ref()?, one))).collect();
    decided.sort_by_key(|(decision, one)| (decision.at, one.id));
    for (number, from) in resumed.iter().enumerate() {
        let until = resumed.get(number + 1).copied();
        let here = decided
            .iter()
            .filter(|(decision, _)| decision.at >= *from && until.is_none_or(|until| decision.at < until));
        let (mut row, mut longest, mut after) = (0, 0, None::<u32>);
        for (_, picture) in here {
            row = if picture.state == PictureState::Rejected { row + 1 } else { 0 };
            longest = longest.max(row);
            after = if row == 5 { Some(0) } else { after.map(|after| after + 1) };
        }
        // What was there already is still judged, and may break a row that nobody has seen yet.
        assert!(longest <= 7, "{longest} in a row");
        assert!(until.is_none() || after.is_some_and(|after| after <= 3), "it rested for something else: {after:?}");
    }
}

/// Every repair is the next one for what was wrong, of a picture that was rejected, and each is mended once.
fn repairs(all: &BTreeMap<PictureId, &Picture>, asked: &[store::datasets::Asked]) -> usize {
    let mut mended = BTreeSet::new();
    for one in asked {
        let made = &one.request.made;
        let Some(id) = made.tried.repairs else {
            let Some(Why::Missing { axis, word, .. }) = &made.tried.why else { panic!("{:?}", made.tried) };
            assert_eq!(made.asked.get(axis), Some(word), "what is missing is asked for");
            continue;
        };
        assert!(mended.insert(id), "{id} is mended twice");
        let broken = all[&id];
        assert_eq!(broken.state, PictureState::Rejected);
        let Some(Reason::Rejected { categories }) = broken.decision.as_ref().map(|decision| &decision.reason) else {
            panic!("{:?}", broken.decision)
        };
        let (mut chain, mut at) = (Vec::new(), Some(broken));
        while let Some(picture) = at {
            let tried = &picture.made.as_ref().unwrap().tried;
            chain.extend((!tried.repair.is_empty()).then_some(tried.repair.as_str()));
            at = tried.repairs.map(|before| all[&before]);
        }
        assert!(chain.len() < 3, "{chain:?}");
        let next = mends(categories[0]).into_iter().find(|repair| !chain.contains(repair)).expect("something is left");
        assert_eq!(made.tried.repair, next, "after {chain:?} for {categories:?}");
        assert_eq!(made.asked, broken.made.as_ref().unwrap().asked, "the same picture, but good");
        for repair in chain.into_iter().chain([next]) {
            assert!(made.prompt.contains(stressed(repair)), "{repair}: {}", made.prompt);
        }
    }
    mended.len()
}

#[tokio::test]
async fn a_dataset_is_what_the_rules_say_although_the_judge_errs_and_everything_fails_once() {
    let mut world = World::new().await;
    let memory = judge_with(&world.fake);
    let mara = mara(&world.studio, "Mara").await;
    let settings = DatasetSettings { repair: true, ..quick(TARGET) };
    fill(&world.studio, mara, settings).await;
    let run = filled(&mut world, mara);
    let resumed = tokio::time::timeout(PATIENCE * 3, run).await.expect("it is filled");
    let studio = &world.studio;
    let all = pictures(studio, mara).await;
    let by_id: BTreeMap<PictureId, &Picture> = all.iter().map(|one| (one.id, one)).collect();
    let asked = store::datasets::asked(&studio.context.db, mara, Millis(0)).await.unwrap();
    let memory = std::mem::take(&mut *memory.lock().unwrap());
    // What the judge said, and what follows.
    let (mut wrong, mut judged) = (0, BTreeSet::new());
    for picture in &all {
        let shown = shown(studio, picture);
        if let Some(score) = picture.verdict.as_ref().and_then(|verdict| verdict.score) {
            assert_eq!(score, Score::from_percent(memory.says(shown) as u16 * 10), "{:?}", picture.verdict);
            wrong += u32::from(memory.says(shown) != worth(shown).0);
            judged.insert(shown);
        }
        let decided = picture.decision.as_ref().map(|decision| (decision.by, decision.reason.clone()));
        assert_eq!((picture.state, decided), decision(picture, shown, &memory), "{picture:?}");
    }
    assert!(wrong > 0, "the judge never erred in {}", judged.len());
    // It stopped at the target, and would not go on.
    assert_eq!(all.iter().filter(|one| one.state == PictureState::Approved).count(), TARGET as usize);
    world.datasets().look_after_all(Event::Woken).await.unwrap();
    let later = store::datasets::asked(&studio.context.db, mara, Millis(0)).await.unwrap();
    assert_eq!(later.len(), asked.len(), "enough is enough");
    // It rested once at least: on the judge's bad day.
    assert!(resumed.len() > 1, "{resumed:?}");
    rows_of_five(&all, &resumed);
    assert!(repairs(&by_id, &asked) > 0, "what was rejected is mended");
    // Everything that was asked for is there, once, and was looked at once but for what went wrong meanwhile.
    assert!(asked.iter().all(|one| one.state == RequestState::Made && one.automatic));
    let ids: BTreeSet<PictureId> = asked.iter().map(|one| PictureId(one.request.job.id())).collect();
    let there: BTreeSet<PictureId> = by_id.keys().copied().collect();
    assert_eq!((ids.len(), &ids), (asked.len(), &there));
    let files: BTreeSet<ContentHash> = all.iter().map(|one| one.file.hash).collect();
    assert_eq!(files.len(), all.len());
    let dataset = Dataset::new(mara);
    let seeds: BTreeSet<Seed> = asked.iter().filter_map(|one| one.request.made.seed).collect();
    let wanted: BTreeSet<Seed> = (0..asked.len() as u64).map(|number| seed_of(&dataset, number)).collect();
    assert_eq!(seeds, wanted, "none is left out");
    assert!(judged.iter().all(|shown| memory.looks.contains_key(shown)));
    let twice: u32 = memory.looks.values().map(|looks| looks - 1).sum();
    assert!(twice <= 4, "{twice} more looks than pictures");
    studio.assert_settled().await;
}
