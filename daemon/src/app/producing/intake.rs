//! Intake: a file of the user's becomes one of the studio's kept files.

use std::{io::Read, path::Path};

use image::ImageFormat;
use studio_core::{
    ids::AttemptId,
    media::{MediaFacts, MediaPlan, MediaResult, ProbePlan, SoundPlan},
    order::{AssetRef, Output, Role},
    production::fits,
    units::SAMPLE_RATE,
};
use studio_engine::{FailureKind, Progress, RunMedia};
use studio_media::source::{self, Kind};
use tokio_util::sync::CancellationToken;

use crate::{
    conductor::Context,
    files, media,
    store::{self, assets::Asset},
};

/// Largest picture that is taken, in bytes.
const PICTURE: u64 = 64 << 20;
/// Largest recording that is taken, in bytes.
const SOUND: u64 = 1 << 30;
/// Largest clip that is taken, in bytes.
const VIDEO: u64 = 8 << 30;
/// As much of a file as is needed to see what it is.
const HEAD: u64 = 8192;

/// Why a file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// By its content it is something else.
    #[error("{0}")]
    WrongKind(String),
    /// It is larger than files of its kind may be.
    #[error("it is too large; send at most {} MiB", .0 >> 20)]
    TooLarge(u64),
    /// It is what was asked for, and cannot be used: missing, damaged, of a codec that nothing here decodes.
    #[error("{0}")]
    Unusable(String),
    /// The studio itself could not.
    #[error("{0}")]
    Trouble(String),
}

impl From<std::io::Error> for NotTaken {
    fn from(error: std::io::Error) -> Self {
        Self::Trouble(error.to_string())
    }
}

/// The most bytes a file may have that somebody puts in place of something.
pub const fn most(role: Role) -> u64 {
    match role {
        Role::Video => VIDEO,
        Role::Sound => SOUND,
        _ => PICTURE,
    }
}

/// The one gate of what people bring, on the command line and over HTTP: size, content, and everything [`keep`] asks.
pub async fn bring(context: &Context, path: &Path, role: Role) -> Result<Output, NotTaken> {
    if std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() > most(role)) {
        return Err(NotTaken::TooLarge(most(role)));
    }
    keep(context, path, role).await
}

/// Takes a file among the kept ones as what `role` asks for: a picture or a clip as it is, sound in the studio's form.
/// The refusal is one sentence without the file's name.
pub async fn keep(context: &Context, path: &Path, role: Role) -> Result<Output, NotTaken> {
    let attempt = AttemptId(context.clock.id());
    let dir = context.data.work().join(attempt.to_string());
    std::fs::create_dir_all(&dir)?;
    let kept = adopt(context, path, &dir, role).await;
    let _ = std::fs::remove_dir_all(&dir);
    kept
}

/// Whether a file that begins with `head` may be what `role` asks for; by its content, never by its name.
pub fn look(head: &[u8], role: Role) -> Result<(), NotTaken> {
    let (found, named) = (source::kind_of_bytes(head), infer::get(head));
    // Pictures in the container of films (HEIF, AVIF) are pictures.
    let film = matches!(found, Kind::Mp4 | Kind::Matroska) && !infer::is_image(head);
    let fits = match role {
        Role::Video => film || matches!(found, Kind::Picture(ImageFormat::Gif | ImageFormat::WebP)),
        Role::Sound => film || matches!(found, Kind::Wav | Kind::Flac),
        _ => matches!(found, Kind::Picture(_)),
    };
    if fits {
        return Ok(());
    }
    let is = named.map_or_else(String::new, |kind| format!(" but {}", kind.mime_type()));
    Err(NotTaken::WrongKind(format!("by its content this is no {}{is}; {}", word(role), remedy(role))))
}

const fn word(role: Role) -> &'static str {
    match role {
        Role::Video => "clip",
        Role::Sound => "recording",
        _ => "picture",
    }
}

const fn remedy(role: Role) -> &'static str {
    match role {
        Role::Video => "save it as MP4, Matroska, or an animated GIF or WebP",
        Role::Sound => "save it as WAV, FLAC or M4A",
        _ => "save it as PNG, JPEG or WebP",
    }
}

async fn adopt(context: &Context, path: &Path, dir: &Path, role: Role) -> Result<Output, NotTaken> {
    let unusable = |why: &str| NotTaken::Unusable(why.to_owned());
    let name = path.file_name().ok_or_else(|| unusable("it is no file"))?;
    if !path.is_file() {
        return Err(unusable("there is no such file"));
    }
    let mut head = Vec::new();
    let opened = std::fs::File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    opened.map_err(|error| NotTaken::Unusable(format!("it cannot be read: {error}")))?;
    if head.is_empty() {
        return Err(unusable("the file is empty"));
    }
    look(&head, role)?;
    let media = media::ChildProcess::new().map_err(|error| NotTaken::Trouble(error.to_string()))?;
    let run = async |plan: MediaPlan| {
        let ran = media.run(plan, dir, &Progress::noop(), &CancellationToken::new()).await;
        // Where it lies for the moment tells nobody anything.
        let folders = [dir, path.parent().unwrap_or(dir)].map(|folder| format!("{}/", folder.display()));
        ran.map_err(|failure| {
            let here = folders.iter().filter(|folder| folder.len() > 1);
            let message = here.fold(failure.message, |message, folder| message.replace(folder, ""));
            match failure.kind {
                FailureKind::BadInput | FailureKind::Refused => NotTaken::Unusable(message),
                _ => NotTaken::Trouble(message),
            }
        })
    };
    let (copy, facts) = if role == Role::Sound {
        let out = dir.join("recording.wav");
        let plan = SoundPlan { input: path.to_owned(), speed: 1000, out: out.clone() };
        let MediaResult::Sound { samples } = run(MediaPlan::Sound(plan)).await? else {
            return Err(unusable("it is no recording"));
        };
        (out, MediaFacts::Sound { samples, rate: SAMPLE_RATE, channels: 2 })
    } else {
        let copy = dir.join(name);
        std::fs::copy(path, &copy)?;
        let MediaResult::Probe { facts } = run(MediaPlan::Probe(ProbePlan { input: copy.clone() })).await? else {
            return Err(unusable("nobody knows what it is"));
        };
        if !fits(role, &facts) {
            // A GIF or WebP may hold one picture or more, and a film may hold only sound.
            let is = match facts {
                MediaFacts::Still { .. } => "it holds a single picture",
                MediaFacts::Video { .. } => "it holds moving pictures",
                _ => "it holds no pictures",
            };
            return Err(NotTaken::WrongKind(format!("{is}, so it is no {}; {}", word(role), remedy(role))));
        }
        (copy, facts)
    };
    let asset = kept(context, &copy, &facts).await.map_err(NotTaken::Trouble)?;
    Ok(Output { role, asset, facts })
}

/// Takes a file that has been read, lies in the studio's working folder and is nobody else's, among the kept ones.
///
/// # Errors
/// The disk or the store does not take it, in one sentence.
pub async fn kept(context: &Context, copy: &Path, facts: &MediaFacts) -> Result<AssetRef, String> {
    let (file, bytes) = files::adopt(&context.data.assets(), copy).map_err(|error| error.to_string())?;
    let asset = Asset {
        file: file.clone(),
        bytes,
        facts: facts.clone(),
        attempt_id: None,
        inputs: Vec::new(),
        created: context.clock.now(),
        missing: false,
    };
    let stored = async {
        let mut tx = context.db.begin().await?;
        store::assets::insert(&mut tx, &asset).await?;
        tx.commit().await
    };
    stored.await.map_err(|error: store::Error| error.to_string())?;
    Ok(file)
}
