//! The program: what it does is in the library beside, so that `cargo bench` reaches it, too.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use tokio::runtime::Builder;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The parser of GraphQL calls itself for each bracket and gives up by itself, but only after more than the usual 2 MiB.
/// `graphql::document` refuses such queries before; this is for what it may overlook.
const STACK_BYTES: usize = 16 * 1024 * 1024;

fn main() -> ExitCode {
    let threads = autrement::worker_threads();
    // On a thread of its own for the stack: one worker alone is the thread that waits for the program to end.
    let program = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || run(threads));
    let done = program.map_err(|error| error.to_string()).and_then(|program| {
        program.join().unwrap_or_else(|_| Err("The program has come to an end that it should not have; see above.".to_owned()))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// One worker has nobody to share its work with: without the machinery for that a small request costs a third less.
fn run(threads: usize) -> Result<(), String> {
    let mut runtime = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    let runtime = runtime.worker_threads(threads).thread_stack_size(STACK_BYTES).enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(autrement::run())
}
