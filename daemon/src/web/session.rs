//! Session: logging in, tokens, and links to single files.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier, password_hash::SaltString};
use axum::{
    Extension, Json,
    extract::{
        ConnectInfo, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde::{Deserialize, Serialize};
use studio_core::{
    access::{Scope, Token},
    ids::{ContentHash, ProjectId, TokenId},
    units::Millis,
};
use utoipa::ToSchema;

use super::{
    doors::{Admin, Anyone, Writer},
    guard::{COOKIE, Caller, cookie},
    idempotency::ToldOnce,
    pagination::{has, list_query},
    problem::{self, Problem},
};
use crate::store;

/// Passwords one address may try in a minute.
const TRIES: NonZeroU32 = NonZeroU32::new(5).expect("not zero");
/// Passwords that are compared at a time.
pub const HASHES_AT_A_TIME: usize = 2;
/// How long a login lasts.
const LOGIN: Duration = Duration::from_hours(30 * 24);
/// Lengths of a password, in characters.
const PASSWORD: std::ops::RangeInclusive<usize> = 10..=200;
/// How long a link to a file may be good: seven days.
const LONGEST_LINK_S: u32 = 7 * 24 * 3600;

/// Who has tried how often.
pub type Tries = Arc<DefaultKeyedRateLimiter<IpAddr>>;

/// Nobody has tried.
pub fn tries() -> Tries {
    Arc::new(RateLimiter::keyed(Quota::per_minute(TRIES)))
}

/// Who is asking.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// `house`, `guest` or `stranger`.
    who: &'static str,
    /// Name of the token.
    name: Option<String>,
    /// What they may do.
    scopes: BTreeSet<Scope>,
    /// The one project they may see; `None`: all.
    project: Option<ProjectId>,
    /// A password is set, so that logging in is possible.
    login: bool,
}

/// Who is asking, and whether they can log in.
#[utoipa::path(get, path = "/api/session", tag = "access", responses((status = 200, body = Session)))]
pub async fn session(
    _: Anyone,
    State(state): State<super::AppState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Session>, Problem> {
    let all = [Scope::Read, Scope::Review, Scope::Write, Scope::Admin];
    let scopes = all.into_iter().filter(|scope| caller.may(*scope)).collect();
    let (kind, name) = match &caller {
        Caller::Local => ("house", None),
        Caller::Token(token) => ("guest", Some(token.name.clone())),
        Caller::Anonymous => ("stranger", None),
    };
    let login = store::access::password(&state.db).await?.is_some();
    Ok(Json(Session { who: kind, name, scopes, project: caller.project(), login }))
}

/// The owner's password, to log in with or to be set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// 10 to 200 characters.
    password: String,
}

/// Logs in for 30 days; the answer sets a cookie that scripts of the page cannot read.
#[utoipa::path(post, path = "/api/login", tag = "access", request_body = Secret,
    responses((status = 204, description = "logged in"), problem::WrongPassword))]
pub async fn login(
    _: Anyone,
    State(state): State<super::AppState>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    said: Result<Json<Secret>, JsonRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Json(Secret { password }) = said?;
    let peer = peer.map(|Extension(info)| info.0);
    let from = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip().to_canonical());
    // Behind a proxy everybody shares its few tries: that is safe, and a household has few people.
    if state.tries.check_key(&from).is_err() {
        return Err(Problem::slow_down());
    }
    state.tries.retain_recent();
    let Some(hash) = store::access::password(&state.db).await? else {
        let remedy = "no password is set; set one in the house, or with 'studiod password' on the machine itself while the service is stopped";
        return Err(Problem::wrong_password(remedy));
    };
    // Each takes 19 MiB and a core for a while: two at a time, whoever many come.
    let _turn = state.hashing.acquire().await.map_err(|error| Problem::internal(error.to_string()))?;
    let right = tokio::task::spawn_blocking(move || {
        let parsed = PasswordHash::new(&hash)?;
        Argon2::default().verify_password(password.as_bytes(), &parsed)
    });
    right
        .await
        .map_err(|error| Problem::internal(error.to_string()))?
        .map_err(|_| Problem::wrong_password("that is not the password"))?;
    let now = state.guard.now();
    let token = Token {
        id: TokenId(state.guard.id()),
        name: format!("login from {from}"),
        scopes: [Scope::Read, Scope::Review, Scope::Write, Scope::Admin].into(),
        project: None,
        created: now,
        expires: Some(Millis(now.0 + LOGIN.as_millis() as i64)),
        revoked: None,
        used: None,
    };
    give(&state, &token).await?;
    let text = state.guard.sign(&token)?;
    let secure = state.guard.by_tls(peer, &headers);
    let cookie = CookieJar::new().add(session_cookie(text, LOGIN, secure));
    Ok((StatusCode::NO_CONTENT, Extension(ToldOnce), cookie))
}

/// The cookie of a login. Over TLS browsers never send it without; in the house there is none.
fn session_cookie(text: String, lasts: Duration, secure: bool) -> Cookie<'static> {
    Cookie::build((COOKIE, text))
        .http_only(true)
        .same_site(SameSite::Strict)
        .path("/")
        .secure(secure)
        .max_age(lasts.try_into().unwrap_or_default())
        .build()
}

async fn give(state: &super::AppState, token: &Token) -> Result<(), Problem> {
    let mut tx = state.db.begin().await?;
    store::access::insert(&mut tx, token).await?;
    tx.commit().await?;
    Ok(())
}

/// Logs out: the token behind the cookie is taken back.
#[utoipa::path(post, path = "/api/logout", tag = "access", responses((status = 204, description = "logged out")))]
pub async fn logout(
    _: Anyone,
    State(state): State<super::AppState>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    if let Some(text) = cookie(&headers) {
        // As a bearer token, so that being of the house does not hide whose it is.
        let mut bearer = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(&format!("Bearer {text}")) {
            bearer.insert(header::AUTHORIZATION, value);
        }
        if let Caller::Token(token) = state.guard.who(None, &bearer).await? {
            state.guard.take_back(token.id).await?;
        }
    }
    let secure = state.guard.by_tls(peer.map(|Extension(info)| info.0), &headers);
    Ok((StatusCode::NO_CONTENT, CookieJar::new().add(session_cookie(String::new(), Duration::ZERO, secure))))
}

/// Sets the owner's password, which the login page asks for. Logins stay; take them back one by one.
#[utoipa::path(put, path = "/api/tokens/password", tag = "access", request_body = Secret,
    responses((status = 204, description = "set")))]
pub async fn set_password(
    _: Admin,
    State(state): State<super::AppState>,
    said: Result<Json<Secret>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let Json(Secret { password }) = said?;
    // As costly as comparing one.
    let turn = state.hashing.acquire().await.map_err(|error| Problem::internal(error.to_string()))?;
    let hash = hashed(password).await.map_err(Problem::bad_request)?;
    drop(turn);
    let mut tx = state.db.begin().await?;
    store::access::set_password(&mut tx, &hash, state.guard.now()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The Argon2id hash of a password, as it is kept.
///
/// # Errors
/// One sentence when it is too short or too long.
pub async fn hashed(password: String) -> Result<String, String> {
    if !PASSWORD.contains(&password.chars().count()) {
        return Err(format!("a password has {} to {} characters", PASSWORD.start(), PASSWORD.end()));
    }
    let made = tokio::task::spawn_blocking(move || {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|error| error.to_string())?;
        let salt = SaltString::encode_b64(&salt).map_err(|error| error.to_string())?;
        let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
        hash.map(|hash| hash.to_string()).map_err(|error| error.to_string())
    });
    made.await.map_err(|error| error.to_string())?
}

list_query! {
    /// Which tokens are asked for, and in which order.
    ListQuery {
        /// Only those with this in their name.
        q: Option<String>,
        /// Only those that still count.
        #[serde(default)]
        live: bool,
    }
    /// `newest` first, by `name`, or the one `used` last first.
    sort: TokenSort,
    /// Only those that come after this one: the `next` of the page before.
    after: TokenId,
}

/// In which order tokens are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenSort {
    /// The one given out last first.
    #[default]
    Newest,
    /// By what they are called, from A to Z.
    Name,
    /// The one used last first.
    Used,
}

/// One page of tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenPage {
    tokens: Vec<Token>,
    /// Where the next page begins; `None` on the last one.
    next: Option<TokenId>,
}

/// Tokens that were given out, logins included.
#[utoipa::path(get, path = "/api/tokens", tag = "access", params(ListQuery),
    responses((status = 200, body = TokenPage)))]
pub async fn tokens(
    _: Admin,
    State(state): State<super::AppState>,
    which: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<TokenPage>, Problem> {
    let Query(which) = which?;
    let (mut all, now) = (store::access::list(&state.db).await?, state.guard.now());
    all.retain(|one| has(&one.name, which.q.as_deref()) && (!which.live || one.counts(now)));
    match which.sort {
        TokenSort::Newest => {}
        TokenSort::Name => all.sort_by(|a, b| a.name.cmp(&b.name)),
        TokenSort::Used => all.sort_by_key(|one| std::cmp::Reverse(one.used)),
    }
    let (tokens, next) = which.limit.page(all, which.after.as_ref(), |one| one.id)?;
    Ok(Json(TokenPage { tokens, next }))
}

/// A token to be given out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What you call it, 1 to 80 characters.
    name: String,
    /// What it may do; who may write may review and read.
    #[schema(min_items = 1)]
    scopes: BTreeSet<Scope>,
    /// The one project it may see.
    #[serde(default)]
    project: Option<ProjectId>,
    /// Days until it ends, 1 to 3650; without them it never does.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3650)]
    days: Option<u32>,
}

/// A token that was given out.
#[derive(Debug, Serialize, ToSchema)]
pub struct GivenToken {
    /// What is known of it.
    token: Token,
    /// The token itself, to be sent as `Authorization: Bearer`. It is told once and kept nowhere.
    text: String,
}

/// Gives out a token.
#[utoipa::path(post, path = "/api/tokens", tag = "access", request_body = NewToken,
    responses((status = 201, body = GivenToken)))]
pub async fn new_token(
    _: Admin,
    State(state): State<super::AppState>,
    wanted: Result<Json<NewToken>, JsonRejection>,
) -> Result<(StatusCode, Extension<ToldOnce>, Json<GivenToken>), Problem> {
    let Json(wanted) = wanted?;
    let name = wanted.name.trim();
    if !(1..=80).contains(&name.chars().count()) {
        return Err(Problem::bad_request("name the token in 1 to 80 characters, e.g. by the device that uses it"));
    }
    if wanted.scopes.is_empty() {
        return Err(Problem::bad_request("say what the token may do: read, review, write or admin"));
    }
    if wanted.days.is_some_and(|days| !(1..=3650).contains(&days)) {
        return Err(Problem::bad_request("a token lasts from 1 to 3650 days; leave days out for ever"));
    }
    if let Some(project) = wanted.project {
        store::projects::get(&state.db, project).await?;
    }
    let now = state.guard.now();
    let token = Token {
        id: TokenId(state.guard.id()),
        name: name.to_owned(),
        scopes: wanted.scopes,
        project: wanted.project,
        created: now,
        expires: wanted.days.map(|days| Millis(now.0 + i64::from(days) * 86_400_000)),
        revoked: None,
        used: None,
    };
    give(&state, &token).await?;
    let text = state.guard.sign(&token)?;
    Ok((StatusCode::CREATED, Extension(ToldOnce), Json(GivenToken { token, text })))
}

/// Takes a token back; it counts no more from now on.
#[utoipa::path(delete, path = "/api/tokens/{id}", tag = "access", params(("id" = TokenId, Path)),
    responses((status = 204, description = "taken back")))]
pub async fn revoke(door: Admin<TokenId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    let id = door.of;
    state.guard.take_back(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How long a link is to be good.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// Seconds, 60 to 604800 (seven days).
    #[schema(minimum = 60, maximum = 604_800)]
    seconds: u32,
}

/// A link to one file.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedLink {
    /// Address on this studio.
    url: String,
    /// When it ends.
    until: Millis,
}

/// A link to one file that needs no login and ends by itself.
#[utoipa::path(post, path = "/api/assets/{hash}/link", tag = "assets", params(("hash" = ContentHash, Path)),
    request_body = NewLink, responses((status = 201, body = SignedLink)))]
pub async fn link(
    door: Writer<ContentHash>,
    State(state): State<super::AppState>,
    wanted: Result<Json<NewLink>, JsonRejection>,
) -> Result<(StatusCode, Extension<ToldOnce>, Json<SignedLink>), Problem> {
    let (hash, Json(NewLink { seconds })) = (door.of, wanted?);
    if !(60..=LONGEST_LINK_S).contains(&seconds) {
        return Err(Problem::bad_request(format!("a link is good for 60 to {LONGEST_LINK_S} seconds")));
    }
    let asset = store::assets::get(&state.db, hash).await?.filter(|asset| !asset.missing);
    asset.ok_or_else(|| Problem::not_found(format!("the studio keeps no file {hash}")))?;
    let until = Millis(state.guard.now().0 + i64::from(seconds) * 1000);
    let key = state.guard.link(hash, until)?;
    Ok((
        StatusCode::CREATED,
        Extension(ToldOnce),
        Json(SignedLink { url: format!("/api/assets/{hash}?key={key}"), until }),
    ))
}
