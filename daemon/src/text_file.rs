//! Text files: the one way in which files of text that people wrote are read.

use std::{
    io::{self, Read},
    path::Path,
};

use studio_core::text::text_of;

/// The text of a file, without a byte order mark.
///
/// # Errors
/// It cannot be read, or is no text in UTF-8: the error says what it is and what to save it as.
pub fn read(path: impl AsRef<Path>) -> io::Result<String> {
    text(&std::fs::read(path)?)
}

/// The text that comes from a reader, at most `most` bytes of it.
///
/// # Errors
/// As of [`read()`].
pub fn read_from(reader: impl Read, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    reader.take(most).read_to_end(&mut bytes)?;
    text(&bytes)
}

fn text(bytes: &[u8]) -> io::Result<String> {
    let text = text_of(bytes).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?;
    Ok(text.to_owned())
}
