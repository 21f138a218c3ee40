//! A connection pool: many requests share a few connections.
//!
//! ```sh
//! cargo run -p connection-pool
//! ```
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

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
    async fn request(&self, line: &str) -> io::Result<String> {
        let _permit = self.permits.acquire().await.expect("never closed");
        let idle = self.idle.lock().expect("no panic").pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => BufReader::new(TcpStream::connect(self.server).await?),
        };
        connection.write_all(format!("{line}\n").as_bytes()).await?;
        let mut answer = String::new();
        if connection.read_line(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // Only after a complete answer: a request that fails or is canceled
        // drops its connection, so that no other reads its answer later.
        self.idle.lock().expect("no panic").push(connection);
        Ok(answer)
    }
}

/// Sends back each line, but never answers "lost".
async fn serve(connection: TcpStream) -> io::Result<()> {
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
async fn main() -> io::Result<()> {
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

    let lost = timeout(Duration::from_millis(50), pool.request("lost")).await;
    println!("Client: a request has timed out: {}", lost.is_err());
    let answers = join_all((0..3).map(|_| pool.request("again"))).await;
    println!("Client: {:?}", Vec::from_iter(answers.iter().flatten()));
    Ok(())
}
