//! Golden: when the judge has changed, he is compared with people on the takes they said something of.

use studio_core::{
    ids::{DecisionId, EpisodeId},
    journal::{DecisionKind, OutcomeWord},
    order::{Order, Reported},
    production::{FilmRemark, Job},
    review::{Agreement, Judged, agreement, fallen},
};

use super::{Error, memory::Studio};
use crate::{
    events::StudioEvent,
    store::{self, decisions::Decision},
};

impl Studio {
    /// What to say of the judge now that the golden set was shown to him; nothing when he is the same as before.
    pub(super) async fn judge_the_judge(&mut self, episode: EpisodeId) -> Result<Option<FilmRemark>, Error> {
        let Some(work) = self.work.episode(episode) else { return Ok(None) };
        let production = &work.production;
        let engine = self.context.engines.get(&production.cast.judge).map(|seat| seat.engine.clone());
        let (Some(engine), Some(first)) = (engine, production.golden.first()) else { return Ok(None) };
        let judge = engine.version_for(&Order::Review(first.clone()));
        let opinions = store::opinions::all(&self.context.db).await?;
        let mut judged = Vec::new();
        for (order, number) in production.golden.iter().zip(1..) {
            let made = work.made.get(&Job::Golden { number });
            let Some(Reported::Verdict { verdict }) = made.and_then(|made| made.reported.as_ref()) else { continue };
            let (Some(score), Some(opinion)) = (verdict.score, opinions.get(&order.subject.hash)) else { continue };
            let figures = order.shown.iter().flat_map(|shown| &shown.figures);
            let character = figures.map(|figure| figure.name.as_str()).collect::<Vec<_>>().join(", ");
            judged.push(Judged { character, score, good: opinion.good });
        }
        if judged.is_empty() {
            return Ok(None);
        }
        let found = agreement(&judged, production.gates.pass_marks[0]);
        let before = store::golden::all(&self.context.db).await?;
        // The sentence of a warning follows from the rest, and may be worded otherwise by now.
        let same = |agreed: &Agreement| Agreement { warning: found.warning.clone(), ..agreed.clone() } == found;
        if before.first().is_some_and(|(last, agreed)| *last == judge && same(agreed)) {
            return Ok(None);
        }
        let last = before.iter().find(|(other, _)| *other != judge);
        let said = last.and_then(|(_, before)| fallen(before, &found)).or_else(|| found.low());
        let now = self.context.clock.now();
        let agrees = || format!("{judge} agrees with people in {:.0} % of {} takes", found.share * 100.0, found.takes);
        let reason = said.map_or_else(agrees, |warning| warning.to_string());
        let decision = Decision {
            id: DecisionId(self.context.clock.id()),
            episode_id: Some(episode),
            task_id: None,
            kind: DecisionKind::Judge,
            reason: reason.clone(),
            inputs: serde_json::json!({ "judge": judge, "before": last.map(|(judge, _)| judge), "warning": said, "share": found.share, "takes": found.takes }),
            outcome: if said.is_some() { OutcomeWord::Warned } else { OutcomeWord::AsBefore }.into(),
            created: now,
        };
        let mut tx = self.context.db.begin().await?;
        store::golden::set(&mut tx, &judge, &found, now).await?;
        store::decisions::insert(&mut tx, &decision).await?;
        tx.commit().await?;
        self.context.events.tell(StudioEvent::Decided { episode, reason });
        Ok(said.map(|warning| FilmRemark::Judge { warning }))
    }
}
