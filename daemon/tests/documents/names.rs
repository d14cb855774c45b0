//! Paths and symbols: what documents name in backticks is in the repository.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use syn::visit::{self, Visit};

use super::{Document, Kind, Line, Span, documents, nothing, root, tree};

/// Paths that are not of the repository: the data directory's, and those of built or fetched things.
const ELSEWHERE: [&str; 8] =
    ["work/", "assets/", "thumbs/", "library/", "workflows/", "target/", "target/shots", "ui/node_modules"];

/// Words in recipes that are Rust's, Debian's or SQL's, not names of ours.
const NOT_OURS: [&str; 5] = ["TryFrom", "deny_unknown_fields", "JsonSchema", "None", "Err"];

/// `NOUN.rs`, `NNNN_what.sql`: a place where somebody puts a name.
fn is_placeholder(path: &str) -> bool {
    let capitals = |word: &str| word.len() > 2 && word.chars().all(|sign| sign.is_ascii_uppercase());
    path.split(['/', '.', '_', '-']).any(capitals)
        && !path.contains("README")
        && !path.contains("LICENSE")
        && !["ARCHITECTURE", "CONTRIBUTING", "CHANGELOG", "SECURITY"].iter().any(|name| path.contains(name))
        || path.contains('*')
}

/// Whether `path` names something of `tree`: its words in this order, the last one at the end. `cli/fleet.rs` is
/// `daemon/src/cli/fleet.rs`, and `engines/judge` is `daemon/src/engines/judge.rs`. One that begins at the root is whole.
fn is_there(tree: &BTreeMap<String, Vec<String>>, path: &str) -> bool {
    let words: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let (last, before) = words.split_last().unwrap();
    let ends = [(*last).to_owned(), format!("{last}.rs")];
    ends.iter().filter_map(|end| tree.get(end)).flatten().any(|found| {
        let mut parts = found.split('/');
        if before.first().is_some_and(|first| parts.clone().next() == Some(first)) {
            let whole = path.trim_end_matches('/');
            return *found == whole || found.strip_suffix(".rs") == Some(whole);
        }
        before.iter().all(|word| parts.any(|part| part == *word))
    })
}

/// Everything in the repository by the last word of its path.
fn by_name() -> BTreeMap<String, Vec<String>> {
    let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in tree() {
        named.entry(path.rsplit('/').next().unwrap().to_owned()).or_default().push(path);
    }
    named
}

/// The path a text in backticks is, if it is one: `daemon/src/app.rs`, `scripts/test`, `mod.rs`, `fountain/`.
fn path_in(text: &str, top: &BTreeSet<String>) -> Option<String> {
    let word = text.split(' ').next()?;
    let word = word.trim_start_matches("./").split("::").next()?;
    let written = |word: &str| {
        !word.is_empty() && word.chars().all(|sign| sign.is_ascii_alphanumeric() || "/._-*".contains(sign))
    };
    if !written(word) || word.starts_with(['/', '.']) && !word.starts_with(".github") && !word.starts_with(".ci") {
        return None;
    }
    let first = word.split('/').next()?;
    let source = [".rs", ".sh", ".md", ".toml", ".sql", ".fountain", ".yml", ".service"];
    let is_path = word == "Makefile"
        || (word.contains('/') && top.contains(first))
        || (word.ends_with(".rs") && word.len() > 3)
        || (word.contains('/') && source.iter().any(|end| word.ends_with(end)));
    is_path.then(|| word.to_owned())
}

#[test]
fn every_path_is_there() {
    let named = by_name();
    let top: BTreeSet<String> = tree().into_iter().filter(|path| !path.contains('/')).collect();
    let (mut wrong, mut paths) = (Vec::new(), 0);
    for document in documents().iter().filter(|document| document.name != "CHANGELOG.md") {
        for span in document.spans() {
            let Some(path) = path_in(&span.text, &top) else { continue };
            if is_placeholder(&path) || ELSEWHERE.iter().any(|own| path.starts_with(own)) {
                continue;
            }
            paths += 1;
            if !is_there(&named, &path) {
                wrong.push(format!("{}: {path} is not there", span.place));
            }
        }
    }
    assert!(paths > 80, "only {paths} paths found");
    nothing(&wrong);
}

#[test]
fn a_path_is_known_by_its_words_in_their_order() {
    let named = by_name();
    for there in ["cli/fleet.rs", "core/ladder.rs", "daemon/src/engines/comfy", "engines/judge", "scripts/test"] {
        assert!(is_there(&named, there), "{there}");
    }
    for gone in ["web/fleet/cli.rs", "cli/nothing.rs", "src/daemon/app.rs"] {
        assert!(!is_there(&named, gone), "{gone}");
    }
}

/// Names a source file defines: functions, types, variants, fields, constants, macros, modules.
#[derive(Default)]
struct Defined(BTreeSet<String>);

impl<'ast> Visit<'ast> for Defined {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.0.insert(item.sig.ident.to_string());
        visit::visit_item_fn(self, item);
    }
    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.0.insert(item.sig.ident.to_string());
        visit::visit_impl_item_fn(self, item);
    }
    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.0.insert(item.sig.ident.to_string());
    }
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.0.insert(item.ident.to_string());
        visit::visit_item_struct(self, item);
    }
    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.0.insert(item.ident.to_string());
        visit::visit_item_enum(self, item);
    }
    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.0.insert(item.ident.to_string());
        visit::visit_item_trait(self, item);
    }
    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.0.insert(item.ident.to_string());
    }
    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.0.insert(item.ident.to_string());
    }
    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.0.insert(item.ident.to_string());
    }
    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.0.insert(item.ident.to_string());
    }
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.0.insert(item.ident.to_string());
        visit::visit_item_mod(self, item);
    }
    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        self.0.extend(item.ident.iter().map(ToString::to_string));
    }
    fn visit_variant(&mut self, item: &'ast syn::Variant) {
        self.0.insert(item.ident.to_string());
        visit::visit_variant(self, item);
    }
    fn visit_field(&mut self, item: &'ast syn::Field) {
        self.0.extend(item.ident.iter().map(ToString::to_string));
    }
}

/// The name a line of TypeScript or of a Makefile defines: `export const LANGUAGES = ...`, `RUN_PACKAGES := ...`.
fn name_of_line(line: &str) -> Option<&str> {
    if !line.starts_with("export ") && !line.contains(":=") {
        return None;
    }
    let mut words = line.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_' && sign != '$');
    let keywords = ["export", "default", "async", "const", "let", "function", "type", "interface", "class"];
    words.find(|word| !keywords.contains(word))
}

/// What the source files at these paths define; of a folder all below it.
fn defined<'a>(paths: impl Iterator<Item = &'a String>, sources: &[String]) -> BTreeSet<String> {
    let mut found = Defined::default();
    for path in paths {
        let below = format!("{}/", path.trim_end_matches('/'));
        for source in sources.iter().filter(|source| *source == path || source.starts_with(&below)) {
            let text = fs::read_to_string(root().join(source)).unwrap();
            if source.ends_with(".rs") {
                found.visit_file(&syn::parse_file(&text).unwrap_or_else(|error| panic!("{source}: {error}")));
            } else {
                found.0.extend(text.lines().filter_map(name_of_line).map(str::to_owned));
            }
        }
    }
    found.0
}

/// The name a text in backticks is, if it is one of the program's: `Engine`, `edge_keys`, `Order::inputs`, `on_db!`.
fn symbol_in(text: &str) -> Option<&str> {
    let last = text.split("::").last()?.trim_end_matches('!');
    let last = last.split('(').next()?;
    let written = last.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_')
        && last.chars().next().is_some_and(|sign| sign.is_ascii_alphabetic());
    let placeholder = last.len() < 2 || ["NAME", "NOUN", "TASK"].contains(&last);
    (written && !placeholder && !NOT_OURS.contains(&last)).then_some(last)
}

/// One step of a recipe: its lines as one text, with the recipe it belongs to.
struct Step {
    place: String,
    text: String,
}

/// Recipes by title, each with its steps: items of lists, and paragraphs.
fn recipes(contributing: &Document) -> Vec<(String, Vec<Step>)> {
    let mut all: Vec<(String, Vec<Step>)> = Vec::new();
    let mut recipes = contributing.lines.iter().skip_while(|line| line.text != "## Recipes").skip(1).peekable();
    let mut open = false;
    while let Some(line) = recipes.next_if(|line| !line.text.starts_with("## ")) {
        let Line { text, kind, .. } = line;
        if let Some(title) = text.strip_prefix("### ") {
            all.push((title.to_owned(), Vec::new()));
        }
        let begins =
            text.trim_start().starts_with("- ") || text.split_once(". ").is_some_and(|(n, _)| n.parse::<u32>().is_ok());
        if text.is_empty() || text.starts_with('#') || *kind != Kind::Prose {
            open = false;
        } else if let Some((_, steps)) = all.last_mut() {
            match steps.last_mut() {
                Some(step) if open && !begins => step.text.extend([" ", text.trim()]),
                _ => steps.push(Step { place: contributing.place(line), text: text.clone() }),
            }
            open = true;
        }
    }
    all
}

#[test]
fn every_symbol_of_a_recipe_is_in_the_file_it_names() {
    let named = by_name();
    let sources: Vec<String> = tree()
        .into_iter()
        .filter(|path| {
            path.ends_with(".rs") || path == "Makefile" || path == "docs/config.md" || path.starts_with("ui/src/")
        })
        .collect();
    let top: BTreeSet<String> = tree().into_iter().filter(|path| !path.contains('/')).collect();
    let recipes = recipes(&Document::read("CONTRIBUTING.md"));
    assert!(recipes.len() > 6, "only {} recipes found", recipes.len());
    let (mut wrong, mut symbols) = (Vec::new(), 0);
    for (title, steps) in &recipes {
        for step in steps {
            let spans: Vec<&str> = step.text.split('`').skip(1).step_by(2).collect();
            let in_step: Vec<&String> = spans
                .iter()
                .filter_map(|span| path_in(span, &top))
                .filter(|path| !is_placeholder(path))
                .filter_map(|path| {
                    let last = path.trim_end_matches('/').rsplit('/').next()?.to_owned();
                    Some((path.clone(), named.get(&last)?))
                })
                .flat_map(|(path, found)| {
                    found.iter().filter(move |one| one.ends_with(path.trim_end_matches('/'))).collect::<Vec<_>>()
                })
                .collect();
            let here = defined(in_step.into_iter(), &sources);
            for span in spans.iter().filter(|span| path_in(span, &top).is_none()) {
                let Some(symbol) = symbol_in(span) else { continue };
                symbols += 1;
                if !here.contains(symbol) {
                    wrong.push(format!("{} ({title}): `{span}` is not in a file this step names", step.place));
                }
            }
        }
    }
    assert!(symbols > 25, "only {symbols} symbols found");
    nothing(&wrong);
}

#[test]
fn every_type_and_path_of_the_program_that_is_named_is_defined() {
    let everything = tree();
    let own = |path: &&String| path.ends_with(".rs") && path.starts_with("daemon/");
    let sources: Vec<String> = everything.iter().filter(own).cloned().collect();
    let known = defined(sources.iter(), &sources);
    let modules: BTreeSet<String> =
        sources.iter().map(|path| path.trim_end_matches(".rs").rsplit('/').next().unwrap().to_owned()).collect();
    let foreign = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (mut wrong, mut names) = (Vec::new(), 0);
    for document in [Document::read("ARCHITECTURE.md"), Document::read("CONTRIBUTING.md")] {
        for Span { place, text } in document.spans() {
            let Some((first, _)) = text.split_once("::") else { continue };
            let crate_of_others = foreign.lines().any(|line| line.split(' ').next() == Some(&first.replace('_', "-")));
            let Some(symbol) = symbol_in(&text).filter(|_| !crate_of_others && first != "std") else { continue };
            names += 1;
            if !known.contains(symbol) && !modules.contains(symbol) {
                wrong.push(format!("{place}: `{text}` is not defined in daemon/"));
            }
        }
    }
    assert!(names > 8, "only {names} names found");
    nothing(&wrong);
}
