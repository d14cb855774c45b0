//! Files: a dataset as a folder of a training program, out and in, and its captions all at once.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use studio_core::{
    character::Character,
    dataset::{Base, Layout, Likeness, Target, is_caption, is_config},
};
use studio_pictures::pack::{self, Packed};

use super::{Call, CliError, Exit, Said, of, pairs, videos::Part};
use crate::{
    app::{App, datasets},
    conductor::Handle,
};

/// Endings of files that are packed as pictures; what they are is read from their content afterwards.
const PICTURES: [&str; 5] = ["png", "jpg", "jpeg", "webp", "gif"];

/// What is done about captions: a vision model writes them, or words are replaced.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct CaptionWork {
    /// Have a vision model write those that are missing
    #[arg(long)]
    write: bool,
    /// With --write: those a vision model has written before, too; yours stay
    #[arg(long, requires = "write")]
    all: bool,
    /// What is looked for, letter by letter
    #[arg(long, required_unless_present_any = ["write", "restore"], conflicts_with = "write")]
    find: Option<String>,
    /// What stands there afterwards; empty: nothing
    #[arg(long, required_unless_present_any = ["write", "restore"], conflicts_with = "write")]
    replace: Option<String>,
    /// Only where it is no part of a longer word
    #[arg(long, requires = "find")]
    whole_word: bool,
    /// Only of pictures in this state: pending, approved, rejected
    #[arg(long, value_parser = ["pending", "approved", "rejected"])]
    state: Option<String>,
    /// Only of pictures that show AXIS=WORD, e.g. angle=side; may be given several times
    #[arg(long, value_name = "AXIS=WORD", conflicts_with = "write")]
    show: Vec<String>,
    /// Only say what would change
    #[arg(long, requires = "find")]
    dry_run: bool,
    /// Take a replacement back: FILE has what it printed with --json
    #[arg(long, value_name = "FILE", conflicts_with_all = ["write", "find", "replace", "state", "show"])]
    restore: Option<PathBuf>,
}

impl Said<'_> {
    /// Writes the approved pictures into a new folder, or into an archive.
    pub(super) async fn export(
        &mut self,
        character: &str,
        layout: &str,
        base: &str,
        to: &Path,
    ) -> Result<(), CliError> {
        let one = self.character(character).await?;
        let archive = to.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
        let disk =
            |error: std::io::Error| CliError::new(Exit::Disk, format!("{} cannot be written: {error}", to.display()));
        let to = std::path::absolute(to).map_err(disk)?;
        if !archive && std::fs::read_dir(&to).is_ok_and(|mut inside| inside.next().is_some()) {
            let message = format!("{} is not empty; give a folder that is not there yet", to.display());
            return Err(CliError::new(Exit::Usage, message));
        }
        // The command line takes no other word.
        let layout: Layout = serde_json::from_value(json!(layout)).unwrap_or_default();
        let base: Base = serde_json::from_value(json!(base)).unwrap_or_default();
        let root = if archive { String::new() } else { to.to_string_lossy().into_owned() };
        let app = App::look(self.data.clone()).await?;
        let exported = app.datasets(&Handle::nobody()).exported(one.id, &Target { layout, base, root }).await;
        let files = exported.map_err(|error| refused(&error))?;
        let count = files.len() / 2;
        let target = to.clone();
        let written = tokio::task::spawn_blocking(move || write(&target, archive, &files)).await;
        written.map_err(|error| CliError::new(Exit::Failed, error.to_string()))?.map_err(disk)?;
        let answer = json!({ "to": to, "layout": layout.word(), "pictures": count });
        let pictures = if count == 1 { "1 picture".to_owned() } else { format!("{count} pictures") };
        self.tell(&answer, || format!("{pictures} of {} with captions are in {}", one.name, to.display()));
        Ok(())
    }

    /// Takes the pictures of a folder or an archive, with the captions beside them.
    pub(super) async fn import(&mut self, character: &str, from: PathBuf) -> Result<(), CliError> {
        if !from.is_dir() {
            return self.add(character, vec![from], &Part::default()).await;
        }
        let failed =
            |error: std::io::Error| CliError::new(Exit::Input, format!("{} cannot be read: {error}", from.display()));
        // Not among the studio's own: whoever becomes the studio clears that away.
        let place = std::env::temp_dir();
        let full = |error: std::io::Error| {
            let place = place.display();
            CliError::new(
                Exit::Disk,
                format!("the folder cannot be packed in {place}: {error}; make room there, or set TMPDIR"),
            )
        };
        let room = tempfile::Builder::new().prefix("studiod-import-").tempdir_in(&place).map_err(full)?;
        let (taken, left): (Vec<Packed>, Vec<Packed>) =
            pack::folder_files(&from).map_err(failed)?.into_iter().partition(|file| may_be_taken(&file.path));
        if taken.is_empty() {
            let message = format!("there is no picture in {}; it takes PNG, JPEG, WebP and GIF", from.display());
            return Err(CliError::new(Exit::Input, message));
        }
        let archive = room.path().join("folder.zip");
        let into = archive.clone();
        let packed = tokio::task::spawn_blocking(move || pack::pack(&mut std::fs::File::create(into)?, &taken)).await;
        packed.map_err(|error| CliError::new(Exit::Failed, error.to_string()))?.map_err(full)?;
        if !self.json {
            for file in left.iter().filter(|file| !is_config(&file.path)) {
                out!("not taken: {}: by its name it is no picture and no caption", file.path);
            }
        }
        self.add(character, vec![archive], &Part::default()).await
    }

    /// Has the captions of a dataset written, or finds words in them and replaces them.
    pub(super) async fn captions(&mut self, character: &str, how: CaptionWork) -> Result<(), CliError> {
        let one = self.character(character).await?;
        let CaptionWork { write, all, find, replace, whole_word, state, show, dry_run, restore } = how;
        if let Some(file) = restore {
            return self.restore(&one, &file).await;
        }
        if write {
            return self.begin(&one, "/captions/write", json!({ "all": all, "state": state })).await;
        }
        let body = json!({
            "find": find, "replace": replace, "whole_word": whole_word, "dry_run": dry_run, "state": state,
            "cell": pairs(&show)?,
        });
        let answer = self.client.call(Call::post(&of(one.id, "/captions/replace"), Some(body))).await?;
        let changed = answer["changed"].as_array().map_or(&[][..], Vec::as_slice);
        let done = if dry_run { "would change" } else { "changed" };
        let mut lines = vec![format!("{} of {} captions {done}", changed.len(), answer["looked_at"])];
        lines.extend(changed.iter().map(|one| {
            let text = |key: &str| one[key].as_str().unwrap_or_default();
            format!("{}  {} -> {}", text("picture"), text("before"), text("after"))
        }));
        self.tell(&answer, || lines.join("\n"));
        Ok(())
    }

    /// Takes a replacement back, by what it has answered.
    async fn restore(&mut self, one: &Character, file: &Path) -> Result<(), CliError> {
        let wrong = |why: String| {
            let remedy =
                "give the file that 'studiod --json dataset captions ... --find ... --replace ...' was written to";
            CliError::new(Exit::Input, format!("{}: {why}; {remedy}", file.display()))
        };
        let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
        let done: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let Some(changed) = done["changed"].as_array() else {
            return Err(wrong("it does not say what was changed".into()));
        };
        let body = json!({ "changed": changed });
        let answer = self.client.call(Call::post(&of(one.id, "/captions/restore"), Some(body))).await?;
        self.tell(&answer, || {
            format!("{} captions are as they were, {} stay as they are", answer["restored"], answer["left"])
        });
        Ok(())
    }

    /// Shows what thresholds of near-duplicates group; nothing is changed.
    pub(super) async fn copies(
        &mut self,
        character: &str,
        dct: Option<u32>,
        gradient: Option<u32>,
    ) -> Result<(), CliError> {
        let one = self.character(character).await?;
        let tried: Vec<String> = [("dct", dct), ("gradient", gradient)]
            .into_iter()
            .filter_map(|(name, bits)| Some(format!("{name}={}", bits?)))
            .collect();
        let answer = self.client.call(Call::get(&of(one.id, &format!("/copies?{}", tried.join("&"))))).await?;
        let list = |of: &Value, key: &str| of[key].as_array().cloned().unwrap_or_default();
        let freed = list(&answer, "freed");
        let mut lines = vec![format!(
            "{} pictures with {} and {} bits: {} groups, {} pictures newly grouped, {} freed",
            answer["compared"],
            answer["copy_dct"],
            answer["copy_gradient"],
            answer["groups_in_all"],
            answer["new"],
            freed.len()
        )];
        let id = |member: &Value| member["picture"].as_str().unwrap_or_default().to_owned();
        for group in list(&answer, "groups") {
            let pictures = list(&group, "pictures");
            let mark = |member: &Value| if member["new"] == true { "new " } else { "    " };
            lines.push(pictures.first().map(id).unwrap_or_default());
            let why = |member: &Value| {
                let likeness = serde_json::from_value::<Likeness>(member["likeness"].clone());
                likeness.map_or_else(|_| String::new(), |likeness| format!("  {likeness}"))
            };
            lines.extend(pictures.iter().skip(1).map(|one| format!("  {}{}{}", mark(one), id(one), why(one))));
        }
        lines.extend(freed.iter().map(|member| format!("freed {}", id(member))));
        self.tell(&answer, || lines.join("\n"));
        Ok(())
    }

    /// Lists the tags of a dataset.
    pub(super) async fn tags(&mut self, character: &str) -> Result<(), CliError> {
        let one = self.character(character).await?;
        let answer = self.client.call(Call::get(&of(one.id, "/tags"))).await?;
        let class_word = answer["class_word"].as_str().filter(|word| !word.is_empty());
        let front = class_word.map_or_else(String::new, |word| format!(", {word}"));
        let mut lines =
            vec![format!("every caption begins with: {}{front}", answer["trigger"].as_str().unwrap_or_default())];
        lines.extend(answer["tags"].as_array().into_iter().flatten().map(|tag: &Value| {
            let count = |key: &str| tag[key].as_u64().unwrap_or(0);
            let always = if tag["nearly_all"] == true { "  (nearly all: it is learned as a part of them)" } else { "" };
            let text = tag["tag"].as_str().unwrap_or_default();
            format!("{:5} written {:5} shown  {text}{always}", count("written"), count("shown"))
        }));
        self.tell(&answer, || lines.join("\n"));
        Ok(())
    }
}

fn refused(error: &datasets::Error) -> CliError {
    let exit = match error {
        datasets::Error::Settings(_) => Exit::Usage,
        datasets::Error::Files(_) => Exit::Disk,
        _ => Exit::Failed,
    };
    CliError::new(exit, error.to_string())
}

fn may_be_taken(path: &str) -> bool {
    let ending = path.rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.to_ascii_lowercase());
    PICTURES.contains(&ending.as_str()) || is_caption(path)
}

/// Writes files aside and puts them in place at once: half an export is never there.
fn write(to: &Path, archive: bool, files: &[Packed]) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let beside = to.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(beside)?;
    // As of any new file and folder, within the umask: training programs may run as somebody else.
    let permissions = |mode| std::fs::Permissions::from_mode(mode);
    if archive {
        let mut aside =
            tempfile::Builder::new().prefix(".export-").permissions(permissions(0o644)).tempfile_in(beside)?;
        pack::pack(aside.as_file_mut(), files)?;
        aside.as_file().sync_all()?;
        return aside.persist(to).map(drop).map_err(|error| error.error);
    }
    let aside = tempfile::Builder::new().prefix(".export-").permissions(permissions(0o755)).tempdir_in(beside)?;
    pack::lay_out(aside.path(), files)?;
    std::fs::rename(aside.path(), to)?;
    // It is in its place: nothing is left to clear away.
    let _ = aside.keep();
    Ok(())
}
