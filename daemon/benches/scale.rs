//! What a long film costs: the same screenplay with about 1 000, 10 000 and 50 000 tasks, so that growth is seen.
//!
//! Against the real binary with its draft engines on a loopback: the film is laid out, its first pictures are made, then
//! the studio is paused, so that what is measured is not what is made. `make bench` prints the rows.
#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::{
    fmt::Write,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Barrier,
};

/// Scenes of two shots and two lines each, which are 19 tasks.
const SCENES: [u32; 3] = [53, 526, 2_631];
/// How often everything that changes nothing is asked; the median counts.
const TIMES: usize = 7;
/// Requests that come at once.
const AT_ONCE: usize = 1_000;
const PLAN: &str = "studiod plan, the whole command";
/// What is measured, and what it must not take.
const GOALS: [(&str, &str); 9] = [
    (PLAN, "< 2 s"),
    ("laying out (POST /api/import)", "-"),
    ("GET /api/episodes/ID", "< 50 ms"),
    ("GET /api/episodes", "< 50 ms"),
    ("GET /api/tasks", "< 50 ms"),
    ("GET /api/fleet/plan", "< 2 s"),
    ("POST /api/takes/ID/opinion, good", "< 200 ms"),
    ("POST /api/episodes/ID/cancel", "< 200 ms"),
    ("GET /health while that is committed", "< 50 ms"),
];

fn screenplay(scenes: u32) -> String {
    let mut text = format!("Title: A Long Film Of {scenes}\n\n");
    for n in 1..=scenes {
        write!(
            text,
            "INT. ROOM {n} - DAY\n\nA kettle stands on stove {n}. [[shot: wide, 2s]]\n\nANNA lifts cup {n} with a cloth. \
             [[shot: medium]]\n\nANNA\nTea {n} is ready.\n\nBEN\nThank you for {n}.\n\n"
        )
        .expect("a text takes more");
    }
    text
}

struct Daemon {
    child: Child,
    address: String,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn studiod(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_studiod"));
    command.arg("--data-dir").arg(folder.join("data")).arg("--config").arg(folder.join("config.toml"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

async fn serve(folder: &Path) -> Daemon {
    let child = studiod(folder).args(["serve", "--listen", "127.0.0.1:0"]).spawn().expect("the daemon starts");
    let mut daemon = Daemon { child, address: String::new() };
    while !daemon.address.contains(':') {
        tokio::time::sleep(Duration::from_millis(20)).await;
        daemon.address = std::fs::read_to_string(folder.join("data/studiod.address")).unwrap_or_default();
    }
    daemon
}

/// Asks and waits for the whole answer.
async fn ask(request: reqwest::RequestBuilder) -> (Duration, Value) {
    let from = Instant::now();
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    let body = answer.bytes().await.expect("a body");
    assert!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
    (from.elapsed(), serde_json::from_slice(&body).unwrap_or_default())
}

async fn median(request: impl Fn() -> reqwest::RequestBuilder) -> Duration {
    let mut all = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        all.push(ask(request()).await.0);
    }
    all.sort();
    all[TIMES / 2]
}

/// Everything about a film of so many scenes, in the order of [`GOALS`], and how many tasks it has.
async fn measured(scenes: u32) -> (usize, Vec<Duration>) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("config.toml"), "[film]\nsize = \"192x108\"\nfps = 12\n").expect("settings");
    let play = folder.path().join("long.fountain");
    std::fs::write(&play, screenplay(scenes)).expect("a screenplay");
    let from = Instant::now();
    assert!(studiod(folder.path()).arg("plan").arg(&play).status().expect("it runs").success());
    let mut took = vec![from.elapsed()];

    let daemon = serve(folder.path()).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = |path: &str| format!("http://{}{path}", daemon.address);
    let (laid_out, begun) = ask(client.post(url("/api/import")).body(screenplay(scenes))).await;
    took.push(laid_out);
    let episode = begun["episode"].as_str().expect("an episode").to_owned();
    let takes = url(&format!("/api/takes?episode={episode}&limit=500"));
    let take = loop {
        let (_, page) = ask(client.get(&takes)).await;
        let chosen = page["takes"].as_array().into_iter().flatten().find(|take| take["take"]["chosen"] == true);
        if let Some(take) = chosen {
            break take["take"]["id"].as_str().expect("an id").to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    ask(client.post(url("/api/fleet/pause")).json(&json!({ "scope": { "what": "studio" }, "hard": true }))).await;
    loop {
        let (_, page) = ask(client.get(url("/api/tasks?state=running&limit=1"))).await;
        if page["tasks"].as_array().is_some_and(Vec::is_empty) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (_, one) = ask(client.get(url(&format!("/api/episodes/{episode}")))).await;
    let stages = one["stages"].as_array().expect("stages");
    let tasks = stages.iter().map(|stage| stage["all"].as_u64().unwrap_or_default() as usize).sum();

    for path in [format!("/api/episodes/{episode}"), "/api/episodes".into(), "/api/tasks".into()] {
        took.push(median(|| client.get(url(&path))).await);
    }
    // What is foretold is of what may go on.
    ask(client.post(url("/api/fleet/resume")).json(&json!({ "scope": { "what": "studio" } }))).await;
    took.push(ask(client.get(url("/api/fleet/plan"))).await.0);
    ask(client.post(url("/api/fleet/pause")).json(&json!({ "scope": { "what": "studio" }, "hard": true }))).await;
    let opinion = url(&format!("/api/takes/{take}/opinion"));
    took.push(median(|| client.post(&opinion).json(&json!({ "good": true }))).await);
    let (stop, health) = (url(&format!("/api/episodes/{episode}/cancel")), url("/health"));
    let ((cancelled, _), (answered, _)) = tokio::join!(ask(client.post(stop)), ask(client.get(health)));
    took.extend([cancelled, answered]);
    (tasks, took)
}

/// So many requests that come at once, each on a connection of its own that is open already, sorted by how long it took.
async fn at_once(address: &str, many: usize) -> Vec<Duration> {
    let ready = std::sync::Arc::new(Barrier::new(many));
    let mut asked = Vec::with_capacity(many);
    for _ in 0..many {
        let (address, ready) = (address.to_owned(), ready.clone());
        asked.push(tokio::spawn(async move {
            let mut door = TcpStream::connect(&address).await.expect("a connection");
            ready.wait().await;
            let from = Instant::now();
            let request = format!("GET /health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
            door.write_all(request.as_bytes()).await.expect("it is sent");
            let mut answer = String::new();
            door.read_to_string(&mut answer).await.expect("an answer");
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            from.elapsed()
        }));
    }
    let mut all = Vec::with_capacity(many);
    for one in asked {
        all.push(one.await.expect("an answer"));
    }
    all.sort();
    all
}

#[tokio::main]
async fn main() {
    studiod::engines::prepare();
    let mut columns = Vec::new();
    for scenes in SCENES {
        columns.push(measured(scenes).await);
    }
    let head: String =
        columns.iter().fold(String::new(), |head, (tasks, _)| head + &format!("{tasks:>9} tasks        "));
    println!("{:38} {head} goal at about 20 000", "");
    for (row, (name, goal)) in GOALS.iter().enumerate() {
        let base = columns[0].1[row].as_secs_f64();
        let cells: Vec<String> = columns
            .iter()
            .map(|(_, took)| {
                let one = took[row].as_secs_f64();
                format!("{:9.1} ms ({:6.1} x) ", one * 1e3, one / base)
            })
            .collect();
        println!("{name:38} {} {goal}", cells.concat());
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("config.toml"), "").expect("settings");
    let daemon = serve(folder.path()).await;
    let all = at_once(daemon.address.trim(), AT_ONCE).await;
    let at = |percent: usize| all[(all.len() * percent).div_ceil(100) - 1];
    println!(
        "{:38} p50 {:.1?}  p99 {:.1?}  goal p99 < 50 ms",
        format!("{AT_ONCE} times /health at once"),
        at(50),
        at(99)
    );
}
