//! fountain.
