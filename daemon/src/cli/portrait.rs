//! Portrait: reference sheets of characters and establishing pictures of places, on the command line.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};
use studio_core::{
    character::same_name,
    ids::{EpisodeId, PortraitId},
    views::{PortraitOwner, PortraitView},
};

use super::{CliError, Exit, Invocation, client::Call, said::Said};
use crate::store;

/// What is done about reference sheets.
#[derive(Debug, Subcommand)]
pub(super) enum PortraitCommand {
    /// Show the sheet of a character, or the pictures of a place: what there is, and what is being made
    Show {
        /// Name of the character or the place
        name: String,
    },
    /// Have portraits made, all at once, from words alone
    Make {
        /// Name of the character or the place; without one, of everybody and every place of a project or an episode
        /// who lacks any
        #[arg(required_unless_present_any = ["project", "episode"])]
        name: Option<String>,
        /// What they show, e.g. `full_body` or `face`; may be given several times. The whole sheet without
        #[arg(long, value_name = "VIEW", requires = "name")]
        view: Vec<String>,
        /// Of everybody of this project: its short name
        #[arg(long, value_name = "SLUG", conflicts_with = "name")]
        project: Option<String>,
        /// Of everybody in this episode: its id
        #[arg(long, value_name = "ID", conflicts_with_all = ["name", "project"])]
        episode: Option<EpisodeId>,
    },
    /// Have the same view made once more, with another seed
    Again {
        /// Id of the portrait, or its beginning or end
        portrait: String,
    },
    /// Have one made that begins with a portrait and follows words
    Refine {
        /// Id of the portrait, or its beginning or end
        portrait: String,
        /// What is to be different, e.g. "older, grey beard"
        words: String,
        /// How far the new one may leave the old one, 5 to 95 percent
        #[arg(long, value_name = "PERCENT", default_value_t = 55)]
        strength: u32,
    },
    /// Take a picture as a portrait; it is approved at once
    Add {
        /// Name of the character or the place
        name: String,
        /// The picture (PNG, JPEG, WebP)
        file: PathBuf,
        /// What it shows of a character
        #[arg(long, value_name = "VIEW", default_value = "full_body")]
        view: String,
    },
    /// Approve portraits: they are references from now on
    Approve {
        /// Ids of portraits, or their beginnings or ends
        #[arg(required = true)]
        portraits: Vec<String>,
    },
    /// Reject portraits: they are no references
    Reject {
        /// Ids of portraits, or their beginnings or ends
        #[arg(required = true)]
        portraits: Vec<String>,
        /// What is wrong, in words
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Take back what was decided of a portrait
    Undo {
        /// Id of the portrait, or its beginning or end
        portrait: String,
    },
    /// Take portraits out that are not approved
    Remove {
        /// Ids of portraits, or their beginnings or ends
        #[arg(required = true)]
        portraits: Vec<String>,
    },
}

pub(super) async fn portrait(invocation: &Invocation, what: PortraitCommand) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let mut said = Said::to(invocation, &data)?;
    said.about_portraits(what).await?;
    said.client.leave().await?;
    Ok(Exit::Done)
}

impl Said<'_> {
    async fn about_portraits(&mut self, what: PortraitCommand) -> Result<(), CliError> {
        match what {
            PortraitCommand::Show { name } => {
                let owner = self.owner(&name).await?;
                self.show_sheet(owner).await
            }
            PortraitCommand::Make { name: Some(name), view, .. } => {
                let owner = self.owner(&name).await?;
                known(&view)?;
                self.ask_portraits(owner, Call::post(&of(owner), Some(json!({ "views": view })))).await
            }
            PortraitCommand::Make { project, episode, .. } => self.complete(project, episode).await,
            PortraitCommand::Again { portrait } => {
                let (id, owner) = self.portrait(&portrait).await?;
                self.ask_portraits(owner, Call::post(&format!("/api/portraits/{id}/again"), None)).await
            }
            PortraitCommand::Refine { portrait, words, strength } => {
                let (id, owner) = self.portrait(&portrait).await?;
                let body = json!({ "words": words, "strength_percent": strength });
                self.ask_portraits(owner, Call::post(&format!("/api/portraits/{id}/refine"), Some(body))).await
            }
            PortraitCommand::Add { name, file, view } => self.add_portrait(&name, file, view).await,
            PortraitCommand::Approve { portraits } => self.decide_portraits(&portraits, json!({ "good": true })).await,
            PortraitCommand::Reject { portraits, note } => {
                self.decide_portraits(&portraits, json!({ "good": false, "note": note })).await
            }
            PortraitCommand::Undo { portrait } => {
                let (id, _) = self.portrait(&portrait).await?;
                let answer = self.client.call(Call::delete(&format!("/api/portraits/{id}/decision"))).await?;
                self.tell(&answer, || format!("{id} waits for a person"));
                Ok(())
            }
            PortraitCommand::Remove { portraits } => {
                for one in portraits {
                    let (id, _) = self.portrait(&one).await?;
                    self.client.call(Call::delete(&format!("/api/portraits/{id}"))).await?;
                    self.tell(&json!({ "removed": id }), || format!("{id} is taken out"));
                }
                Ok(())
            }
        }
    }

    async fn show_sheet(&mut self, owner: PortraitOwner) -> Result<(), CliError> {
        let sheet = self.client.call(Call::get(&of(owner))).await?;
        self.tell(&sheet, || told(&sheet));
        Ok(())
    }

    /// Asks for portraits. Without a service the command itself makes them, and shows what came of it.
    async fn ask_portraits(&mut self, owner: PortraitOwner, call: Call) -> Result<(), CliError> {
        let answer = self.client.call(call).await?;
        if !self.client.is_running() {
            self.client.settle(of(owner)).await?;
            return self.show_sheet(owner).await;
        }
        self.tell(&answer, || format!("{} portraits will be made", answer["portraits"]));
        Ok(())
    }

    async fn complete(&mut self, project: Option<String>, episode: Option<EpisodeId>) -> Result<(), CliError> {
        let path = match (project, episode) {
            (_, Some(episode)) => format!("/api/episodes/{episode}/portraits"),
            (slug, None) => {
                let slug = slug.unwrap_or_default();
                let all = store::projects::list(&self.data.context.db).await?;
                let one = all.iter().find(|one| one.slug == slug).ok_or_else(|| {
                    let slugs: Vec<&str> = all.iter().map(|one| one.slug.as_str()).collect();
                    CliError::new(Exit::Usage, format!("there is no project '{slug}'; there are {}", slugs.join(", ")))
                })?;
                format!("/api/projects/{}/portraits", one.id)
            }
        };
        let answer = self.client.call(Call::post(&path, None)).await?;
        let owners: Vec<PortraitOwner> = serde_json::from_value(answer["of"].clone()).unwrap_or_default();
        let running = self.client.is_running();
        for owner in owners.iter().filter(|_| !running) {
            self.client.settle(of(*owner)).await?;
        }
        let done = if running { "will be made" } else { "were made" };
        self.tell(&answer, || format!("sheets of {} characters and places {done}", owners.len()));
        Ok(())
    }

    async fn add_portrait(&mut self, name: &str, file: PathBuf, view: String) -> Result<(), CliError> {
        let owner = self.owner(name).await?;
        known(std::slice::from_ref(&view))?;
        let called = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // A place has its one view.
        let more = owner.character().map_or_else(String::new, |_| format!("&view={view}"));
        let answer = self.client.call(Call::upload(&format!("{}/upload", of(owner)), &called, file, &more)).await?;
        self.tell(&answer, || line(&answer));
        Ok(())
    }

    async fn decide_portraits(&mut self, portraits: &[String], decision: Value) -> Result<(), CliError> {
        for one in portraits {
            let (id, _) = self.portrait(one).await?;
            let path = format!("/api/portraits/{id}/decision");
            let answer = self.client.call(Call::put(&path, Some(decision.clone()))).await?;
            self.tell(&answer, || line(&answer));
        }
        Ok(())
    }

    /// The character, or the place, of this name, short name or identity.
    async fn owner(&self, named: &str) -> Result<PortraitOwner, CliError> {
        let db = &self.data.context.db;
        let mut found = Vec::new();
        let fits = |name: &str, slug: &str, id: String| same_name(name, named) || slug == named || id == named;
        for project in store::projects::list(db).await? {
            for one in store::characters::of_project(db, project.id).await? {
                if fits(&one.name, &one.slug, one.id.to_string()) {
                    found.push((project.slug.clone(), PortraitOwner::Character(one.id)));
                }
            }
            for one in store::locations::of_project(db, project.id).await? {
                if fits(&one.name, &one.slug, one.id.to_string()) {
                    found.push((project.slug.clone(), PortraitOwner::Location(one.id)));
                }
            }
        }
        match found.len() {
            1 => Ok(found.swap_remove(0).1),
            0 => Err(CliError::new(Exit::Usage, format!("there is no character and no place '{named}'"))),
            _ => {
                let all: Vec<String> =
                    found.iter().map(|(slug, one)| format!("{} in {slug}", one.id().hyphenated())).collect();
                let message = format!("several are called '{named}'; give one by its id: {}", all.join(", "));
                Err(CliError::new(Exit::Usage, message))
            }
        }
    }

    /// The portrait whose id begins or ends with this, and whose it is.
    async fn portrait(&self, part: &str) -> Result<(PortraitId, PortraitOwner), CliError> {
        let db = &self.data.context.db;
        let found = store::portraits::find(db, part).await?;
        match found[..] {
            [id] => Ok((id, store::portraits::get(db, id).await?.owner)),
            [] => {
                let message = format!("there is no portrait '{part}'; 'studiod portrait show NAME' lists them");
                Err(CliError::new(Exit::Usage, message))
            }
            _ => {
                let message = format!("several portraits are called '{part}'; give more of the id");
                Err(CliError::new(Exit::Usage, message))
            }
        }
    }
}

/// The address of a sheet.
fn of(owner: PortraitOwner) -> String {
    match owner {
        PortraitOwner::Character(id) => format!("/api/characters/{id}/portraits"),
        PortraitOwner::Location(id) => format!("/api/locations/{id}/portraits"),
    }
}

/// Refuses what is no view, before anything is asked.
fn known(views: &[String]) -> Result<(), CliError> {
    let all = || PortraitView::OF_CHARACTERS.into_iter().chain([PortraitView::Establishing]).map(PortraitView::word);
    let Some(wrong) = views.iter().find(|view| all().all(|one| one != view.as_str())) else { return Ok(()) };
    let all: Vec<&str> = all().collect();
    Err(CliError::new(Exit::Usage, format!("there is no view '{wrong}'; there are {}", all.join(", "))))
}

/// A sheet in a few lines.
fn told(sheet: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![format!("{}:", text(&sheet["name"]))];
    lines.extend(sheet["portraits"].as_array().into_iter().flatten().map(line));
    let making = sheet["making"].as_array().into_iter().flatten();
    lines.extend(making.map(|one| format!("{:36}  {:14} is being made", "", text(&one["view"]))));
    if lines.len() == 1 {
        lines.push("no portraits; 'studiod portrait make' has some made, 'studiod portrait add' takes one".into());
    }
    lines.join("\n")
}

/// A portrait in a line.
fn line(one: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let score = one["verdict"]["score"].as_f64().map_or("  - ".into(), |score| format!("{score:.2}"));
    let words =
        one["source"]["refinement"]["words"].as_str().map_or_else(String::new, |words| format!("  \"{words}\""));
    format!("{}  {:14} {:8} {score}{words}", text(&one["id"]), text(&one["view"]), text(&one["state"]))
}
