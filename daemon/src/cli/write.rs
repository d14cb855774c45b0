//! Writing on the command line: an idea goes in, a screenplay comes out, for a person to go on with.

use std::{path::PathBuf, time::Duration};

use studio_core::story::{Brief, screenplay};
use studio_engine::EngineError;
use tokio_util::sync::CancellationToken;

use super::{CliError, Exit, Invocation, length, say};
use crate::{
    app::writer,
    config::Format,
    engines::reader::{Persistence, WriterError},
    text_file,
};

/// What is written, and where to.
#[derive(Debug, clap::Args)]
pub struct WriteArgs {
    /// A text file with the storyline or the idea; `-` reads it from standard input
    story: PathBuf,
    /// The screenplay that is written; it must not be there yet
    #[arg(long, short)]
    out: PathBuf,
    /// Title of the show
    #[arg(long, default_value = "")]
    show: String,
    /// What else the writer should know: world, tone, audience
    #[arg(long, default_value = "")]
    world: String,
    /// Somebody who exists already, as "NAME: who that is"; may be given several times
    #[arg(long = "character")]
    characters: Vec<String>,
    /// Story format, which says how long and how many scenes: `series`, `cliffhanger`, `ad`, `board`, or a file
    #[arg(long, default_value = "series")]
    format: String,
    /// Language of the dialogue
    #[arg(long, default_value = "en")]
    language: String,
    /// Minutes a language model that is away or has too much to do is waited for
    #[arg(long, value_name = "MINUTES", default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=1440))]
    wait: u64,
}

/// Longest idea, in characters.
const LONGEST: usize = 20_000;
/// More of standard input is not read, in bytes.
const LARGEST: u64 = 1 << 20;

pub(super) async fn write(invocation: &Invocation, args: WriteArgs) -> Result<Exit, CliError> {
    let usage = |why: String| CliError::new(Exit::Usage, why);
    let out = args.out.display().to_string();
    if args.out.exists() {
        return Err(usage(format!("{out} is there already; give another name with --out")));
    }
    let idea = if args.story.as_os_str() == "-" {
        text_file::read_from(std::io::stdin(), LARGEST)
    } else {
        text_file::read(&args.story)
    };
    let idea = idea.map_err(|error| {
        CliError::new(Exit::Input, format!("the story {} cannot be read: {error}", args.story.display()))
    })?;
    if !(10..=LONGEST).contains(&idea.trim().chars().count()) {
        return Err(CliError::new(
            Exit::Input,
            format!("a story has 10 to {LONGEST} characters; this has {}", idea.trim().chars().count()),
        ));
    }
    let bounds = Format::named(&args.format).map_err(|error| usage(error.to_string()))?.story.unwrap_or_default();
    let mut data = invocation.data().await?;
    data.read_vault().await;
    let Some((writer, model)) = writer(&data.config)? else {
        let message = "nobody writes here: name a text model in [ollama] or [openai] of the settings";
        return Err(usage(message.into()));
    };
    let brief = Brief { idea, world: args.world, characters: args.characters, bounds, language: args.language.clone() };
    let longest = Duration::from_mins(args.wait);
    let persistence = Persistence { retrying: data.config.schedule.retrying, longest_absence: Some(longest) };
    let waiting = |failure: &EngineError, pause: Duration| {
        eprintln!("studiod: {failure}; asked again in {}; Ctrl-C ends it", length(milliseconds(pause)));
    };
    let stop = CancellationToken::new();
    let told = tokio::select! {
        told = writer.tell(&model, &brief, &persistence, &waiting, &stop) => told,
        _ = tokio::signal::ctrl_c() => return Err(CliError::new(Exit::Stopped, "stopped; nothing was written")),
    };
    let story = match told {
        Ok(story) => story,
        Err(WriterError::Failed(failure)) => return Err(CliError::new(Exit::Failed, failure.message)),
        Err(away @ WriterError::Away { .. }) => {
            let remedy = "try again later, or have it waited for longer with --wait";
            return Err(CliError::new(Exit::Failed, format!("{away}; {remedy}")));
        }
        Err(error) => {
            // The answer is worth money or minutes: a person may still use it.
            let kept = args.out.with_extension("answer.txt");
            if let WriterError::Wrong { raw, .. } = &error {
                let _ = std::fs::write(&kept, raw);
            }
            return Err(CliError::new(Exit::Failed, format!("{error}; the last answer is in {}", kept.display())));
        }
    };
    let text = screenplay(&story, &args.show, &args.language);
    std::fs::write(&args.out, &text)
        .map_err(|error| CliError::new(Exit::Disk, format!("{out} cannot be written: {error}")))?;
    let (scenes, shots) = (story.scenes.len(), story.scenes.iter().map(|scene| scene.shots.len()).sum::<usize>());
    say(
        invocation.json,
        &serde_json::json!({ "screenplay": out, "title": story.title, "scenes": scenes, "shots": shots }),
        || {
            out!("'{}' by {model}: {scenes} scenes, {shots} shots, written to {out}", story.title);
            out!("look at it, then: studiod produce {out}");
        },
    );
    Ok(Exit::Done)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
