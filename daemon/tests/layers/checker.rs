//! The tables are only as good as their reading of the source: what is forbidden is found however it is written.

use std::collections::BTreeMap;

use super::{blocking, faults_of_arrows, faults_of_circles, faults_of_core, faults_of_daemon, source::Tree};

fn tree<const N: usize>(files: [(&str, &str); N]) -> Tree {
    Tree::read(files.map(|(file, text)| (file.to_owned(), text.to_owned())).into())
}

/// The file itself and enough around it that its paths lead somewhere.
fn faults(file: &str, line: &str) -> Vec<String> {
    let mut files: BTreeMap<String, String> = ["app.rs", "cli/mod.rs", "conductor/mod.rs", "engines/mod.rs"]
        .into_iter()
        .chain(["files.rs", "media/mod.rs", "store/mod.rs", "web/mod.rs"])
        .map(|file| (file.to_owned(), String::new()))
        .collect();
    files.insert(file.to_owned(), format!("use std::fmt;\n{line}\n"));
    faults_of_daemon(&Tree::read(files), file)
}

#[test]
fn a_forbidden_line_is_found_however_it_is_written() {
    for (file, line) in [
        ("store/tasks.rs", "use crate::engines::comfy;"),
        ("store/tasks.rs", "use crate::{\n    files,\n    store::Db,\n};"),
        ("store/mod.rs", "use super::web;"),
        ("store/tasks.rs", "fn f() { super::super::conductor::start(); }"),
        ("store/tasks.rs", "mod inner { fn f() { super::super::super::conductor::start(); } }"),
        ("store/tasks.rs", "fn f() { println!(\"{}\", crate::web::word()); }"),
        ("store/tasks.rs", "fn f() { let all = vec![[crate::web::word()]]; }"),
        ("store/tasks.rs", "use crate::web as page;"),
        ("store/tasks.rs", "#[test]\nfn f() {}\nimpl From<crate::web::Problem> for u8 {}"),
        ("engines/comfy/make.rs", "use crate::{files::DataDir, media::child::ChildProcess};"),
        ("media/engine.rs", "fn f(db: &crate::store::Db) {}"),
        ("publish/engine.rs", "pub use crate::engines;"),
        ("web/tasks.rs", "use crate::engines::comfy::Comfy;"),
        ("web/tasks.rs", "use studio_draft::stills::Stills;"),
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
        assert!(!faults(file, line).is_empty(), "{file}: {line}");
    }
}

#[test]
fn what_is_allowed_is_not_found() {
    for (file, line) in [
        ("store/tasks.rs", "use super::{Db, rows::JsonText};"),
        ("store/tasks.rs", "// crate::engines is not for us"),
        ("store/tasks.rs", "const WHY: &str = \"see \\\"crate::engines::comfy\";"),
        ("store/tasks.rs", "const WHY: &str = r#\"crate::engines \" crate::web\"#;"),
        ("store/tasks.rs", "#[cfg(test)]\nmod tests { use crate::engines; }"),
        ("store/tasks.rs", "pub(crate) fn f(sign: char) -> bool { sign == '\"' || sign == '\\'' }"),
        ("engines/draft/stills/hair.rs", "use super::super::{judge, stills};"),
        ("web/tasks.rs", "use crate::{conductor::Handle, store};"),
        ("web/tasks.rs", "mod inner { use super::super::problem::Problem; }"),
    ] {
        assert!(faults(file, line).is_empty(), "{file}: {line}: {:?}", faults(file, line));
    }
}

#[test]
fn the_core_is_read_in_the_same_way() {
    let in_core = |line: &str| !faults_of_core(&tree([("gates.rs", line)]), "gates.rs").is_empty();
    for line in
        ["use std::{fs, io};", "use std::time::Instant;", "fn f() { tokio::spawn(g()); }", "use std::net::IpAddr;"]
    {
        assert!(in_core(line), "{line}");
    }
    assert!(!in_core("/// Never std::fs.\nuse std::{fmt, io::Read, path::PathBuf};"));
}

#[test]
fn a_circle_is_found_and_what_only_passes_on_makes_none() {
    let straight = [
        ("lib.rs", "pub mod take; pub mod review; pub mod asset;"),
        ("asset.rs", "pub struct AssetRef;"),
        ("take.rs", "pub use crate::asset::AssetRef; pub struct Take(crate::review::Mark);"),
        ("review/mod.rs", "mod mark; mod score; pub use mark::Mark; pub struct Review(Mark);"),
        ("review/mark.rs", "use super::super::asset::AssetRef; pub struct Mark(AssetRef);"),
        (
            "review/score.rs",
            "use super::{Mark, Review}; use crate::take::AssetRef; fn f(_: Mark, _: Review, _: AssetRef) {}",
        ),
    ];
    assert_eq!(faults_of_circles(&tree(straight)), Vec::<String>::new(), "score takes from asset, not from take");
    let mut round = straight;
    round[5].1 = "use crate::take::Take; fn f(_: Take) {}";
    let found = faults_of_circles(&tree(round));
    assert_eq!(found, [r#"a circle in "": review -> ["take"], take -> ["review"]"#]);
    let mut inside = straight;
    inside[4].1 = "pub struct Mark; fn f() { super::score::f() }";
    inside[5].1 = "use super::*; pub fn f(_: Mark) {}";
    let found = faults_of_circles(&tree(inside));
    assert_eq!(found, [r#"a circle in "review": mark -> ["score"], score -> ["mark"]"#]);
}

#[test]
fn a_room_with_too_many_arrows_is_found_and_a_listed_one_is_not() {
    let names: Vec<String> = (0..11).map(|at| format!("room{at}")).collect();
    let mut files: BTreeMap<String, String> =
        names.iter().map(|name| (format!("{name}.rs"), "pub fn f() {}".into())).collect();
    let calls = |names: &[String]| {
        let lines: Vec<String> = names.iter().map(|name| format!("fn g_{name}() {{ crate::{name}::f() }}")).collect();
        lines.join("\n")
    };
    files.insert("hall.rs".into(), calls(&names));
    let whole = Tree::read(files.clone());
    assert_eq!(faults_of_arrows(&whole, &[]).len(), 1);
    assert_eq!(faults_of_arrows(&whole, &[("hall", 11, "it is the hall")]), Vec::<String>::new());
    files.insert("hall.rs".into(), calls(&names[..10]));
    let fewer = Tree::read(files);
    assert_eq!(faults_of_arrows(&fewer, &[]), Vec::<String>::new());
    assert_eq!(
        faults_of_arrows(&fewer, &[("hall", 11, "it was the hall")]).len(),
        1,
        "a list does not outlive its reason"
    );
}

#[test]
fn what_waits_for_a_disk_is_found_however_it_is_reached() {
    let found = |text: &str| blocking::faults([("conductor/run.rs", text)].into_iter());
    for text in [
        "async fn f() { std::fs::remove_file(path).ok(); }",
        "use std::fs; async fn f() { fs::read(path); }",
        "use std::fs::File; async fn f() { let file = File::open(path); }",
        "use crate::files; async fn f() { files::hash_file(&path); }",
        "use crate::files; async fn f() { files::what_comes_next(&path); }",
        "use crate::files::DataDir; async fn f() { DataDir::open(&path); }",
        "use crate::{files::hash_file, store}; async fn f() { hash_file(&path); }",
        "fn g() { std::fs::read(path); } async fn f() { g() }",
        "fn h() { std::fs::read(path); } fn g() { h() } impl Studio { async fn f(&self) { g() } }",
        "impl Studio { fn is_whole(&self) { std::fs::read(path); } async fn f(&self) { self.is_whole() } }",
        "fn f() { tokio::spawn(async move { std::fs::read(path); }); }",
        "async fn f() { paths.iter().map(std::fs::read).count(); }",
        "async fn f() { made.unwrap_or_else(|_| std::fs::remove_dir_all(dir)); }",
        "async fn f() { path.canonicalize(); }",
    ] {
        assert_eq!(found(text).len(), 1, "{text}: {:?}", found(text));
    }
    for text in [
        "async fn f() { tokio::task::spawn_blocking(move || std::fs::remove_file(path)).await; }",
        "fn g() { std::fs::read(path); } async fn f() { spawn_blocking(move || g()).await; }",
        "fn g() { std::fs::read(path); } async fn f() { spawn_blocking(g).await; }",
        "async fn f() { tokio::fs::read(path).await; }",
        "fn g() { std::fs::read(path); }",
        "#[cfg(test)] mod tests { async fn f() { std::fs::read(path); } }",
        "/// std::fs::read\nasync fn f() { \"std::fs::read\".len(); }",
    ] {
        assert_eq!(found(text), Vec::<String>::new(), "{text}");
    }
}
