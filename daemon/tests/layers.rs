//! Who may import whom: the table of `ARCHITECTURE.md`, read out of the source itself.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Each module of the daemon and the other modules it may name. A new module must be put in here first.
const MAY_USE: [(&str, &[&str]); 22] = [
    ("clock", &[]),
    ("metrics", &[]),
    ("trace", &[]),
    ("wait", &[]),
    ("books", &[]),
    ("edge", &[]),
    ("events", &["edge"]),
    ("gpu", &["edge"]),
    ("config", &[]),
    ("files", &["edge"]),
    ("store", &[]),
    ("engines", &["books", "edge", "files", "wait"]),
    ("media", &["edge", "files", "wait"]),
    ("publish", &["edge", "files"]),
    ("upkeep", &["edge", "events", "files", "store"]),
    ("conductor", &["clock", "edge", "events", "files", "metrics", "store", "trace", "upkeep"]),
    ("forecast", &["conductor", "store"]),
    ("web", &["clock", "conductor", "edge", "events", "files", "forecast", "metrics", "store", "trace"]),
    (
        "app",
        &[
            "books",
            "clock",
            "conductor",
            "config",
            "edge",
            "engines",
            "events",
            "files",
            "gpu",
            "media",
            "metrics",
            "publish",
            "store",
            "upkeep",
            "web",
        ],
    ),
    (
        "cli",
        &[
            "app",
            "books",
            "clock",
            "conductor",
            "config",
            "edge",
            "engines",
            "events",
            "files",
            "forecast",
            "gpu",
            "media",
            "publish",
            "store",
            "upkeep",
        ],
    ),
    ("lib", &[]),
    ("main", &["cli", "media"]),
];

/// Crates and globals that belong to some files only, by the beginning of their path under `daemon/src`.
const ONLY_IN: [(&str, &[&str]); 25] = [
    ("sqlx", &["store/"]),
    ("gstreamer", &["media/worker/"]),
    ("gstreamer_app", &["media/worker/"]),
    ("gstreamer_audio", &["media/worker/"]),
    ("gstreamer_video", &["media/worker/"]),
    ("axum", &["web/"]),
    // What is wanted of an episode is one type: as options, in a request and in its query.
    ("clap", &["cli/", "conductor/options.rs"]),
    ("indicatif", &["cli/"]),
    ("anyhow", &["cli/", "main.rs"]),
    ("reqwest", &["app.rs", "app/", "cli/", "engines/"]),
    ("tokio_tungstenite", &["engines/comfy/"]),
    ("backon", &["engines/comfy/"]),
    ("notify", &["books.rs", "app.rs"]),
    ("nvml_wrapper", &["gpu/"]),
    ("resvg", &["app/", "engines/"]),
    ("sd_notify", &["app.rs"]),
    ("fundsp", &["engines/"]),
    ("argon2", &["web/"]),
    ("governor", &["web/"]),
    ("jsonwebtoken", &["web/"]),
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

/// Every path the source names, as its words: `use a::{b, c::d}` names `a::b` and `a::c::d`.
///
/// Comments, texts and the tests at the end of a file are left out.
fn paths(source: &str) -> Vec<Vec<String>> {
    let tokens = tokens(source.split("#[cfg(test)]\nmod ").next().unwrap_or_default());
    let (mut all, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if is_word(&tokens[at]) {
            at = path(&tokens, at, &[], &mut all);
        } else {
            at += 1;
        }
    }
    all
}

fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphanumeric() || first == '_')
}

/// Reads the path that begins at `at` after `before`; where it ends.
fn path(tokens: &[String], mut at: usize, before: &[String], all: &mut Vec<Vec<String>>) -> usize {
    let mut here = before.to_vec();
    let is = |at: usize, token: &str| tokens.get(at).is_some_and(|found| found == token);
    while tokens.get(at).is_some_and(|token| is_word(token)) {
        here.push(tokens[at].clone());
        at += 1;
        if !is(at, "::") {
            break;
        }
        at += 1;
        if is(at, "{") {
            at += 1;
            while at < tokens.len() && !is(at, "}") {
                at = if is_word(&tokens[at]) { path(tokens, at, &here, all) } else { at + 1 };
            }
            return at + 1;
        }
    }
    all.push(here);
    at
}

/// Words, `::` and single signs.
fn tokens(source: &str) -> Vec<String> {
    let text: Vec<char> = source.chars().collect();
    let (mut tokens, mut at) = (Vec::new(), 0);
    let is = |at: usize, sign: char| text.get(at) == Some(&sign);
    while at < text.len() {
        match text[at] {
            '/' if is(at + 1, '/') => at += text[at..].iter().take_while(|sign| **sign != '\n').count(),
            '"' => at = text_end(&text, at),
            'r' if is(at + 1, '#') && is(at + 2, '"') => {
                let end = text[at + 3..].windows(2).position(|pair| pair == ['"', '#']).expect("a raw text ends");
                at += end + 5;
            }
            // A character, not a lifetime.
            '\'' if is(at + 1, '\\') => at += 3 + text[at + 3..].iter().take_while(|sign| **sign != '\'').count() + 1,
            '\'' if is(at + 2, '\'') => at += 3,
            ':' if is(at + 1, ':') => {
                tokens.push("::".to_owned());
                at += 2;
            }
            first if first.is_alphanumeric() || first == '_' => {
                let word: String =
                    text[at..].iter().take_while(|sign| sign.is_alphanumeric() || **sign == '_').collect();
                at += word.chars().count();
                tokens.push(word);
            }
            sign => {
                if !sign.is_whitespace() {
                    tokens.push(sign.to_string());
                }
                at += 1;
            }
        }
    }
    tokens
}

/// Where the text that begins at `at` has ended.
fn text_end(text: &[char], at: usize) -> usize {
    let mut at = at + 1;
    while at < text.len() && text[at] != '"' {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The modules of the crate a file at `file` (under `src`) names, itself left out.
fn modules(file: &str, paths: &[Vec<String>]) -> BTreeSet<String> {
    let home: Vec<&str> = file.trim_end_matches(".rs").trim_end_matches("/mod").split('/').collect();
    let named = |path: &Vec<String>| {
        let up = path.iter().take_while(|word| *word == "super").count();
        match path[0].as_str() {
            "crate" | "studiod" => path.get(1).cloned(),
            // Up to the root of the crate: what follows is a module.
            "super" if up == home.len() => path.get(up).cloned(),
            _ => None,
        }
    };
    let mut named: BTreeSet<String> = paths.iter().filter_map(named).collect();
    named.remove(home[0]);
    named
}

/// What a file of the daemon does that it must not.
fn faults_of_daemon(file: &str, source: &str) -> Vec<String> {
    let paths = paths(source);
    let home = file.split('/').next().unwrap_or_default().trim_end_matches(".rs");
    let Some((_, allowed)) = MAY_USE.iter().find(|(module, _)| *module == home) else {
        return vec![format!("{file}: the module {home} is not in the table of this test: say what it may use")];
    };
    let used = modules(file, &paths);
    let mut faults: Vec<String> = used
        .iter()
        .filter(|module| !allowed.contains(&module.as_str()))
        .map(|module| format!("{file}: {home} must not use {module}"))
        .collect();
    for (name, places) in ONLY_IN {
        if names(&paths, name) && !places.iter().any(|place| file.starts_with(place)) {
            faults.push(format!("{file}: {name} belongs into {places:?} only"));
        }
    }
    faults
}

/// What a file of the core does that it must not.
fn faults_of_core(file: &str, source: &str) -> Vec<String> {
    let paths = paths(source);
    NEVER_IN_CORE
        .iter()
        .filter(|name| names(&paths, name))
        .map(|name| format!("{file}: the core must not touch {name}"))
        .collect()
}

/// Whether one of the paths has these words, one after the other. A crate counts at the beginning of a path only.
fn names(paths: &[Vec<String>], name: &str) -> bool {
    let words: Vec<&str> = name.split("::").collect();
    let anywhere = words.len() > 1 || ["now_v7", "SystemTime"].contains(&name);
    let reach = |path: &Vec<String>| if anywhere { path.len() } else { 1 };
    paths.iter().any(|path| path[..reach(path)].windows(words.len()).any(|window| window == words))
}

/// Every Rust file under `folder`, as its path there and its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("the source can be read") {
            let path = entry.expect("the source can be read").path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                files.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    let named = |path: PathBuf| {
        let name = path.strip_prefix(&root).expect("it is inside").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("the source can be read"))
    };
    files.into_iter().map(named).collect()
}

#[test]
fn no_module_uses_what_is_not_its_own_to_use() {
    let daemon = sources("src");
    assert!(daemon.len() > 50, "only {} files were found", daemon.len());
    let faults: Vec<String> = daemon.iter().flat_map(|(file, source)| faults_of_daemon(file, source)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_core_touches_nothing() {
    let core = sources("core/src");
    assert!(core.len() > 30, "only {} files were found", core.len());
    let faults: Vec<String> = core.iter().flat_map(|(file, source)| faults_of_core(file, source)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_file_is_too_long() {
    for folder in ["src", "tests", "core/src", "core/tests"] {
        for (file, source) in sources(folder) {
            let lines = source.lines().count();
            assert!(lines <= LONGEST, "{folder}/{file} has {lines} lines, {LONGEST} is the end: split it by noun");
        }
    }
}

/// The table is only as good as its reading of the source.
#[test]
fn a_forbidden_line_is_found_however_it_is_written() {
    let found = |file: &str, line: &str| !faults_of_daemon(file, &format!("use std::fmt;\n{line}\n")).is_empty();
    for (file, line) in [
        ("store/tasks.rs", "use crate::engines::draft;"),
        ("store/tasks.rs", "use crate::{\n    files,\n    store::Db,\n};"),
        ("store/mod.rs", "use super::web;"),
        ("store/tasks.rs", "fn f() { super::super::conductor::start(); }"),
        ("engines/draft/clips.rs", "use crate::{edge::{Engine, Room}, media::child::ChildProcess};"),
        ("media/engine.rs", "fn f(db: &crate::store::Db) {}"),
        ("publish/engine.rs", "pub use crate::engines;"),
        ("web/tasks.rs", "use crate::engines::draft::stills::Stills;"),
        ("conductor/run.rs", "use crate::web::State;"),
        ("conductor/run.rs", "use crate::app::App;"),
        ("files.rs", "use crate::store;"),
        ("conductor/run.rs", "use sqlx::SqlitePool;"),
        ("media/child.rs", "use gstreamer as gst;"),
        ("app.rs", "fn f() -> axum::Router { todo!() }"),
        ("conductor/run.rs", "fn f() { let id = uuid::Uuid::now_v7(); }"),
        ("conductor/run.rs", "fn f() { let now = jiff::Timestamp::now(); }"),
        ("conductor/run.rs", "use std::time::{Duration, SystemTime};"),
        ("novelty/mod.rs", ""),
    ] {
        assert!(found(file, line), "{file}: {line}");
    }
    for (file, line) in [
        ("store/tasks.rs", "use super::{Db, rows::JsonText};"),
        ("store/tasks.rs", "// crate::engines is not for us"),
        ("store/tasks.rs", "const WHY: &str = \"see \\\"crate::engines::draft\";"),
        ("store/tasks.rs", "const WHY: &str = r#\"crate::engines \" crate::web\"#;"),
        ("store/tasks.rs", "#[cfg(test)]\nmod tests { use crate::engines; }"),
        ("store/tasks.rs", "pub(crate) fn f(sign: char) -> bool { sign == '\"' || sign == '\\'' }"),
        ("engines/draft/stills/hair.rs", "use super::super::{judge, stills};"),
        ("web/tasks.rs", "use crate::{conductor::Handle, store};"),
    ] {
        assert!(!found(file, line), "{file}: {line}: {:?}", faults_of_daemon(file, line));
    }
    let in_core = |line: &str| !faults_of_core("gates.rs", line).is_empty();
    for line in
        ["use std::{fs, io};", "use std::time::Instant;", "fn f() { tokio::spawn(g()); }", "use std::net::IpAddr;"]
    {
        assert!(in_core(line), "{line}");
    }
    assert!(!in_core("/// Never std::fs.\nuse std::{fmt, io::Read, path::PathBuf};"));
}
