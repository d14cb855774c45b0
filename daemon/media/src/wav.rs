//! Sound files of the mixer: any WAV in as 48 kHz stereo blocks, one scene or film out.
//!
//! Nothing here holds more than a block: a three-hour scene and a one-second line cost the same memory.

use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::{Path, PathBuf},
};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use studio_core::{
    failure::FailureKind,
    mixdown::StereoFrame,
    resample::Resampler,
    units::{SAMPLE_RATE, Samples},
};

use crate::{MediaError, heads};

/// Input samples per channel taken at once.
const PIECE: usize = 4096;
/// Bytes a WAV can hold: its sizes are 32 bits, and the header takes some.
const LARGEST_WAV: u64 = u32::MAX as u64 - 4096;

/// A WAV of any rate and one or two channels, read as 48 kHz stereo.
pub struct WavSource {
    path: PathBuf,
    reader: WavReader<BufReader<File>>,
    channels: Vec<Resampler>,
    /// Resampled and not yet read, per channel.
    ready: Vec<Vec<f32>>,
    ended: bool,
}

impl WavSource {
    /// Opens `path` at its beginning.
    pub fn open(path: &Path) -> Result<Self, MediaError> {
        heads::wav(path)?;
        let reader = WavReader::open(path).map_err(|error| unreadable(path, &error))?;
        let spec = reader.spec();
        if !(1..=2).contains(&spec.channels) {
            let message = format!("failed to read {}: {} channels, not one or two", path.display(), spec.channels);
            return Err(MediaError::new(FailureKind::BadInput, message));
        }
        let filter = Resampler::new(spec.sample_rate, SAMPLE_RATE).map_err(|error| {
            MediaError::new(FailureKind::BadInput, format!("failed to read {}: {error}", path.display()))
        })?;
        let count = usize::from(spec.channels);
        Ok(Self {
            path: path.to_owned(),
            reader,
            channels: vec![filter; count],
            ready: vec![Vec::new(); count],
            ended: false,
        })
    }

    /// Appends up to `count` stereo frames; fewer only at the end.
    pub fn read(&mut self, count: usize, out: &mut Vec<StereoFrame>) -> Result<usize, MediaError> {
        while self.ready[0].len() < count && !self.ended {
            if self.pull()? == 0 {
                for (channel, ready) in self.channels.iter_mut().zip(&mut self.ready) {
                    channel.finish(ready);
                }
                self.ended = true;
            }
        }
        Ok(self.hand_out(count, out))
    }

    /// Appends exactly `count` stereo frames, going back to the beginning as often as needed.
    /// The filter runs on across the seam, so a bed made to be repeated has none.
    pub fn read_around(&mut self, count: usize, out: &mut Vec<StereoFrame>) -> Result<(), MediaError> {
        if self.reader.duration() == 0 {
            return Err(MediaError::new(
                FailureKind::BadInput,
                format!("failed to read {}: it has no sound", self.path.display()),
            ));
        }
        while self.ready[0].len() < count {
            if self.pull()? == 0 {
                self.reader.seek(0).map_err(|error| failed(&self.path, "read", &hound::Error::IoError(error)))?;
            }
        }
        self.hand_out(count, out);
        Ok(())
    }

    /// Takes the next piece of the file through the filters; 0 at its end.
    fn pull(&mut self) -> Result<usize, MediaError> {
        let spec = self.reader.spec();
        let count = self.channels.len();
        let full = f64::from(1u32 << (u32::from(spec.bits_per_sample).clamp(1, 32) - 1)) as f32;
        let mut piece = Vec::with_capacity(PIECE * count);
        let bad = |error: hound::Error| unreadable(&self.path, &error);
        match spec.sample_format {
            SampleFormat::Float => {
                for sample in self.reader.samples::<f32>().take(PIECE * count) {
                    let sample = sample.map_err(bad)?;
                    piece.push(if sample.is_finite() { sample } else { 0.0 });
                }
            }
            SampleFormat::Int => {
                for sample in self.reader.samples::<i32>().take(PIECE * count) {
                    piece.push(sample.map_err(bad)? as f32 / full);
                }
            }
        }
        for (at, (channel, ready)) in self.channels.iter_mut().zip(&mut self.ready).enumerate() {
            let one: Vec<f32> = piece.iter().skip(at).step_by(count).copied().collect();
            channel.push(&one, ready);
        }
        Ok(piece.len() / count)
    }

    fn hand_out(&mut self, count: usize, out: &mut Vec<StereoFrame>) -> usize {
        let right = self.ready.len() - 1;
        let count = count.min(self.ready[0].len());
        out.extend((0..count).map(|at| [self.ready[0][at], self.ready[right][at]]));
        for ready in &mut self.ready {
            ready.drain(..count);
        }
        count
    }
}

/// A 48 kHz stereo WAV in the making; unless finished, the file is removed.
pub struct WavSink {
    path: PathBuf,
    writer: Option<WavWriter<BufWriter<File>>>,
}

impl WavSink {
    /// 32-bit float, for a scene of `samples`.
    pub fn float(path: &Path, samples: Samples) -> Result<Self, MediaError> {
        Self::create(path, samples, 32, SampleFormat::Float)
    }

    /// 16-bit whole numbers, for a film of `samples`.
    pub fn whole(path: &Path, samples: Samples) -> Result<Self, MediaError> {
        Self::create(path, samples, 16, SampleFormat::Int)
    }

    fn create(path: &Path, samples: Samples, bits: u16, sample_format: SampleFormat) -> Result<Self, MediaError> {
        let frame_bytes = u64::from(bits) / 8 * 2;
        if samples.0 > LARGEST_WAV / frame_bytes {
            let hours = LARGEST_WAV / frame_bytes / u64::from(SAMPLE_RATE) / 3600;
            let message = format!("failed to write {}: a WAV of this kind holds {hours} hours", path.display());
            return Err(MediaError::new(FailureKind::Refused, message));
        }
        let spec = WavSpec { channels: 2, sample_rate: SAMPLE_RATE, bits_per_sample: bits, sample_format };
        let writer = WavWriter::create(path, spec).map_err(|error| failed(path, "write", &error))?;
        Ok(Self { path: path.to_owned(), writer: Some(writer) })
    }

    /// Writes one frame of float samples.
    pub fn push_float(&mut self, frame: StereoFrame) -> Result<(), MediaError> {
        self.push(frame)
    }

    /// Writes one frame of 16-bit samples.
    pub fn push_whole(&mut self, frame: [i16; 2]) -> Result<(), MediaError> {
        self.push(frame)
    }

    fn push<S: hound::Sample>(&mut self, frame: [S; 2]) -> Result<(), MediaError> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        for sample in frame {
            writer.write_sample(sample).map_err(|error| failed(&self.path, "write", &error))?;
        }
        Ok(())
    }

    /// Completes the header; only now is the file whole.
    pub fn finish(mut self) -> Result<(), MediaError> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        writer.finalize().map_err(|error| {
            let _ = std::fs::remove_file(&self.path);
            failed(&self.path, "write", &error)
        })
    }
}

impl Drop for WavSink {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// What is wrong with an input: everything but a failing disk is the file's own fault.
fn unreadable(path: &Path, error: &hound::Error) -> MediaError {
    MediaError::damaged(&path.display().to_string(), &error.to_string())
}

fn failed(path: &Path, what: &str, error: &hound::Error) -> MediaError {
    let fault = match error {
        hound::Error::IoError(error) => match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => FailureKind::DiskFull,
            _ => FailureKind::Transient,
        },
        _ => FailureKind::Transient,
    };
    MediaError::new(fault, format!("failed to {what} {}: {error}", path.display()))
}
