//! conductor.
