//! Gantt: what the cards did, as a picture.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    build::Course,
    world::{Trace, What},
};

/// Width of the time line, in pixels.
const WIDTH: f64 = 1400.0;
/// Height of a row, in pixels.
const ROW: f64 = 34.0;
/// Where the time line begins, in pixels.
const LEFT: f64 = 150.0;
/// Where the first row begins, in pixels.
const TOP: f64 = 44.0;
/// Colours of models, told apart by eye, also by most colour-blind people (Okabe and Ito).
const COLOURS: [&str; 8] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8f7a00", "#6f6f6f"];

/// An SVG with a row for every card and CPU seat: runs in the colour of their model, loads hatched, what was for
/// nothing pale.
pub fn gantt(course: &Course, trace: &[Trace], title: &str) -> String {
    let mut rows: Vec<&str> = course.cards.iter().map(|card| card.card.as_str()).collect();
    let cpu = course.seats.iter().filter(|seat| seat.card.is_none() && seat.engine != super::build::STUDIO);
    rows.extend(cpu.map(|seat| seat.seat.as_str()));
    let end = trace.iter().map(|one| one.to.0).max().unwrap_or(1).max(1) as f64;
    let across = |ms: i64| LEFT + ms as f64 / end * WIDTH;
    let mut colours: BTreeMap<&str, &str> = BTreeMap::new();
    for piece in &course.pieces {
        let name = colour_name(&piece.submission);
        let next = COLOURS[colours.len() % COLOURS.len()];
        colours.entry(name).or_insert(next);
    }
    colours.remove(super::build::STUDIO);
    let height = TOP + ROW * rows.len() as f64 + 58.0;
    let mut svg = String::new();
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\
         <defs><pattern id=\"load\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
         <rect width=\"6\" height=\"6\" fill=\"#fff\"/><rect width=\"3\" height=\"6\" fill=\"#333\"/></pattern></defs>\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><text x=\"10\" y=\"20\" font-size=\"15\">{}</text>",
        LEFT + WIDTH + 20.0,
        escape(title)
    );
    let hours = end / 3_600_000.0;
    let tick =
        [0.25, 0.5, 1.0, 2.0, 6.0, 12.0, 24.0, 168.0].into_iter().find(|tick| hours / tick <= 14.0).unwrap_or(720.0);
    for n in 0..=(hours / tick) as i64 {
        let x = across((n as f64 * tick * 3_600_000.0) as i64);
        let _ = write!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{:.1}\" stroke=\"#ddd\"/><text x=\"{x:.1}\" y=\"{:.1}\" fill=\"#666\">{} h</text>",
            height - 52.0,
            TOP - 6.0,
            n as f64 * tick
        );
    }
    for (row, name) in rows.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        let _ = write!(svg, "<text x=\"10\" y=\"{:.1}\">{}</text>", y + ROW / 2.0 + 4.0, escape(name));
        for one in trace.iter().filter(|one| one.card == *name) {
            let _ = svg.write_str(&bar(course, one, &colours, across(one.from.0), across(one.to.0), y));
        }
    }
    let mut x = LEFT;
    for (name, colour) in &colours {
        let y = height - 24.0;
        let _ = write!(
            svg,
            "<rect x=\"{x}\" y=\"{:.1}\" width=\"12\" height=\"12\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{y}\">{}</text>",
            y - 10.0,
            x + 17.0,
            escape(name)
        );
        x += 40.0 + 7.5 * name.len() as f64;
    }
    svg.push_str("</svg>\n");
    svg
}

fn colour_name(submission: &crate::schedule::Submission) -> &str {
    if submission.model.is_empty() { &submission.engine } else { &submission.model }
}

fn bar(course: &Course, one: &Trace, colours: &BTreeMap<&str, &str>, from: f64, to: f64, y: f64) -> String {
    let (fill, height, opacity, label) = match &one.what {
        What::Run { task, good, speculative } => {
            let piece = course.piece(*task);
            let colour = piece.and_then(|piece| colours.get(colour_name(&piece.submission))).copied().unwrap_or("#999");
            let note = match (good, speculative) {
                (false, _) => " (for nothing)",
                (true, true) => " (early)",
                (true, false) => "",
            };
            let label = format!("{}{note}", piece.map_or("", |piece| &piece.label));
            (colour, ROW - 8.0, if *good { 1.0 } else { 0.3 }, label)
        }
        What::Load(plan) => ("url(#load)", ROW - 14.0, 1.0, plan.to_string()),
        What::Foreign(who) => ("#bbb", ROW - 2.0, 0.6, who.clone()),
    };
    let minutes = (one.to.0 - one.from.0) as f64 / 60_000.0;
    format!(
        "<rect x=\"{from:.2}\" y=\"{:.1}\" width=\"{:.2}\" height=\"{height}\" fill=\"{fill}\" opacity=\"{opacity}\">\
         <title>{}, {minutes:.1} min</title></rect>",
        y + (ROW - height) / 2.0,
        (to - from).max(0.4),
        escape(&label)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
