//! Blend: one picture out of two, by the formulas of ffmpeg's `xfade` filter (`libavfilter/vf_xfade.c`).

use gst_video::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;
use studio_core::shot::TransitionKind;

use crate::MediaError;

/// Legal black and neutral colour of limited-range video; xfade uses 0, which is no legal luma.
const BLACK: [f32; 3] = [16.0, 128.0, 128.0];
/// Share of the transition that each half of `fadeblack` fades in.
const PHASE: f32 = 0.2;

fn smoothstep(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// What a picture is made of: share of the old one, share of the new one, share of black.
/// `done` runs from 0 (the old one alone) towards 1.
fn shares(kind: TransitionKind, done: f32) -> (f32, f32, f32) {
    match kind {
        TransitionKind::Cut | TransitionKind::WipeLeft => (1.0, 0.0, 0.0),
        TransitionKind::Fade => (1.0 - done, done, 0.0),
        TransitionKind::Dissolve => {
            let eased = smoothstep(0.0, 1.0, done);
            (1.0 - eased, eased, 0.0)
        }
        TransitionKind::FadeBlack => {
            let left = 1.0 - done;
            let old = smoothstep(1.0 - PHASE, 1.0, left) * left;
            let new = (1.0 - smoothstep(PHASE, 1.0, left)) * done;
            (old, new, 1.0 - old - new)
        }
    }
}

/// Blends `old` and `new` (I420 of the shape `info`); `done` 0 is `old` alone, 1 would be `new` alone.
pub fn blend(
    kind: TransitionKind,
    done: f32,
    old: &gst::BufferRef,
    new: &gst::BufferRef,
    info: &gst_video::VideoInfo,
) -> Result<gst::Buffer, MediaError> {
    let old = gst_video::VideoFrameRef::from_buffer_ref_readable(old, info)?;
    let new = gst_video::VideoFrameRef::from_buffer_ref_readable(new, info)?;
    let mut buffer = gst::Buffer::with_size(info.size())?;
    {
        let mut out = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer.make_mut(), info)?;
        for plane in 0..3 {
            let shift = usize::from(plane > 0);
            let (width, height) = (info.width() as usize >> shift, info.height() as usize >> shift);
            let stride = |strides: &[i32]| strides[plane] as usize;
            let (old_stride, new_stride, out_stride) =
                (stride(old.plane_stride()), stride(new.plane_stride()), stride(out.plane_stride()));
            let (old_rows, new_rows) = (old.plane_data(plane as u32)?, new.plane_data(plane as u32)?);
            let out_rows = out.plane_data_mut(plane as u32)?;
            for row in 0..height {
                let old = &old_rows[row * old_stride..][..width];
                let new = &new_rows[row * new_stride..][..width];
                blend_row(kind, done, old, new, BLACK[plane], &mut out_rows[row * out_stride..][..width]);
            }
        }
    }
    Ok(buffer)
}

fn blend_row(kind: TransitionKind, done: f32, old: &[u8], new: &[u8], black: f32, out: &mut [u8]) {
    if kind == TransitionKind::WipeLeft {
        // xfade: the new picture is seen to the right of the edge
        let edge = ((out.len() as f32 * (1.0 - done)) as usize).min(out.len());
        out[..edge].copy_from_slice(&old[..edge]);
        out[edge..].copy_from_slice(&new[edge..]);
        return;
    }
    let (old_share, new_share, black_share) = shares(kind, done);
    // 16.16 fixed point: a row is one multiply-add per picture
    let fixed = |share: f32| (share * 65_536.0).round() as u32;
    let (old_share, new_share, base) = (fixed(old_share), fixed(new_share), fixed(black_share * black) + 32_768);
    for ((out, &old), &new) in out.iter_mut().zip(old).zip(new) {
        *out = ((u32::from(old) * old_share + u32::from(new) * new_share + base) >> 16).min(255) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: TransitionKind, done: f32, old: u8, new: u8) -> Vec<u8> {
        let mut out = vec![0; 100];
        blend_row(kind, done, &[old; 100], &[new; 100], 16.0, &mut out);
        out
    }

    #[test]
    fn every_blend_begins_with_the_old_picture() {
        for kind in
            [TransitionKind::Fade, TransitionKind::Dissolve, TransitionKind::FadeBlack, TransitionKind::WipeLeft]
        {
            assert_eq!(row(kind, 0.0, 200, 40), [200; 100], "{kind:?}");
        }
    }

    #[test]
    fn fades_are_linear_and_dissolves_gentle() {
        assert_eq!(row(TransitionKind::Fade, 0.25, 200, 40)[0], 160);
        assert_eq!(row(TransitionKind::Dissolve, 0.5, 200, 40)[0], 120);
        assert_eq!(row(TransitionKind::Dissolve, 0.25, 200, 40)[0], 175, "smoothstep(0.25) is 0.15625");
    }

    #[test]
    fn black_lies_in_the_middle_of_a_fade_through_black() {
        let middle = row(TransitionKind::FadeBlack, 0.5, 200, 200)[0];
        assert!((16..=80).contains(&middle), "{middle}");
        assert_eq!(row(TransitionKind::FadeBlack, 0.2, 200, 16)[0], 16, "the old picture is gone after the phase");
    }

    #[test]
    fn a_wipe_uncovers_from_the_right() {
        let out = row(TransitionKind::WipeLeft, 0.25, 1, 2);
        assert_eq!((out[74], out[75]), (1, 2));
    }
}
