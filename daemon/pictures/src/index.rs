//! Index: which of many pictures is the one that came again.
//!
//! Multi-index hashing: the gradient hash of a view is cut into 16 pieces of 16 bits, and each piece leads to the views that
//! have it. Two hashes that differ in at most 16 n + 15 bits differ in at most n bits of one piece, so looking up each piece
//! with up to n of its bits changed finds all of them (Norouzi, Punjani and Fleet: Fast Exact Search in Hamming Space with
//! Multi-Index Hashing). What is found is compared as a whole, so the answer is that of comparing with everything.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use studio_core::{
    dataset::{Part, Print, View},
    ids::{ContentHash, PictureId},
    units::Size,
};

use crate::register;

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

/// What is granted when one is cut out of the other, or moved: the edges of what is compared do not meet exactly.
const CUT: Thresholds = Thresholds { dct: 64, gradient: 31 };
/// How unlike a copy of the same frame may be where it differs most (see `register`): less than closed eyes.
const UNLIKE: f32 = 1.0;
/// The same of one that is cut or moved, whose cells mix other pixels.
const UNLIKE_CUT: f32 = 2.1;
/// Views up to which each is compared: faster than looking up pieces, and the same answer.
const FEW: usize = 2_000;
/// Bits changed in a piece beyond which comparing with everything is faster.
const MOST_CHANGED: u32 = 2;

impl Thresholds {
    /// The larger of each.
    fn or(self, other: Self) -> Self {
        Self { dct: self.dct.max(other.dct), gradient: self.gradient.max(other.gradient) }
    }
}

/// A picture that another one is a copy of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Copy {
    /// The picture in the index.
    pub id: PictureId,
    /// In what they are alike.
    pub alike: Alike,
    /// Bits of 256 in which their DCT hashes differ.
    pub dct: u32,
    /// Bits of 256 in which their gradient hashes differ.
    pub gradient: u32,
}

/// In what two pictures are alike; the closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alike {
    /// Every pixel is the same.
    Pixels,
    /// Their subjects are the same.
    Subject,
    /// One is the mirror image of the other.
    Mirrored,
    /// One is cut out of the other, or moved against it.
    Cut,
}

/// A view of a picture in the index.
#[derive(Debug)]
struct Entry {
    id: PictureId,
    view: View,
}

/// The pictures of one set, in memory.
#[derive(Debug, Default)]
pub struct Index {
    prints: HashMap<PictureId, Print>,
    pixels: HashMap<ContentHash, BTreeSet<PictureId>>,
    subjects: Table,
    inner: Table,
}

impl Index {
    /// Puts a picture in; one that is there already is replaced.
    pub fn insert(&mut self, id: PictureId, print: &Print) {
        self.remove(id);
        self.pixels.entry(print.pixels).or_default().insert(id);
        if !print.flat {
            for view in &print.views {
                match view.part {
                    Part::Subject => self.subjects.insert(id, *view),
                    Part::Inner => self.inner.insert(id, *view),
                    Part::Mirrored => {}
                }
            }
        }
        self.prints.insert(id, print.clone());
    }

    /// Takes a picture out; nothing when it is not there.
    pub fn remove(&mut self, id: PictureId) {
        let Some(print) = self.prints.remove(&id) else { return };
        if let Some(same) = self.pixels.get_mut(&print.pixels) {
            same.remove(&id);
            if same.is_empty() {
                self.pixels.remove(&print.pixels);
            }
        }
        for view in &print.views {
            self.subjects.remove(id, view);
            self.inner.remove(id, view);
        }
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.prints.len()
    }

    /// There is no picture in it.
    pub fn is_empty(&self) -> bool {
        self.prints.is_empty()
    }

    /// The picture that this one is a copy of; the closest, of equally close ones the one with the least id.
    pub fn nearest(&self, print: &Print, thresholds: Thresholds) -> Option<Copy> {
        self.copies(print, thresholds).into_iter().next()
    }

    /// The same, for a picture that may be in the index itself.
    pub fn nearest_without(&self, print: &Print, thresholds: Thresholds, without: PictureId) -> Option<Copy> {
        self.copies(print, thresholds).into_iter().find(|copy| copy.id != without)
    }

    /// All pictures that this one is a copy of, the closest first.
    pub fn copies(&self, print: &Print, thresholds: Thresholds) -> Vec<Copy> {
        let mut found: BTreeMap<PictureId, Copy> = BTreeMap::new();
        let mut keep = |copy: Copy| {
            let best = found.entry(copy.id).or_insert(copy);
            if rank(&copy) < rank(best) {
                *best = copy;
            }
        };
        for id in self.pixels.get(&print.pixels).into_iter().flatten() {
            keep(Copy { id: *id, alike: Alike::Pixels, dct: 0, gradient: 0 });
        }
        let views = print.views.iter().filter(|_| !print.flat);
        for (view, table, alike) in
            views.flat_map(|view| self.tables(view.part).map(move |(table, alike)| (view, table, alike)))
        {
            table.each(view, CUT.or(thresholds), |entry, dct, gradient| {
                let other = &self.prints[&entry.id].small;
                let areas = [entry.view.area, view.area];
                let Some(fitted) = register::fit(other, &print.small, areas, alike == Alike::Mirrored) else { return };
                let within = |limits: Thresholds| dct <= limits.dct && gradient <= limits.gradient;
                if fitted.in_place && fitted.unlike <= UNLIKE && within(thresholds) {
                    keep(Copy { id: entry.id, alike, dct, gradient });
                } else if !fitted.in_place && fitted.unlike <= UNLIKE_CUT && within(CUT) {
                    keep(Copy { id: entry.id, alike: Alike::Cut, dct, gradient });
                }
            });
        }
        let mut copies: Vec<Copy> = found.into_values().collect();
        copies.sort_by_key(rank);
        copies
    }

    /// With which views one of a new picture is compared, and what it means when they are alike. Inner views are compared with
    /// subjects only: a cut of one is the whole of the other.
    fn tables(&self, part: Part) -> impl Iterator<Item = (&Table, Alike)> {
        let (subjects, inner) = match part {
            Part::Subject => (Alike::Subject, Some((&self.inner, Alike::Cut))),
            Part::Mirrored => (Alike::Mirrored, None),
            Part::Inner => (Alike::Cut, None),
        };
        std::iter::once((&self.subjects, subjects)).chain(inner)
    }

    /// What would be grouped under these thresholds: pictures that are copies of each other, or of the same third; each group
    /// and all groups in the order of their ids. Pictures that are like no other are left out.
    pub fn preview(&self, thresholds: Thresholds) -> Vec<Vec<PictureId>> {
        let mut groups: HashMap<PictureId, PictureId> = HashMap::new();
        let head = |groups: &HashMap<PictureId, PictureId>, mut id: PictureId| {
            while let Some(above) = groups.get(&id) {
                id = *above;
            }
            id
        };
        for (id, print) in &self.prints {
            for copy in self.copies(print, thresholds) {
                let (a, b) = (head(&groups, *id), head(&groups, copy.id));
                if a != b {
                    groups.insert(a.max(b), a.min(b));
                }
            }
        }
        let mut members: BTreeMap<PictureId, Vec<PictureId>> = BTreeMap::new();
        for id in self.prints.keys() {
            members.entry(head(&groups, *id)).or_default().push(*id);
        }
        let mut members: Vec<Vec<PictureId>> = members.into_values().filter(|group| group.len() > 1).collect();
        for group in &mut members {
            group.sort_unstable();
        }
        members
    }
}

/// The closest first: same pixels before others, then the fewest bits, then the least id.
fn rank(copy: &Copy) -> (bool, u32, Alike, PictureId) {
    (copy.alike != Alike::Pixels, copy.dct + copy.gradient, copy.alike, copy.id)
}

/// Which of two copies is kept, as an order: the better is the greater one. Larger is better by a tenth of the pixels or more;
/// else the sharper one is, by `sharpness` of [`crate::sharpness`].
pub fn better(a: (Size, f32), b: (Size, f32)) -> std::cmp::Ordering {
    let pixels = |size: Size| u64::from(size.width) * u64::from(size.height);
    let (first, second) = (pixels(a.0), pixels(b.0));
    if first.abs_diff(second) * 10 >= first.max(second) && first != second {
        return first.cmp(&second);
    }
    a.1.total_cmp(&b.1)
}

/// Pieces of a hash.
const PIECES: usize = 16;

/// Views by the pieces of their gradient hashes.
#[derive(Debug, Default)]
struct Table {
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    pieces: HashMap<u32, Vec<u32>>,
}

/// Which piece it is, and its bits.
fn pieces(hash: &ContentHash) -> [u32; PIECES] {
    let pairs = hash.0.as_chunks::<2>().0;
    std::array::from_fn(|n| (n as u32) << 16 | u32::from(u16::from_be_bytes(pairs[n])))
}

/// Bits in which two hashes differ.
pub(crate) fn distance(a: &ContentHash, b: &ContentHash) -> u32 {
    let words = |hash: &ContentHash| -> [u64; 4] {
        let bytes = hash.0.as_chunks::<8>().0;
        std::array::from_fn(|n| u64::from_le_bytes(bytes[n]))
    };
    words(a).iter().zip(words(b)).map(|(a, b)| (a ^ b).count_ones()).sum()
}

impl Table {
    fn insert(&mut self, id: PictureId, view: View) {
        let entry = Some(Entry { id, view });
        let place = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            self.entries.len() as u32 - 1
        });
        self.entries[place as usize] = entry;
        for piece in pieces(&view.gradient) {
            self.pieces.entry(piece).or_default().push(place);
        }
    }

    fn remove(&mut self, id: PictureId, view: &View) {
        let keys = pieces(&view.gradient);
        let mine = |entry: &Option<Entry>| entry.as_ref().is_some_and(|entry| entry.id == id && entry.view == *view);
        let places = self.pieces.get(&keys[0]).into_iter().flatten();
        let Some(place) = places.copied().find(|place| mine(&self.entries[*place as usize])) else { return };
        for key in keys {
            if let Some(places) = self.pieces.get_mut(&key) {
                places.retain(|one| *one != place);
                if places.is_empty() {
                    self.pieces.remove(&key);
                }
            }
        }
        self.entries[place as usize] = None;
        self.free.push(place);
    }

    /// Tells of every view that is alike, with the bits in which the DCT and the gradient hash differ; some more than once.
    fn each(&self, view: &View, limits: Thresholds, mut tell: impl FnMut(&Entry, u32, u32)) {
        let mut compare = |entry: &Entry| {
            let gradient = distance(&entry.view.gradient, &view.gradient);
            if gradient <= limits.gradient {
                let dct = distance(&entry.view.dct, &view.dct);
                if dct <= limits.dct {
                    tell(entry, dct, gradient);
                }
            }
        };
        let changed = limits.gradient / PIECES as u32;
        if self.entries.len() <= FEW || changed > MOST_CHANGED {
            self.entries.iter().flatten().for_each(compare);
            return;
        }
        let mut seen: Vec<u32> = Vec::new();
        for piece in pieces(&view.gradient) {
            for mask in masks(changed) {
                seen.extend(self.pieces.get(&(piece ^ mask)).into_iter().flatten());
            }
        }
        seen.sort_unstable();
        seen.dedup();
        seen.iter().filter_map(|place| self.entries[*place as usize].as_ref()).for_each(&mut compare);
    }
}

/// All patterns of 16 bits with at most this many set, [`MOST_CHANGED`] at most.
fn masks(changed: u32) -> impl Iterator<Item = u32> {
    let one = (0..16).map(|bit| 1u32 << bit).filter(move |_| changed >= 1);
    let two = (0..16).flat_map(|high| (0..high).map(move |low| 1u32 << high | 1 << low));
    std::iter::once(0).chain(one).chain(two.filter(move |_| changed >= 2))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
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
            for (n, view) in views.iter().enumerate() {
                table.insert(id(n), *view);
            }
            // Some are taken out again, and their places used anew.
            for (n, view) in views.iter().enumerate().take(200) {
                table.remove(id(n), view);
            }
            for (n, view) in views.iter().enumerate().take(50) {
                table.insert(id(n), *view);
            }
            for asked in views.iter().step_by(131) {
                let mut found = BTreeSet::new();
                table.each(asked, Thresholds { dct: 0, gradient }, |entry, _, _| { found.insert(entry.id); });
                let there = views.iter().enumerate().filter(|(n, _)| *n < 50 || *n >= 200);
                let near = there.filter(|(_, view)| distance(&view.gradient, &asked.gradient) <= gradient);
                prop_assert_eq!(found, near.map(|(n, _)| id(n)).collect::<BTreeSet<_>>());
            }
        }
    }

    #[test]
    fn the_larger_one_is_better_and_of_equal_ones_the_sharper() {
        let size = |width, height| Size { width, height };
        assert!(better((size(1024, 1024), 1.0), (size(512, 512), 9.0)).is_gt());
        assert!(better((size(1000, 1000), 1.0), (size(1010, 1000), 9.0)).is_lt());
        assert!(better((size(512, 512), 2.0), (size(512, 512), 2.0)).is_eq());
    }
}
