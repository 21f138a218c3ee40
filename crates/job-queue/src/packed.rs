//! A job as the bytes in which it came from the server.

use std::marker::PhantomData;

use process_pool::{Job, JobResult, wire};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Turns this process into one that runs a worker's jobs, if a
/// [`Worker`](crate::Worker) has started it as such, and then never returns;
/// otherwise does nothing.
///
/// Call it first in `main` of a worker program: before anything is printed, and
/// before a runtime or other threads start.
pub fn worker<J: Job>() {
    process_pool::worker::<Packed<J>>();
}

/// Runs a job that is still encoded. Only the process that runs the job decodes
/// it, because decoding bytes from the network may panic, loop, or allocate
/// more memory than there is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Packed<J> {
    bytes: ByteBuf,
    #[serde(skip)]
    job: PhantomData<fn(J)>,
}

impl<J> Packed<J> {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: ByteBuf::from(bytes), job: PhantomData }
    }
}

impl<J: Job> Job for Packed<J> {
    /// The encoded result, or why there is none.
    type Output = Result<ByteBuf, String>;

    fn run(self) -> JobResult<Self::Output> {
        let output = match wire::decode::<J>(&self.bytes) {
            Ok(job) => job.run()?,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let encoded = postcard::to_stdvec(&output);
        Ok(encoded.map(ByteBuf::from).map_err(|error| {
            process_pool::Error::Broken(error.to_string()).to_string()
        }))
    }
}
