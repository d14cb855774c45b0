//! The episode in a browser: it plays, and every seek shows the picture it should.
//!
//! Chromium cannot be asked for the frame it shows, so the page draws it on a canvas and sends back its average colour;
//! ffmpeg, which knows nothing of the browser, says what it should be.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Response, StatusCode, header},
    response::Html,
    routing::{get, post},
};
use serde::Deserialize;
use tokio::sync::mpsc;

/// Two scenes with a transition between them, so that a seek crosses a re-encoded window.
const STORY: &str = "Title: Two Rooms\nAired: 2026-01-02\n\nEXT. BEACH - DAY\n\n[[shot: wide, 2s, motion: pan-left]]\nWaves.\n\n\
[[shot: close-up, 2s]]\nA face by the sea.\n\nINT. KITCHEN - NIGHT\n\n[[shot: medium, 2s]]\nA lamp.\n";

const PAGE: &str = r#"<!doctype html><video id=v muted preload=auto src="/film.mp4"></video><canvas id=c width=64 height=36></canvas>
<script>
const v = document.getElementById('v'), c = document.getElementById('c').getContext('2d', { willReadFrequently: true });
const once = (what, name) => new Promise((go, stop) => {
  what.addEventListener(name, go, { once: true });
  v.addEventListener('error', () => stop(new Error(v.error.message)), { once: true });
});
function colour() {
  c.drawImage(v, 0, 0, 64, 36);
  const d = c.getImageData(0, 0, 64, 36).data, sum = [0, 0, 0];
  for (let i = 0; i < d.length; i += 4) for (let k = 0; k < 3; k++) sum[k] += d[i + k];
  return sum.map(s => s / (64 * 36));
}
(async () => {
  if (v.readyState < 1) await once(v, 'loadedmetadata');
  const seeks = [];
  for (const at of [0.5, 0.9, 0.1, 0.62, 0.64, 0.33]) {
    const time = Math.floor(at * v.duration * FPS) / FPS + 0.5 / FPS;
    const seeked = once(v, 'seeked');
    v.currentTime = time;
    await seeked;
    seeks.push({ time, colour: colour() });
  }
  v.currentTime = 0;
  await once(v, 'seeked');
  const ended = once(v, 'ended');
  await v.play();
  await ended;
  return { duration: v.duration, width: v.videoWidth, seeks, shown: v.getVideoPlaybackQuality().totalVideoFrames };
})().then(r => r, e => ({ error: String(e) })).then(r => fetch('/done', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(r) }));
</script>"#;

const FPS: u32 = 24;

#[derive(Debug, Deserialize)]
struct Seen {
    error: Option<String>,
    #[serde(default)]
    duration: f64,
    #[serde(default)]
    width: u32,
    #[serde(default)]
    seeks: Vec<Seek>,
    #[serde(default)]
    shown: u64,
}

#[derive(Debug, Deserialize)]
struct Seek {
    time: f64,
    colour: [f64; 3],
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_episode_plays_and_seeks_in_a_browser() {
    let dir = tempfile::tempdir().unwrap();
    let film = produce(dir.path());
    let (done, mut heard) = mpsc::channel(1);
    let bytes: Arc<[u8]> = std::fs::read(&film).unwrap().into();
    let routes = Router::new()
        .route("/", get(|| async { Html(PAGE.replace("FPS", &FPS.to_string())) }))
        .route("/film.mp4", get(ranged).with_state(bytes))
        .route("/done", post(async move |Json(seen): Json<Seen>| done.send(seen).await.unwrap()));
    let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = door.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(door, routes).await });

    let browser = Killed(browse(&format!("http://{address}/"), dir.path()));
    let seen = heard.recv().await.expect("the page reports");
    drop(browser);

    assert_eq!(seen.error, None, "the browser cannot play it");
    assert_eq!(seen.width, 320);
    let frames = count_frames(&film);
    assert!((seen.duration - frames as f64 / f64::from(FPS)).abs() < 1e-3, "{} s for {frames} frames", seen.duration);
    assert!(seen.shown >= frames / 2, "only {} of {frames} pictures were shown", seen.shown);
    for seek in &seen.seeks {
        let frame = (seek.time * f64::from(FPS)).floor() as u64;
        let truth = colour_of(&film, frame);
        let off = truth.iter().zip(seek.colour).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 6.0, "frame {frame}: the browser shows {:?}, it is {truth:?}", seek.colour);
    }
}

fn produce(dir: &Path) -> PathBuf {
    let (story, config) = (dir.join("story.fountain"), dir.join("config.toml"));
    std::fs::write(&story, STORY).unwrap();
    std::fs::write(&config, format!("[film]\nfps = {FPS}\n")).unwrap();
    let answer = Command::new(env!("CARGO_BIN_EXE_studiod"))
        .args(["--json", "--data-dir"])
        .arg(dir.join("data"))
        .arg("--config")
        .arg(&config)
        .arg("produce")
        .arg(&story)
        .args(["--size", "320x180", "--library"])
        .arg(dir.join("library"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&answer.stdout);
    let said: serde_json::Value = serde_json::from_str(said.trim()).unwrap_or_else(|_| panic!("{said}"));
    said["path"].as_str().unwrap_or_else(|| panic!("{said}")).into()
}

fn browse(url: &str, dir: &Path) -> Child {
    Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--mute-audio"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"])
        .arg("--autoplay-policy=no-user-gesture-required")
        .arg("--remote-debugging-port=0")
        .arg(format!("--user-data-dir={}", dir.join("browser").display()))
        .arg(url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromium is installed by `make test`")
}

/// The film, whole or in part: browsers seek by asking for ranges.
async fn ranged(State(bytes): State<Arc<[u8]>>, headers: HeaderMap) -> Response<Body> {
    let whole = bytes.len();
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok()?.strip_prefix("bytes="));
    let (from, to) = asked.and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
    let from: usize = from.parse().unwrap_or(0).min(whole - 1);
    let to: usize = to.parse().unwrap_or(whole - 1).min(whole - 1);
    let status = if asked.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "video/mp4")
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CONTENT_RANGE, format!("bytes {from}-{to}/{whole}"))
        .body(Body::from(bytes[from..=to].to_vec()))
        .unwrap()
}

fn ffmpeg(film: &Path, args: &[&str]) -> Vec<u8> {
    let answer = Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(film).args(args).output().unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    answer.stdout
}

fn count_frames(film: &Path) -> u64 {
    let bytes = ffmpeg(film, &["-map", "0:v", "-vf", "scale=16:16,format=gray", "-f", "rawvideo", "-"]);
    bytes.len() as u64 / 256
}

/// Average red, green and blue of one picture.
fn colour_of(film: &Path, frame: u64) -> [f64; 3] {
    let filter = format!("select=eq(n\\,{frame}),scale=in_color_matrix=bt709:w=64:h=36,format=rgb24");
    let bytes = ffmpeg(film, &["-vf", &filter, "-frames:v", "1", "-f", "rawvideo", "-"]);
    let mut sum = [0.0; 3];
    for pixel in bytes.chunks_exact(3) {
        for (sum, value) in sum.iter_mut().zip(pixel) {
            *sum += f64::from(*value);
        }
    }
    sum.map(|sum| sum / (bytes.len() / 3) as f64)
}
