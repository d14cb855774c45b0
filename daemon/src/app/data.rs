//! Data: settings, database and files, as a command opens them that only reads or writes rows.
//!
//! Opening is a connection to the database and nothing else: no engine, no thread that watches cards, no socket, no
//! watched folder. Who lets things be made goes on from here with [`App::start`](super::App::start).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use studio_core::script;
use studio_engine::{Cards, EngineError};

use super::{Error, Options, vault};
use crate::{
    clock::SystemClock,
    conductor::{Card, Context, FleetPlan},
    config::{self, Config},
    definitions::{self, Definitions, DefinitionsWatch, Places},
    events::Events,
    files::DataDir,
    gpu::{self, Watch},
    metrics::Metrics,
    store::{self, Db, Lock},
    web,
};

/// How often the cards are read.
const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

/// Settings, database and files.
#[derive(Clone)]
pub struct Data {
    /// What is known and where files are; nobody in it makes anything: there are no engines and no cards.
    pub context: Context,
    /// The settings, read when this was opened.
    pub config: Config,
    /// The settings file; `None` without one.
    pub file: Option<PathBuf>,
}

impl Data {
    /// Opens settings, data directory and database. Reading is allowed beside a running studio; see [`Data::lock`].
    ///
    /// # Errors
    /// The settings are wrong, or the data directory or the database cannot be used.
    pub async fn open(options: Options) -> Result<Self, Error> {
        let mut config = Config::read(options.config.as_deref())?;
        let data = DataDir::open(&options.data_dir.unwrap_or_else(default_data_dir))?;
        let db = match &config.database.url {
            Some(url) => {
                let url = url.clone();
                vault::read_database(&mut config).await;
                Db::open(&with_password(&url, config.database.password.as_ref())?).await?
            }
            None => Db::open(&format!("sqlite:{}", data.database().display())).await?,
        };
        let context = Context {
            db,
            data,
            engines: Arc::new(BTreeMap::new()),
            events: Events::default(),
            clock: Arc::new(SystemClock),
            cards: None,
            plan: Arc::new(fleet_plan(&config)),
            metrics: Metrics::default(),
            lock: None,
        };
        Ok(Self { context, config, file: options.config })
    }

    /// Becomes the one studio that works on this data.
    ///
    /// # Errors
    /// Another one does, or the lock cannot be taken.
    pub async fn lock(&self) -> Result<Lock, Error> {
        let lock = Lock::take(&self.context.db, self.context.data.root()).await?;
        // A service that was killed has left its address, and nobody answers there now.
        let _ = std::fs::remove_file(address_file(&self.context.data));
        Ok(lock)
    }

    /// Where the running service of this data answers, `HOST:PORT`; `None` when none runs.
    pub fn service(&self) -> Option<String> {
        let locked = std::fs::File::open(self.context.data.lock())
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)));
        let address = locked.then(|| std::fs::read_to_string(address_file(&self.context.data)).ok()).flatten()?;
        Some(reachable(&address))
    }

    /// Models and workflows as they are now; what changes later is not seen.
    pub fn definitions(&self) -> DefinitionsWatch {
        DefinitionsWatch::of(Definitions::read(&self.places(), &Definitions::shipped()))
    }

    /// Where the user's own models and workflows are described.
    pub fn places(&self) -> Places {
        let (models, root) = (&self.config.models, self.context.data.root());
        Places {
            models: Some(models.file.clone().unwrap_or_else(|| root.join("models.toml"))),
            workflows: Some(models.workflows.clone().unwrap_or_else(|| root.join("workflows"))),
            languages: Some(languages_folder(root)),
            styles: Some(models.styles.clone().unwrap_or_else(|| root.join("styles.toml"))),
            trainers: Some(root.join("trainers")),
        }
    }

    /// Begins to look at the cards, once a second, on a thread of its own.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn cards(&self) -> Result<Arc<dyn Cards>, Error> {
        let clock = self.context.clock.clone();
        let watch = Watch::start(gpu::probes(), SECOND, move || clock.now());
        Ok(Arc::new(watch.map_err(|error| EngineError::io("failed to watch the cards", &error))?))
    }

    /// What every card says at this moment; nobody goes on looking.
    pub async fn glance(&self) -> Arc<dyn Cards> {
        // Drivers block.
        let read = tokio::task::spawn_blocking(|| gpu::Glance::of(gpu::probes()));
        Arc::new(read.await.unwrap_or_default())
    }

    /// Fetches the secrets of the settings that a vault keeps.
    pub async fn read_vault(&mut self) {
        vault::read(&mut self.config).await;
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
}

/// Where the user's own words of scene headings are.
fn languages_folder(root: &Path) -> PathBuf {
    root.join("languages")
}

/// How a screenplay is read in this data directory, and what is not used there. Nothing is opened and nothing made.
pub fn reading(options: &Options) -> (script::Defaults, Vec<String>) {
    let root = options.data_dir.clone().unwrap_or_else(default_data_dir);
    let (languages, refused) = definitions::languages(Some(&languages_folder(&root)));
    (script::Defaults { languages: Arc::new(languages), ..script::Defaults::default() }, refused)
}

/// Where a running service says that it answers.
pub(super) fn address_file(data: &DataDir) -> PathBuf {
    data.root().join("studiod.address")
}

/// An address a command on the same machine can use: one that listens everywhere is asked on the loopback.
fn reachable(address: &str) -> String {
    let Ok(mut bound) = address.trim().parse::<std::net::SocketAddr>() else { return address.trim().to_owned() };
    if bound.ip().is_unspecified() {
        let loopback = if bound.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
        bound.set_ip(loopback);
    }
    bound.to_string()
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

fn default_data_dir() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/share"));
    let base = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).or_else(home);
    base.unwrap_or_else(|| PathBuf::from("/var/lib")).join("studiod")
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
        loras: config.models.loras.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_listens_everywhere_is_asked_on_the_loopback() {
        assert_eq!(reachable("0.0.0.0:8401\n"), "127.0.0.1:8401");
        assert_eq!(reachable("[::]:8401"), "[::1]:8401");
        assert_eq!(reachable("192.168.1.2:80"), "192.168.1.2:80");
    }
}
