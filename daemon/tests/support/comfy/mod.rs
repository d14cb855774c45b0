//! A ComfyUI that speaks the real protocol, from the recordings of one: queue, one worker, cache, history, files,
//! websockets, and its faults, which tests switch on.

#![allow(dead_code, reason = "each test binary uses a part of it")]

mod routes;
mod work;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::extract::ws::Message;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
    time::Instant,
};

/// Nothing here takes a moment; who waits this long for the next message waits in vain.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);

/// Something the real server does, or that happens to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The next prompt is queued, but its answer is lost.
    LoseAnswer,
    /// The next so many answers are 500 in plain text.
    Broken(usize),
    /// The next so many prompts run out of memory at their sampler.
    OutOfMemory(usize),
    /// Prompts run out of memory until their graph has a node of this class.
    OutOfMemoryUnless(&'static str),
    /// The next so many prompts fail with this exception.
    Exception(usize, &'static str, &'static str),
    /// 200 with `node_errors` for the next prompt.
    Partly,
    /// The next so many downloads end in the middle.
    CutDownload(usize),
    /// Outputs are gone when they are asked for.
    OutputsVanish,
    /// Outputs have a name that leaves their folder.
    HostileName(&'static str),
    /// Somebody interrupts the next prompt in mid-render.
    Interrupted,
    /// The next prompt is deleted from the queue by somebody.
    Deleted,
    /// The worker thread is dead.
    DeadWorker,
    /// Nothing is sent on sockets any more, but they stay open.
    Deaf,
    /// No socket can be opened.
    NoSockets,
    /// `/api/jobs` is not there, as before 0.6.
    OldVersion,
    /// The next preview has this many bytes.
    LargePreview(usize),
    /// The history has lost what it had.
    LostHistory,
    /// Trainings compute what is not a number.
    LossIsNan,
    /// The next training ends well and leaves nothing.
    SavesNothing,
    /// The next training leaves half a file.
    SavesHalf,
    /// The training nodes are those of before 2025-12.
    OldTraining,
}

/// What was asked of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Logged {
    /// A prompt was queued.
    Queued(String),
    /// A prompt began to run.
    Ran(String),
    /// A prompt ended: `success`, `error`, `interrupted`.
    Ended(String, &'static str),
    /// `/free`.
    Free,
    /// A cancel of this prompt.
    Cancel(String),
    /// A file was asked for from this byte on.
    View(String, u64),
    /// A file was uploaded under this name.
    Upload(String),
}

pub(crate) struct Item {
    pub number: f64,
    pub id: String,
    pub graph: Value,
    pub extra: Value,
    pub outputs: Vec<String>,
    pub client: Option<String>,
}

#[derive(Default)]
pub(crate) struct Inner {
    pub counter: f64,
    pub pending: Vec<Item>,
    pub running: Option<(String, Value, Value, f64)>,
    pub interrupt: bool,
    pub history: BTreeMap<String, Value>,
    /// Ids of the history in order of completion.
    pub done: Vec<String>,
    pub sockets: BTreeMap<String, (mpsc::UnboundedSender<Message>, bool)>,
    pub cache: BTreeMap<String, Value>,
    pub faults: Vec<Fault>,
    pub log: Vec<Logged>,
    pub moments: Vec<Instant>,
    pub free_asked: bool,
    pub loaded: bool,
    /// What was written to the console: when, and what.
    pub console: Vec<(String, String)>,
    pub files: BTreeSet<String>,
}

pub(crate) struct Shared {
    pub inner: Mutex<Inner>,
    pub wake: Notify,
    pub held: watch::Sender<bool>,
    pub held_at_end: watch::Sender<bool>,
    pub moved: watch::Sender<u64>,
    pub folder: PathBuf,
    pub info: Value,
    pub models: Mutex<BTreeSet<String>>,
    /// A folder of LoRAs beside them, looked at again whenever somebody asks.
    pub loras: Mutex<Option<PathBuf>>,
}

/// What is left of a counted fault.
pub(crate) type Counted = fn(&mut Fault) -> Option<&mut usize>;

impl Shared {
    pub fn models(&self) -> BTreeSet<String> {
        let mut models = self.models.lock().expect("never poisoned").clone();
        if let Some(folder) = &*self.loras.lock().expect("never poisoned") {
            let files = walkdir::WalkDir::new(folder).into_iter().flatten();
            let loras = files.filter(|file| file.path().extension().is_some_and(|ending| ending == "safetensors"));
            models.extend(loras.map(|file| {
                let below = file.path().strip_prefix(folder).expect("it is below");
                below.to_string_lossy().into_owned()
            }));
        }
        models
    }

    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("the fake is never poisoned")
    }

    pub fn note(&self, logged: Logged) {
        let mut inner = self.inner();
        inner.log.push(logged);
        inner.moments.push(Instant::now());
        drop(inner);
        self.moved.send_modify(|moved| *moved += 1);
    }

    /// Takes a fault that is there once.
    pub fn once(&self, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut inner = self.inner();
        let at = inner.faults.iter().position(wanted)?;
        Some(inner.faults.remove(at))
    }

    /// Takes one of a counted fault.
    pub fn counted(&self, count: Counted) -> Option<Fault> {
        let mut inner = self.inner();
        for at in 0..inner.faults.len() {
            let found = inner.faults[at].clone();
            if let Some(left) = count(&mut inner.faults[at]) {
                *left -= 1;
                if *left == 0 {
                    inner.faults.remove(at);
                }
                return Some(found);
            }
        }
        None
    }

    pub fn has(&self, fault: &Fault) -> bool {
        self.inner().faults.contains(fault)
    }

    /// Writes to the console, which remembers the last 300 times.
    pub fn print(&self, text: String) {
        let mut inner = self.inner();
        let at = inner.console.len() as u64 + inner.counter as u64;
        let last = inner.console.last().map_or(0, |(at, _)| at[20..].parse().unwrap_or(0));
        inner.console.push((format!("2026-11-28T16:30:24.{:06}", at.max(last + 1)), text));
        let from = inner.console.len().saturating_sub(300);
        inner.console.drain(..from);
    }

    /// LoRAs below its output folder, which are among all others.
    pub fn trained(&self) -> Vec<String> {
        let folder = self.folder.join("output/loras");
        let files = walkdir::WalkDir::new(&folder).sort_by_file_name().into_iter().flatten();
        let loras = files.filter(|file| file.path().extension().is_some_and(|ending| ending == "safetensors"));
        loras
            .map(|file| file.path().strip_prefix(&folder).expect("it is below").to_string_lossy().into_owned())
            .collect()
    }

    /// Sends a message to the socket of `client`, or to all.
    pub fn tell(&self, client: Option<&str>, kind: &str, data: &Value) {
        if self.has(&Fault::Deaf) {
            return;
        }
        let text = json!({ "type": kind, "data": data }).to_string();
        let inner = self.inner();
        for (id, (socket, _)) in &inner.sockets {
            if client.is_none_or(|client| client == id) {
                let _ = socket.send(Message::text(text.clone()));
            }
        }
    }

    /// Sends a preview as the server does: with its prompt to who has said the flags, bare to others.
    pub fn preview(&self, client: &str, prompt: &str, node: &str, bytes: &[u8]) {
        if self.has(&Fault::Deaf) {
            return;
        }
        let inner = self.inner();
        let Some((socket, flags)) = inner.sockets.get(client) else { return };
        let about = json!({ "node_id": node, "prompt_id": prompt, "image_type": "image/jpeg" }).to_string();
        let mut frame = Vec::new();
        if *flags {
            frame.extend(4u32.to_be_bytes());
            frame.extend((about.len() as u32).to_be_bytes());
            frame.extend(about.as_bytes());
        } else {
            frame.extend(1u32.to_be_bytes());
            frame.extend(1u32.to_be_bytes());
        }
        frame.extend(bytes);
        let _ = socket.send(Message::binary(frame));
    }

    pub fn remaining(&self) -> usize {
        let inner = self.inner();
        inner.pending.len() + usize::from(inner.running.is_some())
    }

    pub fn status(&self) {
        let left = self.remaining();
        self.tell(None, "status", &json!({ "status": { "exec_info": { "queue_remaining": left } } }));
    }
}

/// A running fake.
pub struct Comfy {
    pub(crate) shared: Arc<Shared>,
    folder: TempDir,
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Comfy {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Comfy {
    /// A server on a free port of this machine that has these model files.
    pub async fn start(models: impl IntoIterator<Item = String>) -> Self {
        let folder = tempfile::tempdir().expect("a folder for outputs");
        let info = include_str!("../../recordings/comfy/object_info.json");
        let mut info: Value = serde_json::from_str(info).expect("the recording is JSON");
        let training = include_str!("../../recordings/comfy/training_nodes.json");
        let training: BTreeMap<String, Value> = serde_json::from_str(training).expect("the recording is JSON");
        info.as_object_mut().expect("classes by name").extend(training);
        let shared = Arc::new(Shared {
            inner: Mutex::default(),
            wake: Notify::new(),
            held: watch::channel(false).0,
            held_at_end: watch::channel(false).0,
            moved: watch::channel(0).0,
            folder: folder.path().to_owned(),
            info,
            models: Mutex::new(models.into_iter().collect()),
            loras: Mutex::default(),
        });
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut comfy = Self { shared, folder, address, tasks: Vec::new() };
        comfy.restart().await;
        comfy
    }

    /// From now on it has the LoRAs of this folder, too, as they come and go.
    pub fn loras(&self, folder: PathBuf) {
        *self.shared.loras.lock().expect("never poisoned") = Some(folder);
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// SIGKILL: the queue, the history and every connection are gone; files stay.
    pub fn kill(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
        let mut inner = self.shared.inner();
        inner.pending.clear();
        inner.running = None;
        inner.history.clear();
        inner.done.clear();
        inner.cache.clear();
        inner.sockets.clear();
        inner.counter = 0.0;
        inner.interrupt = false;
        inner.faults.retain(|fault| *fault != Fault::DeadWorker);
    }

    /// Starts it again on the same port.
    pub async fn restart(&mut self) {
        // The port is free again as soon as the system has seen the listener go.
        let door = loop {
            match tokio::net::TcpListener::bind(self.address).await {
                Ok(door) => break door,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        self.address = door.local_addr().expect("a bound door has an address");
        let app = routes::routes(self.shared.clone());
        self.tasks.push(tokio::spawn(async move { drop(axum::serve(door, app).await) }));
        self.tasks.push(tokio::spawn(work::work(self.shared.clone())));
    }

    /// Switches a fault on.
    pub fn fault(&self, fault: Fault) {
        self.shared.inner().faults.push(fault);
        self.shared.wake.notify_one();
    }

    /// Switches all faults off.
    pub fn mend(&self) {
        self.shared.inner().faults.clear();
        self.shared.wake.notify_one();
    }

    /// Holds prompts in the middle of their sampler, or lets them go on.
    pub fn hold(&self, held: bool) {
        self.shared.held.send_replace(held);
    }

    /// Holds prompts after the last step of their sampler, or lets them go on.
    pub fn hold_at_end(&self, held: bool) {
        self.shared.held_at_end.send_replace(held);
    }

    /// Closes every socket.
    pub fn drop_sockets(&self) {
        self.shared.inner().sockets.clear();
    }

    /// What was asked of it so far.
    pub fn log(&self) -> Vec<Logged> {
        self.shared.inner().log.clone()
    }

    /// What was asked of it so far, and when.
    pub fn moments(&self) -> Vec<(Instant, Logged)> {
        let inner = self.shared.inner();
        inner.moments.iter().copied().zip(inner.log.iter().cloned()).collect()
    }

    /// Waits until its log says something.
    pub async fn until(&self, wanted: impl Fn(&[Logged]) -> bool) {
        let mut moved = self.shared.moved.subscribe();
        while !wanted(&self.log()) {
            let more = tokio::time::timeout(PATIENCE, moved.changed()).await;
            more.unwrap_or_else(|_| panic!("it never came; what did: {:?}", self.log())).expect("the fake lives");
        }
    }

    /// Waits until exactly these clients have a socket open.
    pub async fn until_listened_by(&self, clients: &[&str]) {
        let wanted: BTreeSet<&str> = clients.iter().copied().collect();
        let mut moved = self.shared.moved.subscribe();
        let clients = || self.shared.inner().sockets.keys().cloned().collect::<BTreeSet<_>>();
        while !clients().iter().map(String::as_str).eq(wanted.iter().copied()) {
            let more = tokio::time::timeout(PATIENCE, moved.changed()).await;
            more.unwrap_or_else(|_| panic!("not {wanted:?} listen but {:?}", clients())).expect("the fake lives");
        }
    }

    /// A prompt of somebody else's, first in line; it runs when the ones held before it are through.
    pub fn foreign(&self) -> String {
        let id = "11111111-1111-4111-8111-111111111111".to_owned();
        let graph = json!({ "1": { "class_type": "EmptyImage", "inputs": { "width": 64, "height": 64, "batch_size": 1, "color": 5 } },
            "9": { "class_type": "SaveImage", "inputs": { "images": ["1", 0], "filename_prefix": "other" } } });
        let item =
            Item { number: -1.0, id: id.clone(), graph, extra: json!({}), outputs: vec!["9".into()], client: None };
        self.shared.inner().pending.push(item);
        self.shared.wake.notify_one();
        id
    }

    /// A prompt somebody else had run long ago: its graph, when it ended, and what it left, as (folder, name, kind, bytes).
    pub fn finished(&self, graph: &Value, at: i64, left: &[(&str, &str, &str, Vec<u8>)]) -> String {
        self.finished_by(graph, at, &Value::Null, left)
    }

    /// The same of a studio, with its mark.
    pub fn finished_by(&self, graph: &Value, at: i64, mark: &Value, left: &[(&str, &str, &str, Vec<u8>)]) -> String {
        let mut inner = self.shared.inner();
        let id = uuid::Uuid::from_u128(0x77 << 64 | (inner.done.len() as u128 + 1)).to_string();
        let mut images = Vec::new();
        for (folder, name, kind, bytes) in left {
            let to = self.folder.path().join(kind).join(folder);
            std::fs::create_dir_all(&to).expect("the folder can be made");
            std::fs::write(to.join(name), bytes).expect("the output is written");
            images.push(json!({ "filename": name, "subfolder": folder, "type": kind }));
        }
        let mut extra = json!({ "create_time": at - 900 });
        if !mark.is_null() {
            extra["studio"] = mark.clone();
        }
        let entry = json!({ "prompt": [0, id, graph, extra, ["9"]],
            "outputs": { "9": { "images": images } },
            "status": { "status_str": "success", "completed": true, "messages": [
                ["execution_start", { "prompt_id": id, "timestamp": at - 800 }],
                ["execution_success", { "prompt_id": id, "timestamp": at }]] }, "meta": {} });
        inner.history.insert(id.clone(), entry);
        inner.done.push(id.clone());
        id
    }

    /// Where what it is given and what it makes lies.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Ids that were queued, in order.
    pub fn queued(&self) -> Vec<String> {
        let queued = |logged: &Logged| if let Logged::Queued(id) = logged { Some(id.clone()) } else { None };
        self.log().iter().filter_map(queued).collect()
    }

    /// Prompts of ours that ended well.
    pub fn rendered(&self) -> usize {
        self.log().iter().filter(|logged| matches!(logged, Logged::Ended(_, "success"))).count()
    }

    /// Fails the test when an id was queued twice.
    #[track_caller]
    pub fn nothing_twice(&self) {
        let queued = self.queued();
        let all: BTreeSet<&String> = queued.iter().collect();
        assert_eq!(all.len(), queued.len(), "an id was queued twice: {queued:?}");
    }

    /// Takes every model file away.
    pub fn shared_models_remove(&self) {
        self.shared.models.lock().expect("never poisoned").clear();
    }

    /// Deletes every output file.
    pub fn delete_outputs(&self) {
        for entry in std::fs::read_dir(self.folder.path().join("output")).into_iter().flatten().flatten() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
