//! Produce and plan: from a screenplay on disk to an episode in the library.

use std::{collections::BTreeMap, io::Read, path::Path};

use studio_core::{
    episode::{Episode, EpisodeState},
    fountain,
    ids::{ContentHash, EpisodeId, ProjectId},
    media::MediaFacts,
    mixdown,
    order::{Outputs, Reported, Role},
    production::{Billing, ByHand, Cast, Job, LibraryPlan, Production, SoundPlan, Stage},
    project::Project,
    recipe,
    script::{self, Script},
    shot::VideoEngine,
    sim::Spread,
    units::{Fps, SAMPLE_RATE, Samples, Seed, Size, Steps},
};

use super::{Exit, ProduceArgs, Refusal, bars::Bars, casting, intake, length, say};
use crate::{
    app::{App, Options},
    conductor::{self, Handle, Produce},
    config::Format,
    edge::asset_path,
    events::Happened,
    publish, store,
};

/// Largest screenplay that is read, one byte more than the parser takes so that it can say so.
const LARGEST: u64 = 10 * 1024 * 1024 + 1;
/// Sampling steps of a first take, for engines that sample.
const STEPS: Steps = Steps(recipe::FIRST_STEPS);

pub(super) async fn produce(options: Options, args: ProduceArgs, json: bool) -> Result<Exit, Refusal> {
    let script = read_script(&args.file, json)?;
    let mut app = App::open(options).await?;
    let produce = request(&app, &args, script).await?;
    if let Some(library) = &produce.production.library {
        publish::library::writable(Path::new(&library.root))
            .map_err(|failure| Refusal::new(Exit::Disk, failure.message))?;
    }
    app.lock().await?;
    Box::pin(follow(app, json, async |handle| handle.produce(produce).await)).await
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

/// Reads and breaks down a screenplay; every mistake is told with its line and column.
fn read_script(file: &Path, json: bool) -> Result<Script, Refusal> {
    let name = file.display();
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(LARGEST).read_to_end(&mut bytes))
        .map_err(|error| Refusal::new(Exit::Input, format!("the screenplay {name} cannot be read: {error}")))?;
    let script = fountain::parse(&bytes).and_then(|play| script::break_down(&play, &script::Defaults::default()));
    script.map_err(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(|mistake| format!("{name}: {mistake}")).collect();
        if json {
            return Refusal::new(Exit::Input, lines.join("\n"));
        }
        let count = match mistakes.len() {
            1 => "one mistake".to_owned(),
            many => format!("{many} mistakes"),
        };
        Refusal::new(Exit::Input, format!("the screenplay has {count}, so nothing was begun\n{}", lines.join("\n")))
    })
}

/// The production a screenplay and the command line ask for.
async fn request(app: &App, args: &ProduceArgs, script: Script) -> Result<Produce, Refusal> {
    let usage = |error: &dyn std::fmt::Display| Refusal::new(Exit::Usage, error.to_string());
    let config = &app.config;
    let chosen = args.format.as_deref().or(config.film.format.as_deref()).unwrap_or("series");
    let format = Format::named(chosen).map_err(|error| usage(&error))?;
    let size = match args.size.as_ref().or(config.film.size.as_ref()) {
        Some(size) => size.parse::<Size>(),
        None => format.size(),
    };
    let project = project(app, args, &script).await?;
    let library = args.library.as_ref().or(config.publish.library.as_ref());
    let library = library.map(std::path::absolute).transpose().map_err(|error| usage(&error))?;
    let billing = billing(app, args, &script, &project).await?;
    let mut cast = casting::cast(app, args.draft).await?;
    if let Some(models) = &mut cast.models {
        let before = before(app, &project, &billing).await?;
        models.learned = casting::learned(app, before.as_ref(), args.relearn).await?;
    }
    let production = Production {
        golden: casting::golden(app, cast.eye.as_ref()).await?,
        billing,
        seed: project.seed,
        size: size.map_err(|error| usage(&error))?,
        fps: config.film.fps.map_or(format.fps(), Fps::whole),
        gates: config.gates(),
        steps: STEPS,
        sound: sound_plan(&config.sound),
        cast: Cast { named: named_engines(args.draft), ..cast },
        burn_in: config.film.burn_in.unwrap_or(format.burn_in),
        max_mib: config.film.max_mib,
        library: library.map(|root| LibraryPlan { root: root.display().to_string(), mode: config.publish.mode }),
        by_hand: ByHand { given: music(app, &args.file, &script).await?, takes: BTreeMap::new() },
        script,
    };
    Ok(Produce { project, production })
}

/// How this episode was made before.
async fn before(app: &App, project: &Project, billing: &Billing) -> Result<Option<Production>, Refusal> {
    let known = store::episodes::of_project(&app.context.db, project.id).await?;
    let is = |episode: &Episode| (episode.season, episode.number) == (billing.season, billing.number);
    match known.into_iter().find(is) {
        Some(episode) => Ok(store::productions::of_episode(&app.context.db, episode.id).await?),
        None => Ok(None),
    }
}

/// The recordings a screenplay names as the music of its scenes.
async fn music(app: &App, screenplay: &Path, script: &Script) -> Result<BTreeMap<String, Outputs>, Refusal> {
    let beside = screenplay.parent().unwrap_or(Path::new(""));
    let mut given = BTreeMap::new();
    for (scene, number) in script.scenes.iter().zip(1..) {
        let Some(name) = &scene.music else { continue };
        let kept = intake::keep(app, &beside.join(name), Role::Sound).await.map_err(|why| {
            let (file, line) = (screenplay.display(), scene.line);
            Refusal::new(
                Exit::Input,
                format!("{file}:{line}: the music '{name}' of scene {number} cannot be used: {why}"),
            )
        })?;
        given.insert(Job::Music { scene: number }.slot(), Outputs { files: vec![kept], reported: None });
    }
    Ok(given)
}

/// Engines a script may ask for by name, and who answers. With `--draft` the drafts stand in for all of them.
fn named_engines(draft: bool) -> BTreeMap<VideoEngine, String> {
    use VideoEngine::{Draft, Framepack, FramepackF1, Ltx, Wan};
    let answered: &[VideoEngine] = if draft { &[Draft, Framepack, FramepackF1, Ltx, Wan] } else { &[Draft] };
    answered.iter().map(|engine| (*engine, "draft.clips".to_owned())).collect()
}

fn sound_plan(sound: &crate::config::Sound) -> SoundPlan {
    let samples = |ms: u64| Samples(ms * u64::from(SAMPLE_RATE) / 1000);
    SoundPlan {
        loudness: mixdown::Loudness { integrated_lufs: sound.loudness_lufs, true_peak_dbtp: sound.true_peak_dbtp },
        voice_lufs: mixdown::VOICE_LUFS,
        music_gain: sound.music_gain,
        ducking: sound.ducking,
        fade_in: samples(mixdown::FADE_IN_MS),
        fade_out: samples(mixdown::FADE_OUT_MS),
    }
}

/// The project of a screenplay: the known one of that name, else a new one.
async fn project(app: &App, args: &ProduceArgs, script: &Script) -> Result<Project, Refusal> {
    let title = args.project.clone().or_else(|| script.show.clone()).unwrap_or_else(|| script.title.clone());
    let slug = script::slug(&title);
    if let Some(known) = store::projects::by_slug(&app.context.db, &slug).await? {
        return Ok(known);
    }
    let aired = script.aired.as_deref().and_then(|aired| aired.get(..4)?.parse().ok());
    let year = aired.filter(|year| (1928..=2500).contains(year)).unwrap_or_else(|| app.today().year());
    let seed = Seed(ContentHash::of(slug.as_bytes()).leading_u64() >> 11);
    Ok(Project { id: ProjectId(app.context.clock.id()), slug, title, year, seed })
}

async fn billing(app: &App, args: &ProduceArgs, script: &Script, project: &Project) -> Result<Billing, Refusal> {
    let season = args.season.or(script.season).unwrap_or(1);
    let number = args.episode.or(script.episode).unwrap_or(1);
    if season > 199 || number == 0 {
        let message =
            format!("season {season} episode {number} is not possible; seasons go from 0 to 199, episodes from 1");
        return Err(Refusal::new(Exit::Usage, message));
    }
    // The day it was first made stays its date, or every new day would publish it anew.
    let known = store::episodes::of_project(&app.context.db, project.id).await?;
    let known = known.into_iter().find(|episode| episode.season == season && episode.number == number);
    let aired = script.aired.clone().or(known.map(|episode| episode.aired)).unwrap_or_else(|| app.today().to_string());
    let billing = Billing {
        show: project.title.clone(),
        year: project.year,
        season,
        number,
        title: script.episode_title.clone(),
        plot: script.plot.clone(),
        aired,
        language: script.language.clone(),
        unique_id: format!("{}-s{season:02}e{number:02}", project.slug),
    };
    publish::paths(&billing).map_err(|error| Refusal::new(Exit::Usage, error.to_string()))?;
    Ok(billing)
}

pub(super) async fn plan(options: Options, args: ProduceArgs, json: bool) -> Result<Exit, Refusal> {
    let script = read_script(&args.file, json)?;
    let app = App::open(options).await?;
    let mut produce = request(&app, &args, script).await?;
    let billing = &produce.production.billing;
    let (season, number) = (billing.season, billing.number);
    let known = store::episodes::of_project(&app.context.db, produce.project.id).await?;
    if let Some(episode) = known.into_iter().find(|episode| (episode.season, episode.number) == (season, number)) {
        conductor::take_up(&app.context.db, episode.id, &mut produce.production).await?;
    }
    let forecast = conductor::forecast(&app.context, &produce.production).await?;
    let outlook = conductor::outlook(&app.context, &produce.production, &forecast).await?;
    let stages: Vec<_> = Stage::ALL.into_iter().map(|stage| (stage, forecast.of(stage))).collect();
    let jobs: Vec<_> = forecast
        .jobs
        .iter()
        .map(|job| {
            serde_json::json!({
                "slot": job.slot, "engine": job.engine, "make": job.make, "why": job.why, "takes_ms": job.takes_ms,
            })
        })
        .collect();
    say(json, &serde_json::json!({ "jobs": jobs, "outlook": outlook }), || {
        for (stage, (there, make, takes_ms)) in stages {
            let takes = if takes_ms == 0 { String::new() } else { format!(", about {}", length(takes_ms)) };
            out!("{:>9}: {make} to make{takes}, {there} there already", stage.word());
        }
        let new: Vec<_> = forecast.jobs.iter().filter(|job| job.make).collect();
        if new.is_empty() {
            out!("nothing to do: everything is made already");
        }
        for job in new.iter().take(40) {
            out!("  {} by {}: {}", job.slot, job.engine, job.why);
        }
        if new.len() > 40 {
            out!("  ... and {} more; --json lists all", new.len() - 40);
        }
        if !new.is_empty() {
            print_outlook(&outlook);
        }
    });
    Ok(Exit::Done)
}

/// When it would be done, and what that takes.
fn print_outlook(plan: &conductor::Plan) {
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

/// What a person wants to know when it is over.
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
    let missing = || {
        let message = format!("'{project}' season {season} episode {number} is not in the studio");
        Refusal::new(Exit::Usage, message)
    };
    let project = store::projects::by_slug(db, project).await?.ok_or_else(missing)?;
    let episodes = store::episodes::of_project(db, project.id).await?;
    let episode = episodes.into_iter().find(|e| e.season == season && e.number == number).ok_or_else(missing)?;
    let files = store::episodes::published_files(db, episode.id).await?;
    if files.is_empty() {
        return Err(Refusal::new(Exit::Usage, format!("'{}' is not in a library", episode.title)));
    }
    let production = store::productions::of_episode(db, episode.id).await?;
    let Some(root) = production.and_then(|production| production.library).map(|library| library.root) else {
        return Err(Refusal::new(Exit::Failed, format!("where '{}' was published is not known", episode.title)));
    };
    let library = std::path::PathBuf::from(root);
    let files: Vec<std::path::PathBuf> = files.iter().map(std::path::PathBuf::from).collect();
    publish::library::unpublish(&library, &files)?;
    let mut tx = db.begin().await?;
    store::episodes::set_published(&mut tx, episode.id, None).await?;
    // One that failed or was stopped since then stays so.
    if episode.state == EpisodeState::Published {
        store::episodes::set_state(&mut tx, episode.id, EpisodeState::Assembled).await?;
    }
    tx.commit().await?;
    say(json, &serde_json::json!({ "unpublished": files }), || {
        out!("'{}' is out of the library; the studio keeps the film", episode.title);
    });
    Ok(Exit::Done)
}
