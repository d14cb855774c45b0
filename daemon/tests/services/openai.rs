use std::sync::Arc;

use serde_json::json;
use studio_engine::FailureKind;
use studiod::engines::{
    Asking, Chat, Usage,
    openai::{Key, OpenAi, OpenAiPlan},
    reader::Reader,
};
use tokio_util::sync::CancellationToken;

use super::{
    media,
    servers::openai::{OpenAi as Fake, says},
};

fn open(fake: &Fake) -> OpenAi {
    OpenAi::open(OpenAiPlan {
        url: format!("{}/v1", fake.served.url()),
        key: Key::new("sk-secret\n"),
        models: vec!["eye".into()],
        price: studio_core::model::Price { call: 0.02, second: 0.0 },
        parallel: 2,
        spacing_ms: 100,
    })
    .expect("it opens")
}

async fn ask(openai: &OpenAi) -> Result<(String, bool), studio_engine::EngineError> {
    let schema = json!({ "type": "object" });
    let pictures = [vec![0xff, 0xd8, 0xff]];
    let asking = Asking {
        model: "eye",
        text: "What is it?",
        pictures: &pictures,
        schema: &schema,
        temperature: 0.0,
        most_tokens: 100,
    };
    openai.ask(asking, &CancellationToken::new()).await.map(|answer| (answer.text, answer.cut))
}

#[tokio::test]
async fn a_question_goes_out_as_every_server_understands_it() {
    let fake = Fake::start(|_, _| says("{\"a\":1}")).await;
    let openai = open(&fake);
    assert_eq!(ask(&openai).await.unwrap(), ("{\"a\":1}".into(), false));
    let body = &fake.asked.of("/v1/chat/completions")[0];
    let url = body["messages"][0]["content"][1]["image_url"]["url"].as_str().unwrap();
    assert!(url.starts_with("data:image/jpeg;base64,/9j"), "{url}");
    assert_eq!((&body["max_tokens"], &body["temperature"]), (&json!(100), &json!(0.0)));
    assert_eq!(body["response_format"]["json_schema"]["schema"]["type"], "object");
    assert_eq!(*fake.keys.lock().unwrap(), ["Bearer sk-secret"]);
    let used = Fake::start(|body, _| {
        assert_eq!(body["max_tokens"], 64, "a trial costs little");
        let (status, mut said) = says("{\"word\":\"ready\"}");
        said["usage"] = json!({ "prompt_tokens": 17, "completion_tokens": 6, "total_tokens": 23 });
        (status, said)
    })
    .await;
    let reader = Reader::new(Arc::new(open(&used)), media());
    let tried = reader.try_out("eye", &CancellationToken::new()).await.unwrap();
    assert_eq!(tried.usage, Some(Usage { read: 17, written: 6 }));
    let facts = openai.offer().borrow().seats[0].facts.clone();
    assert_eq!((facts.card, facts.parallel, facts.spacing_ms), (None, 2, 100));
}

#[tokio::test]
async fn every_refusal_is_told_apart_and_nothing_is_tried_again_behind_our_back() {
    let error = |text: &str| json!({ "error": { "message": text, "type": "x", "param": null, "code": null } });
    for (status, body, kind) in [
        (429, error("slow down"), FailureKind::Away),
        (500, error("broke"), FailureKind::Transient),
        (502, json!("<html>bad gateway</html>"), FailureKind::Away),
        (503, json!({ "error": "loading model" }), FailureKind::Away),
        (504, json!("<html>gateway timeout</html>"), FailureKind::Away),
        (401, error("bad key"), FailureKind::Refused),
        (404, error("no such model"), FailureKind::Refused),
        (400, error("bad image"), FailureKind::Refused),
    ] {
        let answer = body.clone();
        let fake = Fake::start(move |_, _| (status, answer.clone())).await;
        let failure = ask(&open(&fake)).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{status}: {failure}");
        assert!(!failure.message.contains("sk-secret"), "{failure}");
        assert_eq!(fake.asked.of("/v1/chat/completions").len(), 1, "{status}: once, and no more");
    }
    let cut = json!({ "choices": [{ "finish_reason": "length", "message": { "role": "assistant", "content": "{" } }] });
    let fake = Fake::start(move |_, _| (200, cut.clone())).await;
    assert!(ask(&open(&fake)).await.unwrap().1);
    let refusal =
        json!({ "choices": [{ "finish_reason": "stop", "message": { "content": null, "refusal": "I will not" } }] });
    let fake = Fake::start(move |_, _| (200, refusal.clone())).await;
    assert_eq!(ask(&open(&fake)).await.unwrap_err().kind, FailureKind::Refused);
    assert!(!format!("{:?}", Key::new("sk-secret")).contains("secret"));
}

#[tokio::test]
async fn a_server_that_is_not_there_may_come_back() {
    let fake = Fake::start(|_, _| says("{}")).await;
    let openai = open(&fake);
    drop(fake);
    // Its task is stopped, and with it the door.
    let failure = loop {
        match ask(&openai).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(failure) => break failure,
        }
    };
    assert_eq!(failure.kind, FailureKind::Away, "{failure}");
}
