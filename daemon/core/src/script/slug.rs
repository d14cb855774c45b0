//! Slug: a name as lower-case letters, digits and dashes.

use crate::ids::ContentHash;

/// Longer slugs are cut: they become parts of file and task names.
const LONGEST: usize = 60;

/// A name as `a-z`, `0-9` and single dashes, 1..=60 characters; two names may share one.
///
/// Latin letters lose their accents (`Zoë` becomes `zoe`, `Größe` becomes `groesse`). A name of which nothing
/// remains, such as one in Chinese, becomes `x-` and eight digits of its hash.
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        match plain(c) {
            Some(letters) => slug.push_str(letters),
            None if c.is_ascii_alphanumeric() => slug.push(c),
            None if matches!(c, '\'' | '’' | '`') || is_mark(c) => {}
            None if slug.is_empty() || slug.ends_with('-') => {}
            None => slug.push('-'),
        }
        if slug.len() >= LONGEST {
            slug.truncate(LONGEST);
            break;
        }
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() { format!("x-{:.8}", ContentHash::of(name.as_bytes()).to_string()) } else { slug.to_owned() }
}

/// The slug of a name beside others: one that is `taken` gets the lowest number from 2 that makes it another.
pub fn free_slug(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let plain = slug(name);
    let numbered = (2..).map(|number| slug_with_number(&plain, number));
    std::iter::once(plain.clone()).chain(numbered).find(|slug| !taken(slug)).unwrap_or(plain)
}

/// A slug of which there is one already, told apart by a number: `slug-2`, at most 60 characters.
fn slug_with_number(slug: &str, number: u32) -> String {
    let number = format!("-{number}");
    let room = slug.floor_char_boundary(LONGEST - number.len());
    format!("{}{number}", slug[..room].trim_end_matches('-'))
}

/// Combining accents: the letter they stand on is already there.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'ā' | 'ă' | 'ą' | 'ǎ' => "a",
        'ä' | 'æ' => "ae",
        'å' => "aa",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ō' | 'ŏ' | 'ő' => "o",
        'ö' | 'ø' | 'œ' => "oe",
        'ŕ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ü' => "ue",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_become_slugs() {
        for (name, expected) in [
            ("The Last Light", "the-last-light"),
            ("  Mara's   Boat! ", "maras-boat"),
            ("Größe Łódź", "groesse-lodz"),
            ("ZOË", "zoe"),
            ("e\u{301}te\u{301}", "ete"),
            ("MAN #2", "man-2"),
        ] {
            assert_eq!(slug(name), expected);
        }
        assert_ne!(slug("李"), slug("王"));
        assert!(slug("李").starts_with("x-"));
        assert_eq!(slug("").len(), 10);
    }

    #[test]
    fn names_that_share_a_slug_are_told_apart_by_a_number() {
        let taken = ["1", "1-2", "rene"];
        let free = |name: &str| free_slug(name, |slug| taken.contains(&slug));
        assert_eq!(
            (free("СОЛДАТ 1").as_str(), free("RENÉ").as_str(), free("MARA").as_str()),
            ("1-3", "rene-2", "mara")
        );
    }

    proptest! {
        #[test]
        fn a_slug_is_always_a_slug(name in "\\PC{0,80}") {
            let slug = slug(&name);
            prop_assert!((1..=60).contains(&slug.len()));
            prop_assert!(slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
            prop_assert!(!slug.starts_with('-') && !slug.ends_with('-') && !slug.contains("--"));
        }
    }
}
