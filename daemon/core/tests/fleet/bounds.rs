//! Nobody is passed over for ever; and each bound is shown to break when its rule is taken away.

use studio_core::{
    fleet::{Policy, Rules},
    ids::TaskId,
    sim::{Faults, Hindrances, Scenario, World, bound, course, report},
    task::Class::{self, Background, Interactive, Production},
};

use super::support::Bench;

/// An adversary keeps feeding warm work of ten minutes each; how long the one cold task waits, in milliseconds.
fn cold_among_warm(rules: Rules, class: Class, warm: Class, most_minutes: i64) -> i64 {
    let mut bench = Bench::new(rules);
    bench.ask("b", warm, 10);
    bench.arrive();
    bench.ask("b", warm, 10);
    let cold = bench.ask("a", class, 1);
    bench.go_on(10, |bench| {
        bench.ask("b", warm, 10);
        bench.runs(cold) || bench.now > most_minutes * 60_000
    })
}

/// Patience, the model's residence, and the two attempts then running.
fn bound_ms(rules: &Rules, class: Class) -> i64 {
    rules.patience.of(class) + (rules.residence * 110_000.0) as i64 + 2 * 10 * 60_000
}

#[test]
fn a_cold_task_starts_within_its_patience_however_much_warm_work_comes() {
    let rules = Rules::default();
    for class in [Production, Background] {
        let waited = cold_among_warm(rules, class, class, 60 * 24);
        assert!(waited <= bound_ms(&rules, class), "{class:?} waited {waited} ms");
    }
}

/// How long a cold part of one film waits while warm parts of `others` keep coming, in milliseconds.
fn cold_part(others: &str) -> i64 {
    let mut bench = Bench::new(Rules::default());
    bench.ask_of("film", "b", Production, 10, &[]);
    bench.arrive();
    bench.ask_of(others, "b", Production, 10, &[]);
    let cold = bench.ask_of("film", "a", Production, 1, &[]);
    bench.go_on(10, |bench| {
        bench.ask_of(others, "b", Production, 10, &[]);
        bench.runs(cold) || bench.now > 24 * 3_600_000
    })
}

#[test]
fn parts_of_one_film_wait_longer_for_one_another_but_not_for_ever() {
    let rules = Rules::default();
    let (among_others, of_one) = (cold_part("another"), cold_part("film"));
    assert!(among_others <= bound_ms(&rules, Production), "{among_others}");
    let longer = Rules { residence: rules.residence * 10.0, ..rules };
    assert!(of_one <= bound_ms(&longer, Production), "{of_one}");
    assert!(of_one > 2 * among_others, "a swap among parts of one film helps nobody: {of_one}, else {among_others}");
}

#[test]
fn a_lower_class_has_its_turn_however_much_higher_work_comes() {
    let rules = Rules::default();
    for (class, higher) in [(Production, Interactive), (Background, Production), (Background, Interactive)] {
        let waited = cold_among_warm(rules, class, higher, 60 * 24);
        assert!(waited <= bound_ms(&rules, class), "{class:?} behind {higher:?} waited {waited} ms");
    }
}

#[test]
fn without_the_rule_it_never_starts() {
    let affinity = Rules { policy: Policy::Affinity, ..Rules::default() };
    assert!(cold_among_warm(affinity, Production, Production, 60 * 24) >= 60 * 24 * 60_000);
    let mut endless = Rules::default();
    (endless.patience.production_ms, endless.patience.background_ms) = (i64::MAX / 8, i64::MAX / 8);
    assert!(cold_among_warm(endless, Production, Production, 60 * 24) >= 60 * 24 * 60_000);
    assert!(cold_among_warm(endless, Background, Production, 60 * 24) >= 60 * 24 * 60_000);
}

#[test]
fn somebody_at_the_page_waits_for_one_attempt_and_one_model() {
    let mut bench = Bench::new(Rules::default());
    for _ in 0..50 {
        bench.ask("b", Production, 10);
    }
    bench.arrive();
    // Long enough that all of them have lost patience.
    bench.go_on(10, |bench| bench.now > 5 * 3_600_000);
    for _ in 0..10 {
        let mine = bench.ask("a", Interactive, 1);
        let running = *bench.running.keys().next().expect("the card works");
        bench.finish(running);
        assert_eq!(bench.changes.len(), 1, "its model comes next");
        bench.arrive();
        assert!(bench.runs(mine));
        bench.finish(mine);
        bench.arrive();
        bench.now += 600_000;
    }
}

/// Two models that want the card in turn: how often they change in a day.
fn swaps_in_a_day(rules: Rules) -> usize {
    let mut bench = Bench::new(rules);
    let (mut swaps, mut asked): (usize, Vec<TaskId>) = (0, Vec::new());
    for _ in 0..400 {
        asked.push(bench.ask("a", Production, 3));
        asked.push(bench.ask("b", Production, 3));
    }
    bench.go_on(3, |bench| {
        swaps += bench.changes.len();
        bench.now > 24 * 3_600_000
    });
    // Changes are taken away when they arrive, so they are counted where they are decided.
    bench.effects.iter().filter(|effect| matches!(effect, studio_core::schedule::Effect::Change(_))).count().max(swaps)
}

#[test]
fn models_that_want_the_card_in_turn_do_not_take_it_from_each_other_all_the_time() {
    let usual = swaps_in_a_day(Rules::default());
    // Each stays for four times the cost of the swap, so swaps take at most a fifth of the day.
    assert!(usual as i64 * 110_000 <= 24 * 3_600_000 / 5 + 110_000 * 2, "{usual} swaps");
    let eager = swaps_in_a_day(Rules { residence: 0.0, ..Rules::default() });
    assert!(eager > usual * 3 / 2, "without residence {eager}, with it {usual}");
}

/// Reviews run on the other card while the next take renders.
#[test]
fn the_pictures_card_waits_no_longer_for_reviews_than_a_change_of_models_costs() {
    let night: Scenario = toml::from_str(include_str!("../../../../scenarios/night.toml")).unwrap();
    let starved = |policy: Policy| {
        let course = course(&night, night.seed);
        let rules = Rules { policy, ..night.rules };
        let mut world = World::new(&course, rules, &[], &[], Faults::default(), night.seed);
        world.run();
        let report = report(&course, &world, &bound(&course, &Hindrances::of(&night)), 0.0);
        report.cards[0].starved * report.makespan_ms as f64 / 1000.0
    };
    // 110 s to change models and back, in ten hours.
    assert!(starved(Policy::Studio) < 110.0, "{} s", starved(Policy::Studio));
    assert!(starved(Policy::Serial) > 1_800.0, "one thing after the other is what it would be without");
}
