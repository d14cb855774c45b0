//! CLI: what a person or a script can say to studiod.
//!
//! Exit codes are part of the contract (`docs/operate.md`): see [`Exit`].

/// Prints a line; when nobody reads any more (`studiod plan FILE | head`) there is nothing left to do.
macro_rules! out {
    () => { out!("") };
    ($($line:tt)*) => {{
        use std::io::Write;
        if writeln!(std::io::stdout(), $($line)*).is_err() {
            std::process::exit($crate::cli::Exit::Done as i32);
        }
    }};
}

mod archive;
mod bars;
mod check;
mod client;
mod comfy;
mod dataset;
mod fleet;
mod judge;
mod kept_loras;
mod login;
mod lora;
mod portrait;
mod produce;
mod read;
mod report;
mod said;
mod shell;
mod sim;
mod take;
mod tasks;
mod train;
mod train_compare;
mod trainer_selftest;
mod voice;
mod write;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use client::{StudioClient, token::Token};
use studio_core::{fleet::PauseReason, production::Checkpoint, schedule::Steer};
use studio_engine::{EngineError, FailureKind};

use crate::{
    app::{self, Data},
    conductor::{ProduceOptions, Resting},
    store,
};

pub use shell::command;

/// A film studio on a home PC: a screenplay goes in, a Jellyfin episode comes out.
#[derive(Debug, Parser)]
#[command(name = "studiod", version, max_term_width = 110)]
struct Cli {
    /// Where the studio keeps everything it makes [default: `$XDG_DATA_HOME/studiod`]
    #[arg(long, global = true, env = "STUDIOD_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Settings file; every key is described in docs/config.md
    #[arg(long, global = true, env = "STUDIOD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// File with the token a running service wants that lets nobody in without; else `STUDIOD_TOKEN` has it
    #[arg(long, global = true, env = "STUDIOD_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Answer in JSON, for scripts
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an episode out of a screenplay and publish it
    Produce(ProduceArgs),
    /// Say how a screenplay is understood: places, hours, shots, cast, and what is odd; nothing is begun
    Read {
        /// The screenplay, in Fountain
        file: PathBuf,
    },
    /// Say what `produce` would do, how long it takes and why
    Plan(ProduceArgs),
    /// Run the studio: finish what was begun, answer on the network
    Serve {
        /// Address and port, in place of the settings' web.listen
        #[arg(long, env = "STUDIOD_LISTEN", value_name = "ADDRESS")]
        listen: Option<std::net::SocketAddr>,
    },
    /// Look at everything the studio needs and say what to do about what is missing
    Check {
        /// Also verify the database and every kept file by size and hash
        #[arg(long)]
        deep: bool,
        /// Also write what somebody who mends a fault needs into a tar file, without secrets
        #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "studiod-bundle.tar")]
        bundle: Option<PathBuf>,
    },
    /// List tasks, newest first
    Tasks {
        /// Only those in this state: waiting, running, succeeded, failed, `needs_person`, cancelled
        #[arg(long)]
        state: Option<String>,
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Say why a task is as it is
    Why {
        /// Its id, or the beginning or end of it
        task: String,
    },
    /// Stop a task and whatever cannot do without it
    Cancel {
        /// Its id, or the beginning or end of it
        task: String,
    },
    /// Make a failed or cancelled task again
    Retry {
        /// Its id, or the beginning or end of it
        task: String,
    },
    /// Say whether a take is good; it overrules the judge, and the film is made accordingly
    Opinion {
        /// Id of the task that made or judged the take, or the beginning or end of it
        task: String,
        /// `good` or `bad`
        #[arg(value_parser = ["good", "bad"])]
        verdict: String,
        /// Why, in your own words
        #[arg(long, default_value = "")]
        why: String,
        /// What is wrong with it, e.g. `bad_anatomy`; may be given several times
        #[arg(long, value_name = "ISSUE")]
        issue: Vec<String>,
    },
    /// Lock a take, put a file in its place, or ask for another one
    Take {
        #[command(subcommand)]
        what: take::TakeCommand,
    },
    /// Fill, review and describe the pictures of characters that models are trained on
    Dataset {
        #[command(subcommand)]
        what: dataset::DatasetCommand,
    },
    /// Make, refine and approve reference sheets of characters, and establishing pictures of places
    Portrait {
        #[command(subcommand)]
        what: portrait::PortraitCommand,
    },
    /// Make samples of voices out of recordings
    Voice {
        #[command(subcommand)]
        what: voice::VoiceCommand,
    },
    /// Compare the judge with what people said of the same takes
    Judge,
    /// Show what judged takes have taught: words to avoid, and settings that work
    Learned,
    /// Have a text model turn a storyline or an idea into a screenplay
    Write(write::WriteArgs),
    /// Show cards, engines, what is loaded, what runs and what comes next
    Fleet,
    /// Let a task go first among its class
    Pin {
        /// Its id, or the beginning or end of it
        task: String,
        /// No longer
        #[arg(long)]
        off: bool,
    },
    /// Let a task wait until it is released
    Hold {
        /// Its id, or the beginning or end of it
        task: String,
        /// It may go on
        #[arg(long)]
        off: bool,
    },
    /// Put a waiting task before another one
    Move {
        /// Its id, or the beginning or end of it
        task: String,
        /// The task it goes before
        #[arg(long, value_name = "TASK")]
        before: String,
    },
    /// Let the studio, a card, an engine or a project rest: what runs is finished, what is loaded stays loaded
    Pause {
        #[command(flatten)]
        what: fleet::ScopeArgs,
        /// Interrupt what runs; it is made again later
        #[arg(long)]
        hard: bool,
        /// Have models leave the cards as soon as nothing runs there, so that something else has the memory
        #[arg(long, conflicts_with = "project")]
        free: bool,
        /// Why, in one sentence
        #[arg(long)]
        why: Option<String>,
    },
    /// Let it go on
    Resume {
        #[command(flatten)]
        what: fleet::ScopeArgs,
    },
    /// Try the scheduler on a studio that exists only in numbers
    Sim(sim::SimArgs),
    /// Approve the pictures or clips an episode waits with, and go on with it
    Approve {
        /// pictures or clips
        what: Checkpoint,
        /// Short name of the project, as `export` shows it
        project: String,
        /// Season
        #[arg(long, default_value_t = 1)]
        season: u32,
        /// Number in the season
        #[arg(long, default_value_t = 1)]
        episode: u32,
    },
    /// Take an episode out of the library; the studio keeps the film
    Unpublish {
        /// Short name of the project, as `export` shows it
        project: String,
        /// Season
        #[arg(long, default_value_t = 1)]
        season: u32,
        /// Number in the season
        #[arg(long, default_value_t = 1)]
        episode: u32,
    },
    /// Remove kept files that nothing refers to any more
    Tidy {
        /// Only what is older than this many days [default: the settings' `retention.unused_days`]
        #[arg(long)]
        days: Option<u32>,
        /// Only say what would be removed
        #[arg(long)]
        dry_run: bool,
    },
    /// Look at a ComfyUI, or run a workflow on it
    Comfy {
        #[command(subcommand)]
        what: ComfyCommand,
    },
    /// Train LoRAs of characters, and choose between their epochs
    Train {
        #[command(subcommand)]
        what: train::TrainCommand,
    },
    /// Look at the program that trains LoRAs
    Trainer {
        #[command(subcommand)]
        what: train::TrainerCommand,
    },
    /// Look at LoRA files: what each was trained for; and say which LoRA of a character films use
    Lora {
        #[command(subcommand)]
        what: lora::LoraCommand,
    },
    /// Make a picture and a clip on ComfyUI without any model, through the whole path
    Selftest {
        /// Address of the ComfyUI; without it the first free one of the settings
        #[arg(long)]
        url: Option<String>,
    },
    /// Get a token of the running service for the password, which is read from standard input, and keep it
    Login,
    /// Set the password of the page's login; it is read from standard input
    Password,
    /// Bring the database up to date
    Migrate,
    /// Write a project with all its files into one archive
    Export {
        /// Short name of the project
        project: String,
        /// The archive, a .tar file
        archive: PathBuf,
    },
    /// Read a project from an archive
    Import {
        /// The archive
        archive: PathBuf,
    },
    #[command(flatten)]
    Shell(shell::ShellCommand),
}

/// What is asked of a ComfyUI.
#[derive(Debug, Subcommand)]
enum ComfyCommand {
    /// Say its version, nodes and models, and what each workflow lacks there
    Check {
        /// Address, such as `http://127.0.0.1:8188`; without it every one of the settings
        url: Option<String>,
        /// Only this workflow; may be given several times. Without it all of them
        #[arg(long, value_name = "NAME")]
        workflow: Vec<String>,
    },
    /// Make a workflow of a graph from elsewhere: find its slots, write its description, and check it
    Adopt {
        /// The graph as ComfyUI saves it with Export (API), or the body of a request to /prompt
        file: PathBuf,
        /// Its name; without it the file's
        #[arg(long)]
        name: Option<String>,
        /// Write it anew when it is there already
        #[arg(long)]
        force: bool,
        /// Address of the ComfyUI it is checked against; without it every one of the settings
        #[arg(long)]
        url: Option<String>,
    },
    /// Run one workflow and leave the result in a folder
    Run {
        /// Its name
        workflow: String,
        /// A slot and its value; pictures are files on this machine
        #[arg(long, value_name = "SLOT=VALUE")]
        set: Vec<String>,
        /// Where the result goes
        #[arg(long, default_value = ".")]
        out: PathBuf,
        /// Address of the ComfyUI; without it the first free one of the settings
        #[arg(long)]
        url: Option<String>,
    },
}

/// What is to be produced.
#[derive(Debug, Args)]
struct ProduceArgs {
    /// The screenplay, in Fountain
    file: PathBuf,
    /// Root of the Jellyfin library; without it the settings' publish.library
    #[arg(long, value_name = "DIR")]
    library: Option<PathBuf>,
    #[command(flatten)]
    options: ProduceOptions,
}

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything is as asked.
    Done = 0,
    /// Something could not be made; the message says what.
    Failed = 1,
    /// The command line or the settings are wrong.
    Usage = 2,
    /// The screenplay or another input is wrong.
    Input = 3,
    /// Another studiod works on the same data.
    Locked = 4,
    /// The disk is full or a folder cannot be written.
    Disk = 5,
    /// Something the studio needs is not installed.
    Missing = 6,
    /// The running service does not let this command do that: it wants a token, or another one.
    Denied = 7,
    /// Stopped by a person.
    Stopped = 130,
}

/// Why a command came to nothing.
#[derive(Debug)]
struct CliError {
    exit: Exit,
    message: String,
}

impl CliError {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

impl From<EngineError> for CliError {
    fn from(failure: EngineError) -> Self {
        let exit = match failure.kind {
            FailureKind::DiskFull => Exit::Disk,
            FailureKind::BadInput => Exit::Input,
            _ => Exit::Failed,
        };
        Self::new(exit, failure.message)
    }
}

impl From<store::Error> for CliError {
    fn from(error: store::Error) -> Self {
        let exit = match &error {
            store::Error::Held { .. } => Exit::Locked,
            store::Error::DiskFull(_) | store::Error::File { .. } => Exit::Disk,
            store::Error::NotFound { .. } => Exit::Usage,
            _ => Exit::Failed,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<crate::conductor::Error> for CliError {
    fn from(error: crate::conductor::Error) -> Self {
        match error {
            crate::conductor::Error::Store(error) => error.into(),
            other => Self::new(Exit::Failed, other.to_string()),
        }
    }
}

impl From<app::producing::ProduceError> for CliError {
    fn from(refused: app::producing::ProduceError) -> Self {
        use app::producing::ProduceError;
        match refused {
            ProduceError::Usage(why) => Self::new(Exit::Usage, why),
            ProduceError::Input(why) => Self::new(Exit::Input, why),
            ProduceError::Store(error) => error.into(),
            ProduceError::Disk(failure) => failure.into(),
        }
    }
}

impl From<app::Error> for CliError {
    fn from(error: app::Error) -> Self {
        match error {
            app::Error::Config(error) => Self::new(Exit::Usage, error.to_string()),
            app::Error::Disk(failure) => Self::new(Exit::Disk, failure.message),
            app::Error::Store(error) => error.into(),
            app::Error::Conductor(error) => error.into(),
            app::Error::Listen { .. } | app::Error::Comfy(_) | app::Error::Server(_) => {
                Self::new(Exit::Usage, error.to_string())
            }
        }
    }
}

/// Parses the command line, does what it says and returns the exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    crate::engines::prepare();
    app::log(matches!(cli.command, Command::Serve { .. }));
    crate::files::raise_descriptors();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("studiod: failed to start: {error}");
            return ExitCode::from(Exit::Failed as u8);
        }
    };
    let json = cli.json;
    let exit = match runtime.block_on(run(cli)) {
        Ok(exit) => exit,
        Err(refusal) => {
            if json {
                let answer = serde_json::json!({ "error": refusal.message, "exit": refusal.exit as u8 });
                out!("{answer}");
            } else {
                eprintln!("studiod: {}", refusal.message);
            }
            refusal.exit
        }
    };
    // Blocking work that was told to stop must not hold the door.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    ExitCode::from(exit as u8)
}

/// How the program was called, whatever the command is.
struct Invocation {
    options: app::Options,
    token_file: Option<PathBuf>,
    json: bool,
}

impl Invocation {
    /// Settings, database and files; no engine is started for it.
    async fn open(&self) -> Result<Data, app::Error> {
        Data::open(self.options.clone()).await
    }

    /// The same, or why the command comes to nothing.
    async fn data(&self) -> Result<Data, CliError> {
        Ok(self.open().await?)
    }

    /// Who does what a command asks of the studio: the service that runs on `data`, or this process.
    fn client(&self, data: &Data) -> Result<Box<dyn StudioClient>, CliError> {
        let token = Token::find(data.context.data.root(), self.token_file.as_deref())?;
        client::connect(data, token)
    }
}

async fn run(cli: Cli) -> Result<Exit, CliError> {
    let options = app::Options { data_dir: cli.data_dir, config: cli.config };
    let call = &Invocation { options, token_file: cli.token_file, json: cli.json };
    match cli.command {
        Command::Produce(args) => Box::pin(produce::produce(call, args)).await,
        Command::Plan(args) => Box::pin(produce::plan(call, args)).await,
        Command::Read { file } => read::read(call, &file),
        Command::Serve { listen } => {
            Box::pin(app::serve(call.options.clone(), listen)).await?;
            Ok(Exit::Done)
        }
        Command::Check { deep, bundle } => Box::pin(check::check(call, deep, bundle)).await,
        Command::Tasks { state, limit } => tasks::list(call, state, limit).await,
        Command::Why { task } => tasks::why(call, &task).await,
        Command::Cancel { task } => tasks::cancel(call, &task).await,
        Command::Retry { task } => tasks::retry(call, &task).await,
        Command::Dataset { what } => Box::pin(dataset::dataset(call, what)).await,
        Command::Portrait { what } => portrait::portrait(call, what).await,
        Command::Voice { what } => voice::voice(call, what).await,
        Command::Learned => judge::learned(call).await,
        Command::Take { what } => take::take(call, what).await,
        Command::Opinion { task, verdict, why, issue } => {
            judge::opinion(call, &task, verdict == "good", (why, issue)).await
        }
        Command::Judge => judge::agreement(call).await,
        Command::Write(args) => write::write(call, args).await,
        Command::Fleet => fleet::fleet(call).await,
        Command::Pin { task, off } => tasks::steer(call, &task, if off { Steer::Unpin } else { Steer::Pin }).await,
        Command::Hold { task, off } => tasks::steer(call, &task, if off { Steer::Release } else { Steer::Hold }).await,
        Command::Move { task, before } => tasks::put_before(call, &task, &before).await,
        Command::Pause { what, hard, free, why } => {
            let why = why.unwrap_or_else(|| PauseReason::default().to_string());
            fleet::pause(call, &what, Resting { hard, frees: free, why }).await
        }
        Command::Resume { what } => fleet::resume(call, &what).await,
        Command::Sim(args) => sim::sim(&args, call.json),
        Command::Approve { what, project, season, episode } => {
            produce::approve(call, what, &project, (season, episode)).await
        }
        Command::Unpublish { project, season, episode } => produce::unpublish(call, &project, (season, episode)).await,
        Command::Tidy { days, dry_run } => tidy(call, days, dry_run).await,
        Command::Comfy { what: ComfyCommand::Check { url, workflow } } => comfy::check(call, url, &workflow).await,
        Command::Comfy { what: ComfyCommand::Adopt { file, name, force, url } } => {
            comfy::adopt(call, comfy::AdoptArgs { file, name, force, url }).await
        }
        Command::Comfy { what: ComfyCommand::Run { workflow, set, out, url } } => {
            comfy::run(call, comfy::RunArgs { workflow, set, out, url }).await
        }
        Command::Train { what } => train::train(call, what).await,
        Command::Trainer { what } => train::trainer(call, &what).await,
        Command::Lora { what } => lora::lora(call, what).await,
        Command::Selftest { url } => comfy::selftest(call, url).await,
        Command::Login => login::login(call).await,
        Command::Password => login::password(call).await,
        Command::Migrate => {
            let data = call.data().await?;
            say(call.json, &serde_json::json!({ "migrated": true }), || {
                out!("the database of {} is up to date", data.context.data.root().display());
            });
            Ok(Exit::Done)
        }
        Command::Export { project, archive } => archive::export(call, &project, &archive).await,
        Command::Import { archive } => archive::import(call, &archive).await,
        Command::Shell(asked) => shell::run(&asked),
    }
}

async fn tidy(call: &Invocation, days: Option<u32>, dry: bool) -> Result<Exit, CliError> {
    let mut client = call.client(&call.data().await?)?;
    let tidied = client.tidy(days, dry).await?;
    client.leave().await?;
    let (files, mib) = (tidied.files, tidied.bytes as f64 / f64::from(1 << 20));
    say(call.json, &serde_json::json!({ "files": files, "bytes": tidied.bytes, "removed": !dry }), || {
        let done = if dry { "would be" } else { "were" };
        out!("{files} files, {mib:.1} MiB, {done} removed");
    });
    Ok(Exit::Done)
}

/// Prints `answer` for scripts, or lets `human` print for people.
fn say(json: bool, answer: &serde_json::Value, human: impl FnOnce()) {
    if json {
        out!("{answer}");
    } else {
        human();
    }
}

/// `62.5 s`, `12:04 min` or `2:21 h`.
fn length(ms: u64) -> String {
    if ms < 100_000 {
        format!("{:.1} s", ms as f64 / 1000.0)
    } else if ms >= 7_200_000 {
        format!("{}:{:02} h", ms / 3_600_000, ms / 60_000 % 60)
    } else {
        format!("{}:{:02} min", ms / 60_000, ms / 1000 % 60)
    }
}
