//! A timeout limits one call. A deadline is passed on and limits all calls
//! of a request together.
//!
//! ```sh
//! cargo run -p deadline
//! ```
use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep, timeout, timeout_at};

const LIMIT: Duration = Duration::from_millis(450);

async fn call(service: &str) {
    println!("{service} starting");
    sleep(Duration::from_millis(300)).await; // stands for the request
    println!("{service} finished");
}

// ANCHOR: broken
/// Three calls may take three times the limit.
async fn a_timeout_for_each_call() -> Result<(), Elapsed> {
    for service in ["Session", "Orders", "Invoice"] {
        timeout(LIMIT, call(service)).await?;
    }
    Ok(())
}
// ANCHOR_END: broken

// ANCHOR: fixed
/// Computes the end once. Every function below takes it as a parameter.
async fn a_deadline() -> Result<(), Elapsed> {
    let deadline = Instant::now() + LIMIT;
    timeout_at(deadline, call("Session")).await?;
    invoice(deadline).await
}

async fn invoice(deadline: Instant) -> Result<(), Elapsed> {
    timeout_at(deadline, call("Orders")).await?;
    timeout_at(deadline, call("Invoice")).await
}
// ANCHOR_END: fixed

fn report(name: &str, result: Result<(), Elapsed>) {
    let result = result.map_or("out of time", |()| "done");
    println!("{name}: {result}");
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    report("A timeout for each call", a_timeout_for_each_call().await);
    report("A deadline", a_deadline().await);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn timeouts_add_up_and_a_deadline_does_not() {
        let started = Instant::now();
        assert!(a_timeout_for_each_call().await.is_ok());
        assert_eq!(started.elapsed().as_millis(), 900);

        let started = Instant::now();
        assert!(a_deadline().await.is_err());
        assert_eq!(started.elapsed().as_millis(), 450);
    }
}
