//! The engine that has LoRAs trained, against a trainer that trains nothing: `fake_trainer/`.

use std::{
    collections::BTreeMap,
    os::unix::{fs::PermissionsExt, process::CommandExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use rstest::rstest;
use studio_core::{
    asset::AssetRef,
    fleet::Away,
    ids::{AttemptId, ContentHash, TrainingId},
    ladder::Rung,
    lora::Architecture,
    order::{Order, Reported, Role},
    training::{SliceReport, TrainOrder, Trainer, TrainingPicture},
    workflow::SlotValue,
};
use studio_engine::{Artifact, Engine, EngineError, FailureKind, Means, Progress, Said, Workspace, asset_path};
use studiod::{
    definitions::{Definitions, DefinitionsWatch, loras},
    engines::trainer::{TRAINER, TrainerEngine, TrainerPatience, TrainerPlan, log_of, print_of},
};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A machine with a trainer on it.
struct Bed {
    dir: TempDir,
    rooms: AtomicU32,
}

impl Bed {
    fn new() -> Self {
        let bed = Self { dir: tempfile::tempdir().unwrap(), rooms: AtomicU32::new(0) };
        let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake_trainer");
        bed.write("checkout/library/train_util.py", b"");
        for script in ["train_network.py", "sdxl_train_network.py"] {
            bed.write(&format!("checkout/{script}"), &std::fs::read(fake.join(script)).unwrap());
        }
        for folder in ["openai_clip-vit-large-patch14", "laion_CLIP-ViT-bigG-14-laion2B-39B-b160k"] {
            for file in ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"] {
                bed.write(&format!("tokenizers/{folder}/{file}"), b"{}");
            }
        }
        bed.write("base.safetensors", b"what is built upon");
        std::fs::create_dir(bed.path("marks")).unwrap();
        bed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// The shipped description, with switches of the fake in its environment.
    fn trainer(&self, switches: &[(&str, &str)]) -> Trainer {
        let shipped = Definitions::shipped();
        assert_eq!(shipped.refused, Vec::<String>::new());
        let mut trainer = shipped.trainers["sd-scripts"].clone();
        let marks = self.path("marks").to_string_lossy().into_owned();
        let all = switches.iter().map(|(name, value)| (format!("FAKE_TRAINER_{name}"), (*value).to_owned()));
        // Nobody waits for it: a slice ends a trainer before its next epoch.
        trainer.environment.insert("FAKE_TRAINER_EPOCH_MS".into(), "20000".into());
        trainer.environment.extend(all);
        trainer.environment.insert("FAKE_TRAINER_MARKS".into(), marks);
        trainer.environment.insert("PYTHONDONTWRITEBYTECODE".into(), "1".into());
        trainer
    }

    fn engine(&self, switches: &[(&str, &str)]) -> TrainerEngine {
        self.engine_of(self.trainer(switches))
    }

    fn engine_of(&self, trainer: Trainer) -> TrainerEngine {
        TrainerEngine::open(self.plan(trainer))
    }

    fn plan(&self, trainer: Trainer) -> TrainerPlan {
        let trainers = BTreeMap::from([("sd-scripts".to_owned(), trainer)]);
        TrainerPlan {
            definitions: DefinitionsWatch::of(Definitions { trainers, ..Definitions::default() }),
            name: "sd-scripts".into(),
            paths: BTreeMap::from([
                ("checkout".into(), self.path("checkout")),
                ("tokenizers".into(), self.path("tokenizers")),
                ("python".into(), "python3".into()),
            ]),
            bases: BTreeMap::from([("sd15".into(), self.path("base.safetensors"))]),
            stills: None,
            card: None,
            gpu_uuid: None,
            server: None,
            server_name: None,
            home: self.path("home"),
            patience: TrainerPatience { end: Duration::from_secs(10), ..TrainerPatience::default() },
        }
    }

    fn kept(&self, bytes: &[u8], ext: &str) -> AssetRef {
        let asset = AssetRef { hash: ContentHash::of(bytes), ext: ext.into() };
        let path = asset_path(&self.path("assets"), &asset);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        asset
    }

    /// A slice of a run of `epochs` with three steps each.
    fn order(&self, epochs: u32, after: u32, to: u32) -> TrainOrder {
        let picture = |name: &str, repeats, held_out| TrainingPicture {
            file: self.kept(name.as_bytes(), "png"),
            caption: format!("mirax7, 1girl, {name}"),
            repeats,
            held_out,
        };
        let settings = self.trainer(&[]).settings(Architecture::Sd15, &BTreeMap::new()).unwrap();
        TrainOrder {
            training: TrainingId(Uuid::from_u128(7)),
            trainer: "sd-scripts".into(),
            architecture: Architecture::Sd15,
            base: "base".into(),
            base_print: Some(print_of(&self.path("base.safetensors")).unwrap()),
            pictures: vec![picture("smiling", 1, false), picture("from behind", 2, false), picture("asleep", 1, true)],
            settings,
            epochs,
            after,
            to,
            weights: None,
            relief: Vec::new(),
        }
    }

    fn room(&self) -> Workspace {
        let number = self.rooms.fetch_add(1, Ordering::Relaxed);
        let dir = self.path(&format!("rooms/{number}"));
        std::fs::create_dir_all(&dir).unwrap();
        Workspace::fresh(dir, self.path("assets"), AttemptId(Uuid::from_u128(number.into())))
    }

    async fn make(&self, engine: &TrainerEngine, order: TrainOrder) -> Result<Slice, EngineError> {
        self.make_in(engine, order, &self.room()).await
    }

    async fn make_in(&self, engine: &TrainerEngine, order: TrainOrder, room: &Workspace) -> Result<Slice, EngineError> {
        let (progress, stop) = (Progress::noop(), CancellationToken::new());
        let order = Order::Train(order);
        engine.run(&order, Means { room, progress: &progress, stop: &stop }).await.map(|made| slice(&made))
    }

    fn run_folder(&self) -> PathBuf {
        self.path("home").join(Uuid::from_u128(7).to_string())
    }

    /// How the trainer was called, one after another.
    fn calls(&self) -> Vec<String> {
        let calls = (0..).map(|number| std::fs::read_to_string(self.path(&format!("marks/argv-{number}"))));
        calls.map_while(Result::ok).collect()
    }

    fn is_left_alone(&self) -> bool {
        !self.run_folder().join("pid").exists() && !is_at_work(&self.path("checkout"))
    }
}

/// Whether a process runs in a folder.
fn is_at_work(folder: &Path) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.into_iter().any(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder))
}

struct Slice {
    weights: PathBuf,
    report: SliceReport,
}

fn slice(made: &[Artifact]) -> Slice {
    let weights = made.iter().find_map(|one| match one {
        Artifact::File { role: Role::Weights, path, .. } => Some(path.clone()),
        _ => None,
    });
    let report = made.iter().find_map(|one| match one {
        Artifact::Finding(Reported::Trained { slice }) => Some(slice.clone()),
        _ => None,
    });
    Slice { weights: weights.unwrap(), report: report.unwrap() }
}

/// Tells of the first step.
fn first_step() -> (Progress, mpsc::UnboundedReceiver<String>) {
    let (say, hear) = mpsc::unbounded_channel();
    let progress = Progress::new(move |said| {
        if let Said::Doing(doing) = said
            && doing.what.starts_with("epoch")
        {
            let _ = say.send(doing.what);
        }
    });
    (progress, hear)
}

fn failure(made: Result<Slice, EngineError>) -> EngineError {
    made.map(|made| made.report).unwrap_err()
}

#[tokio::test]
async fn slices_follow_on_each_other_to_the_end() {
    let bed = Bed::new();
    let engine = bed.engine(&[]);
    let first = bed.make(&engine, bed.order(3, 0, 1)).await.unwrap();
    let about = loras::read(&first.weights).unwrap();
    assert_eq!(about.architecture, Some(Architecture::Sd15));
    let mode = std::fs::metadata(&first.weights).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644, "who renders may be somebody else");
    assert_eq!((first.report.epoch, first.report.steps, first.report.from_weights), (1, 3, false));
    let steps: Vec<u32> = first.report.losses.iter().map(|point| point.step).collect();
    assert_eq!(steps, [1, 2, 3]);
    assert!(first.report.held_out_loss.is_some_and(|loss| (loss - 0.4).abs() < 1e-9), "{:?}", first.report);
    assert!(first.report.log.iter().any(|line| line.contains("Random states saved in")), "{:?}", first.report.log);
    assert!(bed.is_left_alone());

    let second = bed.make(&engine, bed.order(3, 1, 2)).await.unwrap();
    let steps: Vec<u32> = second.report.losses.iter().map(|point| point.step).collect();
    assert_eq!((steps.as_slice(), second.report.from_weights), ([4, 5, 6].as_slice(), false));
    assert_ne!(std::fs::read(&first.weights).unwrap(), std::fs::read(&second.weights).unwrap());
    let third = bed.make(&engine, bed.order(3, 2, 3)).await.unwrap();
    assert_eq!((third.report.epoch, third.report.steps), (3, 3));

    let calls = bed.calls();
    assert_eq!(calls.len(), 3);
    assert!(!calls[0].contains("--resume") && calls[0].contains("--max_train_epochs=3"), "{}", calls[0]);
    assert!(calls[1].contains("000001-state\n--initial_epoch=2"), "{}", calls[1]);
    assert!(calls[2].contains("000002-state\n--initial_epoch=3"), "{}", calls[2]);
    let left = std::fs::read_dir(bed.run_folder().join("kept")).unwrap();
    let mut left: Vec<String> = left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["000002-state", "000003-state", "000003.safetensors"], "states of the last two epochs");

    let again = bed.make(&engine, bed.order(3, 2, 3)).await.unwrap();
    assert_eq!(std::fs::read(&third.weights).unwrap(), std::fs::read(&again.weights).unwrap());
    assert_eq!(bed.calls().len(), 3, "what is there is taken");
    engine.forget(TrainingId(Uuid::from_u128(7))).await.unwrap();
    assert!(!bed.run_folder().exists());
    engine.forget(TrainingId(Uuid::from_u128(7))).await.unwrap();
}

#[rstest]
#[case::gone("kept")]
#[case::half_written("kept/000001-state/random_states_0.pkl")]
#[tokio::test]
async fn without_a_state_it_goes_on_from_weights(#[case] lost: &str) {
    let bed = Bed::new();
    let engine = bed.engine(&[]);
    let first = bed.make(&engine, bed.order(3, 0, 1)).await.unwrap();
    let lost = bed.run_folder().join(lost);
    let removed = if lost.is_dir() { std::fs::remove_dir_all(&lost) } else { std::fs::remove_file(&lost) };
    removed.unwrap();
    let why = failure(bed.make(&engine, bed.order(3, 1, 2)).await);
    assert_eq!(why.kind, FailureKind::Refused, "{why}: there is nothing to go on from");
    let weights = Some(bed.kept(&std::fs::read(&first.weights).unwrap(), "safetensors"));
    let second = bed.make(&engine, TrainOrder { weights, ..bed.order(3, 1, 2) }).await.unwrap();
    assert_eq!((second.report.from_weights, second.report.steps), (true, 3));
    let call = bed.calls().pop().unwrap();
    assert!(call.contains("--network_weights=") && call.contains("--initial_epoch=2"), "{call}");
}

#[rstest]
#[case::out_of_memory(&[("OOM_AT", "2")], FailureKind::OutOfMemory, "out of the card's memory")]
#[case::not_a_number(&[("NAN_AT", "2")], FailureKind::Refused, "the loss exploded")]
#[case::cut_off(&[("TRUNCATE", "1")], FailureKind::Transient, "cannot be used: it is cut off")]
#[case::no_file(&[("EXIT0_NO_FILE", "1")], FailureKind::Transient, "left no LoRA")]
#[case::disk_full(&[("ENOSPC_AT", "2")], FailureKind::DiskFull, "the disk is full")]
#[case::killed(&[("KILL_AT", "2")], FailureKind::Transient, "was killed")]
#[case::killed_in_a_state(&[("KILL_IN", "state")], FailureKind::Transient, "was killed")]
#[case::killed_in_a_checkpoint(&[("KILL_IN", "checkpoint")], FailureKind::Transient, "cannot be used: it is cut off")]
#[case::disk_full_in_a_state(&[("ENOSPC_IN", "state")], FailureKind::DiskFull, "the disk is full")]
#[case::disk_full_in_a_checkpoint(&[("ENOSPC_IN", "checkpoint")], FailureKind::DiskFull, "the disk is full")]
#[case::another_base(&[("WRONG_BASE", "1")], FailureKind::Refused, "one of sdxl, not of sd15")]
#[tokio::test]
async fn what_goes_wrong_is_told_as_what_it_is(
    #[case] switches: &[(&str, &str)],
    #[case] kind: FailureKind,
    #[case] words: &str,
) {
    let bed = Bed::new();
    let why = failure(bed.make(&bed.engine(switches), bed.order(1, 0, 1)).await);
    assert_eq!(why.kind, kind, "{why}");
    assert!(why.message.contains(words), "{why}");
    assert!(bed.is_left_alone());
    // Nothing of it stands in the way of the next attempt.
    let made = bed.make(&bed.engine(&[]), bed.order(1, 0, 1)).await.unwrap();
    assert_eq!(made.report.steps, 3);
}

#[tokio::test]
async fn a_slice_of_several_epochs_takes_over_those_that_were_whole_when_it_was_cut_off() {
    let bed = Bed::new();
    let why = failure(bed.make(&bed.engine(&[("EPOCH_MS", "0"), ("KILL_AT", "8")]), bed.order(3, 0, 3)).await);
    assert_eq!(why.kind, FailureKind::Transient, "{why}");
    let made = bed.make(&bed.engine(&[("EPOCH_MS", "0")]), bed.order(3, 0, 3)).await.unwrap();
    assert_eq!((made.report.epoch, made.report.steps), (3, 3), "two of three were there");
    assert!(bed.calls()[1].contains("000002-state\n--initial_epoch=3"), "{:?}", bed.calls());
}

#[rstest]
#[tokio::test]
async fn a_save_that_broke_off_is_no_epoch_and_the_next_attempt_goes_on(
    #[values("KILL_IN", "ENOSPC_IN")] how: &str,
    #[values("checkpoint", "state")] what: &str,
) {
    let bed = Bed::new();
    failure(bed.make(&bed.engine(&[(how, what)]), bed.order(3, 0, 1)).await);
    let first = bed.make(&bed.engine(&[]), bed.order(3, 0, 1)).await.unwrap();
    assert_eq!((first.report.epoch, first.report.steps), (1, 3));
    failure(bed.make(&bed.engine(&[(how, what)]), bed.order(3, 1, 2)).await);
    let second = bed.make(&bed.engine(&[]), bed.order(3, 1, 2)).await.unwrap();
    assert_eq!((second.report.epoch, second.report.from_weights), (2, false), "the first one's state is whole");
}

#[tokio::test]
async fn a_file_that_is_cut_off_in_the_middle_of_a_run_is_none() {
    let bed = Bed::new();
    let why = failure(bed.make(&bed.engine(&[("TRUNCATE", "1")]), bed.order(3, 0, 1)).await);
    assert_eq!(why.kind, FailureKind::Transient, "{why}");
    assert!(why.message.contains("cut off"), "{why}");
}

#[tokio::test]
async fn a_failure_after_the_last_file_is_none() {
    let bed = Bed::new();
    let made = bed.make(&bed.engine(&[("EXIT1_AT_END", "1")]), bed.order(1, 0, 1)).await.unwrap();
    assert!(loras::read(&made.weights).is_ok());
}

#[tokio::test]
async fn a_trainer_that_says_nothing_is_ended() {
    let bed = Bed::new();
    let mut plan = bed.plan(bed.trainer(&[("SILENT", "1")]));
    plan.patience.silence = Duration::from_millis(200);
    let why = failure(bed.make(&TrainerEngine::open(plan), bed.order(1, 0, 1)).await);
    assert_eq!(why.kind, FailureKind::Transient, "{why}");
    assert!(why.message.contains("said nothing for"), "{why}");
    assert!(bed.is_left_alone());
}

#[tokio::test]
async fn a_trainer_that_says_too_much_fills_no_disk() {
    let bed = Bed::new();
    let made = bed.make(&bed.engine(&[("FLOOD", "20000000")]), bed.order(1, 0, 1)).await.unwrap();
    assert!(made.report.log.len() <= 50 && made.report.log.iter().all(|line| line.len() < 1500));
    let log = |name: &str| std::fs::metadata(bed.run_folder().join(name)).map_or(0, |about| about.len());
    let bytes = log("log.txt") + log("log.old.txt");
    assert!(bytes > 0 && bytes < 6_000_000, "{bytes}");
    let text = log_of(&bed.path("home"), TrainingId(Uuid::from_u128(7)), 10_000).unwrap();
    assert!(text.len() <= 10_100 && text.contains("model saved."), "{text}");
}

#[tokio::test]
async fn an_option_it_does_not_know_is_refused() {
    let bed = Bed::new();
    let mut trainer = bed.trainer(&[]);
    trainer.command.push("--bogus".into());
    let why = failure(bed.make(&bed.engine_of(trainer), bed.order(1, 0, 1)).await);
    assert_eq!(why.kind, FailureKind::Refused, "{why}");
    assert!(why.message.contains("--bogus"), "{why}");
}

#[tokio::test]
async fn a_full_card_is_met_by_what_the_description_says() {
    let bed = Bed::new();
    let (engine, order) = (bed.engine(&[("OOM_UNLESS", "fp8_base")]), bed.order(1, 0, 1));
    assert_eq!(failure(bed.make(&engine, order.clone()).await).kind, FailureKind::OutOfMemory);
    let whole = Order::Train(order.clone());
    assert_eq!(engine.relief(&whole), [Rung::EightBitBase, Rung::LeanOptimiser, Rung::LowerRank]);
    let room = Workspace { relief: vec![Rung::EightBitBase], ..bed.room() };
    bed.make_in(&engine, order.clone(), &room).await.unwrap();
    let begun = TrainOrder { relief: vec![Rung::EightBitBase], after: 1, to: 2, epochs: 3, ..order };
    assert_eq!(engine.relief(&Order::Train(begun)), Vec::<Rung>::new(), "a rank does not change in the middle");
}

#[tokio::test]
async fn who_is_cancelled_leaves_no_process() {
    let bed = Bed::new();
    let engine = bed.engine(&[("HANG_AT", "2")]);
    let (progress, mut hear) = first_step();
    let (order, room, stop) = (Order::Train(bed.order(1, 0, 1)), bed.room(), CancellationToken::new());
    let made = engine.run(&order, Means { room: &room, progress: &progress, stop: &stop });
    let cancel = async {
        let what = hear.recv().await.unwrap();
        assert!(what.starts_with("epoch 1 of 1, step 1 of 3"), "{what}");
        let offer = engine.offer().unwrap();
        assert_eq!(offer.borrow().seats[0].loaded, Some(vec!["train sd15".to_owned()]));
        assert!(is_at_work(&bed.path("checkout")));
        stop.cancel();
    };
    let (made, ()) = tokio::join!(made, cancel);
    assert_eq!(made.unwrap_err().kind, FailureKind::Cancelled);
    assert!(bed.is_left_alone());
    assert_eq!(engine.offer().unwrap().borrow().seats[0].loaded, Some(Vec::new()));
}

#[tokio::test]
async fn what_is_dropped_in_the_middle_is_made_again() {
    let bed = Bed::new();
    bed.make(&bed.engine(&[]), bed.order(3, 0, 1)).await.unwrap();
    let engine = bed.engine(&[("HANG_AT", "2")]);
    let (progress, mut hear) = first_step();
    let (order, room, stop) = (Order::Train(bed.order(3, 1, 2)), bed.room(), CancellationToken::new());
    tokio::select! {
        made = engine.run(&order, Means { room: &room, progress: &progress, stop: &stop }) => panic!("{made:?}"),
        what = hear.recv() => assert!(what.unwrap().starts_with("epoch 2 of 3")),
    }
    assert!(bed.run_folder().join("pid").exists(), "it had no time to clear away");
    let second = bed.make(&bed.engine(&[]), bed.order(3, 1, 2)).await.unwrap();
    assert_eq!((second.report.epoch, second.report.from_weights), (2, false));
    assert!(bed.is_left_alone());
}

#[tokio::test]
async fn what_an_earlier_studio_left_running_is_ended_first() {
    let bed = Bed::new();
    std::fs::create_dir_all(bed.run_folder()).unwrap();
    let mut left = std::process::Command::new("python3")
        .args(["-c", "import sys, time; print('here', flush=True); time.sleep(3600)"])
        .stdout(std::process::Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", left.id())).unwrap();
    let started = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().to_owned();
    // One with another beginning is somebody else.
    let note = |started: &str| {
        let text = format!(r#"{{"pid":{},"started":{started}}}"#, left.id());
        std::fs::write(bed.run_folder().join("pid"), text).unwrap();
    };
    note("1");
    bed.make(&bed.engine(&[]), bed.order(3, 0, 1)).await.unwrap();
    note(&started);
    assert!(left.try_wait().unwrap().is_none(), "a stranger is left alone");
    // Of whatever run it is: it has the card, and nobody may know that run any more.
    let elsewhere = bed.path("home").join(Uuid::from_u128(8).to_string());
    std::fs::create_dir_all(&elsewhere).unwrap();
    std::fs::rename(bed.run_folder().join("pid"), elsewhere.join("pid")).unwrap();
    bed.make(&bed.engine(&[]), bed.order(3, 1, 2)).await.unwrap();
    assert_eq!(left.wait().unwrap().signal(), Some(9));
}

#[tokio::test]
async fn what_cannot_be_trained_on_is_refused() {
    let bed = Bed::new();
    let engine = bed.engine(&[]);
    let mut order = bed.order(1, 0, 1);
    order.pictures[0].caption = " \n".into();
    let why = failure(bed.make(&engine, order).await);
    assert!(why.kind == FailureKind::Refused && why.message.contains("has no caption"), "{why}");
    let order = bed.order(1, 0, 1);
    std::fs::remove_file(asset_path(&bed.path("assets"), &order.pictures[1].file)).unwrap();
    let why = failure(bed.make(&engine, order).await);
    assert_eq!(why.kind, FailureKind::BadInput, "{why}");
    let order = bed.order(1, 0, 1);
    bed.write("base.safetensors", b"another of that name");
    let why = failure(bed.make(&engine, order.clone()).await);
    assert!(why.kind == FailureKind::Refused && why.message.contains("was replaced since the run began"), "{why}");
    std::fs::remove_file(bed.path("base.safetensors")).unwrap();
    let why = failure(bed.make(&engine, order).await);
    assert!(why.kind == FailureKind::Refused && why.message.contains("is not there"), "{why}");
    assert_eq!(bed.calls().len(), 0);
}

#[tokio::test]
async fn other_pictures_or_settings_begin_anew() {
    let bed = Bed::new();
    let engine = bed.engine(&[]);
    let first = bed.make(&engine, bed.order(1, 0, 1)).await.unwrap();
    let mut order = bed.order(1, 0, 1);
    order.settings.insert("seed".into(), SlotValue::Int(43));
    let other = bed.make(&engine, order).await.unwrap();
    assert_ne!(std::fs::read(first.weights).unwrap(), std::fs::read(other.weights).unwrap());
    assert_eq!(bed.calls().len(), 2);
}

#[tokio::test]
async fn what_is_missing_is_told_with_its_remedy() {
    let bed = Bed::new();
    let engine = bed.engine(&[]);
    engine.look().await;
    let offer = engine.offer().unwrap().borrow().clone();
    assert_eq!((&offer.seats[0].away, offer.seats[0].facts.engine.as_str()), (&None, TRAINER));
    assert!(offer.models.contains_key("train sdxl") && offer.seats[0].facts.lacks.is_empty());
    assert!(engine.check().await.iter().filter(|one| !one.is_there()).map(|one| one.name.as_str()).eq(["base.sdxl"]));
    std::fs::remove_dir_all(bed.path("tokenizers/laion_CLIP-ViT-bigG-14-laion2B-39B-b160k")).unwrap();
    engine.look().await;
    let offer = engine.offer().unwrap().borrow().clone();
    assert!(offer.seats[0].away.is_none() && offer.seats[0].facts.lacks.contains("train sdxl"));
    std::fs::remove_file(bed.path("checkout/train_network.py")).unwrap();
    engine.look().await;
    let away = engine.offer().unwrap().borrow().seats[0].away.clone();
    let Some(Away::Unusable { message }) = away else { panic!("{away:?}") };
    assert!(message.contains("has no train_network.py") && message.contains("git clone"), "{message}");
}
