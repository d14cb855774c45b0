//! Schema: the settings as a JSON schema, made from their types, and limits read from it.
//!
//! The document comment of a key is its description, so what `docs/config.md`, editors and refusals say is one text.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::Config;

/// JSON schema (draft 7, which TOML editors know) of the settings file.
///
/// Keys have a description, `default`, and `minimum` and `maximum` where numbers have limits; unknown keys do not fit it.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<Config>().to_value();
    tidy(&mut schema);
    schema
}

/// TOML has no null, descriptions are one paragraph, and single precision shows its own digits.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            without_null(object);
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            }
            if object.get("format").is_some_and(|format| format == "float")
                && let Some(single) = object.get("default").and_then(Value::as_f64).map(|wide| wide as f32)
                && let Ok(short) = single.to_string().parse::<f64>()
            {
                object.insert("default".into(), short.into());
            }
            object.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn without_null(object: &mut Map<String, Value>) {
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            object.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(mut of)) = object.remove("anyOf") {
        of.retain(|one| one.get("type").is_none_or(|name| name != "null"));
        let key = if of.len() == 1 { "allOf" } else { "anyOf" };
        object.insert(key.into(), of.into());
    }
}

/// The first number outside the limits of the schema, as a sentence: `sound.music_gain is 3; it must be 0 to 1`.
pub(super) fn outside(schema: &Value, settings: &toml::Table) -> Result<(), String> {
    let root = toml::Value::Table(settings.clone());
    Limits { definitions: &schema["definitions"] }.check(schema, &root, "")
}

struct Limits<'a> {
    definitions: &'a Value,
}

impl Limits<'_> {
    fn check(&self, schema: &Value, value: &toml::Value, path: &str) -> Result<(), String> {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/definitions/")) {
            return self.check(&self.definitions[name], value, path);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.check(part, value, path)?;
        }
        match value {
            toml::Value::Integer(number) => within(schema, *number as f64, path),
            toml::Value::Float(number) => within(schema, *number, path),
            toml::Value::Array(items) => items.iter().try_for_each(|item| self.check(&schema["items"], item, path)),
            toml::Value::Table(table) => table.iter().try_for_each(|(key, value)| {
                let known = &schema["properties"][key.as_str()];
                let about = if known.is_null() { &schema["additionalProperties"] } else { known };
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                self.check(about, value, &path)
            }),
            _ => Ok(()),
        }
    }
}

fn within(schema: &Value, number: f64, path: &str) -> Result<(), String> {
    let (low, high) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
    if !number.is_finite() && low.is_none() {
        return Err(format!("{path} is {number}; it must be a number"));
    }
    // Not a number is inside no limits.
    let inside = low.is_none_or(|low| number >= low) && high.is_none_or(|high| number <= high);
    match (low, high) {
        (Some(low), Some(high)) if !inside => Err(format!("{path} is {number}; it must be {low} to {high}")),
        (Some(low), None) if !inside => Err(format!("{path} is {number}; it must be at least {low}")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        outside(&schema(), &toml::from_str(text).unwrap()).unwrap_err()
    }

    #[test]
    fn limits_hold_in_lists_maps_and_tables_within_tables() {
        assert_eq!(refused("gates.pass_marks = [0.5, 7]"), "gates.pass_marks is 7; it must be 0 to 1");
        assert_eq!(
            refused("characters.MARA.loras = [{ file = 'a', base = 'sd15', strength = 2.5 }]"),
            "characters.MARA.loras.strength is 2.5; it must be 0 to 2"
        );
        assert_eq!(
            refused("models.set.sdxl.settings.cfg = inf"),
            "models.set.sdxl.settings.cfg is inf; it must be a number"
        );
        assert_eq!(refused("schedule.residence = nan"), "schedule.residence is NaN; it must be 0 to 100");
        assert_eq!(refused("comfy = [{ queue_ahead = 9 }]"), "comfy.queue_ahead is 9; it must be 0 to 8");
    }

    #[test]
    fn the_limits_of_the_scheduler_are_those_its_rules_check() {
        let schema = schema();
        let limits = Limits { definitions: &schema["definitions"] };
        let mut seen = 0;
        let mut open = vec![(String::new(), limits.definitions["Rules"].clone())];
        while let Some((path, about)) = open.pop() {
            let about = match about["allOf"][0]["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
                Some(name) => limits.definitions[name].clone(),
                None => about,
            };
            for (key, below) in about["properties"].as_object().into_iter().flatten() {
                open.push((if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, below.clone()));
            }
            let (Some(low), Some(high)) = (about["minimum"].as_f64(), about["maximum"].as_f64()) else { continue };
            let number = if about["type"] == "integer" { format!("{}", high as i64 + 1) } else { format!("{high}1.5") };
            let rules: studio_core::fleet::Rules = toml::from_str(&format!("{path} = {number}")).unwrap();
            let said = rules.check().join(";");
            assert!(said.starts_with(&format!("{path} is ")) && said.ends_with(&format!("{low} to {high}")), "{said}");
            seen += 1;
        }
        assert!(seen >= 14, "{seen} limits");
    }

    #[test]
    fn every_key_says_what_it_is() {
        let schema = schema();
        let mut keys = 0;
        let types = schema["definitions"].as_object().unwrap().iter().map(|(name, about)| (name.as_str(), about));
        for (name, about) in types.chain([("Config", &schema)]) {
            for (key, about) in about["properties"].as_object().into_iter().flatten() {
                let said = about["description"].as_str().unwrap_or_default();
                assert!(said.split(' ').count() > 2, "{name}.{key} says only '{said}'");
                keys += 1;
            }
        }
        assert!(keys > 120, "{keys} keys");
    }
}
