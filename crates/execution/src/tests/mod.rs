mod hostile;
mod memory;
mod model;
mod questions;
mod suite;
mod world;
