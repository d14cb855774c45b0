//! Web: what the studio answers on the network. THE route table is [`table`].

mod analytics;
mod assets;
mod byte_order;
mod characters;
mod contract;
mod dataset_captions;
mod dataset_copies;
mod dataset_exports;
mod dataset_pictures;
mod dataset_reviews;
mod dataset_services;
mod datasets;
mod decisions;
mod doors;
mod episodes;
mod findings;
mod fleet;
mod guard;
mod idempotency;
mod images;
mod in_process;
mod ingests;
mod journal;
mod kept_files;
mod kept_loras;
mod listen;
mod live;
mod locations;
mod merge_patch;
mod metrics;
mod page;
mod pagination;
mod picture_history;
mod pings;
mod portraits;
mod problem;
mod projects;
mod scenes;
mod screenplays;
mod service_error;
mod services;
mod session;
mod sheets;
mod shot_pictures;
mod sounds;
mod stories;
mod studio;
mod takes;
mod tasks;
mod thumbnails;
mod training_refused;
mod training_services;
mod trainings;
mod turns;
mod unnamed;
mod uploads;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version as HttpVersion, header},
    middleware::{from_fn_with_state, map_request, map_response},
    response::Response,
};
pub use dataset_services::{Meant, Reviews, Sorted, Unnamed};
use doors::{Anyone, Common, Reader, Table, door};
pub use findings::{Finding, Found, Purpose, Standing};
pub use guard::Access;
use guard::Guard;
pub use in_process::{InProcess, Sent};
use problem::Problem;
pub use screenplays::READ_AT_A_TIME;
use serde::Serialize;
pub use service_error::MOST_REVIEWED;
pub use services::{
    Archives, ArmView, Arrived, DatasetView, Datasets, Diagnostics, FormatView, Idea, IngestRefused, IngestView,
    LeftOut, Line, LoraView, Loras, Media, ModelView, PictureCounts, PortraitCounts, PortraitInMaking, PortraitSheet,
    Portraits, Productions, RepairView, ReviewRefused, Scan, Scanned, ServiceError, Services, SettingsView, Stories,
    StyleView, Taken, Tidied, Trial, Upkeep, WorkflowView,
};
pub use session::hashed;
use studio_core::journal::EventKind;
use studio_engine::Cards;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::{
    compression::CompressionLayer,
    cors::{AllowHeaders, CorsLayer},
};
pub use training_refused::{TrainingBlocked, TrainingRefused};
pub use training_services::{
    BlockedView, KeptLoraView, LoraOwner, NeedView, SaidOfLora, SlotView, StartTraining, TrainerView,
    TrainingCandidate, TrainingEstimate, TrainingPreview, Trainings,
};
pub use turns::Turns;
use utoipa::{OpenApi, ToSchema};

use crate::{
    conductor::{Context, Handle, Seat},
    events::{Events, StudioEvent},
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
    /// Places of those who listen, see [`listen::listeners`].
    listeners: Arc<tokio::sync::Semaphore>,
    /// Whether the database answers, asked once for all who want to know at the same time.
    pings: Arc<pings::Pings>,
    /// Turns at comparing a password.
    hashing: Arc<tokio::sync::Semaphore>,
    /// Turns at reading a screenplay.
    reading: Turns,
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
            pings: Arc::new(pings::Pings::default()),
            listeners: Arc::new(tokio::sync::Semaphore::new(listen::listeners())),
            hashing: Arc::new(tokio::sync::Semaphore::new(session::HASHES_AT_A_TIME)),
            reading: Turns::new(READ_AT_A_TIME),
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

    /// Tells everybody who listens that something people write has changed.
    fn tell(&self) {
        self.events.tell(StudioEvent::Changed);
    }
}

/// The contract, as `docs/api/openapi.json` has it.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "studiod",
        description = "A film studio on a home PC. Every button of the page is one of these calls."
    ),
    components(schemas(problem::Problem, live::LiveMessage, live::Watch))
)]
struct Contract;

/// THE route table.
#[expect(clippy::too_many_lines, reason = "a table, a line for each address")]
fn table() -> Table {
    Table::new(Contract::openapi())
        .with(door!(health))
        .with(door!(version))
        .with(door!(metrics::metrics))
        .with(door!(motion_presets))
        .with(door!(studio::check))
        .with(door!(studio::check_deep))
        .with(door!(studio::tidy))
        .with(door!(studio::try_out))
        .with(door!(studio::settings))
        .with(door!(studio::formats))
        .with(door!(studio::models))
        .with(door!(studio::workflows))
        .with(door!(studio::styles))
        .with(door!(studio::loras))
        .with(door!(session::session))
        .with(door!(session::login))
        .with(door!(session::logout))
        .with(door!(session::tokens))
        .with(door!(session::new_token))
        .with(door!(session::set_password))
        .with(door!(session::revoke))
        .with(door!(projects::list))
        .with(door!(projects::create))
        .with(door!(uploads::import).body(DefaultBodyLimit::disable()))
        .with(door!(projects::one))
        .with(door!(projects::change))
        .with(door!(projects::remove))
        .with(door!(uploads::export))
        .with(door!(characters::list))
        .with(door!(characters::one))
        .with(door!(characters::change))
        .with(door!(characters::audition))
        .with(door!(datasets::one))
        .with(door!(datasets::change))
        .with(door!(datasets::replenish))
        .with(door!(datasets::pause))
        .with(door!(datasets::resume))
        .with(door!(datasets::upload).body(DefaultBodyLimit::disable()))
        .with(door!(datasets::stills))
        .with(door!(datasets::comfy))
        .with(door!(datasets::generate))
        .with(door!(datasets::decide))
        .with(door!(dataset_exports::export))
        .with(door!(dataset_captions::replace))
        .with(door!(dataset_captions::restore).body(DefaultBodyLimit::max(dataset_captions::MOST_RESTORED)))
        .with(door!(dataset_copies::preview))
        .with(door!(dataset_captions::write))
        .with(door!(dataset_captions::tags))
        .with(door!(dataset_reviews::begin))
        .with(door!(dataset_reviews::list))
        .with(door!(dataset_reviews::one))
        .with(door!(dataset_reviews::cancel))
        .with(door!(unnamed::upload).body(DefaultBodyLimit::disable()))
        .with(door!(unnamed::list))
        .with(door!(unnamed::name))
        .with(door!(unnamed::identify))
        .with(door!(unnamed::remove))
        .with(door!(ingests::list))
        .with(door!(ingests::fetch))
        .with(door!(ingests::cancel))
        .with(door!(dataset_pictures::list))
        .with(door!(dataset_pictures::one))
        .with(door!(picture_history::history))
        .with(door!(dataset_pictures::describe))
        .with(door!(dataset_pictures::remove))
        .with(door!(dataset_pictures::decide))
        .with(door!(dataset_pictures::undecide))
        .with(door!(dataset_pictures::review))
        .with(door!(dataset_pictures::repair))
        .with(door!(dataset_pictures::reassign))
        .with(door!(trainings::list))
        .with(door!(trainings::of_character))
        .with(door!(trainings::preview))
        .with(door!(trainings::start))
        .with(door!(trainings::candidates))
        .with(door!(trainings::one))
        .with(door!(trainings::change))
        .with(door!(trainings::log))
        .with(door!(trainings::pause))
        .with(door!(trainings::resume))
        .with(door!(trainings::cancel))
        .with(door!(trainings::choose))
        .with(door!(trainings::remove))
        .with(door!(trainings::trainers))
        .with(door!(kept_loras::of_character))
        .with(door!(kept_loras::of_project))
        .with(door!(kept_loras::import_for_project).body(DefaultBodyLimit::disable()))
        .with(door!(kept_loras::import).body(DefaultBodyLimit::disable()))
        .with(door!(kept_loras::change))
        .with(door!(kept_loras::make_active))
        .with(door!(kept_loras::make_idle))
        .with(door!(kept_loras::remove))
        .with(door!(locations::list))
        .with(door!(locations::one))
        .with(door!(locations::change))
        .with(door!(portraits::of_character))
        .with(door!(portraits::make_of_character))
        .with(door!(portraits::send_of_character).body(DefaultBodyLimit::disable()))
        .with(door!(portraits::of_location))
        .with(door!(portraits::make_of_location))
        .with(door!(portraits::send_of_location).body(DefaultBodyLimit::disable()))
        .with(door!(portraits::of_episode))
        .with(door!(portraits::of_project))
        .with(door!(portraits::again))
        .with(door!(portraits::refine))
        .with(door!(portraits::decide))
        .with(door!(portraits::undecide))
        .with(door!(portraits::remove))
        .with(door!(screenplays::import).body(DefaultBodyLimit::max(screenplays::LARGEST)))
        .with(door!(screenplays::read).body(DefaultBodyLimit::max(screenplays::LARGEST)))
        .with(door!(screenplays::one).body(DefaultBodyLimit::max(screenplays::LARGEST)))
        .with(door!(screenplays::write).body(DefaultBodyLimit::max(screenplays::LARGEST)))
        .with(door!(screenplays::file))
        .with(door!(screenplays::order))
        .with(door!(screenplays::shot))
        .with(door!(stories::list))
        .with(door!(stories::create))
        .with(door!(stories::one))
        .with(door!(stories::remove))
        .with(door!(episodes::list))
        .with(door!(episodes::one))
        .with(door!(episodes::produce))
        .with(door!(episodes::assemble))
        .with(door!(episodes::publish))
        .with(door!(episodes::unpublish))
        .with(door!(episodes::approve))
        .with(door!(episodes::cancel))
        .with(door!(episodes::video))
        .with(door!(scenes::list))
        .with(door!(scenes::one))
        .with(door!(scenes::video))
        .with(door!(images::list))
        .with(door!(sounds::music))
        .with(door!(sounds::voices))
        .with(door!(takes::list))
        .with(door!(takes::shot))
        .with(door!(shot_pictures::of_shot))
        .with(door!(takes::opinion))
        .with(door!(takes::no_opinion))
        .with(door!(takes::reassign))
        .with(door!(takes::hand))
        .with(door!(decisions::list))
        .with(door!(analytics::analytics))
        .with(door!(uploads::upload).body(DefaultBodyLimit::disable()))
        .with(door!(assets::one))
        .with(door!(session::link))
        .with(door!(tasks::list))
        .with(door!(tasks::one))
        .with(door!(tasks::preview))
        .with(door!(tasks::cancel))
        .with(door!(tasks::retry))
        .with(door!(tasks::opinion))
        .with(door!(tasks::hand))
        .with(door!(fleet::steer))
        .with(door!(fleet::view))
        .with(door!(fleet::plan))
        .with(door!(analytics::history))
        .with(door!(fleet::durations))
        .with(door!(fleet::pause))
        .with(door!(fleet::resume))
        .with(door!(fleet::quiet))
        .with(door!(fleet::set_quiet))
        .with(door!(fleet::forget_quiet))
        .with(door!(fleet::costs))
        .with(door!(live::live))
        .with(door!(live::events))
        .with_page("/api/openapi.json", openapi)
        .with_page("/api/docs", page::docs)
        .with_page("/api/docs/scalar.js", page::docs_program)
        .with_page("/api/docs/begin.js", page::docs_begin)
}

/// The contract as JSON, the same at every build.
pub fn contract() -> String {
    let (_, contract) = table().split();
    contract::text(&contract)
}

/// Every address the studio answers at, behind the checks that all requests pass.
pub fn routes(state: AppState) -> Router {
    let (router, _) = table().split();
    let cors = cors(state.guard.access());
    let router = router
        .fallback(page::page)
        .method_not_allowed_fallback(page::no_such_method)
        .layer(map_request(byte_order::take_off))
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

/// Answers with the contract of the API, as JSON.
async fn openapi(_: Reader<Common>) -> ([(HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, "application/json")], contract())
}

/// Answers until `stop`, then lets requests under way finish.
pub async fn serve(door: TcpListener, state: AppState, stop: CancellationToken) {
    let state = AppState { stop: stop.clone(), ..state };
    stories::resume(&state).await;
    listen::serve(door, routes(state), stop).await;
}

/// `ok` when the database answers and takes what is written; 503 with the reason otherwise.
#[utoipa::path(get, path = "/health", tag = "studio", responses((status = 200, body = String)))]
async fn health(
    _: Anyone,
    axum::extract::State(state): axum::extract::State<AppState>,
) -> Result<&'static str, Problem> {
    state.pings.ping(&state.db).await?;
    match state.events.troubled() {
        Some(why) => Err(Problem::unavailable(why)),
        None => Ok("ok"),
    }
}

/// What may move in a shot of each type.
#[utoipa::path(get, path = "/api/motion-presets", tag = "studio",
    responses((status = 200, body = Vec<studio_core::motion::Preset>)))]
async fn motion_presets(_: Reader<Common>) -> Json<&'static [studio_core::motion::Preset]> {
    Json(&studio_core::motion::PRESETS)
}

/// Name and version of the program.
#[utoipa::path(get, path = "/api/version", tag = "studio", responses((status = 200, body = Version)))]
async fn version(_: Anyone) -> Json<Version> {
    Json(Version { name: "studiod", version: env!("CARGO_PKG_VERSION") })
}

/// Which program this is.
#[derive(Debug, Serialize, ToSchema)]
struct Version {
    name: &'static str,
    version: &'static str,
}
