//! How the studio's order does against the others, with numbers: each of these was worse once.

use studio_core::{
    fleet::{CardFacts, Rules, SeatFacts},
    schedule::{Effect, Event, Need, Submission, SwapReason},
    sim::{Family, Scenario, against_best, compare},
    task::Class::{Interactive, Production},
};

use super::support::{Bench, id, seat};

/// Studios of the first hundred in which the studio's order takes over two percent longer than the best other, and how
/// it compares on average.
fn lost(family: Family) -> (usize, f64) {
    let all: Vec<f64> = (0..100).map(|seed| against_best(&compare(&family.draw(seed)))).collect();
    let mean = all.iter().map(|one| one.ln()).sum::<f64>() / all.len() as f64;
    (all.iter().filter(|one| **one > 1.02).count(), mean.exp())
}

#[test]
fn few_random_studios_are_better_off_with_another_order() {
    let (random, random_mean) = lost(Family::Random);
    assert!(random <= 2 && random_mean < 0.955, "random: {random} lost, {random_mean:.4} on average");
    let (unequal, unequal_mean) = lost(Family::Unequal);
    assert!(unequal <= 20 && unequal_mean < 1.004, "unequal: {unequal} lost, {unequal_mean:.4} on average");
}

#[test]
fn two_cards_of_unequal_speed_with_an_outage_are_used_better_than_by_any_other_order() {
    let scenario: Scenario = toml::from_str(include_str!("../../../../scenarios/unequal.toml")).unwrap();
    let reports = compare(&scenario);
    assert!(against_best(&reports) < 1.0, "{:.3}", against_best(&reports));
}

#[test]
fn one_card_is_enough_for_what_has_waited_too_long() {
    let mut bench = Bench::new(Rules::default());
    bench.tell(Event::GpuSeen(CardFacts::new("second", 12_288)));
    bench.tell(Event::EngineSeen(seat("right", "comfy", "second")));
    for _ in 0..2 {
        bench.ask("b", Production, 10);
    }
    bench.arrive();
    let cold = bench.ask("a", Production, 1);
    for _ in 0..40 {
        bench.ask("b", Production, 10);
    }
    bench.go_on(10, |bench| bench.runs(cold) || bench.now > 90 * 60_000);
    assert!(bench.runs(cold), "it has its turn");
    let swaps = bench.effects.iter().filter(|effect| matches!(effect, Effect::Change(plan) if plan.model == "a"));
    assert_eq!(swaps.count(), 1, "on one card");
}

#[test]
fn a_model_that_has_just_come_is_not_sent_away_before_its_first_attempt() {
    let mut bench = Bench::new(Rules::default());
    let first = bench.ask("b", Production, 5);
    // Somebody at the page asks while it is still coming.
    let mine = bench.ask("a", Interactive, 1);
    bench.now += 90_000;
    bench.arrive();
    assert!(bench.runs(first), "it came for something");
    bench.ask("b", Production, 5);
    bench.now += 300_000;
    bench.finish(first);
    assert_eq!(bench.changes.len(), 1, "then somebody at the page is next");
    bench.arrive();
    assert!(bench.runs(mine));
}

#[test]
fn a_card_does_not_stand_idle_for_a_verdict_that_is_queued_behind_another_engine() {
    let mut bench = Bench::new(Rules::default());
    // The judge and the musician share the other card.
    bench.tell(Event::GpuSeen(CardFacts::new("side", 12_288)));
    bench.tell(Event::EngineSeen(seat("judge", "judge", "side")));
    bench.tell(Event::EngineSeen(SeatFacts { parallel: 1, ..seat("music", "music", "side") }));
    let take = bench.ask("b", Production, 5);
    bench.arrive();
    let plain = |task, engine: &str, guess_ms| Submission { guess_ms, ..Submission::plain(task, engine, Production) };
    bench.tell(Event::Submitted(plain(id(70), "music", 40_000)));
    let judged = Submission { needs: vec![Need::must(take)], judges: Some(take), ..plain(id(71), "judge", 10_000) };
    bench.tell(Event::Submitted(judged));
    assert!(bench.runs(id(70)), "the other card is busy for 40 s");
    let other = bench.ask("a", Production, 5);
    bench.finish(take);
    assert_eq!(bench.changes.len(), 1, "20 s of swapping are less than the wait for what may come back");
    assert_eq!(bench.changes[0].why, SwapReason::NothingLeft);
    bench.arrive();
    assert!(bench.runs(other));
}
