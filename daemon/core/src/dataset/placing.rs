//! Placing: which value of each axis a picture shows, by what a vision model saw and a person said.
//!
//! A person's word stays. Else what was seen counts, before what was asked for: a picture that shows something else than it
//! was to show is placed where it is, and that is kept.

use super::{Cell, Coverage, Otherwise, Picture, Placing, Source, caption::told};
use crate::review::{AskedAxis, Sight};

/// What is known of a character when their pictures are placed.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The axes of the dataset.
    pub coverage: &'a Coverage,
    /// What is always true of them, in the words a caption would have for it.
    pub looks: &'a [String],
    /// What they are called: their name and their trigger word.
    pub names: &'a [String],
}

/// What is told of a picture in training while no person has written it; empty: nothing was seen, or nothing is left.
pub fn caption_of(placing: &Placing, coverage: &Coverage, cell: &Cell) -> String {
    placing.seen.as_ref().map_or_else(String::new, |seen| told(coverage, cell, &seen.details).join(", "))
}

/// How a picture was placed until now. Before that was kept, people had said what stands of pictures from outside, and of
/// those that were made what differs from what was asked.
pub fn placing_of(picture: &Picture) -> Placing {
    if let Some(placing) = &picture.placing {
        return placing.clone();
    }
    let mut placing = Placing::default();
    let asked = picture.made.as_ref().filter(|_| picture.source == Source::Generated).map(|made| made.asked.clone());
    placing.said(&asked.unwrap_or_default(), &picture.cell);
    placing
}

/// What a vision model is asked to place pictures by: axes with a single value need nobody who looks.
pub fn asked_axes(coverage: &Coverage) -> Vec<AskedAxis> {
    let asked = coverage.axes.iter().filter(|axis| axis.values.len() > 1);
    asked
        .map(|axis| AskedAxis {
            name: axis.name.clone(),
            words: axis.values.iter().map(|value| (value.word.clone(), value.prompt.clone())).collect(),
        })
        .collect()
}

/// Where a picture belongs after a vision model has seen it, and who says so.
pub fn place(picture: &Picture, known: Known<'_>, sight: &Sight, judge: &str) -> (Cell, Placing) {
    let Known { coverage, looks, names } = known;
    let before = placing_of(picture);
    let sight = sight.clone().known(&asked_axes(coverage));
    let mut cell = picture.cell.clone();
    for (axis, word) in &sight.shows {
        if !before.by_person.contains(axis) {
            cell.insert(axis.clone(), word.clone());
        }
    }
    // Nobody sees an expression from behind.
    let whole = cell.clone();
    cell.retain(|axis, _| before.by_person.contains(axis) || coverage.applies(axis, &whole));
    let asked = picture.made.as_ref().filter(|_| picture.source == Source::Generated).map(|made| &made.asked);
    let otherwise = asked.into_iter().flatten().filter_map(|(axis, asked)| {
        let seen = sight.shows.get(axis).filter(|seen| *seen != asked && !before.by_person.contains(axis))?;
        Some(Otherwise { axis: axis.clone(), asked: asked.clone(), seen: seen.clone() })
    });
    let otherwise = otherwise.collect();
    let details = super::caption::sayable(&sight.details, looks, names);
    let seen = Some(Sight { details, ..sight });
    (cell, Placing { by_person: before.by_person, seen, judge: judge.to_owned(), otherwise })
}
