//! Engines: what every studio has, and the servers of the settings.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use studio_core::{
    gpu::PciAddress,
    model::Price,
    production::engine::{
        DRAFT_ARTWORK, DRAFT_CLIPS, DRAFT_JUDGE, DRAFT_MUSIC, DRAFT_STILLS, DRAFT_VOICE, LIBRARY, MEDIA,
    },
};
use studio_engine::{Cards, Engine, EngineError, RunMedia};

use super::{Data, Error};
use crate::{
    conductor::Seat,
    config::{
        AceStepServer, ComfyServer, Config, Datasets, LikenessServer, OllamaServer, OpenAiServer, Secret, SpeechServer,
        USUAL_MODEL_MIB, WhisperServer,
    },
    definitions::DefinitionsWatch,
    engines::{
        Home, Patience, Service,
        ace_step::{ACE_STEP, AceStep, AceStepPlan},
        comfy::{COMFY, Comfy, Pace, Restart, ServerPlan, home_of},
        likeness::{Likeness, LikenessPlan},
        ollama::{OLLAMA, Ollama, OllamaModel, OllamaPlan},
        openai::{Key, OPENAI, OpenAi, OpenAiPlan},
        reader::Reader,
        speech::{SPEECH, Speech, SpeechPlan},
        trainer::{TRAINER, TrainerEngine, TrainerPatience, TrainerPlan},
        unusable::Unusable,
        whisper::{Whisper, WhisperPlan},
        yt_dlp::YtDlp,
    },
    files::DataDir,
    media::{self, engine::MediaEngine},
    publish,
};

/// Every engine of this studio, at rest, with how much it does at a time.
pub(super) fn all(
    data: &Data,
    shelf: &DefinitionsWatch,
    cards: &Arc<dyn Cards>,
) -> Result<BTreeMap<String, Seat>, Error> {
    let (config, media) = (&data.config, media_child()?);
    let mut engines = built_in(config, &media);
    let mut trains = None;
    if !config.comfy.is_empty() {
        let comfy = comfy_of(&config.comfy, shelf, &media, &data.context.data)?;
        trains = Some(comfy.clone());
        let slots = config.comfy.iter().map(|server| 1 + server.queue_ahead).sum();
        engines.insert(COMFY.into(), Seat { engine: Arc::new(comfy), slots });
    }
    engines.extend(servers(config, &media, cards).map_err(Error::Server)?);
    if let Some(plan) = trainer(config, shelf, &data.context.data, trains.as_ref()) {
        engines.insert(TRAINER.into(), Seat { engine: Arc::new(TrainerEngine::open(plan)), slots: 1 });
    }
    Ok(engines)
}

/// Who does media plans: a process of its own.
fn media_child() -> Result<Arc<dyn RunMedia>, EngineError> {
    let child = media::ChildProcess::new();
    Ok(Arc::new(child.map_err(|error| EngineError::io("failed to find the studio's own program", &error))?))
}

/// The engine, at rest, for the ComfyUI at `url`, or for those of the settings; `None` when there are none.
///
/// # Errors
/// An address or a setting cannot be used.
pub fn comfy(data: &Data, shelf: &DefinitionsWatch, url: Option<&str>) -> Result<Option<Comfy>, Error> {
    let one = url.map(|url| vec![ComfyServer::at(url)]);
    let servers = one.as_ref().unwrap_or(&data.config.comfy);
    if servers.is_empty() {
        return Ok(None);
    }
    comfy_of(servers, shelf, &media_child()?, &data.context.data).map(Some)
}

/// The engines every studio has.
fn built_in(config: &Config, media: &Arc<dyn RunMedia>) -> BTreeMap<String, Seat> {
    let slots = &config.engines;
    let seat = |engine: Arc<dyn studio_engine::Engine>, slots: usize| Seat { engine, slots };
    BTreeMap::from([
        (DRAFT_VOICE.into(), seat(Arc::new(studio_draft::voice::DraftVoice::default()), slots.voices)),
        (DRAFT_MUSIC.into(), seat(Arc::new(studio_draft::music::DraftMusic), 1)),
        (DRAFT_STILLS.into(), seat(Arc::new(studio_draft::stills::Stills), slots.stills)),
        (DRAFT_CLIPS.into(), seat(Arc::new(studio_draft::clips::Clips::new(media.clone())), slots.media)),
        (DRAFT_JUDGE.into(), seat(Arc::new(studio_draft::judge::DraftJudge::new(media.clone())), slots.media)),
        (DRAFT_ARTWORK.into(), seat(Arc::new(studio_draft::artwork::Artwork::new(media.clone())), 1)),
        (MEDIA.into(), seat(Arc::new(MediaEngine::new(media.clone())), slots.media)),
        // Publishing writes show-wide files, so never two at once.
        (LIBRARY.into(), seat(Arc::new(publish::Library), 1)),
    ])
}

/// The trainer of the settings, for somebody who only asks: nothing of it runs.
///
/// # Errors
/// An address or a setting cannot be used.
pub fn trainer_at_rest(
    config: &Config,
    shelf: &DefinitionsWatch,
    data: &DataDir,
) -> Result<Option<TrainerPlan>, Error> {
    let comfy = match config.comfy.as_slice() {
        [] => None,
        servers => Some(comfy_of(servers, shelf, &media_child()?, data)?),
    };
    Ok(trainer(config, shelf, data, comfy.as_ref()))
}

/// One engine for every ComfyUI of these.
fn comfy_of(
    servers: &[ComfyServer],
    shelf: &DefinitionsWatch,
    media: &Arc<dyn RunMedia>,
    data: &DataDir,
) -> Result<Comfy, Error> {
    let stall = servers.iter().map(|server| server.stall_minutes).max().unwrap_or(30);
    let pace = Pace { stall: std::time::Duration::from_mins(u64::from(stall)), ..Pace::default() };
    let plan = |server: &ComfyServer| ServerPlan {
        name: server.name.clone(),
        url: server.url.clone(),
        card: server.gpu.clone(),
        queue_ahead: server.queue_ahead,
        restart: match (&server.unit, server.restart_command.is_empty()) {
            (Some(unit), _) => Some(Restart::Unit(unit.clone())),
            (None, false) => Some(Restart::Command(server.restart_command.clone())),
            (None, true) => None,
        },
    };
    let plans = servers.iter().map(plan).collect();
    Comfy::open(plans, pace, shelf.clone(), media.clone(), &home_of(data.root())).map_err(Error::Comfy)
}

fn home(slot: Option<&PciAddress>, unit: Option<&String>, cards: Option<&Arc<dyn Cards>>) -> Home {
    Home { slot: slot.cloned(), cards: cards.cloned(), unit: unit.cloned() }
}

pub(super) fn secret(of: Option<&Secret>) -> Result<String, String> {
    of.map_or_else(|| Ok(String::new()), Secret::read)
}

/// The trainer of the settings, and where everything it needs is; `None`: nobody trains. `comfy` has the servers of the settings.
pub fn trainer(
    config: &Config,
    shelf: &DefinitionsWatch,
    data: &DataDir,
    comfy: Option<&Comfy>,
) -> Option<TrainerPlan> {
    let settings = config.training.as_ref()?;
    let silence = Duration::from_mins(settings.silence_minutes.into());
    Some(TrainerPlan {
        definitions: shelf.clone(),
        name: settings.trainer.clone(),
        paths: settings.paths.clone(),
        bases: settings.bases.clone(),
        stills: config.models.stills.clone(),
        card: settings.gpu.as_ref().map(ToString::to_string),
        gpu_uuid: settings.cuda_device.clone(),
        server: comfy.and_then(|comfy| comfy.training_server(settings.comfy.as_deref())),
        server_name: settings.comfy.clone(),
        home: data.trainings(),
        patience: TrainerPatience { silence, ..TrainerPatience::default() },
    })
}

/// The Ollama of the settings, at rest; `cards` see its memory come back when it lets a model go.
pub fn ollama(server: &OllamaServer, cards: Option<&Arc<dyn Cards>>) -> Result<Ollama, String> {
    let model = |name: String| OllamaModel {
        vram_mib: server.vram_mib.get(&name).copied().unwrap_or(USUAL_MODEL_MIB),
        load_s: server.load_s,
        num_ctx: server.num_ctx,
        name,
    };
    let plan = OllamaPlan {
        url: server.url.clone(),
        home: home(server.gpu.as_ref(), server.unit.as_ref(), cards),
        models: server.models().into_iter().map(model).collect(),
        keep_alive: server.keep_alive.clone(),
        patience: Patience::default(),
    };
    Ollama::open(plan).map_err(|error| error.to_string())
}

/// The OpenAI-compatible server of the settings.
pub fn openai(server: &OpenAiServer) -> Result<OpenAi, String> {
    OpenAi::open(OpenAiPlan {
        url: server.url.clone(),
        key: Key::new(&secret(server.key.as_ref())?),
        models: server.vision.iter().chain(&server.text).cloned().collect(),
        price: Price { call: server.price, second: 0.0 },
        parallel: server.parallel,
        spacing_ms: server.spacing_ms,
    })
}

/// Every server of the settings that is no ComfyUI.
fn servers(
    config: &Config,
    media: &Arc<dyn RunMedia>,
    cards: &Arc<dyn Cards>,
) -> Result<BTreeMap<String, Seat>, String> {
    let mut seats = BTreeMap::new();
    let mut put =
        |name: &str, engine: Arc<dyn Engine>, slots: usize| drop(seats.insert(name.to_owned(), Seat { engine, slots }));
    let likeness = config.likeness.as_ref().map(self::likeness).transpose()?;
    if let Some(server) = &config.ollama {
        let reader = Reader::new(Arc::new(ollama(server, Some(cards))?), media.clone()).with_likeness(likeness.clone());
        put(OLLAMA, Arc::new(reader), 1);
    }
    let mut put_or = |name: &'static str, engine: Result<Arc<dyn Engine>, String>, slots: usize| {
        let unusable = |why: String| Arc::new(Unusable::new(name, format!("{name}: {why}"))) as Arc<dyn Engine>;
        put(name, engine.unwrap_or_else(unusable), slots);
    };
    if let Some(server) = &config.openai {
        let reader = openai(server).map(|chat| {
            Arc::new(Reader::new(Arc::new(chat), media.clone()).with_likeness(likeness)) as Arc<dyn Engine>
        });
        put_or(OPENAI, reader, server.parallel);
    }
    if let Some(server) = &config.ace_step {
        put_or(ACE_STEP, music(server, Some(cards)), 1);
    }
    if let Some(server) = &config.speech {
        put_or(SPEECH, voices(server, config.whisper.as_ref(), Some(cards)), 1);
    }
    Ok(seats)
}

fn music(server: &AceStepServer, cards: Option<&Arc<dyn Cards>>) -> Result<Arc<dyn Engine>, String> {
    let plan = AceStepPlan {
        url: server.url.clone(),
        key: secret(server.key.as_ref())?,
        steps: server.steps,
        poll: None,
        service: Service {
            engine: ACE_STEP,
            model: ACE_STEP.into(),
            vram_mib: server.vram_mib,
            load_s: server.load_s,
            home: home(server.gpu.as_ref(), server.unit.as_ref(), cards),
            patience: Patience::default(),
        },
    };
    Ok(Arc::new(AceStep::open(plan).map_err(|error| error.to_string())?))
}

/// Who sees how alike pictures are, of the settings.
pub fn likeness(server: &LikenessServer) -> Result<Likeness, String> {
    let plan = LikenessPlan { url: server.url.clone(), model: server.model.clone(), key: secret(server.key.as_ref())? };
    Likeness::open(plan).map_err(|error| error.to_string())
}

/// The listener of the settings.
pub fn whisper(server: &WhisperServer) -> Result<Whisper, String> {
    let plan = WhisperPlan { url: server.url.clone(), route: server.route.clone(), model: server.model.clone() };
    Whisper::open(plan).map_err(|error| error.to_string())
}

/// The yt-dlp of the settings.
pub fn downloader(settings: &Datasets) -> YtDlp {
    YtDlp {
        program: settings.fetch_program.clone(),
        limit: Duration::from_secs(settings.fetch_s.into()),
        most_mib: settings.fetch_mib,
    }
}

fn voices(
    server: &SpeechServer,
    whisper: Option<&WhisperServer>,
    cards: Option<&Arc<dyn Cards>>,
) -> Result<Arc<dyn Engine>, String> {
    let listener = whisper.map(self::whisper);
    let plan = SpeechPlan {
        url: server.url.clone(),
        model: server.model.clone(),
        key: secret(server.key.as_ref())?,
        voice: server.voice.clone(),
        listener: listener.transpose()?,
        service: Service {
            engine: SPEECH,
            model: SPEECH.into(),
            vram_mib: server.vram_mib,
            load_s: server.load_s,
            home: home(server.gpu.as_ref(), server.unit.as_ref(), cards),
            patience: Patience::default(),
        },
    };
    Ok(Arc::new(Speech::open(plan).map_err(|error| error.to_string())?))
}
