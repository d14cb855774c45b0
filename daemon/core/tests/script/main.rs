//! The way from a screenplay's bytes to scenes and shots.

use std::sync::{Arc, OnceLock};

use studio_core::{
    fountain::{self, Screenplay, ScriptError},
    heading::{Language, Languages},
    script::{self, Defaults, Script},
};

mod faults;
mod film;
mod headings;
mod misread;
mod opening;
mod properties;
mod shots;
mod spellings;
mod syntax;

/// The languages that come with the program.
fn languages() -> Arc<Languages> {
    static LANGUAGES: OnceLock<Arc<Languages>> = OnceLock::new();
    let read = || {
        let mut languages = Languages::default();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../languages");
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let language: Language =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(language.check(), Vec::<String>::new(), "{}", path.display());
            languages.add(language);
        }
        Arc::new(languages)
    };
    LANGUAGES.get_or_init(read).clone()
}

/// Reads a screenplay as the program does, with every language.
fn read(text: &str) -> Script {
    let defaults = Defaults { languages: languages(), ..Defaults::default() };
    script::read(text.as_bytes(), &defaults).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"))
}

fn parse(text: &str) -> Screenplay {
    fountain::parse(text.as_bytes()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn break_down(text: &str) -> Script {
    script::break_down(&parse(text), &Defaults::default()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// Faults of the first stage that has some, as people read them.
fn faults(text: &str) -> Vec<String> {
    let script =
        fountain::parse(text.as_bytes()).and_then(|screenplay| script::break_down(&screenplay, &Defaults::default()));
    script.expect_err("expected faults").iter().map(ScriptError::to_string).collect()
}
