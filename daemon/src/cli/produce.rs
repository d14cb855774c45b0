//! Produce and plan: from a screenplay on disk to an episode in the library.

use std::{io::Read, path::Path};

use serde_json::json;
use studio_core::{episode::Episode, fountain::Remark, production::Checkpoint, sim::Spread};

use super::{
    CliError, Exit, Invocation, ProduceArgs,
    client::{Begun, Wanted},
    length, say,
};
use crate::{
    app::{
        self, App, Data,
        producing::{self, Screenplay},
    },
    conductor::{self, Defaults},
    forecast::{self, StageCount},
    store,
};

/// Largest screenplay that is read, one byte more than the parser takes so that it can say so.
const LARGEST: u64 = 10 * 1024 * 1024 + 1;

pub(super) async fn produce(invocation: &Invocation, args: ProduceArgs) -> Result<Exit, CliError> {
    let screenplay = read(invocation, &args.file)?;
    let data = invocation.data().await?;
    let mut client = invocation.client(&data)?;
    let wanted = Wanted { screenplay, options: args.options, library: args.library };
    let episode = client.produce(wanted).await?;
    let begun = Begun { answer: json!({ "episode": episode }), said: None };
    client.follow(episode, begun, invocation.json).await
}

/// Reads and breaks down a screenplay; every mistake is told with its line and column.
pub(super) fn read(invocation: &Invocation, file: &Path) -> Result<Screenplay, CliError> {
    let (name, json) = (file.display(), invocation.json);
    let (defaults, refused) = app::reading(&invocation.options);
    for why in refused {
        eprintln!("studiod: not used: {why}");
    }
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(LARGEST).read_to_end(&mut bytes))
        .map_err(|error| CliError::new(Exit::Input, format!("the screenplay {name} cannot be read: {error}")))?;
    let read = Screenplay::read(&bytes, &format!("{name}: "), &defaults).map_err(|lines| {
        if json {
            return CliError::new(Exit::Input, lines.join("\n"));
        }
        let count = match lines.len() {
            1 => "one mistake".to_owned(),
            many => format!("{many} mistakes"),
        };
        CliError::new(Exit::Input, format!("the screenplay has {count}, so nothing was begun\n{}", lines.join("\n")))
    })?;
    Ok(Screenplay { path: Some(file.to_owned()), ..read })
}

pub(super) async fn plan(invocation: &Invocation, args: ProduceArgs) -> Result<Exit, CliError> {
    let screenplay = read(invocation, &args.file)?;
    let app = App::look(invocation.data().await?).await?;
    let ProduceArgs { options, library, .. } = &args;
    let defaults = Defaults::BySettings;
    let mut produce = producing::request(&app.making(), &screenplay, options, library.as_deref(), defaults).await?;
    let billing = &produce.production.billing;
    let (season, number) = (billing.season, billing.number);
    let known = store::episodes::of_project(&app.context.db, produce.project.id).await?;
    if let Some(episode) = known.into_iter().find(|episode| (episode.season, episode.number) == (season, number)) {
        conductor::take_up(&app.context.db, episode.id, &mut produce.production).await?;
    }
    let run = forecast::dry_run(&app.context, &produce.production).await?;
    let eta = forecast::eta(&app.context, &produce.production, &run).await?;
    let stages = run.counts();
    let jobs: Vec<_> = run
        .jobs
        .iter()
        .map(|job| {
            json!({
                "slot": job.job.path(), "engine": job.engine, "make": job.make, "why": job.why, "takes_ms": job.takes_ms,
            })
        })
        .collect();
    let awaits = produce.production.waits_for();
    let remarks = &screenplay.script.remarks;
    say(
        invocation.json,
        &json!({ "stages": stages, "jobs": jobs, "outlook": eta, "awaits": awaits, "remarks": remarks }),
        || {
            print_remarks(&args.file, remarks);
            stages.iter().for_each(print_stage);
            let new: Vec<_> = run.jobs.iter().filter(|job| job.make).collect();
            if let Some(checkpoint) = awaits {
                let shots = produce.production.unapproved(checkpoint).len();
                out!("then it waits until you have approved the {} of {shots} shots", checkpoint.word());
            } else if new.is_empty() {
                out!("nothing to do: everything is made already");
            }
            for job in new.iter().take(40) {
                out!("  {} by {}: {}", job.job, job.engine, job.why);
            }
            if new.len() > 40 {
                out!("  ... and {} more; --json lists all", new.len() - 40);
            }
            if !new.is_empty() {
                print_eta(&eta);
            }
        },
    );
    Ok(Exit::Done)
}

/// ` pictures: 15 of 16 shots to make, in 44 tasks, about 3:10 min`.
fn print_stage(count: &StageCount) {
    let StageCount { stage, unit, all, make, tasks, takes_ms } = *count;
    let takes = if takes_ms == 0 { String::new() } else { format!(", about {}", length(takes_ms)) };
    let many = |number: usize, one: &str| if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") };
    let said = match (all, make) {
        (0, _) => "nothing to make".to_owned(),
        (_, 0) => format!("{} there already", many(all, unit)),
        _ if make == all => format!("{} to make, in {}{takes}", many(all, unit), many(tasks, "task")),
        _ => format!("{make} of {} to make, in {}{takes}", many(all, unit), many(tasks, "task")),
    };
    out!("{:>9}: {said}", stage.word());
}

/// What a writer should know of the screenplay, one line each.
pub(super) fn print_remarks(file: &Path, remarks: &[Remark]) {
    for remark in remarks {
        out!("remark:   {}: {remark}", file.display());
    }
}

/// When it would be done, and what that takes.
fn print_eta(plan: &forecast::Eta) {
    let when = |spread: &Spread| {
        format!("in {}, with nine chances in ten in {}", length(spread.median as u64), length(spread.p90 as u64))
    };
    for (scene, number) in plan.scenes_ms.iter().zip(1..) {
        if let Some(scene) = scene {
            out!("  scene {number} is done {}", when(scene));
        }
    }
    if let Some(film) = &plan.film_ms {
        out!("the film is done {}", when(film));
    } else {
        out!("the film will not be done without a person");
    }
    if plan.coarse {
        let times = if plan.runs == 1 { "once".to_owned() } else { format!("{} times", plan.runs) };
        out!("  (there is so much to do that it was reckoned through only {times}: the chances are rough)");
    }
    if plan.swaps.median > 0.0 {
        out!("{:.0} times a model comes to a card", plan.swaps.median);
    }
    if plan.energy_wh > 0.0 {
        out!("about {:.0} Wh, which cost {:.2}", plan.energy_wh, plan.money);
    }
    for wait in plan.waits.iter().take(10) {
        out!("  {wait}");
    }
}

pub(super) async fn unpublish(
    invocation: &Invocation,
    project: &str,
    (season, number): (u32, u32),
) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let episode = numbered(&data, project, season, number).await?;
    let files = store::episodes::published_files(&data.context.db, episode.id).await?;
    if files.is_empty() {
        return Err(CliError::new(Exit::Usage, format!("'{}' is not in a library", episode.title)));
    }
    let mut client = invocation.client(&data)?;
    client.unpublish(episode.id).await?;
    client.leave().await?;
    say(invocation.json, &json!({ "unpublished": files }), || {
        out!("'{}' is out of the library; the studio keeps the film", episode.title);
    });
    Ok(Exit::Done)
}

/// The episode of that number.
async fn numbered(data: &Data, project: &str, season: u32, number: u32) -> Result<Episode, CliError> {
    let missing = || {
        let message = format!("'{project}' season {season} episode {number} is not in the studio");
        CliError::new(Exit::Usage, message)
    };
    let db = &data.context.db;
    let project = store::projects::by_slug(db, project).await?.ok_or_else(missing)?;
    let episodes = store::episodes::of_project(db, project.id).await?;
    episodes.into_iter().find(|e| e.season == season && e.number == number).ok_or_else(missing)
}

/// A person approves what an episode waits with, and it goes on.
pub(super) async fn approve(
    invocation: &Invocation,
    checkpoint: Checkpoint,
    project: &str,
    (season, number): (u32, u32),
) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let episode = numbered(&data, project, season, number).await?;
    let mut client = invocation.client(&data)?;
    client.approve(episode.id, checkpoint).await?;
    let said = Some(format!("the {} of '{}' are approved", checkpoint.word(), episode.title));
    client.follow(episode.id, Begun { answer: json!({ "approved": checkpoint }), said }, invocation.json).await
}
