//! How long models take to come is learned, and swaps are decided with it.

use studio_core::{
    durations::Load,
    fleet::{CardFacts, Rules},
    schedule::{Event, SwapPlan},
    task::Class,
};

use super::support::{Bench, seat};

/// The first swap for model `b`, with two equal cards, when it once took `took_ms` to come to `slow`.
fn swap(slow: &str, took_ms: Option<u64>) -> SwapPlan {
    let mut bench = Bench::new(Rules::default());
    bench.tell(Event::GpuSeen(CardFacts::new("other", 12_288)));
    bench.tell(Event::EngineSeen(seat("right", "comfy", "other")));
    if let Some(took_ms) = took_ms {
        let (engine, model, card) = ("comfy".to_owned(), "b".to_owned(), slow.to_owned());
        bench.tell(Event::LoadLearned(Load { engine, model, card, took_ms }));
    }
    bench.ask("b", Class::Production, 10);
    bench.changes[0].clone()
}

#[test]
fn a_card_whose_disk_proved_slow_is_left_for_an_equal_one() {
    let usual = swap("card", None);
    assert_eq!(usual.cost_ms, 90_000, "the catalogue's figure");
    let learned = swap(&usual.card, Some(900_000));
    assert_ne!(learned.card, usual.card, "{learned:?}");
    assert_eq!(learned.cost_ms, 90_000, "nothing is known of this one");
}

#[test]
fn what_a_swap_costs_is_what_it_took() {
    let mut bench = Bench::new(Rules::default());
    for took_ms in [300_000, 500_000, 400_000] {
        let (engine, model, card) = ("comfy".to_owned(), "b".to_owned(), "card".to_owned());
        bench.tell(Event::LoadLearned(Load { engine, model, card, took_ms }));
    }
    bench.ask("b", Class::Production, 10);
    assert_eq!(bench.changes[0].cost_ms, 400_000, "the median, not the catalogue's 90 s");
}
