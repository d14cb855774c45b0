//! Workshop: what the settings decide, for the web.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use studio_core::{
    ids::{AttemptId, CharacterId},
    order::{AssetRef, Order, Output, Role, VoiceOrder},
    project::Project,
    story::{Brief, screenplay},
};
use tokio_util::sync::CancellationToken;

use super::{
    archive, inspect,
    producing::{self, Desk, Refused, Wish, intake},
    services,
};
use crate::{
    conductor::Produce,
    config::{FORMATS, Format, JudgeBy},
    edge::{Boxed, Made, Progress, Room, RunMedia},
    engines::{
        Chat,
        reader::{Reader, Untold},
    },
    media, store,
    web::{self, Finding, FormatView, Idea, ModelView, SettingsView, Unwilling, Wanted, WorkflowView},
};

/// Does what the web asks for and the settings decide.
#[derive(Clone)]
pub struct Hands {
    /// What productions are made of.
    pub desk: Desk,
    /// The settings file; `None` without one.
    pub file: Option<PathBuf>,
}

impl From<Refused> for Unwilling {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Usage(why) => Self::Usage(why),
            Refused::Input(why) => Self::Mistakes(vec![why]),
            Refused::Store(error) => Self::Broken(error.to_string()),
            Refused::Disk(failure) => Self::Unable(failure.message),
        }
    }
}

/// Who writes stories, and with which model; `None` when the settings name nobody.
///
/// # Errors
/// The settings of the server that writes are wrong.
pub fn writer(desk: &Desk) -> Result<Option<(Reader, String)>, super::Error> {
    let media: Arc<dyn RunMedia> = Arc::new(
        media::ChildProcess::new()
            .map_err(|error| crate::edge::Failure::io("failed to find the studio's own program", &error))?,
    );
    let chat: Option<(Arc<dyn Chat>, String)> = match (&desk.config.ollama, &desk.config.openai) {
        (Some(server), _) if !server.models().is_empty() => {
            let model = server.text.clone().or(server.vision.clone());
            let cards = desk.context.cards.as_ref();
            let chat = cards.map(|cards| services::ollama(server, cards)).transpose().map_err(super::Error::Server)?;
            chat.zip(model).map(|(chat, model)| (Arc::new(chat) as Arc<dyn Chat>, model))
        }
        (_, Some(server)) => {
            let model = server.text.clone().or(server.vision.clone());
            let chat = services::openai(server).map_err(super::Error::Server)?;
            model.map(|model| (Arc::new(chat) as Arc<dyn Chat>, model))
        }
        _ => None,
    };
    Ok(chat.map(|(chat, model)| (Reader::new(chat, media), model)))
}

impl Hands {
    async fn make(&self, text: &[u8], wanted: Wanted, as_before: bool) -> Result<Produce, Unwilling> {
        let Wanted { project, season, episode, format, size, draft, relearn, hold: _ } = wanted;
        if format.as_ref().is_some_and(|format| format.contains(['.', '/'])) {
            // A name, never a path of somebody else's.
            return Err(Unwilling::Usage("format is the name of a format, such as series or vertical".into()));
        }
        let script = producing::read(text, "").map_err(Unwilling::Mistakes)?;
        let wish =
            Wish { project, season, episode, format, size, draft, relearn, as_before, screenplay: None, library: None };
        Ok(producing::request(&self.desk, &wish, &String::from_utf8_lossy(text), script).await?)
    }

    async fn speak(&self, id: CharacterId, text: &str) -> Result<AssetRef, Unwilling> {
        let broken = |error: store::Error| Unwilling::Broken(error.to_string());
        let character = store::characters::get(&self.desk.context.db, id).await.map_err(broken)?;
        // The draft voice needs no card, so nobody's work is disturbed.
        let Some(seat) = self.desk.context.engines.get("draft.voice") else {
            return Err(Unwilling::Unable("this studio has no draft voice".into()));
        };
        let order = Order::Voice(VoiceOrder {
            character: character.name,
            profile: character.profile,
            text: text.to_owned(),
            manner: None,
            language: "en".into(),
            voice: None,
            sample: None,
        });
        let data = &self.desk.context.data;
        let attempt = AttemptId(self.desk.context.clock.id());
        let folder = tempfile::Builder::new()
            .prefix("audition-")
            .tempdir_in(data.work())
            .map_err(|error| Unwilling::Unable(format!("the disk cannot take files: {error}")))?;
        let room = Room::fresh(folder.path().to_owned(), data.assets(), attempt);
        let made = seat.engine.run(&order, &room, &Progress::ignored(), &CancellationToken::new()).await;
        let made = made.map_err(|failure| Unwilling::Unable(failure.message))?;
        let file = made.into_iter().find_map(|made| match made {
            Made::File { role: Role::Sound, path, .. } => Some(path),
            _ => None,
        });
        let file = file.ok_or_else(|| Unwilling::Broken("the voice left no recording".into()))?;
        Ok(intake::keep(&self.desk, &file, Role::Sound).await.map_err(Unwilling::Broken)?.asset)
    }

    async fn write(&self, idea: Idea) -> Result<String, Unwilling> {
        let format = Format::named(&idea.format).ok().filter(|_| !idea.format.contains(['.', '/']));
        let format = format.ok_or_else(|| Unwilling::Usage(format!("there is no format '{}'", idea.format)))?;
        let Some((writer, model)) = writer(&self.desk).map_err(|error| Unwilling::Unable(error.to_string()))? else {
            let remedy = "nobody writes here: name a text model in [ollama] or [openai] of the settings";
            return Err(Unwilling::Unable(remedy.into()));
        };
        let brief = Brief {
            idea: idea.idea,
            world: idea.world,
            characters: idea.characters,
            bounds: format.story.unwrap_or_default(),
            language: idea.language.clone(),
        };
        let story = writer.tell(&model, &brief, &CancellationToken::new()).await.map_err(|untold| match untold {
            Untold::Failed(failure) => Unwilling::Unable(failure.message),
            wrong @ Untold::Wrong { .. } => {
                Unwilling::Unable(format!("{model} did not manage it: {wrong}; try again, or say more"))
            }
        })?;
        Ok(screenplay(&story, &idea.show, &idea.language))
    }

    fn makers(&self) -> [(&'static str, String); 6] {
        let config = &self.desk.config;
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

impl web::Workshop for Hands {
    fn production<'a>(
        &'a self,
        text: &'a [u8],
        wanted: Wanted,
        as_before: bool,
    ) -> Boxed<'a, Result<Produce, Unwilling>> {
        Box::pin(self.make(text, wanted, as_before))
    }

    fn keep<'a>(&'a self, path: &'a Path, role: Role) -> Boxed<'a, Result<Output, Unwilling>> {
        Box::pin(
            async move { intake::keep(&self.desk, path, role).await.map_err(|why| Unwilling::Mistakes(vec![why])) },
        )
    }

    fn audition<'a>(&'a self, character: CharacterId, text: &'a str) -> Boxed<'a, Result<AssetRef, Unwilling>> {
        Box::pin(self.speak(character, text))
    }

    fn tell(&self, idea: Idea) -> Boxed<'_, Result<String, Unwilling>> {
        Box::pin(self.write(idea))
    }

    fn check(&self) -> Boxed<'_, Vec<Finding>> {
        Box::pin(async move {
            let mut lines = inspect::tools().await;
            lines.extend(inspect::studio(&self.desk).await);
            lines.extend(inspect::neighbours(&lines).await);
            let verdict = |one| match one {
                inspect::Verdict::Good => "good",
                inspect::Verdict::Note => "note",
                inspect::Verdict::Bad => "bad",
            };
            let finding = |line: inspect::Line| Finding {
                what: line.what,
                verdict: verdict(line.verdict).into(),
                said: line.said,
            };
            lines.into_iter().map(finding).collect()
        })
    }

    fn settings(&self) -> SettingsView {
        let config = &self.desk.config;
        SettingsView {
            file: self.file.as_ref().map(|file| file.display().to_string()),
            data_dir: self.desk.context.data.root().display().to_string(),
            library: config.publish.library.as_ref().map(|root| root.display().to_string()),
            makers: self.makers().into_iter().map(|(what, who)| (what.to_owned(), who)).collect(),
            quiet: serde_json::to_value(&config.quiet).unwrap_or_default(),
            pass_marks: config.gates.pass_marks,
            unused_days: config.retention.unused_days,
            open_house: config.web.open_house,
            hosts: config.web.hosts.clone(),
            refused: self.desk.shelf.now().refused.clone(),
        }
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

    fn models(&self) -> Vec<ModelView> {
        let settings = &self.desk.config.models;
        let used: Vec<&String> = settings.stills.iter().chain(&settings.clips).chain(&settings.music).collect();
        let books = self.desk.shelf.now();
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
        books.catalogue.models.iter().map(view).collect()
    }

    fn workflows(&self) -> Vec<WorkflowView> {
        let books = self.desk.shelf.now();
        let view = |(name, flow): (&String, &studio_core::workflow::Workflow)| WorkflowView {
            name: name.clone(),
            title: flow.about.title.clone(),
            slots: flow.about.slots.keys().cloned().collect(),
        };
        books.workflows.iter().map(view).collect()
    }

    fn import<'a>(&'a self, archive: &'a Path) -> Boxed<'a, Result<Project, Unwilling>> {
        Box::pin(async move { Ok(archive::import(&self.desk, archive, "the archive").await?.project) })
    }

    fn export<'a>(&'a self, slug: &'a str, to: &'a Path) -> Boxed<'a, Result<(), Unwilling>> {
        Box::pin(async move { Ok(archive::export(&self.desk, slug, to).await.map(drop)?) })
    }
}
