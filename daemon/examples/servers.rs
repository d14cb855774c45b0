//! ComfyUI, Ollama and a speech server as the tests of the daemon have them, for the tests of the page: servers that
//! speak the real protocols and need no card. Never part of the program.
//!
//! Their addresses go to standard output as one line of JSON. A line on standard input acts on ComfyUI: `hold` lets
//! the next pictures stop half-way, `go` lets them end, `loras FOLDER` gives it the LoRAs of a folder. Everything ends when standard input does.

#[path = "../tests/support/comfy/mod.rs"]
mod comfy;
#[path = "../tests/support/servers/mod.rs"]
mod servers;

use serde_json::{Value, json};
use studiod::definitions::Definitions;

/// Every file a shipped workflow or model names.
fn models() -> Vec<String> {
    let definitions = Definitions::shipped();
    let nodes = definitions.workflows.values().flat_map(|flow| flow.graph.values().cloned().collect::<Vec<_>>());
    let inputs = nodes.flat_map(|node| node["inputs"].as_object().cloned().unwrap_or_default());
    let words = inputs.filter_map(|(_, value)| value.as_str().map(str::to_owned));
    words.chain(definitions.catalogue.models.values().flat_map(|model| model.files.values().cloned())).collect()
}

/// A story of three scenes, for who asks for one.
fn story() -> Value {
    let shot = json!({ "shot_type": "wide", "description": "A lamp burns in a window.", "motion": "push-in",
        "duration_seconds": 3, "dialogue_character": "", "dialogue_text": "" });
    let scene = |place: &str| {
        json!({ "title": "The lamp", "setting": "exterior", "location": place, "time_of_day": "night", "mood": "calm",
            "description": "Somebody waits.", "shots": [shot, shot] })
    };
    json!({ "title": "Two Lamps", "logline": "Somebody waits.", "characters": [],
        "scenes": [scene("Garden"), scene("Street"), scene("Garden")] })
}

#[tokio::main]
async fn main() {
    let comfy = comfy::Comfy::start(models()).await;
    let ollama = servers::ollama::Ollama::start().await;
    ollama.answers(|_, _| story().to_string());
    let speech = servers::speech::Speech::start().await;
    println!("{}", json!({ "comfy": comfy.url(), "ollama": ollama.served.url(), "speech": speech.served.url() }));
    // The servers have threads of their own.
    for line in std::io::stdin().lines().map_while(Result::ok) {
        match line.trim() {
            "hold" => comfy.hold(true),
            "go" => comfy.hold(false),
            other => match other.strip_prefix("loras ") {
                Some(folder) => comfy.loras(folder.into()),
                None => eprintln!("'{other}' is neither hold nor go, nor names a folder of loras"),
            },
        }
    }
}
