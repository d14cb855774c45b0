//! Edit lists and late starts: the pictures and the sound that are shown, as ffmpeg shows them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use studio_core::{
    media::{FrameAt, FramesPlan, MediaFacts, MediaPlan, MediaResult, PicturePlan, ProbePlan, SamplePlan},
    units::Size,
};

use crate::{
    clips::{FPS, barcode, ffmpeg, luma, master},
    folder, normalise_plan, run,
};

/// A place in a film's boxes: where the box begins, and its length.
type Place = (usize, usize);

fn boxes(data: &[u8], from: usize, end: usize) -> Vec<(Place, [u8; 4])> {
    let (mut at, mut found) = (from, Vec::new());
    while at + 8 <= end {
        let size = u32::from_be_bytes(data[at..at + 4].try_into().unwrap()) as usize;
        found.push(((at, size), data[at + 4..at + 8].try_into().unwrap()));
        at += size;
    }
    found
}

fn find(data: &[u8], (at, size): Place, path: &[&[u8; 4]]) -> Option<Place> {
    let Some((name, rest)) = path.split_first() else { return Some((at, size)) };
    let inner = boxes(data, at + 8, at + size).into_iter().find(|(_, found)| found == *name)?;
    find(data, inner.0, rest)
}

fn number(data: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(data[at..at + 4].try_into().unwrap())
}

/// Writes a film with another edit list on its track of a kind (`vide`, `soun`): seconds shown, and from where of the
/// stream (nothing: an empty edit). The index of `input` must come last.
fn with_edits(input: &Path, out: &Path, kind: [u8; 4], edits: &[(f64, Option<f64>)]) -> PathBuf {
    let data = fs::read(input).unwrap();
    let (moov, _) = boxes(&data, 0, data.len()).into_iter().find(|(_, name)| name == b"moov").unwrap();
    let header = find(&data, moov, &[b"mvhd"]).unwrap();
    let film_scale = f64::from(number(&data, header.0 + 20));
    let tracks = boxes(&data, moov.0 + 8, moov.0 + moov.1).into_iter().filter(|(_, name)| name == b"trak");
    let is_kind = |track: &Place| {
        let handler = find(&data, *track, &[b"mdia", b"hdlr"]).unwrap();
        data[handler.0 + 16..handler.0 + 20] == kind
    };
    let track = tracks.map(|(place, _)| place).find(is_kind).unwrap();
    let media = find(&data, track, &[b"mdia", b"mdhd"]).unwrap();
    let scale = f64::from(number(&data, media.0 + 20));
    let mut list = [[0; 4], (edits.len() as u32).to_be_bytes()].concat();
    for (seconds, from) in edits {
        list.extend(((seconds * film_scale).round() as u32).to_be_bytes());
        list.extend(from.map_or(-1, |from| (from * scale).round() as i32).to_be_bytes());
        list.extend(0x0001_0000u32.to_be_bytes());
    }
    let boxed = |name: &[u8; 4], body: &[u8]| [&((body.len() + 8) as u32).to_be_bytes()[..], name, body].concat();
    let inner = boxes(&data, track.0 + 8, track.0 + track.1);
    let kept: Vec<u8> = inner
        .iter()
        .filter(|(_, name)| name != b"edts")
        .flat_map(|((at, size), _)| &data[*at..at + size])
        .copied()
        .collect();
    let new = boxed(b"trak", &[kept, boxed(b"edts", &boxed(b"elst", &list))].concat());
    let index = [&data[moov.0 + 8..track.0], &new, &data[track.0 + track.1..moov.0 + moov.1]].concat();
    assert_eq!(moov.0 + moov.1, data.len(), "the index comes last, so that nothing else moves");
    fs::write(out, [&data[..moov.0], &boxed(b"moov", &index)].concat()).unwrap();
    out.to_owned()
}

/// A clip of ten seconds whose pictures say their numbers, a key picture every four seconds, the index last.
fn long(dir: &Path, b_frames: &str) -> PathBuf {
    let (first, out) = (master(&dir.join("first.mp4"), 3, 300), dir.join("long.mp4"));
    ffmpeg(&[
        "-i",
        first.to_str().unwrap(),
        "-c:v",
        "libx264",
        "-g",
        "120",
        "-keyint_min",
        "120",
        "-sc_threshold",
        "0",
        "-bf",
        b_frames,
        "-crf",
        "18",
        "-movflags",
        "-faststart",
        out.to_str().unwrap(),
    ]);
    out
}

fn facts(input: &Path) -> (u64, u64) {
    match run(MediaPlan::Probe(ProbePlan { input: input.to_owned() })).unwrap() {
        MediaResult::Probe { facts: MediaFacts::Video { frames, samples, .. } } => (frames.0, samples.0),
        other => panic!("{other:?}"),
    }
}

/// Numbers of the pictures of the master that a clip becomes.
fn numbers(input: &Path, dir: &Path) -> Vec<u32> {
    let plan = normalise_plan(input, dir, None);
    run(MediaPlan::Normalise(plan.clone())).unwrap();
    luma(&plan.video_out).iter().map(|picture| barcode(picture).expect("a whole picture").1).collect()
}

#[test]
fn a_trimmed_clip_has_the_pictures_that_its_list_shows() {
    let dir = folder();
    for b_frames in ["0", "2"] {
        let full = long(dir.path(), b_frames);
        // With pictures that are shown later than they are decoded, the stream itself begins later.
        let begin = if b_frames == "0" { 0.0 } else { 2.0 / 30.0 };
        let picture = |n: u32| begin + f64::from(n) / 30.0;
        let of = |edits: &[(f64, Option<f64>)]| with_edits(&full, &dir.path().join("cut.mp4"), *b"vide", edits);
        for (what, edits, shown) in [
            ("the beginning", vec![(3.0, Some(picture(105)))], (105..195).collect::<Vec<_>>()),
            ("the end", vec![(1.5, Some(picture(0)))], (0..45).collect()),
            (
                "the middle",
                vec![(1.0, Some(picture(10))), (1.0, Some(picture(210)))],
                (10..40).chain(210..240).collect(),
            ),
            (
                "what was, again",
                vec![(1.0, Some(picture(210))), (1.0, Some(picture(10)))],
                (210..240).chain(10..40).collect(),
            ),
            ("half a picture", vec![(1.0, Some(picture(105) - 0.01))], (105..135).collect()),
        ] {
            let cut = of(&edits);
            // Going back with B-frames is more than ffmpeg does without complaint.
            if b_frames == "0" || what != "what was, again" {
                let code = |picture: &Vec<u8>| barcode(picture).expect("a whole picture").1;
                assert_eq!(luma(&cut).iter().map(code).collect::<Vec<_>>(), shown, "{what}: ffmpeg");
            }
            assert_eq!(facts(&cut).0, shown.len() as u64, "{what}");
            assert_eq!(numbers(&cut, dir.path()), shown, "{what}, {b_frames} B-frames");
        }
        let whole = of(&[(10.0, Some(begin))]);
        assert_eq!(numbers(&whole, dir.path()), (0..300).collect::<Vec<_>>());
    }
}

#[test]
fn a_picture_is_taken_out_of_what_a_list_shows() {
    let dir = folder();
    let cut = with_edits(&long(dir.path(), "0"), &dir.path().join("cut.mp4"), *b"vide", &[(3.0, Some(3.5))]);
    for (at, shown) in [(0, 105), (30, 135), (89, 194), (500, 194)] {
        let out = dir.path().join("one.png");
        let plan = PicturePlan {
            input: cut.clone(),
            at: studio_core::units::Frames(at),
            fps: FPS,
            fit: None,
            out: out.clone(),
        };
        run(MediaPlan::Picture(plan)).unwrap();
        let picture = image::open(&out).unwrap().to_luma8();
        assert_eq!(barcode(picture.as_raw()).unwrap().1, shown, "picture {at}");
    }
}

#[test]
fn the_way_to_a_late_picture_of_a_trimmed_clip_is_told() {
    let dir = folder();
    let cut = with_edits(&long(dir.path(), "0"), &dir.path().join("cut.mp4"), *b"vide", &[(6.0, Some(3.5))]);
    let told_by = |plan: MediaPlan| {
        let mut told = Vec::new();
        studio_media::carry_out(&plan, &mut |done| told.push(done)).unwrap();
        told.into_iter().filter(|done| *done == 0.0).count()
    };
    let frame = FrameAt { at_ms: 4_000, out: dir.path().join("late.png") };
    let told = told_by(MediaPlan::Frames(FramesPlan { input: cut.clone(), frames: vec![frame.clone()] }));
    assert!(told >= 110, "each of 30 pictures a second for four seconds, or whoever listens takes it for hung: {told}");
    assert_eq!(barcode(image::open(&frame.out).unwrap().to_luma8().as_raw()).unwrap().1, 225);
    let out = dir.path().join("samples");
    fs::write(&out, b"").unwrap();
    let size = Size { width: 32, height: 32 };
    let plan = SamplePlan { input: cut, from_ms: 4_000, to_ms: None, length_ms: 6_000, every_ms: 100, size, out };
    let told = told_by(MediaPlan::Sample(plan));
    assert!(told >= 35, "each of ten pictures a second for four seconds: {told}");
}

/// Where in milliseconds a sound first is, in a WAV.
fn first_sound(wav: &Path) -> f64 {
    let samples: Vec<f32> = hound::WavReader::open(wav).unwrap().samples().map(Result::unwrap).collect();
    let at = samples.iter().position(|sample| sample.abs() > 0.3).expect("there is sound");
    at as f64 / 2.0 / 48.0
}

#[test]
fn sound_stays_where_it_is_beside_the_pictures() {
    let dir = folder();
    let full = long(dir.path(), "0");
    // Silence, and from six seconds on a tone.
    let spoken = dir.path().join("spoken.mp4");
    let tone = "aevalsrc='0.5*sin(880*PI*t)*gte(t,6)':s=48000:d=10";
    let (full, text) = (full.to_str().unwrap(), spoken.to_str().unwrap());
    ffmpeg(&[
        "-i",
        full,
        "-f",
        "lavfi",
        "-i",
        tone,
        "-c:v",
        "copy",
        "-c:a",
        "aac",
        "-shortest",
        "-movflags",
        "-faststart",
        text,
    ]);
    let cut = with_edits(&spoken, &dir.path().join("a.mp4"), *b"vide", &[(4.0, Some(5.0))]);
    // An encoder of AAC begins with 1024 samples of its own.
    let from = Some(5.0 + 1024.0 / 48_000.0);
    let cut = with_edits(&cut, &dir.path().join("b.mp4"), *b"soun", &[(4.0, from)]);
    let late = with_edits(&cut, &dir.path().join("c.mp4"), *b"soun", &[(0.5, None), (3.5, from)]);
    // Both late by the same: the film begins with them.
    let both = with_edits(&cut, &dir.path().join("d.mp4"), *b"vide", &[(2.0, None), (4.0, Some(5.0))]);
    let both = with_edits(&both, &dir.path().join("e.mp4"), *b"soun", &[(2.0, None), (4.0, from)]);
    let matroska = dir.path().join("late.mkv");
    ffmpeg(&[
        "-itsoffset",
        "5",
        "-i",
        cut.to_str().unwrap(),
        "-c:v",
        "libx264",
        "-c:a",
        "flac",
        matroska.to_str().unwrap(),
    ]);
    for (what, input, at_ms) in [
        ("cut", &cut, 1000.0),
        ("late sound", &late, 1500.0),
        ("both late", &both, 1000.0),
        ("late", &matroska, 1000.0),
    ] {
        let shown = numbers(input, dir.path());
        assert_eq!(shown, (150..270).collect::<Vec<_>>(), "{what}");
        let found = first_sound(&dir.path().join("master.wav"));
        assert!((found - at_ms).abs() < 15.0, "{what}: {found} ms");
    }
    // Pictures that come later than the sound are held from its beginning, so that both stay together.
    let behind = with_edits(&cut, &dir.path().join("f.mp4"), *b"vide", &[(0.5, None), (3.5, Some(5.0))]);
    let shown = numbers(&behind, dir.path());
    assert_eq!((shown[..16].to_vec(), shown.len()), ([vec![150; 16]].concat(), 120));
    assert!((first_sound(&dir.path().join("master.wav")) - 1000.0).abs() < 15.0);
}
