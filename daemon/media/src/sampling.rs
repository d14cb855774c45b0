//! Sampling: a film looked through in small pictures, a few a second, and some of its pictures taken out in full size.

use std::{
    fs::OpenOptions,
    io::{BufWriter, Write},
    path::Path,
};

use gstreamer as gst;
use gstreamer_video::{self as gst_video, prelude::*};
use studio_core::{
    media::{FramesPlan, MediaResult, SamplePlan},
    units::Size,
};

use crate::{
    MediaError,
    reader::{Picture, VideoReader},
    stills,
};

/// Half a millisecond, in nanoseconds: the middle of a time that is given in milliseconds.
const HALF_MS: i64 = 500_000;

/// Carries out a [`SamplePlan`].
pub fn sample(plan: &SamplePlan, progress: &mut dyn FnMut(f64)) -> Result<MediaResult, MediaError> {
    let mut reader = VideoReader::open_thinned(&plan.input, plan.size, plan.every_ms, plan.from_ms > 0)?;
    if plan.from_ms > 0 {
        reader.seek(gst::ClockTime::from_mseconds(plan.from_ms))?;
    }
    let failed = |error: std::io::Error| MediaError::io("failed to hand on a picture", &error);
    let mut out = BufWriter::new(OpenOptions::new().write(true).open(&plan.out).map_err(failed)?);
    let end_ms = plan.to_ms.unwrap_or(u64::MAX);
    let length = plan.length_ms.min(end_ms).saturating_sub(plan.from_ms).max(1);
    let mut pictures = 0;
    // A film that is read from its start up to where it begins says that it goes on, however long that is.
    while let Some(picture) = reader.next_picture_telling(&mut || progress(0.0))? {
        let at_ms = (picture.start_ns.max(0) as u64).div_ceil(1_000_000);
        if at_ms >= end_ms {
            break;
        }
        out.write_all(&at_ms.to_le_bytes())
            .and_then(|()| out.write_all(&brightness(&picture, plan)?))
            .map_err(failed)?;
        pictures += 1;
        progress(at_ms.saturating_sub(plan.from_ms) as f64 / length as f64);
    }
    out.flush().map_err(failed)?;
    Ok(MediaResult::Sample { pictures })
}

/// Brightness of every pixel, 0..=255; from luma in the range of video.
fn brightness(picture: &Picture, plan: &SamplePlan) -> std::io::Result<Vec<u8>> {
    let broken = |what: &str| std::io::Error::other(format!("a picture {what}"));
    let caps = picture.sample.caps().ok_or_else(|| broken("without a description"))?;
    let info = gst_video::VideoInfo::from_caps(caps).map_err(|_| broken("of an unknown kind"))?;
    let buffer = picture.sample.buffer().ok_or_else(|| broken("without data"))?;
    let frame =
        gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info).map_err(|_| broken("that cannot be read"))?;
    let (width, height) = (plan.size.width as usize, plan.size.height as usize);
    let (luma, stride) = (frame.plane_data(0).map_err(|_| broken("without luma"))?, frame.plane_stride()[0] as usize);
    if frame.width() as usize != width || frame.height() as usize != height {
        return Err(broken("of another size"));
    }
    let full = |luma: &u8| (u32::from(luma.saturating_sub(16)) * 255 / 219).min(255) as u8;
    Ok((0..height).flat_map(|row| luma[row * stride..][..width].iter().map(full)).collect())
}

/// Carries out a [`FramesPlan`].
pub fn take(plan: &FramesPlan, progress: &mut dyn FnMut(f64)) -> Result<MediaResult, MediaError> {
    let mut reader = VideoReader::open_paused(&plan.input, None)?;
    let (mut size, mut here) = (Size { width: 0, height: 0 }, None::<Picture>);
    for (done, frame) in plan.frames.iter().enumerate() {
        let at_ns = (frame.at_ms as i64).saturating_mul(1_000_000) + HALF_MS;
        let so_far = done as f64 / plan.frames.len() as f64;
        if done == 0 || !reader.seeks_slowly() {
            reader.seek(gst::ClockTime::from_nseconds(at_ns as u64))?;
            here = reader.next_picture_telling(&mut || progress(so_far))?;
        }
        // What ends before it is over; reading on is only needed where seeking would begin from the start.
        let over = |picture: &Picture| picture.start_ns.saturating_add(picture.duration_ns.max(1) as i64) <= at_ns;
        while reader.seeks_slowly() && here.as_ref().is_some_and(over) {
            here = reader.next_picture_telling(&mut || progress(so_far))?;
            progress(so_far);
        }
        let picture = here.as_ref().ok_or_else(|| ended(&plan.input, frame.at_ms))?;
        size = stills::save(&picture.sample, None, &frame.out)?;
        progress((done + 1) as f64 / plan.frames.len() as f64);
    }
    Ok(MediaResult::Frames { size })
}

fn ended(path: &Path, at_ms: u64) -> MediaError {
    MediaError::input(format!("{}: ends before {:.1} s", path.display(), at_ms as f64 / 1000.0))
}
