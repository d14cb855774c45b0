//! Encoding pictures to H.264: the encoders to choose from, a stream of access units, and a file writer.
//!
//! Equal pictures give equal bytes, whatever the machine: the number of x264's threads is fixed, because
//! frame threads change its decisions.

use std::path::{Path, PathBuf};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use studio_core::{
    failure::FailureKind,
    units::{Fps, Frames, Size},
};

use crate::{
    MediaError,
    frames::{Format, nearest_frame},
    keys, mp4, outputs,
    pipeline::{self, Running, make},
};

/// Threads of x264; a constant, so that output does not depend on the number of cores.
const X264_THREADS: u32 = 6;
/// Frames of raw video that wait in front of the encoder.
const FRAMES_AHEAD: u64 = 4;

/// What decides how pictures are encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncoderSettings {
    /// Use the graphics card's encoder when there is one.
    pub hardware: bool,
    /// Constant quality, 0 (lossless) to 51; 20 is visually clean.
    pub quality: u32,
    /// Cap of the video's bit rate in kbit/s over any two seconds; `None` is quality alone.
    pub max_kbps: Option<u32>,
    /// Frames between key frames at most.
    pub key_interval: u32,
}

impl Default for EncoderSettings {
    fn default() -> Self {
        Self { hardware: false, quality: 20, max_kbps: None, key_interval: 60 }
    }
}

/// One way to encode H.264. Whether its output may be copied together with other files is decided by comparing
/// parameter sets, never by its name.
pub trait VideoEncoder: Sync {
    /// Name of the GStreamer element.
    fn element(&self) -> &'static str;
    /// Applies the settings to a fresh element.
    fn configure(&self, element: &gst::Element, settings: &EncoderSettings);
}

struct X264;
impl VideoEncoder for X264 {
    fn element(&self) -> &'static str {
        "x264enc"
    }

    fn configure(&self, element: &gst::Element, settings: &EncoderSettings) {
        element.set_property_from_str("speed-preset", "veryfast");
        element.set_property_from_str("pass", "qual");
        element.set_property("quantizer", settings.quality);
        element.set_property("key-int-max", settings.key_interval);
        element.set_property("threads", X264_THREADS);
        // without it the picture parameter set depends on content and quality, and nothing could be copied
        element.set_property("option-string", "stitchable=1");
        match settings.max_kbps {
            // quality mode keeps a buffer model of `bitrate` (2048 kbit/s by default): off unless asked for
            None => element.set_property("vbv-buf-capacity", 0u32),
            Some(kbps) => {
                element.set_property("bitrate", kbps.max(1));
                element.set_property("vbv-buf-capacity", 1000u32);
            }
        }
    }
}

struct Nvenc;
impl VideoEncoder for Nvenc {
    fn element(&self) -> &'static str {
        "nvh264enc"
    }

    fn configure(&self, element: &gst::Element, settings: &EncoderSettings) {
        element.set_property("gop-size", settings.key_interval as i32);
        element.set_property("qp-const-i", settings.quality as i32);
        element.set_property("qp-const-p", settings.quality as i32);
        match settings.max_kbps {
            None => element.set_property_from_str("rc-mode", "constqp"),
            Some(kbps) => {
                element.set_property_from_str("rc-mode", "vbr");
                element.set_property("max-bitrate", kbps.max(1));
            }
        }
    }
}

struct VaApi;
impl VideoEncoder for VaApi {
    fn element(&self) -> &'static str {
        "vah264enc"
    }

    fn configure(&self, element: &gst::Element, settings: &EncoderSettings) {
        element.set_property("key-int-max", settings.key_interval);
        element.set_property("qpi", settings.quality);
        element.set_property("qpp", settings.quality);
        match settings.max_kbps {
            None => element.set_property_from_str("rate-control", "cqp"),
            Some(kbps) => {
                element.set_property_from_str("rate-control", "vbr");
                element.set_property("bitrate", kbps.max(1));
            }
        }
    }
}

/// The encoder to use: hardware only when asked for and present, otherwise x264.
pub fn pick(hardware: bool) -> &'static dyn VideoEncoder {
    const CARDS: [&dyn VideoEncoder; 2] = [&Nvenc, &VaApi];
    let card = CARDS.into_iter().find(|card| gst::ElementFactory::find(card.element()).is_some());
    card.filter(|_| hardware).unwrap_or(&X264)
}

/// The elements from raw pictures to AVC access units, in order, not yet in a pipeline.
fn chain(settings: &EncoderSettings) -> Result<Vec<gst::Element>, MediaError> {
    let encoder = pick(settings.hardware);
    let element = make(encoder.element())?;
    encoder.configure(&element, settings);
    keys::force_where_wanted(&element)?;
    let wanted = make("capsfilter")?;
    wanted.set_property(
        "caps",
        gst::Caps::builder("video/x-h264")
            .field("stream-format", "avc")
            .field("alignment", "au")
            .field("profile", "high")
            .build(),
    );
    Ok(vec![element, make("h264parse")?, wanted])
}

/// The raw side of an encoder: numbers the pictures and waits while enough of them are queued.
struct Intake {
    source: gst_app::AppSrc,
    format: Format,
    pushed: u64,
}

impl Intake {
    fn new(format: Format) -> Result<Self, MediaError> {
        let source = gst_app::AppSrc::builder().caps(&format.caps()?).format(gst::Format::Time).block(true).build();
        source.set_max_bytes(0);
        source.set_property("max-buffers", FRAMES_AHEAD);
        Ok(Self { source, format, pushed: 0 })
    }

    fn push(&mut self, mut frame: gst::Buffer, force_key: bool, running: &Running) -> Result<(), MediaError> {
        let start = self.format.time_of(self.pushed);
        {
            let frame = frame.make_mut();
            frame.set_pts(start);
            frame.set_dts(gst::ClockTime::NONE);
            frame.set_duration(self.format.time_of(self.pushed + 1) - start);
            // flags of the file a decoded frame came from mean nothing here
            frame.unset_flags(gst::BufferFlags::DISCONT | keys::WANTED);
            if force_key {
                frame.set_flags(keys::WANTED);
            }
        }
        self.source.push_buffer(frame).map_err(|error| running.fault(FailureKind::Transient, "the encoder", &error))?;
        self.pushed += 1;
        Ok(())
    }
}

/// One coded picture.
#[derive(Debug, Clone)]
pub struct AccessUnit {
    /// Length-prefixed NAL units.
    pub buffer: gst::Buffer,
    /// Index in display order, from 0 at the first picture of its stream.
    pub display: u64,
    /// Decoding can begin here.
    pub key: bool,
}

/// Encodes pictures to access units, handed out in decoding order as they come.
pub struct UnitEncoder {
    running: Running,
    intake: Intake,
    sink: gst_app::AppSink,
    pulled: u64,
    caps: Option<gst::Caps>,
}

impl UnitEncoder {
    /// An encoder; with `subtitles` (SRT) they are drawn into the pictures.
    pub fn open(format: Format, settings: &EncoderSettings, subtitles: Option<&Path>) -> Result<Self, MediaError> {
        let pipeline = gst::Pipeline::new();
        let intake = Intake::new(format)?;
        // compressed pictures are small and drained after every push, so no bound is needed here; a bound
        // could stop the encoder while the caller waits in `push`
        let sink = gst_app::AppSink::builder().sync(false).build();
        let mut elements = vec![intake.source.clone().upcast::<gst::Element>()];
        let overlay = subtitles.map(|_| pipeline::subtitle_overlay()).transpose()?;
        elements.extend(overlay.clone());
        elements.extend(chain(settings)?);
        elements.push(sink.clone().upcast());
        pipeline.add_many(&elements)?;
        gst::Element::link_many(&elements)?;
        if let (Some(file), Some(overlay)) = (subtitles, &overlay) {
            pipeline::feed_subtitles(&pipeline, file, overlay)?;
        }
        let running = Running::start(pipeline, &[&intake.source], FailureKind::Transient, "the encoder")?;
        Ok(Self { running, intake, sink, pulled: 0, caps: None })
    }

    /// Encodes one picture (I420 in the layout of [`Format::info`]) and hands out what is finished.
    pub fn push(&mut self, frame: gst::Buffer, force_key: bool) -> Result<Vec<AccessUnit>, MediaError> {
        self.intake.push(frame, force_key, &self.running)?;
        let mut units = Vec::new();
        while let Some(sample) = self.sink.try_pull_sample(gst::ClockTime::ZERO) {
            units.push(self.unit(&sample)?);
        }
        Ok(units)
    }

    /// Ends the stream and hands out the rest; every picture pushed has become one access unit.
    pub fn finish(&mut self) -> Result<Vec<AccessUnit>, MediaError> {
        self.intake
            .source
            .end_of_stream()
            .map_err(|error| self.running.fault(FailureKind::Transient, "the encoder", &error))?;
        let mut units = Vec::new();
        while let Some(sample) = self.running.pull(&self.sink, FailureKind::Transient, "the encoder")? {
            units.push(self.unit(&sample)?);
        }
        if self.pulled != self.intake.pushed {
            return Err(MediaError::internal(format!(
                "the encoder made {} of {} pictures",
                self.pulled, self.intake.pushed
            )));
        }
        Ok(units)
    }

    /// The decoder configuration (`avcC`), once the first unit is out.
    pub fn configuration(&self) -> Option<Vec<u8>> {
        let data = self.caps.as_ref()?.structure(0)?.get::<gst::Buffer>("codec_data").ok()?;
        data.map_readable().ok().map(|bytes| bytes.to_vec())
    }

    fn unit(&mut self, sample: &gst::Sample) -> Result<AccessUnit, MediaError> {
        if self.caps.is_none() {
            self.caps = sample.caps_owned();
        }
        let (ns, buffer) = pipeline::running_time(sample)?;
        let display = u64::try_from(nearest_frame(ns, self.intake.format.fps))
            .map_err(|_| MediaError::internal("the encoder made a picture before the first"))?;
        self.pulled += 1;
        let key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        Ok(AccessUnit { buffer, display, key })
    }
}

/// Writes pictures to an H.264 MP4: index first, no time stamps of its making, renamed into place when complete.
pub struct VideoWriter {
    running: Running,
    intake: Intake,
    out: PathBuf,
    muxed: PathBuf,
    finished: bool,
}

impl VideoWriter {
    /// Starts a file. Until [`finish`](Self::finish) nothing stands under the final name.
    pub fn create(out: &Path, size: Size, fps: Fps, settings: &EncoderSettings) -> Result<Self, MediaError> {
        pipeline::init()?;
        let pipeline = gst::Pipeline::new();
        let intake = Intake::new(Format { size, fps })?;
        let muxed = outputs::part_path(out, "mux");
        let (queue, mux, sink) = (make("queue")?, make("mp4mux")?, make("filesink")?);
        sink.set_property("location", pipeline::text_path(&muxed)?);
        let mut elements = vec![intake.source.clone().upcast::<gst::Element>()];
        elements.extend(chain(settings)?);
        elements.extend([queue, mux, sink]);
        pipeline.add_many(&elements)?;
        gst::Element::link_many(&elements)?;
        let about = out.display().to_string();
        let running = Running::start(pipeline, &[&intake.source], FailureKind::Transient, &about)?;
        Ok(Self { running, intake, out: out.to_owned(), muxed, finished: false })
    }

    /// Adds one picture: I420 bt709 in the layout of [`Format::info`]
    /// ([`Format::buffer_from_planes`] makes one); `force_key` makes it a key frame.
    pub fn push(&mut self, frame: gst::Buffer, force_key: bool) -> Result<(), MediaError> {
        self.intake.push(frame, force_key, &self.running)
    }

    /// Completes the file and puts it in place; the number of pictures in it.
    pub fn finish(mut self) -> Result<Frames, MediaError> {
        let about = self.out.display().to_string();
        let frames = Frames(self.intake.pushed);
        if frames.0 == 0 {
            return Err(MediaError::new(FailureKind::Refused, format!("{about}: a film without pictures")));
        }
        self.intake
            .source
            .end_of_stream()
            .map_err(|error| self.running.fault(FailureKind::Transient, &about, &error))?;
        self.running.wait_for_end(FailureKind::Transient, &about)?;
        self.running.stop();
        let finish = mp4::Finish { aac_priming: None, frames, fps: self.intake.format.fps, chapters: &[] };
        outputs::put_in_place(&self.muxed, &self.out, &finish)?;
        self.finished = true;
        Ok(frames)
    }
}

impl Drop for VideoWriter {
    fn drop(&mut self) {
        self.running.stop();
        if !self.finished {
            // best effort: the job's folder is removed as a whole anyway
            let _ = std::fs::remove_file(&self.muxed);
        }
    }
}
