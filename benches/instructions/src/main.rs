//! Takes one path twice, the second time for callgrind: `spanledger-instructions [PATH]`; without one it prints their names.
//!
//! What is counted is what happens below [`counted`]. The first time fills caches, makes what is made lazily and lets
//! the allocator get its memory.

use std::process::ExitCode;

use spanledger_instructions::{Failure, Path, Work};

// The program's own, so that it is the same one on every machine.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        Path::ALL.iter().for_each(|path| say(path.name));
        return ExitCode::SUCCESS;
    };
    match take(&name) {
        Ok(items) => {
            say(&items.to_string());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            say(&format!("{name}: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// Says how many items were worked on while it was counted.
fn take(name: &str) -> Result<u64, Failure> {
    let path = Path::named(name).ok_or("there is no such path")?;
    let mut work = path.make()?;
    work.prepare()?;
    work.run()?;
    work.prepare()?;
    counted(work.as_mut())?;
    Ok(work.items())
}

/// Callgrind counts from where this is entered to where it is left; it finds it by its name.
#[inline(never)]
fn counted(work: &mut dyn Work) -> Result<(), Failure> {
    work.run()
}

#[expect(clippy::print_stdout, reason = "the answer is this program's purpose; it prints here alone")]
fn say(text: &str) {
    println!("{text}");
}
