//! Words that are stored, and part of the API: they are added to, never changed.

use serde_json::json;
use studio_core::{
    dataset::{ARMS, Coverage, Dataset, Event, Pause, REPAIRS, Rejection, RequestState, Wait, seed_of},
    ids::CharacterId,
    units::Millis,
};
use uuid::Uuid;

#[test]
fn arms_and_repairs_are_called_as_they_were() {
    let arms = ARMS.map(|arm| arm.name);
    let were = ["", "cfg-1", "cfg+1", "steps+10", "reference-0.5", "reference-0.7", "lora-0.6", "lora-0.8"];
    assert_eq!(arms, were);
    let repairs = REPAIRS.map(|repair| repair.name);
    let were = [
        "solo",
        "appearance",
        "likeness",
        "pose",
        "expression",
        "style",
        "text",
        "quality",
        "resolution",
        "blur",
        "brightness",
        "contrast",
        "guidance",
        "seed",
    ];
    assert_eq!(repairs, were);
}

#[test]
fn the_shipped_axes_are_called_as_they_were() {
    let coverage = Coverage::shipped();
    let words: Vec<String> = coverage
        .axes
        .iter()
        .map(|axis| {
            let words: Vec<&str> = axis.values.iter().map(|value| value.word.as_str()).collect();
            format!("{}{} {}", axis.name, if axis.crossed { "*" } else { "" }, words.join(" "))
        })
        .collect();
    let were = [
        "framing* face upper full",
        "angle* front three_quarter side back",
        "expression* neutral smile angry sad surprised closed_eyes",
        "pose standing sitting walking arms_crossed pointing waving",
        "outfit usual",
        "place plain room street nature water",
        "light day soft sunset night",
    ];
    assert_eq!(words, were);
}

#[test]
fn reasons_that_nothing_happens_are_stored_by_their_words() {
    let pause = Pause::Rejections { count: 5, common: Some(Rejection::NotSolo), at: Millis(7) };
    let paused = json!({ "why": "rejections", "count": 5, "common": "not_solo", "at": 7 });
    let until = Millis(9);
    let all = [
        (Wait::Off, json!({ "why": "off" }), "it is switched off"),
        (
            Wait::Paused { pause },
            json!({ "why": "paused", "pause": paused }),
            "5 pictures in a row were rejected, most of them for not solo",
        ),
        (
            Wait::Paused { pause: Pause::Vain { count: 30, at: Millis(7) } },
            json!({ "why": "paused", "pause": { "why": "vain", "count": 30, "at": 7 } }),
            "30 pictures in a row came to nothing",
        ),
        (
            Wait::AtTarget { approved: 20, target: 20 },
            json!({ "why": "at_target", "approved": 20, "target": 20 }),
            "20 of 20 pictures are approved",
        ),
        (Wait::InFlight { pictures: 2 }, json!({ "why": "in_flight", "pictures": 2 }), "2 pictures are being made"),
        (
            Wait::Pending { awaiting: 2, unjudged: 1, most: 3 },
            json!({ "why": "pending", "awaiting": 2, "unjudged": 1, "most": 3 }),
            "2 wait for a person and 1 for the judge",
        ),
        (
            Wait::JudgeAway { unjudged: 3 },
            json!({ "why": "judge_away", "unjudged": 3 }),
            "no judge answers, and 3 wait for it",
        ),
        (Wait::Studio { filling: 2 }, json!({ "why": "studio", "filling": 2 }), "2 other datasets are being filled"),
        (Wait::Disk, json!({ "why": "disk" }), "the disk is full"),
        (Wait::Energy, json!({ "why": "energy" }), "the day's energy is used up"),
        (
            Wait::Daily { asked: 10, until },
            json!({ "why": "daily", "asked": 10, "until": 9 }),
            "10 were asked for today; it goes on tomorrow",
        ),
        (Wait::Cooldown { until }, json!({ "why": "cooldown", "until": 9 }), "the last round was a moment ago"),
    ];
    for (wait, stored, said) in all {
        assert_eq!(serde_json::to_value(&wait).unwrap(), stored);
        assert_eq!(serde_json::from_value::<Wait>(stored).unwrap(), wait);
        assert_eq!(wait.to_string(), said);
    }
}

#[test]
fn events_and_states_are_called_as_they_were() {
    use Event::{Approved, DayBegan, Judged, Made, Rejected, Settings, Started, Woken};
    let events = [Approved, Rejected, Settings, DayBegan, Started, Woken, Made, Judged];
    let events: Vec<_> = events.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    assert_eq!(events, ["approved", "rejected", "settings", "day_began", "started", "woken", "made", "judged"]);
    let states = [RequestState::Open, RequestState::Made, RequestState::Failed];
    let states: Vec<_> = states.iter().map(|state| serde_json::to_value(state).unwrap()).collect();
    assert_eq!(states, ["open", "made", "failed"]);
}

#[test]
fn seeds_of_pictures_never_change() {
    let dataset = Dataset::new(CharacterId(Uuid::from_u128(7)));
    let seeds = [0, 1, 1 << 33].map(|number| seed_of(&dataset, number).0);
    assert_eq!(seeds, [8_074_797_498_581_464, 2_276_882_457_516_625, 4_417_053_001_301_541]);
}
