//! The watched folder: what is put there comes in once it is whole, whatever happens to disk, names and clock.

use std::{fs, os::unix::fs::symlink, path::Path, sync::Arc};

use serde_json::{Value, json};
use studio_core::{
    dataset::{Picture, PictureState, Source},
    ids::{CharacterId, ProjectId},
};
use studiod::{
    app::{datasets::Inbox, producing::ProductionContext},
    clock::SystemClock,
    conductor::Context,
    config::{Config, Datasets as Settings},
    store,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    api::PATIENCE,
    bench::{ask, door, door_with},
    scans::png,
    studio::Studio,
};

/// A watched folder with a sub-folder for Mara.
struct Watched {
    studio: Studio,
    home: TempDir,
    inbox: Inbox,
    mara: CharacterId,
}

impl Watched {
    async fn open() -> Self {
        let (studio, home) = (Studio::open().await, tempfile::tempdir().unwrap());
        let mara = crate::datasets::mara(&studio, "Mara").await;
        fs::create_dir(home.path().join("mara")).unwrap();
        let inbox = Inbox::of(crate::datasets::of(&studio), home.path().to_owned());
        Self { studio, home, inbox, mara }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.home.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Time goes by, and the folder is looked at; how long until it wants to look again.
    async fn look(&mut self, later_ms: i64) -> Option<i64> {
        self.studio.clock().advance(later_ms);
        let next = self.inbox.look().await.expect("it can be looked at");
        next.map(|at| at.0 - self.studio.context.clock.now().0)
    }

    /// As after a start of the studio.
    fn start_again(&mut self) {
        self.inbox = Inbox::of(crate::datasets::of(&self.studio), self.home.path().to_owned());
    }

    async fn pictures(&self) -> Vec<Picture> {
        store::dataset_pictures::of_character(&self.studio.context.db, self.mara).await.unwrap()
    }

    /// What was said not to be taken: file and why.
    async fn refused(&self) -> Vec<(String, String)> {
        let all = store::events::since(&self.studio.context.db, 0, 10_000).await.unwrap();
        let word = |body: &Value, key: &str| body[key].as_str().unwrap().to_owned();
        let all = all.into_iter().filter(|event| event.kind == "picture.refused");
        all.map(|event| (word(&event.body, "file"), word(&event.body, "why"))).collect()
    }
}

#[tokio::test]
async fn a_picture_comes_when_two_looks_saw_the_same_and_stays_where_it_is() {
    let mut watched = Watched::open().await;
    let bytes = png(60, None);
    watched.put("mara/a.png", &bytes);
    assert_eq!(watched.look(0).await, Some(2_000));
    assert_eq!(watched.look(1_999).await, Some(1), "it is waited for exactly as long as it takes");
    assert_eq!(watched.pictures().await.len(), 0);
    assert_eq!(watched.look(1).await, None, "nothing is looked at again without a reason");
    let all = watched.pictures().await;
    assert_eq!(all[0].source, Source::Inbox { name: "a.png".into() });
    assert_eq!((all[0].state, all[0].lineage), (PictureState::Pending, 0));
    assert_eq!(fs::read(watched.path("mara/a.png")).unwrap(), bytes, "it stays where it is");
    // Another name, another folder of hers, another start: it is known by its content.
    fs::rename(watched.path("mara/a.png"), watched.path("mara/b.png")).unwrap();
    watched.look(0).await;
    watched.look(2_000).await;
    fs::create_dir_all(watched.path("Light, Mara/new")).unwrap();
    watched.put("Light, Mara/new/c.png", &bytes);
    watched.start_again();
    watched.look(0).await;
    watched.look(2_000).await;
    assert_eq!(watched.pictures().await.len(), 1);
    // Taken out of the dataset it does not come back, although it lies there.
    let door = door(&watched.studio);
    ask(&door, "DELETE", &format!("/api/pictures/{}", all[0].id), &[], "").await;
    watched.start_again();
    watched.look(0).await;
    assert_eq!(watched.look(2_000).await, None);
    assert_eq!((watched.pictures().await.len(), watched.refused().await), (0, vec![]));
    // What came while the studio was off comes now; one of it says how it was made.
    let lines =
        "Mara\nNegative prompt: fog\nSteps: 30, Sampler: Euler a, CFG scale: 7, Seed: 77, Size: 256x320, Model: sea";
    watched.put("mara/d.png", &png(61, Some(("parameters", lines))));
    watched.start_again();
    watched.look(0).await;
    watched.look(2_000).await;
    let all = watched.pictures().await;
    assert_eq!((all.len(), all[0].lineage, all[0].made.as_ref().unwrap().model.as_str()), (1, 1, "sea"));
    watched.studio.assert_settled().await;
}

#[tokio::test]
async fn a_half_copied_file_is_not_taken_for_a_damaged_one() {
    let mut watched = Watched::open().await;
    let bytes = png(62, None);
    let (begun, rest) = bytes.split_at(bytes.len() / 2);
    watched.put("mara/slow.png", begun);
    watched.look(0).await;
    // The copy stands still for half a minute, as over a slow network.
    assert_eq!(watched.look(2_000).await, Some(58_000), "it is given a minute");
    watched.look(28_000).await;
    assert_eq!((watched.pictures().await.len(), watched.refused().await), (0, vec![]));
    watched.put("mara/slow.png", &[begun, rest].concat());
    watched.look(0).await;
    watched.look(2_000).await;
    assert_eq!((watched.pictures().await.len(), watched.refused().await), (1, vec![]));
}

#[tokio::test]
async fn what_cannot_be_used_is_said_once_with_its_reason() {
    let mut watched = Watched::open().await;
    watched.put("mara/notes.png", b"no picture");
    watched.look(0).await;
    watched.look(2_000).await;
    assert_eq!(watched.refused().await, vec![]);
    assert_eq!(watched.look(58_000).await, None);
    let said = watched.refused().await;
    assert_eq!((said.len(), said[0].0.as_str()), (1, "mara/notes.png"), "{said:?}");
    assert!(said[0].1.contains("not a picture that can be read"), "{said:?}");
    // Neither later, nor after a start, nor under another name.
    fs::copy(watched.path("mara/notes.png"), watched.path("mara/again.png")).unwrap();
    for _ in 0..2 {
        watched.look(0).await;
        watched.look(2_000).await;
        watched.look(60_000).await;
        watched.start_again();
    }
    assert_eq!(watched.refused().await.len(), 1);
    // Of an archive what can be used comes, and the rest is said.
    let mut archive = Vec::new();
    let mut zip = StoredZip::new(&mut archive);
    zip.add("one.png", &png(63, None));
    zip.add("two.txt", b"words");
    zip.end();
    watched.put("mara/some.zip", &archive);
    watched.look(0).await;
    watched.look(2_000).await;
    let all = watched.pictures().await;
    assert_eq!(all[0].source, Source::Inbox { name: "one.png".into() });
    let said = watched.refused().await;
    assert!(said.len() == 2 && said[1].1.contains("two.txt"), "{said:?}");
}

#[tokio::test]
async fn folders_of_nobody_and_links_that_lead_out_are_said_and_left() {
    let mut watched = Watched::open().await;
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("secret.png"), png(64, None)).unwrap();
    fs::create_dir(watched.path("Nobody")).unwrap();
    watched.put("Nobody/a.png", &png(65, None));
    watched.put("loose.png", &png(66, None));
    symlink(elsewhere.path().join("secret.png"), watched.path("mara/out.png")).unwrap();
    symlink(elsewhere.path(), watched.path("ben")).unwrap();
    for _ in 0..3 {
        watched.look(60_000).await;
    }
    let mut said = watched.refused().await;
    said.sort();
    let files: Vec<&str> = said.iter().map(|(file, _)| file.as_str()).collect();
    assert_eq!(files, ["Nobody", "ben", "loose.png", "mara/out.png"], "each once: {said:?}");
    assert_eq!(said[0].1, "nobody is called that; name it like a character");
    assert_eq!(watched.pictures().await.len(), 0);
    // Somebody of that name comes: it is hers. A second Mara makes it doubtful whose the other folder is.
    let nobody = crate::datasets::mara(&watched.studio, "Nobody").await;
    let db = &watched.studio.context.db.clone();
    let mut tx = db.begin().await.unwrap();
    let project = store::projects::list(db).await.unwrap().swap_remove(0);
    let mut other = project.clone();
    (other.id, other.slug, other.title) = (ProjectId(Uuid::from_u128(8)), "dark".into(), "Dark".into());
    let other = store::projects::upsert(&mut tx, &other).await.unwrap();
    let mut twin = store::characters::get(db, watched.mara).await.unwrap();
    (twin.id, twin.project_id) = (CharacterId(Uuid::now_v7()), other.id);
    let twin = store::characters::upsert(&mut tx, &twin).await.unwrap();
    tx.commit().await.unwrap();
    fs::create_dir(watched.path("dark mara")).unwrap();
    watched.put("dark mara/b.png", &png(67, None));
    watched.put("mara/c.png", &png(68, None));
    watched.look(0).await;
    watched.look(2_000).await;
    let many = async |who| store::dataset_pictures::of_character(db, who).await.unwrap().len();
    assert_eq!((many(nobody).await, many(twin.id).await, many(watched.mara).await), (1, 1, 0));
    // Each is told which folder is theirs alone.
    let config =
        Config { datasets: Settings { inbox: Some("/in".into()), ..Settings::default() }, ..Config::default() };
    let door = door_with(&watched.studio, crate::datasets::with(&watched.studio, config));
    for (who, folder) in [(nobody, "/in/nobody"), (twin.id, "/in/dark mara")] {
        let view = crate::bench::get(&door, &format!("/api/characters/{who}/dataset")).await.body;
        assert_eq!(view["inbox"], folder, "{view:#}");
    }
    let last = watched.refused().await.pop().unwrap();
    assert_eq!(last.0, "mara");
    assert!(last.1.starts_with("several are called that; put the project before it, e.g. '"), "{last:?}");
}

#[tokio::test]
async fn a_folder_that_vanishes_is_waited_for_and_picked_up_again() {
    let mut watched = Watched::open().await;
    watched.put("mara/a.png", &png(69, None));
    watched.look(0).await;
    let (there, aside) = (watched.home.path().to_owned(), watched.home.path().with_extension("aside"));
    fs::rename(&there, &aside).unwrap();
    // In the middle of it: what was seen is not read, and nothing is lost.
    assert_eq!(watched.look(2_000).await, Some(10_000));
    assert_eq!(watched.look(10_000).await, Some(10_000));
    assert_eq!((watched.pictures().await.len(), watched.refused().await.len()), (0, 1), "said once");
    fs::write(aside.join("mara/b.png"), png(70, None)).unwrap();
    fs::rename(&aside, &there).unwrap();
    watched.look(10_000).await;
    watched.look(2_000).await;
    assert_eq!((watched.pictures().await.len(), watched.refused().await.len()), (2, 1));
    // Unmounted, an empty folder stays: the files are elsewhere, not wanted no more.
    fs::rename(&there, &aside).unwrap();
    fs::create_dir(&there).unwrap();
    watched.look(2_000).await;
    fs::remove_dir(&there).unwrap();
    fs::rename(&aside, &there).unwrap();
    watched.look(0).await;
    assert_eq!(watched.look(2_000).await, None);
    assert_eq!(watched.pictures().await.len(), 2);
}

#[tokio::test]
async fn thousands_at_once_come_in_turns() {
    let mut watched = Watched::open().await;
    watched.put("mara/0.png", &png(71, None));
    for at in 1..1_200 {
        fs::hard_link(watched.path("mara/0.png"), watched.path(&format!("mara/{at}.png"))).unwrap();
    }
    watched.put("mara/zz.png", &png(72, None));
    assert_eq!(watched.look(0).await, Some(2_000));
    assert_eq!(watched.look(2_000).await, Some(0), "others have their turn between");
    assert_eq!(watched.look(0).await, Some(0));
    assert_eq!(watched.look(0).await, None);
    assert_eq!((watched.pictures().await.len(), watched.refused().await.len()), (2, 0));
    watched.studio.assert_settled().await;
}

#[tokio::test]
async fn it_is_heard_of_what_is_put_there() {
    let (studio, home) = (Studio::open().await, tempfile::tempdir().unwrap());
    let mara = crate::datasets::mara(&studio, "Mara").await;
    let mut datasets = crate::datasets::of(&studio);
    // Time goes on by itself here.
    let context = Context { clock: Arc::new(SystemClock), ..studio.context.clone() };
    datasets.making = ProductionContext { context, ..datasets.making };
    let stop = CancellationToken::new();
    let mut events = studio.context.events.listen();
    fs::create_dir(home.path().join("Nobody")).unwrap();
    let running = tokio::spawn(Inbox::of(datasets, home.path().to_owned()).run(stop.clone()));
    let said = tokio::time::timeout(PATIENCE, events.recv()).await;
    assert!(said.is_ok(), "the first look is over");
    put_whole(&home.path().join("MARA"), &png(73, None));
    let arrived = async {
        while store::dataset_pictures::of_character(&studio.context.db, mara).await.unwrap().is_empty() {
            events.recv().await.expect("it keeps telling");
        }
    };
    tokio::time::timeout(PATIENCE, arrived).await.expect("it comes");
    stop.cancel();
    running.await.unwrap();
    let body = store::events::since(&studio.context.db, 0, 100).await.unwrap();
    assert_eq!(body.iter().filter(|event| event.kind == "picture.refused").count(), 1, "{body:?}");
    assert_eq!(body[0].body["character"], json!(null));
    studio.assert_settled().await;
}

fn put_whole(folder: &Path, bytes: &[u8]) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("a.png.part"), bytes).unwrap();
    fs::rename(folder.join("a.png.part"), folder.join("a.png")).unwrap();
}

/// Writes a ZIP archive whose entries are not compressed.
struct StoredZip<'a> {
    out: &'a mut Vec<u8>,
    list: Vec<u8>,
    many: u16,
}

impl<'a> StoredZip<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, list: Vec::new(), many: 0 }
    }

    fn add(&mut self, name: &str, bytes: &[u8]) {
        let sum = crate::scans::crc(bytes).to_le_bytes();
        let (size, named) = ((bytes.len() as u32).to_le_bytes(), (name.len() as u16).to_le_bytes());
        let at = (self.out.len() as u32).to_le_bytes();
        let about = [&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0], sum.as_slice(), &size, &size, &named, &[0, 0]].concat();
        self.out.extend([b"PK\x03\x04".as_slice(), &about, name.as_bytes(), bytes].concat());
        let more = [0; 10];
        self.list.extend([b"PK\x01\x02\x14\0".as_slice(), &about, &more, &at, name.as_bytes()].concat());
        self.many += 1;
    }

    fn end(self) {
        let (many, at) = (self.many.to_le_bytes(), (self.out.len() as u32).to_le_bytes());
        let long = (self.list.len() as u32).to_le_bytes();
        self.out.extend(&self.list);
        self.out.extend([b"PK\x05\x06\0\0\0\0".as_slice(), &many, &many, &long, &at, &[0, 0]].concat());
    }
}
