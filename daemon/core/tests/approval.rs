//! What a person approves before work goes on from it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use studio_core::{
    ids::ContentHash,
    production::{Checkpoint, Job, Override, Overrides, Production, plan_jobs, shows},
    take::Subject,
};

#[path = "production/world.rs"]
mod world;

use world::{EXAMPLE, World, production};

fn asked(checkpoints: &[Checkpoint]) -> Production {
    Production { approve: checkpoints.iter().copied().collect(), ..production(EXAMPLE) }
}

fn slots(production: &Production) -> BTreeSet<String> {
    plan_jobs(production).into_iter().map(|planned| planned.job.path()).collect()
}

/// What a person's approval of these gates is kept as.
fn rulings(production: &Production, gates: impl IntoIterator<Item = Job>) -> Vec<Override> {
    let ruling = |gate: Job| Override {
        approved: Some(ContentHash::of(b"seen")),
        ..Override::plain(gate, shows(production, gate).unwrap())
    };
    gates.into_iter().map(ruling).collect()
}

#[test]
fn nothing_moves_before_its_picture_is_approved_and_no_film_before_its_clips() {
    let plain = production(EXAMPLE);
    let first = asked(&Checkpoint::ALL);
    assert_eq!(first.waits_for(), Some(Checkpoint::Pictures));
    let planned = plan_jobs(&first);
    let is_still = |job: Job| {
        matches!(
            job,
            Job::Take { subject: Subject::Still, .. }
                | Job::Review { subject: Subject::Still, .. }
                | Job::Gate { subject: Subject::Still, .. }
        )
    };
    let sound = |job: Job| matches!(job, Job::Voice { .. } | Job::Music { .. } | Job::Mix { .. } | Job::Sound);
    assert!(planned.iter().all(|one| is_still(one.job) || sound(one.job)), "{planned:#?}");
    let all = plan_jobs(&plain).into_iter().filter(|one| is_still(one.job) || sound(one.job)).count();
    assert_eq!(planned.len(), all, "every picture, line and piece of music, and nothing else");

    let mut second = first.clone();
    second.take_up(rulings(&first, first.unapproved(Checkpoint::Pictures)));
    assert_eq!(second.waits_for(), Some(Checkpoint::Clips));
    let now = slots(&second);
    assert!(now.contains("scene 1/shot 1/clip") && now.contains("scene 1/shot 1/master"));
    assert!(!now.iter().any(|slot| slot == "film" || slot == "library" || slot.ends_with("/film")), "{now:?}");

    // One scene that is approved is put together; the film waits for all of them.
    let clips = second.unapproved(Checkpoint::Clips);
    let of_one = clips.iter().copied().filter(|gate| matches!(gate, Job::Gate { scene: 1, .. }));
    let approved: Vec<Job> = first.unapproved(Checkpoint::Pictures).into_iter().chain(of_one).collect();
    let mut third = first.clone();
    third.take_up(rulings(&first, approved));
    let now = slots(&third);
    assert!(now.contains("scene 1/film") && !now.contains("scene 2/film") && !now.contains("film"), "{now:?}");

    let mut last = first.clone();
    last.take_up(rulings(&first, first.unapproved(Checkpoint::Pictures).into_iter().chain(clips)));
    assert_eq!((last.waits_for(), slots(&last)), (None, slots(&plain)));
    let film = World::default().produce(&last);
    assert_eq!(film.keys, World::default().produce(&plain).keys, "it is the film it would have been");
}

#[test]
fn an_approval_is_of_what_the_shot_shows() {
    let first = asked(&[Checkpoint::Pictures]);
    let approved = rulings(&first, first.unapproved(Checkpoint::Pictures));
    let mut other = first.clone();
    other.script.scenes[0].shots[1].plan.description = "Something else entirely.".into();
    other.take_up(approved.clone());
    let waits = other.unapproved(Checkpoint::Pictures);
    assert_eq!(waits, [Job::Gate { subject: Subject::Still, scene: 1, shot: 2 }].into());
    let now = slots(&other);
    assert!(now.contains("scene 1/shot 1/clip") && !now.contains("scene 1/shot 2/clip") && !now.contains("film"));
    // What a person put in place needs nobody's approval.
    let given = World::default().produce(&production(EXAMPLE)).made
        [&Job::Gate { subject: Subject::Still, scene: 1, shot: 2 }]
        .clone();
    let put = Override { given: Some(given), approved: None, ..rulings(&other, waits).remove(0) };
    let mut mine = Production { by_hand: Overrides::default(), ..other.clone() };
    mine.take_up(approved.into_iter().chain([put]).collect());
    assert_eq!(mine.waits_for(), None);
}

/// What was decided about clips is not lost while their pictures wait.
#[test]
fn decisions_about_what_is_not_laid_out_yet_stay() {
    let mut first = asked(&[Checkpoint::Pictures]);
    let clip = Job::Gate { subject: Subject::Clip, scene: 1, shot: 2 };
    let wish = Override { takes: 2, approved: None, ..rulings(&first, [clip]).remove(0) };
    let taken = first.take_up(vec![wish]);
    assert_eq!((taken.lost.len(), first.by_hand.takes.get(&clip)), (0, Some(&2)));
}

#[test]
fn a_chain_goes_on_from_the_picture_it_began_with() {
    let text = "Title: Chain\n\nINT. ATTIC - NIGHT\n\nA mouse. [[shot: wide]]\n\nIt runs. [[shot: wide, continues]]\n";
    let first = Production { approve: [Checkpoint::Pictures].into(), ..production(text) };
    let waits = first.unapproved(Checkpoint::Pictures);
    assert_eq!(waits, [Job::Gate { subject: Subject::Still, scene: 1, shot: 1 }].into());
    assert!(!slots(&first).contains("scene 1/shot 2/clip"));
    let mut second = first.clone();
    second.take_up(rulings(&first, waits));
    assert!(slots(&second).contains("scene 1/shot 2/clip") && second.waits_for().is_none());
}

proptest! {
    /// Whatever is approved, nothing is planned before what it must have.
    #[test]
    fn what_is_laid_out_can_be_made(wanted in 1_usize..4, pictures: u32, clips: u32) {
        let wanted: Vec<Checkpoint> =
            Checkpoint::ALL.into_iter().enumerate().filter(|(at, _)| wanted & (1 << at) != 0).map(|(_, one)| one).collect();
        let plain = production(EXAMPLE);
        let mut some = asked(&wanted);
        let gates: Vec<Job> = plan_jobs(&plain).into_iter().map(|planned| planned.job).collect();
        let chosen = |subject: Subject, bits: u32| {
            let of = gates.iter().copied().filter(move |job| matches!(job, Job::Gate { subject: one, .. } if *one == subject));
            of.enumerate().filter(move |(at, _)| bits & (1 << (at % 32)) != 0).map(|(_, gate)| gate).collect::<Vec<_>>()
        };
        let approved = chosen(Subject::Still, pictures).into_iter().chain(chosen(Subject::Clip, clips));
        some.take_up(rulings(&plain, approved));
        let mut before = BTreeSet::new();
        for one in plan_jobs(&some) {
            for need in one.needs.iter().filter(|need| !need.optional) {
                prop_assert!(before.contains(&need.job), "{} needs {}", one.job, need.job);
            }
            before.insert(one.job);
        }
        prop_assert_eq!(before.contains(&Job::Film), some.waits_for().is_none());
    }
}
