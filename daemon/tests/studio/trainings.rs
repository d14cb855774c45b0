//! Trainings: an approved set becomes a LoRA that films use, with the real trainer engine around a program that behaves as sd-scripts
//! does, a painter whose pictures follow the LoRA they are made with, and a vision model that sees that.

mod bad_nights;
mod from_outside;
mod left_over;
mod named;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use axum::Router;
use base64::Engine as _;
use serde_json::{Value, json};
use studio_core::{
    dataset::Coverage,
    ids::CharacterId,
    media::MediaFacts,
    order::{Order, Role, StillOrder},
    training::TrainingState,
    units::Size,
};
use studio_engine::{Artifact, Engine, Made, Means};
use studiod::{
    app::{datasets::Datasets, trainings::Trainings},
    conductor::Seat,
    config::Config,
    definitions::{DefinitionsWatch, Places},
    engines::{
        comfy::COMFY,
        trainer::{TRAINER, TrainerEngine, TrainerPatience, TrainerPlan},
    },
    events::StudioEvent,
    store,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    api::PATIENCE,
    bench::{JSON, Said, ask, door_with, get},
    datasets::{mara, with},
    reviews::png,
    servers::ollama::Ollama as Fake,
    sights::{EYE, eyes},
    studio::Studio,
};

/// What the painter was asked, by the number of the words: the judge knows a picture by its colours.
type Words = Arc<Mutex<Vec<String>>>;

/// Paints one colour: red is the epoch of the LoRA (0: none), green its strength, blue what was asked.
struct Painter {
    words: Words,
    orders: Arc<Mutex<Vec<StillOrder>>>,
}

impl Engine for Painter {
    fn version(&self) -> String {
        "painter/1".into()
    }

    fn run<'a>(&'a self, order: &'a Order, Means { room, .. }: Means<'a>) -> Made<'a> {
        Box::pin(async move {
            let Order::Still(order) = order else { panic!("only pictures are asked of a painter") };
            self.orders.lock().unwrap().push(order.clone());
            let number = {
                let mut words = self.words.lock().unwrap();
                let known = words.iter().position(|one| *one == order.description);
                known.unwrap_or_else(|| {
                    words.push(order.description.clone());
                    words.len() - 1
                })
            };
            let lora = order.recipe.as_ref().and_then(|recipe| recipe.loras.first());
            let epoch = lora.map_or(0, |lora| epoch_of(&lora.file));
            let strength = lora.map_or(0, |lora| lora.strength_percent);
            let colour = [(epoch * 20) as u8, (strength * 2) as u8, (number * 8) as u8];
            let path = room.dir.join("picture.png");
            image::RgbImage::from_pixel(320, 320, image::Rgb(colour)).save(&path).unwrap();
            let facts = MediaFacts::Still { size: Size { width: 320, height: 320 } };
            Ok(vec![Artifact::File { role: Role::Picture, path, facts }])
        })
    }
}

/// `studiod/light-mara/sd15-r1-e4.safetensors` -> 4; 1 of an imported one.
fn epoch_of(file: &str) -> u32 {
    file.rsplit_once("-e").and_then(|(_, end)| end.trim_end_matches(".safetensors").parse().ok()).unwrap_or(1)
}

/// How alike a LoRA makes somebody, 1..=10: it rises up to epoch 4 and is spent after 8.
fn likeness(epoch: u32, strength: u32) -> u32 {
    let epoch = match epoch {
        0 => 3,
        1..=4 => 4 + epoch,
        5..=8 => 8,
        _ => 6,
    };
    if strength > 0 && strength != 80 { epoch - 1 } else { epoch }
}

/// Epoch, strength and words of the picture that a question shows first.
fn shown(body: &Value, words: &Words) -> Option<(u32, u32, String)> {
    let encoded = body["messages"][0]["images"][0].as_str()?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    let picture = image::load_from_memory(&bytes).ok()?.to_rgb8();
    let [red, green, blue] = picture.get_pixel(picture.width() / 2, picture.height() / 2).0.map(u32::from);
    let number = ((blue + 4) / 8) as usize;
    let said = words.lock().unwrap().get(number).cloned().unwrap_or_default();
    Some(((red + 10) / 20, green.div_ceil(2) / 5 * 5, said))
}

fn judge(fake: &Fake, words: &Words) {
    let words = words.clone();
    fake.answers(move |body, _| {
        let fields = body["format"]["properties"].as_object().expect("there is a schema");
        let (epoch, strength, said) = shown(body, &words).unwrap_or_default();
        if fields.contains_key("shows") {
            // What it was asked to show, it shows.
            let mut shows = serde_json::Map::new();
            for axis in Coverage::shipped().axes {
                let value = axis.values.iter().find(|value| !value.prompt.is_empty() && said.contains(&value.prompt));
                shows.extend(value.map(|value| (axis.name.clone(), json!(value.word))));
            }
            return json!({ "shows": shows, "details": [] }).to_string();
        }
        let value = |name: &String| match name.as_str() {
            "issues" | "common_error_hits" => json!([]),
            "has_anatomical_defects" => json!(false),
            "solo" | "species_correct" | "gender_match" => json!(true),
            "completeness" => json!("full"),
            "reason" | "caption" => json!("as it should be"),
            "character_match" => json!(likeness(epoch, strength)),
            _ => json!(9),
        };
        Value::Object(fields.keys().map(|name| (name.clone(), value(name))).collect()).to_string()
    });
}

/// A studio that trains.
struct House {
    studio: Studio,
    door: Router,
    config: Config,
    trainings: Trainings,
    orders: Arc<Mutex<Vec<StillOrder>>>,
    fake: Arc<Fake>,
    folder: TempDir,
}

/// A checkout of a program that behaves as sd-scripts does.
fn check_out(folder: &Path) {
    let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake_trainer");
    std::fs::create_dir_all(folder.join("library")).unwrap();
    for name in ["train_network.py", "sdxl_train_network.py"] {
        std::fs::copy(fake.join(name), folder.join(name)).unwrap();
    }
    std::fs::write(folder.join("library/train_util.py"), b"").unwrap();
}

fn config_of(folder: &Path, url: &str) -> Config {
    for name in ["loras", "tokenizers/openai_clip-vit-large-patch14"] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
    }
    check_out(&folder.join("checkout"));
    std::fs::write(folder.join("base.safetensors"), b"base weights").unwrap();
    for name in ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"] {
        std::fs::write(folder.join("tokenizers/openai_clip-vit-large-patch14").join(name), b"{}").unwrap();
    }
    serde_json::from_value(json!({
        "comfy": [{ "name": "nv", "url": "http://127.0.0.1:1" }],
        "ollama": { "url": url, "vision": EYE },
        "models": { "stills": "sd15", "loras": folder.join("loras") },
        "training": {
            "trainer": "sd-scripts",
            "paths": { "checkout": folder.join("checkout"), "python": "python3", "tokenizers": folder.join("tokenizers") },
            "bases": { "sd15": folder.join("base.safetensors") },
        },
    }))
    .unwrap()
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fake = Arc::new(Fake::start().await);
        let (words, orders) = (Words::default(), Arc::default());
        judge(&fake, &words);
        let config = config_of(folder.path(), &fake.served.url());
        let second = std::time::Duration::from_secs(1);
        let reader = eyes(fake.served.url());
        let training = config.training.clone().unwrap();
        let trainer = TrainerEngine::open(TrainerPlan {
            definitions: DefinitionsWatch::open(Places::default()),
            name: training.trainer,
            paths: training.paths,
            bases: training.bases,
            card: None,
            gpu_uuid: None,
            stills: None,
            server: None,
            server_name: None,
            home: folder.path().join("runs"),
            patience: TrainerPatience { look: second / 10, ..TrainerPatience::default() },
        });
        let painter = Painter { words, orders: Arc::clone(&orders) };
        let studio = Studio::open_with(|seats| {
            seats.insert("ollama".into(), Seat { engine: Arc::new(reader), slots: 1 });
            seats.insert(COMFY.into(), Seat { engine: Arc::new(painter), slots: 1 });
            seats.insert(TRAINER.into(), Seat { engine: Arc::new(trainer), slots: 1 });
        })
        .await;
        let datasets = with(&studio, config.clone());
        let door = door_with(&studio, datasets.clone());
        Self { studio, door, config, trainings: Trainings::of(datasets), orders, fake, folder }
    }

    fn datasets(&self) -> Datasets {
        self.trainings.datasets.clone()
    }

    /// Somebody with so many approved pictures.
    async fn approved(&self, name: &str, count: u32) -> CharacterId {
        let character = mara(&self.studio, name).await;
        let offset = character.0.as_u128() as u32 % 50;
        let mut all = Vec::new();
        for which in 0..count {
            let path = format!("/api/characters/{character}/dataset/pictures?name={which}.png");
            let answer = ask(&self.door, "POST", &path, &[], png(offset + which)).await;
            assert_eq!(answer.status, 201, "{}", answer.body);
            all.push(answer.body["added"][0].clone());
        }
        let body = json!({ "pictures": all, "good": true }).to_string();
        let path = format!("/api/characters/{character}/dataset/decisions");
        let answer = ask(&self.door, "POST", &path, &[JSON], body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        character
    }

    async fn start(&self, character: CharacterId, body: Value) -> Said {
        ask(&self.door, "POST", &format!("/api/characters/{character}/trainings"), &[JSON], body.to_string()).await
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Said {
        let headers: &[_] = if body.is_null() { &[] } else { &[JSON] };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        ask(&self.door, method, path, headers, body).await
    }

    /// The studio looks after its trainings until this is dropped.
    fn kept(&self) -> Looking {
        let stop = CancellationToken::new();
        Looking { task: tokio::spawn(self.trainings.clone().run(stop.clone())), stop }
    }

    /// The run as soon as it is so.
    async fn until(&self, id: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut events = self.studio.context.events.listen();
        let mut last = Value::Null;
        let wait = async {
            loop {
                last = get(&self.door, &format!("/api/trainings/{id}")).await.body;
                if is(&last) {
                    return;
                }
                while !matches!(events.recv().await.expect("it keeps telling"), StudioEvent::Training { .. }) {}
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, wait).await.is_ok();
        assert!(in_time, "it never came to that: {:#} {} {}", last["training"]["state"], last["said"], last["doing"]);
        last
    }

    async fn until_state(&self, id: &str, state: &str) -> Value {
        self.until(id, |view| view["training"]["state"] == state).await
    }

    fn loras(&self) -> BTreeMap<String, u64> {
        let root = self.folder.path().join("loras");
        let files = walk(&root);
        files
            .into_iter()
            .map(|path| (path.strip_prefix(&root).unwrap().display().to_string(), path.metadata().unwrap().len()))
            .collect()
    }
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

struct Looking {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Looking {
    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// As in a power cut.
    async fn cut(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

fn quick() -> Value {
    json!({ "settings": { "epochs": 5 } })
}

#[tokio::test]
async fn an_approved_set_becomes_a_lora_that_films_use() {
    let house = House::new().await;
    let mara = house.approved("Mara", 12).await;
    // What it would be is said before anybody asks for it.
    let preview = house.call("POST", &format!("/api/characters/{mara}/trainings/preview"), quick()).await;
    assert_eq!(preview.status, 200, "{}", preview.body);
    let plan = preview.body;
    assert_eq!((&plan["pictures"], &plan["held_out"], &plan["epochs"]), (&json!(11), &json!(1), &json!(5)), "{plan:#}");
    assert_eq!((&plan["architecture"], &plan["blocked"]), (&json!("sd15"), &json!([])), "{plan:#}");
    assert!(plan["estimate"]["steps"].as_u64().unwrap() >= 700, "{plan:#}");
    let begun = house.start(mara, quick()).await;
    assert_eq!(begun.status, 201, "{}", begun.body);
    let id = begun.body["training"]["id"].as_str().unwrap().to_owned();
    // Asked for twice it is the same.
    let again = house.start(mara, quick()).await;
    assert_eq!((again.status, &again.body["code"]), (409, &json!("training_busy")), "{}", again.body);
    let kept = house.kept();
    let view =
        house.until(&id, |view| !matches!(view["training"]["state"].as_str(), Some("training" | "probing"))).await;
    assert_eq!(view["training"]["state"], "done", "{:#} {}", view["training"]["fault"], view["said"]);
    let epochs: Vec<u64> =
        view["epochs"].as_array().unwrap().iter().map(|one| one["epoch"].as_u64().unwrap()).collect();
    assert_eq!(epochs, [1, 2, 3, 4, 5]);
    for epoch in view["epochs"].as_array().unwrap() {
        assert!(!epoch["report"]["losses"].as_array().unwrap().is_empty(), "{epoch:#}");
        assert!(epoch["attempt_id"].is_string() && epoch["bytes"].as_u64().unwrap() > 0, "{epoch:#}");
    }
    let choice = &view["training"]["choice"];
    assert_eq!((&choice["epoch"], &choice["strength"]), (&json!(4), &json!(80)), "{choice:#}");
    assert_eq!((&choice["active"], &choice["why"]["why"]), (&json!(true), &json!("better")), "{choice:#}");
    assert!(view["said"].as_str().unwrap().contains("films use it now"), "{}", view["said"]);
    // Only what is used stays in ComfyUI's folder.
    let files = house.loras();
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(
        files.keys().all(|name| name.starts_with("studiod/light-mara/sd15-r") && name.ends_with("-e4.safetensors"))
    );
    let loras = get(&house.door, &format!("/api/characters/{mara}/loras")).await.body;
    let lora = &loras["loras"][0];
    assert_eq!((&lora["lora"]["active"], &lora["placed"]), (&json!(true), &json!(true)), "{loras:#}");
    assert_eq!(lora["about"]["architecture"], "sd15");
    // The same set in the same way again is nothing new, and is told which run it was.
    let same = house.start(mara, quick()).await;
    assert_eq!((same.status, &same.body["code"]), (409, &json!("trained_already")), "{}", same.body);
    assert!(same.body["detail"].as_str().unwrap().contains(&id));
    // Whatever is made of Mara from now on is made with it, and called by its word.
    let before = house.orders.lock().unwrap().len();
    let made = house.call("POST", &format!("/api/characters/{mara}/dataset/generate"), json!({ "pictures": 1 })).await;
    assert_eq!(made.status, 202, "{}", made.body);
    let datasets = crate::datasets::Kept::by(house.datasets());
    crate::datasets::at_rest(&house.studio, &house.door, mara, "off").await;
    datasets.end().await;
    let order = house.orders.lock().unwrap()[before..].first().cloned().expect("a picture was made");
    let used = &order.recipe.unwrap().loras[0];
    let strength = u32::try_from(lora["lora"]["strength"].as_u64().unwrap()).unwrap();
    assert_eq!(&used.file, files.keys().next().unwrap());
    // A dataset tries other strengths, too.
    assert!([strength, 60, 80].contains(&used.strength_percent), "{}", used.strength_percent);
    assert!(used.trigger.starts_with("mara"), "{}", used.trigger);
    let kinds = store::decisions::Filter { limit: 500, ..Default::default() };
    let decided = store::decisions::page(&house.studio.context.db, &kinds).await.unwrap();
    assert_eq!(decided.iter().filter(|one| one.kind.word() == "training").count(), 1);
    kept.end().await;
    house.studio.until_nothing_runs().await;
    house.studio.assert_settled().await;
}

#[tokio::test]
async fn the_card_is_free_between_slices_and_a_restart_goes_on_where_it_was() {
    let house = House::new().await;
    let mara = house.approved("Mara", 12).await;
    let begun = house.start(mara, quick()).await;
    let id = begun.body["training"]["id"].as_str().unwrap().to_owned();
    let kept = house.kept();
    let done = |view: &Value, least: u64| view["done"].as_u64().unwrap_or(0) >= least;
    house.until(&id, |view| done(view, 1)).await;
    // It rests: what runs is finished, and nothing begins.
    let paused = house.call("POST", &format!("/api/trainings/{id}/pause"), Value::Null).await;
    assert_eq!((paused.status, &paused.body["training"]["paused"]), (200, &json!(true)), "{}", paused.body);
    // A slice that waited already is held.
    let rested = house.until(&id, |view| view["task"].is_null() || view["task_state"] == "waiting").await;
    let epochs = rested["done"].as_u64().unwrap();
    kept.cut().await;
    let resumed = house.call("POST", &format!("/api/trainings/{id}/resume"), Value::Null).await;
    assert_eq!(resumed.status, 200, "{}", resumed.body);
    let kept = house.kept();
    let view = house.until_state(&id, "done").await;
    let all: Vec<u64> = view["epochs"].as_array().unwrap().iter().map(|one| one["epoch"].as_u64().unwrap()).collect();
    assert_eq!(all, [1, 2, 3, 4, 5], "after {epochs} it went on");
    assert!(view["epochs"].as_array().unwrap().iter().all(|one| one["report"]["from_weights"] != json!(true)));
    // Each slice is an attempt of its own.
    let attempts: std::collections::BTreeSet<&str> =
        view["epochs"].as_array().unwrap().iter().map(|one| one["attempt_id"].as_str().unwrap()).collect();
    assert_eq!(attempts.len(), 5);
    kept.end().await;
}

#[tokio::test]
async fn a_person_chooses_where_nobody_can_judge_and_whenever_they_like() {
    let house = House::new().await;
    let mara = house.approved("Mara", 12).await;
    house.fake.answers(|_, _| "no JSON".into());
    let begun = house.start(mara, quick()).await;
    let id = begun.body["training"]["id"].as_str().unwrap().to_owned();
    let kept = house.kept();
    let view = house.until_state(&id, "needs_person").await;
    assert_eq!(view["training"]["choice"]["why"]["why"], "unjudged", "{:#}", view["training"]["choice"]);
    assert!(
        get(&house.door, &format!("/api/characters/{mara}/loras")).await.body["loras"].as_array().unwrap().is_empty()
    );
    let wrong = house.call("POST", &format!("/api/trainings/{id}/choose"), json!({ "epoch": 9 })).await;
    assert_eq!(wrong.status, 400, "{}", wrong.body);
    assert!(wrong.body["detail"].as_str().unwrap().contains("1, 2, 3, 4, 5"), "{}", wrong.body);
    let chosen =
        house.call("POST", &format!("/api/trainings/{id}/choose"), json!({ "epoch": 2, "strength": 100 })).await;
    assert_eq!((chosen.status, &chosen.body["training"]["state"]), (200, &json!("done")), "{}", chosen.body);
    let loras = get(&house.door, &format!("/api/characters/{mara}/loras")).await.body;
    let lora = &loras["loras"][0]["lora"];
    assert_eq!((&lora["epoch"], &lora["strength"], &lora["active"]), (&json!(2), &json!(100), &json!(true)));
    // Another one takes its place, and the first is one call back.
    let other = house.call("POST", &format!("/api/trainings/{id}/choose"), json!({ "epoch": 3 })).await;
    assert_eq!(other.status, 200, "{}", other.body);
    let list = get(&house.door, &format!("/api/characters/{mara}/loras")).await.body;
    let active: Vec<&Value> =
        list["loras"].as_array().unwrap().iter().filter(|one| one["lora"]["active"] == true).collect();
    assert_eq!((list["loras"].as_array().unwrap().len(), &active[0]["lora"]["epoch"]), (2, &json!(3)));
    let first = lora["id"].as_str().unwrap();
    let back = house.call("POST", &format!("/api/kept-loras/{first}/use"), Value::Null).await;
    assert_eq!((back.status, &back.body["lora"]["active"]), (200, &json!(true)), "{}", back.body);
    let refused = house.call("DELETE", &format!("/api/kept-loras/{first}"), Value::Null).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("lora_in_use")), "{}", refused.body);
    let none = house.call("DELETE", &format!("/api/kept-loras/{first}/use"), Value::Null).await;
    assert_eq!((none.status, &none.body["lora"]["active"]), (200, &json!(false)), "{}", none.body);
    let gone = house.call("DELETE", &format!("/api/kept-loras/{first}"), Value::Null).await;
    assert_eq!(gone.status, 204);
    assert!(!house.loras().keys().any(|name| name.ends_with("-e2.safetensors")), "{:?}", house.loras());
    // The run goes with its epochs; its LoRA in the library stays.
    let removed = house.call("DELETE", &format!("/api/trainings/{id}"), Value::Null).await;
    assert_eq!(removed.status, 204, "{}", removed.body);
    let list = get(&house.door, &format!("/api/characters/{mara}/loras")).await.body;
    assert_eq!(list["loras"].as_array().unwrap().len(), 1);
    assert!(list["loras"][0]["lora"]["training_id"].is_null());
    kept.end().await;
}

#[tokio::test]
async fn a_run_that_cannot_begin_says_why_and_one_that_is_stopped_keeps_its_epochs() {
    let house = House::new().await;
    let few = house.approved("Ben", 3).await;
    let refused = house.start(few, quick()).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("too_few_approved")), "{}", refused.body);
    let plan = house.call("POST", &format!("/api/characters/{few}/trainings/preview"), quick()).await.body;
    assert_eq!(plan["blocked"][0]["reason"]["why"], "too_few", "{plan:#}");
    assert!(plan["blocked"][0]["said"].as_str().unwrap().starts_with("3 pictures are approved"), "{plan:#}");
    let mara = house.approved("Mara", 12).await;
    let typo = house.start(mara, json!({ "settings": { "epoch": 3 } })).await;
    assert_eq!(typo.status, 400, "{}", typo.body);
    assert!(typo.body["detail"].as_str().unwrap().contains("did you mean 'epochs'?"), "{}", typo.body);
    let sdxl = house.start(mara, json!({ "architecture": "sdxl" })).await;
    assert_eq!((sdxl.status, &sdxl.body["code"]), (409, &json!("not_trainable")), "{}", sdxl.body);
    let begun = house.start(mara, quick()).await;
    assert_eq!(begun.status, 201, "{}", begun.body);
    let id = begun.body["training"]["id"].as_str().unwrap().to_owned();
    let kept = house.kept();
    house.until(&id, |view| view["done"].as_u64().unwrap_or(0) >= 1).await;
    let stopped = house.call("POST", &format!("/api/trainings/{id}/cancel"), Value::Null).await;
    assert_eq!((stopped.status, &stopped.body["training"]["state"]), (200, &json!("cancelled")), "{}", stopped.body);
    let view = house.until(&id, |view| view["task"].is_null()).await;
    assert!(view["done"].as_u64().unwrap() >= 1);
    assert_eq!(view["training"]["state"], "cancelled");
    let again = house.call("POST", &format!("/api/trainings/{id}/pause"), Value::Null).await;
    assert_eq!((again.status, &again.body["code"]), (409, &json!("training_over")), "{}", again.body);
    // What was stopped may be trained once more.
    let once_more = house.start(mara, quick()).await;
    assert_eq!(once_more.status, 201, "{}", once_more.body);
    // Its epochs can still be chosen from; it stays what it is, for another run of that plan is there.
    let chosen = house.call("POST", &format!("/api/trainings/{id}/choose"), json!({ "epoch": 1 })).await;
    assert_eq!((chosen.status, &chosen.body["training"]["state"]), (200, &json!("cancelled")), "{}", chosen.body);
    assert_eq!(chosen.body["training"]["choice"]["epoch"], 1, "{}", chosen.body);
    // Only the run asks for what it is made of.
    let next = once_more.body["training"]["id"].as_str().unwrap().to_owned();
    let task = house.until(&next, |view| !view["task"].is_null()).await["task"].as_str().unwrap().to_owned();
    let stopped = house.call("POST", &format!("/api/trainings/{next}/cancel"), Value::Null).await;
    assert_eq!(stopped.status, 200, "{}", stopped.body);
    let over = house.until(&next, |view| view["task"].is_null()).await;
    assert_eq!(over["training"]["state"], "cancelled");
    let row = get(&house.door, &format!("/api/tasks/{task}")).await.body;
    if row["task"]["state"] != "done" {
        let refused = house.call("POST", &format!("/api/tasks/{task}/retry"), Value::Null).await;
        assert_eq!((refused.status, &refused.body["code"]), (409, &json!("part_of_training")), "{}", refused.body);
    }
    kept.end().await;
}

#[tokio::test]
async fn one_character_is_trained_once_at_a_time_and_a_power_cut_leaves_no_task_behind() {
    let house = House::new().await;
    let mara = house.approved("Mara", 12).await;
    let mut other = quick();
    other["settings"]["seed"] = json!(77);
    let (first, second) = tokio::join!(house.start(mara, quick()), house.start(mara, other));
    let mut said = [first.status, second.status];
    said.sort_unstable();
    assert_eq!(said, [201, 409], "{} {}", first.body, second.body);
    let begun = if first.status == 201 { first } else { second };
    let id = begun.body["training"]["id"].as_str().unwrap().to_owned();
    // The card rests, so nothing ends by itself.
    let resting = house.call("POST", "/api/fleet/pause", json!({ "scope": { "what": "studio" } })).await;
    assert!(resting.status < 300, "{}", resting.body);
    house.trainings.look_after_all().await.unwrap();
    let waits = get(&house.door, &format!("/api/trainings/{id}")).await.body;
    assert_eq!(waits["task_state"], "waiting", "{waits:#}");
    // A run that rests has what waits held, and let go when it goes on.
    for (way, held) in [("pause", true), ("resume", false)] {
        let said = house.call("POST", &format!("/api/trainings/{id}/{way}"), Value::Null).await;
        assert_eq!(said.status, 200, "{}", said.body);
        let steered = store::fleet::steered(&house.studio.context.db).await.unwrap();
        assert_eq!(!steered.held.is_empty(), held, "{way}");
    }
    // The run was ended, and the power went before its tasks were.
    let db = &house.studio.context.db;
    let mut tx = db.begin().await.unwrap();
    let (from, to) = ([TrainingState::Training], TrainingState::Cancelled);
    let now = house.studio.context.clock.now();
    assert!(
        store::trainings::set_state(&mut tx, id.parse().unwrap(), &from, to, (None, None), now).await.unwrap(),
        "it was being trained"
    );
    tx.commit().await.unwrap();
    let kept = house.kept();
    let view = house.until(&id, |view| view["task"].is_null()).await;
    assert_eq!(view["training"]["state"], "cancelled");
    kept.end().await;
}

#[tokio::test]
async fn pictures_and_base_weights_stay_what_they_were_when_a_run_began() {
    let house = House::new().await;
    let mara = house.approved("Mara", 12).await;
    let begun = house.start(mara, quick()).await;
    let id = begun.body["training"]["id"].as_str().unwrap().to_owned();
    // One is taken out of the dataset meanwhile: the run has it all the same.
    let pictures = crate::datasets::pictures(&house.studio, mara).await;
    let gone = house.call("DELETE", &format!("/api/pictures/{}", pictures[0].id), Value::Null).await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    let used = store::trainings::in_use(&house.studio.context.db).await.unwrap();
    assert!(used.contains(&pictures[0].file.hash), "its file is kept for as long as the run is there");
    std::fs::write(house.folder.path().join("base.safetensors"), b"other weights").unwrap();
    let kept = house.kept();
    let view = house.until_state(&id, "failed").await;
    assert!(view["said"].as_str().unwrap().contains("replaced"), "{}", view["said"]);
    let run = store::trainings::get(&house.studio.context.db, id.parse().unwrap()).await.unwrap();
    assert_eq!((run.state, run.plan.pictures.len()), (TrainingState::Failed, 12));
    kept.end().await;
}
