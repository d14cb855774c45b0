//! Zip: the pictures of an archive, each in a file of its own, and the captions beside them.
//!
//! An archive is written by anybody. What it unpacks to is limited before and while it is unpacked, its names never become
//! paths, and what is no picture is told by name and left in it.

use std::{
    fmt,
    fs::File,
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use ::zip::ZipArchive;
use image::ImageFormat;
use studio_core::dataset::{CaptionFile, is_caption, is_config};

use crate::decode::{MOST_BYTES, Refusal};

/// Most entries of an archive.
pub const MOST_ENTRIES: usize = 20_000;
/// Most bytes that all entries together unpack to: 4 GiB.
pub const MOST_UNPACKED: u64 = 4 << 30;
/// How many bytes a packed byte may become, above [`SMALL`]: pictures are packed already.
const MOST_RATIO: u64 = 100;
/// Bytes of an entry up to which nobody asks how well it is packed.
const SMALL: u64 = 1 << 20;
/// Letters of a name that are kept.
const NAME: usize = 120;
/// Most bytes of a caption that is read: its longest text, in the longest letters, and words in front of it.
pub const MOST_CAPTION: usize = 16 << 10;
/// Most bytes of all captions of an archive: what comes after is taken for too long.
const MOST_CAPTIONS: usize = 32 << 20;
/// Bytes by which a picture is known.
const HEAD: usize = 512;

/// Why an archive is not unpacked at all.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The archive, or the folder it is unpacked into, is out of reach.
    #[error("the archive cannot be unpacked: {0}; make room on the disk and send it again")]
    Disk(#[from] io::Error),
    /// It is no ZIP archive, or breaks off.
    #[error("the archive is damaged ({0}); pack it again")]
    Damaged(String),
    /// More entries than [`MOST_ENTRIES`].
    #[error("the archive has {0} entries; at most {MOST_ENTRIES} are unpacked: send it in parts")]
    Entries(usize),
    /// More bytes than [`MOST_UNPACKED`], or than any picture is packed to.
    #[error("the archive unpacks to far more than it holds, or to more than {limit} GiB; send it in parts", limit = MOST_UNPACKED >> 30)]
    Bomb,
}

/// A picture of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file it was unpacked into.
    pub path: PathBuf,
    /// Its name in the archive, without folders.
    pub name: String,
    /// Its path in the archive; only compared with others, never opened.
    pub inside: String,
}

/// An entry that was left in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its name in the archive, without folders.
    pub name: String,
    /// Why it was left.
    pub why: Why,
}

/// Why an entry is left in an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It is no picture, or larger than one may be.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// An archive within the archive.
    #[error("it is an archive within the archive; unpack it and send its pictures")]
    Nested,
    /// It needs a password.
    #[error("it is encrypted; pack it again without a password")]
    Encrypted,
    /// A link to another file.
    #[error("it is a link, not a file; pack the file itself")]
    Link,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.why)
    }
}

/// What was in an archive.
#[derive(Debug, Default)]
pub struct Found {
    /// Its pictures, in its order.
    pub pictures: Vec<Entry>,
    /// What may be captions of them, in its order.
    pub captions: Vec<CaptionFile>,
    /// What was left in it.
    pub refused: Vec<Left>,
}

/// Whether a file begins as a ZIP archive does.
///
/// # Errors
/// The file cannot be read.
pub fn is_archive(file: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(file)?.take(4).read_to_end(&mut head)?;
    Ok(head == *b"PK\x03\x04" || head == *b"PK\x05\x06")
}

/// Unpacks the pictures of an archive into a folder, as `entry-0`, `entry-1`, ...
///
/// # Errors
/// It is damaged, has too many entries, unpacks to too much, or the disk does not take it. The folder may then hold a part.
pub fn unpack(file: &Path, into: &Path) -> Result<Found, Trouble> {
    let mut archive = ZipArchive::new(BufReader::new(File::open(file)?)).map_err(damaged)?;
    if archive.len() > MOST_ENTRIES {
        return Err(Trouble::Entries(archive.len()));
    }
    let mut left = MOST_UNPACKED;
    let mut captions = MOST_CAPTIONS;
    let mut found = Found::default();
    for at in 0..archive.len() {
        let mut entry = archive.by_index_raw(at).map_err(damaged)?;
        let inside = String::from_utf8_lossy(entry.name_raw()).into_owned();
        if entry.is_dir() || is_junk(&inside) || is_config(&inside) {
            continue;
        }
        let name = named(&inside);
        let (size, packed) = (entry.size(), entry.compressed_size());
        if size > left || (size > SMALL && size / packed.max(1) > MOST_RATIO) {
            return Err(Trouble::Bomb);
        }
        let why = if entry.encrypted() {
            Some(Why::Encrypted)
        } else if entry.is_symlink() {
            Some(Why::Link)
        } else {
            (size > MOST_BYTES).then_some(Why::Refused(Refusal::Heavy(size >> 20)))
        };
        if let Some(why) = why {
            found.refused.push(Left { name, why });
            continue;
        }
        drop(entry);
        entry = archive.by_index(at).map_err(damaged)?;
        // What an entry says of its size may be a lie: it is counted while it is unpacked.
        let mut content = entry.take(MOST_BYTES.min(left) + 1);
        let path = into.join(format!("entry-{at}"));
        let head = head(&mut content)?;
        if is_caption(&inside) && !is_known(&head) {
            let bytes = caption(&head, &mut content, captions)?;
            let read = bytes.as_ref().map_or(0, Vec::len);
            (left, captions) = (left - read as u64, captions - read);
            found.captions.push(CaptionFile { path: inside, bytes });
            continue;
        }
        match written(&head, &mut content, &path)? {
            Ok(bytes) if bytes > left => return Err(Trouble::Bomb),
            Ok(bytes) if bytes > MOST_BYTES => {
                std::fs::remove_file(&path)?;
                found.refused.push(Left { name, why: Refusal::Heavy(bytes >> 20).into() });
            }
            Ok(bytes) => {
                left -= bytes;
                found.pictures.push(Entry { path, name, inside });
            }
            Err(why) => found.refused.push(Left { name, why }),
        }
    }
    Ok(found)
}

/// The first bytes of an entry.
fn head(content: &mut impl Read) -> Result<Vec<u8>, Trouble> {
    let mut head = Vec::new();
    content.take(HEAD as u64).read_to_end(&mut head).map_err(unpacking)?;
    Ok(head)
}

/// Whether it is a picture of a kind that is read, or an archive, whatever it is called.
fn is_known(head: &[u8]) -> bool {
    let picture = matches!(
        image::guess_format(head),
        Ok(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Gif)
    );
    picture || infer::get(head).is_some_and(|kind| kind.matcher_type() == infer::MatcherType::Archive)
}

/// The bytes of a caption; `None`: there are more than [`MOST_CAPTION`], or than `left`.
fn caption(head: &[u8], content: &mut impl Read, left: usize) -> Result<Option<Vec<u8>>, Trouble> {
    let mut bytes = head.to_vec();
    let most = MOST_CAPTION.min(left);
    content.take((most + 1) as u64).read_to_end(&mut bytes).map_err(unpacking)?;
    Ok((bytes.len() <= most).then_some(bytes))
}

/// Writes a picture into a file, and says how many bytes it has; or why it is none.
fn written(head: &[u8], content: &mut impl Read, path: &Path) -> Result<Result<u64, Why>, Trouble> {
    if image::guess_format(head).is_err() {
        let kind = infer::get(head);
        if kind.is_some_and(|kind| kind.matcher_type() == infer::MatcherType::Archive) {
            return Ok(Err(Why::Nested));
        }
        let refusal = if head.is_empty() { Refusal::Empty } else { Refusal::Kind(kind.map(|kind| kind.mime_type())) };
        return Ok(Err(refusal.into()));
    }
    let mut file = File::create(path)?;
    file.write_all(head)?;
    let mut bytes = head.len() as u64;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = content.read(&mut buffer).map_err(unpacking)?;
        if read == 0 {
            return Ok(Ok(bytes));
        }
        file.write_all(&buffer[..read])?;
        bytes += read as u64;
    }
}

fn damaged(error: ::zip::result::ZipError) -> Trouble {
    match error {
        ::zip::result::ZipError::Io(error) if error.raw_os_error().is_some() => Trouble::Disk(error),
        error => Trouble::Damaged(error.to_string()),
    }
}

/// What went wrong while an entry was read: the disk has numbers for its troubles, an archive has not.
fn unpacking(error: io::Error) -> Trouble {
    if error.raw_os_error().is_some() { Trouble::Disk(error) } else { Trouble::Damaged(error.to_string()) }
}

/// What operating systems put beside pictures.
fn is_junk(path: &str) -> bool {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    path.starts_with("__MACOSX/") || name.starts_with("._") || [".DS_Store", "Thumbs.db", "desktop.ini"].contains(&name)
}

/// A name without folders and without what no name should have.
fn named(path: &str) -> String {
    let name = path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = name.chars().filter(|letter| !letter.is_control()).take(NAME).collect();
    if clean.trim_matches(['.', ' ']).is_empty() { "without a name".into() } else { clean }
}
