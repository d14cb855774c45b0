//! The scheduler against other orders of work and against a bound nobody can beat; and what one step costs.
#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::time::Instant;

use studio_core::{
    fleet::{CardFacts, Fleet, ModelFacts, Resident, Rules, SeatFacts},
    ids::TaskId,
    schedule::{Event, Submission, step},
    sim::{Family, POLICIES, Scenario, against_best, compare},
    task::Class,
    units::Millis,
};
use uuid::Uuid;

/// The night that ships.
const NIGHT: &str = include_str!("../../../scenarios/night.toml");

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Ratios of every order of work over many random studios.
fn many(count: u64, family: Family) {
    let (mut ratios, mut against, mut swaps) = (vec![Vec::new(); 4], Vec::new(), [0usize; 4]);
    for seed in 0..count {
        let reports = compare(&family.draw(seed));
        for (n, report) in reports.iter().enumerate() {
            ratios[n].push(report.ratio);
            swaps[n] += report.swaps;
            assert!(report.wrong.is_empty(), "{}:{seed} {:?}: {:?}", family.name(), report.policy, report.wrong);
        }
        against.push((against_best(&reports), seed));
    }
    let what = family.name();
    for (n, policy) in POLICIES.iter().enumerate() {
        let worst = ratios[n].iter().copied().fold(0.0, f64::max);
        let name = format!("{policy:?}").to_lowercase();
        println!(
            "| {count} of {what} | {name} | median {:.3}, worst {worst:.3} x bound | {} swaps |",
            median(ratios[n].clone()),
            swaps[n]
        );
    }
    against.sort_by(|a, b| b.0.total_cmp(&a.0));
    let above = against.iter().filter(|one| one.0 > 1.02).count();
    let mean = against.iter().map(|one| one.0.ln()).sum::<f64>() / count as f64;
    let worst: Vec<String> =
        against.iter().take(8).map(|(ratio, seed)| format!("{ratio:.3} ({what}:{seed})")).collect();
    println!(
        "| studio against the best other | {above} of {count} above 1.02 | mean {:.4}, worst {} | |",
        mean.exp(),
        worst.join(", ")
    );
}

/// Reviews run beside the next take: the pictures' card never stands idle for a judge while it has other work.
fn overlap() {
    let night = toml::from_str::<Scenario>(NIGHT).expect("it can be read");
    for report in compare(&night) {
        let policy = report.policy;
        let card = &report.cards[0];
        println!(
            "| a night, {} | {} busy {:.1} %, models {:.1} %, idle with work ready {:.2} % | {:.3} x bound | |",
            format!("{policy:?}").to_lowercase(),
            card.card,
            card.busy * 100.0,
            card.loading * 100.0,
            card.starved * 100.0,
            report.ratio
        );
    }
}

/// Steps of a fleet with `tasks` that wait, in milliseconds each: the median and the longest.
fn steps(tasks: u128) -> (f64, f64) {
    let mut fleet = Fleet::new(Rules::default());
    let model = |vram_mib| ModelFacts { vram_mib, load_ms: 60_000, unload_ms: 0 };
    let models = (0..6).map(|n| (format!("m{n}"), model(8_000))).collect();
    step(&mut fleet, Millis(0), Event::ModelsChanged(models));
    for n in 0..4 {
        let card = format!("card{n}");
        step(&mut fleet, Millis(0), Event::GpuSeen(CardFacts::new(&card, 12_288)));
        let seat =
            SeatFacts { seat: format!("seat{n}"), card: Some(card), queue_ahead: 1, ..SeatFacts::cpu("comfy", 1) };
        step(&mut fleet, Millis(0), Event::EngineSeen(seat));
    }
    let (mut took, mut running, mut now) = (Vec::new(), Vec::new(), 0);
    let mut tell = |fleet: &mut Fleet, now: i64, event: Event, running: &mut Vec<TaskId>| {
        let start = Instant::now();
        let effects = step(fleet, Millis(now), event);
        took.push(start.elapsed().as_secs_f64() * 1000.0);
        for effect in effects {
            match effect {
                studio_core::schedule::Effect::Run { task, .. } => running.push(task),
                studio_core::schedule::Effect::Change(plan) => {
                    step(fleet, Millis(now), Event::Loaded(Resident { seat: plan.seat, model: plan.model }));
                }
                _ => {}
            }
        }
    };
    for n in 0..tasks {
        let task = Submission {
            model: format!("m{}", n % 6),
            kind: "k".into(),
            guess_ms: 60_000,
            ..Submission::plain(TaskId(Uuid::from_u128(n + 1)), "comfy", Class::Production)
        };
        tell(&mut fleet, now, Event::Submitted(task), &mut running);
    }
    for _ in 0..2_000 {
        now += 30_000;
        let event = running.pop().map_or(Event::Tick, |task| Event::Finished { task, found: false, peak_mib: None });
        tell(&mut fleet, now, event, &mut running);
    }
    let longest = took.iter().copied().fold(0.0, f64::max);
    (median(took), longest)
}

fn main() {
    let count: u64 = std::env::var("STUDIOS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    println!("| what | | | |\n|---|---|---|---|");
    overlap();
    for family in Family::ALL {
        many(count, family);
    }
    for tasks in [100, 1_000, 10_000] {
        let (median, longest) = steps(tasks);
        println!(
            "| one step, {tasks} tasks waiting, 4 cards, 6 models | median {median:.3} ms | longest {longest:.3} ms | goal < 2 ms |"
        );
    }
}
