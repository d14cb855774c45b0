//! `ComfyUI`: pictures, clips and music by models, on one or several servers, each with its own card.
//!
//! An attempt's id is the prompt's id, stored before the server hears of it, so that after any break the server can
//! be asked what became of it. A prompt that nobody knows any more is made again under a new attempt; one id is never
//! sent twice.

mod client;
mod direct;
mod fetch;
mod inspect;
mod make;
mod outputs;
mod pool;
mod render;
mod server;
mod socket;
mod train;
mod wire;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use studio_core::{
    ids::{AttemptId, ContentHash},
    ladder::Rung,
    order::Order,
    recipe,
    units::SAMPLE_RATE,
    workflow::{SlotValue, Workflow},
};
use studio_engine::{Artifact, Availability, Boxed, Engine, EngineError, FailureKind, Made, Means, RunMedia};
use tokio::sync::watch;

pub use super::program::Restart;
pub use direct::{Direct, Kit};
pub use inspect::{Lacking, Report, inspect, missing};
pub use make::Run;
pub use outputs::{Output, Outputs, Picture};
pub use server::{Facts, Pace, STRIKES, ServerPlan};
pub use train::{ConsolePlace, TrainedFile, TrainingServer, checkpoint, input_folder, lacks};

use crate::definitions::{Definitions, DefinitionsWatch};
use pool::Pool;

/// Name of the engine's seat.
pub const COMFY: &str = "comfy";

/// How the studio whose data lies at `root` knows its own prompts: two studios may share a ComfyUI.
pub fn home_of(root: &Path) -> String {
    ContentHash::of(root.to_string_lossy().as_bytes()).to_string()[..16].to_owned()
}

/// The engine: every `ComfyUI` of the settings.
#[derive(Clone)]
pub struct Comfy {
    pool: Arc<Pool>,
    shelf: DefinitionsWatch,
    media: Arc<dyn RunMedia>,
    /// How the studio knows its own prompts among those of others.
    home: String,
}

impl Comfy {
    /// An engine at rest: nothing is asked until it is told to look or to watch. `home` tells this studio's prompts from
    /// another's.
    pub fn open(
        plans: Vec<ServerPlan>,
        pace: Pace,
        shelf: DefinitionsWatch,
        media: Arc<dyn RunMedia>,
        home: &str,
    ) -> Result<Self, String> {
        let pool = Pool::open(plans, pace, &shelf)?;
        Ok(Self { pool: Arc::new(pool), shelf, media, home: home.to_owned() })
    }
}

impl Comfy {
    fn kit<'a>(&'a self, definitions: &'a Definitions) -> Kit<'a> {
        Kit { media: &*self.media, home: &self.home, definitions }
    }

    /// Runs one workflow as it is, with `values` in its slots and `uploads` as its pictures and films.
    ///
    /// Fails when no server that is there has everything for it, without waiting for one.
    pub async fn run_workflow(
        &self,
        flow: &Workflow,
        values: &BTreeMap<String, SlotValue>,
        uploads: &BTreeMap<String, PathBuf>,
        with: Means<'_>,
    ) -> Result<Vec<Artifact>, EngineError> {
        self.pool.settled().await?;
        let definitions = self.shelf.now();
        let (placed, _) = self.pool.place(flow, values, with.room, with.progress, with.stop).await?;
        let direct = Direct { server: &placed.server, kit: self.kit(&definitions) };
        direct.single(flow, values, uploads, with).await
    }
}

impl Engine for Comfy {
    fn version(&self) -> String {
        format!("{COMFY}/1")
    }

    /// The model and everything about it that decides the picture: its entry in the catalogue and its workflow.
    fn version_for(&self, order: &Order) -> String {
        let definitions = self.shelf.now();
        let model = recipe::version(&definitions.catalogue, &definitions.workflows, order);
        model.map_or_else(|| self.version(), |model| format!("{}/{model}", self.version()))
    }

    fn kind_of_work(&self, order: &Order) -> Option<String> {
        let definitions = self.shelf.now();
        let plan = recipe::plan(&definitions.catalogue, &definitions.workflows, order, &[]).ok()?;
        let frames: u64 = match order {
            Order::Music(order) => order.at_least.0 / u64::from(SAMPLE_RATE),
            _ => plan.parts.iter().sum(),
        };
        Some(format!("{}/{}/{}/{frames}", plan.workflow, plan.model, plan.size))
    }

    fn run<'a>(&'a self, order: &'a Order, Means { room, progress, stop }: Means<'a>) -> Made<'a> {
        Box::pin(async move {
            let definitions = self.shelf.now();
            let plan = recipe::plan(&definitions.catalogue, &definitions.workflows, order, &room.relief)
                .map_err(|refusal| EngineError::new(FailureKind::Refused, refusal.to_string()))?;
            let run = Run { pool: &self.pool, kit: self.kit(&definitions) };
            run.make(&plan, room, progress, stop).await
        })
    }

    fn outlives(&self) -> bool {
        true
    }

    fn abandon(&self, attempt: AttemptId) -> Boxed<'_, ()> {
        Box::pin(async move { self.pool.abandon(attempt).await })
    }

    fn relief(&self, order: &Order) -> Vec<Rung> {
        let definitions = self.shelf.now();
        let mut rungs = recipe::possible(&definitions.catalogue, &definitions.workflows, order);
        if self.with_other_model(order).is_none() {
            rungs.retain(|rung| *rung != Rung::OtherEngine);
        }
        rungs
    }

    fn price(&self, order: &Order) -> f64 {
        let definitions = self.shelf.now();
        let model = order.recipe().and_then(|recipe| definitions.catalogue.models.get(&recipe.model));
        let film_ms = match order {
            Order::Clip(order) => order.fps.ms_at(order.frames),
            Order::Music(order) => order.at_least.0 * 1000 / u64::from(SAMPLE_RATE),
            _ => 0,
        };
        model.map_or(0.0, |model| model.price.of(film_ms))
    }

    fn with_other_model(&self, order: &Order) -> Option<Order> {
        let definitions = self.shelf.now();
        let used = order.recipe()?;
        let vram = |name: &str| definitions.catalogue.models.get(name).map(|model| model.vram_mib);
        let mine = vram(&used.model)?;
        let mut smaller: Vec<&String> =
            definitions.catalogue.models.keys().filter(|name| vram(name).is_some_and(|other| other < mine)).collect();
        // The largest of the smaller ones: closest in what it can do.
        smaller.sort_by_key(|name| std::cmp::Reverse(vram(name)));
        smaller.into_iter().find_map(|name| {
            let mut other = order.clone();
            match &mut other {
                Order::Still(order) => order.recipe.as_mut()?.model.clone_from(name),
                Order::Clip(order) => order.recipe.as_mut()?.model.clone_from(name),
                Order::Music(order) => order.recipe.as_mut()?.model.clone_from(name),
                _ => return None,
            }
            let plan = recipe::plan(&definitions.catalogue, &definitions.workflows, &other, &[]).ok()?;
            let flow = definitions.workflows.get(&plan.workflow)?;
            self.pool.can_any(flow, &plan.values).then_some(other)
        })
    }

    fn offer(&self) -> Option<watch::Receiver<Availability>> {
        Some(self.pool.offer())
    }

    fn look(&self) -> Boxed<'_, ()> {
        Box::pin(self.pool.look())
    }

    fn watch(&self) {
        if self.pool.watch() {
            self.pool.keep_testing(self);
        }
    }

    fn release<'a>(&'a self, seat: &'a str, model: &'a str) -> Boxed<'a, Result<(), EngineError>> {
        Box::pin(async move {
            let Some(server) = self.pool.server(seat) else { return Ok(()) };
            if server.facts().is_none() || server.free().await {
                return Ok(());
            }
            let message = format!("{seat} was asked to let {model} go, but its card's memory was not given back");
            Err(EngineError::new(FailureKind::Transient, message))
        })
    }
}
