//! Language: models that write and judge, as the settings name them.

use std::{collections::BTreeSet, sync::Arc};

use studio_engine::{EngineError, FailureKind, RunMedia};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Error, engines, producing::ProductionContext};
use crate::{
    config::Config,
    engines::{Chat, ollama::OLLAMA, reader::Reader},
    media,
    web::Trial,
};

/// Who writes stories, and with which model; `None` when the settings name nobody.
///
/// # Errors
/// The settings of the server that writes are wrong.
pub fn writer(config: &Config) -> Result<Option<(Reader, String)>, Error> {
    let media: Arc<dyn RunMedia> = Arc::new(
        media::ChildProcess::new()
            .map_err(|error| EngineError::io("failed to find the studio's own program", &error))?,
    );
    let chat: Option<(Arc<dyn Chat>, String)> = match (&config.ollama, &config.openai) {
        (Some(server), _) if !server.models().is_empty() => {
            let model = server.text.clone().or(server.vision.clone());
            // Words ask for no memory back, so nobody has to look at a card.
            let chat = engines::ollama(server, None).map_err(Error::Server)?;
            model.map(|model| (Arc::new(chat) as Arc<dyn Chat>, model))
        }
        (_, Some(server)) => {
            let model = server.text.clone().or(server.vision.clone());
            let chat = engines::openai(server).map_err(Error::Server)?;
            model.map(|model| (Arc::new(chat) as Arc<dyn Chat>, model))
        }
        _ => None,
    };
    Ok(chat.map(|(chat, model)| (Reader::new(chat, media), model)))
}

/// Asks every language model of the settings that `engine` has something small.
pub async fn try_out(making: &ProductionContext, engine: &str) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (reader, model) in readers(making, engine) {
        let from = Instant::now();
        let answer = match reader {
            Ok(reader) => reader.try_out(&model, &CancellationToken::new()).await,
            Err(why) => Err(EngineError::new(FailureKind::Refused, why)),
        };
        let took_ms = u64::try_from(from.elapsed().as_millis()).unwrap_or(u64::MAX);
        let usage = answer.as_ref().ok().and_then(|answer| answer.usage);
        trials.push(Trial {
            engine: engine.to_owned(),
            model,
            good: answer.is_ok(),
            said: answer.map_or_else(|failure| failure.message, |answer| answer.text),
            read: usage.map(|usage| usage.read),
            written: usage.map(|usage| usage.written),
            took_ms,
        });
    }
    trials
}

/// Language models of an engine, each with who asks it.
fn readers(making: &ProductionContext, engine: &str) -> Vec<(Result<Reader, String>, String)> {
    let config = &making.config;
    let names = |text: &Option<String>, vision: &Option<String>| -> BTreeSet<String> {
        text.iter().chain(vision).cloned().collect()
    };
    let models = match engine {
        OLLAMA => config.ollama.as_ref().map(|server| names(&server.text, &server.vision)),
        _ => config.openai.as_ref().map(|server| names(&server.text, &server.vision)),
    };
    let reader = || -> Result<Reader, String> {
        let media = media::ChildProcess::new().map_err(|error| error.to_string())?;
        let chat: Arc<dyn Chat> = match (engine, &config.ollama, &config.openai) {
            (OLLAMA, Some(server), _) => Arc::new(engines::ollama(server, None)?),
            (_, _, Some(server)) => Arc::new(engines::openai(server)?),
            _ => return Err(format!("{engine} is not in the settings")),
        };
        Ok(Reader::new(chat, Arc::new(media)))
    };
    models.into_iter().flatten().map(|model| (reader(), model)).collect()
}
