//! Fetch the pages of a site, and count their words: one job, written
//! four ways. Here with async code, on one thread.
//!
//! ```sh
//! cargo run -p four-ways-async
//! ```
mod site;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use futures::{StreamExt, TryStreamExt, stream};
use site::{AT_ONCE, PAGES};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

type Counts = BTreeMap<String, usize>;

// ANCHOR: way
#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let site = site::start()?;
    let counts = stream::iter(0..PAGES)
        .map(|page| fetch(site, page))
        .buffer_unordered(AT_ONCE) // at most this many requests at once
        .map_ok(|html| count(&html)) // takes a moment, so it may run here
        .try_collect();
    print_ten(counts.await?);
    Ok(())
}
// ANCHOR_END: way

/// Fetches a page, and waits until the site has sent all of it.
async fn fetch(site: SocketAddr, page: usize) -> io::Result<String> {
    println!("Page {page} starting");
    let mut connection = TcpStream::connect(site).await?;
    let request = format!("GET /{page} HTTP/1.0\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    println!("Page {page} finished");
    Ok(answer)
}

/// Counts the words that follow a tag: neither tags nor the head of HTTP.
fn count(html: &str) -> Counts {
    let parts = html.split('<').filter_map(|part| part.split_once('>'));
    let mut counts = Counts::new();
    for (_tag, text) in parts {
        let words = text.split([' ', ',', '.', '\n']);
        for word in words.filter(|word| !word.is_empty()) {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    counts
}

/// Prints the ten most frequent words of all pages.
fn print_ten(pages: Vec<Counts>) {
    let mut total = Counts::new();
    for (word, count) in pages.into_iter().flatten() {
        *total.entry(word).or_default() += count;
    }
    let mut words = Vec::from_iter(total); // from A to Z
    words.sort_by_key(|(_, count)| Reverse(*count)); // equals: still A to Z
    for (word, count) in words.iter().take(10) {
        println!("{count} {word}");
    }
}
