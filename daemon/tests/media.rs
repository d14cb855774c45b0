//! Media jobs through the real child process, checked by ffmpeg as an independent decoder.

#[path = "support/clips.rs"]
mod clips;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use clips::{FPS, SIZE, barcode, difference, ffmpeg, ffprobe, frame_hashes, luma, master};
use rstest::rstest;
use studio_core::{
    media::{JoinPart, JoinPlan, MediaFacts, MediaPlan, MediaResult, NormalisePlan, PicturePlan, ProbePlan},
    shot::TransitionKind,
    units::{Frames, Size},
};
use studiod::{
    edge::{Failure, FailureKind, Progress, RunMedia},
    media::{
        ChildProcess,
        worker::encode::{EncoderSettings, VideoWriter},
    },
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const PROGRAM: &str = env!("CARGO_BIN_EXE_studiod");

fn run_on(
    child: &ChildProcess,
    plan: MediaPlan,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<MediaResult, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(child.run(plan, Path::new("/tmp"), progress, stop))
}

fn run(plan: MediaPlan) -> Result<MediaResult, Failure> {
    run_on(&ChildProcess::with_program(PROGRAM), plan, &Progress::ignored(), &CancellationToken::new())
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn normalise_plan(input: &Path, dir: &Path, frames: Option<u64>) -> NormalisePlan {
    NormalisePlan {
        input: input.to_owned(),
        size: SIZE,
        fps: FPS,
        frames: frames.map(Frames),
        video_out: dir.join("master.mp4"),
        sound_out: dir.join("master.wav"),
        last_frame_out: dir.join("last.png"),
    }
}

fn join_plan(parts: &[(&Path, TransitionKind, u64)], out: &Path) -> JoinPlan {
    let part = |&(input, transition, overlap): &(&Path, TransitionKind, u64)| JoinPart {
        input: input.to_owned(),
        transition,
        overlap: Frames(overlap),
    };
    JoinPlan {
        size: SIZE,
        fps: FPS,
        parts: parts.iter().map(part).collect(),
        sound: None,
        burn_in: None,
        chapters: Vec::new(),
        max_kbps: None,
        out: out.to_owned(),
    }
}

/// Pictures in all, copied, encoded, and why all were encoded.
fn join(plan: JoinPlan) -> (u64, u64, u64, Option<String>) {
    match run(MediaPlan::Join(plan)).unwrap() {
        MediaResult::Join { facts: MediaFacts::Video { frames, .. }, copied, encoded, full_because } => {
            (frames.0, copied.0, encoded.0, full_because)
        }
        other => panic!("{other:?}"),
    }
}

/// Every file under the folder, by name.
fn files(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[rstest]
fn joins_are_exact_to_the_picture(
    #[values(TransitionKind::Dissolve, TransitionKind::Fade, TransitionKind::FadeBlack, TransitionKind::WipeLeft)]
    kind: TransitionKind,
) {
    let dir = folder();
    let (a, b) = (master(&dir.path().join("a.mp4"), 1, 60), master(&dir.path().join("b.mp4"), 2, 60));
    let out = dir.path().join("film.mp4");
    let plan = join_plan(&[(&a, TransitionKind::Cut, 0), (&b, kind, 9)], &out);

    assert_eq!(join(plan), (111, 102, 9, None));

    let (old, new, film) = (frame_hashes(&a), frame_hashes(&b), frame_hashes(&out));
    assert_eq!(film.len(), 111);
    assert_eq!(film[..51], old[..51], "the body of the first part is copied");
    assert_eq!(film[60..], new[9..], "the body of the second part is copied");
    let pictures = luma(&out);
    assert_eq!(barcode(&pictures[51]), Some((1, 51)), "a transition begins with the old picture alone");
    assert_ne!(barcode(&pictures[56]), Some((1, 56)));
    assert_eq!(ffprobe(&out, "v:0", "stream=nb_frames,start_time"), "0.000000,111");
    let stamps = ffprobe(&out, "v:0", "packet=pts,dts");
    let stamps: Vec<(i64, i64)> = stamps
        .lines()
        .map(|line| line.trim_end_matches(',').split_once(',').unwrap())
        .map(|(pts, dts)| (pts.parse().unwrap(), dts.parse().unwrap()))
        .collect();
    assert!(stamps.iter().all(|(pts, dts)| pts >= dts));
    assert!(stamps.windows(2).all(|two| two[1].1 - two[0].1 == stamps[1].1 - stamps[0].1), "even decoding times");
}

#[test]
fn cuts_copy_everything_and_a_single_part_too() {
    let dir = folder();
    let (a, b) = (master(&dir.path().join("a.mp4"), 1, 40), master(&dir.path().join("b.mp4"), 2, 50));
    let out = dir.path().join("film.mp4");
    let cut = TransitionKind::Cut;
    assert_eq!(join(join_plan(&[(&a, cut, 0), (&b, cut, 0), (&a, cut, 0)], &out)), (130, 130, 0, None));
    let read: Vec<_> = luma(&out).iter().map(|picture| barcode(picture).unwrap()).collect();
    let wanted = (0..40).map(|n| (1, n)).chain((0..50).map(|n| (2, n))).chain((0..40).map(|n| (1, n)));
    assert_eq!(read, wanted.collect::<Vec<_>>());
    assert_eq!(join(join_plan(&[(&a, cut, 0)], &out)), (40, 40, 0, None));
    assert_eq!(frame_hashes(&out), frame_hashes(&a));
}

#[test]
fn transitions_of_different_kinds_and_a_part_inside_one_window() {
    let dir = folder();
    let a = master(&dir.path().join("a.mp4"), 1, 60);
    let short = master(&dir.path().join("s.mp4"), 2, 28);
    let c = master(&dir.path().join("c.mp4"), 3, 60);
    let out = dir.path().join("film.mp4");
    let parts: [(&Path, _, _); 3] =
        [(&a, TransitionKind::Cut, 0), (&short, TransitionKind::WipeLeft, 12), (&c, TransitionKind::Dissolve, 15)];
    let (frames, copied, encoded, why) = join(join_plan(&parts, &out));
    assert_eq!((frames, copied + encoded, why), (121, 121, None));
    assert!(copied >= 90, "{copied}");
    let pictures = luma(&out);
    assert_eq!(barcode(&pictures[60]), Some((2, 12)), "the one picture of the short part that is not blended");
    assert_eq!(barcode(&pictures[120]), Some((3, 59)));
}

#[test]
fn a_changed_shot_encodes_only_its_windows() {
    let dir = folder();
    let clip = |name: &str, id| master(&dir.path().join(name), id, 75);
    let (a, b, c, other) = (clip("a.mp4", 1), clip("b.mp4", 2), clip("c.mp4", 3), clip("d.mp4", 4));
    let film = |middle: &Path, out: &str| {
        let out = dir.path().join(out);
        let parts: [(&Path, _, _); 3] =
            [(&a, TransitionKind::Cut, 0), (middle, TransitionKind::Dissolve, 9), (&c, TransitionKind::FadeBlack, 15)];
        assert_eq!(join(join_plan(&parts, &out)), (201, 177, 24, None));
        frame_hashes(&out)
    };
    let (before, after) = (film(&b, "one.mp4"), film(&other, "two.mp4"));
    assert_eq!(before[..66], after[..66]);
    assert_eq!(before[141..], after[141..]);
    assert_ne!(before[100], after[100]);
}

#[test]
fn other_parameter_sets_take_the_full_path_with_the_same_pictures() {
    let dir = folder();
    let a = master(&dir.path().join("a.mp4"), 1, 60);
    let b = master(&dir.path().join("b.mp4"), 2, 60);
    let foreign = dir.path().join("f.mp4");
    ffmpeg(&["-i", b.to_str().unwrap(), "-c:v", "libx264", "-preset", "slow", "-crf", "10", foreign.to_str().unwrap()]);
    let out = dir.path().join("film.mp4");
    let parts: [(&Path, _, _); 2] = [(&a, TransitionKind::Cut, 0), (&foreign, TransitionKind::Fade, 9)];
    let (frames, copied, encoded, why) = join(join_plan(&parts, &out));
    assert_eq!((frames, copied, encoded), (111, 0, 111));
    assert!(why.unwrap().contains("parameter sets"));
    let read: Vec<_> = luma(&out).iter().map(|picture| barcode(picture)).collect();
    assert_eq!(read[50], Some((1, 50)));
    assert_eq!((read[60], read[110]), (Some((2, 9)), Some((2, 59))));
    frame_hashes(&out);
}

#[test]
fn impossible_joins_are_refused_and_leave_nothing() {
    let dir = folder();
    let (a, b) = (master(&dir.path().join("a.mp4"), 1, 20), master(&dir.path().join("b.mp4"), 2, 60));
    let out = dir.path().join("film.mp4");
    let long = run(MediaPlan::Join(join_plan(&[(&b, TransitionKind::Cut, 0), (&a, TransitionKind::Fade, 21)], &out)));
    assert_eq!(long.unwrap_err().kind, FailureKind::Refused);
    let mut slow = join_plan(&[(&a, TransitionKind::Cut, 0)], &out);
    slow.fps = studio_core::units::Fps::whole(24);
    let failure = run(MediaPlan::Join(slow)).unwrap_err();
    assert_eq!(failure.kind, FailureKind::BadInput, "{failure}");
    assert!(failure.message.contains("a.mp4") && failure.message.contains("24"), "{failure}");
    assert_eq!(run(MediaPlan::Join(join_plan(&[], &out))).unwrap_err().kind, FailureKind::Refused);
    assert_eq!(files(dir.path()), ["a.mp4", "b.mp4"]);
}

#[rstest]
#[case::same_length(None)]
#[case::long(Some(9.0))]
#[case::short(Some(1.0))]
fn picture_and_sound_end_together(#[case] seconds: Option<f64>) {
    let dir = folder();
    let a = master(&dir.path().join("a.mp4"), 1, 90);
    let (sound, out) = (dir.path().join("s.wav"), dir.path().join("film.mp4"));
    let source = format!("sine=f=440:r=48000:d={}", seconds.unwrap_or(3.0));
    ffmpeg(&["-f", "lavfi", "-i", &source, "-ac", "2", "-c:a", "pcm_f32le", sound.to_str().unwrap()]);
    let mut plan = join_plan(&[(&a, TransitionKind::Cut, 0)], &out);
    plan.sound = Some(sound);
    join(plan.clone());
    let film: f64 = ffprobe(&out, "v:0", "stream=duration").parse().unwrap();
    let sound: f64 = ffprobe(&out, "a:0", "stream=duration").parse().unwrap();
    assert!((film - 3.0).abs() < 1e-3 && (film - sound).abs() < 1.0 / 30.0, "{film} {sound}");
    let first = fs::read(&out).unwrap();
    join(plan);
    assert_eq!(first, fs::read(&out).unwrap(), "the same work gives the same bytes");
    frame_hashes(&out);
}

#[test]
fn burnt_in_subtitles_are_seen_only_while_they_last() {
    let dir = folder();
    let a = master(&dir.path().join("a.mp4"), 1, 90);
    let (cues, out) = (dir.path().join("s.srt"), dir.path().join("film.mp4"));
    fs::write(&cues, "1\n00:00:01,000 --> 00:00:02,000\n<i>Hold</i> the light!\n\n").unwrap();
    let mut plan = join_plan(&[(&a, TransitionKind::Cut, 0)], &out);
    plan.burn_in = Some(cues);
    let (frames, copied, _, why) = join(plan);
    assert_eq!((frames, copied), (90, 0));
    assert!(why.unwrap().contains("subtitles"));
    let (plain, drawn) = (luma(&a), luma(&out));
    let low = (SIZE.width * SIZE.height * 3 / 4) as usize;
    let changed: Vec<bool> =
        plain.iter().zip(&drawn).map(|(a, b)| strongly_changed(&a[low..], &b[low..]) > 40).collect();
    let wanted: Vec<bool> = (0..90).map(|n| (30..60).contains(&n)).collect();
    assert_eq!(changed, wanted);
}

fn strongly_changed(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a.abs_diff(**b) > 60).count()
}

#[test]
fn a_bit_rate_cap_is_kept() {
    let dir = folder();
    let plan = normalise_plan(&noise(dir.path(), 5), dir.path(), None);
    run(MediaPlan::Normalise(plan.clone())).unwrap();
    let noisy = plan.video_out;
    let out = dir.path().join("film.mp4");
    let mut plan = join_plan(&[(&noisy, TransitionKind::Cut, 0)], &out);
    plan.max_kbps = Some(900);
    let was = fs::metadata(&noisy).unwrap().len() * 8 / 5 / 1000;
    assert!(was > 1500, "the source must be larger than the cap: {was}");
    let (frames, copied, _, why) = join(plan.clone());
    assert_eq!((frames, copied), (150, 0));
    assert!(why.unwrap().contains("900 kbit/s"));
    let kbps = fs::metadata(&out).unwrap().len() * 8 / 5 / 1000;
    assert!(kbps <= 900, "{kbps}");
    plan.max_kbps = Some(20_000);
    assert_eq!(join(plan).3, None, "a roomy cap is no reason to encode again");
}

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
    let format = studiod::media::worker::frames::Format { size: SIZE, fps };
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

fn keys_of(film: &Path) -> Vec<usize> {
    let flags = ffprobe(film, "v:0", "packet=flags");
    flags.lines().enumerate().filter(|(_, flags)| flags.starts_with('K')).map(|(n, _)| n).collect()
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

#[test]
fn pictures_are_taken_exactly() {
    let dir = folder();
    let film = master(&dir.path().join("a.mp4"), 3, 100);
    for (at, wanted) in [(0, 0), (37, 37), (60, 60), (99, 99), (5000, 99)] {
        let out = dir.path().join("p.png");
        let plan = PicturePlan { input: film.clone(), at: Frames(at), fps: FPS, fit: None, out: out.clone() };
        run(MediaPlan::Picture(plan)).unwrap();
        let back = dir.path().join("p.mp4");
        ffmpeg(&[
            "-i",
            out.to_str().unwrap(),
            "-vf",
            "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
            "-c:v",
            "libx264",
            "-crf",
            "1",
            back.to_str().unwrap(),
        ]);
        assert_eq!(barcode(&luma(&back)[0]), Some((3, wanted)), "asked for {at}");
    }
    let out = dir.path().join("p.jpg");
    let fit = Some(Size { width: 100, height: 100 });
    let plan = PicturePlan { input: film, at: Frames(1), fps: FPS, fit, out };
    let facts = MediaFacts::Still { size: Size { width: 100, height: 56 } };
    assert_eq!(run(MediaPlan::Picture(plan)).unwrap(), MediaResult::Picture { facts });
}

fn long_clip(dir: &Path) -> PathBuf {
    let clip = dir.join("long.mp4");
    let source = "testsrc2=s=1280x720:r=30:d=20";
    ffmpeg(&["-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", clip.to_str().unwrap()]);
    clip
}

#[test]
fn a_cancelled_job_leaves_nothing() {
    let dir = folder();
    let (clip, room) = (long_clip(dir.path()), folder());
    let stop = CancellationToken::new();
    let hand = stop.clone();
    let progress = Progress::new(move |done| {
        if done > 0.1 {
            hand.cancel();
        }
    });
    let plan = MediaPlan::Normalise(normalise_plan(&clip, room.path(), None));
    let failure = run_on(&ChildProcess::with_program(PROGRAM), plan, &progress, &stop).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Cancelled);
    assert_eq!(files(room.path()), Vec::<String>::new());
}

#[test]
fn the_child_leaves_with_its_parent() {
    let dir = folder();
    let (clip, room) = (long_clip(dir.path()), folder());
    let mut child = Command::new(PROGRAM).arg("media").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut plan = serde_json::to_string(&MediaPlan::Normalise(normalise_plan(&clip, room.path(), None))).unwrap();
    plan.push('\n');
    let mut line = child.stdin.take().unwrap();
    line.write_all(plan.as_bytes()).unwrap();
    let mut reports = BufReader::new(child.stdout.take().unwrap()).lines();
    let at_work = reports.by_ref().map(Result::unwrap).any(|report| report.contains("0.1"));
    assert!(at_work, "the job ended before its parent did");
    drop(line);
    assert!(!reports.any(|report| report.is_ok_and(|text| text.contains("done\",\"result"))));
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(files(room.path()), Vec::<String>::new());
}

#[test]
fn progress_never_falls_and_ends_near_one() {
    let dir = folder();
    let clip = long_clip(dir.path());
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let ear = std::sync::Arc::clone(&heard);
    let progress = Progress::new(move |done| ear.lock().unwrap().push(done));
    let plan = MediaPlan::Normalise(normalise_plan(&clip, dir.path(), None));
    run_on(&ChildProcess::with_program(PROGRAM), plan, &progress, &CancellationToken::new()).unwrap();
    let heard = heard.lock().unwrap();
    assert!(heard.windows(2).all(|two| two[0] <= two[1]), "{heard:?}");
    assert!(heard.len() > 3 && heard.last().unwrap() > &0.7, "{heard:?}");
}

/// A clip nothing can compress much.
fn noise(dir: &Path, seconds: u32) -> PathBuf {
    let clip = dir.join("noise.mp4");
    let source = format!("nullsrc=s=320x180:r=30:d={seconds},geq=random(1)*255:128:128");
    ffmpeg(&["-f", "lavfi", "-i", &source, "-c:v", "libx264", "-preset", "ultrafast", clip.to_str().unwrap()]);
    clip
}

/// A small file system of its own, taken down when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = folder();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(dir.path()).output().ok()?;
        mounted.status.success().then_some(Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_told_apart() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("file systems cannot be mounted here");
        return;
    };
    let dir = folder();
    let noisy = noise(dir.path(), 8);
    let failure = run(MediaPlan::Normalise(normalise_plan(&noisy, disk.0.path(), None))).unwrap_err();
    assert_eq!(failure.kind, FailureKind::DiskFull, "{failure}");
    assert_eq!(files(disk.0.path()), Vec::<String>::new());
}

fn script(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("fake");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[rstest]
#[case::hang("exec tail -f /dev/null", "no progress")]
#[case::crash("echo bad plugin >&2; kill -SEGV $$", "signal 11: bad plugin")]
#[case::silence("echo not a report", "code 0")]
fn a_child_that_goes_wrong_is_tried_again(#[case] behaviour: &str, #[case] says: &str) {
    let dir = folder();
    let child = ChildProcess::with_program(script(dir.path(), behaviour)).stall_after(Duration::from_millis(300));
    let plan = MediaPlan::Probe(ProbePlan { input: "x".into() });
    let failure = run_on(&child, plan, &Progress::ignored(), &CancellationToken::new()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Transient);
    assert!(failure.message.contains(says), "{failure}");
}

#[test]
fn every_needed_element_is_found_or_named() {
    let out = Command::new(PROGRAM).args(["media", "elements"]).output().unwrap();
    let missing: Vec<(String, String)> = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(missing, []);
}

#[test]
fn other_readers_agree_on_what_was_written() {
    let dir = folder();
    let (a, b) = (master(&dir.path().join("a.mp4"), 1, 60), master(&dir.path().join("b.mp4"), 2, 60));
    let out = dir.path().join("film.mp4");
    join(join_plan(&[(&a, TransitionKind::Cut, 0), (&b, TransitionKind::Dissolve, 15)], &out));
    let uri = gstreamer::glib::filename_to_uri(&out, None).unwrap();
    let discoverer = gstreamer_pbutils::Discoverer::new(gstreamer::ClockTime::from_seconds(10)).unwrap();
    let found = discoverer.discover_uri(&uri).unwrap();
    let length = found.duration().unwrap().mseconds();
    let probed: f64 = ffprobe(&out, "v:0", "stream=duration").parse().unwrap();
    assert_eq!(length, 3500);
    assert!((probed - 3.5).abs() < 1e-3, "{probed}");
    assert_eq!((found.video_streams()[0].width(), found.video_streams()[0].height()), (320, 180));
    match run(MediaPlan::Probe(ProbePlan { input: out })).unwrap() {
        MediaResult::Probe { facts: MediaFacts::Video { frames, fps, size, .. } } => {
            assert_eq!((frames, fps, size), (Frames(105), FPS, SIZE));
        }
        other => panic!("{other:?}"),
    }
}
