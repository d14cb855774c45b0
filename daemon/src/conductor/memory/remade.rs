//! Remade: files that are made again because they were gone or damaged.

use std::collections::BTreeSet;

use studio_core::ids::ContentHash;

/// Files that were gone or damaged and were asked for again since the start.
#[derive(Debug, Default)]
pub(in crate::conductor) struct Remade {
    files: BTreeSet<ContentHash>,
}

impl Remade {
    /// It is asked for again.
    pub fn asked(&mut self, file: ContentHash) {
        self.files.insert(file);
    }

    /// Whether it was asked for again.
    pub fn contains(&self, file: ContentHash) -> bool {
        self.files.contains(&file)
    }
}
