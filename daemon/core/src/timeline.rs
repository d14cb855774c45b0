//! Timeline: shots, transitions and voices become a cut, exact in frames and samples.
//!
//! Lengths are whole frames. Every sample position is computed from an absolute frame, never by adding up
//! rounded lengths, so picture and sound are still together after three hours.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    media::Chapter,
    shot::{ShotPlan, Transition, TransitionKind},
    spoken::Word,
    subtitle::Cue,
    units::{Fps, Frames, SAMPLE_RATE, Samples},
};

mod cues;

/// Silence between the start of a shot and its first word, in milliseconds.
pub const LEAD_IN_MS: u64 = 300;
/// Silence between two lines of a shot, in milliseconds.
pub const BETWEEN_LINES_MS: u64 = 250;
/// Silence between the last word of a shot and its end, in milliseconds.
pub const TAIL_MS: u64 = 500;
/// Fastest a recorded line is spoken to fit a shot whose length the script fixes, in thousandths.
pub const FASTEST: u32 = 1150;
/// Speeds that are tried, in thousandths.
const SPEED_STEP: usize = 10;
/// Longest title of a chapter, in bytes of UTF-8.
const CHAPTER_TITLE_BYTES: usize = 255;

/// A recorded line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// Name of who speaks, as the script writes it.
    pub character: String,
    /// What is said.
    pub text: String,
    /// Begins together with the line before.
    pub dual: bool,
    /// Length of the recording at 48 kHz.
    pub samples: Samples,
    /// What a listener heard in it, and when; subtitles are timed by it.
    pub words: Vec<Word>,
}

/// One shot as the timeline sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShotPart {
    /// Length of the master, at least 1; see [`shot_frames`].
    pub frames: Frames,
    /// From the shot before into this one; on the first shot of a scene the scene's own counts instead.
    pub transition: Transition,
    /// What is said, in order.
    pub voices: Vec<Voice>,
}

/// One scene as the timeline sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenePart {
    /// Title of its chapter; "Scene 3" when empty.
    pub title: String,
    /// From the scene before into this one; ignored on the first scene.
    pub transition: Transition,
    /// Its shots, in order.
    pub shots: Vec<ShotPart>,
}

/// How a shot is joined to its neighbours, in its scene or across scenes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joins {
    /// From the shot before into this one.
    pub entering: Transition,
    /// From this one into the next.
    pub leaving: Transition,
}

impl Joins {
    /// The joins of shot `at` (from 0) among the `plans` of its scene, which is itself entered and left by these.
    pub fn of(at: usize, plans: &[ShotPlan], scene_entering: Transition, scene_leaving: Transition) -> Self {
        Self::between(at, plans.get(at), plans.get(at + 1), scene_entering, scene_leaving)
    }

    /// The same of a shot and the one after it, for who does not have all plans of the scene in a row.
    pub fn between(
        at: usize,
        shot: Option<&ShotPlan>,
        next: Option<&ShotPlan>,
        scene_entering: Transition,
        scene_leaving: Transition,
    ) -> Self {
        let entering = if at == 0 { scene_entering } else { shot.map_or(Transition::CUT, |plan| plan.transition) };
        Self { entering, leaving: next.map_or(scene_leaving, |plan| plan.transition) }
    }
}

/// A scene laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SceneCut {
    /// Length of the scene.
    pub frames: Frames,
    /// Length of its sound: where its last frame ends.
    pub samples: Samples,
    /// The shots, in order.
    pub shots: Vec<PlacedShot>,
    /// The lines, in order.
    pub lines: Vec<PlacedLine>,
    /// Frames at its start that may be blended with the scene before.
    pub head_room: Frames,
    /// Frames at its end that may be blended with the scene after.
    pub tail_room: Frames,
}

/// A shot in its scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedShot {
    /// First frame in the scene, where the overlap begins.
    pub start: Frames,
    /// Its length, both overlaps included.
    pub frames: Frames,
    /// Frames it shares with the shot before; 0 on the first one and for a cut.
    pub overlap: Frames,
    /// The blend over the overlap.
    pub transition: TransitionKind,
}

/// A line in its scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedLine {
    /// Index of its shot in the scene, from 0.
    pub shot: usize,
    /// Index of the line in its shot, from 0.
    pub line: usize,
    /// Where it begins in the scene.
    pub at: Samples,
    /// How long it is.
    pub samples: Samples,
}

/// A film laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilmCut {
    /// Length of the film.
    pub frames: Frames,
    /// Length of its sound: where its last frame ends.
    pub samples: Samples,
    /// The scenes, in order.
    pub scenes: Vec<PlacedScene>,
    /// One per scene that has a picture.
    pub chapters: Vec<Chapter>,
    /// What is said, and when, in film time.
    pub cues: Vec<Cue>,
}

/// A scene in the film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedScene {
    /// First frame in the film, where the overlap begins.
    pub start: Frames,
    /// Its length, both overlaps included.
    pub frames: Frames,
    /// Frames it shares with the scene before; 0 on the first one and for a cut.
    pub overlap: Frames,
    /// The blend over the overlap.
    pub transition: TransitionKind,
    /// Where its sound begins in the film.
    pub at: Samples,
    /// How long its sound cross-fades with the scene before: as long as the overlap.
    pub crossfade: Samples,
    /// What is inside.
    pub cut: SceneCut,
}

/// A shot and its lines, fitted to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitted {
    /// Length of the shot.
    pub frames: Frames,
    /// How much faster than recorded its lines are spoken, in thousandths, 1000..=[`FASTEST`].
    pub speed: u32,
    /// How it was made to fit, when the script's own length was not kept, or its lines are hurried for it.
    pub fit: Option<Fit>,
}

/// How a shot and its lines were made to fit each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Fit {
    /// Its lines are spoken faster than they were recorded.
    Hurried {
        /// How much faster, in thousandths, 1000..=[`FASTEST`].
        speed: u32,
        /// The length the script asks for, in milliseconds.
        asked_ms: u64,
    },
    /// It is longer than the script asks for.
    Extended {
        /// The length the script asks for, in milliseconds.
        asked_ms: u64,
        /// The length its lines need with the pauses around them, in milliseconds.
        needs_ms: u64,
    },
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ms: u64| ms as f64 / 1000.0;
        match *self {
            Self::Hurried { speed, asked_ms } => {
                let (times, asked) = (f64::from(speed) / 1000.0, seconds(asked_ms));
                write!(f, "its lines are spoken {times:.2} times as fast to fit the {asked:.1} s the script asks for")
            }
            Self::Extended { asked_ms, needs_ms } => {
                let (asked, needs) = (seconds(asked_ms), seconds(needs_ms));
                write!(
                    f,
                    "the script asks for {asked:.1} s, but its lines need {needs:.1} s with the pauses around them: \
                     extended to {needs:.1} s"
                )
            }
        }
    }
}

/// A length when it is spoken faster by `speed` in thousandths.
pub fn sped(samples: Samples, speed: u32) -> Samples {
    Samples((samples.0 * 1000).div_ceil(u64::from(speed.max(1))))
}

/// How long a shot must be for its plan and its recorded lines.
///
/// Speech begins after the transition into the shot and ends before the one out of it. A shot is extended for its
/// lines; when the script fixes its length they are hurried as far as nobody minds, and it is extended only when that
/// is not enough. `line_samples` are the lengths of the plan's lines, in order.
pub fn shot_frames(plan: &ShotPlan, line_samples: &[Samples], joins: Joins, fps: Fps) -> Fitted {
    let planned = fps.frames_in_ms(plan.planned_ms).max(Frames(1));
    let lead = fps.frames_in_ms(LEAD_IN_MS).max(wanted(joins.entering, fps));
    let tail = fps.frames_in_ms(TAIL_MS).max(wanted(joins.leaving, fps));
    let needed = |speed: u32| {
        let lines = plan.lines.iter().zip(line_samples).map(|(line, samples)| (line.dual, sped(*samples, speed)));
        lead + fps.frames_covering(lay_out(lines).1) + tail
    };
    let natural = if line_samples.is_empty() { planned } else { needed(1000) };
    if natural <= planned || !plan.fixed_length {
        return Fitted { frames: planned.max(natural), speed: 1000, fit: None };
    }
    if let Some(speed) = (1000..=FASTEST).step_by(SPEED_STEP).find(|speed| needed(*speed) <= planned) {
        let fit = Fit::Hurried { speed, asked_ms: plan.planned_ms };
        return Fitted { frames: planned, speed, fit: Some(fit) };
    }
    let fit = Fit::Extended { asked_ms: plan.planned_ms, needs_ms: fps.ms_at(natural) };
    Fitted { frames: natural, speed: 1000, fit: Some(fit) }
}

/// Lays out the shots of one scene that is entered by `entering`. Nothing depends on the other scenes.
pub fn cut_scene(shots: &[ShotPart], entering: Transition, fps: Fps) -> SceneCut {
    let mut placed: Vec<PlacedShot> = Vec::with_capacity(shots.len());
    let mut lines = Vec::new();
    // What the shot before can give to an overlap, and where it ends.
    let (mut tail_room, mut end) = (Frames(0), Frames(0));
    for (index, shot) in shots.iter().enumerate() {
        let transition = if index == 0 { entering } else { shot.transition };
        let room = overlap_room(shot.frames);
        let overlap = if index == 0 { Frames(0) } else { wanted(transition, fps).min(room).min(tail_room) };
        let start = end - overlap;
        let kind = if overlap == Frames(0) { TransitionKind::Cut } else { transition.kind };
        placed.push(PlacedShot { start, frames: shot.frames, overlap, transition: kind });

        // The most the overlap can be, not what it is: the lines of a scene stay where they are whatever comes before.
        let lead = fps.frames_in_ms(LEAD_IN_MS).max(wanted(transition, fps).min(room));
        let (offsets, spoken) = lay_out(shot.voices.iter().map(|voice| (voice.dual, voice.samples)));
        let first = fps.sample_at(start + lead);
        lines.extend(offsets.iter().zip(&shot.voices).enumerate().map(|(line, (offset, voice))| PlacedLine {
            shot: index,
            line,
            at: first + *offset,
            samples: voice.samples,
        }));
        let silent_from = if shot.voices.is_empty() { Frames(0) } else { lead + fps.frames_covering(spoken) };
        tail_room = room.min(shot.frames - silent_from);
        end = start + shot.frames;
    }
    let head_room = shots.first().map_or(Frames(0), |shot| overlap_room(shot.frames));
    SceneCut { frames: end, samples: fps.sample_at(end), shots: placed, lines, head_room, tail_room }
}

/// Lays out the whole film.
pub fn cut_film(scenes: &[ScenePart], fps: Fps) -> FilmCut {
    let mut placed: Vec<PlacedScene> = Vec::with_capacity(scenes.len());
    let mut chapters = Vec::new();
    let (mut tail_room, mut end) = (Frames(0), Frames(0));
    for (index, scene) in scenes.iter().enumerate() {
        let entering = if index == 0 { Transition::CUT } else { scene.transition };
        let cut = cut_scene(&scene.shots, entering, fps);
        let overlap = wanted(entering, fps).min(tail_room).min(cut.head_room);
        let start = end - overlap;
        let at = fps.sample_at(start);
        if cut.frames > Frames(0) {
            // In the middle of the blend, so that a jump to the chapter does not show the scene before it.
            let seen_from = start + Frames(overlap.0.div_ceil(2));
            chapters.push(Chapter { start_ms: fps.ms_at(seen_from), title: chapter_title(&scene.title, index + 1) });
        }
        end = start + cut.frames;
        tail_room = cut.tail_room;
        placed.push(PlacedScene {
            start,
            frames: cut.frames,
            overlap,
            transition: if overlap == Frames(0) { TransitionKind::Cut } else { entering.kind },
            at,
            crossfade: fps.sample_at(start + overlap) - at,
            cut,
        });
    }
    let cues = cues::of_film(scenes, &placed, fps.ms_at(end));
    FilmCut { frames: end, samples: fps.sample_at(end), scenes: placed, chapters, cues }
}

/// The overlap a transition asks for.
fn wanted(transition: Transition, fps: Fps) -> Frames {
    if transition.kind == TransitionKind::Cut { Frames(0) } else { fps.frames_in_ms(u64::from(transition.ms)) }
}

/// The longest overlap at either end of a shot: two fifths of it, and two frames in the middle stay untouched
/// even when both ends are used.
fn overlap_room(frames: Frames) -> Frames {
    Frames((frames.0 * 2 / 5).min(frames.0.saturating_sub(2) / 2))
}

/// Where each line begins after the first one, and where the last one ends. Takes (dual, length).
fn lay_out(lines: impl Iterator<Item = (bool, Samples)>) -> (Vec<Samples>, Samples) {
    let pause = Samples(BETWEEN_LINES_MS * u64::from(SAMPLE_RATE) / 1000);
    let (mut offsets, mut begin, mut end) = (Vec::new(), Samples(0), Samples(0));
    for (dual, samples) in lines {
        if !dual && !offsets.is_empty() {
            begin = end + pause;
        }
        offsets.push(begin);
        end = end.max(begin + samples);
    }
    (offsets, end)
}

fn chapter_title(title: &str, number: usize) -> String {
    match title.trim() {
        "" => format!("Scene {number}"),
        title => title[..title.floor_char_boundary(CHAPTER_TITLE_BYTES)].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shot::{CameraAngle, Line, Motion, ShotType};

    const FPS: Fps = Fps::whole(30);
    const DISSOLVE: Transition = Transition::BETWEEN_SHOTS;

    fn plan(planned_ms: u64, fixed_length: bool, dual: &[bool]) -> ShotPlan {
        let line =
            |dual: &bool| Line { character: "MARA".into(), text: "Yes.".into(), parenthetical: None, dual: *dual };
        ShotPlan {
            shot_type: ShotType::Medium,
            angle: CameraAngle::EyeLevel,
            motion: Motion::Static,
            description: String::new(),
            characters: Vec::new(),
            lines: dual.iter().map(line).collect(),
            planned_ms,
            fixed_length,
            transition: DISSOLVE,
            engine: None,
            continues: false,
            own_still: false,
            loras: Vec::new(),
            card: None,
        }
    }

    fn shot(frames: u64, transition: Transition, voices: &[(bool, u64)]) -> ShotPart {
        let voice = |(dual, ms): &(bool, u64)| Voice {
            character: "MARA".into(),
            text: "Yes.".into(),
            dual: *dual,
            samples: Samples(ms * 48),
            words: Vec::new(),
        };
        ShotPart { frames: Frames(frames), transition, voices: voices.iter().map(voice).collect() }
    }

    fn natural(frames: u64) -> Fitted {
        Fitted { frames: Frames(frames), speed: 1000, fit: None }
    }

    #[test]
    fn a_shot_is_as_long_as_its_plan_or_its_voices() {
        let joins = Joins { entering: DISSOLVE, leaving: DISSOLVE };
        assert_eq!(shot_frames(&plan(2000, false, &[]), &[], joins, FPS), natural(60));
        let second = Samples(48_000);
        // 300 + 1000 + 250 + 1000 + 500 ms, the covering frame rounded up.
        assert_eq!(shot_frames(&plan(2000, false, &[false, false]), &[second; 2], joins, FPS), natural(92));
        // Spoken together: 300 + 1000 + 500 ms fit the plan.
        assert_eq!(shot_frames(&plan(2000, false, &[false, true]), &[second; 2], joins, FPS), natural(60));
    }

    #[test]
    fn a_fixed_length_too_short_is_extended_and_says_so() {
        let joins = Joins { entering: Transition::CUT, leaving: Transition::CUT };
        let Fitted { frames, fit, .. } = shot_frames(&plan(1000, true, &[false]), &[Samples(48_000)], joins, FPS);
        assert_eq!(frames, Frames(54));
        let said = "the script asks for 1.0 s, but its lines need 1.8 s with the pauses around them: extended to 1.8 s";
        assert_eq!(fit.map(|fit| fit.to_string()).as_deref(), Some(said));
        assert_eq!(shot_frames(&plan(1800, true, &[false]), &[Samples(48_000)], joins, FPS), natural(54));
    }

    #[test]
    fn lines_are_hurried_a_little_before_a_fixed_length_gives_way() {
        let joins = Joins { entering: Transition::CUT, leaving: Transition::CUT };
        // 300 + 2200 + 500 ms in 2.8 s: 2200 ms must be said in 2000.
        let hurried = shot_frames(&plan(2800, true, &[false]), &[Samples(2200 * 48)], joins, FPS);
        assert_eq!((hurried.frames, hurried.speed), (Frames(84), 1100), "{hurried:?}");
        assert_eq!(
            hurried.fit.unwrap().to_string(),
            "its lines are spoken 1.10 times as fast to fit the 2.8 s the script asks for"
        );
        let natural = shot_frames(&plan(2800, false, &[false]), &[Samples(2200 * 48)], joins, FPS);
        assert_eq!((natural.frames, natural.speed), (Frames(90), 1000), "nobody asked for a length");
        let hopeless = shot_frames(&plan(2000, true, &[false]), &[Samples(2200 * 48)], joins, FPS);
        assert_eq!((hopeless.frames, hopeless.speed), (Frames(90), 1000), "then at least it is spoken as it was");
    }

    #[test]
    fn long_transitions_make_room_around_the_voice() {
        let long = Transition { kind: TransitionKind::Fade, ms: 1000 };
        let joins = Joins { entering: long, leaving: long };
        let Fitted { frames, .. } = shot_frames(&plan(1000, false, &[false]), &[Samples(48_000)], joins, FPS);
        assert_eq!(frames, Frames(90));
        let part = shot(90, long, &[(false, 1000)]);
        let cut = cut_scene(&[part.clone(), part.clone(), part], Transition::CUT, FPS);
        assert_eq!(cut.shots[1].overlap, Frames(30));
        assert_eq!(cut.lines[1].at, FPS.sample_at(cut.shots[1].start + Frames(30)));
    }

    #[test]
    fn a_transition_never_covers_speech() {
        // The voice of the first shot ends two frames before it: only those two can be blended.
        let shots = [shot(41, Transition::CUT, &[(false, 1000)]), shot(100, DISSOLVE, &[])];
        assert_eq!(cut_scene(&shots, Transition::CUT, FPS).shots[1].overlap, Frames(2));
    }

    #[test]
    fn overlaps_shrink_on_short_shots_and_keep_a_body() {
        assert_eq!([1, 2, 3, 4, 5, 8, 20, 100].map(|n| overlap_room(Frames(n)).0), [0, 0, 0, 1, 1, 3, 8, 40]);
        let cut = cut_scene(
            &[shot(100, DISSOLVE, &[]), shot(5, DISSOLVE, &[]), shot(1, DISSOLVE, &[])],
            Transition::CUT,
            FPS,
        );
        assert_eq!(cut.shots.iter().map(|shot| shot.overlap.0).collect::<Vec<_>>(), [0, 1, 0]);
        assert_eq!(cut.frames, Frames(105));
        assert_eq!(cut.shots[2].transition, TransitionKind::Cut);
    }

    #[test]
    fn scenes_overlap_and_chapters_begin_inside_the_blend() {
        let scene = |title: &str| ScenePart {
            title: title.into(),
            transition: Transition::BETWEEN_SCENES,
            shots: vec![shot(60, DISSOLVE, &[(false, 700)]), shot(60, DISSOLVE, &[])],
        };
        let film = cut_film(&[scene("Pier"), scene("")], FPS);
        assert_eq!(film.frames, Frames(2 * (120 - 9) - 15));
        assert_eq!(film.samples, FPS.sample_at(film.frames));
        let second = &film.scenes[1];
        assert_eq!(
            (second.start, second.overlap, second.transition),
            (Frames(96), Frames(15), TransitionKind::FadeBlack)
        );
        assert_eq!((second.at, second.crossfade), (Samples(96 * 1600), Samples(15 * 1600)));
        let chapters: Vec<_> = film.chapters.iter().map(|chapter| (chapter.start_ms, chapter.title.as_str())).collect();
        assert_eq!(chapters, [(0, "Pier"), (3467, "Scene 2")]);
        assert_eq!(film.cues[1].start_ms, (96 + 15) * 1000 / 30);
    }

    #[test]
    fn an_empty_scene_has_no_chapter() {
        let nothing = ScenePart { title: "Lost".into(), transition: DISSOLVE, shots: Vec::new() };
        assert!(cut_film(&[nothing], FPS).chapters.is_empty());
    }

    #[test]
    fn joins_come_from_the_scene_at_its_ends() {
        let plans = [plan(1000, false, &[]), plan(1000, false, &[])];
        let (cut, fade) = (Transition::CUT, Transition::BETWEEN_SCENES);
        assert_eq!(Joins::of(0, &plans, cut, fade), Joins { entering: cut, leaving: DISSOLVE });
        assert_eq!(Joins::of(1, &plans, cut, fade), Joins { entering: DISSOLVE, leaving: fade });
    }
}
