//! Datasets: the loop that fills them against adversaries, and what it asks for.

#[path = "dataset/asking.rs"]
mod asking;
#[path = "dataset/captions.rs"]
mod captions;
#[path = "dataset/coverage.rs"]
mod coverage;
#[path = "dataset/fitting.rs"]
mod fitting;
#[path = "dataset/learning.rs"]
mod learning;
#[path = "dataset/limits.rs"]
mod limits;
#[path = "dataset/placing.rs"]
mod placing;
#[path = "dataset/studio.rs"]
mod studio;
#[path = "dataset/words.rs"]
mod words;
