use std::{path::Path, process::Command, sync::Arc};

use serde_json::{Value, json};
use studio_core::{
    character::{Appearance, CharacterProfile},
    ids::CharacterId,
    media::Expected,
    order::{AssetRef, Figure, Order, Outputs, Reported, ReviewOrder},
    review::{Candidate, Confusable, Issue, Shown},
    take::{MarkName, MustLook, Verdict},
    units::{Fps, Frames, Score, Size},
};
use studio_engine::{Artifact, Engine, EngineError, FailureKind};
use studiod::engines::{
    likeness::{self, LikenessPlan},
    reader::Reader,
};

use super::{
    Place, media, ollama,
    ollama::EYE,
    run,
    servers::{
        likeness::Likeness,
        ollama::{Fault, Ollama as Fake},
    },
    until_here,
};

const SIZE: Size = Size { width: 320, height: 180 };
const FRAMES: u64 = 48;

struct World {
    fake: Arc<Fake>,
    reader: Reader,
    place: Place,
}

impl World {
    async fn new() -> Self {
        let fake = Arc::new(Fake::start().await);
        fake.answers(|body, _| answer(body, 9));
        let reader = Reader::new(Arc::new(ollama::open(&fake)), media());
        until_here(&reader).await;
        Self { fake, reader, place: Place::new() }
    }

    /// What ffmpeg draws, kept.
    fn draw(&self, name: &str, source: &str) -> AssetRef {
        let out = self.place.path(name);
        let one: &[&str] =
            if out.extension().is_some_and(|ending| ending == "png") { &["-frames:v", "1"] } else { &[] };
        ffmpeg(&[&["-f", "lavfi", "-i", source], one].concat(), &out);
        self.place.keep(&out)
    }

    /// A good clip, and the still it starts from.
    fn good(&self) -> (AssetRef, AssetRef) {
        let clip = self.draw("good.mp4", &source("", FRAMES));
        let still = self.place.path("still.png");
        ffmpeg(&["-i", &self.place.path("good.mp4").to_string_lossy(), "-frames:v", "1"], &still);
        (clip, self.place.keep(&still))
    }

    async fn judge(&self, order: ReviewOrder) -> Result<Verdict, EngineError> {
        let made = run(&self.reader, &Order::Review(order), &self.place).await?;
        match made.as_slice() {
            [Artifact::Finding(Reported::Verdict { verdict })] => Ok(verdict.clone()),
            other => panic!("{other:?}"),
        }
    }

    /// Questions asked so far, in words.
    fn questions(&self) -> Vec<String> {
        let text = |body: &Value| body["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
        self.fake.asked.of("/api/chat").iter().map(text).collect()
    }
}

fn ffmpeg(args: &[&str], out: &Path) {
    let done = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(args).arg(out).output().expect("ffmpeg runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A moving picture of ffmpeg's, through `filter`.
fn source(filter: &str, frames: u64) -> String {
    let filter = if filter.is_empty() { String::new() } else { format!(",{filter}") };
    format!("testsrc2=s=320x180:r=24,trim=end_frame={frames}{filter}")
}

/// What a vision model would answer: every mark is `mark`.
fn answer(body: &Value, mark: u8) -> String {
    let fields = body["format"]["properties"].as_object().expect("there is a schema");
    let value = |name: &String| match name.as_str() {
        "issues" | "common_error_hits" => json!([]),
        "solo" | "species_correct" | "gender_match" | "correct" => json!(true),
        "has_anatomical_defects" => json!(false),
        "completeness" => json!("full"),
        "who" => json!("a"),
        "reason" | "caption" | "seen" => json!("as it should be"),
        _ => json!(mark),
    };
    Value::Object(fields.keys().map(|name| (name.clone(), value(name))).collect()).to_string()
}

fn figure(species: &str) -> Figure {
    let looks = Appearance {
        design: "a keeper in an oilskin coat".into(),
        species: species.into(),
        features: vec!["tin lantern".into()],
        ..Appearance::default()
    };
    Figure {
        name: "Edda".into(),
        profile: CharacterProfile::from_name("Edda", None, None),
        appearance: Some(looks),
        staging: None,
    }
}

fn shown(species: &str) -> Shown {
    Shown {
        eye: EYE.into(),
        figures: vec![figure(species)],
        description: "Edda lifts her lantern.".into(),
        style: "oil painting".into(),
        hint: "soft brush strokes".into(),
        references: Vec::new(),
        confusable: Vec::new(),
        species: Vec::new(),
        axes: Vec::new(),
    }
}

fn order(subject: AssetRef, reference: Option<AssetRef>, shown: Shown) -> ReviewOrder {
    let expected = Expected { size: SIZE, fps: Fps::whole(24), frames: Frames(FRAMES), may_be_longer: true };
    ReviewOrder {
        subject,
        expected: Some(expected),
        reference,
        anchor: None,
        may_stand_still: false,
        dataset: false,
        describe: false,
        candidates: Vec::new(),
        turn: 0,
        shown: Some(shown),
    }
}

#[tokio::test]
async fn three_frames_are_compared_with_the_source_and_the_references() {
    let world = World::new().await;
    let (clip, still) = world.good();
    let reference = world.draw("face.png", "testsrc=s=1600x900:d=0.1");
    let shown = Shown { references: vec![reference], ..shown("") };
    let verdict = world.judge(order(clip, Some(still), shown)).await.unwrap();
    assert_eq!(verdict.score, Some(Score::from_fraction(8.0 / 9.0)), "{verdict:?}");
    assert!(verdict.ask.is_none() && verdict.judge == format!("ollama {EYE}"));
    assert!(
        verdict.marks.iter().any(|mark| mark.name == MarkName::CharacterMatch && mark.measured > 8.9),
        "{verdict:?}"
    );
    let asked = world.fake.asked.of("/api/chat");
    assert_eq!(asked.len(), 3);
    let places: Vec<String> = world.questions();
    for (place, question) in ["the first second", "the middle", "near the end"].iter().zip(&places) {
        assert!(question.contains(place), "{question}");
        assert!(question.contains("Picture 2 is the source") && question.contains("Picture 3 shows how"), "{question}");
        assert!(question.contains("tin lantern") && question.contains("do not mark it down"), "{question}");
    }
    for body in &asked {
        assert_eq!(body["messages"][0]["images"].as_array().unwrap().len(), 3);
        assert_eq!(body["options"]["temperature"], json!(0.0));
    }
}

#[tokio::test]
async fn what_cannot_be_judged_is_never_passed() {
    let world = World::new().await;
    let (clip, still) = world.good();
    let ask = || world.judge(order(clip.clone(), Some(still.clone()), shown("")));
    // Unreadable: asked once more with the complaint, then a person.
    world.fake.answers(|_, _| "I like it very much, 10 out of 10!".into());
    let verdict = ask().await.unwrap();
    assert_eq!(verdict.score, None);
    let unusable =
        |why: &MustLook| matches!(why, MustLook::AnswerUnusable { complaint, .. } if complaint.contains("not JSON"));
    assert!(verdict.ask.as_ref().is_some_and(unusable), "{verdict:?}");
    let questions = world.questions();
    assert_eq!(questions.len(), 2);
    assert!(questions[1].contains("Your last answer could not be used"), "{}", questions[1]);
    let outputs = Outputs { files: Vec::new(), reported: Some(Reported::Verdict { verdict }) };
    let order = Order::Review(order(clip.clone(), Some(still.clone()), shown("")));
    assert!(!world.reader.stands(&order, &outputs), "it is asked again when there is a chance");
    // Cut off, twice.
    world.fake.answers(|body, _| answer(body, 9));
    world.fake.fault(Fault::Cut);
    assert_eq!(ask().await.unwrap().score, None);
    world.fake.well();
    // Repaired by the second answer.
    world.fake.answers(|body, before| if before % 2 == 0 { "{}".into() } else { answer(body, 8) });
    assert!(ask().await.unwrap().score.is_some());
    // A server that is busy or broken is no verdict at all.
    for fault in [Fault::Busy, Fault::Broken, Fault::BreaksOff, Fault::Ends] {
        world.fake.fault(fault);
        let kind = if matches!(fault, Fault::Busy) { FailureKind::Away } else { FailureKind::Transient };
        assert_eq!(ask().await.unwrap_err().kind, kind, "{fault:?}");
        world.fake.well();
    }
    // A model that is not there, or cannot see.
    for eye in ["nobody:7b", "llama3"] {
        let verdict = world.judge(ReviewOrder {
            shown: Some(Shown { eye: eye.into(), ..shown("") }),
            ..match &order {
                Order::Review(order) => order.clone(),
                _ => unreachable!("it is a review"),
            }
        });
        let verdict = verdict.await.unwrap();
        assert!(verdict.score.is_none() && verdict.ask.is_some(), "{eye}: {verdict:?}");
    }
}

#[tokio::test]
async fn creatures_are_asked_about_and_always_shown_to_a_person() {
    let world = World::new().await;
    let (clip, still) = world.good();
    let ask = || world.judge(order(clip.clone(), Some(still.clone()), shown("NOT human, star-shaped")));
    let verdict = ask().await.unwrap();
    assert!(verdict.score > Some(Score::from_percent(80)));
    assert!(matches!(verdict.ask, Some(MustLook::NotHuman { .. })), "{verdict:?}");
    assert!(world.questions()[3].contains("Look only at body and face"), "{:?}", world.questions());
    world.fake.answers(|body, _| match body["format"]["properties"].get("correct") {
        Some(_) => json!({ "correct": false, "seen": "a child" }).to_string(),
        None => answer(body, 10),
    });
    let verdict = ask().await.unwrap();
    assert_eq!(verdict.score, Some(Score::from_percent(0)));
    assert!(verdict.issues.contains(&Issue::WrongCharacter) && verdict.reason.contains("star-shaped"), "{verdict:?}");
    world.fake.answers(|body, _| match body["format"]["properties"].get("correct") {
        Some(_) => "perhaps".into(),
        None => answer(body, 10),
    });
    assert_eq!(ask().await.unwrap().score, None, "no answer is no yes");
}

#[tokio::test]
async fn characters_that_look_alike_are_told_apart_before_a_take_passes() {
    let world = World::new().await;
    let (clip, still) = world.good();
    let pair = Confusable { name: "Edda".into(), other: "Ida".into(), by: "the colour of the coat".into() };
    let shown = || Shown { confusable: vec![pair.clone()], ..shown("") };
    assert!(world.judge(order(clip.clone(), Some(still.clone()), shown())).await.unwrap().score.is_some());
    assert!(world.questions()[3].contains("the colour of the coat"));
    world.fake.answers(|body, _| match body["format"]["properties"].get("who") {
        Some(_) => json!({ "who": "b", "seen": "a blue coat" }).to_string(),
        None => answer(body, 10),
    });
    let verdict = world.judge(order(clip.clone(), Some(still.clone()), shown())).await.unwrap();
    assert_eq!(verdict.score, Some(Score::from_percent(0)));
    assert!(verdict.reason.contains("may be Ida"), "{verdict:?}");
}

#[tokio::test]
async fn stills_are_judged_by_their_own_sheet() {
    let world = World::new().await;
    let still = world.draw("still.png", "testsrc2=s=320x180:d=0.1");
    let order = ReviewOrder {
        subject: still,
        expected: None,
        reference: None,
        anchor: None,
        may_stand_still: true,
        dataset: false,
        describe: false,
        candidates: Vec::new(),
        turn: 0,
        shown: Some(shown("")),
    };
    let verdict = world.judge(order.clone()).await.unwrap();
    assert_eq!(verdict.score, Some(Score::from_percent(90)), "{verdict:?}");
    world.fake.answers(|body, _| {
        let mut said: Value = serde_json::from_str(&answer(body, 10)).unwrap();
        (said["gender_match"], said["has_anatomical_defects"]) = (json!(false), json!(true));
        said.to_string()
    });
    let verdict = world.judge(order).await.unwrap();
    assert_eq!(verdict.score, Some(Score::from_fraction(10.0 / 30.0)), "{verdict:?}");
    assert_eq!(verdict.issues, [Issue::BadAnatomy, Issue::WrongCharacter]);
}

/// Good and bad clips by name, and whether they are good.
fn labelled() -> Vec<(&'static str, bool, String)> {
    let text = |filter: &str| source(filter, FRAMES);
    vec![
        ("moving", true, text("")),
        ("brighter", true, text("eq=brightness=0.06")),
        ("grainy", true, text("noise=alls=6:allf=t")),
        ("slow", true, source("setpts=2*PTS,fps=24,trim=end_frame=48", FRAMES)),
        ("black", false, format!("color=black:s=320x180:r=24,trim=end_frame={FRAMES}")),
        ("frozen", false, text("loop=loop=60:size=1:start=0,trim=end_frame=48")),
        ("blurred", false, text("gblur=sigma=22")),
        ("short", false, source("", FRAMES / 4)),
        ("flickering", false, text("geq=lum='if(mod(floor(N/1),2),lum(X,Y)*0.25,lum(X,Y))':cb='cb(X,Y)':cr='cr(X,Y)'")),
        ("dark", false, text("eq=brightness=-0.85")),
        ("wrong colours", false, text("hue=h=150:s=3")),
        ("negative", false, text("negate")),
    ]
}

#[tokio::test]
async fn measurement_alone_rejects_what_is_plainly_bad_even_for_a_judge_who_likes_everything() {
    let world = World::new().await;
    let (_, still) = world.good();
    let (mut table, mut wrong, mut counts) = (Vec::new(), Vec::new(), [[0; 2]; 2]);
    for (name, good, drawn) in labelled() {
        let clip = world.draw(&format!("{}.mp4", name.replace(' ', "-")), &drawn);
        let before = world.questions().len();
        let verdict = world.judge(order(clip, Some(still.clone()), shown(""))).await.unwrap();
        let passed = verdict.score >= Some(Score::from_percent(60));
        let asked = world.questions().len() - before;
        let mark = |mark: &studio_core::take::Mark| format!("{} {:.2}", mark.name, mark.score.as_fraction());
        let marks: Vec<String> = verdict.marks.iter().map(mark).collect();
        table.push(format!(
            "{name:14} asked {asked} score {:?} {}: {}",
            verdict.score,
            verdict.reason,
            marks.join(", ")
        ));
        counts[usize::from(good)][usize::from(passed)] += 1;
        if passed != good {
            wrong.push(name);
        }
    }
    let [[bad_failed, bad_passed], [good_failed, good_passed]] = counts;
    table.push(format!("            passed  rejected\n  good      {good_passed:6}  {good_failed:8}\n  bad       {bad_passed:6}  {bad_failed:8}"));
    let table = table.join("\n");
    println!("{table}");
    assert!(wrong.is_empty(), "{wrong:?}\n{table}");
}

#[tokio::test]
async fn what_looks_like_somebody_else_is_not_shown_to_the_eyes() {
    let mut world = World::new().await;
    let server = Likeness::start().await;
    let plan = LikenessPlan { url: server.served.url(), model: "clip".into(), key: String::new() };
    world.reader = world.reader.with_likeness(Some(likeness::Likeness::open(plan).unwrap()));
    let color = |name: &str, tint: &str| world.draw(name, &source(&format!("colorchannelmixer={tint}"), 1));
    let (warm, cold) = (color("warm.png", "bb=0.3"), color("cold.png", "rr=0.3"));
    let still = |subject: &AssetRef, like: &AssetRef| ReviewOrder {
        expected: None,
        ..order(subject.clone(), None, Shown { references: vec![like.clone()], ..shown("") })
    };
    let same = world.judge(still(&warm, &warm)).await.unwrap();
    let mark = same.marks.iter().find(|mark| mark.name == MarkName::Embedding).expect("it is said how alike they are");
    assert!(mark.measured > 0.99 && same.score.unwrap() > Score::from_percent(80), "{same:?}");
    let asked = world.questions().len();
    let other = world.judge(still(&warm, &cold)).await.unwrap();
    assert_eq!((other.score, other.issues.as_slice()), (Some(Score::from_percent(0)), &[Issue::WrongCharacter][..]));
    assert!(other.reason.contains("looks like another picture"), "{other:?}");
    assert_eq!(world.questions().len(), asked, "nobody was asked");
    assert!(server.asked.of("/embeddings").iter().all(|one| one["modality"] == "image" && one["count"] == 2));
    // It is a wish: without the server the eyes decide.
    server.breaks();
    let without = world.judge(still(&warm, &cold)).await.unwrap();
    assert!(without.score.unwrap() > Score::from_percent(80), "{without:?}");
    assert!(!without.marks.iter().any(|mark| mark.name == MarkName::Embedding));
}

#[tokio::test]
async fn who_is_easily_confused_is_asked_one_against_the_other() {
    let world = World::new().await;
    let subject = world.draw("who.png", "testsrc2=s=320x180");
    let pair = Confusable { name: "Edda".into(), other: "Runa".into(), by: "the colour of the coat".into() };
    let candidate = |number: u128, name: &str, confusable: Vec<Confusable>| Candidate {
        character: CharacterId(uuid::Uuid::from_u128(number)),
        figure: Figure { name: name.into(), ..figure("") },
        reference: (number < 3).then(|| subject.clone()),
        confusable,
    };
    let all = vec![candidate(1, "Edda", vec![pair]), candidate(2, "Runa", Vec::new()), candidate(3, "Ada", Vec::new())];
    let order = ReviewOrder { expected: None, candidates: all, ..order(subject.clone(), None, shown("")) };
    // Who the model says first, what it says of the two, who it may be then, and whether that is sure.
    for (first, which, is, sure, asked) in [
        ("c1", "a", Some(1), true, 2),
        // It contradicts itself: a person is asked.
        ("c1", "b", Some(2), false, 2),
        ("c1", "neither", None, false, 2),
        // Whoever of the two it was said of.
        ("c2", "a", Some(2), true, 2),
        ("c2", "b", Some(1), false, 2),
        ("c3", "b", Some(3), true, 1),
        ("nobody", "a", None, false, 1),
    ] {
        let before = world.questions().len();
        world.fake.answers(move |body, _| {
            let between = body["format"]["properties"]["confidence"].is_null();
            json!({ "who": if between { which } else { first }, "confidence": 9, "seen": "the coat" }).to_string()
        });
        let made = run(&world.reader, &Order::Review(order.clone()), &world.place).await.unwrap();
        let [Artifact::Finding(Reported::Identity { identity })] = made.as_slice() else { panic!("{made:?}") };
        assert_eq!(identity.character.map(|one| one.0.as_u128()), is, "{first} {which}");
        assert_eq!(
            (identity.sure().is_some(), identity.judge.as_str()),
            (sure, "ollama gemma3:12b"),
            "{first} {which}"
        );
        assert!(identity.confidence.is_some(), "it is an answer all the same");
        let questions = world.questions().split_off(before);
        assert_eq!(questions.len(), asked, "{first}: {questions:#?}");
    }
    let images = |body: &Value| body["messages"][0]["images"].as_array().map_or(0, Vec::len);
    let chats = world.fake.asked.of("/api/chat");
    assert_eq!((images(&chats[0]), images(&chats[1])), (3, 1), "with those who have a picture; then the picture alone");
}
