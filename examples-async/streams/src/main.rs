//! A stream is an iterator whose next item has to be awaited.
//!
//! ```sh
//! cargo run -p streams
//! ```
use std::pin::pin;
use std::time::Duration;

use async_stream::stream;
use futures::stream::{self, Stream, StreamExt};
use tokio::time::sleep;

/// The pages of a listing. Each is fetched when the reader asks for it.
fn pages(name: &'static str, count: u32) -> impl Stream<Item = String> {
    // `stream!` turns code with `yield` into a stream, as an async
    // generator does in Python.
    stream! {
        for page in 1..=count {
            sleep(Duration::from_millis(20)).await; // the request
            yield format!("{name}{page}");
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // `while let` in place of Python's `async for`. A stream that is polled
    // must not move, so it is pinned.
    let mut letters = pin!(pages("a", 3));
    while let Some(page) = letters.next().await {
        println!("One by one: {page}");
    }

    // A stream has the methods of an iterator, too.
    let titles: Vec<_> = pages("b", 9)
        .map(|page| page.to_uppercase())
        .take(2)
        .collect()
        .await;
    println!("Two of nine: {titles:?}");

    // Two streams as one: the next item from either.
    let merged = stream::select(pages("c", 2), pages("d", 2));
    println!("Merged: {} pages", merged.count().await);

    // At most three fetches at a time, with the results as they come.
    let mut lengths: Vec<_> = stream::iter(1..=6)
        .map(|n| async move {
            sleep(Duration::from_millis(10)).await;
            n * n
        })
        .buffer_unordered(3)
        .collect()
        .await;
    lengths.sort_unstable();
    println!("Three at a time: {lengths:?}");
}
