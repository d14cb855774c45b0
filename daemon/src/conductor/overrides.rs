//! Overrides: a person locks a take, puts a file in its place, or asks for another one. The film is made accordingly.

use studio_core::{
    episode::EpisodeState,
    ids::{ContentHash, DecisionId, EpisodeId, TaskId},
    journal::{DecisionKind, OutcomeWord},
    order::{Output, Outputs},
    production::{Job, Override, Production, SourcePicture, TakenUp, fits, has_source, part, role_of, shows},
    task::Task,
};

use super::{Error, Refusal, inbox::OverrideAction, memory::Studio};
use crate::{
    store::{self, Db, Tx, decisions::Decision},
    trace,
};

/// Lays what people decided over a production.
pub async fn take_up(db: &Db, episode: EpisodeId, production: &mut Production) -> Result<TakenUp, Error> {
    let rulings = store::by_hand::of_episode(db, episode).await?;
    Ok(if rulings.is_empty() { TakenUp::default() } else { production.take_up(rulings) })
}

/// What `job` led to, from its task.
fn made(tasks: &[Task], job: Job) -> Option<Outputs> {
    tasks.iter().find(|task| task.job == job)?.outputs.clone()
}

/// What a person sees who points at `job`: the take itself, or what is in the film.
fn meant(job: Job, part: Job, tasks: &[Task]) -> Option<Outputs> {
    match job {
        Job::Review { subject, scene, shot, take } => made(tasks, Job::Take { subject, scene, shot, take }),
        Job::Normalise { .. } => made(tasks, part),
        _ => made(tasks, job),
    }
}

impl Studio {
    /// Keeps what a person did about the part `task` belongs to, and makes the film again where that changes it; at
    /// once, or when what is being made now is done.
    pub(super) async fn hand(&mut self, task: TaskId, hand: OverrideAction) -> Result<(), Error> {
        let row = store::tasks::get(&self.context.db, task).await?;
        let part_of = row.job.production().and_then(|job| Some((job, part(job)?)));
        let (Some((job, part)), Some(episode)) = (part_of, row.episode_id) else {
            return Err(Refusal::NoPart { path: row.slot }.into());
        };
        self.pulse.minds = Some(episode);
        let production = match self.work.episode(episode) {
            Some(work) => Some(work.production.clone()),
            None => store::productions::of_episode(&self.context.db, episode).await?,
        };
        let Some(shown) = production.and_then(|production| shows(&production, part)) else {
            return Err(Refusal::NotInScript { path: part.path() }.into());
        };
        let tasks = store::tasks::of_episode(&self.context.db, episode).await?;
        let before = store::by_hand::of_episode(&self.context.db, episode).await?;
        let before = before.into_iter().find(|ruling| ruling.job == part);
        let ruling = Override { shows: shown.clone(), ..before.unwrap_or_else(|| Override::plain(part, shown)) };
        let (ruling, said) = match hand {
            OverrideAction::Lock => match meant(job, part, &tasks) {
                Some(given) => (Override { given: Some(given), ..ruling }, OutcomeWord::Locked),
                None => return Err(Refusal::NotMade { path: row.slot, act: "lock" }.into()),
            },
            OverrideAction::Release if ruling.given.is_none() && ruling.source.is_none() => {
                return Err(Refusal::NothingLocked { path: part.path() }.into());
            }
            OverrideAction::Release => (Override { given: None, source: None, ..ruling }, OutcomeWord::Released),
            OverrideAction::Another => {
                let Job::Gate { subject, scene, shot } = part else {
                    return Err(Refusal::HasNoTakes { path: part.path() }.into());
                };
                let there =
                    (1..).take_while(|take| made(&tasks, Job::Take { subject, scene, shot, take: *take }).is_some());
                let takes = there.count() as u32 + 1;
                // Nobody has seen the one that comes.
                (Override { given: None, takes, approved: None, ..ruling }, OutcomeWord::AnotherTake)
            }
            OverrideAction::From { asset, strength_percent } => {
                let source = self.source(part, asset, strength_percent).await?;
                // What was locked or approved was made from something else.
                (Override { given: None, approved: None, source: Some(source), ..ruling }, OutcomeWord::SourcePicture)
            }
            OverrideAction::Put { asset } => {
                (Override { given: Some(self.kept(part, asset).await?), ..ruling }, OutcomeWord::OwnFile)
            }
        };
        let now = self.context.clock.now();
        let decision = Decision {
            id: DecisionId(self.context.clock.id()),
            episode_id: Some(episode),
            task_id: Some(task),
            kind: DecisionKind::Hand,
            reason: format!("a person {said} {part}"),
            inputs: serde_json::json!({ "slot": part.path(), "job": part, "hand": hand }),
            outcome: said.into(),
            created: now,
        };
        let mut tx = self.context.db.begin().await?;
        store::by_hand::set(&mut tx, episode, &ruling, now).await?;
        store::decisions::insert(&mut tx, &decision).await?;
        self.schedule_rebuild(tx, episode).await
    }

    /// A kept file as what a part is made of.
    async fn kept(&self, part: Job, hash: ContentHash) -> Result<Outputs, Error> {
        let asset = store::assets::get(&self.context.db, hash).await?.filter(|asset| !asset.missing);
        let (Some(asset), Some(role)) = (asset, role_of(part)) else {
            return Err(Refusal::FileNotKept { hash }.into());
        };
        if !fits(role, &asset.facts) {
            let wanted = match role {
                studio_core::order::Role::Picture => "a picture",
                studio_core::order::Role::Video => "a clip",
                _ => "a recording",
            };
            return Err(Refusal::WrongFile { path: part.path(), wanted }.into());
        }
        Ok(Outputs { files: vec![Output { role, asset: asset.file, facts: asset.facts }], reported: None })
    }

    /// A kept picture as what a part is made from.
    async fn source(&self, part: Job, hash: ContentHash, strength_percent: Option<u8>) -> Result<SourcePicture, Error> {
        if !has_source(part) {
            return Err(Refusal::HasNoSource { path: part.path() }.into());
        }
        if let Some(percent) = strength_percent.filter(|percent| !SourcePicture::STRENGTH.contains(percent)) {
            return Err(Refusal::WrongStrength { percent }.into());
        }
        let kept = self.kept(part, hash).await?;
        let picture = kept.files.into_iter().next().map(|file| file.asset);
        picture
            .map(|picture| SourcePicture { picture, strength_percent })
            .ok_or_else(|| Refusal::FileNotKept { hash }.into())
    }

    /// The episode is made again: now, or when what is being made now is over. What was decided in `tx` is committed
    /// together with that, so that a restart goes on with it.
    pub(super) async fn schedule_rebuild(&mut self, mut tx: Tx<'_>, episode: EpisodeId) -> Result<(), Error> {
        if let Some(work) = self.work.episode_mut(episode) {
            tx.commit().await?;
            (work.rebuild, work.rebuild_for) = (true, trace::request());
            return Ok(());
        }
        let episode = store::episodes::get(&self.context.db, episode).await?;
        if episode.state != EpisodeState::Producing {
            store::episodes::set_state(&mut tx, episode.id, EpisodeState::Producing).await?;
        }
        tx.commit().await?;
        self.rebuild(episode).await
    }
}
