//! By hand: what people put in place of what the studio would make, and the further takes they ask for.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{FilmRemark, Job, Production, identity::shows, path, plan_jobs};
use crate::{
    ids::{ContentHash, PictureId},
    media::MediaFacts,
    order::{AssetRef, Outputs, Role},
    take::Subject,
};

/// What people decided about parts of an episode, by the job of each; in JSON by its path.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Overrides {
    /// Results in place: of the gate of a still or a clip, of a line, of a scene's music. Nothing is made for them.
    #[serde(with = "path::keys")]
    pub given: BTreeMap<Job, Outputs>,
    /// Takes there must be at least, by the gate.
    #[serde(with = "path::keys")]
    pub takes: BTreeMap<Job, u32>,
    /// What a person approved of a gate's choice, by the gate: the picture or clip they saw.
    #[serde(with = "path::keys", skip_serializing_if = "BTreeMap::is_empty")]
    pub approved: BTreeMap<Job, ContentHash>,
    /// Pictures that a shot's picture is made from, by the gate of the still.
    #[serde(with = "path::keys", skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<Job, SourcePicture>,
}

impl Overrides {
    /// The kept files they cannot do without.
    pub fn files(&self) -> impl Iterator<Item = ContentHash> + '_ {
        let given = self.given.values().flat_map(|given| &given.files).map(|file| file.asset.hash);
        given.chain(self.sources.values().map(|source| source.picture.hash))
    }
}

/// A picture that a shot's picture is made from, image to image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePicture {
    /// The kept picture.
    pub picture: AssetRef,
    /// How far it may be left, 1-100 percent: at 100 little more than its colours stays. `None`: as far as the model's
    /// workflow says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength_percent: Option<u8>,
}

/// A picture of a dataset that a shot's picture is made from, chosen by what the shot is to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetPicture {
    /// Which picture of the dataset it is.
    pub picture: PictureId,
    /// Its file, and how far it may be left.
    pub source: SourcePicture,
    /// What the shot asks for, by axis of the coverage.
    pub asked: BTreeMap<String, String>,
    /// Axes on which the picture shows that.
    pub agrees: Vec<String>,
}

impl SourcePicture {
    /// What `strength_percent` may be.
    pub const STRENGTH: std::ops::RangeInclusive<u8> = 1..=100;
}

impl Overrides {
    /// Nobody decided anything.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && self.takes.is_empty() && self.approved.is_empty() && self.sources.is_empty()
    }
}

/// One decision as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Override {
    /// The part it was made about; in JSON its path, as `slot`.
    #[serde(rename = "slot", with = "path::text")]
    pub job: Job,
    /// What the part showed then, see [`shows`]: the decision follows it when scenes or shots are put between.
    pub shows: String,
    /// What is put in place.
    pub given: Option<Outputs>,
    /// Takes there must be at least.
    pub takes: u32,
    /// The picture or clip a person approved; `None` when nobody has, or something else is to be seen.
    #[serde(default)]
    pub approved: Option<ContentHash>,
    /// The picture it is made from; only of the picture of a shot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePicture>,
}

impl Override {
    /// Nothing decided yet about a part that shows this.
    pub fn plain(job: Job, shows: String) -> Self {
        Self { job, shows, given: None, takes: 0, approved: None, source: None }
    }

    /// The kept files it cannot do without.
    pub fn files(&self) -> impl Iterator<Item = ContentHash> + '_ {
        let given = self.given.iter().flat_map(|given| &given.files).map(|file| file.asset.hash);
        given.chain(self.source.iter().map(|source| source.picture.hash))
    }
}

/// What became of decisions when a production took them up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TakenUp {
    /// What fits nowhere any more.
    pub lost: Vec<FilmRemark>,
    /// Decisions whose part has another number now: the part they were made about, and as they are now.
    pub moved: Vec<(Job, Override)>,
}

/// The part a person means who points at a job: at a take or its review, its gate.
pub fn part(job: Job) -> Option<Job> {
    match job {
        Job::Take { subject, scene, shot, .. } | Job::Review { subject, scene, shot, .. } => {
            Some(Job::Gate { subject, scene, shot })
        }
        Job::Normalise { scene, shot } => Some(Job::Gate { subject: Subject::Clip, scene, shot }),
        Job::Gate { .. } | Job::Voice { .. } | Job::Music { .. } => Some(job),
        _ => None,
    }
}

/// What a file must be to be put in the place of a part; `None` for parts nothing can be put in place of.
pub fn role_of(part: Job) -> Option<Role> {
    match part {
        Job::Gate { subject, .. } => Some(Role::of_take(subject)),
        Job::Voice { .. } | Job::Music { .. } => Some(Role::Sound),
        _ => None,
    }
}

/// Whether a part can be made from a picture that a person chose: pictures of shots can.
pub fn has_source(part: Job) -> bool {
    matches!(part, Job::Gate { subject: Subject::Still, .. })
}

/// Whether a file with these facts can take that role.
pub fn fits(role: Role, facts: &MediaFacts) -> bool {
    matches!(
        (role, facts),
        (Role::Picture, MediaFacts::Still { .. })
            | (Role::Video, MediaFacts::Video { .. })
            | (Role::Sound, MediaFacts::Sound { .. })
    )
}

/// Whether both are the same part of a film, whichever: two lines, or two pictures.
fn alike(one: Job, other: Job) -> bool {
    match (one, other) {
        (Job::Gate { subject, .. }, Job::Gate { subject: other, .. }) => subject == other,
        (Job::Voice { .. }, Job::Voice { .. }) | (Job::Music { .. }, Job::Music { .. }) => true,
        _ => false,
    }
}

impl Production {
    /// Takes up what people decided: where it was decided, or where the same part is now.
    pub fn take_up(&mut self, rulings: Vec<Override>) -> TakenUp {
        // With every part there is, also those that wait to be approved.
        let plain = Self { by_hand: Overrides::default(), approve: BTreeSet::new(), ..self.clone() };
        let parts: Vec<(Job, String)> = plan_jobs(&plain)
            .into_iter()
            .filter_map(|planned| Some((planned.job, shows(&plain, planned.job)?)))
            .collect();
        // What shows the same, in order, so that decisions do not look through the whole film one by one.
        let mut alike_parts: BTreeMap<&str, Vec<Job>> = BTreeMap::new();
        for (job, now) in &parts {
            alike_parts.entry(now).or_default().push(*job);
        }
        let shown = |shows: &str| alike_parts.get(shows).map_or(&[][..], Vec::as_slice);
        let (mut taken, mut answer) = (BTreeSet::new(), TakenUp::default());
        // Those that have not moved first, so that none that has takes their place.
        let (still, moved): (Vec<_>, Vec<_>) =
            rulings.into_iter().partition(|ruling| shown(&ruling.shows).contains(&ruling.job));
        for ruling in still.into_iter().chain(moved) {
            let same = || shown(&ruling.shows).iter().filter(|job| alike(**job, ruling.job));
            let there = same().find(|job| **job == ruling.job);
            let free = || same().find(|job| !taken.contains(*job));
            let Some(job) = there.or_else(free).copied() else {
                let job = ruling.job;
                answer.lost.extend(match ruling {
                    Override { given: Some(_), .. } => Some(FilmRemark::GivenLeftOut { job }),
                    Override { source: Some(_), .. } => Some(FilmRemark::SourceLeftOut { job }),
                    _ => None,
                });
                continue;
            };
            taken.insert(job);
            if job != ruling.job {
                answer.moved.push((ruling.job, Override { job, ..ruling.clone() }));
            }
            if let Some(given) = ruling.given {
                self.by_hand.given.insert(job, given);
            }
            if ruling.takes > 0 {
                self.by_hand.takes.insert(job, ruling.takes);
            }
            if let Some(approved) = ruling.approved {
                self.by_hand.approved.insert(job, approved);
            }
            if let Some(source) = ruling.source {
                self.by_hand.sources.insert(job, source);
            }
        }
        answer
    }

    /// The picture that a shot's picture is made from: the one a person chose, else the one of a dataset.
    pub(super) fn source_picture(&self, scene: u32, shot: u32) -> Option<&SourcePicture> {
        let gate = Job::Gate { subject: Subject::Still, scene, shot };
        self.by_hand.sources.get(&gate).or_else(|| self.from_datasets.get(&gate).map(|found| &found.source))
    }

    /// The picture of a dataset that a shot's picture is made from, unless a person chose another.
    pub(super) fn dataset_picture(&self, scene: u32, shot: u32) -> Option<&DatasetPicture> {
        let gate = Job::Gate { subject: Subject::Still, scene, shot };
        self.from_datasets.get(&gate).filter(|_| !self.by_hand.sources.contains_key(&gate))
    }

    /// What a person put in place of a part.
    pub fn given(&self, job: Job) -> Option<&Outputs> {
        self.by_hand.given.get(&job)
    }
}
