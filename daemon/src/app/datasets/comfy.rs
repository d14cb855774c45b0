//! Comfy: pictures that somebody made in a ComfyUI of the settings come into a dataset, without a shared disk.
//!
//! What the studio itself had made there is left: it is a take, or in a dataset already.

use std::path::Path;

use studio_core::{
    dataset::{Made, Picture, Source},
    ids::{AttemptId, CharacterId, ContentHash},
};
use studio_pictures::metadata;

use super::{
    Datasets,
    arrive::{self, About, Came, Said},
};
use crate::{
    config::ComfyServer,
    engines::comfy::{self, Output, Outputs},
    events::StudioEvent,
    files,
    store::{
        self,
        dataset_seen::{Place, Seen},
    },
    web::{Scan, Scanned, ServiceError, Taken},
};

impl Datasets {
    /// Takes pictures that a ComfyUI has finished into a dataset, the newest first.
    pub(super) async fn scan(&self, character: CharacterId, scan: Scan) -> Result<Scanned, ServiceError> {
        let context = &self.making.context;
        let known = store::characters::get(&context.db, character).await?;
        let server = self.server(scan.server.as_deref())?;
        let away = |why: &dyn std::fmt::Display| {
            ServiceError::Unable(format!("{} cannot be asked: {why}; try again when it answers", server.name))
        };
        let outputs = Outputs::of(&server.url).map_err(|trouble| away(&trouble))?;
        let home = comfy::home_of(context.data.root());
        let (mut own, matching) = (0, scan.matching.to_lowercase());
        let wanted = |output: Output| {
            let ours = output.sender.as_ref().is_some_and(|(from, _)| *from == home);
            own += if ours { output.pictures.len() } else { 0 };
            let late = scan.since.is_none_or(|since| output.at.is_some_and(|at| at >= since.0));
            // A graph may be large, and a server remembers thousands: what it says of its making is all that is kept.
            let made = metadata::of_graph(&output.graph.to_string());
            let wanted = !ours && late && says(&output.graph, made.as_ref(), &matching);
            wanted.then_some((Output { graph: serde_json::Value::Null, ..output }, made))
        };
        let found = outputs.finished(wanted).await.map_err(|trouble| away(&trouble))?;
        let mut done = Scanned { own, ..Scanned::default() };
        let mut taken = Taken::default();
        'all: for (output, made) in found.iter().rev() {
            if self.is_own(output).await? {
                done.own += output.pictures.len();
                continue;
            }
            for picture in &output.pictures {
                if taken.added.len() >= scan.most as usize {
                    done.more = true;
                    break 'all;
                }
                let name = picture.name();
                let key = ContentHash::of(format!("{}\n{}\n{name}", server.name, output.prompt).as_bytes());
                if let Some(came) = self.known_there(character, key).await? {
                    taken.count(came, &name);
                    continue;
                }
                let room = arrive::room(self)?;
                let file = match outputs.fetch(picture, room.path(), 0).await {
                    Ok(file) => file,
                    Err(failure) => {
                        if let Err(trouble) = outputs.answers().await {
                            if taken.added.is_empty() {
                                return Err(away(&trouble));
                            }
                            let rest = "it went away; what is left there is taken when you ask again";
                            taken.refused.push(format!("{}: {rest}", server.name));
                            break 'all;
                        }
                        // Gone there, or not whole: another time it may be.
                        taken.count(Came::Refused(failure.message), &name);
                        continue;
                    }
                };
                let Some(came) = self.bring(character, &server.name, made.clone(), &name, &file).await? else {
                    done.own += 1;
                    continue;
                };
                let seen = came.seen();
                let (mut tx, now) = (context.db.begin().await?, context.clock.now());
                store::dataset_seen::note(&mut tx, character, Place::Comfy, key, &seen, now).await?;
                tx.commit().await?;
                if matches!(came, Came::Added(..)) {
                    context.events.tell(StudioEvent::Dataset { character: known.id });
                }
                taken.count(came, &name);
            }
        }
        Ok(Scanned { added: taken.added, known: taken.known, refused: taken.refused, ..done })
    }

    /// The server of that name in the settings; without a name the only one.
    fn server(&self, name: Option<&str>) -> Result<&ComfyServer, ServiceError> {
        let all = &self.making.config.comfy;
        let names = || all.iter().map(|server| server.name.as_str()).collect::<Vec<_>>().join(", ");
        match (name, all.as_slice()) {
            (_, []) => Err(ServiceError::Usage("the settings name no ComfyUI; describe yours under [[comfy]]".into())),
            (None, [only]) => Ok(only),
            (None, _) => Err(ServiceError::Usage(format!("say which ComfyUI: there are {}", names()))),
            (Some(name), _) => all.iter().find(|server| server.name == name).ok_or_else(|| {
                ServiceError::Usage(format!("the settings name no ComfyUI '{name}'; there are {}", names()))
            }),
        }
    }

    /// The studio had it made, under whatever name its data had then.
    async fn is_own(&self, output: &Output) -> Result<bool, store::Error> {
        let ids = output.sender.iter().map(|(_, attempt)| attempt.as_str()).chain([output.prompt.as_str()]);
        for id in ids.filter_map(|id| id.parse::<AttemptId>().ok()) {
            match store::attempts::get(&self.making.context.db, id).await {
                Ok(_) => return Ok(true),
                Err(store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// What became of it before; `None`: it is looked at, because it is new, or was taken out and somebody asks for it.
    async fn known_there(&self, character: CharacterId, key: ContentHash) -> Result<Option<Came>, store::Error> {
        let db = &self.making.context.db;
        match store::dataset_seen::get(db, character, Place::Comfy, key).await? {
            Some(Seen { why: Some(why), .. }) => Ok(Some(Came::Refused(why))),
            Some(Seen { asset: Some(hash), .. }) if store::dataset_pictures::has(db, character, hash).await? => {
                Ok(Some(Came::Known(hash)))
            }
            _ => Ok(None),
        }
    }

    /// Puts a picture that was fetched into the dataset; `None`: the studio has made it.
    async fn bring(
        &self,
        character: CharacterId,
        server: &str,
        told: Option<Made>,
        name: &str,
        file: &Path,
    ) -> Result<Option<Came>, ServiceError> {
        let path = file.to_owned();
        let (hash, made) = arrive::aside(move || {
            let unable = |error: std::io::Error| ServiceError::Unable(format!("a download cannot be read: {error}"));
            let (hash, _) = files::hash_file(&path).map_err(unable)?;
            // A server may have been told to write nothing into its files.
            Ok((hash, metadata::made(&path).or(told)))
        })
        .await?;
        let kept = store::assets::get(&self.making.context.db, hash).await?;
        if kept.is_some_and(|kept| kept.attempt_id.is_some()) {
            return Ok(None);
        }
        let source = Source::Comfy { server: server.to_owned(), name: name.to_owned() };
        let loras: Vec<&str> = made.iter().flat_map(Made::lora_files).collect();
        let level = store::loras::lineage_of(&self.making.context.db, &loras).await?;
        let lineage = Some(Picture::lineage_of([level]));
        let about = About { source, made, lineage, said: Said::Nothing, caption: None };
        arrive::take(self, character, file, about).await.map(Some)
    }
}

/// Whether the prompt of an output has a text, in lower case, in it; where it cannot be told which of its words are the
/// prompt, any of them.
fn says(graph: &serde_json::Value, made: Option<&Made>, matching: &str) -> bool {
    fn any(value: &serde_json::Value, matching: &str) -> bool {
        match value {
            serde_json::Value::String(text) => text.to_lowercase().contains(matching),
            serde_json::Value::Array(all) => all.iter().any(|one| any(one, matching)),
            serde_json::Value::Object(all) => all.values().any(|one| any(one, matching)),
            _ => false,
        }
    }
    if matching.is_empty() {
        return true;
    }
    match made.map(|made| &made.prompt).filter(|prompt| !prompt.is_empty()) {
        Some(prompt) => prompt.to_lowercase().contains(matching),
        None => any(graph, matching),
    }
}
