//! Clips: animatic shots, a camera moving over the layers of a still.

use std::sync::Arc;

use studio_core::{
    media::{AnimaticLayer, AnimaticPlan, LAYER_DEPTHS, MediaPlan, MediaResult},
    order::{AssetRef, ClipOrder, Order, Role},
};
use studio_engine::{Artifact, Engine, EngineError, FailureKind, Made, Means, RunMedia, Workspace};

/// The draft engine of [`Order::Clip`].
#[derive(Clone)]
pub struct Clips {
    media: Arc<dyn RunMedia>,
}

impl Clips {
    /// Clips made by `media`.
    pub fn new(media: Arc<dyn RunMedia>) -> Self {
        Self { media }
    }
}

impl Engine for Clips {
    fn version(&self) -> String {
        "draft.clips/1".into()
    }

    fn run<'a>(&'a self, order: &'a Order, Means { room, progress, stop }: Means<'a>) -> Made<'a> {
        Box::pin(async move {
            let Order::Clip(order) = order else {
                return Err(EngineError::new(
                    FailureKind::Refused,
                    "the draft clips engine makes clips and nothing else",
                ));
            };
            let Some(plan) = plan(order, room) else {
                return Err(EngineError::new(
                    FailureKind::Refused,
                    "the draft clips engine needs a picture to start from",
                ));
            };
            let path = plan.video_out.clone();
            match self.media.run(MediaPlan::Animatic(plan), &room.dir, progress, stop).await? {
                MediaResult::Animatic { facts } => Ok(vec![Artifact::File { role: Role::Video, path, facts }]),
                other => Err(EngineError::new(
                    FailureKind::Transient,
                    format!("failed to make a clip: media answered with {other:?}"),
                )),
            }
        })
    }
}

/// The plan of a clip: its layers when it has any, otherwise the source alone; `None` without either.
pub fn plan(order: &ClipOrder, room: &Workspace) -> Option<AnimaticPlan> {
    let layer = |asset: &AssetRef, depth: f32| AnimaticLayer { input: room.path(asset), depth };
    let layers = if order.layers.is_empty() {
        vec![layer(order.source.as_ref()?, 1.0)]
    } else {
        order.layers.iter().enumerate().map(|(index, asset)| layer(asset, depth(index, order.layers.len()))).collect()
    };
    Some(AnimaticPlan {
        layers,
        size: order.size,
        fps: order.fps,
        frames: order.frames,
        motion: order.motion,
        seed: order.seed.0,
        video_out: room.dir.join("clip.mp4"),
    })
}

/// Depth of layer `index` of `count`, spread over the convention's depths when there are more or fewer of them.
fn depth(index: usize, count: usize) -> f32 {
    let last = LAYER_DEPTHS.len() - 1;
    if count <= 1 {
        return 1.0;
    }
    let along = index as f32 * last as f32 / (count - 1) as f32;
    let low = (along as usize).min(last);
    let high = (low + 1).min(last);
    LAYER_DEPTHS[low] + (LAYER_DEPTHS[high] - LAYER_DEPTHS[low]) * (along - low as f32)
}
