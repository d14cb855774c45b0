//! Posted: the graph in whatever it was saved or sent as.

use serde_json::{Map, Value};

use super::WorkflowError;

/// Where ComfyUI saves a graph as its API takes it.
const EXPORT: &str = "in ComfyUI open it and choose Workflow > Export (API)";

/// The graph in API form: node id to `class_type` and `inputs`. It may be the graph itself, or the one graph in the body
/// of `POST /prompt`, in an entry of `/history`, or in the text that ComfyUI writes into its pictures.
///
/// # Errors
/// It is the editor's form, or no graph; one sentence with the remedy.
pub fn graph_of(posted: Value) -> Result<Map<String, Value>, WorkflowError> {
    let Value::Object(mut object) = posted else {
        return Err(WorkflowError::new(format!("the graph is not an object of nodes; {EXPORT}")));
    };
    if is_graph(&object) || object.is_empty() {
        return Ok(object);
    }
    if is_editors(&object) {
        return Err(WorkflowError::new(format!("the graph is in the editor's form, not the API's; {EXPORT}")));
    }
    // `output` beside `workflow` is what the editor itself sends from.
    if let Some(inner) = ["prompt", "output"].into_iter().find_map(|key| object.remove(key)) {
        return unwrapped(inner);
    }
    // An answer of /history: id of a prompt to its entry.
    if object.len() == 1
        && let Some((_, Value::Object(mut entry))) = object.clone().into_iter().next()
        && let Some(inner) = entry.remove("prompt")
    {
        return unwrapped(inner);
    }
    // What is wrong with it is said node by node.
    Ok(object)
}

/// A graph out of its envelope: as it is, as text, or third in a row with its number and id.
fn unwrapped(inner: Value) -> Result<Map<String, Value>, WorkflowError> {
    let graph = match inner {
        Value::Object(graph) => Some(graph),
        Value::String(text) => serde_json::from_str(&text).ok(),
        Value::Array(row) => row.into_iter().find_map(|one| match one {
            Value::Object(graph) if is_graph(&graph) => Some(graph),
            _ => None,
        }),
        _ => None,
    };
    match graph {
        Some(graph) if is_graph(&graph) => Ok(graph),
        Some(graph) if is_editors(&graph) => graph_of(Value::Object(graph)),
        _ => Err(WorkflowError::new(format!(
            "this is a body for ComfyUI's /prompt, and what it sends as \"prompt\" is no graph; {EXPORT}"
        ))),
    }
}

/// Whether every value is a node in API form.
fn is_graph(object: &Map<String, Value>) -> bool {
    !object.is_empty() && object.values().all(|node| node.get("class_type").is_some())
}

/// Whether it is what the editor saves for itself: lists of nodes and links with their places.
fn is_editors(object: &Map<String, Value>) -> bool {
    object.get("nodes").is_some_and(Value::is_array)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_graph_is_found_in_whatever_it_was_sent_as() {
        let graph = json!({ "9": { "class_type": "SaveImage", "inputs": {} } });
        let row = json!([4, "id", graph, {}, ["9"]]);
        for posted in [
            graph.clone(),
            json!({ "prompt": graph, "client_id": "me" }),
            json!({ "prompt": graph.to_string() }),
            json!({ "output": graph, "workflow": { "nodes": [] } }),
            json!({ "prompt": row, "outputs": {} }),
            json!({ "0c1f": { "prompt": row, "outputs": {} } }),
        ] {
            assert_eq!(graph_of(posted.clone()).map(Value::Object), Ok(graph.clone()), "{posted}");
        }
    }

    #[test]
    fn what_is_no_graph_says_how_to_get_one() {
        for (posted, said) in [
            (json!([1]), "not an object of nodes"),
            (json!({ "nodes": [], "links": [], "version": 0.4 }), "the editor's form"),
            (json!({ "prompt": { "nodes": [] } }), "the editor's form"),
            (json!({ "prompt": "a cat" }), "a body for ComfyUI's /prompt"),
        ] {
            let why = graph_of(posted.clone()).unwrap_err().to_string();
            assert!(why.contains(said) && why.contains("Export (API)"), "{posted}: {why}");
        }
        let odd = json!({ "1": { "inputs": {} }, "2": { "class_type": "A", "inputs": {} } });
        assert_eq!(graph_of(odd.clone()).map(Value::Object), Ok(odd), "its nodes are checked one by one");
    }
}
