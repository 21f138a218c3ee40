//! `select!` polls its branches in a random order, and with `biased` from
//! top to bottom: a branch that is always ready then starves the ones below
//! it.
//!
//! ```sh
//! cargo run -p select-fairness
//! ```
use tokio::select;
use tokio::sync::mpsc::{Receiver, channel};

/// A thousand requests that are already waiting, and so is a stop message.
async fn both_ready() -> (Receiver<u32>, Receiver<()>) {
    let (requests, waiting) = channel(1000);
    for request in 0..1000 {
        requests.send(request).await.expect("the receiver is gone");
    }
    let (stop, stopped) = channel(1);
    stop.send(()).await.expect("the receiver is gone");
    (waiting, stopped)
}

// ANCHOR: broken
async fn requests_first() -> u32 {
    let (mut requests, mut stop) = both_ready().await;
    let mut handled = 0;
    loop {
        select! {
            biased; // the stop message waits until there is no request
            Some(_) = requests.recv() => handled += 1,
            Some(()) = stop.recv() => return handled,
        }
    }
}
// ANCHOR_END: broken

// ANCHOR: fixed
async fn random() -> u32 {
    let (mut requests, mut stop) = both_ready().await;
    let mut handled = 0;
    loop {
        select! {
            Some(_) = requests.recv() => handled += 1,
            Some(()) = stop.recv() => return handled,
        }
    }
}

async fn stop_first() -> u32 {
    let (mut requests, mut stop) = both_ready().await;
    let mut handled = 0;
    loop {
        select! {
            biased; // what is rare and urgent comes first
            Some(()) = stop.recv() => return handled,
            Some(_) = requests.recv() => handled += 1,
        }
    }
}
// ANCHOR_END: fixed

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("biased, requests first: {} handled", requests_first().await);
    println!("random: {} handled", random().await);
    println!("biased, stop first: {} handled", stop_first().await);
}
