//! Task: one unit of durable work for one engine; attempt: one execution of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    failure::{Cause, TaskFault},
    ids::{AttemptId, CharacterId, ContentHash, EpisodeId, PictureId, PortraitId, ProbeId, TaskId, TrainingId},
    job::Job,
    ladder::Rung,
    order::{Order, Outputs},
    units::Millis,
    views::PortraitOwner,
};

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum TaskState {
    /// Waits for other tasks, for its turn, or for a back-off to end.
    Waiting,
    /// An attempt is running.
    Running,
    /// Its outputs are there.
    Succeeded,
    /// No attempts left, or trying again cannot help.
    Failed,
    /// Only a person can decide how it goes on: nobody could judge what was made. Over until somebody has.
    NeedsPerson,
    /// A person or a changed plan stopped it.
    Cancelled,
}

impl TaskState {
    /// Nothing will happen to it by itself.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running)
    }

    /// Whether a task may go from `self` to `next`. A finished task may wait again: asked for once more.
    pub fn may_become(self, next: Self) -> bool {
        match next {
            Self::Waiting => true,
            Self::Running => self == Self::Waiting,
            Self::Succeeded | Self::Failed | Self::NeedsPerson | Self::Cancelled => !self.is_final(),
        }
    }
}

impl TaskFault {
    /// The state a task ends in that came to this.
    pub fn state(&self) -> TaskState {
        match (&self.cause, self.need) {
            (Cause::Cancelled, _) => TaskState::Cancelled,
            (Cause::Unjudged { .. } | Cause::Unseen { .. }, None) => TaskState::NeedsPerson,
            _ => TaskState::Failed,
        }
    }
}

/// Who is waiting for it: interactive > production > background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Class {
    /// A person is looking at the page.
    Interactive,
    /// A film somebody asked for.
    Production,
    /// Nobody waits for it, so it may be passed over longest.
    Background,
}

/// Work that belongs to no episode: a picture of a dataset or of a reference sheet, or what a LoRA is trained by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum PictureJob {
    /// Make a picture.
    Picture {
        /// Whose dataset it is for.
        character: CharacterId,
        /// The identity it gets.
        picture: PictureId,
    },
    /// Judge a picture.
    PictureReview {
        /// Whose dataset it is in.
        character: CharacterId,
        /// The picture that is judged.
        picture: PictureId,
    },
    /// Make a portrait.
    Portrait {
        /// Whose reference sheet it is for.
        owner: PortraitOwner,
        /// The identity it gets.
        portrait: PortraitId,
    },
    /// Judge a portrait.
    PortraitReview {
        /// Whose reference sheet it is for.
        owner: PortraitOwner,
        /// The portrait that is judged.
        portrait: PortraitId,
    },
    /// Train a LoRA up to an epoch.
    TrainingSlice {
        /// Whose dataset it is trained on.
        character: CharacterId,
        /// The run it is a slice of.
        training: TrainingId,
        /// The epoch it ends with.
        to: u32,
    },
    /// Make a picture that shows how good a LoRA is.
    TrainingProbe {
        /// Whom it shows.
        character: CharacterId,
        /// The identity it has.
        probe: ProbeId,
    },
    /// Judge such a picture.
    TrainingProbeReview {
        /// Whom it shows.
        character: CharacterId,
        /// The probe that is judged.
        probe: ProbeId,
    },
}

impl PictureJob {
    /// Whose picture it is.
    pub fn owner(self) -> PortraitOwner {
        match self {
            Self::Picture { character, .. }
            | Self::PictureReview { character, .. }
            | Self::TrainingSlice { character, .. }
            | Self::TrainingProbe { character, .. }
            | Self::TrainingProbeReview { character, .. } => PortraitOwner::Character(character),
            Self::Portrait { owner, .. } | Self::PortraitReview { owner, .. } => owner,
        }
    }

    /// The identity of what is made or judged; of a slice that of its run.
    pub fn id(self) -> Uuid {
        match self {
            Self::Picture { picture, .. } | Self::PictureReview { picture, .. } => picture.0,
            Self::Portrait { portrait, .. } | Self::PortraitReview { portrait, .. } => portrait.0,
            Self::TrainingSlice { training, .. } => training.0,
            Self::TrainingProbe { probe, .. } | Self::TrainingProbeReview { probe, .. } => probe.0,
        }
    }

    /// It makes a picture of a dataset or a reference sheet; else it judges, or belongs to a training.
    pub fn makes(self) -> bool {
        matches!(self, Self::Picture { .. } | Self::Portrait { .. })
    }

    /// It belongs to the training of a LoRA.
    pub fn is_training(self) -> bool {
        matches!(self, Self::TrainingSlice { .. } | Self::TrainingProbe { .. } | Self::TrainingProbeReview { .. })
    }

    /// It is for a reference sheet; else for a dataset.
    pub fn is_portrait(self) -> bool {
        matches!(self, Self::Portrait { .. } | Self::PortraitReview { .. })
    }
}

impl fmt::Display for PictureJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Picture { picture, .. } => write!(f, "picture {picture}"),
            Self::PictureReview { picture, .. } => write!(f, "picture {picture}/review"),
            Self::Portrait { portrait, .. } => write!(f, "portrait {portrait}"),
            Self::PortraitReview { portrait, .. } => write!(f, "portrait {portrait}/review"),
            Self::TrainingSlice { training, to, .. } => write!(f, "training {training}/epoch {to}"),
            Self::TrainingProbe { probe, .. } => write!(f, "probe {probe}"),
            Self::TrainingProbeReview { probe, .. } => write!(f, "probe {probe}/review"),
        }
    }
}

/// What a task is to make: a part of an episode, or a picture of a dataset or a reference sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Work {
    /// A job of an episode's production.
    Production(Job),
    /// A picture of a dataset or a reference sheet, made or judged.
    Picture(PictureJob),
}

impl Work {
    /// The job of a production; `None` of other work.
    pub fn production(self) -> Option<Job> {
        match self {
            Self::Production(job) => Some(job),
            Self::Picture(_) => None,
        }
    }
}

impl From<Job> for Work {
    fn from(job: Job) -> Self {
        Self::Production(job)
    }
}

impl PartialEq<Job> for Work {
    fn eq(&self, job: &Job) -> bool {
        self.production() == Some(*job)
    }
}

/// One unit of durable work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Task {
    /// Identity of the task, kept when its episode is planned again.
    pub id: TaskId,
    /// The episode it is for; `None` for work of its own.
    pub episode_id: Option<EpisodeId>,
    /// What it is in its episode, e.g. `scene 1/shot 3/clip/take 2`, unique there; of other work what it makes.
    pub slot: String,
    /// Which engine does it, e.g. `draft.clips`.
    pub engine: String,
    /// Who waits for it.
    pub class: Class,
    /// How far it is.
    pub state: TaskState,
    /// One sentence about the state: why it waits, why it failed, where its result came from.
    pub reason: String,
    /// What it, or a task it cannot do without, came to: the same as data. `None` while nothing went wrong, and of
    /// tasks that ended before the studio kept it.
    #[serde(default)]
    pub fault: Option<TaskFault>,
    /// What is to be made.
    pub job: Work,
    /// Key of the resolved order; `None` until its inputs are there.
    pub key: Option<ContentHash>,
    /// What it led to.
    pub outputs: Option<Outputs>,
    /// Attempts that failed since it was last asked for.
    pub strikes: u32,
    /// What is done differently because the card was full before, in the order tried.
    pub relief: Vec<Rung>,
    /// Not before this moment.
    pub not_before: Millis,
    /// When it was first asked for.
    pub created: Millis,
    /// When anything about it last changed.
    pub updated: Millis,
}

/// How an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum AttemptState {
    /// The engine has it, or is about to hear of it.
    Running,
    /// Its outputs are kept.
    Succeeded,
    /// The engine said no.
    Failed,
    /// The studio stopped while it ran and the engine knows nothing of it.
    Lost,
    /// Somebody stopped it.
    Cancelled,
}

/// One execution of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Attempt {
    /// Identity; the engine is told this one.
    pub id: AttemptId,
    /// The task that it is an execution of.
    pub task_id: TaskId,
    /// Key of the order.
    pub key: ContentHash,
    /// Engine name and version.
    pub engine: String,
    /// The resolved order.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub order: Order,
    /// How it stands.
    pub state: AttemptState,
    /// What it led to.
    pub outputs: Option<Outputs>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it started.
    pub started: Millis,
    /// When it ended.
    pub ended: Option<Millis>,
    /// What was done differently because the card was full before.
    pub relief: Vec<Rung>,
    /// What makes durations comparable: workflow, model, size, frames.
    pub kind_of_work: Option<String>,
    /// The card it was made on: PCI slot, or the server's name.
    pub card: Option<String>,
    /// The server that made it.
    pub server: Option<String>,
    /// Energy the card used meanwhile, in watt-hours.
    pub energy_wh: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{failure::FailureKind, take::MustLook};

    const ALL: [TaskState; 6] = [
        TaskState::Waiting,
        TaskState::Running,
        TaskState::Succeeded,
        TaskState::Failed,
        TaskState::NeedsPerson,
        TaskState::Cancelled,
    ];

    #[test]
    fn what_is_over_may_only_be_asked_for_again() {
        for state in ALL {
            let next: Vec<_> = ALL.into_iter().filter(|next| state.may_become(*next)).collect();
            match state {
                TaskState::Waiting => assert_eq!(next, ALL),
                TaskState::Running => assert_eq!(next, ALL.into_iter().filter(|one| *one != state).collect::<Vec<_>>()),
                _ => assert_eq!(next, [TaskState::Waiting], "{state:?}"),
            }
            assert_eq!(state.is_final(), !matches!(state, TaskState::Waiting | TaskState::Running));
        }
    }

    #[test]
    fn only_the_shot_nobody_could_judge_needs_a_person() {
        let unjudged = || Cause::Unjudged { said: None };
        let need = Some(TaskId(uuid::Uuid::nil()));
        assert_eq!(TaskFault::own(unjudged()).state(), TaskState::NeedsPerson);
        assert_eq!(TaskFault::own(Cause::Unseen { why: MustLook::NoFrame }).state(), TaskState::NeedsPerson);
        assert_eq!(TaskFault { need, cause: unjudged() }.state(), TaskState::Failed);
        assert_eq!(TaskFault { need, cause: Cause::Cancelled }.state(), TaskState::Cancelled);
        // However it is worded.
        let worded = Cause::attempt(FailureKind::Refused, "a person must look at this shot");
        assert_eq!(TaskFault::own(worded).state(), TaskState::Failed);
    }
}
