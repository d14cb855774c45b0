//! Trainings: what the studio does about them by itself. A run is trained slice by slice, its epochs are compared by pictures, and one
//! that is better than what films use takes its place. All of it follows from stored rows, so a restart goes on where the studio left.

mod library;
mod plan;
mod probes;
mod service;
mod sweep;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::json;
use studio_core::{
    dataset::{Made, PictureRequest, Visit},
    ids::{DecisionId, TaskId, TrainingId},
    journal::{DecisionKind, EventKind, OutcomeWord},
    order::Order,
    task::PictureJob,
    training::{Choice, Effect, Ground, TrainOrder, TrainedEpoch, Training, TrainingState, step},
    units::Millis,
};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::datasets::{self, Datasets};
use crate::{
    conductor,
    engines::trainer::{TRAINER, model_of},
    events::StudioEvent,
    store::{self, Tx, decisions::Decision},
};

/// Without any news it is looked again after this long: what a listener missed is found then.
const AT_LATEST: std::time::Duration = std::time::Duration::from_mins(10);
/// How often what nothing refers to any more is cleared away, beside once at the start.
const SWEEP: std::time::Duration = std::time::Duration::from_hours(24);
/// After something failed that may work the next time.
const SOON: std::time::Duration = std::time::Duration::from_secs(5);

/// Looks after the trainings of a studio, with what looks after its datasets.
#[derive(Clone)]
pub struct Trainings {
    /// What knows the datasets, and how their pictures are made.
    pub datasets: Datasets,
    /// Held from looking at what a run needs until it is asked for: two at the same time would ask for the same twice.
    asking: Arc<tokio::sync::Mutex<()>>,
    /// Why runs do not go on, as of the last look.
    troubles: Arc<Mutex<BTreeMap<TrainingId, String>>>,
}

impl Trainings {
    /// Of the studio whose datasets these are.
    pub fn of(datasets: Datasets) -> Self {
        Self { datasets, asking: Arc::default(), troubles: Arc::default() }
    }

    /// Looks after them until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut heard = self.datasets.making.context.events.listen();
        let mut sweeps = tokio::time::interval(SWEEP);
        // The first one is at once: before anything is put where something is left over.
        sweeps.tick().await;
        self.sweep().await;
        loop {
            let again = match self.look_after_all().await {
                // Whatever keeps one from going on may be mended without a word.
                Ok(()) if self.is_troubled() => SOON * 12,
                Ok(()) => AT_LATEST,
                // What failed is looked at again: a store that is away comes back, and settings are mended.
                Err(error) => {
                    tracing::warn!(%error, "the trainings cannot be looked after");
                    SOON
                }
            };
            let sleep = tokio::time::sleep(again);
            tokio::pin!(sleep);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = &mut sleep => break,
                    _ = sweeps.tick() => self.sweep().await,
                    happened = heard.recv() => match happened {
                        Ok(StudioEvent::Training { .. } | StudioEvent::Changed | StudioEvent::Engine { .. })
                        | Err(RecvError::Lagged(_)) => break,
                        Ok(_) => {}
                        Err(RecvError::Closed) => return,
                    },
                }
            }
            // Many at once are one reason to look.
            while heard.try_recv().is_ok() {}
        }
    }

    /// Does what there is to do for every run that is not over.
    pub async fn look_after_all(&self) -> Result<(), datasets::Error> {
        let all = store::trainings::open(self.db()).await?;
        self.troubles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|id, _| all.iter().any(|training| training.id == *id));
        for training in all {
            match self.look_after(training.id).await {
                Ok(()) => self.troubled(&training, None),
                // The store or the conductor is away: for all of them.
                Err(error) if !is_its_own(&error) => return Err(error),
                // One that cannot go on holds up no other.
                Err(error) => self.troubled(&training, Some(error.to_string())),
            }
        }
        self.cancel_left_over().await
    }

    /// Ends what is still made for runs that are over: a power cut may have come between the end of a run and that of its tasks.
    async fn cancel_left_over(&self) -> Result<(), datasets::Error> {
        let _one_at_a_time = self.asking.lock().await;
        for task in store::trainings::left_over(self.db()).await? {
            self.cancel(task).await?;
        }
        Ok(())
    }

    /// Ends a task, unless it has ended by itself.
    async fn cancel(&self, task: TaskId) -> Result<(), conductor::Error> {
        match self.datasets.conductor.cancel(task).await {
            Ok(()) | Err(conductor::Error::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn is_troubled(&self) -> bool {
        !self.troubles.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Keeps why a run does not go on, for whoever looks at it.
    fn troubled(&self, training: &Training, why: Option<String>) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(why) = why else {
            troubles.remove(&training.id);
            return;
        };
        // It is looked at again and again: the log has it once.
        if !troubles.contains_key(&training.id) {
            tracing::warn!(training = %training.id, %why, "a training does not go on");
        }
        troubles.insert(training.id, why);
    }

    fn db(&self) -> &store::Db {
        &self.datasets.making.context.db
    }

    fn now(&self) -> Millis {
        self.datasets.making.context.clock.now()
    }

    /// Does what a run needs, until that has to be waited for.
    async fn look_after(&self, id: TrainingId) -> Result<(), datasets::Error> {
        let _one_at_a_time = self.asking.lock().await;
        // Each turn but the last changes what is stored, and a run has an end.
        loop {
            let training = match store::trainings::get(self.db(), id).await {
                Ok(training) => training,
                Err(store::Error::NotFound { .. }) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let epochs = store::trainings::epochs(self.db(), id).await?;
            let probes = self.probes_now(&training, &epochs).await?;
            let slice_open = !store::trainings::open_for(self.db(), id).await?.is_empty();
            let active = store::loras::active(self.db(), training.character_id, training.plan.architecture).await?;
            let active = active.map(|lora| (lora.id, lora.strength));
            let ground = Ground { training: &training, epochs: &epochs, probes: &probes, slice_open, active };
            match step(&ground) {
                None => return Ok(()),
                Some(Effect::Slice { after, to }) => return self.slice(&training, &epochs, after, to).await,
                Some(Effect::Compare) => self.compare(&training).await?,
                Some(Effect::Probe(asked)) => self.ask_probes(&training, &asked).await?,
                Some(Effect::Decide(choice)) => return self.decide(&training, &epochs, choice).await,
                Some(Effect::AskPerson(choice)) => return self.ask_person(&training, choice).await,
            }
        }
    }

    /// Has the next epochs trained.
    async fn slice(
        &self,
        training: &Training,
        epochs: &[TrainedEpoch],
        after: u32,
        to: u32,
    ) -> Result<(), datasets::Error> {
        let plan = &training.plan;
        let order = TrainOrder {
            training: training.id,
            trainer: plan.trainer.clone(),
            architecture: plan.architecture,
            base: plan.base.clone(),
            base_print: plan.base_print,
            pictures: plan.pictures.clone(),
            settings: plan.settings.clone(),
            epochs: plan.epochs,
            after,
            to,
            weights: epochs.iter().find(|one| one.epoch == after).map(|one| one.weights.clone()),
            relief: training.relief.clone(),
        };
        let character = store::characters::get(self.db(), training.character_id).await?;
        let steps = u64::from(plan.epoch_steps) * u64::from(to - after);
        let request = PictureRequest {
            job: PictureJob::TrainingSlice { character: training.character_id, training: training.id, to },
            order: Order::Train(order),
            engine: TRAINER.to_owned(),
            model: model_of(plan.architecture),
            kind: format!("training {} {steps}", plan.architecture.word()),
            project: character.project_id.to_string(),
            guess_ms: steps * self.step_ms(&plan.trainer, plan.architecture),
            class: training.class,
            made: Made::default(),
            lineage: 0,
            person_approves: false,
            portrait: None,
            visit: Visit::Judge,
        };
        self.datasets.conductor.pictures(vec![(request, true)]).await?;
        Ok(())
    }

    /// All epochs are there: from now on they are compared.
    async fn compare(&self, training: &Training) -> Result<(), datasets::Error> {
        let mut tx = self.db().begin().await?;
        let (from, to) = ([TrainingState::Training], TrainingState::Probing);
        if !store::trainings::set_state(&mut tx, training.id, &from, to, (None, None), self.now()).await? {
            return Ok(());
        }
        self.changed(&mut tx, training).await?;
        tx.commit().await?;
        self.tell(training);
        Ok(())
    }

    /// Keeps which epoch is best, and has films use it where it is better.
    async fn decide(
        &self,
        training: &Training,
        epochs: &[TrainedEpoch],
        choice: Choice,
    ) -> Result<(), datasets::Error> {
        let Some(epoch) = choice.epoch else { return self.ask_person(training, choice).await };
        let lora = self.prepared(training, epochs, epoch, choice.strength).await?;
        self.clear_probed(training, epochs, Some(epoch)).await;
        let mut tx = self.db().begin().await?;
        let (from, to) = ([TrainingState::Probing], TrainingState::Done);
        // A person may have decided meanwhile.
        if !store::trainings::set_state(&mut tx, training.id, &from, to, (None, Some(&choice)), self.now()).await? {
            return Ok(());
        }
        self.put_into_library(&mut tx, &lora, choice.active).await?;
        self.decided(&mut tx, training, &choice, if choice.active { OutcomeWord::Used } else { OutcomeWord::Kept })
            .await?;
        tx.commit().await?;
        self.tell(training);
        Ok(())
    }

    /// Nobody can tell which epoch is best, or none is good enough: a person chooses.
    async fn ask_person(&self, training: &Training, choice: Choice) -> Result<(), datasets::Error> {
        let mut tx = self.db().begin().await?;
        let (from, to) = ([TrainingState::Probing], TrainingState::NeedsPerson);
        if !store::trainings::set_state(&mut tx, training.id, &from, to, (None, Some(&choice)), self.now()).await? {
            return Ok(());
        }
        self.decided(&mut tx, training, &choice, OutcomeWord::Asked).await?;
        tx.commit().await?;
        self.tell(training);
        Ok(())
    }

    /// Writes down what was decided of a run, and why.
    async fn decided(
        &self,
        tx: &mut Tx<'_>,
        training: &Training,
        choice: &Choice,
        outcome: OutcomeWord,
    ) -> Result<(), store::Error> {
        let decision = Decision {
            id: DecisionId(self.datasets.making.context.clock.id()),
            episode_id: None,
            task_id: None,
            kind: DecisionKind::Training,
            reason: choice.to_string(),
            inputs: json!({ "training": training.id, "character": training.character_id, "choice": choice }),
            outcome: outcome.into(),
            created: self.now(),
        };
        store::decisions::insert(tx, &decision).await?;
        self.changed(tx, training).await
    }

    async fn changed(&self, tx: &mut Tx<'_>, training: &Training) -> Result<(), store::Error> {
        let body = json!({ "character": training.character_id });
        store::events::append(tx, EventKind::TrainingChanged, &training.id.to_string(), &body, self.now()).await?;
        Ok(())
    }

    fn tell(&self, training: &Training) {
        self.datasets.making.context.events.tell(StudioEvent::Training { character: training.character_id });
    }
}

/// What hinders one run only: something of it is gone or cannot be read, its settings say what cannot be, or its files are not taken.
fn is_its_own(error: &datasets::Error) -> bool {
    match error {
        datasets::Error::Store(store) => matches!(store, store::Error::NotFound { .. } | store::Error::Corrupt { .. }),
        datasets::Error::Conductor(_) => false,
        _ => true,
    }
}
