//! Stages that are connected by bounded channels. When the reader stops
//! early, every stage before it ends too.
//!
//! ```sh
//! cargo run -p pipeline
//! ```
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinSet;

/// Prints when its stage ends.
struct Stage(&'static str);

impl Drop for Stage {
    fn drop(&mut self) {
        println!("{}: ends", self.0);
    }
}

/// Produces numbers until the next stage does not want any more.
fn numbers(stages: &mut JoinSet<()>) -> Receiver<u64> {
    let (sender, receiver) = channel(4);
    stages.spawn(async move {
        let _stage = Stage("Numbers");
        let mut number = 0;
        // Waits while the channel is full, and fails once the receiver is
        // dropped.
        while sender.send(number).await.is_ok() {
            number += 1;
        }
    });
    receiver
}

/// Squares what it receives, until either end is gone.
fn squares(
    stages: &mut JoinSet<()>,
    mut numbers: Receiver<u64>,
) -> Receiver<u64> {
    let (sender, receiver) = channel(4);
    stages.spawn(async move {
        let _stage = Stage("Squares");
        while let Some(number) = numbers.recv().await {
            if sender.send(number * number).await.is_err() {
                return; // drops `numbers`, which ends the stage before
            }
        }
    });
    receiver
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut stages = JoinSet::new();
    let numbers = numbers(&mut stages);
    let mut squares = squares(&mut stages, numbers);
    for _ in 0..5 {
        if let Some(square) = squares.recv().await {
            println!("Main: {square}");
        }
    }
    println!("Main: wants no more");
    drop(squares);
    stages.join_all().await; // no stage has to be stopped by hand
    println!("Main: no stage is left");
}
