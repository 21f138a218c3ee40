//! An executor that fits on one screen: it polls a future, sleeps until the
//! future's waker is called, and polls again.
//!
//! ```sh
//! cargo run -p own-executor
//! ```
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

/// Wakes the thread that runs the executor.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future to its result on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future); // it must not move after its first poll
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        println!("Executor: polls");
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            // Sleeps, or returns at once if the waker was already called.
            Poll::Pending => thread::park(),
        }
    }
}

struct State {
    done: bool,
    waker: Option<Waker>,
}

/// A future that is ready when another thread says so.
struct Timer(Arc<Mutex<State>>);

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock().expect("another thread panicked");
        if state.done {
            return Poll::Ready(());
        }
        // Without this line nothing would ever wake the executor.
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

fn timer(after: Duration) -> Timer {
    let state = Arc::new(Mutex::new(State { done: false, waker: None }));
    let timer = Timer(Arc::clone(&state));
    thread::spawn(move || {
        thread::sleep(after); // a runtime needs no thread for each timer
        let mut state = state.lock().expect("another thread panicked");
        state.done = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    });
    timer
}

fn main() {
    block_on(async {
        println!("Future: starts");
        timer(Duration::from_millis(50)).await;
        println!("Future: ends");
    });
}
