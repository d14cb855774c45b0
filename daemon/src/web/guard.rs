//! Guard: who asks, and what they may do.
//!
//! Peers of the house, by the address of the TCP connection, may do everything. Everybody else needs a token. The name
//! a page was opened by and the page a request comes from are checked too, so that a page elsewhere cannot drive the
//! studio through somebody's browser.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};
use serde::{Deserialize, Serialize};
use studio_core::{
    access::{Scope, Token, is_house_name, is_local, without_port},
    ids::{ContentHash, ProjectId, TokenId},
    units::Millis,
};

use super::{problem::Problem, scoped};
use crate::{
    clock::SharedClock,
    store::{self, Db},
};

/// The cookie of a page that has logged in.
pub const COOKIE: &str = "studiod_session";
/// How often the last use of a token is written down.
const MINUTE_MS: i64 = 60_000;

/// What the settings say of access.
#[derive(Debug, Clone)]
pub struct Access {
    /// Peers of the house need no login.
    pub open_house: bool,
    /// More networks of the house.
    pub house: Vec<IpNet>,
    /// Proxies that are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// More names the page may be opened by.
    pub hosts: Vec<String>,
    /// Pages of others that may use the API.
    pub cors: Vec<String>,
}

impl Default for Access {
    fn default() -> Self {
        Self { open_house: true, house: vec![], trusted_proxies: vec![], hosts: vec![], cors: vec![] }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Somebody of the house.
    House,
    /// Somebody with a token.
    Guest(Token),
    /// Nobody that is known.
    Stranger,
}

impl Who {
    /// Whether they may do what needs `scope`.
    pub fn may(&self, scope: Scope) -> bool {
        match self {
            Self::House => true,
            // Who may write may review and read.
            Self::Guest(token) => token.scopes.iter().any(|had| *had >= scope),
            Self::Stranger => false,
        }
    }

    /// The one project they may see; `None`: all.
    pub fn project(&self) -> Option<ProjectId> {
        match self {
            Self::Guest(token) => token.project,
            _ => None,
        }
    }
}

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    /// Id of the token.
    jti: TokenId,
    /// Seconds since 1970.
    iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
}

/// What a link to one file says.
#[derive(Debug, Serialize, Deserialize)]
struct Link {
    asset: ContentHash,
    exp: i64,
}

/// Signs and reads tokens.
#[derive(Clone)]
pub struct Guard {
    access: Arc<Access>,
    encode: EncodingKey,
    decode: DecodingKey,
    db: Db,
    clock: SharedClock,
}

impl Guard {
    /// With the studio's own key.
    pub fn new(access: Access, key: &[u8], db: Db, clock: SharedClock) -> Self {
        let (encode, decode) = (EncodingKey::from_secret(key), DecodingKey::from_secret(key));
        Self { access: Arc::new(access), encode, decode, db, clock }
    }

    /// What the settings say.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Now.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// The time zone of the machine.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        self.clock.zone()
    }

    /// A new identity.
    pub fn id(&self) -> uuid::Uuid {
        self.clock.id()
    }

    /// The text of a token.
    pub fn sign(&self, token: &Token) -> Result<String, Problem> {
        let claims =
            Claims { jti: token.id, iat: token.created.0 / 1000, exp: token.expires.map(|at| at.0.div_euclid(1000)) };
        self.encoded(&claims)
    }

    /// The text of a link to one file, good until `until`.
    pub fn link(&self, asset: ContentHash, until: Millis) -> Result<String, Problem> {
        self.encoded(&Link { asset, exp: until.0 / 1000 })
    }

    fn encoded(&self, claims: &impl Serialize) -> Result<String, Problem> {
        jsonwebtoken::encode(&jsonwebtoken::Header::new(Algorithm::HS256), claims, &self.encode)
            .map_err(|error| Problem::internal(format!("failed to sign a token: {error}")))
    }

    fn decoded<T: for<'de> Deserialize<'de>>(&self, text: &str) -> Option<T> {
        let mut rules = Validation::new(Algorithm::HS256);
        // Time is the studio's own, see below.
        rules.validate_exp = false;
        rules.required_spec_claims.clear();
        jsonwebtoken::decode(text, &self.decode, &rules).ok().map(|read| read.claims)
    }

    /// The token behind a text, when it counts now.
    async fn token(&self, text: &str) -> Result<Option<Token>, Problem> {
        let Some(claims) = self.decoded::<Claims>(text) else { return Ok(None) };
        let token = match store::access::get(&self.db, claims.jti).await {
            Ok(token) => token,
            Err(store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let now = self.clock.now();
        if !token.counts(now) {
            return Ok(None);
        }
        if token.used.is_none_or(|used| now.0 - used.0 >= MINUTE_MS) {
            let mut tx = self.db.begin().await?;
            store::access::used(&mut tx, token.id, now).await?;
            tx.commit().await?;
        }
        Ok(Some(token))
    }

    /// Where a request comes from: the peer, or what a trusted proxy says. `None`: that cannot be known.
    fn origin(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let trusted = |address: IpAddr| self.access.trusted_proxies.iter().any(|net| net.contains(&address));
        let peer = peer?.ip().to_canonical();
        if !trusted(peer) {
            return Some(peer);
        }
        let said = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        // The nearest proxy writes last; the first one nobody vouches for is who asks.
        let mut chain: Vec<&str> = said("x-forwarded-for").flat_map(|line| line.split(',')).map(str::trim).collect();
        if chain.is_empty() {
            chain = said("x-real-ip").map(str::trim).collect();
        }
        for one in chain.iter().rev() {
            let address: IpAddr = one.parse().ok()?;
            if !trusted(address.to_canonical()) {
                return Some(address.to_canonical());
            }
        }
        None
    }

    /// Who asks.
    pub async fn who(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Result<Who, Problem> {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
        if let Some(text) = bearer {
            // Who names a token is that one, and nobody else: a script sees at once that it was taken back.
            return Ok(self.token(text).await?.map_or(Who::Stranger, Who::Guest));
        }
        let from = self.origin(peer, headers);
        let of_house =
            |address: IpAddr| is_local(address) || self.access.house.iter().any(|net| net.contains(&address));
        if self.access.open_house && from.is_some_and(of_house) {
            return Ok(Who::House);
        }
        match cookie(headers) {
            Some(text) => Ok(self.token(text).await?.map_or(Who::Stranger, Who::Guest)),
            None => Ok(Who::Stranger),
        }
    }

    /// The page was opened by a name that can only be of the house, or that the settings name.
    fn known_host(&self, host: &str) -> bool {
        let bare = without_port(host);
        is_house_name(bare) || self.access.hosts.iter().any(|known| known.eq_ignore_ascii_case(bare))
    }

    /// The host and the page a request comes from are the studio's own.
    fn check_page(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let said = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let host = said(header::HOST);
        if let Some(host) = host
            && !self.known_host(host)
        {
            return Err(Problem::foreign_host(without_port(host)));
        }
        if let Some(origin) = said(header::ORIGIN) {
            let place = origin.split_once("://").map_or(origin, |(_, place)| place);
            if host != Some(place) && !self.access.cors.iter().any(|page| page == origin) {
                return Err(Problem::foreign(origin));
            }
        }
        Ok(())
    }

    /// Whether a link names this file and has not ended.
    fn opens(&self, path: &str, query: Option<&str>) -> bool {
        let Some(asset) = path.strip_prefix("/api/assets/") else { return false };
        let key = query.into_iter().flat_map(|query| query.split('&')).find_map(|pair| pair.strip_prefix("key="));
        let link = key.and_then(|key| self.decoded::<Link>(key));
        link.is_some_and(|link| link.asset.to_string() == asset && self.clock.now().0 / 1000 < link.exp)
    }
}

/// The session cookie.
pub fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// What a request needs; `None`: everybody may.
fn needs(method: &Method, path: &str) -> Option<Scope> {
    match path {
        "/health" | "/api/version" | "/api/login" | "/api/logout" | "/api/session" => return None,
        "/metrics" => return Some(Scope::Read),
        // The page itself says how to log in.
        _ if !path.starts_with("/api/") => return None,
        _ => {}
    }
    if path.starts_with("/api/tokens") || path == "/api/settings" {
        return Some(Scope::Admin);
    }
    if *method == Method::GET || *method == Method::HEAD || path == "/api/screenplays/read" {
        return Some(Scope::Read);
    }
    if ["/opinion", "/hand", "/reassign"].iter().any(|end| path.ends_with(end)) {
        return Some(Scope::Review);
    }
    Some(Scope::Write)
}

/// Lets in who may come in; puts [`Who`] into the request.
pub async fn watch(
    State(state): State<super::AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let guard = &state.guard;
    guard.check_page(request.headers())?;
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let who = guard.who(peer, request.headers()).await?;
    if let Some(scope) = needs(&method, &path) {
        let linked = method == Method::GET && guard.opens(&path, request.uri().query());
        match &who {
            _ if linked => {}
            Who::Stranger => return Err(Problem::login_needed()),
            who if !who.may(scope) => return Err(Problem::not_allowed(scope)),
            _ => {}
        }
        if let (Some(project), false) = (who.project(), linked) {
            scoped::check(&state, project, &path, request.uri().query()).await?;
        }
    }
    request.extensions_mut().insert(who);
    Ok(next.run(request).await)
}
