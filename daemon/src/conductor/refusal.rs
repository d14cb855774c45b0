//! Refusal: why the conductor does not do what somebody asks, as data; the sentence is made from it.

use studio_core::{
    fleet::Scope,
    ids::{ContentHash, TaskId},
    production::Checkpoint,
};

/// The state of things forbids it. Parts of a film are named by their path, e.g. `scene 1/shot 2/clip`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A task that is over cannot be steered.
    #[error("{path} is over, so there is nothing to steer")]
    TaskOver {
        /// Path of the task that is over.
        path: String,
    },
    /// Only before a task that waits can another one be put.
    #[error("task {task} is not waiting, so nothing can be put before it")]
    TaskNotWaiting {
        /// The one that is not.
        task: TaskId,
    },
    /// Only what waits or runs can be cancelled.
    #[error("task {task} is not waiting or running, so there is nothing to cancel")]
    TaskNotOpen {
        /// The one that is neither.
        task: TaskId,
    },
    /// Only what has failed or was cancelled can be tried again.
    #[error("task {task} has not failed, so there is nothing to try again")]
    TaskNotFailed {
        /// The one that has not.
        task: TaskId,
    },
    /// A task that belongs to no episode is made again by nobody.
    #[error("task {task} belongs to no episode")]
    TaskWithoutEpisode {
        /// The one that belongs to none.
        task: TaskId,
    },
    /// What a training is made of is asked for by the training alone.
    #[error(
        "task {task} is part of a training, which asks for it itself; 'studiod train start' begins the training anew"
    )]
    PartOfTraining {
        /// The one that is part of it.
        task: TaskId,
    },
    /// There is no such card, engine or project to let rest.
    #[error("there is no {scope}; 'studiod fleet' lists what there is")]
    NoSuchScope {
        /// What was named.
        scope: Scope,
    },
    /// Models are in processes on cards, whatever project they were loaded for.
    #[error("{scope} has no models of its own to free; free the studio, a card or an engine")]
    NothingToFree {
        /// What was named.
        scope: Scope,
    },
    /// The episode is being made, and this must wait until it is not.
    #[error("'{title}' is being made already; {remedy}")]
    BeingMade {
        /// Title of the episode.
        title: String,
        /// What to do instead, e.g. "cancel it first".
        remedy: String,
    },
    /// The studio does not know how an episode was made.
    #[error("how '{title}' is made is not known; produce it again")]
    PlanUnknown {
        /// Title of the episode.
        title: String,
    },
    /// Nothing of the episode is in a library.
    #[error("'{title}' is not in a library")]
    NotInLibrary {
        /// Title of the episode.
        title: String,
    },
    /// Opinions are of takes only.
    #[error("{path} is no take; 'studiod tasks' lists takes")]
    NoTake {
        /// Path of the task that is no take.
        path: String,
    },
    /// There is nothing to judge or lock yet.
    #[error("{path} is not made yet, so there is nothing to {act}")]
    NotMade {
        /// Path of the part that is not made.
        path: String,
        /// `judge` or `lock`.
        act: &'static str,
    },
    /// What was seen is not what is there now.
    #[error("{path} was made anew since you saw it; look at it again")]
    MadeAnew {
        /// Path of the take that was made anew.
        path: String,
    },
    /// Only pictures, clips, lines and music can be locked or replaced.
    #[error("{path} is no picture, clip, line or music of a scene; 'studiod tasks' lists those")]
    NoPart {
        /// Path of the task that cannot be locked or replaced.
        path: String,
    },
    /// Only pictures of shots can be made from another picture.
    #[error("{path} is no picture of a shot, so it is made from no source picture; name the shot's still")]
    HasNoSource {
        /// Path of the part.
        path: String,
    },
    /// How far a source picture may be left is a share.
    #[error("a strength of {percent} is not possible; give 1 to 100 percent")]
    WrongStrength {
        /// What was asked for.
        percent: u8,
    },
    /// The screenplay has changed, and the part is no longer in it.
    #[error("the script no longer has {path}")]
    NotInScript {
        /// Path of the part that is gone.
        path: String,
    },
    /// There is nothing to release.
    #[error("nothing is locked or put in place of {path}")]
    NothingLocked {
        /// Path of the part that is neither locked nor replaced.
        path: String,
    },
    /// Of a line or of music there are no further takes.
    #[error("{path} has no takes; change its line or put a file in its place")]
    HasNoTakes {
        /// Path of the part that has no takes.
        path: String,
    },
    /// Only a kept file can take a place.
    #[error("the studio keeps no file {hash}; 'studiod take put' brings one in")]
    FileNotKept {
        /// Hash of the file that is not kept.
        hash: ContentHash,
    },
    /// The file is not of the kind its place takes.
    #[error("{path} takes {wanted}, and the file is none")]
    WrongFile {
        /// Path of the part the file was meant for.
        path: String,
        /// `a picture`, `a clip` or `a recording`.
        wanted: &'static str,
    },
    /// Nothing waits for an approval of that.
    #[error("no {word} of '{title}' wait for anybody", word = what.word())]
    NothingAwaits {
        /// Title of the episode.
        title: String,
        /// What was to be approved.
        what: Checkpoint,
    },
    /// What is to be approved is not all there.
    #[error("{path} of '{title}' is not made yet; produce it, then look at its {word}", word = what.word())]
    NotAllMade {
        /// Title of the episode.
        title: String,
        /// What is missing.
        path: String,
        /// What was to be approved.
        what: Checkpoint,
    },
}
