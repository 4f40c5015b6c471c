//! What holds for the whole house, and for the `hanse` program as its users meet it.

mod bench;
mod fuzz;
mod genesis;
mod hostile;
mod house;
