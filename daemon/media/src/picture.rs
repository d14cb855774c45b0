//! Picture: one frame of a film as an image file.

use gstreamer as gst;
use studio_core::media::{MediaFacts, MediaResult, PicturePlan};

use crate::{MediaError, reader::VideoReader, stills};

/// How far before the claimed end the last picture is looked for, in milliseconds; a container can claim more
/// than its pictures last, so the window widens.
const LOOK_BACK_MS: [u64; 3] = [500, 2000, 8000];

/// Carries out a [`PicturePlan`].
pub fn run(plan: &PicturePlan, progress: &mut dyn FnMut(f64)) -> Result<MediaResult, MediaError> {
    let mut reader = VideoReader::open_paused(&plan.input, None)?;
    let one = gst::ClockTime::from_nseconds(crate::frames::time_ns(1, plan.fps));
    let start = gst::ClockTime::from_nseconds(crate::frames::time_ns(plan.at.0, plan.fps));
    progress(0.2);
    // the middle of the picture: rounding at its edges cannot give a neighbour
    reader.seek(start + one / 2)?;
    let sample = match reader.next_picture()? {
        Some(picture) => picture.sample,
        None => last(&mut reader, plan)?,
    };
    progress(0.8);
    let size = stills::save(&sample, plan.fit, &plan.out)?;
    Ok(MediaResult::Picture { facts: MediaFacts::Still { size } })
}

fn last(reader: &mut VideoReader, plan: &PicturePlan) -> Result<gst::Sample, MediaError> {
    let claimed = reader.claimed_length().unwrap_or_default();
    let windows = LOOK_BACK_MS.map(gst::ClockTime::from_mseconds);
    let starts = windows.into_iter().filter(|window| *window < claimed).map(|window| claimed - window);
    for start in starts.chain([gst::ClockTime::ZERO]) {
        reader.seek(start)?;
        let mut newest = None;
        while let Some(picture) = reader.next_picture()? {
            newest = Some(picture.sample);
        }
        if let Some(sample) = newest {
            return Ok(sample);
        }
    }
    Err(MediaError::input(format!("{}: there is not a single picture in it", plan.input.display())))
}
