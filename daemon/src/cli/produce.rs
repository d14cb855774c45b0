//! Produce and plan: from a screenplay on disk to an episode in the library.

use std::{collections::BTreeMap, io::Read, path::Path};

use studio_core::{
    episode::Episode,
    ids::EpisodeId,
    media::MediaFacts,
    order::{Reported, Role},
    production::{Checkpoint, Job, Production, Stage},
    script::Script,
    sim::Spread,
};

use super::{
    Exit, ProduceArgs, Refusal,
    bars::Bars,
    length, say,
    tasks::{daemon_import, daemon_post},
};
use crate::{
    app::{
        self, App, Options,
        producing::{self, LeftOpen, Wish},
    },
    conductor::{self, Handle},
    edge::asset_path,
    events::Happened,
    forecast, publish, store, upkeep,
};

/// Largest screenplay that is read, one byte more than the parser takes so that it can say so.
const LARGEST: u64 = 10 * 1024 * 1024 + 1;

pub(super) async fn produce(options: Options, args: ProduceArgs, json: bool) -> Result<Exit, Refusal> {
    let (text, script) = read_script(&args.file, json)?;
    let mut app = App::open(options).await?;
    if let Some(daemon) = app::daemon_address(&app.context.data) {
        return hand_over(&daemon, &args, &script, json).await;
    }
    let produce = producing::request(&app.desk(), &wish(&args), &text, script).await?;
    if let Some(library) = &produce.production.library {
        publish::library::writable(Path::new(&library.root))
            .map_err(|failure| Refusal::new(Exit::Disk, failure.message))?;
    }
    app.lock().await?;
    Box::pin(follow(app, json, async |handle| handle.produce(produce).await)).await
}

/// Has the running studio make it.
async fn hand_over(daemon: &str, args: &ProduceArgs, script: &Script, json: bool) -> Result<Exit, Refusal> {
    if let Some(library) = &args.library {
        let library = library.display();
        let message =
            format!("the running studio publishes where its settings say, not into {library}; leave --library out");
        return Err(Refusal::new(Exit::Usage, message));
    }
    if script.scenes.iter().any(|scene| scene.music.is_some()) {
        let message = "a running studio cannot take music from beside the screenplay; stop the service first, or leave \
                       the note out and use 'studiod take put'";
        return Err(Refusal::new(Exit::Usage, message));
    }
    let text = std::fs::read(&args.file)
        .map_err(|error| Refusal::new(Exit::Input, format!("the screenplay cannot be read: {error}")))?;
    let mut query: Vec<(&str, String)> = Vec::new();
    let texts = [("project", &args.project), ("format", &args.format), ("size", &args.size)];
    query.extend(texts.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    let numbers = [("season", args.season), ("episode", args.episode)];
    query.extend(numbers.into_iter().filter_map(|(name, value)| Some((name, value?.to_string()))));
    query.extend([("draft", args.draft), ("relearn", args.relearn)].map(|(name, value)| (name, value.to_string())));
    let begun = daemon_import(daemon, &query, text).await?;
    say(json, &begun, || {
        out!("the running studio makes it: http://{daemon}/ shows how far it is, 'studiod tasks' as well");
    });
    Ok(Exit::Done)
}

/// Starts a conductor, asks it for an episode, and shows how it goes until it is over.
pub(super) async fn follow(
    app: App,
    json: bool,
    ask: impl AsyncFnOnce(&Handle) -> Result<EpisodeId, conductor::Error>,
) -> Result<Exit, Refusal> {
    let mut events = app.context.events.listen();
    let (handle, conductor) = conductor::start(app.context.clone(), false).await?;
    let episode = ask(&handle).await?;
    let mut bars = Bars::new(episode, json);
    let mut conductor = std::pin::pin!(conductor);
    let mut disk_full = None;
    let failed = loop {
        tokio::select! {
            happened = events.recv() => {
                // Too slow to hear everything: the newest is kept, and the end is the newest there will be.
                let Ok(happened) = happened else { continue };
                if let Happened::DiskFull { reason } = &happened {
                    // Waiting is right for a service; a person at a terminal is told.
                    disk_full = Some(reason.clone());
                    handle.stop().await;
                }
                if let Some(failed) = bars.see(happened) {
                    handle.stop().await;
                    break failed;
                }
            }
            ended = &mut conductor => {
                ended.map_err(|error| Refusal::new(Exit::Failed, format!("the conductor broke down: {error}")))??;
                let reason = disk_full.unwrap_or_else(|| "stopped".into());
                let message = format!("{reason}; nothing is lost: free some space and run the same command again");
                return Err(Refusal::new(Exit::Disk, message));
            }
            _ = tokio::signal::ctrl_c() => {
                handle.stop().await;
                tokio::select! {
                    ended = &mut conductor => ended.map_err(|error| Refusal::new(Exit::Failed, error.to_string()))??,
                    // Asked twice: at once. The next run settles what is left.
                    _ = tokio::signal::ctrl_c() => {}
                }
                return Err(Refusal::new(Exit::Stopped, "stopped; run the same command again to go on from here"));
            }
        }
    };
    conductor.await.map_err(|error| Refusal::new(Exit::Failed, error.to_string()))??;
    report(&app, episode, &bars, failed, json).await
}

/// What the command line asks for.
fn wish(args: &ProduceArgs) -> Wish {
    Wish {
        screenplay: Some(args.file.clone()),
        library: args.library.clone(),
        project: args.project.clone(),
        season: args.season,
        episode: args.episode,
        format: args.format.clone(),
        size: args.size.clone(),
        draft: args.draft,
        relearn: args.relearn,
        open: LeftOpen::BySettings,
    }
}

/// Reads and breaks down a screenplay; every mistake is told with its line and column.
fn read_script(file: &Path, json: bool) -> Result<(String, Script), Refusal> {
    let name = file.display();
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(LARGEST).read_to_end(&mut bytes))
        .map_err(|error| Refusal::new(Exit::Input, format!("the screenplay {name} cannot be read: {error}")))?;
    let script = producing::read(&bytes, &format!("{name}: ")).map_err(|lines| {
        if json {
            return Refusal::new(Exit::Input, lines.join("\n"));
        }
        let count = match lines.len() {
            1 => "one mistake".to_owned(),
            many => format!("{many} mistakes"),
        };
        Refusal::new(Exit::Input, format!("the screenplay has {count}, so nothing was begun\n{}", lines.join("\n")))
    })?;
    Ok((String::from_utf8_lossy(&bytes).into_owned(), script))
}

pub(super) async fn plan(options: Options, args: ProduceArgs, json: bool) -> Result<Exit, Refusal> {
    let (text, script) = read_script(&args.file, json)?;
    let app = App::open(options).await?;
    let mut produce = producing::request(&app.desk(), &wish(&args), &text, script).await?;
    let billing = &produce.production.billing;
    let (season, number) = (billing.season, billing.number);
    let known = store::episodes::of_project(&app.context.db, produce.project.id).await?;
    if let Some(episode) = known.into_iter().find(|episode| (episode.season, episode.number) == (season, number)) {
        conductor::take_up(&app.context.db, episode.id, &mut produce.production).await?;
    }
    let run = forecast::dry_run(&app.context, &produce.production).await?;
    let eta = forecast::eta(&app.context, &produce.production, &run).await?;
    let stages: Vec<_> = Stage::ALL.into_iter().map(|stage| (stage, run.of(stage))).collect();
    let jobs: Vec<_> = run
        .jobs
        .iter()
        .map(|job| {
            serde_json::json!({
                "slot": job.slot, "engine": job.engine, "make": job.make, "why": job.why, "takes_ms": job.takes_ms,
            })
        })
        .collect();
    let awaits = produce.production.waits_for();
    say(json, &serde_json::json!({ "jobs": jobs, "outlook": eta, "awaits": awaits }), || {
        for (stage, (there, make, takes_ms)) in stages {
            let takes = if takes_ms == 0 { String::new() } else { format!(", about {}", length(takes_ms)) };
            out!("{:>9}: {make} to make{takes}, {there} there already", stage.word());
        }
        let new: Vec<_> = run.jobs.iter().filter(|job| job.make).collect();
        if let Some(checkpoint) = awaits {
            let shots = produce.production.unapproved(checkpoint).len();
            out!("then it waits until you have approved the {} of {shots} shots", checkpoint.word());
        } else if new.is_empty() {
            out!("nothing to do: everything is made already");
        }
        for job in new.iter().take(40) {
            out!("  {} by {}: {}", job.slot, job.engine, job.why);
        }
        if new.len() > 40 {
            out!("  ... and {} more; --json lists all", new.len() - 40);
        }
        if !new.is_empty() {
            print_eta(&eta);
        }
    });
    Ok(Exit::Done)
}

/// When it would be done, and what that takes.
fn print_eta(plan: &forecast::Eta) {
    let when = |spread: &Spread| {
        format!("in {}, with nine chances in ten in {}", length(spread.median as u64), length(spread.p90 as u64))
    };
    for (scene, number) in plan.scenes_ms.iter().zip(1..) {
        if let Some(scene) = scene {
            out!("  scene {number} is done {}", when(scene));
        }
    }
    if let Some(film) = &plan.film_ms {
        out!("the film is done {}", when(film));
    } else {
        out!("the film will not be done without a person");
    }
    if plan.swaps.median > 0.0 {
        out!("{:.0} times a model comes to a card", plan.swaps.median);
    }
    if plan.energy_wh > 0.0 {
        out!("about {:.0} Wh, which cost {:.2}", plan.energy_wh, plan.money);
    }
    for wait in plan.waits.iter().take(10) {
        out!("  {wait}");
    }
}

/// Which engine makes which shots' clips, and the pictures they start from.
fn made_by(production: &Production) -> BTreeMap<String, Vec<String>> {
    let mut hands: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if production.cast.models.is_none() {
        return hands;
    }
    let still = production.still_route().1.map_or("draft", |hand| hand.model.as_str()).to_owned();
    for (script, scene) in production.script.scenes.iter().zip(1..) {
        for shot in 1..=script.shots.len() as u32 {
            let (route, place) = (production.route(scene, shot), format!("{scene}-{shot}"));
            let model = route.model.as_deref().unwrap_or("draft");
            hands.entry(format!("clips, {model}")).or_default().push(place.clone());
            if route.from_picture && !production.continues(scene, shot) {
                hands.entry(format!("pictures, {still}")).or_default().push(place);
            }
        }
    }
    hands
}

/// What a person is told of an episode that waits for them; `None` when it does not.
async fn waiting(app: &App, episode: &Episode, made: usize, json: bool) -> Result<Option<Exit>, Refusal> {
    let db = &app.context.db;
    let Some((checkpoint, shots)) = conductor::waits_for(db, episode.id).await? else { return Ok(None) };
    let answer = serde_json::json!({ "awaits": checkpoint, "shots": shots, "made": made, "complete": false });
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

/// What a person wants to know when it is over.
async fn report(app: &App, episode: EpisodeId, bars: &Bars, failed: bool, json: bool) -> Result<Exit, Refusal> {
    let db = &app.context.db;
    let episode = store::episodes::get(db, episode).await?;
    let tasks = store::tasks::of_episode(db, episode.id).await?;
    let in_slot = |job: Job| tasks.iter().find(|task| task.slot == job.slot()).and_then(|task| task.outputs.as_ref());
    let film = in_slot(Job::Film).and_then(|outputs| outputs.first(Role::Video));
    let (ms, path) = film.map_or((0, String::new()), |film| {
        let ms = match &film.facts {
            MediaFacts::Video { frames, fps, .. } => fps.ms_at(*frames),
            _ => 0,
        };
        (ms, asset_path(&app.context.data.assets(), &film.asset).display().to_string())
    });
    let production = store::productions::of_episode(db, episode.id).await?;
    let hands = production.as_ref().map(made_by).unwrap_or_default();
    let library = production.and_then(|production| production.library);
    let published = match (library, &episode.published) {
        (Some(library), Some(film)) => format!("{}/{film}", library.root),
        _ => path,
    };
    let loudness = in_slot(Job::Sound).and_then(|outputs| match &outputs.reported {
        Some(Reported::Loudness { lufs, .. }) => *lufs,
        _ => None,
    });
    let shots = store::shots::of_episode(db, episode.id).await?.len();
    let retakes = store::takes::of_episode(db, episode.id).await?.iter().filter(|take| take.attempt > 1).count();
    let tally = &bars.tally;
    let answer = serde_json::json!({
        "path": published, "length_ms": ms, "loudness_lufs": loudness, "shots": shots, "retakes": retakes,
        "made": tally.made, "reused": tally.reused, "remarks": episode.remarks, "failed": tally.failed,
        "made_by": hands,
        "complete": !failed,
    });
    if failed {
        let first = tally.failed.first().cloned().unwrap_or_else(|| "it was cancelled".into());
        let message =
            format!("'{}' is not complete: {first}; `studiod tasks --state failed` lists what failed", episode.title);
        return Err(Refusal::new(Exit::Failed, message));
    }
    if let Some(exit) = waiting(app, &episode, tally.made, json).await? {
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
        for (hand, shots) in &hands {
            out!("made by:  {hand}: {}", shots.join(", "));
        }
        for remark in &episode.remarks {
            out!("remark:   {remark}");
        }
        out!(
            "page:     studiod --data-dir {} serve, then open http://{}",
            app.context.data.root().display(),
            app.config.web.listen
        );
    });
    Ok(Exit::Done)
}

pub(super) async fn unpublish(
    options: Options,
    project: &str,
    season: u32,
    number: u32,
    json: bool,
) -> Result<Exit, Refusal> {
    let mut app = App::open(options).await?;
    app.lock().await?;
    let db = &app.context.db;
    let episode = numbered(&app, project, season, number).await?;
    if store::episodes::published_files(db, episode.id).await?.is_empty() {
        return Err(Refusal::new(Exit::Usage, format!("'{}' is not in a library", episode.title)));
    }
    let left = upkeep::leave_library(db, episode.id).await.map_err(conductor::Error::from)?;
    let upkeep::Unpublished { root, files } = left;
    let files: Vec<std::path::PathBuf> = files.iter().map(std::path::PathBuf::from).collect();
    publish::unpublish(&root, &files)?;
    let now = app.context.clock.now();
    upkeep::left_library(db, &app.context.events, episode.id, now).await.map_err(conductor::Error::from)?;
    say(json, &serde_json::json!({ "unpublished": files }), || {
        out!("'{}' is out of the library; the studio keeps the film", episode.title);
    });
    Ok(Exit::Done)
}

/// The episode of that number.
async fn numbered(app: &App, project: &str, season: u32, number: u32) -> Result<Episode, Refusal> {
    let missing = || {
        let message = format!("'{project}' season {season} episode {number} is not in the studio");
        Refusal::new(Exit::Usage, message)
    };
    let db = &app.context.db;
    let project = store::projects::by_slug(db, project).await?.ok_or_else(missing)?;
    let episodes = store::episodes::of_project(db, project.id).await?;
    episodes.into_iter().find(|e| e.season == season && e.number == number).ok_or_else(missing)
}

/// A person approves what an episode waits with, and it goes on.
pub(super) async fn approve(
    options: Options,
    checkpoint: Checkpoint,
    project: &str,
    (season, number): (u32, u32),
    json: bool,
) -> Result<Exit, Refusal> {
    let mut app = App::open(options).await?;
    let episode = numbered(&app, project, season, number).await?;
    if let Some(daemon) = app::daemon_address(&app.context.data) {
        let body = serde_json::json!({ "what": checkpoint });
        daemon_post(&daemon, &format!("/api/episodes/{}/approve", episode.id), Some(body)).await?;
        say(json, &serde_json::json!({ "approved": checkpoint }), || {
            out!("the {} of '{}' are approved; the running studio goes on", checkpoint.word(), episode.title);
        });
        return Ok(Exit::Done);
    }
    app.lock().await?;
    let id = episode.id;
    Box::pin(follow(app, json, async |handle| handle.approve(id, checkpoint).await.map(|_| id))).await
}
