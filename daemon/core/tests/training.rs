//! Training: the loop of a run against worlds whose truth is known, and the choice of the epoch.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use studio_core::{
    asset::AssetRef,
    chance::Chance,
    dataset::{Cell, Coverage},
    fleet::{Policy, Rules},
    ids::{CharacterId, ContentHash, LoraId, ProbeId, TrainingId},
    lora::Architecture,
    sim::{Faults, Hindrances, Scenario, World as Simulated, bound, course, report},
    task::Class,
    training::{
        Choice, ChoiceWhy, Contender, Effect, Ground, Probe, ProbeKind, ProbeMarks, ProbeState, STRENGTHS, SliceReport,
        TrainedEpoch, Training, TrainingPlan, TrainingState, cases, step,
    },
    units::Millis,
    workflow::SlotValue,
};
use uuid::Uuid;

fn file(name: &str) -> AssetRef {
    AssetRef { hash: ContentHash::of(name.as_bytes()), ext: "safetensors".into() }
}

fn training(epochs: u32, epoch_steps: u32, seed: u64) -> Training {
    let print = ContentHash::of(&seed.to_le_bytes());
    let cell = Cell::from([("framing".to_owned(), "face".to_owned()), ("angle".to_owned(), "front".to_owned())]);
    let plan = TrainingPlan {
        trainer: "sd-scripts".into(),
        architecture: Architecture::Sd15,
        base: "/base".into(),
        base_print: None,
        model: "sd15".into(),
        trigger: "mirax".into(),
        class_word: "woman".into(),
        pictures: Vec::new(),
        settings: BTreeMap::from([("seed".to_owned(), SlotValue::Int(7))]),
        epochs,
        epoch_steps,
        cases: cases(&Coverage::shipped(), &[], &[cell], print),
    };
    Training {
        id: TrainingId(Uuid::nil()),
        character_id: CharacterId(Uuid::nil()),
        state: TrainingState::Training,
        paused: false,
        class: Class::Background,
        samples: false,
        print,
        plan,
        relief: Vec::new(),
        fault: None,
        choice: None,
        created: Millis(0),
        updated: Millis(0),
    }
}

/// What is true of a contender in a world: identity, faithfulness, and the share of far probes that copy.
type Truth<'a> = dyn Fn(Contender) -> (f64, f64, f64) + 'a;

/// A world that does what a run asks for, with noise of the judge.
struct World {
    training: Training,
    epochs: Vec<TrainedEpoch>,
    probes: Vec<Probe>,
    active: Option<(LoraId, u32)>,
    slices: Vec<(u32, u32)>,
    chance: Chance,
    noise: f64,
}

impl World {
    fn new(training: Training, active: Option<u32>, seed: u64, noise: f64) -> Self {
        let active = active.map(|strength| (LoraId(Uuid::nil()), strength));
        let chance = Chance::of(seed, "world");
        Self { training, epochs: Vec::new(), probes: Vec::new(), active, slices: Vec::new(), chance, noise }
    }

    fn ground(&self) -> Ground<'_> {
        Ground {
            training: &self.training,
            epochs: &self.epochs,
            probes: &self.probes,
            slice_open: false,
            active: self.active,
        }
    }

    fn sliced(&mut self, to: u32) {
        self.epochs.push(TrainedEpoch {
            training_id: self.training.id,
            epoch: to,
            weights: file(&to.to_string()),
            bytes: 1,
            report: SliceReport { epoch: to, ..SliceReport::default() },
            attempt_id: None,
            created: Millis(0),
        });
    }

    fn probed(&mut self, contender: Contender, case: u32, truth: &Truth<'_>, judged: bool) {
        let (identity, faithful, copies) = truth(contender);
        let kind = self.training.plan.cases[case as usize].kind;
        let mut noisy =
            |mean: f64| (mean + self.noise * (self.chance.share() + self.chance.share() - 1.0)).clamp(0.0, 1.0);
        // The control is nobody: its likeness follows only when everybody of the kind was changed.
        let identity = if kind == ProbeKind::Control { 0.2 } else { noisy(identity) };
        let marks = ProbeMarks { identity, faithful: noisy(faithful), defect: 0.0 };
        let copy = kind == ProbeKind::Far && self.chance.happens(copies);
        assert!(!self.probes.iter().any(|one| one.contender == contender && one.case == case), "asked for twice");
        self.probes.push(Probe {
            id: ProbeId(Uuid::from_u128(self.probes.len() as u128)),
            training_id: self.training.id,
            contender,
            case,
            state: if judged { ProbeState::Judged } else { ProbeState::Failed },
            file: None,
            copy: Some(copy),
            verdict: None,
            marks: judged.then_some(marks),
            created: Millis(0),
        });
    }

    /// Until it is decided; every effect is carried out at once.
    fn run(&mut self, truth: &Truth<'_>, judged: bool) -> (Choice, bool) {
        for _ in 0..1000 {
            match step(&self.ground()) {
                Some(Effect::Slice { after, to }) => {
                    assert!(after < to && to <= self.training.plan.epochs);
                    self.slices.push((after, to));
                    self.sliced(to);
                }
                Some(Effect::Compare) => self.training.state = TrainingState::Probing,
                Some(Effect::Probe(all)) => {
                    assert!(!all.is_empty());
                    for (contender, case) in all {
                        self.probed(contender, case, truth, judged);
                    }
                }
                Some(Effect::Decide(choice)) => return (choice, false),
                Some(Effect::AskPerson(choice)) => return (choice, true),
                None => panic!("it waits for nothing"),
            }
        }
        panic!("it does not end");
    }
}

/// Likeness rises and levels off; what is asked for is followed less and less; copies come at the end.
fn usual(best: u32, epochs: u32) -> impl Fn(Contender) -> (f64, f64, f64) {
    move |contender| {
        let Contender::Epoch { epoch, strength } = contender else { return (0.35, 0.95, 0.0) };
        let at = f64::from(epoch) / f64::from(best);
        let over = (f64::from(epoch.saturating_sub(best)) / f64::from(epochs)).max(0.0);
        let strength = 1.0 - f64::from(strength.abs_diff(80)) / 200.0;
        ((0.35 + 0.55 * at.min(1.0)) * strength, 0.95 - 1.2 * over, (2.0 * over).min(1.0))
    }
}

#[test]
fn the_best_epoch_is_found_and_used_when_it_is_better() {
    println!("best   noise  found (share of 200 runs at distance 0, 1, 2, more)   probes");
    for (best, noise) in [(4, 0.0), (4, 0.2), (6, 0.2), (8, 0.2), (10, 0.2), (6, 0.4)] {
        let (mut at, mut probes) = ([0; 4], 0);
        for seed in 0..200 {
            let mut world = World::new(training(10, 160, seed), None, seed, noise);
            let (choice, asked) = world.run(&usual(best, 10), true);
            assert!(!asked, "{choice:?}");
            let epoch = choice.epoch.unwrap();
            at[(epoch.abs_diff(best) as usize).min(3)] += 1;
            probes += world.probes.len();
            assert!(choice.active && matches!(choice.why, ChoiceWhy::Better { .. }), "{choice:?}");
            assert!(world.probes.len() <= 130);
        }
        let share = |count: u32| f64::from(count) / 200.0;
        println!(
            "{best:>4}  {noise:>5}   {:.2} {:.2} {:.2} {:.2}   {}",
            share(at[0]),
            share(at[1]),
            share(at[2]),
            share(at[3]),
            probes / 200
        );
        assert!(at[0] + at[1] + at[2] >= 180, "best {best}, noise {noise}: {at:?}");
        if noise == 0.0 {
            assert!(at[0] + at[1] == 200, "{at:?}");
        }
    }
}

#[test]
fn what_is_used_stays_unless_the_new_one_is_better_by_more_than_chance() {
    let same = |contender: Contender| match contender {
        Contender::Active { .. } => (0.9, 0.95, 0.0),
        other => usual(6, 10)(other),
    };
    let worse = |contender: Contender| match contender {
        Contender::Active { .. } => (0.98, 1.0, 0.0),
        other => usual(6, 10)(other),
    };
    let (mut taken, mut kept) = (0, 0);
    for seed in 0..200 {
        let mut world = World::new(training(10, 160, seed), Some(80), seed, 0.2);
        let (choice, _) = world.run(&same, true);
        taken += u32::from(choice.active);
        let mut world = World::new(training(10, 160, seed), Some(80), seed, 0.2);
        let (choice, asked) = world.run(&worse, true);
        assert!(!asked);
        kept += u32::from(!choice.active && matches!(choice.why, ChoiceWhy::NotBetter { .. }));
    }
    // One standard error is passed by chance in about one of six; the choice among several adds to it.
    assert!(taken <= 80, "an equal one replaced it in {taken} of 200");
    assert!(kept >= 190, "a better one stayed in {kept} of 200");
}

#[test]
fn nobody_is_used_unseen_and_what_went_wrong_is_said() {
    let (choice, asked) = World::new(training(10, 160, 1), None, 1, 0.1).run(&usual(6, 10), false);
    assert!(asked && choice.epoch.is_none() && choice.why == ChoiceWhy::Unjudged && !choice.active);
    // No model makes pictures with it: nobody is asked to make what could not be made.
    let mut world = World::new(training(3, 160, 1), None, 1, 0.1);
    world.training.plan.cases.clear();
    world.training.samples = true;
    let (choice, asked) = world.run(&usual(2, 3), true);
    assert!(asked && choice.why == ChoiceWhy::NotShown && world.probes.is_empty() && world.epochs.len() == 3);
    let (choice, asked) = World::new(training(10, 160, 1), None, 1, 0.1).run(&|_| (0.3, 0.9, 0.0), true);
    assert!(asked && choice.why == ChoiceWhy::Undertrained && !choice.ranked.is_empty());
    let (choice, asked) = World::new(training(10, 160, 1), None, 1, 0.1).run(&|_| (0.9, 0.3, 0.0), true);
    assert!(asked && choice.why == ChoiceWhy::Overtrained);
}

#[test]
fn the_strength_that_serves_best_is_kept() {
    let loud = |contender: Contender| match contender {
        Contender::Epoch { strength, .. } => (0.95 - f64::from(strength - 60) / 100.0, 0.95, 0.0),
        _ => (0.3, 0.95, 0.0),
    };
    let (choice, _) = World::new(training(10, 160, 3), None, 3, 0.0).run(&loud, true);
    assert_eq!(choice.strength, 60);
    let (choice, _) = World::new(training(10, 160, 3), None, 3, 0.0).run(
        &|contender| match contender {
            Contender::Epoch { .. } => (0.9, 0.9, 0.0),
            _ => (0.3, 0.9, 0.0),
        },
        true,
    );
    assert_eq!(choice.strength, 80, "of equals the usual one");
    assert_eq!(choice.epoch, Some(3), "of equals the earliest that was looked at");
}

#[test]
fn a_run_that_rests_begins_nothing() {
    let mut world = World::new(training(10, 160, 1), None, 1, 0.0);
    world.training.paused = true;
    assert_eq!(step(&world.ground()), None);
    for epoch in 1..=10 {
        world.sliced(epoch);
    }
    assert_eq!(step(&world.ground()), Some(Effect::Compare));
    world.training.state = TrainingState::Probing;
    assert_eq!(step(&world.ground()), None);
    world.training.paused = false;
    assert!(matches!(step(&world.ground()), Some(Effect::Probe(_))));
    for state in [TrainingState::NeedsPerson, TrainingState::Done, TrainingState::Failed, TrainingState::Cancelled] {
        world.training.state = state;
        assert_eq!(step(&world.ground()), None, "{state:?}");
    }
}

#[test]
fn each_epoch_shows_what_it_has_learned_and_nothing_waits_for_that() {
    let mut world = World::new(training(4, 160, 1), None, 1, 0.0);
    world.training.samples = true;
    assert!(matches!(step(&world.ground()), Some(Effect::Slice { after: 0, to: 1 })), "there is nothing to show yet");
    world.sliced(1);
    let Some(Effect::Probe(asked)) = step(&world.ground()) else { panic!("two are asked for") };
    let kinds: Vec<_> = asked.iter().map(|(_, case)| world.training.plan.cases[*case as usize].kind).collect();
    assert_eq!(kinds, [ProbeKind::Near, ProbeKind::Far]);
    assert!(asked.iter().all(|(one, _)| *one == Contender::Epoch { epoch: 1, strength: 80 }), "{asked:?}");
    for (contender, case) in asked {
        world.probed(contender, case, &usual(2, 4), false);
    }
    assert!(matches!(step(&world.ground()), Some(Effect::Slice { after: 1, to: 2 })), "nobody could judge them");
    world.sliced(2);
    world.training.paused = true;
    assert_eq!(step(&world.ground()), None, "a run that rests shows nothing");
    world.training.paused = false;
    world.sliced(3);
    world.sliced(4);
    assert_eq!(step(&world.ground()), Some(Effect::Compare), "the last one is compared at once");
}

proptest! {
    /// Whatever is lost, late or judged by nobody, a run ends, never asks for the same twice, and every slice begins where the one
    /// before ended.
    #[test]
    fn a_run_ends_whatever_happens(
        epochs in 1u32..40, steps in 1u32..400, seed: u64, used: bool, lost in prop::collection::vec(any::<bool>(), 64),
        late in prop::collection::vec(any::<bool>(), 64),
        samples: bool,
    ) {
        let mut world = World::new(training(epochs, steps, seed), used.then_some(80), seed, 0.3);
        world.training.samples = samples;
        let (mut turns, mut over) = (0usize, None);
        let truth = usual((epochs / 2).max(1), epochs);
        let mut open: Vec<(Contender, u32)> = Vec::new();
        let mut slice_open: Option<u32> = None;
        while over.is_none() {
            turns += 1;
            prop_assert!(turns < 1200, "it does not end");
            // What was asked for comes in any order, and some of it is lost.
            if let Some((contender, case)) = open.pop() {
                world.probes.retain(|one| !(one.contender == contender && one.case == case));
                let judged = !lost[turns % 64];
                world.probed(contender, case, &truth, judged);
                if late[turns % 64] {
                    let half = open.len() / 2;
                    open.rotate_left(half);
                }
            }
            if let Some(to) = slice_open.take() {
                if late[turns % 64] && turns < 400 { slice_open = Some(to) } else { world.sliced(to) }
            }
            let mut ground = world.ground();
            ground.slice_open = slice_open.is_some();
            match step(&ground) {
                Some(Effect::Slice { after, to }) => {
                    prop_assert!(slice_open.is_none());
                    prop_assert_eq!(after, world.slices.last().map_or(0, |(_, to)| *to));
                    prop_assert!(to > after && to <= epochs);
                    world.slices.push((after, to));
                    slice_open = Some(to);
                }
                Some(Effect::Compare) => world.training.state = TrainingState::Probing,
                Some(Effect::Probe(all)) => {
                    let distinct: BTreeSet<_> = all.iter().collect();
                    prop_assert_eq!(distinct.len(), all.len());
                    for (contender, case) in all {
                        prop_assert!(!open.contains(&(contender, case)));
                        let asked = Probe {
                            id: ProbeId(Uuid::nil()), training_id: world.training.id, contender, case,
                            state: ProbeState::Asked, file: None, copy: None, verdict: None, marks: None,
                            created: Millis(0),
                        };
                        world.probes.push(asked);
                        open.push((contender, case));
                    }
                }
                Some(Effect::Decide(choice)) => {
                    prop_assert!(choice.epoch.is_some_and(|epoch| world.epochs.iter().any(|one| one.epoch == epoch)));
                    prop_assert!(STRENGTHS.contains(&choice.strength));
                    prop_assert_eq!(choice.active, matches!(choice.why, ChoiceWhy::Better { by, error } if by > error));
                    over = Some(choice);
                }
                Some(Effect::AskPerson(choice)) => {
                    prop_assert!(!choice.active);
                    over = Some(choice);
                }
                None => prop_assert!(!open.is_empty() || slice_open.is_some(), "it waits for nothing"),
            }
        }
        prop_assert_eq!(world.slices.last().map(|(_, to)| *to), Some(epochs));
        let shown = if samples { 2 * world.slices.len() } else { 0 };
        prop_assert!(world.probes.len() <= 9 * 12 + shown);
    }
}

#[test]
fn a_person_waits_for_a_slice_at_most_and_the_card_is_never_idle_while_anything_waits() {
    let scenario: Scenario = toml::from_str(include_str!("../../../scenarios/training.toml")).unwrap();
    assert_eq!(scenario.check(), Vec::<String>::new());
    println!("policy     longest wait of a picture, of the film (s)   nvidia idle with work ready   all done (h)");
    for seed in 0..12 {
        let course = course(&scenario, seed);
        let bound = bound(&course, &Hindrances::of(&scenario));
        for policy in [Policy::Studio, Policy::Affinity, Policy::Fifo] {
            let rules = Rules { policy, ..scenario.rules };
            let mut studio =
                Simulated::new(&course, rules, &scenario.foreign, &scenario.fault, Faults::default(), seed);
            studio.run();
            let done = report(&course, &studio, &bound, 0.0);
            assert_eq!((done.wrong.as_slice(), done.rejected), ([].as_slice(), 0));
            let most = |class| done.waits.get(&class).map_or(0, |waits| waits.max_ms / 1000);
            let starved = done.cards.iter().find(|card| card.card == "nvidia0").map_or(0.0, |card| card.starved);
            let (picture, film) = (most(Class::Interactive), most(Class::Production));
            if seed == 0 {
                let hours = done.makespan_ms as f64 / 3_600_000.0;
                println!("{policy:?}  {picture:>8} {film:>8}   {starved:.4}   {hours:.2}");
            }
            if policy == Policy::Studio {
                // A slice takes 18 minutes, give or take; then the picture's model comes.
                assert!(picture <= 1_400, "seed {seed}: a picture waited {picture} s");
                // So does the film: its first picture, whatever it waits for among its own later on.
                let own = course.pieces.iter().filter(|one| one.submission.class == Class::Production);
                let on_card = own.filter(|one| one.submission.engine == "comfy" && one.submission.needs.is_empty());
                let began = on_card.filter_map(|one| Some((studio.ran.get(&one.submission.task)?.began?, one.at)));
                let waited = began.map(|(began, at)| (began.0 - at.0) / 1000).min();
                assert!(waited.is_some_and(|waited| waited <= 1_400), "seed {seed}: the film waited {waited:?} s");
                assert!(starved < 0.005, "seed {seed}: the card was idle with work ready for {starved} of the time");
            }
        }
    }
}
