//! Picture families: made pictures and what can become of them, each with whether it is a copy.

use fastrand::Rng;
use image::{
    DynamicImage, ImageFormat, Rgb, RgbImage,
    imageops::{self, FilterType},
};
/// Size of all of them, in pixels.
pub const SIZE: (u32, u32) = (832, 1216);

/// A texture with coarse and fine parts in every colour, as a photo has, and a few things in front.
pub fn photo(seed: u64) -> RgbImage {
    let mut rng = Rng::with_seed(seed);
    let (width, height) = SIZE;
    let mut sum = vec![[0f32; 3]; (width * height) as usize];
    for (cells, weight) in [(3, 90.0), (7, 55.0), (17, 30.0), (41, 16.0), (120, 8.0)] {
        let coarse = RgbImage::from_fn(cells, cells * 3 / 2, |_, _| Rgb([rng.u8(..), rng.u8(..), rng.u8(..)]));
        let layer = imageops::resize(&coarse, width, height, FilterType::CatmullRom);
        for (sum, pixel) in sum.iter_mut().zip(layer.pixels()) {
            for (sum, value) in sum.iter_mut().zip(pixel.0) {
                *sum += (f32::from(value) - 127.5) * weight / 100.0;
            }
        }
    }
    let mut picture = RgbImage::from_fn(width, height, |x, y| {
        let grain = f32::from(rng.u8(..)) / 32.0 - 4.0;
        Rgb(sum[(y * width + x) as usize].map(|value| (127.5 + value + grain).clamp(0.0, 255.0) as u8))
    });
    for _ in 0..6 {
        let middle = (rng.f32() * width as f32, rng.f32() * height as f32);
        let radius = (20.0 + rng.f32() * 160.0, 20.0 + rng.f32() * 160.0);
        ellipse(&mut picture, middle, radius, [rng.u8(..), rng.u8(..), rng.u8(..)]);
    }
    picture
}

/// Fills an ellipse; places and radii in pixels.
fn ellipse(onto: &mut RgbImage, middle: (f32, f32), radius: (f32, f32), colour: [u8; 3]) {
    let range = |middle: f32, radius: f32, side: u32| {
        ((middle - radius).max(0.0) as u32)..((middle + radius + 1.0).clamp(0.0, side as f32) as u32)
    };
    for y in range(middle.1, radius.1, onto.height()) {
        for x in range(middle.0, radius.0, onto.width()) {
            let away = ((x as f32 - middle.0) / radius.0, (y as f32 - middle.1) / radius.1);
            if away.0 * away.0 + away.1 * away.1 <= 1.0 {
                onto.put_pixel(x, y, Rgb(colour));
            }
        }
    }
}

/// A limb: a thick line between two places in pixels.
fn limb(onto: &mut RgbImage, from: (f32, f32), to: (f32, f32), thick: f32, colour: [u8; 3]) {
    for step in 0..=60 {
        let share = step as f32 / 60.0;
        let at = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
        ellipse(onto, at, (thick, thick), colour);
    }
}

/// How a figure stands and looks.
#[derive(Clone, Copy, Debug)]
pub struct Pose {
    /// Angles of the arms from hanging down, in degrees.
    pub arms: (f32, f32),
    /// How far the legs stand apart, in pixels.
    pub stride: f32,
    /// How far the head is turned, in pixels.
    pub turn: f32,
    /// How far the mouth is open, in pixels; below zero it frowns.
    pub mouth: f32,
    /// How far the eyes are open, in pixels.
    pub eyes: f32,
}

/// How it stands usually.
pub const STANDS: Pose = Pose { arms: (15.0, 15.0), stride: 45.0, turn: 0.0, mouth: 4.0, eyes: 9.0 };

/// A character: colours and build drawn from a seed.
pub struct Character {
    hair: [u8; 3],
    skin: [u8; 3],
    coat: [u8; 3],
    legs: [u8; 3],
    build: f32,
    locks: f32,
    seed: u64,
}

impl Character {
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed.wrapping_mul(77) + 5);
        let mut colour = |from: u8, to: u8| [rng.u8(from..to), rng.u8(from..to), rng.u8(from..to)];
        let (hair, skin, coat, legs) = (colour(10, 140), colour(140, 230), colour(20, 200), colour(10, 120));
        let (build, locks) = (rng.f32() * 40.0, rng.f32() * 140.0);
        Self { hair, skin, coat, legs, build, locks, seed }
    }

    /// Drawn onto a ground, `scale` 1 fills the picture's height nearly; `at` is where the middle of the face is.
    pub fn draw(&self, onto: &mut RgbImage, at: (f32, f32), scale: f32, pose: Pose) {
        let place = |x: f32, y: f32| (at.0 + x * scale, at.1 + y * scale);
        let shoulder = 100.0 + self.build;
        limb(onto, place(-30.0, 520.0), place(-pose.stride, 980.0), 38.0 * scale, self.legs);
        limb(onto, place(30.0, 520.0), place(pose.stride, 980.0), 38.0 * scale, self.legs);
        limb(onto, place(0.0, 190.0), place(0.0, 500.0), (75.0 + self.build) * scale, self.coat);
        for (side, angle) in [(-1.0f32, pose.arms.0), (1.0, pose.arms.1)] {
            let (sin, cos) = angle.to_radians().sin_cos();
            let hand = (side * (shoulder + 300.0 * sin), 170.0 + 300.0 * cos);
            limb(onto, place(side * shoulder, 170.0), place(hand.0, hand.1), 26.0 * scale, self.coat);
            ellipse(onto, place(hand.0, hand.1), (30.0 * scale, 30.0 * scale), self.skin);
        }
        ellipse(onto, place(0.0, -10.0), (110.0 * scale, 125.0 * scale), self.hair);
        for side in [-1.0, 1.0] {
            let length = self.locks + 30.0 * (side + 1.0);
            limb(onto, place(side * 95.0, 0.0), place(side * 95.0, length), 22.0 * scale, self.hair);
        }
        ellipse(onto, place(pose.turn, 15.0), (86.0 * scale, 102.0 * scale), self.skin);
        for side in [-1.0, 1.0] {
            let eye = place(pose.turn * 1.4 + side * 36.0, 0.0);
            ellipse(onto, eye, (13.0 * scale, pose.eyes.max(1.5) * scale), [30, 30, 40]);
        }
        let mouth = place(pose.turn * 1.4, 62.0 - pose.mouth.min(0.0));
        ellipse(onto, mouth, ((26.0 + pose.mouth) * scale, pose.mouth.abs().max(3.0) * scale), [150, 40, 50]);
        // Nobody is the same on both sides: a badge, a bag, and the light from the left.
        ellipse(onto, place(-40.0, 240.0), (26.0 * scale, 20.0 * scale), self.skin);
        ellipse(onto, place(110.0, 470.0), (46.0 * scale, 62.0 * scale), self.legs);
    }
}

/// A grain that every file has: a model never paints quite plainly.
fn grained(mut picture: RgbImage, seed: u64) -> RgbImage {
    let mut rng = Rng::with_seed(seed);
    for value in picture.iter_mut() {
        *value = value.saturating_add(rng.u8(0..4)).saturating_sub(rng.u8(0..4));
    }
    let width = picture.width();
    for (x, _, pixel) in picture.enumerate_pixels_mut() {
        // The ground stays plain: light falls on who stands there.
        if pixel.0.iter().any(|value| *value < 235) {
            let light = 1.15 - 0.3 * x as f32 / width as f32;
            pixel.0 = pixel.0.map(|value| (f32::from(value) * light).min(255.0) as u8);
        }
    }
    picture
}

/// On white, head to toe.
pub fn sheet(who: &Character, pose: Pose) -> RgbImage {
    let mut picture = RgbImage::from_pixel(SIZE.0, SIZE.1, Rgb([252, 252, 252]));
    who.draw(&mut picture, (416.0, 160.0), 0.96, pose);
    grained(picture, who.seed)
}

/// On white, cut off at the breast by the lower edge.
pub fn bust(who: &Character, pose: Pose) -> RgbImage {
    let mut picture = RgbImage::from_pixel(SIZE.0, SIZE.1, Rgb([246, 247, 250]));
    who.draw(&mut picture, (416.0, 480.0), 2.2, pose);
    grained(picture, who.seed)
}

/// In front of a place that fills the picture.
pub fn placed(who: &Character, pose: Pose, place: u64) -> RgbImage {
    let mut picture = photo(place + 9_000);
    who.draw(&mut picture, (416.0, 300.0), 0.85, pose);
    picture
}

/// Saved and read again as a JPEG.
pub fn jpeg(of: &RgbImage, quality: u8) -> RgbImage {
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(of).unwrap();
    image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).unwrap().into_rgb8()
}

/// Every colour times a factor.
pub fn brighter(of: &RgbImage, factor: f32) -> RgbImage {
    let mut picture = of.clone();
    picture.iter_mut().for_each(|value| *value = (f32::from(*value) * factor).min(255.0) as u8);
    picture
}

/// Cut by these shares of the sides: left, top, right, bottom.
pub fn cropped(of: &RgbImage, shares: [f32; 4]) -> RgbImage {
    let (width, height) = (of.width() as f32, of.height() as f32);
    let (left, top) = ((width * shares[0]).round() as u32, (height * shares[1]).round() as u32);
    let right = of.width() - (width * shares[2]).round() as u32;
    let bottom = of.height() - (height * shares[3]).round() as u32;
    imageops::crop_imm(of, left, top, right - left, bottom - top).to_image()
}

/// Moved by shares of the sides; what comes in repeats the edge.
pub fn shifted(of: &RgbImage, right: f32, down: f32) -> RgbImage {
    let (width, height) = of.dimensions();
    let by = ((width as f32 * right) as i64, (height as f32 * down) as i64);
    RgbImage::from_fn(width, height, |x, y| {
        let from = |at: u32, by: i64, side: u32| (i64::from(at) - by).clamp(0, i64::from(side) - 1) as u32;
        *of.get_pixel(from(x, by.0, width), from(y, by.1, height))
    })
}

/// In another size.
pub fn resized(of: &RgbImage, share: f32) -> RgbImage {
    let side = |side: u32| (side as f32 * share) as u32;
    DynamicImage::from(of.clone()).resize_exact(side(of.width()), side(of.height()), FilterType::Lanczos3).into_rgb8()
}

/// With a box of text in the lower right corner.
pub fn stamped(of: &RgbImage) -> RgbImage {
    let mut picture = of.clone();
    let (width, height) = picture.dimensions();
    for y in height * 92 / 100..height * 97 / 100 {
        for x in width * 70 / 100..width * 96 / 100 {
            let ink = (x / 9 + y / 13) % 2 == 0;
            picture.put_pixel(x, y, if ink { Rgb([20, 20, 20]) } else { Rgb([235, 235, 235]) });
        }
    }
    picture
}
