//! Plan: what the pictures of the next round show, and how they are made.
//!
//! First what was rejected and may be mended, then the emptiest cells of the grid that are likely to be approved. All of
//! it follows from stored rows and how many pictures were ever asked for, so a round that is planned again is the same.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Arm, ArmWhy, Cell, Coverage, Dataset, Evidences, Grid, Helped, Knobs, PictureState, Repair, Request, RequestState,
    Summary, Terms, Tried, Why, bandit, repair,
};
use crate::{
    chance::Chance,
    gates,
    ids::PictureId,
    units::{Millis, Seed},
    workflow::SlotValue,
};

/// A cell that was tried so often and never approved is given up, until a person resumes the dataset.
const HOPELESS: u32 = 6;
/// What an older result of a cell weighs against the next.
const FADES: f64 = 0.9;

/// What a round is planned on.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The dataset and its settings.
    pub dataset: &'a Dataset,
    /// What its pictures should show.
    pub coverage: &'a Coverage,
    /// All of its pictures, the rejected ones too.
    pub pictures: &'a [Summary],
    /// Open requests at least; older ones are welcome.
    pub requests: &'a [Request],
    /// The model that makes them; empty for drafts.
    pub model: &'a str,
    /// What can be turned on it, with its own values.
    pub knobs: Knobs,
    /// What is known of its arms for other characters.
    pub others: &'a Evidences,
    /// What was learned of arms before this moment is forgotten.
    pub forget: Millis,
    /// Words a person added to those that are avoided, or removed from them.
    pub terms: &'a Terms,
    /// How many pictures were ever asked for.
    pub asked_before: u64,
    /// The moment of the round.
    pub now: Millis,
}

/// A picture to ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// What it should show, on every axis that says something of it.
    pub cell: Cell,
    /// What its prompt says of that, in order.
    pub words: Vec<String>,
    /// Values of slots instead of the model's own.
    pub settings: BTreeMap<String, SlotValue>,
    /// How strongly the reference picture acts, 0..=1; `None`: there is none.
    pub reference_weight: Option<f64>,
    /// How strongly the trained addition acts, 0..=1; `None`: there is none.
    pub lora_strength: Option<f64>,
    /// Words the prompt says more strongly.
    pub stress: Vec<String>,
    /// Words it avoids, beside the model's own and the character's.
    pub avoid: Vec<String>,
    /// The picture is so much larger on each side, 1..=2.
    pub size_factor: f64,
    /// What is stored of it, and why this one now.
    pub tried: Tried,
    /// What makes it differ from all others.
    pub seed: Seed,
}

/// A planned round.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Round {
    /// What to ask for; fewer than there is room for when everything else was given up.
    pub asked: Vec<Asked>,
    /// Cells that were tried too often in vain.
    pub given_up: Vec<Cell>,
}

/// Why a picture cannot be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRepair {
    /// There is no such picture, or it is not rejected.
    #[error("only a rejected picture can be asked for again; reject it first")]
    NotRejected,
    /// Nobody knows how it was made.
    #[error("the picture came from outside, so nobody knows how to make it again; ask for a new one")]
    NotMade,
    /// All that could be done differently was tried.
    #[error("everything that could mend it was tried; ask for another picture instead")]
    Exhausted,
}

/// Plans a round of `pictures`.
pub fn plan_round(ground: &Ground<'_>, pictures: u32) -> Round {
    let mut planner = Planner::new(ground);
    if ground.dataset.settings.repair {
        planner.mend_open(pictures as usize);
    }
    planner.fill(pictures as usize, &Cell::new());
    Round { asked: planner.asked, given_up: planner.given_up.into_iter().collect() }
}

/// Plans `pictures` for somebody who wants all of them to show `wanted`, as far as its axes go together. What was tried in vain
/// is tried once more, and nothing else is mended with it.
pub fn plan_wanted(ground: &Ground<'_>, pictures: u32, wanted: &Cell) -> Vec<Asked> {
    if wanted.is_empty() {
        return plan_round(ground, pictures).asked;
    }
    let mut planner = Planner { given_up: BTreeSet::new(), ..Planner::new(ground) };
    planner.fill(pictures as usize, wanted);
    planner.asked
}

/// Asks for a rejected picture again, with the next repair it was not tried with.
///
/// # Errors
/// It is not rejected, not the studio's own, or everything was tried.
pub fn plan_repair(ground: &Ground<'_>, id: PictureId) -> Result<Asked, NoRepair> {
    let mut planner = Planner::new(ground);
    let rejected = planner.by_id.get(&id).filter(|picture| picture.state == PictureState::Rejected);
    let picture = *rejected.ok_or(NoRepair::NotRejected)?;
    if !picture.generated {
        return Err(NoRepair::NotMade);
    }
    planner.mend(picture).ok_or(NoRepair::Exhausted)
}

/// The seed of the picture that is asked for as the `number`th of a character, from 0. The same for ever, below 2^53.
pub fn seed_of(dataset: &Dataset, number: u64) -> Seed {
    gates::seed(Seed(number >> 32), &format!("dataset {}", dataset.character_id), number as u32)
}

struct Planner<'a> {
    ground: &'a Ground<'a>,
    by_id: BTreeMap<PictureId, &'a Summary>,
    grid: Grid<'a>,
    given_up: BTreeSet<Cell>,
    chances: BTreeMap<(String, String), (f64, f64)>,
    own: Evidences,
    helped: BTreeMap<String, Helped>,
    avoid: Vec<String>,
    chosen: BTreeSet<Cell>,
    asked: Vec<Asked>,
}

impl<'a> Planner<'a> {
    fn new(ground: &'a Ground<'a>) -> Self {
        let pictures = ground.pictures;
        let open = ground.requests.iter().filter(|request| request.state == RequestState::Open);
        let counted = pictures.iter().filter(|one| one.counts()).map(|one| &one.cell);
        let counted = counted.chain(open.map(|request| &request.asked));
        Self {
            ground,
            by_id: pictures.iter().map(|one| (one.id, one)).collect(),
            grid: Grid::new(ground.coverage, ground.dataset.settings.target, counted),
            given_up: given_up(ground),
            chances: chances(ground),
            own: bandit::evidence(pictures, ground.model, ground.forget, ground.now),
            helped: repair::helped(pictures),
            avoid: repair::avoided(pictures, ground.terms, ground.now).into_iter().map(|term| term.words).collect(),
            chosen: BTreeSet::new(),
            asked: Vec::new(),
        }
    }

    fn seed(&self) -> Seed {
        seed_of(self.ground.dataset, self.ground.asked_before + self.asked.len() as u64)
    }

    /// Repairs of what was rejected, as long as its cell is wanted.
    fn mend_open(&mut self, most: usize) {
        for picture in repair::open(self.ground.pictures, self.ground.requests, self.ground.dataset.since) {
            let place = self.ground.coverage.crossed(&picture.asked);
            let wanted = !place.is_empty() && !self.given_up.contains(&place) && !self.chosen.contains(&place);
            if self.asked.len() >= most || !wanted || !self.grid.wants(&place) {
                continue;
            }
            if let Some(asked) = self.mend(picture) {
                self.take(asked, place);
            }
        }
    }

    /// A rejected picture again, with the next repair; `None`: everything was tried.
    fn mend(&mut self, picture: &Summary) -> Option<Asked> {
        let ground = self.ground;
        let categories = &picture.decided.as_ref()?.categories;
        let chain = repair::chain(picture, &self.by_id)?;
        let tried = ground.pictures.iter().map(|one| &one.tried).chain(ground.requests.iter().map(|one| &one.tried));
        let here = tried.filter(|tried| tried.repairs == Some(picture.id)).map(|tried| tried.repair.as_str());
        let beside: Vec<&'static Repair> = here.filter_map(Repair::named).collect();
        let most = ground.coverage.reference(&picture.asked);
        let arm = Arm::named(&picture.tried.arm);
        let made = chain.iter().fold(arm.change.applied(ground.knobs), |knobs, repair| repair.change.applied(knobs));
        let (repair, category) = Repair::next(categories, &chain, &beside, made.within(most), most)?;
        let all: Vec<&Repair> = chain.iter().copied().chain([repair]).collect();
        let knobs = repair.change.applied(made.within(most)).within(most);
        let helped = self.helped.get(repair.name).copied().unwrap_or_default();
        let why = Why::Repair { repair: repair.name.into(), category, helped };
        let mut asked = self.asked(picture.asked.clone(), knobs, why);
        for repair in &all {
            self.say(repair, &mut asked);
        }
        asked.size_factor = all.iter().map(|repair| repair.size).product::<f64>().min(2.0);
        asked.tried.arm = arm.name.into();
        asked.tried.repairs = Some(picture.id);
        asked.tried.repair = repair.name.into();
        Some(asked)
    }

    /// Puts the words of a repair into a prompt, each once.
    fn say(&self, repair: &Repair, asked: &mut Asked) {
        let coverage = self.ground.coverage;
        let axis = |name: &&'static str| Some((coverage.axis(name)?, asked.cell.get(*name)?));
        let stressed = repair.stress_axes.iter().filter_map(axis);
        let stressed = stressed.filter_map(|(axis, word)| Some(axis.value(word).ok()?.prompt.clone()));
        let others = repair.avoid_axes.iter().filter_map(axis).flat_map(|(axis, word)| {
            let others = axis.values.iter().filter(move |value| value.word != *word);
            others.map(|value| value.prompt.clone())
        });
        let words = |words: &str| words.split(", ").map(str::to_owned).collect::<Vec<_>>();
        let stress: Vec<String> = words(repair.stress).into_iter().chain(stressed).collect();
        let avoid: Vec<String> = words(repair.avoid).into_iter().chain(others).collect();
        for (list, more) in [(&mut asked.stress, stress), (&mut asked.avoid, avoid)] {
            for words in more {
                if !words.is_empty() && !list.contains(&words) {
                    list.push(words);
                }
            }
        }
    }

    /// Asks for what is missing most of what shows `wanted`, until there are so many.
    fn fill(&mut self, pictures: usize, wanted: &Cell) {
        let places = self.places(wanted);
        while self.asked.len() < pictures {
            let Some(place) = self.emptiest(&places) else { break };
            self.ask(place, wanted);
        }
    }

    /// Places in the grid where pictures can show `wanted`, each once.
    fn places(&self, wanted: &Cell) -> Vec<Cell> {
        let coverage = self.ground.coverage;
        let mut seen = BTreeSet::new();
        let whole = coverage.cells().into_iter().map(|place| with(&place, wanted));
        let said = |axis: &String, cell: &Cell| coverage.applies(axis, cell) || !coverage.applies(axis, wanted);
        let fits = whole.filter(|cell| wanted.keys().all(|axis| said(axis, cell)));
        fits.map(|cell| coverage.crossed(&cell)).filter(|place| seen.insert(place.clone())).collect()
    }

    /// Which of these places in the grid the next picture is asked for; `None`: all were given up.
    fn emptiest(&mut self, places: &[Cell]) -> Option<Cell> {
        let mut chance = Chance::of(self.seed().0, "cell");
        let crossed = self.ground.coverage.axes.iter().filter(|axis| axis.crossed);
        let values = crossed.flat_map(|axis| axis.values.iter().map(|value| (axis.name.clone(), value.word.clone())));
        let drawn: BTreeMap<(String, String), f64> = values
            .map(|value| {
                let (good, bad) = self.chances.get(&value).copied().unwrap_or_default();
                (value, bandit::draw_beta(&mut chance, 1.0 + good, 1.0 + bad))
            })
            .collect();
        let mut best: Option<((bool, bool, f64), &Cell)> = None;
        for cell in places {
            if self.given_up.contains(cell) {
                continue;
            }
            let likely = cell.iter().filter_map(|(axis, word)| drawn.get(&(axis.clone(), word.clone())));
            let likely = likely.sum::<f64>() / cell.len().max(1) as f64;
            // What is full is only asked for when nothing is missing.
            let score = self.grid.emptiness(cell) * likely;
            let rank = (!self.chosen.contains(cell), self.grid.wants(cell), score);
            let better = best.as_ref().is_none_or(|(other, _)| {
                (rank.0, rank.1).cmp(&(other.0, other.1)).then(rank.2.total_cmp(&other.2)).is_gt()
            });
            if better {
                best = Some((rank, cell));
            }
        }
        best.map(|(_, cell)| cell.clone())
    }

    /// Asks for a place in the grid, and for what somebody wants beside it.
    fn ask(&mut self, place: Cell, wanted: &Cell) {
        let ground = self.ground;
        let cell = self.turned(&place, wanted);
        let most = ground.coverage.reference(&cell);
        let mut chance = Chance::of(self.seed().0, "arm");
        let arm = bandit::choose(&Arm::possible(ground.knobs, most), &self.own, ground.others, &mut chance);
        let (axis, word, have, want) = self.scarcest(&place);
        let why = Why::Missing { axis, word, have, want, arm: ArmWhy::of(arm, &self.own) };
        let mut asked = self.asked(cell, arm.change.applied(ground.knobs).within(most), why);
        if !wanted.is_empty() {
            // Whoever wants it knows why.
            asked.tried.why = None;
        }
        asked.tried.arm = arm.name.into();
        self.take(asked, place);
    }

    /// The value of a place that is missing most.
    fn scarcest(&self, place: &Cell) -> (String, String, u32, u32) {
        let values = place.iter().map(|(axis, word)| {
            let alone = Cell::from([(axis.clone(), word.clone())]);
            (axis.clone(), word.clone(), self.grid.have(&alone), self.grid.want(&alone))
        });
        let lack = |one: &(String, String, u32, f64)| one.3 - f64::from(one.2);
        let most = values.max_by(|a, b| lack(a).total_cmp(&lack(b)));
        most.map(|(axis, word, have, want)| (axis, word, have, want.ceil() as u32)).unwrap_or_default()
    }

    /// A place with what is wanted, and with the values of the axes that take turns: each the one that was used least for its
    /// share.
    fn turned(&self, place: &Cell, wanted: &Cell) -> Cell {
        let coverage = self.ground.coverage;
        let fixed = with(place, wanted);
        let mut cell = fixed.clone();
        for axis in coverage.axes.iter().filter(|axis| !axis.crossed && !wanted.contains_key(&axis.name)) {
            if !coverage.applies(&axis.name, &cell) {
                continue;
            }
            let fits = axis.values.iter().filter(|value| !value.without.iter().any(|axis| fixed.contains_key(axis)));
            let used = |word: &str| {
                let alone = Cell::from([(axis.name.clone(), word.to_owned())]);
                f64::from(self.grid.have(&alone))
            };
            let least = fits.map(|value| ((used(&value.word) + 1.0) / f64::from(value.share.max(1)), value));
            if let Some((_, value)) = least.min_by(|a, b| a.0.total_cmp(&b.0)) {
                cell.insert(axis.name.clone(), value.word.clone());
            }
        }
        let whole = cell.clone();
        cell.retain(|axis, _| coverage.applies(axis, &whole));
        cell
    }

    fn asked(&self, cell: Cell, knobs: Knobs, why: Why) -> Asked {
        Asked {
            words: self.ground.coverage.words(&cell).into_iter().map(str::to_owned).collect(),
            settings: knobs.settings(&self.ground.knobs),
            reference_weight: knobs.reference,
            lora_strength: knobs.lora,
            stress: Vec::new(),
            avoid: self.avoid.clone(),
            size_factor: 1.0,
            tried: Tried { why: Some(why), ..Tried::default() },
            seed: self.seed(),
            cell,
        }
    }

    fn take(&mut self, asked: Asked, place: Cell) {
        self.grid.add(&asked.cell);
        self.chosen.insert(place);
        self.asked.push(asked);
    }
}

/// A cell that says what `wanted` says, and all else as before.
fn with(cell: &Cell, wanted: &Cell) -> Cell {
    cell.iter().chain(wanted).map(|(axis, word)| (axis.clone(), word.clone())).collect()
}

/// Places that were tried too often in vain since the dataset was switched on or resumed.
fn given_up(ground: &Ground<'_>) -> BTreeSet<Cell> {
    let place = |cell: &Cell| ground.coverage.crossed(cell);
    let approved = ground.pictures.iter().filter(|one| one.state == PictureState::Approved);
    let approved: BTreeSet<Cell> = approved.map(|one| place(&one.cell)).collect();
    let mut tries: BTreeMap<Cell, u32> = BTreeMap::new();
    for picture in ground.pictures.iter().filter(|one| one.generated && one.created >= ground.dataset.since) {
        // What was approved and shows something else was tried in vain, too.
        if picture.copy || picture.state != PictureState::Pending {
            *tries.entry(place(&picture.asked)).or_default() += 1;
        }
    }
    tries
        .into_iter()
        .filter(|(cell, tries)| *tries >= HOPELESS && !approved.contains(cell))
        .map(|(cell, _)| cell)
        .collect()
}

/// How often each value of the crossed axes was approved and rejected; older results fade.
fn chances(ground: &Ground<'_>) -> BTreeMap<(String, String), (f64, f64)> {
    let mut decided: Vec<&Summary> =
        ground.pictures.iter().filter(|one| one.generated && one.decided.is_some()).collect();
    decided.sort_by_key(|one| (one.decided.as_ref().map(|decided| decided.at), one.id));
    let mut chances: BTreeMap<(String, String), (f64, f64)> = BTreeMap::new();
    for picture in decided {
        let good = picture.state == PictureState::Approved;
        for (axis, word) in ground.coverage.crossed(&picture.asked) {
            let known = chances.entry((axis, word)).or_default();
            *known = (known.0 * FADES + f64::from(u8::from(good)), known.1 * FADES + f64::from(u8::from(!good)));
        }
    }
    chances
}
