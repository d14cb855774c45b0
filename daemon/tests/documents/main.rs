//! Documents are promises: every path, symbol, link, command and setting they name is there.
//!
//! A failure says file and line of the document, and what it names. Mend the document, or give back what it promises.

#![expect(clippy::case_sensitive_file_extension_comparisons, reason = "files of the repository, named as they are")]

mod commands;
mod comments;
mod links;
mod names;
mod settings;

use std::{fs, path::PathBuf};

use walkdir::WalkDir;

/// A file of the repository's documents, taken apart.
struct Document {
    /// From the root of the repository, e.g. `docs/config.md`.
    name: String,
    lines: Vec<Line>,
}

struct Line {
    /// Counted from 1.
    number: usize,
    text: String,
    kind: Kind,
}

#[derive(Clone, PartialEq)]
enum Kind {
    Prose,
    /// Inside a fence; its language, empty when it says none.
    Code(String),
    Fence,
}

/// A text between backticks, and where it stands.
struct Span {
    place: String,
    text: String,
}

impl Document {
    fn read(name: &str) -> Self {
        let text = fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (mut lines, mut code) = (Vec::new(), None);
        for (at, text) in text.lines().enumerate() {
            let kind = match (text.trim_start().strip_prefix("```"), &code) {
                (Some(_), Some(_)) => {
                    code = None;
                    Kind::Fence
                }
                (Some(language), None) => {
                    code = Some(language.trim().to_owned());
                    Kind::Fence
                }
                (None, Some(language)) => Kind::Code(language.clone()),
                (None, None) => Kind::Prose,
            };
            lines.push(Line { number: at + 1, text: text.to_owned(), kind });
        }
        Self { name: name.to_owned(), lines }
    }

    fn place(&self, line: &Line) -> String {
        format!("{}:{}", self.name, line.number)
    }

    fn prose(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.kind == Kind::Prose)
    }

    fn code(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| matches!(line.kind, Kind::Code(_)))
    }

    /// What stands between single backticks, a line at a time.
    fn spans(&self) -> Vec<Span> {
        let spans = |line: &Line| {
            let place = self.place(line);
            let texts = line.text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
            texts.into_iter().map(move |text| Span { place: place.clone(), text })
        };
        self.prose().flat_map(spans).collect()
    }

    /// Whole blocks of code in a language, each with the place of its first line.
    fn blocks(&self, language: &str) -> Vec<Span> {
        let mut blocks: Vec<Span> = Vec::new();
        let mut inside = false;
        for line in &self.lines {
            let within = line.kind == Kind::Code(language.to_owned());
            match blocks.last_mut() {
                Some(block) if within && inside => block.text.extend([line.text.as_str(), "\n"]),
                _ if within => blocks.push(Span { place: self.place(line), text: format!("{}\n", line.text) }),
                _ => {}
            }
            inside = within;
        }
        blocks
    }
}

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Every document of the repository, by its name.
fn documents() -> Vec<Document> {
    let is_document = |path: &str| {
        path.ends_with(".md") && (!path.contains('/') || path.starts_with("docs/") || path.starts_with(".github/"))
    };
    let all: Vec<Document> = tree().iter().filter(|path| is_document(path)).map(|path| Document::read(path)).collect();
    assert!(all.len() > 15, "only {} documents found", all.len());
    all
}

/// Every file and folder of the repository, from its root, without what is built or fetched.
fn tree() -> Vec<String> {
    let root = root();
    let kept = |entry: &walkdir::DirEntry| {
        !matches!(entry.file_name().to_str(), Some("target" | "node_modules" | ".git" | ".studiod" | "library"))
    };
    let walk = WalkDir::new(&root).min_depth(1).into_iter().filter_entry(kept);
    let mut all: Vec<String> =
        walk.map(|entry| entry.unwrap().path().strip_prefix(&root).unwrap().to_str().unwrap().to_owned()).collect();
    all.sort();
    all
}

/// Fails with everything that is wrong, one line each.
fn nothing(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} promises are not kept:\n{}", wrong.len(), wrong.join("\n"));
}
