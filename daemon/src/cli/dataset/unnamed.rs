//! Unnamed: pictures of a project that came without saying of whom they are.

use std::path::PathBuf;

use serde_json::{Value, json};
use studio_core::{ids::UnnamedId, project::Project};

use super::Said;
use crate::{
    cli::{CliError, Exit, client::Call},
    store,
};

impl Said<'_> {
    pub(super) async fn sort(&mut self, project: &str, files: Vec<PathBuf>) -> Result<(), CliError> {
        let one = self.project(project).await?;
        let (mut added, mut refused, mut known) = (Vec::new(), Vec::new(), 0);
        for file in files {
            let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let call = Call::upload(&format!("/api/projects/{}/unnamed", one.id), &name, file, "");
            let answer = self.client.call(call).await?;
            let all = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
            added.extend(all("added"));
            refused.extend(all("refused"));
            known += answer["known"].as_u64().unwrap_or(0);
        }
        let mut lines =
            vec![format!("{} new pictures of {} without a name, {known} were there already", added.len(), one.title)];
        if !added.is_empty() && !self.client.is_running() {
            lines.push(
                "a vision model of the settings says who it is as soon as the service runs: studiod serve".into(),
            );
        }
        lines.extend(refused.iter().filter_map(Value::as_str).map(|why| format!("not taken: {why}")));
        self.tell(&json!({ "added": added, "known": known, "refused": refused }), || lines.join("\n"));
        Ok(())
    }

    pub(super) async fn unnamed(&mut self, project: &str) -> Result<(), CliError> {
        let one = self.project(project).await?;
        let list = self.all_unnamed(&one).await?;
        let names: Vec<(String, String)> = store::characters::of_project(&self.data.context.db, one.id)
            .await?
            .into_iter()
            .map(|one| (one.id.to_string(), one.name))
            .collect();
        let line = |picture: &Value| {
            let identity = &picture["identity"];
            let who = names.iter().find(|(id, _)| identity["character"] == *id).map(|(_, name)| name.as_str());
            let said = match (identity.is_object(), who, identity["confidence"].as_f64()) {
                (false, ..) => "waits for the judge, or for you".to_owned(),
                (true, Some(who), Some(sure)) => format!("may be {who} ({sure:.2})"),
                (true, None, Some(_)) => "is none of them, says the judge".to_owned(),
                _ => identity["reason"].as_str().unwrap_or_default().to_owned(),
            };
            let name = picture["source"]["name"].as_str().unwrap_or_default();
            format!("{}  {name}: {said}", picture["id"].as_str().unwrap_or_default())
        };
        let lines: Vec<String> = list["pictures"].as_array().into_iter().flatten().map(line).collect();
        let none =
            format!("every picture of {} has a name; 'studiod dataset sort {} FILES' takes more", one.title, one.slug);
        self.tell(&list, || if lines.is_empty() { none } else { lines.join("\n") });
        Ok(())
    }

    /// Every picture of a project without a name, the oldest first, page by page.
    async fn all_unnamed(&mut self, of: &Project) -> Result<Value, CliError> {
        let all = self.whole(&format!("/api/projects/{}/unnamed?sort=oldest", of.id), "pictures").await?;
        Ok(json!({ "pictures": all }))
    }

    pub(super) async fn name(&mut self, picture: &str, character: &str) -> Result<(), CliError> {
        let to = self.character(character).await?;
        let part = picture.to_ascii_lowercase();
        let all = store::unnamed_pictures::of_project(&self.data.context.db, to.project_id).await?;
        let fits = |id: &String| !part.is_empty() && (id.starts_with(&part) || id.ends_with(&part));
        let found: Vec<UnnamedId> =
            all.iter().map(|one| UnnamedId(one.id.0)).filter(|id| fits(&id.to_string())).collect();
        let [id] = found[..] else {
            let message = if found.is_empty() {
                format!("no picture without a name is called '{picture}'; 'studiod dataset unnamed PROJECT' lists them")
            } else {
                format!("several pictures without a name are called '{picture}'; give more of the id")
            };
            return Err(CliError::new(Exit::Usage, message));
        };
        let body = json!({ "character": to.id });
        let answer = self.client.call(Call::put(&format!("/api/unnamed/{id}/name"), Some(body))).await?;
        self.rest(&to).await?;
        self.tell(&answer, || format!("{id} is in the dataset of {}", to.name));
        Ok(())
    }

    /// The project of this short name, title or identity.
    async fn project(&self, named: &str) -> Result<Project, CliError> {
        let all = store::projects::list(&self.data.context.db).await?;
        let fits = |one: &Project| {
            one.slug == named || one.title.to_lowercase() == named.to_lowercase() || one.id.to_string() == named
        };
        all.into_iter().find(fits).ok_or_else(|| {
            CliError::new(Exit::Usage, format!("there is no project '{named}'; 'studiod dataset list' names them"))
        })
    }
}
