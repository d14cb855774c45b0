//! Step: what a run needs next, as a pure function of its stored rows: a slice, pictures to compare, or a decision. There is no
//! other state, so a restart only has it looked again.

use std::collections::BTreeSet;

use super::{
    Choice, ChoiceWhy, Contender, Found, Probe, ProbeKind, ProbeState, Ranked, TrainedEpoch, Training, TrainingState,
    choose::{difference, estimate, hopeless, winner},
};
use crate::ids::LoraId;

/// How strongly a LoRA acts while epochs are compared, in percent.
pub const USUAL_STRENGTH: u32 = 80;
/// Strengths the best epoch is tried with.
pub const STRENGTHS: [u32; 3] = [60, 80, 100];
/// Shares of the run, in percent, whose epochs are compared first.
const COARSE: [u32; 4] = [40, 60, 80, 100];
/// Probes of each kind that are compared first.
const FEW: usize = 2;
/// Steps a slice should have: below, more time goes into loading than into training.
const SLICE_STEPS: u32 = 100;

/// What is known of a run.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The run as it is stored.
    pub training: &'a Training,
    /// Its epochs that are there, in order.
    pub epochs: &'a [TrainedEpoch],
    /// Its probes, in any order.
    pub probes: &'a [Probe],
    /// A slice of it is being made, or waits for its turn.
    pub slice_open: bool,
    /// The LoRA that is used now, and how strongly it acts in percent; `None`: there is none.
    pub active: Option<(LoraId, u32)>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Train epochs after `after` up to `to`.
    Slice {
        /// Epochs that are done.
        after: u32,
        /// The epoch that the slice ends with.
        to: u32,
    },
    /// All epochs are there: they are compared from now on.
    Compare,
    /// Make these pictures: whose, and which case.
    Probe(Vec<(Contender, u32)>),
    /// It is decided.
    Decide(Choice),
    /// A person has to choose.
    AskPerson(Choice),
}

/// What a run needs next; nothing: it waits for what is being made, for a person, or is over.
pub fn step(ground: &Ground<'_>) -> Option<Effect> {
    let training = ground.training;
    match training.state {
        TrainingState::Training => slice(ground),
        TrainingState::Probing => compare(ground).map(|effect| match effect {
            Effect::Probe(_) if training.paused => None,
            effect => Some(effect),
        })?,
        _ => None,
    }
}

/// Epochs of a slice: one, or so many that loading the model is worth it.
pub fn slice_epochs(epoch_steps: u32) -> u32 {
    SLICE_STEPS.div_ceil(epoch_steps.max(1)).max(1)
}

fn slice(ground: &Ground<'_>) -> Option<Effect> {
    let plan = &ground.training.plan;
    let after = ground.epochs.iter().map(|one| one.epoch).max().unwrap_or(0);
    if after >= plan.epochs {
        return Some(Effect::Compare);
    }
    if ground.training.paused {
        return None;
    }
    if let Some(asked) = samples(ground) {
        return Some(Effect::Probe(asked));
    }
    if ground.slice_open {
        return None;
    }
    let to = after.saturating_add(slice_epochs(plan.epoch_steps)).min(plan.epochs);
    Some(Effect::Slice { after, to })
}

/// What shows how far a run is that is still trained: of its newest epoch the first near and the first far picture, where nobody has
/// asked for them yet. Nothing waits for them, and when the epochs are compared they count as any other.
fn samples(ground: &Ground<'_>) -> Option<Vec<(Contender, u32)>> {
    let newest = ground.epochs.iter().map(|one| one.epoch).max().filter(|_| ground.training.samples)?;
    let contender = Contender::Epoch { epoch: newest, strength: USUAL_STRENGTH };
    let cases = || ground.training.plan.cases.iter().enumerate();
    let first = |kind: ProbeKind| cases().find(|(_, case)| case.kind == kind).map(|(at, _)| at as u32);
    let wanted = [ProbeKind::Near, ProbeKind::Far].into_iter().filter_map(first);
    let asked = |case: u32| ground.probes.iter().any(|one| one.contender == contender && one.case == case);
    let missing: Vec<_> = wanted.filter(|case| !asked(*case)).map(|case| (contender, case)).collect();
    (!missing.is_empty()).then_some(missing)
}

/// The pictures of one contender that are wanted.
type Wanted = BTreeSet<(Contender, u32)>;

/// What is wanted and not there.
enum Missing {
    Nothing,
    /// These have to be asked for.
    Unasked(Vec<(Contender, u32)>),
    /// All is asked for, and some of it is being made.
    Underway,
}

struct Comparison<'a> {
    ground: &'a Ground<'a>,
    wanted: Wanted,
}

fn compare(ground: &Ground<'_>) -> Option<Effect> {
    if ground.epochs.is_empty() {
        return Some(Effect::AskPerson(choice(None, ChoiceWhy::Unjudged, Vec::new())));
    }
    if ground.training.plan.cases.is_empty() {
        return Some(Effect::AskPerson(choice(None, ChoiceWhy::NotShown, Vec::new())));
    }
    let mut all = Comparison { ground, wanted: Wanted::new() };
    let cases = |few: bool| all_cases(ground, few);
    let reference = all.reference();
    for epoch in coarse(ground) {
        all.want(Contender::Epoch { epoch, strength: USUAL_STRENGTH }, &cases(true));
    }
    all.want(reference, &cases(false));
    all.want(Contender::Without, &controls(ground));
    match all.missing() {
        Missing::Nothing => {}
        Missing::Unasked(asked) => return Some(Effect::Probe(asked)),
        Missing::Underway => return None,
    }
    let first = all.ranked(&coarse(ground), USUAL_STRENGTH);
    if first.is_empty() {
        return Some(Effect::AskPerson(choice(None, ChoiceWhy::Unjudged, Vec::new())));
    }
    if let Some(why) = hopeless(&first) {
        return Some(Effect::AskPerson(choice(None, why, first)));
    }
    let fine = neighbours(ground, &first);
    for epoch in &fine {
        all.want(Contender::Epoch { epoch: *epoch, strength: USUAL_STRENGTH }, &cases(false));
    }
    match all.missing() {
        Missing::Nothing => {}
        Missing::Unasked(asked) => return Some(Effect::Probe(asked)),
        Missing::Underway => return None,
    }
    let ranked = all.ranked(&fine, USUAL_STRENGTH);
    let Some(Contender::Epoch { epoch, .. }) = winner(&ranked).map(|best| best.contender) else {
        return Some(Effect::AskPerson(choice(None, ChoiceWhy::Unjudged, first)));
    };
    for strength in STRENGTHS {
        all.want(Contender::Epoch { epoch, strength }, &cases(false));
    }
    match all.missing() {
        Missing::Nothing => {}
        Missing::Unasked(asked) => return Some(Effect::Probe(asked)),
        Missing::Underway => return None,
    }
    Some(all.decided(epoch, reference, &coarse(ground), &fine))
}

impl Comparison<'_> {
    /// What a new LoRA must beat.
    fn reference(&self) -> Contender {
        self.ground.active.map_or(Contender::Without, |(lora, strength)| Contender::Active { lora, strength })
    }

    fn want(&mut self, contender: Contender, cases: &[u32]) {
        self.wanted.extend(cases.iter().map(|case| (contender, *case)));
    }

    /// What is wanted and not there.
    fn missing(&self) -> Missing {
        let there = |(contender, case): &&(Contender, u32)| {
            !self.ground.probes.iter().any(|one| one.contender == *contender && one.case == *case)
        };
        let missing: Vec<(Contender, u32)> = self.wanted.iter().filter(there).copied().collect();
        let open = |one: &Probe| {
            matches!(one.state, ProbeState::Asked | ProbeState::Made)
                && self.wanted.contains(&(one.contender, one.case))
        };
        if !missing.is_empty() {
            Missing::Unasked(missing)
        } else if self.ground.probes.iter().any(open) {
            Missing::Underway
        } else {
            Missing::Nothing
        }
    }

    fn found(&self, contender: Contender) -> Vec<Found> {
        let of = self.ground.probes.iter().filter(|one| one.contender == contender);
        let found = |one: &Probe| {
            let kind = self.ground.training.plan.cases.get(one.case as usize)?.kind;
            Some(Found { case: one.case, kind, marks: one.marks?, copy: one.copy.unwrap_or(false) })
        };
        let mut found: Vec<Found> = of.filter_map(found).collect();
        found.sort_by_key(|one| one.case);
        found
    }

    fn control_without(&self) -> Option<f64> {
        let without = self.found(Contender::Without);
        without.iter().find(|one| one.kind == ProbeKind::Control).map(|one| one.marks.identity)
    }

    fn seed(&self) -> u64 {
        self.ground.training.print.leading_u64()
    }

    fn ranked(&self, epochs: &[u32], strength: u32) -> Vec<Ranked> {
        let one = |epoch: &u32| self.rank(Contender::Epoch { epoch: *epoch, strength });
        epochs.iter().filter_map(one).collect()
    }

    fn rank(&self, contender: Contender) -> Option<Ranked> {
        let estimate = estimate(&self.found(contender), self.control_without(), self.seed())?;
        Some(Ranked { contender, estimate })
    }

    fn decided(&self, epoch: u32, reference: Contender, coarse: &[u32], fine: &[u32]) -> Effect {
        let strengths =
            STRENGTHS.iter().filter_map(|strength| self.rank(Contender::Epoch { epoch, strength: *strength }));
        let distance = |one: &Ranked| match one.contender {
            Contender::Epoch { strength, .. } => strength.abs_diff(USUAL_STRENGTH),
            _ => u32::MAX,
        };
        let best = strengths
            .max_by(|a, b| a.estimate.score.total_cmp(&b.estimate.score).then_with(|| distance(b).cmp(&distance(a))));
        let mut ranked: Vec<Ranked> = self.rank(reference).into_iter().collect();
        let epochs: BTreeSet<u32> = coarse.iter().chain(fine).copied().collect();
        for epoch in epochs {
            ranked.extend(
                STRENGTHS.iter().filter_map(|strength| self.rank(Contender::Epoch { epoch, strength: *strength })),
            );
        }
        let Some(Ranked { contender: best @ Contender::Epoch { strength, .. }, .. }) = best else {
            return Effect::AskPerson(choice(None, ChoiceWhy::Unjudged, ranked));
        };
        let (new, old) = (self.found(best), self.found(reference));
        // Against none at all its own control is no leak: there is nothing it could have been changed from.
        let without = self.control_without();
        match difference((&new, without), (&old, without), self.seed()) {
            None => Effect::AskPerson(choice(Some((epoch, strength)), ChoiceWhy::Unjudged, ranked)),
            Some((by, error)) if by > error => Effect::Decide(Choice {
                active: true,
                ..choice(Some((epoch, strength)), ChoiceWhy::Better { by, error }, ranked)
            }),
            Some((by, error)) => {
                Effect::Decide(choice(Some((epoch, strength)), ChoiceWhy::NotBetter { by, error }, ranked))
            }
        }
    }
}

fn choice(epoch: Option<(u32, u32)>, why: ChoiceWhy, ranked: Vec<Ranked>) -> Choice {
    let strength = epoch.map_or(USUAL_STRENGTH, |(_, strength)| strength);
    Choice { epoch: epoch.map(|(epoch, _)| epoch), strength, by_person: false, active: false, why, ranked }
}

/// The epochs compared first: those nearest to each share of the run, each once.
fn coarse(ground: &Ground<'_>) -> Vec<u32> {
    let all = ground.training.plan.epochs;
    let near = |percent: &u32| {
        let wanted = all * percent / 100;
        ground.epochs.iter().map(|one| one.epoch).min_by_key(|epoch| (epoch.abs_diff(wanted), *epoch))
    };
    let epochs: BTreeSet<u32> = COARSE.iter().filter_map(near).collect();
    epochs.into_iter().collect()
}

/// The two best of those, and the epochs before and after each.
fn neighbours(ground: &Ground<'_>, ranked: &[Ranked]) -> Vec<u32> {
    let there: Vec<u32> = ground.epochs.iter().map(|one| one.epoch).collect();
    let mut by_score: Vec<&Ranked> = ranked.iter().collect();
    by_score.sort_by(|a, b| b.estimate.score.total_cmp(&a.estimate.score));
    let mut fine = BTreeSet::new();
    for one in by_score.into_iter().take(2) {
        let Contender::Epoch { epoch, .. } = one.contender else { continue };
        let Some(at) = there.iter().position(|one| *one == epoch) else { continue };
        fine.extend(there[at.saturating_sub(1)..(at + 2).min(there.len())].iter().copied());
    }
    fine.into_iter().collect()
}

/// Indexes of cases: all, or the first few of each kind; the control always.
fn all_cases(ground: &Ground<'_>, few: bool) -> Vec<u32> {
    let mut seen = [0; 2];
    let mut taken = Vec::new();
    for (at, case) in ground.training.plan.cases.iter().enumerate() {
        let of = match case.kind {
            ProbeKind::Near => &mut seen[0],
            ProbeKind::Far => &mut seen[1],
            ProbeKind::Control => {
                taken.push(at as u32);
                continue;
            }
        };
        *of += 1;
        if !few || *of <= FEW {
            taken.push(at as u32);
        }
    }
    taken
}

fn controls(ground: &Ground<'_>) -> Vec<u32> {
    let cases = ground.training.plan.cases.iter().enumerate();
    cases.filter(|(_, case)| case.kind == ProbeKind::Control).map(|(at, _)| at as u32).collect()
}
