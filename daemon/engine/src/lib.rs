//! What every engine of the studio is to the one who gives it orders: one trait, what it works with, what it leaves.
//!
//! A crate of its own between the conductor and the engines, so that neither names the other and both compile at once.
#![deny(unsafe_code)]

use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
};

pub use studio_core::failure::FailureKind;
use studio_core::{
    fleet::{Away, CardFacts, ModelFacts, SeatFacts},
    gpu::Reading,
    ids::AttemptId,
    ladder::Rung,
    media::{MediaFacts, MediaPlan, MediaResult},
    order::{AssetRef, Order, Outputs, Reported, Role},
    units::Millis,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A boxed future, so that engines can stand side by side in one table.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that makes what an [`Order`] asks for. All calls are idempotent.
pub trait Engine: Send + Sync {
    /// Name and version, e.g. `draft.stills/1`: part of every key, so a version that draws differently is bumped.
    fn version(&self) -> String;

    /// Name and version for one order, when they depend on it: engines with models name the model and everything
    /// about it that decides the result.
    fn version_for(&self, _order: &Order) -> String {
        self.version()
    }

    /// What makes durations comparable: workflow, model, size and length; `None` when nothing is learned from them.
    fn kind_of_work(&self, _order: &Order) -> Option<String> {
        None
    }

    /// Carries out an order. Files are left in the folder of `with.room`; nothing is written elsewhere.
    /// Returns within a second of `with.stop` being cancelled, with [`FailureKind::Cancelled`]; an engine outside this
    /// program returns when the other side has confirmed.
    fn run<'a>(&'a self, order: &'a Order, with: Means<'a>) -> Made<'a>;

    /// Whether a result found in the store still stands outside it; files the studio keeps are checked by the caller.
    fn stands(&self, _order: &Order, _outputs: &Outputs) -> bool {
        true
    }

    /// Files that carrying out `order` may leave outside the studio, relative to the place it names: known before it
    /// begins, so that they are found when it is cut off. None where it will be refused. May look at the disk.
    fn leaves(&self, _order: &Order) -> Vec<String> {
        Vec::new()
    }

    /// Whether an attempt outlives the studio: it is then not stopped when the studio closes, and `run` is called
    /// for it again, with `room.resumed`, at the next start. Engines inside this program die with it.
    fn outlives(&self) -> bool {
        false
    }

    /// Stops an attempt of an earlier run of the studio that nobody wants any more.
    fn abandon(&self, _attempt: AttemptId) -> Boxed<'_, ()> {
        Box::pin(async {})
    }

    /// What can be done, in no order, when the card was full while making `order`.
    fn relief(&self, _order: &Order) -> Vec<Rung> {
        Vec::new()
    }

    /// The order for another model of this engine that can do it with less memory.
    fn with_other_model(&self, _order: &Order) -> Option<Order> {
        None
    }

    /// Its processes, what they can do and what they have loaded, as that changes; `None` for engines inside this
    /// program, which are always there.
    fn offer(&self) -> Option<watch::Receiver<Availability>> {
        None
    }

    /// Looks at its processes once, now, and has [`Engine::offer`] say how they are. Nothing is begun, started or changed
    /// there.
    fn look(&self) -> Boxed<'_, ()> {
        Box::pin(async {})
    }

    /// Looks after its processes from now on, for as long as it lives. An engine nobody has told so is at rest: no
    /// task, no connection, no question. A second call changes nothing.
    fn watch(&self) {}

    /// Has a model loaded in a seat, so that the next order finds it there. Engines that load with the first order
    /// that needs a model have nothing to do.
    fn ready<'a>(&'a self, _seat: &'a str, _model: &'a str) -> Boxed<'a, Result<Ready, EngineError>> {
        Box::pin(async { Ok(Ready::WithFirstOrder) })
    }

    /// Has a model leave a seat, and returns when its memory has been given back.
    fn release<'a>(&'a self, _seat: &'a str, _model: &'a str) -> Boxed<'a, Result<(), EngineError>> {
        Box::pin(async { Ok(()) })
    }

    /// Calls of this engine cost money: what one order does, in the currency of the settings.
    fn price(&self, _order: &Order) -> f64 {
        0.0
    }
}

/// How a model came to be ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// The call brought it: the time the call took is what loading takes.
    Loaded,
    /// It was there already.
    AlreadyThere,
    /// It comes with the first order that needs it, which takes so much longer.
    WithFirstOrder,
}

/// What an engine offers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Availability {
    /// Its processes, also those that are not there.
    pub seats: Vec<WorkerStatus>,
    /// What is known of its models.
    pub models: BTreeMap<String, ModelFacts>,
}

/// One process of an engine.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerStatus {
    /// What it can do.
    pub facts: SeatFacts,
    /// Why it is not there; `None`: it is.
    pub away: Option<Away>,
    /// Its card, when only the engine can see it: another machine's.
    pub card: Option<CardFacts>,
    /// Models it says are loaded; `None` when it does not say.
    pub loaded: Option<Vec<String>>,
}

impl Availability {
    /// Orders it takes at a time; 0 when nothing is there.
    pub fn slots(&self) -> usize {
        let here = self.seats.iter().filter(|seat| seat.away.is_none());
        here.map(|seat| seat.facts.parallel + seat.facts.queue_ahead).sum()
    }

    /// Why nothing of it is there, seat by seat; `None` when something is.
    pub fn away(&self) -> Option<Vec<Away>> {
        (self.slots() == 0).then(|| self.seats.iter().filter_map(|seat| seat.away.clone()).collect())
    }
}

/// Knows the cards of this machine.
pub trait Cards: Send + Sync {
    /// What every card said last.
    fn latest(&self) -> Vec<Reading>;

    /// The most memory that was used on `card` (PCI slot) between two moments, in MiB; `None` when it was not measured.
    fn peak_mib(&self, card: &str, from: Millis, to: Millis) -> Option<u64>;

    /// Watt-hours that `card` (PCI slot) used between two moments; `None` when it was not measured.
    fn energy_wh(&self, card: &str, from: Millis, to: Millis) -> Option<f64>;
}

/// Where an attempt works, and where the files of the studio are.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Folder of this attempt alone; exists, empty, removed afterwards.
    pub dir: PathBuf,
    /// Root of the kept files.
    pub assets: PathBuf,
    /// The attempt: engines outside this program know it by this.
    pub attempt: AttemptId,
    /// The seat the scheduler has chosen; empty: any.
    pub seat: String,
    /// The engine may have heard of the attempt before: ask it what became of it first.
    pub resumed: bool,
    /// What is done differently because the card was full before.
    pub relief: Vec<Rung>,
    /// How long such work usually takes, in milliseconds, by card; see [`Engine::kind_of_work`].
    pub usual_ms: BTreeMap<String, u64>,
    /// The attempt is wanted back if it has not begun: an engine in which it waits gives it up with
    /// [`FailureKind::Lost`], one that is at it goes on.
    pub recall: CancellationToken,
    /// The studio closes: an engine that outlives it returns at once, with [`FailureKind::Left`].
    pub closing: CancellationToken,
}

impl Workspace {
    /// A room for an attempt nobody has heard of.
    pub fn fresh(dir: PathBuf, assets: PathBuf, attempt: AttemptId) -> Self {
        let (recall, closing) = (CancellationToken::new(), CancellationToken::new());
        let (seat, usual_ms) = (String::new(), BTreeMap::new());
        Self { dir, assets, attempt, seat, resumed: false, relief: Vec::new(), usual_ms, recall, closing }
    }

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
pub enum Artifact {
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
    /// Where it was made: key of the card and name of the server.
    On {
        /// PCI address of the card, or the name of the server that has it.
        card: String,
        /// Name of the server, as in the settings.
        server: String,
    },
}

/// How far an attempt is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Doing {
    /// Share that is done, 0-1.
    pub done: f64,
    /// What is being done, e.g. "sampling, step 12 of 25, section 2 of 4"; empty when there is nothing to say.
    pub what: String,
    /// Time left in milliseconds, when it can be told.
    pub left_ms: Option<u64>,
}

/// A picture of what is being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// `image/jpeg` or `image/png`.
    pub mime: &'static str,
    /// The encoded picture.
    pub bytes: Arc<Vec<u8>>,
}

/// Something an engine says while it works.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// How far it is.
    Doing(Doing),
    /// What it looks like.
    Preview(Preview),
}

/// Hears how an attempt goes on.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(Said) + Send + Sync>);

impl Progress {
    /// Calls `hear` with everything that is said, in order.
    pub fn new(hear: impl Fn(Said) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    /// Calls `hear` with each share that is done, 0-1, in order.
    pub fn shares(hear: impl Fn(f64) + Send + Sync + 'static) -> Self {
        Self::new(move |said| {
            if let Said::Doing(doing) = said {
                hear(doing.done);
            }
        })
    }

    /// Progress that nobody hears.
    pub fn noop() -> Self {
        Self::new(|_| {})
    }

    /// Tells how much is done, 0-1.
    pub fn tell(&self, done: f64) {
        self.say(Said::Doing(Doing { done: done.clamp(0.0, 1.0), ..Doing::default() }));
    }

    /// Passes something on to whoever listens.
    pub fn say(&self, said: Said) {
        (self.0)(said);
    }
}

/// What an attempt works with.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// Where it works, and where the files of the studio are.
    pub room: &'a Workspace,
    /// Who hears how it goes on.
    pub progress: &'a Progress,
    /// Cancelled when the attempt is to end.
    pub stop: &'a CancellationToken,
}

/// What an engine leaves behind, or why it came to nothing.
pub type Made<'a> = Boxed<'a, Result<Vec<Artifact>, EngineError>>;

/// Carries out media plans; the child process does, tests may put something else in its place.
pub trait RunMedia: Send + Sync {
    /// Runs one plan. `dir` is the working folder for temporary files.
    fn run<'a>(
        &'a self,
        plan: MediaPlan,
        dir: &'a Path,
        progress: &'a Progress,
        stop: &'a CancellationToken,
    ) -> Boxed<'a, Result<MediaResult, EngineError>>;
}

/// Too many open files in the whole system, errno(3) of Linux.
const ENFILE: i32 = 23;
/// Too many open files in this process, errno(3) of Linux.
const EMFILE: i32 = 24;

/// Why an attempt came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// What to do about it.
    pub kind: FailureKind,
    /// One sentence with the remedy where there is one.
    pub message: String,
    /// How long the server asked to be left alone, in milliseconds (`Retry-After`, RFC 9110, section 10.2.3).
    pub retry_after_ms: Option<i64>,
}

impl EngineError {
    /// A failure of `kind`, said in one sentence.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after_ms: None }
    }

    /// The same of a server that asked to be left alone for some milliseconds.
    #[must_use]
    pub fn retry_after(self, retry_after_ms: Option<i64>) -> Self {
        Self { retry_after_ms, ..self }
    }

    /// From an i/o error while doing `what` ("failed to ..."); a full disk is told apart, and a studio that has no
    /// descriptors left (`EMFILE`, `ENFILE`), which passes.
    pub fn io(what: &str, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => FailureKind::DiskFull,
            _ if matches!(error.raw_os_error(), Some(EMFILE | ENFILE)) => FailureKind::Away,
            _ => FailureKind::Transient,
        };
        Self::new(kind, format!("{what}: {error}"))
    }
}
