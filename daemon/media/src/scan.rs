//! Looking through a film without decoding it: every picture counted by its parser, with its time.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use gst::prelude::*;
use gstreamer as gst;
use studio_core::{
    failure::FailureKind,
    units::{Fps, SAMPLE_RATE, Samples, Size},
};

use crate::{
    MediaError,
    codecs::{self, Stream},
    cut::Cut,
    heads,
    index::FilmIndex,
    pipeline::{self, Running, make, text_path},
    source::{self, Kind},
};

/// What was found in a film.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The first video stream.
    pub video: Option<VideoScan>,
    /// The first sound stream.
    pub sound: Option<SoundScan>,
    /// When the first picture or sound begins on the demuxer's clock, in nanoseconds; the times here count from it.
    pub start_ns: u64,
}

/// A stream of pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoScan {
    /// Codec, e.g. `h264`.
    pub codec: String,
    /// How it is coded, as the demuxer says it.
    pub caps: gst::Caps,
    /// Pixels as displayed: upright, with square pixels.
    pub size: Size,
    /// Pictures that are shown.
    pub pictures: u64,
    /// When the last picture ends, in nanoseconds from the first picture or sound.
    pub end_ns: u64,
    /// Pictures per second; the average when it varies.
    pub fps: Fps,
}

/// A stream of sound.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundScan {
    /// Samples per second.
    pub rate: u32,
    /// Number of channels, e.g. 2 for stereo.
    pub channels: u32,
    /// When it ends, in nanoseconds from the first picture or sound.
    pub end_ns: u64,
    /// How it is coded, as the demuxer says it.
    pub caps: gst::Caps,
}

impl SoundScan {
    /// Length in samples at the studio's rate.
    pub fn samples(&self) -> Samples {
        Samples(((u128::from(self.end_ns) * u128::from(SAMPLE_RATE) + 500_000_000) / 1_000_000_000) as u64)
    }
}

/// Looks through an MP4 or Matroska film. Fewer pictures than the container claims is an input fault.
pub fn scan(path: &Path, progress: &mut dyn FnMut(f64)) -> Result<Scan, MediaError> {
    scan_for(path, &[Stream::Pictures, Stream::Sound], progress)
}

/// The same for who wants only some of its streams: nobody has to be able to decode the others.
pub fn scan_for(path: &Path, wanted: &'static [Stream], progress: &mut dyn FnMut(f64)) -> Result<Scan, MediaError> {
    pipeline::init()?;
    let name = path.display().to_string();
    let kind = source::kind_of(path)?;
    let (demux, parsed_index) = match kind {
        Kind::Mp4 => ("qtdemux", FilmIndex::read(path)?),
        Kind::Matroska => ("matroskademux", None),
        _ => return Err(MediaError::input(format!("{name}: is not a film"))),
    };
    let seen = Arc::new([Mutex::new(Seen::default()), Mutex::new(Seen::default())]);
    let pipeline = gst::Pipeline::new();
    let (file, demux) = (make("filesrc")?, make(demux)?);
    file.set_property("location", text_path(path)?);
    pipeline.add_many([&file, &demux])?;
    file.link(&demux)?;
    if let Some(cut) = parsed_index.as_ref().and_then(Cut::of) {
        cut.patch.apply(&demux);
        seen[0].lock().unwrap_or_else(PoisonError::into_inner).cut = Some(cut);
    }
    if kind == Kind::Matroska {
        pipeline::keep_clock(&demux);
    }
    tap(&pipeline, &demux, path, &seen, wanted);
    let running = Running::start(pipeline, &[], FailureKind::BadInput, &name)?;
    running.wait_for_end_with(FailureKind::BadInput, &name, progress)?;
    let claimed = running.pipeline().query_duration::<gst::ClockTime>().map(gst::ClockTime::nseconds);
    running.stop();
    let [video, mut sound] =
        [0, 1].map(|at| std::mem::take(&mut *seen[at].lock().unwrap_or_else(PoisonError::into_inner)));
    let asked = |stream| wanted.contains(&stream);
    for (_, seen) in [(Stream::Pictures, &video), (Stream::Sound, &sound)].into_iter().filter(|(of, _)| asked(*of)) {
        seen.check_times(&name)?;
    }
    sound.end_within(claimed);
    check_claim(&name, &video, &sound, parsed_index.as_ref(), claimed)?;
    let start_ns = begin_ns(&video, &sound);
    let pictures = if asked(Stream::Pictures) { video.video(&name, start_ns)? } else { None };
    Ok(Scan { video: pictures, sound: sound.sound(start_ns).filter(|_| asked(Stream::Sound)), start_ns })
}

/// When the film begins: with its first picture or sound, however late that is. Sound that comes less than a picture
/// before the pictures is an encoder's run-up, for which no picture is held.
fn begin_ns(video: &Seen, sound: &Seen) -> u64 {
    let first = |seen: &Seen| seen.starts.iter().min().copied();
    let begin = match (first(video), first(sound)) {
        (Some(pictures), Some(sound)) => {
            let length = video.end_ns.saturating_sub(pictures.max(0) as u64) / video.starts.len().max(1) as u64;
            if pictures - sound < length as i64 { pictures } else { sound }
        }
        (pictures, sound) => pictures.or(sound).unwrap_or(0),
    };
    begin.max(0) as u64
}

/// Compares what was found with what the container claims.
fn check_claim(
    name: &str,
    video: &Seen,
    sound: &Seen,
    index: Option<&FilmIndex>,
    claimed_ns: Option<u64>,
) -> Result<(), MediaError> {
    if let Some(index) = index {
        let (parsed, claimed) = (video.all, index.pictures.len() as u64);
        if parsed < claimed {
            return Err(MediaError::damaged(name, &format!("{parsed} of {claimed} pictures can be read")));
        }
        return Ok(());
    }
    let end_ns = video.end_ns.max(sound.end_ns);
    let timeless = [video, sound].iter().any(|seen| seen.all > 0 && !seen.timed);
    // containers round their length
    let slack_ns = 250_000_000;
    if !timeless && claimed_ns.is_some_and(|claimed| end_ns + slack_ns < claimed) {
        let seconds = |ns: u64| ns as f64 / 1e9;
        let much = heads::of_seconds(seconds(end_ns), seconds(claimed_ns.unwrap_or(0)));
        return Err(MediaError::cut_off(name, &much));
    }
    Ok(())
}

/// What a tap saw of one stream.
#[derive(Debug, Default)]
struct Seen {
    caps: Option<gst::Caps>,
    orientation: Option<String>,
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    /// Start times of the pictures that are shown.
    starts: Vec<i64>,
    end_ns: u64,
    /// When the block before began, and whether how long it is is only a guess.
    last: Option<(gst::ClockTime, bool)>,
    all: u64,
    /// Something in it has a time.
    timed: bool,
    /// What is shown, where the demuxer does not know it.
    cut: Option<Cut>,
}

impl Seen {
    fn buffer(&mut self, buffer: &gst::BufferRef) {
        self.all += 1;
        // Some streams in Matroska are timed in the order of decoding only.
        let (Some(segment), Some(pts)) = (&self.segment, buffer.pts().or(buffer.dts())) else { return };
        self.timed = true;
        // A block of sound that does not say how long it is, up to a second, is as long as the one before.
        let before = self.last.map(|(before, _)| before).filter(|_| self.is_sound());
        let guess = before.and_then(|before| pts.checked_sub(before));
        let duration = buffer.duration().or(guess).unwrap_or_default();
        self.last = Some((pts, buffer.duration().is_none()));
        if let Some(cut) = &self.cut {
            for (start, end) in cut.times(pts.nseconds()) {
                self.starts.push(start);
                let ends = start.saturating_add(duration.nseconds() as i64).min(end);
                self.end_ns = self.end_ns.max(ends.max(0) as u64);
            }
            return;
        }
        // what the edit list hides is not shown
        let Some((start, end)) = segment.clip(pts, pts + duration.max(gst::ClockTime::from_nseconds(1))) else {
            return;
        };
        if let Some(start) = start.and_then(|start| segment.to_running_time(start)) {
            self.starts.push(start.nseconds() as i64);
            self.end_ns = self.end_ns.max((start + duration).nseconds());
        }
        if let Some(end) = end.filter(|_| duration.nseconds() > 0).and_then(|end| segment.to_running_time(end)) {
            self.end_ns = self.end_ns.max(end.nseconds());
        }
    }

    fn is_sound(&self) -> bool {
        self.caps.as_ref().and_then(|caps| Stream::of(caps)) == Some(Stream::Sound)
    }

    /// An end that was guessed is not beyond the container's.
    fn end_within(&mut self, claimed_ns: Option<u64>) {
        if let (Some((last, true)), Some(claimed)) = (self.last, claimed_ns) {
            self.end_ns = self.end_ns.min(claimed.max(last.nseconds()));
        }
    }

    /// A stream of which nothing says when it is cannot be placed.
    fn check_times(&self, name: &str) -> Result<(), MediaError> {
        match &self.caps {
            Some(caps) if self.all > 0 && !self.timed => Err(codecs::unreadable(name, caps)),
            _ => Ok(()),
        }
    }

    fn event(&mut self, event: &gst::EventRef) {
        match event.view() {
            gst::EventView::Caps(caps) => self.caps = Some(caps.caps_owned()),
            gst::EventView::Segment(segment) => self.segment = segment.segment().downcast_ref().cloned(),
            gst::EventView::Tag(tags) => {
                if let Some(tag) = tags.tag().get::<gst::tags::ImageOrientation>() {
                    self.orientation = Some(tag.get().to_owned());
                }
            }
            _ => {}
        }
    }

    /// The pictures, timed from `begin_ns` on.
    fn video(&self, name: &str, begin_ns: u64) -> Result<Option<VideoScan>, MediaError> {
        let Some(caps) = &self.caps else { return Ok(None) };
        let Some(stream) = caps.structure(0) else { return Ok(None) };
        if self.starts.is_empty() {
            return Err(MediaError::input(format!("{name}: has a video stream without pictures")));
        }
        let mut starts: Vec<i64> = self.starts.iter().map(|start| start - begin_ns as i64).collect();
        starts.sort_unstable();
        let end_ns = self.end_ns.saturating_sub(begin_ns);
        let fps = rate_of(&starts, end_ns);
        let pictures = starts.len() as u64;
        let one_ns = crate::frames::time_ns(1, fps);
        let last = starts.last().copied().unwrap_or(0).max(0) as u64;
        let end_ns = end_ns.max(last + one_ns.min(1_000_000_000));
        let codec = stream.name().trim_start_matches("video/").trim_start_matches("image/");
        let codec = codec.trim_start_matches("x-").to_owned();
        let (caps, size) = (caps.clone(), self.shown_size(stream));
        Ok(Some(VideoScan { codec, caps, size, pictures, end_ns, fps }))
    }

    /// Pixels after undoing sample aspect and rotation, the height kept.
    fn shown_size(&self, stream: &gst::StructureRef) -> Size {
        let side = |field: &str| stream.get::<i32>(field).unwrap_or(0).max(0) as u32;
        let (mut width, mut height) = (side("width"), side("height"));
        if let Ok(aspect) = stream.get::<gst::Fraction>("pixel-aspect-ratio")
            && aspect.numer() > 0
            && aspect.denom() > 0
        {
            let shown = f64::from(width) * f64::from(aspect.numer()) / f64::from(aspect.denom());
            width = shown.round() as u32;
        }
        if self.orientation.as_deref().is_some_and(|tag| tag.ends_with("90") || tag.ends_with("270")) {
            std::mem::swap(&mut width, &mut height);
        }
        Size { width, height }
    }

    /// The sound, timed from `begin_ns` on.
    fn sound(&self, begin_ns: u64) -> Option<SoundScan> {
        let caps = self.caps.clone()?;
        let stream = caps.structure(0)?;
        let number = |field: &str| stream.get::<i32>(field).unwrap_or(0).max(0) as u32;
        let end_ns = self.end_ns.saturating_sub(begin_ns);
        let (rate, channels) = (number("rate"), number("channels"));
        Some(SoundScan { rate, channels, end_ns, caps })
    }
}

/// Counts the first stream of each kind behind its parser.
fn tap(
    pipeline: &gst::Pipeline,
    demux: &gst::Element,
    path: &Path,
    seen: &Arc<[Mutex<Seen>; 2]>,
    wanted: &'static [Stream],
) {
    let (weak, path) = (pipeline.downgrade(), path.to_owned());
    let seen = Arc::clone(seen);
    let taken = Mutex::new([false; 2]);
    demux.connect_pad_added(move |demux, pad| {
        let Some(pipeline) = weak.upgrade() else { return };
        let caps = codecs::caps_of(pad, &path);
        let name = caps.structure(0).map(|stream| stream.name().to_string()).unwrap_or_default();
        let stream = Stream::of(&caps);
        let asked = stream.is_some_and(|stream| wanted.contains(&stream));
        let target = stream.map(|stream| usize::from(stream == Stream::Sound));
        let again =
            |kind: &usize| std::mem::replace(&mut taken.lock().unwrap_or_else(PoisonError::into_inner)[*kind], true);
        let target = target.filter(|kind| !again(kind)).map(|kind| (Arc::clone(&seen), kind));
        let parser = match name.as_str() {
            _ if !asked => None,
            "video/x-h264" => Some("h264parse"),
            "video/x-h265" => Some("h265parse"),
            "video/x-av1" => Some("av1parse"),
            // Demuxers believe the container about rate and channels.
            "audio/mpeg" if caps.structure(0).is_some_and(|sound| sound.get("mpegversion") == Ok(4)) => {
                Some("aacparse")
            }
            _ => None,
        };
        // What cannot be decoded is found out now, and not when the film is made.
        let decoded = if target.is_some() && asked { codecs::decoders(&caps).map(drop) } else { Ok(()) };
        let drained = decoded.and_then(|()| drain(&pipeline, pad, parser.filter(|_| target.is_some()), target));
        if let Err(fault) = drained {
            codecs::refuse(demux, &fault);
        }
    });
}

/// Lets a stream run into nothing, through its parser, counting on the way.
fn drain(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    parser: Option<&str>,
    target: Option<(Arc<[Mutex<Seen>; 2]>, usize)>,
) -> Result<(), MediaError> {
    let elements = ["queue"].into_iter().chain(parser).chain(["fakesink"]).map(make).collect::<Result<Vec<_>, _>>()?;
    let no_pad = || MediaError::internal("an element without pads");
    let (Some(first), Some(sink)) = (elements.first(), elements.last()) else { return Err(no_pad()) };
    sink.set_property("sync", false);
    sink.set_property("async", false);
    if let Some((seen, kind)) = target {
        let mask = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
        sink.static_pad("sink").ok_or_else(no_pad)?.add_probe(mask, move |_, info| {
            let mut seen = seen[kind].lock().unwrap_or_else(PoisonError::into_inner);
            match &info.data {
                Some(gst::PadProbeData::Buffer(buffer)) => seen.buffer(buffer),
                Some(gst::PadProbeData::Event(event)) => seen.event(event),
                _ => {}
            }
            gst::PadProbeReturn::Ok
        });
    }
    pipeline.add_many(&elements)?;
    gst::Element::link_many(&elements)?;
    for element in elements.iter().rev() {
        element.sync_state_with_parent()?;
    }
    pad.link(&first.static_pad("sink").ok_or_else(no_pad)?).map_err(|error| MediaError::internal(error.to_string()))?;
    Ok(())
}

/// Matroska rounds times to milliseconds.
const LARGEST_ROUNDING_NS: u64 = 1_500_000;

/// Fewest pictures of which the first may be out of step.
const FEW: usize = 10;

/// The rate of pictures that start at `starts` (sorted, nanoseconds): exact when they are evenly spaced,
/// to the millisecond some containers round to; otherwise the average in thousandths.
pub fn rate_of(starts: &[i64], end_ns: u64) -> Fps {
    // A first picture that came early or was held for the sound says nothing of the others.
    let rest = match starts {
        [first, second, third, ..] if starts.len() > FEW && second - first < 2 * (third - second) => &starts[1..],
        _ => &[],
    };
    let average = average_of(starts).unwrap_or_else(|| {
        let length = end_ns.saturating_sub(starts.first().copied().unwrap_or(0).max(0) as u64);
        if length > 0 { starts.len() as f64 * 1e9 / length as f64 } else { 25.0 }
    });
    let even = even_rate(starts, average).or_else(|| even_rate(rest, average_of(rest)?));
    even.unwrap_or(Fps { num: (average * 1000.0).round().clamp(1.0, 240_000.0) as u32, den: 1000 })
}

fn average_of(starts: &[i64]) -> Option<f64> {
    let (first, last) = (starts.first()?, starts.last()?);
    (last > first).then(|| (starts.len() - 1) as f64 * 1e9 / (last - first) as f64)
}

/// The usual rate near `average` that is theirs all along.
fn even_rate(starts: &[i64], average: f64) -> Option<Fps> {
    let first = starts.first().copied().unwrap_or(0);
    let ntsc = [24, 30, 48, 60, 120].map(|base| Fps { num: base * 1000, den: 1001 });
    let mut known: Vec<Fps> = (1..=240).map(Fps::whole).chain(ntsc).collect();
    known.sort_by(|a, b| (a.as_f64() - average).abs().total_cmp(&(b.as_f64() - average).abs()));
    let worst_ns = |fps: &Fps| {
        let off_beat =
            |(n, start): (usize, &i64)| start.abs_diff(first + crate::frames::time_ns(n as u64, *fps) as i64);
        starts.iter().enumerate().map(off_beat).max().unwrap_or(0)
    };
    // the two nearest may both fit a short clip (30 and 30000/1001): the better one counts
    let best = known.iter().take(2).min_by_key(|fps| worst_ns(fps)).filter(|fps| worst_ns(fps) <= LARGEST_ROUNDING_NS);
    best.copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evenly(fps: Fps, rounded_to_ns: u64) -> Vec<i64> {
        (0..50).map(|n| (crate::frames::time_ns(n, fps) / rounded_to_ns * rounded_to_ns) as i64).collect()
    }

    #[test]
    fn even_rates_are_exact_even_when_rounded_to_milliseconds() {
        for fps in [Fps::whole(16), Fps::whole(24), Fps { num: 30_000, den: 1001 }, Fps::whole(30)] {
            assert_eq!(rate_of(&evenly(fps, 1), 0), fps);
            assert_eq!(rate_of(&evenly(fps, 1_000_000), 0), fps);
        }
    }

    #[test]
    fn a_first_picture_out_of_step_does_not_change_the_rate() {
        let fps = Fps { num: 24_000, den: 1001 };
        for off in [-23_000_000, -10_000_000, 15_000_000] {
            let mut starts = evenly(fps, 1_000_000);
            starts[0] += off;
            assert_eq!(rate_of(&starts, 0), fps, "{off}");
        }
        let mut starts = evenly(Fps::whole(25), 1);
        starts[0] -= 500_000_000;
        assert_eq!(rate_of(&starts, 0), Fps { num: 19_919, den: 1000 }, "one that stands still counts");
    }

    #[test]
    fn a_varying_rate_is_its_average() {
        let starts = [0, 100_000_000, 150_000_000, 400_000_000];
        assert_eq!(rate_of(&starts, 500_000_000), Fps { num: 7500, den: 1000 });
    }

    #[test]
    fn one_picture_lasts_as_long_as_it_says() {
        assert_eq!(rate_of(&[0], 500_000_000), Fps::whole(2));
    }
}
