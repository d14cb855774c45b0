//! Client: ComfyUI's HTTP routes. No request carries an `Origin`, which ComfyUI answers with 403.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    super::http::{ANSWER_LIMIT, Http, encoded, retry_after_ms, shortened},
    wire::{Accepted, Console, Entry, Finished, Queue, Refused, SystemStats, Written, complaint},
};

pub use super::super::http::Trouble;

/// What became of a `POST /prompt`.
#[derive(Debug)]
pub enum Submitted {
    /// It is in the queue.
    Accepted,
    /// It is in the queue, but a part of the graph will not run.
    Partly(String),
    /// It is not in the queue and never will be.
    Refused(String),
}

/// A folder of a server that takes uploads.
#[derive(Debug, Clone, Copy)]
pub struct Folder<'a> {
    /// `input` or `output`.
    pub kind: &'static str,
    /// Path below it.
    pub path: &'a str,
}

/// One server's HTTP side.
#[derive(Debug, Clone)]
pub struct Client {
    http: Http,
}

impl Client {
    /// A client of the server at `base`, e.g. `http://127.0.0.1:8188`.
    pub fn new(base: &str) -> Result<Self, Trouble> {
        Ok(Self { http: Http::new(base)? })
    }

    /// The address it was made for.
    pub fn base(&self) -> &str {
        self.http.base()
    }

    /// The program and its cards.
    pub async fn system_stats(&self) -> Result<SystemStats, Trouble> {
        self.http.get("/system_stats").await
    }

    /// Whether the server can tell what a job is and cancel it by id (0.26 and later).
    pub async fn has_jobs(&self) -> Result<bool, Trouble> {
        match self.http.get::<Value>("/api/jobs?limit=1").await {
            Ok(_) => Ok(true),
            Err(trouble) if trouble.status().is_some() => Ok(false),
            Err(trouble) => Err(trouble),
        }
    }

    /// What flags the server knows, as it says them.
    pub async fn features(&self) -> Result<Value, Trouble> {
        self.http.get("/features").await
    }

    /// Every node's schema, about 1 MB.
    pub async fn object_info(&self) -> Result<Value, Trouble> {
        self.http.get("/object_info").await
    }

    /// Files in each model folder.
    pub async fn folders(&self) -> Result<BTreeMap<String, Vec<String>>, Trouble> {
        let mut folders = BTreeMap::new();
        for folder in self.http.get::<Vec<String>>("/models").await? {
            match self.http.get::<Vec<String>>(&format!("/models/{}", encoded(&folder))).await {
                Ok(files) => drop(folders.insert(folder, files)),
                // A pack may name a folder that is not there.
                Err(trouble) if trouble.status().is_some() => {}
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(folders)
    }

    /// Running and waiting prompts.
    pub async fn queue(&self) -> Result<Queue, Trouble> {
        self.http.get("/queue").await
    }

    /// The entry of a finished prompt; `None` while it is unknown, waiting or running: the three look alike.
    pub async fn history(&self, id: &str) -> Result<Option<Entry>, Trouble> {
        let mut entries: BTreeMap<String, Entry> = self.http.get(&format!("/history/{}", encoded(id))).await?;
        Ok(entries.remove(id))
    }

    /// So many finished prompts from number `from` on, the oldest being 0, by id.
    ///
    /// One that cannot be read is as if it had made nothing.
    pub async fn finished(&self, from: usize, most: usize) -> Result<Vec<(String, Finished)>, Trouble> {
        let all: BTreeMap<String, Value> = self.http.get(&format!("/history?max_items={most}&offset={from}")).await?;
        Ok(all.into_iter().map(|(id, entry)| (id, serde_json::from_value(entry).unwrap_or_default())).collect())
    }

    /// Queues a graph under `id`; what it does is told to the socket that has `client_id`. Never sends `number`: two equal ones kill the server's worker.
    ///
    /// Not idempotent: after [`Trouble::Broken`] the id must be looked up before anything is sent again.
    pub async fn submit(&self, id: &str, client_id: &str, graph: &Value, mark: &Value) -> Result<Submitted, Trouble> {
        let body =
            json!({ "prompt": graph, "prompt_id": id, "client_id": client_id, "extra_data": { "studio": mark } });
        let route = "/prompt";
        let request = self.http.request(Method::POST, route).json(&body).timeout(ANSWER_LIMIT);
        let response = request.send().await.map_err(|error| self.http.lost(&error))?;
        let status = response.status().as_u16();
        let retry_after_ms = retry_after_ms(response.headers());
        let body = response.bytes().await.map_err(|error| self.http.lost(&error))?;
        if status == 400 {
            let refused: Refused = serde_json::from_slice(&body).unwrap_or_default();
            return Ok(Submitted::Refused(complaint(&refused.error, &refused.node_errors)));
        }
        if status != 200 {
            let text = shortened(&String::from_utf8_lossy(&body));
            return Err(Trouble::Answer { url: self.http.url(route), status, text, retry_after_ms });
        }
        let accepted: Accepted = self.http.read(route, &body)?;
        if accepted.prompt_id != id {
            let why = format!("it queued {} under another id; ComfyUI 0.3.45 or later is needed", accepted.prompt_id);
            return Err(Trouble::Garbled { url: self.http.url(route), why });
        }
        let whole = accepted.node_errors.as_object().is_none_or(serde_json::Map::is_empty);
        Ok(if whole { Submitted::Accepted } else { Submitted::Partly(complaint(&Value::Null, &accepted.node_errors)) })
    }

    /// Asks for the end of a waiting or running prompt; says nothing about whether it ended.
    pub async fn cancel(&self, id: &str) -> Result<(), Trouble> {
        let route = format!("/api/jobs/{}/cancel", encoded(id));
        match self.http.post(&route, &json!({})).await {
            Ok(_) => Ok(()),
            // Versions before 0.26: both, because it may start between the two.
            Err(trouble) if matches!(trouble.status(), Some(404 | 405)) => {
                self.http.post("/queue", &json!({ "delete": [id] })).await?;
                self.http.post("/interrupt", &json!({ "prompt_id": id })).await.map(drop)
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Asks for the card's memory back; the worker acts on it between two prompts.
    pub async fn free(&self) -> Result<(), Trouble> {
        self.http.post("/free", &json!({ "unload_models": true, "free_memory": true })).await.map(drop)
    }

    /// Files of one folder of models.
    pub async fn models(&self, folder: &str) -> Result<Vec<String>, Trouble> {
        self.http.get(&format!("/models/{}", encoded(folder))).await
    }

    /// The last lines of its console, oldest first: at most 300 writes.
    pub async fn console(&self) -> Result<Vec<Written>, Trouble> {
        self.http.get::<Console>("/internal/logs/raw").await.map(|console| console.entries)
    }

    /// Uploads a file and returns the name nodes know it by, which has the path of the folder in it. One of that name is replaced.
    pub async fn upload(&self, folder: Folder<'_>, name: &str, mime: &str, bytes: Vec<u8>) -> Result<String, Trouble> {
        let route = "/upload/image";
        let trouble = |error: &reqwest::Error| self.http.lost(error);
        let part = reqwest::multipart::Part::bytes(bytes)
            .file_name(name.to_owned())
            .mime_str(mime)
            .map_err(|error| trouble(&error))?;
        let form = reqwest::multipart::Form::new()
            .part("image", part)
            .text("type", folder.kind.to_owned())
            .text("subfolder", folder.path.to_owned())
            .text("overwrite", "true");
        let request = self.http.request(Method::POST, route).multipart(form);
        let body = self.http.body(request, route).await?;
        let kept: Value = self.http.read(route, &body)?;
        let word = |key: &str| kept.get(key).and_then(Value::as_str).unwrap_or_default();
        match (word("subfolder"), word("name")) {
            (_, "") => Err(Trouble::Garbled { url: self.http.url(route), why: "it names no file".into() }),
            ("", name) => Ok(name.to_owned()),
            (folder, name) => Ok(format!("{folder}/{name}")),
        }
    }

    /// Starts reading a file of the server from byte `from` on.
    pub async fn view(&self, file: &super::wire::NamedFile, from: u64) -> Result<reqwest::Response, Trouble> {
        let query = [("filename", &file.filename), ("subfolder", &file.subfolder), ("type", &file.kind)];
        let mut request = self.http.request(Method::GET, "/view").query(&query);
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        self.http.send(request, "/view").await
    }
}
