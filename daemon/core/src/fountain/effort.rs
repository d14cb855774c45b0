//! Effort: how much the reader has looked at, so that a test can prove it linear without a clock.

/// Bytes, lines and marks looked at.
#[derive(Debug, Default)]
pub(super) struct Effort {
    looked: u64,
}

impl Effort {
    /// Something `size` long was looked at once.
    pub(super) fn look(&mut self, size: usize) {
        self.looked += size as u64;
    }

    /// Everything looked at so far.
    #[cfg(test)]
    pub(super) fn looked(&self) -> u64 {
        self.looked
    }
}
