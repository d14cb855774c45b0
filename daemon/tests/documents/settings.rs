//! Settings: `docs/config.md` has what the types say, and the examples of all documents can be read.
//!
//! A table between `<!-- settings: film -->` and `<!-- end -->` is written by `BLESS=1` from the schema of the settings;
//! what stands around it is written by people.

use std::fs;

use serde_json::Value;
use studio_core::heading::Language;
use studiod::config::{Config, Format, schema};

use super::{Document, documents, nothing, root};

/// One key of the settings.
struct Key {
    /// Within its section, e.g. `ducking.ratio`, `loras[].file`, `set.NAME.prompt`.
    name: String,
    about: Value,
    required: bool,
}

/// The type behind references, and the name of the last one.
fn resolve<'a>(schema: &'a Value, about: &'a Value) -> (&'a Value, Option<&'a str>) {
    let reference = about["$ref"].as_str().or_else(|| about["allOf"][0]["$ref"].as_str());
    match reference.and_then(|path| path.strip_prefix("#/definitions/")) {
        Some(name) => (resolve(schema, &schema["definitions"][name]).0, Some(name)),
        None => (about, None),
    }
}

/// Every key below `about`, by name.
fn keys(schema: &Value, about: &Value, prefix: &str, found: &mut Vec<Key>) {
    let (inside, name) = resolve(schema, about);
    if name == Some("Secret") {
        return;
    }
    let required = |key: &str| inside["required"].as_array().is_some_and(|all| all.iter().any(|one| one == key));
    for (key, about) in inside["properties"].as_object().into_iter().flatten() {
        let name = format!("{prefix}{key}");
        let (below, _) = resolve(schema, about);
        let folder = below["properties"].is_object();
        if !folder {
            found.push(Key { name: name.clone(), about: about.clone(), required: required(key) });
        }
        keys(schema, about, &format!("{name}."), found);
        keys(schema, &below["items"], &format!("{name}[]."), found);
        if below["additionalProperties"].is_object() {
            keys(schema, &below["additionalProperties"], &format!("{name}.NAME."), found);
        }
    }
}

/// What may stand there: limits of a number, words there are, or what kind of thing it is.
fn may_be(schema: &Value, about: &Value) -> String {
    let (inside, name) = resolve(schema, about);
    if name == Some("Secret") {
        return "a [secret](#secrets)".into();
    }
    let words = |all: &Value| {
        let words = all.as_array().into_iter().flatten().filter_map(Value::as_str);
        words.map(|word| format!("`{word}`")).collect::<Vec<_>>()
    };
    let variants = inside["oneOf"].as_array().into_iter().flatten();
    let mut known: Vec<String> = variants.flat_map(|one| words(&Value::Array(vec![one["const"].clone()]))).collect();
    known.extend(words(&inside["enum"]));
    if !known.is_empty() {
        return known.join(", ");
    }
    let whole = if inside["type"] == "integer" { "whole, " } else { "" };
    match inside["type"].as_str() {
        Some("integer" | "number") => match (inside["minimum"].as_f64(), inside["maximum"].as_f64()) {
            (Some(low), Some(high)) => format!("{whole}{low} to {high}"),
            (Some(low), None) => format!("{whole}from {low}"),
            _ => format!("{whole}any"),
        },
        Some("boolean") => "`true`, `false`".into(),
        Some("array") if inside["maxItems"].is_u64() => {
            format!("{} times {}", inside["maxItems"], may_be(schema, &inside["items"]))
        }
        Some("array") => format!("list of {}", may_be(schema, &inside["items"])),
        Some("object") => "table".into(),
        _ if inside["pattern"].is_string() && name == Some("PciAddress") => "a PCI slot".into(),
        _ if inside["pattern"].is_string() => "`HH:MM`".into(),
        _ => "text".into(),
    }
}

fn usually(key: &Key) -> String {
    let empty = |value: &Value| match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        other => other.is_null(),
    };
    match &key.about["default"] {
        _ if key.required => "required".into(),
        nothing if empty(nothing) => "none".into(),
        value => format!("`{value}`").replace(".0`", "`"),
    }
}

/// The table of one section, what is required first; `[[gpu]]` is `gpu`, `[characters.NAME]` is `characters`.
fn table(schema: &Value, section: &str) -> String {
    let mut about = schema;
    for part in section.split('.') {
        about = &resolve(schema, about).0["properties"][part];
    }
    let (inside, _) = resolve(schema, about);
    let each = if inside["items"].is_object() { &inside["items"] } else { &inside["additionalProperties"] };
    let mut found = Vec::new();
    keys(schema, if each.is_object() { each } else { about }, "", &mut found);
    found.sort_by_key(|key| !key.required);
    let mut rows = vec!["| key | meaning | may be | default |".to_owned(), "|---|---|---|---|".to_owned()];
    rows.extend(found.iter().map(|key| {
        let meaning = key.about["description"].as_str().unwrap_or_default().trim_end_matches('.').replace('|', "\\|");
        format!("| `{}` | {meaning} | {} | {} |", key.name, may_be(schema, &key.about), usually(key))
    }));
    rows.join("\n") + "\n"
}

const FROM: &str = "<!-- settings: ";
const TO: &str = "<!-- end -->";

#[test]
fn the_reference_of_the_settings_is_what_the_types_say() {
    let path = root().join("docs/config.md");
    let (schema, kept) = (schema(), fs::read_to_string(&path).unwrap());
    let mut parts = kept.split(FROM);
    let mut now = parts.next().unwrap().to_owned();
    let mut sections = Vec::new();
    for part in parts {
        let (section, rest) = part.split_once(" -->\n").expect("a section has a name");
        let (_, rest) = rest.split_once(TO).unwrap_or_else(|| panic!("the table of {section} has no end"));
        now.extend([FROM, section, " -->\n", &table(&schema, section), TO, rest]);
        sections.push(section.to_owned());
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &now).unwrap();
    }
    assert!(
        kept == now || std::env::var_os("BLESS").is_some(),
        "docs/config.md is out of step; 'make reference' writes it"
    );
    let lacking: Vec<String> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    let lacking = lacking.into_iter().filter(|key| !sections.contains(key)).map(|key| format!("no table of {key}"));
    nothing(&lacking.collect::<Vec<_>>());
}

#[test]
fn every_example_of_settings_can_be_read() {
    let (mut wrong, mut examples) = (Vec::new(), 0);
    for name in ["README.md", "docs/config.md", "docs/operate.md"] {
        for block in Document::read(name).blocks("toml") {
            examples += 1;
            let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
            fs::write(file.path(), &block.text).unwrap();
            let Err(why) = Config::read(Some(file.path())) else { continue };
            let language = toml::from_str::<Language>(&block.text).is_ok_and(|language| language.check().is_empty());
            if !language && Format::named(file.path().to_str().unwrap()).is_err() {
                wrong.push(format!("{}: {why}", block.place));
            }
        }
    }
    assert!(examples > 5, "only {examples} examples found");
    nothing(&wrong);
}

#[test]
fn every_setting_that_is_named_is_there() {
    let schema = schema();
    let sections: Vec<String> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    let (mut wrong, mut named) = (Vec::new(), 0);
    for document in documents().iter().filter(|document| document.name != "CHANGELOG.md") {
        for span in document.spans() {
            let path = span.text.split([' ', '=']).next().unwrap();
            let Some((section, _)) = path.split_once('.').filter(|(first, _)| sections.iter().any(|one| one == first))
            else {
                continue;
            };
            if path.ends_with(".toml") || path.ends_with(".rs") || path.contains('/') || path.contains('(') {
                continue;
            }
            named += 1;
            let mut about = &schema;
            for part in path.split('.') {
                let (inside, _) = resolve(&schema, about);
                let inside = if inside["items"].is_object() { resolve(&schema, &inside["items"]).0 } else { inside };
                let known = &inside["properties"][part];
                about = if known.is_null() { &inside["additionalProperties"] } else { known };
            }
            if !about.is_object() {
                wrong.push(format!("{}: `{path}` is no key of [{section}]", span.place));
            }
        }
    }
    assert!(named > 8, "only {named} settings found");
    nothing(&wrong);
}

#[test]
fn the_schema_is_one_that_examples_fit_and_misspelt_keys_do_not() {
    let fits = jsonschema::draft7::new(&schema()).unwrap();
    let json = |text: &str| serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap();
    // Formats and languages are files of their own.
    let own = |text: &str| text.starts_with("size") || text.starts_with("code");
    for block in Document::read("docs/config.md").blocks("toml").iter().filter(|block| !own(&block.text)) {
        let example = json(&block.text);
        let errors: Vec<String> = fits.iter_errors(&example).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", block.place);
    }
    for wrong in ["[film]\nsise = '1x1'", "[engines]\nvoices = 0", "[web]\nopen_house = 'yes'", "[[gpu]]\nlanes = 2"] {
        assert!(!fits.is_valid(&json(wrong)), "{wrong}");
    }
}
