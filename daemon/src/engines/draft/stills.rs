//! stills.
