//! Gpu: what a card says of itself, and the energy it used.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::units::Millis;

/// A card by its PCI slot, `0000:01:00.0`: the one name that stays through driver updates and reboots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\\.[0-7]$")))]
pub struct PciAddress(String);

/// Not a PCI slot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no PCI slot; it looks like 0000:01:00.0")]
pub struct BadPciAddress(String);

impl FromStr for PciAddress {
    type Err = BadPciAddress;

    /// NVML writes the domain with 8 digits and capitals, sysfs with 4 and small letters: both are the same slot.
    fn from_str(text: &str) -> Result<Self, BadPciAddress> {
        let bad = || BadPciAddress(text.to_owned());
        let hex = |part: &str| u32::from_str_radix(part, 16).map_err(|_| bad());
        let parts: Vec<&str> = text.trim().split([':', '.']).collect();
        let [domain, bus, device, function] = parts[..] else { return Err(bad()) };
        let (domain, bus, device, function) = (hex(domain)?, hex(bus)?, hex(device)?, hex(function)?);
        if bus > 0xff || device > 0x1f || function > 7 {
            return Err(bad());
        }
        Ok(Self(format!("{domain:04x}:{bus:02x}:{device:02x}.{function}")))
    }
}

impl TryFrom<String> for PciAddress {
    type Error = BadPciAddress;
    fn try_from(text: String) -> Result<Self, BadPciAddress> {
        text.parse()
    }
}

impl From<PciAddress> for String {
    fn from(slot: PciAddress) -> Self {
        slot.0
    }
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who made the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Vendor {
    Nvidia,
    Amd,
}

/// What a card says at one moment. A value it does not tell is `None`: consumer cards leave some out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// PCI slot of the card, by which the studio knows it.
    pub slot: PciAddress,
    /// Who made it.
    pub vendor: Vendor,
    /// e.g. `NVIDIA GeForce RTX 3060`.
    pub name: String,
    /// Video memory in MiB.
    pub vram_total_mib: Option<u64>,
    /// Video memory free for use in MiB; not the rest of what is used, the driver keeps some.
    pub vram_free_mib: Option<u64>,
    /// Time the card was busy, 0-100.
    pub busy_percent: Option<u32>,
    /// Temperature of the chip in degrees Celsius.
    pub temperature_c: Option<u32>,
    /// Watts it draws.
    pub power_w: Option<f64>,
    /// Watts it may draw.
    pub power_limit_w: Option<f64>,
    /// Who uses it.
    pub processes: Vec<Process>,
}

impl Reading {
    /// Memory in use, in MiB.
    pub fn vram_used_mib(&self) -> Option<u64> {
        Some(self.vram_total_mib?.saturating_sub(self.vram_free_mib?))
    }

    /// What programs use that are not the studio's, in MiB, and which of them uses most.
    ///
    /// A program is the studio's when its name is in `ours`. Where the driver tells of no program's memory, everything
    /// beyond `booked_mib` is others'.
    pub fn foreign(&self, ours: &[String], booked_mib: u64, reserve_mib: u64) -> (u64, String) {
        let known = self.processes.iter().any(|process| process.vram_mib.is_some());
        if !known {
            let used = self.vram_used_mib().unwrap_or(0);
            return (used.saturating_sub(booked_mib + reserve_mib), String::new());
        }
        let others = || {
            let foreign = |process: &&Process| !ours.iter().any(|name| process.name.contains(name.as_str()));
            self.processes.iter().filter(foreign)
        };
        let mib = others().filter_map(|process| process.vram_mib).sum();
        let most = others().max_by_key(|process| process.vram_mib).map(|process| process.name.clone());
        (mib, most.unwrap_or_default())
    }
}

/// A program on a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Id that the operating system gives the process.
    pub pid: u32,
    /// Its name; empty when it may not be read.
    pub name: String,
    /// Video memory in MiB.
    pub vram_mib: Option<u64>,
}

/// Between two samples further apart than this the power is not known.
pub const LONGEST_GAP_MS: i64 = 10_000;

/// Watt-hours between two moments from power samples (moment, watts) in order of time, by trapezoids.
///
/// `None` when less than half of the time is covered: gaps longer than [`LONGEST_GAP_MS`] are not.
/// The covered part stands for the whole.
pub fn energy_wh(samples: &[(Millis, f64)], from: Millis, to: Millis) -> Option<f64> {
    let span_ms = to.0.checked_sub(from.0).filter(|span| *span > 0)?;
    let (mut covered_ms, mut watt_ms) = (0.0, 0.0);
    for pair in samples.windows(2) {
        let [(start, low), (end, high)] = [pair[0], pair[1]];
        let length = end.0 - start.0;
        if length <= 0 || length > LONGEST_GAP_MS || !low.is_finite() || !high.is_finite() {
            continue;
        }
        let (a, b) = (start.0.max(from.0), end.0.min(to.0));
        if a >= b {
            continue;
        }
        let at = |moment: i64| low + (high - low) * (moment - start.0) as f64 / length as f64;
        covered_ms += (b - a) as f64;
        watt_ms += f64::midpoint(at(a), at(b)) * (b - a) as f64;
    }
    (covered_ms * 2.0 >= span_ms as f64).then(|| watt_ms / covered_ms * span_ms as f64 / 3_600_000.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_spellings_are_one_slot() {
        let slot: PciAddress = "00000000:0F:00.0".parse().unwrap();
        assert_eq!(slot, "0000:0f:00.0".parse().unwrap());
        assert!("01:00.0".parse::<PciAddress>().is_err() && "0000:01:00.9".parse::<PciAddress>().is_err());
    }

    #[test]
    fn an_hour_at_a_hundred_watts_is_a_hundred_watt_hours() {
        let samples: Vec<_> = (0..=3600).map(|second| (Millis(second * 1000), 100.0)).collect();
        let wh = energy_wh(&samples, Millis(0), Millis(3_600_000)).unwrap();
        assert!((wh - 100.0).abs() < 1e-9);
        assert_eq!(energy_wh(&samples, Millis(3_600_000), Millis(9_000_000)), None, "not covered");
        assert_eq!(energy_wh(&[], Millis(0), Millis(1)), None);
    }

    #[test]
    fn foreign_memory_is_what_others_use() {
        let process = |name: &str, mib| Process { pid: 1, name: name.into(), vram_mib: Some(mib) };
        let mut reading = Reading {
            slot: "0000:01:00.0".parse().unwrap(),
            vendor: Vendor::Nvidia,
            name: String::new(),
            vram_total_mib: Some(12_288),
            vram_free_mib: Some(3_288),
            busy_percent: None,
            temperature_c: None,
            power_w: None,
            power_limit_w: None,
            processes: vec![process("python3", 6_000), process("game.exe", 2_500), process("Xorg", 300)],
        };
        let ours = ["python".to_owned()];
        assert_eq!(reading.foreign(&ours, 10_000, 0), (2_800, "game.exe".to_owned()), "booked says nothing of others");
        reading.processes.clear();
        assert_eq!(reading.foreign(&ours, 6_000, 400), (2_600, String::new()));
    }

    proptest! {
        #[test]
        fn energy_lies_between_the_least_and_the_most_power(
            watts in proptest::collection::vec(0.0..500.0f64, 2..50), from in 0i64..20_000, length in 1i64..60_000,
        ) {
            let samples: Vec<_> = watts.iter().zip(0..).map(|(watts, at)| (Millis(at * 1000), *watts)).collect();
            if let Some(wh) = energy_wh(&samples, Millis(from), Millis(from + length)) {
                let hours = length as f64 / 3_600_000.0;
                let most = watts.iter().copied().fold(0.0, f64::max);
                prop_assert!(wh >= -1e-9 && wh <= most * hours + 1e-9);
            }
        }
    }
}
