//! Schedule: events in, effects out. Decides what runs where, what is loaded, what waits and what is tried again.
//!
//! - `step` lives a task's life: submitted, ready, running, resting, over.
//! - `world` takes in what cards and engines say.
//! - `steer` takes in what people want.
//! - `place` chooses; it is silent and pure.
//! - `wait` explains.

mod admission;
mod baselines;
mod choose;
mod decision;
mod execute;
mod fair_share;
mod free;
mod lookahead;
mod place;
mod queue;
mod steer;
mod step;
mod view;
mod wait;
mod world;

pub use free::{Within, within};
use serde::{Deserialize, Serialize};
pub use step::step;
pub use view::{CardView, LoadedView, RunningView, SeatView, View, view};
pub use wait::{WaitReason, why};

use crate::{
    durations::{Load, Sample},
    failure::{Cause, Interruption, TaskFault},
    fleet::{Away, CardFacts, ModelFacts, PauseReason, Resident, Rules, Scope, SeatFacts},
    ids::TaskId,
    task::Class,
    units::Millis,
};

/// Something that happened in the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Work was asked for. A task that is already known keeps its place and takes the new needs.
    Submitted(Submission),
    /// An attempt succeeded, or an equal result was found.
    Finished {
        /// The task that has a result now.
        task: TaskId,
        /// It was not made now but found; nothing is learned from it.
        found: bool,
        /// The most memory it used, in MiB, when somebody measured.
        peak_mib: Option<u64>,
    },
    /// An attempt came to nothing.
    Failed {
        /// The task whose attempt ended without a result.
        task: TaskId,
        /// What happened; [`Cause::kind`] decides what is done about it.
        cause: Cause,
    },
    /// A running task found out that it needs other tasks first (a retake; an input that is gone).
    Deferred {
        /// The running task that goes back to waiting.
        task: TaskId,
        /// What it needs, beside what it already had.
        needs: Vec<Need>,
    },
    /// A take was judged and is not the one that counts: what began early from it is void.
    Judged {
        /// The take's task.
        take: TaskId,
        /// The take others may begin from instead.
        instead: Option<TaskId>,
    },
    /// Somebody wants the task stopped, and whatever cannot do without it.
    Cancelled {
        /// The task that nobody wants any more.
        task: TaskId,
    },
    /// Somebody wants all of these stopped at once, and whatever cannot do without them: none of them begins because
    /// another one of them is gone.
    AllCancelled {
        /// The tasks that nobody wants any more.
        tasks: Vec<TaskId>,
    },
    /// A person steers.
    Steered {
        /// The task a person moves, pins, holds or puts into another class.
        task: TaskId,
        /// What the person wants of it.
        to: Steer,
    },
    /// Something rests from now on: what runs there is finished, or interrupted when `hard`.
    Paused {
        /// What rests: the studio, a card, an engine or a project.
        scope: Scope,
        /// Running attempts are interrupted and made again later.
        hard: bool,
        /// Why it rests, for people; shown with all work that waits for it.
        why: PauseReason,
        /// When it ends, if that is known.
        until: Option<Millis>,
    },
    /// Models leave what rests in this scope, as soon as nothing runs there.
    Freeing {
        /// A scope that was paused: the studio, a card or an engine.
        scope: Scope,
    },
    /// Models that were to leave a seat have left, as far as [`Event::Unloaded`] said so.
    Freed {
        /// The seat they were in.
        seat: String,
    },
    /// It rests no longer.
    Resumed {
        /// What goes on: the same scope that was paused.
        scope: Scope,
    },
    /// A model is in a seat; also what an engine says when it is asked after a restart.
    Loaded(Resident),
    /// A model has left a seat.
    Unloaded(Resident),
    /// A change of models came to nothing, or only in part; what left was told by [`Event::Unloaded`].
    ChangeFailed {
        /// The seat that was to get a model.
        seat: String,
        /// What went wrong.
        cause: Cause,
    },
    /// A change of models is not needed any more: nothing left, and nothing came.
    ChangeDropped {
        /// The seat that was to get a model.
        seat: String,
    },
    /// A card said how it is.
    GpuSeen(CardFacts),
    /// A card is gone.
    GpuLost {
        /// Key of the card: its PCI address, or the name of the server that has it.
        card: String,
        /// Why the card is gone, as data.
        why: Away,
    },
    /// A process of an engine is there.
    EngineSeen(SeatFacts),
    /// A process of an engine is gone; what it ran will be reported failed by whoever ran it.
    EngineLost {
        /// Name of the seat that is gone.
        seat: String,
        /// The engine it is of.
        engine: String,
        /// Why the process is gone, as data.
        why: Away,
    },
    /// The catalogue changed.
    ModelsChanged(std::collections::BTreeMap<String, ModelFacts>),
    /// The settings changed.
    PolicyChanged(Rules),
    /// What an attempt of an earlier run took.
    Learned {
        /// What the attempt was, and the time and memory it took.
        sample: Sample,
        /// First runs of a kind are kept apart on that card.
        slow_first: bool,
    },
    /// How long a model took to come, now or in an earlier run.
    LoadLearned(Load),
    /// Time went by.
    Tick,
}

/// A task as the scheduler sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The task's identity; events and effects about it carry the same.
    pub task: TaskId,
    /// Which engine does it.
    pub engine: String,
    /// With which model; empty for engines without.
    pub model: String,
    /// What makes its duration comparable: size, length, steps.
    pub kind: String,
    /// The project it is for; empty when it is for none.
    pub project: String,
    /// Who waits for it.
    pub class: Class,
    /// Submitted before this one. A task nobody knows (any more) counts as finished.
    pub needs: Vec<Need>,
    /// Attempts that already failed.
    pub strikes: u32,
    /// Not before this moment.
    pub not_before: Millis,
    /// How long it may take, in milliseconds, while nothing is learned.
    pub guess_ms: u64,
    /// Memory it needs in MiB, when that is more than the catalogue's figure of its model; 0 otherwise.
    pub need_mib: u64,
    /// The take it judges: when it is rejected, work of that take's model comes back.
    pub judges: Option<TaskId>,
    /// The only seat it may run in: that one has it already.
    pub only: Option<String>,
    /// A person wants it first.
    pub pinned: bool,
    /// A person wants it to wait.
    pub held: bool,
}

impl Submission {
    /// A task of an engine without models that nobody knows anything about.
    pub fn plain(task: TaskId, engine: &str, class: Class) -> Self {
        Self {
            task,
            engine: engine.to_owned(),
            model: String::new(),
            kind: String::new(),
            project: String::new(),
            class,
            needs: Vec::new(),
            strikes: 0,
            not_before: Millis(i64::MIN),
            guess_ms: 0,
            need_mib: 0,
            judges: None,
            only: None,
            pinned: false,
            held: false,
        }
    }
}

/// A task another one waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The task that is waited for.
    pub task: TaskId,
    /// The other can do without its result: a film without music is a film.
    pub optional: bool,
    /// When this one is done, if only speculatively, the other may begin speculatively on an idle card: the need itself
    /// is only a judgement of it, or stands on one.
    pub speculative: Option<TaskId>,
}

impl Need {
    /// A need that must be met.
    pub fn must(task: TaskId) -> Self {
        Self { task, optional: false, speculative: None }
    }
}

/// What a person wants of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Steer {
    /// First among its class.
    Pin,
    /// Among the others of its class again, after a pin.
    Unpin,
    /// Not until it is released.
    Hold,
    /// It may go on.
    Release,
    /// Just before another task.
    Before(TaskId),
    /// Of another class from now on.
    Class(Class),
}

/// What is to be done about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Start an attempt.
    Run {
        /// The task whose attempt starts.
        task: TaskId,
        /// In which seat.
        seat: String,
        /// From a take nobody has judged yet.
        speculative: bool,
    },
    /// A speculative attempt has proved right: its result counts. Answered like a run.
    Adopt {
        /// The task whose speculative result becomes its result.
        task: TaskId,
    },
    /// Stop the running attempt; its end arrives as [`Event::Failed`].
    Cancel {
        /// The task whose attempt is stopped.
        task: TaskId,
    },
    /// Stop the running attempt, which will be made again; its end arrives as [`Event::Failed`] with
    /// [`Lost`](crate::failure::FailureKind::Lost).
    Interrupt {
        /// The task whose attempt is stopped and made again later.
        task: TaskId,
        /// What interrupts it: another program, a pause, or a rejected take.
        by: Interruption,
    },
    /// Take an attempt back that waits inside its engine; one that has begun is left alone. When it comes back, that
    /// arrives as [`Event::Failed`] with [`Lost`](crate::failure::FailureKind::Lost).
    Withdraw {
        /// The task whose attempt is wanted back.
        task: TaskId,
    },
    /// Have models leave and one come, in this order; told by [`Event::Unloaded`] and [`Event::Loaded`].
    Change(SwapPlan),
    /// Have models leave a seat; told by [`Event::Unloaded`] for each, and [`Event::Freed`].
    Release {
        /// Name of the seat.
        seat: String,
        /// The models that are known to be there; the engine may know of more.
        models: Vec<String>,
    },
    /// The task will be tried again.
    Requeue {
        /// The task whose attempt failed.
        task: TaskId,
        /// Not before this moment.
        until: Millis,
        /// The failure counts against the task.
        counted: bool,
        /// Why the attempt failed.
        cause: Cause,
    },
    /// The task is over without a result.
    Reject {
        /// The task that ends without a result.
        task: TaskId,
        /// What it, or a task it cannot do without, came to.
        fault: TaskFault,
    },
    /// A seat is left alone until it has proved itself.
    Quarantine {
        /// Name of the seat that gets no work until then.
        seat: String,
        /// Until then; after it one task is its probe.
        until: Millis,
        /// What went wrong there last.
        cause: Cause,
    },
    /// Send [`Event::Tick`] at this moment.
    WakeAt(Millis),
}

impl Effect {
    /// The task it is about.
    pub fn task(&self) -> Option<TaskId> {
        match self {
            Self::Run { task, .. }
            | Self::Adopt { task }
            | Self::Cancel { task }
            | Self::Interrupt { task, .. }
            | Self::Withdraw { task }
            | Self::Requeue { task, .. }
            | Self::Reject { task, .. } => Some(*task),
            Self::Change(_) | Self::Release { .. } | Self::Quarantine { .. } | Self::WakeAt(_) => None,
        }
    }
}

/// Models that leave, one that comes, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwapPlan {
    /// Key of the card whose models change.
    pub card: String,
    /// The seat that gets the model.
    pub seat: String,
    /// The model that comes.
    pub model: String,
    /// What is booked for it, in MiB.
    pub need_mib: u64,
    /// What leaves first.
    pub unload: Vec<Resident>,
    /// The reason for the change, as data.
    pub why: SwapReason,
    /// Tasks that wait for it now.
    pub waiting: usize,
    /// What the swap costs: loading it, and loading what leaves again when work waits for that, in milliseconds.
    pub cost_ms: u64,
    /// What it saves over swapping for every task in the order they came, in milliseconds.
    pub saves_ms: u64,
}

/// Why models change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum SwapReason {
    /// There is room for it beside the others.
    Room,
    /// Nothing waits for what was there.
    NothingLeft,
    /// Its work is of a higher class.
    Class,
    /// Its class was passed over for as long as it may be.
    Turn,
    /// Its first task has waited longer than its class's patience.
    Patience {
        /// How long, in milliseconds.
        waited_ms: i64,
    },
    /// Another card would run out of work.
    Feeds {
        /// Key of the card that would run out of work.
        card: String,
    },
    /// All other work of its engine would be done before what follows from it.
    Late,
    /// Its work will be ready soon, and the card is idle.
    Ahead {
        /// In how long, in milliseconds.
        in_ms: u64,
    },
    /// A person wants it first.
    Pinned,
}

impl std::fmt::Display for SwapPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let minutes = |ms: u64| ms as f64 / 60_000.0;
        write!(f, "{} comes to {}", self.model, self.card)?;
        if !self.unload.is_empty() {
            let gone: Vec<&str> = self.unload.iter().map(|one| one.model.as_str()).collect();
            write!(f, " in place of {}", gone.join(" and "))?;
        }
        match &self.why {
            SwapReason::Room => write!(f, ": there is room for it")?,
            SwapReason::NothingLeft => write!(f, ": nothing waits for what was there")?,
            SwapReason::Class => write!(f, ": its work is of a higher class")?,
            SwapReason::Turn => write!(f, ": its class was passed over for long enough")?,
            SwapReason::Patience { waited_ms } => {
                write!(f, ": its first task has waited {:.0} min", minutes(waited_ms.unsigned_abs()))?;
            }
            SwapReason::Late => write!(f, ": everything else would wait for what follows from it")?,
            SwapReason::Feeds { card } => write!(f, ": {card} would run out of work")?,
            SwapReason::Ahead { in_ms } => {
                write!(f, ": its work comes in {:.1} min and the card is idle", minutes(*in_ms))?;
            }
            SwapReason::Pinned => write!(f, ": a person wants it first")?,
        }
        write!(f, "; {} waiting, costs {:.1} min", self.waiting, minutes(self.cost_ms))?;
        if self.saves_ms > 0 {
            write!(f, ", saves up to {:.1} min over the order of arrival", minutes(self.saves_ms))?;
        }
        Ok(())
    }
}
