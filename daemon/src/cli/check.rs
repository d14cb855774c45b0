//! Check on the command line: everything the studio needs, and what to do about what is missing.

use std::path::PathBuf;

use studio_engine::EngineError;

use super::{CliError, Exit, Invocation};
use crate::app::{
    self, App, bundle,
    inspect::{self, Item, Line, Verdict},
};

pub(super) async fn check(invocation: &Invocation, deep: bool, bundle: Option<PathBuf>) -> Result<Exit, CliError> {
    let mut lines = inspect::tools().await;
    let mut opened = None;
    let looking = async {
        let data = invocation.open().await?;
        Ok::<_, app::Error>((data.clone(), App::look(data).await?))
    };
    match looking.await {
        Ok((data, app)) => {
            lines.extend(inspect::studio(&app.making()).await);
            if deep {
                lines.extend(invocation.client(&data)?.check_deep().await?);
            }
            opened = Some(app);
        }
        Err(error) => {
            lines.push(Line::new(Item::Data, Verdict::Bad, error.to_string()));
        }
    }
    lines.extend(inspect::neighbours(&lines).await);
    if let Some(file) = &bundle {
        let written = bundle::write(file, opened.as_ref(), invocation.options.config.as_deref(), &lines).await;
        written.map_err(|error| EngineError::io(&format!("failed to write {}", file.display()), &error))?;
    }
    let broken = lines.iter().filter(|line| line.verdict == Verdict::Bad).count();
    if invocation.json {
        let all: Vec<_> = lines
            .iter()
            .map(|line| serde_json::json!({ "what": line.what, "verdict": word(line.verdict), "said": line.said }))
            .collect();
        out!("{}", serde_json::json!({ "good": broken == 0, "lines": all }));
    } else {
        for line in &lines {
            out!("{:5} {:12} {}", word(line.verdict), line.what.to_string(), line.said);
        }
        out!("{}", if broken == 0 { "the studio has everything it needs".into() } else { format!("{broken} to mend") });
    }
    Ok(if broken == 0 { Exit::Done } else { Exit::Missing })
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "ok",
        Verdict::Note => "note",
        Verdict::Bad => "BAD",
    }
}
