use std::path::{Path, PathBuf};

use proptest::prelude::*;
use studio_core::{
    failure::FailureKind,
    media::Chapter,
    units::{Fps, Frames},
};
use studio_media::mp4::{Finish, finish};

use super::{Place, tool};

/// Samples `avenc_aac` puts before the sound.
const PRIMING: u32 = 1024;

/// 90 pictures and 3 s of sound with a click at one second, as the studio's muxer writes them.
fn muxed(place: &Place, name: &str) -> PathBuf {
    let click = (0..150_000).map(|at| if (48_000..48_010).contains(&at) { 0.9 } else { 0.0 });
    let sound = place.wav("click.wav", 48_000, 2, click.flat_map(|s| [s, s]));
    let out = place.path(name);
    let line = format!(
        "videotestsrc num-buffers=90 pattern=ball ! video/x-raw,width=320,height=180,framerate=30/1 ! \
         x264enc threads=1 key-int-max=30 ! h264parse ! queue max-size-time=0 max-size-bytes=0 max-size-buffers=0 ! mux.video_0 \
         filesrc location={} ! wavparse ! audioconvert ! avenc_aac bitrate=128000 ! queue max-size-time=0 max-size-bytes=0 max-size-buffers=0 ! mux.audio_0 \
         mp4mux name=mux ! filesink location={}",
        sound.display(),
        out.display()
    );
    tool("gst-launch-1.0", &[&["-q"][..], &line.split_whitespace().collect::<Vec<_>>()].concat());
    out
}

fn chapters() -> Vec<Chapter> {
    [(0, "The lighthouse"), (1000, "Küche — Nacht"), (2500, "Ende")]
        .map(|(start_ms, title)| Chapter { start_ms, title: title.to_owned() })
        .to_vec()
}

fn finished(place: &Place, from: &Path, name: &str, chapters: &[Chapter]) -> PathBuf {
    let out = place.path(name);
    let how = Finish { aac_priming: Some(PRIMING), frames: Frames(90), fps: Fps::whole(30), chapters };
    finish(from, &out, &how).unwrap();
    assert!(!from.exists(), "the unfinished file is still there");
    out
}

fn probe(path: &Path) -> serde_json::Value {
    let arguments =
        ["-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_chapters", path.to_str().unwrap()];
    serde_json::from_slice(&tool("ffprobe", &arguments).stdout).unwrap()
}

fn number(value: &serde_json::Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn players_see_chapters_lengths_and_a_film_that_starts_at_zero() {
    let place = Place::new();
    let from = muxed(&place, "mux.part");
    let out = finished(&place, &from, "film.mp4", &chapters());
    let about = probe(&out);
    let seen: Vec<(f64, &str)> = about["chapters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (number(&one["start_time"]), one["tags"]["title"].as_str().unwrap()))
        .collect();
    assert_eq!(seen, [(0.0, "The lighthouse"), (1.0, "Küche — Nacht"), (2.5, "Ende")]);
    assert!(number(&about["format"]["start_time"]).abs() < 1e-6);
    assert!((number(&about["format"]["duration"]) - 3.0).abs() < 0.002, "{}", about["format"]["duration"]);
    for stream in about["streams"].as_array().unwrap() {
        assert!(number(&stream["start_time"]).abs() < 1e-6, "{stream}");
        assert!((number(&stream["duration"]) - 3.0).abs() <= 1.0 / 30.0, "{stream}");
    }
    tool("ffmpeg", &["-v", "error", "-xerror", "-i", out.to_str().unwrap(), "-f", "null", "-"]);
}

/// The encoder's delay is skipped: the click is where it was, and the last sound ends with the last picture.
#[test]
fn sound_is_where_it_was() {
    let place = Place::new();
    let from = muxed(&place, "mux.part");
    let out = finished(&place, &from, "film.mp4", &[]);
    let pcm = place.path("out.f32");
    let arguments =
        ["-v", "error", "-i", out.to_str().unwrap(), "-map", "0:a", "-ac", "1", "-f", "f32le", pcm.to_str().unwrap()];
    tool("ffmpeg", &arguments);
    let bytes = std::fs::read(pcm).unwrap();
    let samples: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let loudest = samples.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).unwrap().0;
    assert!(loudest.abs_diff(48_005) < 12, "the click is at {loudest}");
    assert!(samples.len().abs_diff(144_000) <= 1024, "{} samples", samples.len());
}

#[test]
fn the_index_comes_first_and_the_bytes_are_always_the_same() {
    let place = Place::new();
    let files: Vec<Vec<u8>> = ["one", "two"]
        .into_iter()
        .map(|name| {
            let from = muxed(&place, &format!("{name}.part"));
            std::fs::read(finished(&place, &from, &format!("{name}.mp4"), &chapters())).unwrap()
        })
        .collect();
    assert!(files[0] == files[1], "the time of making is in the file");
    let find = |name: &[u8]| files[0].windows(4).position(|four| four == name).unwrap();
    assert!(find(b"ftyp") < find(b"moov") && find(b"moov") < find(b"mdat"));
}

/// Doing it again to its own result changes nothing: the rewrite is stable and reads files with the index first.
#[test]
fn finishing_twice_is_finishing_once() {
    let place = Place::new();
    let from = muxed(&place, "mux.part");
    let once = finished(&place, &from, "once.mp4", &chapters());
    let first = std::fs::read(&once).unwrap();
    let twice = finished(&place, &once, "twice.mp4", &chapters());
    assert!(first == std::fs::read(twice).unwrap());
}

#[test]
fn files_of_other_muxers_work_too() {
    let place = Place::new();
    let from = place.path("ffmpeg.mp4");
    let arguments = [
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=320x180:rate=30:duration=3",
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        from.to_str().unwrap(),
    ];
    tool("ffmpeg", &arguments);
    let out = place.path("film.mp4");
    let how = Finish { aac_priming: None, frames: Frames(90), fps: Fps::whole(30), chapters: &chapters() };
    finish(&from, &out, &how).unwrap();
    let about = probe(&out);
    assert_eq!(about["chapters"].as_array().unwrap().len(), 3);
    assert!((number(&about["format"]["duration"]) - 3.0).abs() < 0.002);
    tool("ffmpeg", &["-v", "error", "-xerror", "-i", out.to_str().unwrap(), "-f", "null", "-"]);
}

#[test]
fn long_and_many_chapters_fit_their_list() {
    let place = Place::new();
    let from = muxed(&place, "mux.part");
    let many: Vec<Chapter> = (0..300).map(|at| Chapter { start_ms: at * 10, title: "ü".repeat(200) }).collect();
    let about = probe(&finished(&place, &from, "film.mp4", &many));
    let seen = about["chapters"].as_array().unwrap();
    assert_eq!(seen.len(), 255);
    assert_eq!(seen[0]["tags"]["title"].as_str().unwrap(), "ü".repeat(127), "cut between two letters, not inside one");
}

fn refused(place: &Place, bytes: &[u8]) -> studio_media::MediaError {
    let (from, out) = (place.path("bad.part"), place.path("bad.mp4"));
    std::fs::write(&from, bytes).unwrap();
    let how = Finish { aac_priming: Some(PRIMING), frames: Frames(90), fps: Fps::whole(30), chapters: &[] };
    let fault = finish(&from, &out, &how).unwrap_err();
    assert!(!out.exists() && from.exists(), "{}", fault.message);
    assert_eq!(
        std::fs::read_dir(place.dir.path())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("finish"))
            .count(),
        0
    );
    fault
}

#[test]
fn broken_files_are_refused() {
    let place = Place::new();
    let from = muxed(&place, "mux.part");
    let whole = std::fs::read(from).unwrap();
    for bytes in [&b""[..], b"not an mp4 at all", &whole[..whole.len() / 2], &whole[..whole.len() - 100]] {
        let fault = refused(&place, bytes);
        assert_eq!(fault.kind, FailureKind::BadInput, "{}", fault.message);
        assert!(fault.message.contains("bad.part"), "{}", fault.message);
    }
}

/// Whatever bytes of a real index are changed, the answer is a file or a sentence, never a crash.
#[test]
fn damage_never_crashes() {
    let place = Place::new();
    let whole = std::fs::read(muxed(&place, "mux.part")).unwrap();
    let index = whole.windows(4).rposition(|four| four == b"moov").unwrap() - 4;
    let (from, out) = (place.path("bad.part"), place.path("bad.mp4"));
    proptest!(ProptestConfig::with_cases(300), |(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6))| {
        let mut bytes = whole.clone();
        for (at, value) in changes {
            let at = index + at.index(whole.len() - index);
            bytes[at] = value;
        }
        std::fs::write(&from, &bytes).unwrap();
        let how = Finish { aac_priming: Some(PRIMING), frames: Frames(90), fps: Fps::whole(30), chapters: &chapters() };
        if let Err(fault) = finish(&from, &out, &how) {
            prop_assert_eq!(fault.kind, FailureKind::BadInput);
        }
    });
}
