//! App: the wiring. Opens the data, puts the engines in their seats, starts and stops the parts in order.

pub mod archive;
pub mod bundle;
pub mod inspect;
mod language;
pub mod producing;
mod services;
pub mod vault;
mod workshop;

pub use language::writer;
use producing::Desk;
pub use services::{ollama, whisper};

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::signal::unix::{SignalKind, signal};

use crate::{
    books::{Places, Shelf},
    clock::{Clock, SystemClock},
    conductor::{self, Card, Context, FleetPlan, Seat},
    config::{self, BadConfig, ComfyServer, Config},
    edge::{Failure, RunMedia},
    engines::{
        comfy::{COMFY, Comfy, Pace, Restart, ServerPlan},
        draft,
    },
    events::Events,
    files::DataDir,
    gpu::{self, Watch},
    media::{self, engine::MediaEngine},
    metrics::Metrics,
    publish,
    store::{self, Db, Lock},
    upkeep, web,
};

/// How long a studio that has just been opened leaves unused files alone.
const HOUR: std::time::Duration = std::time::Duration::from_hours(1);
/// How often the cards are read.
const SECOND: std::time::Duration = std::time::Duration::from_secs(1);
/// How often a running studio looks for files nothing refers to.
const DAY: std::time::Duration = std::time::Duration::from_hours(24);

/// Where the data and the settings are.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--config`.
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
    Disk(#[from] Failure),
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
        /// Which address.
        address: SocketAddr,
        /// What the system says.
        why: std::io::Error,
    },
}

/// The opened studio.
pub struct App {
    /// What the conductor works with.
    pub context: Context,
    /// The settings.
    pub config: Config,
    /// Models and workflows.
    pub shelf: Shelf,
    /// The settings file; `None` without one.
    pub file: Option<PathBuf>,
    lock: Option<Lock>,
}

impl App {
    /// Opens settings, data directory and database. Reading is allowed beside a running studio; see [`App::lock`].
    pub async fn open(options: Options) -> Result<Self, Error> {
        let file = options.config.clone();
        let mut config = Config::read(file.as_deref())?;
        vault::read(&mut config).await;
        let data = DataDir::open(&options.data_dir.unwrap_or_else(default_data_dir))?;
        let db = match &config.database.url {
            Some(url) => Db::open(&with_password(url, config.database.password.as_ref())?).await?,
            None => Db::open(&format!("sqlite:{}", data.database().display())).await?,
        };
        let media: Arc<dyn RunMedia> = Arc::new(
            media::ChildProcess::new()
                .map_err(|error| Failure::io("failed to find the studio's own program", &error))?,
        );
        let shelf = Shelf::open(places(&config, &data));
        let mut engines = seats(&config, &media);
        if !config.comfy.is_empty() {
            let comfy = comfy(&config.comfy, &shelf, &media, &data)?;
            let slots = config.comfy.iter().map(|server| 1 + server.queue_ahead).sum();
            engines.insert(COMFY.into(), Seat { engine: Arc::new(comfy), slots });
        }
        let watch = Watch::start(gpu::probes(), SECOND, || SystemClock.now())
            .map_err(|error| Failure::io("failed to watch the cards", &error))?;
        let cards: Arc<dyn crate::edge::Cards> = Arc::new(watch);
        engines.extend(services::seats(&config, &media, &cards).map_err(Error::Server)?);
        let (engines, cards) = (Arc::new(engines), Some(cards));
        let plan = Arc::new(fleet_plan(&config));
        let (events, clock) = (Events::default(), Arc::new(SystemClock));
        let context = Context { db, data, engines, events, clock, cards, plan, metrics: Metrics::default() };
        Ok(Self { context, config, shelf, file, lock: None })
    }

    /// Becomes the one studio that works on this data; fails when another one does.
    pub async fn lock(&mut self) -> Result<(), Error> {
        if self.lock.is_none() {
            self.lock = Some(Lock::take(&self.context.db, self.context.data.root()).await?);
            // A service that was killed has left its address, and nobody answers there now.
            let _ = std::fs::remove_file(address_file(&self.context.data));
        }
        Ok(())
    }

    /// Whether the lock is still ours.
    async fn still_locked(&mut self) -> Result<(), Error> {
        if let Some(lock) = &mut self.lock {
            lock.check().await?;
        }
        Ok(())
    }

    /// The engine for the ComfyUI at `url`, or for those of the settings; `None` when there are none.
    pub fn comfy(&self, url: Option<&str>) -> Result<Option<Comfy>, Error> {
        let one = url.map(|url| vec![ComfyServer::at(url)]);
        let servers = one.as_ref().unwrap_or(&self.config.comfy);
        if servers.is_empty() {
            return Ok(None);
        }
        let media: Arc<dyn RunMedia> = Arc::new(
            media::ChildProcess::new()
                .map_err(|error| Failure::io("failed to find the studio's own program", &error))?,
        );
        comfy(servers, &self.shelf, &media, &self.context.data).map(Some)
    }

    /// What a production is made of beside the screenplay.
    pub fn desk(&self) -> Desk {
        Desk { context: self.context.clone(), config: self.config.clone(), shelf: self.shelf.clone() }
    }

    /// Sets the owner's password for the login page.
    ///
    /// # Errors
    /// One sentence when it is too short or too long, or cannot be kept.
    pub async fn set_password(&self, password: String) -> Result<(), String> {
        let hash = web::hashed(password).await?;
        let kept = async {
            let mut tx = self.context.db.begin().await?;
            store::access::set_password(&mut tx, &hash, self.context.clock.now()).await?;
            tx.commit().await
        };
        kept.await.map_err(|error: store::Error| error.to_string())
    }

    /// What the settings decide, for the web.
    pub fn workshop(&self) -> workshop::Hands {
        workshop::Hands { desk: self.desk(), file: self.file.clone() }
    }
}

/// The database's address with its password, from where the settings say it is.
fn with_password(url: &str, password: Option<&config::Secret>) -> Result<String, Error> {
    let Some(password) = password else { return Ok(url.to_owned()) };
    let wrong = |why: String| Error::Server(format!("database.password: {why}"));
    let password = password.read().map_err(wrong)?;
    let mut url = reqwest::Url::parse(url).map_err(|error| wrong(error.to_string()))?;
    url.set_password(Some(&password)).map_err(|()| wrong("the address takes no password".into()))?;
    Ok(url.into())
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

/// What the settings say of scheduling.
fn fleet_plan(config: &Config) -> FleetPlan {
    let card = |gpu: &config::Gpu| {
        let card = Card { reserve_mib: gpu.reserve_mib, lanes: gpu.lanes, ours: gpu.ours.clone() };
        (gpu.slot.clone(), card)
    };
    FleetPlan {
        rules: config.schedule,
        cards: config.gpu.iter().map(card).collect(),
        usual: Card { reserve_mib: config::usual_reserve(), lanes: 1, ours: config::usual_programs() },
        quiet: config.quiet.clone(),
        price_kwh: config.costs.price_kwh,
    }
}

/// Every engine of this studio.
fn seats(config: &Config, media: &Arc<dyn RunMedia>) -> BTreeMap<String, Seat> {
    let slots = &config.engines;
    let seat = |engine: Arc<dyn crate::edge::Engine>, slots: usize| Seat { engine, slots };
    BTreeMap::from([
        ("draft.voice".into(), seat(Arc::new(draft::voice::DraftVoice::default()), slots.voices)),
        ("draft.music".into(), seat(Arc::new(draft::music::DraftMusic), 1)),
        ("draft.stills".into(), seat(Arc::new(draft::stills::Stills), slots.stills)),
        ("draft.clips".into(), seat(Arc::new(draft::clips::Clips::new(media.clone())), slots.media)),
        ("draft.judge".into(), seat(Arc::new(draft::judge::DraftJudge::new(media.clone())), slots.media)),
        ("draft.artwork".into(), seat(Arc::new(draft::artwork::Artwork::new(media.clone())), 1)),
        ("media".into(), seat(Arc::new(MediaEngine::new(media.clone())), slots.media)),
        // Publishing writes show-wide files, so never two at once.
        ("library".into(), seat(Arc::new(publish::Library), 1)),
    ])
}

/// Where the user's own models and workflows are described.
fn places(config: &Config, data: &DataDir) -> Places {
    let models = config.models.file.clone().unwrap_or_else(|| data.root().join("models.toml"));
    let workflows = config.models.workflows.clone().unwrap_or_else(|| data.root().join("workflows"));
    Places { models: Some(models), workflows: Some(workflows) }
}

/// The engine of every ComfyUI in the settings.
fn comfy(servers: &[ComfyServer], shelf: &Shelf, media: &Arc<dyn RunMedia>, data: &DataDir) -> Result<Comfy, Error> {
    let stall = servers.iter().map(|server| server.stall_minutes).max().unwrap_or(30);
    let pace = Pace { stall: std::time::Duration::from_mins(u64::from(stall)), ..Pace::default() };
    let plan = |server: &ComfyServer| ServerPlan {
        name: server.name.clone(),
        url: server.url.clone(),
        card: server.gpu.clone(),
        queue_ahead: server.queue_ahead,
        restart: match (&server.unit, server.restart_command.is_empty()) {
            (Some(unit), _) => Some(Restart::Unit(unit.clone())),
            (None, false) => Some(Restart::Command(server.restart_command.clone())),
            (None, true) => None,
        },
    };
    let plans = servers.iter().map(plan).collect();
    // Two studios may share a ComfyUI; each knows its own prompts by this.
    let home = studio_core::ids::ContentHash::of(data.root().to_string_lossy().as_bytes()).to_string();
    let fresh: Arc<dyn Fn() -> String + Send + Sync> = Arc::new(|| SystemClock.id().simple().to_string());
    Comfy::open(plans, pace, shelf.clone(), media.clone(), &home[..16], &fresh).map_err(Error::Comfy)
}

fn default_data_dir() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/share"));
    let base = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).or_else(home);
    base.unwrap_or_else(|| PathBuf::from("/var/lib")).join("studiod")
}

/// Sends log lines to standard error: people read them there, systemd keeps them.
pub fn log(service: bool) {
    let level = if service { "info" } else { "error" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("STUDIOD_LOG").unwrap_or_else(|_| level.into());
    let colour = std::io::stderr().is_terminal();
    // A second call, in tests, keeps the first.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour).try_init();
}

/// Where the running studio of this data answers; `None` when none runs.
pub fn daemon_address(data: &DataDir) -> Option<String> {
    let locked = std::fs::File::open(data.lock())
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)));
    locked.then(|| std::fs::read_to_string(address_file(data)).ok()).flatten()
}

fn address_file(data: &DataDir) -> PathBuf {
    data.root().join("studiod.address")
}

/// Runs the studio until it is told to stop. Start is a list, stop is its mirror, a second signal ends at once.
pub async fn serve(options: Options, listen: Option<SocketAddr>) -> Result<(), Error> {
    let mut app = App::open(options).await?;
    app.lock().await?;
    let address = listen.unwrap_or(app.config.web.listen);
    let refused = |why| Error::Listen { address, why };
    let door = tokio::net::TcpListener::bind(address).await.map_err(refused)?;
    let bound = door.local_addr().map_err(refused)?;
    let (mut term, mut int) =
        (signal(SignalKind::terminate()).map_err(refused)?, signal(SignalKind::interrupt()).map_err(refused)?);
    let (handle, conductor) = conductor::start(app.context.clone(), true).await?;
    let stop = tokio_util::sync::CancellationToken::new();
    let state = web::State::new(&app.context, handle.clone(), access(&app.config.web))
        .map_err(|error| Failure::io("failed to read the key that signs tokens", &error))?
        .with_workshop(Arc::new(app.workshop()));
    let pages = tokio::spawn(web::serve(door, state, stop.clone()));
    let failed = |error| Failure::io("failed to write the address file", &error);
    std::fs::write(address_file(&app.context.data), bound.to_string()).map_err(failed)?;
    tracing::info!(address = %bound, data = %app.context.data.root().display(), "the studio is open");
    notify(&[sd_notify::NotifyState::Ready]);

    let mut conductor = std::pin::pin!(conductor);
    let (mut beat, mut daily) = (heart_beat(), tokio::time::interval_at(tokio::time::Instant::now() + HOUR, DAY));
    let mut lost = None;
    let broken = loop {
        tokio::select! {
            _ = term.recv() => break None,
            _ = int.recv() => break None,
            ended = &mut conductor => break Some(ended),
            _ = daily.tick() => drop(tokio::spawn(tidy(app.context.clone(), app.config.retention.unused_days))),
            _ = beat.tick() => {
                // A database that does not answer is left to systemd's watchdog; without the lock another studio
                // may begin, so this one stops before two of them work.
                if let Err(error) = app.still_locked().await {
                    tracing::error!(%error, "the lock on the data is lost; the studio stops, start it again");
                    lost = Some(error);
                    break None;
                }
                if app.context.db.ping().await.is_ok() {
                    notify(&[sd_notify::NotifyState::Watchdog]);
                }
            },
        }
    };
    notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("the studio closes");
    let _ = std::fs::remove_file(address_file(&app.context.data));
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
    app.context.db.close().await;
    match ended {
        Some(Ok(result)) => lost.map_or_else(|| Ok(result?), Err),
        Some(Err(error)) => Err(conductor::Error::Refused(format!("the conductor broke down: {error}")).into()),
        None => lost.map_or(Ok(()), Err),
    }
}

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
