//! Join: clips to a scene, scenes to a film; whatever no blend touches is copied bit by bit.

use std::{collections::BTreeSet, path::Path};

use gstreamer as gst;
use gstreamer_video as gst_video;
use studio_core::{
    failure::FailureKind,
    media::{JoinPlan, MediaFacts, MediaResult, edge_keys},
    units::{Frames, Samples, Size},
};

use crate::{
    MediaError,
    blend::blend,
    encode::{AccessUnit, EncoderSettings, UnitEncoder},
    frames::Format,
    index::parameter_sets,
    mp4::Finish,
    mux::{AAC_PRIMING, Mux, Soundtrack},
    outputs,
    part::{Part, Pictures, Window, coded_caps},
    reader::VideoReader,
    source,
    splice::{self, Shape, Step},
};

/// Bit rate of the sound, in kbit/s: free, and when the film's is capped.
const SOUND_KBPS: u32 = 192;
const SOUND_KBPS_CAPPED: u32 = 128;
/// What the container itself costs, in kbit/s.
const CONTAINER_KBPS: u32 = 10;
/// Places x264 reorders pictures by.
const REORDERED: u64 = 2;
/// Share of the work after which only the file is completed.
const PICTURES_SHARE: f64 = 0.97;

/// Carries out a [`JoinPlan`].
pub fn run(plan: &JoinPlan, progress: &mut dyn FnMut(f64)) -> Result<MediaResult, MediaError> {
    crate::pipeline::init()?;
    check(plan)?;
    let format = Format { size: plan.size, fps: plan.fps };
    let mut parts = Vec::with_capacity(plan.parts.len());
    for part in &plan.parts {
        parts.push(Part::open(&part.input, plan.fps)?);
        progress(0.0);
    }
    let shapes = shapes_of(plan, &parts);
    let too_short = |short: splice::TooShort| {
        let name = plan.parts[short.0].input.display();
        MediaError::new(FailureKind::Refused, format!("{name}: is shorter than its transitions together"))
    };
    let all = splice::full(&shapes).map_err(too_short)?;
    let total = Frames(all.iter().map(Step::frames).sum());
    let subtitles = plan.burn_in.as_deref().map(|file| has_cues(file).map(|any| any.then_some(file))).transpose()?;
    let subtitles = subtitles.flatten();
    let smart = splice::smart(&shapes).map_err(too_short)?;
    let settings = settings_for(plan, total);
    let full_because = full_because(plan, &parts, &smart, subtitles, format, &settings, total)?;
    let steps = if full_because.is_some() { all } else { smart };
    let sound = plan.sound.as_deref().map(|input| Soundtrack {
        input,
        length: plan.fps.sample_at(total),
        kbps: if plan.max_kbps.is_some() { SOUND_KBPS_CAPPED } else { SOUND_KBPS },
    });
    let muxed = outputs::part_path(&plan.out, "mux");
    let work = Work { plan, format, parts: &parts, steps: &steps, copies: full_because.is_none(), settings, subtitles };
    let (copied, encoded) = work.write(&muxed, sound.as_ref(), total, progress)?;
    let aac_priming = sound.as_ref().map(|_| AAC_PRIMING);
    let finish = Finish { aac_priming, frames: total, fps: plan.fps, chapters: &plan.chapters };
    outputs::put_in_place(&muxed, &plan.out, &finish)?;
    progress(1.0);
    let facts = MediaFacts::Video {
        size: plan.size,
        fps: plan.fps,
        frames: total,
        codec: "h264".to_owned(),
        samples: sound.map_or(Samples(0), |sound| sound.length),
    };
    Ok(MediaResult::Join { facts, copied, encoded, full_because })
}

fn check(plan: &JoinPlan) -> Result<(), MediaError> {
    let refused = |why: String| MediaError::new(FailureKind::Refused, why);
    Size::new(plan.size.width, plan.size.height).map_err(|bad| refused(bad.to_string()))?;
    if plan.fps.den == 0 || !(1.0..=240.0).contains(&plan.fps.as_f64()) {
        return Err(refused(format!("{} is not a rate of pictures", plan.fps)));
    }
    if plan.parts.is_empty() {
        return Err(refused("a film needs at least one part".to_owned()));
    }
    if plan.max_kbps.is_some_and(|kbps| kbps < SOUND_KBPS_CAPPED + CONTAINER_KBPS + 100) {
        return Err(refused("the film would have no room for its pictures: allow at least 250 kbit/s".to_owned()));
    }
    Ok(())
}

fn shapes_of(plan: &JoinPlan, parts: &[Part]) -> Vec<Shape> {
    let shape = |(at, part): (usize, &Part)| {
        let asked = &plan.parts[at];
        let cut = at == 0 || asked.transition == studio_core::shot::TransitionKind::Cut;
        let overlap = if cut { 0 } else { asked.overlap.0 };
        Shape { frames: part.frames(), keys: part.keys.clone(), transition: asked.transition, overlap }
    };
    parts.iter().enumerate().map(shape).collect()
}

/// Quality alone, or what the cap leaves for the pictures.
fn settings_for(plan: &JoinPlan, total: Frames) -> EncoderSettings {
    let max_kbps = plan.max_kbps.map(|kbps| {
        let sound = if plan.sound.is_some() { SOUND_KBPS_CAPPED } else { 0 };
        let pictures = f64::from(kbps.saturating_sub(sound + CONTAINER_KBPS));
        // the encoder's buffer may give a short film one second more than its rate
        let seconds = total.0 as f64 / plan.fps.as_f64();
        (pictures * seconds / (seconds + 1.0)) as u32
    });
    EncoderSettings { max_kbps, ..EncoderSettings::default() }
}

/// Whether a subtitle file has anything to show; what is no SRT is an input fault.
fn has_cues(file: &Path) -> Result<bool, MediaError> {
    let name = file.display();
    if std::fs::metadata(file).is_ok_and(|about| about.is_file() && about.len() == 0) {
        return Ok(false);
    }
    let text = std::io::read_to_string(source::open(file)?)
        .map_err(|error| MediaError::input(format!("{name}: is not readable text: {error}")))?;
    if text.trim().is_empty() {
        return Ok(false);
    }
    if !text.contains("-->") {
        return Err(MediaError::input(format!("{name}: there are no subtitles in it")));
    }
    Ok(true)
}

/// Why nothing can be copied; `None` when the bodies of the parts can.
fn full_because(
    plan: &JoinPlan,
    parts: &[Part],
    smart: &[Step],
    subtitles: Option<&Path>,
    format: Format,
    settings: &EncoderSettings,
    total: Frames,
) -> Result<Option<String>, MediaError> {
    if subtitles.is_some() {
        return Ok(Some("subtitles are drawn into the picture".to_owned()));
    }
    for part in parts {
        let (name, index) = (part.path.display(), &part.index);
        let why = if &index.codec != b"avc1" {
            "is not H.264".to_owned()
        } else if (index.width, index.height) != (plan.size.width, plan.size.height) {
            format!("is {}x{}, the film is {}", index.width, index.height, plan.size)
        } else if part.keys.first() != Some(&0) {
            "does not begin with a key frame".to_owned()
        } else if index.parameter_sets().is_none() || index.parameter_sets() != parts[0].index.parameter_sets() {
            "has other parameter sets than the first part".to_owned()
        } else {
            continue;
        };
        return Ok(Some(format!("{name} {why}")));
    }
    if let Some(cap) = settings.max_kbps {
        let seconds = total.0 as f64 / plan.fps.as_f64();
        let bits = parts.iter().map(Part::bytes).sum::<u64>() as f64 * 8.0;
        if bits / seconds.max(0.001) / 1000.0 > f64::from(cap) {
            return Ok(Some(format!("the parts are larger than {} kbit/s", plan.max_kbps.unwrap_or(0))));
        }
    }
    if !smart.iter().any(|step| matches!(step, Step::Copy { .. })) {
        return Ok(Some("the transitions leave nothing to copy".to_owned()));
    }
    let windows = smart.iter().any(|step| !matches!(step, Step::Copy { .. }));
    if windows && Some(encoder_sets(format, settings)?) != parts[0].index.parameter_sets() {
        return Ok(Some("the encoder's parameter sets differ from those of the parts".to_owned()));
    }
    Ok(None)
}

/// The parameter sets the encoder would write, found by encoding one black picture.
fn encoder_sets(format: Format, settings: &EncoderSettings) -> Result<Vec<Vec<u8>>, MediaError> {
    let (width, height) = (format.size.width as usize, format.size.height as usize);
    let (luma, chroma) = (vec![16; width * height], vec![128; width * height / 4]);
    let mut encoder = UnitEncoder::open(format, settings, None)?;
    encoder.push(format.buffer_from_planes([&luma, &chroma, &chroma])?, true)?;
    encoder.finish()?;
    let sets = encoder.configuration().and_then(|bytes| parameter_sets(&bytes));
    sets.ok_or_else(|| MediaError::internal("the encoder does not tell its parameter sets"))
}

/// A join under way.
struct Work<'a> {
    plan: &'a JoinPlan,
    format: Format,
    parts: &'a [Part],
    steps: &'a [Step],
    copies: bool,
    settings: EncoderSettings,
    subtitles: Option<&'a Path>,
}

/// Where coded pictures go: the muxer is opened when the first one tells its caps.
struct Sink<'a> {
    open: Box<dyn FnMut(gst::Caps) -> Result<Mux, MediaError> + 'a>,
    mux: Option<Mux>,
    copied: u64,
    encoded: u64,
}

impl Sink<'_> {
    fn mux(&mut self, caps: impl FnOnce() -> Option<gst::Caps>) -> Result<&mut Mux, MediaError> {
        if self.mux.is_none() {
            let caps = caps().ok_or_else(|| MediaError::internal("coded pictures without a description"))?;
            self.mux = Some((self.open)(caps)?);
        }
        self.mux.as_mut().ok_or_else(|| MediaError::internal("there is no muxer"))
    }
}

/// An encoder at work on a window that starts at picture `base` of the film.
struct Run {
    encoder: UnitEncoder,
    base: u64,
}

impl Work<'_> {
    fn write(
        &self,
        muxed: &Path,
        sound: Option<&Soundtrack<'_>>,
        total: Frames,
        progress: &mut dyn FnMut(f64),
    ) -> Result<(Frames, Frames), MediaError> {
        let delay = self.parts.iter().map(Part::delay).max().unwrap_or(0).max(REORDERED);
        let open = |caps| Mux::open(muxed, self.format, caps, delay, sound);
        let mut sink = Sink { open: Box::new(open), mux: None, copied: 0, encoded: 0 };
        let keys = self.forced_keys(total);
        let mut feeder = Feeder::new(self);
        let mut run: Option<Run> = None;
        let mut at = 0;
        let mut tell = |at: u64| progress(at as f64 / total.0 as f64 * PICTURES_SHARE);
        for step in self.steps {
            if let Step::Copy { part, from, to } = *step {
                self.end_run(run.take(), &mut sink)?;
                for place in from..to {
                    let mut unit = self.parts[part].unit(place)?;
                    unit.display = unit.display - from + at;
                    let caps = || Some(coded_caps(&self.parts[part].index.configuration, self.format));
                    sink.mux(caps)?.push(unit)?;
                    tell(at + place - from);
                }
                sink.copied += to - from;
                at += to - from;
                continue;
            }
            for k in 0..step.frames() {
                let frame = feeder.frame(step, k)?;
                if run.is_none() {
                    let encoder = UnitEncoder::open(self.format, &self.settings, self.subtitles)?;
                    run = Some(Run { encoder, base: at });
                }
                if let Some(run) = &mut run {
                    let units = run.encoder.push(frame, keys.contains(&at))?;
                    self.take(units, run, &mut sink)?;
                }
                at += 1;
                tell(at);
            }
        }
        self.end_run(run.take(), &mut sink)?;
        let mux = sink.mux.take().ok_or_else(|| MediaError::internal("nothing was written"))?;
        let written = mux.finish()?;
        if written != total.0 {
            return Err(MediaError::internal(format!("{written} of {total} pictures were written")));
        }
        Ok((Frames(sink.copied), Frames(sink.encoded)))
    }

    fn end_run(&self, run: Option<Run>, sink: &mut Sink<'_>) -> Result<(), MediaError> {
        let Some(mut run) = run else { return Ok(()) };
        let units = run.encoder.finish()?;
        self.take(units, &run, sink)
    }

    fn take(&self, units: Vec<AccessUnit>, run: &Run, sink: &mut Sink<'_>) -> Result<(), MediaError> {
        for mut unit in units {
            unit.display += run.base;
            sink.encoded += 1;
            let caps = || run.encoder.configuration().map(|bytes| coded_caps(&bytes, self.format));
            sink.mux(caps)?.push(unit)?;
        }
        Ok(())
    }

    /// Pictures that must be key frames: where the next join may cut, where chapters begin, where blends begin and end.
    fn forced_keys(&self, total: Frames) -> BTreeSet<u64> {
        let edges = edge_keys(total, self.plan.fps).into_iter().map(|key| key.0);
        let chapters = self.plan.chapters.iter().map(|chapter| self.plan.fps.frames_in_ms(chapter.start_ms).0);
        let mut at = 0;
        let seams = self.steps.iter().map(|step| {
            at += step.frames();
            at
        });
        edges.chain(chapters).chain(seams).collect()
    }
}

/// Hands out decoded pictures of the parts, with at most two of them open.
struct Feeder<'a> {
    work: &'a Work<'a>,
    info: Result<gst_video::VideoInfo, MediaError>,
    open: Vec<Option<(u64, Pictures)>>,
}

impl<'a> Feeder<'a> {
    fn new(work: &'a Work<'a>) -> Self {
        Self { work, info: work.format.info(), open: work.parts.iter().map(|_| None).collect() }
    }

    /// Picture `k` of an encoded step.
    fn frame(&mut self, step: &Step, k: u64) -> Result<gst::Buffer, MediaError> {
        match *step {
            Step::Plain { part, from, .. } | Step::Copy { part, from, .. } => {
                self.open[..part].fill_with(|| None);
                self.decoded(part, from + k)
            }
            Step::Blend { left, from, overlap, kind } => {
                let old = self.decoded(left, from + k)?;
                let new = self.decoded(left + 1, k)?;
                let info = self.info.as_ref().map_err(Clone::clone)?;
                blend(kind, k as f32 / overlap as f32, &old, &new, info)
            }
        }
    }

    fn decoded(&mut self, part: usize, at: u64) -> Result<gst::Buffer, MediaError> {
        let source = &self.work.parts[part];
        if self.open[part].as_ref().is_none_or(|(next, _)| *next != at) {
            self.open[part] = Some((at, self.start(part, at)?));
        }
        let Some((next, pictures)) = &mut self.open[part] else {
            return Err(MediaError::internal("a part was not opened"));
        };
        *next += 1;
        pictures.next_frame(&source.path)
    }

    fn start(&self, part: usize, at: u64) -> Result<Pictures, MediaError> {
        let source = &self.work.parts[part];
        if self.work.copies {
            let until = splice::decode_until(self.work.steps, part, at, source.frames());
            return Ok(Pictures::Window(Window::open(source, at, until, self.work.format)?));
        }
        let mut pictures = Pictures::Film(VideoReader::open(&source.path, Some(self.work.format.size))?);
        for _ in 0..at {
            pictures.next_frame(&source.path)?;
        }
        Ok(pictures)
    }
}
