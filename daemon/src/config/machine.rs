//! Machine: where the studio keeps things, who may come in, and the cards it has.

use schemars::JsonSchema;
use serde::Deserialize;
use studio_core::gpu::PciAddress;

use super::Secret;

/// `[database]`: where rows are kept. The kept files stay in the data directory whichever it is.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `postgres://USER@HOST/DATABASE`; without it SQLite, `studio.db` in the data directory.
    pub url: Option<String>,
    /// Where its password is, when the URL has none.
    pub password: Option<Secret>,
}

impl Database {
    /// What no limit of a single value says.
    ///
    /// # Errors
    /// The address is none of PostgreSQL, in one sentence; what may be a password in it is not told.
    pub fn check(&self) -> Result<(), String> {
        let Some(url) = &self.url else { return Ok(()) };
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        let known = |scheme: &str| ["postgres", "postgresql"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
        let is = match scheme {
            Some(scheme) if known(scheme) => return Ok(()),
            Some(scheme) => format!("begins with '{scheme}://'"),
            None if url.is_empty() => "is empty".to_owned(),
            None => "is no address".to_owned(),
        };
        Err(format!("database.url {is}; write postgres://USER@HOST/DATABASE, or leave it out to use SQLite"))
    }
}

/// `[web]`: the page and the API.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// Address and port of `studiod serve`. `--listen` and `STUDIOD_LISTEN` win.
    pub listen: std::net::SocketAddr,
    /// Peers of the house (loopback, private and link-local networks) need no login.
    pub open_house: bool,
    /// Networks that count as the house, too, e.g. `["100.64.0.0/10"]`.
    #[schemars(with = "Vec<String>")]
    pub house: Vec<ipnet::IpNet>,
    /// Networks of proxies whose `X-Forwarded-For` or `X-Real-IP` is believed.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Names the page may be opened by, beside addresses and names that can only be of the house.
    pub hosts: Vec<String>,
    /// Pages of others that may use the API, e.g. `["https://desk.example"]`.
    pub cors: Vec<String>,
}

impl Default for Web {
    fn default() -> Self {
        Self {
            listen: std::net::SocketAddr::from(([127, 0, 0, 1], 8401)),
            open_house: true,
            house: Vec::new(),
            trusted_proxies: Vec::new(),
            hosts: Vec::new(),
            cors: Vec::new(),
        }
    }
}

/// `[retention]`: how long files stay that nothing refers to.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Days after it was first kept until a file may be removed that no task, take, shot, scene or episode refers to any
    /// more. A running `serve` looks once a day; `studiod tidy` looks at once.
    pub unused_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { unused_days: 30 }
    }
}

/// `[[gpu]]`: what is special about a card of this machine. Cards nothing is said about are used as well.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// PCI slot, e.g. `0000:01:00.0`; `studiod check` lists them.
    pub slot: PciAddress,
    /// Never booked, in MiB: what the driver and the desktop keep.
    #[serde(default = "usual_reserve")]
    #[schemars(range(min = 0, max = 65_536))]
    pub reserve_mib: u64,
    /// Attempts that compute at a time, of all engines together.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 8))]
    pub lanes: usize,
    /// Parts of names of programs whose memory is the studio's: its engines. Everything else on the card is foreign, and
    /// is kept out of.
    #[serde(default = "usual_programs")]
    pub ours: Vec<String>,
}

/// What is kept on a card nothing is said about, in MiB.
pub fn usual_reserve() -> u64 {
    400
}

/// Programs whose memory is the studio's when nothing else is said.
pub fn usual_programs() -> Vec<String> {
    ["python", "ComfyUI", "comfy", "ollama", "llama"].map(str::to_owned).to_vec()
}

fn one() -> usize {
    1
}

/// `[costs]`: what things cost.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Costs {
    /// Price of a kilowatt-hour, in the currency of the prices in `models.toml`.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub price_kwh: f64,
}
