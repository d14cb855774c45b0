//! Quiet: hours of the week in which something rests.

use serde::{Deserialize, Serialize};

use crate::{
    fleet::{Rest, Scope},
    units::Millis,
};

/// Minutes of a day.
const DAY: u32 = 24 * 60;
/// Minutes of a week.
const WEEK: u32 = 7 * DAY;

/// Quiet hours, every week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuietHours {
    /// Days on which they begin: `mon` to `sun`; none means every day.
    #[serde(default)]
    pub days: Vec<Weekday>,
    /// When they begin, `HH:MM`.
    pub from: TimeOfDay,
    /// When they end, `HH:MM`; the next day when that is not later than `from`.
    pub to: TimeOfDay,
    /// The card that rests; the whole studio when left out.
    #[serde(default)]
    pub gpu: Option<String>,
    /// The engine that rests.
    #[serde(default)]
    pub engine: Option<String>,
    /// Running attempts are interrupted, and made again later.
    #[serde(default)]
    pub hard: bool,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// Minutes since midnight, 0..1440, written `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ClockTime, value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^([01]?[0-9]|2[0-3]):[0-5]?[0-9]$")))]
pub struct TimeOfDay(u32);

/// Not a time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no time of day; write HH:MM, such as 22:30")]
pub struct BadTime(String);

impl TryFrom<String> for TimeOfDay {
    type Error = BadTime;
    fn try_from(text: String) -> Result<Self, BadTime> {
        let read = || {
            let (hours, minutes) = text.split_once(':')?;
            let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
            (hours < 24 && minutes < 60).then_some(Self(hours * 60 + minutes))
        };
        read().ok_or_else(|| BadTime(text.clone()))
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        format!("{:02}:{:02}", time.0 / 60, time.0 % 60)
    }
}

/// Days for which quiet hours are foreseen.
const FORESEEN_DAYS: u32 = 8 * 7;
/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// When what will rest, from `now` on, which is `minute` of the week; also what rests now. Two hours of one scope that
/// overlap are one rest. Hours are taken to stay where the clock has them now, summer time or not.
pub fn foreseen(hours: &[QuietHours], now: Millis, minute: u32) -> Vec<Rest> {
    let begun = now.0 - now.0.rem_euclid(MINUTE_MS);
    let mut rests: Vec<Rest> = Vec::new();
    for one in hours {
        let mut at = 0;
        while at < FORESEEN_DAYS * DAY {
            let Some(left) = one.left((minute + at) % WEEK) else {
                at += 1;
                continue;
            };
            let moment = |minutes: u32| Millis(begun + i64::from(minutes) * MINUTE_MS);
            let (from, until) = (moment(at).max(now), moment(at + left));
            rests.push(Rest { scope: one.scope(), from, until, hard: one.hard });
            at += left;
        }
    }
    rests.sort_by(|a, b| (&a.scope, a.from, a.until).cmp(&(&b.scope, b.from, b.until)));
    let mut joined: Vec<Rest> = Vec::with_capacity(rests.len());
    for rest in rests {
        match joined.last_mut() {
            Some(last) if last.scope == rest.scope && rest.from <= last.until => {
                (last.until, last.hard) = (last.until.max(rest.until), last.hard || rest.hard);
            }
            _ => joined.push(rest),
        }
    }
    // The hours of a week come again: what rests for a whole one never ends.
    for rest in joined.iter_mut().filter(|rest| rest.until.0 - rest.from.0 >= i64::from(WEEK) * MINUTE_MS) {
        rest.until = Rest::NEVER;
    }
    joined
}

impl QuietHours {
    /// What rests in them.
    pub fn scope(&self) -> Scope {
        match (&self.gpu, &self.engine) {
            (Some(gpu), _) => Scope::Gpu(gpu.clone()),
            (None, Some(engine)) => Scope::Engine(engine.clone()),
            (None, None) => Scope::Studio,
        }
    }

    /// How many minutes they still last at `minute` of the week (0 is Monday 00:00); `None` when it is not quiet.
    pub fn left(&self, minute: u32) -> Option<u32> {
        let length = match (self.to.0 + DAY - self.from.0) % DAY {
            0 => DAY,
            length => length,
        };
        let begins = |day: u32| day * DAY + self.from.0;
        let days: Vec<u32> =
            if self.days.is_empty() { (0..7).collect() } else { self.days.iter().map(|day| *day as u32).collect() };
        let gone = days.into_iter().map(|day| (minute + WEEK - begins(day)) % WEEK).min()?;
        (gone < length).then(|| length - gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(days: &[Weekday], from: &str, to: &str) -> QuietHours {
        let time = |text: &str| TimeOfDay::try_from(text.to_owned()).unwrap();
        QuietHours { days: days.to_vec(), from: time(from), to: time(to), gpu: None, engine: None, hard: false }
    }

    #[test]
    fn a_night_reaches_into_the_next_day_and_week() {
        let night = hours(&[Weekday::Sun], "22:00", "07:00");
        assert_eq!(night.left(6 * DAY + 22 * 60), Some(9 * 60));
        assert_eq!(night.left(6 * DAY + 21 * 60 + 59), None);
        assert_eq!(night.left(6 * 60), Some(60), "Monday, 6 in the morning");
        assert_eq!(night.left(7 * 60), None);
        assert_eq!(night.left(DAY + 6 * 60), None, "Tuesday is another night");
    }

    #[test]
    fn hours_are_foreseen_from_this_moment_on_and_those_that_overlap_are_one() {
        let all = [hours(&[], "22:00", "06:00"), hours(&[Weekday::Mon], "05:00", "07:00")];
        // Monday, 05:30 and ten seconds.
        let rests = foreseen(&all, Millis(10_000), 5 * 60 + 30);
        let minutes = |rest: &Rest| (rest.from.0 / MINUTE_MS, rest.until.0 / MINUTE_MS);
        assert_eq!((rests[0].from, minutes(&rests[0])), (Millis(10_000), (0, 90)), "until seven");
        assert_eq!(minutes(&rests[1]), (16 * 60 + 30, 24 * 60 + 30), "this evening until tomorrow at six");
        assert_eq!(rests.len() as u32, FORESEEN_DAYS + 1, "{rests:#?}");
        assert!(rests.windows(2).all(|two| two[0].until < two[1].from));
        assert_eq!(foreseen(&[], Millis(0), 0), Vec::new());
        let always = foreseen(&[hours(&[], "00:00", "00:00")], Millis(0), 0);
        assert_eq!(always.iter().map(|rest| rest.until).collect::<Vec<_>>(), [Rest::NEVER]);
    }

    #[test]
    fn every_day_means_every_day_and_a_bad_time_is_said() {
        let noon = hours(&[], "12:00", "13:00");
        assert!((0..7).all(|day| noon.left(day * DAY + 12 * 60 + 30) == Some(30)));
        assert!(TimeOfDay::try_from("25:00".to_owned()).unwrap_err().to_string().contains("HH:MM"));
    }
}
