//! Outlook: when a production would be done, before it is begun: the scheduler run forward in thought.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use studio_core::{
    fleet::{Fleet, SeatFacts},
    ids::TaskId,
    production::{Job, Production, laid},
    schedule::{Event, Need, step, why},
    sim::{Retakes, Spread, foretell},
};
use uuid::Uuid;

use super::{
    Context, Error,
    early::begins_from,
    fleet::{card_facts, model_of, plain_submission},
    forecast::Forecast,
    foretelling::{REJECTED, RUNS, energy},
    run::STUDIO,
};
use crate::store;

/// How long engines outside this program have to say whether they are there.
const PATIENCE: Duration = Duration::from_secs(5);

/// When a production would be done, if nothing else were asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// The film, in milliseconds from the beginning; `None` when it would not be without a person.
    pub film_ms: Option<Spread>,
    /// Each scene, from 1.
    pub scenes_ms: Vec<Option<Spread>>,
    /// Models that come to a card.
    pub swaps: Spread,
    /// How long each card computes, in milliseconds.
    pub busy_ms: BTreeMap<String, Spread>,
    /// Energy of the cards in watt-hours; 0 when nobody measures.
    pub energy_wh: f64,
    /// What that costs.
    pub money: f64,
    /// What would wait for a person or an engine, and why, one sentence each.
    pub waits: Vec<String>,
}

/// The fleet as it would be now if nothing were asked of it.
pub async fn fleet_now(context: &Context) -> Result<Fleet, Error> {
    let (mut fleet, now, plan) = (Fleet::default(), context.clock.now(), &context.plan);
    let mut events = vec![Event::PolicyChanged(plan.rules)];
    let readings = context.cards.as_ref().map(|cards| cards.latest()).unwrap_or_default();
    events.extend(readings.iter().map(|reading| Event::GpuSeen(card_facts(plan, reading, 0))));
    let mut models = BTreeMap::new();
    for (name, seat) in context.engines.iter() {
        let Some(mut offer) = seat.engine.offer() else {
            events.push(Event::EngineSeen(SeatFacts::cpu(name, seat.slots)));
            continue;
        };
        // One that has just been asked may need a moment.
        let _ = tokio::time::timeout(PATIENCE, offer.wait_for(|offer| offer.away().is_none())).await;
        let offer = offer.borrow().clone();
        models.extend(offer.models);
        for seat in offer.seats {
            events.extend(seat.card.map(Event::GpuSeen));
            events.push(match seat.away {
                None => Event::EngineSeen(seat.facts),
                Some(why) => Event::EngineLost { seat: seat.facts.seat, engine: name.clone(), why },
            });
        }
    }
    events.push(Event::ModelsChanged(models));
    events.push(Event::EngineSeen(SeatFacts { parallel: usize::MAX, ..SeatFacts::cpu(STUDIO, 1) }));
    let learned = store::fleet::learned(&context.db).await?;
    events.extend(learned.into_iter().map(|sample| Event::Learned { sample, slow_first: false }));
    for event in events {
        step(&mut fleet, now, event);
    }
    Ok(fleet)
}

/// Runs what `forecast` says would be made through the scheduler.
pub async fn outlook(context: &Context, production: &Production, forecast: &Forecast) -> Result<Plan, Error> {
    let (mut fleet, now) = (fleet_now(context).await?, context.clock.now());
    let laid_out: Vec<_> = forecast.jobs.iter().filter(|job| job.make).map(|job| laid(production, job.job)).collect();
    let ids: BTreeMap<String, TaskId> =
        laid_out.iter().zip(1u128..).map(|(one, n)| (one.slot.clone(), TaskId(Uuid::from_u128(n)))).collect();
    // Everything is there before anything begins, so that nothing is decided on half of it.
    let all = studio_core::fleet::Scope::Studio;
    let hold = Event::Paused { scope: all.clone(), hard: false, why: String::new(), until: None };
    step(&mut fleet, now, hold);
    for one in &laid_out {
        let needs = one.needs.iter().filter_map(|need| {
            let early = begins_from(production, one.job, &need.slot).and_then(|slot| ids.get(&slot).copied());
            Some(Need { task: *ids.get(&need.slot)?, optional: need.optional, early })
        });
        let judges = match one.job {
            Job::Review { subject, scene, shot, take } => {
                ids.get(&Job::Take { subject, scene, shot, take }.slot()).copied()
            }
            _ => None,
        };
        let model = model_of(production, one.job);
        let plain = plain_submission(ids[&one.slot], production, one.job, &one.engine, &model);
        let submission = studio_core::schedule::Submission { needs: needs.collect(), judges, ..plain };
        step(&mut fleet, now, Event::Submitted(submission));
    }
    let gates = laid_out.iter().filter_map(|one| {
        let Job::Gate { subject, scene, shot } = one.job else { return None };
        let take = *ids.get(&Job::Take { subject, scene, shot, take: 1 }.slot())?;
        let review = *ids.get(&Job::Review { subject, scene, shot, take: 1 }.slot())?;
        let further = production.gates.pass_marks.len().saturating_sub(1);
        Some(Retakes { gate: ids[&one.slot], take, review, rejects: REJECTED, further })
    });
    let gates: Vec<Retakes> = gates.collect();
    let mut open = fleet.clone();
    // What runs on the processor begins at once in there; only what waits for something is of interest.
    step(&mut open, now, Event::Resumed { scope: all.clone() });
    let seed = now.0.unsigned_abs();
    let told = tokio::task::spawn_blocking(move || foretell(&fleet, &gates, Some(&all), RUNS, seed));
    let told = told.await.map_err(|error| Error::Refused(format!("the plan broke down: {error}")))?;
    let done = |job: Job| ids.get(&job.slot()).and_then(|task| told.tasks.get(task).copied());
    let mut waits: Vec<String> = Vec::new();
    for (slot, task) in ids.iter().filter(|(_, task)| told.stuck.contains(task)) {
        if let Some(reason) = why(&open, *task)
            && !matches!(reason, studio_core::schedule::WaitReason::Needs { .. })
        {
            waits.push(format!("{slot}: {reason}"));
        }
    }
    let readings = context.cards.as_ref().map(|cards| cards.latest()).unwrap_or_default();
    let watts = readings.iter().filter_map(|one| Some((one.slot.to_string(), one.power_limit_w.or(one.power_w)?)));
    let energy_wh = energy(&told, &watts.collect());
    let scenes = 1..=production.script.scenes.len() as u32;
    Ok(Plan {
        film_ms: done(Job::Film),
        scenes_ms: scenes.map(|scene| done(Job::SceneFilm { scene })).collect(),
        swaps: told.swaps,
        busy_ms: told.busy_ms,
        energy_wh,
        money: energy_wh / 1000.0 * context.plan.price_kwh,
        waits,
    })
}
