//! The example everybody sees first.

use std::fmt::Write;

use studio_core::{script::Script, shot::ShotType};

use super::break_down;

const EXAMPLE: &str = include_str!("../../../../examples/the-last-light.fountain");

#[test]
fn the_example_breaks_down() {
    insta::assert_snapshot!(shown(&break_down(EXAMPLE)));
}

/// What the example is for: a minute or so of film that shows what the studio can do.
#[test]
fn the_example_is_a_short_varied_film() {
    let script = break_down(EXAMPLE);
    let shots: Vec<_> = script.scenes.iter().flat_map(|scene| &scene.shots).map(|shot| &shot.plan).collect();
    let lines: Vec<_> = shots.iter().flat_map(|plan| &plan.lines).collect();
    assert_eq!((script.scenes.len(), script.characters.len()), (3, 2));
    assert!((13..=16).contains(&shots.len()), "{} shots", shots.len());
    assert!((8..=12).contains(&lines.len()), "{} lines", lines.len());
    assert!(shots.iter().any(|plan| plan.continues));
    for wanted in [ShotType::Establishing, ShotType::Wide, ShotType::Medium, ShotType::CloseUp, ShotType::Action] {
        assert!(shots.iter().any(|plan| plan.shot_type == wanted), "{wanted:?}");
    }
    let ms = film_ms(&script);
    assert!((65_000..=85_000).contains(&ms), "{ms} ms");
}

fn film_ms(script: &Script) -> u64 {
    let shots = script.scenes.iter().flat_map(|scene| &scene.shots);
    let length: u64 = shots.clone().map(|shot| shot.plan.planned_ms).sum();
    let overlaps: u32 =
        shots.map(|shot| shot.plan.transition.ms).chain(script.scenes.iter().map(|scene| scene.transition.ms)).sum();
    length - u64::from(overlaps)
}

fn shown(script: &Script) -> String {
    let mut out = String::new();
    writeln!(
        out,
        "{:?} {:?} by {} s{:?} e{:?} {} {:?}",
        script.show, script.episode_title, script.author, script.season, script.episode, script.language, script.aired
    )
    .unwrap();
    writeln!(out, "{}", script.plot).unwrap();
    for who in &script.characters {
        writeln!(out, "{} ({}) {:?} {:?}", who.name, who.slug, who.profile.gender, who.profile.age).unwrap();
    }
    for scene in &script.scenes {
        let look = &scene.look;
        writeln!(
            out,
            "\n{} {} [{}] line {} <- {:?} {}ms",
            scene.number, scene.title, scene.heading, scene.line, scene.transition.kind, scene.transition.ms
        )
        .unwrap();
        writeln!(
            out,
            "  {:?}, {}, {:?}, {:?}, {}, {:?} bpm: {}",
            look.setting, look.location, look.time_of_day, look.weather, look.mood, scene.tempo_bpm, look.synopsis
        )
        .unwrap();
        for shot in &scene.shots {
            let plan = &shot.plan;
            let fixed = if plan.fixed_length { " fixed" } else { "" };
            let continues = if plan.continues { " continues" } else { "" };
            writeln!(
                out,
                "  {}.{} line {} {:?} {:?} {:?} {}ms{fixed}{continues} <- {:?} {}ms",
                scene.number,
                shot.number,
                shot.line,
                plan.shot_type,
                plan.angle,
                plan.motion,
                plan.planned_ms,
                plan.transition.kind,
                plan.transition.ms
            )
            .unwrap();
            writeln!(out, "      {} {:?}", plan.description, plan.characters).unwrap();
            for line in &plan.lines {
                let manner = line.parenthetical.as_ref().map(|manner| format!(" ({manner})")).unwrap_or_default();
                writeln!(out, "      {}{manner}: {}", line.character, line.text).unwrap();
            }
        }
    }
    writeln!(out, "\n{} ms", film_ms(script)).unwrap();
    out
}
