//! Edge: the one shape every engine, the media process and the publisher have towards the conductor.

use std::{
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
};

use studio_core::{
    ids::AttemptId,
    media::{MediaFacts, MediaPlan, MediaResult},
    order::{AssetRef, Order, Outputs, Reported, Role},
};
use tokio_util::sync::CancellationToken;

/// A boxed future, so that engines can stand side by side in one table.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that makes what an [`Order`] asks for. All calls are idempotent.
pub trait Engine: Send + Sync {
    /// Name and version, e.g. `draft.stills/1`: part of every key, so a version that draws differently is bumped.
    fn version(&self) -> String;

    /// Carries out an order. Files are left in `room.dir`; nothing is written elsewhere.
    /// Returns within a second of `stop` being cancelled, with [`FailureKind::Cancelled`].
    fn run<'a>(
        &'a self,
        order: &'a Order,
        room: &'a Room,
        progress: &'a Progress,
        stop: &'a CancellationToken,
    ) -> Boxed<'a, Result<Vec<Made>, Failure>>;

    /// Whether a result found in the store still stands outside it; files the studio keeps are checked by the caller.
    fn stands(&self, _order: &Order, _outputs: &Outputs) -> bool {
        true
    }

    /// What became of an attempt that was running when the studio stopped. Engines inside this
    /// program die with it, so the default is that nothing is left.
    fn adopt(&self, _attempt: AttemptId) -> Boxed<'_, Adopted> {
        Box::pin(async { Adopted::Unknown })
    }
}

/// What became of an attempt after a restart.
#[derive(Debug)]
pub enum Adopted {
    /// The engine never heard of it, or has forgotten it: it is lost.
    Unknown,
    /// The engine finished it meanwhile.
    Finished(Vec<Made>),
}

/// Where an attempt works, and where the files of the studio are.
#[derive(Debug, Clone)]
pub struct Room {
    /// Folder of this attempt alone; exists, empty, removed afterwards.
    pub dir: PathBuf,
    /// Root of the kept files.
    pub assets: PathBuf,
}

impl Room {
    /// Where a kept file is.
    pub fn path(&self, asset: &AssetRef) -> PathBuf {
        asset_path(&self.assets, asset)
    }
}

/// `ROOT/ab/abcdef...ext`: content-addressed, so a path is never made from a name.
pub fn asset_path(root: &Path, asset: &AssetRef) -> PathBuf {
    let name = asset.hash.to_string();
    root.join(&name[..2]).join(format!("{name}.{}", asset.ext))
}

/// A file or a finding an engine leaves behind.
#[derive(Debug, Clone, PartialEq)]
pub enum Made {
    /// A complete file inside the room.
    File {
        /// What it is in the result.
        role: Role,
        /// Where it is.
        path: PathBuf,
        /// What is known of it.
        facts: MediaFacts,
    },
    /// Something found out.
    Finding(Reported),
}

/// Hears how much of an attempt is done, 0-1.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(f64) + Send + Sync>);

impl Progress {
    /// Calls `hear` with each share, in order.
    pub fn new(hear: impl Fn(f64) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    /// Nobody listens.
    pub fn ignored() -> Self {
        Self::new(|_| {})
    }

    /// Tells how much is done, 0-1.
    pub fn tell(&self, done: f64) {
        (self.0)(done.clamp(0.0, 1.0));
    }
}

/// Carries out media plans; the child process does, tests may put something else in its place.
pub trait RunMedia: Send + Sync {
    /// Runs one plan. `dir` is the working folder for temporary files.
    fn run<'a>(
        &'a self,
        plan: MediaPlan,
        dir: &'a Path,
        progress: &'a Progress,
        stop: &'a CancellationToken,
    ) -> Boxed<'a, Result<MediaResult, Failure>>;
}

/// Why an attempt came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What to do about it.
    pub kind: FailureKind,
    /// One sentence with the remedy where there is one.
    pub message: String,
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// May work the next time: try again after a pause.
    Transient,
    /// The card is full: try again smaller.
    OutOfMemory,
    /// Will never work like this.
    Refused,
    /// An input is gone or damaged: make it again first.
    BadInput,
    /// The disk is full: nothing more can be made until there is room.
    DiskFull,
    /// The engine forgot the attempt.
    Lost,
    /// Somebody stopped it.
    Cancelled,
}

impl Failure {
    /// A failure of `kind`, said in one sentence.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// From an i/o error while doing `what` ("failed to ..."); a full disk is told apart.
    pub fn io(what: &str, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => FailureKind::DiskFull,
            _ => FailureKind::Transient,
        };
        Self::new(kind, format!("{what}: {error}"))
    }
}
