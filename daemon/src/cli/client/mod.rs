//! Client: what commands ask of the studio. A running service is asked over HTTP; where none runs, the command does it
//! itself as a service would. Words and exit codes are the same.

mod local;
mod remote;
pub(super) mod token;

use std::path::PathBuf;

use local::Local;
use remote::Remote;
use serde_json::Value;
use studio_core::{
    fleet::Scope,
    ids::{EpisodeId, TaskId},
    order::{Output, Role},
    production::Checkpoint,
    schedule::{Steer, Within},
};
use studio_engine::Boxed;
use token::Token;

use super::{CliError, Exit};
use crate::{
    app::{Data, archive::ArchiveSummary, inspect::Line, producing::Screenplay},
    conductor::{OverrideAction, ProduceOptions, Resting},
    pass,
    store::opinions::Opinion,
    upkeep::Tidied,
};

/// What the studio answers, some time.
pub(super) type Answer<'a, T> = Boxed<'a, Result<T, CliError>>;

/// An episode to be made.
#[derive(Debug)]
pub(super) struct Wanted {
    pub screenplay: Screenplay,
    pub options: ProduceOptions,
    /// Root of the Jellyfin library, where it is not the one of the settings.
    pub library: Option<PathBuf>,
}

/// Why a task waits at this moment.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// In one sentence; `None` when it does not wait, or nothing runs that would know.
    pub said: Option<String>,
    /// The same with its numbers.
    pub reason: Value,
}

/// What was asked for and is accepted.
#[derive(Debug)]
pub(super) struct Begun {
    /// For scripts: an object.
    pub answer: Value,
    /// For people; `None`: what comes says enough.
    pub said: Option<String>,
}

/// What a refusal of the studio is on the command line.
fn refused(status: u16, said: &Value) -> CliError {
    let mut detail = said["detail"].as_str().unwrap_or("the studio refused").to_owned();
    if let (500.., Some(request)) = (status, said["request_id"].as_str()) {
        // The service's log knows more by this name.
        detail = format!("{detail} (request {request})");
    }
    let exit = match status {
        _ if said["code"] == "disk_full" => Exit::Disk,
        403 => Exit::Denied,
        400 | 404 => Exit::Usage,
        415 | 422 => Exit::Input,
        _ => Exit::Failed,
    };
    CliError::new(exit, detail)
}

/// Something asked in the API's own words.
#[derive(Debug)]
pub(super) struct Call {
    pub method: &'static str,
    pub path: String,
    pub body: Option<Value>,
    /// A file that goes with it instead.
    pub file: Option<PathBuf>,
    /// The answer may take as long as it takes.
    pub slow: bool,
}

impl Call {
    fn new(method: &'static str, path: &str, body: Option<Value>) -> Self {
        Self { method, path: path.to_owned(), body, file: None, slow: false }
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path, None)
    }

    pub fn post(path: &str, body: Option<Value>) -> Self {
        Self::new("POST", path, body)
    }

    pub fn put(path: &str, body: Option<Value>) -> Self {
        Self::new("PUT", path, body)
    }

    pub fn patch(path: &str, body: Value) -> Self {
        Self::new("PATCH", path, Some(body))
    }

    pub fn delete(path: &str) -> Self {
        Self::new("DELETE", path, None)
    }

    /// The same, of something that may take minutes.
    pub fn slow(self) -> Self {
        Self { slow: true, ..self }
    }

    /// Sends a file of this name; `more` is what else is asked, as `&key=value`.
    pub fn upload(path: &str, name: &str, file: PathBuf, more: &str) -> Self {
        let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        Self { file: Some(file), ..Self::new("POST", &format!("{path}?name={name}{more}"), None) }
    }
}

/// The studio, as commands ask things of it.
///
/// What changes something fails with the sentence of the studio; what is changed stays so, whoever runs next.
pub(super) trait StudioClient: Send {
    /// Stops a task and whatever cannot do without it.
    fn cancel(&mut self, task: TaskId) -> Answer<'_, ()>;
    /// Makes the episode of a failed or cancelled task again.
    fn retry(&mut self, task: TaskId) -> Answer<'_, ()>;
    /// Keeps what a person says of the take a task made or judged.
    fn opine(&mut self, task: TaskId, opinion: Opinion) -> Answer<'_, ()>;
    /// Locks, releases or replaces what the part of a task is made of, or asks for another take.
    fn hand(&mut self, task: TaskId, hand: OverrideAction) -> Answer<'_, ()>;
    /// Lets a person steer a waiting task.
    fn steer(&mut self, task: TaskId, to: Steer) -> Answer<'_, ()>;
    /// Lets something rest; what runs and what is loaded there.
    fn pause(&mut self, scope: Scope, how: Resting) -> Answer<'_, Within>;
    /// Lets it go on.
    fn resume(&mut self, scope: Scope) -> Answer<'_, ()>;
    /// Approves the pictures or clips an episode waits with.
    fn approve(&mut self, episode: EpisodeId, what: Checkpoint) -> Answer<'_, ()>;
    /// Takes an episode out of the library.
    fn unpublish(&mut self, episode: EpisodeId) -> Answer<'_, ()>;
    /// Reads a project from an archive.
    fn import(&mut self, archive: PathBuf) -> Answer<'_, ArchiveSummary>;
    /// Removes kept files nothing refers to any more, or only counts them when `dry`; those older than the settings
    /// say without `days`.
    fn tidy(&mut self, days: Option<u32>, dry: bool) -> Answer<'_, Tidied>;
    /// Begins an episode.
    fn produce(&mut self, wanted: Wanted) -> Answer<'_, EpisodeId>;
    /// Asks in the API's own words; without a service this process answers them.
    fn call(&mut self, call: Call) -> Answer<'_, Value>;
    /// Without a service, stays until nothing more happens by itself to the dataset, or the reference sheet, at this address.
    fn settle(&mut self, dataset: String) -> Answer<'_, ()>;
    /// Takes a file among the kept ones as what `role` asks for.
    fn bring(&mut self, file: PathBuf, role: Role) -> Answer<'_, Output>;
    /// Sets the password of the page's login.
    fn set_password(&mut self, password: String) -> Answer<'_, ()>;
    /// Looks at every row and every kept file; one that is gone or damaged is made again when it is needed.
    fn check_deep(&mut self) -> Answer<'_, Vec<Line>>;
    /// Cards, engines, what runs and what comes next: as `GET /api/fleet` says it.
    fn fleet(&mut self) -> Answer<'_, Value>;
    /// Why a task does not run.
    fn why(&mut self, task: TaskId) -> Answer<'_, Waits>;
    /// Something runs there that makes things, whether or not a command waits for it.
    fn is_running(&self) -> bool;
    /// Says what was begun. Where no service runs, stays until the episode is made and says how that went.
    fn follow(self: Box<Self>, episode: EpisodeId, begun: Begun, json: bool) -> Answer<'static, Exit>;
    /// Nothing more is asked.
    fn leave(self: Box<Self>) -> Answer<'static, ()>;
}

/// The running service of this data, or what does without one.
pub(super) fn connect(data: &Data, token: Option<Token>) -> Result<Box<dyn StudioClient>, CliError> {
    Ok(match data.service() {
        Some(address) => {
            let context = data.context.clone();
            // Its key, not a new one: what the service does not know counts for nothing.
            let pass = move || pass::made(&context.data.kept_key()?, context.clock.now());
            Box::new(Remote::new(address, token, Box::new(pass))?)
        }
        None => Box::new(Local::new(data.clone())),
    })
}

/// Has the running service say who asks.
pub(super) use remote::log_in;
