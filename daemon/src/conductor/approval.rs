//! Approval: a person has looked at the pictures or clips of an episode, and work goes on from them.

use studio_core::{
    ids::{DecisionId, EpisodeId},
    production::{Checkpoint, Job, Ruling, shows},
};

use super::{Error, hand::take_up, run::Studio};
use crate::store::{self, Db, decisions::Decision};

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
        if self.at_work.contains_key(&id) {
            // Nobody approves what nobody has seen: more may come while it is made.
            let why = format!("'{title}' is still being made; look at its {word} when they are all there");
            return Err(Error::Refused(why));
        }
        let Some(mut production) = store::productions::of_episode(db, id).await? else {
            return Err(Error::Refused(format!("how '{title}' is made is not known; produce it again")));
        };
        take_up(db, id, &mut production).await?;
        let tasks = store::tasks::of_episode(db, id).await?;
        let made = |gate: &Job| tasks.iter().any(|task| task.slot == gate.slot() && task.outputs.is_some());
        let wanted = production.unapproved(checkpoint);
        if wanted.is_empty() {
            return Err(Error::Refused(format!("no {word} of '{title}' wait for anybody")));
        }
        if let Some(missing) = wanted.iter().find(|gate| !made(gate)) {
            let why = format!("{} of '{title}' is not made yet; produce it, then look at its {word}", missing.slot());
            return Err(Error::Refused(why));
        }
        let before = store::by_hand::of_episode(db, id).await?;
        let now = self.context.clock.now();
        let decision = Decision {
            id: DecisionId(self.context.clock.id()),
            episode_id: Some(id),
            task_id: None,
            kind: "hand".into(),
            reason: format!("a person approved the {word} of {} shots", wanted.len()),
            inputs: serde_json::json!({ "approved": checkpoint, "shots": wanted.len() }),
            outcome: "approved".into(),
            created: now,
        };
        let mut tx = db.begin().await?;
        for gate in &wanted {
            let slot = gate.slot();
            let known = before.iter().find(|ruling| ruling.slot == slot).cloned();
            let shown = shows(&production, *gate).unwrap_or_default();
            let plain = Ruling { slot, shows: shown.clone(), given: None, takes: 0, approved: false };
            let ruling = Ruling { shows: shown, approved: true, ..known.unwrap_or(plain) };
            store::by_hand::set(&mut tx, id, &ruling, now).await?;
        }
        store::decisions::insert(&mut tx, &decision).await?;
        self.made_again(tx, id).await?;
        Ok(wanted.len())
    }
}
