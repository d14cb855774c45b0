//! Families: random studios of a certain kind, each weak in its own way, and how all orders of work do in them.

use super::{
    bound::bound,
    build::course,
    capacity::Hindrances,
    random::{film, gpu, random, review, seat, step},
    report::{Report, report},
    scenario::{JobSpec, ModelSpec, Outage, Per, Scenario},
    world::{Faults, World},
};
use crate::{
    chance::Chance,
    fleet::{Holds, Policy, Rules},
    task::Class,
};

/// A kind of random studio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// One to three cards for pictures, one for the rest, and one to three films.
    Random,
    /// The same with pictures somebody waits for, replenishment, or a game.
    Mixed,
    /// Cards of very different speed for the same work, three models that replace one another, and an outage.
    Unequal,
    /// One card for pictures, or one for everything, a small film, and somebody at the page who wants a picture again
    /// and again.
    Household,
}

impl Family {
    /// All of them, in the order they are listed.
    pub const ALL: [Self; 4] = [Self::Random, Self::Mixed, Self::Unequal, Self::Household];

    /// Its name, as the command line takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Mixed => "mixed",
            Self::Unequal => "unequal",
            Self::Household => "household",
        }
    }

    /// One of its studios; equal seeds give equal ones.
    pub fn draw(self, seed: u64) -> Scenario {
        match self {
            Self::Random => random(seed, false),
            Self::Mixed => random(seed, true),
            Self::Unequal => unequal(seed),
            Self::Household => household(seed),
        }
    }
}

/// All orders of work, the studio's own first.
pub const POLICIES: [Policy; 4] = [Policy::Studio, Policy::Affinity, Policy::Fifo, Policy::Serial];

/// How all orders of work do in a scenario, in the order of [`POLICIES`].
pub fn compare(scenario: &Scenario) -> Vec<Report> {
    let course = course(scenario, scenario.seed);
    let bound = bound(&course, &Hindrances::of(scenario));
    let run = |policy: &Policy| {
        let rules = Rules { policy: *policy, ..scenario.rules };
        let mut world =
            World::new(&course, rules, &scenario.foreign, &scenario.fault, Faults::default(), scenario.seed);
        world.run();
        report(&course, &world, &bound, scenario.price_kwh)
    };
    POLICIES.iter().map(run).collect()
}

/// How the studio's own order did against the best of the others: 1.02 is two percent slower. Reports are those of
/// [`compare`].
pub fn against_best(reports: &[Report]) -> f64 {
    let best = reports.iter().skip(1).map(|one| one.makespan_ms).min().unwrap_or(0);
    reports.first().map_or(1.0, |own| own.makespan_ms as f64 / best.max(1) as f64)
}

fn model(name: &str, vram_mib: u64, load_s: f64) -> ModelSpec {
    ModelSpec { name: name.into(), vram_mib, load_s: load_s.round(), unload_s: 2.0 }
}

/// Two or three cards of unequal speed that do the same work, with three models, and an outage.
fn unequal(seed: u64) -> Scenario {
    let mut chance = Chance::of(seed, "unequal studio");
    let mut scenario = Scenario { title: format!("unequal {seed}"), seed, price_kwh: 0.3, ..Scenario::default() };
    let cards = if chance.happens(0.7) { 2 } else { 3 };
    let size = [12_288, 16_384, 24_576][chance.whole(0, 2) as usize];
    for n in 0..cards {
        let speed = if n == 0 { 1.0 } else { (chance.between(0.6, 3.0) * 10.0).round() / 10.0 };
        scenario.gpu.push(gpu(format!("nvidia{n}"), size, speed));
        let ahead = chance.whole(0, 1) as usize;
        scenario.seat.push(seat(format!("comfy{n}"), "comfy", Some(&format!("nvidia{n}")), 1, ahead, Holds::One));
    }
    let judged = chance.happens(0.6);
    if judged {
        scenario.gpu.push(gpu("amd0".into(), 16_384, 1.0));
        scenario.seat.push(seat("ollama".into(), "ollama", Some("amd0"), 1, 0, Holds::Many));
        scenario.model.push(model("vision", 8_000, chance.between(8.0, 40.0)));
    }
    scenario.seat.push(seat("media".into(), "media", None, 2, 0, Holds::Many));
    scenario.model.push(model("sdxl", 8_000, chance.between(10.0, 40.0)));
    scenario.model.push(model("framepack", 10_000, chance.between(40.0, 150.0)));
    scenario.model.push(model("upscale", 7_000, chance.between(10.0, 60.0)));
    for n in 0..chance.whole(1, 2) {
        let rejects = chance.between(0.05, 0.35);
        let chain = chance.happens(0.4);
        let clip_needs: &[&str] = if chain { &["still", "previous clip"] } else { &["still"] };
        let mut steps = vec![step("still", Per::Shot, "comfy", "sdxl", chance.between(8.0, 60.0), &[])];
        if judged {
            steps.push(review("still", chance.between(4.0, 20.0), rejects * 0.6));
        }
        steps.push(step("clip", Per::Shot, "comfy", "framepack", chance.between(90.0, 700.0), clip_needs));
        if judged {
            steps.push(review("clip", chance.between(10.0, 40.0), rejects));
        }
        steps.push(step("finish", Per::Shot, "comfy", "upscale", chance.between(15.0, 200.0), &["clip"]));
        steps.push(step("scene", Per::Scene, "media", "", chance.between(10.0, 60.0), &["finish"]));
        steps.push(step("film", Per::Job, "media", "", chance.between(20.0, 90.0), &["scene"]));
        scenario.job.push(JobSpec {
            name: format!("film {}", n + 1),
            at_s: if n == 0 { 0.0 } else { chance.between(0.0, 3600.0).round() },
            times: 1,
            every_s: 0.0,
            class: Class::Production,
            scenes: chance.whole(1, 6) as usize,
            shots: chance.whole(2, 6) as usize,
            step: steps,
        });
    }
    let at_s = chance.between(600.0, 5400.0).round();
    let back_s = Some(at_s + chance.between(300.0, 5400.0).round());
    let one = chance.whole(0, cards - 1);
    let (gpu, seat) =
        if chance.happens(0.5) { (Some(format!("nvidia{one}")), None) } else { (None, Some(format!("comfy{one}"))) };
    scenario.fault.push(Outage { at_s, gpu, seat, back_s });
    scenario
}

/// A small household: few cards, a small film, and pictures somebody waits for all the time.
fn household(seed: u64) -> Scenario {
    let mut chance = Chance::of(seed, "small household");
    let mut scenario = Scenario { title: format!("household {seed}"), seed, price_kwh: 0.3, ..Scenario::default() };
    let own = [12_288, 12_288, 16_384][chance.whole(0, 2) as usize];
    scenario.gpu.push(gpu("nvidia0".into(), own, 1.0));
    let ahead = chance.whole(0, 1) as usize;
    scenario.seat.push(seat("comfy".into(), "comfy", Some("nvidia0"), 1, ahead, Holds::One));
    let side = if chance.happens(0.5) { "amd0" } else { "nvidia0" };
    if side == "amd0" {
        scenario.gpu.push(gpu("amd0".into(), [12_288, 16_384][chance.whole(0, 1) as usize], 1.0));
    }
    scenario.seat.push(seat("ollama".into(), "ollama", Some(side), 1, 0, Holds::Many));
    scenario.seat.push(seat("ace_step".into(), "ace_step", Some(side), 1, 0, Holds::One));
    scenario.seat.push(seat("speech".into(), "speech", Some(side), 1, 0, Holds::One));
    scenario.seat.push(seat("media".into(), "media", None, 2, 0, Holds::Many));
    scenario.model.push(model("sdxl", chance.whole(6_000, 9_000), chance.between(10.0, 30.0)));
    scenario.model.push(model("framepack", chance.whole(8_000, 10_500), chance.between(50.0, 120.0)));
    scenario.model.push(model("ltx", chance.whole(6_000, 9_500), chance.between(20.0, 60.0)));
    scenario.model.push(model("vision", chance.whole(5_000, 9_000), chance.between(8.0, 40.0)));
    scenario.model.push(model("music", chance.whole(5_000, 9_000), chance.between(15.0, 60.0)));
    scenario.model.push(model("voice", chance.whole(1_500, 4_000), chance.between(5.0, 20.0)));
    let mut small = film(&mut chance, 0);
    (small.scenes, small.shots) = (chance.whole(1, 4) as usize, chance.whole(2, 5) as usize);
    scenario.job.push(small);
    let every_s = [300.0, 600.0, 720.0, 900.0, 1200.0][chance.whole(0, 4) as usize];
    scenario.job.push(JobSpec {
        name: "pictures".into(),
        at_s: chance.between(60.0, 1200.0).round(),
        times: chance.whole(6, 16) as usize,
        every_s,
        class: Class::Interactive,
        scenes: 1,
        shots: 1,
        step: vec![step("picture", Per::Job, "comfy", "sdxl", chance.between(8.0, 30.0), &[])],
    });
    scenario
}
