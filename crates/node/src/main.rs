//! The `hanse` binary.

use clap::Parser;
use std::process::ExitCode;

/// Many small, short-lived allocations on several threads are what this program does all day.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match hanse_node::run(hanse_node::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hanse: {error}");
            ExitCode::FAILURE
        }
    }
}
