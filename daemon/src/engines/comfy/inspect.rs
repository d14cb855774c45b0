//! Inspect: what a server has, and what each workflow lacks there.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;
use studio_core::workflow::{Lack, SlotValue, Workflow};

use super::{
    client::{Client, Trouble},
    server::Facts,
    wire::SystemStats,
};
use crate::definitions::Definitions;

/// What is missing on a server, as one sentence.
pub type Lacking = Lack;

/// Everything `flow` lacks on a server, with `values` put in. Pictures and prefixes need no value for that.
pub fn missing(flow: &Workflow, values: &BTreeMap<String, SlotValue>, facts: &Facts) -> Vec<Lack> {
    let graph = flow.fill(values);
    flow.lacks(&graph, &facts.nodes, &facts.folders)
}

/// What a look at a server found.
#[derive(Debug)]
pub struct Report {
    /// Version of ComfyUI, its command line and the cards it sees.
    pub stats: SystemStats,
    /// It names the prompt of each preview.
    pub names_previews: bool,
    /// It was started with previews on; `None` when its command line does not say.
    pub previews: Option<bool>,
    /// It knows `/api/jobs` (0.26 and later).
    pub has_jobs: bool,
    /// How many classes of nodes it has.
    pub nodes: usize,
    /// Model files by folder; empty folders are left out.
    pub models: BTreeMap<String, Vec<String>>,
    /// Per workflow, what it lacks; nothing: it can run.
    pub workflows: Vec<(String, Vec<Lack>)>,
    /// Prompts in its queue that are not the studio's.
    pub foreign: usize,
}

/// Looks at the server at `url` without changing anything there.
pub async fn inspect(url: &str, definitions: &Definitions) -> Result<Report, Trouble> {
    let client = Client::new(url)?;
    let stats = client.system_stats().await?;
    let features = client.features().await.unwrap_or(Value::Null);
    let info = client.object_info().await?;
    let facts = Facts {
        nodes: studio_core::workflow::Nodes::from_object_info(&info),
        has_jobs: client.has_jobs().await?,
        folders: client.folders().await?,
        stats,
    };
    let workflows = definitions
        .workflows
        .values()
        .map(|flow| (flow.name.clone(), missing(flow, &BTreeMap::new(), &facts)))
        .collect();
    let argv = &facts.stats.system.argv;
    let method = argv.iter().position(|word| word == "--preview-method").and_then(|at| argv.get(at + 1));
    Ok(Report {
        names_previews: features.get("supports_preview_metadata").and_then(Value::as_bool).unwrap_or(false),
        previews: (!argv.is_empty()).then(|| method.is_some_and(|method| method != "none")),
        has_jobs: facts.has_jobs,
        nodes: info.as_object().map_or(0, serde_json::Map::len),
        models: facts.folders.clone().into_iter().filter(|(_, files)| !files.is_empty()).collect(),
        workflows,
        foreign: client.queue().await?.foreign(),
        stats: facts.stats,
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
        writeln!(f, "ComfyUI {}", self.stats.system.comfyui_version)?;
        for card in &self.stats.devices {
            writeln!(
                f,
                "  card       {}, {:.1} of {:.1} GiB free",
                card.name,
                gib(card.vram_free),
                gib(card.vram_total)
            )?;
        }
        writeln!(f, "  nodes      {} classes", self.nodes)?;
        let files: usize = self.models.values().map(Vec::len).sum();
        writeln!(f, "  models     {files} files in {} folders", self.models.len())?;
        let previews = match self.previews {
            Some(true) => "on",
            Some(false) => "off: start ComfyUI with --preview-method auto to see takes while they are made",
            None => "not told",
        };
        writeln!(f, "  previews   {previews}")?;
        if !self.has_jobs {
            writeln!(f, "  cancel     the old way, this version has no /api/jobs: ComfyUI 0.26 or later is better")?;
        }
        if self.foreign > 0 {
            writeln!(
                f,
                "  queue      {} prompts of others; the studio waits for them and never touches them",
                self.foreign
            )?;
        }
        for (name, lacks) in &self.workflows {
            if lacks.is_empty() {
                writeln!(f, "  ready      {name}")?;
            }
        }
        for (name, lacks) in self.workflows.iter().filter(|(_, lacks)| !lacks.is_empty()) {
            writeln!(f, "  lacks      {name}")?;
            for lack in lacks {
                writeln!(f, "               {lack}")?;
            }
        }
        Ok(())
    }
}
