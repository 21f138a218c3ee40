//! The one queue that all supervisors take their jobs from.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::{Notify, oneshot};

use crate::Error;
use crate::wire;

/// What a worker answered to one job, or why it did not.
pub type Answer = Result<BytesMut, Error>;

/// One job, or the batch of a map, and where the answers go.
#[derive(Debug)]
pub struct Ticket {
    id: u64,
    pub work: Work,
    /// Closed when the caller has gone. Dropped without an answer when the pool
    /// closes.
    pub caller: oneshot::Sender<Vec<Answer>>,
}

impl Ticket {
    /// Sends the answers; a caller that has gone misses nothing.
    pub fn finish(self) {
        self.caller.send(self.work.answers).ok();
    }

    /// Answers all that has no answer yet with an error.
    pub fn give_up(mut self, error: &Error) {
        self.work.fail(error);
        self.finish();
    }
}

/// The jobs of a ticket as frames, and the answers so far.
#[derive(Debug)]
pub struct Work {
    frames: Vec<u8>,
    jobs: usize,
    answers: Vec<Answer>,
    /// After a death: each job goes to the worker by itself, so that the one
    /// that kills takes no other with it.
    pub alone: bool,
    /// The longest that a worker may take for the frames it is sent.
    pub limit: Option<Duration>,
}

impl Work {
    pub fn new(frames: Vec<u8>, jobs: usize) -> Self {
        let answers = Vec::with_capacity(jobs);
        Self { frames, jobs, answers, alone: false, limit: None }
    }

    /// How many jobs have no answer yet.
    pub fn left(&self) -> usize {
        self.jobs - self.answers.len()
    }

    /// The frames to send now, how many they are, and where their answers go.
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

    /// Gives an error to the jobs that were sent and not answered.
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

/// Waiting jobs: at most `limit`, and one more for each idle worker.
///
/// Not a channel: a caller that leaves takes its job out again, so that jobs
/// nobody waits for do not fill the queue.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    limit: usize,
    workers: usize,
    /// A job has come, or the queue has closed.
    work: Notify,
    /// A place has become free, or the queue has closed.
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
            work: Notify::new(),
            room: Notify::new(),
        }
    }

    /// A std Mutex: it is held for a few steps and never across an await.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it is held")
    }

    /// How many jobs wait.
    pub fn len(&self) -> usize {
        self.state().tickets.iter().map(|ticket| ticket.work.left()).sum()
    }

    /// Puts a job in, or says at once why not, and gives the work back.
    pub fn push(&self, work: Work) -> Result<Place<'_>, (Error, Work)> {
        let mut state = self.state();
        if state.closed {
            return Err((Error::Closed, work));
        }
        if state.down == self.workers {
            let error = state.reason.clone().unwrap_or(Error::Closed);
            return Err((error, work));
        }
        if state.tickets.len() >= self.limit + state.idle {
            return Err((Error::QueueFull, work));
        }
        let (caller, answers) = oneshot::channel();
        let id = state.next_id;
        state.next_id += 1;
        state.tickets.push_back(Ticket { id, work, caller });
        drop(state);
        self.work.notify_one();
        Ok(Place { queue: self, id, answers })
    }

    /// The same, but waits while the queue is full.
    pub async fn push_when_room(
        &self,
        mut work: Work,
    ) -> Result<Place<'_>, Error> {
        loop {
            // Made before the look at the queue, so that no free place is
            // missed in between.
            let room = self.room.notified();
            work = match self.push(work) {
                Err((Error::QueueFull, work)) => work,
                other => return other.map_err(|(error, _)| error),
            };
            room.await;
        }
    }

    /// The next job; none when the queue is closed and empty. Cancel safe.
    pub async fn next(&self) -> Option<Ticket> {
        let _idle = Idle::new(self);
        loop {
            let work = self.work.notified();
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
            work.await;
        }
    }

    /// Accepts no more jobs.
    pub fn close(&self) {
        self.state().closed = true;
        self.work.notify_waiters();
        self.room.notify_waiters();
    }

    /// Drops the jobs that still wait, which tells their callers.
    pub fn clear(&self) {
        self.state().tickets.clear();
        self.room.notify_waiters();
    }

    /// A supervisor cannot start its worker. When none can, those who wait are
    /// told so, and those who come.
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

    /// A supervisor that was down has a worker again.
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
/// Dropping it gives the job up.
pub struct Place<'a> {
    queue: &'a Queue,
    id: u64,
    answers: oneshot::Receiver<Vec<Answer>>,
}

impl Place<'_> {
    /// Waits for the answers. Dropping this future before its end gives the
    /// job up.
    pub async fn answers(mut self) -> Result<Vec<Answer>, Error> {
        (&mut self.answers).await.map_err(|_| Error::Closed)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.answers.is_terminated() {
            return; // answered
        }
        self.answers.close(); // seen by the supervisor, if one has the job
        let mut state = self.queue.state();
        let of_mine = |ticket: &Ticket| ticket.id == self.id;
        if let Some(place) = state.tickets.iter().position(of_mine) {
            state.tickets.remove(place);
            self.queue.room.notify_one();
        }
    }
}
