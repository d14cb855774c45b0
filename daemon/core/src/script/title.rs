//! Title page: what the screenplay says of itself.

use super::{Defaults, words::shown};
use crate::fountain::{Errors, TitleField};

/// What the title page says.
#[derive(Debug, Default)]
pub(super) struct TitlePage {
    pub(super) show: Option<String>,
    pub(super) title: String,
    pub(super) episode_title: Option<String>,
    pub(super) author: String,
    pub(super) plot: Option<String>,
    pub(super) season: Option<u32>,
    pub(super) episode: Option<u32>,
    pub(super) language: String,
    pub(super) aired: Option<String>,
    pub(super) draft_date: Option<String>,
    pub(super) other: Vec<(String, String)>,
}

/// Reads the fields; of a field written twice the last one counts. Empty fields are not there.
pub(super) fn read(fields: &[TitleField], defaults: &Defaults, errors: &mut Errors) -> TitlePage {
    let mut title =
        TitlePage { title: defaults.title.clone(), language: defaults.language.clone(), ..TitlePage::default() };
    for field in fields.iter().filter(|field| !field.value.plain.trim().is_empty()) {
        let value = field.value.folded();
        match field.key.to_lowercase().as_str() {
            "title" => title.title = value,
            "show" | "series" => title.show = Some(value),
            "episode title" => title.episode_title = Some(value),
            "author" | "authors" | "written by" => title.author = value,
            "logline" | "plot" => title.plot = Some(value),
            "season" => title.season = number(field, &value, 0, 199, errors),
            "episode" => title.episode = number(field, &value, 1, 9999, errors),
            "language" => title.language = language(field, &defaults.languages.code_of(&value), errors),
            "aired" => title.aired = date(field, value, errors),
            "draft date" => title.draft_date = Some(value),
            _ => title.other.push((field.key.clone(), field.value.plain.clone())),
        }
    }
    title
}

fn number(field: &TitleField, value: &str, least: u32, most: u32, errors: &mut Errors) -> Option<u32> {
    let number = value.parse().ok().filter(|number| (least..=most).contains(number));
    if number.is_none() {
        let message =
            format!("expected a number from {least} to {most} after '{}:', not '{}'", field.key, shown(value));
        errors.push(field.line, field.column, message);
    }
    number
}

/// Well-formed by BCP 47 in the parts a voice needs: language, then script or region.
fn language(field: &TitleField, value: &str, errors: &mut Errors) -> String {
    let mut parts = value.split('-');
    let first = parts.next().unwrap_or_default();
    let is_code = (2..=3).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !is_code
        || !parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    {
        let message = format!("expected a language code such as en, en-GB or de, not '{}'", shown(value));
        errors.push(field.line, field.column, message);
    }
    value.to_owned()
}

fn date(field: &TitleField, value: String, errors: &mut Errors) -> Option<String> {
    let is_date = value.len() == 10 && value.parse::<jiff::civil::Date>().is_ok();
    if !is_date {
        let message = format!("expected a date as yyyy-mm-dd, for example 2025-11-21, not '{}'", shown(&value));
        errors.push(field.line, field.column, message);
    }
    is_date.then_some(value)
}
