//! Archives of pictures, good and bad.

use std::{
    fs::{self, File},
    io::{Cursor, Write},
    path::Path,
};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use studio_pictures::zip::{MOST_ENTRIES, Trouble, is_archive, unpack};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

fn picture(shade: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::from_pixel(300, 300, Rgb([shade; 3]))).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn packed(folder: &Path, entries: &[(&str, &[u8])]) -> std::path::PathBuf {
    let path = folder.join("set.zip");
    let mut zip = ZipWriter::new(File::create(&path).unwrap());
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, contents) in entries {
        zip.start_file(*name, options).unwrap();
        zip.write_all(contents).unwrap();
    }
    zip.finish().unwrap();
    path
}

#[test]
fn pictures_are_unpacked_and_the_rest_is_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("into");
    fs::create_dir(&into).unwrap();
    let (one, two) = (picture(10), picture(200));
    let path = packed(
        folder.path(),
        &[
            ("a/face.png", &one),
            ("../../etc/up\u{7}per.jpg", &two),
            ("notes.txt", b"nothing to see here"),
            ("more.zip", b"PK\x03\x04 more pictures"),
            ("empty.png", b""),
            ("__MACOSX/._face.png", b"junk"),
            (".DS_Store", b"junk"),
        ],
    );
    assert!(is_archive(&path).unwrap());
    let found = unpack(&path, &into).unwrap();
    let names: Vec<&str> = found.pictures.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["face.png", "upper.jpg"]);
    assert_eq!(fs::read(&found.pictures[1].path).unwrap(), two);
    assert!(found.pictures.iter().all(|entry| entry.path.parent() == Some(&into)));
    let refused: Vec<String> = found.refused.iter().map(ToString::to_string).collect();
    assert_eq!(
        refused,
        [
            "notes.txt: it is of an unknown kind, not a picture that can be read; save it as PNG, JPEG, WebP or GIF",
            "more.zip: it is an archive within the archive; unpack it and send its pictures",
            "empty.png: it is empty; send it again",
        ]
    );
    assert_eq!(fs::read_dir(&into).unwrap().count(), 2, "nothing else was written");
}

#[test]
fn a_bomb_ends_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let mut bomb = picture(1);
    bomb.resize(64 << 20, 0);
    let path = packed(folder.path(), &[("bomb.png", &bomb)]);
    assert!(fs::metadata(&path).unwrap().len() < 1 << 20);
    let why = unpack(&path, folder.path()).unwrap_err();
    assert!(matches!(why, Trouble::Bomb), "{why}");
    assert!(why.to_string().contains("send it in parts"));
    assert!(!folder.path().join("entry-0").exists(), "nothing was unpacked");
}

#[test]
fn an_entry_that_lies_about_its_size_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = packed(folder.path(), &[("face.png", &picture(7))]);
    let mut bytes = fs::read(&path).unwrap();
    let entry = bytes.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
    bytes[entry + 24..entry + 28].copy_from_slice(&5u32.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    // Either it is damaged, or what there is is taken; never more than was counted.
    match unpack(&path, folder.path()) {
        Ok(found) => assert!(found.pictures.len() + found.refused.len() == 1),
        Err(why) => assert!(matches!(why, Trouble::Damaged(_)), "{why}"),
    }
}

#[test]
fn too_many_entries_and_half_an_archive_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..=MOST_ENTRIES).map(|n| format!("{n}.png")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    let path = packed(folder.path(), &many);
    assert!(matches!(unpack(&path, folder.path()).unwrap_err(), Trouble::Entries(20_001)));
    let whole = fs::read(packed(folder.path(), &[("face.png", &picture(9))])).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(is_archive(&path).unwrap());
    assert!(matches!(unpack(&path, folder.path()).unwrap_err(), Trouble::Damaged(_)));
    fs::write(&path, b"GIF89a").unwrap();
    assert!(!is_archive(&path).unwrap());
}
