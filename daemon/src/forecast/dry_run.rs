//! Dry run: what a production would do, found out without doing it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use serde::Serialize;
use studio_core::{
    failure::Cause,
    ids::ContentHash,
    order::Outputs,
    production::{
        Dependency, GateOutcome, GateReason, Job, Production, Resolved, Stage, gate, plan_jobs, planned, resolve,
    },
    task::Attempt,
};

use crate::{
    conductor::{Absent, Context, Error, lookup, still_there},
    store,
};

/// What would happen to one job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobPreview {
    /// What it is.
    pub job: Job,
    /// The part of the work it belongs to.
    pub stage: Stage,
    /// Which engine would do it.
    pub engine: String,
    /// It would be made; otherwise it is there.
    pub make: bool,
    /// Why it would be made, or why it need not be.
    pub why: String,
    /// How long it takes, from what this engine took before; 0 when it never worked.
    pub takes_ms: u64,
}

/// What a production would do.
#[derive(Debug, Clone, Default)]
pub struct DryRun {
    /// Every job, in order.
    pub jobs: Vec<JobPreview>,
}

/// What the jobs of a stage are about, as people count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Line(u32, u32, u32),
    Shot(u32, u32),
    Scene(u32),
    Film,
}

impl Thing {
    /// What a job is about; `None` of one that is about other films.
    fn of(job: Job) -> Option<Self> {
        Some(match job {
            Job::Voice { scene, shot, line } => Self::Line(scene, shot, line),
            Job::Take { scene, shot, .. }
            | Job::Review { scene, shot, .. }
            | Job::Gate { scene, shot, .. }
            | Job::Normalise { scene, shot } => Self::Shot(scene, shot),
            Job::Music { scene } | Job::Mix { scene } | Job::SceneFilm { scene } => Self::Scene(scene),
            Job::Sound | Job::Film | Job::Artwork | Job::Library => Self::Film,
            Job::Golden { .. } | Job::Portraits { .. } => return None,
        })
    }
}

/// What a stage makes, counted as people count: lines, shots, scenes, films.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StageCount {
    /// The part of the work.
    pub stage: Stage,
    /// What is counted, for one: `line`, `shot`, `scene` or `film`.
    pub unit: &'static str,
    /// How many there are.
    pub all: usize,
    /// Of how many something would be made.
    pub make: usize,
    /// Tasks that would be done for them: takes, reviews, choices and the like.
    pub tasks: usize,
    /// How long those take one after another, in milliseconds; 0 when nobody knows.
    pub takes_ms: u64,
}

impl DryRun {
    /// What each stage makes, in the order of stages.
    pub fn counts(&self) -> Vec<StageCount> {
        Stage::ALL.into_iter().map(|stage| self.count(stage)).collect()
    }

    fn count(&self, stage: Stage) -> StageCount {
        let mine = || self.jobs.iter().filter(move |job| job.stage == stage);
        let things = |jobs: &mut dyn Iterator<Item = &JobPreview>| {
            jobs.filter_map(|job| Thing::of(job.job)).collect::<BTreeSet<_>>().len()
        };
        let (_, tasks, takes_ms) = self.of(stage);
        StageCount {
            stage,
            unit: match stage {
                Stage::Voices => "line",
                Stage::Pictures | Stage::Clips => "shot",
                Stage::Music | Stage::Scenes => "scene",
                Stage::Film | Stage::Library => "film",
            },
            all: things(&mut mine()),
            make: things(&mut mine().filter(|job| job.make)),
            tasks,
            takes_ms,
        }
    }

    /// Jobs of a stage: how many are there, how many are made, and how long those take one after another.
    pub fn of(&self, stage: Stage) -> (usize, usize, u64) {
        let mine = || self.jobs.iter().filter(move |job| job.stage == stage);
        let takes_ms = mine().filter(|job| job.make).map(|job| job.takes_ms).sum();
        (mine().filter(|job| !job.make).count(), mine().filter(|job| job.make).count(), takes_ms)
    }
}

/// Foresees every job of `production` from what is in the store and on disk.
///
/// # Errors
/// What the store says.
pub async fn dry_run(context: &Context, production: &Production) -> Result<DryRun, Error> {
    let mut known: BTreeMap<Job, Outputs> = BTreeMap::new();
    let mut run = DryRun::default();
    let mut usual: BTreeMap<String, u64> = BTreeMap::new();
    let mut asked = BTreeSet::new();
    let mut queue: VecDeque<Job> = plan_jobs(production).into_iter().map(|planned| planned.job).collect();
    let mut looked_up = LookedUp::default();
    while let Some(job) = queue.pop_front() {
        looked_up.ahead(context, production, job, &queue, &known).await?;
        let planned = planned(production, job);
        let unmade = planned.needs.iter().find(|need| !need.optional && !known.contains_key(&need.job));
        let (make, why) = match (unmade, job) {
            (Some(need), _) => (true, format!("needs {}, which would be made", need.job)),
            (None, job) if production.given(job).is_some() => {
                known.extend(production.given(job).map(|given| (job, given.clone())));
                (false, "a person put it in place".into())
            }
            (None, Job::Gate { subject, scene, shot }) => match gate(production, subject, scene, shot, &known) {
                GateOutcome::Chosen { outputs, reason, .. } => {
                    known.insert(job, outputs);
                    (false, reason.to_string())
                }
                GateOutcome::Again { take, reason } => {
                    // The next take may be there as well: look before saying it would be made.
                    let next = Job::Take { subject, scene, shot, take };
                    if asked.insert(next) {
                        for job in [job, Job::Review { subject, scene, shot, take }, next] {
                            queue.push_front(job);
                        }
                        continue;
                    }
                    (true, reason.to_string())
                }
                GateOutcome::ShowPerson { why, .. } => (true, Cause::Unseen { why }.to_string()),
                GateOutcome::AskPerson { said } => (true, GateReason::Unjudged { said }.to_string()),
            },
            (None, Job::Portraits { .. }) => (true, "drawn and judged before the film begins".into()),
            (None, _) => match looked_up.found(context, production, job, &planned.engine, &known).await? {
                Ok(outputs) => {
                    known.insert(job, outputs);
                    (false, "made before".into())
                }
                Err(why) => (true, why),
            },
        };
        let takes_ms = if let Some(takes_ms) = usual.get(&planned.engine) {
            *takes_ms
        } else {
            let takes_ms = usual_ms(context, &planned.engine).await?;
            usual.insert(planned.engine.clone(), takes_ms);
            takes_ms
        };
        run.jobs.push(JobPreview { job, stage: job.stage(), engine: planned.engine, make, why, takes_ms });
    }
    Ok(run)
}

/// Jobs that are looked up with one question.
const AT_ONCE: usize = 500;

/// What was looked up before its turn, many results with one question: a film has thousands.
#[derive(Default)]
struct LookedUp {
    /// By key; `None`: nobody has made it.
    results: HashMap<ContentHash, Option<Attempt>>,
    /// Jobs that come before anything has to be asked again.
    left: usize,
}

impl LookedUp {
    /// Asks for `job` and those that follow it, as far as it is known already what they would be made of.
    async fn ahead(
        &mut self,
        context: &Context,
        production: &Production,
        job: Job,
        queue: &VecDeque<Job>,
        known: &BTreeMap<Job, Outputs>,
    ) -> Result<(), Error> {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            return Ok(());
        }
        let mut keys = Vec::new();
        for job in [job].into_iter().chain(queue.iter().copied()).take(AT_ONCE) {
            self.left += 1;
            let planned = planned(production, job);
            let made = |need: &Dependency| need.optional || known.contains_key(&need.job);
            if !matches!(job, Job::Gate { .. } | Job::Portraits { .. })
                && production.given(job).is_none()
                && planned.needs.iter().all(made)
            {
                keys.extend(order_of(context, production, job, &planned.engine, known).ok().map(|(key, _)| key));
            }
        }
        self.left -= 1;
        let mut made = store::attempts::succeeded_by_keys(&context.db, &keys).await?;
        self.results = keys.into_iter().map(|key| (key, made.remove(&key))).collect();
        Ok(())
    }

    /// The result of a job when it is there, else why it is not.
    async fn found(
        &mut self,
        context: &Context,
        production: &Production,
        job: Job,
        engine: &str,
        made: &BTreeMap<Job, Outputs>,
    ) -> Result<Result<Outputs, String>, Error> {
        let (key, Resolved { order, reasons, .. }) = match order_of(context, production, job, engine, made) {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        // Equal work is looked up once and may be asked for by several jobs.
        let found = match self.results.get(&key) {
            Some(Some(attempt)) => still_there(context, attempt.clone(), &order, engine).await?,
            Some(None) => Err(Absent::Never),
            // It is made of something that was found only now.
            None => lookup(context, key, &order, engine).await?,
        };
        Ok(found.map(|(_, outputs)| outputs).map_err(|absent| match absent {
            Absent::Never => {
                let whence = reasons.iter().map(|reason| format!("; {reason}"));
                std::iter::once("never made like this".to_owned()).chain(whence).collect()
            }
            Absent::FileGone(file) => format!("its file {file} is gone or cut"),
            Absent::NotStanding(_) => "it is no longer in place".to_owned(),
        }))
    }
}

/// What an engine would be asked for, and its key; else why it cannot be.
fn order_of(
    context: &Context,
    production: &Production,
    job: Job,
    engine: &str,
    made: &BTreeMap<Job, Outputs>,
) -> Result<(ContentHash, Resolved), String> {
    let resolved = resolve(production, job, made).map_err(|missing| missing.to_string())?;
    let seat = context.engines.get(engine).ok_or_else(|| format!("engine {engine} is not configured"))?;
    Ok((resolved.order.key(&seat.engine.version_for(&resolved.order)), resolved))
}

/// Median of what an engine's last attempts took.
async fn usual_ms(context: &Context, engine: &str) -> Result<u64, Error> {
    let Some(seat) = context.engines.get(engine) else { return Ok(0) };
    let mut took = store::attempts::durations(&context.db, &seat.engine.version()).await?;
    took.sort_unstable();
    Ok(took.get(took.len() / 2).copied().unwrap_or(0).unsigned_abs())
}
