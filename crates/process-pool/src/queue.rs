//! The one queue that all supervisors take their jobs from.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::{Notify, oneshot};

use crate::error::Error;
use crate::wire;

/// Answer of a worker to one job, or the reason why there is none.
pub type Answer = Result<BytesMut, Error>;

/// One job, or the batch of a map, and the caller that gets the answers.
#[derive(Debug)]
pub struct Ticket {
    id: u64,
    pub request: Request,
    /// Closed once the caller has dropped its future. Dropped without an answer
    /// when the pool closes.
    pub caller: oneshot::Sender<Vec<Answer>>,
}

impl Ticket {
    /// Sends the answers, unless the caller no longer waits for them.
    pub fn finish(self) {
        self.caller.send(self.request.answers).ok();
    }

    /// Answers every job that has no answer yet with an error.
    pub fn give_up(mut self, error: &Error) {
        self.request.fail(error);
        self.finish();
    }
}

/// The jobs of a ticket as frames, and the answers so far.
#[derive(Debug)]
pub struct Request {
    frames: Vec<u8>,
    jobs: usize,
    answers: Vec<Answer>,
    /// Set after a worker died: from then on each job is sent by itself, so
    /// that the one that kills its worker takes no other job with it.
    pub alone: bool,
    /// Time limit for the frames that are sent to a worker at once.
    pub limit: Option<Duration>,
}

impl Request {
    pub fn new(frames: Vec<u8>, jobs: usize) -> Self {
        let answers = Vec::with_capacity(jobs);
        Self { frames, jobs, answers, alone: false, limit: None }
    }

    /// Returns the number of jobs without an answer.
    pub fn left(&self) -> usize {
        self.jobs - self.answers.len()
    }

    /// Returns the frames to send now, their number, and the list for their answers.
    pub fn split(&mut self) -> (&[u8], usize, &mut Vec<Answer>) {
        let first = |frames| wire::first_frame(frames).unwrap_or_default();
        let mut frames = &self.frames[..];
        for _ in &self.answers {
            frames = &frames[first(frames)..];
        }
        if self.alone {
            (&frames[..first(frames)], 1, &mut self.answers)
        } else {
            (frames, self.jobs - self.answers.len(), &mut self.answers)
        }
    }

    /// Answers the jobs that were sent and not answered with an error.
    pub fn fail_sent(&mut self, error: &Error) {
        if self.alone {
            self.answers.push(Err(error.clone()));
        } else {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: &Error) {
        let left = self.left();
        self.answers.extend(std::iter::repeat_n(Err(error.clone()), left));
    }
}

/// Jobs that wait for a worker: at most `limit`, and one more for each idle
/// worker.
///
/// Not a channel: a caller that is canceled takes its job out again, so that
/// the queue does not fill up with jobs whose results nothing waits for.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    limit: usize,
    workers: usize,
    /// Notified when a job has been added or the queue has closed.
    added: Notify,
    /// Notified when there may be room for a job, or the queue has closed.
    room: Notify,
}

#[derive(Debug)]
struct State {
    tickets: VecDeque<Ticket>,
    next_id: u64,
    /// Supervisors that wait for a job.
    idle: usize,
    /// Supervisors that cannot start their worker.
    down: usize,
    reason: Option<Error>,
    closed: bool,
}

impl Queue {
    pub fn new(limit: usize, workers: usize) -> Self {
        let state = State {
            tickets: VecDeque::new(),
            next_id: 0,
            idle: 0,
            down: 0,
            reason: None,
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            limit,
            workers,
            added: Notify::new(),
            room: Notify::new(),
        }
    }

    /// Locks the state. A std Mutex: it is held for a few steps and never across an await.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it is held")
    }

    /// Returns the number of jobs that wait.
    pub fn len(&self) -> usize {
        self.state()
            .tickets
            .iter()
            .map(|ticket| ticket.request.left())
            .sum()
    }

    /// Adds a job, or immediately returns the reason why not, with the request.
    pub fn push(
        &self,
        request: Request,
    ) -> Result<Place<'_>, (Error, Request)> {
        let mut state = self.state();
        if state.closed {
            return Err((Error::Closed, request));
        }
        if state.down == self.workers {
            let error = state.reason.clone().unwrap_or(Error::Closed);
            return Err((error, request));
        }
        // Saturating, because usize::MAX means that there is no limit.
        if state.tickets.len() >= self.limit.saturating_add(state.idle) {
            return Err((Error::QueueFull, request));
        }
        let (caller, answers) = oneshot::channel();
        let id = state.next_id;
        state.next_id += 1;
        state.tickets.push_back(Ticket { id, request, caller });
        drop(state);
        self.added.notify_one();
        Ok(Place { queue: self, id, answers })
    }

    /// Adds a job, and waits for that while the queue is full.
    pub async fn push_when_room(
        &self,
        mut request: Request,
    ) -> Result<Place<'_>, Error> {
        loop {
            // Created before the queue is looked at, so that no room that is
            // freed in between is missed.
            let room = self.room.notified();
            request = match self.push(request) {
                Err((Error::QueueFull, request)) => request,
                other => return other.map_err(|(error, _)| error),
            };
            room.await;
        }
    }

    /// Waits for the next job; none if the queue is closed and empty. Cancel safe.
    pub async fn next(&self) -> Option<Ticket> {
        let _idle = Idle::new(self);
        loop {
            let added = self.added.notified();
            {
                let mut state = self.state();
                if let Some(ticket) = state.tickets.pop_front() {
                    self.room.notify_one();
                    return Some(ticket);
                }
                if state.closed {
                    return None;
                }
            }
            added.await;
        }
    }

    /// Accepts no more jobs.
    pub fn close(&self) {
        self.state().closed = true;
        self.added.notify_waiters();
        self.room.notify_waiters();
    }

    /// Drops the jobs that still wait, so that their callers get an error.
    pub fn clear(&self) {
        self.state().tickets.clear();
        self.room.notify_waiters();
    }

    /// Notes that a supervisor cannot start its worker. Once none can, all jobs
    /// fail for this reason: those that wait now and those that come later.
    pub fn down(&self, reason: &Error) {
        let mut state = self.state();
        state.down += 1;
        state.reason = Some(reason.clone());
        if state.down == self.workers {
            for ticket in state.tickets.drain(..) {
                ticket.give_up(reason);
            }
            self.room.notify_waiters();
        }
    }

    /// Notes that a supervisor that was down has a worker again.
    pub fn up(&self) {
        self.state().down -= 1;
    }
}

/// Counts a supervisor as idle while it waits.
struct Idle<'a>(&'a Queue);

impl<'a> Idle<'a> {
    fn new(queue: &'a Queue) -> Self {
        queue.state().idle += 1;
        queue.room.notify_one();
        Self(queue)
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.state().idle -= 1;
    }
}

/// A caller's place: in the queue, or at the worker that took the job.
/// Dropping it cancels the job.
pub struct Place<'a> {
    queue: &'a Queue,
    id: u64,
    answers: oneshot::Receiver<Vec<Answer>>,
}

impl Place<'_> {
    /// Waits for the answers. Dropping this future before it completes cancels
    /// the job.
    pub async fn answers(mut self) -> Result<Vec<Answer>, Error> {
        (&mut self.answers).await.map_err(|_| Error::Closed)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.answers.is_terminated() {
            return; // answered
        }
        // If a supervisor has the job, it sees this and kills the worker.
        self.answers.close();
        let mut state = self.queue.state();
        let is_mine = |ticket: &Ticket| ticket.id == self.id;
        if let Some(index) = state.tickets.iter().position(is_mine) {
            state.tickets.remove(index);
            self.queue.room.notify_one();
        }
    }
}
