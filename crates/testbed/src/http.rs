//! A small HTTP/1.1 client that sends any bytes, including requests that no
//! well-behaved client would send.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A connection that stays open between requests.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

/// An answer with a body of known length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header lines, in lower case and without their ends.
    pub headers: Vec<String>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// Returns the value, in lower case, of a header. Its name is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            Some(line.strip_prefix(name)?.strip_prefix(':')?.trim())
        })
    }
}

impl Connection {
    /// Connects to `127.0.0.1:PORT`.
    ///
    /// # Errors
    ///
    /// If no server listens there.
    pub async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a GET for a path that is already encoded, and does not wait for the answer.
    ///
    /// # Errors
    ///
    /// If the connection is closed.
    pub async fn send(&mut self, path: &str) -> io::Result<()> {
        self.send_raw(
            format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").as_bytes(),
        )
        .await
    }

    /// Sends these bytes.
    ///
    /// # Errors
    ///
    /// If the connection is closed.
    pub async fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes).await
    }

    /// Reads the next answer.
    ///
    /// # Errors
    ///
    /// If the connection ends first, or what arrives is not a response.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        let bad = |what: &str| {
            io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
        };
        let mut line = String::new();
        let mut lines = Vec::new();
        loop {
            line.clear();
            if self.stream.read_line(&mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line == "\r\n" {
                break;
            }
            lines.push(line.trim_end().to_ascii_lowercase());
        }
        let status = lines
            .first()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status = status.ok_or_else(|| bad("no status"))?;
        let mut answer =
            Answer { status, headers: lines, body: String::new() };
        let length = answer
            .header("content-length")
            .and_then(|length| length.parse().ok());
        let mut body = vec![0; length.ok_or_else(|| bad("no length"))?];
        self.stream.read_exact(&mut body).await?;
        answer.body = String::from_utf8(body)
            .map_err(|_| bad("a body that is not UTF-8"))?;
        Ok(answer)
    }

    /// Sends a GET and reads its answer.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send) and [`answer`](Self::answer).
    pub async fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send(path).await?;
        self.answer().await
    }

    /// Reads as many bytes as the buffer takes.
    ///
    /// # Errors
    ///
    /// If the connection ends first.
    pub async fn read_exact(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.stream.read_exact(bytes).await.map(drop)
    }

    /// Reads to the end of the connection, and returns what arrived.
    ///
    /// # Errors
    ///
    /// If the connection is reset.
    pub async fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).await?;
        Ok(bytes)
    }
}

/// Encodes a text for a path: all bytes but ASCII letters and digits become `%XX`.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
