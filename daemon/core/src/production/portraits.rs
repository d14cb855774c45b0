//! Portraits: reference sheets a film is begun with. Whoever and whatever it shows that has no reference is drawn first, and
//! pictures of them wait until that is settled; never for a person.

use serde::{Deserialize, Serialize};

use super::{FilmRemark, Job, Production, job::Dependency};
use crate::{
    asset::AssetRef,
    character::{by_name, by_name_mut, same_name},
    units::Size,
    views::{PortraitOutcome, PortraitOwner, PortraitSubject, PortraitView},
};

/// What is drawn of everybody and every place of a film that has no reference, before the film begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortraitPlan {
    /// What is drawn of each: of characters and of places those views that they have.
    pub views: Vec<PortraitView>,
    /// Width and height of portraits.
    pub size: Size,
    /// Who had no reference when the film was begun; each is a job of its own, counted from 1.
    pub of: Vec<Lacking>,
}

/// Somebody, or a place, without a reference when the film was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lacking {
    /// Whom, or what, it is about.
    pub subject: PortraitSubject,
    /// It was asked for once: what fails is not asked for again and again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked: bool,
    /// What came of it; `None` while the film waits for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<PortraitOutcome>,
}

impl PortraitPlan {
    /// What is drawn of somebody, or of a place.
    pub fn views_of(&self, owner: PortraitOwner) -> Vec<PortraitView> {
        self.views.iter().copied().filter(|view| owner.views().contains(view)).collect()
    }

    /// What is to be said of those the film does without.
    pub fn remarks(&self) -> impl Iterator<Item = FilmRemark> + '_ {
        self.of.iter().filter_map(Lacking::remark)
    }
}

impl Lacking {
    /// What is to be said of it; `None` while it is not settled, and when there is a reference.
    pub fn remark(&self) -> Option<FilmRemark> {
        let why = self.outcome.filter(|outcome| *outcome != PortraitOutcome::Approved)?;
        Some(FilmRemark::NoPortrait { subject: self.subject.clone(), why })
    }
}

impl Production {
    /// Plans what is drawn of whoever it shows and has no reference, before it begins. `None` where drafts draw its pictures:
    /// those stay alike to nothing.
    #[must_use]
    pub fn portraits_first(&self, views: &[PortraitView], size: Size) -> Option<PortraitPlan> {
        let models = self.cast.models.as_ref().filter(|models| models.still.is_some())?;
        let mut of: Vec<Lacking> = Vec::new();
        let mut add = |subject: PortraitSubject, has_reference: bool| {
            let known = of.iter().any(|one| match (&one.subject, &subject) {
                (PortraitSubject::Character(one), PortraitSubject::Character(other))
                | (PortraitSubject::Location(one), PortraitSubject::Location(other)) => same_name(one, other),
                _ => false,
            });
            if !known && !has_reference && views.iter().any(|view| subject.has(*view)) {
                of.push(Lacking { subject, asked: false, outcome: None });
            }
        };
        for scene in self.script.scenes.iter().filter(|scene| !scene.look.is_black()) {
            for name in scene.shots.iter().flat_map(|shot| &shot.plan.characters) {
                let has = models.character(name).is_some_and(|one| !one.references.is_empty());
                add(PortraitSubject::Character(name.clone()), has);
            }
            let place = &scene.look.location;
            let has = by_name(&models.places, place).is_some_and(|sheet| !sheet.references.is_empty());
            add(PortraitSubject::Location(place.clone()), has);
        }
        Some(PortraitPlan { views: views.to_vec(), size, of })
    }

    /// The reference sheet with this number.
    pub fn lacking(&self, number: u32) -> Option<&Lacking> {
        self.portraits.as_ref()?.of.get(number.checked_sub(1)? as usize)
    }

    /// Keeps that a reference sheet was asked for.
    pub fn portrait_asked(&mut self, number: u32) {
        if let Some(lacking) = self.lacking_mut(number) {
            lacking.asked = true;
        }
    }

    /// Has reference sheets that are not settled asked for once more: of what was asked for them nobody knows here.
    pub fn portraits_unasked(&mut self) {
        let Some(plan) = &mut self.portraits else { return };
        for lacking in plan.of.iter_mut().filter(|one| one.outcome.is_none()) {
            lacking.asked = false;
        }
    }

    /// Keeps what came of a reference sheet: what its pictures and the judge are given from now on.
    pub fn portrait_settled(&mut self, number: u32, outcome: PortraitOutcome, references: &[AssetRef]) {
        let Some(lacking) = self.lacking_mut(number) else { return };
        lacking.outcome = Some(outcome);
        let (subject, references) = (lacking.subject.clone(), references.to_vec());
        let Some(models) = self.cast.models.as_mut().filter(|_| !references.is_empty()) else { return };
        match subject {
            PortraitSubject::Character(name) => by_name_mut(&mut models.characters, &name).references = references,
            PortraitSubject::Location(name) => by_name_mut(&mut models.places, &name).references = references,
        }
    }

    fn lacking_mut(&mut self, number: u32) -> Option<&mut Lacking> {
        self.portraits.as_mut()?.of.get_mut(number.checked_sub(1)? as usize)
    }

    /// Those that are not settled, with their numbers.
    fn unsettled(&self) -> impl Iterator<Item = (u32, &Lacking)> {
        let all = self.portraits.iter().flat_map(|plan| (1..).zip(&plan.of));
        all.filter(|(_, one)| one.outcome.is_none())
    }

    /// Jobs of the sheets that are not settled.
    pub(super) fn portrait_jobs(&self) -> impl Iterator<Item = Job> {
        self.unsettled().map(|(number, _)| Job::Portraits { number })
    }

    /// Sheets that the picture of a shot, and what the judge says of the shot, wait for: of those who are seen, or of the place
    /// when nobody is. They can do without.
    pub(super) fn portraits_of_shot(&self, scene: u32, shot: u32) -> Vec<Dependency> {
        let (Some(script), Some(plan)) = (self.scene(scene), self.shot(scene, shot).map(|shot| &shot.plan)) else {
            return Vec::new();
        };
        let seen = |one: &Lacking| match &one.subject {
            PortraitSubject::Character(name) => plan.characters.iter().any(|other| same_name(name, other)),
            PortraitSubject::Location(name) => plan.characters.is_empty() && same_name(name, &script.look.location),
        };
        let waits = self.unsettled().filter(|(_, one)| seen(one));
        waits.map(|(number, _)| Dependency { job: Job::Portraits { number }, optional: true }).collect()
    }
}
