//! Fetch the pages of a site, and count their words: one job, written
//! four ways. Here with rayon.
//!
//! ```sh
//! cargo run -p four-ways-rayon
//! ```
mod site;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use site::{AT_ONCE, PAGES};

type Counts = BTreeMap<String, usize>;

// ANCHOR: way
fn main() -> anyhow::Result<()> {
    let site = site::start()?;
    // Not rayon's own pool, which has a thread for each core: these threads
    // wait most of the time.
    let pool = ThreadPoolBuilder::new().num_threads(AT_ONCE).build()?;
    let counts: io::Result<Vec<_>> = pool.install(|| {
        (0..PAGES)
            .into_par_iter()
            .with_max_len(1) // an idle thread can take each page on its own
            .map(|page| Ok(count(&fetch(site, page)?)))
            .collect()
    });
    print_ten(counts?);
    Ok(())
}
// ANCHOR_END: way

/// Fetches a page, and waits until the site has sent all of it.
fn fetch(site: SocketAddr, page: usize) -> io::Result<String> {
    println!("Page {page} starting");
    let mut connection = TcpStream::connect(site)?;
    let request = format!("GET /{page} HTTP/1.0\r\n\r\n");
    connection.write_all(request.as_bytes())?;
    let answer = io::read_to_string(connection)?;
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
