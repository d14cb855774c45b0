//! Measure: what can be said of a take without understanding it, each with the number behind the score.
//!
//! Only luma is looked at, in the range of video (16 black, 235 white). The thresholds are set so that flat draft
//! panels and night scenes are fine: dark is not black, and few edges are not blur.

use std::path::Path;

use gstreamer_video::prelude::*;
use image::GrayImage;
use image_hasher::{HashAlg, HasherConfig};
use studio_core::{
    failure::FailureKind,
    media::{MeasurePlan, MediaResult},
    take::{Mark, MarkName},
    units::{Score, Size},
};

use crate::{
    MediaError, pipeline,
    reader::VideoReader,
    source::{self, Kind},
};

/// Mean luma below which a picture without contrast is black.
const BLACK_MEAN: f64 = 20.0;
/// Standard deviation of luma below which there is no contrast.
const BLACK_CONTRAST: f64 = 5.0;
/// Standard deviation of luma at which a picture of a dataset shows nothing, and from which it shows enough.
const NOTHING_SHOWN: (f64, f64) = (3.0, 12.0);
/// Luma from which a pixel is white, as paper is.
const WHITE: u8 = 222;
/// Mean difference to the picture before, below which nothing moved.
const FROZEN_DIFFERENCE: f64 = 0.04;
/// Share of other colours at the end at which a chain is lost, and up to which nobody sees it.
const DRIFT: (f64, f64) = (0.7, 0.35);
/// A jump of the mean luma that can be seen as a flash.
const FLASH: f64 = 4.0;
/// Height at which sharpness is compared: a picture twice as high has half as many edges per pixel.
const SHARPNESS_HEIGHT: f64 = 480.0;

/// Measures a clip or a still.
pub fn run(plan: &MeasurePlan, progress: &mut dyn FnMut(f64)) -> Result<MediaResult, MediaError> {
    let reference = plan.reference.as_deref().map(still).transpose()?;
    let anchor = plan.anchor.as_deref().or(plan.reference.as_deref()).map(look_of).transpose()?;
    let mut meter = Meter { anchor, dataset: plan.dataset, ..Meter::default() };
    match source::kind_of(&plan.input)? {
        Kind::Picture(_) => {
            let picture = still(&plan.input)?;
            meter.push(&picture, picture.width() as usize, picture.height() as usize, picture.width() as usize);
        }
        _ => film(plan, &mut meter, progress)?,
    }
    if meter.frames() == 0 {
        return Err(MediaError::new(
            FailureKind::BadInput,
            format!("{}: there are no pictures in it", plan.input.display()),
        ));
    }
    progress(1.0);
    Ok(MediaResult::Measure { marks: meter.finish(plan, reference.as_ref()) })
}

fn film(plan: &MeasurePlan, meter: &mut Meter, progress: &mut dyn FnMut(f64)) -> Result<(), MediaError> {
    pipeline::init()?;
    let mut reader = VideoReader::open(&plan.input, None)?;
    while let Some(picture) = reader.next_picture()? {
        let broken = || MediaError::new(FailureKind::Transient, format!("failed to look at {}", plan.input.display()));
        let caps = picture.sample.caps().ok_or_else(broken)?;
        let info = gstreamer_video::VideoInfo::from_caps(caps).map_err(|_| broken())?;
        let buffer = picture.sample.buffer().ok_or_else(broken)?;
        let frame = gstreamer_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info).map_err(|_| broken())?;
        let luma = frame.plane_data(0).map_err(|_| broken())?;
        meter.rate = (info.fps().numer() > 0).then(|| f64::from(info.fps().numer()) / f64::from(info.fps().denom()));
        meter.push(luma, frame.width() as usize, frame.height() as usize, frame.plane_stride()[0] as usize);
        if let (Ok(blue), Ok(red), Some(_)) = (frame.plane_data(1), frame.plane_data(2), &meter.anchor) {
            let (stride, width) = (frame.plane_stride()[1] as usize, frame.width().div_ceil(2) as usize);
            meter.colours = Colours::of_planes(blue, red, width, stride);
        }
        if let Some(expected) = plan.expected.filter(|expected| expected.frames.0 > 0) {
            progress((meter.frames() as f64 / expected.frames.0 as f64).min(0.99));
        }
    }
    Ok(())
}

/// A still as luma in the range of video (BT.709).
fn still(path: &Path) -> Result<GrayImage, MediaError> {
    source::open(path)?;
    let unreadable = |error: String| {
        MediaError::new(FailureKind::BadInput, format!("{}: cannot be decoded: {error}", path.display()))
    };
    let reader = image::ImageReader::open(path).and_then(image::ImageReader::with_guessed_format);
    let picture = reader
        .map_err(|error| unreadable(error.to_string()))?
        .decode()
        .map_err(|error| unreadable(error.to_string()))?;
    let rgb = picture.to_rgb8();
    let luma = |[r, g, b]: [u8; 3]| {
        let full = 0.2126 * f32::from(r) + 0.7152 * f32::from(g) + 0.0722 * f32::from(b);
        (16.0 + full * 219.0 / 255.0).round() as u8
    };
    let gray = rgb.pixels().map(|pixel| luma(pixel.0)).collect();
    GrayImage::from_raw(rgb.width(), rgb.height(), gray).ok_or_else(|| unreadable("it has no pixels".to_owned()))
}

/// What a picture's colours and edges are, to see whether a chain of shots drifts away from where it began.
fn look_of(path: &Path) -> Result<Look, MediaError> {
    let gray = still(path)?;
    let unreadable = |error: image::ImageError| {
        MediaError::new(FailureKind::BadInput, format!("{}: cannot be decoded: {error}", path.display()))
    };
    let rgb = image::open(path).map_err(unreadable)?.to_rgb8();
    let sharpness = Seen::of(gray.as_raw(), gray.width() as usize, gray.height() as usize).sharpness;
    Ok(Look { colours: Colours::of_rgb(&rgb), sharpness })
}

/// The picture a chain of shots began with.
#[derive(Debug, Default)]
struct Look {
    colours: Colours,
    sharpness: f64,
}

/// How often each hue and saturation occurs: shares of the cells of a coarse grid of blue and red differences. It is
/// the same wherever things are in the picture, so what moves does not change it.
#[derive(Debug, Clone, Default)]
struct Colours(Vec<f32>);

impl Colours {
    /// Cells per side; each is as wide as people need to see a difference.
    const SIDE: usize = 12;

    fn of(pairs: impl Iterator<Item = (u8, u8)>) -> Self {
        let (mut cells, mut count) = (vec![0f32; Self::SIDE * Self::SIDE], 0f32);
        for (blue, red) in pairs {
            let cell = |value: u8| usize::from(value) * Self::SIDE / 256;
            cells[cell(blue) * Self::SIDE + cell(red)] += 1.0;
            count += 1.0;
        }
        for cell in &mut cells {
            *cell /= count.max(1.0);
        }
        Self(cells)
    }

    fn of_planes(blue: &[u8], red: &[u8], width: usize, stride: usize) -> Self {
        let row =
            |plane: &[u8]| plane.chunks(stride.max(1)).flat_map(|row| &row[..width.min(row.len())]).copied().collect();
        let (blue, red): (Vec<u8>, Vec<u8>) = (row(blue), row(red));
        // Every third pixel says as much as all of them.
        Self::of(blue.into_iter().zip(red).step_by(3))
    }

    /// BT.709, in the range of video.
    fn of_rgb(picture: &image::RgbImage) -> Self {
        Self::of(picture.pixels().step_by(3).map(|pixel| {
            let [r, g, b] = pixel.0.map(|channel| f32::from(channel) * 224.0 / 255.0);
            let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
            ((128.0 + (b - luma) / 1.8556) as u8, (128.0 + (r - luma) / 1.5748) as u8)
        }))
    }

    /// 0 for the same colours, 1 for none in common (one minus the histograms' intersection, softened by the
    /// neighbours of each cell so that a hue beside a border is no other hue).
    fn distance(&self, other: &Self) -> f64 {
        if self.0.is_empty() || other.0.is_empty() {
            return 0.0;
        }
        let (one, two) = (self.softened(), other.softened());
        1.0 - one.iter().zip(&two).map(|(a, b)| f64::from(a.min(*b))).sum::<f64>()
    }

    fn softened(&self) -> Vec<f32> {
        let side = Self::SIDE as i32;
        let at = |x: i32, y: i32| self.0[(y.clamp(0, side - 1) * side + x.clamp(0, side - 1)) as usize];
        let cell = |n: i32| {
            let (x, y) = (n % side, n / side);
            (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy))).map(|(dx, dy)| at(x + dx, y + dy)).sum::<f32>()
                / 9.0
        };
        (0..side * side).map(cell).collect()
    }
}

/// Looks at pictures one after the other and remembers only numbers, the first and the last picture.
#[derive(Debug, Default)]
pub struct Meter {
    first: Option<GrayImage>,
    previous: Vec<u8>,
    size: Option<(usize, usize)>,
    frames: u64,
    black: u64,
    compared: u64,
    frozen: u64,
    means: Vec<f64>,
    sharpness: Vec<f64>,
    clipped: f64,
    contrasts: Vec<f64>,
    /// White around what is shown is no fault, and showing nothing is one.
    dataset: bool,
    /// The clip's own pictures per second, when it is constant.
    rate: Option<f64>,
    /// What a chain began with.
    anchor: Option<Look>,
    /// Colours of the last picture.
    colours: Colours,
}

impl Meter {
    /// How many pictures were looked at.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Looks at the next picture: `height` rows of `width` luma bytes, each row `stride` bytes after the one before.
    ///
    /// A picture that is empty or has fewer bytes than that is not counted.
    pub fn push(&mut self, luma: &[u8], width: usize, height: usize, stride: usize) {
        if width == 0 || height == 0 || stride < width || luma.len() < stride * (height - 1) + width {
            return;
        }
        let tight: Vec<u8> = luma.chunks(stride).take(height).flat_map(|row| &row[..width]).copied().collect();
        let seen = Seen::of(&tight, width, height);
        self.frames += 1;
        self.black += u64::from(seen.mean < BLACK_MEAN && seen.contrast < BLACK_CONTRAST);
        let (mean, clipped) = if self.dataset { before_white(&tight) } else { (seen.mean, seen.clipped) };
        self.clipped += clipped;
        self.means.push(mean);
        self.contrasts.push(seen.contrast);
        self.sharpness.push(seen.sharpness);
        if self.size == Some((width, height)) {
            let sum: u64 = tight.iter().zip(&self.previous).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            self.compared += 1;
            self.frozen += u64::from((sum as f64 / tight.len() as f64) < FROZEN_DIFFERENCE);
        }
        if self.first.is_none() {
            self.first = GrayImage::from_raw(width as u32, height as u32, tight.clone());
        }
        self.size = Some((width, height));
        self.previous = tight;
    }

    /// The marks of everything seen; none when nothing was. Length and size only when something was ordered,
    /// likeness only with a reference, movement only for more than one picture.
    pub fn finish(mut self, plan: &MeasurePlan, reference: Option<&GrayImage>) -> Vec<Mark> {
        if self.frames == 0 {
            return Vec::new();
        }
        let frames = self.frames as f64;
        let black = self.black as f64 / frames;
        let mut marks = vec![mark(MarkName::Black, ramp(black, 0.6, 0.1), black, "share of frames")];
        if self.dataset {
            let contrast = self.contrasts.iter().sum::<f64>() / frames;
            let (nothing, something) = NOTHING_SHOWN;
            marks.push(mark(
                MarkName::Contrast,
                ramp(contrast, nothing, something),
                contrast,
                "standard deviation of luma",
            ));
        }
        if self.compared > 0 && !plan.may_stand_still {
            let frozen = self.frozen as f64 / self.compared as f64;
            marks.push(mark(MarkName::Frozen, ramp(frozen, 0.9, 0.25), frozen, "share of frames"));
        }
        let last_sharpness = self.sharpness.last().copied().unwrap_or(0.0);
        marks.push(self.blur());
        marks.push(self.exposure());
        if self.means.len() > 2 {
            let flicker = flashes(&self.means) as f64 / (self.means.len() - 2) as f64;
            marks.push(mark(MarkName::Flicker, ramp(flicker, 0.3, 0.02), flicker, "share of frames"));
        }
        if let Some(expected) = plan.expected {
            // A model's rate is its own: what counts is how many pictures it makes at the film's.
            let own = self.rate.map_or(frames, |rate| frames / rate * expected.fps.as_f64());
            let missing = expected.frames.0 as f64 - own;
            let missing = if expected.may_be_longer { missing.max(0.0) } else { missing.abs() };
            let off = missing / (expected.frames.0 as f64).max(1.0);
            // A tenth off is the most that can be held or cut without being seen.
            let score = if off > 0.1 { 0.0 } else { 1.0 - 6.0 * off };
            marks.push(mark(MarkName::Length, score, own, "frames"));
            marks.extend(self.shape(expected.size));
        }
        if let (Some(reference), Some(first)) = (reference, &self.first) {
            let distance = distance(first, reference);
            marks.push(mark(MarkName::Likeness, ramp(distance, 0.48, 0.25), distance, "hash distance, 0 to 1"));
        }
        if let Some(anchor) = self.anchor.as_ref().filter(|_| !self.colours.0.is_empty()) {
            let drift = self.colours.distance(&anchor.colours);
            // A tenth of the edges is a blur that the next shot would start from.
            let lost = (last_sharpness.max(1e-9) / anchor.sharpness.max(1e-9)).log10();
            let score = ramp(drift, DRIFT.0, DRIFT.1).min(ramp(lost, -1.8, -0.9));
            marks.push(mark(MarkName::Drift, score, drift, "share of other colours"));
        }
        marks
    }

    /// The median, so that a fade or one soft picture does not decide.
    fn blur(&mut self) -> Mark {
        self.sharpness.sort_by(f64::total_cmp);
        let median = self.sharpness[self.sharpness.len() / 2];
        // Sharpness spans decades: a blur of 3 pixels takes it down to a hundredth.
        let score = ramp(median.max(1e-9).log10(), -3.3, -2.0);
        mark(MarkName::Blur, score, median, "edge energy per contrast")
    }

    fn exposure(&self) -> Mark {
        let mean = self.means.iter().sum::<f64>() / self.means.len() as f64;
        let clipped = self.clipped / self.frames as f64;
        let score = ramp(mean, 16.5, 32.0).min(ramp(mean, 234.0, 215.0)).min(ramp(clipped, 1.0, 0.5));
        mark(MarkName::Exposure, score, mean, "mean luma, 16 to 235")
    }

    fn shape(&self, wanted: Size) -> Option<Mark> {
        let (width, height) = self.size?;
        let (wide, high) = (width as f64 / f64::from(wanted.width), height as f64 / f64::from(wanted.height));
        // Another shape gets black bars, fewer pixels are scaled up; both can be seen.
        let bars = (wide / high).max(high / wide) - 1.0;
        let score = ramp(bars, 0.8, 0.02).min(ramp(wide.min(high), 0.1, 0.5));
        Some(mark(MarkName::Size, score, wide.min(high), "share of the ordered size"))
    }
}

/// The numbers of one picture.
struct Seen {
    mean: f64,
    contrast: f64,
    clipped: f64,
    sharpness: f64,
}

impl Seen {
    fn of(luma: &[u8], width: usize, height: usize) -> Self {
        let (mut sum, mut squares, mut clipped) = (0u64, 0u64, 0u64);
        for value in luma {
            sum += u64::from(*value);
            squares += u64::from(*value) * u64::from(*value);
            clipped += u64::from(*value <= 16 || *value >= 235);
        }
        let count = luma.len() as f64;
        let mean = sum as f64 / count;
        let variance = (squares as f64 / count - mean * mean).max(0.0);
        let edges = laplacian_variance(luma, width, height);
        // By the contrast, so that night is not blur; half a step of rounding is no contrast.
        let sharpness = edges / (variance + 0.5) * height as f64 / SHARPNESS_HEIGHT;
        Self { mean, contrast: variance.sqrt(), clipped: clipped as f64 / count, sharpness }
    }
}

/// Mean luma, and the share of what is lost at the ends, of what stands before white. A picture that is all white is as
/// bright as it is: nothing stands before it.
fn before_white(luma: &[u8]) -> (f64, f64) {
    let (mut sum, mut count, mut lost) = (0u64, 0u64, 0u64);
    for value in luma.iter().filter(|value| **value < WHITE) {
        sum += u64::from(*value);
        count += 1;
        lost += u64::from(*value <= 16);
    }
    if count == 0 { (235.0, 1.0) } else { (sum as f64 / count as f64, lost as f64 / count as f64) }
}

/// Variance of the Laplacian, the common measure of sharpness
/// (Pertuz, Puig, Garcia, "Analysis of focus measure operators", 2013).
fn laplacian_variance(luma: &[u8], width: usize, height: usize) -> f64 {
    if width < 3 || height < 3 {
        return 0.0;
    }
    let (mut sum, mut squares) = (0i64, 0u64);
    for y in 1..height - 1 {
        let row = |y: usize| &luma[y * width..(y + 1) * width];
        let (above, here, below) = (row(y - 1), row(y), row(y + 1));
        for (x, three) in here.windows(3).enumerate() {
            let around = i32::from(three[0]) + i32::from(three[2]) + i32::from(above[x + 1]) + i32::from(below[x + 1]);
            let edge = 4 * i32::from(three[1]) - around;
            sum += i64::from(edge);
            squares += u64::from(edge.unsigned_abs() * edge.unsigned_abs());
        }
    }
    let count = ((width - 2) * (height - 2)) as f64;
    squares as f64 / count - (sum as f64 / count).powi(2)
}

/// How often the brightness jumps up and at once down again, or the other way round.
fn flashes(means: &[f64]) -> usize {
    let flash = |three: &&[f64]| {
        let (up, down) = (three[1] - three[0], three[2] - three[1]);
        up.abs() > FLASH && down.abs() > FLASH && (up > 0.0) != (down > 0.0)
    };
    means.windows(3).filter(flash).count()
}

/// Share of the bits in which two perceptual hashes differ: 0 the same picture, about 0.5 unrelated ones.
fn distance(one: &GrayImage, other: &GrayImage) -> f64 {
    const SIDE: u32 = 8;
    let hasher = HasherConfig::new().hash_size(SIDE, SIDE).hash_alg(HashAlg::Median).preproc_dct().to_hasher();
    f64::from(hasher.hash_image(one).dist(&hasher.hash_image(other))) / f64::from(SIDE * SIDE)
}

/// From 0 at `bad` to 1 at `good`, straight in between.
fn ramp(value: f64, bad: f64, good: f64) -> f64 {
    ((value - bad) / (good - bad)).clamp(0.0, 1.0)
}

fn mark(name: MarkName, score: f64, measured: f64, unit: &str) -> Mark {
    Mark { name, score: Score::from_fraction(score), measured, unit: unit.to_owned() }
}
