//! Wait for several sources at once. std can't wait for two channels, so
//! the sources share one channel, and an enum says where a message comes
//! from.
//!
//! ```sh
//! cargo run -p select-channels
//! ```
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

enum Event {
    Key(char),
    Packet(u32),
}

/// Sends two keys and two packets, the second of each only after both first
/// ones have been received: `send` waits for that if the capacity is 0.
fn start(keyboard: SyncSender<Event>, network: SyncSender<Event>) {
    let both = Arc::new(Barrier::new(2));
    let source = |sender: SyncSender<Event>, events: [Event; 2]| {
        let both = Arc::clone(&both);
        thread::spawn(move || {
            for event in events {
                sender.send(event).ok(); // an error: the receiver is gone
                both.wait();
            }
        });
    };
    source(keyboard, [Event::Key('a'), Event::Key('b')]);
    source(network, [Event::Packet(1), Event::Packet(2)]);
}

/// Waits for the second key before it receives the first packet.
fn one_after_the_other(handle: fn(Event)) {
    let (keyboard, keys) = mpsc::sync_channel(0);
    let (network, packets) = mpsc::sync_channel(0);
    start(keyboard, network);
    keys.into_iter().chain(packets).for_each(handle);
}

/// Receives from either source, until both have ended.
fn in_one_channel(handle: fn(Event)) {
    let (sender, events) = mpsc::sync_channel(0);
    start(sender.clone(), sender);
    events.into_iter().for_each(handle);
}

/// Returns whether a function ends within a second.
fn ends(run: fn(fn(Event)), handle: fn(Event)) -> bool {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        run(handle);
        done.send(()).ok();
    });
    ended.recv_timeout(Duration::from_secs(1)).is_ok()
}

fn main() {
    let outcome = |ends| if ends { "all received" } else { "is stuck" };
    let ended = ends(one_after_the_other, |_| {});
    println!("One after the other: {}", outcome(ended));

    let show = |event| match event {
        Event::Key(key) => println!("Key {key}"),
        Event::Packet(number) => println!("Packet {number}"),
    };
    let ended = ends(in_one_channel, show);
    println!("In one channel: {}", outcome(ended));

    // Wait for at most 10 ms.
    let (sender, events) = mpsc::channel::<Event>();
    let limited = || events.recv_timeout(Duration::from_millis(10)).err();
    println!("With a limit: {:?}", limited());
    drop(sender);
    println!("Without a sender: {:?}", limited());
}
