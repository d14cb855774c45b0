//! Reading what people bring: made by ffmpeg, and read as ffmpeg reads it, or refused with the name of what it is.

use std::{path::Path, process::Command};

use studio_core::{
    failure::FailureKind,
    media::{MediaFacts, MediaResult, SoundPlan},
    units::{Fps, Samples},
};
use studio_media::{MediaError, probe, recording};
use tempfile::TempDir;

const TONE: &[&str] = &["-f", "lavfi", "-i", "sine=440:duration=5:sample_rate=44100"];
const PICTURES: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=2"];

/// A folder and what ffmpeg makes in it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn make(&self, name: &str, args: &[&[&str]]) -> String {
        let out = self.0.path().join(name).to_str().unwrap().to_owned();
        let args = args.concat();
        let ran = Command::new("ffmpeg").args(["-v", "error", "-y", "-nostdin"]).args(&args).arg(&out).output();
        let ran = ran.unwrap();
        assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
        out
    }

    /// How many samples there are in the studio's form.
    fn sound(&self, file: &str) -> Result<u64, MediaError> {
        let plan = SoundPlan { input: file.into(), speed: 1000, out: self.0.path().join("out.wav") };
        match recording::run(&plan, &mut |_| {})? {
            MediaResult::Sound { samples } => Ok(samples.0),
            other => panic!("{other:?}"),
        }
    }
}

fn facts_of(file: &str) -> Result<MediaFacts, MediaError> {
    probe::facts(Path::new(file), &mut |_| {})
}

/// Pictures, their rate, and the codec.
fn film(facts: MediaFacts) -> (u64, Fps, String) {
    match facts {
        MediaFacts::Video { frames, fps, codec, .. } => (frames.0, fps, codec),
        other => panic!("{other:?}"),
    }
}

#[test]
fn sound_alone_may_begin_late() {
    let place = Place::new();
    let whole = place.make("whole.m4a", &[TONE]);
    for (name, with) in [
        ("late.m4a", &[][..]),
        ("late.mov", &[]),
        ("late.mka", &[]),
        ("pieces.m4a", &["-movflags", "frag_keyframe+empty_moov"]),
    ] {
        let late = place.make(name, &[&["-itsoffset", "1", "-i", &whole, "-c", "copy"], with]);
        let samples = place.sound(&late).unwrap();
        assert!(samples.abs_diff(240_000) < 3_000, "{name}: {samples}");
        let MediaFacts::Sound { rate, channels, .. } = facts_of(&late).unwrap() else { panic!("{name}") };
        assert_eq!((rate, channels), (44_100, 1), "{name}");
    }
    // And one that lacks its end is found out as before.
    let cut = place.make("cut.mka", &[&["-itsoffset", "1", "-i", &whole, "-c", "copy"]]);
    let bytes = std::fs::read(&cut).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let said = place.sound(&cut).unwrap_err().message;
    assert!(said.contains("is cut off: ") && said.contains(" s of 6.0 s are there"), "{said}");
}

#[test]
fn a_coded_wav_is_refused_by_the_name_of_its_codec() {
    let place = Place::new();
    for (codec, rate, named) in [
        ("pcm_mulaw", "44100", "mu-law (G.711)"),
        ("pcm_alaw", "44100", "A-law (G.711)"),
        ("adpcm_ms", "44100", "Microsoft ADPCM"),
        ("adpcm_ima_wav", "44100", "IMA ADPCM"),
        ("g726", "8000", "G.726 ADPCM"),
        ("mp2", "44100", "MPEG layer 2 (MP2)"),
        ("ac3", "44100", "AC-3"),
        ("eac3", "44100", "E-AC-3"),
        ("aac", "44100", "AAC"),
        ("wmav2", "44100", "Windows Media Audio"),
    ] {
        let wav = place.make(&format!("{codec}.wav"), &[TONE, &["-ac", "1", "-ar", rate, "-c:a", codec]]);
        for refused in [facts_of(&wav).unwrap_err(), place.sound(&wav).unwrap_err()] {
            let says = format!(".wav: it cannot be decoded: its sound is {named}; save it as FLAC, or as WAV of plain");
            assert!(refused.kind == FailureKind::BadInput && refused.message.contains(&says), "{refused}");
        }
    }
}

#[test]
fn every_plain_wav_is_read_however_large_it_may_be() {
    let place = Place::new();
    for codec in ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"] {
        for large in ["never", "always"] {
            let wav = place.make(&format!("{codec}-{large}.wav"), &[TONE, &["-c:a", codec, "-rf64", large]]);
            let facts = MediaFacts::Sound { samples: Samples(220_500), rate: 44_100, channels: 1 };
            assert_eq!(facts_of(&wav), Ok(facts), "{wav}");
            assert!(place.sound(&wav).unwrap().abs_diff(240_000) < 100, "{wav}");
        }
    }
    let wav = place.make("cut.wav", &[TONE, &["-rf64", "always"]]);
    let bytes = std::fs::read(&wav).unwrap();
    std::fs::write(&wav, &bytes[..bytes.len() / 2]).unwrap();
    let said = facts_of(&wav).unwrap_err().message;
    assert!(said.contains("is cut off: 2.5 s of 5.0 s are there"), "{said}");
    let other = place.make("other.w64", &[TONE]);
    let said = place.sound(&other).unwrap_err().message;
    assert!(said.contains("it cannot be decoded: it is a W64 file; save it as FLAC, or as WAV"), "{said}");
}

#[test]
fn long_blocks_of_sound_are_not_taken_for_a_cut() {
    let place = Place::new();
    let wavpack = place.make("long.mka", &[TONE, &["-c:a", "wavpack"]]);
    assert!(place.sound(&wavpack).unwrap().abs_diff(240_000) < 100);
    let MediaFacts::Sound { samples, .. } = facts_of(&wavpack).unwrap() else { panic!("sound") };
    assert!(samples.0.abs_diff(220_500) < 100, "{samples}");
    let tta = place.make("tta.mka", &[TONE, &["-c:a", "tta"]]);
    for refused in [facts_of(&tta).unwrap_err(), place.sound(&tta).unwrap_err()] {
        let said = refused.message;
        assert!(
            said.contains("its sound is Lossless True Audio (TTA), which cannot be decoded here; save its"),
            "{said}"
        );
    }
}

#[test]
fn a_codec_in_a_wrapper_is_called_by_its_own_name() {
    let place = Place::new();
    for (codec, name, named) in [
        ("utvideo", "ut.mkv", "'ULY0'"),
        ("cinepak", "cinepak.mkv", "'cvid'"),
        ("gif", "gif.mkv", "'gif'"),
        ("qtrle", "animation.mkv", "'rle'"),
    ] {
        let clip = place.make(name, &[PICTURES, &["-c:v", codec]]);
        let said = facts_of(&clip).unwrap_err().message;
        let says = format!("its pictures are of the codec {named}, which nothing here decodes; save it as MP4");
        assert!(said.contains(&says), "{said}");
    }
    let speech = place.make("speech.mka", &[TONE, &["-ar", "8000", "-c:a", "libspeex"]]);
    let said = place.sound(&speech).unwrap_err().message;
    assert!(said.contains("its sound is Speex, which nothing here decodes; save its sound as"), "{said}");
}

#[test]
fn the_rate_of_pictures_is_theirs_whatever_begins_before_them() {
    let place = Place::new();
    let [film_rate, tv_rate] = [24_000, 30_000].map(|num| Fps { num, den: 1001 });
    for (rate, fps, offset, b_frames) in [
        ("25", Fps::whole(25), "0", "0"),
        ("25", Fps::whole(25), "0", "2"),
        ("25", Fps::whole(25), "0.03", "2"),
        ("25", Fps::whole(25), "-0.03", "2"),
        ("25", Fps::whole(25), "0.5", "2"),
        ("24000/1001", film_rate, "0", "2"),
        ("30000/1001", tv_rate, "0.03", "2"),
        ("50", Fps::whole(50), "0.5", "0"),
    ] {
        let source = format!("testsrc2=size=160x90:rate={rate}:duration=3");
        let shown = ["-itsoffset", offset, "-f", "lavfi", "-i", &source];
        let coded = ["-c:v", "libx264", "-bf", b_frames, "-vsync", "0", "-c:a", "aac"];
        let clip = place.make("clip.mkv", &[&shown, TONE, &coded]);
        let (_, found, _) = film(facts_of(&clip).unwrap());
        assert_eq!(found, fps, "{rate}, {offset} s late, {b_frames} B-frames");
    }
}

#[test]
fn pictures_of_every_form_of_colour_are_read() {
    let place = Place::new();
    for (encoder, name, form, codec) in [
        ("libx264rgb", "rgb.mp4", "rgb24", "h264"),
        ("libx264rgb", "rgb.mkv", "rgb24", "h264"),
        ("libx264", "half.mp4", "yuv422p", "h264"),
        ("libx264", "full.mp4", "yuv444p", "h264"),
        ("huffyuv", "huff.mkv", "yuv422p", "huffyuv"),
    ] {
        let clip = place.make(name, &[PICTURES, &["-c:v", encoder, "-pix_fmt", form]]);
        assert_eq!(film(facts_of(&clip).unwrap()), (50, Fps::whole(25), codec.to_owned()), "{name}");
    }
}
