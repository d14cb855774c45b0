//! Wav: recordings of servers, whose headers are often wrong, as clean files.

use std::{
    io::{Cursor, Seek, Write},
    path::Path,
};

use studio_core::{resample::resample, units::SAMPLE_RATE};
use studio_engine::{EngineError, FailureKind};

/// A recording: one `Vec` per channel, samples from -1 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// One or two.
    pub channels: Vec<Vec<f32>>,
    /// Samples per second.
    pub rate: u32,
}

fn bad(why: impl std::fmt::Display) -> EngineError {
    EngineError::new(FailureKind::Transient, format!("the recording cannot be used: {why}"))
}

/// The same bytes with sizes that are true. Streaming servers write 0 or 0xFFFFFFFF where they do not know yet.
fn mended(bytes: &[u8]) -> Option<Vec<u8>> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WAVE" {
        return None;
    }
    let (mut at, mut format, mut data) = (12, None, None);
    while let (Some(name), Some(size)) = (bytes.get(at..at + 4), word(at + 4)) {
        let (from, rest) = (at + 8, bytes.len() - at - 8);
        let size = size as usize;
        match name {
            b"fmt " => format = Some(from..from + size.min(rest)),
            // Nothing comes after data whose size is not known.
            b"data" if size == 0 || size > rest => {
                data = Some(from..bytes.len());
                break;
            }
            b"data" => data = Some(from..from + size),
            _ => {}
        }
        if size > rest {
            break;
        }
        at = from + size + size % 2;
    }
    let (format, data) = (bytes.get(format?)?, bytes.get(data?)?);
    let frame = usize::from(u16::from_le_bytes(format.get(12..14)?.try_into().ok()?)).max(1);
    let data = &data[..data.len() / frame * frame];
    let mut whole = Vec::with_capacity(data.len() + format.len() + 28);
    let size = |length: usize| (length as u32).to_le_bytes();
    whole.extend_from_slice(b"RIFF");
    whole.extend(size(4 + 8 + format.len() + format.len() % 2 + 8 + data.len()));
    whole.extend_from_slice(b"WAVEfmt ");
    whole.extend(size(format.len()));
    whole.extend_from_slice(format);
    whole.extend(std::iter::repeat_n(0, format.len() % 2));
    whole.extend_from_slice(b"data");
    whole.extend(size(data.len()));
    whole.extend_from_slice(data);
    Some(whole)
}

/// Reads a WAV of any usual kind.
pub fn read(bytes: &[u8]) -> Result<Sound, EngineError> {
    let Some(whole) = mended(bytes) else {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(12)]).escape_debug().to_string();
        return Err(bad(format!("it is no WAV but begins with '{start}'; have the server answer with wav")));
    };
    let mut reader = hound::WavReader::new(Cursor::new(whole)).map_err(bad)?;
    let spec = reader.spec();
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>().map_err(bad)?,
        hound::SampleFormat::Int => {
            let full = f32::from(2u8).powi(i32::from(spec.bits_per_sample) - 1);
            let scaled = reader.samples::<i32>().map(|sample| sample.map(|sample| sample as f32 / full));
            scaled.collect::<Result<_, _>>().map_err(bad)?
        }
    };
    let count = usize::from(spec.channels.max(1));
    let channel = |n: usize| samples.iter().skip(n).step_by(count).copied().collect::<Vec<f32>>();
    let sound = Sound { channels: (0..count.min(2)).map(channel).collect(), rate: spec.sample_rate };
    if sound.channels.iter().flatten().any(|sample| !sample.is_finite()) {
        return Err(bad("it has samples that are no numbers"));
    }
    Ok(sound)
}

impl Sound {
    /// Samples per channel.
    pub fn len(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Nothing to be heard in it.
    pub fn is_silent(&self) -> bool {
        // -54 dBFS, as the draft voice counts it.
        self.channels.iter().flatten().all(|sample| sample.abs() < 0.002)
    }

    /// At the studio's rate.
    pub fn at_studio_rate(self) -> Result<Self, EngineError> {
        let channel = |samples: Vec<f32>| resample(&samples, self.rate, SAMPLE_RATE).map_err(bad);
        let channels = self.channels.into_iter().map(channel).collect::<Result<_, _>>()?;
        Ok(Self { channels, rate: SAMPLE_RATE })
    }

    /// With `count` channels: one is heard on both sides, two become their mean.
    pub fn with_channels(mut self, count: usize) -> Self {
        match (self.channels.len(), count) {
            (1, 2) => self.channels.push(self.channels[0].clone()),
            (2, 1) => {
                let right = self.channels.pop().unwrap_or_default();
                self.channels[0].iter_mut().zip(right).for_each(|(left, right)| *left = f32::midpoint(*left, right));
            }
            _ => {}
        }
        self
    }

    /// Without the silence at both ends, but for `keep_ms` before and after.
    pub fn trimmed(mut self, silent_share: f32, keep_ms: (u32, u32)) -> Self {
        let loudest = self.channels.iter().flatten().fold(0.0f32, |most, sample| most.max(sample.abs()));
        let floor = loudest * silent_share;
        let heard = |at: &usize| self.channels.iter().any(|channel| channel[*at].abs() > floor);
        let (Some(first), Some(last)) = ((0..self.len()).find(heard), (0..self.len()).rev().find(heard)) else {
            return self;
        };
        let samples = |ms: u32| (u64::from(ms) * u64::from(self.rate) / 1000) as usize;
        let (from, to) = (first.saturating_sub(samples(keep_ms.0)), (last + 1 + samples(keep_ms.1)).min(self.len()));
        self.channels.iter_mut().for_each(|channel| *channel = channel[from..to].to_vec());
        self
    }

    /// A loop without a seam: the last `over` samples are blended, at equal power, over the first.
    pub fn looped(mut self, over: usize) -> Self {
        let over = over.min(self.len() / 4);
        for channel in &mut self.channels {
            let end = channel.split_off(channel.len() - over);
            for (at, sample) in end.into_iter().enumerate() {
                let share = (at as f32 + 0.5) / over as f32 * std::f32::consts::FRAC_PI_2;
                channel[at] = channel[at] * share.sin() + sample * share.cos();
            }
        }
        self
    }

    /// The same as bytes of a 16-bit WAV.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EngineError> {
        let mut bytes = Cursor::new(Vec::new());
        let writer = hound::WavWriter::new(&mut bytes, self.spec()).map_err(bad)?;
        self.write_to(writer).map_err(bad)?;
        Ok(bytes.into_inner())
    }

    fn spec(&self) -> hound::WavSpec {
        hound::WavSpec {
            channels: self.channels.len() as u16,
            sample_rate: self.rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        }
    }

    fn write_to<W: Write + Seek>(&self, mut writer: hound::WavWriter<W>) -> Result<(), hound::Error> {
        for at in 0..self.len() {
            for channel in &self.channels {
                writer.write_sample((channel[at].clamp(-1.0, 1.0) * 32_767.0).round() as i16)?;
            }
        }
        writer.finalize()
    }

    /// Writes 16-bit WAV.
    pub fn write(&self, out: &Path) -> Result<(), EngineError> {
        let failed = |error: hound::Error| match error {
            hound::Error::IoError(error) => EngineError::io("failed to write a recording", &error),
            other => EngineError::new(FailureKind::Transient, format!("failed to write a recording: {other}")),
        };
        let writer = hound::WavWriter::create(out, self.spec()).map_err(failed)?;
        self.write_to(writer).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wav(samples: &[i16], channels: u16) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let spec = hound::WavSpec {
            channels,
            sample_rate: 24_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for sample in samples {
            writer.write_sample(*sample).unwrap();
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn headers_with_wrong_sizes_are_read_all_the_same() {
        let good = wav(&[0, 16_384, -16_384, 8_192], 1);
        let wanted = read(&good).unwrap();
        assert_eq!((wanted.channels[0].as_slice(), wanted.rate), (&[0.0, 0.5, -0.5, 0.25][..], 24_000));
        for size in [0u32, u32::MAX, 1_000_000] {
            let mut broken = good.clone();
            broken[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
            broken[40..44].copy_from_slice(&size.to_le_bytes());
            assert_eq!(read(&broken).unwrap(), wanted, "{size}");
        }
        let mut cut = good.clone();
        cut.truncate(good.len() - 3);
        assert_eq!(read(&cut).unwrap().len(), 2, "half a sample is none");
        assert!(read(b"ID3\x04mp3 and so on").unwrap_err().message.contains("no WAV"));
    }

    #[test]
    fn a_loop_has_no_seam_and_both_sides_are_heard() {
        let tone: Vec<i16> = (0..4_800).map(|n| ((f64::from(n) * 0.05).sin() * 8_000.0) as i16).collect();
        let sound = read(&wav(&tone, 1)).unwrap().with_channels(2).looped(1_000);
        assert_eq!((sound.channels.len(), sound.len()), (2, 3_800));
        let (first, last) = (sound.channels[0][0], sound.channels[0][3_799]);
        assert!((first - last).abs() < 0.05, "{first} after {last}");
        let studio = read(&wav(&tone, 2)).unwrap().at_studio_rate().unwrap();
        assert_eq!((studio.rate, studio.len()), (SAMPLE_RATE, 4_800));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200), head: bool) {
            let mut all = if head { wav(&[1, 2, 3], 1)[..36].to_vec() } else { Vec::new() };
            all.extend(bytes);
            let _ = read(&all);
        }
    }
}
