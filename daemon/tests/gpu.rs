//! Cards from recordings: an RTX 3060 and an H200 by their library, an RX 9070 XT by the kernel's files.

use std::{fs, path::Path, time::Duration};

use studio_core::{
    gpu::{PciAddress, Reading, Vendor},
    units::Millis,
};
use studiod::gpu::{AmdGpu, Probe, Raw, Recorded, Watch, map};

fn raws(text: &str) -> Vec<Raw> {
    text.lines().map(|line| serde_json::from_str(line).expect("the recording is JSON")).collect()
}

#[test]
fn an_rtx_3060_is_read_and_what_it_does_not_tell_is_left_out() {
    let proc = tempfile::tempdir().unwrap();
    fs::create_dir(proc.path().join("4242")).unwrap();
    fs::write(proc.path().join("4242/comm"), "python\n").unwrap();
    let [busy, silent] = &raws(include_str!("recordings/nvml/rtx3060.jsonl"))[..] else { panic!("two recordings") };
    let reading = map(busy, proc.path()).unwrap();
    assert_eq!((reading.slot.to_string(), reading.vendor), ("0000:01:00.0".to_owned(), Vendor::Nvidia));
    assert_eq!(
        (reading.vram_total_mib, reading.vram_free_mib),
        (Some(12288), Some(1802)),
        "free is what it says, not total - used"
    );
    assert_eq!((reading.power_w, reading.power_limit_w), (Some(168.42), Some(170.0)));
    let processes: Vec<_> = reading.processes.iter().map(|one| (one.pid, one.name.as_str(), one.vram_mib)).collect();
    assert_eq!(processes, [(1200, "", Some(310)), (4242, "python", Some(9800))], "in both lists, counted once");
    let reading = map(silent, proc.path()).unwrap();
    assert_eq!((reading.busy_percent, reading.power_w, reading.vram_free_mib), (None, None, Some(11000)));
    assert_eq!(map(&Raw::default(), proc.path()), None, "no slot, no card");
}

#[test]
fn an_h200_that_another_program_computes_on_says_who_and_how_much() {
    let proc = tempfile::tempdir().unwrap();
    let [idle, taken] = &raws(include_str!("recordings/nvml/h200.jsonl"))[..] else { panic!("two recordings") };
    let idle = map(idle, proc.path()).unwrap();
    assert_eq!((idle.slot.to_string(), idle.name.as_str()), ("0000:00:06.0".to_owned(), "NVIDIA H200"));
    assert_eq!((idle.vram_total_mib, idle.vram_free_mib, idle.processes.len()), (Some(143_771), Some(143_155), 0));
    assert_eq!((idle.busy_percent, idle.power_limit_w), (Some(0), Some(700.0)));
    let taken = map(taken, proc.path()).unwrap();
    let processes: Vec<_> = taken.processes.iter().map(|one| one.vram_mib).collect();
    assert_eq!((taken.vram_free_mib, processes), (Some(3_009), vec![Some(140_138)]));
    assert_eq!((taken.busy_percent, taken.power_w), (Some(96), Some(692.346)), "it draws what it may");
}

/// The kernel's files of a machine with an RX 9070 XT and a small integrated card.
fn sysfs(root: &Path) {
    let put = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for (card, slot, device, total, used) in [
        ("card1", "0000:0f:00.0", "0x7550", 17_095_983_104u64, 1_272_893_440u64),
        ("card0", "0000:64:00.0", "0x164e", 536_870_912, 0),
    ] {
        put(&format!("drm/{card}/device/vendor"), "0x1002\n");
        put(&format!("drm/{card}/device/device"), &format!("{device}\n"));
        put(&format!("drm/{card}/device/revision"), "0xc0\n");
        put(&format!("drm/{card}/device/uevent"), &format!("DRIVER=amdgpu\nPCI_ID=1002:7550\nPCI_SLOT_NAME={slot}\n"));
        put(&format!("drm/{card}/device/mem_info_vram_total"), &format!("{total}\n"));
        put(&format!("drm/{card}/device/mem_info_vram_used"), &format!("{used}\n"));
    }
    let card = "drm/card1/device";
    put(&format!("{card}/gpu_busy_percent"), "3\n");
    put(&format!("{card}/hwmon/hwmon5/name"), "amdgpu\n");
    put(&format!("{card}/hwmon/hwmon5/temp1_input"), "42000\n");
    put(&format!("{card}/hwmon/hwmon5/power1_average"), "55000000\n");
    put(&format!("{card}/hwmon/hwmon5/power1_cap"), "304000000\n");
    put("drm/card1-DP-1/device/vendor", "0x1002\n");
    put("drm/card2/device/vendor", "0x10de\n");
    let fd = "drm-driver:\tamdgpu\ndrm-pdev:\t0000:0f:00.0\ndrm-client-id:\t77\ndrm-memory-vram:\t2097152 KiB\n";
    put("proc/900/fdinfo/5", fd);
    put("proc/900/fdinfo/6", fd);
    put("proc/900/fdinfo/7", &fd.replace("77", "78").replace("2097152 KiB", "512 MiB"));
    put("proc/900/comm", "ollama\n");
    put("proc/self/fdinfo/1", "pos:\t0\n");
}

#[test]
fn an_rx_9070_xt_is_told_from_connectors_other_vendors_and_the_integrated_card() {
    let dir = tempfile::tempdir().unwrap();
    sysfs(dir.path());
    let mut cards = AmdGpu::at(dir.path().join("drm"), dir.path().join("proc"));
    let readings = cards.read();
    assert_eq!(readings.len(), 2, "{readings:?}");
    let card = &readings[0];
    assert_eq!((card.name.as_str(), card.slot.to_string().as_str()), ("AMD Radeon RX 9070 XT", "0000:0f:00.0"));
    assert_eq!((card.vram_total_mib, card.vram_free_mib), (Some(16304), Some(15090)));
    assert_eq!((card.busy_percent, card.temperature_c, card.power_w), (Some(3), Some(42), Some(55.0)));
    assert_eq!((card.power_limit_w, card.vendor), (Some(304.0), Vendor::Amd));
    let processes: Vec<_> = card.processes.iter().map(|one| (one.pid, one.name.as_str(), one.vram_mib)).collect();
    assert_eq!(processes, [(900, "ollama", Some(2560))], "a client that has it open twice counts once");
    assert_eq!(readings[1].name, "AMD GPU 1002:164e");
    assert_eq!((readings[1].temperature_c, readings[1].power_w), (None, None));

    fs::create_dir_all(dir.path().join("drm/card1/device/power")).unwrap();
    fs::write(dir.path().join("drm/card1/device/power/runtime_status"), "suspended\n").unwrap();
    let asleep = cards.read().into_iter().find(|card| card.slot.to_string() == "0000:0f:00.0").unwrap();
    assert_eq!(asleep.vram_total_mib, None, "a sleeping card is not woken");
    fs::remove_dir_all(dir.path()).unwrap();
    assert_eq!(cards.read(), Vec::<Reading>::new(), "no cards are normal");
}

/// The kernel's files of an RX 9070 XT and a processor's own graphics; see the README beside them.
fn recorded() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/amdgpu/rx9070xt/drm")
}

#[test]
fn an_rx_9070_xt_is_read_from_the_kernels_files_and_its_edge_is_what_counts() {
    let readings = AmdGpu::at(recorded(), "/nowhere").read();
    let names: Vec<_> = readings.iter().map(|card| (card.name.as_str(), card.slot.to_string())).collect();
    let known = ("AMD Radeon RX 9070 XT", "0000:0f:00.0".to_owned());
    assert_eq!(names, [known, ("AMD GPU 1002:164e", "0000:64:00.0".to_owned())], "the larger one comes first");
    let card = &readings[0];
    assert_eq!((card.vram_total_mib, card.vram_used_mib()), (Some(16304), Some(1214)));
    assert_eq!((card.busy_percent, card.temperature_c), (Some(3), Some(42)), "neither the junction nor the memory");
    assert_eq!((card.power_w, card.power_limit_w), (Some(55.0), Some(304.0)));
    assert_eq!((readings[1].power_w, readings[1].power_limit_w), (Some(12.0), None), "graphics of a processor");
}

#[test]
fn what_is_recorded_of_a_card_reads_the_same_elsewhere_and_does_not_wake_it() {
    let dir = tempfile::tempdir().unwrap();
    let copy = |files: &[(String, String)]| {
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    };
    let mut cards = AmdGpu::at(recorded(), "/nowhere");
    copy(&cards.recording());
    let mut elsewhere = AmdGpu::at(dir.path(), "/nowhere");
    assert_eq!(elsewhere.read(), cards.read());
    fs::write(dir.path().join("card1/device/unique_id"), "a number of its own\n").unwrap();
    fs::write(dir.path().join("card1/device/power/runtime_status"), "suspended\n").unwrap();
    let asleep: Vec<String> = elsewhere.recording().into_iter().map(|(path, _)| path).collect();
    let of = |card: &str| asleep.iter().filter(|path| path.starts_with(card)).count();
    assert!(of("card1/") == 6 && of("card0/") > 6, "only which card it is: {asleep:?}");
    assert!(!asleep.iter().any(|path| path.contains("unique_id") || path.contains("mem_info_vram_used") && path.starts_with("card1/")));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the watch is a thread with the machine's time")]
fn energy_is_summed_from_the_samples_of_its_card() {
    let reading = |watts: f64| {
        let raw = Raw {
            power: Some((watts * 1000.0) as u32),
            ..raws(include_str!("recordings/nvml/rtx3060.jsonl"))[0].clone()
        };
        serde_json::to_string(&vec![map(&raw, Path::new("/nowhere"))]).unwrap()
    };
    let lines: Vec<String> = [100.0, 200.0, 200.0].into_iter().map(reading).collect();
    let recorded = Recorded::from_lines(&lines.join("\n")).unwrap();
    let clock = std::sync::atomic::AtomicI64::new(0);
    // Each sample is a second later, however fast they come.
    let now = move || Millis(clock.fetch_add(1000, std::sync::atomic::Ordering::SeqCst));
    let watch = Watch::start(vec![Box::new(recorded)], Duration::from_millis(1), now).unwrap();
    let slot: PciAddress = "0000:01:00.0".parse().unwrap();
    let limit = std::time::Instant::now() + Duration::from_mins(1);
    let wh = loop {
        if let Some(wh) = watch.energy_wh(&slot, Millis(0), Millis(2000)).filter(|wh| *wh > 0.09) {
            break wh;
        }
        assert!(std::time::Instant::now() < limit, "the samples come");
        std::thread::yield_now();
    };
    // A second rising from 100 to 200 W and one at 200 W: 350 watt-seconds.
    assert!((wh - 350.0 / 3600.0).abs() < 1e-9, "{wh}");
    assert_eq!(watch.latest()[0].name, "NVIDIA GeForce RTX 3060");
    assert_eq!(watch.energy_wh(&"0000:02:00.0".parse().unwrap(), Millis(0), Millis(2000)), None);
}
