//! Episode run: an episode in the making, as the conductor keeps it in memory.

use std::collections::{BTreeMap, BTreeSet};

use studio_core::{
    ids::{ContentHash, EpisodeId, SceneId, TaskId},
    order::Outputs,
    production::{FilmRemark, Job, ModelCast, PortraitPlan, Production, Results},
    shot::Shot,
    take::{Subject, Take},
};

use crate::trace::{self, RequestId};

/// An episode in the making. Everything in it can be made again from the store.
pub(in crate::conductor) struct EpisodeRun {
    pub episode: EpisodeId,
    pub production: Production,
    /// Results of this run, made or found again.
    pub made: BTreeMap<Job, Outputs>,
    /// Results that stand on takes nobody has judged.
    pub speculative: BTreeMap<Job, Outputs>,
    /// The task of each job.
    pub tasks: BTreeMap<Job, TaskId>,
    pub scenes: BTreeMap<u32, SceneId>,
    pub shots: BTreeMap<(u32, u32), Shot>,
    pub takes: BTreeMap<(Subject, u32, u32, u32), Take>,
    /// Tasks that are not over.
    pub open: usize,
    pub failed: bool,
    /// A person decided something meanwhile: when this is over the episode is made again.
    pub rebuild: bool,
    /// The request that decided so.
    pub rebuild_for: Option<RequestId>,
    /// What the film lacks, for its page.
    pub remarks: Vec<FilmRemark>,
    /// The request that had it made; `None`: a start of the studio, or a command.
    pub request: Option<RequestId>,
}

impl Results for EpisodeRun {
    fn outputs(&self, job: Job) -> Option<&Outputs> {
        self.made.get(&job)
    }
}

impl EpisodeRun {
    /// Nothing of it is made.
    pub fn of(episode: EpisodeId, production: Production) -> Self {
        let remarks = production.script.remarks.iter().cloned();
        let remarks = remarks.map(|one| FilmRemark::Screenplay { line: one.line, message: one.message });
        let settled = production.portraits.iter().flat_map(PortraitPlan::remarks);
        let names = || production.script.characters.iter().map(|one| one.name.as_str());
        let left_out = production.cast.models.iter().flat_map(|models| models.left_out(names()));
        let left_out = left_out.map(|(name, lora)| FilmRemark::LoraLeftOut {
            character: name.to_owned(),
            file: lora.file.clone(),
            base: lora.base.clone(),
        });
        let models = || production.cast.models.iter();
        let styles = models().flat_map(ModelCast::styles_left_out);
        let styles = styles.map(|lora| FilmRemark::StyleLeftOut { file: lora.file.clone(), base: lora.base.clone() });
        let plans = || production.script.scenes.iter().flat_map(|scene| &scene.shots).map(|shot| &shot.plan);
        let unknown = models().flat_map(|models| plans().flat_map(|plan| models.unknown_loras(plan)));
        let unknown: BTreeSet<String> = unknown.map(str::to_lowercase).collect();
        let unknown = unknown.into_iter().map(|name| FilmRemark::LoraUnknown { name });
        let remarks = remarks.chain(settled).chain(left_out).chain(styles).chain(unknown).collect();
        Self {
            episode,
            production,
            made: BTreeMap::new(),
            speculative: BTreeMap::new(),
            tasks: BTreeMap::new(),
            scenes: BTreeMap::new(),
            shots: BTreeMap::new(),
            takes: BTreeMap::new(),
            open: 0,
            failed: false,
            rebuild: false,
            rebuild_for: None,
            remarks,
            request: trace::request(),
        }
    }

    /// The task that made a file of this run, leaving out gates, which only pass files on.
    pub fn maker(&self, hash: ContentHash) -> Option<TaskId> {
        let made = self.made.iter().filter(|(job, _)| !matches!(job, Job::Gate { .. }));
        let mut made = made.filter(|(_, outputs)| outputs.files.iter().any(|file| file.asset.hash == hash));
        made.find_map(|(job, _)| self.tasks.get(job)).copied()
    }
}

/// A task of this run.
#[derive(Debug, Clone, Copy)]
pub(in crate::conductor) struct TaskRef {
    pub episode: EpisodeId,
    pub job: Job,
}
