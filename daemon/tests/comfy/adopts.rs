//! The command line: what a server lacks is seen at how `comfy check` ends, and a graph from elsewhere is a workflow after
//! one command.

use std::{fs, path::Path};

use serde_json::{Value, json};
use studiod::definitions::Definitions;

use crate::{PROGRAM, all_models, fake::Comfy};

/// How the program ended, and what it said on both streams.
async fn run(data: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = tokio::process::Command::new(PROGRAM);
    let settings = data.join("config.toml");
    if !settings.exists() {
        fs::write(&settings, "").unwrap();
    }
    command.arg("--data-dir").arg(data.join("data")).arg("--config").arg(settings).args(args);
    let done = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

#[tokio::test]
async fn a_check_ends_as_what_it_found() {
    let dir = tempfile::tempdir().unwrap();
    let whole = Comfy::start(all_models(&Definitions::shipped())).await;
    let (code, out, err) = run(dir.path(), &["--json", "comfy", "check", &whole.url()]).await;
    let said: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    let lacks = said["servers"][0]["workflows"].as_object().unwrap();
    let lacking: Vec<&String> =
        lacks.iter().filter(|(_, lacks)| !lacks.as_array().unwrap().is_empty()).map(|(name, _)| name).collect();
    assert_eq!(code, if lacking.is_empty() { 0 } else { 6 }, "{lacking:?}");
    assert_eq!(run(dir.path(), &["comfy", "check", &whole.url(), "--workflow", "selftest_image"]).await.0, 0);
    let empty = Comfy::start([]).await;
    let (code, out, _) = run(dir.path(), &["comfy", "check", &empty.url()]).await;
    assert_eq!(code, 6, "files are missing: {out}");
    let (code, out, _) = run(dir.path(), &["comfy", "check", &empty.url(), "--workflow", "sd15_txt2img"]).await;
    assert!(code == 6 && !out.contains("wan21"), "{out}");
    assert_eq!(run(dir.path(), &["comfy", "check", &empty.url(), "--workflow", "selftest_image"]).await.0, 0);
    let (code, _, err) = run(dir.path(), &["comfy", "check", &empty.url(), "--workflow", "sd15_txt2imf"]).await;
    assert!(code == 2 && err.contains("did you mean sd15_txt2img"), "{err}");
    assert_eq!(run(dir.path(), &["comfy", "check", "http://127.0.0.1:9"]).await.0, 1, "nobody is there");
    // A file of the user's own that is not used.
    fs::create_dir_all(dir.path().join("data/workflows")).unwrap();
    fs::write(dir.path().join("data/workflows/own.json"), "{").unwrap();
    assert_eq!(run(dir.path(), &["comfy", "check", &whole.url(), "--workflow", "selftest_image"]).await.0, 3);
}

/// A graph of somebody's with nodes that need no model.
fn graph() -> Value {
    json!({
        "1": { "class_type": "EmptyImage", "inputs": { "width": 512, "height": 288, "batch_size": 1, "color": 5 } },
        "2": { "class_type": "PreviewImage", "inputs": { "images": ["1", 0] } }
    })
}

#[tokio::test]
async fn a_graph_from_elsewhere_works_after_one_command() {
    let dir = tempfile::tempdir().unwrap();
    let comfy = Comfy::start([]).await;
    let file = dir.path().join("Found on a page.json");
    let body = format!("\u{feff}{}", json!({ "prompt": graph(), "client_id": "me" }));
    fs::write(&file, body).unwrap();
    let text = file.to_str().unwrap();
    let (code, out, err) = run(dir.path(), &["--json", "comfy", "adopt", text, "--url", &comfy.url()]).await;
    assert_eq!(code, 0, "{out}{err}");
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&said["workflow"], &said["lacks"]), (&json!("Found_on_a_page"), &json!([])));
    assert!(said["remarks"].to_string().contains("only shows"), "{said}");
    let (code, out, err) = run(dir.path(), &["comfy", "adopt", text]).await;
    assert!(code == 2 && err.contains("is there already"), "{out}{err}");
    assert_eq!(run(dir.path(), &["comfy", "adopt", text, "--force"]).await.0, 0);
    // It is one of the workflows now, and runs.
    let (code, out, _) = run(dir.path(), &["comfy", "check", &comfy.url(), "--workflow", "Found_on_a_page"]).await;
    assert_eq!(code, 0, "{out}");
    let made = dir.path().join("made");
    let (code, out, err) = run(
        dir.path(),
        &[
            "comfy",
            "run",
            "Found_on_a_page",
            "--url",
            &comfy.url(),
            "--set",
            "width=256",
            "--out",
            made.to_str().unwrap(),
        ],
    )
    .await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(fs::read_dir(&made).unwrap().count() > 0);
}

#[tokio::test]
async fn what_cannot_be_adopted_is_said_in_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let own = |name: &str, bytes: &[u8]| {
        let file = dir.path().join(name);
        fs::write(&file, bytes).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let editor = own("editor.json", json!({ "nodes": [], "links": [], "version": 0.4 }).to_string().as_bytes());
    let wide: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (broken, wide) = (own("broken.json", b"{"), own("wide.json", &wide));
    for (file, said) in [
        (editor.as_str(), "choose Workflow > Export (API)"),
        (broken.as_str(), "is not JSON"),
        (wide.as_str(), "it is text in UTF-16; save it as UTF-8"),
        ("/nowhere.json", "cannot be read"),
    ] {
        let (code, out, err) = run(dir.path(), &["comfy", "adopt", file]).await;
        assert!(code == 3 && err.contains(said) && err.trim().lines().count() == 1, "{file}: {out}{err}");
    }
    assert!(!dir.path().join("data/workflows/editor.json").exists(), "nothing is left");
}
