//! Codecs: what people bring is read, and what is not is refused by its name, with what to do about it.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use rstest::rstest;
use studio_core::media::{MediaFacts, MediaPlan, MediaResult, ProbePlan, SoundPlan};
use studio_engine::{EngineError, FailureKind, Progress};
use studiod::media::ChildProcess;
use tokio_util::sync::CancellationToken;

use crate::{PROGRAM, clips::ffmpeg, folder, normalise_plan, run, run_on};

const PICTURES: &str = "testsrc2=size=320x180:rate=30:duration=2";
const TONE: &str = "sine=440:duration=2";

fn probed(input: &Path) -> Result<MediaFacts, EngineError> {
    match run(MediaPlan::Probe(ProbePlan { input: input.to_owned() }))? {
        MediaResult::Probe { facts } => Ok(facts),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case(&["mjpeg", "-pix_fmt", "yuvj422p"], "cam.mp4")]
#[case(&["mjpeg", "-pix_fmt", "yuvj422p"], "cam.mkv")]
#[case(&["prores_ks"], "edit.mov")]
#[case(&["ffv1"], "archive.mkv")]
#[case(&["rawvideo", "-pix_fmt", "yuv420p"], "raw.mkv")]
#[case(&["mpeg2video"], "disc.mp4")]
#[case(&["mpeg4"], "old.mp4")]
#[case(&["png"], "screen.mov")]
fn clips_of_cameras_and_editors_are_read(#[case] codec: &[&str], #[case] name: &str) {
    let dir = folder();
    let input = dir.path().join(name);
    ffmpeg(&[&["-f", "lavfi", "-i", PICTURES, "-c:v"], codec, &[input.to_str().unwrap()]].concat());
    let MediaFacts::Video { frames, .. } = probed(&input).unwrap() else { panic!("a film") };
    assert_eq!(frames.0, 60, "{name}");
    run(MediaPlan::Normalise(normalise_plan(&input, dir.path(), Some(60)))).unwrap();
}

/// A film with sound, and the same with other letters for a codec.
fn renamed(out: PathBuf, from: [u8; 4], to: [u8; 4]) -> PathBuf {
    let film = out.with_extension("whole.mp4");
    let text = film.to_str().unwrap();
    ffmpeg(&[
        "-f", "lavfi", "-i", PICTURES, "-f", "lavfi", "-i", TONE, "-brand", "isom", "-c:v", "libx264", "-c:a", "aac",
        text,
    ]);
    let mut bytes = fs::read(&film).unwrap();
    // The brands before it name codecs, too.
    let table = bytes.windows(4).position(|four| four == b"moov").unwrap();
    let places: Vec<usize> = (table..bytes.len() - 4).filter(|at| bytes[*at..at + 4] == from).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + 4].copy_from_slice(&to);
    }
    fs::write(&out, bytes).unwrap();
    out
}

#[test]
fn a_codec_that_nothing_decodes_is_called_by_its_name() {
    let dir = folder();
    let film = renamed(dir.path().join("pictures.mp4"), *b"avc1", *b"ZZZ9");
    let sound = renamed(dir.path().join("sound.mp4"), *b"mp4a", *b"QQ42");
    for (input, named, remedy) in
        [(&film, "its pictures are of the codec 'ZZZ9'", "H.264"), (&sound, "its sound is of the codec 'QQ42'", "AAC")]
    {
        let plan = normalise_plan(input, dir.path(), Some(60));
        for refused in [probed(input).unwrap_err(), run(MediaPlan::Normalise(plan)).unwrap_err()] {
            let said = &refused.message;
            assert_eq!(refused.kind, FailureKind::BadInput, "{said}");
            assert!(said.contains(named) && said.contains("; save it") && said.contains(remedy), "{said}");
            assert!(
                !["damaged", "cut off", "Internal", "stream error"].iter().any(|word| said.contains(word)),
                "{said}"
            );
        }
    }
    let out = dir.path().join("out.wav");
    let recording = run(MediaPlan::Sound(SoundPlan { input: sound, speed: 1000, out })).unwrap_err();
    assert!(recording.message.contains("its sound is of the codec 'QQ42'"), "{recording:?}");
    let matroska = dir.path().join("film.mkv");
    ffmpeg(&["-f", "lavfi", "-i", PICTURES, "-c:v", "libx264", matroska.to_str().unwrap()]);
    let mut bytes = fs::read(&matroska).unwrap();
    let at = bytes.windows(15).position(|id| id == b"V_MPEG4/ISO/AVC").unwrap();
    bytes[at..at + 15].copy_from_slice(b"V_MPEG9/NEW/XYZ");
    fs::write(&matroska, bytes).unwrap();
    let refused = probed(&matroska).unwrap_err();
    assert!(refused.message.contains("its pictures are of the codec 'V_MPEG9/NEW/XYZ'"), "{refused:?}");
}

/// The program on a machine where a plugin of GStreamer's is not installed.
fn without(plugin: &str, dir: &Path) -> ChildProcess {
    let said = Command::new("pkg-config").args(["--variable=pluginsdir", "gstreamer-1.0"]).output().unwrap();
    let all = PathBuf::from(String::from_utf8(said.stdout).unwrap().trim());
    let plugins = dir.join("plugins");
    fs::create_dir_all(&plugins).unwrap();
    for entry in fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap();
        if entry.is_file() && name.to_string_lossy() != plugin {
            symlink(&entry, plugins.join(name)).unwrap();
        }
    }
    let (script, registry) = (dir.join("studiod"), dir.join("registry.bin"));
    let text = format!(
        "#!/bin/sh\nexport GST_PLUGIN_SYSTEM_PATH={} GST_REGISTRY={}\nexec {PROGRAM} \"$@\"\n",
        plugins.display(),
        registry.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    ChildProcess::with_program(script)
}

#[test]
fn a_decoder_that_is_not_installed_is_named_with_its_package() {
    let dir = folder();
    let input = dir.path().join("film.mp4");
    let text = input.to_str().unwrap();
    ffmpeg(&["-f", "lavfi", "-i", PICTURES, "-f", "lavfi", "-i", TONE, "-c:v", "mpeg4", "-c:a", "aac", text]);
    let child = without("libgstlibav.so", dir.path());
    let (progress, stop) = (Progress::noop(), CancellationToken::new());
    let refused = run_on(&child, MediaPlan::Probe(ProbePlan { input }), &progress, &stop).unwrap_err();
    let said = &refused.message;
    assert_eq!(refused.kind, FailureKind::Refused, "{said}");
    assert!(said.contains("its pictures are MPEG-4") | said.contains("its sound is MPEG-4"), "{said}");
    assert!(said.contains("is missing: install gstreamer1.0-libav"), "{said}");
}
