//! The bytes between the pool and a worker.

use bytes::BytesMut;
use process_pool::wire::{self, Outcome, Ready, Setup};
use proptest::prelude::*;
use tokio_util::codec::Decoder;

use crate::task::Task;

const LIMIT: usize = 64;

/// The messages that the worker's reader finds in some bytes, and whether they end well.
fn by_reader(mut bytes: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let (mut messages, mut message) = (Vec::new(), Vec::new());
    loop {
        match wire::read_frame(&mut bytes, LIMIT, &mut message) {
            Ok(true) => messages.push(message.clone()),
            Ok(false) => return (messages, true),
            Err(_) => return (messages, false),
        }
    }
}

/// Returns the messages that the parent's codec finds, and true if they end well.
fn by_codec(bytes: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let (mut messages, mut bytes) = (Vec::new(), BytesMut::from(bytes));
    let mut codec = wire::codec(LIMIT);
    loop {
        match codec.decode_eof(&mut bytes) {
            Ok(Some(message)) => messages.push(message.to_vec()),
            Ok(None) => return (messages, true),
            Err(_) => return (messages, false),
        }
    }
}

/// Bytes that are frames more often than random bytes would be.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let frame = (
        any::<bool>(),
        0..80_u32,
        prop::collection::vec(any::<u8>(), 0..80),
    );
    let frames = prop::collection::vec(frame, 0..6).prop_map(|frames| {
        let frame = |(honest, length, message): (bool, u32, Vec<u8>)| {
            let length = if honest { message.len() as u32 } else { length };
            [&length.to_be_bytes()[..], &message].concat()
        };
        frames.into_iter().flat_map(frame).collect()
    });
    prop_oneof![frames, prop::collection::vec(any::<u8>(), 0..300)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn both_sides_read_arbitrary_bytes_alike(bytes in bytes()) {
        let (by_reader, by_codec) = (by_reader(&bytes), by_codec(&bytes));
        prop_assert_eq!(&by_reader.0, &by_codec.0);
        // The codec accepts an end right after a frame's head; the worker's reader does not.
        let read: usize = by_reader.0.iter().map(|message| wire::HEAD + message.len()).sum();
        if by_reader.1 || bytes.len() != read + wire::HEAD {
            prop_assert_eq!(by_reader.1, by_codec.1);
        }
        if let Some(length) = wire::first_frame(&bytes) {
            prop_assert!(length <= bytes.len());
        }
    }

    #[test]
    fn arbitrary_messages_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        // None of these panics or allocates much memory.
        wire::decode::<Task>(&bytes).ok();
        wire::decode::<Outcome<String>>(&bytes).ok();
        wire::decode::<Outcome<Vec<(u64, String)>>>(&bytes).ok();
        wire::decode::<Setup>(&bytes).ok();
        wire::decode::<Ready>(&bytes).ok();
    }

    #[test]
    fn what_is_written_is_read(texts in prop::collection::vec(".{0,40}", 0..8)) {
        let (mut frames, mut sent) = (Vec::new(), Vec::new());
        for text in texts {
            let before = frames.len();
            match wire::append(&text, LIMIT, &mut frames) {
                Ok(()) => sent.push(text),
                Err(_) => prop_assert_eq!(frames.len(), before, "nothing is left of it"),
            }
        }
        let (messages, well) = by_reader(&frames);
        prop_assert!(well);
        let read: Vec<String> =
            messages.iter().map(|message| wire::decode(message).unwrap()).collect();
        prop_assert_eq!(read, sent);
    }
}
