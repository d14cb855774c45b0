//! Bringing clips of every kind to one size and rate.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rstest::rstest;
use studio_core::{
    media::{MediaFacts, MediaPlan, MediaResult, ProbePlan},
    units::{Frames, Size},
};
use studio_engine::FailureKind;
use studio_media::encode::{EncoderSettings, VideoWriter};

use crate::{
    clips::{self, FPS, SIZE, barcode, difference, ffmpeg, ffprobe, luma, master},
    files, folder, keys_of, normalise_plan, run,
};

#[rstest]
#[case::fps16("testsrc2=s=320x180:r=16:d=3", &["-c:v", "libx264"], "x.mp4", 90, "")]
#[case::fps24("testsrc2=s=640x360:r=24:d=3", &["-c:v", "libx264"], "x.mp4", 90, "")]
#[case::fps25("testsrc2=s=320x180:r=25:d=3", &["-c:v", "libvpx-vp9"], "x.webm", 90, "")]
#[case::vp8("testsrc2=s=320x180:r=25:d=3", &["-c:v", "libvpx"], "x.webm", 90, "")]
#[case::fps30("testsrc2=s=320x180:r=30:d=3", &["-c:v", "libx264"], "x.mkv", 90, "")]
#[case::variable("testsrc2=s=320x180:r=30:d=3,select='not(mod(n\\,3))+lt(n\\,30)'", &["-c:v", "libx264", "-vsync", "vfr"], "x.mp4", 89, "")]
#[case::odd("testsrc2=s=640x360:r=30:d=1,crop=319:217", &["-c:v", "libx264", "-pix_fmt", "yuv444p"], "x.mp4", 30, "")]
#[case::aspect("testsrc2=s=360x288:r=30:d=1,setsar=16/11", &["-c:v", "libx264"], "x.mp4", 30, "scale=iw*sar:ih,setsar=1,")]
#[case::gif("testsrc2=s=200x100:r=10:d=2", &[], "x.gif", 60, "")]
#[case::animated_webp("testsrc2=s=200x100:r=10:d=2", &["-c:v", "libwebp_anim", "-lossless", "1"], "x.webp", 60, "")]
fn clips_of_any_kind_become_masters(
    #[case] source: &str,
    #[case] codec: &[&str],
    #[case] name: &str,
    #[case] frames: u64,
    #[case] square: &str,
) {
    let dir = folder();
    let input = dir.path().join(name);
    ffmpeg(&[&["-f", "lavfi", "-i", source], codec, &[input.to_str().unwrap()]].concat());
    let plan = normalise_plan(&input, dir.path(), None);
    let result = run(MediaPlan::Normalise(plan.clone())).unwrap();
    let facts = MediaFacts::Video {
        size: SIZE,
        fps: FPS,
        frames: Frames(frames),
        codec: "h264".to_owned(),
        samples: studio_core::units::Samples(0),
    };
    assert_eq!(result, MediaResult::Normalise { facts, has_sound: false });
    assert_eq!(ffprobe(&plan.video_out, "v:0", "stream=nb_frames"), frames.to_string());
    assert!(!plan.sound_out.exists());
    let pictures = luma(&plan.video_out);
    if !["x.webp"].contains(&name) {
        looks_like(&input, square, pictures.last().unwrap());
    }
    let still = dir.path().join("still.mp4");
    ffmpeg(&[
        "-i",
        plan.last_frame_out.to_str().unwrap(),
        "-vf",
        "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
        "-c:v",
        "libx264",
        "-crf",
        "1",
        still.to_str().unwrap(),
    ]);
    assert!(difference(&luma(&still)[0], pictures.last().unwrap()) < 3.0, "the last picture is the last picture");
}

/// Compares with the last picture as ffmpeg decodes and fits it.
fn looks_like(input: &Path, square: &str, picture: &[u8]) {
    let fit = "scale=320:180:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=lanczos:out_color_matrix=bt709:out_range=tv,pad=320:180:-1:-1";
    let filter = format!("{square}{fit},format=yuv420p,extractplanes=y");
    let raw = ffmpeg(&["-i", input.to_str().unwrap(), "-vf", &filter, "-vsync", "0", "-f", "rawvideo", "-"]);
    let last = raw.chunks_exact(picture.len()).last().unwrap();
    let apart = difference(last, picture);
    assert!(apart < 6.0, "{apart}");
}

#[rstest]
#[case(90)]
#[case(180)]
#[case(270)]
fn rotated_clips_stand_upright(#[case] degrees: u32) {
    let dir = folder();
    let (flat, input) = (dir.path().join("flat.mp4"), dir.path().join("rotated.mp4"));
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=1", "-c:v", "libx264", flat.to_str().unwrap()]);
    let tag = format!("rotate={degrees}");
    ffmpeg(&["-i", flat.to_str().unwrap(), "-c", "copy", "-metadata:s:v", &tag, input.to_str().unwrap()]);
    let plan = normalise_plan(&input, dir.path(), None);
    run(MediaPlan::Normalise(plan.clone())).unwrap();
    looks_like(&input, "", luma(&plan.video_out).last().unwrap());
    let size = if degrees == 180 { Size { width: 320, height: 180 } } else { Size { width: 180, height: 320 } };
    match run(MediaPlan::Probe(ProbePlan { input })).unwrap() {
        MediaResult::Probe { facts: MediaFacts::Video { size: shown, .. } } => assert_eq!(shown, size),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_clips_sound_becomes_stereo_of_the_pictures_length() {
    let dir = folder();
    let input = dir.path().join("x.mp4");
    let (picture, sound) = ("testsrc2=s=320x180:r=25:d=2", "sine=f=1000:r=44100:d=3");
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        picture,
        "-f",
        "lavfi",
        "-i",
        sound,
        "-ac",
        "1",
        "-c:v",
        "libx264",
        input.to_str().unwrap(),
    ]);
    let plan = normalise_plan(&input, dir.path(), Some(60));
    match run(MediaPlan::Normalise(plan.clone())).unwrap() {
        MediaResult::Normalise { has_sound, .. } => assert!(has_sound),
        other => panic!("{other:?}"),
    }
    let mut wav = hound::WavReader::open(&plan.sound_out).unwrap();
    assert_eq!((wav.spec().sample_rate, wav.spec().channels, wav.duration()), (48_000, 2, 96_000));
    let left: Vec<f32> = wav.samples::<f32>().step_by(2).map(Result::unwrap).collect();
    let crossings = left.windows(2).filter(|two| two[0] < 0.0 && two[1] >= 0.0).count();
    assert!((1990..=2010).contains(&crossings), "1000 Hz for 2 s, not {crossings} waves");
}

#[test]
fn stills_and_lengths_that_were_ordered() {
    let dir = folder();
    let png = dir.path().join("x.png");
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2=s=200x300:d=1", "-frames:v", "1", png.to_str().unwrap()]);
    let plan = normalise_plan(&png, dir.path(), Some(45));
    run(MediaPlan::Normalise(plan.clone())).unwrap();
    assert_eq!(ffprobe(&plan.video_out, "v:0", "stream=nb_frames"), "45");

    let clip = master(&dir.path().join("clip.mp4"), 5, 60);
    let order = |frames| run(MediaPlan::Normalise(normalise_plan(&clip, dir.path(), Some(frames))));
    order(50).unwrap();
    assert_eq!(ffprobe(&plan.video_out, "v:0", "stream=nb_frames"), "50", "cut");
    order(66).unwrap();
    let read: Vec<_> = luma(&plan.video_out).iter().map(|picture| barcode(picture).unwrap().1).collect();
    assert_eq!(read[..60], (0..60).collect::<Vec<_>>());
    assert_eq!(read[60..], [59; 6], "the last picture holds");
    let short = order(80).unwrap_err();
    assert_eq!(short.kind, FailureKind::BadInput);
    assert!(short.message.contains("60 of 80"), "{short}");
    assert!(!plan.video_out.exists(), "a failed job leaves nothing behind");
}

#[test]
fn masters_have_key_frames_at_the_transitions_and_repeat_byte_by_byte() {
    let dir = folder();
    let clip = dir.path().join("clip.mp4");
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2=s=640x360:r=24:d=4", "-c:v", "libx264", clip.to_str().unwrap()]);
    let plan = normalise_plan(&clip, dir.path(), None);
    run(MediaPlan::Normalise(plan.clone())).unwrap();
    let keys = keys_of(&plan.video_out);
    for key in [0, 9, 15, 105, 111] {
        assert!(keys.contains(&key), "{keys:?}");
    }
    let first = fs::read(&plan.video_out).unwrap();
    run(MediaPlan::Normalise(plan.clone())).unwrap();
    assert!(first == fs::read(&plan.video_out).unwrap(), "the same clip gives the same bytes");
}

#[rstest]
#[case(24)]
#[case(30)]
#[case(60)]
fn key_frames_are_where_they_were_asked_for(#[case] rate: u32) {
    let dir = folder();
    let path = dir.path().join("keys.mp4");
    let fps = studio_core::units::Fps::whole(rate);
    let format = studio_media::frames::Format { size: SIZE, fps };
    let wanted = [3, 9, 15, 18, 21, 30, 31, 100, 104, 139];
    let mut writer = VideoWriter::create(&path, SIZE, fps, &EncoderSettings::default()).unwrap();
    for n in 0..140 {
        let [y, u, v] = clips::planes(1, n);
        writer.push(format.buffer_from_planes([&y, &u, &v]).unwrap(), wanted.contains(&(n as usize))).unwrap();
    }
    writer.finish().unwrap();
    let keys = keys_of(&path);
    assert!(wanted.iter().all(|key| keys.contains(key)), "{keys:?}");
    assert!(keys.len() <= wanted.len() + 4, "{keys:?}");
}

fn bad_input(dir: &Path, what: &str) -> PathBuf {
    let (good, bad) = (dir.join("good.mp4"), dir.join("bad.mp4"));
    let (late, early) = (["-movflags", "0"], ["-movflags", "faststart"]);
    let film = |index: &[&str]| {
        let source: &[&str] = &["-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=4", "-c:v", "libx264"];
        ffmpeg(&[source, index, &[good.to_str().unwrap()]].concat());
        fs::read(&good).unwrap()
    };
    let bytes = match what {
        "missing" => return dir.join("nothing.mp4"),
        "directory" => return dir.to_owned(),
        "empty" => Vec::new(),
        "text" => b"INT. LIGHTHOUSE - NIGHT\n\nRain.\n".to_vec(),
        "header only" => b"\0\0\0\x18ftypisom\0\0\0\0isomiso2garbage garbage garbage".to_vec(),
        "cut before the index" => film(&late)[..60_000].to_vec(),
        "cut after the index" => film(&early)[..60_000].to_vec(),
        "flipped bytes" => {
            let mut bytes = film(&early);
            let middle = bytes.len() / 2;
            bytes[middle..middle + 6000].iter_mut().for_each(|byte| *byte ^= 0x5a);
            bytes
        }
        "sound only" => {
            ffmpeg(&["-f", "lavfi", "-i", "sine=d=2", good.to_str().unwrap()]);
            fs::read(&good).unwrap()
        }
        "half a picture" => {
            let png = dir.join("x.png");
            ffmpeg(&["-f", "lavfi", "-i", "testsrc2=s=320x180", "-frames:v", "1", png.to_str().unwrap()]);
            let bytes = fs::read(&png).unwrap();
            bytes[..bytes.len() / 2].to_vec()
        }
        "pipe" => {
            assert!(Command::new("mkfifo").arg(&bad).status().unwrap().success());
            return bad;
        }
        other => panic!("{other}"),
    };
    fs::write(&bad, bytes).unwrap();
    bad
}

#[rstest]
#[case("missing", "no such file")]
#[case("directory", "is a directory")]
#[case("empty", "is empty")]
#[case("text", "neither a film nor a picture")]
#[case("header only", "")]
#[case("cut before the index", "cut off")]
#[case("cut after the index", "cut off")]
#[case("flipped bytes", "")]
#[case("sound only", "no pictures")]
#[case("half a picture", "damaged or cut off")]
#[case("pipe", "is a pipe")]
fn bad_input_is_told_and_leaves_nothing(#[case] what: &str, #[case] says: &str) {
    let dir = folder();
    let input = bad_input(dir.path(), what);
    let room = folder();
    let failure = run(MediaPlan::Normalise(normalise_plan(&input, room.path(), None))).unwrap_err();
    assert_eq!(failure.kind, FailureKind::BadInput, "{failure}");
    assert!(failure.message.contains(says), "{failure}");
    assert!(failure.message.contains(input.to_str().unwrap()), "names the file: {failure}");
    assert!(!failure.message.contains('\n'));
    assert_eq!(files(room.path()), Vec::<String>::new());
}
