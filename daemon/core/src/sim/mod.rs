//! Sim: studios that exist only in numbers, run through the same [`crate::schedule::step`] as the real one.
//!
//! - `scenario` says what there is and what is asked for; `build` draws one course of events from it.
//! - `world` plays cards, engines and time against the scheduler and counts what it does wrong.
//! - `bound` says how fast nobody can be, with what `capacity` says of places; `report` compares; `gantt` draws.
//! - `random` and `families` draw scenarios nobody wrote.
//! - `plan` runs a real fleet forward.

mod bound;
mod build;
mod capacity;
mod families;
mod gantt;
mod plan;
mod random;
mod report;
mod scenario;
mod world;

pub use crate::chance::Chance;
pub use bound::{Bound, bound};
pub use build::{Course, Gate, Piece, course};
pub use capacity::Hindrances;
pub use families::{Family, POLICIES, against_best, compare};
pub use gantt::gantt;
pub use plan::{Ahead, Foretold, RUNS, Retakes, Spread, foretell, runs_for};
pub use random::random;
pub use report::{CardReport, Report, Waits, report};
pub use scenario::{Foreign, Gpu, JobSpec, ModelSpec, Outage, Per, Scenario, SeatSpec, StepSpec};
pub use world::{Faults, Ran, Trace, What, World};
