//! Reading pictures and sound out of films: demuxer by magic bytes, parser and decoder by caps.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use studio_core::{
    failure::FailureKind,
    units::{SAMPLE_RATE, Size},
};

use crate::{
    MediaError,
    codecs::{self, Stream},
    cut::Cut,
    heads,
    pipeline::{self, Running, make, running_time, text_path},
    source::{self, Kind},
};

/// Frames that wait between decoder and reader: enough to keep both busy, small in memory.
const FRAMES_AHEAD: u32 = 6;
/// Samples at the end that a decoder, a resampler or `SoundTouch` may keep: a quarter of a second.
const LOST_SAMPLES: u64 = SAMPLE_RATE as u64 / 4;
/// How far rounding moves a time: containers count in milliseconds at the coarsest.
const ROUNDED_NS: u64 = 1_000_000;

/// One decoded picture.
#[derive(Debug, Clone)]
pub struct Picture {
    /// When it is shown, in nanoseconds from the start of the presentation; may be slightly negative.
    pub start_ns: i64,
    /// How long, in nanoseconds; 0 when the file does not say.
    pub duration_ns: u64,
    /// The pixels with their caps.
    pub sample: gst::Sample,
}

/// Decodes the first video stream of a film to I420 bt709 pictures, upright and with square pixels.
pub struct VideoReader {
    running: Running,
    sink: gst_app::AppSink,
    about: String,
    cut: Option<Passes>,
    /// Where it was sought to, in nanoseconds: the pipeline's own clock begins there.
    base_ns: i64,
}

/// In which form pictures are handed out.
#[derive(Debug, Clone, Copy, Default)]
struct Form {
    /// Scaled into this size; `None`: as they are shown.
    size: Option<Size>,
    /// At least so many nanoseconds apart, and stretched to the size without bars; `None`: every one.
    every_ns: Option<u64>,
}

/// Readings of a film whose edit list is applied here.
struct Passes {
    path: PathBuf,
    form: Form,
    all: Vec<Cut>,
    /// Which of them it is in; beyond the last one at the end.
    now: usize,
    /// What ends before this time is not handed out, in nanoseconds.
    from_ns: i64,
}

impl VideoReader {
    /// Opens a film at its start. With a size, pictures are scaled into it (Lanczos) with black bars;
    /// without, they keep the size they are shown at.
    pub fn open(path: &Path, size: Option<Size>) -> Result<Self, MediaError> {
        Self::begin(path, Form { size, every_ns: None }, false)
    }

    /// Opens a film to look through it in pictures of this size, at least so many milliseconds apart; what is left out is
    /// not even scaled. With `paused` it can [`seek`](Self::seek) and begins there.
    pub fn open_thinned(path: &Path, size: Size, every_ms: u64, paused: bool) -> Result<Self, MediaError> {
        Self::begin(path, Form { size: Some(size), every_ns: Some(every_ms.saturating_mul(1_000_000)) }, paused)
    }

    /// Opens a film for [`seek`](Self::seek).
    pub fn open_paused(path: &Path, size: Option<Size>) -> Result<Self, MediaError> {
        Self::begin(path, Form { size, every_ns: None }, true)
    }

    /// Whether seeking reads a film from its beginning again, as the demuxer cannot seek past its edit list.
    pub fn seeks_slowly(&self) -> bool {
        self.cut.is_some()
    }

    fn begin(path: &Path, form: Form, paused: bool) -> Result<Self, MediaError> {
        let cut = Cut::read(path);
        let about = path.display().to_string();
        let (running, sink) = start(path, form, cut.as_ref(), paused && cut.is_none())?;
        let passes = |cut: Cut| Passes { path: path.to_owned(), form, all: cut.passes(), now: 0, from_ns: i64::MIN };
        Ok(Self { running, sink, about, cut: cut.map(passes), base_ns: 0 })
    }

    /// Continues at the picture shown at `at`; pictures before it are not handed out.
    pub fn seek(&mut self, at: gst::ClockTime) -> Result<(), MediaError> {
        if let Some(passes) = &mut self.cut {
            passes.from_ns = at.nseconds() as i64;
            return self.enter(0);
        }
        let pipeline = self.running.pipeline();
        pipeline
            .seek_simple(gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE, at)
            .map_err(|error| self.running.fault(FailureKind::BadInput, &self.about, &error))?;
        pipeline.set_state(gst::State::Playing)?;
        self.base_ns = at.nseconds() as i64;
        Ok(())
    }

    /// Begins a reading of a cut film; beyond the last there are no more pictures.
    fn enter(&mut self, pass: usize) -> Result<(), MediaError> {
        let Some(passes) = &mut self.cut else { return Ok(()) };
        passes.now = pass;
        if let Some(cut) = passes.all.get(pass) {
            self.running.stop();
            (self.running, self.sink) = start(&passes.path, passes.form, Some(cut), false)?;
        }
        Ok(())
    }

    /// Length as the container claims it.
    pub fn claimed_length(&self) -> Option<gst::ClockTime> {
        let Some(passes) = &self.cut else { return self.running.pipeline().query_duration::<gst::ClockTime>() };
        let ends = passes.all.iter().map(Cut::end_ns);
        ends.max().map(|end| gst::ClockTime::from_nseconds(end.max(0) as u64))
    }

    /// The next picture in display order; `None` at the end.
    pub fn next_picture(&mut self) -> Result<Option<Picture>, MediaError> {
        self.next_picture_telling(&mut || ())
    }

    /// The same; `passed` hears of every picture that is decoded on the way and not handed out, of which there may be a whole
    /// film.
    pub fn next_picture_telling(&mut self, passed: &mut dyn FnMut()) -> Result<Option<Picture>, MediaError> {
        loop {
            if self.cut.as_ref().is_some_and(|passes| passes.now >= passes.all.len()) {
                return Ok(None);
            }
            let decoded = self.next_decoded()?;
            let Some(passes) = &self.cut else { return Ok(decoded) };
            let (cut, pass) = (&passes.all[passes.now], passes.now);
            match decoded.filter(|picture| !cut.is_over(picture.start_ns.max(0) as u64)) {
                None => self.enter(pass + 1)?,
                Some(picture) => {
                    let shown = cut.times(picture.start_ns.max(0) as u64).next();
                    let shown = shown.map(|(start_ns, _)| Picture { start_ns, ..picture });
                    let ends = |picture: &Picture| picture.start_ns.saturating_add(picture.duration_ns.max(1) as i64);
                    if let Some(picture) = shown.filter(|picture| ends(picture) > passes.from_ns) {
                        return Ok(Some(picture));
                    }
                    passed();
                }
            }
        }
    }

    /// The next picture of the stream, on the demuxer's clock.
    fn next_decoded(&mut self) -> Result<Option<Picture>, MediaError> {
        let Some(sample) = self.running.pull(&self.sink, FailureKind::BadInput, &self.about)? else { return Ok(None) };
        let (start_ns, buffer) = running_time(&sample)
            .map_err(|fault| MediaError::new(fault.kind, format!("{}: {}", self.about, fault.message)))?;
        let duration_ns = buffer.duration().map_or(0, gst::ClockTime::nseconds);
        Ok(Some(Picture { start_ns: self.base_ns.saturating_add(start_ns), duration_ns, sample }))
    }
}

fn start(path: &Path, form: Form, cut: Option<&Cut>, paused: bool) -> Result<(Running, gst_app::AppSink), MediaError> {
    let (pipeline, sink) = video_pipeline(path, form, cut, paused)?;
    let about = path.display().to_string();
    let running = if paused {
        Running::start_paused(pipeline, FailureKind::BadInput, &about)?
    } else {
        Running::start(pipeline, &[], FailureKind::BadInput, &about)?
    };
    Ok((running, sink))
}

fn video_pipeline(
    path: &Path,
    form: Form,
    cut: Option<&Cut>,
    paused: bool,
) -> Result<(gst::Pipeline, gst_app::AppSink), MediaError> {
    let sink = gst_app::AppSink::builder().sync(false).max_buffers(FRAMES_AHEAD).build();
    let caps = gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .field("colorimetry", "bt709");
    let caps = match form.size {
        Some(size) => caps.field("width", size.width as i32).field("height", size.height as i32),
        None => caps,
    };
    sink.set_caps(Some(&caps.build()));
    // Decoders give forms that cannot be turned: what is coded as RGB, 4:2:2 in 8 bits.
    let turnable = make("videoconvertscale")?;
    let flip = make("videoflip")?;
    flip.set_property_from_str("video-direction", "auto");
    let convert = make("videoconvertscale")?;
    convert.set_property_from_str("method", "lanczos");
    convert.set_property("add-borders", form.every_ns.is_none());
    convert.set_property("n-threads", 2u32);
    if let Some(every_ns) = form.every_ns {
        thin_out(&turnable, every_ns)?;
    }
    let pipeline = chain(path, Stream::Pictures, cut, paused, &[turnable, flip, convert, sink.clone().upcast()])?;
    Ok((pipeline, sink))
}

/// Lets through pictures that are at least so far apart.
fn thin_out(first: &gst::Element, every_ns: u64) -> Result<(), MediaError> {
    let pad = first.static_pad("sink").ok_or_else(|| MediaError::internal("an element without a pad"))?;
    let last = Mutex::new(None::<u64>);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(gst::PadProbeData::Buffer(buffer)) = &info.data else { return gst::PadProbeReturn::Ok };
        let Some(at) = buffer.pts().map(gst::ClockTime::nseconds) else { return gst::PadProbeReturn::Ok };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        // Times are rounded; one that goes back is another place of the film.
        let close = |last: u64| at >= last && at + ROUNDED_NS < last + every_ns;
        if last.is_some_and(close) {
            return gst::PadProbeReturn::Drop;
        }
        *last = Some(at);
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// Decodes the first sound stream of a file to 48 kHz stereo float.
pub struct AudioReader {
    running: Running,
    sink: gst_app::AppSink,
    about: String,
    /// Samples at 48 kHz that its head promises; `None` when it says nothing, or the container was looked through before.
    claimed: Option<u64>,
    /// How many were handed out.
    read: u64,
}

/// Interleaved stereo samples at a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Sample at 48 kHz at which the first of them sounds; negative before the start of the presentation.
    pub at: i64,
    /// Left, right, left, right...
    pub stereo: Vec<f32>,
}

impl AudioReader {
    /// Opens the sound of a film or a sound file; a file without sound is an input fault.
    pub fn open(path: &Path) -> Result<Self, MediaError> {
        Self::open_at(path, 1000)
    }

    /// The same, faster by `speed` in thousandths; its pitch stays (`SoundTouch`).
    pub fn open_at(path: &Path, speed: u32) -> Result<Self, MediaError> {
        pipeline::init()?;
        let head = match source::kind_of(path)? {
            Kind::Wav => Some(heads::wav(path)?),
            Kind::Flac => Some(heads::flac(path)?),
            _ => None,
        };
        let sink = gst_app::AppSink::builder().sync(false).max_buffers(32).caps(&stereo_caps("F32LE")).build();
        let mut tail = vec![make("audioconvert")?, make("audioresample")?];
        if speed != 1000 {
            let (form, faster) = (make("capsfilter")?, make("pitch")?);
            form.set_property("caps", stereo_caps("F32LE"));
            faster.set_property("tempo", speed as f32 / 1000.0);
            tail.extend([form, faster]);
        }
        tail.push(sink.clone().upcast());
        let pipeline = chain(path, Stream::Sound, None, false, &tail)?;
        let about = path.display().to_string();
        let running = Running::start(pipeline, &[], FailureKind::BadInput, &about)?;
        let whole = |head: heads::SoundHead| {
            let at_48k = u128::from(head.samples?) * u128::from(SAMPLE_RATE) / u128::from(head.rate);
            u64::try_from(at_48k * 1000 / u128::from(speed.max(1))).ok()
        };
        Ok(Self { running, sink, about, claimed: head.and_then(whole), read: 0 })
    }

    /// The next samples; `None` at the end. An end before the one the head promises is an input fault.
    pub fn next_sound(&mut self) -> Result<Option<Sound>, MediaError> {
        while let Some(sample) = self.running.pull(&self.sink, FailureKind::BadInput, &self.about)? {
            let (Some(segment), Some(buffer)) = (sample.segment(), sample.buffer_owned()) else { continue };
            // the sink does not clip to the segment: edit lists (encoder delay) are our job
            let frame_bytes = 8;
            let Some(clipped) = gstreamer_audio::audio_buffer_clip(buffer, segment, SAMPLE_RATE, frame_bytes) else {
                continue;
            };
            let time = segment
                .downcast_ref::<gst::ClockTime>()
                .zip(clipped.pts())
                .and_then(|(segment, pts)| segment.to_running_time(pts))
                .unwrap_or_default();
            let at = (u128::from(time.nseconds()) * u128::from(SAMPLE_RATE) + 500_000_000) / 1_000_000_000;
            let bytes = clipped.map_readable()?;
            let stereo: Vec<f32> =
                bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            self.read += stereo.len() as u64 / 2;
            return Ok(Some(Sound { at: at as i64, stereo }));
        }
        match self.claimed {
            Some(claimed) if self.read + LOST_SAMPLES < claimed => {
                let seconds = |samples: u64| samples as f64 / f64::from(SAMPLE_RATE);
                Err(MediaError::cut_off(&self.about, &heads::of_seconds(seconds(self.read), seconds(claimed))))
            }
            _ => Ok(None),
        }
    }
}

/// Caps of 48 kHz stereo samples.
pub fn stereo_caps(format: &str) -> gst::Caps {
    gst::Caps::builder("audio/x-raw")
        .field("format", format)
        .field("rate", SAMPLE_RATE as i32)
        .field("channels", 2i32)
        .field("layout", "interleaved")
        .field("channel-mask", gst::Bitmask::new(3))
        .build()
}

/// A pipeline from a file through its first stream of a kind to `tail`; past the edit list that `cut` applies, `sought` by
/// whoever asks for it.
fn chain(
    path: &Path,
    stream: Stream,
    cut: Option<&Cut>,
    sought: bool,
    tail: &[gst::Element],
) -> Result<gst::Pipeline, MediaError> {
    pipeline::init()?;
    let about = path.display().to_string();
    let kind = source::kind_of(path)?;
    let demux = match kind {
        Kind::Mp4 => "qtdemux",
        Kind::Matroska => "matroskademux",
        Kind::Wav => "wavparse",
        Kind::Flac => "flacparse",
        Kind::Picture(_) | Kind::Other => {
            let other = match stream {
                Stream::Sound => "is no WAV, FLAC, M4A or film; save it as one",
                Stream::Pictures => "is not a film",
            };
            return Err(MediaError::input(format!("{about}: {other}")));
        }
    };
    let pipeline = gst::Pipeline::new();
    let (file, demux) = (make("filesrc")?, make(demux)?);
    file.set_property("location", text_path(path)?);
    pipeline.add_many([&file, &demux])?;
    pipeline.add_many(tail)?;
    file.link(&demux)?;
    if let Some(cut) = cut {
        cut.patch.apply(&demux);
    }
    if kind == Kind::Matroska && !sought {
        pipeline::keep_clock(&demux);
    }
    gst::Element::link_many(tail)?;
    let head = tail[0].clone();
    if let Some(pad) = demux.static_pad("src") {
        // a parser for one stream: its caps are not known yet, but its decoder is
        let decoder =
            if demux.factory().is_some_and(|factory| factory.name() == "flacparse") { Some("flacdec") } else { None };
        let queue = make("queue")?;
        pipeline.add(&queue)?;
        pad.link(&queue.static_pad("sink").ok_or_else(|| MediaError::internal("a queue without a sink"))?)
            .map_err(|error| MediaError::internal(error.to_string()))?;
        match decoder {
            Some(name) => {
                let decoder = make(name)?;
                pipeline.add(&decoder)?;
                gst::Element::link_many([&queue, &decoder, &head])?;
            }
            None => queue.link(&head)?,
        }
    } else {
        plug(&pipeline, &demux, path, stream, &head);
    }
    Ok(pipeline)
}

/// Links the first stream of a kind the demuxer finds to `head`; says so on the bus when there is none.
fn plug(pipeline: &gst::Pipeline, demux: &gst::Element, path: &Path, stream: Stream, head: &gst::Element) {
    let (weak, path) = (pipeline.downgrade(), path.to_owned());
    let first = head.static_pad("sink");
    let wanted = first.clone();
    demux.connect_pad_added(move |demux, pad| {
        let (Some(pipeline), Some(wanted)) = (weak.upgrade(), &wanted) else { return };
        if wanted.is_linked() {
            return;
        }
        let caps = codecs::caps_of(pad, &path);
        if Stream::of(&caps) != Some(stream) {
            return;
        }
        let plugged = codecs::decoders(&caps).and_then(|names| plug_one(&pipeline, pad, &names, wanted));
        if let Err(fault) = plugged {
            codecs::refuse(demux, &fault);
        }
    });
    demux.connect_no_more_pads(move |demux| {
        if first.as_ref().is_some_and(|pad| !pad.is_linked()) {
            let sentence = match stream {
                Stream::Pictures => "there are no pictures in it",
                Stream::Sound => "there is no sound in it",
            };
            let fault = MediaError::input(format!("{sentence}; choose another file"));
            codecs::refuse(demux, &fault);
        }
    });
}

fn plug_one(pipeline: &gst::Pipeline, pad: &gst::Pad, names: &[String], wanted: &gst::Pad) -> Result<(), MediaError> {
    // a queue first: the decoder runs in its own thread
    let elements =
        std::iter::once("queue").chain(names.iter().map(String::as_str)).map(make).collect::<Result<Vec<_>, _>>()?;
    pipeline.add_many(&elements)?;
    let no_pad = || MediaError::internal("a decoder without pads");
    let (Some(first), Some(last)) = (elements.first(), elements.last()) else { return Err(no_pad()) };
    gst::Element::link_many(&elements)?;
    let refused = |error: gst::PadLinkError| MediaError::internal(error.to_string());
    last.static_pad("src").ok_or_else(no_pad)?.link(wanted).map_err(refused)?;
    for element in elements.iter().rev() {
        element.sync_state_with_parent()?;
    }
    pad.link(&first.static_pad("sink").ok_or_else(no_pad)?).map_err(refused)?;
    Ok(())
}
