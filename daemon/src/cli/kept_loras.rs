//! Kept LoRAs on the command line: of characters and of whole films, which of them films use, and what they are asked for by.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Map, Value, json};
use studio_core::{
    ids::LoraId,
    project::{Project, same_name},
};

use super::{
    CliError, Exit, Invocation,
    client::Call,
    said::Said,
    train::{one_of, text},
};
use crate::store;

/// What is done about LoRAs the studio looks after.
#[derive(Debug, Subcommand)]
pub(super) enum KeptCommand {
    /// List the LoRAs of a character: trained and imported ones, and which films use
    Of {
        /// Name of the character; with --film the name of a project
        name: String,
        /// Those that are for whole films of a project
        #[arg(long)]
        film: bool,
    },
    /// Take a LoRA from outside for a character
    Import {
        /// Name of the character; with --film the name of a project
        name: String,
        /// The file, in the safetensors format
        file: PathBuf,
        /// It is for whole films of a project: a style, or a thing that screenplays ask for
        #[arg(long)]
        film: bool,
    },
    /// Have films use a LoRA in place of whichever they used
    Use {
        /// Id of the LoRA, or its beginning or end
        lora: String,
    },
    /// Have films use a LoRA no longer, and none in its place
    Unuse {
        /// Id of the LoRA, or its beginning or end
        lora: String,
    },
    /// Change what a LoRA is called with and asked for by, or how strongly it acts
    Set {
        /// Id of the LoRA, or its beginning or end
        lora: String,
        /// The word it is called with in prompts; empty: none
        #[arg(long, value_name = "WORD")]
        trigger: Option<String>,
        /// How strongly it acts, in percent
        #[arg(long, value_name = "PERCENT")]
        strength: Option<u32>,
        /// What screenplays ask for it by, e.g. "red dress"; empty: films use it without being asked
        #[arg(long)]
        name: Option<String>,
        /// Whether it stands in for the character's usual one where it is asked for
        #[arg(long, value_name = "true|false")]
        instead: Option<bool>,
    },
    /// Take a LoRA out of the library that films do not use
    Remove {
        /// Id of the LoRA, or its beginning or end
        lora: String,
    },
}

pub(super) async fn kept(invocation: &Invocation, what: KeptCommand) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let mut said = Said::to(invocation, &data)?;
    said.about_loras(what).await?;
    said.client.leave().await?;
    Ok(Exit::Done)
}

impl Said<'_> {
    async fn about_loras(&mut self, what: KeptCommand) -> Result<(), CliError> {
        match what {
            KeptCommand::Of { name, film } => {
                let (path, called) = self.loras_at(&name, film).await?;
                let list = self.client.call(Call::get(&path)).await?;
                self.tell(&list, || {
                    let lines: Vec<String> = list["loras"].as_array().into_iter().flatten().map(lora_line).collect();
                    if lines.is_empty() { format!("{called} has no LoRA yet") } else { lines.join("\n") }
                });
            }
            KeptCommand::Import { name, file, film } => {
                let (path, _) = self.loras_at(&name, film).await?;
                let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let call = Call::upload(&path, &name, file, "");
                let view = self.client.call(call).await?;
                self.tell(&view, || lora_line(&view));
            }
            KeptCommand::Use { lora } => self.call_lora(&lora, |path| Call::post(&format!("{path}/use"), None)).await?,
            KeptCommand::Unuse { lora } => self.call_lora(&lora, |path| Call::delete(&format!("{path}/use"))).await?,
            KeptCommand::Set { lora, trigger, strength, name, instead } => {
                if trigger.is_none() && strength.is_none() && name.is_none() && instead.is_none() {
                    return Err(CliError::new(Exit::Usage, "give --trigger, --strength, --name or --instead"));
                }
                let mut said = Map::new();
                said.extend(trigger.map(|word| ("trigger".to_owned(), json!(word))));
                said.extend(strength.map(|percent| ("strength".to_owned(), json!(percent))));
                said.extend(name.map(|name| ("name".to_owned(), json!(name))));
                said.extend(instead.map(|instead| ("instead".to_owned(), json!(instead))));
                self.call_lora(&lora, |path| Call::patch(path, Value::Object(said))).await?;
            }
            KeptCommand::Remove { lora } => {
                let id = self.kept_lora(&lora).await?;
                self.client.call(Call::delete(&format!("/api/kept-loras/{id}"))).await?;
                self.tell(&json!({ "removed": id }), || format!("LoRA {id} is taken out"));
            }
        }
        Ok(())
    }

    async fn call_lora(&mut self, part: &str, call: impl FnOnce(&str) -> Call) -> Result<(), CliError> {
        let id = self.kept_lora(part).await?;
        let view = self.client.call(call(&format!("/api/kept-loras/{id}"))).await?;
        self.tell(&view, || lora_line(&view));
        Ok(())
    }

    /// Where the LoRAs of a character, or of a project, are, and what it is called.
    async fn loras_at(&self, name: &str, film: bool) -> Result<(String, String), CliError> {
        if !film {
            let one = self.character(name).await?;
            return Ok((format!("/api/characters/{}/loras", one.id), one.name));
        }
        let projects = store::projects::list(&self.data.context.db).await?;
        let called = |one: &&Project| same_name(&one.title, name) || one.slug == name;
        let Some(project) = projects.iter().find(called) else {
            let all: Vec<&str> = projects.iter().map(|one| one.slug.as_str()).collect();
            let why = format!("no project is called '{name}'; there are: {}", all.join(", "));
            return Err(CliError::new(Exit::Usage, why));
        };
        Ok((format!("/api/projects/{}/loras", project.id), project.title.clone()))
    }

    /// The LoRA whose id begins or ends with this.
    async fn kept_lora(&self, part: &str) -> Result<LoraId, CliError> {
        one_of(&store::loras::find(&self.data.context.db, part).await?, "LoRA", part, "studiod lora of NAME")
    }
}

/// A LoRA in a line.
fn lora_line(view: &Value) -> String {
    let lora = &view["lora"];
    let from = lora["epoch"].as_u64().map_or_else(|| "imported".to_owned(), |epoch| format!("epoch {epoch}"));
    let used = if lora["active"] == true { "in use" } else { "kept" };
    let placed = if view["placed"] == true { "" } else { ", not in ComfyUI's folder" };
    let asked = match (text(&lora["name"]), lora["instead"] == true) {
        ("", _) => String::new(),
        (name, false) => format!(" where '{name}' is asked for"),
        (name, true) => format!(" where '{name}' is asked for, instead of the usual one"),
    };
    format!(
        "{}  {:6} {used:6}{asked} {from}, '{}' at {} %, {}{placed}; {} shots in {} episodes are made with such a one",
        text(&lora["id"]),
        text(&lora["architecture"]),
        text(&lora["trigger"]),
        lora["strength"],
        text(&lora["file"]),
        view["shots"],
        view["episodes"],
    )
}
