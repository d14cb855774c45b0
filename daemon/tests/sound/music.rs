use rstest::rstest;
use studio_core::{
    media::MediaFacts,
    order::{MusicOrder, Order},
    units::{Samples, Seed},
};
use studio_draft::music::DraftMusic;
use studio_engine::{Engine, FailureKind, Means, Progress};
use tokio_util::sync::CancellationToken;

use super::{Place, ffmpeg_loudness, peak, samples_of, sound_of};

fn bed(mood: &str, seconds: u64, seed: u64) -> Order {
    let at_least = Samples(seconds * 48_000);
    Order::Music(MusicOrder {
        mood: mood.to_owned(),
        tempo_bpm: None,
        at_least,
        seed: Seed(seed),
        caption: None,
        recipe: None,
    })
}

#[rstest]
#[tokio::test]
async fn every_mood_is_a_bed_that_can_be_repeated(
    #[values(
        "tense",
        "romantic",
        "intimate",
        "action",
        "melancholy",
        "comedic",
        "threatening",
        "powerful",
        "desperate",
        "vulnerable",
        "peaceful",
        "ambient"
    )]
    mood: &str,
) {
    let place = Place::new();
    let (path, facts) = sound_of(&DraftMusic, &bed(mood, 20, 7), &place.room("1")).await.unwrap();
    let samples = samples_of(&path);
    let frames = samples.len() as u64 / 2;
    assert_eq!(facts, MediaFacts::Sound { samples: Samples(frames), rate: 48_000, channels: 2 });
    assert!((20 * 48_000..25 * 48_000).contains(&frames), "{frames}: whole bars, and no more than one too many");
    let (loudness, _) = ffmpeg_loudness(&path);
    assert!((-21.0..=-19.0).contains(&loudness), "{loudness} LUFS");
    assert!(peak(&samples) < 0.7079, "{}: above -3 dBFS", peak(&samples));
    for side in 0..2 {
        let one: Vec<f32> = samples.iter().skip(side).step_by(2).copied().collect();
        let mean = one.iter().map(|s| f64::from(*s)).sum::<f64>() / one.len() as f64;
        assert!(mean.abs() < 1e-4, "{mean} of direct current");
        // The step over the seam must be one that happens anywhere: no larger than the 99th percentile.
        let mut steps: Vec<f32> = one.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
        steps.sort_by(f32::total_cmp);
        let usual = steps[steps.len() * 99 / 100];
        let seam = (one[0] - one[one.len() - 1]).abs();
        assert!(seam <= usual, "seam {seam}, usual {usual}");
        // Nor does anything else click: no step stands far above all others.
        let (most, high) = (steps[steps.len() - 1], steps[steps.len() * 999 / 1000]);
        assert!(most < high * 4.0, "a click of {most}, where {high} is already rare");
    }
    let difference = samples.chunks_exact(2).map(|f| f64::from((f[0] - f[1]).abs())).sum::<f64>() / frames as f64;
    assert!(difference > 0.003, "{difference}: both sides are nearly the same");
}

/// A loop played twice has at its seam what it has elsewhere: the end of the last bar still rings in the first.
#[tokio::test]
async fn the_end_rings_on_in_the_beginning() {
    let place = Place::new();
    let (path, _) = sound_of(&DraftMusic, &bed("vulnerable", 16, 3), &place.room("1")).await.unwrap();
    let samples = samples_of(&path);
    // The first note needs some milliseconds to begin; what sounds before is the tail of the end.
    assert!(peak(&samples[..96]) > 1e-4, "the loop begins with silence");
}

#[tokio::test]
async fn a_seed_is_a_tune() {
    let place = Place::new();
    let mut tunes = Vec::new();
    for (room, seed) in [("a", 1), ("b", 1), ("c", 2)] {
        let (path, _) = sound_of(&DraftMusic, &bed("tense", 8, seed), &place.room(room)).await.unwrap();
        tunes.push(std::fs::read(path).unwrap());
    }
    assert!(tunes[0] == tunes[1], "the same order made different music");
    assert!(tunes[0] != tunes[2], "another seed made the same music");
}

#[tokio::test]
async fn the_tempo_of_the_order_counts() {
    let place = Place::new();
    let Order::Music(mut order) = bed("peaceful", 7, 1) else { unreachable!() };
    order.tempo_bpm = Some(120);
    let (_, facts) = sound_of(&DraftMusic, &Order::Music(order), &place.room("1")).await.unwrap();
    assert_eq!(
        facts,
        MediaFacts::Sound { samples: Samples(8 * 48_000), rate: 48_000, channels: 2 },
        "four bars of 2 s"
    );
}

#[tokio::test]
async fn a_stopped_bed_leaves_nothing() {
    let place = Place::new();
    let (room, stop) = (place.room("1"), CancellationToken::new());
    let (order, heard) = (bed("action", 120, 1), stop.clone());
    // The first sign of progress stops it: it is in the middle of its work.
    let progress = Progress::new(move |_| heard.cancel());
    let failure = DraftMusic.run(&order, Means { room: &room, progress: &progress, stop: &stop }).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Cancelled);
    assert!(!room.dir.join("music.wav").exists());
}
