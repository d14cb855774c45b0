//! Cancelling, and giving the card's memory back.

use studio_core::order::Order;
use studio_engine::{Engine, FailureKind};
use tokio_util::sync::CancellationToken;

use super::{
    World, clip,
    fake::{Fault, Logged},
    still,
};

/// Cancels an order in mid-render; what the server was asked.
async fn cancelled(world: &World, order: &Order) -> Vec<Logged> {
    world.fake.hold(true);
    let before = world.fake.log().len();
    let (room, stop) = (world.room(), CancellationToken::new());
    let id = room.attempt.to_string();
    let making = world.make_in(order, &room, &stop);
    let then = async {
        world.fake.until(|log| log.contains(&Logged::Ran(id.clone()))).await;
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(making, then);
    assert_eq!(ended.unwrap_err().kind, FailureKind::Cancelled);
    let log = world.fake.log()[before..].to_vec();
    assert!(log.contains(&Logged::Ended(id, "interrupted")), "it was confirmed: {log:?}");
    world.fake.hold(false);
    log
}

#[tokio::test]
async fn a_running_prompt_is_stopped_and_that_is_confirmed() {
    let world = World::new().await;
    let log = cancelled(&world, &still(7)).await;
    assert!(!log.contains(&Logged::Free), "a still does not cling to the card");
    world.fake.fault(Fault::OldVersion);
    cancelled(&world, &still(8)).await;
    world.make(&still(9)).await.expect("the server goes on");
}

#[tokio::test]
async fn framepack_gives_the_card_back_after_a_cancel_and_after_a_failure() {
    let world = World::new().await;
    let order = clip("framepack", Some(world.picture()), 30);
    let log = cancelled(&world, &order).await;
    assert!(log.contains(&Logged::Free), "{log:?}");
    let before = world.fake.log().len();
    world.fake.fault(Fault::OutOfMemory(1));
    world.make(&order).await.unwrap_err();
    assert!(world.fake.log()[before..].contains(&Logged::Free));
}

#[tokio::test]
async fn an_abandoned_attempt_is_stopped_wherever_it_is() {
    let world = World::new().await;
    world.fake.hold(true);
    let (room, order, stop) = (world.room(), still(7), CancellationToken::new());
    let id = room.attempt.to_string();
    let making = world.make_in(&order, &room, &stop);
    let then = async {
        world.fake.until(|log| log.contains(&Logged::Ran(id.clone()))).await;
        room.closing.cancel();
    };
    let (_, ()) = tokio::join!(making, then);
    world.engine.abandon(room.attempt).await;
    assert!(world.fake.log().contains(&Logged::Ended(id, "interrupted")));
}
