//! Coverage: what the pictures of a dataset should show between them, and what is still missing.
//!
//! A picture is placed by a word on each axis ([`Cell`]). Axes that are crossed make a grid: a face from the side is
//! something else than a body from the side. The others only take turns.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Cell;
use crate::{nearest::nearest, shot::ShotType};

/// The axes that come with the program, as TOML.
pub const SHIPPED: &str = include_str!("../../../../coverage.toml");

/// Most axes that are crossed: each multiplies the cells.
const MOST_CROSSED: usize = 4;
/// Most cells of the grid.
const MOST_CELLS: usize = 1000;
/// How empty what is full still counts, so that something is asked for when everything is.
const FULL: f64 = 0.02;

/// What the pictures of a dataset should show between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Coverage {
    /// In the order in which a prompt says them.
    pub axes: Vec<Axis>,
    /// From when on a model can be trained on it.
    #[serde(default)]
    pub ready: Ready,
}

/// One thing in which pictures differ: how close, from where, with which face.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Axis {
    /// Its stable name: lower-case letters, digits and `_`.
    pub name: String,
    /// Its values are wanted together with those of the other crossed axes; else they take turns.
    #[serde(default)]
    pub crossed: bool,
    /// What there is on it.
    pub values: Vec<AxisValue>,
}

/// One value of an axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AxisValue {
    /// Its stable word: lower-case letters, digits and `_`.
    pub word: String,
    /// What a prompt says; empty: nothing.
    #[serde(default)]
    pub prompt: String,
    /// How much of the pictures, against the other values of its axis, 1..=1000.
    pub share: u32,
    /// Axes that say nothing of a picture with this value: nobody sees an expression from behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// Shots that are framed like this; a shot begins only from pictures that are framed like it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shots: Vec<ShotType>,
    /// Words of a screenplay that mean it, e.g. `laughs`; its place and its hour are read, too: `interior`, `night`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// How strongly a reference picture may act at most, in percent, 0..=100; `None`: as strongly as it likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<u32>,
}

/// From when on a model can be trained on a dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Ready {
    /// Approved pictures without which it is not ready.
    #[serde(default)]
    pub approved: u32,
    /// What it must show, so that the model is not stiff.
    #[serde(default)]
    pub needs: Vec<Need>,
}

/// Something a dataset must show, so that the model is not stiff: so many pictures, or so many values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Need {
    /// On which axis.
    pub axis: String,
    /// Which of its values count; empty: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Approved pictures with one of them at least.
    #[serde(default)]
    pub pictures: u32,
    /// Different values of them at least.
    #[serde(default)]
    pub different: u32,
}

/// How many pictures with a value there are, and should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Tally {
    /// On which axis.
    pub axis: String,
    /// Which of its values.
    pub word: String,
    /// How many there are.
    pub have: u32,
    /// How many there should be at the target.
    pub want: u32,
}

/// Something that would keep a model from being stiff, and is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Missing {
    /// What is needed.
    pub need: Need,
    /// How many there are: pictures, or different values.
    pub have: u32,
}

/// Whether a model can be trained on a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Readiness {
    /// There are enough pictures.
    pub ready: bool,
    /// Approved pictures there are.
    pub approved: u32,
    /// Approved pictures without which it is not ready.
    pub least: u32,
    /// What makes it stiff; nothing when it is ready for everything.
    pub missing: Vec<Missing>,
}

impl Coverage {
    /// What comes with the program.
    pub fn shipped() -> Self {
        Self::parse(SHIPPED).expect("a test reads it")
    }

    /// Reads a file of axes.
    ///
    /// # Errors
    /// What is wrong with it: no TOML, an unknown key, or the first thing [`Self::check`] finds.
    pub fn parse(text: &str) -> Result<Self, String> {
        let coverage: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        match coverage.check().into_iter().next() {
            Some(wrong) => Err(wrong),
            None => Ok(coverage),
        }
    }

    /// What is wrong with it, one sentence each.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.axes.is_empty() {
            wrong.push("there is no axis; write at least one [[axes]]".into());
        }
        let mut seen = BTreeSet::new();
        for axis in &self.axes {
            if !seen.insert(&axis.name) {
                wrong.push(format!("there are two axes '{}'; call one of them otherwise", axis.name));
            }
            self.check_axis(axis, &mut wrong);
        }
        let crossed = self.axes.iter().filter(|axis| axis.crossed);
        let cells = crossed.clone().map(|axis| axis.values.len().max(1)).fold(1usize, usize::saturating_mul);
        if crossed.count() > MOST_CROSSED || cells > MOST_CELLS {
            wrong.push(format!(
                "the crossed axes make {cells} cells; cross at most {MOST_CROSSED} axes with {MOST_CELLS} cells"
            ));
        }
        for need in &self.ready.needs {
            let name = &need.axis;
            let Some(axis) = self.axis(name) else {
                wrong.push(format!("ready.needs: {}", self.no_axis(name)));
                continue;
            };
            wrong.extend(
                need.words.iter().filter_map(|word| axis.value(word).err()).map(|e| format!("ready.needs: {e}")),
            );
            if (need.pictures == 0) == (need.different == 0) {
                wrong.push(format!(
                    "ready.needs: {name} must say either how many pictures or how many different values"
                ));
            }
            let values = if need.words.is_empty() { axis.values.len() } else { need.words.len() };
            if need.different as usize > values {
                wrong.push(format!("ready.needs: {name} has only {values} values; {} cannot differ", need.different));
            }
        }
        wrong
    }

    fn check_axis(&self, axis: &Axis, wrong: &mut Vec<String>) {
        let name = &axis.name;
        if !is_word(name) {
            wrong.push(format!("an axis is called '{name}'; use up to 40 lower-case letters, digits and '_'"));
        }
        if axis.values.is_empty() {
            wrong.push(format!("axis {name} has no value; write at least one"));
        }
        let mut seen = BTreeSet::new();
        for value in &axis.values {
            let word = &value.word;
            let mut say = |text: String| wrong.push(format!("{name} '{word}': {text}"));
            if !is_word(word) {
                say("a word is made of up to 40 lower-case letters, digits and '_'".into());
            }
            if !seen.insert(word) {
                say("it is there twice".into());
            }
            if !(1..=1000).contains(&value.share) {
                say(format!("share is {}; it must be from 1 to 1000", value.share));
            }
            if value.prompt.chars().count() > 200 || value.prompt.contains('\n') {
                say("prompt is one line of at most 200 characters".into());
            }
            if value.reference.is_some_and(|percent| percent > 100) {
                say("reference must be from 0 to 100".into());
            }
            let long = |word: &String| !(1..=60).contains(&word.trim().chars().count());
            if value.words.len() > 200 || value.words.iter().any(long) {
                say("words are at most 200, each of 1 to 60 characters".into());
            }
            for other in &value.without {
                match self.axis(other) {
                    None => say(format!("without: {}", self.no_axis(other))),
                    Some(_) if other == name => say("it cannot be without its own axis".into()),
                    Some(other) if other.values.iter().any(|value| value.without.contains(name)) => {
                        say(format!("{name} and {} cannot both be without each other", other.name));
                    }
                    Some(_) => {}
                }
            }
        }
    }

    fn no_axis(&self, name: &str) -> String {
        let hint = nearest(name, self.axes.iter().map(|axis| axis.name.as_str()));
        let hint = hint.map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
        format!("there is no axis '{name}'{hint}")
    }

    /// The axis of this name.
    pub fn axis(&self, name: &str) -> Option<&Axis> {
        self.axes.iter().find(|axis| axis.name == name)
    }

    /// What is wrong with a cell somebody wrote, in one sentence.
    ///
    /// # Errors
    /// An axis or a word there is not; what was meant is named.
    pub fn check_cell(&self, cell: &Cell) -> Result<(), String> {
        cell.iter()
            .try_for_each(|(name, word)| self.axis(name).ok_or_else(|| self.no_axis(name))?.value(word).map(drop))
    }

    /// The values of a cell that are known here, in the order of the axes.
    fn values<'a>(&'a self, cell: &'a Cell) -> impl Iterator<Item = (&'a Axis, &'a AxisValue)> {
        self.axes.iter().filter_map(|axis| Some((axis, axis.value(cell.get(&axis.name)?).ok()?)))
    }

    /// Whether an axis says something of pictures of this cell.
    pub fn applies(&self, axis: &str, cell: &Cell) -> bool {
        !self.values(cell).any(|(_, value)| value.without.iter().any(|without| without == axis))
    }

    /// A cell's place in the grid: its crossed axes alone.
    pub fn crossed(&self, cell: &Cell) -> Cell {
        let crossed = |(axis, word): &(&String, &String)| {
            self.axis(axis).is_some_and(|axis| axis.crossed && axis.value(word).is_ok()) && self.applies(axis, cell)
        };
        cell.iter().filter(crossed).map(|(axis, word)| (axis.clone(), word.clone())).collect()
    }

    /// Every cell of the grid, in the order of the axes and their values.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells = vec![Cell::new()];
        for axis in self.axes.iter().filter(|axis| axis.crossed) {
            let with = |cell: &Cell| {
                let each = axis.values.iter().map(|value| {
                    let mut cell = cell.clone();
                    cell.insert(axis.name.clone(), value.word.clone());
                    cell
                });
                each.collect::<Vec<_>>()
            };
            cells = cells.iter().flat_map(with).collect();
        }
        // A cell without an expression is there once, not once with each expression.
        let mut seen = BTreeSet::new();
        cells.iter().map(|cell| self.crossed(cell)).filter(|cell| seen.insert(cell.clone())).collect()
    }

    /// What a prompt says of a cell, in the order of the axes.
    pub fn words<'a>(&'a self, cell: &'a Cell) -> Vec<&'a str> {
        let said = self.values(cell).filter(|(axis, _)| self.applies(&axis.name, cell));
        said.map(|(_, value)| value.prompt.as_str()).filter(|words| !words.is_empty()).collect()
    }

    /// The same without axes on which all pictures are alike: what never changes is told of none.
    pub fn varying<'a>(&'a self, cell: &'a Cell) -> Vec<&'a str> {
        let said = self.values(cell).filter(|(axis, _)| axis.values.len() > 1 && self.applies(&axis.name, cell));
        said.map(|(_, value)| value.prompt.as_str()).filter(|words| !words.is_empty()).collect()
    }

    /// How strongly a reference picture may act in a cell, 0..=1; `None`: as strongly as it likes.
    pub fn reference(&self, cell: &Cell) -> Option<f64> {
        self.values(cell).filter_map(|(_, value)| value.reference).min().map(|percent| f64::from(percent) / 100.0)
    }

    /// Which share of all pictures should show the values of a cell, 0..=1. What the cell leaves open may be anything that
    /// goes with it.
    pub fn expected(&self, cell: &Cell) -> f64 {
        if cell.keys().any(|axis| !self.applies(axis, cell)) {
            return 0.0;
        }
        let own: f64 = self.values(cell).map(|(axis, value)| axis.part(value)).product();
        let open = self.axes.iter().filter(|axis| !cell.contains_key(&axis.name));
        let goes = open.map(|axis| {
            let against = |value: &&AxisValue| value.without.iter().any(|without| cell.contains_key(without));
            1.0 - axis.values.iter().filter(against).map(|value| axis.part(value)).sum::<f64>()
        });
        own * goes.product::<f64>()
    }

    /// How many of `counted` there are of each value, and how many there should be at the target. What an axis is to have
    /// adds up: the largest remainders get what is left.
    pub fn tallies(&self, counted: &[&Cell], target: u32) -> Vec<Tally> {
        let of_axis = |axis: &Axis| {
            let alone = |value: &AxisValue| Cell::from([(axis.name.clone(), value.word.clone())]);
            let exact: Vec<f64> =
                axis.values.iter().map(|value| f64::from(target) * self.expected(&alone(value))).collect();
            let want = apportioned(&exact);
            let have =
                |word: &str| counted.iter().filter(|cell| cell.get(&axis.name).is_some_and(|is| is == word)).count();
            let tally = |(value, want): (&AxisValue, u32)| Tally {
                axis: axis.name.clone(),
                word: value.word.clone(),
                have: have(&value.word) as u32,
                want,
            };
            axis.values.iter().zip(want).map(tally).collect::<Vec<_>>()
        };
        self.axes.iter().flat_map(of_axis).collect()
    }

    /// The values that `approved` has too few of, those that lack most first: "ready, but no side view".
    pub fn gaps(&self, approved: &[&Cell], target: u32) -> Vec<Tally> {
        let mut gaps = self.tallies(approved, target);
        gaps.retain(|tally| tally.have < tally.want);
        gaps.sort_by_key(|tally| std::cmp::Reverse(tally.want - tally.have));
        gaps
    }

    /// Whether a model can be trained on pictures of these cells.
    pub fn readiness(&self, approved: &[&Cell]) -> Readiness {
        let missing = self.ready.needs.iter().filter_map(|need| {
            let words = approved.iter().filter_map(|cell| cell.get(&need.axis));
            let counts: Vec<&String> =
                words.filter(|word| need.words.is_empty() || need.words.contains(word)).collect();
            let have = if need.pictures > 0 { counts.len() } else { counts.iter().collect::<BTreeSet<_>>().len() };
            let enough = need.pictures.max(need.different) as usize;
            (have < enough).then(|| Missing { need: need.clone(), have: have as u32 })
        });
        let count = approved.len() as u32;
        Readiness {
            ready: count >= self.ready.approved,
            approved: count,
            least: self.ready.approved,
            missing: missing.collect(),
        }
    }
}

impl Axis {
    /// The value with this word.
    ///
    /// # Errors
    /// There is none; what was meant is named.
    pub fn value(&self, word: &str) -> Result<&AxisValue, String> {
        self.values.iter().find(|value| value.word == word).ok_or_else(|| {
            let hint = nearest(word, self.values.iter().map(|value| value.word.as_str()));
            let hint = hint.map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
            format!("{} has no '{word}'{hint}", self.name)
        })
    }

    /// A value's part of its axis, 0..=1.
    fn part(&self, value: &AxisValue) -> f64 {
        let all: u32 = self.values.iter().map(|value| value.share).sum();
        f64::from(value.share) / f64::from(all.max(1))
    }
}

fn is_word(word: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !word.is_empty() && word.len() <= 40 && word.bytes().all(fits)
}

/// Whole numbers close to `exact` with the same sum, as far as that is whole.
fn apportioned(exact: &[f64]) -> Vec<u32> {
    let mut whole: Vec<u32> = exact.iter().map(|number| *number as u32).collect();
    let rest = (exact.iter().sum::<f64>().round() as u32).saturating_sub(whole.iter().sum());
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()));
    for at in order.into_iter().take(rest as usize) {
        whole[at] += 1;
    }
    whole
}

/// How full a grid is: what is counted, so that the emptiest cell can be found again and again.
#[derive(Debug)]
pub struct Grid<'a> {
    coverage: &'a Coverage,
    target: f64,
    counted: Vec<Cell>,
    known: BTreeMap<Cell, f64>,
}

impl<'a> Grid<'a> {
    /// The grid with what there is and what was asked for.
    pub fn new(coverage: &'a Coverage, target: u32, counted: impl IntoIterator<Item = &'a Cell>) -> Self {
        let counted = counted.into_iter().cloned().collect();
        Self { coverage, target: f64::from(target), counted, known: BTreeMap::new() }
    }

    /// Counts one more.
    pub fn add(&mut self, cell: &Cell) {
        self.counted.push(cell.clone());
        self.known.clear();
    }

    /// How many show all the values of `cell`.
    pub fn have(&self, cell: &Cell) -> u32 {
        let shows = |one: &&Cell| cell.iter().all(|(axis, word)| one.get(axis) == Some(word));
        self.counted.iter().filter(shows).count() as u32
    }

    /// How many should, at the target.
    pub fn want(&self, cell: &Cell) -> f64 {
        self.target * self.coverage.expected(cell)
    }

    /// What is missing of `cell` against what should be there, 1 (all of it) to -1 (there is far too much).
    fn lack(&mut self, cell: Cell) -> f64 {
        if let Some(known) = self.known.get(&cell) {
            return *known;
        }
        let want = self.want(&cell);
        // What should be there at least half is missing as a whole: there are no halves of pictures.
        let want = if want < 0.5 { want } else { want.max(1.0) };
        let lack = ((want - f64::from(self.have(&cell))) / want.max(1.0)).clamp(-1.0, 1.0);
        self.known.insert(cell, lack);
        lack
    }

    /// There should be more pictures of a cell.
    pub fn wants(&mut self, cell: &Cell) -> bool {
        self.lack(cell.clone()) > 0.0
    }

    /// How empty a cell of the grid is, above 0, at most 1: what is missing of its values in the mean, times what is
    /// missing of its pairs of values in the mean, squared. A small set has fewer pictures than cells, so that pairs are
    /// what it can show; values keep the shares.
    pub fn emptiness(&mut self, cell: &Cell) -> f64 {
        let values: Vec<(&String, &String)> = cell.iter().collect();
        let part = |some: &[usize]| some.iter().map(|at| (values[*at].0.clone(), values[*at].1.clone())).collect();
        let singles = (0..values.len()).map(|at| part(&[at])).collect::<Vec<Cell>>();
        let pairs = (0..values.len()).flat_map(|b| (0..b).map(move |a| [a, b]));
        let pairs = pairs.map(|pair| part(&pair)).collect::<Vec<Cell>>();
        let mut mean = |parts: Vec<Cell>| {
            let count = parts.len().max(1) as f64;
            if parts.is_empty() {
                1.0
            } else {
                parts.into_iter().map(|part| self.lack(part).max(FULL)).sum::<f64>() / count
            }
        };
        mean(singles) * mean(pairs).powi(2)
    }
}
