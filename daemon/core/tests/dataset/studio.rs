//! A studio in numbers: it stores rows and does what the rules say, while somebody does everything at the wrong time.

use studio_core::{
    chance::Chance,
    dataset::{
        Cell, Dataset, DatasetSettings, Day, Decided, Decider, Effect, Event, Ledger, Limits, Pause, PictureState,
        Rejection, Request, RequestState, Summary, Tried, Wait, moment, step,
    },
    ids::{CharacterId, PictureId},
    units::{Millis, Seed},
};
use uuid::Uuid;

pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;
/// The owner is two hours east.
const EAST: i64 = 2 * HOUR;

/// A rule that is taken out, to see who notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    Nothing,
    Daily,
    DaysOfASetClock,
    InFlight,
    StudioWide,
    PendingBuffer,
    Cooldown,
    Rejections,
    OrderOfDecisions,
    Target,
    Vain,
    Batch,
    Rest,
    Disk,
    Switch,
    Person,
    Energy,
    Rows,
}

/// What somebody does.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    Wait { ms: i64 },
    Jump { ms: i64 },
    Make { fails: bool, copy: bool },
    Judge,
    Decide { good: bool },
    TakeBack,
    Upload { approved: bool },
    Target(u32),
    Daily(u32),
    Buffer(u32),
    Batch(u32),
    Rejections(u32),
    Switch(bool),
    Resume,
    Rest,
    Restart,
    JudgeAway(bool),
    Disk(bool),
    Energy(bool),
    Others(u32),
    Poke(Event),
}

/// The studio.
pub struct Studio {
    pub dataset: Dataset,
    pub pictures: Vec<Summary>,
    pub requests: Vec<Request>,
    pub limits: Limits,
    pub now: Millis,
    pub wake: Option<Millis>,
    /// The day whose energy is used up, while it is.
    energy_of: Millis,
    pub steps: u32,
    /// Whether the judge is wrong, and how often it leaves it to a person.
    pub error: f64,
    pub unsure: f64,
    without: Without,
    chance: Chance,
    /// Rejections in a row as they really came.
    in_a_row: u32,
    /// What a studio would remember that does not look at its rows.
    remembered: u32,
    next: u128,
}

impl Studio {
    pub fn new(seed: u64, without: Without) -> Self {
        let mut chance = Chance::of(seed, "studio of datasets");
        let character = CharacterId(Uuid::from_u128(7));
        let dataset = Dataset { replenish: true, ..Dataset::new(character) };
        Self {
            dataset,
            pictures: Vec::new(),
            requests: Vec::new(),
            limits: Limits::default(),
            now: Millis(1000 * DAY + 20 * HOUR),
            wake: None,
            energy_of: Millis(0),
            steps: 0,
            error: chance.between(0.0, 0.6),
            unsure: chance.between(0.0, 0.5),
            without,
            chance,
            in_a_row: 0,
            remembered: 0,
            next: 1,
        }
    }

    pub fn settings(&mut self) -> &mut DatasetSettings {
        &mut self.dataset.settings
    }

    pub fn day(&self) -> Day {
        let began = (self.now.0 + EAST).div_euclid(DAY) * DAY - EAST;
        Day { began: Millis(began), ends: Millis(began + DAY) }
    }

    pub fn ledger(&self) -> Ledger {
        Ledger::of(&self.dataset, &self.pictures, &self.requests, self.day(), self.now)
    }

    pub fn count(&self, state: PictureState) -> u32 {
        self.pictures.iter().filter(|one| one.state == state && !one.copy).count() as u32
    }

    fn open(&self) -> u32 {
        self.requests.iter().filter(|one| one.state == RequestState::Open).count() as u32
    }

    /// What the rules say now; with one of them taken out, they are told something else.
    pub fn rules(&self, event: Event) -> Vec<Effect> {
        let (mut dataset, mut ledger, mut limits) = (self.dataset.clone(), self.ledger(), self.limits);
        match self.without {
            Without::Nothing | Without::OrderOfDecisions | Without::Rest => {}
            Without::Daily => ledger.asked_today = 0,
            Without::DaysOfASetClock => {
                let past: Vec<Request> = self.requests.iter().filter(|one| one.at <= self.now).cloned().collect();
                ledger = Ledger::of(&dataset, &self.pictures, &past, self.day(), self.now);
            }
            Without::InFlight => ledger.in_flight = 0,
            Without::StudioWide => limits.filling = 0,
            Without::PendingBuffer => (ledger.awaiting, ledger.unjudged) = (0, 0),
            Without::Cooldown => ledger.cooldown_until = None,
            Without::Rejections => ledger.rejected.clear(),
            Without::Target => dataset.settings.target = 500,
            Without::Vain => ledger.vain = 0,
            Without::Batch => dataset.settings.batch = 12,
            Without::Disk => limits.disk_ok = true,
            Without::Switch => dataset.replenish = true,
            Without::Person => dataset.paused = dataset.paused.filter(|pause| !matches!(pause, Pause::Person { .. })),
            Without::Energy => limits.energy_ok = true,
            Without::Rows => ledger.asked_today = self.remembered,
        }
        let mut effects = step(&dataset, &ledger, &limits, self.day(), self.now, event);
        if self.without == Without::Rest && matches!(effects[..], [Effect::Nothing(_)]) {
            effects.push(Effect::WakeAt(self.now));
        }
        effects
    }

    /// Looks, and does what follows.
    pub fn look(&mut self, event: Event) -> Result<(), String> {
        self.steps += 1;
        self.wake = None;
        // Another day has its own, also one that the clock was set back to.
        self.limits.energy_ok |= self.day().began != self.energy_of;
        for effect in self.rules(event) {
            match effect {
                Effect::Round { pictures, .. } => self.round(pictures)?,
                Effect::Pause(pause) => self.dataset.paused = Some(pause),
                Effect::WakeAt(at) if at <= self.now => return Err("rest: it would look again at once".into()),
                Effect::WakeAt(at) => self.wake = Some(at),
                Effect::Nothing(_) => {}
            }
        }
        let most = self.dataset.settings.rejections;
        if self.dataset.replenish && self.dataset.paused.is_none() && self.in_a_row >= most {
            return Err(format!("rejections: {} in a row and it goes on", self.in_a_row));
        }
        Ok(())
    }

    /// Asks for pictures, if nothing speaks against it.
    fn round(&mut self, pictures: u32) -> Result<(), String> {
        let settings = &self.dataset.settings;
        let cooldown = i64::from(settings.cooldown_s) * 1000;
        let today = self.requests.iter().filter(|one| self.day().has(one.at)).count() as u32;
        let coming = self.count(PictureState::Pending) + self.open() + pictures;
        let near = self.requests.iter().any(|one| (one.at.0 - self.now.0).abs() < cooldown);
        let faults = [
            (!self.dataset.replenish, "off: it was not switched on"),
            (self.dataset.paused.is_some(), "paused: it was to rest"),
            (pictures == 0 || pictures > settings.batch, "batch: too many at a time"),
            (self.open() > 0, "in flight: a round before the last is over"),
            (self.limits.filling >= self.limits.most_filling, "studio: too many datasets at a time"),
            (today + pictures > settings.daily, "daily: too many in a day"),
            (near, "cooldown: too soon"),
            (coming > settings.pending, "pending: more would wait than may"),
            (self.count(PictureState::Approved) + coming > settings.target, "target: more than are wanted"),
            (self.in_a_row >= settings.rejections, "rejections: it goes on"),
            (!self.limits.disk_ok, "disk: no room"),
            (!self.limits.energy_ok, "energy: the day's is used up"),
        ];
        if let Some((_, fault)) = faults.into_iter().find(|(wrong, _)| *wrong) {
            return Err(fault.into());
        }
        for _ in 0..pictures {
            let asked = Cell::from([("framing".into(), "face".into())]);
            self.requests.push(Request {
                at: self.now,
                state: RequestState::Open,
                asked,
                tried: Tried::default(),
                seed: Seed(self.requests.len() as u64),
            });
        }
        self.remembered += pictures;
        Ok(())
    }

    /// A picture comes in.
    fn add(&mut self, generated: bool, copy: bool, state: PictureState) {
        let cell = Cell::from([("framing".into(), "face".into())]);
        let decided = (state != PictureState::Pending).then(|| self.decided(Decider::Person, Vec::new()));
        let id = PictureId(Uuid::from_u128(self.next));
        self.next += 1;
        self.pictures.push(Summary {
            id,
            state,
            generated,
            copy,
            judged: !generated,
            asked: cell.clone(),
            cell,
            model: String::new(),
            tried: Tried::default(),
            decided,
            created: self.now,
        });
    }

    fn moment(&self) -> Millis {
        if self.without == Without::OrderOfDecisions {
            self.now
        } else {
            let decided = self.pictures.iter().filter_map(|one| Some(one.decided.as_ref()?.at));
            moment(&self.dataset, decided.max(), self.now)
        }
    }

    fn decided(&self, by: Decider, categories: Vec<Rejection>) -> Decided {
        Decided { by, at: self.moment(), categories }
    }

    fn decide(&mut self, at: usize, by: Decider, good: bool) {
        let categories = if good { Vec::new() } else { vec![Rejection::Blurry] };
        let decided = self.decided(by, categories);
        let picture = &mut self.pictures[at];
        picture.judged = true;
        picture.state = if good { PictureState::Approved } else { PictureState::Rejected };
        picture.decided = Some(decided);
        if picture.generated {
            self.in_a_row = if good { 0 } else { self.in_a_row + 1 };
        }
    }

    /// What the engine does with the next thing it was asked for.
    pub fn make(&mut self, fails: bool, copy: bool) -> Result<bool, String> {
        let Some(at) = self.requests.iter().position(|one| one.state == RequestState::Open) else { return Ok(false) };
        self.requests[at].state = if fails { RequestState::Failed } else { RequestState::Made };
        if !fails {
            self.add(true, copy, PictureState::Pending);
        }
        self.look(Event::Made)?;
        Ok(true)
    }

    /// What the judge does with the next picture.
    pub fn judge(&mut self) -> Result<bool, String> {
        let waits = |one: &Summary| one.is_open() && !one.judged;
        let Some(at) = self.pictures.iter().position(waits).filter(|_| !self.limits.judge_away) else {
            return Ok(false);
        };
        if self.chance.happens(self.unsure) {
            self.pictures[at].judged = true;
        } else {
            let good = !self.chance.happens(self.error);
            self.decide(at, Decider::Judge, good);
        }
        self.look(Event::Judged)?;
        Ok(true)
    }

    /// Time passes; whoever wanted to be woken is.
    pub fn pass(&mut self, ms: i64) -> Result<(), String> {
        let until = self.now.after(ms);
        while let Some(at) = self.wake.filter(|at| *at <= until) {
            self.now = at;
            self.look(Event::Woken)?;
        }
        self.now = until;
        Ok(())
    }

    pub fn act(&mut self, act: Act) -> Result<(), String> {
        let all = |waits: &dyn Fn(&Summary) -> bool, pictures: &[Summary]| pictures.iter().position(waits);
        match act {
            Act::Wait { ms } => return self.pass(ms),
            Act::Jump { ms } => {
                self.now = Millis((self.now.0 + ms).max(0));
                return self.look(Event::Woken);
            }
            Act::Make { fails, copy } => return self.make(fails, copy).map(drop),
            Act::Judge => return self.judge().map(drop),
            Act::Decide { good } => {
                let Some(at) = all(&|one| one.is_open() && one.judged, &self.pictures) else { return Ok(()) };
                self.decide(at, Decider::Person, good);
            }
            Act::TakeBack => {
                let Some(at) = all(&|one| one.state == PictureState::Approved, &self.pictures) else { return Ok(()) };
                (self.pictures[at].state, self.pictures[at].decided) = (PictureState::Pending, None);
                // Taken back, it may be the only thing that stood between two rows of rejections.
                self.in_a_row = self.ledger().rejected.len() as u32;
            }
            Act::Upload { approved } => {
                self.add(false, false, if approved { PictureState::Approved } else { PictureState::Pending });
            }
            Act::Target(target) => self.settings().target = target,
            Act::Daily(daily) => self.settings().daily = daily,
            Act::Buffer(pending) => self.settings().pending = pending,
            Act::Batch(batch) => self.settings().batch = batch,
            Act::Rejections(rejections) => self.settings().rejections = rejections,
            Act::Switch(on) => {
                if on && !self.dataset.replenish {
                    self.begin();
                }
                self.dataset.replenish = on;
            }
            Act::Resume if self.dataset.paused.is_some() => self.begin(),
            Act::Resume => {}
            Act::Rest => self.dataset.paused = Some(Pause::Person { at: self.now }),
            Act::Restart => return self.restart(),
            Act::JudgeAway(away) => self.limits.judge_away = away,
            Act::Disk(ok) => self.limits.disk_ok = ok,
            Act::Energy(ok) => {
                self.limits.energy_ok = ok;
                self.energy_of = self.day().began;
            }
            Act::Others(filling) => self.limits.filling = filling,
            Act::Poke(event) => return self.look(event),
        }
        self.look(Event::Settings)
    }

    /// A person lets it begin, or go on.
    fn begin(&mut self) {
        self.dataset.since = self.moment().after(1);
        self.dataset.paused = None;
        self.in_a_row = 0;
    }

    /// What is not stored is lost.
    fn restart(&mut self) -> Result<(), String> {
        let before = self.rules(Event::Started);
        self.remembered = 0;
        if self.rules(Event::Started) != before {
            return Err("rows: a restart decides otherwise".into());
        }
        self.look(Event::Started)
    }

    /// Nobody does anything any more but the studio itself: it must come to rest.
    pub fn settle(&mut self) -> Result<Wait, String> {
        self.look(Event::Woken)?;
        for _ in 0..4_000 {
            if self.make(false, self.without == Without::Vain)? || self.judge()? {
                continue;
            }
            let Some(at) = self.wake else {
                return match self.rules(Event::Woken).into_iter().next() {
                    Some(Effect::Nothing(wait)) => Ok(wait),
                    other => Err(format!("rest: {other:?} and nobody does it")),
                };
            };
            self.pass(at.0 - self.now.0)?;
        }
        Err("rest: it never does".into())
    }
}
