//! Approval: a person has looked at the pictures or clips of an episode, and work goes on from them.

use studio_core::{
    ids::{DecisionId, EpisodeId, TaskId},
    journal::{DecisionKind, OutcomeWord},
    order::Outputs,
    production::{Checkpoint, Job, Override, shown, shows},
    schedule::Event,
    take::Subject,
};

use super::{
    Error, Refusal,
    memory::{Studio, TaskRef},
    overrides::take_up,
};
use crate::{
    store::{self, Db, decisions::Decision},
    trace,
};

/// What an episode waits for that a person is to approve; `None` when that is nothing.
pub async fn waits_for(db: &Db, id: EpisodeId) -> Result<Option<(Checkpoint, usize)>, Error> {
    let Some(mut production) = store::productions::of_episode(db, id).await? else { return Ok(None) };
    take_up(db, id, &mut production).await?;
    Ok(production.waits_for().map(|checkpoint| (checkpoint, production.unapproved(checkpoint).len())))
}

impl Studio {
    /// Keeps that a person approved what an episode shows of `checkpoint`, and goes on with it. Says of how many shots.
    pub(super) async fn approve(&mut self, id: EpisodeId, checkpoint: Checkpoint) -> Result<usize, Error> {
        let db = &self.context.db;
        let (title, word) = (store::episodes::get(db, id).await?.title, checkpoint.word());
        if self.work.has(id) {
            // Nobody approves what nobody has seen: more may come while it is made.
            let remedy = format!("look at its {word} when they are all there");
            return Err(Refusal::BeingMade { title, remedy }.into());
        }
        let Some(mut production) = store::productions::of_episode(db, id).await? else {
            return Err(Refusal::PlanUnknown { title }.into());
        };
        take_up(db, id, &mut production).await?;
        let tasks = store::tasks::of_episode(db, id).await?;
        let made = |gate: &Job| {
            let task = tasks.iter().find(|task| task.job == *gate)?;
            shown(checkpoint.subject(), task.outputs.as_ref()?)
        };
        let wanted = production.unapproved(checkpoint);
        if wanted.is_empty() {
            return Err(Refusal::NothingAwaits { title, what: checkpoint }.into());
        }
        if let Some(missing) = wanted.iter().find(|gate| made(gate).is_none()) {
            return Err(Refusal::NotAllMade { title, path: missing.path(), what: checkpoint }.into());
        }
        let before = store::by_hand::of_episode(db, id).await?;
        let now = self.context.clock.now();
        let decision = Decision {
            id: DecisionId(self.context.clock.id()),
            episode_id: Some(id),
            task_id: None,
            kind: DecisionKind::Hand,
            reason: format!("a person approved the {word} of {} shots", wanted.len()),
            inputs: serde_json::json!({ "approved": checkpoint, "shots": wanted.len() }),
            outcome: OutcomeWord::Approved.into(),
            created: now,
        };
        let mut tx = db.begin().await?;
        for gate in &wanted {
            let known = before.iter().find(|ruling| ruling.job == *gate).cloned();
            let shown = shows(&production, *gate).unwrap_or_default();
            let plain = || Override::plain(*gate, shown.clone());
            let ruling = Override { shows: shown.clone(), approved: made(gate), ..known.unwrap_or_else(plain) };
            store::by_hand::set(&mut tx, id, &ruling, now).await?;
        }
        store::decisions::insert(&mut tx, &decision).await?;
        self.schedule_rebuild(tx, id).await?;
        Ok(wanted.len())
    }

    /// What a gate chose is not what a person approved of it: nothing goes on from it, and the episode is planned
    /// again as one that waits. Events that stop what would have gone on.
    pub(super) async fn unseen(&mut self, known: TaskRef, chosen: &Outputs) -> Result<Vec<Event>, Error> {
        let Job::Gate { subject, scene, shot } = known.job else { return Ok(Vec::new()) };
        let Some(work) = self.work.episode_mut(known.episode) else { return Ok(Vec::new()) };
        if !work.production.is_news(subject, known.job, chosen) {
            return Ok(Vec::new());
        }
        (work.rebuild, work.rebuild_for) = (true, trace::request());
        let after = match subject {
            Subject::Still => {
                let clip = Subject::Clip;
                vec![Job::Take { subject: clip, scene, shot, take: 1 }, Job::Gate { subject: clip, scene, shot }]
            }
            Subject::Clip => vec![Job::SceneFilm { scene }],
        };
        let after: Vec<TaskId> = after.iter().filter_map(|job| work.tasks.get(job).copied()).collect();
        let rulings = store::by_hand::of_episode(&self.context.db, known.episode).await?;
        if let Some(ruling) = rulings.into_iter().find(|ruling| ruling.job == known.job) {
            let (mut tx, now) = (self.context.db.begin().await?, self.context.clock.now());
            store::by_hand::set(&mut tx, known.episode, &Override { approved: None, ..ruling }, now).await?;
            tx.commit().await?;
        }
        Ok(after.into_iter().map(|task| Event::Cancelled { task }).collect())
    }
}
