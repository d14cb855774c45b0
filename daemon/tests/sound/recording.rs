//! Recordings of every kind in the studio's form, and lines that are hurried.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use studio_core::{
    failure::FailureKind,
    media::{MediaFacts, MediaResult, SoundPlan},
    units::Samples,
};
use studio_media::{MediaError, probe, recording};

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

/// A WAV whose head says what it likes.
fn wav(tag: u16, channels: u16, rate: u32, bits: u16, claimed: Option<u32>, sound: &[u8]) -> Vec<u8> {
    let block = channels.wrapping_mul(bits / 8);
    let claimed = claimed.unwrap_or(sound.len() as u32);
    let mut bytes = b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0".to_vec();
    bytes.extend([tag.to_le_bytes(), channels.to_le_bytes()].concat());
    bytes.extend([rate.to_le_bytes(), rate.wrapping_mul(u32::from(block)).to_le_bytes()].concat());
    bytes.extend([block.to_le_bytes(), bits.to_le_bytes()].concat());
    bytes.extend(b"data");
    bytes.extend(claimed.to_le_bytes());
    bytes.extend(sound);
    bytes
}

/// The same sound as FLAC, in Matroska and in MP4.
fn coded(place: &Place) -> [(&'static str, Vec<u8>); 3] {
    let wav = place.wav("tune.wav", 44_100, 1, tone(330.0, 44_100, 0.3).take(88_200));
    ["tune.flac", "tune.mka", "tune.m4a"].map(|name| {
        let out = place.path(name);
        // A WAV of one channel says that it is the left one, which an encoder of AAC does not take.
        let mono = "aformat=channel_layouts=mono";
        tool("ffmpeg", &["-v", "error", "-i", wav.to_str().unwrap(), "-af", mono, out.to_str().unwrap()]);
        (name, std::fs::read(out).unwrap())
    })
}

/// What is wrong with these bytes as a recording; one clear sentence.
fn refused(place: &Place, name: &str, bytes: &[u8]) -> MediaError {
    let input = place.path(name);
    std::fs::write(&input, bytes).unwrap();
    let plan = SoundPlan { input, speed: 1000, out: place.path("out.wav") };
    let fault = recording::run(&plan, &mut |_| {}).expect_err(name);
    assert!(!plan.out.exists(), "{name}");
    clear(name, &fault);
    fault
}

/// One sentence that names the file and ends with what to do. What only hangs is ended after 40 s, and is no bad input.
fn clear(name: &str, fault: &MediaError) {
    let said = &fault.message;
    assert_eq!(fault.kind, FailureKind::BadInput, "{said}");
    assert!(said.contains(name) && said.contains("; ") && !said.contains('\n'), "{said}");
    let of_elements = ["stream", "element", "frames", "demultiplex", "RIFF", "WAVE"];
    assert!(!of_elements.iter().any(|word| said.contains(word)), "{said}");
}

#[test]
fn broken_recordings_are_refused_in_one_sentence() {
    let place = Place::new();
    let second = vec![7; 192_000];
    let plain = |claimed, sound: &[u8]| wav(1, 2, 48_000, 16, claimed, sound);
    let [(_, flac), (_, mka), (_, m4a)] = coded(&place);
    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let info = &flac[..42];
    let many_blocks = [&[b"fLaC\0".as_slice(), &info[5..]].concat(), b"\x01\0\0\0".repeat(400_000).as_slice()].concat();
    for (name, bytes, says) in [
        ("half.wav", plain(Some(384_000), &second), "is cut off: 1.0 s of 2.0 s are there"),
        ("end.wav", plain(Some(192_100), &second), "is cut off: its end is missing"),
        ("a-byte.wav", plain(Some(384_000), &[7]), "is cut off"),
        ("silent.wav", plain(None, b""), "there is no sound in it"),
        ("head.wav", plain(None, b"")[..30].to_vec(), "is cut off: its head is incomplete"),
        ("far.wav", [b"RIFF\xff\xff\xff\xffWAVEjunk\xf0\xff\xff\xff".as_slice(), &[0; 99]].concat(), "is cut off"),
        (
            "formless.wav",
            [b"RIFF\xff\xff\xff\xffWAVEdata\x04\0\0\0".as_slice(), &[0; 4]].concat(),
            "its form is not said",
        ),
        ("slow.wav", wav(1, 1, 1, 16, None, &second), "it has 1 samples a second"),
        ("fast.wav", wav(1, 2, 2_000_000_000, 16, None, &second), "it has 2000000000 samples a second"),
        ("mute.wav", wav(1, 0, 48_000, 16, None, &second), "is damaged"),
        ("unknown.wav", wav(0x7777, 2, 48_000, 16, None, &second), "it cannot be decoded"),
        (
            "chunks.wav",
            [b"RIFF\xff\xff\xff\xffWAVE".as_slice(), &b"junk\0\0\0\0".repeat(99_999)].concat(),
            "is damaged",
        ),
        ("half.flac", half(&flac), "s of 2.0 s are there"),
        ("head.flac", flac[..30].to_vec(), "is cut off: its head is incomplete"),
        ("block.flac", [&info[..4], b"\0", &info[5..], b"\x84\xff\xff\xff1234"].concat(), "is cut off"),
        ("blocks.flac", many_blocks, "is damaged: its sound does not come"),
        (
            "other.flac",
            [&info[..4], b"\x80", &info[5..], b"no sound at all"].concat(),
            "is damaged: its sound does not begin",
        ),
        ("half.mka", half(&mka), "s of 2.0 s are there"),
        ("head.mka", mka[..40].to_vec(), "it cannot be decoded"),
        ("huge.mka", b"\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xfe1234".to_vec(), "it cannot be decoded"),
        ("half.m4a", half(&m4a), "is cut off: its index is missing"),
    ] {
        let fault = refused(&place, name, &bytes);
        assert!(fault.message.contains(says), "{name}: {}", fault.message);
    }
}

/// Programs that write into a pipe do not know the length when they write the head.
#[test]
fn a_wav_without_a_length_is_as_long_as_it_is() {
    let place = Place::new();
    let input = place.path("piped.wav");
    std::fs::write(&input, wav(1, 2, 48_000, 16, Some(u32::MAX), &vec![0; 192_000])).unwrap();
    let facts = probe::facts(&input, &mut |_| {}).unwrap();
    assert_eq!(facts, MediaFacts::Sound { samples: Samples(48_000), rate: 48_000, channels: 2 });
    assert_eq!(bring(&place, input, 1000).unwrap().0, Samples(48_000));
}

#[test]
fn a_flac_file_is_as_long_as_what_can_be_decoded() {
    let place = Place::new();
    let [(name, flac), ..] = coded(&place);
    let length = |facts: MediaFacts| match facts {
        MediaFacts::Sound { samples, rate: 44_100, channels: 1 } => samples.0,
        other => panic!("{other:?}"),
    };
    assert!(length(probe::facts(&place.path(name), &mut |_| {}).unwrap()).abs_diff(88_200) < 4);
    let half = place.path("half.flac");
    std::fs::write(&half, &flac[..flac.len() / 2]).unwrap();
    let fault = probe::facts(&half, &mut |_| {}).unwrap_err();
    assert!(fault.message.contains("s of 2.0 s are there"), "{fault}");
}

/// Whatever bytes of a recording are changed, there is sound or a sentence.
#[test]
fn damaged_recordings_never_hang() {
    let place = Place::new();
    let plain = wav(1, 2, 48_000, 16, None, &vec![7; 19_200]);
    let all: Vec<_> = coded(&place).into_iter().chain([("tune.wav", plain)]).collect();
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20);
    proptest!(ProptestConfig::with_cases(60), |(of in 0..4usize, head in any::<bool>(), changes in changes)| {
        let (name, whole) = &all[of];
        let mut bytes = whole.clone();
        for (at, value) in changes {
            let end = if head { 200 } else { bytes.len() };
            let at = 12 + at.index(end - 12);
            bytes[at] = value;
        }
        let input = place.path(&format!("bad-{name}"));
        std::fs::write(&input, &bytes).unwrap();
        let plan = SoundPlan { input, speed: 1000, out: place.path("out.wav") };
        if let Err(fault) = recording::run(&plan, &mut |_| {}) {
            clear(name, &fault);
        }
    });
}
