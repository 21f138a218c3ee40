//! The output of a program, line by line: bounded, and each line with its time.
use std::io;
use std::path::MAIN_SEPARATOR;
use std::pin::pin;
use std::str::{self, Utf8Error};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::{mpsc, watch};
use tokio::time;

use crate::run::{Limits, Line, Program, Stream};

/// The end of a line that was cut.
pub const LINE_CUT: &str = " [… line cut]";
/// The last line of a stream that was cut.
pub const OUTPUT_CUT: &str = "[… output cut]";

/// The time that output may take to arrive after the process tree has been killed. Only a process
/// that left the group can still hold the streams open then.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

/// The receiver of the lines of both streams, with the number of lines and bytes that it still takes.
#[derive(Clone)]
pub(super) struct Sink {
    start: Instant,
    folder: Arc<str>,
    max_line: usize,
    bytes_left: Arc<AtomicUsize>,
    lines_left: Arc<AtomicUsize>,
    sender: mpsc::Sender<Line>,
    is_killed: watch::Receiver<bool>,
    /// The time that is left for output once the program has been killed.
    patience: Duration,
}

impl Sink {
    /// Makes the sink of a program that was started at this time.
    pub(super) fn new(
        program: &Program,
        limits: Limits,
        start: Instant,
        sender: mpsc::Sender<Line>,
        is_killed: watch::Receiver<bool>,
    ) -> Self {
        Self {
            start,
            folder: format!("{}{MAIN_SEPARATOR}", program.folder.display()).into(),
            max_line: limits.line,
            bytes_left: Arc::new(AtomicUsize::new(limits.output)),
            lines_left: Arc::new(AtomicUsize::new(limits.lines)),
            sender,
            is_killed,
            patience: LAST_OUTPUT,
        }
    }

    /// Sends the lines of a stream until it ends.
    pub(super) async fn read(mut self, stream: impl AsyncRead + Unpin, name: Stream) {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        loop {
            let max = self.max_line;
            let cut = match self.in_time(next_line(&mut reader, max, &mut bytes)).await {
                Some(Ok(Some(cut))) => cut,
                Some(Ok(None) | Err(_)) => return, // a stream that breaks has ended
                None if bytes.is_empty() => return,
                None => false, // the beginning of a line that will never be finished
            };
            let text = String::from_utf8_lossy(&bytes);
            let mut text = text.replace(&*self.folder, "");
            if cut {
                text += LINE_CUT;
            }
            let over = !spend(&self.lines_left, 1) || !spend(&self.bytes_left, text.len() + 1);
            if over {
                text = OUTPUT_CUT.to_owned();
            }
            let line = Line { at: self.start.elapsed(), stream: name, text };
            if self.sender.send(line).await.is_err() {
                return;
            }
            if over {
                // Read on, so that the program does not block on a full pipe.
                self.in_time(tokio::io::copy(&mut reader, &mut tokio::io::sink())).await;
                return;
            }
        }
    }

    /// Returns the output of a read, or None if it has not arrived in time after the program was
    /// killed. Only the time spent in reads counts, so a slow receiver of the lines loses none.
    async fn in_time<T>(&mut self, read: impl Future<Output = T>) -> Option<T> {
        let mut read = pin!(read);
        tokio::select! {
            output = &mut read => return Some(output),
            _ = self.is_killed.wait_for(|&killed| killed) => {}
        }
        let start = Instant::now();
        let output = time::timeout(self.patience, read).await;
        self.patience = self.patience.saturating_sub(start.elapsed());
        output.ok()
    }
}

/// Takes an amount from what is left, unless there is less.
fn spend(left: &AtomicUsize, amount: usize) -> bool {
    let take = |left: usize| left.checked_sub(amount);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
}

/// Reads a line of at most `max` bytes into `bytes`, and returns true if more of it was left out.
/// None at the end of the stream.
async fn next_line(
    reader: &mut (impl AsyncBufReadExt + Unpin),
    max: usize,
    bytes: &mut Vec<u8>,
) -> io::Result<Option<bool>> {
    bytes.clear();
    if (&mut *reader).take(max as u64 + 1).read_until(b'\n', bytes).await? == 0 {
        return Ok(None);
    }
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
        return Ok(Some(false));
    }
    if bytes.len() <= max {
        return Ok(Some(false)); // the last line, without an end
    }
    bytes.truncate(max);
    bytes.truncate(max - part_of_a_character(bytes));
    loop {
        let buffer = reader.fill_buf().await?;
        let (length, is_end) = match buffer.iter().position(|&byte| byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        reader.consume(length);
        if is_end {
            return Ok(Some(true));
        }
    }
}

/// Returns the length of the character at the end of a text that has lost its last bytes, or 0.
fn part_of_a_character(bytes: &[u8]) -> usize {
    let Some(chunk) = bytes.utf8_chunks().last() else { return 0 };
    let is_incomplete = |error: Utf8Error| error.error_len().is_none();
    match str::from_utf8(chunk.invalid()).is_err_and(is_incomplete) {
        true => chunk.invalid().len(),
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(input: &str, max: usize) -> Vec<(String, bool)> {
        let mut reader = BufReader::with_capacity(4, input.as_bytes());
        let (mut bytes, mut lines) = (Vec::new(), Vec::new());
        while let Some(cut) = next_line(&mut reader, max, &mut bytes).await.unwrap() {
            lines.push((String::from_utf8(bytes.clone()).unwrap(), cut));
        }
        lines
    }

    #[tokio::test]
    async fn lines_are_cut_at_their_limit() {
        let expect = |text: &str, cut| (text.to_owned(), cut);
        assert_eq!(lines("", 5).await, []);
        assert_eq!(
            lines("a\r\n\nb", 5).await,
            [expect("a", false), expect("", false), expect("b", false)]
        );
        assert_eq!(
            lines("12345\n123456\n1234567890\n1", 5).await,
            [
                expect("12345", false),
                expect("12345", true),
                expect("12345", true),
                expect("1", false),
            ]
        );
        assert_eq!(lines("123456", 5).await, [expect("12345", true)]);
        // Never inside a character.
        assert_eq!(lines("123é56", 4).await, [expect("123", true)]);
        assert_eq!(lines("123é56", 5).await, [expect("123é", true)]);
        assert_eq!(lines("1🦀6", 4).await, [expect("1", true)]);
    }
}
