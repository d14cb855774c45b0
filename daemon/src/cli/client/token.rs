//! Token: what a command shows a service that lets nobody in without one.
//!
//! It is given with `--token-file` or `STUDIOD_TOKEN_FILE`, else in `STUDIOD_TOKEN`, else as `studiod login` kept it: in
//! the data directory, or in the user's own settings where that is not theirs to write.

use std::{
    fmt,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::{
    cli::{CliError, Exit},
    text_file,
};

/// Its name in the environment.
const VARIABLE: &str = "STUDIOD_TOKEN";
/// Its file in the data directory.
const FILE: &str = "studiod.token";
/// Longest token that is read, in bytes.
const LONGEST: u64 = 16 * 1024;

/// A token, and where it is from.
pub(in crate::cli) struct Token {
    text: String,
    from: Source,
}

enum Source {
    Given(PathBuf),
    Variable,
    Kept(PathBuf),
}

/// It is not shown, not even by mistake.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Token").field(&self.named()).finish()
    }
}

impl Token {
    /// The token for the data in `root`; `None` when nobody gave or kept one.
    ///
    /// # Errors
    /// The file that was named cannot be read.
    pub fn find(root: &Path, given: Option<&Path>) -> Result<Option<Self>, CliError> {
        if let Some(file) = given {
            let text = read(file).map_err(|error| {
                CliError::new(Exit::Usage, format!("the token in {} cannot be read: {error}", file.display()))
            })?;
            return Ok(Some(Self { text, from: Source::Given(file.to_owned()) }));
        }
        if let Some(text) = std::env::var(VARIABLE).ok().filter(|text| !text.trim().is_empty()) {
            return Ok(Some(Self { text: text.trim().to_owned(), from: Source::Variable }));
        }
        let kept = places(root).into_iter().find_map(|file| Some((read(&file).ok()?, file)));
        Ok(kept.map(|(text, file)| Self { text, from: Source::Kept(file) }))
    }

    /// As it is sent.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// `studiod login` kept it, so nobody said it must be this one.
    pub fn is_kept(&self) -> bool {
        matches!(self.from, Source::Kept(_))
    }

    /// What a person calls it.
    pub fn named(&self) -> String {
        match &self.from {
            Source::Given(file) | Source::Kept(file) => format!("the token in {}", file.display()),
            Source::Variable => format!("the token in {VARIABLE}"),
        }
    }
}

/// Where a token is kept: the data directory first.
fn places(root: &Path) -> Vec<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".config"));
    let own = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home);
    [Some(root.join(FILE)), own.map(|own| own.join("studiod/token"))].into_iter().flatten().collect()
}

fn read(file: &Path) -> io::Result<String> {
    let text = text_file::read_from(std::fs::File::open(file)?, LONGEST)?;
    match text.trim() {
        "" => Err(io::Error::other("it is empty")),
        text => Ok(text.to_owned()),
    }
}

/// Keeps a token so that only this user can read it; where is returned.
///
/// # Errors
/// No place for it can be written.
pub(in crate::cli) fn keep(root: &Path, text: &str) -> io::Result<PathBuf> {
    let mut refused = io::Error::other("there is no place for it");
    for place in places(root) {
        match write(&place, text) {
            Ok(()) => return Ok(place),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// Beside and renamed: the file has its rights before it has the token, whoever owned one of that name.
fn write(place: &Path, text: &str) -> io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let aside = folder.join(format!(".{}.{}", FILE, std::process::id()));
    let written =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).and_then(|mut file| {
            writeln!(file, "{text}")?;
            file.sync_all()
        });
    let done = written.and_then(|()| std::fs::rename(&aside, place));
    if done.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
    done
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_kept_token_is_its_owners_alone_and_found_again() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join(FILE);
        std::fs::write(&place, "of somebody before").unwrap();
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(keep(root.path(), "abc.def").unwrap(), place);
        assert_eq!(std::fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1, "nothing is left beside it");
        assert_eq!(read(&place).unwrap(), "abc.def");
    }

    #[test]
    fn a_file_that_was_named_goes_first_and_must_be_there() {
        let root = tempfile::tempdir().unwrap();
        keep(root.path(), "kept").unwrap();
        let file = root.path().join("mine");
        assert!(Token::find(root.path(), Some(&file)).unwrap_err().message.contains("mine"));
        std::fs::write(&file, " given\n").unwrap();
        let token = Token::find(root.path(), Some(&file)).unwrap().unwrap();
        assert_eq!((token.text(), token.is_kept()), ("given", false));
        assert!(!format!("{token:?}").contains("given\""), "{token:?}");
    }
}
