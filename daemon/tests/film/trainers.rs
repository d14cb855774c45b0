//! Trainers with the real program: a service that is killed leaves its trainer running, and the next one ends it.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use studio_core::{ids::TrainingId, training::TrainingState, units::Millis};
use studiod::store::{self, Db};

use crate::{
    second::Service,
    studio::{Studio, block, until},
};

const PLAY: &str = "Title: A Face\n\nINT. STUDIO - DAY\n\nMara looks up.\n\nMARA\nThis is me.\n";

/// A studio that has a dataset of Mara, a ComfyUI at an address, and a trainer that does as the switches of the fake say.
pub fn trainer_of(switches: &[(&str, &str)], comfy: &str) -> Studio {
    let studio = Studio::new();
    let small = "[datasets]\nsize = \"256x320\"\n";
    studio.settings(small);
    let play = studio.write("play.fountain", PLAY);
    studio.make(&play);
    studio.run(["dataset", "set", "mara", "target=10", "daily=100", "cooldown_s=0"]).ended(0);
    studio.run(["dataset", "fill", "mara"]).ended(0);
    let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake_trainer/train_network.py");
    for name in ["checkout/train_network.py", "checkout/sdxl_train_network.py"] {
        fs::create_dir_all(studio.path("checkout/library")).unwrap();
        studio.write(name, fs::read(&fake).unwrap());
    }
    studio.write("checkout/library/train_util.py", "");
    fs::create_dir_all(studio.path("tokenizers/openai_clip-vit-large-patch14")).unwrap();
    for name in ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"] {
        studio.write(&format!("tokenizers/openai_clip-vit-large-patch14/{name}"), "{}");
    }
    for folder in ["loras", "marks"] {
        fs::create_dir_all(studio.path(folder)).unwrap();
    }
    studio.write("base.safetensors", "base weights");
    let text = include_str!("../../../trainers/sd-scripts.toml");
    let marks = studio.path("marks").display().to_string();
    let mut environment = format!("[environment]\nFAKE_TRAINER_MARKS = \"{marks}\"\n");
    for (name, value) in switches {
        let _ = writeln!(environment, "FAKE_TRAINER_{name} = \"{value}\"");
    }
    fs::create_dir_all(studio.data().join("trainers")).unwrap();
    fs::write(studio.data().join("trainers/fake.toml"), text.replacen("[environment]\n", &environment, 1)).unwrap();
    let folder = studio.path("");
    let at = folder.display();
    studio.settings(&format!(
        "{small}[[comfy]]\nname = \"one\"\nurl = \"{comfy}\"\n\
         [models]\nstills = \"sd15\"\nloras = \"{at}/loras\"\n\
         [training]\ntrainer = \"fake\"\n\
         [training.paths]\ncheckout = \"{at}/checkout\"\npython = \"python3\"\ntokenizers = \"{at}/tokenizers\"\n\
         [training.bases]\nsd15 = \"{at}/base.safetensors\"\n"
    ));
    studio
}

/// The trainer that works for a run, once there is one that is not `before`.
fn trainer(studio: &Studio, id: &str, before: Option<i64>) -> i64 {
    let file = studio.data().join("trainings").join(id).join("pid");
    until("a trainer to be at work", || {
        let known: Value = serde_json::from_str(&fs::read_to_string(&file).ok()?).ok()?;
        known["pid"].as_i64().filter(|pid| Some(*pid) != before && runs_in(*pid, &studio.path("checkout")))
    })
}

/// Whether a process is there and runs in a folder.
fn runs_in(pid: i64, folder: &Path) -> bool {
    let folder: PathBuf = folder.canonicalize().unwrap();
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder)
}

/// Whether any process runs in a folder.
pub fn is_at_work(folder: &Path) -> bool {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.into_iter().any(|pid| runs_in(pid, folder))
}

#[test]
fn a_trainer_that_a_killed_service_left_is_ended_by_the_next_one() {
    let studio = trainer_of(&[("SILENT", "1")], "http://127.0.0.1:9");
    let mut service = Service::start(&studio);
    let said = studio.run(["--json", "train", "start", "mara"]).ended(0).json();
    let id = said["training"]["id"].as_str().expect("it is begun").to_owned();
    let checkout = studio.path("checkout");
    let first = trainer(&studio, &id, None);
    service.running.cut();
    assert!(runs_in(first, &checkout), "it is a group of its own, which nobody has killed");
    // The run goes on, with another one.
    let mut service = Service::start(&studio);
    let second = trainer(&studio, &id, Some(first));
    assert!(!runs_in(first, &checkout), "the first has given the card back before");
    service.running.cut();
    assert!(runs_in(second, &checkout));
    // By the time somebody looks again, the run is over.
    block(async {
        let db = Db::open(&format!("sqlite:{}", studio.data().join("studio.db").display())).await.unwrap();
        let run: TrainingId = id.parse().unwrap();
        let (from, to) = ([TrainingState::Training], TrainingState::Cancelled);
        let mut tx = db.begin().await.unwrap();
        assert!(store::trainings::set_state(&mut tx, run, &from, to, (None, None), Millis(1)).await.unwrap());
        tx.commit().await.unwrap();
    });
    let service = Service::start(&studio);
    until("nothing to run for a run that is over", || {
        let pid = fs::read_to_string(studio.data().join("trainings").join(&id).join("pid"));
        (!runs_in(second, &checkout) && pid.is_err()).then_some(())
    });
    service.stop();
    // No ComfyUI answers at the address of the settings, which is all that is to be mended.
    let checked = studio.run(["check", "--deep"]).ended(6);
    assert!(checked.out.contains("every row fits the others") && checked.out.contains("1 to mend"), "{}", checked.out);
}
