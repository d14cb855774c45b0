//! Datasets: what the studio does about them by itself. It looks at pictures that came in, groups near-duplicates, has the
//! rest judged, and asks for more where their owner wants it filled. All of it follows from stored rows, so a restart goes
//! on where the studio left.

mod arrive;
mod comfy;
mod copies;
mod export;
mod inbox;
mod ingest;
mod look;
mod portraits;
mod requests;
mod reviews;
mod service;
mod sheets;
mod stills;
mod unnamed;

use std::sync::{Arc, Mutex};

use jiff::ToSpan;
use serde_json::json;
use studio_core::{
    dataset::{
        Asked, Dataset, Day, Effect, Event, Evidences, Ground, Ledger, Limits, NothingApproved, Pause, PictureRequest,
        Request, Round, Summary, Terms, Wait, evidence, plan_round, step,
    },
    ids::{CharacterId, DecisionId, PictureId},
    journal::{DecisionKind, EventKind},
    task::Class,
    units::{Millis, Seed},
};
use studio_engine::RunMedia;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

pub use copies::Indexes;
pub use inbox::Inbox;
pub use ingest::is_video;
pub use requests::Studio as Maker;

use super::producing::ProductionContext;
use crate::{
    conductor::{self, Handle},
    events::StudioEvent,
    store::{self, decisions::Decision},
};

/// Without any news it is looked again after this long: what a listener missed is found then.
const AT_LATEST: std::time::Duration = std::time::Duration::from_mins(10);

/// Why something about a dataset could not be done now.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The conductor takes nothing.
    #[error(transparent)]
    Conductor(#[from] conductor::Error),
    /// The settings do not say how, or say what cannot be.
    #[error("{0}")]
    Settings(String),
    /// A file cannot be read or written.
    #[error("{0}")]
    Files(String),
    /// There is nothing that could be exported.
    #[error(transparent)]
    NothingApproved(#[from] NothingApproved),
}

/// Looks after the datasets of a studio.
#[derive(Clone)]
pub struct Datasets {
    /// What pictures are made with.
    pub making: ProductionContext,
    /// Who makes them.
    pub conductor: Handle,
    /// Hashes of what there is, by character.
    pub indexes: Arc<Mutex<Indexes>>,
    /// Who looks into videos; `None`: this very program.
    pub media: Option<Arc<dyn RunMedia>>,
    /// Held from looking at what was asked for until more of it is: two at the same time would ask for the same twice.
    pub asking: Arc<tokio::sync::Mutex<()>>,
}

/// What stored rows say of a dataset at a moment.
pub struct Now {
    /// The dataset and its settings.
    pub dataset: Dataset,
    /// All of its pictures.
    pub pictures: Vec<Summary>,
    /// Pictures that were asked for, by the studio or by a person.
    pub requests: Vec<Request>,
    /// What follows for the next ones.
    pub ledger: Ledger,
    /// The day of the owner.
    pub day: Day,
    /// The moment itself.
    pub at: Millis,
}

impl Datasets {
    /// Looks after them, and takes videos in, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        tokio::join!(self.look_after(&stop), self.take_in(&stop));
    }

    async fn look_after(&self, stop: &CancellationToken) {
        let mut heard = self.making.context.events.listen();
        let mut event = Event::Started;
        loop {
            let wake = match self.look_after_all(event).await {
                Ok(wake) => wake,
                // What failed is looked at again: a store that is away comes back, and settings are mended.
                Err(error) => {
                    tracing::warn!(%error, "the datasets cannot be looked after");
                    Some(self.making.context.clock.now().after(5_000))
                }
            };
            let sleep = self.until(wake);
            tokio::pin!(sleep);
            event = loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = &mut sleep => break Event::Woken,
                    happened = heard.recv() => match happened {
                        Ok(
                            StudioEvent::Dataset { .. }
                            | StudioEvent::Portraits { .. }
                            | StudioEvent::Unnamed { .. },
                        ) => break Event::Made,
                        Ok(StudioEvent::Changed) => break Event::Settings,
                        // What people say of a film's pictures has it planned again.
                        Ok(StudioEvent::LaidOut { .. } | StudioEvent::Ended { .. }) | Err(RecvError::Lagged(_)) => {
                            break Event::Woken;
                        }
                        Ok(_) => {}
                        Err(RecvError::Closed) => return,
                    },
                }
            };
            // Many at once are one reason to look.
            while heard.try_recv().is_ok() {}
        }
    }

    /// Waits for a moment of the studio's clock, at most [`AT_LATEST`].
    async fn until(&self, wake: Option<Millis>) {
        let now = self.making.context.clock.now();
        let left = wake.map_or(u64::MAX, |wake| wake.0.saturating_sub(now.0).max(0).unsigned_abs());
        tokio::time::sleep(std::time::Duration::from_millis(left).min(AT_LATEST)).await;
    }

    /// Does what there is to do for every dataset; when to look again.
    pub async fn look_after_all(&self, event: Event) -> Result<Option<Millis>, Error> {
        let more = self.look_at_new().await?;
        let more = self.look_at_portraits().await? || more;
        self.identify_new().await?;
        let mut wake: Option<Millis> = more.then(|| self.making.context.clock.now());
        for dataset in store::datasets::list(&self.making.context.db).await? {
            let character = dataset.character_id;
            match self.take_approved(&dataset).await {
                Ok(()) => {}
                Err(error @ Error::Store(_)) => return Err(error),
                Err(error) => tracing::warn!(%character, %error, "stills are not taken into a dataset"),
            }
            match self.replenish(dataset, event).await {
                Ok(at) => wake = [wake, at].into_iter().flatten().min(),
                Err(error @ (Error::Store(_) | Error::Conductor(_))) => return Err(error),
                // One that cannot be filled holds up no other.
                Err(error) => tracing::warn!(%character, %error, "a dataset is not filled"),
            }
        }
        Ok(wake)
    }

    /// What the rows of a dataset say now.
    pub async fn now(&self, dataset: Dataset) -> Result<Now, Error> {
        let context = &self.making.context;
        let at = context.clock.now();
        let day = self.day(at);
        // A day back covers the cooldown, and whatever the clock was set by; what came to nothing counts from when it was
        // switched on.
        let since = Millis((day.began.0.min(at.0) - 86_400_000).min(dataset.since.0));
        let asked = store::datasets::asked(&context.db, dataset.character_id, since).await?;
        // After the requests: what is made in between counts twice for a moment, and never not at all.
        let pictures = store::dataset_pictures::of_character(&context.db, dataset.character_id).await?;
        let pictures: Vec<Summary> = pictures.iter().map(Summary::of).collect();
        let own: Vec<Request> = asked.iter().filter(|one| one.automatic).map(request).collect();
        let ledger = Ledger::of(&dataset, &pictures, &own, day, at);
        let requests = asked.iter().map(request).collect();
        Ok(Now { dataset, pictures, requests, ledger, day, at })
    }

    /// The owner's day a moment is in.
    fn day(&self, at: Millis) -> Day {
        let zone = self.making.context.clock.zone();
        let began = Millis(at.0 - at.0.rem_euclid(86_400_000));
        let usual = Day { began, ends: began.after(86_400_000) };
        let Ok(moment) = jiff::Timestamp::from_millisecond(at.0) else { return usual };
        let Ok(began) = moment.to_zoned(zone).start_of_day() else { return usual };
        let Ok(ends) = began.checked_add(1.day()) else { return usual };
        Day { began: Millis(began.timestamp().as_millisecond()), ends: Millis(ends.timestamp().as_millisecond()) }
    }

    /// What the rest of the studio allows.
    pub async fn limits(&self, own: CharacterId) -> Result<Limits, Error> {
        let context = &self.making.context;
        let settings = &self.making.config.datasets;
        let filling = store::datasets::filling(&context.db, own).await?;
        let free = context.data.free_bytes().unwrap_or(u64::MAX);
        let energy_ok = match settings.daily_wh {
            Some(most) => {
                let today = self.day(context.clock.now()).began;
                store::datasets::energy_wh(&context.db, today).await? < f64::from(most)
            }
            None => true,
        };
        Ok(Limits {
            filling: u32::try_from(filling).unwrap_or(u32::MAX),
            most_filling: settings.in_flight,
            disk_ok: free >= u64::from(settings.keep_free_gib) << 30,
            energy_ok,
            judge_away: self.judge_is_away(),
        })
    }

    /// Why nothing is asked for a dataset now; `None`: something will be.
    pub async fn waits(&self, now: &Now) -> Result<Option<Wait>, Error> {
        let limits = self.limits(now.dataset.character_id).await?;
        Ok(studio_core::dataset::room(&now.dataset, &now.ledger, &limits, now.day).err())
    }

    async fn replenish(&self, dataset: Dataset, event: Event) -> Result<Option<Millis>, Error> {
        if !dataset.replenish {
            return Ok(None);
        }
        let _one_at_a_time = self.asking.lock().await;
        // Whoever held it may have been long about it, and a person has switched it off meanwhile.
        let dataset = match store::datasets::get(&self.making.context.db, dataset.character_id).await {
            Ok(dataset) if dataset.replenish => dataset,
            Ok(_) | Err(store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let limits = self.limits(dataset.character_id).await?;
        let now = self.now(dataset).await?;
        let mut wake = None;
        for effect in step(&now.dataset, &now.ledger, &limits, now.day, now.at, event) {
            match effect {
                Effect::Round { pictures, .. } => self.round(&now, pictures).await?,
                Effect::Pause(pause) => self.pause(&now, pause).await?,
                Effect::WakeAt(at) => wake = Some(at),
                Effect::Nothing(wait) => {
                    tracing::debug!(character = %now.dataset.character_id, %wait, "nothing is asked for a dataset");
                }
            }
        }
        Ok(wake)
    }

    /// Asks for so many pictures, each where it is missed most.
    async fn round(&self, now: &Now, pictures: u32) -> Result<(), Error> {
        let character = store::characters::get(&self.making.context.db, now.dataset.character_id).await?;
        let maker = Maker::of(&self.making, &character).await?;
        let Round { asked, given_up } = self.plan(now, &maker, |ground| plan_round(ground, pictures)).await?;
        if asked.is_empty() {
            let cells = u32::try_from(given_up.len()).unwrap_or(u32::MAX);
            return self.pause(now, Pause::Hopeless { cells, at: now.at }).await;
        }
        self.ask(now, &maker, asked, Class::Background, true).await
    }

    /// Plans with everything that is known of the dataset.
    pub async fn plan<T>(&self, now: &Now, maker: &Maker, plan: impl FnOnce(&Ground<'_>) -> T) -> Result<T, Error> {
        let db = &self.making.context.db;
        let (asked_before, _) = store::datasets::ever_asked(db, now.dataset.character_id).await?;
        let coverage = self.coverage(&now.dataset);
        let others = self.others(now, maker).await?;
        Ok(plan(&Ground {
            dataset: &now.dataset,
            coverage: &coverage,
            pictures: &now.pictures,
            requests: &now.requests,
            model: maker.model(),
            knobs: maker.knobs(),
            others: &others,
            forget: now.dataset.settings.forget,
            terms: &Terms { added: now.dataset.settings.avoid.clone(), removed: now.dataset.settings.allow.clone() },
            asked_before,
            now: now.at,
        }))
    }

    /// What its pictures should show: its own axes, else the studio's.
    pub fn coverage(&self, dataset: &Dataset) -> studio_core::dataset::Coverage {
        dataset.settings.axes.clone().unwrap_or_else(studio_core::dataset::Coverage::shipped)
    }

    /// What is known of the model's arms for other characters.
    async fn others(&self, now: &Now, maker: &Maker) -> Result<Evidences, Error> {
        let model = maker.model();
        let pictures =
            store::dataset_pictures::made_by(&self.making.context.db, model, now.dataset.character_id).await?;
        let pictures: Vec<Summary> = pictures.iter().map(Summary::of).collect();
        Ok(evidence(&pictures, model, Millis(0), now.at))
    }

    /// Writes down what is asked for, with its reasons, and has it made. Whoever plans it holds [`Datasets::asking`].
    pub async fn ask(
        &self,
        now: &Now,
        maker: &Maker,
        asked: Vec<Asked>,
        class: Class,
        automatic: bool,
    ) -> Result<(), Error> {
        let context = &self.making.context;
        let requests: Vec<(PictureRequest, bool)> = asked
            .into_iter()
            .map(|one| (maker.request(PictureId(context.clock.id()), &one, class), automatic))
            .collect();
        let mut tx = context.db.begin().await?;
        for (request, _) in requests.iter().filter(|_| automatic) {
            let decision = Decision {
                id: DecisionId(context.clock.id()),
                episode_id: None,
                task_id: None,
                kind: DecisionKind::Replenish,
                reason: request.made.tried.why.as_ref().map_or_else(String::new, ToString::to_string),
                inputs: json!({
                    "character": now.dataset.character_id, "picture": request.job.id(),
                    "asked": request.made.asked, "tried": request.made.tried,
                }),
                outcome: "asked".into(),
                created: now.at,
            };
            store::decisions::insert(&mut tx, &decision).await?;
        }
        tx.commit().await?;
        self.conductor.pictures(requests).await?;
        Ok(())
    }

    async fn pause(&self, now: &Now, pause: Pause) -> Result<(), Error> {
        let context = &self.making.context;
        let mut tx = context.db.begin().await?;
        let character = now.dataset.character_id;
        // Somebody may have changed it meanwhile.
        let dataset = store::datasets::get(&context.db, character).await?;
        if dataset != now.dataset {
            return Ok(());
        }
        let decision = Decision {
            id: DecisionId(context.clock.id()),
            episode_id: None,
            task_id: None,
            kind: DecisionKind::Replenish,
            reason: pause.to_string(),
            inputs: json!({ "character": character, "pause": pause }),
            outcome: "paused".into(),
            created: now.at,
        };
        store::datasets::set(&mut tx, &Dataset { paused: Some(pause), ..dataset }).await?;
        store::decisions::insert(&mut tx, &decision).await?;
        let body = json!({});
        store::events::append(&mut tx, EventKind::DatasetChanged, &character.to_string(), &body, now.at).await?;
        tx.commit().await?;
        context.events.tell(StudioEvent::Dataset { character });
        Ok(())
    }
}

/// What a stored request teaches.
fn request(asked: &store::datasets::Asked) -> Request {
    let made = &asked.request.made;
    Request {
        at: asked.at,
        state: asked.state,
        asked: made.asked.clone(),
        tried: made.tried.clone(),
        seed: made.seed.unwrap_or(Seed(0)),
    }
}
