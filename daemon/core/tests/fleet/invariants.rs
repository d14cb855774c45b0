//! A hundred thousand random studios: nothing is over-booked, run twice, run too early or left behind.

use std::{collections::BTreeMap, num::NonZero, thread};

use studio_core::{
    fleet::{Away, CardFacts, Holds, Policy, Resident, Rules, SeatFacts},
    schedule::{Event, Submission},
    sim::{
        Chance, Course, Faults, Foreign, Gpu, Hindrances, JobSpec, ModelSpec, Outage, Per, Scenario, SeatSpec,
        StepSpec, World, bound, course, report,
    },
    task::Class,
};

const STUDIOS: u64 = 100_000;

fn step(name: &str, engine: &str, model: &str, seconds: f64, needs: &[&str]) -> StepSpec {
    StepSpec {
        name: name.into(),
        per: Per::Shot,
        engine: engine.into(),
        model: model.into(),
        seconds,
        spread: 0.3,
        vram_mib: 0,
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        reviews: String::new(),
        rejects: 0.0,
        takes: 3,
    }
}

/// Pictures, clips and reviews, perhaps in a chain.
fn job(chance: &mut Chance, n: u64) -> JobSpec {
    let mut review = step("review", "judge", "eye", chance.between(1.0, 60.0), &["clip"]);
    (review.reviews, review.rejects) = ("clip".into(), chance.between(0.0, 0.6));
    let chain = chance.happens(0.6);
    let needs: &[&str] = if chain { &["still", "previous clip"] } else { &["still"] };
    let classes = [Class::Interactive, Class::Production, Class::Background];
    JobSpec {
        name: format!("job {n}"),
        at_s: chance.between(0.0, 600.0),
        times: 1,
        every_s: 0.0,
        class: classes[chance.whole(0, 2) as usize],
        scenes: 1,
        shots: chance.whole(1, 3) as usize,
        step: vec![
            step("still", "comfy", "picture", chance.between(1.0, 60.0), &[]),
            step("clip", "comfy", "clip", chance.between(30.0, 900.0), needs),
            review,
        ],
    }
}

/// A small studio in which a lot goes on: one or two cards, tight memory, retakes, chains, games, crashes.
fn small(seed: u64) -> (Scenario, Faults) {
    let mut chance = Chance::of(seed, "small studio");
    let mut scenario = Scenario { title: String::new(), seed, rules: Rules::default(), ..Scenario::default() };
    let cards = chance.whole(1, 2);
    for n in 0..cards {
        scenario.gpu.push(Gpu {
            name: format!("card{n}"),
            vram_mib: chance.whole(8_000, 20_000),
            reserve_mib: chance.whole(0, 600),
            lanes: chance.whole(1, 2) as usize,
            speed: chance.between(0.5, 2.0),
            watts_idle: 0.0,
            watts_busy: 0.0,
            slow_first: chance.happens(0.3),
        });
        scenario.seat.push(SeatSpec {
            name: Some(format!("comfy{n}")),
            engine: "comfy".into(),
            gpu: Some(format!("card{n}")),
            parallel: 1,
            queue_ahead: chance.whole(0, 2) as usize,
            holds: Holds::One,
            spacing_s: if chance.happens(0.1) { 5.0 } else { 0.0 },
        });
    }
    let side = format!("card{}", cards - 1);
    let judge = |gpu| SeatSpec {
        name: None,
        engine: "judge".into(),
        gpu,
        parallel: 1,
        queue_ahead: 0,
        holds: Holds::Many,
        spacing_s: 0.0,
    };
    scenario.seat.push(judge(chance.happens(0.7).then_some(side)));
    for name in ["picture", "clip", "eye"] {
        let (vram_mib, load_s) = (chance.whole(1_000, 7_000), chance.between(1.0, 120.0));
        scenario.model.push(ModelSpec { name: name.into(), vram_mib, load_s, unload_s: chance.between(0.0, 5.0) });
    }
    for n in 0..chance.whole(1, 2) {
        let job = job(&mut chance, n);
        scenario.job.push(job);
    }
    if chance.happens(0.2) {
        let from_s = chance.between(0.0, 1500.0);
        let (to_s, mib) = (from_s + chance.between(10.0, 2000.0), chance.whole(100, 6_000));
        scenario.foreign.push(Foreign { who: "game".into(), gpu: "card0".into(), from_s, to_s, mib });
    }
    if chance.happens(0.3) {
        let at_s = chance.between(0.0, 2000.0);
        let (gpu, seat) =
            if chance.happens(0.5) { (Some("card0".into()), None) } else { (None, Some("comfy0".into())) };
        scenario.fault.push(Outage { at_s, gpu, seat, back_s: Some(at_s + chance.between(1.0, 900.0)) });
    }
    let faults = if chance.happens(0.3) { Faults { transient: 0.1, change: 0.05 } } else { Faults::default() };
    // By draws of its own: studios of before stay what they were.
    let mut chance = Chance::of(seed, "training");
    if chance.happens(0.3) {
        trains(&mut chance, &mut scenario);
    }
    (scenario, faults)
}

/// A LoRA is trained on the first card, in slices that follow on each other.
fn trains(chance: &mut Chance, scenario: &mut Scenario) {
    scenario.seat.push(SeatSpec {
        name: None,
        engine: "trainer".into(),
        gpu: Some("card0".into()),
        parallel: 1,
        queue_ahead: 0,
        holds: Holds::One,
        spacing_s: 0.0,
    });
    let (vram_mib, load_s) = (chance.whole(1_000, 7_000), chance.between(1.0, 90.0));
    scenario.model.push(ModelSpec { name: "train".into(), vram_mib, load_s, unload_s: chance.between(0.0, 5.0) });
    scenario.job.push(JobSpec {
        name: "training".into(),
        at_s: chance.between(0.0, 600.0),
        times: 1,
        every_s: 0.0,
        class: if chance.happens(0.2) { Class::Production } else { Class::Background },
        scenes: 1,
        shots: chance.whole(2, 5) as usize,
        step: vec![step("slice", "trainer", "train", chance.between(30.0, 900.0), &["previous slice"])],
    });
}

/// What is wrong with a studio; nothing when all is well.
fn wrong(seed: u64, policy: Policy) -> Vec<String> {
    let (scenario, faults) = small(seed);
    let course = course(&scenario, seed);
    let rules = Rules { policy, ..scenario.rules };
    let mut world = World::new(&course, rules, &scenario.foreign, &scenario.fault, faults, seed);
    world.run();
    let mut wrong = world.wrong.clone();
    if world.rejected > 0 && faults.transient == 0.0 {
        wrong.push(format!("{} tasks ended without a result", world.rejected));
    }
    // The bound takes longer than the studio.
    if !seed.is_multiple_of(8) {
        return wrong;
    }
    let bound = bound(&course, &Hindrances::of(&scenario));
    let report = report(&course, &world, &bound, 0.0);
    if world.rejected == 0 && report.makespan_ms < bound.ms {
        wrong.push(format!("took {} ms, which nobody can: the bound is {bound:?}", report.makespan_ms));
    }
    wrong
}

#[test]
fn a_hundred_thousand_studios_come_to_an_end_with_nothing_wrong() {
    let threads = thread::available_parallelism().map_or(2, NonZero::get) as u64;
    let found: Vec<(u64, Vec<String>)> = thread::scope(|scope| {
        let work: Vec<_> = (0..threads)
            .map(|part| {
                scope.spawn(move || {
                    let mine = (part..STUDIOS).step_by(threads as usize);
                    mine.map(|seed| (seed, wrong(seed, Policy::Studio))).find(|(_, wrong)| !wrong.is_empty())
                })
            })
            .collect();
        work.into_iter().filter_map(|work| work.join().expect("a studio broke down")).collect()
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_other_orders_of_work_are_honest_too() {
    for seed in 0..3_000 {
        for policy in [Policy::Affinity, Policy::Fifo, Policy::Serial] {
            let wrong = wrong(seed, policy);
            assert!(wrong.is_empty(), "{policy:?} {seed}: {wrong:?}");
        }
    }
}

/// Everything that is decided, in order.
fn decisions(seed: u64) -> (Vec<String>, BTreeMap<String, i64>) {
    let (scenario, faults) = small(seed);
    let course = course(&scenario, seed);
    let mut world = World::new(&course, scenario.rules, &scenario.foreign, &scenario.fault, faults, seed);
    world.run();
    let ends = world.ran.iter().map(|(task, ran)| (task.to_string(), ran.done.map_or(-1, |done| done.0))).collect();
    (world.trace.iter().map(|one| format!("{one:?}")).collect(), ends)
}

#[test]
fn the_same_studio_is_the_same_every_time() {
    for seed in 0..300 {
        assert_eq!(decisions(seed), decisions(seed), "{seed}");
    }
}

#[test]
fn a_studio_that_is_killed_at_any_moment_goes_on_and_makes_nothing_twice() {
    for seed in 0..4_000 {
        let (scenario, _) = small(seed);
        let course = course(&scenario, seed);
        let mut world =
            World::new(&course, scenario.rules, &scenario.foreign, &scenario.fault, Faults::default(), seed);
        let mut chance = Chance::of(seed, "power");
        let mut open = true;
        for _ in 0..chance.whole(1, 3) {
            for _ in 0..chance.whole(1, 40) {
                open = open && world.turn();
            }
            if open {
                world.restart();
            }
        }
        world.run();
        assert!(world.wrong.is_empty() && world.rejected == 0, "{seed}: {:?}", world.wrong);
    }
}

/// Whether `what` is found in some studio whose scheduler is told `lies` at the beginning.
fn is_found(what: &str, lies: impl Fn(&Course) -> Vec<Event>) -> bool {
    (0..200).any(|seed| {
        let (mut scenario, _) = small(seed);
        // Nobody tells the truth later.
        (scenario.foreign, scenario.fault) = (Vec::new(), Vec::new());
        let course = course(&scenario, seed);
        let mut world = World::new(&course, scenario.rules, &[], &[], Faults::default(), seed);
        for lie in lies(&course) {
            world.feed(lie);
        }
        world.run();
        world.wrong.iter().any(|wrong| wrong.contains(what))
    })
}

#[test]
fn each_check_finds_a_scheduler_whose_rule_does_not_hold() {
    assert!(!is_found("", |_| Vec::new()), "without a lie nothing is wrong");
    // Admission by memory: every card seems to have plenty.
    let plenty = |card: &CardFacts| Event::GpuSeen(CardFacts { total_mib: 1_000_000, ..card.clone() });
    assert!(is_found("over-booked", |course| course.cards.iter().map(plenty).collect()));
    // One thing at a time on a card.
    let wide = |card: &CardFacts| Event::GpuSeen(CardFacts { lanes: 9, ..card.clone() });
    assert!(is_found("things at a time", |course| course.cards.iter().map(wide).collect()));
    // No more in an engine than it takes.
    let deep = |seat: &SeatFacts| Event::EngineSeen(SeatFacts { parallel: 9, queue_ahead: 9, ..seat.clone() });
    assert!(is_found("more than it takes", |course| course.seats.iter().map(deep).collect()));
    // A model is there before its work: every model seems to be in every engine.
    let there =
        |seat: &SeatFacts, model: &str| Event::Loaded(Resident { seat: seat.seat.clone(), model: model.into() });
    assert!(is_found("without its model", |course| {
        course.seats.iter().flat_map(|seat| course.models.keys().map(|model| there(seat, model))).collect()
    }));
}

#[test]
fn each_check_finds_a_scheduler_that_forgets() {
    let (scenario, _) = small(0);
    let course = course(&scenario, 0);
    let world = || World::new(&course, scenario.rules, &[], &[], Faults::default(), 0);
    let found = |world: &World, what: &str| world.wrong.iter().any(|wrong| wrong.contains(what));
    let submissions = || course.pieces.iter().filter(|piece| !piece.later).map(|piece| piece.submission.clone());
    // What a task needs.
    let mut forgetful = world();
    for submission in submissions() {
        forgetful.feed(Event::Submitted(Submission { needs: Vec::new(), ..submission }));
    }
    forgetful.run();
    assert!(found(&forgetful, "before what it needs"), "{:?}", forgetful.wrong);
    // What is made.
    let mut again = world();
    again.run();
    assert_eq!(again.wrong, Vec::<String>::new());
    for submission in submissions() {
        again.feed(Event::Submitted(submission));
    }
    again.run();
    assert!(found(&again, "made twice"), "{:?}", again.wrong);
    // The engines that could do it.
    let mut alone = world();
    for seat in &course.seats {
        let (seat, engine) = (seat.seat.clone(), seat.engine.clone());
        alone.feed(Event::EngineLost { seat, engine, why: Away::Silent });
    }
    alone.run();
    assert!(found(&alone, "never ended"), "{:?}", alone.wrong);
}
