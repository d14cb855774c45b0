//! Sound files: writing 48 kHz stereo float WAV, reading WAV in blocks.

use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::{Path, PathBuf},
};

use studio_core::units::{SAMPLE_RATE, Samples};

use crate::{MediaError, heads, outputs, reader::Sound, source};

/// Jumps in the sound's time stamps below this are a container's rounding, not silence.
const ROUNDING: u64 = SAMPLE_RATE as u64 / 20;

/// Writes a 48 kHz stereo float WAV of an exact length, placed by time.
pub struct WavWriter {
    writer: hound::WavWriter<BufWriter<File>>,
    part: PathBuf,
    out: PathBuf,
    written: u64,
    length: u64,
}

impl WavWriter {
    /// Starts a file that will be `length` long.
    pub fn create(out: &Path, length: Samples) -> Result<Self, MediaError> {
        let part = outputs::part_path(out, "ready");
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: SAMPLE_RATE,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let writer = hound::WavWriter::create(&part, spec).map_err(|error| writing(out, error))?;
        Ok(Self { writer, part, out: out.to_owned(), written: 0, length: length.0 })
    }

    /// Adds sound at its place; what lies before the start or beyond the length is cut, gaps are silent.
    /// `false` means that nothing more is wanted.
    pub fn place(&mut self, sound: &Sound) -> Result<bool, MediaError> {
        let skip = (-sound.at).max(0) as usize;
        let at = sound.at.max(0) as u64;
        if at > self.written + ROUNDING || self.written == 0 {
            self.silence_until(at)?;
        }
        for pair in sound.stereo.chunks_exact(2).skip(skip) {
            if self.written == self.length {
                return Ok(false);
            }
            self.pair(pair[0], pair[1])?;
        }
        Ok(true)
    }

    fn pair(&mut self, left: f32, right: f32) -> Result<(), MediaError> {
        for sample in [left, right] {
            self.writer.write_sample(sample).map_err(|error| writing(&self.out, error))?;
        }
        self.written += 1;
        Ok(())
    }

    fn silence_until(&mut self, at: u64) -> Result<(), MediaError> {
        while self.written < at.min(self.length) {
            self.pair(0.0, 0.0)?;
        }
        Ok(())
    }

    /// Pads to the length and puts the file in place.
    pub fn finish(mut self) -> Result<(), MediaError> {
        self.silence_until(self.length)?;
        self.writer.finalize().map_err(|error| writing(&self.out, error))?;
        outputs::rename_synced(&self.part, &self.out)
    }
}

fn writing(out: &Path, error: hound::Error) -> MediaError {
    let what = format!("failed to write {}", out.display());
    match error {
        hound::Error::IoError(error) => MediaError::io(&what, &error),
        other => MediaError::internal(format!("{what}: {other}")),
    }
}

/// Reads a 48 kHz stereo WAV (16-bit or float) as 16-bit blocks of an exact total length.
pub struct StereoReader {
    reader: hound::WavReader<BufReader<File>>,
    left: u64,
    noise: u32,
    name: String,
}

impl StereoReader {
    /// Opens a WAV that will be cut or padded with silence to `length`.
    pub fn open(path: &Path, length: Samples) -> Result<Self, MediaError> {
        let name = path.display().to_string();
        heads::wav(path)?;
        let reader = hound::WavReader::new(BufReader::new(source::open(path)?))
            .map_err(|error| MediaError::damaged(&name, &error.to_string()))?;
        let spec = reader.spec();
        let float = spec.sample_format == hound::SampleFormat::Float && spec.bits_per_sample == 32;
        let whole = spec.sample_format == hound::SampleFormat::Int && spec.bits_per_sample == 16;
        if spec.sample_rate != SAMPLE_RATE || spec.channels != 2 || !(float || whole) {
            let is = format!("{} Hz, {} channels, {} bit", spec.sample_rate, spec.channels, spec.bits_per_sample);
            return Err(MediaError::input(format!("{name}: must be 48 kHz stereo, 16 bit or float, but is {is}")));
        }
        Ok(Self { reader, left: length.0, noise: 0x2545_f491, name })
    }

    /// The next block of at most `samples` per channel, interleaved little-endian; empty at the end.
    pub fn next_block(&mut self, samples: u64) -> Result<Vec<u8>, MediaError> {
        let take = samples.min(self.left);
        self.left -= take;
        let mut block = Vec::with_capacity(take as usize * 4);
        let bad = |error: hound::Error| MediaError::damaged(&self.name, &error.to_string());
        let wanted = take as usize * 2;
        match self.reader.spec().sample_format {
            hound::SampleFormat::Int => {
                for sample in self.reader.samples::<i16>().take(wanted) {
                    block.extend(sample.map_err(bad)?.to_le_bytes());
                }
            }
            hound::SampleFormat::Float => {
                for sample in self.reader.samples::<f32>().take(wanted) {
                    let loud = sample.map_err(bad)? * 32_767.0 + triangle(&mut self.noise);
                    block.extend((loud.round().clamp(-32_768.0, 32_767.0) as i16).to_le_bytes());
                }
            }
        }
        block.resize(wanted * 2, 0);
        Ok(block)
    }
}

/// Triangular dither of one step each way; the same every time, so that output does not differ between runs.
fn triangle(state: &mut u32) -> f32 {
    let mut next = || {
        *state ^= *state << 13;
        *state ^= *state >> 17;
        *state ^= *state << 5;
        (*state >> 8) as f32 / 16_777_216.0
    };
    next() - next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_is_placed_cut_and_padded() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("x.wav");
        let mut writer = WavWriter::create(&out, Samples(8000)).unwrap();
        assert!(writer.place(&Sound { at: 5000, stereo: vec![0.5; 200] }).unwrap());
        assert!(writer.place(&Sound { at: 5101, stereo: vec![0.25; 200] }).unwrap(), "rounding is no gap");
        assert!(!writer.place(&Sound { at: 7990, stereo: vec![0.75; 200] }).unwrap(), "the end is reached");
        writer.finish().unwrap();
        let samples: Vec<f32> = hound::WavReader::open(&out).unwrap().samples().map(Result::unwrap).collect();
        assert_eq!(samples.len(), 16_000);
        let at = |n: usize| samples[2 * n];
        let percent = |places: &[usize]| places.iter().map(|n| (at(*n) * 100.0) as i32).collect::<Vec<_>>();
        assert_eq!(percent(&[4999, 5000, 5099, 5100, 5199, 5200]), [0, 50, 50, 25, 25, 0]);
        assert_eq!(percent(&[7989, 7990, 7999]), [0, 75, 75]);
    }

    #[test]
    fn dither_stays_within_a_step_and_repeats() {
        let (mut a, mut b) = (1, 1);
        let (first, second): (Vec<f32>, Vec<f32>) = (0..999).map(|_| (triangle(&mut a), triangle(&mut b))).unzip();
        assert_eq!(first, second);
        assert!(first.iter().all(|noise| noise.abs() < 1.0));
    }
}
