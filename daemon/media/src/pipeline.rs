//! Running GStreamer without losing its errors: explicit elements, one place that waits, one that explains.
//!
//! Readers of pictures and sound are in [`reader`](crate::reader). Nothing here uses `decodebin`: it can
//! lose a demuxer's error while it plugs, and then neither an error nor an end ever comes.
#![expect(
    clippy::disallowed_methods,
    reason = "a process of its own, without a runtime: GStreamer's threads have real time only"
)]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use studio_core::failure::FailureKind;

use crate::MediaError;
use crate::elements;

/// How long a pipeline may give nothing before it counts as stalled. The parent's watchdog is longer.
const PATIENCE: Duration = Duration::from_secs(40);
const LOOK: gst::ClockTime = gst::ClockTime::from_mseconds(200);

/// Starts GStreamer; idempotent.
pub fn init() -> Result<(), MediaError> {
    gst::init().map_err(|error| MediaError::new(FailureKind::Refused, format!("GStreamer cannot start: {error}")))
}

/// An element by name, or the sentence that says which package brings it.
pub fn make(name: &str) -> Result<gst::Element, MediaError> {
    gst::ElementFactory::make(name)
        .build()
        .map_err(|_| MediaError::new(FailureKind::Refused, elements::missing_sentence(name)))
}

/// A path as GStreamer wants it.
pub fn text_path(path: &Path) -> Result<&str, MediaError> {
    path.to_str().ok_or_else(|| {
        MediaError::new(FailureKind::Refused, format!("{}: the path is not valid UTF-8", path.display()))
    })
}

/// A pipeline that plays; stopped when dropped.
pub struct Running {
    pipeline: gst::Pipeline,
}

impl Running {
    /// Starts to play. Errors wake whoever waits in one of `feeds`; they count as `otherwise` unless they are
    /// about the disk or a missing element. `about` names the file or the work.
    pub fn start(
        pipeline: gst::Pipeline,
        feeds: &[&gst_app::AppSrc],
        otherwise: FailureKind,
        about: &str,
    ) -> Result<Self, MediaError> {
        Self::enter(pipeline, feeds, gst::State::Playing, otherwise, about)
    }

    /// Starts and waits until the first data is there, so that seeking works.
    pub fn start_paused(pipeline: gst::Pipeline, otherwise: FailureKind, about: &str) -> Result<Self, MediaError> {
        let running = Self::enter(pipeline, &[], gst::State::Paused, otherwise, about)?;
        let begun = Instant::now();
        loop {
            let (result, _, _) = running.pipeline.state(LOOK);
            if let Some(error) = running.pending() {
                return Err(explain(&error, otherwise, about));
            }
            match result {
                Ok(gst::StateChangeSuccess::Async) if begun.elapsed() > PATIENCE => return Err(stalled(about)),
                Ok(gst::StateChangeSuccess::Async) => {}
                Ok(_) => return Ok(running),
                Err(error) => return Err(running.fault(otherwise, about, &error)),
            }
        }
    }

    fn enter(
        pipeline: gst::Pipeline,
        feeds: &[&gst_app::AppSrc],
        state: gst::State,
        otherwise: FailureKind,
        about: &str,
    ) -> Result<Self, MediaError> {
        let bus = pipeline.bus().ok_or_else(|| MediaError::internal("a pipeline without a bus"))?;
        let feeds: Vec<_> = feeds.iter().map(|feed| feed.downgrade()).collect();
        bus.set_sync_handler(move |_, message| {
            if message.type_() == gst::MessageType::Error {
                // a push that waits for room would wait for ever: nobody takes data after an error
                for feed in feeds.iter().filter_map(gst::glib::WeakRef::upgrade) {
                    let _ = feed.end_of_stream();
                }
            }
            gst::BusSyncReply::Pass
        });
        let running = Self { pipeline };
        match running.pipeline.set_state(state) {
            Ok(_) => Ok(running),
            Err(error) => Err(running.fault(otherwise, about, &error)),
        }
    }

    /// The pipeline, to seek in it.
    pub fn pipeline(&self) -> &gst::Pipeline {
        &self.pipeline
    }

    fn pending(&self) -> Option<gst::Message> {
        self.pipeline.bus()?.pop_filtered(&[gst::MessageType::Error])
    }

    /// The pipeline's own error when it has one, otherwise `error`.
    pub fn fault(&self, otherwise: FailureKind, about: &str, error: &dyn std::fmt::Display) -> MediaError {
        match self.pending() {
            Some(message) => explain(&message, otherwise, about),
            None => MediaError::new(otherwise, format!("{about}: {error}")),
        }
    }

    /// The next sample; `None` at the end. Errors come before the end.
    pub fn pull(
        &self,
        sink: &gst_app::AppSink,
        otherwise: FailureKind,
        about: &str,
    ) -> Result<Option<gst::Sample>, MediaError> {
        let begun = Instant::now();
        loop {
            if let Some(sample) = sink.try_pull_sample(LOOK) {
                return Ok(Some(sample));
            }
            if let Some(error) = self.pending() {
                return Err(explain(&error, otherwise, about));
            }
            if sink.is_eos() {
                return Ok(None);
            }
            if begun.elapsed() > PATIENCE {
                return Err(stalled(about));
            }
        }
    }

    /// Waits until everything is written.
    pub fn wait_for_end(&self, otherwise: FailureKind, about: &str) -> Result<(), MediaError> {
        self.wait_for_end_with(otherwise, about, &mut |_| {})
    }

    /// Waits for the end and tells how far it is, 0-1.
    pub fn wait_for_end_with(
        &self,
        otherwise: FailureKind,
        about: &str,
        progress: &mut dyn FnMut(f64),
    ) -> Result<(), MediaError> {
        let bus = self.pipeline.bus().ok_or_else(|| MediaError::internal("a pipeline without a bus"))?;
        let (mut begun, mut place) = (Instant::now(), None);
        loop {
            let message = bus.timed_pop_filtered(LOOK, &[gst::MessageType::Error, gst::MessageType::Eos]);
            match message.as_ref().map(|message| message.type_()) {
                Some(gst::MessageType::Eos) => return Ok(()),
                Some(_) => {
                    return Err(message.map_or_else(|| stalled(about), |error| explain(&error, otherwise, about)));
                }
                None => {}
            }
            let now = self.pipeline.query_position::<gst::ClockTime>();
            if now != place {
                (begun, place) = (Instant::now(), now);
                let whole = self.pipeline.query_duration::<gst::ClockTime>();
                if let (Some(now), Some(whole)) = (now, whole.filter(|whole| whole.nseconds() > 0)) {
                    progress(now.nseconds() as f64 / whole.nseconds() as f64);
                }
            }
            if begun.elapsed() > PATIENCE {
                return Err(stalled(about));
            }
        }
    }

    /// Stops at once; idempotent.
    pub fn stop(&self) {
        // going down cannot fail in a way that could be handled
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

fn stalled(about: &str) -> MediaError {
    MediaError::new(
        FailureKind::Transient,
        format!(
            "{about}: nothing came for {} s; try again, and if it stays so, save the file again",
            PATIENCE.as_secs()
        ),
    )
}

/// A bus error as one sentence.
fn explain(message: &gst::Message, otherwise: FailureKind, about: &str) -> MediaError {
    let gst::MessageView::Error(error) = message.view() else {
        return MediaError::new(otherwise, format!("{about}: failed"));
    };
    let cause = error.error();
    let debug = error.debug().map(|text| text.to_string()).unwrap_or_default();
    let full = cause.matches(gst::ResourceError::NoSpaceLeft) || debug.contains("No space left");
    let missing = cause.matches(gst::CoreError::MissingPlugin);
    let fault = match (full, missing) {
        (true, _) => FailureKind::DiskFull,
        (_, true) => FailureKind::Refused,
        _ => otherwise,
    };
    // What elements say of a stream they gave up on ("of a different type than handled by this element") helps nobody. The
    // one exception are the refusals of [`codecs`](crate::codecs).
    let own = cause.matches(gst::StreamError::CodecNotFound);
    if fault == FailureKind::BadInput && cause.is::<gst::StreamError>() && !own {
        let sentence = "it cannot be decoded: damaged, cut off, or of a kind that nothing here decodes";
        let remedy = "save it again, a film as MP4 with H.264 pictures, a recording as WAV or FLAC";
        return MediaError::new(fault, format!("{about}: {sentence}; {remedy}"));
    }
    let text = cause.message().trim_end_matches('.');
    MediaError::new(fault, format!("{about}: {text}"))
}

/// Has all that a demuxer of Matroska gives timed by the file's own clock. By itself it counts from the first block, and from
/// zero as soon as a stream begins before that: what came until then is early. Not for who seeks.
pub fn keep_clock(demux: &gst::Element) {
    demux.connect_pad_added(|_, pad| {
        pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
            let Some(gst::EventView::Segment(event)) = info.event().map(|event| event.view()) else {
                return gst::PadProbeReturn::Ok;
            };
            if let Some(mut segment) = event.segment().downcast_ref::<gst::ClockTime>().cloned() {
                segment.set_start(gst::ClockTime::ZERO);
                segment.set_time(gst::ClockTime::ZERO);
                let event = gst::event::Segment::builder(&segment).seqnum(event.seqnum()).build();
                info.data = Some(gst::PadProbeData::Event(event));
            }
            gst::PadProbeReturn::Ok
        });
    });
}

/// Time of a sample on the clock of its stream (0 = start of the presentation), in nanoseconds, and its buffer.
pub fn running_time(sample: &gst::Sample) -> Result<(i64, gst::Buffer), MediaError> {
    let buffer = sample.buffer_owned().ok_or_else(|| MediaError::internal("a sample without data"))?;
    let segment = sample.segment().and_then(|segment| segment.downcast_ref::<gst::ClockTime>());
    let time = buffer.pts().zip(segment).and_then(|(pts, segment)| segment.to_running_time_full(pts));
    match time {
        Some(gst::Signed::Positive(time)) => Ok((time.nseconds() as i64, buffer)),
        Some(gst::Signed::Negative(time)) => Ok((-(time.nseconds() as i64), buffer)),
        None => Err(MediaError::input("a picture without a time stamp")),
    }
}

/// The element that draws subtitles, set up for readable film titles.
pub fn subtitle_overlay() -> Result<gst::Element, MediaError> {
    let overlay = make("textoverlay")?;
    overlay.set_property_from_str("valignment", "bottom");
    overlay.set_property_from_str("halignment", "center");
    overlay.set_property_from_str("line-alignment", "center");
    // the overlay scales the size with the picture
    overlay.set_property("font-desc", "Sans 16");
    Ok(overlay)
}

/// Feeds an SRT file to a [`subtitle_overlay`]; cues appear by their time stamps, exact to the picture.
pub fn feed_subtitles(pipeline: &gst::Pipeline, file: &Path, overlay: &gst::Element) -> Result<(), MediaError> {
    let (source, parse) = (make("filesrc")?, make("subparse")?);
    source.set_property("location", text_path(file)?);
    parse.set_property("subtitle-encoding", "UTF-8");
    pipeline.add_many([&source, &parse])?;
    source.link(&parse)?;
    parse.link_pads(Some("src"), overlay, Some("text_sink"))?;
    Ok(())
}
