//! Training: from the approved pictures of a dataset to a LoRA that films use.
//!
//! A run is made in slices of an epoch, so that the card can be given to others in between. Which epoch is taken, and whether it is
//! better than what is used, is found out with pictures (probes), never by the loss alone.

mod choose;
mod command;
mod contender;
mod folders;
mod lines;
mod probe;
mod progress;
mod run;
mod snapshot;
mod step;
mod trainer;

pub use choose::{Choice, ChoiceWhy, Estimate, Found, Ranked, difference, estimate, hopeless, winner};
pub use command::{Left, SlicePaths, Start};
pub use contender::{Contender, Probe, ProbeCase, ProbeKind, ProbeMarks, ProbeState};
pub use folders::{PictureFolder, groups};
pub use lines::{LONGEST_LINE, LineReader, Meanings, Patterns, Told};
pub use probe::{EACH, cases, marks};
pub use progress::{Counting, MOST_POINTS, SliceProgress};
pub use run::{TrainedEpoch, Training, TrainingPlan, TrainingState};
pub use snapshot::{LEAST_SIDE, LeftOut, LeftOutWhy, Snapshot, SnapshotGround, epoch_target, snapshot};
pub use step::{Effect, Ground, STRENGTHS, USUAL_STRENGTH, slice_epochs, step};
pub use trainer::{Layout, Leaves, MOST_EPOCHS, NEEDED_SLOTS, Need, NeedKind, Relief, Trainer, TrainerSlot, Trains};

pub use crate::order::{LossPoint, PRINT_BYTES, PRINT_PLACES, SliceReport, TrainOrder, TrainingPicture, base_print};
