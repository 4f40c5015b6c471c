mod hostile;
mod interrupt;
mod memory;
mod model;
mod questions;
mod rules;
mod suite;
mod world;
