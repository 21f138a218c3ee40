//! The frames that go through the pipes, and the messages in them.
//!
//! A frame is a length of four bytes, most significant byte first, followed by
//! a message in postcard's format. This is the default of tokio-util's
//! [`LengthDelimitedCodec`], with which the parent reads. The worker has no
//! runtime and reads the same format with [`read_frame`].

use std::io::{self, BufRead, ErrorKind};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio_util::codec::LengthDelimitedCodec;

use crate::error::Error;

/// Number of bytes of a frame before its message.
pub const HEAD: usize = 4;

/// Number of bytes to write to a pipe at once. While one process writes, the
/// kernel keeps the other from reading, so a single large write would make the
/// reader wait for all of it, and a frame that is a little larger than the pipe
/// would make the two wake each other up once more.
pub const PIECE: usize = 128 << 10;

/// The smallest message limit, in bytes.
pub const MIN_LIMIT: usize = 1 << 10;

/// The first message to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub struct Setup {
    /// Limit on its private memory, in bytes.
    pub memory_limit: Option<u64>,
    /// Niceness to add to its own.
    pub niceness: i32,
    /// Limit on the size of a message, in bytes.
    pub message_limit: usize,
}

/// A worker's first message.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ready {
    /// [`GREETING`], if this is a worker at all.
    pub greeting: String,
    /// The reason why it cannot run jobs, if it cannot.
    pub fault: Option<String>,
}

/// Distinguishes a worker from a program that prints something else to stdout.
pub const GREETING: &str = "process-pool worker 1";

/// The end of a job in the worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Outcome<T> {
    /// Its result.
    Done(T),
    /// It returned this error.
    Failed(String),
    /// It panicked with this message.
    Panicked(String),
    /// Its result has this many bytes, which is over the limit.
    TooLarge(usize),
    /// The job could not be decoded, or its result could not be encoded.
    Broken(String),
}

/// Returns the parent's side of the format.
pub fn codec(limit: usize) -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(limit).new_codec()
}

/// Appends a message as a frame. On an error `frames` stays as it was.
///
/// # Errors
///
/// If the message has more than `limit` bytes, or postcard cannot encode it.
pub fn append(
    message: &impl Serialize,
    limit: usize,
    frames: &mut Vec<u8>,
) -> Result<(), Error> {
    let start = frames.len();
    frames.extend_from_slice(&[0; HEAD]);
    let head = match postcard::to_io(message, &mut *frames) {
        Ok(_) => head(frames.len() - start - HEAD, limit),
        Err(error) => Err(Error::Broken(error.to_string())),
    };
    match head {
        Ok(head) => frames[start..start + HEAD].copy_from_slice(&head),
        Err(_) => frames.truncate(start),
    }
    head.map(|_| ())
}

fn head(size: usize, limit: usize) -> Result<[u8; HEAD], Error> {
    match u32::try_from(size) {
        Ok(length) if size <= limit => Ok(length.to_be_bytes()),
        _ => Err(Error::TooLarge { size, limit }),
    }
}

/// Decodes a message, which must use all of the bytes.
///
/// # Errors
///
/// If the bytes are not such a message.
pub fn decode<T: DeserializeOwned>(message: &[u8]) -> Result<T, Error> {
    match postcard::take_from_bytes(message) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(Error::Broken(format!(
            "{} bytes are left over",
            rest.len()
        ))),
        Err(error) => Err(Error::Broken(error.to_string())),
    }
}

/// Returns the length of the first frame including its head; none if the bytes do not
/// contain all of it.
pub fn first_frame(bytes: &[u8]) -> Option<usize> {
    let head = bytes.first_chunk::<HEAD>()?;
    let length = HEAD.checked_add(u32::from_be_bytes(*head) as usize)?;
    (bytes.len() >= length).then_some(length)
}

/// Reads the message of the next frame into `message`, replacing its content.
/// Returns false if the input ended before a frame began.
///
/// # Errors
///
/// If reading fails, the input ends inside a frame, or the frame announces a
/// message of more than `limit` bytes. In that case no memory is allocated for
/// it.
pub fn read_frame(
    input: &mut impl BufRead,
    limit: usize,
    message: &mut Vec<u8>,
) -> io::Result<bool> {
    let ended = loop {
        match input.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            bytes => break bytes?.is_empty(),
        }
    };
    if ended {
        return Ok(false);
    }
    let mut head = [0; HEAD];
    input.read_exact(&mut head)?;
    let length = u32::from_be_bytes(head) as usize;
    if length > limit {
        let text = format!("a message of {length} bytes, over {limit}");
        return Err(io::Error::new(ErrorKind::InvalidData, text));
    }
    message.resize(length, 0);
    input.read_exact(message)?;
    Ok(true)
}

/// Cuts a text off after at most `max` bytes.
pub fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        let fits = |end: &usize| text.is_char_boundary(*end);
        text.truncate((0..=max).rev().find(fits).unwrap_or_default());
    }
    text
}

/// Enlarges a pipe for a message that it could not hold, so that writer and
/// reader need not wake each other up for every piece of it. Linux only. On
/// other systems, and if the system refuses, messages go through in pieces.
#[cfg(target_os = "linux")]
pub fn make_room(pipe: impl std::os::fd::AsFd, bytes: usize) {
    /// Size of a pipe by default.
    const PIPE: usize = 64 << 10;
    /// Size that an ordinary user may ask for, unless configured otherwise.
    const MAX: usize = 1 << 20;

    if bytes <= PIPE {
        return;
    }
    let have = rustix::pipe::fcntl_getpipe_size(&pipe);
    if have.is_ok_and(|have| have < bytes && have < MAX) {
        let size = bytes.next_power_of_two().min(MAX);
        rustix::pipe::fcntl_setpipe_size(&pipe, size).ok();
    }
}
