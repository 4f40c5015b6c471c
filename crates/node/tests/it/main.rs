//! What holds for the whole house, and for the `hanse` program as its users meet it.

mod fuzz;
mod genesis;
mod house;
