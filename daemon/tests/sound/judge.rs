use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use studio_core::{
    ids::ContentHash,
    media::{Expected, MeasurePlan, MediaPlan, MediaResult},
    order::{AssetRef, Order, Reported, ReviewOrder},
    take::{Mark, MarkName, Verdict},
    units::{Fps, Frames, Score, Size},
};
use studio_draft::judge::{DraftJudge, verdict};
use studio_engine::{
    Artifact, Boxed, Engine, EngineError, FailureKind, Means, Progress, RunMedia, Workspace, asset_path,
};
use studio_media::measure::{self, Meter};
use tokio_util::sync::CancellationToken;

use super::{Place, noise, tool};

const SIZE: Size = Size { width: 320, height: 180 };

fn plan(frames: u64) -> MeasurePlan {
    MeasurePlan {
        input: PathBuf::new(),
        expected: Some(Expected { size: SIZE, fps: Fps::whole(30), frames: Frames(frames), may_be_longer: false }),
        reference: None,
        anchor: None,
        may_stand_still: false,
        dataset: false,
    }
}

/// A flat panel as the draft engine draws it: sky, ground, a house and a figure, moved by `shift` pixels.
fn panel(shift: usize, [sky, ground, house, figure]: [u8; 4]) -> Vec<u8> {
    let mut luma = Vec::with_capacity(320 * 180);
    for y in 0..180usize {
        for x in 0..320usize {
            let at = x + shift;
            let inside = |left: usize, right: usize, top: usize| (left..right).contains(&at) && y >= top;
            luma.push(if inside(150, 170, 90) {
                figure
            } else if inside(60, 260, 50) && y < 140 {
                house
            } else if y > 120 {
                ground
            } else {
                sky
            });
        }
    }
    luma
}

const DAY: [u8; 4] = [180, 110, 140, 60];
/// Darker than any day, lighter than black.
const NIGHT: [u8; 4] = [24, 20, 38, 52];

fn judged(frames: impl IntoIterator<Item = Vec<u8>>, plan: &MeasurePlan) -> Verdict {
    let mut meter = Meter::default();
    frames.into_iter().for_each(|luma| meter.push(&luma, 320, 180, 320));
    verdict(meter.finish(plan, None))
}

fn score_of(verdict: &Verdict, name: &str) -> f64 {
    verdict
        .marks
        .iter()
        .find(|mark| mark.name.word() == name)
        .unwrap_or_else(|| panic!("no {name}: {verdict:?}"))
        .score
        .as_fraction()
}

fn blurred(luma: &[u8], radius: usize) -> Vec<u8> {
    let mut out = luma.to_vec();
    for _ in 0..3 {
        for (across, lines) in [(1usize, 320usize), (320, 1)] {
            let before = out.clone();
            let (length, _) = if across == 1 { (320, 180) } else { (180, 320) };
            for start in 0..before.len() / length {
                let first = start * if across == 1 { lines } else { 1 };
                for i in 0..length {
                    let range = i.saturating_sub(radius)..(i + radius + 1).min(length);
                    let count = range.len();
                    let sum: usize = range.map(|j| usize::from(before[first + j * across])).sum();
                    out[first + i * across] = (sum / count) as u8;
                }
            }
        }
    }
    out
}

#[test]
fn what_is_right_passes_and_what_is_wrong_does_not() {
    let good = judged((0..30).map(|i| panel(i, DAY)), &plan(30));
    assert!(good.score.unwrap() > Score::from_percent(85), "{good:?}");
    let night = judged((0..30).map(|i| panel(i, NIGHT)), &plan(30));
    assert!(night.score.unwrap() >= Score::from_percent(60), "{night:?}");

    let black = judged((0..30).map(|_| vec![16; 320 * 180]), &plan(30));
    assert!(black.score.unwrap() <= Score::from_percent(10) && black.reason.contains("black"), "{black:?}");
    let frozen = judged((0..30).map(|_| panel(0, DAY)), &plan(30));
    assert!(frozen.score.unwrap() <= Score::from_percent(10) && frozen.reason.contains("frozen"), "{frozen:?}");
    let soft = judged((0..30).map(|i| blurred(&panel(i, DAY), 4)), &plan(30));
    assert!(soft.score.unwrap() < Score::from_percent(60) && soft.reason.contains("blur"), "{soft:?}");
    let flashing = |i: usize| panel(i, if i.is_multiple_of(2) { DAY } else { [120, 70, 90, 30] });
    let flicker = judged((0..30).map(flashing), &plan(30));
    assert!(flicker.score.unwrap() < Score::from_percent(60) && flicker.reason.contains("flicker"), "{flicker:?}");
    let white = judged((0..30).map(|i| panel(i, [235, 235, 234, 235])), &plan(30));
    assert!(score_of(&white, "exposure") < 0.1 && white.score.unwrap() < Score::from_percent(60), "{white:?}");
    let short = judged((0..20).map(|i| panel(i, DAY)), &plan(30));
    assert!(short.score.unwrap() <= Score::from_percent(10) && short.reason.contains("length"), "{short:?}");
    let noisy =
        judged((0..30).map(|i| noise(i).take(320 * 180).map(|s| (125.0 + s * 100.0) as u8).collect()), &plan(30));
    assert!((score_of(&noisy, "blur") - 1.0).abs() < 1e-9);
}

#[test]
fn standing_still_is_no_fault_where_it_was_ordered() {
    let still = MeasurePlan { may_stand_still: true, ..plan(30) };
    let verdict = judged((0..30).map(|_| panel(0, DAY)), &still);
    assert!(verdict.score.unwrap() > Score::from_percent(80), "{verdict:?}");
    assert!(verdict.marks.iter().all(|mark| mark.name != MarkName::Frozen));
}

#[test]
fn nothing_seen_is_unreviewed() {
    assert_eq!(judged([], &plan(30)).score, None);
    let mut meter = Meter::default();
    meter.push(&[0; 10], 320, 180, 320);
    meter.push(&[], 0, 0, 0);
    assert_eq!(meter.frames(), 0);
}

/// Real files through the real decoder: a clip against its own still and against another.
#[test]
fn clips_and_stills_are_measured_from_their_files() {
    let place = Place::new();
    let path = |name: &str| place.path(name).to_str().unwrap().to_owned();
    let (clip, own, other) = (path("clip.mp4"), path("own.png"), path("other.png"));
    let source = "testsrc2=size=320x180:rate=30:duration=1";
    tool("ffmpeg", &["-v", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-pix_fmt", "yuv420p", &clip]);
    tool("ffmpeg", &["-v", "error", "-i", &clip, "-frames:v", "1", &own]);
    tool("ffmpeg", &["-v", "error", "-f", "lavfi", "-i", "mandelbrot=size=320x180", "-frames:v", "1", &other]);
    let marks = |input: &str, reference: Option<&str>, expected: bool| {
        let plan = MeasurePlan {
            input: input.into(),
            reference: reference.map(PathBuf::from),
            expected: plan(30).expected.filter(|_| expected),
            ..plan(30)
        };
        let MediaResult::Measure { marks } = measure::run(&plan, &mut |_| {}).unwrap() else { unreachable!() };
        verdict(marks)
    };
    let same = marks(&clip, Some(&own), true);
    assert!(score_of(&same, "likeness") > 0.95 && score_of(&same, "length") > 0.99, "{same:?}");
    assert!(same.score.unwrap() > Score::from_percent(80), "{same:?}");
    assert!(score_of(&marks(&clip, Some(&other), true), "likeness") < 0.5);
    let still = marks(&own, None, false);
    assert_eq!(still.marks.iter().map(|mark| mark.name.word()).collect::<Vec<_>>(), ["black", "blur", "exposure"]);
    assert!(still.score.unwrap() > Score::from_percent(80), "{still:?}");

    let text = place.path("text.png");
    std::fs::write(&text, "not a picture").unwrap();
    let bad = MeasurePlan { input: text, ..plan(30) };
    assert_eq!(measure::run(&bad, &mut |_| {}).unwrap_err().kind, FailureKind::BadInput);
}

/// A model has a rate of its own and makes clips in steps: 80 pictures at 16 are 5 s of a film at 24.
#[test]
fn a_models_clip_is_as_long_as_it_lasts_and_may_be_longer() {
    let place = Place::new();
    let clip = place.path("wan.mp4");
    let source = "testsrc2=size=320x180:rate=16:duration=5";
    let to = clip.to_str().unwrap();
    tool("ffmpeg", &["-v", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-pix_fmt", "yuv420p", to]);
    let length = |frames: u64, may_be_longer: bool| {
        let expected = Expected { size: SIZE, fps: Fps::whole(24), frames: Frames(frames), may_be_longer };
        let plan = MeasurePlan { input: clip.clone(), expected: Some(expected), ..plan(1) };
        let MediaResult::Measure { marks } = measure::run(&plan, &mut |_| {}).unwrap() else { unreachable!() };
        score_of(&verdict(marks), "length")
    };
    assert!(length(120, true) > 0.99 && length(120, false) > 0.99);
    assert!(length(100, true) > 0.99 && length(100, false) < 0.01, "too much is cut off, where that is expected");
    assert!(length(150, true) < 0.01, "too little is not");
}

/// Answers plans from a list and remembers what it was asked.
struct Answers {
    next: Mutex<Vec<Result<MediaResult, EngineError>>>,
    asked: Mutex<Vec<MediaPlan>>,
}

impl RunMedia for Answers {
    fn run<'a>(
        &'a self,
        plan: MediaPlan,
        _dir: &'a Path,
        _progress: &'a Progress,
        _stop: &'a CancellationToken,
    ) -> Boxed<'a, Result<MediaResult, EngineError>> {
        self.asked.lock().unwrap().push(plan);
        let answer = self.next.lock().unwrap().remove(0);
        Box::pin(async move { answer })
    }
}

async fn reviewed(
    answers: Vec<Result<MediaResult, EngineError>>,
    with_reference: bool,
    subject_exists: bool,
) -> (Result<Verdict, EngineError>, Vec<MediaPlan>) {
    let place = Place::new();
    let room: Workspace = place.room("1");
    let asset = |name: &str| AssetRef { hash: ContentHash::of(name.as_bytes()), ext: "mp4".to_owned() };
    if subject_exists {
        let path = asset_path(&room.assets, &asset("take"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "film").unwrap();
    }
    let media = Arc::new(Answers { next: Mutex::new(answers), asked: Mutex::default() });
    let order = Order::Review(ReviewOrder {
        subject: asset("take"),
        expected: plan(30).expected,
        reference: with_reference.then(|| asset("still")),
        anchor: None,
        may_stand_still: false,
        dataset: false,
        describe: false,
        candidates: Vec::new(),
        turn: 0,
        shown: None,
    });
    let judge = DraftJudge::new(media.clone());
    let result =
        judge.run(&order, Means { room: &room, progress: &Progress::noop(), stop: &CancellationToken::new() }).await;
    let verdict = result.map(|made| match made.as_slice() {
        [Artifact::Finding(Reported::Verdict { verdict })] => verdict.clone(),
        other => panic!("{other:?}"),
    });
    let asked = media.asked.lock().unwrap().clone();
    (verdict, asked)
}

fn good() -> MediaResult {
    let mark = |name: MarkName| Mark { name, score: Score::from_percent(90), measured: 1.0, unit: "x".to_owned() };
    MediaResult::Measure { marks: [MarkName::Black, MarkName::Blur, MarkName::Exposure].map(mark).to_vec() }
}

fn bad(kind: FailureKind) -> Result<MediaResult, EngineError> {
    Err(EngineError::new(kind, "take.mp4: broken"))
}

#[tokio::test]
async fn the_judge_never_passes_what_it_could_not_see() {
    let (verdict, asked) = reviewed(vec![Ok(good())], true, true).await;
    assert_eq!(verdict.unwrap().score, Some(Score::from_percent(90)));
    assert!(matches!(&asked[0], MediaPlan::Measure(plan) if plan.reference.is_some() && plan.expected.is_some()));

    let (verdict, _) = reviewed(vec![bad(FailureKind::BadInput)], false, true).await;
    let verdict = verdict.unwrap();
    assert_eq!(verdict.score, Some(Score::from_percent(0)));
    assert!(verdict.reason.contains("cannot be decoded") && verdict.reason.contains("broken"), "{}", verdict.reason);

    for kind in [FailureKind::Transient, FailureKind::Cancelled, FailureKind::DiskFull] {
        let (failure, _) = reviewed(vec![bad(kind)], true, true).await;
        assert_eq!(failure.unwrap_err().kind, kind);
    }
    let (failure, asked) = reviewed(vec![Ok(good())], false, false).await;
    assert_eq!(
        (failure.unwrap_err().kind, asked.len()),
        (FailureKind::BadInput, 0),
        "a file that is gone is no bad take"
    );
    let other = MediaResult::Mix { samples: studio_core::units::Samples(1), ducked_to: None };
    let (failure, _) = reviewed(vec![Ok(other)], false, true).await;
    assert_eq!(failure.unwrap_err().kind, FailureKind::Transient);
}

/// A damaged reference says nothing about the take.
#[tokio::test]
async fn a_broken_reference_is_left_out() {
    let (verdict, asked) = reviewed(vec![bad(FailureKind::BadInput), Ok(good())], true, true).await;
    assert_eq!(verdict.unwrap().score, Some(Score::from_percent(90)));
    assert!(matches!(&asked[1], MediaPlan::Measure(plan) if plan.reference.is_none()));
}
