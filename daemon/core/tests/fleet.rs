//! The scheduler of cards against adversaries: random studios, faults, people who steer, and a rule taken away.

mod fleet {
    pub mod bounds;
    pub mod doors;
    pub mod foreseen;
    pub mod invariants;
    pub mod loads;
    pub mod lower_bound;
    pub mod orders;
    pub mod support;
}
