//! The `hallpass` command.

use std::process::ExitCode;

/// A request takes some twenty small pieces of memory and gives them back; this allocator does that with a third of the
/// instructions of the system's. Without huge pages (`no_thp`), which would double the memory of a small school, it
/// also holds less after reloads. The library leaves the choice to whoever links it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hallpass::cli::run()
}
