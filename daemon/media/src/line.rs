//! The line to the parent: a plan comes in, reports go out, and its end means that nobody waits any more.
#![expect(clippy::disallowed_methods, reason = "a process of its own, without a runtime")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use studio_core::{
    failure::FailureKind,
    media::{MediaPlan, MediaResult, Report},
};

use crate::elements;
use crate::{MediaError, outputs, pipeline};

/// The longest plan: thousands of parts with long paths.
const LONGEST_PLAN: u64 = 16 << 20;
/// Progress is told at most ten times a second.
const BETWEEN_REPORTS: Duration = Duration::from_millis(100);

/// The child process: `studiod media`, or `studiod media elements` to tell what is there and what is missing.
pub fn main() -> ExitCode {
    if std::env::args().nth(2).as_deref() == Some("elements") {
        return tell_elements();
    }
    let mut input = BufReader::new(std::io::stdin());
    let plan = match read_plan(&mut input) {
        Ok(plan) => plan,
        Err(fault) => return end(Err(fault)),
    };
    let settled = Arc::new(Mutex::new(false));
    watch_parent(input, plan.clone(), Arc::clone(&settled));
    let result = work(&plan);
    // from here on the outputs belong to the parent, even when it closes the pipe before this process has left
    *settled.lock().unwrap_or_else(PoisonError::into_inner) = true;
    if result.is_err() {
        outputs::remove(&plan);
    }
    end(result)
}

fn read_plan(input: &mut impl BufRead) -> Result<MediaPlan, MediaError> {
    let mut line = String::new();
    input.take(LONGEST_PLAN).read_line(&mut line)?;
    serde_json::from_str(&line)
        .map_err(|error| MediaError::new(FailureKind::Refused, format!("failed to understand the plan: {error}")))
}

/// Leaves, without a trace, when the parent is gone.
fn watch_parent(mut input: impl Read + Send + 'static, plan: MediaPlan, settled: Arc<Mutex<bool>>) {
    std::thread::spawn(move || {
        let mut ignored = [0; 256];
        while matches!(input.read(&mut ignored), Ok(1..)) {}
        // held to the end, so that the work cannot settle while its outputs are removed
        let settled = settled.lock().unwrap_or_else(PoisonError::into_inner);
        if !*settled {
            outputs::remove(&plan);
            std::process::exit(1);
        }
    });
}

fn work(plan: &MediaPlan) -> Result<MediaResult, MediaError> {
    pipeline::init()?;
    let (mut highest, mut told) = (0.0, None::<Instant>);
    let mut progress = |done: f64| {
        highest = done.clamp(highest, 1.0);
        if told.is_none_or(|at| at.elapsed() >= BETWEEN_REPORTS) {
            told = Some(Instant::now());
            say(&Report::Progress { done: highest });
        }
    };
    crate::carry_out(plan, &mut progress)
}

fn end(result: Result<MediaResult, MediaError>) -> ExitCode {
    match result {
        Ok(result) => {
            say(&Report::Done { result });
            ExitCode::SUCCESS
        }
        Err(MediaError { kind, message }) => {
            say(&Report::Failed { fault: kind, message });
            ExitCode::FAILURE
        }
    }
}

fn say(report: &Report) {
    let Ok(mut text) = serde_json::to_string(report) else { return };
    text.push('\n');
    // a parent that no longer reads is noticed on standard input
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints which GStreamer this is and the elements that are missing, as `[element, package]`.
fn tell_elements() -> ExitCode {
    let missing: Vec<&(&str, &str)> = match pipeline::init() {
        Ok(()) => elements::NEEDED.iter().filter(|(name, _)| gstreamer::ElementFactory::find(name).is_none()).collect(),
        Err(_) => elements::NEEDED.iter().collect(),
    };
    let told = serde_json::json!({ "version": gstreamer::version_string().as_str(), "missing": missing });
    match writeln!(std::io::stdout().lock(), "{told}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
