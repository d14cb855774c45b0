//! Services: the servers of the settings as engines.

use std::{collections::BTreeMap, sync::Arc};

use studio_core::{gpu::Slot, model::Price};

use crate::{
    conductor::Seat,
    config::{
        AceStepServer, Config, LikenessServer, OllamaServer, OpenAiServer, Secret, SpeechServer, USUAL_MODEL_MIB,
        WhisperServer,
    },
    edge::{Cards, Engine, RunMedia},
    engines::{
        Home, Patience, Service,
        ace_step::{ACE_STEP, AceStep, AceStepPlan},
        likeness::{Likeness, LikenessPlan},
        ollama::{OLLAMA, Ollama, OllamaModel, OllamaPlan},
        openai::{Key, OPENAI, OpenAi, OpenAiPlan},
        reader::Reader,
        speech::{SPEECH, Speech, SpeechPlan},
        unusable::Unusable,
        whisper::{Whisper, WhisperPlan},
    },
};

fn home(slot: Option<&Slot>, unit: Option<&String>, cards: &Arc<dyn Cards>) -> Home {
    Home { slot: slot.cloned(), cards: Some(cards.clone()), unit: unit.cloned() }
}

fn secret(of: Option<&Secret>) -> Result<String, String> {
    of.map_or_else(|| Ok(String::new()), Secret::read)
}

/// The Ollama of the settings.
pub fn ollama(server: &OllamaServer, cards: &Arc<dyn Cards>) -> Result<Ollama, String> {
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

/// Every server of the settings with its seat.
pub fn seats(
    config: &Config,
    media: &Arc<dyn RunMedia>,
    cards: &Arc<dyn Cards>,
) -> Result<BTreeMap<String, Seat>, String> {
    let mut seats = BTreeMap::new();
    let mut put =
        |name: &str, engine: Arc<dyn Engine>, slots: usize| drop(seats.insert(name.to_owned(), Seat { engine, slots }));
    let likeness = config.likeness.as_ref().map(self::likeness).transpose()?;
    if let Some(server) = &config.ollama {
        let reader = Reader::new(Arc::new(ollama(server, cards)?), media.clone()).with_likeness(likeness.clone());
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
        put_or(ACE_STEP, music(server, cards), 1);
    }
    if let Some(server) = &config.speech {
        put_or(SPEECH, voices(server, config.whisper.as_ref(), cards), 1);
    }
    Ok(seats)
}

fn music(server: &AceStepServer, cards: &Arc<dyn Cards>) -> Result<Arc<dyn Engine>, String> {
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

fn voices(
    server: &SpeechServer,
    whisper: Option<&WhisperServer>,
    cards: &Arc<dyn Cards>,
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
