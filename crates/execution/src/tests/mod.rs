mod hostile;
mod memory;
mod model;
mod questions;
mod rules;
mod suite;
mod world;
