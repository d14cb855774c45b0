//! Samples of voices, cut out of recordings.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::Value;

use crate::{
    book::Book,
    fakes::speech::{Fault, Speech},
    studio::{Running, Studio},
};

/// Speech-like noise with pauses: two parts of two seconds, a second of silence between.
fn recording(studio: &Studio, name: &str) -> String {
    let path = studio.path(name);
    let talk = "anoisesrc=d=2:c=pink:a=0.5:seed=";
    let made = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", &format!("{talk}1"), "-f", "lavfi", "-i"])
        .args(["anullsrc=d=1", "-f", "lavfi", "-i", &format!("{talk}2")])
        .args(["-filter_complex", "[0][1][2]concat=n=3:v=0:a=1", "-ar", "44100", "-ac", "2"])
        .arg(&path)
        .status();
    assert!(made.expect("ffmpeg is there").success());
    path.to_str().unwrap().to_owned()
}

fn rate_of(path: &std::path::Path) -> (u32, u16) {
    let spec = hound::WavReader::open(path).unwrap().spec();
    (spec.sample_rate, spec.channels)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_becomes_samples_that_are_written_down() {
    let speech = Speech::start().await;
    speech.fault(Fault::Misheard);
    let url = speech.served.url();
    let done = tokio::task::spawn_blocking(move || {
        let studio = Studio::new();
        studio.settings(&format!("[whisper]\nurl = \"{url}\"\n"));
        let source = recording(&studio, "talk.m4a");
        let out = studio.path("samples");
        let args = [
            "--json",
            "voice",
            "ingest",
            &source,
            "--out",
            out.to_str().unwrap(),
            "--character",
            "Else",
            "--character",
            "Ben",
        ];
        let said = studio.run(args).ended(0).json();
        let segments = said["segments"].as_array().unwrap().clone();
        assert_eq!(segments.len(), 2, "{said}");
        let second = |value: &Value| value.as_f64().unwrap();
        assert!(
            (second(&segments[0]["end_s"]) - 2.1).abs() < 0.2 && (second(&segments[1]["start_s"]) - 2.9).abs() < 0.2,
            "{said}"
        );
        assert_eq!(segments[0]["transcript"], "something else was heard");
        assert_eq!(segments[1]["spoken_of"], serde_json::json!(["Else"]));
        for segment in &segments {
            assert_eq!(rate_of(&out.join(segment["file"].as_str().unwrap())), (22_050, 1));
        }
        let kept: Value = serde_json::from_str(&fs::read_to_string(out.join("extraction_meta.json")).unwrap()).unwrap();
        assert_eq!(kept, said);

        // From an address: yt-dlp is asked, and the address is never an option of it.
        let bin = studio.path("bin");
        fs::create_dir_all(&bin).unwrap();
        let wav = recording(&studio, "there.wav");
        let script = format!(
            "#!/bin/sh\nwhile [ \"$1\" != -- ]; do case \"$1\" in home:*) home=${{1#home:}} ;; -J) about=1 ;; esac; shift; done\n\
             if [ -n \"$about\" ]; then case \"$2\" in *long) s=4000 ;; *) s=6 ;; esac\n\
             echo \"{{\\\"id\\\":\\\"x\\\",\\\"duration\\\":$s}}\"; exit; fi\n\
             echo \"$2\" > {}\ncp {wav} \"$home/x.wav\"\necho \"FILE \\\"$home/x.wav\\\"\"\n",
            studio.path("asked").display()
        );
        fs::write(bin.join("yt-dlp"), script).unwrap();
        fs::set_permissions(bin.join("yt-dlp"), fs::Permissions::from_mode(0o755)).unwrap();
        let fetch = |address: &str, path: String| {
            let mut command = studio.command(["voice", "ingest", address, "--out", out.to_str().unwrap()]);
            command.env("PATH", path);
            crate::studio::Running::start(command).finish()
        };
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        fetch("https://93.184.216.34/watch?v=-x", path.clone()).ended(0);
        assert_eq!(fs::read_to_string(studio.path("asked")).unwrap().trim(), "https://93.184.216.34/watch?v=-x");
        assert!(fetch("ftp://example.org/x", path.clone()).ended(2).err.contains("neither a file nor an address"));
        let long = fetch("https://93.184.216.34/long", path.clone()).ended(1);
        assert!(long.err.contains("it is 4000 s long, and at most 1800 s are fetched"), "{long:?}");
        let house = fetch("http://127.0.0.1:8401/x", path).ended(2);
        assert!(house.err.contains("an address of the house"), "{house:?}");
        let missing = fetch("https://93.184.216.34/x", "/nowhere".into()).ended(6);
        assert!(missing.err.contains("yt-dlp is not installed"), "{missing:?}");
        let text = studio.write("text.txt", "nobody talks");
        let bad = studio.run(["voice", "ingest", text.to_str().unwrap(), "--out", out.to_str().unwrap()]).ended(3);
        assert!(bad.err.contains("is no WAV, FLAC, M4A or film"), "{bad:?}");
    });
    done.await.unwrap();
}

#[test]
fn what_else_is_in_the_environment_changes_no_voice() {
    let text = include_str!("../../../examples/the-last-light.fountain");
    let (_, scenes) = text.split_once("EXT. LIGHTHOUSE ROCKS").unwrap();
    let (scene, _) = scenes.split_once("WIPE TO:").unwrap();
    let head = "[[character: EDDA, female, elder]]\n[[character: PIP, female, child]]\n\nEXT. LIGHTHOUSE ROCKS";
    let spoken = |letters: usize| {
        let studio = Studio::new();
        let play = studio.write("play.fountain", format!("Title: Voices\n\n{head}{scene}"));
        let mut command = studio.producing(&play);
        command.env("STUDIOD_NOBODY_READS_THIS", "x".repeat(letters));
        Running::start(command).finish().ended(0);
        let book = Book::read(&studio);
        book.tasks
            .iter()
            .filter(|task| task.slot.contains("/line "))
            .map(|task| task.outputs.clone())
            .collect::<Vec<_>>()
    };
    let first = spoken(1);
    assert_eq!(first.len(), 2);
    for letters in [70, 701] {
        assert_eq!(spoken(letters), first);
    }
}
