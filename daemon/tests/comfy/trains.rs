//! LoRAs trained by ComfyUI's own nodes: the trainer engine with the shipped description against the fake.

use std::{collections::BTreeMap, io::Cursor, path::PathBuf};

use rstest::rstest;
use serde_json::Value;
use studio_core::{
    fleet::Away,
    ids::TrainingId,
    ladder::Rung,
    lora::Architecture,
    order::{Reported, Role},
    training::{SliceReport, TrainOrder, TrainingPicture},
};
use studio_engine::{FailureKind, asset_path};
use studiod::engines::trainer::{TrainerEngine, TrainerPatience, TrainerPlan, log_of, model_of, selftest};

use super::*;
use crate::fake::{Fault, Logged};

const BASE: &str = "v1-5-pruned-emaonly-fp16.safetensors";

struct Bed {
    dir: TempDir,
    fake: Fake,
    rooms: AtomicU64,
}

struct Made {
    weights: PathBuf,
    report: SliceReport,
}

impl Bed {
    async fn new() -> Self {
        let fake = Fake::start([BASE.to_owned()]).await;
        Self { dir: tempfile::tempdir().unwrap(), fake, rooms: AtomicU64::new(0) }
    }

    fn plan(&self) -> TrainerPlan {
        let shelf = DefinitionsWatch::of(Definitions::shipped());
        let server = ServerPlan {
            name: "main".into(),
            url: self.fake.url(),
            card: Some("0000:01:00.0".into()),
            queue_ahead: 1,
            restart: None,
        };
        let comfy =
            Comfy::open(vec![server], pace(), shelf.clone(), Arc::new(ChildProcess::with_program(PROGRAM)), "home");
        TrainerPlan {
            definitions: shelf,
            name: "comfyui".into(),
            paths: BTreeMap::new(),
            bases: BTreeMap::new(),
            stills: Some("sd15".into()),
            card: None,
            gpu_uuid: None,
            server: comfy.unwrap().training_server(None),
            server_name: None,
            home: self.dir.path().join("home"),
            patience: TrainerPatience::default(),
        }
    }

    fn engine(&self) -> TrainerEngine {
        TrainerEngine::open(self.plan())
    }

    fn kept(&self, bytes: &[u8], ext: &str) -> AssetRef {
        let asset = AssetRef { hash: ContentHash::of(bytes), ext: ext.into() };
        let path = asset_path(&self.dir.path().join("assets"), &asset);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        asset
    }

    /// A slice of a run of three epochs with three steps each.
    fn order(&self, after: u32, to: u32) -> TrainOrder {
        let picture = |name: &str, (width, height), repeats, held_out| {
            let mut bytes = Cursor::new(Vec::new());
            let shade = image::Rgb([repeats as u8 * 40, 90, name.len() as u8]);
            image::RgbImage::from_pixel(width, height, shade).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
            TrainingPicture {
                file: self.kept(&bytes.into_inner(), "png"),
                caption: format!("mirax7, 1girl, {name}"),
                repeats,
                held_out,
            }
        };
        let definitions = Definitions::shipped();
        let trainer = &definitions.trainers["comfyui"];
        TrainOrder {
            training: TrainingId(Uuid::from_u128(7)),
            trainer: "comfyui".into(),
            architecture: Architecture::Sd15,
            base: String::new(),
            base_print: None,
            pictures: vec![
                picture("smiling", (1920, 1080), 1, false),
                picture("from behind", (300, 500), 2, false),
                picture("asleep", (512, 512), 1, true),
            ],
            settings: trainer.settings(Architecture::Sd15, &BTreeMap::new()).unwrap(),
            epochs: 3,
            after,
            to,
            weights: None,
            relief: Vec::new(),
        }
    }

    fn room(&self) -> Workspace {
        let number = self.rooms.fetch_add(1, Ordering::Relaxed);
        let dir = self.dir.path().join(format!("rooms/{number}"));
        std::fs::create_dir_all(&dir).unwrap();
        Workspace::fresh(dir, self.dir.path().join("assets"), AttemptId(Uuid::from_u128(number.into())))
    }

    async fn make(&self, engine: &TrainerEngine, order: TrainOrder) -> Result<Made, EngineError> {
        self.make_until(engine, order, &CancellationToken::new()).await
    }

    async fn make_until(
        &self,
        engine: &TrainerEngine,
        order: TrainOrder,
        stop: &CancellationToken,
    ) -> Result<Made, EngineError> {
        let (room, order) = (self.room(), Order::Train(order));
        let made = engine.run(&order, Means { room: &room, progress: &Progress::noop(), stop }).await?;
        let mut found = (None, None);
        for one in made {
            match one {
                Artifact::File { role: Role::Weights, path, .. } => found.0 = Some(path),
                Artifact::Finding(Reported::Trained { slice }) => found.1 = Some(slice),
                other => panic!("nobody asked for {other:?}"),
            }
        }
        Ok(Made { weights: found.0.unwrap(), report: found.1.unwrap() })
    }

    /// Inputs of the training nodes of every prompt that was finished, the oldest first.
    fn trained(&self) -> Vec<Value> {
        let inner = self.fake.shared.inner();
        inner.done.iter().map(|id| inner.history[id]["prompt"][2]["5"]["inputs"].clone()).collect()
    }
}

#[tokio::test]
async fn a_slice_is_trained_there_and_the_next_goes_on_from_its_weights() {
    let bed = Bed::new().await;
    let engine = bed.engine();
    let first = bed.make(&engine, bed.order(0, 1)).await.unwrap();
    let about = studiod::definitions::loras::read(&first.weights).unwrap();
    assert_eq!(about.architecture, Some(Architecture::Sd15));
    assert_eq!((first.report.epoch, first.report.steps, first.report.from_weights), (1, 3, false));
    assert_eq!(first.report.losses.iter().map(|point| point.step).collect::<Vec<_>>(), [1, 2, 3]);
    let mut second = bed.order(1, 3);
    second.weights = Some(bed.kept(&std::fs::read(&first.weights).unwrap(), "safetensors"));
    let last = bed.make(&engine, second).await.unwrap();
    assert_eq!((last.report.epoch, last.report.steps), (3, 6));
    assert_eq!(last.report.losses.last().unwrap().step, 9, "a step is counted in the run");
    assert_ne!(std::fs::read(&last.weights).unwrap(), std::fs::read(&first.weights).unwrap());
    // What the nodes were told.
    let [one, two] = &bed.trained()[..] else { panic!("two slices") };
    assert_eq!((&one["steps"], &one["seed"], &one["existing_lora"]), (&3.into(), &42.into(), &"[None]".into()));
    assert_eq!((&two["steps"], &two["seed"]), (&6.into(), &43.into()));
    let from = two["existing_lora"].as_str().unwrap();
    assert!(from.ends_with("-00_3_steps_00001_.safetensors"), "what the slice before left there: {from}");
    // What lies there: pictures that fit, captions beside them, the one that is held out is nowhere.
    let uploads: Vec<String> = bed
        .fake
        .log()
        .into_iter()
        .filter_map(|one| match one {
            Logged::Upload(name) => Some(name),
            _ => None,
        })
        .collect();
    let below =
        |name: &str| uploads.iter().find(|one| one.ends_with(name)).unwrap_or_else(|| panic!("{name}: {uploads:?}"));
    let size = |name: &str| image::image_dimensions(bed.fake.folder().join("input").join(below(name))).unwrap();
    assert_eq!((size("1_seen/000001.png"), size("2_seen/000002.png")), ((704, 384), (256, 448)));
    let caption = std::fs::read_to_string(bed.fake.folder().join("input").join(below("2_seen/000002.txt"))).unwrap();
    assert_eq!(caption, "mirax7, 1girl, from behind");
    assert!(!uploads.iter().any(|name| name.contains("000003")), "{uploads:?}");
    assert!(bed.fake.log().iter().filter(|one| **one == Logged::Free).count() >= 2, "nothing stays on the card");
    // Where that is gone, it is uploaded.
    std::fs::remove_file(bed.fake.folder().join("output/loras").join(from)).unwrap();
    let mut again = bed.order(1, 2);
    again.weights = Some(bed.kept(&std::fs::read(&first.weights).unwrap(), "safetensors"));
    bed.make(&engine, again).await.unwrap();
    let three = bed.trained().pop().unwrap();
    let from = three["existing_lora"].as_str().unwrap();
    assert!(from.starts_with("studiod/from-") && from.ends_with("_3_steps_00000_.safetensors"), "{from}");
    let log = log_of(&bed.dir.path().join("home"), TrainingId(Uuid::from_u128(7)), 4096).unwrap();
    assert!(log.contains("6/6") && log.contains("loss="), "{log}");
}

#[tokio::test]
async fn what_was_sent_before_a_restart_is_gone_on_with() {
    let bed = Bed::new().await;
    bed.fake.hold(true);
    let (engine, order) = (bed.engine(), bed.order(0, 1));
    tokio::select! {
        made = bed.make(&engine, order.clone()) => panic!("it is held: {:?}", made.map(|made| made.report)),
        () = bed.fake.until(|log| log.iter().any(|one| matches!(one, Logged::Ran(_)))) => {}
    }
    drop(engine);
    bed.fake.hold(false);
    let made = bed.make(&bed.engine(), order.clone()).await.unwrap();
    // Once more, as after a power cut before the result was written down: the file is there.
    let again = bed.make(&bed.engine(), order).await.unwrap();
    assert_eq!(std::fs::read(made.weights).unwrap(), std::fs::read(again.weights).unwrap());
    assert_eq!(bed.fake.queued().len(), 1);
}

#[rstest]
#[case::full(Fault::OutOfMemory(1), FailureKind::OutOfMemory, "the card was full")]
#[case::not_a_number(Fault::LossIsNan, FailureKind::Refused, "the loss exploded")]
#[case::nothing_left(Fault::SavesNothing, FailureKind::Transient, "is not among those it lists")]
#[case::half_a_file(Fault::SavesHalf, FailureKind::Transient, "cannot be used")]
#[case::stopped_there(Fault::Interrupted, FailureKind::Transient, "somebody interrupted it")]
#[case::no_room(
    Fault::Exception(1, "OSError", "[Errno 28] No space left on device"),
    FailureKind::DiskFull,
    "disk is full"
)]
#[case::old_nodes(
    Fault::OldTraining,
    FailureKind::Refused,
    "TrainLoraNode does not know bucket_mode in this version: update ComfyUI"
)]
#[tokio::test]
async fn a_fault_is_told_and_the_next_try_is_another(
    #[case] fault: Fault,
    #[case] kind: FailureKind,
    #[case] says: &str,
) {
    let bed = Bed::new().await;
    bed.fake.fault(fault);
    let engine = bed.engine();
    let failed = bed.make(&engine, bed.order(0, 1)).await.map(|made| made.report).unwrap_err();
    assert!(failed.kind == kind && failed.message.contains(says), "{failed:?}");
    bed.fake.mend();
    let made = bed.make(&engine, bed.order(0, 1)).await.unwrap();
    assert_eq!(made.report.epoch, 1);
    bed.fake.nothing_twice();
}

#[tokio::test]
async fn a_comfyui_that_is_restarted_loses_a_slice_and_no_more() {
    let mut bed = Bed::new().await;
    bed.fake.hold(true);
    let engine = bed.engine();
    let killed = async {
        bed.fake.until(|log| log.iter().any(|one| matches!(one, Logged::Ran(_)))).await;
    };
    let order = bed.order(0, 1);
    {
        let running = bed.make(&engine, order.clone());
        tokio::pin!(running);
        tokio::select! {
            _ = &mut running => panic!("it is held"),
            () = killed => {}
        }
    }
    bed.fake.hold(false);
    bed.fake.kill();
    bed.fake.restart().await;
    let made = bed.make(&engine, order).await.unwrap();
    assert_eq!(made.report.steps, 3);
}

#[tokio::test]
async fn a_slice_that_is_stopped_ends_there() {
    let bed = Bed::new().await;
    bed.fake.hold(true);
    let (engine, stop) = (bed.engine(), CancellationToken::new());
    let running = bed.make_until(&engine, bed.order(0, 1), &stop);
    let stopping = async {
        bed.fake.until(|log| log.iter().any(|one| matches!(one, Logged::Ran(_)))).await;
        stop.cancel();
    };
    let (made, ()) = tokio::join!(running, stopping);
    assert_eq!(made.map(|made| made.report).unwrap_err().kind, FailureKind::Cancelled);
    assert!(bed.fake.log().iter().any(|one| matches!(one, Logged::Ended(_, "interrupted"))));
}

#[tokio::test]
async fn what_it_does_differently_is_other_pictures_and_another_slice() {
    let bed = Bed::new().await;
    let engine = bed.engine();
    let mut order = bed.order(0, 1);
    bed.make(&engine, order.clone()).await.unwrap();
    assert_eq!(engine.relief(&Order::Train(order.clone())), [Rung::PreserveMore, Rung::LowerRank, Rung::SmallestSize]);
    order.relief = vec![Rung::PreserveMore, Rung::SmallestSize];
    bed.make(&engine, order).await.unwrap();
    let all = bed.trained();
    assert_eq!((&all[0]["offloading"], &all[1]["offloading"]), (&false.into(), &true.into()));
    let folders: std::collections::BTreeSet<String> = bed
        .fake
        .log()
        .into_iter()
        .filter_map(|one| match one {
            Logged::Upload(name) => name.split('/').nth(1).map(str::to_owned),
            _ => None,
        })
        .collect();
    assert_eq!(folders.len(), 2, "nodes keep what they have read of a folder");
}

#[tokio::test]
async fn a_self_test_trains_a_few_steps_and_finds_what_only_a_run_would() {
    let bed = Bed::new().await;
    let (plan, dir, stop) = (bed.plan(), tempfile::tempdir().unwrap(), CancellationToken::new());
    let (none, quiet) = (BTreeMap::new(), Progress::noop());
    let made = selftest(&plan, Architecture::Sd15, &none, dir.path(), &quiet, &stop).await.unwrap();
    assert_eq!((made.report.steps, made.lora.architecture), (4, Some(Architecture::Sd15)));
    let sent = bed.trained();
    assert_eq!((&sent[0]["steps"], &sent[0]["existing_lora"]), (&4.into(), &"[None]".into()));
    bed.fake.fault(Fault::OutOfMemory(1));
    let other = tempfile::tempdir().unwrap();
    let failed = selftest(&plan, Architecture::Sd15, &none, other.path(), &quiet, &stop).await;
    assert_eq!(failed.unwrap_err().kind, FailureKind::OutOfMemory);
}

#[tokio::test]
async fn what_is_missing_is_told_with_its_remedy() {
    let mut bed = Bed::new().await;
    let engine = bed.engine();
    engine.look().await;
    let offer = engine.offer().unwrap().borrow().clone();
    let seat = &offer.seats[0];
    assert_eq!((&seat.away, seat.facts.card.as_deref()), (&None, Some("0000:01:00.0")), "its ComfyUI's card is booked");
    assert!(offer.models.contains_key(&model_of(Architecture::Sd15)));
    let all: Vec<_> = engine.check().await.into_iter().map(|one| (one.is_there(), one.name)).collect();
    assert_eq!(all, [(true, "comfyui".to_owned()), (true, "base.sd15".to_owned())], "the base is that of the stills");
    bed.fake.shared_models_remove();
    let other = bed.engine().check().await;
    let base = other.iter().find(|one| one.name == "base.sd15").unwrap();
    assert!(!base.is_there() && base.remedy.contains("put it into models/checkpoints"), "{}", base.remedy);
    let refused = bed.make(&bed.engine(), bed.order(0, 1)).await.map(|made| made.report).unwrap_err();
    assert!(refused.kind == FailureKind::Refused && refused.message.contains("has no checkpoint"), "{refused:?}");
    bed.fake.fault(Fault::OldTraining);
    let old = bed.engine().check().await;
    assert!(!old[0].is_there() && old[0].remedy.contains("update ComfyUI"), "{}", old[0].remedy);
    bed.fake.kill();
    let away = bed.engine();
    away.look().await;
    let said = away.offer().unwrap().borrow().seats[0].away.clone();
    assert!(matches!(said, Some(Away::Unreachable { .. })), "{said:?}");
    assert!(!away.check().await[0].is_there());
    let mut plan = bed.plan();
    (plan.server, plan.server_name) = (None, Some("other".into()));
    let none = TrainerEngine::open(plan).check().await;
    assert!(none[0].remedy.contains("training.comfy is 'other'"), "{}", none[0].remedy);
}
