//! Approval: parts of an episode a person looks at before work goes on from them.
//!
//! Nothing waits inside the scheduler: what comes after an approval is not planned before it is given.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Job, Production,
    job::{shots_in, source},
};
use crate::{
    ids::ContentHash,
    order::{Outputs, Role},
    take::Subject,
};

/// A part a person approves before work goes on from it. The story comes before all of them: an episode that is only
/// kept is not made before somebody wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Checkpoint {
    /// A shot's first picture, before its clip is made.
    Pictures,
    /// The clips of a scene, before it is put together; the film waits for all of them.
    Clips,
}

impl Checkpoint {
    /// Both, in the order they come.
    pub const ALL: [Self; 2] = [Self::Pictures, Self::Clips];

    /// What is approved of each shot.
    pub fn subject(self) -> Subject {
        match self {
            Self::Pictures => Subject::Still,
            Self::Clips => Subject::Clip,
        }
    }

    /// The word people read and type.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pictures => "pictures",
            Self::Clips => "clips",
        }
    }
}

impl std::str::FromStr for Checkpoint {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.word() == word);
        found.ok_or_else(|| format!("'{word}' cannot be approved; choose pictures or clips"))
    }
}

/// What a person sees of a gate's choice.
pub fn shown(subject: Subject, chosen: &Outputs) -> Option<ContentHash> {
    chosen.first(Role::of_take(subject)).map(|file| file.asset.hash)
}

impl Production {
    /// Whether work goes on from what a gate chose.
    pub(super) fn goes_on(&self, subject: Subject, scene: u32, shot: u32) -> bool {
        let gate = Job::Gate { subject, scene, shot };
        self.approve.iter().all(|one| one.subject() != subject)
            || self.given(gate).is_some()
            || self.by_hand.approved.contains_key(&gate)
    }

    /// Whether a shot's clip may be made: its picture is approved, or that of the shot its chain began with.
    pub(super) fn may_move(&self, scene: u32, shot: u32) -> bool {
        if !self.approve.contains(&Checkpoint::Pictures) {
            return true;
        }
        match source(self, scene, shot) {
            Some(Job::Gate { .. }) => self.goes_on(Subject::Still, scene, shot),
            Some(_) => self.may_move(scene, shot - 1),
            None => true,
        }
    }

    /// Whether a scene may be put together.
    pub(super) fn may_join(&self, scene: u32) -> bool {
        shots_in(self, scene).all(|shot| self.may_move(scene, shot) && self.goes_on(Subject::Clip, scene, shot))
    }

    /// Gates nobody has approved that a person is to approve, by checkpoint. Those of clips are named once their
    /// pictures are approved.
    pub fn unapproved(&self, checkpoint: Checkpoint) -> BTreeSet<Job> {
        let subject = checkpoint.subject();
        let mut gates = BTreeSet::new();
        for scene in 1..=self.script.scenes.len() as u32 {
            for shot in shots_in(self, scene) {
                let there = match checkpoint {
                    Checkpoint::Pictures => matches!(source(self, scene, shot), Some(Job::Gate { .. })),
                    Checkpoint::Clips => self.may_move(scene, shot),
                };
                if there && !self.goes_on(subject, scene, shot) {
                    gates.insert(Job::Gate { subject, scene, shot });
                }
            }
        }
        gates
    }

    /// Whether what a gate chose is something else than what a person approved, so that nothing may go on from it.
    pub fn is_news(&self, subject: Subject, gate: Job, chosen: &Outputs) -> bool {
        let asked = self.approve.iter().any(|one| one.subject() == subject) && self.given(gate).is_none();
        asked && self.by_hand.approved.get(&gate).is_some_and(|seen| Some(*seen) != shown(subject, chosen))
    }

    /// The checkpoint its film waits for; `None` when nobody is to approve anything any more.
    pub fn waits_for(&self) -> Option<Checkpoint> {
        Checkpoint::ALL.into_iter().find(|checkpoint| !self.unapproved(*checkpoint).is_empty())
    }
}
