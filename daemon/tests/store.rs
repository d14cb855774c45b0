//! The store: every function on both databases.
//!
//! `scripts/with-postgres cargo nextest run -p studiod --test store`

#[path = "store/bed.rs"]
mod bed;
#[path = "store/checks.rs"]
mod checks;
#[path = "store/fleet.rs"]
mod fleet;
#[path = "store/ingests.rs"]
mod ingests;
#[path = "store/lineage.rs"]
mod lineage;
#[path = "store/many.rs"]
mod many;
#[path = "store/page.rs"]
mod page;
#[path = "store/people.rs"]
mod people;
#[path = "studio/plans.rs"]
mod plans;
#[path = "store/portraits.rs"]
mod portraits;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "store/productions.rs"]
mod productions;
#[path = "store/reviews.rs"]
mod reviews;
#[path = "store/samples.rs"]
mod samples;
#[path = "store/sources.rs"]
mod sources;
#[path = "store/story.rs"]
mod story;
#[path = "store/takes.rs"]
mod takes;
#[path = "store/tasks.rs"]
mod tasks;
#[path = "store/whole.rs"]
mod whole;
#[path = "store/work.rs"]
mod work;
