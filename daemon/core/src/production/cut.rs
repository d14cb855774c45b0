//! Cut: the production's shots on the timeline, with the lengths their recorded voices need.

pub use crate::timeline::Fitted;

use super::{Job, Production, Results};
use crate::{
    media::MediaFacts,
    order::{Reported, Role},
    script::ScriptScene,
    shot::{ShotPlan, ShotType, Transition},
    spoken::Word,
    timeline::{self, FilmCut, Joins, SceneCut, ScenePart, ShotPart, Voice, sped},
    units::{Frames, SAMPLE_RATE, Samples},
};

/// Lengths of a shot's recorded lines at 48 kHz; a line without a recording counts as silent.
fn line_samples(plan: &ShotPlan, scene: u32, shot: u32, made: &dyn Results) -> Vec<Samples> {
    let length = |line: u32| {
        let recorded = made.outputs(Job::Voice { scene, shot, line })?;
        match recorded.first(Role::Sound)?.facts {
            MediaFacts::Sound { samples, rate, .. } => {
                Some(Samples((samples.0 * u64::from(SAMPLE_RATE)).div_ceil(u64::from(rate.max(1)))))
            }
            _ => None,
        }
    };
    (1..=plan.lines.len() as u32).map(|line| length(line).unwrap_or_default()).collect()
}

/// What a listener heard in a recorded line.
fn heard(made: &dyn Results, job: Job) -> Vec<Word> {
    match made.outputs(job).and_then(|made| made.reported.as_ref()) {
        Some(Reported::Recording { heard: Some(heard), .. }) => heard.words.clone(),
        _ => Vec::new(),
    }
}

/// The same words, spoken faster.
fn hurried(words: Vec<Word>, speed: u32) -> Vec<Word> {
    let ms = |ms: u64| ms * 1000 / u64::from(speed.max(1));
    words.into_iter().map(|word| Word { start_ms: ms(word.start_ms), end_ms: ms(word.end_ms), ..word }).collect()
}

fn entering(production: &Production, scene: u32) -> Transition {
    if scene == 1 { Transition::CUT } else { production.scene(scene).map_or(Transition::CUT, |s| s.transition) }
}

/// Length of a shot and speed of its lines, and why when they are not what the script asks for.
pub fn shot_frames(production: &Production, scene: u32, shot: u32, made: &dyn Results) -> Fitted {
    let Some((script, this)) = production.scene(scene).zip(production.shot(scene, shot)) else {
        return Fitted { frames: Frames(1), speed: 1000, fit: None };
    };
    let next = script.shots.get(shot as usize).map(|next| &next.plan);
    let (comes, goes) = (entering(production, scene), entering(production, scene + 1));
    let joins = Joins::between(shot as usize - 1, Some(&this.plan), next, comes, goes);
    let voices = line_samples(&this.plan, scene, shot, made);
    timeline::shot_frames(&this.plan, &voices, joins, production.fps)
}

fn parts(production: &Production, script: &ScriptScene, scene: u32, made: &dyn Results) -> Vec<ShotPart> {
    let part = |(this, shot): (&crate::script::ScriptShot, u32)| {
        let recorded = line_samples(&this.plan, scene, shot, made);
        let fitted = shot_frames(production, scene, shot, made);
        let lines = this.plan.lines.iter().zip(recorded).zip(1..);
        let voices = lines.map(|((line, samples), number)| Voice {
            character: line.character.clone(),
            text: line.text.clone(),
            dual: line.dual,
            samples: sped(samples, fitted.speed),
            words: hurried(heard(made, Job::Voice { scene, shot, line: number }), fitted.speed),
        });
        ShotPart { frames: fitted.frames, transition: this.plan.transition, voices: voices.collect() }
    };
    script.shots.iter().zip(1..).map(part).collect()
}

/// One scene on the timeline.
pub fn scene_cut(production: &Production, scene: u32, made: &dyn Results) -> SceneCut {
    let shots = production.scene(scene).map_or_else(Vec::new, |script| parts(production, script, scene, made));
    timeline::cut_scene(&shots, entering(production, scene), production.fps)
}

/// The whole film on the timeline.
pub fn film_cut(production: &Production, made: &dyn Results) -> FilmCut {
    let scene = |(script, scene): (&ScriptScene, u32)| ScenePart {
        title: script.title.clone(),
        transition: script.transition,
        shots: parts(production, script, scene, made),
    };
    let scenes: Vec<ScenePart> = production.script.scenes.iter().zip(1..).map(scene).collect();
    timeline::cut_film(&scenes, production.fps)
}

/// The picture the thumbnail is: the film's first, or, when that is black, the middle of the first shot that is not.
pub(super) fn thumb_at(production: &Production, film: &FilmCut) -> Frames {
    let scenes = production.script.scenes.iter().zip(&film.scenes);
    let mut seen = scenes.skip_while(|(script, _)| script.look.is_black());
    match seen.next().and_then(|(_, placed)| Some((placed.start, placed.cut.shots.first()?))) {
        Some((start, first)) if start.0 > 0 => start + first.start + Frames(first.frames.0 / 2),
        _ => Frames(0),
    }
}

/// The picture the poster is made from: the middle of the first close-up, else of the first shot with somebody in it.
pub(super) fn poster_at(production: &Production, film: &FilmCut) -> Frames {
    let shots = || {
        production.script.scenes.iter().zip(&film.scenes).flat_map(|(script, placed)| {
            script
                .shots
                .iter()
                .zip(&placed.cut.shots)
                .filter(|_| !script.look.is_black())
                .map(|(shot, cut)| (&shot.plan, placed.start + cut.start + Frames(cut.frames.0 / 2)))
        })
    };
    let close = shots().find(|(plan, _)| plan.shot_type == ShotType::CloseUp && !plan.characters.is_empty());
    let anybody = || shots().find(|(plan, _)| !plan.characters.is_empty());
    close.or_else(anybody).or_else(|| shots().next()).map_or(Frames(0), |(_, at)| at)
}
