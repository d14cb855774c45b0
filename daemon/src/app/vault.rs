//! Vault: secrets of the settings that `HashiCorp` Vault or `OpenBao` keeps, read once at the start.
//!
//! KV version 2: `GET /v1/MOUNT/data/PATH`; `AppRole`: `POST /v1/auth/approle/login`. What cannot be read says why
//! where it is needed; the rest of the studio works.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::config::{Config, Hidden, Secret, Vault};

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Puts what the vault has in place of every secret that names it.
pub async fn read(config: &mut Config) {
    let Some(vault) = config.vault.clone() else { return };
    fetch(&vault, config.secrets()).await;
}

/// The same for the password of the database alone, which is needed before anything else.
pub async fn read_database(config: &mut Config) {
    let Some(vault) = config.vault.clone() else { return };
    fetch(&vault, config.database.password.iter_mut().collect()).await;
}

async fn fetch(vault: &Vault, mut secrets: Vec<&mut Secret>) {
    let mut names = Vec::new();
    for secret in &secrets {
        named(secret, &mut names);
    }
    if names.is_empty() {
        return;
    }
    let mut found: BTreeMap<String, Result<String, String>> = BTreeMap::new();
    match open(vault).await {
        Ok(session) => {
            for name in names {
                let value = session.get(&name).await;
                found.insert(name, value);
            }
        }
        Err(why) => found.extend(names.into_iter().map(|name| (name, Err(why.clone())))),
    }
    for (name, why) in found.iter().filter_map(|(name, value)| Some((name, value.as_ref().err()?))) {
        tracing::warn!(secret = %name, %why, "a secret cannot be read from the vault");
    }
    for secret in &mut secrets {
        put(secret, &found);
    }
}

fn named(secret: &Secret, names: &mut Vec<String>) {
    match secret {
        Secret::Vault(name) => names.push(name.clone()),
        Secret::FirstOf(places) => places.iter().for_each(|place| named(place, names)),
        _ => {}
    }
}

fn put(secret: &mut Secret, found: &BTreeMap<String, Result<String, String>>) {
    match secret {
        Secret::Vault(name) => match found.get(name) {
            Some(Ok(value)) => *secret = Secret::Read(Hidden(value.clone())),
            Some(Err(why)) => *secret = Secret::Unread(why.clone()),
            None => {}
        },
        Secret::FirstOf(places) => places.iter_mut().for_each(|place| put(place, found)),
        _ => {}
    }
}

struct Session {
    client: reqwest::Client,
    url: String,
    token: String,
}

async fn open(vault: &Vault) -> Result<Session, String> {
    crate::engines::prepare();
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().map_err(|error| error.to_string())?;
    let url = vault.url.trim_end_matches('/').to_owned();
    let mut session = Session { client, url, token: String::new() };
    session.token = match (&vault.token, &vault.role_id, &vault.secret_id) {
        (Some(token), _, _) => token.read().map_err(|why| format!("vault.token: {why}"))?,
        (None, Some(role), Some(secret)) => {
            let secret = secret.read().map_err(|why| format!("vault.secret_id: {why}"))?;
            let said = session.ask("auth/approle/login", Some(json!({ "role_id": role, "secret_id": secret }))).await?;
            let token = said["auth"]["client_token"].as_str();
            token.ok_or("the vault let the AppRole in without a token")?.to_owned()
        }
        _ => return Err("[vault] names neither a token nor role_id with secret_id; add one of them".into()),
    };
    Ok(session)
}

impl Session {
    async fn ask(&self, path: &str, body: Option<Value>) -> Result<Value, String> {
        let address = format!("{}/v1/{path}", self.url);
        let request = match body {
            Some(body) => self.client.post(&address).json(&body),
            None => self.client.get(&address).header("x-vault-token", &self.token),
        };
        let lost =
            |error: reqwest::Error| format!("the vault at {} does not answer: {}", self.url, error.without_url());
        let answer = request.send().await.map_err(lost)?;
        let status = answer.status().as_u16();
        match status {
            200 => answer.json().await.map_err(lost),
            503 => Err(format!("the vault at {} is sealed; unseal it, then start the studio again", self.url)),
            403 => Err(format!("the vault does not let this token read {path}; give its policy 'read' on it")),
            404 => Err(format!("the vault has nothing at {path}; write it there, or mend the name in the settings")),
            400 => Err("the vault does not know this AppRole; make a new secret_id".into()),
            status => Err(format!("the vault answers {status} to {path}")),
        }
    }

    /// Reads one secret; `name` is `MOUNT/PATH#FIELD`, e.g. `secret/studiod#openai`.
    async fn get(&self, name: &str) -> Result<String, String> {
        let parts = name.split_once('#').and_then(|(place, field)| Some((place.split_once('/')?, field)));
        let Some(((mount, path), field)) = parts else {
            return Err(format!("'{name}' names no secret; write MOUNT/PATH#FIELD, e.g. secret/studiod#openai"));
        };
        let said = self.ask(&format!("{mount}/data/{path}"), None).await?;
        let value = said["data"]["data"][field].as_str();
        value.map(str::to_owned).ok_or_else(|| format!("the secret {mount}/{path} has no field '{field}'"))
    }
}
