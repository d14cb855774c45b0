//! Sharpness: how much fine detail a picture has for its contrast; and how much contrast.

use image::RgbImage;

use crate::plane::{Plane, luma};

/// Variance of the Laplacian of brightness as a share of the variance of brightness (Pech-Pacheco et al., 2000). Compared only
/// between pictures of the same thing in about the same size: a wall has less than a wood, however sharp. 0: nothing is to be seen.
pub fn sharpness(pixels: &RgbImage) -> f32 {
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    if width < 3 || height < 3 {
        return 0.0;
    }
    let light: Vec<i32> = pixels.as_raw().as_chunks::<3>().0.iter().map(|pixel| luma(*pixel) as i32 >> 8).collect();
    let mut laplacian = Spread::default();
    let mut brightness = Spread::default();
    for y in 1..height - 1 {
        let row = |y: usize| &light[y * width..][..width];
        let (above, here, below) = (row(y - 1), row(y), row(y + 1));
        for x in 1..width - 1 {
            laplacian.add(above[x] + below[x] + here[x - 1] + here[x + 1] - 4 * here[x]);
            brightness.add(here[x]);
        }
    }
    (laplacian.variance() / brightness.variance().max(1.0)) as f32
}

/// Standard deviation of brightness, 0..=127.5: what is black, white or a fade has hardly any.
pub fn deviation(pixels: &RgbImage) -> f32 {
    Plane::of(pixels).deviation()
}

/// Sums from which a variance follows.
#[derive(Default)]
struct Spread {
    count: u64,
    sum: i64,
    squares: i64,
}

impl Spread {
    fn add(&mut self, value: i32) {
        self.count += 1;
        self.sum += i64::from(value);
        self.squares += i64::from(value) * i64::from(value);
    }

    fn variance(&self) -> f64 {
        let count = self.count.max(1) as f64;
        let mean = self.sum as f64 / count;
        (self.squares as f64 / count - mean * mean).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, imageops};

    use super::*;

    #[test]
    fn what_is_blurred_is_less_sharp_in_any_light() {
        let mut rng = fastrand::Rng::with_seed(1);
        let sharp = RgbImage::from_fn(300, 300, |_, _| Rgb([rng.u8(..); 3]));
        let blurred = imageops::blur(&sharp, 2.0);
        let dark = RgbImage::from_fn(300, 300, |x, y| Rgb(sharp.get_pixel(x, y).0.map(|value| value / 3)));
        assert!(sharpness(&sharp) > 5.0 * sharpness(&blurred));
        assert!((sharpness(&sharp) / sharpness(&dark) - 1.0).abs() < 0.05, "light changes nothing");
        let plain = RgbImage::from_pixel(300, 300, Rgb([90; 3]));
        assert!(sharpness(&plain) < 0.01 && deviation(&plain) < 0.01 && deviation(&sharp) > 20.0);
    }
}
