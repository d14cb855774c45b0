//! Normalise: a clip of any kind becomes a master in the project's size and rate.
//!
//! The rate is made here by nearest time stamp (as ffmpeg's `fps` filter does), not by `videorate`,
//! which can be one picture off.

use std::path::Path;

use gstreamer as gst;
use studio_core::{
    failure::FailureKind,
    media::{MediaFacts, MediaResult, NormalisePlan, edge_keys},
    units::{Fps, Frames, SAMPLE_RATE, Samples, Size},
};

use crate::{
    MediaError,
    encode::{EncoderSettings, VideoWriter},
    frames::{Format, nearest_frame},
    probe,
    reader::{AudioReader, VideoReader},
    scan::{self, Scan},
    sound::WavWriter,
    source::{self, Kind},
    stills::{self, Painter, Pictures},
};

/// Carries out a [`NormalisePlan`].
pub fn run(plan: &NormalisePlan, progress: &mut dyn FnMut(f64)) -> Result<MediaResult, MediaError> {
    let name = plan.input.display();
    check(plan)?;
    let format = Format { size: plan.size, fps: plan.fps };
    let kind = source::kind_of(&plan.input)?;
    let (frames, has_sound) = match kind {
        Kind::Picture(image) => (picture_file(plan, image, format, progress)?, false),
        Kind::Mp4 | Kind::Matroska => film(plan, format, progress)?,
        Kind::Wav | Kind::Flac => {
            return Err(MediaError::input(format!("{name}: there are no pictures in it, only sound")));
        }
        Kind::Other => return Err(MediaError::input(format!("{name}: is neither a film nor a picture"))),
    };
    let facts =
        MediaFacts::Video { size: plan.size, fps: plan.fps, frames, codec: "h264".to_owned(), samples: Samples(0) };
    Ok(MediaResult::Normalise { facts, has_sound })
}

fn check(plan: &NormalisePlan) -> Result<(), MediaError> {
    let refused = |why: String| MediaError::new(FailureKind::Refused, why);
    Size::new(plan.size.width, plan.size.height).map_err(|bad| refused(bad.to_string()))?;
    if plan.fps.den == 0 || !(1.0..=240.0).contains(&plan.fps.as_f64()) {
        return Err(refused(format!("{} is not a rate of pictures", plan.fps)));
    }
    if plan.frames == Some(Frames(0)) {
        return Err(refused("a master needs at least one picture".to_owned()));
    }
    Ok(())
}

/// How many pictures the master gets when the clip itself has `own` at the project's rate.
///
/// A clip may be short by a tenth of the wanted length (at least two pictures): engines round.
fn wanted(name: &dyn std::fmt::Display, own: Frames, asked: Option<Frames>, hold: bool) -> Result<Frames, MediaError> {
    let Some(asked) = asked else { return Ok(own.max(Frames(1))) };
    let short = asked - own;
    if !hold && short > Frames((asked.0 / 10).max(2)) {
        return Err(MediaError::input(format!("{name}: is too short: {own} of {asked} pictures")));
    }
    Ok(asked)
}

/// Pictures of a clip in order, each with its start in nanoseconds.
type Next<'a> = dyn FnMut() -> Result<Option<(i64, gst::Buffer)>, MediaError> + 'a;

/// Repeats and drops pictures to a constant rate by nearest time stamp; the last one holds.
struct Steady {
    fps: Fps,
    at: i64,
    current: Option<gst::Buffer>,
    upcoming: Option<(i64, gst::Buffer)>,
    ended: bool,
}

impl Steady {
    fn new(fps: Fps) -> Self {
        Self { fps, at: 0, current: None, upcoming: None, ended: false }
    }

    fn next(&mut self, pull: &mut Next<'_>) -> Result<gst::Buffer, MediaError> {
        loop {
            if self.upcoming.is_none() && !self.ended {
                self.upcoming = pull()?.map(|(ns, frame)| (nearest_frame(ns, self.fps), frame));
                self.ended = self.upcoming.is_none();
            }
            match self.upcoming.take() {
                Some((shown, frame)) if shown <= self.at || self.current.is_none() => self.current = Some(frame),
                later => {
                    self.upcoming = later;
                    break;
                }
            }
        }
        self.at += 1;
        self.current.clone().ok_or_else(|| MediaError::input("there is not a single picture in it"))
    }
}

/// Encodes `frames` pictures and leaves the last one as PNG.
fn write(
    plan: &NormalisePlan,
    format: Format,
    frames: Frames,
    pull: &mut Next<'_>,
    progress: &mut dyn FnMut(f64),
) -> Result<(), MediaError> {
    let keys = edge_keys(frames, plan.fps);
    let mut writer = VideoWriter::create(&plan.video_out, plan.size, plan.fps, &EncoderSettings::default())?;
    let mut steady = Steady::new(plan.fps);
    let mut last = None;
    for at in 0..frames.0 {
        let frame = steady.next(pull)?;
        writer.push(frame.clone(), keys.contains(&Frames(at)))?;
        last = Some(frame);
        progress((at + 1) as f64 / frames.0 as f64);
    }
    writer.finish()?;
    let last = last.ok_or_else(|| MediaError::internal("nothing was written"))?;
    let sample = gst::Sample::builder().buffer(&last).caps(&format.caps()?).build();
    stills::save(&sample, None, &plan.last_frame_out)?;
    Ok(())
}

fn picture_file(
    plan: &NormalisePlan,
    image: image::ImageFormat,
    format: Format,
    progress: &mut dyn FnMut(f64),
) -> Result<Frames, MediaError> {
    match stills::open(&plan.input, image)? {
        Pictures::One(picture) => {
            let size = Size { width: picture.width(), height: picture.height() };
            let frames = plan.frames.unwrap_or(Frames(1));
            let mut painted = Some((0, Painter::new(size, format)?.paint(picture)?));
            write(plan, format, frames, &mut || Ok(painted.take()), progress)?;
            Ok(frames)
        }
        Pictures::Moving(mut moving) => {
            let (_, length_ns) = probe::measure(&mut moving, progress)?;
            let own = Frames(nearest_frame(length_ns as i64, plan.fps).max(1) as u64);
            let frames = wanted(&plan.input.display(), own, plan.frames, plan.hold)?;
            let Pictures::Moving(mut moving) = stills::open(&plan.input, image)? else {
                return Err(MediaError::input(format!("{}: changed while it was read", plan.input.display())));
            };
            let painter = Painter::new(moving.size, format)?;
            let mut start_ns = 0;
            let mut pull = || {
                let Some((picture, delay_ns)) = moving.next_picture()? else { return Ok(None) };
                let start = start_ns;
                start_ns += delay_ns as i64;
                Ok(Some((start, painter.paint(picture)?)))
            };
            write(plan, format, frames, &mut pull, progress)?;
            Ok(frames)
        }
    }
}

/// Share of the work that looking through the clip takes, and that its sound takes.
const SCAN_SHARE: f64 = 0.03;
const SOUND_SHARE: f64 = 0.05;

fn film(plan: &NormalisePlan, format: Format, progress: &mut dyn FnMut(f64)) -> Result<(Frames, bool), MediaError> {
    let name = plan.input.display();
    let Scan { video, sound, start_ns } = scan::scan(&plan.input, &mut |done| progress(done * SCAN_SHARE))?;
    let Some(video) = video else {
        return Err(MediaError::input(format!("{name}: there are no pictures in it, only sound")));
    };
    let own = Frames(nearest_frame(video.end_ns as i64, plan.fps).max(1) as u64);
    let frames = wanted(&name, own, plan.frames, plan.hold)?;
    let mut reader = VideoReader::open(&plan.input, Some(plan.size))?;
    let (mut decoded, mut ended) = (0, false);
    let mut pull = || {
        let picture = reader.next_picture()?;
        decoded += u64::from(picture.is_some());
        ended |= picture.is_none();
        Ok(picture.and_then(|picture| Some((picture.start_ns - start_ns as i64, picture.sample.buffer_owned()?))))
    };
    let rest = 1.0 - SCAN_SHARE - SOUND_SHARE;
    write(plan, format, frames, &mut pull, &mut |done| progress(SCAN_SHARE + done * rest))?;
    // VP8 hides reference pictures among the shown ones, so its parser counts too many
    if ended && decoded < video.pictures && video.codec != "vp8" {
        let all = video.pictures;
        return Err(MediaError::damaged(&name.to_string(), &format!("{decoded} of {all} pictures can be decoded")));
    }
    let has_sound = sound.is_some_and(|sound| sound.end_ns > 0);
    if has_sound {
        write_sound(&plan.input, &plan.sound_out, start_ns, plan.fps.sample_at(frames))?;
    }
    progress(1.0);
    Ok((frames, has_sound))
}

/// Writes the sound from `start_ns` on, where the first picture or sound is.
fn write_sound(input: &Path, out: &Path, start_ns: u64, length: Samples) -> Result<(), MediaError> {
    let start = (u128::from(start_ns) * u128::from(SAMPLE_RATE) + 500_000_000) / 1_000_000_000;
    let mut reader = AudioReader::open(input)?;
    let mut writer = WavWriter::create(out, length)?;
    while let Some(mut sound) = reader.next_sound()? {
        sound.at -= start as i64;
        if !writer.place(&sound)? {
            break;
        }
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(byte: u8) -> gst::Buffer {
        gst::Buffer::from_slice([byte])
    }

    fn steadied(fps: Fps, starts_ms: &[i64], frames: usize) -> Vec<u8> {
        gst::init().unwrap();
        let mut clip = starts_ms.iter().zip(0..).map(|(ms, n)| (ms * 1_000_000, marked(n)));
        let mut steady = Steady::new(fps);
        (0..frames).map(|_| steady.next(&mut || Ok(clip.next())).unwrap().map_readable().unwrap()[0]).collect()
    }

    #[test]
    fn pictures_are_repeated_and_dropped_by_nearest_time() {
        assert_eq!(steadied(Fps::whole(30), &[0, 42, 83, 125], 6), [0, 1, 2, 2, 3, 3], "24 to 30");
        assert_eq!(steadied(Fps::whole(25), &[0, 20, 40, 60, 80], 3), [0, 2, 4], "50 to 25");
    }

    #[test]
    fn a_late_first_picture_fills_the_start_and_the_last_holds() {
        assert_eq!(steadied(Fps::whole(10), &[200, 300], 6), [0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn clips_may_be_short_by_a_tenth() {
        assert_eq!(wanted(&"x", Frames(90), Some(Frames(100)), false), Ok(Frames(100)));
        assert_eq!(wanted(&"x", Frames(300), Some(Frames(100)), false), Ok(Frames(100)));
        assert!(wanted(&"x", Frames(89), Some(Frames(100)), false).is_err());
        assert_eq!(wanted(&"x", Frames(1), Some(Frames(100)), true), Ok(Frames(100)), "somebody wants it so");
        assert_eq!(wanted(&"x", Frames(3), Some(Frames(5)), false), Ok(Frames(5)), "two pictures at least");
        assert_eq!(wanted(&"x", Frames(77), None, false), Ok(Frames(77)));
    }
}
