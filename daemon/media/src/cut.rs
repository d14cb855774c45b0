//! Cut: which of an MP4's pictures are shown, and when, where its edit list hides some.
//!
//! A phone's trim and a lossless cutter leave pictures in the file that are only there to be decoded, and hide them with
//! an edit list. qtdemux begins and ends such a list in the wrong places: it can end before the first picture that is
//! shown. Such a film is therefore read past its list ([`Patch`]), and the list is applied here, as ffmpeg applies it:
//! a picture is shown when it begins inside an edit. Lists that hide nothing are left to the demuxer.

use std::path::Path;

use crate::{
    edits::{Edit, Patch},
    index::{Coded, FilmIndex},
    source::{self, Kind},
};

/// The edits of a stream of pictures that are applied here and not by the demuxer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// In the order in which they are shown.
    edits: Vec<Edit>,
    timescale: u32,
    /// Added by the demuxer to every time, so that none is below zero.
    shift: i64,
    /// When the last picture begins, on the stream's clock.
    media_end: i64,
    /// What the demuxer is to read in place of the list.
    pub patch: Patch,
}

impl Cut {
    /// The edits of a film's pictures; `None` when the demuxer reads it right.
    pub fn of(index: &FilmIndex) -> Option<Self> {
        let hides = |edits: &[Edit]| {
            edits.len() > 1 || index.pictures.iter().any(|picture| !edits.iter().any(|edit| edit.holds(picture.shown)))
        };
        let (edits, patch) = (&index.edits, index.patch.clone()?);
        if edits.is_empty() || !hides(edits) {
            return None;
        }
        let mut edits = edits.clone();
        // Pictures begin where the first of them does: a cut between two loses the rest of the first.
        let lead = first_shown(&edits, &index.pictures).unwrap_or(0) - edits.first().map_or(0, |edit| edit.at);
        for edit in &mut edits {
            edit.at -= lead.max(0);
        }
        let shift = index.pictures.iter().map(|picture| picture.shown - picture.decoded).min().unwrap_or(0);
        let media_end = index.pictures.iter().map(|picture| picture.shown).max().unwrap_or(0);
        Some(Self { edits, timescale: index.timescale, shift: (-shift).max(0), media_end, patch })
    }

    /// The edits of the pictures in a file; `None` when there is nothing to apply, or the file is no MP4 or damaged,
    /// which the demuxer says.
    pub fn read(path: &Path) -> Option<Self> {
        let index = (source::kind_of(path).ok()? == Kind::Mp4).then(|| FilmIndex::read(path).ok().flatten())?;
        Self::of(&index?)
    }

    /// Every time at which a picture is shown, in nanoseconds from the start of the presentation, and when at the latest
    /// it ends; from the time `raw_ns` that the demuxer gives it.
    pub fn times(&self, raw_ns: u64) -> impl Iterator<Item = (i64, i64)> {
        let shown = self.units(raw_ns);
        let held = self.edits.iter().filter(move |edit| edit.holds(shown));
        held.map(move |edit| {
            let end = edit.at.saturating_add(edit.length);
            (self.nanoseconds(edit.at + shown - edit.media), self.nanoseconds(end))
        })
    }

    /// Whether nothing at or after the demuxer's time `raw_ns` is shown.
    pub fn is_over(&self, raw_ns: u64) -> bool {
        let shown = self.units(raw_ns);
        self.edits.iter().all(|edit| edit.media.saturating_add(edit.length) <= shown)
    }

    /// When the last edit ends, in nanoseconds; one without a length ends with the last picture.
    pub fn end_ns(&self) -> i64 {
        let ends = self
            .edits
            .iter()
            .map(|edit| edit.at.saturating_add(edit.length.min((self.media_end + 1 - edit.media).max(0))));
        self.nanoseconds(ends.max().unwrap_or(0))
    }

    /// The edits in as many readings of the file as they need: one, unless they repeat or go back.
    pub fn passes(&self) -> Vec<Self> {
        let goes_on = |one: &Edit, next: &Edit| one.media.saturating_add(one.length) <= next.media;
        let runs = self.edits.chunk_by(goes_on);
        runs.map(|run| Self { edits: run.to_vec(), ..self.clone() }).collect()
    }

    fn units(&self, raw_ns: u64) -> i64 {
        let units = (u128::from(raw_ns) * u128::from(self.timescale) + 500_000_000) / 1_000_000_000;
        units as i64 - self.shift
    }

    fn nanoseconds(&self, units: i64) -> i64 {
        (i128::from(units) * 1_000_000_000 / i128::from(self.timescale)) as i64
    }
}

fn first_shown(edits: &[Edit], pictures: &[Coded]) -> Option<i64> {
    let times = pictures.iter().flat_map(|picture| {
        let held = edits.iter().filter(|edit| edit.holds(picture.shown));
        held.map(|edit| edit.at + picture.shown - edit.media)
    });
    times.min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edits::{self, Patch};

    /// A list of version 0: lengths in units of the film, beginnings in those of the stream.
    fn list(entries: &[(u32, i32)]) -> Vec<u8> {
        let mut body = vec![0; 4];
        body.extend((entries.len() as u32).to_be_bytes());
        for (length, media) in entries {
            body.extend(length.to_be_bytes());
            body.extend(media.to_be_bytes());
            body.extend(0x0001_0000u32.to_be_bytes());
        }
        body
    }

    /// Ten pictures a second on a clock of a hundred.
    fn film(entries: &[(u32, i32)], pictures: i64) -> FilmIndex {
        let coded = |n| Coded { offset: 0, size: 1, decoded: n * 10, shown: n * 10, key: n == 0 };
        let body = list(entries);
        FilmIndex {
            codec: *b"avc1",
            width: 16,
            height: 16,
            timescale: 100,
            edits: edits::read(&body, 100, 1000),
            patch: Patch::of(&body, 500),
            pictures: (0..pictures).map(coded).collect(),
            configuration: Vec::new(),
        }
    }

    fn shown(cut: &Cut, pictures: u64) -> Vec<(u64, i64)> {
        let time = |n: u64| cut.times(n * 100_000_000).map(move |(at, _)| (n, at / 1_000_000));
        (0..pictures).flat_map(time).collect()
    }

    #[test]
    fn only_lists_that_hide_something_are_applied_here() {
        assert_eq!(Cut::of(&film(&[(1000, 0)], 10)), None, "all of it");
        assert_eq!(Cut::of(&film(&[(500, -1), (1000, 0)], 10)), None, "late, and all of it");
        assert_eq!(Cut::of(&film(&[(0, 0)], 10)), None, "without a length it goes on to the end");
        assert!(Cut::of(&film(&[(700, 30)], 10)).is_some(), "the beginning is hidden");
        assert!(Cut::of(&film(&[(700, 0)], 10)).is_some(), "the end is hidden");
    }

    #[test]
    fn a_cut_begins_with_its_first_whole_picture() {
        let cut = Cut::of(&film(&[(200, -1), (300, 25)], 10)).unwrap();
        assert_eq!(
            shown(&cut, 10),
            [(3, 200), (4, 300), (5, 400)],
            "as ffmpeg: after the delay, from the next picture on"
        );
        assert!(!cut.is_over(500_000_000) && cut.is_over(600_000_000));
    }

    #[test]
    fn stretches_are_shown_one_after_the_other_and_again() {
        let cut = Cut::of(&film(&[(200, 0), (200, 60), (200, 10)], 10)).unwrap();
        assert_eq!(shown(&cut, 10), [(0, 0), (1, 100), (1, 400), (2, 500), (6, 200), (7, 300)]);
        let passes = cut.passes();
        assert_eq!(passes.len(), 2, "what lies before is read again");
        assert_eq!(shown(&passes[0], 10), [(0, 0), (1, 100), (6, 200), (7, 300)]);
        assert_eq!(shown(&passes[1], 10), [(1, 400), (2, 500)]);
    }
}
