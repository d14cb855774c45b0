//! LoRAs that are asked for by name, and those of whole films: what a film is made with, and how much hangs on it.

use serde_json::{Value, json};
use studio_core::{ids::CharacterId, model::Lora, order::Recipe, project::fold_name};
use studiod::{
    app::producing::{self, Screenplay},
    conductor::{Defaults, ProduceOptions},
};

use super::{House, from_outside::lora_file};
use crate::{
    bench::{JSON, Said, ask, get},
    datasets::mara,
};

const PLAY: &str = "Title: A Face\n\nINT. STUDIO - DAY\n\n[[lora: RED dress 50%]]\n\nMARA looks up.\n\nMARA\nThis is me.\n\n\
                    EXT. SEA - DAY\n\n[[lora: hat]]\n\nWaves. [[shot: lora: fog]]\n\nMARA waits.\n\nMARA\nNo.\n\n\
                    BEN and MARA wait.\n\nBEN\nYes.\n";

/// Another LoRA each time: its last byte is `which`.
fn file(which: u8) -> Vec<u8> {
    let mut file = lora_file();
    *file.last_mut().unwrap() = which;
    file
}

impl House {
    async fn import(&self, path: &str, which: u8) -> Value {
        let answer = ask(&self.door, "POST", &format!("{path}?name=x.safetensors"), &[], file(which)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body
    }

    async fn say(&self, id: &Value, said: Value) -> Said {
        let path = format!("/api/kept-loras/{}", id.as_str().unwrap());
        ask(&self.door, "PATCH", &path, &[JSON], said.to_string()).await
    }

    async fn use_lora(&self, id: &Value) {
        let path = format!("/api/kept-loras/{}/use", id.as_str().unwrap());
        let used = self.call("POST", &path, Value::Null).await;
        assert_eq!((used.status, &used.body["lora"]["active"]), (200, &json!(true)), "{}", used.body);
    }

    /// What the picture of each shot would be made with, scene by scene.
    async fn film(&self) -> (Vec<Recipe>, Vec<String>) {
        let making = &self.trainings.datasets.making;
        let screenplay = Screenplay::read(PLAY.as_bytes(), "", &making.reading()).unwrap();
        let options = ProduceOptions { project: Some("light".into()), ..ProduceOptions::default() };
        let asked = producing::request(making, &screenplay, &options, None, Defaults::BySettings).await.unwrap();
        let production = &asked.production;
        let (models, hand) = (production.cast.models.as_ref().unwrap(), production.still_route().1.unwrap());
        let plans = production.script.scenes.iter().flat_map(|scene| &scene.shots).map(|shot| &shot.plan);
        let recipes = plans.clone().map(|plan| models.shown(hand, plan, None, true)).collect();
        (recipes, plans.flat_map(|plan| models.unknown_loras(plan)).map(fold_name).collect())
    }
}

fn files(recipe: &Recipe) -> Vec<(&str, u32)> {
    recipe.loras.iter().map(|Lora { file, strength_percent, .. }| (file.as_str(), *strength_percent)).collect()
}

#[tokio::test]
async fn a_film_is_made_with_what_its_screenplay_asks_for() {
    let house = House::new().await;
    let whom: CharacterId = mara(&house.studio, "Mara").await;
    let project = get(&house.door, "/api/projects").await.body["projects"][0]["project"]["id"].clone();
    let of_film = format!("/api/projects/{}/loras", project.as_str().unwrap());
    let of_mara = format!("/api/characters/{whom}/loras");
    let (face, dress) = (house.import(&of_mara, 1).await, house.import(&of_mara, 2).await);
    let (oil, fog) = (house.import(&of_film, 3).await, house.import(&of_film, 4).await);
    let id = |view: &Value| view["lora"]["id"].clone();
    let name = |view: &Value| view["lora"]["file"].as_str().unwrap().to_owned();
    assert!(oil["lora"]["character_id"].is_null() && name(&oil).contains("-style/"), "{oil:#}");
    assert_eq!(get(&house.door, &of_film).await.body["loras"].as_array().unwrap().len(), 2);
    assert_eq!(get(&house.door, &of_mara).await.body["loras"].as_array().unwrap().len(), 2);

    let said = house.say(&id(&dress), json!({ "name": " red  dress ", "instead": true })).await;
    assert_eq!((&said.body["lora"]["name"], &said.body["lora"]["instead"]), (&json!("red dress"), &json!(true)));
    for wrong in [json!({ "name": "a, b" }), json!({ "name": "x".repeat(41) }), json!({ "nam": "x" })] {
        let refused = house.say(&id(&fog), wrong.clone()).await;
        assert_eq!(refused.status / 100, 4, "{wrong}: {}", refused.body);
    }
    assert_eq!(house.say(&id(&fog), json!({ "name": "Fog" })).await.status, 200);
    for one in [&face, &dress, &oil, &fog] {
        house.use_lora(&id(one)).await;
    }

    let (recipes, unknown) = house.film().await;
    let all: Vec<_> = recipes.iter().map(files).collect();
    let (face_file, dress_file, oil_file, fog_file) = (name(&face), name(&dress), name(&oil), name(&fog));
    let wanted = [
        vec![(dress_file.as_str(), 50), (oil_file.as_str(), 80)],
        vec![(oil_file.as_str(), 80), (fog_file.as_str(), 80)],
        vec![(face_file.as_str(), 80), (oil_file.as_str(), 80)],
        vec![(oil_file.as_str(), 80)],
    ];
    assert_eq!(all, wanted, "hers where she is alone, the film's everywhere");
    assert_eq!(unknown, ["hat", "hat", "hat"]);

    // Another one in place of hers changes the pictures that are made with it, and no others.
    let newer = house.import(&of_mara, 6).await;
    house.use_lora(&id(&newer)).await;
    let (after, _) = house.film().await;
    let changed: Vec<usize> = (0..after.len()).filter(|at| recipes[*at] != after[*at]).collect();
    assert_eq!(changed, [2], "where she is alone and nothing stands in for it");
    house.use_lora(&id(&face)).await;
    assert_eq!(house.film().await.0, recipes, "the old one is a call away");

    // Two that stand for the same are never used at once.
    let refused = house.say(&id(&dress), json!({ "name": "" })).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("lora_in_use")), "{}", refused.body);
    let other = house.import(&of_mara, 5).await;
    house.say(&id(&other), json!({ "name": "Red Dress" })).await;
    house.use_lora(&id(&other)).await;
    let list = get(&house.door, &of_mara).await.body;
    let used = list["loras"].as_array().unwrap().iter().filter(|one| one["lora"]["active"] == true);
    let used: Vec<&str> = used.map(|one| one["lora"]["file"].as_str().unwrap()).collect();
    assert_eq!((used.len(), used.contains(&dress_file.as_str())), (2, false), "{list:#}");
    // Whoever is always used is instead of nobody.
    let said = house.say(&id(&face), json!({ "instead": true })).await;
    assert_eq!((said.status, &said.body["lora"]["instead"]), (200, &json!(false)), "{}", said.body);
}
