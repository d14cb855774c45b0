//! Datasets with the real program: filled beside a service and without one, through kills, and by words on the command line.

use serde_json::Value;

use studio_core::{
    asset::AssetRef,
    dataset::Picture,
    ids::{ContentHash, PictureId},
};
use studiod::store::{self, Db};

use crate::{
    films::Film,
    second::Service,
    studio::{Studio, block, until},
};

const PLAY: &str = "Title: A Face\n\nINT. STUDIO - DAY\n\nMara looks up.\n\nMARA\nThis is me.\n";

/// A studio that knows Mara, with small pictures and no limit but the target.
fn studio(target: &str) -> Studio {
    let studio = Studio::new();
    studio.settings("[datasets]\nsize = \"256x320\"\nfetch_program = \"no-such-program\"\n");
    let play = studio.write("play.fountain", PLAY);
    studio.make(&play);
    let said = studio.run(["dataset", "set", "mara", target, "daily=100", "cooldown_s=0"]).ended(0);
    assert!(said.out.contains("it is switched off"), "{said:?}");
    studio
}

fn shown(studio: &Studio) -> Value {
    studio.run(["--json", "dataset", "show", "mara"]).ended(0).json()
}

#[test]
fn a_service_that_is_killed_again_and_again_fills_a_dataset_all_the_same() {
    let studio = studio("target=12");
    let mut service = Service::start(&studio);
    studio.run(["dataset", "fill", "mara"]).ended(0);
    let id = shown(&studio)["dataset"]["character_id"].as_str().unwrap().to_owned();
    let approved = |service: &Service| {
        let (status, text) = service.get(&format!("/api/characters/{id}/dataset"));
        let view: Value = serde_json::from_str(&text).unwrap_or_default();
        (status == 200).then(|| view["counts"]["approved"].as_u64().unwrap())
    };
    for least in [1, 4, 6, 9] {
        until("some more to be approved", || approved(&service).filter(|now| *now >= least));
        service.running.cut();
        service = Service::start(&studio);
    }
    until("the target to be reached", || approved(&service).filter(|now| *now >= 12));
    service.stop();
    let view = shown(&studio);
    assert_eq!((&view["counts"]["approved"], &view["counts"]["in_flight"]), (&12.into(), &0.into()), "{view:#}");
    assert_eq!(view["waits"]["why"], "at_target");
    studio.run(["check", "--deep"]).ended(0);
}

#[test]
fn without_a_service_the_command_fills_it_itself() {
    let studio = studio("target=3");
    let said = studio.run(["dataset", "fill", "mara"]).ended(0);
    assert!(said.out.contains("3 of 3 pictures are approved"), "{said:?}");
    let pictures = studio.run(["--json", "dataset", "pictures", "mara"]).ended(0).json();
    let first = pictures["pictures"][0]["id"].as_str().unwrap();
    // Rejected, it is made again the next time, differently.
    let said = studio.run(["dataset", "reject", first, "--because", "wrong_pose"]).ended(0);
    assert!(said.out.contains("rejected"), "{said:?}");
    studio.run(["dataset", "fill", "mara"]).ended(0);
    let view = shown(&studio);
    assert_eq!((&view["counts"]["approved"], &view["counts"]["rejected"]), (&3.into(), &1.into()), "{view:#}");
    let tried = view["repairs"].as_array().unwrap().iter().filter(|one| one["tried"] != 0).count();
    assert_eq!(tried, 1, "{view:#}");
    studio.run(["check", "--deep"]).ended(0);
}

#[test]
fn a_dataset_goes_out_for_training_and_comes_in_again() {
    let studio = studio("target=3");
    studio.run(["dataset", "fill", "mara"]).ended(0);
    studio.run(["dataset", "set", "mara", "trigger=mirax7", "class_word=woman"]).ended(0);
    let room = tempfile::tempdir().unwrap();
    let (folder, zip) = (room.path().join("sets").join("mara"), room.path().join("mara.zip"));
    let (folder, zip) = (folder.to_str().unwrap(), zip.to_str().unwrap());
    let said = studio.run(["dataset", "export", "mara", "--to", folder]).ended(0);
    assert!(said.out.contains("3 pictures of MARA with captions are in"), "{said:?}");
    let set = std::path::Path::new(folder).join("40_mirax7 woman");
    let caption = std::fs::read_to_string(set.join("000001.txt")).unwrap();
    assert!(caption.starts_with("mirax7, woman, ") && !caption.contains('\n'), "{caption}");
    assert!(set.join("000003.png").is_file() && !set.join("000004.png").exists());
    let config = std::fs::read_to_string(std::path::Path::new(folder).join("dataset.toml")).unwrap();
    assert!(config.contains(&format!("image_dir = \"{}\"", set.display())), "{config}");
    let said = studio.run(["dataset", "export", "mara", "--to", folder]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("is not empty"), "{said:?}");
    studio.run(["dataset", "export", "mara", "--layout", "musubi", "--to", zip]).ended(0);
    // What a person changes in the folder comes back, and what is there is not taken twice.
    std::fs::write(set.join("000001.txt"), "mirax7, woman, in a red hat").unwrap();
    let said = studio.run(["dataset", "import", "mara", folder]).ended(0);
    assert!(said.out.contains("0 new pictures of MARA, 3 were there already"), "{said:?}");
    assert!(said.out.contains("captions came with 3 of them"), "{said:?}");
    let said = studio.run(["dataset", "import", "mara", zip]).ended(0);
    assert!(said.out.contains("000001.png: it is there with another caption"), "{said:?}");
    let replace = ["dataset", "captions", "mara", "--find", "red hat", "--replace", "blue cap"];
    let said = studio.run([&replace[..], &["--whole-word", "--dry-run"]].concat()).ended(0);
    assert!(said.out.contains("1 of 3 captions would change") && said.out.contains("in a blue cap"), "{said:?}");
    let service = Service::start(&studio);
    let done = studio.run([&["--json"], &replace[..]].concat()).ended(0);
    let kept = studio.write("done.json", &done.out);
    let said = studio.run(["dataset", "captions", "mara", "--restore", kept.to_str().unwrap()]).ended(0);
    assert!(said.out.contains("1 captions are as they were, 0 stay as they are"), "{said:?}");
    let said = studio.run(replace).ended(0);
    assert!(said.out.contains("1 of 3 captions changed"), "{said:?}");
    let said = studio.run(["dataset", "tags", "mara"]).ended(0);
    assert!(said.out.contains("begins with: mirax7, woman") && said.out.contains("in a blue cap"), "{said:?}");
    service.stop();
    studio.run(["check", "--deep"]).ended(0);
}

#[test]
fn a_film_becomes_pictures_beside_a_service_and_without_one() {
    let studio = studio("target=3");
    let dir = studio.write("here", "");
    let film = Film::new(dir.parent().expect("a file lies in a folder"), 4).path;
    let film = film.to_str().unwrap();
    let said = studio.run(["dataset", "add", "mara", film, "--from", "2s", "--to", "6s"]).ended(0);
    assert!(said.out.contains("film.mp4: 2 new pictures, 0 were there already"), "{said:?}");
    let wrong = studio.run(["dataset", "add", "mara", film, "--from", "1m"]).ended(3);
    assert!(wrong.err.contains("the range begins at 60 s, and the video is 8 s long"), "{wrong:?}");
    let service = Service::start(&studio);
    let said = studio.run(["dataset", "add", "mara", film]).ended(0);
    assert!(said.out.contains("film.mp4: "), "{said:?}");
    let listed = || studio.run(["--json", "dataset", "ingests", "mara"]).ended(0).json();
    let done = until("the film to be taken in", || {
        let list = listed();
        (list["ingests"][0]["ingest"]["state"] == "done").then_some(list)
    });
    let counts = &done["ingests"][0]["ingest"]["counts"];
    let [new, known] = ["arrived", "duplicates"].map(|name| counts[name].as_u64().unwrap());
    // Of a scene that stands still another picture may be the sharpest by a hair beside other scenes.
    assert!(new + known == 4 && (1..=2).contains(&known), "{done:#}");
    let said = studio.run(["dataset", "ingests", "mara"]).ended(0);
    assert!(said.out.contains(&format!("film.mp4: {new} new pictures, {known} w")), "{said:?}");
    let none = studio.run(["dataset", "stop", "ffff"]).ended(2);
    assert!(none.err.contains("studiod dataset ingests"), "{none:?}");
    service.stop();
    studio.run(["check", "--deep"]).ended(0);
}

#[test]
fn what_cannot_be_done_is_said_with_the_remedy() {
    let studio = studio("target=3");
    let text = studio.write("notes.txt", "no picture");
    for (args, code, says) in [
        (vec!["show", "nobody"], 2, "studiod dataset list"),
        (vec!["set", "mara", "target=0"], 2, "from 1 to 500"),
        (vec!["set", "mara", "reject=0.9"], 2, "would approve and reject"),
        (vec!["set", "mara", "target"], 2, "KEY=VALUE"),
        (vec!["make", "mara", "--show", "angle=above"], 2, "angle"),
        (vec!["make", "mara", "-n", "99"], 2, "1 to 12"),
        (vec!["reject", "ffff", "--because", "ugly"], 2, "not_solo"),
        (vec!["approve", "ffff"], 2, "studiod dataset pictures"),
        (vec!["add", "mara", text.to_str().unwrap()], 3, "save it as PNG"),
        (vec!["fetch", "mara", "https://93.184.216.34/film"], 2, "--may-use"),
        (vec!["fetch", "mara", "https://93.184.216.34/film", "--may-use"], 1, "no-such-program is not installed"),
        (vec!["add", "mara", "/there/is/none.png"], 3, "cannot be read"),
        (vec!["import", "mara", "/there/is/none.zip"], 3, "cannot be read"),
        (vec!["export", "mara", "--to", "/tmp/studiod-none.zip"], 1, "approve some first"),
        (vec!["captions", "mara", "--find", "", "--replace", "a"], 2, "find is empty"),
    ] {
        let said = studio.run([vec!["dataset"], args.clone()].concat());
        assert_eq!(said.code, Some(code), "{args:?}: {said:?}");
        assert!(said.err.contains(says) && said.err.lines().count() == 1, "{args:?}: {said:?}");
    }
}

#[test]
fn a_dataset_goes_where_its_project_goes() {
    let here = studio("target=4");
    here.run(["dataset", "fill", "mara"]).ended(0);
    let pictures =
        |studio: &Studio| studio.run(["--json", "dataset", "pictures", "mara"]).ended(0).json()["pictures"].clone();
    let before = pictures(&here);
    let id = before[0]["id"].as_str().unwrap();
    here.run(["dataset", "reject", id, "--because", "wrong_pose", "--note", "too stiff"]).ended(0);
    here.run(["dataset", "caption", before[1]["id"].as_str().unwrap(), "smiling, in a room"]).ended(0);
    let archive = here.path("face.tar");
    let archive = archive.to_str().unwrap();
    let slug =
        here.run(["--json", "dataset", "list"]).ended(0).json()["datasets"][0]["project"].as_str().unwrap().to_owned();
    here.run(["export", &slug, archive]).ended(0);

    let there = Studio::new();
    there.run(["import", archive]).ended(0);
    assert_eq!(pictures(&there), pictures(&here), "every picture, with what was decided and told of it");
    let (old, new) = (shown(&here), shown(&there));
    assert_eq!((&old["dataset"]["replenish"], &new["dataset"]["replenish"]), (&true.into(), &false.into()));
    for count in ["approved", "rejected", "awaiting"] {
        assert_eq!(new["counts"][count], old["counts"][count], "{count}");
    }
    assert_eq!(new["dataset"]["settings"], old["dataset"]["settings"]);
    let set = there.path("set");
    there.run(["dataset", "export", "mara", "--layout", "kohya", "--to", set.to_str().unwrap()]).ended(0);
    there.run(["check", "--deep"]).ended(0);
    there.run(["import", archive]).ended(3);
}

#[test]
fn a_list_longer_than_a_page_is_shown_to_its_end() {
    let studio = studio("target=1");
    studio.run(["dataset", "fill", "mara"]).ended(0);
    let own = studio.run(["--json", "dataset", "pictures", "mara"]).ended(0).json();
    let own: Picture = serde_json::from_value(own["pictures"][0].clone()).unwrap();
    let more = 1003_u128;
    block(async {
        let db = Db::open(&format!("sqlite:{}", studio.data().join("studio.db").display())).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        for number in 1..=more {
            let file = AssetRef { hash: ContentHash::of(&number.to_le_bytes()), ext: "png".into() };
            let picture = Picture { id: PictureId(uuid::Uuid::from_u128(number)), file, ..own.clone() };
            assert!(store::dataset_pictures::insert(&mut tx, &picture).await.unwrap());
        }
        tx.commit().await.unwrap();
        db.close().await;
    });
    let all = studio.run(["--json", "dataset", "pictures", "mara"]).ended(0).json();
    let mut ids: Vec<&str> =
        all["pictures"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a > b), "newest first");
    ids.dedup();
    assert_eq!(ids.len() as u128, more + 1);
    let said = studio.run(["dataset", "pictures", "mara", "--state", "approved"]).ended(0);
    assert_eq!(said.out.lines().count() as u128, more + 1);
}
