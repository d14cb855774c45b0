//! Lines: what A1111 and Forge write: the prompt, `Negative prompt: ...`, and one line of settings.

use studio_core::{dataset::Made, units::Seed, workflow::SlotValue};

/// Fewer settings than these in the last line: it belongs to the prompt.
const LEAST: usize = 3;
const NEGATIVE: &str = "Negative prompt:";

/// What these lines say; `None`: they are no such lines.
pub fn made(text: &str) -> Option<Made> {
    let lines: Vec<&str> = text.trim().lines().collect();
    let (last, above) = lines.split_last()?;
    let settings = settings(last);
    if settings.len() < LEAST {
        return None;
    }
    let mut sides = [String::new(), String::new()];
    let mut side = 0;
    for line in above {
        let line = line.trim();
        let words = line.strip_prefix(NEGATIVE).inspect(|_| side = 1).unwrap_or(line).trim();
        if !sides[side].is_empty() {
            sides[side].push('\n');
        }
        sides[side].push_str(words);
    }
    let [prompt, negative] = sides;
    let mut made = Made { engine: "a1111".into(), loras: loras(&prompt), prompt, negative, ..Made::default() };
    for (key, value) in settings {
        let float = || value.parse().ok().filter(|number: &f64| number.is_finite()).map(SlotValue::Float);
        let (name, value) = match key.as_str() {
            "Seed" => {
                made.seed = value.parse().ok().map(Seed);
                continue;
            }
            "Model" => {
                made.model = value;
                continue;
            }
            "Steps" => ("steps", value.parse().ok().map(SlotValue::Int)),
            "CFG scale" => ("cfg", float()),
            "Denoising strength" => ("denoise", float()),
            "Sampler" => ("sampler", Some(SlotValue::Text(value))),
            "Schedule type" => ("scheduler", Some(SlotValue::Text(value))),
            _ => continue,
        };
        made.settings.extend(value.map(|value| (name.to_owned(), value)));
    }
    Some(made)
}

/// `key: value` pairs between commas, as A1111 reads them itself: a key of word characters, spaces, hyphens and slashes; a value
/// up to the next comma, or in quotes as a JSON string.
fn settings(line: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let end = rest.find(|letter: char| !(word(letter) || " -/".contains(letter))).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let Some(after) = after.strip_prefix(':').filter(|_| key.chars().count() > 1 && key.starts_with(word)) else {
            // No key: what is up to the next comma says nothing.
            rest = rest.split_once(',').map_or("", |(_, next)| next).trim_start();
            continue;
        };
        let after = after.trim_start();
        let (value, next) = quoted(after).unwrap_or_else(|| {
            let (value, next) = after.split_once(',').unwrap_or((after, ""));
            (value.trim_end().to_owned(), next)
        });
        found.push((key.to_owned(), value));
        rest = next.trim_start();
    }
    found
}

/// A JSON string at the beginning, and what comes after the comma behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut strings = serde_json::Deserializer::from_str(text.strip_prefix('"').map(|_| text)?).into_iter::<String>();
    let value = strings.next()?.ok()?;
    let rest = text[strings.byte_offset()..].trim_start();
    let next = if rest.is_empty() { rest } else { rest.strip_prefix(',')? };
    Some((value, next))
}

/// `<lora:name:0.8>` in a prompt.
fn loras(prompt: &str) -> Vec<String> {
    let tags = prompt.split("<lora:").skip(1).filter_map(|tag| tag.split_once('>')).map(|(tag, _)| tag);
    tags.map(|tag| {
        let mut parts = tag.split(':');
        let name = parts.next().unwrap_or_default();
        format!("{name}@{}", parts.next().unwrap_or("1"))
    })
    .collect()
}
