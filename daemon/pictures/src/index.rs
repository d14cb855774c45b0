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

use crate::register::unlikeness;

/// Bits in which the hashes of a copy's view differ at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Of the 256 of the DCT hash.
    pub dct: u32,
    /// Of the 256 of the gradient hash.
    pub gradient: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { dct: 12, gradient: 8 }
    }
}

impl Thresholds {
    /// What is granted when a part of one is compared with the whole of the other: their edges do not meet exactly.
    const CUT: Self = Self { dct: 28, gradient: 20 };

    fn of(self, cut: bool) -> Self {
        if !cut {
            return self;
        }
        Self { dct: self.dct.max(Self::CUT.dct), gradient: self.gradient.max(Self::CUT.gradient) }
    }
}

/// How unlike a copy may be where it differs most, once laid upon the other: see `register`.
const UNLIKE: f32 = 2.0;
/// Views up to which each is compared: faster than looking up pieces, and the same answer.
const FEW: usize = 2_000;
/// Bits changed in a piece beyond which comparing with everything is faster.
const MOST_CHANGED: u32 = 2;

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
    /// One is cut out of the other.
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
        if !print.flat {
            for view in &print.views {
                for (table, alike) in self.tables(view.part) {
                    let limits = thresholds.of(alike == Alike::Cut);
                    table.each(view, limits, |entry, dct, gradient| {
                        let areas = [entry.view.area, view.area];
                        let other = &self.prints[&entry.id].small;
                        if unlikeness(other, &print.small, areas, alike == Alike::Mirrored) <= UNLIKE {
                            keep(Copy { id: entry.id, alike, dct, gradient });
                        }
                    });
                }
            }
        }
        let mut copies: Vec<Copy> = found.into_values().collect();
        copies.sort_by_key(rank);
        copies
    }

    /// With which views one of a new picture is compared, and what it means when they are alike. Inner views are compared with
    /// subjects only: a cut of one is the whole of the other.
    fn tables(&self, part: Part) -> Vec<(&Table, Alike)> {
        match part {
            Part::Subject => vec![(&self.subjects, Alike::Subject), (&self.inner, Alike::Cut)],
            Part::Mirrored => vec![(&self.subjects, Alike::Mirrored)],
            Part::Inner => vec![(&self.subjects, Alike::Cut)],
        }
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
        members.iter_mut().for_each(|group| group.sort_unstable());
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
fn distance(a: &ContentHash, b: &ContentHash) -> u32 {
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
