//! Publishing into a library on disk.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use studio_core::{
    naming::{EpisodePaths, ShowNfo, tvshow_nfo},
    order::PublishMode as Mode,
};
use studio_engine::FailureKind;
use studiod::publish::library::{MARKER, Publication, Published, publish, ready, unpublish};
use tempfile::TempDir;

/// What stands in the `tvshow.nfo` of the show with this id.
fn nfo(id: &str) -> String {
    tvshow_nfo(&ShowNfo { title: "Pier".into(), year: 2026, plot: String::new(), id: id.into() })
}

/// A library and the kept files it is published from.
struct Shelf {
    dir: TempDir,
}

impl Shelf {
    fn new() -> Self {
        let shelf = Self { dir: tempfile::tempdir().unwrap() };
        for name in ["film.mp4", "thumb.jpg", "poster.jpg", "fanart.jpg", "lines.srt", "lines.vtt"] {
            fs::write(shelf.kept(name), format!("first {name}")).unwrap();
        }
        shelf
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("library")
    }

    fn kept(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn episode(&self, number: u32, title: &str, previous: &[PathBuf]) -> Publication {
        let kept = |name| Some(self.kept(name));
        Publication {
            paths: EpisodePaths::new("Pier", 2026, 1, number, title).unwrap(),
            film: self.kept("film.mp4"),
            thumb: kept("thumb.jpg"),
            poster: kept("poster.jpg"),
            fanart: kept("fanart.jpg"),
            srt: kept("lines.srt"),
            vtt: kept("lines.vtt"),
            language: "en".into(),
            show_id: "pier".into(),
            former_id: None,
            episode_id: format!("pier-s01e{number:02}"),
            tvshow_nfo: nfo("pier"),
            known: false,
            season_nfo: "season".into(),
            episode_nfo: format!("episode {title}"),
            previous: previous.to_vec(),
        }
    }

    fn publish(&self, number: u32, title: &str, previous: &[PathBuf]) -> Published {
        publish(&self.root(), &self.episode(number, title, previous), Mode::Symlink).unwrap()
    }

    /// Every file of the library with its content; hidden ones and empty folders too.
    fn files(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        collect(&self.root(), &self.root(), &mut found);
        found
    }

    fn names(&self) -> Vec<String> {
        self.files().into_keys().collect()
    }
}

fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    let mut empty = true;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        empty = false;
        if path.is_dir() {
            collect(root, &path, found);
        } else if path != root.join(MARKER) {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    if empty && folder != root {
        found.insert(format!("{}/", folder.strip_prefix(root).unwrap().display()), String::new());
    }
}

#[test]
fn an_episode_appears_complete() {
    let shelf = Shelf::new();
    let published = shelf.publish(1, "Night", &[]);
    let stem = "Pier (2026)/Season 01/Pier (2026) S01E01 - Night";
    let show = nfo("pier");
    let expected: BTreeMap<String, String> = [
        ("Pier (2026)/tvshow.nfo".to_owned(), show.as_str()),
        ("Pier (2026)/poster.jpg".to_owned(), "first poster.jpg"),
        ("Pier (2026)/fanart.jpg".to_owned(), "first fanart.jpg"),
        ("Pier (2026)/Season 01/season.nfo".to_owned(), "season"),
        ("Pier (2026)/Season 01/poster.jpg".to_owned(), "first poster.jpg"),
        (format!("{stem}.mp4"), "first film.mp4"),
        (format!("{stem}.nfo"), "episode Night"),
        (format!("{stem}-thumb.jpg"), "first thumb.jpg"),
        (format!("{stem}.en.srt"), "first lines.srt"),
        (format!("{stem}.en.vtt"), "first lines.vtt"),
    ]
    .map(|(name, content)| (name, content.to_owned()))
    .into();
    assert_eq!(shelf.files(), expected);
    let mut said: Vec<String> = published.files.iter().map(|path| path.to_str().unwrap().to_owned()).collect();
    assert_eq!(said.last().unwrap(), &format!("{stem}.mp4"), "the film comes last");
    said.sort();
    assert_eq!(said, shelf.names());
    assert_eq!((published.film, published.remarks), (PathBuf::from(format!("{stem}.mp4")), Vec::new()));
}

#[test]
fn each_mode_brings_the_film_in_its_own_way() {
    let shelf = Shelf::new();
    let film = |mode| {
        let paths = shelf.episode(1, "Night", &[]).paths;
        let again = shelf.episode(1, "Night", &[paths.film(), paths.nfo()]);
        let published = publish(&shelf.root(), &again, mode).unwrap();
        assert!(published.remarks.is_empty());
        shelf.root().join(published.film)
    };
    let kept = fs::metadata(shelf.kept("film.mp4")).unwrap().ino();

    let linked = film(Mode::Symlink);
    assert_eq!(fs::read_link(&linked).unwrap(), fs::canonicalize(shelf.kept("film.mp4")).unwrap());
    let second_name = film(Mode::Hardlink);
    assert!(!second_name.is_symlink() && fs::metadata(&second_name).unwrap().ino() == kept);
    film(Mode::Hardlink);
    assert_eq!(shelf.names().len(), 10, "a hard link over itself leaves no temporary name");
    let copy = film(Mode::Copy);
    assert_ne!(fs::metadata(&copy).unwrap().ino(), kept);
    assert_eq!(fs::read_to_string(copy).unwrap(), "first film.mp4");
}

#[test]
fn across_file_systems_a_hard_link_becomes_a_copy_and_says_so() {
    let shelf = Shelf::new();
    let elsewhere = tempfile::tempdir_in("/dev/shm").unwrap();
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    let apart = device(elsewhere.path()) != device(shelf.dir.path());
    let published = publish(elsewhere.path(), &shelf.episode(1, "Night", &[]), Mode::Hardlink).unwrap();
    assert_eq!(fs::read_to_string(elsewhere.path().join(published.film)).unwrap(), "first film.mp4");
    assert_eq!(published.remarks.len(), usize::from(apart), "{:?}", published.remarks);
    assert!(published.remarks.iter().all(|remark| remark.contains("copied") && remark.contains("hard link")));
}

#[test]
fn what_is_published_can_be_read_by_the_media_server() {
    let shelf = Shelf::new();
    let published = publish(&shelf.root(), &shelf.episode(1, "Night", &[]), Mode::Copy).unwrap();
    let plain = fs::metadata(shelf.kept("film.mp4")).unwrap().mode();
    for file in published.files {
        assert_eq!(fs::metadata(shelf.root().join(&file)).unwrap().mode(), plain, "{}", file.display());
    }
}

#[test]
fn publishing_again_replaces_and_removes_what_is_no_longer_there() {
    let shelf = Shelf::new();
    let first = shelf.publish(1, "Night", &[]);
    fs::write(shelf.kept("poster.jpg"), "second poster").unwrap();
    let mut again = shelf.episode(1, "Night", &first.files);
    again.vtt = None;
    again.episode_nfo = "second".into();
    let second = publish(&shelf.root(), &again, Mode::Symlink).unwrap();
    let files = shelf.files();
    assert_eq!(files.len(), 9);
    assert_eq!(second.files.len(), 9);
    assert_eq!(files["Pier (2026)/Season 01/Pier (2026) S01E01 - Night.nfo"], "second");
    assert_eq!(files["Pier (2026)/poster.jpg"], "second poster");
    assert!(!files.keys().any(|name| name.contains(".vtt")));
}

#[test]
fn a_new_title_takes_the_old_files_away() {
    let shelf = Shelf::new();
    let first = shelf.publish(1, "Night", &[]);
    shelf.publish(2, "Day", &[]);
    fs::write(shelf.root().join("Pier (2026)/Season 01/notes.txt"), "mine").unwrap();
    shelf.publish(1, "Dawn", &first.files);
    let names = shelf.names();
    assert!(!names.iter().any(|name| name.contains("Night")), "{names:?}");
    assert_eq!(names.iter().filter(|name| name.contains("S01E01 - Dawn")).count(), 5);
    assert_eq!(names.iter().filter(|name| name.contains("S01E02 - Day")).count(), 5);
    assert!(names.contains(&"Pier (2026)/Season 01/notes.txt".to_owned()));
}

#[test]
fn a_new_show_title_takes_the_old_folders_away() {
    let shelf = Shelf::new();
    let first = shelf.publish(1, "Night", &[]);
    let mut renamed = shelf.episode(1, "Night", &first.files);
    renamed.paths = EpisodePaths::new("Harbour", 2026, 2, 1, "Night").unwrap();
    publish(&shelf.root(), &renamed, Mode::Symlink).unwrap();
    assert_eq!(shelf.names().len(), 10);
    assert!(shelf.names().iter().all(|name| name.starts_with("Harbour (2026)/")), "{:?}", shelf.names());
}

#[test]
fn the_last_episode_to_leave_takes_the_show_with_it() {
    let shelf = Shelf::new();
    let (night, day) = (shelf.publish(1, "Night", &[]), shelf.publish(2, "Day", &[]));
    unpublish(&shelf.root(), &night.files).unwrap();
    let names = shelf.names();
    assert_eq!(names.len(), 10, "{names:?}");
    assert!(names.contains(&"Pier (2026)/tvshow.nfo".to_owned()), "the other episode needs it");
    unpublish(&shelf.root(), &day.files).unwrap();
    assert_eq!(shelf.names(), Vec::<String>::new());
    unpublish(&shelf.root(), &day.files).unwrap();
    assert!(shelf.root().is_dir() && shelf.kept("film.mp4").is_file(), "neither the library nor what was linked to");
}

#[test]
fn unpublish_leaves_what_others_put_there() {
    let shelf = Shelf::new();
    let night = shelf.publish(1, "Night", &[]);
    fs::write(shelf.root().join("Pier (2026)/logo.png"), "mine").unwrap();
    unpublish(&shelf.root(), &night.files).unwrap();
    let names = ["Pier (2026)/fanart.jpg", "Pier (2026)/logo.png", "Pier (2026)/poster.jpg", "Pier (2026)/tvshow.nfo"];
    assert_eq!(shelf.names(), names);
}

#[test]
fn nothing_outside_the_library_is_ever_removed() {
    let shelf = Shelf::new();
    shelf.publish(1, "Night", &[]);
    for path in [PathBuf::from("../film.mp4"), shelf.kept("film.mp4"), PathBuf::new()] {
        assert_eq!(unpublish(&shelf.root(), std::slice::from_ref(&path)).unwrap_err().kind, FailureKind::Refused);
        let again = shelf.episode(1, "Dawn", &[path]);
        assert_eq!(publish(&shelf.root(), &again, Mode::Symlink).unwrap_err().kind, FailureKind::Refused);
    }
    assert!(shelf.kept("film.mp4").is_file());
    assert!(!shelf.names().iter().any(|name| name.contains("Dawn")));
}

#[test]
fn a_folder_belongs_to_one_show() {
    let shelf = Shelf::new();
    let first = shelf.publish(1, "Night", &[]);
    let before = shelf.files();
    let taken = |other: Publication| {
        let failure = publish(&shelf.root(), &other, Mode::Symlink).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Refused);
        assert!(failure.message.contains("give the show another title or year"), "{failure}");
        failure.message
    };
    let other = |previous: &[PathBuf]| Publication {
        show_id: "p-ier".into(),
        tvshow_nfo: nfo("p-ier"),
        ..shelf.episode(1, "Night", previous)
    };
    assert!(taken(other(&[])).contains("of the id 'pier'"));
    // Not even when it was put down as its own.
    assert!(taken(other(&first.files)).contains("of the id 'pier'"));
    assert_eq!(shelf.files(), before);
    // Jellyfin writes such files anew, in its own way.
    let jellyfin = "<?xml version=\"1.0\"?>\n<tvshow><plot>P &amp; Q</plot><title>Pier</title><studiodid>pier</studiodid></tvshow>";
    let tvshow = shelf.root().join("Pier (2026)/tvshow.nfo");
    fs::write(&tvshow, jellyfin).unwrap();
    shelf.publish(1, "Night", &first.files);
    for strange in ["<tvshow><title>Pier</title><uniqueid type=\"tvdb\">pier</uniqueid></tvshow>", "no xml", ""] {
        fs::write(&tvshow, strange).unwrap();
        assert!(taken(shelf.episode(2, "Day", &[])).contains("that studiod did not write"), "{strange}");
    }
    // A film of a person's own, in a folder without a description.
    fs::remove_file(&tvshow).unwrap();
    assert!(taken(shelf.episode(1, "Night", &[])).contains("that studiod did not put there"));
    shelf.publish(1, "Night", &first.files);
}

#[test]
fn what_is_a_shows_own_by_its_ids_is_put_in_place_though_nobody_put_it_down() {
    let shelf = Shelf::new();
    let described = |number: u32, id: &str| Publication {
        episode_nfo: format!("<episodedetails><uniqueid type=\"studiod\">{id}</uniqueid></episodedetails>"),
        ..shelf.episode(number, "Night", &[])
    };
    let put = |what: &Publication| publish(&shelf.root(), what, Mode::Symlink);
    put(&described(1, "pier-s01e01")).unwrap();
    put(&described(1, "pier-s01e01")).unwrap();
    put(&described(2, "pier-s01e03")).unwrap();
    assert_eq!(put(&described(2, "pier-s01e02")).unwrap_err().kind, FailureKind::Refused, "another episode's");
    // Shows were once told apart by another id.
    let renamed = |former: Option<&str>| Publication {
        show_id: "0192".into(),
        former_id: former.map(str::to_owned),
        tvshow_nfo: nfo("0192"),
        ..described(1, "pier-s01e01")
    };
    assert_eq!(put(&renamed(None)).unwrap_err().kind, FailureKind::Refused);
    put(&renamed(Some("pier"))).unwrap();
    put(&renamed(None)).unwrap();
}

#[test]
fn a_library_that_vanished_is_waited_for() {
    let shelf = Shelf::new();
    let first = shelf.publish(1, "Night", &[]);
    let known = |number| Publication { known: true, ..shelf.episode(number, "Day", &[]) };
    publish(&shelf.root(), &known(2), Mode::Symlink).unwrap();
    let (root, aside) = (shelf.root(), shelf.kept("unmounted"));
    fs::rename(&root, &aside).unwrap();
    let away = |folder: bool| {
        let failure = publish(&root, &known(3), Mode::Symlink).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Away);
        assert!(failure.message.contains("mount its disk") && failure.message.contains(MARKER), "{failure}");
        assert_eq!(ready(&root, true).unwrap_err().message, failure.message);
        assert_eq!(unpublish(&root, &first.files).unwrap_err().kind, FailureKind::Away, "it is still on that disk");
        assert_eq!(root.exists(), folder, "it is not made anew");
    };
    away(false);
    // An empty folder to mount it at.
    fs::create_dir(&root).unwrap();
    away(true);
    fs::remove_dir(&root).unwrap();
    fs::rename(&aside, &root).unwrap();
    // From before there were markers.
    fs::remove_file(root.join(MARKER)).unwrap();
    publish(&root, &known(3), Mode::Symlink).unwrap();
    assert!(root.join(MARKER).exists());
    // Emptied on purpose, and said so.
    fs::remove_dir_all(&root).unwrap();
    fs::create_dir(&root).unwrap();
    fs::write(root.join(MARKER), "").unwrap();
    publish(&root, &known(3), Mode::Symlink).unwrap();
    unpublish(&root, &first.files).unwrap();
}

#[test]
fn a_library_that_cannot_be_written_is_refused_with_the_remedy() {
    let shelf = Shelf::new();
    let root = shelf.kept("film.mp4");
    let failure = publish(&root, &shelf.episode(1, "Night", &[]), Mode::Symlink).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Refused);
    let start = format!("library {} is not writable: ", root.display());
    assert!(failure.message.starts_with(&start), "{failure}");
    assert!(
        failure.message.ends_with("; choose another with --library or make it writable for the user studiod runs as")
    );
}

#[test]
fn a_missing_input_is_said_and_leaves_nothing_half_done() {
    let shelf = Shelf::new();
    let first = shelf.publish(1, "Night", &[]);
    let before = shelf.files();
    for missing in ["film.mp4", "lines.vtt"] {
        let kept = fs::read(shelf.kept(missing)).unwrap();
        fs::remove_file(shelf.kept(missing)).unwrap();
        let failure = publish(&shelf.root(), &shelf.episode(1, "Dawn", &first.files), Mode::Copy).unwrap_err();
        assert_eq!(failure.kind, FailureKind::BadInput);
        assert!(failure.message.contains(missing), "{failure}");
        fs::write(shelf.kept(missing), kept).unwrap();
        assert_eq!(shelf.files(), before, "without {missing}");
    }
}

#[test]
fn what_a_killed_publish_left_is_gone_after_the_next() {
    let shelf = Shelf::new();
    let first = shelf.publish(1, "Night", &[]);
    let folder = shelf.root().join("Pier (2026)");
    fs::write(folder.join(".tvshow.nfo.tmp-Ab3dE6gH9j"), "ha").unwrap();
    let half = folder.join("Season 01/.Pier (2026) S01E01 - Night.mp4.tmp-0123456789");
    fs::write(&half, "half a film").unwrap();
    fs::write(folder.join("Season 01/.nomedia"), "mine").unwrap();
    shelf.publish(1, "Night", &first.files);
    let names = shelf.names();
    assert!(!names.iter().any(|name| name.contains(".tmp-")), "{names:?}");
    assert!(names.contains(&"Pier (2026)/Season 01/.nomedia".to_owned()));
}

/// A player that looks all the time sees a film with its NFO at every moment, old or new, never none.
#[test]
fn fifty_republishes_never_leave_a_gap() {
    let shelf = Shelf::new();
    let mut published = shelf.publish(1, "Night", &[]);
    let done = AtomicBool::new(false);
    let stem = shelf.root().join("Pier (2026)/Season 01/Pier (2026) S01E01 - Night");
    let (film, nfo) = (stem.with_extension("mp4"), stem.with_extension("nfo"));
    std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let mut looks = 0u64;
            while !done.load(Ordering::Relaxed) || looks == 0 {
                assert!(fs::read_to_string(&film).is_ok_and(|film| film == "first film.mp4"), "the film was away");
                assert!(fs::read_to_string(&nfo).is_ok_and(|nfo| nfo == "episode Night"), "the nfo was away");
                looks += 1;
            }
            looks
        });
        for round in 0..50 {
            let mode = [Mode::Symlink, Mode::Hardlink, Mode::Copy][round % 3];
            let again = shelf.episode(1, "Night", &published.files);
            published = publish(&shelf.root(), &again, mode).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    assert_eq!(shelf.names().len(), 10);
}
