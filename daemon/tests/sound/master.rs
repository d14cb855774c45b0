use std::path::PathBuf;

use rstest::rstest;
use studio_core::{
    failure::FailureKind,
    media::{MasterPart, MasterPlan, MediaResult},
    units::Samples,
};
use studio_media::master;

use super::{Place, ffmpeg_loudness, noise, peak, rms, samples_of, tone};

fn part(input: PathBuf, at: u64, crossfade: u64) -> MasterPart {
    MasterPart { input, at: Samples(at), crossfade: Samples(crossfade) }
}

fn plan(place: &Place, samples: u64, parts: Vec<MasterPart>) -> MasterPlan {
    let out = place.path("master.wav");
    MasterPlan { parts, samples: Samples(samples), loudness_lufs: -16.0, true_peak_dbtp: -1.0, out }
}

fn mastered(plan: &MasterPlan) -> (Option<f64>, Option<f64>) {
    let mut last = 0.0;
    let result = master::run(plan, &mut |done| {
        assert!(done >= last && done <= 1.0, "progress fell from {last} to {done}");
        last = done;
    });
    let MediaResult::Master { samples, loudness_lufs, true_peak_dbtp } = result.unwrap() else { unreachable!() };
    assert_eq!(samples, plan.samples);
    assert_eq!(samples_of(&plan.out).len() as u64, plan.samples.0 * 2);
    (loudness_lufs, true_peak_dbtp)
}

/// Something like speech: noise in syllables, with pauses, and now and then a peak far above the rest.
fn speech(seconds: usize, level: f32, spikes: bool) -> Vec<f32> {
    let mut smooth = 0.0f32;
    let sound = noise(5).take(seconds * 48_000).enumerate().map(move |(at, white)| {
        smooth += (white - smooth) * 0.2;
        let time = at as f32 / 48_000.0;
        let syllable = (time * 4.0 * std::f32::consts::PI).sin().max(0.0) * if time % 5.0 < 3.5 { 1.0 } else { 0.02 };
        let spike = if spikes && at % 30_011 < 12 { 9.0 } else { 1.0 };
        smooth * syllable * spike * level
    });
    sound.flat_map(|s| [s, s * 0.9]).collect()
}

#[rstest]
#[case::quiet(0.02, false)]
#[case::loud(1.5, false)]
#[case::spiky(0.2, true)]
fn the_film_has_its_loudness_as_others_measure_it(#[case] level: f32, #[case] spikes: bool) {
    let place = Place::new();
    let scene = place.wav("scene.wav", 48_000, 2, speech(24, level, spikes));
    let plan = plan(&place, 24 * 48_000, vec![part(scene, 0, 0)]);
    let (loudness, true_peak) = mastered(&plan);
    let (heard, heard_peak) = ffmpeg_loudness(&plan.out);
    assert!((heard + 16.0).abs() <= 0.3, "ffmpeg hears {heard} LUFS");
    assert!(heard_peak <= -1.0, "ffmpeg hears a true peak of {heard_peak}");
    assert!((loudness.unwrap() - heard).abs() < 0.2 && true_peak.unwrap() <= -1.0, "{loudness:?} {true_peak:?}");
}

#[test]
fn the_same_film_has_the_same_bytes() {
    let place = Place::new();
    let scene = place.wav("scene.wav", 48_000, 2, speech(3, 0.3, true));
    let plan = plan(&place, 3 * 48_000, vec![part(scene, 0, 0)]);
    mastered(&plan);
    let first = std::fs::read(&plan.out).unwrap();
    mastered(&plan);
    assert!(first == std::fs::read(&plan.out).unwrap());
    assert_eq!(std::fs::read_dir(place.dir.path()).unwrap().count(), 2, "something was left beside the master");
}

#[test]
fn scenes_cross_without_a_dip_and_sit_on_their_sample() {
    let place = Place::new();
    let one = place.wav("one.wav", 48_000, 2, noise(1).take(2 * 96_000).map(|s| s * 0.2));
    let two = place.wav("two.wav", 48_000, 2, noise(2).take(2 * 96_000).map(|s| s * 0.2));
    let plan = plan(&place, 168_000, vec![part(one, 0, 0), part(two, 72_000, 24_000)]);
    mastered(&plan);
    let samples = samples_of(&plan.out);
    let level = |from: usize, to: usize| rms(&samples[from * 2..to * 2]);
    let (before, middle, after) = (level(24_000, 60_000), level(80_000, 88_000), level(110_000, 150_000));
    assert!((middle / before - 1.0).abs() < 0.05 && (after / before - 1.0).abs() < 0.03, "{before} {middle} {after}");

    let click = place.wav("click.wav", 48_000, 2, (0..48_000).map(|i| if i == 2000 { 0.9 } else { 0.0 }));
    let hum = place.wav("hum.wav", 48_000, 2, tone(200.0, 48_000, 0.05).take(96_000));
    let plan = self::plan(&place, 96_000, vec![part(hum, 0, 0), part(click, 60_000, 0)]);
    mastered(&plan);
    let samples = samples_of(&plan.out);
    let loudest = samples.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).unwrap().0;
    assert_eq!(loudest / 2, 61_000);
    assert!(peak(&samples[60_001 * 2..60_900 * 2]) < 1e-6, "the scene before must be gone after a cut");
}

#[test]
fn silence_stays_silence() {
    let place = Place::new();
    let nothing = place.wav("nothing.wav", 48_000, 2, std::iter::repeat_n(0.0, 96_000));
    let plan = plan(&place, 60_000, vec![part(nothing, 0, 0)]);
    assert_eq!(mastered(&plan), (None, None));
    assert!(samples_of(&plan.out).iter().all(|s| s.to_bits() == 0));
}

#[test]
fn a_film_longer_than_its_scenes_ends_silent() {
    let place = Place::new();
    let scene = place.wav("scene.wav", 48_000, 2, speech(2, 0.3, false));
    let plan = plan(&place, 150_001, vec![part(scene, 0, 0)]);
    mastered(&plan);
    assert!(samples_of(&plan.out)[97_000 * 2..].iter().all(|s| s.to_bits() == 0));
}

#[test]
fn bad_inputs_leave_no_file() {
    let place = Place::new();
    let plan = plan(&place, 48_000, vec![part(place.path("gone.wav"), 0, 0)]);
    let fault = master::run(&plan, &mut |_| {}).unwrap_err();
    assert_eq!(fault.kind, FailureKind::BadInput);
    assert!(fault.message.contains("gone.wav") && !plan.out.exists(), "{}", fault.message);
}
