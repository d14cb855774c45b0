//! Where shots begin, who is in them, and what they are like.

use studio_core::{
    character::{Age, Gender},
    scene::{Setting, TimeOfDay, Weather},
    script::ScriptShot,
    shot::{CameraAngle, Motion, ShotType, Transition, TransitionKind, VideoEngine},
};

use super::break_down;

fn shots(body: &str) -> Vec<ScriptShot> {
    break_down(&format!("INT. ROOM - DAY\n\n{body}")).scenes.remove(0).shots
}

fn spoken(shot: &ScriptShot) -> Vec<(&str, &str)> {
    shot.plan.lines.iter().map(|line| (line.character.as_str(), line.text.as_str())).collect()
}

#[test]
fn an_action_paragraph_begins_a_shot_and_its_dialogue_stays_in_it() {
    let shots = shots("Mara waits.\n\nMARA\n(shy)\nHi.\n\nMARA (CONT'D)\nHello?\n\nThe door opens.");
    assert_eq!(shots.iter().map(|shot| (shot.number, shot.line)).collect::<Vec<_>>(), [(1, 3), (2, 12)]);
    assert_eq!(spoken(&shots[0]), [("MARA", "Hi."), ("MARA", "Hello?")]);
    assert_eq!(shots[0].plan.lines[0].parenthetical.as_deref(), Some("shy"));
    assert_eq!(shots[0].plan.lines[1].parenthetical, None);
}

#[test]
fn another_speaker_gets_an_own_shot_and_coverage_alternates() {
    let shots = shots("They wait.\n\nMARA\nHi.\n\nPIP\nHo.\n\nMARA\nHm.\n\nPIP\nHa.");
    let seen: Vec<_> = shots.iter().map(|shot| (shot.plan.shot_type, shot.plan.characters.join(" "))).collect();
    assert_eq!(
        seen,
        [
            (ShotType::Wide, "MARA".to_owned()),
            (ShotType::Medium, "PIP".to_owned()),
            (ShotType::CloseUp, "MARA".to_owned()),
            (ShotType::Medium, "PIP".to_owned()),
        ]
    );
    assert_eq!(shots[1].plan.description, "Pip speaks.");
}

#[test]
fn dual_dialogue_stays_in_one_shot_as_two_lines() {
    let shots = shots("They wait.\n\nMARA\nHi.\n(louder)\nYou!\n\nPIP ^\nHo.\n  \nMe?\n\nTOM\nWho?");
    assert_eq!(shots.len(), 2);
    assert_eq!(spoken(&shots[0]), [("MARA", "Hi. You!"), ("PIP", "Ho. Me?")]);
    assert_eq!(shots[0].plan.lines.iter().map(|line| line.dual).collect::<Vec<_>>(), [false, true]);
    assert_eq!(shots[0].plan.characters, ["MARA", "PIP"]);
}

#[test]
fn a_voice_from_elsewhere_is_heard_and_not_seen() {
    let shots = shots("Mara waits.\n\nMARA\nHi.\n\nPIP (V.O.)\nI am far away.\n\nPIP (o.s.)\nStill.");
    assert_eq!(shots.len(), 1);
    assert_eq!(shots[0].plan.characters, ["MARA"]);
    assert_eq!(shots[0].plan.lines.len(), 3);
}

#[test]
fn who_is_named_in_the_action_is_in_the_picture() {
    let shots = shots("Pip's dog sees old mara and a marathon.\n\nRain.\n\nOLD MARA\nHi.\n\nMARA\nHi.\n\nPIP\nHo.");
    assert_eq!(shots[0].plan.characters, ["PIP", "OLD MARA"]);
    assert!(shots[1].plan.characters.contains(&"OLD MARA".to_owned()));
}

#[test]
fn silence_is_not_spoken() {
    let shots = shots("Mara waits.\n\nMARA\n(sighs)\n...\n\nMARA\n*Well*, _well_.");
    assert_eq!(spoken(&shots[0]), [("MARA", "Well, well.")]);
    assert_eq!(shots[0].plan.characters, ["MARA"]);
}

#[test]
fn words_say_how_close_the_camera_is() {
    use ShotType::{Action, CloseUp, Medium, Wide};
    let shots = shots(
        "A room.\n\nMara runs.\n\nHer eyes, wet.\n\nWaves break.\n\nMara thinks.\n\nCLOSE ON: Mara running.\n\nDust.\n\nMara waits.\n\nMARA\nHi.",
    );
    let types: Vec<_> = shots.iter().map(|shot| shot.plan.shot_type).collect();
    assert_eq!(types, [Wide, Action, CloseUp, Wide, Medium, CloseUp, Wide, Medium]);
    assert!(shots.iter().all(|shot| shot.plan.angle == CameraAngle::EyeLevel));
    let outside = break_down("EXT. SEA - DAY\n\nMara runs.");
    assert_eq!(outside.scenes[0].shots[0].plan.shot_type, ShotType::Establishing);
}

#[test]
fn a_shot_note_says_everything_in_any_order() {
    let shots = shots(
        "Rain.\n\n[[shot: continues, transition: wipeleft 0.5s, motion: push-in, angle: low, engine: framepack_f1, 4s, Extreme Close Up]]\n\nMore rain.\n\nLast. [[shot: pan left, dutch, ltx]] [[shot: dissolve 1s, type: medium, length: 1500ms]]",
    );
    let plan = &shots[1].plan;
    assert_eq!(
        (plan.shot_type, plan.angle, plan.motion, plan.engine),
        (ShotType::ExtremeCloseUp, CameraAngle::Low, Motion::PushIn, Some(VideoEngine::FramepackF1))
    );
    assert_eq!((plan.planned_ms, plan.fixed_length, plan.continues), (4_000, true, true));
    assert_eq!(plan.transition, Transition { kind: TransitionKind::WipeLeft, ms: 500 });
    let plan = &shots[2].plan;
    assert_eq!(
        (plan.shot_type, plan.angle, plan.motion, plan.engine),
        (ShotType::Medium, CameraAngle::Dutch, Motion::PanLeft, Some(VideoEngine::Ltx))
    );
    assert_eq!((plan.planned_ms, plan.transition), (1_500, Transition { kind: TransitionKind::Dissolve, ms: 1_000 }));
}

#[test]
fn a_note_in_a_dialogue_begins_a_shot_with_it() {
    let shots = shots("Mara waits.\n\nMARA\n[[shot: close-up]]\nHi.\n\nMARA\nHo.");
    assert_eq!(shots.len(), 2);
    assert_eq!(shots[1].plan.shot_type, ShotType::CloseUp);
    assert_eq!(spoken(&shots[1]), [("MARA", "Hi."), ("MARA", "Ho.")]);
}

#[test]
fn a_shot_that_continues_is_not_blended() {
    let shots = shots("Rain.\n\nMore. [[shot: continues]]\n\nMost.");
    let transitions: Vec<_> = shots.iter().map(|shot| shot.plan.transition).collect();
    assert_eq!(transitions, [Transition::CUT, Transition::CUT, Transition::BETWEEN_SHOTS]);
}

#[test]
fn transitions_lead_into_what_follows() {
    use TransitionKind::{Cut, Dissolve, Fade, FadeBlack};
    let text = "FADE IN:\n\nINT. A - DAY\n\nX.\n\nCUT TO:\n\nY.\n\nFADE TO BLACK.\n\nINT. B - DAY\n\nX.\n\n[[transition: dissolve 1s]]\n\nINT. C - DAY\n\nX.\n\nINT. D - DAY\n\nX.\n\nSMASH CUT TO:\n\nINT. E - DAY\n\nX.\n\nWIPE TO:\n\nINT. F - DAY\n\nX. [[shot: transition: fade 0.2s]]";
    let script = break_down(text);
    let into: Vec<_> = script.scenes.iter().map(|scene| (scene.transition.kind, scene.transition.ms)).collect();
    assert_eq!(into, [(Cut, 0), (FadeBlack, 500), (Dissolve, 1_000), (FadeBlack, 500), (Cut, 0), (Fade, 200)]);
    assert!(script.scenes.iter().all(|scene| scene.shots[0].plan.transition == Transition::CUT));
    assert_eq!(
        script.scenes[0].shots[1].plan.transition,
        Transition::CUT,
        "a transition inside a scene leads into a shot"
    );
}

#[test]
fn scenes_say_place_light_weather_and_mood() {
    let text = "EXT. ROCKS - DUSK\n[[tempo: 80 bpm]]\n\n= They meet.\n\nA scream in the rain.\n\nINT. TOWER - CONTINUOUS\n\nQuiet.\n\nINT. CELLAR\n[[mood: Very Odd]]\n\nDust. A box! Two boxes. Three.";
    let scenes = break_down(text).scenes;
    let look = &scenes[0].look;
    assert_eq!(
        (look.setting, look.location.as_str(), look.time_of_day, look.weather),
        (Setting::Exterior, "ROCKS", TimeOfDay::Sunset, Weather::Rain)
    );
    assert_eq!((look.mood.as_str(), look.synopsis.as_str(), scenes[0].tempo_bpm), ("tense", "They meet.", Some(80)));
    assert_eq!((scenes[0].number, scenes[0].line, scenes[0].title.as_str()), (1, 1, "Rocks"));
    let look = &scenes[1].look;
    assert_eq!((look.time_of_day, look.weather, look.mood.as_str()), (TimeOfDay::Sunset, Weather::Rain, "peaceful"));
    let look = &scenes[2].look;
    assert_eq!((look.time_of_day, look.weather, look.mood.as_str()), (TimeOfDay::Sunset, Weather::Clear, "very odd"));
    assert_eq!((look.synopsis.as_str(), scenes[2].tempo_bpm), ("Dust. A box!", None));
}

#[test]
fn a_scene_without_a_word_still_shows_its_place() {
    let script = break_down("INT. HALL - DAY\n\nEXT. SEA - NIGHT\n[[shot: 7s]]");
    assert_eq!(script.scenes[0].shots.len(), 1);
    assert_eq!(script.scenes[0].shots[0].plan.description, "Hall.");
    assert_eq!(script.scenes[1].shots[0].plan.planned_ms, 7_000);
}

#[test]
fn characters_have_stable_profiles_and_notes_add_to_them() {
    let script = break_down(
        "[[character: mara, female]]\n\nINT. ROOM - DAY\n\nA DOG sleeps. [[character: Mara, elder]] [[character: DOG, neutral]]\n\nMARA\nHi.\n\nTOM\nHo.\n\n@Mara\nHm.",
    );
    let cast: Vec<_> = script.characters.iter().map(|who| (who.name.as_str(), who.slug.as_str())).collect();
    assert_eq!(cast, [("MARA", "mara"), ("TOM", "tom"), ("DOG", "dog")]);
    assert_eq!((script.characters[0].profile.gender, script.characters[0].profile.age), (Gender::Female, Age::Elder));
    assert_eq!(script.characters[2].profile.gender, Gender::Neutral);
    assert_eq!(script.scenes[0].shots[0].plan.characters, ["DOG", "MARA"]);
    assert_eq!(script.scenes[0].shots[2].plan.lines[0].character, "MARA", "one spelling for one character");
}

#[test]
fn the_title_page_says_what_it_is() {
    let script = break_down(
        "Series: Harbour\nTitle: Light\nEpisode title: The\n   first\nSeason: 0\nEpisode: 12\nAuthor: Me\nPlot: They _meet_.\nLanguage: de-AT\nAired: 2025-11-21\nDraft date: now\nContact: a\n   b\n\nINT. ROOM - DAY\n\nX.",
    );
    assert_eq!(
        (script.show.as_deref(), script.title.as_str(), script.episode_title.as_str()),
        (Some("Harbour"), "Light", "The first")
    );
    assert_eq!(
        (script.season, script.episode, script.author.as_str(), script.plot.as_str()),
        (Some(0), Some(12), "Me", "They meet.")
    );
    assert_eq!(
        (script.language.as_str(), script.aired.as_deref(), script.draft_date.as_deref()),
        ("de-AT", Some("2025-11-21"), Some("now"))
    );
    assert_eq!(script.other, [("Contact".to_owned(), "a\nb".to_owned())]);
    let bare = break_down("= A plot.\n\nINT. ROOM - DAY\n\nX.");
    assert_eq!(
        (bare.title.as_str(), bare.language.as_str(), bare.plot.as_str(), bare.show),
        ("Untitled", "en", "A plot.", None)
    );
}

#[test]
fn a_shot_put_in_before_leaves_the_others_as_they_were() {
    let before = shots("A room.\n\nMara thinks.\n\nMara stands.\n\nMARA\nHi.");
    let after = shots("A room.\n\nRain outside.\n\nMara thinks.\n\nMara stands.\n\nMARA\nHi.");
    assert_eq!(before[1].plan, after[2].plan);
    assert_eq!(before[2].plan, after[3].plan);
}
