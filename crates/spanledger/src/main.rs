//! Spanledger with everything that is built in.

use std::process::ExitCode;

// Gives memory back to the system soon after a burst, as `.cargo/config.toml` has it, and keeps little beside what is in use.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    spanledger::main(spanledger::components::built_in())
}
