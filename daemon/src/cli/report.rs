//! Report: what a person wants to know when an episode is over.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use studio_core::{
    episode::Episode,
    ids::EpisodeId,
    media::MediaFacts,
    order::{Reported, Role},
    production::{Job, Production},
};
use studio_engine::asset_path;

use super::{CliError, Exit, bars::Bars, length, say};
use crate::{app::Data, conductor, store};

/// Which engine makes which shots' clips, and the pictures they start from.
fn models_used(production: &Production) -> BTreeMap<String, Vec<String>> {
    let mut models: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if production.cast.models.is_none() {
        return models;
    }
    let still = production.still_route().1.map_or("draft", |choice| choice.model.as_str()).to_owned();
    for (script, scene) in production.script.scenes.iter().zip(1..) {
        for shot in 1..=script.shots.len() as u32 {
            let (route, place) = (production.route(scene, shot), format!("{scene}-{shot}"));
            let model = route.model.as_deref().unwrap_or("draft");
            models.entry(format!("clips, {model}")).or_default().push(place.clone());
            if route.from_picture && !production.continues(scene, shot) {
                models.entry(format!("pictures, {still}")).or_default().push(place);
            }
        }
    }
    models
}

/// What a person is told of an episode that waits for them; `None` when it does not.
async fn waiting(
    data: &Data,
    episode: &Episode,
    made: usize,
    begun: &Value,
    json: bool,
) -> Result<Option<Exit>, CliError> {
    let db = &data.context.db;
    let Some((checkpoint, shots)) = conductor::waits_for(db, episode.id).await? else { return Ok(None) };
    let answer = json!({ "awaits": checkpoint, "shots": shots, "made": made, "complete": false });
    let answer = joined(begun, &answer);
    let (project, word) = (store::projects::get(db, episode.project_id).await?, checkpoint.word());
    say(json, &answer, || {
        out!();
        out!(
            "'{}' waits for you: look at the {word} of {shots} shots, then approve them on the page, or with",
            episode.title
        );
        out!("  studiod approve {word} {} --season {} --episode {}", project.slug, episode.season, episode.number);
    });
    Ok(Some(Exit::Done))
}

/// What was said when it began, and what is said at the end, as one answer.
fn joined(begun: &Value, end: &Value) -> Value {
    let mut all = begun.as_object().cloned().unwrap_or_default();
    all.extend(end.as_object().cloned().unwrap_or_default());
    Value::Object(all)
}

/// What a person wants to know when it is over.
pub(super) async fn report(
    data: &Data,
    episode: EpisodeId,
    bars: &Bars,
    failed: bool,
    begun: Value,
    json: bool,
) -> Result<Exit, CliError> {
    let db = &data.context.db;
    let episode = store::episodes::get(db, episode).await?;
    let tasks = store::tasks::of_episode(db, episode.id).await?;
    let made = |job: Job| tasks.iter().find(|task| task.job == job).and_then(|task| task.outputs.as_ref());
    let film = made(Job::Film).and_then(|outputs| outputs.first(Role::Video));
    let (ms, path) = film.map_or((0, String::new()), |film| {
        let ms = match &film.facts {
            MediaFacts::Video { frames, fps, .. } => fps.ms_at(*frames),
            _ => 0,
        };
        (ms, asset_path(&data.context.data.assets(), &film.asset).display().to_string())
    });
    let production = store::productions::of_episode(db, episode.id).await?;
    let models = production.as_ref().map(models_used).unwrap_or_default();
    let library = production.and_then(|production| production.library);
    let published = match (library, &episode.published) {
        (Some(library), Some(film)) => format!("{}/{film}", library.root),
        _ => path,
    };
    let loudness = made(Job::Sound).and_then(|outputs| match &outputs.reported {
        Some(Reported::Loudness { lufs, .. }) => *lufs,
        _ => None,
    });
    let shots = store::shots::of_episode(db, episode.id).await?.len();
    let retakes = store::takes::of_episode(db, episode.id).await?.iter().filter(|take| take.attempt > 1).count();
    let tally = &bars.tally;
    let answer = json!({
        "path": published, "length_ms": ms, "loudness_lufs": loudness, "shots": shots, "retakes": retakes,
        "made": tally.made, "reused": tally.reused, "remarks": episode.remarks, "failed": tally.failed,
        "made_by": models,
        "complete": !failed,
    });
    let answer = joined(&begun, &answer);
    if failed {
        let first = tally.failed.first().cloned().unwrap_or_else(|| "it was cancelled".into());
        let message =
            format!("'{}' is not complete: {first}; `studiod tasks --state failed` lists what failed", episode.title);
        return Err(CliError::new(Exit::Failed, message));
    }
    if let Some(exit) = waiting(data, &episode, tally.made, &begun, json).await? {
        return Ok(exit);
    }
    say(json, &answer, || {
        out!();
        if tally.made == 0 {
            out!("nothing was rendered again: all {} pieces were made before", tally.reused);
        } else if tally.reused > 0 {
            out!("{} pieces made, {} found made before", tally.made, tally.reused);
        }
        out!("episode:  {published}");
        out!("length:   {}", length(ms));
        let heard = loudness.map_or_else(|| "silent".to_owned(), |lufs| format!("{lufs:.1} LUFS"));
        out!("loudness: {heard}");
        out!("shots:    {shots}, with {retakes} retakes");
        for (model, shots) in &models {
            out!("made by:  {model}: {}", shots.join(", "));
        }
        for remark in &episode.remarks {
            out!("remark:   {remark}");
        }
        out!(
            "page:     studiod --data-dir {} serve, then open http://{}",
            data.context.data.root().display(),
            data.config.web.listen
        );
    });
    Ok(Exit::Done)
}
