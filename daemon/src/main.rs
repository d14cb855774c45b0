//! studiod.
fn main() {}
