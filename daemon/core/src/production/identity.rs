//! Identity: texts by which parts and kinds of work are found again in later runs. They are contracts with every data
//! directory there is, so they are made of words of their own and never of what somebody may rename or translate.

use super::{Job, Production};
use crate::{model::Quality, take::Subject};

/// What a part shows or says, whatever its number; equal texts are the same part. `None` for parts nobody can decide
/// about.
pub fn shows(production: &Production, job: Job) -> Option<String> {
    match job {
        Job::Gate { subject, scene, shot } => {
            let (script, shot) = production.scene(scene).zip(production.shot(scene, shot))?;
            let (subject, shot_type) = (subject.stable_word(), shot.plan.shot_type.stable_word());
            Some(format!("{subject}/{}/{}/{shot_type}", script.heading, shot.plan.description))
        }
        Job::Voice { scene, shot, line } => {
            let line = production.shot(scene, shot)?.plan.lines.get(line as usize - 1)?;
            Some(format!("{}: {}", line.character, line.text))
        }
        Job::Music { scene } => Some(format!("music/{}", production.scene(scene)?.heading)),
        _ => None,
    }
}

impl Production {
    /// What makes the duration of a job comparable before its order is known; durations are learned by it.
    pub fn kind_of_work(&self, job: Job) -> String {
        let quality = self.cast.models.as_ref().map_or(Quality::Standard, |models| models.quality).stable_word();
        match job {
            Job::Take { subject: Subject::Still, .. } => format!("still/{}/{quality}", self.size),
            Job::Take { subject: Subject::Clip, scene, shot, .. } => {
                let seconds = self.shot(scene, shot).map_or(0, |shot| shot.plan.planned_ms / 1000);
                format!("clip/{}/{seconds} s/{quality}", self.size)
            }
            other => format!("{}/{}", other.stage().word(), self.size),
        }
    }
}
