//! Layer: a picture with transparency, as premultiplied bt709 planes that can be sampled between pixels.

use image::{RgbaImage, imageops};

/// Blocks of this many pixels know whether they are empty, solid or neither.
const BLOCK: usize = 16;
/// Weights of neighbours are in 128ths, so that a weighted byte fits 16 bits.
const ONE: u16 = 128;

/// What a part of a layer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    /// Nothing: all of what is behind shows.
    Empty,
    /// Some of what is behind shows.
    Mixed,
    /// Nothing of what is behind shows.
    Solid,
}

/// One plane of a layer.
#[derive(Debug)]
pub struct Plane {
    width: usize,
    height: usize,
    data: Vec<u8>,
}

/// A layer of the animatic.
#[derive(Debug)]
pub struct Layer {
    /// How strongly it follows the camera.
    pub depth: f64,
    /// Pixels across; even.
    pub width: usize,
    /// Pixels down; even.
    pub height: usize,
    /// Y, U, V, premultiplied, limited range.
    pub colour: [Plane; 3],
    /// How opaque: full size, and half size for the chroma planes.
    pub alpha: [Plane; 2],
    cover: Vec<Cover>,
    blocks_across: usize,
}

impl Layer {
    /// From a picture, scaled to `width` x `height` (both even) so that it covers them.
    #[expect(clippy::many_single_char_names, reason = "places and the parts of a colour")]
    pub fn new(picture: RgbaImage, depth: f32, width: usize, height: usize) -> Self {
        let picture = covering(picture, width as u32, height as u32);
        let mut luma = vec![0; width * height];
        let mut alpha = vec![0; width * height];
        let (half_w, half_h) = (width / 2, height / 2);
        let mut sums = vec![[0.0f32; 3]; half_w * half_h];
        for (index, pixel) in picture.pixels().enumerate() {
            let (x, y) = (index % width, index / width);
            let [r, g, b, a] = pixel.0.map(f32::from);
            let share = a / 255.0;
            // ITU-R BT.709, limited range.
            let bright = 0.2126 * r + 0.7152 * g + 0.0722 * b;
            luma[index] = (share * (16.0 + bright * 219.0 / 255.0)).round() as u8;
            alpha[index] = pixel.0[3];
            let sum = &mut sums[(y / 2) * half_w + x / 2];
            sum[0] += share * (128.0 + (b - bright) / 1.8556 * 224.0 / 255.0);
            sum[1] += share * (128.0 + (r - bright) / 1.5748 * 224.0 / 255.0);
            sum[2] += a;
        }
        let halved = |part: usize| sums.iter().map(|sum| (sum[part] / 4.0).round() as u8).collect();
        let (cover, blocks_across) = covers(&alpha, width, height);
        let full = |data| Plane { width, height, data };
        let half = |data| Plane { width: half_w, height: half_h, data };
        Self {
            depth: f64::from(depth),
            width,
            height,
            colour: [full(luma), half(halved(0)), half(halved(1))],
            alpha: [full(alpha), half(halved(2))],
            cover,
            blocks_across,
        }
    }

    /// What the pixels of the columns `x` and the rows `y` (both inclusive) hold, with the neighbours that the
    /// coarser chroma planes reach.
    pub fn cover(&self, x: (usize, usize), y: (usize, usize)) -> Cover {
        let wider = |reach: (usize, usize), side: usize| (reach.0.saturating_sub(2), (reach.1 + 2).min(side - 1));
        let (x, y) = (wider(x, self.width), wider(y, self.height));
        let mut seen = None;
        for row in y.0 / BLOCK..=y.1 / BLOCK {
            for column in x.0 / BLOCK..=x.1 / BLOCK {
                let cover = self.cover[row * self.blocks_across + column];
                if cover == Cover::Mixed || seen.is_some_and(|seen| seen != cover) {
                    return Cover::Mixed;
                }
                seen = Some(cover);
            }
        }
        seen.unwrap_or(Cover::Empty)
    }
}

/// Scales and crops the middle, so that the whole of `width` x `height` is covered.
fn covering(picture: RgbaImage, width: u32, height: u32) -> RgbaImage {
    let (w, h) = picture.dimensions();
    if (w, h) == (width, height) {
        return picture;
    }
    let scale = (f64::from(width) / f64::from(w)).max(f64::from(height) / f64::from(h));
    let grown = |side: u32, least: u32| ((f64::from(side) * scale).round() as u32).max(least);
    let (gw, gh) = (grown(w, width), grown(h, height));
    let scaled = imageops::resize(&picture, gw, gh, imageops::FilterType::CatmullRom);
    imageops::crop_imm(&scaled, (gw - width) / 2, (gh - height) / 2, width, height).to_image()
}

fn covers(alpha: &[u8], width: usize, height: usize) -> (Vec<Cover>, usize) {
    let (across, down) = (width.div_ceil(BLOCK), height.div_ceil(BLOCK));
    let mut cover = Vec::with_capacity(across * down);
    for row in 0..down {
        for column in 0..across {
            let from = column * BLOCK;
            let to = (from + BLOCK).min(width);
            let lines = row * BLOCK..((row + 1) * BLOCK).min(height);
            let (mut low, mut high) = (255, 0);
            for line in lines {
                for value in &alpha[line * width + from..line * width + to] {
                    low = low.min(*value);
                    high = high.max(*value);
                }
            }
            cover.push(match (low, high) {
                (255, _) => Cover::Solid,
                (_, 0) => Cover::Empty,
                _ => Cover::Mixed,
            });
        }
    }
    (cover, across)
}

/// Where the pixels of one side of the picture come from in a plane.
#[derive(Debug, Default)]
pub struct Axis {
    first: Vec<u32>,
    weight: Vec<u16>,
    /// Stretches in which each pixel comes from the one after: start in the picture, start in the plane, length.
    runs: Vec<(usize, usize, usize)>,
}

impl Axis {
    /// For `count` pixels of the picture out of `side` pixels of a plane: the middle of the picture is `middle` in
    /// the plane, and one pixel of the picture is `step` there. Beyond the edge the edge goes on.
    pub fn new(count: usize, side: usize, middle: f64, step: f64) -> Self {
        let mut axis = Self { first: Vec::with_capacity(count), weight: Vec::with_capacity(count), runs: Vec::new() };
        for out in 0..count {
            let at = middle + (out as f64 + 0.5 - count as f64 / 2.0) * step - 0.5;
            let at = at.clamp(0.0, (side - 1) as f64);
            let first = (at as usize).min(side.saturating_sub(2));
            axis.first.push(first as u32);
            axis.weight.push(((at - first as f64) * f64::from(ONE)).round() as u16);
            match axis.runs.last_mut() {
                Some((start, from, length)) if *from + out - *start == first => *length += 1,
                _ => axis.runs.push((out, first, 1)),
            }
        }
        axis
    }

    /// The first and the last pixel of the plane that the pixels `from..to` need.
    pub fn reach(&self, from: usize, to: usize) -> (usize, usize) {
        (self.first[from] as usize, self.first[to - 1] as usize + 1)
    }
}

/// A value between two neighbours; sixteen bits suffice, so that many are made at once.
fn between(near: u8, next: u8, weight: u16) -> u8 {
    ((u16::from(near) * (ONE - weight) + u16::from(next) * weight + ONE / 2) >> 7) as u8
}

/// Rows of a plane, already sampled across.
#[derive(Debug, Default)]
pub struct Rows {
    rows: [Vec<u8>; 2],
    holds: [usize; 2],
}

impl Rows {
    /// Samples the pixels `x` of the rows `y` of the picture out of a plane into `out`, whose rows are `stride` apart.
    pub fn sample(
        &mut self,
        plane: &Plane,
        axes: (&Axis, &Axis),
        x: (usize, usize),
        y: (usize, usize),
        out: &mut [u8],
        stride: usize,
    ) {
        self.holds = [usize::MAX; 2];
        let wide = x.1 - x.0;
        for (line, out) in (y.0..y.1).zip(out.chunks_mut(stride)) {
            let first = axes.1.first[line] as usize;
            for row in [first, (first + 1).min(plane.height - 1)] {
                if self.holds[row & 1] != row {
                    self.weigh(plane, axes.0, x, row);
                }
            }
            let (above, below) =
                (&self.rows[first & 1][..wide], &self.rows[(first + 1).min(plane.height - 1) & 1][..wide]);
            let weight = axes.1.weight[line];
            for ((out, a), b) in out[..wide].iter_mut().zip(above).zip(below) {
                *out = between(*a, *b, weight);
            }
        }
    }

    fn weigh(&mut self, plane: &Plane, axis: &Axis, x: (usize, usize), row: usize) {
        self.holds[row & 1] = row;
        let source = &plane.data[row * plane.width..(row + 1) * plane.width];
        let target = &mut self.rows[row & 1];
        target.resize(x.1 - x.0, 0);
        let begin = axis.runs.partition_point(|(start, _, length)| start + length <= x.0);
        for (start, from, length) in &axis.runs[begin..] {
            if *start >= x.1 {
                break;
            }
            let (low, high) = ((*start).max(x.0), (start + length).min(x.1));
            let at = from + low - start;
            let next = (at + 1).min(plane.width - 1);
            let count = high - low;
            let out = target[low - x.0..high - x.0].iter_mut();
            let weights = &axis.weight[low..high];
            for (((out, a), b), weight) in out.zip(&source[at..at + count]).zip(&source[next..]).zip(weights) {
                *out = between(*a, *b, *weight);
            }
        }
    }
}

/// Lays a premultiplied stretch over another.
pub fn over(below: &mut [u8], above: &[u8], alpha: &[u8]) {
    for ((below, above), alpha) in below.iter_mut().zip(above).zip(alpha) {
        let alpha = u16::from(*alpha);
        let rest = 256 - alpha - (alpha >> 7);
        *below = (((u16::from(*below) * rest + 128) >> 8) as u8).saturating_add(*above);
    }
}
