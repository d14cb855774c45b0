//! Review: what a judge is given and told of a take.

use super::{
    Job, Missing, Production, Results, cut, gate, job,
    results::{asset, maybe, shot_of},
};
use crate::{
    asset::AssetRef,
    media::Expected,
    order::{Order, ReviewOrder, Role},
    review::Shown,
    shot::Motion,
    take::Subject,
    units::Score,
};

/// Pictures of a character a judge compares with: more slow it down and say little.
const REFERENCES: usize = 1;
/// A clip that stayed less true than this to where its chain began is nothing to go on from.
const DRIFTED: Score = Score::from_percent(50);
/// What draft pictures look like.
const DRAFT_HINT: &str = "flat vector animatic with simple shapes";

/// The order to judge a take.
pub(super) fn review(
    production: &Production,
    subject: Subject,
    scene: u32,
    shot: u32,
    take: u32,
    made: &dyn Results,
) -> Result<Order, Missing> {
    let job = Job::Take { subject, scene, shot, take };
    let plan = &shot_of(production, scene, shot)?.plan;
    Ok(Order::Review(match subject {
        Subject::Still => ReviewOrder {
            subject: asset(made, job, Role::Picture)?,
            expected: None,
            reference: None,
            anchor: None,
            may_stand_still: true,
            dataset: false,
            describe: false,
            candidates: Vec::new(),
            turn: 0,
            shown: shown(production, subject, scene, shot)?,
        },
        Subject::Clip => {
            let role = if production.continues(scene, shot) { Role::LastFrame } else { Role::Picture };
            let frames = cut::shot_frames(production, scene, shot, made).frames;
            ReviewOrder {
                subject: asset(made, job, Role::Video)?,
                expected: Some(Expected {
                    size: production.size,
                    fps: production.fps,
                    frames,
                    may_be_longer: production.route(scene, shot).model.is_some(),
                }),
                reference: anew(production, scene, shot, made)
                    .or_else(|| job::source(production, scene, shot).and_then(|source| maybe(made, source, role))),
                anchor: anchor(production, scene, shot, made),
                may_stand_still: plan.motion == Motion::Static,
                dataset: false,
                describe: false,
                candidates: Vec::new(),
                turn: 0,
                shown: shown(production, subject, scene, shot)?,
            }
        }
    }))
}

/// The picture a chain of shots began with; `None` when this shot begins one.
fn anchor(production: &Production, scene: u32, shot: u32, made: &dyn Results) -> Option<AssetRef> {
    let links = (0..shot).take_while(|back| production.continues(scene, shot - back)).count() as u32;
    let source = job::source(production, scene, shot - links).filter(|_| links > 0)?;
    maybe(made, source, Role::Picture)
}

/// The picture a shot begins with instead of the last one of the shot before, when that has drifted too far from where
/// their chain began.
pub(super) fn anew(production: &Production, scene: u32, shot: u32, made: &dyn Results) -> Option<AssetRef> {
    if !production.continues(scene, shot) {
        return None;
    }
    gate::drift(production, scene, shot - 1, made).filter(|score| *score < DRIFTED)?;
    anchor(production, scene, shot, made)
}

/// What a judge with eyes is told; `None` for one that only measures.
fn shown(production: &Production, subject: Subject, scene: u32, shot: u32) -> Result<Option<Shown>, Missing> {
    let Some(eye) = &production.cast.eye else { return Ok(None) };
    let plan = &shot_of(production, scene, shot)?.plan;
    let models = production.cast.models.as_ref();
    let hand = match subject {
        Subject::Still => production.still_route_of(scene).1,
        Subject::Clip => models.and_then(|models| models.clips.get(&production.route(scene, shot).video)),
    };
    let special = || plan.characters.iter().filter_map(|name| models?.character(name));
    Ok(Some(Shown {
        eye: eye.clone(),
        figures: plan.characters.iter().map(|name| production.figure(name, true)).collect(),
        description: plan.description.clone(),
        style: models.map_or_else(String::new, |models| models.style.clone()),
        hint: hand.map_or_else(|| DRAFT_HINT.to_owned(), |hand| hand.hint.clone()),
        references: special().flat_map(|one| one.references.iter().take(REFERENCES)).cloned().collect(),
        confusable: special().flat_map(|one| &one.confusable).cloned().collect(),
        species: models.map_or_else(Vec::new, |models| models.species.clone()),
        axes: Vec::new(),
    }))
}
