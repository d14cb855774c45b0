//! Captions: datasets go out as folders of training programs and come in again, and what is told of pictures is changed at once.

use std::path::Path;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use serde_json::{Value, json};
use studio_core::ids::CharacterId;
use studio_pictures::{
    pack::{Content, Packed, pack},
    zip::{Found, unpack},
};
use tower::ServiceExt;

use crate::{
    bench::{JSON, PATCH, Said, ask, door, get},
    datasets::{mara, pictures},
    studio::Studio,
};

/// A picture that is like no other one.
fn picture(shade: u8) -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    let pixels = image::RgbImage::from_fn(256, 320, |x, y| image::Rgb([x as u8 ^ shade, y as u8, shade]));
    pixels.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

/// Files as an archive.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let room = tempfile::tempdir().unwrap();
    let one = |(at, (path, bytes)): (usize, &(&str, &[u8]))| {
        let file = room.path().join(at.to_string());
        std::fs::write(&file, bytes).unwrap();
        Packed { path: (*path).into(), content: Content::File(file) }
    };
    let files: Vec<Packed> = files.iter().enumerate().map(one).collect();
    let whole = room.path().join("whole.zip");
    pack(&mut std::fs::File::create(&whole).unwrap(), &files).unwrap();
    std::fs::read(whole).unwrap()
}

async fn send(door: &Router, character: CharacterId, bytes: Vec<u8>) -> Value {
    let path = format!("/api/characters/{character}/dataset/pictures?name=set.zip");
    let answer = ask(door, "POST", &path, &[], bytes).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body
}

/// The archive at an address, with its file name.
async fn fetch(door: &Router, path: &str) -> (String, Vec<u8>) {
    let answer = door.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((answer.status().as_u16(), header("content-type")), (200, "application/zip".into()));
    let (name, length) = (header("content-disposition"), header("content-length"));
    let bytes = to_bytes(answer.into_body(), 1 << 26).await.unwrap().to_vec();
    assert_eq!(length, bytes.len().to_string());
    (name, bytes)
}

fn opened(bytes: &[u8], room: &Path) -> Found {
    let file = room.join("came.zip");
    std::fs::write(&file, bytes).unwrap();
    unpack(&file, room).unwrap()
}

async fn approve_all(studio: &Studio, door: &Router, character: CharacterId) {
    let all: Vec<_> = pictures(studio, character).await.iter().map(|one| one.id).collect();
    let body = json!({ "pictures": all, "good": true }).to_string();
    let answer = ask(door, "POST", &format!("/api/characters/{character}/dataset/decisions"), &[JSON], body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

async fn settings(door: &Router, character: CharacterId, patch: Value) {
    let path = format!("/api/characters/{character}/dataset");
    let answer = ask(door, "PATCH", &path, &[PATCH], patch.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

async fn replace(door: &Router, character: CharacterId, body: Value) -> Said {
    let path = format!("/api/characters/{character}/dataset/captions/replace");
    ask(door, "POST", &path, &[JSON], body.to_string()).await
}

#[tokio::test]
async fn a_set_goes_out_and_comes_in_again_and_is_the_same() {
    let studio = Studio::open().await;
    let (door, mara, ben) = (door(&studio), mara(&studio, "Mara").await, mara(&studio, "Ben").await);
    let words = json!({ "trigger": "mirax7", "class_word": "woman" });
    settings(&door, mara, words.clone()).await;
    settings(&door, ben, words).await;
    let came = archive(&[
        ("10_mirax7 woman/one.png", &picture(1)),
        ("10_mirax7 woman/one.txt", b"\xef\xbb\xbfmirax7, woman, smiling, red coat\r\n"),
        ("10_mirax7 woman/two.png", &picture(2)),
        ("10_mirax7 woman/two.txt", b"mirax7 in a room"),
        ("10_mirax7 woman/three.png", &picture(3)),
        ("dataset.toml", b"[general]"),
    ]);
    let refused = get(&door, &format!("/api/characters/{mara}/dataset/export")).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("nothing_approved")), "{}", refused.body);
    let taken = send(&door, mara, came).await;
    assert_eq!((&taken["captioned"], &taken["refused"], &taken["remarks"]), (&json!(2), &json!([]), &json!([])));
    let refused = get(&door, &format!("/api/characters/{mara}/dataset/export?layout=kohya")).await;
    assert_eq!(refused.body["code"], "nothing_approved", "they wait for somebody");
    let all = pictures(&studio, mara).await;
    let captions: Vec<_> = all.iter().map(|one| one.caption.as_ref().map(|caption| caption.text.as_str())).collect();
    assert_eq!(captions, [Some("smiling, red coat"), Some("in a room"), None]);
    // Of the third one somebody says what it shows.
    let cell = json!({ "cell": { "framing": "full", "angle": "side" } }).to_string();
    let answer = ask(&door, "PATCH", &format!("/api/pictures/{}", all[2].id), &[JSON], cell).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    approve_all(&studio, &door, mara).await;
    let room = tempfile::tempdir().unwrap();
    for layout in ["kohya", "ai-toolkit", "musubi"] {
        let (name, first) = fetch(&door, &format!("/api/characters/{mara}/dataset/export?layout={layout}")).await;
        assert_eq!(name, format!("attachment; filename=\"mara-{layout}.zip\""));
        let found = opened(&first, room.path());
        let texts: Vec<_> =
            found.captions.iter().map(|one| String::from_utf8(one.bytes.clone().unwrap()).unwrap()).collect();
        assert_eq!(
            texts,
            [
                "mirax7, woman, smiling, red coat",
                "mirax7, woman, in a room",
                "mirax7, woman, full body, head to toe, side view, profile"
            ]
        );
        assert!(found.captions[0].path.ends_with("000001.txt") && found.refused.is_empty());
        for (entry, kept) in found.pictures.iter().zip(&all) {
            let file = studio_engine::asset_path(&studio.context.data.assets(), &kept.file);
            assert_eq!(std::fs::read(&entry.path).unwrap(), std::fs::read(file).unwrap(), "as it is kept");
        }
        // In again, with somebody else who is called the same, and out again.
        let taken = send(&door, ben, first.clone()).await;
        assert_eq!(taken["remarks"], json!([]), "{taken:#}");
        approve_all(&studio, &door, ben).await;
        let (_, second) = fetch(&door, &format!("/api/characters/{ben}/dataset/export?layout={layout}")).await;
        assert_eq!(second, first, "{layout}");
    }
    let bad = get(&door, &format!("/api/characters/{mara}/dataset/export?layout=zip")).await;
    assert_eq!((bad.status, &bad.body["code"]), (400, &json!("bad_request")), "{}", bad.body);
    studio.assert_settled().await;
}

#[tokio::test]
async fn whatever_is_wrong_with_a_caption_its_picture_comes_and_it_is_said() {
    let studio = Studio::open().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let long = "x".repeat(1 << 20);
    let mut jpeg = Vec::new();
    let other = image::RgbImage::from_fn(300, 300, |x, y| image::Rgb([y as u8, x as u8, 7]));
    image::codecs::jpeg::JpegEncoder::new(&mut jpeg).encode_image(&other).unwrap();
    let came = archive(&[
        ("a.png", &picture(1)),
        ("a.txt", b"caf\xe9"),
        ("b.png", &picture(2)),
        ("b.txt", long.as_bytes()),
        ("c.png", &picture(3)),
        ("c.jpg", &jpeg),
        ("c.txt", b"two of them\nand more"),
        ("d.txt", b"nobody"),
        ("e.png", b"no picture at all"),
        ("e.txt", b"of no picture"),
    ]);
    let taken = send(&door, mara, came.clone()).await;
    assert_eq!((taken["added"].as_array().unwrap().len(), &taken["captioned"]), (4, &json!(2)), "{taken:#}");
    let said = |taken: &Value, what: &str| {
        taken[what].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(said(&taken, "refused")[0].starts_with("e.png: it is of an unknown kind"), "{taken:#}");
    let remarks = said(&taken, "remarks");
    for (file, why) in [
        ("a.txt", "not UTF-8"),
        ("b.txt", "at most 2000 characters"),
        ("c.txt", "first line"),
        ("c.txt", "c.png and c.jpg"),
        ("d.txt", "no picture beside it"),
        ("e.txt", "no picture beside it"),
    ] {
        let fits = |one: &String| one.starts_with(&format!("{file}: ")) && one.contains(why);
        assert!(remarks.iter().any(fits), "{file} {why}: {remarks:#?}");
    }
    assert_eq!(remarks.len(), 6, "{remarks:#?}");
    // Sent again, what a person wrote stays, and what is new is taken.
    let again = archive(&[("a.png", &picture(1)), ("a.txt", b"cafe"), ("c.png", &picture(3)), ("c.txt", b"other")]);
    let taken = send(&door, mara, again).await;
    assert_eq!((&taken["known"], &taken["captioned"]), (&json!(2), &json!(1)), "{taken:#}");
    assert!(said(&taken, "remarks")[0].starts_with("c.png: it is there with another caption"), "{taken:#}");
    let captions: Vec<_> =
        pictures(&studio, mara).await.into_iter().map(|one| one.caption.map(|caption| caption.text)).collect();
    let two = || Some("two of them".to_owned());
    assert_eq!(captions, [Some("cafe".to_owned()), None, two(), two()]);
    studio.assert_settled().await;
}

#[tokio::test]
async fn words_are_replaced_in_many_captions_at_once_or_in_none() {
    let studio = Studio::open().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let came = archive(&[
        ("1.png", &picture(1)),
        ("1.txt", b"red hat, smiling"),
        ("2.png", &picture(2)),
        ("2.txt", b"hat, chat"),
        ("3.png", &picture(3)),
    ]);
    send(&door, mara, came).await;
    let all = pictures(&studio, mara).await;
    let good = json!({ "good": true }).to_string();
    ask(&door, "PUT", &format!("/api/pictures/{}/decision", all[0].id), &[JSON], good).await;
    let texts = async || {
        let all = pictures(&studio, mara).await;
        all.into_iter().map(|one| one.caption.map(|caption| caption.text).unwrap_or_default()).collect::<Vec<_>>()
    };
    let dry = replace(&door, mara, json!({ "find": "hat", "replace": "cap", "dry_run": true })).await;
    assert_eq!((dry.status, &dry.body["looked_at"], &dry.body["kept"]), (200, &json!(2), &json!(false)));
    assert_eq!(dry.body["changed"][1]["after"], "cap, ccap", "{}", dry.body);
    assert_eq!(texts().await, ["red hat, smiling", "hat, chat", ""], "nothing is changed by a dry run");
    let done = json!({ "find": "hat", "replace": "", "whole_word": true, "state": "pending" });
    let done = replace(&door, mara, done).await;
    assert_eq!(done.body["changed"].as_array().unwrap().len(), 1, "{}", done.body);
    assert_eq!(texts().await, ["red hat, smiling", "chat", ""], "only of those that wait");
    // It is taken back, but not where somebody has said something else since; and what has gone back stays.
    let more = replace(&door, mara, json!({ "find": "i", "replace": "y" })).await;
    assert_eq!(texts().await, ["red hat, smylyng", "chat", ""]);
    let back = async |done: &Value| {
        let path = format!("/api/characters/{mara}/dataset/captions/restore");
        let answer = ask(&door, "POST", &path, &[JSON], json!({ "changed": done["changed"] }).to_string()).await;
        (answer.status, answer.body["restored"].clone(), answer.body["left"].clone())
    };
    assert_eq!(back(&more.body).await, (200, json!(1), json!(0)));
    assert_eq!(back(&more.body).await, (200, json!(0), json!(1)));
    assert_eq!(texts().await, ["red hat, smiling", "chat", ""]);
    assert_eq!(back(&done.body).await, (200, json!(1), json!(0)));
    assert_eq!(texts().await, ["red hat, smiling", "hat, chat", ""]);
    let strange = json!({ "changed": [{ "picture": all[0].id, "before": "a\nb", "after": "", "by_person": true }] });
    assert_eq!(back(&strange).await.0, 400);
    assert_eq!(back(&dry.body).await, (200, json!(0), json!(2)), "what was never kept cannot be taken back");
    replace(&door, mara, json!({ "find": "hat", "replace": "", "whole_word": true, "state": "pending" })).await;
    for (body, why) in [
        (json!({ "find": "" }), "find is empty"),
        (json!({ "find": "x".repeat(2001) }), "at most 2000"),
        (json!({ "find": "a", "replace": "x".repeat(1999) }), "nothing was changed"),
        (json!({ "finds": "a" }), "finds"),
    ] {
        let refused = replace(&door, mara, body.clone()).await;
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(refused.status >= 400 && detail.contains(why), "{body}: {}", refused.body);
    }
    assert_eq!(texts().await, ["red hat, smiling", "chat", ""]);
    let tags = get(&door, &format!("/api/characters/{mara}/dataset/tags")).await.body;
    let first = json!({ "tag": "red hat", "written": 1, "shown": 0, "nearly_all": true });
    assert_eq!((&tags["tags"][0], tags["tags"].as_array().unwrap().len()), (&first, 2), "of approved ones: {tags:#}");
    assert!(tags["trigger"].as_str().unwrap().starts_with("marax"), "{tags:#}");
    let nobody = replace(&door, CharacterId(uuid::Uuid::from_u128(99)), json!({ "find": "a" })).await;
    assert_eq!(nobody.status, 404);
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_was_written_of_a_picture_goes_with_it_under_its_new_name() {
    let studio = Studio::open().await;
    let (door, mara, ben) = (door(&studio), mara(&studio, "Mara").await, mara(&studio, "Ben").await);
    for (who, trigger, class_word) in [(mara, "mirax7", "woman"), (ben, "benx3", "man")] {
        let words = json!({ "trigger": trigger, "class_word": class_word }).to_string();
        assert_eq!(ask(&door, "PATCH", &format!("/api/characters/{who}/dataset"), &[PATCH], words).await.status, 200);
    }
    for shade in [10, 90] {
        let path = format!("/api/characters/{mara}/dataset/pictures?name=a.png");
        assert_eq!(ask(&door, "POST", &path, &[], picture(shade)).await.status, 201);
    }
    let all = pictures(&studio, mara).await;
    for (one, text, told) in [
        (&all[0], "mirax7, woman, beside mirax7 in a red hat", "benx3, man, beside mirax7 in a red hat"),
        (&all[1], "in a red hat", "in a red hat"),
    ] {
        let path = format!("/api/pictures/{}", one.id);
        let caption = json!({ "caption": text }).to_string();
        assert_eq!(ask(&door, "PATCH", &path, &[PATCH], caption).await.status, 200);
        let to = json!({ "character": ben }).to_string();
        let moved = ask(&door, "POST", &format!("{path}/reassign"), &[JSON], to).await;
        assert_eq!(moved.body["caption"], json!({ "text": told, "by_person": true }), "{}", moved.body);
    }
    studio.assert_settled().await;
}
