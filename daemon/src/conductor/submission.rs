//! Submission: what the scheduler is told of a job, the same for a film that is made and for one that is only foreseen.

use std::collections::BTreeMap;

use studio_core::{
    ids::TaskId,
    production::{Job, PlannedJob, Production},
    schedule::{Need, Submission},
    sim::Retakes,
    take::Subject,
    task::Class,
};

use super::speculative::{MOST_TAKES, begins_from};

/// How likely a take is rejected, while nobody knows better.
const REJECTED: f64 = 0.25;

/// The task of each job: those a job needs must be in there before the job is submitted.
pub(crate) type TaskIds = BTreeMap<Job, TaskId>;

/// The model a job is made with; empty when its engine has none.
pub(crate) fn model_of(production: &Production, job: Job) -> String {
    if production.given(job).is_some() {
        return String::new();
    }
    let model = match job {
        Job::Take { subject: Subject::Still, scene, .. } => {
            production.still_route_of(scene).1.map(|hand| hand.model.clone())
        }
        Job::Take { subject: Subject::Clip, scene, shot, .. } => production.route(scene, shot).model,
        Job::Review { .. } | Job::Golden { .. } => production.cast.eye.clone(),
        Job::Voice { .. } => production.cast.tenants.get(&production.cast.voice).cloned(),
        Job::Music { .. } => match production.music_route() {
            (_, Some(hand)) => Some(hand.model.clone()),
            (engine, None) => production.cast.tenants.get(engine).cloned(),
        },
        _ => None,
    };
    model.unwrap_or_default()
}

/// How long a job may take while nothing is learned, in milliseconds.
fn guess_ms(job: Job, model: &str) -> u64 {
    match (job, model.is_empty()) {
        (Job::Take { subject: Subject::Clip, .. }, false) => 480_000,
        (Job::Take { subject: Subject::Still, .. }, false) => 20_000,
        (Job::Gate { .. } | Job::Portraits { .. }, _) => 0,
        (Job::Film | Job::SceneFilm { .. }, _) => 30_000,
        _ => 5_000,
    }
}

/// What the scheduler is told of a job that has nothing left to wait for.
pub(crate) fn without_needs(production: &Production, job: Job, engine: &str, task: TaskId) -> Submission {
    let model = model_of(production, job);
    Submission {
        kind: production.kind_of_work(job),
        project: production.billing.project().to_owned(),
        guess_ms: guess_ms(job, &model),
        model,
        ..Submission::plain(task, engine, Class::Production)
    }
}

/// What the scheduler is told of a job as it was planned, with what it needs, as far as that is among `ids`.
pub(crate) fn submission(production: &Production, planned: &PlannedJob, task: TaskId, ids: &TaskIds) -> Submission {
    let needs = planned.needs.iter().filter_map(|need| {
        let speculative = begins_from(production, planned.job, need.job).and_then(|job| ids.get(&job).copied());
        Some(Need { task: *ids.get(&need.job)?, optional: need.optional, speculative })
    });
    let judges = match planned.job {
        Job::Review { subject, scene, shot, take } => ids.get(&Job::Take { subject, scene, shot, take }).copied(),
        _ => None,
    };
    Submission { needs: needs.collect(), judges, ..without_needs(production, planned.job, &planned.engine, task) }
}

/// How a gate among `ids` may ask for further takes; `None` for other jobs.
pub(crate) fn retakes(production: &Production, job: Job, ids: &TaskIds) -> Option<Retakes> {
    let Job::Gate { subject, scene, shot } = job else { return None };
    let task = |job: Job| ids.get(&job).copied();
    let of = |take| Job::Take { subject, scene, shot, take };
    // Takes before the newest may be there already and not be among the tasks.
    let newest = ids.range(of(1)..=of(MOST_TAKES)).rev().find_map(|(job, made)| match *job {
        Job::Take { take, .. } => Some((take, *made, task(Job::Review { subject, scene, shot, take })?)),
        _ => None,
    });
    let (last, take, review) = newest?;
    let further = production.gates.pass_marks.len().saturating_sub(last as usize);
    Some(Retakes { gate: task(job)?, take, review, rejects: REJECTED, further })
}
