//! What must hold for every film, however its shots are cut.

use proptest::prelude::*;
use studio_core::{
    shot::{CameraAngle, Line, Motion, ShotPlan, ShotType, Transition, TransitionKind},
    timeline::{Joins, ScenePart, ShotPart, Voice, cut_film, shot_frames},
    units::{Fps, Frames, Samples},
};

fn any_fps() -> impl Strategy<Value = Fps> {
    prop_oneof![Just(Fps::whole(24)), Just(Fps::whole(25)), Just(Fps::whole(30)), Just(Fps { num: 30_000, den: 1001 })]
}

fn any_transition() -> impl Strategy<Value = Transition> {
    let kind = prop_oneof![
        Just(TransitionKind::Cut),
        Just(TransitionKind::Dissolve),
        Just(TransitionKind::FadeBlack),
        Just(TransitionKind::WipeLeft)
    ];
    (kind, prop_oneof![Just(0), Just(300), Just(500), 1u32..20_000]).prop_map(|(kind, ms)| Transition { kind, ms })
}

/// Short enough to be nasty, long enough to be real.
fn any_frames() -> impl Strategy<Value = u64> {
    prop_oneof![1u64..12, 12u64..300, 300u64..10_001]
}

fn any_voices() -> impl Strategy<Value = Vec<Voice>> {
    let text = "[a-z]{1,12}( [a-z,.]{1,12}){0,40}";
    let voice = (text, any::<bool>(), 1u64..500_000);
    let voice = voice.prop_map(|(text, dual, samples)| Voice {
        character: "MARA".into(),
        text,
        dual,
        samples: Samples(samples),
        words: Vec::new(),
    });
    prop::collection::vec(voice, 0..4)
}

/// Shots with any length at all, spoken lines or none.
fn raw_scenes() -> impl Strategy<Value = Vec<ScenePart>> {
    let shot = (any_frames(), any_transition(), prop_oneof![3 => Just(Vec::new()), 1 => any_voices()])
        .prop_map(|(frames, transition, voices)| ShotPart { frames: Frames(frames), transition, voices });
    let scene = (any_transition(), prop::collection::vec(shot, 1..8));
    prop::collection::vec(scene, 1..6).prop_map(|scenes| {
        let scene = |(transition, shots)| ScenePart { title: String::new(), transition, shots };
        scenes.into_iter().map(scene).collect()
    })
}

/// The plan of a shot as the screenplay gives it.
fn plan(part: &ShotPart, fps: Fps) -> ShotPlan {
    let line = |voice: &Voice| Line {
        character: voice.character.clone(),
        text: voice.text.clone(),
        parenthetical: None,
        dual: voice.dual,
    };
    ShotPlan {
        shot_type: ShotType::Wide,
        angle: CameraAngle::EyeLevel,
        motion: Motion::Static,
        description: String::new(),
        characters: Vec::new(),
        lines: part.voices.iter().map(line).collect(),
        planned_ms: fps.ms_at(part.frames),
        fixed_length: false,
        transition: part.transition,
        engine: None,
        continues: false,
        own_still: false,
        loras: Vec::new(),
        card: None,
    }
}

/// The same film with every shot as long as `shot_frames` says.
fn as_planned(mut scenes: Vec<ScenePart>, fps: Fps) -> Vec<ScenePart> {
    for index in 0..scenes.len() {
        let entering = if index == 0 { Transition::CUT } else { scenes[index].transition };
        let leaving = scenes.get(index + 1).map_or(Transition::CUT, |next| next.transition);
        let plans: Vec<ShotPlan> = scenes[index].shots.iter().map(|shot| plan(shot, fps)).collect();
        for (at, shot) in scenes[index].shots.iter_mut().enumerate() {
            let samples: Vec<Samples> = shot.voices.iter().map(|voice| voice.samples).collect();
            shot.frames = shot_frames(&plans[at], &samples, Joins::of(at, &plans, entering, leaving), fps).frames;
        }
    }
    scenes
}

proptest! {
    #[test]
    fn the_film_is_its_shots_less_the_overlaps(scenes in raw_scenes(), fps in any_fps()) {
        let film = cut_film(&scenes, fps);
        let shots: Frames = scenes.iter().flat_map(|scene| &scene.shots).map(|shot| shot.frames).sum();
        let inside: Frames = film.scenes.iter().flat_map(|scene| &scene.cut.shots).map(|shot| shot.overlap).sum();
        let between: Frames = film.scenes.iter().map(|scene| scene.overlap).sum();
        prop_assert_eq!(film.frames.0 + inside.0 + between.0, shots.0);
        let last = film.scenes.last().unwrap();
        prop_assert_eq!(film.frames, last.start + last.frames);
    }

    #[test]
    fn picture_and_sound_share_every_boundary(scenes in raw_scenes(), fps in any_fps()) {
        let film = cut_film(&scenes, fps);
        prop_assert_eq!(film.samples, fps.sample_at(film.frames), "they end together");
        for scene in &film.scenes {
            prop_assert_eq!(scene.at, fps.sample_at(scene.start));
            prop_assert_eq!(scene.at + scene.crossfade, fps.sample_at(scene.start + scene.overlap));
            prop_assert_eq!(scene.cut.samples, fps.sample_at(scene.cut.frames));
            // A scene's own sound reaches the next one, to the sample that rounding may cost.
            prop_assert!((scene.at + scene.cut.samples).0.abs_diff(fps.sample_at(scene.start + scene.frames).0) <= 1);
        }
    }

    #[test]
    fn two_overlaps_of_one_shot_never_meet(scenes in raw_scenes(), fps in any_fps()) {
        let film = cut_film(&scenes, fps);
        for (index, scene) in film.scenes.iter().enumerate() {
            let leaving = film.scenes.get(index + 1).map_or(Frames(0), |next| next.overlap);
            for (at, shot) in scene.cut.shots.iter().enumerate() {
                let head = if at == 0 { scene.overlap } else { shot.overlap };
                let tail = scene.cut.shots.get(at + 1).map_or(leaving, |next| next.overlap);
                prop_assert!(head.0 == 0 && tail.0 == 0 || head.0 + tail.0 + 2 <= shot.frames.0, "{} {} of {}", head, tail, shot.frames);
                prop_assert!(head.0 * 5 <= shot.frames.0 * 2 && tail.0 * 5 <= shot.frames.0 * 2);
                if at > 0 {
                    let before = scene.cut.shots[at - 1];
                    prop_assert_eq!(before.start + before.frames, shot.start + shot.overlap);
                    prop_assert!(shot.start > before.start);
                }
            }
        }
    }

    #[test]
    fn lines_stay_inside_the_body_of_their_shots(scenes in raw_scenes(), fps in any_fps()) {
        let scenes = as_planned(scenes, fps);
        let film = cut_film(&scenes, fps);
        for (index, scene) in film.scenes.iter().enumerate() {
            let leaving = film.scenes.get(index + 1).map_or(Frames(0), |next| next.overlap);
            for line in &scene.cut.lines {
                let shot = scene.cut.shots[line.shot];
                let head = if line.shot == 0 { scene.overlap } else { shot.overlap };
                let tail = scene.cut.shots.get(line.shot + 1).map_or(leaving, |next| next.overlap);
                prop_assert!(line.at >= fps.sample_at(shot.start + head));
                // Frames begin on whole samples, so a voice may reach into the next one by a sample.
                let body_end = fps.sample_at(shot.start + shot.frames - tail);
                prop_assert!((line.at + line.samples).0 <= body_end.0 + 1, "{:?} ends after {}", line, body_end);
            }
        }
    }

    #[test]
    fn transitions_keep_their_length_where_the_shots_allow(scenes in raw_scenes(), fps in any_fps()) {
        let film = cut_film(&as_planned(scenes.clone(), fps), fps);
        for (scene, part) in film.scenes.iter().zip(&scenes) {
            for (at, shot) in scene.cut.shots.iter().enumerate().skip(1) {
                let asked = part.shots[at].transition;
                let asked = if asked.kind == TransitionKind::Cut { Frames(0) } else { fps.frames_in_ms(u64::from(asked.ms)) };
                let shorter = shot.frames.min(scene.cut.shots[at - 1].frames);
                if asked.0 * 5 <= shorter.0 * 2 && asked.0 * 2 + 2 <= shorter.0 {
                    prop_assert_eq!(shot.overlap, asked, "a voice never costs a transition");
                }
            }
        }
    }

    #[test]
    fn cues_never_overlap_except_when_two_speak_at_once(scenes in raw_scenes(), fps in any_fps()) {
        let scenes = as_planned(scenes, fps);
        let film = cut_film(&scenes, fps);
        let together = scenes.iter().flat_map(|scene| &scene.shots).any(|shot| shot.voices.iter().skip(1).any(|voice| voice.dual));
        prop_assert!(film.cues.is_sorted_by_key(|cue| cue.start_ms));
        for cue in &film.cues {
            prop_assert!(cue.start_ms < cue.end_ms && cue.end_ms <= fps.ms_at(film.frames) + 1);
            prop_assert!(cue.text.lines().count() <= 2 && cue.text.lines().all(|row| row.chars().count() <= 42));
        }
        if !together {
            prop_assert!(film.cues.windows(2).all(|pair| pair[0].end_ms <= pair[1].start_ms));
        }
        let said: String = scenes.iter().flat_map(|scene| &scene.shots).flat_map(|shot| &shot.voices).map(|voice| voice.text.as_str()).collect();
        let count = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
        prop_assert_eq!(film.cues.iter().map(|cue| count(&cue.text)).sum::<usize>(), count(&said), "nothing said is lost");
    }

    #[test]
    fn chapters_rise(scenes in raw_scenes(), fps in any_fps()) {
        let film = cut_film(&scenes, fps);
        prop_assert_eq!(film.chapters.len(), scenes.len());
        prop_assert_eq!(film.chapters[0].start_ms, 0);
        prop_assert!(film.chapters.windows(2).all(|pair| pair[0].start_ms < pair[1].start_ms));
    }
}

/// Three hours of four-second shots at the rate whose frames are no whole number of samples.
#[test]
fn three_hours_end_at_the_exact_sample() {
    let fps = Fps { num: 30_000, den: 1001 };
    let shot = ShotPart { frames: Frames(120), transition: Transition::BETWEEN_SHOTS, voices: Vec::new() };
    let scene = ScenePart { title: "Sea".into(), transition: Transition::BETWEEN_SCENES, shots: vec![shot; 10] };
    let film = cut_film(&vec![scene; 300], fps);
    let frames = 300 * (1200 - 9 * 9) - 299 * 15;
    assert_eq!(film.frames, Frames(frames));
    assert!(film.samples > Samples(3 * 3600 * 48_000), "long enough to show a drift");
    // A frame is 1601.6 samples.
    let exact = |frame: u64| Samples((frame * 16_016 + 5) / 10);
    assert_eq!(film.samples, exact(frames));
    for (index, scene) in (0..).zip(&film.scenes) {
        assert_eq!(scene.start, Frames(index * (1200 - 81 - 15)));
        assert_eq!(scene.at, exact(scene.start.0));
    }
}
