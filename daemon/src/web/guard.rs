//! Guard: who asks, and what they may do.
//!
//! Peers of the house, by the address of the TCP connection, may do everything. Everybody else needs a token. The name
//! a page was opened by and the page a request comes from are checked too, so that a page elsewhere cannot drive the
//! studio through somebody's browser.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{Extensions, HeaderMap, header},
    middleware::Next,
    response::Response,
};
use axum_extra::extract::CookieJar;
use ipnet::IpNet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};
use serde::{Deserialize, Serialize};
use studio_core::{
    access::{Scope, Token, is_house_name, is_local, without_port},
    ids::{ContentHash, ProjectId, TokenId},
    units::Millis,
};
use tokio::sync::watch;

use super::problem::Problem;
use crate::{
    clock::SharedClock,
    pass,
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

/// How often whoever listens is asked whether they still may.
const LISTENER_CHECK: Duration = Duration::from_secs(20);

/// Who sends a request, as far as the studio can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Somebody of the house.
    Local,
    /// Somebody with a token.
    Token(Token),
    /// Nobody that is known.
    Anonymous,
}

impl Caller {
    /// Who sent a request that has passed [`watch`].
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or(Self::Anonymous)
    }

    /// Whether they may do what needs `scope`.
    pub fn may(&self, scope: Scope) -> bool {
        match self {
            Self::Local => true,
            // Who may write may review and read.
            Self::Token(token) => token.scopes.iter().any(|had| *had >= scope),
            Self::Anonymous => false,
        }
    }

    /// Refuses who may not do what needs `scope`.
    pub fn needs(&self, scope: Scope) -> Result<(), Problem> {
        match self {
            Self::Anonymous => Err(Problem::login_needed()),
            known if !known.may(scope) => Err(Problem::not_allowed(scope)),
            _ => Ok(()),
        }
    }

    /// The one project they may see; `None`: all.
    pub fn project(&self) -> Option<ProjectId> {
        match self {
            Self::Token(token) => token.project,
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
    /// Moves whenever a token was taken back here.
    taken_back: Arc<watch::Sender<()>>,
}

impl Guard {
    /// With the studio's own key.
    pub fn new(access: Access, key: &[u8], db: Db, clock: SharedClock) -> Self {
        let (encode, decode) = (EncodingKey::from_secret(key), DecodingKey::from_secret(key));
        Self { access: Arc::new(access), encode, decode, db, clock, taken_back: Arc::default() }
    }

    /// What the settings say.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The time now, by the studio's own clock.
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

    /// Takes a token back: it counts for nothing from now on, and what it listens to ends.
    pub async fn take_back(&self, id: TokenId) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        store::access::revoke(&mut tx, id, self.clock.now()).await?;
        tx.commit().await?;
        self.taken_back.send_replace(());
        Ok(())
    }

    /// Ends once a caller may no longer listen, because their token was taken back or has ended; for others never.
    pub async fn ended(&self, caller: &Caller) {
        let Caller::Token(token) = caller else { return std::future::pending().await };
        let mut taken_back = self.taken_back.subscribe();
        loop {
            // Whatever comes first: time passes, and another process may have taken it back.
            let _ = tokio::time::timeout(LISTENER_CHECK, taken_back.changed()).await;
            match store::access::get(&self.db, token.id).await {
                Ok(token) if token.counts(self.clock.now()) => {}
                // A database that does not answer says nothing about the token.
                Err(error) if !matches!(error, store::Error::NotFound { .. }) => {}
                _ => return,
            }
        }
    }

    /// Where a request comes from: the peer, or what a trusted proxy says. `None`: that cannot be known.
    fn origin(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer?.ip().to_canonical();
        if !self.trusts(peer) {
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
            if !self.trusts(address.to_canonical()) {
                return Some(address.to_canonical());
            }
        }
        None
    }

    /// Finds out who sends a request: by its token, its address or its cookie.
    pub async fn who(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Result<Caller, Problem> {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
        if let Some(text) = bearer {
            // A command on this machine, which a proxy beside it would hide. It is of the house, as without the proxy.
            if self.access.open_house && pass::is_good(text, &self.decode, self.clock.now()) {
                return Ok(Caller::Local);
            }
            // Who names a token is that one, and nobody else: a script sees at once that it was taken back.
            return Ok(self.token(text).await?.map_or(Caller::Anonymous, Caller::Token));
        }
        let from = self.origin(peer, headers);
        let of_house =
            |address: IpAddr| is_local(address) || self.access.house.iter().any(|net| net.contains(&address));
        if self.access.open_house && from.is_some_and(of_house) {
            return Ok(Caller::Local);
        }
        match cookie(headers) {
            Some(text) => Ok(self.token(&text).await?.map_or(Caller::Anonymous, Caller::Token)),
            None => Ok(Caller::Anonymous),
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

    /// Whether the key of a link names this file and has not ended.
    pub fn opens(&self, file: ContentHash, key: &str) -> bool {
        let link = self.decoded::<Link>(key);
        link.is_some_and(|link| link.asset == file && self.clock.now().0 / 1000 < link.exp)
    }

    /// Whether a trusted proxy took the request over TLS. What anybody else says of that counts for nothing.
    pub fn by_tls(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
        if !peer.is_some_and(|peer| self.trusts(peer.ip().to_canonical())) {
            return false;
        }
        // The nearest proxy writes last.
        let last = |name: &str| {
            let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            lines.flat_map(|line| line.split(',')).next_back().map(str::trim)
        };
        if let Some(proto) = last("x-forwarded-proto") {
            return proto.eq_ignore_ascii_case("https");
        }
        let pairs = last(header::FORWARDED.as_str()).into_iter().flat_map(|hop| hop.split(';'));
        let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(name, value)| {
            name.eq_ignore_ascii_case("proto") && value.trim_matches('"').eq_ignore_ascii_case("https")
        })
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.access.trusted_proxies.iter().any(|net| net.contains(&address))
    }
}

/// The session cookie.
pub fn cookie(headers: &HeaderMap) -> Option<String> {
    CookieJar::from_headers(headers).get(COOKIE).map(|cookie| cookie.value().to_owned())
}

/// Finds out who asks, and puts [`Caller`] into the request; what they may do says the first parameter of the handler.
pub async fn watch(
    State(state): State<super::AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let guard = &state.guard;
    guard.check_page(request.headers())?;
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let caller = guard.who(peer, request.headers()).await?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}
