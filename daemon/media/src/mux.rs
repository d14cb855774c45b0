//! Mux: coded pictures and the film's sound into one MP4.
//!
//! Time stamps are rebuilt from counters: decoding time n in decoding order, showing time display + delay.
//! The segment starts at the delay, so the first picture is at 0 and mp4mux writes the matching edit list.

use std::{path::Path, sync::Mutex};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use studio_core::{
    failure::FailureKind,
    units::{SAMPLE_RATE, Samples},
};

use crate::{
    MediaError,
    encode::AccessUnit,
    frames::Format,
    pipeline::{Running, make, text_path},
    reader::stereo_caps,
    sound::StereoReader,
};

/// Samples the AAC encoder puts before the sound.
pub const AAC_PRIMING: u32 = 1024;
/// Samples per block handed to the sound encoder.
const BLOCK: u64 = 4800;
/// Coded pictures that wait for the muxer.
const BYTES_AHEAD: u64 = 8 << 20;

/// The film's sound.
pub struct Soundtrack<'a> {
    /// 48 kHz stereo WAV.
    pub input: &'a Path,
    /// Exact length wanted.
    pub length: Samples,
    /// Bit rate in kbit/s.
    pub kbps: u32,
}

/// Writes an MP4, index last; [`mp4::finish`](crate::mp4::finish) completes it.
pub struct Mux {
    running: Running,
    source: gst_app::AppSrc,
    caps: gst::Caps,
    segment: gst::FormattedSegment<gst::ClockTime>,
    format: Format,
    delay: u64,
    pushed: u64,
    about: String,
}

impl Mux {
    /// Starts a file. `delay` is how far showing lags behind decoding, in pictures.
    pub fn open(
        out: &Path,
        format: Format,
        caps: gst::Caps,
        delay: u64,
        sound: Option<&Soundtrack<'_>>,
    ) -> Result<Self, MediaError> {
        let about = out.display().to_string();
        let pipeline = gst::Pipeline::new();
        let source = gst_app::AppSrc::builder()
            .format(gst::Format::Time)
            .block(true)
            .max_bytes(BYTES_AHEAD)
            .handle_segment_change(true)
            .build();
        let (queue, mux, sink) = (make("queue")?, make("mp4mux")?, make("filesink")?);
        sink.set_property("location", text_path(out)?);
        pipeline.add_many([source.upcast_ref(), &queue, &mux, &sink])?;
        source.link(&queue)?;
        // by template: a queue without caps would take any pad of the muxer
        queue.link_pads(Some("src"), &mux, Some("video_%u"))?;
        mux.link(&sink)?;
        let sound = sound.map(|sound| add_sound(&pipeline, &mux, sound)).transpose()?;
        let feeds: Vec<&gst_app::AppSrc> = std::iter::once(&source).chain(sound.as_ref()).collect();
        let running = Running::start(pipeline, &feeds, FailureKind::Transient, &about)?;
        let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
        segment.set_start(format.time_of(delay));
        Ok(Self { running, source, caps, segment, format, delay, pushed: 0, about })
    }

    /// Adds the next picture in decoding order; its place in display order counts from the start of the film.
    pub fn push(&mut self, unit: AccessUnit) -> Result<(), MediaError> {
        let shown = unit.display + self.delay;
        if shown < self.pushed {
            return Err(MediaError::internal(format!("pictures are reordered over more than {} places", self.delay)));
        }
        let mut buffer = unit.buffer;
        {
            let start = self.format.time_of(self.pushed);
            let buffer = buffer.make_mut();
            buffer.set_pts(self.format.time_of(shown));
            buffer.set_dts(start);
            buffer.set_duration(self.format.time_of(self.pushed + 1) - start);
            buffer.unset_flags(gst::BufferFlags::DISCONT);
            if unit.key {
                buffer.unset_flags(gst::BufferFlags::DELTA_UNIT);
            } else {
                buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
            }
        }
        let sample = gst::Sample::builder().buffer(&buffer).segment(&self.segment).caps(&self.caps).build();
        self.source
            .push_sample(&sample)
            .map_err(|error| self.running.fault(FailureKind::Transient, &self.about, &error))?;
        self.pushed += 1;
        Ok(())
    }

    /// Completes the file; the number of pictures in it.
    pub fn finish(self) -> Result<u64, MediaError> {
        self.source.end_of_stream().map_err(|error| self.running.fault(FailureKind::Transient, &self.about, &error))?;
        self.running.wait_for_end(FailureKind::Transient, &self.about)?;
        Ok(self.pushed)
    }
}

/// Adds the sound's branch. It pulls from the file when it needs data, in its own thread, so that neither picture
/// nor sound can block the other.
fn add_sound(
    pipeline: &gst::Pipeline,
    mux: &gst::Element,
    sound: &Soundtrack<'_>,
) -> Result<gst_app::AppSrc, MediaError> {
    let reader = Mutex::new((StereoReader::open(sound.input, sound.length)?, 0u64));
    let source = gst_app::AppSrc::builder().caps(&stereo_caps("S16LE")).format(gst::Format::Time).build();
    let need = move |source: &gst_app::AppSrc, _: u32| {
        let Ok(mut state) = reader.lock() else { return };
        let (reader, at) = &mut *state;
        match reader.next_block(BLOCK) {
            Ok(block) if block.is_empty() => {
                let _ = source.end_of_stream();
            }
            Ok(block) => {
                let samples = block.len() as u64 / 4;
                let _ = source.push_buffer(block_buffer(block, *at));
                *at += samples;
            }
            Err(fault) => {
                gst::element_error!(source, gst::ResourceError::Read, ("{}", fault.message));
            }
        }
    };
    source.set_callbacks(gst_app::AppSrcCallbacks::builder().need_data(need).build());
    // 16-bit input: the encoder is 2.6 times slower on float sound with empty high bands
    let (convert, encoder, queue) = (make("audioconvert")?, make("avenc_aac")?, make("queue")?);
    encoder.set_property("bitrate", (sound.kbps * 1000) as i32);
    queue.set_property("max-size-buffers", 0u32);
    queue.set_property("max-size-time", 0u64);
    let elements = [source.clone().upcast(), convert, encoder, queue.clone()];
    pipeline.add_many(&elements)?;
    gst::Element::link_many(&elements)?;
    queue.link_pads(Some("src"), mux, Some("audio_%u"))?;
    Ok(source)
}

fn block_buffer(block: Vec<u8>, at: u64) -> gst::Buffer {
    let time = |sample: u64| {
        let ns = u128::from(sample) * 1_000_000_000 / u128::from(SAMPLE_RATE);
        gst::ClockTime::from_nseconds(ns as u64)
    };
    let samples = block.len() as u64 / 4;
    let mut buffer = gst::Buffer::from_mut_slice(block);
    {
        let buffer = buffer.make_mut();
        buffer.set_pts(time(at));
        buffer.set_duration(time(at + samples) - time(at));
    }
    buffer
}
