//! Fetch the pages of a site, and count their words: one job, written
//! four ways. Here with processes.
//!
//! ```sh
//! cargo run -p four-ways-processes
//! ```
mod site;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::env;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use site::{AT_ONCE, PAGES};

type Counts = BTreeMap<String, usize>;

// ANCHOR: way
fn main() -> Result<()> {
    // A worker is this program with arguments. It prints counts as JSON.
    let mut arguments = env::args().skip(1);
    if let (Some(site), Some(page)) = (arguments.next(), arguments.next()) {
        let counts = count(&fetch(site.parse()?, &page)?);
        serde_json::to_writer(io::stdout(), &counts)?;
        return Ok(());
    }
    let site = site::start()?;
    let mut counts = Vec::new();
    for first in (0..PAGES).step_by(AT_ONCE) {
        let mut workers = Vec::new();
        for page in first..first + AT_ONCE {
            workers.push((page, start(site, page)?));
        }
        for (page, worker) in workers {
            let output = worker.wait_with_output()?;
            println!("Page {page} finished");
            let result = serde_json::from_slice(&output.stdout);
            counts.push(result.context("a worker failed")?);
        }
    }
    print_ten(counts);
    Ok(())
}

fn start(site: SocketAddr, page: usize) -> Result<Child> {
    println!("Page {page} starting");
    Command::new(env::current_exe()?)
        .args([site.to_string(), page.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .context("starting a worker")
}
// ANCHOR_END: way

/// Fetches a page, and waits until the site has sent all of it.
fn fetch(site: SocketAddr, page: &str) -> io::Result<String> {
    let mut connection = TcpStream::connect(site)?;
    let request = format!("GET /{page} HTTP/1.0\r\n\r\n");
    connection.write_all(request.as_bytes())?;
    io::read_to_string(connection)
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
