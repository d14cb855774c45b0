//! Forecasts honour quiet hours, and a pause that ends by itself does.

use studio_core::{
    fleet::{Rest, Rules, Scope},
    ids::TaskId,
    schedule::Event,
    sim::{Foretold, foretell},
    task::Class::Production,
    units::Millis,
};

use super::support::Bench;

const MINUTE_MS: i64 = 60_000;

fn rest(scope: Scope, from: i64, until: i64) -> Rest {
    Rest { scope, from: Millis(from * MINUTE_MS), until: Millis(until * MINUTE_MS), hard: false }
}

/// Four tasks of ten minutes each on one card, one of them running, and when the last of them is done, in minutes.
fn done(rests: Vec<Rest>, begins: Option<&Scope>, before: Option<Event>) -> Option<f64> {
    let mut bench = Bench::new(Rules::default());
    bench.tell(Event::Tick);
    if let Some(event) = before {
        bench.tell(event);
    }
    let tasks: Vec<TaskId> = (0..4).map(|_| bench.ask("a", Production, 10)).collect();
    bench.arrive();
    bench.fleet.foresee(rests);
    let told: Foretold = foretell(&bench.fleet, &[], begins, 5, 1);
    let ends = tasks.iter().map(|task| told.tasks.get(task).map(|spread| spread.median / MINUTE_MS as f64));
    ends.collect::<Option<Vec<f64>>>().map(|ends| ends.into_iter().fold(0.0, f64::max))
}

#[test]
fn work_does_not_begin_in_hours_that_are_foreseen() {
    let without = done(Vec::new(), None, None).unwrap();
    assert!((20.0..60.0).contains(&without), "{without}");
    for scope in [Scope::Studio, Scope::Gpu("card".into()), Scope::Engine("comfy".into())] {
        let with = done(vec![rest(scope.clone(), 15, 135)], None, None).unwrap();
        assert!(with > 135.0 && with < 135.0 + without, "{scope}: {with} minutes, without {without}");
    }
    let other = done(vec![rest(Scope::Engine("ollama".into()), 15, 135)], None, None).unwrap();
    assert!((other - without).abs() < 1e-9, "another engine's rest");
}

#[test]
fn a_pause_ends_when_it_says_so_and_one_of_a_person_does_not() {
    let pause = |until: Option<i64>| Event::Paused {
        scope: Scope::Gpu("card".into()),
        hard: false,
        why: "quiet hours".into(),
        until: until.map(|minutes| Millis(minutes * MINUTE_MS)),
    };
    let quiet = done(Vec::new(), None, Some(pause(Some(90)))).expect("it ends");
    assert!(quiet > 100.0 && quiet < 180.0, "{quiet}");
    assert_eq!(done(Vec::new(), None, Some(pause(None))), None, "nobody knows when");
    let held = done(vec![rest(Scope::Gpu("card".into()), 10, 20)], None, Some(pause(None)));
    assert_eq!(held, None, "quiet hours do not end what a person paused");
}

#[test]
fn a_film_that_is_only_foreseen_begins_after_the_quiet_hours_of_this_moment() {
    let hold = Event::Paused { scope: Scope::Studio, hard: false, why: "".into(), until: None };
    let begins = Some(&Scope::Studio);
    let free = done(Vec::new(), begins, Some(hold.clone())).unwrap();
    let quiet = done(vec![rest(Scope::Studio, 0, 240)], begins, Some(hold)).unwrap();
    assert!((quiet - free - 240.0).abs() < 1.0, "{quiet} with, {free} without");
}
