//! Progress: what ComfyUI says of a prompt, folded into one honest share.
//!
//! A sampler counts its steps; FramePack counts again for every section, says each value twice and skips some. The
//! share never falls, and is 1 only when the history has the prompt.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Passes, Workflow};
use crate::units::Millis;

/// Something ComfyUI said of the prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum ProgressEvent {
    /// ComfyUI has begun to execute it.
    Started,
    /// These nodes need not run.
    Cached(Vec<String>),
    /// This node runs now; `None`: none any more.
    Executing(Option<String>),
    /// A node counts.
    Step {
        /// Id of the node in the graph.
        node: String,
        /// Steps of it that are done.
        value: f64,
        /// Steps it counts up to.
        max: f64,
    },
    /// Nodes that began: id, done, of, finished.
    States(Vec<(String, f64, f64, bool)>),
    /// A node has outputs.
    Executed(String),
    /// The history has it.
    Done,
}

/// How far a prompt is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    /// 0-1; never falls.
    pub share: f64,
    /// Title of the node that runs.
    pub node: Option<String>,
    /// Steps done in this section.
    pub step: u32,
    /// Steps of a section; 0 when nothing counts.
    pub steps: u32,
    /// Section, from 1.
    pub section: u32,
    /// Sections in all.
    pub sections: u32,
    /// Time left in milliseconds.
    pub eta_ms: Option<u64>,
}

/// Share of the whole that the stepping node is.
const STEPPING: f64 = 0.85;
/// Nothing but the history makes it whole.
const NEARLY: f64 = 0.99;

/// One prompt's progress.
#[derive(Debug, Clone)]
pub struct Fold {
    titles: BTreeMap<String, String>,
    /// The node whose steps are the work, when the workflow says.
    stepping: Option<String>,
    sections: u32,
    usual_ms: Option<u64>,
    done: BTreeSet<String>,
    seen: Seen,
    began: Option<Millis>,
    /// When the first step was counted, and at what part of the stepping.
    first_step: Option<(Millis, f64)>,
    finished: bool,
}

impl Fold {
    /// Of a prompt with this bound graph. `sections` of FramePack, else 1; `usual_ms` is the median of such work.
    pub fn new(workflow: &Workflow, graph: &Value, sections: u32, usual_ms: Option<u64>) -> Self {
        let nodes = graph.as_object().into_iter().flatten();
        let title = |node: &Value| {
            let title = node.pointer("/_meta/title").or_else(|| node.get("class_type")).and_then(Value::as_str);
            title.unwrap_or_default().to_owned()
        };
        let stepping = workflow.about.stepping.as_ref();
        let repeats = stepping.is_some_and(|stepping| stepping.passes == Passes::Sections);
        let sections = if repeats { sections.max(1) } else { 1 };
        Self {
            titles: nodes.map(|(id, node)| (id.clone(), title(node))).collect(),
            stepping: stepping.map(|stepping| stepping.node.clone()),
            sections,
            usual_ms,
            done: BTreeSet::new(),
            seen: Seen { section: 1, sections, ..Seen::default() },
            began: None,
            first_step: None,
            finished: false,
        }
    }

    /// Takes in something said at `now`.
    pub fn hear(&mut self, now: Millis, heard: &ProgressEvent) {
        self.began.get_or_insert(now);
        match heard {
            ProgressEvent::Started => {}
            ProgressEvent::Cached(nodes) => {
                self.done.extend(nodes.iter().filter(|id| self.titles.contains_key(*id)).cloned());
            }
            ProgressEvent::Executing(Some(node)) => self.enter(node),
            // Every node of the prompt is over, whatever was said of each.
            ProgressEvent::Executing(None) => self.done.extend(self.titles.keys().cloned()),
            ProgressEvent::Step { node, value, max } => self.step(now, node, *value, *max),
            ProgressEvent::States(states) => {
                for (node, value, max, finished) in states {
                    if *finished {
                        if self.titles.contains_key(node) {
                            self.done.insert(node.clone());
                        }
                    } else if self.counts(node, *max) {
                        self.step(now, node, *value, *max);
                    } else {
                        self.enter(node);
                    }
                }
            }
            ProgressEvent::Executed(node) => {
                if self.titles.contains_key(node) {
                    self.done.insert(node.clone());
                }
            }
            ProgressEvent::Done => self.finished = true,
        }
        let share = self.share_now();
        // A new sampler in the same graph starts low again: what was shown stays.
        self.seen.share = self.seen.share.max(share);
    }

    fn counts(&self, node: &str, max: f64) -> bool {
        match &self.stepping {
            Some(stepping) => stepping == node,
            None => max > 1.0,
        }
    }

    fn enter(&mut self, node: &str) {
        if let Some(title) = self.titles.get(node) {
            self.seen.node = Some(title.clone());
        }
    }

    fn step(&mut self, now: Millis, node: &str, value: f64, max: f64) {
        if !self.titles.contains_key(node) || !value.is_finite() || !max.is_finite() || max < 1.0 {
            return;
        }
        self.enter(node);
        if !self.counts(node, max) {
            return;
        }
        let (step, steps) = (value.clamp(0.0, max) as u32, max as u32);
        // Each section counts from the start; the same value twice is the pack's second bar.
        let fell = steps == self.seen.steps && step < self.seen.step;
        if fell && self.seen.section < self.sections {
            self.seen.section += 1;
        }
        if !fell || self.sections > 1 {
            (self.seen.step, self.seen.steps) = (step, steps);
        }
        let part = self.stepped();
        self.first_step.get_or_insert((now, part));
    }

    /// Part of the stepping node's work that is done, 0-1.
    fn stepped(&self) -> f64 {
        if self.seen.steps == 0 {
            return 0.0;
        }
        let inside = f64::from(self.seen.step) / f64::from(self.seen.steps);
        ((f64::from(self.seen.section - 1) + inside) / f64::from(self.sections)).clamp(0.0, 1.0)
    }

    fn share_now(&self) -> f64 {
        if self.finished {
            return 1.0;
        }
        let all = self.titles.len().max(1) as f64;
        let through = self.done.len() as f64 / all;
        let over = self.stepping.as_ref().is_some_and(|node| self.done.contains(node));
        let stepped = if over { 1.0 } else { self.stepped() };
        let share = if self.stepping.is_some() || self.seen.steps > 0 {
            STEPPING * stepped + (1.0 - STEPPING) * through
        } else {
            through
        };
        share.min(NEARLY)
    }

    /// How far it is at `now`.
    pub fn seen(&self, now: Millis) -> Seen {
        Seen { eta_ms: self.eta_ms(now), ..self.seen.clone() }
    }

    fn eta_ms(&self, now: Millis) -> Option<u64> {
        if self.finished {
            return Some(0);
        }
        let measured = self.first_step.and_then(|(since, part)| {
            let (gone, done) = ((now.0 - since.0) as f64, self.stepped() - part);
            // Decoding and saving follow in silence: their share of the whole is added.
            let sampling = gone / done;
            (done > 0.0 && gone > 0.0)
                .then(|| (sampling / STEPPING * (1.0 - part) - gone).max(sampling * (1.0 - self.stepped())))
        });
        let usual =
            self.usual_ms.zip(self.began).map(|(usual, began)| (usual as f64 - (now.0 - began.0) as f64).max(0.0));
        measured.or(usual).filter(|left| left.is_finite()).map(|left| left as u64)
    }
}
