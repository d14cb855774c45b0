//! Opinion: a person says whether a take is good. It overrules the judge, and the film is made accordingly.

use std::collections::BTreeMap;

use studio_core::{
    ids::{ContentHash, TaskId},
    order::{Order, Outputs, Reported},
    production::{GateOutcome, Job, Override, gate, shown},
    take::{PERSON, Verdict},
    units::Score,
};

use super::{Error, Refusal, episode_run::TaskRef, run::Studio, speculative::MOST_TAKES};
use crate::store::{self, opinions::Opinion};

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

impl Studio {
    /// What a gate says, with people's opinions before the judge's.
    pub(super) async fn gated(&mut self, known: TaskRef) -> Result<Option<GateOutcome>, Error> {
        let Job::Gate { subject, scene, shot } = known.job else { return Ok(None) };
        let opinions = store::opinions::all(&self.context.db).await?;
        let Some(work) = self.at_work.get_mut(&known.episode) else { return Ok(None) };
        let mut said = BTreeMap::new();
        for take in 1..=MOST_TAKES {
            let Some(made) = work.made.get(&Job::Take { subject, scene, shot, take }) else { break };
            if let Some(opinion) = shown(subject, made).and_then(|file| opinions.get(&file)) {
                let review = Job::Review { subject, scene, shot, take };
                let judge = work.made.get(&review).and_then(|made| match &made.reported {
                    Some(Reported::Verdict { verdict }) => Some(verdict),
                    _ => None,
                });
                let reported = Some(Reported::Verdict { verdict: verdict(opinion, judge) });
                said.insert(review, Outputs { files: Vec::new(), reported });
            }
        }
        // The next take is told what people said, too.
        work.made.extend(said);
        Ok(Some(gate(&work.production, subject, scene, shot, work)))
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
        let (Job::Take { subject, scene, shot, take } | Job::Review { subject, scene, shot, take }, Some(episode)) =
            (row.job, row.episode_id)
        else {
            return Err(Refusal::NoTake { path: row.slot }.into());
        };
        let taken = Job::Take { subject, scene, shot, take };
        let tasks = store::tasks::of_episode(&self.context.db, episode).await?;
        let made = tasks.iter().find(|task| task.job == taken).and_then(|task| task.outputs.as_ref());
        let Some(file) = made.and_then(|made| shown(subject, made)) else {
            return Err(Refusal::NotMade { path: taken.path(), act: "judge" }.into());
        };
        if seen.is_some_and(|seen| seen != file) {
            return Err(Refusal::MadeAnew { path: taken.path() }.into());
        }
        let now = self.context.clock.now();
        let Some(opinion) = opinion else {
            let mut tx = self.context.db.begin().await?;
            store::opinions::forget(&mut tx, file).await?;
            return self.schedule_rebuild(tx, episode).await;
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
        self.schedule_rebuild(tx, episode).await
    }
}
