//! Comments of items say something: three words at least.

use std::fs;

use walkdir::WalkDir;

use super::{nothing, root};

/// Whose comments are the help of the command line or the reference of the settings, which have a form of their own.
const OTHERS: [&str; 2] = ["daemon/src/cli/", "daemon/src/config"];

#[test]
fn no_comment_of_an_item_is_one_or_two_words() {
    let mut short = Vec::new();
    let source = |path: &str| path.starts_with("daemon/") && path.contains("/src/") && path.ends_with(".rs");
    for entry in WalkDir::new(root().join("daemon")).into_iter().filter_map(Result::ok) {
        let name = entry.path().strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        if !source(&name) || OTHERS.iter().any(|other| name.starts_with(other)) {
            continue;
        }
        let (mut words, mut from) = (0, None);
        for (index, line) in fs::read_to_string(entry.path()).unwrap().lines().enumerate() {
            if let Some(said) = line.trim_start().strip_prefix("///") {
                from = from.or(Some(index + 1));
                words += said.split_whitespace().count();
            } else if let Some(from) = from.take() {
                if words < 3 {
                    short.push(format!("{name}:{from}"));
                }
                words = 0;
            }
        }
    }
    nothing(&short);
}
