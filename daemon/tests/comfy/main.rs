//! The ComfyUI engine against a server that speaks the real protocol and has all of its faults.

#[path = "../support/comfy/mod.rs"]
mod fake;

mod adopts;
mod breaks;
mod cancels;
mod faults;
mod good;
mod telling;
mod trains;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fake::Comfy as Fake;
use studio_core::{
    character::CharacterProfile,
    fleet::sentence,
    ids::{AttemptId, ContentHash},
    order::{AssetRef, ClipOrder, Figure, Order, Quality, Recipe, StillOrder},
    scene::{Look, Setting, TimeOfDay, Weather},
    shot::{CameraAngle, Motion, ShotType},
    units::{Fps, Frames, Seed, Size, Steps},
};
use studio_engine::{Artifact, Availability, Engine, EngineError, Means, Progress, Said, Workspace};
use studiod::{
    definitions::{Definitions, DefinitionsWatch},
    engines::comfy::{Comfy, Pace, ServerPlan},
    media::ChildProcess,
};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The studio's own program, for its media child.
const PROGRAM: &str = env!("CARGO_BIN_EXE_studiod");
/// Longer than anything here takes on a busy machine; only a hang gets here.
const PATIENCE: Duration = Duration::from_mins(2);

/// Looks often, gives up soon.
pub(crate) fn pace() -> Pace {
    Pace {
        poll: Duration::from_millis(20),
        look: Duration::from_millis(20),
        stuck_after: Duration::from_millis(200),
        confirm: Duration::from_secs(20),
        stall: Duration::from_mins(10),
        stall_factor: 4.0,
        abandoned_after: Duration::from_secs(5),
        quarantine: Duration::from_millis(100),
    }
}

/// Names of every model file the shipped workflows use.
pub(crate) fn all_models(definitions: &Definitions) -> Vec<String> {
    let ends = [".safetensors", ".gguf", ".pth"];
    let in_graph = definitions.workflows.values().flat_map(|flow| flow.graph.values().cloned().collect::<Vec<_>>());
    let words = in_graph.flat_map(|node| {
        let inputs = node["inputs"].as_object().cloned().unwrap_or_default();
        inputs.into_iter().filter_map(|(_, value)| value.as_str().map(str::to_owned))
    });
    let of_models = definitions.catalogue.models.values().flat_map(|model| model.files.values().cloned());
    words.chain(of_models).filter(|word| ends.iter().any(|end| word.ends_with(end))).collect()
}

/// A server, an engine, and a place for files.
pub(crate) struct World {
    pub(crate) fake: Fake,
    pub(crate) engine: Comfy,
    pub(crate) dir: TempDir,
    pub(crate) heard: Arc<watch::Sender<Vec<Said>>>,
    ids: AtomicU64,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::paced(pace()).await
    }

    pub(crate) async fn paced(pace: Pace) -> Self {
        let fake = Fake::start(all_models(&Definitions::shipped())).await;
        let engine = engine(&[&fake], pace);
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(dir.path().join("assets")).expect("a folder");
        let world = Self { fake, engine, dir, heard: Arc::new(watch::channel(Vec::new()).0), ids: AtomicU64::new(1) };
        world.here().await;
        world
    }

    /// Waits until the engine says it is there.
    pub(crate) async fn here(&self) {
        self.until(|now| now.away().is_none()).await;
    }

    /// Waits until the engine is away, and says why.
    pub(crate) async fn away(&self) -> String {
        sentence(&self.until(|now| now.away().is_some()).await.away().expect("it is away"))
    }

    pub(crate) async fn until(&self, wanted: impl FnMut(&Availability) -> bool) -> Availability {
        let mut presence = self.engine.offer().expect("it says whether it is there");
        let found = tokio::time::timeout(PATIENCE, presence.wait_for(wanted)).await;
        found.expect("it comes in time").expect("the engine lives").clone()
    }

    /// A room for a new attempt.
    pub(crate) fn room(&self) -> Workspace {
        let id = Uuid::from_u128(
            0x0198_0000_0000_7000_8000_0000_0000_0000 + u128::from(self.ids.fetch_add(256, Ordering::SeqCst)),
        );
        let dir = self.dir.path().join(id.to_string());
        std::fs::create_dir_all(&dir).expect("a folder");
        Workspace::fresh(dir, self.dir.path().join("assets"), AttemptId(id))
    }

    pub(crate) async fn make(&self, order: &Order) -> Result<Vec<Artifact>, EngineError> {
        self.make_in(order, &self.room(), &CancellationToken::new()).await
    }

    pub(crate) async fn make_in(
        &self,
        order: &Order,
        room: &Workspace,
        stop: &CancellationToken,
    ) -> Result<Vec<Artifact>, EngineError> {
        let heard = self.heard.clone();
        let progress = Progress::new(move |said| heard.send_modify(|all| all.push(said)));
        let made =
            tokio::time::timeout(PATIENCE, self.engine.run(order, Means { room, progress: &progress, stop })).await;
        made.expect("an attempt ends")
    }

    /// Waits until this was heard, then lets the held prompt end.
    pub(crate) async fn until_heard(&self, wanted: impl Fn(&Said) -> bool) {
        let mut heard = self.heard.subscribe();
        let found = heard.wait_for(|all| all.iter().any(&wanted));
        drop(tokio::time::timeout(PATIENCE, found).await.expect("it is heard in time").expect("the engine lives"));
        self.fake.hold_at_end(false);
    }

    /// Keeps a picture as the studio would.
    pub(crate) fn picture(&self) -> AssetRef {
        let path = self.dir.path().join("start.png");
        image::RgbImage::from_pixel(64, 64, image::Rgb([9, 99, 199])).save(&path).expect("the picture is written");
        let assets = self.dir.path().join("assets");
        studiod::files::adopt(&assets, &path).expect("the picture is kept").0
    }
}

/// An engine for these servers.
pub(crate) fn engine(fakes: &[&Fake], pace: Pace) -> Comfy {
    let plan = |(at, fake): (usize, &&Fake)| ServerPlan {
        name: format!("card{at}"),
        url: fake.url(),
        card: Some(format!("0000:0{at}:00.0")),
        queue_ahead: 1,
        restart: None,
    };
    open(fakes.iter().enumerate().map(plan).collect(), pace, DefinitionsWatch::of(Definitions::shipped()))
}

pub(crate) fn open(plans: Vec<ServerPlan>, pace: Pace, shelf: DefinitionsWatch) -> Comfy {
    let media = Arc::new(ChildProcess::with_program(PROGRAM));
    let comfy = Comfy::open(plans, pace, shelf, media, "test").expect("the engine opens");
    comfy.watch();
    comfy
}

fn told(model: &str) -> Recipe {
    Recipe { model: model.into(), quality: Quality::Standard, ..Recipe::default() }
}

fn look() -> Look {
    Look {
        setting: Setting::Interior,
        location: "Kitchen".into(),
        time_of_day: TimeOfDay::Morning,
        weather: Weather::Clear,
        mood: String::new(),
        synopsis: String::new(),
    }
}

pub(crate) fn still(seed: u64) -> Order {
    Order::Still(StillOrder {
        look: look(),
        shot_type: ShotType::Wide,
        angle: CameraAngle::EyeLevel,
        description: "A kettle.".into(),
        card: None,
        figures: vec![Figure {
            name: "Anna".into(),
            profile: CharacterProfile::from_name("Anna", None, None),
            appearance: None,
            staging: None,
        }],
        speaker: None,
        slate: String::new(),
        size: Size { width: 320, height: 180 },
        seed: Seed(seed),
        steps: Steps(25),
        source: None,
        recipe: Some(told("sd15")),
    })
}

pub(crate) fn clip(model: &str, source: Option<AssetRef>, frames: u64) -> Order {
    Order::Clip(ClipOrder {
        source,
        layers: Vec::new(),
        description: "The kettle boils.".into(),
        motion: Motion::Static,
        size: Size { width: 320, height: 180 },
        fps: Fps::whole(24),
        frames: Frames(frames),
        wanted: None,
        seed: Seed(7),
        steps: Steps(25),
        look: Some(look()),
        shot_type: Some(ShotType::Wide),
        figures: Vec::new(),
        script: None,
        recipe: Some(told(model)),
    })
}

/// The one file of a result.
pub(crate) fn file(made: &[Artifact]) -> PathBuf {
    let file =
        made.iter().find_map(|made| if let Artifact::File { path, .. } = made { Some(path.clone()) } else { None });
    file.expect("a file was made")
}

pub(crate) fn hash(made: &[Artifact]) -> ContentHash {
    studiod::files::hash_file(&file(made)).expect("it can be read").0
}
