//! Bundle: what somebody who mends a fault needs to know of this studio, in one tar file, and nothing else.
//!
//! Secrets never come into it: values of the settings that could be one are taken out where they stand, and every text
//! is searched for them once more. Neither do films, screenplays, prompts, titles, or names of tokens.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::File,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};

use super::{App, inspect::Line};
use crate::{gpu, store, text_file};

/// What stands in place of a secret.
const GONE: &str = "[removed]";
/// Shorter texts are not looked for in other texts: they are in every second word.
const SHORTEST_SECRET: usize = 4;
/// Words in the name of a key of the settings whose value may be a secret, or says where one is.
const SENSITIVE: [&str; 7] = ["key", "token", "secret", "password", "passwd", "credential", "role_id"];
/// Events that are told, from the newest back.
const EVENTS: u32 = 500;
/// What of an event is told: nothing a person has written.
const OF_EVENT: [&str; 6] = ["slot", "why", "take", "passed", "took_ms", "episode"];
/// Lines of the service's log.
const LOG_LINES: &str = "1000";
/// How long the journal may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes secrets out of texts.
#[derive(Debug, Default)]
pub struct Scrub {
    secrets: BTreeSet<String>,
    home: Option<String>,
}

impl Scrub {
    /// Knows every secret of a settings file with this text, readable or not.
    pub fn of_settings(text: &str) -> Self {
        let mut scrub = Self { home: std::env::var("HOME").ok().filter(|home| home.len() > 1), ..Self::default() };
        if let Ok(table) = toml::from_str::<toml::Table>(text) {
            scrub.learn(&toml::Value::Table(table), false);
            return scrub;
        }
        // A file that is no TOML is quoted in the refusal: what it has behind such a key may be the secret itself.
        let sensitive = text.lines().filter_map(|line| line.split_once('=').filter(|(key, _)| is_sensitive(key)));
        for (_, value) in sensitive {
            value
                .split(|sign: char| sign.is_whitespace() || "\"'{},[]=".contains(sign))
                .for_each(|word| scrub.add(word));
        }
        scrub
    }

    /// Knows one more.
    pub fn add(&mut self, secret: &str) {
        let secret = secret.trim();
        if secret.len() >= SHORTEST_SECRET && !["file", "vault", "first_of", "credential"].contains(&secret) {
            self.secrets.insert(secret.to_owned());
        }
    }

    fn learn(&mut self, value: &toml::Value, sensitive: bool) {
        match value {
            toml::Value::Table(table) => {
                table.iter().for_each(|(key, value)| self.learn(value, sensitive || is_sensitive(key)));
            }
            toml::Value::Array(all) => all.iter().for_each(|value| self.learn(value, sensitive)),
            toml::Value::String(text) if sensitive => self.add(text),
            toml::Value::String(text) => {
                if let Some((name, password)) = userinfo(text).and_then(|(info, _)| info.split_once(':')) {
                    self.add(password);
                    self.add(name);
                }
            }
            _ => {}
        }
    }

    /// The text without secrets, without what could be one by its looks, and with `~` for the home directory.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        // The longest first: one may be a part of another.
        let mut secrets: Vec<&String> = self.secrets.iter().collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in secrets {
            text = text.replace(secret.as_str(), GONE);
        }
        if let Some(home) = &self.home {
            text = text.replace(home.as_str(), "~");
        }
        let mut out = String::with_capacity(text.len());
        for piece in text.split_inclusive([' ', '\n', '\t', '"', '\'', '<', '>', '(', ')', ',']) {
            let end = piece
                .char_indices()
                .last()
                .map_or(0, |(at, sign)| if " \n\t\"'<>(),".contains(sign) { at } else { piece.len() });
            let (word, rest) = piece.split_at(end);
            out.push_str(&plain_word(word));
            out.push_str(rest);
        }
        out
    }
}

/// A word that is no token, and an address without who logs in there and without its query.
fn plain_word(word: &str) -> String {
    // What JSON Web Tokens begin with: `{"`.
    if word.contains("eyJ") && word.len() > 20 {
        return GONE.into();
    }
    if !word.contains("://") {
        return word.to_owned();
    }
    let word = match userinfo(word) {
        Some((info, _)) => word.replacen(info, GONE, 1),
        None => word.to_owned(),
    };
    match word.split_once('?') {
        Some((address, _)) => format!("{address}?{GONE}"),
        None => word,
    }
}

/// `name:password` of an address, and what follows it.
fn userinfo(address: &str) -> Option<(&str, &str)> {
    let (_, rest) = address.split_once("://")?;
    let place = rest.split(['/', '?', '#']).next()?;
    place.rsplit_once('@')
}

fn is_sensitive(key: &str) -> bool {
    let key = key.to_lowercase();
    SENSITIVE.iter().any(|word| key.contains(word))
}

/// Settings with every value taken out that is, or leads to, a secret; commands keep their first word.
pub fn settings(text: &str) -> Option<String> {
    let mut table = toml::from_str::<toml::Table>(text).ok()?;
    for (key, value) in &mut table {
        take_out(key, value, is_sensitive(key));
    }
    toml::to_string(&table).ok()
}

fn take_out(key: &str, value: &mut toml::Value, sensitive: bool) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table.iter_mut() {
                take_out(key, value, sensitive || is_sensitive(key));
            }
        }
        toml::Value::Array(all) if key.contains("command") => all.truncate(1),
        toml::Value::Array(all) => all.iter_mut().for_each(|value| take_out(key, value, sensitive)),
        toml::Value::String(text) if sensitive => GONE.clone_into(text),
        _ => {}
    }
}

/// A bundle on its way: names and texts.
struct Files {
    scrub: Scrub,
    all: Vec<(String, String)>,
}

impl Files {
    fn put(&mut self, name: impl Into<String>, text: &str) {
        let text = self.scrub.text(text);
        self.all.push((name.into(), text));
    }
}

/// Writes a bundle to `file`: what `lines` say, and of the studio what could be opened.
///
/// # Errors
/// The file is there already, or cannot be written.
pub async fn write(file: &Path, app: Option<&App>, settings_file: Option<&Path>, lines: &[Line]) -> io::Result<()> {
    let text = settings_file.and_then(|path| text_file::read(path).ok()).unwrap_or_default();
    let mut scrub = Scrub::of_settings(&text);
    if let Some(app) = app {
        // What the settings lead to, which stands nowhere in them.
        for secret in app.config.clone().secrets() {
            secret.read().iter().for_each(|secret| scrub.add(secret));
        }
    }
    let mut files = Files { scrub, all: Vec::new() };
    files.put("README.txt", ABOUT);
    let report: Vec<Value> = lines.iter().map(|line| json!(line)).collect();
    files.put("check.json", &pretty(&json!(report)));
    files.put("versions.json", &pretty(&versions()));
    let shown = settings(&text).unwrap_or_else(|| "# they are no TOML, or there are none; see check.json\n".into());
    files.put("settings.toml", &shown);
    let log = log().await;
    files.put("log.txt", &log);
    if let Some(app) = app {
        let (counts, events) =
            rows(app).await.unwrap_or_else(|error| (json!({ "error": error.to_string() }), String::new()));
        files.put("tables.json", &pretty(&counts));
        files.put("events.jsonl", &events);
    }
    let cards = tokio::task::spawn_blocking(gpu::recordings).await.unwrap_or_default();
    for (name, text) in cards {
        files.put(format!("cards/{name}"), &text);
    }
    let (file, all) = (file.to_owned(), files.all);
    tokio::task::spawn_blocking(move || pack(&file, &all)).await.map_err(io::Error::other)?
}

/// What the bundle says of itself.
const ABOUT: &str = "\
What `studiod check --bundle` found, for a report of a fault. Look through it before you send it.

check.json     what `studiod check` says
versions.json  program, system, machine
settings.toml  the settings; what is a secret or leads to one is [removed]
tables.json    how many rows each table of the database has
events.jsonl   the last 500 events: numbers, kinds, failures; no titles, no texts
log.txt        the last lines of the service's log, when systemd keeps it
cards/         what the graphics cards say, as the tests of the studio replay it

No film, no screenplay, no prompt, no token and no name of a token is in here.
";

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

fn versions() -> Value {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("unknown");
    let kernel = rustix::system::uname();
    json!({
        "studiod": env!("CARGO_PKG_VERSION"),
        "system": system.trim_matches('"'),
        "kernel": kernel.release().to_string_lossy(),
        "machine": std::env::consts::ARCH,
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "service": std::env::var_os("INVOCATION_ID").is_some(),
    })
}

/// How full the database is, and what happened last, without what people have written.
async fn rows(app: &App) -> Result<(Value, String), store::Error> {
    let db = &app.context.db;
    let counts: serde_json::Map<String, Value> =
        store::counts::of_tables(db).await?.into_iter().map(|(table, rows)| (table, rows.into())).collect();
    let kind = match db {
        store::Db::Sqlite(_) => "sqlite",
        store::Db::Postgres(_) => "postgres",
    };
    let from = store::events::last(db).await?.saturating_sub(u64::from(EVENTS));
    let mut events = String::new();
    for event in store::events::since(db, from, EVENTS).await? {
        let told: serde_json::Map<String, Value> =
            OF_EVENT.iter().filter_map(|key| Some(((*key).to_owned(), event.body.get(*key)?.clone()))).collect();
        let line = json!({
            "seq": event.seq, "kind": event.kind, "subject": event.subject, "at_ms": event.created.0, "body": told,
        });
        let _ = writeln!(events, "{line}");
    }
    Ok((json!({ "database": kind, "rows": counts }), events))
}

/// The service's log, when systemd keeps it and lets us read.
async fn log() -> String {
    let asked = tokio::process::Command::new("journalctl")
        .args(["--unit", "studiod", "--lines", LOG_LINES, "--no-pager", "--output", "short-iso", "--quiet"])
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(said)) if said.status.success() && !said.stdout.is_empty() => {
            String::from_utf8_lossy(&said.stdout).into_owned()
        }
        Ok(Ok(said)) => {
            let why = String::from_utf8_lossy(&said.stderr);
            format!("the journal has nothing of studiod that this user may read: {}\n", why.trim())
        }
        Ok(Err(error)) => format!("there is no journal: {error}\n"),
        Err(_) => "the journal did not answer\n".into(),
    }
}

fn pack(file: &Path, all: &[(String, String)]) -> io::Result<()> {
    let mut tar = tar::Builder::new(BufWriter::new(File::create_new(file)?));
    for (name, text) in all {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, PathBuf::from("studiod-bundle").join(name), text.as_bytes())?;
    }
    tar.into_inner()?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &str = r#"
        [database]
        url = "postgres://studio:hunter22@db.lan/films?sslmode=off"
        password = { file = "/run/keys/database" }
        [openai]
        url = "http://10.0.0.7:8000"
        key = { first_of = [{ env = "MY_OPENAI_KEY" }, { file = "/home/me/planted-file" }] }
        [[comfy]]
        name = "nvidia0"
        restart_command = ["ssh", "-i", "deadbeef", "box"]
        [vault]
        url = "https://vault.lan:8200"
        role_id = "role-77-role"
    "#;

    #[test]
    fn settings_lose_what_is_or_leads_to_a_secret_and_keep_the_rest() {
        let shown = Scrub::of_settings(SETTINGS).text(&settings(SETTINGS).unwrap());
        for kept in ["http://10.0.0.7:8000", "nvidia0", "\"ssh\"", "db.lan/films", "https://vault.lan:8200"] {
            assert!(shown.contains(kept), "{kept} is gone from\n{shown}");
        }
        for gone in ["hunter22", "keys/database", "MY_OPENAI_KEY", "planted-file", "deadbeef", "role-77", "sslmode"] {
            assert!(!shown.contains(gone), "{gone} is in\n{shown}");
        }
    }

    #[test]
    fn a_refusal_that_quotes_broken_settings_is_searched_too() {
        let broken = "[openai]\nkey = sk-live-123456\nurl = \"x\"\n";
        assert_eq!(settings(broken), None);
        let refusal = "TOML parse error at line 2, column 7: key = sk-live-123456";
        assert!(!Scrub::of_settings(broken).text(refusal).contains("sk-live"));
        let pasted = "[openai]\nkey = { env = \"sk-pasted-where-a-name-belongs\" }\n";
        let refusal = "the environment has no sk-pasted-where-a-name-belongs, which should hold the key";
        assert!(!Scrub::of_settings(pasted).text(refusal).contains("sk-pasted"));
    }

    #[test]
    fn what_looks_like_a_token_or_a_login_is_taken_out_of_any_text() {
        let scrub = Scrub::of_settings("");
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIxIn0.c2lnbmF0dXJl";
        let text = scrub.text(&format!("Bearer {token}\nGET http://me:pw12@host/a?key=v (\"x\")\n"));
        assert_eq!(text, "Bearer [removed]\nGET http://[removed]@host/a?[removed] (\"x\")\n");
        assert_eq!(scrub.text("scene 1/shot 2: 3 of 4 s"), "scene 1/shot 2: 3 of 4 s");
    }
}
