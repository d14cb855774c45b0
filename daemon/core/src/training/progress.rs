//! How far a slice of a training is, by what its trainer tells: steps, epochs, losses.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::lines::Told;
use crate::order::LossPoint;

/// The most points of a curve of losses.
pub const MOST_POINTS: usize = 200;
/// Steps whose mean loss is compared with the lowest mean of as many steps before.
const WINDOW: usize = 50;
/// How many times the lowest mean the loss may become before the training is of no use any more.
const EXPLODED: f64 = 3.0;

/// Losses by step, thinned so that no more than [`MOST_POINTS`] are kept: each is the mean of as many steps as the others.
#[derive(Debug, Clone, Default)]
struct Curve {
    points: Vec<LossPoint>,
    /// Losses that make the next point: their sum, and how many.
    open: (f64, u32),
    /// How many losses make a point; 0 before the first.
    every: u32,
}

impl Curve {
    fn add(&mut self, step: u32, loss: f64) {
        self.every = self.every.max(1);
        self.open = (self.open.0 + loss, self.open.1 + 1);
        if self.open.1 < self.every {
            return;
        }
        self.points.push(LossPoint { step, loss: self.open.0 / f64::from(self.open.1) });
        self.open = (0.0, 0);
        if self.points.len() > MOST_POINTS {
            let halved = self.points.chunks(2).map(|two| LossPoint {
                step: two.last().map_or(step, |point| point.step),
                loss: two.iter().map(|point| point.loss).sum::<f64>() / two.len() as f64,
            });
            self.points = halved.collect();
            self.every *= 2;
        }
    }
}

/// Watches whether a loss grows out of all bounds.
#[derive(Debug, Clone, Default)]
struct Alarm {
    last: VecDeque<f64>,
    /// Means of the last steps, which are not old enough to be compared with.
    means: VecDeque<f64>,
    /// The lowest of those that are.
    lowest: Option<f64>,
}

impl Alarm {
    fn add(&mut self, loss: f64) {
        self.last.push_back(loss);
        if self.last.len() > WINDOW {
            self.last.pop_front();
        }
        if self.last.len() < WINDOW {
            return;
        }
        self.means.push_back(self.last.iter().sum::<f64>() / WINDOW as f64);
        if self.means.len() > WINDOW
            && let Some(old) = self.means.pop_front()
        {
            self.lowest = Some(self.lowest.map_or(old, |lowest| lowest.min(old)));
        }
    }

    fn rings(&self) -> bool {
        self.lowest.zip(self.means.back()).is_some_and(|(lowest, now)| *now > EXPLODED * lowest)
    }
}

/// How a trainer counts epochs after it was resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// Over the whole run.
    #[default]
    Run,
    /// From 1 in every process.
    Process,
}

/// How far a process is that makes a slice of a run, by its lines. Counters of steps begin at 0 in every process, so where it is in
/// the run follows from where it began.
#[derive(Debug, Clone)]
pub struct SliceProgress {
    epochs: u32,
    began: u32,
    counting: Counting,
    planned: u32,
    epoch: u32,
    step: u32,
    of: u32,
    losses: Losses,
    held_out: Option<f64>,
    not_a_number: bool,
}

/// The losses of a slice. A bar comes twice for a step, first with the loss of the step before: the last of them counts.
#[derive(Debug, Clone, Default)]
struct Losses {
    open: Option<(u32, f64)>,
    curve: Curve,
    alarm: Alarm,
    sum: f64,
    count: u32,
}

impl Losses {
    fn say(&mut self, step: u32, loss: f64) {
        if self.open.is_some_and(|(open, _)| open < step) {
            self.close();
        }
        self.open = Some((step, loss));
    }

    fn close(&mut self) {
        if let Some((step, loss)) = self.open.take() {
            self.curve.add(step, loss);
            self.alarm.add(loss);
            self.sum += loss;
            self.count += 1;
        }
    }
}

impl SliceProgress {
    /// Of a run of `epochs` with `epoch_steps` each, as planned; its process begins after `began` epochs.
    pub fn new(epochs: u32, epoch_steps: u32, began: u32, counting: Counting) -> Self {
        Self {
            epochs: epochs.max(1),
            began,
            counting,
            planned: epoch_steps.max(1),
            epoch: began,
            step: 0,
            of: 0,
            losses: Losses::default(),
            held_out: None,
            not_a_number: false,
        }
    }

    /// Takes in what a line told.
    pub fn hear(&mut self, told: &Told) {
        match told {
            Told::Step { step, of, loss, nan } => {
                (self.step, self.of) = (*step, *of);
                self.not_a_number |= nan;
                // The bar of step 0 has no step behind it.
                if let Some(loss) = loss.filter(|_| *step > 0) {
                    let step = self.step();
                    self.losses.say(step, loss);
                }
            }
            Told::Epoch { epoch, .. } => {
                self.epoch = match self.counting {
                    Counting::Run => *epoch,
                    Counting::Process => self.began.saturating_add(*epoch),
                };
            }
            Told::Validation { loss } => self.held_out = Some(*loss),
            Told::NotANumber => self.not_a_number = true,
            Told::Saved { .. } | Told::StateWhole | Told::OutOfMemory | Told::Failed | Told::Other => {}
        }
    }

    /// The epoch of the run that was announced last, from 1; before the first, how many were done.
    pub fn announced_epoch(&self) -> u32 {
        self.epoch
    }

    /// The epoch of the run that is being trained, from 1; before the first step, how many were done. Steps may be heard before the
    /// epoch they are of: they come another way.
    pub fn epoch(&self) -> u32 {
        self.epoch.max(self.began.saturating_add(self.step.div_ceil(self.epoch_steps().max(1))))
    }

    /// Steps of an epoch: as the process says, where pictures of several shapes fill more batches than were planned.
    pub fn epoch_steps(&self) -> u32 {
        let counted = match self.counting {
            Counting::Run => self.epochs,
            Counting::Process => self.epochs.saturating_sub(self.began).max(1),
        };
        if self.of >= counted { self.of.div_ceil(counted) } else { self.planned }
    }

    /// Step of the run, from 1; 0 before the first.
    pub fn step(&self) -> u32 {
        self.began.saturating_mul(self.epoch_steps()).saturating_add(self.step)
    }

    /// Step of the epoch, 0..=[`Self::epoch_steps`].
    pub fn step_of_epoch(&self) -> u32 {
        let before = self.epoch().saturating_sub(self.began.saturating_add(1)).saturating_mul(self.epoch_steps());
        self.step.saturating_sub(before).min(self.epoch_steps())
    }

    /// Steps of this process.
    pub fn steps(&self) -> u32 {
        self.step
    }

    /// Steps this process makes until the end of epoch `to` of the run.
    pub fn steps_until(&self, to: u32) -> u32 {
        to.saturating_sub(self.began).saturating_mul(self.epoch_steps())
    }

    /// The loss as it was said last; `None`: none was.
    pub fn loss(&self) -> Option<f64> {
        self.losses.open.map(|(_, loss)| loss).or_else(|| self.losses.curve.points.last().map(|point| point.loss))
    }

    /// Mean of the losses of all steps so far; `None`: none was said.
    pub fn mean_loss(&self) -> Option<f64> {
        let (open, one) = self.losses.open.map_or((0.0, 0), |(_, loss)| (loss, 1));
        let count = self.losses.count + one;
        (count > 0).then(|| (self.losses.sum + open) / f64::from(count))
    }

    /// Losses by step of the run, at most [`MOST_POINTS`].
    pub fn curve(&self) -> Vec<LossPoint> {
        let mut losses = self.losses.clone();
        losses.close();
        losses.curve.points
    }

    /// Loss on pictures that were held out, as it was said last.
    pub fn held_out_loss(&self) -> Option<f64> {
        self.held_out
    }

    /// The loss is not a number any more, or the mean of the last 50 steps is more than three times the lowest of 50 steps before.
    pub fn exploded(&self) -> bool {
        self.not_a_number || self.losses.alarm.rings()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u32, loss: f64) -> Told {
        Told::Step { step, of: 1000, loss: Some(loss), nan: false }
    }

    #[test]
    fn where_it_is_in_the_run_follows_from_where_it_began() {
        let mut progress = SliceProgress::new(3, 7, 1, Counting::Run);
        assert_eq!((progress.epoch(), progress.step(), progress.epoch_steps()), (1, 7, 7));
        progress.hear(&Told::Epoch { epoch: 2, of: 3 });
        progress.hear(&Told::Step { step: 5, of: 24, loss: Some(0.5), nan: false });
        assert_eq!((progress.epoch(), progress.epoch_steps(), progress.step()), (2, 8, 13), "as the bar says");
        assert_eq!((progress.step_of_epoch(), progress.steps_until(2)), (5, 8));
        progress.hear(&Told::Epoch { epoch: 3, of: 3 });
        progress.hear(&Told::Step { step: 9, of: 24, loss: Some(0.4), nan: false });
        assert_eq!((progress.step_of_epoch(), progress.step()), (1, 17));
        let mut anew = SliceProgress::new(3, 8, 1, Counting::Process);
        anew.hear(&Told::Epoch { epoch: 1, of: 2 });
        anew.hear(&Told::Step { step: 3, of: 16, loss: None, nan: false });
        assert_eq!((anew.epoch(), anew.epoch_steps(), anew.step()), (2, 8, 11));
    }

    #[test]
    fn the_last_bar_of_a_step_has_its_loss_and_curves_stay_short() {
        let mut progress = SliceProgress::new(1, 1000, 0, Counting::Run);
        progress.hear(&step(0, 9.0));
        progress.hear(&step(1, 9.0));
        progress.hear(&step(1, 0.5));
        progress.hear(&step(2, 0.5));
        progress.hear(&step(2, 0.3));
        assert_eq!(progress.curve(), [LossPoint { step: 1, loss: 0.5 }, LossPoint { step: 2, loss: 0.3 }]);
        assert_eq!((progress.loss(), progress.mean_loss()), (Some(0.3), Some(0.4)));
        for at in 3..=1000 {
            progress.hear(&step(at, 0.4));
        }
        let curve = progress.curve();
        assert!(curve.len() <= MOST_POINTS && curve.len() >= MOST_POINTS / 2, "{}", curve.len());
        assert!(curve.windows(2).all(|two| two[0].step < two[1].step));
        assert!(!progress.exploded());
    }

    #[test]
    fn a_loss_that_explodes_is_seen_and_one_that_only_wavers_is_not() {
        let mut progress = SliceProgress::new(1, 1000, 0, Counting::Run);
        for at in 1..=100 {
            progress.hear(&step(at, if at % 2 == 0 { 0.05 } else { 0.15 }));
        }
        for at in 101..=140 {
            progress.hear(&step(at, 0.2));
            assert!(!progress.exploded());
        }
        for at in 141..=260 {
            progress.hear(&step(at, 2.0));
        }
        assert!(progress.exploded());
        let mut nan = SliceProgress::new(1, 10, 0, Counting::Run);
        nan.hear(&Told::Step { step: 1, of: 10, loss: None, nan: true });
        assert!(nan.exploded());
    }
}
