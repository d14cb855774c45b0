//! Nvml: NVIDIA cards, through the driver's own library, which is loaded when it is there.

use std::{collections::BTreeMap, path::Path};

use nvml_wrapper::{Device, enum_wrappers::device::TemperatureSensor, enums::device::UsedGpuMemory};
use serde::{Deserialize, Serialize};
use studio_core::gpu::{Process, Reading, Vendor};

use super::{Probe, process_name};

/// A library that is not there is looked for again at each so many readings, a minute of them: a driver may be installed
/// meanwhile.
const RETRY_EVERY: u32 = 60;

/// Every NVIDIA card.
#[derive(Default)]
pub struct Nvml {
    library: Option<nvml_wrapper::Nvml>,
    /// Readings since the library was looked for the last time; `None`: never.
    since: Option<u32>,
}

/// What the library says of one card, before it is made sense of; this is what recordings hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Raw {
    /// Address on the PCI bus as the library writes it, e.g. `00000000:01:00.0`.
    pub bus_id: String,
    /// e.g. `NVIDIA GeForce RTX 3060`.
    pub name: String,
    /// All memory of the card, in bytes.
    pub memory_total: Option<u64>,
    /// Bytes; the rest of what is used is not free, the driver keeps some.
    pub memory_free: Option<u64>,
    /// Share of the time the card was busy lately, in percent.
    pub busy: Option<u32>,
    /// Temperature of the chip, in degrees Celsius.
    pub temperature: Option<u32>,
    /// What the card draws now, in milliwatts.
    pub power: Option<u32>,
    /// What the card may draw at most, in milliwatts.
    pub power_limit: Option<u32>,
    /// Process id and bytes, of computing and of drawing programs.
    pub processes: Vec<(u32, Option<u64>)>,
}

impl Nvml {
    /// Every card as the library tells it; empty without a library.
    pub fn raws(&mut self) -> Vec<Raw> {
        if self.library.is_none() {
            if let Some(since) = self.since.as_mut().filter(|since| **since + 1 < RETRY_EVERY) {
                *since += 1;
                return Vec::new();
            }
            let first = self.since.replace(0).is_none();
            match nvml_wrapper::Nvml::init() {
                Ok(library) => self.library = Some(library),
                Err(error) if first => tracing::info!(%error, "no NVIDIA card is watched"),
                Err(_) => {}
            }
        }
        let Some(library) = &self.library else { return Vec::new() };
        let count = library.device_count().unwrap_or(0);
        let cards = (0..count).filter_map(|at| library.device_by_index(at).ok());
        // A card that fell off the bus fails call by call; the others go on.
        cards.filter_map(|card| raw(&card)).collect()
    }
}

impl Probe for Nvml {
    fn read(&mut self) -> Vec<Reading> {
        self.raws().iter().filter_map(|raw| map(raw, Path::new("/proc"))).collect()
    }
}

fn raw(card: &Device<'_>) -> Option<Raw> {
    let memory = card.memory_info().ok();
    let used = |memory: UsedGpuMemory| match memory {
        UsedGpuMemory::Used(bytes) => Some(bytes),
        UsedGpuMemory::Unavailable => None,
    };
    let computing = card.running_compute_processes().unwrap_or_default();
    let drawing = card.running_graphics_processes().unwrap_or_default();
    Some(Raw {
        bus_id: card.pci_info().ok()?.bus_id,
        name: card.name().unwrap_or_default(),
        memory_total: memory.as_ref().map(|memory| memory.total),
        memory_free: memory.as_ref().map(|memory| memory.free),
        busy: card.utilization_rates().ok().map(|rates| rates.gpu),
        temperature: card.temperature(TemperatureSensor::Gpu).ok(),
        power: card.power_usage().ok(),
        power_limit: card.enforced_power_limit().ok(),
        processes: computing.into_iter().chain(drawing).map(|one| (one.pid, used(one.used_gpu_memory))).collect(),
    })
}

/// The reading of a card; `None` when it has no slot. A process in both lists counts once, with the larger memory.
pub fn map(raw: &Raw, proc: &Path) -> Option<Reading> {
    let mut processes: BTreeMap<u32, Option<u64>> = BTreeMap::new();
    for (pid, bytes) in &raw.processes {
        let known = processes.entry(*pid).or_default();
        *known = (*known).max(*bytes);
    }
    let mib = |bytes: u64| bytes >> 20;
    let process =
        |(pid, bytes): (u32, Option<u64>)| Process { pid, name: process_name(proc, pid), vram_mib: bytes.map(mib) };
    Some(Reading {
        slot: raw.bus_id.parse().ok()?,
        vendor: Vendor::Nvidia,
        name: raw.name.clone(),
        vram_total_mib: raw.memory_total.map(mib),
        vram_free_mib: raw.memory_free.map(mib),
        busy_percent: raw.busy,
        temperature_c: raw.temperature,
        power_w: raw.power.map(|milliwatts| f64::from(milliwatts) / 1000.0),
        power_limit_w: raw.power_limit.map(|milliwatts| f64::from(milliwatts) / 1000.0),
        processes: processes.into_iter().map(process).collect(),
    })
}
