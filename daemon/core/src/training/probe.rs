//! Probe: which pictures show how good a LoRA is, and what a judge's word on one means.
//!
//! Near ones show what held-out pictures show, far ones what no picture of the set does, and one has no trigger word: a LoRA that
//! changes that too has swallowed everybody of the kind.

use std::collections::{BTreeMap, BTreeSet};

use super::{ProbeCase, ProbeKind, ProbeMarks};
use crate::{
    chance::Chance,
    dataset::{Cell, Coverage},
    ids::ContentHash,
    review::{Issue, MarkName},
    take::Verdict,
    units::Seed,
};

/// Probes of each kind but the control, of which there is one.
pub const EACH: usize = 4;
/// Axes on which one answer counts little: what is seen there is a matter of taste.
const SOFT: [&str; 1] = ["light"];

/// What the probes of a run show. `held_out` and `trained` are the cells of its pictures, `print` makes the choice and the seeds: the
/// same snapshot is probed with the same pictures.
pub fn cases(coverage: &Coverage, held_out: &[Cell], trained: &[Cell], print: ContentHash) -> Vec<ProbeCase> {
    let mut chance = Chance::of(print.leading_u64(), "probes");
    let mut near: Vec<Cell> = distinct(held_out.iter().filter(|cell| !cell.is_empty()).cloned());
    // A small set holds nothing out: then what most of its pictures show is near.
    let mut usual: BTreeMap<Cell, usize> = BTreeMap::new();
    for cell in trained.iter().filter(|cell| !cell.is_empty()) {
        *usual.entry(cell.clone()).or_default() += 1;
    }
    let mut usual: Vec<(Cell, usize)> = usual.into_iter().collect();
    usual.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    near.extend(usual.into_iter().map(|(cell, _)| cell));
    let mut near = distinct(near.into_iter());
    near.truncate(EACH);
    let far = far(coverage, held_out, trained, &mut chance);
    let control = near.first().or(far.first()).cloned().unwrap_or_default();
    let of = |kind: ProbeKind| move |cell: Cell| (kind, cell);
    let all = near.into_iter().map(of(ProbeKind::Near)).chain(far.into_iter().map(of(ProbeKind::Far)));
    let all = all.chain([(ProbeKind::Control, control)]);
    all.map(|(kind, cell)| ProbeCase {
        kind,
        words: coverage.words(&cell).join(", "),
        cell,
        // As ComfyUI takes them: 63 bits at most, and people type them.
        seed: Seed(chance.whole(1, u64::from(u32::MAX))),
    })
    .collect()
}

/// Cells of the whole grid, with what takes turns beside it, that are furthest from what there is.
fn far(coverage: &Coverage, held_out: &[Cell], trained: &[Cell], chance: &mut Chance) -> Vec<Cell> {
    let known: Vec<&Cell> = trained.iter().chain(held_out).collect();
    let seen = |axis: &str, word: &str| known.iter().filter(|cell| cell.get(axis).is_some_and(|is| is == word)).count();
    let whole = |mut cell: Cell, chance: &mut Chance| {
        for axis in coverage.axes.iter().filter(|axis| !axis.crossed && axis.values.len() > 1) {
            if !coverage.applies(&axis.name, &cell) {
                continue;
            }
            // What the set shows least often; of equals whichever chance says.
            let least = axis.values.iter().map(|value| seen(&axis.name, &value.word)).min().unwrap_or(0);
            let rare: Vec<_> = axis.values.iter().filter(|value| seen(&axis.name, &value.word) == least).collect();
            let value = rare[chance.whole(0, rare.len() as u64 - 1) as usize];
            cell.insert(axis.name.clone(), value.word.clone());
        }
        cell
    };
    let mut cells: Vec<(usize, u64, Cell)> = coverage
        .cells()
        .into_iter()
        .map(|cell| {
            let there = known.iter().filter(|one| coverage.crossed(one) == cell).count();
            (there, chance.bits(), cell)
        })
        .collect();
    cells.sort();
    // Four views from behind say little about anybody: each angle of the crossed axes takes its turn.
    let mut taken: Vec<Cell> = Vec::new();
    while taken.len() < EACH && !cells.is_empty() {
        let alike = |cell: &Cell| {
            taken
                .iter()
                .map(|one| cell.iter().filter(|(axis, word)| one.get(*axis) == Some(word)).count())
                .sum::<usize>()
        };
        let Some(at) = (0..cells.len()).min_by_key(|at| (alike(&cells[*at].2), cells[*at].0)) else { break };
        taken.push(cells.remove(at).2);
    }
    taken.into_iter().map(|cell| whole(cell, chance)).collect()
}

fn distinct(cells: impl Iterator<Item = Cell>) -> Vec<Cell> {
    let mut seen = BTreeSet::new();
    cells.filter(|cell| seen.insert(cell.clone())).collect()
}

/// What a judge's word on a probe means; `None` where it cannot say who it is, or what it shows.
pub fn marks(case: &ProbeCase, coverage: &Coverage, verdict: &Verdict) -> Option<ProbeMarks> {
    let identity = verdict.marks.iter().find(|mark| mark.name == MarkName::CharacterMatch)?.measured / 10.0;
    let seen = &verdict.seen.as_ref()?.shows;
    let asked = case.cell.iter().filter(|(axis, _)| {
        let told = coverage.axis(axis).is_some_and(|axis| axis.values.len() > 1);
        told && coverage.applies(axis, &case.cell) && !SOFT.contains(&axis.as_str())
    });
    let (mut all, mut met) = (0.0, 0.0);
    for (axis, word) in asked {
        all += 1.0;
        met += f64::from(u8::from(seen.get(axis) == Some(word)));
    }
    let wrong = |issue: &Issue| {
        matches!(issue, Issue::BadAnatomy | Issue::Blurry | Issue::ArtifactFlicker | Issue::TextWatermark)
    };
    Some(ProbeMarks {
        identity: identity.clamp(0.0, 1.0),
        faithful: if all == 0.0 { 1.0 } else { met / all },
        defect: f64::from(u8::from(verdict.issues.iter().any(wrong) || verdict.is_crowded())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        review::{Mark, Sight},
        units::Score,
    };

    fn cell(words: &[(&str, &str)]) -> Cell {
        words.iter().map(|(axis, word)| ((*axis).to_owned(), (*word).to_owned())).collect()
    }

    #[test]
    fn probes_are_near_what_was_held_out_and_far_from_all_there_is() {
        let coverage = Coverage::shipped();
        let front = cell(&[("framing", "face"), ("angle", "front"), ("expression", "neutral"), ("place", "plain")]);
        let held = cell(&[("framing", "upper"), ("angle", "front"), ("expression", "smile"), ("place", "plain")]);
        let trained = vec![front.clone(); 12];
        let print = ContentHash::of(b"set");
        let made = cases(&coverage, std::slice::from_ref(&held), &trained, print);
        assert_eq!(
            made,
            cases(&coverage, std::slice::from_ref(&held), &trained, print),
            "the same set, the same probes"
        );
        assert_eq!(made[0].cell, held);
        let kinds = |kind| made.iter().filter(|one| one.kind == kind).count();
        assert_eq!((kinds(ProbeKind::Near), kinds(ProbeKind::Far), kinds(ProbeKind::Control)), (2, EACH, 1));
        for far in made.iter().filter(|one| one.kind == ProbeKind::Far) {
            assert_ne!(coverage.crossed(&far.cell), coverage.crossed(&front));
            assert_ne!(far.cell.get("place").map(String::as_str), Some("plain"), "{far:?}");
            assert!(!far.words.is_empty());
            coverage.check_cell(&far.cell).unwrap();
        }
        let angles: BTreeSet<_> =
            made.iter().filter(|one| one.kind == ProbeKind::Far).map(|one| &one.cell["angle"]).collect();
        assert!(angles.len() > 1, "{angles:?}");
        assert_ne!(made[0].seed, made[1].seed);
    }

    #[test]
    fn a_set_nobody_has_placed_is_probed_all_the_same() {
        let made = cases(&Coverage::shipped(), &[], &[Cell::new()], ContentHash::of(b""));
        assert_eq!(made.iter().filter(|one| one.kind == ProbeKind::Far).count(), EACH);
        assert_eq!(made.last().unwrap().kind, ProbeKind::Control);
    }

    #[test]
    fn a_judge_without_eyes_says_nothing_of_a_probe() {
        let coverage = Coverage::shipped();
        let case = ProbeCase {
            kind: ProbeKind::Near,
            cell: cell(&[
                ("framing", "face"),
                ("angle", "back"),
                ("expression", "smile"),
                ("outfit", "usual"),
                ("light", "day"),
            ]),
            words: String::new(),
            seed: Seed(1),
        };
        let mut verdict = Verdict { judge: "eyes".into(), ..Verdict::default() };
        assert_eq!(marks(&case, &coverage, &verdict), None);
        let mark = Mark {
            name: MarkName::CharacterMatch,
            score: Score::from_percent(80),
            measured: 8.0,
            unit: "of 10".into(),
        };
        verdict.marks.push(mark);
        assert_eq!(marks(&case, &coverage, &verdict), None, "it has not said what it shows");
        let shows = cell(&[("framing", "face"), ("angle", "front")]);
        verdict.seen = Some(Box::new(Sight { shows, details: Vec::new() }));
        // Framing is as asked, the angle is not; from behind nobody sees a face, and light is a matter of taste.
        let said = marks(&case, &coverage, &verdict).unwrap();
        assert!(
            (said.identity - 0.8).abs() < 1e-9 && (said.faithful - 0.5).abs() < 1e-9 && said.defect == 0.0,
            "{said:?}"
        );
        verdict.issues = vec![Issue::BadAnatomy];
        assert!((marks(&case, &coverage, &verdict).unwrap().defect - 1.0).abs() < 1e-9);
    }
}
