//! A project leaves as one file and comes back whole, or not at all.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use studio_core::ids::ContentHash;

use crate::{
    book::Book,
    produce::{FILM, PLAY},
    second::Service,
    studio::Studio,
    tools::{files, pictures},
};

#[test]
fn a_project_moves_to_another_studio_and_nothing_is_made_again() {
    let here = Studio::new();
    here.make(&here.write("play.fountain", PLAY));
    let archive = here.path("reel.tar");
    let archive = archive.to_str().unwrap();
    let said = here.run(["export", "no-such-thing", archive]).ended(2);
    assert!(said.err.contains("test-reel"), "what there is: {said:?}");
    here.run(["export", "test-reel", archive]).ended(0);

    let there = Studio::new();
    there.run(["import", archive]).ended(0);
    let before = Book::read(&there);
    there.run(["check", "--deep"]).ended(0);
    let answer = there.make(&there.write("play.fountain", PLAY));
    assert_eq!(answer["made"], 1, "{answer}");
    assert_eq!(Book::read(&there).made_since(&before), ["library".to_owned()].into());
    assert_eq!(pictures(&there.library().join(FILM)), pictures(&here.library().join(FILM)));
    there.run(["check", "--deep"]).ended(0);

    let said = there.run(["import", archive]).ended(3);
    assert!(said.err.contains("nothing was changed"), "{said:?}");
}

#[test]
fn a_running_service_takes_a_project_as_well() {
    let here = Studio::new();
    here.make(&here.write("play.fountain", PLAY));
    let archive = here.path("reel.tar");
    let archive = archive.to_str().unwrap();
    here.run(["export", "test-reel", archive]).ended(0);

    let alone = Studio::new().run(["--json", "import", archive]).ended(0).json();
    let there = Studio::new();
    let service = Service::start(&there);
    assert_eq!(there.run(["--json", "import", archive]).ended(0).json(), alone);
    let empty = there.write("empty.tar", "");
    for bad in [archive, empty.to_str().unwrap()] {
        let said = there.run(["import", bad]).ended(3);
        assert!(said.err.contains(bad) && said.err.contains("nothing was changed"), "{said:?}");
    }
    service.stop();
    let answer = there.make(&there.write("play.fountain", PLAY));
    assert_eq!(answer["made"], 1, "only the library is left to make: {answer}");
}

#[test]
fn a_damaged_archive_changes_nothing() {
    let here = Studio::new();
    here.make(&here.write("play.fountain", PLAY));
    let archive = here.path("reel.tar");
    here.run(["export", "test-reel", archive.to_str().unwrap()]).ended(0);
    let good = fs::read(&archive).unwrap();

    let mut bits = good.clone();
    let place = good.len() * 3 / 4;
    bits[place] ^= 1;
    let without_end = good[..good.len() / 2].to_vec();
    let there = Studio::new();
    for bad in [bits, without_end, b"not an archive at all".to_vec(), Vec::new()] {
        fs::write(&archive, &bad).unwrap();
        let said = there.run(["import", archive.to_str().unwrap()]).ended(3);
        assert!(said.err.contains("reel.tar") && said.err.contains("nothing was changed"), "{said:?}");
        let book = Book::read(&there);
        assert_eq!((book.projects, book.tasks.len()), (0, 0));
        assert_eq!(files(&there.data().join("assets")), Vec::<PathBuf>::new());
        assert_eq!(files(&there.data().join("work")), Vec::<PathBuf>::new());
    }
    fs::write(&archive, &good).unwrap();
    there.run(["import", archive.to_str().unwrap()]).ended(0);
}

fn manifest_of(archive: &Path) -> serde_json::Value {
    let mut text = String::new();
    let mut archive = tar::Archive::new(fs::File::open(archive).unwrap());
    archive.entries().unwrap().next().unwrap().unwrap().read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Where the other studio's library lies is none of this one's business.
#[test]
fn what_is_brought_here_is_published_where_this_studio_publishes_and_only_when_asked() {
    let here = Studio::new();
    here.make(&here.write("play.fountain", PLAY));
    let (out, back) = (here.path("reel.tar"), here.path("back.tar"));
    here.run(["export", "test-reel", out.to_str().unwrap()]).ended(0);
    let library = |archive: &Path| manifest_of(archive)["episodes"][0]["production"]["library"].clone();
    assert_eq!(library(&out)["root"], here.library().to_str().unwrap());

    let there = Studio::new();
    there.run(["import", out.to_str().unwrap()]).ended(0);
    there.run(["export", "test-reel", back.to_str().unwrap()]).ended(0);
    assert_eq!(library(&back), serde_json::Value::Null, "its settings name none");

    let shows = Studio::new();
    let folder = shows.path("shows");
    fs::create_dir(&folder).unwrap();
    shows.settings(&format!("[publish]\nlibrary = {:?}\n", folder.display().to_string()));
    let run = |line: &[&str]| shows.run(line).ended(0);
    run(&["import", out.to_str().unwrap()]);
    run(&["export", "test-reel", back.to_str().unwrap()]);
    assert_eq!((&library(&back)["root"], &library(&back)["unpublished"]), (&folder.to_str().into(), &true.into()));
    let tasks = run(&["--json", "tasks", "--limit", "500"]).json();
    let again = tasks.as_array().unwrap().iter().find(|task| task["slot"] == "scene 1/shot 1/clip/take 1");
    run(&["take", "again", again.unwrap()["id"].as_str().unwrap()]);
    assert_eq!(files(&folder), Vec::<PathBuf>::new(), "nobody has asked for it");
}

fn write_manifest(to: &Path, manifest: &serde_json::Value) -> tar::Builder<fs::File> {
    let mut archive = tar::Builder::new(fs::File::create(to).unwrap());
    let text = manifest.to_string();
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    archive.append_data(&mut header, "manifest.json", text.as_bytes()).unwrap();
    archive
}

#[test]
fn what_a_newer_studio_wrote_is_called_that() {
    let studio = Studio::new();
    let archive = studio.path("reel.tar");
    let manifest = serde_json::json!({ "version": 99, "project": { "mood": "new" }, "dreams": [] });
    write_manifest(&archive, &manifest).into_inner().unwrap();
    let said = studio.run(["import", archive.to_str().unwrap()]).ended(3);
    assert!(said.err.contains("a newer studiod wrote it (version 99"), "{said:?}");
}

/// A few kilobytes that say they are 64 MiB of nothing: tar knows files with holes, and the hash of nothing is known.
#[test]
fn an_archive_never_becomes_more_than_it_holds() {
    const SIZE: u64 = 64 << 20;
    let here = Studio::new();
    here.make(&here.write("play.fountain", PLAY));
    let path = here.path("reel.tar");
    here.run(["export", "test-reel", path.to_str().unwrap()]).ended(0);
    let mut manifest = manifest_of(&path);
    let hash = ContentHash::of(&vec![0; SIZE as usize]).to_string();
    let mut file = manifest["files"][0].clone();
    file["asset"]["file"] = serde_json::json!({ "hash": hash, "ext": "bin" });
    file["asset"]["bytes"] = SIZE.into();
    manifest["files"] = serde_json::json!([file]);

    let mut bomb = write_manifest(&path, &manifest);
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_size(0);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.name[..7 + 64 + 4].copy_from_slice(format!("assets/{hash}.bin").as_bytes());
    gnu.realsize.copy_from_slice(format!("{SIZE:011o}\0").as_bytes());
    gnu.sparse[0].offset.copy_from_slice(format!("{SIZE:011o}\0").as_bytes());
    gnu.sparse[0].numbytes.copy_from_slice(b"00000000000\0");
    header.set_cksum();
    bomb.append(&header, std::io::empty()).unwrap();
    bomb.into_inner().unwrap();
    let there = Studio::new();
    let said = there.run(["import", path.to_str().unwrap()]).ended(3);
    assert!(said.err.contains("it promises 67108864 bytes and holds"), "{said:?}");
    assert_eq!(files(&there.data().join("assets")), Vec::<PathBuf>::new());
    assert_eq!(files(&there.data().join("work")), Vec::<PathBuf>::new());
}

type Lie = fn(&mut serde_json::Value);

/// What stands in an archive comes from outside: names that are none, anything twice, anything of another project.
#[test]
fn what_an_archive_says_is_not_believed() {
    let here = Studio::new();
    here.make(&here.write("play.fountain", PLAY));
    let path = here.path("reel.tar");
    here.run(["export", "test-reel", path.to_str().unwrap()]).ended(0);
    let good = manifest_of(&path);
    let stranger = "01890000-0000-7000-8000-000000000001";
    let lies: [(&str, Lie); 11] = [
        ("is no short name", |said| said["project"]["slug"] = "../../evil".into()),
        ("is no short name", |said| said["project"]["slug"] = "a\r\nSet-Cookie: x=1".into()),
        ("is no short name", |said| said["project"]["slug"] = "".into()),
        ("is no title", |said| said["project"]["title"] = "\u{7}".into()),
        ("is no year", |said| said["project"]["year"] = 1.into()),
        ("there is no season 900", |said| said["episodes"][0]["episode"]["season"] = 900.into()),
        ("is in it twice", |said| {
            let again = said["episodes"][0].clone();
            said["episodes"].as_array_mut().unwrap().push(again);
        }),
        ("is in it twice", |said| {
            let again = said["episodes"][0]["shots"][0].clone();
            said["episodes"][0]["shots"].as_array_mut().unwrap().push(again);
        }),
        ("is not whole", |said| said["episodes"][0]["attempts"][0]["ended"] = serde_json::Value::Null),
        // Infinite for us, and JSON knows nothing of that.
        ("cannot be kept", |said| {
            let all = said["episodes"][0]["attempts"].as_array_mut().unwrap();
            let mix = all.iter_mut().find(|one| one["order"].get("music_gain").is_some()).unwrap();
            mix["order"]["music_gain"] = 1e308.into();
        }),
        ("belongs to another project", |said| {
            said["characters"][0]["project_id"] = said["characters"][0]["id"].clone();
        }),
    ];
    let there = Studio::new();
    let import = |manifest: &serde_json::Value| {
        write_manifest(&path, manifest).into_inner().unwrap();
        there.run(["import", path.to_str().unwrap()]).ended(3).err
    };
    for (why, lie) in lies {
        let mut manifest = good.clone();
        lie(&mut manifest);
        let said = import(&manifest);
        assert!(said.contains(why) && said.contains("nothing was changed"), "{why}: {said}");
    }
    let mut manifest = good.clone();
    manifest["episodes"][0]["takes"][0]["shot_id"] = stranger.into();
    assert!(import(&manifest).contains("which is not in it"));
    assert_eq!(Book::read(&there).projects, 0);
}

/// Numbers that size a picture or a sound, divide, or are counted up to: each as settings and screenplays may have it.
#[test]
fn numbers_of_an_archive_are_held_to_their_limits() {
    let here = Studio::new();
    here.make(&here.write("play.fountain", PLAY));
    let path = here.path("reel.tar");
    here.run(["export", "test-reel", path.to_str().unwrap()]).ended(0);
    let good = manifest_of(&path);
    let lies: [(&str, &str, serde_json::Value); 16] = [
        ("has the character NUL", "/screenplay", "INT. A - DAY\n\nB\0".into()),
        ("production.size: ", "/production/size/width", 2_147_483_647.into()),
        ("production.size: ", "/production/size", serde_json::json!({ "width": 0, "height": 0 })),
        ("production.fps is 0/0", "/production/fps", serde_json::json!({ "num": 0, "den": 0 })),
        ("production.fps is 2147483648/1", "/production/fps/num", (1_u32 << 31).into()),
        ("production.steps is 0", "/production/steps", 0.into()),
        ("production.max_mib is 0", "/production/max_mib", 0.into()),
        ("production.billing.number is 0", "/production/billing/number", 0.into()),
        ("ducking.lookahead_ms is 1e308", "/production/sound/ducking/lookahead_ms", 1e308.into()),
        ("music_gain is 7.0", "/production/sound/music_gain", 7.into()),
        ("fade_in is ", "/production/sound/fade_in", (1_u64 << 62).into()),
        ("tempo_bpm of a scene is 0", "/production/script/scenes/0/tempo_bpm", 0.into()),
        ("planned_ms of a shot is 0", "/production/script/scenes/0/shots/0/plan/planned_ms", 0.into()),
        ("planned_ms of a shot is 46", "/shots/0/plan/planned_ms", (1_u64 << 62).into()),
        ("ms of a transition is ", "/scenes/0/transition/ms", u32::MAX.into()),
        ("the time of an attempt is ", "/attempts/0/started", i64::MIN.into()),
    ];
    let there = Studio::new();
    let refused = |manifest: &serde_json::Value, why: &str| {
        write_manifest(&path, manifest).into_inner().unwrap();
        let said = there.run(["import", path.to_str().unwrap()]).ended(3).err;
        assert!(said.contains(why) && said.contains("nothing was changed"), "{why}: {said}");
    };
    for (why, place, lie) in lies {
        let mut manifest = good.clone();
        *manifest["episodes"][0].pointer_mut(place).unwrap() = lie;
        refused(&manifest, why);
    }
    // What is taken for made, and what is known of files.
    let of: [(&str, &str, &str, &str, &str); 4] = [
        (
            "facts.fps.num is 0",
            "/episodes/0/attempts",
            "/outputs/files/0/facts/kind",
            "video",
            "/outputs/files/0/facts/fps/num",
        ),
        ("facts.rate is 0", "/episodes/0/tasks", "/outputs/files/0/facts/kind", "sound", "/outputs/files/0/facts/rate"),
        ("order.size.width is 0", "/episodes/0/attempts", "/order/make", "still", "/order/size/width"),
        ("facts.size.height is 0", "/files", "/asset/facts/kind", "still", "/asset/facts/size/height"),
    ];
    for (why, all, key, is, place) in of {
        let mut manifest = good.clone();
        let mut all = manifest.pointer_mut(all).unwrap().as_array_mut().unwrap().iter_mut();
        let one = all.find(|one| one.pointer(key).is_some_and(|kind| kind == is)).unwrap();
        *one.pointer_mut(place).unwrap() = 0.into();
        refused(&manifest, why);
    }
    assert_eq!(Book::read(&there).projects, 0);
}

/// Neither is what it says of datasets.
#[test]
fn what_an_archive_says_of_datasets_is_not_believed() {
    let here = Studio::new();
    here.make(&here.write("play.fountain", PLAY));
    let path = here.path("reel.tar");
    here.run(["export", "test-reel", path.to_str().unwrap()]).ended(0);
    let good = manifest_of(&path);
    let there = Studio::new();
    let picture = |number: u32| {
        serde_json::json!({
            "id": format!("01890000-0000-7000-8000-00000000000{number}"),
            "character_id": good["characters"][0]["id"],
            "file": { "hash": ContentHash::of(&[number as u8]), "ext": "png" },
            "size": { "width": 8, "height": 8 }, "state": "pending", "source": { "from": "generated" }, "lineage": 1,
            "made": null, "cell": {}, "verdict": null, "decision": null, "caption": null, "duplicate_of": null,
            "created": 0,
        })
    };
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut dataset = serde_json::json!({
            "dataset": {
                "character_id": good["characters"][0]["id"], "settings": {}, "replenish": true, "paused": null, "since": 0,
            },
            "pictures": [picture(2), picture(3), picture(4)],
        });
        change(&mut dataset);
        let mut manifest = good.clone();
        manifest["datasets"] = serde_json::json!([dataset]);
        manifest
    };
    let lies: [(&str, Lie); 6] = [
        ("which is not in it", |said| said["dataset"]["character_id"] = said["pictures"][0]["id"].clone()),
        ("which is not in it", |said| said["pictures"][1]["character_id"] = said["pictures"][0]["id"].clone()),
        ("is in it twice", |said| said["pictures"][1]["id"] = said["pictures"][0]["id"].clone()),
        // A copy of a copy.
        ("which is not in it", |said| {
            said["pictures"][0]["duplicate_of"] = said["pictures"][1]["id"].clone();
            said["pictures"][1]["duplicate_of"] = said["pictures"][2]["id"].clone();
        }),
        ("is no line of", |said| {
            said["pictures"][0]["caption"] = serde_json::json!({ "text": "two\nlines", "by_person": true });
        }),
        ("target is 0", |said| said["dataset"]["settings"]["target"] = 0.into()),
    ];
    for (why, lie) in lies {
        write_manifest(&path, &with(&|dataset| lie(dataset))).into_inner().unwrap();
        let said = there.run(["import", path.to_str().unwrap()]).ended(3).err;
        assert!(said.contains(why) && said.contains("nothing was changed"), "{why}: {said}");
    }
}

/// Headers of other programs are read into memory whole by who believes what they say of their length.
#[test]
fn headers_that_promise_gigabytes_are_not_read() {
    let here = Studio::new();
    here.make(&here.write("play.fountain", PLAY));
    let path = here.path("reel.tar");
    here.run(["export", "test-reel", path.to_str().unwrap()]).ended(0);
    let good = fs::read(&path).unwrap();
    let with = |kind: tar::EntryType, size: u64, held: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_path("header").unwrap();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend(held);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes.extend(&good);
        fs::write(&path, bytes).unwrap();
        Studio::new().run(["import", path.to_str().unwrap()])
    };
    for kind in [tar::EntryType::XHeader, tar::EntryType::XGlobalHeader, tar::EntryType::GNULongName] {
        let said = with(kind, 3 << 30, b"").ended(3);
        assert!(said.err.contains("nothing was changed"), "{said:?}");
    }
    // A program that packs it again adds times and folders; that is harmless.
    let time = b"30 mtime=1350244992.023960108\n";
    with(tar::EntryType::XHeader, time.len() as u64, time).ended(0);
    with(tar::EntryType::Directory, 0, b"").ended(0);
}

#[test]
fn what_was_made_here_already_counts_once_after_an_import() {
    let here = Studio::new();
    here.make(&here.write("play.fountain", PLAY));
    let path = here.path("reel.tar");
    here.run(["export", "test-reel", path.to_str().unwrap()]).ended(0);
    let there = Studio::new();
    // The same lines are spoken in another show.
    there.make(&there.write("play.fountain", PLAY.replace("Show: Test Reel", "Show: Another")));
    there.run(["import", path.to_str().unwrap()]).ended(0);
    there.run(["check", "--deep"]).ended(0);
    assert_eq!(there.make(&there.write("play.fountain", PLAY))["made"], 1, "only the library is left to make");
    there.run(["check", "--deep"]).ended(0);
}

#[test]
fn shows_that_have_files_in_common_move_each_by_itself() {
    let here = Studio::new();
    here.make(&here.write("play.fountain", PLAY));
    // The same in another show: every file was made by the first.
    let other = PLAY.replace("Show: Test Reel", "Show: Another");
    here.make(&here.write("play.fountain", &other));
    for (slug, play) in [("another", other.as_str()), ("test-reel", PLAY)] {
        let archive = here.path(&format!("{slug}.tar"));
        let archive = archive.to_str().unwrap();
        here.run(["export", slug, archive]).ended(0);
        let there = Studio::new();
        there.run(["import", archive]).ended(0);
        there.run(["check", "--deep"]).ended(0);
        let made = there.make(&there.write("play.fountain", play))["made"].as_u64().unwrap();
        assert!(slug == "another" || made == 1, "of the first everything goes along, {made} were made");
    }
}

#[test]
fn a_project_that_was_removed_comes_back_from_its_archive() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", PLAY);
    studio.make(&play);
    studio.run(["portrait", "make", "ANNA", "--view", "face"]).ended(0);
    let archive = studio.path("reel.tar");
    let archive = archive.to_str().unwrap();
    studio.run(["export", "test-reel", archive]).ended(0);
    let before = pictures(&studio.library().join(FILM));
    for _ in 0..2 {
        let service = Service::start(&studio);
        service.remove_project("test-reel");
        service.stop();
        studio.run(["import", archive]).ended(0);
        studio.run(["check", "--deep"]).ended(0);
        let sheet = studio.run(["--json", "portrait", "show", "ANNA"]).ended(0).json();
        assert_eq!(sheet["portraits"].as_array().unwrap().len(), 1, "{sheet}");
    }
    assert_eq!(studio.make(&play)["made"], 1, "only the library is left to make");
    assert_eq!(pictures(&studio.library().join(FILM)), before);
    studio.run(["check", "--deep"]).ended(0);
}
