//! What driving ComfyUI costs beside the rendering: the gap between two prompts, and one progress event.
//!
//! Against the fake server of the tests, whose own work is next to nothing; `make bench` prints the rows.

#[path = "../tests/support/comfy/mod.rs"]
mod fake;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use fake::{Comfy as Fake, Logged};
use studio_core::{
    ids::AttemptId,
    units::Millis,
    workflow::{Fold, ProgressEvent},
};
use studio_engine::{Engine, Means, Progress, Workspace};
use studiod::{
    definitions::{Definitions, DefinitionsWatch},
    engines::comfy::{Comfy, Pace, ServerPlan},
    media::ChildProcess,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const PROMPTS: usize = 200;
const EVENTS: u32 = 200_000;

#[tokio::main]
async fn main() {
    gaps().await;
    relay();
}

/// From the end of a prompt to the next one in the queue, when nothing waits behind it.
async fn gaps() {
    let fake = Fake::start([]).await;
    let plan = ServerPlan { name: "fake".into(), url: fake.url(), card: None, queue_ahead: 0, restart: None };
    let media = Arc::new(ChildProcess::with_program(env!("CARGO_BIN_EXE_studiod")));
    let definitions = Definitions::shipped();
    let flow = definitions.workflows["selftest_image"].clone();
    let comfy =
        Comfy::open(vec![plan], Pace::default(), DefinitionsWatch::of(definitions), media, "bench").expect("it opens");
    comfy.watch();
    let room = tempfile::tempdir().expect("a folder");
    for _ in 0..PROMPTS {
        let room = Workspace::fresh(room.path().to_owned(), room.path().to_owned(), AttemptId(uuid::Uuid::now_v7()));
        let (none, stop) = (BTreeMap::new(), CancellationToken::new());
        comfy
            .run_workflow(
                &flow,
                &BTreeMap::new(),
                &none,
                Means { room: &room, progress: &Progress::noop(), stop: &stop },
            )
            .await
            .expect("it runs");
    }
    let log = fake.moments();
    let mut whole: Vec<Duration> = Vec::new();
    let mut told: Vec<Duration> = Vec::new();
    for pair in log.windows(2) {
        if let [(ended, Logged::Ended(..)), (then, next)] = pair {
            match next {
                Logged::Queued(_) => whole.push(*then - *ended),
                Logged::View(..) => told.push(*then - *ended),
                _ => {}
            }
        }
    }
    row("end of a prompt to its download", &mut told);
    let queued: Vec<Instant> =
        log.iter().filter(|(_, one)| matches!(one, Logged::Queued(_))).map(|(at, _)| *at).collect();
    let mut turn: Vec<Duration> = queued.windows(2).map(|pair| pair[1] - pair[0]).collect();
    row("prompt to prompt, downloaded and decoded", &mut turn);
}

fn row(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| times.get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1)));
    let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    println!("{name}: p50 {:.1} ms, p99 {:.1} ms of {}", ms(at(0.5)), ms(at(0.99)), times.len());
}

/// One progress event, folded and seen.
fn relay() {
    let definitions = Definitions::shipped();
    let flow = &definitions.workflows["framepack_i2v"];
    let mut fold = Fold::new(flow, &serde_json::Value::Object(flow.graph.clone()), 4, Some(60_000));
    let began = Instant::now();
    for event in 0..EVENTS {
        let step = ProgressEvent::Step { node: "40".into(), value: f64::from(event % 25 + 1), max: 25.0 };
        fold.hear(Millis(i64::from(event)), &step);
        std::hint::black_box(fold.seen(Millis(i64::from(event))));
    }
    println!("one progress event: {:.2} us", began.elapsed().as_secs_f64() * 1e6 / f64::from(EVENTS));
}
