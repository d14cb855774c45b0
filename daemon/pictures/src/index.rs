//! Index: which of many pictures is the one that came again.
//!
//! A new picture is looked up by its hashes (see `table`), the closest of those that are near enough are laid upon it by the
//! tiny pictures that are kept with the hashes (see `register`), and who is moved or cut is left to [`crate::detail`], which
//! sees the pictures themselves.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use studio_core::{
    dataset::{Alike, Part, Print, View},
    ids::{ContentHash, PictureId},
    units::Size,
};

use crate::{
    register::{self, Fitted, Place},
    table::{Near, Table, Thresholds},
};

/// What is granted when one is cut out of the other, or moved: the edges of what is compared do not meet exactly.
const CUT: Thresholds = Thresholds { dct: 64, gradient: 31 };
/// What is granted when whole pictures are moved by a fiftieth, or cut at one side only: how they lie upon each other tells.
const MOVED: Thresholds = Thresholds { dct: 84, gradient: 64 };
/// How unlike a copy of the same frame may be where it differs most (see `register`): less than closed eyes.
const UNLIKE: f32 = 1.0;
/// The same of one that is cut or moved, whose cells mix other pixels.
const UNLIKE_CUT: f32 = 2.1;
/// Most pairs of views that are laid upon each other for one picture, the closest first.
const MOST_FITTED: usize = 256;
/// Most pictures that one is laid upon for a preview, the closest first.
const MOST_PREVIEWED: usize = 32;

/// A picture that another one is a copy of, as far as their prints tell.
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
    /// The new one lies upon the other with right and left exchanged.
    pub(crate) mirrored: bool,
    /// Where the new one lies in the other.
    pub(crate) place: Place,
}

/// A picture in the index, and where its views are in the tables.
#[derive(Debug, Clone)]
struct Known {
    print: Print,
    subjects: Vec<u32>,
    inner: Vec<u32>,
}

/// The pictures of one set, in memory.
#[derive(Debug, Clone, Default)]
pub struct Index {
    known: HashMap<PictureId, Known>,
    pixels: HashMap<ContentHash, BTreeSet<PictureId>>,
    subjects: Table,
    inner: Table,
}

/// A pair of views that may show the same.
struct Candidate {
    near: Near,
    view: View,
    area: [u16; 4],
    alike: Alike,
    /// Only as one that is moved.
    moved: bool,
}

impl Index {
    /// Puts a picture in; one that is there already is replaced.
    pub fn insert(&mut self, id: PictureId, print: &Print) {
        self.remove(id);
        self.pixels.entry(print.pixels).or_default().insert(id);
        let mut known = Known { print: print.clone(), subjects: Vec::new(), inner: Vec::new() };
        if !print.flat {
            for view in &print.views {
                match view.part {
                    Part::Subject => known.subjects.push(self.subjects.insert(id, *view)),
                    Part::Inner => known.inner.push(self.inner.insert(id, *view)),
                    Part::Mirrored => {}
                }
            }
        }
        self.known.insert(id, known);
    }

    /// Takes a picture out; nothing when it is not there.
    pub fn remove(&mut self, id: PictureId) {
        let Some(known) = self.known.remove(&id) else { return };
        if let Some(same) = self.pixels.get_mut(&known.print.pixels) {
            same.remove(&id);
            if same.is_empty() {
                self.pixels.remove(&known.print.pixels);
            }
        }
        known.subjects.into_iter().for_each(|place| self.subjects.remove(place));
        known.inner.into_iter().for_each(|place| self.inner.remove(place));
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// There is no picture in it.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The print of a picture that is in it.
    pub fn print(&self, id: PictureId) -> Option<&Print> {
        self.known.get(&id).map(|known| &known.print)
    }

    /// The picture that this one is a copy of; the closest, of equally close ones the one with the least id.
    pub fn nearest(&self, print: &Print, thresholds: Thresholds) -> Option<Copy> {
        self.copies(print, thresholds, None, 1).pop()
    }

    /// Pictures that this one is a copy of, the closest first, at most so many; without one that may be itself.
    pub fn copies(&self, print: &Print, thresholds: Thresholds, without: Option<PictureId>, most: usize) -> Vec<Copy> {
        let same = self.pixels.get(&print.pixels).into_iter().flatten().filter(|id| Some(**id) != without);
        let exact = |id: &PictureId| Copy {
            id: *id,
            alike: Alike::Pixels,
            dct: 0,
            gradient: 0,
            mirrored: false,
            place: Place::SAME,
        };
        let mut found: Vec<Copy> = same.map(exact).collect();
        found.truncate(most);
        if found.len() == most {
            return found;
        }
        let mut candidates = self.candidates(print, thresholds);
        candidates.retain(|one| Some(one.near.id) != without);
        candidates.sort_by_key(|one| (one.near.dct + one.near.gradient, one.alike, one.near.id));
        for candidate in candidates.iter().take(MOST_FITTED) {
            if found.iter().any(|copy| copy.id == candidate.near.id) {
                continue;
            }
            found.extend(self.fitted(print, candidate, thresholds));
            if found.len() == most {
                break;
            }
        }
        found
    }

    /// Every pair of views that is near enough.
    fn candidates(&self, print: &Print, thresholds: Thresholds) -> Vec<Candidate> {
        let mut all = Vec::new();
        for view in print.views.iter().filter(|_| !print.flat) {
            let mut add = |near: Near, area: [u16; 4], alike: Alike, moved: bool| {
                all.push(Candidate { near, view: *view, area, alike, moved });
            };
            let limits = CUT.or(thresholds);
            // Inner views are compared with subjects only: a cut of one is the whole of the other.
            let alike = match view.part {
                Part::Subject => Alike::Subject,
                Part::Mirrored => Alike::Mirrored,
                Part::Inner => Alike::Cut,
            };
            self.subjects.each(view, limits, |near, area| add(near, area, alike, false));
            match view.part {
                Part::Subject => self.inner.each(view, limits, |near, area| add(near, area, Alike::Cut, false)),
                Part::Mirrored | Part::Inner => {}
            }
            if view.part != Part::Inner {
                self.subjects.each_moved(view, MOVED, |near, area| {
                    if !limits.grant(near.dct, near.gradient) {
                        add(near, area, alike, true);
                    }
                });
            }
        }
        all
    }

    /// Lays a picture upon one of its candidates; `None`: it shows something else.
    fn fitted(&self, print: &Print, candidate: &Candidate, thresholds: Thresholds) -> Option<Copy> {
        let Candidate { near, view, area, alike, moved } = candidate;
        let mirrored = *alike == Alike::Mirrored;
        let other = &self.known.get(&near.id)?.print.small;
        let fit = register::fit(other, &print.small, [*area, view.area], mirrored, UNLIKE)?;
        let alike = verdict(&fit, *alike, near.dct, near.gradient, thresholds, *moved)?;
        Some(Copy { id: near.id, alike, dct: near.dct, gradient: near.gradient, mirrored, place: fit.place })
    }

    /// What would be grouped under these thresholds of what shows the same frame: pictures that are copies of each other, or of
    /// the same third; each group and all groups in the order of their ids. Pictures that are like no other are left out, and so
    /// is who is moved or cut, of whom thresholds do not decide.
    pub fn preview(&self, thresholds: Thresholds) -> Vec<Vec<PictureId>> {
        let mut groups = Groups::default();
        let mut ids: Vec<PictureId> = self.known.keys().copied().collect();
        ids.sort_unstable();
        for same in self.pixels.values() {
            let first = same.first().copied();
            same.iter().skip(1).zip(first.into_iter().cycle()).for_each(|(one, first)| groups.join(*one, first));
        }
        for id in &ids {
            let print = &self.known[id].print;
            let mut candidates = Vec::new();
            for view in print.views.iter().filter(|view| !print.flat && view.part != Part::Inner) {
                let alike = if view.part == Part::Mirrored { Alike::Mirrored } else { Alike::Subject };
                self.subjects.each(view, thresholds, |near, area| {
                    // The other direction would say the same.
                    if near.id < *id {
                        candidates.push(Candidate { near, view: *view, area, alike, moved: false });
                    }
                });
            }
            candidates.sort_by_key(|one| (one.near.dct + one.near.gradient, one.alike, one.near.id));
            for candidate in candidates.iter().take(MOST_PREVIEWED) {
                if groups.head(*id) == groups.head(candidate.near.id) {
                    continue;
                }
                let fitted = self.fitted(print, candidate, thresholds);
                if fitted.is_some_and(|copy| copy.alike != Alike::Cut) {
                    groups.join(*id, candidate.near.id);
                }
            }
        }
        let mut members: BTreeMap<PictureId, Vec<PictureId>> = BTreeMap::new();
        for id in ids {
            members.entry(groups.head(id)).or_default().push(id);
        }
        members.into_values().filter(|group| group.len() > 1).collect()
    }

    /// Whether two pictures of it show the same frame, and the fewest bits in which they differ then: DCT, gradient. `None`:
    /// one is moved or cut, or is none of it, so that thresholds say nothing of them.
    pub fn in_place(&self, a: PictureId, b: PictureId) -> Option<(u32, u32)> {
        let (a, b) = (&self.known.get(&a)?.print, &self.known.get(&b)?.print);
        if a.pixels == b.pixels {
            return Some((0, 0));
        }
        let subject = a.views.iter().find(|view| view.part == Part::Subject)?;
        let others = b.views.iter().filter(|view| view.part != Part::Inner);
        let same = others.filter(|view| {
            let mirrored = view.part == Part::Mirrored;
            let fit = register::fit(&a.small, &b.small, [subject.area, view.area], mirrored, UNLIKE);
            fit.is_some_and(|fit| fit.in_place && fit.unlike <= UNLIKE)
        });
        let bits = same.map(|view| {
            let apart = |a: &ContentHash, b: &ContentHash| crate::table::distance(a, b);
            (apart(&subject.dct, &view.dct), apart(&subject.gradient, &view.gradient))
        });
        bits.min_by_key(|(dct, gradient)| dct + gradient)
    }
}

/// What a fit means for two that differ in so many bits.
fn verdict(fit: &Fitted, alike: Alike, dct: u32, gradient: u32, thresholds: Thresholds, moved: bool) -> Option<Alike> {
    if fit.in_place {
        return (fit.unlike <= UNLIKE && thresholds.grant(dct, gradient)).then_some(alike);
    }
    let granted = moved || CUT.grant(dct, gradient);
    (fit.unlike <= UNLIKE_CUT && granted).then_some(Alike::Cut)
}

/// Groups in the making: each picture leads to one of its group, the least one to itself.
#[derive(Default)]
struct Groups(HashMap<PictureId, PictureId>);

impl Groups {
    fn head(&mut self, id: PictureId) -> PictureId {
        let mut head = id;
        while let Some(above) = self.0.get(&head) {
            head = *above;
        }
        // The next way is short.
        if head != id {
            self.0.insert(id, head);
        }
        head
    }

    fn join(&mut self, a: PictureId, b: PictureId) {
        let (a, b) = (self.head(a), self.head(b));
        if a != b {
            self.0.insert(a.max(b), a.min(b));
        }
    }
}

/// A copy is better than what is there: it has a tenth more pixels. Sharpness says nothing here: what compression does to a smooth
/// picture is measured as detail.
pub fn better(new: Size, known: Size) -> bool {
    let pixels = |size: Size| u64::from(size.width) * u64::from(size.height);
    pixels(new) * 10 >= pixels(known) * 11
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_one_is_better() {
        let size = |width, height| Size { width, height };
        assert!(better(size(1024, 1024), size(512, 512)));
        assert!(!better(size(512, 512), size(1024, 1024)));
        assert!(better(size(110, 100), size(100, 100)));
        assert!(!better(size(109, 100), size(100, 100)) && !better(size(100, 100), size(100, 100)));
    }
}
