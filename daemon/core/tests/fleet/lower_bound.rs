//! The bound nobody can beat: never above the best of all orders, found by trying them all, and not far below it.

use std::collections::BTreeMap;

use studio_core::{
    fleet::{CardFacts, Holds, ModelFacts, Rules, SeatFacts},
    schedule::{Need, Submission},
    sim::{Chance, Course, Family, Hindrances, Outage, Piece, bound, compare},
    task::Class,
    units::Millis,
};

use super::support::id;

/// A card of a speed, and when it is away.
struct Machine {
    speed: f64,
    down: Option<(u64, u64)>,
}

/// A handful of tasks on one or two cards that hold one model at a time, perhaps with an outage.
struct Tiny {
    machines: Vec<Machine>,
    /// Model, what it takes at speed 1 in milliseconds, and the task it needs.
    tasks: Vec<(usize, u64, Option<usize>)>,
    loads: Vec<u64>,
}

fn tiny(seed: u64) -> Tiny {
    let mut chance = Chance::of(seed, "tiny studio");
    let cards = chance.whole(1, 2);
    let machines = (0..cards).map(|n| {
        let speed = if n == 0 { 1.0 } else { [0.5, 1.0, 2.0, 2.5][chance.whole(0, 3) as usize] };
        let from = chance.whole(0, 40) * 1000;
        let down = chance.happens(0.4).then(|| (from, from + chance.whole(1, 60) * 1000));
        Machine { speed, down }
    });
    let machines = machines.collect();
    let loads: Vec<u64> = (0..chance.whole(1, 3)).map(|_| chance.whole(0, 20) * 1000).collect();
    let task = |n: usize, chance: &mut Chance| {
        let need = (n > 0 && chance.happens(0.4)).then(|| chance.whole(0, n as u64 - 1) as usize);
        (chance.whole(0, loads.len() as u64 - 1) as usize, chance.whole(1, 30) * 1000, need)
    };
    let tasks = (0..chance.whole(1, 5) as usize).map(|n| task(n, &mut chance)).collect();
    Tiny { machines, tasks, loads }
}

impl Tiny {
    fn course(&self) -> (Course, Vec<Outage>) {
        let mut course = Course::default();
        let mut faults = Vec::new();
        for (n, machine) in self.machines.iter().enumerate() {
            let (card, seat) = (format!("card{n}"), format!("seat{n}"));
            course.cards.push(CardFacts::new(&card, 10_000));
            course.speed.insert(card.clone(), machine.speed);
            course.seats.push(SeatFacts {
                seat: seat.clone(),
                card: Some(card),
                holds: Holds::One,
                ..SeatFacts::cpu("comfy", 1)
            });
            faults.extend(machine.down.map(|(from, to)| Outage {
                at_s: from as f64 / 1000.0,
                gpu: None,
                seat: Some(seat),
                back_s: Some(to as f64 / 1000.0),
            }));
        }
        for (n, load_ms) in self.loads.iter().enumerate() {
            course.models.insert(format!("m{n}"), ModelFacts { vram_mib: 5_000, load_ms: *load_ms, unload_ms: 0 });
        }
        for (n, (model, takes_ms, need)) in self.tasks.iter().enumerate() {
            let submission = Submission {
                model: format!("m{model}"),
                needs: need.iter().map(|need| Need::must(id(*need as u128))).collect(),
                ..Submission::plain(id(n as u128), "comfy", Class::Production)
            };
            course.push(Piece {
                submission,
                label: n.to_string(),
                at: Millis(0),
                takes_ms: *takes_ms,
                on: BTreeMap::new(),
                peak_mib: 4_000,
                gate: None,
                later: false,
                after: None,
            });
        }
        (course, faults)
    }

    /// The earliest moment from which `length` milliseconds pass on a machine without an outage.
    fn fits(machine: &Machine, from: u64, length: u64) -> u64 {
        match machine.down {
            Some((down, up)) if from < up && down < from + length => up,
            _ => from,
        }
    }

    /// The best of all orders and all places, each thing as early as it goes.
    fn best(&self, done: &mut [Option<u64>], seats: &mut [(u64, Option<usize>)]) -> u64 {
        let open: Vec<usize> = (0..self.tasks.len()).filter(|task| done[*task].is_none()).collect();
        if open.is_empty() {
            return done.iter().flatten().copied().max().unwrap_or(0);
        }
        let mut best = u64::MAX;
        for task in open {
            let (model, takes_ms, need) = self.tasks[task];
            let Some(ready) = need.map_or(Some(0), |need| done[need]) else { continue };
            for (at, machine) in self.machines.iter().enumerate() {
                let (free, loaded) = seats[at];
                let takes_ms = (takes_ms as f64 / machine.speed).round() as u64;
                let end = self.ends(machine, (free, loaded), (model, takes_ms), ready);
                let before = std::mem::replace(&mut seats[at], (end, Some(model)));
                done[task] = Some(end);
                best = best.min(self.best(done, seats));
                (seats[at], done[task]) = (before, None);
            }
        }
        best
    }

    /// When a task ends that goes next on a machine: its model comes as early as it can, and again after an outage.
    fn ends(&self, machine: &Machine, seat: (u64, Option<usize>), task: (usize, u64), ready: u64) -> u64 {
        let ((free, loaded), (model, takes_ms)) = (seat, task);
        let lost = |from: u64, to: u64| machine.down.is_some_and(|(down, _)| from <= down && down < to);
        let load_ms = self.loads[model];
        let mut warm = if loaded == Some(model) { free } else { Self::fits(machine, free, load_ms) + load_ms };
        loop {
            let begin = Self::fits(machine, warm.max(ready), takes_ms);
            if begin == warm.max(ready) && !lost(warm, begin + 1) {
                return begin + takes_ms;
            }
            // The outage came before it could be done: the model must come again.
            let up = machine.down.map_or(0, |(_, up)| up);
            warm = up + load_ms;
        }
    }
}

#[test]
fn no_order_of_a_handful_of_tasks_is_faster_than_the_bound() {
    let (mut sum, mut exact, count) = (0.0, 0, 3_000);
    for seed in 0..count {
        let tiny = tiny(seed);
        let (course, faults) = tiny.course();
        let rules = Rules::default();
        let bound = bound(&course, &Hindrances { rules: &rules, foreign: &[], faults: &faults });
        let best = tiny.best(&mut vec![None; tiny.tasks.len()], &mut vec![(0, None); tiny.machines.len()]);
        assert!(bound.ms <= best, "{seed}: the bound is {bound:?}, the best order takes {best}");
        sum += bound.ms as f64 / best as f64;
        exact += usize::from(best - bound.ms <= 20);
    }
    let mean = sum / f64::from(count as u32);
    assert!(mean > 0.88, "on average the bound is only {mean:.3} of what is possible");
    assert!(exact as u64 * 5 > count * 2, "it is only exact in {exact} of {count}");
}

#[test]
fn no_order_of_work_is_faster_than_the_bound() {
    for family in Family::ALL {
        for seed in 0..40 {
            for report in compare(&family.draw(seed)) {
                assert_eq!(report.wrong, Vec::<String>::new(), "{}:{seed} {:?}", family.name(), report.policy);
                assert!(report.ratio > 0.999_99, "{}:{seed} {:?} {}", family.name(), report.policy, report.ratio);
            }
        }
    }
}

/// A course with one card of speed 1 and one of 2, and what the bound says of an outage of the faster one.
fn with_outage(back_s: Option<f64>) -> u64 {
    let tiny = Tiny {
        machines: vec![Machine { speed: 1.0, down: None }, Machine { speed: 2.0, down: None }],
        tasks: vec![(0, 30_000, None); 20],
        loads: vec![10_000],
    };
    let fault = back_s.map(|back_s| Outage { at_s: 0.0, gpu: Some("card1".into()), seat: None, back_s: Some(back_s) });
    let faults: Vec<Outage> = fault.into_iter().collect();
    bound(&tiny.course().0, &Hindrances { rules: &Rules::default(), foreign: &[], faults: &faults }).ms
}

#[test]
fn outages_and_unequal_speeds_are_in_the_bound() {
    // 600 s of work at three times the speed of one, after the model has come.
    assert!((209_900..=210_000).contains(&with_outage(None)), "{}", with_outage(None));
    // The slow one alone for 130 s, its model in the first ten, and the fast one from 140 s on, its model first.
    let away = with_outage(Some(130.0));
    let expected = 140_000 + (600_000 - 130_000) / 3;
    assert!((expected - 200..=expected).contains(&away), "{away}, not {expected}");
}
