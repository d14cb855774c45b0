//! Remote: a service that runs on this machine, asked over HTTP.

use std::{io::Seek, path::PathBuf, time::Duration};

use axum_extra::extract::cookie::Cookie;
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};
use studio_core::{
    fleet::Scope,
    ids::{EpisodeId, TaskId},
    order::{Output, Role},
    production::Checkpoint,
    schedule::{Steer, Within},
};

use super::{Answer, Begun, Call, StudioClient, Waits, Wanted, refused, token::Token};
use crate::{
    app::{archive::ArchiveSummary, inspect::Line},
    cli::{CliError, Exit, say},
    conductor::{OverrideAction, Resting},
    store::opinions::Opinion,
    upkeep::Tidied,
};

/// How long the service may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take over a whole project, over all kept files, or over what another server has.
const UPLOAD: Duration = Duration::from_hours(6);

/// A running service.
pub(super) struct Remote {
    http: reqwest::Client,
    /// Where the service answers, `HOST:PORT`.
    address: String,
    token: Option<Token>,
    /// What is shown where the service cannot see that the command runs on its machine.
    pass: MakePass,
}

/// Makes a pass; `None` for whoever cannot read the studio's key.
pub(super) type MakePass = Box<dyn Fn() -> Option<String> + Send + Sync>;

impl Remote {
    pub fn new(address: String, token: Option<Token>, pass: MakePass) -> Result<Self, CliError> {
        // The service is on this machine: a proxy of the environment has no business in between.
        let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build();
        let http = http.map_err(|error| CliError::new(Exit::Failed, unreachable(&address, &error)))?;
        Ok(Self { http, address, token, pass })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn get(&self, path: &str) -> Result<Value, CliError> {
        self.ask(|http| http.get(self.url(path))).await
    }

    async fn post(&self, path: &str, body: Option<Value>) -> Result<(), CliError> {
        self.answered(path, body).await.map(drop)
    }

    async fn answered(&self, path: &str, body: Option<Value>) -> Result<Value, CliError> {
        let ask = |http: &reqwest::Client| {
            let request = http.request(Method::POST, self.url(path));
            match &body {
                Some(body) => request.json(body),
                None => request,
            }
        };
        self.ask(ask).await
    }

    async fn send(&self, request: RequestBuilder, token: Option<&str>) -> Result<(StatusCode, Value), CliError> {
        let failed = |error: reqwest::Error| CliError::new(Exit::Failed, unreachable(&self.address, &error));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await.map_err(failed)?;
        let (status, text) = (answer.status(), answer.text().await.map_err(failed)?);
        Ok((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    async fn ask(&self, request: impl Fn(&reqwest::Client) -> RequestBuilder) -> Result<Value, CliError> {
        let (mut status, mut said) = self.send(request(&self.http), self.token.as_ref().map(Token::text)).await?;
        if status == StatusCode::UNAUTHORIZED && self.token.as_ref().is_some_and(Token::is_kept) {
            // One that was kept some day may have ended; perhaps none is needed any more.
            (status, said) = self.send(request(&self.http), None).await?;
        }
        // Somebody who named a token is that one, and nobody else.
        let may_pass = self.token.as_ref().is_none_or(Token::is_kept);
        if status == StatusCode::UNAUTHORIZED
            && may_pass
            && let Some(pass) = (self.pass)()
        {
            (status, said) = self.send(request(&self.http), Some(&pass)).await?;
        }
        if status.is_success() {
            return Ok(said);
        }
        if status == StatusCode::UNAUTHORIZED {
            let how = "'studiod login' gets one for the password; or give one with --token-file or STUDIOD_TOKEN";
            let why = match &self.token {
                None => format!("the running studiod at {} lets nobody in without a token: {how}", self.address),
                Some(token) => format!("{} does not count at {}: {how}", token.named(), self.address),
            };
            return Err(CliError::new(Exit::Denied, why));
        }
        Err(refused(status.as_u16(), &said))
    }

    async fn begin(&self, wanted: Wanted) -> Result<EpisodeId, CliError> {
        if let Some(library) = &wanted.library {
            let library = library.display();
            let message =
                format!("the running studio publishes where its settings say, not into {library}; leave --library out");
            return Err(CliError::new(Exit::Usage, message));
        }
        if wanted.screenplay.script.scenes.iter().any(|scene| scene.music.is_some()) {
            let message = "a running studio cannot take music from beside the screenplay; stop the service first, or \
                           leave the note out and use 'studiod take put'";
            return Err(CliError::new(Exit::Usage, message));
        }
        let (options, text) = (&wanted.options, &wanted.screenplay.text);
        let ask = |http: &reqwest::Client| {
            let request = http.post(self.url("/api/import")).query(options);
            request.header(header::CONTENT_TYPE, "text/plain").body(text.clone())
        };
        let said = self.ask(ask).await?;
        read(said["episode"].clone(), "what it began")
    }
}

/// An answer as its type.
fn read<T: serde::de::DeserializeOwned>(said: Value, what: &str) -> Result<T, CliError> {
    serde_json::from_value(said)
        .map_err(|error| CliError::new(Exit::Failed, format!("the running studiod does not say {what}: {error}")))
}

fn unreachable(address: &str, error: &reqwest::Error) -> String {
    format!("failed to reach the running studiod at {address}: {error}")
}

impl StudioClient for Remote {
    fn cancel(&mut self, task: TaskId) -> Answer<'_, ()> {
        Box::pin(async move { self.post(&format!("/api/tasks/{task}/cancel"), None).await })
    }

    fn retry(&mut self, task: TaskId) -> Answer<'_, ()> {
        Box::pin(async move { self.post(&format!("/api/tasks/{task}/retry"), None).await })
    }

    fn opine(&mut self, task: TaskId, opinion: Opinion) -> Answer<'_, ()> {
        let Opinion { good, why, issues } = opinion;
        let said = json!({ "good": good, "why": why, "issues": issues });
        Box::pin(async move { self.post(&format!("/api/tasks/{task}/opinion"), Some(said)).await })
    }

    fn hand(&mut self, task: TaskId, hand: OverrideAction) -> Answer<'_, ()> {
        Box::pin(async move { self.post(&format!("/api/tasks/{task}/hand"), Some(json!(hand))).await })
    }

    fn steer(&mut self, task: TaskId, to: Steer) -> Answer<'_, ()> {
        Box::pin(async move { self.post(&format!("/api/tasks/{task}/steer"), Some(json!(to))).await })
    }

    fn pause(&mut self, scope: Scope, how: Resting) -> Answer<'_, Within> {
        let pausing = json!({ "scope": scope, "hard": how.hard, "free": how.frees, "why": how.why });
        Box::pin(async move {
            let said = self.answered("/api/fleet/pause", Some(pausing)).await?;
            // A studio of before says nothing.
            Ok(serde_json::from_value(said).unwrap_or_default())
        })
    }

    fn resume(&mut self, scope: Scope) -> Answer<'_, ()> {
        Box::pin(async move { self.post("/api/fleet/resume", Some(json!({ "scope": scope }))).await })
    }

    fn approve(&mut self, episode: EpisodeId, what: Checkpoint) -> Answer<'_, ()> {
        Box::pin(
            async move { self.post(&format!("/api/episodes/{episode}/approve"), Some(json!({ "what": what }))).await },
        )
    }

    fn unpublish(&mut self, episode: EpisodeId) -> Answer<'_, ()> {
        Box::pin(async move { self.post(&format!("/api/episodes/{episode}/unpublish"), None).await })
    }

    fn import(&mut self, archive: PathBuf) -> Answer<'_, ArchiveSummary> {
        Box::pin(async move {
            // Opened before anything is sent: what cannot be read is the same sentence with and without a service.
            let unreadable = |error: std::io::Error| {
                CliError::new(Exit::Input, format!("the archive cannot be imported: {error}; nothing was changed"))
            };
            let file = std::fs::File::open(&archive).map_err(unreadable)?;
            if file.metadata().map_err(unreadable)?.len() == 0 {
                return Err(unreadable(std::io::Error::other("it is empty")));
            }
            let ask = |http: &reqwest::Client| {
                let request = http.post(self.url("/api/projects/import")).timeout(UPLOAD);
                let request = request.header(header::CONTENT_TYPE, "application/x-tar");
                match file.try_clone().and_then(|mut file| file.rewind().map(|()| file)) {
                    Ok(file) => request.body(tokio::fs::File::from_std(file)),
                    Err(_) => request,
                }
            };
            read(self.ask(ask).await?, "what came")
        })
    }

    fn tidy(&mut self, days: Option<u32>, dry: bool) -> Answer<'_, Tidied> {
        let wanted = json!({ "days": days, "dry_run": dry });
        Box::pin(async move {
            let url = self.url("/api/tidy");
            read(self.ask(|http| http.post(&url).timeout(UPLOAD).json(&wanted)).await?, "what it removed")
        })
    }

    fn produce(&mut self, wanted: Wanted) -> Answer<'_, EpisodeId> {
        Box::pin(self.begin(wanted))
    }

    fn call(&mut self, call: Call) -> Answer<'_, Value> {
        Box::pin(async move {
            let method: Method = call.method.parse().map_err(|_| CliError::new(Exit::Failed, "no method"))?;
            let file = match &call.file {
                None => None,
                Some(path) => Some(std::fs::File::open(path).map_err(|error| {
                    CliError::new(Exit::Input, format!("{} cannot be read: {error}", path.display()))
                })?),
            };
            let ask = |http: &reqwest::Client| {
                let request = http.request(method.clone(), self.url(&call.path));
                let request = if call.slow { request.timeout(UPLOAD) } else { request };
                let again = |file: &std::fs::File| {
                    let mut file = file.try_clone()?;
                    file.rewind().map(|()| file)
                };
                match (&call.body, file.as_ref().map(again)) {
                    (_, Some(Ok(file))) => request.timeout(UPLOAD).body(tokio::fs::File::from_std(file)),
                    (Some(body), _) => request.json(body),
                    (None, _) => request,
                }
            };
            self.ask(ask).await
        })
    }

    fn settle(&mut self, _: String) -> Answer<'_, ()> {
        // The service goes on by itself.
        Box::pin(async { Ok(()) })
    }

    fn bring(&mut self, file: PathBuf, role: Role) -> Answer<'_, Output> {
        Box::pin(async move {
            let named = |why: &dyn std::fmt::Display| {
                CliError::new(Exit::Input, format!("{} cannot be put in place: {why}", file.display()))
            };
            // What no upload can be is refused before anything is sent, in the same words as without a service.
            let about = std::fs::metadata(&file).ok().filter(std::fs::Metadata::is_file);
            let about = about.ok_or_else(|| named(&"there is no such file"))?;
            if about.len() == 0 {
                return Err(named(&"the file is empty"));
            }
            let open = std::fs::File::open(&file).map_err(|error| named(&format!("it cannot be read: {error}")))?;
            let word = match role {
                Role::Video => "video",
                Role::Sound => "sound",
                _ => "picture",
            };
            let ask = |http: &reqwest::Client| {
                let request = http.post(self.url("/api/uploads")).query(&[("role", word)]).timeout(UPLOAD);
                match open.try_clone().and_then(|mut open| open.rewind().map(|()| open)) {
                    Ok(open) => request.body(tokio::fs::File::from_std(open)),
                    Err(_) => request,
                }
            };
            let said = self.ask(ask).await.map_err(|refused| match refused.exit {
                Exit::Denied => refused,
                exit => CliError { exit, ..named(&refused.message) },
            })?;
            read(said["output"].clone(), "what it keeps now")
        })
    }

    fn set_password(&mut self, password: String) -> Answer<'_, ()> {
        Box::pin(async move {
            let (url, said) = (self.url("/api/tokens/password"), json!({ "password": password }));
            let set = self.ask(|http| http.put(&url).json(&said)).await;
            set.map(drop).map_err(|refused| match refused.exit {
                // Whoever has forgotten it, or never had one, has the data: then nobody is asked.
                Exit::Denied => {
                    let message = format!("{}; or stop the service, and set the password without it", refused.message);
                    CliError::new(Exit::Denied, message)
                }
                _ => refused,
            })
        })
    }

    fn check_deep(&mut self) -> Answer<'_, Vec<Line>> {
        Box::pin(async move {
            let url = self.url("/api/check/deep");
            read(self.ask(|http| http.post(&url).timeout(UPLOAD)).await?, "what it found")
        })
    }

    fn fleet(&mut self) -> Answer<'_, Value> {
        Box::pin(self.get("/api/fleet"))
    }

    fn why(&mut self, task: TaskId) -> Answer<'_, Waits> {
        Box::pin(async move {
            let said = self.get(&format!("/api/tasks/{task}")).await?;
            Ok(Waits { said: said["waits"].as_str().map(str::to_owned), reason: said["wait_reason"].clone() })
        })
    }

    fn is_running(&self) -> bool {
        true
    }

    fn follow(self: Box<Self>, _: EpisodeId, begun: Begun, json: bool) -> Answer<'static, Exit> {
        Box::pin(async move {
            say(json, &begun.answer, || {
                if let Some(said) = &begun.said {
                    out!("{said}");
                }
                let address = &self.address;
                out!("the running studio makes it: http://{address}/ shows how far it is, 'studiod tasks' as well");
            });
            Ok(Exit::Done)
        })
    }

    fn leave(self: Box<Self>) -> Answer<'static, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Trades the owner's password for a token of the service at `address`, which lasts 30 days.
///
/// # Errors
/// The service does not answer, or it is not the password.
pub(in crate::cli) async fn log_in(address: &str, password: &str) -> Result<String, CliError> {
    let remote = Remote::new(address.to_owned(), None, Box::new(|| None))?;
    let failed = |error: reqwest::Error| CliError::new(Exit::Failed, unreachable(address, &error));
    let request = remote.http.post(remote.url("/api/login")).json(&json!({ "password": password }));
    let answer = request.send().await.map_err(failed)?;
    if !answer.status().is_success() {
        let exit = if answer.status() == StatusCode::UNAUTHORIZED { Exit::Denied } else { Exit::Failed };
        let said: Value = answer.json().await.unwrap_or_default();
        let why = said["detail"].as_str().unwrap_or("the running studiod refused");
        return Err(CliError::new(exit, why));
    }
    let cookie = answer.headers().get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
    let cookie = cookie.and_then(|cookie| Cookie::parse(cookie).ok());
    let token = cookie.map(|cookie| cookie.value().to_owned());
    token.ok_or_else(|| CliError::new(Exit::Failed, "the running studiod let us in without a token"))
}
