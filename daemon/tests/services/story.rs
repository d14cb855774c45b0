use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use studio_core::{
    fleet::Retrying,
    story::{Bounds, Brief},
};
use studio_engine::EngineError;
use studiod::engines::{
    openai::{Key, OpenAi, OpenAiPlan},
    reader::{Persistence, Reader, Waiting, WriterError},
};
use tokio_util::sync::CancellationToken;

use super::{
    media, ollama,
    servers::{
        ollama::{Fault, Ollama as Fake},
        openai::{OpenAi as FakeOpenAi, says},
    },
};

/// Tests do not wait for a server to come back.
const PERSISTENCE: Persistence = Persistence {
    retrying: Retrying { attempts: 3, first_pause_ms: 0, longest_pause_ms: 0, disk_full_pause_ms: 0, away_pause_ms: 0 },
    longest_absence: None,
};
const NOBODY: Waiting<'_> = &|_, _| {};

fn brief() -> Brief {
    Brief {
        idea: "An old lighthouse goes dark.".into(),
        world: String::new(),
        characters: Vec::new(),
        bounds: Bounds { scenes: (1, 2), shots: (1, 3), ..Bounds::default() },
        language: "en".into(),
    }
}

fn story(motion: &str) -> Value {
    json!({ "title": "Dark", "logline": "A light goes out.",
        "characters": [{ "name": "Edda", "gender": "female", "age": "elder" }],
        "scenes": [{ "title": "The light", "setting": "exterior", "location": "Lighthouse", "time_of_day": "night",
            "mood": "tense", "description": "It goes out.", "shots": [{ "shot_type": "wide", "description": "A tower.",
            "motion": motion, "duration_seconds": 4, "dialogue_character": "", "dialogue_text": "" }] }] })
}

#[tokio::test]
async fn a_writer_is_told_what_is_wrong_and_tells_it_again() {
    let fake = Arc::new(Fake::start().await);
    fake.answers(|_, before| if before == 0 { story("flying") } else { story("push-in") }.to_string());
    let reader = Reader::new(Arc::new(ollama::open(&fake)), media());
    let told = reader.tell("llama3", &brief(), &PERSISTENCE, NOBODY, &CancellationToken::new()).await.unwrap();
    assert_eq!(told.scenes[0].shots[0].motion, "push-in");
    let asked = fake.asked.of("/api/chat");
    let second = asked[1]["messages"][0]["content"].as_str().unwrap();
    assert!(second.contains("motion is 'flying'") && second.contains("push-in, pull-out"), "{second}");
    assert_eq!(asked[0]["format"]["properties"]["scenes"]["maxItems"], 2);
}

#[tokio::test]
async fn a_writer_who_cannot_is_given_up_with_the_raw_answer_kept() {
    let fake = Arc::new(Fake::start().await);
    fake.answers(|_, before| format!("once upon a time {before}"));
    let reader = Reader::new(Arc::new(ollama::open(&fake)), media());
    let Err(WriterError::Wrong { wrong, raw, .. }) =
        reader.tell("llama3", &brief(), &PERSISTENCE, NOBODY, &CancellationToken::new()).await
    else {
        panic!("it cannot be told")
    };
    assert_eq!((wrong.len(), raw.as_str(), fake.asked.of("/api/chat").len()), (1, "once upon a time 2", 3));
    fake.fault(Fault::Cut);
    fake.answers(|_, _| story("push-in").to_string());
    let error = reader.tell("llama3", &brief(), &PERSISTENCE, NOBODY, &CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains("cut off"), "{error}");
}

async fn busy(busy: u16, times: usize) -> (FakeOpenAi, Reader) {
    let fake = FakeOpenAi::start(move |_, before| {
        let answer = (busy, json!({ "error": { "message": "not now", "type": "x" } }));
        if before < times { answer } else { says(&story("push-in").to_string()) }
    })
    .await;
    let openai = OpenAi::open(OpenAiPlan {
        url: format!("{}/v1", fake.served.url()),
        key: Key::new("sk-secret"),
        models: vec!["pen".into()],
        price: studio_core::model::Price { call: 0.0, second: 0.0 },
        parallel: 1,
        spacing_ms: 0,
    });
    let reader = Reader::new(Arc::new(openai.unwrap()), media());
    (fake, reader)
}

#[tokio::test]
async fn a_writer_with_too_much_to_do_is_waited_for() {
    let told = |status: u16, times: usize, longest: Option<u64>| async move {
        let (fake, reader) = busy(status, times).await;
        let persistence = Persistence { longest_absence: longest.map(Duration::from_secs), ..PERSISTENCE };
        let told = reader.tell("pen", &brief(), &persistence, NOBODY, &CancellationToken::new()).await;
        (told.is_ok(), fake.asked.of("/v1/chat/completions").len())
    };
    for busy in [429, 502, 503, 504] {
        assert_eq!(told(busy, 20, None).await, (true, 21), "{busy}: as long as that takes");
        assert_eq!(told(busy, 20, Some(60)).await, (true, 21), "{busy}: it has a minute");
        assert_eq!(told(busy, 20, Some(0)).await, (false, 1), "{busy}: nobody waits");
    }
    assert_eq!(told(500, 2, None).await, (true, 3), "a fault that passes");
    assert_eq!(told(500, 20, None).await, (false, 3), "one that does not");
    assert_eq!(told(401, 2, None).await, (false, 1), "a key that is wrong stays wrong");
}

#[tokio::test]
async fn a_writer_who_says_when_is_asked_then_and_given_up_where_that_is_too_late() {
    let (fake, reader) = busy(429, 1).await;
    *fake.retry_after.lock().unwrap() = Some("1");
    let (heard, stop) = (Mutex::new(Vec::new()), CancellationToken::new());
    let waiting = |failure: &EngineError, pause: Duration| heard.lock().unwrap().push((failure.to_string(), pause));
    let from = tokio::time::Instant::now();
    reader.tell("pen", &brief(), &PERSISTENCE, &waiting, &stop).await.unwrap();
    assert!(from.elapsed() >= Duration::from_secs(1), "it was left alone for as long as it asked");
    let heard = std::mem::take(&mut *heard.lock().unwrap());
    assert_eq!(heard, [("the server answers 429: not now".to_owned(), Duration::from_secs(1))]);

    let (fake, reader) = busy(503, 1).await;
    *fake.retry_after.lock().unwrap() = Some("1800");
    let persistence = Persistence { longest_absence: Some(Duration::from_mins(1)), ..PERSISTENCE };
    let error = reader.tell("pen", &brief(), &persistence, NOBODY, &stop).await.unwrap_err();
    let wanted = "the server answers 503: not now; it was waited for 0 s; it asks to be left alone for 1800 s";
    assert_eq!(error.to_string(), wanted);
    assert_eq!(fake.asked.of("/v1/chat/completions").len(), 1);
}
