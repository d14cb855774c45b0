//! Take: what a person does about a picture, a clip, a line or a scene's music on the command line.

use std::path::PathBuf;

use clap::Subcommand;
use studio_core::{
    ids::{ContentHash, EpisodeId},
    order::Role,
    production::{Job, has_source, part, role_of},
    task::Task,
};

use super::{
    CliError, Exit, Invocation,
    client::{Begun, Call, StudioClient},
    tasks::{episode_of, find},
};
use crate::{app::Data, conductor::OverrideAction, store};

/// What is done about a part.
#[derive(Debug, Subcommand)]
pub(super) enum TakeCommand {
    /// Keep a take, or what is in the film now, whatever changes around it
    Lock {
        /// Id of a task of the shot, or the beginning or end of it
        task: String,
    },
    /// Let go what was locked or put in place
    Release {
        /// Id of a task of the shot, or the beginning or end of it
        task: String,
    },
    /// Make another take of a shot's picture or clip, however good the last one is
    Again {
        /// Id of a task of the shot, or the beginning or end of it
        task: String,
    },
    /// Put a file in place of a picture, a clip, a spoken line or a scene's music
    Put {
        /// Id of the task it takes the place of, or the beginning or end of it
        task: String,
        /// Picture, clip (MP4, Matroska, animated GIF or WebP) or recording (WAV, FLAC, M4A)
        file: PathBuf,
    },
    /// Have a shot's picture made from another picture, image to image; `release` lets it go
    From {
        /// Id of a task of the shot's picture, or the beginning or end of it
        task: String,
        /// The picture; without it, `--closest`
        #[arg(required_unless_present = "closest", conflicts_with = "closest")]
        file: Option<PathBuf>,
        /// The approved picture of the dataset of who is in the shot that comes closest to it
        #[arg(long)]
        closest: bool,
        /// How far it may be left, in percent: at 100 little more than its colours stays; usually as the workflow has it
        #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
        strength: Option<u8>,
    },
}

pub(super) async fn take(invocation: &Invocation, what: TakeCommand) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let named = match &what {
        TakeCommand::Lock { task }
        | TakeCommand::Release { task }
        | TakeCommand::Again { task }
        | TakeCommand::Put { task, .. }
        | TakeCommand::From { task, .. } => task,
    };
    let task = find(&data, named).await?;
    let episode = episode_of(&task)?;
    let mut client = invocation.client(&data)?;
    let hand = match what {
        TakeCommand::Lock { .. } => OverrideAction::Lock,
        TakeCommand::Release { .. } => OverrideAction::Release,
        TakeCommand::Again { .. } => OverrideAction::Another,
        TakeCommand::Put { file, .. } => {
            let kept = client.bring(file, role_for(&task)?).await?;
            OverrideAction::Put { asset: kept.asset.hash }
        }
        TakeCommand::From { file, strength, .. } => {
            let still = task.job.production().and_then(part).filter(|part| has_source(*part));
            let Some(still) = still else {
                let message = format!("{} is made from no source picture; name a task of the shot's still", task.slot);
                return Err(CliError::new(Exit::Usage, message));
            };
            let asset = match file {
                Some(file) => client.bring(file, Role::Picture).await?.asset.hash,
                None => closest(&data, client.as_mut(), episode, still).await?,
            };
            OverrideAction::From { asset, strength_percent: strength }
        }
    };
    client.hand(task.id, hand).await?;
    let answer = serde_json::json!({ "task": task.id, "hand": hand });
    client.follow(episode, Begun { answer, said: Some(format!("{}: done", task.slot)) }, invocation.json).await
}

/// The file of the approved picture that comes closest to a shot.
async fn closest(
    data: &Data,
    client: &mut dyn StudioClient,
    episode: EpisodeId,
    still: Job,
) -> Result<ContentHash, CliError> {
    let Job::Gate { scene, shot, .. } = still else { unreachable!("only gates have sources") };
    let row = store::shots::at(&data.context.db, episode, scene, shot).await?;
    let found = match row {
        Some(row) => client.call(Call::get(&format!("/api/shots/{}/pictures", row.id))).await?,
        None => serde_json::Value::Null,
    };
    let best = found["pictures"].as_array().and_then(|all| all.iter().find(|one| one["fit"]["close"] == true));
    let hash = best.and_then(|best| best["picture"]["file"]["hash"].as_str()?.parse().ok());
    hash.ok_or_else(|| {
        let message = format!(
            "no approved picture of who is in scene {scene}, shot {shot} comes close to it; approve one that does, or \
             name a file"
        );
        CliError::new(Exit::Input, message)
    })
}

/// What a task's part is made of.
fn role_for(task: &Task) -> Result<Role, CliError> {
    task.job.production().and_then(part).and_then(role_of).ok_or_else(|| {
        let message =
            format!("nothing can be put in place of {}; choose a picture, a clip, a line or music", task.slot);
        CliError::new(Exit::Usage, message)
    })
}
