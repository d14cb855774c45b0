//! Blocking: calls that wait for a disk where nothing may wait.
//!
//! An `async` function of the conductor runs on the threads of its loop. What it calls itself, and what the functions
//! beside it that it calls do, must not touch files, unless it is handed to `spawn_blocking`.

use std::collections::{BTreeMap, BTreeSet};

use syn::{
    Expr, ImplItem, Item,
    visit::{self, Visit},
};

use super::source::{attributes, is_test};

/// Modules and types whose functions touch the disk, and single functions that do. A path counts when it begins with
/// one of these, once what `use` lines shorten is written out.
const TOUCH_THE_DISK: [&str; 8] = [
    "std::fs",
    "std::thread::sleep",
    // Files are all that module is about.
    "crate::files",
    "rustix::fs",
    "tempfile",
    "std::os::unix::fs",
    "std::process::Command",
    "std::io::stdin",
];

/// Methods that do, whatever they are called on.
const METHODS: [&str; 14] = [
    "kept_key",
    "sweep_work",
    "free_bytes",
    "read_dir",
    "canonicalize",
    "symlink_metadata",
    "metadata",
    "try_exists",
    "exists",
    "is_file",
    "is_dir",
    "read_link",
    // Of engines: they look whether what they left still stands.
    "stands",
    "leaves",
];

/// What a function does.
#[derive(Debug, Default)]
struct Function {
    /// It runs on the loop's threads.
    waits: bool,
    /// What of it touches the disk.
    touches: BTreeSet<String>,
    /// Names of what it calls.
    calls: BTreeSet<String>,
}

/// Blocking calls on the loop's threads among these files, one sentence each.
pub fn faults<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut functions: Vec<(String, String, Function)> = Vec::new();
    for (file, text) in files {
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut reader = Reader { file, aliases: BTreeMap::new(), found: &mut functions };
        reader.items(&parsed.items);
    }
    // Names of plain functions that touch the disk, however far down.
    let mut touching: BTreeSet<String> = BTreeSet::new();
    loop {
        let further = functions.iter().filter(|(_, name, function)| {
            let down = function.calls.iter().any(|called| touching.contains(called));
            !function.waits && !touching.contains(name) && (!function.touches.is_empty() || down)
        });
        let further: Vec<String> = further.map(|(_, name, _)| name.clone()).collect();
        if further.is_empty() {
            break;
        }
        touching.extend(further);
    }
    let faults = functions.iter().filter(|(.., function)| function.waits).flat_map(|(file, name, function)| {
        let called = function.calls.iter().filter(|called| touching.contains(*called));
        function
            .touches
            .iter()
            .chain(called)
            .map(move |what| format!("{file}: {name} calls {what}, which waits for a disk"))
    });
    faults.collect()
}

struct Reader<'a> {
    file: &'a str,
    aliases: BTreeMap<String, String>,
    found: &'a mut Vec<(String, String, Function)>,
}

impl Reader<'_> {
    fn items(&mut self, items: &[Item]) {
        for item in items.iter().filter(|item| !is_test(attributes(item))) {
            match item {
                Item::Use(used) => self.take_in(&used.tree, ""),
                Item::Fn(function) => self.function(&function.sig, &function.block),
                Item::Impl(implementation) => {
                    for one in &implementation.items {
                        if let ImplItem::Fn(function) = one {
                            self.function(&function.sig, &function.block);
                        }
                    }
                }
                Item::Mod(module) => {
                    if let Some((_, items)) = &module.content {
                        self.items(items);
                    }
                }
                _ => {}
            }
        }
    }

    fn take_in(&mut self, tree: &syn::UseTree, before: &str) {
        let with = |name: &syn::Ident| if before.is_empty() { name.to_string() } else { format!("{before}::{name}") };
        match tree {
            syn::UseTree::Path(path) => self.take_in(&path.tree, &with(&path.ident)),
            syn::UseTree::Group(group) => {
                for one in &group.items {
                    self.take_in(one, before);
                }
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                let short = before.rsplit("::").next().unwrap_or_default().to_owned();
                self.aliases.insert(short, before.to_owned());
            }
            syn::UseTree::Name(name) => drop(self.aliases.insert(name.ident.to_string(), with(&name.ident))),
            syn::UseTree::Rename(renamed) => {
                let whole = if renamed.ident == "self" { before.to_owned() } else { with(&renamed.ident) };
                self.aliases.insert(renamed.rename.to_string(), whole);
            }
            syn::UseTree::Glob(_) => {}
        }
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let mut body = Body::new(&self.aliases);
        body.on_loop = signature.asyncness.is_some();
        body.visit_block(block);
        let name = signature.ident.to_string();
        for function in [body.waiting, body.plain] {
            if !function.touches.is_empty() || !function.calls.is_empty() {
                self.found.push((self.file.to_owned(), name.clone(), function));
            }
        }
    }
}

/// Walks through a function's body.
struct Body<'a> {
    aliases: &'a BTreeMap<String, String>,
    /// Whether what comes now runs on the loop's threads.
    on_loop: bool,
    /// What the plain part does, and what runs on the loop's threads.
    plain: Function,
    waiting: Function,
}

impl<'a> Body<'a> {
    fn new(aliases: &'a BTreeMap<String, String>) -> Self {
        let waiting = Function { waits: true, ..Function::default() };
        Self { aliases, on_loop: false, plain: Function::default(), waiting }
    }

    fn now(&mut self) -> &mut Function {
        if self.on_loop { &mut self.waiting } else { &mut self.plain }
    }

    /// A path with what `use` lines shorten written out.
    fn whole(&self, path: &syn::Path) -> String {
        let words: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let first = self.aliases.get(&words[0]).cloned().unwrap_or_else(|| words[0].clone());
        std::iter::once(first).chain(words[1..].iter().cloned()).collect::<Vec<_>>().join("::")
    }
}

/// Whether a path begins with one that touches the disk.
fn touches(path: &str) -> bool {
    TOUCH_THE_DISK.iter().any(|one| path == *one || path.strip_prefix(one).is_some_and(|rest| rest.starts_with("::")))
}

impl<'ast> Visit<'ast> for Body<'_> {
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let Expr::Path(called) = &*call.func {
            let name = called.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
            if name == "spawn_blocking" {
                // A thread of its own.
                return;
            }
            let whole = self.whole(&called.path);
            if touches(&whole) {
                self.now().touches.insert(whole);
            } else {
                self.now().calls.insert(name);
            }
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        if name == "spawn_blocking" {
            return;
        }
        if METHODS.contains(&name.as_str()) {
            self.now().touches.insert(name);
        } else {
            self.now().calls.insert(name);
        }
        visit::visit_expr_method_call(self, call);
    }

    /// A function that is passed on, as in `.map(fs::read)`.
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        let whole = self.whole(&path.path);
        if touches(&whole) {
            self.now().touches.insert(whole);
        }
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        let before = std::mem::replace(&mut self.on_loop, true);
        visit::visit_expr_async(self, block);
        self.on_loop = before;
    }

    /// A function inside is read as a part of the one around it, but waits only if it says so.
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let before = std::mem::replace(&mut self.on_loop, function.sig.asyncness.is_some());
        visit::visit_item_fn(self, function);
        self.on_loop = before;
    }
}
