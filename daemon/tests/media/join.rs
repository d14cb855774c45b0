//! Joining clips and taking pictures out of films.

use std::{fs, path::Path};

use rstest::rstest;
use studio_core::{
    media::{MediaFacts, MediaPlan, MediaResult, PicturePlan, ProbePlan},
    shot::TransitionKind,
    units::{Frames, Size},
};
use studio_engine::FailureKind;

use crate::{
    clips::{FPS, SIZE, barcode, ffmpeg, ffprobe, frame_hashes, luma, master},
    files, folder, join, join_plan, noise, normalise_plan, run,
};

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
    let (untouched, written) = (luma(&a), luma(&out));
    let low = (SIZE.width * SIZE.height * 3 / 4) as usize;
    let changed: Vec<bool> =
        untouched.iter().zip(&written).map(|(a, b)| strongly_changed(&a[low..], &b[low..]) > 40).collect();
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
