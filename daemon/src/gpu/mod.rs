//! Gpu: what the cards of this machine say, sampled once a second. No card, no driver and no library are normal.

mod amdgpu;
mod nvml;
mod recorded;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

pub use amdgpu::AmdGpu;
pub use nvml::{Nvml, Raw, map};
pub use recorded::Recorded;
use studio_core::{
    gpu::{PciAddress, Reading, energy_wh},
    units::Millis,
};

/// Power samples kept per card: four hours of seconds, longer than any attempt.
const KEPT: usize = 4 * 3600;

/// Reads all cards of one kind. Calls may block.
pub trait Probe: Send {
    /// Every card that answers; empty when there is none.
    fn read(&mut self) -> Vec<Reading>;
}

/// Reads the cards again and again until it is dropped.
#[derive(Clone)]
pub struct Watch(Arc<Inner>);

struct Inner {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    readings: Vec<Reading>,
    power: BTreeMap<PciAddress, VecDeque<(Millis, f64)>>,
    used: BTreeMap<PciAddress, VecDeque<(Millis, u64)>>,
}

impl Watch {
    /// Samples `probes` every `pause` on a thread of its own, because drivers block; `now` is the studio's clock.
    pub fn start(
        mut probes: Vec<Box<dyn Probe>>,
        pause: Duration,
        now: impl Fn() -> Millis + Send + 'static,
    ) -> std::io::Result<Self> {
        let watch = Self(Arc::new(Inner { seen: Mutex::default() }));
        let inner = Arc::downgrade(&watch.0);
        let run = move || {
            while let Some(inner) = inner.upgrade() {
                inner.take(now(), probes.iter_mut().flat_map(|probe| probe.read()).collect());
                drop(inner);
                std::thread::park_timeout(pause);
            }
        };
        std::thread::Builder::new().name("gpu-watch".into()).spawn(run)?;
        Ok(watch)
    }

    /// What every card said last.
    pub fn latest(&self) -> Vec<Reading> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).readings.clone()
    }

    /// Watt-hours a card used between two moments; `None` when it was not measured for long enough.
    pub fn energy_wh(&self, card: &PciAddress, from: Millis, to: Millis) -> Option<f64> {
        let seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let samples: Vec<(Millis, f64)> = seen.power.get(card)?.iter().copied().collect();
        energy_wh(&samples, from, to)
    }
}

impl Inner {
    fn take(&self, now: Millis, readings: Vec<Reading>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for reading in &readings {
            if let Some(watts) = reading.power_w {
                keep(seen.power.entry(reading.slot.clone()).or_default(), (now, watts));
            }
            if let Some(used) = reading.vram_used_mib() {
                keep(seen.used.entry(reading.slot.clone()).or_default(), (now, used));
            }
        }
        seen.readings = readings;
    }
}

/// Keeps a sample and lets the oldest go.
fn keep<T>(samples: &mut VecDeque<T>, sample: T) {
    samples.push_back(sample);
    if samples.len() > KEPT {
        samples.pop_front();
    }
}

impl studio_engine::Cards for Watch {
    fn latest(&self) -> Vec<Reading> {
        Self::latest(self)
    }

    fn peak_mib(&self, card: &str, from: Millis, to: Millis) -> Option<u64> {
        let slot: PciAddress = card.parse().ok()?;
        let seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let inside = seen.used.get(&slot)?.iter().filter(|(at, _)| *at >= from && *at <= to);
        inside.map(|(_, used)| *used).max()
    }

    fn energy_wh(&self, card: &str, from: Millis, to: Millis) -> Option<f64> {
        Self::energy_wh(self, &card.parse().ok()?, from, to)
    }
}

/// What the cards said at one moment.
#[derive(Debug, Default)]
pub struct Glance(Vec<Reading>);

impl Glance {
    /// Reads every card once. Blocks.
    pub fn of(mut probes: Vec<Box<dyn Probe>>) -> Self {
        Self(probes.iter_mut().flat_map(|probe| probe.read()).collect())
    }
}

impl studio_engine::Cards for Glance {
    fn latest(&self) -> Vec<Reading> {
        self.0.clone()
    }

    fn peak_mib(&self, _: &str, _: Millis, _: Millis) -> Option<u64> {
        None
    }

    fn energy_wh(&self, _: &str, _: Millis, _: Millis) -> Option<f64> {
        None
    }
}

/// Probes for the cards of this machine.
pub fn probes() -> Vec<Box<dyn Probe>> {
    vec![Box::new(Nvml::default()), Box::new(AmdGpu::default())]
}

/// What the cards of this machine say, before it is made sense of, as files of the form the tests' recordings have:
/// `nvml/cards.jsonl` with one [`Raw`] a line, `amdgpu/drm/cardN/device/...` as the kernel wrote them.
pub fn recordings() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let lines: Vec<String> = Nvml::default().raws().iter().filter_map(|raw| serde_json::to_string(raw).ok()).collect();
    if !lines.is_empty() {
        files.push(("nvml/cards.jsonl".to_owned(), lines.join("\n") + "\n"));
    }
    files.extend(AmdGpu::default().recording().into_iter().map(|(path, text)| (format!("amdgpu/drm/{path}"), text)));
    files
}

/// Name of a process; empty when it is gone or may not be read.
fn process_name(proc: &std::path::Path, pid: u32) -> String {
    let name = std::fs::read_to_string(proc.join(pid.to_string()).join("comm")).unwrap_or_default();
    name.trim().to_owned()
}
