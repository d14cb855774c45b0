//! Pictures that others made in a ComfyUI come into datasets over the network, each once, with what they say of themselves.

use axum::Router;
use serde_json::{Value, json};
use studio_core::{
    dataset::{Picture, PictureState, Source},
    ids::CharacterId,
    units::Seed,
    workflow::SlotValue,
};
use studiod::{
    config::{ComfyServer, Config},
    engines::comfy::home_of,
    store,
};

use crate::{
    bench::{JSON, ask, door_with},
    comfy::fake::{Comfy as Fake, Fault, Logged},
    plans::TWO_ROOMS,
    studio::Studio,
};

/// A studio whose settings name this server.
fn door(studio: &Studio, servers: &[(&str, &str)]) -> Router {
    let server = |(name, url): &(&str, &str)| ComfyServer { name: (*name).into(), ..ComfyServer::at(url) };
    let config = Config { comfy: servers.iter().map(server).collect(), ..Config::default() };
    door_with(studio, crate::datasets::with(studio, config))
}

/// A picture as a PNG that says something of itself.
pub fn png(seed: u32, said: Option<(&str, &str)>) -> Vec<u8> {
    let at = |x: u32, y: u32| image::Rgb([(x * seed % 251) as u8, (y * 3 + seed) as u8, (x * y % 241) as u8]);
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_fn(256, 320, at).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    let mut bytes = bytes.into_inner();
    if let Some((key, text)) = said {
        let body = [b"tEXt".as_slice(), key.as_bytes(), b"\0", text.as_bytes()].concat();
        let chunk = [&(body.len() as u32 - 4).to_be_bytes(), body.as_slice(), &crc(&body).to_be_bytes()].concat();
        // Behind the head: signature, length, name, 13 bytes, sum.
        bytes.splice(33..33, chunk);
    }
    bytes
}

/// The sum that PNG and ZIP have.
pub fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

fn graph(words: &str, seed: u64) -> Value {
    json!({
        "3": { "class_type": "KSampler", "inputs": { "seed": seed, "steps": 22, "cfg": 6.5, "sampler_name": "euler",
            "scheduler": "normal", "denoise": 1.0, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0] } },
        "4": { "class_type": "CheckpointLoaderSimple", "inputs": { "ckpt_name": "base.safetensors" } },
        "6": { "class_type": "CLIPTextEncode", "inputs": { "text": words, "clip": ["4", 1] } },
        "7": { "class_type": "CLIPTextEncode", "inputs": { "text": "blurry, ben", "clip": ["4", 1] } },
        "9": { "class_type": "SaveImage", "inputs": { "images": ["8", 0], "filename_prefix": "mara" } },
    })
}

async fn scan(door: &Router, character: CharacterId, body: Value) -> Value {
    let path = format!("/api/characters/{character}/dataset/comfy");
    let answer = ask(door, "POST", &path, &[JSON], body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

fn many(answer: &Value) -> usize {
    answer["added"].as_array().unwrap().len()
}

async fn pictures(studio: &Studio, character: CharacterId) -> Vec<Picture> {
    store::dataset_pictures::of_character(&studio.context.db, character).await.unwrap()
}

fn views(fake: &Fake) -> usize {
    fake.log().iter().filter(|logged| matches!(logged, Logged::View(..))).count()
}

#[tokio::test]
async fn finished_outputs_come_once_with_what_they_say_of_themselves() {
    let (studio, fake) = (Studio::open().await, Fake::start(Vec::<String>::new()).await);
    let (door, mara) = (door(&studio, &[("left", &fake.url())]), crate::datasets::mara(&studio, "Mara").await);
    let words = graph("Mara, smiling", 41);
    let file = |name, seed, said: Option<(&'static str, &'static str)>| ("mara", name, "output", png(seed, said));
    // More than fit on a page, and nothing of it is wanted.
    for at in 0..70 {
        fake.finished(&graph("BEN on a bench", at), 500, &[("", "ben.png", "output", png(9, None))]);
    }
    let lines = "Mara at sea\nNegative prompt: fog\nSteps: 30, Sampler: Euler a, CFG scale: 7, Seed: 77, Size: 256x320, Model: sea";
    fake.finished(&words, 1_000, &[file("a_00001_.png", 2, None), ("", "p.png", "temp", png(3, None))]);
    let other = json!({ "1": { "class_type": "Other", "inputs": { "words": "of mara" } } });
    fake.finished(&other, 2_000, &[file("b_00001_.png", 4, Some(("parameters", lines))), file("b.mp4", 5, None)]);
    let answer = scan(&door, mara, json!({ "server": "left", "matching": "MARA" })).await;
    assert_eq!((many(&answer), &answer["known"], &answer["own"]), (2, &json!(0), &json!(0)), "{answer}");
    assert_eq!((&answer["refused"], &answer["more"]), (&json!([]), &json!(false)));
    assert_eq!(views(&fake), 2, "neither previews, nor films, nor Ben: {:?}", fake.log());
    // The newest first. It says more of itself than its graph does.
    let all = pictures(&studio, mara).await;
    let source = |name: &str| Source::Comfy { server: "left".into(), name: name.into() };
    assert_eq!((&all[0].source, &all[1].source), (&source("mara/b_00001_.png"), &source("mara/a_00001_.png")));
    let (sea, smile) = (all[0].made.clone().unwrap(), all[1].made.clone().unwrap());
    assert_eq!((sea.prompt.as_str(), sea.seed, sea.model.as_str()), ("Mara at sea", Some(Seed(77)), "sea"));
    assert_eq!((smile.prompt.as_str(), smile.seed), ("Mara, smiling", Some(Seed(41))));
    assert_eq!((smile.negative.as_str(), smile.model.as_str()), ("blurry, ben", "base.safetensors"));
    assert_eq!((&smile.settings["steps"], &smile.settings["cfg"]), (&SlotValue::Int(22), &SlotValue::Float(6.5)));
    assert!(all.iter().all(|one| one.lineage == 1 && one.state == PictureState::Pending), "{all:?}");
    // Kept without what it says.
    let kept = std::fs::read(studio_engine::asset_path(&studio.context.data.assets(), &all[0].file)).unwrap();
    assert_eq!(studio_pictures::metadata::told(&kept), None);
    // What is known is not fetched again; what was taken out is, for whoever asks.
    let answer = scan(&door, mara, json!({ "matching": "mara" })).await;
    assert_eq!((many(&answer), &answer["known"], views(&fake)), (0, &json!(2), 2), "{answer}");
    ask(&door, "DELETE", &format!("/api/pictures/{}", all[1].id), &[], "").await;
    let answer = scan(&door, mara, json!({ "matching": "mara" })).await;
    assert_eq!((many(&answer), &answer["known"], views(&fake)), (1, &json!(1), 3), "{answer}");
    // Ben's are 70 times the same file: it comes once.
    let ben = crate::datasets::mara(&studio, "Ben").await;
    let answer = scan(&door, ben, json!({ "matching": "ben on", "since": 501 })).await;
    assert_eq!(many(&answer), 0, "all of it is older: {answer}");
    let answer = scan(&door, ben, json!({ "matching": "ben on", "since": 500, "most": 500 })).await;
    assert_eq!((many(&answer), &answer["known"]), (1, &json!(69)), "{answer}");
}

#[tokio::test]
async fn as_many_come_as_were_asked_for_and_then_the_next() {
    let (studio, fake) = (Studio::open().await, Fake::start(Vec::<String>::new()).await);
    let (door, mara) = (door(&studio, &[("left", &fake.url())]), crate::datasets::mara(&studio, "Mara").await);
    for at in 1..=5 {
        fake.finished(&graph("Mara", 1), i64::from(at), &[("", &format!("{at}.png"), "output", png(at + 10, None))]);
    }
    let mut names = Vec::new();
    for (wanted, more) in [(2, true), (2, true), (1, false)] {
        let answer = scan(&door, mara, json!({ "most": 2 })).await;
        assert_eq!((many(&answer), &answer["more"]), (wanted, &json!(more)), "{answer}");
    }
    for one in pictures(&studio, mara).await {
        let Source::Comfy { name, .. } = one.source else { panic!("{:?}", one.source) };
        names.push(name);
    }
    assert_eq!(names, ["5.png", "4.png", "3.png", "2.png", "1.png"]);
}

#[tokio::test]
async fn what_the_studio_had_made_there_is_left() {
    let (mut studio, fake) = (Studio::open().await, Fake::start(Vec::<String>::new()).await);
    let (episode, _, _) = studio.film(TWO_ROOMS).await;
    let attempt = studio.attempts(episode, "scene 1/shot 2/still/take 1").await.swap_remove(0);
    let still = attempt.outputs.unwrap().files[0].asset.clone();
    let bytes = std::fs::read(studio_engine::asset_path(&studio.context.data.assets(), &still)).unwrap();
    let (door, mara) = (door(&studio, &[("left", &fake.url())]), crate::datasets::mara(&studio, "Mara").await);
    let file = |name, bytes| ("studio", name, "output", bytes);
    let mark = |home: &str, attempt: &str| json!({ "home": home, "attempt": attempt, "what": "sd15" });
    let home = home_of(studio.context.data.root());
    // By its mark; by an attempt it knows, whatever its data was called; by the file itself.
    fake.finished_by(&graph("Mara", 1), 1, &mark(&home, "x"), &[file("a.png", png(21, None))]);
    fake.finished_by(&graph("Mara", 2), 2, &mark("moved", &attempt.id.to_string()), &[file("b.png", png(22, None))]);
    fake.finished(&graph("Mara", 3), 3, &[file("c.png", bytes)]);
    // Another studio's is a picture like any other.
    let stranger = uuid::Uuid::from_u128(5).to_string();
    fake.finished_by(&graph("Mara", 4), 4, &mark("elsewhere", &stranger), &[file("d.png", png(24, None))]);
    let answer = scan(&door, mara, json!({})).await;
    assert_eq!((many(&answer), &answer["own"], views(&fake)), (1, &json!(3), 2), "{answer}");
}

#[tokio::test]
async fn a_server_that_is_away_is_said_in_one_sentence_and_what_breaks_off_is_gone_on_with() {
    let (studio, mut fake) = (Studio::open().await, Fake::start(Vec::<String>::new()).await);
    let mara = crate::datasets::mara(&studio, "Mara").await;
    let path = format!("/api/characters/{mara}/dataset/comfy");
    let url = fake.url();
    let both = door(&studio, &[("left", &url), ("right", "http://127.0.0.1:1")]);
    for (door, body, said) in [
        (door(&studio, &[]), json!({}), "the settings name no ComfyUI; describe yours under [[comfy]]"),
        (both.clone(), json!({}), "say which ComfyUI: there are left, right"),
        (both.clone(), json!({ "server": "up" }), "the settings name no ComfyUI 'up'; there are left, right"),
        (both.clone(), json!({ "server": "left", "most": 0 }), "most is 0; ask for 1 to 500 at a time"),
    ] {
        let answer = ask(&door, "POST", &path, &[JSON], body.to_string()).await;
        assert_eq!((answer.status, &answer.body["detail"]), (400, &json!(said)));
    }
    let one = |name: &str, seed| {
        fake.finished(&graph("Mara", 1), i64::from(seed), &[("", name, "output", png(seed, None))]);
    };
    one("cut.png", 31);
    one("whole.png", 32);
    let body = json!({ "server": "left" });
    // A download that ends in the middle is gone on with; one that the server has no more is said, and comes later.
    fake.fault(Fault::CutDownload(1));
    let answer = scan(&both, mara, body.clone()).await;
    assert_eq!((many(&answer), &answer["refused"]), (2, &json!([])), "{answer}");
    one("gone.png", 33);
    fake.fault(Fault::OutputsVanish);
    let answer = scan(&both, mara, body.clone()).await;
    let why = answer["refused"][0].as_str().unwrap();
    assert!(why.starts_with("gone.png: ") && why.contains("404"), "{answer}");
    fake.mend();
    assert_eq!(many(&scan(&both, mara, body.clone()).await), 1);
    // What is no picture that can be used is said each time, and fetched once.
    fake.finished(&graph("Mara", 1), 40, &[("", "small.png", "output", b"no picture".to_vec())]);
    for _ in 0..2 {
        let answer = scan(&both, mara, body.clone()).await;
        assert_eq!((many(&answer), answer["refused"].as_array().unwrap().len()), (0, 1), "{answer}");
    }
    let looks = fake.log().iter().filter(|one| matches!(one, Logged::View(name, _) if name == "small.png")).count();
    assert_eq!(looks, 1);
    fake.kill();
    let answer = ask(&both, "POST", &path, &[JSON], body.to_string()).await;
    assert_eq!((answer.status, &answer.body["code"]), (503, &json!("unavailable")), "{}", answer.body);
    let said = answer.body["detail"].as_str().unwrap();
    assert!(said.starts_with("left cannot be asked: ") && said.ends_with("; try again when it answers"), "{said}");
    assert_eq!(pictures(&studio, mara).await.len(), 3, "nothing is lost");
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_an_uploaded_png_says_of_itself_is_kept_beside_it() {
    let studio = Studio::open().await;
    let (door, mara) = (crate::bench::door(&studio), crate::datasets::mara(&studio, "Mara").await);
    let told = png(50, Some(("prompt", &graph("Mara, smiling", 41).to_string())));
    let path = format!("/api/characters/{mara}/dataset/pictures?name=a.png");
    assert_eq!(ask(&door, "POST", &path, &[], told).await.status, 201);
    let picture = pictures(&studio, mara).await.swap_remove(0);
    let made = picture.made.expect("it said so");
    assert_eq!((made.prompt.as_str(), made.seed, picture.lineage), ("Mara, smiling", Some(Seed(41)), 1));
    let kept = std::fs::read(studio_engine::asset_path(&studio.context.data.assets(), &picture.file)).unwrap();
    assert_eq!(studio_pictures::metadata::told(&kept), None, "the file itself says it no more");
}
