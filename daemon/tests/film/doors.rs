//! The two doors for files that people bring, `take put` and `POST /api/uploads`: what one takes the other takes, and what
//! one refuses the other refuses in the same words.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    book::Book,
    produce::PLAY,
    second::Service,
    studio::{Studio, block},
};

fn ffmpeg(studio: &Studio, name: &str, arguments: &[&str]) -> PathBuf {
    let out = studio.path(name);
    let done = Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-y"]).args(arguments).arg(&out).status();
    assert!(done.expect("ffmpeg is there").success());
    out
}

/// Every kind of file with what it is good for: `v`ideo, `p`icture, `s`ound.
fn brought(studio: &Studio) -> Vec<(PathBuf, &'static str)> {
    let moving = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10:duration=2"];
    let tone = ["-f", "lavfi", "-i", "sine=440:duration=1"];
    let (one, long) = (["-frames:v", "1"], ["-c:v", "libwebp_anim", "-loop", "0"]);
    let make = |name: &str, parts: &[&[&str]]| ffmpeg(studio, name, &parts.concat());
    let mut all = vec![
        (make("clip.mp4", &[&moving]), "v"),
        (make("film.mkv", &[&moving, &tone]), "vs"),
        (make("motion.mov", &[&moving, &["-c:v", "mjpeg", "-pix_fmt", "yuvj422p"]]), "v"),
        (make("anim.gif", &[&moving]), "v"),
        (make("anim.webp", &[&moving, &long]), "v"),
        (make("still.gif", &[&moving, &one]), "p"),
        (make("still.webp", &[&moving, &one]), "p"),
        (make("still.png", &[&moving, &one]), "p"),
        (make("still.jpg", &[&moving, &one]), "p"),
        (make("scan.tiff", &[&moving, &one]), ""),
        (make("voice.wav", &[&tone]), "s"),
        (make("voice.flac", &[&tone]), "s"),
        (make("voice.m4a", &[&tone]), "s"),
        (make("voice.mp3", &[&tone]), ""),
        (make("old.avi", &[&moving]), ""),
    ];
    let wrong = studio.path("clip.png");
    fs::copy(studio.path("clip.mp4"), &wrong).unwrap();
    all.push((wrong, "v"));
    all.push((studio.write("notes.mp4", "these are only words"), ""));
    all.push((studio.write("empty.mp4", ""), ""));
    let whole = fs::read(studio.path("clip.mp4")).unwrap();
    all.push((studio.write("half.mp4", &whole[..whole.len() / 2]), ""));
    all
}

#[test]
fn both_doors_take_and_refuse_the_same() {
    let studio = Studio::new();
    studio.make(&studio.write("play.fountain", PLAY));
    let book = Book::read(&studio);
    let id = |slot: &str| book.tasks.iter().find(|task| task.slot == slot).expect("it is made").id.to_string();
    let places = [
        ("video", "v", id("scene 1/shot 1/clip")),
        ("picture", "p", id("scene 1/shot 1/still")),
        ("sound", "s", id("scene 1/music")),
    ];
    let service = Service::start(&studio);
    let send = |role: &str, bytes: Vec<u8>| {
        block(async {
            studiod::engines::prepare();
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let url = format!("http://{}/api/uploads?role={role}", service.address);
            let answer = client.post(url).body(bytes).send().await.unwrap();
            let status = answer.status().as_u16();
            (status, serde_json::from_str::<serde_json::Value>(&answer.text().await.unwrap()).unwrap_or_default())
        })
    };
    for (file, good_for) in brought(&studio) {
        for (role, letter, place) in &places {
            let what = format!("{} as {role}", file.file_name().unwrap().display());
            let (status, said) = send(role, fs::read(&file).unwrap());
            assert_eq!(status == 201, good_for.contains(letter), "{what}: {status} {said}");
            // What is taken would have the film made anew each time; one of them shows that it works.
            if status == 201 && !what.starts_with("anim.gif") {
                continue;
            }
            let put = studio.run(["--json", "take", "put", place, file.to_str().unwrap()]);
            assert_eq!(put.code, Some(if status == 201 { 0 } else { 3 }), "{what}: {put:?}");
            if status == 415 || status == 422 {
                let why = said["detail"].as_str().unwrap();
                let (own, theirs) = (put.json()["error"].as_str().unwrap().to_owned(), why.split(": ").last().unwrap());
                assert!(own.contains(theirs), "{what}: '{own}' but '{why}'");
                assert!(
                    !why.contains('/') || why.contains("image/") || why.contains("video/") || why.contains("audio/"),
                    "{why}"
                );
            }
        }
    }
    service.stop();
}
