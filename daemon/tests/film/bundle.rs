//! The report for somebody who mends a fault: what is in it, and what must never be.

use std::{collections::BTreeMap, fs, io::Read};

use studio_core::{
    access::{Scope, Token},
    ids::TokenId,
    units::Millis,
};
use studiod::store::{self, Db};

use crate::studio::{Studio, block};

/// The files of a bundle by name.
fn unpack(studio: &Studio) -> BTreeMap<String, String> {
    let file = fs::File::open(studio.path("report.tar")).expect("there is a bundle");
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(file).entries().expect("it is a tar file") {
        let mut entry = entry.expect("it is whole");
        let name = entry.path().expect("it has a name").display().to_string();
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("it is text");
        files.insert(name.strip_prefix("studiod-bundle/").expect("all in one folder").to_owned(), text);
    }
    files
}

/// Plants a token, and an event with something a person wrote.
fn plant(studio: &Studio) {
    let db = format!("sqlite:{}", studio.data().join("studio.db").display());
    block(async {
        let db = Db::open(&db).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let token = Token {
            id: TokenId(uuid::Uuid::from_u128(7)),
            name: "grandmas-tablet".into(),
            scopes: [Scope::Read].into(),
            project: None,
            created: Millis(1),
            expires: None,
            revoked: None,
            used: None,
        };
        store::access::insert(&mut tx, &token).await.unwrap();
        let body = serde_json::json!({ "title": "The Unannounced Premiere", "slot": "film", "why": "card full" });
        store::events::append(&mut tx, studio_core::journal::EventKind::TaskFailed, "t-1", &body, Millis(2))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        db.close().await;
    });
}

#[test]
fn a_report_says_what_is_needed_and_no_secret_that_was_planted() {
    let studio = Studio::new();
    fs::write(studio.path("planted-key-file"), "sk-planted-in-a-file\n").unwrap();
    studio.settings(&format!(
        "[openai]\nurl = \"http://planted-user:planted-password@127.0.0.1:9/\"\nvision = \"eyes\"\nkey = {{ file = \"{}\" }}\n\
         [[comfy]]\nname = \"nvidia0\"\nurl = \"http://127.0.0.1:9\"\nrestart_command = [\"ssh\", \"planted-argument\"]\n",
        studio.path("planted-key-file").display()
    ));
    let mut first = studio.run(["check", "--bundle", studio.path("first.tar").to_str().unwrap()]);
    assert_eq!(first.code, Some(6), "a ComfyUI that is not there is to mend: {first:?}");
    plant(&studio);
    first = studio.run(["check", "--bundle", studio.path("report.tar").to_str().unwrap()]);
    assert_eq!(first.code, Some(6), "{first:?}");
    let files = unpack(&studio);
    let json = |name: &str| -> serde_json::Value { serde_json::from_str(&files[name]).expect("it is JSON") };
    assert!(json("check.json").as_array().unwrap().iter().any(|line| line["what"] == "GStreamer"), "{files:#?}");
    assert_eq!(json("versions.json")["studiod"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&json("tables.json")["rows"]["tokens"], &json("tables.json")["database"]),
        (&1.into(), &"sqlite".into())
    );
    let event = files["events.jsonl"].lines().last().expect("the planted one");
    assert!(event.contains("card full") && event.contains("task.failed") && event.contains("\"film\""), "{event}");
    assert!(files["settings.toml"].contains("nvidia0") && files["settings.toml"].contains("[removed]"), "{files:#?}");
    assert!(files.contains_key("log.txt") && files.contains_key("README.txt"), "{:?}", files.keys());

    let key = fs::read(studio.data().join("studiod.key")).unwrap_or_default();
    let raw = fs::read(studio.path("report.tar")).unwrap();
    assert!(key.is_empty() || !raw.windows(key.len()).any(|window| window == key), "the key that signs tokens");
    for planted in [
        "sk-planted-in-a-file",
        "planted-password",
        "planted-user",
        "planted-argument",
        "planted-key-file",
        "grandmas-tablet",
        "Unannounced Premiere",
    ] {
        assert!(!raw.windows(planted.len()).any(|window| window == planted.as_bytes()), "{planted} is in {files:#?}");
    }

    let again = studio.run(["check", "--bundle", studio.path("report.tar").to_str().unwrap()]);
    assert!(again.code != Some(6) && again.err.contains("report.tar"), "nothing is written over: {again:?}");
}

#[test]
fn settings_that_cannot_be_read_still_make_a_report_without_what_stands_in_them() {
    let studio = Studio::new();
    studio.settings("[openai]\nurl = \"http://127.0.0.1:9\"\nkey = sk-planted-bare\n");
    studio.run(["check", "--bundle", studio.path("report.tar").to_str().unwrap()]).ended(6);
    let files = unpack(&studio);
    assert!(files["check.json"].contains("settings") || files["check.json"].contains("data"), "{files:#?}");
    assert!(files.values().all(|text| !text.contains("sk-planted-bare")), "{files:#?}");
    assert!(!files.contains_key("tables.json"), "there was no database to open");
}
