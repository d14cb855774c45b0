//! Reviews: one picture, or many of a character, are judged because a person wants it.

use clap::Args;
use serde_json::{Value, json};
use studio_core::character::Character;

use super::{Said, of};
use crate::cli::{CliError, Exit, client::Call};

/// Which pictures of a character are judged.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct Many {
    /// Of a character: only pictures in this state, pending without it
    #[arg(long, value_parser = ["pending", "approved", "rejected", "all"])]
    state: Option<String>,
    /// Of a character: only pictures that nobody could judge until now
    #[arg(long)]
    unreviewed: bool,
    /// Stop what is being judged of a character; what is judged stays judged
    #[arg(long, conflicts_with_all = ["state", "unreviewed"])]
    stop: bool,
}

impl Said<'_> {
    pub(super) async fn review(&mut self, what: &str, many: &Many) -> Result<(), CliError> {
        let named = self.named(what).await?;
        if named.is_empty() && !(many.stop || many.unreviewed || many.state.is_some()) {
            return self.ask_again(what, "review", "is judged once more").await;
        }
        let one = self.character(what).await?;
        if many.stop {
            return self.stop_reviews(&one).await;
        }
        let state = match many.state.as_deref() {
            Some("all") => None,
            None if many.unreviewed => None,
            said => Some(said.unwrap_or("pending")),
        };
        let body = json!({ "state": state, "unreviewed": many.unreviewed });
        self.begin(&one, "/reviews", body).await
    }

    /// Asks for a review, and says what came of it as far as that is known.
    pub(super) async fn begin(&mut self, one: &Character, at: &str, body: Value) -> Result<(), CliError> {
        let begun = self.client.call(Call::post(&of(one.id, at), Some(body))).await?;
        self.rest(one).await?;
        let id = begun["review"]["id"].as_str().unwrap_or_default();
        let now = self.client.call(Call::get(&format!("/api/reviews/{id}"))).await?;
        self.tell(&now, || line(one, &now));
        Ok(())
    }

    async fn stop_reviews(&mut self, one: &Character) -> Result<(), CliError> {
        let list = self.client.call(Call::get(&of(one.id, "/reviews"))).await?;
        let open = |view: &&Value| view["state"] == "running" && view["review"]["stopped"] == false;
        let open: Vec<Value> = list["reviews"].as_array().into_iter().flatten().filter(open).cloned().collect();
        if open.is_empty() {
            let message = format!("no pictures of {} are being judged because somebody asked for it", one.name);
            return Err(CliError::new(Exit::Usage, message));
        }
        let mut stopped = Vec::new();
        for view in open {
            let id = view["review"]["id"].as_str().unwrap_or_default();
            stopped.push(self.client.call(Call::post(&format!("/api/reviews/{id}/cancel"), None)).await?);
        }
        let lines: Vec<String> = stopped.iter().map(|view| line(one, view)).collect();
        self.tell(&json!({ "stopped": stopped }), || lines.join("\n"));
        Ok(())
    }
}

/// How far a review is, in one line.
fn line(one: &Character, view: &Value) -> String {
    let counts = &view["review"]["counts"];
    let count = |key: &str| counts[key].as_u64().unwrap_or(0);
    let words = [
        ("approved", "approved"),
        ("rejected", "rejected"),
        ("waiting", "wait for a person"),
        ("kept", "stay as decided"),
        ("described", "described"),
        ("unreviewed", "could not be judged"),
        ("failed", "failed"),
        ("gone", "gone meanwhile"),
        ("stopped", "left"),
    ];
    let said: Vec<String> = words
        .into_iter()
        .filter(|(key, _)| count(key) > 0)
        .map(|(key, word)| format!("{} {word}", count(key)))
        .collect();
    let how = match view["state"].as_str() {
        Some("done") => "done",
        Some("stopped") => "stopped",
        _ if view["review"]["stopped"] == true => "being stopped",
        _ => "under way",
    };
    let said = if said.is_empty() { String::new() } else { format!(": {}", said.join(", ")) };
    format!("{}: review {how}, {} of {} pictures{said}", one.name, view["done"], counts["asked"])
}

#[cfg(test)]
mod tests {
    use studio_core::{
        character::{CharacterProfile, Established},
        ids::{CharacterId, ProjectId},
    };

    use super::*;

    #[test]
    fn a_review_is_told_in_one_line() {
        let one = Character {
            id: CharacterId(uuid::Uuid::nil()),
            project_id: ProjectId(uuid::Uuid::nil()),
            slug: "mara".into(),
            name: "Mara".into(),
            profile: CharacterProfile::from_name("Mara", None, None),
            established: Established::default(),
        };
        let view = |state: &str, stopped: bool, approved: u32| {
            json!({ "state": state, "done": approved,
                "review": { "stopped": stopped, "counts": { "asked": 3, "approved": approved, "rejected": 0 } } })
        };
        assert_eq!(line(&one, &view("running", false, 0)), "Mara: review under way, 0 of 3 pictures");
        assert_eq!(line(&one, &view("running", true, 1)), "Mara: review being stopped, 1 of 3 pictures: 1 approved");
        assert_eq!(line(&one, &view("done", false, 3)), "Mara: review done, 3 of 3 pictures: 3 approved");
    }
}
