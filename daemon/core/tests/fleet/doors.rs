//! One rule at a time, by hand.

use studio_core::{
    failure::{Cause, FailureKind},
    fleet::{Away, CardFacts, Resident, Rules, Scope},
    schedule::{Effect, Event, Need, Steer, Submission, SwapReason, WaitReason, view, why, within},
    task::Class::{Background, Interactive, Production},
};

use super::support::{Bench, id, model, seat};

#[test]
fn a_model_comes_before_its_work_and_the_next_one_takes_its_place() {
    let mut bench = Bench::new(Rules::default());
    let first = bench.ask("a", Production, 1);
    assert_eq!(bench.changes[0].model, "a");
    assert!(!bench.runs(first), "not before its model is there");
    bench.arrive();
    assert!(bench.runs(first));
    let other = bench.ask("b", Production, 10);
    assert!(bench.changes.is_empty(), "a running attempt is never evicted");
    bench.finish(first);
    assert_eq!(bench.changes[0].unload[0].model, "a");
    assert_eq!(bench.changes[0].why, SwapReason::NothingLeft);
    bench.arrive();
    assert!(bench.runs(other));
}

#[test]
fn what_can_never_fit_says_so_and_does_not_stand_in_the_way() {
    let mut bench = Bench::new(Rules::default());
    let huge = bench.ask("big", Production, 1);
    let Some(WaitReason::TooLarge { need_mib: 40_000, most_mib }) = why(&bench.fleet, huge) else {
        panic!("{:?}", why(&bench.fleet, huge))
    };
    assert_eq!(most_mib, 12_288 - bench.fleet.rules().headroom_mib);
    let other = bench.ask("a", Production, 1);
    bench.arrive();
    assert!(bench.runs(other));
    let said = why(&bench.fleet, huge).unwrap().to_string();
    assert!(said.contains("39.1 GiB") && said.contains("smaller"), "{said}");
}

#[test]
fn what_others_use_is_not_booked() {
    let mut bench = Bench::new(Rules {
        yielding: studio_core::fleet::Yielding { from_mib: 0, ..Default::default() },
        ..Rules::default()
    });
    bench.tell(Event::GpuSeen(CardFacts {
        foreign_mib: 5_000,
        foreign_who: "browser".into(),
        ..CardFacts::new("card", 12_288)
    }));
    let task = bench.ask("a", Production, 1);
    assert!(bench.changes.is_empty() && !bench.runs(task));
    let said = why(&bench.fleet, task).unwrap().to_string();
    assert!(said.contains("needs 7.8 GiB on card") && said.contains("other programs use 4.9"), "{said}");
    bench.tell(Event::GpuSeen(CardFacts::new("card", 12_288)));
    bench.arrive();
    assert!(bench.runs(task));
}

#[test]
fn a_game_has_the_card_until_it_is_free_for_a_while() {
    let mut bench = Bench::new(Rules::default());
    let running = bench.ask("a", Production, 1);
    bench.arrive();
    let waiting = bench.ask("a", Production, 1);
    let game = CardFacts { foreign_mib: 3_000, foreign_who: "game.exe".into(), ..CardFacts::new("card", 12_288) };
    bench.tell(Event::GpuSeen(game));
    bench.finish(running);
    assert!(!bench.runs(waiting));
    assert!(why(&bench.fleet, waiting).unwrap().to_string().contains("game.exe has card"));
    bench.tell(Event::GpuSeen(CardFacts::new("card", 12_288)));
    assert!(!bench.runs(waiting), "not at once: the game may only have loaded a level");
    let freed = why(&bench.fleet, waiting);
    assert!(matches!(&freed, Some(WaitReason::Freed { card, .. }) if card == "card"), "{freed:?}");
    assert_eq!(view(&bench.fleet).cards[0].resting, freed, "the card says the same, and nobody has it any more");
    bench.tell(Event::Paused { scope: Scope::Studio, hard: false, why: "dinner".into(), until: None });
    let paused = view(&bench.fleet).cards[0].resting.clone();
    assert!(matches!(&paused, Some(WaitReason::Paused { .. })), "no moment is promised in a pause: {paused:?}");
    bench.tell(Event::Resumed { scope: Scope::Studio });
    bench.later(3);
    bench.arrive();
    assert!(bench.runs(waiting));
}

#[test]
fn a_game_interrupts_when_the_settings_say_so() {
    let mut rules = Rules::default();
    rules.yielding.interrupt = true;
    let mut bench = Bench::new(rules);
    let task = bench.ask("a", Production, 30);
    bench.arrive();
    bench.tell(Event::GpuSeen(CardFacts { foreign_mib: 3_000, ..CardFacts::new("card", 12_288) }));
    assert!(bench.effects.iter().any(|effect| matches!(effect, Effect::Interrupt { task: one, .. } if *one == task)));
    bench.fail(task, FailureKind::Lost);
    assert!(!bench.runs(task) && bench.fleet.knows(task), "it is made again later, and that cost it nothing");
}

#[test]
fn heat_stops_new_work_and_lets_it_go_on_only_well_below() {
    let mut bench = Bench::new(Rules::default());
    let at = |degrees| Event::GpuSeen(CardFacts { temperature_c: Some(degrees), ..CardFacts::new("card", 12_288) });
    bench.tell(at(90));
    let task = bench.ask("a", Production, 1);
    for degrees in [89, 83] {
        bench.tell(at(degrees));
        bench.arrive();
        assert!(!bench.runs(task), "{degrees}");
    }
    assert!(matches!(why(&bench.fleet, task), Some(WaitReason::Hot { now_c: 83, limit_c: 82, .. })));
    assert_eq!(view(&bench.fleet).cards[0].resting, why(&bench.fleet, task));
    bench.tell(at(82));
    bench.arrive();
    assert!(bench.runs(task));
}

#[test]
fn what_waits_inside_an_engine_comes_back_for_a_person() {
    let mut bench = Bench::new(Rules::default());
    bench.tell(Event::EngineSeen(studio_core::fleet::SeatFacts { queue_ahead: 1, ..seat("comfy", "comfy", "card") }));
    let (first, second) = (bench.ask("a", Production, 0), bench.ask("a", Production, 0));
    bench.arrive();
    assert!(bench.runs(first) && bench.runs(second), "one runs, one waits inside");
    let mine = bench.ask("a", Interactive, 0);
    assert!(bench.effects.contains(&Effect::Withdraw { task: second }));
    bench.fail(second, FailureKind::Lost);
    bench.finish(first);
    assert!(bench.runs(mine));
}

#[test]
fn people_pin_hold_move_and_pause() {
    let mut bench = Bench::new(Rules::default());
    let first = bench.ask("a", Production, 1);
    bench.arrive();
    let [one, two, three] = [1, 2, 3].map(|_| bench.ask("a", Production, 1));
    bench.tell(Event::Steered { task: one, to: Steer::Hold });
    bench.tell(Event::Steered { task: three, to: Steer::Pin });
    bench.finish(first);
    assert!(bench.runs(three), "pinned");
    bench.tell(Event::Paused { scope: Scope::Gpu("card".into()), hard: false, why: "dinner".into(), until: None });
    bench.finish(three);
    assert!(!bench.runs(two));
    assert!(why(&bench.fleet, two).unwrap().to_string().contains("dinner"));
    assert_eq!(why(&bench.fleet, one), Some(WaitReason::Held));
    bench.tell(Event::Resumed { scope: Scope::Gpu("card".into()) });
    assert!(bench.runs(two));
    let four = bench.ask("a", Production, 1);
    bench.tell(Event::Steered { task: one, to: Steer::Release });
    bench.tell(Event::Steered { task: four, to: Steer::Before(one) });
    bench.finish(two);
    assert!(bench.runs(four), "moved before");
}

/// What the effects so far have leave, seat and models.
fn released(bench: &Bench) -> Vec<(&str, Vec<&str>)> {
    let left = bench.effects.iter().filter_map(|effect| match effect {
        Effect::Release { seat, models } => Some((seat.as_str(), models.iter().map(String::as_str).collect())),
        _ => None,
    });
    left.collect()
}

#[test]
fn models_leave_what_rests_when_nothing_runs_there_and_only_when_asked() {
    let rest = |scope| Event::Paused { scope, hard: false, why: "a game".into(), until: None };
    for scope in [Scope::Studio, Scope::Gpu("card".into()), Scope::Engine("comfy".into())] {
        let mut bench = Bench::new(Rules::default());
        let (running, waiting) = (bench.ask("a", Production, 1), bench.ask("b", Production, 1));
        bench.arrive();
        bench.tell(rest(scope.clone()));
        assert_eq!(within(&bench.fleet, &scope).running, 1);
        bench.tell(Event::Freeing { scope: scope.clone() });
        assert_eq!(released(&bench), [], "what runs is finished");
        bench.finish(running);
        assert_eq!(released(&bench), [("comfy", vec!["a"])], "{scope}");
        assert_eq!(within(&bench.fleet, &scope).loaded, [], "it is on its way out");
        bench.tell(Event::Unloaded(Resident { seat: "comfy".into(), model: "a".into() }));
        bench.tell(Event::Freed { seat: "comfy".into() });
        bench.later(60);
        assert_eq!(released(&bench).len(), 1, "once");
        bench.tell(Event::Resumed { scope });
        bench.arrive();
        assert!(bench.runs(waiting), "and it comes again");
    }
    let mut bench = Bench::new(Rules::default());
    let running = bench.ask("a", Production, 1);
    bench.arrive();
    bench.tell(rest(Scope::Studio));
    bench.finish(running);
    assert_eq!(released(&bench), [], "a pause alone keeps them");
    assert_eq!(within(&bench.fleet, &Scope::Studio).loaded.len(), 1);
}

#[test]
fn a_process_that_comes_while_models_shall_leave_is_asked_too_and_a_refusal_is_tried_again() {
    let mut bench = Bench::new(Rules::default());
    let refused = || Event::ChangeFailed {
        seat: "other".into(),
        cause: Cause::attempt(FailureKind::Transient, "the memory was not given back"),
    };
    bench.tell(Event::Paused { scope: Scope::Studio, hard: false, why: "a game".into(), until: None });
    bench.tell(Event::Freeing { scope: Scope::Studio });
    // Nobody knows what it has of an earlier run.
    assert_eq!(released(&bench), [("comfy", vec![])]);
    bench.tell(Event::Freed { seat: "comfy".into() });
    bench.tell(Event::EngineSeen(seat("other", "comfy", "card")));
    assert_eq!(released(&bench).pop(), Some(("other", vec![])));
    bench.tell(refused());
    let times = released(&bench).len();
    bench.later(60);
    assert_eq!(released(&bench).len(), times + 1);
    bench.tell(refused());
    let times = released(&bench).len();
    bench.tell(Event::Resumed { scope: Scope::Studio });
    bench.later(600);
    assert_eq!(released(&bench).len(), times, "nobody wants it any more");
}

#[test]
fn a_paused_project_lets_the_others_go_on() {
    let mut bench = Bench::new(Rules::default());
    bench.tell(Event::Paused { scope: Scope::Project("film".into()), hard: false, why: "later".into(), until: None });
    let of = |task, project: &str| Submission {
        model: "a".into(),
        project: project.into(),
        ..Submission::plain(task, "comfy", Production)
    };
    bench.tell(Event::Submitted(of(id(100), "film")));
    bench.tell(Event::Submitted(of(id(101), "other")));
    bench.arrive();
    assert!(bench.runs(id(101)) && !bench.runs(id(100)));
    bench.tell(Event::Resumed { scope: Scope::Project("film".into()) });
    bench.finish(id(101));
    assert!(bench.runs(id(100)));
}

#[test]
fn a_sick_seat_is_left_alone_and_proves_itself_with_one_task() {
    let mut bench = Bench::new(Rules::default());
    let tasks: Vec<_> = (0..5).map(|_| bench.ask("a", Production, 1)).collect();
    bench.arrive();
    for task in &tasks[..3] {
        assert!(bench.runs(*task));
        bench.fail(*task, FailureKind::Transient);
    }
    assert!(bench.effects.iter().any(|effect| matches!(effect, Effect::Quarantine { .. })));
    assert!(bench.running.is_empty());
    let Some(WaitReason::Quarantined { because: Some(Cause::Attempt { kind, .. }), .. }) = why(&bench.fleet, tasks[3])
    else {
        panic!("it says what went wrong, as data")
    };
    assert_eq!(kind, FailureKind::Transient);
    bench.later(1);
    assert_eq!(bench.running.len(), 1, "one probe");
    let probe = *bench.running.keys().next().unwrap();
    bench.fail(probe, FailureKind::Transient);
    bench.later(1);
    assert!(bench.running.is_empty(), "twice as long now");
    bench.later(1);
    let probe = *bench.running.keys().next().expect("a second probe");
    bench.finish(probe);
    assert_eq!(bench.running.len(), 1, "well again");
}

#[test]
fn a_seat_that_cannot_do_it_leaves_it_to_another() {
    let mut bench = Bench::new(Rules::default());
    bench.tell(Event::GpuSeen(CardFacts::new("second", 12_288)));
    bench.tell(Event::EngineSeen(seat("other", "comfy", "second")));
    let task = bench.ask("a", Production, 1);
    bench.arrive();
    let first = bench.running[&task].clone();
    bench.fail(task, FailureKind::Unable);
    bench.arrive();
    assert_ne!(bench.running[&task], first);
    bench.fail(task, FailureKind::Unable);
    assert!(!bench.fleet.knows(task), "nobody can");
}

#[test]
fn a_lost_card_comes_back_empty() {
    let mut bench = Bench::new(Rules::default());
    let task = bench.ask("a", Production, 1);
    bench.arrive();
    bench.tell(Event::GpuLost { card: "card".into(), why: Away::Silent });
    bench.fail(task, FailureKind::Lost);
    let said = why(&bench.fleet, task);
    assert!(matches!(&said, Some(WaitReason::NoCard { card, .. }) if card == "card"), "{said:?}");
    bench.tell(Event::GpuSeen(CardFacts::new("card", 12_288)));
    assert_eq!(bench.changes.len(), 1, "its model must come again");
    bench.arrive();
    assert!(bench.runs(task));
}

#[test]
fn a_clock_that_is_set_back_stops_nothing() {
    let mut bench = Bench::new(Rules::default());
    bench.now = 1_000_000_000;
    let task = bench.ask("a", Production, 1);
    bench.arrive();
    bench.fail(task, FailureKind::Transient);
    let until = bench.effects.iter().rev().find_map(|effect| match effect {
        Effect::Requeue { until, .. } => Some(until.0),
        _ => None,
    });
    assert_eq!(until, Some(1_000_002_000));
    bench.now = 5_000;
    bench.tell(Event::Tick);
    assert!(!bench.runs(task), "its pause is not over");
    let wake =
        bench.effects.iter().rev().find_map(|effect| if let Effect::WakeAt(at) = effect { Some(at.0) } else { None });
    assert_eq!(wake, Some(7_000), "two seconds from now, by the clock as it is");
    bench.now = 7_000;
    bench.tell(Event::Tick);
    assert!(bench.runs(task));
}

#[test]
fn a_changed_catalogue_counts_from_the_next_decision_on() {
    let mut bench = Bench::new(Rules::default());
    let huge = bench.ask("big", Production, 1);
    bench.tell(Event::ModelsChanged([("big".to_owned(), model(6_000, 10))].into()));
    bench.arrive();
    assert!(bench.runs(huge));
}

#[test]
fn an_idle_card_begins_the_next_shot_and_gives_it_up_when_the_take_was_bad() {
    let mut bench = Bench::new(Rules::default());
    bench.tell(Event::EngineSeen(studio_core::fleet::SeatFacts::cpu("judge", 1)));
    let take = bench.ask("a", Production, 10);
    bench.arrive();
    let review = id(50);
    bench.tell(Event::Submitted(Submission {
        needs: vec![Need::must(take)],
        guess_ms: 60_000,
        ..Submission::plain(review, "judge", Production)
    }));
    let gate = id(51);
    bench.tell(Event::Submitted(Submission {
        needs: vec![Need::must(review)],
        ..Submission::plain(gate, "nobody", Production)
    }));
    let next = id(52);
    let need = Need { speculative: Some(take), ..Need::must(gate) };
    bench.tell(Event::Submitted(Submission {
        model: "a".into(),
        needs: vec![need],
        guess_ms: 600_000,
        ..Submission::plain(next, "comfy", Production)
    }));
    bench.finish(take);
    assert!(bench.effects.contains(&Effect::Run { task: next, seat: "comfy".into(), speculative: true }));
    let again = id(53);
    bench.tell(Event::Submitted(Submission {
        model: "a".into(),
        guess_ms: 600_000,
        ..Submission::plain(again, "comfy", Production)
    }));
    bench.tell(Event::Judged { take, instead: Some(again) });
    assert!(bench.effects.iter().any(|effect| matches!(effect, Effect::Interrupt { task, .. } if *task == next)));
    bench.fail(next, FailureKind::Lost);
    assert!(bench.runs(again) && !bench.runs(next), "the retake goes first");
}

#[test]
fn without_speculation_an_idle_card_waits_for_the_verdict() {
    let mut bench = Bench::new(Rules { speculate: false, ..Rules::default() });
    let take = bench.ask("a", Production, 10);
    bench.arrive();
    bench.tell(Event::Submitted(Submission {
        needs: vec![Need::must(take)],
        ..Submission::plain(id(51), "nobody", Production)
    }));
    let need = Need { speculative: Some(take), ..Need::must(id(51)) };
    bench.tell(Event::Submitted(Submission {
        model: "a".into(),
        needs: vec![need],
        ..Submission::plain(id(52), "comfy", Production)
    }));
    bench.finish(take);
    assert!(bench.running.is_empty());
}

#[test]
fn beginnings_are_as_far_apart_as_a_provider_wants_them() {
    let mut bench = Bench::new(Rules::default());
    bench.tell(Event::EngineSeen(studio_core::fleet::SeatFacts {
        parallel: 8,
        spacing_ms: 1_000,
        ..studio_core::fleet::SeatFacts::cpu("api", 8)
    }));
    for n in 60..63 {
        bench.tell(Event::Submitted(Submission::plain(id(n), "api", Production)));
    }
    assert_eq!(bench.running.len(), 1);
    bench.now = 999;
    bench.tell(Event::Tick);
    assert_eq!(bench.running.len(), 1);
    bench.now = 1_000;
    bench.tell(Event::Tick);
    assert_eq!(bench.running.len(), 2, "a second later");
}

#[test]
fn a_swap_says_why_and_what_it_costs() {
    let mut bench = Bench::new(Rules::default());
    let first = bench.ask("b", Background, 10);
    bench.arrive();
    bench.ask("b", Background, 10);
    bench.ask("a", Interactive, 1);
    bench.now += 50_000;
    bench.finish(first);
    let said = bench.changes[0].to_string();
    assert!(said.contains("a comes to card in place of b: its work is of a higher class"), "{said}");
    assert_eq!(bench.changes[0].cost_ms, 110_000, "20 s now, and 90 s for b to come back");
}

#[test]
fn what_is_told_twice_changes_nothing() {
    let mut bench = Bench::new(Rules::default());
    let first = bench.ask("a", Production, 5);
    bench.arrive();
    let waiting = bench.ask("b", Production, 5);
    let before = (view(&bench.fleet), why(&bench.fleet, waiting));
    let again = Submission {
        model: "b".into(),
        kind: "k".into(),
        guess_ms: 300_000,
        ..Submission::plain(waiting, "comfy", Production)
    };
    let told = [
        Event::GpuSeen(CardFacts::new("card", 12_288)),
        Event::EngineSeen(seat("comfy", "comfy", "card")),
        Event::Loaded(studio_core::fleet::Resident { seat: "comfy".into(), model: "a".into() }),
        Event::Submitted(again),
        Event::Submitted(Submission { model: "a".into(), ..Submission::plain(first, "comfy", Production) }),
        Event::Finished { task: id(4_000), found: false, peak_mib: None },
        Event::Failed { task: id(4_001), cause: Cause::attempt(FailureKind::Transient, "late") },
        Event::Cancelled { task: id(4_002) },
        Event::Resumed { scope: Scope::Studio },
        Event::Tick,
    ];
    for event in told.iter().chain(&told) {
        bench.effects.clear();
        bench.tell(event.clone());
        assert!(
            bench.effects.iter().all(|effect| matches!(effect, Effect::WakeAt(_))),
            "{event:?}: {:?}",
            bench.effects
        );
        assert_eq!((view(&bench.fleet), why(&bench.fleet, waiting)), before, "{event:?}");
    }
}
