//! A proxy that passes on a few bytes and then stalls, with the connection
//! still open. Does the client notice?
//!
//! ```sh
//! cargo run -p stalled-proxy
//! ```
use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

async fn serve(listener: TcpListener) -> Result<()> {
    loop {
        let (mut client, _) = listener.accept().await?;
        client.write_all(b"Hello, client").await?;
    }
}

// ANCHOR: proxy
/// Passes on five bytes, and then neither an error nor the end of the
/// stream, as if the server hung or a cable were cut.
async fn stall(listener: TcpListener, server: SocketAddr) -> Result<()> {
    let (mut client, _) = listener.accept().await?;
    let mut server = TcpStream::connect(server).await?.take(5);
    copy(&mut server, &mut client).await?;
    pending().await
}
// ANCHOR_END: proxy

// ANCHOR: client
/// The limit is for each read, so a slow answer may take longer.
const LIMIT: Duration = Duration::from_millis(800);

async fn fetch(server: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect(server).await?;
    let mut answer = Vec::new();
    loop {
        let read = timeout(LIMIT, stream.read_buf(&mut answer)).await;
        let Ok(bytes) = read else {
            bail!("the server stalls at byte {}", answer.len());
        };
        if bytes? == 0 {
            return Ok(String::from_utf8(answer)?); // the end of the stream
        }
    }
}
// ANCHOR_END: client

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let server = listener.local_addr()?;
    tokio::spawn(serve(listener));
    println!("Directly: {:?}", fetch(server).await?);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let proxy = listener.local_addr()?;
    tokio::spawn(stall(listener, server));
    match fetch(proxy).await {
        Ok(answer) => println!("Through the proxy: {answer:?}"),
        Err(error) => println!("Through the proxy: {error}"),
    }
    Ok(())
}
