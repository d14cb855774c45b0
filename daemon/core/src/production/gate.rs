//! Gate: which take goes into the film, from what was made and judged so far.

use super::{Job, Made, Production, by_hand::shows};
use crate::{
    gates::{self, Next},
    ids::{ShotId, TakeId},
    order::{Outputs, Reported, Role},
    take::{Subject, Take, Verdict},
    units::{Score, Seed, Steps},
};

/// What a gate says.
#[derive(Debug, Clone, PartialEq)]
pub enum Gated {
    /// This take goes into the film.
    Chosen {
        /// Which, from 1; 0 is none of the studio's: a person put it in place.
        take: u32,
        /// It passed its mark; otherwise it is only the best there was.
        passed: bool,
        /// Its score.
        score: Option<Score>,
        /// Its files.
        outputs: Outputs,
        /// One sentence.
        reason: String,
    },
    /// Another take is needed.
    Again {
        /// Which, from 2.
        take: u32,
        /// Why the last one did not pass.
        reason: String,
    },
    /// Nobody could judge any take.
    AskPerson {
        /// Why.
        reason: String,
    },
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

/// What file a take of this kind is.
pub(super) fn role(subject: Subject) -> Role {
    match subject {
        Subject::Still => Role::Picture,
        Subject::Clip => Role::Video,
    }
}

/// Takes of a shot that are made and judged, oldest first.
pub(super) fn takes(production: &Production, subject: Subject, scene: u32, shot: u32, made: &dyn Made) -> Vec<Take> {
    let role = role(subject);
    let mut takes = Vec::new();
    for take in 1.. {
        let file = made.outputs(&Job::Take { subject, scene, shot, take }.slot()).and_then(|made| made.first(role));
        let review = made.outputs(&Job::Review { subject, scene, shot, take }.slot());
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
pub(super) fn drift(production: &Production, scene: u32, shot: u32, made: &dyn Made) -> Option<Score> {
    let gate = Job::Gate { subject: Subject::Clip, scene, shot };
    let chosen = made.outputs(&gate.slot())?.first(Role::Video)?.asset.hash;
    let takes = takes(production, Subject::Clip, scene, shot, made);
    let verdict = takes.into_iter().find(|take| take.asset == chosen)?.verdict?;
    verdict.marks.iter().find(|mark| mark.name == "drift").map(|mark| mark.score)
}

pub(super) fn verdict(outputs: &Outputs) -> Option<&Verdict> {
    match &outputs.reported {
        Some(Reported::Verdict { verdict }) => Some(verdict),
        _ => None,
    }
}

/// Decides from all takes of a shot; the last one has just been judged.
pub fn gate(production: &Production, subject: Subject, scene: u32, shot: u32, made: &dyn Made) -> Gated {
    let this = Job::Gate { subject, scene, shot };
    if let Some(given) = production.given(this) {
        let reason = "a person put it in place".into();
        return Gated::Chosen { take: 0, passed: true, score: None, outputs: given.clone(), reason };
    }
    let takes = takes(production, subject, scene, shot, made);
    let said = takes.last().and_then(|take| take.verdict.as_ref()).map_or("not reviewed", |v| v.reason.as_str());
    let shift = match subject {
        Subject::Still => production.still_route().1.map_or(0, |hand| hand.pass_shift),
        Subject::Clip => {
            let models = production.cast.models.as_ref();
            let hand = models.and_then(|models| models.clips.get(&production.route(scene, shot).video));
            hand.map_or(0, |hand| hand.pass_shift)
        }
    };
    let choose = |id: TakeId, passed: bool| {
        let take = takes.iter().find(|take| take.id == id).expect("the gate chooses among these takes");
        let place = Job::Take { subject, scene, shot, take: take.attempt }.slot();
        let outputs = made.outputs(&place).cloned().unwrap_or_default();
        let score = take.score();
        let number = score.map_or_else(|| "no score".into(), |score| format!("scored {score}"));
        let how = if passed { "passed" } else { "is the best of all attempts, though none passed" };
        let ask = take.verdict.as_ref().and_then(|verdict| verdict.ask.as_ref());
        let look = ask.map_or_else(String::new, |why| format!("; a person should look: {why}"));
        let reason = format!("take {} {how}: {number}{look}", take.attempt);
        Gated::Chosen { take: take.attempt, passed: passed && ask.is_none(), score, outputs, reason }
    };
    let asked = production.by_hand.takes.get(&this.slot()).copied().unwrap_or(0);
    if (takes.len() as u32) < asked {
        return Gated::Again { take: takes.len() as u32 + 1, reason: "a person asked for another take".into() };
    }
    match production.gates.shifted(shift).next(&takes, production.steps) {
        Next::Accept(id) => choose(id, true),
        Next::AcceptBest(id) => choose(id, false),
        Next::Retry { .. } => {
            Gated::Again { take: takes.len() as u32 + 1, reason: format!("take {} did not pass: {said}", takes.len()) }
        }
        Next::AskPerson => Gated::AskPerson { reason: format!("no take has a score: {said}") },
    }
}
