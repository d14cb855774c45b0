//! Work: what is being made, by episode and by task.

use std::collections::BTreeMap;

use studio_core::{
    dataset::PictureRequest,
    ids::{EpisodeId, TaskId},
    views::PortraitOwner,
};

use super::{EpisodeRun, TaskRef};
use crate::trace::RequestId;

/// Episodes and pictures in the making, with their tasks.
#[derive(Default)]
pub(in crate::conductor) struct Work {
    episodes: BTreeMap<EpisodeId, EpisodeRun>,
    tasks: BTreeMap<TaskId, TaskRef>,
    /// Tasks of datasets and reference sheets, which belong to no episode.
    pictures: BTreeMap<TaskId, PictureRequest>,
    /// Episodes that are over and that a person decided something about meanwhile, with the request that did.
    rebuilds: Vec<(EpisodeId, Option<RequestId>)>,
}

impl Work {
    /// Whether an episode is being made.
    pub fn has(&self, episode: EpisodeId) -> bool {
        self.episodes.contains_key(&episode)
    }

    /// An episode that is being made.
    pub fn episode(&self, id: EpisodeId) -> Option<&EpisodeRun> {
        self.episodes.get(&id)
    }

    /// The same, to be changed.
    pub fn episode_mut(&mut self, id: EpisodeId) -> Option<&mut EpisodeRun> {
        self.episodes.get_mut(&id)
    }

    /// All that are being made.
    pub fn episodes(&self) -> impl Iterator<Item = &EpisodeRun> {
        self.episodes.values()
    }

    /// What a task of an episode is.
    pub fn task(&self, id: TaskId) -> Option<TaskRef> {
        self.tasks.get(&id).copied()
    }

    /// All tasks of episodes.
    pub fn tasks(&self) -> impl Iterator<Item = (TaskId, TaskRef)> {
        self.tasks.iter().map(|(id, task)| (*id, *task))
    }

    /// Tasks of an episode.
    pub fn tasks_of(&self, episode: EpisodeId) -> impl Iterator<Item = TaskId> {
        self.tasks().filter(move |(_, task)| task.episode == episode).map(|(id, _)| id)
    }

    /// An episode is being made from now on, or again after [`Work::lend`].
    pub fn begin(&mut self, run: EpisodeRun) {
        self.episodes.insert(run.episode, run);
    }

    /// A task of an episode is known from now on.
    pub fn add_task(&mut self, id: TaskId, task: TaskRef) {
        self.tasks.insert(id, task);
    }

    /// Takes an episode out for as long as tasks are written for it.
    pub fn lend(&mut self, episode: EpisodeId) -> Option<EpisodeRun> {
        self.episodes.remove(&episode)
    }

    /// An episode is over, and its tasks with it.
    pub fn end(&mut self, episode: EpisodeId) {
        self.episodes.remove(&episode);
        self.tasks.retain(|_, task| task.episode != episode);
    }

    /// An episode that is over is to be made again.
    pub fn make_again(&mut self, episode: EpisodeId, request: Option<RequestId>) {
        self.rebuilds.push((episode, request));
    }

    /// The next episode that is to be made again, once.
    pub fn next_again(&mut self) -> Option<(EpisodeId, Option<RequestId>)> {
        self.rebuilds.pop()
    }

    /// What a task of a dataset asks for.
    pub fn picture(&self, task: TaskId) -> Option<&PictureRequest> {
        self.pictures.get(&task)
    }

    /// Whether a task is one of a dataset.
    pub fn is_picture(&self, task: TaskId) -> bool {
        self.pictures.contains_key(&task)
    }

    /// Tasks of the datasets and reference sheets of these.
    pub fn pictures_of(&self, owners: &[PortraitOwner]) -> Vec<TaskId> {
        let of_them = |request: &PictureRequest| owners.contains(&request.job.owner());
        self.pictures.iter().filter(|(_, request)| of_them(request)).map(|(task, _)| *task).collect()
    }

    /// A task of a dataset is known from now on.
    pub fn add_picture(&mut self, task: TaskId, request: PictureRequest) {
        self.pictures.insert(task, request);
    }

    /// A task of a dataset is over.
    pub fn end_picture(&mut self, task: TaskId) {
        self.pictures.remove(&task);
    }
}
