//! What pictures teach: which settings earn approvals, which repairs help, and which words to avoid.

use studio_core::{
    chance::Chance,
    dataset::{
        ARMS, Arm, ArmWhy, Cell, Decided, Decider, Evidence, Evidences, ForFilms, Helped, Knobs, PictureState, REPAIRS,
        Rejection, Repair, Summary, Terms, Tried, Why, avoided, choose, drift, evidence, for_films, helped,
    },
    ids::PictureId,
    units::Millis,
};
use uuid::Uuid;

const DAY: i64 = 86_400_000;
const NOW: Millis = Millis(1000 * DAY);

fn picture(n: u128, arm: &str, wrong: Option<Rejection>, by: Decider, days_ago: i64) -> Summary {
    let at = NOW.after(-days_ago * DAY);
    Summary {
        id: PictureId(Uuid::from_u128(n)),
        state: if wrong.is_some() { PictureState::Rejected } else { PictureState::Approved },
        generated: true,
        copy: false,
        judged: true,
        cell: Cell::new(),
        asked: Cell::new(),
        model: "sdxl".into(),
        tried: Tried { arm: arm.into(), ..Tried::default() },
        decided: Some(Decided { by, at, categories: wrong.into_iter().collect() }),
        created: at,
    }
}

fn known(good: u32, bad: u32) -> Evidence {
    Evidence { results: good + bad, approved: good, good: f64::from(good), bad: f64::from(bad) }
}

#[test]
fn arms_are_those_that_change_something() {
    let names = |knobs: Knobs, most: Option<f64>| -> Vec<&str> {
        Arm::possible(knobs, most).into_iter().map(|arm| arm.name).collect()
    };
    let plain = Knobs { steps: Some(28), cfg: Some(7.0), reference: None, lora: None };
    assert_eq!(names(plain, None), ["", "cfg-1", "cfg+1", "steps+10"]);
    let alike = Knobs { reference: Some(0.7), ..plain };
    assert_eq!(names(alike, None), ["", "cfg-1", "cfg+1", "steps+10", "reference-0.5"], "0.7 is its own");
    assert_eq!(names(alike, Some(0.0)), ["", "cfg-1", "cfg+1", "steps+10"], "from behind no reference acts");
    let trained = Knobs { lora: Some(1.0), ..alike };
    assert_eq!(names(trained, None), ["", "cfg-1", "cfg+1", "steps+10", "lora-0.6", "lora-0.8"], "at most six");
    assert_eq!(names(Knobs::default(), None), [""], "drafts have nothing to turn");
    let turbo = Knobs { steps: Some(8), cfg: Some(1.0), ..Knobs::default() };
    assert_eq!(names(turbo, None), ["", "cfg+1", "steps+10"], "guidance is never below 1");
    let many = Knobs { steps: Some(60), cfg: Some(10.0), ..Knobs::default() };
    assert_eq!(names(many, None), ["", "cfg-1"], "nor above what is sane");
}

#[test]
fn results_fade_and_a_person_counts_three_times() {
    let mut repaired = picture(5, "cfg+1", None, Decider::Person, 0);
    repaired.tried.repair = "solo".into();
    let pictures = [
        picture(1, "cfg+1", None, Decider::Person, 0),
        picture(2, "cfg+1", None, Decider::Judge, 30),
        picture(3, "cfg+1", Some(Rejection::Blurry), Decider::Judge, 60),
        picture(4, "", None, Decider::Judge, -400),
        repaired,
    ];
    let known = evidence(&pictures, "sdxl", Millis(0), NOW);
    assert_eq!(known["cfg+1"], Evidence { results: 3, approved: 2, good: 3.5, bad: 0.25 });
    assert!((known[""].good - 1.0).abs() < 1e-9, "what the clock says comes later is not worth more");
    assert!(evidence(&pictures, "pony", Millis(0), NOW).is_empty(), "another model");
    assert_eq!(evidence(&pictures, "sdxl", NOW.after(-DAY), NOW)["cfg+1"].results, 1, "the rest was reset");
}

#[test]
fn what_earns_approvals_is_tried_more_often_and_the_rest_is_not_forgotten() {
    let arms: Vec<&Arm> = ARMS[..4].iter().collect();
    let own = Evidences::from([("cfg+1".into(), known(18, 2)), (String::new(), known(5, 5))]);
    let mut counts = std::collections::BTreeMap::<&str, u32>::new();
    for seed in 0..1000 {
        *counts.entry(choose(&arms, &own, &Evidences::new(), &mut Chance::of(seed, "arm")).name).or_default() += 1;
    }
    assert!(counts["cfg+1"] > 600, "{counts:?}");
    assert!(counts["cfg-1"] > 20 && counts["steps+10"] > 20, "{counts:?}");
    let others = Evidences::from([("steps+10".into(), known(300, 3)), ("cfg-1".into(), known(3, 300))]);
    let mut first = std::collections::BTreeMap::<&str, u32>::new();
    for seed in 0..1000 {
        *first.entry(choose(&arms, &Evidences::new(), &others, &mut Chance::of(seed, "arm")).name).or_default() += 1;
    }
    assert!(first["steps+10"] > 600, "what is known of others is where a new character begins: {first:?}");
    assert!(first.get("cfg-1").copied().unwrap_or(0) < 20, "{first:?}");
}

#[test]
fn an_arm_that_is_better_is_found() {
    let arms: Vec<&Arm> = ARMS[..4].iter().collect();
    let mut last = 0;
    for seed in 0..40 {
        let (mut own, mut judge) = (Evidences::new(), Chance::of(seed, "judge"));
        for round in 0..120u64 {
            let arm = choose(&arms, &own, &Evidences::new(), &mut Chance::of(seed * 1000 + round, "arm"));
            let good = judge.happens(if arm.name == "cfg-1" { 0.9 } else { 0.5 });
            let known = own.entry(arm.name.into()).or_default();
            known.results += 1;
            known.approved += u32::from(good);
            known.good += f64::from(u8::from(good));
            known.bad += f64::from(u8::from(!good));
            last += u32::from(round >= 90 && arm.name == "cfg-1");
        }
    }
    assert!(last > 40 * 30 * 6 / 10, "of 30 pictures {:.1} used the better arm", f64::from(last) / 40.0);
}

#[test]
fn films_use_an_arm_only_when_it_is_better_almost_for_certain() {
    let arms: Vec<&Arm> = ARMS[..3].iter().collect();
    let of = |default: Evidence, other: Evidence| {
        let own = Evidences::from([(String::new(), default), ("cfg+1".into(), other)]);
        for_films(&arms, &own, &Evidences::new(), 1)
    };
    assert_eq!(of(known(5, 5), known(9, 0)), ForFilms::NotEnough { results: 9, least: 10 });
    assert_eq!(of(known(2, 2), known(30, 0)), ForFilms::NotEnough { results: 4, least: 10 });
    let ForFilms::Use { arm, sure } = of(known(10, 20), known(28, 2)) else { panic!() };
    assert!(arm == "cfg+1" && sure > 0.99, "{sure}");
    assert!(matches!(of(known(10, 10), known(10, 10)), ForFilms::Unsure { .. }));
    let said = ArmWhy { arm: "cfg+1".into(), approved: 7, results: 9 };
    assert_eq!(said.to_string(), "cfg+1 was approved 7 of 9 times");
    assert_eq!(ArmWhy::of(&ARMS[0], &Evidences::new()).to_string(), "the model's own settings were not tried yet");
}

#[test]
fn every_complaint_has_a_repair_and_every_repair_a_complaint() {
    for category in Rejection::ALL {
        let names = Repair::of(category);
        assert!(!names.is_empty() && names.len() <= 3, "{category}");
        assert!(names.iter().all(|name| Repair::named(name).is_some()), "{category}");
    }
    for repair in REPAIRS {
        assert!(
            Rejection::ALL.into_iter().any(|category| Repair::of(category).contains(&repair.name)),
            "{}",
            repair.name
        );
    }
}

#[test]
fn repairs_that_change_nothing_are_passed_over() {
    let knobs = Knobs { steps: Some(28), cfg: Some(7.0), reference: Some(0.7), lora: None };
    let next = |categories: &[Rejection], chain: &[&'static Repair], knobs, most| {
        Repair::next(categories, chain, &[], knobs, most).map(|(repair, category)| (repair.name, category))
    };
    let appearance = Repair::named("appearance").unwrap();
    let wrong = [Rejection::WrongAppearance];
    assert_eq!(next(&wrong, &[], knobs, None), Some(("appearance", wrong[0])));
    assert_eq!(next(&wrong, &[appearance], knobs, None), Some(("likeness", wrong[0])));
    assert_eq!(
        next(&wrong, &[appearance], knobs, Some(0.0)),
        Some(("seed", wrong[0])),
        "no reference acts from behind"
    );
    let none = Knobs::default();
    assert_eq!(next(&wrong, &[appearance], none, None), Some(("seed", wrong[0])), "drafts have nothing to turn");
    let many = [Rejection::Blurry, Rejection::NotSolo];
    assert_eq!(next(&many, &[], knobs, None), Some(("solo", Rejection::NotSolo)), "the worst first");
    assert_eq!(next(&[Rejection::TooSmall], &[Repair::named("resolution").unwrap()], knobs, None), None);
}

#[test]
fn how_often_a_repair_helped_is_counted() {
    let mut pictures: Vec<Summary> =
        (0..5).map(|n| picture(n, "", (n > 1).then_some(Rejection::Blurry), Decider::Judge, 1)).collect();
    for picture in &mut pictures {
        picture.tried.repair = "blur".into();
    }
    pictures[4].decided = None;
    let counts = helped(&pictures);
    assert_eq!((counts["blur"].tried, counts["blur"].approved), (4, 2));
    assert_eq!((counts.len(), counts["solo"].tried), (REPAIRS.len(), 0));
}

fn words(pictures: &[Summary], terms: &Terms) -> Vec<String> {
    avoided(pictures, terms, NOW).into_iter().map(|term| term.words).collect()
}

#[test]
fn words_are_learned_from_the_second_rejection_on_and_forgotten_again() {
    let mut pictures = vec![picture(1, "", Some(Rejection::NotSolo), Decider::Judge, 3)];
    assert!(words(&pictures, &Terms::default()).is_empty(), "once is an accident");
    pictures.push(picture(2, "", Some(Rejection::NotSolo), Decider::Judge, 2));
    let crowd = ["multiple characters", "crowd", "group shot"];
    assert_eq!(words(&pictures, &Terms::default()), crowd);
    let weight = avoided(&pictures, &Terms::default(), NOW)[0].weight;
    assert!((weight - (0.5f64.powf(3.0 / 14.0) + 0.5f64.powf(2.0 / 14.0))).abs() < 1e-9);
    let mut good = pictures.clone();
    good.extend((10..14).map(|n| picture(n, "", None, Decider::Judge, 1)));
    assert_eq!(words(&good, &Terms::default()), crowd, "four approvals are not enough");
    good.push(picture(14, "", None, Decider::Judge, 1));
    assert!(words(&good, &Terms::default()).is_empty());
    let old = [31, 32].map(|days| picture(days as u128, "", Some(Rejection::NotSolo), Decider::Judge, days));
    assert!(words(&old, &Terms::default()).is_empty(), "a month is forgotten");
}

#[test]
fn a_person_adds_and_removes_words_and_there_are_at_most_eight() {
    let mut pictures = Vec::new();
    for (at, category) in Rejection::ALL.into_iter().enumerate() {
        for n in 0..2 {
            pictures.push(picture((at * 2 + n) as u128, "", Some(category), Decider::Judge, at as i64));
        }
    }
    assert_eq!(words(&pictures, &Terms::default()).len(), 8);
    let terms = Terms { added: vec!["Hat".into(), " ".into()], removed: vec!["CROWD".into()] };
    let all = words(&pictures, &terms);
    assert_eq!((all[0].as_str(), all.len()), ("Hat", 9));
    assert!(!all.contains(&"crowd".into()) && all.contains(&"group shot".into()));
    assert!(avoided(&[], &terms, NOW)[0].category.is_none());
}

#[test]
fn it_is_told_when_pictures_get_worse_by_more_than_chance() {
    let rows = |before: i64, now: i64| -> Vec<Summary> {
        let good = |at: i64| if at < 20 { at < before } else { at - 20 < now };
        (0..40)
            .map(|at| picture(at as u128, "", (!good(at)).then_some(Rejection::Blurry), Decider::Judge, 40 - at))
            .collect()
    };
    let of = |before, now| drift(&rows(before, now), Millis(0)).unwrap();
    assert_eq!((of(16, 9).before, of(16, 9).now, of(16, 9).worse), (16, 9, true));
    assert!(!of(16, 12).worse, "that may be chance: {}", of(16, 12).chance);
    assert!(!of(9, 16).worse);
    assert_eq!(drift(&rows(16, 9)[..39], Millis(0)), None, "too few to tell");
    assert_eq!(drift(&rows(16, 9), NOW.after(-30 * DAY)), None, "what was before does not count");
    assert_eq!(of(16, 9).to_string(), "of the last 20 pictures 9 were approved, of the 20 before 16");
}

/// Why a picture was asked for is data; a studio that kept only a sentence of it is still read.
#[test]
fn why_a_picture_was_asked_for_is_data_and_once_was_a_sentence() {
    let helped = Helped { tried: 3, approved: 2 };
    let why = Why::Repair { repair: "solo".into(), category: Rejection::NotSolo, helped };
    let tried = Tried { why: Some(why), ..Tried::default() };
    let kept = serde_json::to_value(&tried).unwrap();
    assert_eq!(kept["why"]["what"], "repair");
    assert_eq!(serde_json::from_value::<Tried>(kept).unwrap(), tried);
    let read = |why: serde_json::Value| serde_json::from_value::<Tried>(serde_json::json!({ "why": why })).unwrap().why;
    let said = "mends 'not solo' with 'solo', which helped 2 of 3 times";
    assert_eq!(tried.why.unwrap().to_string(), said);
    assert_eq!(read(said.into()), Some(Why::Said { text: said.into() }));
    assert_eq!((read("".into()), read(serde_json::Value::Null)), (None, None));
    assert_eq!(serde_json::from_str::<Tried>("{}").unwrap().why, None);
}
