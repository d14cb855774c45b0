//! Recorded: cards that say what real ones said once.

use studio_core::gpu::Reading;

use super::Probe;

/// Replays readings, one set at a time, the last for ever.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    sets: Vec<Vec<Reading>>,
    at: usize,
}

impl Recorded {
    /// From JSON lines, each a list of readings.
    pub fn from_lines(text: &str) -> Result<Self, serde_json::Error> {
        let sets =
            text.lines().filter(|line| !line.trim().is_empty()).map(serde_json::from_str).collect::<Result<_, _>>()?;
        Ok(Self { sets, at: 0 })
    }
}

impl Probe for Recorded {
    fn read(&mut self) -> Vec<Reading> {
        let set = self.sets.get(self.at.min(self.sets.len().saturating_sub(1))).cloned().unwrap_or_default();
        self.at += 1;
        set
    }
}
