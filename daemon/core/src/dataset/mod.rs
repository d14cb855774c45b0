//! Dataset: the pictures of one character that a model is trained on, how each came there, and what is still missing.
//!
//! A picture is pending until a person, or the judge within the dataset's bands, approves or rejects it. What is made next
//! follows from the rows alone, so a restart changes nothing.

mod bandit;
mod caption;
mod copies;
mod coverage;
mod drift;
mod export;
mod fitting;
mod import;
mod ingest;
mod judgement;
mod knobs;
mod likeness;
mod picture;
mod placed;
mod placing;
mod plan;
mod print;
mod repair;
mod replenish;
mod request;
mod review;
mod settling;
pub mod still;
mod summary;
mod unnamed;
mod why;

use serde::{Deserialize, Serialize};

pub use bandit::{Evidence, Evidences, ForFilms, choose, evidence, for_films};
pub use caption::{
    Called, LONGEST_CAPTION, Replacement, TagCount, Words, count_tags, handed_over, looks, one_line, without_called,
};
pub use copies::{CopiesPreview, CopyGroup, CopyMember, Grouped, preview_copies};
pub use coverage::{Axis, AxisValue, Coverage, Grid, Missing, Need, Readiness, Ready, SHIPPED, Tally};
pub use drift::{Drift, drift};
pub use export::{Base, Export, Exported, Layout, NothingApproved, Target, export};
pub use fitting::{CellFit, asked_by, closest, fit};
pub use import::{CaptionFile, Matched, Remark, is_caption, is_config, match_captions};
pub use ingest::{
    Excerpt, FetchRefusal, Ingest, IngestCounts, IngestFault, IngestProgress, IngestSource, IngestState, IngestStep,
    LONGEST_SECONDS, MOST_FRAMES, Rights,
};
pub use judgement::{Band, band};
pub use knobs::{ARMS, Arm, Change, Knobs, Turn};
pub use likeness::{Alike, Likeness};
pub use picture::{Caption, Cell, Decider, Decision, Made, Picture, PictureState, Reason, Source, Tried};
pub use placed::{Otherwise, Placing};
pub use placing::{Known, asked_axes, caption_of, place, placing_of};
pub use plan::{Asked, Ground, NoRepair, Round, plan_repair, plan_round, plan_wanted, seed_of};
pub use print::{Part, Print, Small, View};
pub use repair::{REPAIRS, Repair, Term, Terms, avoided, helped};
pub use replenish::{Day, Effect, Event, Ledger, Limits, Wait, moment, room, step};
pub use request::{DRAFT_HINT, GUESS_MS, PictureRequest, REVIEW_MS, Visit};
pub use review::{Outcome, Review, ReviewCounts, ReviewState};
pub use settling::{Look, PATIENCE, SETTLES_IN, Settling};
pub use summary::{Decided, Request, RequestState, Summary};
pub use unnamed::UnnamedPicture;
pub use why::{ArmWhy, Helped, Rejection, Why};

use crate::{
    ids::CharacterId,
    units::{Millis, Score},
};

/// The dataset of one character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Dataset {
    /// Whose pictures they are.
    pub character_id: CharacterId,
    /// What its owner said of it.
    pub settings: DatasetSettings,
    /// The studio fills it by itself.
    pub replenish: bool,
    /// Why it rests although it is switched on; `None`: it does not.
    pub paused: Option<Pause>,
    /// Rejections before this moment pause it no more: it was switched on, or resumed, then.
    pub since: Millis,
}

impl Dataset {
    /// The dataset of somebody nobody has said anything of: switched off, with the usual settings.
    pub fn new(character_id: CharacterId) -> Self {
        Self { character_id, settings: DatasetSettings::default(), replenish: false, paused: None, since: Millis(0) }
    }
}

/// What the owner of a dataset says of it; every field has a usual value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DatasetSettings {
    /// Approved pictures that are enough, 1..=500.
    pub target: u32,
    /// Pictures the studio may ask for by itself in a day of the owner's time zone, 0..=500.
    pub daily: u32,
    /// Pictures asked for at a time, 1..=12.
    pub batch: u32,
    /// Seconds between two rounds, 0..=86400.
    pub cooldown_s: u32,
    /// Pictures that wait for a person at most before no more are made, 1..=100.
    pub pending: u32,
    /// Rejections in a row after which it rests, 1..=50.
    pub rejections: u32,
    /// A score from which the judge approves by itself.
    pub approve: Score,
    /// A score below which the judge rejects by itself.
    pub reject: Score,
    /// Rejected pictures are asked for again, each with what should mend it.
    pub repair: bool,
    /// Pictures of shots that show nobody else come in by themselves as soon as a person approves them.
    pub stills: bool,
    /// Shots that show nobody else begin from the approved picture that comes closest to them, when an episode is made.
    pub shots: bool,
    /// How far such a shot may leave its picture, 1..=100 percent: at 100 little more than its colours stays.
    pub shot_strength: u8,
    /// Most bits of 256 in which the DCT hash of a copy differs, 0..=48.
    pub copy_dct: u32,
    /// Most bits of 256 in which the gradient hash of a copy differs, 0..=31.
    pub copy_gradient: u32,
    /// The word a trained model is called with; empty: made from the name.
    pub trigger: String,
    /// What kind of being in captions, e.g. `1girl`; empty: none.
    pub class_word: String,
    /// What further pictures avoid, beside what was learned.
    pub avoid: Vec<String>,
    /// What they no longer avoid although it was learned.
    pub allow: Vec<String>,
    /// What was learned of settings before this moment is forgotten.
    pub forget: Millis,
    /// What its pictures should show instead of the studio's own axes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub axes: Option<Coverage>,
}

impl Default for DatasetSettings {
    fn default() -> Self {
        Self {
            target: 20,
            daily: 10,
            batch: 3,
            cooldown_s: 60,
            pending: 3,
            rejections: 5,
            approve: Score::from_percent(80),
            reject: Score::from_percent(40),
            repair: true,
            stills: false,
            shots: false,
            shot_strength: 65,
            copy_dct: 40,
            copy_gradient: 24,
            trigger: String::new(),
            class_word: String::new(),
            avoid: Vec::new(),
            allow: Vec::new(),
            forget: Millis(0),
            axes: None,
        }
    }
}

impl DatasetSettings {
    /// What is wrong with them, in one sentence.
    ///
    /// # Errors
    /// A number out of its range, or bands that cross.
    pub fn check(&self) -> Result<(), String> {
        let ranges = [
            ("target", self.target, 1, 500),
            ("daily", self.daily, 0, 500),
            ("batch", self.batch, 1, 12),
            ("cooldown_s", self.cooldown_s, 0, 86_400),
            ("pending", self.pending, 1, 100),
            ("rejections", self.rejections, 1, 50),
            ("copy_dct", self.copy_dct, 0, 48),
            ("copy_gradient", self.copy_gradient, 0, 31),
            ("shot_strength", self.shot_strength.into(), 1, 100),
        ];
        if let Some((name, is, least, most)) = ranges.into_iter().find(|(_, is, least, most)| is < least || is > most) {
            return Err(format!("{name} is {is}; it must be from {least} to {most}"));
        }
        if self.reject > self.approve {
            return Err("reject is above approve; the judge would approve and reject the same picture".into());
        }
        let terms = || self.avoid.iter().chain(&self.allow);
        if terms().count() > 100 || terms().any(|term| term.chars().count() > 200) {
            return Err("avoid and allow have at most 100 terms of at most 200 characters".into());
        }
        if [&self.trigger, &self.class_word].into_iter().any(|word| word.chars().count() > 60 || word.contains(',')) {
            return Err("trigger and class_word are words of at most 60 characters, without a comma".into());
        }
        match self.axes.as_ref().and_then(|axes| axes.check().into_iter().next()) {
            Some(wrong) => Err(format!("axes: {wrong}")),
            None => Ok(()),
        }
    }
}

/// Why a dataset that is switched on rests until a person lets it go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = DatasetPause))]
pub enum Pause {
    /// A person let it rest.
    Person {
        /// When that was.
        at: Millis,
    },
    /// Too many pictures in a row were rejected.
    Rejections {
        /// How many in a row.
        count: u32,
        /// What most of them had in common; `None`: nothing.
        common: Option<Rejection>,
        /// When that was.
        at: Millis,
    },
    /// Whatever is missing was tried too often in vain.
    Hopeless {
        /// How many combinations were given up.
        cells: u32,
        /// When that was.
        at: Millis,
    },
    /// Too many pictures in a row came to nothing: rejected, near-duplicates, or not made at all.
    Vain {
        /// How many in a row.
        count: u32,
        /// When that was.
        at: Millis,
    },
}
