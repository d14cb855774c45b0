//! The program as a person or a script uses it: the real binary, small pictures, everything else as it ships.
//!
//! `scripts/with-postgres cargo nextest run -p studiod --test film`

#[path = "film/book.rs"]
mod book;
#[path = "film/power_cut.rs"]
mod power_cut;
#[path = "film/produce.rs"]
mod produce;
#[path = "support/studio.rs"]
mod studio;
#[path = "film/tools.rs"]
mod tools;
