//! Who may import whom: the table of `ARCHITECTURE.md`, read out of the source itself; and how the source is laid out:
//! no circles, no room that is tied to everything, nothing on the conductor's loop that waits for a disk.

#[path = "layers/blocking.rs"]
mod blocking;
#[path = "layers/checker.rs"]
mod checker;
#[path = "layers/graph.rs"]
mod graph;
#[path = "layers/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};

use graph::{Rooms, circles, folders, rooms};
use source::{Tree, Words, files};

/// Each module of the daemon and the other modules it may name. A new module must be put in here first.
const MAY_USE: [(&str, &[&str]); 23] = [
    ("clock", &[]),
    ("metrics", &[]),
    ("trace", &[]),
    ("wait", &[]),
    ("text_file", &[]),
    ("definitions", &["text_file"]),
    ("events", &[]),
    ("gpu", &[]),
    ("config", &["text_file"]),
    ("files", &[]),
    ("pass", &[]),
    ("store", &[]),
    ("engines", &["definitions", "files", "wait"]),
    ("media", &["files", "wait"]),
    ("publish", &["files"]),
    ("upkeep", &["events", "files", "store"]),
    ("conductor", &["clock", "events", "files", "metrics", "store", "trace", "upkeep"]),
    ("forecast", &["conductor", "store"]),
    ("web", &["clock", "conductor", "events", "files", "forecast", "metrics", "pass", "store", "trace"]),
    (
        "app",
        &[
            "definitions",
            "clock",
            "conductor",
            "config",
            "engines",
            "events",
            "files",
            "gpu",
            "media",
            "metrics",
            "publish",
            "store",
            "text_file",
            "upkeep",
            "web",
        ],
    ),
    (
        "cli",
        &[
            "app",
            "definitions",
            "clock",
            "conductor",
            "config",
            "engines",
            "events",
            "files",
            "forecast",
            "gpu",
            "media",
            "pass",
            "publish",
            "store",
            "text_file",
            "upkeep",
        ],
    ),
    ("lib", &[]),
    ("main", &["cli", "media"]),
];

/// Crates and globals that belong to some files only, by the beginning of their path under `daemon/src`.
const ONLY_IN: [(&str, &[&str]); 24] = [
    ("sqlx", &["store/"]),
    ("gstreamer", &[]),
    ("gstreamer_app", &[]),
    ("gstreamer_audio", &[]),
    ("gstreamer_video", &[]),
    ("axum", &["web/"]),
    // What is wanted of an episode is one type: as options, in a request and in its query.
    ("clap", &["cli/", "conductor/options.rs"]),
    ("indicatif", &["cli/"]),
    ("reqwest", &["app.rs", "app/", "cli/", "engines/"]),
    ("tokio_tungstenite", &["engines/comfy/"]),
    ("backon", &["engines/comfy/"]),
    ("notify", &["definitions.rs", "app.rs", "app/datasets/inbox.rs"]),
    ("nvml_wrapper", &["gpu/"]),
    ("resvg", &["app/"]),
    ("studio_draft", &["app/", "engines/"]),
    ("sd_notify", &["app.rs"]),
    ("argon2", &["web/"]),
    ("governor", &["web/"]),
    ("jsonwebtoken", &["web/", "pass.rs"]),
    ("rust_embed", &["web/"]),
    ("scalar_api_reference", &["web/"]),
    // Time and identities are arguments everywhere else.
    ("now_v7", &["clock.rs"]),
    ("Timestamp::now", &["clock.rs"]),
    ("SystemTime", &[]),
];

/// What a rule of the studio never touches.
const NEVER_IN_CORE: [&str; 14] = [
    "tokio",
    "sqlx",
    "reqwest",
    "axum",
    "tracing",
    "studiod",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::time",
    "Timestamp::now",
    "now_v7",
];

/// Lines of the longest file there may be.
const LONGEST: usize = 600;

/// Arrows that may leave a room for others in its folder.
const MOST_ARROWS: usize = 10;

/// Rooms that are tied to more, to how many, and why.
const MORE_ARROWS: [(&str, usize, &str); 8] = [
    ("app", 15, "the wiring knows everything; the table above says what"),
    ("cli", 15, "commands are wired by hand, too"),
    (
        "dataset",
        15,
        "a dataset asks for pictures, takes in what is said of them and learns from it: orders, reviews, takes, views",
    ),
    ("join", 12, "a join reads, blends, copies and writes, and those are all the parts there are"),
    ("order", 16, "an order names everything that decides a result, so it is made of every noun"),
    (
        "portrait",
        15,
        "a portrait is an order for a picture of a noun by a cast, decided of as pictures of datasets are",
    ),
    ("training", 14, "a run is a snapshot of a dataset, an order for a trainer, and pictures that a judge compares"),
    ("production", 22, "a script as jobs touches every noun, and nothing but projects and simulations stands above it"),
];

/// The modules of the crate a file at `file` (under `src`) names, itself left out.
fn modules(tree: &Tree, file: &str) -> BTreeSet<String> {
    let of_file = tree.modules.iter().filter(|(_, module)| module.file == file);
    let named = of_file.flat_map(|(home, module)| module.named().filter_map(|path| tree.absolute(home, path)));
    let home = home_of(file);
    named.filter_map(|path| path.first().cloned()).filter(|module| *module != home).collect()
}

/// The first word of a file's path: its module.
fn home_of(file: &str) -> String {
    file.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned()
}

/// What a file of the daemon does that it must not.
fn faults_of_daemon(tree: &Tree, file: &str) -> Vec<String> {
    let home = home_of(file);
    let Some((_, allowed)) = MAY_USE.iter().find(|(module, _)| *module == home) else {
        return vec![format!("{file}: the module {home} is not in the table of this test: say what it may use")];
    };
    let used = modules(tree, file);
    let mut faults: Vec<String> = used
        .iter()
        .filter(|module| !allowed.contains(&module.as_str()))
        .map(|module| format!("{file}: {home} must not use {module}"))
        .collect();
    let paths: Vec<&Words> = tree.named_in(file).collect();
    for (name, places) in ONLY_IN {
        if names(&paths, name) && !places.iter().any(|place| file.starts_with(place)) {
            faults.push(format!("{file}: {name} belongs into {places:?} only"));
        }
    }
    faults
}

/// What a file of the core does that it must not.
fn faults_of_core(tree: &Tree, file: &str) -> Vec<String> {
    let paths: Vec<&Words> = tree.named_in(file).collect();
    let named = NEVER_IN_CORE.iter().filter(|name| names(&paths, name));
    named.map(|name| format!("{file}: the core must not touch {name}")).collect()
}

/// Whether one of the paths has these words, one after the other. A crate counts at the beginning of a path only.
fn names(paths: &[&Words], name: &str) -> bool {
    let words: Vec<&str> = name.split("::").collect();
    let anywhere = words.len() > 1 || ["now_v7", "SystemTime"].contains(&name);
    let reach = |path: &Words| if anywhere { path.len() } else { 1 };
    paths.iter().any(|path| path[..reach(path)].windows(words.len()).any(|window| window == words))
}

/// Each folder of a crate with its rooms.
fn houses(tree: &Tree) -> Vec<(String, Rooms)> {
    let arrows = tree.arrows();
    let all = folders(tree.files.keys().map(String::as_str)).into_iter();
    all.map(|folder| (folder.join("/"), rooms(&arrows, &folder))).collect()
}

/// Rooms that lead back to themselves.
fn faults_of_circles(tree: &Tree) -> Vec<String> {
    let of = |(folder, rooms): (String, Rooms)| {
        let arrows = |circle: &Vec<String>| {
            let named = |room: &String| {
                let others: Vec<&String> = rooms[room].iter().filter(|other| circle.contains(other)).collect();
                format!("{room} -> {others:?}")
            };
            circle.iter().map(named).collect::<Vec<_>>().join(", ")
        };
        circles(&rooms).iter().map(|circle| format!("a circle in {folder:?}: {}", arrows(circle))).collect::<Vec<_>>()
    };
    houses(tree).into_iter().flat_map(of).collect()
}

/// Rooms with more arrows than there may be.
fn faults_of_arrows(tree: &Tree, more: &[(&str, usize, &str)]) -> Vec<String> {
    let mut faults = Vec::new();
    for (folder, rooms) in houses(tree) {
        for (room, named) in rooms {
            let place = if folder.is_empty() { room.clone() } else { format!("{folder}/{room}") };
            let listed = more.iter().find(|(listed, ..)| *listed == place).map(|(_, most, _)| *most);
            if named.len() > listed.unwrap_or(MOST_ARROWS) {
                faults.push(format!("{place} takes from {} rooms beside it: {named:?}", named.len()));
            } else if listed.is_some_and(|listed| named.len() < listed) {
                faults.push(format!("{place} takes from {} rooms only: say so in the list", named.len()));
            }
        }
    }
    faults
}

/// The sources in a folder; fewer files than `least` mean that they were looked for in the wrong place.
fn sources(folder: &str, least: usize) -> Tree {
    let tree = Tree::read(files(folder));
    assert!(tree.files.len() > least, "only {} files were found in {folder}", tree.files.len());
    tree
}

fn daemon() -> Tree {
    sources("src", 50)
}

/// The media process: a crate of its own, which cannot name the daemon.
fn media() -> Tree {
    sources("media/src", 20)
}

/// The draft engines, which cannot either.
fn draft() -> Tree {
    sources("draft/src", 20)
}

/// Pictures from outside, which know no daemon either.
fn pictures() -> Tree {
    sources("pictures/src", 5)
}

fn core() -> Tree {
    sources("core/src", 30)
}

#[test]
fn no_module_uses_what_is_not_its_own_to_use() {
    let tree = daemon();
    let faults: Vec<String> = tree.files.keys().flat_map(|file| faults_of_daemon(&tree, file)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_core_touches_nothing() {
    let tree = core();
    let faults: Vec<String> = tree.files.keys().flat_map(|file| faults_of_core(&tree, file)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn nothing_leads_back_to_itself() {
    let faults: Vec<String> =
        [daemon(), core(), draft(), media(), pictures()].iter().flat_map(faults_of_circles).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_room_is_tied_to_everything_beside_it() {
    let faults: Vec<String> = [daemon(), core(), draft(), media(), pictures()]
        .iter()
        .flat_map(|tree| faults_of_arrows(tree, &MORE_ARROWS))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn nothing_on_the_conductors_loop_waits_for_a_disk() {
    let tree = daemon();
    let of_loop = tree.files.iter().filter(|(file, _)| file.starts_with("conductor"));
    let of_loop: BTreeMap<&str, &str> = of_loop.map(|(file, text)| (file.as_str(), text.as_str())).collect();
    assert!(of_loop.len() > 10, "only {} files were found", of_loop.len());
    let faults = blocking::faults(of_loop.into_iter());
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_file_is_too_long() {
    for folder in [
        "src",
        "tests",
        "core/src",
        "core/tests",
        "draft/src",
        "draft/tests",
        "engine/src",
        "media/src",
        "pictures/src",
        "pictures/tests",
    ] {
        for (file, source) in files(folder) {
            let lines = source.lines().count();
            assert!(lines <= LONGEST, "{folder}/{file} has {lines} lines, {LONGEST} is the end: split it by noun");
        }
    }
}
