//! The one picture format inside the studio: I420, bt709 limited range, square pixels, constant rate.

use gstreamer as gst;
use gstreamer_video as gst_video;
use studio_core::units::{Fps, Size};

use crate::MediaError;

/// Size and rate of a stream of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Width and height in pixels.
    pub size: Size,
    /// Pictures per second.
    pub fps: Fps,
}

impl Format {
    /// GStreamer's description; its strides and offsets are the layout of every frame buffer.
    pub fn info(&self) -> Result<gst_video::VideoInfo, MediaError> {
        let rate = gst::Fraction::new(self.fps.num as i32, self.fps.den as i32);
        let bt709 = gst_video::VideoColorimetry::new(
            gst_video::VideoColorRange::Range16_235,
            gst_video::VideoColorMatrix::Bt709,
            gst_video::VideoTransferFunction::Bt709,
            gst_video::VideoColorPrimaries::Bt709,
        );
        Ok(gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, self.size.width, self.size.height)
            .fps(rate)
            .par(gst::Fraction::new(1, 1))
            .colorimetry(&bt709)
            .build()?)
    }

    /// Caps of the raw pictures.
    pub fn caps(&self) -> Result<gst::Caps, MediaError> {
        Ok(self.info()?.to_caps()?)
    }

    /// When picture `n` begins; computed from the index, so nothing drifts.
    pub fn time_of(&self, n: u64) -> gst::ClockTime {
        gst::ClockTime::from_nseconds(time_ns(n, self.fps))
    }

    /// A frame buffer from three planes without padding between rows: luma `width` x `height`, then both chroma
    /// planes of half that (sizes are even). Rows are padded as GStreamer wants them.
    pub fn buffer_from_planes(&self, planes: [&[u8]; 3]) -> Result<gst::Buffer, MediaError> {
        let info = self.info()?;
        let mut buffer = gst::Buffer::with_size(info.size())?;
        {
            let mut map = buffer.make_mut().map_writable()?;
            for (index, plane) in planes.iter().enumerate() {
                let shift = usize::from(index > 0);
                let (width, height) = (info.width() as usize >> shift, info.height() as usize >> shift);
                if plane.len() < width * height {
                    return Err(MediaError::internal(format!(
                        "plane {index} has {} bytes, not {width}x{height}",
                        plane.len()
                    )));
                }
                let (offset, stride) = (info.offset()[index], info.stride()[index] as usize);
                for (row, pixels) in plane.chunks_exact(width).take(height).enumerate() {
                    map[offset + row * stride..][..width].copy_from_slice(pixels);
                }
            }
        }
        Ok(buffer)
    }
}

/// Nanosecond at which picture `n` begins.
pub fn time_ns(n: u64, fps: Fps) -> u64 {
    (u128::from(n) * 1_000_000_000 * u128::from(fps.den) / u128::from(fps.num)) as u64
}

/// The picture whose start is nearest to `ns` (may be negative).
pub fn nearest_frame(ns: i64, fps: Fps) -> i64 {
    let (ns, num, den) = (i128::from(ns), i128::from(fps.num), i128::from(fps.den) * 1_000_000_000);
    (ns * num * 2 + den).div_euclid(2 * den) as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_time_of_a_frame_finds_it_again(n in 0u64..10_000_000, fps in prop_oneof![Just(Fps::whole(24)), Just(Fps::whole(30)), Just(Fps { num: 30_000, den: 1001 })]) {
            prop_assert_eq!(nearest_frame(time_ns(n, fps) as i64, fps), n as i64);
        }
    }

    #[test]
    fn time_before_the_start_is_before_the_first_frame() {
        assert_eq!(nearest_frame(-40_000_000, Fps::whole(25)), -1);
        assert_eq!(nearest_frame(-10_000_000, Fps::whole(25)), 0);
    }
}
