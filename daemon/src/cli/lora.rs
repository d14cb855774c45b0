//! LoRA files on the command line: what each says of itself.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;
use studio_core::lora::{LoraAbout, LoraKind};

use super::{
    CliError, Exit, Invocation,
    kept_loras::{self, KeptCommand},
    say,
};
use crate::definitions::loras::{self, LoraFile};

/// What is done with LoRAs.
#[derive(Debug, Subcommand)]
pub(super) enum LoraCommand {
    /// List the LoRA files of the folder that `models.loras` names, by what each says of itself
    List,
    #[command(flatten)]
    Kept(KeptCommand),
    /// Say what files were trained for, how large they are inside, and what they are called by
    Show {
        /// Files in the safetensors format
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

pub(super) async fn lora(invocation: &Invocation, what: LoraCommand) -> Result<Exit, CliError> {
    match what {
        LoraCommand::List => list(invocation).await,
        LoraCommand::Kept(what) => kept_loras::kept(invocation, what).await,
        LoraCommand::Show { files } => {
            let files = read(files).await?;
            let bad = files.iter().any(|file| file.about.is_err());
            tell(invocation.json, &files);
            Ok(if bad { Exit::Input } else { Exit::Done })
        }
    }
}

async fn list(invocation: &Invocation) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let Some(folder) = data.config.models.loras.clone() else {
        let why = "no folder of LoRAs is in the settings; name the one of ComfyUI, e.g. models.loras = \"/opt/ComfyUI/models/loras\"";
        return Err(CliError::new(Exit::Usage, why));
    };
    let listed = tokio::task::spawn_blocking(move || loras::list(&folder)).await;
    let listed = listed.map_err(|error| CliError::new(Exit::Failed, error.to_string()))?;
    let (files, more) = listed.map_err(|why| CliError::new(Exit::Input, why))?;
    tell(invocation.json, &files);
    if !invocation.json && files.is_empty() {
        out!("there is no .safetensors file in it");
    }
    if !invocation.json && more {
        out!("there are more; only the first {} are looked at", files.len());
    }
    Ok(Exit::Done)
}

async fn read(files: Vec<PathBuf>) -> Result<Vec<LoraFile>, CliError> {
    let one = |path: &Path| LoraFile {
        name: path.display().to_string(),
        bytes: std::fs::metadata(path).map_or(0, |about| about.len()),
        about: loras::read(path),
    };
    let read = tokio::task::spawn_blocking(move || files.iter().map(|path| one(path)).collect()).await;
    read.map_err(|error| CliError::new(Exit::Failed, error.to_string()))
}

fn tell(json: bool, files: &[LoraFile]) {
    let view = |file: &LoraFile| {
        let (about, fault) = (file.about.as_ref().ok(), file.about.as_ref().err());
        json!({ "name": file.name, "bytes": file.bytes, "about": about, "fault": fault })
    };
    say(json, &json!({ "loras": files.iter().map(view).collect::<Vec<_>>() }), || {
        for file in files {
            match &file.about {
                Ok(about) => out!("{}: {}", file.name, sentence(about, file.bytes)),
                Err(why) => out!("{}: {why}", file.name),
            }
        }
    });
}

/// `sdxl LoRA, rank 16, 722 layers, 218.4 MiB; words: mirax7, 1girl`.
fn sentence(about: &LoraAbout, bytes: u64) -> String {
    let base = match about.architecture {
        Some(architecture) => architecture.word(),
        None if about.kind == LoraKind::Other => return "it is no LoRA".into(),
        None => "nothing tells for which model,",
    };
    let kind = match about.kind {
        LoraKind::Lora | LoraKind::Other => "LoRA",
        LoraKind::Dora => "DoRA",
        LoraKind::Loha => "LoHa",
        LoraKind::Lokr => "LoKr",
    };
    let mut parts = vec![format!("{base} {kind}")];
    parts.extend(about.rank.map(|rank| format!("rank {rank}")));
    parts.push(format!("{} layers", about.layers));
    parts.push(format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)));
    if about.text_encoder {
        parts.push("with text encoder".into());
    }
    let words =
        if about.triggers.is_empty() { String::new() } else { format!("; words: {}", about.triggers.join(", ")) };
    format!("{}{words}", parts.join(", "))
}
