//! Settling: which files of a watched folder are whole. A file that is copied there has its name from the first byte on, so
//! it counts when two looks at it, some time apart, saw the same.

use std::collections::BTreeMap;

use crate::units::Millis;

/// Milliseconds a file must be seen unchanged before it is read.
pub const SETTLES_IN: i64 = 2_000;
/// Milliseconds a file that cannot be used must be seen unchanged before that is said: a copy may have stopped half-way, and
/// goes on.
pub const PATIENCE: i64 = 60_000;

/// What a look at a file saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was last changed, in nanoseconds by the clock of its disk, which need not be right.
    pub changed: i128,
}

/// What is known of a file.
#[derive(Debug, Clone)]
struct Known {
    look: Look,
    /// Since when it is seen like this.
    since: Millis,
    /// Nothing more is to be done about it as long as it stays like this.
    done: bool,
    /// It could not be used; it is tried once more when it has been like this for [`PATIENCE`].
    failed: bool,
}

/// Files of a folder, by whatever tells them apart, and how they stand. Kept in memory only: at a start each is read once.
#[derive(Debug, Clone)]
pub struct Settling<K> {
    files: BTreeMap<K, Known>,
}

impl<K> Default for Settling<K> {
    fn default() -> Self {
        Self { files: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> Settling<K> {
    /// Takes in everything a look at the folder saw: what is gone is forgotten, what has changed begins anew.
    pub fn see(&mut self, seen: impl IntoIterator<Item = (K, Look)>, now: Millis) {
        let mut before = std::mem::take(&mut self.files);
        for (file, look) in seen {
            let same = before.remove(&file).filter(|known| known.look == look);
            let mut known = same.unwrap_or(Known { look, since: now, done: false, failed: false });
            // A clock that was set back must not make it wait for ever.
            known.since = known.since.min(now);
            self.files.insert(file, known);
        }
    }

    /// Files to be read now, at most `most`, in order.
    pub fn ready(&self, now: Millis, most: usize) -> Vec<(K, Look)> {
        let ready = self.files.iter().filter(|(_, known)| known.due().is_some_and(|due| due <= now));
        ready.take(most).map(|(file, known)| (file.clone(), known.look)).collect()
    }

    /// When the next file is to be read; `None`: nothing is, as long as nothing changes.
    pub fn next(&self) -> Option<Millis> {
        self.files.values().filter_map(Known::due).min()
    }

    /// Nothing more is to be done about a file as long as it stays as it is.
    pub fn done(&mut self, file: &K) {
        if let Some(known) = self.files.get_mut(file) {
            known.done = true;
        }
    }

    /// A file cannot be used; true when that is final, false when it is tried once more later.
    pub fn fails(&mut self, file: &K, now: Millis) -> bool {
        let Some(known) = self.files.get_mut(file) else { return false };
        known.done = known.since.after(PATIENCE) <= now;
        known.failed = true;
        known.done
    }

    /// A file is no longer as it was seen: it begins anew with the next look.
    pub fn forget(&mut self, file: &K) {
        self.files.remove(file);
    }
}

impl Known {
    /// When it is to be read; `None`: never, as it is.
    fn due(&self) -> Option<Millis> {
        (!self.done).then(|| self.since.after(if self.failed { PATIENCE } else { SETTLES_IN }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(bytes: u64) -> Look {
        Look { bytes, changed: 7 }
    }

    fn ready(files: &Settling<&'static str>, now: i64) -> Vec<&'static str> {
        files.ready(Millis(now), 10).into_iter().map(|(file, _)| file).collect()
    }

    #[test]
    fn a_file_is_read_when_two_looks_saw_the_same_and_once() {
        let mut files = Settling::default();
        files.see([("a", look(1)), ("b", look(5))], Millis(0));
        assert_eq!((ready(&files, 1_999), files.next()), (vec![], Some(Millis(2_000))));
        // One grows, also without a change of length.
        files.see([("a", look(2)), ("b", look(5))], Millis(1_500));
        files.see([("a", Look { bytes: 2, changed: 8 }), ("b", look(5))], Millis(2_500));
        assert_eq!(ready(&files, 2_500), ["b"]);
        files.done(&"b");
        assert_eq!((ready(&files, 4_499), ready(&files, 4_500)), (vec![], vec!["a"]));
        files.done(&"a");
        assert_eq!((ready(&files, 1 << 40), files.next()), (vec![], None), "nothing is looked at for ever");
        // It is another one when it changes, or goes and comes back.
        files.see([("b", look(5))], Millis(5_000));
        files.see([("a", Look { bytes: 2, changed: 8 }), ("b", look(6))], Millis(6_000));
        assert_eq!(ready(&files, 8_000), ["a", "b"]);
        assert_eq!(files.ready(Millis(8_000), 1).len(), 1);
    }

    #[test]
    fn what_cannot_be_used_has_a_minute_to_become_whole() {
        let mut files = Settling::default();
        files.see([("a", look(1))], Millis(0));
        assert!(!files.fails(&"a", Millis(2_000)));
        assert_eq!((ready(&files, 59_999), files.next()), (vec![], Some(Millis(60_000))));
        // The copy went on: it is read soon, and may fail once more.
        files.see([("a", look(2))], Millis(30_000));
        assert_eq!(ready(&files, 32_000), ["a"]);
        assert!(!files.fails(&"a", Millis(32_000)));
        assert!(files.fails(&"a", Millis(90_000)), "now it is final");
        assert_eq!(files.next(), None);
        assert!(!files.fails(&"b", Millis(90_000)), "nobody knows it");
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nothing_waiting() {
        let mut files = Settling::default();
        files.see([("a", look(1))], Millis(1 << 40));
        files.see([("a", look(1))], Millis(0));
        assert_eq!(ready(&files, 2_000), ["a"]);
    }
}
