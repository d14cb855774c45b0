//! Gate: which take goes into the film, from what was made and judged so far.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Job, Production, Results, identity::shows};
use crate::{
    character::has_name,
    gates::{self, GateDecision},
    ids::{ShotId, TakeId},
    order::{Outputs, Reported, Role},
    take::{MarkName, MustLook, Subject, Take, Verdict},
    units::{Score, Seed, Steps},
};

/// What a gate says.
#[derive(Debug, Clone, PartialEq)]
pub enum GateOutcome {
    /// This take goes into the film.
    Chosen {
        /// Which, from 1; 0 is none of the studio's: a person put it in place.
        take: u32,
        /// It passed its mark; otherwise it is only the best there was.
        passed: bool,
        /// Score of its review, 0-1; `None` for what a person put in place.
        score: Option<Score>,
        /// Its files and findings, as the work after the gate gets them.
        outputs: Outputs,
        /// Why this one.
        reason: GateReason,
    },
    /// Another take is needed.
    Again {
        /// Which, from 2.
        take: u32,
        /// Why the last one did not pass.
        reason: GateReason,
    },
    /// Nobody could judge any take.
    AskPerson {
        /// What was said of the last one; `None`: nothing.
        said: Option<String>,
    },
    /// A take is good, but only a person may say so.
    ShowPerson {
        /// Which, from 1.
        take: u32,
        /// Why a person must look.
        why: MustLook,
    },
}

/// Why a gate decides as it does. It is kept as JSON beside the sentence of the decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum GateReason {
    /// A person put something in place.
    PutInPlace,
    /// The take passed its mark.
    Passed {
        /// Which, from 1.
        take: u32,
        /// Score of its review, 0-1.
        score: Option<Score>,
        /// Why a person should look all the same.
        look: Option<MustLook>,
    },
    /// None passed, and this one is the best.
    Best {
        /// Which, from 1.
        take: u32,
        /// Score of its review, 0-1, the highest of all takes.
        score: Option<Score>,
        /// Why a person should look.
        look: Option<MustLook>,
    },
    /// The take did not pass.
    NotPassed {
        /// Which, from 1; 0 when there is none yet.
        take: u32,
        /// What the judge said of it; `None`: nothing.
        said: Option<String>,
    },
    /// A person asked for another take.
    Asked,
    /// The scene is black, so there is nothing to judge.
    Black {
        /// Which, from 1.
        take: u32,
    },
    /// No take has a score.
    Unjudged {
        /// What was said of the last one; `None`: nothing.
        said: Option<String>,
    },
}

impl fmt::Display for GateReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (how, take, score, look) = match self {
            Self::PutInPlace => return f.write_str("a person put it in place"),
            Self::Asked => return f.write_str("a person asked for another take"),
            Self::NotPassed { take, said } => {
                return write!(f, "take {take} did not pass: {}", said.as_deref().unwrap_or("not reviewed"));
            }
            Self::Black { take } => return write!(f, "take {take} is black, as it should be"),
            Self::Unjudged { said } => {
                return write!(f, "no take has a score: {}", said.as_deref().unwrap_or("not reviewed"));
            }
            Self::Passed { take, score, look } => ("passed", take, score, look),
            Self::Best { take, score, look } => ("is the best of all attempts, though none passed", take, score, look),
        };
        write!(f, "take {take} {how}: ")?;
        match score {
            Some(score) => write!(f, "scored {score}")?,
            None => f.write_str("no score")?,
        }
        match look {
            Some(why) => write!(f, "; a person should look: {why}"),
            None => Ok(()),
        }
    }
}

/// Seed of a take: from the project, what the shot shows, and the attempt, so that a retake differs and a second
/// run does not. The dialogue is left out on purpose: a changed line must not change the picture.
pub(super) fn seed(production: &Production, subject: Subject, scene: u32, shot: u32, take: u32) -> Seed {
    let what = shows(production, Job::Gate { subject, scene, shot }).unwrap_or_default();
    gates::seed(production.seed, &what, take)
}

/// Steps of a take: more for each further attempt.
pub(super) fn steps(production: &Production, take: u32) -> Steps {
    production.steps + production.gates.steps_per_retry * take.saturating_sub(1)
}

/// Takes of a shot that are made and judged, oldest first.
pub(super) fn takes(production: &Production, subject: Subject, scene: u32, shot: u32, made: &dyn Results) -> Vec<Take> {
    let role = Role::of_take(subject);
    let mut takes = Vec::new();
    for take in 1.. {
        let file = made.outputs(Job::Take { subject, scene, shot, take }).and_then(|made| made.first(role));
        let review = made.outputs(Job::Review { subject, scene, shot, take });
        let (Some(file), Some(review)) = (file, review) else { break };
        takes.push(Take {
            id: TakeId(uuid::Uuid::from_u128(u128::from(take))),
            shot_id: ShotId(uuid::Uuid::nil()),
            subject,
            attempt: take,
            seed: seed(production, subject, scene, shot, take),
            steps: steps(production, take),
            asset: file.asset.hash,
            verdict: verdict(review).cloned(),
            chosen: false,
        });
    }
    takes
}

/// How true to where its chain began the chosen clip of a shot stayed; `None` when nobody measured it.
pub(super) fn drift(production: &Production, scene: u32, shot: u32, made: &dyn Results) -> Option<Score> {
    let gate = Job::Gate { subject: Subject::Clip, scene, shot };
    let chosen = made.outputs(gate)?.first(Role::Video)?.asset.hash;
    let takes = takes(production, Subject::Clip, scene, shot, made);
    let verdict = takes.into_iter().find(|take| take.asset == chosen)?.verdict?;
    verdict.marks.iter().find(|mark| mark.name == MarkName::Drift).map(|mark| mark.score)
}

pub(super) fn verdict(outputs: &Outputs) -> Option<&Verdict> {
    match &outputs.reported {
        Some(Reported::Verdict { verdict }) => Some(verdict),
        _ => None,
    }
}

/// Why a person must look at a take before it is in a film, whoever judged it; `None`: nobody must, or one has.
///
/// Who is no human is never decided without a person: judges that only measure cannot see it, and those with eyes err.
fn must_look(production: &Production, scene: u32, shot: u32, take: &Take) -> Option<MustLook> {
    let verdict = take.verdict.as_ref()?;
    if verdict.is_persons() {
        return None;
    }
    let seen = &production.shot(scene, shot)?.plan.characters;
    let creature = seen.iter().find(|name| has_name(&production.cast.creatures, name));
    verdict.ask.clone().or_else(|| creature.map(|name| MustLook::NotHuman { name: name.clone() }))
}

/// The newest take of a shot in a scene over black. A judge would call it black, and be right.
fn black(production: &Production, subject: Subject, (scene, shot): (u32, u32), made: &dyn Results) -> GateOutcome {
    let job = |take| Job::Take { subject, scene, shot, take };
    let mut there = 0;
    while made.outputs(job(there + 1)).is_some() {
        there += 1;
    }
    let asked = production.by_hand.takes.get(&Job::Gate { subject, scene, shot }).copied().unwrap_or(0);
    match made.outputs(job(there)) {
        Some(outputs) if there >= asked => {
            let reason = GateReason::Black { take: there };
            GateOutcome::Chosen { take: there, passed: true, score: None, outputs: outputs.clone(), reason }
        }
        _ => GateOutcome::Again { take: there + 1, reason: GateReason::Asked },
    }
}

/// Decides from all takes of a shot; the last one has just been judged.
pub fn gate(production: &Production, subject: Subject, scene: u32, shot: u32, made: &dyn Results) -> GateOutcome {
    let this = Job::Gate { subject, scene, shot };
    if let Some(given) = production.given(this) {
        let outputs = given.clone();
        return GateOutcome::Chosen { take: 0, passed: true, score: None, outputs, reason: GateReason::PutInPlace };
    }
    if production.is_black(scene) {
        return black(production, subject, (scene, shot), made);
    }
    let takes = takes(production, subject, scene, shot, made);
    let said = takes.last().and_then(|take| take.verdict.as_ref()).map(|verdict| verdict.reason.clone());
    let shift = match subject {
        Subject::Still => production.still_route_of(scene).1.map_or(0, |hand| hand.pass_shift),
        Subject::Clip => {
            let models = production.cast.models.as_ref();
            let hand = models.and_then(|models| models.clips.get(&production.route(scene, shot).video));
            hand.map_or(0, |hand| hand.pass_shift)
        }
    };
    let choose = |id: TakeId, passed: bool| {
        let take = takes.iter().find(|take| take.id == id).expect("the gate chooses among these takes");
        let place = Job::Take { subject, scene, shot, take: take.attempt };
        let outputs = made.outputs(place).cloned().unwrap_or_default();
        let (number, score) = (take.attempt, take.score());
        let look = must_look(production, scene, shot, take);
        if let Some(why) = look.clone().filter(|_| !production.gates.publish_with_remarks) {
            return GateOutcome::ShowPerson { take: number, why };
        }
        let good = passed && look.is_none();
        let reason = if passed {
            GateReason::Passed { take: number, score, look }
        } else {
            GateReason::Best { take: number, score, look }
        };
        GateOutcome::Chosen { take: number, passed: good, score, outputs, reason }
    };
    let asked = production.by_hand.takes.get(&this).copied().unwrap_or(0);
    if (takes.len() as u32) < asked {
        return GateOutcome::Again { take: takes.len() as u32 + 1, reason: GateReason::Asked };
    }
    match production.gates.shifted(shift).next(&takes, production.steps) {
        GateDecision::Accept(id) => choose(id, true),
        GateDecision::AcceptBest(id) => choose(id, false),
        GateDecision::Retry { .. } => {
            let take = takes.len() as u32;
            GateOutcome::Again { take: take + 1, reason: GateReason::NotPassed { take, said } }
        }
        GateDecision::AskPerson => GateOutcome::AskPerson { said },
    }
}
