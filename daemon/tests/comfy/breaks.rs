//! What breaks in the middle: connections, servers, the studio itself.

use std::time::Duration;

use studio_engine::{Engine, FailureKind, Means, Progress, Workspace};
use studiod::{
    definitions::{Definitions, DefinitionsWatch},
    engines::comfy::{Restart, STRIKES, ServerPlan},
};
use tokio_util::sync::CancellationToken;

use super::{
    World, all_models, clip, engine,
    fake::{Comfy as Fake, Fault, Logged},
    open, pace, still,
};

fn ran(log: &[Logged]) -> bool {
    log.iter().any(|logged| matches!(logged, Logged::Ran(_)))
}

#[tokio::test]
async fn a_dropped_socket_in_mid_render_costs_nothing() {
    let world = World::new().await;
    world.fake.hold(true);
    let order = still(7);
    let making = world.make(&order);
    let then = async {
        world.fake.until(ran).await;
        world.fake.drop_sockets();
        world.fake.hold(false);
    };
    let (made, ()) = tokio::join!(making, then);
    made.unwrap();
    assert_eq!(world.fake.queued().len(), 1);
}

#[tokio::test]
async fn a_lost_answer_to_a_prompt_does_not_queue_it_twice() {
    let world = World::new().await;
    world.fake.fault(Fault::LoseAnswer);
    world.make(&still(7)).await.unwrap();
    assert_eq!((world.fake.queued().len(), world.fake.rendered()), (1, 1));
}

#[tokio::test]
async fn a_killed_server_has_lost_the_prompt_and_a_new_attempt_is_good() {
    let mut world = World::new().await;
    world.fake.hold(true);
    let (order, room, stop) = (still(7), world.room(), CancellationToken::new());
    let engine = world.engine.clone();
    let (first, its_room) = (order.clone(), room.clone());
    let making = tokio::spawn(async move {
        engine.run(&first, Means { room: &its_room, progress: &Progress::noop(), stop: &stop }).await
    });
    world.fake.until(ran).await;
    world.fake.kill();
    world.away().await;
    world.fake.restart().await;
    world.fake.hold(false);
    let failure = making.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Lost, "{failure}");
    world.make(&order).await.unwrap();
    world.fake.nothing_twice();
    assert_eq!(world.fake.rendered(), 1);
}

#[tokio::test]
async fn a_studio_that_closes_leaves_the_prompt_and_finds_it_again() {
    for finished_meanwhile in [false, true] {
        let world = World::new().await;
        world.fake.hold(true);
        let (order, room, stop) = (still(7), world.room(), CancellationToken::new());
        let making = world.make_in(&order, &room, &stop);
        let then = async {
            world.fake.until(ran).await;
            room.closing.cancel();
        };
        let (left, ()) = tokio::join!(making, then);
        assert_eq!(left.unwrap_err().kind, FailureKind::Left);
        if finished_meanwhile {
            world.fake.hold(false);
            world.fake.until(|log| log.iter().any(|logged| matches!(logged, Logged::Ended(..)))).await;
        }
        // Another process, which only knows the attempt's id.
        let world = World { engine: engine(&[&world.fake], pace()), ..world };
        let again = Workspace { resumed: true, closing: CancellationToken::new(), ..room };
        let making = world.make_in(&order, &again, &stop);
        world.fake.hold(false);
        making.await.unwrap();
        assert_eq!((world.fake.queued().len(), world.fake.rendered()), (1, 1), "finished: {finished_meanwhile}");
        assert!(!world.fake.log().iter().any(|logged| matches!(logged, Logged::Cancel(_))));
    }
}

#[tokio::test]
async fn an_attempt_no_server_knows_is_lost_not_sent_again_under_its_id() {
    let world = World::new().await;
    let room = Workspace { resumed: true, ..world.room() };
    let failure = world.make_in(&still(7), &room, &CancellationToken::new()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Lost);
    assert!(world.fake.queued().is_empty());
}

#[tokio::test]
async fn a_dead_worker_is_told_with_the_remedy_and_restarted_when_that_is_set() {
    let world = World::new().await;
    world.fake.fault(Fault::DeadWorker);
    let (order, room, stop) = (still(7), world.room(), CancellationToken::new());
    let making = world.make_in(&order, &room, &stop);
    let then = async {
        let why = world.away().await;
        assert!(why.contains("nothing runs") && why.contains("restart ComfyUI"), "{why}");
        world.fake.mend();
    };
    let (made, ()) = tokio::join!(making, then);
    made.expect("the work goes on");

    let fake = Fake::start(all_models(&Definitions::shipped())).await;
    let sign = world.dir.path().join("restarted");
    let plan = ServerPlan {
        name: "nvidia0".into(),
        url: fake.url(),
        card: None,
        queue_ahead: 1,
        restart: Some(Restart::Command(vec!["touch".into(), sign.display().to_string()])),
    };
    let world = World { engine: open(vec![plan], pace(), DefinitionsWatch::of(Definitions::shipped())), fake, ..world };
    world.here().await;
    world.fake.fault(Fault::DeadWorker);
    let (room, stop) = (world.room(), CancellationToken::new());
    let making = world.make_in(&order, &room, &stop);
    let then = async {
        let why = world.away().await;
        assert!(why.contains("it was restarted"), "{why}");
        assert!(sign.exists());
        world.fake.mend();
    };
    let (made, ()) = tokio::join!(making, then);
    made.expect("the work goes on");
}

#[tokio::test]
async fn hanging_prompts_are_cancelled_and_the_server_is_tested_before_it_works_again() {
    let world = World::paced(studiod::engines::comfy::Pace { stall: Duration::from_millis(300), ..pace() }).await;
    world.fake.hold(true);
    for _ in 0..STRIKES {
        let failure = world.make(&still(7)).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Transient);
        assert!(failure.message.contains("no step for") && failure.message.contains("was cancelled"), "{failure}");
    }
    let why = world.away().await;
    assert!(why.contains("quarantine") && why.contains("no step for"), "{why}");
    world.fake.hold(false);
    world.here().await;
    assert!(
        world.fake.log().iter().filter(|logged| matches!(logged, Logged::Ended(_, "success"))).count() >= 1,
        "the self-test ran"
    );
    world.make(&still(8)).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_waited_for() {
    let mut world = World::new().await;
    world.fake.kill();
    let why = world.away().await;
    assert!(why.contains("does not answer") && why.contains("start ComfyUI"), "{why}");
    let engine = world.engine.clone();
    let (order, room) = (clip("wan", None, 24), world.room());
    let making = tokio::spawn(async move {
        engine.run(&order, Means { room: &room, progress: &Progress::noop(), stop: &CancellationToken::new() }).await
    });
    world.fake.restart().await;
    world.until(|now| now.slots() == 2).await;
    making.await.unwrap().unwrap();
    assert_eq!(world.fake.rendered(), 1);
}
