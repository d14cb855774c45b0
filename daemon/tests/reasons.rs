//! Nobody reads a sentence to decide something: what went wrong and why is data, and sentences are only said.

use std::{fs, path::Path};

use syn::{
    BinOp, Expr, ExprBinary, ExprMatch, ExprMethodCall, ImplItemFn, ItemFn, ItemMod, Member,
    visit::{self, Visit},
};
use walkdir::WalkDir;

/// What sentences are called.
const SENTENCES: [&str; 6] = ["reason", "why", "message", "sentence", "detail", "remark"];

/// Ways to look into a text.
const LOOKS: [&str; 14] = [
    "starts_with",
    "ends_with",
    "contains",
    "find",
    "rfind",
    "strip_prefix",
    "strip_suffix",
    "split",
    "split_once",
    "rsplit_once",
    "matches",
    "match_indices",
    "eq_ignore_ascii_case",
    "cmp",
];

/// The same on the page.
const PAGE_LOOKS: [&str; 9] =
    ["startsWith", "endsWith", "includes", "match", "matchAll", "search", "indexOf", "split", "replace"];

/// Where the words of other programs are turned into kinds of failure: the only place that may read them.
const EDGE: [&str; 1] = ["daemon/src/engines"];

/// Steps through which a sentence is still the same sentence.
const SAME: [&str; 13] = [
    "as_str",
    "as_deref",
    "as_ref",
    "clone",
    "to_string",
    "to_owned",
    "to_lowercase",
    "to_ascii_lowercase",
    "trim",
    "unwrap",
    "unwrap_or_default",
    "unwrap_or",
    "expect",
];

/// The name of the sentence an expression is, if it is one.
fn sentence(of: &Expr) -> Option<String> {
    let name = match of {
        Expr::Reference(one) => return sentence(&one.expr),
        Expr::Unary(one) => return sentence(&one.expr),
        Expr::Paren(one) => return sentence(&one.expr),
        Expr::Try(one) => return sentence(&one.expr),
        Expr::MethodCall(call) if SAME.contains(&call.method.to_string().as_str()) => return sentence(&call.receiver),
        Expr::Field(field) => match &field.member {
            Member::Named(name) => name.to_string(),
            Member::Unnamed(_) => return None,
        },
        Expr::Path(path) => path.path.get_ident()?.to_string(),
        _ => return None,
    };
    SENTENCES.contains(&name.as_str()).then_some(name)
}

/// Finds where a sentence is looked into; tests may.
#[derive(Default)]
struct Finder {
    /// The function that is being read.
    inside: String,
    found: Vec<String>,
}

impl Finder {
    fn found(&mut self, name: &str, how: &str) {
        self.found.push(format!("in `{}`: `{name}` is {how}", self.inside));
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|one| {
        one.path().is_ident("test")
            || one.path().is_ident("cfg")
                && matches!(&one.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
    })
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !is_test(&item.attrs) {
            self.inside = item.sig.ident.to_string();
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if !is_test(&item.attrs) {
            self.inside = item.sig.ident.to_string();
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let method = call.method.to_string();
        if let (true, Some(name)) = (LOOKS.contains(&method.as_str()), sentence(&call.receiver)) {
            self.found(&name, &format!("looked into by `{method}`"));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_binary(&mut self, both: &'ast ExprBinary) {
        if matches!(both.op, BinOp::Eq(_) | BinOp::Ne(_))
            && let Some(name) = sentence(&both.left).or_else(|| sentence(&both.right))
        {
            self.found(&name, "compared");
        }
        visit::visit_expr_binary(self, both);
    }

    fn visit_expr_match(&mut self, one: &'ast ExprMatch) {
        // Matched as text, not as an enumeration.
        if let Expr::MethodCall(call) = &*one.expr
            && call.method == "as_str"
            && let Some(name) = sentence(&call.receiver)
        {
            self.found(&name, "matched by its words");
        }
        visit::visit_expr_match(self, one);
    }
}

fn looked_into(source: &str) -> Vec<String> {
    let mut finder = Finder::default();
    finder.visit_file(&syn::parse_file(source).expect("it is Rust"));
    finder.found
}

/// The same of a file of the page, told by its text.
fn looked_into_by_the_page(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (line, number) in source.lines().zip(1..) {
        for name in SENTENCES {
            let looks = PAGE_LOOKS
                .iter()
                .any(|look| line.contains(&format!("{name}.{look}(")) || line.contains(&format!("{name}?.{look}(")));
            let tested = line.contains(&format!(".{name})")) && line.contains("/.test(");
            let compared = line.contains(&format!(".{name} === \"")) || line.contains(&format!(".{name} !== \""));
            if looks || tested || compared {
                found.push(format!("line {number}: {}", line.trim()));
            }
        }
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the daemon is a folder of the workspace")
}

/// Every file under `folder` that ends like this, by its path in the repository.
fn files(folder: &str, ends: &[&str]) -> Vec<(String, String)> {
    let all =
        WalkDir::new(root().join(folder)).sort_by_file_name().into_iter().map(|entry| entry.expect("it is there"));
    let all = all.filter(|entry| entry.file_type().is_file());
    let named = all.map(|entry| {
        let path = entry.path().strip_prefix(root()).expect("it is in there").display().to_string();
        (path, entry.into_path())
    });
    let wanted = named.filter(|(path, _)| ends.iter().any(|end| path.ends_with(end)));
    wanted.map(|(path, file)| (path, fs::read_to_string(file).expect("it is text"))).collect()
}

#[test]
fn no_rule_reads_a_sentence() {
    let (mut found, mut read) = (Vec::new(), 0);
    for (path, source) in ["daemon/core/src", "daemon/draft/src", "daemon/engine/src", "daemon/src"]
        .iter()
        .flat_map(|folder| files(folder, &[".rs"]))
    {
        if EDGE.iter().any(|edge| path.starts_with(edge)) {
            continue;
        }
        read += 1;
        found.extend(looked_into(&source).into_iter().map(|said| format!("{path} {said}")));
    }
    assert!(read > 200, "only {read} files were read");
    assert!(found.is_empty(), "give it a field or an enumeration instead:\n{}", found.join("\n"));
}

#[test]
fn the_page_reads_no_sentence() {
    let (mut found, mut read) = (Vec::new(), 0);
    for (path, source) in files("ui/src", &[".ts", ".vue"]) {
        if path.ends_with(".test.ts") || path.ends_with("api/schema.ts") {
            continue;
        }
        read += 1;
        found.extend(looked_into_by_the_page(&source).into_iter().map(|said| format!("{path}, {said}")));
    }
    assert!(read > 50, "only {read} files were read");
    assert!(found.is_empty(), "let the studio send it as data instead:\n{}", found.join("\n"));
}

#[test]
fn what_is_looked_for_is_found() {
    let bad = [
        "fn f(task: Task) -> bool { task.reason.starts_with(\"a person\") }",
        "fn f(away: Option<String>) -> bool { away.is_some_and(|why| !why.ends_with(\"yet\")) }",
        "fn f(old: &Row, reason: &String) -> bool { old.reason != *reason }",
        "fn f(error: &EngineError) -> bool { error.message.trim().to_lowercase().contains(\"memory\") }",
        "fn f(one: &Row) -> u8 { match one.reason.as_str() { \"swap\" => 1, _ => 0 } }",
    ];
    for source in bad {
        assert_eq!(looked_into(source).len(), 1, "{source}");
    }
    let good = [
        "fn f(plan: &Plan) -> bool { matches!(plan.why, Why::Room) }",
        "fn f(line: &str) -> bool { line.starts_with(\"#\") }",
        "#[cfg(test)] mod tests { fn f(why: &str) -> bool { why.contains(\"start\") } }",
    ];
    for source in good {
        assert_eq!(looked_into(source), [""; 0], "{source}");
    }
    let bad = ["return task.reason.startsWith(\"a person\");", "if (/must look/.test(task.reason)) return 1;"];
    for line in bad {
        assert_eq!(looked_into_by_the_page(line).len(), 1, "{line}");
    }
}
