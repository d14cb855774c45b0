//! Workflow: a ComfyUI graph in API form with a description of its slots.
//!
//! `workflows/NAME.json` is the graph as ComfyUI takes it, `workflows/NAME.toml` is the [`Descriptor`]. A graph is
//! bound by putting values into its slots; it is checked against what a server has before anything is queued.

mod describe;

pub use describe::{
    Ability, Descriptor, Kind, LengthRule, NeededFile, OutputSlot, Pack, Passes, SizeRule, Slot, SlotValue, Stepping,
};
