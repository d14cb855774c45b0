//! The limits of the loop hold in any order of events, over restarts and whatever the clock does; and each is missed.

use proptest::prelude::*;
use studio_core::{
    chance::Chance,
    dataset::{Decided, Decider, Effect, Event, Ledger, Limits, Pause, PictureState, Rejection, Wait, step},
};

use super::studio::{Act, DAY, HOUR, Studio, Without};

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Approved),
        Just(Event::Rejected),
        Just(Event::Settings),
        Just(Event::DayBegan),
        Just(Event::Started),
        Just(Event::Woken),
        Just(Event::Made),
        Just(Event::Judged),
    ]
}

fn any_act() -> impl Strategy<Value = Act> {
    let often = prop_oneof![
        3 => prop_oneof![0..120_000i64, 0..3 * HOUR, 0..2 * DAY].prop_map(|ms| Act::Wait { ms }),
        4 => (prop::bool::weighted(0.15), prop::bool::weighted(0.15)).prop_map(|(fails, copy)| Act::Make { fails, copy }),
        4 => Just(Act::Judge),
        3 => any::<bool>().prop_map(|good| Act::Decide { good }),
        2 => any_event().prop_map(Act::Poke),
    ];
    let seldom = prop_oneof![
        prop_oneof![-90_000..90_000i64, -2 * DAY..2 * DAY, -400 * DAY..400 * DAY].prop_map(|ms| Act::Jump { ms }),
        Just(Act::TakeBack),
        any::<bool>().prop_map(|approved| Act::Upload { approved }),
        (1..40u32).prop_map(Act::Target),
        (0..30u32).prop_map(Act::Daily),
        (1..20u32).prop_map(Act::Buffer),
        (1..13u32).prop_map(Act::Batch),
        (1..9u32).prop_map(Act::Rejections),
        prop::bool::weighted(0.8).prop_map(Act::Switch),
        Just(Act::Resume),
        Just(Act::Resume),
        Just(Act::Rest),
        Just(Act::Restart),
        any::<bool>().prop_map(Act::JudgeAway),
        prop::bool::weighted(0.8).prop_map(Act::Disk),
        prop::bool::weighted(0.8).prop_map(Act::Energy),
        (0..4u32).prop_map(Act::Others),
    ];
    prop_oneof![3 => often, 1 => seldom]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_limit_is_passed_and_it_comes_to_rest(seed: u64, acts in prop::collection::vec(any_act(), 1..250)) {
        let mut studio = Studio::new(seed, Without::Nothing);
        for act in &acts {
            studio.act(*act).map_err(TestCaseError::fail)?;
        }
        let wait = studio.settle().map_err(TestCaseError::fail)?;
        prop_assert!(!matches!(wait, Wait::Cooldown { .. } | Wait::InFlight { .. }), "rests for ever: {:?}", wait);
    }
}

/// From this seed on people switch it off and let it rest, and the day's energy is used up.
const PEOPLE: u64 = 100;

/// The same adversary from a seed, for rules that are taken out.
fn adversary(seed: u64, without: Without) -> Result<(), String> {
    let mut chance = Chance::of(seed, "adversary");
    let mut people = Chance::of(seed, "people");
    let mut studio = Studio::new(seed, without);
    // Some like what they see, some like nothing.
    let likes = chance.between(0.0, 0.8);
    studio.error = 1.0 - likes;
    studio.act(Act::Poke(Event::Started))?;
    for _ in 0..300 {
        let sign = if chance.happens(0.5) { 1 } else { -1 };
        let act = match chance.whole(0, 29) {
            0..=5 => Act::Make { fails: chance.happens(0.1), copy: chance.happens(0.1) },
            6..=10 => Act::Judge,
            11..=15 => Act::Decide { good: chance.happens(likes) },
            16..=18 => Act::Wait { ms: chance.whole(0, 200_000) as i64 },
            19 => Act::Wait { ms: chance.whole(0, DAY as u64) as i64 },
            20 => Act::Jump { ms: sign * chance.whole(0, 2 * DAY as u64) as i64 },
            21 => Act::Jump { ms: sign * chance.whole(0, 90_000) as i64 },
            22 => Act::Restart,
            23 | 24 => Act::Resume,
            25 => Act::Target(chance.whole(1, 30) as u32),
            26 => Act::Others(chance.whole(0, 3) as u32),
            27 => Act::Upload { approved: chance.happens(0.5) },
            28 if chance.happens(0.5) => Act::Disk(chance.happens(0.7)),
            28 => Act::Buffer(chance.whole(1, 12) as u32),
            _ => Act::Poke(Event::Woken),
        };
        studio.act(act)?;
        if seed >= PEOPLE && people.happens(0.1) {
            studio.act(match people.whole(0, 5) {
                0 | 1 => Act::Switch(people.happens(0.6)),
                2 => Act::Rest,
                3 => Act::Resume,
                _ => Act::Energy(people.happens(0.5)),
            })?;
        }
    }
    studio.settle().map(drop)
}

#[test]
fn every_rule_is_missed_when_it_is_taken_out() {
    let seeds = 0..2 * PEOPLE;
    for seed in seeds.clone() {
        assert_eq!(adversary(seed, Without::Nothing), Ok(()), "with all rules, seed {seed}");
    }
    let rules = [
        (Without::Daily, "daily"),
        (Without::DaysOfASetClock, "daily"),
        (Without::InFlight, "in flight"),
        (Without::StudioWide, "studio"),
        (Without::PendingBuffer, "pending"),
        (Without::Cooldown, "cooldown"),
        (Without::Rejections, "rejections"),
        (Without::OrderOfDecisions, "rejections"),
        (Without::Target, "target"),
        (Without::Vain, "rest"),
        (Without::Batch, "batch"),
        (Without::Rest, "rest"),
        (Without::Disk, "disk"),
        (Without::Switch, "off"),
        (Without::Person, "paused"),
        (Without::Energy, "energy"),
        (Without::Rows, "rows"),
    ];
    for (without, what) in rules {
        let faults = seeds.clone().filter_map(|seed| Some((seed, adversary(seed, without).err()?)));
        let found = faults.into_iter().find(|(_, fault)| fault.split(':').next() == Some(what));
        println!("without {without:?}: {found:?}");
        assert!(found.is_some(), "nobody misses {without:?}");
    }
}

#[test]
fn the_pending_buffer_fills_once_while_the_judge_is_away() {
    let mut studio = Studio::new(1, Without::Nothing);
    studio.limits.judge_away = true;
    let wait = studio.settle().unwrap();
    assert_eq!(wait, Wait::JudgeAway { unjudged: 3 });
    for _ in 0..10 {
        studio.pass(DAY).unwrap();
        studio.act(Act::Poke(Event::DayBegan)).unwrap();
    }
    assert_eq!((studio.requests.len(), studio.wake), (3, None), "days later nothing more was asked for");
    studio.limits.judge_away = false;
    (studio.error, studio.unsure) = (0.0, 0.0);
    studio.act(Act::Judge).unwrap();
    assert!(studio.requests.len() > 3 || studio.wake.is_some(), "it goes on by itself");
}

#[test]
fn at_the_target_it_stops_and_goes_on_when_a_picture_is_no_longer_approved() {
    let mut studio = Studio::new(2, Without::Nothing);
    (studio.error, studio.unsure) = (0.0, 0.0);
    assert_eq!(studio.settle().unwrap(), Wait::AtTarget { approved: 20, target: 20 });
    assert_eq!(studio.requests.len(), 20, "not one too many");
    studio.act(Act::Target(5)).unwrap();
    assert_eq!(studio.settle().unwrap(), Wait::AtTarget { approved: 20, target: 5 });
    studio.act(Act::Target(20)).unwrap();
    studio.pass(DAY).unwrap();
    studio.act(Act::TakeBack).unwrap();
    assert_eq!(studio.requests.len(), 20, "the picture that was taken back may be approved again");
    studio.act(Act::Decide { good: false }).unwrap();
    assert_eq!(studio.requests.len(), 21, "one is missing, one is asked for");
}

#[test]
fn five_rejections_in_a_row_pause_it_and_a_person_lets_it_go_on() {
    let mut studio = Studio::new(3, Without::Nothing);
    (studio.error, studio.unsure) = (1.0, 0.0);
    studio.settle().unwrap();
    let Some(Pause::Rejections { count: 5, common: Some(Rejection::Blurry), .. }) = studio.dataset.paused else {
        panic!("{:?}", studio.dataset.paused)
    };
    let asked = studio.requests.len();
    studio.pass(3 * DAY).unwrap();
    assert_eq!(studio.requests.len(), asked);
    studio.act(Act::Resume).unwrap();
    assert!(studio.requests.len() > asked, "what was before does not count again");
    studio.error = 0.0;
    assert!(matches!(studio.settle().unwrap(), Wait::AtTarget { .. }));
}

#[test]
fn pictures_that_come_to_nothing_do_not_come_for_ever() {
    let mut studio = Studio::new(4, Without::Nothing);
    studio.act(Act::Poke(Event::Started)).unwrap();
    for _ in 0..100 {
        while studio.make(false, true).unwrap() {}
        studio.pass(DAY).unwrap();
    }
    assert!(matches!(studio.dataset.paused, Some(Pause::Vain { count: 30.., .. })), "{:?}", studio.dataset.paused);
    assert_eq!(studio.count(PictureState::Approved), 0);
    assert!(studio.requests.len() < 40);
}

/// What is unreviewed is neither approved nor rejected: it waits for a person and interrupts no row.
#[test]
fn what_nobody_could_judge_is_neither_good_nor_bad() {
    let mut studio = Studio::new(5, Without::Nothing);
    (studio.error, studio.unsure) = (1.0, 1.0);
    assert_eq!(studio.settle().unwrap(), Wait::Pending { awaiting: 3, unjudged: 0, most: 3 });
    assert_eq!(studio.ledger().rejected.len(), 0);
    assert!(studio.dataset.paused.is_none());
    for _ in 0..3 {
        studio.act(Act::Decide { good: false }).unwrap();
    }
    assert_eq!(studio.ledger().rejected.len(), 3);
}

/// A clock that is set back over midnight gives no second helping of yesterday, and none of today.
#[test]
fn a_clock_set_back_over_midnight_gives_no_more_pictures() {
    let mut studio = Studio::new(6, Without::Nothing);
    studio.settings().target = 500;
    (studio.error, studio.unsure) = (0.0, 0.0);
    let drain = |studio: &mut Studio| {
        for _ in 0..60 {
            while studio.make(false, false).unwrap() || studio.judge().unwrap() {}
            studio.pass(61_000).unwrap();
        }
    };
    let evening = studio.day().ends.0 - 2 * HOUR;
    studio.act(Act::Jump { ms: evening - studio.now.0 }).unwrap();
    drain(&mut studio);
    assert_eq!(studio.requests.len(), 10, "the day's pictures");
    studio.act(Act::Jump { ms: 2 * HOUR }).unwrap();
    drain(&mut studio);
    assert_eq!(studio.requests.len(), 20, "the next day's");
    for _ in 0..3 {
        studio.act(Act::Jump { ms: -2 * HOUR }).unwrap();
        drain(&mut studio);
        studio.act(Act::Jump { ms: 2 * HOUR }).unwrap();
        drain(&mut studio);
    }
    assert_eq!(studio.requests.len(), 20, "back and forth over midnight");
}

#[test]
fn it_never_asks_to_be_woken_where_time_changes_nothing() {
    let mut studio = Studio::new(7, Without::Nothing);
    studio.settings().daily = 0;
    let effects = studio.rules(Event::Started);
    assert!(matches!(effects[..], [Effect::Nothing(Wait::Daily { asked: 0, .. })]), "{effects:?}");
    studio.settings().daily = 10;
    studio.limits.disk_ok = false;
    assert_eq!(studio.rules(Event::Started), [Effect::Nothing(Wait::Disk)]);
    studio.limits.disk_ok = true;
    assert_eq!(studio.rules(Event::Started), [Effect::Round { pictures: 3, on: Event::Started }]);
}

#[test]
fn where_only_time_changes_the_answer_it_looks_again_then_and_always_ahead() {
    let studio = Studio::new(8, Without::Nothing);
    let (now, ends, daily) = (studio.now, studio.day().ends, studio.dataset.settings.daily);
    let woken = |ledger: Ledger, limits: Limits| {
        let effects = step(&studio.dataset, &ledger, &limits, studio.day(), now, Event::Woken);
        match effects[..] {
            [Effect::Nothing(_), Effect::WakeAt(at)] => at,
            _ => panic!("{effects:?}"),
        }
    };
    let cooling = |ms| Ledger { cooldown_until: Some(now.after(ms)), ..Ledger::default() };
    assert_eq!(woken(cooling(5_000), Limits::default()), now.after(5_000));
    assert_eq!(woken(cooling(-5_000), Limits::default()), now.after(1), "never in the past");
    assert_eq!(woken(Ledger { asked_today: daily, ..Ledger::default() }, Limits::default()), ends);
    assert_eq!(woken(Ledger::default(), Limits { energy_ok: false, ..Limits::default() }), ends);
}

#[test]
fn what_more_than_half_have_in_common_is_told_and_who_rests_is_not_paused_again() {
    let mut studio = Studio::new(9, Without::Nothing);
    let row = |blurry: usize| {
        let one = |at| vec![if at < blurry { Rejection::Blurry } else { Rejection::WrongPose }];
        let mut rejected: Vec<Vec<Rejection>> = (0..6).map(one).collect();
        rejected[5] = vec![Rejection::NotSolo];
        Ledger { rejected, ..Ledger::default() }
    };
    let ask = |studio: &Studio, ledger: &Ledger| {
        step(&studio.dataset, ledger, &studio.limits, studio.day(), studio.now, Event::Woken)
    };
    for (blurry, told) in [(3, None), (4, Some(Rejection::Blurry))] {
        let effects = ask(&studio, &row(blurry));
        assert!(
            matches!(effects[..], [Effect::Pause(Pause::Rejections { count: 6, common, .. })] if common == told),
            "{effects:?}"
        );
    }
    let pause = Pause::Person { at: studio.now };
    studio.dataset.paused = Some(pause.clone());
    assert_eq!(ask(&studio, &row(4)), [Effect::Nothing(Wait::Paused { pause })]);
    (studio.dataset.paused, studio.dataset.replenish) = (None, false);
    assert_eq!(ask(&studio, &row(4)), [Effect::Nothing(Wait::Off)]);
}

/// A copy is in no row of rejections, but has come to nothing like them and like what failed; an approval, and whoever lets it go
/// on, begins to count anew.
#[test]
fn what_comes_to_nothing_is_counted_since_something_was_approved_or_somebody_let_it_go_on() {
    let mut studio = Studio::new(10, Without::Nothing);
    studio.act(Act::Poke(Event::Started)).unwrap();
    for (fails, copy) in [(true, false), (false, true), (false, false)] {
        assert!(studio.make(fails, copy).unwrap());
    }
    let counts = |studio: &Studio| (studio.ledger().rejected.len(), studio.ledger().vain);
    assert_eq!(counts(&studio), (0, 2), "one failed, one is a copy");
    let now = studio.now;
    let decided = || Some(Decided { by: Decider::Judge, at: now, categories: vec![Rejection::Blurry] });
    for picture in &mut studio.pictures {
        (picture.state, picture.decided) = (PictureState::Rejected, decided());
    }
    assert_eq!(counts(&studio), (1, 3), "the copy is in no row");
    studio.pictures[1].state = PictureState::Approved;
    studio.pictures[1].decided.as_mut().unwrap().at = now.after(10);
    assert_eq!(counts(&studio), (0, 0), "one was approved since");
    studio.pictures[1].state = PictureState::Rejected;
    assert_eq!(counts(&studio), (1, 3));
    studio.dataset.since = now.after(20);
    assert_eq!(counts(&studio), (0, 0), "somebody let it go on since");
}

#[test]
fn what_was_asked_for_on_another_day_does_not_count_in_this_one() {
    let mut studio = Studio::new(11, Without::Nothing);
    studio.act(Act::Poke(Event::Started)).unwrap();
    let (now, asked) = (studio.now, studio.requests.len() as u32);
    for (days, counts) in [(0, asked), (-2, 0), (2, 0)] {
        studio.requests.iter_mut().for_each(|one| one.at = now.after(days * DAY));
        assert_eq!(studio.ledger().asked_today, counts, "{days} days away, by a clock that was set since");
    }
}
