//! Shell: what shells, pagers and editors are told of the program: completions, man pages, the schema of the settings.

use std::path::{Path, PathBuf};

use clap::{CommandFactory, Subcommand};
use clap_complete::Shell;

use super::{Cli, CliError, Exit};

/// Commands about the program itself; none of them opens the studio's data.
#[derive(Debug, Subcommand)]
pub(super) enum ShellCommand {
    /// Print completions for a shell
    Completions {
        /// Which one; `scripts/install` puts those of bash, zsh and fish in place
        shell: Shell,
    },
    /// Write a man page for every command into a folder
    Man {
        /// The folder; it is made when it is not there
        dir: PathBuf,
    },
    /// Tell an editor of the settings file
    Config {
        #[command(subcommand)]
        what: ConfigCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print the JSON schema of the settings file, for completion and checks in an editor
    Schema,
}

/// Every command and option of the program, as `clap` knows them.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Does what is asked; folders and files that cannot be written are [`Exit::Disk`].
pub(super) fn run(asked: &ShellCommand) -> Result<Exit, CliError> {
    match asked {
        ShellCommand::Completions { shell } => out!("{}", completions(*shell).trim_end()),
        ShellCommand::Man { dir } => man(dir).map_err(|error| {
            CliError::new(Exit::Disk, format!("man pages cannot be written into {}: {error}", dir.display()))
        })?,
        ShellCommand::Config { what: ConfigCommand::Schema } => out!("{:#}", crate::config::schema()),
    }
    Ok(Exit::Done)
}

fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "studiod", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// `studiod.1`, and one page for each command and what it consists of: `studiod-comfy-run.1`.
fn man(dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(command(), dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clap_is_told_fits_together() {
        command().debug_assert();
    }

    #[test]
    fn every_command_is_completed_in_every_shell() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = completions(shell);
            for known in command().get_subcommands() {
                assert!(script.contains(known.get_name()), "{shell}: {}", known.get_name());
            }
        }
    }

    #[test]
    fn every_command_has_a_man_page_and_the_same_one_each_time() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        for folder in &folders {
            man(folder.path()).unwrap();
        }
        for name in ["studiod".to_owned()]
            .into_iter()
            .chain(command().get_subcommands().map(|known| format!("studiod-{}", known.get_name())))
        {
            let page = |at: &tempfile::TempDir| std::fs::read_to_string(at.path().join(format!("{name}.1"))).unwrap();
            assert!(page(&folders[0]).contains(".SH NAME"), "{name}");
            assert_eq!(page(&folders[0]), page(&folders[1]));
        }
    }
}
