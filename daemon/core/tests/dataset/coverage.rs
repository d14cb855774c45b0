//! Coverage: the shipped axes, mistakes in somebody's own, quotas, gaps and readiness.

use studio_core::dataset::{Cell, Coverage, DatasetSettings};

fn cell(words: &[(&str, &str)]) -> Cell {
    words.iter().map(|(axis, word)| ((*axis).to_owned(), (*word).to_owned())).collect()
}

#[test]
fn what_ships_is_whole() {
    let coverage = Coverage::shipped();
    assert_eq!(coverage.check(), Vec::<String>::new());
    assert_eq!(coverage.cells().len(), 3 * 3 * 6 + 3, "no expression from behind");
    let names: Vec<&str> = coverage.axes.iter().map(|axis| axis.name.as_str()).collect();
    assert_eq!(names, ["framing", "angle", "expression", "pose", "outfit", "place", "light"]);
    let all: f64 = coverage.cells().iter().map(|cell| coverage.expected(cell)).sum();
    assert!((all - 1.0).abs() < 1e-9, "the cells are all there is: {all}");
    let stored = serde_json::to_string(&coverage).unwrap();
    assert_eq!(serde_json::from_str::<Coverage>(&stored).unwrap(), coverage);
}

#[test]
fn quotas_of_an_axis_add_up_to_the_target() {
    let coverage = Coverage::shipped();
    for target in [1, 7, 20, 33, 500] {
        let tallies = coverage.tallies(&[], target);
        let want = |axis: &str| tallies.iter().filter(|tally| tally.axis == axis).map(|tally| tally.want).sum::<u32>();
        assert_eq!((want("framing"), want("angle")), (target, target));
        assert_eq!(want("expression"), (f64::from(target) * 0.9).round() as u32, "but for those from behind");
        assert_eq!(want("pose"), (f64::from(target) * 0.6).round() as u32, "but for faces");
    }
    let tallies = coverage.tallies(&[], 20);
    let want = |axis: &str, word: &str| tallies.iter().find(|one| one.axis == axis && one.word == word).unwrap().want;
    assert_eq!([want("framing", "face"), want("framing", "upper"), want("framing", "full")], [8, 6, 6]);
    let angles = ["front", "three_quarter", "side", "back"].map(|word| want("angle", word));
    assert_eq!(angles, [8, 6, 4, 2]);
}

#[test]
fn gaps_are_told_the_widest_first() {
    let coverage = Coverage::shipped();
    let frontal = cell(&[("framing", "face"), ("angle", "front"), ("expression", "neutral"), ("place", "plain")]);
    let approved = vec![&frontal; 12];
    let gaps = coverage.gaps(&approved, 20);
    assert!(gaps.windows(2).all(|two| two[0].want - two[0].have >= two[1].want - two[1].have));
    assert!(gaps.iter().any(|gap| gap.axis == "angle" && gap.word == "side" && (gap.have, gap.want) == (0, 4)));
    assert!(!gaps.iter().any(|gap| gap.word == "face"), "there are enough faces");
    let ready = coverage.readiness(&approved);
    assert!(ready.ready, "stiff is no refusal");
    let missing: Vec<(&str, u32)> = ready.missing.iter().map(|one| (one.need.axis.as_str(), one.have)).collect();
    assert_eq!(missing, [("framing", 0), ("angle", 0), ("expression", 1), ("place", 1)]);
    assert!(!coverage.readiness(&approved[..9]).ready);
}

#[test]
fn a_set_of_everything_is_ready_and_not_stiff() {
    let coverage = Coverage::shipped();
    let places = ["plain", "room", "street"];
    let faces = ["neutral", "smile", "sad"];
    let cells: Vec<Cell> = (0..12)
        .map(|at| {
            let angle = if at % 2 == 0 { "side" } else { "front" };
            let framing = if at % 3 == 0 { "full" } else { "face" };
            cell(&[("framing", framing), ("angle", angle), ("expression", faces[at % 3]), ("place", places[at / 4])])
        })
        .collect();
    let ready = coverage.readiness(&cells.iter().collect::<Vec<_>>());
    assert_eq!((ready.ready, ready.missing), (true, Vec::new()));
}

#[test]
fn prompts_say_the_axes_in_order_and_leave_out_what_is_not_seen() {
    let coverage = Coverage::shipped();
    let from_behind = cell(&[("place", "street"), ("angle", "back"), ("framing", "full"), ("expression", "smile")]);
    let words = coverage.words(&from_behind);
    assert_eq!(words, ["full body, head to toe", "from behind, back view", "in a street"]);
    assert_eq!(coverage.reference(&from_behind), Some(0.0));
    assert_eq!(coverage.crossed(&from_behind), cell(&[("angle", "back"), ("framing", "full")]));
    assert_eq!(coverage.check_cell(&from_behind), Ok(()));
    let wrong = coverage.check_cell(&cell(&[("angel", "back")])).unwrap_err();
    assert_eq!(wrong, "there is no axis 'angel'; did you mean 'angle'?");
    let wrong = coverage.check_cell(&cell(&[("angle", "bakc")])).unwrap_err();
    assert_eq!(wrong, "angle has no 'bakc'; did you mean 'back'?");
}

#[test]
fn mistakes_are_said_in_a_sentence() {
    let axis = |rest: &str| format!("[[axes]]\nname = \"angle\"\ncrossed = true\n{rest}");
    let of = |text: &str| Coverage::parse(text).unwrap_err();
    let two = "values = [{ word = \"front\", share = 1 }, { word = \"side\", share = 1 }]\n";
    assert_eq!(of("axes = []"), "there is no axis; write at least one [[axes]]");
    assert!(of(&axis("valeus = []")).contains("valeus"));
    let says = [
        ("values = []", "axis angle has no value; write at least one"),
        ("values = [{ word = \"Front!\", share = 1 }]", "angle 'Front!': a word is made of up to 40 lower-case"),
        ("values = [{ word = \"front\", share = 0 }]", "angle 'front': share is 0; it must be from 1 to 1000"),
        ("values = [{ word = \"a\", share = 1 }, { word = \"a\", share = 1 }]", "angle 'a': it is there twice"),
        ("values = [{ word = \"a\", share = 1, reference = 101 }]", "angle 'a': reference must be from 0 to 100"),
        ("values = [{ word = \"a\", share = 1, without = [\"pose\"] }]", "angle 'a': without: there is no axis 'pose'"),
        (
            "values = [{ word = \"a\", share = 1, without = [\"angle\"] }]",
            "angle 'a': it cannot be without its own axis",
        ),
    ];
    for (values, said) in says {
        let wrong = of(&axis(values));
        assert!(wrong.starts_with(said), "{wrong}");
    }
    let ready = |need: &str| of(&format!("{}[ready]\nneeds = [{need}]", axis(two)));
    assert_eq!(
        ready("{ axis = \"angel\", pictures = 1 }"),
        "ready.needs: there is no axis 'angel'; did you mean 'angle'?"
    );
    assert_eq!(
        ready("{ axis = \"angle\", words = [\"sid\"], pictures = 1 }"),
        "ready.needs: angle has no 'sid'; did you mean 'side'?"
    );
    assert!(ready("{ axis = \"angle\" }").contains("either how many pictures or how many different values"));
    assert!(ready("{ axis = \"angle\", different = 3 }").contains("angle has only 2 values; 3 cannot differ"));
    let many: Vec<String> = (0..5).map(|at| format!("[[axes]]\nname = \"a{at}\"\ncrossed = true\n{two}")).collect();
    assert!(of(&many.join("\n")).starts_with("the crossed axes make 32 cells; cross at most 4 axes"));
    assert_eq!(of(&format!("{}{}", axis(two), axis(two))), "there are two axes 'angle'; call one of them otherwise");
}

#[test]
fn a_character_may_have_axes_of_its_own() {
    let mut axes = Coverage::shipped();
    let settings = DatasetSettings { axes: Some(axes.clone()), ..DatasetSettings::default() };
    assert_eq!(settings.check(), Ok(()));
    axes.axes[0].values[0].share = 0;
    let settings = DatasetSettings { axes: Some(axes), ..settings };
    assert_eq!(settings.check().unwrap_err(), "axes: framing 'face': share is 0; it must be from 1 to 1000");
    let usual = serde_json::to_value(DatasetSettings::default()).unwrap();
    assert!(usual.get("axes").is_none(), "nothing is stored where nothing is said");
}
