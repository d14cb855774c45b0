//! Resolve: a job becomes an order once what it needs is made.

use super::{
    FilmRemark, Job, Missing, Production, Results, cut, gate, job,
    results::{asset, maybe, outputs, scene_of, shot_of},
    review,
};
use crate::{
    character::{by_name, same_name},
    gates,
    media::MediaFacts,
    music,
    order::{
        ArtworkOrder, ClipOrder, JoinEpisodeOrder, JoinSceneOrder, JoinedPart, MasterOrder, MasteredPart,
        MixSceneOrder, MusicOrder, NormaliseOrder, Order, Outputs, PlacedVoice, PublishOrder, Recipe, Reported, Role,
        StillOrder, VoiceOrder,
    },
    review::Issue,
    shot::{ShotPlan, ShotType},
    spoken::GOOD_WER,
    take::Subject,
    units::{Fps, Frames, SAMPLE_RATE, Samples},
    workflow::SlotValue,
};

/// Music is ordered in steps of this length, so that a scene that grows by a word keeps its tune.
const MUSIC_STEP: Samples = Samples(15 * SAMPLE_RATE as u64);
/// Longest bed; longer scenes repeat it.
const LONGEST_BED: Samples = Samples(90 * SAMPLE_RATE as u64);

/// An order, and what is to be said about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// What the engine is asked to make.
    pub order: Order,
    /// Decisions on the way that a viewer of the film should know.
    pub remarks: Vec<FilmRemark>,
    /// Decisions on the way that are kept for whoever asks why.
    pub reasons: Vec<FilmRemark>,
}

/// The order of `job`, with every input named by content hash.
///
/// # Errors
/// What it is made of is not made yet, or is not in the script.
pub fn resolve(production: &Production, job: Job, made: &dyn Results) -> Result<Resolved, Missing> {
    let (mut remarks, mut reasons) = (Vec::new(), Vec::new());
    let order = match job {
        Job::Voice { scene, shot, line } => voice(production, scene, shot, line)?,
        Job::Take { subject: Subject::Still, scene, shot, take } => {
            reasons.extend(production.dataset_picture(scene, shot).map(|from| FilmRemark::FromDataset {
                job,
                picture: from.picture,
                asked: from.asked.clone(),
                agrees: from.agrees.clone(),
            }));
            still(production, scene, shot, take, made)?
        }
        Job::Take { subject: Subject::Clip, scene, shot, take } => {
            clip(production, scene, shot, take, made, (&mut remarks, &mut reasons))?
        }
        Job::Review { subject, scene, shot, take } => review::review(production, subject, scene, shot, take, made)?,
        // These are decided, not ordered.
        Job::Gate { .. } | Job::Portraits { .. } => return Err(Missing::Job(job)),
        Job::Normalise { scene, shot } => {
            let chosen = Job::Gate { subject: Subject::Clip, scene, shot };
            let clip = asset(made, chosen, Role::Video)?;
            let frames = cut::shot_frames(production, scene, shot, made).frames;
            let hold = production.given(chosen).is_some();
            let short_ms = made.outputs(chosen).filter(|_| hold).and_then(|given| held(given, frames, production.fps));
            remarks.extend(short_ms.map(|short_ms| FilmRemark::Held { job, short_ms }));
            Order::Normalise(NormaliseOrder { clip, size: production.size, fps: production.fps, frames, hold })
        }
        Job::Music { scene } => music(production, scene, made)?,
        Job::Mix { scene } => mix(production, scene, made, &mut remarks),
        Job::SceneFilm { scene } => scene_film(production, scene, made)?,
        Job::Sound => sound(production, made, &mut remarks),
        Job::Film => film(production, made, &mut remarks)?,
        Job::Artwork => artwork(production, made)?,
        Job::Library => library(production, made)?,
        Job::Golden { number } => {
            let order = production.golden.get(number as usize - 1).cloned();
            Order::Review(order.ok_or(Missing::Job(job))?)
        }
    };
    if let (
        Order::Still(StillOrder { recipe: Some(recipe), .. }) | Order::Clip(ClipOrder { recipe: Some(recipe), .. }),
        Job::Take { scene, shot, .. },
    ) = (&order, job)
    {
        let names = &shot_of(production, scene, shot)?.plan.characters;
        let models = production.cast.models.as_ref();
        let settings = models.map_or_else(Vec::new, |models| models.origins(&recipe.model, names));
        if !settings.is_empty() {
            reasons.push(FilmRemark::Settings { job, model: recipe.model.clone(), settings });
        }
    }
    Ok(Resolved { order, remarks, reasons })
}

fn voice(production: &Production, scene: u32, shot: u32, line: u32) -> Result<Order, Missing> {
    let job = Job::Voice { scene, shot, line };
    let plan = &shot_of(production, scene, shot)?.plan;
    let line = plan.lines.get(line as usize - 1).ok_or(Missing::Job(job))?;
    Ok(Order::Voice(VoiceOrder {
        character: line.character.clone(),
        profile: production.figure(&line.character, false).profile,
        text: line.text.clone(),
        manner: line.parenthetical.clone(),
        language: production.billing.language.clone(),
        voice: by_name(&production.cast.voices, &line.character).cloned(),
        sample: by_name(&production.cast.samples, &line.character).cloned(),
    }))
}

/// What judges said of the takes before `take`, each once, in the order it was said.
fn issues_before(made: &dyn Results, subject: Subject, scene: u32, shot: u32, take: u32) -> Vec<Issue> {
    let mut issues = Vec::new();
    for take in 1..take {
        let review = made.outputs(Job::Review { subject, scene, shot, take });
        let said = review.and_then(gate::verdict).map(|verdict| verdict.issues.as_slice()).unwrap_or_default();
        for issue in said {
            if !issues.contains(issue) {
                issues.push(*issue);
            }
        }
    }
    issues
}

fn still(production: &Production, scene: u32, shot: u32, take: u32, made: &dyn Results) -> Result<Order, Missing> {
    let plan = &shot_of(production, scene, shot)?.plan;
    let look = &scene_of(production, scene)?.look;
    let speaker =
        plan.lines.first().and_then(|line| plan.characters.iter().position(|name| same_name(name, &line.character)));
    let source = production.source_picture(scene, shot);
    let strength = source.and_then(|source| source.strength_percent);
    let recipe = recipe_of_still(production, scene, plan).map(|mut recipe| {
        if let Some(percent) = strength {
            recipe.settings.insert("denoise".into(), SlotValue::Float(f64::from(percent) / 100.0));
        }
        let issues = issues_before(made, Subject::Still, scene, shot, take);
        Recipe { issues, retake: take - 1, ..recipe }
    });
    Ok(Order::Still(StillOrder {
        look: look.clone(),
        shot_type: plan.shot_type,
        angle: plan.angle,
        description: plan.description.clone(),
        card: plan.card.clone(),
        figures: plan.characters.iter().map(|name| production.figure(name, recipe.is_some())).collect(),
        speaker,
        slate: format!("{scene}-{shot} {}", shot_word(plan.shot_type)),
        size: production.size,
        seed: gate::seed(production, Subject::Still, scene, shot, take),
        steps: gate::steps(production, take),
        source: source.map(|source| source.picture.clone()),
        recipe,
    }))
}

/// What a model is told about a still; `None` when the draft makes it.
fn recipe_of_still(production: &Production, scene: u32, plan: &ShotPlan) -> Option<Recipe> {
    let (_, hand) = production.still_route_of(scene);
    Some(production.cast.models.as_ref()?.shown(hand?, plan, place_of(production, scene), true))
}

/// Where a scene plays, as the screenplay names it.
fn place_of(production: &Production, scene: u32) -> Option<&str> {
    production.scene(scene).map(|scene| scene.look.location.as_str())
}

fn shot_word(shot_type: ShotType) -> &'static str {
    match shot_type {
        ShotType::Establishing => "ESTABLISHING",
        ShotType::Wide => "WIDE",
        ShotType::Medium => "MEDIUM",
        ShotType::CloseUp => "CLOSE-UP",
        ShotType::ExtremeCloseUp => "EXTREME CLOSE-UP",
        ShotType::Action => "ACTION",
    }
}

fn clip(
    production: &Production,
    scene: u32,
    shot: u32,
    take: u32,
    made: &dyn Results,
    (remarks, reasons): (&mut Vec<FilmRemark>, &mut Vec<FilmRemark>),
) -> Result<Order, Missing> {
    let plan = &shot_of(production, scene, shot)?.plan;
    let job = Job::Take { subject: Subject::Clip, scene, shot, take };
    let continues = production.continues(scene, shot);
    let role = if continues { Role::LastFrame } else { Role::Picture };
    let source = job::source(production, scene, shot);
    let from = source.map(|source| outputs(made, source).map(|made| (source, made))).transpose()?;
    let picture = from
        .map(|(source, made)| made.first(role).ok_or(Missing::Job(source)))
        .transpose()?
        .map(|picture| picture.asset.clone());
    let anew = review::anew(production, scene, shot, made);
    if anew.is_some() {
        reasons.push(FilmRemark::BegunAnew { job, drifted: shot - 1 });
    }
    let cut::Fitted { frames, speed, fit } = cut::shot_frames(production, scene, shot, made);
    // Hurried lines are heard by nobody who does not know; another length is seen.
    if speed == 1000 { &mut *remarks } else { &mut *reasons }.extend(fit.map(|fit| FilmRemark::Fitted { job, fit }));
    let route = production.route(scene, shot);
    if let Some(reason) = route.reason {
        // Another engine than the script asks for is seen in the film; the rules' choice is not.
        let other = plan.engine.is_some_and(|wanted| wanted != route.video);
        if other { &mut *remarks } else { &mut *reasons }.push(FilmRemark::Routed { job, route: reason });
    }
    if continues && !plan.continues && anew.is_none() {
        reasons.push(FilmRemark::GoesOn { job, from: shot - 1 });
    }
    let models = production.cast.models.as_ref().filter(|_| route.model.is_some());
    let hand = models.and_then(|models| models.clips.get(&route.video));
    let layers = from.filter(|_| !continues && models.is_none());
    Ok(Order::Clip(ClipOrder {
        source: anew.clone().or(picture),
        layers: layers.map_or_else(Vec::new, |(_, made)| made.all(Role::Layer).map(|l| l.asset.clone()).collect()),
        description: plan.description.clone(),
        motion: plan.motion,
        size: production.size,
        fps: production.fps,
        frames,
        wanted: plan.engine,
        seed: gate::seed(production, Subject::Clip, scene, shot, take),
        steps: gate::steps(production, take),
        // Drafts read no prompt, and what is not said keeps their keys.
        look: models.and_then(|_| production.scene(scene)).map(|scene| scene.look.clone()),
        shot_type: models.map(|_| plan.shot_type),
        figures: models
            .map_or_else(Vec::new, |_| plan.characters.iter().map(|name| production.figure(name, true)).collect()),
        script: hand.filter(|hand| hand.script).map(|_| spoken_script(plan)),
        recipe: models.zip(hand).map(|(models, hand)| Recipe {
            issues: issues_before(made, Subject::Clip, scene, shot, take),
            retake: take - 1,
            ..models.shown(hand, plan, place_of(production, scene), false)
        }),
    }))
}

/// A shot as a script has it: what happens, then `NAME: "line"` for each line.
fn spoken_script(plan: &ShotPlan) -> String {
    let line = |line: &crate::shot::Line| format!("{}: \"{}\"", line.character.to_uppercase(), line.text);
    let action = Some(plan.description.clone()).filter(|text| !text.is_empty());
    action.into_iter().chain(plan.lines.iter().map(line)).collect::<Vec<_>>().join("\n")
}

fn music(production: &Production, scene: u32, made: &dyn Results) -> Result<Order, Missing> {
    let script = scene_of(production, scene)?;
    let cut = cut::scene_cut(production, scene, made);
    let length = production.fps.sample_at(cut.frames).0.div_ceil(MUSIC_STEP.0).max(1) * MUSIC_STEP.0;
    Ok(Order::Music(MusicOrder {
        mood: script.look.mood.clone(),
        tempo_bpm: script.tempo_bpm,
        at_least: Samples(length).min(LONGEST_BED),
        seed: gates::seed(production.seed, &format!("music/{}/{}", script.heading, script.look.mood), 1),
        caption: production
            .cast
            .music_style
            .as_ref()
            .map(|style| music::caption(&script.look.mood, style, script.tempo_bpm)),
        recipe: production.music_route().1.zip(production.cast.models.as_ref()).map(|(hand, models)| Recipe {
            model: hand.model.clone(),
            quality: models.quality,
            settings: models.recipe(hand, &[], None, false).settings,
            ..Recipe::default()
        }),
    }))
}

fn mix(production: &Production, scene: u32, made: &dyn Results, remarks: &mut Vec<FilmRemark>) -> Order {
    let cut = cut::scene_cut(production, scene, made);
    let mut voices = Vec::new();
    for placed in &cut.lines {
        let job = Job::Voice { scene, shot: placed.shot as u32 + 1, line: placed.line as u32 + 1 };
        match maybe(made, job, Role::Sound) {
            Some(sound) => {
                let shot = placed.shot as u32 + 1;
                let speed = cut::shot_frames(production, scene, shot, made).speed;
                voices.push(PlacedVoice { sound, at: placed.at, speed });
                remarks.extend(stand_in(made, job).map(|why| FilmRemark::DraftSpeaks { job, why }));
                remarks.extend(misheard(made, job));
                remarks.extend(remark(made, job).map(|said| FilmRemark::Recording { job, said }));
            }
            None => remarks.push(FilmRemark::NoVoice { job }),
        }
    }
    let music = maybe(made, Job::Music { scene }, Role::Sound);
    if music.is_none() {
        remarks.push(FilmRemark::NoMusic { scene });
    }
    remarks.extend(stand_in(made, Job::Music { scene }).map(|why| FilmRemark::DraftPlays { scene, why }));
    let sound = &production.sound;
    Order::MixScene(MixSceneOrder {
        samples: production.fps.sample_at(cut.frames),
        voices,
        music,
        music_gain: sound.music_gain,
        voice_lufs: sound.voice_lufs,
        ducking: sound.ducking,
        fade_in: sound.fade_in,
        fade_out: sound.fade_out,
    })
}

/// For how long of a shot the last picture of a clip that somebody put in place is held, in milliseconds.
fn held(given: &Outputs, frames: Frames, fps: Fps) -> Option<u64> {
    let MediaFacts::Video { frames: own, fps: rate, .. } = given.first(Role::Video)?.facts else { return None };
    fps.ms_at(frames).checked_sub(rate.ms_at(own)).filter(|ms| *ms > 100)
}

/// Why a draft stands in for what a server should have made.
fn stand_in(made: &dyn Results, job: Job) -> Option<String> {
    match &made.outputs(job)?.reported {
        Some(Reported::Recording { stand_in, .. }) => stand_in.clone(),
        _ => None,
    }
}

/// What its engine says of a recording.
fn remark(made: &dyn Results, job: Job) -> Option<String> {
    match &made.outputs(job)?.reported {
        Some(Reported::Recording { remark, .. }) => remark.clone(),
        _ => None,
    }
}

/// What a listener says of a line that cannot be understood.
fn misheard(made: &dyn Results, job: Job) -> Option<FilmRemark> {
    match &made.outputs(job)?.reported {
        Some(Reported::Recording { heard: Some(heard), .. }) if heard.word_error_rate > GOOD_WER => {
            let percent = (heard.word_error_rate * 100.0).round() as u32;
            Some(FilmRemark::Misheard { job, percent })
        }
        _ => None,
    }
}

fn scene_film(production: &Production, scene: u32, made: &dyn Results) -> Result<Order, Missing> {
    let cut = cut::scene_cut(production, scene, made);
    let parts = cut.shots.iter().zip(1..).map(|(placed, shot)| {
        let video = asset(made, Job::Normalise { scene, shot }, Role::Video)?;
        Ok(JoinedPart { video, transition: placed.transition, overlap: placed.overlap })
    });
    Ok(Order::JoinScene(JoinSceneOrder {
        size: production.size,
        fps: production.fps,
        parts: parts.collect::<Result<_, Missing>>()?,
        sound: maybe(made, Job::Mix { scene }, Role::Sound),
    }))
}

fn sound(production: &Production, made: &dyn Results, remarks: &mut Vec<FilmRemark>) -> Order {
    let film = cut::film_cut(production, made);
    let mut parts = Vec::new();
    for (placed, scene) in film.scenes.iter().zip(1..) {
        match maybe(made, Job::Mix { scene }, Role::Sound) {
            Some(sound) => {
                let end = production.fps.sample_at(placed.start + placed.overlap);
                parts.push(MasteredPart { sound, at: placed.at, crossfade: end - placed.at });
            }
            None => remarks.push(FilmRemark::NoSound { scene }),
        }
    }
    Order::Master(MasterOrder { parts, samples: film.samples, loudness: production.sound.loudness })
}

fn film(production: &Production, made: &dyn Results, remarks: &mut Vec<FilmRemark>) -> Result<Order, Missing> {
    let film = cut::film_cut(production, made);
    let parts = film.scenes.iter().zip(1..).map(|(placed, scene)| {
        let video = asset(made, Job::SceneFilm { scene }, Role::Video)?;
        Ok(JoinedPart { video, transition: placed.transition, overlap: placed.overlap })
    });
    let sound = maybe(made, Job::Sound, Role::Sound);
    if sound.is_none() {
        remarks.push(FilmRemark::Silent);
    }
    Ok(Order::JoinEpisode(JoinEpisodeOrder {
        size: production.size,
        fps: production.fps,
        parts: parts.collect::<Result<_, Missing>>()?,
        sound,
        chapters: film.chapters,
        cues: film.cues,
        frames: film.frames,
        burn_in: production.burn_in,
        max_mib: production.max_mib,
    }))
}

fn artwork(production: &Production, made: &dyn Results) -> Result<Order, Missing> {
    let film = cut::film_cut(production, made);
    Ok(Order::Artwork(ArtworkOrder {
        film: asset(made, Job::Film, Role::Video)?,
        fps: production.fps,
        thumb_at: cut::thumb_at(production, &film),
        poster_at: cut::poster_at(production, &film),
        title: production.billing.show.clone(),
    }))
}

fn library(production: &Production, made: &dyn Results) -> Result<Order, Missing> {
    let plan = production.library.as_ref().ok_or(Missing::Job(Job::Library))?;
    let film = outputs(made, Job::Film)?;
    let video = film.first(Role::Video).ok_or(Missing::Job(Job::Film))?;
    let frames = cut::film_cut(production, made).frames;
    Ok(Order::Publish(PublishOrder {
        root: plan.root.clone(),
        mode: plan.mode,
        billing: production.billing.clone(),
        actors: production.script.characters.iter().map(|character| character.name.clone()).collect(),
        runtime_ms: production.fps.ms_at(frames),
        film: video.asset.clone(),
        srt: film.first(Role::Srt).map(|file| file.asset.clone()),
        vtt: film.first(Role::Vtt).map(|file| file.asset.clone()),
        thumb: maybe(made, Job::Artwork, Role::Thumb),
        poster: maybe(made, Job::Artwork, Role::Poster),
        fanart: maybe(made, Job::Artwork, Role::Fanart),
        replaces: Vec::new(),
        known: false,
        show: String::new(),
        shown: false,
    }))
}
