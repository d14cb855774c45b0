//! Voice: recordings of people, cut into samples, written down, and told who is spoken of.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;
use studio_core::{
    dataset::IngestFault,
    media::{MediaPlan, MediaResult, SoundPlan},
    resample::resample,
    samples::{spoken_of, spoken_parts},
};
use studio_engine::{EngineError, FailureKind, Progress, RunMedia};
use tokio_util::sync::CancellationToken;

use super::{CliError, Exit, Invocation, say};
use crate::{
    app::Data,
    engines::{
        wav,
        whisper::Whisper,
        yt_dlp::{self, Unfit, Wanted, YtDlp},
    },
    media,
};

/// Samples per second of voice samples, as trainers of voices want them.
const RATE: u32 = 22_050;

/// What is done with voices.
#[derive(Debug, Subcommand)]
pub(super) enum VoiceCommand {
    /// Cut a recording or a film into samples of speech, and write down who says what
    Ingest {
        /// WAV, FLAC, M4A or film; or an address that yt-dlp reads
        source: String,
        /// Folder for `segment_001.wav`, ... and `extraction_meta.json`
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Somebody who may be spoken of; may be given several times. Without it everybody in the settings
        #[arg(long, value_name = "NAME")]
        character: Vec<String>,
        /// Language that is spoken, BCP 47
        #[arg(long, default_value = "en")]
        language: String,
    },
}

pub(super) async fn voice(invocation: &Invocation, what: VoiceCommand) -> Result<Exit, CliError> {
    let VoiceCommand::Ingest { source, out, character, language } = what;
    let data = invocation.data().await?;
    let names = if character.is_empty() { data.config.characters.keys().cloned().collect() } else { character };
    let disk = |what: &str, error: &std::io::Error| CliError::from(EngineError::io(what, error));
    let room =
        tempfile::tempdir_in(data.context.data.work()).map_err(|error| disk("failed to make a folder", &error))?;
    let file = brought(&source, &crate::app::downloader(&data.config.datasets), room.path()).await?;
    let sound = mono(&file, room.path())
        .await
        .map_err(|failure| CliError::new(Exit::Input, format!("{source} cannot be used: {}", failure.message)))?;
    let parts = spoken_parts(&sound.channels[0], RATE);
    if parts.is_empty() {
        return Err(CliError::new(Exit::Input, format!("nobody speaks in {source} for as long as a second")));
    }
    std::fs::create_dir_all(&out).map_err(|error| disk("failed to make the folder", &error))?;
    let listener = listener(&data)?;
    let mut segments = Vec::new();
    let mut deaf = None;
    for (part, number) in parts.into_iter().zip(1..) {
        let name = format!("segment_{number:03}.wav");
        let path = out.join(&name);
        let samples = sound.channels[0][part.clone()].to_vec();
        wav::Sound { channels: vec![samples], rate: RATE }.write(&path)?;
        let heard = match (&listener, &deaf) {
            (Some(listener), None) => match listener.hear(&path, &language).await {
                Ok(heard) => Some(heard),
                Err(failure) => {
                    // The cut is worth something without words; one server that is away is said once.
                    deaf = Some(failure.message);
                    None
                }
            },
            _ => None,
        };
        let second = |at: usize| (at as f64 / f64::from(RATE) * 1000.0).round() / 1000.0;
        segments.push(json!({
            "file": name, "start_s": second(part.start), "end_s": second(part.end),
            "transcript": heard.as_ref().map(|heard| heard.text.clone()),
            "words": heard.as_ref().map(|heard| &heard.words),
            "spoken_of": heard.as_ref().map_or_else(Vec::new, |heard| spoken_of(&heard.text, &names)),
        }));
    }
    let meta =
        json!({ "source": source, "rate": RATE, "language": language, "characters": names, "segments": segments });
    let text = serde_json::to_string_pretty(&meta).unwrap_or_default();
    std::fs::write(out.join("extraction_meta.json"), text)
        .map_err(|error| disk("failed to write extraction_meta.json", &error))?;
    say(invocation.json, &meta, || {
        for segment in &segments {
            let said = segment["transcript"].as_str().unwrap_or("");
            out!(
                "{} {:>6.1} s  {said}",
                segment["file"].as_str().unwrap_or(""),
                segment["start_s"].as_f64().unwrap_or(0.0)
            );
        }
        out!("{} samples and extraction_meta.json are in {}", segments.len(), out.display());
        match (&listener, &deaf) {
            (None, _) => out!("nobody wrote down what is said: add [whisper] to the settings"),
            (_, Some(why)) => out!("nobody wrote down what is said: {why}"),
            _ => {}
        }
    });
    Ok(Exit::Done)
}

/// The file itself, or what yt-dlp brings from an address.
async fn brought(source: &str, fetcher: &YtDlp, room: &Path) -> Result<PathBuf, CliError> {
    if !source.contains("://") {
        return Ok(PathBuf::from(source));
    }
    let url = yt_dlp::checked(source).await.map_err(|unfit| {
        let why = match unfit {
            Unfit::NoUrl => format!("{source} is neither a file nor an address with http or https"),
            Unfit::Fault(fault) => format!("{source}: {fault}"),
        };
        CliError::new(Exit::Usage, why)
    })?;
    let fetched = async {
        // What is too long, or still going on, is known before anything is fetched.
        fetcher.about(&url, room).await?;
        fetcher.fetch(&url, Wanted::Sound, room, |_, _| {}).await
    };
    fetched.await.map_err(|fault| {
        let exit = if let IngestFault::NoProgram { .. } = fault { Exit::Missing } else { Exit::Failed };
        CliError::new(exit, format!("{source}: {fault}"))
    })
}

/// The sound of a file at [`RATE`], one channel.
async fn mono(file: &Path, room: &Path) -> Result<wav::Sound, EngineError> {
    let out = room.join("plain.wav");
    let plan = SoundPlan {
        input: std::path::absolute(file).unwrap_or_else(|_| file.to_owned()),
        speed: 1000,
        out: out.clone(),
    };
    let media =
        media::ChildProcess::new().map_err(|error| EngineError::new(FailureKind::Transient, error.to_string()))?;
    let ran = media.run(MediaPlan::Sound(plan), room, &Progress::noop(), &CancellationToken::new()).await?;
    let MediaResult::Sound { .. } = ran else {
        return Err(EngineError::new(FailureKind::BadInput, "it is no recording"));
    };
    let bytes = std::fs::read(&out).map_err(|error| EngineError::io("failed to read a recording", &error))?;
    let sound = wav::read(&bytes)?.with_channels(1);
    let bad = |error: studio_core::resample::BadRate| EngineError::new(FailureKind::BadInput, error.to_string());
    let channel = resample(&sound.channels[0], sound.rate, RATE).map_err(bad)?;
    Ok(wav::Sound { channels: vec![channel], rate: RATE })
}

/// Who writes down what is said; `None` without `[whisper]`.
fn listener(data: &Data) -> Result<Option<Whisper>, CliError> {
    let open = |server| crate::app::whisper(server).map_err(|why| CliError::new(Exit::Usage, why));
    data.config.whisper.as_ref().map(open).transpose()
}
