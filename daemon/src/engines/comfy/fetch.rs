//! Fetch: what a prompt made, brought into the attempt's room, whole and decoded once.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable};
use futures_util::StreamExt;
use studio_engine::{EngineError, FailureKind};
use tokio::io::AsyncWriteExt;

use super::{
    client::{Client, Trouble},
    wire::NamedFile,
};

/// Larger results are refused: something has gone wrong.
const LARGEST: u64 = 16 << 30;
/// Tries until a download is given up; each goes on where the last one ended.
const TRIES: usize = 6;

/// Brings `file` to `dir/stem.EXT`; a download that breaks is gone on with after `pause`, and later ones after longer. A name
/// from the server never becomes part of a path.
pub async fn fetch(
    client: &Client,
    pause: Duration,
    file: &NamedFile,
    dir: &Path,
    stem: &str,
) -> Result<PathBuf, EngineError> {
    let Some(ext) = file.ext() else {
        let message = format!(
            "ComfyUI made '{}', which is no picture, film or recording the studio reads",
            plain(&file.filename)
        );
        return Err(EngineError::new(FailureKind::Refused, message));
    };
    let (part, whole) = (dir.join(format!("{stem}.part")), dir.join(format!("{stem}.{ext}")));
    let _ = tokio::fs::remove_file(&part).await;
    let pauses = ExponentialBuilder::default()
        .with_min_delay(pause)
        .with_max_delay(Duration::from_secs(20))
        .with_max_times(TRIES - 1);
    let again = |stopped: &Stopped| !matches!(stopped, Stopped::ForGood(_));
    (|| piece(client, file, &part)).retry(pauses).when(again).await.map_err(|stopped| match stopped {
        Stopped::ForGood(failure) => failure,
        Stopped::Midway(why) => {
            EngineError::new(FailureKind::Transient, format!("failed to download '{}': {why}", plain(&file.filename)))
        }
    })?;
    tokio::fs::rename(&part, &whole).await.map_err(|error| EngineError::io("failed to name a download", &error))?;
    Ok(whole)
}

enum Stopped {
    ForGood(EngineError),
    Midway(String),
}

/// Reads from where the last try ended to the end; an error when the end is not where the server said.
async fn piece(client: &Client, file: &NamedFile, part: &Path) -> Result<(), Stopped> {
    let disk = |error: std::io::Error| Stopped::ForGood(EngineError::io("failed to write a download", &error));
    let mut out = tokio::fs::OpenOptions::new().create(true).append(true).open(part).await.map_err(disk)?;
    let mut have = out.metadata().await.map_err(disk)?.len();
    let response = match client.view(file, have).await {
        Ok(response) => response,
        Err(Trouble::Answer { status: 416, .. }) if have > 0 => {
            // Nothing after what is here already, or another file under the same name: once more from the start.
            out.set_len(0).await.map_err(disk)?;
            return Err(Stopped::Midway("the server has less of it than before".into()));
        }
        Err(Trouble::Answer { status: status @ (400 | 403 | 404), .. }) => {
            let name = plain(&file.filename);
            let message = format!("ComfyUI says it made '{name}', but does not give it out ({status})");
            return Err(Stopped::ForGood(EngineError::new(FailureKind::Transient, message)));
        }
        Err(trouble) => return Err(Stopped::Midway(trouble.to_string())),
    };
    if have > 0 && response.status().as_u16() != 206 {
        out.set_len(0).await.map_err(disk)?;
        have = 0;
    }
    let total = response.content_length().map(|length| have + length);
    if total.is_some_and(|total| total > LARGEST) {
        let message = format!("ComfyUI made a file of more than {} GiB", LARGEST >> 30);
        return Err(Stopped::ForGood(EngineError::new(FailureKind::Refused, message)));
    }
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = match piece {
            Ok(piece) => piece,
            Err(error) => {
                // What came so far is what the next try goes on from.
                out.flush().await.map_err(disk)?;
                return Err(Stopped::Midway(error.to_string()));
            }
        };
        have += piece.len() as u64;
        if have > LARGEST {
            return Err(Stopped::ForGood(EngineError::new(FailureKind::Refused, "ComfyUI's file does not end")));
        }
        out.write_all(&piece).await.map_err(disk)?;
    }
    out.sync_all().await.map_err(disk)?;
    match total {
        Some(total) if total != have => Err(Stopped::Midway(format!("{have} of {total} bytes came"))),
        _ if have == 0 => Err(Stopped::Midway("it is empty".into())),
        _ => Ok(()),
    }
}

/// A name as it may be shown: without signs that could do something on a terminal, and not too long.
fn plain(name: &str) -> String {
    name.chars().filter(|sign| !sign.is_control()).take(120).collect()
}
