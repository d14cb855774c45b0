//! App: the wiring. Opens the data, puts the engines in their seats, starts and stops the parts in order.

pub mod archive;
pub mod bundle;
mod data;
pub mod datasets;
mod engines;
pub mod inspect;
mod language;
mod lora_folder;
pub mod producing;
mod services;
pub mod trainings;
pub mod vault;

use std::{io::IsTerminal, net::SocketAddr, path::PathBuf, sync::Arc};

pub use data::{Data, reading};
use datasets::{Datasets, Inbox};
pub use engines::{comfy, downloader, ollama, trainer_at_rest, whisper};
pub use language::writer;
use producing::ProductionContext;
use services::AppServices;
use studio_engine::EngineError;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use trainings::Trainings;

use crate::{
    conductor::{self, Context},
    config::{self, BadConfig, Config},
    definitions::DefinitionsWatch,
    store, upkeep, web,
};

/// How long a studio that has just been opened leaves unused files alone.
const HOUR: std::time::Duration = std::time::Duration::from_hours(1);
/// How long a server may take to say how it is to a command that only looks.
const LOOK_LIMIT: std::time::Duration = std::time::Duration::from_secs(5);
/// How often a running studio looks for files nothing refers to.
const DAY: std::time::Duration = std::time::Duration::from_hours(24);

/// Where the data and the settings are.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where everything is kept, as `--data-dir` says; `None`: in the usual place.
    pub data_dir: Option<PathBuf>,
    /// The settings file `--config` names; `None`: everything is as usual.
    pub config: Option<PathBuf>,
}

/// Why the program could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings are wrong.
    #[error(transparent)]
    Config(#[from] BadConfig),
    /// The data directory cannot be used.
    #[error(transparent)]
    Disk(#[from] EngineError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The conductor could not go on.
    #[error(transparent)]
    Conductor(#[from] conductor::Error),
    /// The settings of a ComfyUI are not usable.
    #[error("a [[comfy]] in the settings cannot be used: {0}")]
    Comfy(String),
    /// The settings of another server are not usable.
    #[error("a server in the settings cannot be used: {0}")]
    Server(String),
    /// The address is taken or not ours.
    #[error("failed to listen on {address}: {why}; choose another with --listen or web.listen in the settings")]
    Listen {
        /// The address the web service was to listen on.
        address: SocketAddr,
        /// What the system says.
        why: std::io::Error,
    },
}

/// The studio with its engines.
pub struct App {
    /// What the conductor works with.
    pub context: Context,
    /// The settings the program was started with.
    pub config: Config,
    /// Models and workflows.
    pub shelf: DefinitionsWatch,
    /// The settings file; `None` without one.
    pub file: Option<PathBuf>,
    /// Whoever looks after datasets here waits for one another with it.
    asking: Arc<tokio::sync::Mutex<()>>,
}

impl App {
    /// Opens what a conductor works with: every engine of the settings, which it has looked after from then on, the cards,
    /// read once a second, and the user's models and workflows, watched.
    ///
    /// # Errors
    /// The settings name a server that cannot be used, or the system has no more threads.
    pub async fn start(mut data: Data) -> Result<Self, Error> {
        data.read_vault().await;
        let shelf = DefinitionsWatch::open(data.places());
        let cards = data.cards()?;
        let engines = Arc::new(engines::all(&data, &shelf, &cards)?);
        let Data { context, config, file } = data;
        Ok(Self {
            context: Context { engines, cards: Some(cards), ..context },
            config,
            shelf,
            file,
            asking: Arc::default(),
        })
    }

    /// The same for a command that only looks: cards, servers, models and workflows as they are now. Each is asked once
    /// and nothing is watched: no thread, no connection and no task is left, and nothing anywhere is changed.
    ///
    /// # Errors
    /// The settings name a server that cannot be used.
    pub async fn look(mut data: Data) -> Result<Self, Error> {
        data.read_vault().await;
        let (shelf, cards) = (data.definitions(), data.glance().await);
        let engines = engines::all(&data, &shelf, &cards)?;
        let looks = engines.values().map(|seat| tokio::time::timeout(LOOK_LIMIT, seat.engine.look()));
        futures_util::future::join_all(looks).await;
        let Data { context, config, file } = data;
        let context = Context { engines: Arc::new(engines), cards: Some(cards), ..context };
        Ok(Self { context, config, shelf, file, asking: Arc::default() })
    }

    /// What a production is made of beside the screenplay.
    pub fn making(&self) -> ProductionContext {
        ProductionContext { context: self.context.clone(), config: self.config.clone(), shelf: self.shelf.clone() }
    }

    /// Who looks after the datasets, with what `conductor` makes.
    pub fn datasets(&self, conductor: &conductor::Handle) -> Datasets {
        Datasets {
            making: self.making(),
            conductor: conductor.clone(),
            indexes: Arc::default(),
            media: None,
            asking: self.asking.clone(),
        }
    }

    /// The API without a network, for a command that is the studio for a moment: whoever may run it may do everything.
    ///
    /// # Errors
    /// The key that signs tokens cannot be read.
    pub fn in_process(&self, conductor: &conductor::Handle) -> Result<InProcess, Error> {
        let access = web::Access { open_house: true, ..access(&self.config.web) };
        let trainings = Trainings::of(self.datasets(conductor));
        Ok(InProcess(web::InProcess::new(self.web(conductor, &trainings, access)?)))
    }

    /// What every endpoint may use.
    fn web(
        &self,
        conductor: &conductor::Handle,
        trainings: &Trainings,
        access: web::Access,
    ) -> Result<web::AppState, Error> {
        Ok(web::AppState::new(&self.context, conductor.clone(), access)
            .map_err(|error| EngineError::io("failed to read the key that signs tokens", &error))?
            .with_services(self.services(trainings)))
    }

    /// What the settings decide, for the web.
    pub fn services(&self, trainings: &Trainings) -> web::Services {
        let services = AppServices {
            making: self.making(),
            file: self.file.clone(),
            reading: web::Turns::new(web::READ_AT_A_TIME),
        };
        web::Services::of(&Arc::new(services), Arc::new(trainings.datasets.clone()), Arc::new(trainings.clone()))
    }
}

/// The API without a network.
pub struct InProcess(web::InProcess);

impl InProcess {
    /// Status and JSON of an answer to a request with an object, or a file, or nothing.
    ///
    /// # Errors
    /// A file that cannot be read, in one sentence.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&serde_json::Value>,
        file: Option<&std::path::Path>,
    ) -> Result<(u16, serde_json::Value), String> {
        let sent = match (file, body) {
            (Some(file), _) => web::Sent::File(file),
            (None, Some(body)) => web::Sent::Json(body),
            (None, None) => web::Sent::Nothing,
        };
        self.0.ask(method, path, sent).await
    }
}

/// What the settings say of access.
fn access(web: &config::Web) -> web::Access {
    web::Access {
        open_house: web.open_house,
        house: web.house.clone(),
        trusted_proxies: web.trusted_proxies.clone(),
        hosts: web.hosts.clone(),
        cors: web.cors.clone(),
    }
}

/// Sends log lines to standard error: people read them there, systemd keeps them.
pub fn log(service: bool) {
    let level = if service { "info" } else { "error" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("STUDIOD_LOG").unwrap_or_else(|_| level.into());
    let colour = std::io::stderr().is_terminal();
    // A second call, in tests, keeps the first.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour).try_init();
}

/// Runs the studio until it is told to stop. Start is a list, stop is its mirror, a second signal ends at once.
pub async fn serve(options: Options, listen: Option<SocketAddr>) -> Result<(), Error> {
    let data = Data::open(options).await?;
    let lock = Arc::new(tokio::sync::Mutex::new(data.lock().await?));
    let mut app = App::start(data).await?;
    app.context.lock = Some(lock.clone());
    let address = listen.unwrap_or(app.config.web.listen);
    let refused = |why| Error::Listen { address, why };
    let door = tokio::net::TcpListener::bind(address).await.map_err(refused)?;
    let bound = door.local_addr().map_err(refused)?;
    let (mut term, mut int) =
        (signal(SignalKind::terminate()).map_err(refused)?, signal(SignalKind::interrupt()).map_err(refused)?);
    let (handle, conductor) = conductor::start(app.context.clone(), true).await?;
    let stop = CancellationToken::new();
    let trainings = Trainings::of(app.datasets(&handle));
    let state = app.web(&handle, &trainings, access(&app.config.web))?;
    look_after(trainings, &stop);
    let pages = tokio::spawn(web::serve(door, state, stop.clone()));
    let failed = |error| EngineError::io("failed to write the address file", &error);
    std::fs::write(data::address_file(&app.context.data), bound.to_string()).map_err(failed)?;
    tracing::info!(address = %bound, data = %app.context.data.root().display(), "the studio is open");
    notify(&[sd_notify::NotifyState::Ready]);

    let mut conductor = std::pin::pin!(conductor);
    let mut keeper = tokio::spawn(keep(lock, app.context.db.clone()));
    let (mut beat, mut daily) = (heart_beat(), tokio::time::interval_at(tokio::time::Instant::now() + HOUR, DAY));
    let mut lost = None;
    let broken = loop {
        tokio::select! {
            _ = term.recv() => break None,
            _ = int.recv() => break None,
            ended = &mut conductor => break Some(ended),
            _ = daily.tick() => drop(tokio::spawn(tidy(app.context.clone(), app.config.retention.unused_days))),
            taken = &mut keeper => {
                // Another studio works already: this one stops before two of them do.
                let error = taken.unwrap_or_else(|error| store::Error::Unavailable(error.to_string()));
                tracing::error!(%error, "the lock on the data is lost; the studio stops");
                lost = Some(error.into());
                break None;
            }
            // A database that does not answer is waited for; a loop that does not answer is systemd's to restart.
            alive = async { beat.tick().await; handle.view().await } => {
                if alive.is_ok() {
                    notify(&[sd_notify::NotifyState::Watchdog]);
                }
            },
        }
    };
    notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("the studio closes");
    let _ = std::fs::remove_file(data::address_file(&app.context.data));
    stop.cancel();
    handle.stop().await;
    let ended = if broken.is_some() {
        broken
    } else {
        tokio::select! {
            ended = &mut conductor => Some(ended),
            _ = term.recv() => None,
            _ = int.recv() => None,
        }
    };
    let _ = tokio::time::timeout(std::time::Duration::from_secs(5), pages).await;
    if lost.is_none() {
        // Given back before the database is closed.
        keeper.abort();
        let _ = keeper.await;
    }
    app.context.db.close().await;
    match ended {
        Some(Ok(result)) => lost.map_or_else(|| Ok(result?), Err),
        Some(Err(error)) => Err(conductor::Error::Broken(format!("the conductor broke down: {error}")).into()),
        None => lost.map_or(Ok(()), Err),
    }
}

/// Has the trainings, the datasets, and the folder that is watched for them, looked after until `stop`.
fn look_after(trainings: Trainings, stop: &CancellationToken) {
    let datasets = trainings.datasets.clone();
    tokio::spawn(trainings.run(stop.clone()));
    if let Some(folder) = datasets.making.config.datasets.inbox.clone() {
        tokio::spawn(Inbox::of(datasets.clone(), folder).run(stop.clone()));
    }
    tokio::spawn(datasets.run(stop.clone()));
}

/// Holds the lock until somebody else has it, which is what is returned.
async fn keep(lock: store::SharedLock, db: store::Db) -> store::Error {
    let mut look = tokio::time::interval(LOCK_CHECK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        match lock.lock().await.check(&db).await {
            Ok(()) => {}
            Err(error @ store::Error::Held { .. }) => return error,
            Err(error) => tracing::warn!(%error, "the lock on the data cannot be looked at; the studio waits"),
        }
    }
}

/// Between two looks at the lock: a server that was restarted has forgotten it, and somebody else may take it.
const LOCK_CHECK_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// Once a day, what nothing refers to any more leaves the disk; a failure waits for the next day.
async fn tidy(context: Context, unused_days: u32) {
    let Context { db, data, clock, .. } = &context;
    match upkeep::tidy(db, data, clock.now(), unused_days, false).await {
        Ok(tidied) if tidied.files > 0 => tracing::info!(tidied.files, tidied.bytes, "unused files are gone"),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "failed to remove unused files"),
    }
}

/// Half of systemd's watchdog time, or a minute without one.
fn heart_beat() -> tokio::time::Interval {
    let limit = sd_notify::watchdog_enabled().unwrap_or(std::time::Duration::from_mins(2));
    tokio::time::interval(limit / 2)
}

/// Tells systemd; without systemd nobody listens, which is fine.
fn notify(states: &[sd_notify::NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}
