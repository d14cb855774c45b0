//! Register: two tiny pictures are laid upon each other as well as they fit, and what then differs most is found.
//!
//! Hashes see a picture as a whole: in front of the same place another face, or another arm, changes hardly a bit. So whoever
//! is alike by its hashes is laid upon the other (moved and stretched, by Gauss and Newton's method on brightness, as Lucas
//! and Kanade register pictures), made equally bright, and compared cell by cell.

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
/// The same in finer cells, from where they were found to lie.
const FINE_STEPS: usize = 6;
/// A step of fewer cells, at any corner, is the last one.
const SETTLED: f32 = 0.01;
/// Share of the cells that must lie upon each other.
const OVERLAP: f32 = 0.5;

/// Where one picture lies in the other: a cell at `x` of the second lies at `offset + scale * x` of the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    offset: [f32; 2],
    scale: [f32; 2],
}

/// A square of brightness with interpolation.
pub struct Grid {
    side: usize,
    values: Vec<f32>,
}

impl Grid {
    /// Of a square of cells, 0..=255, row by row; `mirrored`: with right and left exchanged.
    pub fn of(cells: &[u8], side: usize, mirrored: bool) -> Self {
        let rows = cells.chunks_exact(side);
        let value = |cell: &u8| f32::from(*cell);
        let values = if mirrored {
            rows.flat_map(|row| row.iter().rev().map(value)).collect()
        } else {
            rows.flatten().map(value).collect()
        };
        Self { side, values }
    }

    /// The same, right and left exchanged.
    pub fn mirrored(&self) -> Self {
        let values = self.values.chunks_exact(self.side).flat_map(|row| row.iter().rev().copied()).collect();
        Self { side: self.side, values }
    }

    /// Brightness between four cells of which this is the upper left one, and how it grows to the right and down per cell.
    fn between(&self, (column, row): (usize, usize), (right, down): (f32, f32)) -> [f32; 3] {
        let at = row * self.side + column;
        let (upper, lower) = (&self.values[at..at + 2], &self.values[at + self.side..at + self.side + 2]);
        let (a, b, c, d) = (upper[0], upper[1], lower[0], lower[1]);
        let (upper, lower) = (a + (b - a) * right, c + (d - c) * right);
        [upper + (lower - upper) * down, (b - a) + (d - c - b + a) * down, lower - upper]
    }

    /// The cell from which a place on one axis is interpolated, and how far beyond it; `None` outside.
    fn step(&self, at: f32) -> Option<(usize, f32)> {
        let last = self.side - 1;
        if !(0.0..=last as f32).contains(&at) {
            return None;
        }
        let cell = (at as usize).min(last - 1);
        Some((cell, at - cell as f32))
    }
}

/// How two pictures lie upon each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitted {
    /// How unlike they are where they differ most: 0 the same, 1 as much as noise and displaced edges explain.
    pub unlike: f32,
    /// They show the same frame: neither is moved or stretched against the other.
    pub in_place: bool,
    /// Where the second lies in the first.
    pub place: Place,
}

/// Lays the second picture upon the first. `areas` are the parts that look alike, in ten-thousandths; `mirrored`: with right and
/// left of the second exchanged. Who differs by no more than `enough` as they are is not moved. `None` when they share too
/// little.
pub fn fit(a: &Small, b: &Small, areas: [[u16; 4]; 2], mirrored: bool, enough: f32) -> Option<Fitted> {
    let (a, b) = (Grid::of(a.cells(), SIDE, false), Grid::of(b.cells(), SIDE, mirrored));
    let mut cells = Vec::with_capacity(SIDE * SIDE);
    let unmoved = Fit::of(&a, &b, Place::SAME, &mut cells);
    if let Some(fit) = unmoved.as_ref().filter(|fit| fit.worst <= enough) {
        return Some(Fitted { unlike: fit.worst, in_place: true, place: Place::SAME });
    }
    let (fit, place) = settled(&a, &b, Place::of(areas, mirrored), STEPS, &mut cells)?;
    // What differs may pull them apart a little: they are moved only if that explains most of the difference.
    let explained = unmoved.is_none_or(|unmoved| fit.error < EXPLAINED * unmoved.error);
    let in_place = place.is_in_place(SIDE) || !explained;
    Some(Fitted { unlike: fit.worst, in_place, place })
}

/// How unlike two pictures are in finer cells, once laid upon each other; `place` is where the second was found to lie in the
/// first in cells of [`Small`]. `None` when they share too little.
pub fn fit_finely(a: &Grid, b: &Grid, place: Place) -> Option<f32> {
    let mut cells = Vec::with_capacity(a.values.len());
    let finer = place.in_cells(SIDE, a.side);
    settled(a, b, finer, FINE_STEPS, &mut cells).map(|(fit, _)| fit.worst)
}

/// Moves the second until it lies as well as it ever will.
fn settled(a: &Grid, b: &Grid, mut place: Place, steps: usize, cells: &mut Vec<Cell>) -> Option<(Fit, Place)> {
    let middle = (a.side - 1) as f32 / 2.0;
    let mut best: Option<(Fit, Place)> = None;
    for _ in 0..steps {
        let Some(fit) = Fit::of(a, b, place, cells) else { break };
        let (step, here) = (fit.step(), place);
        if best.as_ref().is_none_or(|(best, _)| fit.error < best.error) {
            best = Some((fit, here));
        }
        let Some(step) = step else { break };
        for axis in 0..2 {
            // The unknowns are counted around the middle: there moving and stretching hardly disturb each other.
            place.offset[axis] += step[axis] - step[2 + axis] * middle;
            place.scale[axis] += step[2 + axis];
        }
        if (0..2).all(|axis| step[axis].abs() + step[2 + axis].abs() * middle < SETTLED) {
            break;
        }
    }
    best
}

impl Place {
    /// As they are.
    pub const SAME: Self = Self { offset: [0.0; 2], scale: [1.0; 2] };

    /// Where the second lies in the first when these parts of them are the same.
    fn of([first, second]: [[u16; 4]; 2], mirrored: bool) -> Self {
        let second = if mirrored { [10_000 - second[2], second[1], 10_000 - second[0], second[3]] } else { second };
        let mut place = Self::SAME;
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

    /// The same place in cells of another size.
    fn in_cells(self, from: usize, to: usize) -> Self {
        let finer = to as f32 / from as f32;
        let offset = |n: usize| finer * (self.offset[n] + 0.5 - 0.5 * self.scale[n]) + 0.5 * self.scale[n] - 0.5;
        Self { offset: [offset(0), offset(1)], scale: self.scale }
    }

    /// No corner is displaced by more than a part of a cell.
    fn is_in_place(self, side: usize) -> bool {
        let last = (side - 1) as f32;
        let corner = |axis: usize, at: f32| (self.offset[axis] + (self.scale[axis] - 1.0) * at).abs();
        (0..2).all(|axis| corner(axis, 0.0).max(corner(axis, last)) <= IN_PLACE)
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
    /// `cells` is room that is used again.
    fn of(a: &Grid, b: &Grid, place: Place, cells: &mut Vec<Cell>) -> Option<Self> {
        let side = b.side;
        let middle = (side - 1) as f32 / 2.0;
        let met = |axis: usize| {
            (0..side).filter_map(move |n| {
                let at = place.offset[axis] + place.scale[axis] * n as f32;
                Some((n as f32 - middle, a.step(at)?, b.step(n as f32)?))
            })
        };
        let columns: Vec<Met> = met(0).collect();
        cells.clear();
        for (y, first, second) in met(1) {
            cells.extend(columns.iter().map(|(x, at, here)| {
                let value = a.between((at.0, first.0), (at.1, first.1));
                (*x, y, value, b.between((here.0, second.0), (here.1, second.1)))
            }));
        }
        let count = cells.len() as f32;
        if count < OVERLAP * (side * side) as f32 {
            return None;
        }
        // The second is made as bright and as rich in contrast as the first.
        let tone = Tone::of(cells);
        let (mut error, mut worst) = (0.0f32, 0.0f32);
        // The upper half of the normal equations, which are the same below, and their right side.
        let mut sums = [0.0f32; 14];
        for (x, y, [value, right, down], [other, other_right, other_down]) in cells.iter() {
            let difference = tone.difference(*value, *other);
            error += difference * difference;
            let edge = (right.abs() + down.abs()).max((other_right.abs() + other_down.abs()) * tone.gain);
            worst = worst.max(difference.abs() / (NOISE + SLACK * edge));
            let slope = [*right, *down, right * x, down * y];
            let mut n = 0;
            for first in 0..4 {
                for second in first..4 {
                    sums[n] += slope[first] * slope[second];
                    n += 1;
                }
                sums[10 + first] += slope[first] * difference;
            }
        }
        // Where in the upper half, row by row, the place of a row and a column is.
        let half = |row: usize, column: usize| row * 4 - row * row.saturating_sub(1) / 2 + column - row;
        let normal = std::array::from_fn(|row| {
            std::array::from_fn(|column| match column {
                4 => sums[10 + row],
                _ => sums[half(row.min(column), row.max(column))],
            })
        });
        Some(Self { error: error / count, worst, normal })
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

/// A column or row of both: where it is from the middle, then the cells of the first and of the second it lies between.
type Met = (f32, (usize, f32), (usize, f32));

/// A cell of both: where it is from the middle, then brightness and slopes of the first and of the second.
type Cell = (f32, f32, [f32; 3], [f32; 3]);

/// How the brightness of the second becomes that of the first.
struct Tone {
    gain: f32,
    mean: [f32; 2],
}

impl Tone {
    fn of(cells: &[Cell]) -> Self {
        let is_true = |cell: &Cell| TRUE.contains(&cell.2[0]) && TRUE.contains(&cell.3[0]);
        let clear = Spread::of(cells.iter().filter(|cell| is_true(cell)));
        let spread = if clear.count * 20 < cells.len() { Spread::of(cells.iter()) } else { clear };
        let [first, second] = spread.deviation();
        Self { gain: (first / second.max(1.0)).clamp(0.5, 2.0), mean: spread.mean() }
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

/// Mean and deviation of the brightness of two pictures, in the making.
#[derive(Default)]
struct Spread {
    count: usize,
    sums: [f64; 2],
    squares: [f64; 2],
}

impl Spread {
    fn of<'a>(cells: impl Iterator<Item = &'a Cell>) -> Self {
        cells.fold(Self::default(), |mut so_far, cell| {
            so_far.count += 1;
            for (n, value) in [cell.2[0], cell.3[0]].map(f64::from).into_iter().enumerate() {
                so_far.sums[n] += value;
                so_far.squares[n] += value * value;
            }
            so_far
        })
    }

    fn mean(&self) -> [f32; 2] {
        self.sums.map(|sum| (sum / self.count.max(1) as f64) as f32)
    }

    fn deviation(&self) -> [f32; 2] {
        let count = self.count.max(1) as f64;
        std::array::from_fn(|n| (self.squares[n] / count - (self.sums[n] / count).powi(2)).max(0.0).sqrt() as f32)
    }
}
