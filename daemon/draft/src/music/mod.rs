//! Draft music: a bed composed and played by this program, for every mood, the same for the same seed.
//!
//! It is meant to lie under voices: slow chords, soft figures, no tune that wants attention. The bed is made of
//! whole bars on a circle of samples (see `synth`), so repeating it makes no seam.

mod compose;
mod moods;
mod synth;

use std::path::Path;

use ebur128::{EbuR128, Mode};
use studio_core::{
    media::MediaFacts,
    order::{MusicOrder, Order, Role},
    units::SAMPLE_RATE,
};
use studio_engine::{Artifact, Engine, EngineError, FailureKind, Made, Means, Progress};
use tokio_util::sync::CancellationToken;

/// Loudness of every bed, in LUFS.
const LOUDNESS_LUFS: f64 = -20.0;
/// Above this a peak is rounded off, and it never reaches the top: -3.2 dBFS.
const PEAKS: (f32, f32) = (0.5, 0.69);

/// The engine for [`Order::Music`].
#[derive(Debug, Clone, Copy, Default)]
pub struct DraftMusic;

impl Engine for DraftMusic {
    fn version(&self) -> String {
        "draft.music/1".to_owned()
    }

    fn run<'a>(&'a self, order: &'a Order, Means { room, progress, stop }: Means<'a>) -> Made<'a> {
        Box::pin(async move {
            let Order::Music(order) = order else {
                return Err(EngineError::new(FailureKind::Refused, "draft.music only makes music beds"));
            };
            let (order, progress, stop) = (order.clone(), progress.clone(), stop.clone());
            let out = room.dir.join("music.wav");
            tokio::task::spawn_blocking(move || play(&order, &out, &progress, &stop)).await.map_err(|error| {
                EngineError::new(FailureKind::Transient, format!("failed to make the music: {error}"))
            })?
        })
    }
}

fn play(
    order: &MusicOrder,
    out: &Path,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<Vec<Artifact>, EngineError> {
    let stopped = || EngineError::new(FailureKind::Cancelled, "the music was stopped");
    let composed = compose::compose(order, &|done| progress.tell(0.9 * done), &|| stop.is_cancelled());
    let (mut sound, grid) = composed.ok_or_else(stopped)?;
    level(&mut sound)?;
    let failed = |error: hound::Error| match error {
        hound::Error::IoError(error) => EngineError::io("failed to write the music", &error),
        other => EngineError::new(FailureKind::Transient, format!("failed to write the music: {other}")),
    };
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(out, spec).map_err(failed)?;
    for round in 0..grid.times {
        if stop.is_cancelled() {
            return Err(stopped());
        }
        for (left, right) in sound.sides[0].iter().zip(&sound.sides[1]) {
            writer.write_sample((left * 32_767.0).round() as i16).map_err(failed)?;
            writer.write_sample((right * 32_767.0).round() as i16).map_err(failed)?;
        }
        progress.tell(0.9 + 0.1 * (round + 1) as f64 / grid.times as f64);
    }
    writer.finalize().map_err(failed)?;
    let facts = MediaFacts::Sound { samples: grid.samples(), rate: SAMPLE_RATE, channels: 2 };
    Ok(vec![Artifact::File { role: Role::Sound, path: out.to_owned(), facts }])
}

/// Brings the loop to its loudness and rounds its peaks.
fn level(sound: &mut synth::Circle) -> Result<(), EngineError> {
    let failed = |error: ebur128::Error| {
        EngineError::new(FailureKind::Transient, format!("failed to measure the music: {error}"))
    };
    // Rounding the peaks costs a little loudness: the second time sets it right.
    for _ in 0..2 {
        let mut meter = EbuR128::new(2, SAMPLE_RATE, Mode::I).map_err(failed)?;
        meter.add_frames_planar_f32(&[&sound.sides[0], &sound.sides[1]]).map_err(failed)?;
        let loudness = meter.loudness_global().map_err(failed)?;
        if loudness.is_finite() {
            let gain = 10f64.powf((LOUDNESS_LUFS - loudness) / 20.0) as f32;
            sound.sides.iter_mut().flatten().for_each(|sample| *sample *= gain);
        }
        synth::round_peaks(sound, PEAKS.0, PEAKS.1);
    }
    Ok(())
}
