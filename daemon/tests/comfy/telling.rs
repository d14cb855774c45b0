//! A prompt goes on telling how it goes: after a broken socket, and to the studio that takes it over.

use std::time::Duration;

use serde_json::{Value, json};
use studio_core::{ladder::Rung, order::Order};
use studio_engine::{FailureKind, Said, Workspace};
use tokio_util::sync::CancellationToken;

use super::{
    World, all_models, clip, engine,
    fake::{Comfy as Fake, Fault, Logged},
    pace, still,
};

/// Ids of the prompts that ran so far.
fn ran(log: &[Logged]) -> Vec<String> {
    let ran = |logged: &Logged| if let Logged::Ran(id) = logged { Some(id.clone()) } else { None };
    log.iter().filter_map(ran).collect()
}

fn no_polls() -> studiod::engines::comfy::Pace {
    // Looks at the server say nothing new meanwhile: what is heard came through the socket.
    studiod::engines::comfy::Pace { poll: Duration::from_secs(3), ..pace() }
}

/// Begins `order`, leaves it when `parts` of its prompts have run, and gives what another process knows of it.
async fn left(world: &World, order: &Order, room: Workspace, parts: usize) -> Workspace {
    world.fake.hold(true);
    let then = async {
        for part in 1..=parts {
            world.fake.until(|log| ran(log).len() == part).await;
            if part < parts {
                world.fake.hold(false);
                world.fake.until(|log| log.iter().any(|logged| matches!(logged, Logged::Ended(..)))).await;
                world.fake.hold(true);
            }
        }
        room.closing.cancel();
    };
    let stop = CancellationToken::new();
    let (left, ()) = tokio::join!(world.make_in(order, &room, &stop), then);
    assert_eq!(left.unwrap_err().kind, FailureKind::Left);
    world.fake.until_listened_by(&[]).await;
    world.heard.send_replace(Vec::new());
    Workspace { resumed: true, closing: CancellationToken::new(), ..room }
}

/// Takes the attempt over, waits until `client` listens, and then until a preview and a step are heard.
async fn taken_over(world: &World, order: &Order, room: &Workspace, client: &str) {
    let stop = CancellationToken::new();
    world.fake.hold_at_end(true);
    let then = async {
        world.fake.until_listened_by(&[client]).await;
        world.fake.hold(false);
        world.until_heard(|said| matches!(said, Said::Preview(_))).await;
    };
    let (made, ()) = tokio::join!(world.make_in(order, room, &stop), then);
    made.unwrap();
    let heard = world.heard.borrow();
    assert!(heard.iter().any(|said| matches!(said, Said::Doing(doing) if doing.what.contains("step"))), "{heard:?}");
    world.fake.nothing_twice();
}

#[tokio::test]
async fn a_broken_socket_is_opened_again_and_hears_the_rest() {
    let world = World::paced(no_polls()).await;
    let (room, order, stop) = (world.room(), still(7), CancellationToken::new());
    let id = room.attempt.to_string();
    world.fake.hold(true);
    world.fake.hold_at_end(true);
    let then = async {
        world.fake.until(|log| !ran(log).is_empty()).await;
        world.fake.drop_sockets();
        world.fake.until_listened_by(&[]).await;
        world.heard.send_replace(Vec::new());
        world.fake.until_listened_by(&[&id]).await;
        world.fake.hold(false);
        world.until_heard(|said| matches!(said, Said::Preview(_))).await;
    };
    let (made, ()) = tokio::join!(world.make_in(&order, &room, &stop), then);
    made.unwrap();
}

#[tokio::test]
async fn a_prompt_that_was_taken_over_shows_its_steps_and_previews() {
    let world = World::new().await;
    let room = world.room();
    let again = left(&world, &still(7), room, 1).await;
    let world = World { engine: engine(&[&world.fake], no_polls()), ..world };
    taken_over(&world, &still(7), &again, &again.attempt.to_string()).await;
}

#[tokio::test]
async fn of_a_split_clip_the_part_that_is_under_way_does() {
    let world = World::new().await;
    let room = Workspace { relief: vec![Rung::FewerFrames], ..world.room() };
    let order = clip("ltx", Some(world.picture()), 96);
    let again = left(&world, &order, room, 2).await;
    let world = World { engine: engine(&[&world.fake], no_polls()), ..world };
    let second = world.fake.queued().pop().unwrap();
    assert_ne!(second, again.attempt.to_string());
    taken_over(&world, &order, &again, &second).await;
    let heard = world.heard.borrow();
    assert!(heard.iter().any(|said| matches!(said, Said::Doing(doing) if doing.what.starts_with("part 2 of 2"))));
}

#[tokio::test]
async fn of_several_servers_the_one_that_has_it_does() {
    let world = World::new().await;
    let room = world.room();
    let again = left(&world, &still(7), room, 1).await;
    let other = Fake::start(all_models(&studiod::definitions::Definitions::shipped())).await;
    let world = World { engine: engine(&[&other, &world.fake], no_polls()), ..world };
    taken_over(&world, &still(7), &again, &again.attempt.to_string()).await;
    assert!(other.queued().is_empty());
}

#[tokio::test]
async fn a_refused_socket_costs_only_the_steps() {
    let world = World::new().await;
    let room = world.room();
    let again = left(&world, &still(7), room, 1).await;
    world.fake.fault(Fault::NoSockets);
    let world = World { engine: engine(&[&world.fake], pace()), ..world };
    world.fake.hold(false);
    world.make_in(&still(7), &again, &CancellationToken::new()).await.unwrap();
    assert_eq!((world.fake.queued().len(), world.fake.rendered()), (1, 1));
}

#[tokio::test]
async fn a_prompt_that_an_older_studio_queued_is_heard_under_its_id() {
    let world = World::new().await;
    // What the studio sends, without the studio.
    let (room, order) = (world.room(), still(7));
    let sent = left(&world, &order, room, 1).await;
    let (http, url) = (reqwest::Client::new(), world.fake.url());
    let queue: Value = http.get(format!("{url}/queue")).send().await.unwrap().json().await.unwrap();
    let [_, _, graph, extra, ..] = queue["queue_running"][0].as_array().unwrap().as_slice() else { panic!("{queue}") };
    let older = world.room();
    let body = json!({ "prompt": graph, "prompt_id": older.attempt, "client_id": "of before", "extra_data": extra });
    assert!(http.post(format!("{url}/prompt")).json(&body).send().await.unwrap().status().is_success());
    assert!(http.post(format!("{url}/api/jobs/{}/cancel", sent.attempt)).send().await.unwrap().status().is_success());
    world.fake.until(|log| ran(log).contains(&older.attempt.to_string())).await;
    let again = Workspace { resumed: true, ..older };
    let world = World { engine: engine(&[&world.fake], no_polls()), ..world };
    taken_over(&world, &order, &again, "of before").await;
}
