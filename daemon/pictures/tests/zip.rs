//! Archives of pictures, good and bad.

use std::{
    fs::{self, File},
    io::{Cursor, Write},
    path::Path,
};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use studio_pictures::pack::{Content, Packed, folder_files, pack};
use studio_pictures::zip::{MOST_CAPTION, MOST_ENTRIES, Trouble, is_archive, unpack};
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
    let (one, two, long) = (picture(10), picture(200), vec![b'x'; MOST_CAPTION + 1]);
    let path = packed(
        folder.path(),
        &[
            ("a/face.png", &one),
            ("../../etc/up\u{7}per.jpg", &two),
            ("notes.txt", b"nothing to see here"),
            ("a/face.txt", b"smiling"),
            ("a/long.txt", &long),
            ("a/dataset.toml", b"[general]"),
            ("a/picture.txt", &one),
            ("bmw.caption", b"BMW beside the road"),
            ("notes.md", b"# nothing to see here"),
            ("more.zip", b"PK\x03\x04 more pictures"),
            ("empty.png", b""),
            ("__MACOSX/._face.png", b"junk"),
            (".DS_Store", b"junk"),
        ],
    );
    assert!(is_archive(&path).unwrap());
    let found = unpack(&path, &into).unwrap();
    let names: Vec<&str> = found.pictures.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["face.png", "upper.jpg", "picture.txt"]);
    assert_eq!(found.pictures[0].inside, "a/face.png");
    let captions: Vec<_> = found.captions.iter().map(|one| (one.path.as_str(), one.bytes.as_deref())).collect();
    assert_eq!(
        captions,
        [
            ("notes.txt", Some(&b"nothing to see here"[..])),
            ("a/face.txt", Some(b"smiling")),
            ("a/long.txt", None),
            ("bmw.caption", Some(b"BMW beside the road")),
        ]
    );
    assert_eq!(fs::read(&found.pictures[1].path).unwrap(), two);
    assert!(found.pictures.iter().all(|entry| entry.path.parent() == Some(&into)));
    let refused: Vec<String> = found.refused.iter().map(ToString::to_string).collect();
    assert_eq!(
        refused,
        [
            "notes.md: it is of an unknown kind, not a picture that can be read; save it as PNG, JPEG, WebP or GIF",
            "more.zip: it is an archive within the archive; unpack it and send its pictures",
            "empty.png: it is empty; send it again",
        ]
    );
    assert_eq!(fs::read_dir(&into).unwrap().count(), 3, "nothing else was written");
}

#[test]
fn a_folder_is_packed_as_it_is_and_never_what_lies_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("10_mara woman");
    fs::create_dir_all(set.join("sub")).unwrap();
    fs::write(set.join("b.png"), picture(1)).unwrap();
    fs::write(set.join("b.txt"), "mara, smiling").unwrap();
    fs::write(set.join("sub").join("a.png"), picture(2)).unwrap();
    fs::write(folder.path().join("secret.png"), picture(3)).unwrap();
    std::os::unix::fs::symlink(folder.path().join("secret.png"), set.join("link.png")).unwrap();
    let path = folder.path().join("set.zip");
    pack(&mut File::create(&path).unwrap(), &folder_files(&set).unwrap()).unwrap();
    let into = tempfile::tempdir().unwrap();
    let found = unpack(&path, into.path()).unwrap();
    let inside: Vec<&str> = found.pictures.iter().map(|entry| entry.inside.as_str()).collect();
    assert_eq!(inside, ["10_mara woman/b.png", "10_mara woman/sub/a.png"], "in one order, without the link");
    assert_eq!(found.captions[0].path, "10_mara woman/b.txt");
    assert_eq!(fs::read(&found.pictures[0].path).unwrap(), picture(1));
    let mut zip = zip::ZipArchive::new(File::open(&path).unwrap()).unwrap();
    assert_eq!(zip.by_index(0).unwrap().compression(), CompressionMethod::Stored, "pictures are packed already");
    assert!(folder_files(&folder.path().join("none")).is_err());
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.png");
    fs::write(&file, picture(5)).unwrap();
    let files = [
        Packed { path: "1_mara/000001.png".into(), content: Content::File(file) },
        Packed { path: "1_mara/000001.txt".into(), content: Content::Text("mära".into()) },
    ];
    let packed = || {
        let mut file = tempfile::tempfile().unwrap();
        pack(&mut file, &files).unwrap();
        let mut bytes = Vec::new();
        std::io::Seek::rewind(&mut file).unwrap();
        std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
        bytes
    };
    assert_eq!(packed(), packed());
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
