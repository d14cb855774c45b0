//! Fitting: which picture of a dataset comes closest to what a shot is to show, so that the shot can begin from it.
//!
//! A shot's plan is read by the words and shot types that the values of the axes name ([`AxisValue::words`],
//! [`AxisValue::shots`]): data, so that a user's own axes are read like the shipped ones.

use std::{cmp::Reverse, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::{AxisValue, Cell, Coverage, Picture};
use crate::{
    ids::ContentHash,
    scene::{Look, Setting, TimeOfDay},
    shot::ShotPlan,
};

/// How a picture's place in the grid compares with what a shot asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CellFit {
    /// Axes on which it shows what is asked for.
    pub agrees: Vec<String>,
    /// Axes on which it shows something else.
    pub differs: Vec<String>,
    /// It fits well enough to be chosen without a person: framed as the shot is, and more agrees than differs.
    pub close: bool,
    /// What agrees less what differs; crossed axes count double.
    pub points: i32,
}

/// What a shot of one character asks of a picture, by axis, as far as its plan and its scene say it.
pub fn asked_by(coverage: &Coverage, look: &Look, plan: &ShotPlan) -> Cell {
    let text = said(look, plan);
    let mut cell = Cell::new();
    for axis in &coverage.axes {
        // What is told of the shot goes before how it is framed, and what is told first before what comes later.
        let told = axis.values.iter().filter_map(|value| Some((mentioned(value, &text)?, value)));
        let told = told.min_by_key(|(at, _)| *at).map(|(_, value)| value);
        let framed = || axis.values.iter().find(|value| value.shots.contains(&plan.shot_type));
        cell.extend(told.or_else(framed).map(|value| (axis.name.clone(), value.word.clone())));
    }
    // Nobody sees an expression from behind.
    let names: Vec<String> = cell.keys().cloned().collect();
    for name in names {
        if !coverage.applies(&name, &cell) {
            cell.remove(&name);
        }
    }
    cell
}

/// The words of a shot, in small letters: what is seen and how it is said, then where and when it plays.
fn said(look: &Look, plan: &ShotPlan) -> Vec<String> {
    let setting = match look.setting {
        Setting::Interior => "interior",
        Setting::Exterior => "exterior",
        Setting::Both => "",
    };
    let hour = match look.time_of_day {
        TimeOfDay::Dawn => "dawn",
        TimeOfDay::Morning => "morning",
        TimeOfDay::Midday => "midday",
        TimeOfDay::Afternoon => "afternoon",
        TimeOfDay::Sunset => "sunset",
        TimeOfDay::Evening => "evening",
        TimeOfDay::Night => "night",
    };
    // Who is only heard shows nothing.
    let seen = |name: &str| plan.characters.iter().any(|one| one.eq_ignore_ascii_case(name));
    let manners =
        plan.lines.iter().filter(|line| seen(&line.character)).filter_map(|line| line.parenthetical.as_deref());
    let texts =
        std::iter::once(plan.description.as_str()).chain(manners).chain([setting, hour, look.location.as_str()]);
    let mut words = Vec::new();
    for text in texts {
        words.extend(text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase));
        // Words of two texts make no phrase together.
        words.push(String::new());
    }
    words
}

/// Where a text first has one of the words that mean a value. Its own word is none of them: `back` is in "comes back", too.
fn mentioned(value: &AxisValue, text: &[String]) -> Option<usize> {
    let at = |phrase: &String| {
        let wanted: Vec<String> = phrase
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        if wanted.is_empty() { None } else { text.windows(wanted.len()).position(|words| words == wanted) }
    };
    value.words.iter().filter_map(at).min()
}

/// How a picture with `cell` compares with what is asked for. What is not known of it speaks neither for nor against it.
pub fn fit(coverage: &Coverage, asked: &Cell, cell: &Cell) -> CellFit {
    let mut fit = CellFit::default();
    let mut framed = true;
    for axis in &coverage.axes {
        let (Some(wanted), Some(shows)) = (asked.get(&axis.name), cell.get(&axis.name)) else { continue };
        let weight = if axis.crossed { 2 } else { 1 };
        if wanted == shows {
            fit.agrees.push(axis.name.clone());
            fit.points += weight;
        } else {
            fit.differs.push(axis.name.clone());
            fit.points -= weight;
            // A close-up is not made from somebody far away.
            framed &= axis.values.iter().all(|value| value.shots.is_empty());
        }
    }
    fit.close = framed && fit.points > 0;
    fit
}

/// The picture that comes closest to what is asked for, of those that are close. Of equals, real ones go before made ones;
/// further ones are told apart by `shot`, a text that is the shot's own, so that one more picture changes few shots.
pub fn closest<'a>(
    coverage: &Coverage,
    asked: &Cell,
    pictures: impl IntoIterator<Item = &'a Picture>,
    shot: &str,
) -> Option<(&'a Picture, CellFit)> {
    // Many pictures are in few cells.
    let mut fits: BTreeMap<&Cell, CellFit> = BTreeMap::new();
    let mut best: Vec<&Picture> = Vec::new();
    let mut rank = (i32::MIN, Reverse(u32::MAX));
    for picture in pictures.into_iter().filter(|picture| picture.is_trained_on()) {
        let fits = fits.entry(&picture.cell).or_insert_with(|| fit(coverage, asked, &picture.cell));
        let own = (fits.points, Reverse(picture.lineage));
        if fits.close && own >= rank {
            if own > rank {
                best.clear();
            }
            best.push(picture);
            rank = own;
        }
    }
    let drawn = |picture: &&Picture| {
        let drawn = ContentHash::of(format!("{shot}/{}", picture.file.hash).as_bytes()).leading_u64();
        (drawn, picture.id)
    };
    let chosen = best.into_iter().max_by_key(drawn)?;
    Some((chosen, fits.remove(&chosen.cell)?))
}
