//! Inbox: what can be asked of the conductor, and what it hears back from its engines.

use serde::{Deserialize, Serialize};
use studio_core::{
    dataset::{PictureRequest, Review},
    fleet::{Resident, Scope},
    ids::{AttemptId, ContentHash, EpisodeId, ProjectId, ReviewId, TaskId},
    production::{Checkpoint, Production},
    project::Project,
    quiet::QuietHours,
    schedule::{Event, Steer, View, WaitReason, Within},
};
use studio_engine::{Availability, Ready};
use tokio::sync::{mpsc, oneshot};

use super::{
    Error, Snapshot,
    attempt::{Failed, Kept},
};
use crate::{
    store::opinions::Opinion,
    trace::{self, RequestId},
    upkeep::Unpublished,
};

/// An episode to be made.
#[derive(Debug, Clone)]
pub struct Produce {
    /// The project it belongs to; found again by its slug.
    pub project: Project,
    /// Everything that decides how it turns out.
    pub production: Production,
    /// The screenplay as it was written; `None`: as it is known.
    pub text: Option<String>,
}

/// How something is to rest.
#[derive(Debug, Clone, Default)]
pub struct Resting {
    /// What runs there is interrupted, and made again later; otherwise it is finished.
    pub hard: bool,
    /// Models leave as soon as nothing runs there; otherwise they stay loaded.
    pub frees: bool,
    /// Why, in one sentence.
    pub why: String,
}

/// What a person does about a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum OverrideAction {
    /// What is there stays, whatever changes around it.
    Lock,
    /// What was locked or put in place no longer is.
    Release,
    /// Another take is made.
    Another,
    /// This kept file takes the place.
    Put {
        /// Hash of the kept file.
        asset: ContentHash,
    },
    /// The picture of a shot is made from this kept picture, image to image. Released like a lock.
    From {
        /// Hash of the kept picture.
        asset: ContentHash,
        /// How far it may be left, 1-100 percent: at 100 little more than its colours stays. `None`: as far as the
        /// model's workflow says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(minimum = 1, maximum = 100)]
        strength_percent: Option<u8>,
    },
}

/// What the conductor hears.
#[derive(Debug)]
pub(super) enum Message {
    Produce(Box<Produce>, oneshot::Sender<Result<EpisodeId, Error>>),
    Write(Box<Produce>, oneshot::Sender<Result<EpisodeId, Error>>),
    Cancel(TaskId, oneshot::Sender<Result<(), Error>>),
    CancelEpisode(EpisodeId, oneshot::Sender<Result<(), Error>>),
    Retry(TaskId, oneshot::Sender<Result<(), Error>>),
    Opinion(TaskId, Option<Opinion>, Option<ContentHash>, oneshot::Sender<Result<(), Error>>),
    Override(TaskId, OverrideAction, oneshot::Sender<Result<(), Error>>),
    Approve(EpisodeId, Checkpoint, oneshot::Sender<Result<usize, Error>>),
    Again(EpisodeId, oneshot::Sender<Result<(), Error>>),
    GoOnWithPictures(oneshot::Sender<Result<(), Error>>),
    /// Pictures of datasets that are to be made or judged, each with whether the studio asks for it by itself.
    Pictures(Vec<(PictureRequest, bool)>, oneshot::Sender<Result<Vec<TaskId>, Error>>),
    /// Pictures of a dataset that are to be judged together.
    Review(Review, Vec<PictureRequest>, oneshot::Sender<Result<(), Error>>),
    StopReview(ReviewId, oneshot::Sender<Result<(), Error>>),
    Unpublish(EpisodeId, oneshot::Sender<Result<Unpublished, Error>>),
    Unpublished(EpisodeId, oneshot::Sender<Result<(), Error>>),
    RemoveProject(ProjectId, oneshot::Sender<Result<(), Error>>),
    Why(TaskId, oneshot::Sender<Option<WaitReason>>),
    Ended {
        task: TaskId,
        attempt: AttemptId,
        result: Result<Kept, Failed>,
    },
    /// An engine has a model ready in a seat, after so many milliseconds.
    Came(Resident, Ready, u64),
    /// A model has left a seat.
    Left(Resident),
    /// What an engine offers has changed.
    Offer {
        engine: String,
        now: Availability,
    },
    /// The cards said how they are.
    Cards,
    /// It is time to look whether it is quiet.
    Quiet,
    /// Something happened to models; the scheduler hears it as it is.
    Fleet(Event),
    Steer(TaskId, Steer, oneshot::Sender<Result<(), Error>>),
    Pause {
        scope: Scope,
        how: Resting,
        answer: oneshot::Sender<Result<Within, Error>>,
    },
    Resume(Scope, oneshot::Sender<Result<(), Error>>),
    SetQuiet(Option<Vec<QuietHours>>, oneshot::Sender<Result<(), Error>>),
    View(oneshot::Sender<View>),
    Snapshot(oneshot::Sender<Snapshot>),
    /// Something asked for by a request on the network.
    Of(RequestId, Box<Message>),
    Stop,
}

impl Message {
    /// It is heard again, or of no use, when the studio comes up anew.
    pub fn is_news(&self) -> bool {
        match self {
            Self::Ended { .. }
            | Self::Came(..)
            | Self::Left(_)
            | Self::Offer { .. }
            | Self::Cards
            | Self::Quiet
            | Self::Fleet(_) => true,
            Self::Of(_, message) => message.is_news(),
            _ => false,
        }
    }
}

/// The conductor's door.
#[derive(Debug, Clone)]
pub struct Handle(pub(super) mpsc::Sender<Message>);

impl Handle {
    async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Result<T, Error> {
        let (answer, heard) = oneshot::channel();
        let message = message(answer);
        let message = match trace::request() {
            Some(request) => Message::Of(request, Box::new(message)),
            None => message,
        };
        self.0.send(message).await.map_err(|_| Error::Stopped)?;
        heard.await.map_err(|_| {
            if self.0.is_closed() {
                return Error::Stopped;
            }
            let why = "the studio broke down over this and has begun anew";
            Error::Broken(format!("{why}; its log, and the episode it was about, say what happened"))
        })
    }

    /// Lays out an episode and starts making it; what is made already is found again.
    pub async fn produce(&self, produce: Produce) -> Result<EpisodeId, Error> {
        self.ask(|answer| Message::Produce(Box::new(produce), answer)).await?
    }

    /// Keeps what was written of an episode, without making anything. Beside an episode in the making, or where shots
    /// have come, gone or changed places, only the text is kept until it is produced.
    pub async fn write(&self, produce: Produce) -> Result<EpisodeId, Error> {
        self.ask(|answer| Message::Write(Box::new(produce), answer)).await?
    }

    /// Stops a task and whatever cannot do without it.
    pub async fn cancel(&self, task: TaskId) -> Result<(), Error> {
        self.ask(|answer| Message::Cancel(task, answer)).await?
    }

    /// Stops everything about an episode.
    pub async fn cancel_episode(&self, episode: EpisodeId) -> Result<(), Error> {
        self.ask(|answer| Message::CancelEpisode(episode, answer)).await?
    }

    /// Makes the episode of a failed or cancelled task again; what is there already stays.
    pub async fn retry(&self, task: TaskId) -> Result<(), Error> {
        self.ask(|answer| Message::Retry(task, answer)).await?
    }

    /// Keeps what a person says of the take that a task made or judged; the film is made again where that changes it.
    pub async fn opine(&self, task: TaskId, opinion: Opinion) -> Result<(), Error> {
        self.ask(|answer| Message::Opinion(task, Some(opinion), None, answer)).await?
    }

    /// The same of what was `seen`: refused when the take is another file by now.
    pub async fn opine_on(&self, task: TaskId, opinion: Opinion, seen: ContentHash) -> Result<(), Error> {
        self.ask(|answer| Message::Opinion(task, Some(opinion), Some(seen), answer)).await?
    }

    /// Forgets what a person said of the take that a task made or judged; the film is made again where that changes it.
    pub async fn take_back(&self, task: TaskId) -> Result<(), Error> {
        self.ask(|answer| Message::Opinion(task, None, None, answer)).await?
    }

    /// Locks, releases or replaces what the part of a task is made of, or asks for another take of it.
    pub async fn hand(&self, task: TaskId, hand: OverrideAction) -> Result<(), Error> {
        self.ask(|answer| Message::Override(task, hand, answer)).await?
    }

    /// Keeps that a person approved the pictures or clips an episode waits with, and goes on; says of how many shots.
    pub async fn approve(&self, episode: EpisodeId, checkpoint: Checkpoint) -> Result<usize, Error> {
        self.ask(|answer| Message::Approve(episode, checkpoint, answer)).await?
    }

    /// Makes an episode again: what is there stays, what could not be judged is looked at once more.
    pub async fn again(&self, episode: EpisodeId) -> Result<(), Error> {
        self.ask(|answer| Message::Again(episode, answer)).await?
    }

    /// Has pictures of datasets made or judged, all of them or none; each with whether the studio asks by itself.
    pub async fn pictures(&self, asked: Vec<(PictureRequest, bool)>) -> Result<Vec<TaskId>, Error> {
        self.ask(|answer| Message::Pictures(asked, answer)).await?
    }

    /// Has many pictures of a dataset judged, all of them or none.
    pub async fn review(&self, review: Review, asked: Vec<PictureRequest>) -> Result<(), Error> {
        self.ask(|answer| Message::Review(review, asked, answer)).await?
    }

    /// Stops a review of many pictures; what is not judged yet stays as it is.
    pub async fn stop_review(&self, review: ReviewId) -> Result<(), Error> {
        self.ask(|answer| Message::StopReview(review, answer)).await?
    }

    /// Goes on with pictures of datasets that were asked for before the studio was closed.
    pub async fn go_on_with_pictures(&self) -> Result<(), Error> {
        self.ask(Message::GoOnWithPictures).await?
    }

    /// Nobody: whoever only looks asks nothing of a conductor.
    pub fn nobody() -> Self {
        Self(mpsc::channel(1).0)
    }

    /// Lets an episode stay out of the library from now on; what of it is still there is for the caller to remove.
    pub async fn unpublish(&self, episode: EpisodeId) -> Result<Unpublished, Error> {
        self.ask(|answer| Message::Unpublish(episode, answer)).await?
    }

    /// What [`Handle::unpublish`] named is removed.
    pub async fn unpublished(&self, episode: EpisodeId) -> Result<(), Error> {
        self.ask(|answer| Message::Unpublished(episode, answer)).await?
    }

    /// Removes a project with everything in it; refused while any of its episodes is being made.
    pub async fn remove_project(&self, project: ProjectId) -> Result<(), Error> {
        self.ask(|answer| Message::RemoveProject(project, answer)).await?
    }

    /// Why a task does not run; `None` when it runs or is not waiting.
    pub async fn why(&self, task: TaskId) -> Result<Option<WaitReason>, Error> {
        self.ask(|answer| Message::Why(task, answer)).await
    }

    /// Lets a person steer a task.
    pub async fn steer(&self, task: TaskId, to: Steer) -> Result<(), Error> {
        self.ask(|answer| Message::Steer(task, to, answer)).await?
    }

    /// Lets something rest; what runs and what is loaded there at that moment.
    pub async fn pause(&self, scope: Scope, how: Resting) -> Result<Within, Error> {
        self.ask(|answer| Message::Pause { scope, how, answer }).await?
    }

    /// Lets it go on.
    pub async fn resume(&self, scope: Scope) -> Result<(), Error> {
        self.ask(|answer| Message::Resume(scope, answer)).await?
    }

    /// Sets quiet hours; `None` leaves them to the settings.
    pub async fn set_quiet(&self, hours: Option<Vec<QuietHours>>) -> Result<(), Error> {
        self.ask(|answer| Message::SetQuiet(hours, answer)).await?
    }

    /// Cards, seats, what is loaded and what runs, now.
    pub async fn view(&self) -> Result<View, Error> {
        self.ask(Message::View).await
    }

    /// The fleet and what is asked of it, now, to be run forward.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        self.ask(Message::Snapshot).await
    }

    /// Messages the conductor has not read yet.
    pub fn waiting(&self) -> usize {
        self.0.max_capacity() - self.0.capacity()
    }

    /// Stops the running attempts and the conductor. What they did is done again at the next start.
    pub async fn stop(&self) {
        // Gone already is what was wanted.
        let _ = self.0.send(Message::Stop).await;
    }
}
