//! A connection pool: many requests share a few connections.
//!
//! ```sh
//! cargo run -p connection-pool
//! ```
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::join_all;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

struct Pool {
    server: SocketAddr,
    permits: Semaphore,
    // A std Mutex, because it is never held across an await.
    idle: Mutex<Vec<BufReader<TcpStream>>>,
}

impl Pool {
    /// Sends a line and returns the answer. Waits for a free connection.
    async fn request(&self, line: &str) -> Result<String> {
        let _permit = self.permits.acquire().await?;
        let idle = self.idle.lock().expect("another task panicked").pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => BufReader::new(TcpStream::connect(self.server).await?),
        };
        connection.write_all(format!("{line}\n").as_bytes()).await?;
        let mut answer = String::new();
        connection.read_line(&mut answer).await?;
        ensure!(answer.ends_with('\n'), "the server closed the connection");

        // Only after a complete answer: a request that fails or is canceled
        // drops its connection, so that no other reads its answer later.
        let mut idle = self.idle.lock().expect("another task panicked");
        idle.push(connection);
        Ok(answer)
    }
}

/// Sends back each line, but never answers "lost".
async fn serve(connection: TcpStream) -> Result<()> {
    let mut lines = BufReader::new(connection).lines();
    while let Some(line) = lines.next_line().await? {
        if line != "lost" {
            let answer = format!("{line}\n");
            lines.get_mut().write_all(answer.as_bytes()).await?;
        }
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let pool = Pool {
        server: listener.local_addr()?,
        permits: Semaphore::new(3),
        idle: Mutex::default(),
    };
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            println!("Server: a new connection");
            tokio::spawn(serve(connection));
        }
    });

    let answers = join_all((0..100).map(|_| pool.request("hello"))).await;
    println!("Client: {} answers", answers.iter().flatten().count());

    let limit = Duration::from_millis(50);
    let lost = timeout(limit, pool.request("lost")).await;
    println!("Client: a request has timed out: {}", lost.is_err());

    let answers = join_all((0..3).map(|_| pool.request("again"))).await;
    let answers: Vec<_> = answers.iter().flatten().collect();
    println!("Client: {answers:?}");
    Ok(())
}
