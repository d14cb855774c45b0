//! The scheduler against itself and others: 200 random studios, every policy; prints ratios to what nobody can beat.

use std::time::Instant;

use studio_core::{
    fleet::{Policy, Rules},
    sim::{Faults, Report, Scenario, World, bound, course, random, report},
};

fn run(scenario: &Scenario, policy: Policy) -> Report {
    let course = course(scenario, scenario.seed);
    let rules = Rules { policy, ..scenario.rules };
    let mut world = World::new(&course, rules, &scenario.foreign, &scenario.fault, Faults::default(), scenario.seed);
    world.run();
    report(&course, &world, &bound(&course), scenario.price_kwh)
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn main() {
    let count: u64 = std::env::var("STUDIOS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let mixed = std::env::var("MIXED").is_ok();
    let verbose = std::env::var("VERBOSE").is_ok();
    let policies = [Policy::Studio, Policy::Affinity, Policy::Fifo, Policy::Serial];
    let (mut ratios, mut worst, mut swaps, mut wrong) = (vec![Vec::new(); 4], Vec::new(), vec![0usize; 4], 0);
    let start = Instant::now();
    for seed in 0..count {
        let scenario = random(seed, mixed);
        let reports: Vec<Report> = policies.iter().map(|policy| run(&scenario, *policy)).collect();
        for (n, report) in reports.iter().enumerate() {
            ratios[n].push(report.ratio);
            swaps[n] += report.swaps;
        }
        if !reports[0].wrong.is_empty() || !reports[1].wrong.is_empty() || !reports[2].wrong.is_empty() {
            wrong += 1;
            println!(
                "{seed}: {:?} {:?} {:?}",
                reports[0].wrong.first(),
                reports[1].wrong.first(),
                reports[2].wrong.first()
            );
        }
        let best = reports[1..].iter().map(|one| one.makespan_ms).min().unwrap_or(1);
        let against = reports[0].makespan_ms as f64 / best as f64;
        worst.push((against, seed));
        if verbose {
            let said: Vec<String> = reports.iter().map(|one| format!("{:.3}/{}", one.ratio, one.swaps)).collect();
            println!("{seed:4} {against:.3}  {}", said.join("  "));
        }
    }
    for (n, policy) in policies.iter().enumerate() {
        let max = ratios[n].iter().copied().fold(0.0, f64::max);
        println!("{policy:?}: median {:.3}, worst {max:.3}, swaps {}", median(ratios[n].clone()), swaps[n]);
    }
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("against the best other: worst {:?}", &worst[..worst.len().min(12)]);
    println!(
        "above 1.02: {} of {count}; wrong: {wrong}; {:.1} s",
        worst.iter().filter(|one| one.0 > 1.02).count(),
        start.elapsed().as_secs_f64()
    );
}
