//! Mix: one scene's voices and its music bed, placed to the sample, the music giving way to the voices.
//!
//! The scene passes through in blocks of a second. A voice is opened when its time comes and closed after, so
//! memory and open files follow how many people speak at once, not how long the scene is. Voices run ahead of
//! the output by the ducking's look-ahead: the music is down when the first syllable sounds.

use std::collections::VecDeque;

use ebur128::{EbuR128, Mode};
use studio_core::{
    failure::FailureKind,
    media::{MediaResult, MixPlan, MusicBed, PlacedSound},
    mixdown::{Compressor, Limiter, StereoFrame},
    units::{SAMPLE_RATE, Samples},
};

use crate::{
    MediaError,
    wav::{WavSink, WavSource},
};

/// Frames worked on at once.
const BLOCK: usize = SAMPLE_RATE as usize;
/// A recording further from its level than this is broken rather than quiet, and is not blown up further, in dB.
const MOST_LEVELLING_DB: f64 = 20.0;
/// Highest sample of a levelled line in dBFS; the bus limiter takes what is above its ceiling.
const VOICE_PEAK_DB: f64 = 4.0;
/// The mix never goes above this, in dBTP: scenes are heard on their own before they are mastered.
const BUS_CEILING_DB: f64 = -0.5;
/// Mean level of the voices above which they count as sounding.
const SOUNDING: f64 = 1e-4;

/// Mixes one scene into a 48 kHz stereo float WAV of exactly the plan's length.
pub fn run(plan: &MixPlan, progress: &mut dyn FnMut(f64)) -> Result<MediaResult, MediaError> {
    let mut sink = WavSink::float(&plan.out, plan.samples)?;
    let mut scene = Scene::open(plan)?;
    let mut limiter = Limiter::new(BUS_CEILING_DB);
    let mut block = Vec::with_capacity(BLOCK);
    let mut done = 0;
    while done < plan.samples.0 {
        let count = BLOCK.min((plan.samples.0 - done) as usize);
        scene.next(count, &mut block)?;
        for frame in block.drain(..).filter_map(|frame| limiter.push(frame)) {
            sink.push_float(frame)?;
        }
        done += count as u64;
        progress(done as f64 / plan.samples.0 as f64);
    }
    for frame in limiter.finish() {
        sink.push_float(frame)?;
    }
    sink.finish()?;
    Ok(MediaResult::Mix { samples: plan.samples, ducked_to: scene.ducked_to() })
}

/// The scene as it runs by.
struct Scene<'a> {
    voices: Voices<'a>,
    /// Voices not yet heard: the block in work and the look-ahead after it.
    ahead: VecDeque<StereoFrame>,
    lookahead: usize,
    compressor: Compressor,
    music: Option<Bed<'a>>,
    length: u64,
    at: u64,
    /// Lowest gain of the music while voices sounded, and at all.
    lowest: Option<f64>,
}

impl<'a> Scene<'a> {
    fn open(plan: &'a MixPlan) -> Result<Self, MediaError> {
        let music = plan.music.as_ref().map(Bed::open).transpose()?;
        Ok(Self {
            voices: Voices::new(&plan.voices, plan.samples)?,
            ahead: VecDeque::new(),
            lookahead: plan.ducking.lookahead().0 as usize,
            compressor: Compressor::new(&plan.ducking),
            music,
            length: plan.samples.0,
            at: 0,
            lowest: None,
        })
    }

    /// Appends the next `count` frames of the scene to `out`.
    fn next(&mut self, count: usize, out: &mut Vec<StereoFrame>) -> Result<(), MediaError> {
        if self.at == 0 {
            self.voices.next(self.lookahead, &mut self.ahead)?;
            for frame in &self.ahead {
                // The follower has heard the voices up to the look-ahead before the first sample sounds.
                self.compressor.gain(side(*frame));
            }
        }
        self.voices.next(count, &mut self.ahead)?;
        let mut bed = Vec::with_capacity(count);
        if let Some(music) = &mut self.music {
            music.source.read_around(count, &mut bed)?;
        }
        bed.resize(count, [0.0; 2]);
        for (i, bed) in bed.into_iter().enumerate() {
            let gain = self.compressor.gain(side(self.ahead[self.lookahead]));
            let Some(voice) = self.ahead.pop_front() else { break };
            let mut frame = voice;
            if let Some(music) = &self.music {
                let level = gain * f64::from(music.plan.gain);
                if side(voice) > SOUNDING {
                    self.lowest = Some(self.lowest.map_or(level, |lowest| lowest.min(level)));
                }
                let heard = (level * music.fade(self.at + i as u64, self.length)) as f32;
                frame = [voice[0] + bed[0] * heard, voice[1] + bed[1] * heard];
            }
            out.push(frame);
        }
        self.at += count as u64;
        Ok(())
    }

    fn ducked_to(&self) -> Option<f64> {
        self.music.as_ref().map(|music| self.lowest.unwrap_or(f64::from(music.plan.gain)))
    }
}

/// What drives the ducking: the mean of both channels' levels.
fn side(frame: StereoFrame) -> f64 {
    f64::from(frame[0].abs() + frame[1].abs()) / 2.0
}

/// The music under the scene.
struct Bed<'a> {
    plan: &'a MusicBed,
    source: WavSource,
}

impl<'a> Bed<'a> {
    fn open(plan: &'a MusicBed) -> Result<Self, MediaError> {
        Ok(Self { plan, source: WavSource::open(&plan.input)? })
    }

    /// Gain of the fades at frame `at` of `length`: raised cosines, silent at the very ends.
    fn fade(&self, at: u64, length: u64) -> f64 {
        let ramp = |gone: u64, of: Samples| {
            let share = if of.0 == 0 { 1.0 } else { (gone as f64 / of.0 as f64).min(1.0) };
            (1.0 - (share * std::f64::consts::PI).cos()) / 2.0
        };
        ramp(at, self.plan.fade_in) * ramp(length - 1 - at, self.plan.fade_out)
    }
}

/// All voices of a scene as one sound.
struct Voices<'a> {
    /// Not yet begun, earliest first.
    coming: VecDeque<&'a PlacedSound>,
    /// Begun and not ended.
    sounding: Vec<(WavSource, f32)>,
    at: u64,
    length: u64,
}

impl<'a> Voices<'a> {
    fn new(voices: &'a [PlacedSound], length: Samples) -> Result<Self, MediaError> {
        if let Some(late) = voices.iter().find(|voice| voice.at >= length) {
            let message =
                format!("{} begins at sample {}, after the scene's end at {length}", late.input.display(), late.at);
            return Err(MediaError::new(FailureKind::Refused, message));
        }
        let mut coming: Vec<_> = voices.iter().collect();
        coming.sort_by_key(|voice| voice.at);
        Ok(Self { coming: coming.into(), sounding: Vec::new(), at: 0, length: length.0 })
    }

    /// Appends the next `count` frames; silence after the scene's end.
    fn next(&mut self, count: usize, out: &mut VecDeque<StereoFrame>) -> Result<(), MediaError> {
        let mut sum = vec![[0.0f32; 2]; count];
        let mut frames = Vec::with_capacity(count);
        let mut add = |source: &mut WavSource, gain: f32, from: usize| -> Result<bool, MediaError> {
            frames.clear();
            let read = source.read(count - from, &mut frames)?;
            for (into, frame) in sum[from..].iter_mut().zip(&frames) {
                into[0] += frame[0] * gain;
                into[1] += frame[1] * gain;
            }
            Ok(read == count - from)
        };
        let mut still = Vec::with_capacity(self.sounding.len());
        for (mut source, gain) in self.sounding.drain(..) {
            if add(&mut source, gain, 0)? {
                still.push((source, gain));
            }
        }
        while let Some(voice) = self.coming.front().filter(|voice| voice.at.0 < self.at + count as u64) {
            let gain = level(voice)?;
            let mut source = WavSource::open(&voice.input)?;
            if add(&mut source, gain, (voice.at.0 - self.at) as usize)? {
                still.push((source, gain));
            }
            self.coming.pop_front();
        }
        self.sounding = still;
        // Ends with the scene, so that the ducking does not hear what nobody else does.
        let inside = self.length.saturating_sub(self.at).min(count as u64) as usize;
        sum[inside..].fill([0.0; 2]);
        self.at += count as u64;
        out.extend(sum);
        Ok(())
    }
}

/// The gain that brings a line to its level, times its own gain.
fn level(voice: &PlacedSound) -> Result<f32, MediaError> {
    let Some(wanted) = voice.level_lufs else { return Ok(voice.gain) };
    let mut source = WavSource::open(&voice.input)?;
    let mut meter = EbuR128::new(2, SAMPLE_RATE, Mode::I).map_err(metering)?;
    let (mut frames, mut peak, mut loudest, mut parts) = (Vec::new(), 0.0f32, 0.0f64, Vec::new());
    while source.read(BLOCK / 100, &mut frames)? > 0 {
        meter.add_frames_f32(frames.as_flattened()).map_err(metering)?;
        let power =
            frames.as_flattened().iter().map(|s| f64::from(*s) * f64::from(*s)).sum::<f64>() / frames.len() as f64;
        peak = frames.as_flattened().iter().fold(peak, |most, sample| most.max(sample.abs()));
        loudest = loudest.max(power);
        // Only a line too short for the meter needs its parts: a handful of numbers.
        if parts.len() < 100 {
            parts.push(power);
        }
        frames.clear();
    }
    let gated = meter.loudness_global().map_err(metering)?;
    let loudness = if gated.is_finite() { Some(gated) } else { short_loudness(&parts, loudest) };
    let mut gain_db = loudness.map_or(0.0, |is| (wanted - is).clamp(-MOST_LEVELLING_DB, MOST_LEVELLING_DB));
    if peak > 0.0 {
        gain_db = gain_db.min(VOICE_PEAK_DB - 20.0 * f64::from(peak).log10());
    }
    Ok(10f64.powf(gain_db / 20.0) as f32 * voice.gain)
}

/// Loudness of a line too short for the 400 ms blocks of EBU R128, from the power of its 10 ms parts: the mean of
/// those within 20 dB of the loudest, as the standard's gate would keep them. Powers are summed over both channels, as
/// the standard does; its frequency weighting is left out and with it the offset that cancels it at 1 kHz.
fn short_loudness(parts: &[f64], loudest: f64) -> Option<f64> {
    let kept: Vec<f64> = parts.iter().copied().filter(|power| *power > loudest / 100.0).collect();
    (!kept.is_empty()).then(|| 10.0 * (kept.iter().sum::<f64>() / kept.len() as f64).log10())
}

fn metering(error: ebur128::Error) -> MediaError {
    MediaError::new(FailureKind::Transient, format!("failed to measure loudness: {error}"))
}
