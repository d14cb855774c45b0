//! Import: which caption file of a folder or an archive belongs to which picture, and what is in it.
//!
//! Folders are those of training programs: captions beside the pictures, of the same stem. Whatever is wrong with a caption, its
//! picture comes all the same.

use std::collections::BTreeMap;

use super::{Called, LONGEST_CAPTION, one_line};

/// A file that may be a caption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptionFile {
    /// Its path in the folder or archive, with `/` or `\`.
    pub path: String,
    /// Its content; `None`: it is larger than any caption.
    pub bytes: Option<Vec<u8>>,
}

/// Something that is said about captions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Remark {
    /// It is far too long; its picture comes without.
    #[error(
        "{file}: a caption has at most {LONGEST_CAPTION} characters; its picture came without, write a shorter one there"
    )]
    TooLong {
        /// The file's name.
        file: String,
    },
    /// It is not UTF-8; its picture comes without.
    #[error("{file}: it is not UTF-8; its picture came without a caption, save the file as UTF-8 and send both again")]
    NotText {
        /// The file's name.
        file: String,
    },
    /// There is no picture of its stem beside it.
    #[error("{file}: no picture beside it has this name; call it as its picture and send both again")]
    NoPicture {
        /// The file's name.
        file: String,
    },
    /// Several pictures have its stem; each gets it.
    #[error("{file}: {} have this name, and each got the caption; look whether it fits", .pictures.join(" and "))]
    SeveralPictures {
        /// The file's name.
        file: String,
        /// Names of the pictures.
        pictures: Vec<String>,
    },
    /// Another caption has the same stem, and that one counts.
    #[error("{file}: {counts} is the caption of the same picture and counts; remove one of them")]
    SecondCaption {
        /// The file's name.
        file: String,
        /// The name of the one that counts.
        counts: String,
    },
    /// It has several lines, of which the first one counts.
    #[error("{file}: only its first line counts, as in training; put everything on one line if it matters")]
    MoreLines {
        /// The file's name.
        file: String,
    },
    /// The picture is there with what a person wrote, which stays.
    #[error("{picture}: it is there with another caption, which a person wrote and which stays; change it there")]
    Stays {
        /// The picture's name.
        picture: String,
    },
}

/// Captions of pictures, in the order of the pictures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matched {
    /// The caption of each picture, one line without the trigger word, never empty; `None`: it has none.
    pub captions: Vec<Option<String>>,
    /// What is to be said.
    pub remarks: Vec<Remark>,
}

/// Finds the caption of each picture, given by its path. `called` is what captions of the dataset begin with.
pub fn match_captions(pictures: &[String], files: &[CaptionFile], called: &Called) -> Matched {
    let mut by_stem: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (at, path) in pictures.iter().enumerate() {
        by_stem.entry(stem(path)).or_default().push(at);
    }
    let mut matched = Matched { captions: vec![None; pictures.len()], remarks: Vec::new() };
    let mut taken: BTreeMap<(String, String), String> = BTreeMap::new();
    // `a.txt` counts before `a.caption`, wherever they lie in an archive.
    let mut order: Vec<&CaptionFile> = files.iter().collect();
    order.sort_by_key(|file| !file.path.to_lowercase().ends_with(".txt"));
    for CaptionFile { path, bytes } in order {
        let (key, file) = (stem(path), name(path));
        let Some(of) = by_stem.get(&key) else {
            matched.remarks.push(Remark::NoPicture { file });
            continue;
        };
        if let Some(counts) = taken.get(&key) {
            matched.remarks.push(Remark::SecondCaption { file, counts: counts.clone() });
            continue;
        }
        taken.insert(key.clone(), file.clone());
        let read = match bytes.as_deref().map(std::str::from_utf8) {
            None => Err(Remark::TooLong { file: file.clone() }),
            Some(Err(_)) => Err(Remark::NotText { file: file.clone() }),
            Some(Ok(text)) => Ok(text),
        };
        let text = match read {
            Ok(text) => text,
            Err(remark) => {
                matched.remarks.push(remark);
                continue;
            }
        };
        let mut lines = text.split(['\n', '\r']).map(one_line).filter(|line| !line.is_empty());
        let caption = alone(&lines.next().unwrap_or_default(), &key.0, called);
        if caption.chars().count() > LONGEST_CAPTION {
            matched.remarks.push(Remark::TooLong { file });
            continue;
        }
        if lines.next().is_some() {
            matched.remarks.push(Remark::MoreLines { file: file.clone() });
        }
        if of.len() > 1 && !caption.is_empty() {
            let pictures = of.iter().map(|at| name(&pictures[*at])).collect();
            matched.remarks.push(Remark::SeveralPictures { file, pictures });
        }
        if !caption.is_empty() {
            for at in of {
                matched.captions[*at] = Some(caption.clone());
            }
        }
    }
    matched
}

/// A line without the words in front, be they those of the dataset or of the folder it lies in.
fn alone(line: &str, folder: &str, called: &Called) -> String {
    let own = called.without(line);
    if own != line {
        return own;
    }
    let placeholder = Called { trigger: "[trigger]".into(), class_word: String::new() };
    let there = called_there(folder).unwrap_or(placeholder.clone());
    called.without(&there.without(&placeholder.without(line)))
}

/// Folder and stem of a path.
fn stem(path: &str) -> (String, String) {
    let path = path.replace('\\', "/");
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem });
    (folder.to_owned(), stem.to_owned())
}

/// A path's name, without what no name should have.
fn name(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    name.chars().filter(|sign| !sign.is_control()).take(120).collect()
}

/// The trigger word a kohya folder is called after: `10_mara woman`. One word alone says what it is, not who.
fn called_there(folder: &str) -> Option<Called> {
    let name = folder.rsplit('/').next()?;
    let (repeats, words) = name.split_once('_')?;
    let digits = !repeats.is_empty() && repeats.bytes().all(|byte| byte.is_ascii_digit());
    let (trigger, class_word) = words.trim().split_once(' ').filter(|_| digits)?;
    (!class_word.trim().is_empty()).then(|| Called { trigger: trigger.to_owned(), class_word: String::new() })
}

/// Whether a path is named as captions are.
pub fn is_caption(path: &str) -> bool {
    let name = path.to_lowercase();
    [".txt", ".caption"].iter().any(|ending| name.ends_with(ending))
}

/// Whether a path is named as what lies beside pictures for a training program, and is neither picture nor caption.
pub fn is_config(path: &str) -> bool {
    let name = path.to_lowercase();
    [".toml", ".yaml", ".yml", ".npz"].iter().any(|ending| name.ends_with(ending))
}
