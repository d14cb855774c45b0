//! What a file is, by its first bytes and never by its name.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    path::Path,
};

use crate::MediaError;

/// Kinds of files the studio can open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// MP4 or `QuickTime`.
    Mp4,
    /// Matroska or `WebM`.
    Matroska,
    /// Sound in a WAV file, or in one of its larger kinds.
    Wav,
    /// Sound in a FLAC file.
    Flac,
    /// A picture, perhaps a moving one (GIF, WebP).
    Picture(image::ImageFormat),
    /// None of these, such as a text.
    Other,
}

/// Opens a regular file that is not empty, or says in one sentence why not.
pub fn open(path: &Path) -> Result<File, MediaError> {
    let name = path.display();
    // looked at before opening: opening a pipe would wait for somebody to write into it
    let about = std::fs::metadata(path).map_err(|error| cannot_open(path, &error))?;
    if about.is_dir() {
        return Err(MediaError::input(format!("{name}: is a directory, not a file")));
    }
    if !about.is_file() {
        return Err(MediaError::input(format!("{name}: is a pipe or a device, not a file")));
    }
    if about.len() == 0 {
        return Err(MediaError::input(format!("{name}: the file is empty")));
    }
    File::open(path).map_err(|error| cannot_open(path, &error))
}

fn cannot_open(path: &Path, error: &std::io::Error) -> MediaError {
    let name = path.display();
    match error.kind() {
        ErrorKind::NotFound => MediaError::input(format!("{name}: there is no such file")),
        ErrorKind::PermissionDenied => MediaError::input(format!("{name}: may not be read (permission denied)")),
        ErrorKind::NotADirectory => MediaError::input(format!("{name}: there is no such folder")),
        _ => MediaError::io(&format!("failed to open {name}"), error),
    }
}

/// The kind of a file, by its first bytes.
pub fn kind_of(path: &Path) -> Result<Kind, MediaError> {
    let mut head = Vec::with_capacity(16);
    open(path)?
        .take(16)
        .read_to_end(&mut head)
        .map_err(|error| MediaError::io(&format!("failed to read {}", path.display()), &error))?;
    Ok(kind_of_bytes(&head))
}

/// The kind of a file that begins so; sixteen bytes are enough.
pub fn kind_of_bytes(head: &[u8]) -> Kind {
    const QUICKTIME: [&[u8]; 5] = [b"ftyp", b"moov", b"mdat", b"wide", b"free"];
    let tag = head.get(4..8).unwrap_or_default();
    let riff = head.get(8..12).filter(|_| [b"RIFF", b"RF64", b"BW64"].iter().any(|id| head.starts_with(*id)));
    if QUICKTIME.contains(&tag) {
        return Kind::Mp4;
    }
    match riff {
        Some(b"WAVE") => return Kind::Wav,
        Some(b"WEBP") => return Kind::Picture(image::ImageFormat::WebP),
        _ => {}
    }
    let pictures: [(&[u8], image::ImageFormat); 3] = [
        (b"\x89PNG\r\n\x1a\n", image::ImageFormat::Png),
        (b"\xff\xd8\xff", image::ImageFormat::Jpeg),
        (b"GIF8", image::ImageFormat::Gif),
    ];
    if let Some((_, format)) = pictures.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Kind::Picture(*format);
    }
    match head {
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Kind::Matroska,
        // W64 has names of sixteen bytes, of which four are a WAV's.
        [b'r', b'i', b'f', b'f', 0x2e, 0x91, 0xcf, 0x11, ..] => Kind::Wav,
        [b'f', b'L', b'a', b'C', ..] => Kind::Flac,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_their_bytes() {
        assert_eq!(kind_of_bytes(b"\0\0\0\x20ftypisom"), Kind::Mp4);
        assert_eq!(kind_of_bytes(b"RIFF\0\0\0\0WAVEfmt "), Kind::Wav);
        assert_eq!(kind_of_bytes(b"RF64\xff\xff\xff\xffWAVEds64"), Kind::Wav);
        assert_eq!(kind_of_bytes(b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb"), Kind::Wav);
        assert_eq!(kind_of_bytes(b"RIFF\0\0\0\0WEBPVP8 "), Kind::Picture(image::ImageFormat::WebP));
        assert_eq!(kind_of_bytes(b"GIF89a"), Kind::Picture(image::ImageFormat::Gif));
        assert_eq!(kind_of_bytes(b"1\n00:00:01,000"), Kind::Other);
        assert_eq!(kind_of_bytes(b"x"), Kind::Other);
    }
}
