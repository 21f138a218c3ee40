//! Four mistakes at the border between async and ordinary code, and what
//! tokio says about each.
//!
//! ```sh
//! cargo run -p runtime-errors
//! ```
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task;
use tokio::time::sleep;

/// Runs one of the mistakes and prints the panic that it causes.
fn report(mistake: &str, run: impl FnOnce()) {
    println!("{mistake}:");
    let Err(panic) = catch_unwind(AssertUnwindSafe(run)) else {
        println!("  nothing happened");
        return;
    };
    // A constant message is a `&str`, and a formatted one is a `String`.
    if let Some(message) = panic.downcast_ref::<&str>() {
        println!("  {message}");
    } else if let Some(message) = panic.downcast_ref::<String>() {
        println!("  {message}");
    }
}

fn main() -> std::io::Result<()> {
    // Without this, each panic would also print its message to stderr.
    panic::set_hook(Box::new(|_| {}));
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
    let another = Runtime::new()?;
    report("A runtime dropped inside of a runtime", || {
        runtime.block_on(async { drop(another) });
    });

    // It would move the other tasks to another thread, but there is none.
    let single = Builder::new_current_thread().build()?;
    report("`block_in_place` with a single thread", || {
        single.block_on(async {
            task::block_in_place(|| {});
        });
    });
    Ok(())
}
