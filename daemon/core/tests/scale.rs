//! Long films: what is planned, foretold and stopped takes steps in proportion to the tasks. Counted, never timed.

use std::collections::{BTreeMap, BTreeSet};

use studio_core::{
    fleet::{CardFacts, Fleet, ModelFacts, PauseReason, Scope, SeatFacts},
    ids::TaskId,
    production::{Job, Production, plan_jobs},
    schedule::{Effect, Event, Need, Submission, step},
    sim::{RUNS, Retakes, foretell, runs_for},
    take::Subject,
    task::Class,
    units::Millis,
};
use uuid::Uuid;

#[expect(dead_code, reason = "films are made in another test")]
#[path = "production/world.rs"]
mod world;

/// Scenes of two shots and a line.
fn production(scenes: u32) -> Production {
    let scene = |n: u32| {
        format!(
            "INT. ROOM {n} - DAY\n\nA kettle stands on stove {n}. [[shot: wide]]\n\nANNA lifts cup {n}. [[shot: medium]]\n\n\
             ANNA\nTea {n} is ready.\n\n"
        )
    };
    world::production(&(1..=scenes).map(scene).fold("Title: Long\n\n".to_owned(), |text, scene| text + &scene))
}

/// A studio at rest with a card and the film's tasks, and the gates that may ask for more.
fn laid_out(production: &Production) -> (Fleet, BTreeMap<Job, TaskId>, Vec<Retakes>) {
    let jobs = plan_jobs(production);
    let ids: BTreeMap<Job, TaskId> =
        jobs.iter().zip(1u128..).map(|(one, n)| (one.job, TaskId(Uuid::from_u128(n)))).collect();
    let mut fleet = Fleet::default();
    let mut tell = |event: Event| drop(step(&mut fleet, Millis(0), event));
    tell(Event::Paused { scope: Scope::Studio, hard: false, why: PauseReason::Starting, until: None });
    tell(Event::GpuSeen(CardFacts::new("card", 16_000)));
    let model = |vram_mib| ModelFacts { vram_mib, load_ms: 30_000, unload_ms: 1_000 };
    let models = [("sdxl", model(7_000)), ("wan", model(12_000))];
    tell(Event::ModelsChanged(models.into_iter().map(|(name, facts)| (name.to_owned(), facts)).collect()));
    for engine in ["voice", "music", "judge", "media", "draft.artwork", "library"] {
        tell(Event::EngineSeen(SeatFacts::cpu(engine, 1)));
    }
    tell(Event::EngineSeen(SeatFacts { parallel: usize::MAX, ..SeatFacts::cpu("studio", 1) }));
    tell(Event::EngineSeen(SeatFacts { card: Some("card".into()), ..SeatFacts::cpu("comfy", 1) }));
    for one in &jobs {
        let needs = one.needs.iter().map(|need| Need { optional: need.optional, ..Need::must(ids[&need.job]) });
        let plain =
            Submission { needs: needs.collect(), ..Submission::plain(ids[&one.job], &one.engine, Class::Production) };
        let by = |model: &str, guess_ms| Submission {
            engine: "comfy".into(),
            model: model.into(),
            guess_ms,
            ..plain.clone()
        };
        tell(Event::Submitted(match one.job {
            Job::Take { subject: Subject::Still, .. } => by("sdxl", 20_000),
            Job::Take { subject: Subject::Clip, .. } => by("wan", 480_000),
            Job::Gate { .. } => plain,
            _ => Submission { guess_ms: 5_000, ..plain },
        }));
    }
    let gates = jobs.iter().filter_map(|one| {
        let Job::Gate { subject, scene, shot } = one.job else { return None };
        let (take, review) =
            (Job::Take { subject, scene, shot, take: 1 }, Job::Review { subject, scene, shot, take: 1 });
        let further = 2;
        Some(Retakes { gate: ids[&one.job], take: ids[&take], review: ids[&review], rejects: 0.25, further })
    });
    let gates = gates.collect();
    (fleet, ids, gates)
}

#[test]
fn a_film_ten_times_as_long_is_foretold_in_about_ten_times_the_steps() {
    let steps = |scenes: u32| {
        let (fleet, ids, gates) = laid_out(&production(scenes));
        let told = foretell(&fleet, &gates, Some(&Scope::Studio), 1, 7);
        assert!(told.tasks.contains_key(&ids[&Job::Film]), "the film is done");
        let needs: usize = plan_jobs(&production(scenes)).iter().map(|one| one.needs.len()).sum();
        (ids.len() as u64, told.steps, needs as u64)
    };
    let (short, long) = (steps(10), steps(100));
    assert!(long.0 <= 10 * short.0, "{short:?} {long:?}");
    assert!(long.1 <= 11 * short.1, "steps of the scheduler: {short:?} {long:?}");
    assert!(long.1 <= 4 * long.0, "a few steps for each task: {long:?}");
    assert!(long.2 <= 10 * short.2, "what jobs need: {short:?} {long:?}");
}

#[test]
fn the_more_there_is_to_do_the_less_often_it_is_run_forward_but_once_at_least() {
    assert_eq!([0, 1, 1_000, 2_600].map(runs_for), [RUNS; 4]);
    assert_eq!([10_000, 20_000, 50_000, 10_000_000].map(runs_for), [4, 2, 1, 1]);
    let (fleet, _, gates) = laid_out(&production(2));
    assert_eq!(foretell(&fleet, &gates, None, 3, 7).runs, 3, "and says how often");
}

#[test]
fn what_is_stopped_at_once_ends_for_its_own_sake_and_nothing_of_it_begins() {
    let (mut fleet, ids, _) = laid_out(&production(5));
    let begun = step(&mut fleet, Millis(1), Event::Resumed { scope: Scope::Studio });
    let running: BTreeSet<TaskId> = begun
        .iter()
        .filter_map(|effect| match effect {
            Effect::Run { task, .. } => Some(*task),
            _ => None,
        })
        .collect();
    assert!(!running.is_empty(), "something runs");
    let tasks: Vec<TaskId> = ids.values().copied().collect();
    let (mut stopped, mut ended) = (BTreeSet::new(), BTreeSet::new());
    for effect in step(&mut fleet, Millis(2), Event::AllCancelled { tasks: tasks.clone() }) {
        match effect {
            Effect::Cancel { task } => assert!(stopped.insert(task)),
            Effect::Reject { task, fault } => {
                assert_eq!(fault.need, None, "it was stopped itself");
                assert!(ended.insert(task), "once");
            }
            Effect::WakeAt(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(stopped, running);
    assert_eq!(ended.len() + stopped.len(), tasks.len());
}
