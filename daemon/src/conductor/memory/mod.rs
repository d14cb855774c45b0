//! Memory: what the conductor keeps in mind, in parts. Everything in it can be made again from the store.

mod attempts;
mod controls;
mod episode_run;
mod loads;
mod offers;
mod pulse;
mod quiet;
mod remade;
mod work;

use studio_core::fleet::Fleet;
use tokio::sync::mpsc;

use self::{attempts::Attempts, loads::Loads, offers::Offers, pulse::Pulse, quiet::Quiet, remade::Remade, work::Work};
pub(super) use self::{
    attempts::Running,
    controls::Controls,
    episode_run::{EpisodeRun, TaskRef},
    quiet::Rest,
};
use super::{Context, inbox::Message};

/// The conductor's memory. What it does is in the rooms beside it, each for one kind of event.
pub(super) struct Studio {
    /// What it works with.
    pub context: Context,
    /// What it says to itself comes in here.
    pub inbox: mpsc::Sender<Message>,
    /// Cards, seats, models and tasks, as the scheduler knows them.
    pub fleet: Fleet,
    /// What is being made.
    pub work: Work,
    /// Attempts that run, or may since the studio was closed.
    pub attempts: Attempts,
    /// Files that were asked for again.
    pub remade: Remade,
    /// What engines and cards have said of themselves.
    pub offers: Offers,
    /// Hours in which something rests.
    pub quiet: Quiet,
    /// Models nobody has seen come yet.
    pub loads: Loads,
    /// What people want of single tasks.
    pub controls: Controls,
    /// How the loop stands.
    pub pulse: Pulse,
}

impl Studio {
    /// A studio that knows nothing yet.
    pub fn new(context: Context, inbox: mpsc::Sender<Message>) -> Self {
        Self {
            context,
            inbox,
            fleet: Fleet::default(),
            work: Work::default(),
            attempts: Attempts::default(),
            remade: Remade::default(),
            offers: Offers::default(),
            quiet: Quiet::default(),
            loads: Loads::default(),
            controls: Controls::default(),
            pulse: Pulse::default(),
        }
    }
}
