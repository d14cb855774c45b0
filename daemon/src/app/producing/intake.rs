//! Intake: a file of the user's becomes one of the studio's kept files.

use std::path::Path;

use studio_core::{
    ids::AttemptId,
    media::{MediaFacts, MediaPlan, MediaResult, ProbePlan, SoundPlan},
    order::{AssetRef, Output, Role},
    production::fits,
    units::SAMPLE_RATE,
};
use studio_engine::{Progress, RunMedia};
use tokio_util::sync::CancellationToken;

use crate::{
    conductor::Context,
    files, media,
    store::{self, assets::Asset},
};

/// Takes a file among the kept ones as what `role` asks for: a picture or a clip as it is, sound in the studio's form.
/// The refusal is one sentence without the file's name.
pub async fn keep(context: &Context, path: &Path, role: Role) -> Result<Output, String> {
    let attempt = AttemptId(context.clock.id());
    let dir = context.data.work().join(attempt.to_string());
    std::fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
    let kept = adopt(context, path, &dir, role).await;
    let _ = std::fs::remove_dir_all(&dir);
    kept
}

async fn adopt(context: &Context, path: &Path, dir: &Path, role: Role) -> Result<Output, String> {
    let name = path.file_name().ok_or("it is no file")?;
    if !path.is_file() {
        return Err("there is no such file".into());
    }
    let media = media::ChildProcess::new().map_err(|error| error.to_string())?;
    let run = async |plan: MediaPlan| {
        let ran = media.run(plan, dir, &Progress::noop(), &CancellationToken::new()).await;
        // Where it lies for the moment tells nobody anything.
        let here = format!("{}/", dir.display());
        ran.map_err(|failure| failure.message.replace(&here, ""))
    };
    let (copy, facts) = if role == Role::Sound {
        let out = dir.join("recording.wav");
        let plan = SoundPlan { input: path.to_owned(), speed: 1000, out: out.clone() };
        let MediaResult::Sound { samples } = run(MediaPlan::Sound(plan)).await? else {
            return Err("it is no recording".into());
        };
        (out, MediaFacts::Sound { samples, rate: SAMPLE_RATE, channels: 2 })
    } else {
        let copy = dir.join(name);
        std::fs::copy(path, &copy).map_err(|error| error.to_string())?;
        let MediaResult::Probe { facts } = run(MediaPlan::Probe(ProbePlan { input: copy.clone() })).await? else {
            return Err("nobody knows what it is".into());
        };
        if !fits(role, &facts) {
            return Err(if role == Role::Video { "it is no clip" } else { "it is no picture" }.into());
        }
        (copy, facts)
    };
    let asset = kept(context, &copy, &facts).await?;
    Ok(Output { role, asset, facts })
}

async fn kept(context: &Context, copy: &Path, facts: &MediaFacts) -> Result<AssetRef, String> {
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
