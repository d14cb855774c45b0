//! Self-test of a trainer: a few steps, and how they went.

use std::{collections::BTreeMap, sync::Arc};

use indicatif::ProgressBar;
use serde_json::json;
use studio_core::{lora::Architecture, workflow::SlotValue};
use studio_engine::{Progress, Said as Told};
use tokio_util::sync::CancellationToken;

use super::{CliError, Exit, Invocation};
use crate::{app, engines::trainer};

/// Trains for a few steps with the trainer of the settings, for the architecture that is named, else for every one whose base model
/// is there.
pub(super) async fn selftest(
    invocation: &Invocation,
    architecture: Option<Architecture>,
    chosen: &BTreeMap<String, SlotValue>,
) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let shelf = data.definitions();
    let Some(plan) = app::trainer_at_rest(&data.config, &shelf, &data.context.data)? else {
        let message = "nobody trains here: add [training] to the settings; 'studiod trainer check' says what it needs";
        return Err(CliError::new(Exit::Usage, message));
    };
    let reports = plan.check().await;
    let there = |one: &Architecture| {
        let of = |name: &str| reports.iter().filter(|report| report.name == name).all(trainer::NeedReport::is_there);
        of(&format!("base.{}", one.word()))
    };
    let trainer = plan.trainer().map_err(|why| CliError::new(Exit::Input, why))?;
    let wanted: Vec<Architecture> = match architecture {
        Some(one) => vec![one],
        None => trainer.architectures.keys().copied().filter(there).collect(),
    };
    if wanted.is_empty() {
        let missing = reports.iter().find(|one| !one.is_there()).map(|one| one.remedy.clone()).unwrap_or_default();
        return Err(CliError::new(Exit::Missing, missing));
    }
    let stop = CancellationToken::new();
    let ends = stop.clone();
    let listening = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            ends.cancel();
        }
    });
    let mut answers = Vec::new();
    for one in wanted {
        let dir = tempfile::tempdir_in(data.context.data.work())
            .map_err(|error| CliError::new(Exit::Disk, format!("no folder can be made for the self-test: {error}")))?;
        let bar = if invocation.json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        let shown = Arc::new(bar);
        let progress = {
            let bar = shown.clone();
            Progress::new(move |said| {
                if let Told::Doing(doing) = said {
                    bar.set_message(doing.what);
                    bar.tick();
                }
            })
        };
        let made = trainer::selftest(&plan, one, chosen, dir.path(), &progress, &stop).await;
        shown.finish_and_clear();
        let made = made.map_err(|failure| {
            CliError::new(Exit::Failed, format!("{} cannot train {}: {}", trainer.title, one.word(), failure.message))
        })?;
        let (steps, loss) = (made.report.steps, made.report.losses.last().map(|point| point.loss));
        if invocation.json {
            answers.push(json!({
                "architecture": one, "steps": steps, "step_ms": made.report.step_ms, "loss": loss, "rank": made.lora.rank,
            }));
        } else {
            let time = made.report.step_ms.map_or_else(String::new, |ms| format!(", {:.1} s each", ms as f64 / 1000.0));
            let loss = loss.map_or_else(String::new, |loss| format!(", loss {loss:.3}"));
            out!("{} trains {}: {steps} steps{time}{loss}; the LoRA it left can be read", trainer.title, one.word());
        }
    }
    listening.abort();
    if invocation.json {
        out!("{}", json!({ "selftests": answers }));
    }
    Ok(Exit::Done)
}
