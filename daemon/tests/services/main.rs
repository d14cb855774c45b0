//! The engines of the other card against servers that speak the real protocols and have all of their faults.

#[path = "../support/servers/mod.rs"]
mod servers;

mod ace_step;
mod conformance;
mod judge;
mod ollama;
mod openai;
mod speech;
mod story;
mod vault;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use studio_core::{
    gpu::{PciAddress, Reading, Vendor},
    ids::{AttemptId, ContentHash},
    order::{AssetRef, Order},
    units::Millis,
};
use studio_engine::{
    Artifact, Availability, Cards, Engine, EngineError, Means, Progress, RunMedia, Workspace, asset_path,
};
use studiod::{
    engines::{Home, Patience, Service},
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

/// Looks often, gives up soon where a test waits for that.
fn patience() -> Patience {
    Patience {
        look: Duration::from_millis(20),
        release: Duration::from_secs(20),
        load: Duration::from_mins(1),
        away: Duration::from_millis(100),
    }
}

fn slot() -> PciAddress {
    "0000:03:00.0".parse().expect("a slot")
}

/// A card that says what a server uses of it.
struct Card(Box<dyn Fn() -> u64 + Send + Sync>);

impl Cards for Card {
    fn latest(&self) -> Vec<Reading> {
        vec![Reading {
            slot: slot(),
            vendor: Vendor::Amd,
            name: "a card".into(),
            vram_total_mib: Some(16_384),
            vram_free_mib: Some(16_384 - (self.0)()),
            busy_percent: None,
            temperature_c: None,
            power_w: None,
            power_limit_w: None,
            processes: Vec::new(),
        }]
    }

    fn peak_mib(&self, _card: &str, _from: Millis, _to: Millis) -> Option<u64> {
        None
    }

    fn energy_wh(&self, _card: &str, _from: Millis, _to: Millis) -> Option<f64> {
        None
    }
}

fn home(used_mib: impl Fn() -> u64 + Send + Sync + 'static) -> Home {
    Home { slot: Some(slot()), cards: Some(Arc::new(Card(Box::new(used_mib)))), unit: None }
}

fn service(engine: &'static str) -> Service {
    Service { engine, model: engine.into(), vram_mib: 4_000, load_s: 5, home: Home::default(), patience: patience() }
}

/// Rooms and kept files.
struct Place {
    dir: TempDir,
    rooms: AtomicU64,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(dir.path().join("assets")).expect("a folder");
        Self { dir, rooms: AtomicU64::new(0) }
    }

    fn room(&self) -> Workspace {
        let number = self.rooms.fetch_add(1, Ordering::SeqCst);
        let dir = self.dir.path().join(format!("room {number}"));
        std::fs::create_dir_all(&dir).expect("a room");
        Workspace::fresh(dir, self.dir.path().join("assets"), AttemptId(Uuid::from_u128(u128::from(number))))
    }

    /// Keeps a file.
    fn keep(&self, path: &Path) -> AssetRef {
        let bytes = std::fs::read(path).expect("it is there");
        let ext = path.extension().expect("an ending").to_string_lossy().into_owned();
        let asset = AssetRef { hash: ContentHash::of(&bytes), ext };
        let at = asset_path(&self.dir.path().join("assets"), &asset);
        std::fs::create_dir_all(at.parent().expect("a folder")).expect("a folder");
        std::fs::write(at, bytes).expect("it is kept");
        asset
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn media() -> Arc<dyn RunMedia> {
    Arc::new(ChildProcess::with_program(PROGRAM))
}

async fn run_in(engine: &dyn Engine, order: &Order, room: &Workspace) -> Result<Vec<Artifact>, EngineError> {
    let stop = CancellationToken::new();
    tokio::time::timeout(PATIENCE, engine.run(order, Means { room, progress: &Progress::noop(), stop: &stop }))
        .await
        .expect("it ends")
}

async fn run(engine: &dyn Engine, order: &Order, place: &Place) -> Result<Vec<Artifact>, EngineError> {
    run_in(engine, order, &place.room()).await
}

/// Waits until an offer is as wanted.
async fn until(mut offer: watch::Receiver<Availability>, wanted: impl FnMut(&Availability) -> bool) -> Availability {
    let found = tokio::time::timeout(PATIENCE, offer.wait_for(wanted)).await.expect("it comes");
    found.expect("somebody tells").clone()
}

async fn until_here(engine: &dyn Engine) -> Availability {
    until(engine.offer().expect("it offers"), |offer| offer.seats[0].away.is_none()).await
}
