//! Random: scenarios that nobody wrote, to find out where the scheduler is weak.

use super::scenario::{Foreign, Gpu, JobSpec, ModelSpec, Per, Scenario, SeatSpec, StepSpec};
use crate::{
    chance::Chance,
    fleet::{Holds, Rules},
    task::Class,
};

/// A step that is done for every shot.
pub(super) fn step(name: &str, per: Per, engine: &str, model: &str, seconds: f64, needs: &[&str]) -> StepSpec {
    StepSpec {
        name: name.into(),
        per,
        engine: engine.into(),
        model: model.into(),
        seconds,
        spread: 0.2,
        vram_mib: 0,
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        reviews: String::new(),
        rejects: 0.0,
        takes: 3,
    }
}

pub(super) fn review(of: &str, seconds: f64, rejects: f64) -> StepSpec {
    let name = format!("{of} review");
    let mut step = step(&name, Per::Shot, "ollama", "vision", seconds, &[of]);
    (step.reviews, step.rejects) = (of.to_owned(), rejects);
    step
}

pub(super) fn gpu(name: String, vram_mib: u64, speed: f64) -> Gpu {
    let (watts_idle, watts_busy) = (18.0, 180.0);
    Gpu { name, vram_mib, reserve_mib: 400, lanes: 1, speed, watts_idle, watts_busy, slow_first: false }
}

pub(super) fn seat(
    name: String,
    engine: &str,
    gpu: Option<&str>,
    parallel: usize,
    queue_ahead: usize,
    holds: Holds,
) -> SeatSpec {
    SeatSpec {
        name: Some(name),
        engine: engine.into(),
        gpu: gpu.map(str::to_owned),
        parallel,
        queue_ahead,
        holds,
        spacing_s: 0.0,
    }
}

/// A studio with one to three rendering cards, one for the rest, and one to three films; when `mixed`, sometimes also
/// pictures somebody waits for, replenishment, or a game.
pub fn random(seed: u64, mixed: bool) -> Scenario {
    let mut chance = Chance::of(seed, "random studio");
    let renderers = chance.whole(1, 3) as usize;
    let mut scenario = Scenario { title: format!("random {seed}"), seed, price_kwh: 0.3, ..Scenario::default() };
    scenario.rules = Rules::default();
    for n in 0..renderers {
        let name = format!("nvidia{n}");
        let size = [12_288, 16_384, 24_576][chance.whole(0, 2) as usize];
        scenario.gpu.push(gpu(name.clone(), size, chance.between(0.7, 1.6)));
        scenario.seat.push(seat(format!("comfy{n}"), "comfy", Some(&name), 1, chance.whole(0, 1) as usize, Holds::One));
    }
    let side = [12_288, 16_384, 20_480][chance.whole(0, 2) as usize];
    scenario.gpu.push(gpu("amd0".into(), side, 1.0));
    scenario.seat.push(seat("ollama".into(), "ollama", Some("amd0"), 1, 0, Holds::Many));
    scenario.seat.push(seat("ace_step".into(), "ace_step", Some("amd0"), 1, 0, Holds::One));
    scenario.seat.push(seat("speech".into(), "speech", Some("amd0"), 1, 0, Holds::One));
    scenario.seat.push(seat("media".into(), "media", None, 2, 0, Holds::Many));
    let mut model = |name: &str, low: u64, high: u64, load: (f64, f64)| {
        let (vram_mib, load_s) = (chance.whole(low, high), chance.between(load.0, load.1).round());
        scenario.model.push(ModelSpec { name: name.into(), vram_mib, load_s, unload_s: 2.0 });
    };
    model("sdxl", 6_000, 9_000, (10.0, 40.0));
    model("framepack", 8_000, 11_000, (50.0, 150.0));
    model("ltx", 6_000, 9_500, (20.0, 60.0));
    model("vision", 5_000, 9_000, (8.0, 40.0));
    model("music", 5_000, 9_000, (15.0, 60.0));
    model("voice", 1_500, 4_000, (5.0, 20.0));
    for n in 0..chance.whole(1, 3) {
        let job = film(&mut chance, n);
        scenario.job.push(job);
    }
    if mixed && chance.happens(0.35) {
        scenario.job.push(JobSpec {
            name: "pictures".into(),
            at_s: chance.between(0.0, 3600.0),
            times: chance.whole(2, 12) as usize,
            every_s: chance.between(120.0, 1800.0),
            class: Class::Interactive,
            scenes: 1,
            shots: 1,
            step: vec![step("picture", Per::Job, "comfy", "sdxl", chance.between(8.0, 30.0), &[])],
        });
    }
    if mixed && chance.happens(0.35) {
        scenario.job.push(JobSpec {
            name: "replenish".into(),
            at_s: 0.0,
            times: 1,
            every_s: 0.0,
            class: Class::Background,
            scenes: 1,
            shots: chance.whole(10, 60) as usize,
            step: vec![step("portrait", Per::Shot, "comfy", "sdxl", 15.0, &[]), review("portrait", 8.0, 0.0)],
        });
    }
    if mixed && chance.happens(0.15) {
        let from_s = chance.between(1800.0, 7200.0);
        let to_s = from_s + chance.between(900.0, 5400.0);
        scenario.foreign.push(Foreign { who: "a game".into(), gpu: "nvidia0".into(), from_s, to_s, mib: 6_000 });
    }
    scenario
}

/// A film: pictures, clips, reviews, voices, music, and what joins them.
pub(super) fn film(chance: &mut Chance, n: u64) -> JobSpec {
    let clips = if chance.happens(0.6) { "framepack" } else { "ltx" };
    let clip_s = if clips == "framepack" { chance.between(240.0, 900.0) } else { chance.between(60.0, 240.0) };
    let rejects = chance.between(0.05, 0.4);
    let mut clip_needs = vec!["still"];
    if chance.happens(0.5) {
        clip_needs.push("previous clip");
    }
    let mut steps = vec![
        step("voice", Per::Scene, "speech", "voice", chance.between(10.0, 60.0), &[]),
        step("still", Per::Shot, "comfy", "sdxl", chance.between(8.0, 40.0), &[]),
        review("still", chance.between(4.0, 25.0), rejects * 0.6),
        step("clip", Per::Shot, "comfy", clips, clip_s, &clip_needs),
        review("clip", chance.between(10.0, 60.0), rejects),
        step("music", Per::Scene, "ace_step", "music", chance.between(30.0, 180.0), &[]),
        step("scene", Per::Scene, "media", "", chance.between(10.0, 60.0), &["clip", "voice", "music"]),
        step("film", Per::Job, "media", "", chance.between(20.0, 120.0), &["scene"]),
    ];
    steps[3].spread = chance.between(0.05, 0.3);
    JobSpec {
        name: format!("film {}", n + 1),
        at_s: if n == 0 { 0.0 } else { chance.between(0.0, 7200.0) },
        times: 1,
        every_s: 0.0,
        class: Class::Production,
        scenes: chance.whole(1, 8) as usize,
        shots: chance.whole(2, 6) as usize,
        step: steps,
    }
}
