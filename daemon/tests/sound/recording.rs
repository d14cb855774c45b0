//! Recordings of every kind in the studio's form, and lines that are hurried.

use std::path::{Path, PathBuf};

use studio_core::{
    media::{MediaResult, SoundPlan},
    units::Samples,
};
use studio_media::recording;

use super::{Place, rms, samples_of, tone, tool};

fn bring(place: &Place, input: PathBuf, speed: u32) -> Result<(Samples, Vec<f32>), String> {
    let plan = SoundPlan { input, speed, out: place.path("out.wav") };
    let result = recording::run(&plan, &mut |_| {}).map_err(|fault| fault.message)?;
    let MediaResult::Sound { samples } = result else { panic!("{result:?}") };
    let left: Vec<f32> = samples_of(&plan.out).into_iter().step_by(2).collect();
    assert_eq!(left.len() as u64, samples.0);
    Ok((samples, left))
}

/// Times the sound goes through zero upwards, in a second.
fn pitch(samples: &[f32]) -> f64 {
    let rises = samples.windows(2).filter(|two| two[0] < 0.0 && two[1] >= 0.0).count();
    rises as f64 * 48_000.0 / samples.len() as f64
}

#[test]
fn a_hurried_line_is_shorter_and_sounds_the_same() {
    let place = Place::new();
    let line = place.wav("line.wav", 22_050, 1, tone(220.0, 22_050, 0.4).take(22_050 * 3));
    let (natural, _) = bring(&place, line.clone(), 1000).unwrap();
    assert!(natural.0.abs_diff(144_000) < 50, "{natural}");
    for speed in [1050, 1150] {
        let (samples, left) = bring(&place, line.clone(), speed).unwrap();
        let wanted = 144_000_000 / u64::from(speed);
        // SoundTouch works in pieces of some hundredths of a second.
        assert!(samples.0.abs_diff(wanted) < 4_800, "{speed}: {samples} instead of {wanted}");
        let middle = &left[24_000..left.len() - 24_000];
        assert!((pitch(middle) - 220.0).abs() < 4.0, "{speed}: {} Hz", pitch(middle));
        assert!((rms(middle) - 0.4 / 2f64.sqrt()).abs() < 0.03, "{speed}: {}", rms(middle));
        assert_eq!(bring(&place, line.clone(), speed).unwrap().1, left, "and the same every time");
    }
}

#[test]
fn recordings_of_people_come_in_every_kind() {
    let place = Place::new();
    let wav = place.wav("tune.wav", 44_100, 2, tone(330.0, 44_100, 0.3).take(44_100 * 2).flat_map(|s| [s, s]));
    for name in ["tune.flac", "tune.m4a", "tune.mka"] {
        let out = place.path(name);
        tool("ffmpeg", &["-v", "error", "-i", wav.to_str().unwrap(), out.to_str().unwrap()]);
        let (samples, left) = bring(&place, out, 1000).unwrap();
        assert!(samples.0.abs_diff(96_000) < 4_800, "{name}: {samples}");
        assert!((pitch(&left[9_600..86_400]) - 330.0).abs() < 3.0, "{name}");
    }
    let text = place.path("notes.txt");
    std::fs::write(&text, "no sound at all").unwrap();
    for (bad, said) in [(text.as_path(), "is no WAV, FLAC, M4A or film"), (Path::new("/nowhere.wav"), "no such file")] {
        let why = bring(&place, bad.to_owned(), 1000).unwrap_err();
        assert!(why.contains(said), "{why}");
        assert!(!place.path("left.wav").exists());
    }
}
