//! Web: what the studio answers on the network. THE route table is [`table`].

mod analytics;
mod assets;
mod characters;
mod contract;
mod decisions;
mod episodes;
mod fleet;
mod guard;
mod idempotency;
mod images;
mod journal;
mod live;
mod locations;
mod merge_patch;
mod metrics;
mod page;
mod pagination;
mod problem;
mod projects;
mod scenes;
mod scoped;
mod screenplays;
mod services;
mod session;
mod sheets;
mod sounds;
mod stories;
mod studio;
mod takes;
mod tasks;
mod thumbnails;
mod uploads;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version as HttpVersion, header},
    middleware::{from_fn_with_state, map_response},
    response::Response,
    routing::get,
};
pub use guard::Access;
use guard::Guard;
use problem::Problem;
use serde::Serialize;
pub use services::{
    Archives, Diagnostics, Finding, FormatView, Idea, Line, Media, ModelView, Productions, ServiceError, Services,
    SettingsView, Stories, Trial, WorkflowView,
};
pub use session::hashed;
use studio_core::journal::EventKind;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::{
    compression::CompressionLayer,
    cors::{AllowHeaders, CorsLayer},
};
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::{
    conductor::{Context, Handle, Seat},
    edge::Cards,
    events::{Events, Happened},
    files::DataDir,
    metrics::Metrics,
    store::{self, Db, Tx},
};

/// What every endpoint may use.
#[derive(Clone)]
pub struct AppState {
    db: Db,
    conductor: Handle,
    events: Events,
    data: DataDir,
    metrics: Metrics,
    engines: Arc<BTreeMap<String, Seat>>,
    cards: Option<Arc<dyn Cards>>,
    hub: live::Hub,
    services: Option<Services>,
    guard: Guard,
    tries: session::Tries,
    busy: idempotency::Busy,
    /// Stories that are being written.
    stories: stories::StoryJobs,
    /// Turns at making small pictures.
    small: Arc<tokio::sync::Semaphore>,
    /// Held from reading what is there to writing the next: of two who have seen the same, one is told.
    writing: Arc<tokio::sync::Mutex<()>>,
    /// Cancelled when the studio closes: what would be told for ever ends.
    stop: CancellationToken,
}

impl AppState {
    /// The store to read and the conductor to ask; fails when the key that signs tokens cannot be read.
    pub fn new(context: &Context, conductor: Handle, access: Access) -> std::io::Result<Self> {
        Ok(Self {
            guard: Guard::new(access, &context.data.key()?, context.db.clone(), context.clock.clone()),
            db: context.db.clone(),
            conductor,
            events: context.events.clone(),
            data: context.data.clone(),
            metrics: context.metrics.clone(),
            engines: context.engines.clone(),
            cards: context.cards.clone(),
            hub: live::Hub::default(),
            services: None,
            tries: session::tries(),
            busy: idempotency::Busy::default(),
            stories: stories::StoryJobs::default(),
            small: Arc::new(tokio::sync::Semaphore::new(thumbnails::AT_A_TIME)),
            writing: Arc::default(),
            stop: CancellationToken::new(),
        })
    }

    /// The same, with somebody who does what the settings decide.
    #[must_use]
    pub fn with_services(self, services: Services) -> Self {
        Self { services: Some(services), ..self }
    }

    /// Who does what the settings decide.
    fn services(&self) -> Result<&Services, Problem> {
        self.services.as_ref().ok_or_else(|| Problem::unavailable("this studio has nobody who knows its settings"))
    }

    /// Keeps that something people write has changed; [`AppState::tell`] when that is committed.
    async fn changed(&self, tx: &mut Tx<'_>, kind: EventKind, subject: &str) -> Result<(), Problem> {
        store::events::append(tx, kind, subject, &serde_json::json!({}), self.guard.now()).await?;
        Ok(())
    }

    /// Tells everybody.
    fn tell(&self) {
        self.events.tell(Happened::Changed);
    }
}

/// The contract, as `docs/api/openapi.json` has it.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "studiod",
        description = "A film studio on a home PC. Every button of the page is one of these calls."
    ),
    components(schemas(problem::Problem, live::Told, live::Watch))
)]
struct Contract;

/// THE route table.
#[expect(clippy::too_many_lines, reason = "a table, a line for each address")]
fn table() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Contract::openapi())
        .routes(routes!(health))
        .routes(routes!(version))
        .routes(routes!(metrics::metrics))
        .routes(routes!(motion_presets))
        .routes(routes!(studio::check))
        .routes(routes!(studio::try_out))
        .routes(routes!(studio::settings))
        .routes(routes!(studio::formats))
        .routes(routes!(studio::models))
        .routes(routes!(studio::workflows))
        .routes(routes!(session::session))
        .routes(routes!(session::login))
        .routes(routes!(session::logout))
        .routes(routes!(session::tokens, session::new_token))
        .routes(routes!(session::set_password))
        .routes(routes!(session::revoke))
        .routes(routes!(projects::list, projects::create))
        .routes(routes!(uploads::import).layer(DefaultBodyLimit::disable()))
        .routes(routes!(projects::one, projects::change, projects::remove))
        .routes(routes!(uploads::export))
        .routes(routes!(characters::list))
        .routes(routes!(characters::one, characters::change))
        .routes(routes!(characters::audition))
        .routes(routes!(locations::list))
        .routes(routes!(locations::one, locations::change))
        .routes(routes!(screenplays::import).layer(DefaultBodyLimit::max(screenplays::LARGEST)))
        .routes(routes!(screenplays::read).layer(DefaultBodyLimit::max(screenplays::LARGEST)))
        .routes(routes!(screenplays::one, screenplays::write).layer(DefaultBodyLimit::max(screenplays::LARGEST)))
        .routes(routes!(screenplays::file))
        .routes(routes!(screenplays::order))
        .routes(routes!(screenplays::shot))
        .routes(routes!(stories::list, stories::create))
        .routes(routes!(stories::one, stories::remove))
        .routes(routes!(episodes::list))
        .routes(routes!(episodes::one))
        .routes(routes!(episodes::produce))
        .routes(routes!(episodes::assemble))
        .routes(routes!(episodes::publish))
        .routes(routes!(episodes::unpublish))
        .routes(routes!(episodes::approve))
        .routes(routes!(episodes::cancel))
        .routes(routes!(episodes::video))
        .routes(routes!(scenes::list))
        .routes(routes!(scenes::one))
        .routes(routes!(scenes::video))
        .routes(routes!(images::list))
        .routes(routes!(sounds::music))
        .routes(routes!(sounds::voices))
        .routes(routes!(takes::list))
        .routes(routes!(takes::shot))
        .routes(routes!(takes::opinion, takes::no_opinion))
        .routes(routes!(takes::reassign))
        .routes(routes!(takes::hand))
        .routes(routes!(decisions::list))
        .routes(routes!(analytics::analytics))
        .routes(routes!(uploads::upload).layer(DefaultBodyLimit::disable()))
        .routes(routes!(assets::one))
        .routes(routes!(session::link))
        .routes(routes!(tasks::list))
        .routes(routes!(tasks::one))
        .routes(routes!(tasks::preview))
        .routes(routes!(tasks::cancel))
        .routes(routes!(tasks::retry))
        .routes(routes!(tasks::opinion))
        .routes(routes!(tasks::hand))
        .routes(routes!(fleet::steer))
        .routes(routes!(fleet::view))
        .routes(routes!(fleet::plan))
        .routes(routes!(analytics::history))
        .routes(routes!(fleet::durations))
        .routes(routes!(fleet::pause))
        .routes(routes!(fleet::resume))
        .routes(routes!(fleet::quiet, fleet::set_quiet, fleet::forget_quiet))
        .routes(routes!(fleet::costs))
        .routes(routes!(live::live))
        .routes(routes!(live::events))
}

/// The contract as JSON, the same at every build.
pub fn contract() -> String {
    let (_, contract) = table().split_for_parts();
    contract::text(&contract)
}

/// Every endpoint.
pub fn routes(state: AppState) -> Router {
    let (router, _) = table().split_for_parts();
    let cors = cors(state.guard.access());
    let router = router
        .route("/api/openapi.json", get(openapi))
        .route("/api/docs", get(page::docs))
        .route("/api/docs/scalar.js", get(page::docs_program))
        .route("/api/docs/begin.js", get(page::docs_begin))
        .fallback(page::page)
        .method_not_allowed_fallback(|| async { Problem::no_such_method() })
        .layer(from_fn_with_state(state.clone(), idempotency::once))
        .layer(from_fn_with_state(state.clone(), guard::watch))
        .layer(map_response(careful))
        .layer(CompressionLayer::new().compress_when(worth_it));
    let router = match cors {
        Some(cors) => router.layer(cors),
        None => router,
    };
    // Outermost: whatever is answered has an id and a line in the log.
    router.layer(from_fn_with_state(state.clone(), journal::keep)).with_state(state)
}

/// Texts are sent small; media is small already, and what is told as it happens must not wait for more of it.
fn worth_it(_: StatusCode, _: HttpVersion, headers: &HeaderMap, _: &Extensions) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let texts =
        ["application/json", "application/problem+json", "text/html", "text/css", "text/javascript", "image/svg"];
    texts.iter().any(|text| kind.starts_with(text))
}

/// Pages of others that the settings name may use the API; nobody else may.
fn cors(access: &Access) -> Option<CorsLayer> {
    let pages: Vec<HeaderValue> = access.cors.iter().filter_map(|page| page.parse().ok()).collect();
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    (!pages.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(pages)
            .allow_methods(methods)
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([header::ETAG, journal::HEADER])
            .allow_credentials(true)
    })
}

/// What keeps browsers careful with every answer.
async fn careful(mut answer: Response) -> Response {
    let headers = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in headers {
        answer.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    // What is not kept on purpose is asked for anew: the page is live.
    answer.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

/// The contract.
async fn openapi() -> ([(HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, "application/json")], contract())
}

/// Answers until `stop`, then lets requests under way finish.
pub async fn serve(door: TcpListener, state: AppState, stop: CancellationToken) {
    let state = AppState { stop: stop.clone(), ..state };
    stories::resume(&state).await;
    let closed = async move { stop.cancelled().await };
    let service = routes(state).into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(door, service).with_graceful_shutdown(closed).await {
        tracing::error!(%error, "failed to answer on the network");
    }
}

/// `ok` when the database answers; 503 otherwise.
#[utoipa::path(get, path = "/health", tag = "studio", responses((status = 200, body = String), Problem))]
async fn health(axum::extract::State(state): axum::extract::State<AppState>) -> Result<&'static str, Problem> {
    state.db.ping().await?;
    Ok("ok")
}

/// What may move in a shot of each type.
#[utoipa::path(get, path = "/api/motion-presets", tag = "studio",
    responses((status = 200, body = Vec<studio_core::motion::Preset>)))]
async fn motion_presets() -> Json<&'static [studio_core::motion::Preset]> {
    Json(&studio_core::motion::PRESETS)
}

/// Name and version of the program.
#[utoipa::path(get, path = "/api/version", tag = "studio", responses((status = 200, body = Version)))]
async fn version() -> Json<Version> {
    Json(Version { name: "studiod", version: env!("CARGO_PKG_VERSION") })
}

/// Which program this is.
#[derive(Debug, Serialize, ToSchema)]
struct Version {
    name: &'static str,
    version: &'static str,
}
