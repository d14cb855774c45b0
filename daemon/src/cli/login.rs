//! Login: a token of the running service, for one that lets nobody in without, and the password it is got for.

use std::{
    io::IsTerminal,
    process::{Command, Stdio},
};

use serde_json::json;

use super::{
    CliError, Exit, Invocation,
    client::{log_in, token},
    say,
};
use crate::text_file;

/// More than any password has, in bytes.
const LONGEST: u64 = 1 << 16;

pub(super) async fn login(invocation: &Invocation) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let Some(address) = data.service() else {
        let message = "no service runs on this data, so there is nothing to log in to: commands need no token then";
        return Err(CliError::new(Exit::Usage, message));
    };
    let password = secret("the studio's password: ")?;
    let text = log_in(&address, &password).await?;
    let place = token::keep(data.context.data.root(), &text)
        .map_err(|error| CliError::new(Exit::Disk, format!("the token cannot be kept: {error}")))?;
    say(invocation.json, &json!({ "token": place }), || {
        out!("logged in for 30 days; the token is in {}, and every command shows it", place.display());
    });
    Ok(Exit::Done)
}

pub(super) async fn password(invocation: &Invocation) -> Result<Exit, CliError> {
    let mut client = invocation.client(&invocation.data().await?)?;
    let password = secret("the password from now on: ")?;
    client.set_password(password).await?;
    client.leave().await?;
    say(invocation.json, &json!({ "set": true }), || out!("the password is set; the login page asks for it"));
    Ok(Exit::Done)
}

/// One line of standard input; at a terminal it is asked for, and not seen.
fn secret(prompt: &str) -> Result<String, CliError> {
    let terminal = std::io::stdin().is_terminal();
    let echo = |what: &str| {
        // A terminal that cannot be told shows what is typed, which is no reason to refuse.
        let _ = Command::new("stty").arg(what).stdin(Stdio::inherit()).status();
    };
    if terminal {
        eprint!("{prompt}");
        echo("-echo");
    }
    let mut said = String::new();
    let read = if terminal {
        std::io::stdin().read_line(&mut said).map(drop)
    } else {
        text_file::read_from(std::io::stdin(), LONGEST).map(|all| said = all)
    };
    if terminal {
        echo("echo");
        eprintln!();
    }
    read.map_err(|error| CliError::new(Exit::Input, format!("the password cannot be read: {error}")))?;
    Ok(said.trim_end_matches(['\n', '\r']).to_owned())
}
