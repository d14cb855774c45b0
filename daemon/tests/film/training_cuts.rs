//! Power cuts while a LoRA is trained: the real program, again and again, from the first slice to the LoRA that films use.

use std::{collections::BTreeSet, fs, time::Duration};

use serde_json::Value;

use crate::{
    comfy::Comfy,
    fakes::ollama::Ollama,
    second::Service,
    studio::{block, until},
    trainers::{is_at_work, trainer_of},
};

const EPOCHS: u64 = 6;
/// Power cuts, each so many milliseconds after something was to be seen of the run.
const CUTS: [u64; 14] = [0, 40, 0, 130, 10, 0, 250, 60, 0, 400, 20, 90, 0, 180];

/// What the page is told of the run.
fn run(service: &Service, id: &str) -> Value {
    let (status, text) = service.get(&format!("/api/trainings/{id}"));
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn state(view: &Value) -> &str {
    view["training"]["state"].as_str().unwrap()
}

fn pass(moment: u64) {
    block(async { tokio::time::sleep(Duration::from_millis(moment)).await });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_at_any_moment_of_a_training_loses_a_slice_and_no_more() {
    let comfy = Comfy::start(["v1-5-pruned-emaonly-fp16.safetensors".to_owned()]).await;
    let judge = Ollama::start().await;
    judge.answers(|_, _| "no JSON".into());
    let (url, eyes) = (comfy.url(), judge.served.url());
    tokio::task::spawn_blocking(move || cut(&url, &eyes)).await.unwrap();
    drop((comfy, judge));
}

fn cut(comfy: &str, judge: &str) {
    let studio = trainer_of(&[("STEP_MS", "2"), ("EPOCH_MS", "30")], comfy);
    let more = format!("[ollama]\nurl = \"{judge}\"\nvision = \"gemma3:12b\"\n");
    let settings = fs::read_to_string(studio.path("config.toml")).unwrap();
    fs::write(studio.path("config.toml"), settings + &more).unwrap();
    let mut service = Service::start(&studio);
    let set = format!("epochs={EPOCHS}");
    let said = studio.run(["--json", "train", "start", "mara", "--set", set.as_str()]).ended(0).json();
    let id = said["training"]["id"].as_str().expect("it is begun").to_owned();
    let mut done = 0;
    for moment in CUTS {
        // Something has to happen between two cuts, or the run would stand still for ever.
        let view = until("the run to go on", || {
            let view = run(&service, &id);
            let on = state(&view) != "training" || view["slice_done"].as_f64() > Some(0.0);
            (on || view["done"].as_u64() > Some(done)).then_some(view)
        });
        done = view["done"].as_u64().unwrap();
        pass(moment);
        service.running.cut();
        service = Service::start(&studio);
    }
    let view = until("a person to be asked", || Some(run(&service, &id)).filter(|view| state(view) == "needs_person"));
    let epochs = view["epochs"].as_array().unwrap();
    let numbers: Vec<u64> = epochs.iter().map(|one| one["epoch"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=EPOCHS).collect::<Vec<_>>(), "each once");
    // Whatever was cut off, the next one went on from the state of the epoch before.
    assert!(epochs.iter().all(|one| one["report"]["from_weights"] != true), "{epochs:#?}");
    let attempts: BTreeSet<&str> = epochs.iter().map(|one| one["attempt_id"].as_str().unwrap()).collect();
    assert_eq!(attempts.len() as u64, EPOCHS);
    let calls = fs::read_dir(studio.path("marks")).unwrap().flatten();
    let calls = calls.filter(|one| one.file_name().to_string_lossy().starts_with("argv-")).count();
    assert!(
        calls as u64 <= EPOCHS + CUTS.len() as u64,
        "{calls} calls: a slice is begun once more at most for each cut"
    );
    // Each picture that compares them was asked for once.
    let probes = view["probes"].as_array().unwrap();
    let asked: BTreeSet<String> = probes.iter().map(|one| format!("{} {}", one["contender"], one["case"])).collect();
    assert_eq!(asked.len(), probes.len(), "{probes:#?}");
    studio.run(["train", "choose", &id, "4"]).ended(0);
    let view = run(&service, &id);
    assert_eq!((state(&view), &view["training"]["choice"]["epoch"]), ("done", &4.into()));
    service.stop();
    let placed: Vec<_> = walkdir::WalkDir::new(studio.path("loras")).into_iter().flatten().collect();
    let placed: Vec<_> =
        placed.iter().filter(|one| one.file_type().is_file()).map(walkdir::DirEntry::file_name).collect();
    assert!(placed.len() == 1 && placed[0].to_string_lossy().ends_with("-e4.safetensors"), "{placed:?}");
    assert!(!is_at_work(&studio.path("checkout")), "no trainer is left");
    let checked = studio.run(["check", "--deep"]);
    assert!(checked.out.contains("every row fits the others"), "{}", checked.out);
}
