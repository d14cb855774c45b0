//! Sights: a vision model says what pictures of datasets show. They are placed by it and captioned, and a person's word stays.

use std::{path::Path, sync::Arc};

use axum::Router;
use serde_json::{Value, json};
use studio_core::{
    dataset::{Otherwise, Picture, PictureState},
    ids::CharacterId,
    media::{MediaPlan, MediaResult},
    take::{Mark, MarkName},
    units::Score,
};
use studio_draft::stills::Stills;
use studio_engine::{Availability, Boxed, EngineError, Progress, RunMedia};
use studiod::{
    app::datasets::Datasets,
    conductor::Seat,
    config::Config,
    engines::{
        Home, Patience,
        ollama::{Ollama, OllamaModel, OllamaPlan},
        reader::Reader,
    },
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    api::PATIENCE,
    bench::{JSON, PATCH, Said, ask, door_with, get},
    datasets::{Kept, at_rest, mara, pictures, with},
    reviews::{over, png, until},
    servers::ollama::{Fault, Ollama as Fake},
    studio::Studio,
};

/// The model that looks.
pub const EYE: &str = "gemma3:12b";

/// Measures nothing: every still is well exposed and sharp.
struct Good;

impl RunMedia for Good {
    fn run<'a>(
        &'a self,
        plan: MediaPlan,
        _: &'a Path,
        _: &'a Progress,
        _: &'a CancellationToken,
    ) -> Boxed<'a, Result<MediaResult, EngineError>> {
        Box::pin(async move {
            assert!(matches!(plan, MediaPlan::Measure(_)), "{plan:?}");
            let mark =
                |name: MarkName| Mark { name, score: Score::from_percent(90), measured: 0.9, unit: String::new() };
            Ok(MediaResult::Measure { marks: [MarkName::Black, MarkName::Exposure, MarkName::Blur].map(mark).to_vec() })
        })
    }
}

/// A judge that looks with the vision model of an Ollama, and waits no longer than tests do.
pub fn eyes(url: String) -> Reader {
    let second = std::time::Duration::from_secs(1);
    let plan = OllamaPlan {
        url,
        home: Home::default(),
        models: vec![OllamaModel { name: EYE.into(), vram_mib: 8_000, load_s: 20, num_ctx: 4096 }],
        keep_alive: "30m".into(),
        patience: Patience { look: second / 50, release: second * 20, load: second * 60, away: second / 10 },
    };
    Reader::new(Arc::new(Ollama::open(plan).unwrap()), Arc::new(Good))
}

/// What an Ollama would say: of a review that all is well, of what is seen and who it is what a test wants.
pub fn answers(fake: &Fake, sight: impl Fn(&Value) -> String + Send + Sync + 'static) {
    fake.answers(move |body, _| {
        let fields = body["format"]["properties"].as_object().expect("there is a schema");
        if ["shows", "who"].iter().any(|one| fields.contains_key(*one)) {
            return sight(body);
        }
        let value = |name: &String| match name.as_str() {
            "issues" | "common_error_hits" => json!([]),
            "has_anatomical_defects" => json!(false),
            "solo" | "species_correct" | "gender_match" => json!(true),
            "completeness" => json!("full"),
            "reason" | "caption" => json!("as it should be"),
            _ => json!(9),
        };
        Value::Object(fields.keys().map(|name| (name.clone(), value(name))).collect()).to_string()
    });
}

pub fn seen(shows: Value, details: &[&str]) -> String {
    let mut said = json!({ "details": details });
    said["shows"] = shows;
    said.to_string()
}

/// A studio with an Ollama that sees.
pub struct World {
    pub fake: Arc<Fake>,
    pub studio: Studio,
    pub door: Router,
    offer: watch::Receiver<Availability>,
}

impl World {
    pub async fn new() -> Self {
        let fake = Arc::new(Fake::start().await);
        answers(&fake, |_| seen(json!({}), &[]));
        let reader = eyes(fake.served.url());
        let offer = studio_engine::Engine::offer(&reader).unwrap();
        let studio = Studio::open_with(|seats| {
            seats.insert("draft.stills".into(), Seat { engine: Arc::new(Stills), slots: 2 });
            seats.insert("ollama".into(), Seat { engine: Arc::new(reader), slots: 1 });
        })
        .await;
        let mut world = Self { door: Router::new(), fake, studio, offer };
        world.door = door_with(&world.studio, world.datasets());
        world.until(false).await;
        world
    }

    /// As the settings say that name the server.
    pub fn datasets(&self) -> Datasets {
        let config: Config =
            serde_json::from_value(json!({ "ollama": { "url": self.fake.served.url(), "vision": EYE } })).unwrap();
        with(&self.studio, config)
    }

    pub fn kept(&self) -> Kept {
        Kept::by(self.datasets())
    }

    /// As soon as the server is away, or there.
    pub async fn until(&mut self, away: bool) {
        let wanted = |offer: &Availability| offer.seats[0].away.is_some() == away;
        tokio::time::timeout(PATIENCE, self.offer.wait_for(wanted)).await.expect("it comes").expect("somebody tells");
    }

    async fn send(&self, character: CharacterId, which: u32) {
        let path = format!("/api/characters/{character}/dataset/pictures?name={which}.png");
        let answer = ask(&self.door, "POST", &path, &[], png(which)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }

    pub async fn at_rest(&self, character: CharacterId) -> Value {
        at_rest(&self.studio, &self.door, character, "off").await
    }

    async fn write(&self, character: CharacterId, wanted: Value) -> Said {
        let path = format!("/api/characters/{character}/dataset/captions/write");
        ask(&self.door, "POST", &path, &[JSON], wanted.to_string()).await
    }

    /// The same, and what came of it.
    async fn written(&self, character: CharacterId, wanted: Value) -> Value {
        let begun = self.write(character, wanted).await;
        assert_eq!(begun.status, 202, "{}", begun.body);
        until(&self.studio, &self.door, &begun.body["review"]["id"], over).await
    }

    async fn describe(&self, picture: &Picture, body: Value) {
        let answer =
            ask(&self.door, "PATCH", &format!("/api/pictures/{}", picture.id), &[JSON], body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    fn sights(&self) -> Vec<Value> {
        let asked = self.fake.asked.of("/api/chat");
        asked.into_iter().filter(|body| body["format"]["properties"]["shows"].is_object()).collect()
    }
}

fn caption(picture: &Picture) -> Option<(&str, bool)> {
    picture.caption.as_ref().map(|caption| (caption.text.as_str(), caption.by_person))
}

#[tokio::test]
async fn a_picture_is_judged_placed_and_captioned_in_one_visit_and_a_persons_word_stays() {
    let world = World::new().await;
    let mara = mara(&world.studio, "Mara").await;
    answers(&world.fake, |_| {
        let shows = json!({ "framing": "upper", "angle": "three_quarter", "expression": "unknown", "pose": "flying",
            "place": "street", "mood": "dark" });
        seen(shows, &["Red coat", "masterpiece", "Mara with a lantern", "holding a lantern", "mirax7"])
    });
    let words = json!({ "trigger": "mirax7" });
    let path = format!("/api/characters/{mara}/dataset");
    assert_eq!(ask(&world.door, "PATCH", &path, &[PATCH], words.to_string()).await.status, 200);
    world.send(mara, 1).await;
    let kept = world.kept();
    world.at_rest(mara).await;
    let picture = pictures(&world.studio, mara).await.swap_remove(0);
    assert_eq!(picture.state, PictureState::Approved, "{:?}", picture.verdict);
    let shown = json!({ "angle": "three_quarter", "framing": "upper", "place": "street" });
    assert_eq!(json!(picture.cell), shown, "words of no list are left");
    let said = "upper body, three-quarter view, in a street, red coat, holding a lantern";
    assert_eq!(caption(&picture), Some((said, false)));
    let asked = world.sights();
    assert_eq!((asked.len(), &asked[0]["messages"][0]["images"].as_array().unwrap().len()), (1, &1));
    let loads = world.fake.loads();
    assert!(loads <= 1, "one visit, one load");
    // A person says where it is from, and that no place can be told. Its caption follows.
    world.describe(&picture, json!({ "cell": { "angle": "side", "framing": "upper" } })).await;
    let picture = pictures(&world.studio, mara).await.swap_remove(0);
    let said = "upper body, side view, profile, red coat, holding a lantern";
    assert_eq!(caption(&picture), Some((said, false)));
    // Another look says otherwise, and only of what nobody has said anything.
    answers(&world.fake, |_| seen(json!({ "framing": "full", "angle": "front", "place": "room" }), &["blue coat"]));
    let done = world.written(mara, json!({ "all": true })).await;
    assert_eq!(done["review"]["counts"]["described"], 1, "{done:#}");
    let picture = pictures(&world.studio, mara).await.swap_remove(0);
    assert_eq!(json!(picture.cell), json!({ "angle": "side", "framing": "full" }));
    assert_eq!(caption(&picture), Some(("full body, head to toe, side view, profile, blue coat", false)));
    assert_eq!(picture.state, PictureState::Approved, "a description decides nothing");
    // A caption of a person's is never written over.
    world.describe(&picture, json!({ "caption": "hers" })).await;
    answers(&world.fake, |_| seen(json!({ "framing": "face" }), &["hat"]));
    world.written(mara, json!({ "pictures": [picture.id] })).await;
    let picture = pictures(&world.studio, mara).await.swap_remove(0);
    assert_eq!((caption(&picture), picture.cell["framing"].as_str()), (Some(("hers", true)), "face"));
    kept.end().await;
    world.studio.assert_settled().await;
}

#[tokio::test]
async fn a_generated_picture_that_shows_something_else_is_placed_where_it_is() {
    let world = World::new().await;
    let mara = mara(&world.studio, "Mara").await;
    answers(&world.fake, |_| seen(json!({ "framing": "full", "angle": "back", "expression": "smile" }), &[]));
    let kept = world.kept();
    let wanted = json!({ "pictures": 1, "cell": { "framing": "full", "angle": "front", "expression": "sad" } });
    let path = format!("/api/characters/{mara}/dataset/generate");
    let answer = ask(&world.door, "POST", &path, &[JSON], wanted.to_string()).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    // Made, judged, and at rest.
    let mut events = world.studio.context.events.listen();
    let judged = async {
        while pictures(&world.studio, mara).await.first().is_none_or(|picture| picture.verdict.is_none()) {
            events.recv().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, judged).await.expect("in time");
    let picture = pictures(&world.studio, mara).await.swap_remove(0);
    let asked = &picture.made.as_ref().unwrap().asked;
    assert_eq!((asked["angle"].as_str(), picture.cell["angle"].as_str()), ("front", "back"));
    assert!(!picture.cell.contains_key("expression"), "nobody sees one from behind: {:?}", picture.cell);
    assert_eq!(picture.cell.get("place"), asked.get("place"), "what could not be told is as it was asked for");
    let otherwise = &picture.placing.as_ref().unwrap().otherwise;
    let one =
        |axis: &str, asked: &str, seen: &str| Otherwise { axis: axis.into(), asked: asked.into(), seen: seen.into() };
    assert_eq!(otherwise, &[one("angle", "front", "back"), one("expression", "sad", "smile")]);
    let shown = get(&world.door, &format!("/api/pictures/{}", picture.id)).await.body;
    assert_eq!(shown["picture"]["placing"]["otherwise"][0]["seen"], "back", "{shown:#}");
    kept.end().await;
    world.studio.assert_settled().await;
}

#[tokio::test]
async fn an_answer_of_no_use_places_nothing_and_the_verdict_stands() {
    let world = World::new().await;
    let mara = mara(&world.studio, "Mara").await;
    answers(&world.fake, |_| "a girl in a red coat".into());
    world.send(mara, 1).await;
    let kept = world.kept();
    world.at_rest(mara).await;
    let picture = pictures(&world.studio, mara).await.swap_remove(0);
    assert_eq!(picture.state, PictureState::Approved, "{:?}", picture.verdict);
    assert!(picture.cell.is_empty() && picture.placing.is_none() && picture.caption.is_none());
    assert_eq!(world.sights().len(), 2, "asked once more, with what was wrong");
    // Asked for on its own it is said; nothing about the picture changes.
    let done = world.written(mara, json!({})).await;
    assert_eq!(done["review"]["counts"]["unreviewed"], 1, "{done:#}");
    let after = pictures(&world.studio, mara).await.swap_remove(0);
    assert_eq!((&after.verdict, &after.caption), (&picture.verdict, &None));
    // When the model does better, it is looked at again.
    answers(&world.fake, |_| seen(json!({ "angle": "side" }), &[]));
    let done = world.written(mara, json!({})).await;
    assert_eq!(done["review"]["counts"]["described"], 1, "{done:#}");
    let nothing = world.write(mara, json!({})).await;
    assert_eq!((nothing.status, &nothing.body["code"]), (409, &json!("nothing_to_review")), "every one has a caption");
    kept.end().await;
    world.studio.assert_settled().await;
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for_and_a_person_who_writes_meanwhile_wins() {
    let mut world = World::new().await;
    let mara = mara(&world.studio, "Mara").await;
    answers(&world.fake, |_| "nothing".into());
    for which in 1..=2 {
        world.send(mara, which).await;
    }
    let kept = world.kept();
    world.at_rest(mara).await;
    world.fake.fault(Fault::Broken);
    world.until(true).await;
    answers(&world.fake, |_| seen(json!({ "angle": "front" }), &["umbrella"]));
    let begun = world.write(mara, json!({})).await;
    assert_eq!(begun.body["review"]["counts"]["asked"], 2, "{}", begun.body);
    let view = get(&world.door, &format!("/api/characters/{mara}/dataset")).await.body;
    assert_eq!((&view["judge_away"], &view["counts"]["in_review"]), (&json!(true), &json!(2)), "{view:#}");
    let all = pictures(&world.studio, mara).await;
    world.describe(&all[0], json!({ "caption": "in the rain" })).await;
    world.fake.well();
    let done = until(&world.studio, &world.door, &begun.body["review"]["id"], over).await;
    assert_eq!(done["review"]["counts"]["described"], 2, "{done:#}");
    let all = pictures(&world.studio, mara).await;
    assert_eq!(caption(&all[0]), Some(("in the rain", true)));
    assert_eq!(caption(&all[1]), Some(("from the front, facing the viewer, umbrella", false)));
    kept.end().await;
    world.studio.assert_settled().await;
}

#[tokio::test]
async fn without_a_vision_model_captions_are_refused_with_the_remedy() {
    let studio = crate::datasets::studio().await;
    let (door, mara) = (crate::bench::door(&studio), mara(&studio, "Mara").await);
    let path = format!("/api/characters/{mara}/dataset/pictures?name=1.png");
    assert_eq!(ask(&door, "POST", &path, &[], png(1)).await.status, 201);
    let path = format!("/api/characters/{mara}/dataset/captions/write");
    let refused = ask(&door, "POST", &path, &[JSON], "{}").await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("no_eyes")), "{}", refused.body);
    assert!(refused.body["detail"].as_str().unwrap().contains("ollama.vision"), "{}", refused.body);
    studio.assert_settled().await;
}
