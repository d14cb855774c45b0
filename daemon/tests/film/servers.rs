//! The other card at work: an Ollama judges, an ACE-Step plays, a speech server speaks; every one of them speaks the
//! real protocol.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use studio_core::{order::Order, take::Subject, units::Millis};
use studiod::store::{self, opinions::Opinion};

use crate::{
    book::Book,
    fakes::{
        ace_step::AceStep,
        ollama::Ollama,
        openai::{OpenAi, says},
        speech,
    },
    produce::{FILM, PLAY},
    studio::{Said, Studio},
    tools::{loudness, probe},
};

/// Every mark is `mark`, or a complaint.
fn answer(body: &Value, mark: u8, issue: Option<&str>) -> String {
    let fields = body["format"]["properties"].as_object().expect("there is a schema");
    let value = |name: &String| match name.as_str() {
        "issues" => json!(issue.into_iter().collect::<Vec<_>>()),
        "common_error_hits" => json!([]),
        "solo" | "species_correct" | "gender_match" | "correct" => json!(true),
        "has_anatomical_defects" => json!(false),
        "completeness" => json!("full"),
        "reason" | "caption" | "seen" => json!(if issue.is_some() { "it is out of focus" } else { "as it should be" }),
        _ => json!(mark),
    };
    Value::Object(fields.keys().map(|name| (name.clone(), value(name))).collect()).to_string()
}

/// The second shot is hand-held: a draft of that looks different each time.
fn play() -> String {
    PLAY.replace("[[shot: close-up]]", "[[shot: close-up, motion: handheld]]")
}

struct World {
    studio: Arc<Studio>,
    ollama: Ollama,
    music: AceStep,
    speech: speech::Speech,
}

impl World {
    async fn new() -> Self {
        let (ollama, music, speech) = (Ollama::start().await, AceStep::server().await, speech::Speech::start().await);
        let studio = Arc::new(Studio::new());
        studio.settings(&format!(
            "[ollama]\nurl = \"{}\"\nvision = \"gemma3:12b\"\n[ace_step]\nurl = \"{}\"\n[speech]\nurl = \"{voice}\"\n\
             [whisper]\nurl = \"{voice}\"\n[characters.ben]\nvoice = \"am_adam\"\n",
            ollama.served.url(),
            music.served.url(),
            voice = speech.served.url(),
        ));
        ollama.answers(|body, _| answer(body, 9, None));
        Self { studio, ollama, music, speech }
    }

    async fn run(&self, work: impl FnOnce(&Studio) -> Said + Send + 'static) -> Said {
        let studio = self.studio.clone();
        tokio::task::spawn_blocking(move || work(&studio)).await.expect("it ends")
    }

    async fn make(&self) -> Value {
        let said = self.run(|studio| studio.produce(&studio.write("play.fountain", play()))).await;
        said.ended(0).json()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_is_judged_spoken_and_played_by_servers() {
    let world = World::new().await;
    // The first take of Ben is out of focus in all three frames.
    let looked = AtomicUsize::new(0);
    world.ollama.answers(move |body, _| {
        let clip = body["format"]["properties"].get("motion_execution").is_some();
        let ben = body["messages"][0]["content"].as_str().is_some_and(|text| text.contains("his paper"));
        let bad = clip && ben && looked.fetch_add(1, Ordering::SeqCst) < 3;
        if bad { answer(body, 3, Some("blurry")) } else { answer(body, 9, None) }
    });
    let made = world.make().await;
    assert_eq!((made["complete"].as_bool(), made["failed"].as_array().map(Vec::len)), (Some(true), Some(0)), "{made}");
    let film = world.studio.library().join(FILM);
    assert_eq!(probe(&film)["streams"].as_array().map_or(0, Vec::len), 2, "picture and sound");
    let loud = loudness(&film);
    assert!((-17.5..-14.5).contains(&loud), "{loud} LUFS");
    let questions = world.ollama.asked.of("/api/chat").len();
    assert_eq!(questions, 3 + 3 * 3 + 3, "three stills, three clips of three frames, and one clip again");
    assert_eq!(world.speech.asked.of("/v1/audio/speech").len(), 2);
    assert_eq!(world.speech.asked.of("/v1/audio/speech").iter().filter(|line| line["voice"] == "am_adam").count(), 1);
    let caption = world.music.asked.of("/release_task")[0]["prompt"].as_str().unwrap_or_default().to_owned();
    assert!(caption.starts_with("cinematic orchestral") && caption.ends_with("no vocals"), "{caption}");
    let studio = world.studio.clone();
    let book = tokio::task::spawn_blocking(move || Book::read(&studio)).await.expect("it can be read");
    assert_eq!(book.takes.iter().filter(|(_, _, take)| take.attempt == 2).count(), 1, "{:#?}", book.takes);
    assert!(book.takes.iter().all(|(_, _, take)| {
        take.verdict.as_ref().is_some_and(|verdict| verdict.judge == "ollama gemma3:12b" && verdict.score.is_some())
    }));
    // A second run asks nobody anything.
    let again = world.make().await;
    assert_eq!(again["made"].as_u64(), Some(0), "{again}");
    assert_eq!(world.ollama.asked.of("/api/chat").len(), questions);
    // A person likes what the judge did not.
    let tasks = world.run(|studio| studio.run(["--json", "tasks", "--limit", "500"])).await.ended(0).json();
    let slot = "scene 1/shot 2/clip/take 1";
    let task = tasks.as_array().into_iter().flatten().find(|task| task["slot"] == slot).expect("there is a take");
    let id = task["id"].as_str().expect("an id").to_owned();
    world.run(move |studio| studio.run(["opinion", &id, "good", "--why", "it is a dream"])).await.ended(0);
    let studio = world.studio.clone();
    let book = tokio::task::spawn_blocking(move || Book::read(&studio)).await.expect("it can be read");
    let chosen = book
        .takes
        .iter()
        .find(|(scene, shot, take)| (*scene, *shot) == (1, 2) && take.chosen && take.subject == Subject::Clip);
    assert_eq!(chosen.map(|(_, _, take)| take.attempt), Some(1), "{:#?}", book.takes);
    let said = world.run(|studio| studio.run(["--json", "judge"])).await.ended(0).json();
    assert_eq!(
        (&said["clips"]["agreement"]["takes"], &said["clips"]["agreement"]["false_fail"]),
        (&json!(1), &json!(1))
    );
}

/// Enough takes to know a judge by.
fn long_play() -> String {
    let shot = |n: usize| format!("ANNA counts to {n}. [[shot: medium, 1s]]\n\n");
    play() + &(1..=6).map(shot).collect::<String>()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_judge_that_changes_is_shown_the_golden_set_and_warned_of() {
    let world = World::new().await;
    let make = async || {
        let said = world.run(|studio| studio.produce(&studio.write("play.fountain", long_play()))).await;
        said.ended(0).json()
    };
    make().await;
    let studio = world.studio.clone();
    let said = tokio::task::spawn_blocking(move || {
        let book = Book::read(&studio);
        let url = format!("sqlite:{}", studio.data().join("studio.db").display());
        crate::studio::block(async {
            let db = store::Db::open(&url).await.unwrap();
            let mut tx = db.begin().await.unwrap();
            let mut said = 0;
            for attempt in &book.attempts {
                let Order::Review(order) = &attempt.order else { continue };
                let opinion = Opinion { good: true, why: String::new(), issues: Vec::new() };
                store::opinions::set(&mut tx, order.subject.hash, &opinion, Some(order), Millis(said)).await.unwrap();
                said += 1;
            }
            tx.commit().await.unwrap();
            said
        })
    });
    let said = said.await.unwrap();
    assert!(said >= 12, "{said}");
    let asked = world.ollama.asked.of("/api/chat").len();
    let again = make().await;
    assert_eq!(world.ollama.asked.of("/api/chat").len(), asked, "the judge is the same, so nobody is asked");
    assert_eq!(again["remarks"].to_string().matches("agrees").count(), 0, "{again}");
    let judges = async || world.run(|studio| studio.run(["--json", "judge"])).await.ended(0).json()["golden"].clone();
    let golden = judges().await;
    assert_eq!((golden.as_array().unwrap().len(), &golden[0][1]["share"]), (1, &json!(1.0)), "{golden}");

    // A newer model of the same name likes nothing that is a clip.
    world.ollama.renew("gemma3:12b");
    world.ollama.answers(|body, _| {
        let clip = body["format"]["properties"].get("motion_execution").is_some();
        if clip { answer(body, 4, None) } else { answer(body, 9, None) }
    });
    let fallen = make().await;
    let remarks = fallen["remarks"].to_string();
    assert!(remarks.contains("the one before agreed in 100 %"), "{fallen}");
    let golden = judges().await;
    assert_eq!(golden.as_array().unwrap().len(), 2, "{golden}");
    assert!(golden[0][1]["share"].as_f64().unwrap() < 0.9, "{golden}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_will_not_do_a_draft_does_and_the_film_says_so() {
    let world = World::new().await;
    world.speech.fault(speech::Fault::NoVoice);
    let made = world.make().await;
    assert_eq!(made["complete"].as_bool(), Some(true), "{made}");
    let remarks = made["remarks"].to_string();
    assert!(remarks.contains("a draft speaks scene 1/shot 1/line 1"), "{made}");
}

/// A story as a model tells it.
fn lamps() -> Value {
    let shot = json!({ "shot_type": "wide", "description": "A lamp burns in a window.", "motion": "push-in",
        "duration_seconds": 3, "dialogue_character": "", "dialogue_text": "" });
    let scene = |place: &str| {
        json!({ "title": "The lamp", "setting": "exterior", "location": place, "time_of_day": "night", "mood": "calm",
            "description": "Somebody waits.", "shots": [shot, shot] })
    };
    json!({ "title": "Two Lamps", "logline": "Somebody waits.", "characters": [],
        "scenes": [scene("Garden"), scene("Street"), scene("Garden")] })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idea_becomes_a_screenplay_that_can_be_produced() {
    let world = World::new().await;
    let story = lamps();
    world.ollama.answers(move |body, _| match body["format"]["properties"].get("scenes") {
        Some(_) => story.to_string(),
        None => answer(body, 9, None),
    });
    let play = world.studio.path("story.fountain");
    let idea = world.studio.write("idea.txt", "Somebody waits for a light to come on in a window.");
    let out = play.clone();
    let write = move |studio: &Studio| {
        studio.run([std::ffi::OsStr::new("write"), idea.as_os_str(), "--out".as_ref(), out.as_os_str()])
    };
    let said = world.run(write.clone()).await.ended(0);
    assert!(said.out.contains("3 scenes, 6 shots"), "{said:?}");
    let twice = world.run(write).await.ended(2);
    assert!(twice.err.contains("is there already"), "{twice:?}");
    let planned = world.run(move |studio| studio.run(["plan".as_ref(), play.as_os_str()])).await.ended(0);
    assert!(planned.out.contains("clips: 12 to make") || planned.out.contains("clips:"), "{planned:?}");
}

/// The language service has too much to do, and says so on the terminal; who cannot wait is told what to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_with_too_much_to_do_is_waited_for_and_that_is_said() {
    let pen = OpenAi::start(|_, before| match before {
        0 => (429, json!({ "error": { "message": "slow down", "type": "x" } })),
        _ => says(&lamps().to_string()),
    })
    .await;
    *pen.retry_after.lock().unwrap() = Some("1");
    let studio = Arc::new(Studio::new());
    studio.settings(&format!("[openai]\nurl = \"{}/v1\"\ntext = \"pen\"\n", pen.served.url()));
    studio.write("idea.txt", "Somebody waits for a light to come on in a window.");
    let write = |wait: &'static str, out: &'static str| {
        let studio = studio.clone();
        let run = move || {
            let (idea, out) = (studio.path("idea.txt"), studio.path(out));
            studio.run([
                "write".as_ref(),
                idea.as_os_str(),
                "--out".as_ref(),
                out.as_os_str(),
                "--wait".as_ref(),
                wait.as_ref(),
            ])
        };
        tokio::task::spawn_blocking(run)
    };
    let waited = write("1", "waited.fountain").await.unwrap().ended(0);
    assert!(waited.err.contains("429: slow down; asked again in 2.0 s; Ctrl-C ends it"), "{waited:?}");
    assert!(studio.path("waited.fountain").exists());
    drop(pen);
    let given_up = write("0", "none.fountain").await.unwrap().ended(1);
    assert!(given_up.err.contains("was waited for 0 s") && given_up.err.contains("--wait"), "{given_up:?}");
    assert!(!studio.path("none.fountain").exists());
}

#[test]
fn a_key_only_the_service_may_read_stops_nobody_else() {
    let studio = Studio::new();
    studio.settings(
        "[openai]\nurl = \"http://127.0.0.1:9\"\nvision = \"eye\"\nkey = { credential = \"openai\" }\n\
         [models]\njudge = \"draft\"\n",
    );
    studio.run(["tasks"]).ended(0);
    let said = studio.run(["check"]).ended(6);
    assert!(said.out.contains("BAD   OpenAI") && said.out.contains("LoadCredential=openai"), "{said:?}");
    studio.make(&studio.write("play.fountain", PLAY));
}
