//! Review: the judge is asked about many pictures of a dataset at once, because a person wants it.
//!
//! Each picture is a task of its own, so a restart goes on with those that are left, and a stop ends them.

use serde::{Deserialize, Serialize};

use super::Visit;
use crate::{
    ids::{CharacterId, ReviewId},
    units::Millis,
};

/// A review of many pictures, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = DatasetReview))]
pub struct Review {
    /// Identity of the review, a uuid v7.
    pub id: ReviewId,
    /// Whose dataset it is.
    pub character_id: CharacterId,
    /// What the judge is asked.
    pub visit: Visit,
    /// When it was asked for.
    pub asked: Millis,
    /// A person stopped it: what was not judged by then is left as it was.
    pub stopped: bool,
    /// What came of it until now.
    pub counts: ReviewCounts,
}

impl Review {
    /// Whether it is over, and how it ended.
    pub fn state(&self) -> ReviewState {
        match (self.counts.done() < self.counts.asked, self.stopped) {
            (true, _) => ReviewState::Running,
            (false, true) => ReviewState::Stopped,
            (false, false) => ReviewState::Done,
        }
    }
}

/// Whether a review is over, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = DatasetReviewState))]
pub enum ReviewState {
    /// Pictures of it wait for the judge; a restart goes on with them.
    Running,
    /// Every picture was looked at, as far as that was possible.
    Done,
    /// A person stopped it before that.
    Stopped,
}

/// What came of the pictures of a review: each counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = DatasetReviewCounts))]
pub struct ReviewCounts {
    /// Pictures it is about.
    pub asked: u32,
    /// Those the judge approved.
    pub approved: u32,
    /// Those the judge rejected.
    pub rejected: u32,
    /// Those that wait for a person, because the judge is not sure enough or is not trusted alone.
    pub waiting: u32,
    /// Those that stay as they had been decided: by a person, or by the judge, who is no longer sure.
    pub kept: u32,
    /// Those of which it was only said what they show.
    pub described: u32,
    /// Those that nobody could judge: what the judge said cannot be used.
    pub unreviewed: u32,
    /// Those that were taken out, or moved to somebody else, meanwhile.
    pub gone: u32,
    /// Those whose judge failed for good.
    pub failed: u32,
    /// Those that were not looked at because a person stopped it.
    pub stopped: u32,
}

impl ReviewCounts {
    /// Pictures of which it is known what came of them.
    pub fn done(&self) -> u32 {
        Outcome::ALL.into_iter().map(|outcome| self.of(outcome)).sum()
    }

    /// How many came to that.
    pub fn of(&self, outcome: Outcome) -> u32 {
        let mut counts = *self;
        *counts.count(outcome)
    }

    /// Where those that came to that are counted.
    pub fn count(&mut self, outcome: Outcome) -> &mut u32 {
        match outcome {
            Outcome::Approved => &mut self.approved,
            Outcome::Rejected => &mut self.rejected,
            Outcome::Waiting => &mut self.waiting,
            Outcome::Kept => &mut self.kept,
            Outcome::Described => &mut self.described,
            Outcome::Unreviewed => &mut self.unreviewed,
            Outcome::Gone => &mut self.gone,
            Outcome::Failed => &mut self.failed,
            Outcome::Stopped => &mut self.stopped,
        }
    }
}

/// What a review of one picture came to. The words are stored: they are added to, never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The judge approved it.
    Approved,
    /// The judge rejected it.
    Rejected,
    /// It waits for a person.
    Waiting,
    /// It stays as it had been decided.
    Kept,
    /// It was said what it shows.
    Described,
    /// What the judge said cannot be used.
    Unreviewed,
    /// It is in this dataset no more.
    Gone,
    /// The judge failed for good.
    Failed,
    /// A person stopped it.
    Stopped,
}

impl Outcome {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Approved,
        Self::Rejected,
        Self::Waiting,
        Self::Kept,
        Self::Described,
        Self::Unreviewed,
        Self::Gone,
        Self::Failed,
        Self::Stopped,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_is_counted_once_and_its_word_is_pinned() {
        let words = "approved rejected waiting kept described unreviewed gone failed stopped";
        for (at, (outcome, word)) in Outcome::ALL.into_iter().zip(words.split(' ')).enumerate() {
            assert_eq!(serde_json::to_value(outcome).unwrap(), word);
            let mut counts = ReviewCounts { asked: 9, ..ReviewCounts::default() };
            *counts.count(outcome) += 1 + at as u32;
            assert_eq!((counts.done(), counts.of(outcome)), (1 + at as u32, 1 + at as u32));
            assert_eq!(serde_json::to_value(counts).unwrap()[word], 1 + at);
        }
    }

    #[test]
    fn it_runs_until_everything_is_known_whatever_was_asked_of_it_since() {
        let review = |asked, approved, stopped| Review {
            id: ReviewId(uuid::Uuid::nil()),
            character_id: CharacterId(uuid::Uuid::nil()),
            visit: Visit::Judge,
            asked: Millis(0),
            stopped,
            counts: ReviewCounts { asked, approved, ..ReviewCounts::default() },
        };
        assert_eq!(review(2, 1, false).state(), ReviewState::Running);
        assert_eq!(review(2, 1, true).state(), ReviewState::Running, "what runs has not ended yet");
        assert_eq!(review(2, 2, false).state(), ReviewState::Done);
        assert_eq!(review(2, 2, true).state(), ReviewState::Stopped);
    }
}
