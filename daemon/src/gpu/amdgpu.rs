//! Amdgpu: AMD cards, read from the kernel's files. Every file may be missing or refuse: then the value is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use studio_core::gpu::{PciAddress, Process, Reading, Vendor};

use super::{Probe, process_name};

/// Names of cards that Debian's list is too old for: device, revision, name.
const NAMES: [(&str, &str, &str); 3] = [
    ("0x7550", "0xc0", "AMD Radeon RX 9070 XT"),
    ("0x7550", "0xc2", "AMD Radeon RX 9070 GRE"),
    ("0x7550", "0xc3", "AMD Radeon RX 9070"),
];

/// AMD among the makers of PCI devices.
const AMD: &str = "0x1002";
/// Files that tell which card it is; `unique_id`, the number of the very one somebody owns, is none of them.
const WHICH: [&str; 7] =
    ["vendor", "device", "revision", "uevent", "product_name", "vbios_version", "power/runtime_status"];
/// Files that tell how it is.
const HOW: [&str; 8] = [
    "mem_info_vram_total",
    "mem_info_vram_used",
    "mem_info_vis_vram_total",
    "mem_info_vis_vram_used",
    "mem_info_gtt_total",
    "mem_info_gtt_used",
    "gpu_busy_percent",
    "mem_busy_percent",
];
/// Files of its sensors.
const SENSORS: [&str; 12] = [
    "name",
    "temp1_input",
    "temp1_label",
    "temp2_input",
    "temp2_label",
    "temp3_input",
    "temp3_label",
    "power1_average",
    "power1_input",
    "power1_cap",
    "fan1_input",
    "freq1_input",
];

/// Programs are looked for at each so many readings.
const PROGRAMS_EVERY: u32 = 15;

/// Every AMD card.
pub struct AmdGpu {
    drm: PathBuf,
    proc: PathBuf,
    reads: u32,
    /// Programs found the last time all of them were looked through.
    programs: BTreeMap<PciAddress, Vec<Process>>,
}

impl Default for AmdGpu {
    fn default() -> Self {
        Self::at("/sys/class/drm", "/proc")
    }
}

impl AmdGpu {
    /// Cards below other roots than the kernel's, for tests: `drm` has `cardN/device/...`, `proc` has `PID/fdinfo/...`.
    pub fn at(drm: impl Into<PathBuf>, proc: impl Into<PathBuf>) -> Self {
        Self { drm: drm.into(), proc: proc.into(), reads: 0, programs: BTreeMap::new() }
    }
}

impl AmdGpu {
    /// Folders of cards, other makers' among them, in the order of their names.
    fn cards(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.drm).into_iter().flatten().flatten();
        // `card1-DP-1` is a connector, not a card.
        let is_card = |name: &str| {
            name.strip_prefix("card")
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let cards = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_card));
        let mut folders: Vec<PathBuf> = cards.map(|entry| entry.path()).collect();
        folders.sort();
        folders
    }

    /// The kernel's files of every AMD card that are read here or tell cards apart, by their path below `drm`. A card
    /// that sleeps is not woken: then only what tells which card it is.
    pub fn recording(&self) -> Vec<(String, String)> {
        let mut files = Vec::new();
        for card in self.cards() {
            let device = card.join("device");
            if text(&device.join("vendor")).is_none_or(|vendor| vendor != AMD) {
                continue;
            }
            let awake = text(&device.join("power/runtime_status")).is_none_or(|status| status != "suspended");
            let mut paths: Vec<PathBuf> = WHICH.iter().map(|name| device.join(name)).collect();
            if awake {
                paths.extend(HOW.iter().map(|name| device.join(name)));
                let sensors = sensors(&device).into_iter().flat_map(|folder| SENSORS.map(|name| folder.join(name)));
                paths.extend(sensors);
            }
            for path in paths {
                if let (Ok(below), Ok(text)) = (path.strip_prefix(&self.drm), fs::read_to_string(&path)) {
                    files.push((below.display().to_string(), text));
                }
            }
        }
        files
    }
}

impl Probe for AmdGpu {
    fn read(&mut self) -> Vec<Reading> {
        let mut readings: Vec<Reading> =
            self.cards().iter().filter_map(|card| Self::card(&card.join("device"))).collect();
        // Every open file of every program is looked through for this: not every second.
        if self.reads.is_multiple_of(PROGRAMS_EVERY) {
            self.programs = readings.iter().map(|card| (card.slot.clone(), self.processes(&card.slot))).collect();
        }
        self.reads = self.reads.wrapping_add(1);
        for reading in &mut readings {
            reading.processes = self.programs.get(&reading.slot).cloned().unwrap_or_default();
        }
        // An integrated one is an amdgpu as well; the largest comes first.
        readings.sort_by_key(|reading| std::cmp::Reverse(reading.vram_total_mib));
        readings
    }
}

fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn number(path: &Path) -> Option<u64> {
    text(path)?.parse().ok()
}

impl AmdGpu {
    fn card(device: &Path) -> Option<Reading> {
        if text(&device.join("vendor"))? != AMD {
            return None;
        }
        let uevent = text(&device.join("uevent"))?;
        let slot: PciAddress = uevent.lines().find_map(|line| line.strip_prefix("PCI_SLOT_NAME="))?.parse().ok()?;
        let mut reading = Reading {
            name: name(device),
            vendor: Vendor::Amd,
            vram_total_mib: None,
            vram_free_mib: None,
            busy_percent: None,
            temperature_c: None,
            power_w: None,
            power_limit_w: None,
            processes: Vec::new(),
            slot,
        };
        // Reading more would wake a sleeping card.
        if text(&device.join("power/runtime_status")).is_some_and(|status| status == "suspended") {
            return Some(reading);
        }
        let total = number(&device.join("mem_info_vram_total"));
        let used = number(&device.join("mem_info_vram_used"));
        reading.vram_total_mib = total.map(|bytes| bytes >> 20);
        reading.vram_free_mib = total.zip(used).map(|(total, used)| total.saturating_sub(used) >> 20);
        reading.busy_percent = number(&device.join("gpu_busy_percent")).map(|percent| percent as u32);
        if let Some(sensors) = sensors(device) {
            reading.temperature_c = number(&sensors.join("temp1_input")).map(|milli| (milli / 1000) as u32);
            let power = number(&sensors.join("power1_average")).or_else(|| number(&sensors.join("power1_input")));
            reading.power_w = power.map(|micro| micro as f64 / 1e6);
            reading.power_limit_w = number(&sensors.join("power1_cap")).map(|micro| micro as f64 / 1e6);
        }
        Some(reading)
    }

    /// Programs that have the card open, each client once. Others' may be read by root only.
    fn processes(&self, slot: &PciAddress) -> Vec<Process> {
        let mut found: BTreeMap<u32, u64> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for entry in fs::read_dir(&self.proc).into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            for file in fs::read_dir(entry.path().join("fdinfo")).into_iter().flatten().flatten() {
                let Some(info) = text(&file.path()).filter(|info| info.contains("drm-driver:\tamdgpu")) else {
                    continue;
                };
                let value =
                    |key: &str| info.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::trim);
                let here =
                    value("drm-pdev").and_then(|slot| slot.parse::<PciAddress>().ok()).is_some_and(|its| its == *slot);
                if !here || !seen.insert((pid, value("drm-client-id").unwrap_or_default().to_owned())) {
                    continue;
                }
                *found.entry(pid).or_default() += value("drm-memory-vram").map_or(0, kib);
            }
        }
        let process =
            |(pid, kib): (u32, u64)| Process { pid, name: process_name(&self.proc, pid), vram_mib: Some(kib >> 10) };
        found.into_iter().map(process).collect()
    }
}

/// `1234 KiB` or `12 MiB` in KiB.
fn kib(value: &str) -> u64 {
    let (number, unit) = value.split_once(' ').unwrap_or((value, "B"));
    let number: u64 = number.parse().unwrap_or(0);
    match unit {
        "KiB" => number,
        "MiB" => number << 10,
        _ => number >> 10,
    }
}

/// The card's own sensors; their number is not stable.
fn sensors(device: &Path) -> Option<PathBuf> {
    let mut folders = fs::read_dir(device.join("hwmon")).ok()?.flatten().map(|entry| entry.path());
    folders.find(|folder| text(&folder.join("name")).is_some_and(|name| name == "amdgpu"))
}

fn name(device: &Path) -> String {
    if let Some(name) = text(&device.join("product_name")).filter(|name| !name.is_empty()) {
        return name;
    }
    let (id, revision) = (text(&device.join("device")), text(&device.join("revision")));
    let known = NAMES.iter().find(|(known, rev, _)| Some(*known) == id.as_deref() && Some(*rev) == revision.as_deref());
    known.map_or_else(
        || format!("AMD GPU 1002:{}", id.unwrap_or_default().trim_start_matches("0x")),
        |(_, _, name)| (*name).to_owned(),
    )
}
