//! A project's portraits and what was asked for them move with it: whatever was decided, whole or not at all.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use studio_core::{
    dataset::{
        Cell, Decider, Decision, Picture, PictureRequest, PictureState, Reason, Rejection, RequestState, Source,
    },
    ids::{CharacterId, ContentHash, PictureId},
    order::{AssetRef, Output, Outputs},
    task::{PictureJob, Task},
    units::Millis,
    views::{PortraitOwner, PortraitView},
};
use studiod::{
    app::archive::{export, import},
    config::Publish,
    events::StudioEvent,
    store::{self, Db, assets::Asset},
    web::LeftOut,
};
use uuid::Uuid;

use crate::{
    api::PATIENCE,
    bench::{JSON, ask, door, get},
    datasets::{Kept, mara, studio as drawing},
    studio::Studio,
};

/// One thing in a manifest that is not so.
type Lie = fn(&mut Value);

/// A studio with a sheet on which something is approved, something rejected, and something waits; and one portrait that was
/// taken out again.
async fn sheet() -> (Studio, CharacterId) {
    let studio = drawing().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let kept = Kept::begin(&studio);
    let path = format!("/api/characters/{mara}/portraits");
    let views = json!({ "views": ["full_body", "face", "side", "smile"] });
    assert_eq!(ask(&door, "POST", &path, &[JSON], views.to_string()).await.status, 202);
    let mut events = studio.context.events.listen();
    let rest = async {
        loop {
            let counts = get(&door, &path).await.body["counts"].clone();
            if counts["in_flight"] == 0 && counts["unjudged"] == 0 {
                return;
            }
            while !matches!(events.recv().await.expect("it keeps telling"), StudioEvent::Portraits { .. }) {}
        }
    };
    tokio::time::timeout(PATIENCE, rest).await.expect("in time");
    kept.end().await;
    for portrait in store::portraits::of_owner(&studio.context.db, PortraitOwner::Character(mara)).await.unwrap() {
        let path = format!("/api/portraits/{}", portrait.id);
        let decide = async |good: bool| {
            let body = json!({ "good": good, "note": "as I see it" }).to_string();
            assert_eq!(ask(&door, "PUT", &format!("{path}/decision"), &[JSON], body).await.status, 200);
        };
        match portrait.view {
            PortraitView::FullBody => decide(true).await,
            PortraitView::Face => decide(false).await,
            PortraitView::Smile => assert_eq!(ask(&door, "DELETE", &path, &[], "").await.status, 204),
            _ => {}
        }
    }
    (studio, mara)
}

fn manifest_of(archive: &Path) -> (Value, Vec<(PathBuf, Vec<u8>)>) {
    let mut archive = tar::Archive::new(File::open(archive).unwrap());
    let all = archive.entries().unwrap().map(|entry| {
        let (mut entry, mut bytes) = (entry.unwrap(), Vec::new());
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().into_owned(), bytes)
    });
    let mut all: Vec<_> = all.collect();
    let (_, manifest) = all.remove(0);
    (serde_json::from_slice(&manifest).unwrap(), all)
}

fn write(to: &Path, manifest: &Value, files: &[(PathBuf, Vec<u8>)]) {
    let mut archive = tar::Builder::new(File::create(to).unwrap());
    let mut add = |path: &Path, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, path, bytes).unwrap();
    };
    add(Path::new("manifest.json"), manifest.to_string().as_bytes());
    for (path, bytes) in files {
        add(path, bytes);
    }
    archive.into_inner().unwrap();
}

/// What was left out of it.
async fn take_in(studio: &Studio, archive: &Path) -> Result<LeftOut, String> {
    let said = import(&studio.context, &Publish::default(), archive, "it").await;
    said.map(|moved| moved.left_out).map_err(|error| error.to_string())
}

#[tokio::test]
async fn portraits_and_what_was_asked_for_them_are_there_after_a_move() {
    let (here, mara) = sheet().await;
    let (owner, dir) = (PortraitOwner::Character(mara), tempfile::tempdir().unwrap());
    let archive = dir.path().join("light.tar");
    export(&here.context, "light", &archive).await.unwrap();
    let portraits = store::portraits::of_owner(&here.context.db, owner).await.unwrap();
    let states: Vec<_> = portraits.iter().map(|one| (one.view, one.state)).collect();
    let wanted = [
        (PortraitView::FullBody, PictureState::Approved),
        (PortraitView::Face, PictureState::Rejected),
        (PortraitView::Side, PictureState::Pending),
    ];
    assert!(wanted.iter().all(|one| states.contains(one)) && states.len() == 3, "{states:?}");
    let there = Studio::open().await;
    assert_eq!(take_in(&there, &archive).await.unwrap(), LeftOut::default());
    let db = &there.context.db;
    assert_eq!(store::portraits::of_owner(db, owner).await.unwrap(), portraits, "with what was said of each");
    for portrait in &portraits {
        let asset = store::assets::get(db, portrait.file.hash).await.unwrap().expect("its file is known");
        let path = studio_engine::asset_path(&there.context.data.assets(), &asset.file);
        assert_eq!(ContentHash::of(&std::fs::read(path).unwrap()), portrait.file.hash);
    }
    let before = store::datasets::over(&here.context.db, owner).await.unwrap();
    assert_eq!(before.len(), 8, "four were drawn, four judged");
    assert!(before.iter().all(|one| one.state == RequestState::Made));
    assert_eq!(store::datasets::over(db, owner).await.unwrap(), before);
    for asked in &before {
        let old = store::tasks::get(&here.context.db, asked.task).await.unwrap();
        let new = store::tasks::get(db, asked.task).await.unwrap();
        // Of what was made for it, what has become a portrait is here.
        let of_portraits = |outputs: &Outputs| {
            let kept = |file: &&Output| portraits.iter().any(|one| one.file.hash == file.asset.hash);
            Outputs { files: outputs.files.iter().filter(kept).cloned().collect(), ..outputs.clone() }
        };
        assert_eq!(new, Task { outputs: old.outputs.as_ref().map(of_portraits), ..old.clone() });
    }
    assert_eq!(store::portraits::ever_asked(db, owner).await.unwrap(), 4, "the next one has a seed of its own");
    let references = store::characters::sheet(db, mara).await.unwrap().references;
    assert_eq!(references.len(), 1);
    assert!(take_in(&there, &archive).await.unwrap_err().contains("is in this studio already"));
    there.assert_settled().await;
    // What studios of before wrote knows neither.
    let (mut manifest, files) = manifest_of(&archive);
    assert_eq!(manifest["version"], 9);
    let all = manifest.as_object_mut().unwrap();
    assert!(all.remove("portraits").is_some() && all.remove("requests").is_some());
    manifest["version"] = 7.into();
    write(&archive, &manifest, &files);
    let older = Studio::open().await;
    take_in(&older, &archive).await.unwrap();
    assert_eq!(store::portraits::of_owner(&older.context.db, owner).await.unwrap(), []);
    assert_eq!(store::characters::sheet(&older.context.db, mara).await.unwrap().references, references);
    older.assert_settled().await;
}

#[tokio::test]
async fn what_an_archive_says_of_portraits_is_not_believed() {
    let (here, _) = sheet().await;
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("light.tar");
    export(&here.context, "light", &archive).await.unwrap();
    let (good, files) = manifest_of(&archive);
    let lies: [(&str, Lie); 13] = [
        ("which is not in it", |said| said["portraits"][0]["owner"]["id"] = said["portraits"][0]["id"].clone()),
        ("of neither a character nor a place", |said| {
            said["portraits"][0]["view"] = "establishing".into();
            said["portraits"][0]["owner"]["of"] = "location".into();
        }),
        ("a view of something else", |said| said["portraits"][0]["view"] = "establishing".into()),
        ("is in it twice", |said| said["portraits"][1]["id"] = said["portraits"][0]["id"].clone()),
        ("is not as its decision says", |said| said["portraits"][0]["decision"] = Value::Null),
        ("is in it twice", |said| said["requests"][1]["task"]["id"] = said["requests"][0]["task"]["id"].clone()),
        ("is not whole", |said| said["requests"][0]["task"]["state"] = "running".into()),
        ("is not whole", |said| said["requests"][0]["request"]["job"] = said["requests"][1]["request"]["job"].clone()),
        ("is not whole", |said| said["requests"][0]["request"]["engine"] = "comfy".into()),
        ("of neither a character nor a place", |said| {
            said["requests"][0]["request"]["job"]["owner"]["of"] = "location".into();
            said["requests"][0]["task"]["job"]["owner"]["of"] = "location".into();
        }),
        // The first was drawn, the last was judged.
        ("nothing that is asked for", |said| {
            said["requests"][0]["request"]["order"] = said["requests"][7]["request"]["order"].clone();
        }),
        ("nothing that is asked for", |said| {
            said["requests"][0]["request"]["engine"] = "library".into();
            said["requests"][0]["task"]["engine"] = "library".into();
        }),
        ("nothing that is asked for", |said| {
            said["requests"][7]["request"]["engine"] = "library".into();
            said["requests"][7]["task"]["engine"] = "library".into();
        }),
    ];
    let there = Studio::open().await;
    for (why, lie) in lies {
        let mut manifest = good.clone();
        manifest["portraits"].as_array_mut().unwrap().sort_by_key(|one| one["decision"].is_null());
        lie(&mut manifest);
        write(&archive, &manifest, &files);
        let said = take_in(&there, &archive).await.unwrap_err();
        assert!(said.contains(why) && said.contains("nothing was changed"), "{why}: {said}");
    }
    // A task of that id is another one's here: it stays as it is.
    let (own, other) = sheet().await;
    let (project, mara) = (good["project"]["id"].as_str().unwrap(), good["characters"][0]["id"].as_str().unwrap());
    let fresh = |at: u32| format!("01890000-0000-7000-8000-00000000000{at}");
    let text = good.to_string().replace(project, &fresh(1)).replace(mara, &fresh(2));
    let mut manifest: Value = serde_json::from_str(&text).unwrap();
    (manifest["project"]["slug"], manifest["project"]["title"]) = ("night".into(), "Night".into());
    manifest["portraits"] = json!([]);
    write(&archive, &manifest, &files);
    let owner = PortraitOwner::Character(other);
    let before = store::datasets::over(&own.context.db, owner).await.unwrap();
    let said = take_in(&own, &archive).await.unwrap_err();
    assert!(said.contains("something in it is in this studio already"), "{said}");
    assert_eq!(store::datasets::over(&own.context.db, owner).await.unwrap(), before);
    own.assert_settled().await;
}

/// Runs a statement that nobody who goes through the studio can run.
async fn raw(studio: &Studio, statement: &'static str, bound: &str) {
    let Db::Sqlite(pool) = &studio.context.db else { unreachable!() };
    sqlx::query(statement).bind(bound.to_owned()).execute(pool).await.unwrap();
}

#[tokio::test]
async fn what_was_asked_for_a_removed_project_is_no_hindrance_to_its_return() {
    let (studio, mara) = sheet().await;
    let (db, owner, dir) = (&studio.context.db, PortraitOwner::Character(mara), tempfile::tempdir().unwrap());
    let archive = dir.path().join("light.tar");
    export(&studio.context, "light", &archive).await.unwrap();
    let before = store::datasets::over(db, owner).await.unwrap();
    let project = store::characters::get(db, mara).await.unwrap().project_id;
    // Studios of before left the tasks behind.
    raw(&studio, "delete from projects where id = $1", &project.to_string()).await;
    assert_eq!(store::datasets::over(db, owner).await.unwrap(), []);
    assert!(store::tasks::get(db, before[0].task).await.is_ok());
    take_in(&studio, &archive).await.unwrap();
    assert_eq!(store::datasets::over(db, owner).await.unwrap(), before);
    studio.handle.remove_project(project).await.unwrap();
    assert!(matches!(store::tasks::get(db, before[0].task).await, Err(store::Error::NotFound { .. })));
    take_in(&studio, &archive).await.unwrap();
    assert_eq!(store::datasets::over(db, owner).await.unwrap(), before);
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_a_power_cut_left_of_a_removed_project_is_no_hindrance_either() {
    let (mut studio, mara) = sheet().await;
    let (owner, dir) = (PortraitOwner::Character(mara), tempfile::tempdir().unwrap());
    let archive = dir.path().join("light.tar");
    export(&studio.context, "light", &archive).await.unwrap();
    let before = store::datasets::over(&studio.context.db, owner).await.unwrap();
    let project = store::characters::get(&studio.context.db, mara).await.unwrap().project_id;
    // Removed while they were at work: their rows wait for an end that never comes.
    for (asked, state) in before.iter().zip(["running", "waiting"]) {
        let task = asked.task.to_string();
        match state {
            "running" => raw(&studio, "update tasks set state = 'running' where id = $1", &task).await,
            _ => raw(&studio, "update tasks set state = 'waiting' where id = $1", &task).await,
        }
    }
    raw(&studio, "delete from projects where id = $1", &project.to_string()).await;
    let said = take_in(&studio, &archive).await.unwrap_err();
    assert!(said.contains("something in it is in this studio already"), "they may still be at work: {said}");
    studio.power_cut().await;
    studio.start_again().await;
    assert_eq!(take_in(&studio, &archive).await.unwrap(), LeftOut::default());
    assert_eq!(store::datasets::over(&studio.context.db, owner).await.unwrap(), before);
    studio.assert_settled().await;
}

#[tokio::test]
async fn who_was_asked_about_pictures_that_did_not_come_along_stays_out_and_is_counted() {
    let (here, mara) = sheet().await;
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("light.tar");
    export(&here.context, "light", &archive).await.unwrap();
    let (mut manifest, files) = manifest_of(&archive);
    // As studios of version 8 wrote it.
    let all = manifest["requests"].as_array_mut().unwrap();
    let mut who = all[7].clone();
    who["request"]["visit"] = "identify".into();
    who["task"]["id"] = "01890000-0000-7000-8000-000000000001".into();
    all.push(who);
    manifest["version"] = 8.into();
    assert!(manifest.as_object_mut().unwrap().remove("gone").is_some());
    write(&archive, &manifest, &files);
    let there = Studio::open().await;
    let left_out = take_in(&there, &archive).await.unwrap();
    assert_eq!(left_out, LeftOut { requests: 1, ..LeftOut::default() });
    let owner = PortraitOwner::Character(mara);
    let asked = store::datasets::over(&there.context.db, owner).await.unwrap();
    assert_eq!(asked, store::datasets::over(&here.context.db, owner).await.unwrap());
    there.assert_settled().await;
}

#[tokio::test]
async fn a_rejected_picture_comes_without_its_file_as_long_as_the_file_is_known() {
    let (here, mara) = sheet().await;
    let (db, dir) = (&here.context.db, tempfile::tempdir().unwrap());
    let archive = dir.path().join("light.tar");
    let portrait = store::portraits::of_owner(db, PortraitOwner::Character(mara)).await.unwrap().remove(0);
    let asset = store::assets::get(db, portrait.file.hash).await.unwrap().unwrap();
    let reason = Reason::Rejected { categories: vec![Rejection::Blurry] };
    let decision = Decision { by: Decider::Person, at: Millis(1), reason, note: String::new() };
    let picture = |number: u128, state: PictureState| {
        let file = AssetRef { hash: ContentHash::of(&number.to_le_bytes()), ext: "png".into() };
        Picture {
            id: PictureId(Uuid::from_u128((9 << 100) + number)),
            character_id: mara,
            file,
            size: portrait.size,
            state,
            source: Source::Upload { name: "a.png".into() },
            lineage: 0,
            made: None,
            cell: Cell::new(),
            placing: None,
            verdict: None,
            decision: Some(decision.clone()),
            caption: None,
            duplicate_of: None,
            likeness: None,
            print: None,
            created: Millis(1),
        }
    };
    let rejected = [picture(1, PictureState::Rejected), picture(2, PictureState::Approved)];
    let mut tx = db.begin().await.unwrap();
    for one in &rejected {
        assert!(store::dataset_pictures::insert(&mut tx, one).await.unwrap());
        let asset = Asset { file: one.file.clone(), attempt_id: None, ..asset.clone() };
        store::assets::insert(&mut tx, &asset).await.unwrap();
        store::assets::mark_missing(&mut tx, one.file.hash).await.unwrap();
    }
    tx.commit().await.unwrap();
    export(&here.context, "light", &archive).await.unwrap();
    let there = Studio::open().await;
    let left_out = take_in(&there, &archive).await.unwrap();
    assert_eq!(left_out, LeftOut { pictures: 1, ..LeftOut::default() }, "what is approved has a file");
    let came = store::dataset_pictures::of_character(&there.context.db, mara).await.unwrap();
    assert_eq!(came, rejected[..1], "what was learned of it stays");
    let known = store::assets::get(&there.context.db, rejected[0].file.hash).await.unwrap().unwrap();
    assert!(known.missing && known.bytes == asset.bytes, "{known:?}");
    there.assert_settled().await;
    // What studios of before wrote says nothing of files that had left the disk.
    let (mut manifest, files) = manifest_of(&archive);
    manifest["version"] = 8.into();
    assert_eq!(manifest.as_object_mut().unwrap().remove("gone").unwrap().as_array().unwrap().len(), 1);
    write(&archive, &manifest, &files);
    let older = Studio::open().await;
    let left_out = take_in(&older, &archive).await.unwrap();
    assert_eq!(left_out, LeftOut { pictures: 2, ..LeftOut::default() });
    assert_eq!(store::dataset_pictures::of_character(&older.context.db, mara).await.unwrap(), []);
    older.assert_settled().await;
}

#[tokio::test]
async fn a_request_that_nobody_could_take_in_stays_behind() {
    let (studio, mara) = sheet().await;
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("light.tar");
    let all = store::datasets::over(&studio.context.db, PortraitOwner::Character(mara)).await.unwrap();
    raw(&studio, "update dataset_requests set request = '{}' where task_id = $1", &all[0].task.to_string()).await;
    raw(&studio, "update tasks set engine = 'library' where id = $1", &all[1].task.to_string()).await;
    export(&studio.context, "light", &archive).await.unwrap();
    let (manifest, _) = manifest_of(&archive);
    assert_eq!(manifest["requests"].as_array().unwrap().len(), all.len() - 2);
    let there = Studio::open().await;
    take_in(&there, &archive).await.unwrap();
    there.assert_settled().await;
}

#[tokio::test]
async fn a_review_decides_nothing_of_a_portrait_that_is_somebody_elses() {
    let (studio, own) = sheet().await;
    let (db, other) = (&studio.context.db, mara(&studio, "Ben").await);
    let portraits = store::portraits::of_owner(db, PortraitOwner::Character(own)).await.unwrap();
    let pending = portraits.into_iter().find(|one| one.state == PictureState::Pending).unwrap();
    let of = |one| PictureJob::PortraitReview { owner: PortraitOwner::Character(one), portrait: pending.id };
    let all = store::datasets::over(db, PortraitOwner::Character(own)).await.unwrap();
    let review = all.into_iter().find(|one| one.request.job == of(own)).unwrap().request;
    let mut events = studio.context.events.listen();
    let request = PictureRequest { job: of(other), person_approves: false, ..review };
    assert_eq!(studio.handle.pictures(vec![(request, false)]).await.unwrap().len(), 1);
    let rest = async {
        while !store::datasets::open_requests(db).await.unwrap().is_empty() {
            events.recv().await.expect("it keeps telling");
        }
    };
    tokio::time::timeout(PATIENCE, rest).await.expect("in time");
    assert_eq!(store::portraits::get(db, pending.id).await.unwrap(), pending);
    studio.assert_settled().await;
}
