//! Comments of items say something: three words at least.

use std::fs;

use walkdir::WalkDir;

use super::{nothing, root};

/// Where comments of fields and variants are the help of the command line or the reference of the settings, which have a
/// form of their own.
const HELP: [&str; 2] = ["daemon/src/cli/", "daemon/src/config"];

/// Items whose comments are never help.
const NEVER_HELP: [&str; 7] = ["fn", "const", "static", "type", "trait", "impl", "mod"];

/// Whether the comment before this line may be as short as it likes.
fn is_help(file: &str, line: &str) -> bool {
    let may_be = HELP.iter().any(|folder| file.starts_with(folder));
    let mut words = line.split([' ', '<', '(']).take_while(|word| !word.ends_with(':'));
    may_be && !words.any(|word| NEVER_HELP.contains(&word))
}

#[test]
fn no_comment_of_an_item_is_one_or_two_words() {
    let mut short = Vec::new();
    let source = |path: &str| path.starts_with("daemon/") && path.contains("/src/") && path.ends_with(".rs");
    for entry in WalkDir::new(root().join("daemon")).into_iter().filter_map(Result::ok) {
        let name = entry.path().strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        if !source(&name) {
            continue;
        }
        let (mut words, mut from) = (0, None);
        for (index, line) in fs::read_to_string(entry.path()).unwrap().lines().enumerate() {
            let line = line.trim_start();
            if let Some(said) = line.strip_prefix("///") {
                from = from.or(Some(index + 1));
                words += said.split_whitespace().count();
            } else if line.starts_with("#[") {
                // The item comes after what is said of it.
            } else if let Some(from) = from.take() {
                if words < 3 && !is_help(&name, line) {
                    short.push(format!("{name}:{from}"));
                }
                words = 0;
            }
        }
    }
    nothing(&short);
}
