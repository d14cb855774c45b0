//! Every engine of the other card: ready twice, run, stopped midway, released twice, the server dies.

use std::sync::Arc;

use rstest::rstest;
use studio_core::order::Order;
use studio_engine::{Engine, FailureKind, Means, Progress};
use tokio_util::sync::CancellationToken;

use super::{
    Place, ace_step, run,
    servers::{ace_step::AceStep, speech::Speech},
    speech, until, until_here,
};

/// A server, its engine, and an order it carries out.
async fn served(name: &str) -> (Box<dyn std::any::Any + Send>, Arc<dyn Engine>, Order) {
    match name {
        "wrapper" => {
            let fake = AceStep::wrapper().await;
            let engine = ace_step::open(fake.served.url());
            (Box::new(fake), Arc::new(engine), ace_step::order())
        }
        "server" => {
            let fake = AceStep::server().await;
            let engine = ace_step::open(fake.served.url());
            (Box::new(fake), Arc::new(engine), ace_step::order())
        }
        _ => {
            let fake = Speech::start().await;
            let engine = speech::open(&fake.served.url(), false);
            (Box::new(fake), Arc::new(engine), speech::line("Where is the light?", None))
        }
    }
}

#[rstest]
#[tokio::test]
async fn an_engine_keeps_its_word(#[values("wrapper", "server", "speech")] name: &str) {
    let (fake, engine, order) = served(name).await;
    let place = Place::new();
    let offer = until_here(&*engine).await;
    let seat = offer.seats[0].facts.seat.clone();
    let model = offer.models.keys().next().expect("a model").clone();
    for _ in 0..2 {
        engine.ready(&seat, &model).await.expect("ready, also twice");
    }
    let made = run(&*engine, &order, &place).await.expect("it is made");
    assert!(!made.is_empty());
    let again = run(&*engine, &order, &place).await.expect("it is made again");
    assert_eq!(made.len(), again.len());
    // Stopped before it begins is stopped.
    let stop = CancellationToken::new();
    stop.cancel();
    let room = place.room();
    let stopped = engine.run(&order, Means { room: &room, progress: &Progress::noop(), stop: &stop }).await;
    assert_eq!(stopped.unwrap_err().kind, FailureKind::Cancelled);
    for _ in 0..2 {
        engine.release(&seat, &model).await.expect("released, also twice");
    }
    // Another kind of order is refused, and nothing else happens.
    let wrong = if matches!(order, Order::Voice(_)) { ace_step::order() } else { speech::line("?", None) };
    assert_eq!(run(&*engine, &wrong, &place).await.unwrap_err().kind, FailureKind::Refused);
    drop(fake);
    let away = until(engine.offer().expect("it offers"), |offer| offer.seats[0].away.is_some()).await;
    assert!(away.seats[0].away.as_ref().is_some_and(|why| why.to_string().contains("start")), "{away:?}");
    let dead = run(&*engine, &order, &place).await;
    assert_eq!(dead.unwrap_err().kind, FailureKind::Away, "a dead server may come back");
}
