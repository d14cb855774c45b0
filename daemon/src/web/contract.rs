//! Contract: the description of the API as it is checked in and served, made from the route table.

use std::collections::BTreeSet;

use serde_json::Value;
use utoipa::openapi::OpenApi;

/// The contract as JSON, the same at every build.
pub fn text(contract: &OpenApi) -> String {
    let mut contract = serde_json::to_value(contract).unwrap_or_default();
    for operation in operations(&mut contract) {
        // A function is called `list` in many files; outside they are `takes_list` and `episodes_list`.
        if let (Some(noun), Some(name)) = (operation["tags"][0].as_str(), operation["operationId"].as_str()) {
            operation["operationId"] = format!("{noun}_{name}").into();
        }
    }
    leave_out_nulls(&mut contract);
    let mut text = serde_json::to_string_pretty(&contract).unwrap_or_default();
    text.push('\n');
    text
}

fn operations(contract: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = contract["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    paths.flat_map(|path| path.as_object_mut().into_iter().flat_map(|all| all.values_mut()))
}

/// What is only ever sent to the studio need not say that a field left out is `null`: who makes types of the contract
/// would take the field for one that is always there.
fn leave_out_nulls(contract: &mut Value) {
    let (mut sent, mut told) = (BTreeSet::new(), BTreeSet::new());
    for operation in operations(&mut contract.clone()) {
        reach(contract, &operation["requestBody"], &mut sent);
        reach(contract, &operation["responses"], &mut told);
    }
    for name in sent.difference(&told) {
        let fields = contract["components"]["schemas"][name]["properties"].as_object_mut();
        for field in fields.into_iter().flat_map(|fields| fields.values_mut()).filter_map(Value::as_object_mut) {
            if field.get("default") == Some(&Value::Null) {
                field.remove("default");
            }
        }
    }
}

/// Adds the names of all schemas that `part` leads to.
fn reach(contract: &Value, part: &Value, names: &mut BTreeSet<String>) {
    match part {
        Value::Object(object) => {
            if let Some(name) = object.get("$ref").and_then(|to| to.as_str()?.strip_prefix("#/components/schemas/"))
                && names.insert(name.to_owned())
            {
                reach(contract, &contract["components"]["schemas"][name], names);
            }
            object.values().for_each(|one| reach(contract, one, names));
        }
        Value::Array(all) => all.iter().for_each(|one| reach(contract, one, names)),
        _ => {}
    }
}
