//! What the page costs the daemon: 200 open pages while twenty things a second happen, and answers in a full studio.
//!
//! Against the real binary on a loopback; `make bench` prints the rows.
#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use serde_json::Value;
use studio_core::{
    episode::{Episode, EpisodeState},
    ids::{EpisodeId, ProjectId, SceneId, ShotId},
    project::Project,
    scene::{Look, Scene, SceneState, Setting, TimeOfDay, Weather},
    shot::{CameraAngle, Motion, Shot, ShotPlan, ShotType, Transition},
};
use studiod::store::{self, Db};
use uuid::Uuid;

const PAGES: usize = 200;
const EVENTS: u64 = 200;
const PACE: Duration = Duration::from_millis(50);
const EPISODES: u32 = 100;
const SCENES: u32 = 10;
const SHOTS: u32 = 10;

fn id() -> Uuid {
    Uuid::now_v7()
}

/// 10 000 shots in a hundred episodes of one project, and another one to change something in.
async fn fill(folder: &std::path::Path) -> (ProjectId, ProjectId) {
    let db = Db::open(&format!("sqlite:{}", folder.join("studio.db").display())).await.expect("a database");
    let called = |slug: &str| Project::beginning(ProjectId(id()), slug.into(), 2026, &[]);
    let (project, small) = (called("full"), called("small"));
    let mut tx = db.begin().await.expect("a write");
    store::projects::upsert(&mut tx, &project).await.expect("a project");
    store::projects::upsert(&mut tx, &small).await.expect("a project");
    for number in 1..=EPISODES {
        let episode = Episode {
            id: EpisodeId(id()),
            project_id: project.id,
            season: 1,
            number,
            title: format!("Episode {number}"),
            plot: String::new(),
            aired: "2026-01-01".into(),
            state: EpisodeState::Draft,
            film: None,
            thumbnail: None,
            actual_frames: None,
            published: None,
            remarks: Vec::new(),
            remarked: Vec::new(),
        };
        let episode = store::episodes::upsert(&mut tx, &episode).await.expect("an episode");
        let scenes: Vec<Scene> = (1..=SCENES).map(|number| scene(episode.id, number)).collect();
        for scene in store::scenes::replace_all(&mut tx, episode.id, &scenes).await.expect("scenes") {
            let shots: Vec<Shot> = (1..=SHOTS).map(|number| shot(scene.id, number)).collect();
            store::shots::replace_all(&mut tx, scene.id, &shots).await.expect("shots");
        }
    }
    tx.commit().await.expect("a commit");
    db.close().await;
    (project.id, small.id)
}

fn scene(episode_id: EpisodeId, number: u32) -> Scene {
    let look = Look {
        setting: Setting::Interior,
        location: "ROOM".into(),
        time_of_day: TimeOfDay::Midday,
        weather: Weather::Clear,
        mood: "peaceful".into(),
        synopsis: String::new(),
    };
    Scene {
        id: SceneId(id()),
        episode_id,
        location_id: None,
        number,
        title: format!("Room {number}"),
        look,
        transition: Transition::CUT,
        state: SceneState::Draft,
        target_frames: 240,
        actual_frames: None,
        film: None,
    }
}

fn shot(scene_id: SceneId, number: u32) -> Shot {
    let plan = ShotPlan {
        shot_type: ShotType::Wide,
        angle: CameraAngle::EyeLevel,
        motion: Motion::Static,
        description: format!("Shot {number}."),
        characters: vec!["ANNA".into()],
        lines: Vec::new(),
        planned_ms: 2000,
        fixed_length: false,
        transition: Transition::CUT,
        engine: None,
        continues: false,
        own_still: false,
        loras: Vec::new(),
        card: None,
    };
    Shot::new(ShotId(id()), scene_id, number, plan)
}

struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Daemon {
    /// Processor time it has used, from `/proc` in hundredths of a second.
    fn used(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it runs");
        let after = stat.rsplit_once(')').expect("a name").1;
        let ticks: u64 =
            after.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("ticks")).sum();
        Duration::from_millis(ticks * 10)
    }
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent).div_ceil(100).saturating_sub(1)]
}

async fn asked(client: &reqwest::Client, url: &str, times: usize) -> Vec<Duration> {
    let mut all = Vec::with_capacity(times);
    for _ in 0..times {
        let from = Instant::now();
        let answer = client.get(url).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{url}: {}", answer.status());
        answer.bytes().await.expect("a body");
        all.push(from.elapsed());
    }
    all.sort();
    all
}

#[tokio::main]
async fn main() {
    studiod::engines::prepare();
    let folder = tempfile::tempdir().expect("a folder");
    let (project, small) = fill(folder.path()).await;
    let child = Command::new(env!("CARGO_BIN_EXE_studiod"))
        .args([
            "--data-dir".as_ref(),
            folder.path().as_os_str(),
            "serve".as_ref(),
            "--listen".as_ref(),
            "127.0.0.1:0".as_ref(),
        ])
        .stderr(Stdio::null())
        .spawn()
        .expect("the daemon starts");
    let daemon = Daemon(child);
    let address = loop {
        match std::fs::read_to_string(folder.path().join("studiod.address")) {
            Ok(address) if address.contains(':') => break address,
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    for (name, path, goal) in [
        ("/health", "/health".to_owned(), "< 2 ms"),
        ("/api/projects, 10 000 shots", "/api/projects".to_owned(), "< 20 ms"),
        ("/api/projects/ID, 100 episodes", format!("/api/projects/{}", project.0), "-"),
    ] {
        let all = asked(&client, &format!("http://{address}{path}"), 500).await;
        println!("{name:40} p50 {:7.2?}  p99 {:7.2?}  goal {goal}", at(&all, 50), at(&all, 99));
    }
    let alone = edited(&daemon, &client, &address, (small, 0), 0).await;
    let share = edited(&daemon, &client, &address, (small, EVENTS), PAGES).await;
    println!(
        "{:40} {:.1} % of a core for the pages, {:.1} % more for the edits  goal < 15 %",
        "",
        (share - alone) * 100.0,
        alone * 100.0
    );
}

/// So many pages listen while a project, at event number `before`, is edited twenty times a second; the share of a
/// core the daemon needs. On a loopback the kernel's work of receiving is the sender's, too.
async fn edited(
    daemon: &Daemon,
    client: &reqwest::Client,
    address: &str,
    (project, before): (ProjectId, u64),
    pages: usize,
) -> f64 {
    let (said, mut heard) = tokio::sync::mpsc::unbounded_channel::<(u64, Instant)>();
    for _ in 0..pages {
        let url = format!("ws://{address}/api/live");
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.expect("a page");
        let said = said.clone();
        tokio::spawn(async move {
            while let Some(Ok(message)) = socket.next().await {
                let Ok(text) = message.into_text() else { return };
                let told: Value = serde_json::from_str(text.as_str()).expect("JSON");
                if told["type"] == "event" {
                    let _ = said.send((told["seq"].as_u64().unwrap_or_default(), Instant::now()));
                }
            }
        });
    }
    let (from, used) = (Instant::now(), daemon.used());
    let mut sent = Vec::new();
    let mut tick = tokio::time::interval(PACE);
    for number in 1..=EVENTS {
        tick.tick().await;
        let body = serde_json::json!({ "year": 1928 + number % 500 });
        let url = format!("http://{address}/api/projects/{}", project.0);
        let request = client.patch(url).header("content-type", "application/merge-patch+json").body(body.to_string());
        sent.push(Instant::now());
        assert!(request.send().await.expect("an answer").status().is_success());
    }
    let mut late = Vec::new();
    while late.len() < pages * EVENTS as usize {
        let (seq, when) = heard.recv().await.expect("a page");
        late.push(when.duration_since(sent[(seq - before) as usize - 1]));
    }
    let share = daemon.used().saturating_sub(used).as_secs_f64() / from.elapsed().as_secs_f64();
    late.sort();
    if pages > 0 {
        println!(
            "{:40} p50 {:7.2?}  p99 {:7.2?}  goal < 50 ms",
            format!("{pages} pages, 20 events a second"),
            at(&late, 50),
            at(&late, 99)
        );
    }
    share
}
