//! Sound from the first syllable to the finished file: voices, music, mix, master, the MP4's last touch, and the judge.
//!
//! What the studio says of its own sound is checked by somebody else: ffmpeg and ffprobe, which only tests use.

mod judge;
mod master;
mod mix;
mod mp4;
mod music;
mod recording;
mod voice;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use studio_core::{
    ids::AttemptId,
    media::MediaFacts,
    order::{Order, Role},
};
use studio_engine::{Artifact, Engine, EngineError, Means, Progress, Workspace};
use tokio_util::sync::CancellationToken;

/// A folder for one test, with an attempt's room in it.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn room(&self, name: &str) -> Workspace {
        let dir = self.path(name);
        std::fs::create_dir_all(&dir).unwrap();
        Workspace::fresh(dir, self.path("assets"), AttemptId(uuid::Uuid::nil()))
    }

    /// Writes interleaved samples as a float WAV.
    fn wav(&self, name: &str, rate: u32, channels: u16, samples: impl IntoIterator<Item = f32>) -> PathBuf {
        let path = self.path(name);
        let spec = WavSpec { channels, sample_rate: rate, bits_per_sample: 32, sample_format: SampleFormat::Float };
        let mut writer = WavWriter::create(&path, spec).unwrap();
        samples.into_iter().for_each(|sample| writer.write_sample(sample).unwrap());
        writer.finalize().unwrap();
        path
    }
}

/// Runs an engine to its end and gives its one sound file.
async fn sound_of(engine: &dyn Engine, order: &Order, room: &Workspace) -> Result<(PathBuf, MediaFacts), EngineError> {
    let made = engine.run(order, Means { room, progress: &Progress::noop(), stop: &CancellationToken::new() }).await?;
    let [Artifact::File { role: Role::Sound, path, facts }] = made.as_slice() else { panic!("{made:?}") };
    Ok((path.clone(), facts.clone()))
}

/// All samples of a WAV, interleaved, full scale 1.
fn samples_of(path: &Path) -> Vec<f32> {
    let mut reader = WavReader::open(path).unwrap();
    match reader.spec().sample_format {
        SampleFormat::Float => reader.samples::<f32>().map(Result::unwrap).collect(),
        SampleFormat::Int => reader.samples::<i16>().map(|s| f32::from(s.unwrap()) / 32_768.0).collect(),
    }
}

/// Root of the mean square.
fn rms(samples: &[f32]) -> f64 {
    (samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum::<f64>() / samples.len().max(1) as f64).sqrt()
}

fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |most, sample| most.max(sample.abs()))
}

fn tool(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Integrated loudness and true peak as ffmpeg measures them.
fn ffmpeg_loudness(path: &Path) -> (f64, f64) {
    let arguments =
        ["-hide_banner", "-nostats", "-i", path.to_str().unwrap(), "-af", "ebur128=peak=true", "-f", "null", "-"];
    let output = tool("ffmpeg", &arguments);
    let text = String::from_utf8_lossy(&output.stderr);
    let summary = &text[text.rfind("Summary:").expect("a summary")..];
    let number = |after: &str| {
        let line = summary.lines().find(|line| line.trim_start().starts_with(after)).expect(after);
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    (number("I:"), number("Peak:"))
}

/// Noise, always the same for a seed, from -1 to 1.
fn noise(seed: u64) -> impl Iterator<Item = f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::from_fn(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some((state >> 40) as f32 / 8_388_608.0 - 1.0)
    })
}

/// A sine, full scale `level`.
fn tone(hertz: f64, rate: u32, level: f32) -> impl Iterator<Item = f32> {
    (0u64..).map(move |at| level * (std::f64::consts::TAU * hertz * at as f64 / f64::from(rate)).sin() as f32)
}
