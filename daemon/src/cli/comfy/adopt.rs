//! Adopt: a graph from elsewhere becomes one of the user's workflows, with a drafted description beside it.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use studio_core::workflow::{self, Adopted, Descriptor, Workflow};

use super::{CliError, Exit, Invocation, disk};
use crate::{app::Data, cli::say, engines::comfy, text_file};

/// What `comfy adopt` is told.
#[derive(Debug)]
pub(in crate::cli) struct AdoptArgs {
    /// The graph, in whatever ComfyUI saved or was sent.
    pub file: PathBuf,
    /// Name of the workflow; without it the file's.
    pub name: Option<String>,
    /// A workflow that is there already is written anew.
    pub force: bool,
    /// Which ComfyUI it is checked against; without it every one of the settings.
    pub url: Option<String>,
}

/// Drafts the description of a graph, writes both into the user's folder, and checks them.
pub(in crate::cli) async fn adopt(invocation: &Invocation, args: AdoptArgs) -> Result<Exit, CliError> {
    let (data, shown) = (invocation.data().await?, args.file.display().to_string());
    let input = |why: String| CliError::new(Exit::Input, format!("{shown}: {why}"));
    let name = named(&args)?;
    let text = text_file::read(&args.file).map_err(|error| input(format!("cannot be read: {error}")))?;
    let posted: Value = serde_json::from_str(&text).map_err(|error| input(format!("is not JSON: {error}")))?;
    let adopted = workflow::adopt(&name, posted)
        .map_err(|faults| input(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    let folder = data.places().workflows.unwrap_or_default();
    let (graph, about) = (folder.join(format!("{name}.json")), folder.join(format!("{name}.toml")));
    let same = |path: &Path| path.canonicalize().ok() == args.file.canonicalize().ok();
    if let Some(there) = [&graph, &about].into_iter().find(|path| path.exists() && !same(path) && !args.force) {
        let message = format!("{} is there already; give another --name, or --force to write it anew", there.display());
        return Err(CliError::new(Exit::Usage, message));
    }
    std::fs::create_dir_all(&folder).map_err(|error| disk(&folder, &error))?;
    let nodes = Value::Object(adopted.workflow.graph.clone());
    write(&graph, &format!("{}\n", serde_json::to_string_pretty(&nodes).unwrap_or_default()))?;
    write(&about, &described(&adopted, &shown))?;
    let (lacks, exit) = check(&data, &adopted.workflow, args.url).await;
    let slots: Vec<&String> = adopted.workflow.about.slots.keys().collect();
    let answer = json!({
        "workflow": name, "graph": graph, "about": about, "does": adopted.workflow.about.does, "slots": slots,
        "remarks": adopted.remarks, "lacks": lacks,
    });
    say(invocation.json, &answer, || {
        out!("{} and {} are written", graph.display(), about.display());
        for (slot, held) in &adopted.workflow.about.slots {
            out!("  {slot:<18} {}", held.to.join(", "));
        }
        for remark in &adopted.remarks {
            out!("guessed: {remark}");
        }
        for lack in &lacks {
            out!("{lack}");
        }
        out!("try it: studiod comfy run {name} --set positive=\"...\" --set seed=7 --out .");
    });
    Ok(exit)
}

/// The workflow's name: what files are called, so that it can be one.
fn named(args: &AdoptArgs) -> Result<String, CliError> {
    let own = args.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = args.name.clone().or(own).unwrap_or_default();
    let fits = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '-' | '.');
    let plain: String = name.trim().chars().map(|sign| if fits(sign) { sign } else { '_' }).collect();
    let plain = plain.trim_matches(['.', '_']).to_owned();
    if plain.is_empty() || (args.name.is_some() && plain != name) {
        let message = format!("'{name}' is no name for a workflow; use letters, digits, '-' and '_'");
        return Err(CliError::new(Exit::Usage, message));
    }
    Ok(plain)
}

/// The description as TOML, what was guessed on top.
fn described(adopted: &Adopted, from: &str) -> String {
    let mut text = format!("# Drafted from {from}. What every key means: docs/workflows.md of studiod.\n");
    for remark in &adopted.remarks {
        let _ = writeln!(text, "# Guessed: {remark}.");
    }
    text + "\n" + &plain(&adopted.workflow.about)
}

/// TOML without what says nothing.
fn plain(about: &Descriptor) -> String {
    let mut table = toml::Table::try_from(about).unwrap_or_default();
    let nothing = |value: &toml::Value| value.as_array().is_some_and(Vec::is_empty) || value.as_bool() == Some(false);
    table.retain(|_, value| !nothing(value));
    // Fingerprints have its older word; people write the newer one.
    if let Some(stays) = table.remove("clings") {
        table.insert("free_after_failure".into(), stays);
    }
    for slot in table.get_mut("slots").and_then(toml::Value::as_table_mut).into_iter().flat_map(|all| all.iter_mut()) {
        if let Some(slot) = slot.1.as_table_mut() {
            slot.retain(|_, value| !nothing(value));
        }
    }
    toml::to_string(&table).unwrap_or_default()
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    std::fs::write(path, text).map_err(|error| disk(path, &error))
}

/// What the workflow lacks on each server, a sentence each, and how the command ends.
async fn check(data: &Data, flow: &Workflow, url: Option<String>) -> (Vec<String>, Exit) {
    let urls = match url {
        Some(url) => vec![url],
        None => data.config.comfy.iter().map(|server| server.url.clone()).collect(),
    };
    let only = crate::definitions::Definitions {
        workflows: [(flow.name.clone(), flow.clone())].into(),
        ..crate::definitions::Definitions::default()
    };
    let (mut said, mut exit) = (Vec::new(), Exit::Done);
    for url in urls {
        match comfy::inspect(&url, &only).await {
            Ok(report) => {
                let lacks: Vec<String> =
                    report.workflows.iter().flat_map(|(_, lacks)| lacks).map(|lack| format!("{url}: {lack}")).collect();
                if !lacks.is_empty() {
                    exit = Exit::Missing;
                }
                said.extend(lacks);
            }
            Err(trouble) => said.push(format!("{url}: not checked there: {trouble}")),
        }
    }
    (said, exit)
}
