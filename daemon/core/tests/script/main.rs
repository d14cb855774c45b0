//! The way from a screenplay's bytes to scenes and shots.

use studio_core::{
    fountain::{self, Screenplay, ScriptError},
    script::{self, Defaults, Script},
};

mod faults;
mod film;
mod properties;
mod shots;
mod syntax;

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
