use std::os::unix::fs::PermissionsExt;

use studio_core::{
    character::{Age, CharacterProfile, Gender},
    media::MediaFacts,
    order::{Order, VoiceOrder},
    units::Samples,
};
use studio_draft::voice::DraftVoice;
use studio_engine::{Engine, FailureKind, Means, Progress};
use tokio_util::sync::CancellationToken;

use super::{Place, peak, rms, samples_of, sound_of};

fn line(name: &str, gender: Gender, age: Age, text: &str, manner: Option<&str>) -> Order {
    Order::Voice(VoiceOrder {
        character: name.to_owned(),
        profile: CharacterProfile::from_name(name, Some(gender), Some(age)),
        text: text.to_owned(),
        manner: manner.map(str::to_owned),
        language: "en".to_owned(),
        voice: None,
        sample: None,
    })
}

#[tokio::test]
async fn a_character_always_has_the_same_voice_and_another_has_another() {
    let place = Place::new();
    let engine = DraftVoice::default();
    let mut heard = Vec::new();
    let cast = [
        ("Mara", Gender::Female, Age::Adult),
        ("Ines", Gender::Female, Age::Adult),
        ("Tom", Gender::Male, Age::Adult),
        ("Viktor", Gender::Male, Age::Adult),
        ("Pip", Gender::Neutral, Age::Child),
        ("Old Anna", Gender::Female, Age::Elder),
        ("Old Karl", Gender::Male, Age::Elder),
    ];
    for (name, gender, age) in cast {
        let order = line(name, gender, age, "The lighthouse has been dark for three nights.", None);
        let (first, facts) = sound_of(&engine, &order, &place.room(&format!("{name} 1"))).await.unwrap();
        let (second, _) = sound_of(&engine, &order, &place.room(&format!("{name} 2"))).await.unwrap();
        let bytes = std::fs::read(first).unwrap();
        assert!(bytes == std::fs::read(&second).unwrap(), "{name} spoke differently the second time");
        let samples = samples_of(&second);
        assert_eq!(facts, MediaFacts::Sound { samples: Samples(samples.len() as u64), rate: 48_000, channels: 1 });
        // What is left of the silence at both ends: at most 60 ms, and some for the sound's own slow end.
        let loudest = peak(&samples);
        let loud = |sample: &f32| sample.abs() > 0.02 * loudest;
        let before = samples.iter().position(loud).unwrap();
        let after = samples.len() - 1 - samples.iter().rposition(loud).unwrap();
        assert!(before < 48 * 60 && after < 48 * 90, "{name}: {before} {after}");
        heard.push(bytes);
    }
    heard.sort();
    heard.dedup();
    assert_eq!(heard.len(), cast.len(), "two characters share a voice");
}

#[tokio::test]
async fn manners_are_heard() {
    let place = Place::new();
    let engine = DraftVoice::default();
    let mut levels = Vec::new();
    for (index, manner) in [Some("whispers"), None, Some("shouting over the wind")].into_iter().enumerate() {
        let order = line("Mara", Gender::Female, Age::Adult, "Come back here, right now.", manner);
        let (path, _) = sound_of(&engine, &order, &place.room(&index.to_string())).await.unwrap();
        levels.push(rms(&samples_of(&path)));
    }
    assert!(levels[0] < levels[1] * 0.75 && levels[1] < levels[2] * 0.9, "{levels:?}");
}

#[tokio::test]
async fn awkward_texts_are_spoken_or_are_a_pause() {
    let place = Place::new();
    let engine = DraftVoice::default();
    let long = "Nobody said that this would be quick. ".repeat(53);
    let spoken = [
        "-v is not an option here",
        "<speak>Hi & bye</speak> [[x]]",
        "Wait \u{1f600}\u{fe0f} what?",
        "'; rm -rf /",
        &long,
    ];
    for (index, text) in spoken.into_iter().enumerate() {
        let order = line("Tom", Gender::Male, Age::Adult, text, None);
        let (path, _) = sound_of(&engine, &order, &place.room(&index.to_string())).await.unwrap();
        let samples = samples_of(&path);
        assert!(samples.len() > 48_000 / 2 && peak(&samples) > 0.1, "{text}: {}", samples.len());
    }
    for (index, text) in ["...", "\u{1f600}", "--", "", "[[]]"].into_iter().enumerate() {
        let order = line("Tom", Gender::Male, Age::Adult, text, None);
        let (path, _) = sound_of(&engine, &order, &place.room(&format!("pause {index}"))).await.unwrap();
        let samples = samples_of(&path);
        assert_eq!((samples.len(), peak(&samples)), (19_200, 0.0), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_the_remedy() {
    let place = Place::new();
    let order = line("Tom", Gender::Male, Age::Adult, "Hello.", None);
    let failure =
        sound_of(&DraftVoice::with_program("/nonexistent/espeak-ng"), &order, &place.room("1")).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Refused);
    assert_eq!(failure.message, "espeak-ng is not installed: apt-get install espeak-ng");

    let Order::Voice(mut klingon) = order else { unreachable!() };
    klingon.language = "xx-nowhere".to_owned();
    let failure = sound_of(&DraftVoice::default(), &Order::Voice(klingon), &place.room("2")).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Refused);
    assert!(failure.message.contains("'xx-nowhere'"), "{}", failure.message);
}

/// A speaker that answers with success and no file, as espeak-ng does for some texts, has not spoken.
#[tokio::test]
async fn silence_is_not_success() {
    let place = Place::new();
    let program = script(&place, "#!/bin/sh\nexit 0\n");
    let order = line("Tom", Gender::Male, Age::Adult, "Hello.", None);
    let failure = sound_of(&DraftVoice::with_program(program), &order, &place.room("1")).await.unwrap_err();
    assert!(failure.message.contains("nothing to say"), "{}", failure.message);
}

#[tokio::test]
async fn a_stopped_voice_leaves_no_process_behind() {
    let place = Place::new();
    let pid_file = place.path("pid");
    let program = script(
        &place,
        &format!("#!/bin/sh\necho $$ > {0}.tmp\nmv {0}.tmp {0}\nexec tail -f /dev/null\n", pid_file.display()),
    );
    let (order, room, stop) =
        (line("Tom", Gender::Male, Age::Adult, "Hello.", None), place.room("1"), CancellationToken::new());
    let engine = DraftVoice::with_program(program);
    let progress = Progress::noop();
    let run = engine.run(&order, Means { room: &room, progress: &progress, stop: &stop });
    let stopper = async {
        while !pid_file.exists() {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let (result, ()) = tokio::join!(run, stopper);
    assert_eq!(result.unwrap_err().kind, FailureKind::Cancelled);
    let pid = std::fs::read_to_string(&pid_file).unwrap();
    let status = format!("/proc/{}/stat", pid.trim());
    // Killed at once; only its entry may wait a moment for the runtime to collect it.
    let alive = || std::fs::read_to_string(&status).is_ok_and(|line| !line.contains(") Z "));
    for _ in 0..100_000 {
        if !alive() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the speaker still runs");
}

fn script(place: &Place, text: &str) -> std::path::PathBuf {
    let path = place.path("espeak-ng");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}
