//! The studio itself: what it has, what it lacks, and what its settings say.

use axum::{
    Json,
    extract::{
        Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
};
use serde::{Deserialize, Serialize};
use studio_core::lora::Architecture;
use utoipa::ToSchema;

use super::{
    doors::{Admin, Common, Reader, Writer},
    findings::Finding,
    pagination::{Alphabet, has, list_query},
    problem::Problem,
    services::{FormatView, LoraView, Loras, ModelView, SettingsView, StyleView, Tidied, Trial, WorkflowView},
};

/// Looks at everything the studio needs: the same as `studiod check`.
#[utoipa::path(get, path = "/api/check", tag = "studio", responses((status = 200, body = Vec<Finding>)))]
pub async fn check(_: Reader, State(state): State<super::AppState>) -> Result<Json<Vec<Finding>>, Problem> {
    Ok(Json(state.services()?.diagnostics.check().await))
}

/// Looks at every row and every kept file by length and hash: the same as `studiod check --deep` beside the rest of the
/// check. A file that is gone or damaged is marked, so that it is made again when its episode is produced.
#[utoipa::path(post, path = "/api/check/deep", tag = "studio", responses((status = 200, body = Vec<Finding>)))]
pub async fn check_deep(_: Writer, State(state): State<super::AppState>) -> Result<Json<Vec<Finding>>, Problem> {
    Ok(Json(state.services()?.diagnostics.check_deep().await?))
}

/// What is to be tidied.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TidyRequest {
    /// Files kept longer than so many days; those of the settings without.
    days: Option<u32>,
    /// They are only counted.
    dry_run: bool,
}

/// Removes kept files nothing refers to any more, as the studio does once a day: the same as `studiod tidy`.
#[utoipa::path(post, path = "/api/tidy", tag = "studio", request_body = TidyRequest,
    responses((status = 200, body = Tidied)))]
pub async fn tidy(
    _: Writer,
    State(state): State<super::AppState>,
    wanted: Result<Json<TidyRequest>, JsonRejection>,
) -> Result<Json<Tidied>, Problem> {
    let Json(wanted) = wanted?;
    Ok(Json(state.services()?.upkeep.tidy(wanted.days, wanted.dry_run).await?))
}

/// Asks every language model of the settings something small: whether it is there, takes the key, keeps to a form, and
/// what that took. A model that would have to be brought to a card that works is left alone.
#[utoipa::path(post, path = "/api/check/language-models", tag = "studio",
    responses((status = 200, body = Vec<Trial>)))]
pub async fn try_out(_: Writer, State(state): State<super::AppState>) -> Result<Json<Vec<Trial>>, Problem> {
    let (diagnostics, fleet) = (&state.services()?.diagnostics, state.conductor.view().await?);
    let mut trials = Vec::new();
    for engine in ["ollama", "openai"] {
        match fleet.busy(engine) {
            None => trials.extend(diagnostics.try_out(engine).await),
            Some(why) => trials.push(Trial {
                engine: engine.to_owned(),
                model: String::new(),
                good: false,
                said: why,
                read: None,
                written: None,
                took_ms: 0,
            }),
        }
    }
    Ok(Json(trials))
}

/// What the settings say; secrets are never among it.
#[utoipa::path(get, path = "/api/settings", tag = "studio", responses((status = 200, body = SettingsView)))]
pub async fn settings(_: Admin, State(state): State<super::AppState>) -> Result<Json<SettingsView>, Problem> {
    Ok(Json(state.services()?.diagnostics.settings()))
}

list_query! {
    /// Which story formats are asked for, and in which order.
    FormatListQuery {
        /// Only those with this in their name.
        q: Option<String>,
    }
    /// By `name`, or from Z to A: `name_down`.
    sort: Alphabet,
    /// Only those that come after this one: the `next` of the page before.
    after: String,
}

/// One page of story formats.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormatPage {
    formats: Vec<FormatView>,
    /// Where the next page begins; `None` on the last one.
    next: Option<String>,
}

/// Lists the story formats that come with the program, page by page.
#[utoipa::path(get, path = "/api/formats", tag = "studio", params(FormatListQuery),
    responses((status = 200, body = FormatPage)))]
pub async fn formats(
    _: Reader<Common>,
    State(state): State<super::AppState>,
    which: Result<Query<FormatListQuery>, QueryRejection>,
) -> Result<Json<FormatPage>, Problem> {
    let Query(which) = which?;
    let mut all = state.services()?.stories.formats();
    all.retain(|one| has(&one.name, which.q.as_deref()));
    which.sort.sort(&mut all, |one| &one.name);
    let (formats, next) = which.limit.page(all, which.after.as_ref(), |one| one.name.clone())?;
    Ok(Json(FormatPage { formats, next }))
}

list_query! {
    /// Which models are asked for, and in which order.
    ModelListQuery {
        /// Only those with this in their name or title.
        q: Option<String>,
        /// Only those that make this: `stills`, `clips`, `music`, ...
        makes: Option<String>,
        /// Only those the settings use.
        #[serde(default)]
        used: bool,
    }
    /// By `name`, or those that need most `memory` first.
    sort: ModelSort,
    /// Only those that come after this one: the `next` of the page before.
    after: String,
}

/// In which order models are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelSort {
    /// By name in the catalogue, from A to Z.
    #[default]
    Name,
    /// Those that need most memory first.
    Memory,
}

/// One page of models.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelPage {
    models: Vec<ModelView>,
    /// Where the next page begins; `None` on the last one.
    next: Option<String>,
}

/// Models of the catalogue.
#[utoipa::path(get, path = "/api/models", tag = "studio", params(ModelListQuery),
    responses((status = 200, body = ModelPage)))]
pub async fn models(
    _: Reader,
    State(state): State<super::AppState>,
    which: Result<Query<ModelListQuery>, QueryRejection>,
) -> Result<Json<ModelPage>, Problem> {
    let Query(which) = which?;
    let mut all = state.services()?.diagnostics.models();
    all.retain(|one| has(&one.name, which.q.as_deref()) || has(&one.title, which.q.as_deref()));
    all.retain(|one| which.makes.as_ref().is_none_or(|makes| one.makes == *makes) && (!which.used || one.used));
    if which.sort == ModelSort::Memory {
        all.sort_by_key(|one| std::cmp::Reverse(one.vram_mib));
    }
    let (models, next) = which.limit.page(all, which.after.as_ref(), |one| one.name.clone())?;
    Ok(Json(ModelPage { models, next }))
}

list_query! {
    /// Which workflows are asked for, and in which order.
    WorkflowListQuery {
        /// Only those with this in their name or title.
        q: Option<String>,
    }
    /// By `name`, or from Z to A: `name_down`.
    sort: Alphabet,
    /// Only those that come after this one: the `next` of the page before.
    after: String,
}

/// One page of workflows.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkflowPage {
    workflows: Vec<WorkflowView>,
    /// Where the next page begins; `None` on the last one.
    next: Option<String>,
}

/// Lists ComfyUI workflows, shipped and the user's own, page by page.
#[utoipa::path(get, path = "/api/workflows", tag = "studio", params(WorkflowListQuery),
    responses((status = 200, body = WorkflowPage)))]
pub async fn workflows(
    _: Reader,
    State(state): State<super::AppState>,
    which: Result<Query<WorkflowListQuery>, QueryRejection>,
) -> Result<Json<WorkflowPage>, Problem> {
    let Query(which) = which?;
    let mut all = state.services()?.diagnostics.workflows();
    all.retain(|one| has(&one.name, which.q.as_deref()) || has(&one.title, which.q.as_deref()));
    which.sort.sort(&mut all, |one| &one.name);
    let (workflows, next) = which.limit.page(all, which.after.as_ref(), |one| one.name.clone())?;
    Ok(Json(WorkflowPage { workflows, next }))
}

list_query! {
    /// Which LoRA files are asked for, and in which order.
    LoraListQuery {
        /// Only those with this in their name or title.
        q: Option<String>,
        /// Only those that were trained for this architecture.
        architecture: Option<Architecture>,
    }
    /// By `name`, or from Z to A: `name_down`.
    sort: Alphabet,
    /// Only those that come after this one: the `next` of the page before.
    after: String,
}

/// One page of LoRA files.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoraPage {
    /// The folder of the settings (`models.loras`); `None`: none is named, and nothing is known.
    folder: Option<String>,
    loras: Vec<LoraView>,
    /// There are more files in the folder than are looked at.
    more: bool,
    /// Where the next page begins; `None` on the last one.
    next: Option<String>,
}

/// Lists LoRA files of the folder that `models.loras` names, by what each says of itself, page by page.
#[utoipa::path(get, path = "/api/loras", tag = "studio", params(LoraListQuery),
    responses((status = 200, body = LoraPage)))]
pub async fn loras(
    _: Reader,
    State(state): State<super::AppState>,
    which: Result<Query<LoraListQuery>, QueryRejection>,
) -> Result<Json<LoraPage>, Problem> {
    let Query(which) = which?;
    let Loras { folder, mut loras, more } = state.services()?.diagnostics.loras().await?;
    let title = |one: &LoraView| one.about.as_ref().map(|about| about.title.clone()).unwrap_or_default();
    loras.retain(|one| has(&one.name, which.q.as_deref()) || has(&title(one), which.q.as_deref()));
    let trained_for = |one: &LoraView| one.about.as_ref().and_then(|about| about.architecture);
    loras.retain(|one| which.architecture.is_none_or(|wanted| trained_for(one) == Some(wanted)));
    which.sort.sort(&mut loras, |one| &one.name);
    let (loras, next) = which.limit.page(loras, which.after.as_ref(), |one| one.name.clone())?;
    Ok(Json(LoraPage { folder, loras, more, next }))
}

/// Styles that a project, or `style` of the settings, asks for by name: shipped and the user's own.
#[utoipa::path(get, path = "/api/styles", tag = "studio", responses((status = 200, body = Vec<StyleView>)))]
pub async fn styles(_: Reader<Common>, State(state): State<super::AppState>) -> Result<Json<Vec<StyleView>>, Problem> {
    Ok(Json(state.services()?.diagnostics.styles()))
}
