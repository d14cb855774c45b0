//! The scheduler against an adversary: random graphs, engines that fail, people who cancel, in any order.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use studio_core::{
    failure::{Cause, FailureKind, TaskFault},
    fleet::{Away, Fleet, Rules, SeatFacts},
    ids::TaskId,
    schedule::{Effect, Event, Need, Submission, WaitReason, step, why},
    task::Class,
    units::Millis,
};
use uuid::Uuid;

fn id(n: usize) -> TaskId {
    TaskId(Uuid::from_u128(n as u128 + 1))
}

fn task(n: usize, engine: &str, class: Class, needs: &[(usize, bool)]) -> Event {
    Event::Submitted(Submission {
        needs: needs.iter().map(|&(n, optional)| Need { optional, ..Need::must(id(n)) }).collect(),
        ..Submission::plain(id(n), engine, class)
    })
}

fn fleet(slots: usize) -> Fleet {
    let mut fleet = Fleet::new(Rules::default());
    step(&mut fleet, Millis(0), Event::EngineSeen(SeatFacts::cpu("a", slots)));
    fleet
}

fn runs(effects: &[Effect]) -> Vec<TaskId> {
    effects.iter().filter_map(|e| if let Effect::Run { task, .. } = e { Some(*task) } else { None }).collect()
}

#[test]
fn a_task_waits_for_its_needs_and_its_slot() {
    let mut fleet = fleet(1);
    let now = Millis(0);
    assert_eq!(runs(&step(&mut fleet, now, task(0, "a", Class::Production, &[]))), [id(0)]);
    assert!(runs(&step(&mut fleet, now, task(1, "a", Class::Production, &[(0, false)]))).is_empty());
    assert!(runs(&step(&mut fleet, now, task(2, "a", Class::Production, &[]))).is_empty());
    assert_eq!(why(&fleet, id(1)), Some(WaitReason::Needs { count: 1, first: id(0) }));
    assert_eq!(why(&fleet, id(2)), Some(WaitReason::Busy { engine: "a".into(), running: 1, ahead: 0, about_ms: 0 }));
    assert_eq!(
        runs(&step(&mut fleet, now, Event::Finished { task: id(0), found: false, peak_mib: None })),
        [id(1)],
        "first come, first served"
    );
}

#[test]
fn a_higher_class_goes_first() {
    let mut fleet = fleet(1);
    let now = Millis(0);
    step(&mut fleet, now, task(0, "a", Class::Production, &[]));
    step(&mut fleet, now, task(1, "a", Class::Background, &[]));
    step(&mut fleet, now, task(2, "a", Class::Interactive, &[]));
    assert_eq!(runs(&step(&mut fleet, now, Event::Finished { task: id(0), found: false, peak_mib: None })), [id(2)]);
}

#[test]
fn a_passing_failure_is_tried_again_after_a_longer_pause_each_time_and_then_ends() {
    let mut fleet = fleet(1);
    step(&mut fleet, Millis(0), task(0, "a", Class::Production, &[]));
    step(&mut fleet, Millis(0), task(1, "a", Class::Production, &[(0, false)]));
    let fail = || Event::Failed { task: id(0), cause: Cause::attempt(FailureKind::Transient, "deaf") };

    let effects = step(&mut fleet, Millis(0), fail());
    assert!(effects.contains(&Effect::WakeAt(Millis(2_000))), "{effects:?}");
    assert!(runs(&step(&mut fleet, Millis(1_999), Event::Tick)).is_empty());
    assert_eq!(runs(&step(&mut fleet, Millis(2_000), Event::Tick)), [id(0)]);
    let effects = step(&mut fleet, Millis(2_000), fail());
    assert!(effects.contains(&Effect::WakeAt(Millis(10_000))), "{effects:?}");
    step(&mut fleet, Millis(10_000), Event::Tick);
    let effects = step(&mut fleet, Millis(10_000), fail());
    let cause = Cause::attempt(FailureKind::Transient, "deaf");
    let own = Effect::Reject { task: id(0), fault: TaskFault::own(cause.clone()) };
    let other = Effect::Reject { task: id(1), fault: TaskFault { need: Some(id(0)), cause } };
    assert!(effects.contains(&own) && effects.contains(&other), "the task and the one that needs it: {effects:?}");
    assert_eq!(fleet.unfinished(), 0);
}

#[test]
fn however_long_the_chain_is_the_first_that_failed_is_named() {
    let mut fleet = fleet(1);
    step(&mut fleet, Millis(0), task(0, "a", Class::Production, &[]));
    for n in 1..4 {
        step(&mut fleet, Millis(0), task(n, "a", Class::Production, &[(n - 1, false)]));
    }
    // What is said is quoted, never read: not even when it looks like what the scheduler itself says.
    let cause = Cause::attempt(FailureKind::Refused, "needs a task that ended without result: no");
    let effects = step(&mut fleet, Millis(0), Event::Failed { task: id(0), cause });
    let faults: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Reject { task, fault } => Some((*task, fault.need, fault.to_string())),
            _ => None,
        })
        .collect();
    let own = "needs a task that ended without result: no";
    assert_eq!(faults[0], (id(0), None, own.to_owned()));
    for (n, fault) in (1..).zip(&faults[1..]) {
        assert_eq!(*fault, (id(n), Some(id(0)), format!("needs a task that ended without result: {own}")));
    }
    assert_eq!(faults.len(), 4);
}

#[test]
fn an_optional_need_that_fails_lets_the_other_go_on() {
    let mut fleet = fleet(2);
    step(&mut fleet, Millis(0), task(0, "a", Class::Production, &[]));
    step(&mut fleet, Millis(0), task(1, "a", Class::Production, &[(0, true)]));
    let effects =
        step(&mut fleet, Millis(0), Event::Failed { task: id(0), cause: Cause::attempt(FailureKind::Refused, "no") });
    assert_eq!(runs(&effects), [id(1)]);
}

#[test]
fn a_full_disk_and_a_lost_attempt_cost_no_strike() {
    let mut fleet = fleet(1);
    step(&mut fleet, Millis(0), task(0, "a", Class::Production, &[]));
    let mut now = Millis(0);
    for round in 0..20 {
        let kind = if round % 2 == 0 { FailureKind::DiskFull } else { FailureKind::Lost };
        let effects = step(&mut fleet, now, Event::Failed { task: id(0), cause: Cause::attempt(kind, "full") });
        assert!(!effects.iter().any(|e| matches!(e, Effect::Reject { .. })), "{effects:?}");
        now = now.after(60_000);
        step(&mut fleet, now, Event::Tick);
    }
    assert!(fleet.running().any(|t| t == id(0)));
}

#[test]
fn what_is_away_is_waited_for_at_least_once_a_minute_and_costs_no_strike() {
    let mut fleet = fleet(1);
    step(&mut fleet, Millis(0), task(0, "a", Class::Production, &[]));
    let (mut now, mut pauses) = (Millis(0), Vec::new());
    for _ in 0..50 {
        let cause = Cause::attempt(FailureKind::Away, "connection refused");
        let effects = step(&mut fleet, now, Event::Failed { task: id(0), cause });
        let until = effects.iter().find_map(|e| match e {
            Effect::Requeue { until, counted: false, .. } => Some(*until),
            _ => None,
        });
        let until = until.unwrap_or_else(|| panic!("it waits, and that costs nothing: {effects:?}"));
        let said = why(&fleet, id(0)).map(|why| why.to_string());
        assert_eq!(said.as_deref(), Some("pauses until what it needs is there again"));
        pauses.push(until.0 - now.0);
        now = until;
        step(&mut fleet, now, Event::Tick);
    }
    assert_eq!(pauses[..4], [2_000, 8_000, 32_000, 60_000]);
    assert!(pauses[4..].iter().all(|pause| *pause == 60_000));
    // It passes, and what fails then is the task itself again.
    let fail = |fleet: &mut Fleet, now, kind| {
        step(fleet, now, Event::Failed { task: id(0), cause: Cause::attempt(kind, "no") })
    };
    fail(&mut fleet, now, FailureKind::Transient);
    now = now.after(2_000);
    step(&mut fleet, now, Event::Tick);
    let effects = fail(&mut fleet, now, FailureKind::Away);
    assert!(effects.contains(&Effect::WakeAt(now.after(2_000))), "it was there in between: {effects:?}");
}

#[test]
fn a_server_that_says_how_long_it_is_away_is_left_alone_for_that_long() {
    let pause = |retry_after_ms: Option<i64>| {
        let mut fleet = fleet(1);
        step(&mut fleet, Millis(0), task(0, "a", Class::Production, &[]));
        let cause = Cause::attempt(FailureKind::Away, "too many requests").retry_after(retry_after_ms);
        let effects = step(&mut fleet, Millis(0), Event::Failed { task: id(0), cause });
        effects.iter().find_map(|e| match e {
            Effect::Requeue { until, counted: false, .. } => Some(until.0),
            _ => None,
        })
    };
    assert_eq!(pause(None), Some(2_000));
    assert_eq!(pause(Some(500)), Some(2_000), "never sooner than the studio would ask by itself");
    assert_eq!(pause(Some(90_000)), Some(90_000));
    assert_eq!(pause(Some(i64::MAX)), Some(3_600_000), "a server that says nonsense is asked within the hour");
}

#[test]
fn cancelling_a_running_task_keeps_its_slot_until_the_engine_confirms() {
    let mut fleet = fleet(1);
    step(&mut fleet, Millis(0), task(0, "a", Class::Production, &[]));
    step(&mut fleet, Millis(0), task(1, "a", Class::Production, &[]));
    let effects = step(&mut fleet, Millis(0), Event::Cancelled { task: id(0) });
    assert!(effects.contains(&Effect::Cancel { task: id(0) }) && runs(&effects).is_empty(), "{effects:?}");
    let confirm = Event::Failed { task: id(0), cause: Cause::attempt(FailureKind::Transient, "killed") };
    let effects = step(&mut fleet, Millis(0), confirm);
    assert!(
        effects.iter().any(|e| matches!(e, Effect::Reject { fault, .. } if fault.cause == Cause::Cancelled)),
        "{effects:?}"
    );
    assert_eq!(runs(&effects), [id(1)]);
}

#[test]
fn a_deferred_task_runs_again_after_what_it_found_it_needs() {
    let mut fleet = fleet(1);
    step(&mut fleet, Millis(0), task(0, "a", Class::Production, &[]));
    step(&mut fleet, Millis(0), task(1, "a", Class::Production, &[]));
    let effects = step(&mut fleet, Millis(0), Event::Deferred { task: id(0), needs: vec![Need::must(id(1))] });
    assert_eq!(runs(&effects), [id(1)]);
    assert_eq!(
        runs(&step(&mut fleet, Millis(0), Event::Finished { task: id(1), found: false, peak_mib: None })),
        [id(0)]
    );
}

#[test]
fn an_engine_that_is_gone_gets_nothing_until_it_is_back() {
    let mut fleet = fleet(1);
    step(
        &mut fleet,
        Millis(0),
        Event::EngineLost {
            seat: "a".into(),
            engine: "a".into(),
            why: Away::Unreachable { message: "its cable is out".into() },
        },
    );
    assert!(runs(&step(&mut fleet, Millis(0), task(0, "a", Class::Production, &[]))).is_empty());
    assert_eq!(
        why(&fleet, id(0)),
        Some(WaitReason::NoEngine {
            engine: "a".into(),
            reason: "its cable is out".into(),
            because: vec![Away::Unreachable { message: "its cable is out".into() }]
        })
    );
    let back = Event::EngineSeen(SeatFacts::cpu("a", 1));
    assert_eq!(runs(&step(&mut fleet, Millis(0), back)), [id(0)]);
}

/// What an adversary does next.
#[derive(Debug, Clone)]
enum Move {
    Finish(usize),
    Fail(usize, u8),
    Cancel(usize),
    Wait,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (0usize..8).prop_map(Move::Finish),
        2 => (0usize..8, 0u8..5).prop_map(|(n, fault)| Move::Fail(n, fault)),
        1 => (0usize..40).prop_map(Move::Cancel),
        2 => Just(Move::Wait),
    ];
    proptest::collection::vec(one, 0..200)
}

/// Runs a random graph to its end and checks every step.
struct Watch {
    running: BTreeSet<TaskId>,
    ended: BTreeMap<TaskId, bool>,
    needs: BTreeMap<TaskId, Vec<(TaskId, bool)>>,
    slots: usize,
}

impl Watch {
    fn see(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Run { task, .. } => {
                    assert!(!self.ended.contains_key(task), "a finished task runs again");
                    assert!(self.running.insert(*task), "a task runs twice at once");
                    for (need, optional) in &self.needs[task] {
                        let ended = self.ended.get(need);
                        assert!(ended == Some(&true) || (*optional && ended.is_some()), "ran before its need was met");
                    }
                }
                Effect::Reject { task, .. } => {
                    self.running.remove(task);
                    assert!(self.ended.insert(*task, false).is_none(), "ended twice");
                }
                Effect::Requeue { task, .. } => assert!(self.running.remove(task), "requeued without having run"),
                _ => {}
            }
        }
        assert!(self.running.len() <= self.slots, "{} run in {} slots", self.running.len(), self.slots);
    }

    fn nth(&self, n: usize) -> Option<TaskId> {
        self.running.iter().nth(n % self.running.len().max(1)).copied()
    }
}

proptest! {
    #[test]
    fn everything_ends_once_and_nothing_runs_too_early(
        graph in proptest::collection::vec(proptest::collection::vec((0usize..40, any::<bool>()), 0..4), 1..40),
        slots in 1usize..4,
        moves in moves(),
    ) {
        let mut fleet = fleet(slots);
        let mut watch = Watch { running: BTreeSet::new(), ended: BTreeMap::new(), needs: BTreeMap::new(), slots };
        let mut now = Millis(0);
        for (n, needs) in graph.iter().enumerate() {
            let needs: BTreeMap<usize, bool> = needs.iter().filter(|(need, _)| *need < n).copied().collect();
            let needs: Vec<(usize, bool)> = needs.into_iter().collect();
            watch.needs.insert(id(n), needs.iter().map(|&(n, optional)| (id(n), optional)).collect());
            watch.see(&step(&mut fleet, now, task(n, "a", Class::Production, &needs)));
        }
        let finish = |fleet: &mut Fleet, watch: &mut Watch, now, task| {
            watch.running.remove(&task);
            watch.ended.insert(task, true);
            let effects = step(fleet, now, Event::Finished { task, found: false, peak_mib: None });
            watch.see(&effects);
        };
        for one in moves {
            now = now.after(500);
            match one {
                Move::Finish(n) => if let Some(task) = watch.nth(n) { finish(&mut fleet, &mut watch, now, task) },
                Move::Fail(n, kind) => if let Some(task) = watch.nth(n) {
                    let kinds = [
                        FailureKind::Transient,
                        FailureKind::Refused,
                        FailureKind::Lost,
                        FailureKind::DiskFull,
                        FailureKind::Away,
                    ];
                    let cause = Cause::attempt(kinds[kind as usize], "no");
                    let effects = step(&mut fleet, now, Event::Failed { task, cause });
                    watch.see(&effects);
                },
                Move::Cancel(n) => if n < graph.len() {
                    let effects = step(&mut fleet, now, Event::Cancelled { task: id(n) });
                    watch.see(&effects);
                },
                Move::Wait => {
                    now = now.after(100_000);
                    let effects = step(&mut fleet, now, Event::Tick);
                    watch.see(&effects);
                }
            }
        }
        // From here on nothing fails: everything must end within one turn per task.
        for _ in 0..2 * graph.len() {
            now = now.after(400_000);
            let effects = step(&mut fleet, now, Event::Tick);
            watch.see(&effects);
            while let Some(task) = watch.nth(0) { finish(&mut fleet, &mut watch, now, task); }
        }
        prop_assert_eq!(fleet.unfinished(), 0);
        prop_assert_eq!(watch.ended.len(), graph.len());
    }
}
