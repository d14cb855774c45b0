//! Independent eyes and ears: ffprobe and ffmpeg, an XML reader, and what lies on the disk.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Everything ffprobe says about a film, with counted pictures.
pub fn probe(film: &Path) -> Value {
    let asked = ["-v", "error", "-of", "json", "-count_frames", "-show_format", "-show_streams", "-show_chapters"];
    let out = Command::new("ffprobe").args(asked).arg(film).output().expect("ffprobe is there");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.trim().is_empty(), "{said}");
    serde_json::from_slice(&out.stdout).expect("ffprobe answers in JSON")
}

/// A number that ffprobe wrote as text.
pub fn number(value: &Value) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("not a number: {value}"))
}

/// Integrated loudness in LUFS, measured by ffmpeg.
pub fn loudness(film: &Path) -> f64 {
    let out = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-i"])
        .arg(film)
        .args(["-map", "0:a", "-af", "ebur128", "-f", "null", "-"])
        .output()
        .expect("ffmpeg is there");
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let (_, summary) = said.rsplit_once("Integrated loudness:").expect("ebur128 ends with a summary");
    let lufs = summary.split("I:").nth(1).and_then(|rest| rest.split_whitespace().next());
    lufs.and_then(|lufs| lufs.parse().ok()).unwrap_or_else(|| panic!("{summary}"))
}

/// Hash of every decoded picture.
pub fn pictures(film: &Path) -> Vec<String> {
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-xerror", "-i"])
        .arg(film)
        .args(["-map", "0:v", "-f", "framemd5", "-"])
        .output()
        .expect("ffmpeg is there");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.trim().is_empty(), "{said}");
    let text = String::from_utf8(out.stdout).expect("framemd5 is text");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit(',').next().unwrap_or_default().trim().to_owned()).collect()
}

/// Every element with text of an XML file, by its path; fails on anything that is not well-formed.
pub fn xml(path: &Path) -> Vec<(String, String)> {
    use quick_xml::{Reader, events::Event};
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut reader = Reader::from_str(&text);
    let (mut open, mut found): (Vec<String>, Vec<(String, String)>) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
            Event::Start(tag) => open.push(tag.name().as_ref().to_owned()),
            Event::End(_) => drop(open.pop()),
            Event::Text(said) => {
                let said = said.trim().to_owned();
                if !said.is_empty() {
                    found.push((open.join("/"), said));
                }
            }
            Event::Eof => {
                assert!(open.is_empty(), "{}: {open:?} is not closed", path.display());
                return found;
            }
            _ => {}
        }
    }
}

/// Every file below a folder by its relative path, but for the marker of a library; links are not followed.
pub fn files(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = left.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("a folder can be read").path();
            if path.is_dir() && !path.is_symlink() {
                left.push(path);
            } else if path != root.join(studiod::publish::library::MARKER) {
                found.push(path.strip_prefix(root).expect("below the root").to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Number, change and length of every file below a folder: equal means untouched.
pub fn untouched(root: &Path) -> BTreeMap<PathBuf, (u64, i64, i64, u64)> {
    let facts = |path: PathBuf| {
        let found = fs::symlink_metadata(root.join(&path)).expect("a file that was just listed");
        (path, (found.ino(), found.mtime(), found.mtime_nsec(), found.len()))
    };
    files(root).into_iter().map(facts).collect()
}
