//! Bars: one progress bar per stage, on a terminal; a line per stage where there is none.

use std::{collections::BTreeMap, io::IsTerminal};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use studio_core::{
    fleet::{Away, sentence},
    ids::{EpisodeId, TaskId},
    production::{Job, Stage},
};

use crate::events::{StudioEvent, TaskUpdate};

/// Steps of a bar per task, so that a long render is seen to move.
const STEPS: u64 = 100;

/// What became of the tasks of an episode.
#[derive(Debug, Default, Clone)]
pub(super) struct Tally {
    /// Made in this run.
    pub made: usize,
    /// Found made already.
    pub reused: usize,
    /// Further takes asked for in this run.
    pub retakes: usize,
    /// Over without result, each with its reason.
    pub failed: Vec<String>,
}

/// Bars of one episode.
pub(super) struct Bars {
    episode: EpisodeId,
    stages: BTreeMap<Stage, StageBar>,
    known: BTreeMap<TaskId, u64>,
    screen: MultiProgress,
    quiet: bool,
    pub tally: Tally,
}

struct StageBar {
    bar: ProgressBar,
    left: usize,
    /// Of those that are over, how many came to nothing.
    lost: usize,
}

impl Bars {
    pub fn new(episode: EpisodeId, quiet: bool) -> Self {
        let quiet = quiet || !std::io::stderr().is_terminal();
        let (stages, known) = (BTreeMap::new(), BTreeMap::new());
        Self { episode, stages, known, screen: MultiProgress::new(), quiet, tally: Tally::default() }
    }

    /// Shows what happened; `Some(failed)` when the episode is over.
    pub fn see(&mut self, happened: StudioEvent) -> Option<bool> {
        match happened {
            StudioEvent::LaidOut { episode, jobs } if episode == self.episode => {
                for job in jobs {
                    self.expect(job);
                }
            }
            StudioEvent::Task { task, episode, job, now } if episode == self.episode => self.task(task, job, &now),
            StudioEvent::Engine { engine, away: Some(away) } => {
                if let Some(line) = waits_for(&engine, &away) {
                    self.say(&line);
                }
            }
            StudioEvent::Ended { episode, failed } if episode == self.episode => {
                for stage in self.stages.values() {
                    stage.bar.abandon();
                }
                return Some(failed);
            }
            _ => {}
        }
        None
    }

    fn expect(&mut self, job: Job) {
        // A gate takes no time and would only blur the count.
        if matches!(job, Job::Gate { .. }) {
            return;
        }
        let (screen, quiet) = (&self.screen, self.quiet);
        let stage = self.stages.entry(job.stage()).or_insert_with(|| {
            let bar = if quiet { ProgressBar::hidden() } else { screen.add(ProgressBar::new(0)) };
            bar.set_style(style());
            bar.set_prefix(job.stage().word());
            StageBar { bar, left: 0, lost: 0 }
        });
        stage.left += 1;
        stage.bar.inc_length(STEPS);
    }

    fn task(&mut self, task: TaskId, job: Job, now: &TaskUpdate) {
        let step = match now {
            TaskUpdate::Running(done) => (done * (STEPS - 1) as f64) as u64,
            TaskUpdate::Requeued(cause) => {
                self.say(&format!("  {job}: {cause}; tried again"));
                0
            }
            TaskUpdate::Retake => {
                self.tally.retakes += 1;
                let Job::Gate { subject, scene, shot } = job else { return };
                self.say(&format!("  {job}: another take"));
                // The take and its review.
                self.expect(Job::Take { subject, scene, shot, take: 0 });
                self.expect(Job::Review { subject, scene, shot, take: 0 });
                return;
            }
            _ => STEPS,
        };
        let gate = matches!(job, Job::Gate { .. });
        match now {
            TaskUpdate::Made if !gate => self.tally.made += 1,
            TaskUpdate::Reused => self.tally.reused += 1,
            TaskUpdate::Failed(fault) => {
                self.say(&format!("  {job}: {fault}"));
                self.tally.failed.push(format!("{job}: {fault}"));
            }
            _ => {}
        }
        if gate {
            return;
        }
        let before = self.known.insert(task, step).unwrap_or(0);
        let Some(stage) = self.stages.get_mut(&job.stage()) else { return };
        if step >= before {
            stage.bar.inc(step - before);
        } else {
            stage.bar.dec(before - step);
        }
        if step == STEPS && before != STEPS {
            stage.left = stage.left.saturating_sub(1);
            stage.lost += usize::from(matches!(now, TaskUpdate::Failed(_) | TaskUpdate::Cancelled));
            if stage.left == 0 && self.quiet {
                eprintln!("{}", over(job.stage(), stage.lost));
            }
        }
    }

    fn say(&self, line: &str) {
        if self.quiet {
            eprintln!("{line}");
        } else {
            // A terminal that is gone takes nothing away from the film.
            let _ = self.screen.println(line);
        }
    }
}

/// What is said of a stage of which nothing is left to be made.
fn over(stage: Stage, lost: usize) -> String {
    match lost {
        0 => format!("{}: done", stage.word()),
        1 => format!("{}: one task came to nothing", stage.word()),
        many => format!("{}: {many} tasks came to nothing", stage.word()),
    }
}

/// What is said of an engine that is away. The first look at a server takes a moment; only what comes of it is news.
fn waits_for(engine: &str, away: &[Away]) -> Option<String> {
    (!away.iter().any(Away::is_first_look)).then(|| format!("  waits for {engine}: {}", sentence(away)))
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix:>9} {bar:40.cyan/blue} {percent:>3} %  {elapsed}")
        .expect("the template is constant")
        .progress_chars("█▉▊▋▌▍▎▏ ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_that_failed_is_not_called_done() {
        let said = [0, 1, 3].map(|lost| over(Stage::Film, lost));
        assert_eq!(said, ["film: done", "film: one task came to nothing", "film: 3 tasks came to nothing"]);
    }

    #[test]
    fn a_first_look_is_no_news_and_how_an_absence_is_worded_changes_nothing() {
        let worded = |message: &str| Away::Unreachable { message: message.into() };
        assert_eq!(waits_for("comfy", &[Away::Unasked { at: Some("http://box:8188".into()) }]), None);
        assert_eq!(waits_for("comfy", &[worded("it is off"), Away::Unasked { at: None }]), None);
        for message in ["it is off", "http://box:8188 has not answered yet"] {
            let said = waits_for("comfy", &[worded(message)]);
            assert_eq!(said.as_deref(), Some(format!("  waits for comfy: {message}").as_str()));
        }
    }
}
