//! Bind: values go into the slots of a graph.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use super::{Kind, Slot, SlotValue, Workflow, WorkflowError, target};
use crate::nearest::nearest;

impl Workflow {
    /// The graph with `values` in its slots. Every value is checked: kind, range, multiple; nothing required is missing.
    ///
    /// # Errors
    /// What is wrong with the values, one by one.
    pub fn bind(&self, values: &BTreeMap<String, SlotValue>) -> Result<Value, Vec<WorkflowError>> {
        let mut faults = Vec::new();
        for (name, value) in values.iter().filter(|(name, _)| !self.about.slots.contains_key(*name)) {
            if let Some(slot) = self.added(name) {
                faults.extend(literal(name, &slot, value).err());
                continue;
            }
            let known = self.about.slots.keys().map(String::as_str);
            let hint = nearest(name, known).map_or_else(String::new, |near| format!("; did you mean {near}?"));
            faults.push(WorkflowError::new(format!("there is no slot {name}{hint}")));
        }
        for (name, slot) in &self.about.slots {
            match values.get(name) {
                None if slot.required => {
                    let about = slot.about.as_deref().map_or_else(String::new, |about| format!(" ({about})"));
                    faults.push(WorkflowError::new(format!("slot {name} needs {}{about}", slot.kind.word())));
                }
                None => {}
                Some(value) => faults.extend(literal(name, slot, value).err()),
            }
        }
        if faults.is_empty() { Ok(self.fill(values)) } else { Err(faults) }
    }

    /// Why a value does not go into the slot of that name; `None` when it does, or there is no such slot.
    pub fn refusal(&self, slot: &str, value: &SlotValue) -> Option<WorkflowError> {
        self.about.slots.get(slot).and_then(|about| literal(slot, about, value).err())
    }

    /// The graph with whatever of `values` fits, for looking at it before everything is there.
    pub fn fill(&self, values: &BTreeMap<String, SlotValue>) -> Value {
        let mut graph = self.graph.clone();
        let fitting = values.iter().filter_map(|(name, value)| {
            let added = self.added(name);
            let slot = self.about.slots.get(name).or(added.as_ref())?;
            Some((name.as_str(), literal(name, slot, value).ok()?))
        });
        let values: BTreeMap<&str, Value> = fitting.collect();
        for (name, slot) in &self.about.slots {
            let Some(value) = values.get(name.as_str()) else { continue };
            for (node, input) in slot.to.iter().filter_map(|to| target(to)) {
                // Integers stay integers where the graph has one: 25.0 steps would be refused by some nodes.
                if let Some(place) = graph.get_mut(node).and_then(|node| node.pointer_mut("/inputs")) {
                    place[input] = value.clone();
                }
            }
        }
        self.chain(&mut graph, &values);
        Value::Object(graph)
    }
}

/// The value as the graph takes it.
fn literal(name: &str, slot: &Slot, value: &SlotValue) -> Result<Value, WorkflowError> {
    let wrong = || {
        let given = serde_json::to_string(value).unwrap_or_default();
        WorkflowError::new(format!("slot {name} takes {}, not {given}", slot.kind.word()))
    };
    let json = match (slot.kind, value) {
        (Kind::Bool, SlotValue::Bool(value)) => Value::Bool(*value),
        (Kind::Int, SlotValue::Int(value)) => Value::from(*value),
        (Kind::Int, SlotValue::Float(value)) if value.fract() == 0.0 && value.abs() < 9e15 => {
            Value::from(*value as i64)
        }
        (Kind::Float, SlotValue::Int(value)) => Number::from_f64(*value as f64).map(Value::Number).ok_or_else(wrong)?,
        (Kind::Float, SlotValue::Float(value)) => Number::from_f64(*value).map(Value::Number).ok_or_else(wrong)?,
        (Kind::Text | Kind::Choice | Kind::File | Kind::Image | Kind::Video, SlotValue::Text(value)) => {
            if slot.kind != Kind::Text && value.is_empty() {
                return Err(wrong());
            }
            Value::from(value.as_str())
        }
        _ => return Err(wrong()),
    };
    if let Some(number) = json.as_f64() {
        let unit = slot.unit.as_deref().map_or_else(String::new, |unit| format!(" {unit}"));
        let (low, high) = (slot.min.unwrap_or(f64::MIN), slot.max.unwrap_or(f64::MAX));
        if !(low..=high).contains(&number) {
            let text = match (slot.min, slot.max) {
                (Some(low), Some(high)) => format!("slot {name} is {number}; it must be {low} to {high}{unit}"),
                (Some(low), None) => format!("slot {name} is {number}; it must be at least {low}{unit}"),
                _ => format!("slot {name} is {number}; it must be at most {high}{unit}"),
            };
            return Err(WorkflowError::new(text));
        }
        if let Some(multiple) = slot.multiple
            && (number < 0.0 || number % multiple as f64 != 0.0)
        {
            return Err(WorkflowError::new(format!(
                "slot {name} is {number}; it must be a multiple of {multiple}{unit}"
            )));
        }
    }
    Ok(json)
}

/// A prompt without `[2s: ...]`, which FramePack's timed encoder would read as a time.
pub fn plain_prompt(prompt: &str) -> String {
    let mut plain = String::with_capacity(prompt.len());
    let mut rest = prompt;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        plain += before;
        let time = from[1..].trim_start_matches(|sign: char| sign.is_ascii_digit() || ".s- ".contains(sign));
        let is_time = from[1..].starts_with(|sign: char| sign.is_ascii_digit()) && time.starts_with(':');
        if let (true, Some(end)) = (is_time, from.find(']')) {
            plain += time[1..time.len() - (from.len() - end)].trim();
            rest = &from[end + 1..];
        } else {
            plain.push('[');
            rest = &from[1..];
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::plain_prompt;

    #[test]
    fn times_in_brackets_are_read_as_words() {
        assert_eq!(plain_prompt("She waits. [2s: she runs] He [sic] stays."), "She waits. she runs He [sic] stays.");
        assert_eq!(plain_prompt("[2.5s-4s: she turns]"), "she turns");
        assert_eq!(plain_prompt("a [ b [3 c"), "a [ b [3 c");
    }
}
