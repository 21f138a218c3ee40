//! Three timeouts: for connecting, for each read, and for the whole request.
//!
//! ```sh
//! cargo run -p timeouts
//! ```
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

#[derive(Clone, Copy)]
struct Limits {
    connect: Duration,
    read: Duration,
    whole: Duration,
}

/// Sends a request, and reads until the server closes the connection.
async fn request(
    connect: impl Future<Output = io::Result<TcpStream>>,
    limits: Limits,
) -> anyhow::Result<String> {
    let exchange = async {
        let connected = timeout(limits.connect, connect).await;
        let mut connection = connected.context("connecting")??;
        connection.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
        let mut answer = Vec::new();
        loop {
            // For each read, so that a long answer may take longer.
            let read = timeout(limits.read, connection.read_buf(&mut answer));
            if read.await.context("reading")?? == 0 {
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
async fn main() -> anyhow::Result<()> {
    let (short, long) = (Duration::from_millis(100), Duration::from_secs(30));
    let patient = Limits { connect: long, read: long, whole: long };

    let prompt = TcpStream::connect(drip(3).await?);
    print("prompt", request(prompt, patient).await);
    let down = std::future::pending(); // stands for a host that is down
    print("down", request(down, Limits { connect: short, ..patient }).await);
    let listener = TcpListener::bind("127.0.0.1:0").await?; // never accepts
    let silent = TcpStream::connect(listener.local_addr()?);
    print("silent", request(silent, Limits { read: short, ..patient }).await);
    let drips = TcpStream::connect(drip(usize::MAX).await?);
    print("drips", request(drips, Limits { whole: short, ..patient }).await);
    Ok(())
}

fn print(server: &str, answer: anyhow::Result<String>) {
    println!("{server}: {}", answer.unwrap_or_else(|e| format!("{e:#}")));
}
