//! Four mistakes at the border between async and ordinary code, and what
//! tokio says about each.
//!
//! ```sh
//! cargo run -p runtime-errors
//! ```
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task;
use tokio::time::sleep;

/// Runs one of the mistakes and prints the panic that it causes.
fn report(mistake: &str, run: impl FnOnce()) {
    println!("{mistake}:");
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(()) => println!("  nothing happened"),
        Err(panic) => match panic.downcast_ref::<String>() {
            Some(message) => println!("  {message}"),
            None => println!("  {}", panic.downcast_ref().unwrap_or(&"?")),
        },
    }
}

fn main() -> std::io::Result<()> {
    // The message goes to stdout with the others, not to stderr.
    std::panic::set_hook(Box::new(|_| {}));
    let runtime = Runtime::new()?;

    // A timer or a socket registers with the runtime of the current thread,
    // and this thread has none.
    report("A timer outside of a runtime", || {
        drop(sleep(Duration::from_millis(1)));
    });

    // Waiting here would block the thread that has to run the other tasks.
    report("`block_on` inside of a runtime", || {
        runtime.block_on(async {
            Handle::current().block_on(async {});
        });
    });

    // Dropping a runtime waits for its blocking jobs, which would block the
    // thread too. Send it to another thread, or call `shutdown_background`.
    report("A runtime dropped inside of a runtime", || {
        runtime.block_on(async {
            drop(Runtime::new().expect("a runtime starts"));
        });
    });

    // It would move the other tasks to another thread, and here there is none.
    report("`block_in_place` with a single thread", || {
        let runtime = Builder::new_current_thread().build();
        runtime.expect("a runtime starts").block_on(async {
            task::block_in_place(|| {});
        });
    });
    Ok(())
}
