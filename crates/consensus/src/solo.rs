//! One node seals alone.
