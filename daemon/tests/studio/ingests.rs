//! Videos whose frames become pictures of a dataset: sent or fetched, stopped, cut off, and the same after every restart.

#[path = "../support/films.rs"]
mod films;

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::Router;
use films::{Film, SCENE_MS};
use serde_json::{Value, json};
use studio_core::{
    dataset::{Ingest, IngestFault, IngestState, Picture, Source},
    ids::{CharacterId, IngestId},
    media::{MediaPlan, MediaResult},
    units::Size,
};
use studio_engine::{Boxed, EngineError, Progress, RunMedia, asset_path};
use studiod::{
    app::datasets::Datasets,
    config::{self, Config},
    events::StudioEvent,
    media::ChildProcess,
    store,
    web::Access,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    api::PATIENCE,
    bench::{Bench, JSON, Said, ask, get},
    datasets::{mara, pictures, studio},
    studio::Studio,
};

/// The child process of the program itself.
fn child() -> Arc<dyn RunMedia> {
    Arc::new(ChildProcess::with_program(env!("CARGO_BIN_EXE_studiod")))
}

/// Who looks after datasets and takes videos in, which are fetched by `program`.
fn keeper(studio: &Studio, media: Arc<dyn RunMedia>, program: &str) -> Datasets {
    let mut of = crate::datasets::of(studio);
    of.making.config = Config {
        datasets: config::Datasets { fetch_program: program.into(), fetch_s: 20, ..of.making.config.datasets.clone() },
        ..of.making.config
    };
    Datasets { media: Some(media), ..of }
}

/// The API of a studio with these datasets.
fn door(studio: &Studio, datasets: &Datasets) -> Router {
    let mut services = Bench::of(studio, None);
    services.datasets = Arc::new(datasets.clone());
    Studio::door_of(studio.web(Access::default()).with_services(services), ([127, 0, 0, 1], 1).into())
}

/// Videos are taken in until this is dropped.
struct Kept {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Kept {
    fn begin(datasets: Datasets) -> Self {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(datasets.run(stop.clone())), stop }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// As in a power cut.
    async fn cut(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

async fn send(door: &Router, character: CharacterId, film: &Path, query: &str) -> Said {
    let path = format!("/api/characters/{character}/dataset/pictures?name=film.mp4{query}");
    ask(door, "POST", &path, &[], std::fs::read(film).unwrap()).await
}

/// Sends a film; the ingest that came of it.
async fn sent(door: &Router, character: CharacterId, film: &Path, query: &str) -> IngestId {
    let said = send(door, character, film, query).await;
    assert_eq!(said.status, 202, "{}", said.body);
    said.body["ingest"]["ingest"]["id"].as_str().unwrap().parse().unwrap()
}

/// The ingest as soon as this is so.
async fn until(studio: &Studio, id: IngestId, is: impl Fn(&Ingest) -> bool) -> Ingest {
    let mut events = studio.context.events.listen();
    let wait = async {
        loop {
            let ingest = store::ingests::get(&studio.context.db, id).await.unwrap();
            if is(&ingest) {
                return ingest;
            }
            while !matches!(events.recv().await.expect("it keeps telling"), StudioEvent::Ingest { .. }) {}
        }
    };
    let Ok(ingest) = tokio::time::timeout(PATIENCE, wait).await else {
        panic!("it stays as it is: {:#?}", store::ingests::get(&studio.context.db, id).await)
    };
    ingest
}

async fn over(studio: &Studio, id: IngestId) -> Ingest {
    until(studio, id, |ingest| !ingest.state.is_open()).await
}

/// Folders of videos as soon as nobody needs them.
async fn assert_no_folder_stays(studio: &Studio) {
    let folder = studio.context.data.ingests();
    let gone = async {
        loop {
            if std::fs::read_dir(&folder).is_ok_and(|all| all.count() == 0) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, gone).await.is_ok(), "the video is still there");
}

/// Which scene each picture shows and at what time, in order of time.
fn scenes(studio: &Studio, film: &Film, pictures: &[Picture]) -> Vec<(usize, u64)> {
    let scene = |picture: &Picture| {
        let at_ms = match &picture.source {
            Source::Video { at_ms, .. } | Source::Url { at_ms: Some(at_ms), .. } => *at_ms,
            other => panic!("{other:?}"),
        };
        let file = asset_path(&studio.context.data.assets(), &picture.file);
        (film.scene_of(&image::open(file).unwrap().to_luma8()), at_ms)
    };
    let mut scenes: Vec<(usize, u64)> = pictures.iter().map(scene).collect();
    scenes.sort_by_key(|(_, at_ms)| *at_ms);
    scenes
}

#[tokio::test]
async fn a_film_becomes_one_picture_of_each_scene_and_the_film_goes() {
    let (studio, dir) = (studio().await, tempfile::tempdir().unwrap());
    let film = Film::new(dir.path(), 3);
    let datasets = keeper(&studio, child(), "yt-dlp");
    let (door, mara) = (door(&studio, &datasets), mara(&studio, "Mara").await);
    let kept = Kept::begin(datasets);
    let id = sent(&door, mara, &film.path, "").await;
    let ingest = over(&studio, id).await;
    assert_eq!((ingest.state, &ingest.fault), (IngestState::Done, &None));
    assert_eq!((ingest.counts.arrived, ingest.counts.duplicates, ingest.counts.refused), (3, 0, 0));
    assert_eq!((ingest.progress.done, ingest.progress.of), (3, 3));
    let there = pictures(&studio, mara).await;
    let scenes = scenes(&studio, &film, &there);
    assert_eq!(scenes.iter().map(|(scene, _)| *scene).collect::<Vec<_>>(), [0, 1, 2], "{scenes:?}");
    for (scene, at_ms) in scenes {
        let within = at_ms - scene as u64 * SCENE_MS;
        assert!(within < SCENE_MS, "scene {scene} at {at_ms} ms");
    }
    for picture in &there {
        assert_eq!((picture.lineage, picture.size), (0, films::SIZE));
        assert!(matches!(&picture.source, Source::Video { name, .. } if name == "film.mp4"), "{:?}", picture.source);
    }
    assert_no_folder_stays(&studio).await;
    // It is told of, and listed.
    let list = get(&door, &format!("/api/characters/{mara}/dataset/ingests")).await.body;
    assert_eq!((&list["ingests"][0]["ingest"]["state"], &list["ingests"][0]["said"]), (&json!("done"), &json!("")));
    let events = store::events::since(&studio.context.db, 0, 500).await.unwrap();
    let of = |kind: &str| events.iter().filter(|event| event.kind == kind).count();
    assert_eq!(of("picture.added"), 3);
    assert!(of("ingest.changed") >= 5, "it came, it began, three frames, the end");
    // The same film again changes nothing.
    let again = sent(&door, mara, &film.path, "").await;
    let again = over(&studio, again).await;
    assert_eq!((again.state, again.counts.arrived, again.counts.duplicates), (IngestState::Done, 0, 3));
    assert_eq!(pictures(&studio, mara).await.len(), 3);
    kept.end().await;
    assert_eq!(store::check::invariants(&studio.context.db).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn only_a_part_of_a_film_is_looked_at_and_not_more_frames_are_taken_than_asked_for() {
    let (studio, dir) = (studio().await, tempfile::tempdir().unwrap());
    let film = Film::new(dir.path(), 4);
    let datasets = keeper(&studio, child(), "yt-dlp");
    let (door, mara, ben) =
        (door(&studio, &datasets), mara(&studio, "Mara").await, crate::datasets::mara(&studio, "Ben").await);
    let kept = Kept::begin(datasets);
    let part = sent(&door, mara, &film.path, "&from_s=2&to_s=6").await;
    assert_eq!(over(&studio, part).await.counts.arrived, 2);
    let found = scenes(&studio, &film, &pictures(&studio, mara).await);
    assert_eq!(found.iter().map(|(scene, _)| *scene).collect::<Vec<_>>(), [1, 2]);
    assert!(found.iter().all(|(_, at_ms)| (2000..6000).contains(at_ms)), "{found:?}");
    let few = sent(&door, ben, &film.path, "&max=3").await;
    assert_eq!(over(&studio, few).await.counts.arrived, 3);
    assert_eq!(pictures(&studio, ben).await.len(), 3);
    // Beyond its end is nothing, and a range needs a beginning before its end.
    let beyond = over(&studio, sent(&door, ben, &film.path, "&from_s=80").await).await;
    assert_eq!(beyond.state, IngestState::Failed);
    let fault = beyond.fault.expect("it says why");
    assert_eq!(fault, IngestFault::Outside { from_ms: 80_000, length_ms: 8000 });
    assert_eq!(fault.to_string(), "the range begins at 80 s, and the video is 8 s long; choose an earlier one");
    for wrong in ["&from_s=3&to_s=3", "&from_s=-1", "&max=0", "&max=201", "&from_s=NaN"] {
        let refused = send(&door, ben, &film.path, wrong).await;
        assert_eq!((refused.status, &refused.body["code"]), (400, &json!("bad_request")), "{wrong}: {}", refused.body);
    }
    kept.end().await;
}

#[tokio::test]
async fn whatever_moment_the_power_fails_every_frame_arrives_once() {
    let dir = tempfile::tempdir().unwrap();
    let film = Film::new(dir.path(), 4);
    for cut in [1, 2, 3, 4, 5, 6, 8] {
        let mut studio = studio().await;
        let mara = mara(&studio, "Mara").await;
        let datasets = keeper(&studio, child(), "yt-dlp");
        let id = sent(&door(&studio, &datasets), mara, &film.path, "").await;
        let mut events = studio.context.events.listen();
        let kept = Kept::begin(datasets);
        let (mut heard, mut open) = (0, true);
        while heard < cut && open {
            let happened = tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time").unwrap();
            heard += usize::from(matches!(happened, StudioEvent::Ingest { .. }));
            open = store::ingests::get(&studio.context.db, id).await.unwrap().state.is_open();
        }
        kept.cut().await;
        studio.power_cut().await;
        studio.start_again().await;
        let before = store::ingests::get(&studio.context.db, id).await.unwrap();
        let kept = Kept::begin(keeper(&studio, child(), "yt-dlp"));
        let ingest = over(&studio, id).await;
        assert_eq!((ingest.state, &ingest.fault), (IngestState::Done, &None), "cut after {cut}: {before:?}");
        assert_eq!((ingest.counts.arrived, ingest.counts.duplicates), (4, 0), "cut after {cut}: {before:?}");
        let found = scenes(&studio, &film, &pictures(&studio, mara).await);
        assert_eq!(found.iter().map(|(scene, _)| *scene).collect::<Vec<_>>(), [0, 1, 2, 3], "cut after {cut}");
        assert_no_folder_stays(&studio).await;
        kept.end().await;
    }
}

/// Looks for ever at what it is given to look through.
struct Hangs(Arc<dyn RunMedia>);

impl RunMedia for Hangs {
    fn run<'a>(
        &'a self,
        plan: MediaPlan,
        dir: &'a Path,
        progress: &'a Progress,
        stop: &'a CancellationToken,
    ) -> Boxed<'a, Result<MediaResult, EngineError>> {
        match plan {
            MediaPlan::Sample(_) => Box::pin(std::future::pending()),
            plan => self.0.run(plan, dir, progress, stop),
        }
    }
}

#[tokio::test]
async fn one_is_stopped_in_the_middle_and_the_next_has_its_turn() {
    let (studio, dir) = (studio().await, tempfile::tempdir().unwrap());
    let film = Film::new(dir.path(), 2);
    let datasets = keeper(&studio, Arc::new(Hangs(child())), "yt-dlp");
    let (door, mara) = (door(&studio, &datasets), mara(&studio, "Mara").await);
    let kept = Kept::begin(datasets);
    let first = sent(&door, mara, &film.path, "").await;
    let second = sent(&door, mara, &film.path, "").await;
    until(&studio, first, |ingest| ingest.state == IngestState::Running).await;
    let view = get(&door, &format!("/api/characters/{mara}/dataset")).await.body;
    assert_eq!(view["counts"]["ingests"], 2, "{view:#}");
    assert_eq!(
        store::ingests::get(&studio.context.db, second).await.unwrap().state,
        IngestState::Waiting,
        "one at a time"
    );
    let stopped = ask(&door, "POST", &format!("/api/ingests/{first}/cancel"), &[], "").await;
    assert_eq!((stopped.status, &stopped.body["ingest"]["state"]), (200, &json!("cancelled")), "{}", stopped.body);
    until(&studio, second, |ingest| ingest.state == IngestState::Running).await;
    let again = ask(&door, "POST", &format!("/api/ingests/{first}/cancel"), &[], "").await;
    assert_eq!((again.status, &again.body["code"]), (409, &json!("ingest_over")), "{}", again.body);
    // One that waits goes with its video at once, however long the one before it takes.
    let waits = sent(&door, mara, &film.path, "").await;
    ask(&door, "POST", &format!("/api/ingests/{waits}/cancel"), &[], "").await;
    assert!(!studio.context.data.ingests().join(waits.to_string()).exists());
    ask(&door, "POST", &format!("/api/ingests/{second}/cancel"), &[], "").await;
    assert_no_folder_stays(&studio).await;
    // A dataset that goes takes its videos with it.
    let third = sent(&door, mara, &film.path, "").await;
    until(&studio, third, |ingest| ingest.state == IngestState::Running).await;
    let project = store::characters::get(&studio.context.db, mara).await.unwrap().project_id;
    let gone = ask(&door, "DELETE", &format!("/api/projects/{project}"), &[], "").await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    assert_no_folder_stays(&studio).await;
    assert!(matches!(store::ingests::get(&studio.context.db, third).await, Err(store::Error::NotFound { .. })));
    // The next one, of somebody else, is taken in all the same.
    let ben = crate::datasets::mara(&studio, "Ben").await;
    let fourth = sent(&door, ben, &film.path, "").await;
    until(&studio, fourth, |ingest| ingest.state == IngestState::Running).await;
    kept.end().await;
}

/// A film whose pictures are too small.
fn small(dir: &Path) -> PathBuf {
    let size = Size { width: 320, height: 180 };
    films::write(&dir.join("small.mp4"), size, [(vec![90; 320 * 180], 20)].into_iter())
}

/// A film in which nothing is to be seen.
fn black(dir: &Path) -> PathBuf {
    let pixels = (films::SIZE.width * films::SIZE.height) as usize;
    films::write(&dir.join("black.mp4"), films::SIZE, [(vec![16; pixels], 40)].into_iter())
}

/// An MP4 that is whole and has no track.
fn without_pictures() -> Vec<u8> {
    let atom = |name: &[u8; 4], body: &[u8]| [&(8 + body.len() as u32).to_be_bytes(), name.as_slice(), body].concat();
    // Version, times, scale, length 0, rate 1, volume 1, matrix of unity, next track.
    let mut header = vec![0; 100];
    header[12..16].copy_from_slice(&1000u32.to_be_bytes());
    header[20..24].copy_from_slice(&0x1_0000u32.to_be_bytes());
    header[96..].copy_from_slice(&1u32.to_be_bytes());
    [atom(b"ftyp", b"isom\0\0\0\0isom"), atom(b"moov", &atom(b"mvhd", &header))].concat()
}

#[tokio::test]
async fn what_is_no_video_or_none_that_can_be_used_is_said_in_a_sentence() {
    let (studio, dir) = (studio().await, tempfile::tempdir().unwrap());
    let film = Film::new(dir.path(), 2);
    let datasets = keeper(&studio, child(), "yt-dlp");
    let (door, mara) = (door(&studio, &datasets), mara(&studio, "Mara").await);
    let kept = Kept::begin(datasets);
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    // What is no video is refused at once.
    let text = send(&door, mara, &file("film.txt", b"INT. HOUSE - DAY"), "").await;
    assert_eq!((text.status, &text.body["code"]), (415, &json!("wrong_kind")), "{}", text.body);
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(300, 300).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let picture = send(&door, mara, &file("a.png", png.get_ref()), "&max=3").await;
    assert_eq!((picture.status, &picture.body["code"]), (415, &json!("wrong_kind")), "{}", picture.body);
    let why = async |path: &Path| {
        let ingest = over(&studio, sent(&door, mara, path, "").await).await;
        assert_eq!((ingest.state, ingest.counts.arrived), (IngestState::Failed, 0), "{path:?}");
        ingest.fault.expect("it says why")
    };
    let whole = std::fs::read(&film.path).unwrap();
    let cut = why(&file("cut.mp4", &whole[..whole.len() * 2 / 3])).await;
    assert!(matches!(&cut, IngestFault::Damaged { said } if !said.contains('/')), "{cut:?}");
    let garbage = why(&file("garbage.mp4", &[b"\0\0\0\x20ftypisom".as_slice(), &[7; 4000]].concat())).await;
    assert!(matches!(garbage, IngestFault::Damaged { .. }), "{garbage:?}");
    let empty = why(&file("empty.mp4", &without_pictures())).await;
    assert!(matches!(empty, IngestFault::Damaged { .. } | IngestFault::NoPictures), "{empty:?}");
    let small = small(dir.path());
    assert_eq!(why(&small).await, IngestFault::Small { size: Size { width: 320, height: 180 }, least: 256 });
    let black = black(dir.path());
    assert_eq!(why(&black).await, IngestFault::Nothing);
    // A file that went while nobody looked.
    kept.end().await;
    let gone = sent(&door, mara, &film.path, "").await;
    std::fs::remove_file(studio.context.data.ingests().join(gone.to_string()).join("video")).unwrap();
    let kept = Kept::begin(keeper(&studio, child(), "yt-dlp"));
    assert_eq!(over(&studio, gone).await.fault, Some(IngestFault::Gone));
    let list = get(&door, &format!("/api/characters/{mara}/dataset/ingests")).await.body;
    assert!(list["ingests"][0]["said"].as_str().unwrap().contains("send it again"), "{list:#}");
    kept.end().await;
    assert_eq!(pictures(&studio, mara).await, Vec::new());
}

#[tokio::test]
async fn so_many_wait_and_no_more_and_what_ended_is_remembered_for_a_while() {
    let (studio, dir) = (studio().await, tempfile::tempdir().unwrap());
    let garbage = dir.path().join("garbage.mp4");
    std::fs::write(&garbage, [b"\0\0\0\x20ftypisom".as_slice(), &[7; 400]].concat()).unwrap();
    let datasets = keeper(&studio, child(), "yt-dlp");
    let (door, mara) = (door(&studio, &datasets), mara(&studio, "Mara").await);
    let mut last = None;
    for round in 0..2 {
        for _ in 0..20 {
            last = Some(sent(&door, mara, &garbage, "").await);
        }
        let refused = send(&door, mara, &garbage, "").await;
        assert_eq!((refused.status, &refused.body["code"]), (409, &json!("too_many_ingests")), "{}", refused.body);
        assert_eq!(std::fs::read_dir(studio.context.data.ingests()).unwrap().count(), 20, "in round {round}");
        let kept = Kept::begin(datasets.clone());
        over(&studio, last.unwrap()).await;
        assert_no_folder_stays(&studio).await;
        kept.end().await;
    }
    let all = store::ingests::of_character(&studio.context.db, mara).await.unwrap();
    assert_eq!((all.len(), all[0].id), (30, last.unwrap()), "the newest");
}

/// A program that speaks as yt-dlp does: it is asked about a video, then for it.
fn stand_in(dir: &Path, film: &Path, behaves: &str) -> String {
    let path = dir.join("yt-dlp");
    let film = film.display();
    let script = format!(
        r#"#!/bin/sh
printf '%s\n' "$@" >> "{dir}/asked"
for word in "$@"; do case "$word" in
  home:*) home="${{word#home:}}" ;;
  -J) about=1 ;;
esac; done
about() {{ printf '%s\n' "$1"; exit 0; }}
if [ -n "$about" ]; then
  case "{behaves}" in
    live) about '{{"id":"x","title":"Now","is_live":true}}' ;;
    long) about '{{"id":"x","title":"All day","duration":4000}}' ;;
    login) echo "ERROR: [site] x: Sign in to confirm your age" >&2; exit 1 ;;
  esac
  about '{{"_type":"video","id":"x","title":"A walk","duration":6.0,"is_live":false,"license":"CC-BY"}}'
fi
case "{behaves}" in
  large) echo "[download] File is larger than max-filesize (9 bytes > 8 bytes). Aborting."; exit 0 ;;
  grows) echo 'PROG {{"status":"downloading","downloaded_bytes":2148532224}}'; sleep 600 & wait ;;
  writes) trap '' XFSZ; truncate -s 4294967297 "$home/x.mp4" && echo "FILE \"$home/x.mp4\"" && exit 0
    echo "ERROR: unable to write data: [Errno 27] File too large" >&2; exit 1 ;;
  nothing) echo "[download] x has already been downloaded"; exit 0 ;;
  elsewhere) echo 'FILE "/etc/passwd"'; exit 0 ;;
  hang) sleep 600 & echo "$!" > "{dir}/started"; wait ;;
esac
echo 'PROG {{"status":"downloading","downloaded_bytes":512,"total_bytes":1024}}'
cp "{film}" "$home/x.mp4"
echo 'PROG {{"status":"finished","downloaded_bytes":1024,"total_bytes":1024}}'
echo "FILE \"$home/x.mp4\""
"#,
        dir = dir.display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

const ADDRESS: &str = "https://93.184.216.34/watch?v=x";

async fn fetch(door: &Router, character: CharacterId, url: &str, may_use: bool) -> Said {
    let body = json!({ "url": url, "may_use": may_use }).to_string();
    ask(door, "POST", &format!("/api/characters/{character}/dataset/ingests"), &[JSON], body).await
}

fn id_of(said: &Value) -> IngestId {
    said["ingest"]["id"].as_str().unwrap_or_else(|| panic!("{said:#}")).parse().unwrap()
}

#[tokio::test]
async fn a_video_is_fetched_from_an_address_and_goes_the_way_of_one_that_was_sent() {
    let (studio, dir) = (studio().await, tempfile::tempdir().unwrap());
    let film = Film::new(dir.path(), 3);
    let datasets = keeper(&studio, child(), &stand_in(dir.path(), &film.path, "well"));
    let (door, mara) = (door(&studio, &datasets), mara(&studio, "Mara").await);
    let kept = Kept::begin(datasets);
    let unsaid = fetch(&door, mara, ADDRESS, false).await;
    assert_eq!(unsaid.status, 400, "nothing is fetched without the right to: {}", unsaid.body);
    let said = fetch(&door, mara, ADDRESS, true).await;
    assert_eq!(said.status, 202, "{}", said.body);
    let ingest = over(&studio, id_of(&said.body)).await;
    assert_eq!((ingest.state, ingest.counts.arrived), (IngestState::Done, 3), "{ingest:?}");
    let there = pictures(&studio, mara).await;
    let found = scenes(&studio, &film, &there);
    assert_eq!(found.iter().map(|(scene, _)| *scene).collect::<Vec<_>>(), [0, 1, 2]);
    for picture in &there {
        let Source::Url { url, title, may_use, licence, .. } = &picture.source else { panic!("{:?}", picture.source) };
        assert_eq!((url.as_str(), title.as_str(), *may_use, licence.as_str()), (ADDRESS, "A walk", true, "CC-BY"));
    }
    assert_no_folder_stays(&studio).await;
    // It was asked in the safe way: no settings, no plug-ins, no generic extractor, the address after everything else.
    let asked = std::fs::read_to_string(dir.path().join("asked")).unwrap();
    let asked: Vec<&str> = asked.lines().collect();
    for option in ["--ignore-config", "--no-plugin-dirs", "--no-exec", "default,-generic", "--no-playlist", "2048M"] {
        assert!(asked.contains(&option), "{option} is missing: {asked:?}");
    }
    assert_eq!(asked[asked.len() - 2..], ["--", ADDRESS]);
    kept.end().await;
}

#[tokio::test]
async fn nothing_is_fetched_from_the_house_or_without_the_program() {
    let (studio, dir) = (studio().await, tempfile::tempdir().unwrap());
    let missing = keeper(&studio, child(), "no-such-program");
    let mara = mara(&studio, "Mara").await;
    let refused = fetch(&door(&studio, &missing), mara, ADDRESS, true).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("no_downloader")), "{}", refused.body);
    assert!(refused.body["detail"].as_str().unwrap().contains("no-such-program is not installed"));
    let film = Film::new(dir.path(), 1);
    let datasets = keeper(&studio, child(), &stand_in(dir.path(), &film.path, "well"));
    let door = door(&studio, &datasets);
    for house in
        ["http://127.0.0.1:8401/api", "http://192.168.1.1/", "http://[::1]/", "http://localhost/", "http://0x7f.1/"]
    {
        let refused = fetch(&door, mara, house, true).await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (403, &json!("house_address")),
            "{house}: {}",
            refused.body
        );
    }
    for wrong in ["file:///etc/passwd", "--exec", "", "https://me:secret@93.184.216.34/"] {
        let refused = fetch(&door, mara, wrong, true).await;
        assert_eq!((refused.status, &refused.body["code"]), (400, &json!("bad_request")), "{wrong}: {}", refused.body);
    }
    assert!(!dir.path().join("asked").exists(), "the program was never started");
    assert_eq!(store::ingests::of_character(&studio.context.db, mara).await.unwrap(), []);
}

#[tokio::test]
async fn what_a_site_does_not_give_is_said_as_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let film = Film::new(dir.path(), 1);
    for (behaves, wanted) in [
        ("live", json!({ "why": "live" })),
        ("long", json!({ "why": "long", "seconds": 4000, "most": 1800 })),
        ("login", json!({ "why": "refused", "how": "login" })),
        ("large", json!({ "why": "large", "most_mib": 2048 })),
        // Nobody has said how long it is, and it goes on and on.
        ("grows", json!({ "why": "large", "most_mib": 2048 })),
        ("writes", json!({ "why": "large", "most_mib": 2048 })),
        ("nothing", json!({ "why": "no_file" })),
        ("elsewhere", json!({ "why": "no_file" })),
    ] {
        let studio = studio().await;
        let datasets = keeper(&studio, child(), &stand_in(dir.path(), &film.path, behaves));
        let (door, mara) = (door(&studio, &datasets), mara(&studio, "Mara").await);
        let kept = Kept::begin(datasets);
        let ingest = over(&studio, id_of(&fetch(&door, mara, ADDRESS, true).await.body)).await;
        assert_eq!(json!(ingest.fault), wanted, "{behaves}");
        kept.end().await;
    }
}

#[tokio::test]
async fn a_fetch_that_is_stopped_leaves_no_process_behind() {
    let (studio, dir) = (studio().await, tempfile::tempdir().unwrap());
    let film = Film::new(dir.path(), 1);
    let datasets = keeper(&studio, child(), &stand_in(dir.path(), &film.path, "hang"));
    let (door, mara) = (door(&studio, &datasets), mara(&studio, "Mara").await);
    let kept = Kept::begin(datasets);
    let id = id_of(&fetch(&door, mara, ADDRESS, true).await.body);
    let wait = async {
        loop {
            let started = std::fs::read_to_string(dir.path().join("started")).unwrap_or_default();
            if started.ends_with('\n') {
                return started.trim().to_owned();
            }
            tokio::task::yield_now().await;
        }
    };
    let process = tokio::time::timeout(PATIENCE, wait).await.expect("it starts");
    assert!(is_alive(&process));
    let stopped = ask(&door, "POST", &format!("/api/ingests/{id}/cancel"), &[], "").await;
    assert_eq!(stopped.status, 200, "{}", stopped.body);
    let gone = async {
        while is_alive(&process) {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, gone).await.is_ok(), "what it started is still there");
    assert_no_folder_stays(&studio).await;
    kept.end().await;
}

/// Whether a process is there and not only waited for.
fn is_alive(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}
