//! Wait: why a task does not run, with the numbers behind it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    admission::{Fit, admit, busy_for_ms, possible},
    world::who,
};
use crate::{
    failure::{Cause, SOME_PROGRAM, stored_name},
    fleet::{Away, Card, Entry, Fleet, Pause, PauseReason, Scope, Seat, Stage, sentence},
    ids::TaskId,
    units::Millis,
};

/// Why a task waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum WaitReason {
    /// Other tasks come first.
    Needs {
        /// Unfinished tasks that it waits for.
        count: usize,
        /// One of them.
        first: TaskId,
    },
    /// It was made early and waits for a judgement of what it started from.
    Ahead {
        /// What is to be judged.
        first: TaskId,
    },
    /// It failed and rests before the next attempt.
    Resting {
        /// The earliest moment of its next attempt.
        until: Millis,
        /// Failures so far.
        strikes: u32,
    },
    /// A person holds it.
    Held,
    /// Something it needs rests.
    Paused {
        /// What rests: the studio, a card, an engine or a project.
        scope: Scope,
        /// Why it rests, as whoever paused it said.
        reason: String,
        /// The same as data; `None` of an earlier studio.
        #[serde(default)]
        because: Option<PauseReason>,
        /// Until when, if that is known.
        until: Option<Millis>,
    },
    /// Its engine is not there.
    NoEngine {
        /// Name of the engine, e.g. `comfy`.
        engine: String,
        /// Why, with the remedy; empty when it was never there.
        reason: String,
        /// The same as data, for each of its processes; empty when it was never there.
        #[serde(default)]
        because: Vec<Away>,
    },
    /// Its engine failed again and again and is left alone.
    Quarantined {
        /// Name of the process that is left alone.
        seat: String,
        /// What went wrong.
        reason: String,
        /// The same as data; `None` of an earlier studio.
        #[serde(default)]
        because: Option<Cause>,
        /// Until when; then one task finds out.
        until: Millis,
    },
    /// Its card is gone.
    NoCard {
        /// Key of the card: its PCI address, or the name of the server that has it.
        card: String,
        /// Why, with the remedy.
        reason: String,
        /// The same as data; `None` when it was never there.
        #[serde(default)]
        because: Option<Away>,
    },
    /// Its card is too hot.
    Hot {
        /// Key of the card that is too hot.
        card: String,
        /// Degrees Celsius now.
        now_c: u32,
        /// Work goes on at.
        limit_c: u32,
    },
    /// All cards together draw too much.
    Power {
        /// What all cards together draw now, in watts.
        watts: u32,
        /// What they may draw together, in watts, by the settings.
        limit: u32,
    },
    /// Another program has the card.
    Yields {
        /// Key of the card that the other program uses.
        card: String,
        /// Name of the program; `None` when nobody knows it.
        #[serde(default, deserialize_with = "stored_name")]
        who: Option<String>,
        /// MiB it uses.
        foreign_mib: u64,
    },
    /// Another program has left the card; work comes back when the card has been free for long enough.
    Freed {
        /// Key of the card that is free again.
        card: String,
        /// When work comes back, unless a program takes the card meanwhile.
        until: Millis,
    },
    /// No card is large enough for it.
    TooLarge {
        /// MiB it needs.
        need_mib: u64,
        /// MiB the largest card could give.
        most_mib: u64,
    },
    /// There is too little memory now.
    Memory {
        /// Key of the card that is too full.
        card: String,
        /// MiB it needs.
        need_mib: u64,
        /// MiB that are free, or could be made so.
        free_mib: u64,
        /// What others use, in MiB.
        foreign_mib: u64,
    },
    /// Its model is on its way.
    Loading {
        /// Key of the card the model comes to.
        card: String,
        /// Name of the model that comes.
        model: String,
        /// In how long, in milliseconds.
        in_ms: u64,
    },
    /// Another model has the card.
    OtherModel {
        /// Key of the card the other model is on.
        card: String,
        /// MiB it needs.
        need_mib: u64,
        /// MiB that are free.
        free_mib: u64,
        /// What is loaded.
        loaded: String,
        /// Tasks that wait for that.
        loaded_has: usize,
        /// Its turn comes at the latest in so many milliseconds.
        latest_ms: u64,
    },
    /// Its engine is busy.
    Busy {
        /// Name of the engine that is busy.
        engine: String,
        /// Tasks it does now.
        running: usize,
        /// Tasks that go first.
        ahead: usize,
        /// About so many milliseconds until its turn.
        about_ms: u64,
    },
}

/// Why the task waits; `None` when it runs, or is not known.
pub fn why(fleet: &Fleet, task: TaskId) -> Option<WaitReason> {
    let entry = fleet.tasks.get(&task)?;
    let outside = |moment: Millis| moment.after(-fleet.skew_ms);
    match entry.stage {
        Stage::Running => None,
        Stage::Ahead => Some(WaitReason::Ahead { first: *entry.needs.keys().next()? }),
        Stage::Resting(until) => Some(WaitReason::Resting { until: outside(until), strikes: entry.strikes }),
        Stage::Blocked => Some(match entry.needs.keys().next() {
            Some(first) => WaitReason::Needs { count: entry.needs.len(), first: *first },
            None if entry.held => WaitReason::Held,
            None => paused(fleet, entry, None)?,
        }),
        Stage::Ready => Some(ready(fleet, task, entry)),
    }
}

fn paused(fleet: &Fleet, entry: &Entry, card: Option<&str>) -> Option<WaitReason> {
    fleet.paused(&entry.group.engine, card, &entry.project).map(rests)
}

/// What rests, and why.
pub(super) fn rests((scope, pause): (&Scope, &Pause)) -> WaitReason {
    let (reason, because) = (pause.why.clone(), Some(pause.because.clone()));
    WaitReason::Paused { scope: scope.clone(), reason, because, until: pause.until }
}

fn ready(fleet: &Fleet, task: TaskId, entry: &Entry) -> WaitReason {
    let engine = &entry.group.engine;
    let seats: Vec<&Seat> = fleet.seats.values().filter(|seat| seat.facts.engine == *engine).collect();
    let here: Vec<&Seat> = seats.iter().copied().filter(|seat| seat.here).collect();
    if here.is_empty() {
        let away: Vec<Away> = seats.iter().filter_map(|seat| seat.away.clone()).collect();
        return WaitReason::NoEngine { engine: engine.clone(), reason: sentence(&away), because: away };
    }
    let able: Vec<&Seat> = here.iter().copied().filter(|seat| possible(fleet, entry, seat)).collect();
    if able.is_empty() {
        let cards = here.iter().filter_map(|seat| fleet.cards.get(seat.facts.card.as_ref()?));
        let need_mib = cards.clone().map(|card| fleet.need_mib(entry, &card.facts.card)).min().unwrap_or(0);
        let most_mib = cards.map(|card| card.size_mib().saturating_sub(fleet.rules.headroom_mib)).max().unwrap_or(0);
        if need_mib > most_mib {
            return WaitReason::TooLarge { need_mib, most_mib };
        }
        let because = vec![Away::Incapable { model: entry.group.model.clone() }];
        return WaitReason::NoEngine { engine: engine.clone(), reason: sentence(&because), because };
    }
    // The seat that could do it soonest says why it does not.
    let said =
        able.iter().map(|seat| (busy_for_ms(fleet, seat), *seat)).min_by_key(|(ms, seat)| (!fleet.usable(seat), *ms));
    let Some((_, seat)) = said else { return WaitReason::Held };
    if let Some(paused) = paused(fleet, entry, seat.facts.card.as_deref()) {
        return paused;
    }
    if let Some(rest) = seat.quarantine.as_ref().filter(|rest| rest.until > fleet.now || rest.probe.is_some()) {
        let until = rest.until.after(-fleet.skew_ms);
        let (reason, because) = (rest.cause.to_string(), Some(rest.cause.clone()));
        return WaitReason::Quarantined { seat: seat.facts.seat.clone(), reason, because, until };
    }
    match seat.facts.card.as_ref().and_then(|card| fleet.cards.get(card)) {
        Some(card) => on_card(fleet, task, entry, seat, card),
        None => busy(fleet, task, entry, seat),
    }
}

/// Why nothing begins on a card, whatever it is; `None` when work may.
pub(super) fn card_rests(fleet: &Fleet, card: &Card) -> Option<WaitReason> {
    let (name, facts) = (card.facts.card.clone(), &card.facts);
    if !card.here {
        return Some(WaitReason::NoCard {
            card: name,
            reason: card.away.as_ref().map_or_else(String::new, ToString::to_string),
            because: card.away.clone(),
        });
    }
    if card.hot {
        let limits = fleet.rules.limits;
        let limit_c = limits.hottest_c.saturating_sub(limits.slack_c);
        return Some(WaitReason::Hot { card: name, now_c: facts.temperature_c.unwrap_or(0), limit_c });
    }
    if fleet.over_power {
        let watts: f64 = fleet.cards.values().filter_map(|card| card.facts.power_w).sum();
        return Some(WaitReason::Power { watts: watts as u32, limit: fleet.rules.limits.watts });
    }
    if card.taken && card.free_since <= fleet.now {
        let until = card.free_since.after(fleet.rules.yielding.back_after_ms - fleet.skew_ms);
        return Some(WaitReason::Freed { card: name, until });
    }
    card.taken.then(|| WaitReason::Yields { card: name, who: who(facts), foreign_mib: facts.foreign_mib })
}

fn on_card(fleet: &Fleet, task: TaskId, entry: &Entry, seat: &Seat, card: &Card) -> WaitReason {
    if let Some(rests) = card_rests(fleet, card) {
        return rests;
    }
    let (name, facts) = (card.facts.card.clone(), &card.facts);
    let need_mib = fleet.need_mib(entry, &name);
    let free_mib = card.room_mib().saturating_sub(fleet.booked_mib(&name));
    match admit(fleet, entry, seat, card) {
        Fit::Warm => busy(fleet, task, entry, seat),
        Fit::Coming => {
            let in_ms = card.change.as_ref().map_or(0, |change| (change.until.0 - fleet.now.0).max(0).unsigned_abs());
            WaitReason::Loading { card: name, model: entry.group.model.clone(), in_ms }
        }
        Fit::Full { free_mib } => WaitReason::Memory { card: name, need_mib, free_mib, foreign_mib: facts.foreign_mib },
        Fit::Cold(_) | Fit::Blocked => {
            let there = fleet.seats_on(&name).flat_map(|(_, seat)| {
                seat.loaded.keys().map(move |model| (seat.facts.engine.as_str(), model.as_str()))
            });
            let there: Vec<(&str, &str)> = there.filter(|(_, model)| *model != entry.group.model).collect();
            let loaded_has = fleet
                .ready
                .iter()
                .filter(|(group, _)| there.contains(&(group.engine.as_str(), group.model.as_str())))
                .map(|(_, queue)| queue.ranks.len())
                .sum();
            let loaded = there.iter().map(|(_, model)| *model).collect::<Vec<_>>().join(" and ");
            let (latest_ms, model) = (latest_ms(fleet, task, seat), loaded);
            WaitReason::OtherModel { card: name, need_mib, free_mib, loaded: model, loaded_has, latest_ms }
        }
    }
}

/// When at the latest a task's model comes: when its patience is over, and what runs then has ended.
fn latest_ms(fleet: &Fleet, task: TaskId, seat: &Seat) -> u64 {
    let patience_ms = (fleet.deadline(task).0 - fleet.now.0).max(0).unsigned_abs();
    patience_ms.max(busy_for_ms(fleet, seat))
}

fn busy(fleet: &Fleet, task: TaskId, entry: &Entry, seat: &Seat) -> WaitReason {
    let mine = entry.rank(task);
    let groups = fleet.ready.iter().filter(|(group, _)| group.engine == entry.group.engine);
    let ahead: usize = groups.map(|(_, queue)| queue.ranks.range(..mine).count()).sum();
    let card = seat.facts.card.as_deref().unwrap_or_default();
    let each_ms = fleet.usual_ms(entry, card) / seat.facts.parallel.clamp(1, 64) as u64;
    let about_ms = busy_for_ms(fleet, seat) + each_ms * ahead as u64;
    let engine = entry.group.engine.clone();
    WaitReason::Busy { engine, running: seat.inside.len(), ahead, about_ms }
}

fn gib(mib: u64) -> f64 {
    mib as f64 / 1024.0
}

fn minutes(ms: u64) -> String {
    if ms < 90_000 { format!("{} s", ms.div_ceil(1000)) } else { format!("{} min", ms.div_ceil(60_000)) }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Needs { count: 1, .. } => write!(f, "waits for one task before it"),
            Self::Needs { count, .. } => write!(f, "waits for {count} tasks before it"),
            Self::Ahead { .. } => write!(f, "made early; what it started from is still to be judged"),
            Self::Resting { strikes: 0, .. } => write!(f, "pauses until what it needs is there again"),
            Self::Resting { strikes, .. } => write!(f, "failed {strikes} times, pauses before the next attempt"),
            Self::Held => write!(f, "held by a person"),
            Self::Paused { scope, reason, .. } => write!(f, "{scope} is paused: {reason}"),
            Self::NoEngine { engine, reason, .. } if reason.is_empty() => write!(f, "engine {engine} is not there"),
            Self::NoEngine { engine, reason, .. } => write!(f, "engine {engine} is not there: {reason}"),
            Self::Quarantined { seat, reason, .. } => write!(f, "{seat} is left alone for a while: {reason}"),
            Self::NoCard { card, reason, .. } => write!(f, "card {card} is gone: {reason}"),
            Self::Hot { card, now_c, limit_c } => write!(f, "{card} has {now_c} °C, work goes on at {limit_c}"),
            Self::Power { watts, limit } => write!(f, "the cards draw {watts} W of {limit} allowed"),
            Self::Yields { card, who, foreign_mib } => {
                let who = who.as_deref().unwrap_or(SOME_PROGRAM);
                write!(f, "{who} has {card} ({:.1} GiB); work comes back when it is free", gib(*foreign_mib))
            }
            Self::Freed { card, .. } => write!(f, "{card} is free again; work comes back when it stays so"),
            Self::TooLarge { need_mib, most_mib } => write!(
                f,
                "needs {:.1} GiB, the largest card has {:.1}: choose a smaller model or size",
                gib(*need_mib),
                gib(*most_mib)
            ),
            Self::Memory { card, need_mib, free_mib, foreign_mib } => write!(
                f,
                "needs {:.1} GiB on {card}, {:.1} can be free: other programs use {:.1}",
                gib(*need_mib),
                gib(*free_mib),
                gib(*foreign_mib)
            ),
            Self::Loading { card, model, in_ms } => write!(f, "{model} comes to {card} in {}", minutes(*in_ms)),
            Self::OtherModel { card, need_mib, free_mib, loaded, loaded_has, latest_ms } => {
                write!(f, "needs {:.1} GiB on {card}, {:.1} free", gib(*need_mib), gib(*free_mib))?;
                if !loaded.is_empty() {
                    write!(f, ": {loaded} is loaded and has {loaded_has} more")?;
                }
                write!(f, ", at the latest in {}", minutes(*latest_ms))
            }
            Self::Busy { engine, running, ahead, about_ms } => {
                write!(f, "{engine} is busy with {running}, and {ahead} go first")?;
                if *about_ms > 0 { write!(f, ", about {}", minutes(*about_ms)) } else { Ok(()) }
            }
        }
    }
}
