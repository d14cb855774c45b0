//! Events: what happens in the studio, as it happens, for whoever listens.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use studio_core::{
    failure::{Cause, TaskFault},
    fleet::Away,
    ids::{CharacterId, EpisodeId, ProjectId, TaskId},
    production::Job,
    views::PortraitOwner,
};
use studio_engine::{Doing, Preview, Said};
use tokio::sync::broadcast;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum StudioEvent {
    /// Tasks of an episode were planned, one for each job.
    LaidOut {
        /// The episode whose tasks they are.
        episode: EpisodeId,
        /// The jobs, in order.
        jobs: Vec<Job>,
    },
    /// A task started, went on or ended.
    Task {
        /// The task that moved; its attempts share this id.
        task: TaskId,
        /// Of which episode.
        episode: EpisodeId,
        /// What it is.
        job: Job,
        /// How it stands.
        now: TaskUpdate,
    },
    /// Something was made or judged for a dataset, or could not be.
    Dataset {
        /// Whose dataset it is.
        character: CharacterId,
    },
    /// Something was made, judged, sent or decided for a reference sheet, or could not be.
    Portraits {
        /// Whose reference sheet it is.
        owner: PortraitOwner,
    },
    /// Something was trained, compared or decided for a LoRA, or could not be.
    Training {
        /// Whose LoRA it is.
        character: CharacterId,
    },
    /// Pictures without a name came, were named, or are to be named.
    Unnamed {
        /// For which project they came.
        project: ProjectId,
    },
    /// A video whose frames go into a dataset came, went on or ended.
    Ingest {
        /// Whose dataset it is.
        character: CharacterId,
    },
    /// A decision was made.
    Decided {
        /// For which episode.
        episode: EpisodeId,
        /// What was decided and why, in one sentence.
        reason: String,
    },
    /// Something that people write, set or take out has changed: an event about it is in the store.
    Changed,
    /// An attempt met a full disk: it is tried again later, but nothing much happens until there is room.
    DiskFull {
        /// What was being done, in one sentence.
        reason: String,
    },
    /// An engine outside this program came or went.
    Engine {
        /// Name of the engine, e.g. `comfy` or `ollama`.
        engine: String,
        /// Why it is away, process by process; `None`: it is there.
        away: Option<Vec<Away>>,
    },
    /// Nothing more happens to the episode until a person wants something of it.
    Ended {
        /// The episode whose tasks are all over.
        episode: EpisodeId,
        /// Some of it could not be made.
        failed: bool,
    },
}

/// What became of a task, or how far it is.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskUpdate {
    /// An attempt runs; this share of it is done.
    Running(f64),
    /// It has just been made; a gate has just decided.
    Made,
    /// Found made already.
    Reused,
    /// Another take was asked for.
    Retake,
    /// Tried again later.
    Requeued(Cause),
    /// Over without result.
    Failed(TaskFault),
    /// Cancelled before there was a result.
    Cancelled,
}

/// Where everybody hears what happens. A slow listener loses the oldest, never holds anybody up.
#[derive(Debug, Clone)]
pub struct Events {
    all: broadcast::Sender<StudioEvent>,
    live: Arc<Mutex<BTreeMap<TaskId, Live>>>,
    trouble: Arc<Mutex<Option<String>>>,
}

/// What a running attempt looks like this moment. Kept in memory only.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// How far it is.
    pub doing: Doing,
    /// Its newest preview.
    pub preview: Option<Preview>,
}

impl Default for Events {
    fn default() -> Self {
        Self { all: broadcast::channel(4096).0, live: Arc::default(), trouble: Arc::default() }
    }
}

impl Events {
    /// Tells everybody who listens now; it is kept for nobody else.
    pub fn tell(&self, happened: StudioEvent) {
        // Nobody listening is no error.
        let _ = self.all.send(happened);
    }

    /// Hears everything from now on.
    pub fn listen(&self) -> broadcast::Receiver<StudioEvent> {
        self.all.subscribe()
    }

    /// Keeps what an attempt says of itself; true when how far it is has changed.
    pub fn say(&self, task: TaskId, said: Said) -> bool {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = live.entry(task).or_default();
        match said {
            Said::Doing(doing) => {
                let news = mine.doing != doing;
                mine.doing = doing;
                news
            }
            Said::Preview(preview) => {
                mine.preview = Some(preview);
                false
            }
        }
    }

    /// What a running attempt looks like; `None` when nothing runs or nothing was said yet.
    pub fn live(&self, task: TaskId) -> Option<Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).get(&task).cloned()
    }

    /// Keeps why nothing is made at the moment, in one sentence; `None`: it is.
    pub fn trouble(&self, why: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Why nothing is made at the moment; `None`: it is.
    pub fn troubled(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The attempt is over.
    pub fn over(&self, task: TaskId) {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&task);
    }
}
