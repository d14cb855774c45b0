//! The same with PostgreSQL for a database.

use crate::{
    book::Book,
    postgres::Private,
    produce::{FILM, PLAY},
    studio::{Studio, block},
    tools::pictures,
};

#[test]
fn a_screenplay_becomes_an_episode_on_postgres_too() {
    let private = block(Private::new());
    let studio = Studio::new();
    studio.settings(&format!("[database]\nurl = \"{}\"\n", private.url()));
    let play = studio.write("play.fountain", PLAY);
    let first = studio.make(&play);
    assert!(!pictures(&studio.library().join(FILM)).is_empty());
    let book = Book::read_at(&private.url(), &studio.data());
    assert_eq!(book.succeeded().count() as u64, first["made"].as_u64().unwrap());
    assert!(!studio.data().join("studio.db").exists(), "there is one database");
    let second = studio.make(&play);
    assert_eq!((&second["made"], &second["reused"]), (&0.into(), &first["made"]), "{second}");
    studio.run(["check", "--deep"]).ended(0);
}
