//! Self-test: a few steps on two pictures that the studio paints, through everything a run goes through. What only a run would find,
//! a tokenizer of the wrong length or a Python without a library, is found before a night is spent on it.

use std::{collections::BTreeMap, path::Path};

use studio_core::{
    asset::AssetRef,
    ids::{AttemptId, ContentHash, TrainingId},
    lora::{Architecture, LoraAbout},
    order::{Order, Reported, Role, SliceReport},
    training::{TrainOrder, TrainingPicture},
    workflow::SlotValue,
};
use studio_engine::{Artifact, Engine, EngineError, FailureKind, Means, Progress, Workspace, asset_path};
use tokio_util::sync::CancellationToken;

use super::{
    TrainerEngine, TrainerPlan,
    slice::{blocking, refused},
};
use crate::definitions::loras::{self, Unfit};

/// Sides of the pictures, in pixels: the least that is trained on.
const SIDE: u32 = 256;
/// How often each is seen.
const REPEATS: u32 = 2;

/// What came of a self-test.
#[derive(Debug)]
pub struct SelfTest {
    /// What was trained.
    pub architecture: Architecture,
    /// How the steps went.
    pub report: SliceReport,
    /// What the LoRA's own header says.
    pub lora: LoraAbout,
}

/// Trains a LoRA of a few steps in `dir`, which the caller removes. It runs beside the scheduler: nothing is booked. `chosen` goes
/// before the least that the trainer takes.
///
/// # Errors
/// A setting does not fit, or whatever keeps the trainer from training.
pub async fn selftest(
    plan: &TrainerPlan,
    architecture: Architecture,
    chosen: &BTreeMap<String, SlotValue>,
    dir: &Path,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<SelfTest, EngineError> {
    let trainer = plan.trainer().map_err(refused)?;
    let mut settings = BTreeMap::from([("epochs".to_owned(), SlotValue::Int(1))]);
    settings.insert("resolution".into(), SlotValue::Int(i64::from(SIDE)));
    settings.extend(chosen.clone());
    let settings = trainer.settings(architecture, &settings).map_err(refused)?;
    let base = plan.base_of(architecture, &trainer);
    let (assets, room) = (dir.join("assets"), dir.join("room"));
    let (at, paint_to) = (room.clone(), assets.clone());
    let pictures = blocking(move || {
        std::fs::create_dir_all(&at).map_err(|error| EngineError::io("failed to make a folder", &error))?;
        [("smiling", 0), ("from the side", 1)]
            .map(|(what, number)| painted(&paint_to, what, number))
            .into_iter()
            .collect()
    });
    // The folder has a name of its own.
    let drawn = ContentHash::of(dir.to_string_lossy().as_bytes()).0;
    let id = uuid::Builder::from_random_bytes(drawn[..16].try_into().unwrap_or_default()).into_uuid();
    let order = Order::Train(TrainOrder {
        training: TrainingId(id),
        trainer: plan.name.clone(),
        architecture,
        base: base.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default(),
        base_print: None,
        pictures: pictures.await?,
        settings,
        epochs: 1,
        after: 0,
        to: 1,
        weights: None,
        relief: Vec::new(),
    });
    let engine = TrainerEngine::open(TrainerPlan { home: dir.join("home"), ..plan.clone() });
    let room = Workspace::fresh(room, assets, AttemptId(id));
    let made = engine.run(&order, Means { room: &room, progress, stop }).await?;
    let (mut weights, mut report) = (None, SliceReport::default());
    for one in made {
        match one {
            Artifact::File { role: Role::Weights, path, .. } => weights = Some(path),
            Artifact::Finding(Reported::Trained { slice }) => report = slice,
            _ => {}
        }
    }
    let lora = blocking(move || {
        let path = weights.ok_or_else(|| EngineError::new(FailureKind::Transient, "it left no LoRA"))?;
        loras::read_trained(&path, architecture).map_err(|fault| {
            let kind = if matches!(fault, Unfit::Other { .. }) { FailureKind::Refused } else { FailureKind::Transient };
            EngineError::new(kind, format!("the LoRA it left cannot be used: {fault}"))
        })
    });
    Ok(SelfTest { architecture, report, lora: lora.await? })
}

/// A picture with something in it, kept.
fn painted(assets: &Path, what: &str, number: u32) -> Result<TrainingPicture, EngineError> {
    let at = |x: u32, y: u32| {
        let round = (x as i32 - 128).pow(2) + (y as i32 - 100).pow(2) < 60_i32.pow(2);
        if round {
            image::Rgb([220, 170, 140])
        } else {
            image::Rgb([(x / 2) as u8, (y / 2) as u8, 90 + number as u8 * 60])
        }
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let painted = image::RgbImage::from_fn(SIDE, SIDE, at).write_to(&mut bytes, image::ImageFormat::Png);
    painted.map_err(|error| EngineError::new(FailureKind::Transient, error.to_string()))?;
    let bytes = bytes.into_inner();
    let file = AssetRef { hash: ContentHash::of(&bytes), ext: "png".into() };
    let path = asset_path(assets, &file);
    let kept = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, bytes));
    kept.map_err(|error| EngineError::io("failed to keep a picture", &error))?;
    Ok(TrainingPicture { file, caption: format!("selftestx0, {what}"), repeats: REPEATS, held_out: false })
}
