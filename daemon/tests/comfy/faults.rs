//! What ComfyUI says no to, and what it gets wrong.

use studio_core::order::{Lora, Order, Recipe, StillOrder};
use studio_engine::{EngineError, FailureKind};

use super::{
    World, clip,
    fake::{Fault, Logged},
    still,
};

async fn fails(world: &World, order: &Order) -> EngineError {
    world.make(order).await.expect_err("it cannot be made")
}

#[tokio::test]
async fn every_error_of_a_node_says_what_to_do() {
    let world = World::new().await;
    for (kind, message, wanted) in [
        ("RuntimeError", "mat1 and mat2 shapes cannot be multiplied", FailureKind::Transient),
        ("OSError", "[Errno 28] No space left on device", FailureKind::DiskFull),
        ("Exception", "IPAdapter model not found.", FailureKind::Refused),
        ("SafetensorError", "Error while deserializing header: HeaderTooLarge", FailureKind::Refused),
        ("torch.cuda.OutOfMemoryError", "CUDA out of memory. Tried to allocate 2 GiB", FailureKind::OutOfMemory),
        ("RuntimeError", "HIP out of memory", FailureKind::OutOfMemory),
    ] {
        world.fake.fault(Fault::Exception(1, kind, message));
        let failure = fails(&world, &still(7)).await;
        assert_eq!(failure.kind, wanted, "{failure}");
        assert!(failure.message.contains(message.lines().next().unwrap()), "{failure}");
    }
    world.fake.fault(Fault::OutOfMemory(1));
    assert_eq!(fails(&world, &still(7)).await.kind, FailureKind::OutOfMemory);
    world.make(&still(7)).await.expect("the server stays usable");
}

#[tokio::test]
async fn a_partly_valid_graph_is_a_failure_and_is_cancelled() {
    let world = World::new().await;
    world.fake.hold(true);
    world.fake.fault(Fault::Partly);
    let failure = fails(&world, &still(7)).await;
    assert_eq!(failure.kind, FailureKind::Refused);
    assert!(failure.message.contains("node 7 (SaveImage)"), "{failure}");
    let id = world.fake.queued()[0].clone();
    assert!(world.fake.log().contains(&Logged::Cancel(id.clone())));
    assert_eq!(world.fake.rendered(), 0);
}

#[tokio::test]
async fn what_a_server_lacks_is_found_before_anything_is_queued() {
    let world = World::new().await;
    let order = Order::Still(StillOrder {
        recipe: Some(Recipe { references: vec![world.picture()], ..super::told("sd15") }),
        ..if let Order::Still(order) = still(7) { order } else { unreachable!() }
    });
    // The fake lists the same files in every folder, so the file that is missing must be taken away.
    world.fake.shared_models_remove();
    let failure = fails(&world, &order).await;
    assert_eq!(failure.kind, FailureKind::Refused);
    assert!(failure.message.contains("put it into ComfyUI/models/"), "{failure}");
    assert!(world.fake.queued().is_empty());
}

#[tokio::test]
async fn a_file_that_was_put_there_just_now_is_found() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    world.fake.loras(folder.path().to_owned());
    world.make(&still(7)).await.expect("it is known what the server has before anything comes");
    for number in 0..3 {
        let file = format!("mara-{number}.safetensors");
        std::fs::write(folder.path().join(&file), b"weights").unwrap();
        let lora = Lora { file, base: "sd15".into(), strength_percent: 80, trigger: "mirax7".into() };
        let order = Order::Still(StillOrder {
            recipe: Some(Recipe { loras: vec![lora], ..super::told("sd15") }),
            ..if let Order::Still(order) = still(7) { order } else { unreachable!() }
        });
        world.make(&order).await.unwrap_or_else(|failure| panic!("{number}: {failure}"));
    }
}

#[tokio::test]
async fn what_others_do_to_our_prompts_is_told_apart() {
    let world = World::new().await;
    world.fake.fault(Fault::Interrupted);
    let failure = fails(&world, &still(7)).await;
    assert_eq!((failure.kind, failure.message.contains("interrupted")), (FailureKind::Transient, true));
    world.fake.fault(Fault::Deleted);
    assert_eq!(fails(&world, &still(7)).await.kind, FailureKind::Lost);
    world.fake.fault(Fault::LostHistory);
    assert_eq!(fails(&world, &still(7)).await.kind, FailureKind::Lost, "a history without our id is a lost prompt");
}

#[tokio::test]
async fn plain_text_errors_in_between_change_nothing() {
    let world = World::new().await;
    world.fake.hold(true);
    let order = still(7);
    let making = world.make(&order);
    let then = async {
        world.fake.until(|log| log.iter().any(|logged| matches!(logged, Logged::Ran(_)))).await;
        world.fake.fault(Fault::Broken(6));
        world.fake.hold(false);
    };
    let (made, ()) = tokio::join!(making, then);
    made.unwrap();
    world.fake.nothing_twice();
    world.fake.fault(Fault::Broken(1));
    // Whichever request it hits, nothing is queued twice and the next attempt is good.
    let _ = world.make(&still(9)).await;
    world.make(&still(10)).await.unwrap();
    world.fake.nothing_twice();
}

#[tokio::test]
async fn a_cut_download_goes_on_where_it_ended() {
    let world = World::new().await;
    world.fake.fault(Fault::CutDownload(2));
    let cut = super::hash(&world.make(&still(7)).await.unwrap());
    let starts: Vec<u64> = world
        .fake
        .log()
        .iter()
        .filter_map(|logged| if let Logged::View(_, from) = logged { Some(*from) } else { None })
        .collect();
    assert!(starts.len() >= 3 && starts.is_sorted() && starts[1] > 0, "{starts:?}");
    assert_eq!(super::hash(&world.make(&still(7)).await.unwrap()), cut, "it is the same file");
}

#[tokio::test]
async fn missing_and_hostile_outputs_are_refused_and_nothing_leaves_the_room() {
    let world = World::new().await;
    world.fake.fault(Fault::OutputsVanish);
    let failure = fails(&world, &still(7)).await;
    assert_eq!(failure.kind, FailureKind::Transient);
    assert!(failure.message.contains("does not give it out"), "{failure}");
    world.fake.mend();
    for name in ["../../../escape.png", "/etc/escape.png", "escape.png.exe", "..\\escape.png"] {
        world.fake.fault(Fault::HostileName(name));
        fails(&world, &still(8)).await;
        world.fake.mend();
    }
    let escaped = world.dir.path().join("escape.png");
    assert!(!escaped.exists() && !world.dir.path().parent().unwrap().join("escape.png").exists());
}

#[tokio::test]
async fn a_wrong_number_of_steps_is_refused_with_node_and_input() {
    let world = World::new().await;
    // The schema of the real server knows the limits that the workflow's file need not know.
    let Order::Clip(mut order) = clip("wan", None, 24) else { unreachable!() };
    order.steps = studio_core::units::Steps(100_000);
    let failure = fails(&world, &Order::Clip(order)).await;
    assert_eq!(failure.kind, FailureKind::Refused);
    assert!(failure.message.contains("steps") && world.fake.queued().is_empty(), "{failure}");
}
