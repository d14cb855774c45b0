//! Repair: what is done differently because of what was wrong with a picture; and the words that are avoided from then on.
//!
//! A rejected picture is asked for again with one change. What came of that may be mended again, at most three times in a
//! chain, and each time with a change that was not tried before. All changes of a chain stay.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Change, Helped, Knobs, PictureState, Rejection, Request, Summary, Turn};
use crate::{ids::PictureId, units::Millis};

/// Most repairs after one another.
pub const MOST_TRIES: usize = 3;
/// Rejections older than this teach no words any more: 30 days.
const MEMORY_MS: i64 = 30 * 86_400_000;
/// After so long a rejection weighs half: 14 days.
const HALF_LIFE_MS: f64 = 14.0 * 86_400_000.0;
/// A rejection that came once is an accident.
const OFTEN: usize = 2;
/// Most words that are learned to be avoided.
const MOST_TERMS: usize = 8;
/// So many approvals without another such rejection, and its words are forgotten.
const FORGIVEN: usize = 5;

/// One way to mend a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Repair {
    /// Its stable name.
    pub name: &'static str,
    /// What it changes on the model.
    pub change: Change,
    /// The picture is so much larger on each side; 1: as it was.
    pub size: f64,
    /// Words the prompt says more strongly; empty: none.
    pub stress: &'static str,
    /// Words it avoids; empty: none.
    pub avoid: &'static str,
    /// The words of these axes of what was asked for are said more strongly.
    pub stress_axes: &'static [&'static str],
    /// The other values of these axes are avoided.
    pub avoid_axes: &'static [&'static str],
}

const PLAIN: Repair =
    Repair { name: "", change: Change::NONE, size: 1.0, stress: "", avoid: "", stress_axes: &[], avoid_axes: &[] };

/// Every repair there is.
pub const REPAIRS: [Repair; 14] = [
    Repair { name: "solo", stress: "solo, single character", avoid: "multiple characters, crowd, group shot", ..PLAIN },
    Repair { name: "appearance", avoid: "wrong colors, inaccurate character design, wrong outfit", ..PLAIN },
    Repair {
        name: "likeness",
        change: Change { reference: Turn::By(0.15), lora: Turn::By(0.15), ..Change::NONE },
        ..PLAIN
    },
    Repair {
        name: "pose",
        change: Change { reference: Turn::By(-0.2), ..Change::NONE },
        avoid: "awkward pose, unnatural position",
        stress_axes: &["angle", "pose"],
        ..PLAIN
    },
    Repair {
        name: "expression",
        avoid: "wrong facial expression, out of character",
        stress_axes: &["expression"],
        avoid_axes: &["expression"],
        ..PLAIN
    },
    Repair {
        name: "style",
        change: Change { lora: Turn::By(-0.2), ..Change::NONE },
        avoid: "wrong art style, inconsistent style",
        ..PLAIN
    },
    Repair { name: "text", avoid: "text, watermark, signature, logo", ..PLAIN },
    Repair {
        name: "quality",
        change: Change { steps: 10, ..Change::NONE },
        avoid: "low quality, artifacts, distorted",
        ..PLAIN
    },
    Repair { name: "resolution", size: 1.2, ..PLAIN },
    Repair {
        name: "blur",
        change: Change { steps: 15, ..Change::NONE },
        stress: "sharp focus, highly detailed",
        avoid: "blurry, out of focus",
        ..PLAIN
    },
    Repair { name: "brightness", stress: "well lit, balanced exposure", avoid: "dark, underexposed", ..PLAIN },
    Repair { name: "contrast", stress: "high contrast, vivid colors", avoid: "washed out, flat colors", ..PLAIN },
    Repair { name: "guidance", change: Change { cfg: 1.0, ..Change::NONE }, ..PLAIN },
    Repair { name: "seed", ..PLAIN },
];

impl Repair {
    /// The repair of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        REPAIRS.iter().find(|repair| repair.name == name)
    }

    /// What mends a complaint, in the order it is tried.
    pub fn of(category: Rejection) -> &'static [&'static str] {
        match category {
            Rejection::NotSolo => &["solo", "seed"],
            Rejection::WrongAppearance => &["appearance", "likeness", "seed"],
            Rejection::WrongPose => &["pose", "seed"],
            Rejection::WrongExpression => &["expression", "seed"],
            Rejection::WrongStyle => &["style", "quality", "contrast"],
            Rejection::TextOrWatermark => &["text", "seed"],
            Rejection::BadQuality => &["quality", "resolution", "guidance"],
            Rejection::TooSmall => &["resolution"],
            Rejection::Blurry => &["blur", "resolution", "quality"],
            Rejection::TooDark => &["brightness", "contrast", "seed"],
            Rejection::LowContrast => &["contrast", "guidance", "seed"],
        }
    }

    /// It makes a difference to a picture with these knobs.
    fn helps(&self, knobs: Knobs, most: Option<f64>) -> bool {
        let words = !(self.stress.is_empty() && self.avoid.is_empty() && self.stress_axes.is_empty());
        let other = self.size > 1.0 || self.name == "seed";
        words || other || self.change.applied(knobs).within(most) != knobs.within(most)
    }

    /// The next repair of a picture that is wrong in these ways, after those of its chain, and none of those that were
    /// tried on it already; `None`: everything was tried. `knobs`: as the picture was made, `most`: how strongly a
    /// reference may act in its cell.
    pub fn next(
        categories: &[Rejection],
        chain: &[&'static Self],
        beside: &[&'static Self],
        knobs: Knobs,
        most: Option<f64>,
    ) -> Option<(&'static Self, Rejection)> {
        if chain.len() >= MOST_TRIES {
            return None;
        }
        let mut categories = categories.to_vec();
        categories.sort_unstable();
        let all = categories.iter().flat_map(|category| Self::of(*category).iter().map(|name| (*name, *category)));
        let mut known = all.filter_map(|(name, category)| Some((Self::named(name)?, category)));
        let tried = |repair: &Self| chain.iter().chain(beside).any(|tried| tried.name == repair.name);
        known.find(|(repair, _)| !tried(repair) && repair.helps(knobs, most))
    }
}

/// The repairs that led to a picture, the first one first; `None`: more than there may be, or they lead in a circle.
pub fn chain(picture: &Summary, pictures: &BTreeMap<PictureId, &Summary>) -> Option<Vec<&'static Repair>> {
    let (mut chain, mut at) = (Vec::new(), picture);
    while !at.tried.repair.is_empty() {
        if chain.len() >= MOST_TRIES {
            return None;
        }
        chain.extend(Repair::named(&at.tried.repair));
        match at.tried.repairs.and_then(|id| pictures.get(&id)) {
            Some(before) => at = before,
            None => break,
        }
    }
    chain.reverse();
    Some(chain)
}

/// Rejected pictures the studio made that nobody has tried to mend, the newest first. Rejections before `since` rest.
pub fn open<'a>(pictures: &'a [Summary], requests: &[Request], since: Millis) -> Vec<&'a Summary> {
    let tried = pictures.iter().map(|one| &one.tried).chain(requests.iter().map(|one| &one.tried));
    let mended: BTreeSet<PictureId> = tried.filter_map(|tried| tried.repairs).collect();
    let rejected = |one: &&Summary| one.generated && !one.copy && one.state == PictureState::Rejected;
    let at = |one: &Summary| one.decided.as_ref().map(|decided| decided.at);
    let recent = |one: &&Summary| at(one).is_some_and(|at| at >= since) && !mended.contains(&one.id);
    let mut open: Vec<&Summary> = pictures.iter().filter(rejected).filter(recent).collect();
    open.sort_by_key(|one| std::cmp::Reverse((at(one), one.id)));
    open
}

/// How often each repair helped, by its name; each of [`REPAIRS`] is there.
pub fn helped(pictures: &[Summary]) -> BTreeMap<String, Helped> {
    let mut all: BTreeMap<String, Helped> =
        REPAIRS.iter().map(|repair| (repair.name.to_owned(), Helped::default())).collect();
    for picture in pictures.iter().filter(|one| one.decided.is_some()) {
        let Some(helped) = all.get_mut(&picture.tried.repair) else { continue };
        helped.tried += 1;
        helped.approved += u32::from(picture.state == PictureState::Approved);
    }
    all
}

/// Words that pictures of somebody avoid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Term {
    /// The words themselves.
    pub words: String,
    /// What was often wrong; `None`: a person added them.
    pub category: Option<Rejection>,
    /// Rejections that taught them.
    pub rejections: u32,
    /// How much they weigh: the sum over rejections, each half after 14 days.
    pub weight: f64,
}

/// What a person says of words that are avoided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Terms {
    /// What is always avoided.
    pub added: Vec<String>,
    /// Never avoided, whatever was rejected.
    pub removed: Vec<String>,
}

/// The words that pictures of somebody avoid at `now`: what a person added, then what was learned, the heaviest first.
pub fn avoided(pictures: &[Summary], terms: &Terms, now: Millis) -> Vec<Term> {
    let same = |one: &str, other: &str| one.trim().eq_ignore_ascii_case(other.trim());
    let added = terms.added.iter().filter(|words| !words.trim().is_empty());
    let own = |words: &String| Term { words: words.trim().to_owned(), category: None, rejections: 0, weight: 0.0 };
    let mut all: Vec<Term> = added.map(own).collect();
    let mut learned: Vec<Term> =
        Rejection::ALL.into_iter().flat_map(|category| taught(pictures, category, now)).collect();
    learned.retain(|term| {
        let known = terms.removed.iter().chain(&terms.added);
        !known.into_iter().any(|words| same(words, &term.words))
    });
    learned.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    learned.truncate(MOST_TERMS);
    all.append(&mut learned);
    all
}

/// What the rejections of one category teach.
fn taught(pictures: &[Summary], category: Rejection, now: Millis) -> Vec<Term> {
    let decided = || {
        pictures.iter().filter(|one| one.generated && !one.copy).filter_map(|one| Some((one, one.decided.as_ref()?)))
    };
    let such = decided()
        .filter(|(one, decided)| one.state == PictureState::Rejected && decided.categories.contains(&category));
    let recent: Vec<Millis> =
        such.map(|(_, decided)| decided.at).filter(|at| now.0.saturating_sub(at.0) < MEMORY_MS).collect();
    let Some(last) = recent.iter().max().filter(|_| recent.len() >= OFTEN) else { return Vec::new() };
    let since = decided().filter(|(one, decided)| one.state == PictureState::Approved && decided.at > *last);
    if since.count() >= FORGIVEN {
        return Vec::new();
    }
    let weigh = |at: &Millis| 0.5f64.powf(now.0.saturating_sub(at.0).max(0) as f64 / HALF_LIFE_MS);
    let weight = recent.iter().map(weigh).sum();
    let first = Repair::of(category).first().and_then(|name| Repair::named(name));
    let words = first.map_or("", |repair| repair.avoid).split(", ").filter(|words| !words.is_empty());
    let term = |words: &str| Term {
        words: words.to_owned(),
        category: Some(category),
        rejections: recent.len() as u32,
        weight,
    };
    words.map(term).collect()
}
