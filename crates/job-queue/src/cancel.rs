//! Jobs that a worker has, and their cancellation by their callers.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// Number of cancellations to remember. A job that is canceled while it waits
/// may be delivered a moment later.
const REMEMBERED: usize = 1_000;

/// The jobs of one worker by their ids.
#[derive(Debug, Default)]
pub struct Cancels(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    held: HashMap<String, CancellationToken>,
    canceled: VecDeque<String>,
}

impl Cancels {
    /// Notes that the worker has a job; none if the job was canceled already.
    pub fn hold(&self, id: &str) -> Option<Held<'_>> {
        let mut state = self.state();
        if state.canceled.iter().any(|canceled| canceled == id) {
            return None;
        }
        let token = CancellationToken::new();
        state.held.insert(id.to_owned(), token.clone());
        Some(Held { cancels: self, id: id.to_owned(), token })
    }

    /// Cancels a job, if the worker has it or gets it soon.
    pub fn cancel(&self, id: &str) {
        let mut state = self.state();
        match state.held.get(id) {
            Some(token) => token.cancel(),
            None => {
                state.canceled.truncate(REMEMBERED - 1);
                state.canceled.push_front(id.to_owned());
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job that the worker has, for as long as this lives.
#[derive(Debug)]
pub struct Held<'a> {
    cancels: &'a Cancels,
    id: String,
    pub token: CancellationToken,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.cancels.state().held.remove(&self.id);
    }
}
