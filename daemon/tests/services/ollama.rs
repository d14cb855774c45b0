use std::sync::Arc;

use serde_json::json;
use studio_engine::FailureKind;
use studiod::engines::{
    Asking, Chat, Usage,
    ollama::{Ollama, OllamaModel, OllamaPlan},
    reader::Reader,
};
use tokio_util::sync::CancellationToken;

use super::{
    home, media, patience,
    servers::ollama::{Fault, Ollama as Fake},
    until,
};

pub const EYE: &str = "gemma3:12b";

pub fn open(fake: &Arc<Fake>) -> Ollama {
    let model = |name: &str| OllamaModel { name: name.into(), vram_mib: 8_000, load_s: 20, num_ctx: 4096 };
    let seen = fake.clone();
    let ollama = Ollama::open(OllamaPlan {
        url: fake.served.url(),
        home: home(move || seen.used_mib()),
        models: [EYE, "qwen3:8b", "llama3"].map(model).to_vec(),
        keep_alive: "30m".into(),
        patience: patience(),
    });
    let ollama = ollama.expect("it opens");
    ollama.watch();
    ollama
}

async fn world() -> (Arc<Fake>, Ollama) {
    let fake = Arc::new(Fake::start().await);
    let ollama = open(&fake);
    until(ollama.offer(), |offer| offer.away().is_none()).await;
    (fake, ollama)
}

async fn ask(ollama: &Ollama, model: &str, pictures: &[Vec<u8>]) -> Result<(String, bool), FailureKind> {
    let schema = json!({ "type": "object" });
    let asking = Asking { model, text: "What is it?", pictures, schema: &schema, temperature: 0.0, most_tokens: 100 };
    let answer = ollama.ask(asking, &CancellationToken::new()).await;
    answer.map(|answer| (answer.text, answer.cut)).map_err(|failure| failure.kind)
}

fn jpeg() -> Vec<u8> {
    vec![0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]
}

#[tokio::test]
async fn every_request_has_the_same_context_and_keeps_the_model() {
    let (fake, ollama) = world().await;
    fake.answers(|body, _| json!({ "said": body["model"] }).to_string());
    for model in [EYE, "qwen3:8b", "llama3"] {
        ollama.ready(model).await.unwrap();
        assert_eq!(ask(&ollama, model, &[]).await.unwrap().0, json!({ "said": model }).to_string(), "both halves");
    }
    for (route, body) in fake.asked.all().iter() {
        assert_eq!(
            (&body["options"]["num_ctx"], &body["keep_alive"]),
            (&json!(4096), &json!("30m")),
            "{route}: {body}"
        );
    }
    let chats = fake.asked.of("/api/chat");
    assert!(chats.iter().all(|body| body["format"]["type"] == "object" && body["stream"] == true));
    let thinking: Vec<bool> = chats.iter().map(|body| body.get("think").is_some()).collect();
    assert_eq!(thinking, [false, true, false], "only who thinks is told not to");
    assert_eq!(fake.loads(), 3, "each is loaded once");
    let offer = until(ollama.offer(), |offer| offer.seats[0].loaded.as_ref().is_some_and(|all| all.len() == 3)).await;
    assert_eq!(offer.models[EYE].vram_mib, 9 * 1024, "as seen, not as configured");
}

#[tokio::test]
async fn a_model_has_left_when_its_memory_is_back() {
    let (fake, ollama) = world().await;
    ollama.ready(EYE).await.unwrap();
    assert_eq!(fake.used_mib(), 9 * 1024);
    ollama.release(EYE).await.unwrap();
    assert_eq!((fake.used_mib(), fake.loaded()), (0, Vec::new()));
    ollama.release(EYE).await.unwrap();
    assert_eq!(fake.asked.of("/api/generate").len(), 2, "what is not loaded need not leave");
    // Neither its answer nor its list says that the memory is back.
    for fault in [Fault::Stays, Fault::Clings] {
        ollama.ready(EYE).await.unwrap();
        fake.fault(fault);
        let soon = std::time::Duration::from_millis(600);
        let mut leaving = std::pin::pin!(ollama.release(EYE));
        assert!(tokio::time::timeout(soon, &mut leaving).await.is_err(), "{fault:?}: it has not left");
        assert_eq!((fake.used_mib(), fake.loaded().is_empty()), (9 * 1024, fault == Fault::Clings));
        fake.well();
        tokio::time::timeout(super::PATIENCE, leaving).await.expect("it ends").unwrap();
        assert_eq!(fake.used_mib(), 0);
    }
}

#[tokio::test]
async fn every_fault_is_told_apart() {
    let (fake, ollama) = world().await;
    fake.answers(|_, _| "{}".into());
    assert_eq!(ask(&ollama, "nobody:7b", &[]).await.unwrap_err(), FailureKind::Refused);
    assert_eq!(ask(&ollama, "llama3", &[jpeg()]).await.unwrap_err(), FailureKind::Refused, "it cannot see");
    assert!(fake.asked.of("/api/chat").is_empty(), "so no picture is sent");
    assert_eq!(ask(&ollama, EYE, &[jpeg()]).await.unwrap(), ("{}".into(), false));
    for (fault, kind) in [
        (Fault::Busy, FailureKind::Away),
        (Fault::BreaksOff, FailureKind::Transient),
        (Fault::Ends, FailureKind::Transient),
        (Fault::Broken, FailureKind::Transient),
    ] {
        fake.fault(fault);
        assert_eq!(ask(&ollama, EYE, &[jpeg()]).await.unwrap_err(), kind, "{fault:?}");
        fake.well();
    }
    fake.fault(Fault::Cut);
    assert!(ask(&ollama, EYE, &[]).await.unwrap().1, "a cut answer says so");
}

#[tokio::test]
async fn a_question_can_be_stopped_and_a_server_that_is_gone_is_away() {
    let (fake, ollama) = world().await;
    fake.fault(Fault::Hangs);
    let stop = CancellationToken::new();
    let schema = json!({});
    let asking = Asking { model: EYE, text: "?", pictures: &[], schema: &schema, temperature: 0.0, most_tokens: 9 };
    let (answer, ()) = tokio::join!(ollama.ask(asking, &stop), async { stop.cancel() });
    assert_eq!(answer.unwrap_err().kind, FailureKind::Cancelled);
    fake.well();
    drop(fake);
    let fake = Arc::new(Fake::start().await);
    let ollama = open(&fake);
    until(ollama.offer(), |offer| offer.away().is_none()).await;
    fake.fault(Fault::Broken);
    let away = until(ollama.offer(), |offer| offer.away().is_some()).await;
    assert!(away.away().unwrap()[0].to_string().contains("ollama serve"), "{away:?}");
}

#[tokio::test]
async fn another_model_behind_the_same_name_is_another_judge() {
    let (fake, ollama) = world().await;
    assert!(!ollama.print(EYE).is_empty() && ollama.print("llama3") != ollama.print(EYE));
    assert_eq!(ollama.print("llama3"), ollama.print("llama3:latest"));
    let vectors = ollama.embed("llama3", &["a".into(), "b".into()]).await.unwrap();
    assert_eq!(vectors.len(), 2);
    fake.remove("llama3:latest");
    let failure = ollama.embed("llama3", &["a".into()]).await.unwrap_err();
    assert!(failure.message.contains("ollama pull llama3"), "{failure}");
}

#[tokio::test]
async fn a_model_is_tried_out_and_says_what_that_took() {
    let (fake, ollama) = world().await;
    let reader = Reader::new(Arc::new(ollama), media());
    fake.answers(|_, _| json!({ "word": "ready" }).to_string());
    let answer = reader.try_out("llama3", &CancellationToken::new()).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.usage), ("{\"word\":\"ready\"}", Some(Usage { read: 30, written: 20 })));
    fake.answers(|_, _| "Ready!".into());
    let failure = reader.try_out("llama3", &CancellationToken::new()).await.unwrap_err();
    assert!(failure.kind == FailureKind::Refused && failure.message.contains("choose another model"), "{failure}");
    let failure = reader.try_out("nobody", &CancellationToken::new()).await.unwrap_err();
    assert!(failure.message.contains("nobody"), "{failure}");
}
