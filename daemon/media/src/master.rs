//! Master: the scene mixes joined to the film's sound and brought to its loudness.
//!
//! The joined film goes once to a temporary file of raw float frames beside the output; from there it is
//! measured, raised, limited and measured again until loudness and true peak are right, always in blocks of a
//! second. Loudness is EBU R128 integrated, true peak ITU-R BS.1770 with oversampling, both from crate `ebur128`.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write},
};

use ebur128::{EbuR128, Mode};
use studio_core::{
    failure::FailureKind,
    media::{MasterPart, MasterPlan, MediaResult},
    mixdown::{Limiter, StereoFrame},
    units::SAMPLE_RATE,
};

use crate::{
    MediaError,
    wav::{WavSink, WavSource},
};

/// Frames worked on at once.
const BLOCK: usize = SAMPLE_RATE as usize;
/// Loudness further from the target than this is corrected, in LU.
const TOLERANCE_LU: f64 = 0.1;
/// Attempts at the target; the second corrects what the limiter took, the third its own rest.
const ATTEMPTS: u32 = 3;
/// A film is raised by no more than this, in dB: below it is noise, not a quiet film.
const MOST_GAIN_DB: f64 = 40.0;
/// Kept free under the ceiling, in dB: dither adds a little, and two meters of true peak, both within the standard,
/// differ by as much.
const PEAK_MARGIN_DB: f64 = 0.2;

/// Joins, levels and dithers into a 48 kHz stereo 16-bit WAV of exactly the plan's length.
pub fn run(plan: &MasterPlan, progress: &mut dyn FnMut(f64)) -> Result<MediaResult, MediaError> {
    let folder = plan.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut raw = tempfile::tempfile_in(folder.unwrap_or_else(|| ".".as_ref())).map_err(|error| disk(plan, error))?;
    let mut tell = Share { progress, shown: 0.0 };
    let before = join(plan, &mut raw, &mut |done| tell.at(0.3 * done))?;
    let Some(before) = before.loudness else {
        // Nothing to raise: silence stays silence, bit by bit.
        write(plan, &mut raw, Drive { gain_db: 0.0, ceiling_db: plan.true_peak_dbtp }, &mut |done| {
            tell.at(0.3 + 0.7 * done);
        })?;
        return Ok(MediaResult::Master { samples: plan.samples, loudness_lufs: None, true_peak_dbtp: None });
    };
    let mut drive = Drive {
        gain_db: (plan.loudness_lufs - before).clamp(-MOST_GAIN_DB, MOST_GAIN_DB),
        ceiling_db: plan.true_peak_dbtp - PEAK_MARGIN_DB,
    };
    for attempt in 1.. {
        // Every attempt but the last may be followed by another; the bar never falls.
        let (from, span) = (1.0 - 0.7 * 0.5f64.powi(attempt - 1), 0.35 * 0.5f64.powi(attempt - 1));
        let after = write(plan, &mut raw, drive, &mut |done| tell.at(from + span * done))?;
        let off = after.loudness.map_or(0.0, |loudness| plan.loudness_lufs - loudness);
        let over = after.true_peak.map_or(0.0, |peak| peak - (plan.true_peak_dbtp - PEAK_MARGIN_DB / 2.0));
        if attempt as u32 >= ATTEMPTS || (off.abs() <= TOLERANCE_LU && over <= 0.0) {
            tell.at(1.0);
            return Ok(MediaResult::Master {
                samples: plan.samples,
                loudness_lufs: after.loudness,
                true_peak_dbtp: after.true_peak,
            });
        }
        drive.gain_db = (drive.gain_db + off).clamp(-MOST_GAIN_DB, MOST_GAIN_DB);
        if over > 0.0 {
            drive.ceiling_db -= over + PEAK_MARGIN_DB / 2.0;
        }
    }
    unreachable!("the last attempt returns")
}

/// A progress bar that never falls.
struct Share<'a> {
    progress: &'a mut dyn FnMut(f64),
    shown: f64,
}

impl Share<'_> {
    fn at(&mut self, done: f64) {
        self.shown = self.shown.max(done);
        (self.progress)(self.shown);
    }
}

/// How the film is brought to its level.
#[derive(Debug, Clone, Copy)]
struct Drive {
    gain_db: f64,
    ceiling_db: f64,
}

/// What was heard; `None` is silence.
struct Heard {
    loudness: Option<f64>,
    true_peak: Option<f64>,
}

/// Loudness and true peak of a stereo sound that runs by.
struct Ear(EbuR128);

impl Ear {
    fn new() -> Result<Self, MediaError> {
        EbuR128::new(2, SAMPLE_RATE, Mode::I | Mode::TRUE_PEAK).map(Self).map_err(metering)
    }

    fn hear(&mut self, frames: &[StereoFrame]) -> Result<(), MediaError> {
        self.0.add_frames_f32(frames.as_flattened()).map_err(metering)
    }

    fn heard(&self) -> Result<Heard, MediaError> {
        let loudness = self.0.loudness_global().map_err(metering)?;
        let peak = |channel| self.0.true_peak(channel).map_err(metering);
        let peak = peak(0)?.max(peak(1)?);
        Ok(Heard {
            loudness: loudness.is_finite().then_some(loudness),
            true_peak: (peak > 0.0).then(|| 20.0 * peak.log10()),
        })
    }
}

/// Writes the joined film as raw little-endian float frames and listens to it.
fn join(plan: &MasterPlan, raw: &mut File, progress: &mut dyn FnMut(f64)) -> Result<Heard, MediaError> {
    let mut film = Film::new(plan)?;
    let mut ear = Ear::new()?;
    let mut to = BufWriter::new(raw);
    let mut at = 0;
    while at < plan.samples.0 {
        let count = BLOCK.min((plan.samples.0 - at) as usize);
        let block = film.next(at, count)?;
        ear.hear(&block)?;
        for sample in block.as_flattened() {
            to.write_all(&sample.to_le_bytes()).map_err(|error| disk(plan, error))?;
        }
        at += count as u64;
        progress(at as f64 / plan.samples.0 as f64);
    }
    to.flush().map_err(|error| disk(plan, error))?;
    ear.heard()
}

/// The parts of the film, each opened when it begins and closed when it has faded.
struct Film<'a> {
    parts: &'a [MasterPart],
    next: usize,
    open: Vec<(usize, WavSource)>,
}

impl<'a> Film<'a> {
    fn new(plan: &'a MasterPlan) -> Result<Self, MediaError> {
        let faded_in =
            |index: usize| plan.parts[index].at.0 + if index == 0 { 0 } else { plan.parts[index].crossfade.0 };
        if (1..plan.parts.len()).any(|index| plan.parts[index].at.0 < faded_in(index - 1)) {
            return Err(MediaError::new(
                FailureKind::Refused,
                "a scene's sound begins before the one before has faded in",
            ));
        }
        Ok(Self { parts: &plan.parts, next: 0, open: Vec::new() })
    }

    fn next(&mut self, at: u64, count: usize) -> Result<Vec<StereoFrame>, MediaError> {
        let end = at + count as u64;
        let mut sum = vec![[0.0f32; 2]; count];
        let mut frames = Vec::with_capacity(count);
        while let Some(part) = self.parts.get(self.next).filter(|part| part.at.0 < end) {
            self.open.push((self.next, WavSource::open(&part.input)?));
            self.next += 1;
        }
        let mut still = Vec::with_capacity(self.open.len());
        for (index, mut source) in self.open.drain(..) {
            let from = self.parts[index].at.0.saturating_sub(at) as usize;
            frames.clear();
            let read = source.read(count - from, &mut frames)?;
            for (i, frame) in frames.iter().enumerate() {
                let gain = fade(self.parts, index, at + (from + i) as u64);
                sum[from + i][0] += frame[0] * gain;
                sum[from + i][1] += frame[1] * gain;
            }
            let faded = self.parts.get(index + 1).is_some_and(|after| after.at.0 + after.crossfade.0 <= end);
            if read == count - from && !faded {
                still.push((index, source));
            }
        }
        self.open = still;
        Ok(sum)
    }
}

/// Gain of a part at a moment of the film: equal power across each cross-fade, since two scenes' sounds have
/// nothing to do with each other and a linear one would dip by 3 dB.
fn fade(parts: &[MasterPart], index: usize, at: u64) -> f32 {
    let share = |part: &MasterPart| {
        if at < part.at.0 {
            0.0
        } else if at >= part.at.0 + part.crossfade.0 {
            1.0
        } else {
            (at - part.at.0) as f64 / part.crossfade.0 as f64
        }
    };
    let quarter = std::f64::consts::FRAC_PI_2;
    // The first part has nothing to fade from.
    let into = if index == 0 { 1.0 } else { (share(&parts[index]) * quarter).sin() };
    let out = parts.get(index + 1).map_or(1.0, |after| {
        let share = share(after);
        if share >= 1.0 { 0.0 } else { (share * quarter).cos() }
    });
    (into * out) as f32
}

/// Writes the output at one drive and listens to what was written, after dither and rounding.
fn write(plan: &MasterPlan, raw: &mut File, drive: Drive, progress: &mut dyn FnMut(f64)) -> Result<Heard, MediaError> {
    raw.seek(SeekFrom::Start(0)).map_err(|error| disk(plan, error))?;
    let mut from = BufReader::with_capacity(1 << 16, raw);
    let mut sink = WavSink::whole(&plan.out, plan.samples)?;
    let mut limiter = Limiter::new(drive.ceiling_db);
    let mut dither = Dither::new();
    let mut ear = Ear::new()?;
    let gain = 10f64.powf(drive.gain_db / 20.0) as f32;
    let mut bytes = vec![0; BLOCK * 8];
    let mut block: Vec<StereoFrame> = Vec::with_capacity(BLOCK);
    let mut put = |frames: &mut Vec<StereoFrame>| -> Result<(), MediaError> {
        for frame in frames.iter_mut() {
            let whole = dither.whole(*frame);
            sink.push_whole(whole)?;
            *frame = whole.map(|sample| f32::from(sample) / 32_768.0);
        }
        ear.hear(frames)?;
        frames.clear();
        Ok(())
    };
    let mut done = 0;
    while done < plan.samples.0 {
        let count = BLOCK.min((plan.samples.0 - done) as usize);
        let bytes = &mut bytes[..count * 8];
        from.read_exact(bytes).map_err(|error| disk(plan, error))?;
        for frame in bytes.chunks_exact(8) {
            let sample = |at: usize| f32::from_le_bytes([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]]);
            block.extend(limiter.push([sample(0) * gain, sample(4) * gain]));
        }
        put(&mut block)?;
        done += count as u64;
        progress(done as f64 / plan.samples.0 as f64);
    }
    block.extend(limiter.finish());
    put(&mut block)?;
    sink.finish()?;
    ear.heard()
}

/// Triangular dither: the sum of two even draws of one step, which makes rounding error plain noise
/// (Lipshitz, Wannamaker, Vanderkooy, "Quantization and Dither", JAES 1992). Always the same noise, so that the
/// same film has the same bytes. Digital silence is left alone.
struct Dither(u64);

impl Dither {
    fn new() -> Self {
        Self(0x5743_4449_4f5f_3141)
    }

    /// An even draw from -0.5 to 0.5 (splitmix64).
    fn draw(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u32 << 24) as f32 - 0.5
    }

    fn whole(&mut self, frame: StereoFrame) -> [i16; 2] {
        if frame.iter().all(|sample| *sample == 0.0) {
            return [0; 2];
        }
        frame.map(|sample| {
            let noise = self.draw() + self.draw();
            (sample * 32_768.0 + noise).round().clamp(-32_768.0, 32_767.0) as i16
        })
    }
}

fn disk(plan: &MasterPlan, error: std::io::Error) -> MediaError {
    let MediaError { kind, message } = MediaError::from(error);
    MediaError::new(kind, format!("failed to master {}: {message}", plan.out.display()))
}

fn metering(error: ebur128::Error) -> MediaError {
    MediaError::new(FailureKind::Transient, format!("failed to measure loudness: {error}"))
}
