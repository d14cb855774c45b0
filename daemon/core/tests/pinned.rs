//! What must never change by itself: job paths, seeds and keys of the example film. Films that were made are found
//! again by these; whoever changes one on purpose makes every film anew, and says so in the changelog.

use std::fmt::Write;

use studio_core::{order::Order, production::plan_jobs};

#[path = "production/world.rs"]
mod world;

use world::{EXAMPLE, World, production};

#[test]
fn job_paths_seeds_and_keys_of_the_example_are_as_they_were() {
    let production = production(EXAMPLE);
    let film = World::default().produce(&production);
    let mut table = String::new();
    for planned in plan_jobs(&production) {
        let job = serde_json::to_string(&planned.job).unwrap();
        let seed = film.orders.get(&planned.job.path()).and_then(|order| match order {
            Order::Still(order) => Some(order.seed),
            Order::Clip(order) => Some(order.seed),
            _ => None,
        });
        let seed = seed.map_or_else(|| "-".into(), |seed| seed.0.to_string());
        let key = film.keys.get(&planned.job.path()).map_or_else(|| "-".into(), ToString::to_string);
        writeln!(
            table,
            "{} | {} | {} | {job} | {seed} | {key}",
            planned.job.path(),
            planned.engine,
            planned.job.stage().word()
        )
        .unwrap();
    }
    insta::assert_snapshot!(table);
}

/// Takes after the first have seeds of their own, and a review by number.
#[test]
fn seeds_and_keys_of_further_takes_are_as_they_were() {
    let production = production(EXAMPLE);
    let film = World { score: |_| Some(20), ..World::default() }.produce(&production);
    let mut table = String::new();
    for (slot, key) in &film.keys {
        if slot.contains("/take ") || slot.contains("/review ") {
            writeln!(table, "{slot} | {key}").unwrap();
        }
    }
    insta::assert_snapshot!(table);
}
