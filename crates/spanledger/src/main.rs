//! Spanledger with everything that is built in.

use std::process::ExitCode;

// Gives memory back to the system after a burst, which the system's own allocator does not do from many threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    spanledger::main(spanledger::components::built_in())
}
