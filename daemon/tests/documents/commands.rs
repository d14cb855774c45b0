//! Command lines: every one the documents show is one the program understands.

use std::collections::BTreeSet;

use clap::error::ErrorKind;

use super::{Document, documents, nothing, root};

/// Words of a shell's line up to the first `|`, `>`, `;`, `&&` or `#`, without quotes. Two spaces in a row begin a remark.
fn words(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches("$ ");
    let command = line.split("  ").next().unwrap_or_default();
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for sign in command.chars() {
        match (quote, sign) {
            (Some(open), _) if sign == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '|' | '>' | ';' | '&' | '#') => break,
            _ => word.get_or_insert_default().push(sign),
        }
    }
    words.extend(word);
    words
}

/// The same without `sudo`, whom it is for, and variables before it.
fn program(line: &str) -> Vec<String> {
    let mut words = words(line);
    while let Some(first) = words.first() {
        let leave = match first.as_str() {
            "sudo" if words.get(1).is_some_and(|word| word == "-u") => 3,
            "sudo" => 1,
            word if word
                .split_once('=')
                .is_some_and(|(name, _)| name.chars().all(|sign| sign.is_ascii_uppercase())) =>
            {
                1
            }
            _ => break,
        };
        words.drain(..leave.min(words.len()));
    }
    words
}

/// What the program says against a line; `shown` is how it stands in prose, where arguments may be left out.
fn refused(words: &[String], shown: bool) -> Option<String> {
    // The media process is a program of its own behind the same name.
    if words.get(1).is_some_and(|word| word == "media") {
        return None;
    }
    let error = studiod::cli::command().try_get_matches_from(words).err()?;
    let incomplete = [
        ErrorKind::MissingRequiredArgument,
        ErrorKind::MissingSubcommand,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
    ];
    let fine = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
        || (shown && incomplete.contains(&error.kind()));
    (!fine).then(|| error.to_string().lines().next().unwrap_or_default().to_owned())
}

#[test]
fn every_command_line_is_understood() {
    let (mut wrong, mut lines) = (Vec::new(), 0);
    for document in documents() {
        let shown = document.spans().into_iter().map(|span| (span.place, span.text, true));
        let code = document.code().map(|line| (document.place(line), line.text.clone(), false));
        for (place, text, shown) in shown.chain(code.collect::<Vec<_>>()) {
            // The second part of a pipe is a command, too.
            for part in text.split(" | ") {
                let words = program(part);
                if words.first().is_none_or(|word| word != "studiod")
                    || words.get(1).is_some_and(|word| word == "COMMAND")
                {
                    continue;
                }
                lines += 1;
                if let Some(why) = refused(&words, shown) {
                    wrong.push(format!("{place}: `{}`: {why}", words.join(" ")));
                }
            }
        }
    }
    assert!(lines > 40, "only {lines} command lines found");
    nothing(&wrong);
}

#[test]
fn a_command_line_that_is_wrong_is_noticed() {
    for line in ["studiod prodoce a.fountain", "studiod fleet --fast", "sudo -u studiod studiod tidy --days soon"] {
        assert!(refused(&program(line), false).is_some(), "{line}");
    }
    assert!(refused(&program("studiod opinion"), false).is_some());
    assert!(refused(&program("studiod opinion"), true).is_none());
    assert_eq!(program("A=1 sudo studiod fleet | head"), ["studiod", "fleet"]);
}

/// The first cells of the table of commands, e.g. `take lock TASK`, each with its place.
fn told(operate: &Document) -> Vec<(String, String)> {
    let after = operate.prose().skip_while(|line| !line.text.starts_with("| command |"));
    let rows = after.skip(2).take_while(|line| line.text.starts_with("| `"));
    rows.flat_map(|line| {
        let text = line.text.replace("\\|", "/");
        let cell = text.split('|').nth(1).unwrap_or_default().to_owned();
        let place = operate.place(line);
        let spans: Vec<String> = cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        spans.into_iter().map(move |span| (place.clone(), span))
    })
    .collect()
}

#[test]
fn the_table_of_commands_has_every_command_and_no_other() {
    let operate = Document::read("docs/operate.md");
    let known = studiod::cli::command();
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for (place, span) in told(&operate) {
        let words: Vec<&str> = span.split(|sign: char| " []/".contains(sign)).filter(|word| !word.is_empty()).collect();
        let mut command = &known;
        for word in &words {
            if let Some(option) = word.strip_prefix("--") {
                let option = option.trim_end_matches('.');
                let there = command.get_arguments().chain(known.get_arguments());
                if !there.filter_map(|argument| argument.get_long()).any(|long| long == option) {
                    wrong.push(format!("{place}: `{span}`: there is no --{option}"));
                }
            } else if let Some(below) = command.find_subcommand(word) {
                command = below;
                seen.insert(below.get_name().to_owned());
            } else if std::ptr::eq(command, &raw const known) {
                wrong.push(format!("{place}: `{span}`: there is no command {word}"));
            }
        }
    }
    for command in known.get_subcommands().filter(|command| !command.is_hide_set()) {
        for name in command.get_subcommands().chain([command]).map(clap::Command::get_name) {
            if !seen.contains(name) {
                wrong.push(format!("docs/operate.md: the table of commands lacks `{name}`"));
            }
        }
    }
    nothing(&wrong);
}

#[test]
fn every_goal_of_make_script_and_test_binary_is_there() {
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    let package = std::fs::read_to_string(root().join("ui/package.json")).unwrap();
    let tests = |name: &str| {
        let at = root().join("daemon/tests");
        at.join(format!("{name}.rs")).exists() || at.join(name).join("main.rs").exists()
    };
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for document in documents() {
        let code = document.code().map(|line| (document.place(line), line.text.clone())).collect::<Vec<_>>();
        let spans = document.spans().into_iter().map(|span| (span.place, span.text));
        for (place, text) in spans.chain(code) {
            let words = program(&text);
            let after = |flag: &str| words.iter().skip_while(|word| *word != flag).nth(1);
            let there = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["make", goal, ..] => makefile.lines().any(|line| line.split(':').next() == Some(goal)),
                ["npm", "run", script, ..] => package.contains(&format!("\"{script}\":")),
                [script, ..] if script.starts_with("scripts/") && after("--test").is_none() => {
                    root().join(script).exists()
                }
                [_, ..] if words.iter().any(|word| word == "studiod") => after("--test").is_none_or(|name| tests(name)),
                _ => continue,
            };
            checked += 1;
            if !there {
                wrong.push(format!("{place}: `{text}` names what is not there"));
            }
        }
    }
    assert!(checked > 20, "only {checked} found");
    nothing(&wrong);
}
