//! Dataset: the pictures of characters that models are trained on, on the command line.

mod files;
mod one;
mod reviews;
mod told;
mod unnamed;
mod videos;

use std::{collections::BTreeMap, path::PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};
use studio_core::{
    character::Character,
    dataset::Rejection,
    ids::{CharacterId, EpisodeId, PictureId},
};

use reviews::Many;
use told::{about, arrived};
use videos::Part;

use super::{CliError, Exit, Invocation, client::Call, said::Said};
use crate::store;

/// What is done about a dataset, or a picture of one.
#[derive(Debug, Subcommand)]
pub(super) enum DatasetCommand {
    /// List every character with how many pictures they have
    List,
    /// Show a dataset: what there is, what is missing, and why nothing happens now
    Show {
        /// Name of the character
        character: String,
    },
    /// Let the studio fill it by itself until the target is reached
    Fill {
        /// Name of the character
        character: String,
        /// No longer
        #[arg(long)]
        off: bool,
    },
    /// Let the filling rest
    Pause {
        /// Name of the character
        character: String,
    },
    /// Let it go on
    Resume {
        /// Name of the character
        character: String,
    },
    /// Change its settings
    Set {
        /// Name of the character
        character: String,
        /// KEY=VALUE, e.g. target=30 or approve=0.85
        #[arg(required = true, value_name = "KEY=VALUE")]
        settings: Vec<String>,
    },
    /// Take pictures, ZIP archives of pictures, or the best frames of videos into it
    Add {
        /// Name of the character
        character: String,
        /// Pictures (PNG, JPEG, WebP), ZIP archives, or videos (mp4, mov, mkv, webm)
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        part: Part,
    },
    /// Have a video fetched with yt-dlp, and its best frames taken
    Fetch {
        /// Name of the character
        character: String,
        /// Address of the video
        url: String,
        /// You say that you may use it; kept with every picture
        #[arg(long)]
        may_use: bool,
        #[command(flatten)]
        part: Part,
    },
    /// List videos on their way into it, and what came of them
    Ingests {
        /// Name of the character
        character: String,
    },
    /// Stop a video on its way; pictures that have arrived stay
    Stop {
        /// Id of the ingest, or its beginning or end
        ingest: String,
    },
    /// Take accepted pictures of films that show nobody else into it
    Stills {
        /// Name of the character
        character: String,
        /// Only those of this episode: its id
        #[arg(long, value_name = "ID")]
        episode: Option<EpisodeId>,
    },
    /// Take pictures that a ComfyUI of the settings has finished into it, the newest first
    Comfy {
        /// Name of the character
        character: String,
        /// Name of the ComfyUI in the settings; not needed where there is only one
        #[arg(long)]
        server: Option<String>,
        /// Only of prompts with this text in them
        #[arg(long, value_name = "TEXT", default_value = "")]
        matching: String,
        /// Only what ended at this moment or later, e.g. 2026-11-28T20:00Z
        #[arg(long, value_name = "MOMENT")]
        since: Option<jiff::Timestamp>,
        /// How many new ones at most
        #[arg(short = 'n', long, default_value_t = 100)]
        most: u32,
    },
    /// Have pictures made now
    Make {
        /// Name of the character
        character: String,
        /// How many
        #[arg(short = 'n', long, default_value_t = 1)]
        pictures: u32,
        /// What they show, AXIS=WORD, e.g. angle=side; may be given several times
        #[arg(long, value_name = "AXIS=WORD")]
        show: Vec<String>,
    },
    /// List its pictures, newest first
    Pictures {
        /// Name of the character
        character: String,
        /// Only those in this state: pending, approved, rejected
        #[arg(long, value_parser = ["pending", "approved", "rejected"])]
        state: Option<String>,
        /// Near-duplicates of others, too
        #[arg(long)]
        duplicates: bool,
    },
    /// Show a picture: what is known of it, what it was made from, and what it led to
    Picture {
        /// Id of the picture, or its beginning or end
        picture: String,
    },
    /// Say what a picture shows; what is left out stays
    Place {
        /// Id of the picture, or its beginning or end
        picture: String,
        /// AXIS=WORD, e.g. angle=side; AXIS= for none of its words
        #[arg(required = true, value_name = "AXIS=WORD")]
        shows: Vec<String>,
    },
    /// Approve pictures
    Approve {
        /// Ids of pictures, or their beginnings or ends
        #[arg(required = true)]
        pictures: Vec<String>,
    },
    /// Reject pictures
    Reject {
        /// Ids of pictures, or their beginnings or ends
        #[arg(required = true)]
        pictures: Vec<String>,
        /// What is wrong, e.g. `not_solo`; may be given several times
        #[arg(long, value_name = "CATEGORY")]
        because: Vec<String>,
        /// Anything else
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Take back what was decided of a picture
    Undo {
        /// Id of the picture, or its beginning or end
        picture: String,
    },
    /// Have a picture judged once more, or many pictures of a character
    Review {
        /// Name of the character; or id of a picture, or its beginning or end
        what: String,
        #[command(flatten)]
        many: Many,
    },
    /// Have a rejected picture made again, differently
    Repair {
        /// Id of the picture, or its beginning or end
        picture: String,
    },
    /// Say what is told of a picture in training
    Caption {
        /// Id of the picture, or its beginning or end
        picture: String,
        /// One line, without the trigger word; empty: nothing
        text: String,
    },
    /// Have a vision model write its captions, or find words in them and replace them
    Captions {
        /// Name of the character
        character: String,
        #[command(flatten)]
        how: files::CaptionWork,
    },
    /// List what is told of its approved pictures, tag by tag
    Tags {
        /// Name of the character
        character: String,
    },
    /// Show which pictures are near-duplicates, or would be under other thresholds
    Copies {
        /// Name of the character
        character: String,
        /// Bits of 256 in which the DCT hashes of a copy may differ, instead of `copy_dct`
        #[arg(long, value_name = "BITS")]
        dct: Option<u32>,
        /// Bits of 256 in which the gradient hashes of a copy may differ, instead of `copy_gradient`
        #[arg(long, value_name = "BITS")]
        gradient: Option<u32>,
    },
    /// Write its approved pictures with captions for a training program
    Export {
        /// Name of the character
        character: String,
        /// For which program
        #[arg(long, default_value = "kohya", value_parser = ["kohya", "ai-toolkit", "musubi"])]
        layout: String,
        /// For which kind of model, where the layout leaves it open
        #[arg(long, default_value = "sd15", value_parser = ["sd15", "sdxl"])]
        base: String,
        /// A folder that is not there yet, or a .zip file
        #[arg(long, value_name = "FOLDER|FILE.zip")]
        to: PathBuf,
    },
    /// Take the pictures of a training program's folder, or of a ZIP archive of one, with their captions
    Import {
        /// Name of the character
        character: String,
        /// The folder, or the archive
        #[arg(value_name = "FOLDER|ZIP")]
        from: PathBuf,
    },
    /// Take pictures of a project, whoever is in them; a vision model says who it is
    Sort {
        /// Short name, or title, of the project
        project: String,
        /// Pictures (PNG, JPEG, WebP), or ZIP archives
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// List pictures of a project that nobody has named yet
    Unnamed {
        /// Short name, or title, of the project
        project: String,
    },
    /// Say who is in a picture that has no name yet
    Name {
        /// Id of the picture, or its beginning or end
        picture: String,
        /// Name of the character
        character: String,
    },
    /// Move a picture into another character's dataset
    Reassign {
        /// Id of the picture, or its beginning or end
        picture: String,
        /// Name of the other character
        character: String,
    },
    /// Take pictures out
    Remove {
        /// Ids of pictures, or their beginnings or ends
        #[arg(required = true)]
        pictures: Vec<String>,
    },
}

pub(super) async fn dataset(invocation: &Invocation, what: DatasetCommand) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let mut said = Said::to(invocation, &data)?;
    said.carry_out(what).await?;
    said.client.leave().await?;
    Ok(Exit::Done)
}

impl Said<'_> {
    async fn carry_out(&mut self, what: DatasetCommand) -> Result<(), CliError> {
        match what {
            DatasetCommand::List => self.list().await,
            DatasetCommand::Show { character } => {
                let one = self.character(&character).await?;
                let view = self.client.call(Call::get(&of(one.id, ""))).await?;
                self.tell(&view, || about(&one, &view));
                Ok(())
            }
            DatasetCommand::Fill { character, off } => {
                let on = json!({ "on": !off });
                self.switch(&character, Call::put, "/replenish", Some(on), !off).await
            }
            DatasetCommand::Pause { character } => self.switch(&character, Call::post, "/pause", None, false).await,
            DatasetCommand::Resume { character } => self.switch(&character, Call::post, "/resume", None, true).await,
            DatasetCommand::Set { character, settings } => {
                let one = self.character(&character).await?;
                let patch = pairs(&settings)?;
                let patch: BTreeMap<String, Value> = patch
                    .into_iter()
                    .map(|(key, text)| (key, serde_json::from_str(&text).unwrap_or(Value::String(text))))
                    .collect();
                let view = self.client.call(Call::patch(&of(one.id, ""), json!(patch))).await?;
                self.tell(&view, || about(&one, &view));
                Ok(())
            }
            DatasetCommand::Add { character, files, part } => self.add(&character, files, &part).await,
            DatasetCommand::Fetch { character, url, may_use, part } => {
                self.fetch(&character, &url, may_use, &part).await
            }
            DatasetCommand::Ingests { character } => self.ingests(&character).await,
            DatasetCommand::Stop { ingest } => self.stop(&ingest).await,
            DatasetCommand::Stills { character, episode } => {
                self.take(&character, "/stills", json!({ "episode": episode })).await
            }
            DatasetCommand::Comfy { character, server, matching, since, most } => {
                let since = since.map(jiff::Timestamp::as_millisecond);
                let body = json!({ "server": server, "matching": matching, "since": since, "most": most });
                self.take(&character, "/comfy", body).await
            }
            DatasetCommand::Make { character, pictures, show } => self.make(&character, pictures, &show).await,
            DatasetCommand::Pictures { character, state, duplicates } => {
                self.pictures(&character, state, duplicates).await
            }
            DatasetCommand::Approve { pictures } => self.decide(&pictures, json!({ "good": true })).await,
            DatasetCommand::Reject { pictures, because, note } => {
                if let Some(wrong) = because.iter().find(|word| Rejection::ALL.iter().all(|one| one.word() != *word)) {
                    let all: Vec<&str> = Rejection::ALL.iter().map(|one| one.word()).collect();
                    let message = format!("there is no category '{wrong}'; there are {}", all.join(", "));
                    return Err(CliError::new(Exit::Usage, message));
                }
                self.decide(&pictures, json!({ "good": false, "categories": because, "note": note })).await
            }
            DatasetCommand::Captions { character, how } => self.captions(&character, how).await,
            DatasetCommand::Tags { character } => self.tags(&character).await,
            DatasetCommand::Copies { character, dct, gradient } => self.copies(&character, dct, gradient).await,
            DatasetCommand::Export { character, layout, base, to } => {
                self.export(&character, &layout, &base, &to).await
            }
            DatasetCommand::Import { character, from } => self.import(&character, from).await,
            DatasetCommand::Sort { project, files } => self.sort(&project, files).await,
            DatasetCommand::Unnamed { project } => self.unnamed(&project).await,
            DatasetCommand::Name { picture, character } => self.name(&picture, &character).await,
            of_one => self.about_one(of_one).await,
        }
    }

    async fn make(&mut self, character: &str, pictures: u32, show: &[String]) -> Result<(), CliError> {
        let one = self.character(character).await?;
        let body = json!({ "pictures": pictures, "cell": pairs(show)? });
        let answer = self.client.call(Call::post(&of(one.id, "/generate"), Some(body))).await?;
        self.rest(&one).await?;
        let made = answer["pictures"].as_u64().unwrap_or(0);
        let done = if self.client.is_running() { "will be made" } else { "were made" };
        self.tell(&answer, || format!("{made} pictures of {} {done}", one.name));
        Ok(())
    }

    async fn about_one(&mut self, what: DatasetCommand) -> Result<(), CliError> {
        match what {
            DatasetCommand::Undo { picture } => {
                let id = self.picture(&picture).await?;
                let answer = self.client.call(Call::delete(&format!("/api/pictures/{id}/decision"))).await?;
                self.tell(&answer, || format!("{id} waits for a person"));
            }
            DatasetCommand::Review { what, many } => self.review(&what, &many).await?,
            DatasetCommand::Repair { picture } => self.ask_again(&picture, "repair", "is made again").await?,
            DatasetCommand::Picture { picture } => self.show_one(&picture).await?,
            DatasetCommand::Place { picture, shows } => self.place(&picture, &shows).await?,
            DatasetCommand::Caption { picture, text } => {
                let id = self.picture(&picture).await?;
                let call = Call::patch(&format!("/api/pictures/{id}"), json!({ "caption": text }));
                let answer = self.client.call(call).await?;
                self.tell(&answer, || format!("{id}: kept"));
            }
            DatasetCommand::Reassign { picture, character } => {
                let (id, to) = (self.picture(&picture).await?, self.character(&character).await?);
                let body = json!({ "character": to.id });
                let answer = self.client.call(Call::post(&format!("/api/pictures/{id}/reassign"), Some(body))).await?;
                self.tell(&answer, || format!("{id} is in the dataset of {}", to.name));
            }
            DatasetCommand::Remove { pictures } => {
                for one in pictures {
                    let id = self.picture(&one).await?;
                    self.client.call(Call::delete(&format!("/api/pictures/{id}"))).await?;
                    self.tell(&json!({ "removed": id }), || format!("{id} is taken out"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn list(&mut self) -> Result<(), CliError> {
        let mut rows = Vec::new();
        for project in store::projects::list(&self.data.context.db).await? {
            for one in store::characters::of_project(&self.data.context.db, project.id).await? {
                let view = self.client.call(Call::get(&of(one.id, ""))).await?;
                let line = format!(
                    "{:24} {:20} {:3} of {:3} approved, {} waiting{}",
                    one.name,
                    project.slug,
                    view["counts"]["approved"],
                    view["dataset"]["settings"]["target"],
                    view["counts"]["awaiting"],
                    if view["dataset"]["replenish"] == true { ", is filled" } else { "" }
                );
                rows.push((json!({ "character": one.name, "project": project.slug, "dataset": view }), line));
            }
        }
        let (all, lines): (Vec<Value>, Vec<String>) = rows.into_iter().unzip();
        let none = "no characters yet; produce a screenplay first".to_owned();
        self.tell(&json!({ "datasets": all }), || if lines.is_empty() { none } else { lines.join("\n") });
        Ok(())
    }

    async fn switch(
        &mut self,
        character: &str,
        call: fn(&str, Option<Value>) -> Call,
        what: &str,
        body: Option<Value>,
        goes_on: bool,
    ) -> Result<(), CliError> {
        let one = self.character(character).await?;
        let mut view = self.client.call(call(&of(one.id, what), body)).await?;
        if goes_on && !self.client.is_running() {
            self.rest(&one).await?;
            view = self.client.call(Call::get(&of(one.id, ""))).await?;
        }
        self.tell(&view, || about(&one, &view));
        Ok(())
    }

    /// Takes pictures from where others are, and says what came when the rest that follows is done.
    async fn take(&mut self, character: &str, from: &str, body: Value) -> Result<(), CliError> {
        let one = self.character(character).await?;
        let answer = self.client.call(Call::post(&of(one.id, from), Some(body)).slow()).await?;
        self.rest(&one).await?;
        self.tell(&answer, || arrived(&one, &answer).join("\n"));
        Ok(())
    }

    async fn pictures(&mut self, character: &str, state: Option<String>, duplicates: bool) -> Result<(), CliError> {
        let one = self.character(character).await?;
        let state = state.map_or_else(String::new, |state| format!("&state={state}"));
        let path = format!("/api/pictures?character={}&duplicates={duplicates}{state}", one.id);
        let all = self.whole(&path, "pictures").await?;
        let line = |picture: &Value| {
            let score = picture["verdict"]["score"].as_f64().map_or("  - ".into(), |score| format!("{score:.2}"));
            let shows: Vec<&str> =
                picture["cell"].as_object().into_iter().flatten().filter_map(|(_, word)| word.as_str()).collect();
            let copy = picture["duplicate_of"].as_str().map_or_else(String::new, |of| format!("  copy of {of}"));
            format!(
                "{}  {:8} {score}  {}{copy}",
                picture["id"].as_str().unwrap_or_default(),
                picture["state"].as_str().unwrap_or_default(),
                shows.join(" ")
            )
        };
        let lines: Vec<String> = all.iter().map(line).collect();
        let none = format!("no pictures; 'studiod dataset add {}' takes some", one.slug);
        self.tell(&json!({ "pictures": all }), || if lines.is_empty() { none } else { lines.join("\n") });
        Ok(())
    }

    async fn decide(&mut self, pictures: &[String], decision: Value) -> Result<(), CliError> {
        for one in pictures {
            let id = self.picture(one).await?;
            let path = format!("/api/pictures/{id}/decision");
            let answer = self.client.call(Call::put(&path, Some(decision.clone()))).await?;
            self.tell(&answer, || format!("{id}: {}", answer["state"].as_str().unwrap_or_default()));
        }
        Ok(())
    }

    async fn ask_again(&mut self, picture: &str, what: &str, said: &str) -> Result<(), CliError> {
        let id = self.picture(picture).await?;
        self.client.call(Call::post(&format!("/api/pictures/{id}/{what}"), None)).await?;
        let found = store::dataset_pictures::get(&self.data.context.db, id).await?;
        let one = store::characters::get(&self.data.context.db, found.character_id).await?;
        self.rest(&one).await?;
        self.tell(&json!({ "picture": id }), || format!("{id} {said}"));
        Ok(())
    }

    /// Without a service the command itself makes what was asked for, and stays until that is done.
    async fn rest(&mut self, one: &Character) -> Result<(), CliError> {
        if self.client.is_running() {
            return Ok(());
        }
        self.client.settle(of(one.id, "")).await
    }

    /// Characters of this name, short name or identity, each with the short name of its project.
    async fn named(&self, named: &str) -> Result<Vec<(String, Character)>, CliError> {
        let mut found = Vec::new();
        for project in store::projects::list(&self.data.context.db).await? {
            let all = store::characters::of_project(&self.data.context.db, project.id).await?;
            let fits = |one: &Character| {
                one.name.to_lowercase() == named.to_lowercase() || one.slug == named || one.id.to_string() == named
            };
            found.extend(all.into_iter().filter(fits).map(|one| (project.slug.clone(), one)));
        }
        Ok(found)
    }

    /// The character of this name, short name or identity.
    pub(super) async fn character(&self, named: &str) -> Result<Character, CliError> {
        let mut found = self.named(named).await?;
        match found.len() {
            1 => Ok(found.swap_remove(0).1),
            0 => {
                let message = format!("there is no character '{named}'; 'studiod dataset list' shows who there is");
                Err(CliError::new(Exit::Usage, message))
            }
            _ => {
                let all: Vec<String> = found.iter().map(|(slug, one)| format!("{} in {slug}", one.id)).collect();
                let message =
                    format!("several characters are called '{named}'; give one by its id: {}", all.join(", "));
                Err(CliError::new(Exit::Usage, message))
            }
        }
    }

    /// The picture whose id begins or ends with this.
    async fn picture(&self, part: &str) -> Result<PictureId, CliError> {
        let mut found = store::dataset_pictures::find(&self.data.context.db, part).await?;
        match found.len() {
            1 => Ok(found.swap_remove(0)),
            0 => Err(CliError::new(
                Exit::Usage,
                format!("there is no picture '{part}'; 'studiod dataset pictures' lists them"),
            )),
            _ => Err(CliError::new(Exit::Usage, format!("several pictures are called '{part}'; give more of the id"))),
        }
    }
}

/// An address below a dataset.
fn of(character: CharacterId, what: &str) -> String {
    format!("/api/characters/{character}/dataset{what}")
}

/// What was given as `KEY=VALUE`, by its keys.
fn pairs(given: &[String]) -> Result<BTreeMap<String, String>, CliError> {
    let pair = |text: &String| {
        let (key, value) = text.split_once('=').ok_or_else(|| {
            CliError::new(Exit::Usage, format!("'{text}' is no KEY=VALUE; write e.g. target=30 or angle=side"))
        })?;
        Ok((key.trim().to_owned(), value.trim().to_owned()))
    };
    given.iter().map(pair).collect()
}
