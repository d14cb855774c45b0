//! Train: LoRAs of characters, on the command line: training them, and choosing an epoch.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use studio_core::{character::Character, ids::TrainingId};

use super::{
    CliError, Exit, Invocation, client::Call, length, said::Said, train_compare::compared, trainer_selftest::selftest,
};
use crate::store;

/// What is done about trainings.
#[derive(Debug, Subcommand)]
pub(super) enum TrainCommand {
    /// Say what a training would be: its pictures, settings, time and energy, and why it could not begin
    Plan {
        /// Name of the character
        character: String,
        #[command(flatten)]
        how: How,
    },
    /// Train a LoRA on the approved pictures of a character; films use it when it proves better than what they use
    Start {
        /// Name of the character
        character: String,
        #[command(flatten)]
        how: How,
    },
    /// List trainings, newest first
    List {
        /// Only those of this character
        character: Option<String>,
    },
    /// Show a training: its epochs, how they compare, and what was chosen
    Show {
        /// Id of the training, or its beginning or end
        training: String,
    },
    /// Lay two trainings side by side: what came of each, and the settings in which they differ
    Compare {
        /// Id of one training, or its beginning or end
        training: String,
        /// Id of the other
        other: String,
    },
    /// Print the last lines its trainer wrote
    Log {
        /// Id of the training, or its beginning or end
        training: String,
    },
    /// Let a training rest: the epoch that runs is finished
    Pause {
        /// Id of the training, or its beginning or end
        training: String,
    },
    /// Let a training go on that rests
    Resume {
        /// Id of the training, or its beginning or end
        training: String,
    },
    /// Have a training wait its turn with films from now on
    Soon {
        /// Id of the training, or its beginning or end
        training: String,
    },
    /// Have a training step aside for nearly everything from now on
    Later {
        /// Id of the training, or its beginning or end
        training: String,
    },
    /// List characters by how ready they are to be trained
    Ready,
    /// Stop a training; its epochs stay
    Cancel {
        /// Id of the training, or its beginning or end
        training: String,
    },
    /// Take an epoch, whatever its pictures say; films use it from now on
    Choose {
        /// Id of the training, or its beginning or end
        training: String,
        /// The epoch
        epoch: u32,
        /// How strongly it acts, in percent
        #[arg(long, value_name = "PERCENT", default_value_t = 80)]
        strength: u32,
        /// Only put it into the library; films go on with what they use
        #[arg(long)]
        keep: bool,
    },
    /// Take a training out that is over, with its epochs and pictures; LoRAs in the library stay
    Remove {
        /// Id of the training, or its beginning or end
        training: String,
    },
}

/// How a LoRA is trained.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct How {
    /// What is trained, e.g. `sdxl`; without it what the model of stills takes
    #[arg(long, value_name = "NAME")]
    architecture: Option<String>,
    /// A setting of the trainer, e.g. `epochs=8`; may be given several times. `plan` lists them
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// It does not step aside for films
    #[arg(long)]
    soon: bool,
    /// No pictures show after each epoch what it has learned
    #[arg(long)]
    no_samples: bool,
}

/// What is done about the trainer.
#[derive(Debug, Subcommand)]
pub(super) enum TrainerCommand {
    /// Say what the trainer of the settings needs, what is missing, and how to get it
    Check,
    /// Train for a few steps on two painted pictures, through everything a run goes through; nothing is kept, and no card is booked
    Selftest {
        /// What is trained, e.g. `sdxl`; without it everything whose base model is there
        #[arg(long, value_name = "NAME")]
        architecture: Option<String>,
        /// A setting of the trainer, e.g. `precision=no`; may be given several times
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<String>,
    },
}

pub(super) async fn train(invocation: &Invocation, what: TrainCommand) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let mut said = Said::to(invocation, &data)?;
    let exit = said.about_trainings(what).await?;
    said.client.leave().await?;
    Ok(exit)
}

pub(super) async fn trainer(invocation: &Invocation, what: &TrainerCommand) -> Result<Exit, CliError> {
    if let TrainerCommand::Selftest { architecture, set } = what {
        let read = |word: &String| {
            serde_json::from_value(json!(word)).map_err(|_| {
                CliError::new(Exit::Usage, format!("'{word}' is no architecture; there are sd15, sdxl, wan"))
            })
        };
        let architecture = architecture.as_ref().map(read).transpose()?;
        let chosen = serde_json::from_value(Value::Object(settings_of(set)?))
            .map_err(|error| CliError::new(Exit::Usage, format!("--set cannot be read: {error}")))?;
        return selftest(invocation, architecture, &chosen).await;
    }
    let data = invocation.data().await?;
    let mut said = Said::to(invocation, &data)?;
    let exit = said.check_trainer().await?;
    said.client.leave().await?;
    Ok(exit)
}

impl Said<'_> {
    async fn about_trainings(&mut self, what: TrainCommand) -> Result<Exit, CliError> {
        match what {
            TrainCommand::Plan { character, how } => return self.plan_training(&character, &how).await,
            TrainCommand::Start { character, how } => return self.start_training(&character, &how).await,
            TrainCommand::List { character } => self.list_trainings(character).await?,
            TrainCommand::Show { training } => {
                let id = self.training(&training).await?;
                self.show_training(id).await?;
            }
            TrainCommand::Compare { training, other } => {
                let (one, other) = (self.training(&training).await?, self.training(&other).await?);
                let one = self.client.call(Call::get(&format!("/api/trainings/{one}"))).await?;
                let other = self.client.call(Call::get(&format!("/api/trainings/{other}"))).await?;
                self.tell(&json!({ "trainings": [one, other] }), || compared(&one, &other));
            }
            TrainCommand::Log { training } => {
                let id = self.training(&training).await?;
                let log = self.client.call(Call::get(&format!("/api/trainings/{id}/log"))).await?;
                self.tell(&json!({ "log": log }), || text(&log).trim_end().to_owned());
            }
            TrainCommand::Pause { training } => self.steer_training(&training, "pause").await?,
            TrainCommand::Resume { training } => {
                self.steer_training(&training, "resume").await?;
                let id = self.training(&training).await?;
                self.settle_training(id).await?;
            }
            TrainCommand::Soon { training } => self.wait_training(&training, "production").await?,
            TrainCommand::Later { training } => self.wait_training(&training, "background").await?,
            TrainCommand::Ready => {
                let all = self.client.call(Call::get("/api/trainings/candidates")).await?;
                self.tell(&all, || {
                    let lines: Vec<String> =
                        all["candidates"].as_array().into_iter().flatten().map(candidate).collect();
                    if lines.is_empty() {
                        "no character has an approved picture yet".to_owned()
                    } else {
                        lines.join("\n")
                    }
                });
            }
            TrainCommand::Cancel { training } => self.steer_training(&training, "cancel").await?,
            TrainCommand::Choose { training, epoch, strength, keep } => {
                let id = self.training(&training).await?;
                let body = json!({ "epoch": epoch, "strength": strength, "used": !keep });
                let view = self.client.call(Call::post(&format!("/api/trainings/{id}/choose"), Some(body))).await?;
                self.tell(&view, || line(&view));
            }
            TrainCommand::Remove { training } => {
                let id = self.training(&training).await?;
                self.client.call(Call::delete(&format!("/api/trainings/{id}"))).await?;
                self.tell(&json!({ "removed": id }), || format!("training {id} is taken out"));
            }
        }
        Ok(Exit::Done)
    }

    async fn plan_training(&mut self, character: &str, how: &How) -> Result<Exit, CliError> {
        let one = self.character(character).await?;
        let call = Call::post(&format!("/api/characters/{}/trainings/preview", one.id), Some(body(how)?));
        let plan = self.client.call(call).await?;
        self.tell(&plan, || planned(&one, &plan));
        let blocked = plan["blocked"].as_array().is_some_and(|all| !all.is_empty());
        Ok(if blocked { Exit::Usage } else { Exit::Done })
    }

    async fn start_training(&mut self, character: &str, how: &How) -> Result<Exit, CliError> {
        let one = self.character(character).await?;
        let call = Call::post(&format!("/api/characters/{}/trainings", one.id), Some(body(how)?));
        let begun = self.client.call(call).await?;
        let id: TrainingId = serde_json::from_value(begun["training"]["id"].clone())
            .map_err(|error| CliError::new(Exit::Failed, format!("the answer has no training: {error}")))?;
        if self.client.is_running() {
            self.tell(&begun, || line(&begun));
            return Ok(Exit::Done);
        }
        self.settle_training(id).await
    }

    /// Without a service the command itself trains, and shows what came of it.
    async fn settle_training(&mut self, id: TrainingId) -> Result<Exit, CliError> {
        if self.client.is_running() {
            return Ok(Exit::Done);
        }
        self.client.settle(format!("/api/trainings/{id}")).await?;
        let view = self.show_training(id).await?;
        Ok(if view["training"]["state"] == "failed" { Exit::Failed } else { Exit::Done })
    }

    async fn show_training(&mut self, id: TrainingId) -> Result<Value, CliError> {
        let view = self.client.call(Call::get(&format!("/api/trainings/{id}"))).await?;
        self.tell(&view, || shown(&view));
        Ok(view)
    }

    async fn list_trainings(&mut self, character: Option<String>) -> Result<(), CliError> {
        let path = match character {
            Some(name) => format!("/api/characters/{}/trainings", self.character(&name).await?.id),
            None => "/api/trainings".to_owned(),
        };
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.client.call(Call::get(&format!("{path}?limit=200{after}"))).await?;
            all.extend(page["trainings"].as_array().into_iter().flatten().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        self.tell(&json!({ "trainings": all }), || {
            if all.is_empty() {
                return "nothing was trained yet; 'studiod train plan NAME' says what a training would be".into();
            }
            all.iter().map(line).collect::<Vec<_>>().join("\n")
        });
        Ok(())
    }

    async fn wait_training(&mut self, training: &str, class: &str) -> Result<(), CliError> {
        let id = self.training(training).await?;
        let call = Call::patch(&format!("/api/trainings/{id}"), json!({ "class": class }));
        let view = self.client.call(call).await?;
        self.tell(&view, || line(&view));
        Ok(())
    }

    async fn steer_training(&mut self, training: &str, how: &str) -> Result<(), CliError> {
        let id = self.training(training).await?;
        let view = self.client.call(Call::post(&format!("/api/trainings/{id}/{how}"), None)).await?;
        self.tell(&view, || line(&view));
        Ok(())
    }

    async fn check_trainer(&mut self) -> Result<Exit, CliError> {
        let all = self.client.call(Call::get("/api/trainers")).await?;
        let all: Vec<Value> = all.as_array().cloned().unwrap_or_default();
        let chosen = all.iter().find(|one| one["chosen"] == true).cloned();
        self.tell(&json!({ "trainers": all }), || {
            chosen.as_ref().map_or_else(
                || {
                    let name = |one: &Value| format!("{} ({})", text(&one["name"]), text(&one["home"]));
                    format!(
                        "nobody trains here: add [training] with trainer = \"NAME\" to the settings; there are {}",
                        all.iter().map(name).collect::<Vec<_>>().join("; ")
                    )
                },
                needs,
            )
        });
        Ok(if chosen.is_some_and(|one| trains(&one)) { Exit::Done } else { Exit::Usage })
    }

    /// The run whose id begins or ends with this.
    async fn training(&self, part: &str) -> Result<TrainingId, CliError> {
        one_of(&store::trainings::find(&self.data.context.db, part).await?, "training", part, "studiod train list")
    }
}

pub(super) fn one_of<I: Copy>(found: &[I], what: &str, part: &str, lists: &str) -> Result<I, CliError> {
    match found {
        [one] => Ok(*one),
        [] => Err(CliError::new(Exit::Usage, format!("there is no {what} '{part}'; '{lists}' lists them"))),
        _ => Err(CliError::new(Exit::Usage, format!("several are called '{part}'; give more of the id"))),
    }
}

/// What is asked for, as the API takes it.
fn body(how: &How) -> Result<Value, CliError> {
    let class = if how.soon { "production" } else { "background" };
    let mut body = json!({ "settings": settings_of(&how.set)?, "class": class, "samples": !how.no_samples });
    if let Some(architecture) = &how.architecture {
        body["architecture"] = json!(architecture);
    }
    Ok(body)
}

/// Settings as they are typed, `NAME=VALUE` each.
fn settings_of(pairs: &[String]) -> Result<Map<String, Value>, CliError> {
    let mut settings = Map::new();
    for pair in pairs {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| CliError::new(Exit::Usage, format!("--set {pair} is no NAME=VALUE, such as epochs=8")))?;
        let number = value.parse::<i64>().map(Value::from).or_else(|_| value.parse::<f64>().map(Value::from));
        let value = number.unwrap_or_else(|_| match value {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            word => Value::from(word),
        });
        settings.insert(name.trim().to_owned(), value);
    }
    Ok(settings)
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

/// What a run would be, in a few lines.
fn planned(one: &Character, plan: &Value) -> String {
    let estimate = &plan["estimate"];
    let mut lines = vec![format!(
        "{}: {} LoRA by {}, called '{}', on {} pictures ({} held out), {} epochs of {} steps",
        one.name,
        text(&plan["architecture"]),
        text(&plan["trainer"]),
        text(&plan["trigger"]),
        plan["pictures"],
        plan["held_out"],
        plan["epochs"],
        plan["epoch_steps"],
    )];
    let energy = estimate["wh"].as_f64().map_or_else(String::new, |wh| format!(", {wh:.0} Wh"));
    let how = if estimate["measured"] == true { "as the last one took" } else { "a guess" };
    lines.push(format!(
        "about {} of training and {} of comparing{energy}, {:.1} GiB of disk ({how})",
        length(number(&estimate["training_ms"])),
        length(number(&estimate["comparing_ms"])),
        number(&estimate["bytes"]) as f64 / f64::from(1 << 30),
    ));
    for slot in plan["slots"].as_array().into_iter().flatten() {
        let unit = text(&slot["unit"]);
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        lines.push(format!("  {:18} {}{unit}  {}", text(&slot["name"]), slot["value"], text(&slot["title"])));
    }
    if plan["compared"] == false {
        lines.push("the model of stills takes no such LoRA, so no pictures compare its epochs: you choose one".into());
    }
    let missing = plan["readiness"]["missing"].as_array().into_iter().flatten();
    lines.extend(missing.map(|one| {
        let need = &one["need"];
        let words: Vec<&str> = need["words"].as_array().into_iter().flatten().map(text).collect();
        let what = if words.is_empty() { "different values".to_owned() } else { words.join(" or ") };
        let least = number(&need["pictures"]).max(number(&need["different"]));
        format!("ready but stiff: {} of {least} for {}: {what}", one["have"], text(&need["axis"]))
    }));
    let left = plan["left_out"].as_array().map_or(0, Vec::len);
    if left > 0 {
        lines.push(format!("{left} approved pictures are left out: too small, or made with this character's own LoRA"));
    }
    lines.extend(
        plan["blocked"].as_array().into_iter().flatten().map(|why| format!("it cannot begin: {}", text(&why["said"]))),
    );
    lines.join("\n")
}

/// How ready a character is, in a line.
fn candidate(one: &Value) -> String {
    let readiness = &one["readiness"];
    let missing: Vec<&str> =
        readiness["missing"].as_array().into_iter().flatten().map(|one| text(&one["need"]["axis"])).collect();
    let how = match (readiness["ready"] == true, missing.is_empty()) {
        (true, true) => "ready".to_owned(),
        (true, false) => format!("ready but stiff: more of {}", missing.join(", ")),
        (false, _) => "not ready".to_owned(),
    };
    let lora = match (one["run"].is_null(), one["lora"].is_null()) {
        (false, _) => "is being trained",
        (true, false) => "films use a LoRA",
        (true, true) => "has no LoRA",
    };
    format!(
        "{:16} {:24} {} of {} approved, {how}; {lora}",
        text(&one["name"]),
        text(&one["title"]),
        readiness["approved"],
        readiness["least"],
    )
}

/// A run in a line.
fn line(view: &Value) -> String {
    let run = &view["training"];
    format!(
        "{}  {:12} {:6} {:12} epoch {} of {}: {}",
        text(&run["id"]),
        text(&view["character"]),
        text(&run["plan"]["architecture"]),
        text(&run["state"]),
        view["done"],
        run["plan"]["epochs"],
        [text(&view["doing"]), text(&view["said"])].into_iter().find(|said| !said.is_empty()).unwrap_or_default(),
    )
}

/// A run with its epochs and how they compare.
fn shown(view: &Value) -> String {
    let mut lines = vec![line(view)];
    for epoch in view["epochs"].as_array().into_iter().flatten() {
        let report = &epoch["report"];
        let loss = report["losses"].as_array().and_then(|all| all.last()).and_then(|last| last["loss"].as_f64());
        let loss = loss.map_or_else(String::new, |loss| format!("  loss {loss:.4}"));
        let held = report["held_out_loss"].as_f64().map_or_else(String::new, |loss| format!("  held out {loss:.4}"));
        let took = epoch["took_ms"].as_u64().map_or_else(String::new, |ms| format!("  {}", length(ms)));
        let energy = epoch["energy_wh"].as_f64().map_or_else(String::new, |wh| format!("  {wh:.1} Wh"));
        let peak =
            epoch["peak_mib"].as_f64().map_or_else(String::new, |mib| format!("  {:.1} GiB at most", mib / 1024.0));
        lines.push(format!(
            "  epoch {:3}  {:6} steps{loss}{held}  {:.1} MiB{took}{energy}{peak}",
            epoch["epoch"],
            report["steps"],
            number(&epoch["bytes"]) as f64 / f64::from(1 << 20),
        ));
    }
    let ranked = view["training"]["choice"]["ranked"].as_array().into_iter().flatten();
    lines.extend(ranked.map(|one| {
        let contender = &one["contender"];
        let who = match text(&contender["who"]) {
            "epoch" => format!("epoch {} at {} %", contender["epoch"], contender["strength"]),
            "active" => format!("the one in use at {} %", contender["strength"]),
            _ => "no LoRA".into(),
        };
        let part = |key: &str| one["estimate"][key].as_f64().unwrap_or(0.0);
        format!(
            "  {who:28} {:.2} ± {:.2}  alike {:.2}  as asked {:.2}  copies {:.2}  defects {:.2}  ({} pictures)",
            part("score"),
            part("error"),
            part("identity"),
            part("faithful"),
            part("copies"),
            part("defects"),
            one["estimate"]["probes"],
        )
    }));
    lines.push(text(&view["said"]).to_owned());
    lines.join("\n")
}

/// Whether everything is there that the trainer needs for one of its architectures at least.
fn trains(one: &Value) -> bool {
    let missing = |of: &Value| {
        let needs = one["needs"].as_array().into_iter().flatten();
        needs.into_iter().any(|need| need["there"] == false && need["architecture"] == *of)
    };
    let all = one["architectures"].as_array().into_iter().flatten();
    !missing(&Value::Null) && all.into_iter().any(|architecture| !missing(architecture))
}

fn needs(one: &Value) -> String {
    let mut lines = vec![format!("{} ({})", text(&one["title"]), text(&one["home"]))];
    for need in one["needs"].as_array().into_iter().flatten() {
        let there = need["there"] == true;
        let said = if there { text(&need["path"]) } else { text(&need["remedy"]) };
        lines.push(format!("  {} {:18} {said}", if there { "ok     " } else { "missing" }, text(&need["name"])));
    }
    lines.join("\n")
}
