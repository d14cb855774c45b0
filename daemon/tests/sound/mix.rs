use std::path::PathBuf;

use studio_core::{
    failure::FailureKind,
    media::{MediaResult, MixPlan, MusicBed, PlacedSound},
    mixdown::Ducking,
    units::Samples,
};
use studio_media::mix;

use super::{Place, ffmpeg_loudness, noise, peak, rms, samples_of, tone};

fn voice(input: PathBuf, at: u64, level_lufs: Option<f64>) -> PlacedSound {
    PlacedSound { input, at: Samples(at), level_lufs, gain: 1.0 }
}

fn bed(input: PathBuf) -> MusicBed {
    MusicBed { input, gain: 0.3, fade_in: Samples(0), fade_out: Samples(0) }
}

fn plan(place: &Place, seconds: f64, voices: Vec<PlacedSound>, music: Option<MusicBed>) -> MixPlan {
    let samples = Samples((seconds * 48_000.0) as u64);
    MixPlan { samples, voices, music, ducking: Ducking::default(), out: place.path("mix.wav") }
}

/// Left channel of the mix, and where the music went under the voices.
fn mixed(plan: &MixPlan) -> (Vec<f32>, Option<f64>) {
    let mut last = 0.0;
    let result = mix::run(plan, &mut |done| {
        assert!(done >= last, "progress fell");
        last = done;
    });
    let MediaResult::Mix { samples, ducked_to } = result.unwrap() else { unreachable!() };
    let all = samples_of(&plan.out);
    assert_eq!((samples, all.len() as u64), (plan.samples, plan.samples.0 * 2));
    (all.into_iter().step_by(2).collect(), ducked_to)
}

#[test]
fn voices_sit_on_their_sample() {
    let place = Place::new();
    let click = place.wav("click.wav", 48_000, 1, std::iter::once(0.8).chain([0.0; 99]));
    // Across block borders, two at once, in no order.
    let places = [95_999, 1, 48_000, 48_000, 143_990];
    let voices = places.map(|at| voice(click.clone(), at, None)).to_vec();
    let (left, ducked) = mixed(&plan(&place, 3.0, voices, None));
    assert_eq!(ducked, None);
    let found: Vec<(usize, bool)> =
        left.iter().enumerate().filter(|(_, s)| s.abs() > 0.1).map(|(i, s)| (i, *s > 0.81)).collect();
    assert_eq!(found, [(1, false), (48_000, true), (95_999, false), (143_990, false)]);
    assert!(peak(&left) <= 0.95, "two at once went over the bus ceiling: {}", peak(&left));
}

#[test]
fn other_rates_sound_the_same() {
    let place = Place::new();
    let slow = place.wav("slow.wav", 22_050, 1, tone(500.0, 22_050, 0.4).take(22_050));
    let (left, _) = mixed(&plan(&place, 1.5, vec![voice(slow, 12_000, None)], None));
    let want: Vec<f32> = tone(500.0, 48_000, 0.4).take(48_000).collect();
    let worst = left[12_500..59_500].iter().zip(&want[500..]).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
    assert!(worst < 1e-3, "{worst}");
}

#[test]
fn every_line_has_its_loudness() {
    let place = Place::new();
    for (name, level, length) in [("quiet", 0.02, 96_000), ("loud", 0.6, 96_000), ("short", 0.05, 9_600)] {
        let line = place.wav(&format!("{name}.wav"), 48_000, 1, tone(1000.0, 48_000, level).take(length));
        let (left, _) = mixed(&plan(&place, 2.0, vec![voice(line, 0, Some(-16.0))], None));
        // A 1 kHz sine on both sides is as many LUFS as its level is dB: 0.1585 is -16.
        let got = rms(&left[200..length - 200]) * std::f64::consts::SQRT_2;
        assert!((got / 0.1585 - 1.0).abs() < 0.08, "{name}: {got}");
    }
    let (loudness, _) = ffmpeg_loudness(&place.path("mix.wav"));
    assert!(loudness < -16.0, "{loudness}: the last scene is mostly silent");
}

#[test]
fn a_broken_line_is_not_blown_up() {
    let place = Place::new();
    let hum = place.wav("hum.wav", 48_000, 1, tone(1000.0, 48_000, 0.002).take(48_000));
    let (left, _) = mixed(&plan(&place, 1.0, vec![voice(hum, 0, Some(-16.0))], None));
    assert!((peak(&left) - 0.02).abs() < 0.001, "{}: more or less than 20 dB", peak(&left));
}

/// 480 samples of a bed, played for three seconds: one unbroken tone.
#[test]
fn a_bed_repeats_without_a_seam() {
    let place = Place::new();
    for (rate, length, within) in [(48_000, 480, 1e-6), (44_100, 441, 1e-3)] {
        let music = place.wav("bed.wav", rate, 2, tone(100.0, rate, 0.5).take(length).flat_map(|s| [s, s]));
        let (left, ducked) = mixed(&plan(&place, 3.0, Vec::new(), Some(bed(music))));
        let want: Vec<f32> = tone(100.0, 48_000, 0.15).take(left.len()).collect();
        let worst = left[480..].iter().zip(&want[480..]).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
        assert!(worst < within, "{rate}: {worst}");
        assert!((ducked.unwrap() - 0.3).abs() < 1e-6);
    }
}

#[test]
fn music_gives_way_before_the_first_syllable_and_returns() {
    let place = Place::new();
    let music = place.wav("bed.wav", 48_000, 2, tone(3000.0, 48_000, 1.0).take(48_000).flat_map(|s| [s, s]));
    let line = place.wav("line.wav", 48_000, 1, tone(300.0, 48_000, 0.5).take(2 * 48_000));
    let begin = 3 * 48_000;
    let (left, ducked) = mixed(&plan(&place, 9.0, vec![voice(line, begin as u64, Some(-16.0))], Some(bed(music))));
    let ducked = ducked.unwrap();
    assert!((0.035..0.07).contains(&ducked), "{ducked}");
    // The music alone: what is left of a window when the voice's slow wave is taken out by its neighbours.
    let music_at = |at: usize| {
        let window = &left[at..at + 1600];
        let (mut sine, mut cosine) = (0.0, 0.0);
        for (i, sample) in window.iter().enumerate() {
            let phase = std::f64::consts::TAU * 3000.0 * i as f64 / 48_000.0;
            sine += f64::from(*sample) * phase.sin();
            cosine += f64::from(*sample) * phase.cos();
        }
        (sine * sine + cosine * cosine).sqrt() * 2.0 / window.len() as f64
    };
    assert!((music_at(48_000) - 0.3).abs() < 0.01, "before: {}", music_at(48_000));
    assert!(music_at(begin) < 0.1, "at the first syllable: {}", music_at(begin));
    assert!((music_at(begin + 72_000) - ducked).abs() < 0.02, "under the voice: {}", music_at(begin + 72_000));
    assert!((music_at(8 * 48_000) - 0.3).abs() < 0.01, "after: {}", music_at(8 * 48_000));
}

#[test]
fn music_fades_in_and_out() {
    let place = Place::new();
    let music = place.wav("bed.wav", 48_000, 2, std::iter::repeat_n(0.5, 96_000));
    let fades = MusicBed { fade_in: Samples(24_000), fade_out: Samples(48_000), ..bed(music) };
    let (left, _) = mixed(&plan(&place, 4.0, Vec::new(), Some(fades)));
    assert!(left[0].abs() < 1e-6 && left[left.len() - 1].abs() < 1e-6);
    assert!((left[12_000] - 0.075).abs() < 1e-3 && (left[left.len() - 24_000] - 0.075).abs() < 1e-3);
    assert!(left[24_000..144_000].iter().all(|s| (s - 0.15).abs() < 1e-4));
}

#[test]
fn nothing_clips_however_loud() {
    let place = Place::new();
    let shout = place.wav("shout.wav", 48_000, 2, noise(1).take(96_000));
    let voices = (0..4).map(|i| voice(shout.clone(), i * 1000, Some(-6.0))).collect();
    let (left, _) = mixed(&plan(&place, 1.5, voices, Some(MusicBed { gain: 1.0, ..bed(shout) })));
    assert!(peak(&left) <= 0.945, "{}", peak(&left));
}

#[test]
fn bad_plans_and_inputs_leave_no_file() {
    let place = Place::new();
    let click = place.wav("click.wav", 48_000, 1, [0.5; 100]);
    let empty = place.wav("empty.wav", 48_000, 2, []);
    let text = place.path("text.wav");
    std::fs::write(&text, "this is not sound").unwrap();
    let cut = place.path("cut.wav");
    let whole = std::fs::read(&click).unwrap();
    std::fs::write(&cut, &whole[..whole.len() - 50]).unwrap();
    let six = place.wav("six.wav", 48_000, 6, [0.0; 600]);
    let cases = [
        (vec![voice(click.clone(), 48_000, None)], None, FailureKind::Refused, "after the scene's end"),
        (vec![voice(place.path("gone.wav"), 0, None)], None, FailureKind::BadInput, "gone.wav"),
        (vec![voice(text, 0, Some(-16.0))], None, FailureKind::BadInput, "text.wav"),
        (vec![voice(cut, 0, None)], None, FailureKind::BadInput, "cut.wav"),
        (vec![voice(six, 0, None)], None, FailureKind::BadInput, "6 channels"),
        (Vec::new(), Some(bed(empty)), FailureKind::BadInput, "no sound in it"),
    ];
    for (voices, music, kind, says) in cases {
        let plan = plan(&place, 1.0, voices, music);
        let fault = mix::run(&plan, &mut |_| {}).unwrap_err();
        assert_eq!(fault.kind, kind, "{}", fault.message);
        assert!(fault.message.contains(says), "{}", fault.message);
        assert!(!plan.out.exists(), "{}", fault.message);
    }
}
