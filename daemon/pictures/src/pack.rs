//! Pack: files become a ZIP archive, one after another, so that none has to be held in memory.
//!
//! Nothing is made smaller: pictures are small already. The same files give the same bytes, whenever they are packed.

use std::{
    fs::File,
    io::{self, Seek, Write},
    path::{Path, PathBuf},
};

use ::zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use crate::zip::MOST_ENTRIES;

/// How deep folders may lie in each other.
const DEEPEST: usize = 8;

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Its path in the archive, with `/`.
    pub path: String,
    /// What is in it.
    pub content: Content,
}

/// What is in a file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The content of this file.
    File(PathBuf),
    /// This text, as UTF-8.
    Text(String),
}

/// Packs files into an archive, in their order.
///
/// # Errors
/// A file cannot be read, or the archive not be written.
pub fn pack(into: &mut (impl Write + Seek), files: &[Packed]) -> io::Result<()> {
    let mut zip = ZipWriter::new(into);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    for Packed { path, content } in files {
        zip.start_file(path.as_str(), options)?;
        match content {
            Content::Text(text) => zip.write_all(text.as_bytes())?,
            Content::File(file) => {
                let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
                io::copy(&mut File::open(file).map_err(named)?, &mut zip)?;
            }
        }
    }
    zip.finish()?;
    Ok(())
}

/// Writes the same files below a folder that is there.
///
/// # Errors
/// A file cannot be read or written.
pub fn lay_out(into: &Path, files: &[Packed]) -> io::Result<()> {
    for Packed { path, content } in files {
        let to = into.join(path);
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)?;
        }
        match content {
            Content::Text(text) => std::fs::write(to, text)?,
            Content::File(file) => {
                // Not copied with its permissions: kept files are read-only.
                io::copy(&mut File::open(file)?, &mut File::create(to)?)?;
            }
        }
    }
    Ok(())
}

/// The files of a folder and of the folders in it, by name, each below the folder's own name. Links are left out, so that
/// nothing comes from elsewhere.
///
/// # Errors
/// It is no folder, cannot be read, or holds more than an archive may.
pub fn folder_files(folder: &Path) -> io::Result<Vec<Packed>> {
    let folder = folder.canonicalize()?;
    let name = folder.file_name().map_or_else(|| "set".into(), |name| name.to_string_lossy().into_owned());
    let mut files = Vec::new();
    gather(&folder, &name, DEEPEST, &mut files)?;
    Ok(files)
}

fn gather(folder: &Path, inside: &str, deeper: usize, files: &mut Vec<Packed>) -> io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (kind, name) = (entry.file_type()?, entry.file_name());
        let path = format!("{inside}/{}", name.to_string_lossy());
        if kind.is_dir() && deeper > 0 {
            gather(&entry.path(), &path, deeper - 1, files)?;
        } else if kind.is_file() {
            files.push(Packed { path, content: Content::File(entry.path()) });
        }
        if files.len() > MOST_ENTRIES {
            return Err(io::Error::other(format!("it holds more than {MOST_ENTRIES} files; take it in parts")));
        }
    }
    Ok(())
}
