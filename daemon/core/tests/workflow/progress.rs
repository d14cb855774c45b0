//! How far a prompt is: it never falls, and is whole only at the end.

use proptest::prelude::*;
use serde_json::Value;
use studio_core::{
    units::Millis,
    workflow::{Fold, ProgressEvent},
};

use super::shipped;

#[test]
fn a_framepack_render_counts_through_its_sections() {
    let flow = &shipped()["framepack_i2v"];
    let mut fold = Fold::new(flow, &Value::Object(flow.graph.clone()), 4, None);
    let mut now = 0;
    fold.hear(Millis(now), &ProgressEvent::Started);
    let mut last = 0.0;
    for section in 1..=4u32 {
        for step in 1..=25u32 {
            // Both of the pack's bars, and some values left out.
            if step % 7 == 3 {
                continue;
            }
            for _ in 0..2 {
                now += 500;
                fold.hear(Millis(now), &ProgressEvent::Step { node: "40".into(), value: f64::from(step), max: 25.0 });
                let seen = fold.seen(Millis(now));
                assert_eq!((seen.section, seen.step), (section, step));
                assert!(seen.share >= last);
                last = seen.share;
            }
        }
    }
    let seen = fold.seen(Millis(now));
    assert!((0.8..0.99).contains(&seen.share), "{seen:?}");
    fold.hear(Millis(now), &ProgressEvent::Done);
    assert!((fold.seen(Millis(now)).share - 1.0).abs() < f64::EPSILON);
}

fn any_heard() -> impl Strategy<Value = ProgressEvent> {
    let node = prop_oneof![Just("40"), Just("61"), Just("20"), Just("nobody")].prop_map(str::to_owned);
    prop_oneof![
        Just(ProgressEvent::Started),
        proptest::collection::vec(node.clone(), 0..4).prop_map(ProgressEvent::Cached),
        proptest::option::of(node.clone()).prop_map(ProgressEvent::Executing),
        (node.clone(), -5.0..60.0f64, -1.0..50.0f64).prop_map(|(node, value, max)| ProgressEvent::Step {
            node,
            value,
            max
        }),
        Just(ProgressEvent::Step { node: "40".into(), value: f64::NAN, max: f64::INFINITY }),
        proptest::collection::vec((node.clone(), 0.0..30.0f64, 0.0..30.0f64, any::<bool>()), 0..4)
            .prop_map(ProgressEvent::States),
        node.prop_map(ProgressEvent::Executed),
    ]
}

proptest! {
    #[test]
    fn progress_never_falls_and_is_whole_only_at_the_end(
        heard in proptest::collection::vec((0i64..5000, any_heard()), 0..60), sections in 1u32..6,
    ) {
        let flow = &shipped()["framepack_i2v"];
        let mut fold = Fold::new(flow, &Value::Object(flow.graph.clone()), sections, Some(60_000));
        let mut last = 0.0;
        for (now, heard) in heard {
            fold.hear(Millis(now), &heard);
            let seen = fold.seen(Millis(now));
            prop_assert!((last..1.0).contains(&seen.share), "{last} {seen:?} {heard:?}");
            prop_assert!(seen.section >= 1 && seen.section <= sections);
            last = seen.share;
        }
    }
}
