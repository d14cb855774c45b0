//! Byte order marks: whatever people's editors put before a text, it is read as without it; UTF-16 is called that.

use std::{fs, path::Path};

use serde_json::{Value, json};
use studiod::{
    config::{Config, Format, Secret},
    definitions::{Definitions, Places},
};

use crate::{
    bench::{JSON, PATCH, ask, door},
    studio::Studio,
};

/// Text as an editor on Windows saves it, and as one saves it that counts in two bytes.
fn marked(text: &str) -> Vec<u8> {
    ["\u{feff}".as_bytes(), text.as_bytes()].concat()
}

fn wide(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// What reads a file, and what it says when it cannot.
type Reading = fn(&Path) -> Result<(), String>;

#[test]
fn files_of_every_kind_are_read_without_their_marks() {
    let readings: [(&str, &str, Reading); 4] = [
        ("settings", "[film]\nsize = \"640x360\"\n", |path| {
            Config::read(Some(path)).map(drop).map_err(|why| why.to_string())
        }),
        ("format", "size = \"640x360\"\nfps = 25\nburn_in = false\n", |path| {
            Format::named(path.to_str().unwrap()).map(drop).map_err(|why| why.to_string())
        }),
        ("secret", "a key\n", |path| {
            let key = Secret::File(path.to_owned()).read()?;
            if key == "a key" { Ok(()) } else { Err(format!("{key:?}")) }
        }),
        ("models", "[models]\n", |path| {
            let places = Places { models: Some(path.to_owned()), ..Places::default() };
            Definitions::read(&places, &Definitions::shipped()).refused.into_iter().next().map_or(Ok(()), Err)
        }),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (what, text, read) in readings {
        let path = dir.path().join(format!("{what}.toml"));
        fs::write(&path, text).unwrap();
        assert_eq!(read(&path), Ok(()), "{what} as it is");
        fs::write(&path, marked(text)).unwrap();
        assert_eq!(read(&path), Ok(()), "{what} with a mark");
        fs::write(&path, wide("text")).unwrap();
        let why = read(&path).unwrap_err();
        assert!(why.contains("it is text in UTF-16; save it as UTF-8"), "{what}: {why}");
    }
}

#[test]
fn workflows_are_read_without_their_marks() {
    let dir = tempfile::tempdir().unwrap();
    let places = Places { workflows: Some(dir.path().to_owned()), ..Places::default() };
    let graph = json!({ "9": { "class_type": "SaveImage", "inputs": { "filename_prefix": "x" } } }).to_string();
    let about = "title = \"t\"\ndoes = [\"t2i\"]\n[[outputs]]\nnode = \"9\"\nkind = \"image\"\n[slots.prefix]\nto = [\"9.filename_prefix\"]\nkind = \"text\"\nrequired = true\n";
    fs::write(dir.path().join("own.json"), marked(&graph)).unwrap();
    fs::write(dir.path().join("own.toml"), marked(about)).unwrap();
    let read = || Definitions::read(&places, &Definitions::default());
    assert!(read().workflows.contains_key("own"), "{:?}", read().refused);
    // The body of a request, as ComfyUI's examples post it.
    fs::write(dir.path().join("own.json"), marked(&format!("{{\"prompt\": {graph}}}"))).unwrap();
    assert!(read().workflows.contains_key("own"), "{:?}", read().refused);
    fs::write(dir.path().join("own.json"), wide(&graph)).unwrap();
    assert!(
        read().refused.iter().any(|why| why.contains("own.json") && why.contains("UTF-16")),
        "{:?}",
        read().refused
    );
}

#[tokio::test]
async fn bodies_are_read_without_their_marks() {
    let studio = Studio::open().await;
    let door = door(&studio);
    let new = json!({ "title": "Sea" }).to_string();
    let made = ask(&door, "POST", "/api/projects", &[JSON], marked(&new)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.body["project"]["id"].as_str().unwrap();
    let path = format!("/api/projects/{id}");
    let changed = ask(&door, "PATCH", &path, &[PATCH], marked(&json!({ "title": "Sea 2" }).to_string())).await;
    assert_eq!((changed.status, &changed.body["project"]["title"]), (200, &Value::from("Sea 2")), "{}", changed.body);
    let refused = ask(&door, "POST", "/api/projects", &[JSON], wide(&new)).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body["detail"].as_str().unwrap().contains("UTF-16"), "{}", refused.body);
    let odd = ask(&door, "POST", "/api/projects", &[JSON], "{").await;
    assert_eq!(odd.status, 400, "short bodies come through");
}
