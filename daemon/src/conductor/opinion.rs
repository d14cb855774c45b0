//! Opinion: a person says whether a take is good. It overrules the judge, and the film is made accordingly.

use std::collections::BTreeMap;

use studio_core::{
    ids::{ContentHash, EpisodeId, TaskId},
    order::{Order, Outputs, Reported},
    production::{GateOutcome, GateReason, Job, Override, Production, Results, gate, shown},
    shot::Shot,
    take::{PERSON, Subject, Verdict},
    task::{Task, TaskState},
    units::{Millis, Score},
};

use super::{
    Error, Refusal,
    memory::{Studio, TaskRef},
    overrides::take_up,
    speculative::MOST_TAKES,
};
use crate::{
    events::StudioEvent,
    store::{self, opinions::Opinion},
};

/// What a person says, as a verdict.
fn verdict(opinion: &Opinion, judge: Option<&Verdict>) -> Verdict {
    let word = if opinion.good { "good" } else { "not good" };
    let why = if opinion.why.is_empty() { String::new() } else { format!(": {}", opinion.why) };
    Verdict {
        judge: PERSON.into(),
        // Without a score it is not even the best of the bad ones.
        score: opinion.good.then(|| Score::from_percent(100)),
        reason: format!("a person says it is {word}{why}"),
        // What a person does not name is what the judge saw.
        issues: match judge {
            Some(judge) if opinion.issues.is_empty() => judge.issues.clone(),
            _ => opinion.issues.clone(),
        },
        ..Verdict::default()
    }
}

/// What people said of the takes of a gate, each as the review it goes before.
fn said(
    opinions: &BTreeMap<ContentHash, Opinion>,
    (subject, scene, shot): (Subject, u32, u32),
    made: &dyn Results,
) -> BTreeMap<Job, Outputs> {
    let mut said = BTreeMap::new();
    for take in 1..=MOST_TAKES {
        let Some(outputs) = made.outputs(Job::Take { subject, scene, shot, take }) else { break };
        if let Some(opinion) = shown(subject, outputs).and_then(|file| opinions.get(&file)) {
            let review = Job::Review { subject, scene, shot, take };
            let judge = made.outputs(review).and_then(|made| match &made.reported {
                Some(Reported::Verdict { verdict }) => Some(verdict),
                _ => None,
            });
            let reported = Some(Reported::Verdict { verdict: verdict(opinion, judge) });
            said.insert(review, Outputs { files: Vec::new(), reported });
        }
    }
    said
}

/// Files of the takes of a gate, as far as they are made.
fn takes_of((subject, scene, shot): (Subject, u32, u32), made: &dyn Results) -> Vec<ContentHash> {
    let file = |take| shown(subject, made.outputs(Job::Take { subject, scene, shot, take })?);
    (1..=MOST_TAKES).map_while(file).collect()
}

/// A gate whose choice stays what it is, and what is said of it now.
struct Unmoved {
    gate: Task,
    score: Option<Score>,
    reason: GateReason,
}

impl Studio {
    /// What a gate says, with people's opinions before the judge's.
    pub(super) async fn gated(&mut self, known: TaskRef) -> Result<Option<GateOutcome>, Error> {
        let Job::Gate { subject, scene, shot } = known.job else { return Ok(None) };
        let Some(work) = self.work.episode(known.episode) else { return Ok(None) };
        let of = (subject, scene, shot);
        let opinions = store::opinions::of(&self.context.db, &takes_of(of, work)).await?;
        let Some(work) = self.work.episode_mut(known.episode) else { return Ok(None) };
        let said = said(&opinions, of, work);
        // The next take is told what people said, too.
        work.made.extend(said);
        Ok(Some(gate(&work.production, subject, scene, shot, work)))
    }

    /// The gate of the take a person says something of, when it chose that take and still does with what they say: then
    /// the film is as it was, and nothing is planned again. `None` when anything may come of it.
    async fn unmoved(
        &self,
        episode: EpisodeId,
        (subject, scene, shot, take): (Subject, u32, u32, u32),
        (file, opinion): (ContentHash, Option<&Opinion>),
        tasks: &[Task],
    ) -> Result<Option<Unmoved>, Error> {
        let of = (subject, scene, shot);
        let made: BTreeMap<Job, Outputs> =
            tasks.iter().filter_map(|task| Some((task.job.production()?, task.outputs.clone()?))).collect();
        let later = Job::Take { subject, scene, shot, take: take + 1 };
        let gated = tasks.iter().find(|task| task.job == Job::Gate { subject, scene, shot });
        let Some(gated) = gated.filter(|task| task.state == TaskState::Succeeded && !made.contains_key(&later)) else {
            return Ok(None);
        };
        let kept;
        let production = if let Some(work) = self.work.episode(episode) {
            &work.production
        } else {
            let stored = store::productions::of_episode(&self.context.db, episode).await?;
            let Some(mut stored) = stored else { return Ok(None) };
            take_up(&self.context.db, episode, &mut stored).await?;
            kept = stored;
            &kept
        };
        // A chain goes on from what its judge measured, which a person does not.
        if subject == Subject::Clip && production.continues(scene, shot + 1) {
            return Ok(None);
        }
        let mut opinions = store::opinions::of(&self.context.db, &takes_of(of, &made)).await?;
        let before = chosen(production, of, &made, &opinions);
        match opinion {
            Some(opinion) => drop(opinions.insert(file, opinion.clone())),
            None => drop(opinions.remove(&file)),
        }
        let after = chosen(production, of, &made, &opinions);
        let (Some(before), Some(after)) = (before, after) else { return Ok(None) };
        let same = before.take == take
            && after.take == take
            && before.outputs == after.outputs
            && gated.outputs.as_ref() == Some(&after.outputs)
            // One that did not pass is remarked on the film, with what was said.
            && before.passed
            && after.passed;
        Ok(same.then(|| Unmoved { gate: gated.clone(), score: after.score, reason: after.reason }))
    }

    /// Keeps what a person says of the take that `task` made or judged, and makes the film again where that changes
    /// it: at once, or when what is being made now is over.
    pub(super) async fn opine(
        &mut self,
        task: TaskId,
        opinion: Option<Opinion>,
        seen: Option<ContentHash>,
    ) -> Result<(), Error> {
        let row = store::tasks::get(&self.context.db, task).await?;
        let (
            Some(Job::Take { subject, scene, shot, take } | Job::Review { subject, scene, shot, take }),
            Some(episode),
        ) = (row.job.production(), row.episode_id)
        else {
            return Err(Refusal::NoTake { path: row.slot }.into());
        };
        self.pulse.minds = Some(episode);
        let taken = Job::Take { subject, scene, shot, take };
        let tasks = store::tasks::of_jobs(&self.context.db, episode, &of_gate(subject, scene, shot)).await?;
        let made = tasks.iter().find(|task| task.job == taken).and_then(|task| task.outputs.as_ref());
        let Some(file) = made.and_then(|made| shown(subject, made)) else {
            return Err(Refusal::NotMade { path: taken.path(), act: "judge" }.into());
        };
        if seen.is_some_and(|seen| seen != file) {
            return Err(Refusal::MadeAnew { path: taken.path() }.into());
        }
        let place = (subject, scene, shot, take);
        let unmoved = self.unmoved(episode, place, (file, opinion.as_ref()), &tasks).await?;
        let now = self.context.clock.now();
        let Some(opinion) = opinion else {
            let mut tx = self.context.db.begin().await?;
            store::opinions::forget(&mut tx, file).await?;
            return self.follow(tx, episode, place, unmoved).await;
        };
        let review = Job::Review { subject, scene, shot, take };
        let key = tasks.iter().find(|task| task.job == review).and_then(|task| task.key);
        let review = match key {
            Some(key) => store::attempts::succeeded_by_key(&self.context.db, key).await?,
            None => None,
        };
        let review = review.and_then(|attempt| match attempt.order {
            // Only what a judge with eyes has seen can be shown to another one.
            Order::Review(order) if order.shown.is_some() => Some(order),
            _ => None,
        });
        let rulings = store::by_hand::of_episode(&self.context.db, episode).await?;
        let gate = Job::Gate { subject, scene, shot };
        let approved = rulings.into_iter().find(|ruling| ruling.approved.is_some() && ruling.job == gate);
        let mut tx = self.context.db.begin().await?;
        store::opinions::set(&mut tx, file, &opinion, review.as_ref(), now).await?;
        if let (Some(ruling), false) = (approved, opinion.good) {
            // Another one comes, which nobody has seen.
            store::by_hand::set(&mut tx, episode, &Override { approved: None, ..ruling }, now).await?;
        }
        self.follow(tx, episode, place, unmoved).await
    }

    /// What follows from an opinion that is kept in `tx`: the film is made again, or, when its gate chooses as before,
    /// only the choice is described anew.
    async fn follow(
        &mut self,
        mut tx: store::Tx<'_>,
        episode: EpisodeId,
        (subject, scene, shot, _): (Subject, u32, u32, u32),
        unmoved: Option<Unmoved>,
    ) -> Result<(), Error> {
        let Some(Unmoved { gate, score, reason }) = unmoved else { return self.schedule_rebuild(tx, episode).await };
        let (said, now): (String, Millis) = (reason.to_string(), self.context.clock.now());
        store::tasks::say(&mut tx, gate.id, &said, now).await?;
        if subject == Subject::Clip
            && let Some(row) = store::shots::at(&self.context.db, episode, scene, shot).await?
        {
            store::shots::set_result(&mut tx, &Shot { score, ..row }).await?;
        }
        tx.commit().await?;
        if let Some(work) = self.work.episode_mut(episode)
            && let (Subject::Clip, Some(row)) = (subject, work.shots.get_mut(&(scene, shot)))
        {
            row.score = score;
        }
        let known = TaskRef { episode, job: Job::Gate { subject, scene, shot } };
        self.log_decision(known, gate.id, &serde_json::json!(reason), &[(said, None)]).await?;
        self.context.events.tell(StudioEvent::Changed);
        Ok(())
    }
}

/// A gate with all takes and reviews it may have.
fn of_gate(subject: Subject, scene: u32, shot: u32) -> Vec<Job> {
    let takes = (1..=MOST_TAKES)
        .flat_map(|take| [Job::Take { subject, scene, shot, take }, Job::Review { subject, scene, shot, take }]);
    [Job::Gate { subject, scene, shot }].into_iter().chain(takes).collect()
}

/// What a gate chose.
struct Choice {
    take: u32,
    passed: bool,
    score: Option<Score>,
    outputs: Outputs,
    reason: GateReason,
}

/// What a gate chooses when people say this; `None` when it asks for more.
fn chosen(
    production: &Production,
    of: (Subject, u32, u32),
    made: &BTreeMap<Job, Outputs>,
    opinions: &BTreeMap<ContentHash, Opinion>,
) -> Option<Choice> {
    let mut made = made.clone();
    made.extend(said(opinions, of, &made));
    match gate(production, of.0, of.1, of.2, &made) {
        GateOutcome::Chosen { take, passed, score, outputs, reason } => {
            Some(Choice { take, passed, score, outputs, reason })
        }
        _ => None,
    }
}
