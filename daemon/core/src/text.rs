//! Text: files of text as people's editors save them.

use std::fmt;

/// The mark some editors put before a text in UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Bytes of a text that are looked at to tell how it is saved.
const SEEN: usize = 16;

/// Why bytes are not read as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotText {
    /// Two bytes a letter, as Notepad's "Unicode" saves it.
    Utf16,
    /// Something else; the first byte that does not fit and how many are before it, marks left out.
    Other {
        /// The byte that does not fit.
        byte: u8,
        /// How many bytes are before it.
        at: usize,
    },
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf16 => f.write_str("it is text in UTF-16; save it as UTF-8"),
            Self::Other { byte, .. } => {
                write!(f, "expected UTF-8 text but found the byte 0x{byte:02x}; save it as UTF-8")
            }
        }
    }
}

impl std::error::Error for NotText {}

/// Bytes without the byte order marks before them; some editors put a second one before the first.
pub fn without_mark(mut bytes: &[u8]) -> &[u8] {
    while let Some(rest) = bytes.strip_prefix(MARK) {
        bytes = rest;
    }
    bytes
}

/// Bytes as text in UTF-8, without a byte order mark.
///
/// # Errors
/// They are UTF-16, with or without its mark, or no text in UTF-8.
pub fn text_of(bytes: &[u8]) -> Result<&str, NotText> {
    let bytes = without_mark(bytes);
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err(NotText::Utf16);
    }
    // Without its mark every second byte of a Western text is zero, which no text in UTF-8 has.
    let (first, _) = bytes[..bytes.len().min(SEEN)].as_chunks::<2>();
    let wide = |zero: usize| !first.is_empty() && first.iter().all(|two| two[zero] == 0 && two[1 - zero] != 0);
    if (wide(0) || wide(1)) && bytes.len().is_multiple_of(2) {
        return Err(NotText::Utf16);
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        NotText::Other { byte: bytes.get(at).copied().unwrap_or_default(), at }
    })
}

/// A text in JSON has the character NUL, which no database keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HasNul;

impl fmt::Display for HasNul {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text in it has the character NUL (\\u0000), which cannot be kept; take it out")
    }
}

impl std::error::Error for HasNul {}

/// Looks through JSON, as it comes, for the character NUL in a text. As itself it is no JSON; only its escape is looked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct NulScan {
    /// How much of the escape was seen last, in bytes.
    seen: u8,
}

impl NulScan {
    /// Whether the escape ends in these bytes, which follow those before.
    pub fn meets(&mut self, bytes: &[u8]) -> bool {
        for &byte in bytes {
            self.seen = match (self.seen, byte) {
                (5, b'0') => return true,
                // A backslash after a backslash is one that is meant.
                (0 | 2..=5, b'\\') => 1,
                (1, b'u') => 2,
                (2..=4, b'0') => self.seen + 1,
                _ => 0,
            };
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_in_json_is_met_wherever_the_bytes_are_cut() {
        let meets = |text: &str| NulScan::default().meets(text.as_bytes());
        for bad in [r#"{"a":"\u0000"}"#, r#""\\\u0000""#, r#""\u00\u0000""#] {
            assert!(meets(bad), "{bad}");
            for cut in 0..bad.len() {
                let (mut scan, (one, two)) = (NulScan::default(), bad.as_bytes().split_at(cut));
                assert!(scan.meets(one) || scan.meets(two), "{bad} cut at {cut}");
            }
        }
        for good in [r#""\\u0000""#, r#""u0000""#, r#""\u0001\u00e9\u1000""#, ""] {
            assert!(!meets(good), "{good}");
        }
        assert!(HasNul.to_string().contains(r"(\u0000)"));
    }

    #[test]
    fn a_mark_is_no_part_of_a_text() {
        assert_eq!(text_of(b"\xEF\xBB\xBF{}"), Ok("{}"));
        assert_eq!(text_of(b"\xEF\xBB\xBF\xEF\xBB\xBFa"), Ok("a"), "nor are two");
        assert_eq!(text_of("caf\u{e9}".as_bytes()), Ok("caf\u{e9}"));
        assert_eq!((text_of(b""), text_of(b"x")), (Ok(""), Ok("x")));
    }

    #[test]
    fn text_in_another_form_is_called_that() {
        for two in [&b"\xFF\xFE{\0}\0"[..], b"\xFE\xFF\0{\0}", b"{\0}\0", b"\0{\0}"] {
            assert_eq!(text_of(two), Err(NotText::Utf16), "{two:?}");
        }
        assert_eq!(text_of(b"\xEF\xBB\xBFab\xE9c"), Err(NotText::Other { byte: 0xE9, at: 2 }));
        assert!(NotText::Utf16.to_string().ends_with("save it as UTF-8"));
    }
}
