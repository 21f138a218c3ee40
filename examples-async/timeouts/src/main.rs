//! Three timeouts: for connecting, for each read, and for the whole
//! request.
//!
//! ```sh
//! cargo run -p timeouts
//! ```
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

struct Limits {
    connect: Duration,
    read: Duration,
    whole: Duration,
}

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(30);
const PATIENT: Limits = Limits { connect: LONG, read: LONG, whole: LONG };

/// Sends a request, and reads until the server closes the connection.
async fn request(
    connect: impl Future<Output = io::Result<TcpStream>>,
    limits: Limits,
) -> Result<String> {
    let exchange = async {
        let connection = timeout(limits.connect, connect).await;
        let mut connection = connection.context("connecting")??;
        connection.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
        let mut answer = Vec::new();
        loop {
            // For each read, so that a long answer may take longer.
            let read = connection.read_buf(&mut answer);
            let read = timeout(limits.read, read).await;
            if read.context("reading")?? == 0 {
                return Ok(String::from_utf8(answer)?);
            }
        }
    };
    timeout(limits.whole, exchange).await.context("the whole request")?
}

/// Starts a server that sends this many bytes, one every 10 ms.
async fn drip(bytes: usize) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await?;
        connection.read_buf(&mut Vec::with_capacity(100)).await?;
        for _ in 0..bytes {
            connection.write_all(b".").await?;
            sleep(Duration::from_millis(10)).await;
        }
        io::Result::Ok(())
    });
    Ok(address)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let prompt = TcpStream::connect(drip(3).await?);
    print("prompt", request(prompt, PATIENT).await);

    let down = pending(); // stands for a host that is down
    let limits = Limits { connect: SHORT, ..PATIENT };
    print("down", request(down, limits).await);

    let listener = TcpListener::bind("127.0.0.1:0").await?; // never accepts
    let silent = TcpStream::connect(listener.local_addr()?);
    let limits = Limits { read: SHORT, ..PATIENT };
    print("silent", request(silent, limits).await);

    let drips = TcpStream::connect(drip(usize::MAX).await?);
    let limits = Limits { whole: SHORT, ..PATIENT };
    print("drips", request(drips, limits).await);
    Ok(())
}

fn print(server: &str, answer: Result<String>) {
    println!("{server}: {}", answer.unwrap_or_else(|e| format!("{e:#}")));
}
