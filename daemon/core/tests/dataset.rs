//! Datasets: the loop that fills them against adversaries, and what it asks for.

#[path = "dataset/asking.rs"]
mod asking;
#[path = "dataset/limits.rs"]
mod limits;
#[path = "dataset/studio.rs"]
mod studio;
