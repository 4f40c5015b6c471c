mod memory;
mod suite;
