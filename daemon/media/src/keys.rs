//! Key frames exactly where they are wanted.
//!
//! The base class of the encoders (`gstvideoencoder.c`, seen with GStreamer 1.22) loses requests: one without a time
//! while another one waits in the encoder, and one with a time that is not later than the last it granted. It
//! tells time by the segment of its output, and x264enc moves its pictures by a thousand hours, which that segment
//! only takes in with the first coded picture. So requests are made here, in the encoder's own thread, with the
//! time of the moment.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;

use crate::MediaError;

/// Marks a raw picture that must become a key frame.
pub const WANTED: gst::BufferFlags = gst::BufferFlags::MARKER;

/// By how much x264enc moves the clock of its pictures ("min pts" in `gstx264enc.c`).
const X264_CLOCK_OFFSET: gst::ClockTime = gst::ClockTime::from_seconds(1000 * 60 * 60);

/// Makes `encoder` turn every picture marked [`WANTED`] into a key frame.
pub fn force_where_wanted(encoder: &gst::Element) -> Result<(), MediaError> {
    let no_pad = || MediaError::internal("an encoder without pads");
    let (sink, source) =
        (encoder.static_pad("sink").ok_or_else(no_pad)?, encoder.static_pad("src").ok_or_else(no_pad)?);
    let moves_clock = encoder.factory().is_some_and(|factory| factory.name() == "x264enc");
    let first_is_out = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&first_is_out);
    source.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        seen.store(true, Ordering::Relaxed);
        gst::PadProbeReturn::Remove
    });
    let clock_is_back = AtomicBool::new(!moves_clock);
    sink.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(start) =
            info.buffer().filter(|buffer| buffer.flags().contains(WANTED)).and_then(|buffer| buffer.pts())
        else {
            return gst::PadProbeReturn::Ok;
        };
        let moved = moves_clock && !first_is_out.load(Ordering::Relaxed);
        let time = if moved {
            Some(start + X264_CLOCK_OFFSET)
        } else if clock_is_back.swap(true, Ordering::Relaxed) {
            Some(start)
        } else {
            // the first request on the clock that is right again: without a time, it also resets the last one granted
            None
        };
        let key = gst_video::DownstreamForceKeyUnitEvent::builder().running_time(time).all_headers(true).build();
        pad.send_event(key);
        gst::PadProbeReturn::Ok
    });
    Ok(())
}
