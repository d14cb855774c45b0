//! What is asked for: the emptiest cells first, repairs before them, and always the same for the same rows.

use std::collections::BTreeSet;

use studio_core::{
    chance::Chance,
    dataset::{
        Asked, Cell, Coverage, Dataset, Decided, Decider, Evidences, Ground, Knobs, NoRepair, PictureState, Rejection,
        Request, Summary, Terms, Why, plan_repair, plan_round, plan_wanted,
    },
    ids::{CharacterId, PictureId},
    units::Millis,
};
use uuid::Uuid;

const KNOBS: Knobs = Knobs { steps: Some(28), cfg: Some(7.0), reference: Some(0.7), lora: None };

struct Set {
    dataset: Dataset,
    coverage: Coverage,
    pictures: Vec<Summary>,
    requests: Vec<Request>,
    others: Evidences,
    terms: Terms,
    asked: u64,
}

impl Set {
    fn new(character: u128) -> Self {
        Self {
            dataset: Dataset::new(CharacterId(Uuid::from_u128(character))),
            coverage: Coverage::shipped(),
            pictures: Vec::new(),
            requests: Vec::new(),
            others: Evidences::new(),
            terms: Terms::default(),
            asked: 0,
        }
    }

    fn ground(&self) -> Ground<'_> {
        Ground {
            dataset: &self.dataset,
            coverage: &self.coverage,
            pictures: &self.pictures,
            requests: &self.requests,
            model: "sdxl",
            knobs: KNOBS,
            others: &self.others,
            forget: Millis(0),
            terms: &self.terms,
            asked_before: self.asked,
            now: Millis(1_000_000 + self.asked as i64),
        }
    }

    fn add(&mut self, asked: &Asked, decided: Option<Result<(), Rejection>>) -> PictureId {
        let id = PictureId(Uuid::from_u128(1 + u128::from(self.asked)));
        let at = Millis(1_000_000 + self.asked as i64);
        self.asked += 1;
        let state = match decided {
            None => PictureState::Pending,
            Some(Ok(())) => PictureState::Approved,
            Some(Err(_)) => PictureState::Rejected,
        };
        let categories = decided.and_then(Result::err).into_iter().collect();
        self.pictures.push(Summary {
            id,
            state,
            generated: true,
            copy: false,
            judged: true,
            cell: asked.cell.clone(),
            asked: asked.cell.clone(),
            model: "sdxl".into(),
            tried: asked.tried.clone(),
            decided: decided.map(|_| Decided { by: Decider::Judge, at, categories }),
            created: at,
        });
        id
    }
}

fn cell(words: &[(&str, &str)]) -> Cell {
    words.iter().map(|(axis, word)| ((*axis).to_owned(), (*word).to_owned())).collect()
}

/// Framing and angle of a cell.
fn pair(cell: &Cell) -> (String, String) {
    (cell["framing"].clone(), cell["angle"].clone())
}

#[test]
fn a_round_that_is_planned_again_is_the_same() {
    let mut set = Set::new(1);
    let first = plan_round(&set.ground(), 3);
    assert_eq!(first, plan_round(&set.ground(), 3));
    assert_eq!(first.asked.len(), 3);
    let seeds: BTreeSet<u64> = first.asked.iter().map(|asked| asked.seed.0).collect();
    assert_eq!(seeds.len(), 3);
    assert!(seeds.iter().all(|seed| *seed < 1 << 53));
    let places: BTreeSet<Cell> = first.asked.iter().map(|asked| set.coverage.crossed(&asked.cell)).collect();
    assert_eq!(places.len(), 3, "never the same cell twice while others are empty");
    for asked in &first.asked {
        assert_eq!(set.coverage.check_cell(&asked.cell), Ok(()));
        assert!(asked.tried.why.is_some());
    }
    set.asked += 3;
    assert_ne!(plan_round(&set.ground(), 3).asked[0].seed, first.asked[0].seed);
    assert_ne!(plan_round(&Set::new(2).ground(), 3).asked[0].seed, first.asked[0].seed, "another character");
}

/// Empty pairs of framing and angle after 24 pictures of which 60 % are approved: planned, and drawn at random.
#[test]
fn coverage_is_better_than_chance() {
    let coverage = Coverage::shipped();
    let pairs: BTreeSet<_> = coverage.cells().iter().map(pair).collect();
    assert_eq!(pairs.len(), 12);
    let (mut planned, mut random, mut pictures) = (0, 0, 0);
    for seed in 0..100 {
        let mut judge = Chance::of(seed, "judge");
        let verdict = |judge: &mut Chance| if judge.happens(0.6) { Ok(()) } else { Err(Rejection::BadQuality) };
        let mut set = Set::new(u128::from(seed) + 1);
        set.dataset.settings.repair = false;
        while set.pictures.len() < 24 {
            for asked in plan_round(&set.ground(), 3).asked {
                let said = verdict(&mut judge);
                set.add(&asked, Some(said));
            }
        }
        let approved = set.pictures.iter().filter(|one| one.state == PictureState::Approved);
        let shown: BTreeSet<_> = approved.map(|one| pair(&one.cell)).collect();
        planned += 12 - shown.len();
        pictures += set.pictures.iter().filter(|one| one.state == PictureState::Approved).count();

        let mut chance = Chance::of(seed, "random");
        let all: Vec<_> = pairs.iter().collect();
        let mut drawn = BTreeSet::new();
        for _ in 0..24 {
            let pair = all[chance.whole(0, 11) as usize];
            if verdict(&mut judge).is_ok() {
                drawn.insert(pair);
            }
        }
        random += 12 - drawn.len();
    }
    let factor = f64::from(random as u32) / f64::from((planned as u32).max(1));
    println!(
        "empty pairs of framing and angle after 24 pictures, {:.1} approved: planned {:.2}, at random {:.2}: factor {factor:.1}",
        f64::from(pictures as u32) / 100.0,
        f64::from(planned as u32) / 100.0,
        f64::from(random as u32) / 100.0,
    );
    assert!(factor > 2.0, "{factor}");
}

#[test]
fn what_was_rejected_is_mended_first_and_at_most_three_times() {
    let mut set = Set::new(3);
    let asked = plan_round(&set.ground(), 1).asked.remove(0);
    let mut last = set.add(&asked, Some(Err(Rejection::BadQuality)));
    let mut names = Vec::new();
    for _ in 0..3 {
        let next = plan_round(&set.ground(), 1).asked.remove(0);
        assert_eq!((next.tried.repairs, &next.cell), (Some(last), &asked.cell));
        assert!(matches!(next.tried.why, Some(Why::Repair { category: Rejection::BadQuality, .. })));
        names.push(next.tried.repair.clone());
        last = set.add(&next, Some(Err(Rejection::BadQuality)));
    }
    assert_eq!(names, ["quality", "resolution", "guidance"]);
    assert!(plan_round(&set.ground(), 1).asked[0].tried.repairs.is_none(), "three times, and no more");
    assert_eq!(plan_repair(&set.ground(), last), Err(NoRepair::Exhausted));
    set.dataset.settings.repair = false;
    set.add(&asked, Some(Err(Rejection::NotSolo)));
    assert!(plan_round(&set.ground(), 1).asked[0].tried.repair.is_empty(), "switched off");
}

#[test]
fn a_chain_keeps_what_was_changed_before() {
    let mut set = Set::new(4);
    let asked = plan_round(&set.ground(), 1).asked.remove(0);
    let first = set.add(&asked, Some(Err(Rejection::Blurry)));
    let second = plan_repair(&set.ground(), first).unwrap();
    assert!(second.stress.contains(&"sharp focus".into()) && second.avoid.contains(&"blurry".into()));
    let second = set.add(&second, Some(Err(Rejection::NotSolo)));
    let third = plan_repair(&set.ground(), second).unwrap();
    assert_eq!(third.tried.repair, "solo");
    assert!(third.stress.contains(&"sharp focus".into()) && third.stress.contains(&"solo".into()));
    assert_eq!(plan_repair(&set.ground(), first).unwrap().tried.repair, "resolution", "blur was tried on it");
}

#[test]
fn only_rejected_pictures_of_the_studio_are_made_again() {
    let mut set = Set::new(5);
    let asked = plan_round(&set.ground(), 1).asked.remove(0);
    let good = set.add(&asked, Some(Ok(())));
    assert_eq!(plan_repair(&set.ground(), good), Err(NoRepair::NotRejected));
    let bad = set.add(&asked, Some(Err(Rejection::TooDark)));
    set.pictures.last_mut().unwrap().generated = false;
    assert_eq!(plan_repair(&set.ground(), bad), Err(NoRepair::NotMade));
    assert_eq!(plan_repair(&set.ground(), PictureId(Uuid::nil())), Err(NoRepair::NotRejected));
}

#[test]
fn a_cell_tried_six_times_in_vain_is_given_up_until_somebody_resumes_it() {
    let mut set = Set::new(6);
    set.dataset.settings.repair = false;
    let place = cell(&[("angle", "back"), ("framing", "full")]);
    let asked = Asked { cell: place.clone(), ..plan_round(&set.ground(), 1).asked.remove(0) };
    for _ in 0..6 {
        set.add(&asked, Some(Err(Rejection::WrongPose)));
    }
    let round = plan_round(&set.ground(), 60);
    assert_eq!(round.given_up, std::slice::from_ref(&place));
    assert!(round.asked.iter().all(|asked| set.coverage.crossed(&asked.cell) != place));
    set.dataset.since = Millis(2_000_000);
    assert!(plan_round(&set.ground(), 60).given_up.is_empty());
    set.dataset.since = Millis(0);
    set.add(&asked, Some(Ok(())));
    assert!(plan_round(&set.ground(), 60).given_up.is_empty(), "one is approved, so it can be done");
}

#[test]
fn nobody_sees_an_expression_from_behind() {
    let set = Set::new(7);
    for asked in plan_round(&set.ground(), 120).asked {
        let behind = asked.cell["angle"] == "back";
        assert_eq!(asked.cell.contains_key("expression"), !behind, "{:?}", asked.cell);
        assert_eq!(asked.cell.contains_key("pose"), asked.cell["framing"] != "face");
        assert_eq!(asked.cell.contains_key("light"), asked.cell["place"] != "plain");
        if behind {
            assert_eq!(asked.reference_weight, Some(0.0), "a reference from the front would turn the head");
        }
        assert!(asked.reference_weight.unwrap() <= if asked.cell["angle"] == "side" { 0.45 } else { 0.7 });
    }
}

#[test]
fn pictures_that_wait_or_are_being_made_count() {
    let mut set = Set::new(8);
    let mut seen = BTreeSet::new();
    for _ in 0..7 {
        for asked in plan_round(&set.ground(), 3).asked {
            assert!(seen.insert(set.coverage.crossed(&asked.cell)), "asked for again before anybody decided");
            set.add(&asked, None);
        }
    }
}

#[test]
fn what_somebody_wants_is_in_every_picture_and_all_else_goes_with_it() {
    let mut set = Set::new(1);
    set.dataset.settings.repair = true;
    let wanted = cell(&[("angle", "back")]);
    let first = plan_wanted(&set.ground(), 3, &wanted);
    let places: BTreeSet<Cell> = first.iter().map(|asked| set.coverage.crossed(&asked.cell)).collect();
    assert_eq!((first.len(), places.len()), (3, 3), "how close still differs: {places:?}");
    for asked in &first {
        assert_eq!((asked.cell["angle"].as_str(), asked.cell.get("expression")), ("back", None), "{:?}", asked.cell);
        assert_eq!(asked.reference_weight, Some(0.0), "one from the front fights it");
        assert!(asked.words.contains(&"from behind, back view".to_owned()), "{:?}", asked.words);
        assert_eq!(asked.tried.why, None, "who wants it knows why");
    }
    // What was rejected is mended by the studio, not by this; and what was tried in vain is tried again.
    for asked in std::iter::repeat_n(&first[0], 8) {
        set.add(asked, Some(Err(Rejection::Blurry)));
    }
    let again = plan_wanted(&set.ground(), 3, &first[0].cell);
    assert_eq!(again.len(), 3);
    assert!(again.iter().all(|asked| asked.cell == first[0].cell && asked.tried.repairs.is_none()), "{again:?}");
    // An expression is seen on faces only, and a light only where there is a place.
    for asked in plan_wanted(&set.ground(), 8, &cell(&[("expression", "sad"), ("light", "night")])) {
        assert_eq!((asked.cell["expression"].as_str(), asked.cell["light"].as_str()), ("sad", "night"));
        assert!(asked.cell["angle"] != "back" && asked.cell["place"] != "plain", "{:?}", asked.cell);
    }
    // Of what does not go together the one that is seen stays.
    let both = plan_wanted(&set.ground(), 1, &cell(&[("angle", "back"), ("expression", "sad")]));
    assert_eq!((both[0].cell["angle"].as_str(), both[0].cell.get("expression")), ("back", None));
    assert_eq!(plan_wanted(&set.ground(), 3, &Cell::new()), plan_round(&set.ground(), 3).asked);
}
