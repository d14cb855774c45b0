//! Whole: a picture in a frame of another shape, without losing what it shows.

use image::{DynamicImage, GenericImageView, RgbaImage, imageops};
use studio_core::units::Size;

/// Largest share of a picture that may be cut off to fill a frame. More of it is somebody's head.
const MOST_CUT: f64 = 0.25;
/// Longer side of what the ground is made of, in pixels: so small that nothing in it is told apart.
const GROUND: u32 = 24;
/// How much darker the ground is than the picture, in steps of 255.
const DARKER: i32 = 18;

/// Share of a picture that is cut off when it fills a frame of that size, 0..1.
pub fn cut_off(picture: (u32, u32), frame: Size) -> f64 {
    let shape = |width: u32, height: u32| f64::from(width.max(1)) / f64::from(height.max(1));
    let (own, wanted) = (shape(picture.0, picture.1), shape(frame.width, frame.height));
    1.0 - own.min(wanted) / own.max(wanted)
}

/// Whether a picture has to be fitted into such a frame whole, because too much of it would be cut off.
pub fn wants_ground(picture: (u32, u32), frame: Size) -> bool {
    cut_off(picture, frame) > MOST_CUT
}

/// A picture as large as a frame: its middle where the shapes are near to each other, else the whole of it before a ground
/// of its own colours.
pub fn framed(picture: &DynamicImage, frame: Size) -> RgbaImage {
    let Size { width, height } = frame;
    let smooth = imageops::FilterType::Lanczos3;
    if !wants_ground(picture.dimensions(), frame) {
        return picture.resize_to_fill(width, height, smooth).to_rgba8();
    }
    let longer = width.max(height).max(1);
    let small = |side: u32| (side * GROUND).div_ceil(longer).max(1);
    let ground = picture.resize_to_fill(small(width), small(height), imageops::FilterType::Triangle);
    let ground = imageops::resize(&ground.to_rgba8(), width, height, imageops::FilterType::CatmullRom);
    let mut whole = imageops::brighten(&ground, -DARKER);
    let inside = picture.resize(width, height, smooth).to_rgba8();
    let middle = |outer: u32, inner: u32| i64::from(outer.saturating_sub(inner) / 2);
    imageops::overlay(&mut whole, &inside, middle(width, inside.width()), middle(height, inside.height()));
    whole
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    /// Red above, green in the middle, blue below.
    fn flag(width: u32, height: u32) -> DynamicImage {
        let third = |y: u32| [[200, 0, 0], [0, 200, 0], [0, 0, 200]][(y * 3 / height) as usize];
        RgbImage::from_fn(width, height, |_, y| Rgb(third(y))).into()
    }

    #[test]
    fn who_stands_upright_keeps_their_head_in_a_wide_frame() {
        let frame = Size { width: 640, height: 360 };
        let whole = framed(&flag(400, 600), frame);
        assert_eq!(whole.dimensions(), (640, 360));
        let at = |x: u32, y: u32| whole.get_pixel(x, y).0;
        assert!(at(320, 4)[0] > 190 && at(320, 355)[2] > 190, "top and bottom are there");
        assert!(at(10, 180)[1] > 100, "the ground has its colours: {:?}", at(10, 180));
        assert_eq!(framed(&flag(400, 600), frame), whole, "the same again");
    }

    #[test]
    fn what_is_nearly_of_that_shape_fills_the_frame() {
        let frame = Size { width: 640, height: 360 };
        let filled = framed(&flag(600, 400), frame);
        assert!(!wants_ground((600, 400), frame) && filled.dimensions() == (640, 360));
        let corner = filled.get_pixel(0, 180).0;
        assert!(corner[1] > 190 && corner[0] < 10, "nothing but the picture: {corner:?}");
        for odd in [(1, 1), (1, 4000), (4000, 1)] {
            assert_eq!(framed(&flag(odd.0, odd.1.max(3)), frame).dimensions(), (640, 360));
        }
    }
}
