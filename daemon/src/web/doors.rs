//! Doors: who may call what, said by the first parameter of every handler, and kept by it.
//!
//! `door: Writer<EpisodeId>` is one line for four things: the caller needs the scope `write`; the episode is read from
//! the address; a token of one project is refused where the episode belongs to another one; and the contract says so.
//! [`Table`] takes no handler whose first parameter says nothing.

use std::{collections::BTreeMap, marker::PhantomData};

use axum::{
    extract::{DefaultBodyLimit, FromRequestParts, Path, Query},
    handler::Handler,
    http::{Method, request::Parts},
    routing::get,
};
use serde::{Deserialize, de::DeserializeOwned};
use studio_core::{
    access::Scope,
    ids::{
        CharacterId, ContentHash, EpisodeId, IngestId, LocationId, LoraId, PictureId, PortraitId, ProjectId, ReviewId,
        SceneId, ShotId, StoryId, TakeId, TaskId, TokenId, TrainingId, UnnamedId,
    },
    views::PortraitOwner,
};
use utoipa::openapi::{
    OpenApi, RefOr, ResponseBuilder,
    extensions::ExtensionsBuilder,
    path::Operation,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};

use super::{
    AppState,
    guard::{COOKIE, Caller},
    problem::{Problem, refusal},
};
use crate::store::{self, Db, Error};

/// Whose something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belongs {
    /// The studio's as a whole: a token of one project is refused.
    Studio,
    /// One project's: a token of another one is refused.
    Project,
    /// Nobody's in particular.
    Nobody,
}

impl Belongs {
    /// As the contract has it.
    fn word(self) -> &'static str {
        match self {
            Self::Studio => "studio",
            Self::Project => "project",
            Self::Nobody => "nobody",
        }
    }
}

/// What a handler's first parameter says.
#[derive(Debug, Clone, Copy)]
pub struct Declared {
    /// What the caller needs; `None`: everybody may.
    scope: Option<Scope>,
    belongs: Belongs,
    /// A link that was given out opens it, too.
    link: bool,
}

/// The first parameter of a handler: lets in who may come in.
pub trait Access {
    /// Who that is.
    const DECLARED: Declared;
}

/// Everybody may, without a login.
pub struct Anyone;

impl Access for Anyone {
    const DECLARED: Declared = Declared { scope: None, belongs: Belongs::Nobody, link: false };
}

impl<S: Sync> FromRequestParts<S> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self)
    }
}

/// What a caller needs.
pub trait Level {
    /// The least of scopes.
    const SCOPE: Scope;
}

/// Needs [`Scope::Read`], to look at things.
pub struct Reads;
/// Needs [`Scope::Review`], to say what is good and what is not.
pub struct Reviews;
/// Needs [`Scope::Write`], to write, produce, pause and publish.
pub struct Writes;
/// Needs [`Scope::Admin`], to give out tokens and see settings.
pub struct Administers;

impl Level for Reads {
    const SCOPE: Scope = Scope::Read;
}
impl Level for Reviews {
    const SCOPE: Scope = Scope::Review;
}
impl Level for Writes {
    const SCOPE: Scope = Scope::Write;
}
impl Level for Administers {
    const SCOPE: Scope = Scope::Admin;
}

/// What a request is about, read from its address, and whose that is.
pub trait Subject: Sized + Send + Sync {
    /// Whose all of its kind are.
    const BELONGS: Belongs;

    /// From the address.
    fn read(parts: &mut Parts) -> impl Future<Output = Result<Self, Problem>> + Send;

    /// The project it belongs to.
    fn project(&self, state: &AppState) -> impl Future<Output = store::Result<Option<ProjectId>>> + Send;

    /// Whether it is of this project, and be it of others, too.
    fn is_of(&self, state: &AppState, project: ProjectId) -> impl Future<Output = store::Result<bool>> + Send
    where
        Self: Sync,
    {
        async move { Ok(self.project(state).await? == Some(project)) }
    }
}

/// The studio as a whole.
pub struct Whole;

impl Subject for Whole {
    const BELONGS: Belongs = Belongs::Studio;

    async fn read(_: &mut Parts) -> Result<Self, Problem> {
        Ok(Self)
    }

    async fn project(&self, _: &AppState) -> store::Result<Option<ProjectId>> {
        Ok(None)
    }
}

/// What is nobody's in particular.
pub struct Common;

impl Subject for Common {
    const BELONGS: Belongs = Belongs::Nobody;

    async fn read(_: &mut Parts) -> Result<Self, Problem> {
        Ok(Self)
    }

    async fn project(&self, _: &AppState) -> store::Result<Option<ProjectId>> {
        Ok(None)
    }
}

/// A query that may ask for what belongs to a project or an episode. Where it says both, the list is of what is in both.
pub trait Filter: DeserializeOwned + Send + Sync {
    /// Only what belongs to this project.
    fn project(&self) -> Option<ProjectId>;
    /// Only what belongs to this episode. Not every list can be asked so.
    fn episode(&self) -> Option<EpisodeId> {
        None
    }
}

/// A list, with its filter: a token of one project must ask for that project, or for an episode of it.
pub struct Listed<Q>(pub Q);

impl<Q: Filter> Subject for Listed<Q> {
    const BELONGS: Belongs = Belongs::Project;

    async fn read(parts: &mut Parts) -> Result<Self, Problem> {
        let Query(query) = Query::from_request_parts(parts, &()).await?;
        Ok(Self(query))
    }

    async fn project(&self, state: &AppState) -> store::Result<Option<ProjectId>> {
        match (self.0.project(), self.0.episode()) {
            (Some(project), _) => Ok(Some(project)),
            (None, Some(episode)) => episode.project(state).await,
            (None, None) => Ok(None),
        }
    }
}

/// An identity in the address, and the project of what it names.
macro_rules! owned {
    ($id:ty, $belongs:ident, |$name:ident, $state:ident| $project:expr) => {
        impl Subject for $id {
            const BELONGS: Belongs = Belongs::$belongs;

            async fn read(parts: &mut Parts) -> Result<Self, Problem> {
                let Path(id) = Path::from_request_parts(parts, &()).await?;
                Ok(id)
            }

            async fn project(&self, $state: &AppState) -> store::Result<Option<ProjectId>> {
                let $name = *self;
                $project
            }
        }
    };
}

owned!(ProjectId, Project, |id, _state| Ok(Some(id)));
owned!(EpisodeId, Project, |id, state| Ok(Some(store::episodes::get(&state.db, id).await?.project_id)));
owned!(CharacterId, Project, |id, state| Ok(Some(store::characters::get(&state.db, id).await?.project_id)));
owned!(LocationId, Project, |id, state| Ok(Some(store::locations::get(&state.db, id).await?.project_id)));
owned!(SceneId, Project, |id, state| store::scenes::get(&state.db, id).await?.episode_id.project(state).await);
owned!(ShotId, Project, |id, state| store::shots::get(&state.db, id).await?.scene_id.project(state).await);
owned!(TakeId, Project, |id, state| store::takes::placed(&state.db, id).await?.episode.project(state).await);
owned!(TaskId, Project, |id, state| match store::tasks::get(&state.db, id).await?.episode_id {
    Some(episode) => episode.project(state).await,
    None => match store::datasets::request_of(&state.db, id).await? {
        Some(request) => request.job.owner().project_of(state).await,
        None => Ok(None),
    },
});
owned!(PortraitId, Project, |id, state| store::portraits::get(&state.db, id).await?.owner.project_of(state).await);
owned!(PictureId, Project, |id, state| {
    store::dataset_pictures::get(&state.db, id).await?.character_id.project(state).await
});
owned!(IngestId, Project, |id, state| store::ingests::get(&state.db, id).await?.character_id.project(state).await);
owned!(ReviewId, Project, |id, state| {
    store::dataset_reviews::get(&state.db, id).await?.character_id.project(state).await
});
owned!(TrainingId, Project, |id, state| store::trainings::get(&state.db, id).await?.character_id.project(state).await);
owned!(LoraId, Project, |id, state| Ok(Some(store::loras::get(&state.db, id).await?.project_id)));
owned!(UnnamedId, Project, |id, state| {
    let picture = store::unnamed_pictures::get(&state.db, PictureId(id.0)).await?;
    Ok(Some(picture.project_id))
});
owned!(StoryId, Studio, |_id, _state| Ok(None));
owned!(TokenId, Studio, |_id, _state| Ok(None));

/// The project of whoever, or of the place, a reference sheet is for.
trait OfProject {
    /// The project they belong to.
    async fn project_of(self, state: &AppState) -> store::Result<Option<ProjectId>>;
}

impl OfProject for PortraitOwner {
    async fn project_of(self, state: &AppState) -> store::Result<Option<ProjectId>> {
        match self {
            Self::Character(id) => id.project(state).await,
            Self::Location(id) => id.project(state).await,
        }
    }
}

/// A kept file; one that several projects made alike is of each of them.
impl Subject for ContentHash {
    const BELONGS: Belongs = Belongs::Project;

    async fn read(parts: &mut Parts) -> Result<Self, Problem> {
        let Path(hash) = Path::from_request_parts(parts, &()).await?;
        Ok(hash)
    }

    async fn project(&self, state: &AppState) -> store::Result<Option<ProjectId>> {
        store::assets::project_of(&state.db, *self).await
    }

    async fn is_of(&self, state: &AppState, project: ProjectId) -> store::Result<bool> {
        store::assets::is_of(&state.db, *self, project).await
    }
}

/// A shot by the numbers of its scene and itself.
impl Subject for (EpisodeId, u32, u32) {
    const BELONGS: Belongs = Belongs::Project;

    async fn read(parts: &mut Parts) -> Result<Self, Problem> {
        let Path(place) = Path::from_request_parts(parts, &()).await?;
        Ok(place)
    }

    async fn project(&self, state: &AppState) -> store::Result<Option<ProjectId>> {
        self.0.project(state).await
    }
}

/// A caller who has the scope, and may see what the request is about.
pub struct Allowed<L, T> {
    /// What the request is about.
    pub of: T,
    /// The one project the caller may see; `None`: all.
    pub only: Option<ProjectId>,
    level: PhantomData<fn() -> L>,
}

impl<L, T> Allowed<L, T> {
    /// Whether the caller may have a file put somewhere, who names it by its content: one that was uploaded and is
    /// nobody's yet, or one of a project they may see.
    pub async fn may_name(&self, db: &Db, file: ContentHash) -> store::Result<bool> {
        let Some(project) = self.only else { return Ok(true) };
        Ok(store::assets::is_of(db, file, project).await? || store::assets::is_nobodys(db, file).await?)
    }
}

/// Who may look.
pub type Reader<T = Whole> = Allowed<Reads, T>;
/// Who may say what is good.
pub type Reviewer<T = Whole> = Allowed<Reviews, T>;
/// Who may write and produce.
pub type Writer<T = Whole> = Allowed<Writes, T>;
/// Who may give out tokens.
pub type Admin<T = Whole> = Allowed<Administers, T>;

impl<L: Level, T: Subject> Access for Allowed<L, T> {
    const DECLARED: Declared = Declared { scope: Some(L::SCOPE), belongs: T::BELONGS, link: false };
}

impl<L: Level, T: Subject> FromRequestParts<AppState> for Allowed<L, T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = Caller::of(&parts.extensions);
        caller.needs(L::SCOPE)?;
        let of = T::read(parts).await;
        if let (Some(project), true) = (caller.project(), T::BELONGS != Belongs::Nobody) {
            let is_of = match &of {
                Ok(of) => of.is_of(state, project).await,
                Err(_) => Ok(false),
            };
            match is_of {
                Ok(true) => {}
                // What is not there and what is somebody else's look the same from outside.
                Ok(false) | Err(Error::NotFound { .. }) => return Err(Problem::other_project(project)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self { of: of?, only: caller.project(), level: PhantomData })
    }
}

/// Who may look at a kept file, or has a link to it.
pub struct FileReader {
    /// The file that is asked for, by the hash in the address.
    pub of: ContentHash,
}

/// The part of the query that opens a file.
#[derive(Deserialize)]
struct Key {
    key: Option<String>,
}

impl Access for FileReader {
    const DECLARED: Declared = Declared { link: true, ..Reader::<ContentHash>::DECLARED };
}

impl FromRequestParts<AppState> for FileReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        // Whoever has no good link is asked who they are, even when the address itself is wrong.
        if parts.method == Method::GET
            && let Ok(Query(Key { key: Some(key) })) = Query::from_request_parts(parts, &()).await
            && let Ok(of) = ContentHash::read(parts).await
            && state.guard.opens(of, &key)
        {
            return Ok(Self { of });
        }
        Ok(Self { of: Reader::from_request_parts(parts, state).await?.of })
    }
}

/// A handler whose first parameter says who may call it.
pub trait Guarded<T> {
    /// What it says.
    const DECLARED: Declared;
}

macro_rules! guarded {
    ($($parameter:ident)*) => {
        impl<F, R, A: Access, $($parameter),*> Guarded<(A, $($parameter,)*)> for F
        where
            F: Fn(A, $($parameter),*) -> R,
        {
            const DECLARED: Declared = A::DECLARED;
        }
    };
}

guarded!();
guarded!(P1);
guarded!(P1 P2);
guarded!(P1 P2 P3);
guarded!(P1 P2 P3 P4);
guarded!(P1 P2 P3 P4 P5);

/// One operation at one address, with who may call it.
pub struct Door(UtoipaMethodRouter<AppState>);

/// A line of the table. A handler whose first parameter says nothing of who may call it does not compile here.
macro_rules! door {
    ($($handler:tt)+) => {
        $crate::web::doors::Door::of($($handler)+, utoipa_axum::routes!($($handler)+))
    };
}
pub(super) use door;

impl Door {
    /// What `door!` writes.
    pub fn of<H: Guarded<T>, T>(_: H, mut routes: UtoipaMethodRouter<AppState>) -> Self {
        for (path, item) in &mut routes.1.paths {
            let all = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
            for (reads, operation) in all.into_iter().enumerate().map(|(at, operation)| (at == 0, operation)) {
                if let Some(operation) = operation {
                    describe(operation, H::DECLARED, reads, path.contains('{'));
                }
            }
        }
        Self(routes)
    }

    /// The same with another limit for bodies.
    pub fn body(self, limit: DefaultBodyLimit) -> Self {
        Self(self.0.layer(limit))
    }
}

/// The addresses there are. It takes guarded handlers only.
pub struct Table(OpenApiRouter<AppState>);

impl Table {
    /// Without any address.
    pub fn new(mut contract: OpenApi) -> Self {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
        let bearer = bearer.description(Some(
            "A token from Settings or `POST /api/tokens`. A list beside it names the scope that is needed, or a higher \
             one. Peers of the house need none while `web.open_house` holds.",
        ));
        let session = "The cookie of a page that has logged in, in place of a token.";
        let session = ApiKeyValue::with_description(COOKIE, session);
        let link = ApiKeyValue::with_description("key", "Of a link to this one file, from `POST .../link`.");
        let components = contract.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer.build()));
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
        components.add_security_scheme("link", SecurityScheme::ApiKey(ApiKey::Query(link)));
        Self(OpenApiRouter::with_openapi(contract))
    }

    /// With one more.
    pub fn with(self, door: Door) -> Self {
        Self(self.0.routes(door.0))
    }

    /// With a page that is none of the contract's.
    pub fn with_page<H: Guarded<T> + Handler<T2, AppState>, T, T2: 'static>(self, path: &str, page: H) -> Self {
        Self(self.0.route(path, get(page)))
    }

    /// The router, and the contract.
    pub fn split(self) -> (axum::Router<AppState>, OpenApi) {
        self.0.split_for_parts()
    }
}

/// Writes into the contract who may call an operation, whose it is, and with which refusals it may answer.
fn describe(operation: &mut Operation, declared: Declared, reads: bool, named: bool) {
    let mut ways = Vec::new();
    match declared.scope {
        None => ways.push(SecurityRequirement::default()),
        Some(scope) => {
            let scope = scope.word().to_owned();
            ways.extend(["token", "session"].map(|way| SecurityRequirement::new(way, [scope.clone()])));
        }
    }
    if declared.link {
        ways.push(SecurityRequirement::new("link", Vec::<String>::new()));
    }
    operation.security = Some(ways);
    operation.extensions = Some(ExtensionsBuilder::new().add("x-belongs-to", declared.belongs.word()).build());

    let mut refusals = BTreeMap::from([
        (403, "not from this page, with this token or in this project"),
        (500, "a fault of the studio itself"),
        (503, "not here, or not now"),
    ]);
    if declared.scope.is_some() {
        refusals.insert(401, "log in, or send a token");
    }
    if named || !reads {
        refusals.insert(404, "there is no such thing");
    }
    if !reads || operation.parameters.is_some() {
        refusals.insert(400, "the request cannot be understood");
    }
    if !reads {
        refusals.insert(409, "the state of things forbids it");
        refusals.insert(413, "the body is larger than this address takes");
        refusals.insert(422, "what came has mistakes, one on a line");
    }
    if let Some(RefOr::T(body)) = &operation.request_body
        && !body.content.keys().all(|kind| ["application/json", "text/plain"].contains(&kind.as_str()))
    {
        refusals.insert(415, "the content is not of a kind that is taken");
    }
    let responses = &mut operation.responses.responses;
    if responses.contains_key("206") {
        let outside = ResponseBuilder::new().description("the range is outside of the file").build();
        responses.insert("416".into(), RefOr::T(outside));
    }
    for (status, about) in refusals {
        responses.entry(status.to_string()).or_insert_with(|| RefOr::T(refusal(about)));
    }
}
