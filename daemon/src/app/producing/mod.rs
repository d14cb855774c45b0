//! Producing: a screenplay and what somebody wants of it become a production, from the settings, whoever asks.

mod casting;
pub mod intake;
mod shots;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use studio_core::{
    episode::Episode,
    ids::ProjectId,
    mixdown,
    order::{Outputs, Role},
    production::{
        Billing, Cast, Job, LibraryPlan, Overrides, PortraitPlan, Production, SoundPlan,
        engine::{DRAFT_CLIPS, DRAFT_JUDGE},
    },
    project::{About, Project, same_title},
    recipe,
    script::{self, Script},
    shot::VideoEngine,
    units::{Fps, SAMPLE_RATE, Samples, Size, Steps},
    views::views_named,
};
use studio_engine::EngineError;

use crate::{
    conductor::{Context, Defaults, Produce, ProduceOptions},
    config::{Config, Format, JudgeBy},
    definitions::DefinitionsWatch,
    engines::{ollama::OLLAMA, openai::OPENAI},
    publish, store,
};

/// The engine of a judge.
pub fn judge_engine(by: JudgeBy) -> &'static str {
    match by {
        JudgeBy::Draft => DRAFT_JUDGE,
        JudgeBy::Ollama => OLLAMA,
        JudgeBy::Openai => OPENAI,
    }
}

/// Who makes and judges pictures of a project's characters outside of any film, with what was learned until now.
///
/// # Errors
/// The settings name what is not there.
pub async fn cast_of(making: &ProductionContext, project: ProjectId, about: &About) -> Result<Cast, ProduceError> {
    let sheets = casting::sheets(making, project).await?;
    let mut cast = casting::cast(making, false, about, &sheets).await?;
    if let Some(models) = &mut cast.models {
        models.learned = casting::learned(making, None, true).await?;
    }
    Ok(cast)
}

/// Sampling steps of a first take, for engines that sample.
const STEPS: Steps = Steps(recipe::FIRST_STEPS);

/// What a production is made of beside the screenplay.
#[derive(Clone)]
pub struct ProductionContext {
    /// What the conductor works with.
    pub context: Context,
    /// The settings the program was started with.
    pub config: Config,
    /// Models and workflows.
    pub shelf: DefinitionsWatch,
}

/// A screenplay that was read and broken down.
#[derive(Debug, Clone)]
pub struct Screenplay {
    /// As it was written.
    pub text: String,
    /// What it says.
    pub script: Script,
    /// Where it lies, with the recordings it names beside it; `None` when only its text came.
    pub path: Option<PathBuf>,
}

impl Screenplay {
    /// Reads the text of a screenplay, Fountain in UTF-8.
    ///
    /// # Errors
    /// Every mistake with its line and column, after `name`.
    pub fn read(text: &[u8], name: &str, defaults: &script::Defaults) -> Result<Self, Vec<String>> {
        match script::read(text, defaults) {
            Ok(script) => Ok(Self { text: String::from_utf8_lossy(text).into_owned(), script, path: None }),
            Err(mistakes) => Err(mistakes.iter().map(|mistake| format!("{name}{mistake}")).collect()),
        }
    }
}

/// Why it cannot be produced: one sentence with the remedy, or one for each mistake.
#[derive(Debug, thiserror::Error)]
pub enum ProduceError {
    /// What was asked for, or the settings.
    #[error("{0}")]
    Usage(String),
    /// The screenplay or another file.
    #[error("{0}")]
    Input(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The disk failed.
    #[error("{}", .0.message)]
    Disk(EngineError),
}

impl ProduceError {
    fn usage(why: impl Into<String>) -> Self {
        Self::Usage(why.into())
    }

    fn input(why: impl Into<String>) -> Self {
        Self::Input(why.into())
    }
}

impl ProductionContext {
    /// How a screenplay is read here.
    pub fn reading(&self) -> script::Defaults {
        script::Defaults { languages: self.shelf.now().languages.clone(), ..script::Defaults::default() }
    }

    /// Today where the studio stands.
    pub fn today(&self) -> jiff::civil::Date {
        let now = jiff::Timestamp::from_millisecond(self.context.clock.now().0).unwrap_or_default();
        now.to_zoned(self.context.clock.zone()).date()
    }
}

/// The production a screenplay asks for. `library` is the root of the Jellyfin library somebody wants; what it and
/// `options` leave open is decided as `defaults` says.
///
/// # Errors
/// One sentence with the remedy: the options or the settings are wrong, a file the screenplay names cannot be used, or
/// the store or the disk failed.
pub async fn request(
    making: &ProductionContext,
    screenplay: &Screenplay,
    options: &ProduceOptions,
    library: Option<&Path>,
    defaults: Defaults,
) -> Result<Produce, ProduceError> {
    let usage = |error: &dyn std::fmt::Display| ProduceError::usage(error.to_string());
    let (config, mut script) = (&making.config, screenplay.script.clone());
    let project = project(making, options, &script).await?;
    let billing = billing(making, options, &script, &project).await?;
    casting::as_known(making, project.id, &billing, &mut script).await?;
    let before = before(making, &project, &billing).await?;
    let kept = before.as_ref().filter(|_| defaults != Defaults::BySettings);
    // Only drafts answer to every engine's name, see `named_engines`.
    let draft = options.draft || kept.is_some_and(|kept| kept.cast.named.len() > 1);
    let chosen = options.format.as_deref().or(config.film.format.as_deref()).unwrap_or("series");
    let format = Format::named(chosen).map_err(|error| usage(&error))?;
    let kept_form = kept.filter(|_| options.format.is_none() && options.size.is_none());
    let size = match (kept_form, options.size.as_ref().or(config.film.size.as_ref())) {
        (Some(kept), _) => Ok(kept.size),
        (None, Some(size)) => size.parse::<Size>(),
        (None, None) => format.size(),
    };
    let library = library.or(config.publish.library.as_deref());
    let library = library.map(std::path::absolute).transpose().map_err(|error| usage(&error))?;
    let library = library.map(|root| LibraryPlan {
        root: root.display().to_string(),
        mode: config.publish.mode,
        // What a person took out is put there again only when somebody asks for that.
        unpublished: defaults == Defaults::AsBefore
            && kept.and_then(|kept| kept.library.as_ref()).is_some_and(|plan| plan.unpublished),
    });
    let library = library.or_else(|| kept.and_then(|kept| kept.library.clone()));
    if let Some(plan) = library.as_ref().filter(|plan| plan.wanted()) {
        has_place(making, &project, &billing, &plan.root).await?;
    }
    let about = store::projects::about(&making.context.db, project.id).await.or_else(not_yet)?;
    let sheets = casting::sheets(making, project.id).await?;
    let mut cast = casting::cast(making, draft, &about, &sheets).await?;
    if let Some(models) = &mut cast.models {
        models.learned = casting::learned(making, before.as_ref(), options.relearn).await?;
    }
    let given = music(&making.context, screenplay, before.as_ref()).await?;
    let mut production = Production {
        from_datasets: BTreeMap::new(),
        approve: about.approve.clone().unwrap_or_else(|| config.film.approve.clone()),
        golden: casting::golden(making, cast.eye.as_ref()).await?,
        portraits: None,
        billing,
        seed: project.seed,
        size: size.map_err(|error| usage(&error))?,
        fps: kept_form.map_or_else(|| config.film.fps.map_or(format.fps(), Fps::whole), |kept| kept.fps),
        gates: config.gates(),
        steps: STEPS,
        sound: sound_plan(&config.sound),
        cast: Cast { named: named_engines(draft), ..cast },
        burn_in: kept_form.map_or_else(|| config.film.burn_in.unwrap_or(format.burn_in), |kept| kept.burn_in),
        max_mib: config.film.max_mib,
        library,
        by_hand: Overrides { given, ..Overrides::default() },
        script,
    };
    production.portraits = portraits(config, options, kept, &production)?;
    let before = before.filter(|_| !options.relearn);
    let production = Box::pin(shots::from_datasets(making, project.id, production, before)).await?;
    Ok(Produce { project, production, text: Some(screenplay.text.clone()) })
}

/// The reference sheets a film is begun with: those somebody asks for, else those it was begun with before, else those of the
/// settings.
fn portraits(
    config: &Config,
    options: &ProduceOptions,
    kept: Option<&Production>,
    production: &Production,
) -> Result<Option<PortraitPlan>, ProduceError> {
    let asked = options.portraits.as_deref().map(views_named).transpose();
    let asked = asked.map_err(|why| ProduceError::usage(format!("portraits: {why}")))?;
    let before = || kept.and_then(|kept| kept.portraits.as_ref()).map(|plan| plan.views.clone());
    let chosen = asked.or_else(before);
    let said = chosen.is_some();
    let views = chosen.unwrap_or_else(|| config.portraits.before.clone());
    let plan = production.portraits_first(&views, config.portraits.size().map_err(ProduceError::usage)?);
    // What somebody wanted otherwise than the settings is known the next time, too.
    Ok(plan.filter(|plan| said || !plan.views.is_empty()))
}

/// Refuses an episode whose place in the library somebody else has: an evening of work should not end at a closed door.
async fn has_place(
    making: &ProductionContext,
    project: &Project,
    billing: &Billing,
    root: &str,
) -> Result<(), ProduceError> {
    let db = &making.context.db;
    let known = store::episodes::of_project(db, project.id).await?;
    let known = known.iter().find(|one| (one.season, one.number) == (billing.season, billing.number));
    let previous = match known {
        Some(episode) => store::episodes::published_files(db, episode.id).await?,
        None => Vec::new(),
    };
    let shown = store::episodes::is_shown(db, project.id, root).await?;
    let (billing, show, root) = (billing.clone(), project.id.to_string(), PathBuf::from(root));
    let asked = move || publish::has_place(&root, &billing, &show, shown, &previous);
    let asked = tokio::task::spawn_blocking(asked).await.map_err(|error| ProduceError::usage(error.to_string()))?;
    asked.map_err(|taken| ProduceError::usage(taken.message))
}

/// A project that begins with this episode has nothing said of it.
fn not_yet(error: store::Error) -> Result<About, store::Error> {
    if matches!(error, store::Error::NotFound { .. }) { Ok(About::default()) } else { Err(error) }
}

/// How this episode was made before.
async fn before(
    making: &ProductionContext,
    project: &Project,
    billing: &Billing,
) -> Result<Option<Production>, ProduceError> {
    let known = store::episodes::of_project(&making.context.db, project.id).await?;
    let is = |episode: &Episode| (episode.season, episode.number) == (billing.season, billing.number);
    match known.into_iter().find(is) {
        Some(episode) => Ok(store::productions::of_episode(&making.context.db, episode.id).await?),
        None => Ok(None),
    }
}

/// The recordings a screenplay names as the music of its scenes; they lie beside it.
async fn music(
    context: &Context,
    screenplay: &Screenplay,
    before: Option<&Production>,
) -> Result<BTreeMap<Job, Outputs>, ProduceError> {
    let mut given = BTreeMap::new();
    for (scene, number) in screenplay.script.scenes.iter().zip(1..) {
        let Some(name) = &scene.music else { continue };
        let line = scene.line;
        let Some(path) = &screenplay.path else {
            let job = Job::Music { scene: number };
            if let Some(known) = before.and_then(|before| known_music(before, name, job)) {
                given.insert(job, known);
                continue;
            }
            let why = format!("line {line}: the music '{name}' of scene {number} does not come with the screenplay");
            return Err(ProduceError::input(format!(
                "{why}; leave the note out and put the file in place of the music"
            )));
        };
        let beside = path.parent().unwrap_or(Path::new(""));
        let kept = intake::keep(context, &beside.join(name), Role::Sound).await.map_err(|why| {
            let file = path.display();
            ProduceError::input(format!("{file}:{line}: the music '{name}' of scene {number} cannot be used: {why}"))
        })?;
        given.insert(Job::Music { scene: number }, Outputs { files: vec![kept], reported: None });
    }
    Ok(given)
}

/// The recording of that name, when the episode was made with it before.
fn known_music(before: &Production, name: &str, wanted: Job) -> Option<Outputs> {
    let named = before.script.scenes.iter().zip(1..).filter(|(scene, _)| scene.music.as_deref() == Some(name));
    let jobs: Vec<Job> = named.map(|(_, scene)| Job::Music { scene }).collect();
    let first = jobs.iter().find(|one| **one == wanted).or(jobs.first())?;
    before.by_hand.given.get(first).cloned()
}

/// Engines a script may ask for by name, and who answers. With `--draft` the drafts stand in for all of them.
fn named_engines(draft: bool) -> BTreeMap<VideoEngine, String> {
    use VideoEngine::{Draft, Framepack, FramepackF1, Ltx, Wan};
    let answered: &[VideoEngine] = if draft { &[Draft, Framepack, FramepackF1, Ltx, Wan] } else { &[Draft] };
    answered.iter().map(|engine| (*engine, DRAFT_CLIPS.to_owned())).collect()
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
async fn project(
    making: &ProductionContext,
    options: &ProduceOptions,
    script: &Script,
) -> Result<Project, ProduceError> {
    let known = store::projects::list(&making.context.db).await?;
    let by_slug = |name: &String| known.iter().find(|project| project.slug == *name);
    if let Some(named) = options.project.as_ref().and_then(by_slug) {
        return Ok(named.clone());
    }
    let title = options.project.clone().or_else(|| script.show.clone()).unwrap_or_else(|| script.title.clone());
    if let Some(meant) = Project::meant(&title, &known) {
        // Of two that shared a folder before folders were kept apart, one moves now.
        return Ok(Project {
            folder: if meant.folder.is_empty() { meant.free_folder(&known) } else { meant.folder.clone() },
            ..meant.clone()
        });
    }
    let aired = script.aired.as_deref().and_then(|aired| aired.get(..4)?.parse().ok());
    let year = aired.filter(|year| (1928..=2500).contains(year)).unwrap_or_else(|| making.today().year());
    Ok(Project::beginning(ProjectId(making.context.clock.id()), title, year, &known))
}

async fn billing(
    making: &ProductionContext,
    options: &ProduceOptions,
    script: &Script,
    project: &Project,
) -> Result<Billing, ProduceError> {
    let season = options.season.or(script.season).unwrap_or(1);
    let number = options.episode.or(script.episode).unwrap_or(1);
    if season > 199 || number == 0 {
        let message =
            format!("season {season} episode {number} is not possible; seasons go from 0 to 199, episodes from 1");
        return Err(ProduceError::usage(message));
    }
    // The day it was first made stays its date, or every new day would publish it anew.
    let known = store::episodes::of_project(&making.context.db, project.id).await?;
    let known = known.into_iter().find(|episode| episode.season == season && episode.number == number);
    // Nobody said which one it is: then another title is another episode, whose place is not taken by a default.
    let named = options.episode.or(script.episode).is_some();
    if let Some(known) = known.as_ref().filter(|known| !named && !same_title(&known.title, &script.episode_title)) {
        return Err(ProduceError::usage(format!(
            "season {season} episode {number} of '{}' is '{}'; say which one '{}' is: 'Episode: {}' on its title page, or \
             --episode {}; --episode {number} puts it in that one's place",
            project.title,
            known.title,
            script.episode_title,
            number + 1,
            number + 1
        )));
    }
    let aired =
        script.aired.clone().or(known.map(|episode| episode.aired)).unwrap_or_else(|| making.today().to_string());
    let billing = Billing {
        show: project.title.clone(),
        folder: project.folder.clone(),
        year: project.year,
        season,
        number,
        title: script.episode_title.clone(),
        plot: script.plot.clone(),
        aired,
        language: script.language.clone(),
        unique_id: format!("{}-s{season:02}e{number:02}", project.slug),
    };
    publish::paths(&billing).map_err(|error| ProduceError::usage(error.to_string()))?;
    Ok(billing)
}
