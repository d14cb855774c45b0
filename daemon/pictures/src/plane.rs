//! Plane: the brightness of a picture, shrunk so that any part of it is averaged in no time.

use std::ops::AddAssign;

use image::{GrayImage, RgbImage};

/// Cells a side has at least, as far as the picture has as many pixels: fine enough for the smallest part that is hashed.
const CELLS: u32 = 256;
/// Steps of a cell per step of brightness: an average is finer than what it is made of.
const STEPS: u32 = 16;

/// Brightness in cells of a few pixels each.
pub struct Plane {
    /// Cells in a row, the last one perhaps narrower.
    columns: usize,
    /// Cells in a column, the last one perhaps lower.
    rows: usize,
    /// Width and height in cells; broken, because the last cell of a row need not be whole.
    extent: (f32, f32),
    /// Brightness of each cell, row by row, 0..=255 × [`STEPS`].
    cells: Vec<u16>,
    /// Sum of all cells above and left of each corner, `columns + 1` in a row.
    sums: Vec<u32>,
}

/// A part of a plane in cells from its left upper corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

impl Area {
    /// What is left when this share of it is cut from each side.
    pub fn cut(self, share: f32) -> Self {
        let (width, height) = (self.right - self.left, self.bottom - self.top);
        Self {
            left: self.left + share * width,
            top: self.top + share * height,
            right: self.right - share * width,
            bottom: self.bottom - share * height,
        }
    }
}

impl Plane {
    /// The plane of a picture; 256 to 511 cells a side.
    pub fn of(pixels: &RgbImage) -> Self {
        let (width, height) = (pixels.width() as usize, pixels.height() as usize);
        let step = |side: usize| (side / CELLS as usize).max(1);
        let (wide, high) = (step(width), step(height));
        let (columns, rows) = (width.div_ceil(wide), height.div_ceil(high));
        let mut cells = Vec::with_capacity(columns * rows);
        // In sixteen bits as far as they hold the sum of so many rows, which is as far as pictures go.
        if u8::try_from(high).is_ok() {
            bands::<u16>(pixels, (wide, high), &mut cells);
        } else {
            bands::<u32>(pixels, (wide, high), &mut cells);
        }
        let extent = (width as f32 / wide as f32, height as f32 / high as f32);
        let sums = summed(&cells, columns);
        Self { columns, rows, extent, cells, sums }
    }

    /// All of it.
    pub fn whole(&self) -> Area {
        Area { left: 0.0, top: 0.0, right: self.extent.0, bottom: self.extent.1 }
    }

    /// An area in ten-thousandths of the picture: left, top, right, bottom.
    pub fn shares(&self, area: Area) -> [u16; 4] {
        let share = |at: f32, of: f32| (at / of * 10_000.0).round().clamp(0.0, 10_000.0) as u16;
        let (width, height) = self.extent;
        [share(area.left, width), share(area.top, height), share(area.right, width), share(area.bottom, height)]
    }

    /// Standard deviation of the brightness, 0..=127.5.
    pub fn deviation(&self) -> f32 {
        let count = self.cells.len().max(1) as f64;
        let sum: u64 = self.cells.iter().map(|cell| u64::from(*cell)).sum();
        let squares: u64 = self.cells.iter().map(|cell| u64::from(*cell) * u64::from(*cell)).sum();
        let mean = sum as f64 / count;
        ((squares as f64 / count - mean * mean).max(0.0).sqrt() / f64::from(STEPS)) as f32
    }

    /// What is left of an area when the plain ground around it is cut away: rows and columns at the edges whose brightness is
    /// within `tolerance` (of 255) of the ground's. All of it, when it stands on no plain ground.
    pub fn subject(&self, within: Area, tolerance: f32) -> Area {
        let (first, last) = (within.left as usize, (within.right.ceil() as usize).clamp(1, self.columns) - 1);
        let (upper, lower) = (within.top as usize, (within.bottom.ceil() as usize).clamp(1, self.rows) - 1);
        let ground = self.ground((first, last), (upper, lower));
        let tolerance = (tolerance * STEPS as f32) as u16;
        let other = |x: usize, y: usize| self.cells[y * self.columns + x].abs_diff(ground) > tolerance;
        let row = |y: &usize| (first..=last).any(|x| other(x, *y));
        let (Some(top), Some(bottom)) = ((upper..=lower).find(row), (upper..=lower).rfind(row)) else {
            return within;
        };
        let column = |x: &usize| (top..=bottom).any(|y| other(*x, y));
        let (Some(left), Some(right)) = ((first..=last).find(column), (first..=last).rfind(column)) else {
            return within;
        };
        Area {
            left: within.left.max(left as f32),
            top: within.top.max(top as f32),
            right: within.right.min((right + 1) as f32),
            bottom: within.bottom.min((bottom + 1) as f32),
        }
    }

    /// The brightness that most of the upper edge and of the upper part of both sides has: a portrait touches the lower.
    fn ground(&self, columns: (usize, usize), rows: (usize, usize)) -> u16 {
        let cell = |x: usize, y: usize| self.cells[y * self.columns + x];
        let side = |x: usize| (rows.0..=rows.0 + (rows.1 - rows.0) * 3 / 4).map(move |y| cell(x, y));
        let mut edge: Vec<u16> = (columns.0..=columns.1).map(|x| cell(x, rows.0)).collect();
        edge.extend(side(columns.0).chain(side(columns.1)));
        let middle = edge.len() / 2;
        *edge.select_nth_unstable(middle).1
    }

    /// An area as `columns` × `rows` pixels, each the average of what it covers; `mirrored`: right becomes left.
    pub fn sample(&self, area: Area, columns: u32, rows: u32, mirrored: bool) -> GrayImage {
        let steps = |from: f32, to: f32, count: u32, cells: usize| -> Vec<(usize, f64)> {
            let at = |n: u32| from + (to - from) * n as f32 / count as f32;
            let place = |at: f32| {
                let cell = (at as usize).min(cells - 1);
                (cell, f64::from(at) - cell as f64)
            };
            (0..=count).map(at).map(place).collect()
        };
        let across = steps(area.left, area.right, columns, self.columns);
        let mut corners = Vec::with_capacity(((columns + 1) * (rows + 1)) as usize);
        for (row, below) in steps(area.top, area.bottom, rows, self.rows) {
            let upper = &self.sums[row * (self.columns + 1)..][..=self.columns];
            let lower = &self.sums[(row + 1) * (self.columns + 1)..][..=self.columns];
            // The sum of everything above and left of a point.
            let sum = |column: usize| f64::from(upper[column]) * (1.0 - below) + f64::from(lower[column]) * below;
            corners.extend(across.iter().map(|(column, right)| sum(*column) * (1.0 - right) + sum(column + 1) * right));
        }
        let size = f64::from((area.right - area.left) * (area.bottom - area.top)) / f64::from(columns * rows);
        let per = 1.0 / (size * f64::from(STEPS));
        let mut values = Vec::with_capacity((columns * rows) as usize);
        let pairs = corners.chunks_exact(columns as usize + 1).zip(corners.chunks_exact(columns as usize + 1).skip(1));
        for (upper, lower) in pairs {
            let cell = |n: usize| {
                let sum = lower[n + 1] - upper[n + 1] - lower[n] + upper[n];
                // The cast keeps it within 0..=255.
                (sum * per + 0.5) as u8
            };
            let columns = columns as usize;
            if mirrored {
                values.extend((0..columns).rev().map(cell));
            } else {
                values.extend((0..columns).map(cell));
            }
        }
        GrayImage::from_raw(columns, rows, values).expect("as many values as it has pixels")
    }
}

/// Fills cells of `wide` × `high` pixels, band by band. Each colour of each column is summed downwards first: that is what
/// processors do many of at a time.
fn bands<T: Copy + Default + From<u8> + Into<u32> + AddAssign>(
    pixels: &RgbImage,
    (wide, high): (usize, usize),
    cells: &mut Vec<u16>,
) {
    let row_bytes = pixels.width() as usize * 3;
    let mut sums = vec![T::default(); row_bytes];
    for band in pixels.as_raw().chunks(row_bytes * high) {
        sums.fill(T::default());
        for row in band.chunks_exact(row_bytes) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += T::from(*value));
        }
        let lines = band.len() / row_bytes;
        // Dividing takes longer than summing: what is divided by is the same for every whole cell.
        let per = |columns: usize| (1u64 << 32).div_ceil((columns * lines) as u64 * u64::from(LUMA_UNIT));
        let per_whole = per(wide);
        let mut cell = |columns: &[T]| {
            let colours = columns.as_chunks::<3>().0.iter();
            let sum = colours.fold([0; 3], |sum, pixel| std::array::from_fn(|n| sum[n] + pixel[n].into()));
            let per = if columns.len() == wide * 3 { per_whole } else { per(columns.len() / 3) };
            cells.push(((u64::from(weighed(sum) * STEPS) * per) >> 32) as u16);
        };
        // Of a width that is known when this is compiled nothing has to be counted: pictures of up to 1535 pixels.
        let rest = match wide {
            1 => wholes::<3, T>(&sums, &mut cell),
            2 => wholes::<6, T>(&sums, &mut cell),
            3 => wholes::<9, T>(&sums, &mut cell),
            4 => wholes::<12, T>(&sums, &mut cell),
            5 => wholes::<15, T>(&sums, &mut cell),
            _ => &sums[..],
        };
        rest.chunks(wide * 3).for_each(cell);
    }
}

/// Tells of every whole cell, and says what is left.
#[inline]
fn wholes<'a, const N: usize, T>(sums: &'a [T], cell: &mut impl FnMut(&[T])) -> &'a [T] {
    let (whole, rest) = sums.as_chunks::<N>();
    for columns in whole {
        cell(columns);
    }
    rest
}

/// What weights of [`luma`] add up to.
const LUMA_UNIT: u32 = 256;

/// Brightness by BT.601, × [`LUMA_UNIT`].
pub fn luma(pixel: [u8; 3]) -> u32 {
    weighed(pixel.map(u32::from))
}

/// Brightness of as many pixels as these sums are of, × [`LUMA_UNIT`].
fn weighed(sums: [u32; 3]) -> u32 {
    77 * sums[0] + 150 * sums[1] + 29 * sums[2]
}

fn summed(cells: &[u16], columns: usize) -> Vec<u32> {
    let rows = cells.len() / columns.max(1);
    let mut sums = vec![0u32; (columns + 1) * (rows + 1)];
    for (y, row) in cells.chunks_exact(columns).enumerate() {
        let mut line = 0;
        for (x, cell) in row.iter().enumerate() {
            line += u32::from(*cell);
            sums[(y + 1) * (columns + 1) + x + 1] = sums[y * (columns + 1) + x + 1] + line;
        }
    }
    sums
}
