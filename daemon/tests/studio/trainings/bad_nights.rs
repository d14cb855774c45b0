//! Bad nights: cards that stay full, clocks that jump, characters that are removed, and people who change their minds.

use std::{path::Path, process::Command};

use serde_json::{Value, json};
use studiod::store;

use super::{House, quick};
use crate::{
    api::PATIENCE,
    bench::{JSON, ask, get},
};

impl House {
    /// What the trainer does wrong from now on.
    fn trainer_does(&self, switches: &Value) {
        let folder = self.folder.path().join("checkout");
        let (part, path) = (folder.join("switches.part"), folder.join("switches.json"));
        std::fs::write(&part, switches.to_string()).unwrap();
        std::fs::rename(part, path).unwrap();
    }
}

/// Waits for a file that another process writes.
async fn written(path: &Path) {
    let look = async {
        while !path.exists() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, look).await.is_ok(), "nobody writes {}", path.display());
}

#[tokio::test]
async fn a_card_that_stays_full_is_given_up_once_everything_was_tried() {
    let house = House::new().await;
    house.trainer_does(&json!({ "OOM_UNLESS": "nothing could say this" }));
    let mara = house.approved("Mara", 12).await;
    let begun = house.start(mara, quick()).await;
    let id = begun.body["training"]["id"].as_str().unwrap().to_owned();
    let kept = house.kept();
    let view = house.until_state(&id, "failed").await;
    let fault = &view["training"]["fault"];
    assert!(view["said"].as_str().unwrap().contains("memory"), "{} {fault:#}", view["said"]);
    assert_eq!(view["epochs"], json!([]));
    // Each rung once, and then no more.
    let trainer = &house.trainings.datasets.making.shelf.now().trainers["sd-scripts"];
    let calls = std::fs::read_to_string(house.folder.path().join("runs").join(&id).join("log.txt")).unwrap_or_default();
    let begun = calls.matches("running training").count();
    assert!(begun <= trainer.relief.len() + 3, "{begun} of {} rungs", trainer.relief.len());
    // Somebody else gives the card back: the same may be tried once more.
    house.trainer_does(&json!({}));
    let again = house.start(mara, quick()).await;
    assert_eq!(again.status, 201, "{}", again.body);
    house.until_state(again.body["training"]["id"].as_str().unwrap(), "done").await;
    kept.end().await;
}

#[tokio::test]
async fn a_clock_that_jumps_costs_no_epoch_and_sweeps_nothing() {
    let house = House::new().await;
    let mara = house.approved("Mara", 12).await;
    let begun = house.start(mara, quick()).await;
    let id = begun.body["training"]["id"].as_str().unwrap().to_owned();
    let kept = house.kept();
    for (epoch, jump) in [(1, -86_400_000), (2, 3 * 86_400_000), (3, -2 * 86_400_000)] {
        house.until(&id, |view| view["done"].as_u64() >= Some(epoch)).await;
        house.studio.clock().advance(jump);
        house.trainings.sweep().await;
    }
    let view = house.until_state(&id, "done").await;
    let epochs = view["epochs"].as_array().unwrap();
    let numbers: Vec<u64> = epochs.iter().map(|one| one["epoch"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert!(epochs.iter().all(|one| one["report"]["from_weights"] != json!(true)), "its states stayed");
    kept.end().await;
}

#[tokio::test]
async fn nothing_is_left_of_a_run_whose_project_is_removed() {
    let house = House::new().await;
    let marks = house.folder.path().join("marks");
    std::fs::create_dir(&marks).unwrap();
    house.trainer_does(&json!({ "HANG_AT": "2", "MARKS": marks }));
    let mara = house.approved("Mara", 12).await;
    let begun = house.start(mara, quick()).await;
    let id = begun.body["training"]["id"].as_str().unwrap().to_owned();
    let kept = house.kept();
    written(&marks.join("hanging")).await;
    let project = get(&house.door, "/api/projects").await.body["projects"][0]["project"]["id"].clone();
    let gone = house.call("DELETE", &format!("/api/projects/{}", project.as_str().unwrap()), Value::Null).await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    let pid = house.folder.path().join("runs").join(&id).join("pid");
    let ended = async {
        while pid.exists() || !store::tasks::unfinished(&house.studio.context.db).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, ended).await.is_ok(), "its trainer, or a task of it, is still there");
    let checkout = house.folder.path().join("checkout").canonicalize().unwrap();
    let left = Command::new("pgrep").args(["-f", checkout.to_str().unwrap()]).output();
    assert!(left.is_ok_and(|left| left.stdout.is_empty()), "a process is left");
    assert_eq!(get(&house.door, &format!("/api/trainings/{id}")).await.status, 404);
    assert!(house.loras().is_empty(), "{:?}", house.loras());
    kept.end().await;
    house.studio.until_nothing_runs().await;
    house.studio.assert_settled().await;
}

#[tokio::test]
async fn a_run_can_wait_with_films_or_step_aside_and_who_is_ready_is_listed() {
    let house = House::new().await;
    let few = house.approved("Ben", 3).await;
    let mara = house.approved("Mara", 12).await;
    let ready = get(&house.door, "/api/trainings/candidates").await.body["candidates"].clone();
    let names: Vec<&str> = ready.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Mara", "Ben"], "who is ready comes first");
    assert_eq!((&ready[0]["readiness"]["ready"], &ready[1]["readiness"]["ready"]), (&json!(true), &json!(false)));
    assert!(ready[0]["lora"].is_null() && ready[0]["run"].is_null() && ready[1]["character"] == json!(few));

    let resting = house.call("POST", "/api/fleet/pause", json!({ "scope": { "what": "studio" } })).await;
    assert!(resting.status < 300, "{}", resting.body);
    let mut body = quick();
    body["samples"] = json!(false);
    let begun = house.start(mara, body).await;
    let id = begun.body["training"]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&begun.body["training"]["class"], &begun.body["training"]["samples"]),
        (&json!("background"), &json!(false))
    );
    house.trainings.look_after_all().await.unwrap();
    let aside = store::fleet::steered(&house.studio.context.db).await.unwrap().classes;
    assert_eq!(aside.len(), 1, "{aside:?}");
    let path = format!("/api/trainings/{id}");
    let said = ask(&house.door, "PATCH", &path, &[JSON], json!({ "class": "production" }).to_string()).await;
    assert_eq!((said.status, &said.body["training"]["class"]), (200, &json!("production")), "{}", said.body);
    // The slice that waits already does so with films, too.
    assert!(said.body["task"].is_string(), "{}", said.body);
    let classes = store::fleet::steered(&house.studio.context.db).await.unwrap().classes;
    assert!(classes.is_empty(), "it waits as films do: {classes:?}");
    for wrong in [json!({ "class": "soon" }), json!({})] {
        let refused = ask(&house.door, "PATCH", &path, &[JSON], wrong.to_string()).await;
        assert_eq!(refused.status / 100, 4, "{}", refused.body);
    }
    let listed = get(&house.door, "/api/trainings/candidates").await.body["candidates"].clone();
    assert_eq!(listed[0]["run"], json!(id));
    house.call("POST", &format!("{path}/cancel"), Value::Null).await;
    let over = ask(&house.door, "PATCH", &path, &[JSON], json!({ "class": "background" }).to_string()).await;
    assert_eq!((over.status, &over.body["code"]), (409, &json!("training_over")), "{}", over.body);
}
