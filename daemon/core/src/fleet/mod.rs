//! Fleet: cards, the engines' processes on them, what is loaded, and every task that is not finished.
//!
//! Only [`crate::schedule::step`] changes it. Everything in it can be made again from the store, the engines and the
//! cards.

mod away;
mod card;
mod queue;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

pub use away::{Away, Revival, sentence};
pub(crate) use card::{Card, Change, Loaded, Quarantine, Seat};
pub use card::{CardFacts, Holds, LoadState, ModelFacts, Resident, SeatFacts};
pub(crate) use queue::Queue;
pub use rules::{Limits, Patience, Policy, Retrying, Rules, Sickness, Yielding};
use serde::{Deserialize, Serialize};

pub use crate::pause::{Pause, PauseReason};
use crate::{durations::Habits, ids::TaskId, task::Class, units::Millis};

/// Cards, engines and unfinished tasks.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    pub(crate) rules: Rules,
    pub(crate) cards: BTreeMap<String, Card>,
    pub(crate) seats: BTreeMap<String, Seat>,
    pub(crate) models: BTreeMap<String, ModelFacts>,
    pub(crate) tasks: BTreeMap<TaskId, Entry>,
    /// Tasks whose needs are met.
    pub(crate) ready: BTreeMap<Group, Queue>,
    /// Tasks in a back-off pause, soonest first.
    pub(crate) resting: BTreeSet<(Millis, TaskId)>,
    /// When ready tasks run out of patience, soonest first.
    pub(crate) deadlines: BTreeSet<(Millis, TaskId)>,
    /// Who waits for whom: finished task -> tasks that need it.
    pub(crate) dependents: BTreeMap<TaskId, BTreeSet<TaskId>>,
    /// Who may begin early from which take.
    pub(crate) begins: BTreeMap<TaskId, BTreeSet<TaskId>>,
    /// Takes that do not count, and those that may count instead.
    pub(crate) superseded: BTreeMap<TaskId, Option<TaskId>>,
    /// Blocked tasks that may begin early now.
    pub(crate) speculative_ready: BTreeSet<TaskId>,
    /// Reviews whose take is made, by what would be made again.
    pub(crate) judging: BTreeMap<Group, BTreeSet<TaskId>>,
    /// What all unfinished tasks of a model take, in milliseconds, as guessed when they came.
    pub(crate) left_ms: BTreeMap<Group, u64>,
    pub(crate) submitted: i64,
    pub(crate) habits: Habits,
    pub(crate) pauses: BTreeMap<Scope, Pause>,
    /// All cards together drew too much, and do not draw little enough yet.
    pub(crate) over_power: bool,
    /// The fleet's own time, which never goes back.
    pub(crate) now: Millis,
    /// What the clock said last, and how far the fleet's time is ahead of it, in milliseconds.
    pub(crate) clock: Option<Millis>,
    pub(crate) skew_ms: i64,
    /// When something must be looked at again although nothing happens.
    pub(crate) look_again: Option<Millis>,
    /// What will rest when, as far as that is known; only who runs the fleet forward in thought asks.
    pub(crate) rests: Vec<Rest>,
}

/// Tasks that want the same model of the same engine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Group {
    pub engine: String,
    /// Empty for engines without models.
    pub model: String,
}

/// A task that is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own, and all of them may be true")]
pub(crate) struct Entry {
    pub group: Group,
    /// Engine, model, size, length: what makes durations comparable.
    pub kind: String,
    pub project: String,
    pub class: Class,
    pub pinned: bool,
    pub order: i64,
    pub stage: Stage,
    /// Unfinished tasks it needs.
    pub needs: BTreeMap<TaskId, Link>,
    pub strikes: u32,
    /// How often what it needs was away, one time after another.
    pub absences: u32,
    pub stopping: bool,
    pub held: bool,
    /// Seats that cannot do it.
    pub avoid: BTreeSet<String>,
    pub guess_ms: u64,
    /// Memory in MiB beyond what the catalogue says of its model; 0 when it needs no more.
    pub need_mib: u64,
    /// Since when it could run.
    pub ready_since: Millis,
    /// It has waited longer than its class's patience.
    pub due: bool,
    /// The longest way from its end to the end of everything that needs it, in milliseconds.
    pub tail_ms: u64,
    pub seat: String,
    pub started: Millis,
    /// When it began to compute; later than `started` behind others in a seat.
    pub began: Option<Millis>,
    /// It was started from a take nobody has judged yet.
    pub speculative: bool,
    /// The take it may speculatively begin from.
    pub begins: Option<TaskId>,
    /// Whose takes it judges.
    pub judges: Option<Group>,
    /// The only seat it may run in.
    pub only: Option<String>,
}

/// How one task needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    /// It can do without.
    pub optional: bool,
    /// When this one is done it may begin speculatively.
    pub speculative: Option<TaskId>,
}

/// Where an unfinished task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Blocked,
    Ready,
    Resting(Millis),
    Running,
    /// Its speculative attempt is done; nobody has judged what it started from.
    Ahead,
}

/// What a pause is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what", content = "name")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Scope {
    /// The whole studio.
    Studio,
    /// One card, by its PCI address or the name of the server that has it.
    Gpu(String),
    /// One engine with all its processes, by its name, e.g. `comfy`.
    Engine(String),
    /// Everything made for one project, by its slug.
    Project(String),
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Studio => write!(f, "the studio"),
            Self::Gpu(name) => write!(f, "card {name}"),
            Self::Engine(name) => write!(f, "engine {name}"),
            Self::Project(name) => write!(f, "project {name}"),
        }
    }
}

/// A stretch of time in which something will rest, known ahead: quiet hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// What will rest then.
    pub scope: Scope,
    /// When it begins, by the clock.
    pub from: Millis,
    /// When it ends, by the clock.
    pub until: Millis,
    /// Running attempts are interrupted, and made again later.
    pub hard: bool,
}

impl Rest {
    /// The end of a rest that has none.
    pub const NEVER: Millis = Millis(i64::MAX / 2);
}

impl Fleet {
    /// An empty fleet.
    pub fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Hears what the clock says; how far the fleet's time is ahead of it, in milliseconds.
    pub(crate) fn tell_time(&mut self, clock: Millis) -> i64 {
        if let Some(before) = self.clock.filter(|before| *before > clock) {
            self.skew_ms += before.0 - clock.0;
        }
        self.clock = Some(clock);
        self.now = clock.after(self.skew_ms);
        self.skew_ms
    }

    /// Tasks that are not finished.
    pub fn unfinished(&self) -> usize {
        self.tasks.len()
    }

    /// Tasks that run now.
    pub fn running(&self) -> impl Iterator<Item = TaskId> + '_ {
        self.seats.values().flat_map(|seat| seat.inside.iter().copied())
    }

    /// Whether the task is known and not finished.
    pub fn knows(&self, task: TaskId) -> bool {
        self.tasks.contains_key(&task)
    }

    /// Says what will rest when, for whoever runs the fleet forward in thought; nothing rests because of it now.
    pub fn foresee(&mut self, rests: Vec<Rest>) {
        let ahead =
            |rest: Rest| Rest { from: rest.from.after(self.skew_ms), until: rest.until.after(self.skew_ms), ..rest };
        self.rests = rests.into_iter().map(ahead).collect();
    }

    /// The unfinished task that is first in the order of submission, as people moved it.
    pub fn first(&self) -> Option<TaskId> {
        self.tasks.iter().min_by_key(|(_, entry)| entry.order).map(|(task, _)| *task)
    }

    /// Whether a running task stands on a take nobody has judged yet.
    pub fn is_speculative(&self, task: TaskId) -> bool {
        self.tasks.get(&task).is_some_and(|entry| entry.speculative && !entry.needs.is_empty())
    }

    /// Models that are loaded in a seat, as far as the scheduler knows, and that nothing in it uses.
    pub fn idle_in(&self, seat: &str) -> Vec<String> {
        let Some(seat) = self.seats.get(seat) else { return Vec::new() };
        let used: Vec<_> = seat.inside.iter().filter_map(|task| Some(&self.tasks.get(task)?.group.model)).collect();
        let here = seat.loaded.iter().filter(|(_, one)| one.state == card::LoadState::Here);
        here.map(|(model, _)| model.clone()).filter(|model| !used.contains(&model)).collect()
    }

    /// Ready tasks for a model in a seat, in the order of submission, at most `most`.
    pub fn ready_for(&self, seat: &str, model: &str, most: usize) -> Vec<TaskId> {
        let Some(seat) = self.seats.get(seat) else { return Vec::new() };
        let group = Group { engine: seat.facts.engine.clone(), model: model.to_owned() };
        self.ready.get(&group).map_or_else(Vec::new, |queue| queue.ranks.iter().take(most).map(|rank| rank.3).collect())
    }

    /// How many models a seat holds; one when nobody knows it.
    pub fn holds(&self, seat: &str) -> Holds {
        self.seats.get(seat).map(|seat| seat.facts.holds).unwrap_or_default()
    }

    /// The card of a seat.
    pub fn card_of(&self, seat: &str) -> Option<&str> {
        self.seats.get(seat)?.facts.card.as_deref()
    }

    /// What is booked on a card, in MiB.
    pub fn booked_on(&self, card: &str) -> u64 {
        self.booked_mib(card)
    }

    /// What is learned of durations.
    pub fn habits(&self) -> &Habits {
        &self.habits
    }

    /// The rules in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What rests, and why.
    pub fn pauses(&self) -> impl Iterator<Item = (&Scope, &Pause)> {
        self.pauses.iter()
    }

    /// Memory a task needs on a card, in MiB: the learned peak, else the catalogue's figure.
    pub(crate) fn need_mib(&self, entry: &Entry, card: &str) -> u64 {
        let group = &entry.group;
        let known = self.models.get(&group.model).map_or(0, |model| model.vram_mib);
        self.habits.peak_mib(&group.engine, &group.model, &entry.kind, card).unwrap_or(known.max(entry.need_mib))
    }

    /// How long a task takes on a card, in milliseconds.
    pub(crate) fn usual_ms(&self, entry: &Entry, card: &str) -> u64 {
        let group = &entry.group;
        let usual = self.habits.usual(&group.engine, &group.model, &entry.kind, card);
        let elsewhere = || self.habits.elsewhere_ms(&group.engine, &group.model, &entry.kind, card);
        let guess = || (entry.guess_ms as f64 * self.habits.pace(&group.engine, card)) as u64;
        usual.map(|usual| usual.median_ms).or_else(elsewhere).unwrap_or_else(guess)
    }

    /// How long a model takes to come, in milliseconds.
    pub(crate) fn load_ms(&self, engine: &str, model: &str, card: &str) -> u64 {
        let known = self.models.get(model).copied().unwrap_or_default();
        self.habits.load_ms(engine, model, card).unwrap_or(known.load_ms)
    }

    pub(crate) fn seats_on<'a>(&'a self, card: &'a str) -> impl Iterator<Item = (&'a String, &'a Seat)> {
        self.seats.iter().filter(move |(_, seat)| seat.facts.card.as_deref() == Some(card))
    }

    /// What is booked on a card, in MiB; what is on its way out counts no more.
    pub(crate) fn booked_mib(&self, card: &str) -> u64 {
        let loaded = self.seats_on(card).flat_map(|(_, seat)| seat.loaded.values());
        loaded.filter(|one| one.state != LoadState::Leaving).map(|one| one.mib).sum()
    }

    /// The pause a group of a project is under, on a card.
    pub(crate) fn paused(&self, engine: &str, card: Option<&str>, project: &str) -> Option<(&Scope, &Pause)> {
        self.pauses.iter().find(|(scope, _)| match scope {
            Scope::Studio => true,
            Scope::Gpu(name) => card == Some(name),
            Scope::Engine(name) => name == engine,
            Scope::Project(name) => name == project,
        })
    }

    /// Whether anything at all can be started in a seat now.
    pub(crate) fn usable(&self, seat: &Seat) -> bool {
        let resting = seat.quarantine.as_ref().is_some_and(|q| q.until > self.now || q.probe.is_some());
        let card = seat.facts.card.as_ref().and_then(|card| self.cards.get(card));
        let card_ok = card.is_none_or(|card| card.here && !card.hot && !card.taken);
        let power_ok = card.is_none() || !self.over_power;
        let spaced = seat.spaced_until().is_none_or(|at| at <= self.now);
        seat.here && !resting && card_ok && power_ok && spaced
    }
}
