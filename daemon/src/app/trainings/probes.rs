//! Probes: pictures that show how good an epoch is. They are rows first, and asked for whenever nobody is at them; so one that a power
//! cut left alone is asked for again.

use std::collections::BTreeSet;

use studio_core::{
    asset::AssetRef,
    dataset::Coverage,
    ids::{ContentHash, ProbeId, TaskId},
    order::Lora,
    training::{Contender, Probe, ProbeKind, ProbeState, TrainedEpoch, Training, TrainingState},
};
use studio_engine::asset_path;
use studio_pictures::{Index, Thresholds, print};

use super::Trainings;
use crate::{
    app::datasets::{self, Maker},
    store,
};

/// Most bits of 256 in which the hashes of a probe and a picture of the set differ that it copies.
const COPY: Thresholds = Thresholds { dct: 40, gradient: 24 };

impl Trainings {
    /// The probes of a run as they are, after everything was asked for that nobody is at.
    pub(super) async fn probes_now(
        &self,
        training: &Training,
        epochs: &[TrainedEpoch],
    ) -> Result<Vec<Probe>, datasets::Error> {
        if !training.state.is_open() {
            return Ok(Vec::new());
        }
        let probes = store::trainings::probes(self.db(), training.id).await?;
        let waits = |one: &&Probe| matches!(one.state, ProbeState::Asked | ProbeState::Made);
        if training.paused || !probes.iter().any(|one| waits(&one)) {
            return Ok(probes);
        }
        self.look_for_copies(training, &probes).await?;
        let probes = store::trainings::probes(self.db(), training.id).await?;
        let mut alone = Vec::new();
        for probe in probes.iter().filter(waits) {
            let open: Vec<TaskId> = store::trainings::open_for(self.db(), probe.id).await?;
            if open.is_empty() {
                alone.push(probe.clone());
            }
        }
        match self.ask_alone(training, epochs, &alone).await {
            // Nobody is kept from training by a picture that only shows how far it is.
            Err(error) if training.state == TrainingState::Training && super::is_its_own(&error) => {
                tracing::debug!(training = %training.id, %error, "no picture shows how far it is");
            }
            asked => asked?,
        }
        Ok(probes)
    }

    /// Keeps which pictures are wanted; the next look has them made.
    pub(super) async fn ask_probes(
        &self,
        training: &Training,
        asked: &[(Contender, u32)],
    ) -> Result<(), datasets::Error> {
        let (context, now) = (&self.datasets.making.context, self.now());
        let mut tx = self.db().begin().await?;
        for (contender, case) in asked {
            let probe = Probe {
                id: ProbeId(context.clock.id()),
                training_id: training.id,
                contender: *contender,
                case: *case,
                state: ProbeState::Asked,
                file: None,
                copy: None,
                verdict: None,
                marks: None,
                created: now,
            };
            store::trainings::insert_probe(&mut tx, &probe).await?;
        }
        self.changed(&mut tx, training).await?;
        tx.commit().await?;
        self.tell(training);
        Ok(())
    }

    /// Has those made, or judged, that nobody is at.
    async fn ask_alone(
        &self,
        training: &Training,
        epochs: &[TrainedEpoch],
        alone: &[Probe],
    ) -> Result<(), datasets::Error> {
        if alone.is_empty() {
            return Ok(());
        }
        let db = self.db();
        let character = store::characters::get(db, training.character_id).await?;
        let dataset = store::datasets::get(db, training.character_id).await?;
        let coverage = dataset.settings.axes.clone().unwrap_or_else(Coverage::shipped);
        let maker = Maker::of(&self.datasets.making, &character).await?;
        let mut requests = Vec::with_capacity(alone.len());
        for probe in alone {
            let Some(case) = training.plan.cases.get(probe.case as usize) else { continue };
            let request = if let (Some(file), ProbeState::Made) = (&probe.file, probe.state) {
                maker.probe_review(probe.id, file, case, &coverage, training.class)
            } else {
                let lora = match self.lora_of(training, epochs, probe.contender).await {
                    // A person removed it since: nobody can be compared with it any more.
                    Err(datasets::Error::Store(store::Error::NotFound { .. })) => {
                        self.give_up(probe.id).await?;
                        continue;
                    }
                    found => found?,
                };
                let control = (case.kind == ProbeKind::Control).then_some(training.plan.class_word.as_str());
                maker.probe(probe.id, case, lora, control, training.class)
            };
            requests.push((request, true));
        }
        self.datasets.conductor.pictures(requests).await?;
        Ok(())
    }

    /// Ends a probe that cannot be made.
    async fn give_up(&self, probe: ProbeId) -> Result<(), store::Error> {
        let mut tx = self.db().begin().await?;
        store::trainings::end_probe(&mut tx, probe, ProbeState::Failed, None, None).await?;
        tx.commit().await
    }

    /// The LoRA of a contender as a model is given it, its file in its place; `None`: it is none.
    async fn lora_of(
        &self,
        training: &Training,
        epochs: &[TrainedEpoch],
        contender: Contender,
    ) -> Result<Option<Lora>, datasets::Error> {
        match contender {
            Contender::Without => Ok(None),
            Contender::Active { lora, strength } => {
                let kept = store::loras::get(self.db(), lora).await?;
                self.placed(&kept.file, &kept.weights, kept.training_id.zip(kept.epoch)).await?;
                Ok(as_told(training, &kept.file, &kept.trigger, strength))
            }
            Contender::Epoch { epoch, strength } => {
                let Some(trained) = epochs.iter().find(|one| one.epoch == epoch) else { return Ok(None) };
                let file = self.name_of(training, epoch).await?;
                self.placed(&file, &trained.weights, Some((training.id, epoch))).await?;
                Ok(as_told(training, &file, &training.plan.trigger, strength))
            }
        }
    }

    /// Finds out which far probes copy a picture that was trained on.
    async fn look_for_copies(&self, training: &Training, probes: &[Probe]) -> Result<(), datasets::Error> {
        let new: Vec<(ProbeId, AssetRef)> = probes
            .iter()
            .filter(|one| one.state == ProbeState::Made && one.copy.is_none())
            .filter_map(|one| Some((one.id, one.file.clone()?)))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let trained: BTreeSet<ContentHash> = training.plan.pictures.iter().map(|one| one.file.hash).collect();
        let all = store::dataset_pictures::of_character(self.db(), training.character_id).await?;
        let known: BTreeSet<_> = all.iter().filter(|one| trained.contains(&one.file.hash)).map(|one| one.id).collect();
        let prints = store::dataset_pictures::prints(self.db(), training.character_id).await?;
        let assets = self.datasets.making.context.data.assets();
        let found = tokio::task::spawn_blocking(move || {
            let mut index = Index::default();
            for (id, print) in prints.iter().filter(|(id, _)| known.contains(id)) {
                index.insert(*id, print);
            }
            let look = |(id, file): &(ProbeId, AssetRef)| {
                // What cannot be read is no copy; the judge says what is wrong with it.
                let print = print::of_file(&asset_path(&assets, file)).ok();
                (*id, print.is_some_and(|print| index.nearest(&print, COPY).is_some()))
            };
            new.iter().map(look).collect::<Vec<_>>()
        });
        let found = found.await.map_err(|error| datasets::Error::Files(error.to_string()))?;
        let mut tx = self.db().begin().await?;
        for (id, copy) in found {
            store::trainings::set_copy(&mut tx, id, copy).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// A LoRA as a model is given it; `None`: no model of the studio takes it.
fn as_told(training: &Training, file: &str, trigger: &str, strength: u32) -> Option<Lora> {
    Some(Lora {
        file: file.to_owned(),
        base: training.plan.architecture.base()?.to_owned(),
        strength_percent: strength,
        trigger: trigger.to_owned(),
    })
}
