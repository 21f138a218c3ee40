//! A future that is dropped stops at the await where it is, in the middle
//! of a transfer too.
//!
//! ```sh
//! cargo run -p cancel-loses-money
//! ```
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::sleep;

#[derive(Default)]
struct Bank {
    savings: AtomicI64,
    checking: AtomicI64,
}

impl Bank {
    fn total(&self) -> i64 {
        self.savings.load(Relaxed) + self.checking.load(Relaxed)
    }
}

async fn transfer(bank: Arc<Bank>) {
    bank.savings.fetch_sub(10, Relaxed);
    sleep(Duration::from_millis(100)).await; // stands for a second server
    bank.checking.fetch_add(10, Relaxed);
}

async fn stop_pressed() {
    sleep(Duration::from_millis(50)).await;
}

fn bank() -> Arc<Bank> {
    let bank = Bank::default();
    bank.savings.store(100, Relaxed);
    Arc::new(bank)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // ANCHOR: broken
    let one = bank();
    tokio::select! {
        () = transfer(Arc::clone(&one)) => println!("Done"),
        // `select!` drops the transfer, which stops at its await for good.
        () = stop_pressed() => println!("Stopped"),
    }
    println!("Dropped in the middle: {} of 100 left", one.total());
    // ANCHOR_END: broken

    // ANCHOR: fixed
    let other = bank();
    // A task keeps running when its handle is dropped or no longer awaited.
    let mut transfer = tokio::spawn(transfer(Arc::clone(&other)));
    tokio::select! {
        done = &mut transfer => {
            done?;
            println!("Done");
        }
        () = stop_pressed() => {
            println!("Stopped, but finishes the transfer");
            transfer.await?; // before the program ends
        }
    }
    println!("As a task of its own: {} of 100 left", other.total());
    // ANCHOR_END: fixed
    Ok(())
}
