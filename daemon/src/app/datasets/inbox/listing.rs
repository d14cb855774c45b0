//! Listing: what lies in the watched folder. Nothing is opened here, and nothing is followed out of it.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use studio_core::dataset::Look;

/// Folders in folders that are looked into.
const DEEPEST: usize = 8;
/// Files that are not for anybody, and folders of other programs.
const JUNK: [&str; 6] = ["thumbs.db", "desktop.ini", "@eadir", "__macosx", "#recycle", "lost+found"];
/// Endings of files that are being written.
const PARTS: [&str; 6] = [".part", ".partial", ".tmp", ".crdownload", ".download", "~"];

/// What lies in the watched folder.
#[derive(Debug, Default)]
pub struct Listing {
    /// Where the folder really is.
    pub root: PathBuf,
    /// Sub-folders, by name.
    pub folders: Vec<Folder>,
    /// What is not looked at, and why: path below the folder, and a sentence.
    pub left: Vec<(String, &'static str)>,
}

/// A sub-folder of the watched one.
#[derive(Debug)]
pub struct Folder {
    /// Its name; signs that are no text are replaced.
    pub name: String,
    /// Files in it and in the folders of it, with what is seen of each.
    pub files: Vec<(PathBuf, Look)>,
}

/// Lists a folder.
///
/// # Errors
/// The folder itself cannot be read: it is not there, or nobody may.
pub fn list(root: &Path) -> io::Result<Listing> {
    // Links are compared with where the folder really is.
    let root = &fs::canonicalize(root)?;
    let mut listing = Listing { root: root.clone(), ..Listing::default() };
    let mut entries: Vec<_> = fs::read_dir(root)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if is_junk(&name) {
            continue;
        }
        match inside(root, &path) {
            Within::Is(about) if about.is_dir() => {
                let mut files = Vec::new();
                walk(root, &path, 1, &mut files, &mut listing.left);
                files.sort_by(|a, b| a.0.cmp(&b.0));
                listing.folders.push(Folder { name, files });
            }
            Within::Is(about) if about.is_file() => {
                listing.left.push((name, "it lies in nobody's folder; put it into one that is named like a character"));
            }
            Within::Out => listing.left.push((name, OUT)),
            Within::Is(_) | Within::Gone => {}
        }
    }
    Ok(listing)
}

/// Why a link is left.
const OUT: &str = "it leads out of the watched folder; put the picture itself there";

/// Adds the files of a folder; one that cannot be read now may be at the next look.
fn walk(
    root: &Path,
    folder: &Path,
    deep: usize,
    files: &mut Vec<(PathBuf, Look)>,
    left: &mut Vec<(String, &'static str)>,
) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if is_junk(&name) {
            continue;
        }
        let below = || path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        // Folders behind links may lead round in circles.
        let linked = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        match inside(root, &path) {
            Within::Is(about) if about.is_dir() && !linked && deep < DEEPEST => {
                walk(root, &path, deep + 1, files, left);
            }
            Within::Is(about) if about.is_file() => files.push((path, look(&about))),
            Within::Out => left.push((below(), OUT)),
            // What is neither file nor folder would keep whoever opens it waiting.
            Within::Is(_) | Within::Gone => {}
        }
    }
}

/// Where a path leads.
enum Within {
    /// To this, in the watched folder.
    Is(fs::Metadata),
    /// Out of it.
    Out,
    /// Nowhere any more.
    Gone,
}

fn inside(root: &Path, path: &Path) -> Within {
    let Ok(own) = fs::symlink_metadata(path) else { return Within::Gone };
    if !own.is_symlink() {
        return Within::Is(own);
    }
    match (fs::canonicalize(path), fs::metadata(path)) {
        (Ok(real), _) if !real.starts_with(root) => Within::Out,
        (Ok(_), Ok(about)) => Within::Is(about),
        _ => Within::Gone,
    }
}

/// What is seen of a file. When anything about it was changed, not only its content: who may read it counts, too.
pub fn look(about: &fs::Metadata) -> Look {
    Look { bytes: about.len(), changed: i128::from(about.ctime()) * 1_000_000_000 + i128::from(about.ctime_nsec()) }
}

/// Whether it is the business of another program.
fn is_junk(name: &str) -> bool {
    let name = name.to_lowercase();
    name.starts_with('.') || JUNK.contains(&name.as_str()) || PARTS.iter().any(|part| name.ends_with(part))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_is_followed_out_of_the_folder_and_nothing_else_is_opened() {
        let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = home.path();
        let put = |path: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        };
        for path in ["mara/a.png", "mara/deep/b.png", "mara/.hidden", "mara/c.png.part", "mara/Thumbs.db", "loose.png"]
        {
            put(path);
        }
        put(".Trash-1000/d.png");
        put("mara/@eaDir/e.png");
        fs::write(elsewhere.path().join("secret.png"), b"x").unwrap();
        symlink(elsewhere.path(), root.join("other")).unwrap();
        symlink(elsewhere.path().join("secret.png"), root.join("mara/out.png")).unwrap();
        symlink(root.join("loose.png"), root.join("mara/in.png")).unwrap();
        symlink(root.join("mara"), root.join("mara/deep/round")).unwrap();
        symlink("nowhere", root.join("mara/dangling.png")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, root.join("mara/pipe.png"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        let listing = list(root).unwrap();
        let names: Vec<_> = listing.folders.iter().map(|folder| folder.name.as_str()).collect();
        assert_eq!(names, ["mara"]);
        let files = listing.folders[0].files.iter();
        let files: Vec<_> = files.map(|(path, _)| path.strip_prefix(root.canonicalize().unwrap()).unwrap()).collect();
        assert_eq!(files, ["mara/a.png", "mara/deep/b.png", "mara/in.png"].map(Path::new));
        let mut left: Vec<_> = listing.left.iter().map(|(path, _)| path.as_str()).collect();
        left.sort_unstable();
        assert_eq!(left, ["loose.png", "mara/out.png", "other"]);
        drop(home);
        assert!(list(Path::new("/nowhere/at/all")).is_err());
    }
}
