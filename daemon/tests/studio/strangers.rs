//! Whatever anybody sends, every call answers as the contract says: what is good by its schema, and what is not.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use fastrand::Rng;
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use studiod::store;
use tower::ServiceExt;

use crate::{bench, plans::TWO_ROOMS, studio::Studio};

/// Requests to each call.
const TIMES: usize = 40;
/// They never end, open another protocol, or take a second each on purpose.
const LEFT_OUT: [&str; 3] = ["/api/live", "/api/events", "/api/tokens/password"];
/// Texts that have broken something somewhere.
const TEXTS: [&str; 14] = [
    "",
    " ",
    "Anna",
    "0",
    "-1",
    "null",
    "../../etc/passwd",
    "a\u{0}b",
    "\u{feff}\u{202e}txt.exe",
    "Zo\u{308}e \u{1f3ac}",
    "'; drop table takes; --",
    "<script>alert(1)</script>",
    "%2e%2e%2f",
    "{{7*7}}\r\nset-cookie: a=b",
];

struct Stranger {
    contract: Value,
    dice: Rng,
    /// What there is, by noun: identities and hashes.
    real: Map<String, Value>,
}

impl Stranger {
    fn one_in(&mut self, many: u32) -> bool {
        self.dice.u32(0..many) == 0
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.dice.usize(0..all.len())]
    }

    fn text(&mut self) -> String {
        match self.dice.u32(0..10) {
            0 => "long ".repeat(self.dice.usize(1..9_000)),
            1 => uuid::Uuid::from_u128(self.dice.u128(..)).to_string(),
            2 => self.existing(),
            _ => (*self.of(&TEXTS)).to_owned(),
        }
    }

    /// Something there is, of any kind.
    fn existing(&mut self) -> String {
        let nouns: Vec<String> = self.real.keys().cloned().collect();
        let noun = self.of(&nouns).clone();
        self.named(&noun)
    }

    fn named(&mut self, noun: &str) -> String {
        match self.real.get(noun).and_then(Value::as_array).cloned() {
            Some(all) if !all.is_empty() => self.of(&all).as_str().unwrap_or_default().to_owned(),
            _ => uuid::Uuid::from_u128(self.dice.u128(..)).to_string(),
        }
    }

    fn resolved(&self, schema: &Value) -> Value {
        match schema["$ref"].as_str() {
            Some(path) => self.contract.pointer(path.trim_start_matches('#')).cloned().expect("the reference leads on"),
            None => schema.clone(),
        }
    }

    /// A value the schema allows, as far as it says.
    fn good(&mut self, schema: &Value, depth: u32) -> Value {
        let schema = self.resolved(schema);
        if let Some(one) = schema.get("const") {
            return one.clone();
        }
        if let Some(all) = schema["enum"].as_array() {
            return self.of(all).clone();
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(all) = schema[choice].as_array() {
                let chosen = self.of(all).clone();
                return self.good(&chosen, depth);
            }
        }
        if let Some(all) = schema["allOf"].as_array() {
            let mut whole = Map::new();
            for part in all.clone() {
                if let Value::Object(part) = self.good(&part, depth) {
                    whole.extend(part);
                }
            }
            return Value::Object(whole);
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => self.of(kinds).as_str().unwrap_or_default().to_owned(),
            kind => kind.as_str().unwrap_or("object").to_owned(),
        };
        match kind.as_str() {
            "null" => Value::Null,
            "boolean" => json!(self.one_in(2)),
            "integer" => {
                let low = schema["minimum"].as_i64().unwrap_or(0);
                let high = schema["maximum"].as_i64().unwrap_or(low.saturating_add(50)).max(low);
                json!(self.dice.i64(low..=high))
            }
            "number" => json!(f64::from(self.dice.u32(0..1000)) / 7.0),
            "string" if schema["format"] == "uuid" => json!(self.existing()),
            "string" => json!(self.text()),
            "array" => {
                let many = if depth > 4 { 0 } else { self.dice.u32(0..3) };
                (0..many).map(|_| self.good(&schema["items"], depth + 1)).collect()
            }
            _ => {
                let required: Vec<&str> =
                    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                let mut object = Map::new();
                for (name, property) in schema["properties"].as_object().cloned().unwrap_or_default() {
                    if required.contains(&name.as_str()) || (depth < 4 && self.one_in(2)) {
                        object.insert(name, self.good(&property, depth + 1));
                    }
                }
                Value::Object(object)
            }
        }
    }

    /// The same with something wrong in it, somewhere.
    fn bad(&mut self, mut value: Value) -> Value {
        let inside = match &mut value {
            Value::Object(object) if !object.is_empty() => {
                let names: Vec<String> = object.keys().cloned().collect();
                let name = self.of(&names).clone();
                if self.one_in(4) {
                    object.remove(&name);
                    return value;
                }
                object.get_mut(&name)
            }
            Value::Array(all) => all.first_mut(),
            _ => None,
        };
        match inside {
            Some(inside) if !self.one_in(3) => {
                *inside = self.bad(inside.take());
                value
            }
            _ => {
                let strange = [
                    json!(null),
                    json!(-1),
                    json!(1e300),
                    json!(u64::MAX),
                    json!(""),
                    json!([]),
                    json!({}),
                    json!({ "no_such_field": [[[[1]]]] }),
                    json!("x".repeat(100_000)),
                    json!(true),
                ];
                self.of(&strange).clone()
            }
        }
    }

    fn address(&mut self, path: &str, parameters: &[Value]) -> String {
        let mut url = reqwest::Url::parse("http://studio").unwrap();
        let noun = path.split('/').nth(2).unwrap_or_default().to_owned();
        {
            let mut segments = url.path_segments_mut().unwrap();
            for segment in path.split('/').skip(1) {
                let name = segment.trim_start_matches('{').split('}').next().unwrap_or_default();
                match segment.starts_with('{') {
                    true if self.one_in(4) => segments.push(&self.text().chars().take(4_000).collect::<String>()),
                    true if name == "scene" || name == "shot" => segments.push("1"),
                    true => segments.push(&self.named(&noun)),
                    false => segments.push(segment),
                };
            }
        }
        for parameter in parameters.iter().filter(|one| one["in"] == "query") {
            let required = parameter["required"] == true;
            if !(required || self.one_in(2)) {
                continue;
            }
            let value = match self.dice.u32(0..4) {
                0 => json!(self.text()),
                _ => self.good(&parameter["schema"], 0),
            };
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            // Longer addresses nobody can even write down.
            let text: String = text.chars().take(4_000).collect();
            url.query_pairs_mut().append_pair(parameter["name"].as_str().unwrap_or_default(), &text);
        }
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// A body and its type.
    fn body(&mut self, content: &Map<String, Value>) -> (String, Vec<u8>) {
        let Some((kind, content)) = content.iter().next() else { return (String::new(), Vec::new()) };
        let kind = if self.one_in(12) { "application/x-nonsense".into() } else { kind.clone() };
        if !kind.contains("json") {
            let text = match self.dice.u32(0..4) {
                0 => TWO_ROOMS.as_bytes().to_vec(),
                1 => b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(),
                2 => (0..self.dice.u32(0..3_000)).map(|_| self.dice.u8(..)).collect(),
                _ => self.text().into_bytes(),
            };
            return (kind, text);
        }
        let good = self.good(&content["schema"], 0);
        let value = if self.one_in(2) { self.bad(good) } else { good };
        let mut text = value.to_string().into_bytes();
        if self.one_in(15) {
            text.truncate(text.len() / 2);
        }
        (kind, text)
    }
}

/// What a call may answer: validators of its bodies by status, `4XX` and `5XX` for every error.
struct Answers(Vec<(String, Option<Validator>)>);

impl Answers {
    fn of(contract: &Value, operation: &Value) -> Self {
        let validator = |answer: &Value| {
            let (_, content) = answer["content"].as_object()?.iter().find(|(kind, _)| kind.ends_with("json"))?;
            let mut schema = content["schema"].clone();
            schema["components"] = contract["components"].clone();
            Some(jsonschema::validator_for(&schema).expect("a schema"))
        };
        let all = operation["responses"].as_object().expect("answers");
        Self(all.iter().map(|(status, answer)| (status.clone(), validator(answer))).collect())
    }

    /// What is wrong with an answer; `None` when nothing is.
    fn wrong(&self, status: u16, kind: &str, body: &[u8]) -> Option<String> {
        let family = format!("{}XX", status / 100);
        let Some((_, validator)) = self.0.iter().find(|(known, _)| *known == status.to_string() || *known == family)
        else {
            return Some("the contract does not know this status".into());
        };
        if status >= 500 && status != 503 {
            return Some("the studio broke".into());
        }
        let json: Option<Value> = serde_json::from_slice(body).ok();
        if status >= 400 && kind != "application/problem+json" {
            return Some(format!("an error of type '{kind}'"));
        }
        match (validator, json) {
            (Some(_), None) => Some("no JSON".into()),
            (Some(validator), Some(json)) => {
                let wrong: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
                (!wrong.is_empty()).then(|| wrong.join("; "))
            }
            (None, _) => None,
        }
    }
}

async fn send(door: &Router, request: Request<Body>) -> (u16, String, Vec<u8>) {
    let answer = door.clone().oneshot(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let kind = parts.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let bytes = to_bytes(body, 1 << 26).await.unwrap();
    (parts.status.as_u16(), kind.to_owned(), bytes.to_vec())
}

async fn everything_there_is(studio: &Studio, door: &Router) -> Map<String, Value> {
    let mut real = Map::new();
    for (noun, at) in [
        ("projects", "/project/id"),
        ("episodes", "/episode/id"),
        ("characters", "/character/id"),
        ("locations", "/location/id"),
        ("scenes", "/id"),
        ("takes", "/take/id"),
        ("tasks", "/id"),
    ] {
        let said = bench::get(door, &format!("/api/{noun}?limit=500")).await.body;
        let ids = said[noun].as_array().unwrap().iter().filter_map(|one| one.pointer(at).cloned());
        real.insert(noun.into(), ids.collect());
        assert!(!real[noun].as_array().unwrap().is_empty(), "{noun}");
    }
    let episode = real["episodes"][0].as_str().unwrap().parse().unwrap();
    let shots = store::shots::of_episode(&studio.context.db, episode).await.unwrap();
    real.insert("shots".into(), shots.iter().map(|shot| json!(shot.id)).collect());
    let takes = store::takes::of_episode(&studio.context.db, episode).await.unwrap();
    real.insert("assets".into(), takes.iter().map(|take| json!(take.asset)).collect());
    real
}

#[tokio::test]
async fn every_call_keeps_the_contract_whatever_is_sent() {
    let mut studio = Studio::open().await;
    studio.film(TWO_ROOMS).await;
    let door = bench::door(&studio);
    let contract: Value = serde_json::from_str(&studiod::web::contract()).unwrap();
    let real = everything_there_is(&studio, &door).await;
    let mut stranger = Stranger { contract, dice: Rng::with_seed(6), real };

    let mut calls: Vec<(String, String, Value)> = Vec::new();
    for (path, operations) in stranger.contract["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if ["get", "put", "post", "patch", "delete"].contains(&method.as_str())
                && !LEFT_OUT.contains(&path.as_str())
            {
                calls.push((path.clone(), method.to_uppercase(), operation.clone()));
            }
        }
    }
    assert!(calls.len() > 80, "{}", calls.len());
    // What removes things comes last, so that the others have something to be about.
    calls.sort_by_key(|(_, method, _)| method == "DELETE");
    let (mut wrong, mut good, mut refused) = (Vec::new(), 0, 0);
    for (path, method, operation) in &calls {
        let answers = Answers::of(&stranger.contract, operation);
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let content = operation["requestBody"]["content"].as_object().cloned().unwrap_or_default();
        for _ in 0..TIMES {
            let address = stranger.address(path, &parameters);
            let (kind, body) = stranger.body(&content);
            let mut request = Request::builder().method(method.as_str()).uri(&address);
            if !kind.is_empty() {
                request = request.header("content-type", kind);
            }
            if stranger.one_in(6) {
                let tag = *stranger.of(&["*", "\"x\"", "W/\"1\", \"2\"", "nonsense"]);
                request = request.header("if-match", tag);
            }
            if method == "POST" && stranger.one_in(6) {
                request = request.header("idempotency-key", *stranger.of(&["k", "", "key key", "\u{e9}"]));
            }
            let sent = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
            let (status, kind, answer) = send(&door, request.body(Body::from(body)).unwrap()).await;
            if let Some(why) = answers.wrong(status, &kind, &answer) {
                let answer = String::from_utf8_lossy(&answer[..answer.len().min(400)]).into_owned();
                wrong.push(format!("{method} {address}\n  sent {sent}\n  {status} {answer}\n  {why}"));
            }
            if status < 400 { good += 1 } else { refused += 1 }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), good + refused, wrong[..wrong.len().min(12)].join("\n"));
    assert!(good * 5 > refused, "most of it is refused, so little is tried: {good} good, {refused} refused");
    // The studio is as alive as before.
    assert_eq!(bench::get(&door, "/health").await.status, 200);
}
