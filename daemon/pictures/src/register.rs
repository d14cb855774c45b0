//! Register: two tiny pictures are laid upon each other as well as they fit, and what then differs most is found.
//!
//! Hashes see a picture as a whole: in front of the same place another face, or another arm, changes hardly a bit. So whoever
//! is alike by its hashes is laid upon the other (moved and stretched, by Gauss and Newton's method on brightness, as Lucas
//! and Kanade register pictures), made equally bright, and compared cell by cell.

#![expect(clippy::many_single_char_names, reason = "a and b are the two pictures, x y u v places in them")]

use studio_core::dataset::Small;

const SIDE: usize = Small::SIDE;
/// Steps after which they lie as well as they ever will.
const STEPS: usize = 12;
/// Difference of brightness, of 255, that compression and another size leave anywhere.
const NOISE: f32 = 8.0;
/// Share of a cell by which edges may be displaced after the best fit.
const SLACK: f32 = 0.35;
/// Share of a cell by which a corner of the same frame is displaced at most.
const IN_PLACE: f32 = 0.15;
/// Share of the difference that is left, at most, when moving one explains it.
const EXPLAINED: f32 = 0.5;
/// Brightness that is not cut off, of 255: what is brighter or darker may have been made so.
const TRUE: std::ops::RangeInclusive<f32> = 8.0..=240.0;
/// Share of the cells that must lie upon each other.
const OVERLAP: f32 = 0.5;

/// Where one picture lies in the other: a cell at `x` lies at `offset + scale * x`.
#[derive(Clone, Copy)]
struct Place {
    offset: [f32; 2],
    scale: [f32; 2],
}

/// A square of brightness with interpolation.
struct Grid(Vec<f32>);

impl Grid {
    fn of(small: &Small, mirrored: bool) -> Self {
        let rows = small.cells().chunks_exact(SIDE);
        let value = |cell: &u8| f32::from(*cell);
        Self(if mirrored {
            rows.flat_map(|row| row.iter().rev().map(value)).collect()
        } else {
            rows.flatten().map(value).collect()
        })
    }

    /// Brightness at a place, and how it grows to the right and down per cell; `None` outside.
    fn at(&self, x: f32, y: f32) -> Option<[f32; 3]> {
        let limit = (SIDE - 1) as f32;
        if !(0.0..=limit).contains(&x) || !(0.0..=limit).contains(&y) {
            return None;
        }
        let (column, row) = ((x as usize).min(SIDE - 2), (y as usize).min(SIDE - 2));
        let (right, down) = (x - column as f32, y - row as f32);
        let cell = |x: usize, y: usize| self.0[y * SIDE + x];
        let (a, b) = (cell(column, row), cell(column + 1, row));
        let (c, d) = (cell(column, row + 1), cell(column + 1, row + 1));
        let (upper, lower) = (a + (b - a) * right, c + (d - c) * right);
        let slope = [(b - a) + (d - c - b + a) * down, lower - upper];
        Some([upper + (lower - upper) * down, slope[0], slope[1]])
    }
}

/// How two pictures lie upon each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitted {
    /// How unlike they are where they differ most: 0 the same, 1 as much as noise and displaced edges explain.
    pub unlike: f32,
    /// They show the same frame: neither is moved or stretched against the other.
    pub in_place: bool,
}

/// Lays the second picture upon the first. `areas` are the parts that look alike, in ten-thousandths; `mirrored`: with right and
/// left of the second exchanged. `None` when they share too little.
pub fn fit(a: &Small, b: &Small, areas: [[u16; 4]; 2], mirrored: bool) -> Option<Fitted> {
    let (a, b) = (Grid::of(a, false), Grid::of(b, mirrored));
    let mut place = Place::of(areas, mirrored);
    let mut best = (f32::INFINITY, place);
    for _ in 0..STEPS {
        let Some(fit) = Fit::of(&a, &b, place) else { break };
        if fit.error < best.0 {
            best = (fit.error, place);
        }
        let Some(step) = fit.step() else { break };
        for axis in 0..2 {
            // The unknowns are counted around the middle: there moving and stretching hardly disturb each other.
            place.offset[axis] += step[axis] - step[2 + axis] * MIDDLE;
            place.scale[axis] += step[2 + axis];
        }
    }
    // What differs may pull them apart a little: they are moved only if that explains most of the difference.
    let unmoved = Fit::of(&a, &b, Place { offset: [0.0; 2], scale: [1.0; 2] });
    let explained = unmoved.is_none_or(|unmoved| best.0 < EXPLAINED * unmoved.error);
    let in_place = best.1.is_in_place() || !explained;
    Fit::of(&a, &b, best.1).map(|fit| Fitted { unlike: fit.worst, in_place })
}

/// The middle of a grid, in cells.
const MIDDLE: f32 = (SIDE - 1) as f32 / 2.0;

impl Place {
    /// Where the second lies in the first when these parts of them are the same.
    fn of([first, second]: [[u16; 4]; 2], mirrored: bool) -> Self {
        let second = if mirrored { [10_000 - second[2], second[1], 10_000 - second[0], second[3]] } else { second };
        let mut place = Self { offset: [0.0; 2], scale: [1.0; 2] };
        for axis in 0..2 {
            let range = |area: [u16; 4]| [area[axis], area[2 + axis]].map(|share| f32::from(share) / 10_000.0);
            let ([from, to], [start, end]) = (range(first), range(second));
            let scale = (to - from) / (end - start).max(0.01);
            // Cells are counted from their middles.
            let side = SIDE as f32;
            place.scale[axis] = scale;
            place.offset[axis] = (from - start * scale) * side + 0.5 * scale - 0.5;
        }
        place
    }

    /// No corner is displaced by more than a part of a cell.
    fn is_in_place(self) -> bool {
        let last = (SIDE - 1) as f32;
        let corner = |axis: usize, at: f32| (self.offset[axis] + (self.scale[axis] - 1.0) * at).abs();
        (0..2).all(|axis| corner(axis, 0.0).max(corner(axis, last)) <= IN_PLACE)
    }

    fn map(self, x: usize, y: usize) -> (f32, f32) {
        (self.offset[0] + self.scale[0] * x as f32, self.offset[1] + self.scale[1] * y as f32)
    }
}

/// How well they fit at a place.
struct Fit {
    /// Mean square of the difference.
    error: f32,
    /// The largest difference that nothing explains, as a multiple of what would be explained.
    worst: f32,
    /// Normal equations of the next step: four unknowns, and the right side.
    normal: [[f32; 5]; 4],
}

impl Fit {
    fn of(a: &Grid, b: &Grid, place: Place) -> Option<Self> {
        let cells = (0..SIDE * SIDE).filter_map(|n| {
            let (x, y) = (n % SIDE, n / SIDE);
            let (u, v) = place.map(x, y);
            let here = b.at(x as f32, y as f32)?;
            Some((x as f32 - MIDDLE, y as f32 - MIDDLE, a.at(u, v)?, here))
        });
        let cells: Vec<Cell> = cells.collect();
        let count = cells.len() as f32;
        if count < OVERLAP * (SIDE * SIDE) as f32 {
            return None;
        }
        // The second is made as bright and as rich in contrast as the first.
        let tone = Tone::of(&cells);
        let mut fit = Self { error: 0.0, worst: 0.0, normal: [[0.0; 5]; 4] };
        for (x, y, [value, right, down], [other, other_right, other_down]) in &cells {
            let difference = tone.difference(*value, *other);
            fit.error += difference * difference / count;
            let edge = (right.abs() + down.abs()).max((other_right.abs() + other_down.abs()) * tone.gain);
            fit.worst = fit.worst.max(difference.abs() / (NOISE + SLACK * edge));
            let slope = [*right, *down, right * x, down * y];
            for (row, one) in fit.normal.iter_mut().zip(slope) {
                for (sum, other) in row.iter_mut().zip(slope) {
                    *sum += one * other;
                }
                row[4] += one * difference;
            }
        }
        Some(fit)
    }

    /// The next step: move right, move down, stretch sideways, stretch upright; `None`: nothing in it tells where it lies.
    fn step(&self) -> Option<[f32; 4]> {
        let mut rows = self.normal;
        for pivot in 0..4 {
            let largest = (pivot..4).max_by(|a, b| rows[*a][pivot].abs().total_cmp(&rows[*b][pivot].abs()))?;
            rows.swap(pivot, largest);
            if rows[pivot][pivot].abs() < 1e-3 {
                return None;
            }
            let head = rows[pivot];
            for (n, row) in rows.iter_mut().enumerate() {
                if n != pivot {
                    let factor = row[pivot] / head[pivot];
                    row.iter_mut().zip(head).for_each(|(value, from)| *value -= factor * from);
                }
            }
        }
        let step = std::array::from_fn(|n| rows[n][4] / rows[n][n]);
        step.iter().all(|value: &f32| value.is_finite()).then_some(step)
    }
}

/// A cell of both: where it is from the middle, then brightness and slopes of the first and of the second.
type Cell = (f32, f32, [f32; 3], [f32; 3]);

/// How the brightness of the second becomes that of the first.
struct Tone {
    gain: f32,
    mean: [f32; 2],
}

impl Tone {
    fn of(cells: &[Cell]) -> Self {
        let is_true = |cell: &&Cell| TRUE.contains(&cell.2[0]) && TRUE.contains(&cell.3[0]);
        let clear: Vec<&Cell> = cells.iter().filter(is_true).collect();
        let clear = if clear.len() * 20 < cells.len() { cells.iter().collect() } else { clear };
        let count = clear.len().max(1) as f32;
        let mean = |value: &dyn Fn(&Cell) -> f32| clear.iter().map(|cell| value(cell)).sum::<f32>() / count;
        let means = [mean(&|cell| cell.2[0]), mean(&|cell| cell.3[0])];
        let spread = |n: usize, value: fn(&Cell) -> f32| mean(&|cell| (value(cell) - means[n]).powi(2)).sqrt();
        let (first, second) = (spread(0, |cell| cell.2[0]), spread(1, |cell| cell.3[0]));
        Self { gain: (first / second.max(1.0)).clamp(0.5, 2.0), mean: means }
    }

    /// How much brighter the second is than the first, once both are equally bright. The darker one is made brighter, so that
    /// what was cut off at white in the brighter one is cut off in both.
    fn difference(&self, first: f32, second: f32) -> f32 {
        let [mean_first, mean_second] = self.mean;
        if self.gain >= 1.0 {
            return ((second - mean_second) * self.gain + mean_first).clamp(0.0, 255.0) - first;
        }
        (second - ((first - mean_first) / self.gain + mean_second).clamp(0.0, 255.0)) * self.gain
    }
}
