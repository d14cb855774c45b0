//! Table: views of pictures, looked up by their hashes.
//!
//! Two ways lead to a view. Multi-index hashing: the gradient hash is cut into 16 pieces of 16 bits, and each piece leads to the
//! views that have it. Two hashes that differ in at most 16 n + 15 bits differ in at most n bits of one piece, so looking up
//! each piece with up to n of its bits changed finds all of them (Norouzi, Punjani and Fleet: Fast Exact Search in Hamming Space
//! with Multi-Index Hashing). And the 64 lowest frequencies of the DCT hash, side by side in memory, which hardly change when a
//! picture is moved: those are compared one after the other. What is found is compared as a whole, so the answer is that of
//! comparing with everything.

use studio_core::{
    dataset::View,
    ids::{ContentHash, PictureId},
};

/// Pieces of a hash.
const PIECES: usize = 16;
/// Values of a piece.
const VALUES: usize = 1 << 16;
/// Views up to which each is compared: faster than looking up pieces, and the same answer.
const FEW: usize = 2_000;
/// Bits changed in a piece beyond which comparing with everything is faster.
const MOST_CHANGED: u32 = 2;
/// Bits of the 64 lowest frequencies in which pictures that are moved against each other differ at most.
const MOVED_SKETCH: u32 = 14;
/// Sketches compared before any is looked at.
const AT_ONCE: usize = 64;
/// No further view.
const END: u32 = u32::MAX;

/// Bits in which the hashes of a copy that shows the same frame differ at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Of the 256 of the DCT hash.
    pub dct: u32,
    /// Of the 256 of the gradient hash.
    pub gradient: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { dct: 40, gradient: 24 }
    }
}

impl Thresholds {
    /// The larger of each.
    pub(crate) fn or(self, other: Self) -> Self {
        Self { dct: self.dct.max(other.dct), gradient: self.gradient.max(other.gradient) }
    }

    /// Whether so many bits are no more.
    pub(crate) fn grant(self, dct: u32, gradient: u32) -> bool {
        dct <= self.dct && gradient <= self.gradient
    }
}

/// A hash in words.
type Words = [u64; 4];

/// A view that is near another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Near {
    /// Of which picture.
    pub id: PictureId,
    /// Bits of 256 in which the DCT hashes differ.
    pub dct: u32,
    /// Bits of 256 in which the gradient hashes differ.
    pub gradient: u32,
}

/// Views, each at its place; column by column, because most are only looked at by one of them.
#[derive(Debug, Clone, Default)]
pub struct Table {
    ids: Vec<Option<PictureId>>,
    areas: Vec<[u16; 4]>,
    gradients: Vec<Words>,
    dcts: Vec<Words>,
    sketches: Vec<u64>,
    /// Places whose view was taken out.
    free: Vec<u32>,
    /// Made when there are more than [`FEW`].
    pieces: Option<Pieces>,
}

/// For each piece and each of its values a chain of the places that have it.
#[derive(Debug, Clone)]
struct Pieces {
    heads: Vec<u32>,
    next: Vec<[u32; PIECES]>,
}

impl Pieces {
    fn new() -> Self {
        Self { heads: vec![END; PIECES * VALUES], next: Vec::new() }
    }

    fn add(&mut self, place: u32, gradient: &Words) {
        if self.next.len() <= place as usize {
            self.next.resize(place as usize + 1, [END; PIECES]);
        }
        for (n, piece) in pieces(gradient).into_iter().enumerate() {
            let head = &mut self.heads[n * VALUES + piece];
            self.next[place as usize][n] = *head;
            *head = place;
        }
    }

    fn remove(&mut self, place: u32, gradient: &Words) {
        for (n, piece) in pieces(gradient).into_iter().enumerate() {
            let after = self.next[place as usize][n];
            let head = &mut self.heads[n * VALUES + piece];
            if *head == place {
                *head = after;
                continue;
            }
            let mut at = *head;
            while at != END {
                let next = &mut self.next[at as usize][n];
                if *next == place {
                    *next = after;
                    break;
                }
                at = *next;
            }
        }
    }

    /// Tells of every place with a piece that differs in at most so many bits; of some more than once. All chains are followed
    /// side by side, so that memory is asked for many places at a time.
    fn each(&self, gradient: &Words, changed: u32, mut tell: impl FnMut(u32)) {
        let mut chains: Vec<(u32, usize)> = Vec::new();
        for (n, piece) in pieces(gradient).into_iter().enumerate() {
            let heads = &self.heads[n * VALUES..(n + 1) * VALUES];
            chains.extend(masks(changed).map(|mask| (heads[piece ^ mask], n)).filter(|(head, _)| *head != END));
        }
        while !chains.is_empty() {
            for (at, _) in &chains {
                tell(*at);
            }
            chains.retain_mut(|(at, n)| {
                *at = self.next[*at as usize][*n];
                *at != END
            });
        }
    }
}

fn words(hash: &ContentHash) -> Words {
    let bytes = hash.0.as_chunks::<8>().0;
    std::array::from_fn(|n| u64::from_le_bytes(bytes[n]))
}

fn pieces(words: &Words) -> [usize; PIECES] {
    std::array::from_fn(|n| (words[n / 4] >> (16 * (n % 4)) & 0xffff) as usize)
}

/// The signs of the 64 lowest frequencies: of each of the upper eight rows of 16 the left half.
fn sketch(dct: &ContentHash) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|row| dct.0[2 * row]))
}

fn apart(a: &Words, b: &Words) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// Bits in which two hashes differ.
pub fn distance(a: &ContentHash, b: &ContentHash) -> u32 {
    apart(&words(a), &words(b))
}

impl Table {
    /// Puts a view in, and says at which place.
    pub fn insert(&mut self, id: PictureId, view: View) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| {
            self.ids.push(None);
            self.areas.push([0; 4]);
            self.gradients.push([0; 4]);
            self.dcts.push([0; 4]);
            self.sketches.push(0);
            self.ids.len() as u32 - 1
        });
        let at = place as usize;
        self.ids[at] = Some(id);
        self.areas[at] = view.area;
        self.gradients[at] = words(&view.gradient);
        self.dcts[at] = words(&view.dct);
        self.sketches[at] = sketch(&view.dct);
        match &mut self.pieces {
            Some(pieces) => pieces.add(place, &self.gradients[at]),
            None if self.ids.len() > FEW => {
                let mut pieces = Pieces::new();
                for (place, gradient) in self.gradients.iter().enumerate().filter(|(at, _)| self.ids[*at].is_some()) {
                    pieces.add(place as u32, gradient);
                }
                self.pieces = Some(pieces);
            }
            None => {}
        }
        place
    }

    /// Takes out the view at a place.
    pub fn remove(&mut self, place: u32) {
        let at = place as usize;
        if self.ids[at].take().is_some() {
            if let Some(pieces) = &mut self.pieces {
                pieces.remove(place, &self.gradients[at]);
            }
            self.free.push(place);
        }
    }

    /// The view at a place, when its hashes differ in no more bits.
    fn compare(&self, at: usize, dct: &Words, gradient: &Words, limits: Thresholds) -> Option<Near> {
        let gradient = apart(&self.gradients[at], gradient);
        if gradient > limits.gradient {
            return None;
        }
        let dct = apart(&self.dcts[at], dct);
        if dct > limits.dct {
            return None;
        }
        Some(Near { id: self.ids[at]?, dct, gradient })
    }

    /// Tells of every view whose hashes differ in at most so many bits, and which part of its picture it is.
    pub fn each(&self, view: &View, limits: Thresholds, mut tell: impl FnMut(Near, [u16; 4])) {
        let (dct, gradient) = (words(&view.dct), words(&view.gradient));
        let changed = limits.gradient / PIECES as u32;
        let Some(pieces) = self.pieces.as_ref().filter(|_| changed <= MOST_CHANGED) else {
            for at in 0..self.ids.len() {
                if let Some(near) = self.compare(at, &dct, &gradient, limits) {
                    tell(near, self.areas[at]);
                }
            }
            return;
        };
        let mut found: Vec<(u32, Near)> = Vec::new();
        pieces.each(&gradient, changed, |place| {
            found.extend(self.compare(place as usize, &dct, &gradient, limits).map(|near| (place, near)));
        });
        found.sort_unstable_by_key(|(place, _)| *place);
        found.dedup_by_key(|(place, _)| *place);
        for (place, near) in found {
            tell(near, self.areas[place as usize]);
        }
    }

    /// Tells of every view that may be this one, moved: low frequencies that differ hardly, and no more bits than `limits`.
    pub fn each_moved(&self, view: &View, limits: Thresholds, mut tell: impl FnMut(Near, [u16; 4])) {
        let (dct, gradient, asked) = (words(&view.dct), words(&view.gradient), sketch(&view.dct));
        for (n, chunk) in self.sketches.chunks(AT_ONCE).enumerate() {
            // Below zero, and so in its highest bit, when one of them has no more bits.
            let below =
                |sketch: &u64| u64::from((sketch ^ asked).count_ones()).wrapping_sub(u64::from(MOVED_SKETCH) + 1);
            if chunk.iter().fold(0, |any, sketch| any | below(sketch)) >> 63 == 0 {
                continue;
            }
            for (m, sketch) in chunk.iter().enumerate() {
                let at = n * AT_ONCE + m;
                if (sketch ^ asked).count_ones() <= MOVED_SKETCH
                    && let Some(near) = self.compare(at, &dct, &gradient, limits)
                {
                    tell(near, self.areas[at]);
                }
            }
        }
    }
}

/// All patterns of 16 bits with at most this many set, [`MOST_CHANGED`] at most.
fn masks(changed: u32) -> impl Iterator<Item = usize> {
    let one = (0..16).map(|bit| 1 << bit).filter(move |_| changed >= 1);
    let two = (0..16).flat_map(|high| (0..high).map(move |low| 1 << high | 1 << low));
    std::iter::once(0).chain(one).chain(two.filter(move |_| changed >= 2))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use studio_core::dataset::Part;
    use uuid::Uuid;

    use super::*;

    /// Hashes as pictures have them: many that resemble each other, in any number of bits.
    fn views(seed: u64, count: usize) -> Vec<View> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut random = |near: Option<ContentHash>| {
            let mut hash = near.unwrap_or(ContentHash(std::array::from_fn(|_| rng.u8(..))));
            for _ in 0..near.map_or(0, |_| rng.u32(0..60)) {
                hash.0[rng.usize(0..32)] ^= 1 << rng.u32(0..8);
            }
            hash
        };
        let heads: Vec<ContentHash> = (0..20).map(|_| random(None)).collect();
        let view = |n: usize| View {
            part: Part::Subject,
            area: [0, 0, 10_000, 10_000],
            dct: heads[0],
            gradient: random(Some(heads[n % heads.len()])),
        };
        (0..count).map(view).collect()
    }

    fn id(n: usize) -> PictureId {
        PictureId(Uuid::from_u128(n as u128))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn what_comparing_with_everything_finds_is_found(seed in any::<u64>(), gradient in 0u32..=47) {
            let views = views(seed, FEW + 600);
            let mut table = Table::default();
            let places: Vec<u32> = views.iter().enumerate().map(|(n, view)| table.insert(id(n), *view)).collect();
            // Some are taken out again, and their places used anew.
            places.iter().take(200).for_each(|place| table.remove(*place));
            for (n, view) in views.iter().enumerate().take(50) {
                table.insert(id(n), *view);
            }
            for asked in views.iter().step_by(131) {
                let mut found = BTreeSet::new();
                table.each(asked, Thresholds { dct: 0, gradient }, |near, _| assert!(found.insert(near.id), "told twice"));
                let there = views.iter().enumerate().filter(|(n, _)| *n < 50 || *n >= 200);
                let near = there.filter(|(_, view)| distance(&view.gradient, &asked.gradient) <= gradient);
                prop_assert_eq!(found, near.map(|(n, _)| id(n)).collect::<BTreeSet<_>>());
            }
        }
    }
}
