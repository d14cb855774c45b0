//! Rules: every number the scheduler decides by. All of them are settings.

use serde::{Deserialize, Serialize};

use crate::task::Class;

/// How often and when failed work is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Retrying {
    /// How often failed work is tried in all.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 100)))]
    pub attempts: u32,
    /// Pause before the second attempt, in milliseconds; four times as long before each further one.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 86_400_000)))]
    pub first_pause_ms: i64,
    /// The longest pause, in milliseconds.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 86_400_000)))]
    pub longest_pause_ms: i64,
    /// Pause while the disk is full, in milliseconds; such a failure is not the task's fault and costs it nothing.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 86_400_000)))]
    pub disk_full_pause_ms: i64,
    /// Longest pause while a server or the library is away, in milliseconds; such a failure costs the task nothing.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 86_400_000)))]
    pub away_pause_ms: i64,
}

impl Default for Retrying {
    fn default() -> Self {
        Self {
            attempts: 3,
            first_pause_ms: 2_000,
            longest_pause_ms: 300_000,
            disk_full_pause_ms: 60_000,
            away_pause_ms: 60_000,
        }
    }
}

/// A server that asks for more is asked again all the same, in milliseconds.
const LONGEST_RETRY_AFTER_MS: i64 = 3_600_000;

impl Retrying {
    /// The pause after the `strike`th failure (from 1), in milliseconds.
    pub fn pause_ms(&self, strike: u32) -> i64 {
        let factor = 4i64.saturating_pow(strike.saturating_sub(1));
        self.first_pause_ms.saturating_mul(factor).min(self.longest_pause_ms)
    }

    /// The pause after the `absence`th time (from 1) that a server was away, in milliseconds: what the server asked for,
    /// where that is longer than the studio's own.
    pub fn away_pause_ms(&self, absence: u32, retry_after_ms: Option<i64>) -> i64 {
        let own = self.pause_ms(absence).min(self.away_pause_ms);
        own.max(retry_after_ms.unwrap_or(0).min(LONGEST_RETRY_AFTER_MS))
    }
}

/// Whose order it is. The studio uses [`Policy::Studio`]; the others are what people run today, for comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Policy {
    /// Classes, swap cost, bounded unfairness.
    #[default]
    Studio,
    /// What is loaded goes first, without any bound (`SwarmUI`, `InvokeAI`).
    Affinity,
    /// In the order work became ready, whatever is loaded (ComfyUI and Ollama as they are).
    Fifo,
    /// One task at a time in the whole studio, in the order of the story.
    Serial,
}

/// How long each class may be passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Patience {
    /// How long work may be passed over that somebody waits for at the page, in milliseconds.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 86_400_000)))]
    pub interactive_ms: i64,
    /// How long work of a film somebody asked for may be passed over, in milliseconds.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 86_400_000)))]
    pub production_ms: i64,
    /// How long work nobody waits for may be passed over, in milliseconds.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 604_800_000)))]
    pub background_ms: i64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { interactive_ms: 60_000, production_ms: 20 * 60_000, background_ms: 2 * 3_600_000 }
    }
}

impl Patience {
    /// The patience of a class in milliseconds.
    pub fn of(&self, class: Class) -> i64 {
        match class {
            Class::Interactive => self.interactive_ms,
            Class::Production => self.production_ms,
            Class::Background => self.background_ms,
        }
    }
}

/// What happens when another program takes the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Yielding {
    /// Foreign memory from which on the card counts as taken, in MiB; 0 never yields.
    pub from_mib: u64,
    /// Interrupt the running attempt and make it again later, rather than finish it.
    pub interrupt: bool,
    /// The card must be free for this long before work comes back, in milliseconds.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 86_400_000)))]
    pub back_after_ms: i64,
}

impl Default for Yielding {
    fn default() -> Self {
        Self { from_mib: 1_500, interrupt: false, back_after_ms: 120_000 }
    }
}

/// Between which values a card may work. New attempts stop at the limit and go on below it by the slack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Limits {
    /// No new attempt on a card from this temperature on, in degrees Celsius; 0 sets no limit.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 120)))]
    pub hottest_c: u32,
    /// Work goes on when the card is so many degrees below the limit.
    pub slack_c: u32,
    /// No new attempt from so many watts of all cards together on; 0 sets no limit.
    pub watts: u32,
    /// Work goes on at so many watts below the limit.
    pub slack_watts: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { hottest_c: 90, slack_c: 8, watts: 0, slack_watts: 40 }
    }
}

/// When an engine counts as sick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sickness {
    /// Failures of different tasks one after another until an engine is left alone.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 100)))]
    pub strikes: u32,
    /// How long it is left alone, in milliseconds; twice as long each time its probe fails.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 86_400_000)))]
    pub first_pause_ms: i64,
    /// The longest it is left alone, in milliseconds.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 86_400_000)))]
    pub longest_pause_ms: i64,
}

impl Default for Sickness {
    fn default() -> Self {
        Self { strikes: 3, first_pause_ms: 60_000, longest_pause_ms: 32 * 60_000 }
    }
}

/// Every number the scheduler decides by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rules {
    /// Whose order of work; all but `studio` are for comparison by `studiod sim`.
    pub policy: Policy,
    /// How often failed work is tried again.
    pub retrying: Retrying,
    /// How long each class may be passed over.
    pub patience: Patience,
    /// Memory left free on every card beside what is booked, in MiB.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 65_536)))]
    pub headroom_mib: u64,
    /// A model that others of its class want to replace stays this many times the cost of swapping away and back, while
    /// it has work; ten times as long among parts of one film.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 100.0)))]
    pub residence: f64,
    /// Rather than swap, a card without work for what is loaded waits for work that comes within this share of the
    /// cost of swapping away and back.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 2.0)))]
    pub idle_share: f64,
    /// A card that would be idle may start the next shot of a chain from a take nobody has judged yet.
    pub speculate: bool,
    /// What happens when another program takes a card.
    pub yielding: Yielding,
    /// How hot cards may be, and what they may draw.
    pub limits: Limits,
    /// When an engine that fails is left alone.
    pub sickness: Sickness,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            policy: Policy::Studio,
            retrying: Retrying::default(),
            patience: Patience::default(),
            headroom_mib: 256,
            residence: 4.0,
            idle_share: 0.4,
            speculate: true,
            yielding: Yielding::default(),
            limits: Limits::default(),
            sickness: Sickness::default(),
        }
    }
}

impl Rules {
    /// What is wrong with the numbers, one sentence each.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut inside = |key: &str, value: f64, low: f64, high: f64| {
            if !(low..=high).contains(&value) {
                wrong.push(format!("{key} is {value}; it must be {low} to {high}"));
            }
        };
        let day = 86_400_000.0;
        inside("patience.interactive_ms", self.patience.interactive_ms as f64, 0.0, day);
        inside("patience.production_ms", self.patience.production_ms as f64, 0.0, day);
        inside("patience.background_ms", self.patience.background_ms as f64, 0.0, 7.0 * day);
        inside("headroom_mib", self.headroom_mib as f64, 0.0, 65_536.0);
        inside("residence", self.residence, 0.0, 100.0);
        inside("idle_share", self.idle_share, 0.0, 2.0);
        inside("yielding.back_after_ms", self.yielding.back_after_ms as f64, 0.0, day);
        inside("limits.hottest_c", f64::from(self.limits.hottest_c), 0.0, 120.0);
        inside("retrying.attempts", f64::from(self.retrying.attempts), 1.0, 100.0);
        inside("sickness.strikes", f64::from(self.sickness.strikes), 1.0, 100.0);
        for (key, pause_ms) in [
            ("retrying.first_pause_ms", self.retrying.first_pause_ms),
            ("retrying.longest_pause_ms", self.retrying.longest_pause_ms),
            ("retrying.disk_full_pause_ms", self.retrying.disk_full_pause_ms),
            ("retrying.away_pause_ms", self.retrying.away_pause_ms),
            ("sickness.first_pause_ms", self.sickness.first_pause_ms),
            ("sickness.longest_pause_ms", self.sickness.longest_pause_ms),
        ] {
            inside(key, pause_ms as f64, 0.0, day);
        }
        wrong
    }
}
