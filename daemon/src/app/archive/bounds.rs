//! Bounds: numbers of an archive that later size something, divide something, or are counted up to. Each has the limits that
//! settings and screenplays have; where those have none, limits that nothing real reaches.

use std::fmt::Debug;

use studio_core::{
    lora::MOST_STRENGTH,
    media::MediaFacts,
    mixdown::Ducking,
    order::{Order, Outputs, Reported, ReviewOrder},
    production::{Override, Production, SoundPlan, SourcePicture},
    script::ScriptScene,
    shot::{ShotPlan, Transition, TransitionKind},
    task::Attempt,
    units::{Fps, Frames, SAMPLE_RATE, Samples, Size},
};

/// Sampling steps of a take, and what each further one adds.
const MOST_STEPS: u32 = 200;
/// As many takes as are looked for.
const MOST_TAKES: u32 = 100;
/// Longest side of a picture that is kept, in pixels.
const LONGEST_SIDE: u32 = 65_535;
/// Longest shot that a note asks for, in milliseconds; one whose length is not fixed lasts as long as its lines.
const LONGEST_SHOT_MS: u64 = 60_000;
/// What a letter and a line take at most, in milliseconds.
const LETTER_MS: u64 = 72;
const LINE_MS: u64 = 1000;
/// Longest recording or film, in seconds.
const DAY_S: u64 = 86_400;
/// Highest rates of a film and of a recording that are kept, a second.
const MOST_PICTURES: u64 = 1000;
const MOST_SAMPLES: u32 = 768_000;
/// The last moment there is: the end of the year 9999.
const LAST: i64 = 253_402_300_799_999;

fn between<T: PartialOrd + Debug + Copy>(field: &str, value: T, least: T, most: T) -> Result<(), String> {
    // Not a number is inside no limits.
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(format!("{field} is {value:?}; it must be {least:?} to {most:?}"))
}

/// A size that films have.
fn film_size(field: &str, size: Size) -> Result<(), String> {
    Size::new(size.width, size.height).map(drop).map_err(|why| format!("{field}: {why}"))
}

/// A size that a picture can have.
fn size(field: &str, size: Size) -> Result<(), String> {
    between(&format!("{field}.width"), size.width, 1, LONGEST_SIDE)?;
    between(&format!("{field}.height"), size.height, 1, LONGEST_SIDE)
}

/// From 1 picture a second to `most`.
fn film_rate(field: &str, fps: Fps, most: u64) -> Result<(), String> {
    let (num, den) = (u64::from(fps.num), u64::from(fps.den));
    if (1..=1001).contains(&den) && (den..=most * den).contains(&num) {
        return Ok(());
    }
    Err(format!("{field} is {num}/{den}; it must be 1/1 to {most}/1"))
}

/// Of a file: slower than a picture a second, too.
fn rate(field: &str, fps: Fps) -> Result<(), String> {
    between(&format!("{field}.num"), fps.num, 1, u32::MAX)?;
    between(&format!("{field}.den"), fps.den, 1, u32::MAX)?;
    let fits = u64::from(fps.num) <= MOST_PICTURES * u64::from(fps.den);
    if fits { Ok(()) } else { Err(format!("{field} is {fps}; it must be at most {MOST_PICTURES}")) }
}

fn moving(field: &str, (pixels, fps, frames): (Size, Fps, Frames)) -> Result<(), String> {
    size(&format!("{field}.size"), pixels)?;
    rate(&format!("{field}.fps"), fps)?;
    between(&format!("{field}.frames"), frames.0, 0, DAY_S * MOST_PICTURES)
}

fn samples(field: &str, samples: Samples, rate: u32) -> Result<(), String> {
    between(field, samples.0, 0, DAY_S * u64::from(rate))
}

/// How an episode is made.
pub(super) fn production(one: &Production) -> Result<(), String> {
    film_size("production.size", one.size)?;
    film_rate("production.fps", one.fps, 120)?;
    between("production.steps", one.steps.0, 1, MOST_STEPS)?;
    between("production.gates.steps_per_retry", one.gates.steps_per_retry.0, 0, MOST_STEPS)?;
    one.max_mib.map_or(Ok(()), |mib| between("production.max_mib", mib, 1, 1_048_576))?;
    between("production.billing.season", one.billing.season, 0, 199)?;
    between("production.billing.number", one.billing.number, 1, 9999)?;
    one.portraits.as_ref().map_or(Ok(()), |plan| film_size("production.portraits.size", plan.size))?;
    sound(&one.sound)?;
    one.script.scenes.iter().try_for_each(scene)?;
    one.by_hand.takes.values().try_for_each(|takes| between("production.by_hand.takes", *takes, 0, MOST_TAKES))?;
    one.by_hand.given.values().try_for_each(outputs)?;
    one.by_hand.sources.values().try_for_each(source)?;
    one.from_datasets.values().try_for_each(|from| source(&from.source))?;
    one.golden.iter().try_for_each(review)
}

fn sound(plan: &SoundPlan) -> Result<(), String> {
    let named = |key: &str| format!("production.sound.{key}");
    between(&named("loudness.integrated_lufs"), plan.loudness.integrated_lufs, -40.0, -5.0)?;
    between(&named("loudness.true_peak_dbtp"), plan.loudness.true_peak_dbtp, -20.0, 0.0)?;
    between(&named("voice_lufs"), plan.voice_lufs, -40.0, -5.0)?;
    between(&named("music_gain"), plan.music_gain, 0.0, 1.0)?;
    let Ducking { threshold: _, ratio, attack_ms, release_ms, lookahead_ms } = plan.ducking;
    between(&named("ducking.ratio"), ratio, 1.0, 20.0)?;
    between(&named("ducking.attack_ms"), attack_ms, -60_000.0, 60_000.0)?;
    between(&named("ducking.release_ms"), release_ms, -60_000.0, 60_000.0)?;
    between(&named("ducking.lookahead_ms"), lookahead_ms, -10_000.0, 10_000.0)?;
    let minute = 60 * u64::from(SAMPLE_RATE);
    between(&named("fade_in"), plan.fade_in.0, 0, minute)?;
    between(&named("fade_out"), plan.fade_out.0, 0, minute)
}

fn scene(one: &ScriptScene) -> Result<(), String> {
    one.tempo_bpm.map_or(Ok(()), |bpm| between("tempo_bpm of a scene", bpm, 40, 200))?;
    transition(one.transition)?;
    one.shots.iter().try_for_each(|shot| plan(&shot.plan))
}

/// From one scene or shot into the next.
pub(super) fn transition(one: Transition) -> Result<(), String> {
    let (least, most) = if one.kind == TransitionKind::Cut { (0, 0) } else { (0, 2_000) };
    between("ms of a transition", one.ms, least, most)
}

/// What a shot is to show.
pub(super) fn plan(one: &ShotPlan) -> Result<(), String> {
    let letters: u64 = one.lines.iter().map(|line| line.text.chars().count() as u64).sum();
    let longest = LONGEST_SHOT_MS + letters * LETTER_MS + one.lines.len() as u64 * LINE_MS;
    between("planned_ms of a shot", one.planned_ms, 1_000, longest)?;
    transition(one.transition)?;
    let mut strengths = one.loras.iter().filter_map(|lora| lora.strength);
    strengths.try_for_each(|percent| between("strength of a LoRA of a shot", percent, 1, MOST_STRENGTH))
}

/// What a person decided.
pub(super) fn ruling(one: &Override) -> Result<(), String> {
    between("takes of a ruling", one.takes, 0, MOST_TAKES)?;
    one.given.iter().try_for_each(outputs)?;
    one.source.iter().try_for_each(source)
}

fn source(one: &SourcePicture) -> Result<(), String> {
    let (least, most) = SourcePicture::STRENGTH.into_inner();
    one.strength_percent.map_or(Ok(()), |percent| between("strength_percent of a picture", percent, least, most))
}

/// What was made once: it is taken for what would be made again.
pub(super) fn attempt(one: &Attempt) -> Result<(), String> {
    for at in [Some(one.started), one.ended].into_iter().flatten() {
        between("the time of an attempt", at.0, 0, LAST)?;
    }
    order(&one.order)?;
    one.outputs.iter().try_for_each(outputs)
}

/// What an engine may be asked for once more.
pub(super) fn order(one: &Order) -> Result<(), String> {
    match one {
        Order::Still(still) => {
            between("order.size.width", still.size.width, 1, 8192)?;
            between("order.size.height", still.size.height, 1, 8192)
        }
        Order::Clip(clip) => moving("order", (clip.size, clip.fps, clip.frames)),
        Order::Review(asked) => review(asked),
        _ => Ok(()),
    }
}

fn review(one: &ReviewOrder) -> Result<(), String> {
    one.expected.map_or(Ok(()), |expected| moving("order.expected", (expected.size, expected.fps, expected.frames)))
}

/// How long something may take while nothing is learned, in milliseconds.
pub(super) fn guess(ms: u64) -> Result<(), String> {
    between("guess_ms of a request", ms, 0, 7 * DAY_S * 1000)
}

/// What an order led to.
pub(super) fn outputs(made: &Outputs) -> Result<(), String> {
    made.files.iter().try_for_each(|file| facts(&file.facts))?;
    let Some(Reported::Recording { heard: Some(heard), .. }) = &made.reported else { return Ok(()) };
    let mut times = heard.words.iter().flat_map(|word| [word.start_ms, word.end_ms]);
    times.try_for_each(|ms| between("the time of a word", ms, 0, DAY_S * 1000))
}

/// What is known of a file.
pub(super) fn facts(one: &MediaFacts) -> Result<(), String> {
    match one {
        MediaFacts::Still { size: pixels } => size("facts.size", *pixels),
        MediaFacts::Video { size, fps, frames, codec: _, samples: heard } => {
            moving("facts", (*size, *fps, *frames))?;
            samples("facts.samples", *heard, SAMPLE_RATE)
        }
        MediaFacts::Sound { samples: heard, rate, channels } => {
            between("facts.rate", *rate, 1, MOST_SAMPLES)?;
            between("facts.channels", *channels, 1, 255)?;
            samples("facts.samples", *heard, *rate)
        }
        MediaFacts::Other => Ok(()),
    }
}
