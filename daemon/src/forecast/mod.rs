//! Forecast: what would be made and when, found out beside the loop and without doing any of it.

mod dry_run;
mod eta;
mod simulate;

pub use dry_run::{DryRun, JobPreview, StageCount, dry_run};
pub use eta::{Eta, eta, fleet_now};
pub use simulate::{EpisodeOutlook, Outlook, outlook};
