//! Replenishment: when the studio asks for pictures by itself, and why it does not.
//!
//! Everything follows from stored rows ([`Ledger`]), the settings and the time, so a restart changes nothing and events
//! only say that it is worth looking again. Nothing here polls: [`Effect::WakeAt`] is given only where time alone
//! changes the answer, and always lies ahead.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Dataset, Pause, PictureState, Rejection, Request, RequestState, Summary};
use crate::units::Millis;

/// Pictures that come to nothing one after another, whatever the reason, before it rests: nothing goes on for ever.
pub const VAIN: u32 = 30;

/// A day of the owner's time zone: from its first moment up to, and without, the first of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Its first moment.
    pub began: Millis,
    /// The first moment of the next day; 23 to 25 hours later.
    pub ends: Millis,
}

impl Day {
    /// Whether a moment is in it.
    pub fn has(self, at: Millis) -> bool {
        self.began <= at && at < self.ends
    }
}

/// What stored rows say of a dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Approved pictures, however they came in.
    pub approved: u32,
    /// Pictures that wait for a person.
    pub awaiting: u32,
    /// Pictures that wait for the judge.
    pub unjudged: u32,
    /// Pictures that were asked for and are not there.
    pub in_flight: u32,
    /// Pictures the studio asked for in this day of the owner.
    pub asked_today: u32,
    /// Until when the last round keeps the next away; `None`: it does not. Also of a round the clock was set back from.
    pub cooldown_until: Option<Millis>,
    /// What was wrong with each picture the studio made that was rejected since the last one was approved, and since it
    /// was switched on or resumed; the newest first.
    pub rejected: Vec<Vec<Rejection>>,
    /// Pictures the studio asked for that came to nothing, rejected ones, near-duplicates and failed ones, since the last
    /// one was approved, and since it was switched on or resumed.
    pub vain: u32,
}

impl Ledger {
    /// What the rows of a dataset say at `now`, which is in `day`. `pictures` and `requests`: all there are.
    ///
    /// Days and cooldowns go by what the clock said when something was asked for: a clock that is set back finds the
    /// day's pictures again, and one that was far ahead blocks nothing.
    pub fn of(dataset: &Dataset, pictures: &[Summary], requests: &[Request], day: Day, now: Millis) -> Self {
        let count = |fits: &dyn Fn(&Summary) -> bool| pictures.iter().filter(|one| fits(one)).count() as u32;
        let cooldown = i64::from(dataset.settings.cooldown_s) * 1000;
        let near = requests.iter().map(|one| one.at).filter(|at| at.0.abs_diff(now.0) < cooldown as u64);
        Self {
            approved: count(&|one| one.state == PictureState::Approved),
            awaiting: count(&|one| one.is_open() && one.judged),
            unjudged: count(&|one| one.is_open() && !one.judged),
            in_flight: requests.iter().filter(|one| one.state == RequestState::Open).count() as u32,
            asked_today: requests.iter().filter(|one| day.has(one.at)).count() as u32,
            cooldown_until: near.max().map(|at| at.after(cooldown)),
            rejected: rejected_in_a_row(dataset, pictures),
            vain: vain(dataset, pictures, requests),
        }
    }

    /// Pictures that may still be approved: made, or asked for.
    fn coming(&self) -> u32 {
        self.awaiting + self.unjudged + self.in_flight
    }
}

/// What was wrong with the last rejected pictures, the newest first.
fn rejected_in_a_row(dataset: &Dataset, pictures: &[Summary]) -> Vec<Vec<Rejection>> {
    let mut decided: Vec<_> = pictures
        .iter()
        .filter(|one| one.generated && !one.copy)
        .filter_map(|one| Some((one.decided.as_ref()?, one.id, one.state)))
        .filter(|(decided, ..)| decided.at >= dataset.since)
        .collect();
    decided.sort_by_key(|(decided, id, _)| std::cmp::Reverse((decided.at, *id)));
    let row = decided.into_iter().take_while(|(.., state)| *state == PictureState::Rejected);
    row.map(|(decided, ..)| decided.categories.clone()).collect()
}

/// How many pictures came to nothing since one was approved.
fn vain(dataset: &Dataset, pictures: &[Summary], requests: &[Request]) -> u32 {
    let own = || pictures.iter().filter(|one| one.generated);
    let at = |one: &Summary| one.decided.as_ref().map_or(one.created, |decided| decided.at);
    let approved = own().filter(|one| one.state == PictureState::Approved).map(at).max();
    let since = approved.map_or(dataset.since, |last| last.max(dataset.since));
    let lost = own().filter(|one| one.copy || one.state == PictureState::Rejected).map(at);
    let failed = requests.iter().filter(|one| one.state == RequestState::Failed).map(|one| one.at);
    lost.chain(failed).filter(|at| *at >= since).count() as u32
}

/// The moment to write down for a decision, or for switching on and resuming, so that the order of decisions is told by
/// their moments even when the clock was set back: `now`, or else just after what was before. `last`: when something was
/// decided of it last; `None`: nothing was.
pub fn moment(dataset: &Dataset, last: Option<Millis>, now: Millis) -> Millis {
    last.map_or(now, |last| now.max(last.after(1))).max(dataset.since)
}

/// What the rest of the studio allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Other datasets that have pictures in flight.
    pub filling: u32,
    /// Datasets that may have pictures in flight at a time.
    pub most_filling: u32,
    /// There is room on the disk.
    pub disk_ok: bool,
    /// The day's energy is not used up.
    pub energy_ok: bool,
    /// No judge answers at the moment.
    pub judge_away: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { filling: 0, most_filling: 2, disk_ok: true, energy_ok: true, judge_away: false }
    }
}

/// Why it is worth looking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Event {
    /// A picture was approved.
    Approved,
    /// A picture was rejected, or is no longer approved.
    Rejected,
    /// It was switched on or off, paused or resumed, or its settings are others.
    Settings,
    /// A day of the owner began.
    DayBegan,
    /// The studio started.
    Started,
    /// The moment of [`Effect::WakeAt`] came, or something else in the studio made room.
    Woken,
    /// A picture that was asked for is there, or came to nothing.
    Made,
    /// The judge has looked at a picture.
    Judged,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask for so many pictures, at least one.
    Round {
        /// How many at most.
        pictures: u32,
        /// What gave rise to it.
        on: Event,
    },
    /// Let it rest until a person resumes it.
    Pause(Pause),
    /// Look again then, with [`Event::Woken`]; a later one takes its place.
    WakeAt(Millis),
    /// Nothing is asked for, and why.
    Nothing(Wait),
}

/// Why nothing is asked for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Wait {
    /// Its owner has not switched it on.
    Off,
    /// It rests until a person resumes it.
    Paused {
        /// Why it rests.
        pause: Pause,
    },
    /// There are enough approved pictures.
    AtTarget {
        /// Approved pictures there are.
        approved: u32,
        /// How many are enough.
        target: u32,
    },
    /// What was asked for is being made.
    InFlight {
        /// How many pictures.
        pictures: u32,
    },
    /// As many pictures wait to be decided as may wait.
    Pending {
        /// How many wait for a person.
        awaiting: u32,
        /// How many wait for the judge.
        unjudged: u32,
        /// How many may wait: no more than are still wanted.
        most: u32,
    },
    /// As many wait as may wait, and no judge answers.
    JudgeAway {
        /// How many wait for the judge.
        unjudged: u32,
    },
    /// Others are being filled.
    Studio {
        /// How many of them.
        filling: u32,
    },
    /// The disk is full.
    Disk,
    /// The day's energy is used up.
    Energy,
    /// The day's pictures were asked for.
    Daily {
        /// How many were asked for.
        asked: u32,
        /// When the next day begins.
        until: Millis,
    },
    /// The last round was a moment ago.
    Cooldown {
        /// When the next may begin.
        until: Millis,
    },
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("it is switched off"),
            Self::Paused { pause } => pause.fmt(f),
            Self::AtTarget { approved, target } => write!(f, "{approved} of {target} pictures are approved"),
            Self::InFlight { pictures: 1 } => f.write_str("a picture is being made"),
            Self::InFlight { pictures } => write!(f, "{pictures} pictures are being made"),
            Self::Pending { awaiting, unjudged: 0, .. } => write!(f, "{awaiting} wait for a person"),
            Self::Pending { awaiting: 0, unjudged, .. } => write!(f, "{unjudged} wait for the judge"),
            Self::Pending { awaiting, unjudged, .. } => {
                write!(f, "{awaiting} wait for a person and {unjudged} for the judge")
            }
            Self::JudgeAway { unjudged } => write!(f, "no judge answers, and {unjudged} wait for it"),
            Self::Studio { filling } => write!(f, "{filling} other datasets are being filled"),
            Self::Disk => f.write_str("the disk is full"),
            Self::Energy => f.write_str("the day's energy is used up"),
            Self::Daily { asked: 0, .. } => f.write_str("it may ask for none a day"),
            Self::Daily { asked, .. } => write!(f, "{asked} were asked for today; it goes on tomorrow"),
            Self::Cooldown { .. } => f.write_str("the last round was a moment ago"),
        }
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person { .. } => f.write_str("a person let it rest"),
            Self::Rejections { count, common: Some(common), .. } => {
                write!(f, "{count} pictures in a row were rejected, most of them for {common}")
            }
            Self::Rejections { count, common: None, .. } => write!(f, "{count} pictures in a row were rejected"),
            Self::Hopeless { cells, .. } => {
                write!(f, "whatever is missing was tried too often in vain: {cells} combinations were given up")
            }
            Self::Vain { count, .. } => write!(f, "{count} pictures in a row came to nothing"),
        }
    }
}

/// How many pictures to ask for now, at least one; or why none.
///
/// # Errors
/// The reason that nothing is asked for: of several, the one a person would have to change first.
pub fn room(dataset: &Dataset, ledger: &Ledger, limits: &Limits, day: Day) -> Result<u32, Wait> {
    let settings = &dataset.settings;
    if !dataset.replenish {
        return Err(Wait::Off);
    }
    if let Some(pause) = &dataset.paused {
        return Err(Wait::Paused { pause: pause.clone() });
    }
    if ledger.approved >= settings.target {
        return Err(Wait::AtTarget { approved: ledger.approved, target: settings.target });
    }
    if ledger.in_flight > 0 {
        return Err(Wait::InFlight { pictures: ledger.in_flight });
    }
    // Whatever is coming may all be approved, and may all be left to a person.
    let most = settings.pending.min(settings.target - ledger.approved);
    let waits = most.saturating_sub(ledger.coming());
    if waits == 0 {
        let (awaiting, unjudged) = (ledger.awaiting, ledger.unjudged);
        return Err(if limits.judge_away && unjudged > 0 {
            Wait::JudgeAway { unjudged }
        } else {
            Wait::Pending { awaiting, unjudged, most }
        });
    }
    if !limits.disk_ok {
        return Err(Wait::Disk);
    }
    if !limits.energy_ok {
        return Err(Wait::Energy);
    }
    let today = settings.daily.saturating_sub(ledger.asked_today);
    if today == 0 {
        return Err(Wait::Daily { asked: ledger.asked_today, until: day.ends });
    }
    if let Some(until) = ledger.cooldown_until {
        return Err(Wait::Cooldown { until });
    }
    if limits.filling >= limits.most_filling {
        return Err(Wait::Studio { filling: limits.filling });
    }
    Ok(waits.min(today).min(settings.batch))
}

/// What is to be done about a dataset after `event`.
pub fn step(dataset: &Dataset, ledger: &Ledger, limits: &Limits, day: Day, now: Millis, event: Event) -> Vec<Effect> {
    let in_a_row = ledger.rejected.len() as u32;
    if dataset.replenish && dataset.paused.is_none() && in_a_row >= dataset.settings.rejections {
        let common = common(&ledger.rejected);
        return vec![Effect::Pause(Pause::Rejections { count: in_a_row, common, at: now })];
    }
    if dataset.replenish && dataset.paused.is_none() && ledger.vain >= VAIN {
        return vec![Effect::Pause(Pause::Vain { count: ledger.vain, at: now })];
    }
    let wait = match room(dataset, ledger, limits, day) {
        Ok(pictures) => return vec![Effect::Round { pictures, on: event }],
        Err(wait) => wait,
    };
    let until = match &wait {
        Wait::Cooldown { until } => Some(*until),
        // Who may ask for none a day may ask for none tomorrow.
        Wait::Daily { until, .. } if dataset.settings.daily > 0 => Some(*until),
        Wait::Energy => Some(day.ends),
        _ => None,
    };
    let wake = until.map(|at| Effect::WakeAt(at.max(now.after(1))));
    std::iter::once(Effect::Nothing(wait)).chain(wake).collect()
}

/// What more than half of the rejected pictures have in common; the worst of several.
fn common(rejected: &[Vec<Rejection>]) -> Option<Rejection> {
    let count = |one: &Rejection| rejected.iter().filter(|categories| categories.contains(one)).count();
    let often = Rejection::ALL.into_iter().filter(|one| count(one) * 2 > rejected.len());
    // The first of those that are equally frequent.
    often.rev().max_by_key(count)
}
