//! Source: a tree of Rust files as its modules, what each of them names, and which file that is in.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use syn::{
    Attribute, Item, UseTree,
    buffer::{Cursor, TokenBuffer},
    visit::{self, Visit},
};
use walkdir::WalkDir;

/// A path as the source has it, in words: `use a::{b, c::d}` names `a::b` and `a::c::d`.
pub type Words = Vec<String>;

/// What one module says.
#[derive(Debug, Default)]
pub struct Module {
    /// The file it is in, under the root of its crate.
    pub file: String,
    /// Every path it names; tests are left out.
    paths: Vec<Words>,
    /// Names its `use` lines bring in, and what they stand for.
    aliases: BTreeMap<String, Words>,
    /// What its `use a::*` bring in.
    globs: Vec<Words>,
}

/// One crate.
#[derive(Debug, Default)]
pub struct Tree {
    /// By module path: `["conductor", "run"]`; the root is empty.
    pub modules: BTreeMap<Words, Module>,
    /// The text of each file.
    pub files: BTreeMap<String, String>,
}

/// Every Rust file under `folder`, as its path there and its text.
pub fn files(folder: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let rust = |entry: &walkdir::DirEntry| entry.path().extension().is_some_and(|ext| ext == "rs");
    let read = |entry: walkdir::DirEntry| {
        let name = entry.path().strip_prefix(&root).expect("it is inside").to_string_lossy().into_owned();
        (name, fs::read_to_string(entry.path()).expect("the source can be read"))
    };
    WalkDir::new(&root).into_iter().map(|entry| entry.expect("the source can be read")).filter(rust).map(read).collect()
}

/// Whether this is compiled for tests only.
pub fn is_test(attributes: &[Attribute]) -> bool {
    let only_tests = |one: &Attribute| {
        one.path().is_ident("cfg") && one.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    };
    attributes.iter().any(only_tests)
}

/// The attributes of an item.
pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(one) => &one.attrs,
        Item::Enum(one) => &one.attrs,
        Item::Fn(one) => &one.attrs,
        Item::Impl(one) => &one.attrs,
        Item::Mod(one) => &one.attrs,
        Item::Static(one) => &one.attrs,
        Item::Struct(one) => &one.attrs,
        Item::Trait(one) => &one.attrs,
        Item::Use(one) => &one.attrs,
        _ => &[],
    }
}

/// The module path of a file: `conductor/run.rs` and `conductor/run/mod.rs` are `conductor::run`.
pub fn module_of(file: &str) -> Words {
    let bare = file.trim_end_matches(".rs");
    let bare = bare.strip_suffix("/mod").unwrap_or(bare);
    // The library is the root; the program is one of those that use it.
    if ["lib", "mod"].contains(&bare) { Vec::new() } else { bare.split('/').map(str::to_owned).collect() }
}

impl Module {
    /// Every path it names.
    pub fn named(&self) -> impl Iterator<Item = &Words> {
        self.paths.iter()
    }
}

impl Tree {
    /// Reads every file of a crate.
    pub fn read(files: BTreeMap<String, String>) -> Self {
        let mut tree = Self { files, ..Self::default() };
        for (file, text) in &tree.files {
            let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
            let mut reader = Reader { file, at: module_of(file), modules: &mut tree.modules };
            reader.module().file.clone_from(file);
            for item in &parsed.items {
                reader.visit_item(item);
            }
        }
        tree
    }

    /// Every path a file names, as it stands there.
    pub fn named_in<'a>(&'a self, file: &'a str) -> impl Iterator<Item = &'a Words> {
        self.modules.values().filter(move |module| module.file == file).flat_map(|module| &module.paths)
    }

    /// A path named in `home`, from the root of the crate; `None` for what other crates have.
    pub fn absolute(&self, home: &[String], path: &[String]) -> Option<Words> {
        let (mut at, mut rest) = (home.to_vec(), path);
        match rest.first()?.as_str() {
            "crate" | "studiod" => (at, rest) = (Vec::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {
                while let Some(("super", further)) = rest.split_first().map(|(first, rest)| (first.as_str(), rest)) {
                    at.pop()?;
                    rest = further;
                }
            }
            first => {
                // A module declared here, or something else's name.
                let child = [home, &[first.to_owned()]].concat();
                self.modules.get(&child)?;
            }
        }
        at.extend(rest.iter().cloned());
        Some(at)
    }

    /// The file of what an absolute path ends with, following what modules pass on. `seen` ends circles of `use`.
    fn file_of(&self, path: &[String], seen: &mut BTreeSet<Words>) -> Option<&str> {
        if !seen.insert(path.to_vec()) {
            return None;
        }
        let inside = (0..=path.len()).rev().find(|length| self.modules.contains_key(&path[..*length]))?;
        let module = &self.modules[&path[..inside]];
        let Some(name) = path.get(inside) else { return Some(&module.file) };
        if let Some(stands_for) = module.aliases.get(name) {
            let further = [stands_for, &path[inside + 1..]].concat();
            let absolute = self.absolute(&path[..inside], &further);
            // What another crate has is passed on by nobody's file.
            return self.file_of(&absolute?, seen);
        }
        for glob in &module.globs {
            let Some(of) = self.absolute(&path[..inside], glob) else { continue };
            if self.defines(&of, name) {
                return self.file_of(&[of, path[inside..].to_vec()].concat(), seen);
            }
        }
        Some(&module.file)
    }

    /// Whether a module has something of this name.
    fn defines(&self, module: &[String], name: &str) -> bool {
        let Some(found) = self.modules.get(module) else { return false };
        let text = self.files.get(&found.file).map_or("", String::as_str);
        let parsed = syn::parse_file(text).expect("it was parsed before");
        parsed.items.iter().any(|item| match item {
            Item::Const(one) => one.ident == name,
            Item::Enum(one) => one.ident == name,
            Item::Fn(one) => one.sig.ident == name,
            Item::Struct(one) => one.ident == name,
            Item::Trait(one) => one.ident == name,
            Item::Type(one) => one.ident == name,
            _ => false,
        })
    }

    /// A path that begins with a name a glob has brought in, from the root of the crate.
    fn by_glob(&self, home: &[String], module: &Module, path: &[String]) -> Option<Words> {
        let mut globs = module.globs.iter().filter_map(|glob| self.absolute(home, glob));
        let of = globs.find(|of| {
            let passes_on = self.modules.get(of).is_some_and(|other| other.aliases.contains_key(&path[0]));
            passes_on || self.defines(of, &path[0])
        })?;
        Some([of, path.to_vec()].concat())
    }

    /// Which files each file takes something from.
    pub fn arrows(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut arrows: BTreeMap<&str, BTreeSet<&str>> =
            self.files.keys().map(|file| (file.as_str(), BTreeSet::new())).collect();
        for (home, module) in &self.modules {
            for path in &module.paths {
                let Some(absolute) = self.absolute(home, path).or_else(|| self.by_glob(home, module, path)) else {
                    continue;
                };
                let Some(file) = self.file_of(&absolute, &mut BTreeSet::new()) else { continue };
                if file != module.file {
                    arrows.entry(&module.file).or_default().insert(file);
                }
            }
        }
        arrows
    }
}

/// Puts down what a file says, module by module.
struct Reader<'a> {
    file: &'a str,
    at: Words,
    modules: &'a mut BTreeMap<Words, Module>,
}

impl Reader<'_> {
    fn module(&mut self) -> &mut Module {
        self.modules.entry(self.at.clone()).or_default()
    }

    fn take_in(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.take_in(&path.tree, &with(&path.ident)),
            UseTree::Group(group) => {
                for one in &group.items {
                    self.take_in(one, before);
                }
            }
            UseTree::Glob(_) => {
                self.module().globs.push(before.to_vec());
                self.module().paths.push(before.to_vec());
            }
            UseTree::Name(name) => {
                let (whole, known) = if name.ident == "self" {
                    (before.to_vec(), before.last().cloned().unwrap_or_default())
                } else {
                    (with(&name.ident), name.ident.to_string())
                };
                self.module().aliases.insert(known, whole.clone());
                self.module().paths.push(whole);
            }
            UseTree::Rename(renamed) => {
                let whole = if renamed.ident == "self" { before.to_vec() } else { with(&renamed.ident) };
                self.module().aliases.insert(renamed.rename.to_string(), whole.clone());
                self.module().paths.push(whole);
            }
        }
    }

    /// What macros are given is only tokens: words with `::` between them are paths there, too.
    fn tokens(&mut self, mut cursor: Cursor<'_>) {
        let mut path: Words = Vec::new();
        while !cursor.eof() {
            if let Some((word, next)) = cursor.ident() {
                path.push(word.to_string());
                cursor = next;
                let joined = cursor.punct().filter(|(sign, _)| sign.as_char() == ':').and_then(|(_, next)| {
                    let (sign, next) = next.punct()?;
                    (sign.as_char() == ':').then_some(next)
                });
                match joined {
                    Some(next) if next.ident().is_some() => cursor = next,
                    _ => self.module().paths.push(std::mem::take(&mut path)),
                }
            } else if let Some((inside, _, _, next)) = cursor.any_group() {
                self.tokens(inside);
                cursor = next;
            } else {
                let Some((_, next)) = cursor.token_tree() else { break };
                cursor = next;
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let Some((_, items)) = &module.content else { return };
        self.at.push(module.ident.to_string());
        let file = self.file.to_owned();
        self.module().file = file;
        for item in items {
            self.visit_item(item);
        }
        self.at.pop();
    }

    fn visit_item_use(&mut self, used: &'ast syn::ItemUse) {
        self.take_in(&used.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.module().paths.push(words);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        let buffer = TokenBuffer::new2(called.tokens.clone());
        self.tokens(buffer.begin());
        visit::visit_macro(self, called);
    }
}
