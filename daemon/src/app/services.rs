//! Services: what the settings decide, for the web.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use studio_core::{
    character::{CharacterProfile, same_name},
    ids::{AttemptId, CharacterId},
    media::{MediaPlan, PicturePlan},
    order::{Order, Output, Reported, Role, VoiceOrder},
    production::engine::DRAFT_VOICE,
    script,
    story::{Brief, screenplay},
    units::{Fps, Frames, Size},
};
use studio_engine::{Artifact, Boxed, Means, Progress, RunMedia, Workspace};
use tokio_util::sync::CancellationToken;

use super::{
    archive, inspect, language,
    producing::{
        self, ProduceError, ProductionContext, Screenplay,
        intake::{self, NotTaken},
    },
};
use crate::{
    conductor::{Context, Defaults, Produce, ProduceOptions},
    config::{FORMATS, Format, JudgeBy},
    definitions::loras,
    engines::{
        reader::{Persistence, Reader, WriterError},
        speech::{self, SPEECH},
    },
    media, publish, store, upkeep,
    web::{
        Archives, Arrived, Diagnostics, Finding, FormatView, Idea, Line, LoraView, Loras, Media, ModelView,
        Productions, ServiceError, SettingsView, Stories, StyleView, Tidied, Trial, Turns, Upkeep, WorkflowView,
    },
};

/// Does what the web asks for and the settings decide.
#[derive(Clone)]
pub struct AppServices {
    /// What productions are made of.
    pub making: ProductionContext,
    /// The settings file; `None` without one.
    pub file: Option<PathBuf>,
    /// Turns at reading a screenplay.
    pub reading: Turns,
}

impl From<ProduceError> for ServiceError {
    fn from(refused: ProduceError) -> Self {
        match refused {
            ProduceError::Usage(why) => Self::Usage(why),
            ProduceError::Input(why) => Self::Mistakes(vec![why]),
            ProduceError::Store(error) => Self::Broken(error.to_string()),
            ProduceError::Disk(failure) => Self::Unable(failure.message),
        }
    }
}

impl AppServices {
    async fn make(&self, text: &[u8], options: ProduceOptions, defaults: Defaults) -> Result<Produce, ServiceError> {
        if options.format.as_ref().is_some_and(|format| format.contains(['.', '/'])) {
            // A name, never a path of somebody else's.
            return Err(ServiceError::Usage("format is the name of a format, such as series or vertical".into()));
        }
        let screenplay = self.screenplay(text.to_vec()).await?;
        Ok(producing::request(&self.making, &screenplay, &options, None, defaults).await?)
    }

    /// Reads a screenplay when it is its turn, on a thread that may take its time: a long one takes hundreds of megabytes
    /// while it is read.
    async fn screenplay(&self, text: Vec<u8>) -> Result<Screenplay, ServiceError> {
        let how = self.making.reading();
        let read = self.reading.take(move || Screenplay::read(&text, "", &how).map_err(ServiceError::Mistakes));
        read.await.map_err(|error| ServiceError::Broken(error.to_string()))?
    }

    async fn speak(&self, id: CharacterId, text: &str, draft: bool) -> Result<Line, ServiceError> {
        let order = Order::Voice(self.line(id, text).await.map_err(|error| ServiceError::Broken(error.to_string()))?);
        let by = if draft { DRAFT_VOICE.into() } else { self.speaker() };
        let Some(seat) = self.making.context.engines.get(&by) else {
            return Err(ServiceError::NotConfigured(format!("this studio has no engine '{by}'")));
        };
        let data = &self.making.context.data;
        let attempt = AttemptId(self.making.context.clock.id());
        let folder = tempfile::Builder::new()
            .prefix("audition-")
            .tempdir_in(data.work())
            .map_err(|error| ServiceError::Unable(format!("the disk cannot take files: {error}")))?;
        let room = Workspace::fresh(folder.path().to_owned(), data.assets(), attempt);
        let with = Means { room: &room, progress: &Progress::noop(), stop: &CancellationToken::new() };
        let made = seat.engine.run(&order, with).await;
        let made = made.map_err(|failure| ServiceError::Unable(failure.message))?;
        let (mut file, mut stands_in) = (None, None);
        for one in made {
            match one {
                Artifact::File { role: Role::Sound, path, .. } => file = Some(path),
                Artifact::Finding(Reported::Recording { stand_in, .. }) => stands_in = stand_in,
                _ => {}
            }
        }
        let file = file.ok_or_else(|| ServiceError::Broken("the voice left no recording".into()))?;
        let file = intake::keep(&self.making.context, &file, Role::Sound).await;
        let file = file.map_err(|why| ServiceError::Broken(why.to_string()))?.asset;
        Ok(Line { file, stands_in })
    }

    /// A line of a character as its newest film would have it spoken.
    async fn line(&self, id: CharacterId, text: &str) -> Result<VoiceOrder, store::Error> {
        let db = &self.making.context.db;
        let character = store::characters::get(db, id).await?;
        let sheet = store::characters::sheet(db, id).await?;
        let mut configured = self.making.config.characters.iter();
        let configured = configured.find(|(other, _)| same_name(other, &character.name)).map(|(_, one)| one);
        let mut language = None;
        for episode in store::episodes::of_project(db, character.project_id).await?.iter().rev() {
            language = store::productions::of_episode(db, episode.id).await?.map(|plan| plan.billing.language);
            if language.is_some() {
                break;
            }
        }
        let sample = match (sheet.sample, configured.and_then(|one| one.sample.as_ref())) {
            (Some(sample), _) => Some(sample),
            (None, Some(path)) => {
                intake::keep(&self.making.context, path, Role::Sound).await.ok().map(|kept| kept.asset)
            }
            (None, None) => None,
        };
        Ok(VoiceOrder {
            voice: sheet.voice.or_else(|| configured?.voice.clone()),
            character: character.name,
            profile: CharacterProfile {
                gender: sheet.gender.unwrap_or(character.profile.gender),
                age: sheet.age.unwrap_or(character.profile.age),
                ..character.profile
            },
            text: text.to_owned(),
            manner: None,
            language: language.unwrap_or_else(|| "en".into()),
            sample,
        })
    }

    /// What a story of an idea is like, and who writes it with which model.
    fn writer(&self, idea: &Idea) -> Result<(Format, Reader, String), ServiceError> {
        let format = Format::named(&idea.format).ok().filter(|_| !idea.format.contains(['.', '/']));
        let format = format.ok_or_else(|| ServiceError::Usage(format!("there is no format '{}'", idea.format)))?;
        if let Some((writer, model)) =
            language::writer(&self.making.config).map_err(|error| ServiceError::Unable(error.to_string()))?
        {
            return Ok((format, writer, model));
        }
        let remedy = "nobody writes here: name a text model in [ollama] or [openai] of the settings";
        Err(ServiceError::NotConfigured(remedy.into()))
    }

    async fn write(&self, idea: Idea) -> Result<String, ServiceError> {
        let (format, writer, model) = self.writer(&idea)?;
        let brief = Brief {
            idea: idea.idea,
            world: idea.world,
            characters: idea.characters,
            bounds: format.story.unwrap_or_default(),
            language: idea.language.clone(),
        };
        let persistence = Persistence { retrying: self.making.config.schedule.retrying, longest_absence: None };
        let story = writer.tell(&model, &brief, &persistence, &|_, _| {}, &CancellationToken::new()).await.map_err(
            |untold| match untold {
                WriterError::Failed(failure) => ServiceError::Unable(failure.message),
                away @ WriterError::Away { .. } => ServiceError::Unable(away.to_string()),
                wrong @ WriterError::Wrong { .. } => {
                    ServiceError::Unable(format!("{model} did not manage it: {wrong}; try again, or say more"))
                }
            },
        )?;
        Ok(screenplay(&story, &idea.show, &idea.language))
    }

    fn makers(&self) -> [(&'static str, String); 6] {
        let config = &self.making.config;
        let or_draft = |one: Option<&String>| one.cloned().unwrap_or_else(|| "draft".into());
        let judge = match config.judge() {
            (JudgeBy::Draft, _) => "draft: measured only".into(),
            (_, eye) => or_draft(eye.as_ref()),
        };
        let writes = config.ollama.as_ref().and_then(|server| server.text.as_ref().or(server.vision.as_ref()));
        let writes = writes.or_else(|| config.openai.as_ref()?.text.as_ref());
        let music = config.ace_step.as_ref().map(|_| "ACE-Step".to_owned()).or(config.models.music.clone());
        [
            ("stills", or_draft(config.models.stills.as_ref())),
            ("clips", if config.models.clips.is_empty() { "draft".into() } else { config.models.clips.join(", ") }),
            ("voices", config.speech.as_ref().map_or("draft".into(), |server| server.model.clone())),
            ("music", music.unwrap_or_else(|| "draft".into())),
            ("judge", judge),
            ("writer", writes.cloned().unwrap_or_else(|| "nobody".into())),
        ]
    }
}

impl Productions for AppServices {
    fn reading(&self) -> script::Defaults {
        self.making.reading()
    }

    fn production<'a>(
        &'a self,
        text: &'a [u8],
        options: ProduceOptions,
        defaults: Defaults,
    ) -> Boxed<'a, Result<Produce, ServiceError>> {
        Box::pin(self.make(text, options, defaults))
    }

    fn unpublish<'a>(&'a self, root: &'a Path, files: Vec<String>) -> Boxed<'a, Result<(), ServiceError>> {
        Box::pin(async move {
            let (root, files): (_, Vec<PathBuf>) = (root.to_owned(), files.into_iter().map(PathBuf::from).collect());
            let done = tokio::task::spawn_blocking(move || publish::unpublish(&root, &files)).await;
            done.map_err(|error| ServiceError::Broken(error.to_string()))?
                .map_err(|failure| ServiceError::Unable(failure.message))
        })
    }
}

impl Stories for AppServices {
    fn may_tell(&self, idea: &Idea) -> Result<(), ServiceError> {
        self.writer(idea).map(drop)
    }

    fn tell(&self, idea: Idea) -> Boxed<'_, Result<String, ServiceError>> {
        Box::pin(self.write(idea))
    }

    fn formats(&self) -> Vec<FormatView> {
        let view = |(name, _): (&str, &str)| {
            let format = Format::named(name).ok()?;
            let fps = format.fps();
            Some(FormatView {
                name: name.to_owned(),
                size: format.size().ok()?.to_string(),
                fps: f64::from(fps.num) / f64::from(fps.den),
                burn_in: format.burn_in,
                seconds: format.story.as_ref().and_then(|story| story.seconds),
                scenes: format.story.as_ref().map(|story| story.scenes),
            })
        };
        FORMATS.into_iter().filter_map(view).collect()
    }
}

impl Media for AppServices {
    fn keep<'a>(&'a self, path: &'a Path, role: Role) -> Boxed<'a, Result<Output, ServiceError>> {
        Box::pin(async move {
            intake::bring(&self.making.context, path, role).await.map_err(|why| match why {
                NotTaken::WrongKind(why) => ServiceError::WrongKind(why),
                NotTaken::TooLarge(_) => ServiceError::TooLarge(why.to_string()),
                NotTaken::Unusable(why) => ServiceError::Mistakes(vec![why]),
                NotTaken::Trouble(why) => ServiceError::Unable(why),
            })
        })
    }

    fn most(&self, role: Role) -> u64 {
        intake::most(role)
    }

    fn picture<'a>(
        &'a self,
        film: &'a Path,
        fps: Fps,
        at: Frames,
        fit: Size,
        out: &'a Path,
    ) -> Boxed<'a, Result<(), ServiceError>> {
        Box::pin(async move {
            let broken = |why: String| ServiceError::Broken(why);
            let media = media::ChildProcess::new().map_err(|error| broken(error.to_string()))?;
            let folder = tempfile::Builder::new().prefix("picture-").tempdir_in(self.making.context.data.work());
            let folder =
                folder.map_err(|error| ServiceError::Unable(format!("the disk cannot take files: {error}")))?;
            let aside = folder.path().join("picture.jpg");
            let plan = PicturePlan { input: film.to_owned(), at, fps, fit: Some(fit), out: aside.clone() };
            let plan = MediaPlan::Picture(plan);
            let made = media.run(plan, folder.path(), &Progress::noop(), &CancellationToken::new()).await;
            made.map_err(|failure| broken(failure.message))?;
            std::fs::rename(&aside, out).map_err(|error| broken(error.to_string()))
        })
    }

    fn audition<'a>(
        &'a self,
        character: CharacterId,
        text: &'a str,
        draft: bool,
    ) -> Boxed<'a, Result<Line, ServiceError>> {
        Box::pin(self.speak(character, text, draft))
    }

    fn speaker(&self) -> String {
        if self.making.config.speech.is_some() { SPEECH.into() } else { DRAFT_VOICE.into() }
    }

    fn voices(&self) -> Boxed<'_, Result<Vec<String>, ServiceError>> {
        Box::pin(async move {
            let Some(server) = &self.making.config.speech else {
                let said = "no speech server is in the settings; everybody has a draft voice of their own";
                return Err(ServiceError::NotConfigured(said.into()));
            };
            let told = speech::voices_at(&server.url).await;
            told.map_err(|trouble| ServiceError::Unable(format!("the speech server tells of no voices: {trouble}")))
        })
    }
}

/// A line of a check as the API says it.
fn finding(line: inspect::Line) -> Finding {
    Finding { what: line.what.to_string(), verdict: line.verdict, found: line.found, said: line.said }
}

impl Diagnostics for AppServices {
    fn check(&self) -> Boxed<'_, Vec<Finding>> {
        Box::pin(async move {
            let mut lines = inspect::tools().await;
            lines.extend(inspect::studio(&self.making).await);
            lines.extend(inspect::neighbours(&lines).await);
            lines.into_iter().map(finding).collect()
        })
    }

    fn check_deep(&self) -> Boxed<'_, Result<Vec<Finding>, ServiceError>> {
        Box::pin(async move {
            let lines = inspect::deep(&self.making.context, self.making.config.models.loras.as_deref(), true).await;
            let lines = lines.map_err(|error| ServiceError::Broken(error.to_string()))?;
            Ok(lines.into_iter().map(finding).collect())
        })
    }

    fn try_out<'a>(&'a self, engine: &'a str) -> Boxed<'a, Vec<Trial>> {
        Box::pin(language::try_out(&self.making, engine))
    }

    fn settings(&self) -> SettingsView {
        let config = &self.making.config;
        SettingsView {
            file: self.file.as_ref().map(|file| file.display().to_string()),
            data_dir: self.making.context.data.root().display().to_string(),
            library: config.publish.library.as_ref().map(|root| root.display().to_string()),
            makers: self.makers().into_iter().map(|(what, who)| (what.to_owned(), who)).collect(),
            quiet: config.quiet.clone(),
            pass_marks: config.gates.pass_marks,
            unused_days: config.retention.unused_days,
            open_house: config.web.open_house,
            hosts: config.web.hosts.clone(),
            refused: self.making.shelf.now().refused.clone(),
        }
    }

    fn models(&self) -> Vec<ModelView> {
        let settings = &self.making.config.models;
        let used: Vec<&String> = settings.stills.iter().chain(&settings.clips).chain(&settings.music).collect();
        let definitions = self.making.shelf.now();
        let view = |(name, model): (&String, &studio_core::model::Model)| ModelView {
            name: name.clone(),
            title: model.title.clone(),
            makes: serde_json::to_value(model.makes)
                .ok()
                .and_then(|word| word.as_str().map(str::to_owned))
                .unwrap_or_default(),
            vram_mib: model.vram_mib,
            workflows: model.workflows.clone(),
            used: used.contains(&name),
        };
        definitions.catalogue.models.iter().map(view).collect()
    }

    fn workflows(&self) -> Vec<WorkflowView> {
        let definitions = self.making.shelf.now();
        let view = |(name, flow): (&String, &studio_core::workflow::Workflow)| WorkflowView {
            name: name.clone(),
            title: flow.about.title.clone(),
            slots: flow.about.slots.keys().cloned().collect(),
        };
        definitions.workflows.iter().map(view).collect()
    }

    fn loras(&self) -> Boxed<'_, Result<Loras, ServiceError>> {
        Box::pin(async move {
            let config = &self.making.config;
            let Some(folder) = config.models.loras.clone() else {
                return Ok(Loras { folder: None, loras: Vec::new(), more: false });
            };
            let shown = folder.display().to_string();
            let (used, films) = self.used_loras().await?;
            let listed = tokio::task::spawn_blocking(move || loras::list(&folder)).await;
            let listed = listed.map_err(|error| ServiceError::Broken(error.to_string()))?;
            let (files, more) = listed.map_err(ServiceError::Unable)?;
            let view = |file: loras::LoraFile| {
                let (about, fault) = match file.about {
                    Ok(about) => (Some(about), None),
                    Err(fault) => (None, Some(fault)),
                };
                let characters = used.get(&file.name).cloned().unwrap_or_default();
                let films = films.get(&file.name).cloned().unwrap_or_default();
                LoraView { name: file.name, bytes: file.bytes, about, fault, characters, films }
            };
            Ok(Loras { folder: Some(shown), loras: files.into_iter().map(view).collect(), more })
        })
    }

    fn styles(&self) -> Vec<StyleView> {
        let styles = self.making.shelf.now().styles.clone();
        styles.into_iter().map(|(name, style)| StyleView { name, words: style.words, avoid: style.avoid }).collect()
    }
}

/// Names by the LoRA that they are made with.
type UsedBy = BTreeMap<String, Vec<String>>;

impl AppServices {
    /// Characters, and projects, that films make with LoRAs: by the settings, and as was chosen in the studio.
    async fn used_loras(&self) -> Result<(UsedBy, UsedBy), store::Error> {
        let db = &self.making.context.db;
        let (mut characters, mut films) = (UsedBy::new(), UsedBy::new());
        for (name, character) in &self.making.config.characters {
            for lora in &character.loras {
                characters.entry(lora.file.replace('\\', "/")).or_default().push(name.clone());
            }
        }
        for lora in store::loras::list(db).await?.into_iter().filter(|lora| lora.active) {
            let (used, name) = match lora.character_id {
                Some(id) => (&mut characters, store::characters::get(db, id).await?.name),
                None => (&mut films, store::projects::get(db, lora.project_id).await?.title),
            };
            used.entry(lora.file).or_default().push(name);
        }
        for names in characters.values_mut().chain(films.values_mut()) {
            names.sort();
            names.dedup();
        }
        Ok((characters, films))
    }
}

impl Archives for AppServices {
    fn import<'a>(&'a self, archive: &'a Path) -> Boxed<'a, Result<Arrived, ServiceError>> {
        Box::pin(async move {
            let (context, publish) = (&self.making.context, &self.making.config.publish);
            let moved = archive::import(context, publish, archive, "the archive").await?;
            Ok(Arrived { project: moved.project, files: moved.files, left_out: moved.left_out })
        })
    }

    fn export<'a>(&'a self, slug: &'a str, to: &'a Path) -> Boxed<'a, Result<(), ServiceError>> {
        Box::pin(async move { Ok(archive::export(&self.making.context, slug, to).await.map(drop)?) })
    }
}

impl Upkeep for AppServices {
    fn tidy(&self, days: Option<u32>, dry: bool) -> Boxed<'_, Result<Tidied, ServiceError>> {
        Box::pin(async move {
            let days = days.unwrap_or(self.making.config.retention.unused_days);
            let Context { db, data, clock, .. } = &self.making.context;
            let tidied = upkeep::tidy(db, data, clock.now(), days, dry).await;
            let tidied = tidied.map_err(|error| ServiceError::Broken(error.to_string()))?;
            Ok(Tidied { files: tidied.files, bytes: tidied.bytes, removed: !dry })
        })
    }
}
