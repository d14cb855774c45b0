//! Services with as little of their own as possible, and requests to a studio that has them.

use std::{path::Path, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use serde_json::Value;
use studio_core::{
    ids::{CharacterId, ContentHash},
    media::MediaFacts,
    order::{AssetRef, Output, Role},
    script,
    units::{Fps, Frames, Size},
};
use studio_engine::Boxed;
use studiod::{
    app::{
        datasets::Datasets,
        producing::{self, ProductionContext, Screenplay, intake},
        trainings::Trainings,
    },
    conductor::{Context, Defaults, Produce, ProduceOptions},
    files, store,
    web::{
        Access, Archives, Arrived, Diagnostics, Finding, FormatView, Found, Idea, Line, Loras, Media, ModelView,
        Productions, ServiceError, Services, SettingsView, Standing, Stories, StyleView, Tidied, Trial, Upkeep,
        WorkflowView,
    },
};
use tower::ServiceExt;

use crate::{plans::produce, studio::Studio};

/// What the settings decide, with as little of its own as possible.
pub struct Bench {
    context: Context,
    library: Option<String>,
    /// Films are made as these settings say; `None`: as tests make them.
    making: Option<ProductionContext>,
}

impl Productions for Bench {
    fn reading(&self) -> script::Defaults {
        self.making.as_ref().map_or_else(script::Defaults::default, ProductionContext::reading)
    }

    fn production<'a>(
        &'a self,
        text: &'a [u8],
        options: ProduceOptions,
        defaults: Defaults,
    ) -> Boxed<'a, Result<Produce, ServiceError>> {
        Box::pin(async move {
            if let Some(making) = &self.making {
                let play = Screenplay::read(text, "", &making.reading()).map_err(ServiceError::Mistakes)?;
                return Ok(producing::request(making, &play, &options, None, defaults).await?);
            }
            let read = script::read(text, &self.reading());
            if let Err(mistakes) = read {
                return Err(ServiceError::Mistakes(mistakes.iter().map(ToString::to_string).collect()));
            }
            let mut made = produce(&String::from_utf8_lossy(text));
            made.production.billing.number = options.episode.unwrap_or(1);
            Ok(made)
        })
    }

    fn unpublish<'a>(&'a self, root: &'a Path, files: Vec<String>) -> Boxed<'a, Result<(), ServiceError>> {
        Box::pin(async move {
            assert!(!files.is_empty() && root.is_absolute());
            Ok(())
        })
    }
}

impl Stories for Bench {
    fn may_tell(&self, idea: &Idea) -> Result<(), ServiceError> {
        if idea.format == "none" { Err(ServiceError::Usage("there is no format 'none'".into())) } else { Ok(()) }
    }

    fn tell(&self, idea: Idea) -> Boxed<'_, Result<String, ServiceError>> {
        Box::pin(async move {
            match idea.show.as_str() {
                "never" => std::future::pending().await,
                "broken" => Err(ServiceError::Unable("the model did not manage it".into())),
                _ => Ok(format!("INT. {} - DAY\n", idea.idea)),
            }
        })
    }

    fn formats(&self) -> Vec<FormatView> {
        let named = |name: &str| FormatView {
            name: name.into(),
            size: "1280x720".into(),
            fps: 24.0,
            burn_in: false,
            seconds: None,
            scenes: None,
        };
        ["series", "vertical"].map(named).to_vec()
    }
}

impl Media for Bench {
    fn keep<'a>(&'a self, path: &'a Path, role: Role) -> Boxed<'a, Result<Output, ServiceError>> {
        Box::pin(async move {
            let broken = |error: std::io::Error| ServiceError::Broken(error.to_string());
            let head = std::fs::read(path).map_err(broken)?;
            intake::look(&head, role).map_err(|why| ServiceError::WrongKind(why.to_string()))?;
            let (file, bytes) = files::adopt(&self.context.data.assets(), path).map_err(broken)?;
            let facts = MediaFacts::Still { size: Size { width: 2, height: 2 } };
            let asset = store::assets::Asset {
                file: file.clone(),
                bytes,
                facts: facts.clone(),
                attempt_id: None,
                inputs: Vec::new(),
                created: self.context.clock.now(),
                missing: false,
            };
            let mut tx = self.context.db.begin().await.unwrap();
            store::assets::insert(&mut tx, &asset).await.unwrap();
            tx.commit().await.unwrap();
            Ok(Output { role, asset: file, facts })
        })
    }

    fn most(&self, role: Role) -> u64 {
        intake::most(role)
    }

    fn picture<'a>(
        &'a self,
        _: &'a Path,
        _: Fps,
        _: Frames,
        fit: Size,
        out: &'a Path,
    ) -> Boxed<'a, Result<(), ServiceError>> {
        Box::pin(async move {
            let picture = image::RgbImage::from_pixel(fit.width, fit.height, image::Rgb([200, 40, 10]));
            picture.save(out).map_err(|error| ServiceError::Broken(error.to_string()))
        })
    }

    fn audition<'a>(&'a self, _: CharacterId, text: &'a str, _: bool) -> Boxed<'a, Result<Line, ServiceError>> {
        let file = AssetRef { hash: ContentHash::of(text.as_bytes()), ext: "wav".into() };
        Box::pin(async move { Ok(Line { file, stands_in: None }) })
    }

    fn speaker(&self) -> String {
        "draft.voice".into()
    }

    fn voices(&self) -> Boxed<'_, Result<Vec<String>, ServiceError>> {
        Box::pin(async { Ok(["bella", "amy", "carl"].map(str::to_owned).to_vec()) })
    }
}

fn finding(what: &str, said: &str) -> Finding {
    let found = Found::from(said.to_owned());
    Finding { what: what.to_owned(), verdict: Standing::Good, said: found.to_string(), found }
}

impl Diagnostics for Bench {
    fn check(&self) -> Boxed<'_, Vec<Finding>> {
        Box::pin(async { vec![finding("disk", "there")] })
    }

    fn check_deep(&self) -> Boxed<'_, Result<Vec<Finding>, ServiceError>> {
        Box::pin(async { Ok(vec![finding("rows", "fit")]) })
    }

    fn try_out<'a>(&'a self, engine: &'a str) -> Boxed<'a, Vec<Trial>> {
        let (read, written) = (Some(12), Some(5));
        let (engine, model, said) = (engine.to_owned(), "qwen3:8b".to_owned(), "ready".to_owned());
        Box::pin(async move { vec![Trial { engine, model, good: true, said, read, written, took_ms: 1 }] })
    }

    fn settings(&self) -> SettingsView {
        SettingsView {
            file: None,
            data_dir: String::new(),
            library: self.library.clone(),
            makers: std::collections::BTreeMap::default(),
            quiet: Vec::new(),
            pass_marks: [0.6, 0.45, 0.3],
            unused_days: 30,
            open_house: true,
            hosts: Vec::new(),
            refused: Vec::new(),
        }
    }

    fn models(&self) -> Vec<ModelView> {
        let named = |(name, makes, vram_mib): (&str, &str, u64)| ModelView {
            name: name.into(),
            title: name.to_uppercase(),
            makes: makes.into(),
            vram_mib,
            workflows: std::collections::BTreeMap::default(),
            used: name == "ltx",
        };
        [("ltx", "clips", 9000), ("sdxl", "stills", 7000), ("wan", "clips", 11_000)].map(named).to_vec()
    }

    fn workflows(&self) -> Vec<WorkflowView> {
        let named = |name: &str| WorkflowView { name: name.into(), title: name.into(), slots: Vec::new() };
        ["ltx_i2v", "sdxl_t2i"].map(named).to_vec()
    }

    fn loras(&self) -> Boxed<'_, Result<Loras, ServiceError>> {
        Box::pin(async { Ok(Loras { folder: None, loras: Vec::new(), more: false }) })
    }

    fn styles(&self) -> Vec<StyleView> {
        vec![StyleView { name: "anime".into(), words: "cel shading".into(), avoid: Vec::new() }]
    }
}

impl Archives for Bench {
    fn import<'a>(&'a self, _: &'a Path) -> Boxed<'a, Result<Arrived, ServiceError>> {
        Box::pin(async { Err(ServiceError::Mistakes(vec!["it is empty".into()])) })
    }

    fn export<'a>(&'a self, _: &'a str, to: &'a Path) -> Boxed<'a, Result<(), ServiceError>> {
        Box::pin(async move { std::fs::write(to, "tar").map_err(|error| ServiceError::Broken(error.to_string())) })
    }
}

impl Upkeep for Bench {
    fn tidy(&self, days: Option<u32>, dry: bool) -> Boxed<'_, Result<Tidied, ServiceError>> {
        Box::pin(async move { Ok(Tidied { files: u64::from(days.unwrap_or(30)), bytes: 7, removed: !dry }) })
    }
}

impl Bench {
    /// Of a studio whose settings name this library.
    pub fn of(studio: &Studio, library: Option<&str>) -> Services {
        let bench = Self { context: studio.context.clone(), library: library.map(str::to_owned), making: None };
        Services::of(&Arc::new(bench), Arc::new(crate::datasets::of(studio)), trainings(crate::datasets::of(studio)))
    }
}

fn trainings(datasets: Datasets) -> Arc<Trainings> {
    Arc::new(Trainings::of(datasets))
}

pub fn door(studio: &Studio) -> Router {
    door_with(studio, crate::datasets::of(studio))
}

/// The same, with somebody else who looks after the datasets.
pub fn door_with(studio: &Studio, datasets: Datasets) -> Router {
    door_by(studio, datasets, None)
}

/// The same, and films are made by the same settings.
pub fn door_making(studio: &Studio, datasets: Datasets) -> Router {
    let making = datasets.making.clone();
    door_by(studio, datasets, Some(making))
}

fn door_by(studio: &Studio, datasets: Datasets, making: Option<ProductionContext>) -> Router {
    let bench = Bench { context: studio.context.clone(), library: None, making };
    let services = Services::of(&Arc::new(bench), Arc::new(datasets.clone()), trainings(datasets));
    let state = studio.web(Access::default()).with_services(services);
    Studio::door_of(state, ([127, 0, 0, 1], 1).into())
}

#[derive(Debug)]
pub struct Said {
    pub status: u16,
    pub tag: String,
    pub again: bool,
    pub body: Value,
}

pub async fn ask(door: &Router, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Said {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = door.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, 1 << 24).await.unwrap();
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    Said {
        status: parts.status.as_u16(),
        tag: header("etag"),
        again: !header("idempotency-replayed").is_empty(),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    }
}

pub const JSON: (&str, &str) = ("content-type", "application/json");
pub const PATCH: (&str, &str) = ("content-type", "application/merge-patch+json");

pub async fn get(door: &Router, path: &str) -> Said {
    ask(door, "GET", path, &[], Body::empty()).await
}
