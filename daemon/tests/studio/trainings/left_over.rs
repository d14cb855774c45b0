//! What runs and the library leave behind: it is swept as far as the studio knows it to be its own, and nothing else is touched.

use std::{
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command},
};

use serde_json::{Value, json};
use studio_core::{
    asset::AssetRef,
    ids::{CharacterId, ContentHash, LoraId, ProbeId, ProjectId, TrainingId},
    lora::{Architecture, KeptLora},
    media::MediaFacts,
    model::Lora,
    production::{CharacterCast, FilmRemark, ModelCast, ModelChoice},
    training::{Contender, Probe, ProbeState, SliceReport, TrainedEpoch, TrainingState},
    units::Millis,
};
use studio_engine::asset_path;
use studiod::{
    app::producing::{self, Screenplay},
    conductor::{Defaults, ProduceOptions},
    store::{self, assets::Asset},
};
use uuid::Uuid;

use super::{House, from_outside::lora_file, quick};
use crate::{
    bench::{PATCH, ask, get},
    datasets::mara,
    plans::{TWO_ROOMS, produce},
    studio::Studio,
};

/// Runs a write to its commit.
macro_rules! write {
    ($house:expr, |$tx:ident| $body:expr) => {{
        let mut open = $house.studio.context.db.begin().await.unwrap();
        let done = {
            let $tx = &mut open;
            $body.await.unwrap()
        };
        open.commit().await.unwrap();
        done
    }};
}

fn put(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// A process in a group of its own that a trainer's file names, as it was begun or as somebody else.
fn left_running(folder: &Path, is_it: bool) -> Child {
    let left = Command::new("python3").args(["-c", "import time; time.sleep(3600)"]).process_group(0).spawn().unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", left.id())).unwrap();
    let started = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().to_owned();
    let started = if is_it { started.as_str() } else { "1" };
    put(&folder.join("pid"), format!(r#"{{"pid":{},"started":{started}}}"#, left.id()).as_bytes());
    left
}

impl House {
    /// A run that was asked for and stopped before anything was made of it.
    async fn stopped(&self, of: CharacterId) -> TrainingId {
        let begun = self.start(of, quick()).await;
        assert_eq!(begun.status, 201, "{}", begun.body);
        let id = begun.body["training"]["id"].as_str().unwrap();
        let said = self.call("POST", &format!("/api/trainings/{id}/cancel"), Value::Null).await;
        assert_eq!(said.status, 200, "{}", said.body);
        id.parse().unwrap()
    }

    /// A file that was sent as a LoRA of somebody; its place in ComfyUI's folder.
    async fn imported(&self, of: CharacterId, more: &[u8]) -> (LoraId, PathBuf) {
        let mut file = lora_file();
        let last = file.len() - more.len();
        file[last..].copy_from_slice(more);
        let path = format!("/api/characters/{of}/loras?name=a.safetensors");
        let sent = ask(&self.door, "POST", &path, &[], file).await;
        assert_eq!(sent.status, 201, "{}", sent.body);
        let lora = &sent.body["lora"];
        let name = lora["file"].as_str().unwrap();
        (lora["id"].as_str().unwrap().parse().unwrap(), self.folder.path().join("loras").join(name))
    }

    async fn placed(&self) -> usize {
        store::placed_loras::all(&self.studio.context.db).await.unwrap().len()
    }
}

#[tokio::test]
async fn folders_of_runs_are_swept_when_the_run_is_over_or_gone() {
    let house = House::new().await;
    let home = house.studio.context.data.trainings();
    let (over, open) = (house.approved("Mara", 12).await, house.approved("Ben", 12).await);
    let over = house.stopped(over).await;
    let open = house.start(open, quick()).await.body["training"]["id"].as_str().unwrap().to_owned();
    let gone = TrainingId(Uuid::from_u128(99));
    let folder = |id: &dyn ToString| home.join(id.to_string());
    let files = ["kept/000001.safetensors", "kept/000001-state/a", "out/a", "data/r01/000001.png", "run", "log.txt"];
    for name in files {
        for id in [&over as &dyn ToString, &open, &gone] {
            put(&folder(id).join(name), b"x");
        }
    }
    put(&home.join("notes/mine.txt"), b"mine");
    std::os::unix::fs::symlink(home.join("notes"), home.join(Uuid::from_u128(98).to_string())).unwrap();
    // What an earlier studio left running of both, and somebody who has the number of such a one by now.
    let mut left = [left_running(&folder(&over), true), left_running(&folder(&gone), true)];
    let other = TrainingId(Uuid::from_u128(97));
    let mut stranger = left_running(&folder(&other), false);
    // What was written into a moment ago stays: the database may be another than yesterday.
    house.trainings.sweep().await;
    assert!(folder(&gone).exists() && folder(&other).exists());
    for id in [&gone, &other] {
        let all = std::fs::read_dir(folder(id)).unwrap().map(|entry| entry.unwrap().path()).chain([folder(id)]);
        for path in all.collect::<Vec<_>>() {
            std::fs::File::open(path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        }
    }
    house.studio.clock().advance(8 * 86_400_000);
    house.trainings.sweep().await;
    for one in &mut left {
        assert_eq!(one.wait().unwrap().signal(), Some(9));
    }
    assert!(stranger.try_wait().unwrap().is_none(), "a stranger is left alone");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    let there = |id: &dyn ToString, name: &str| folder(id).join(name).exists();
    assert!(!folder(&gone).exists() && !folder(&other).exists());
    assert!(files.iter().all(|name| there(&open, name)), "one that goes on needs all of it");
    assert!(home.join("notes/mine.txt").exists(), "what is no run's is somebody's own");
    for (name, stays) in files.into_iter().zip([true, true, false, false, false, true]) {
        assert_eq!(there(&over, name), stays, "{name}: its only epoch is nowhere else");
    }
    // Once the epoch is kept, nothing but what the trainer said is needed.
    let weights = AssetRef { hash: ContentHash::of(b"x"), ext: "safetensors".into() };
    put(&asset_path(&house.studio.context.data.assets(), &weights), b"x");
    let epoch = TrainedEpoch {
        training_id: over,
        epoch: 1,
        weights: weights.clone(),
        bytes: 1,
        report: SliceReport::default(),
        attempt_id: None,
        created: Millis(1),
    };
    let asset = Asset {
        file: weights,
        bytes: 1,
        facts: MediaFacts::Other,
        attempt_id: None,
        inputs: Vec::new(),
        created: Millis(1),
        missing: false,
    };
    write!(house, |tx| store::assets::insert(tx, &asset));
    write!(house, |tx| store::trainings::insert_epoch(tx, &epoch));
    house.trainings.sweep().await;
    assert!(!there(&over, "kept") && there(&over, "log.txt"));
}

#[tokio::test]
async fn only_loras_that_the_studio_wrote_leave_the_folder() {
    let house = House::new().await;
    let mara = mara(&house.studio, "Mara").await;
    let (id, file) = house.imported(mara, b"a").await;
    let mine = file.with_file_name("mine.safetensors");
    put(&mine, b"mine");
    // A copy that broke off.
    let part = file.with_extension("safetensors.part");
    put(&part, b"half");
    house.trainings.sweep().await;
    assert!(file.exists() && !part.exists() && house.placed().await == 1, "the library has it");
    // As when its project is removed.
    write!(house, |tx| store::loras::remove(tx, id));
    // A disk that is not mounted is waited for.
    let (loras, aside) = (house.folder.path().join("loras"), house.folder.path().join("aside"));
    std::fs::rename(&loras, &aside).unwrap();
    house.trainings.sweep().await;
    std::fs::rename(&aside, &loras).unwrap();
    assert_eq!(house.placed().await, 1);
    house.trainings.sweep().await;
    assert!(!file.exists() && mine.exists());
    assert_eq!(house.placed().await, 0);

    // Another file took its place: it is somebody's own.
    let (id, file) = house.imported(mara, b"b").await;
    std::fs::write(&file, b"another").unwrap();
    write!(house, |tx| store::loras::remove(tx, id));
    house.trainings.sweep().await;
    assert_eq!((std::fs::read(&file).unwrap().as_slice(), house.placed().await), (&b"another"[..], 0));

    // What a link leads to is outside.
    let (id, file) = house.imported(mara, b"c").await;
    let (parent, outside) = (file.parent().unwrap(), house.folder.path().join("outside"));
    std::fs::rename(parent, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, parent).unwrap();
    write!(house, |tx| store::loras::remove(tx, id));
    house.trainings.sweep().await;
    assert!(outside.join(file.file_name().unwrap()).exists());
    std::fs::remove_file(parent).unwrap();

    // A studio of before kept nothing but the library.
    let (id, file) = house.imported(mara, b"d").await;
    let name = file.strip_prefix(&loras).unwrap().to_str().unwrap();
    write!(house, |tx| store::placed_loras::remove(tx, loras.to_str().unwrap(), name));
    house.trainings.sweep().await;
    write!(house, |tx| store::loras::remove(tx, id));
    house.trainings.sweep().await;
    assert!(!file.exists() && !parent.exists(), "nor is its folder needed any more");

    // Taken out of the library by hand, it leaves at once.
    let (id, file) = house.imported(mara, b"e").await;
    let removed = house.call("DELETE", &format!("/api/kept-loras/{id}"), Value::Null).await;
    assert!(removed.status == 204 && !file.exists(), "{}", removed.body);
    assert_eq!(house.placed().await, 0);
}

#[tokio::test]
async fn a_new_title_of_its_project_moves_no_lora() {
    let house = House::new().await;
    let mara = house.approved("Mara", 12).await;
    house.fake.answers(|_, _| "no JSON".into());
    let begun = house.start(mara, quick()).await;
    let id = begun.body["training"]["id"].as_str().unwrap().to_owned();
    let kept = house.kept();
    house.until_state(&id, "needs_person").await;
    kept.end().await;
    let choose = async |epoch: u32| {
        let said = house.call("POST", &format!("/api/trainings/{id}/choose"), json!({ "epoch": epoch })).await;
        assert_eq!(said.status, 200, "{}", said.body);
    };
    let (imported, _) = house.imported(mara, b"a").await;
    choose(2).await;
    let before: Vec<String> = house.loras().into_keys().collect();
    assert_eq!(before.len(), 2, "the imported one, and what is used: {before:?}");
    let path = format!("/api/projects/{}", ProjectId(Uuid::from_u128(7)));
    let renamed = ask(&house.door, "PATCH", &path, &[PATCH], json!({ "title": "Dark" }).to_string()).await;
    assert_eq!(renamed.status, 200, "{}", renamed.body);
    choose(2).await;
    assert_eq!(house.imported(mara, b"a").await.0, imported, "the same file is the one that is there");
    assert_eq!(house.loras().into_keys().collect::<Vec<_>>(), before);
    let list = get(&house.door, &format!("/api/characters/{mara}/loras")).await.body;
    assert_eq!(list["loras"].as_array().unwrap().len(), 2, "{list:#}");
    // One that is not there any more gets a name of today.
    choose(4).await;
    let after: Vec<String> = house.loras().into_keys().collect();
    assert!(after.len() == 3 && before.iter().all(|name| after.contains(name)), "{after:?}");
    house.trainings.sweep().await;
    assert_eq!(house.loras().into_keys().collect::<Vec<_>>(), after);
    // Whatever it is called: with the library's entries everything goes.
    for one in store::loras::of_character(&house.studio.context.db, mara).await.unwrap() {
        write!(house, |tx| store::loras::remove(tx, one.id));
    }
    house.trainings.sweep().await;
    assert_eq!(house.loras().len(), 0);
}

#[tokio::test]
async fn a_probe_of_a_lora_that_was_removed_is_given_up() {
    let house = House::new().await;
    let mara = house.approved("Mara", 12).await;
    let begun = house.start(mara, quick()).await;
    let id: TrainingId = begun.body["training"]["id"].as_str().unwrap().parse().unwrap();
    let (from, to) = ([TrainingState::Training], TrainingState::Probing);
    write!(house, |tx| store::trainings::set_state(tx, id, &from, to, (None, None), Millis(1)));
    let probe = Probe {
        id: ProbeId(Uuid::from_u128(5)),
        training_id: id,
        contender: Contender::Active { lora: LoraId(Uuid::from_u128(6)), strength: 80 },
        case: 0,
        state: ProbeState::Asked,
        file: None,
        copy: None,
        verdict: None,
        marks: None,
        created: Millis(1),
    };
    write!(house, |tx| store::trainings::insert_probe(tx, &probe));
    house.trainings.look_after_all().await.unwrap();
    let seen = store::trainings::probe(&house.studio.context.db, probe.id).await.unwrap();
    assert_eq!(seen.state, ProbeState::Failed);
    assert_eq!(studiod::web::Trainings::trouble(&house.trainings, id), None, "it holds nothing up");
}

#[tokio::test]
async fn a_lora_that_no_model_of_the_film_takes_holds_nothing_up() {
    let house = House::new().await;
    let mara = mara(&house.studio, "Mara").await;
    let project_id = store::characters::get(&house.studio.context.db, mara).await.unwrap().project_id;
    let lora = |number: u128, architecture: Architecture| KeptLora {
        id: LoraId(Uuid::from_u128(number)),
        project_id,
        character_id: Some(mara),
        name: String::new(),
        instead: false,
        architecture,
        file: format!("studiod/light-mara/{number}.safetensors"),
        weights: AssetRef { hash: ContentHash::of(b"weights"), ext: "safetensors".into() },
        bytes: 7,
        trigger: "mirax7".into(),
        strength: 80,
        active: true,
        training_id: None,
        epoch: None,
        created: Millis(1),
    };
    // Its file cannot be put anywhere.
    std::fs::remove_dir_all(house.folder.path().join("loras")).unwrap();
    let request = async || {
        let making = &house.trainings.datasets.making;
        let text = "Title: A Face\n\nINT. STUDIO - DAY\n\nMARA\nThis is me.\n";
        let screenplay = Screenplay::read(text.as_bytes(), "", &making.reading()).unwrap();
        let options = ProduceOptions { project: Some("light".into()), ..ProduceOptions::default() };
        let asked = producing::request(making, &screenplay, &options, None, Defaults::BySettings).await;
        let models = asked.map(|one| one.production.cast.models.unwrap()).map_err(|why| why.to_string())?;
        let all = models.left_out(["MARA"].into_iter()).into_iter();
        Ok::<_, String>(
            all.map(|(name, lora)| (name.to_owned(), lora.file.clone(), lora.base.clone())).collect::<Vec<_>>(),
        )
    };
    assert_eq!(request().await, Ok(vec![]));
    let wan = lora(61, Architecture::Wan);
    write!(house, |tx| store::loras::insert(tx, &wan));
    let base = wan.architecture.base().unwrap().to_owned();
    assert_eq!(request().await, Ok(vec![("MARA".to_owned(), wan.file.clone(), base)]));
    write!(house, |tx| store::loras::insert(tx, &lora(62, Architecture::Sd15)));
    let refused = request().await.unwrap_err();
    assert!(refused.contains("which is not there"), "what is used must be there: {refused}");
}

#[tokio::test]
async fn a_film_says_whose_loras_it_does_without() {
    let mut studio = Studio::open().await;
    let lora = |base: &str| Lora {
        file: format!("{base}.safetensors"),
        base: base.into(),
        strength_percent: 80,
        trigger: String::new(),
    };
    let with = |name: &str, bases: &[&str]| {
        let loras = bases.iter().map(|base| lora(base)).collect();
        (name.to_owned(), CharacterCast { loras, ..CharacterCast::default() })
    };
    let mut wanted = produce(TWO_ROOMS);
    let still = ModelChoice { model: "sd15".into(), lora_base: Some("sd15".into()), ..ModelChoice::default() };
    wanted.production.cast.models = Some(ModelCast {
        engine: "stills".into(),
        still: Some(still),
        characters: [with("anna", &["wan"]), with("ben", &["wan", "sd15"]), with("nobody", &["wan"])].into(),
        ..ModelCast::default()
    });
    let (episode, failed, _) = studio.make(wanted).await;
    assert!(!failed);
    let remarked = studio.episode(episode).await.remarked;
    let left_out: Vec<_> = remarked.into_iter().filter(|one| matches!(one, FilmRemark::LoraLeftOut { .. })).collect();
    let wanted =
        FilmRemark::LoraLeftOut { character: "ANNA".into(), file: "wan.safetensors".into(), base: "wan".into() };
    assert_eq!(left_out, [wanted]);
}
