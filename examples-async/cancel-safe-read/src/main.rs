//! A read that is canceled halfway loses the bytes that it has read, unless
//! they are kept outside of it.
//!
//! ```sh
//! cargo run -p cancel-safe-read
//! ```
use std::io::{ErrorKind, Result};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{sleep, timeout};

const LIMIT: Duration = Duration::from_millis(100);

// ANCHOR: broken
/// `read_exact` counts in a local variable how much of the buffer is
/// filled. The timeout drops the future, and that count with it.
async fn read_again(stream: &mut DuplexStream) -> Result<String> {
    loop {
        let mut message = [0; 8];
        let read = stream.read_exact(&mut message);
        if let Ok(read) = timeout(LIMIT, read).await {
            read?;
            return Ok(String::from_utf8_lossy(&message).into_owned());
        }
    }
}
// ANCHOR_END: broken

// ANCHOR: fixed
/// `read_buf` is cancel safe: it either adds to the buffer or has read
/// nothing. The buffer outlives the future, so the next attempt continues
/// where the last one stopped.
async fn read_on(stream: &mut DuplexStream) -> Result<String> {
    let mut message = Vec::with_capacity(8);
    while message.len() < 8 {
        let read = stream.read_buf(&mut message);
        if let Ok(read) = timeout(LIMIT, read).await
            && read? == 0
        {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&message).into_owned())
}
// ANCHOR_END: fixed

/// A client that pauses in the middle of its first message.
fn slow_client() -> DuplexStream {
    let (mut client, server) = duplex(64);
    tokio::spawn(async move {
        client.write_all(b"HEAD").await?;
        sleep(2 * LIMIT).await;
        client.write_all(b"BODYNEXTNEXT").await
    });
    server
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    println!("Broken: {}", read_again(&mut slow_client()).await?);
    println!("Fixed: {}", read_on(&mut slow_client()).await?);
    Ok(())
}
